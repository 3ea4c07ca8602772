//! The table of what may go wrong and what must come of it: the same with and without pipelining.
//!
//! Three letters are carried; the fault meets the first of them unless the script says otherwise.

use kizuna_testkit::mail::{MailServer, Script, Then, When, say, say_and_close};

use crate::support::{briefs, carry, ending, letters, relay, with};

struct Case {
    name: &'static str,
    script: fn(Script) -> Script,
    /// Outcomes of the three letters.
    outcomes: &'static str,
    ending: &'static str,
    /// Messages that the server took.
    taken: usize,
}

const CASES: &[Case] = &[
    Case {
        name: "all is well",
        script: |s| s,
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        taken: 3,
    },
    Case {
        name: "the sender is to be tried later",
        script: |s| s.on(When::Mail, say("451 4.3.0 later")),
        outcomes: "deferred sender, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "the sender is refused, and so is the account",
        script: |s| s.on(When::Mail, say("550 5.7.1 relaying denied")),
        outcomes: "-, -, -",
        ending: "refused",
        taken: 0,
    },
    Case {
        name: "sign-in is wanted only at MAIL",
        script: |s| s.on(When::Mail, say("530 5.7.0 Authentication required")),
        outcomes: "-, -, -",
        ending: "refused",
        taken: 0,
    },
    Case {
        name: "the message is too big for the relay",
        script: |s| s.on(When::Mail, say("552 5.3.4 message size exceeds limit")),
        outcomes: "held payload, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "the sender's 421 ends the session",
        script: |s| {
            s.on(When::Mail, say_and_close("421 4.3.2 going down"))
                .on(When::Mail, say_and_close("421 4.3.2 going down"))
        },
        outcomes: "deferred sender, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "a recipient is unknown",
        script: |s| s.on(When::Rcpt, say("550 5.1.1 no such user")),
        outcomes: "address-gone recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "a recipient is unknown in old words, over two lines",
        script: |s| s.on(When::Rcpt, say("550-sorry\r\n550 Unknown user")),
        outcomes: "address-gone recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "a recipient is refused by policy",
        script: |s| s.on(When::Rcpt, say("550 5.7.1 blocked by our policy")),
        outcomes: "policy recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "a mailbox is full",
        script: |s| s.on(When::Rcpt, say("552 5.2.2 mailbox full")),
        outcomes: "deferred recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "a recipient is greylisted",
        script: |s| s.on(When::Rcpt, say("450 4.2.0 greylisted")),
        outcomes: "deferred recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "relaying is denied at the recipient",
        script: |s| s.on(When::Rcpt, say("554 5.7.1 Relay access denied")),
        outcomes: "-, -, -",
        ending: "refused",
        taken: 0,
    },
    Case {
        name: "a refused recipient and nevertheless 354",
        script: |s| {
            s.on(When::Rcpt, say("550 5.1.1 no such user"))
                .on(When::Data, say("354 go ahead"))
        },
        outcomes: "address-gone recipient, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "the recipient's 421 ends the session",
        script: |s| s.on(When::Rcpt, say_and_close("421 4.7.0 too many errors")),
        outcomes: "deferred recipient, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "the text is not wanted now",
        script: |s| s.on(When::Data, say("451 4.3.0 later")),
        outcomes: "deferred data, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "the text is not wanted",
        script: |s| s.on(When::Data, say("554 5.7.1 no")),
        outcomes: "policy data, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "the text is to be tried later",
        script: |s| s.on(When::Dot, say("454 4.7.0 TLS needed")),
        outcomes: "deferred final, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "a filter refuses the text in the words for a dead address",
        script: |s| s.on(When::Dot, say("550 Unknown user")),
        outcomes: "policy final, accepted, accepted",
        ending: "done",
        taken: 2,
    },
    Case {
        name: "421 instead of an answer to the text",
        script: |s| s.on(When::Dot, say_and_close("421 4.3.0 disk trouble")),
        outcomes: "deferred final, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "no answer to the text, the connection lost",
        script: |s| s.on(When::Dot, Then::Close),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "no answer to the second text, the connection lost",
        script: |s| s.on(When::Dot, Then::Usual).on(When::Dot, Then::Close),
        outcomes: "accepted, unknown, -",
        ending: "unreachable",
        taken: 1,
    },
    Case {
        name: "an answer to the text that is none",
        script: |s| s.on(When::Dot, say("hello?")),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "an answer to the text of the wrong kind",
        script: |s| s.on(When::Dot, say("354 more")),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "an answer to the text without end",
        script: |s| s.on(When::Dot, Then::SayAndClose(format!("250 {}", "a".repeat(100_000)))),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "the connection lost before anything has left",
        script: |s| s.on(When::Rcpt, Then::Close).on(When::Rcpt, Then::Close),
        outcomes: "-, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "an answer before its time",
        script: |s| s.on(When::Mail, say("354 go ahead")),
        outcomes: "-, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "a relay that speaks one octet at a time",
        script: |s| {
            s.on(When::Mail, Then::Drip("250 2.1.0 ok".to_owned()))
                .on(When::Dot, Then::Drip("250-a\r\n250 b".to_owned()))
        },
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        taken: 3,
    },
    Case {
        name: "a relay that is tired of a connection: the letter goes over a new one",
        script: |s| {
            s.on(When::Mail, Then::Usual)
                .on(When::Mail, say_and_close("421 4.7.0 too many messages"))
        },
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        taken: 3,
    },
    Case {
        name: "a connection lost between letters: the letter goes over a new one",
        script: |s| s.on(When::Mail, Then::Usual).on(When::Mail, Then::Close),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        taken: 3,
    },
    Case {
        name: "a relay that is tired of us",
        script: |s| {
            s.on(When::Mail, Then::Usual)
                .on(When::Mail, say_and_close("421 4.7.0 enough"))
                .on(When::Mail, say_and_close("421 4.7.0 enough"))
        },
        outcomes: "accepted, deferred sender, -",
        ending: "unreachable",
        taken: 1,
    },
];

/// Cases that last as long as we wait.
const SILENT_CASES: &[Case] = &[
    Case {
        name: "half an answer before anything has left",
        script: |s| s.on(When::Mail, Then::SayAndFallSilent("250-half".to_owned())),
        outcomes: "-, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "half an answer to the text",
        script: |s| s.on(When::Dot, Then::SayAndFallSilent("250-half".to_owned())),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "no answer to the text in time",
        script: |s| s.on(When::Dot, Then::Silence),
        outcomes: "unknown, -, -",
        ending: "unreachable",
        taken: 0,
    },
    Case {
        name: "silence before anything has left",
        script: |s| s.on(When::Mail, Then::Silence),
        outcomes: "-, -, -",
        ending: "unreachable",
        taken: 0,
    },
];

/// Long enough for a loaded machine.
const PATIENT: &str = "20000";

/// Long enough for every answer that comes, short enough to wait for those that do not.
const IMPATIENT: &str = "1000";

fn run_all(cases: &[Case], script: fn() -> Script, timeout_ms: &str) {
    let mut failures = Vec::new();
    for case in cases {
        let server = MailServer::start((case.script)(script()));
        let account = with(relay(server.port()), "timeout_ms", timeout_ms);

        let (journal, end) = carry(&account, &letters(3));

        let taken = server.finish().mails.iter().filter(|mail| mail.taken).count();
        let found = (briefs(&journal, 3), ending(&end), taken);
        if found != (case.outcomes.to_owned(), case.ending, case.taken) {
            failures.push(format!("{}: {found:?}", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_fault_has_its_outcome_one_command_at_a_time() {
    run_all(CASES, Script::plain, PATIENT);
}

#[test]
fn every_fault_has_its_outcome_with_pipelining() {
    run_all(CASES, Script::pipelining, PATIENT);
}

#[test]
fn every_silence_has_its_outcome_one_command_at_a_time() {
    run_all(SILENT_CASES, Script::plain, IMPATIENT);
}

#[test]
fn every_silence_has_its_outcome_with_pipelining() {
    run_all(SILENT_CASES, Script::pipelining, IMPATIENT);
}
