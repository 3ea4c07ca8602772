//! Events of LINE: durable first, answered then, worked off afterwards.
//!
//! One thread writes what all requests bring, so that one disk sync answers many of them. Working off changes state by
//! the event's own time, so that a repeat or a disorder changes nothing; a process that dies in between leaves events
//! that wait.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::line::webhook::{self, Envelope};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, SubscriberId, TenantId};
use kizuna_domain::people::{Follower, PointState, SubscriptionState};
use kizuna_store::line::{self, NewEvent, Waiting};
use kizuna_store::tenants::{self, Account, Tenant};
use kizuna_store::{ReadTx, Scope, StoreError, WriteTx, erase, people};
use uuid::Uuid;

use super::forward;
use super::identity::{self, Purpose};
use super::talk::{self, Answer, Effect, State, Who};
use crate::actions::{Actor, Note, people as readers};
use crate::env::Env;
use crate::error::EngineError;
use crate::links::{self, Holder};
use crate::run;

/// Requests that wait for the disk; more are told to come again.
const PARCELS_MAX: usize = 256;
/// Requests gathered into one transaction.
const GATHER_MAX: usize = 64;
/// Events worked off in one transaction.
const PAGE: usize = 100;
/// Attempts at an event before it is put aside.
const TRIES_MAX: i64 = 10;
/// How long after its arrival an event may still be answered: a reply token lives one minute.
const REPLY_WITHIN: SignedDuration = SignedDuration::from_secs(50);
/// How long a body waits for another tool.
const FORWARD_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A request to the webhook as it came.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The header with the signature; empty where it is missing.
    pub signature: &'a [u8],
    /// True where a tool passed it on.
    pub has_hopped: bool,
    /// The raw body.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// No such tenant, or it has no LINE account.
    Unknown,
    /// Not signed by LINE, nor by the tool that passes on to us; nothing was read.
    Forged,
    /// Signed, and yet no webhook.
    Unreadable,
    /// A call without events, with which LINE tries the connection.
    Empty,
    /// Handed in; durable when `told` hears so.
    Waits,
    /// Too much waits: LINE may come again.
    Full,
}

/// What one request brought, proved.
struct Parcel {
    scope: Scope,
    account: AccountId,
    events: Vec<Envelope>,
    /// The body as it came, where it is to be passed on.
    forward: Option<String>,
    /// Told whether everything is durable.
    told: Box<dyn FnOnce(bool) + Send>,
}

/// Where requests hand in what they brought; the thread behind it ends with the last of these.
#[derive(Debug, Clone)]
pub struct Inbox {
    parcels: SyncSender<Parcel>,
    refused: Arc<AtomicU64>,
}

impl Inbox {
    /// Starts the thread that writes.
    pub fn start(env: &Arc<Env>) -> io::Result<Inbox> {
        let (parcels, receiver) = sync_channel(PARCELS_MAX);
        let env = Arc::clone(env);
        thread::Builder::new()
            .name("kizuna-inbox".to_owned())
            .spawn(move || write(&env, &receiver))?;
        Ok(Inbox {
            parcels,
            refused: Arc::default(),
        })
    }

    /// Receives a request: proves it, reads it, hands it in. `told` hears later whether it is durable, and only
    /// where the answer is [`Received::Waits`].
    pub fn receive(
        &self,
        env: &Env,
        tenant: &str,
        request: &Request<'_>,
        told: Box<dyn FnOnce(bool) + Send>,
    ) -> Result<Received, EngineError> {
        let found = env.db.read(|tx| {
            let Some(tenant) = tenants::by_code(tx, tenant)? else {
                return Ok(None);
            };
            tenants::account(tx, &env.keys, tenant.scope(), line::CHANNEL)
        })?;
        let Some(account) = found else {
            return Ok(Received::Unknown);
        };
        let is_signed = |name: &str| {
            let secret = account.secrets.get(name).map_or("", String::as_str);
            webhook::is_signed(secret, request.body, request.signature)
        };
        // Both are tried, so that nothing shows which of the two secrets an account has.
        let (by_line, by_tool) = (is_signed("channel_secret"), is_signed("forward_secret"));
        if !by_line && !by_tool {
            self.refuse();
            return Ok(Received::Forged);
        }
        let Ok(events) = webhook::open(request.body) else {
            return Ok(Received::Unreadable);
        };
        if events.is_empty() {
            return Ok(Received::Empty);
        }
        let passes_on = by_line && !request.has_hopped && forward::destination(&account).is_some();
        let body = || String::from_utf8(request.body.to_vec()).ok();
        let parcel = Parcel {
            scope: Scope::of(account.tenant),
            account: account.id,
            events,
            forward: if passes_on { body() } else { None },
            told,
        };
        match self.parcels.try_send(parcel) {
            Ok(()) => Ok(Received::Waits),
            Err(_) => Ok(Received::Full),
        }
    }

    /// Counts a request whose signature was wrong; the log hears of the first, second, fourth, eighth and so on.
    fn refuse(&self) {
        let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if refused.is_power_of_two() {
            tracing::warn!(refused, "webhooks came with a wrong signature");
        }
    }

    /// Requests whose signature was wrong since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn write(env: &Env, parcels: &Receiver<Parcel>) {
    while let Ok(first) = parcels.recv() {
        let mut gathered = vec![first];
        while gathered.len() < GATHER_MAX {
            let Ok(next) = parcels.try_recv() else { break };
            gathered.push(next);
        }
        let together = gathered.iter().collect::<Vec<_>>();
        let kept = keep(env, &together).is_ok();
        for parcel in gathered {
            // One that cannot be kept must not take the others with it.
            let kept = kept || {
                let alone = keep(env, &[&parcel]);
                if let Err(error) = &alone {
                    tracing::error!(%error, account = %parcel.account, "what came in from LINE could not be kept");
                }
                alone.is_ok()
            };
            (parcel.told)(kept);
        }
    }
}

fn keep(env: &Env, parcels: &[&Parcel]) -> Result<(), StoreError> {
    let now = env.clock.now();
    let expires = now.checked_add(FORWARD_WITHIN).unwrap_or(Timestamp::MAX);
    env.write(|tx| {
        for parcel in parcels {
            let mut is_new = false;
            for event in &parcel.events {
                let new = NewEvent {
                    id: env.ids.next(),
                    event_id: &event.id,
                    message: event.message.as_deref(),
                    arrived_at: now,
                    body: &event.words,
                };
                is_new |= line::add_event(tx, &env.keys, parcel.scope, &new)?;
            }
            // What came before was passed on before: two tools that pass everything on do not go round in circles.
            if let Some(body) = parcel.forward.as_ref().filter(|_| is_new) {
                let id = env.ids.next();
                line::add_forward(tx, &env.keys, parcel.scope, id, parcel.account, body, now, expires)?;
            }
        }
        Ok(())
    })
}

/// A reply that is still to be said.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(super) tenant: Tenant,
    pub(super) account: Account,
    pub(super) token: String,
    pub(super) until: Timestamp,
    pub(super) answer: Answer,
    pub(super) reader: Option<SubscriberId>,
    /// The token in the address of the page that the answer leads to.
    pub(super) token_of_page: Option<String>,
}

/// A tenant with its LINE account, as one step reads it.
enum Town {
    Here {
        tenant: Box<Tenant>,
        account: Box<Account>,
        today: Day,
    },
    /// The tenant or its account was taken away: what came for it is of no use.
    Gone,
    /// It cannot be read now: what came for it waits.
    Broken,
}

/// Works off everything that waits; hands on what is to be said, and says how many events there were.
pub fn step(env: &Env, each: &mut dyn FnMut(Reply)) -> Result<usize, EngineError> {
    let mut towns: HashMap<TenantId, Town> = HashMap::new();
    let mut after = Uuid::nil();
    let mut worked = 0;
    while !env.stop.is_pressed() {
        let page = env.db.read(|tx| line::waiting_after(tx, &env.keys, after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.id;
        worked += page.len();
        for waiting in &page {
            towns.entry(waiting.tenant).or_insert_with(|| town(env, waiting.tenant));
        }
        let replies = match work_off(env, &towns, &page) {
            Ok(replies) => replies,
            // One that fails must not keep the others.
            Err(_) => page
                .iter()
                .flat_map(|waiting| one_by_one(env, &towns, waiting))
                .collect(),
        };
        replies.into_iter().for_each(&mut *each);
    }
    Ok(worked)
}

fn town(env: &Env, tenant: TenantId) -> Town {
    let scope = Scope::of(tenant);
    let found = env.db.read(|tx| {
        let tenant = tenants::by_id(tx, scope)?;
        Ok(tenant.zip(tenants::account(tx, &env.keys, scope, line::CHANNEL)?))
    });
    let here = found.map_err(EngineError::from).and_then(|found| {
        let Some((tenant, account)) = found else {
            return Ok(Town::Gone);
        };
        Ok(Town::Here {
            today: run::today(env, &tenant)?,
            tenant: Box::new(tenant),
            account: Box::new(account),
        })
    });
    here.unwrap_or_else(|error| {
        tracing::error!(%error, %tenant, "a tenant cannot be read; what came in for it waits");
        Town::Broken
    })
}

fn work_off(env: &Env, towns: &HashMap<TenantId, Town>, page: &[Waiting]) -> Result<Vec<Reply>, StoreError> {
    env.write(|tx| {
        let mut replies = Vec::new();
        for waiting in page {
            match towns.get(&waiting.tenant) {
                Some(Town::Here { tenant, account, today }) => {
                    replies.extend(apply(env, tx, (tenant, account, *today), waiting)?);
                }
                Some(Town::Gone) => {
                    line::done(tx, waiting.id)?;
                }
                Some(Town::Broken) | None => {}
            }
        }
        Ok(replies)
    })
}

fn one_by_one(env: &Env, towns: &HashMap<TenantId, Town>, waiting: &Waiting) -> Vec<Reply> {
    match work_off(env, towns, std::slice::from_ref(waiting)) {
        Ok(replies) => replies,
        Err(error) => {
            let is_last = waiting.tries + 1 >= TRIES_MAX;
            tracing::error!(%error, event = %waiting.id, is_last, "an event of LINE could not be worked off");
            let noted = env.write(|tx| {
                if is_last {
                    line::done(tx, waiting.id)?;
                }
                line::failed(tx, waiting.id)
            });
            if let Err(error) = noted {
                tracing::error!(%error, "the failure could not be noted");
            }
            Vec::new()
        }
    }
}

/// Who speaks, as the register knows them at this moment.
fn who(
    env: &Env,
    tx: &mut ReadTx<'_>,
    scope: Scope,
    user: &str,
    point: Option<people::Point>,
) -> Result<Who, StoreError> {
    let Some(point) = point else {
        // Also when the record of somebody who stopped was erased, nobody asks them to register.
        let is_former = erase::is_former(tx, &env.keys, scope, line::CHANNEL, user)?;
        return Ok(if is_former { Who::Former } else { Who::Unknown });
    };
    let following = people::of_subscriber(tx, &env.keys, scope, point.subscriber)?;
    let is_paused = |follower: &Follower| follower.state == SubscriptionState::Paused;
    Ok(match following.as_slice() {
        [] => Who::Former,
        all if all.iter().all(is_paused) => Who::Resting,
        _ => Who::Reader,
    })
}

/// Does what follows from one event and erases its words, in one transaction.
fn apply(
    env: &Env,
    tx: &mut WriteTx<'_>,
    town: (&Tenant, &Account, Day),
    waiting: &Waiting,
) -> Result<Vec<Reply>, StoreError> {
    // First, so that of two processes only one goes on.
    if !line::done(tx, waiting.id)? {
        return Ok(Vec::new());
    }
    let event = waiting.body.as_deref().and_then(webhook::read);
    let Some((event, user)) = event.and_then(|event| event.user.clone().map(|user| (event, user))) else {
        return Ok(Vec::new());
    };
    let (tenant, account, today) = town;
    let scope = tenant.scope();
    let point = line::point(tx, &env.keys, scope, &user)?;
    let who = who(env, tx, scope, &user, point)?;
    let state = State {
        who,
        friendship: line::friendship(tx, &env.keys, scope, &user)?,
        is_blocked: point.is_some_and(|point| point.state == PointState::Blocked),
        replies: talk::Replies::of(account.settings.get("replies").map(String::as_str)),
        arrived_at: waiting.arrived_at,
    };
    let note = |action| Note::new(env, Actor::Reader, Some(scope), action);
    let is_retired = point.is_some_and(|point| point.state == PointState::Retired);
    let mut said = Vec::new();
    for effect in talk::decide(&event, &state) {
        match (effect, point.map(|point| (point.subscriber, point.id))) {
            (Effect::SetFriend(friendship), _) => {
                line::put_friendship(tx, &env.keys, scope, &user, friendship)?;
            }
            // Whoever receives in another way is a friend here or not without any consequence.
            (Effect::Block | Effect::Unblock, Some(_)) if is_retired => {}
            (Effect::Block, Some(reader)) => {
                readers::block(tx, &env.keys, scope, reader, &note("reader.block"))?;
            }
            (Effect::Unblock, Some(reader)) => readers::unblock(tx, scope, reader, today, &note("reader.unblock"))?,
            (Effect::Stop(said_at), Some((reader, _))) => {
                readers::stop_said(env, tx, scope, reader, said_at, &note("reader.stop"))?;
            }
            (Effect::Restart, Some((reader, _))) => {
                readers::restart(tx, &env.keys, scope, reader, today, &note("reader.restart"))?;
            }
            (Effect::Block | Effect::Unblock | Effect::Stop(_) | Effect::Restart, None) => {}
            (Effect::Erase(message), _) => {
                // What the message asked for is done before its words go; nothing is said about it.
                for other in line::waiting_of_message(tx, &env.keys, scope, &message)? {
                    apply(env, tx, town, &other)?;
                }
            }
            (Effect::Reply(answer), reader) => {
                let until = waiting.arrived_at.checked_add(REPLY_WITHIN).unwrap_or(Timestamp::MAX);
                let now = env.clock.now();
                // Its token has died: what is not said now is not said at a price later.
                let Some(token) = event.reply_token.clone().filter(|_| now < until) else {
                    continue;
                };
                let reader = reader
                    .map(|(reader, _)| reader)
                    .filter(|_| matches!(who, Who::Resting | Who::Reader));
                let token_of_page = match answer.needs(reader) {
                    None => None,
                    Some(Need::Registration) => {
                        let (id, purpose) = (env.ids.next(), Purpose::Register);
                        Some(identity::issue(tx, &env.keys, scope, id, purpose, &user, now)?)
                    }
                    Some(Need::OwnPage(reader)) => {
                        let holder = Holder::of(tx, scope, reader)?;
                        Some(links::fresh_own_token(&env.keys, scope.tenant(), holder, today))
                    }
                };
                said.push(Reply {
                    tenant: tenant.clone(),
                    account: account.clone(),
                    token,
                    until,
                    answer,
                    reader,
                    token_of_page,
                });
            }
        }
    }
    Ok(said)
}

/// The page that an answer leads to.
enum Need {
    Registration,
    OwnPage(SubscriberId),
}

impl Answer {
    /// What link it carries; whoever has no page of their own is led to the registration.
    fn needs(self, reader: Option<SubscriberId>) -> Option<Need> {
        match self {
            Answer::Greeting | Answer::Register(_) => Some(Need::Registration),
            Answer::Birth | Answer::Date | Answer::Settings => Some(reader.map_or(Need::Registration, Need::OwnPage)),
            Answer::Today if reader.is_none() => Some(Need::Registration),
            Answer::Invite | Answer::Resting => reader.map(Need::OwnPage),
            Answer::WelcomeBack
            | Answer::Quiet
            | Answer::Stopped
            | Answer::Today
            | Answer::Past
            | Answer::Desks
            | Answer::Support
            | Answer::Restarted
            | Answer::Listening => None,
        }
    }
}
