//! The pages against the router, without a socket, on a day that stands still.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what prepares a test fails loudly"
)]

mod address;
mod data;
mod delivery;
mod doors;
mod double;
mod guards;
mod invites;
mod lean;
mod line;
mod line_office;
mod look;
mod matrix;
mod media;
mod moving;
mod office;
mod own;
mod people;
mod race;
mod readers;
mod registers;
mod signing_in;
mod storm;
mod support;
mod way_in;
mod words;
