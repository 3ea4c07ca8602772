//! The face: pages, forms, guards.
//!
//! | module | shows |
//! |---|---|
//! | [`routes`] | every address with who may open it, in one table |
//! | `reader` | what families see: registering, correcting a date, stopping at once and without questions |
//! | `line` | what LINE calls, and the ways in through LINE |
//! | `staff` | signing in, accepting an invitation, one's own settings |
//! | `office` | what a municipality's staff see: today, tomorrow, one family, people and roles, the record |
//! | [`serve`](fn@serve) | all of it on a socket |
//!
//! Reads go through the store and the engine's explanations, writes through the engine's actions only. Every page works
//! without a script and loads nothing from elsewhere, but for one: the page that LINE opens inside itself loads LINE's own
//! script, and has a way for those without it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use kizuna_domain::ids::StaffId;
use kizuna_engine::Env;
use kizuna_engine::line::Inbox;
use tokio::sync::Semaphore;

mod assets;
mod bubble;
mod client;
mod cookies;
mod day_picker;
mod error;
mod form;
mod format;
mod front;
mod guard;
mod health;
mod language;
mod line;
mod media;
mod office;
mod reader;
pub mod routes;
mod ruby;
mod serve;
mod staff;

pub use client::Peer;
use office::line::LineMemory;
pub use routes::router;
pub use serve::serve;

/// Passwords hashed at the same time: each takes a processor and 19 MiB.
const HASHINGS_MAX: usize = 2;

/// What the pages need: the engine's world, and who may look.
#[derive(Debug)]
pub struct Site {
    /// The outside world of the engine.
    pub env: Arc<Env>,
    /// How staff come in.
    pub entrance: Entrance,
    /// Where events of LINE are handed in.
    pub inbox: Inbox,
    /// What the pages remember of LINE.
    line: LineMemory,
    /// Proxies whose word about a client's address is taken.
    proxies: Vec<IpAddr>,
    /// Room for those who hash passwords.
    hashing: Arc<Semaphore>,
}

impl Site {
    /// A site whose clients come directly or through one of `proxies`.
    pub fn new(env: Arc<Env>, entrance: Entrance, proxies: Vec<IpAddr>, inbox: Inbox) -> Site {
        Site {
            env,
            entrance,
            inbox,
            line: LineMemory::default(),
            proxies,
            hashing: Arc::new(Semaphore::new(HASHINGS_MAX)),
        }
    }

    /// What the demo has, where this is one.
    fn demo(&self) -> Option<&Demo> {
        match &self.entrance {
            Entrance::Demo(demo) => Some(demo),
            Entrance::SignIn => None,
        }
    }
}

/// How staff come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// By signing in.
    SignIn,
    /// Nobody signs in: the demo.
    Demo(Demo),
}

/// What the demo has beside the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// The invented member of staff that whoever sits at this machine is: on loopback only.
    pub staff: StaffId,
    /// The Maildir of the town's mail server, which the demo does not have: a page puts empty mails there.
    pub maildir: PathBuf,
    /// Address of the page that shows the telephone of whoever tries it.
    pub phone: String,
}
