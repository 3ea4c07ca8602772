//! The engine as its users meet it: mornings, stops, outages, crashes, with a clock that stands still.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod app;
mod archive;
mod crashes;
mod data;
mod delivery;
mod double_taps;
mod forever;
mod inbound;
mod invites;
mod life;
mod line;
mod line_account;
mod line_menus;
mod line_sending;
mod line_talk;
mod lists;
mod mail;
mod missed;
mod mornings;
mod moving;
mod neighbours;
mod on_the_web;
mod races;
mod samples;
mod staff;
mod stops;
mod throttle;
mod transactional;
mod year;
