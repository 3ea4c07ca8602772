//! What comes in from LINE: the inbox of events, who is a friend, and bodies on their way to another tool.

use jiff::Timestamp;
use kizuna_domain::ids::{AccountId, TenantId};
use uuid::Uuid;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::people::{self, Point};
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Code of the channel.
pub const CHANNEL: &str = "line";
const EVENT: &str = "line_events.body";
const FORWARD: &str = "line_forwards.body";
/// Events of one message that wait at most: a message and its edits.
const OF_MESSAGE_MAX: i64 = 20;
/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;
/// Accounts that may have bodies to forward: one a tenant.
const FORWARDING_MAX: i64 = 5_000;

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// An event as it comes in. Its `Debug` shows no words.
#[derive(Clone, Copy)]
pub struct NewEvent<'a> {
    /// Identifier; events are worked off in the order of theirs.
    pub id: Uuid,
    /// LINE's own id of it, by which a repeat is recognised.
    pub event_id: &'a str,
    /// The message it is about, so that an unsent one can be found.
    pub message: Option<&'a str>,
    /// When it came in.
    pub arrived_at: Timestamp,
    /// Its words, sealed before they are kept.
    pub body: &'a str,
}

impl std::fmt::Debug for NewEvent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewEvent").field("id", &self.id).finish_non_exhaustive()
    }
}

sql!(
    ADD_EVENT,
    "INSERT INTO line_events (id, tenant_id, event_id, message, arrived_at, tries, body)
     VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (tenant_id, event_id) DO NOTHING"
);

/// Keeps an event until it is worked off; false where it came in before.
pub fn add_event(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, new: &NewEvent<'_>) -> Result<bool, StoreError> {
    let sealed = keys.seal(EVENT, new.id.as_bytes(), new.body);
    let args = args![
        new.id.as_bytes(),
        scope.bytes(),
        new.event_id,
        new.message,
        new.arrived_at.as_millisecond(),
        sealed.as_slice()
    ];
    Ok(tx.exec(ADD_EVENT, args)? == 1)
}

/// An event that waits. Its `Debug` shows no words.
#[derive(Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Identifier.
    pub id: Uuid,
    /// Whose account it came to.
    pub tenant: TenantId,
    /// When it came in.
    pub arrived_at: Timestamp,
    /// How often working it off has failed.
    pub tries: i64,
    /// Its words; `None` where the key does not open them.
    pub body: Option<String>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("id", &self.id).finish_non_exhaustive()
    }
}

fn waiting(row: &Row<'_>, keys: &Keyring) -> Result<Waiting, StoreError> {
    let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
    Ok(Waiting {
        id,
        tenant: row.id(1, TenantId::from_bytes)?,
        arrived_at: instant(row.int(2)?),
        tries: row.int(3)?,
        body: keys.open(EVENT, id.as_bytes(), row.bytes(4)?).ok(),
    })
}

sql!(
    WAITING,
    "SELECT id, tenant_id, arrived_at, tries, body FROM line_events WHERE body IS NOT NULL AND id > $1
     ORDER BY id LIMIT $2"
);

/// Events that wait, of all tenants, in the order of their arrival, after one of them.
pub fn waiting_after(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    after: Uuid,
    limit: usize,
) -> Result<Vec<Waiting>, StoreError> {
    tx.all(WAITING, args![after.as_bytes(), limit as i64], |row| waiting(row, keys))
}

sql!(
    OF_MESSAGE,
    "SELECT id, tenant_id, arrived_at, tries, body FROM line_events
     WHERE tenant_id = $1 AND message = $2 AND message IS NOT NULL AND body IS NOT NULL ORDER BY id LIMIT $3"
);

/// Events about one message that wait.
pub fn waiting_of_message(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    message: &str,
) -> Result<Vec<Waiting>, StoreError> {
    tx.all(OF_MESSAGE, args![scope.bytes(), message, OF_MESSAGE_MAX], |row| {
        waiting(row, keys)
    })
}

sql!(
    DONE,
    "UPDATE line_events SET body = NULL WHERE id = $1 AND body IS NOT NULL"
);

/// Erases the words of an event that is done; false where somebody else was faster.
pub fn done(tx: &mut WriteTx<'_>, id: Uuid) -> Result<bool, StoreError> {
    Ok(tx.exec(DONE, args![id.as_bytes()])? == 1)
}

sql!(FAILED, "UPDATE line_events SET tries = tries + 1 WHERE id = $1");

/// Notes that an event could not be worked off.
pub fn failed(tx: &mut WriteTx<'_>, id: Uuid) -> Result<(), StoreError> {
    tx.exec(FAILED, args![id.as_bytes()]).map(|_| ())
}

sql!(
    SWEEP_EVENTS,
    "DELETE FROM line_events WHERE id IN (
       SELECT id FROM line_events WHERE arrived_at < $1 AND body IS NULL ORDER BY arrived_at LIMIT $2)"
);

/// Forgets the ids of events that came in before an instant; says how many.
pub fn sweep_events(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP_EVENTS, args![before.as_millisecond(), SWEPT_MAX])
}

/// What is known of a LINE user's friendship, with the instant of the event that said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Friendship {
    /// True for a friend, false for somebody who blocks us.
    pub is_friend: bool,
    /// When LINE says it happened.
    pub since_at: Timestamp,
}

sql!(
    FRIENDSHIP,
    "SELECT friend, since_at FROM line_users WHERE tenant_id = $1 AND user_index = $2"
);

/// What is known of a user's friendship.
pub fn friendship(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    user: &str,
) -> Result<Option<Friendship>, StoreError> {
    let index = keys.index(scope.tenant(), CHANNEL, user);
    tx.one(FRIENDSHIP, args![scope.bytes(), &index], |row| {
        Ok(Friendship {
            is_friend: row.int(0)? != 0,
            since_at: instant(row.int(1)?),
        })
    })
}

sql!(
    PUT_FRIENDSHIP,
    "INSERT INTO line_users (tenant_id, user_index, friend, since_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, user_index) DO UPDATE SET friend = $3, since_at = $4
     WHERE line_users.since_at < $4 OR (line_users.since_at = $4 AND line_users.friend > $3)"
);

/// Writes what an event says, unless a later one is known; of two at one instant the block counts.
pub fn put_friendship(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    user: &str,
    new: Friendship,
) -> Result<bool, StoreError> {
    let index = keys.index(scope.tenant(), CHANNEL, user);
    let args = args![scope.bytes(), &index, new.is_friend, new.since_at.as_millisecond()];
    Ok(tx.exec(PUT_FRIENDSHIP, args)? == 1)
}

/// The reader behind a LINE user, if registered.
pub fn point(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Scope, user: &str) -> Result<Option<Point>, StoreError> {
    people::point_at(tx, keys, scope, CHANNEL, user)
}

/// A body that is to be forwarded. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Forward {
    /// Identifier.
    pub id: Uuid,
    /// The body, as it came in.
    pub body: String,
    /// Attempts made before.
    pub attempt: i64,
    /// When it is given up.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("id", &self.id).finish_non_exhaustive()
    }
}

sql!(
    ADD_FORWARD,
    "INSERT INTO line_forwards (id, tenant_id, account_id, body, attempt, not_before_at, expires_at)
     VALUES ($1, $2, $3, $4, 0, $5, $6)"
);

/// Keeps a body until it is forwarded or given up.
#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
pub fn add_forward(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: Uuid,
    account: AccountId,
    body: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sealed = keys.seal(FORWARD, id.as_bytes(), body);
    let args = args![
        id.as_bytes(),
        scope.bytes(),
        account.bytes(),
        sealed.as_slice(),
        now.as_millisecond(),
        expires_at.as_millisecond()
    ];
    tx.exec(ADD_FORWARD, args).map(|_| ())
}

sql!(
    FORWARDING,
    "SELECT DISTINCT account_id FROM line_forwards WHERE not_before_at <= $1 ORDER BY account_id LIMIT $2"
);

/// The accounts that have bodies to forward now.
pub fn forwarding(tx: &mut ReadTx<'_>, now: Timestamp) -> Result<Vec<AccountId>, StoreError> {
    tx.all(FORWARDING, args![now.as_millisecond(), FORWARDING_MAX], |row| {
        row.id(0, AccountId::from_bytes)
    })
}

sql!(
    FORWARDS,
    "SELECT id, body, attempt, expires_at FROM line_forwards
     WHERE tenant_id = $1 AND account_id = $2 AND not_before_at <= $3 ORDER BY not_before_at, id LIMIT $4"
);

/// The bodies of one account that are to be forwarded now, oldest first.
pub fn forwards(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    account: AccountId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Forward>, StoreError> {
    let args = args![scope.bytes(), account.bytes(), now.as_millisecond(), limit as i64];
    tx.all(FORWARDS, args, |row| {
        let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
        Ok(Forward {
            id,
            body: keys.open(FORWARD, id.as_bytes(), row.bytes(1)?)?,
            attempt: row.int(2)?,
            expires_at: instant(row.int(3)?),
        })
    })
}

sql!(
    CLAIM_FORWARD,
    "UPDATE line_forwards SET attempt = attempt + 1, not_before_at = $4 WHERE tenant_id = $1 AND id = $2 AND attempt = $3"
);

/// Takes one attempt at a body and puts the next one off; false where another process took it.
pub fn claim_forward(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    forward: &Forward,
    not_before: Timestamp,
) -> Result<bool, StoreError> {
    let args = args![
        scope.bytes(),
        forward.id.as_bytes(),
        forward.attempt,
        not_before.as_millisecond()
    ];
    Ok(tx.exec(CLAIM_FORWARD, args)? == 1)
}

sql!(
    DROP_FORWARD,
    "DELETE FROM line_forwards WHERE tenant_id = $1 AND id = $2"
);

/// Forgets a body that was forwarded or is given up.
pub fn drop_forward(tx: &mut WriteTx<'_>, scope: Scope, id: Uuid) -> Result<(), StoreError> {
    tx.exec(DROP_FORWARD, args![scope.bytes(), id.as_bytes()]).map(|_| ())
}

sql!(
    PUT_OFF_FORWARDS,
    "UPDATE line_forwards SET not_before_at = $4 WHERE tenant_id = $1 AND account_id = $2 AND not_before_at <= $3"
);

/// Puts everything off that waits for a tool which does not answer now.
pub fn put_off_forwards(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    account: AccountId,
    now: Timestamp,
    not_before: Timestamp,
) -> Result<u64, StoreError> {
    let args = args![
        scope.bytes(),
        account.bytes(),
        now.as_millisecond(),
        not_before.as_millisecond()
    ];
    tx.exec(PUT_OFF_FORWARDS, args)
}
