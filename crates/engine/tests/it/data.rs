//! The end of what is kept: timers, last days, erasing at once, and erasing again after a restore.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kizuna_domain::ids::PointId;
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_engine::actions::people::{self as readers, ListRow};
use kizuna_engine::actions::{data, tenants as installation};
use kizuna_engine::{outside, planner, retention};
use kizuna_store::people::NewPoint;
use kizuna_store::{Keyring, audit, people};
use uuid::Uuid;

use crate::app::{Family, TODAY, TOWN, TestApp, Town, account, daily, day, jst, on_both, only};

impl Town<'_> {
    fn knows(&self, family: &Family) -> bool {
        let scope = self.tenant().scope();
        self.app
            .env
            .db
            .read(|tx| people::exists(tx, scope, family.subscriber))
            .unwrap()
    }

    fn agrees(&self, family: &Family) {
        let (env, scope) = (&self.app.env, self.tenant().scope());
        let (id, now) = (env.ids.next(), env.clock.now());
        env.db
            .write(|tx| people::add_consent(tx, scope, id, family.subscriber, "messages", "v1", "mail", now))
            .unwrap();
    }

    fn erase(&self, family: &Family) {
        data::erase(&self.app.env, self.tenant().scope(), family.subscriber).unwrap();
    }

    /// Rows of the ledger about a family.
    fn rows(&self, family: &Family) -> usize {
        let scope = self.tenant().scope();
        let rows =
            |tx: &mut kizuna_store::ReadTx<'_>| kizuna_store::runs::all_of_subscription(tx, scope, family.subscription);
        self.app.env.db.read(rows).unwrap().len()
    }

    fn record(&self) -> Vec<(String, String, String)> {
        let scope = self.tenant().scope();
        let entries = self
            .app
            .env
            .db
            .read(|tx| audit::latest(tx, Some(scope), None, 100))
            .unwrap();
        entries
            .into_iter()
            .map(|entry| (entry.action, entry.subject, entry.detail))
            .collect()
    }
}

fn tick(app: &TestApp) {
    let failures = retention::tick(&app.env).unwrap();
    assert!(failures.is_empty(), "{failures:?}");
}

fn days_later(app: &TestApp, days: i64) {
    app.clock.advance(SignedDuration::from_hours(24 * days));
}

on_both! {
    fn whoever_stopped_is_erased_when_the_towns_days_are_over(app) {
        let town = app.town();
        let (hanako, taro) = (town.family("hanako").add(), town.family("taro").add());
        app.run();
        town.stop(&hanako);
        tick(app);
        days_later(app, 89);
        tick(app);
        assert!(town.knows(&hanako));

        days_later(app, 1);
        tick(app);

        assert!(!town.knows(&hanako) && town.knows(&taro));
        assert_eq!((town.rows(&hanako), town.rows(&taro)), (0, 1));
        assert_eq!(town.record()[0], ("readers.purge".into(), "list".into(), "erased=1".into()));
    }
}

on_both! {
    fn a_reader_who_cannot_be_erased_keeps_nobody_else(app) {
        let town = app.town();
        let families = [town.family("hanako").add(), town.family("taro").add(), town.family("jiro").add()];
        for family in &families {
            town.stop(family);
            tick(app);
        }
        let unreadable = NewPoint {
            id: PointId::new(app.env.ids.next()),
            subscriber: families[1].subscriber,
            account: account(&town),
            channel: "outbox".into(),
            address: "taro@example.jp".into(),
            state: PointState::Verified,
        };
        let (scope, other_keys) = (town.tenant().scope(), Keyring::new(&[8; 32]));
        app.env.db.write(|tx| people::add_point(tx, &other_keys, scope, &unreadable)).unwrap();
        days_later(app, 90);

        tick(app);

        assert_eq!(families.each_ref().map(|family| town.knows(family)), [false, true, false]);
    }
}

on_both! {
    fn whoever_came_to_the_last_day_reads_for_years_unless_they_withdraw(app) {
        let town = app.town();
        let (hanako, taro) = (town.family("hanako").born("2023-12-20").add(), town.family("taro").born("2023-12-21").add());
        for family in [&hanako, &taro] {
            town.agrees(family);
        }
        tick(app);
        assert_eq!(town.record()[0], ("readers.complete".into(), "list".into(), "ended=1".into()), "the other may still be made up");
        days_later(app, 1);
        tick(app);
        // After the last day there is nothing to stop, and yet it is heard.
        town.stop(&taro);
        tick(app);
        days_later(app, 91);
        tick(app);
        assert!(town.knows(&hanako) && !town.knows(&taro));
        days_later(app, 1_005);
        tick(app);
        assert!(!town.knows(&hanako));
    }
}

/// Neither the calendar nor a waiting that ends makes a birth of a due date.
#[test]
fn a_birth_that_nobody_told_of_never_happens_and_ends_quietly() {
    for awaiting in [180, 5_000] {
        let app = TestApp::sqlite();
        let mut settings = TestApp::settings();
        settings.retention.awaiting_days = awaiting;
        let town = app.town_with(TOWN, &settings, &[app.outbox(TOWN)]);
        app.publish(&daily("daily", "38w0d..41w6d d0..d100 m1..m13 n100"));
        let hanako = town.family("hanako").due(&(day(TODAY) + 10).to_string()).add();
        for ahead in 0..400 {
            app.clock.set(jst(&format!("{} 08:00:00", day(TODAY) + ahead)));
            if ahead % 37 != 5 {
                app.run();
            }
            tick(&app);
            let scope = town.tenant().scope();
            let living = app
                .env
                .db
                .read(|tx| people::of_subscriber(tx, &app.env.keys, scope, hanako.subscriber));
            let waits = ahead <= 10 + 14 + i32::from(awaiting);
            assert_eq!(living.unwrap().len(), usize::from(waits), "day {ahead}");
        }
        let letters = town.letters_to(&hanako);
        // From 38w4d to 41w6d, one day without a run, and the one question at 42w0d.
        assert_eq!(letters.len(), 24, "{awaiting}");
        for letter in letters {
            let text = letter.text;
            assert!(
                !["おめでとう", "本文 d", "本文 m", "本文 n"]
                    .iter()
                    .any(|words| text.contains(words)),
                "{text}"
            );
        }
    }
}

on_both! {
    fn registering_again_ends_the_timer(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        town.stop(&hanako);
        tick(app);
        days_later(app, 60);
        let again = town.family("next").born("2027-02-20").of(&hanako).add();
        days_later(app, 60);
        tick(app);
        assert!(town.knows(&again));
    }
}

on_both! {
    fn a_reader_who_erases_in_the_middle_of_a_batch_fails_nobodys_letter(app) {
        let mut outbox = app.outbox(TOWN);
        outbox.settings.insert("rate_per_second".into(), "10".into());
        let town = app.town_with(TOWN, &TestApp::settings(), &[outbox]);
        app.publish(&daily("daily", crate::app::STAGES));
        let families = town.families(9);
        // While the fourth letter waits for its turn: one that left, one that comes next, one that comes last.
        let (env, scope) = (app.another_process(), town.tenant().scope());
        let gone: Vec<Family> = [1, 4, 8].into_iter().map(|place: usize| families[place].clone()).collect();
        let erasing = gone.clone();
        app.clock.on_wait(4, move || {
            for family in &erasing {
                data::erase(&env, scope, family.subscriber).unwrap();
            }
        });

        let report = only(app.run());

        assert_eq!((report.sent, report.failed, report.unknown, report.waiting), (7, 0, 0, 0), "{report:?}");
        for (place, family) in families.iter().enumerate() {
            assert_eq!(town.letters_to(family).len(), usize::from(![4, 8].contains(&place)), "{place}");
        }
        tick(app);
        for family in &gone {
            assert!(!town.knows(family));
            assert_eq!(town.rows(family), 0);
        }
        assert_eq!(only(app.run()).sent, 7, "the counts stay");
    }
}

on_both! {
    fn erasing_says_that_it_happened_and_not_to_whom(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        town.erase(&hanako);
        town.erase(&hanako);
        let erasures: Vec<_> = town.record().into_iter().filter(|(action, _, _)| action.starts_with("reader")).collect();
        assert_eq!(erasures, [("reader.erase".to_owned(), "reader".to_owned(), String::new())]);
        app.run();
        assert!(town.letters().is_empty());
    }
}

/// A plan that read its readers before one of them was erased writes of them afterwards.
#[test]
fn a_plan_that_was_being_made_writes_to_nobody_who_is_gone() {
    let app = TestApp::sqlite();
    let town = app.town();
    let (hanako, taro) = (town.family("hanako").add(), town.family("taro").add());
    planner::plan_day(&app.env, &town.tenant(), day(TODAY), planner::Hours::Respected).unwrap();
    // What the planner would have written a moment later is what it wrote a moment before.
    let scope = town.tenant().scope();
    app.env
        .db
        .write(|tx| {
            kizuna_store::erase::hold(tx, scope, hanako.subscriber)?;
            let parting = kizuna_domain::retention::Parting::Stopped;
            kizuna_store::erase::reader(
                tx,
                &app.env.keys,
                scope,
                hanako.subscriber,
                parting,
                app.env.clock.now(),
            )
        })
        .unwrap();
    let report = only(app.run());
    assert_eq!((report.sent, report.skipped["stopped"]), (1, 1), "{report:?}");
    assert!(town.letters_to(&hanako).is_empty() && town.letters_to(&taro).len() == 1);
    tick(&app);
    assert_eq!(town.rows(&hanako), 0);
}

#[test]
fn whom_a_restored_backup_brings_back_is_erased_once_more() {
    let app = TestApp::sqlite();
    let town = app.town();
    let (hanako, taro) = (town.family("hanako").add(), town.family("taro").add());
    app.run();
    let backup = app.path("backup.db");
    app.env.db.backup_to(&backup).unwrap();
    days_later(&app, 1);
    // A backup is known as old when something was sent after it.
    app.run();
    town.erase(&hanako);
    town.stop(&taro);
    tick(&app);
    days_later(&app, 90);
    tick(&app);
    assert!(!town.knows(&hanako) && !town.knows(&taro));

    let restored = app.process_on(&backup, &app.env.witness, "machine-1");
    let scope = town.tenant().scope();
    let known = |family: &Family| {
        restored
            .db
            .read(|tx| people::exists(tx, scope, family.subscriber))
            .unwrap()
    };
    assert!(known(&hanako) && known(&taro));
    assert!(
        retention::tick(&restored).is_err(),
        "a database that may not send erases nobody"
    );
    installation::claim(&restored, None).unwrap();
    assert_eq!(outside::repeat(&restored).unwrap().erased, 2);

    assert!(!known(&hanako) && !known(&taro));
    assert_eq!(outside::repeat(&restored).unwrap(), outside::Repeated::default());
}

#[test]
fn whoever_comes_back_under_the_same_number_after_an_erasure_is_somebody_else() {
    let app = TestApp::sqlite();
    let town = app.town();
    let hanako = town.family("hanako").add();
    town.erase(&hanako);
    days_later(&app, 1);
    // A list that another system keeps may name the number once more.
    let row = BTreeMap::from([
        ("channel", "outbox".to_owned()),
        ("address", "hanako-again@hidamari.example".to_owned()),
        ("subscriber", hanako.subscriber.to_string()),
        ("birth_on", "2026-12-20".to_owned()),
        ("registered_on", TODAY.to_owned()),
    ]);
    import(&town, row).unwrap();
    assert_eq!(outside::repeat(&app.env).unwrap(), outside::Repeated::default());
    assert!(town.knows(&hanako));
}

fn import(town: &Town<'_>, cells: BTreeMap<&'static str, String>) -> Result<usize, Vec<readers::Rejected>> {
    let (env, tenant) = (&town.app.env, town.tenant());
    let rows = [ListRow { line: 2, cells }];
    let checked = readers::check_list(env, &tenant, &rows, day(TODAY) + 1).unwrap();
    if checked.rejected.is_empty() {
        Ok(readers::import_list(env, &tenant, &checked).unwrap())
    } else {
        Err(checked.rejected)
    }
}

#[test]
fn no_list_brings_back_who_stopped_and_was_erased() {
    let app = TestApp::sqlite();
    let town = app.town();
    let (hanako, taro, jiro) = (
        town.family("hanako").add(),
        town.family("taro").born("2023-12-01").add(),
        town.family("jiro").born("2023-12-01").add(),
    );
    town.agrees(&taro);
    town.agrees(&jiro);
    town.erase(&hanako);
    tick(&app);
    town.stop(&jiro);
    days_later(&app, 1_100);
    tick(&app);
    assert!(!town.knows(&taro));
    let row = |name: &str| {
        BTreeMap::from([
            ("channel", "outbox".to_owned()),
            ("address", format!("{name}@hidamari.example")),
            ("birth_on", "2026-12-20".to_owned()),
            ("registered_on", TODAY.to_owned()),
            ("state", SubscriptionState::Active.code().to_owned()),
        ])
    };
    let refused = import(&town, row("hanako")).unwrap_err();
    assert!(
        refused[0].problem.reason.contains("前に配信を止めています"),
        "{refused:?}"
    );
    let after_the_last_day = import(&town, row("jiro")).unwrap_err();
    assert!(after_the_last_day[0].problem.reason.contains("前に配信を止めています"));
    assert_eq!(
        import(&town, row("taro")),
        Ok(1),
        "who came to the last day may come back for another child"
    );
}

#[test]
fn an_export_holds_everything_and_no_reason() {
    let app = TestApp::sqlite();
    let town = app.town();
    let hanako = town.family("hanako").add();
    let elder = town.family("elder").born("2026-12-20").of(&hanako).add();
    town.agrees(&hanako);
    app.run();
    let ended = app.env.db.write(|tx| {
        let loss = Some(kizuna_domain::people::EndReason::Loss);
        people::set_state(
            tx,
            town.tenant().scope(),
            hanako.subscription,
            SubscriptionState::Ended,
            loss,
        )
    });
    ended.unwrap();

    let export = data::export(&app.env, &town.tenant(), hanako.subscriber)
        .unwrap()
        .unwrap();

    assert_eq!(export.addresses[0].address, hanako.address);
    assert_eq!(export.children.len(), 2);
    assert_eq!(export.children[1].nickname.as_deref(), Some("elder"));
    assert_eq!(export.consents.len(), 1);
    assert_eq!(export.letters.len(), 1, "siblings read one letter");
    assert_eq!(export.letters[0].titles, ["題 12w3d", "題 d4"]);
    let json = serde_json::to_string(&export).unwrap();
    assert!(json.contains("\"ended\"") && json.contains("\"sent\""), "{json}");
    for secret in [
        "loss",
        "stopped",
        "end_reason",
        &elder.subscription.to_string(),
        &Uuid::nil().to_string(),
    ] {
        assert!(!json.contains(secret), "{secret} in {json}");
    }
    town.erase(&hanako);
    assert_eq!(data::export(&app.env, &town.tenant(), hanako.subscriber).unwrap(), None);
}
