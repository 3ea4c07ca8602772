//! The end of what is kept: completes what is over and erases whose time has come.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::position::{AnchorDate, AnchorRange};
use kizuna_domain::retention::{Parting, is_over};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, Scope, StoreError, WriteTx, erase, people, tenants};

use crate::actions::people as readers;
use crate::actions::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::run::{self, TenantFailure};
use crate::{outside, witness};

/// Readers in one transaction: short enough that a morning's work does not wait for it.
const PAGE: usize = 200;
/// Pages of one kind in one look; what is left waits for the next.
const PAGES_MAX: usize = 500;
/// A plan that was being made when somebody was erased has long ended after this time.
const SETTLED: SignedDuration = SignedDuration::from_hours(24);
/// How much older than the present the first day of a walk is: older than any child a series is for.
const DAYS_BACK: i32 = 36_500;

/// One look: ends what is over, works out timers, erases whose time has come. One tenant's trouble stops nobody else.
pub fn tick(env: &Env) -> Result<Vec<TenantFailure>, EngineError> {
    // A copy that does not know whether it is the live one erases nobody.
    witness::may_send(env)?;
    let mut failures = Vec::new();
    for tenant in env.db.read(tenants::all)? {
        if let Err(error) = keep(env, &tenant) {
            failures.push(TenantFailure {
                tenant: tenant.code,
                error,
            });
        }
    }
    outside::note(env)?;
    outside::sweep(env)?;
    Ok(failures)
}

fn keep(env: &Env, tenant: &Tenant) -> Result<(), EngineError> {
    let today = run::today(env, tenant)?;
    let (oldest, retention) = (today - DAYS_BACK, tenant.settings.retention);
    for (by, until) in [
        (AnchorDate::Due, retention.awaited_until(today)),
        (AnchorDate::Birth, today),
    ] {
        let range = AnchorRange {
            by,
            from: oldest,
            until,
        };
        pages(env, || complete(env, tenant, &range, today))?;
    }
    pages(env, || time(env, tenant))?;
    purge(env, tenant)?;
    sweep(env, tenant)
}

/// Does page after page until one is not full.
fn pages(env: &Env, mut page: impl FnMut() -> Result<usize, EngineError>) -> Result<(), EngineError> {
    for _ in 0..PAGES_MAX {
        if env.stop.is_pressed() || page()? < PAGE {
            break;
        }
    }
    Ok(())
}

/// Ends the oldest subscriptions of a range whose every series is over; says how many.
fn complete(env: &Env, tenant: &Tenant, range: &AnchorRange, today: Day) -> Result<usize, EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::System, Some(scope), "readers.complete");
    Ok(env.write(|tx| {
        let page = people::due(tx, &env.keys, scope, range, None, PAGE)?;
        // Oldest first: whoever comes after the first that goes on goes on too.
        let over = page
            .followers
            .iter()
            .take_while(|follower| is_over(&tenant.settings, &follower.anchor, today));
        let mut ended = 0;
        for follower in over {
            if people::complete(tx, scope, follower.subscription, &follower.anchor)? {
                people::refresh_reach(tx, scope, follower.subscriber)?;
                ended += 1;
            }
        }
        if ended > 0 {
            tenants::touch(tx, scope)?;
            note.write(tx, "list", &format!("ended={ended}"))?;
        }
        Ok(ended)
    })?)
}

/// Works out when those are erased who follow nothing any more; says how many.
fn time(env: &Env, tenant: &Tenant) -> Result<usize, EngineError> {
    let (scope, now) = (tenant.scope(), env.clock.now());
    Ok(env.write(|tx| {
        let untimed = erase::untimed(tx, scope, PAGE)?;
        for (reader, parting) in &untimed {
            // Never 0, which stands for a timer that is not worked out yet.
            let at = tenant
                .settings
                .retention
                .erase_at(*parting, now)
                .max(Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1));
            erase::set_timer(tx, scope, *reader, at)?;
        }
        Ok(untimed.len())
    })?)
}

/// Erases readers whose time has come, page after page; one who cannot be erased keeps nobody else here.
fn purge(env: &Env, tenant: &Tenant) -> Result<(), EngineError> {
    let now = env.clock.now();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let due = env.db.read(|tx| erase::due(tx, tenant.scope(), now, after, PAGE))?;
        let readers: Vec<SubscriberId> = due.iter().map(|(reader, _)| *reader).collect();
        if let Err(error) = erase_page(env, tenant, &readers, now) {
            tracing::warn!(%error, tenant = %tenant.code, "readers could not be erased together; now one by one");
            for reader in &readers {
                match erase_page(env, tenant, std::slice::from_ref(reader), now) {
                    Ok(()) => {}
                    Err(error) if error.is_transient() => return Err(error.into()),
                    Err(error) => tracing::error!(
                        %error, tenant = %tenant.code, %reader, "a reader could not be erased; it is tried again"
                    ),
                }
            }
        }
        after = due.last().copied().filter(|_| due.len() == PAGE);
        if after.is_none() || env.stop.is_pressed() {
            break;
        }
    }
    Ok(())
}

/// Erases those of some readers whose time is still over, all or none.
fn erase_page(env: &Env, tenant: &Tenant, readers: &[SubscriberId], now: Timestamp) -> Result<(), StoreError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::System, Some(scope), "readers.purge");
    env.write(|tx| {
        let mut erased = 0;
        for reader in readers {
            let held = erase::hold(tx, scope, *reader)?;
            // Perhaps they registered again since they were found.
            if held.and_then(|held| held.erase_after).is_some_and(|at| at <= now) {
                remove(tx, &env.keys, scope, *reader, now)?;
                erased += 1;
            }
        }
        if erased > 0 {
            tenants::touch(tx, scope)?;
            note.write(tx, "list", &format!("erased={erased}"))?;
        }
        Ok(())
    })
}

/// Stops what a reader who is held still follows and erases them.
pub(crate) fn remove(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    reader: SubscriberId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let stopped = readers::end_all(tx, scope, reader, Timestamp::MAX)?;
    // Whoever came to the last day of a series may come back for another child, also by a list.
    let parting = if stopped > 0 || people::has_stopped(tx, scope, reader)? {
        Parting::Stopped
    } else {
        Parting::Completed
    };
    erase::reader(tx, keys, scope, reader, parting, now)
}

/// Clears rows of the ledger that could not go with their readers.
fn sweep(env: &Env, tenant: &Tenant) -> Result<(), EngineError> {
    let scope = tenant.scope();
    let settled = env.clock.now().checked_sub(SETTLED).unwrap_or(Timestamp::MIN);
    let mut after: Option<SubscriptionId> = None;
    for _ in 0..PAGES_MAX {
        after = env.write(|tx| erase::sweep_ledger(tx, scope, after, settled, PAGE))?;
        if after.is_none() || env.stop.is_pressed() {
            break;
        }
    }
    Ok(())
}
