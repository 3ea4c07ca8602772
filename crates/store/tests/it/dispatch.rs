//! Batches in the hands of workers: never in two at once, never lost, never twice.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use kizuna_domain::ids::BatchId;
use kizuna_domain::people::{EndReason, PointState, SkipReason, SubscriptionState};
use kizuna_store::runs::{RunTally, Tally};
use kizuna_store::{StoreError, people, runs, tenants};

use crate::town::{Family, Fixture, Town, at};

const SLOT: &str = "kizuna/12w3d";

/// A batch with a letter for each of so many new families.
fn batch_of(town: &Town<'_>, letters: usize) -> (BatchId, Vec<Family>) {
    let families: Vec<Family> = (0..letters)
        .map(|n| town.family(&format!("f{n}-{}", crate::town::id())).build())
        .collect();
    let mail = families
        .iter()
        .fold(town.batch(), |mail, family| mail.letter(&[(family, SLOT)]));
    (mail.build(), families)
}

store_test!(
    fn two_workers_never_hold_one_batch(store: &Fixture) {
        const BATCHES: usize = 60;
        let town = Town::with(store);
        let mut all: Vec<BatchId> = (0..BATCHES).map(|_| town.batch().build()).collect();
        let start = Barrier::new(2);
        let account = town.account;
        let worker = || {
            let db = store.again();
            let mut held = Vec::new();
            start.wait();
            loop {
                match db.write(|tx| runs::claim(tx, account, at(0), at(10), 3)) {
                    Ok(claimed) if claimed.is_empty() => return held,
                    Ok(claimed) => {
                        assert!(claimed.len() <= 3);
                        held.extend(claimed.iter().map(|batch| batch.id));
                    }
                    Err(error) => assert!(error.is_transient(), "{error:?}"),
                }
            }
        };

        let mut held: Vec<BatchId> = thread::scope(|scope| {
            let workers = [scope.spawn(worker), scope.spawn(worker)];
            workers.map(|worker| worker.join().unwrap()).concat()
        });

        held.sort_unstable();
        all.sort_unstable();
        assert_eq!(held, all);
    }
);

store_test!(
    fn a_worker_takes_no_more_than_it_asked_for(store: &Fixture) {
        let town = Town::with(store);
        for _ in 0..20 {
            town.batch().build();
        }
        store.meddle("ANALYZE");

        assert_eq!([1, 3, 5, 7, 9].map(|limit| town.claim(0, limit).len()), [1, 3, 5, 7, 4]);
    }
);

#[test]
fn postgres_claims_no_more_than_was_asked_for_however_it_joins() {
    let store = Fixture::postgres();
    let town = Town::with(&store);
    for _ in 0..20 {
        town.batch().build();
    }
    for way in ["hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"] {
        store.meddle(&format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_{way} = off', current_database()); END $$"
        ));
    }
    store.meddle("ANALYZE");

    let claimed = store
        .again()
        .write(|tx| runs::claim(tx, town.account, at(0), at(10), 3))
        .unwrap();

    assert_eq!(claimed.len(), 3);
}

store_test!(
    fn urgent_batches_overtake_and_none_leaves_before_its_time(store: &Fixture) {
        let town = Town::with(store);
        let early = town.batch().not_before(-5).build();
        let late = town.batch().not_before(-1).build();
        let urgent = town.batch().lane(0).not_before(-1).build();
        town.batch().not_before(1).build();

        let first = town.claim(0, 1);
        let second = town.claim(0, 1);
        let rest = town.claim(0, 9);

        let ids = |claimed: &[runs::Claimed]| claimed.iter().map(|batch| batch.id).collect::<Vec<_>>();
        assert_eq!(
            (ids(&first), ids(&second), ids(&rest)),
            (vec![urgent], vec![early], vec![late])
        );
    }
);

store_test!(
    fn a_claim_says_what_it_holds_and_comes_in_order(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 3);
        let mut ordinary: Vec<BatchId> = (0..5).map(|_| town.batch().build()).collect();
        let urgent = town.batch().lane(0).expires(30).build();
        ordinary.push(batch);
        ordinary.sort_unstable();

        let claimed = town.claim(0, 99);

        let ids: Vec<BatchId> = claimed.iter().map(|batch| batch.id).collect();
        assert_eq!(
            ids,
            [vec![urgent], ordinary].concat(),
            "by lane and id, whatever the database returned first"
        );
        assert_eq!((claimed[0].lane, claimed[0].expires), (0, at(30)));
        let held = claimed.iter().find(|held| held.id == batch).unwrap();
        assert_eq!(
            (held.tenant, held.run, held.account),
            (town.scope.tenant(), town.run, town.account)
        );
        assert_eq!(
            (
                held.letters,
                held.attempt,
                held.finished,
                held.reached,
                held.recalls,
                held.token
            ),
            (3, 0, 0, 0, 0, 1)
        );
    }
);

store_test!(
    fn a_dead_workers_batch_comes_back_after_its_lease_with_what_it_knew(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 5);
        let dead = town.claim(0, 1).remove(0);
        store.write(|tx| runs::advance(tx, batch, dead.token, 3, 2, at(1), at(10)));

        assert_eq!(town.claim(10, 1), [], "the lease lasts to its last instant");
        assert_eq!(
            store.read(runs::next_due),
            Some(at(10) + jiff::SignedDuration::from_millis(1))
        );
        let next = town.claim(11, 1).remove(0);

        assert_eq!((next.id, next.finished, next.reached), (batch, 2, 3));
        assert_eq!(next.token, dead.token + 1);
        assert_eq!(store.read(|tx| runs::progress(tx, batch)), (2, 3));
    }
);

store_test!(
    fn a_late_worker_is_refused_everywhere(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 2);
        let late = town.claim(0, 1).remove(0);
        let owner = town.claim(11, 1).remove(0);
        let state = |text| store.number(text);
        let lease = state("SELECT lease_until_at FROM batches");

        assert_eq!(
            store.write(|tx| runs::advance(tx, batch, late.token, 1, 0, at(1), at(99))),
            None
        );
        store.write(|tx| runs::renew(tx, batch, late.token, at(99)));
        let finished = store
            .db
            .write(|tx| runs::finish(tx, batch, late.token, 2, Tally::default(), None));
        let released = store.db.write(|tx| runs::release(tx, batch, late.token, at(12), 1));

        assert!(matches!(finished, Err(StoreError::Conflict { .. })), "{finished:?}");
        assert!(matches!(released, Err(StoreError::Conflict { .. })), "{released:?}");
        assert_eq!(
            state("SELECT lease_until_at FROM batches"),
            lease,
            "the owner's lease is untouched"
        );
        assert_eq!(state("SELECT reached FROM batches"), 0);
        assert_eq!(
            store.write(|tx| runs::advance(tx, batch, owner.token, 1, 0, at(1), at(99))),
            Some(0)
        );
    }
);

store_test!(
    fn a_token_is_worth_nothing_after_its_batch_ended(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 2);
        let worker = town.claim(0, 1).remove(0);
        store.write(|tx| {
            runs::finish(
                tx,
                batch,
                worker.token,
                2,
                Tally {
                    sent: 2,
                    ..Tally::default()
                },
                None,
            )
        });

        let released = store.db.write(|tx| runs::release(tx, batch, worker.token, at(1), 1));

        assert!(
            matches!(released, Err(StoreError::Conflict { .. })),
            "sent letters would leave again: {released:?}"
        );
        assert_eq!(
            store.write(|tx| runs::advance(tx, batch, worker.token, 0, 0, at(1), at(20))),
            None
        );
        assert_eq!(town.claim(60, 9), []);
    }
);

store_test!(
    fn what_was_abandoned_stays_abandoned_whoever_held_it(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 2);
        let (waiting, _) = batch_of(&town, 3);
        let worker = town.claim(0, 9).into_iter().find(|held| held.id == batch).unwrap();

        assert_eq!(store.write(runs::abandon_all), 2);

        assert_eq!(
            store.write(|tx| runs::advance(tx, batch, worker.token, 1, 0, at(1), at(20))),
            None,
            "nothing more may leave"
        );
        assert!(
            store
                .db
                .write(|tx| runs::release(tx, batch, worker.token, at(1), 1))
                .is_err()
        );
        assert_eq!(town.claim(60, 9), []);
        assert_ne!(waiting, batch);
        let tally = store.read(|tx| runs::tally(tx, town.run));
        assert_eq!(
            tally,
            RunTally {
                ended: Tally {
                    failed: 5,
                    ..Tally::default()
                },
                waiting: 0,
                held: 0
            }
        );
        assert_eq!(store.read(runs::next_due), None);
    }
);

store_test!(
    fn a_released_batch_leaves_later_and_counts_its_tries(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 4);
        let worker = town.claim(0, 1).remove(0);
        store.write(|tx| runs::advance(tx, batch, worker.token, 1, 1, at(1), at(10)));

        store.write(|tx| runs::release(tx, batch, worker.token, at(5), 1));

        assert_eq!(store.read(runs::next_due), Some(at(5)));
        assert_eq!(town.claim(4, 1), []);
        let again = town.claim(5, 1).remove(0);
        assert_eq!(
            (again.id, again.attempt, again.finished, again.token),
            (batch, 1, 1, worker.token + 1)
        );
        assert!(
            store
                .db
                .write(|tx| runs::release(tx, batch, worker.token, at(6), 2))
                .is_err()
        );
    }
);

store_test!(
    fn a_batch_that_goes_on_later_tells_what_became_of_it_so_far(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 5);
        let worker = town.claim(0, 1).remove(0);
        let so_far = Tally {
            sent: 1,
            failed: 1,
            ..Tally::default()
        };

        store.write(|tx| {
            runs::so_far(tx, batch, worker.token, 4, so_far)?;
            runs::release(tx, batch, worker.token, at(5), 1)
        });

        let tally = store.read(|tx| runs::tally(tx, town.run));
        assert_eq!(
            tally,
            RunTally {
                ended: so_far,
                waiting: 2,
                held: 0
            }
        );
        let late = store.db.write(|tx| runs::so_far(tx, batch, worker.token, 4, so_far));
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    }
);

store_test!(
    fn a_hastened_run_leaves_now_but_not_what_a_provider_put_off(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let waits = town.batch().not_before(60).expires(90).build();
        let is_due = town.batch().not_before(-5).build();
        other.batch().not_before(60).build();
        let put_off = town.batch().lane(0).build();
        let worker = town.claim(0, 1).remove(0);
        store.write(|tx| runs::release(tx, put_off, worker.token, at(60), 1));

        assert_eq!(store.write(|tx| runs::hasten(tx, town.run, at(1), at(120))), 1);

        let mut due: Vec<_> = town.claim(2, 9).iter().map(|held| (held.id, held.expires)).collect();
        due.sort();
        let mut expected = [(waits, at(120)), (is_due, at(600))];
        expected.sort();
        assert_eq!(due, expected);
        assert_eq!(other.claim(2, 9), []);
    }
);

store_test!(
    fn a_slow_provider_keeps_the_lease(store: &Fixture) {
        let town = Town::with(store);
        let (batch, _) = batch_of(&town, 1);
        let worker = town.claim(0, 1).remove(0);

        store.write(|tx| runs::renew(tx, batch, worker.token, at(30)));

        assert_eq!(town.claim(29, 1), []);
        assert_eq!(town.claim(31, 1).len(), 1);
    }
);

store_test!(
    fn nothing_leaves_through_a_paused_account(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        town.batch().build();
        town.batch().build();
        other.batch().lane(0).build();
        let due = || store.read(|tx| runs::accounts_due(tx, at(0)));
        assert_eq!(due(), [(other.account, 1), (town.account, 2)], "urgent ones first");

        assert!(store.write(|tx| tenants::pause_account(tx, town.account, "535 sign-in refused", at(0))));

        assert_eq!(town.claim(0, 9), []);
        assert_eq!(due(), [(other.account, 1)]);
        assert_eq!(store.write(|tx| tenants::resume_accounts(tx, town.scope)), 1);
        assert_eq!(town.claim(0, 9).len(), 2);
        assert_eq!(due(), [(other.account, 1)], "what is claimed is not due");
        assert_eq!(
            store.read(|tx| runs::accounts_due(tx, at(11))),
            [(other.account, 1), (town.account, 2)]
        );
        assert_eq!(store.read(|tx| runs::accounts_due(tx, at(-1))), []);
    }
);

store_test!(
    fn the_next_instant_is_the_earliest_of_waiting_batches_and_leases(store: &Fixture) {
        let town = Town::with(store);
        assert_eq!(store.read(runs::next_due), None);
        town.batch().not_before(30).build();
        assert_eq!(store.read(runs::next_due), Some(at(30)));
        town.batch().build();
        town.claim(0, 1);
        assert_eq!(
            store.read(runs::next_due),
            Some(at(10) + jiff::SignedDuration::from_millis(1))
        );
    }
);

store_test!(
    fn letters_come_in_order_and_siblings_share_one(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        let second = town.family("jiro").of(&hanako).build();
        let batch = town
            .batch()
            .letter(&[(&taro, SLOT)])
            .letter(&[(&hanako, SLOT), (&hanako, "city/12w3d"), (&second, "kizuna/d30")])
            .build();

        let letters = town.letters(batch);

        let [first, family] = letters.as_slice() else {
            panic!("{letters:?}")
        };
        assert_eq!(
            (first.number, first.subscriber, first.address.as_str()),
            (0, taro.subscriber, "taro@hidamari.example")
        );
        assert_eq!(
            (family.number, family.subscriber, family.point),
            (1, hanako.subscriber, hanako.point)
        );
        assert_eq!(
            (family.cohort, family.day, family.silenced),
            (town.cohort, crate::town::day(crate::town::TODAY), None)
        );
        assert_eq!(family.outcome, None);
        assert_eq!(
            store.read(|tx| runs::point_of(tx, town.scope, batch, 1)),
            Some(hanako.point)
        );
        assert_eq!(store.read(|tx| runs::point_of(tx, town.scope, batch, 2)), None);
        let elsewhere = Town::named(store, "other").scope;
        assert_eq!(
            store.read(|tx| runs::letters(tx, &store.keys, elsewhere, batch, 9)),
            [],
            "not another tenant's"
        );
        assert_eq!(store.read(|tx| runs::point_of(tx, elsewhere, batch, 1)), None);
    }
);

store_test!(
    fn a_letter_is_silenced_by_what_happened_after_it_was_planned(store: &Fixture) {
        let town = Town::with(store);
        let [ends, pauses, refused, pending, stays, many] =
            ["ends", "pauses", "refused", "pending", "stays", "many"].map(|name| town.family(name).build());
        let [one_pauses, one_ends] = ["a", "b"].map(|name| town.family(name).of(&many).build());
        let mail = [&ends, &pauses, &refused, &pending, &stays]
            .into_iter()
            .fold(town.batch(), |m, f| m.letter(&[(f, SLOT)]));
        let batch = mail
            .letter(&[(&many, SLOT), (&one_pauses, SLOT), (&one_ends, SLOT)])
            .build();

        store.write(|tx| {
            let (scope, loss) = (town.scope, Some(EndReason::Loss));
            people::set_state(tx, scope, ends.subscription, SubscriptionState::Ended, loss)?;
            people::set_state(tx, scope, pauses.subscription, SubscriptionState::Paused, None)?;
            people::suppress(tx, scope, refused.point, "address-gone", at(0))?;
            people::set_state(tx, scope, one_pauses.subscription, SubscriptionState::Paused, None)
        });
        store.meddle(&format!(
            "UPDATE contact_points SET state = 'pending' WHERE id = {}",
            store.literal(pending.point.bytes())
        ));

        let silenced: Vec<Option<SkipReason>> = town.letters(batch).iter().map(|letter| letter.silenced).collect();

        let expected = [
            Some(SkipReason::Stopped),
            Some(SkipReason::Paused),
            Some(SkipReason::Suppressed),
            Some(SkipReason::NoAddress),
            None,
            Some(SkipReason::Paused),
        ];
        assert_eq!(silenced, expected);
        assert_eq!(
            store
                .read(|tx| people::one(tx, &store.keys, town.scope, pending.subscription))
                .unwrap()
                .reach,
            kizuna_domain::people::Reach::At {
                point: pending.point,
                account: town.account
            },
            "reach is refreshed by its own function"
        );
        assert_eq!(PointState::from_code("pending"), Some(PointState::Pending));
    }
);

store_test!(
    fn a_letter_keeps_what_became_of_it(store: &Fixture) {
        let town = Town::with(store);
        let (batch, families) = batch_of(&town, 3);

        store.write(|tx| runs::mark(tx, town.scope, batch, 1, "failed:address-gone", "550 no such user"));

        let outcomes: Vec<Option<String>> = town.letters(batch).into_iter().map(|letter| letter.outcome).collect();
        assert_eq!(outcomes, [None, Some("failed:address-gone".into()), None]);
        let marked = BTreeMap::from([(0, None), (1, Some("failed:address-gone".to_owned())), (2, None)]);
        assert_eq!(store.read(|tx| runs::marked(tx, batch)), marked);
        assert_eq!(
            store.read(|tx| runs::reasons(tx, town.run)),
            [("failed:address-gone".to_owned(), 1)]
        );
        let row = store
            .read(|tx| runs::of_slot(tx, town.scope, families[1].subscription, SLOT))
            .unwrap();
        assert_eq!(row.detail.as_deref(), Some("550 no such user"));
    }
);

store_test!(
    fn a_letter_that_is_put_off_moves_into_another_batch_as_new(store: &Fixture) {
        let town = Town::with(store);
        let (batch, families) = batch_of(&town, 3);
        store.write(|tx| runs::mark(tx, town.scope, batch, 1, "deferred", "451 later"));
        let next = town.batch().not_before(15);

        store.write(|tx| {
            runs::add_batch(tx, town.scope, &next.new_batch())?;
            runs::rebatch(tx, town.scope, (batch, 1), (next.id, 0))
        });

        assert_eq!(
            store.read(|tx| runs::marked(tx, batch)),
            BTreeMap::from([(0, None), (2, None)])
        );
        let moved = town.letters(next.id);
        assert_eq!(moved.len(), 1);
        assert_eq!(
            (moved[0].number, moved[0].subscriber, moved[0].outcome.as_deref()),
            (0, families[1].subscriber, None)
        );
        assert!(town.is_reserved(&families[1], SLOT), "the slot stays the same");
    }
);

store_test!(
    fn a_held_batch_waits_for_a_person_and_nothing_leaves_twice(store: &Fixture) {
        let town = Town::with(store);
        let (batch, families) = batch_of(&town, 5);
        let worker = town.claim(0, 1).remove(0);
        store.write(|tx| {
            runs::advance(tx, batch, worker.token, 2, 2, at(1), at(10))?;
            runs::finish(
                tx,
                batch,
                worker.token,
                5,
                Tally {
                    sent: 2,
                    ..Tally::default()
                },
                Some("554 too large"),
            )
        });

        assert_eq!(town.claim(60, 9), []);
        let tally = store.read(|tx| runs::tally(tx, town.run));
        assert_eq!((tally.ended.sent, tally.held, tally.waiting), (2, 3, 0));
        let passed = |family: &Family| {
            store
                .read(|tx| runs::of_slot(tx, town.scope, family.subscription, SLOT))
                .unwrap()
                .passed
        };
        assert_eq!(
            (passed(&families[1]), passed(&families[2])),
            (true, false),
            "what is held was not sent"
        );
        let recalled = store.write(|tx| runs::recall(tx, town.scope, families[4].subscription, runs::Recall::Replan));
        assert_eq!(recalled, 1, "what is held can still be recalled");

        assert_eq!(store.write(|tx| runs::reopen_held(tx, town.scope)), 1);

        let again = town.claim(60, 1).remove(0);
        assert_eq!(
            (again.id, again.finished, again.reached),
            (batch, 2, 2),
            "it goes on where it stopped"
        );
        let tally = store.read(|tx| runs::tally(tx, town.run));
        assert_eq!((tally.ended, tally.held, tally.waiting), (Tally::default(), 0, 5));
        store.write(|tx| {
            runs::finish(
                tx,
                batch,
                again.token,
                4,
                Tally {
                    sent: 4,
                    ..Tally::default()
                },
                None,
            )
        });
        assert!(passed(&families[2]) && passed(&families[3]));
        assert_eq!(store.read(|tx| runs::tally(tx, town.run)).ended.sent, 4);
    }
);

store_test!(
    fn a_held_batch_is_given_up_when_its_time_ends_and_only_its_own(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        for town in [&town, &other] {
            let (batch, _) = batch_of(town, 3);
            let worker = town.claim(0, 1).remove(0);
            let tally = Tally {
                sent: 1,
                skipped: 1,
                ..Tally::default()
            };
            store.write(|tx| runs::finish(tx, batch, worker.token, 3, tally, Some("554")));
        }
        assert_eq!(
            store.write(|tx| runs::reopen_held(tx, other.scope)),
            1,
            "one tenant's alone"
        );

        assert_eq!(store.write(|tx| runs::expire_held(tx, at(599))), 0);
        assert_eq!(store.write(|tx| runs::expire_held(tx, at(600))), 1);

        let tally = store.read(|tx| runs::tally(tx, town.run));
        let ended = Tally {
            sent: 1,
            skipped: 1,
            failed: 1,
            in_doubt: 0,
        };
        assert_eq!(
            tally,
            RunTally {
                ended,
                waiting: 0,
                held: 0
            }
        );
        assert_eq!(store.write(|tx| runs::reopen_held(tx, town.scope)), 0);
    }
);

store_test!(
    fn a_finished_batch_has_passed_every_letter_also_with_gaps(store: &Fixture) {
        let town = Town::with(store);
        let (batch, families) = batch_of(&town, 4);
        store.write(|tx| runs::recall(tx, town.scope, families[1].subscription, runs::Recall::Replan));
        let worker = town.claim(0, 1).remove(0);

        let numbers: Vec<i64> = town.letters(batch).iter().map(|letter| letter.number).collect();
        store.write(|tx| {
            runs::finish(
                tx,
                batch,
                worker.token,
                3,
                Tally {
                    sent: 3,
                    ..Tally::default()
                },
                None,
            )
        });

        assert_eq!(numbers, [0, 2, 3]);
        for family in [&families[0], &families[2], &families[3]] {
            let row = store
                .read(|tx| runs::of_slot(tx, town.scope, family.subscription, SLOT))
                .unwrap();
            assert_eq!(
                (row.passed, row.in_flight, row.batch_state.as_str()),
                (true, false, "done")
            );
        }
    }
);
