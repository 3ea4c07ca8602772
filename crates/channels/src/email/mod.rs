//! The channel "email": hands letters to a relay by SMTP.
//!
//! The conversation is ours and not a library's, because only it knows exactly how far a letter got when
//! something breaks, and because the libraries wait 40 ms after every message. Never delivers to the servers of
//! readers directly: queues, reputation and bounces are the relay's trade.

mod client;
mod session;
mod settings;
pub(crate) mod verdict;
mod wire;

use crate::mime::{Composer, Sender};
use crate::{
    Account, Capability, Channel, ChannelKind, Net, Problem, Session, SessionError, Setting, problems_refuse,
    unknown_settings,
};
use client::Tls;
use session::EmailSession;
use settings::Relay;

/// Letters of one batch: what is in doubt after a crash stays small, what is written per batch stays cheap.
const LETTERS_MAX: usize = 100;

/// E-mail by way of the municipality's relay.
pub(crate) struct Email;

impl Channel for Email {
    fn kind(&self) -> ChannelKind {
        ChannelKind("email")
    }

    fn capability(&self) -> Capability {
        Capability {
            name: "メール",
            recognises_repeats_for: None,
            letters_max: LETTERS_MAX,
            one_text_per_batch: false,
            sessions: settings::SESSIONS,
            hand: 1,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        settings::SETTINGS
    }

    fn check(&self, account: &Account) -> Vec<Problem> {
        let mut problems = unknown_settings(account, settings::SETTINGS);
        problems.extend(read(account).err().into_iter().flatten());
        problems
    }

    fn probe(&self, account: &Account, _: &Net) -> Result<(), SessionError> {
        let (relay, tls, _) = read(account).map_err(|problems| problems_refuse(&problems))?;
        client::connect(&relay, tls.as_ref())?.wire.quit();
        Ok(())
    }

    fn open(&self, account: &Account, _: &Net) -> Result<Box<dyn Session>, SessionError> {
        let (relay, tls, sender) = read(account).map_err(|problems| problems_refuse(&problems))?;
        Ok(Box::new(EmailSession::open(relay, tls, Composer::new(sender))?))
    }
}

fn read(account: &Account) -> Result<(Relay, Option<Tls>, Sender), Vec<Problem>> {
    let (relay, sender) = settings::read(account)?;
    let tls = Tls::new(&relay).map_err(|problem| vec![problem])?;
    Ok((relay, tls, sender))
}
