//! The page behind a stop link that is broken, forged or another town's: nothing happened, and how to stop instead.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame};
use crate::Site;
use crate::error::{PageError, page};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/gone.html")]
struct GonePage {
    frame: Frame,
    desks: Desks,
}

/// A gentle 404.
pub(crate) fn answer(site: &Site, tenant: Option<&Tenant>, language: Language) -> Result<Response, PageError> {
    let desks = match tenant {
        Some(tenant) => Desks::of(site, tenant, language)?,
        None => Desks::default(),
    };
    let shown = GonePage {
        frame: tenant.map_or_else(|| Frame::of_no_town(language), |tenant| Frame::new(tenant, language)),
        desks,
    };
    page(StatusCode::NOT_FOUND, &shown)
}
