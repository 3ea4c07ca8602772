//! LINE Login: out to LINE, and back with a proof, into the page that registers.

use axum::extract::{Query, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::menu::Intent;
use kizuna_domain::place::PlaceCode;
use kizuna_engine::line::errand::{self, Done};
use kizuna_engine::line::login::{self, AutoLogin, Came, Proof};
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::halt::{Halt, Why, halt};
use crate::Site;
use crate::error::PageError;
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;
use crate::reader::{self, Closed};

/// Name of the cookie that lasts from going out to coming back.
const NAME: &str = "kizuna_line";
/// Between the parts of that cookie: what the engine signed, the language, what is wanted, and an invitation.
const BETWEEN: &str = "~";

/// The page of one's own to which somebody comes who wants nothing in particular.
const OWN_PAGE: &str = "";

/// Name of the cookie with the ticket of an errand, from the press on the reader's page to the return from LINE.
pub(super) const ERRAND_COOKIE: &str = "kizuna_errand";
/// What the link to LINE wants for whoever holds such a cookie. It names no errand, so that it leads nobody else.
pub(super) const TO_ERRAND: &str = "errand";
/// Before the ticket of an errand in the cookie of the login.
const ERRAND: &str = "errand.";
/// Characters of a token at most; longer ones are none of ours.
const TOKEN_MAX: usize = 100;

/// What somebody pressed before they came: a menu's button, or a button of a page that needs LINE's proof.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    pub(super) to: String,
    /// Code of the place whose link led here.
    p: String,
    /// An invitation that was accepted.
    with: String,
    /// Anything here, and LINE asks for a sign-in on its page, because its app could not do it.
    plain: String,
}

impl Wish {
    /// What is carried, as far as it is ours.
    pub(super) fn luggage(&self) -> Luggage {
        Luggage::new(self.p.parse().ok(), &self.with)
    }

    /// What is wanted of LINE's proof.
    pub(super) fn aim(&self) -> Aim {
        if self.to == Intent::Birth.code() {
            Aim::Birth
        } else if self.to == TO_ERRAND {
            Aim::Errand
        } else {
            Aim::Home
        }
    }
}

/// What somebody goes to LINE for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// To register; whoever reads already comes to their own pages.
    Home,
    /// To tell of a birth.
    Birth,
    /// To do what the ticket in their cookie says.
    Errand,
}

impl Aim {
    /// The word in addresses; empty where none is needed.
    pub(super) fn code(self) -> &'static str {
        match self {
            Aim::Home => "",
            Aim::Birth => Intent::Birth.code(),
            Aim::Errand => TO_ERRAND,
        }
    }

    /// The page of one's own that it leads to.
    pub(super) fn page(self) -> &'static str {
        match self {
            Aim::Birth => "birth",
            Aim::Home | Aim::Errand => OWN_PAGE,
        }
    }
}

/// What must not be lost on the way through LINE.
#[derive(Default)]
pub(crate) struct Luggage {
    /// The place whose link led here.
    place: Option<PlaceCode>,
    /// An invitation that was accepted; empty for most.
    with: String,
}

impl Luggage {
    /// Packs what is ours.
    pub(crate) fn new(place: Option<PlaceCode>, with: &str) -> Luggage {
        let with = if is_token(with) { with } else { "" };
        Luggage {
            place,
            with: with.to_owned(),
        }
    }

    /// The link that leads out to LINE.
    pub(crate) fn way_out(&self, tenant: &str, language: Language, to: &str) -> String {
        self.behind(&format!("/{tenant}/line/enter"), language, to)
    }

    /// An address with the luggage behind it, the language, and what is wanted there.
    pub(super) fn behind(&self, path: &str, language: Language, to: &str) -> String {
        let place = self.place.map(|place| place.to_string()).unwrap_or_default();
        let mut address = format!("{path}{}", language.query());
        for (name, value) in [("to", to), ("p", place.as_str()), ("with", self.with.as_str())] {
            if !value.is_empty() {
                let sign = if address.contains('?') { "&" } else { "?" };
                address.extend([sign, name, "=", value]);
            }
        }
        address
    }
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
        let luggage = wish.luggage();
        let auto = if wish.plain.is_empty() {
            AutoLogin::Allowed
        } else {
            AutoLogin::Off
        };
        let door = login::enter(&site.env, &tenant, luggage.place, auto)?.ok_or(PageError::NotFound)?;
        // A page that is chosen proves nothing, and a ticket proves itself: both travel beside the signed part.
        let wanted = match wish.aim() {
            Aim::Home => String::new(),
            Aim::Birth => Aim::Birth.code().to_owned(),
            Aim::Errand => match cookie(&headers, ERRAND_COOKIE).filter(|ticket| is_token(ticket)) {
                Some(ticket) => format!("{ERRAND}{ticket}"),
                None => return reader::closed(site, &tenant, language, Closed::Gone),
            },
        };
        let mut response = Redirect::to(&door.url).into_response();
        let parts = [
            door.cookie.as_str(),
            language.code(),
            wanted.as_str(),
            luggage.with.as_str(),
        ];
        let cookie = parts.join(BETWEEN);
        set_cookie(&mut response, &tenant, NAME, &cookie, login::PATIENCE.as_secs())?;
        Ok(response)
    })
    .await
}

/// Whether a text may be a token of ours.
fn is_token(text: &str) -> bool {
    let is_ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty() && text.len() <= TOKEN_MAX && text.chars().all(is_ours)
}

/// What LINE adds to the address on the way back; the rest is ours, for a page that is opened in another language.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Return {
    code: String,
    state: String,
    /// Why LINE proves nobody (RFC 6749, 4.1.2.1).
    error: String,
    lang: String,
    to: String,
}

/// What the cookie of a login says.
struct Trip<'a> {
    signed: &'a str,
    language: Option<Language>,
    birth: bool,
    ticket: Option<&'a str>,
    with: &'a str,
}

impl<'a> Trip<'a> {
    fn read(cookie: &'a str) -> Trip<'a> {
        let mut parts = cookie.split(BETWEEN);
        let mut part = || parts.next().unwrap_or_default();
        let (signed, language, wanted, with) = (part(), part(), part(), part());
        Trip {
            signed,
            language: Language::ALL.into_iter().find(|known| known.code() == language),
            birth: wanted == Aim::Birth.code(),
            ticket: wanted.strip_prefix(ERRAND),
            with,
        }
    }
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
        let trip = Trip::read(&cookie);
        let language = trip.language.filter(|_| back.lang.is_empty()).unwrap_or(language);
        let visit = Visit {
            site,
            tenant: &tenant,
            language,
            aim: if trip.ticket.is_some() {
                Aim::Errand
            } else if trip.birth {
                Aim::Birth
            } else {
                let to = back.to.clone();
                Wish { to, ..Wish::default() }.aim()
            },
            luggage: Luggage::new(login::place_of(&back.state), trip.with),
        };
        let mut response = match trip.ticket {
            _ if !back.error.is_empty() => visit.refused_by_line(&back.error)?,
            Some(ticket) => run_errand(&visit, trip.signed, &back, ticket)?,
            None => {
                let came = login::come_back(&site.env, &tenant, trip.signed, &back.state, &back.code)?;
                visit.answer(came)?
            }
        };
        set_cookie(&mut response, &tenant, NAME, "", 0)?;
        Ok(response)
    })
    .await
}

/// Somebody in front of LINE's door, and what they came for.
pub(super) struct Visit<'a> {
    pub(super) site: &'a Site,
    pub(super) tenant: &'a Tenant,
    pub(super) language: Language,
    pub(super) aim: Aim,
    pub(super) luggage: Luggage,
}

impl Visit<'_> {
    /// On to the registration, to the reader's own page, or to one that says how else.
    pub(super) fn answer(&self, came: Came) -> Result<Response, PageError> {
        let (code, language) = (&self.tenant.code, self.language);
        let address = match came {
            Came::New(token) => self
                .luggage
                .behind(&format!("/{code}/register/line/{token}"), language, ""),
            Came::Known(token) => {
                let page = format!("/{code}/my/{token}/{}", self.aim.page());
                format!("{}{}", page.trim_end_matches('/'), language.query())
            }
            Came::Refused => return self.halt(Why::Unproved),
            Came::Unreachable => return self.halt(Why::LineIsDown),
        };
        Ok(Redirect::to(&address).into_response())
    }

    /// What LINE says instead of a proof. Whoever changed their mind about registering comes back to the form.
    fn refused_by_line(&self, error: &str) -> Result<Response, PageError> {
        match (error, self.aim) {
            ("access_denied", Aim::Home) => {
                let form = format!("/{}/register", self.tenant.code);
                let form = self.luggage.behind(&form, self.language, reader::LEFT_LINE);
                Ok(Redirect::to(&form).into_response())
            }
            ("access_denied", Aim::Birth | Aim::Errand) => self.halt(Why::Denied),
            ("server_error" | "temporarily_unavailable", _) => self.halt(Why::LineIsDown),
            _ => self.halt(Why::Unproved),
        }
    }

    pub(super) fn halt(&self, why: Why) -> Result<Response, PageError> {
        halt(&Halt {
            site: self.site,
            tenant: self.tenant,
            language: self.language,
            why,
            aim: self.aim,
            luggage: &self.luggage,
        })
    }
}

/// Does what somebody went to LINE for, once LINE has proved them; until then the ticket can be tried again.
fn run_errand(visit: &Visit<'_>, signed: &str, back: &Return, ticket: &str) -> Result<Response, PageError> {
    let &Visit {
        site, tenant, language, ..
    } = visit;
    let user = match login::prove(&site.env, tenant, signed, &back.state, &back.code)? {
        Proof::User(user) => user,
        Proof::Refused => return visit.halt(Why::Unproved),
        Proof::Unreachable => return visit.halt(Why::LineIsDown),
    };
    let mut response = match errand::run(&site.env, tenant, ticket, &user)? {
        Done::Joined(reader, joined) => reader::delivery::came_back(site, tenant, language, reader, joined),
        Done::Arrived(came) => reader::move_in::came_back(site, tenant, language, came),
        Done::Nothing => reader::closed(site, tenant, language, Closed::Gone),
    }?;
    set_cookie(&mut response, tenant, ERRAND_COOKIE, "", 0)?;
    Ok(response)
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
