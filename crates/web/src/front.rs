//! The root: on to the first tenant's today where staff pages are open, else a few words about what this is.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_store::tenants;

use crate::StaffPages;
use crate::error::{PageError, page};
use crate::guard::{Shared, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage {
    lang: &'static str,
    english: bool,
    /// True where staff could look but no tenant is set up.
    empty: bool,
}

/// Shows the way in.
pub(crate) async fn get(State(site): State<Shared>, language: Language) -> Result<Response, PageError> {
    let open = site.staff_pages == StaffPages::Open;
    if open {
        let first = blocking(&site, |site| Ok(site.env.db.read(tenants::all)?.into_iter().next())).await?;
        if let Some(first) = first {
            return Ok(Redirect::temporary(&format!("/{}/today", first.code)).into_response());
        }
    }
    let front = FrontPage {
        lang: language.tag(),
        english: language == Language::En,
        empty: open,
    };
    page(StatusCode::OK, &front)
}
