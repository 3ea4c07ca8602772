//! Looking at the plan before it happens, at one family's journey, and at any delivery: the same planner, read only.

use std::collections::{BTreeMap, BTreeSet};

use kizuna_domain::age;
use kizuna_domain::content::body;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, Customs, Standing, stage_label, standing};
use kizuna_domain::run::compose::{Library, Part, compose};
use kizuna_domain::run::plan::{Due, Programme, Slot, judge, next_due};
use kizuna_store::tenants::Tenant;
use kizuna_store::{people, runs, tenants};
use serde::Serialize;
use uuid::Uuid;

use crate::env::Env;
use crate::error::EngineError;
use crate::planner::{self, in_tx};
use crate::programme::{self, Loaded};
use crate::run;
use crate::walk;

/// Days that a journey may span: pregnancy and nineteen years.
pub const JOURNEY_DAYS_MAX: i32 = 7_300;
/// Days ahead in which the next message is looked for.
const NEXT_DAYS_MAX: u16 = 400;

/// One slot that somebody will get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedRow {
    /// The subscription.
    pub subscription: String,
    /// Place on the axis: `12w3d`, `d30`, `2026-12-05`, `digest`.
    pub slot: String,
    /// The slot in stored form, as the ledger names it.
    pub key: String,
    /// Code of the track.
    pub track: String,
    /// Code of the channel.
    pub channel: String,
    /// The stage as the reader sees it.
    pub stage: String,
    /// Time of day from which it leaves: `08:00`.
    pub leaves: String,
    /// Ids of the articles.
    pub articles: Vec<String>,
}

/// A message that several families read in the same words. Of real families it is what one child's stage brings, never
/// a whole letter: brothers and sisters together, or a nickname, would tell of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The stage above it.
    pub stage: String,
    /// Where the first child of the first such letter stands: the order of a list of stages.
    pub standing: Standing,
    /// How many letters say this.
    pub letters: u64,
    /// What it says.
    pub draft: Draft,
}

/// A day's plan, before anything is reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Code of the tenant.
    pub tenant: String,
    /// The day.
    pub day: Day,
    /// Who gets what.
    pub planned: Vec<PlannedRow>,
    /// Who gets nothing, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The messages themselves, by stage.
    #[serde(skip)]
    pub readings: Vec<Reading>,
    /// Letters in all: readers with several children get one.
    pub letters: u64,
    /// Adopted tracks that have no edition yet.
    pub missing_tracks: Vec<String>,
}

/// The plan of a day: the run's own lookups, judgement and ledger, without writing.
pub fn preview(env: &Env, tenant: &Tenant, day: Day) -> Result<Preview, EngineError> {
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let today = run::today(env, tenant)?;
    let behind = in_tx(env, |tx| planner::behind(tx, tenant, day, today))?;
    let channels: BTreeMap<AccountId, String> = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))?
        .into_iter()
        .map(|account| (account.id, account.channel))
        .collect();
    let mut preview = Preview {
        tenant: tenant.code.clone(),
        day,
        planned: Vec::new(),
        skipped: BTreeMap::new(),
        readings: Vec::new(),
        letters: 0,
        missing_tracks: loaded.missing.clone(),
    };
    let mut readings: BTreeMap<(String, [u8; 32]), Reading> = BTreeMap::new();
    let mut judged: u64 = 0;
    walk::readers(env, tenant, &loaded.programme, day, &behind, &mut |readers| {
        for family in readers {
            judged += family.len() as u64;
            look_at(
                env,
                tenant,
                &loaded,
                &behind,
                &channels,
                &family,
                &mut preview,
                &mut readings,
            )?;
        }
        Ok(())
    })?;
    let living = env.db.read(|tx| people::count_living(tx, tenant.scope()))?;
    let untouched = u64::try_from(living).unwrap_or_default().saturating_sub(judged);
    if untouched > 0 {
        *preview
            .skipped
            .entry(SkipReason::NothingToday.code().to_owned())
            .or_default() += untouched;
    }
    preview.readings = readings.into_values().collect();
    preview
        .planned
        .sort_by(|a, b| (&a.subscription, &a.slot).cmp(&(&b.subscription, &b.slot)));
    Ok(preview)
}

#[expect(clippy::too_many_arguments, reason = "the accumulators of one walk; private")]
fn look_at(
    env: &Env,
    tenant: &Tenant,
    loaded: &Loaded,
    behind: &[Day],
    channels: &BTreeMap<AccountId, String>,
    family: &[Follower],
    preview: &mut Preview,
    readings: &mut BTreeMap<(String, [u8; 32]), Reading>,
) -> Result<(), EngineError> {
    let day = preview.day;
    let mut parts: Vec<(&Follower, Vec<Due>)> = Vec::new();
    for follower in family {
        let verdict = judge(&loaded.programme, day, behind, follower);
        for reason in verdict.skipped {
            *preview.skipped.entry(reason.code().to_owned()).or_default() += 1;
        }
        let due = verdict.due;
        let fresh: Result<Vec<Due>, EngineError> = env
            .db
            .read(|tx| {
                let mut fresh = Vec::with_capacity(due.len());
                for due in &due {
                    let mut failed = None;
                    let left = due.beside(&loaded.programme, &mut |slot| {
                        let held = runs::is_reserved(tx, tenant.scope(), follower.subscription, &slot.to_string());
                        held.unwrap_or_else(|error| {
                            failed = Some(error);
                            true
                        })
                    });
                    if let Some(error) = failed {
                        return Err(error);
                    }
                    fresh.extend(left);
                }
                Ok(fresh)
            })
            .map_err(EngineError::from);
        let fresh = fresh?;
        if fresh.is_empty() && !due.is_empty() {
            *preview
                .skipped
                .entry(SkipReason::AlreadySent.code().to_owned())
                .or_default() += 1;
        }
        let channel = match follower.reach {
            Reach::At { account, .. } => channels.get(&account).cloned().unwrap_or_default(),
            Reach::Silent(_) => String::new(),
        };
        let leaves = leaves(tenant, follower)?;
        for due in &fresh {
            preview.planned.push(PlannedRow {
                subscription: follower.subscription.to_string(),
                slot: due.slot.place(),
                key: due.slot.to_string(),
                track: due.slot.track().to_owned(),
                channel: channel.clone(),
                stage: stage_label(&follower.anchor, day, &tenant.settings.customs),
                leaves: leaves.clone(),
                articles: articles(&loaded.programme, due),
            });
        }
        if !fresh.is_empty() {
            parts.push((follower, fresh));
        }
    }
    preview.letters += u64::from(!parts.is_empty());
    let parts: Vec<Part<'_>> = parts.iter().map(|(follower, due)| Part { follower, due }).collect();
    let together = if tenant.settings.kind.allows_samples() {
        parts.len()
    } else {
        1
    };
    // Twins read one message.
    let mut counted = BTreeSet::new();
    for parts in parts.chunks(together.max(1)) {
        let Some(first) = parts.first() else { continue };
        let draft = compose(&loaded.programme, &loaded.library, day, parts);
        let key = (draft.stage.clone(), draft.digest());
        let is_first = counted.insert(key.clone());
        let new = || Reading {
            stage: draft.stage.clone(),
            standing: standing(&first.follower.anchor, day, &tenant.settings.customs),
            letters: 0,
            draft,
        };
        readings.entry(key).or_insert_with(new).letters += u64::from(is_first);
    }
    Ok(())
}

/// The time of day from which a reader's messages leave: `08:00`.
fn leaves(tenant: &Tenant, follower: &Follower) -> Result<String, EngineError> {
    Ok(tenant.settings.window_of(follower.hour)?.texts().0)
}

fn articles(programme: &Programme, due: &Due) -> Vec<String> {
    let series = programme.series.get(due.series);
    due.items
        .iter()
        .filter_map(|item| series?.items().get(*item))
        .map(|item| item.article.clone())
        .collect()
}

/// One article on one day of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JourneyDay {
    /// The day.
    pub on: Day,
    /// Place on the axis.
    pub slot: String,
    /// Code of the track.
    pub track: String,
    /// Id of the article; empty for the system's own question.
    pub article: String,
    /// The stage as the reader sees it.
    pub stage: String,
    /// Its words as plain text.
    pub text: String,
}

/// Dates of an invented or a real family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Due date, where known.
    pub due: Option<Day>,
    /// Day of birth; taken as reported on that day.
    pub birth: Option<Day>,
    /// Day of registration.
    pub registered: Day,
    /// Area code.
    pub area: Option<String>,
    /// BCP 47 tag of the words that the reader chose.
    pub language: String,
}

/// The whole journey of one family, from the same planner that sends.
pub fn timeline(programme: &Programme, library: &Library, family: &Family) -> Vec<JourneyDay> {
    let mut days = Vec::new();
    along(programme, family, &mut |on, follower, due| {
        days.extend(
            due.iter()
                .flat_map(|due| journey_rows(programme, library, follower, on, due)),
        );
    });
    days
}

/// The whole message of one day of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyLetter {
    /// The day.
    pub on: Day,
    /// The slots it fills, in stored form: keys of the ledger.
    pub slots: Vec<String>,
    /// What it says.
    pub draft: Draft,
}

/// The same journey as [`timeline`], as the messages that the family reads.
pub fn letters(programme: &Programme, library: &Library, family: &Family) -> Vec<JourneyLetter> {
    let mut letters = Vec::new();
    along(programme, family, &mut |on, follower, due| {
        let draft = compose(programme, library, on, &[Part { follower, due }]);
        let slots = due
            .iter()
            .flat_map(|due| due.fills(programme))
            .map(|slot| slot.to_string())
            .collect();
        letters.push(JourneyLetter { on, slots, draft });
    });
    letters
}

/// Walks a journey and hands on each day that brings something, with what has not come before.
fn along(programme: &Programme, family: &Family, each: &mut dyn FnMut(Day, &Follower, &[Due])) {
    let mut ledger = BTreeSet::new();
    let start = family.birth.or(family.due).unwrap_or(family.registered);
    let last = start + JOURNEY_DAYS_MAX;
    let mut on = family.registered;
    while on <= last {
        let born = family.birth.filter(|birth| *birth <= on);
        if let Some(anchor) = Anchor::from_dates(family.due, born).or(Anchor::from_dates(None, family.birth)) {
            let follower = invented(anchor, family);
            let due = judge(programme, on, &[], &follower).due;
            let fresh: Vec<Due> = due
                .into_iter()
                .filter_map(|due| due.beside(programme, &mut |slot| ledger.contains(&slot.to_string())))
                .collect();
            let filled = fresh.iter().flat_map(|due| due.fills(programme));
            ledger.extend(filled.map(|slot| slot.to_string()));
            if !fresh.is_empty() {
                each(on, &follower, &fresh);
            }
        }
        on = on + 1;
    }
}

/// One family as it stands in the register, with its journey and what the ledger holds of it.
#[derive(Debug, Clone)]
pub struct Journey {
    /// The subscription.
    pub follower: Follower,
    /// The messages that its dates bring, from registration on.
    pub letters: Vec<JourneyLetter>,
    /// What became of each slot that was reserved, with its day, by slot in stored form.
    pub ledger: BTreeMap<String, (Day, Explained)>,
}

/// The calendar of one family: what its dates bring and what was sent; `None` where the tenant has no such subscription.
pub fn journey(env: &Env, tenant: &Tenant, subscription: SubscriptionId) -> Result<Option<Journey>, EngineError> {
    let scope = tenant.scope();
    let Some(follower) = env.db.read(|tx| people::one(tx, &env.keys, scope, subscription))? else {
        return Ok(None);
    };
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let rows = env.db.read(|tx| runs::all_of_subscription(tx, scope, subscription))?;
    let family = Family {
        due: follower.anchor.due(),
        birth: follower.anchor.birth(),
        registered: follower.registered_on,
        area: follower.area.clone(),
        language: follower.language.clone(),
    };
    let letters = letters(&loaded.programme, &loaded.library, &family);
    let ledger = rows
        .iter()
        .map(|row| (row.slot.clone(), (row.day, explained(row))))
        .collect();
    Ok(Some(Journey {
        follower,
        letters,
        ledger,
    }))
}

fn journey_rows(programme: &Programme, library: &Library, follower: &Follower, on: Day, due: &Due) -> Vec<JourneyDay> {
    let stage = stage_label(&follower.anchor, on, &programme.settings.customs);
    let row = |article: String, due: &Due| {
        let part = Part {
            follower,
            due: std::slice::from_ref(due),
        };
        let draft = compose(programme, library, on, &[part]);
        JourneyDay {
            on,
            slot: due.slot.place(),
            track: due.slot.track().to_owned(),
            article,
            stage: stage.clone(),
            text: words(&draft),
        }
    };
    if due.items.is_empty() {
        return vec![row(String::new(), due)];
    }
    let names = articles(programme, due);
    due.items
        .iter()
        .zip(names)
        .map(|(item, article)| {
            row(
                article,
                &Due {
                    items: vec![*item],
                    ..due.clone()
                },
            )
        })
        .collect()
}

/// The articles alone: the stage is told beside them, desks and links belong to the whole message.
fn words(draft: &Draft) -> String {
    let articles = draft
        .sections
        .iter()
        .map(|section| format!("{}\n{}", section.title, body::plain(&section.blocks)));
    articles.collect::<Vec<_>>().join("\n\n")
}

fn invented(anchor: Anchor, family: &Family) -> Follower {
    Follower {
        subscriber: SubscriberId::new(Uuid::nil()),
        subscription: SubscriptionId::new(Uuid::nil()),
        anchor,
        nickname: None,
        registered_on: family.registered,
        resumed_on: None,
        area: family.area.clone(),
        language: family.language.clone(),
        state: SubscriptionState::Active,
        reach: Reach::At {
            point: PointId::new(Uuid::nil()),
            account: AccountId::new(Uuid::nil()),
        },
        has_siblings: false,
        hour: None,
    }
}

/// The next message that somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// The day on which it comes.
    pub on: Day,
    /// What it says.
    pub draft: Draft,
}

/// The next message of a subscription on or after a day, as its dates bring it; `None` where none comes within a year.
///
/// A block or a pause is not asked about: whoever reads this has just registered, or is about to go on.
pub fn ahead(env: &Env, tenant: &Tenant, follower: &Follower, from: Day) -> Result<Option<Ahead>, EngineError> {
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let family = Family {
        due: None,
        birth: None,
        registered: follower.registered_on,
        area: follower.area.clone(),
        language: follower.language.clone(),
    };
    let asked = invented(follower.anchor, &family);
    let Some(on) = next_due(&loaded.programme, from, NEXT_DAYS_MAX, &asked) else {
        return Ok(None);
    };
    let due = judge(&loaded.programme, on, &[], &asked).due;
    let part = Part {
        follower: &asked,
        due: &due,
    };
    let draft = compose(&loaded.programme, &loaded.library, on, &[part]);
    Ok(Some(Ahead { on, draft }))
}

/// Today's words of one reader: those that were sent, else those that the dates bring; `None` where there are none.
pub fn today_of(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Option<Draft>, EngineError> {
    let (scope, day) = (tenant.scope(), run::today(env, tenant)?);
    let family = env.db.read(|tx| people::of_subscriber(tx, &env.keys, scope, reader))?;
    for follower in &family {
        let deliveries = env
            .db
            .read(|tx| runs::of_subscription(tx, scope, follower.subscription, day))?;
        if let Some(sent) = deliveries.iter().find(|delivery| delivery.outcome.is_none()) {
            return Ok(env.db.read(|tx| runs::cohort(tx, &env.keys, scope, sent.cohort))?);
        }
    }
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let due = |follower: &Follower| {
        let asked = Follower {
            resumed_on: None,
            ..follower.clone()
        };
        let mut due = judge(&loaded.programme, day, &[], &asked).due;
        due.retain(|due| matches!(due.slot, Slot::Stage { .. } | Slot::Dated { .. }));
        due
    };
    let parts: Vec<(&Follower, Vec<Due>)> = family
        .iter()
        .map(|follower| (follower, due(follower)))
        .filter(|(_, due)| !due.is_empty())
        .collect();
    let parts: Vec<Part<'_>> = parts.iter().map(|(follower, due)| Part { follower, due }).collect();
    Ok((!parts.is_empty()).then(|| compose(&loaded.programme, &loaded.library, day, &parts)))
}

/// The words that were sent to one reader before today, the latest first, at most so many days.
pub fn past_of(env: &Env, tenant: &Tenant, reader: SubscriberId, days: usize) -> Result<Vec<Draft>, EngineError> {
    let (scope, today) = (tenant.scope(), run::today(env, tenant)?);
    Ok(env.db.read(|tx| {
        let mut sent = BTreeMap::new();
        for follower in people::of_subscriber(tx, &env.keys, scope, reader)? {
            let rows = runs::all_of_subscription(tx, scope, follower.subscription)?;
            let past = rows
                .into_iter()
                .filter(|row| row.passed && row.outcome.is_none() && row.day < today);
            sent.extend(past.map(|row| (row.day, row.cohort)));
        }
        let latest = sent.into_values().rev().take(days);
        let drafts: Result<Vec<Option<Draft>>, _> = latest
            .map(|cohort| runs::cohort(tx, &env.keys, scope, cohort))
            .collect();
        Ok(drafts?.into_iter().flatten().collect())
    })?)
}

/// One delivery in the ledger, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The slot in stored form.
    pub slot: String,
    /// `sent`, `waiting`, `in-flight`, `unknown`, `skipped:…`, `failed:…`, `held`.
    pub state: String,
    /// The provider's words, if any.
    pub detail: Option<String>,
    /// Attempts so far.
    pub attempt: i64,
}

/// Why a family gets, got or did not get something on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// Code of the tenant.
    pub tenant: String,
    /// The subscription.
    pub subscription: String,
    /// The day.
    pub day: Day,
    /// Where the family stands on that day.
    pub standing: Standing,
    /// The stage as the reader sees it.
    pub stage: String,
    /// The arithmetic behind the stage, in words.
    pub arithmetic: String,
    /// Time of day from which this reader's messages leave: `08:00`.
    pub leaves: String,
    /// Slots that the dates make due.
    pub due: Vec<PlannedRow>,
    /// Reasons why something or everything is left out.
    pub skipped: Vec<String>,
    /// What the ledger holds for this day.
    pub deliveries: Vec<Explained>,
    /// Requests to the provider that carried them, in order, where the provider gives each an id.
    pub requests: Vec<AskedFor>,
    /// Slots due today that were reserved on another day, with that day.
    pub sent_on: BTreeMap<String, Day>,
    /// The next day with something due after this one.
    pub next_on: Option<Day>,
}

/// One request to a provider, for looking it up there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedFor {
    /// When the answer was there: RFC 3339.
    pub at: String,
    /// Which request: `push`, `multicast`.
    pub name: String,
    /// HTTP status; 0 where no answer came.
    pub status: i64,
    /// The provider's id of the request.
    pub reference: String,
}

/// Explains one family's day.
pub fn why(env: &Env, tenant: &Tenant, subscription: &str, day: Day) -> Result<Why, EngineError> {
    let unknown = || EngineError::NoSubscription(subscription.to_owned());
    let id: SubscriptionId = subscription.parse().map_err(|_| unknown())?;
    let scope = tenant.scope();
    let follower = env
        .db
        .read(|tx| people::one(tx, &env.keys, scope, id))?
        .ok_or_else(unknown)?;
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let today = run::today(env, tenant)?;
    let behind = in_tx(env, |tx| planner::behind(tx, tenant, day, today))?;
    let verdict = judge(&loaded.programme, day, &behind, &follower);
    let customs = &tenant.settings.customs;
    let ledger = env.db.read(|tx| runs::of_subscription(tx, scope, id, day))?;
    let calls = env.db.read(|tx| runs::calls_of(tx, scope, id, day))?;
    let mut sent_on = BTreeMap::new();
    for due in &verdict.due {
        let slot = due.slot.to_string();
        let other = env
            .db
            .read(|tx| runs::of_slot(tx, scope, id, &slot))?
            .filter(|delivery| delivery.day != day);
        sent_on.extend(other.map(|delivery| (slot, delivery.day)));
    }
    let channel = match follower.reach {
        Reach::At { account, .. } => env
            .db
            .read(|tx| tenants::account_by_id(tx, &env.keys, account))?
            .map(|account| account.channel),
        Reach::Silent(_) => None,
    };
    let stage = stage_label(&follower.anchor, day, customs);
    let leaves = leaves(tenant, &follower)?;
    Ok(Why {
        tenant: tenant.code.clone(),
        subscription: subscription.to_owned(),
        day,
        standing: standing(&follower.anchor, day, customs),
        arithmetic: arithmetic(&follower.anchor, day, *customs),
        due: verdict
            .due
            .iter()
            .map(|due| PlannedRow {
                subscription: subscription.to_owned(),
                slot: due.slot.place(),
                key: due.slot.to_string(),
                track: due.slot.track().to_owned(),
                channel: channel.clone().unwrap_or_default(),
                stage: stage.clone(),
                leaves: leaves.clone(),
                articles: articles(&loaded.programme, due),
            })
            .collect(),
        stage,
        leaves,
        skipped: verdict.skipped.iter().map(|reason| reason.code().to_owned()).collect(),
        deliveries: ledger.iter().map(explained).collect(),
        requests: calls
            .into_iter()
            .map(|call| AskedFor {
                at: call.at.to_string(),
                name: call.name,
                status: call.status,
                reference: call.reference,
            })
            .collect(),
        sent_on,
        next_on: next_due(&loaded.programme, day + 1, NEXT_DAYS_MAX, &follower),
    })
}

fn explained(delivery: &runs::Delivery) -> Explained {
    let state = match (&delivery.outcome, delivery.batch_state.as_str()) {
        (Some(outcome), _) => outcome.clone(),
        (None, _) if delivery.passed => "sent".to_owned(),
        (None, _) if delivery.in_flight => "in-flight".to_owned(),
        (None, "held") => "held".to_owned(),
        (None, "done") => "given-up".to_owned(),
        (None, _) => "waiting".to_owned(),
    };
    Explained {
        slot: delivery.slot.clone(),
        state,
        detail: delivery.detail.clone(),
        attempt: delivery.attempt,
    }
}

/// How the stage follows from the dates, so that anybody can check it with a calendar.
fn arithmetic(anchor: &Anchor, day: Day, customs: Customs) -> String {
    match anchor {
        Anchor::Due(due) => {
            let left = *due - day;
            let gestation = age::DUE_AT - left;
            format!(
                "{} - ({due} - {day}) = {} - {left} = {gestation} = {}w{}d",
                age::DUE_AT,
                age::DUE_AT,
                gestation.div_euclid(7),
                gestation.rem_euclid(7)
            )
        }
        Anchor::Birth { on, due } => {
            let days = day - *on;
            let months = age::completed_months(*on, day, customs.leap_birthday);
            let months = months
                .map(|months| format!(", {months} completed months"))
                .unwrap_or_default();
            let corrected = age::corrected_days(*on, *due, day);
            let corrected = corrected
                .map(|days| format!(", corrected {days} days"))
                .unwrap_or_default();
            format!("{day} - {on} = {days} days{months}{corrected}")
        }
    }
}
