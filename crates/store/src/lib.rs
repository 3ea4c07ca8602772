//! The memory: every SQL statement of the product, on SQLite and PostgreSQL alike.
//!
//! Repository functions take a transaction and domain values, hold one statement each and decide nothing.

pub mod audit;
pub mod content;
pub mod db;
pub mod dossier;
pub mod erase;
pub mod error;
pub mod fence;
pub mod invites;
pub mod line;
pub mod mails;
pub mod media;
pub mod menus;
pub mod migrate;
pub mod moves;
pub mod people;
pub mod places;
pub mod runs;
pub mod scope;
pub mod seal;
pub mod sessions;
pub mod staff;
pub mod stops;
pub mod successors;
pub mod tenants;
pub mod throttles;
pub mod tickets;
pub mod troubles;

pub use db::{Db, Location, ReadTx, WriteTx};
pub use error::StoreError;
pub use scope::Scope;
pub use seal::Keyring;
