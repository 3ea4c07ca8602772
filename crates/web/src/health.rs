//! Whether this process answers and reaches its database, for a supervisor.

use axum::extract::State;
use kizuna_store::tenants;

use crate::error::PageError;
use crate::guard::{Shared, blocking};

/// `ok`, or a failure page where the database does not answer.
pub(crate) async fn get(State(site): State<Shared>) -> Result<&'static str, PageError> {
    blocking(&site, |site| Ok(site.env.db.read(|tx| tenants::by_code(tx, ""))?)).await?;
    Ok("ok\n")
}
