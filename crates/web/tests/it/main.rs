//! The pages against the router, without a socket, on a day that stands still.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod double;
mod guards;
mod line;
mod line_office;
mod matrix;
mod media;
mod office;
mod people;
mod readers;
mod registers;
mod signing_in;
mod storm;
mod support;
mod way_in;
mod words;
