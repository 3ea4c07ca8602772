//! What the memory promises, each promise kept on SQLite and on PostgreSQL alike.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

/// One promise, tried on both databases: `name::sqlite` and `name::postgres`.
macro_rules! store_test {
    ($(#[$meta:meta])* fn $name:ident($store:ident: &Fixture) $promise:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            fn promise($store: &Fixture) $promise

            #[test]
            fn sqlite() {
                promise(&Fixture::sqlite());
            }

            #[test]
            fn postgres() {
                promise(&Fixture::postgres());
            }
        }
    };
}

mod audit;
mod content;
mod dispatch;
mod fence;
mod ledger;
mod line;
mod mails;
mod media;
mod menus;
mod migrations;
mod people;
mod places;
mod recall;
mod runs;
mod sealed;
mod staff;
mod statements;
mod tenants;
mod throttles;
mod town;
mod troubles;
mod units;
