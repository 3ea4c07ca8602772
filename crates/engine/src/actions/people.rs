//! Registrations and what readers do with them; stopping comes before everything else.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{EndReason, PointState, SkipReason, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::roster::{self, RosterRow, RowProblem};
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{Keyring, Scope, StoreError, WriteTx, erase, invites, mails, moves, stops, tickets};

use super::{Actor, Deed, Note, moving, record};
use crate::env::Env;
use crate::error::EngineError;

/// Rows that one transaction of an import writes.
const ROWS_PER_WRITE: usize = 500;

/// A row of a list, as its cells by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Line in the file.
    pub line: usize,
    /// Cells by the column names of [`roster::COLUMNS`].
    pub cells: BTreeMap<&'static str, String>,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Line in the file.
    pub line: usize,
    /// Why, and what to do.
    pub problem: RowProblem,
}

/// What an import would do, or did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Rows that become new registrations.
    pub new: usize,
    /// Rows that are registered already with the same dates.
    pub known: usize,
    /// Rows that were not taken, each with its reason.
    pub rejected: Vec<Rejected>,
    accepted: Vec<RosterRow>,
}

/// Checks a list without writing anything: every rejected row with its line, reason and fix.
pub fn check_list(env: &Env, tenant: &Tenant, rows: &[ListRow], today: Day) -> Result<Checked, EngineError> {
    let scope = tenant.scope();
    let channels: Vec<String> = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, scope))?
        .into_iter()
        .map(|account| account.channel)
        .collect();
    let mut checked = Checked::default();
    let mut list = Seen::default();
    env.db.read(|tx| {
        for row in rows {
            let mut reject = |problem: RowProblem| {
                checked.rejected.push(Rejected {
                    line: row.line,
                    problem,
                });
            };
            let read = match roster::read(&row.cells, today) {
                Ok(read) => read,
                Err(problems) => {
                    problems.into_iter().for_each(&mut reject);
                    continue;
                }
            };
            if !channels.contains(&read.channel) {
                reject(NO_CHANNEL);
                continue;
            }
            if let Some(problem) = list.repeats(&read) {
                reject(problem);
                continue;
            }
            let suppressed = people::suppression(tx, &env.keys, scope, &read.channel, &read.address)?;
            if suppressed.is_some() && read.address_state != PointState::Suppressed {
                reject(SUPPRESSED);
                continue;
            }
            if erase::is_former(tx, &env.keys, scope, &read.channel, &read.address)? {
                reject(STOPPED);
                continue;
            }
            let reader = people::by_address(tx, &env.keys, scope, &read.channel, &read.address)?;
            // Also one that ended: a list never brings back whom it tells of once more.
            let known = match reader {
                Some(reader) => people::has_followed(tx, scope, reader, &read.anchor)?,
                None => false,
            };
            if known {
                checked.known += 1;
                continue;
            }
            if let Some(reader) = reader.filter(|_| read.state != SubscriptionState::Ended) {
                if people::has_stopped(tx, scope, reader)? {
                    reject(STOPPED);
                    continue;
                }
                let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
                if following
                    .iter()
                    .any(|known| roster::same_child(&known.anchor, &read.anchor))
                {
                    reject(SAME_CHILD);
                    continue;
                }
            }
            let of_reference = match &read.reference {
                Some(reference) => people::by_reference(tx, scope, reference)?,
                None => None,
            };
            if of_reference.is_some() && of_reference != reader {
                reject(REFERENCE_TAKEN);
                continue;
            }
            let new_reader = read.subscriber.filter(|_| reader.is_none());
            if people::is_taken(tx, read.subscription, new_reader)? {
                reject(ID_TAKEN);
                continue;
            }
            checked.new += 1;
            checked.accepted.push(read);
        }
        Ok(())
    })?;
    Ok(checked)
}

/// What stands in earlier rows of a list.
#[derive(Default)]
struct Seen {
    rows: HashSet<(String, String, Anchor)>,
    subscriptions: HashSet<SubscriptionId>,
    /// The address of each reference and of each reader.
    references: HashMap<String, (String, String)>,
    readers: HashMap<SubscriberId, (String, String)>,
}

impl Seen {
    /// Says what is wrong with a row that an earlier one excludes.
    fn repeats(&mut self, row: &RosterRow) -> Option<RowProblem> {
        let address = (row.channel.clone(), kizuna_domain::text::fold(&row.address));
        if !self.rows.insert((address.0.clone(), address.1.clone(), row.anchor)) {
            return Some(REPEATED);
        }
        if let Some(reference) = &row.reference {
            if self.references.get(reference).is_some_and(|known| *known != address) {
                return Some(REFERENCE_REPEATED);
            }
            self.references.insert(reference.clone(), address.clone());
        }
        if let Some(reader) = row.subscriber {
            if self.readers.get(&reader).is_some_and(|known| *known != address) {
                return Some(ID_TAKEN);
            }
            self.readers.insert(reader, address.clone());
        }
        let is_new = row.subscription.is_none_or(|id| self.subscriptions.insert(id));
        (!is_new).then_some(ID_TAKEN)
    }
}

/// Perhaps after a loss: nobody is brought back by a list, whatever dates it gives.
const STOPPED: RowProblem = RowProblem {
    column: "address",
    reason: "この人は、前に配信を止めています",
    fix: "本人が、自分で登録しなおせます。一覧からは取りこみません",
    reason_en: "this reader stopped the messages before",
    fix_en: "they can register again themselves; a list does not bring them back",
};
const SAME_CHILD: RowProblem = RowProblem {
    column: "due_on",
    reason: "同じ子の登録が、別の日付であります",
    fix: "日付を直すときは、登録のほうを直してください",
    reason_en: "the same child is registered with other dates",
    fix_en: "correct the dates of that registration instead",
};
const NO_CHANNEL: RowProblem = RowProblem {
    column: "channel",
    reason: "この配信手段は、まだ使えるようになっていません",
    fix: "kizuna.toml にアカウントを書くか、列の値を直してください",
    reason_en: "this channel is not set up",
    fix_en: "write the account into kizuna.toml or mend the column",
};
const REPEATED: RowProblem = RowProblem {
    column: "address",
    reason: "同じ宛先と日付の行が、上にもあります",
    fix: "一つだけ残してください（ふたごは一つの登録です）",
    reason_en: "the same address and date stand in an earlier row",
    fix_en: "keep one of them (twins are one registration)",
};
const REFERENCE_REPEATED: RowProblem = RowProblem {
    column: "reference",
    reason: "同じ番号の行が、別の宛先で上にもあります",
    fix: "番号は読む人ごとに分けるか、空けてください",
    reason_en: "an earlier row has the same number with another address",
    fix_en: "give each reader a number of their own, or leave it empty",
};
const REFERENCE_TAKEN: RowProblem = RowProblem {
    column: "reference",
    reason: "この番号の人は、別の宛先で登録されています",
    fix: "宛先が変わったのなら登録を直し、別の人なら番号を分けてください",
    reason_en: "somebody with another address is registered under this number",
    fix_en: "mend the registration where the address changed, else use another number",
};
const ID_TAKEN: RowProblem = RowProblem {
    column: "subscription",
    reason: "この登録か読者の番号は、もう使われています",
    fix: "subscription と subscriber の列を空けてください",
    reason_en: "the id of this registration or reader is in use",
    fix_en: "leave the columns subscription and subscriber empty",
};
const SUPPRESSED: RowProblem = RowProblem {
    column: "address",
    reason: "この宛先は、届かない・受け取らない記録があります",
    fix: "本人に別の宛先を確かめてください",
    reason_en: "this address refused messages before",
    fix_en: "ask the reader for another address",
};

/// Writes what [`check_list`] accepted; says how many registrations were added.
pub fn import_list(env: &Env, tenant: &Tenant, checked: &Checked) -> Result<usize, EngineError> {
    let scope = tenant.scope();
    let accounts: HashMap<String, AccountId> = env
        .db
        .read(|tx| tenants::accounts(tx, &env.keys, scope))?
        .into_iter()
        .map(|account| (account.channel, account.id))
        .collect();
    let mut added = 0;
    for chunk in checked.accepted.chunks(ROWS_PER_WRITE) {
        let note = Note::new(env, Actor::CommandLine, Some(scope), "readers.import");
        added += env.db.write(|tx| {
            let mut added = 0;
            for row in chunk {
                let Some(account) = accounts.get(&row.channel) else {
                    continue;
                };
                added += usize::from(add(env, tx, scope, *account, row)?);
            }
            tenants::touch(tx, scope)?;
            note.write(tx, "list", &format!("added={added}"))?;
            Ok(added)
        })?;
    }
    Ok(added)
}

fn add(env: &Env, tx: &mut WriteTx<'_>, scope: Scope, account: AccountId, row: &RosterRow) -> Result<bool, StoreError> {
    let known = people::by_address(tx, &env.keys, scope, &row.channel, &row.address)?;
    let subscriber = match known {
        Some(subscriber) => subscriber,
        None => add_reader(env, tx, scope, account, row)?,
    };
    if people::has_followed(tx, scope, subscriber, &row.anchor)? {
        return Ok(false);
    }
    let new = NewSubscription {
        id: row.subscription.unwrap_or_else(|| SubscriptionId::new(env.ids.next())),
        subscriber,
        anchor: row.anchor,
        // What ended has no name any more.
        nickname: row.nickname.clone().filter(|_| row.state != SubscriptionState::Ended),
        registered_on: row.registered_on,
        state: row.state,
    };
    people::add_subscription(tx, &env.keys, scope, &new)?;
    people::refresh_reach(tx, scope, subscriber)?;
    Ok(true)
}

fn add_reader(
    env: &Env,
    tx: &mut WriteTx<'_>,
    scope: Scope,
    account: AccountId,
    row: &RosterRow,
) -> Result<SubscriberId, StoreError> {
    let now = env.clock.now();
    let id = row.subscriber.unwrap_or_else(|| SubscriberId::new(env.ids.next()));
    let subscriber = NewSubscriber {
        id,
        reference: row.reference.clone(),
        relation: row.relation,
        language: row.language.clone(),
        area: row.area.clone(),
        registered_at: now,
    };
    people::add_subscriber(tx, scope, &subscriber)?;
    let point = NewPoint {
        id: PointId::new(env.ids.next()),
        subscriber: id,
        account,
        channel: row.channel.clone(),
        address: row.address.clone(),
        state: row.address_state,
    };
    people::add_point(tx, &env.keys, scope, &point)?;
    if row.address_state == PointState::Suppressed {
        people::suppress(tx, scope, point.id, "imported", now)?;
    }
    let wording = row.consent_wording.as_deref().unwrap_or("imported");
    let at = row.consent_at.unwrap_or(now);
    people::add_consent(tx, scope, env.ids.next(), id, "messages", wording, "import", at)?;
    Ok(id)
}

/// The audit's word for a stop.
const STOP: &str = "reader.stop";

/// Stops everything for one reader, at once and without asking why, also where they went on as another reader.
///
/// What waits in the outbox is recalled in the same transaction; a second press changes nothing and succeeds.
pub fn stop(env: &Env, scope: Scope, reader: SubscriberId, actor: Actor) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), STOP);
    env.write(|tx| stop_said(env, tx, scope, reader, Timestamp::MAX, &note))?;
    Ok(())
}

/// Stops what a reader had asked for by the instant at which the stop was said; what was asked for later goes on.
pub(crate) fn stop_said<'a>(
    env: &'a Env,
    tx: &mut WriteTx<'_>,
    scope: Scope,
    reader: SubscriberId,
    said_at: Timestamp,
    note: &Note<'a>,
) -> Result<(), StoreError> {
    let (touches, mut deeds) = silence_everywhere(env, tx, (scope, reader), said_at, note.at)?;
    // A second press changes nothing anywhere, and leaves no entry.
    if touches || !deeds.is_empty() {
        deeds.push(Deed {
            note: *note,
            subject: reader.to_string(),
            touches,
        });
    }
    record(tx, deeds)
}

/// Stops what a reader had asked for by an instant, here and where they went on as another reader.
///
/// Says whether anything changed here, and gives what was done in other towns, for their records.
pub(crate) fn silence_everywhere<'a>(
    env: &'a Env,
    tx: &mut WriteTx<'_>,
    (scope, reader): (Scope, SubscriberId),
    said_at: Timestamp,
    at: Timestamp,
) -> Result<(bool, Vec<Deed<'a>>), StoreError> {
    let changed_here = silence(tx, &env.keys, (scope, reader), said_at, at)?;
    let (mut deeds, mut later) = (Vec::new(), Vec::new());
    loop {
        // Asked after each round: a move that was being made has come to its end before what it leaves was silenced.
        let mut found = moving::successors(tx, scope, reader)?;
        found.retain(|person| !later.contains(person));
        if found.is_empty() {
            break;
        }
        for (there, successor) in &found {
            if silence(tx, &env.keys, (*there, *successor), said_at, at)? {
                deeds.push(Deed {
                    note: Note::new(env, Actor::Reader, Some(*there), STOP),
                    subject: successor.to_string(),
                    touches: true,
                });
            }
        }
        later.extend(found);
    }
    if changed_here || !deeds.is_empty() {
        for (there, person) in moving::all_of(tx, (scope, reader), &later)? {
            stops::note(tx, there, person, at)?;
        }
    }
    Ok((changed_here, deeds))
}

/// Stops what one reader of one town had asked for by an instant; true where anything changed.
fn silence(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    (scope, reader): (Scope, SubscriberId),
    said_at: Timestamp,
    at: Timestamp,
) -> Result<bool, StoreError> {
    // A child that is being added at the same moment is there afterwards, and is stopped too.
    erase::hold(tx, scope, reader)?;
    let stopped = end_all(tx, scope, reader, said_at)?;
    let withdrawn = people::withdraw_consents(tx, scope, reader, at, said_at)?;
    if stopped > 0 {
        people::refresh_reach(tx, scope, reader)?;
    }
    if withdrawn > 0 {
        people::mean_stop(tx, scope, reader)?;
        // Also after the last day: whoever agrees no more is kept for a shorter time.
        erase::time_anew(tx, scope, reader)?;
    }
    if people::of_subscriber(tx, keys, scope, reader)?.is_empty() {
        close_doors(tx, keys, scope, reader)?;
    }
    Ok(stopped > 0 || withdrawn > 0)
}

/// What follows for a reader for whom something ended: where nothing is left, they agree to nothing any more.
pub(crate) fn after_an_end(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    (scope, reader): (Scope, SubscriberId),
    said_at: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    if people::of_subscriber(tx, keys, scope, reader)?.is_empty() {
        people::withdraw_consents(tx, scope, reader, at, said_at)?;
        close_doors(tx, keys, scope, reader)?;
    }
    people::refresh_reach(tx, scope, reader)
}

/// Takes back what a reader left open who follows nothing any more, or whose links are made anew: invitations, a code to
/// move with, links to do one thing once, single mails.
///
/// Mails to an address of theirs go whoever asked for them. Mails that they asked for go wherever they were going; what
/// somebody else asked to have there goes on.
pub(crate) fn close_doors(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
) -> Result<(), StoreError> {
    invites::withdraw_all(tx, scope, reader)?;
    moves::withdraw(tx, scope, reader)?;
    tickets::forget(tx, keys, scope, &reader.to_string())?;
    mails::withdraw_wishes(tx, scope, reader)?;
    for address in people::addresses(tx, keys, scope, reader)? {
        mails::withdraw(tx, keys, scope, &address)?;
    }
    Ok(())
}

/// Ends everything that a reader had asked for by an instant and recalls what waits; says how much there was.
pub(crate) fn end_all(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    reader: SubscriberId,
    said_at: Timestamp,
) -> Result<u64, StoreError> {
    let mut stopped = 0;
    loop {
        // Page by page, so that nobody follows more than can be stopped.
        let following = people::asked_before(tx, scope, reader, said_at)?;
        if following.is_empty() {
            return Ok(stopped);
        }
        for subscription in &following {
            end(tx, scope, *subscription)?;
            stopped += 1;
        }
    }
}

/// Ends one subscription without a reason that anybody sees, and recalls what waits.
pub(crate) fn end(tx: &mut WriteTx<'_>, scope: Scope, subscription: SubscriptionId) -> Result<(), StoreError> {
    let (state, reason) = (SubscriptionState::Ended, Some(EndReason::Stopped));
    people::set_state(tx, scope, subscription, state, reason)?;
    runs::recall(tx, scope, subscription, Recall::Silence(SkipReason::Stopped))?;
    Ok(())
}

/// Silences a reader who blocked us at one address: everything that waits is recalled, no other address is taken.
pub(crate) fn block(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    (reader, point): (SubscriberId, PointId),
    note: &Note<'_>,
) -> Result<(), StoreError> {
    for follower in people::of_subscriber(tx, keys, scope, reader)? {
        // Their places in the ledger become free: what is still of use comes in ここまでのまとめ after the block.
        runs::recall(tx, scope, follower.subscription, Recall::Replan)?;
    }
    people::set_point(tx, scope, point, PointState::Blocked)?;
    people::refresh_reach(tx, scope, reader)?;
    tenants::touch(tx, scope)?;
    note.write(tx, &reader.to_string(), "")
}

/// Lets a reader who lifted a block go on from the day after `today`.
pub(crate) fn unblock(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    (reader, point): (SubscriberId, PointId),
    today: Day,
    note: &Note<'_>,
) -> Result<(), StoreError> {
    people::set_point(tx, scope, point, PointState::Verified)?;
    people::resume_after(tx, scope, reader, today)?;
    people::refresh_reach(tx, scope, reader)?;
    tenants::touch(tx, scope)?;
    note.write(tx, &reader.to_string(), "")
}

/// Ends every pause of a reader, who goes on from the day after `today`.
pub(crate) fn restart(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
    today: Day,
    note: &Note<'_>,
) -> Result<(), StoreError> {
    for follower in people::of_subscriber(tx, keys, scope, reader)? {
        people::end_pause(tx, scope, follower.subscription, today)?;
    }
    tenants::touch(tx, scope)?;
    note.write(tx, &reader.to_string(), "")
}

/// Writes a corrected due date or a reported birth; today's plan follows from the new dates.
pub fn move_anchor(
    env: &Env,
    scope: Scope,
    subscription: SubscriptionId,
    anchor: Anchor,
    actor: Actor,
) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), "subscription.dates");
    env.write(|tx| {
        people::move_anchor(tx, scope, subscription, &anchor)?;
        runs::recall(tx, scope, subscription, Recall::Replan)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &subscription.to_string(), "")
    })?;
    Ok(())
}
