//! Trouble at addresses: once a day and kind, for fourteen days, lifted for one address alone.

use kizuna_domain::people::{PointState, Reach, SkipReason};
use kizuna_domain::trouble::Trouble;
use kizuna_store::{people, troubles};

use crate::town::{Fixture, TODAY, Town, at, day};

store_test!(
    fn trouble_counts_once_a_day_and_for_fourteen_days(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = town.family("hanako").build();
        for (trouble, on, minute) in [
            (Trouble::Full, "2026-12-10", 0),
            (Trouble::Full, "2026-12-11", 1),
            (Trouble::Full, "2026-12-11", 2),
            (Trouble::Away, "2026-12-11", 3),
            (Trouble::Filtered, "2026-12-24", 4),
        ] {
            store.write(|tx| troubles::put(tx, town.scope, hanako.point, trouble, day(on), at(minute)));
        }
        let of = |scope, on: &str| store.read(|tx| troubles::of_point(tx, scope, hanako.point, day(on)));
        let (tenth, eleventh, today) = (day("2026-12-10"), day("2026-12-11"), day(TODAY));
        assert_eq!(
            of(town.scope, TODAY),
            [
                (Trouble::Filtered, today),
                (Trouble::Away, eleventh),
                (Trouble::Full, eleventh)
            ]
        );
        assert_eq!(of(town.scope, "2026-12-23").last(), Some(&(Trouble::Full, tenth)));
        assert_eq!(of(other.scope, TODAY), []);
        assert_eq!(store.write(|tx| troubles::sweep(tx, at(4))), 3);
        assert_eq!(of(town.scope, TODAY), [(Trouble::Filtered, today)]);
    }
);

store_test!(
    fn a_lifted_address_may_be_used_again_and_another_not(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let families = [town.family("hanako").build(), town.family("taro").build()];
        let point = |index: usize| store.read(|tx| troubles::point(tx, &store.keys, town.scope, families[index].point));
        for family in &families {
            store.write(|tx| people::suppress(tx, town.scope, family.point, "address-gone", at(0)));
        }
        let since = |scope, minute| store.read(|tx| troubles::suppressed_since(tx, scope, at(minute)));
        assert_eq!(
            (since(town.scope, -1), since(town.scope, 0), since(other.scope, -1)),
            (2, 0, 0)
        );
        let hanako = point(0).unwrap();
        assert_eq!(hanako.state, PointState::Suppressed);
        assert_eq!(
            store.read(|tx| troubles::point(tx, &store.keys, other.scope, hanako.id)),
            None
        );
        assert_eq!(
            store.read(|tx| troubles::points(tx, &store.keys, town.scope, hanako.subscriber)),
            std::slice::from_ref(&hanako)
        );
        assert!(!format!("{hanako:?}").contains(&hanako.address));

        store.write(|tx| troubles::lift(tx, &store.keys, town.scope, &hanako));
        let suppressed = |point: &troubles::Point| {
            store.read(|tx| people::suppression(tx, &store.keys, town.scope, &point.channel, &point.address))
        };
        assert_eq!((suppressed(&hanako), since(town.scope, -1)), (None, 1));
        assert!(suppressed(&point(1).unwrap()).is_some());
    }
);

store_test!(
    fn a_resting_address_is_silent_like_a_refused_one(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        store.write(|tx| {
            people::set_point(tx, town.scope, hanako.point, PointState::Bouncing)?;
            people::refresh_reach(tx, town.scope, hanako.subscriber)
        });
        let follower = store.read(|tx| people::one(tx, &store.keys, town.scope, hanako.subscription));
        assert_eq!(follower.unwrap().reach, Reach::Silent(SkipReason::Suppressed));
    }
);
