//! A reader's words on pages: what was sent stays as it was read, and today's may be composed before it leaves.
//!
//! Reads only, and never a day to come. Of a child that was stopped nothing is shown any more, nor are letters that tell
//! of it beside a sibling: whoever lost a child does not meet it here.

use std::collections::{BTreeMap, BTreeSet};

use kizuna_domain::content::body;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, CohortId, PointId, SubscriberId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::{Follower, Reach, SubscriptionState};
use kizuna_domain::run::compose::{Part, compose};
use kizuna_domain::run::plan::{Due, judge, next_due};
use kizuna_domain::text;
use kizuna_store::tenants::Tenant;
use kizuna_store::{ReadTx, StoreError, people, runs};
use uuid::Uuid;

use crate::env::Env;
use crate::error::EngineError;
use crate::planner::{self, in_tx};
use crate::programme::{self, Loaded};
use crate::run;

/// Letters that one search opens, the newest first: more than five years of words.
pub const SEARCHED_MAX: usize = 1_000;
/// Letters that one search finds; whoever finds more asks more precisely.
pub const FOUND_MAX: usize = 60;
/// Letters opened in one transaction.
const OPENED_MAX: usize = 100;
/// Days ahead in which the next words are looked for.
const NEXT_DAYS_MAX: u16 = 400;

/// The words of one reader up to today.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The children that live in the register, paused ones too; empty when everything reached its last day.
    pub children: Vec<Follower>,
    /// Today in the tenant's time zone.
    pub today: Day,
    /// What each day brought; a day with letters of several plans has several.
    letters: BTreeMap<Day, Vec<CohortId>>,
}

/// One letter with its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The day it was for.
    pub on: Day,
    /// What it says.
    pub draft: Draft,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The newest letters with every word in them, at most [`FOUND_MAX`].
    pub letters: Vec<Letter>,
    /// True where nothing was left out: neither older letters nor more that fit.
    pub is_all: bool,
}

/// Opens a reader's words; `None` where they stopped, or never followed anything: then there is nothing to show.
pub fn open(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Option<Archive>, EngineError> {
    let (scope, today) = (tenant.scope(), run::today(env, tenant)?);
    Ok(env.db.read(|tx| {
        let ever = people::ever_of_subscriber(tx, &env.keys, scope, reader)?;
        let (readable, silent): (Vec<_>, Vec<_>) = ever
            .into_iter()
            .partition(|(follower, is_complete)| follower.state != SubscriptionState::Ended || *is_complete);
        if readable.is_empty() {
            return Ok(None);
        }
        let mut hidden = BTreeSet::new();
        for (follower, _) in &silent {
            let rows = runs::all_of_subscription(tx, scope, follower.subscription)?;
            hidden.extend(rows.into_iter().map(|row| row.cohort));
        }
        let mut letters: BTreeMap<Day, Vec<CohortId>> = BTreeMap::new();
        for (follower, _) in &readable {
            let rows = runs::all_of_subscription(tx, scope, follower.subscription)?;
            for row in rows.into_iter().filter(|row| is_readable(row, today)) {
                let day = letters.entry(row.day).or_default();
                if !hidden.contains(&row.cohort) && !day.contains(&row.cohort) {
                    day.push(row.cohort);
                }
            }
        }
        letters.retain(|_, cohorts| !cohorts.is_empty());
        let children = readable.into_iter().map(|(follower, _)| follower);
        Ok(Some(Archive {
            children: children
                .filter(|child| child.state != SubscriptionState::Ended)
                .collect(),
            today,
            letters,
        }))
    })?)
}

/// True for words that were meant to be read by today: sent, perhaps sent, or kept back by an address that did not work.
///
/// What waits is shown on its own day only, as what that day brings. What a stop or a pause silenced is not shown.
fn is_readable(row: &runs::Delivery, today: Day) -> bool {
    let was_meant = match row.outcome.as_deref() {
        None => row.passed || row.in_flight || row.day == today,
        Some(outcome) => outcome == "unknown" || outcome.starts_with("failed:"),
    };
    was_meant && row.day <= today
}

impl Archive {
    /// Days with words, the newest first.
    pub fn days(&self) -> impl ExactSizeIterator<Item = Day> {
        self.letters.keys().rev().copied()
    }

    /// The last day with words before a day.
    pub fn before(&self, day: Day) -> Option<Day> {
        self.letters.range(..day).next_back().map(|(day, _)| *day)
    }

    /// The first day with words after a day; never one to come.
    pub fn after(&self, day: Day) -> Option<Day> {
        self.letters.range(day + 1..).next().map(|(day, _)| *day)
    }

    /// The letters of these days as they were frozen, in the order of the days.
    pub fn letters(
        &self,
        env: &Env,
        tenant: &Tenant,
        days: impl IntoIterator<Item = Day>,
    ) -> Result<Vec<Letter>, EngineError> {
        let days: Vec<Day> = days.into_iter().collect();
        Ok(env.db.read(|tx| self.read(tx, env, tenant, &days))?)
    }

    fn read(&self, tx: &mut ReadTx<'_>, env: &Env, tenant: &Tenant, days: &[Day]) -> Result<Vec<Letter>, StoreError> {
        let mut letters = Vec::with_capacity(days.len());
        for day in days {
            for cohort in self.letters.get(day).into_iter().flatten() {
                let draft = runs::cohort(tx, &env.keys, tenant.scope(), *cohort)?;
                letters.extend(draft.map(|draft| Letter { on: *day, draft }));
            }
        }
        Ok(letters)
    }

    /// Today's words: those that are frozen, else those that the plan will bring; empty where the day brings none.
    pub fn todays(&self, env: &Env, tenant: &Tenant) -> Result<Vec<Letter>, EngineError> {
        if self.letters.contains_key(&self.today) {
            return self.letters(env, tenant, [self.today]);
        }
        let draft = self.preview(env, tenant)?;
        Ok(draft
            .map(|draft| Letter { on: self.today, draft })
            .into_iter()
            .collect())
    }

    /// What the planner would write today, by its own rules and ledger.
    fn preview(&self, env: &Env, tenant: &Tenant) -> Result<Option<Draft>, EngineError> {
        let (scope, today) = (tenant.scope(), self.today);
        in_tx(env, |tx| {
            let Loaded { programme, library, .. } = programme::load(tx, tenant)?;
            let behind = planner::behind(tx, tenant, today, today)?;
            let mut parts: Vec<(&Follower, Vec<Due>)> = Vec::new();
            for child in &self.children {
                let mut left = Vec::new();
                for due in judge(&programme, today, &behind, &here(child)).due {
                    let mut failed = None;
                    left.extend(due.beside(&programme, &mut |slot| {
                        let held = runs::is_reserved(tx, scope, child.subscription, &slot.to_string());
                        held.unwrap_or_else(|error| {
                            failed = Some(error);
                            true
                        })
                    }));
                    if let Some(error) = failed {
                        return Err(error.into());
                    }
                }
                if !left.is_empty() {
                    parts.push((child, left));
                }
            }
            let parts: Vec<Part<'_>> = parts.iter().map(|(follower, due)| Part { follower, due }).collect();
            Ok((!parts.is_empty()).then(|| compose(&programme, &library, today, &parts)))
        })
    }

    /// The next day after today that brings words to any child; `None` where none does within a year.
    pub fn next_on(&self, env: &Env, tenant: &Tenant) -> Result<Option<Day>, EngineError> {
        let Loaded { programme, .. } = env.db.read(|tx| programme::load(tx, tenant))?;
        let next = |child: &Follower| next_due(&programme, self.today + 1, NEXT_DAYS_MAX, &here(child));
        Ok(self.children.iter().filter_map(next).min())
    }

    /// Letters with every one of the given words in their titles or their text, the newest first.
    ///
    /// Width, case, and hiragana or katakana make no difference. Letters are sealed at rest, so they are opened here,
    /// page by page and at most [`SEARCHED_MAX`] of them.
    pub fn search(&self, env: &Env, tenant: &Tenant, words: &str) -> Result<Found, EngineError> {
        let words = text::search_words(words);
        let mut found = Found {
            letters: Vec::new(),
            is_all: self.letters.len() <= SEARCHED_MAX,
        };
        let days: Vec<Day> = self.days().take(SEARCHED_MAX).collect();
        for days in days.chunks(OPENED_MAX) {
            let opened = self.letters(env, tenant, days.iter().copied())?;
            let mut fits = opened.into_iter().filter(|letter| says(&letter.draft, &words));
            let room = FOUND_MAX - found.letters.len();
            found.letters.extend(fits.by_ref().take(room));
            if fits.next().is_some() {
                found.is_all = false;
                break;
            }
        }
        Ok(found)
    }
}

/// A child whose words are read here: whether messages reach its reader elsewhere does not matter.
fn here(child: &Follower) -> Follower {
    Follower {
        reach: Reach::At {
            point: PointId::new(Uuid::nil()),
            account: AccountId::new(Uuid::nil()),
        },
        ..child.clone()
    }
}

fn says(draft: &Draft, words: &[String]) -> bool {
    let sections = draft.sections.iter();
    let texts: Vec<String> = sections
        .map(|section| format!("{}\n{}", section.title, body::plain(&section.blocks)))
        .collect();
    let whole = text::search_form(&texts.join("\n"));
    words.iter().all(|word| whole.contains(word.as_str()))
}
