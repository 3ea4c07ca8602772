//! Builders, throw-away databases and provider doubles for tests.

pub mod mail;
pub mod pg;
pub mod programs;
