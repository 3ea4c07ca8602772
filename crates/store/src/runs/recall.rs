//! Letters taken out of batches before they leave: after a stop, a pause, a changed date, hour or address.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{BatchId, PointId, RunId, SubscriptionId};
use kizuna_domain::people::SkipReason;

use super::{instant, mark};
use crate::db::WriteTx;
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

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
/// ([`reroute`](super::reroute)); whoever holds their batches is told before the next letter.
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
