//! The rules, tested as one binary: dates by hand, properties, an oracle that knows nothing of our code, and
//! stories that a content editor can read.
#![cfg(test)]

mod compose;
mod content;
mod days;
mod menu;
mod opening;
mod oracle;
mod pictures;
mod properties;
mod registration;
mod rules;
mod settle;
mod staff;
mod town;
mod vectors;
