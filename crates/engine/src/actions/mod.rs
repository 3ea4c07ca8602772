//! What people do: each function is one intention, one transaction and one entry in the audit.

pub mod addresses;
pub mod content;
pub mod data;
pub mod delivery;
pub mod fresh_link;
pub mod invites;
pub mod life;
pub mod line;
pub mod moving;
pub mod people;
pub mod places;
pub mod registration;
pub mod sign_in;
pub mod staff;
pub mod tenants;
pub mod words;

use std::borrow::Cow;

use jiff::Timestamp;
use kizuna_domain::ids::StaffId;
use kizuna_store::tenants::touch;
use kizuna_store::{Keyring, Scope, StoreError, WriteTx, audit};
use uuid::Uuid;

use crate::env::Env;

/// Who acts, as the audit names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody at the command line.
    CommandLine,
    /// A reader, by a signed link.
    Reader,
    /// A member of staff, on a page.
    Staff(StaffId),
    /// The program itself.
    System,
}

impl Actor {
    fn code(self) -> Cow<'static, str> {
        match self {
            Actor::CommandLine => "cli".into(),
            Actor::Reader => "reader".into(),
            Actor::Staff(id) => id.to_string().into(),
            Actor::System => "system".into(),
        }
    }
}

/// An audit entry in the making, with everything that the transaction needs handed in.
///
/// It is written last: the head of the audit chain is locked from then on.
#[derive(Clone, Copy)]
pub(crate) struct Note<'a> {
    keys: &'a Keyring,
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) scope: Option<Scope>,
    pub(crate) action: &'a str,
}

impl<'a> Note<'a> {
    pub(crate) fn new(env: &'a Env, actor: Actor, scope: Option<Scope>, action: &'a str) -> Note<'a> {
        Note {
            keys: &env.keys,
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
            keys,
            id,
            at,
            scope,
            action,
            ..
        } = *self;
        audit::write(
            tx,
            keys,
            &audit::Entry {
                id,
                scope,
                at,
                actor: &actor,
                action,
                subject,
                detail,
            },
        )
    }
}

/// What one transaction does in one town, for that town's record.
pub(crate) struct Deed<'a> {
    pub(crate) note: Note<'a>,
    pub(crate) subject: String,
    /// True where something changed that a plan depends on.
    pub(crate) touches: bool,
}

/// Writes what one transaction does in several towns into the record of each.
///
/// Always in one order, so that of two such transactions one waits for the other, and not each for the other.
pub(crate) fn record(tx: &mut WriteTx<'_>, mut deeds: Vec<Deed<'_>>) -> Result<(), StoreError> {
    deeds.sort_by_key(|deed| deed.note.scope.map(|scope| scope.tenant()));
    for scope in deeds
        .iter()
        .filter(|deed| deed.touches)
        .filter_map(|deed| deed.note.scope)
    {
        touch(tx, scope)?;
    }
    for deed in &deeds {
        deed.note.write(tx, &deed.subject, "")?;
    }
    Ok(())
}
