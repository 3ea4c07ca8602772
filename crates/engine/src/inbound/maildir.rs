//! The folder into which the town's mail server puts mail: one mail, one file. Nothing here reads what a mail says.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::inbound::BYTES_MAX;

use super::Directory;

/// Mails of one look.
const LOOK_MAX: usize = 50;
/// Names of one look: a folder with more is worked off in the order of its names all the same.
const NAMES_MAX: usize = 10_000;
/// The folder beside `new` for mails that were put aside.
const BROKEN: &str = ".Broken";
/// Mails that were put aside and are kept: enough to see what is wrong with the mail server.
pub const BROKEN_MAX: usize = 1_000;
/// Days from its arrival for which such a mail is kept: there are addresses in it.
pub const BROKEN_DAYS_MAX: i64 = 90;
/// How long it takes at most until one is forgotten that is too old.
const TIDIED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How long a file is left alone that can be neither removed nor put aside.
const STUCK_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// A file that shows whether this user may write; mails whose names begin with a dot are not looked at.
const PROBE: &str = ".kizuna-check";

/// A folder into which a mail server puts mail, and what is known about it.
#[derive(Debug)]
pub struct Maildir {
    home: PathBuf,
    held: HashMap<OsString, Held>,
    tidied_at: Option<Timestamp>,
    pub(super) directory: Option<(Timestamp, Directory)>,
}

#[derive(Debug)]
struct Held {
    tries: u32,
    until: Timestamp,
}

impl Maildir {
    /// The Maildir at a path: the mail server puts files into its `new`.
    pub fn new(path: &Path) -> Maildir {
        Maildir {
            home: path.to_owned(),
            held: HashMap::new(),
            tidied_at: None,
            directory: None,
        }
    }

    fn arrived(&self, name: &OsStr) -> PathBuf {
        self.home.join("new").join(name)
    }

    /// The names of mails that may be looked at, the oldest first: names begin with the instant of their arrival.
    pub(super) fn names(&mut self, now: Timestamp) -> io::Result<Vec<OsString>> {
        fs::metadata(&self.home)?;
        let mut names = names(&self.home.join("new"))?;
        names.sort_unstable();
        self.held.retain(|name, _| names.binary_search(name).is_ok());
        names.retain(|name| self.held.get(name).is_none_or(|held| held.until <= now));
        names.truncate(LOOK_MAX);
        Ok(names)
    }

    pub(super) fn read(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        let path = self.arrived(name);
        // A link could lead to any file of this machine.
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        fs::File::open(path)?.take(BYTES_MAX as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn remove(&mut self, name: &OsStr, now: Timestamp) {
        self.held.remove(name);
        if let Err(error) = fs::remove_file(self.arrived(name)) {
            tracing::error!(%error, "a mail that is done cannot be removed; may this program write to the Maildir?");
            self.hold(name, now, STUCK_PAUSE);
        }
    }

    pub(super) fn put_aside(&mut self, name: &OsStr, now: Timestamp) {
        self.held.remove(name);
        let aside = aside(&self.home);
        let moved = fs::create_dir_all(&aside).and_then(|()| fs::rename(self.arrived(name), aside.join(name)));
        if let Err(error) = moved {
            tracing::error!(%error, "a mail that cannot be read cannot be put aside either");
            self.hold(name, now, STUCK_PAUSE);
        }
    }

    /// Leaves a mail alone for a while; says how often that was done.
    pub(super) fn hold(&mut self, name: &OsStr, now: Timestamp, pause: SignedDuration) -> u32 {
        let tries = self.held.get(name).map_or(0, |held| held.tries) + 1;
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        self.held.insert(name.to_owned(), Held { tries, until });
        tries
    }

    /// Forgets mails that were put aside and are too old or too many: at once after some were, hourly otherwise.
    pub(super) fn tidy(&mut self, now: Timestamp, at_once: bool) -> io::Result<()> {
        let is_fresh = |at: Timestamp| now.duration_since(at) < TIDIED_EVERY;
        if !at_once && self.tidied_at.is_some_and(is_fresh) {
            return Ok(());
        }
        self.tidied_at = Some(now);
        let kept = SignedDuration::from_hours(24 * BROKEN_DAYS_MAX);
        let aside = oldest_first(&aside(&self.home))?;
        let too_many = aside.len().saturating_sub(BROKEN_MAX);
        let mut forgotten = 0;
        for (place, mail) in aside.into_iter().enumerate() {
            if place < too_many || now.duration_since(mail.arrived_at) >= kept {
                // What cannot be removed must not keep the others.
                match fs::remove_file(mail.path) {
                    Ok(()) => forgotten += 1,
                    Err(error) => tracing::warn!(%error, "a mail that had been put aside cannot be removed"),
                }
            }
        }
        if forgotten > 0 {
            tracing::warn!(
                forgotten,
                "mails that had been put aside were too old or too many and are removed"
            );
        }
        Ok(())
    }
}

/// What a Maildir holds, for whoever looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// Mails that wait to be looked at.
    pub waiting: usize,
    /// How long the oldest of them has been waiting.
    pub oldest: Option<SignedDuration>,
    /// Mails in `cur`: another program took them for read, and nobody here looks at them.
    pub taken: usize,
    /// Mails that were put aside.
    pub broken: usize,
}

/// Looks into a Maildir, and tries whether this user may read and remove what is in it.
pub fn state(home: &Path, now: Timestamp) -> io::Result<State> {
    fs::metadata(home)?;
    let new = home.join("new");
    let waiting = oldest_first(&new)?;
    let oldest = waiting.first();
    match oldest.map(|mail| fs::File::open(&mail.path)) {
        // The worker was faster.
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Some(_) | None => {}
    }
    let probe = if new.is_dir() { new } else { home.to_owned() }.join(PROBE);
    fs::write(&probe, "")?;
    fs::remove_file(&probe)?;
    Ok(State {
        waiting: waiting.len(),
        oldest: oldest.map(|mail| now.duration_since(mail.arrived_at)),
        taken: oldest_first(&home.join("cur"))?.len(),
        broken: oldest_first(&aside(home))?.len(),
    })
}

fn aside(home: &Path) -> PathBuf {
    home.join(BROKEN).join("new")
}

/// A mail in a folder.
struct Mail {
    arrived_at: Timestamp,
    path: PathBuf,
}

/// Mails of a folder; none where the folder was not made yet.
fn oldest_first(folder: &Path) -> io::Result<Vec<Mail>> {
    let mut mails = Vec::new();
    for name in names(folder)? {
        let path = folder.join(name);
        match fs::symlink_metadata(&path).and_then(|about| about.modified()) {
            Ok(at) => mails.push(Mail {
                arrived_at: Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH),
                path,
            }),
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    mails.sort_by(|one, other| (one.arrived_at, &one.path).cmp(&(other.arrived_at, &other.path)));
    Ok(mails)
}

/// Names of the files of a folder in a Maildir; the mail server makes the folder with its first mail.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<OsString> = entries
        .take(NAMES_MAX)
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<_>>()?;
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    Ok(names)
}
