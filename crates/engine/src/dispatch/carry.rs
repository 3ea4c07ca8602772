//! One account: its batches claimed, prepared and given to a session, one after the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::{self as channels, Address, Letter, Session, SessionError};
use kizuna_domain::ids::{AccountId, CohortId, NAMESPACE};
use kizuna_domain::message::Draft;
use kizuna_domain::run::outcome::Fault;
use kizuna_domain::run::settle::{Attempt, Urgency};
use kizuna_store::runs::{Claimed, LetterRow, UNKNOWN};
use kizuna_store::{Scope, StoreError, WriteTx, runs, tenants};
use uuid::Uuid;

use super::journal::Log;
use super::{Closing, Ending, Line, Prepared, Watch, skipped};
use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::links::{self, Holder};
use crate::recorder::{self, InHand, Recorder, lease_until};
use crate::witness;

/// Code of a letter whose address the provider does not know.
const REFUSED_ADDRESS: &str = "failed:address-gone";
/// Batches in a row that find nobody at the provider's, until the rest of its account waits too.
const OUTAGE_BATCHES: usize = 3;
/// How long an account rests whose provider answers nobody.
const OUTAGE_REST: SignedDuration = SignedDuration::from_secs(60);
/// Drafts of a batch kept opened between batches of one worker.
const DRAFTS_MAX: usize = 2_000;

/// A token bucket of one letter: letters of one account leave at least this far apart.
pub(super) struct Pacer {
    gap: Option<Duration>,
    next: Mutex<Timestamp>,
}

impl Pacer {
    fn new(per_second: Option<f64>) -> Pacer {
        let gap = per_second
            .filter(|rate| *rate > 0.0)
            .map(|rate| Duration::from_secs_f64(1.0 / rate));
        Pacer {
            gap,
            next: Mutex::new(Timestamp::MIN),
        }
    }

    pub(super) fn wait(&self, env: &Env) {
        let Some(gap) = self.gap else { return };
        let now = env.clock.now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(now);
            *next = turn.checked_add(recorder::signed(gap)).unwrap_or(Timestamp::MAX);
            turn
        };
        if let Ok(wait) = Duration::try_from(turn.duration_since(now)) {
            env.clock.wait(wait);
        }
    }
}

impl<'a> Line<'a> {
    pub(super) fn open(
        env: &'a Env,
        epoch: i64,
        account: AccountId,
        recorder: &Recorder,
        in_hand: &'a InHand,
        watch: Watch<'a>,
    ) -> Result<Option<Line<'a>>, EngineError> {
        let found = env.db.read(|tx| {
            let Some(account) = tenants::account_by_id(tx, &env.keys, account)? else {
                return Ok(None);
            };
            let tenant = tenants::by_id(tx, Scope::of(account.tenant))?;
            Ok(tenant.map(|tenant| (account, tenant)))
        })?;
        let Some((account, tenant)) = found else {
            return Ok(None);
        };
        let channel = kizuna_channels::channel(&account.channel)
            .ok_or_else(|| EngineError::NoChannel(account.channel.clone()))?;
        let rate = account
            .settings
            .get("rate_per_second")
            .and_then(|rate| rate.parse().ok());
        let recorder = recorder.clone();
        Ok(Some(Line {
            env,
            epoch,
            account,
            tenant,
            channel,
            pacer: Pacer::new(rate),
            recorder,
            in_hand,
            watch,
            short: AtomicBool::new(false),
            outage: AtomicUsize::new(0),
        }))
    }

    pub(super) fn sessions(&self) -> usize {
        let wanted = self.account.settings.get("sessions").and_then(|n| n.parse().ok());
        wanted.unwrap_or(self.channel.capability().sessions).max(1)
    }

    /// Carries batch after batch of this account through one session.
    pub(super) fn work(&self) -> Result<(), EngineError> {
        let mut session: Option<Box<dyn Session>> = None;
        let mut drafts: HashMap<CohortId, Arc<Draft>> = HashMap::new();
        while !self.env.stop.is_pressed() {
            let hand = self.claim()?;
            if hand.is_empty() {
                return Ok(());
            }
            for (batch, _) in &hand {
                self.in_hand.take(batch.id, batch.token);
            }
            let worked = self.carry_hand(&hand, &mut session, &mut drafts);
            for (batch, _) in &hand {
                self.in_hand.put_back(batch.id);
            }
            worked?;
        }
        Ok(())
    }

    fn carry_hand(
        &self,
        hand: &[(Claimed, Prepared)],
        session: &mut Option<Box<dyn Session>>,
        drafts: &mut HashMap<CohortId, Arc<Draft>>,
    ) -> Result<(), EngineError> {
        let mut closings = Vec::with_capacity(hand.len());
        for (batch, prepared) in hand {
            match self.carry(batch, prepared, session, drafts) {
                Ok(closing) => closings.extend(closing.map(|closing| (batch, closing))),
                // Somebody else holds the batch now; their outcome counts.
                Err(EngineError::Store(StoreError::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.close(&closings)
    }

    /// True where taking batches is the record that all their letters may leave.
    pub(super) fn takes_several(&self) -> bool {
        self.channel.capability().hand > 1
    }

    fn claim(&self) -> Result<Vec<(Claimed, Prepared)>, EngineError> {
        let now = self.env.clock.now();
        let claimed = self.env.write(|tx| {
            let batches = runs::claim(
                tx,
                self.account.id,
                now,
                lease_until(self.env),
                self.channel.capability().hand,
            )?;
            let mut hand = Vec::with_capacity(batches.len());
            for batch in batches {
                let prepared = self.prepare(tx, &batch, now)?;
                hand.push((batch, prepared));
            }
            let fence = if hand.is_empty() { None } else { self.raise_fence(tx)? };
            Ok((hand, fence))
        });
        let (hand, fence) = match claimed {
            Err(StoreError::Conflict { .. }) => {
                return Err(EngineError::Fenced(
                    "somebody ran `kizuna claim`; this run ends here".to_owned(),
                ));
            }
            claimed => claimed?,
        };
        if let Some(fence) = &fence {
            witness::note(self.env, fence)?;
        }
        Ok(hand)
    }

    /// Carries one batch; gives what is left to record where that may wait for its neighbours.
    fn carry(
        &self,
        batch: &Claimed,
        prepared: &Prepared,
        session: &mut Option<Box<dyn Session>>,
        drafts: &mut HashMap<CohortId, Arc<Draft>>,
    ) -> Result<Option<Closing>, EngineError> {
        let Prepared { rows, refused, reached } = prepared;
        let now = self.env.clock.now();
        if batch.expires <= now {
            return self.end(batch, &BTreeMap::new(), &Ending::Expired);
        }
        let letters = self.letters(rows, drafts)?;
        if self.is_short(batch, &letters, session) {
            return self.reroute(batch, rows, batch.reached);
        }
        let mut log = Log::new(self, batch, &letters, *reached);
        let sent = if letters.is_empty() {
            Ok(())
        } else {
            let carried = channels::Batch {
                id: batch.id,
                planned: usize::try_from(batch.letters).unwrap_or_default(),
                refused,
                letters: &letters,
            };
            self.open_session(session)
                .and_then(|session| session.send(&carried, &mut log))
        };
        if matches!(sent, Ok(())) && log.is_whole() {
            return Ok(Some(log.close()));
        }
        log.flush()?;
        let retries = log.retries;
        let account_fault = log.account_fault;
        match (sent, account_fault) {
            (_, Some(reply))
            | (
                Err(SessionError::Refused {
                    fault: Fault::Account,
                    reply,
                }),
                None,
            ) => {
                *session = None;
                self.pause(&reply)?;
                self.end(
                    batch,
                    &retries,
                    &Ending::Unfinished {
                        attempt: batch.attempt,
                        wait: false,
                    },
                )
            }
            (
                Err(SessionError::Refused {
                    fault: Fault::Quota, ..
                }),
                None,
            ) => {
                self.short.store(true, Ordering::Relaxed);
                let reached = self.env.db.read(|tx| runs::progress(tx, batch.id))?.1;
                self.reroute(batch, rows, reached)
            }
            (
                Err(SessionError::Refused {
                    fault: Fault::Payload,
                    reply,
                }),
                None,
            ) => self.end(batch, &retries, &Ending::Held(reply)),
            (Err(SessionError::Unreachable { reply }), None) => {
                *session = None;
                tracing::warn!(account.id = %self.account.id, reply, "the provider cannot be reached");
                self.rest()?;
                self.end(
                    batch,
                    &retries,
                    &Ending::Unfinished {
                        attempt: batch.attempt + 1,
                        wait: true,
                    },
                )
            }
            (Ok(()), None) if log.expired => self.end(batch, &retries, &Ending::Expired),
            (Ok(()), None) if log.stopped => self.end(
                batch,
                &retries,
                &Ending::Unfinished {
                    attempt: batch.attempt,
                    wait: false,
                },
            ),
            (Ok(()), None) => {
                self.outage.store(0, Ordering::Relaxed);
                self.end(batch, &retries, &Ending::Complete)
            }
        }
    }

    /// After some batches in a row that found nobody, lets the account's other batches wait with them.
    fn rest(&self) -> Result<(), EngineError> {
        if self.outage.fetch_add(1, Ordering::Relaxed) + 1 < OUTAGE_BATCHES {
            return Ok(());
        }
        let now = self.env.clock.now();
        let until = now.checked_add(OUTAGE_REST).unwrap_or(now);
        self.env.db.write(|tx| runs::put_off(tx, self.account.id, now, until))?;
        Ok(())
    }

    fn open_session<'s>(
        &self,
        session: &'s mut Option<Box<dyn Session>>,
    ) -> Result<&'s mut Box<dyn Session>, SessionError> {
        match session {
            Some(open) => Ok(open),
            None => Ok(session.insert(self.channel.open(&channel_account(&self.account), &self.env.net)?)),
        }
    }

    /// Settles what an earlier worker left in doubt, leaves out who stopped, and gives the rest with where to begin.
    ///
    fn prepare(&self, tx: &mut WriteTx<'_>, batch: &Claimed, now: Timestamp) -> Result<Prepared, StoreError> {
        let scope = Scope::of(batch.tenant);
        let recognised = self.recognises_repeats(batch, now);
        let resend = batch.lane == 0 || recognised;
        let settled = if resend { batch.finished } else { batch.reached };
        let reached = if recognised && self.takes_several() {
            batch.letters
        } else {
            batch.reached.max(settled)
        };
        let mut rows = runs::letters(tx, &self.env.keys, scope, batch.id, batch.letters)?;
        for row in rows
            .iter_mut()
            .filter(|row| row.outcome.is_none() && row.number >= batch.finished)
        {
            let in_doubt = row.number < batch.reached;
            let (code, detail) = match row.silenced {
                // Perhaps it left before its reader stopped; it does not leave again.
                Some(_) if in_doubt => (UNKNOWN.to_owned(), "the reader stopped before it was clear"),
                Some(reason) => (skipped(reason), ""),
                None if in_doubt && !resend => (UNKNOWN.to_owned(), "stopped between sending and recording"),
                None => continue,
            };
            runs::mark(tx, scope, batch.id, row.number, &code, detail)?;
            row.outcome = Some(code);
        }
        runs::advance(tx, batch.id, batch.token, reached, settled, now, lease_until(self.env))?;
        let is_refused = |row: &&LetterRow| row.outcome.as_deref() == Some(REFUSED_ADDRESS);
        Ok(Prepared {
            refused: rows
                .iter()
                .filter(is_refused)
                .filter_map(|row| usize::try_from(row.number).ok())
                .collect(),
            rows: rows
                .into_iter()
                .filter(|row| row.number >= settled && row.outcome.is_none())
                .collect(),
            reached,
        })
    }

    /// True where the provider still knows what it was asked for in this batch.
    fn recognises_repeats(&self, batch: &Claimed, now: Timestamp) -> bool {
        let known = self.channel.capability().recognises_repeats_for;
        known.is_some_and(|known| batch.first_at.is_none_or(|first| now.duration_since(first) < known))
    }

    fn letters(
        &self,
        rows: &[LetterRow],
        drafts: &mut HashMap<CohortId, Arc<Draft>>,
    ) -> Result<Vec<Letter>, EngineError> {
        let scope = self.tenant.scope();
        let unknown: Vec<CohortId> = rows
            .iter()
            .map(|row| row.cohort)
            .filter(|id| !drafts.contains_key(id))
            .collect();
        if !unknown.is_empty() {
            if drafts.len() > DRAFTS_MAX {
                drafts.clear();
            }
            self.env.db.read(|tx| {
                for id in rows.iter().map(|row| row.cohort) {
                    if !drafts.contains_key(&id)
                        && let Some(draft) = runs::cohort(tx, &self.env.keys, scope, id)?
                    {
                        drafts.insert(id, Arc::new(draft));
                    }
                }
                Ok(())
            })?;
        }
        let now = self.env.clock.now();
        let zone = self.tenant.settings.zone()?;
        let window = self.tenant.settings.window()?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let draft = Arc::clone(drafts.get(&row.cohort)?);
                let key = letter_key(self.tenant.id.uuid(), row);
                let (reader, generation) = (row.subscriber, row.link_generation);
                Some(Letter {
                    number: usize::try_from(row.number).ok()?,
                    to: Address(row.address.clone()),
                    draft,
                    links: links::links(&self.env.keys, &self.tenant, Holder { reader, generation }, row.day),
                    return_token: links::return_token(&self.env.keys, self.tenant.id, row.point),
                    key,
                    // The same for every attempt, so that a repeated message is the same message; never in the
                    // future, because receivers distrust a signature from there.
                    date: window.opens(row.day, &zone).min(now),
                })
            })
            .collect())
    }

    fn pause(&self, reply: &str) -> Result<(), EngineError> {
        let now = self.env.clock.now();
        if self
            .env
            .db
            .write(|tx| tenants::pause_account(tx, self.account.id, reply, now))?
        {
            tracing::error!(
                tenant.id = %self.tenant.id,
                account.id = %self.account.id,
                reply,
                "the account is paused because the provider refuses it; mend it, then run `kizuna resume`"
            );
        }
        Ok(())
    }

    /// True where a daily batch would use messages that the month has no more, or that are kept for emergencies.
    fn is_short(&self, batch: &Claimed, letters: &[Letter], session: &mut Option<Box<dyn Session>>) -> bool {
        // What may have left already is asked for under its old key, which costs nothing if it did.
        if letters.is_empty() || batch.reached > batch.finished {
            return false;
        }
        if self.short.load(Ordering::Relaxed) {
            return true;
        }
        if batch.lane == 0 {
            return false;
        }
        // Where nobody can say, the provider's answer to the letters themselves decides.
        let allowance = self.open_session(session).and_then(|session| session.allowance());
        matches!(allowance, Ok(Some(left)) if left < letters.len() as u64)
    }

    pub(super) fn attempt(&self, batch: &Claimed, now: Timestamp) -> Attempt {
        Attempt {
            number: u32::try_from(batch.attempt).unwrap_or(u32::MAX),
            urgency: if batch.lane == 0 {
                Urgency::Emergency
            } else {
                Urgency::Daily
            },
            retry_is_safe: self.channel.capability().recognises_repeats_for.is_some(),
            now,
            expires_at: batch.expires,
            spread: batch.id.bytes().iter().map(|byte| u32::from(*byte)).sum(),
        }
    }
}

/// The stable name of a message: one for each reader, day and text, the same for every attempt.
fn letter_key(tenant: Uuid, row: &LetterRow) -> String {
    let mut name = tenant.as_bytes().to_vec();
    name.extend(row.subscriber.bytes());
    name.extend(row.day.to_string().bytes());
    name.extend(row.cohort.bytes());
    Uuid::new_v5(&NAMESPACE, &name).simple().to_string()
}
