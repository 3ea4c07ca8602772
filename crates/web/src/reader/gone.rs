//! The page behind a stop link that is broken, forged or another town's: nothing happened, and how to stop instead.

use askama::Template;
use axum::http::StatusCode;
use kizuna_store::tenants::Tenant;

use super::words::Words;
use super::{Desks, desks, others};
use crate::Site;
use crate::error::{PageError, page};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/gone.html")]
struct GonePage {
    words: &'static Words,
    others: Vec<Language>,
    town: String,
    desks: Desks,
    has_desks: bool,
}

/// A gentle 404 as the rejection of a guard.
pub(crate) fn answer(site: &Site, tenant: Option<&Tenant>, language: Language) -> Result<PageError, PageError> {
    let desks = match tenant {
        Some(tenant) => desks(site, tenant)?,
        None => Vec::new(),
    };
    let shown = GonePage {
        words: Words::of(language),
        others: others(language),
        town: tenant.map(|tenant| tenant.name.clone()).unwrap_or_default(),
        has_desks: !desks.is_empty(),
        desks: Desks { desks },
    };
    Ok(PageError::Answer(Box::new(page(StatusCode::NOT_FOUND, &shown)?)))
}
