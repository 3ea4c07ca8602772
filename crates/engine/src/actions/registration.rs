//! What a reader does with a ticket: register by LINE with one date. The press uses the ticket up.

use kizuna_domain::day::Day;
use kizuna_domain::ids::{PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{Follower, PointState, Relation, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::roster;
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{StoreError, WriteTx, line, tickets};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::identity::{self, Pass};
use crate::run;

/// What a family gave when it registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The one date.
    pub anchor: Anchor,
    /// Relation to the child; [`Relation::Unsaid`] where not chosen.
    pub relation: Relation,
    /// BCP 47 tag of the words of the page.
    pub language: &'a str,
    /// Version of the wording that was agreed to.
    pub wording: &'a str,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// Done now.
    Now,
    /// The ticket was used before, perhaps by the first of two presses; nothing changed.
    Before,
}

/// Registers the LINE user of a ticket and uses the ticket up.
///
/// Whoever is registered already keeps their number. A child that they follow is not added again: its date becomes the
/// one given now, and a pause ends.
pub fn register(env: &Env, tenant: &Tenant, pass: &Pass, new: &Registration<'_>) -> Result<Registered, EngineError> {
    let scope = tenant.scope();
    let user = identity::line_user(pass)?;
    let account = env
        .db
        .read(|tx| tenants::account(tx, &env.keys, scope, line::CHANNEL))?
        .ok_or_else(|| EngineError::NoAccount(line::CHANNEL.to_owned()))?
        .id;
    let today = run::today(env, tenant)?;
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.register");
    let ids = (env.ids.next(), env.ids.next(), env.ids.next(), env.ids.next());
    let registered = env.write(|tx| {
        if !tickets::use_up(tx, scope, pass.id, note.at)? {
            return Ok(Registered::Before);
        }
        let known = line::point(tx, &env.keys, scope, user)?;
        let friendship = line::friendship(tx, &env.keys, scope, user)?;
        // Who blocks us gets nothing until LINE tells of the end of the block; who is unknown may be a friend.
        let state = match friendship {
            Some(friendship) if !friendship.is_friend => PointState::Blocked,
            Some(_) | None => PointState::Verified,
        };
        let subscriber = if let Some(point) = known {
            people::set_point(tx, scope, point.id, state)?;
            point.subscriber
        } else {
            let id = SubscriberId::new(ids.0);
            let subscriber = NewSubscriber {
                id,
                reference: None,
                relation: new.relation,
                language: new.language.to_owned(),
                area: None,
                registered_at: note.at,
            };
            people::add_subscriber(tx, scope, &subscriber)?;
            let point = NewPoint {
                id: PointId::new(ids.1),
                subscriber: id,
                account,
                channel: line::CHANNEL.to_owned(),
                address: user.to_owned(),
                state,
            };
            people::add_point(tx, &env.keys, scope, &point)?;
            id
        };
        let following = people::of_subscriber(tx, &env.keys, scope, subscriber)?;
        let same = following
            .iter()
            .find(|known| roster::same_child(&known.anchor, &new.anchor));
        let subscription = match same {
            Some(known) => {
                take_up(tx, tenant, known, &new.anchor, today)?;
                known.subscription
            }
            None if following.len() as i64 >= people::SUBSCRIPTIONS_MAX => {
                return Err(StoreError::Refused {
                    what: "this reader follows as many children as one reader can",
                });
            }
            None => {
                let id = SubscriptionId::new(ids.2);
                let subscription = NewSubscription {
                    id,
                    subscriber,
                    anchor: new.anchor,
                    nickname: None,
                    registered_on: today,
                    state: SubscriptionState::Active,
                };
                people::add_subscription(tx, &env.keys, scope, &subscription)?;
                id
            }
        };
        people::ask(tx, scope, subscription, note.at)?;
        people::add_consent(
            tx,
            scope,
            ids.3,
            subscriber,
            "messages",
            new.wording,
            line::CHANNEL,
            note.at,
        )?;
        people::refresh_reach(tx, scope, subscriber)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &subscriber.to_string(), "")?;
        Ok(Registered::Now)
    })?;
    Ok(registered)
}

/// Takes up a subscription that lives: the date given now counts, a due date on record stays beside a birth.
fn take_up(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    known: &Follower,
    new: &Anchor,
    today: Day,
) -> Result<(), StoreError> {
    let scope = tenant.scope();
    let anchor = match *new {
        Anchor::Birth { on, .. } => Anchor::Birth {
            on,
            due: known.anchor.due(),
        },
        Anchor::Due(due) => Anchor::Due(due),
    };
    if anchor != known.anchor {
        people::move_anchor(tx, scope, known.subscription, &anchor)?;
        runs::recall(tx, scope, known.subscription, Recall::Replan)?;
    }
    people::end_pause(tx, scope, known.subscription, today)?;
    Ok(())
}
