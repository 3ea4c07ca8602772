//! The journal of one batch: asks before letters leave, and gathers what became of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kizuna_channels::{Call, Journal, Letter, Permit};
use kizuna_domain::run::outcome::{Fault, Outcome};
use kizuna_domain::run::settle::{Failure, Next, settle};
use kizuna_domain::trouble::Trouble;
use kizuna_store::runs::{CallRow, Claimed, EXPIRED, LetterRow, UNKNOWN};
use kizuna_store::{Scope, StoreError, runs};

use super::{Closing, DEFERRED, Line, skipped};
use crate::error::EngineError;
use crate::recorder::Mark;

/// The journal of one batch: asks the recorder before letters leave and gathers what became of them.
pub(super) struct Log<'l, 'a> {
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
    pub(super) retries: BTreeMap<i64, Timestamp>,
    troubles: Vec<(i64, Trouble)>,
    pub(super) account_fault: Option<String>,
    pub(super) stopped: bool,
    /// True where the time to live ended before every letter had its turn.
    pub(super) expired: bool,
    /// What is on record: letters before this one may have left.
    reached: i64,
    /// What is on record: letters before this one are settled.
    recorded: i64,
}

impl<'l, 'a> Log<'l, 'a> {
    pub(super) fn new(line: &'l Line<'a>, batch: &'l Claimed, letters: &[Letter], reached: i64) -> Log<'l, 'a> {
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
    pub(super) fn flush(&mut self) -> Result<(), EngineError> {
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
    pub(super) fn is_whole(&self) -> bool {
        let undisturbed = !self.stopped && !self.expired && self.account_fault.is_none();
        self.line.takes_several() && undisturbed && self.open.is_empty() && self.retries.is_empty()
    }

    pub(super) fn close(self) -> Closing {
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
