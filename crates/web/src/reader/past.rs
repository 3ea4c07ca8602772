//! これまでのことば: every letter so far, the newest first, and a search in them.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::message::SAMPLE_MARK;
use kizuna_domain::text;
use kizuna_engine::archive::Letter;
use serde::Deserialize;

use super::Frame;
use super::dates;
use super::reading::{Ways, opened};
use crate::error::{PageError, page};
use crate::guard::{Shared, Words as Held, blocking};
use crate::language::Language;

/// Days on one page: as many as a thumb goes through.
const DAYS_MAX: usize = 30;
/// Characters that are looked for at most.
const QUERY_MAX: usize = 60;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// Words to look for.
    q: String,
    /// Page of the list, counted from 1.
    p: usize,
}

#[derive(Template)]
#[template(path = "reader/past.html")]
struct PastPage {
    frame: Frame,
    words: &'static Words,
    ways: Ways,
    language: Language,
    query: String,
    /// What the search came to; none without one.
    told: Option<String>,
    entries: Vec<Entry>,
    newer: Option<String>,
    older: Option<String>,
}

/// One letter of the list.
struct Entry {
    address: String,
    label: String,
    stage: String,
    titles: Vec<String>,
}

/// Shows a page of the list, or what a search found.
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
        let words = language.pick(&JA, &EASY, &EN);
        let ways = Ways::new(tenant, &held.token, language);
        let query: String = asked.q.trim().chars().take(QUERY_MAX).collect();
        let place = asked.p.max(1);
        let (letters, told, pages) = if text::search_words(&query).is_empty() {
            let days: Vec<Day> = archive
                .days()
                .skip((place - 1).saturating_mul(DAYS_MAX))
                .take(DAYS_MAX)
                .collect();
            let pages = archive.days().len().div_ceil(DAYS_MAX);
            (archive.letters(&site.env, tenant, days)?, None, pages)
        } else {
            let found = archive.search(&site.env, tenant, &query)?;
            let told = match (found.letters.len(), found.is_all) {
                (0, _) => words.found_none.to_owned(),
                (count, true) => words.found.replace("{count}", &count.to_string()),
                (count, false) => words.found_some.replace("{count}", &count.to_string()),
            };
            (found.letters, Some(told), 1)
        };
        let turn = |place: usize| format!("{}{}", ways.search(), language.query_and(&format!("p={place}")));
        let shown = PastPage {
            frame: Frame::new(tenant, language),
            words,
            language,
            query,
            told,
            entries: letters
                .into_iter()
                .map(|letter| entry(letter, &ways, language))
                .collect(),
            newer: (place > 1).then(|| turn(place - 1)),
            older: (place < pages).then(|| turn(place + 1)),
            ways,
        };
        page(StatusCode::OK, &shown)
    })
    .await
}

fn entry(letter: Letter, ways: &Ways, language: Language) -> Entry {
    let titles = letter.draft.sections.into_iter().map(|section| section.title);
    let mark = if letter.draft.sample { SAMPLE_MARK } else { "" };
    Entry {
        address: ways.day(letter.on),
        label: dates::day(letter.on, language),
        stage: format!("{mark}{}", letter.draft.stage),
        titles: titles.filter(|title| !title.is_empty()).collect(),
    }
}

struct Words {
    title: &'static str,
    search: &'static str,
    search_button: &'static str,
    found: &'static str,
    found_some: &'static str,
    found_none: &'static str,
    empty: &'static str,
    all: &'static str,
    newer: &'static str,
    older: &'static str,
    pages: &'static str,
    today: &'static str,
    print: &'static str,
}

static JA: Words = Words {
    title: "これまでのことば",
    search: "ことばをさがす",
    search_button: "さがす",
    found: "{count}通、見つかりました。",
    found_some: "たくさん見つかりました。新しいほうから{count}通を出しています。",
    found_none: "見つかりませんでした。ほかのことばで、さがしてみてください。",
    empty: "これまでに届いたことばは、まだありません。",
    all: "すべてのことばにもどる",
    newer: "新しいほうへ",
    older: "前のほうへ",
    pages: "ページ",
    today: "きょうのことば",
    print: "印刷できるページ",
};

static EASY: Words = Words {
    title: "｜前《まえ》の ことば",
    search: "ことばを さがす",
    search_button: "さがす",
    found: "{count}｜通《つう》 ありました。",
    found_some: "たくさん ありました。｜新《あたら》しい {count}｜通《つう》です。",
    found_none: "ありませんでした。ほかの ことばで さがしてください。",
    empty: "｜届《とど》いた ことばは まだ ありません。",
    all: "ぜんぶの ことばを ｜見《み》る",
    newer: "｜新《あたら》しい ことば",
    older: "｜古《ふる》い ことば",
    pages: "ページ",
    today: "きょうの ことば",
    print: "｜紙《かみ》に ｜印刷《いんさつ》する ページ",
};

static EN: Words = Words {
    title: "Earlier words",
    search: "Search the words",
    search_button: "Search",
    found: "Found: {count}",
    found_some: "Many were found. These are the newest {count}.",
    found_none: "Nothing was found. Please try other words.",
    empty: "No words have come yet.",
    all: "Back to all words",
    newer: "Newer",
    older: "Older",
    pages: "Pages",
    today: "Today\u{2019}s words",
    print: "A page to print",
};
