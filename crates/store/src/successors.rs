//! Who goes on as whom: readers who moved to another town, and readers whose address another registration took over.
//!
//! What is asked for is one step away: whoever goes on once more does so for all who went before them. There is no chain
//! to walk and no circle to be caught in.

use kizuna_domain::ids::{SubscriberId, TenantId};

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// Readers who went before one reader, or came after them: more than anybody moves. Of more, the newest count.
pub const STEPS_MAX: i64 = 64;

/// A reader of some town.
pub type Person = (TenantId, SubscriberId);

fn person(row: &Row<'_>) -> Result<Person, StoreError> {
    Ok((row.id(0, TenantId::from_bytes)?, row.id(1, SubscriberId::from_bytes)?))
}

sql!(
    ADD,
    "INSERT INTO successors (tenant_id, subscriber_id, to_tenant_id, to_subscriber_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, subscriber_id, to_tenant_id, to_subscriber_id) DO NOTHING"
);

/// Notes that a reader goes on as another one, and so does everybody who went on as them before.
pub fn add(
    tx: &mut WriteTx<'_>,
    (from, reader): (Scope, SubscriberId),
    (to, successor): (Scope, SubscriberId),
) -> Result<(), StoreError> {
    let mut before = predecessors(tx, from, reader)?;
    before.push((from.tenant(), reader));
    // Whoever comes back is no successor of themselves.
    before.retain(|known| *known != (to.tenant(), successor));
    for (tenant, reader) in before {
        let args = args![tenant.bytes(), reader.bytes(), to.bytes(), successor.bytes()];
        tx.exec(ADD, args)?;
    }
    Ok(())
}

sql!(
    SUCCESSORS,
    "SELECT to_tenant_id, to_subscriber_id FROM successors WHERE tenant_id = $1 AND subscriber_id = $2
     ORDER BY to_subscriber_id DESC LIMIT $3"
);

/// As whom a reader went on, in every town.
pub fn successors(tx: &mut ReadTx<'_>, scope: Scope, reader: SubscriberId) -> Result<Vec<Person>, StoreError> {
    tx.all(SUCCESSORS, args![scope.bytes(), reader.bytes(), STEPS_MAX], person)
}

sql!(
    PREDECESSORS,
    "SELECT tenant_id, subscriber_id FROM successors WHERE to_tenant_id = $1 AND to_subscriber_id = $2
     ORDER BY subscriber_id DESC LIMIT $3"
);

/// Who went on as a reader, in every town.
pub fn predecessors(tx: &mut ReadTx<'_>, scope: Scope, reader: SubscriberId) -> Result<Vec<Person>, StoreError> {
    tx.all(PREDECESSORS, args![scope.bytes(), reader.bytes(), STEPS_MAX], person)
}

sql!(
    FORGET_SUCCESSORS,
    "DELETE FROM successors WHERE tenant_id = $1 AND subscriber_id = $2"
);

/// Forgets as whom a reader went on.
pub fn forget_successors(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<(), StoreError> {
    tx.exec(FORGET_SUCCESSORS, args![scope.bytes(), reader.bytes()])
        .map(|_| ())
}

sql!(
    FORGET_PREDECESSORS,
    "DELETE FROM successors WHERE to_tenant_id = $1 AND to_subscriber_id = $2"
);

/// Forgets who went on as a reader.
pub(crate) fn forget_predecessors(tx: &mut WriteTx<'_>, scope: Scope, reader: SubscriberId) -> Result<(), StoreError> {
    tx.exec(FORGET_PREDECESSORS, args![scope.bytes(), reader.bytes()])
        .map(|_| ())
}
