//! The rules, tested as one binary: dates by hand, properties, an oracle that knows nothing of our code, and
//! stories that a content editor can read.
#![cfg(test)]

mod compose;
mod content;
mod days;
mod oracle;
mod properties;
mod rules;
mod settle;
mod town;
mod vectors;
