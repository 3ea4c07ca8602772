//! サインイン: one form for address, password and code, so that no answer tells which of them was wrong.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_engine::actions::sign_in::{self, Answer, Attempt, Proof};
use kizuna_engine::actions::staff::wait_words;
use serde::Deserialize;

use super::draft;
use crate::error::{PageError, page};
use crate::form::Problems;
use crate::format;
use crate::guard::{Door, Myself, Shared, blocking, hashing};

/// Longest address to go on to after signing in.
const NEXT_BYTES_MAX: usize = 500;

/// Where to go on to, and why somebody has to sign in.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    next: String,
    late: Option<String>,
    bye: Option<String>,
}

/// What was typed. It has no `Debug`, because it holds a password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    mail: String,
    password: String,
    code: String,
    recovery: String,
    next: String,
    draft: String,
}

#[derive(Template)]
#[template(path = "staff/sign_in.html")]
struct SignInPage {
    problems: Problems,
    /// Why the person is here.
    note: &'static str,
    mail: String,
    next: String,
    draft: String,
    /// True where the field for recovery codes is open.
    recovers: bool,
}

const LATE: &str =
    "しばらく使われなかったので、サインインが終わりました。もう一度サインインすると、つづきから始められます。";
const KEPT: &str = "時間がたったので、サインインが終わっていました。いま送ろうとした内容は、消えていません。サインインすると、つづきを送れます。";
const BYE: &str = "サインアウトしました。";
const FIRST: &str = "この先は、サインインしてから使えます。いま送ろうとした内容は、送られていません。";
const WRONG: &str = "サインインできませんでした。メールアドレス、パスワード、コードのどれかがちがいます。コードは30秒ごとに変わり、使えるのは一度だけです。";

/// The sign-in page that leads on to an address of ours.
pub(crate) fn address(next: &str, is_late: bool) -> String {
    let late = if is_late { "&late=1" } else { "" };
    format!("/signin?next={}{late}", format::query_word(next))
}

/// An address of ours to go on to; the front page for anything that could lead elsewhere.
fn onward(next: &str) -> &str {
    let is_ours = next.starts_with('/') && !next.starts_with("//") && next.len() <= NEXT_BYTES_MAX;
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_ours && is_plain { next } else { "/" }
}

/// The answer to a form whose sender has to sign in first, with what was written where it can be kept.
pub(crate) fn interrupted(is_late: bool, kept: Option<String>) -> Result<Response, PageError> {
    let note = match (is_late, &kept) {
        (_, Some(_)) => KEPT,
        (true, None) => LATE,
        (false, None) => FIRST,
    };
    let shown = SignInPage {
        problems: Problems::default(),
        note,
        mail: String::new(),
        next: "/".to_owned(),
        draft: kept.unwrap_or_default(),
        recovers: false,
    };
    page(StatusCode::UNAUTHORIZED, &shown)
}

/// Shows the form.
pub(crate) async fn get(Query(wish): Query<Wish>) -> Result<Response, PageError> {
    let note = match (&wish.late, &wish.bye) {
        (Some(_), _) => LATE,
        (None, Some(_)) => BYE,
        (None, None) => "",
    };
    let shown = SignInPage {
        problems: Problems::default(),
        note,
        mail: String::new(),
        next: onward(&wish.next).to_owned(),
        draft: String::new(),
        recovers: false,
    };
    page(StatusCode::OK, &shown)
}

fn missing(typed: &Typed) -> Problems {
    let mut problems = Problems::default();
    if typed.mail.trim().is_empty() {
        problems.add("mail", "メールアドレスを入れてください。");
    }
    if typed.password.is_empty() {
        problems.add("password", "パスワードを入れてください。");
    }
    if typed.code.trim().is_empty() && typed.recovery.trim().is_empty() {
        problems.add("code", "アプリに出ている6けたのコードを入れてください。");
    }
    problems
}

fn again(typed: Typed, status: StatusCode, problems: Problems) -> Result<Response, PageError> {
    let shown = SignInPage {
        problems,
        note: if typed.draft.is_empty() { "" } else { KEPT },
        recovers: !typed.recovery.is_empty(),
        mail: typed.mail,
        next: onward(&typed.next).to_owned(),
        draft: typed.draft,
    };
    page(status, &shown)
}

/// Signs in, and goes on to where the person wanted to go.
pub(crate) async fn post(
    State(site): State<Shared>,
    door: Door,
    Form(typed): Form<Typed>,
) -> Result<Response, PageError> {
    let problems = missing(&typed);
    if !problems.is_empty() {
        return again(typed, StatusCode::UNPROCESSABLE_ENTITY, problems);
    }
    let Door { client, cookies } = door;
    let held = cookies.clone();
    let (typed, answer) = hashing(&site, move |site| {
        let proof = if typed.recovery.trim().is_empty() {
            Proof::Code(&typed.code)
        } else {
            Proof::Recovery(&typed.recovery)
        };
        let attempt = Attempt {
            mail: &typed.mail,
            password: &typed.password,
            proof,
            client: client.address,
            browser: held.browser.as_deref(),
            earlier: held.session,
        };
        let answer = sign_in::sign_in(&site.env, &attempt)?;
        Ok((typed, answer))
    })
    .await?;
    let welcome = match answer {
        Answer::Welcome(welcome) => welcome,
        Answer::Wrong => {
            let mut problems = Problems::default();
            problems.add("", WRONG);
            return again(typed, StatusCode::UNPROCESSABLE_ENTITY, problems);
        }
        Answer::Wait(wait) => {
            let mut problems = Problems::default();
            problems.add("", wait_words(wait.as_secs()));
            let mut response = again(typed, StatusCode::TOO_MANY_REQUESTS, problems)?;
            let seconds = HeaderValue::from(wait.as_secs().unsigned_abs().max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds);
            return Ok(response);
        }
    };
    let mut response = match draft::open(&site, welcome.staff, &typed.draft) {
        Some(draft) => draft::resume(draft)?,
        None if !typed.recovery.trim().is_empty() => Redirect::to("/me?recovered=1").into_response(),
        None => Redirect::to(onward(&typed.next)).into_response(),
    };
    cookies.welcome(&mut response, &welcome);
    Ok(response)
}

/// Signs out.
pub(crate) async fn sign_out(State(site): State<Shared>, myself: Myself) -> Result<Response, PageError> {
    let Myself { staff, token, cookies } = myself;
    let Some(token) = token else {
        return Ok(Redirect::to("/").into_response());
    };
    blocking(&site, move |site| Ok(sign_in::sign_out(&site.env, staff.id, &token)?)).await?;
    let mut response = Redirect::to("/signin?bye=1").into_response();
    cookies.take_away(&mut response);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_ours_are_gone_on_to() {
        assert_eq!(onward("/hidamari/plan?day=2026-11-22"), "/hidamari/plan?day=2026-11-22");
        for elsewhere in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a b",
            "\\\\evil",
            "/\u{9}/evil",
        ] {
            assert_eq!(onward(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
