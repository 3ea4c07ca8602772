//! Guards: a handler reaches a tenant's data only with the value that a guard made.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::Actor;
use kizuna_engine::links;
use kizuna_store::tenants::{self, Tenant};

use crate::Site;
use crate::error::PageError;
use crate::language::Language;
use crate::reader::gone;

/// What every handler holds.
pub(crate) type Shared = Arc<Site>;

/// Does blocking work (the database, files) on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    site: &Shared,
    work: impl FnOnce(&Site) -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let site = Arc::clone(site);
    tokio::task::spawn_blocking(move || work(&site)).await?
}

async fn path_words(parts: &mut Parts) -> Result<HashMap<String, String>, PageError> {
    let words = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await;
    words.map(|Path(words)| words).map_err(|_| PageError::NotFound)
}

fn tenant(site: &Site, code: &str) -> Result<Tenant, PageError> {
    site.env
        .db
        .read(|tx| tenants::by_code(tx, code))?
        .ok_or(PageError::NotFound)
}

/// A page for a tenant's staff; such pages exist only where [`crate::StaffPages::Open`] put them into the router.
pub(crate) struct Office {
    pub(crate) tenant: Tenant,
    /// Other tenants of this installation, to go over to.
    pub(crate) neighbours: Vec<(String, String)>,
    /// True where an account writes letters into a folder.
    pub(crate) has_mailbox: bool,
}

impl Office {
    /// Who acts, as the audit names them: these pages open only where nobody signs in.
    #[expect(clippy::unused_self, reason = "who is in the office, once people sign in")]
    pub(crate) fn actor(&self) -> Actor {
        Actor::System
    }
}

/// Neighbours shown at most; whoever has more knows their addresses.
const NEIGHBOURS_MAX: usize = 12;

impl FromRequestParts<Shared> for Office {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Office, PageError> {
        let mut words = path_words(parts).await?;
        let code = words.remove("tenant").ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            let tenant = tenant(site, &code)?;
            let others = site.env.db.read(tenants::all)?;
            let neighbours = others
                .into_iter()
                .filter(|other| other.id != tenant.id)
                .take(NEIGHBOURS_MAX);
            let neighbours = neighbours.map(|other| (other.code, other.name)).collect();
            let has_mailbox = crate::office::mailbox::folder(site, &tenant)?.is_some();
            Ok(Office {
                tenant,
                neighbours,
                has_mailbox,
            })
        })
        .await
    }
}

/// A reader who holds a stop link: the token itself is the permission.
pub(crate) struct Reader {
    pub(crate) tenant: Tenant,
    pub(crate) subscriber: SubscriberId,
    pub(crate) token: String,
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Reader, PageError> {
        let language = Language::of(parts);
        let mut words = path_words(parts).await?;
        let (code, token) = words
            .remove("tenant")
            .zip(words.remove("token"))
            .ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            let tenant = site.env.db.read(|tx| tenants::by_code(tx, &code))?;
            let found = tenant
                .as_ref()
                .and_then(|tenant| links::read_stop_token(&site.env.keys, tenant.id, &token));
            match (tenant, found) {
                (Some(tenant), Some(subscriber)) => Ok(Reader {
                    tenant,
                    subscriber,
                    token,
                }),
                (tenant, _) => Err(gone::answer(site, tenant.as_ref(), language)?),
            }
        })
        .await
    }
}

/// The public side of a tenant.
pub(crate) struct Town {
    pub(crate) tenant: Tenant,
}

impl FromRequestParts<Shared> for Town {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Town, PageError> {
        let mut words = path_words(parts).await?;
        let code = words.remove("tenant").ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            Ok(Town {
                tenant: tenant(site, &code)?,
            })
        })
        .await
    }
}
