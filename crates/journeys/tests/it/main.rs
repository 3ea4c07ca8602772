//! Families' journeys in real Chromium against the real pages, on a day that stands still.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod birth;
mod closed;
mod judges;
mod paths;
mod register;
mod settings;
mod stop;
mod town;
mod walk;
