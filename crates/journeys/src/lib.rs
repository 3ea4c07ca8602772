//! A browser for tests: real Chromium, used as a person uses it, by words, pointer and keys.
//!
//! | part | does |
//! |---|---|
//! | [`Browser`] | one Chromium process; ends with its value |
//! | [`Page`] | one tab with cookies of its own: opens, presses, writes, chooses, and keeps a record of what went wrong |
//! | [`Album`] | pictures of a journey in a folder that a person can look through |
//!
//! The driver is our own because it is small: Chromium takes commands as JSON over a pipe (`--remote-debugging-pipe`).
//! Drivers that exist bring an async runtime, a WebSocket client and bindings for a thousand commands (chromiumoxide), or
//! need another program of exactly the browser's version (fantoccini and thirtyfour: chromedriver; Playwright: Node and a
//! browser of its own). Here are forty commands, no port that others could reach, and nothing that waits for luck: every
//! wait is for something that Chromium says.
//!
//! Things are found by role and name as assistive technology hears them, from Chromium's own accessibility tree. What
//! cannot be found that way cannot be found by everybody.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value answers null for what it has not, and tests fail loudly"
)]

mod album;
mod axe;
mod browser;
mod keys;
mod markup;
mod page;
mod record;
mod strain;

pub use album::Album;
pub use axe::AXE;
pub use browser::Browser;
pub use page::{Hand, Page};
