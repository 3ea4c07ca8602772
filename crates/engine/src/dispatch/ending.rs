//! How the work on a batch ends: what is recorded, and where the letters go that are left.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{BatchId, NAMESPACE};
use kizuna_domain::people::SkipReason;
use kizuna_domain::run::settle::retry_at;
use kizuna_domain::trouble::Trouble;
use kizuna_store::runs::{Claimed, EXPIRED, LetterRow, NewBatch, Tally, UNKNOWN};
use kizuna_store::tenants::Account;
use kizuna_store::{Scope, StoreError, WriteTx, fence, people, runs, tenants};
use uuid::Uuid;

use super::{Closing, DEFERRED, Ending, Line, skipped};
use crate::actions::addresses;
use crate::error::EngineError;
use crate::recorder::{self, lease_until};
use crate::witness;

impl Line<'_> {
    /// Notes what keeps these letters from their addresses, and never writes again where it says so.
    pub(super) fn note_troubles(
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
    pub(super) fn close(&self, closings: &[(&Claimed, Closing)]) -> Result<(), EngineError> {
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

    pub(super) fn end(
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
    pub(super) fn raise_fence(&self, tx: &mut WriteTx<'_>) -> Result<Option<fence::Fence>, StoreError> {
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

    /// Gives the letters of a batch that the month has no messages for to other channels, in the order that the tenant
    /// chose; who can be reached by none of them is counted as skipped.
    ///
    /// Letters before `reached` may have left already.
    pub(super) fn reroute(
        &self,
        batch: &Claimed,
        rows: &[LetterRow],
        reached: i64,
    ) -> Result<Option<Closing>, EngineError> {
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
}
