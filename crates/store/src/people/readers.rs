//! Readers themselves, and what they agreed to.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::people::Relation;
use uuid::Uuid;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// A reader as an import or a registration brings one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// Identifier.
    pub id: SubscriberId,
    /// The number another system knows the reader by.
    pub reference: Option<String>,
    /// Relation to the child.
    pub relation: Relation,
    /// BCP 47 tag of the wanted words.
    pub language: String,
    /// Area code.
    pub area: Option<String>,
    /// When the registration was made.
    pub registered_at: Timestamp,
}

sql!(
    ADD_SUBSCRIBER,
    "INSERT INTO subscribers (id, tenant_id, reference, relation, language, area, registered_at, several, silent)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'no-address')"
);

/// Adds a reader; nothing reaches them before [`refresh_reach`](super::refresh_reach). A conflict where the number or the reference is taken.
pub fn add_subscriber(tx: &mut WriteTx<'_>, scope: Scope, new: &NewSubscriber) -> Result<(), StoreError> {
    let args = args![
        new.id.bytes(),
        scope.bytes(),
        new.reference.as_deref(),
        new.relation.code(),
        &new.language,
        new.area.as_deref(),
        new.registered_at.as_millisecond()
    ];
    tx.exec(ADD_SUBSCRIBER, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("people::add_subscriber"))
}

sql!(
    CHOOSE,
    "UPDATE subscribers SET relation = COALESCE($3, relation), language = COALESCE($4, language),
       area = COALESCE($5, area) WHERE tenant_id = $1 AND id = $2"
);

/// Writes what a reader chose anew; what they left open stays as it was.
pub fn choose(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    relation: Option<Relation>,
    language: Option<&str>,
    area: Option<&str>,
) -> Result<(), StoreError> {
    let relation = relation.map(Relation::code);
    let args = args![scope.bytes(), subscriber.bytes(), relation, language, area];
    tx.exec_one(CHOOSE, args)
}

sql!(EXISTS, "SELECT 1 FROM subscribers WHERE tenant_id = $1 AND id = $2");

/// True where a tenant has this reader, whatever they follow.
pub fn exists(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<bool, StoreError> {
    Ok(tx
        .one(EXISTS, args![scope.bytes(), subscriber.bytes()], |row| row.int(0))?
        .is_some())
}

sql!(
    LINK_GENERATION,
    "SELECT link_generation FROM subscribers WHERE tenant_id = $1 AND id = $2"
);

/// How often a reader's links were made anew; 0 for whoever is not here.
pub fn link_generation(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<i64, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes()];
    Ok(tx.one(LINK_GENERATION, args, |row| row.int(0))?.unwrap_or_default())
}

sql!(
    RENEW_LINKS,
    "UPDATE subscribers SET link_generation = link_generation + 1, links_renewed_by = $3
     WHERE tenant_id = $1 AND id = $2"
);

/// Makes every link that a reader holds worthless, except those that stop; `by` is the form that asked for it.
pub fn renew_links(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    by: Option<&[u8; 16]>,
) -> Result<(), StoreError> {
    tx.exec_one(RENEW_LINKS, args![scope.bytes(), subscriber.bytes(), by])
}

sql!(
    LINKS_RENEWED_BY,
    "SELECT 1 FROM subscribers WHERE tenant_id = $1 AND id = $2 AND links_renewed_by = $3"
);

/// True where it was this form that made a reader's links anew last.
pub fn were_links_renewed_by(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    by: &[u8; 16],
) -> Result<bool, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), by];
    Ok(tx.one(LINKS_RENEWED_BY, args, |row| row.int(0))?.is_some())
}

sql!(
    BY_REFERENCE,
    "SELECT id FROM subscribers WHERE tenant_id = $1 AND reference = $2"
);

/// The reader whom another system knows by this number.
pub fn by_reference(tx: &mut ReadTx<'_>, scope: Scope, reference: &str) -> Result<Option<SubscriberId>, StoreError> {
    tx.one(BY_REFERENCE, args![scope.bytes(), reference], |row| {
        row.id(0, SubscriberId::from_bytes)
    })
}

sql!(
    TAKEN,
    "SELECT 1 FROM subscriptions WHERE id = $1 UNION ALL SELECT 1 FROM subscribers WHERE id = $2"
);

/// True where one of these identifiers stands for somebody already, in whichever tenant: identifiers are never shared.
pub fn is_taken(
    tx: &mut ReadTx<'_>,
    subscription: Option<SubscriptionId>,
    subscriber: Option<SubscriberId>,
) -> Result<bool, StoreError> {
    let subscription = subscription.as_ref().map(SubscriptionId::bytes);
    let subscriber = subscriber.as_ref().map(SubscriberId::bytes);
    Ok(tx
        .one(TAKEN, args![subscription, subscriber], |row| row.int(0))?
        .is_some())
}

sql!(
    PROFILE,
    "SELECT relation, language FROM subscribers WHERE tenant_id = $1 AND id = $2"
);

/// A reader's relation to the child, and the BCP 47 tag of the words they want.
pub fn profile(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Option<(Relation, String)>, StoreError> {
    tx.one(PROFILE, args![scope.bytes(), subscriber.bytes()], |row| {
        Ok((row.code(0, Relation::from_code)?, row.text(1)?.to_owned()))
    })
}

sql!(
    SET_HOUR,
    "UPDATE subscribers SET hour = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Writes the hour of the day from which a reader wants messages; `None` for the tenant's own.
pub fn set_hour(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    hour: Option<u8>,
) -> Result<(), StoreError> {
    tx.exec_one(SET_HOUR, args![scope.bytes(), subscriber.bytes(), hour.map(i64::from)])
}

sql!(
    ADD_CONSENT,
    "INSERT INTO consents (id, tenant_id, subscriber_id, purpose, wording, method, given_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

/// Records that a reader agreed: to what, in which words, how and when.
#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
pub fn add_consent(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    id: Uuid,
    subscriber: SubscriberId,
    purpose: &str,
    wording: &str,
    method: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let args = args![
        id.as_bytes(),
        scope.bytes(),
        subscriber.bytes(),
        purpose,
        wording,
        method,
        at.as_millisecond()
    ];
    tx.exec(ADD_CONSENT, args).map(|_| ())
}

sql!(
    WITHDRAW,
    "UPDATE consents SET withdrawn_at = $3 WHERE tenant_id = $1 AND subscriber_id = $2 AND withdrawn_at IS NULL
       AND given_at <= $4"
);

/// Records that a reader withdrew every agreement given up to `said_at`; says how many stood until now.
pub fn withdraw_consents(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    at: Timestamp,
    said_at: Timestamp,
) -> Result<u64, StoreError> {
    let args = args![
        scope.bytes(),
        subscriber.bytes(),
        at.as_millisecond(),
        said_at.as_millisecond()
    ];
    tx.exec(WITHDRAW, args)
}
