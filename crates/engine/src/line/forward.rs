//! Passing webhooks on to another tool that serves the same LINE account.
//!
//! At least once, in the order of arrival, never in the way of our own answer. A tool that does not answer is asked
//! again at growing distances for a day; what it did not take by then is dropped and counted.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::line::is_callable;
use kizuna_channels::line::webhook::{self, ForwardError};
use kizuna_domain::ids::AccountId;
use kizuna_store::tenants::{self, Account};
use kizuna_store::{Scope, line};

use crate::env::Env;
use crate::error::EngineError;

/// Pause between two looks at what is to be passed on.
const PAUSE: Duration = Duration::from_millis(500);
/// Bodies of one account in one pass.
const PASS_MAX: usize = 50;
/// Pauses after the first, second, … failure of a body, in seconds; the last one repeats.
const PAUSES: [i64; 7] = [5, 15, 60, 300, 900, 1_800, 3_600];

/// Where an account's webhooks go besides us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination<'a> {
    url: &'a str,
    secret: &'a str,
}

/// Where an account's webhooks go besides us; `None` where nowhere, or not by a safe way.
pub fn destination(account: &Account) -> Option<Destination<'_>> {
    let url = account.settings.get("forward_url")?;
    let secret = |name: &str| account.secrets.get(name).filter(|secret| !secret.is_empty());
    let secret = secret("forward_secret").or_else(|| secret("channel_secret"))?;
    is_callable(url).then_some(Destination { url, secret })
}

/// What one pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Bodies that the other tools took.
    pub taken: u64,
    /// Bodies that were given up.
    pub dropped: u64,
    /// Accounts whose tool did not take a body now.
    pub put_off: u64,
}

/// Passes on until the stop button is pressed.
pub fn work(env: &Env) {
    while !env.stop.is_pressed() {
        match pass(env) {
            Ok(passed) if passed.dropped > 0 => {
                tracing::warn!(
                    dropped = passed.dropped,
                    "webhooks were not taken by another tool for a day"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "webhooks could not be passed on; it is tried again"),
        }
        env.clock.wait(PAUSE);
    }
}

/// Passes on what is due now.
pub fn pass(env: &Env) -> Result<Passed, EngineError> {
    let mut passed = Passed::default();
    let now = env.clock.now();
    for account in env.db.read(|tx| line::forwarding(tx, now))? {
        // One tenant's trouble stops nobody else.
        if let Err(error) = pass_account(env, account, &mut passed) {
            tracing::error!(%error, %account, "webhooks of an account could not be passed on");
        }
    }
    Ok(passed)
}

fn pass_account(env: &Env, id: AccountId, passed: &mut Passed) -> Result<(), EngineError> {
    let Some(account) = env.db.read(|tx| tenants::account_by_id(tx, &env.keys, id))? else {
        return Ok(());
    };
    let scope = Scope::of(account.tenant);
    let destination = destination(&account);
    let now = env.clock.now();
    let due = env
        .db
        .read(|tx| line::forwards(tx, &env.keys, scope, id, now, PASS_MAX))?;
    for forward in due {
        if env.stop.is_pressed() {
            break;
        }
        let now = env.clock.now();
        let Some(destination) = destination.as_ref().filter(|_| now < forward.expires_at) else {
            env.db.write(|tx| line::drop_forward(tx, scope, forward.id))?;
            passed.dropped += 1;
            continue;
        };
        let next = later(now, forward.attempt);
        if !env.db.write(|tx| line::claim_forward(tx, scope, &forward, next))? {
            continue;
        }
        match webhook::forward(destination.url, destination.secret, &forward.body) {
            Ok(()) => {
                env.db.write(|tx| line::drop_forward(tx, scope, forward.id))?;
                passed.taken += 1;
            }
            Err(error @ (ForwardError::Unreachable | ForwardError::Refused(_))) => {
                tracing::debug!(%error, account = %id, "a webhook is passed on later");
                env.db.write(|tx| line::put_off_forwards(tx, scope, id, now, next))?;
                passed.put_off += 1;
                break;
            }
        }
    }
    Ok(())
}

/// When a body is tried again after `attempts` earlier failures.
fn later(now: Timestamp, attempts: i64) -> Timestamp {
    let place = usize::try_from(attempts).unwrap_or_default();
    let seconds = PAUSES.get(place).or(PAUSES.last()).copied().unwrap_or_default();
    now.checked_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
