//! Everything that is kept about one reader, read at one moment, for the reader.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{CohortId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::trouble::Trouble;

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
/// Troubles of one address at most: they are forgotten within weeks.
const TROUBLES_MAX: i64 = 200;
/// Letters of one child at most: several a day from early pregnancy to the nineteenth birthday.
const LETTERS_MAX: i64 = 20_000;

/// Columns of the tables about readers that [`of`] reads, for the reader to see.
pub const SHOWN: &[&str] = &[
    "subscribers.reference",
    "subscribers.relation",
    "subscribers.language",
    "subscribers.area",
    "subscribers.hour",
    "subscribers.registered_at",
    "contact_points.channel",
    "contact_points.address",
    "contact_points.state",
    "contact_points.preference",
    "point_troubles.happened_on",
    "point_troubles.kind",
    "subscriptions.due_on",
    "subscriptions.birth_on",
    "subscriptions.nickname",
    "subscriptions.registered_on",
    "subscriptions.resumed_on",
    "subscriptions.state",
    "consents.purpose",
    "consents.wording",
    "consents.method",
    "consents.given_at",
    "consents.withdrawn_at",
    "deliveries.day_on",
    "deliveries.outcome",
];

/// Columns and whole tables about readers that it leaves out, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("subscribers.id", "a random number of ours"),
    ("subscribers.tenant_id", "the town, whose name stands in the file"),
    (
        "subscribers.several",
        "whether there are several children, who stand in the file",
    ),
    ("subscribers.point_id", "which address is used: the first that works"),
    ("subscribers.account_id", "the town's account at a provider"),
    (
        "subscribers.silent",
        "worked out from the states of addresses and children",
    ),
    (
        "subscribers.erase_after_at",
        "worked out from the day of the end and the town's rule",
    ),
    (
        "subscribers.link_generation",
        "how often the links were made anew, which every link shows by working",
    ),
    (
        "subscribers.links_renewed_by",
        "a keyed hash of the form that made them anew",
    ),
    ("contact_points.id", "a random number of ours"),
    ("contact_points.tenant_id", "the town"),
    ("contact_points.subscriber_id", "the reader"),
    ("contact_points.account_id", "the town's account at a provider"),
    ("contact_points.address_index", "a keyed hash of the address"),
    ("point_troubles.tenant_id", "the town"),
    (
        "point_troubles.point_id",
        "the address, beside which the trouble stands",
    ),
    ("point_troubles.happened_at", "the order within a day"),
    ("subscriptions.id", "a random number of ours"),
    ("subscriptions.tenant_id", "the town"),
    ("subscriptions.subscriber_id", "the reader"),
    ("subscriptions.preterm", "worked out from the two dates"),
    (
        "subscriptions.end_reason",
        "never shown to anybody: the file may lie where others read it",
    ),
    ("subscriptions.version", "counts changes"),
    ("subscriptions.asked_at", "the moment within the day of registration"),
    ("consents.id", "a random number of ours"),
    ("consents.tenant_id", "the town"),
    ("consents.subscriber_id", "the reader"),
    ("deliveries.tenant_id", "the town"),
    ("deliveries.subscription_id", "the child"),
    ("deliveries.subscriber_id", "the reader"),
    (
        "deliveries.slot",
        "the place of a text in its series, whose title stands in the file",
    ),
    ("deliveries.point_id", "the address"),
    ("deliveries.cohort_id", "the text, whose titles stand in the file"),
    ("deliveries.batch_id", "our own way of sending"),
    ("deliveries.number", "our own way of sending"),
    ("deliveries.detail", "what a server answered, for those who mend it"),
    ("menu_links", "which of LINE's menus is shown: it follows the stage"),
    (
        "line_users",
        "whether LINE counts as a friend or blocked: the state of the address says it",
    ),
    (
        "named_cohorts",
        "which texts hold a nickname, so that they are erased with it",
    ),
    ("tickets", "links that wait for a press, for a day"),
    (
        "invites",
        "open invitations, which stand on the reader's own page for two weeks",
    ),
    (
        "moves",
        "a code for moving, which stands on the reader's own page for a week",
    ),
    ("transactional_mails", "a mail on its way to the reader"),
    (
        "successors",
        "as whom somebody went on, by random numbers: others who hold the file must not learn where to",
    ),
];

/// What is kept about one reader. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Dossier {
    /// The reader.
    pub reader: NewSubscriber,
    /// The hour from which they want messages, where they chose one.
    pub hour: Option<u8>,
    /// Their addresses, the preferred one first.
    pub addresses: Vec<NewPoint>,
    /// What kept messages from an address, and on which day.
    pub troubles: Vec<(PointId, Trouble, Day)>,
    /// Their children, living subscriptions and ended ones.
    pub children: Vec<NewSubscription>,
    /// The day on which a pause or a block last ended, for children of whom one did.
    pub resumed: Vec<(SubscriptionId, Day)>,
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
    "SELECT reference, relation, language, area, registered_at, hour FROM subscribers WHERE tenant_id = $1 AND id = $2"
);
sql!(
    ADDRESSES,
    "SELECT id, account_id, channel, address, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
     ORDER BY preference, id LIMIT $3"
);
sql!(
    TROUBLES,
    "SELECT kind, happened_on FROM point_troubles WHERE tenant_id = $1 AND point_id = $2
     ORDER BY happened_on, kind LIMIT $3"
);
sql!(
    CHILDREN,
    "SELECT id, due_on, birth_on, nickname, registered_on, state, resumed_on FROM subscriptions
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
        let found = NewSubscriber {
            id: reader,
            reference: row.text_opt(0)?.map(str::to_owned),
            relation: row.code(1, Relation::from_code)?,
            language: row.text(2)?.to_owned(),
            area: row.text_opt(3)?.map(str::to_owned),
            registered_at: row.instant(4)?,
        };
        Ok((found, row.int_opt(5)?.and_then(|hour| u8::try_from(hour).ok())))
    })?;
    let Some((found, hour)) = found else { return Ok(None) };
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
    let mut troubles = Vec::new();
    for point in &addresses {
        troubles.extend(
            tx.all(TROUBLES, args![scope.bytes(), point.id.bytes(), TROUBLES_MAX], |row| {
                Ok((point.id, row.code(0, Trouble::from_code)?, row.day(1)?))
            })?,
        );
    }
    let children = tx.all(CHILDREN, &own(CHILDREN_MAX), |row| {
        let id = row.id(0, SubscriptionId::from_bytes)?;
        let anchor = Anchor::from_dates(row.day_opt(1)?, row.day_opt(2)?);
        let resumed = row.day_opt(6)?.map(|on| (id, on));
        let child = NewSubscription {
            id,
            subscriber: reader,
            anchor: anchor.ok_or_else(|| StoreError::corrupt("a date", 1))?,
            nickname: row
                .bytes_opt(3)?
                .map(|sealed| open_nickname(keys, &id, sealed))
                .transpose()?,
            registered_on: row.day(4)?,
            state: row.code(5, SubscriptionState::from_code)?,
        };
        Ok((child, resumed))
    })?;
    let (children, resumed): (Vec<_>, Vec<_>) = children.into_iter().unzip();
    let resumed = resumed.into_iter().flatten().collect();
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
        hour,
        addresses,
        troubles,
        children,
        resumed,
        consents,
        letters,
    }))
}
