//! What a reader changes on their own pages: a birth, a date, another child, a pause, the end for one child.
//!
//! The link in the address is the permission, and it may be pressed again and again: every change is absolute. Dates
//! carry the version that the page showed; where something changed meanwhile nothing is written. A pause and a stop ask
//! for no version, because they must work whatever happened.

use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::people::{Follower, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::roster;
use kizuna_store::people::{self, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{ReadTx, Scope, StoreError, WriteTx, erase, stops};
use uuid::Uuid;

use super::{Actor, Note, people as readers};
use crate::env::Env;
use crate::error::EngineError;
use crate::links::{self, Holder};
use crate::run;

/// A child as a page showed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// What is followed, and in which state.
    pub follower: Follower,
    /// Grows with every change; a form carries it back.
    pub version: i64,
}

/// What a reader follows, the oldest registration first.
pub fn children(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Vec<Child>, EngineError> {
    let own = env.db.read(|tx| people::own(tx, &env.keys, tenant.scope(), reader))?;
    let children = own.into_iter().map(|(follower, version)| Child { follower, version });
    Ok(children.collect())
}

/// New dates of one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// The child.
    pub subscription: SubscriptionId,
    /// The version that the page showed.
    pub version: i64,
    /// What the dates become.
    pub anchor: Anchor,
}

/// What became of new dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dated {
    /// They are what was wanted, now or since an earlier press.
    Done,
    /// Something changed after the page was shown; nothing was written.
    Stale,
}

/// うまれました: the day of birth of one child, or of twins at once.
pub fn tell_birth(env: &Env, tenant: &Tenant, reader: SubscriberId, born: &[Dates]) -> Result<Dated, EngineError> {
    set_dates(env, tenant, reader, born, "subscription.birth")
}

/// Corrects a due date or a birthday, or which date a child's words follow.
pub fn correct_dates(env: &Env, tenant: &Tenant, reader: SubscriberId, dates: Dates) -> Result<Dated, EngineError> {
    set_dates(env, tenant, reader, &[dates], "subscription.dates")
}

fn set_dates(
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    wanted: &[Dates],
    action: &str,
) -> Result<Dated, EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), action);
    Ok(env.write(|tx| {
        let own = people::own(tx, &env.keys, scope, reader)?;
        let mut moved = Vec::new();
        for dates in wanted {
            let found = own.iter().find(|(known, _)| known.subscription == dates.subscription);
            match found {
                Some((known, _)) if known.anchor == dates.anchor => {}
                Some((_, version)) if *version == dates.version => moved.push(dates),
                Some(_) | None => return Ok(Dated::Stale),
            }
        }
        for dates in &moved {
            // A press that was faster makes this a conflict, and what it left is read anew.
            people::move_shown_anchor(tx, scope, dates.subscription, &dates.anchor, dates.version)?;
            runs::recall(tx, scope, dates.subscription, Recall::Replan)?;
        }
        if !moved.is_empty() {
            tenants::touch(tx, scope)?;
            let moved: Vec<String> = moved.iter().map(|dates| dates.subscription.to_string()).collect();
            note.write(tx, &reader.to_string(), &moved.join(" "))?;
        }
        Ok(Dated::Done)
    })?)
}

/// One more child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChild<'a> {
    /// Number of the form, made when it was shown: a second press of the same form is no second child.
    pub key: SubscriptionId,
    /// The one date.
    pub anchor: Anchor,
    /// What the reader calls the child.
    pub nickname: Option<&'a str>,
    /// The child whose twin it is; without one, a child of nearly the same date is the same child.
    pub twin_of: Option<SubscriptionId>,
    /// Version of the wording that was agreed to.
    pub wording: &'a str,
}

/// What became of one more child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is followed, now or since the first of two presses.
    Done,
    /// It is followed already.
    Known,
    /// The sibling is not followed with these dates any more.
    NoSibling,
    /// A reader follows no more than [`people::SUBSCRIPTIONS_MAX`] children.
    Full,
    /// They stopped, or are not here any more: whoever begins again proves their address again.
    Over,
}

/// Adds a child to what a reader follows.
///
/// A twin takes part in its sibling's letters from the next one on: what the sibling has had is not sent once more.
pub fn add_child(env: &Env, tenant: &Tenant, reader: SubscriberId, new: &NewChild<'_>) -> Result<Added, EngineError> {
    let (scope, today) = (tenant.scope(), run::today(env, tenant)?);
    let note = Note::new(env, Actor::Reader, Some(scope), "subscription.add");
    let consent = env.ids.next();
    Ok(env.write(|tx| {
        // Whoever presses twice waits for themselves, and sees what the first press did.
        if erase::hold(tx, scope, reader)?.is_none() {
            return Ok(Added::Over);
        }
        if let Some(known) = people::one(tx, &env.keys, scope, new.key)? {
            return Ok(if known.subscriber == reader {
                Added::Done
            } else {
                Added::Known
            });
        }
        if people::is_taken(tx, Some(new.key), None)? {
            return Ok(Added::Known);
        }
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        if has_stopped(tx, scope, reader, &following)? {
            return Ok(Added::Over);
        }
        if following.len() as i64 >= people::SUBSCRIPTIONS_MAX {
            return Ok(Added::Full);
        }
        let sibling = match new.twin_of {
            Some(twin) => {
                let mut following = following.iter();
                match following.find(|known| known.subscription == twin && known.anchor == new.anchor) {
                    Some(sibling) => Some(sibling),
                    None => return Ok(Added::NoSibling),
                }
            }
            None if following
                .iter()
                .any(|known| roster::same_child(&known.anchor, &new.anchor)) =>
            {
                return Ok(Added::Known);
            }
            None => None,
        };
        let added = NewSubscription {
            id: new.key,
            subscriber: reader,
            anchor: new.anchor,
            nickname: new.nickname.map(str::to_owned),
            registered_on: sibling.map_or(today, |sibling| sibling.registered_on),
            state: sibling.map_or(SubscriptionState::Active, |sibling| sibling.state),
        };
        people::add_subscription(tx, &env.keys, scope, &added)?;
        if let Some(sibling) = sibling {
            runs::share_ledger(tx, scope, sibling.subscription, new.key)?;
        }
        people::ask(tx, scope, new.key, note.at)?;
        agree(tx, tenant, reader, consent, new.wording, &note)?;
        people::refresh_reach(tx, scope, reader)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &new.key.to_string(), "")?;
        Ok(Added::Done)
    })?)
}

/// True for whoever follows nothing because they stopped; what reached its last day is no stop.
fn has_stopped(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    reader: SubscriberId,
    following: &[Follower],
) -> Result<bool, StoreError> {
    Ok(following.is_empty() && people::has_stopped(tx, scope, reader)?)
}

/// Before a reader follows something: whoever stopped begins with new links, so that messages of the time before open
/// nothing of what comes.
pub(super) fn begin_anew(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    reader: SubscriberId,
    following: &[Follower],
) -> Result<(), StoreError> {
    if has_stopped(tx, scope, reader, following)? {
        people::renew_links(tx, scope, reader, None)?;
    }
    Ok(())
}

/// True where nothing begins any more on a reader's pages: they stopped, or are not here.
pub fn is_over(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    Ok(env.db.read(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        Ok(!people::exists(tx, scope, reader)? || has_stopped(tx, scope, reader, &following)?)
    })?)
}

/// Makes every link that a reader holds worthless, except those that stop: somebody else may hold them too.
///
/// `token` is that of the reader's own pages and `form` the number of the form, by which the second of two presses is
/// known. Open invitations, codes to move with and links to do one thing once go too, because whoever held an earlier
/// link may hold them. Gives the reader as the holder of the new links; `None` for a token that opens nothing.
pub fn renew_links(env: &Env, tenant: &Tenant, token: &str, form: Uuid) -> Result<Option<Holder>, EngineError> {
    let (scope, today) = (tenant.scope(), run::today(env, tenant)?);
    let form = env.keys.index_of("links-form", form.as_bytes());
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.links-renewed");
    let Some(claimed) = links::claimed_reader(token) else {
        return Ok(None);
    };
    Ok(env.write(|tx| {
        // Before the token is looked at: whoever presses twice waits for themselves.
        if erase::hold(tx, scope, claimed)?.is_none() {
            return Ok(None);
        }
        let earlier = links::read_earlier_own_token(tx, &env.keys, scope, token)?;
        if let Some((reader, until)) = earlier {
            let is_second = people::were_links_renewed_by(tx, scope, reader, &form)?;
            let holder = Holder::of(tx, scope, reader)?;
            return Ok((is_second && today <= until).then_some(holder));
        }
        let own = links::read_own_token(tx, &env.keys, scope, token)?;
        let Some((reader, _)) = own.filter(|(_, until)| today <= *until) else {
            return Ok(None);
        };
        people::renew_links(tx, scope, reader, Some(&form))?;
        readers::close_doors(tx, &env.keys, scope, reader)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(Some(Holder::of(tx, scope, reader)?))
    })?)
}

fn agree(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    reader: SubscriberId,
    id: Uuid,
    wording: &str,
    note: &Note<'_>,
) -> Result<(), StoreError> {
    people::add_consent(tx, tenant.scope(), id, reader, "messages", wording, "own-page", note.at)
}

/// Which of the children a reader means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// One.
    One(SubscriptionId),
}

impl Which {
    fn means(self, subscription: SubscriptionId) -> bool {
        match self {
            Which::All => true,
            Which::One(one) => one == subscription,
        }
    }
}

/// お休みする: at once, until the reader ends it. What waits is recalled.
pub fn pause(env: &Env, tenant: &Tenant, reader: SubscriberId, which: Which) -> Result<(), EngineError> {
    let scope = tenant.scope();
    change(env, tenant, reader, which, "subscription.pause", &mut |tx, known| {
        if known.state != SubscriptionState::Active {
            return Ok(false);
        }
        people::set_state(tx, scope, known.subscription, SubscriptionState::Paused, None)?;
        // Its places in the ledger become free: what is still of use comes in ここまでのまとめ after the pause.
        runs::recall(tx, scope, known.subscription, Recall::Replan)?;
        Ok(true)
    })
}

/// お休みをおわりにする: from the day after on, which begins with ここまでのまとめ.
///
/// Not today: what was read before the pause and what came in it would make two letters of one day.
pub fn resume(env: &Env, tenant: &Tenant, reader: SubscriberId, which: Which) -> Result<(), EngineError> {
    let today = run::today(env, tenant)?;
    change(env, tenant, reader, which, "subscription.resume", &mut |tx, known| {
        people::end_pause(tx, tenant.scope(), known.subscription, today)
    })
}

/// Ends what a reader gets for one child, at once and without a reason; the others go on.
pub fn stop_one(
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    subscription: SubscriptionId,
) -> Result<(), EngineError> {
    let (which, now) = (Which::One(subscription), env.clock.now());
    change(env, tenant, reader, which, "subscription.stop", &mut |tx, known| {
        readers::end(tx, tenant.scope(), known.subscription)?;
        stops::note(tx, tenant.scope(), reader, now)?;
        Ok(true)
    })
}

/// Changes some of what a reader follows; `each` says whether it changed anything. Nothing changed leaves no entry.
fn change(
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    which: Which,
    action: &str,
    each: &mut dyn FnMut(&mut WriteTx<'_>, &Follower) -> Result<bool, StoreError>,
) -> Result<(), EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), action);
    env.write(|tx| {
        // A move that is being made has come to its end before it is asked what is followed here.
        erase::hold(tx, scope, reader)?;
        let mut changed = Vec::new();
        for known in people::of_subscriber(tx, &env.keys, scope, reader)? {
            if which.means(known.subscription) && each(tx, &known)? {
                changed.push(known.subscription.to_string());
            }
        }
        if !changed.is_empty() {
            readers::after_an_end(tx, &env.keys, (scope, reader), note.at, note.at)?;
            tenants::touch(tx, scope)?;
            note.write(tx, &reader.to_string(), &changed.join(" "))?;
        }
        Ok(())
    })?;
    Ok(())
}
