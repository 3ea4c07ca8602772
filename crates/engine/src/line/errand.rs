//! What somebody goes to LINE for: to be proved for one thing, and to come back to it.
//!
//! The errand waits in a ticket; the ticket travels in cookies alone and never in an address, so that nobody can send
//! it to somebody else. Whatever comes of it, the transaction of an errand uses its ticket up.

use kizuna_domain::ids::SubscriberId;
use kizuna_store::tenants::Tenant;
use kizuna_store::{Scope, StoreError, WriteTx, tickets};
use uuid::Uuid;

use super::identity::{self, Purpose, Shown};
use crate::actions::delivery::{self, Joined};
use crate::actions::moving::{self, Arrived, Way};
use crate::env::Env;
use crate::error::EngineError;

/// What is to be done with a LINE user whom LINE has proved.
#[derive(Clone, PartialEq, Eq)]
pub enum Errand {
    /// Messages are to come to this reader by LINE.
    Join(SubscriberId),
    /// Whoever holds this code comes over from another town, and reads by LINE here.
    Arrive(String),
}

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Errand::Join(_) => "Join",
            Errand::Arrive(_) => "Arrive",
        })
    }
}

const JOIN: &str = "join";
const ARRIVE: &str = "arrive";

impl Errand {
    fn subject(&self) -> String {
        match self {
            Errand::Join(reader) => format!("{JOIN} {reader}"),
            Errand::Arrive(code) => format!("{ARRIVE} {code}"),
        }
    }

    fn read(subject: &str) -> Option<Errand> {
        let (what, whom) = subject.split_once(' ')?;
        match what {
            JOIN => whom.parse().ok().map(Errand::Join),
            ARRIVE => Some(Errand::Arrive(whom.to_owned())),
            _ => None,
        }
    }
}

/// Somebody whom LINE has proved, with the ticket of what they came for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proved<'a> {
    /// The LINE user.
    pub user: &'a str,
    /// Number of the ticket.
    pub ticket: Uuid,
}

impl std::fmt::Debug for Proved<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proved")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

impl Proved<'_> {
    /// Uses the ticket up; false where it was used before or has expired, and then nothing may be done with it.
    pub(crate) fn use_up(&self, tx: &mut WriteTx<'_>, env: &Env, scope: Scope) -> Result<bool, StoreError> {
        tickets::use_up(tx, scope, self.ticket, env.clock.now())
    }
}

/// What became of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A reader and a LINE user were brought together, or not.
    Joined(SubscriberId, Joined),
    /// Somebody came over from another town, or not.
    Arrived(Arrived),
    /// There is no such errand any more.
    Nothing,
}

/// Makes the ticket of an errand; gives its words.
pub fn ticket(env: &Env, scope: Scope, errand: &Errand) -> Result<String, EngineError> {
    let (id, now, subject) = (env.ids.next(), env.clock.now(), errand.subject());
    Ok(env.write(|tx| identity::issue(tx, &env.keys, scope, id, Purpose::Errand, &subject, now))?)
}

/// Does once what a ticket was made for, with the LINE user whom LINE has proved.
pub fn run(env: &Env, tenant: &Tenant, ticket: &str, user: &str) -> Result<Done, EngineError> {
    let Shown::Good(pass) = identity::show(env, tenant.scope(), Purpose::Errand, ticket)? else {
        return Ok(Done::Nothing);
    };
    let proved = Proved { user, ticket: pass.id };
    Ok(match Errand::read(pass.subject()) {
        Some(Errand::Join(reader)) => Done::Joined(reader, delivery::join_line(env, tenant, reader, &proved)?),
        Some(Errand::Arrive(code)) => {
            Done::Arrived(moving::arrive(env, tenant, &code, &Way::Line(proved), env.ids.next())?)
        }
        None => Done::Nothing,
    })
}
