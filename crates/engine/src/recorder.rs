//! One thread that makes the progress of all sessions durable together.
//!
//! Every letter asks before it leaves. Answering each with a commit of its own would cost one disk sync a
//! letter; gathered, one sync answers every session that is waiting, and still at most one letter a session
//! is in doubt after a crash.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use kizuna_domain::ids::BatchId;
use kizuna_store::runs::{self, CallRow};
use kizuna_store::{Scope, StoreError};

use crate::env::Env;

/// Progress gathered into one transaction at most.
const GATHER_MAX: usize = 256;

/// What became of a letter where it is not simply sent: its number, a code, the provider's words.
pub(crate) type Mark = (i64, String, String);

/// How far a session has come with its batch.
pub(crate) struct Progress {
    pub(crate) scope: Scope,
    pub(crate) batch: BatchId,
    pub(crate) token: i64,
    pub(crate) reached: i64,
    pub(crate) finished: i64,
    pub(crate) marks: Vec<Mark>,
    pub(crate) calls: Vec<CallRow>,
    /// Answered with the number of recalls, or `None` where the batch is no longer ours.
    pub(crate) reply: SyncSender<Option<i64>>,
}

/// Where sessions hand in their progress.
#[derive(Clone)]
pub(crate) struct Recorder(SyncSender<Progress>);

impl Recorder {
    /// Makes progress durable; the number of recalls, or `None` where nothing more may leave.
    pub(crate) fn advance(
        &self,
        scope: Scope,
        batch: (BatchId, i64),
        reached: i64,
        finished: i64,
        marks: Vec<Mark>,
        calls: Vec<CallRow>,
    ) -> Option<i64> {
        let (reply, answer) = sync_channel(1);
        let (batch, token) = batch;
        self.0
            .send(Progress {
                scope,
                batch,
                token,
                reached,
                finished,
                marks,
                calls,
                reply,
            })
            .ok()?;
        answer.recv().ok()?
    }
}

/// Batches in hand, whose leases are kept while their providers are slow.
#[derive(Default)]
pub(crate) struct InHand(Mutex<HashMap<BatchId, i64>>);

impl InHand {
    pub(crate) fn take(&self, batch: BatchId, token: i64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(batch, token);
    }

    pub(crate) fn put_back(&self, batch: BatchId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&batch);
    }

    fn list(&self) -> Vec<(BatchId, i64)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(batch, token)| (*batch, *token))
            .collect()
    }
}

/// A recorder and the end at which [`record`] listens.
pub(crate) fn channel() -> (Recorder, Receiver<Progress>) {
    let (sender, receiver) = sync_channel(GATHER_MAX);
    (Recorder(sender), receiver)
}

/// Records until every session has hung up.
pub(crate) fn record(env: &Env, progress: &Receiver<Progress>, in_hand: &InHand) {
    let beat = env.pace.lease / 3;
    let mut last_beat = env.clock.now();
    loop {
        let first = match progress.recv_timeout(beat) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Some(first) = first {
            let mut gathered = vec![first];
            while gathered.len() < GATHER_MAX {
                let Ok(next) = progress.try_recv() else { break };
                gathered.push(next);
            }
            // In one order everywhere, so that two units of work never wait for each other.
            gathered.sort_unstable_by_key(|progress| progress.batch);
            answer(env, &gathered);
        }
        let now = env.clock.now();
        if now.duration_since(last_beat) >= signed(beat) {
            last_beat = now;
            keep_leases(env, in_hand);
        }
    }
}

pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// The end of a lease that begins now.
pub(crate) fn lease_until(env: &Env) -> jiff::Timestamp {
    env.clock
        .now()
        .checked_add(signed(env.pace.lease))
        .unwrap_or(jiff::Timestamp::MAX)
}

fn answer(env: &Env, gathered: &[Progress]) {
    let (now, until) = (env.clock.now(), lease_until(env));
    let written: Result<Vec<Option<i64>>, StoreError> = env.db.write(|tx| {
        gathered
            .iter()
            .map(|p| {
                let recalls = runs::advance(tx, p.batch, p.token, p.reached, p.finished, now, until)?;
                if recalls.is_some() {
                    for (number, outcome, detail) in &p.marks {
                        runs::mark(tx, p.scope, p.batch, *number, outcome, detail)?;
                    }
                    for call in &p.calls {
                        runs::add_call(tx, p.scope, p.batch, call)?;
                    }
                }
                Ok(recalls)
            })
            .collect()
    });
    let answers = written.unwrap_or_else(|error| {
        // Without a record nothing leaves: every session stops, and the leases bring the batches back.
        tracing::error!(%error, "progress could not be written; sending stops until the database answers");
        vec![None; gathered.len()]
    });
    for (progress, answer) in gathered.iter().zip(answers) {
        // A session that hung up does not need the answer.
        let _ = progress.reply.send(answer);
    }
}

fn keep_leases(env: &Env, in_hand: &InHand) {
    let batches = in_hand.list();
    if batches.is_empty() {
        return;
    }
    let until = lease_until(env);
    let renewed = env.db.write(|tx| {
        batches
            .iter()
            .try_for_each(|(batch, token)| runs::renew(tx, *batch, *token, until))
    });
    if let Err(error) = renewed {
        tracing::warn!(%error, "leases could not be renewed");
    }
}
