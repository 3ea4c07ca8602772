//! What the articles of one series are together: openings, repeated words, subjects that must be there, gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::book::{Limits, RuleBook, SeriesRules, Unit};
use super::{Notes, Text, code};
use crate::age::DUE_AT;
use crate::cadence::Slots;
use crate::content::pack::Manifest;
use crate::content::{Owner, Placement};
use crate::day::Day;
use crate::position::{Clock, Position};

/// More articles with the same run share a set phrase, not a text.
const PAIRED_ARTICLES_MAX: usize = 8;
/// Runs that are named where a series repeats itself too much.
const RUNS_NAMED: usize = 3;

/// A position as a place on a line, for the rules that measure distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Day of gestation.
    Pregnancy(u16),
    /// Days since birth, near enough for months, school dates and the last day.
    Child(i32),
}

impl Stage {
    pub(super) fn of(position: Position) -> Option<Stage> {
        // Integer arithmetic for months of 365.25 / 12 days.
        let months = |months: i32| (months * 1461 + 24) / 48;
        match position {
            Position::GestationalDay(day) => Some(Stage::Pregnancy(day)),
            Position::AgeDay(day) | Position::CountedDay(day) => Some(Stage::Child(i32::from(day))),
            Position::AgeMonth(count) => Some(Stage::Child(months(i32::from(count)))),
            // Children enter school at six and a half on average, in April.
            Position::SchoolDate { grade, month, .. } => {
                let since_april = (i32::from(month) + 8) % 12;
                Some(Stage::Child(months(66 + i32::from(grade) * 12 + since_april)))
            }
            // The third birthday, as in the base cadence.
            Position::LastDay => Some(Stage::Child(months(36))),
            Position::CheckIn => None,
        }
    }

    /// The last day of what begins at a position: a month lasts until the next is complete.
    pub(super) fn end_of(position: Position) -> Option<Stage> {
        match (position, Stage::of(position)?) {
            (Position::AgeMonth(count), _) => {
                let next = Stage::of(Position::AgeMonth(count.saturating_add(1)))?;
                let Stage::Child(days) = next else { return None };
                Some(Stage::Child(days - 1))
            }
            (_, stage) => Some(stage),
        }
    }

    /// Days from this stage to a later one on the same side of birth.
    pub(super) fn days_until(self, later: Stage) -> Option<i32> {
        match (self, later) {
            (Stage::Pregnancy(a), Stage::Pregnancy(b)) => Some(i32::from(b) - i32::from(a)),
            (Stage::Child(a), Stage::Child(b)) => Some(b - a),
            (Stage::Pregnancy(_), Stage::Child(_)) | (Stage::Child(_), Stage::Pregnancy(_)) => None,
        }
    }

    /// Days between the two in the post of a family whose child is born on the due date.
    fn apart(self, other: Stage) -> i32 {
        match (self, other) {
            (Stage::Pregnancy(day), Stage::Child(age)) | (Stage::Child(age), Stage::Pregnancy(day)) => {
                age + (DUE_AT - i32::from(day)).max(0)
            }
            _ => self.days_until(other).unwrap_or_default().abs(),
        }
    }

    /// True between two positions, on their side of birth; an open end is open.
    pub(super) fn lies_between(self, from: Option<Position>, until: Option<Position>) -> bool {
        let after = |from: Stage| from.days_until(self).is_some_and(|days| days >= 0);
        let before = |until: Stage| self.days_until(until).is_some_and(|days| days >= 0);
        from.and_then(Stage::of).is_none_or(after) && until.and_then(Stage::of).is_none_or(before)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Pregnancy(day) => Position::GestationalDay(*day).fmt(f),
            Stage::Child(days) => write!(f, "d{days}"),
        }
    }
}

/// No two articles that a family gets within a month begin alike or bear one title.
pub(super) fn openings(rules: &SeriesRules, limits: &Limits, texts: &[Text<'_>], notes: &mut Notes) {
    let opening = |text: &Text<'_>| -> String {
        let first = text
            .plain
            .split(['、', '。', ',', '.', '！', '？', '!', '?', '\n'])
            .next();
        first
            .unwrap_or_default()
            .trim()
            .chars()
            .take(limits.opening_chars)
            .collect()
    };
    let title = |text: &Text<'_>| text.article.revision.title.clone();
    repeated(rules, texts, code::OPENING, &opening, notes);
    repeated(rules, texts, code::TITLE, &title, notes);
    notes.article = None;
}

fn repeated(
    rules: &SeriesRules,
    texts: &[Text<'_>],
    code: &str,
    words_of: &dyn Fn(&Text<'_>) -> String,
    notes: &mut Notes,
) {
    let mut seen: BTreeMap<String, Vec<&Text<'_>>> = BTreeMap::new();
    let mut in_order: Vec<&Text<'_>> = texts.iter().filter(|text| !text.stages.is_empty()).collect();
    in_order.sort_by_key(|text| text.stages.iter().min().copied());
    for text in in_order {
        let words = words_of(text);
        let alike = seen.entry(words.clone()).or_default();
        let near = |other: &&&Text<'_>| {
            let pairs = other
                .stages
                .iter()
                .flat_map(|a| text.stages.iter().map(|b| a.apart(*b)));
            pairs.min().is_some_and(|days| days < rules.opening_days)
        };
        if let Some(other) = alike.iter().rev().find(near) {
            let id = &other.article.id;
            notes.article = Some(text.article.id.clone());
            notes.error(
                code,
                words,
                format!(
                    "{} 日のうちに、「{id}」と同じです。どちらかを書きかえてください",
                    rules.opening_days
                ),
                format!(
                    "the same as '{id}' within {} days; change one of them",
                    rules.opening_days
                ),
            );
        }
        alike.push(text);
    }
}

/// The share of runs that articles have from each other, and the pairs that have most in common.
pub(super) fn shared_runs(rules: &SeriesRules, limits: &Limits, texts: &[Text<'_>], notes: &mut Notes) -> f64 {
    let pieces: Vec<Vec<String>> = texts.iter().map(|text| own_words(rules, limits.unit, text)).collect();
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for (number, pieces) in pieces.iter().enumerate() {
        for piece in pieces {
            runs.extend(windows(piece, limits.run_chars).map(|run| (run, number)));
        }
    }
    runs.sort_unstable();
    runs.dedup();
    let mut shared = 0_usize;
    let mut common: Vec<(usize, &str)> = Vec::new();
    let mut pairs: BTreeMap<(usize, usize), (usize, &str)> = BTreeMap::new();
    for group in runs.chunk_by(|a, b| a.0 == b.0) {
        let (Some((run, _)), true) = (group.first(), group.len() > 1) else {
            continue;
        };
        shared += group.len();
        common.push((group.len(), run));
        if group.len() <= PAIRED_ARTICLES_MAX {
            for (place, (_, a)) in group.iter().enumerate() {
                for (_, b) in group.iter().skip(place + 1) {
                    pairs.entry((*a, *b)).or_insert((0, run)).0 += 1;
                }
            }
        }
    }
    let share = if runs.is_empty() {
        0.0
    } else {
        shared as f64 / runs.len() as f64
    };
    if share > rules.shared_most {
        common.sort_unstable_by(|a, b| b.cmp(a));
        let words: Vec<&str> = common.iter().take(RUNS_NAMED).map(|(_, run)| *run).collect();
        notes.error(
            code::SHARED_RUNS,
            words.join(" / "),
            format!(
                "ほかの原稿と同じことばが {:.1}% あります。{:.0}% までにしてください",
                share * 100.0,
                rules.shared_most * 100.0
            ),
            format!(
                "{:.1}% of the words stand in other articles too; at most {:.0}%",
                share * 100.0,
                rules.shared_most * 100.0
            ),
        );
    }
    let mut worst: Vec<_> = pairs
        .into_iter()
        .filter(|(_, (count, _))| *count >= rules.pair_runs_least)
        .collect();
    worst.sort_by_key(|(pair, (count, _))| (std::cmp::Reverse(*count), *pair));
    for ((a, b), (count, run)) in worst.into_iter().take(rules.pairs_shown) {
        let (Some(first), Some(second)) = (texts.get(a), texts.get(b)) else {
            continue;
        };
        let id = &first.article.id;
        notes.article = Some(second.article.id.clone());
        notes.warning(
            code::SHARED_RUNS,
            run,
            format!("「{id}」と、{count} か所で同じことばが続きます。どちらかを書きかえてください"),
            format!("has {count} runs of words in common with '{id}'; change one of them"),
        );
    }
    notes.article = None;
    share
}

/// The words of an article, cut at what may be repeated; white space counts only where it parts words.
fn own_words(rules: &SeriesRules, unit: Unit, text: &Text<'_>) -> Vec<String> {
    let words: Vec<&str> = text.plain.split_whitespace().collect();
    let mut pieces = vec![match unit {
        Unit::Characters => words.concat(),
        Unit::Words => words.join(" "),
    }];
    for phrase in &rules.set_phrases {
        pieces = pieces
            .iter()
            .flat_map(|piece| piece.split(phrase.as_str()))
            .map(str::to_owned)
            .collect();
    }
    pieces
}

fn windows(text: &str, chars: usize) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = text.char_indices().map(|(at, _)| at).skip(chars).chain([text.len()]);
    let enough = text.chars().count() >= chars;
    starts
        .zip(ends)
        .filter_map(move |(from, to)| text.get(from..to))
        .take_while(move |_| enough)
}

/// The slots that a pack promises: those it names, the base cadence for the desk, none for a town.
pub(super) fn promised(manifest: &Manifest) -> BTreeSet<Position> {
    match (&manifest.covers, manifest.owner) {
        (Some(Slots::Only(slots)), _) => slots.clone(),
        (Some(Slots::All) | None, Owner::Desk) => base(),
        (Some(Slots::All) | None, Owner::Tenant) => BTreeSet::new(),
    }
}

fn base() -> BTreeSet<Position> {
    match Slots::base() {
        Slots::Only(slots) => slots,
        Slots::All => BTreeSet::new(),
    }
}

/// Counts the promised slots that have an article that may leave today, and names the others.
pub(super) fn coverage(promised: &BTreeSet<Position>, texts: &[Text<'_>], today: Day, notes: &mut Notes) -> usize {
    let there: BTreeSet<Position> = texts
        .iter()
        .filter(|text| text.article.placement.is_valid(today) && !text.article.placement.preterm_only)
        .flat_map(|text| text.article.placement.slots.iter().copied())
        .collect();
    let mut gaps: Vec<(Position, Position)> = Vec::new();
    let mut open = false;
    for slot in promised {
        let continues = open && gaps.last().is_some_and(|(_, last)| same_axis(*last, *slot));
        open = !there.contains(slot);
        match gaps.last_mut() {
            Some((_, last)) if open && continues => *last = *slot,
            _ if open => gaps.push((*slot, *slot)),
            _ => {}
        }
    }
    let missing = promised.difference(&there).count();
    if missing > 0 {
        let range = |(from, until): &(Position, Position)| {
            if from == until {
                from.to_string()
            } else {
                format!("{from}..{until}")
            }
        };
        let words: Vec<String> = gaps.iter().map(range).collect();
        notes.warning(
            code::COVERAGE,
            words.join(" "),
            format!("約束した枠のうち {missing} に、きょう届けられる原稿がありません。書き足すか、pack.toml の covers を直してください"),
            format!("{missing} promised slots have no article that may leave today; write them, or change covers in pack.toml"),
        );
    }
    promised.len() - missing
}

fn same_axis(a: Position, b: Position) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

/// Every safety subject whose whole time the series promises is told in it.
pub(super) fn safety(
    book: &RuleBook,
    language: &str,
    promised: &BTreeSet<Position>,
    texts: &[Text<'_>],
    notes: &mut Notes,
) {
    let base = base();
    for subject in &book.data.safety {
        let Some(groups) = subject.words.get(language) else {
            continue;
        };
        let time = |stage: Stage| stage.lies_between(Some(subject.from), Some(subject.until));
        let mut owed = base
            .iter()
            .filter(|slot| Stage::of(**slot).is_some_and(time))
            .peekable();
        if owed.peek().is_none() || !owed.all(|slot| promised.contains(slot)) {
            continue;
        }
        let says = |text: &&Text<'_>| {
            let all = if language == "ja" {
                text.all.clone()
            } else {
                text.all.to_lowercase()
            };
            let has = |word: &String| all.contains(word) || text.spoken.contains(word);
            groups.iter().all(|group| group.iter().any(has))
        };
        let in_time = |text: &&Text<'_>| text.stages.iter().any(|stage| time(*stage));
        if texts.iter().filter(in_time).find(says).is_none() {
            let (from, until) = (subject.from, subject.until);
            notes.error(
                code::SAFETY,
                &subject.subject,
                format!(
                    "{from} から {until} までに、「{}」を伝える原稿がありません。書き足してください",
                    subject.ja
                ),
                format!(
                    "no article between {from} and {until} tells of {}; write one",
                    subject.en
                ),
            );
        }
    }
}

/// A family gets one desk article a day: two at one slot are probably a mistake.
pub(super) fn two_articles(texts: &[Text<'_>], notes: &mut Notes) {
    let mut at: BTreeMap<Position, Vec<&Text<'_>>> = BTreeMap::new();
    for text in texts {
        for slot in &text.article.placement.slots {
            at.entry(*slot).or_default().push(text);
        }
    }
    for (slot, texts) in at {
        for (place, text) in texts.iter().enumerate() {
            let together = |other: &&&Text<'_>| {
                let (a, b) = (&text.article.placement, &other.article.placement);
                let ends_before = |end: Option<Day>, begin: Option<Day>| {
                    end.is_some_and(|end| begin.is_some_and(|begin| end < begin))
                };
                // What a preterm child gets later leaves its day to the article for preterm children.
                let takes_turns = |one: &Placement, other: &Placement| {
                    one.preterm_only && one.clock == Clock::Calendar && other.clock == Clock::Corrected
                };
                !ends_before(a.valid_until, b.valid_from)
                    && !ends_before(b.valid_until, a.valid_from)
                    && !takes_turns(a, b)
                    && !takes_turns(b, a)
            };
            if let Some(other) = texts.iter().take(place).find(together) {
                let id = &other.article.id;
                notes.article = Some(text.article.id.clone());
                notes.warning(
                    code::TWO_ARTICLES,
                    slot.to_string(),
                    format!("「{id}」と同じ枠です。一日に一本にするなら、どちらかの slot を変えてください"),
                    format!("stands at the same slot as '{id}'; for one article a day move one of them"),
                );
            }
        }
    }
    notes.article = None;
}
