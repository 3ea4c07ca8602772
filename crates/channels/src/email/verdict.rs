//! Says what a relay's reply means for a letter, its account and the conversation.
//!
//! Pure: the same code means different things at different steps, and getting that wrong silences a family
//! (an address taken for dead) or pesters a stranger (a dead address taken for alive). In doubt the address is
//! believed to live.

use kizuna_domain::run::outcome::{Fault, Outcome, Refusal, Step};
use kizuna_domain::trouble::Trouble;

/// A relay's answer, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The three digits.
    pub(crate) code: u16,
    /// The text of each line, without code and line end.
    pub(crate) lines: Vec<String>,
}

impl Reply {
    /// All words of the reply on one line.
    pub(crate) fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The enhanced status of RFC 3463, as in `5.1.1`, where the text begins with one.
    fn status(&self) -> Option<(u16, u16, u16)> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let mut parts = word.trim_end_matches(':').split('.').map(|part| part.parse().ok());
        let status = (parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && status.0 == self.code / 100).then_some(status)
    }
}

/// What a reply to a step of one letter means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The step is done.
    Passed,
    /// This letter goes no further; the conversation does.
    Letter(Outcome),
    /// This letter goes no further and the relay hangs up.
    Closing(Outcome),
    /// The relay takes nothing of this account.
    Account,
    /// No answer that belongs to this step: the two sides have lost each other.
    Nonsense,
}

/// Judges a reply; `words` gives its text as it may be kept.
pub(crate) fn judge(step: Step, reply: &Reply, words: impl FnOnce() -> String) -> Verdict {
    let done = match step {
        Step::Data => reply.code == 354,
        Step::Connect | Step::Sender | Step::Recipient | Step::Final => reply.code / 100 == 2,
    };
    match reply.code {
        _ if done => Verdict::Passed,
        421 => Verdict::Closing(deferred(step, words())),
        400..=499 => Verdict::Letter(deferred(step, words())),
        500..=599 => refused(step, reply, words()),
        _ => Verdict::Nonsense,
    }
}

fn deferred(step: Step, reply: String) -> Outcome {
    Outcome::Deferred {
        step,
        reply,
        after_seconds: None,
    }
}

fn refused(step: Step, reply: &Reply, words: String) -> Verdict {
    let refuse = |refusal, reply| Verdict::Letter(Outcome::Refused { refusal, step, reply });
    match step {
        // The sender is the same for every letter: what refuses one refuses all. Only a size is the letter's own.
        Step::Connect | Step::Sender => match (reply.code, reply.status()) {
            (552, _) | (_, Some((_, 2, 3) | (_, 3, 4))) => Verdict::Letter(Outcome::Held {
                fault: Fault::Payload,
                reply: words,
            }),
            _ => Verdict::Account,
        },
        Step::Recipient => match recipient(reply) {
            Recipient::OurFault => Verdict::Account,
            Recipient::Full => Verdict::Letter(deferred(step, words)),
            Recipient::Refuses(refusal) => refuse(refusal, words),
        },
        // Carriers answer "550 Unknown user" here when the reader's own filter turned the letter away, so that a
        // refusal after the text never condemns an address. Only a full mailbox is worth another try.
        Step::Final if is_full(reply.status()) => Verdict::Letter(deferred(step, words)),
        Step::Data | Step::Final => refuse(Refusal::Policy, words),
    }
}

/// What a report of a letter that did not arrive tells about the address; `None` where the address is not to blame.
///
/// `diagnostic` is what the last server said, `status` the report's own word (RFC 3463), `step` where it was said, as far
/// as the report tells. The judgement is that of a reply heard by ourselves, so that both agree.
pub(crate) fn reported(step: Option<Step>, status: &str, diagnostic: &str) -> Option<Trouble> {
    let said = diagnostic.trim();
    let digits = said
        .get(..3)
        .filter(|_| said.as_bytes().get(3).is_none_or(|b| b" -".contains(b)));
    let code = digits
        .and_then(|code| code.parse::<u16>().ok())
        .filter(|code| (400..600).contains(code));
    let text = code.map_or(said, |_| said.get(4..).unwrap_or_default());
    // x.0.0 is what a server writes that was told no status.
    let status = Some(status.trim()).filter(|status| !status.is_empty() && !status.ends_with(".0.0"));
    let code = code.or_else(|| match status?.as_bytes().first()? {
        b'5' => Some(550),
        b'4' => Some(450),
        _ => None,
    })?;
    let mut reply = Reply {
        code,
        lines: vec![text.to_owned()],
    };
    if let Some(status) = status.filter(|_| reply.status().is_none()) {
        reply.lines = vec![format!("{status} {text}")];
    }
    match judge(step.unwrap_or(Step::Recipient), &reply, || reply.text()) {
        Verdict::Letter(Outcome::Deferred { .. }) | Verdict::Closing(_) => Some(temporary(&reply)),
        Verdict::Letter(outcome) => Trouble::of(&outcome),
        Verdict::Passed | Verdict::Account | Verdict::Nonsense => None,
    }
}

/// What kept a letter waiting until its server gave up.
fn temporary(reply: &Reply) -> Trouble {
    let text = reply.text().to_ascii_lowercase();
    let full = is_full(reply.status()) || matches!(reply.code, 452 | 552);
    if full || ["quota", "full", "storage"].iter().any(|word| text.contains(word)) {
        Trouble::Full
    } else {
        Trouble::Away
    }
}

/// What a 5xx at RCPT is about.
enum Recipient {
    OurFault,
    Full,
    Refuses(Refusal),
}

fn recipient(reply: &Reply) -> Recipient {
    let text = reply.text().to_ascii_lowercase();
    let status = reply.status();
    // Not signed in. Postfix also says at RCPT what it thinks of the sender (5.1.7, 5.1.8).
    let is_sender = matches!(status, Some((_, 1, 7 | 8))) || text.contains("sender address rejected");
    if is_sender || matches!(reply.code, 530 | 535) {
        return Recipient::OurFault;
    }
    // RFC 5321, 4.5.3.1.10: 552 here is to be treated like 452; docomo says so of a full mailbox.
    if is_full(status) || (reply.code == 552 && status.is_none()) {
        return Recipient::Full;
    }
    match status {
        Some((_, 1, _)) => Recipient::Refuses(Refusal::AddressGone),
        // "Relay access denied": we may not send outside. Taking that for a dead address would silence a town.
        _ if text.contains("relay") => Recipient::OurFault,
        // au: with the address before the colon it is unknown, without it the reader's filter said no.
        None if text.trim_start().starts_with(": user unknown") => Recipient::Refuses(Refusal::Blocked),
        None if matches!(reply.code, 550 | 551 | 553) && !names_a_filter(&text) => {
            Recipient::Refuses(Refusal::AddressGone)
        }
        Some(_) | None => Recipient::Refuses(Refusal::Policy),
    }
}

/// A mailbox with no room left: it empties again, and the address is good.
fn is_full(status: Option<(u16, u16, u16)>) -> bool {
    matches!(status, Some((_, 2, 2)))
}

/// True where old servers say without a status that they dislike us and not the address.
fn names_a_filter(text: &str) -> bool {
    [
        "block",
        "spam",
        "policy",
        "denied",
        "blacklist",
        "spf",
        "dkim",
        "dmarc",
        "authentic",
        "reputation",
    ]
    .iter()
    .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A verdict in a few words.
    fn brief(step: Step, code: u16, text: &str) -> String {
        let reply = Reply {
            code,
            lines: text.lines().map(str::to_owned).collect(),
        };
        match judge(step, &reply, String::new) {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Letter(Outcome::Refused { refusal, .. }) => refusal.code().to_owned(),
            Verdict::Letter(Outcome::Held { .. }) => "held".to_owned(),
            Verdict::Letter(outcome) => format!("{outcome:?}")
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_lowercase(),
            Verdict::Closing(_) => "closing".to_owned(),
            Verdict::Account => "account".to_owned(),
            Verdict::Nonsense => "nonsense".to_owned(),
        }
    }

    #[test]
    fn a_refused_recipient_is_dead_only_where_the_reply_says_so() {
        // Replies as they were seen at Postfix, Exim, Exchange, Gmail, docomo, au.
        for (code, text, expected) in [
            (
                550,
                "5.1.1 <x>: Recipient address rejected: User unknown in local recipient table",
                "address-gone",
            ),
            (
                550,
                "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
                "address-gone",
            ),
            (550, "5.1.2 Host unknown", "address-gone"),
            (553, "5.1.3 bad destination mailbox address syntax", "address-gone"),
            (550, "Unknown user", "address-gone"),
            (551, "User not local; please try elsewhere", "address-gone"),
            (553, "mailbox name not allowed", "address-gone"),
            (550, "<x>: User unknown", "address-gone"),
            (550, ": User unknown", "blocked"),
            (550, "5.7.1 Service unavailable; client host blocked", "policy"),
            (550, "5.7.26 unauthenticated mail is not accepted", "policy"),
            (554, "5.7.1 <x>: Recipient address rejected: Access denied", "policy"),
            (550, "5.4.1 Recipient address rejected: Access denied", "policy"),
            (550, "5.2.1 The account that you tried to reach is disabled", "policy"),
            (550, "Blocked by SPF", "policy"),
            (554, "Transaction failed", "policy"),
            (501, "Syntax error in parameters", "policy"),
            (552, "5.2.2 The recipient's inbox is out of storage space", "deferred"),
            (552, "too much mail data", "deferred"),
            (552, "5.7.0 illegal attachment", "policy"),
            (554, "5.7.1 <x>: Relay access denied", "account"),
            (550, "relay not permitted", "account"),
            (550, "5.7.1 Unable to relay", "account"),
            (
                550,
                "5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
                "account",
            ),
            (
                553,
                "5.7.1 <s>: Sender address rejected: not owned by user town",
                "account",
            ),
            (553, "5.1.8 <s>: Sender address rejected: Domain not found", "account"),
            (530, "5.7.0 Must issue a STARTTLS command first", "account"),
            (
                450,
                "4.2.1 The user you are trying to contact is receiving mail too quickly",
                "deferred",
            ),
            (451, "5.1.1 a status that contradicts its code", "deferred"),
            (421, "4.7.0 Too many errors", "closing"),
            (250, "2.1.5 ok", "passed"),
            (251, "User not local; will forward", "passed"),
            (354, "go ahead", "nonsense"),
        ] {
            assert_eq!(brief(Step::Recipient, code, text), expected, "{code} {text}");
        }
    }

    #[test]
    fn no_reply_to_the_text_condemns_an_address() {
        for (code, text, expected) in [
            (550, "5.1.1 User unknown", "policy"),
            (550, "Unknown user", "policy"),
            (554, "5.7.1 looks like spam", "policy"),
            (552, "5.3.4 message too big", "policy"),
            (552, "5.2.2 mailbox full", "deferred"),
            (452, "4.3.1 no space", "deferred"),
            (421, "4.3.2 shutting down", "closing"),
            (250, "2.0.0 queued", "passed"),
            (354, "?", "nonsense"),
        ] {
            assert_eq!(brief(Step::Final, code, text), expected, "{code} {text}");
        }
    }

    #[test]
    fn a_refused_sender_is_the_account_and_a_size_is_the_letter() {
        for (code, text, expected) in [
            (530, "5.7.0 Authentication required", "account"),
            (550, "5.7.1 not allowed", "account"),
            (501, "5.1.7 bad sender", "account"),
            (552, "5.3.4 too big", "held"),
            (552, "too big", "held"),
            (452, "4.3.1 no space", "deferred"),
        ] {
            assert_eq!(brief(Step::Sender, code, text), expected, "{code} {text}");
        }
    }
}
