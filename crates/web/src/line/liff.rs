//! The page that LINE opens inside itself (LIFF). It is the one page with a script: LINE's, and a few lines of ours.
//!
//! LIFF is asked inside LINE only, where it knows the user already. Anywhere else the same page leads on to LINE Login,
//! so that no token of LINE's is left in a browser.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kizuna_engine::line::login::{self, Came};
use serde::Deserialize;

use super::login::{Aim, Visit, Wish};
use crate::error::{PageError, Policy, page};
use crate::guard::{Shared, Town, blocking, is_from_here};
use crate::language::Language;
use crate::reader::Frame;

/// LINE's script, what it asks of LINE, and our own lines; nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self' https://static.line-scdn.net; connect-src https://api.line.me https://liffsdk.line-scdn.net; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The words of this page.
struct Words {
    title: &'static str,
    wait: &'static str,
    failed: &'static str,
    hint: &'static str,
    button: &'static str,
    register: &'static str,
}

static JA: Words = Words {
    title: "LINEで確かめます",
    wait: "LINEで確かめています。そのままお待ちください。",
    failed: "自動では確かめられませんでした。何も変わっていません。下のボタンから進んでください。",
    hint: "自動で進まないときは、ここから進めます。",
    button: "LINEで確かめて進む",
    register: "登録のページへ",
};

static EASY: Words = Words {
    title: "LINEで ｜確《たし》かめます",
    wait: "LINEで ｜確《たし》かめています。｜少《すこ》し ｜待《ま》ってください。",
    failed: "｜確《たし》かめることが できませんでした。｜何《なに》も ｜変《か》わっていません。｜下《した》の ボタンを おしてください。",
    hint: "｜待《ま》っても ｜変《か》わらないときは、このボタンを おしてください。",
    button: "LINEで ｜確《たし》かめて ｜進《すす》む",
    register: "｜登録《とうろく》の ページへ",
};

static EN: Words = Words {
    title: "Checking with LINE",
    wait: "Checking with LINE. Please wait.",
    failed: "This did not work by itself. Nothing has changed. Please use a button below.",
    hint: "If this does not go on by itself, continue here.",
    button: "Continue with LINE",
    register: "To the registration page",
};

#[derive(Template)]
#[template(path = "line/liff.html")]
struct LiffPage {
    frame: Frame,
    words: &'static Words,
    liff: String,
    action: String,
    enter: String,
    register: String,
}

/// Loads LINE's script; without it the buttons lead the other ways.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let liff = login::liff_id(&site.env, &tenant)?.ok_or(PageError::NotFound)?;
        let (to, luggage) = (on_the_way(&wish).code(), wish.luggage());
        let below = |page: &str, to| luggage.behind(&format!("/{}/{page}", tenant.code), language, to);
        let mut frame = Frame::new(&tenant, language);
        frame.behind = luggage.behind("", Language::Ja, to).replacen('?', "&", 1);
        Ok(LiffPage {
            frame,
            words: language.pick(&JA, &EASY, &EN),
            liff,
            action: below("line/liff", to),
            enter: luggage.way_out(&tenant.code, language, to),
            register: below("register", ""),
        })
    })
    .await?;
    let mut response = page(StatusCode::OK, &shown)?;
    response.extensions_mut().insert(Policy(POLICY));
    Ok(response)
}

/// What is wanted of a page inside LINE; errands begin on a page of the reader and not here.
fn on_the_way(wish: &Wish) -> Aim {
    match wish.aim() {
        Aim::Errand | Aim::Home => Aim::Home,
        Aim::Birth => Aim::Birth,
    }
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
    Query(wish): Query<Wish>,
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
        let visit = Visit {
            site,
            tenant: &tenant,
            language,
            aim: on_the_way(&wish),
            luggage: wish.luggage(),
        };
        visit.answer(came)
    })
    .await
}
