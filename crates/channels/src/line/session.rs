//! Carries batches through LINE: one multicast or a few pushes, whichever LINE's rates make faster.

use std::collections::BTreeSet;
use std::sync::Arc;

use kizuna_domain::ids::NAMESPACE;
use kizuna_domain::message::Draft;
use kizuna_domain::run::outcome::{Fault, Outcome, Refusal, Step};
use uuid::Uuid;

use super::client::{Attempt, CallError, Client, PAUSES_MS};
use super::form;
use crate::{Batch, Call, Journal, Letter, Permit, Session, SessionError};

/// Letters up to which pushes are faster: LINE allows 2,000 pushes a second and 200 multicasts, ten pushes for each.
pub(crate) const PUSHES_MAX: usize = 10;
/// Readers in a row whom LINE does not know: more likely the channel was changed than that all of them left.
const STRANGERS_MAX: usize = 5;

/// A conversation with LINE.
pub(crate) struct LineSession {
    client: Client,
    /// The message objects of the cohort that was sent last, as JSON.
    written: Option<(Arc<Draft>, Arc<str>)>,
    /// Readers in a row whom LINE does not know.
    strangers: usize,
}

/// Whether the batch goes on after one request.
enum Turn {
    On,
    /// The journal said that nothing more may leave.
    End,
}

impl LineSession {
    pub(crate) fn new(client: Client) -> LineSession {
        LineSession {
            client,
            written: None,
            strangers: 0,
        }
    }

    fn messages(&mut self, draft: &Arc<Draft>, media: &str) -> Result<Arc<str>, SessionError> {
        if let Some((known, messages)) = &self.written
            && Arc::ptr_eq(known, draft)
        {
            return Ok(Arc::clone(messages));
        }
        let objects =
            form::messages(draft, media, self.client.access().format).map_err(|too_big| SessionError::Refused {
                fault: Fault::Payload,
                reply: too_big.to_string(),
            })?;
        let messages: Arc<str> = serde_json::Value::from(objects).to_string().into();
        self.written = Some((Arc::clone(draft), Arc::clone(&messages)));
        Ok(messages)
    }

    /// Asks LINE until the answer is clear; `request` asks the journal first, also before every repetition.
    ///
    /// Gives with an error whether every attempt was refused for certain, so that nothing left.
    fn insist(
        &self,
        journal: &mut dyn Journal,
        name: &'static str,
        first: usize,
        request: &mut dyn FnMut(&mut dyn Journal) -> Option<Attempt>,
    ) -> Option<Result<(), (CallError, bool)>> {
        let mut pauses = PAUSES_MS.iter();
        let mut nothing_left = true;
        loop {
            let Attempt {
                status,
                reference,
                result,
            } = request(journal)?;
            journal.called(Call {
                name,
                first,
                status,
                reference,
            });
            nothing_left &= !matches!(result, Err(CallError::Unclear(_)));
            match (result, pauses.next()) {
                (Err(error), Some(pause)) if error.is_passing() => self.client.pause(*pause),
                (result, _) => return Some(result.map(drop).map_err(|error| (error, nothing_left))),
            }
        }
    }

    fn push(&mut self, letter: &Letter, messages: &str, journal: &mut dyn Journal) -> Result<Turn, SessionError> {
        // The key names reader, day and words: no other request ever has it.
        let key = Uuid::new_v5(&NAMESPACE, letter.key.as_bytes());
        let mut permit = Permit::Go;
        let answer = self.insist(journal, "push", letter.number, &mut |journal| {
            permit = journal.may_leave(letter.number);
            (permit == Permit::Go).then(|| self.client.push(messages, &letter.to.0, key))
        });
        match answer {
            None if permit == Permit::Skip => Ok(Turn::On),
            None => Ok(Turn::End),
            Some(Ok(())) => {
                self.strangers = 0;
                self.client.spend(1);
                journal.outcome(letter.number, accepted());
                Ok(Turn::On)
            }
            Some(Err((
                CallError::Invalid {
                    content: false, reply, ..
                },
                _,
            ))) => {
                self.stranger(letter.number, &reply, journal)?;
                Ok(Turn::On)
            }
            Some(Err((error, nothing_left))) => {
                if nothing_left {
                    journal.stayed(&[letter.number]);
                }
                Err(ending(&error))
            }
        }
    }

    /// One request for all: those whom LINE does not know are taken out, and the rest leaves under a new key.
    fn multicast(&mut self, batch: &Batch<'_>, messages: &str, journal: &mut dyn Journal) -> Result<(), SessionError> {
        let mut refused: BTreeSet<usize> = batch.refused.iter().copied().collect();
        loop {
            let left: Vec<&Letter> = batch
                .letters
                .iter()
                .filter(|letter| !refused.contains(&letter.number))
                .collect();
            let Some(first) = left.first().map(|letter| letter.number) else {
                return Ok(());
            };
            let numbers: Vec<usize> = left.iter().map(|letter| letter.number).collect();
            let key = multicast_key(batch, &refused);
            let mut asked: Option<Vec<usize>> = None;
            let answer = self.insist(journal, "multicast", first, &mut |journal| {
                asked = journal.may_leave_together(&numbers);
                let may: BTreeSet<usize> = asked.iter().flatten().copied().collect();
                let to: Vec<&str> = left
                    .iter()
                    .filter(|letter| may.contains(&letter.number))
                    .map(|letter| letter.to.0.as_str())
                    .collect();
                (!to.is_empty()).then(|| self.client.multicast(messages, &to, key))
            });
            let granted = asked.unwrap_or_default();
            match answer {
                None => return Ok(()),
                Some(Ok(())) => {
                    self.strangers = 0;
                    self.client.spend(granted.len() as u64);
                    for number in granted {
                        journal.outcome(number, accepted());
                    }
                    return Ok(());
                }
                Some(Err((
                    CallError::Invalid {
                        recipients,
                        content: false,
                        reply,
                    },
                    _,
                ))) if !recipients.is_empty() => {
                    journal.stayed(&granted);
                    for number in recipients.iter().filter_map(|place| granted.get(*place)) {
                        refused.insert(*number);
                        self.stranger(*number, &reply, journal)?;
                    }
                }
                Some(Err((error, nothing_left))) => {
                    if nothing_left {
                        journal.stayed(&granted);
                    }
                    return Err(ending(&error));
                }
            }
        }
    }

    /// Settles a letter to somebody whom LINE does not know; after some in a row, doubts the account instead.
    fn stranger(&mut self, number: usize, reply: &str, journal: &mut dyn Journal) -> Result<(), SessionError> {
        self.strangers += 1;
        if self.strangers > STRANGERS_MAX {
            return Err(SessionError::Refused {
                fault: Fault::Account,
                reply: format!(
                    "LINE does not know {} readers in a row; was the channel changed to another provider's?",
                    self.strangers
                ),
            });
        }
        let outcome = Outcome::Refused {
            refusal: Refusal::AddressGone,
            step: Step::Final,
            reply: reply.to_owned(),
        };
        journal.outcome(number, outcome);
        Ok(())
    }
}

impl Session for LineSession {
    fn send(&mut self, batch: &Batch<'_>, journal: &mut dyn Journal) -> Result<(), SessionError> {
        let Some(first) = batch.letters.first() else {
            return Ok(());
        };
        if batch
            .letters
            .iter()
            .any(|letter| !Arc::ptr_eq(&letter.draft, &first.draft))
        {
            // Never one family's words to another.
            return Err(SessionError::Refused {
                fault: Fault::Payload,
                reply: "the batch holds different texts".to_owned(),
            });
        }
        let messages = self.messages(&first.draft, &first.links.media)?;
        if batch.planned > PUSHES_MAX {
            return self.multicast(batch, &messages, journal);
        }
        for letter in batch.letters {
            if let Turn::End = self.push(letter, &messages, journal)? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn allowance(&mut self) -> Result<Option<u64>, SessionError> {
        self.client.allowance().map_err(|error| ending(&error))
    }
}

/// The same for every attempt at the same letters, also after a crash: it depends on the batch and on whom LINE refused.
///
/// Whoever stops between two attempts is left out and does not change it: if the first was accepted, the second must
/// not be a new one for all the others.
fn multicast_key(batch: &Batch<'_>, refused: &BTreeSet<usize>) -> Uuid {
    let mut name = batch.id.bytes().to_vec();
    for number in refused {
        name.extend((*number as u64).to_be_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        reference: String::new(),
    }
}

/// What an error means for the session; letters without an outcome stay in doubt and come back.
fn ending(error: &CallError) -> SessionError {
    let reply = error.to_string();
    let fault = match error {
        CallError::Unreachable(_) | CallError::Unclear(_) | CallError::TooFast => {
            return SessionError::Unreachable { reply };
        }
        CallError::MonthlyLimit => Fault::Quota,
        CallError::Invalid { .. } | CallError::Mistake { .. } | CallError::NotFound => Fault::Payload,
        CallError::Token(_) | CallError::Forbidden(_) => Fault::Account,
    };
    SessionError::Refused { fault, reply }
}
