//! One-time tickets: who may do one thing once, until when. The words that prove a ticket are made elsewhere.

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

const SUBJECT: &str = "tickets.subject";
/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;

/// A ticket as stored. Its `Debug` does not show whom it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Identifier.
    pub id: Uuid,
    /// Whom or what it is for: a LINE user, a reader.
    pub subject: String,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
    /// When it was used up.
    pub used_at: Option<Timestamp>,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("id", &self.id).finish_non_exhaustive()
    }
}

sql!(
    ADD,
    "INSERT INTO tickets (id, tenant_id, purpose, subject, expires_at, subject_index) VALUES ($1, $2, $3, $4, $5, $6)"
);

/// A ticket that is to be made. It has no `Debug`, because it says whom it is for.
#[derive(Clone, Copy)]
pub struct New<'a> {
    /// Identifier.
    pub id: Uuid,
    /// What it lets its holder do.
    pub purpose: &'a str,
    /// Whom or what it is for.
    pub subject: &'a str,
    /// The reader, or the address, with whom it is forgotten.
    pub whose: &'a str,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
}

/// Adds a ticket for one purpose; its subject is sealed, and whose it is can be asked for by a keyed index.
///
/// Where its number is taken, as by the first of two presses, this is a conflict.
pub fn add(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, new: &New<'_>) -> Result<(), StoreError> {
    let sealed = keys.seal(SUBJECT, new.id.as_bytes(), new.subject);
    let index = keys.index(scope.tenant(), SUBJECT, new.whose);
    let args = args![
        new.id.as_bytes(),
        scope.bytes(),
        new.purpose,
        sealed.as_slice(),
        new.expires_at.as_millisecond(),
        &index
    ];
    tx.exec(ADD, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("tickets::add"))
}

sql!(
    GET,
    "SELECT id, subject, expires_at, used_at FROM tickets WHERE tenant_id = $1 AND id = $2 AND purpose = $3"
);

/// A ticket of this tenant and purpose, whether it can still be used or not.
pub fn get(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: Uuid,
    purpose: &str,
) -> Result<Option<Ticket>, StoreError> {
    let instant = |ms| Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    tx.one(GET, args![scope.bytes(), id.as_bytes(), purpose], |row| {
        Ok(Ticket {
            id,
            subject: keys.open(SUBJECT, id.as_bytes(), row.bytes(1)?)?,
            expires_at: instant(row.int(2)?),
            used_at: row.int_opt(3)?.map(instant),
        })
    })
}

sql!(
    USE,
    "UPDATE tickets SET used_at = $3 WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3"
);

/// Uses a ticket up; false where it was used before or has expired, and then nothing may be done with it.
pub fn use_up(tx: &mut WriteTx<'_>, scope: Scope, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(USE, args![scope.bytes(), id.as_bytes(), now.as_millisecond()])? == 1)
}

sql!(
    FORGET,
    "DELETE FROM tickets WHERE tenant_id = $1 AND subject_index = $2"
);

/// Takes away every ticket of one reader or of one address.
pub fn forget(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, whose: &str) -> Result<(), StoreError> {
    let index = keys.index(scope.tenant(), SUBJECT, whose);
    tx.exec(FORGET, args![scope.bytes(), &index]).map(|_| ())
}

sql!(
    SWEEP,
    "DELETE FROM tickets WHERE id IN (SELECT id FROM tickets WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
);

/// Takes tickets away that expired before an instant; says how many.
pub fn sweep(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP, args![before.as_millisecond(), SWEPT_MAX])
}
