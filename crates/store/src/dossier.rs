//! Everything that is kept about one reader, read at one moment, for the reader.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{CohortId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::position::Anchor;

use crate::db::ReadTx;
use crate::error::StoreError;
use crate::people::{NewPoint, NewSubscriber, NewSubscription, open_address, open_nickname};
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Children of one reader at most, living and ended.
const CHILDREN_MAX: i64 = 200;
/// Addresses of one reader at most.
const ADDRESSES_MAX: i64 = 50;
/// Agreements of one reader at most.
const CONSENTS_MAX: i64 = 500;
/// Letters of one child at most: several a day from early pregnancy to the nineteenth birthday.
const LETTERS_MAX: i64 = 20_000;

/// What is kept about one reader. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The reader.
    pub reader: NewSubscriber,
    /// Their addresses.
    pub addresses: Vec<NewPoint>,
    /// Their children, living subscriptions and ended ones.
    pub children: Vec<NewSubscription>,
    /// What they agreed to.
    pub consents: Vec<Consent>,
    /// Their letters by day.
    pub letters: Vec<Sent>,
}

impl std::fmt::Debug for Dossier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dossier").finish_non_exhaustive()
    }
}

/// What somebody agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// To what.
    pub purpose: String,
    /// In which version of the words.
    pub wording: String,
    /// In which way.
    pub method: String,
    /// When.
    pub given_at: Timestamp,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// A letter, or what would have been one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The day it was for.
    pub day: Day,
    /// What it said.
    pub cohort: CohortId,
    /// `sent`, `waiting`, or the code of what kept it.
    pub outcome: String,
}

sql!(
    READER,
    "SELECT reference, relation, language, area, registered_at FROM subscribers WHERE tenant_id = $1 AND id = $2"
);
sql!(
    ADDRESSES,
    "SELECT id, account_id, channel, address, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
     ORDER BY preference, id LIMIT $3"
);
sql!(
    CHILDREN,
    "SELECT id, due_on, birth_on, nickname, registered_on, state FROM subscriptions
     WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY id LIMIT $3"
);
sql!(
    CONSENTS,
    "SELECT purpose, wording, method, given_at, withdrawn_at FROM consents
     WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY given_at, id LIMIT $3"
);
sql!(
    LETTERS,
    "SELECT DISTINCT d.day_on, d.cohort_id, COALESCE(d.outcome, CASE WHEN d.number < b.finished THEN 'sent' ELSE 'waiting' END)
     FROM deliveries d JOIN batches b ON b.id = d.batch_id
     WHERE d.tenant_id = $1 AND d.subscription_id = $2 ORDER BY d.day_on, d.cohort_id LIMIT $3"
);

/// What is kept about a reader; `None` where there is no such reader.
pub fn of(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
) -> Result<Option<Dossier>, StoreError> {
    let own = |limit| {
        [
            scope.bytes().into(),
            reader.bytes().into(),
            crate::db::Value::Int(limit),
        ]
    };
    let found = tx.one(READER, args![scope.bytes(), reader.bytes()], |row| {
        Ok(NewSubscriber {
            id: reader,
            reference: row.text_opt(0)?.map(str::to_owned),
            relation: row.code(1, Relation::from_code)?,
            language: row.text(2)?.to_owned(),
            area: row.text_opt(3)?.map(str::to_owned),
            registered_at: row.instant(4)?,
        })
    })?;
    let Some(found) = found else { return Ok(None) };
    let addresses = tx.all(ADDRESSES, &own(ADDRESSES_MAX), |row| {
        let id = row.id(0, PointId::from_bytes)?;
        Ok(NewPoint {
            id,
            subscriber: reader,
            account: row.id(1, kizuna_domain::ids::AccountId::from_bytes)?,
            channel: row.text(2)?.to_owned(),
            address: open_address(keys, &id, row.bytes(3)?)?,
            state: row.code(4, PointState::from_code)?,
        })
    })?;
    let children = tx.all(CHILDREN, &own(CHILDREN_MAX), |row| {
        let id = row.id(0, SubscriptionId::from_bytes)?;
        let anchor = Anchor::from_dates(row.day_opt(1)?, row.day_opt(2)?);
        Ok(NewSubscription {
            id,
            subscriber: reader,
            anchor: anchor.ok_or_else(|| StoreError::corrupt("a date", 1))?,
            nickname: row
                .bytes_opt(3)?
                .map(|sealed| open_nickname(keys, &id, sealed))
                .transpose()?,
            registered_on: row.day(4)?,
            state: row.code(5, SubscriptionState::from_code)?,
        })
    })?;
    let consents = tx.all(CONSENTS, &own(CONSENTS_MAX), |row| {
        let withdrawn = row.int_opt(4)?;
        Ok(Consent {
            purpose: row.text(0)?.to_owned(),
            wording: row.text(1)?.to_owned(),
            method: row.text(2)?.to_owned(),
            given_at: row.instant(3)?,
            withdrawn_at: withdrawn.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        })
    })?;
    let mut letters = Vec::new();
    for child in &children {
        let args = args![scope.bytes(), child.id.bytes(), LETTERS_MAX];
        letters.extend(tx.all(LETTERS, args, |row| {
            Ok(Sent {
                day: row.day(0)?,
                cohort: row.id(1, CohortId::from_bytes)?,
                outcome: row.text(2)?.to_owned(),
            })
        })?);
    }
    // Siblings read one letter.
    letters.sort_by_key(|letter| (letter.day, letter.cohort));
    letters.dedup();
    Ok(Some(Dossier {
        reader: found,
        addresses,
        children,
        consents,
        letters,
    }))
}
