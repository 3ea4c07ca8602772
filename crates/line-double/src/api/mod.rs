//! LINE's endpoints, one table of all and one file for each family.

pub(crate) mod routes;
mod sending;
mod statistics;
mod tokens;
mod users;
mod webhook_admin;
