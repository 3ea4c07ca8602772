//! LINE Login: out to LINE, and back with a proof, into the page that registers.

use axum::extract::{Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::menu::Intent;
use kizuna_domain::place::PlaceCode;
use kizuna_engine::line::login::{self, Came};
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use crate::error::PageError;
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;
use crate::reader::{self, Closed};

/// Name of the cookie that lasts from going out to coming back.
const NAME: &str = "kizuna_line";
/// End of the cookie of somebody who wants to tell of a birth.
const BIRTH: &str = "~birth";

/// What somebody pressed before they came, as a menu's button says it.
#[derive(Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    to: String,
    /// Code of the place whose link led here.
    #[serde(default)]
    p: String,
}

/// Sends somebody to LINE.
pub(crate) async fn enter(
    State(site): State<Shared>,
    Town { tenant }: Town,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let (tenant, door, wish) = blocking(&site, move |site| {
        let door = login::enter(&site.env, &tenant, wish.p.parse().ok())?;
        Ok((tenant, door, wish.to))
    })
    .await?;
    let door = door.ok_or(PageError::NotFound)?;
    let mut response = Redirect::to(&door.url).into_response();
    // It chooses a page and proves nothing, so it travels beside the signed part.
    let birth = if wish == Intent::Birth.code() { BIRTH } else { "" };
    let cookie = format!("{}{birth}", door.cookie);
    set_cookie(&mut response, &tenant, &cookie, login::PATIENCE.as_secs())?;
    Ok(response)
}

/// What LINE adds to the address on the way back.
#[derive(Deserialize)]
pub(crate) struct Return {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// Takes in somebody who comes back from LINE.
pub(crate) async fn callback(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Query(back): Query<Return>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let cookie = cookie(&headers).unwrap_or_default();
    blocking(&site, move |site| {
        let (signed, page) = match cookie.strip_suffix(BIRTH) {
            Some(signed) => (signed, "birth"),
            None => (cookie.as_str(), "settings"),
        };
        let came = login::come_back(&site.env, &tenant, signed, &back.state, &back.code)?;
        let place = login::place_of(&back.state);
        let mut response = answer(site, &tenant, language, came, page, place)?;
        set_cookie(&mut response, &tenant, "", 0)?;
        Ok(response)
    })
    .await
}

/// On to the registration, to the reader's own `page`, or to one that says how else.
pub(super) fn answer(
    site: &crate::Site,
    tenant: &Tenant,
    language: Language,
    came: Came,
    page: &str,
    place: Option<PlaceCode>,
) -> Result<Response, PageError> {
    let query = language.query();
    let on = |page: &str, token: &str, behind: String| {
        let address = format!("/{}/{page}/{token}{query}{behind}", tenant.code);
        Ok(Redirect::to(&address).into_response())
    };
    let sign = if query.is_empty() { '?' } else { '&' };
    let behind = place.map(|place| format!("{sign}p={place}")).unwrap_or_default();
    match came {
        Came::New(token) => on("register/line", &token, behind),
        Came::Known(token) => on(page, &token, String::new()),
        Came::Refused => reader::closed(site, tenant, language, Closed::Unproved),
        Came::Unreachable => reader::closed(site, tenant, language, Closed::LineIsDown),
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned())
}

fn set_cookie(response: &mut Response, tenant: &Tenant, value: &str, seconds: i64) -> Result<(), PageError> {
    let secure = if tenant.settings.base_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{NAME}={value}; Path=/{}/line; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        tenant.code
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| PageError::Broken(std::sync::Arc::new(error)))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(())
}
