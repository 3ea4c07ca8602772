//! What people do: each function is one intention, one transaction and one entry in the audit.

pub mod content;
pub mod line;
pub mod people;
pub mod tenants;

use jiff::Timestamp;
use kizuna_store::{Scope, StoreError, WriteTx, audit};
use uuid::Uuid;

use crate::env::Env;

/// Who acts, as the audit names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody at the command line.
    CommandLine,
    /// A reader, by a signed link.
    Reader,
    /// The program itself.
    System,
}

impl Actor {
    const fn code(self) -> &'static str {
        match self {
            Actor::CommandLine => "cli",
            Actor::Reader => "reader",
            Actor::System => "system",
        }
    }
}

/// An audit entry in the making, with everything that the transaction needs handed in.
pub(crate) struct Note<'a> {
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) scope: Option<Scope>,
    pub(crate) action: &'a str,
}

impl<'a> Note<'a> {
    pub(crate) fn new(env: &Env, actor: Actor, scope: Option<Scope>, action: &'a str) -> Note<'a> {
        Note {
            id: env.ids.next(),
            at: env.clock.now(),
            actor,
            scope,
            action,
        }
    }

    pub(crate) fn write(&self, tx: &mut WriteTx<'_>, subject: &str, detail: &str) -> Result<(), StoreError> {
        let actor = self.actor.code();
        let Note {
            id, at, scope, action, ..
        } = *self;
        audit::write(
            tx,
            &audit::Entry {
                id,
                scope,
                at,
                actor,
                action,
                subject,
                detail,
            },
        )
    }
}
