//! What a restored backup does not know: who was erased and what was stopped since. Files beside the witness name both by
//! random numbers, and like the witness they are in no backup.
//!
//! Rows of the database wait until the files name them, so that neither an erasure nor a stop waits for a disk that is
//! not the database's, and so that a crash in between loses nothing: the worst is a line that stands there twice.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, SubscriptionId, TenantId};
use kizuna_domain::people::SubscriptionState;
use kizuna_store::erase::{self, Erasure};
use kizuna_store::stops::{self, Stop};
use kizuna_store::{Scope, StoreError, fence, people, tenants};

use crate::actions::{Actor, Note, people as readers};
use crate::env::Env;
use crate::error::EngineError;
use crate::{retention, witness};

/// Lines that are written, or read, at once.
const PAGE: usize = 200;
/// Pages that one look writes; what is left waits for the next.
const PAGES_MAX: usize = 500;
/// Longest line; three words have less.
const LINE_BYTES_MAX: usize = 200;
/// Files of stops that are kept, one for each month: a backup that is older than they are must not be restored.
pub const STOP_FILES_MAX: usize = 24;
/// What the names of the files of stops have before the month.
const STOPPED: &str = "stopped-";

/// What a restored backup was told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Repeated {
    /// Readers who were erased once more.
    pub erased: u64,
    /// Subscriptions that were stopped once more.
    pub stopped: u64,
}

/// Writes into the files what they do not name yet: on disk there before the database forgets that it is to be written.
///
/// The mark of the fence rises with it, so that a backup from before is known as one although nothing was sent since.
pub fn note(env: &Env) -> Result<(), EngineError> {
    for _ in 0..PAGES_MAX {
        let (erasures, stops) = env
            .db
            .read(|tx| Ok((erase::unnoted(tx, PAGE)?, stops::unnoted(tx, PAGE)?)))?;
        if erasures.is_empty() && stops.is_empty() {
            break;
        }
        // A copy that does not know whether it is the live one writes into no file of the live one.
        let fence = witness::may_send(env)?;
        append(
            &erasures_file(env),
            erasures.iter().map(|one| line(one.at, one.tenant, one.reader)),
        )?;
        append(
            &stops_file(env),
            stops.iter().map(|one| line(one.at, one.tenant, one.subscription)),
        )?;
        let raised = env.write(|tx| {
            erasures.iter().try_for_each(|erasure| erase::noted(tx, erasure))?;
            stops.iter().try_for_each(|stop| stops::noted(tx, stop))?;
            fence::raise(tx, fence.epoch)?;
            fence::get(tx)
        })?;
        if let Some(raised) = raised {
            witness::note(env, &raised)?;
        }
    }
    Ok(())
}

/// Does once more what a restored backup does not know. It is done before the backup may send.
///
/// A reader who registered later under the same number is another one, and whoever asked for messages anew has another
/// subscription: both go on.
pub fn repeat(env: &Env) -> Result<Repeated, EngineError> {
    let mut repeated = Repeated::default();
    for path in stops_files(env)? {
        pages(&path, |page| {
            let stops = page.iter().filter_map(|line| read::<SubscriptionId>(line));
            let stops: Vec<Stop> = stops
                .map(|(at, tenant, subscription)| Stop {
                    tenant,
                    subscription,
                    at,
                })
                .collect();
            for stop in living(env, &stops)? {
                repeated.stopped += u64::from(stop_again(env, &stop)?);
            }
            Ok(())
        })?;
    }
    pages(&erasures_file(env), |page| {
        for (at, tenant, reader) in page.iter().filter_map(|line| read::<SubscriberId>(line)) {
            let erasure = Erasure { tenant, reader, at };
            repeated.erased += u64::from(erase_again(env, &erasure)?);
        }
        Ok(())
    })?;
    Ok(repeated)
}

/// Those of some stops whose subscription lives: nearly none, but in a restored backup.
fn living(env: &Env, stops: &[Stop]) -> Result<Vec<Stop>, StoreError> {
    env.db.read(|tx| {
        let mut living = Vec::new();
        for stop in stops {
            if people::version(tx, Scope::of(stop.tenant), stop.subscription)?.is_some() {
                living.push(*stop);
            }
        }
        Ok(living)
    })
}

fn stop_again(env: &Env, stop: &Stop) -> Result<bool, StoreError> {
    let scope = Scope::of(stop.tenant);
    let note = Note::new(env, Actor::CommandLine, Some(scope), "readers.stop-again");
    env.write(|tx| {
        let Some(known) = people::one(tx, &env.keys, scope, stop.subscription)? else {
            return Ok(false);
        };
        let is_later = erase::hold(tx, scope, known.subscriber)?.is_none_or(|held| held.registered_at > stop.at);
        if is_later || known.state == SubscriptionState::Ended {
            return Ok(false);
        }
        readers::end(tx, scope, stop.subscription)?;
        readers::after_an_end(tx, &env.keys, (scope, known.subscriber), stop.at, note.at)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &stop.subscription.to_string(), "")?;
        Ok(true)
    })
}

fn erase_again(env: &Env, erasure: &Erasure) -> Result<bool, StoreError> {
    let (scope, now) = (Scope::of(erasure.tenant), env.clock.now());
    let note = Note::new(env, Actor::CommandLine, Some(scope), "readers.purge");
    env.write(|tx| {
        let held = erase::hold(tx, scope, erasure.reader)?;
        if held.is_none_or(|held| held.registered_at > erasure.at) {
            return Ok(false);
        }
        retention::remove(tx, &env.keys, scope, erasure.reader, now)?;
        tenants::touch(tx, scope)?;
        note.write(tx, "list", "erased=1")?;
        Ok(true)
    })
}

fn erasures_file(env: &Env) -> PathBuf {
    env.witness.with_extension("erased")
}

/// The file of this month. A month that is over gets no more lines, so that old files can be taken away whole.
fn stops_file(env: &Env) -> PathBuf {
    let month = env.clock.now().strftime("%Y-%m");
    env.witness.with_extension(format!("{STOPPED}{month}"))
}

/// The files of stops, the oldest first.
fn stops_files(env: &Env) -> Result<Vec<PathBuf>, EngineError> {
    let folder = env.witness.parent().unwrap_or(Path::new("."));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed(folder))?.path();
        let of_stops = path
            .extension()
            .is_some_and(|end| end.to_string_lossy().starts_with(STOPPED));
        if of_stops && path.file_stem() == env.witness.file_stem() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Takes away the oldest files of stops where there are more than [`STOP_FILES_MAX`].
pub(crate) fn sweep(env: &Env) -> Result<(), EngineError> {
    let files = stops_files(env)?;
    let over = files.len().saturating_sub(STOP_FILES_MAX);
    for path in files.iter().take(over) {
        fs::remove_file(path).map_err(failed(path))?;
    }
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> EngineError {
    let path = path.display().to_string();
    move |source| EngineError::Witness {
        path: path.clone(),
        source,
    }
}

/// Writes lines behind those of a file, and waits until they are on disk.
fn append(path: &Path, lines: impl Iterator<Item = String>) -> Result<(), EngineError> {
    let lines: String = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    // A power failure may have cut the last line short: what comes now stands on lines of its own.
    let text = format!("\n{lines}");
    let is_new = !path.exists();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(failed(path))?;
    file.write_all(text.as_bytes()).map_err(failed(path))?;
    file.sync_data().map_err(failed(path))?;
    if let Some(folder) = path.parent().filter(|_| is_new) {
        // The name of a new file is part of the folder.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed(path))?;
    }
    Ok(())
}

fn line(at: Timestamp, tenant: TenantId, id: impl std::fmt::Display) -> String {
    format!("{at} {tenant} {id}\n")
}

fn read<I: FromStr>(line: &str) -> Option<(Timestamp, TenantId, I)> {
    let mut words = line.split_whitespace();
    let (at, tenant, id) = (words.next()?, words.next()?, words.next()?);
    Some((at.parse().ok()?, tenant.parse().ok()?, id.parse().ok()?))
}

/// Reads a file page by page; one that is not there has nothing in it.
///
/// A line that was cut short by a power failure names nothing; the database still has what it was to name.
fn pages(path: &Path, mut each: impl FnMut(&[String]) -> Result<(), EngineError>) -> Result<(), EngineError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(path)(error)),
    };
    let mut page = Vec::with_capacity(PAGE);
    for line in BufReader::new(file).lines() {
        let line = line.map_err(failed(path))?;
        if line.len() <= LINE_BYTES_MAX {
            page.push(line);
        }
        if page.len() == PAGE {
            each(&page)?;
            page.clear();
        }
    }
    each(&page)
}
