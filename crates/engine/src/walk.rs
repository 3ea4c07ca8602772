//! Finding everybody who may have something due, page by page along indexes: the planner and its preview share it.

use std::collections::BTreeSet;

use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::people::Follower;
use kizuna_domain::position::{AnchorDate, AnchorRange};
use kizuna_domain::run::plan::{DIGEST_WITHIN_DAYS, Programme, lookups};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::env::Env;
use crate::error::EngineError;

/// Readers with several children that are handed on at a time.
const FAMILIES_PER_PAGE: usize = 500;

/// Hands on pages of readers, each with the subscriptions that are to be judged together.
///
/// Everybody who may have something due is in exactly one page; readers with several children come last.
pub fn readers(
    env: &Env,
    tenant: &Tenant,
    programme: &Programme,
    day: Day,
    behind: &[Day],
    each: &mut dyn FnMut(Vec<Vec<Follower>>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let scope = tenant.scope();
    let ranges = lookups(programme, day, behind);
    let mut families: BTreeSet<SubscriberId> = BTreeSet::new();
    let (main, preterm): (Vec<&AnchorRange>, Vec<&AnchorRange>) =
        ranges.iter().partition(|range| range.by != AnchorDate::PretermDue);
    // Due dates and births never meet the same subscription; the two walks after them may.
    for (some, seen) in [(&main, &Vec::new()), (&preterm, &main)] {
        let seen = |follower: &Follower| seen.iter().any(|range| holds(range, follower));
        for range in some {
            pages(env, &mut families, &seen, each, &mut |after| {
                Ok(env
                    .db
                    .read(|tx| people::due(tx, &env.keys, scope, range, after, env.pace.page))?)
            })?;
        }
    }
    // Whoever ここまでのまとめ is for: registered, or lifted a block, in these days.
    let days = (day - DIGEST_WITHIN_DAYS, day);
    let due = |follower: &Follower| ranges.iter().any(|range| holds(range, follower));
    pages(env, &mut families, &due, each, &mut |after| {
        Ok(env
            .db
            .read(|tx| people::registered(tx, &env.keys, scope, days, after, env.pace.page))?)
    })?;
    let seen = |follower: &Follower| due(follower) || (days.0..=days.1).contains(&follower.registered_on);
    pages(env, &mut families, &seen, each, &mut |after| {
        Ok(env
            .db
            .read(|tx| people::resumed(tx, &env.keys, scope, days, after, env.pace.page))?)
    })?;
    let families: Vec<SubscriberId> = families.into_iter().collect();
    for chunk in families.chunks(FAMILIES_PER_PAGE) {
        let readers: Result<Vec<Vec<Follower>>, _> = env.db.read(|tx| {
            chunk
                .iter()
                .map(|reader| people::of_subscriber(tx, &env.keys, scope, *reader))
                .collect()
        });
        each(readers?)?;
    }
    Ok(())
}

fn pages(
    env: &Env,
    families: &mut BTreeSet<SubscriberId>,
    seen: &dyn Fn(&Follower) -> bool,
    each: &mut dyn FnMut(Vec<Vec<Follower>>) -> Result<(), EngineError>,
    read: &mut dyn FnMut(Option<(Day, kizuna_domain::ids::SubscriptionId)>) -> Result<people::Page, EngineError>,
) -> Result<(), EngineError> {
    let mut after = None;
    while !env.stop.is_pressed() {
        let page = read(after)?;
        let mut single = Vec::with_capacity(page.followers.len());
        for follower in page.followers {
            if follower.has_siblings {
                families.insert(follower.subscriber);
            } else if !seen(&follower) {
                single.push(vec![follower]);
            }
        }
        each(single)?;
        match page.after {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(())
}

/// True where a walk along this range meets this subscription.
fn holds(range: &AnchorRange, follower: &Follower) -> bool {
    let anchor = &follower.anchor;
    let date = match range.by {
        AnchorDate::Due => anchor.due().filter(|_| anchor.birth().is_none()),
        AnchorDate::Birth => anchor.birth(),
        AnchorDate::PretermDue => anchor.due().filter(|_| anchor.is_preterm()),
    };
    date.is_some_and(|date| range.from <= date && date <= range.until)
}
