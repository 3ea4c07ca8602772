//! Erasing a reader: every row about them in every table, and the few marks that are left on purpose.
//!
//! Who learns a new table about readers adds it to [`ERASED`] with a statement here, or to [`KEPT`] with its reason.

use jiff::Timestamp;
use kizuna_domain::ids::{SubscriberId, SubscriptionId, TenantId};
use kizuna_domain::retention::Parting;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, mails, people, sql, successors, tickets};

/// Columns by which a row is about a reader and that [`reader`] or [`sweep_ledger`] clear.
pub const ERASED: &[&str] = &[
    "subscribers.id",
    "subscriptions.subscriber_id",
    "contact_points.subscriber_id",
    "contact_points.address_index",
    "consents.subscriber_id",
    "deliveries.subscription_id",
    "deliveries.subscriber_id",
    "deliveries.point_id",
    "menu_links.point_id",
    "line_users.user_index",
    "named_cohorts.subscriber_id",
    "tickets.subject",
    "tickets.subject_index",
    "point_troubles.point_id",
    "invites.subscriber_id",
    "moves.subscriber_id",
    "transactional_mails.address",
    "transactional_mails.address_index",
    "transactional_mails.subscriber_id",
    "successors.to_subscriber_id",
];

/// Columns of that kind that stay, and why they may.
pub const KEPT: &[(&str, &str)] = &[
    ("subscribers.point_id", "goes with the row of the reader"),
    (
        "successors.subscriber_id",
        "so that a stop by an old message still stops where its reader went; it goes with the reader there",
    ),
    (
        "stops.subscription_id",
        "until the file outside the database names the stop",
    ),
    (
        "erasures.subscriber_id",
        "until the file outside the database names the erasure",
    ),
    (
        "ledger_remains.subscription_id",
        "until the ledger has no row of it any more",
    ),
    (
        "former_addresses.address_index",
        "so that no list brings back who stopped; the address cannot be read from it",
    ),
    (
        "suppressions.address_index",
        "so that an address that refuses us is not written to; it cannot be read from it",
    ),
    ("invites.subscription_id", "goes with the row of whoever invited"),
    (
        "audit.subject",
        "a random number that leads to nobody any more; the record is a chain and cannot be cut",
    ),
];

sql!(
    UNTIMED,
    "SELECT r.id,
       EXISTS (SELECT 1 FROM subscriptions s WHERE s.tenant_id = $1 AND s.subscriber_id = r.id AND s.end_reason = 'completed')
       AND EXISTS (SELECT 1 FROM consents c WHERE c.tenant_id = $1 AND c.subscriber_id = r.id AND c.withdrawn_at IS NULL)
     FROM subscribers r WHERE r.tenant_id = $1 AND r.erase_after_at = 0 ORDER BY r.id LIMIT $2"
);

/// Readers who follow nothing any more and have no timer yet, and how they parted.
pub fn untimed(tx: &mut ReadTx<'_>, scope: Scope, limit: usize) -> Result<Vec<(SubscriberId, Parting)>, StoreError> {
    tx.all(UNTIMED, args![scope.bytes(), limit as i64], |row| {
        let parting = match row.int(1)? {
            0 => Parting::Stopped,
            _ => Parting::Completed,
        };
        Ok((row.id(0, SubscriberId::from_bytes)?, parting))
    })
}

sql!(
    SET_TIMER,
    "UPDATE subscribers SET erase_after_at = $3 WHERE tenant_id = $1 AND id = $2 AND erase_after_at = 0"
);

/// Writes when a reader is erased; does nothing where they follow something again.
pub fn set_timer(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId, at: Timestamp) -> Result<(), StoreError> {
    let args = args![scope.bytes(), reader.bytes(), at.as_millisecond()];
    tx.exec(SET_TIMER, args).map(|_| ())
}

sql!(
    TIME_ANEW,
    "UPDATE subscribers SET erase_after_at = 0 WHERE tenant_id = $1 AND id = $2 AND erase_after_at IS NOT NULL"
);

/// Lets the timer of a reader be worked out anew, because they parted in another way meanwhile.
pub fn time_anew(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<(), StoreError> {
    tx.exec(TIME_ANEW, args![scope.bytes(), reader.bytes()]).map(|_| ())
}

sql!(
    DUE,
    "SELECT id, erase_after_at FROM subscribers WHERE tenant_id = $1 AND erase_after_at > 0 AND erase_after_at <= $2
       AND (erase_after_at, id) > ($3, $4) ORDER BY erase_after_at, id LIMIT $5"
);

/// A page of the readers whose time is over, each with when it was over; the next page begins after the last of it.
pub fn due(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    now: Timestamp,
    after: Option<(SubscriberId, Timestamp)>,
    limit: usize,
) -> Result<Vec<(SubscriberId, Timestamp)>, StoreError> {
    let (since, first) = match &after {
        Some((reader, since)) => (since.as_millisecond(), reader.bytes()),
        None => (0, &[0; 16]),
    };
    let args = args![scope.bytes(), now.as_millisecond(), since, first, limit as i64];
    tx.all(DUE, args, |row| {
        Ok((row.id(0, SubscriberId::from_bytes)?, row.instant(1)?))
    })
}

sql!(HOLD,
    pg: "SELECT erase_after_at, registered_at FROM subscribers WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
    lite: "SELECT erase_after_at, registered_at FROM subscribers WHERE tenant_id = $1 AND id = $2");

/// A reader who is held until the end of the transaction, so that nobody registers them meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When they are to be erased, where that is known.
    pub erase_after: Option<Timestamp>,
    /// When they registered.
    pub registered_at: Timestamp,
}

/// Holds a reader; `None` where there is no such reader any more.
pub fn hold(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<Option<Held>, StoreError> {
    let instant = |ms| Timestamp::from_millisecond(ms).ok();
    tx.one(HOLD, args![scope.bytes(), reader.bytes()], |row| {
        Ok(Held {
            erase_after: row.int_opt(0)?.filter(|ms| *ms > 0).and_then(instant),
            registered_at: row.instant(1)?,
        })
    })
}

sql!(
    REMEMBER_ADDRESSES,
    "INSERT INTO former_addresses (tenant_id, channel, address_index, since_at)
     SELECT tenant_id, channel, address_index, $3 FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
     ON CONFLICT (tenant_id, channel, address_index) DO NOTHING"
);
sql!(
    REMEMBER_LEDGER,
    "INSERT INTO ledger_remains (tenant_id, subscription_id, since_at)
     SELECT tenant_id, id, $3 FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2
     ON CONFLICT (tenant_id, subscription_id) DO NOTHING"
);
sql!(
    REMEMBER_ERASURE,
    "INSERT INTO erasures (subscriber_id, tenant_id, at) VALUES ($2, $1, $3) ON CONFLICT (subscriber_id) DO NOTHING"
);
sql!(
    SUBSCRIPTIONS,
    "SELECT id FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_MENU_LINKS,
    "DELETE FROM menu_links WHERE tenant_id = $1 AND point_id IN (
       SELECT id FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2)"
);
sql!(
    DELETE_TROUBLES,
    "DELETE FROM point_troubles WHERE tenant_id = $1 AND point_id IN (
       SELECT id FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2)"
);
sql!(
    DELETE_INVITES,
    "DELETE FROM invites WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_MOVES,
    "DELETE FROM moves WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_FRIENDSHIPS,
    "DELETE FROM line_users WHERE tenant_id = $1 AND user_index IN (
       SELECT address_index FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 AND channel = 'line')"
);
sql!(
    DELETE_COHORTS,
    "DELETE FROM cohorts WHERE tenant_id = $1 AND id IN (
       SELECT n.cohort_id FROM named_cohorts n WHERE n.tenant_id = $1 AND n.subscriber_id = $2 AND NOT EXISTS (
         SELECT 1 FROM named_cohorts o WHERE o.tenant_id = $1 AND o.cohort_id = n.cohort_id AND o.subscriber_id <> $2))"
);
sql!(
    DELETE_NAMES,
    "DELETE FROM named_cohorts WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_CONSENTS,
    "DELETE FROM consents WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_POINTS,
    "DELETE FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_SUBSCRIPTIONS,
    "DELETE FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    DELETE_READER,
    "DELETE FROM subscribers WHERE tenant_id = $1 AND id = $2"
);

/// Erases a reader who is held. Rows of the ledger that an open batch holds go when it is done ([`sweep_ledger`]).
///
/// After [`Parting::Stopped`] a blind index of the addresses stays, so that no list brings the reader back.
pub fn reader(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
    parting: Parting,
    now: Timestamp,
) -> Result<(), StoreError> {
    let own = args![scope.bytes(), reader.bytes()];
    let own_now = args![scope.bytes(), reader.bytes(), now.as_millisecond()];
    match parting {
        Parting::Stopped => tx.exec(REMEMBER_ADDRESSES, own_now)?,
        Parting::Completed => 0,
    };
    tickets::forget(tx, keys, scope, &reader.to_string())?;
    for address in people::addresses(tx, keys, scope, reader)? {
        tickets::forget(tx, keys, scope, &address)?;
        mails::withdraw(tx, keys, scope, &address)?;
    }
    mails::withdraw_wishes(tx, scope, reader)?;
    successors::forget_predecessors(tx, scope, reader)?;
    let subscriptions = tx.all(SUBSCRIPTIONS, own, |row| row.id(0, SubscriptionId::from_bytes))?;
    tx.exec(REMEMBER_LEDGER, own_now)?;
    tx.exec(REMEMBER_ERASURE, own_now)?;
    for statement in [
        DELETE_MENU_LINKS,
        DELETE_TROUBLES,
        DELETE_INVITES,
        DELETE_MOVES,
        DELETE_FRIENDSHIPS,
        DELETE_COHORTS,
        DELETE_NAMES,
        DELETE_CONSENTS,
        DELETE_POINTS,
        DELETE_SUBSCRIPTIONS,
        DELETE_READER,
    ] {
        tx.exec(statement, own)?;
    }
    for subscription in subscriptions {
        clear_ledger(tx, scope, subscription)?;
    }
    Ok(())
}

sql!(
    CLEAR_LEDGER,
    "DELETE FROM deliveries WHERE tenant_id = $1 AND subscription_id = $2 AND NOT EXISTS (
       SELECT 1 FROM batches b WHERE b.id = deliveries.batch_id AND b.state IN ('ready', 'claimed', 'held'))"
);

fn clear_ledger(tx: &mut WriteTx<'_>, scope: Scope, subscription: SubscriptionId) -> Result<(), StoreError> {
    tx.exec(CLEAR_LEDGER, args![scope.bytes(), subscription.bytes()])
        .map(|_| ())
}

sql!(
    REMAINS,
    "SELECT subscription_id, since_at FROM ledger_remains WHERE tenant_id = $1 AND subscription_id > $2
     ORDER BY subscription_id LIMIT $3"
);
sql!(
    FORGET_REMAINS,
    "DELETE FROM ledger_remains WHERE tenant_id = $1 AND subscription_id = $2 AND NOT EXISTS (
       SELECT 1 FROM deliveries d WHERE d.tenant_id = $1 AND d.subscription_id = $2)"
);

/// Clears a page of what is left in the ledger; gives where the next page begins.
///
/// A subscription is looked at again until nothing is left and it was erased before `settled`: a plan that was being
/// made at that moment may still have written of it.
pub fn sweep_ledger(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    after: Option<SubscriptionId>,
    settled: Timestamp,
    limit: usize,
) -> Result<Option<SubscriptionId>, StoreError> {
    let first = after.as_ref().map_or(&[0; 16], SubscriptionId::bytes);
    let page = tx.all(REMAINS, args![scope.bytes(), first, limit as i64], |row| {
        Ok((row.id(0, SubscriptionId::from_bytes)?, row.instant(1)?))
    })?;
    for (subscription, since) in &page {
        clear_ledger(tx, scope, *subscription)?;
        if *since < settled {
            tx.exec(FORGET_REMAINS, args![scope.bytes(), subscription.bytes()])?;
        }
    }
    Ok(page.last().filter(|_| page.len() == limit).map(|(last, _)| *last))
}

/// An erasure: a random number that led to a reader, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Whose reader it was.
    pub tenant: TenantId,
    /// The number.
    pub reader: SubscriberId,
    /// When they were erased.
    pub at: Timestamp,
}

sql!(
    UNNOTED,
    "SELECT tenant_id, subscriber_id, at FROM erasures ORDER BY subscriber_id LIMIT $1"
);

/// Erasures that are not on record outside the database yet.
pub fn unnoted(tx: &mut ReadTx<'_>, limit: usize) -> Result<Vec<Erasure>, StoreError> {
    tx.all(UNNOTED, args![limit as i64], |row| {
        Ok(Erasure {
            tenant: row.id(0, TenantId::from_bytes)?,
            reader: row.id(1, SubscriberId::from_bytes)?,
            at: row.instant(2)?,
        })
    })
}

sql!(
    NOTED,
    "DELETE FROM erasures WHERE tenant_id = $1 AND subscriber_id = $2"
);

/// Forgets an erasure that is on record outside.
pub fn noted(tx: &mut WriteTx<'_>, erasure: &Erasure) -> Result<(), StoreError> {
    tx.exec(NOTED, args![erasure.tenant.bytes(), erasure.reader.bytes()])
        .map(|_| ())
}

sql!(
    IS_FORMER,
    "SELECT 1 FROM former_addresses WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// True where somebody at this address stopped and was erased: only they themselves may begin again.
pub fn is_former(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<bool, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    Ok(tx
        .one(IS_FORMER, args![scope.bytes(), channel, &index], |row| row.int(0))?
        .is_some())
}

sql!(
    FORGET_FORMER,
    "DELETE FROM former_addresses WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// Forgets that somebody was erased at an address that is registered again.
pub(crate) fn forget_former(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    channel: &str,
    index: &[u8; 16],
) -> Result<(), StoreError> {
    tx.exec(FORGET_FORMER, args![scope.bytes(), channel, index]).map(|_| ())
}
