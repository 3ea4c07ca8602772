//! The root: staff go on to their tenant, everybody else reads a few words about what this is.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::error::{PageError, page};
use crate::guard::{Door, Place, Shared, Visitor, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "front.html")]
struct FrontPage {
    lang: &'static str,
    english: bool,
    /// True for somebody who is signed in and has no tenant to go to.
    empty: bool,
}

#[derive(Template)]
#[template(path = "staff/places.html")]
struct PlacesPage {
    places: Vec<Place>,
}

/// Shows the way in.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Door { client, cookies }: Door,
) -> Result<Response, PageError> {
    let is_demo = site.demo().is_some();
    let places = blocking(&site, move |site| match Visitor::of(site, &client, &cookies)? {
        Visitor::Myself(myself) => Ok(Some(site.env.db.read(|tx| myself.places(tx))?)),
        Visitor::Nobody | Visitor::Late(_) => Ok(None),
    })
    .await?;
    match places.as_deref() {
        Some([(code, _)]) => {
            let first = if is_demo { "demo" } else { "today" };
            Ok(Redirect::temporary(&format!("/{code}/{first}")).into_response())
        }
        Some([]) | None => {
            let front = FrontPage {
                lang: language.tag(),
                english: language == Language::En,
                empty: places.is_some(),
            };
            page(StatusCode::OK, &front)
        }
        Some(_) => {
            let places = places.unwrap_or_default();
            page(StatusCode::OK, &PlacesPage { places })
        }
    }
}
