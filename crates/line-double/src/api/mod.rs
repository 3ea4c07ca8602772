//! LINE's endpoints, one table of all and one file for each family.

pub(crate) mod liff;
mod login;
mod richmenu;
pub(crate) mod routes;
mod sending;
mod statistics;
mod tokens;
mod users;
mod webhook_admin;

pub use login::Flaw;
pub(crate) use login::{Code, liff_id_token};
