//! How a reader's messages come: at which hour, at which address. What waits for today goes the new way, once.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::SendWindow;
use kizuna_domain::ids::{BatchId, NAMESPACE, SubscriberId};
use kizuna_domain::people::{Follower, Reach};
use kizuna_store::runs::{self, NewBatch, WaitingLetter};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{StoreError, WriteTx, people};
use uuid::Uuid;

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;

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
