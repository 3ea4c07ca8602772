//! Carrying batches to providers: claim, send, settle, record. Decides nothing but *when*.
//!
//! No transaction is open while bytes are on the wire. What must be durable before a letter leaves is written
//! by the recorder; whoever stopped before that moment gets nothing.

mod carry;
mod ending;
mod journal;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kizuna_channels::Channel;
use kizuna_domain::ids::AccountId;
use kizuna_domain::people::SkipReason;
use kizuna_domain::trouble::Trouble;
use kizuna_store::runs::{CallRow, LetterRow};
use kizuna_store::tenants::{Account, Tenant};
use kizuna_store::{StoreError, runs};

use crate::env::Env;
use crate::error::EngineError;
use crate::recorder::{self, InHand, Mark, Recorder};
use crate::witness;
use carry::Pacer;

/// Code of a letter that waits for its next attempt.
const DEFERRED: &str = "deferred";

/// Told about letters as they end, for progress bars; must not block.
pub type Watch<'a> = &'a (dyn Fn(u64) + Sync);

/// An account whose batches could not be carried, while those of the others were.
#[derive(Debug)]
pub struct AccountFailure {
    /// The account.
    pub account: AccountId,
    /// Code of its tenant, where it could be read.
    pub tenant: Option<String>,
    /// What went wrong.
    pub error: EngineError,
}

/// Batches that are given up in one transaction.
const EXPIRE_MAX: usize = 200;

/// Gives up what waited longer than it is of use, so that a plan made after it sees which days were missed.
pub fn expire(env: &Env) -> Result<(), EngineError> {
    let now = env.clock.now();
    while env.db.write(|tx| runs::expire_waiting(tx, now, EXPIRE_MAX))? == EXPIRE_MAX {}
    Ok(())
}

/// True where the trouble lies in one tenant's or account's own data and not in what all of them need.
fn is_its_own(error: &EngineError) -> bool {
    match error {
        EngineError::Store(error) => matches!(error, StoreError::Corrupt { .. } | StoreError::Sealed { .. }),
        EngineError::Fenced(_) | EngineError::Witness { .. } | EngineError::Random(_) => false,
        EngineError::Settings(_)
        | EngineError::NoTenant(_)
        | EngineError::NoSubscription(_)
        | EngineError::NoAccount(_)
        | EngineError::Pack(_)
        | EngineError::NoTrack(_)
        | EngineError::Line(_)
        | EngineError::NoChannel(_)
        | EngineError::Staff(_)
        | EngineError::Credentials(_)
        | EngineError::Rule(_) => true,
    }
}

/// Carries every batch that is due now, and returns when none is left; one account's trouble stops nobody else.
///
/// Batches that providers put off stay in the outbox for a later call. A batch whose worker died is waited for,
/// because its lease ends within moments.
pub fn drain(env: &Env, watch: Watch<'_>) -> Result<Vec<AccountFailure>, EngineError> {
    let fence = witness::may_send(env)?;
    let (recorder, progress) = recorder::channel();
    let in_hand = InHand::default();
    thread::scope(|scope| {
        let hands = &in_hand;
        let recording = scope.spawn(move || recorder::record(env, &progress, hands));
        let result = rounds(env, fence.epoch, &recorder, &in_hand, watch);
        drop(recorder);
        // The recorder ends when the last session has hung up; its panic is ours.
        if recording.join().is_err() {
            return Err(EngineError::Rule(
                "the recorder failed; what was in flight is settled at the next run".into(),
            ));
        }
        result
    })
}

fn rounds(
    env: &Env,
    epoch: i64,
    recorder: &Recorder,
    in_hand: &InHand,
    watch: Watch<'_>,
) -> Result<Vec<AccountFailure>, EngineError> {
    let mut broken: Vec<AccountFailure> = Vec::new();
    loop {
        let now = env.clock.now();
        env.db.write(|tx| runs::expire_held(tx, now))?;
        let mut due = env.db.read(|tx| runs::accounts_due(tx, now))?;
        due.retain(|(account, _)| broken.iter().all(|failure| failure.account != *account));
        if env.stop.is_pressed() {
            return Ok(broken);
        }
        if due.is_empty() {
            match env.db.read(runs::next_due)?.map(|next| next.duration_since(now)) {
                // What is due and still not carried belongs to a broken account. Twice, because another process may
                // have renewed its lease this instant, by a clock that is not quite ours.
                Some(wait) if wait.is_positive() && wait <= recorder::signed(env.pace.lease) * 2 => {
                    env.clock.wait(Duration::try_from(wait).unwrap_or_default());
                    continue;
                }
                _ => return Ok(broken),
            }
        }
        let mut lines = Vec::new();
        for (account, batches) in due {
            match Line::open(env, epoch, account, recorder, in_hand, watch) {
                Ok(Some(line)) => {
                    let sessions = line.sessions().min(usize::try_from(batches).unwrap_or(1)).max(1);
                    lines.push((Arc::new(line), sessions));
                }
                Ok(None) => {}
                Err(error) if is_its_own(&error) => broken.push(AccountFailure {
                    account,
                    tenant: None,
                    error,
                }),
                Err(error) => return Err(error),
            }
        }
        for (account, tenant, error) in carry_all(env, &lines) {
            if !is_its_own(&error) {
                return Err(error);
            }
            broken.push(AccountFailure {
                account,
                tenant: Some(tenant),
                error,
            });
        }
    }
}

/// Carries what is due on these lines until each is empty.
///
/// Every account has a first session before any has a second, and whoever is done goes on with the next account:
/// a provider that hangs keeps its own sessions waiting and nobody else's.
fn carry_all(env: &Env, lines: &[(Arc<Line<'_>>, usize)]) -> Vec<(AccountId, String, EngineError)> {
    let most = lines.iter().map(|(_, sessions)| *sessions).max().unwrap_or_default();
    let turns: VecDeque<&Arc<Line<'_>>> = (0..most)
        .flat_map(|turn| {
            lines
                .iter()
                .filter(move |(_, sessions)| turn < *sessions)
                .map(|(line, _)| line)
        })
        .collect();
    let workers = turns.len().min(env.pace.workers_max.max(1));
    let turns = Mutex::new(turns);
    let next = || turns.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(line) = next() {
                    let worked = std::panic::catch_unwind(AssertUnwindSafe(|| line.work()));
                    let panicked = || EngineError::Rule("a session failed; its batch returns after its lease".into());
                    if let Err(error) = worked.unwrap_or_else(|_| Err(panicked())) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        failed.push((line.account.id, line.tenant.code.clone(), error));
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One account with everything its workers share.
struct Line<'a> {
    env: &'a Env,
    epoch: i64,
    account: Account,
    tenant: Tenant,
    channel: &'static dyn Channel,
    pacer: Pacer,
    recorder: Recorder,
    in_hand: &'a InHand,
    watch: Watch<'a>,
    /// True after the provider said that the month's messages are used up.
    short: AtomicBool,
    /// Batches in a row that found nobody at the provider's.
    outage: AtomicUsize,
}

/// A claimed batch, ready for its session.
struct Prepared {
    /// The letters that are left.
    rows: Vec<LetterRow>,
    /// Numbers that the provider refused in earlier attempts.
    refused: Vec<usize>,
    /// Letters before this one may have left.
    reached: i64,
}

/// What is left to record of a batch whose every letter had its turn.
struct Closing {
    settled: i64,
    marks: Vec<Mark>,
    calls: Vec<CallRow>,
    troubles: Vec<(i64, Trouble)>,
}

/// How the work on a batch came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    /// Every letter had its turn.
    Complete,
    /// Its time to live is over.
    Expired,
    /// Letters are left for later.
    Unfinished { attempt: i64, wait: bool },
    /// It waits for a person.
    Held(String),
}

fn skipped(reason: SkipReason) -> String {
    format!("skipped:{}", reason.code())
}
