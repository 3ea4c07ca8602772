//! Who did what, when: one entry for every action. Never names, addresses or words of messages.

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::WriteTx;
use crate::error::StoreError;
use crate::scope::Scope;
use crate::{args, sql};

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Identifier, which also sorts.
    pub id: Uuid,
    /// Whose data; none for the installation.
    pub scope: Option<Scope>,
    /// When.
    pub at: Timestamp,
    /// Who: `cli`, `reader`, a staff id.
    pub actor: &'a str,
    /// What: `content.import`, `reader.stop`.
    pub action: &'a str,
    /// On what: an identifier or a code.
    pub subject: &'a str,
    /// Numbers and codes worth knowing.
    pub detail: &'a str,
}

sql!(
    ADD,
    "INSERT INTO audit (id, tenant_id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

/// Writes an entry, in the transaction of the action itself.
pub fn write(tx: &mut WriteTx<'_>, entry: &Entry<'_>) -> Result<(), StoreError> {
    let tenant = entry.scope.map(|scope| scope.tenant());
    let tenant = tenant.as_ref().map(kizuna_domain::ids::TenantId::bytes);
    let args = args![
        entry.id.as_bytes(),
        tenant,
        entry.at.as_millisecond(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail
    ];
    tx.exec(ADD, args).map(|_| ())
}

sql!(
    LATEST,
    "SELECT action, subject, detail FROM audit WHERE tenant_id = $1 ORDER BY at DESC, id DESC LIMIT $2"
);

/// The latest entries of a tenant as (action, subject, detail), newest first.
pub fn latest(
    tx: &mut crate::db::ReadTx<'_>,
    scope: Scope,
    limit: i64,
) -> Result<Vec<(String, String, String)>, StoreError> {
    tx.all(LATEST, args![scope.bytes(), limit], |row| {
        Ok((
            row.text(0)?.to_owned(),
            row.text(1)?.to_owned(),
            row.text(2)?.to_owned(),
        ))
    })
}
