//! 招待: name and password, then the authenticator, then the recovery codes. The link is the permission.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::password::CHARS_MIN;
use kizuna_engine::actions::sign_in::{self, Opened, Way};
use kizuna_engine::actions::staff::StaffProblem;
use kizuna_store::staff::Offer;
use serde::Deserialize;

use super::{Qr, in_fours};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::{Problems, mendable};
use crate::guard::{Door, Myself, Shared, Visitor, blocking, hashing};

#[derive(Template)]
#[template(path = "staff/join.html")]
struct JoinPage {
    token: String,
    problems: Problems,
    /// What the invitation is to.
    place: String,
    role: &'static str,
    /// True where somebody who is known gets new means of signing in.
    is_reset: bool,
    mail: String,
    name: String,
    chars_min: usize,
}

#[derive(Template)]
#[template(path = "staff/join_code.html")]
struct CodePage {
    token: String,
    problems: Problems,
    qr: Option<Qr>,
    secret: String,
}

#[derive(Template)]
#[template(path = "staff/accept.html")]
struct AcceptPage {
    token: String,
    place: String,
    role: &'static str,
    /// What keeps this visitor from accepting; empty where nothing does.
    problem: String,
    sign_in: String,
    is_signed_in: bool,
}

#[derive(Template)]
#[template(path = "staff/gone.html")]
struct GonePage {
    words: String,
}

fn gone(problem: StaffProblem) -> Result<Response, PageError> {
    page(StatusCode::NOT_FOUND, &GonePage { words: problem.ja() })
}

/// What an invitation is to, and as what.
fn offered(opened: &Opened) -> (String, &'static str) {
    match opened.invitation.offer {
        Offer::Place(_, role) => (opened.tenant.clone(), role.ja()),
        Offer::Operator => (
            "この機械のすべての自治体".to_owned(),
            kizuna_domain::staff::Role::Operator.ja(),
        ),
        Offer::NewCredentials => (String::new(), ""),
    }
}

fn form(token: String, opened: &Opened, name: String, problems: Problems) -> JoinPage {
    let (place, role) = offered(opened);
    JoinPage {
        token,
        problems,
        place,
        role,
        is_reset: opened.invitation.offer == Offer::NewCredentials,
        mail: opened.invitation.mail.clone(),
        name,
        chars_min: CHARS_MIN,
    }
}

/// Shows what the invitation is to: a form for who is new, a button for who signs in already.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path(token): Path<String>,
    door: Door,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let opened = match mendable(sign_in::open(&site.env, &token))? {
            Ok(opened) => opened,
            Err(problem) => return gone(problem),
        };
        match &opened.way {
            Way::SetUp(name) => {
                let name = name.clone();
                page(StatusCode::OK, &form(token, &opened, name, Problems::default()))
            }
            Way::SignIn(invited) => {
                let visitor = Visitor::of(site, &door.client, &door.cookies)?;
                let (is_signed_in, is_invited) = match &visitor {
                    Visitor::Myself(myself) => (true, myself.staff.id == *invited),
                    Visitor::Nobody | Visitor::Late(_) => (false, false),
                };
                let (place, role) = offered(&opened);
                let problem = match (is_signed_in, is_invited) {
                    (true, false) => StaffProblem::SomebodyElse.ja(),
                    (true | false, _) => String::new(),
                };
                let shown = AcceptPage {
                    sign_in: super::sign_in::address(&format!("/join/{token}"), false),
                    token,
                    place,
                    role,
                    problem,
                    is_signed_in,
                };
                page(StatusCode::OK, &shown)
            }
        }
    })
    .await
}

/// A name and a password. It has no `Debug`, because it holds a password.
#[derive(Deserialize)]
pub(crate) struct Chosen {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// Keeps name and password until the first code confirms them.
pub(crate) async fn post(
    State(site): State<Shared>,
    Path(token): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, PageError> {
    hashing(&site, move |site| {
        let opened = match mendable(sign_in::open(&site.env, &token))? {
            Ok(opened) => opened,
            Err(problem) => return gone(problem),
        };
        let found = sign_in::check_new(&chosen.name, &chosen.password, &opened.invitation.mail);
        let mut problems: Problems = found.into_iter().collect();
        if problems.at("password").is_none() && chosen.password != chosen.again {
            problems.add("again", "2つのパスワードがちがいます。同じものを入れてください。");
        }
        if !problems.is_empty() {
            let shown = form(token, &opened, chosen.name, problems);
            return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
        }
        match mendable(sign_in::prepare(&site.env, &token, &chosen.name, &chosen.password))? {
            Ok(()) => Ok(Redirect::to(&format!("/join/{token}/code")).into_response()),
            Err(_) => Ok(Redirect::to(&format!("/join/{token}")).into_response()),
        }
    })
    .await
}

fn code_page(site: &Site, token: String, problems: Problems) -> Result<Response, PageError> {
    let opened = match mendable(sign_in::open(&site.env, &token))? {
        Ok(opened) => opened,
        Err(problem) => return gone(problem),
    };
    let Some(authenticator) = sign_in::prepared(&opened)? else {
        return Ok(Redirect::to(&format!("/join/{token}")).into_response());
    };
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = CodePage {
        token,
        problems,
        qr: Qr::of(&authenticator.address),
        secret: in_fours(&authenticator.secret),
    };
    page(status, &shown)
}

/// Shows the QR code of the authenticator.
pub(crate) async fn code(State(site): State<Shared>, Path(token): Path<String>) -> Result<Response, PageError> {
    blocking(&site, move |site| code_page(site, token, Problems::default())).await
}

/// A one-time code.
#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
}

/// Accepts the invitation with the first code, and signs in.
pub(crate) async fn confirm(
    State(site): State<Shared>,
    Path(token): Path<String>,
    door: Door,
    Form(typed): Form<Code>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        match mendable(sign_in::confirm(&site.env, &token, &typed.code))? {
            Ok(welcome) => {
                let mut response = Redirect::to("/me/codes").into_response();
                door.cookies.welcome(&mut response, &welcome);
                Ok(response)
            }
            Err(problem @ StaffProblem::WrongCode) => code_page(site, token, Problems::one(problem)),
            Err(_) => Ok(Redirect::to(&format!("/join/{token}")).into_response()),
        }
    })
    .await
}

/// Accepts the invitation as somebody who is signed in.
pub(crate) async fn accept(
    State(site): State<Shared>,
    Path(token): Path<String>,
    myself: Myself,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        match mendable(sign_in::accept(&site.env, &token, myself.staff.id))? {
            Ok(opened) if opened.code.is_empty() => Ok(Redirect::to("/").into_response()),
            Ok(opened) => Ok(Redirect::to(&format!("/{}/today", opened.code)).into_response()),
            Err(StaffProblem::SomebodyElse) => Ok(Redirect::to(&format!("/join/{token}")).into_response()),
            Err(problem) => gone(problem),
        }
    })
    .await
}
