//! The send epoch.

use kizuna_store::StoreError;
use kizuna_store::fence::{self, Fence};

use crate::town::{Fixture, day};

store_test!(
    fn an_installation_is_named_once(store: &Fixture) {
        assert_eq!(store.read(fence::get), None);
        store.write(|tx| fence::create(tx, "node-a"));
        store.write(|tx| fence::create(tx, "node-b"));

        let expected = Fence {
            node: "node-a".into(),
            epoch: 1,
            high_water: 0,
            fenced_through: None,
        };
        assert_eq!(store.read(fence::get), Some(expected));
    }
);

store_test!(
    fn every_claim_of_work_raises_the_mark(store: &Fixture) {
        store.write(|tx| fence::create(tx, "node"));
        for _ in 0..3 {
            store.write(|tx| fence::raise(tx, 1));
        }
        assert_eq!(store.read(fence::get).unwrap().high_water, 3);
    }
);

store_test!(
    fn who_holds_an_older_epoch_claims_no_more_work(store: &Fixture) {
        store.write(|tx| fence::create(tx, "node"));
        let epoch = store.read(fence::get).unwrap().epoch;

        store.write(|tx| fence::claim(tx, Some(day("2026-12-24"))));

        let late = store.db.write(|tx| fence::raise(tx, epoch));
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
        let expected = Fence {
            node: "node".into(),
            epoch: 2,
            high_water: 1,
            fenced_through: Some(day("2026-12-24")),
        };
        assert_eq!(store.read(fence::get), Some(expected));
        store.write(|tx| fence::raise(tx, 2));
        store.write(|tx| fence::claim(tx, None));
        assert_eq!(store.read(fence::get).unwrap().fenced_through, None);
    }
);

store_test!(
    fn an_installation_without_a_name_claims_nothing(store: &Fixture) {
        assert!(store.db.write(|tx| fence::raise(tx, 1)).is_err());
        assert!(store.db.write(|tx| fence::claim(tx, None)).is_err());
    }
);
