//! How a reader's messages come: at which hour, at which address. What waits for today goes the new way, once.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::SendWindow;
use kizuna_domain::ids::{BatchId, NAMESPACE, PointId, SubscriberId};
use kizuna_domain::people::{Follower, PointState, Reach};
use kizuna_domain::registration::mail_address;
use kizuna_store::people::{self, NewPoint};
use kizuna_store::runs::{self, NewBatch, WaitingLetter};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{Scope, StoreError, WriteTx, line, successors, tickets, troubles};
use uuid::Uuid;

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::errand::Proved;
use crate::line::identity::{self, Pass, Purpose};
use crate::throttle::{self, Limit, NEW_ADDRESSES_AT_ADDRESS, NEW_ADDRESSES_OF_READER};
use crate::transactional::{self, New, Occasion};
use crate::ways::WEB;

/// What became of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// It counts from now on, also for what waits.
    Now,
    /// It was so already; nothing changed.
    Already,
    /// It is not offered, or there is nothing that it could be chosen for.
    NotOffered,
}

/// What became of wishing for an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A mail asks whoever reads it to confirm, if one may be sent there; the old way stays until then.
    Yes,
    /// It is no address.
    NotAnAddress,
    /// Too many were asked for today.
    TooOften,
    /// It is not offered, or the reader follows nothing.
    NotOffered,
}

/// What became of a reader and an address that was proved to be theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Messages come there from now on.
    Now,
    /// They came there already, or the ticket was used; nothing changed.
    Before,
    /// Somebody else reads there; nothing changed.
    Taken,
    /// LINE says that they are no friend of the account, so that nothing would arrive; nothing changed.
    NotAFriend,
    /// The reader follows nothing any more, or a LINE user's ticket was used.
    Gone,
}

/// Lets a reader's messages come from an hour of the day on; `None` for the tenant's own hours.
pub fn set_hour(env: &Env, tenant: &Tenant, reader: SubscriberId, hour: Option<u8>) -> Result<Chosen, EngineError> {
    let scope = tenant.scope();
    if hour.is_some_and(|hour| !tenant.settings.choices.hours.contains(&hour)) {
        return Ok(Chosen::NotOffered);
    }
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.hour");
    let zone = tenant.settings.zone()?;
    let window = tenant.settings.window_of(hour)?;
    Ok(env.write(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        match following.first() {
            None => return Ok(Chosen::NotOffered),
            Some(one) if one.hour == hour => return Ok(Chosen::Already),
            Some(_) => people::set_hour(tx, scope, reader, hour)?,
        }
        send_on(tx, tenant, &following, (&window, &zone), note.at)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(Chosen::Now)
    })?)
}

/// Lets a reader's messages come to one of their addresses; the others stay behind it.
pub fn use_way(env: &Env, tenant: &Tenant, reader: SubscriberId, point: PointId) -> Result<Chosen, EngineError> {
    let scope = tenant.scope();
    let (hours, note) = (
        Hours::of(tenant)?,
        Note::new(env, Actor::Reader, Some(scope), "reader.way"),
    );
    Ok(env.write(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        let points = people::points(tx, &env.keys, scope, reader)?;
        let wanted = points.iter().find(|known| known.id == point);
        match (following.first(), wanted.map(|wanted| wanted.state)) {
            (Some(one), Some(PointState::Verified)) if goes_to(one, point) => return Ok(Chosen::Already),
            (Some(_), Some(PointState::Verified)) if tenant.settings.choices.ways => {}
            _ => return Ok(Chosen::NotOffered),
        }
        put_first(tx, env, tenant, reader, point, &hours, note.at)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(Chosen::Now)
    })?)
}

/// Takes an address of a reader away; the last one that works stays.
pub fn remove_way(env: &Env, tenant: &Tenant, reader: SubscriberId, point: PointId) -> Result<Chosen, EngineError> {
    let scope = tenant.scope();
    let (hours, note) = (
        Hours::of(tenant)?,
        Note::new(env, Actor::Reader, Some(scope), "reader.way-removed"),
    );
    Ok(env.write(|tx| {
        let points = people::points(tx, &env.keys, scope, reader)?;
        if !points.iter().any(|known| known.id == point) {
            return Ok(Chosen::Already);
        }
        let has_another = points
            .iter()
            .any(|other| other.id != point && other.state == PointState::Verified);
        let follows = !people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty();
        if !has_another || !follows || !tenant.settings.choices.ways {
            return Ok(Chosen::NotOffered);
        }
        people::remove_point(tx, scope, reader, point)?;
        go_on(tx, env, tenant, reader, &hours, note.at)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(Chosen::Now)
    })?)
}

/// Lets a reader's messages come to their own page.
pub fn read_on_the_web(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Joined, EngineError> {
    let note = Note::new(env, Actor::Reader, Some(tenant.scope()), "reader.way");
    let (hours, id) = (Hours::of(tenant)?, env.ids.next());
    // The address of such a reader is their own number.
    let address = reader.to_string();
    Ok(env.write(|tx| join(tx, env, tenant, reader, (WEB, &address), id, &hours, &note))?)
}

/// Asks whoever reads an e-mail address whether a reader's messages may come there.
///
/// The answer is the same whether the address is known, refused, new or asked for too often: the page tells nobody which
/// addresses exist.
pub fn ask_mail(
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    address: &str,
    language: &str,
) -> Result<Asked, EngineError> {
    let scope = tenant.scope();
    let Some(address) = mail_address(address) else {
        return Ok(Asked::NotAnAddress);
    };
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.way-asked");
    let id = env.ids.next();
    let expires = note.at.checked_add(identity::VALID).unwrap_or(Timestamp::MAX);
    let words = throttle::address_words(&address);
    let of_reader: [(Limit, &[u8]); 1] = [(NEW_ADDRESSES_OF_READER, reader.bytes())];
    let of_address: [(Limit, &[u8]); 1] = [(NEW_ADDRESSES_AT_ADDRESS, &words)];
    Ok(env.write(|tx| {
        let follows = !people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty();
        let account = transactional::way(tx, env, scope)?;
        let Some(account) = account.filter(|_| follows && tenant.settings.choices.ways) else {
            return Ok(Asked::NotOffered);
        };
        if throttle::count(tx, env, scope, &of_reader)?.is_some() {
            return Ok(Asked::TooOften);
        }
        // Nobody learns how often others asked.
        let is_enough = throttle::count(tx, env, scope, &of_address)?.is_some();
        if !is_enough && people::suppression(tx, &env.keys, scope, &account.channel, &address)?.is_none() {
            let subject = format!("{reader} {address}");
            let ticket = identity::issue(tx, &env.keys, scope, id, Purpose::Address, &subject, note.at)?;
            let mail = New {
                occasion: Occasion::Confirm,
                wish: Some(reader),
                language,
                address: &address,
                link: &format!("{}/{}/delivery/{ticket}", tenant.settings.base_url, tenant.code),
                expires,
            };
            transactional::queue(tx, env, tenant, &mail)?;
        }
        note.write(tx, &reader.to_string(), "")?;
        Ok(Asked::Yes)
    })?)
}

/// The reader and the address of a ticket that a mail carried.
fn of_mail(pass: &Pass) -> Option<(SubscriberId, &str)> {
    let (reader, address) = pass.subject().split_once(' ')?;
    Some((reader.parse().ok()?, address))
}

/// Lets a reader's messages come to the e-mail address of a ticket, and uses the ticket up.
pub fn confirm_mail(env: &Env, tenant: &Tenant, pass: &Pass) -> Result<Joined, EngineError> {
    let scope = tenant.scope();
    let Some((reader, address)) = of_mail(pass) else {
        return Ok(Joined::Gone);
    };
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.way");
    let (hours, id) = (Hours::of(tenant)?, env.ids.next());
    Ok(env.write(|tx| {
        let Some(account) = transactional::way(tx, env, scope)? else {
            return Ok(Joined::Gone);
        };
        let joined = join(tx, env, tenant, reader, (&account.channel, address), id, &hours, &note)?;
        if matches!(joined, Joined::Now | Joined::Before) {
            tickets::use_up(tx, scope, pass.id, note.at)?;
        }
        Ok(joined)
    })?)
}

/// Lets a reader's messages come by LINE to a user whom LINE has proved, and uses their ticket up.
pub fn join_line(env: &Env, tenant: &Tenant, reader: SubscriberId, proved: &Proved<'_>) -> Result<Joined, EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.way");
    let (hours, id) = (Hours::of(tenant)?, env.ids.next());
    Ok(env.write(|tx| {
        if !proved.use_up(tx, env, scope)? {
            return Ok(Joined::Gone);
        }
        let friendship = line::friendship(tx, &env.keys, scope, proved.user)?;
        if friendship.is_some_and(|friendship| !friendship.is_friend) {
            return Ok(Joined::NotAFriend);
        }
        join(tx, env, tenant, reader, (line::CHANNEL, proved.user), id, &hours, &note)
    })?)
}

/// A tenant's delivery hours, read before the transaction.
struct Hours<'a> {
    tenant: &'a Tenant,
    zone: TimeZone,
    window: SendWindow,
}

impl Hours<'_> {
    fn of(tenant: &Tenant) -> Result<Hours<'_>, EngineError> {
        Ok(Hours {
            tenant,
            zone: tenant.settings.zone()?,
            window: tenant.settings.window()?,
        })
    }

    /// The hours of a reader who chose one.
    fn of_reader(&self, hour: Option<u8>) -> SendWindow {
        self.tenant.settings.window_of(hour).unwrap_or(self.window)
    }
}

/// True where a reader's messages go to this address.
fn goes_to(follower: &Follower, point: PointId) -> bool {
    matches!(follower.reach, Reach::At { point: used, .. } if used == point)
}

/// Puts an address that was proved before all others of its reader; with a note in the record where that changes anything.
#[expect(clippy::too_many_arguments, reason = "what one transaction needs; private")]
fn join(
    tx: &mut WriteTx<'_>,
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    (channel, address): (&str, &str),
    id: Uuid,
    hours: &Hours<'_>,
    note: &Note<'_>,
) -> Result<Joined, StoreError> {
    let scope = tenant.scope();
    let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
    let (Some(one), true) = (following.first(), tenant.settings.choices.ways) else {
        return Ok(Joined::Gone);
    };
    let Some(account) = tenants::account(tx, &env.keys, scope, channel)? else {
        return Ok(Joined::Gone);
    };
    let point = match people::point_at(tx, &env.keys, scope, channel, address)? {
        Some(known) if known.subscriber != reader => {
            if !take_over(tx, env, scope, &known, reader)? {
                return Ok(Joined::Taken);
            }
            known.id
        }
        Some(known) if goes_to(one, known.id) => return Ok(Joined::Before),
        Some(known) => {
            people::set_point(tx, scope, known.id, PointState::Verified)?;
            known.id
        }
        None => {
            let point = NewPoint {
                id: PointId::new(id),
                subscriber: reader,
                account: account.id,
                channel: channel.to_owned(),
                address: address.to_owned(),
                state: PointState::Verified,
            };
            people::add_point(tx, &env.keys, scope, &point)?;
            point.id
        }
    };
    put_first(tx, env, tenant, reader, point, hours, note.at)?;
    note.write(tx, &reader.to_string(), "")?;
    Ok(Joined::Now)
}

/// Gives a reader the address of somebody who follows nothing any more; false where its holder still follows anything.
///
/// Whoever proved the address reads what was sent to it before: a stop by an old message there stops the new reader too.
fn take_over(
    tx: &mut WriteTx<'_>,
    env: &Env,
    scope: Scope,
    known: &people::Point,
    reader: SubscriberId,
) -> Result<bool, StoreError> {
    if !people::of_subscriber(tx, &env.keys, scope, known.subscriber)?.is_empty() {
        return Ok(false);
    }
    // Somebody reads here, whatever was put off before.
    troubles::lift_at(tx, &env.keys, scope, known.id)?;
    people::hand_over(tx, scope, known.id, reader)?;
    people::refresh_reach(tx, scope, known.subscriber)?;
    successors::add(tx, (scope, known.subscriber), (scope, reader))?;
    Ok(true)
}

/// Lets messages come to an address that works, also those that wait.
fn put_first(
    tx: &mut WriteTx<'_>,
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    point: PointId,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    choose(tx, env, tenant.scope(), reader, point)?;
    go_on(tx, env, tenant, reader, hours, now)
}

/// Puts an address that works before all others of its reader; call [`people::refresh_reach`] afterwards.
pub(super) fn choose(
    tx: &mut WriteTx<'_>,
    env: &Env,
    scope: Scope,
    reader: SubscriberId,
    point: PointId,
) -> Result<(), StoreError> {
    // A block says 「nothing more, anywhere」. Who chooses another way afterwards takes that back for the other way.
    for known in people::points(tx, &env.keys, scope, reader)? {
        if known.state == PointState::Blocked && known.id != point {
            people::remove_point(tx, scope, reader, known.id)?;
        }
    }
    people::prefer(tx, scope, reader, point)
}

/// Derives anew where a reader is reached, and lets what waits go there.
fn go_on(
    tx: &mut WriteTx<'_>,
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    hours: &Hours<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scope = tenant.scope();
    people::refresh_reach(tx, scope, reader)?;
    let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
    let hour = following.first().and_then(|one| one.hour);
    send_on(tx, tenant, &following, (&hours.of_reader(hour), &hours.zone), now)?;
    tenants::touch(tx, scope)
}

/// Moves what waits for a reader to where and when it is to come now.
///
/// Letters are moved and never planned anew: near the end of the delivery hours there might be no time left for that.
fn send_on(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    following: &[Follower],
    (window, zone): (&SendWindow, &TimeZone),
    now: Timestamp,
) -> Result<(), StoreError> {
    let scope = tenant.scope();
    for follower in following {
        let Reach::At { point, account } = follower.reach else {
            continue;
        };
        for letter in runs::take_waiting(tx, scope, follower.subscription)? {
            let leaves = window.opens(letter.day, zone).max(now);
            let goes_elsewhere = letter.point != point;
            if !goes_elsewhere && !waits_for_its_hour(&letter, leaves, now) {
                continue;
            }
            let batch = NewBatch {
                id: moved_id(&letter),
                run: letter.run,
                account,
                lane: letter.lane,
                letters: 1,
                attempt: 0,
                not_before: if letter.lane == 0 { now } else { leaves },
                expires: letter.expires,
            };
            runs::add_batch(tx, scope, &batch)?;
            runs::reroute(tx, scope, (letter.batch, letter.number), (batch.id, 0), point)?;
        }
    }
    Ok(())
}

/// True where a letter waits for nothing but its hour, and that is another one now.
fn waits_for_its_hour(letter: &WaitingLetter, leaves: Timestamp, now: Timestamp) -> bool {
    let is_untried = letter.attempt == 0 && !letter.is_held && letter.lane != 0;
    is_untried && letter.not_before.max(now) != leaves
}

/// A letter leaves a place in a batch once, so that the place names the batch that it goes into.
fn moved_id(letter: &WaitingLetter) -> BatchId {
    let mut name = letter.batch.bytes().to_vec();
    name.extend(letter.number.to_be_bytes());
    BatchId::new(Uuid::new_v5(&NAMESPACE, &name))
}
