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

mod client;
mod endpoints;
mod form;
mod session;
mod settings;
mod token;
mod verdict;

pub use client::{
    Bot, CallError, Client, MESSAGES_MAX, Month, Profile, RECIPIENTS_MAX, RichMenu, Webhook, WebhookTest,
};
pub use settings::Mode;

pub(crate) use client::Shared;

use jiff::SignedDuration;
use kizuna_domain::run::outcome::Fault;

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
