//! The addresses of readers, sealed, and at which of them a reader is reached.

use jiff::Timestamp;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId};
use kizuna_domain::people::{PointState, SkipReason};

use super::ADDRESS;
use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, erase, sql};

/// Addresses one reader may have.
const POINTS_MAX: i64 = 20;

sql!(
    ADDRESSES,
    "SELECT id, address FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY id LIMIT $3"
);

/// The addresses of a reader on every channel.
pub fn addresses(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<String>, StoreError> {
    tx.all(ADDRESSES, args![scope.bytes(), subscriber.bytes(), POINTS_MAX], |row| {
        let point = row.id(0, PointId::from_bytes)?;
        open_address(keys, &point, row.bytes(1)?)
    })
}

/// An address as an import or a registration brings one.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPoint {
    /// Identifier.
    pub id: PointId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// The tenant's account that writes to it.
    pub account: AccountId,
    /// Code of the channel.
    pub channel: String,
    /// The address itself.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

impl std::fmt::Debug for NewPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPoint")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

sql!(ADD_POINT, "INSERT INTO contact_points (id, tenant_id, subscriber_id, account_id, channel, address, address_index, state, preference)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)");

/// Adds an address, sealed. Whoever was erased there and comes back begins anew. A conflict where somebody has it.
pub fn add_point(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, new: &NewPoint) -> Result<(), StoreError> {
    let sealed = keys.seal(ADDRESS, new.id.bytes(), &new.address);
    let index = keys.index(scope.tenant(), &new.channel, &new.address);
    let args = args![
        new.id.bytes(),
        scope.bytes(),
        new.subscriber.bytes(),
        new.account.bytes(),
        &new.channel,
        sealed.as_slice(),
        &index,
        new.state.code()
    ];
    tx.exec(ADD_POINT, args)
        .map_err(|error| error.duplicate_is_conflict("people::add_point"))?;
    erase::forget_former(tx, scope, &new.channel, &index)
}

sql!(
    BY_ADDRESS,
    "SELECT subscriber_id FROM contact_points WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// The reader who has this address on this channel.
pub fn by_address(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<SubscriberId>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(BY_ADDRESS, args![scope.bytes(), channel, &index], |row| {
        row.id(0, SubscriberId::from_bytes)
    })
}

/// An address of a reader, opened. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PointRow {
    /// Identifier.
    pub id: PointId,
    /// The tenant's account that writes to it.
    pub account: AccountId,
    /// Code of the channel.
    pub channel: String,
    /// The address itself.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

impl std::fmt::Debug for PointRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PointRow")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

sql!(
    POINTS,
    "SELECT id, account_id, channel, address, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
                      AND state <> 'retired' ORDER BY preference, id LIMIT $3"
);

/// The addresses of one reader that they have not taken away, the preferred one first.
pub fn points(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<PointRow>, StoreError> {
    tx.all(POINTS, args![scope.bytes(), subscriber.bytes(), POINTS_MAX], |row| {
        let id = row.id(0, PointId::from_bytes)?;
        Ok(PointRow {
            id,
            account: row.id(1, AccountId::from_bytes)?,
            channel: row.text(2)?.to_owned(),
            address: open_address(keys, &id, row.bytes(3)?)?,
            state: row.code(4, PointState::from_code)?,
        })
    })
}

sql!(
    STEP_BACK,
    "UPDATE contact_points SET preference = preference + 1 WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    PREFER,
    "UPDATE contact_points SET preference = 0 WHERE tenant_id = $1 AND subscriber_id = $2 AND id = $3"
);

/// Puts one address of a reader before all others; call [`refresh_reach`] afterwards.
pub fn prefer(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId, id: PointId) -> Result<(), StoreError> {
    tx.exec(STEP_BACK, args![scope.bytes(), subscriber.bytes()])?;
    tx.exec_one(PREFER, args![scope.bytes(), subscriber.bytes(), id.bytes()])
}

sql!(
    FORGET_TROUBLES,
    "DELETE FROM point_troubles WHERE tenant_id = $1 AND point_id = $2"
);
sql!(
    REMOVE_POINT,
    "UPDATE contact_points SET state = 'retired' WHERE tenant_id = $1 AND subscriber_id = $2 AND id = $3"
);

/// Takes an address of a reader away, with what kept messages from it; call [`refresh_reach`] afterwards.
///
/// It stays known: whoever says a stop there means it, and no list takes it for somebody new.
pub fn remove_point(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    id: PointId,
) -> Result<(), StoreError> {
    tx.exec(FORGET_TROUBLES, args![scope.bytes(), id.bytes()])?;
    tx.exec_one(REMOVE_POINT, args![scope.bytes(), subscriber.bytes(), id.bytes()])
}

sql!(
    HAND_OVER,
    "UPDATE contact_points SET subscriber_id = $3, state = 'verified' WHERE tenant_id = $1 AND id = $2"
);

/// Gives an address that somebody proved to its new reader; call [`refresh_reach`] afterwards, for both of them.
///
/// The row stays the same, so that what an old letter says about the address is still heard.
pub fn hand_over(tx: &mut WriteTx<'_>, scope: Scope, id: PointId, to: SubscriberId) -> Result<(), StoreError> {
    tx.exec_one(HAND_OVER, args![scope.bytes(), id.bytes(), to.bytes()])
}

sql!(
    SET_POINT,
    "UPDATE contact_points SET state = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Writes whether an address may be used; call [`refresh_reach`] afterwards.
pub fn set_point(tx: &mut WriteTx<'_>, scope: Scope, id: PointId, state: PointState) -> Result<(), StoreError> {
    tx.exec_one(SET_POINT, args![scope.bytes(), id.bytes(), state.code()])
}

sql!(
    SUPPRESS_POINT,
    "UPDATE contact_points SET state = 'suppressed' WHERE tenant_id = $1 AND id = $2"
);
sql!(
    SUPPRESS,
    "INSERT INTO suppressions (tenant_id, channel, address_index, reason, since_at)
                SELECT tenant_id, channel, address_index, $3, $4 FROM contact_points WHERE tenant_id = $1 AND id = $2
                ON CONFLICT (tenant_id, channel, address_index) DO NOTHING"
);
sql!(
    OWNER_OF_POINT,
    "SELECT subscriber_id FROM contact_points WHERE tenant_id = $1 AND id = $2"
);

/// Never writes to an address again, also under a later registration.
pub fn suppress(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    point: PointId,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        SUPPRESS,
        args![scope.bytes(), point.bytes(), reason, now.as_millisecond()],
    )?;
    tx.exec(SUPPRESS_POINT, args![scope.bytes(), point.bytes()])?;
    let owner = tx.one(OWNER_OF_POINT, args![scope.bytes(), point.bytes()], |row| {
        row.id(0, SubscriberId::from_bytes)
    })?;
    match owner {
        Some(subscriber) => refresh_reach(tx, scope, subscriber),
        None => Ok(()),
    }
}

sql!(
    IS_SUPPRESSED,
    "SELECT reason FROM suppressions WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// Why an address must not be written to, if so.
pub fn suppression(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<String>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(IS_SUPPRESSED, args![scope.bytes(), channel, &index], |row| {
        Ok(row.text(0)?.to_owned())
    })
}

sql!(
    UNSUPPRESS,
    "DELETE FROM suppressions WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// Lets an address be written to again after its owner proved that it works.
pub fn lift_suppression(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<(), StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.exec(UNSUPPRESS, args![scope.bytes(), channel, &index]).map(|_| ())
}

/// An address that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The address.
    pub id: PointId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// Whether it may be used.
    pub state: PointState,
}

sql!(
    POINT_AT,
    "SELECT id, subscriber_id, state FROM contact_points WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// What is known of an address on a channel.
pub fn point_at(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<Point>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(POINT_AT, args![scope.bytes(), channel, &index], |row| {
        Ok(Point {
            id: row.id(0, PointId::from_bytes)?,
            subscriber: row.id(1, SubscriberId::from_bytes)?,
            state: row.code(2, PointState::from_code)?,
        })
    })
}

sql!(
    POINT_STATES,
    "SELECT id, account_id, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
                      AND state <> 'retired'
                    ORDER BY preference, id LIMIT $3"
);
sql!(
    COUNT_OF,
    "SELECT COUNT(*) FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2 AND state <> 'ended'"
);
sql!(
    SET_REACH,
    // Whoever follows nothing any more is erased some day; the worker works out when.
    "UPDATE subscribers SET point_id = $3, account_id = $4, silent = $5, several = $6,
       erase_after_at = CASE WHEN CAST($7 AS BIGINT) > 0 THEN NULL ELSE COALESCE(erase_after_at, 0) END
     WHERE tenant_id = $1 AND id = $2"
);

sql!(
    VERIFIED_POINT,
    "SELECT id FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 AND account_id = $3 AND state = 'verified'
                    ORDER BY preference, id LIMIT 1"
);

/// The address at which an account may write to a reader.
pub fn verified_point(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    account: AccountId,
) -> Result<Option<PointId>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), account.bytes()];
    tx.one(VERIFIED_POINT, args, |row| row.id(0, PointId::from_bytes))
}

sql!(
    CHANNELS_OF,
    "SELECT channel FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY preference, id LIMIT $3"
);

/// The channel of each address of a reader, whatever its state.
pub fn channels_of(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<Vec<String>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), POINTS_MAX];
    tx.all(CHANNELS_OF, args, |row| Ok(row.text(0)?.to_owned()))
}

sql!(
    MAIL_OF,
    "SELECT id, address FROM contact_points
     WHERE tenant_id = $1 AND subscriber_id = $2 AND channel IN ('email', 'outbox') AND state = 'verified'
     ORDER BY preference, id LIMIT 1"
);

/// The address to which a reader's single mails go; `None` where there is none that works.
pub fn mail_of(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Option<String>, StoreError> {
    tx.one(MAIL_OF, args![scope.bytes(), subscriber.bytes()], |row| {
        keys.open(ADDRESS, row.id(0, PointId::from_bytes)?.bytes(), row.bytes(1)?)
    })
}

/// Derives where a reader is reached from the addresses, and whether there are siblings: call after changing either.
pub fn refresh_reach(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<(), StoreError> {
    let points = tx.all(
        POINT_STATES,
        args![scope.bytes(), subscriber.bytes(), POINTS_MAX],
        |row| {
            Ok((
                row.id(0, PointId::from_bytes)?,
                row.id(1, AccountId::from_bytes)?,
                row.code(2, PointState::from_code)?,
            ))
        },
    )?;
    let usable = points.iter().find(|(_, _, state)| *state == PointState::Verified);
    // Who blocks us anywhere wants nothing from us: no other address is taken instead.
    let blocked = points.iter().any(|(_, _, state)| *state == PointState::Blocked);
    let usable = usable.filter(|_| !blocked);
    let all_refused = !points.is_empty()
        && points
            .iter()
            .all(|(_, _, state)| matches!(state, PointState::Suppressed | PointState::Bouncing));
    let silent = match (usable, all_refused) {
        _ if blocked => Some(SkipReason::Blocked.code()),
        (Some(_), _) => None,
        (None, true) => Some(SkipReason::Suppressed.code()),
        (None, false) => Some(SkipReason::NoAddress.code()),
    };
    let (point, account) = usable
        .map(|(point, account, _)| (point.bytes(), account.bytes()))
        .unzip();
    let count = tx
        .one(COUNT_OF, args![scope.bytes(), subscriber.bytes()], |row| row.int(0))?
        .unwrap_or_default();
    tx.exec_one(
        SET_REACH,
        args![
            scope.bytes(),
            subscriber.bytes(),
            point,
            account,
            silent,
            count > 1,
            count
        ],
    )
}

/// Opens a sealed address read by another repository of this crate.
pub(crate) fn open_address(keys: &Keyring, point: &PointId, sealed: &[u8]) -> Result<String, StoreError> {
    keys.open(ADDRESS, point.bytes(), sealed)
}
