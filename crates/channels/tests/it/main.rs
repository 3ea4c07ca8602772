//! What the channels promise, tried against real servers and against a server that is as faulty as its script says.
#![expect(clippy::unwrap_used, reason = "in a test, what is not there fails the test")]

mod conformance;
mod forms;
mod inbound;
mod line;
mod line_webhook;
mod message;
mod outbox;
mod real_servers;
mod relay;
mod settings;
mod support;
mod web;
