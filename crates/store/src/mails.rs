//! Single mails on their way to somebody who asked for them: sealed, and gone when they were taken or are given up.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, TenantId};
use kizuna_domain::message::Draft;
use uuid::Uuid;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

const ADDRESS: &str = "transactional_mails.address";
const DOCUMENT: &str = "transactional_mails.document";
/// Code of the channel that addresses are indexed under.
const EMAIL: &str = "email";
/// Tenants that may have mails to send.
const TENANTS_MAX: i64 = crate::tenants::TENANTS_MAX;

/// A mail on its way. Its `Debug` shows neither address nor words.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Identifier, also its stable name for receivers.
    pub id: Uuid,
    /// Where it goes.
    pub address: String,
    /// What it says.
    pub draft: Draft,
    /// When it was asked for: the date it carries.
    pub asked_at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Timestamp,
    /// Attempts made before.
    pub attempt: i64,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

sql!(
    ADD,
    "INSERT INTO transactional_mails (id, tenant_id, address, document, asked_at, not_before_at, expires_at, attempt, address_index,
       subscriber_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);

/// Adds a mail that may leave at once; `wish` is the reader who asked for it, where that is known.
pub fn add(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    wish: Option<SubscriberId>,
    mail: &Mail,
) -> Result<(), StoreError> {
    let row = mail.id.as_bytes();
    let words = serde_json::to_string(&mail.draft).unwrap_or_default();
    let (address, document) = (keys.seal(ADDRESS, row, &mail.address), keys.seal(DOCUMENT, row, &words));
    let asked = mail.asked_at.as_millisecond();
    let index = keys.index(scope.tenant(), EMAIL, &mail.address);
    let args = args![
        row,
        scope.bytes(),
        address.as_slice(),
        document.as_slice(),
        asked,
        asked,
        mail.expires_at.as_millisecond(),
        mail.attempt,
        &index,
        wish.as_ref().map(SubscriberId::bytes)
    ];
    tx.exec(ADD, args).map(|_| ())
}

sql!(
    TENANTS_DUE,
    "SELECT DISTINCT tenant_id FROM transactional_mails WHERE not_before_at <= $1 ORDER BY tenant_id LIMIT $2"
);

/// The tenants that have mails to send, or to give up, now.
pub fn tenants_due(tx: &mut ReadTx<'_>, now: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    tx.all(TENANTS_DUE, args![now.as_millisecond(), TENANTS_MAX], |row| {
        row.id(0, TenantId::from_bytes)
    })
}

sql!(
    DUE,
    "SELECT id, address, document, asked_at, expires_at, attempt FROM transactional_mails
     WHERE tenant_id = $1 AND not_before_at <= $2 ORDER BY not_before_at, id LIMIT $3"
);

/// The mails of one tenant that may leave, or are to be given up, now: the longest waiting first.
pub fn due(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Mail>, StoreError> {
    tx.all(DUE, args![scope.bytes(), now.as_millisecond(), limit as i64], |row| {
        let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
        let words = keys.open(DOCUMENT, id.as_bytes(), row.bytes(2)?)?;
        Ok(Mail {
            id,
            address: keys.open(ADDRESS, id.as_bytes(), row.bytes(1)?)?,
            draft: serde_json::from_str(&words).map_err(|_| StoreError::corrupt("a message", 2))?,
            asked_at: row.instant(3)?,
            expires_at: row.instant(4)?,
            attempt: row.int(5)?,
        })
    })
}

sql!(
    CLAIM,
    "UPDATE transactional_mails SET attempt = attempt + 1, not_before_at = $4
     WHERE tenant_id = $1 AND id = $2 AND attempt = $3"
);

/// Takes one attempt at a mail; false where another process took it. After `until` it may be taken again.
pub fn claim(tx: &mut WriteTx<'_>, scope: Scope, mail: &Mail, until: Timestamp) -> Result<bool, StoreError> {
    let args = args![scope.bytes(), mail.id.as_bytes(), mail.attempt, until.as_millisecond()];
    Ok(tx.exec(CLAIM, args)? == 1)
}

sql!(
    PUT_OFF,
    "UPDATE transactional_mails SET not_before_at = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Lets a mail wait until an instant.
pub fn put_off(tx: &mut WriteTx<'_>, scope: Scope, id: Uuid, until: Timestamp) -> Result<(), StoreError> {
    tx.exec(PUT_OFF, args![scope.bytes(), id.as_bytes(), until.as_millisecond()])
        .map(|_| ())
}

sql!(DROP, "DELETE FROM transactional_mails WHERE tenant_id = $1 AND id = $2");

/// Forgets a mail that was taken, refused or given up.
pub fn drop(tx: &mut WriteTx<'_>, scope: Scope, id: Uuid) -> Result<(), StoreError> {
    tx.exec(DROP, args![scope.bytes(), id.as_bytes()]).map(|_| ())
}

sql!(
    IS_WAITING,
    "SELECT 1 FROM transactional_mails WHERE tenant_id = $1 AND id = $2"
);

/// True while a mail is still wanted.
pub fn is_waiting(tx: &mut ReadTx<'_>, scope: Scope, id: Uuid) -> Result<bool, StoreError> {
    let args = args![scope.bytes(), id.as_bytes()];
    Ok(tx.one(IS_WAITING, args, |row| row.int(0))?.is_some())
}

sql!(
    WITHDRAW,
    "DELETE FROM transactional_mails WHERE tenant_id = $1 AND address_index = $2"
);

/// Takes back every mail to an address that has not left.
pub fn withdraw(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, address: &str) -> Result<(), StoreError> {
    let index = keys.index(scope.tenant(), EMAIL, address);
    tx.exec(WITHDRAW, args![scope.bytes(), &index]).map(|_| ())
}

sql!(
    WITHDRAW_WISHES,
    "DELETE FROM transactional_mails WHERE tenant_id = $1 AND subscriber_id = $2"
);

/// Takes back every mail that a reader asked for and that has not left, to whatever address.
pub fn withdraw_wishes(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<(), StoreError> {
    tx.exec(WITHDRAW_WISHES, args![scope.bytes(), reader.bytes()])
        .map(|_| ())
}
