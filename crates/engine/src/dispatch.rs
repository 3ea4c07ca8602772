//! Carrying batches to providers: claim, send, settle, record. Decides nothing but *when*.
//!
//! No transaction is open while bytes are on the wire. What must be durable before a letter leaves is written
//! by the recorder; whoever stopped before that moment gets nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kizuna_channels::{self as channels, Address, Call, Channel, Journal, Letter, Permit, Session, SessionError};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, BatchId, CohortId, NAMESPACE};
use kizuna_domain::message::Draft;
use kizuna_domain::people::SkipReason;
use kizuna_domain::run::outcome::{Fault, Outcome};
use kizuna_domain::run::settle::{Attempt, Failure, Next, Urgency, retry_at, settle};
use kizuna_domain::trouble::Trouble;
use kizuna_store::runs::{CallRow, Claimed, LetterRow, NewBatch, Tally};
use kizuna_store::tenants::{Account, Tenant};
use kizuna_store::{Scope, StoreError, WriteTx, fence, people, runs, tenants};
use uuid::Uuid;

use crate::actions::addresses;
use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::links::{self, Holder};
use crate::recorder::{self, InHand, Mark, Recorder, lease_until};
use crate::witness;

/// Code of a letter that is in doubt.
pub const UNKNOWN: &str = runs::UNKNOWN;
/// Code of a letter whose time to live ended before it could leave.
const EXPIRED: &str = runs::EXPIRED;
/// Code of a letter whose address the provider does not know.
const REFUSED_ADDRESS: &str = "failed:address-gone";
/// Code of a letter that waits for its next attempt.
const DEFERRED: &str = "deferred";
/// Batches in a row that find nobody at the provider's, until the rest of its account waits too.
const OUTAGE_BATCHES: usize = 3;
/// How long an account rests whose provider answers nobody.
const OUTAGE_REST: SignedDuration = SignedDuration::from_secs(60);
/// Drafts of a batch kept opened between batches of one worker.
const DRAFTS_MAX: usize = 2_000;

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

/// A token bucket of one letter: letters of one account leave at least this far apart.
struct Pacer {
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

    fn wait(&self, env: &Env) {
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

impl<'a> Line<'a> {
    fn open(
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

    fn sessions(&self) -> usize {
        let wanted = self.account.settings.get("sessions").and_then(|n| n.parse().ok());
        wanted.unwrap_or(self.channel.capability().sessions).max(1)
    }

    /// Carries batch after batch of this account through one session.
    fn work(&self) -> Result<(), EngineError> {
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
    fn takes_several(&self) -> bool {
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
                Some(Letter {
                    number: usize::try_from(row.number).ok()?,
                    to: Address(row.address.clone()),
                    draft,
                    links: links::links(&self.env.keys, &self.tenant, holder(row), row.day),
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

    /// Notes what keeps these letters from their addresses, and never writes again where it says so.
    fn note_troubles(
        &self,
        tx: &mut WriteTx<'_>,
        batch: &Claimed,
        letters: &[(i64, Trouble)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let scope = Scope::of(batch.tenant);
        let zone = self.tenant.settings.zone().unwrap_or(TimeZone::UTC);
        for (number, trouble) in letters {
            if let Some(point) = runs::point_of(tx, scope, batch.id, *number)? {
                addresses::note_trouble(tx, scope, point, *trouble, Day::of(now, &zone), now)?;
            }
        }
        Ok(())
    }

    /// Writes what became of batches whose every letter had its turn, all in one commit.
    fn close(&self, closings: &[(&Claimed, Closing)]) -> Result<(), EngineError> {
        if closings.is_empty() {
            return Ok(());
        }
        let now = self.env.clock.now();
        let (ended, fence) = self.env.db.write(|tx| {
            let mut ended = 0;
            for (batch, closing) in closings {
                let scope = Scope::of(batch.tenant);
                let settled = closing.settled;
                // Somebody else may hold the batch now; their outcome counts.
                if runs::advance(tx, batch.id, batch.token, settled, settled, now, lease_until(self.env))?.is_none() {
                    continue;
                }
                recorder::note(tx, scope, batch.id, &closing.marks, &closing.calls)?;
                self.note_troubles(tx, batch, &closing.troubles, now)?;
                ended += self.finish(tx, batch, &BTreeMap::new(), &Ending::Complete)?;
            }
            Ok((ended, self.raise_fence(tx)?))
        })?;
        self.tell(ended, fence)
    }

    fn end(
        &self,
        batch: &Claimed,
        retries: &BTreeMap<i64, Timestamp>,
        ending: &Ending,
    ) -> Result<Option<Closing>, EngineError> {
        let (ended, fence) = self.env.db.write(|tx| {
            let ended = self.finish(tx, batch, retries, ending)?;
            Ok((ended, self.raise_fence(tx)?))
        })?;
        self.tell(ended, fence)?;
        Ok(None)
    }

    fn tell(&self, ended: i64, fence: Option<fence::Fence>) -> Result<(), EngineError> {
        if let Some(fence) = fence {
            witness::note(self.env, &fence)?;
        }
        (self.watch)(u64::try_from(ended).unwrap_or_default());
        Ok(())
    }

    /// Ends a batch or gives its rest back, and moves letters that were put off into batches of their own; says how many
    /// letters have ended.
    fn finish(
        &self,
        tx: &mut WriteTx<'_>,
        batch: &Claimed,
        retries: &BTreeMap<i64, Timestamp>,
        ending: &Ending,
    ) -> Result<i64, StoreError> {
        let now = self.env.clock.now();
        let scope = Scope::of(batch.tenant);
        self.rebatch(tx, batch, retries, now)?;
        let marked = runs::marked(tx, batch.id)?;
        let later = match *ending {
            Ending::Unfinished { attempt, wait } => {
                let at = if wait {
                    retry_at(&self.attempt(batch, now), None)
                } else {
                    Some(now)
                };
                at.map(|at| (at, attempt))
            }
            Ending::Complete | Ending::Expired | Ending::Held(_) => None,
        };
        let expires = later.is_none() && matches!(ending, Ending::Expired | Ending::Unfinished { .. });
        let mut tally = Tally::default();
        let (finished, reached) = runs::progress(tx, batch.id)?;
        for (number, outcome) in &marked {
            match outcome.as_deref() {
                None if *number >= finished && expires => {
                    let code = runs::given_up(*number, reached);
                    runs::mark(tx, scope, batch.id, *number, code, "")?;
                    tally.count(Some(code));
                }
                None if *number >= finished && (later.is_some() || matches!(ending, Ending::Held(_))) => {}
                outcome => tally.count(outcome),
            }
        }
        if expires || marked.values().any(|outcome| outcome.as_deref() == Some(EXPIRED)) {
            runs::reopen(tx, batch.run)?;
        }
        let letters = marked.len() as i64;
        if let Some((at, attempt)) = later {
            runs::so_far(tx, batch.id, batch.token, letters, tally)?;
            runs::release(tx, batch.id, batch.token, at, attempt)?;
            return Ok(0);
        }
        let held = match ending {
            Ending::Held(reply) => Some(reply.as_str()),
            Ending::Complete | Ending::Expired | Ending::Unfinished { .. } => None,
        };
        runs::finish(tx, batch.id, batch.token, letters, tally, held)?;
        Ok(tally.sent + tally.skipped + tally.failed + tally.in_doubt)
    }

    /// Counts one more piece of work, so that a backup made before it is known to be older.
    ///
    /// After the batch rows, in every unit of work: whoever locks in one order waits, and never for each other.
    fn raise_fence(&self, tx: &mut WriteTx<'_>) -> Result<Option<fence::Fence>, StoreError> {
        fence::raise(tx, self.epoch)?;
        fence::get(tx)
    }

    /// Letters that a provider put off leave again in a batch of their own.
    ///
    /// They are found by what is on record, so that those of a worker that died are not forgotten.
    fn rebatch(
        &self,
        tx: &mut WriteTx<'_>,
        batch: &Claimed,
        retries: &BTreeMap<i64, Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let scope = Scope::of(batch.tenant);
        let marked = runs::marked(tx, batch.id)?;
        let numbers: Vec<i64> = marked
            .iter()
            .filter(|(_, outcome)| outcome.as_deref() == Some(DEFERRED))
            .map(|(n, _)| *n)
            .collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let at = retries
            .values()
            .max()
            .copied()
            .or_else(|| retry_at(&self.attempt(batch, now), None));
        let mut name = batch.id.bytes().to_vec();
        name.extend(batch.attempt.to_be_bytes());
        name.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        let id = BatchId::new(Uuid::new_v5(&NAMESPACE, &name));
        let next = NewBatch {
            id,
            run: batch.run,
            account: batch.account,
            lane: batch.lane,
            letters: numbers.len() as i64,
            attempt: batch.attempt + 1,
            not_before: at.unwrap_or(now),
            expires: batch.expires,
        };
        runs::add_batch(tx, scope, &next)?;
        for (to, from) in (0..).zip(numbers) {
            runs::rebatch(tx, scope, (batch.id, from), (id, to))?;
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

    /// Gives the letters of a batch that the month has no messages for to other channels, in the order that the tenant
    /// chose; who can be reached by none of them is counted as skipped.
    ///
    /// Letters before `reached` may have left already.
    fn reroute(&self, batch: &Claimed, rows: &[LetterRow], reached: i64) -> Result<Option<Closing>, EngineError> {
        let scope = Scope::of(batch.tenant);
        let wanted: Vec<&str> = self.account.settings.get("fallback").map_or(Vec::new(), |order| {
            order
                .split(|c: char| c.is_whitespace() || c == ',')
                .filter(|word| !word.is_empty())
                .collect()
        });
        let accounts = self.env.db.read(|tx| tenants::accounts(tx, &self.env.keys, scope))?;
        let others: Vec<&Account> = wanted
            .iter()
            .filter_map(|channel| accounts.iter().find(|account| account.channel == *channel))
            .filter(|account| account.id != self.account.id && account.paused_reason.is_none())
            .collect();
        let now = self.env.clock.now();
        self.env.db.write(|tx| {
            let (finished, _) = runs::progress(tx, batch.id)?;
            let mut moved: BTreeMap<usize, Vec<(i64, kizuna_domain::ids::PointId)>> = BTreeMap::new();
            let marked = runs::marked(tx, batch.id)?;
            let is_left = |row: &&LetterRow| row.number >= finished && matches!(marked.get(&row.number), Some(None));
            for row in rows.iter().filter(is_left) {
                if row.number < reached {
                    // Perhaps the provider took it before its month ended.
                    runs::mark(
                        tx,
                        scope,
                        batch.id,
                        row.number,
                        UNKNOWN,
                        "the month's messages ended meanwhile",
                    )?;
                    continue;
                }
                let mut found = None;
                for (rank, account) in others.iter().enumerate() {
                    if let Some(point) = people::verified_point(tx, scope, row.subscriber, account.id)? {
                        found = Some((rank, point));
                        break;
                    }
                }
                if let Some((rank, point)) = found {
                    moved.entry(rank).or_default().push((row.number, point));
                } else {
                    let code = skipped(SkipReason::Quota);
                    runs::mark(tx, scope, batch.id, row.number, &code, "")?;
                }
            }
            for (rank, letters) in &moved {
                let Some(account) = others.get(*rank) else { continue };
                let mut name = batch.id.bytes().to_vec();
                name.extend(account.id.bytes());
                name.extend(letters.iter().flat_map(|(number, _)| number.to_be_bytes()));
                let id = BatchId::new(Uuid::new_v5(&NAMESPACE, &name));
                let next = NewBatch {
                    id,
                    run: batch.run,
                    account: account.id,
                    lane: batch.lane,
                    letters: letters.len() as i64,
                    attempt: 0,
                    not_before: now,
                    expires: batch.expires,
                };
                runs::add_batch(tx, scope, &next)?;
                for (to, (from, point)) in (0..).zip(letters) {
                    runs::reroute(tx, scope, (batch.id, *from), (id, to), *point)?;
                }
            }
            Ok(())
        })?;
        tracing::warn!(
            tenant.id = %self.tenant.id,
            account.id = %self.account.id,
            letters = rows.len(),
            "the month's messages run short; other channels carry where there are any"
        );
        self.end(batch, &BTreeMap::new(), &Ending::Complete)
    }

    fn attempt(&self, batch: &Claimed, now: Timestamp) -> Attempt {
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

/// The stable name of a message: one for each reader, day and text, the same for every attempt.
fn holder(row: &LetterRow) -> Holder {
    Holder {
        reader: row.subscriber,
        generation: row.link_generation,
    }
}

fn letter_key(tenant: Uuid, row: &LetterRow) -> String {
    let mut name = tenant.as_bytes().to_vec();
    name.extend(row.subscriber.bytes());
    name.extend(row.day.to_string().bytes());
    name.extend(row.cohort.bytes());
    Uuid::new_v5(&NAMESPACE, &name).simple().to_string()
}

/// The journal of one batch: asks the recorder before letters leave and gathers what became of them.
struct Log<'l, 'a> {
    line: &'l Line<'a>,
    batch: &'l Claimed,
    /// Numbers of the letters in hand, in order.
    numbers: Vec<i64>,
    /// Letters in hand that are settled.
    done: BTreeSet<i64>,
    /// Letters that may be on the wire.
    open: BTreeSet<i64>,
    recalls: i64,
    /// Why letters must not leave any more, as last read; no letter is missing from it unless it was taken out.
    standing: Option<BTreeMap<i64, Option<String>>>,
    marks: Vec<Mark>,
    calls: Vec<CallRow>,
    retries: BTreeMap<i64, Timestamp>,
    troubles: Vec<(i64, Trouble)>,
    account_fault: Option<String>,
    stopped: bool,
    /// True where the time to live ended before every letter had its turn.
    expired: bool,
    /// What is on record: letters before this one may have left.
    reached: i64,
    /// What is on record: letters before this one are settled.
    recorded: i64,
}

impl<'l, 'a> Log<'l, 'a> {
    fn new(line: &'l Line<'a>, batch: &'l Claimed, letters: &[Letter], reached: i64) -> Log<'l, 'a> {
        let numbers: Vec<i64> = letters.iter().map(|letter| letter.number as i64).collect();
        let first = numbers.first().copied().unwrap_or(batch.letters);
        Log {
            line,
            batch,
            numbers,
            done: BTreeSet::new(),
            open: BTreeSet::new(),
            recalls: batch.recalls,
            standing: None,
            marks: Vec::new(),
            calls: Vec::new(),
            retries: BTreeMap::new(),
            troubles: Vec::new(),
            account_fault: None,
            stopped: false,
            expired: false,
            reached: reached.max(first),
            recorded: first,
        }
    }

    /// Letters before this one are settled.
    fn settled(&self) -> i64 {
        let next = self.numbers.iter().find(|number| !self.done.contains(number));
        let end = self.numbers.last().map_or(self.batch.letters, |last| last + 1);
        next.copied().unwrap_or(end)
    }

    fn advance(&mut self, reached: i64) -> Option<i64> {
        let scope = Scope::of(self.batch.tenant);
        let batch = (self.batch.id, self.batch.token);
        let settled = self.settled();
        let (marks, calls) = (self.marks.clone(), self.calls.clone());
        let answer = self.line.recorder.advance(scope, batch, reached, settled, marks, calls);
        if answer.is_some() {
            // Not before: what could not be written now is written with the next progress.
            self.marks.clear();
            self.calls.clear();
            self.reached = reached;
            self.recorded = settled;
        }
        answer
    }

    /// The numbers as the database counts, after the account's own pace allows as many letters.
    fn on_their_way(&self, numbers: &[usize]) -> Vec<i64> {
        let numbers: Vec<i64> = numbers.iter().copied().map(place).collect();
        for _ in numbers.iter().filter(|number| **number >= self.reached) {
            self.line.pacer.wait(self.line.env);
        }
        numbers
    }

    /// Makes it durable that letters up to this one may leave, and gives the number of recalls.
    ///
    /// What is on record already is only looked at again.
    fn permission(&mut self, last: i64) -> Option<i64> {
        if last < self.reached {
            let (batch, env) = (self.batch, self.line.env);
            return match env.db.read(|tx| runs::standing(tx, batch.id, batch.token)) {
                Ok(recalls) => recalls,
                Err(error) => {
                    tracing::error!(%error, "the batch cannot be read; sending stops");
                    None
                }
            };
        }
        self.advance(last + 1)
    }

    /// Says which of these letters may leave; `None` where nothing more may.
    fn permit(&mut self, numbers: &[i64]) -> Option<Vec<i64>> {
        if self.line.env.stop.is_pressed() || self.account_fault.is_some() {
            self.stopped = true;
            return None;
        }
        if self.batch.expires <= self.line.env.clock.now() {
            self.expired = true;
            return None;
        }
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            return Some(Vec::new());
        };
        // Whatever comes before has had its turn.
        let before = self
            .numbers
            .iter()
            .filter(|number| *number < first && !self.open.contains(number));
        self.done.extend(before.copied().collect::<Vec<_>>());
        let Some(recalls) = self.permission(*last) else {
            self.stopped = true;
            return None;
        };
        if recalls != self.recalls {
            let standing = self.line.env.db.read(|tx| {
                let scope = Scope::of(self.batch.tenant);
                runs::letters(tx, &self.line.env.keys, scope, self.batch.id, self.batch.letters)
            });
            match standing {
                Ok(rows) => {
                    let why = |row: &LetterRow| row.outcome.clone().or(row.silenced.map(skipped));
                    self.standing = Some(rows.iter().map(|row| (row.number, why(row))).collect());
                }
                Err(error) => {
                    tracing::error!(%error, "the recalled letters cannot be read; sending stops");
                    self.stopped = true;
                    return None;
                }
            }
            self.recalls = recalls;
        }
        let mut granted = Vec::with_capacity(numbers.len());
        for number in numbers {
            let code = match &self.standing {
                None => None,
                // A letter that is missing was taken out.
                Some(standing) => standing.get(number).cloned().unwrap_or(Some(String::new())),
            };
            match code {
                None => granted.push(*number),
                Some(code) => self.leave_out(*number, code),
            }
        }
        Some(granted)
    }

    /// A letter that was recalled does not leave; if it may have left before, nobody can know.
    fn leave_out(&mut self, number: i64, code: String) {
        let was_open = self.open.remove(&number);
        if self.done.insert(number) && !code.is_empty() {
            if was_open {
                let detail = "the reader stopped before it was clear".to_owned();
                self.marks.push((number, UNKNOWN.to_owned(), detail));
            } else {
                self.marks.push((number, code, String::new()));
            }
        }
    }

    /// A letter that was allowed to leave and of which nothing more was heard is in doubt: for good, or until it is
    /// asked for again where the provider recognises that.
    fn flush(&mut self) -> Result<(), EngineError> {
        let comes_back = self.line.channel.capability().recognises_repeats_for.is_some();
        if !comes_back {
            for number in std::mem::take(&mut self.open) {
                self.settle(
                    number,
                    &Outcome::Unknown {
                        reply: "no answer".to_owned(),
                    },
                );
            }
        }
        let settled = self.settled();
        let reached = self.open.last().map_or(settled, |last| (last + 1).max(settled));
        let nothing_new = self.marks.is_empty() && self.calls.is_empty();
        if (!nothing_new || self.reached != reached || settled != self.recorded) && self.advance(reached).is_none() {
            return Err(StoreError::Conflict {
                statement: "dispatch::flush",
            }
            .into());
        }
        let troubles = std::mem::take(&mut self.troubles);
        if !troubles.is_empty() {
            let (env, batch) = (self.line.env, self.batch);
            let now = env.clock.now();
            env.db.write(|tx| self.line.note_troubles(tx, batch, &troubles, now))?;
        }
        Ok(())
    }

    /// True where every letter had its turn and a repetition of what is not on record yet does no harm.
    fn is_whole(&self) -> bool {
        let undisturbed = !self.stopped && !self.expired && self.account_fault.is_none();
        self.line.takes_several() && undisturbed && self.open.is_empty() && self.retries.is_empty()
    }

    fn close(self) -> Closing {
        Closing {
            settled: self.settled(),
            marks: self.marks,
            calls: self.calls,
            troubles: self.troubles,
        }
    }

    fn settle(&mut self, number: i64, outcome: &Outcome) {
        self.done.insert(number);
        let attempt = self.line.attempt(self.batch, self.line.env.clock.now());
        let settlement = settle(&attempt, outcome);
        let detail = match outcome {
            Outcome::Accepted { .. } => String::new(),
            Outcome::Deferred { step, reply, .. } | Outcome::Refused { step, reply, .. } => {
                format!("{}: {reply}", step.code())
            }
            Outcome::Unknown { reply } | Outcome::Held { reply, .. } => reply.clone(),
        };
        let mut mark = |code: &str| self.marks.push((number, code.to_owned(), detail.clone()));
        match settlement.next {
            Next::Sent => {}
            Next::RetryAt(at) => {
                mark(DEFERRED);
                self.retries.insert(number, at);
            }
            Next::Failed(Failure::Refused(refusal)) => {
                mark(&format!("failed:{}", refusal.code()));
                let trouble = Trouble::of(outcome).filter(|one| settlement.suppress || one.suppression().is_none());
                self.troubles.extend(trouble.map(|trouble| (number, trouble)));
            }
            Next::Failed(Failure::Expired) => mark(EXPIRED),
            Next::Unknown => mark(UNKNOWN),
            Next::Held(Fault::Payload) => mark("failed:payload"),
            Next::Held(Fault::Account | Fault::Quota) => {
                // Not this letter's fault: it goes again when the account is mended.
                self.done.remove(&number);
                self.account_fault = Some(detail);
            }
        }
    }
}

/// A place in a batch as the database counts.
fn place(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Journal for Log<'_, '_> {
    fn may_leave(&mut self, number: usize) -> Permit {
        let numbers = self.on_their_way(&[number]);
        match self.permit(&numbers) {
            None => Permit::Stop,
            Some(granted) if granted.is_empty() => Permit::Skip,
            Some(granted) => {
                self.open.extend(granted);
                Permit::Go
            }
        }
    }

    fn stayed(&mut self, numbers: &[usize]) {
        for number in numbers {
            self.open.remove(&place(*number));
        }
    }

    fn may_leave_together(&mut self, numbers: &[usize]) -> Option<Vec<usize>> {
        let numbers = self.on_their_way(numbers);
        let granted = self.permit(&numbers)?;
        self.open.extend(&granted);
        let granted = granted.into_iter().filter_map(|number| usize::try_from(number).ok());
        Some(granted.collect())
    }

    fn called(&mut self, call: Call) {
        self.calls.push(CallRow {
            number: place(call.first),
            at: self.line.env.clock.now(),
            name: call.name.to_owned(),
            status: i64::from(call.status),
            reference: call.reference,
        });
    }

    fn outcome(&mut self, number: usize, outcome: Outcome) {
        let number = place(number);
        self.open.remove(&number);
        self.settle(number, &outcome);
    }
}
