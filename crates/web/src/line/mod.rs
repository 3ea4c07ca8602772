//! What LINE calls, and the ways in through LINE.

pub(crate) mod errand;
mod halt;
pub(crate) mod liff;
pub(crate) mod login;
pub(crate) mod webhook;
