//! One-time codes with which a reader goes over to another town: the one table that two tenants look at.
//!
//! The old town reads its own rows by the reader, the new town finds a row by the code alone and only among those that
//! lead to it. What stands behind a row is read and written with the two scopes that it names.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, TenantId};
use uuid::Uuid;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

const CODE: &str = "moves.code";
/// Kind of the blind index of codes.
const KIND: &str = "move";
/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;

/// A move as stored. Its `Debug` does not show the code.
#[derive(Clone, PartialEq, Eq)]
pub struct Move {
    /// Identifier.
    pub id: Uuid,
    /// The town that is left.
    pub from: TenantId,
    /// The reader there.
    pub reader: SubscriberId,
    /// The town that is moved to.
    pub to: TenantId,
    /// The code.
    pub code: String,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
    /// Who the reader is in the new town, once the code was used.
    pub arrived: Option<SubscriberId>,
}

impl std::fmt::Debug for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Move").field("id", &self.id).finish_non_exhaustive()
    }
}

fn read(row: &Row<'_>, keys: &Keyring) -> Result<Move, StoreError> {
    let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
    Ok(Move {
        id,
        from: row.id(1, TenantId::from_bytes)?,
        reader: row.id(2, SubscriberId::from_bytes)?,
        to: row.id(3, TenantId::from_bytes)?,
        code: keys.open(CODE, id.as_bytes(), row.bytes(4)?)?,
        expires_at: Timestamp::from_millisecond(row.int(5)?).unwrap_or(Timestamp::UNIX_EPOCH),
        arrived: row.bytes_opt(6)?.and_then(SubscriberId::from_bytes),
    })
}

fn index(keys: &Keyring, to: TenantId, code: &str) -> [u8; 16] {
    keys.index(to, KIND, code)
}

sql!(
    ADD,
    "INSERT INTO moves (id, tenant_id, subscriber_id, to_tenant_id, code, code_index, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

sql!(REPLACE, "DELETE FROM moves WHERE tenant_id = $1 AND subscriber_id = $2");

/// Adds a move that nobody has used yet in place of whatever move the reader has, also of one that they came back from;
/// a conflict where the new town has this code.
pub fn add(tx: &mut WriteTx<'_>, keys: &Keyring, new: &Move) -> Result<(), StoreError> {
    tx.exec(REPLACE, args![new.from.bytes(), new.reader.bytes()])?;
    let sealed = keys.seal(CODE, new.id.as_bytes(), &new.code);
    let index = index(keys, new.to, &new.code);
    let args = args![
        new.id.as_bytes(),
        new.from.bytes(),
        new.reader.bytes(),
        new.to.bytes(),
        sealed.as_slice(),
        &index,
        new.expires_at.as_millisecond()
    ];
    tx.exec(ADD, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("moves::add"))
}

sql!(
    OF_READER,
    "SELECT id, tenant_id, subscriber_id, to_tenant_id, code, expires_at, arrived_id FROM moves
     WHERE tenant_id = $1 AND subscriber_id = $2"
);

/// The move of a reader of this town.
pub fn of_reader(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
) -> Result<Option<Move>, StoreError> {
    tx.one(OF_READER, args![scope.bytes(), reader.bytes()], |row| read(row, keys))
}

sql!(
    BY_CODE,
    "SELECT id, tenant_id, subscriber_id, to_tenant_id, code, expires_at, arrived_id FROM moves
     WHERE to_tenant_id = $1 AND code_index = $2"
);

/// The move to this town with a code, used or not, expired or not.
pub fn by_code(tx: &mut ReadTx<'_>, keys: &Keyring, to: Scope, code: &str) -> Result<Option<Move>, StoreError> {
    let index = index(keys, to.tenant(), code);
    tx.one(BY_CODE, args![to.bytes(), &index], |row| read(row, keys))
}

sql!(
    ARRIVE,
    "UPDATE moves SET arrived_id = $3, expires_at = $4
     WHERE to_tenant_id = $1 AND id = $2 AND arrived_id IS NULL AND expires_at > $5"
);

/// Notes who the reader is in the new town; false where the code was used before or has expired.
///
/// From `until` on nothing of it can be seen.
pub fn arrive(
    tx: &mut WriteTx<'_>,
    to: Scope,
    id: Uuid,
    arrived: SubscriberId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let args = args![
        to.bytes(),
        id.as_bytes(),
        arrived.bytes(),
        until.as_millisecond(),
        now.as_millisecond()
    ];
    Ok(tx.exec(ARRIVE, args)? == 1)
}

sql!(
    WITHDRAW,
    "DELETE FROM moves WHERE tenant_id = $1 AND subscriber_id = $2 AND arrived_id IS NULL"
);

/// Takes a reader's unused code back; false where there is none.
pub fn withdraw(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<bool, StoreError> {
    Ok(tx.exec(WITHDRAW, args![scope.bytes(), reader.bytes()])? == 1)
}

sql!(
    SWEEP,
    "DELETE FROM moves WHERE id IN (SELECT id FROM moves WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
);

/// Takes codes away that expired before an instant; says how many.
pub fn sweep(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP, args![before.as_millisecond(), SWEPT_MAX])
}
