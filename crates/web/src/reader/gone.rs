//! The page behind a stop link that is broken, forged or another town's: nothing happened, and how to stop instead.

use askama::Template;
use axum::http::StatusCode;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame, desks};
use crate::Site;
use crate::error::{PageError, page};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/gone.html")]
struct GonePage {
    frame: Frame,
    desks: Desks,
    has_desks: bool,
}

/// A gentle 404 as the rejection of a guard.
pub(crate) fn answer(site: &Site, tenant: Option<&Tenant>, language: Language) -> Result<PageError, PageError> {
    let desks = match tenant {
        Some(tenant) => desks(site, tenant, language)?,
        None => Vec::new(),
    };
    let shown = GonePage {
        frame: tenant.map_or_else(|| Frame::of_no_town(language), |tenant| Frame::new(tenant, language)),
        has_desks: !desks.is_empty(),
        desks: Desks { desks },
    };
    Ok(PageError::Answer(Box::new(page(StatusCode::NOT_FOUND, &shown)?)))
}
