//! メールを送りました: the same words whoever asked, so that nobody learns here which addresses are known.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_engine::ways;

use super::entry::scripted;
use super::entry_words::EntryWords;
use super::{Desks, Frame};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/register_sent.html")]
struct SentPage {
    frame: Frame,
    words: &'static EntryWords,
    /// Where mails come from; empty where it is not known.
    from: String,
    form: String,
    desks: Desks,
}

/// Says what to do now, and what when nothing comes.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        Ok(SentPage {
            frame: Frame::new(&tenant, language),
            words: EntryWords::of(language),
            from: ways::of(&site.env, &tenant)?.mail.unwrap_or_default(),
            form: format!("/{}/register{}", tenant.code, language.query()),
            desks: Desks::of(site, &tenant, language)?,
        })
    })
    .await?;
    Ok(scripted(page(StatusCode::OK, &shown)?))
}
