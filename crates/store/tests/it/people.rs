//! Readers: found by what they are known by, walked in order, reached where they may be reached.

use std::collections::HashMap;

use kizuna_domain::day::Day;
use kizuna_domain::ids::{PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{EndReason, Follower, PointState, Reach, Relation, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, AnchorDate, AnchorRange};
use kizuna_store::people::{self, NewPoint, NewSubscriber, Page};
use kizuna_store::{StoreError, runs};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::town::{Family, Fixture, Town, at, day, id, reader};

fn follower(town: &Town<'_>, family: &Family) -> Follower {
    town.store
        .read(|tx| people::one(tx, &town.store.keys, town.scope, family.subscription))
        .unwrap()
}

fn reach(town: &Town<'_>, family: &Family) -> Reach {
    follower(town, family).reach
}

store_test!(
    fn a_subscription_comes_back_as_it_was_registered(store: &Fixture) {
        let town = Town::with(store);
        let (subscriber, subscription) = (SubscriberId::new(id()), SubscriptionId::new(id()));
        let new = NewSubscriber {
            reference: Some("A-0012".into()),
            relation: Relation::Grandparent,
            area: Some("north".into()),
            ..reader(subscriber)
        };
        let anchor = Anchor::Birth {
            on: day("2026-10-01"),
            due: Some(day("2026-12-01")),
        };
        store.write(|tx| {
            people::add_subscriber(tx, town.scope, &new)?;
            let new = people::NewSubscription {
                id: subscription,
                subscriber,
                anchor,
                nickname: Some("はなちゃん".into()),
                registered_on: day("2026-10-05"),
                state: SubscriptionState::Paused,
            };
            people::add_subscription(tx, &store.keys, town.scope, &new)
        });

        let found = store.read(|tx| people::one(tx, &store.keys, town.scope, subscription));

        let expected = Follower {
            subscriber,
            subscription,
            anchor,
            nickname: Some("はなちゃん".into()),
            registered_on: day("2026-10-05"),
            resumed_on: None,
            area: Some("north".into()),
            language: "ja".into(),
            state: SubscriptionState::Paused,
            reach: Reach::Silent(SkipReason::NoAddress),
            has_siblings: false,
            hour: None,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(
            store.read(|tx| people::by_reference(tx, town.scope, "A-0012")),
            Some(subscriber)
        );
        assert_eq!(store.read(|tx| people::by_reference(tx, town.scope, "A-0013")), None);
    }
);

store_test!(
    fn reach_follows_from_addresses_and_siblings_from_subscriptions(store: &Fixture) {
        let town = Town::with(store);
        let verified = town.family("verified").build();
        let pending = town
            .family("pending")
            .address("p@example.jp", PointState::Pending)
            .build();
        let refused = town
            .family("refused")
            .address("r@example.jp", PointState::Suppressed)
            .build();
        let nowhere = town.family("nowhere").without_address().build();

        assert_eq!(
            reach(&town, &verified),
            Reach::At {
                point: verified.point,
                account: town.account
            }
        );
        assert_eq!(reach(&town, &pending), Reach::Silent(SkipReason::NoAddress));
        assert_eq!(reach(&town, &refused), Reach::Silent(SkipReason::Suppressed));
        assert_eq!(reach(&town, &nowhere), Reach::Silent(SkipReason::NoAddress));

        let second = town.family("second").of(&verified).build();
        assert!(follower(&town, &verified).has_siblings && follower(&town, &second).has_siblings);
        store.write(|tx| {
            people::set_state(
                tx,
                town.scope,
                second.subscription,
                SubscriptionState::Ended,
                Some(EndReason::Completed),
            )?;
            people::refresh_reach(tx, town.scope, verified.subscriber)
        });
        assert!(
            !follower(&town, &verified).has_siblings,
            "who ended is no sibling any more"
        );
        let other = Town::named(store, "other");
        let elsewhere = store
            .db
            .write(|tx| people::refresh_reach(tx, other.scope, verified.subscriber));
        assert!(matches!(elsewhere, Err(StoreError::Conflict { .. })), "{elsewhere:?}");
    }
);

store_test!(
    fn a_reader_is_reached_at_another_address_when_one_is_refused(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let second = PointId::new(id());
        let new = NewPoint {
            id: second,
            subscriber: hanako.subscriber,
            account: town.account,
            channel: "email".into(),
            address: "second@example.jp".into(),
            state: PointState::Verified,
        };
        store.write(|tx| {
            people::add_point(tx, &store.keys, town.scope, &new)?;
            people::refresh_reach(tx, town.scope, hanako.subscriber)
        });
        let Reach::At { point: first, account } = reach(&town, &hanako) else {
            panic!("unreached")
        };
        let rest = if first == second { hanako.point } else { second };

        store.write(|tx| people::suppress(tx, town.scope, first, "address-gone", at(0)));
        assert_eq!(reach(&town, &hanako), Reach::At { point: rest, account });
        store.write(|tx| people::suppress(tx, town.scope, rest, "blocked", at(0)));
        assert_eq!(reach(&town, &hanako), Reach::Silent(SkipReason::Suppressed));
    }
);

store_test!(
    fn a_suppression_outlives_the_subscription(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town
            .family("hanako")
            .address("Hanako@Example.jp", PointState::Verified)
            .build();
        let why = |scope, address| store.read(|tx| people::suppression(tx, &store.keys, scope, "email", address));
        assert_eq!(why(town.scope, "hanako@example.jp"), None);

        store.write(|tx| people::suppress(tx, other.scope, hanako.point, "complained", at(0)));
        assert_eq!(
            why(town.scope, "hanako@example.jp"),
            None,
            "another tenant suppresses nothing here"
        );
        store.write(|tx| people::suppress(tx, town.scope, hanako.point, "complained", at(0)));
        store.write(|tx| people::suppress(tx, town.scope, hanako.point, "address-gone", at(9)));
        store.meddle("DELETE FROM subscriptions; DELETE FROM contact_points; DELETE FROM subscribers");

        assert_eq!(
            why(town.scope, "ｈａｎａｋｏ＠example.jp").as_deref(),
            Some("complained"),
            "the first reason stays"
        );
        assert_eq!(why(other.scope, "hanako@example.jp"), None);
        assert_eq!(
            store.read(|tx| people::suppression(tx, &store.keys, town.scope, "line", "hanako@example.jp")),
            None
        );
    }
);

store_test!(
    fn an_address_is_found_however_it_is_written_and_never_across_tenants(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town
            .family("hanako")
            .address("Hanako.S@Example.JP", PointState::Verified)
            .build();
        let found =
            |scope, channel, address| store.read(|tx| people::by_address(tx, &store.keys, scope, channel, address));

        for written in [
            "hanako.s@example.jp",
            " HANAKO.S@EXAMPLE.JP ",
            "ｈａｎａｋｏ．ｓ＠ｅｘａｍｐｌｅ．ｊｐ",
        ] {
            assert_eq!(
                found(town.scope, "email", written),
                Some(hanako.subscriber),
                "{written}"
            );
        }
        assert_eq!(found(town.scope, "email", "hanako@example.jp"), None);
        assert_eq!(found(town.scope, "line", "hanako.s@example.jp"), None);
        assert_eq!(found(other.scope, "email", "hanako.s@example.jp"), None);

        let same = other
            .family("hanako")
            .address("hanako.s@example.jp", PointState::Verified)
            .build();
        assert_eq!(
            found(other.scope, "email", "hanako.s@example.jp"),
            Some(same.subscriber)
        );
        let twice = NewPoint {
            id: PointId::new(id()),
            subscriber: hanako.subscriber,
            account: town.account,
            channel: "email".into(),
            address: "HANAKO.S@example.jp".into(),
            state: PointState::Pending,
        };
        let refused = store
            .db
            .write(|tx| people::add_point(tx, &store.keys, town.scope, &twice));
        assert!(refused.as_ref().is_err_and(StoreError::is_transient), "{refused:?}");
        assert!(!format!("{twice:?}").contains("example.jp"));
    }
);

store_test!(
    fn a_birth_moves_a_subscription_from_one_walk_to_the_other(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").due("2026-12-01").build();
        let range = |by, on: &str| AnchorRange {
            by,
            from: day(on),
            until: day(on),
        };
        let walk = |range: AnchorRange| {
            let page = store.read(|tx| people::due(tx, &store.keys, town.scope, &range, None, 9));
            page.followers
                .iter()
                .map(|follower| follower.subscription)
                .collect::<Vec<_>>()
        };
        let (due, birth, preterm) = (
            range(AnchorDate::Due, "2026-12-01"),
            range(AnchorDate::Birth, "2026-09-15"),
            range(AnchorDate::PretermDue, "2026-12-01"),
        );
        assert_eq!(
            [due, birth, preterm].map(walk),
            [vec![hanako.subscription], vec![], vec![]]
        );

        let born = Anchor::Birth {
            on: day("2026-09-15"),
            due: Some(day("2026-12-01")),
        };
        store.write(|tx| people::move_anchor(tx, town.scope, hanako.subscription, &born));

        assert_eq!(
            [due, birth, preterm].map(walk),
            [vec![], vec![hanako.subscription], vec![hanako.subscription]]
        );
        assert_eq!(follower(&town, &hanako).anchor, born);
        let term = Anchor::Birth {
            on: day("2026-11-28"),
            due: Some(day("2026-12-01")),
        };
        store.write(|tx| people::move_anchor(tx, town.scope, hanako.subscription, &term));
        assert_eq!(walk(preterm), [], "born at term after all");
        store.write(|tx| {
            people::set_state(
                tx,
                town.scope,
                hanako.subscription,
                SubscriptionState::Ended,
                Some(EndReason::Loss),
            )
        });
        let moved = store
            .db
            .write(|tx| people::move_anchor(tx, town.scope, hanako.subscription, &born));
        assert!(
            matches!(moved, Err(StoreError::Conflict { .. })),
            "what ended is not moved: {moved:?}"
        );
        assert_eq!(
            store.number("SELECT COUNT(*) FROM subscriptions WHERE end_reason = 'loss'"),
            1
        );
    }
);

store_test!(
    fn a_paused_subscription_is_walked_and_an_ended_one_is_not(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let paused = town.family("paused").state(SubscriptionState::Paused).build();
        let ended = town.family("ended").of(&paused).build();
        other.family("elsewhere").build();
        store.write(|tx| {
            people::set_state(
                tx,
                town.scope,
                ended.subscription,
                SubscriptionState::Ended,
                Some(EndReason::Stopped),
            )
        });
        assert!(
            store
                .db
                .write(|tx| people::set_state(tx, other.scope, paused.subscription, SubscriptionState::Active, None))
                .is_err()
        );

        let of = store.read(|tx| people::of_subscriber(tx, &store.keys, town.scope, paused.subscriber));
        assert_eq!(
            of.iter().map(|follower| follower.subscription).collect::<Vec<_>>(),
            [paused.subscription]
        );
        assert_eq!(of[0].state, SubscriptionState::Paused);
        assert_eq!(store.read(|tx| people::count_living(tx, town.scope)), 1);
        assert_eq!(
            store.read(|tx| people::of_subscriber(tx, &store.keys, other.scope, paused.subscriber)),
            []
        );
        assert_eq!(
            store.read(|tx| people::one(tx, &store.keys, other.scope, paused.subscription)),
            None
        );
        let range = AnchorRange {
            by: AnchorDate::Due,
            from: day("2026-01-01"),
            until: day("2027-12-31"),
        };
        let page = store.read(|tx| people::due(tx, &store.keys, town.scope, &range, None, 9));
        assert_eq!(page.followers, of);
    }
);

store_test!(
    fn a_child_that_was_followed_before_is_known_by_its_dates(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let preterm = Anchor::Birth {
            on: day("2026-10-01"),
            due: Some(day("2026-12-01")),
        };
        let hanako = town.family("hanako").due("2026-12-01").build();
        town.family("second")
            .of(&hanako)
            .anchor(preterm)
            .state(SubscriptionState::Ended)
            .build();
        let knows = |scope, anchor| store.read(|tx| people::has_followed(tx, scope, hanako.subscriber, &anchor));

        assert!(knows(town.scope, Anchor::Due(day("2026-12-01"))));
        assert!(knows(town.scope, preterm), "also after the end");
        assert!(!knows(
            town.scope,
            Anchor::Birth {
                on: day("2026-10-01"),
                due: None
            }
        ));
        assert!(!knows(town.scope, Anchor::Due(day("2026-12-02"))));
        assert!(!knows(other.scope, preterm));
    }
);

store_test!(
    fn who_ended_something_early_is_known(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let stopped_after = |reason| {
            let family = town.family(&format!("{reason:?}")).build();
            store.write(|tx| people::set_state(tx, town.scope, family.subscription, SubscriptionState::Ended, reason));
            assert!(!store.read(|tx| people::has_stopped(tx, other.scope, family.subscriber)));
            store.read(|tx| people::has_stopped(tx, town.scope, family.subscriber))
        };

        assert!(stopped_after(None) && stopped_after(Some(EndReason::Stopped)) && stopped_after(Some(EndReason::Loss)));
        assert!(!stopped_after(Some(EndReason::Completed)), "that was its last day");
        let paused = town.family("paused").state(SubscriptionState::Paused).build();
        assert!(!store.read(|tx| people::has_stopped(tx, town.scope, paused.subscriber)));
    }
);

store_test!(
    fn an_identifier_is_taken_once_for_all_tenants(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let is_taken = |subscription, subscriber| store.read(|tx| people::is_taken(tx, subscription, subscriber));

        assert!(is_taken(Some(hanako.subscription), None));
        assert!(is_taken(None, Some(hanako.subscriber)));
        assert!(is_taken(Some(SubscriptionId::new(id())), Some(hanako.subscriber)));
        assert!(!is_taken(
            Some(SubscriptionId::new(id())),
            Some(SubscriberId::new(id()))
        ));
        assert!(!is_taken(None, None));
    }
);

store_test!(
    fn agreements_are_kept_with_their_withdrawal(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        store.write(|tx| {
            people::add_consent(
                tx,
                town.scope,
                id(),
                hanako.subscriber,
                "messages",
                "2026-04",
                "web",
                at(0),
            )
        });
        let exported = || {
            store
                .read(|tx| people::export(tx, &store.keys, town.scope, None, 9))
                .remove(0)
        };
        assert_eq!(
            (exported().consent_wording.as_deref(), exported().consent_at),
            (Some("2026-04"), Some(at(0)))
        );

        store.write(|tx| people::withdraw_consents(tx, other.scope, hanako.subscriber, at(5), at(5)));
        assert_eq!(exported().consent_at, Some(at(0)), "another tenant withdraws nothing");
        store.write(|tx| people::withdraw_consents(tx, town.scope, hanako.subscriber, at(5), at(5)));

        assert_eq!((exported().consent_wording, exported().consent_at), (None, None));
        assert_eq!(store.number("SELECT COUNT(*) FROM consents"), 1, "the record stays");
    }
);

store_test!(
    fn an_export_carries_everything_but_the_reason_of_an_end(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town
            .family("hanako")
            .address("hanako@example.jp", PointState::Pending)
            .born("2026-12-20")
            .build();
        store.write(|tx| {
            people::set_state(
                tx,
                town.scope,
                hanako.subscription,
                SubscriptionState::Ended,
                Some(EndReason::Loss),
            )
        });

        let exported = store.read(|tx| people::export(tx, &store.keys, town.scope, None, 9));

        let [row] = exported.as_slice() else {
            panic!("{exported:?}")
        };
        assert_eq!(
            (row.subscription, row.subscriber, row.reference.as_deref()),
            (hanako.subscription, hanako.subscriber, None)
        );
        assert_eq!(
            (row.relation, row.language.as_str(), row.area.as_deref()),
            (Relation::Mother, "ja", None)
        );
        assert_eq!(
            (row.channel.as_str(), row.address.as_str(), row.point_state),
            ("email", "hanako@example.jp", PointState::Pending)
        );
        assert_eq!(
            (row.anchor, row.nickname.as_deref()),
            (
                Anchor::Birth {
                    on: day("2026-12-20"),
                    due: None
                },
                None
            )
        );
        assert_eq!(
            (row.registered_on, row.state),
            (day("2026-06-01"), SubscriptionState::Ended)
        );
        assert!(!format!("{row:?}").contains("example.jp"));
    }
);

store_test!(
    fn an_export_loses_nobody_at_any_page_size(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        other.family("elsewhere").build();
        let mut expected = Vec::new();
        for n in 0..7 {
            let family = town.family(&format!("f{n}")).build();
            expected.push((family.subscription, format!("f{n}@hidamari.example")));
            if n % 2 == 0 {
                let address = format!("second{n}@example.jp");
                let new = NewPoint {
                    id: PointId::new(id()),
                    subscriber: family.subscriber,
                    account: town.account,
                    channel: "email".into(),
                    address: address.clone(),
                    state: PointState::Verified,
                };
                store.write(|tx| people::add_point(tx, &store.keys, town.scope, &new));
                expected.push((family.subscription, address));
            }
        }
        expected.push((
            town.family("nowhere").without_address().build().subscription,
            String::new(),
        ));
        expected.sort();

        for limit in 1..10 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.read(|tx| people::export(tx, &store.keys, town.scope, after, limit));
                let Some(last) = page.last() else { break };
                after = Some(last.subscription);
                found.extend(page.into_iter().map(|row| (row.subscription, row.address)));
            }
            found.sort();
            assert_eq!(found, expected, "{limit} a page");
        }
    }
);

/// Families on few days, so that pages end in the middle of a day, in two towns with the same dates.
fn crowd(town: &Town<'_>) -> Vec<Follower> {
    let first = day("2026-11-28");
    for n in 0..40 {
        let date = first + n % 5;
        let anchor = match n % 4 {
            0 | 1 => Anchor::Due(date),
            2 => Anchor::Birth { on: date, due: None },
            _ => Anchor::Birth {
                on: date - 60,
                due: Some(date),
            },
        };
        let state = match n % 7 {
            5 => SubscriptionState::Paused,
            6 => SubscriptionState::Ended,
            _ => SubscriptionState::Active,
        };
        town.family(&format!("f{n}"))
            .anchor(anchor)
            .state(state)
            .registered(first + n % 3)
            .build();
    }
    let all = town
        .store
        .read(|tx| people::after(tx, &town.store.keys, town.scope, None, 1000));
    assert_eq!(all.len(), 40);
    all
}

fn date_of(by: AnchorDate, follower: &Follower) -> Option<Day> {
    match by {
        AnchorDate::Due => follower.anchor.due().filter(|_| follower.anchor.birth().is_none()),
        AnchorDate::Birth => follower.anchor.birth(),
        AnchorDate::PretermDue => follower.anchor.due().filter(|_| follower.anchor.is_preterm()),
    }
}

/// Every page of a walk, one after the other.
fn walk(mut next: impl FnMut(Option<(Day, SubscriptionId)>) -> Page, limit: usize) -> Vec<Follower> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = next(after);
        assert!(page.followers.len() <= limit);
        assert!(page.after.is_none() || page.followers.len() == limit);
        found.extend(page.followers);
        match page.after {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn in_order(crowd: &[Follower], days: (Day, Day), date: impl Fn(&Follower) -> Option<Day>) -> Vec<Follower> {
    let mut wanted: Vec<(Day, SubscriptionId, Follower)> = crowd
        .iter()
        .filter(|follower| follower.state != SubscriptionState::Ended)
        .filter_map(|follower| Some((date(follower)?, follower.subscription, follower.clone())))
        .filter(|(date, _, _)| days.0 <= *date && *date <= days.1)
        .collect();
    wanted.sort_by_key(|(date, id, _)| (*date, *id));
    wanted.into_iter().map(|(_, _, follower)| follower).collect()
}

fn tries(count: u32) -> TestRunner {
    TestRunner::new(Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    })
}

/// Any range of days around those of the crowd, also an empty or a reversed one.
fn range() -> impl Strategy<Value = (Day, Day)> {
    (-70..8, -70..8).prop_map(|(from, until)| (day("2026-11-28") + from, day("2026-11-28") + until))
}

store_test!(
    fn a_walk_finds_everyone_of_its_range_in_order_at_any_page_size(store: &Fixture) {
        let towns = [Town::with(store), Town::named(store, "other")];
        let crowds = towns.each_ref().map(crowd);
        let by = prop_oneof![
            Just(AnchorDate::Due),
            Just(AnchorDate::Birth),
            Just(AnchorDate::PretermDue)
        ];

        tries(150)
            .run(&(by, range(), 1..45_usize, 0..2_usize), |(by, days, limit, which)| {
                let (town, crowd) = (&towns[which], &crowds[which]);
                let range = AnchorRange {
                    by,
                    from: days.0,
                    until: days.1,
                };
                let next = |after| store.read(|tx| people::due(tx, &store.keys, town.scope, &range, after, limit));
                prop_assert_eq!(
                    walk(next, limit),
                    in_order(crowd, days, |follower| date_of(by, follower))
                );
                Ok(())
            })
            .unwrap();
    }
);

store_test!(
    fn newcomers_are_walked_the_same_way(store: &Fixture) {
        let towns = [Town::with(store), Town::named(store, "other")];
        let crowds = towns.each_ref().map(crowd);

        tries(60)
            .run(&(range(), 1..45_usize, 0..2_usize), |(days, limit, which)| {
                let (town, crowd) = (&towns[which], &crowds[which]);
                let next = |after| store.read(|tx| people::registered(tx, &store.keys, town.scope, days, after, limit));
                prop_assert_eq!(
                    walk(next, limit),
                    in_order(crowd, days, |follower| Some(follower.registered_on))
                );
                Ok(())
            })
            .unwrap();
    }
);

store_test!(
    fn a_list_goes_on_after_the_last_one_seen(store: &Fixture) {
        let town = Town::with(store);
        Town::named(store, "other").family("elsewhere").build();
        let crowd = crowd(&town);

        for limit in [1, 7, 40] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.read(|tx| people::after(tx, &store.keys, town.scope, after, limit));
                let Some(last) = page.last() else { break };
                after = Some(last.subscription);
                found.extend(page);
            }
            assert_eq!(found, crowd, "{limit} a page, the ended ones too");
        }
    }
);

store_test!(
    fn nothing_of_another_tenant_appears(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let (crowd, others) = (crowd(&town), crowd(&other));
        let mine: HashMap<SubscriptionId, &Follower> = crowd.iter().map(|f| (f.subscription, f)).collect();

        for follower in &others {
            assert!(!mine.contains_key(&follower.subscription));
            let (subscription, subscriber) = (follower.subscription, follower.subscriber);
            assert_eq!(
                store.read(|tx| people::one(tx, &store.keys, town.scope, subscription)),
                None
            );
            assert_eq!(
                store.read(|tx| people::of_subscriber(tx, &store.keys, town.scope, subscriber)),
                []
            );
        }
        let exported = store.read(|tx| people::export(tx, &store.keys, town.scope, None, 1000));
        assert!(exported.iter().all(|row| mine.contains_key(&row.subscription)));
        assert_eq!(exported.len(), crowd.len());
        let keys: Vec<_> = others
            .iter()
            .map(|follower| (follower.subscription, "kizuna/d1".to_owned()))
            .collect();
        assert!(store.write(|tx| runs::reserved(tx, town.scope, &keys)).is_empty());
    }
);

store_test!(
    fn a_pause_ends_after_its_last_day_and_only_where_there_is_one(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").state(SubscriptionState::Paused).build();
        let active = town.family("active").build();
        let end = |family: &Family| {
            store.write(|tx| people::end_pause(tx, town.scope, family.subscription, day("2026-12-24")))
        };
        let own = |family: &Family| {
            store
                .read(|tx| people::own(tx, &store.keys, town.scope, family.subscriber))
                .remove(0)
        };
        let (_, before) = own(&hanako);

        assert_eq!([end(&hanako), end(&hanako), end(&active)], [true, false, false]);

        let (follower, version) = own(&hanako);
        assert_eq!(
            (follower.state, follower.resumed_on),
            (SubscriptionState::Active, Some(day("2026-12-24")))
        );
        assert_eq!(version, before + 1);
        assert_eq!(own(&active).0.resumed_on, None);
    }
);

store_test!(
    fn what_ended_has_no_nickname_any_more(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let name = || {
            let rows = store.read(|tx| people::export(tx, &store.keys, town.scope, None, 10));
            rows[0].nickname.clone()
        };
        let set = |state| store.write(|tx| people::set_state(tx, town.scope, hanako.subscription, state, None));
        set(SubscriptionState::Paused);
        assert_eq!(name().as_deref(), Some("hanako"));
        set(SubscriptionState::Ended);
        assert_eq!(name(), None);
        assert_eq!(
            store.number("SELECT COUNT(*) FROM subscriptions WHERE nickname IS NOT NULL"),
            0
        );
    }
);
