//! What became of a run, counted for people.

use kizuna_domain::ids::{RunId, SubscriberId};

use super::Tally;
use crate::db::ReadTx;
use crate::error::StoreError;
use crate::{args, sql};

/// Batches a run may have that a report reads one by one.
const DOUBTS_MAX: i64 = 10_000;

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
