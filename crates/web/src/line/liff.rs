//! The page that LINE opens inside itself (LIFF). It is the one page with a script: LINE's, and a few lines of ours.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kizuna_engine::line::login::{self, Came};
use serde::Deserialize;

use super::login::{OWN_PAGE, answer};
use crate::error::{PageError, Policy, page};
use crate::guard::{Shared, Town, blocking, is_from_here};
use crate::language::Language;
use crate::reader::{Frame, OwnWords};

/// LINE's script, what it asks of LINE, and our own lines; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self' https://static.line-scdn.net; connect-src https://api.line.me https://liffsdk.line-scdn.net; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "line/liff.html")]
struct LiffPage {
    frame: Frame,
    words: &'static OwnWords,
    code: String,
    liff: String,
}

/// Loads LINE's script; without it the button leads the other way.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let liff = login::liff_id(&site.env, &tenant)?.ok_or(PageError::NotFound)?;
        Ok(LiffPage {
            frame: Frame::new(&tenant, language),
            words: OwnWords::of(language),
            code: tenant.code,
            liff,
        })
    })
    .await?;
    let mut response = page(StatusCode::OK, &shown)?;
    response.extensions_mut().insert(Policy(POLICY));
    Ok(response)
}

/// LINE's proof of who is here.
#[derive(Deserialize)]
pub(crate) struct Proof {
    id_token: String,
}

/// Takes the proof; nobody can send somebody else's browser here with a proof of their own.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    headers: HeaderMap,
    Form(proof): Form<Proof>,
) -> Result<Response, PageError> {
    let is_own = is_from_here(&headers, &tenant.settings.base_url);
    blocking(&site, move |site| {
        let came = if is_own {
            login::of_liff(&site.env, &tenant, &proof.id_token)?
        } else {
            Came::Refused
        };
        answer(site, &tenant, language, came, OWN_PAGE, None)
    })
    .await
}
