//! How the session behaves beyond single faults: the journal's word, pipelining, encryption, sign-in, connections.

use kizuna_channels::{Permit, SessionError};
use kizuna_domain::message::{Block, Section};
use kizuna_domain::run::outcome::Outcome;
use kizuna_testkit::mail::{MailServer, Script, Then, When, say, say_and_close};
use kizuna_testkit::programs::{Certificate, free_port};
use proptest::prelude::*;
use std::sync::Arc;

use crate::support::{
    Entry, Recorder, account, batch, briefs, carry, email, ending, letters, net, open, relay, text, with,
};

const SCRIPTS: [fn() -> Script; 2] = [Script::plain, Script::pipelining];

#[test]
fn a_letter_to_be_skipped_never_leaves_and_the_others_do() {
    for script in SCRIPTS {
        let server = MailServer::start(script());
        let mut journal = Recorder::answering(&[(0, Permit::Skip), (2, Permit::Skip)]);

        let end = open(&relay(server.port())).send(&batch(&letters(4)), &mut journal);

        let seen = server.finish();
        assert_eq!(end, Ok(()));
        assert_eq!(briefs(&journal, 4), "-, accepted, -, accepted");
        let to: Vec<_> = seen.mails.iter().flat_map(|mail| mail.to.clone()).collect();
        assert_eq!(to, ["hanako1@example.jp", "hanako3@example.jp"]);
    }
}

#[test]
fn after_stop_nothing_more_leaves_and_the_session_can_go_on_later() {
    for script in SCRIPTS {
        let server = MailServer::start(script());
        let mut session = open(&relay(server.port()));
        let mut journal = Recorder::answering(&[(1, Permit::Stop)]);

        let end = session.send(&batch(&letters(3)), &mut journal);

        assert_eq!(end, Ok(()));
        assert_eq!(briefs(&journal, 3), "accepted, -, -");
        assert_eq!(journal.asked(), [0, 1]);
        let mut later = Recorder::default();
        session.send(&batch(&letters(2)), &mut later).unwrap();
        drop(session);
        assert_eq!(briefs(&later, 2), "accepted, accepted");
        assert_eq!(server.finish().mails.len(), 3);
    }
}

#[test]
fn the_journal_is_asked_before_each_text_and_told_before_the_next_question() {
    let server = MailServer::start(
        Script::pipelining()
            .on(When::Rcpt, Then::Usual)
            .on(When::Rcpt, say("550 5.1.1 no")),
    );

    let (journal, _) = carry(&relay(server.port()), &letters(4));

    let order: Vec<String> = journal
        .entries
        .iter()
        .map(|entry| match entry {
            Entry::Asked(number) => format!("ask {number}"),
            Entry::Outcome(number, _) => format!("told {number}"),
        })
        .collect();
    assert_eq!(
        order,
        ["ask 0", "told 0", "told 1", "ask 2", "told 2", "ask 3", "told 3"]
    );
}

#[test]
fn with_pipelining_the_next_envelope_travels_with_the_text() {
    let server = MailServer::start(Script::pipelining());

    let (journal, _) = carry(&relay(server.port()), &letters(2));

    assert_eq!(briefs(&journal, 2), "accepted, accepted");

    let seen = server.finish();
    assert_eq!(seen.connections, 1);
    let verbs: Vec<_> = seen.commands.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"]);
}

#[test]
fn a_session_carries_batch_after_batch_over_one_connection() {
    let server = MailServer::start(Script::pipelining());
    let mut session = open(&relay(server.port()));
    for _ in 0..3 {
        let mut journal = Recorder::default();
        session.send(&batch(&letters(2)), &mut journal).unwrap();
        assert_eq!(briefs(&journal, 2), "accepted, accepted");
    }
    drop(session);

    let seen = server.finish();
    assert_eq!(seen.mails.len(), 6);
    assert_eq!(seen.commands.iter().filter(|line| line.starts_with("EHLO")).count(), 1);
}

#[test]
fn a_connection_that_idled_out_between_batches_costs_no_letter() {
    for script in SCRIPTS {
        let server = MailServer::start(script().on(When::Dot, say_and_close("250 2.0.0 queued, and good night")));
        let mut session = open(&relay(server.port()));
        let mut first = Recorder::default();
        session.send(&batch(&letters(1)), &mut first).unwrap();
        let mut second = Recorder::default();

        session.send(&batch(&letters(2)), &mut second).unwrap();

        assert_eq!(briefs(&second, 2), "accepted, accepted");
        assert_eq!(second.asked(), [0, 1], "nobody is asked twice");
    }
}

#[test]
fn a_text_of_which_the_end_did_not_leave_is_tried_again() {
    for script in SCRIPTS {
        // Far more than the system's buffers hold, so that the relay can go away while the text is under way.
        let server = MailServer::start(script().on(When::Data, say_and_close("354 go ahead")));
        let mut letters = letters(2);
        let mut huge = (*letters[0].draft).clone();
        huge.sections = vec![Section {
            sender: String::new(),
            about: String::new(),
            title: String::new(),
            blocks: vec![Block::Paragraph {
                inlines: vec![text(&"長いお話。".repeat(700_000))],
            }],
        }];
        letters[0].draft = Arc::new(huge);

        let (journal, end) = carry(&relay(server.port()), &letters);

        assert_eq!(
            (briefs(&journal, 2).as_str(), ending(&end)),
            ("deferred data, -", "unreachable")
        );
        assert!(server.finish().mails.is_empty());
    }
}

#[test]
fn a_text_that_left_in_full_before_the_connection_broke_is_in_doubt() {
    let server = MailServer::start(Script::pipelining().on(When::Data, say_and_close("354 go ahead")));

    let (journal, end) = carry(&relay(server.port()), &letters(2));

    // The system took all of it; whether the relay did nobody can know.
    assert_eq!(
        (briefs(&journal, 2).as_str(), ending(&end)),
        ("unknown, -", "unreachable")
    );
    server.finish();
}

#[test]
fn no_address_appears_in_what_is_kept() {
    let replies = [
        "550 5.1.1 <hanako0@example.jp>: Recipient address rejected",
        "550 5.1.1 HANAKO0@EXAMPLE.JP is unknown",
        "550 5.1.1 user hanako0 has no mailbox, ask postmaster@example.jp",
        "550 5.1.1 rfc822;hanako0@example.jp (\"hanako0\")",
        "550-5.1.1 first line\r\n550 5.1.1 hanako0@example.jp\tthere",
    ];
    for reply in replies {
        let server = MailServer::start(Script::plain().on(When::Rcpt, say(reply)));

        let (journal, _) = carry(&relay(server.port()), &letters(1));

        let Some(Outcome::Refused { reply: kept, .. }) = journal.outcomes().remove(&0) else {
            panic!("{reply} is a refusal");
        };
        assert!(!kept.contains('@') && !kept.to_lowercase().contains("hanako"), "{kept}");
        assert!(kept.starts_with("550 5.1.1") || kept.starts_with("550 "), "{kept}");
        server.finish();
    }
}

#[test]
fn what_is_kept_of_an_endless_reply_is_short() {
    let reply = format!("450 4.2.0 {}", "あ".repeat(1000));
    let server = MailServer::start(Script::plain().on(When::Rcpt, Then::Say(reply)));

    let (journal, _) = carry(&relay(server.port()), &letters(1));

    let Some(Outcome::Deferred { reply: kept, .. }) = journal.outcomes().remove(&0) else {
        panic!("a 450 defers");
    };
    assert!(kept.chars().count() <= 210 && kept.ends_with('…'), "{kept}");
}

#[test]
fn greetings_decide_whether_to_try_again_or_to_tell_staff() {
    let endless: Vec<String> = (0..500).map(|n| format!("220-{n}")).collect();
    for (then, expected) in [
        (say_and_close("421 4.3.2 busy"), "unreachable"),
        (say_and_close("554 5.7.1 you are on a list"), "refused"),
        (Then::Close, "unreachable"),
        (say("HTTP/1.1 400 Bad Request"), "unreachable"),
        (Then::Say(endless.join("\r\n")), "unreachable"),
        (Then::Say("220 ".to_owned() + &"x".repeat(10_000)), "unreachable"),
        (say("220-a\r\n220-b\r\n220 c"), "done"),
    ] {
        let server = MailServer::start(Script::plain().on(When::Greeting, then.clone()));
        assert_eq!(
            ending(&email().probe(&relay(server.port()), &net())),
            expected,
            "{then:?}"
        );
    }
}

#[test]
fn a_greeting_that_never_comes_is_unreachable() {
    let server = MailServer::start(Script::plain().on(When::Greeting, Then::Silence));
    assert_eq!(
        ending(&email().probe(&with(relay(server.port()), "timeout_ms", "200"), &net())),
        "unreachable"
    );
}

#[test]
fn a_relay_that_refuses_and_asks_for_the_text_nevertheless_gets_nothing() {
    // It refused the sender, took the recipient and waits: even an empty text might arrive.
    let server = MailServer::start(
        Script::pipelining()
            .on(When::Mail, say("451 4.3.0 later"))
            .on(When::Rcpt, say("250 2.1.5 why not"))
            .on(When::Data, say("354 go ahead")),
    );

    let (journal, _) = carry(&relay(server.port()), &letters(2));

    assert_eq!(briefs(&journal, 2), "deferred sender, accepted");
    let mails = server.finish().mails;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["hanako1@example.jp"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_relay_says_to_a_text_the_letter_has_one_outcome(words in "([2345][0-9]{2}[ -]?)?[0-9 \\-\\r\\n\\PC]{0,30}") {
        let server = MailServer::start(Script::pipelining().on(When::Dot, say_and_close(&words)));

        let (journal, _) = carry(&relay(server.port()), &letters(1));

        let outcomes = journal.outcomes();
        prop_assert_eq!(outcomes.len(), 1);
        if matches!(&outcomes[&0], Outcome::Accepted { .. }) {
            prop_assert!(words.starts_with('2'), "{:?}", words);
        }
    }
}

#[test]
fn nobody_at_the_port_is_unreachable() {
    assert_eq!(ending(&email().probe(&relay(free_port()), &net())), "unreachable");
}

#[test]
fn a_relay_without_ehlo_gets_helo() {
    let server = MailServer::start(Script::plain().on(When::Ehlo, say("502 5.5.1 what?")));

    let (journal, _) = carry(&relay(server.port()), &letters(2));

    assert_eq!(briefs(&journal, 2), "accepted, accepted");
    assert!(server.finish().commands.iter().any(|line| line.starts_with("HELO ")));
}

/// An account that signs in, on a relay with a certificate of its own.
fn signed_in(port: u16, security: &str, certificate: &Certificate) -> kizuna_channels::Account {
    let mut account = account(
        &[
            ("host", "localhost"),
            ("security", security),
            ("from_address", "tayori@city.example.jp"),
            ("username", "town"),
            ("tls_ca_file", certificate.authority.to_str().unwrap()),
        ],
        &[("password", "himitsu")],
    );
    account.settings.insert("port".to_owned(), port.to_string());
    account
}

#[test]
fn letters_travel_encrypted_and_signed_in_over_starttls_and_tls() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    for (security, auth) in [
        ("starttls", "AUTH PLAIN LOGIN"),
        ("tls", "AUTH PLAIN"),
        ("tls", "AUTH LOGIN"),
        ("starttls", "AUTH=LOGIN"),
    ] {
        let script = Script::pipelining().offering(auth);
        let server = MailServer::start(match security {
            "tls" => script.implicit_tls(&certificate.certificate, &certificate.key),
            _ => script.tls(&certificate.certificate, &certificate.key),
        });

        let (journal, end) = carry(&signed_in(server.port(), security, &certificate), &letters(3));

        assert_eq!(
            (briefs(&journal, 3).as_str(), ending(&end)),
            ("accepted, accepted, accepted", "done")
        );
        let commands = server.finish().commands;
        let plain = commands.iter().any(|line| line == "AUTH PLAIN AHRvd24AaGltaXRzdQ==");
        let login = commands.iter().any(|line| line == "aGltaXRzdQ==");
        assert!(plain != login && plain == auth.contains("PLAIN"), "{commands:?}");
    }
}

#[test]
fn over_tls_too_a_lost_answer_is_in_doubt_and_a_refused_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    for (then, expected) in [
        (Then::Close, "unknown, -"),
        (say("554 5.7.1 no"), "policy final, accepted"),
    ] {
        let script = Script::pipelining().offering("AUTH PLAIN").on(When::Dot, then);
        let server = MailServer::start(script.tls(&certificate.certificate, &certificate.key));

        let (journal, _) = carry(&signed_in(server.port(), "starttls", &certificate), &letters(2));

        assert_eq!(briefs(&journal, 2), expected);
    }
}

#[test]
fn words_smuggled_in_before_the_encryption_are_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    // Someone on the way appends an answer to the clear text; believed, it would answer the encrypted EHLO.
    let script = Script::pipelining().offering("AUTH PLAIN").on(
        When::StartTls,
        say("220 go ahead\r\n250-evil.example\r\n250 AUTH LOGIN"),
    );
    let server = MailServer::start(script.tls(&certificate.certificate, &certificate.key));

    let (journal, _) = carry(&signed_in(server.port(), "starttls", &certificate), &letters(1));

    assert_eq!(briefs(&journal, 1), "accepted");
    assert!(!server.finish().commands.iter().any(|line| line == "AUTH LOGIN"));
}

#[test]
fn without_starttls_nothing_is_said_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    for then in [say("250-double.example\r\n250 AUTH PLAIN"), say("502 5.5.1 what?")] {
        let script = Script::plain().on(When::Ehlo, then);
        let server = MailServer::start(script);

        let end = email().probe(&signed_in(server.port(), "starttls", &certificate), &net());

        assert_eq!(ending(&end), "refused");
        let commands = server.finish().commands;
        assert!(
            commands
                .iter()
                .all(|line| line.starts_with("EHLO") || line.starts_with("HELO")),
            "{commands:?}"
        );
    }
}

#[test]
fn a_relay_that_cannot_encrypt_just_now_is_tried_later() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    let script = Script::plain()
        .offering("STARTTLS")
        .on(When::StartTls, say("454 4.7.0 TLS not available"));
    let server = MailServer::start(script);

    assert_eq!(
        ending(&email().probe(&signed_in(server.port(), "starttls", &certificate), &net())),
        "unreachable"
    );
}

#[test]
fn a_certificate_of_somebody_else_gets_nothing() {
    let folders: [_; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let ours = Certificate::make(folders[0].path());
    let by_another_authority = Certificate::make(folders[1].path());
    let for_another_name = Certificate::named(folders[2].path(), "DNS:elsewhere.example");
    for (theirs, trusted) in [(&by_another_authority, &ours), (&for_another_name, &for_another_name)] {
        let script = Script::plain().offering("AUTH PLAIN");
        let server = MailServer::start(script.tls(&theirs.certificate, &theirs.key));

        let end = email().probe(&signed_in(server.port(), "starttls", trusted), &net());

        let Err(SessionError::Refused { reply, .. }) = end else {
            panic!("{end:?}")
        };
        assert!(reply.contains("certificate"), "{reply}");
        assert!(!server.finish().commands.iter().any(|line| line.starts_with("AUTH")));
    }
}

#[test]
fn a_refused_sign_in_is_for_staff_and_a_busy_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    for (reply, expected) in [
        ("535 5.7.8 bad password for town@example.jp", "refused"),
        ("534 5.7.9 use another mechanism", "refused"),
        ("454 4.7.0 try later", "unreachable"),
    ] {
        let script = Script::plain().offering("AUTH PLAIN").on(When::Auth, say(reply));
        let server = MailServer::start(script.tls(&certificate.certificate, &certificate.key));

        let end = email().probe(&signed_in(server.port(), "starttls", &certificate), &net());

        assert_eq!(ending(&end), expected);
        let words = end.unwrap_err().to_string();
        assert!(!words.contains("town") && !words.contains("himitsu"), "{words}");
    }
}
