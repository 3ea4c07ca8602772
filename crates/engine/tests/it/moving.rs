//! Moving between towns: nothing moves until the code is used, then everything at once, and no words come twice.

use jiff::SignedDuration;
use kizuna_domain::day::Day;
use kizuna_domain::ids::PointId;
use kizuna_domain::people::{Follower, Reach, SubscriptionState};
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::moving::{
    Arrived, Begun, CODE_LETTERS, SHOWN_AFTER, VALID, Way, arrive, begin, look, may_try, open, withdraw,
};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::line::errand::{self, Done, Errand};
use kizuna_store::audit;
use kizuna_store::people::{self, NewPoint};
use uuid::Uuid;

use crate::app::{Family, STAGES, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, run_on};

const NEW: &str = "komorebi";

pub(crate) fn listed() -> Settings {
    Settings {
        listed: true,
        ..TestApp::settings()
    }
}

/// Two towns with one series, the second of which takes in whoever moves and lets them read on the web.
pub(crate) fn towns(app: &TestApp) -> (Town<'_>, Town<'_>) {
    let web = NewAccount {
        channel: "web".into(),
        ..NewAccount::default()
    };
    let old = app.town_with(TOWN, &TestApp::settings(), &[app.outbox(TOWN)]);
    let new = app.town_with(NEW, &listed(), &[app.outbox(NEW), web]);
    app.publish(&daily("daily", STAGES));
    (old, new)
}

/// A code that a family asks for.
pub(crate) fn code(old: &Town<'_>, new: &Town<'_>, family: &Family) -> String {
    let env = &old.app.env;
    assert_eq!(
        begin(env, &old.tenant(), family.subscriber, &new.tenant()).unwrap(),
        Begun::Now
    );
    open(env, &old.tenant(), family.subscriber).unwrap().unwrap().code
}

/// Goes to LINE with a code and comes back as a LINE user.
fn by_line(new: &Town<'_>, code: &str, user: &str) -> Arrived {
    let (env, tenant) = (&new.app.env, new.tenant());
    let ticket = errand::ticket(env, tenant.scope(), &Errand::Arrive(code.to_owned())).unwrap();
    let Done::Arrived(arrived) = errand::run(env, &tenant, &ticket, user).unwrap() else {
        panic!("no errand")
    };
    assert_eq!(
        errand::run(env, &tenant, &ticket, user).unwrap(),
        Done::Nothing,
        "a ticket works once"
    );
    arrived
}

fn come(new: &Town<'_>, code: &str) -> Arrived {
    come_by_form(new, code, new.app.env.ids.next())
}

/// Comes to read on the page, by the form of a number.
fn come_by_form(new: &Town<'_>, code: &str, number: Uuid) -> Arrived {
    arrive(&new.app.env, &new.tenant(), code, &Way::Web, number).unwrap()
}

/// Everything that is registered in a town, living or ended.
pub(crate) fn registered(town: &Town<'_>) -> Vec<Follower> {
    let env = &town.app.env;
    env.db
        .read(|tx| people::after(tx, &env.keys, town.tenant().scope(), None, 100))
        .unwrap()
}

fn slots(town: &Town<'_>, on: Day) -> Vec<String> {
    town.preview(on).planned.into_iter().map(|row| row.key).collect()
}

on_both! {
    fn whoever_moves_after_the_mornings_message_reads_on_in_the_new_town_the_next_day(app) {
        let (old, new) = towns(app);
        let family = old.family("hanako").add();
        old.family("baby").born("2026-12-20").of(&family).add();
        app.run();
        let before = registered(&old);
        let code = code(&old, &new, &family);
        assert_eq!(code.len(), CODE_LETTERS);

        let luggage = look(&app.env, &new.tenant(), &code.to_lowercase()).unwrap().unwrap();
        assert_eq!(luggage.children, before, "nothing has moved yet");
        let Arrived::Now(reader) = come(&new, &code) else { panic!("nobody came") };

        let here = registered(&new);
        assert_eq!(here.len(), 2);
        for (one, other) in before.iter().zip(&here) {
            assert_eq!((one.anchor, &one.nickname, one.state), (other.anchor, &other.nickname, other.state));
            assert_eq!((other.subscriber, other.registered_on), (reader, day(TODAY)));
        }
        assert!(registered(&old).iter().all(|one| one.state == SubscriptionState::Ended));
        // Today's words came from the old town; tomorrow's come from the new one, and from it alone.
        assert_eq!(slots(&new, day(TODAY)), [""; 0]);
        assert_eq!(slots(&new, day("2026-12-25")), ["daily/12w4d", "daily/d5"]);
        assert_eq!(slots(&old, day("2026-12-25")), [""; 0]);
        app.clock.set(jst("2026-12-25 08:00:00"));
        let reports = run_on(&app.env).reports;
        let sent: Vec<(&str, i64)> = reports.iter().map(|report| (report.tenant.as_str(), report.sent)).collect();
        assert_eq!(sent, [(TOWN, 0), (NEW, 1)]);
    }
}

on_both! {
    fn what_waits_in_the_old_town_never_leaves_it_and_comes_from_the_new_one(app) {
        let (old, new) = towns(app);
        let family = old.family("hanako").add();
        app.clock.set(jst("2026-12-24 07:00:00"));
        app.run();
        assert!(matches!(come(&new, &code(&old, &new, &family)), Arrived::Now(_)));

        app.clock.set(jst("2026-12-24 08:00:00"));
        app.run();

        assert_eq!(old.letters(), []);
        assert_eq!(new.report(TODAY).sent, 1);
        assert_eq!(old.report(TODAY).sent, 0);
    }
}

on_both! {
    fn two_presses_move_once_and_a_used_code_soon_opens_nothing(app) {
        let (old, new) = towns(app);
        let family = old.family("hanako").add();
        let code = code(&old, &new, &family);
        let form = app.env.ids.next();
        let Arrived::Now(reader) = come_by_form(&new, &code, form) else { panic!("nobody came") };
        assert_eq!(come_by_form(&new, &code, form), Arrived::Before(reader));
        assert_eq!(come(&new, &code), Arrived::Nothing, "the code alone proves nobody any more");
        assert_eq!(look(&app.env, &new.tenant(), &code).unwrap().unwrap().arrived, Some(reader));
        app.clock.advance(SHOWN_AFTER);

        assert_eq!(come(&new, &code), Arrived::Nothing);
        assert_eq!(registered(&new).len(), 1);
        let moved = |town: &Town<'_>, action: &str| {
            let scope = town.tenant().scope();
            let entries = app.env.db.read(|tx| audit::latest(tx, Some(scope), None, 100)).unwrap();
            entries.iter().filter(|entry| entry.action == action).count()
        };
        assert_eq!((moved(&old, "reader.moved-out"), moved(&new, "reader.moved-in")), (1, 1));
    }
}

#[test]
fn wrong_withdrawn_expired_and_stopped_codes_open_nothing() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let third = app.town_with("kodachi", &listed(), &[app.outbox("kodachi")]);
    let (env, here) = (&app.env, new.tenant());
    let family = |name: &str| old.family(name).add();

    let stranger = family("stranger");
    let code_of_stranger = code(&old, &new, &stranger);
    assert!(
        look(env, &third.tenant(), &code_of_stranger).unwrap().is_none(),
        "a code leads to one town"
    );
    assert!(look(env, &here, "ACDEFGHJ").unwrap().is_none());
    assert!(look(env, &here, "").unwrap().is_none());

    let unsure = family("unsure");
    let withdrawn = code(&old, &new, &unsure);
    withdraw(env, &old.tenant(), unsure.subscriber).unwrap();
    withdraw(env, &old.tenant(), unsure.subscriber).unwrap();
    assert_eq!(come(&new, &withdrawn), Arrived::Nothing);

    let grieving = family("grieving");
    let stopped = code(&old, &new, &grieving);
    old.stop(&grieving);
    assert_eq!(come(&new, &stopped), Arrived::Nothing);

    let slow = family("slow");
    let expired = code(&old, &new, &slow);
    app.clock.advance(VALID - SignedDuration::from_secs(1));
    assert!(look(env, &here, &expired).unwrap().is_some());
    app.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(come(&new, &expired), Arrived::Nothing);
    assert_eq!(registered(&new), []);
}

#[test]
fn there_is_one_code_at_a_time_and_only_for_towns_that_take_in() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let third = app.town_with("kodachi", &listed(), &[app.outbox("kodachi")]);
    let family = old.family("hanako").add();
    let ask = |to: &Town<'_>| begin(&app.env, &old.tenant(), family.subscriber, &to.tenant()).unwrap();
    let first = code(&old, &new, &family);
    assert_eq!(ask(&new), Begun::Already);
    assert_eq!(ask(&third), Begun::Now);
    assert!(look(&app.env, &new.tenant(), &first).unwrap().is_none());
    assert_eq!(ask(&old), Begun::NotOffered);
    app.town_with("kodachi", &TestApp::settings(), &[]);
    assert_eq!(ask(&third), Begun::NotOffered);
}

#[test]
fn what_cannot_be_used_in_the_new_town_changes_nothing() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let family = old.family("hanako").add();
    let code = code(&old, &new, &family);

    let user = crate::app::line_user("hanako");
    assert_eq!(by_line(&new, &code, &user), Arrived::NoWay);

    assert_eq!(registered(&new), []);
    assert_eq!(registered(&old)[0].state, SubscriptionState::Active);
    assert!(matches!(come(&new, &code), Arrived::Now(_)));
}

on_both! {
    fn a_confirmed_address_comes_along_where_its_reader_wants_that(app) {
        let (old, new) = towns(app);
        let (family, other) = (old.family("hanako").add(), old.family("taro").add());
        let by_mail = |code: &str| arrive(&app.env, &new.tenant(), code, &Way::Mail, app.env.ids.next()).unwrap();
        assert!(matches!(by_mail(&code(&old, &new, &family)), Arrived::Now(_)));

        app.run();

        assert_eq!(new.letters_to(&family).len(), 1);
        assert_eq!(old.letters_to(&family).len(), 0);
        // Somebody who reads at this address in the new town is nobody else's business.
        let taken = new.family("taro").add();
        let env = &app.env;
        let point = people::PointRow { address: other.address.clone(), ..points(&new, &taken).remove(0) };
        env.db
            .write(|tx| {
                let scope = new.tenant().scope();
                people::remove_point(tx, scope, taken.subscriber, point.id)?;
                people::add_point(tx, &env.keys, scope, &NewPoint {
                    id: PointId::new(env.ids.next()),
                    subscriber: taken.subscriber,
                    account: point.account,
                    channel: point.channel.clone(),
                    address: point.address.clone(),
                    state: point.state,
                })
            })
            .unwrap();
        assert_eq!(by_mail(&code(&old, &new, &other)), Arrived::Taken);
        assert_eq!(registered(&old).iter().filter(|one| one.state == SubscriptionState::Active).count(), 1);
    }
}

fn on_line() -> NewAccount {
    let mut line = NewAccount {
        channel: "line".into(),
        ..NewAccount::default()
    };
    line.settings.insert("channel_id".into(), "1650000001".into());
    line.secrets.insert("channel_secret".into(), "0123456789abcdef".into());
    line
}

on_both! {
    fn whoever_moves_back_keeps_their_number_at_the_address_they_had(app) {
        let mut way_back = TestApp::settings();
        way_back.listed = true;
        let (old, new) = towns(app);
        app.town_with(TOWN, &way_back, &[app.outbox(TOWN), on_line()]);
        app.town_with(NEW, &listed(), &[app.outbox(NEW), on_line()]);
        let user = crate::app::line_user("hanako");
        let (family, by_mail) = (old.family("hanako").add(), old.family("taro").by("outbox").add());
        // There and back: by LINE, and at a mail address.
        let there = |family: &Family| code(&old, &new, family);
        let back = |reader| {
            let env = &app.env;
            assert_eq!(begin(env, &new.tenant(), reader, &old.tenant()).unwrap(), Begun::Now);
            open(env, &new.tenant(), reader).unwrap().unwrap().code
        };
        let Arrived::Now(away) = by_line(&new, &there(&family), &user) else { panic!("nobody came") };
        app.clock.advance(SHOWN_AFTER);
        assert_eq!(by_line(&old, &back(away), &user), Arrived::Now(family.subscriber));
        let mail = |town: &Town<'_>, code: &str| arrive(&app.env, &town.tenant(), code, &Way::Mail, app.env.ids.next()).unwrap();
        let Arrived::Now(away) = mail(&new, &there(&by_mail)) else { panic!("nobody came") };
        assert_eq!(mail(&old, &back(away)), Arrived::Now(by_mail.subscriber));

        assert!(registered(&new).iter().all(|one| one.state == SubscriptionState::Ended));
        let reached: Vec<_> = registered(&old)
            .into_iter()
            .filter(|one| one.state == SubscriptionState::Active)
            .map(|one| (one.subscriber, matches!(one.reach, Reach::At { .. })))
            .collect();
        assert_eq!(reached.len(), 2);
        for family in [&family, &by_mail] {
            assert!(reached.contains(&(family.subscriber, true)), "messages come again");
        }
    }
}

#[test]
fn by_line_a_used_code_opens_nothing_for_another_user() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    app.town_with(NEW, &listed(), &[app.outbox(NEW), on_line()]);
    let code = code(&old, &new, &old.family("hanako").add());
    let user = crate::app::line_user("hanako");
    let Arrived::Now(reader) = by_line(&new, &code, &user) else {
        panic!("nobody came")
    };

    assert_eq!(by_line(&new, &code, &user), Arrived::Before(reader));
    assert_eq!(
        by_line(&new, &code, &crate::app::line_user("stranger")),
        Arrived::Nothing
    );
}

fn points(town: &Town<'_>, family: &Family) -> Vec<people::PointRow> {
    let env = &town.app.env;
    env.db
        .read(|tx| people::points(tx, &env.keys, town.tenant().scope(), family.subscriber))
        .unwrap()
}

#[test]
fn nobody_may_try_codes_without_end() {
    let app = TestApp::sqlite();
    let (_, new) = towns(&app);
    let client = Some("192.0.2.7".parse().unwrap());
    let tries = (0..100)
        .take_while(|_| may_try(&app.env, &new.tenant(), client).unwrap())
        .count();
    assert_eq!(tries, 30);
    assert!(may_try(&app.env, &new.tenant(), Some("192.0.2.8".parse().unwrap())).unwrap());
    app.clock.advance(SignedDuration::from_hours(1));
    assert!(may_try(&app.env, &new.tenant(), client).unwrap());
}
