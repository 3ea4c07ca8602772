//! The page behind a family's invitation: what the service is, and one button. It reveals nothing of who sent it.
//!
//! A date that goes with the link is not shown here; whoever presses the button has read that one comes along.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_engine::actions::invites;

use super::{Closed, Desks, Frame, closed};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The words of this page.
struct Words {
    title: &'static str,
    what: &'static str,
    own: &'static str,
    with_date: &'static str,
    without_date: &'static str,
    button: &'static str,
}

static JA: Words = Words {
    title: "登録のご案内",
    what: "妊娠中・子育て中の家族に、その時期のことばを届けています。家族も、それぞれ読めます。",
    own: "登録は、あなただけのものです。受け取り方も、止めるときも、あなたが決めます。登録したことは、だれにも伝わりません。",
    with_date: "このリンクを作った人は、日付をわたすことにしました。ボタンをおすと、その日付が出ます。",
    without_date: "つぎのページで、日付を一つ入れます。",
    button: "登録のページへ",
};

static EASY: Words = Words {
    title: "｜登録《とうろく》の お｜知《し》らせ",
    what: "｜赤《あか》ちゃんが いる ｜家族《かぞく》に、ことばを ｜届《とど》けています。｜家族《かぞく》は それぞれ ｜読《よ》めます。",
    own: "あなたが ｜自分《じぶん》で ｜登録《とうろく》します。｜自分《じぶん》で ｜止《と》められます。｜登録《とうろく》したことは、だれにも ｜伝《つた》わりません。",
    with_date: "この リンクを ｜作《つく》った ｜人《ひと》は、｜日付《ひづけ》を ｜教《おし》えます。ボタンを おすと、｜日付《ひづけ》が ｜出《で》ます。",
    without_date: "つぎの ページで、｜日付《ひづけ》を ｜入《い》れてください。",
    button: "｜登録《とうろく》の ページへ",
};

static EN: Words = Words {
    title: "An invitation to register",
    what: "Families who expect or raise a child receive words for their time. Everybody in the family can read for themselves.",
    own: "The registration is yours alone. You decide how it comes and when it stops. Nobody is told that you have registered.",
    with_date: "Whoever made this link chose to hand over a date. If you press the button, you will see it.",
    without_date: "On the next page you enter one date.",
    button: "To the registration",
};

#[derive(Template)]
#[template(path = "reader/with.html")]
struct WithPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    about_date: &'static str,
    desks: Desks,
}

/// A link in an address, before it is known what it is worth.
type Token = Path<(String, String)>;

/// Shows the button; looking uses nothing up.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let words = language.pick(&JA, &EASY, &EN);
        let Some(invited) = invites::look(&site.env, &tenant, &token)? else {
            return closed(site, &tenant, language, Closed::Invitation);
        };
        let shown = WithPage {
            frame: Frame::new(&tenant, language),
            words,
            action: format!("/{}/with/{token}{}", tenant.code, language.query()),
            about_date: match invited.anchor {
                Some(_) => words.with_date,
                None => words.without_date,
            },
            desks: Desks::of(site, &tenant, language)?,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

/// Uses the link once and leads to the registration, which asks [`invites::accepted`] for the date.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Some(token) = invites::accept(&site.env, &tenant, &token)? else {
            return closed(site, &tenant, language, Closed::Invitation);
        };
        let with = language.query_and(&format!("with={token}"));
        Ok(Redirect::to(&format!("/{}/register{with}", tenant.code)).into_response())
    })
    .await
}
