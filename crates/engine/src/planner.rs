//! Carrying out the plan of one tenant's day: look up, judge, compose, reserve, page by page.
//!
//! The planner is a reconciler. It has no input but the day, may run at any time and any number of times, and
//! a crash between two pages is repaired by the next run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, BatchId, CohortId, NAMESPACE, RunId, SubscriberId, SubscriptionId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::{Follower, Reach, SkipReason};
use kizuna_domain::run::plan::{Due, judge};
use kizuna_store::runs::{NewBatch, NewDelivery};
use kizuna_store::tenants::Tenant;
use kizuna_store::{WriteTx, runs, tenants};
use uuid::Uuid;

use crate::composer::Composer;
use crate::env::Env;
use crate::error::EngineError;
use crate::programme::{self, Loaded};
use crate::walk;

/// Hours for which a day that an operator runs outside its delivery hours may still leave.
const FORCED_HOURS: i64 = 12;
/// Lane of daily messages; lane 0 is for emergencies.
pub const DAILY_LANE: i64 = 1;

/// Whether the delivery hours are respected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hours {
    /// Messages leave in the tenant's delivery hours.
    Respected,
    /// An operator named the day on the command line: messages leave now.
    Forced,
}

/// What planning one tenant's day did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    /// Letters added to the outbox now.
    pub letters: u64,
    /// Slots reserved now.
    pub slots: u64,
    /// Who gets nothing and why, counted over everybody looked at.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// True where nothing had changed since the day was planned.
    pub unchanged: bool,
}

/// When a day's messages may leave.
#[derive(Debug, Clone)]
struct Window {
    opens: Timestamp,
    closes: Timestamp,
    /// When messages leave for those who chose one of the tenant's hours.
    hours: BTreeMap<u8, Timestamp>,
}

impl Window {
    /// When the message of a reader with this hour leaves.
    fn opens_for(&self, hour: Option<u8>) -> Timestamp {
        let chosen = hour.and_then(|hour| self.hours.get(&hour));
        chosen.copied().unwrap_or(self.opens)
    }
}

fn window(tenant: &Tenant, day: Day, hours: Hours, now: Timestamp) -> Result<Window, EngineError> {
    let zone = tenant.settings.zone()?;
    let window = tenant.settings.window()?;
    let closes = window.closes(day, &zone);
    Ok(match hours {
        Hours::Respected => {
            let offered = tenant.settings.choices.hours.iter();
            let opens = |hour: &u8| Some((*hour, window.from_hour(*hour)?.opens(day, &zone).max(now)));
            Window {
                opens: window.opens(day, &zone).max(now),
                closes,
                hours: offered.filter_map(opens).collect(),
            }
        }
        Hours::Forced => {
            let later = now
                .checked_add(SignedDuration::from_hours(FORCED_HOURS))
                .unwrap_or(closes);
            Window {
                opens: now,
                closes: closes.max(later),
                hours: BTreeMap::new(),
            }
        }
    })
}

/// Days before `day` whose run was missed and may still be made up, latest first; a day to come is not missed yet.
pub fn behind(
    tx: &mut kizuna_store::ReadTx<'_>,
    tenant: &Tenant,
    day: Day,
    today: Day,
) -> Result<Vec<Day>, EngineError> {
    let back = i32::from(tenant.settings.catch_up_days);
    if back == 0 {
        return Ok(Vec::new());
    }
    let mut days = runs::missed(tx, tenant.scope(), day - back, day.min(today) - 1)?;
    days.reverse();
    Ok(days)
}

/// Plans one tenant's day into the outbox.
pub fn plan_day(env: &Env, tenant: &Tenant, day: Day, hours: Hours) -> Result<Planned, EngineError> {
    let now = env.clock.now();
    let window = window(tenant, day, hours, now)?;
    let scope = tenant.scope();
    let version = env.db.read(|tx| tenants::version(tx, scope))?;
    let known = env.db.read(|tx| runs::get(tx, scope, day))?;
    if let (Some(run), Hours::Forced) = (&known, hours) {
        // What was planned for the delivery hours leaves with the rest.
        env.db
            .write(|tx| runs::hasten(tx, run.id, window.opens, window.closes))?;
    }
    let is_new = known.is_none();
    if known.is_some_and(|run| run.planned_version == Some(version)) {
        return Ok(Planned {
            unchanged: true,
            ..Planned::default()
        });
    }
    if window.closes <= now {
        return Ok(Planned::default());
    }
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let today = Day::of(now, &tenant.settings.zone()?);
    let behind = in_tx(env, |tx| behind(tx, tenant, day, today))?;
    let run = env
        .db
        .write(|tx| runs::open(tx, scope, RunId::new(env.ids.next()), day, now))?;
    let mut planner = Planner {
        env,
        tenant,
        loaded: &loaded,
        day,
        behind: &behind,
        run: run.id,
        is_new,
        version,
        window,
        one_text: one_text_accounts(env, tenant)?,
        composer: Composer::new(&loaded, day),
        planned: Planned::default(),
    };
    walk::readers(env, tenant, &loaded.programme, day, &behind, &mut |readers| {
        planner.commit(&readers)
    })?;
    if env.stop.is_pressed() {
        // Unfinished: the next run goes on where this one ended.
        return Ok(planner.planned);
    }
    let skipped = planner
        .planned
        .skipped
        .iter()
        .map(|(reason, n)| (reason.code().to_owned(), *n))
        .collect();
    env.db.write(|tx| runs::planned(tx, run.id, version, &skipped))?;
    Ok(planner.planned)
}

/// Reads through an error type of this crate.
pub(crate) fn in_tx<T>(
    env: &Env,
    work: impl FnOnce(&mut kizuna_store::ReadTx<'_>) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let mut inner = None;
    env.db.read(|tx| {
        inner = Some(work(tx));
        Ok(())
    })?;
    inner.unwrap_or_else(|| Err(EngineError::Rule("nothing was read".to_owned())))
}

/// Accounts whose provider carries one text to many, so that a batch may hold one cohort only.
fn one_text_accounts(env: &Env, tenant: &Tenant) -> Result<HashMap<AccountId, (usize, bool)>, EngineError> {
    let accounts = env.db.read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))?;
    let capability = |kind: &str| kizuna_channels::channel(kind).map(kizuna_channels::Channel::capability);
    Ok(accounts
        .into_iter()
        .filter_map(|account| {
            capability(&account.channel).map(|can| (account.id, (can.letters_max, can.one_text_per_batch)))
        })
        .collect())
}

/// What one subscription is due, each with the slots of the ledger that it fills; its own slot comes first.
struct Judged<'a> {
    follower: &'a Follower,
    due: Vec<(Due, Vec<String>)>,
}

/// A letter to be: who reads it, what it says, which slots it fills.
struct Letter {
    subscriber: SubscriberId,
    point: kizuna_domain::ids::PointId,
    account: AccountId,
    cohort: CohortId,
    leaves: Timestamp,
    slots: Vec<(SubscriptionId, String)>,
    /// True where it tells several children apart by name.
    names_children: bool,
}

struct Planner<'a> {
    env: &'a Env,
    tenant: &'a Tenant,
    loaded: &'a Loaded,
    day: Day,
    behind: &'a [Day],
    run: RunId,
    /// True where nobody has anything of this day in the ledger yet.
    is_new: bool,
    version: i64,
    window: Window,
    one_text: HashMap<AccountId, (usize, bool)>,
    composer: Composer<'a>,
    planned: Planned,
}

impl Planner<'_> {
    /// Judges readers, asks the ledger, composes and reserves, in one transaction that is repeated on a lost race.
    fn commit(&mut self, readers: &[Vec<Follower>]) -> Result<(), EngineError> {
        if readers.is_empty() {
            return Ok(());
        }
        let mut judged: Vec<Judged<'_>> = Vec::new();
        for follower in readers.iter().flatten() {
            let verdict = judge(&self.loaded.programme, self.day, self.behind, follower);
            // Whoever has a letter of this day is told of by what became of it.
            if !verdict.due.is_empty() || !self.has_letter(follower)? {
                for reason in verdict.skipped {
                    *self.planned.skipped.entry(reason).or_default() += 1;
                }
            }
            let fills = |due: &Due| {
                due.fills(&self.loaded.programme)
                    .iter()
                    .map(ToString::to_string)
                    .collect()
            };
            let due: Vec<(Due, Vec<String>)> = verdict.due.into_iter().map(|due| (due.clone(), fills(&due))).collect();
            if !due.is_empty() {
                judged.push(Judged { follower, due });
            }
        }
        if judged.is_empty() {
            return Ok(());
        }
        let (letters, slots, known) = self.reserve(&judged)?;
        self.planned.letters += letters;
        self.planned.slots += slots;
        if known > 0 {
            *self.planned.skipped.entry(SkipReason::AlreadySent).or_default() += known;
        }
        Ok(())
    }

    fn has_letter(&self, follower: &Follower) -> Result<bool, EngineError> {
        if self.is_new {
            return Ok(false);
        }
        let (scope, day) = (self.tenant.scope(), self.day);
        let deliveries = self
            .env
            .db
            .read(|tx| runs::of_subscription(tx, scope, follower.subscription, day))?;
        Ok(!deliveries.is_empty())
    }

    /// Letters and slots added, and subscriptions whose every slot was reserved before.
    fn reserve(&mut self, judged: &[Judged<'_>]) -> Result<(u64, u64, u64), EngineError> {
        let mut keys: Vec<(SubscriptionId, String)> = Vec::new();
        for Judged { follower, due } in judged {
            keys.extend(
                due.iter()
                    .flat_map(|(_, slots)| slots)
                    .map(|slot| (follower.subscription, slot.clone())),
            );
        }
        let (env, scope) = (self.env, self.tenant.scope());
        let result = env.write(|tx| {
            if !self.behind.is_empty() {
                runs::forget_expired(tx, scope, &keys)?;
            }
            let reserved = runs::reserved(tx, scope, &keys)?;
            let reserved = reserved
                .into_iter()
                .filter_map(|place| keys.get(place).cloned())
                .collect();
            let (letters, drafts, known) = self.letters(judged, reserved);
            for (cohort, draft) in &drafts {
                runs::add_cohort(tx, &env.keys, scope, *cohort, draft)?;
            }
            for letter in letters.iter().filter(|letter| letter.names_children) {
                runs::note_names(tx, scope, letter.subscriber, letter.cohort)?;
            }
            let slots = self.add_batches(tx, &letters)?;
            Ok((letters.len() as u64, slots, known))
        });
        Ok(result?)
    }

    /// Composes the letters of readers whose slots are new; siblings stand next to each other.
    fn letters(
        &mut self,
        judged: &[Judged<'_>],
        mut reserved: HashSet<(SubscriptionId, String)>,
    ) -> (Vec<Letter>, BTreeMap<CohortId, Arc<Draft>>, u64) {
        let mut letters = Vec::with_capacity(judged.len());
        let mut drafts = BTreeMap::new();
        let mut known = 0;
        for family in judged.chunk_by(|a, b| a.follower.subscriber == b.follower.subscriber) {
            let mut parts: Vec<(&Follower, Vec<Due>)> = Vec::with_capacity(family.len());
            let mut slots = Vec::new();
            for Judged { follower, due } in family {
                let (fresh, filled): (Vec<Due>, Vec<Vec<String>>) = due
                    .iter()
                    .filter_map(|(due, slots)| self.fresh(follower.subscription, due, slots, &reserved))
                    .unzip();
                if fresh.is_empty() {
                    known += 1;
                    continue;
                }
                // A slot may be filled twice, by its own day and by ここまでのまとめ: one row holds it.
                let filled = filled.into_iter().flatten().map(|slot| (follower.subscription, slot));
                slots.extend(filled.filter(|key| reserved.insert(key.clone())));
                parts.push((*follower, fresh));
            }
            let Some(first) = family.first().map(|judged| judged.follower) else {
                continue;
            };
            let Reach::At { point, account } = first.reach else {
                continue;
            };
            if !parts.is_empty() {
                let names_children = parts.len() > 1;
                let (cohort, draft) = self.composer.draft(parts);
                drafts.insert(cohort, draft);
                letters.push(Letter {
                    subscriber: first.subscriber,
                    point,
                    account,
                    cohort,
                    leaves: self.window.opens_for(first.hour),
                    slots,
                    names_children,
                });
            }
        }
        (letters, drafts, known)
    }

    /// What of a due slot the ledger does not hold yet, with the slots that it then fills.
    fn fresh(
        &self,
        subscription: SubscriptionId,
        due: &Due,
        slots: &[String],
        reserved: &HashSet<(SubscriptionId, String)>,
    ) -> Option<(Due, Vec<String>)> {
        let is_taken = |slot: String| reserved.contains(&(subscription, slot));
        if let [own] = slots {
            return (!is_taken(own.clone())).then(|| (due.clone(), vec![own.clone()]));
        }
        let programme = &self.loaded.programme;
        let left = due.beside(programme, &mut |slot| is_taken(slot.to_string()))?;
        let slots = left.fills(programme).iter().map(ToString::to_string).collect();
        Some((left, slots))
    }

    /// Splits letters into batches by account, hour and capability and writes ledger and outbox rows.
    fn add_batches(&self, tx: &mut WriteTx<'_>, letters: &[Letter]) -> Result<u64, kizuna_store::StoreError> {
        let mut groups: BTreeMap<(AccountId, Timestamp, Option<CohortId>), Vec<&Letter>> = BTreeMap::new();
        for letter in letters {
            let one_text = self
                .one_text
                .get(&letter.account)
                .is_some_and(|(_, one_text)| *one_text);
            groups
                .entry((letter.account, letter.leaves, one_text.then_some(letter.cohort)))
                .or_default()
                .push(letter);
        }
        let scope = self.tenant.scope();
        let mut slots = 0;
        for ((account, leaves, _), group) in groups {
            let size = self
                .one_text
                .get(&account)
                .map_or(1, |(letters_max, _)| (*letters_max).max(1));
            let mut rows = Vec::new();
            for letters in group.chunks(size) {
                let batch = batch_id(self.run, self.version, letters);
                for (number, letter) in (0..).zip(letters) {
                    rows.extend(letter.slots.iter().map(|(subscription, slot)| NewDelivery {
                        subscription: *subscription,
                        slot: slot.clone(),
                        subscriber: letter.subscriber,
                        point: letter.point,
                        cohort: letter.cohort,
                        batch,
                        number,
                        day: self.day,
                    }));
                }
                let new = NewBatch {
                    id: batch,
                    run: self.run,
                    account,
                    lane: DAILY_LANE,
                    letters: letters.len() as i64,
                    attempt: 0,
                    not_before: leaves,
                    expires: self.window.closes,
                };
                runs::add_batch(tx, scope, &new)?;
            }
            slots += runs::add_deliveries(tx, scope, &rows)?;
        }
        Ok(slots)
    }
}

/// A hash of what a batch carries and of the state it was planned from: the same on every machine.
///
/// The state is part of it because a letter that was recalled for a changed date may come back alone.
fn batch_id(run: RunId, version: i64, letters: &[&Letter]) -> BatchId {
    let mut name = run.bytes().to_vec();
    name.extend(version.to_be_bytes());
    for (subscription, slot) in letters.iter().flat_map(|letter| &letter.slots) {
        name.extend(subscription.bytes());
        name.extend(slot.as_bytes());
        name.push(0);
    }
    BatchId::new(Uuid::new_v5(&NAMESPACE, &name))
}
