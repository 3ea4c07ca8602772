//! Registrations and what readers do with them; stopping comes before everything else.

use std::collections::{BTreeMap, HashMap};

use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{EndReason, PointState, SkipReason, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::roster::{self, RosterRow, RowProblem};
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{Scope, StoreError, WriteTx};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;

/// Rows that one transaction of an import writes.
const ROWS_PER_WRITE: usize = 500;

/// A row of a list, as its cells by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Line in the file.
    pub line: usize,
    /// Cells by the column names of [`roster::COLUMNS`].
    pub cells: BTreeMap<&'static str, String>,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Line in the file.
    pub line: usize,
    /// Why, and what to do.
    pub problem: RowProblem,
}

/// What an import would do, or did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Rows that become new registrations.
    pub new: usize,
    /// Rows that are registered already with the same dates.
    pub known: usize,
    /// Rows that were not taken, each with its reason.
    pub rejected: Vec<Rejected>,
    accepted: Vec<RosterRow>,
}

/// Checks a list without writing anything: every rejected row with its line, reason and fix.
pub fn check_list(env: &Env, tenant: &Tenant, rows: &[ListRow], today: Day) -> Result<Checked, EngineError> {
    let scope = tenant.scope();
    let channels: Vec<String> = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, scope))?
        .into_iter()
        .map(|account| account.channel)
        .collect();
    let mut checked = Checked::default();
    let mut in_list: HashMap<(String, String, Anchor), usize> = HashMap::new();
    env.db.read(|tx| {
        for row in rows {
            let mut reject = |problem: RowProblem| checked.rejected.push(Rejected { line: row.line, problem });
            let read = match roster::read(&row.cells, today) {
                Ok(read) => read,
                Err(problems) => {
                    problems.into_iter().for_each(&mut reject);
                    continue;
                }
            };
            if !channels.contains(&read.channel) {
                reject(RowProblem {
                    column: "channel",
                    reason: "この配信手段は、まだ使えるようになっていません",
                    fix: "kizuna.toml にアカウントを書くか、列の値を直してください",
                    reason_en: "this channel is not set up",
                    fix_en: "write the account into kizuna.toml or mend the column",
                });
                continue;
            }
            let address = kizuna_domain::text::fold(&read.address);
            if in_list.insert((read.channel.clone(), address, read.anchor), row.line).is_some() {
                reject(RowProblem {
                    column: "address",
                    reason: "同じ宛先と日付の行が、上にもあります",
                    fix: "一つだけ残してください（ふたごは一つの登録です）",
                    reason_en: "the same address and date stand in an earlier row",
                    fix_en: "keep one of them (twins are one registration)",
                });
                continue;
            }
            let suppressed = people::suppression(tx, &env.keys, scope, &read.channel, &read.address)?;
            if suppressed.is_some() && read.address_state != PointState::Suppressed {
                reject(RowProblem {
                    column: "address",
                    reason: "この宛先は、届かない・受け取らない記録があります",
                    fix: "本人に別の宛先を確かめてください",
                    reason_en: "this address refused messages before",
                    fix_en: "ask the reader for another address",
                });
                continue;
            }
            let known = match people::by_address(tx, &env.keys, scope, &read.channel, &read.address)? {
                Some(reader) => people::of_subscriber(tx, &env.keys, scope, reader)?
                    .iter()
                    .any(|follower| follower.anchor == read.anchor),
                None => false,
            };
            if known {
                checked.known += 1;
            } else {
                checked.new += 1;
                checked.accepted.push(read);
            }
        }
        Ok(())
    })?;
    Ok(checked)
}

/// Writes what [`check_list`] accepted; says how many registrations were added.
pub fn import_list(env: &Env, tenant: &Tenant, checked: &Checked) -> Result<usize, EngineError> {
    let scope = tenant.scope();
    let accounts: HashMap<String, AccountId> = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, scope))?
        .into_iter()
        .map(|account| (account.channel, account.id))
        .collect();
    let mut added = 0;
    for chunk in checked.accepted.chunks(ROWS_PER_WRITE) {
        let note = Note::new(env, Actor::CommandLine, Some(scope), "readers.import");
        added += env.db.write(|tx| {
            let mut added = 0;
            for row in chunk {
                let Some(account) = accounts.get(&row.channel) else { continue };
                added += usize::from(add(env, tx, scope, *account, row)?);
            }
            tenants::touch(tx, scope)?;
            note.write(tx, "list", &format!("added={added}"))?;
            Ok(added)
        })?;
    }
    Ok(added)
}

fn add(
    env: &Env,
    tx: &mut WriteTx<'_>,
    scope: Scope,
    account: AccountId,
    row: &RosterRow,
) -> Result<bool, StoreError> {
    let known = people::by_address(tx, &env.keys, scope, &row.channel, &row.address)?;
    let subscriber = match known {
        Some(subscriber) => subscriber,
        None => add_reader(env, tx, scope, account, row)?,
    };
    if people::of_subscriber(tx, &env.keys, scope, subscriber)?.iter().any(|f| f.anchor == row.anchor) {
        return Ok(false);
    }
    let new = NewSubscription {
        id: row.subscription.unwrap_or_else(|| SubscriptionId::new(env.ids.next())),
        subscriber,
        anchor: row.anchor,
        nickname: row.nickname.clone(),
        registered_on: row.registered_on,
        state: row.state,
    };
    people::add_subscription(tx, &env.keys, scope, &new)?;
    people::refresh_reach(tx, scope, subscriber)?;
    Ok(true)
}

fn add_reader(
    env: &Env,
    tx: &mut WriteTx<'_>,
    scope: Scope,
    account: AccountId,
    row: &RosterRow,
) -> Result<SubscriberId, StoreError> {
    let now = env.clock.now();
    let id = row.subscriber.unwrap_or_else(|| SubscriberId::new(env.ids.next()));
    let subscriber = NewSubscriber {
        id,
        reference: row.reference.clone(),
        relation: row.relation,
        language: row.language.clone(),
        area: row.area.clone(),
        registered_at: now,
    };
    people::add_subscriber(tx, scope, &subscriber)?;
    let point = NewPoint {
        id: PointId::new(env.ids.next()),
        subscriber: id,
        account,
        channel: row.channel.clone(),
        address: row.address.clone(),
        state: row.address_state,
    };
    people::add_point(tx, &env.keys, scope, &point)?;
    if row.address_state == PointState::Suppressed {
        people::suppress(tx, scope, point.id, "imported", now)?;
    }
    let wording = row.consent_wording.as_deref().unwrap_or("imported");
    let at = row.consent_at.unwrap_or(now);
    people::add_consent(tx, scope, env.ids.next(), id, "messages", wording, "import", at)?;
    Ok(id)
}

/// Stops everything for one reader, at once and without asking why.
///
/// What waits in the outbox is recalled in the same transaction; a second press changes nothing and succeeds.
pub fn stop(env: &Env, scope: Scope, reader: SubscriberId, actor: Actor) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), "reader.stop");
    env.db.write(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        for follower in &following {
            let ended = (SubscriptionState::Ended, Some(EndReason::Stopped));
            people::set_state(tx, scope, follower.subscription, ended.0, ended.1)?;
            runs::recall(tx, scope, follower.subscription, Recall::Silence(SkipReason::Stopped))?;
        }
        people::withdraw_consents(tx, scope, reader, note.at)?;
        if !following.is_empty() {
            people::refresh_reach(tx, scope, reader)?;
            tenants::touch(tx, scope)?;
        }
        note.write(tx, &reader.to_string(), "")
    })?;
    Ok(())
}

/// Writes a corrected due date or a reported birth; today's plan follows from the new dates.
pub fn move_anchor(
    env: &Env,
    scope: Scope,
    subscription: SubscriptionId,
    anchor: Anchor,
    actor: Actor,
) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), "subscription.dates");
    env.db.write(|tx| {
        people::move_anchor(tx, scope, subscription, &anchor)?;
        runs::recall(tx, scope, subscription, Recall::Replan)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &subscription.to_string(), "")
    })?;
    Ok(())
}

/// Pauses a subscription or lets it go on.
pub fn set_paused(
    env: &Env,
    scope: Scope,
    subscription: SubscriptionId,
    paused: bool,
    actor: Actor,
) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), if paused { "subscription.pause" } else { "subscription.resume" });
    let state = if paused { SubscriptionState::Paused } else { SubscriptionState::Active };
    env.db.write(|tx| {
        match people::one(tx, &env.keys, scope, subscription)?.map(|follower| follower.state) {
            // Whoever stopped comes back by registering again, never by a switch.
            None | Some(SubscriptionState::Ended) => {
                return Err(StoreError::Refused { what: "this subscription has ended; only its reader can begin again" });
            }
            Some(SubscriptionState::Active | SubscriptionState::Paused) => {}
        }
        people::set_state(tx, scope, subscription, state, None)?;
        if paused {
            runs::recall(tx, scope, subscription, Recall::Silence(SkipReason::Paused))?;
        }
        tenants::touch(tx, scope)?;
        note.write(tx, &subscription.to_string(), "")
    })?;
    Ok(())
}
