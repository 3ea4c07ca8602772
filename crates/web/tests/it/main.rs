//! The pages against the router, without a socket, on a day that stands still.

mod support;
