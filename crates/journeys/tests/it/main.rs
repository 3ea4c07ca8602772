//! Families' journeys in real Chromium against the real pages, on a day that stands still.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod address;
mod birth;
mod children;
mod closed;
mod colours;
mod entrances;
mod family;
mod full;
mod judges;
mod liff;
mod line_login;
mod paths;
mod register;
mod settings;
mod stop;
mod tongues;
mod town;
mod walk;
