//! The pages against the router, without a socket, on a day that stands still.

#![expect(clippy::unwrap_used, reason = "what prepares a test fails loudly")]

mod guards;
mod line_office;
mod office;
mod readers;
mod support;
