//! Workers that die, workers that wake up late, restored backups and copied databases.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use kizuna_domain::ids::{BatchId, RunId};
use kizuna_engine::actions::tenants as actions;
use kizuna_engine::{EngineError, Env, run};
use kizuna_store::runs::{self, NewBatch, NewDelivery};
use kizuna_testkit::mail::{MailServer, Script, Seen};

use crate::app::{TODAY, TOWN, TestApp, Town, account, daily, day, jst, mail_account, on_both, only, run_on};

/// A town by e-mail whose letters leave one by one.
fn paced<'a>(app: &'a TestApp, server: &MailServer) -> Town<'a> {
    let town = app.town_with(
        TOWN,
        &TestApp::settings(),
        &[mail_account(server, &[("rate_per_second", "10")])],
    );
    app.publish(&daily("daily", crate::app::STAGES));
    town
}

fn paced_outbox(app: &TestApp) -> Town<'_> {
    let mut outbox = app.outbox(TOWN);
    outbox.settings.insert("rate_per_second".into(), "10".into());
    let town = app.town_with(TOWN, &TestApp::settings(), &[outbox]);
    app.publish(&daily("daily", crate::app::STAGES));
    town
}

/// How many messages each reader got.
pub(crate) fn by_reader(seen: &Seen) -> BTreeMap<String, usize> {
    let mut readers = BTreeMap::new();
    for mail in seen.mails.iter().filter(|mail| mail.taken) {
        *readers.entry(mail.to[0].clone()).or_default() += 1;
    }
    readers
}

/// The worker ends here as if the machine had lost its power: nothing is recorded, nothing released.
fn dies() {
    // Silent, because this death is meant.
    std::panic::resume_unwind(Box::new("the machine lost its power"));
}

on_both! {
    fn a_worker_that_dies_leaves_one_letter_in_doubt_and_the_rest_to_the_next_run(app) {
        let server = MailServer::start(Script::pipelining());
        let town = paced(app, &server);
        let families = town.families(10);
        app.clock.on_wait(5, dies);

        let died = app.run();
        assert_eq!(died.failures.len(), 1, "{:?}", died.failures);
        assert_eq!(died.failures[0].tenant, TOWN);
        app.clock.advance(SignedDuration::from_secs(11));
        let report = only(app.run());

        // The fourth had left, but what became of it was not on record yet.
        assert_eq!((report.sent, report.unknown, report.failed, report.waiting), (9, 1, 0, 0), "{report:?}");
        assert_eq!(town.states(&families[3], TODAY), [("daily/12w3d".into(), "unknown".into())]);
        only(app.run());
        let readers = by_reader(&server.seen());
        assert_eq!((readers.len(), readers.values().max()), (10, Some(&1)), "{readers:?}");
        server.finish();
    }
}

on_both! {
    fn the_folder_knows_its_letters_so_that_a_death_leaves_no_doubt(app) {
        let town = paced_outbox(app);
        let families = town.families(10);
        app.clock.on_wait(5, dies);
        assert_eq!(app.run().failures.len(), 1);
        app.clock.advance(SignedDuration::from_secs(11));
        let report = only(app.run());
        assert_eq!((report.sent, report.unknown), (10, 0));
        assert!(families.iter().all(|family| town.letters_to(family).len() == 1));
    }
}

#[test]
fn an_emergency_is_sent_again_where_a_daily_message_is_left_in_doubt() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let town = paced(&app, &server);
    let families = town.families(4);
    let urgent = urgent(&town, &families);
    app.clock.on_wait(3, dies);
    app.run();
    app.clock.advance(SignedDuration::from_secs(11));
    let outcome = app.run();
    assert!(outcome.failures.is_empty());
    let tally = app.env.db.read(|tx| runs::tally(tx, urgent)).unwrap();
    assert_eq!((tally.ended.sent, tally.ended.in_doubt), (4, 0));
    let seen = server.finish();
    assert_eq!(
        by_reader(&seen)[&families[1].address],
        2,
        "the second was in doubt and came again"
    );
    let id = |content: &[u8]| {
        let text = String::from_utf8_lossy(content).into_owned();
        text.lines()
            .find(|line| line.to_ascii_lowercase().starts_with("message-id"))
            .map(str::to_owned)
            .unwrap()
    };
    let copies: Vec<String> = seen
        .mails
        .iter()
        .filter(|mail| mail.to[0] == families[1].address)
        .map(|mail| id(&mail.content))
        .collect();
    assert_eq!(copies[0], copies[1], "the same message under the same name");
}

/// A batch in the lane of emergencies, in a run of its own day, so that the morning does not mix with it.
pub(crate) fn urgent(town: &Town<'_>, families: &[crate::app::Family]) -> RunId {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    let (id, batch) = (RunId::new(env.ids.next()), BatchId::new(env.ids.next()));
    let preview = town.preview(day(TODAY));
    let draft = preview.readings.into_iter().next().unwrap().draft;
    let cohort = kizuna_domain::ids::CohortId::new(env.ids.next());
    let on = day("2026-12-01");
    // Nobody is planned today, so that only the emergency leaves.
    for family in families {
        town.move_to(
            family,
            kizuna_domain::position::Anchor::Birth {
                on: day("2015-01-01"),
                due: None,
            },
        );
    }
    let now = env.clock.now();
    let rows: Vec<NewDelivery> = (0..)
        .zip(families)
        .map(|(number, family)| NewDelivery {
            subscription: family.subscription,
            slot: "emergency/1".into(),
            subscriber: family.subscriber,
            point: family.point,
            cohort,
            batch,
            number,
            day: on,
        })
        .collect();
    let new = NewBatch {
        id: batch,
        run: id,
        account: account(town),
        lane: 0,
        letters: i64::try_from(families.len()).unwrap(),
        attempt: 0,
        not_before: now,
        expires: now + SignedDuration::from_hours(24),
    };
    env.db
        .write(|tx| {
            runs::open(tx, scope, id, on, now)?;
            runs::add_cohort(tx, &env.keys, scope, cohort, &draft)?;
            runs::add_batch(tx, scope, &new)?;
            runs::add_deliveries(tx, scope, &rows)
        })
        .unwrap();
    id
}

on_both! {
    fn a_worker_that_wakes_up_after_its_lease_sends_nothing_more(app) {
        let server = MailServer::start(Script::pipelining());
        let town = paced(app, &server);
        town.families(8);
        let (other, clock) = (app.another_process(), app.clock.clone());
        // Asleep before its fifth letter for longer than its lease; meanwhile another process goes on.
        app.clock.on_wait(5, move || {
            clock.advance(SignedDuration::from_secs(11));
            let report = only(run_on(&other));
            assert_eq!((report.sent, report.unknown, report.waiting), (7, 1, 0), "{report:?}");
        });

        let report = only(app.run());

        assert_eq!((report.sent, report.unknown, report.failed), (7, 1, 0), "{report:?}");
        let readers = by_reader(&server.finish());
        assert_eq!((readers.len(), readers.values().max()), (8, Some(&1)), "{readers:?}");
    }
}

on_both! {
    fn a_dead_workers_batch_on_a_paused_account_keeps_no_run_from_ending(app) {
        let server = MailServer::start(Script::plain());
        let town = paced(app, &server);
        town.families(3);
        app.clock.on_wait(2, dies);
        app.run();
        let now = kizuna_engine::Clock::now(&app.clock);
        app.env.db.write(|tx| kizuna_store::tenants::pause_account(tx, account(&town), "535", now)).unwrap();
        // The lease ends while the account is paused.
        app.clock.advance(SignedDuration::from_secs(11));
        let report = only(app.run());
        assert_eq!((report.sent, report.held), (0, 3), "{report:?}");
        actions::resume(&app.env, &town.tenant()).unwrap();
        let report = only(app.run());
        assert_eq!((report.sent, report.unknown, report.waiting), (2, 1, 0), "{report:?}");
    }
}

fn refused(env: &Arc<Env>) -> String {
    match run::run(env, None, None, &|_, _| {}, &|_| {}) {
        Err(EngineError::Fenced(words)) => words,
        other => panic!("a database that must not send ran: {other:?}"),
    }
}

/// P17: a copy of the database from the middle of a morning, put back next to the witness.
#[test]
fn a_backup_from_the_middle_of_a_run_sends_nothing_before_it_is_claimed() {
    for wait in [1, 4, 8] {
        let app = TestApp::sqlite();
        let town = paced_outbox(&app);
        let families = town.families(8);
        let (env, copy) = (app.another_process(), app.path("backup.db"));
        let backup = copy.clone();
        app.clock.on_wait(wait, move || env.db.backup_to(&backup).unwrap());
        assert_eq!(only(app.run()).sent, 8);
        let before = town.letters();
        // Whatever the restored copy writes again would be seen.
        std::fs::remove_dir_all(app.path("outbox")).unwrap();
        app.clock.advance(SignedDuration::from_mins(30));

        let restored = app.process_on(&copy, &app.env.witness, "machine-1");
        assert!(refused(&restored).contains("kizuna claim"));
        assert!(town.letters().is_empty());

        actions::claim(&restored, Some(day(TODAY))).unwrap();
        let report = only(run_on(&restored));
        assert_eq!(report.sent + report.waiting + report.held, 0, "{report:?}");
        assert!(
            town.letters().is_empty(),
            "before wait {wait}: given up, because the original sent it"
        );
        // From tomorrow on the restored copy is the live one, and the original stays silent.
        app.clock.set(jst("2026-12-25 08:00:00"));
        assert_eq!(only(run_on(&restored)).sent, 8);
        assert!(refused(&app.env).contains("backup") || refused(&app.env).contains("claim"));
        let today = town.letters();
        assert_eq!(today.len(), families.len());
        assert!(
            today
                .iter()
                .all(|letter| before.iter().all(|earlier| earlier.key != letter.key))
        );
    }
}

#[test]
fn a_backup_from_before_the_run_sends_nothing_before_it_is_claimed() {
    let app = TestApp::sqlite();
    let town = app.town();
    town.families(3);
    let copy = app.path("backup.db");
    app.env.db.backup_to(&copy).unwrap();
    assert_eq!(only(app.run()).sent, 3);
    let restored = app.process_on(&copy, &app.env.witness, "machine-1");
    assert!(refused(&restored).contains("restored from a backup"));
    actions::claim(&restored, Some(day(TODAY))).unwrap();
    let report = only(run_on(&restored));
    assert_eq!((report.sent, report.skipped["fenced"]), (0, 3), "{report:?}");
    assert_eq!(town.letters().len(), 3);
}

#[test]
fn a_database_copied_to_another_machine_sends_nothing() {
    let app = TestApp::sqlite();
    let town = app.town();
    town.families(3);
    assert_eq!(only(app.run()).sent, 3);
    town.family("late").add();
    let copy = app.path("copy.db");
    app.env.db.backup_to(&copy).unwrap();
    // With its witness, without it, and with one that nobody can read.
    let elsewhere = app.process_on(&copy, &app.env.witness, "machine-2");
    assert!(refused(&elsewhere).contains("another machine"));
    let bare = app.process_on(&copy, &app.path("none.witness"), "machine-2");
    assert!(refused(&bare).contains("missing"));
    std::fs::write(app.path("broken.witness"), "").unwrap();
    let broken = app.process_on(&copy, &app.path("broken.witness"), "machine-1");
    assert!(refused(&broken).contains("cannot be read"));
    assert_eq!(town.letters().len(), 3);
}

#[test]
fn a_claim_in_the_middle_of_a_run_ends_it() {
    let app = TestApp::sqlite();
    let town = paced_outbox(&app);
    town.families(6);
    let other = app.another_process();
    app.clock.on_wait(3, move || {
        assert_eq!(actions::claim(&other, Some(day(TODAY))).unwrap(), 1);
    });
    let ended = run::run(&app.env, None, None, &|_, _| {}, &|_| {});
    assert!(
        matches!(&ended, Ok(outcome) if outcome.failures.is_empty()) || matches!(ended, Err(EngineError::Fenced(_)))
    );
    assert_eq!(town.letters().len(), 2, "nothing left after the claim");
    assert_eq!(only(run_on(&app.another_process())).waiting, 0);
    assert_eq!(town.letters().len(), 2);
}
