//! Loss and stop win every race, up to the letter that may already be on the wire.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kizuna_domain::people::SkipReason;
use kizuna_store::runs::{self, NewBatch, Recall};

use crate::town::{Family, Fixture, Town, at};

const SLOT: &str = "kizuna/12w3d";

store_test!(
    fn a_silenced_letter_stays_in_the_ledger_and_never_leaves(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let batch = town.batch().letter(&[(&hanako, SLOT), (&hanako, "city/12w3d")]).build();

        let recalled = store.write(|tx| {
            runs::recall(
                tx,
                town.scope,
                hanako.subscription,
                Recall::Silence(SkipReason::Stopped),
            )
        });

        assert_eq!(recalled, 1);
        assert_eq!(town.letters(batch)[0].outcome.as_deref(), Some("skipped:stopped"));
        assert!(town.is_reserved(&hanako, SLOT) && town.is_reserved(&hanako, "city/12w3d"));
        assert_eq!(
            store.read(|tx| runs::reasons(tx, town.run)),
            [("skipped:stopped".to_owned(), 1)]
        );
        let again = store.write(|tx| {
            runs::recall(
                tx,
                town.scope,
                hanako.subscription,
                Recall::Silence(SkipReason::Stopped),
            )
        });
        assert_eq!(again, 0, "once is enough");
    }
);

store_test!(
    fn a_replanned_letter_is_free_again(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        let batch = town.batch().letter(&[(&hanako, SLOT)]).letter(&[(&taro, SLOT)]).build();

        assert_eq!(
            store.write(|tx| runs::recall(tx, town.scope, hanako.subscription, Recall::Replan)),
            1
        );

        assert!(!town.is_reserved(&hanako, SLOT));
        assert!(town.is_reserved(&taro, SLOT), "the neighbour keeps its letter");
        assert_eq!(
            town.letters(batch)
                .iter()
                .map(|letter| letter.number)
                .collect::<Vec<_>>(),
            [1]
        );
        town.batch().letter(&[(&hanako, SLOT)]).build();
        assert!(town.is_reserved(&hanako, SLOT), "and may be planned anew");
    }
);

store_test!(
    fn what_siblings_would_have_read_is_planned_again(store: &Fixture) {
        let town = Town::with(store);
        let recalled = |how| {
            let first = town
                .family("first")
                .address(
                    &format!("{how:?}@example.jp"),
                    kizuna_domain::people::PointState::Verified,
                )
                .build();
            let second = town.family("second").of(&first).build();
            town.batch().letter(&[(&first, SLOT), (&second, SLOT)]).build();
            assert_eq!(
                store.write(|tx| runs::recall(tx, town.scope, first.subscription, how)),
                1
            );
            (town.is_reserved(&first, SLOT), town.is_reserved(&second, SLOT))
        };

        assert_eq!(recalled(Recall::Silence(SkipReason::Stopped)), (true, false));
        assert_eq!(recalled(Recall::Replan), (false, false));
    }
);

store_test!(
    fn a_letter_that_may_be_on_the_wire_is_not_recalled(store: &Fixture) {
        let town = Town::with(store);
        let families: [Family; 4] = ["sent", "leaving", "next", "last"].map(|name| town.family(name).build());
        let batch = families
            .iter()
            .fold(town.batch(), |mail, family| mail.letter(&[(family, SLOT)]))
            .build();
        let worker = town.claim(0, 1).remove(0);
        store.write(|tx| runs::advance(tx, batch, worker.token, 2, 1, at(1), at(10)));

        let counts =
            families.map(|family| store.write(|tx| runs::recall(tx, town.scope, family.subscription, Recall::Replan)));

        assert_eq!(counts, [0, 0, 1, 1]);
        assert_eq!(
            families.map(|family| town.is_reserved(&family, SLOT)),
            [true, true, false, false]
        );
    }
);

store_test!(
    fn the_worker_learns_of_a_recall_before_its_next_letter(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        let batch = town.batch().letter(&[(&hanako, SLOT)]).letter(&[(&taro, SLOT)]).build();
        let worker = town.claim(0, 1).remove(0);
        let asks =
            |reached| store.write(|tx| runs::advance(tx, batch, worker.token, reached, reached - 1, at(1), at(10)));

        assert_eq!(asks(1), Some(worker.recalls));
        store.write(|tx| runs::recall(tx, town.scope, taro.subscription, Recall::Silence(SkipReason::Stopped)));

        assert!(asks(2).is_some_and(|recalls| recalls > worker.recalls));
        let marked = store.read(|tx| runs::marked(tx, batch));
        assert_eq!(marked.get(&1), Some(&Some("skipped:stopped".to_owned())));
    }
);

store_test!(
    fn nobody_recalls_another_tenants_letters(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        town.batch().letter(&[(&hanako, SLOT)]).build();

        assert_eq!(
            store.write(|tx| runs::recall(tx, other.scope, hanako.subscription, Recall::Replan)),
            0
        );

        assert!(town.is_reserved(&hanako, SLOT));
    }
);

store_test!(
    fn nothing_is_recalled_from_a_batch_that_ended(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        town.batch().letter(&[(&hanako, SLOT)]).build();
        store.write(runs::abandon_all);

        assert_eq!(
            store.write(|tx| runs::recall(tx, town.scope, hanako.subscription, Recall::Replan)),
            0
        );

        assert!(
            town.is_reserved(&hanako, SLOT),
            "what was given up is not planned again"
        );
    }
);

store_test!(
    fn a_recall_waits_for_a_worker_that_is_just_asking(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let batch = town.batch().letter(&[(&hanako, SLOT)]).build();
        let worker = town.claim(0, 1).remove(0);
        let (scope, other) = (town.scope, store.again());
        let (asked, starts) = mpsc::channel();
        let (done, ends) = mpsc::channel();

        let recalled = thread::scope(|threads| {
            let recalling = threads.spawn(move || {
                starts.recv().unwrap();
                let recalled = other.write(|tx| runs::recall(tx, scope, hanako.subscription, Recall::Replan));
                done.send(()).unwrap();
                recalled.unwrap()
            });
            store.write(|tx| {
                runs::advance(tx, batch, worker.token, 1, 0, at(1), at(10))?;
                asked.send(()).unwrap();
                // Time enough for the recall to look, and not to end.
                let ended = ends.recv_timeout(Duration::from_millis(300));
                assert!(ended.is_err(), "the recall did not wait");
                Ok(())
            });
            recalling.join().unwrap()
        });

        assert_eq!(recalled, 0, "the letter may be on the wire");
        assert!(town.is_reserved(&hanako, SLOT), "so that it is never planned twice");
    }
);

store_test!(
    fn a_recall_tells_the_batch_that_a_letter_moved_into_meanwhile(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        town.batch().letter(&[(&hanako, SLOT)]).build();
        let later = NewBatch {
            letters: 1,
            ..town.batch().new_batch()
        };
        let (scope, other) = (town.scope, store.again());
        let (moved, starts) = mpsc::channel();
        let (done, ends) = mpsc::channel();

        let recalled = thread::scope(|threads| {
            let recalling = threads.spawn(move || {
                starts.recv().unwrap();
                let silence = Recall::Silence(SkipReason::Stopped);
                let recalled = other.write(|tx| runs::recall(tx, scope, hanako.subscription, silence));
                done.send(()).unwrap();
                recalled.unwrap()
            });
            store.write(|tx| {
                let letter = runs::take_waiting(tx, scope, hanako.subscription)?.remove(0);
                runs::add_batch(tx, scope, &later)?;
                runs::reroute(tx, scope, (letter.batch, letter.number), (later.id, 0), letter.point)?;
                moved.send(()).unwrap();
                // Time enough for the recall to look, and not to end.
                let ended = ends.recv_timeout(Duration::from_millis(300));
                assert!(ended.is_err(), "the recall did not wait");
                Ok(())
            });
            recalling.join().unwrap()
        });

        assert_eq!(recalled, 1);
        let batches = town.claim(0, 2);
        let told = batches.iter().find(|batch| batch.id == later.id).unwrap();
        assert_eq!(told.recalls, 1, "whoever claimed it in between hears of the recall");
        assert_eq!(town.letters(later.id)[0].outcome.as_deref(), Some("skipped:stopped"));
    }
);

store_test!(
    fn a_twin_holds_what_its_sibling_holds_and_no_letter_of_its_own(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        let twin = town.family("twin").of(&hanako).build();
        let batch = town.batch().letter(&[(&hanako, SLOT)]).build();
        let share = |scope| store.write(|tx| runs::share_ledger(tx, scope, hanako.subscription, twin.subscription));

        assert_eq!(share(other.scope), 0, "another town's ledger");
        assert_eq!(share(town.scope), 1);

        assert!(town.is_reserved(&twin, SLOT));
        assert_eq!(town.letters(batch).len(), 1, "the letter is its sibling's alone");
        let recall = Recall::Silence(SkipReason::Stopped);
        assert_eq!(
            store.write(|tx| runs::recall(tx, town.scope, twin.subscription, recall)),
            0
        );
        assert_eq!(
            town.letters(batch)[0].outcome,
            None,
            "the end of one recalls nothing of the other"
        );
    }
);
