//! What is put into the double and what can be read out of it, in Rust and, with the same names, as JSON.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::ClockKind;
use crate::webhook::Outcome;

/// How a double is started.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The clock that tokens, retry keys, rates and months go by.
    pub clock: ClockKind,
    /// Messages on phones that are remembered, the oldest forgotten first; 0 only counts them.
    pub receipts_max: usize,
    /// Requests that are remembered, the oldest forgotten first.
    pub requests_max: usize,
    /// Whether LINE's rate limits are kept; a benchmark switches them off.
    pub rate_limits: bool,
    /// Whether pictures and links may lie on this machine (`http://127.0.0.1…`), which LINE refuses.
    pub loopback_urls: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            clock: ClockKind::Real,
            receipts_max: 100_000,
            requests_max: 10_000,
            rate_limits: true,
            loopback_urls: true,
        }
    }
}

/// What a channel is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// An official account's Messaging API channel.
    #[default]
    Messaging,
    /// A LINE Login channel, which signs people in.
    Login,
}

/// A channel, as its owner would set it up in LINE's console.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewChannel {
    /// The channel ID.
    pub id: String,
    /// The channel secret, which signs webhooks and HS256 ID tokens.
    pub secret: String,
    /// The provider, within which user ids are the same.
    pub provider: String,
    /// Messaging or login.
    pub kind: ChannelKind,
    /// The bot's own user id, the `destination` of webhooks.
    pub bot_user_id: String,
    /// The basic id, such as `@123abcde`.
    pub basic_id: String,
    /// The name that people see.
    pub display_name: String,
    /// Recipients that may be counted in a month; none for no limit.
    pub quota: Option<u64>,
    /// A long-lived channel access token, as the console would issue it.
    pub long_lived_token: Option<String>,
    /// The public half of the assertion signing key as a JWK, with the `kid` that LINE gave it.
    pub assertion_key: Option<Value>,
    /// Where webhooks go; only plain HTTP is spoken.
    pub webhook: Option<String>,
    /// Of a login channel: the Messaging API channel whose account people are asked to add as a friend.
    pub linked_bot: Option<String>,
}

impl fmt::Debug for NewChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewChannel")
            .field("id", &self.id)
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A fault that strikes chosen calls of one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The method, such as `POST`.
    pub method: String,
    /// The endpoint as LINE's description writes it, such as `/v2/bot/profile/{userId}`.
    pub path: String,
    /// Only calls of this channel; none for all.
    #[serde(default)]
    pub channel: Option<String>,
    /// Calls from now on that are spared first.
    #[serde(default)]
    pub skip: u64,
    /// Calls after those that are struck.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens to them.
    pub kind: FaultKind,
}

fn once() -> u64 {
    1
}

impl Fault {
    /// Strikes the next call.
    pub fn next(method: &str, path: &str, kind: FaultKind) -> Fault {
        Fault::times(1, method, path, kind)
    }

    /// Strikes the nth call from now on, counted from 1.
    pub fn nth(nth: u64, method: &str, path: &str, kind: FaultKind) -> Fault {
        Fault {
            skip: nth.saturating_sub(1),
            ..Fault::times(1, method, path, kind)
        }
    }

    /// Strikes the next so many calls.
    pub fn times(times: u64, method: &str, path: &str, kind: FaultKind) -> Fault {
        Fault {
            method: method.to_owned(),
            path: path.to_owned(),
            channel: None,
            skip: 0,
            times,
            kind,
        }
    }

    /// The same fault, for calls of one channel only.
    #[must_use]
    pub fn of_channel(self, channel: &str) -> Fault {
        Fault {
            channel: Some(channel.to_owned()),
            ..self
        }
    }
}

/// What a fault does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers this status and does nothing.
    Status(u16),
    /// Does what was asked and answers this status all the same.
    AcceptThenStatus(u16),
    /// Does what was asked and never answers; closes the connection after so many milliseconds, where given.
    AcceptThenSilence {
        /// Milliseconds until the connection is closed; none waits for the client to give up.
        #[serde(default)]
        close_after_ms: Option<u64>,
    },
    /// Does nothing and never answers; closes the connection after so many milliseconds, where given.
    SilenceBefore {
        /// Milliseconds until the connection is closed; none waits for the client to give up.
        #[serde(default)]
        close_after_ms: Option<u64>,
    },
    /// Does nothing and resets the connection.
    ResetBefore,
    /// Does what was asked and resets the connection before a byte of the answer.
    ResetAfterAccept,
    /// Does what was asked and resets the connection within the answer's body.
    ResetMidBody,
    /// Does what was asked and answers so many milliseconds late.
    Slow(u64),
    /// Does what was asked and answers one byte at a time, with so many milliseconds between two bytes.
    Drip(u64),
    /// Answers 401, as if the token had expired.
    Unauthorized,
}

/// Random faults of the sending endpoints. A retry key's nth attempt meets the same fate whenever the seed is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chances {
    /// The seed.
    pub seed: u64,
    /// The share of calls that are answered 500: half of them were accepted.
    pub false_500: f64,
    /// The share of calls that are never answered: half of them were accepted.
    pub timeout: f64,
    /// The share of calls whose connection is reset: half of them were accepted.
    pub reset: f64,
}

/// How a message came to a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Sent to one.
    Push,
    /// Sent to several.
    Multicast,
    /// The answer to a webhook.
    Reply,
    /// Sent to all friends.
    Broadcast,
}

/// One request's messages on one user's phone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Counted from 1 over all phones and never used twice.
    pub number: u64,
    /// The channel that sent.
    pub channel: String,
    /// The user whose phone it is.
    pub user: String,
    /// When, by the double's clock.
    #[serde(with = "crate::clock::text")]
    pub at: Timestamp,
    /// The `x-line-request-id` of the request that was accepted.
    pub request_id: String,
    /// Its retry key.
    pub retry_key: Option<String>,
    /// The endpoint.
    pub via: Via,
    /// The message objects.
    pub messages: Value,
}

/// A rich menu of a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Menu {
    /// The id that LINE gave.
    pub id: String,
    /// The name, which nobody sees.
    pub name: String,
    /// The text of the bar that opens it.
    pub chat_bar_text: String,
    /// The width in pixels.
    pub width: u64,
    /// The height in pixels.
    pub height: u64,
    /// The areas with their actions, as they were made.
    pub areas: Value,
    /// The media type of its picture, once there is one.
    pub picture: Option<String>,
    /// Whether everybody sees it who has none of their own.
    pub is_default: bool,
    /// Users who see it as their own.
    pub linked_users: u64,
}

/// One call of a channel's webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel.
    pub channel: String,
    /// When it began, by the double's clock.
    #[serde(with = "crate::clock::text")]
    pub at: Timestamp,
    /// Where it went.
    pub url: String,
    /// What was sent.
    pub body: Value,
    /// The status that the endpoint answered.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How busy an endpoint of a channel was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// The channel.
    pub channel: String,
    /// The method.
    pub method: String,
    /// The endpoint as LINE's description writes it.
    pub path: String,
    /// The most calls that were let through within any second.
    pub peak: u64,
    /// Calls that were let through.
    pub passed: u64,
    /// Calls that were refused for the rate.
    pub refused: u64,
}

/// One request that came to LINE's own paths, with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Counted from 1 and never used twice.
    pub number: u64,
    /// When, by the double's clock.
    #[serde(with = "crate::clock::text")]
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path as it was asked for.
    pub path: String,
    /// What stood behind the question mark.
    pub query: String,
    /// The channel whose token it carried.
    pub channel: Option<String>,
    /// The kind of the body.
    pub content_type: Option<String>,
    /// The `x-line-retry-key`.
    pub retry_key: Option<String>,
    /// The body, where it was JSON.
    pub body: Value,
    /// The status that was answered; 0 where nothing was.
    pub status: u16,
    /// The `x-line-request-id` of the answer.
    pub request_id: String,
    /// The answer, where it was JSON and was given.
    pub answer: Value,
}
