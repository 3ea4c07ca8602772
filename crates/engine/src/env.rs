//! Everything of the outside world that the engine may use, handed in once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use kizuna_channels::{Clock, Net};
use kizuna_domain::ids::Ids;
use kizuna_store::tenants::Account;
use kizuna_store::{Db, Keyring, StoreError, WriteTx};

/// How the engine paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a worker's hold on a batch lasts without a sign of life.
    pub lease: Duration,
    /// Subscriptions planned in one transaction.
    pub page: usize,
    /// Sessions of all accounts together.
    pub workers_max: usize,
}

/// A worker that says nothing for this long is taken for dead; its batch goes on elsewhere.
///
/// Far above the skew of well-kept clocks and a stalled disk, short enough that a morning goes on in seconds.
pub const LEASE: Duration = Duration::from_secs(10);
/// Rows held in memory and in one transaction at a time: SQLite's one writer is busy for tens of milliseconds only.
pub const PAGE: usize = 5_000;
/// Threads that talk to providers at most.
pub const WORKERS_MAX: usize = 64;

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            lease: LEASE,
            page: PAGE,
            workers_max: WORKERS_MAX,
        }
    }
}

/// A press of "stop": work in progress ends after the letters that are on the wire.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks everything to end soon.
    pub fn press(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// True after [`Stop::press`].
    pub fn is_pressed(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The outside world of the engine.
pub struct Env {
    /// The memory.
    pub db: Db,
    /// The installation's keys.
    pub keys: Keyring,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The way to providers.
    pub net: Net,
    /// Source of identifiers.
    pub ids: Box<dyn Ids>,
    /// How the engine paces itself.
    pub pace: Pace,
    /// The stop button.
    pub stop: Stop,
    /// File outside the database that remembers how much was sent (see [`crate::witness`]).
    pub witness: PathBuf,
    /// Name of this machine, kept in the witness.
    pub machine: String,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env")
            .field("db", &self.db)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// How often a unit of work is repeated after the database chose it to give way.
const TRIES_MAX: usize = 5;

impl Env {
    /// Writes, and begins again where the database gave the way to somebody else: a lost race, a deadlock, a lost connection.
    ///
    /// For what a person pressed, who should not read of a deadlock, and for planners that meet on one page.
    pub fn write<T>(&self, mut work: impl FnMut(&mut WriteTx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tries = 1;
        loop {
            match self.db.write(&mut work) {
                Err(error) if tries < TRIES_MAX && error.is_transient() => tries += 1,
                result => return result,
            }
        }
    }
}

/// The account in the words of the channels crate.
pub fn channel_account(account: &Account) -> kizuna_channels::Account {
    let secrets: BTreeMap<String, kizuna_channels::Secret> = account
        .secrets
        .iter()
        .map(|(name, word)| (name.clone(), kizuna_channels::Secret(word.clone())))
        .collect();
    kizuna_channels::Account {
        id: account.id,
        settings: account.settings.clone(),
        secrets,
    }
}
