//! Trouble at addresses: what came back, on which days, and how somebody lifts it.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::PointState;
use kizuna_domain::trouble::{TROUBLE_DAYS, Trouble};

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, people, sql};

/// Addresses of one reader that are looked at.
const POINTS_MAX: i64 = 20;
/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;
/// Rows of one address within the days that count.
const OF_POINT_MAX: i64 = TROUBLE_DAYS as i64 * Trouble::ALL.len() as i64;

/// An address as its trouble is looked at. Its `Debug` does not show the address.
#[derive(Clone, PartialEq, Eq)]
pub struct Point {
    /// Identifier.
    pub id: PointId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// Code of the channel.
    pub channel: String,
    /// The address, opened.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

impl std::fmt::Debug for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Point")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn read(row: &Row<'_>, keys: &Keyring) -> Result<Point, StoreError> {
    let id = row.id(0, PointId::from_bytes)?;
    Ok(Point {
        id,
        subscriber: row.id(1, SubscriberId::from_bytes)?,
        channel: row.text(2)?.to_owned(),
        address: people::open_address(keys, &id, row.bytes(3)?)?,
        state: row.code(4, PointState::from_code)?,
    })
}

sql!(
    POINT,
    "SELECT id, subscriber_id, channel, address, state FROM contact_points WHERE tenant_id = $1 AND id = $2"
);

/// One address.
pub fn point(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Scope, id: PointId) -> Result<Option<Point>, StoreError> {
    tx.one(POINT, args![scope.bytes(), id.bytes()], |row| read(row, keys))
}

sql!(
    POINTS,
    "SELECT id, subscriber_id, channel, address, state FROM contact_points
     WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY preference, id LIMIT $3"
);

/// A reader's addresses, the preferred one first.
pub fn points(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<Point>, StoreError> {
    tx.all(POINTS, args![scope.bytes(), subscriber.bytes(), POINTS_MAX], |row| {
        read(row, keys)
    })
}

sql!(
    PUT,
    "INSERT INTO point_troubles (tenant_id, point_id, happened_on, kind, happened_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, point_id, happened_on, kind) DO UPDATE SET happened_at = $5"
);

/// Notes trouble at an address; the same of one day counts once.
pub fn put(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    point: PointId,
    trouble: Trouble,
    on: Day,
    at: Timestamp,
) -> Result<(), StoreError> {
    let on = on.to_string();
    let args = args![scope.bytes(), point.bytes(), &on, trouble.code(), at.as_millisecond()];
    tx.exec(PUT, args).map(|_| ())
}

sql!(
    OF_POINT,
    "SELECT kind, happened_on FROM point_troubles WHERE tenant_id = $1 AND point_id = $2 AND happened_on > $3
     ORDER BY happened_on DESC, happened_at DESC LIMIT $4"
);

/// The trouble of an address that still counts on a day, the newest first.
pub fn of_point(tx: &mut ReadTx<'_>, scope: Scope, point: PointId, on: Day) -> Result<Vec<(Trouble, Day)>, StoreError> {
    let after = (on - TROUBLE_DAYS).to_string();
    let args = args![scope.bytes(), point.bytes(), &after, OF_POINT_MAX];
    tx.all(OF_POINT, args, |row| {
        Ok((row.code(0, Trouble::from_code)?, row.day(1)?))
    })
}

sql!(
    FORGET,
    "DELETE FROM point_troubles WHERE tenant_id = $1 AND point_id = $2"
);

/// Forgets all trouble of an address, a suppression too: whoever has it has shown that our mail arrives.
pub fn lift(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, point: &Point) -> Result<(), StoreError> {
    tx.exec(FORGET, args![scope.bytes(), point.id.bytes()])?;
    people::lift_suppression(tx, keys, scope, &point.channel, &point.address)
}

/// The same by the number of the address; nothing where there is no such address.
pub fn lift_at(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, id: PointId) -> Result<(), StoreError> {
    match point(tx, keys, scope, id)? {
        Some(point) => lift(tx, keys, scope, &point),
        None => Ok(()),
    }
}

sql!(
    SUPPRESSED_SINCE,
    "SELECT COUNT(*) FROM suppressions WHERE tenant_id = $1 AND since_at > $2"
);

/// How many addresses of a tenant were suppressed after an instant.
pub fn suppressed_since(tx: &mut ReadTx<'_>, scope: Scope, after: Timestamp) -> Result<i64, StoreError> {
    let args = args![scope.bytes(), after.as_millisecond()];
    Ok(tx.one(SUPPRESSED_SINCE, args, |row| row.int(0))?.unwrap_or_default())
}

sql!(
    SWEEP,
    "DELETE FROM point_troubles WHERE (tenant_id, point_id, happened_on, kind) IN (
       SELECT tenant_id, point_id, happened_on, kind FROM point_troubles WHERE happened_at < $1
       ORDER BY happened_at LIMIT $2)"
);

/// Forgets trouble from before an instant; says how much.
pub fn sweep(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP, args![before.as_millisecond(), SWEPT_MAX])
}
