//! A strict, stateful stand-in for LINE's servers on loopback.
//!
//! It keeps the rules that LINE publishes, remembers what came to whose phone, and can be told to fail.

mod answer;
mod api;
mod call;
mod clock;
mod control;
mod double;
mod html;
mod jwt;
mod limits;
mod menus;
mod messages;
mod model;
mod phone;
mod picture;
mod random;
mod server;
mod state;
mod webhook;
mod wire;

pub use api::Flaw;
pub use clock::ClockKind;
pub use double::Double;
pub use model::{Chances, ChannelKind, Delivery, Fault, FaultKind, Menu, NewChannel, Options, Receipt, Request, Via};
pub use state::Violation;
pub use webhook::{Act, Manner, Outcome};
