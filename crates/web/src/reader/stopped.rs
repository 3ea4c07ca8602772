//! 止めました: thanks, and where to turn. No congratulation, no survey, no way back offered.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Desks, Frame, desks};
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
    let shown = blocking(&site, move |site| {
        Ok(StoppedPage {
            frame: Frame::new(&tenant, language),
            desks: Desks {
                desks: desks(site, &tenant)?,
            },
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
