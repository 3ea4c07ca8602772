//! Runs, the ledger and the batches: what is due once is written once, and a crash loses nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, BatchId, CohortId, PointId, RunId, SubscriberId, SubscriptionId, TenantId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::{PointState, SkipReason, SubscriptionState};
use postgres::types::Type;

use crate::db::{Bulk, ReadTx, Row, Value, WriteTx};
use crate::error::StoreError;
use crate::people;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Slots of one letter at most: one reader's children with all their articles of a day.
const ROWS_PER_LETTER_MAX: i64 = 200;
/// Slots of one subscription at most: several a day from early pregnancy to the nineteenth birthday.
const ROWS_PER_JOURNEY_MAX: i64 = 20_000;
/// Batches a run may have that a report reads one by one.
const DOUBTS_MAX: i64 = 10_000;

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

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
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

sql!(
    ADD_COHORT,
    "INSERT INTO cohorts (id, tenant_id, draft) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING"
);

const DRAFT: &str = "cohorts.draft";

/// Freezes what a message says, sealed because siblings' nicknames may be in it; the same words are the same cohort.
pub fn add_cohort(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: CohortId,
    draft: &Draft,
) -> Result<(), StoreError> {
    let draft = keys.seal(DRAFT, id.bytes(), &serde_json::to_string(draft).unwrap_or_default());
    tx.exec(ADD_COHORT, args![id.bytes(), scope.bytes(), draft.as_slice()])
        .map(|_| ())
}

sql!(
    NAME,
    "INSERT INTO named_cohorts (tenant_id, subscriber_id, cohort_id) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, subscriber_id, cohort_id) DO NOTHING"
);

/// Notes whose children a message names, so that it can be erased with them.
pub fn note_names(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    cohort: CohortId,
) -> Result<(), StoreError> {
    tx.exec(NAME, args![scope.bytes(), subscriber.bytes(), cohort.bytes()])
        .map(|_| ())
}

sql!(COHORT, "SELECT draft FROM cohorts WHERE tenant_id = $1 AND id = $2");

/// What a message says.
pub fn cohort(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Scope, id: CohortId) -> Result<Option<Draft>, StoreError> {
    tx.one(COHORT, args![scope.bytes(), id.bytes()], |row| {
        let draft = keys.open(DRAFT, id.bytes(), row.bytes(0)?)?;
        serde_json::from_str(&draft).map_err(|_| StoreError::corrupt("a draft", 0))
    })
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
        ]);
    }
    tx.bulk(&DELIVERIES, &values)
        .map_err(|error| error.duplicate_is_conflict("runs::add_deliveries"))
}

/// A batch as it is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewBatch {
    /// A hash of what it carries.
    pub id: BatchId,
    /// The run it belongs to.
    pub run: RunId,
    /// The account it leaves through.
    pub account: AccountId,
    /// 0 is urgent and overtakes.
    pub lane: i64,
    /// Letters in it.
    pub letters: i64,
    /// Attempts made before.
    pub attempt: i64,
    /// Not before this instant.
    pub not_before: Timestamp,
    /// Of no use from this instant on.
    pub expires: Timestamp,
}

sql!(
    ADD_BATCH,
    "INSERT INTO batches (id, tenant_id, run_id, account_id, lane, state, letters, attempt, not_before_at, expires_at,
                   lease_token, lease_until_at, reached, finished, recalls, sent, skipped, failed, in_doubt)
                 VALUES ($1, $2, $3, $4, $5, 'ready', $6, $7, $8, $9, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
);

/// Adds a batch to the outbox; a conflict where somebody added the same one in the meantime.
pub fn add_batch(tx: &mut WriteTx<'_>, scope: Scope, batch: &NewBatch) -> Result<(), StoreError> {
    let args = args![
        batch.id.bytes(),
        scope.bytes(),
        batch.run.bytes(),
        batch.account.bytes(),
        batch.lane,
        batch.letters,
        batch.attempt,
        batch.not_before.as_millisecond(),
        batch.expires.as_millisecond()
    ];
    tx.exec(ADD_BATCH, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("runs::add_batch"))
}

/// A batch in the hands of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Identifier.
    pub id: BatchId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The run it belongs to.
    pub run: RunId,
    /// The account it leaves through.
    pub account: AccountId,
    /// 0 is urgent.
    pub lane: i64,
    /// Attempts made before.
    pub attempt: i64,
    /// Of no use from this instant on.
    pub expires: Timestamp,
    /// Letters before this one are settled.
    pub finished: i64,
    /// Letters from `finished` up to this one are in doubt.
    pub reached: i64,
    /// How often a letter of it was recalled.
    pub recalls: i64,
    /// Letters in it.
    pub letters: i64,
    /// The token that guards every later write.
    pub token: i64,
    /// When its first request may have left.
    pub first_at: Option<Timestamp>,
}

sql!(CLAIM,
    // Picked in a clause of its own: inside IN the rows may be looked for again for each candidate, past the limit.
    pg: "WITH due AS MATERIALIZED (
           SELECT b.id FROM batches b JOIN accounts a ON a.id = b.account_id
           WHERE b.state IN ('ready', 'claimed') AND b.not_before_at <= $1 AND a.paused_reason IS NULL
             AND b.account_id = $4 AND (b.state = 'ready' OR b.lease_until_at < $1)
           ORDER BY b.lane, b.not_before_at LIMIT $3 FOR UPDATE OF b SKIP LOCKED)
         UPDATE batches SET state = 'claimed', lease_token = lease_token + 1, lease_until_at = $2 WHERE id IN (SELECT id FROM due)
         RETURNING id, tenant_id, run_id, account_id, lane, attempt, expires_at, finished, reached, recalls, letters, lease_token, first_at",
    lite: "UPDATE batches SET state = 'claimed', lease_token = lease_token + 1, lease_until_at = $2 WHERE id IN (
           SELECT b.id FROM batches b JOIN accounts a ON a.id = b.account_id
           WHERE b.state IN ('ready', 'claimed') AND b.not_before_at <= $1 AND a.paused_reason IS NULL
             AND b.account_id = $4 AND (b.state = 'ready' OR b.lease_until_at < $1)
           ORDER BY b.lane, b.not_before_at LIMIT $3)
         RETURNING id, tenant_id, run_id, account_id, lane, attempt, expires_at, finished, reached, recalls, letters, lease_token, first_at");

sql!(
    ACCOUNTS_DUE,
    "SELECT b.account_id, COUNT(*) FROM batches b JOIN accounts a ON a.id = b.account_id
                    WHERE b.state IN ('ready', 'claimed') AND b.not_before_at <= $1 AND a.paused_reason IS NULL
                      AND (b.state = 'ready' OR b.lease_until_at < $1)
                    GROUP BY b.account_id ORDER BY MIN(b.lane), b.account_id LIMIT 10000"
);

/// The accounts that have batches due, urgent ones first, and how many batches.
pub fn accounts_due(tx: &mut ReadTx<'_>, now: Timestamp) -> Result<Vec<(AccountId, i64)>, StoreError> {
    tx.all(ACCOUNTS_DUE, args![now.as_millisecond()], |row| {
        Ok((row.id(0, AccountId::from_bytes)?, row.int(1)?))
    })
}

/// Takes batches of one account that are due into this worker's hands until `lease_until`, urgent ones first.
///
/// A batch whose worker died comes back when its lease ends.
pub fn claim(
    tx: &mut WriteTx<'_>,
    account: AccountId,
    now: Timestamp,
    lease_until: Timestamp,
    limit: usize,
) -> Result<Vec<Claimed>, StoreError> {
    let args = args![
        now.as_millisecond(),
        lease_until.as_millisecond(),
        limit as i64,
        account.bytes()
    ];
    let mut claimed = tx.all(CLAIM, args, |row| {
        Ok(Claimed {
            id: row.id(0, BatchId::from_bytes)?,
            tenant: row.id(1, TenantId::from_bytes)?,
            run: row.id(2, RunId::from_bytes)?,
            account: row.id(3, AccountId::from_bytes)?,
            lane: row.int(4)?,
            attempt: row.int(5)?,
            expires: instant(row.int(6)?),
            finished: row.int(7)?,
            reached: row.int(8)?,
            recalls: row.int(9)?,
            letters: row.int(10)?,
            token: row.int(11)?,
            first_at: row.int_opt(12)?.map(instant),
        })
    })?;
    // RETURNING has no order.
    claimed.sort_by_key(|batch| (batch.lane, batch.id));
    Ok(claimed)
}

/// One letter of a claimed batch, with what decides whether it may still leave.
#[derive(Clone, PartialEq, Eq)]
pub struct LetterRow {
    /// Its place in the batch.
    pub number: i64,
    /// Who reads it.
    pub subscriber: SubscriberId,
    /// Where it goes.
    pub point: PointId,
    /// The address, opened.
    pub address: String,
    /// What it says.
    pub cohort: CohortId,
    /// The day it is for.
    pub day: Day,
    /// Why it must not leave any more, if so: the reader stopped or paused, the address is refused.
    pub silenced: Option<SkipReason>,
    /// What became of it already, if anything.
    pub outcome: Option<String>,
}

impl std::fmt::Debug for LetterRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LetterRow")
            .field("number", &self.number)
            .field("point", &self.point)
            .finish_non_exhaustive()
    }
}

sql!(
    LETTERS,
    "SELECT d.number, d.subscriber_id, d.point_id, p.address, d.cohort_id, d.day_on, d.outcome, p.state, s.state
               FROM deliveries d
               LEFT JOIN contact_points p ON p.id = d.point_id
               LEFT JOIN subscriptions s ON s.id = d.subscription_id
               WHERE d.batch_id = $1 AND d.tenant_id = $2 ORDER BY d.number, d.subscription_id, d.slot LIMIT $3"
);

/// The letters of a batch in order. A letter with several slots is silenced if any of its subscriptions is.
///
/// One silenced slot silences the whole letter, because its words were composed together; what the other
/// children of the same reader miss is planned again.
pub fn letters(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    batch: BatchId,
    letters: i64,
) -> Result<Vec<LetterRow>, StoreError> {
    let limit = letters.saturating_mul(ROWS_PER_LETTER_MAX);
    let mut found: Vec<LetterRow> = Vec::new();
    tx.each(LETTERS, args![batch.bytes(), scope.bytes(), limit], &mut |row| {
        let number = row.int(0)?;
        let point_state = row.text_opt(7)?.and_then(PointState::from_code);
        let state = row.text_opt(8)?.and_then(SubscriptionState::from_code);
        let silenced = match (point_state, state) {
            (_, None | Some(SubscriptionState::Ended)) => Some(SkipReason::Stopped),
            (_, Some(SubscriptionState::Paused)) => Some(SkipReason::Paused),
            (Some(PointState::Verified), Some(SubscriptionState::Active)) => None,
            (Some(PointState::Suppressed | PointState::Bouncing), _) => Some(SkipReason::Suppressed),
            (Some(PointState::Blocked), _) => Some(SkipReason::Blocked),
            (Some(PointState::Pending | PointState::Retired) | None, _) => Some(SkipReason::NoAddress),
        };
        if let Some(last) = found.last_mut().filter(|last| last.number == number) {
            last.silenced = last.silenced.or(silenced);
            return Ok(());
        }
        let point = row.id(2, PointId::from_bytes)?;
        let address = row
            .bytes_opt(3)?
            .map(|sealed| people::open_address(keys, &point, sealed))
            .transpose()?;
        found.push(LetterRow {
            number,
            subscriber: row.id(1, SubscriberId::from_bytes)?,
            point,
            address: address.unwrap_or_default(),
            cohort: row.id(4, CohortId::from_bytes)?,
            day: row.day(5)?,
            silenced,
            outcome: row.text_opt(6)?.map(str::to_owned),
        });
        Ok(())
    })?;
    Ok(found)
}

sql!(
    ADVANCE,
    "UPDATE batches SET reached = $3, finished = $4, lease_until_at = $5,
               first_at = CASE WHEN CAST($3 AS BIGINT) > CAST($4 AS BIGINT) THEN COALESCE(first_at, $6) ELSE first_at END
               WHERE id = $1 AND lease_token = $2 AND state = 'claimed' RETURNING recalls"
);

/// Writes how far a batch has come and keeps the lease; the number of recalls, or `None` where the lease is lost.
pub fn advance(
    tx: &mut WriteTx<'_>,
    batch: BatchId,
    token: i64,
    reached: i64,
    finished: i64,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let args = args![
        batch.bytes(),
        token,
        reached,
        finished,
        lease_until.as_millisecond(),
        now.as_millisecond()
    ];
    tx.one(ADVANCE, args, |row| row.int(0))
}

sql!(
    STANDING,
    "SELECT recalls FROM batches WHERE id = $1 AND lease_token = $2 AND state = 'claimed'"
);

/// The number of recalls of a batch in this worker's hands, or `None` where the lease is lost.
pub fn standing(tx: &mut ReadTx<'_>, batch: BatchId, token: i64) -> Result<Option<i64>, StoreError> {
    tx.one(STANDING, args![batch.bytes(), token], |row| row.int(0))
}

sql!(
    RENEW,
    "UPDATE batches SET lease_until_at = $3 WHERE id = $1 AND lease_token = $2 AND state = 'claimed'"
);

/// Keeps the lease of a batch whose provider is slow.
pub fn renew(tx: &mut WriteTx<'_>, batch: BatchId, token: i64, lease_until: Timestamp) -> Result<(), StoreError> {
    tx.exec(RENEW, args![batch.bytes(), token, lease_until.as_millisecond()])
        .map(|_| ())
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

sql!(PROGRESS, "SELECT finished, reached FROM batches WHERE id = $1");

/// How many letters of a batch are settled, and up to which they may have left.
pub fn progress(tx: &mut ReadTx<'_>, batch: BatchId) -> Result<(i64, i64), StoreError> {
    let found = tx.one(PROGRESS, args![batch.bytes()], |row| Ok((row.int(0)?, row.int(1)?)))?;
    Ok(found.unwrap_or_default())
}

/// A request to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Number of the first letter it carried.
    pub number: i64,
    /// When the answer was there.
    pub at: Timestamp,
    /// Which request: `push`, `multicast`.
    pub name: String,
    /// HTTP status; 0 where no answer came.
    pub status: i64,
    /// The provider's id of the request.
    pub reference: String,
}

sql!(
    ADD_CALL,
    "INSERT INTO calls (tenant_id, batch_id, number, at, name, status, reference) VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

/// Keeps a request on record.
pub fn add_call(tx: &mut WriteTx<'_>, scope: Scope, batch: BatchId, call: &CallRow) -> Result<(), StoreError> {
    let args = args![
        scope.bytes(),
        batch.bytes(),
        call.number,
        call.at.as_millisecond(),
        &call.name,
        call.status,
        &call.reference
    ];
    tx.exec(ADD_CALL, args).map(|_| ())
}

/// Requests shown for one letter: more attempts than a day has room for.
const CALLS_MAX: i64 = 50;

sql!(
    CALLS,
    // Joined in this order by hand: a day's few deliveries, then the requests of their batches.
    "SELECT DISTINCT c.number, c.at, c.name, c.status, c.reference FROM deliveries d CROSS JOIN calls c
               WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.day_on = $3
                 AND c.tenant_id = d.tenant_id AND c.batch_id = d.batch_id
                 AND (c.number = d.number OR c.name = 'multicast') ORDER BY c.at LIMIT $4"
);

/// The requests that carried one subscription's letters of a day, in order.
pub fn calls_of(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    day: Day,
) -> Result<Vec<CallRow>, StoreError> {
    let day = day.to_string();
    let args = args![scope.bytes(), subscription.bytes(), &day, CALLS_MAX];
    tx.all(CALLS, args, |row| {
        Ok(CallRow {
            number: row.int(0)?,
            at: instant(row.int(1)?),
            name: row.text(2)?.to_owned(),
            status: row.int(3)?,
            reference: row.text(4)?.to_owned(),
        })
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

/// Counts of one batch's letters by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Taken by the provider.
    pub sent: i64,
    /// Left out: stopped, paused, refused address.
    pub skipped: i64,
    /// Refused for good or expired.
    pub failed: i64,
    /// Sent or not, nobody can know.
    pub in_doubt: i64,
}

impl Tally {
    /// Counts one letter that the batch has passed, by the outcome of its own; sent where it has none.
    pub fn count(&mut self, outcome: Option<&str>) {
        match outcome {
            None => self.sent += 1,
            Some(UNKNOWN) => self.in_doubt += 1,
            Some(code) if code.starts_with("skipped:") => self.skipped += 1,
            Some(_) => self.failed += 1,
        }
    }
}

sql!(FINISH, "UPDATE batches SET state = $3, letters = $4, sent = $5, skipped = $6, failed = $7, in_doubt = $8, held_reason = $9,
                reached = CASE WHEN $3 = 'held' OR reached > letters THEN reached ELSE letters END,
                finished = CASE WHEN $3 = 'held' OR finished > letters THEN finished ELSE letters END
              WHERE id = $1 AND lease_token = $2 AND state = 'claimed'");

/// Ends a batch with `letters` left in it; a conflict where the lease is lost.
///
/// `held` says why it waits for a person instead: then it remembers how far it came, so that nothing leaves twice.
pub fn finish(
    tx: &mut WriteTx<'_>,
    batch: BatchId,
    token: i64,
    letters: i64,
    tally: Tally,
    held: Option<&str>,
) -> Result<(), StoreError> {
    let state = if held.is_some() { "held" } else { "done" };
    let args = args![
        batch.bytes(),
        token,
        state,
        letters,
        tally.sent,
        tally.skipped,
        tally.failed,
        tally.in_doubt,
        held
    ];
    tx.exec_one(FINISH, args)
}

sql!(
    SO_FAR,
    "UPDATE batches SET letters = $3, sent = $4, skipped = $5, failed = $6, in_doubt = $7
               WHERE id = $1 AND lease_token = $2 AND state = 'claimed'"
);

/// Counts what has become of the letters of a batch that goes on later, so that reports tell of it meanwhile.
pub fn so_far(tx: &mut WriteTx<'_>, batch: BatchId, token: i64, letters: i64, tally: Tally) -> Result<(), StoreError> {
    let Tally {
        sent,
        skipped,
        failed,
        in_doubt,
    } = tally;
    tx.exec_one(
        SO_FAR,
        args![batch.bytes(), token, letters, sent, skipped, failed, in_doubt],
    )
}

sql!(
    RELEASE,
    "UPDATE batches SET state = 'ready', not_before_at = $3, attempt = $4, lease_until_at = 0
               WHERE id = $1 AND lease_token = $2 AND state = 'claimed'"
);

/// Gives the untouched rest of a batch back, for this instant or later; `attempt` counts the tries so far.
pub fn release(
    tx: &mut WriteTx<'_>,
    batch: BatchId,
    token: i64,
    not_before: Timestamp,
    attempt: i64,
) -> Result<(), StoreError> {
    tx.exec_one(
        RELEASE,
        args![batch.bytes(), token, not_before.as_millisecond(), attempt],
    )
}

sql!(
    PUT_OFF,
    "UPDATE batches SET not_before_at = $3 WHERE account_id = $1 AND state IN ('ready', 'claimed') AND state = 'ready'
               AND not_before_at <= $2"
);

/// Lets everything that an account has to carry now wait until an instant, because its provider answers nobody.
pub fn put_off(tx: &mut WriteTx<'_>, account: AccountId, now: Timestamp, until: Timestamp) -> Result<u64, StoreError> {
    let args = args![account.bytes(), now.as_millisecond(), until.as_millisecond()];
    tx.exec(PUT_OFF, args)
}

sql!(
    HASTEN,
    "UPDATE batches SET not_before_at = $2, expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END
               WHERE run_id = $1 AND state = 'ready' AND attempt = 0 AND not_before_at > $2"
);

/// Lets a run's batches that wait for their hour leave from this instant on; those that a provider put off still wait.
pub fn hasten(tx: &mut WriteTx<'_>, run: RunId, not_before: Timestamp, expires: Timestamp) -> Result<u64, StoreError> {
    let args = args![run.bytes(), not_before.as_millisecond(), expires.as_millisecond()];
    tx.exec(HASTEN, args)
}

sql!(
    PENDING_OF,
    "SELECT DISTINCT d.batch_id, d.number FROM deliveries d JOIN batches b ON b.id = d.batch_id
                  WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.outcome IS NULL
                    AND b.state IN ('ready', 'claimed', 'held') AND d.number >= b.reached"
);
sql!(
    UNRESERVE_SIBLINGS,
    "DELETE FROM deliveries WHERE tenant_id = $1 AND batch_id = $2 AND number = $3 AND subscription_id <> $4"
);
sql!(
    UNRESERVE,
    "DELETE FROM deliveries WHERE tenant_id = $1 AND batch_id = $2 AND number = $3"
);
sql!(
    RECALL,
    "UPDATE batches SET recalls = recalls + 1 WHERE tenant_id = $1 AND id = $2"
);

/// How often waiting letters are looked for again because they moved into other batches meanwhile.
const LOOKS_MAX: usize = 10;

sql!(
    HOLDING,
    "SELECT DISTINCT b.id FROM deliveries d JOIN batches b ON b.id = d.batch_id
     WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.outcome IS NULL AND b.state IN ('ready', 'claimed', 'held')"
);

/// Tells every batch that holds a letter of a subscription of a recall, also letters that may have left and are repeated.
///
/// To tell a batch waits for a worker that is just asking whether its next letter may leave, and makes the next one
/// wait. A letter may have moved into another batch meanwhile, so that it is looked again until no batch is new.
fn tell_batches(tx: &mut WriteTx<'_>, scope: Scope, subscription: SubscriptionId) -> Result<(), StoreError> {
    let mut told = BTreeSet::new();
    for _ in 0..LOOKS_MAX {
        let holding = tx.all(HOLDING, args![scope.bytes(), subscription.bytes()], |row| {
            row.id(0, BatchId::from_bytes)
        })?;
        let untold: BTreeSet<BatchId> = holding.into_iter().filter(|batch| !told.contains(batch)).collect();
        if untold.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that two who recall at once do not wait for each other.
        for batch in untold {
            tx.exec(RECALL, args![scope.bytes(), batch.bytes()])?;
            told.insert(batch);
        }
    }
    Err(StoreError::Conflict {
        statement: "runs::tell_batches",
    })
}

/// What happens to the ledger rows of recalled letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recall {
    /// They stay, marked with the reason: this reader must not get them later either.
    Silence(SkipReason),
    /// They go, so that the day is planned anew from the changed dates.
    Replan,
}

/// Recalls the letters of one subscription that have not left; their batches are told before the next letter.
///
/// What a sibling would have read in the same letter is planned again. A letter whose bytes may already be on
/// the wire is not recalled, because nobody could.
pub fn recall(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    recall: Recall,
) -> Result<u64, StoreError> {
    tell_batches(tx, scope, subscription)?;
    let waiting = tx.all(PENDING_OF, args![scope.bytes(), subscription.bytes()], |row| {
        Ok((row.id(0, BatchId::from_bytes)?, row.int(1)?))
    })?;
    for (batch, number) in &waiting {
        match recall {
            Recall::Silence(reason) => {
                tx.exec(
                    UNRESERVE_SIBLINGS,
                    args![scope.bytes(), batch.bytes(), *number, subscription.bytes()],
                )?;
                mark(tx, scope, *batch, *number, &format!("skipped:{}", reason.code()), "")?;
            }
            Recall::Replan => {
                tx.exec(UNRESERVE, args![scope.bytes(), batch.bytes(), *number])?;
            }
        }
    }
    Ok(waiting.len() as u64)
}

/// A letter that has not left, with the batch that it waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingLetter {
    /// The batch.
    pub batch: BatchId,
    /// Its place there.
    pub number: i64,
    /// The run it belongs to.
    pub run: RunId,
    /// Where it goes.
    pub point: PointId,
    /// The day it is for.
    pub day: Day,
    /// 0 is urgent.
    pub lane: i64,
    /// Attempts made before.
    pub attempt: i64,
    /// Not before this instant.
    pub not_before: Timestamp,
    /// Of no use from this instant on.
    pub expires: Timestamp,
    /// True where its batch waits for a person.
    pub is_held: bool,
}

sql!(
    TO_MOVE,
    "SELECT DISTINCT d.batch_id, d.number, b.run_id, d.point_id, d.day_on, b.lane, b.attempt, b.not_before_at, b.expires_at, b.state
                  FROM deliveries d JOIN batches b ON b.id = d.batch_id
                  WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.outcome IS NULL
                    AND b.state IN ('ready', 'claimed', 'held') AND d.number >= b.reached"
);

/// The letters of one subscription that have not left, to be moved into other batches in the same transaction
/// ([`reroute`]); whoever holds their batches is told before the next letter.
pub fn take_waiting(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
) -> Result<Vec<WaitingLetter>, StoreError> {
    tell_batches(tx, scope, subscription)?;
    tx.all(TO_MOVE, args![scope.bytes(), subscription.bytes()], |row| {
        Ok(WaitingLetter {
            batch: row.id(0, BatchId::from_bytes)?,
            number: row.int(1)?,
            run: row.id(2, RunId::from_bytes)?,
            point: row.id(3, PointId::from_bytes)?,
            day: row.day(4)?,
            lane: row.int(5)?,
            attempt: row.int(6)?,
            not_before: instant(row.int(7)?),
            expires: instant(row.int(8)?),
            is_held: row.text(9)? == "held",
        })
    })
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

sql!(TALLY, "SELECT CAST(COALESCE(SUM(b.sent), 0) AS BIGINT), CAST(COALESCE(SUM(b.skipped), 0) AS BIGINT),
                    CAST(COALESCE(SUM(b.failed), 0) AS BIGINT), CAST(COALESCE(SUM(b.in_doubt), 0) AS BIGINT),
                    CAST(COALESCE(SUM(CASE WHEN b.state IN ('ready', 'claimed') AND a.paused_reason IS NULL
                      THEN b.letters - b.sent - b.skipped - b.failed - b.in_doubt ELSE 0 END), 0) AS BIGINT),
                    CAST(COALESCE(SUM(CASE WHEN b.state = 'held' OR (b.state IN ('ready', 'claimed') AND a.paused_reason IS NOT NULL)
                      THEN b.letters - b.sent - b.skipped - b.failed - b.in_doubt ELSE 0 END), 0) AS BIGINT)
             FROM batches b JOIN accounts a ON a.id = b.account_id WHERE b.run_id = $1");

/// A run's letters: what became of them, how many wait, how many are held for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunTally {
    /// Letters that ended.
    pub ended: Tally,
    /// Letters still to go.
    pub waiting: i64,
    /// Letters that wait for a person: their batch is held or their account is paused.
    pub held: i64,
}

/// Adds up a run's batches.
pub fn tally(tx: &mut ReadTx<'_>, run: RunId) -> Result<RunTally, StoreError> {
    let found = tx.one(TALLY, args![run.bytes()], |row| {
        let ended = Tally {
            sent: row.int(0)?,
            skipped: row.int(1)?,
            failed: row.int(2)?,
            in_doubt: row.int(3)?,
        };
        Ok(RunTally {
            ended,
            waiting: row.int(4)?,
            held: row.int(5)?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

sql!(
    REASONS,
    "SELECT d.outcome, COUNT(DISTINCT d.subscriber_id) FROM deliveries d JOIN batches b ON b.id = d.batch_id AND b.tenant_id = d.tenant_id
               WHERE b.run_id = $1 AND d.outcome IS NOT NULL GROUP BY d.outcome ORDER BY d.outcome LIMIT 100"
);

/// What became of a run's letters where they are not simply sent, counted by outcome.
pub fn reasons(tx: &mut ReadTx<'_>, run: RunId) -> Result<Vec<(String, i64)>, StoreError> {
    tx.all(REASONS, args![run.bytes()], |row| {
        Ok((row.text(0)?.to_owned(), row.int(1)?))
    })
}

sql!(
    WAITING,
    "SELECT MIN(b.not_before_at) FROM batches b JOIN accounts a ON a.id = b.account_id
               WHERE b.state IN ('ready', 'claimed') AND b.state = 'ready' AND a.paused_reason IS NULL"
);
sql!(
    LEASED,
    "SELECT MIN(b.lease_until_at) FROM batches b JOIN accounts a ON a.id = b.account_id
               WHERE b.state IN ('ready', 'claimed') AND b.state = 'claimed' AND a.paused_reason IS NULL"
);

/// When the next batch becomes due: the earliest waiting one or the earliest lease that ends.
pub fn next_due(tx: &mut ReadTx<'_>) -> Result<Option<Timestamp>, StoreError> {
    let waiting = tx.one(WAITING, args![], |row| row.int_opt(0))?.flatten();
    let leased = tx.one(LEASED, args![], |row| row.int_opt(0))?.flatten();
    Ok(waiting
        .into_iter()
        .chain(leased.map(|until| until + 1))
        .min()
        .map(instant))
}

sql!(
    WAITING_TOO_LONG,
    "SELECT id, tenant_id, run_id, finished, reached FROM batches
               WHERE state IN ('ready', 'claimed') AND state = 'ready' AND expires_at <= $1 LIMIT $2"
);
sql!(
    GIVE_UP,
    "UPDATE batches SET state = 'done', letters = $2, sent = $3, skipped = $4, failed = $5, in_doubt = $6
               WHERE id = $1 AND state = 'ready'"
);

/// Gives up waiting batches whose time to live ended, and counts their days as missed; says how many there were.
pub fn expire_waiting(tx: &mut WriteTx<'_>, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
    let batches = tx.all(WAITING_TOO_LONG, args![now.as_millisecond(), limit as i64], |row| {
        let scope = Scope::of(row.id(1, TenantId::from_bytes)?);
        Ok((
            row.id(0, BatchId::from_bytes)?,
            scope,
            row.id(2, RunId::from_bytes)?,
            row.int(3)?,
            row.int(4)?,
        ))
    })?;
    for (batch, scope, run, finished, reached) in &batches {
        let mut tally = Tally::default();
        let letters = marked(tx, *batch)?;
        for (number, outcome) in &letters {
            match outcome.as_deref() {
                None if number >= finished => {
                    let code = given_up(*number, *reached);
                    mark(tx, *scope, *batch, *number, code, "")?;
                    tally.count(Some(code));
                }
                outcome => tally.count(outcome),
            }
        }
        let Tally {
            sent,
            skipped,
            failed,
            in_doubt,
        } = tally;
        let args = args![batch.bytes(), letters.len() as i64, sent, skipped, failed, in_doubt];
        tx.exec_one(GIVE_UP, args)?;
        reopen(tx, *run)?;
    }
    Ok(batches.len())
}

sql!(
    EXPIRE_HELD,
    "UPDATE batches SET state = 'done', failed = failed + letters - sent - skipped - failed - in_doubt
                   WHERE state = 'held' AND expires_at <= $1"
);

/// Gives up held batches whose time to live ended.
pub fn expire_held(tx: &mut WriteTx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.exec(EXPIRE_HELD, args![now.as_millisecond()])
}

sql!(
    REOPEN,
    "UPDATE batches SET state = 'ready', held_reason = NULL, sent = 0, skipped = 0, failed = 0, in_doubt = 0
              WHERE tenant_id = $1 AND state = 'held'"
);

/// Puts a tenant's held batches back into the outbox after a person mended their cause; they go on where they stopped.
pub fn reopen_held(tx: &mut WriteTx<'_>, scope: Scope) -> Result<u64, StoreError> {
    tx.exec(REOPEN, args![scope.bytes()])
}

sql!(
    ABANDON,
    "UPDATE batches SET state = 'done', failed = letters - sent - skipped - in_doubt WHERE state IN ('ready', 'claimed', 'held')"
);

/// Gives up everything that waits, after a backup was restored: its original sent it, or it is too late.
pub fn abandon_all(tx: &mut WriteTx<'_>) -> Result<u64, StoreError> {
    tx.exec(ABANDON, args![])
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

sql!(OF_SUBSCRIPTION, "SELECT d.slot, d.day_on, d.cohort_id, d.outcome, d.detail, b.state, d.number, b.finished, b.reached, b.attempt, b.not_before_at
                       FROM deliveries d JOIN batches b ON b.id = d.batch_id
                       WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.day_on = $3 ORDER BY d.slot LIMIT $4");

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

sql!(SLOT_DAY, "SELECT d.slot, d.day_on, d.cohort_id, d.outcome, d.detail, b.state, d.number, b.finished, b.reached, b.attempt, b.not_before_at
                FROM deliveries d JOIN batches b ON b.id = d.batch_id
                WHERE d.tenant_id = $1 AND d.subscription_id = $2 AND d.slot = $3");

/// What the ledger holds for one slot.
pub fn of_slot(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscription: SubscriptionId,
    slot: &str,
) -> Result<Option<Delivery>, StoreError> {
    tx.one(SLOT_DAY, args![scope.bytes(), subscription.bytes(), slot], delivery)
}

sql!(ALL_OF_SUBSCRIPTION, "SELECT d.slot, d.day_on, d.cohort_id, d.outcome, d.detail, b.state, d.number, b.finished, b.reached, b.attempt, b.not_before_at
                           FROM deliveries d JOIN batches b ON b.id = d.batch_id
                           WHERE d.tenant_id = $1 AND d.subscription_id = $2 ORDER BY d.slot LIMIT $3");

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

const CARRIED: Bulk = Bulk {
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
    let mut values = Vec::with_capacity(had.len() * CARRIED.columns.len());
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
    tx.bulk(&CARRIED, &values)
}

sql!(
    DOUBTS,
    "SELECT DISTINCT d.subscriber_id, d.slot, d.detail FROM deliveries d JOIN batches b ON b.id = d.batch_id AND b.tenant_id = d.tenant_id
              WHERE b.run_id = $1 AND d.outcome = 'unknown' ORDER BY d.slot, d.subscriber_id LIMIT $2"
);

/// The letters of a run that were sent or not, nobody can know: for a person to see.
pub fn doubts(tx: &mut ReadTx<'_>, run: RunId) -> Result<Vec<(SubscriberId, String, String)>, StoreError> {
    tx.all(DOUBTS, args![run.bytes(), DOUBTS_MAX], |row| {
        let detail = row.text_opt(2)?.unwrap_or_default().to_owned();
        Ok((row.id(0, SubscriberId::from_bytes)?, row.text(1)?.to_owned(), detail))
    })
}
