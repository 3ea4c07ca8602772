//! One tenant's work for one day: begun, planned, closed, and counted as missed where it was not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::RunId;

use super::instant;
use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// One tenant's work for one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Identifier.
    pub id: RunId,
    /// The day.
    pub day: Day,
    /// The tenant's version that the plan was made from; `None` while planning is unfinished.
    pub planned_version: Option<i64>,
    /// Who got nothing and why, counted.
    pub skipped: BTreeMap<String, u64>,
    /// When it began.
    pub started_at: Timestamp,
    /// When its last batch ended.
    pub closed_at: Option<Timestamp>,
}

fn run(row: &Row<'_>) -> Result<Run, StoreError> {
    Ok(Run {
        id: row.id(0, RunId::from_bytes)?,
        day: row.day(1)?,
        planned_version: row.int_opt(2)?,
        skipped: row.json(3)?,
        started_at: instant(row.int(4)?),
        closed_at: row.int_opt(5)?.map(instant),
    })
}

sql!(
    OPEN,
    "INSERT INTO runs (id, tenant_id, day_on, skipped, started_at) VALUES ($1, $2, $3, '{}', $4)
            ON CONFLICT (tenant_id, day_on) DO NOTHING"
);
sql!(
    GET,
    "SELECT id, day_on, planned_version, skipped, started_at, closed_at FROM runs WHERE tenant_id = $1 AND day_on = $2"
);

/// The run of this day, if it began.
pub fn get(tx: &mut ReadTx<'_>, scope: Scope, day: Day) -> Result<Option<Run>, StoreError> {
    let day = day.to_string();
    tx.one(GET, args![scope.bytes(), &day], run)
}

/// The run of this day, begun now if it had not.
pub fn open(tx: &mut WriteTx<'_>, scope: Scope, new: RunId, day: Day, now: Timestamp) -> Result<Run, StoreError> {
    let text = day.to_string();
    tx.exec(OPEN, args![new.bytes(), scope.bytes(), &text, now.as_millisecond()])?;
    get(tx, scope, day)?.ok_or(StoreError::Conflict {
        statement: "runs::open",
    })
}

sql!(
    PLANNED,
    "UPDATE runs SET planned_version = $2, skipped = $3, closed_at = NULL WHERE id = $1"
);

/// Notes that the day is planned from this version of the tenant's data.
pub fn planned(
    tx: &mut WriteTx<'_>,
    id: RunId,
    version: i64,
    skipped: &BTreeMap<String, u64>,
) -> Result<(), StoreError> {
    let skipped = serde_json::to_string(skipped).unwrap_or_default();
    tx.exec_one(PLANNED, args![id.bytes(), version, &skipped])
}

sql!(CLOSE, "UPDATE runs SET closed_at = $3 WHERE tenant_id = $1 AND day_on = $2 AND closed_at IS NULL AND planned_version IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.run_id = runs.id AND b.state IN ('ready', 'claimed', 'held'))");

/// Closes a run whose every batch ended; true where it did.
pub fn close(tx: &mut WriteTx<'_>, scope: Scope, day: Day, now: Timestamp) -> Result<bool, StoreError> {
    let day = day.to_string();
    Ok(tx.exec(CLOSE, args![scope.bytes(), &day, now.as_millisecond()])? == 1)
}

sql!(
    CLOSED_DAYS,
    "SELECT day_on FROM runs WHERE tenant_id = $1 AND day_on >= $2 AND day_on <= $3 AND planned_version IS NOT NULL
                   ORDER BY day_on LIMIT 400"
);
sql!(ANY_RUN, "SELECT MIN(day_on) FROM runs WHERE tenant_id = $1");

/// The days from `from` to `until` that were never planned to the end, though runs had begun by then.
pub fn missed(tx: &mut ReadTx<'_>, scope: Scope, from: Day, until: Day) -> Result<Vec<Day>, StoreError> {
    let (first, last) = (from.to_string(), until.to_string());
    let begun = tx.one(ANY_RUN, args![scope.bytes()], |row| row.day_opt(0))?.flatten();
    let Some(begun) = begun else { return Ok(Vec::new()) };
    let planned = tx.all(CLOSED_DAYS, args![scope.bytes(), &first, &last], |row| row.day(0))?;
    let days = (0..=(until - from)).map(|n| from + n);
    Ok(days.filter(|day| *day >= begun && !planned.contains(day)).collect())
}

sql!(REOPEN_RUN, "UPDATE runs SET planned_version = NULL WHERE id = $1");

/// Counts a day as missed after letters of it expired, so that what is still useful is made up later.
pub fn reopen(tx: &mut WriteTx<'_>, run: RunId) -> Result<(), StoreError> {
    tx.exec_one(REOPEN_RUN, args![run.bytes()])
}
