//! The face: pages, forms, guards.
//!
//! | module | shows |
//! |---|---|
//! | [`routes`] | every address with its audience, in one table |
//! | `reader` | what families see: stopping, at once and without questions |
//! | `office` | what a municipality's staff see: today, tomorrow, one family, the demo's mailbox |
//! | [`serve`](fn@serve) | all of it on a socket |
//!
//! Reads go through the store and the engine's explanations, writes through the engine's actions only. Every page works
//! without a script and loads nothing from elsewhere.

use std::sync::Arc;

use kizuna_engine::Env;

mod assets;
mod bubble;
mod day_picker;
mod error;
mod format;
mod front;
mod guard;
mod health;
mod language;
mod office;
mod reader;
pub mod routes;
mod serve;

pub use office::line::LineMemory;
pub use routes::router;
pub use serve::serve;

/// What the pages need: the engine's world, and who may look.
#[derive(Debug)]
pub struct Site {
    /// The outside world of the engine.
    pub env: Arc<Env>,
    /// Whether staff pages exist.
    pub staff_pages: StaffPages,
    /// What the pages remember of LINE.
    pub line: LineMemory,
}

/// Whether the pages for staff exist; there is no sign-in yet, so they are never shown to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffPages {
    /// For the demo and for practice, on this machine only.
    Open,
    /// Only readers' pages answer.
    Closed,
}
