//! LINE's rules as sentences, tried against the double over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, what is not there fails the test"
)]

mod control;
mod faults;
mod limits;
mod login;
mod messages;
mod phone;
mod retry_keys;
mod richmenu;
mod sending;
mod support;
mod tokens;
mod users;
mod webhooks;
