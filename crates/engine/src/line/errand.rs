//! What somebody goes to LINE for: to be proved for one thing, and to come back to it.
//!
//! The errand waits in a ticket; the ticket travels beside the signed part of the login's cookie. Whatever an errand does
//! is absolute, so that coming back twice does it once.

use kizuna_domain::ids::SubscriberId;
use kizuna_store::Scope;
use kizuna_store::tenants::Tenant;

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

/// Does what a ticket was made for, with the LINE user whom LINE has proved.
pub fn run(env: &Env, tenant: &Tenant, ticket: &str, user: &str) -> Result<Done, EngineError> {
    let errand = match identity::show(env, tenant.scope(), Purpose::Errand, ticket)? {
        Shown::Good(pass) => Errand::read(pass.subject()),
        Shown::Used(_) | Shown::Nothing => None,
    };
    Ok(match errand {
        Some(Errand::Join(reader)) => Done::Joined(reader, delivery::join_line(env, tenant, reader, user)?),
        Some(Errand::Arrive(code)) => Done::Arrived(moving::arrive(env, tenant, &code, &Way::Line(user))?),
        None => Done::Nothing,
    })
}
