//! 自分の設定: another password, another authenticator, recovery codes.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::password::CHARS_MIN;
use kizuna_engine::actions::sign_in;
use kizuna_engine::actions::staff::StaffProblem;
use kizuna_engine::credentials::show_recovery_code;
use kizuna_store::staff;
use serde::Deserialize;

use super::{Qr, in_fours};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::{Problems, mendable};
use crate::guard::{Myself, Shared, blocking, hashing};

#[derive(Template)]
#[template(path = "staff/me.html")]
struct MePage {
    /// What is wrong with the form for the password.
    password: Problems,
    /// What is wrong with the form for the authenticator.
    totp: Problems,
    note: &'static str,
    name: String,
    mail: String,
    places: Vec<String>,
    codes_left: i64,
    chars_min: usize,
    /// True in the demo, where nobody signs in.
    is_demo: bool,
}

impl MePage {
    fn has_problems(&self) -> bool {
        !self.password.is_empty() || !self.totp.is_empty()
    }
}

fn look(
    site: &Site,
    myself: &Myself,
    note: &'static str,
    password: Problems,
    totp: Problems,
) -> Result<Response, PageError> {
    let (memberships, codes_left) = site.env.db.read(|tx| {
        Ok((
            staff::memberships(tx, myself.staff.id)?,
            staff::count_codes(tx, myself.staff.id)?,
        ))
    })?;
    let mut places: Vec<String> = memberships
        .into_iter()
        .map(|place| format!("{}（{}）", place.name, place.role.ja()))
        .collect();
    if myself.staff.is_operator {
        places.push(format!(
            "すべての自治体（{}）",
            kizuna_domain::staff::Role::Operator.ja()
        ));
    }
    let shown = MePage {
        password,
        totp,
        note,
        name: myself.staff.name.clone(),
        mail: myself.staff.mail.clone(),
        places,
        codes_left,
        chars_min: CHARS_MIN,
        is_demo: myself.token.is_none(),
    };
    let status = if shown.has_problems() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    page(status, &shown)
}

/// What was done before.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    done: Option<String>,
    recovered: Option<String>,
}

/// Shows the settings.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(done): Query<Done>,
    myself: Myself,
) -> Result<Response, PageError> {
    let note = match (done.done.as_deref(), done.recovered) {
        (Some("password"), _) => "パスワードを変えました。ほかの端末のサインインは、すべて終わりました。",
        (_, Some(_)) => {
            "控えのコードでサインインしました。電話をなくしたときは、下で新しい認証アプリに切りかえてください。"
        }
        _ => "",
    };
    blocking(&site, move |site| {
        look(site, &myself, note, Problems::default(), Problems::default())
    })
    .await
}

/// The present password and a new one. It has no `Debug`, because it holds passwords.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    #[serde(default)]
    present: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
}

/// Changes the password.
pub(crate) async fn password(
    State(site): State<Shared>,
    myself: Myself,
    Form(typed): Form<NewPassword>,
) -> Result<Response, PageError> {
    hashing(&site, move |site| {
        if typed.password != typed.again {
            let mut problems = Problems::default();
            problems.add("again", "2つのパスワードがちがいます。同じものを入れてください。");
            return look(site, &myself, "", problems, Problems::default());
        }
        let changed = sign_in::change_password(&site.env, &myself.staff, &typed.present, &typed.password);
        match mendable(changed)? {
            Ok(token) => {
                let mut response = Redirect::to("/me?done=password").into_response();
                myself.cookies.hand_over(&mut response, &token);
                Ok(response)
            }
            Err(problem) => look(site, &myself, "", Problems::one(problem), Problems::default()),
        }
    })
    .await
}

/// The present password. It has no `Debug`.
#[derive(Deserialize)]
pub(crate) struct Present {
    #[serde(default)]
    present: String,
}

/// Prepares another authenticator.
pub(crate) async fn begin_totp(
    State(site): State<Shared>,
    myself: Myself,
    Form(typed): Form<Present>,
) -> Result<Response, PageError> {
    hashing(&site, move |site| {
        match mendable(sign_in::begin_totp(&site.env, myself.staff.id, &typed.present))? {
            Ok(()) => Ok(Redirect::to("/me/totp").into_response()),
            Err(problem) => {
                let mut problems = Problems::default();
                problems.add("totp-present", problem.ja());
                look(site, &myself, "", Problems::default(), problems)
            }
        }
    })
    .await
}

#[derive(Template)]
#[template(path = "staff/totp.html")]
struct TotpPage {
    problems: Problems,
    qr: Option<Qr>,
    secret: String,
}

fn totp_page(site: &Site, myself: &Myself, problems: Problems) -> Result<Response, PageError> {
    let Some(authenticator) = sign_in::new_totp(&site.env, &myself.staff)? else {
        return Ok(Redirect::to("/me").into_response());
    };
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = TotpPage {
        problems,
        qr: Qr::of(&authenticator.address),
        secret: in_fours(&authenticator.secret),
    };
    page(status, &shown)
}

/// Shows the QR code of the other authenticator.
pub(crate) async fn totp(State(site): State<Shared>, myself: Myself) -> Result<Response, PageError> {
    blocking(&site, move |site| totp_page(site, &myself, Problems::default())).await
}

/// A one-time code.
#[derive(Deserialize)]
pub(crate) struct Code {
    #[serde(default)]
    code: String,
}

/// Puts the other authenticator to use.
pub(crate) async fn confirm_totp(
    State(site): State<Shared>,
    myself: Myself,
    Form(typed): Form<Code>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        match mendable(sign_in::confirm_totp(&site.env, myself.staff.id, &typed.code))? {
            Ok(()) => Ok(Redirect::to("/me/codes").into_response()),
            Err(problem @ StaffProblem::WrongCode) => totp_page(site, &myself, Problems::one(problem)),
            Err(_) => Ok(Redirect::to("/me").into_response()),
        }
    })
    .await
}

#[derive(Template)]
#[template(path = "staff/codes.html")]
struct CodesPage {
    codes: Vec<String>,
}

/// Shows new recovery codes, until their owner has put them away.
pub(crate) async fn codes(State(site): State<Shared>, myself: Myself) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let env = &site.env;
        let codes = env.db.read(|tx| staff::shown_codes(tx, &env.keys, myself.staff.id))?;
        if codes.is_empty() {
            return Ok(Redirect::to("/").into_response());
        }
        let codes = codes.iter().map(|code| show_recovery_code(code)).collect();
        page(StatusCode::OK, &CodesPage { codes })
    })
    .await
}

/// Puts the codes away.
pub(crate) async fn hide_codes(State(site): State<Shared>, myself: Myself) -> Result<Response, PageError> {
    blocking(&site, move |site| Ok(sign_in::hide_codes(&site.env, myself.staff.id)?)).await?;
    Ok(Redirect::to("/").into_response())
}
