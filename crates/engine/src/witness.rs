//! The witness: a small file outside the database that remembers how much this installation has sent.
//!
//! A database restored from a backup knows less than its witness; one copied to another machine has none or a
//! stranger's. Both must not send, because the original did or still does.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use kizuna_store::fence::{self, Fence};
use serde::{Deserialize, Serialize};

use crate::env::Env;
use crate::error::EngineError;

/// Drafts of witnesses that this process has written: each has a name of its own.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// What the witness remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Witness {
    node: String,
    machine: String,
    epoch: i64,
    high_water: i64,
}

fn read(path: &Path) -> Result<Option<Witness>, EngineError> {
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map(Some).map_err(|error| EngineError::Fenced(format!(
            "the witness file {} cannot be read ({}); if this is the only live copy of the database, run `kizuna claim`",
            path.display(),
            error.message()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EngineError::Witness { path: path.display().to_string(), source }),
    }
}

/// Says whether this database may send, and with which epoch.
pub fn may_send(env: &Env) -> Result<Fence, EngineError> {
    // The file first: whoever sends at this moment makes the database know more than the file, never less.
    let witness = read(&env.witness)?;
    let fence = env
        .db
        .read(fence::get)?
        .ok_or_else(|| EngineError::Fenced("run `kizuna migrate` first".to_owned()))?;
    let what_to_do = "If it is the only live copy, run `kizuna claim`; today's messages are then given up.";
    match witness {
        None if fence.high_water == 0 => {}
        None => {
            return Err(EngineError::Fenced(format!(
                "this database has sent before, but not from here: its witness file {} is missing. {what_to_do}",
                env.witness.display()
            )));
        }
        Some(witness) if witness.node != fence.node || witness.machine != env.machine => {
            return Err(EngineError::Fenced(format!(
                "this database was moved from another machine. {what_to_do}"
            )));
        }
        Some(witness) if (fence.epoch, fence.high_water) < (witness.epoch, witness.high_water) => {
            return Err(EngineError::Fenced(format!(
                "this database was restored from a backup. {what_to_do}"
            )));
        }
        Some(_) => {}
    }
    note(env, &fence)?;
    Ok(fence)
}

/// Remembers how much was sent.
///
/// Several workers may write at once: each has a draft of its own, and the last rename wins. A witness that is
/// a claim or two behind still tells a backup from the original.
pub fn note(env: &Env, fence: &Fence) -> Result<(), EngineError> {
    let witness = Witness {
        node: fence.node.clone(),
        machine: env.machine.clone(),
        epoch: fence.epoch,
        high_water: fence.high_water,
    };
    let text = toml::to_string(&witness).unwrap_or_default();
    let failed = |source| EngineError::Witness {
        path: env.witness.display().to_string(),
        source,
    };
    let draft = format!("{}-{}.new", std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed));
    let draft = env.witness.with_extension(draft);
    fs::write(&draft, text).map_err(failed)?;
    fs::rename(&draft, &env.witness).map_err(failed)
}
