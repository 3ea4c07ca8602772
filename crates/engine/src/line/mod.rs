//! What comes in from LINE.
//!
//! | module | does |
//! |---|---|
//! | [`inbox`] | keeps events durably before LINE is answered, and works them off afterwards |
//! | [`talk`] | decides what follows from an event |
//! | [`identity`] | tickets that let somebody register or change their own dates |
//! | [`errand`] | does what somebody went to LINE for once LINE has proved them |
//! | [`login`] | learns from LINE who somebody is, for pages that were not opened from the talk |
//! | [`forward`] | passes bodies on to another tool on the same account |

mod answer;
pub mod errand;
pub mod forward;
pub mod identity;
pub mod inbox;
pub mod login;
pub mod talk;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::Account;
use kizuna_store::{invites, line, moves, throttles, tickets};
use serde_json::Value;

pub use answer::say;
pub use inbox::{Inbox, Received, Reply, Request, step};
use kizuna_channels::line::Client;
pub use kizuna_channels::line::webhook::{BODY_BYTES_MAX, HOP_HEADER, SIGNATURE_HEADER};

use crate::env::{Env, Net};

/// A way to answer with a reply token, which costs nothing.
pub trait Replies: Send + Sync {
    /// Says these messages through an account; the reason where LINE does not take them.
    fn reply(&self, account: &Account, token: &str, messages: &[Value]) -> Result<(), String>;
}

impl Replies for Net {
    fn reply(&self, account: &Account, token: &str, messages: &[Value]) -> Result<(), String> {
        let client = Client::new(account, self).map_err(|_| "the account's settings are not complete".to_owned())?;
        client.reply(token, messages).map_err(|error| error.to_string())
    }
}

/// Pause between two looks at the inbox: a reply seems instant.
const PAUSE: Duration = Duration::from_millis(250);
/// Replies that wait for a thread; a reply token outlives few more.
const REPLIES_MAX: usize = 256;
/// Threads that speak to LINE.
const SPEAKERS: usize = 4;
/// How long a repeat of an event is recognised; LINE repeats within hours.
const EVENT_IDS_KEPT: SignedDuration = SignedDuration::from_hours(40 * 24);
/// How often old ids are taken away.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Works off what comes in, answers and passes on, until the stop button is pressed.
pub fn work(env: &Env, replies: &dyn Replies) {
    let (sender, receiver) = sync_channel(REPLIES_MAX);
    let receiver = Mutex::new(receiver);
    thread::scope(|scope| {
        for _ in 0..SPEAKERS {
            scope.spawn(|| speak(env, replies, &receiver));
        }
        scope.spawn(|| forward::work(env));
        listen(env, &sender);
        drop(sender);
    });
}

fn speak(env: &Env, replies: &dyn Replies, waiting: &Mutex<Receiver<Reply>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(reply) = next else { return };
        say(env, replies, &reply);
    }
}

fn listen(env: &Env, sender: &SyncSender<Reply>) {
    let mut swept_at = Timestamp::UNIX_EPOCH;
    while !env.stop.is_pressed() {
        let mut unsaid = 0u64;
        let worked = step(env, &mut |reply| unsaid += u64::from(sender.try_send(reply).is_err()));
        if let Err(error) = worked {
            tracing::error!(%error, "what came in from LINE could not be worked off; it is tried again");
        }
        if unsaid > 0 {
            tracing::warn!(unsaid, "too much came in from LINE to answer all of it");
        }
        let now = env.clock.now();
        if now.duration_since(swept_at) >= SWEEP_EVERY {
            swept_at = now;
            if let Err(error) = sweep(env) {
                tracing::warn!(%error, "old ids of events could not be taken away");
            }
        }
        env.clock.wait(PAUSE);
    }
}

/// Forgets ids of events after 40 days, tickets a day after they expired, and what else is of no use once its time is over.
pub fn sweep(env: &Env) -> Result<(), kizuna_store::StoreError> {
    let now = env.clock.now();
    let before = |ago: SignedDuration| now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH);
    while env.db.write(|tx| line::sweep_events(tx, before(EVENT_IDS_KEPT)))? > 0 {}
    while env.db.write(|tx| tickets::sweep(tx, before(identity::VALID)))? > 0 {}
    while env.db.write(|tx| invites::sweep(tx, now))? > 0 {}
    while env.db.write(|tx| moves::sweep(tx, now))? > 0 {}
    while env.db.write(|tx| throttles::sweep(tx, now))? > 0 {}
    Ok(())
}
