//! The command as people and machines meet it: typed, read, killed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod content;
mod demo;
mod double;
mod exchange;
mod first_use;
mod inbound;
mod journeys;
mod kills;
mod line;
mod look;
mod pictures;
mod place;
mod staff;
mod zones;
