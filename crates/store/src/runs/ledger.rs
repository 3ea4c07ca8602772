//! The ledger: which slot of which subscription is taken, and what became of it.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{BatchId, CohortId, PointId, SubscriberId, SubscriptionId};
use postgres::types::Type;

use super::{ROWS_PER_LETTER_MAX, instant};
use crate::db::{Bulk, ReadTx, Row, Value, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// Slots of one subscription at most: several a day from early pregnancy to the nineteenth birthday.
const ROWS_PER_JOURNEY_MAX: i64 = 20_000;
/// Outcome of a letter that was sent or not, nobody can know.
pub const UNKNOWN: &str = "unknown";
/// Outcome of a letter whose time to live ended before it could leave.
pub const EXPIRED: &str = "failed:expired";

sql!(
    FORGET_EXPIRED,
    "DELETE FROM deliveries WHERE tenant_id = $1 AND outcome = $2
       AND (subscription_id, slot) IN (SELECT p.subscription_id, p.slot FROM probe p)"
);

/// Frees those of these keys whose letter expired, so that a missed day can be made up.
pub fn forget_expired(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    keys: &[(SubscriptionId, String)],
) -> Result<u64, StoreError> {
    fill_probe(tx, keys)?;
    tx.exec(FORGET_EXPIRED, args![scope.bytes(), EXPIRED])
}

/// What becomes of a letter without an outcome when its time to live ends: it may have left up to `reached`.
pub const fn given_up(number: i64, reached: i64) -> &'static str {
    if number < reached { UNKNOWN } else { EXPIRED }
}

sql!(CLEAR_PROBE, "DELETE FROM probe");
sql!(
    FOUND,
    "SELECT p.number FROM probe p JOIN deliveries d
             ON d.tenant_id = $1 AND d.subscription_id = p.subscription_id AND d.slot = p.slot"
);

const PROBE: Bulk = Bulk {
    table: "probe",
    columns: &[
        ("number", Type::INT8),
        ("subscription_id", Type::BYTEA),
        ("slot", Type::TEXT),
    ],
};

/// Puts keys where a statement can join them.
fn fill_probe(tx: &mut WriteTx<'_>, keys: &[(SubscriptionId, String)]) -> Result<(), StoreError> {
    tx.exec(CLEAR_PROBE, args![])?;
    let mut values = Vec::with_capacity(keys.len() * 3);
    for (number, (subscription, slot)) in keys.iter().enumerate() {
        values.extend([
            Value::Int(number as i64),
            Value::from(subscription.bytes()),
            Value::from(slot),
        ]);
    }
    tx.bulk(&PROBE, &values).map(|_| ())
}

/// Which of these keys the ledger holds already, by their place in the list.
pub fn reserved(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    keys: &[(SubscriptionId, String)],
) -> Result<HashSet<usize>, StoreError> {
    fill_probe(tx, keys)?;
    let mut found = HashSet::new();
    tx.each(FOUND, args![scope.bytes()], &mut |row| {
        found.extend(usize::try_from(row.int(0)?).ok());
        Ok(())
    })?;
    Ok(found)
}

sql!(
    IN_LEDGER,
    "SELECT 1 FROM deliveries WHERE tenant_id = $1 AND subscription_id = $2 AND slot = $3"
);

/// True where the ledger holds this key.
pub fn is_reserved(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    slot: &str,
) -> Result<bool, StoreError> {
    Ok(tx
        .one(IN_LEDGER, args![scope.bytes(), subscription.bytes(), slot], |row| {
            row.int(0)
        })?
        .is_some())
}

/// A row of the ledger as it is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Whose slot.
    pub subscription: SubscriptionId,
    /// Which slot, in stored form.
    pub slot: String,
    /// Who reads it.
    pub subscriber: SubscriberId,
    /// Where it goes.
    pub point: PointId,
    /// What it says.
    pub cohort: CohortId,
    /// Which batch carries it.
    pub batch: BatchId,
    /// Its letter's place in the batch; several slots of one reader share a letter.
    pub number: i64,
    /// The day it is for.
    pub day: Day,
}

const DELIVERIES: Bulk = Bulk {
    table: "deliveries",
    columns: &[
        ("tenant_id", Type::BYTEA),
        ("subscription_id", Type::BYTEA),
        ("slot", Type::TEXT),
        ("subscriber_id", Type::BYTEA),
        ("point_id", Type::BYTEA),
        ("cohort_id", Type::BYTEA),
        ("batch_id", Type::BYTEA),
        ("number", Type::INT8),
        ("day_on", Type::TEXT),
        ("outcome", Type::TEXT),
    ],
};

/// Reserves slots. A slot that somebody reserved in the meantime is a conflict: the whole unit fails and is planned again.
pub fn add_deliveries(tx: &mut WriteTx<'_>, scope: Scope, rows: &[NewDelivery]) -> Result<u64, StoreError> {
    let Some(first) = rows.first() else { return Ok(0) };
    let day = first.day.to_string();
    let mut values = Vec::with_capacity(rows.len() * DELIVERIES.columns.len());
    for row in rows {
        values.extend([
            Value::from(scope.bytes()),
            Value::from(row.subscription.bytes()),
            Value::from(&row.slot),
            Value::from(row.subscriber.bytes()),
            Value::from(row.point.bytes()),
            Value::from(row.cohort.bytes()),
            Value::from(row.batch.bytes()),
            Value::Int(row.number),
            Value::from(&day),
            Value::Null,
        ]);
    }
    tx.bulk(&DELIVERIES, &values)
        .map_err(|error| error.duplicate_is_conflict("runs::add_deliveries"))
}

sql!(
    MARK,
    "UPDATE deliveries SET outcome = $4, detail = $5 WHERE tenant_id = $1 AND batch_id = $2 AND number = $3"
);

/// Writes what became of one letter where it is not simply sent.
pub fn mark(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    batch: BatchId,
    number: i64,
    outcome: &str,
    detail: &str,
) -> Result<(), StoreError> {
    tx.exec(MARK, args![scope.bytes(), batch.bytes(), number, outcome, detail])
        .map(|_| ())
}

sql!(
    MARKED,
    "SELECT d.number, d.outcome FROM batches b JOIN deliveries d ON d.tenant_id = b.tenant_id AND d.batch_id = b.id
     WHERE b.id = $1 ORDER BY d.number"
);

/// The letters that a batch still has, each with the outcome of its own if it has one.
pub fn marked(tx: &mut ReadTx<'_>, batch: BatchId) -> Result<BTreeMap<i64, Option<String>>, StoreError> {
    let rows = tx.all(MARKED, args![batch.bytes()], |row| {
        Ok((row.int(0)?, row.text_opt(1)?.map(str::to_owned)))
    })?;
    Ok(rows.into_iter().collect())
}

sql!(
    POINT_OF,
    "SELECT point_id FROM deliveries WHERE tenant_id = $1 AND batch_id = $2 AND number = $3"
);

/// Where a letter goes.
pub fn point_of(tx: &mut ReadTx<'_>, scope: Scope, batch: BatchId, number: i64) -> Result<Option<PointId>, StoreError> {
    tx.one(POINT_OF, args![scope.bytes(), batch.bytes(), number], |row| {
        row.id(0, PointId::from_bytes)
    })
}

sql!(
    REBATCH,
    "UPDATE deliveries SET batch_id = $4, number = $5, outcome = NULL, detail = NULL
               WHERE tenant_id = $1 AND batch_id = $2 AND number = $3"
);

/// Moves one letter into another batch, for its next attempt.
pub fn rebatch(tx: &mut WriteTx<'_>, scope: Scope, from: (BatchId, i64), to: (BatchId, i64)) -> Result<(), StoreError> {
    tx.exec(
        REBATCH,
        args![scope.bytes(), from.0.bytes(), from.1, to.0.bytes(), to.1],
    )
    .map(|_| ())
}

sql!(
    REROUTE,
    "UPDATE deliveries SET batch_id = $4, number = $5, point_id = $6, outcome = NULL, detail = NULL
               WHERE tenant_id = $1 AND batch_id = $2 AND number = $3"
);

/// Moves one letter into a batch of another account, to another address of its reader.
pub fn reroute(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    from: (BatchId, i64),
    to: (BatchId, i64),
    point: PointId,
) -> Result<(), StoreError> {
    let args = args![scope.bytes(), from.0.bytes(), from.1, to.0.bytes(), to.1, point.bytes()];
    tx.exec(REROUTE, args).map(|_| ())
}

sql!(
    SHARE_LEDGER,
    "INSERT INTO deliveries (tenant_id, subscription_id, slot, subscriber_id, point_id, cohort_id, batch_id, number, day_on, outcome)
     SELECT tenant_id, $3, slot, subscriber_id, point_id, $4, $4, 0, day_on, 'skipped:already-sent'
     FROM deliveries WHERE tenant_id = $1 AND subscription_id = $2"
);

/// Fills every slot that one subscription holds for its twin too, so that the twin's first letters repeat nothing.
pub fn share_ledger(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    from: SubscriptionId,
    twin: SubscriptionId,
) -> Result<u64, StoreError> {
    // The twin's rows belong to no letter.
    let none = [0; 16];
    tx.exec(SHARE_LEDGER, args![scope.bytes(), from.bytes(), twin.bytes(), &none])
}

/// One row of the ledger, for explaining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The slot in stored form.
    pub slot: String,
    /// The day it was for.
    pub day: Day,
    /// What it said.
    pub cohort: CohortId,
    /// What became of it; sent where absent and the batch has passed it.
    pub outcome: Option<String>,
    /// The provider's words.
    pub detail: Option<String>,
    /// State of its batch.
    pub batch_state: String,
    /// True where the batch has passed it.
    pub passed: bool,
    /// True where it is the letter in doubt of a batch that is being carried.
    pub in_flight: bool,
    /// Attempts of its batch so far.
    pub attempt: i64,
    /// Not before this instant.
    pub not_before: Timestamp,
}

/// A statement that reads what [`delivery`] takes from these rows.
macro_rules! deliveries {
    ($rows:literal) => {
        concat!(
            "SELECT d.slot, d.day_on, d.cohort_id, d.outcome, d.detail, b.state, d.number, b.finished, b.reached,
               b.attempt, b.not_before_at
             FROM deliveries d JOIN batches b ON b.id = d.batch_id ",
            $rows
        )
    };
}

fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let (number, finished, reached) = (row.int(6)?, row.int(7)?, row.int(8)?);
    Ok(Delivery {
        slot: row.text(0)?.to_owned(),
        day: row.day(1)?,
        cohort: row.id(2, CohortId::from_bytes)?,
        outcome: row.text_opt(3)?.map(str::to_owned),
        detail: row.text_opt(4)?.map(str::to_owned),
        batch_state: row.text(5)?.to_owned(),
        passed: number < finished,
        in_flight: finished <= number && number < reached,
        attempt: row.int(9)?,
        not_before: instant(row.int(10)?),
    })
}

sql!(
    OF_SUBSCRIPTION,
    deliveries!("WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.day_on = $3 ORDER BY d.slot LIMIT $4")
);

/// What the ledger holds for one subscription and one day.
pub fn of_subscription(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    day: Day,
) -> Result<Vec<Delivery>, StoreError> {
    let day = day.to_string();
    tx.all(
        OF_SUBSCRIPTION,
        args![scope.bytes(), subscription.bytes(), &day, ROWS_PER_LETTER_MAX],
        delivery,
    )
}

sql!(
    SLOT_DAY,
    deliveries!("WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.slot = $3")
);

/// What the ledger holds for one slot.
pub fn of_slot(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    slot: &str,
) -> Result<Option<Delivery>, StoreError> {
    tx.one(SLOT_DAY, args![scope.bytes(), subscription.bytes(), slot], delivery)
}

sql!(
    ALL_OF_SUBSCRIPTION,
    deliveries!("WHERE d.tenant_id = $1 AND d.subscription_id = $2 ORDER BY d.slot LIMIT $3")
);

/// What the ledger holds for one subscription, by slot: the whole of its journey so far.
pub fn all_of_subscription(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
) -> Result<Vec<Delivery>, StoreError> {
    tx.all(
        ALL_OF_SUBSCRIPTION,
        args![scope.bytes(), subscription.bytes(), ROWS_PER_JOURNEY_MAX],
        delivery,
    )
}

sql!(
    TO_CARRY,
    "SELECT slot, day_on FROM deliveries WHERE tenant_id = $1 AND subscription_id = $2
       AND (outcome IS NULL OR outcome = 'unknown') ORDER BY slot LIMIT $3"
);

/// Outcome of a slot that was filled elsewhere, before its reader came here.
const ELSEWHERE: &str = "skipped:already-sent";

/// Reserves for a subscription the slots that another one has had, of one tenant or two; says how many.
///
/// `is_same` says of a slot in stored form whether it stands for the same words in both. The rows belong to no batch,
/// so that they keep anything from being repeated and appear in no report.
pub fn carry(
    tx: &mut WriteTx<'_>,
    (from, before): (Scope, SubscriptionId),
    (to, subscription, subscriber): (Scope, SubscriptionId, SubscriberId),
    is_same: &dyn Fn(&str) -> bool,
) -> Result<u64, StoreError> {
    let had = tx.all(
        TO_CARRY,
        args![from.bytes(), before.bytes(), ROWS_PER_JOURNEY_MAX],
        |row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())),
    )?;
    let nowhere = [0; 16];
    let mut values = Vec::with_capacity(had.len() * DELIVERIES.columns.len());
    for (slot, day) in had.iter().filter(|(slot, _)| is_same(slot)) {
        values.extend([
            Value::from(to.bytes()),
            Value::from(subscription.bytes()),
            Value::from(slot),
            Value::from(subscriber.bytes()),
            Value::from(&nowhere),
            Value::from(&nowhere),
            Value::from(&nowhere),
            Value::Int(0),
            Value::from(day),
            Value::from(ELSEWHERE),
        ]);
    }
    tx.bulk(&DELIVERIES, &values)
}
