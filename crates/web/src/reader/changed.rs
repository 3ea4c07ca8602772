//! What a reader has just changed, said once on a page without a ticket.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{Desks, Frame, OwnWords, desks};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/changed.html")]
struct ChangedPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    desks: Desks,
}

/// Says that it is done.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, what)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let words = OwnWords::of(language);
    let (title, text) = match what.as_str() {
        "date" => words.changed_date,
        "pause" => words.changed_pause,
        "resume" => words.changed_resume,
        "birth" => words.changed_birth,
        _ => return Err(PageError::NotFound),
    };
    let shown = blocking(&site, move |site| {
        Ok(ChangedPage {
            frame: Frame::new(&tenant, language),
            title,
            text,
            desks: Desks {
                desks: desks(site, &tenant)?,
            },
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
