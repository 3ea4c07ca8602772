//! Places and their counters: a code is one tenant's, and nobody else counts at it.

use kizuna_domain::place::PlaceCode;
use kizuna_store::places::{self, Place};

use crate::town::{Fixture, Town, at};

fn code(first: u8) -> PlaceCode {
    PlaceCode::from_random(&[first; 32])
}

store_test!(
    fn a_code_is_one_places_in_the_whole_installation_and_only_its_tenant_counts_and_renames(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        assert!(store.write(|tx| places::add(tx, town.scope, code(2), "産院", at(1))));
        assert!(store.write(|tx| places::add(tx, town.scope, code(1), "窓口", at(0))));
        assert!(!store.write(|tx| places::add(tx, other.scope, code(1), "健診", at(0))));

        store.write(|tx| places::count(tx, town.scope, code(1)));
        store.write(|tx| places::count(tx, town.scope, code(1)));
        store.write(|tx| places::count(tx, other.scope, code(1)));
        store.write(|tx| places::count(tx, town.scope, code(9)));
        assert!(store.write(|tx| places::rename(tx, town.scope, code(2), "駅前の産院")));
        assert!(!store.write(|tx| places::rename(tx, other.scope, code(2), "よその名")));

        let place = |code, name: &str, registrations| Place {
            code,
            name: name.to_owned(),
            registrations,
        };
        assert_eq!(
            store.read(|tx| places::of_tenant(tx, town.scope)),
            [place(code(1), "窓口", 2), place(code(2), "駅前の産院", 0)]
        );
        assert_eq!(store.read(|tx| places::of_tenant(tx, other.scope)), []);
        let whose = |code| store.read(|tx| places::town(tx, code));
        assert_eq!(whose(code(1)), whose(code(2)));
        assert!(whose(code(1)).is_some() && whose(code(9)).is_none());
    }
);
