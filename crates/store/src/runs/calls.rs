//! Requests to providers, kept on record.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{BatchId, SubscriptionId};

use super::instant;
use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

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
