//! Trouble at readers' addresses: what a bounce does, and how a family repairs it.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::PointState;
use kizuna_domain::trouble::{TROUBLE_DAYS, TROUBLED_DAYS_MAX, Trouble};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::troubles::{self, Point};
use kizuna_store::{ReadTx, Scope, StoreError, WriteTx, people, tickets};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::identity::{self, Pass, Purpose};
use crate::run;
use crate::throttle::{self, ANSWERS_OF_TENANT, ANSWERS_TO_ADDRESS, Limit, REPAIRS_AT_TENANT, REPAIRS_OF_ADDRESS};
use crate::transactional::{self, New, Occasion};

/// Addresses of one tenant that bounces may suppress within an hour. More at once is a fault of ours or of a provider,
/// not of so many families: the rest waits.
pub const SUPPRESSIONS_MAX: i64 = 100;
/// In which time that is counted.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn ago(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What a bounce did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounced {
    /// The address is never written to again, unless its reader lifts it.
    Suppressed,
    /// The address rests until its reader shows that mail arrives.
    Rests,
    /// It is on record, for the reader's own page.
    Noted,
    /// There is no such address any more, or nothing is left to do.
    Nothing,
    /// Too many addresses were suppressed within an hour: nothing was done, and it is to be tried again.
    TooMany,
}

/// Writes what keeps messages from an address, and what follows for the address; says what that was.
pub(crate) fn note_trouble(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    point: PointId,
    trouble: Trouble,
    on: Day,
    at: Timestamp,
) -> Result<Bounced, StoreError> {
    troubles::put(tx, scope, point, trouble, on, at)?;
    if let Some(refusal) = trouble.suppression() {
        people::suppress(tx, scope, point, refusal.code(), at)?;
        return Ok(Bounced::Suppressed);
    }
    let mut days: Vec<Day> = troubles::of_point(tx, scope, point, on)?
        .into_iter()
        .filter(|(trouble, _)| trouble.counts())
        .map(|(_, day)| day)
        .collect();
    days.dedup();
    if !trouble.counts() || days.len() < TROUBLED_DAYS_MAX {
        return Ok(Bounced::Noted);
    }
    people::set_point(tx, scope, point, PointState::Bouncing)?;
    Ok(Bounced::Rests)
}

/// Carries out what a bounce tells about an address. Told once more, it changes nothing.
pub fn bounced(env: &Env, tenant: &Tenant, point: PointId, what: Trouble) -> Result<Bounced, EngineError> {
    let scope = tenant.scope();
    let today = run::today(env, tenant)?;
    let note = Note::new(env, Actor::System, Some(scope), "address.bounced");
    Ok(env.write(|tx| {
        let Some(known) = troubles::point(tx, &env.keys, scope, point)? else {
            return Ok(Bounced::Nothing);
        };
        // Nothing more to be learned about an address that is not written to.
        if known.state != PointState::Verified {
            return Ok(Bounced::Nothing);
        }
        let recently = troubles::suppressed_since(tx, scope, ago(note.at, HOUR))?;
        if what.suppression().is_some() && recently >= SUPPRESSIONS_MAX {
            return Ok(Bounced::TooMany);
        }
        let done = note_trouble(tx, scope, point, what, today, note.at)?;
        if matches!(done, Bounced::Suppressed | Bounced::Rests) {
            people::refresh_reach(tx, scope, known.subscriber)?;
            tenants::touch(tx, scope)?;
            note.write(tx, &point.to_string(), what.code())?;
        }
        Ok(done)
    })?)
}

/// True where so many addresses bounced within an hour that the rest waits and somebody should look.
pub fn is_bounce_storm(tx: &mut ReadTx<'_>, scope: Scope, now: Timestamp) -> Result<bool, StoreError> {
    Ok(troubles::suppressed_since(tx, scope, ago(now, HOUR))? >= SUPPRESSIONS_MAX)
}

/// Forgets trouble of which no rule asks any more.
pub fn sweep(env: &Env) -> Result<(), StoreError> {
    let now = env.clock.now();
    let kept = SignedDuration::from_hours(24 * i64::from(TROUBLE_DAYS));
    while env.db.write(|tx| troubles::sweep(tx, ago(now, kept)))? > 0 {}
    Ok(())
}

/// True where an address, and the tenant as a whole, may be sent one more mail because a mail asked; counts it then.
pub(crate) fn may_answer(tx: &mut WriteTx<'_>, env: &Env, scope: Scope, address: &str) -> Result<bool, StoreError> {
    let words = throttle::address_words(address);
    let uses: [(Limit, &[u8]); 2] = [(ANSWERS_TO_ADDRESS, &words), (ANSWERS_OF_TENANT, b"")];
    Ok(throttle::count(tx, env, scope, &uses)?.is_none())
}

/// What a reader is told about an address of theirs to which nothing comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ailing {
    /// Which address.
    pub point: PointId,
    /// Why.
    pub trouble: Trouble,
    /// True where nothing is sent there now; false where something did not arrive.
    pub is_silent: bool,
}

/// What is wrong at a reader's e-mail address, if anything: for a banner on their own pages.
pub fn trouble(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Option<Ailing>, EngineError> {
    let today = run::today(env, tenant)?;
    Ok(env
        .db
        .read(|tx| Ok(ill(tx, env, tenant.scope(), reader, today)?.map(|(_, ailing)| ailing)))?)
}

fn ill(
    tx: &mut ReadTx<'_>,
    env: &Env,
    scope: Scope,
    reader: SubscriberId,
    today: Day,
) -> Result<Option<(Point, Ailing)>, StoreError> {
    for point in troubles::points(tx, &env.keys, scope, reader)? {
        // A folder stands in for e-mail where a town tries things out.
        if !matches!(point.channel.as_str(), "email" | "outbox") {
            continue;
        }
        let newest = troubles::of_point(tx, scope, point.id, today)?
            .first()
            .map(|(trouble, _)| *trouble);
        let trouble = match (point.state, newest) {
            (PointState::Suppressed, newest) => Some((newest.unwrap_or(Trouble::Gone), true)),
            (PointState::Bouncing, newest) => Some((newest.unwrap_or(Trouble::Full), true)),
            // One full day is no news; a filter stays until somebody changes it.
            (PointState::Verified, Some(Trouble::Filtered)) => Some((Trouble::Filtered, false)),
            (PointState::Verified | PointState::Pending | PointState::Blocked | PointState::Retired, _) => None,
        };
        if let Some((trouble, is_silent)) = trouble {
            let ailing = Ailing {
                point: point.id,
                trouble,
                is_silent,
            };
            return Ok(Some((point, ailing)));
        }
    }
    Ok(None)
}

/// What became of a wish for a mail that shows whether mail arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is on its way.
    OnItsWay,
    /// There is nothing to repair.
    NothingIll,
    /// Enough of them were sent for today.
    Enough,
}

/// Sends a mail to a reader's ailing address, with a link that shows that it arrived.
pub fn ask_repair(env: &Env, tenant: &Tenant, reader: SubscriberId, language: &str) -> Result<Asked, EngineError> {
    let scope = tenant.scope();
    let today = run::today(env, tenant)?;
    let note = Note::new(env, Actor::Reader, Some(scope), "address.check");
    Ok(env.write(|tx| {
        // Nothing comes to whoever stopped, at whatever address.
        let follows = !people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty();
        let Some((point, _)) = ill(tx, env, scope, reader, today)?.filter(|_| follows) else {
            return Ok(Asked::NothingIll);
        };
        // Counted by itself: what strangers send in the reader's name takes nothing from what the reader asks for.
        let asked: [(Limit, &[u8]); 2] = [(REPAIRS_OF_ADDRESS, point.id.bytes()), (REPAIRS_AT_TENANT, b"")];
        if throttle::count(tx, env, scope, &asked)?.is_some() {
            return Ok(Asked::Enough);
        }
        let subject = format!("{reader} {}", point.id);
        let token = identity::issue(tx, &env.keys, scope, env.ids.next(), Purpose::Repair, &subject, note.at)?;
        let link = format!("{}/{}/repair/{token}", tenant.settings.base_url, tenant.code);
        let mail = New {
            occasion: Occasion::Repair,
            wish: Some(reader),
            language,
            address: &point.address,
            link: &link,
            expires: identity::ends(note.at),
        };
        transactional::queue(tx, env, tenant, &mail)?;
        note.write(tx, &point.id.to_string(), "")?;
        Ok(Asked::OnItsWay)
    })?)
}

/// Lets messages go to an address again whose reader has shown that mail arrives there, and uses the ticket up.
///
/// Only this address is lifted: another one of the same reader, or a block on LINE, stays as it is. True also for a
/// second press.
pub fn repair(env: &Env, tenant: &Tenant, pass: &Pass) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    let point = identity::point(pass)?;
    let note = Note::new(env, Actor::Reader, Some(scope), "address.repaired");
    Ok(env.write(|tx| {
        let Some(known) = troubles::point(tx, &env.keys, scope, point)? else {
            return Ok(false);
        };
        if people::of_subscriber(tx, &env.keys, scope, known.subscriber)?.is_empty() {
            return Ok(false);
        }
        if !tickets::use_up(tx, scope, pass.id, note.at)? {
            return Ok(known.state == PointState::Verified);
        }
        troubles::lift(tx, &env.keys, scope, &known)?;
        if matches!(known.state, PointState::Suppressed | PointState::Bouncing) {
            people::set_point(tx, scope, point, PointState::Verified)?;
            people::refresh_reach(tx, scope, known.subscriber)?;
            tenants::touch(tx, scope)?;
        }
        note.write(tx, &point.to_string(), "")?;
        Ok(true)
    })?)
}
