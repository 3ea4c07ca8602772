//! What files do to us: good ones, odd ones from Excel, and hostile ones.

#![expect(clippy::unwrap_used, reason = "what prepares a test fails loudly")]

mod csv;
mod documents;
mod folders;
mod round_trips;
mod xlsx;
