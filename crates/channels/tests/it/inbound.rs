//! Reports as servers write them, and what is read from them; whatever else comes in harms nobody.

use kizuna_channels::inbound::{Incoming, Report, read};
use kizuna_domain::trouble::Trouble;
use proptest::prelude::*;

const TO: &str = "b+00112233445566778899aabbccddeeff001122334455667788990011@bounce.hidamari.example";

/// A report of the form RFC 3464: words for people, fields, and the head of what was sent.
fn report(words: &str, fields: &str) -> String {
    let fields = fields.replace('|', "\r\n");
    format!(
        "Delivered-To: {TO}\r\nReturn-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@relay.example>\r\n\
         Subject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"xx\"\r\n\r\n\
         --xx\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{words}\r\n\r\n\
         --xx\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n{fields}\r\n\r\n\
         --xx\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: <kosodate@hidamari.example>\r\nSubject: x\r\n\r\n--xx--\r\n"
    )
}

/// A report in words alone.
fn words(words: &str) -> String {
    let words = words.replace('|', "\r\n");
    format!(
        "Delivered-To: {TO}\r\nReturn-Path: <>\r\nFrom: MAILER-DAEMON@relay.example\r\nSubject: failure\r\n\r\n{words}\r\n"
    )
}

fn mail(text: &str) -> Incoming {
    read(text.as_bytes()).unwrap()
}

fn trouble(text: &str) -> Option<Trouble> {
    match mail(text).report {
        Report::Undelivered(trouble) => trouble,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_blames_the_address_only_where_it_is_to_blame() {
    use Trouble::{Away, Blocked, Filtered, Full, Gone};
    let rcpt = "host mx.example said: (in reply to\r\n    RCPT TO command)";
    let dot = "host mx.example said: (in reply to end of DATA command)";
    for (name, said, fields, expected) in [
        (
            "postfix",
            rcpt,
            "Final-Recipient: rfc822; a@x.example|Action: failed|Status: 5.1.1|Diagnostic-Code: smtp; 550 5.1.1 <a@x.example>: User unknown",
            Some(Gone),
        ),
        (
            "postfix, folded",
            rcpt,
            "Action: failed|Status: 5.1.1|Diagnostic-Code: smtp; 550 5.1.1\r\n    <a@x.example>: Recipient address rejected",
            Some(Gone),
        ),
        (
            "no such domain",
            "",
            "Action: failed|Status: 5.1.2|Diagnostic-Code: X-Postfix; unable to look up host",
            Some(Gone),
        ),
        (
            "Gmail",
            "",
            "Action: failed|Status: 5.1.1|Diagnostic-Code: smtp; 550-5.1.1 The account does not exist. 550 5.1.1 gsmtp",
            Some(Gone),
        ),
        (
            "Gmail, full",
            "",
            "Action: failed|Status: 5.2.2|Diagnostic-Code: smtp; 552 5.2.2 The inbox is out of storage space",
            Some(Full),
        ),
        (
            "Gmail, unsigned",
            "",
            "Action: failed|Status: 5.7.26|Diagnostic-Code: smtp; 550 5.7.26 unauthenticated",
            None,
        ),
        (
            "Exchange",
            "",
            "Action: failed|Status: 5.1.10|Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found",
            Some(Gone),
        ),
        (
            "Exchange, policy",
            "",
            "Action: failed|Status: 5.7.1|Diagnostic-Code: smtp;550 5.7.1 blocked by rule",
            None,
        ),
        (
            "spam",
            dot,
            "Action: failed|Status: 5.7.1|Diagnostic-Code: smtp; 554 5.7.1 content refused",
            None,
        ),
        (
            "docomo, no such address",
            rcpt,
            "Action: failed|Status: 5.0.0|Remote-MTA: dns; mfsmax.docomo.ne.jp|Diagnostic-Code: smtp; 550 Unknown user a@docomo.ne.jp",
            Some(Gone),
        ),
        (
            "docomo, filter",
            dot,
            "Action: failed|Status: 5.0.0|Remote-MTA: dns; mfsmax.docomo.ne.jp|Diagnostic-Code: smtp; 550 Unknown user a@docomo.ne.jp",
            Some(Filtered),
        ),
        (
            "docomo, nobody knows",
            "",
            "Action: failed|Status: 5.0.0|Remote-MTA: dns; mfsmax.docomo.ne.jp|Diagnostic-Code: smtp; 550 Unknown user a@docomo.ne.jp",
            Some(Filtered),
        ),
        (
            "docomo, full",
            rcpt,
            "Action: failed|Status: 5.0.0|Diagnostic-Code: smtp; 552 too much mail data",
            Some(Full),
        ),
        (
            "au, no such address",
            rcpt,
            "Action: failed|Status: 5.0.0|Diagnostic-Code: smtp; 550 <a@ezweb.ne.jp>: User unknown",
            Some(Gone),
        ),
        (
            "au, filter",
            rcpt,
            "Action: failed|Status: 5.0.0|Diagnostic-Code: smtp; 550 : User unknown",
            Some(Blocked),
        ),
        (
            "SoftBank",
            rcpt,
            "Action: failed|Status: 5.0.0|Diagnostic-Code: smtp; 550 Invalid recipient: <a@i.softbank.jp>",
            Some(Gone),
        ),
        (
            "given up",
            "",
            "Action: failed|Status: 4.4.1|Diagnostic-Code: X-Postfix; connect: Connection timed out",
            Some(Away),
        ),
        (
            "given up, full",
            "",
            "Action: failed|Status: 4.2.2|Diagnostic-Code: smtp; 452 4.2.2 over quota",
            Some(Full),
        ),
        (
            "late",
            "",
            "Action: delayed|Status: 4.4.1|Diagnostic-Code: smtp; 451 4.4.1 later",
            None,
        ),
        ("relayed", "", "Action: relayed|Status: 2.0.0", None),
        (
            "our sender",
            rcpt,
            "Action: failed|Status: 5.1.8|Diagnostic-Code: smtp; 553 5.1.8 Sender address rejected: Domain not found",
            None,
        ),
        (
            "our relay",
            rcpt,
            "Action: failed|Status: 5.7.1|Diagnostic-Code: smtp; 554 5.7.1 Relay access denied",
            None,
        ),
        ("no words at all", "", "Action: failed", None),
        (
            "the second one failed",
            "",
            "Action: delivered|Status: 2.0.0||Action: failed|Status: 5.1.1",
            Some(Gone),
        ),
    ] {
        assert_eq!(trouble(&report(said, fields)), expected, "{name}");
    }
}

#[test]
fn a_report_in_words_is_read_where_it_quotes_a_reply() {
    for (said, expected) in [
        (
            "<a@x.example>:|192.0.2.1 does not like recipient.|Remote host said: 550 5.1.1 unknown|Giving up.",
            Some(Trouble::Gone),
        ),
        (
            "<a@x.example>:|192.0.2.1 failed after I sent the message.|Remote host said: 550 Unknown user",
            Some(Trouble::Filtered),
        ),
        (
            "<a@x.example>:|Sorry, no mailbox here by that name. (#5.1.1)",
            Some(Trouble::Gone),
        ),
        ("I'm on holiday until Monday.", None),
    ] {
        assert_eq!(trouble(&words(said)), expected, "{said}");
    }
}

#[test]
fn mail_is_read_as_postfix_writes_it_into_a_maildir() {
    for (text, expected) in [
        (include_str!("postfix/unknown.eml"), Some(Trouble::Gone)),
        (include_str!("postfix/content.eml"), None),
        (include_str!("postfix/late.eml"), None),
        (include_str!("postfix/given-up.eml"), Some(Trouble::Away)),
    ] {
        assert_eq!(mail(text).recipient, TO);
        assert_eq!(trouble(text), expected, "{text}");
    }
    // The alias that leads into the Maildir stands below the address that was written to.
    let empty = mail(include_str!("postfix/empty.eml"));
    assert_eq!(empty.recipient, "toroku@hidamari.example");
    assert_eq!(empty.sender.as_deref(), Some("x..y.@docomo.example"));
    assert_eq!((empty.is_automatic, empty.report), (false, Report::None));
}

#[test]
fn the_newest_header_says_whom_the_envelope_named() {
    let text =
        "X-Original-To: Toroku@Hidamari.Example\r\nDelivered-To: forged@hidamari.example\r\nFrom: a@x.example\r\n\r\n";
    assert_eq!(mail(text).recipient, "toroku@hidamari.example");
    assert_eq!(
        read(b"From: a@x.example\r\nTo: b@x.example\r\n\r\n"),
        None,
        "no server delivered this"
    );
    assert_eq!(read(b""), None);
}

#[test]
fn an_empty_mail_of_a_person_can_be_answered_and_one_of_a_program_cannot() {
    let text = |more: &str| format!("Delivered-To: toroku@hidamari.example\r\n{more}\r\n\r\n");
    for (more, sender) in [
        ("Return-Path: <a@x.example>\r\nFrom: b@x.example", Some("a@x.example")),
        ("From: =?utf-8?B?44GC?= <a@x.example>", Some("a@x.example")),
        ("Return-Path: <\"foo.\"@docomo.ne.jp>", Some("foo.@docomo.ne.jp")),
        ("Return-Path: <foo..bar@docomo.ne.jp>", Some("foo..bar@docomo.ne.jp")),
        ("Return-Path: <a b@x.example>", None),
        ("Subject: x", None),
    ] {
        let mail = mail(&text(more));
        assert_eq!((mail.sender.as_deref(), mail.is_automatic), (sender, false), "{more}");
    }
    for more in [
        "Return-Path: <>\r\nFrom: a@x.example",
        "Return-Path: <a@x.example>\r\nAuto-Submitted: auto-replied",
        "Return-Path: <a@x.example>\r\nAuto-Submitted: Auto-Generated; owner-email=\"x\"",
        "Return-Path: <a@x.example>\r\nPrecedence: Bulk",
        "Return-Path: <a@x.example>\r\nList-Id: <x.example>",
        "Return-Path: <MAILER-DAEMON@x.example>",
        "Return-Path: <owner-list@x.example>",
        "Return-Path: <no-reply@x.example>",
    ] {
        assert!(mail(&text(more)).is_automatic, "{more}");
    }
    assert!(!mail(&text("Return-Path: <a@x.example>\r\nAuto-Submitted: no")).is_automatic);
}

fn complaint(kind: &str) -> String {
    format!(
        "Delivered-To: fbl@hidamari.example\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=\"xx\"\r\n\r\n\
         --xx\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n\r\n\
         --xx\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {kind}\r\nUser-Agent: x/1\r\nVersion: 1\r\n\
         Original-Mail-From: <{TO}>\r\nOriginal-Rcpt-To: redacted@x.example\r\n\r\n\
         --xx\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <{TO}>\r\n\
         List-Unsubscribe: <https://kosodate.example.jp/hidamari/stop/abc/one-click>\r\nSubject: x\r\n\r\nx\r\n--xx--\r\n"
    )
}

#[test]
fn a_complaint_gives_what_we_signed_and_no_address_of_anybody() {
    let page = "https://kosodate.example.jp/hidamari/stop/abc/one-click";
    let signs = [TO, TO, page].map(str::to_owned).to_vec();
    assert_eq!(mail(&complaint("abuse")).report, Report::Complaint(signs));
    assert_eq!(mail(&complaint("not-spam")).report, Report::None);
    assert!(!format!("{:?}", mail(&complaint("abuse"))).contains("hidamari"));
}

#[test]
fn what_is_far_too_large_or_nested_is_read_as_far_as_it_goes() {
    let huge = format!(
        "{}{}",
        words("Remote host said: 550 5.1.1 unknown"),
        "x".repeat(3 << 20)
    );
    assert_eq!(trouble(&huge), Some(Trouble::Gone));
    let nested: Vec<String> = (0..3_000)
        .map(|depth| format!("Content-Type: multipart/mixed; boundary=\"b{depth}\"\r\n\r\n--b{depth}\r\n"))
        .collect();
    let nested = nested.concat();
    let nested = format!("Delivered-To: {TO}\r\n{nested}");
    assert!(read(nested.as_bytes()).is_some());
    let messages = format!(
        "Delivered-To: {TO}\r\n{}",
        "Content-Type: message/rfc822\r\n\r\n".repeat(30_000)
    );
    assert!(read(messages.as_bytes()).is_some());
    let many = report(
        &"Content-Type: text/plain\r\n".repeat(60),
        "Action: failed|Status: 5.1.1",
    );
    assert_eq!(mail(&many).report, Report::None, "more parts than any report has");
    let headers = format!("Delivered-To: {TO}\r\n{}", "X: y\r\n".repeat(50_000));
    assert!(read(headers.as_bytes()).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_fall(
        which in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        end in any::<prop::sample::Index>(),
    ) {
        let seeds = [
            report("host said: (in reply to RCPT TO command)", "Action: failed|Status: 5.1.1|Diagnostic-Code: smtp; 550 5.1.1 x"),
            words("<a@x.example>:|Remote host said: 550 5.1.1 unknown (#5.1.1)"),
            complaint("abuse"),
        ];
        let mut bytes = seeds[which].clone().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let cut = end.index(bytes.len());
        let _ = read(&bytes);
        let _ = read(&bytes[..cut]);
    }
}
