//! The ledger: what is due once is written once.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use kizuna_domain::ids::{CohortId, SubscriptionId};
use kizuna_store::{StoreError, runs};

use crate::town::{Family, Fixture, TODAY, Town, day, draft, id};

const SLOT: &str = "kizuna/12w3d";

fn key(family: &Family, slot: &str) -> (SubscriptionId, String) {
    (family.subscription, slot.to_owned())
}

store_test!(
    fn reserving_a_slot_twice_reserves_it_once(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        town.batch().letter(&[(&hanako, SLOT)]).build();

        let again = town.batch().letter(&[(&taro, SLOT)]).letter(&[(&hanako, SLOT)]);
        let refused = store.db.write(|tx| again.add(tx)).unwrap_err();

        assert!(
            matches!(
                refused,
                StoreError::Conflict {
                    statement: "runs::add_deliveries"
                }
            ),
            "{refused:?}"
        );
        assert!(refused.is_transient(), "the page is planned again");
        assert!(town.is_reserved(&hanako, SLOT));
        assert!(!town.is_reserved(&taro, SLOT), "nothing half is left");
        assert_eq!(store.number("SELECT COUNT(*) FROM deliveries"), 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM batches"), 1);
    }
);

store_test!(
    fn the_same_batch_twice_is_a_lost_race(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let batch = town.batch().letter(&[(&hanako, SLOT)]);
        store.write(|tx| batch.add(tx));

        let refused = store.db.write(|tx| batch.add(tx)).unwrap_err();

        assert!(
            matches!(
                refused,
                StoreError::Conflict {
                    statement: "runs::add_batch"
                }
            ),
            "{refused:?}"
        );
    }
);

store_test!(
    fn of_two_planners_at_once_one_plans_again(store: &Fixture) {
        let town = Town::with(store);
        let families: Vec<Family> = (0..20).map(|n| town.family(&format!("f{n}")).build()).collect();
        let start = Barrier::new(2);
        let mails = [(); 2].map(|()| {
            families
                .iter()
                .fold(town.batch(), |mail, family| mail.letter(&[(family, SLOT)]))
        });
        let plans = mails.map(|mail| (mail.new_batch(), mail.rows()));
        let (scope, start) = (town.scope, &start);
        let keys: Vec<_> = families.iter().map(|family| key(family, SLOT)).collect();
        let keys = &keys;

        let conflicts: usize = thread::scope(|threads| {
            let planners = plans.each_ref().map(|(batch, rows)| {
                threads.spawn(move || {
                    let db = store.again();
                    let mut conflicts = 0;
                    start.wait();
                    loop {
                        let done = db.write(|tx| {
                            let known = runs::reserved(tx, scope, keys)?;
                            if known.is_empty() {
                                runs::add_batch(tx, scope, batch)?;
                                runs::add_deliveries(tx, scope, rows)?;
                            }
                            Ok(())
                        });
                        match done {
                            Ok(()) => return conflicts,
                            Err(error) if error.is_transient() => conflicts += 1,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                })
            });
            planners.map(|planner| planner.join().unwrap()).iter().sum()
        });

        assert!(conflicts <= 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM deliveries"), 20);
        assert_eq!(store.number("SELECT COUNT(*) FROM batches"), 1);
    }
);

store_test!(
    fn the_ledger_says_which_keys_it_holds_by_their_place_in_the_list(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        town.batch()
            .letter(&[(&hanako, SLOT), (&hanako, "city/12w3d")])
            .letter(&[(&taro, SLOT)])
            .build();
        let keys = [
            key(&hanako, "city/12w3d"),
            key(&taro, "city/12w3d"),
            key(&hanako, "kizuna/12w4d"),
            key(&taro, SLOT),
        ];

        let asked = |scope| store.write(|tx| runs::reserved(tx, scope, &keys));

        assert_eq!(asked(town.scope), HashSet::from([0, 3]));
        assert_eq!(asked(town.scope), HashSet::from([0, 3]), "the list before is forgotten");
        assert_eq!(asked(other.scope), HashSet::new());
        assert_eq!(store.write(|tx| runs::reserved(tx, town.scope, &[])), HashSet::new());
        let twice = store.write(|tx| {
            Ok((
                runs::reserved(tx, town.scope, &keys)?,
                runs::reserved(tx, town.scope, &keys[..1])?,
            ))
        });
        assert_eq!(
            twice,
            (HashSet::from([0, 3]), HashSet::from([0])),
            "also within one unit"
        );
        assert!(!store.read(|tx| runs::is_reserved(tx, other.scope, hanako.subscription, SLOT)));
    }
);

store_test!(
    fn a_slot_whose_letter_expired_is_free_again_and_no_other(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let [late, refused, sent] = ["late", "refused", "sent"].map(|name| town.family(name).build());
        let mail = [&late, &refused, &sent]
            .into_iter()
            .fold(town.batch(), |mail, family| mail.letter(&[(family, SLOT)]));
        let batch = mail.letter(&[(&late, "city/12w3d")]).build();
        for (number, outcome) in [(0, runs::EXPIRED), (1, "failed:policy"), (3, runs::EXPIRED)] {
            store.write(|tx| runs::mark(tx, town.scope, batch, number, outcome, ""));
        }
        let keys = [&late, &refused, &sent].map(|family| key(family, SLOT));
        let forget = |scope, keys: &[_]| store.write(|tx| runs::forget_expired(tx, scope, keys));

        assert_eq!(forget(other.scope, &keys), 0);
        assert_eq!(forget(town.scope, &keys[1..]), 0);
        assert_eq!(forget(town.scope, &keys), 1);

        assert_eq!(
            [&late, &refused, &sent].map(|family| town.is_reserved(family, SLOT)),
            [false, true, true]
        );
        assert!(town.is_reserved(&late, "city/12w3d"), "which nobody asked for");
    }
);

store_test!(
    fn nothing_to_reserve_is_nothing(store: &Fixture) {
        let town = Town::with(store);
        assert_eq!(store.write(|tx| runs::add_deliveries(tx, town.scope, &[])), 0);
    }
);

store_test!(
    fn a_message_is_frozen_with_its_first_words(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let cohort = CohortId::new(id());

        store.write(|tx| runs::add_cohort(tx, &store.keys, town.scope, cohort, &draft("はじめ")));
        store.write(|tx| runs::add_cohort(tx, &store.keys, town.scope, cohort, &draft("あとから")));

        assert_eq!(
            store.read(|tx| runs::cohort(tx, &store.keys, town.scope, cohort)),
            Some(draft("はじめ"))
        );
        assert_eq!(
            store.read(|tx| runs::cohort(tx, &store.keys, other.scope, cohort)),
            None
        );
    }
);

store_test!(
    fn the_ledger_explains_a_day(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        let batch = town
            .batch()
            .letter(&[(&hanako, SLOT)])
            .letter(&[(&hanako, "city/12w3d")])
            .build();
        let claimed = town.claim(0, 1).remove(0);
        store.write(|tx| runs::advance(tx, batch, claimed.token, 2, 1, claimed.expires, claimed.expires));
        store.write(|tx| runs::mark(tx, town.scope, batch, 1, "unknown", "no answer"));

        let held = store.read(|tx| runs::of_subscription(tx, town.scope, hanako.subscription, day(TODAY)));

        let [city, kizuna] = held.as_slice() else {
            panic!("{held:?}")
        };
        assert_eq!(
            (city.slot.as_str(), kizuna.slot.as_str()),
            ("city/12w3d", SLOT),
            "by slot"
        );
        assert_eq!(
            (city.outcome.as_deref(), city.detail.as_deref()),
            (Some("unknown"), Some("no answer"))
        );
        assert_eq!((city.passed, city.in_flight), (false, true));
        assert_eq!(
            (kizuna.outcome.as_deref(), kizuna.passed, kizuna.in_flight),
            (None, true, false)
        );
        assert_eq!(
            (kizuna.batch_state.as_str(), kizuna.day, kizuna.cohort),
            ("claimed", day(TODAY), town.cohort)
        );
        assert_eq!((kizuna.attempt, kizuna.not_before), (0, crate::town::at(0)));
        let one = store.read(|tx| runs::of_slot(tx, town.scope, hanako.subscription, SLOT));
        assert_eq!(one.as_ref(), Some(kizuna));
        let journey = |scope| store.read(|tx| runs::all_of_subscription(tx, scope, hanako.subscription));
        assert_eq!((journey(town.scope), journey(other.scope)), (held.clone(), vec![]));
        assert_eq!(
            store.read(|tx| runs::of_slot(tx, other.scope, hanako.subscription, SLOT)),
            None
        );
        assert_eq!(
            store.read(|tx| runs::of_subscription(tx, town.scope, hanako.subscription, day("2026-12-25"))),
            []
        );
    }
);
