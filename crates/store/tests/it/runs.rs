//! The run of a day: begun once, planned to the end, closed when nothing is left.

use std::collections::BTreeMap;

use kizuna_domain::day::Day;
use kizuna_domain::ids::RunId;
use kizuna_store::runs::{self, RunTally, Tally};

use crate::town::{Fixture, TODAY, Town, at, day, id};

store_test!(
    fn a_day_has_one_run(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));

        let again = store.write(|tx| runs::open(tx, town.scope, RunId::new(id()), day(TODAY), at(5)));

        assert_eq!(
            (again.id, again.started_at, again.planned_version, again.closed_at),
            (town.run, at(0), None, None)
        );
        assert_eq!(again.skipped, BTreeMap::new());
        assert_eq!(store.read(|tx| runs::get(tx, town.scope, day(TODAY))), Some(again));
        assert_eq!(store.read(|tx| runs::get(tx, town.scope, day("2026-12-25"))), None);
        assert_eq!(
            store.read(|tx| runs::get(tx, other.scope, day(TODAY))).unwrap().id,
            other.run
        );
    }
);

store_test!(
    fn a_plan_says_from_what_it_was_made_and_who_got_nothing(store: &Fixture) {
        let town = Town::with(store);
        let skipped = BTreeMap::from([("no-address".to_owned(), 3), ("nothing-today".to_owned(), 40)]);

        store.write(|tx| runs::planned(tx, town.run, 7, &skipped));

        let run = store.read(|tx| runs::get(tx, town.scope, day(TODAY))).unwrap();
        assert_eq!((run.planned_version, run.skipped), (Some(7), skipped));
        assert!(
            store
                .db
                .write(|tx| runs::planned(tx, RunId::new(id()), 7, &BTreeMap::new()))
                .is_err()
        );
    }
);

store_test!(
    fn a_run_closes_when_its_every_batch_ended(store: &Fixture) {
        let town = Town::with(store);
        let close = || store.write(|tx| runs::close(tx, town.scope, day(TODAY), at(90)));
        let [first, second] = [(); 2].map(|()| town.batch().build());
        assert!(!close(), "not planned yet");
        store.write(|tx| runs::planned(tx, town.run, 1, &BTreeMap::new()));
        assert!(!close(), "two batches wait");

        let workers = town.claim(0, 2);
        let token = |batch| workers.iter().find(|held| held.id == batch).unwrap().token;
        store.write(|tx| runs::finish(tx, first, token(first), 0, Tally::default(), None));
        assert!(!close(), "one is in a worker's hands");
        store.write(|tx| runs::finish(tx, second, token(second), 0, Tally::default(), Some("554")));
        assert!(!close(), "one waits for a person");
        store.write(|tx| runs::expire_held(tx, at(600)));

        assert!(close());
        assert!(!close(), "once");
        assert_eq!(
            store
                .read(|tx| runs::get(tx, town.scope, day(TODAY)))
                .unwrap()
                .closed_at,
            Some(at(90))
        );
        store.write(|tx| runs::planned(tx, town.run, 2, &BTreeMap::new()));
        assert_eq!(
            store
                .read(|tx| runs::get(tx, town.scope, day(TODAY)))
                .unwrap()
                .closed_at,
            None,
            "planned anew, open anew"
        );
    }
);

store_test!(
    fn a_reopened_day_counts_as_missed(store: &Fixture) {
        let town = Town::with(store);
        let next = store.write(|tx| runs::open(tx, town.scope, RunId::new(id()), day("2026-12-25"), at(0)));
        store.write(|tx| runs::planned(tx, next.id, 1, &BTreeMap::new()));
        let missed = || store.read(|tx| runs::missed(tx, town.scope, day("2026-12-25"), day("2026-12-25")));
        assert_eq!(missed(), []);

        store.write(|tx| runs::reopen(tx, next.id));

        assert_eq!(missed(), [day("2026-12-25")]);
        assert!(store.db.write(|tx| runs::reopen(tx, RunId::new(id()))).is_err());
    }
);

store_test!(
    fn a_runs_tally_adds_up_its_own_batches(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        assert_eq!(store.read(|tx| runs::tally(tx, town.run)), RunTally::default());
        let family = other.family("elsewhere").build();
        other.batch().letter(&[(&family, "kizuna/d1")]).build();
        let families: Vec<_> = (0..6).map(|n| town.family(&format!("f{n}")).build()).collect();
        let letters = |slot: &str, n: usize| {
            families
                .iter()
                .take(n)
                .fold(town.batch(), |mail, family| mail.letter(&[(family, slot)]))
                .build()
        };
        let (first, second) = (letters("kizuna/d1", 6), letters("kizuna/d2", 4));
        for held in town.claim(0, 2) {
            let (tally, reason) = if held.id == first {
                (
                    Tally {
                        sent: 2,
                        skipped: 1,
                        failed: 1,
                        in_doubt: 2,
                    },
                    None,
                )
            } else {
                (
                    Tally {
                        sent: 1,
                        ..Tally::default()
                    },
                    Some("554"),
                )
            };
            store.write(|tx| runs::finish(tx, held.id, held.token, held.letters, tally, reason));
        }
        letters("kizuna/d3", 5);

        let tally = store.read(|tx| runs::tally(tx, town.run));

        assert_ne!(first, second);
        let ended = Tally {
            sent: 3,
            skipped: 1,
            failed: 1,
            in_doubt: 2,
        };
        assert_eq!(
            tally,
            RunTally {
                ended,
                waiting: 5,
                held: 3
            }
        );
    }
);

store_test!(
    fn letters_in_doubt_are_listed_for_a_person(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        let batch = town
            .batch()
            .letter(&[(&hanako, "kizuna/d1")])
            .letter(&[(&hanako, "kizuna/d2")])
            .build();
        store.write(|tx| runs::mark(tx, town.scope, batch, 0, "unknown", "no answer"));
        store.write(|tx| runs::mark(tx, town.scope, batch, 1, "failed:policy", "554"));

        let doubts = store.read(|tx| runs::doubts(tx, town.run));

        assert_eq!(
            doubts,
            [(hanako.subscriber, "kizuna/d1".to_owned(), "no answer".to_owned())]
        );
        assert_eq!(store.read(|tx| runs::doubts(tx, other.run)), []);
        assert_eq!(store.read(|tx| runs::reasons(tx, other.run)), []);
    }
);

store_test!(
    fn days_that_were_not_planned_to_the_end_are_missed(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let plan = |date: Day, is_complete: bool| {
            store.write(|tx| {
                let run = runs::open(tx, town.scope, RunId::new(id()), date, at(0))?;
                if is_complete {
                    runs::planned(tx, run.id, 1, &BTreeMap::new())
                } else {
                    Ok(())
                }
            });
        };
        let missed = |from, until| store.read(|tx| runs::missed(tx, town.scope, day(from), day(until)));
        plan(day(TODAY), true);
        plan(day("2026-12-26"), true);
        plan(day("2026-12-28"), false);

        assert_eq!(
            missed("2026-12-20", "2026-12-29"),
            ["2026-12-25", "2026-12-27", "2026-12-28", "2026-12-29"].map(day)
        );
        assert_eq!(missed("2026-12-26", "2026-12-26"), []);
        assert_eq!(
            missed("2026-12-01", "2026-12-23"),
            [],
            "nothing was promised before the first run"
        );
        let elsewhere = store.read(|tx| runs::missed(tx, other.scope, day("2026-12-24"), day("2026-12-26")));
        assert_eq!(
            elsewhere,
            ["2026-12-24", "2026-12-25", "2026-12-26"].map(day),
            "another tenant's runs are not its own, and the first day had begun and was never planned to the end"
        );
        let nowhere = kizuna_store::Scope::of(kizuna_domain::ids::TenantId::new(id()));
        assert_eq!(
            store.read(|tx| runs::missed(tx, nowhere, day("2026-12-24"), day("2026-12-26"))),
            []
        );
    }
);
