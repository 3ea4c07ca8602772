//! Carries letters over one connection at a time, the envelope of the next together with the text of this one.
//!
//! A text leaves only after the journal said so. What was announced and may not leave is never completed: the
//! connection is closed instead, because after `354` even an empty text would be a message.

use kizuna_domain::run::outcome::{Fault, Outcome, Step};

use super::client::{self, Client, Tls, session_words, unreachable};
use super::settings::{Relay, Returns};
use super::verdict::{Reply, Verdict, judge};
use super::wire::{Cut, Lost};
use crate::address::mask;
use crate::mime::{Composer, recipient};
use crate::{Batch, Journal, Letter, Permit, Session, SessionError};

/// A conversation with a relay that outlives its connections.
pub(crate) struct EmailSession {
    relay: Relay,
    tls: Option<Tls>,
    composer: Composer,
    client: Option<Client>,
    now: Prepared,
    next: Prepared,
}

/// A letter as it goes over the wire.
#[derive(Default)]
struct Prepared {
    /// MAIL, RCPT and DATA.
    envelope: Vec<u8>,
    message: Vec<u8>,
    /// The message with its dots doubled and its end.
    content: Vec<u8>,
}

/// The line that ends a message; what may have left of it makes the message doubtful.
const END: &[u8] = b".\r\n";

/// How the relay is brought back to where a new letter can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    /// It forgets what was said.
    Reset,
    /// It asked for a text without having a recipient: it gets an empty one and says no (RFC 2920, 3.1).
    EmptyText,
    /// It asked for a text although it refused something, and may have a recipient: an empty text would arrive.
    HangUp,
}

const NONSENSE: Lost = Lost::Garbled("an answer that does not belong here");

/// Where the relay stands with a letter of which the envelope was said.
enum Announced {
    /// It waits for the text.
    Ready,
    /// It will not have this letter now.
    Declined { outcome: Outcome, recovery: Recovery },
    /// It will not have this letter and hangs up.
    Closing(Outcome, Step),
    /// It refuses the account.
    Account(String),
}

impl EmailSession {
    /// Connects and signs in.
    pub(crate) fn open(relay: Relay, tls: Option<Tls>, composer: Composer) -> Result<EmailSession, SessionError> {
        let client = client::connect(&relay, tls.as_ref())?;
        Ok(EmailSession {
            relay,
            tls,
            composer,
            client: Some(client),
            now: Prepared::default(),
            next: Prepared::default(),
        })
    }

    /// Says the envelope of the letter in `now` and hears the answers, on a new connection if the old one is gone.
    ///
    /// Until the text leaves nothing is lost by beginning again, so that a connection that the relay closed for
    /// being idle, old or used up costs no letter. A connection made for this letter gets no second try.
    fn announce(&mut self, letter: &Letter, mut said: bool) -> Result<Announced, SessionError> {
        loop {
            let fresh = self.client.is_none();
            if fresh {
                self.client = Some(client::connect(&self.relay, self.tls.as_ref())?);
                said = false;
            }
            match self.envelope(letter, said) {
                Ok(Announced::Closing(_, Step::Sender)) | Err(Lost::Closed(_)) if !fresh => self.client = None,
                Ok(announced) => return Ok(announced),
                Err(lost) => {
                    self.client = None;
                    return Err(unreachable(&lost));
                }
            }
        }
    }

    fn envelope(&mut self, letter: &Letter, said: bool) -> Result<Announced, Lost> {
        let EmailSession { relay, client, now, .. } = self;
        let client = client.as_mut().ok_or(Lost::Garbled("no connection"))?;
        let patience = &relay.patience;
        let steps = [
            (Step::Sender, patience.command),
            (Step::Recipient, patience.command),
            (Step::Data, patience.data),
        ];
        let together = said || client.pipelining;
        if together && !said {
            client.wire.write(&now.envelope, patience.command)?;
        }
        let mut declined = None;
        let (mut has_recipient, mut waits_for_text) = (false, false);
        let mut lines = now.envelope.split_inclusive(|byte| *byte == b'\n');
        for (step, limit) in steps {
            if !together {
                if declined.is_some() {
                    break;
                }
                client.wire.write(lines.next().unwrap_or_default(), patience.command)?;
            }
            let reply = client.wire.reply(limit)?;
            has_recipient |= step == Step::Recipient && reply.code / 100 == 2;
            waits_for_text = reply.code == 354;
            if declined.is_some() && reply.code != 421 {
                // The first no is the reason; what follows it is only its echo.
                continue;
            }
            match judge(step, &reply, || letter_words(&reply, letter)) {
                Verdict::Passed => {}
                Verdict::Letter(outcome) => declined = Some(outcome),
                Verdict::Closing(outcome) => return Ok(Announced::Closing(declined.unwrap_or(outcome), step)),
                Verdict::Account => return Ok(Announced::Account(session_words(&reply, relay))),
                Verdict::Nonsense => return Err(NONSENSE),
            }
        }
        Ok(match declined {
            None => Announced::Ready,
            Some(outcome) => {
                let recovery = match (waits_for_text, has_recipient) {
                    (false, _) => Recovery::Reset,
                    (true, false) => Recovery::EmptyText,
                    (true, true) => Recovery::HangUp,
                };
                Announced::Declined { outcome, recovery }
            }
        })
    }

    /// Brings the relay back to where a new letter can begin, or leaves it.
    fn recover(&mut self, recovery: Recovery) {
        let limit = self.relay.patience.command;
        let words: &[u8] = match recovery {
            Recovery::Reset => b"RSET\r\n",
            Recovery::EmptyText => END,
            Recovery::HangUp => b"",
        };
        let recovered = match &mut self.client {
            Some(client) if !words.is_empty() => {
                let reply = client.wire.write(words, limit).and_then(|()| client.wire.reply(limit));
                reply.is_ok_and(|reply| match recovery {
                    Recovery::Reset => reply.code / 100 == 2,
                    Recovery::EmptyText | Recovery::HangUp => reply.code != 421,
                })
            }
            _ => false,
        };
        if !recovered {
            self.client = None;
        }
    }

    /// Sends the text in `now`, with the envelope in `next` behind it where there is one, and hears what became of it.
    fn deliver(&mut self, letter: &Letter, with_next: bool) -> (Outcome, Result<(), SessionError>) {
        let EmailSession {
            relay,
            client,
            now,
            next,
            ..
        } = self;
        let Some(client) = client else {
            return (
                later("no connection"),
                Err(unreachable(&Lost::Garbled("no connection"))),
            );
        };
        let mark = now.content.len() - END.len();
        if with_next {
            now.content.extend_from_slice(&next.envelope);
        }
        let cut = client
            .wire
            .write_marked(&now.content, mark, relay.patience.content)
            .err();
        // A relay may answer before it has everything; its answer then counts although the rest did not arrive.
        let reply = match &cut {
            Some(Cut {
                lost: Lost::TimedOut, ..
            }) => Err(Lost::TimedOut),
            _ => client.wire.reply(relay.patience.end),
        };
        let (outcome, end) = match (reply, cut) {
            (Ok(reply), None) => concluded(&reply, letter),
            (Ok(reply), Some(cut)) if reply.code >= 400 => (concluded(&reply, letter).0, Err(unreachable(&cut.lost))),
            (_, Some(cut)) => doubt(cut.past_mark, &cut.lost),
            (Err(lost), None) => doubt(true, &lost),
        };
        if end.is_err() {
            self.client = None;
        }
        (outcome, end)
    }
}

/// What a reply to the whole text means for the letter and for the rest of the batch.
fn concluded(reply: &Reply, letter: &Letter) -> (Outcome, Result<(), SessionError>) {
    let words = || letter_words(reply, letter);
    match judge(Step::Final, reply, words) {
        Verdict::Passed => (Outcome::Accepted { reference: words() }, Ok(())),
        Verdict::Letter(outcome) => (outcome, Ok(())),
        Verdict::Closing(outcome) => (outcome, Err(SessionError::Unreachable { reply: words() })),
        Verdict::Account => {
            let (fault, reply) = (Fault::Account, words());
            (
                Outcome::Held {
                    fault,
                    reply: reply.clone(),
                },
                Err(SessionError::Refused { fault, reply }),
            )
        }
        Verdict::Nonsense => doubt(true, &NONSENSE),
    }
}

/// What becomes of a letter whose text has left in whole or in part without an answer.
fn doubt(past_mark: bool, lost: &Lost) -> (Outcome, Result<(), SessionError>) {
    let outcome = if past_mark {
        Outcome::Unknown { reply: lost.words() }
    } else {
        later(&lost.words())
    };
    (outcome, Err(unreachable(lost)))
}

/// The outcome of a letter of which the end has not left: the relay has nothing.
fn later(reply: &str) -> Outcome {
    Outcome::Deferred {
        step: Step::Data,
        reply: reply.to_owned(),
        after_seconds: None,
    }
}

/// A reply as it may be kept when it is about one letter.
fn letter_words(reply: &Reply, letter: &Letter) -> String {
    format!("{} {}", reply.code, mask(&reply.text(), &[&letter.to.0]))
}

/// Doubles the dot in front of every line that begins with one, and ends the message (RFC 5321, 4.5.2).
pub(crate) fn stuff(message: &[u8], out: &mut Vec<u8>) {
    out.reserve(message.len() + 64);
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !message.is_empty() && !message.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(END);
}

impl Prepared {
    fn prepare(&mut self, letter: &Letter, relay: &Relay, composer: &mut Composer) -> Result<(), Outcome> {
        let to = recipient(letter)?;
        self.message.clear();
        composer.compose(letter, &to, &mut self.message)?;
        self.content.clear();
        stuff(&self.message, &mut self.content);
        self.envelope.clear();
        let (local, domain) = match &relay.returns {
            Returns::PerLetter(domain) if !letter.return_token.is_empty() => {
                (format!("b+{}@", letter.return_token), domain)
            }
            Returns::PerLetter(domain) => ("b@".to_owned(), domain),
            Returns::Address(address) => (String::new(), address),
        };
        for part in ["MAIL FROM:<", &local, domain, ">\r\nRCPT TO:<", &to, ">\r\nDATA\r\n"] {
            self.envelope.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }
}

/// How the conversation goes on after a letter's turn.
enum Turn {
    /// With the next letter.
    Next,
    /// With the next letter, whose envelope has been said already.
    NextSaid,
    /// Not at all: the journal said stop.
    Stop,
}

impl EmailSession {
    /// Carries the letter prepared in `now`; `said` where its envelope has gone out with the letter before.
    fn turn(
        &mut self,
        letter: &Letter,
        next: Option<&Letter>,
        said: bool,
        journal: &mut dyn Journal,
    ) -> Result<Turn, SessionError> {
        match self.announce(letter, said)? {
            Announced::Ready => {}
            Announced::Declined { outcome, recovery } => {
                journal.outcome(letter.number, outcome);
                self.recover(recovery);
                return Ok(Turn::Next);
            }
            Announced::Closing(outcome, _) => {
                journal.outcome(letter.number, outcome);
                self.client = None;
                return Err(SessionError::Unreachable {
                    reply: "the relay closed the conversation (421)".to_owned(),
                });
            }
            Announced::Account(reply) => {
                self.client = None;
                return Err(SessionError::Refused {
                    fault: Fault::Account,
                    reply,
                });
            }
        }
        let pipelining = self.client.as_ref().is_some_and(|client| client.pipelining);
        // A letter that cannot be written is told about when its turn comes.
        let with_next =
            pipelining && next.is_some_and(|next| self.next.prepare(next, &self.relay, &mut self.composer).is_ok());
        match journal.may_leave(letter.number) {
            Permit::Go => {}
            Permit::Skip => {
                self.client = None;
                return Ok(Turn::Next);
            }
            Permit::Stop => {
                self.client = None;
                return Ok(Turn::Stop);
            }
        }
        let (outcome, end) = self.deliver(letter, with_next);
        journal.outcome(letter.number, outcome);
        end.map(|()| if with_next { Turn::NextSaid } else { Turn::Next })
    }
}

impl Session for EmailSession {
    fn send(&mut self, batch: &Batch<'_>, journal: &mut dyn Journal) -> Result<(), SessionError> {
        let mut said = false;
        let letters = batch.letters;
        for (place, letter) in letters.iter().enumerate() {
            if said {
                std::mem::swap(&mut self.now, &mut self.next);
            } else if let Err(outcome) = self.now.prepare(letter, &self.relay, &mut self.composer) {
                journal.outcome(letter.number, outcome);
                continue;
            }
            said = match self.turn(letter, letters.get(place + 1), said, journal)? {
                Turn::Next => false,
                Turn::NextSaid => true,
                Turn::Stop => return Ok(()),
            };
        }
        Ok(())
    }
}

impl Drop for EmailSession {
    fn drop(&mut self) {
        if let Some(client) = &mut self.client {
            client.wire.quit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a server makes of a text, written from RFC 5321, 4.5.2, and not from our code: the message, and what
    /// follows its end.
    fn received(wire: &str) -> Option<(String, String)> {
        let mut message = String::new();
        let mut rest = wire;
        loop {
            let (line, left) = rest.split_once("\r\n")?;
            rest = left;
            match line.strip_prefix('.') {
                Some("") => return Some((message, rest.to_owned())),
                Some(line) => message.push_str(line),
                None => message.push_str(line),
            }
            message.push_str("\r\n");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_message_says_the_server_gets_it_and_finds_its_end(lines in prop::collection::vec("[.a ]{0,4}", 0..12)) {
            let message: String = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect();
            let mut wire = Vec::new();

            stuff(message.as_bytes(), &mut wire);

            let wire = String::from_utf8(wire).unwrap();
            prop_assert_eq!(received(&wire), Some((message, String::new())));
        }
    }

    #[test]
    fn a_message_without_a_last_line_end_gets_one() {
        let mut wire = Vec::new();
        stuff(b"a\r\n.b", &mut wire);
        assert_eq!(wire, b"a\r\n..b\r\n.\r\n");
    }
}
