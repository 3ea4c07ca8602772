//! LINE: messages, and everything that a municipality's account needs around them.
//!
//! | module | what |
//! |---|---|
//! | `settings` | an account's settings, read once |
//! | `endpoints` | where and how often, as data |
//! | `verdict` | what answers mean, as a function |
//! | `token` | access tokens |
//! | `client` | the calls |
//! | `form` | a draft as message objects |
//! | `session` | batches |
//! | [`webhook`] | what comes in |
//! | [`login`] | who somebody is |

mod client;
mod endpoints;
mod form;
pub mod login;
mod session;
mod settings;
mod token;
mod verdict;
pub mod webhook;

pub use client::{Bot, CallError, Client, MESSAGES_MAX, Month, RECIPIENTS_MAX, RichMenu, Webhook, WebhookTest};
pub use settings::Mode;

pub(crate) use client::Shared;

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kizuna_domain::run::outcome::Fault;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;

use crate::{
    Account, Capability, Channel, ChannelKind, Net, Problem, Session, SessionError, Setting, problems_refuse,
    unknown_settings,
};

/// Code of the channel.
pub const KIND: ChannelKind = ChannelKind("line");
/// LINE knows a retry key for 24 hours from the first request ("Retry API requests"); an hour less, for clocks that differ.
const REPEATS_KNOWN: SignedDuration = SignedDuration::from_hours(23);
/// Sessions to one account: at fifty milliseconds a call, three hundred calls a second.
const SESSIONS: usize = 16;

/// Batches in one session's hands: at fifty milliseconds a call, those of ten families each take four seconds, and an
/// emergency waits for the first session of many to come back.
const HAND: usize = 8;

/// LINE.
pub(crate) struct Line;

impl Channel for Line {
    fn kind(&self) -> ChannelKind {
        KIND
    }

    fn capability(&self) -> Capability {
        Capability {
            name: "LINE",
            recognises_repeats_for: Some(REPEATS_KNOWN),
            letters_max: RECIPIENTS_MAX,
            one_text_per_batch: true,
            sessions: SESSIONS,
            hand: HAND,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }

    fn check(&self, account: &Account) -> Vec<Problem> {
        let mut problems = unknown_settings(account, settings::SETTINGS);
        problems.extend(settings::read(account).err().into_iter().flatten());
        problems
    }

    fn probe(&self, account: &Account, net: &Net) -> Result<(), SessionError> {
        let client = Client::new(account, net).map_err(|problems| problems_refuse(&problems))?;
        client.bot().map(drop).map_err(|error| {
            let reply = error.to_string();
            if error.is_passing() {
                SessionError::Unreachable { reply }
            } else {
                SessionError::Refused {
                    fault: Fault::Account,
                    reply,
                }
            }
        })
    }

    fn open(&self, account: &Account, net: &Net) -> Result<Box<dyn Session>, SessionError> {
        let client = Client::new(account, net).map_err(|problems| problems_refuse(&problems))?;
        Ok(Box::new(session::LineSession::new(client)))
    }
}

/// What every call has in common: our own TLS, nobody is followed elsewhere, and an error status is an answer.
fn calls() -> ConfigBuilder<AgentScope> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent("kizuna")
}

/// An HTTP client that waits no longer than this.
fn agent(patience: Duration) -> Agent {
    calls().timeout_global(Some(patience)).build().new_agent()
}

/// True for an address that may be called: encrypted, or on this machine.
pub fn is_callable(url: &str) -> bool {
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    let encrypted = url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    clean && (encrypted || is_local(url))
}

/// True for an address in the clear on this machine.
fn is_local(url: &str) -> bool {
    ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .filter_map(|start| url.strip_prefix(start))
        .any(|rest| rest.is_empty() || rest.starts_with([':', '/']))
}

/// Names and values as the query of an address or as a form, percent-encoded.
fn query(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}
