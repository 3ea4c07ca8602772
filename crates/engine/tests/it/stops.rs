//! A stop reaches everything it means: other towns, mails that wait, links that are out, and backups.

use std::fs;
use std::path::PathBuf;

use jiff::SignedDuration;
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::delivery::{Asked, Joined, ask_mail, confirm_mail};
use kizuna_engine::actions::moving::{Arrived, Begun, Way, arrive, begin, open};
use kizuna_engine::actions::registration::{self, Registration, Waiting};
use kizuna_engine::actions::{addresses, data, life, tenants as installation};
use kizuna_engine::line::errand::{self, Errand};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::{Env, outside, retention};
use kizuna_store::{Scope, audit, mails, people, successors};

use crate::app::{Family, TOWN, TestApp, Town, jst, on_both, run_on};
use crate::delivery::{channels, in_the_folder, mailed, town_of_ways};
use crate::moving::{code, listed, registered, towns};

const THIRD: &str = "kodachi";

/// Goes over to another town with the address that a reader has, and gives who they are there.
fn go(from: &Town<'_>, to: &Town<'_>, family: &Family) -> Family {
    let env = &from.app.env;
    let code = code(from, to, family);
    let Arrived::Now(subscriber) = arrive(env, &to.tenant(), &code, &Way::Mail, env.ids.next()).unwrap() else {
        panic!("nobody came")
    };
    let scope = to.tenant().scope();
    let following = env
        .db
        .read(|tx| people::of_subscriber(tx, &env.keys, scope, subscriber));
    Family {
        subscriber,
        subscription: following.unwrap()[0].subscription,
        ..family.clone()
    }
}

fn follows(town: &Town<'_>, family: &Family) -> bool {
    follows_in(&town.app.env, town.tenant().scope(), family)
}

fn follows_in(env: &Env, scope: Scope, family: &Family) -> bool {
    let following = env
        .db
        .read(|tx| people::of_subscriber(tx, &env.keys, scope, family.subscriber));
    !following.unwrap().is_empty()
}

/// What a town's record says of stops: who pressed, and whose.
fn stops(town: &Town<'_>) -> Vec<(String, String)> {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    let entries = env.db.read(|tx| audit::latest(tx, Some(scope), None, 100)).unwrap();
    let stops = entries.into_iter().filter(|entry| entry.action == "reader.stop");
    stops.map(|entry| (entry.actor, entry.subject)).collect()
}

on_both! {
    fn a_stop_by_an_old_message_stops_also_where_the_family_moved_to(app) {
        let (old, new) = towns(app);
        let (family, stays) = (old.family("hanako").add(), new.family("taro").add());
        let there = go(&old, &new, &family);
        app.clock.set(jst("2026-12-24 07:00:00"));
        app.run();

        for _ in 0..2 {
            old.stop(&family);
        }

        assert!(!follows(&new, &there));
        assert!(follows(&new, &stays));
        app.clock.set(jst("2026-12-24 08:00:00"));
        app.run();
        assert_eq!((old.letters().len(), new.letters_to(&there).len(), new.letters_to(&stays).len()), (0, 0, 1));
        let press = |family: &Family| ("reader".to_owned(), family.subscriber.to_string());
        assert_eq!(stops(&old), [press(&family)], "the old town reads of its own reader alone, and once");
        assert_eq!(stops(&new), [press(&there)]);
    }
}

on_both! {
    fn a_stop_in_any_town_that_was_left_reaches_the_one_where_messages_come_from(app) {
        let (old, new) = towns(app);
        app.town_with(TOWN, &listed(), &[app.outbox(TOWN)]);
        let third = app.town_with(THIRD, &listed(), &[app.outbox(THIRD)]);
        for (name, leaves) in [("first", 0), ("second", 1), ("round", 2)] {
            let family = old.family(name).add();
            let second = go(&old, &new, &family);
            let last = go(&new, &third, &second);
            // And all the way round, to the number that they had at first.
            let home = go(&third, &old, &last);
            assert_eq!(home.subscriber, family.subscriber);
            let away = go(&old, &third, &home);
            assert_eq!(away.subscriber, last.subscriber);
            match leaves {
                0 => old.stop(&family),
                1 => new.stop(&second),
                _ => third.stop(&away),
            }
            for (town, who) in [(&old, &family), (&new, &second), (&third, &away)] {
                assert!(!follows(town, who), "{name}");
            }
        }
    }
}

on_both! {
    fn an_old_message_stops_also_when_the_old_town_has_forgotten_its_reader(app) {
        let (old, new) = towns(app);
        let family = old.family("hanako").add();
        let there = go(&old, &new, &family);
        for _ in 0..2 {
            assert!(retention::tick(&app.env).unwrap().is_empty());
            app.clock.advance(SignedDuration::from_hours(24 * 91));
        }
        let known = app.env.db.read(|tx| people::exists(tx, old.tenant().scope(), family.subscriber)).unwrap();
        assert!(!known && follows(&new, &there));

        old.stop(&family);

        assert!(!follows(&new, &there));
    }
}

#[test]
fn a_pause_or_the_end_for_one_child_in_the_old_town_leaves_the_new_one_alone() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let family = old.family("hanako").add();
    let there = go(&old, &new, &family);

    life::pause(&app.env, &old.tenant(), family.subscriber, life::Which::All).unwrap();
    life::stop_one(&app.env, &old.tenant(), family.subscriber, family.subscription).unwrap();

    assert!(
        registered(&new)
            .iter()
            .all(|one| one.state == SubscriptionState::Active)
    );
    assert!(follows(&new, &there));
}

#[test]
fn a_stop_in_the_new_town_leaves_alone_what_is_registered_anew_in_the_old_one() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let family = old.family("hanako").add();
    let there = go(&old, &new, &family);
    let again = old.family("again").born("2026-12-20").of(&family).add();

    new.stop(&there);

    assert!(follows(&old, &again) && !follows(&new, &there));
}

#[test]
fn whoever_registers_again_in_the_old_town_stops_both_there() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let family = old.family("hanako").add();
    let there = go(&old, &new, &family);
    let again = old.family("again").born("2026-12-20").of(&family).add();
    assert!(follows(&old, &again) && follows(&new, &there));

    old.stop(&again);

    assert!(!follows(&old, &again) && !follows(&new, &there));
}

on_both! {
    fn erasing_in_the_old_town_stops_in_the_new_one_and_leaves_its_record(app) {
        let (old, new) = towns(app);
        let family = old.family("hanako").add();
        let there = go(&old, &new, &family);

        data::erase(&app.env, old.tenant().scope(), family.subscriber).unwrap();

        assert!(!follows(&new, &there));
        let scope = new.tenant().scope();
        let left = app.env.db.read(|tx| {
            Ok((people::exists(tx, scope, there.subscriber)?, successors::predecessors(tx, scope, there.subscriber)?))
        });
        assert_eq!(left.unwrap(), (true, vec![]), "nothing leads from one to the other any more");
    }
}

fn waiting(town: &Town<'_>) -> Vec<String> {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    let far = env.clock.now() + SignedDuration::from_hours(1_000);
    let mails = env.db.read(|tx| mails::due(tx, &env.keys, scope, far, 100)).unwrap();
    let mut addresses: Vec<String> = mails.into_iter().map(|mail| mail.address).collect();
    addresses.sort_unstable();
    addresses
}

fn shown(town: &Town<'_>, purpose: Purpose, token: &str) -> Shown {
    identity::show(&town.app.env, town.tenant().scope(), purpose, token).unwrap()
}

fn pass(town: &Town<'_>, purpose: Purpose, token: &str) -> Pass {
    match shown(town, purpose, token) {
        Shown::Good(pass) => pass,
        other => panic!("{other:?}"),
    }
}

/// Asks to register at an address, as somebody whom nobody knows does.
fn asks_to_register(town: &Town<'_>, address: &str) {
    let env = &town.app.env;
    let waiting = Waiting {
        address: address.to_owned(),
        registration: Registration::new(
            kizuna_domain::position::Anchor::Due(crate::app::day("2027-05-01")),
            "v1",
        ),
    };
    registration::ask_by_mail(env, &town.tenant(), env.ids.next(), &waiting, "ja").unwrap();
}

on_both! {
    fn no_mail_that_a_reader_asked_for_leaves_after_their_stop(app) {
        let town = town_of_ways(app);
        let (env, tenant) = (&app.env, town.tenant());
        let (family, other) = (in_the_folder(&town, "family"), in_the_folder(&town, "other"));
        assert_eq!(ask_mail(env, &tenant, family.subscriber, "new@example.jp", "ja").unwrap(), Asked::Yes);
        let token = mailed(&town).unwrap();
        let before = pass(&town, Purpose::Address, &token);
        assert_eq!(ask_mail(env, &tenant, other.subscriber, "other@example.jp", "ja").unwrap(), Asked::Yes);
        // Somebody registers at the same address: they asked for it themselves, and are told apart.
        asks_to_register(&town, "new@example.jp");
        assert_eq!(waiting(&town), ["new@example.jp", "new@example.jp", "other@example.jp"]);

        town.stop(&family);

        assert_eq!(waiting(&town), ["new@example.jp", "other@example.jp"]);
        assert_eq!(shown(&town, Purpose::Address, &token), Shown::Nothing, "the link in it opens nothing");
        assert_eq!(confirm_mail(env, &tenant, &before).unwrap(), Joined::Gone, "nor for whoever had it open");
        let joined = env.db.read(|tx| people::point_at(tx, &env.keys, tenant.scope(), "email", "new@example.jp"));
        assert_eq!(joined.unwrap(), None);
    }
}

/// One link of each kind that belongs to a reader, by what it is for.
fn links_of(town: &Town<'_>, family: &Family) -> Vec<(Purpose, String)> {
    let (env, tenant) = (&town.app.env, town.tenant());
    let last = |part: &str| {
        let far = env.clock.now();
        let mails = env
            .db
            .read(|tx| mails::due(tx, &env.keys, tenant.scope(), far, 100))
            .unwrap();
        let words = serde_json::to_string(&mails.last().unwrap().draft).unwrap();
        let (_, token) = words.split_once(part).unwrap();
        token.split('"').next().unwrap().to_owned()
    };
    assert_eq!(
        ask_mail(env, &tenant, family.subscriber, "new@example.jp", "ja").unwrap(),
        Asked::Yes
    );
    let mut links = vec![(Purpose::Address, last("/delivery/"))];
    asks_to_register(town, &family.address);
    links.push((Purpose::MailConfirm, last("/confirm/")));
    addresses::bounced(env, &tenant, family.point, Trouble::Filtered).unwrap();
    addresses::ask_repair(env, &tenant, family.subscriber, "ja").unwrap();
    links.push((Purpose::Repair, last("/repair/")));
    let errand = errand::ticket(env, tenant.scope(), &Errand::Join(family.subscriber)).unwrap();
    links.push((Purpose::Errand, errand));
    links
}

on_both! {
    fn the_links_of_an_erased_reader_open_nothing(app) {
        let town = town_of_ways(app);
        let (gone, stays) = (in_the_folder(&town, "gone"), in_the_folder(&town, "stays"));
        let (theirs, others) = (links_of(&town, &gone), links_of(&town, &stays));

        data::erase(&app.env, town.tenant().scope(), gone.subscriber).unwrap();

        for (purpose, token) in theirs {
            assert_eq!(shown(&town, purpose, &token), Shown::Nothing, "{purpose:?}");
        }
        for (purpose, token) in others {
            pass(&town, purpose, &token);
        }
    }
}

on_both! {
    fn an_address_of_somebody_who_follows_nothing_any_more_can_be_taken_over_by_whoever_proves_it(app) {
        let town = town_of_ways(app);
        let (env, tenant) = (&app.env, town.tenant());
        let (former, family) = (town.family("former").by("email").add(), in_the_folder(&town, "family"));
        let join = || {
            assert_eq!(ask_mail(env, &tenant, family.subscriber, &former.address, "ja").unwrap(), Asked::Yes);
            let token = mailed(&town).unwrap();
            confirm_mail(env, &tenant, &pass(&town, Purpose::Address, &token)).unwrap()
        };
        assert_eq!(join(), Joined::Taken, "they still read there");
        town.stop(&former);

        assert_eq!(join(), Joined::Now);

        assert_eq!(channels(&town, &family), [("email".into(), true), ("outbox".into(), false)]);
        // The letters that came there before are still in that mailbox: their stop stops what comes there now.
        town.stop(&former);
        assert!(!follows(&town, &family));
    }
}

/// The files that name stops.
fn files(app: &TestApp) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(app.env.witness.parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".stopped-"))
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn what_was_stopped_after_a_backup_is_stopped_once_more_before_anything_is_sent() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let (hanako, taro, moved) = (
        old.family("hanako").add(),
        old.family("taro").add(),
        old.family("moved").add(),
    );
    let elder = old.family("elder").born("2026-12-20").of(&taro).add();
    let stays = old.family("stays").add();
    app.run();
    let backup = app.path("backup.db");
    app.env.db.backup_to(&backup).unwrap();
    app.clock.advance(SignedDuration::from_mins(1));
    old.stop(&hanako);
    life::stop_one(&app.env, &old.tenant(), taro.subscriber, elder.subscription).unwrap();
    // They moved after the backup, and stopped where they went: the backup has them in the old town still.
    let there = go(&old, &new, &moved);
    new.stop(&there);
    outside::note(&app.env).unwrap();

    let restored = app.process_on(&backup, &app.env.witness, "machine-1");
    let scope = old.tenant().scope();
    assert!(follows_in(&restored, scope, &hanako) && follows_in(&restored, scope, &moved));
    assert!(
        kizuna_engine::witness::may_send(&restored).is_err(),
        "it is known as a backup, although nothing was sent since"
    );
    let repeated = outside::repeat(&restored).unwrap();
    assert_eq!((repeated.stopped, repeated.erased), (3, 0));
    installation::claim(&restored, None).unwrap();

    assert!(!follows_in(&restored, scope, &hanako) && !follows_in(&restored, scope, &moved));
    let left = restored
        .db
        .read(|tx| people::of_subscriber(tx, &restored.keys, scope, taro.subscriber))
        .unwrap();
    assert_eq!(left.len(), 1, "the other child goes on");
    assert_eq!(left[0].subscription, taro.subscription);
    assert!(follows_in(&restored, scope, &stays));
    assert_eq!(outside::repeat(&restored).unwrap(), outside::Repeated::default());
    app.clock.advance(SignedDuration::from_hours(24));
    let sent: i64 = run_on(&restored).reports.iter().map(|report| report.sent).sum();
    assert_eq!(sent, 2, "taro's other child and the family that stays");
}

on_both! {
    fn whoever_registers_anew_after_a_stop_is_not_stopped_by_the_file(app) {
        let (old, _) = towns(app);
        let hanako = old.family("hanako").add();
        old.stop(&hanako);
        outside::note(&app.env).unwrap();
        app.clock.advance(SignedDuration::from_hours(1));
        let again = old.family("again").born("2026-12-20").of(&hanako).add();

        assert_eq!(outside::repeat(&app.env).unwrap(), outside::Repeated::default());

        assert!(follows(&old, &again));
    }
}

on_both! {
    fn a_stop_waits_in_the_database_until_the_file_names_it(app) {
        let (old, _) = towns(app);
        let (hanako, taro) = (old.family("hanako").add(), old.family("taro").add());
        old.stop(&hanako);
        assert!(files(app).is_empty(), "no press waits for the file");
        // The process died; another one finds what is to be written, although the power failed in the middle of a line.
        let month = app.env.witness.with_extension("stopped-2026-12");
        fs::write(&month, "2026-12-24T00:00:00Z ten_01").unwrap();
        outside::note(&app.another_process()).unwrap();
        for _ in 0..3 {
            old.stop(&taro);
            outside::note(&app.env).unwrap();
        }

        let lines = fs::read_to_string(&month).unwrap();
        for family in [&hanako, &taro] {
            let name = family.subscription.to_string();
            assert_eq!(lines.lines().filter(|line| line.ends_with(&name)).count(), 1, "{lines}");
            assert!(!lines.contains(&family.address));
        }
        assert_eq!(files(app), [month]);
    }
}

#[test]
fn files_of_stops_are_kept_for_two_years() {
    let app = TestApp::sqlite();
    let (old, _) = towns(&app);
    for month in 0..30 {
        let family = old.family(&format!("family{month}")).add();
        old.stop(&family);
        outside::note(&app.env).unwrap();
        app.clock.advance(SignedDuration::from_hours(24 * 31));
    }
    let before = files(&app).len();
    assert!(before > outside::STOP_FILES_MAX);

    assert!(retention::tick(&app.env).unwrap().is_empty());

    let left = files(&app);
    assert_eq!(left.len(), outside::STOP_FILES_MAX);
    assert!(left.last().unwrap().ends_with("kizuna.stopped-2029-06"), "{left:?}");
}

#[test]
fn a_code_asked_for_before_a_stop_elsewhere_opens_nothing() {
    let app = TestApp::sqlite();
    let (old, new) = towns(&app);
    let third = app.town_with(THIRD, &listed(), &[app.outbox(THIRD)]);
    let family = old.family("hanako").point(PointState::Verified).add();
    let there = go(&old, &new, &family);
    let env = &app.env;
    assert_eq!(
        begin(env, &new.tenant(), there.subscriber, &third.tenant()).unwrap(),
        Begun::Now
    );
    let code = open(env, &new.tenant(), there.subscriber).unwrap().unwrap().code;

    old.stop(&family);

    assert_eq!(
        arrive(env, &third.tenant(), &code, &Way::Mail, env.ids.next()).unwrap(),
        Arrived::Nothing
    );
    assert_eq!(registered(&third), []);
}
