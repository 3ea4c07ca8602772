//! The editorial rules: what is wrong or doubtful in a pack's texts, before a specialist or a family reads them.
//!
//! Words, limits, numbers and subjects are data (`content/rules.toml`, read by [`RuleBook`]); the few kinds of check
//! are the files beside this one. A rule never changes a text and never decides whether it may leave: reviewers do.

mod book;
mod facts;
mod series;
mod text;
mod words;

use serde::{Deserialize, Serialize};

pub use self::book::{NotARuleBook, RuleBook};
use self::series::Stage;
use super::pack::{Pack, PackArticle, Reason};
use super::{Desk, Owner, body};
use crate::day::Day;
use crate::message::{Block, Inline};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Must be mended.
    Error,
    /// Somebody should look at it.
    Warning,
}

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Code of the rule, as `docs/editorial-rules.md` lists it.
    pub rule: String,
    /// Id of the article; `None` where it is about the whole series.
    pub article: Option<String>,
    /// The words concerned.
    pub words: String,
    /// What to do.
    pub advice: Reason,
}

/// What the rules say about one pack.
#[derive(Clone, Debug, PartialEq)]
pub struct PackReport {
    /// Number of articles.
    pub articles: usize,
    /// Slots that the pack promises; 0 where it promises none.
    pub promised: usize,
    /// Promised slots for which it has an article that may leave today.
    pub covered: usize,
    /// Share of the runs of characters that another article of the series has too, 0 to 1.
    pub shared_runs: f64,
    /// Errors first, then in the order of the articles.
    pub findings: Vec<Finding>,
}

impl PackReport {
    /// Covered slots among the promised ones, 0 to 1; `None` where nothing is promised.
    pub fn coverage(&self) -> Option<f64> {
        (self.promised > 0).then(|| self.covered as f64 / self.promised as f64)
    }
}

/// Codes of the rules that are code; those about words are in [`RuleBook::codes`].
pub const CODES: [&str; 19] = [
    code::BODY,
    code::SENTENCE,
    code::BODY_LENGTH,
    code::RUBY,
    code::PHONE,
    code::INVISIBLE,
    code::EXCLAMATION,
    code::SYMBOL,
    code::DIGIT_WIDTH,
    code::WEEKDAY,
    code::SOURCE,
    code::VALIDITY,
    code::MUST_KNOW,
    code::OPENING,
    code::TITLE,
    code::SHARED_RUNS,
    code::SAFETY,
    code::COVERAGE,
    code::TWO_ARTICLES,
];

mod code {
    pub(super) const BODY: &str = "body";
    pub(super) const SENTENCE: &str = "sentence-length";
    pub(super) const BODY_LENGTH: &str = "body-length";
    pub(super) const RUBY: &str = "ruby";
    pub(super) const PHONE: &str = "phone";
    pub(super) const INVISIBLE: &str = "invisible";
    pub(super) const EXCLAMATION: &str = "exclamation";
    pub(super) const SYMBOL: &str = "symbol";
    pub(super) const DIGIT_WIDTH: &str = "digit-width";
    pub(super) const WEEKDAY: &str = "weekday";
    pub(super) const SOURCE: &str = "source";
    pub(super) const VALIDITY: &str = "validity";
    pub(super) const MUST_KNOW: &str = "must-know";
    pub(super) const OPENING: &str = "opening";
    pub(super) const TITLE: &str = "title";
    pub(super) const SHARED_RUNS: &str = "shared-runs";
    pub(super) const SAFETY: &str = "safety";
    pub(super) const COVERAGE: &str = "coverage";
    pub(super) const TWO_ARTICLES: &str = "two-articles";
}

/// Holds a pack against the rules as of `today`; `desks` are those of the town whose readers get it, besides its own.
pub fn check(book: &RuleBook, pack: &Pack, desks: &[Desk], today: Day) -> PackReport {
    let mut notes = Notes::default();
    let language = pack.manifest.language.split('-').next().unwrap_or_default();
    let texts: Vec<Text<'_>> = pack
        .articles
        .iter()
        .map(|article| Text::of(article, &mut notes))
        .collect();
    let numbers = text::known_numbers(book, pack.desks.iter().chain(desks));
    for text in &texts {
        notes.article = Some(text.article.id.clone());
        if let Some(limits) = book.limits(language) {
            text::lengths(limits, pack.manifest.owner, text, &mut notes);
        }
        words::check(book, language, text, &mut notes);
        if pack.manifest.language.ends_with("-Hira") {
            text::ruby(text, &mut notes);
        }
        text::phones(&book.data.phones, &numbers, text, &mut notes);
        text::characters(text, &mut notes);
        text::weekdays(text, &mut notes);
        facts::sources(&book.data.facts, pack.manifest.owner, text, today, &mut notes);
        facts::validity(&book.data.facts, text, today, &mut notes);
        facts::must_know(text, &mut notes);
    }
    notes.article = None;
    facts::digest(&texts, &mut notes);
    let mut shared_runs = 0.0;
    if let Some(limits) = book.limits(language) {
        series::openings(&book.data.series, limits, &texts, &mut notes);
        shared_runs = series::shared_runs(&book.data.series, limits, &texts, &mut notes);
    }
    let promised = series::promised(&pack.manifest);
    let covered = series::coverage(&promised, &texts, today, &mut notes);
    if pack.manifest.owner == Owner::Desk {
        series::safety(book, language, &promised, &texts, &mut notes);
        series::two_articles(&texts, &mut notes);
    }
    notes.findings.sort_by_key(|finding| finding.severity);
    PackReport {
        articles: pack.articles.len(),
        promised: promised.len(),
        covered,
        shared_runs,
        findings: notes.findings,
    }
}

/// An article with its words made ready for every check.
struct Text<'p> {
    article: &'p PackArticle,
    blocks: Vec<Block>,
    /// Its words without markup and readings.
    plain: String,
    /// Title and words.
    all: String,
    /// The same with readings instead of the words below them; empty without ruby.
    spoken: String,
    stages: Vec<Stage>,
}

impl<'p> Text<'p> {
    fn of(article: &'p PackArticle, notes: &mut Notes) -> Text<'p> {
        notes.article = Some(article.id.clone());
        let title = &article.revision.title;
        let blocks = body::parse(&article.revision.body).unwrap_or_else(|error| {
            let rule = match error {
                body::BodyError::Invisible { .. } => code::INVISIBLE,
                body::BodyError::Empty
                | body::BodyError::TooLong { .. }
                | body::BodyError::Link { .. }
                | body::BodyError::Picture { .. }
                | body::BodyError::Alt { .. }
                | body::BodyError::TooManyPictures { .. } => code::BODY,
            };
            notes.error(rule, title, error.ja(), error.to_string());
            Vec::new()
        });
        let plain = body::plain(&blocks);
        let has_ruby = inlines(&blocks).any(|inline| matches!(inline, Inline::Ruby { .. }));
        Text {
            all: format!("{title}\n{plain}"),
            spoken: if has_ruby {
                format!("{title}\n{}", spoken(&blocks))
            } else {
                String::new()
            },
            stages: article
                .placement
                .slots
                .iter()
                .filter_map(|slot| Stage::of(*slot))
                .collect(),
            article,
            blocks,
            plain,
        }
    }
}

fn inlines(blocks: &[Block]) -> impl Iterator<Item = &Inline> {
    blocks.iter().flat_map(|block| match block {
        Block::Heading { inlines } | Block::Paragraph { inlines } => inlines.iter().collect::<Vec<_>>(),
        Block::List { items } => items.iter().flatten().collect(),
        Block::Image { .. } => Vec::new(),
    })
}

fn spoken(blocks: &[Block]) -> String {
    inlines(blocks)
        .map(|inline| match inline {
            Inline::Text { text } | Inline::Link { text, .. } => text.as_str(),
            Inline::Ruby { reading, .. } => reading.as_str(),
        })
        .collect()
}

/// Findings as they are made, with the article that they are about.
#[derive(Default)]
struct Notes {
    article: Option<String>,
    findings: Vec<Finding>,
}

impl Notes {
    fn add(&mut self, severity: Severity, rule: &str, words: impl Into<String>, advice: Reason) {
        self.findings.push(Finding {
            severity,
            rule: rule.to_owned(),
            article: self.article.clone(),
            words: words.into(),
            advice,
        });
    }

    fn error(&mut self, rule: &str, words: impl Into<String>, ja: impl Into<String>, en: impl Into<String>) {
        self.add(Severity::Error, rule, words, Reason::new(ja, en));
    }

    fn warning(&mut self, rule: &str, words: impl Into<String>, ja: impl Into<String>, en: impl Into<String>) {
        self.add(Severity::Warning, rule, words, Reason::new(ja, en));
    }
}
