//! The rules as data: reads `content/rules.toml` and makes it quick to search.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Severity;
use super::series::Stage;
use crate::position::Position;

/// The rules that come with the program.
const STANDARD: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/rules.toml"));

/// Words, limits, numbers and subjects that the checks go by.
///
/// ```
/// use kizuna_domain::content::rules::RuleBook;
/// assert!(RuleBook::standard().unwrap().codes().contains(&"gendered"));
/// assert!(RuleBook::read("").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct RuleBook {
    pub(super) data: Data,
    /// Words by the character that they begin with, as places in `data.words` and its list.
    pub(super) by_first: BTreeMap<char, Vec<(usize, usize)>>,
}

/// A text that is no rule book.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the editorial rules cannot be read: {0}")]
pub struct NotARuleBook(pub String);

impl RuleBook {
    /// The rules that come with the program.
    pub fn standard() -> Result<RuleBook, NotARuleBook> {
        RuleBook::read(STANDARD)
    }

    /// Reads rules in the form of `content/rules.toml`.
    pub fn read(text: &str) -> Result<RuleBook, NotARuleBook> {
        let mut data: Data = toml::from_str(text).map_err(|error| NotARuleBook(error.to_string()))?;
        // A phrase inside a longer one must not cut it.
        data.series
            .set_phrases
            .sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
        let mut by_first: BTreeMap<char, Vec<(usize, usize)>> = BTreeMap::new();
        for (group, rule) in data.words.iter().enumerate() {
            for (place, word) in rule.list.iter().enumerate() {
                let first = word.find.chars().next();
                let first = first.ok_or_else(|| NotARuleBook(format!("{}: a word is empty", rule.rule)))?;
                by_first.entry(first).or_default().push((group, place));
            }
        }
        Ok(RuleBook { data, by_first })
    }

    /// The codes of the rules about words, each once.
    pub fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.data.words.iter().map(|rule| rule.rule.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// The limits for a language, by its first subtag; `None` where the rules do not know it.
    pub(super) fn limits(&self, language: &str) -> Option<&Limits> {
        self.data.limits.get(language)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub limits: BTreeMap<String, Limits>,
    pub series: SeriesRules,
    pub facts: FactRules,
    pub phones: PhoneRules,
    pub words: Vec<WordRule>,
    pub safety: Vec<SafetySubject>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub unit: Unit,
    pub sentence: SentenceLimits,
    pub body: BodyLimits,
    /// Characters of an opening that are compared.
    pub opening_chars: usize,
    /// Characters of a run that two articles should not share.
    pub run_chars: usize,
}

/// What sentences and bodies are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Characters,
    Words,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentenceLimits {
    pub good: usize,
    pub most: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyLimits {
    pub least: usize,
    pub good_from: usize,
    pub good_until: usize,
    pub most: usize,
    pub most_of_tenant: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesRules {
    pub opening_days: i32,
    pub shared_most: f64,
    pub pairs_shown: usize,
    pub pair_runs_least: usize,
    pub set_phrases: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactRules {
    pub source_years: i16,
    /// Marks of sources that do not grow old: laws and ordinances.
    pub lasting: Vec<String>,
    pub valid_days: i32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PhoneRules {
    pub followed_by: Vec<String>,
    pub not_followed_by: Vec<String>,
    pub led_by: Vec<String>,
    pub national: Vec<NationalNumber>,
}

/// A number that any town may print.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NationalNumber {
    pub number: String,
    #[expect(dead_code, reason = "for whoever reads and mends the list")]
    pub name: String,
    #[expect(dead_code, reason = "for whoever reads and mends the list")]
    pub source: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WordRule {
    pub rule: String,
    pub severity: Severity,
    pub language: String,
    #[serde(default)]
    pub from: Option<Position>,
    #[serde(default)]
    pub until: Option<Position>,
    pub ja: String,
    pub en: String,
    pub list: Vec<Word>,
}

impl WordRule {
    /// True where the rule is about one of these stages.
    pub(super) fn is_about(&self, stages: &[Stage]) -> bool {
        match (self.from, self.until) {
            (None, None) => true,
            (from, until) => stages.iter().any(|stage| stage.lies_between(from, until)),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    pub find: String,
    #[serde(rename = "use")]
    pub better: String,
    #[serde(default)]
    pub unless: Vec<String>,
    #[serde(default)]
    pub near: Vec<String>,
}

/// A subject that a series owes its readers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SafetySubject {
    pub subject: String,
    pub ja: String,
    pub en: String,
    pub from: Position,
    pub until: Position,
    /// By language: of each group one word must stand in the same article.
    pub words: BTreeMap<String, Vec<Vec<String>>>,
}
