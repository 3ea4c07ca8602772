//! 止めました: thanks, and where to turn. No congratulation, no survey, no way back offered.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/stopped.html")]
struct StoppedPage {
    frame: Frame,
    words: &'static Words,
    desks: Desks,
}

/// Says that it is done.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &tenant, language)).await
}

fn show(site: &Site, tenant: &Tenant, language: Language) -> Result<Response, PageError> {
    let shown = StoppedPage {
        frame: Frame::new(tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        desks: Desks::of(site, tenant, language)?,
    };
    page(StatusCode::OK, &shown)
}

struct Words {
    title: &'static str,
    heading: &'static str,
    text: &'static str,
    family: &'static str,
}

static JA: Words = Words {
    title: "止めました",
    heading: "止めました。",
    text: "これまで読んでくださって、ありがとうございました。",
    family: "ご家族に届いている分は、それぞれの方が、ご自分で止められます。",
};

static EASY: Words = Words {
    title: "とめました",
    heading: "とめました。",
    text: "これまで ｜読《よ》んでくれて、ありがとうございました。",
    family: "｜家族《かぞく》に とどく ことばは、それぞれの ｜人《ひと》が、じぶんで とめられます。",
};

static EN: Words = Words {
    title: "The messages have stopped",
    heading: "The messages have stopped",
    text: "Thank you for having read them.",
    family: "What others of your family get, each of them can stop for themselves.",
};
