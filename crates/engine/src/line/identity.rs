//! Tickets: links that let one person do one thing once, until a given instant.
//!
//! The words of a link are the ticket's number and a signature bound to purpose and tenant, so that a number alone
//! opens nothing. What the ticket is for stays in the database, sealed.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, Scope, StoreError, WriteTx, people, tickets};
use uuid::Uuid;

use crate::actions::registration::Waiting;
use crate::env::Env;
use crate::error::EngineError;
use crate::links;

/// How long a ticket can be used.
pub const VALID: SignedDuration = SignedDuration::from_hours(24);

/// What a ticket lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Register as a LINE user.
    Register,
    /// Have messages come to an e-mail address.
    Address,
    /// Do something for which LINE proves who one is.
    Errand,
    /// Confirm by the link in a mail what was asked for on the page.
    MailConfirm,
    /// Register by mail, as whoever reads at the address it was sent to.
    MailRegister,
    /// Show that mail arrives at an address.
    Repair,
}

impl Purpose {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Purpose::Register => "line-register",
            Purpose::Address => "address",
            Purpose::Errand => "line-errand",
            Purpose::MailConfirm => "mail-confirm",
            Purpose::MailRegister => "mail-register",
            Purpose::Repair => "repair",
        }
    }
}

/// A ticket in its holder's hands. Its `Debug` does not show whom it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    /// Number of the ticket.
    pub id: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    subject: String,
}

impl Pass {
    /// Whom or what the ticket is for.
    pub(crate) fn subject(&self) -> &str {
        &self.subject
    }
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a link turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It can be used.
    Good(Pass),
    /// It was used up, and would be valid still.
    Used(Pass),
    /// Forged, another tenant's, expired, or unknown.
    Nothing,
}

/// What a ticket is bound to besides its purpose.
fn bound(scope: Scope, id: &[u8; 16]) -> Vec<u8> {
    [scope.tenant().bytes().as_slice(), id].concat()
}

/// When a ticket made now ends.
pub(crate) fn ends(now: Timestamp) -> Timestamp {
    now.checked_add(VALID).unwrap_or(Timestamp::MAX)
}

/// With which reader or address a ticket is forgotten.
fn whose(purpose: Purpose, subject: &str) -> String {
    let (first, second) = subject.split_once(' ').unwrap_or((subject, ""));
    match purpose {
        Purpose::Register | Purpose::MailRegister => subject.to_owned(),
        Purpose::Address | Purpose::Repair => first.to_owned(),
        Purpose::Errand => second.to_owned(),
        Purpose::MailConfirm => {
            serde_json::from_str(subject).map_or_else(|_| String::new(), |Waiting { address, .. }| address)
        }
    }
}

/// Makes a ticket in a transaction and gives the words of its link; `id` is its number.
pub(crate) fn issue(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: Uuid,
    purpose: Purpose,
    subject: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let new = tickets::New {
        id,
        purpose: purpose.code(),
        subject,
        whose: &whose(purpose, subject),
        expires_at: ends(now),
    };
    tickets::add(tx, keys, scope, &new)?;
    let id = id.as_bytes();
    Ok(links::sign(keys, purpose.code(), id, &bound(scope, id)))
}

/// Makes a ticket with which a LINE user whom LINE has proved can register; gives the words of its link.
pub fn registration_ticket(env: &Env, scope: Scope, user: &str) -> Result<String, EngineError> {
    let (id, now) = (env.ids.next(), env.clock.now());
    Ok(env.write(|tx| issue(tx, &env.keys, scope, id, Purpose::Register, user, now))?)
}

/// Makes a ticket with which whoever reads at an address can register it; gives the words of its link.
pub fn mail_ticket(env: &Env, scope: Scope, address: &str) -> Result<String, EngineError> {
    let (id, now) = (env.ids.next(), env.clock.now());
    Ok(env.write(|tx| issue(tx, &env.keys, scope, id, Purpose::MailRegister, address, now))?)
}

/// The address that a ticket for registering by mail is for; ask only of such a ticket.
pub fn mail_address(pass: &Pass) -> &str {
    &pass.subject
}

/// The address, by its identifier, that a ticket of [`Purpose::Repair`] is for.
pub fn point(pass: &Pass) -> Result<PointId, EngineError> {
    let wrong = || EngineError::Rule("this ticket is not for an address".to_owned());
    let (_, point) = pass.subject.split_once(' ').ok_or_else(wrong)?;
    point.parse().map_err(|_| wrong())
}

/// Looks at a link without using it up.
pub fn show(env: &Env, scope: Scope, purpose: Purpose, token: &str) -> Result<Shown, EngineError> {
    let Some(id) = number(&env.keys, scope, purpose, token) else {
        return Ok(Shown::Nothing);
    };
    let found = env
        .db
        .read(|tx| tickets::get(tx, &env.keys, scope, id, purpose.code()))?;
    let now = env.clock.now();
    Ok(match found.filter(|ticket| now < ticket.expires_at) {
        None => Shown::Nothing,
        Some(ticket) => {
            let pass = Pass {
                id,
                purpose,
                subject: ticket.subject,
            };
            match ticket.used_at {
                None => Shown::Good(pass),
                Some(_) => Shown::Used(pass),
            }
        }
    })
}

/// The number in a link whose signature is right.
fn number(keys: &Keyring, scope: Scope, purpose: Purpose, token: &str) -> Option<Uuid> {
    links::read(keys, purpose.code(), token, |id| bound(scope, id)).map(Uuid::from_bytes)
}

/// The LINE user whom a registration ticket is for.
pub fn line_user(pass: &Pass) -> Result<&str, EngineError> {
    let user = pass.subject.as_str();
    if kizuna_channels::line::webhook::is_user(user) {
        Ok(user)
    } else {
        Err(EngineError::Rule("this ticket is not for a LINE user".to_owned()))
    }
}

/// The reader who has the LINE user of a ticket; `None` where nobody registered.
pub fn holder(env: &Env, tenant: &Tenant, pass: &Pass) -> Result<Option<SubscriberId>, EngineError> {
    let (scope, user) = (tenant.scope(), line_user(pass)?);
    Ok(env
        .db
        .read(|tx| people::by_address(tx, &env.keys, scope, kizuna_channels::line::KIND.0, user))?)
}
