//! Mouth and ears: one file per channel, outcomes as data.
//!
//! A channel turns a neutral [`Draft`] into the provider's form and carries it. It decides nothing: who gets
//! what was fixed before, whether to try again is settled afterwards. It never sees the database; what must
//! be durable before a letter leaves goes through the [`Journal`] that the dispatcher hands in.

mod address;
mod dkim;
mod email;
pub mod inbound;
pub mod line;
mod mime;
mod net;
mod outbox;
pub mod render;
mod web;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{AccountId, BatchId};
use kizuna_domain::message::{Draft, Links};
use kizuna_domain::run::outcome::{Fault, Outcome};

pub use net::{Clock, Net};

/// Code of a channel: `email`, `web`. Open, so that a new channel is one file and one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelKind(pub &'static str);

/// What the rest of the product needs to know about a channel, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Name of the channel as staff and readers know it.
    pub name: &'static str,
    /// How long the provider recognises a repeated request and does the work once; `None` where it does not.
    pub recognises_repeats_for: Option<SignedDuration>,
    /// Letters that one batch may carry.
    pub letters_max: usize,
    /// True where one request carries one text to many, so that a batch may hold one cohort only.
    pub one_text_per_batch: bool,
    /// Sessions to one account at the same time, unless its settings say otherwise.
    pub sessions: usize,
    /// Batches that a session takes in one commit. Above one, taking them is the record that all their letters may
    /// leave: only for providers that recognise repetitions, whose batches are small and many.
    pub hand: usize,
}

/// A word that must not appear in logs; its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

/// Where a letter goes: an e-mail address, a user id. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(pub String);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹address›")
    }
}

/// A tenant's settings and credentials on one channel.
#[derive(Clone, Debug)]
pub struct Account {
    /// Identifier, also the seed of per-account keys.
    pub id: AccountId,
    /// The channel's settings by name, as in `kizuna.toml`.
    pub settings: BTreeMap<String, String>,
    /// Credentials by name.
    pub secrets: BTreeMap<String, Secret>,
}

/// One message to one recipient, ready but for its form.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its place in the batch.
    pub number: usize,
    /// Where it goes.
    pub to: Address,
    /// What it says.
    pub draft: Arc<Draft>,
    /// Links of this reader.
    pub links: Links,
    /// Stable name of this message: the same for every attempt, different for every reader and day.
    /// Letters, digits and `-` only; becomes the left part of the Message-ID.
    pub key: String,
    /// Token in the return path by which a bounce is recognised; letters and digits only.
    pub return_token: String,
    /// Date the message carries.
    pub date: Timestamp,
}

/// Letters that a session carries together, with what a repetition must know of the first time.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The same for every attempt: whoever needs a name for a request derives it from this.
    pub id: BatchId,
    /// Letters the batch was planned with; the same for every attempt, while `letters` shrinks.
    pub planned: usize,
    /// Numbers of the letters that the provider refused in earlier attempts.
    pub refused: &'a [usize],
    /// The letters that are left, in order of their numbers.
    pub letters: &'a [Letter],
}

/// One request to a provider, for looking it up there later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which request: `push`, `multicast`.
    pub name: &'static str,
    /// Number of the first letter it carried.
    pub first: usize,
    /// HTTP status of the answer; 0 where none came.
    pub status: u16,
    /// The provider's id of the request.
    pub reference: String,
}

/// What the journal answers to a letter that is about to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It is on record that this letter may leave now.
    Go,
    /// Its reader stopped in the meantime: leave it out.
    Skip,
    /// The batch is no longer ours, or the run is being stopped: send nothing more.
    Stop,
}

/// The dispatcher's record of a batch while it is being carried.
pub trait Journal {
    /// Asks, directly before the bytes that make a message irrevocable, whether it may leave.
    ///
    /// Returns when the answer is durable, so that after a crash at most this letter is in doubt.
    ///
    /// Asked again before a repetition: what is on record stays so, and whoever stopped in the meantime is skipped.
    fn may_leave(&mut self, number: usize) -> Permit;

    /// Asks the same for letters that leave in one request, in order; gives those that may leave, none for [`Permit::Stop`].
    fn may_leave_together(&mut self, numbers: &[usize]) -> Option<Vec<usize>> {
        let mut granted = Vec::with_capacity(numbers.len());
        for number in numbers {
            match self.may_leave(*number) {
                Permit::Go => granted.push(*number),
                Permit::Skip => {}
                Permit::Stop => return None,
            }
        }
        Some(granted)
    }

    /// Tells that letters that were allowed to leave certainly did not.
    fn stayed(&mut self, _numbers: &[usize]) {}

    /// Keeps a request on record, with the next progress.
    fn called(&mut self, _call: Call) {}

    /// Tells what became of a letter. Every letter of the batch gets exactly one outcome unless
    /// [`Permit::Skip`] or [`Permit::Stop`] was the answer or the session failed before its turn.
    fn outcome(&mut self, number: usize, outcome: Outcome);
}

/// Why a whole session could not go on; letters without an outcome stay untouched and are tried later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Nobody answers, or "try later" before any letter (421, connection refused, timeout).
    #[error("the provider cannot be reached: {reply}")]
    Unreachable {
        /// What happened, without addresses and secrets.
        reply: String,
    },
    /// Our settings or credentials are wrong: no letter of this account can leave.
    #[error("the account is refused: {reply}")]
    Refused {
        /// Whose fault.
        fault: Fault,
        /// What the provider said, without secrets.
        reply: String,
    },
}

/// A conversation with the provider that carries batch after batch.
pub trait Session: Send {
    /// Carries the letters in order, asking the journal before each leaves and telling it each outcome.
    ///
    /// Where the provider recognises repetitions, letters without an outcome stay in doubt when this returns an error,
    /// and come back in the same batch.
    fn send(&mut self, batch: &Batch<'_>, journal: &mut dyn Journal) -> Result<(), SessionError>;

    /// Letters that may still leave this month without touching what is kept for emergencies; `None` where nothing is counted.
    fn allowance(&mut self) -> Result<Option<u64>, SessionError> {
        Ok(None)
    }
}

/// Something wrong with an account's settings, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the setting it is about.
    pub setting: &'static str,
    /// Japanese sentence.
    pub ja: String,
    /// English sentence.
    pub en: String,
}

/// A setting or secret that an account on a channel can have, for `kizuna init` and `kizuna check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in `kizuna.toml`.
    pub name: &'static str,
    /// True where the channel does not work without it.
    pub required: bool,
    /// True where it is a credential: kept among the secrets and never shown.
    pub secret: bool,
    /// Japanese sentence.
    pub ja: &'static str,
    /// English sentence.
    pub en: &'static str,
}

impl Setting {
    /// A setting without which the channel does not work.
    pub const fn required(name: &'static str, ja: &'static str, en: &'static str) -> Setting {
        Setting {
            name,
            required: true,
            secret: false,
            ja,
            en,
        }
    }

    /// A setting with a default.
    pub const fn optional(name: &'static str, ja: &'static str, en: &'static str) -> Setting {
        Setting {
            name,
            required: false,
            secret: false,
            ja,
            en,
        }
    }

    /// A credential without which the channel does not work.
    pub const fn required_secret(name: &'static str, ja: &'static str, en: &'static str) -> Setting {
        Setting {
            secret: true,
            ..Setting::required(name, ja, en)
        }
    }

    /// A credential that not every account has.
    pub const fn secret(name: &'static str, ja: &'static str, en: &'static str) -> Setting {
        Setting {
            name,
            required: false,
            secret: true,
            ja,
            en,
        }
    }
}

/// A problem for every setting and secret that the channel does not know: mostly a name mistyped.
pub(crate) fn unknown_settings(account: &Account, known: &[Setting]) -> Vec<Problem> {
    let is_known = |name: &str, secret| {
        known
            .iter()
            .any(|setting| setting.name == name && setting.secret == secret)
    };
    let settings = account.settings.keys().filter(|name| !is_known(name, false));
    let secrets = account.secrets.keys().filter(|name| !is_known(name, true));
    settings
        .map(|name| ("settings", name))
        .chain(secrets.map(|name| ("secrets", name)))
        .map(|(setting, name)| Problem {
            setting,
            ja: format!("「{name}」という設定はありません。つづりを確かめてください。"),
            en: format!("has no entry \"{name}\"; check its spelling."),
        })
        .collect()
}

/// The refusal of a session that cannot begin because of its settings.
pub(crate) fn problems_refuse(problems: &[Problem]) -> SessionError {
    let sentences: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {}", problem.setting, problem.en))
        .collect();
    SessionError::Refused {
        fault: Fault::Account,
        reply: sentences.join(" "),
    }
}

/// One way of reaching people. To add a channel, write one file that implements this and add it to [`CHANNELS`].
pub trait Channel: Send + Sync {
    /// Its code.
    fn kind(&self) -> ChannelKind;
    /// What it can do.
    fn capability(&self) -> Capability;
    /// Its settings and secrets.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }
    /// What is wrong with these settings, without touching the network.
    fn check(&self, account: &Account) -> Vec<Problem>;
    /// Tries the account for real (connects, signs in, sends nothing).
    fn probe(&self, account: &Account, net: &Net) -> Result<(), SessionError>;
    /// Begins a conversation.
    fn open(&self, account: &Account, net: &Net) -> Result<Box<dyn Session>, SessionError>;
}

/// Every channel of this build.
pub static CHANNELS: &[&dyn Channel] = &[&line::Line, &email::Email, &web::Web, &outbox::Outbox];

/// The channel with this code.
pub fn channel(kind: &str) -> Option<&'static dyn Channel> {
    CHANNELS.iter().copied().find(|channel| channel.kind().0 == kind)
}
