//! Links by which readers invite others: who made them, whose date they hand over, how often they can still be used.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use uuid::Uuid;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// Open invitations of one reader at most.
pub const OPEN_MAX: i64 = 5;
/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;

/// An invitation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Identifier.
    pub id: Uuid,
    /// Who invites.
    pub inviter: SubscriberId,
    /// The subscription whose date goes with it, at the version it had then; `None` where no date goes with it.
    pub date_of: Option<(SubscriptionId, i64)>,
    /// How often it can still be used.
    pub uses_left: i64,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
}

fn invite(row: &Row<'_>) -> Result<Invite, StoreError> {
    let subscription = row.bytes_opt(2)?.and_then(SubscriptionId::from_bytes);
    Ok(Invite {
        id: row.id(0, |bytes| Uuid::from_slice(bytes).ok())?,
        inviter: row.id(1, SubscriberId::from_bytes)?,
        date_of: subscription.zip(row.int_opt(3)?),
        uses_left: row.int(4)?,
        expires_at: Timestamp::from_millisecond(row.int(5)?).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

sql!(
    ADD,
    "INSERT INTO invites (id, tenant_id, subscriber_id, subscription_id, version, uses_left, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"
);

/// Adds an invitation; false where one of this number was there already.
pub fn add(tx: &mut WriteTx<'_>, scope: Scope, new: &Invite) -> Result<bool, StoreError> {
    let (subscription, version) = new.date_of.unzip();
    let subscription = subscription.as_ref().map(SubscriptionId::bytes);
    let args = args![
        new.id.as_bytes(),
        scope.bytes(),
        new.inviter.bytes(),
        subscription,
        version,
        new.uses_left,
        new.expires_at.as_millisecond()
    ];
    Ok(tx.exec(ADD, args)? == 1)
}

sql!(
    GET,
    "SELECT id, subscriber_id, subscription_id, version, uses_left, expires_at FROM invites
     WHERE tenant_id = $1 AND id = $2"
);

/// An invitation of this tenant, whether it can still be used or not.
pub fn get(tx: &mut ReadTx<'_>, scope: Scope, id: Uuid) -> Result<Option<Invite>, StoreError> {
    tx.one(GET, args![scope.bytes(), id.as_bytes()], invite)
}

sql!(
    OPEN,
    "SELECT id, subscriber_id, subscription_id, version, uses_left, expires_at FROM invites
     WHERE tenant_id = $1 AND subscriber_id = $2 AND expires_at > $3 ORDER BY id LIMIT $4"
);

/// The invitations of one reader that have not expired, in the order of their making.
pub fn open(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    inviter: SubscriberId,
    now: Timestamp,
) -> Result<Vec<Invite>, StoreError> {
    let args = args![scope.bytes(), inviter.bytes(), now.as_millisecond(), OPEN_MAX];
    tx.all(OPEN, args, invite)
}

sql!(
    USE,
    "UPDATE invites SET uses_left = uses_left - 1 WHERE tenant_id = $1 AND id = $2 AND uses_left > 0 AND expires_at > $3"
);

/// Uses an invitation once; false where it has no use left or has expired.
pub fn use_once(tx: &mut WriteTx<'_>, scope: Scope, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(USE, args![scope.bytes(), id.as_bytes(), now.as_millisecond()])? == 1)
}

sql!(
    WITHDRAW,
    "DELETE FROM invites WHERE tenant_id = $1 AND subscriber_id = $2 AND id = $3"
);

/// Takes one of a reader's invitations back; false where there is none.
pub fn withdraw(tx: &mut WriteTx<'_>, scope: Scope, inviter: SubscriberId, id: Uuid) -> Result<bool, StoreError> {
    let args = args![scope.bytes(), inviter.bytes(), id.as_bytes()];
    Ok(tx.exec(WITHDRAW, args)? == 1)
}

sql!(
    WITHDRAW_ALL,
    "DELETE FROM invites WHERE tenant_id = $1 AND subscriber_id = $2"
);

/// Takes all of a reader's invitations back.
pub fn withdraw_all(tx: &mut WriteTx<'_>, scope: Scope, inviter: SubscriberId) -> Result<u64, StoreError> {
    tx.exec(WITHDRAW_ALL, args![scope.bytes(), inviter.bytes()])
}

sql!(
    SWEEP,
    "DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
);

/// Takes invitations away that expired before an instant; says how many.
pub fn sweep(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP, args![before.as_millisecond(), SWEPT_MAX])
}
