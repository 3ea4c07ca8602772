//! The channel "web": the words wait on the reader's own page, and nothing leaves this machine.
//!
//! Whoever reads on the web only goes through the same plan, ledger, bundle for late joiners and explanations as
//! everybody else; what became of a letter is on record, and the reading page shows what is on record. The address of
//! such a reader is their own number, which reaches nobody and is shown nowhere.

use jiff::SignedDuration;
use kizuna_domain::run::outcome::Outcome;

use crate::{
    Account, Batch, Capability, Channel, ChannelKind, Journal, Net, Problem, Session, SessionError, unknown_settings,
};

/// Letters of one batch: one question to the journal carries them all.
const LETTERS_MAX: usize = 500;

/// A page instead of a provider.
pub(crate) struct Web;

impl Channel for Web {
    fn kind(&self) -> ChannelKind {
        ChannelKind("web")
    }

    fn capability(&self) -> Capability {
        Capability {
            name: "ウェブのページ",
            // To lie on a page twice is to lie there once.
            recognises_repeats_for: Some(SignedDuration::MAX),
            letters_max: LETTERS_MAX,
            one_text_per_batch: false,
            sessions: 1,
            hand: 1,
        }
    }

    fn check(&self, account: &Account) -> Vec<Problem> {
        unknown_settings(account, &[])
    }

    fn probe(&self, _: &Account, _: &Net) -> Result<(), SessionError> {
        Ok(())
    }

    fn open(&self, _: &Account, _: &Net) -> Result<Box<dyn Session>, SessionError> {
        Ok(Box::new(Shelf))
    }
}

/// Where letters lie until they are read.
struct Shelf;

impl Session for Shelf {
    fn send(&mut self, batch: &Batch<'_>, journal: &mut dyn Journal) -> Result<(), SessionError> {
        let numbers: Vec<usize> = batch.letters.iter().map(|letter| letter.number).collect();
        for number in journal.may_leave_together(&numbers).into_iter().flatten() {
            let reference = String::new();
            journal.outcome(number, Outcome::Accepted { reference });
        }
        Ok(())
    }
}
