//! What a reader's pages ask for: everything they ever followed, how they are reached, and fresh links not too often.

use kizuna_domain::people::{EndReason, PointState, SubscriptionState};
use kizuna_store::people;

use crate::town::{Fixture, Town};

store_test!(
    fn everything_a_reader_ever_followed_comes_with_why_it_ended(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let first = town.family("hanako").due("2027-03-01").build();
        let second = town.family("taro").born("2026-10-01").of(&first).build();
        town.family("jiro").build();
        store.write(|tx| {
            let (state, reason) = (SubscriptionState::Ended, Some(EndReason::Completed));
            people::set_state(tx, town.scope, first.subscription, state, reason)
        });
        let ever = |scope| {
            let all = store.read(|tx| people::ever_of_subscriber(tx, &store.keys, scope, first.subscriber));
            let mut all: Vec<_> = all
                .into_iter()
                .map(|(one, is_complete)| (one.subscription, one.state, is_complete))
                .collect();
            all.sort();
            all
        };

        let mut expected = vec![
            (first.subscription, SubscriptionState::Ended, true),
            (second.subscription, SubscriptionState::Active, false),
        ];
        expected.sort();
        assert_eq!(ever(town.scope), expected);
        assert!(ever(other.scope).is_empty());
    }
);

store_test!(
    fn single_mails_go_to_an_address_that_works_and_to_no_other(store: &Fixture) {
        let town = Town::with(store);
        let mail_of = |name: &str, state| {
            let family = town.family(name).address(&format!("{name}@example.jp"), state).build();
            store.read(|tx| people::mail_of(tx, &store.keys, town.scope, family.subscriber))
        };
        assert_eq!(
            mail_of("hanako", PointState::Verified),
            Some("hanako@example.jp".to_owned())
        );
        for (name, state) in [
            ("taro", PointState::Pending),
            ("jiro", PointState::Suppressed),
            ("saburo", PointState::Blocked),
        ] {
            assert_eq!(mail_of(name, state), None, "{name}");
        }
    }
);

store_test!(
    fn a_reader_without_an_address_has_no_channel(store: &Fixture) {
        let town = Town::with(store);
        let channels =
            |family: &crate::town::Family| store.read(|tx| people::channels_of(tx, town.scope, family.subscriber));

        assert_eq!(channels(&town.family("hanako").build()), ["email"]);
        assert!(channels(&town.family("jiro").without_address().build()).is_empty());
    }
);
