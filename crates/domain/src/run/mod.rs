//! The daily run, pure half: who gets what and why not, what a message says, what an answer means.

pub mod compose;
pub mod outcome;
pub mod plan;
pub mod settle;
