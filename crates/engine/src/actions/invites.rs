//! 家族に知らせる: links by which a reader invites others to a registration of their own.
//!
//! A link reveals nothing of who made it. A date goes with it only where the reader chose that, and only while nothing
//! about that date has changed: news of a family is never told by a link. The reader never learns who used it.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::position::Anchor;
use kizuna_store::invites::{self, Invite, OPEN_MAX};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, Scope, people};
use uuid::Uuid;

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::{links, run};

/// How long an invitation can be used.
pub const VALID: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How often one invitation can be used: a family, not a neighbourhood.
pub const USES_MAX: i64 = 10;
const PURPOSE: &str = "family-invite";

/// What became of asking for an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It is there.
    Now,
    /// It was there already, from the first of two presses.
    Before,
    /// There are as many as one reader may have; one is to be withdrawn first.
    TooMany,
    /// The reader follows nothing, or not what the date was to be of.
    NotOffered,
}

/// An invitation as its maker sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct Open {
    /// Its number, for withdrawing it.
    pub id: Uuid,
    /// The words of its link.
    pub token: String,
    /// True where a date goes with it.
    pub hands_over: bool,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What an invitation brings to whoever opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The date that goes with it; `None` where whoever registers enters one themselves.
    pub anchor: Option<Anchor>,
}

/// What a link is bound to besides its purpose.
fn bound(scope: Scope, id: &[u8; 16]) -> Vec<u8> {
    [scope.tenant().bytes().as_slice(), id].concat()
}

fn token(keys: &Keyring, scope: Scope, id: Uuid) -> String {
    links::sign(keys, PURPOSE, id.as_bytes(), &bound(scope, id.as_bytes()))
}

/// Makes an invitation; `key` names the form that asks for it, so that two presses make one.
///
/// `date_of` is the subscription whose date goes with it, where the reader chose that.
pub fn make(
    env: &Env,
    tenant: &Tenant,
    reader: SubscriberId,
    key: Uuid,
    date_of: Option<SubscriptionId>,
) -> Result<Made, EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.invite");
    let expires_at = note.at.checked_add(VALID).unwrap_or(Timestamp::MAX);
    Ok(env.write(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        let is_own = |id: &SubscriptionId| following.iter().any(|one| one.subscription == *id);
        if following.is_empty() || !date_of.as_ref().is_none_or(is_own) {
            return Ok(Made::NotOffered);
        }
        let date_of = match date_of {
            Some(id) => people::version(tx, scope, id)?.map(|version| (id, version)),
            None => None,
        };
        if invites::get(tx, scope, key)?.is_some_and(|known| known.inviter == reader) {
            return Ok(Made::Before);
        }
        if invites::open(tx, scope, reader, note.at)?.len() as i64 >= OPEN_MAX {
            return Ok(Made::TooMany);
        }
        let invite = Invite {
            id: key,
            inviter: reader,
            date_of,
            uses_left: USES_MAX,
            expires_at,
        };
        if !invites::add(tx, scope, &invite)? {
            return Ok(Made::Before);
        }
        note.write(tx, &reader.to_string(), "")?;
        Ok(Made::Now)
    })?)
}

/// A reader's invitations that can still be used.
pub fn open(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Vec<Open>, EngineError> {
    let (scope, now) = (tenant.scope(), env.clock.now());
    let open = env.db.read(|tx| invites::open(tx, scope, reader, now))?;
    Ok(open
        .into_iter()
        .filter(|invite| invite.uses_left > 0)
        .map(|invite| Open {
            token: token(&env.keys, scope, invite.id),
            id: invite.id,
            hands_over: invite.date_of.is_some(),
            expires_at: invite.expires_at,
        })
        .collect())
}

/// この招待をやめる: takes an invitation back; a second press changes nothing.
pub fn withdraw(env: &Env, tenant: &Tenant, reader: SubscriberId, id: Uuid) -> Result<(), EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.invite-withdrawn");
    Ok(env.write(|tx| {
        if invites::withdraw(tx, scope, reader, id)? {
            note.write(tx, &reader.to_string(), "")?;
        }
        Ok(())
    })?)
}

/// What a link brings; `None` for a forged, expired or withdrawn one, or one of a reader who stopped, which all look alike.
pub fn look(env: &Env, tenant: &Tenant, words: &str) -> Result<Option<Invited>, EngineError> {
    match number(env, tenant.scope(), words) {
        Some(id) => brought(env, tenant, id),
        None => Ok(None),
    }
}

/// The number in a link whose signature is right.
fn number(env: &Env, scope: Scope, words: &str) -> Option<Uuid> {
    links::read(&env.keys, PURPOSE, words, |id| bound(scope, id)).map(Uuid::from_bytes)
}

/// What an invitation that still stands brings.
fn brought(env: &Env, tenant: &Tenant, id: Uuid) -> Result<Option<Invited>, EngineError> {
    let scope = tenant.scope();
    let now = env.clock.now();
    Ok(env.db.read(|tx| {
        let Some(invite) = invites::get(tx, scope, id)?.filter(|invite| now < invite.expires_at) else {
            return Ok(None);
        };
        let following = people::of_subscriber(tx, &env.keys, scope, invite.inviter)?;
        let Some((subscription, version)) = invite.date_of else {
            return Ok((!following.is_empty()).then_some(Invited { anchor: None }));
        };
        let Some(child) = following.iter().find(|one| one.subscription == subscription) else {
            return Ok(None);
        };
        let is_unchanged = people::version(tx, scope, subscription)? == Some(version);
        Ok(Some(Invited {
            anchor: is_unchanged.then_some(child.anchor),
        }))
    })?)
}

/// Uses a link once, by the press of whoever was invited, and gives the words by which the registration knows of it
/// until the next day; `None` where it opens nothing any more.
pub fn accept(env: &Env, tenant: &Tenant, words: &str) -> Result<Option<String>, EngineError> {
    let scope = tenant.scope();
    let Some(id) = number(env, scope, words) else {
        return Ok(None);
    };
    if brought(env, tenant, id)?.is_none() {
        return Ok(None);
    }
    let (now, until) = (env.clock.now(), run::today(env, tenant)? + 1);
    let is_used = env.write(|tx| invites::use_once(tx, scope, id, now))?;
    Ok(is_used.then(|| links::invited_token(&env.keys, tenant.id, id, until)))
}

/// What an accepted invitation brings, as long as it stands and its words are good.
pub fn accepted(env: &Env, tenant: &Tenant, words: &str) -> Result<Option<Invited>, EngineError> {
    let today = run::today(env, tenant)?;
    match links::read_invited_token(&env.keys, tenant.id, words) {
        Some((id, until)) if today <= until => brought(env, tenant, id),
        Some(_) | None => Ok(None),
    }
}
