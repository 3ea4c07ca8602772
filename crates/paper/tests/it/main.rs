//! What files do to us: good ones, odd ones from Excel, and hostile ones. And what menus look like.
#![cfg(test)]

mod csv;
mod documents;
mod folders;
mod menus;
mod round_trips;
mod xlsx;
