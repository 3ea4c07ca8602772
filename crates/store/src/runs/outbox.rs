//! The outbox: batches that wait, are carried under a lease, and end.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, BatchId, CohortId, PointId, RunId, SubscriberId, TenantId};
use kizuna_domain::people::{PointState, SkipReason, SubscriptionState};

use super::{ROWS_PER_LETTER_MAX, UNKNOWN, given_up, instant, mark, marked, reopen};
use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::people;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

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
    /// How often this reader's links were made anew.
    pub link_generation: i64,
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
    "SELECT d.number, d.subscriber_id, d.point_id, p.address, d.cohort_id, d.day_on, d.outcome, p.state, s.state,
                      r.link_generation
               FROM deliveries d
               LEFT JOIN subscribers r ON r.id = d.subscriber_id
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
            // Whoever was erased has no row: nothing of theirs leaves either.
            link_generation: row.int_opt(9)?.unwrap_or_default(),
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

sql!(PROGRESS, "SELECT finished, reached FROM batches WHERE id = $1");

/// How many letters of a batch are settled, and up to which they may have left.
pub fn progress(tx: &mut ReadTx<'_>, batch: BatchId) -> Result<(i64, i64), StoreError> {
    let found = tx.one(PROGRESS, args![batch.bytes()], |row| Ok((row.int(0)?, row.int(1)?)))?;
    Ok(found.unwrap_or_default())
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
