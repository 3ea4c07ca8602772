//! Places whose short links lead to a tenant's registration, and how many registered through each.

use jiff::Timestamp;
use kizuna_domain::place::PlaceCode;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// Places one tenant may have: every clinic, counter and poster of a large city.
pub const PLACES_MAX: i64 = 200;

/// A place as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The code in its link.
    pub code: PlaceCode,
    /// Name for staff.
    pub name: String,
    /// Registrations that came through it.
    pub registrations: i64,
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        code: row.code(0, |code| code.parse().ok())?,
        name: row.text(1)?.to_owned(),
        registrations: row.int(2)?,
    })
}

sql!(
    ADD,
    "INSERT INTO places (code, tenant_id, name, registrations, added_at) VALUES ($1, $2, $3, 0, $4)
     ON CONFLICT (code) DO NOTHING"
);

/// Adds a place; false where its code is another place's, whosever that is.
pub fn add(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    code: PlaceCode,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let code = code.to_string();
    Ok(tx.exec(ADD, args![&code, scope.bytes(), name, now.as_millisecond()])? == 1)
}

sql!(
    OF_TENANT,
    "SELECT code, name, registrations FROM places WHERE tenant_id = $1 ORDER BY added_at, code LIMIT $2"
);

/// The places of a tenant, the oldest first.
pub fn of_tenant(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Vec<Place>, StoreError> {
    tx.all(OF_TENANT, args![scope.bytes(), PLACES_MAX], place)
}

sql!(
    TOWN,
    "SELECT t.code FROM places p JOIN tenants t ON t.id = p.tenant_id WHERE p.code = $1"
);

/// The code of the tenant whose place this is.
pub fn town(tx: &mut ReadTx<'_>, code: PlaceCode) -> Result<Option<String>, StoreError> {
    tx.one(TOWN, args![&code.to_string()], |row| Ok(row.text(0)?.to_owned()))
}

sql!(RENAME, "UPDATE places SET name = $3 WHERE tenant_id = $1 AND code = $2");

/// Gives a place another name; false where the tenant has no such place.
pub fn rename(tx: &mut WriteTx<'_>, scope: Scope, code: PlaceCode, name: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(RENAME, args![scope.bytes(), &code.to_string(), name])? == 1)
}

sql!(
    COUNT,
    "UPDATE places SET registrations = registrations + 1 WHERE tenant_id = $1 AND code = $2"
);

/// Counts a registration through a place; a code of nobody, or of another tenant, counts nowhere.
pub fn count(tx: &mut WriteTx<'_>, scope: Scope, code: PlaceCode) -> Result<(), StoreError> {
    tx.exec(COUNT, args![scope.bytes(), &code.to_string()]).map(|_| ())
}
