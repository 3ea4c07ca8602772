//! LINE Login: out to LINE, and back with a proof, into the page that registers.

use axum::extract::{Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::menu::Intent;
use kizuna_domain::place::PlaceCode;
use kizuna_engine::line::errand::{self, Done};
use kizuna_engine::line::login::{self, Came, Proof};
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

/// The page of one's own to which somebody comes who wants nothing in particular.
pub(super) const OWN_PAGE: &str = "";

/// Name of the cookie with the ticket of an errand, from the press on the reader's page to the return from LINE.
pub(super) const ERRAND_COOKIE: &str = "kizuna_errand";
/// What the link to LINE wants for whoever holds such a cookie. It names no errand, so that it leads nobody else.
pub(super) const TO_ERRAND: &str = "errand";
/// Before the ticket of an errand in the cookie of the login.
const ERRAND: &str = "~errand.";
/// Characters of a ticket at most; longer ones are none of ours.
const TICKET_MAX: usize = 100;

/// What somebody pressed before they came: a menu's button, or a button of a page that needs LINE's proof.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    to: String,
    /// Code of the place whose link led here.
    p: String,
}

/// Sends somebody to LINE.
pub(crate) async fn enter(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let door = login::enter(&site.env, &tenant, wish.p.parse().ok())?.ok_or(PageError::NotFound)?;
        // A page that is chosen proves nothing, and a ticket proves itself: both travel beside the signed part.
        let behind = if wish.to == Intent::Birth.code() {
            BIRTH.to_owned()
        } else if wish.to == TO_ERRAND {
            match cookie(&headers, ERRAND_COOKIE).filter(|ticket| is_ticket(ticket)) {
                Some(ticket) => format!("{ERRAND}{ticket}"),
                None => return reader::closed(site, &tenant, language, Closed::Gone),
            }
        } else {
            String::new()
        };
        let mut response = Redirect::to(&door.url).into_response();
        let cookie = format!("{}{behind}", door.cookie);
        set_cookie(&mut response, &tenant, NAME, &cookie, login::PATIENCE.as_secs())?;
        Ok(response)
    })
    .await
}

fn is_ticket(text: &str) -> bool {
    let is_ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= TICKET_MAX && text.chars().all(is_ours)
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
    let cookie = cookie(&headers, NAME).unwrap_or_default();
    blocking(&site, move |site| {
        let (signed, page) = match cookie.strip_suffix(BIRTH) {
            Some(signed) => (signed, "birth"),
            None => (cookie.as_str(), OWN_PAGE),
        };
        let mut response = if let Some((signed, ticket)) = signed.split_once(ERRAND) {
            let mut response = run_errand(site, &tenant, language, (signed, &back), ticket)?;
            set_cookie(&mut response, &tenant, ERRAND_COOKIE, "", 0)?;
            response
        } else {
            let came = login::come_back(&site.env, &tenant, signed, &back.state, &back.code)?;
            answer(site, &tenant, language, came, page, login::place_of(&back.state))?
        };
        set_cookie(&mut response, &tenant, NAME, "", 0)?;
        Ok(response)
    })
    .await
}

/// Does what somebody went to LINE for, once LINE has proved them.
fn run_errand(
    site: &crate::Site,
    tenant: &Tenant,
    language: Language,
    (signed, back): (&str, &Return),
    ticket: &str,
) -> Result<Response, PageError> {
    let user = match login::prove(&site.env, tenant, signed, &back.state, &back.code)? {
        Proof::User(user) => user,
        Proof::Refused => return reader::closed(site, tenant, language, Closed::Unproved),
        Proof::Unreachable => return reader::closed(site, tenant, language, Closed::LineIsDown),
    };
    match errand::run(&site.env, tenant, ticket, &user)? {
        Done::Joined(reader, joined) => reader::delivery::came_back(site, tenant, language, reader, joined),
        Done::Arrived(came) => reader::move_in::came_back(site, tenant, language, came),
        Done::Nothing => reader::closed(site, tenant, language, Closed::Gone),
    }
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
    let on = |page: &str, behind: String| {
        let address = format!("/{}/{page}{query}{behind}", tenant.code);
        Ok(Redirect::to(&address).into_response())
    };
    let sign = if query.is_empty() { '?' } else { '&' };
    let behind = place.map(|place| format!("{sign}p={place}")).unwrap_or_default();
    match came {
        Came::New(token) => on(&format!("register/line/{token}"), behind),
        Came::Known(token) => on(format!("my/{token}/{page}").trim_end_matches('/'), String::new()),
        Came::Refused => reader::closed(site, tenant, language, Closed::Unproved),
        Came::Unreachable => reader::closed(site, tenant, language, Closed::LineIsDown),
    }
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

pub(super) fn set_cookie(
    response: &mut Response,
    tenant: &Tenant,
    name: &str,
    value: &str,
    seconds: i64,
) -> Result<(), PageError> {
    let secure = if tenant.settings.base_url.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{name}={value}; Path=/{}/line; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
        tenant.code
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| PageError::Broken(std::sync::Arc::new(error)))?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(())
}
