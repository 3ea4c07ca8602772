//! けしました: said once on a page without a token. Nothing is asked and no way back is offered.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Desks, Frame};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

struct Words {
    title: &'static str,
    text: &'static str,
}

static JA: Words = Words {
    title: "けしました",
    text: "記録はなくなりました。もう、なにも届きません。",
};

static EASY: Words = Words {
    title: "けしました",
    text: "｜記録《きろく》は ありません。もう、なにも とどきません。",
};

static EN: Words = Words {
    title: "Erased",
    text: "Your records are gone. Nothing more will come.",
};

#[derive(Template)]
#[template(path = "reader/changed.html")]
struct ErasedPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    desks: Desks,
}

/// Says that it is done.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    let Words { title, text } = language.pick(&JA, &EASY, &EN);
    let shown = blocking(&site, move |site| {
        Ok(ErasedPage {
            frame: Frame::new(&tenant, language),
            title,
            text,
            desks: Desks::of(site, &tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
