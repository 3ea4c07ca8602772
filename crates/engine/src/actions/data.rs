//! A reader's own data: everything that is kept about them, and erasing it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{CohortId, SubscriberId};
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::trouble::Trouble;
use kizuna_store::tenants::Tenant;
use kizuna_store::{Scope, StoreError, dossier, erase as rows, people, runs, successors};
use serde::{Serialize, Serializer};

use super::{Actor, Deed, Note, people as readers, record};
use crate::env::Env;
use crate::error::EngineError;
use crate::{outside, retention};

/// An instant as ISO 8601 writes it.
fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "the form that serde asks for")]
fn instant_opt<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// Everything that is kept about one reader, in the words of `--json`. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    /// Name of the town.
    pub town: String,
    /// When this was written.
    #[serde(serialize_with = "instant")]
    pub at: Timestamp,
    /// When the reader registered.
    #[serde(serialize_with = "instant")]
    pub registered_at: Timestamp,
    /// Relation to the child.
    pub relation: Relation,
    /// BCP 47 tag of the wanted words.
    pub language: String,
    /// Area code.
    pub area: Option<String>,
    /// The number another system knows the reader by.
    pub reference: Option<String>,
    /// The hour of the day from which messages come, where the reader chose one.
    pub hour: Option<u8>,
    /// Addresses, the preferred one first.
    pub addresses: Vec<OwnAddress>,
    /// Children, also those for whom nothing comes any more.
    pub children: Vec<OwnChild>,
    /// What was agreed to.
    pub consents: Vec<OwnConsent>,
    /// Letters, by day.
    pub letters: Vec<OwnLetter>,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").finish_non_exhaustive()
    }
}

/// An address of a reader.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OwnAddress {
    /// Code of the channel.
    pub channel: String,
    /// The address itself.
    pub address: String,
    /// Whether it is used.
    pub state: PointState,
    /// What kept messages from it in the last weeks.
    pub troubles: Vec<OwnTrouble>,
}

/// What kept messages from an address.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OwnTrouble {
    /// The day on which it was told.
    pub day: Day,
    /// What it was.
    pub what: Trouble,
}

/// A child, or a pregnancy. Why it ended is not part of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OwnChild {
    /// The due date.
    pub due_on: Option<Day>,
    /// The birthday.
    pub birth_on: Option<Day>,
    /// The nickname.
    pub nickname: Option<String>,
    /// Day on which the messages began.
    pub registered_on: Day,
    /// Whether messages come.
    pub state: SubscriptionState,
    /// Day on which a pause or a block last ended.
    pub resumed_on: Option<Day>,
}

/// What a reader agreed to.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OwnConsent {
    /// To what.
    pub purpose: String,
    /// In which version of the words.
    pub wording: String,
    /// In which way.
    pub method: String,
    /// When.
    #[serde(serialize_with = "instant")]
    pub given_at: Timestamp,
    /// When it was withdrawn.
    #[serde(serialize_with = "instant_opt")]
    pub withdrawn_at: Option<Timestamp>,
}

/// A letter, or what would have been one.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OwnLetter {
    /// The day it was for.
    pub day: Day,
    /// Its titles.
    pub titles: Vec<String>,
    /// What became of it.
    pub state: LetterState,
}

/// What became of a letter, in the words of its reader: who keeps letters back, and why, is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LetterState {
    /// The provider took it.
    Sent,
    /// It waits for its hour or its next attempt.
    Waiting,
    /// It was left out: stopped, paused, no address in use.
    NotSent,
    /// It was refused, or came too late.
    Failed,
    /// Nobody can know.
    Unknown,
}

impl LetterState {
    fn of(outcome: &str) -> LetterState {
        match outcome {
            "sent" => LetterState::Sent,
            runs::UNKNOWN => LetterState::Unknown,
            "waiting" | "deferred" => LetterState::Waiting,
            code if code.starts_with("skipped:") => LetterState::NotSent,
            _ => LetterState::Failed,
        }
    }
}

/// True where there is such a reader: registered, and not erased.
pub fn is_known(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    Ok(env.db.read(|tx| people::exists(tx, scope, reader))?)
}

/// Everything that is kept about a reader; `None` where nothing is. Reads only, so that nothing about it is recorded.
pub fn export(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Option<Export>, EngineError> {
    let (scope, now) = (tenant.scope(), env.clock.now());
    let exported = env.db.read(|tx| {
        let Some(own) = dossier::of(tx, &env.keys, scope, reader)? else {
            return Ok(None);
        };
        let mut titles: HashMap<CohortId, Vec<String>> = HashMap::new();
        let mut letters = Vec::with_capacity(own.letters.len());
        for letter in own.letters {
            let titles = match titles.entry(letter.cohort) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let draft = runs::cohort(tx, &env.keys, scope, letter.cohort)?;
                    let sections = draft.into_iter().flat_map(|draft| draft.sections);
                    new.insert(sections.map(|section| section.title).collect())
                }
            };
            letters.push(OwnLetter {
                day: letter.day,
                titles: titles.clone(),
                state: LetterState::of(&letter.outcome),
            });
        }
        Ok(Some(Export {
            town: tenant.name.clone(),
            at: now,
            registered_at: own.reader.registered_at,
            relation: own.reader.relation,
            language: own.reader.language,
            area: own.reader.area,
            reference: own.reader.reference,
            hour: own.hour,
            addresses: own
                .addresses
                .into_iter()
                .map(|known| OwnAddress {
                    troubles: own
                        .troubles
                        .iter()
                        .filter(|(point, _, _)| *point == known.id)
                        .map(|(_, what, day)| OwnTrouble { day: *day, what: *what })
                        .collect(),
                    channel: known.channel,
                    address: known.address,
                    state: known.state,
                })
                .collect(),
            children: own
                .children
                .into_iter()
                .map(|child| OwnChild {
                    due_on: child.anchor.due(),
                    birth_on: child.anchor.birth(),
                    nickname: child.nickname,
                    registered_on: child.registered_on,
                    state: child.state,
                    resumed_on: own
                        .resumed
                        .iter()
                        .find(|(resumed, _)| *resumed == child.id)
                        .map(|(_, on)| *on),
                })
                .collect(),
            consents: own
                .consents
                .into_iter()
                .map(|consent| OwnConsent {
                    purpose: consent.purpose,
                    wording: consent.wording,
                    method: consent.method,
                    given_at: consent.given_at,
                    withdrawn_at: consent.withdrawn_at,
                })
                .collect(),
            letters,
        }))
    })?;
    Ok(exported)
}

/// Stops everything for a reader and erases them, at once; a second press changes nothing and succeeds.
///
/// Where they went on as another reader it stops too, because the page says that nothing comes any more; what is kept
/// about them there is theirs to erase there. The record says that somebody was erased, and not who.
pub fn erase(env: &Env, scope: Scope, reader: SubscriberId) -> Result<(), EngineError> {
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.erase");
    let erased = env.write(|tx| {
        let is_here = rows::hold(tx, scope, reader)?.is_some();
        let (_, mut deeds) = readers::silence_everywhere(env, tx, (scope, reader), Timestamp::MAX, note.at)?;
        successors::forget_successors(tx, scope, reader)?;
        if is_here {
            // Also after the last day: whoever asks for this is brought back by no list.
            people::mean_stop(tx, scope, reader)?;
            retention::remove(tx, &env.keys, scope, reader, note.at)?;
            deeds.push(Deed {
                note,
                subject: "reader".to_owned(),
                touches: true,
            });
        }
        record(tx, deeds)?;
        Ok::<_, StoreError>(is_here)
    })?;
    if erased && let Err(error) = outside::note(env) {
        // The reader is erased whatever the file says; the worker writes it within the hour.
        tracing::warn!(%error, "an erasure is not on record outside the database yet");
    }
    Ok(())
}
