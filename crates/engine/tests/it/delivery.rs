//! How messages come: each at the hour that its reader chose, where the reader wants it, and once.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::PointState;
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::delivery::{
    Asked, Chosen, Joined, ask_mail, confirm_mail, join_line, read_on_the_web, remove_way, set_hour, use_way,
};
use kizuna_engine::actions::people::{self as readers, ListRow};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::line::errand::{self, Done, Errand, Proved};
use kizuna_engine::line::identity::{self, Purpose, Shown};
use kizuna_engine::{Env, explain, reception};
use kizuna_store::line::{self, Friendship};
use kizuna_store::mails;
use kizuna_store::people::{self, NewPoint};
use kizuna_store::tenants::Tenant;
use proptest::prelude::*;

use crate::app::{Family, STAGES, TODAY, TOWN, TestApp, Town, daily, day, jst, line_user, on_both, only};

const HOURS: [u8; 3] = [9, 12, 18];

/// A town that lets its readers choose among these hours.
fn settings(hours: &[u8]) -> Settings {
    let mut settings = TestApp::settings();
    settings.choices.hours = hours.to_vec();
    settings
}

fn town(app: &TestApp) -> Town<'_> {
    let town = app.town_with(TOWN, &settings(&HOURS), &[app.outbox(TOWN)]);
    app.publish(&daily("daily", STAGES));
    town
}

fn choose(town: &Town<'_>, family: &Family, hour: Option<u8>) -> Chosen {
    set_hour(&town.app.env, &town.tenant(), family.subscriber, hour).unwrap()
}

on_both! {
    fn a_message_leaves_at_the_hour_of_its_readers_choice(app) {
        let town = town(app);
        let (early, noon, evening) = (town.family("early").add(), town.family("noon").add(), town.family("evening").add());
        assert_eq!(choose(&town, &noon, Some(12)), Chosen::Now);
        assert_eq!(choose(&town, &noon, Some(12)), Chosen::Already);
        assert_eq!(choose(&town, &evening, Some(18)), Chosen::Now);

        let report = only(app.run());
        assert_eq!((report.sent, report.waiting), (1, 2));
        assert_eq!(town.letters_to(&early).len(), 1);
        app.clock.set(jst("2026-12-24 11:58:00"));
        assert_eq!(only(app.run()).sent, 1);
        app.clock.set(jst("2026-12-24 12:00:00"));
        assert_eq!(only(app.run()).sent, 2);
        assert_eq!(town.letters_to(&noon).len(), 1);
        app.clock.set(jst("2026-12-24 18:00:00"));
        assert_eq!(only(app.run()).sent, 3);
        assert_eq!(town.letters_to(&evening).len(), 1);
    }
}

on_both! {
    fn an_hour_changed_during_the_day_counts_for_what_waits_and_repeats_nothing(app) {
        let town = town(app);
        let (sooner, later, had) = (town.family("sooner").add(), town.family("later").add(), town.family("had").add());
        choose(&town, &sooner, Some(18));
        choose(&town, &later, Some(9));
        assert_eq!(only(app.run()).sent, 1);

        choose(&town, &sooner, Some(9));
        choose(&town, &later, Some(18));
        choose(&town, &had, Some(12));
        app.clock.set(jst("2026-12-24 09:00:00"));
        assert_eq!(only(app.run()).sent, 2, "what was sent before does not come again");
        assert_eq!(town.letters_to(&sooner).len(), 1);
        // The tenant's own hours began long ago: at once.
        choose(&town, &later, None);
        assert_eq!(only(app.run()).sent, 3);
        app.clock.set(jst("2026-12-24 19:00:00"));
        assert_eq!(only(app.run()).sent, 3);
        assert_eq!(town.letters_to(&had).len(), 1);
    }
}

#[test]
fn a_letter_that_waits_is_never_lost_at_the_end_of_the_day() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    app.run();

    app.clock.set(jst("2026-12-24 19:59:58"));
    choose(&town, &family, Some(9));
    app.run();

    assert_eq!(town.letters_to(&family).len(), 1);
}

#[test]
fn whoever_registers_after_their_hour_gets_the_days_message_at_once() {
    let app = TestApp::sqlite();
    let town = town(&app);
    app.clock.set(jst("2026-12-24 15:00:00"));
    let family = town.family("family").registered(day(TODAY)).add();
    choose(&town, &family, Some(9));

    assert_eq!(only(app.run()).sent, 1);
}

#[test]
fn an_hour_that_is_no_longer_offered_is_the_towns_own() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    assert_eq!(choose(&town, &family, Some(17)), Chosen::NotOffered);
    app.town_with(TOWN, &settings(&[9]), &[]);

    assert_eq!(only(app.run()).sent, 1);
}

#[test]
fn whoever_stopped_has_nothing_to_choose_for() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    town.stop(&family);

    assert_eq!(choose(&town, &family, Some(9)), Chosen::NotOffered);
}

#[test]
fn plan_and_explanation_tell_the_hour() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));

    let preview = town.preview(day(TODAY));
    assert_eq!(preview.planned[0].leaves, "18:00");
    let why = explain::why(&app.env, &town.tenant(), &family.subscription.to_string(), day(TODAY)).unwrap();
    assert_eq!(why.leaves, "18:00");
}

#[test]
fn an_operator_who_names_the_day_waits_for_no_hour() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    app.run();
    assert_eq!(town.letters_to(&family).len(), 0);

    app.run_day(TODAY);

    assert_eq!(town.letters_to(&family).len(), 1);
}

/// Something that happens at a minute of the day.
#[derive(Debug, Clone, Copy)]
enum Event {
    Run,
    Choose(usize, Option<u8>),
}

fn events() -> impl Strategy<Value = Vec<(u16, Event)>> {
    let hour = prop_oneof![Just(None), proptest::sample::select(HOURS.to_vec()).prop_map(Some)];
    let event = prop_oneof![
        Just(Event::Run),
        (0..3usize, hour).prop_map(|(who, hour)| Event::Choose(who, hour))
    ];
    proptest::collection::vec((0..24 * 60u16, event), 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whenever hours are changed and the day is run: one message a day for each, never before its reader's hour.
    #[test]
    fn hours_changed_at_any_moment_lose_nothing_and_repeat_nothing(first in events(), second in events()) {
        let app = TestApp::sqlite();
        let town = town(&app);
        let families = [town.family("one").add(), town.family("two").add(), town.family("three").add()];
        town.family("sibling").born("2026-12-20").of(&families[2]).add();
        let mut hours = [None; 3];
        for (midnight, mut events) in [("2026-12-24 00:00:00", first), ("2026-12-25 00:00:00", second)] {
            // The last look at the day; the service looks every few seconds.
            events.push((19 * 60 + 59, Event::Run));
            events.sort_by_key(|(minute, _)| *minute);
            let mut before: BTreeMap<String, usize> = counts(&town, &families);
            for (minute, event) in events {
                app.clock.set(jst(midnight) + SignedDuration::from_mins(i64::from(minute)));
                match event {
                    Event::Choose(who, hour) => {
                        choose(&town, &families[who], hour);
                        hours[who] = hour;
                    }
                    Event::Run => {
                        let known = counts(&town, &families);
                        app.run();
                        for (family, hour) in families.iter().zip(hours) {
                            let came = counts(&town, &families)[&family.address] > known[&family.address];
                            let opens = u16::from(hour.unwrap_or(8)) * 60;
                            prop_assert!(!came || minute >= opens, "{} at minute {minute}, hour {hour:?}", family.address);
                        }
                    }
                }
            }
            for count in before.values_mut() {
                *count += 1;
            }
            prop_assert_eq!(counts(&town, &families), before);
        }
    }
}

/// How many letters each has had.
fn counts(town: &Town<'_>, families: &[Family]) -> BTreeMap<String, usize> {
    let count = |family: &Family| (family.address.clone(), town.letters_to(family).len());
    families.iter().map(count).collect()
}

fn plain(channel: &str, settings: &[(&str, &str)]) -> NewAccount {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    NewAccount {
        channel: channel.into(),
        settings: settings.iter().map(own).collect(),
        ..NewAccount::default()
    }
}

/// A town that writes into a folder, onto readers' own pages, by e-mail and by LINE.
pub(crate) fn town_of_ways(app: &TestApp) -> Town<'_> {
    let mail = [
        ("host", "127.0.0.1"),
        ("port", "9"),
        ("security", "none"),
        ("from_address", "kosodate@hidamari.example"),
        ("envelope_domain", "bounce.hidamari.example"),
    ];
    let mut line = plain("line", &[("channel_id", "1650000001")]);
    line.secrets.insert("channel_secret".into(), "0123456789abcdef".into());
    let mut settings = settings(&HOURS);
    settings.base_url = "https://kosodate.hidamari.example".into();
    let accounts = [app.outbox(TOWN), plain("web", &[]), plain("email", &mail), line];
    let town = app.town_with(TOWN, &settings, &accounts);
    app.publish(&daily("daily", STAGES));
    town
}

/// A reader whose messages come into the folder.
pub(crate) fn in_the_folder(town: &Town<'_>, name: &str) -> Family {
    let (app, scope) = (town.app, town.tenant().scope());
    let account = town.accounts().into_iter().find(|account| account.channel == "outbox");
    let family = town.family(name).point(PointState::Pending).add();
    let address = format!("{name}@hidamari.example");
    let point = NewPoint {
        id: PointId::new(app.env.ids.next()),
        subscriber: family.subscriber,
        account: account.unwrap().id,
        channel: "outbox".into(),
        address: address.clone(),
        state: PointState::Verified,
    };
    app.env
        .db
        .write(|tx| {
            people::remove_point(tx, scope, family.subscriber, family.point)?;
            people::add_point(tx, &app.env.keys, scope, &point)?;
            people::refresh_reach(tx, scope, family.subscriber)
        })
        .unwrap();
    Family {
        address,
        point: point.id,
        ..family
    }
}

/// The channels of a reader, the one that is used first.
pub(crate) fn channels(town: &Town<'_>, family: &Family) -> Vec<(String, bool)> {
    let ways = reception::of(&town.app.env, &town.tenant(), family.subscriber)
        .unwrap()
        .unwrap();
    ways.ways.into_iter().map(|way| (way.channel, way.is_used)).collect()
}

on_both! {
    fn what_waits_goes_the_new_way_and_what_was_sent_does_not_come_again(app) {
        let town = town_of_ways(app);
        let (family, had) = (in_the_folder(&town, "family"), in_the_folder(&town, "had"));
        choose(&town, &family, Some(12));
        assert_eq!(only(app.run()).sent, 1);

        for _ in 0..2 {
            for reader in [&family, &had] {
                read_on_the_web(&app.env, &town.tenant(), reader.subscriber).unwrap();
            }
        }
        app.clock.set(jst("2026-12-24 12:00:00"));
        let report = only(app.run());

        assert_eq!((report.sent, report.failed, report.skipped.len()), (2, 0, 0), "{report:?}");
        assert_eq!((town.letters_to(&family).len(), town.letters_to(&had).len()), (0, 1));
        assert_eq!(town.states(&family, TODAY), [("daily/12w3d".into(), "sent".into())]);
        assert_eq!(channels(&town, &family), [("web".into(), true), ("outbox".into(), false)]);

        // And back, for tomorrow.
        assert_eq!(use_way(&app.env, &town.tenant(), family.subscriber, family.point).unwrap(), Chosen::Now);
        app.clock.set(jst("2026-12-25 12:00:00"));
        app.run();
        assert_eq!(town.letters_to(&family).len(), 1);
    }
}

on_both! {
    fn an_address_can_be_removed_unless_it_is_the_last_one_that_works(app) {
        let town = town_of_ways(app);
        let (env, tenant) = (&app.env, town.tenant());
        let family = in_the_folder(&town, "family");
        assert_eq!(remove_way(env, &tenant, family.subscriber, family.point).unwrap(), Chosen::NotOffered);
        app.clock.set(jst("2026-12-24 07:00:00"));
        app.run();
        read_on_the_web(env, &tenant, family.subscriber).unwrap();
        use_way(env, &tenant, family.subscriber, family.point).unwrap();

        assert_eq!(remove_way(env, &tenant, family.subscriber, family.point).unwrap(), Chosen::Now);
        assert_eq!(remove_way(env, &tenant, family.subscriber, family.point).unwrap(), Chosen::Already);

        assert_eq!(channels(&town, &family), [("web".into(), true)]);
        app.clock.set(jst("2026-12-24 08:00:00"));
        assert_eq!(only(app.run()).sent, 1);
        assert_eq!(town.letters_to(&family).len(), 0);
    }
}

on_both! {
    fn a_stop_said_at_an_address_that_was_taken_away_counts_and_no_list_brings_the_reader_back(app) {
        let town = town_of_ways(app);
        let (env, tenant) = (&app.env, town.tenant());
        let family = in_the_folder(&town, "family");
        read_on_the_web(env, &tenant, family.subscriber).unwrap();
        assert_eq!(remove_way(env, &tenant, family.subscriber, family.point).unwrap(), Chosen::Now);

        let known = env.db.read(|tx| people::by_address(tx, &env.keys, tenant.scope(), "outbox", &family.address)).unwrap();
        assert_eq!(known, Some(family.subscriber), "whoever says a stop there is known");
        town.stop(&family);

        let cells = BTreeMap::from([
            ("channel", "outbox".to_owned()),
            ("address", family.address.clone()),
            ("birth_on", "2026-12-20".to_owned()),
            ("registered_on", TODAY.to_owned()),
            ("state", "active".to_owned()),
        ]);
        let rows = [ListRow { line: 2, cells }];
        let checked = readers::check_list(env, &tenant, &rows, day(TODAY) + 1).unwrap();
        assert_eq!((checked.new, checked.rejected.len()), (0, 1), "{checked:?}");
    }
}

/// The link of the only mail that waits.
pub(crate) fn mailed(town: &Town<'_>) -> Option<String> {
    let env = &town.app.env;
    let mails = env
        .db
        .read(|tx| mails::due(tx, &env.keys, town.tenant().scope(), env.clock.now(), 10))
        .unwrap();
    let words = serde_json::to_string(&mails.last()?.draft).unwrap();
    let link = words.split("https://").nth(1)?.split('"').next()?;
    link.split("/delivery/").nth(1).map(str::to_owned)
}

#[test]
fn a_new_mail_address_counts_when_its_reader_confirms_it_and_not_before() {
    let app = TestApp::sqlite();
    let town = town_of_ways(&app);
    let (env, tenant) = (&app.env, town.tenant());
    let (family, other) = (in_the_folder(&town, "family"), in_the_folder(&town, "other"));
    let ask = |reader: &Family, address: &str| ask_mail(env, &tenant, reader.subscriber, address, "ja").unwrap();
    assert_eq!(ask(&family, "not an address"), Asked::NotAnAddress);
    assert_eq!(ask(&family, "hanako@example.jp"), Asked::Yes);
    assert_eq!(channels(&town, &family), [("outbox".into(), true)], "the old way stays");

    let token = mailed(&town).unwrap();
    let Shown::Good(pass) = identity::show(env, tenant.scope(), Purpose::Address, &token).unwrap() else {
        panic!("the link opens nothing")
    };
    assert_eq!(confirm_mail(env, &tenant, &pass).unwrap(), Joined::Now);
    assert_eq!(
        channels(&town, &family),
        [("email".into(), true), ("outbox".into(), false)]
    );
    assert_eq!(confirm_mail(env, &tenant, &pass).unwrap(), Joined::Before);

    // Somebody else wants the same address: the answer is the same, and nothing changes.
    assert_eq!(ask(&other, "hanako@example.jp"), Asked::Yes);
    let token = mailed(&town).unwrap();
    let Shown::Good(pass) = identity::show(env, tenant.scope(), Purpose::Address, &token).unwrap() else {
        panic!("the link opens nothing")
    };
    assert_eq!(confirm_mail(env, &tenant, &pass).unwrap(), Joined::Taken);
    assert_eq!(channels(&town, &other), [("outbox".into(), true)]);
    assert_eq!(ask(&other, "hanako@example.jp"), Asked::Yes);
    let last = mailed(&town);
    assert_eq!(
        ask(&other, "Ｈanako＠Example.jp"),
        Asked::Yes,
        "nobody learns how often others asked"
    );
    assert_eq!(mailed(&town), last, "nobody is flooded with mails");
    assert_eq!(ask(&other, "sora@example.jp"), Asked::Yes);
    assert_eq!(ask(&other, "umi@example.jp"), Asked::Yes);
    assert_eq!(
        ask(&other, "nagi@example.jp"),
        Asked::TooOften,
        "one reader asks five times a day"
    );
}

/// Goes to LINE for a reader and comes back as a LINE user.
fn by_line(env: &Env, tenant: &Tenant, reader: SubscriberId, user: &str) -> Joined {
    let ticket = errand::ticket(env, tenant.scope(), &Errand::Join(reader)).unwrap();
    match errand::run(env, tenant, &ticket, user).unwrap() {
        Done::Joined(of, joined) if of == reader => joined,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_ticket_of_an_errand_does_one_thing_once_whatever_came_of_it() {
    let app = TestApp::sqlite();
    let town = town_of_ways(&app);
    let (env, tenant) = (&app.env, town.tenant());
    let (family, other) = (in_the_folder(&town, "family"), in_the_folder(&town, "other"));
    let ticket = |reader| errand::ticket(env, tenant.scope(), &Errand::Join(reader)).unwrap();
    let run = |ticket: &str, name: &str| errand::run(env, &tenant, ticket, &line_user(name)).unwrap();

    let first = ticket(family.subscriber);
    assert_eq!(run(&first, "hanako"), Done::Joined(family.subscriber, Joined::Now));
    for name in ["hanako", "stranger"] {
        assert_eq!(run(&first, name), Done::Nothing, "{name}");
    }
    let refused = ticket(other.subscriber);
    assert_eq!(run(&refused, "hanako"), Done::Joined(other.subscriber, Joined::Taken));
    assert_eq!(run(&refused, "stranger"), Done::Nothing);
    assert_eq!(channels(&town, &other), [("outbox".into(), true)]);

    // Where two come back at the same moment, both have looked at the ticket before one of them uses it up.
    let Shown::Good(pass) = identity::show(env, tenant.scope(), Purpose::Errand, &ticket(other.subscriber)).unwrap()
    else {
        panic!("no ticket")
    };
    let join = |name: &str| {
        let user = line_user(name);
        let proved = Proved {
            user: &user,
            ticket: pass.id,
        };
        join_line(env, &tenant, other.subscriber, &proved).unwrap()
    };
    assert_eq!((join("taro"), join("stranger")), (Joined::Now, Joined::Gone));
}

#[test]
fn nobody_is_brought_together_with_another_readers_line() {
    let app = TestApp::sqlite();
    let town = town_of_ways(&app);
    let (env, tenant) = (&app.env, town.tenant());
    let (family, other) = (in_the_folder(&town, "family"), in_the_folder(&town, "other"));
    let user = line_user("hanako");
    assert_eq!(by_line(env, &tenant, family.subscriber, &user), Joined::Now);
    assert_eq!(by_line(env, &tenant, family.subscriber, &user), Joined::Before);
    assert_eq!(by_line(env, &tenant, other.subscriber, &user), Joined::Taken);
    assert_eq!(channels(&town, &other), [("outbox".into(), true)]);

    let friendship = Friendship {
        is_friend: false,
        since_at: env.clock.now(),
    };
    let stranger = line_user("stranger");
    env.db
        .write(|tx| line::put_friendship(tx, &env.keys, tenant.scope(), &stranger, friendship))
        .unwrap();
    assert_eq!(by_line(env, &tenant, other.subscriber, &stranger), Joined::NotAFriend);
    town.stop(&other);
    assert_eq!(by_line(env, &tenant, other.subscriber, &line_user("new")), Joined::Gone);
}

#[test]
fn whoever_chooses_another_way_after_a_block_is_reached_there() {
    let app = TestApp::sqlite();
    let town = town_of_ways(&app);
    let (env, tenant) = (&app.env, town.tenant());
    let family = town.family("family").point(PointState::Blocked).add();
    assert_eq!(channels(&town, &family), [("line".into(), false)]);

    assert_eq!(read_on_the_web(env, &tenant, family.subscriber).unwrap(), Joined::Now);

    assert_eq!(channels(&town, &family), [("web".into(), true)]);
    assert_eq!(only(app.run()).sent, 1);
}

#[test]
fn a_town_that_lets_nobody_change_the_way_is_obeyed() {
    let app = TestApp::sqlite();
    let town = town_of_ways(&app);
    let family = in_the_folder(&town, "family");
    let mut settings = town.tenant().settings;
    settings.choices.ways = false;
    app.town_with(TOWN, &settings, &[]);
    let (env, tenant) = (&app.env, town.tenant());

    assert_eq!(read_on_the_web(env, &tenant, family.subscriber).unwrap(), Joined::Gone);
    assert_eq!(
        ask_mail(env, &tenant, family.subscriber, "hanako@example.jp", "ja").unwrap(),
        Asked::NotOffered
    );
    assert_eq!(
        by_line(env, &tenant, family.subscriber, &line_user("hanako")),
        Joined::Gone
    );
}
