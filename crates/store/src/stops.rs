//! Stops on their way into the file outside the database, which a restored backup is told of.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, SubscriptionId, TenantId};

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// A stop: a random number that nothing is sent for any more, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Whose subscription it was.
    pub tenant: TenantId,
    /// The number.
    pub subscription: SubscriptionId,
    /// When it was stopped.
    pub at: Timestamp,
}

sql!(
    NOTE,
    "INSERT INTO stops (subscription_id, tenant_id, at)
     SELECT id, tenant_id, $3 FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2 AND state = 'ended'
     ON CONFLICT (subscription_id) DO NOTHING"
);

/// Notes everything that has ended for a reader, however that came: none of it may begin again by a backup.
pub fn note(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId, at: Timestamp) -> Result<(), StoreError> {
    tx.exec(NOTE, args![scope.bytes(), reader.bytes(), at.as_millisecond()])
        .map(|_| ())
}

sql!(
    UNNOTED,
    "SELECT tenant_id, subscription_id, at FROM stops ORDER BY subscription_id LIMIT $1"
);

/// Stops that are not on record outside the database yet.
pub fn unnoted(tx: &mut ReadTx<'_>, limit: usize) -> Result<Vec<Stop>, StoreError> {
    tx.all(UNNOTED, args![limit as i64], |row| {
        Ok(Stop {
            tenant: row.id(0, TenantId::from_bytes)?,
            subscription: row.id(1, SubscriptionId::from_bytes)?,
            at: row.instant(2)?,
        })
    })
}

sql!(NOTED, "DELETE FROM stops WHERE tenant_id = $1 AND subscription_id = $2");

/// Forgets a stop that is on record outside.
pub fn noted(tx: &mut WriteTx<'_>, stop: &Stop) -> Result<(), StoreError> {
    tx.exec(NOTED, args![stop.tenant.bytes(), stop.subscription.bytes()])
        .map(|_| ())
}
