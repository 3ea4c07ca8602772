//! 止めました: thanks, and where to turn. No congratulation, no survey, no way back offered.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame, desks};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/stopped.html")]
struct StoppedPage {
    frame: Frame,
    desks: Desks,
}

/// Says that it is done.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &tenant, language)).await
}

/// The page itself, also for whoever opens an old link after a stop.
pub(super) fn show(site: &Site, tenant: &Tenant, language: Language) -> Result<Response, PageError> {
    let shown = StoppedPage {
        frame: Frame::new(tenant, language),
        desks: Desks {
            desks: desks(site, tenant)?,
        },
    };
    page(StatusCode::OK, &shown)
}
