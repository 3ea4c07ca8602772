//! Every word so far, or those of some days, on one page for paper: to keep, from the first day on.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::roster::read_date;
use serde::Deserialize;

use super::Frame;
use super::dates;
use super::reading::{Ways, opened};
use crate::bubble::Bubble;
use crate::error::{PageError, page};
use crate::guard::{Shared, Words as Held, blocking};
use crate::language::Language;

/// Days on one page; a pregnancy and a hundred days after it fit.
const DAYS_MAX: usize = 400;

/// What the address asks for: days that are not dates ask for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    from: String,
    to: String,
}

#[derive(Template)]
#[template(path = "reader/print.html")]
struct PrintPage {
    frame: Frame,
    words: &'static Words,
    ways: Ways,
    language: Language,
    from: String,
    to: String,
    letters: Vec<(String, Bubble)>,
    /// Where the days begin that did not fit.
    rest: Option<String>,
}

/// Shows the words of the days asked for, the oldest first.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    held: Held,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageError> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    blocking(&site, move |site| {
        let tenant = &held.tenant;
        let archive = opened(site, tenant, held.reader, language)?;
        let (from, to) = (read_date(&asked.from), read_date(&asked.to));
        let mut days: Vec<Day> = archive
            .days()
            .filter(|day| from.is_none_or(|from| from <= *day) && to.is_none_or(|to| *day <= to))
            .collect();
        days.reverse();
        let ways = Ways::new(tenant, &held.token, language);
        let rest = days.get(DAYS_MAX).map(|day| {
            let end = to.map(|to| format!("&to={to}")).unwrap_or_default();
            let query = language.query_and(&format!("from={day}{end}"));
            format!("{}{query}", ways.print_form())
        });
        days.truncate(DAYS_MAX);
        let letters = archive.letters(&site.env, tenant, days)?.into_iter().map(|letter| {
            let mut draft = letter.draft;
            draft.asks = false;
            (dates::day(letter.on, language), Bubble::without_desks(draft))
        });
        let text = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
        let shown = PrintPage {
            frame: Frame::new(tenant, language),
            words: language.pick(&JA, &EASY, &EN),
            language,
            from: text(from),
            to: text(to),
            letters: letters.collect(),
            rest,
            ways,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

struct Words {
    title: &'static str,
    how: &'static str,
    from: &'static str,
    to: &'static str,
    choose: &'static str,
    empty: &'static str,
    rest: &'static str,
    past: &'static str,
}

static JA: Words = Words {
    title: "ことばの記録",
    how: "ブラウザーのメニューの「印刷」から、紙やPDFにできます。LINEの中では、右上のメニューから、ほかのブラウザーでひらいてください。",
    from: "はじめの日",
    to: "おわりの日",
    choose: "この日のあいだを出す",
    empty: "ここに出すことばは、まだありません。",
    rest: "このつづきを出す",
    past: "これまでのことば",
};

static EASY: Words = Words {
    title: "ことばの ｜記録《きろく》",
    how: "ブラウザーの メニューの「｜印刷《いんさつ》」を おしてください。LINEの ｜中《なか》では、｜右上《みぎうえ》の メニューから、ほかの ブラウザーで ひらいてください。",
    from: "はじめの ｜日《ひ》",
    to: "おわりの ｜日《ひ》",
    choose: "この ｜日《ひ》の あいだを ｜出《だ》す",
    empty: "ここに ｜出《だ》す ことばは まだ ありません。",
    rest: "この つづきを ｜見《み》る",
    past: "｜前《まえ》の ことば",
};

static EN: Words = Words {
    title: "The words so far",
    how: "Use \u{201c}Print\u{201d} in the menu of your browser for paper or a PDF. Inside LINE, first open this page in another browser from the menu at the top right.",
    from: "First day",
    to: "Last day",
    choose: "Show these days",
    empty: "There are no words to show yet.",
    rest: "Show the days after these",
    past: "Earlier words",
};
