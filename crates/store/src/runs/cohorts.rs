//! What messages say, frozen and sealed.

use kizuna_domain::ids::{CohortId, SubscriberId};
use kizuna_domain::message::Draft;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

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
