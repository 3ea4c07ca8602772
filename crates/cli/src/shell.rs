//! Where the outside world is wired: the clock, identifiers, the key file, the database.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kizuna_domain::ids::Ids;
use kizuna_engine::{Clock, Env, Net, Pace, Stop};
use kizuna_store::{Db, Keyring, Location, StoreError};
use uuid::Uuid;

/// The clock of the machine.
struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the present comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where the program waits")]
    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// Identifiers that sort by the time of their making.
struct MachineIds;

impl Ids for MachineIds {
    #[expect(clippy::disallowed_methods, reason = "the one place where identifiers are made")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The name of this machine.
fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).ok();
    read("/etc/machine-id")
        .or_else(|| read("/proc/sys/kernel/hostname"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Thirty-two bytes that nobody can guess.
pub(crate) fn random_key() -> std::io::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(key)
}

/// Writes a file that only its owner may read; fails where it exists.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    private().create_new(true).open(path)?.write_all(text.as_bytes())
}

/// Writes a file that only its owner may read, over an earlier one.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    private().create(true).truncate(true).open(path)?.write_all(bytes)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opens the database and puts the outside world together.
pub(crate) fn env(location: &str, keys: Keyring, witness: &Path, pace: Pace) -> Result<Arc<Env>, StoreError> {
    let db = Db::open(&Location::parse(location)?)?;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    Ok(Arc::new(Env {
        db,
        keys,
        net: Net::new(Arc::clone(&clock)),
        clock,
        ids: Box::new(MachineIds),
        pace,
        stop: Stop::default(),
        witness: witness.to_owned(),
        machine: machine(),
    }))
}
