//! Carrying batches to providers: claim, send, settle, record. Decides nothing but *when*.
//!
//! No transaction is open while bytes are on the wire. What must be durable before a letter leaves is written
//! by the recorder; whoever stopped before that moment gets nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use kizuna_channels::{Address, Channel, Journal, Letter, Permit, Session, SessionError};
use kizuna_domain::ids::{AccountId, BatchId, CohortId, NAMESPACE};
use kizuna_domain::message::Draft;
use kizuna_domain::people::SkipReason;
use kizuna_domain::run::outcome::{Fault, Outcome};
use kizuna_domain::run::settle::{Attempt, Failure, Next, Urgency, retry_at, settle};
use kizuna_store::runs::{Claimed, LetterRow, NewBatch, Tally};
use kizuna_store::tenants::{Account, Tenant};
use kizuna_store::{Scope, StoreError, WriteTx, fence, people, runs, tenants};
use uuid::Uuid;

use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::links;
use crate::recorder::{self, InHand, Mark, Recorder, lease_until};
use crate::witness;

/// Code of a letter that is in doubt.
pub const UNKNOWN: &str = runs::UNKNOWN;
/// Code of a letter whose time to live ended before it could leave.
const EXPIRED: &str = runs::EXPIRED;
/// Code of a letter that waits for its next attempt.
const DEFERRED: &str = "deferred";
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
            let Some(batch) = self.claim()? else { return Ok(()) };
            self.in_hand.take(batch.id, batch.token);
            let carried = self.carry(&batch, &mut session, &mut drafts);
            self.in_hand.put_back(batch.id);
            match carried {
                // Somebody else holds the batch now; their outcome counts.
                Err(EngineError::Store(StoreError::Conflict { .. })) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn claim(&self) -> Result<Option<Claimed>, EngineError> {
        let now = self.env.clock.now();
        let claimed = self.env.write(|tx| {
            let batch = runs::claim(tx, self.account.id, now, lease_until(self.env), 1)?
                .into_iter()
                .next();
            let fence = if batch.is_some() { self.raise_fence(tx)? } else { None };
            Ok((batch, fence))
        });
        let claimed = match claimed {
            Err(StoreError::Conflict { .. }) => {
                return Err(EngineError::Fenced(
                    "somebody ran `kizuna claim`; this run ends here".to_owned(),
                ));
            }
            claimed => claimed?,
        };
        if let (Some(_), Some(fence)) = &claimed {
            witness::note(self.env, fence)?;
        }
        Ok(claimed.0)
    }

    fn carry(
        &self,
        batch: &Claimed,
        session: &mut Option<Box<dyn Session>>,
        drafts: &mut HashMap<CohortId, Arc<Draft>>,
    ) -> Result<(), EngineError> {
        let rows = self.prepare(batch)?;
        let now = self.env.clock.now();
        if batch.expires <= now {
            return self.finish(batch, &BTreeMap::new(), &Ending::Expired);
        }
        let letters = self.letters(&rows, drafts)?;
        let mut log = Log::new(
            self,
            batch,
            letters.first().map_or(batch.letters, |letter| letter.number as i64),
        );
        let sent = if letters.is_empty() {
            Ok(())
        } else {
            self.open_session(session)
                .and_then(|session| session.send(&letters, &mut log))
        };
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
                self.finish(
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
                    fault: Fault::Payload,
                    reply,
                }),
                None,
            ) => self.finish(batch, &retries, &Ending::Held(reply)),
            (Err(SessionError::Unreachable { reply }), None) => {
                *session = None;
                tracing::warn!(account.id = %self.account.id, reply, "the provider cannot be reached");
                self.finish(
                    batch,
                    &retries,
                    &Ending::Unfinished {
                        attempt: batch.attempt + 1,
                        wait: true,
                    },
                )
            }
            (Ok(()), None) if log.expired => self.finish(batch, &retries, &Ending::Expired),
            (Ok(()), None) if log.stopped => self.finish(
                batch,
                &retries,
                &Ending::Unfinished {
                    attempt: batch.attempt,
                    wait: false,
                },
            ),
            (Ok(()), None) => self.finish(batch, &retries, &Ending::Complete),
        }
    }

    fn open_session<'s>(
        &self,
        session: &'s mut Option<Box<dyn Session>>,
    ) -> Result<&'s mut Box<dyn Session>, SessionError> {
        match session {
            Some(open) => Ok(open),
            None => Ok(session.insert(self.channel.open(&channel_account(&self.account))?)),
        }
    }

    /// Settles what an earlier worker left in doubt, leaves out who stopped, and gives the rest.
    fn prepare(&self, batch: &Claimed) -> Result<Vec<LetterRow>, EngineError> {
        let scope = Scope::of(batch.tenant);
        let resend = self.channel.capability().retry_is_safe || batch.lane == 0;
        let rows = self.env.db.write(|tx| {
            let mut rows = runs::letters(tx, &self.env.keys, scope, batch.id, batch.letters)?;
            for row in rows
                .iter_mut()
                .filter(|row| row.outcome.is_none() && row.number >= batch.finished)
            {
                let in_doubt = row.number < batch.reached;
                if in_doubt && !resend {
                    runs::mark(
                        tx,
                        scope,
                        batch.id,
                        row.number,
                        UNKNOWN,
                        "stopped between sending and recording",
                    )?;
                    row.outcome = Some(UNKNOWN.to_owned());
                } else if let Some(reason) = row.silenced {
                    let code = skipped(reason);
                    runs::mark(tx, scope, batch.id, row.number, &code, "")?;
                    row.outcome = Some(code);
                }
            }
            let settled = if resend { batch.finished } else { batch.reached };
            match runs::advance(tx, batch.id, batch.token, settled, settled, lease_until(self.env))? {
                Some(_) => Ok(rows),
                None => Err(StoreError::Conflict {
                    statement: "dispatch::prepare",
                }),
            }
        })?;
        let settled = if resend { batch.finished } else { batch.reached };
        Ok(rows
            .into_iter()
            .filter(|row| row.number >= settled && row.outcome.is_none())
            .collect())
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
        let base_url = &self.tenant.settings.base_url;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let draft = Arc::clone(drafts.get(&row.cohort)?);
                let key = letter_key(self.tenant.id.uuid(), row);
                Some(Letter {
                    number: usize::try_from(row.number).ok()?,
                    to: Address(row.address.clone()),
                    draft,
                    links: links::links(
                        &self.env.keys,
                        base_url,
                        &self.tenant.code,
                        self.tenant.id,
                        row.subscriber,
                    ),
                    return_token: links::return_token(&self.env.keys, self.tenant.id, row.subscriber),
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

    /// Ends a batch or gives its rest back, and moves letters that were put off into batches of their own.
    fn finish(&self, batch: &Claimed, retries: &BTreeMap<i64, Timestamp>, ending: &Ending) -> Result<(), EngineError> {
        let now = self.env.clock.now();
        let (ended, fence) = self.env.db.write(|tx| {
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
            let finished = runs::progress(tx, batch.id)?;
            for (number, outcome) in &marked {
                match outcome.as_deref() {
                    None if *number >= finished && expires => {
                        runs::mark(tx, scope, batch.id, *number, EXPIRED, "")?;
                        tally.count(Some(EXPIRED));
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
                return Ok((0, self.raise_fence(tx)?));
            }
            let held = match ending {
                Ending::Held(reply) => Some(reply.as_str()),
                Ending::Complete | Ending::Expired | Ending::Unfinished { .. } => None,
            };
            runs::finish(tx, batch.id, batch.token, letters, tally, held)?;
            let ended = tally.sent + tally.skipped + tally.failed + tally.in_doubt;
            Ok((ended, self.raise_fence(tx)?))
        })?;
        if let Some(fence) = fence {
            witness::note(self.env, &fence)?;
        }
        (self.watch)(u64::try_from(ended).unwrap_or_default());
        Ok(())
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

    fn attempt(&self, batch: &Claimed, now: Timestamp) -> Attempt {
        Attempt {
            number: u32::try_from(batch.attempt).unwrap_or(u32::MAX),
            urgency: if batch.lane == 0 {
                Urgency::Emergency
            } else {
                Urgency::Daily
            },
            retry_is_safe: self.channel.capability().retry_is_safe,
            now,
            expires_at: batch.expires,
            spread: batch.id.bytes().iter().map(|byte| u32::from(*byte)).sum(),
        }
    }
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
fn letter_key(tenant: Uuid, row: &LetterRow) -> String {
    let mut name = tenant.as_bytes().to_vec();
    name.extend(row.subscriber.bytes());
    name.extend(row.day.to_string().bytes());
    name.extend(row.cohort.bytes());
    Uuid::new_v5(&NAMESPACE, &name).simple().to_string()
}

/// The journal of one batch: asks the recorder before each letter and gathers what became of them.
struct Log<'l, 'a> {
    line: &'l Line<'a>,
    batch: &'l Claimed,
    recalls: i64,
    recalled: BTreeMap<i64, Option<String>>,
    /// Letters before this one are settled in memory.
    settled: i64,
    /// The letter that may be on the wire.
    open: Option<i64>,
    marks: Vec<Mark>,
    retries: BTreeMap<i64, Timestamp>,
    suppress: Vec<(i64, &'static str)>,
    account_fault: Option<String>,
    stopped: bool,
    /// True where the time to live ended before every letter had its turn.
    expired: bool,
    /// What is on record: letters up to this one may have left.
    reached: i64,
    /// What is on record: letters before this one are settled.
    recorded: i64,
}

impl<'l, 'a> Log<'l, 'a> {
    fn new(line: &'l Line<'a>, batch: &'l Claimed, first: i64) -> Log<'l, 'a> {
        Log {
            line,
            batch,
            recalls: batch.recalls,
            recalled: BTreeMap::new(),
            settled: first,
            open: None,
            marks: Vec::new(),
            retries: BTreeMap::new(),
            suppress: Vec::new(),
            account_fault: None,
            stopped: false,
            expired: false,
            reached: first,
            recorded: first,
        }
    }

    fn advance(&mut self, reached: i64) -> Option<i64> {
        let scope = Scope::of(self.batch.tenant);
        let marks = self.marks.clone();
        let answer = self
            .line
            .recorder
            .advance(scope, (self.batch.id, self.batch.token), reached, self.settled, marks);
        if answer.is_some() {
            // Not before: what could not be written now is written with the next progress.
            self.marks.clear();
            self.reached = reached;
            self.recorded = self.settled;
        }
        answer
    }

    /// A letter that was allowed to leave and of which nothing more was heard is in doubt.
    fn flush(&mut self) -> Result<(), EngineError> {
        if let Some(number) = self.open.take() {
            self.settle(
                number,
                &Outcome::Unknown {
                    reply: "no answer".to_owned(),
                },
            );
        }
        if !self.marks.is_empty() || self.reached != self.settled || self.settled != self.recorded {
            let settled = self.settled;
            if self.advance(settled).is_none() {
                return Err(StoreError::Conflict {
                    statement: "dispatch::flush",
                }
                .into());
            }
        }
        let suppress = std::mem::take(&mut self.suppress);
        if !suppress.is_empty() {
            let (env, scope, batch) = (self.line.env, Scope::of(self.batch.tenant), self.batch);
            let now = env.clock.now();
            env.db.write(|tx| {
                for (number, reason) in &suppress {
                    if let Some(point) = runs::point_of(tx, scope, batch.id, *number)? {
                        people::suppress(tx, scope, point, reason, now)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn settle(&mut self, number: i64, outcome: &Outcome) {
        self.settled = number + 1;
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
                if settlement.suppress {
                    self.suppress.push((number, refusal.code()));
                }
            }
            Next::Failed(Failure::Expired) => mark(EXPIRED),
            Next::Unknown => mark(UNKNOWN),
            Next::Held(Fault::Payload) => mark("failed:payload"),
            Next::Held(Fault::Account) => {
                // Not this letter's fault: it goes again when the account is mended.
                self.settled = number;
                self.account_fault = Some(detail);
            }
        }
    }
}

impl Journal for Log<'_, '_> {
    fn may_leave(&mut self, number: usize) -> Permit {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        if self.line.env.stop.is_pressed() || self.account_fault.is_some() {
            self.stopped = true;
            return Permit::Stop;
        }
        self.line.pacer.wait(self.line.env);
        if self.batch.expires <= self.line.env.clock.now() {
            self.expired = true;
            return Permit::Stop;
        }
        self.settled = number;
        let Some(recalls) = self.advance(number + 1) else {
            self.stopped = true;
            return Permit::Stop;
        };
        if recalls != self.recalls {
            match self.line.env.db.read(|tx| runs::marked(tx, self.batch.id)) {
                Ok(marked) => self.recalled = marked,
                Err(error) => {
                    tracing::error!(%error, "the recalled letters cannot be read; sending stops");
                    self.stopped = true;
                    return Permit::Stop;
                }
            }
            self.recalls = recalls;
        }
        // Before the first recall the list is empty; afterwards a letter that is missing was taken out.
        if self.recalls != self.batch.recalls && !matches!(self.recalled.get(&number), Some(None)) {
            self.settled = number + 1;
            return Permit::Skip;
        }
        self.open = Some(number);
        Permit::Go
    }

    fn outcome(&mut self, number: usize, outcome: Outcome) {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        if self.open == Some(number) {
            self.open = None;
        }
        self.settle(number, &outcome);
    }
}
