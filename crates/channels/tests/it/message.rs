//! The message as it travels, read back by other people's programs.

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kizuna_channels::{Address, Letter, channel};
use kizuna_domain::message::Draft;
use kizuna_domain::run::outcome::{Fault, Outcome};
use kizuna_testkit::mail::{MailServer, Script};
use kizuna_testkit::programs::{run_openssl, run_python};
use proptest::prelude::*;

use crate::support::{Recorder, account, batch, brief, briefs, carry, draft, letter, letters, net, relay, with};

/// Reads a message with Python's own library and prints one fact a line.
const READ: &str = r#"
import email, email.policy, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
for name, value in message.items():
    print(f"{name}: {value}")
print("defects:", message.defects, [part.defects for part in message.walk()])
for part in message.iter_parts():
    print("part:", part.get_content_type(), part.get_content_charset())
    sys.stdout.write(part.get_content().replace("\r\n", "\n"))
"#;

/// Verifies every signature of a message; the arguments are names and TXT records in turn.
const VERIFY: &str = r#"
import sys, dkim
records = dict(zip(sys.argv[1::2], sys.argv[2::2]))
message = sys.stdin.buffer.read()
dkim_message = dkim.DKIM(message)
count = sum(1 for name, _ in dkim_message.headers if name.lower() == b"dkim-signature")
def txt(name, timeout=5):
    return records[name.decode().rstrip(".")].encode()
results = []
for index in range(count):
    try:
        results.append(dkim.DKIM(message).verify(idx=index, dnsfunc=txt))
    except dkim.DKIMException:
        results.append(False)
print(results)
"#;

/// The message that a relay gets.
fn travelled(account: &dyn Fn(u16) -> kizuna_channels::Account, letter: Letter) -> Vec<u8> {
    let server = MailServer::start(Script::pipelining());
    let (journal, _) = carry(&account(server.port()), &[letter]);
    assert_eq!(briefs(&journal, 1), "accepted");
    server.finish().mails.remove(0).content
}

#[test]
fn pythons_mail_library_reads_headers_text_and_html() {
    let letter = letter(0);
    let message = travelled(&relay, letter.clone());

    let read = run_python(READ, &[], &message);

    let expected = "\
Date: Tue, 24 Dec 2024 10:00:00 +0900
To: hanako0@example.jp
Message-ID: <k0-2024-12-24@city.example.jp>
From: ひだまり市 きずなだより <tayori@city.example.jp>
Reply-To: kosodate@city.example.jp
Subject: 【見本】きずなだより：つわりのころの食事と、からだを休めるくふうについて
Content-Language: ja
Auto-Submitted: auto-generated
List-Id: <kizuna.city.example.jp>
List-Unsubscribe: <https://kizuna.example.jp/u/click0>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
";
    assert!(read.starts_with(expected), "{read}");
    assert!(
        read.contains("Content-Type: multipart/alternative; boundary=\"kizuna_"),
        "{read}"
    );
    assert!(read.contains("defects: [] [[], [], []]"), "{read}");
    let text = kizuna_channels::render::text(&letter.draft, &letter.links);
    let html = kizuna_channels::render::html(&letter.draft, &letter.links);
    assert!(
        read.ends_with(&format!("part: text/plain utf-8\n{text}part: text/html utf-8\n{html}")),
        "{read}"
    );
}

#[test]
fn the_envelope_names_the_letter_and_not_the_person() {
    let server = MailServer::start(Script::plain());

    carry(&relay(server.port()), &[letter(3)]).1.unwrap();

    let mail = server.finish().mails.remove(0);
    assert_eq!(
        (mail.from.as_str(), mail.to),
        ("b+token3@bounce.example.jp", vec!["hanako3@example.jp".to_owned()])
    );
}

#[test]
fn subjects_of_all_kinds_fold_and_come_back_whole() {
    let subjects = [
        "短い".to_owned(),
        "plain ASCII that is long enough to be folded somewhere in the middle because it has many, many words"
            .to_owned(),
        "あ".repeat(120),
        "👨‍👩‍👧‍👦👶🏻家族のおはなし𠮷野家で会いましょう🎌".repeat(4),
        "=?utf-8?b?44GC?= は暗号ではありません".to_owned(),
        "ﾊﾝｶｸ と ①㈱ と Ünïcödé".to_owned(),
    ];
    for subject in subjects {
        let mut letter = letter(0);
        let mut draft = (*letter.draft).clone();
        draft.sample = false;
        draft.subject.clone_from(&subject);
        letter.draft = Arc::new(draft);

        let message = travelled(&relay, letter);

        let read = run_python(READ, &[], &message);
        assert!(read.contains(&format!("\nSubject: {subject}\n")), "{subject}: {read}");
        let longest = message.split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap();
        assert!(longest <= 79, "a line of {longest} octets");
    }
}

#[test]
fn the_same_letter_has_the_same_bytes_whatever_went_before() {
    let (mut first, mut second) = (letters(3), letters(3));
    second.reverse();
    let other = letter(9);
    first.insert(0, other);
    let sent = |letters: &[Letter]| {
        let server = MailServer::start(Script::pipelining());
        carry(&relay(server.port()), letters).1.unwrap();
        let mut mails = server.finish().mails;
        mails.retain(|mail| mail.to != ["hanako9@example.jp"]);
        mails.sort_by(|a, b| a.to.cmp(&b.to));
        mails
    };

    assert_eq!(sent(&first), sent(&second));
}

#[test]
fn every_reader_gets_their_own_links_and_nobody_elses() {
    let server = MailServer::start(Script::pipelining());
    carry(&relay(server.port()), &letters(12)).1.unwrap();

    for (number, mail) in server.finish().mails.iter().enumerate() {
        let read = run_python(READ, &[], &mail.content);
        for page in ["words", "my", "stop"] {
            assert_eq!(read.matches(&format!("/t/{page}{number}\"")).count(), 1, "in HTML");
            assert_eq!(read.matches(&format!("/t/{page}{number}\n")).count(), 1, "in the text");
            assert_eq!(read.matches(&format!("/t/{page}")).count(), 2);
        }
    }
}

#[test]
fn every_reader_gets_the_text_of_their_own_cohort_however_batches_are_mixed() {
    // More cohorts than are remembered, coming back after they were forgotten.
    let drafts: Vec<Arc<Draft>> = (0..70)
        .map(|cohort| {
            Arc::new(Draft {
                sample: false,
                stage: format!("妊娠{cohort}日"),
                subject: format!("S{cohort}E"),
                ..draft()
            })
        })
        .collect();
    let letters: Vec<Letter> = (0..210)
        .map(|number| Letter {
            draft: Arc::clone(&drafts[number * 3 % 70]),
            ..letter(number)
        })
        .collect();
    let server = MailServer::start(Script::pipelining());

    carry(&relay(server.port()), &letters).1.unwrap();

    let mails = server.finish().mails;
    assert_eq!(mails.len(), 210);
    for (number, mail) in mails.iter().enumerate() {
        let cohort = number * 3 % 70;
        let message = String::from_utf8(mail.content.clone()).unwrap();
        assert_eq!(mail.to, [format!("hanako{number}@example.jp")]);
        assert!(
            message.contains(&format!("\r\nSubject: S{cohort}E\r\n")),
            "letter {number}"
        );
        // The text begins with sender and subject, so that base64 of the one begins like base64 of the other.
        let lead = STANDARD.encode(format!("ひだまり市　S{cohort}E"));
        let sure = lead.trim_end_matches('=');
        assert!(
            message.contains(&format!("\r\n\r\n{}", &sure[..sure.len() / 4 * 4])),
            "letter {number}"
        );
    }
}

#[test]
fn addresses_that_carriers_should_not_have_issued_are_reached() {
    for (address, wire) in [
        ("foo.@docomo.ne.jp", "\"foo.\"@docomo.ne.jp"),
        ("a..b@docomo.ne.jp", "\"a..b\"@docomo.ne.jp"),
        (".a@ezweb.ne.jp", "\".a\"@ezweb.ne.jp"),
        ("\"foo.\"@docomo.ne.jp", "\"foo.\"@docomo.ne.jp"),
        ("a+b_c?d/e@docomo.ne.jp", "a+b_c?d/e@docomo.ne.jp"),
    ] {
        let server = MailServer::start(Script::plain());
        let letter = Letter {
            to: Address(address.to_owned()),
            ..letter(0)
        };

        let (journal, _) = carry(&relay(server.port()), &[letter]);

        assert_eq!(briefs(&journal, 1), "accepted", "{address}");
        let mail = server.finish().mails.remove(0);
        assert_eq!(mail.to, [wire]);
        assert!(
            String::from_utf8(mail.content)
                .unwrap()
                .contains(&format!("\r\nTo: {wire}\r\n"))
        );
        wire.parse::<lettre::Address>()
            .expect("an independent reader accepts it");
    }
}

#[test]
fn texts_that_are_no_address_never_reach_the_wire() {
    for address in [
        "",
        "@",
        "a@",
        "@b",
        "a b@c.jp",
        "a@b\r\nRCPT TO:<x@y>",
        "a@b>",
        "<a@b",
        "あ@例.jp",
        "a@b..c",
        "\"a\"b\"@c.jp",
        "a@-b.jp",
    ] {
        let server = MailServer::start(Script::pipelining());
        let mut letters = letters(3);
        letters[1].to = Address(address.to_owned());

        let (journal, end) = carry(&relay(server.port()), &letters);

        assert_eq!(
            briefs(&journal, 3),
            "accepted, address-gone recipient, accepted",
            "{address:?}"
        );
        assert_eq!((end, journal.asked()), (Ok(()), vec![0, 2]));
        assert_eq!(server.finish().mails.len(), 2);
    }
}

#[test]
fn a_one_click_address_is_https_or_there_is_none() {
    for (url, is_written) in [
        ("https://k.example.jp/u/1", true),
        ("http://127.0.0.1:8080/u/1", true),
        ("http://localhost/u/1", true),
        ("http://k.example.jp/u/1", false),
        ("http://127.0.0.1.evil.example/u/1", false),
        ("mailto:a@b.jp", false),
        ("https://k.example.jp/u/1>, <https://evil.example", false),
    ] {
        let server = MailServer::start(Script::plain());
        let mut letter = letter(0);
        letter.links.one_click = url.to_owned();

        let (journal, _) = carry(&relay(server.port()), &[letter]);

        assert_eq!(
            briefs(&journal, 1),
            if is_written { "accepted" } else { "held payload" },
            "{url}"
        );
    }
    let mut without = letter(0);
    without.links.one_click.clear();
    let message = String::from_utf8(travelled(&relay, without)).unwrap();
    assert!(!message.contains("List-Unsubscribe"));
}

/// Keys made by openssl, in the forms in which people have them, with the DNS records of their public halves.
struct Keys {
    folder: tempfile::TempDir,
    records: Vec<String>,
}

impl Keys {
    fn make() -> Keys {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        run_openssl(
            path,
            &[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
                "-out",
                "rsa.pem",
            ],
        );
        run_openssl(path, &["rsa", "-in", "rsa.pem", "-traditional", "-out", "rsa1.pem"]);
        run_openssl(path, &["genpkey", "-algorithm", "ed25519", "-out", "ed.pem"]);
        let public = |key: &str| {
            let pem = run_openssl(path, &["pkey", "-in", key, "-pubout"]);
            pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()
        };
        let rsa = format!("v=DKIM1; k=rsa; p={}", public("rsa.pem"));
        // RFC 8463 wants the 32 octets alone; openssl puts 12 in front, which are 16 characters of base64.
        let ed = format!("v=DKIM1; k=ed25519; p={}", &public("ed.pem")[16..]);
        let records = [
            ("r1._domainkey.city.example.jp", rsa),
            ("e1._domainkey.city.example.jp", ed),
        ];
        Keys {
            folder,
            records: records
                .into_iter()
                .flat_map(|(name, record)| [name.to_owned(), record])
                .collect(),
        }
    }

    fn signed(&self, rsa: Option<&str>, ed25519: bool, letter: Letter) -> Vec<u8> {
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap();
        let account = |port: u16| {
            let mut all = relay(port);
            let mut more = account(&[], &[]);
            if let Some(file) = rsa {
                more = account(&[("dkim_selector", "r1")], &[("dkim_key", &read(file))]);
            }
            if ed25519 {
                all.settings.insert("dkim_selector_ed25519".to_owned(), "e1".to_owned());
                more.secrets
                    .insert("dkim_key_ed25519".to_owned(), kizuna_channels::Secret(read("ed.pem")));
            }
            all.settings.extend(more.settings);
            all.secrets.extend(more.secrets);
            all
        };
        travelled(&account, letter)
    }

    fn verify(&self, message: &[u8]) -> String {
        let records: Vec<&str> = self.records.iter().map(String::as_str).collect();
        run_python(VERIFY, &records, message).trim().to_owned()
    }
}

#[test]
fn dkimpy_verifies_rsa_ed25519_and_both() {
    let keys = Keys::make();
    for (rsa, ed25519, expected) in [
        (Some("rsa.pem"), false, "[True]"),
        (Some("rsa1.pem"), false, "[True]"),
        (None, true, "[True]"),
        (Some("rsa.pem"), true, "[True, True]"),
    ] {
        assert_eq!(
            keys.verify(&keys.signed(rsa, ed25519, letter(0))),
            expected,
            "{rsa:?} {ed25519}"
        );
    }
}

#[test]
fn dkimpy_sees_every_tampering() {
    let keys = Keys::make();
    let message = String::from_utf8(keys.signed(Some("rsa.pem"), true, letter(0))).unwrap();
    let tampered = [
        message.replace("/u/click0", "/u/evil0"),
        message.replace("List-Unsubscribe=One-Click", "List-Unsubscribe=Two-Click"),
        message.replace("To: hanako0", "To: hanako1"),
        message.replace("From: ", "From: evil@example.com\r\nFrom: "),
        message.replace("\r\nSubject: ", "\r\nSubject: =?utf-8?b?44GC?= "),
        message.replace("Tue, 24 Dec", "Wed, 25 Dec"),
        message.replacen("\r\nPCFET0NUWVBF", "\r\nPCFET0NUWVBG", 1),
        message.replace("Message-ID: <k0", "Message-ID: <k1"),
    ];
    for (place, tampered) in tampered.iter().enumerate() {
        assert_ne!(*tampered, message, "tampering {place} changes something");
        assert_eq!(keys.verify(tampered.as_bytes()), "[False, False]", "tampering {place}");
    }
    // What relaxed canonicalisation forgives.
    let refolded = message.replace("\r\nAuto-Submitted: ", "\r\nAUTO-submitted:   ") + "\r\n\r\n";
    assert_eq!(keys.verify(refolded.as_bytes()), "[True, True]");
}

#[test]
fn a_signature_is_the_same_on_every_attempt() {
    let keys = Keys::make();
    let signed = || keys.signed(Some("rsa.pem"), true, letter(0));
    let message = signed();
    assert_eq!(message, signed());
    let message = String::from_utf8(message).unwrap();
    assert!(message.contains("t=1735002000;"), "the date of the letter");
    let names = message.split("h=").nth(1).unwrap().split(';').next().unwrap();
    assert_eq!(
        names.matches("From").count(),
        2,
        "a second sender cannot be added: {names}"
    );
}

#[test]
fn a_field_with_a_line_break_holds_the_letter() {
    type Spoil = fn(&mut Letter);
    let spoils: [(&str, Spoil); 11] = [
        ("subject", |letter| {
            Arc::make_mut(&mut letter.draft).subject.push_str("\r\nBcc: x@y.jp");
        }),
        ("subject", |letter| Arc::make_mut(&mut letter.draft).subject.push('\n')),
        ("subject", |letter| Arc::make_mut(&mut letter.draft).subject.push('\0')),
        ("language", |letter| {
            Arc::make_mut(&mut letter.draft).language.push_str("\r\nBcc: x@y.jp");
        }),
        ("key", |letter| letter.key.push_str("\r\n")),
        ("key", |letter| letter.key.clear()),
        ("token", |letter| letter.return_token.push_str(">\r\nDATA")),
        ("stop", |letter| letter.links.stop.push_str("\r\n")),
        ("words", |letter| letter.links.words.push_str("\">")),
        ("own", |letter| letter.links.own.insert(0, ' ')),
        ("one-click", |letter| {
            letter.links.one_click.push_str(">\r\nBcc: x@y.jp");
        }),
    ];
    for (name, spoil) in spoils {
        let server = MailServer::start(Script::pipelining());
        let mut letters = letters(2);
        spoil(&mut letters[0]);

        let (journal, _) = carry(&relay(server.port()), &letters);

        let outcomes = journal.outcomes();
        assert!(
            matches!(&outcomes[&0], Outcome::Held { fault: Fault::Payload, reply } if reply.contains(name)),
            "{name}: {:?}",
            outcomes[&0]
        );
        assert_eq!(brief(&outcomes[&1]), "accepted");
        assert_eq!(server.finish().mails.len(), 1);
    }
    // The name of the sender in the draft counts only where the account has none.
    let server = MailServer::start(Script::plain());
    let mut letters = letters(1);
    Arc::make_mut(&mut letters[0].draft).from.push_str("\r\nBcc: x@y.jp");
    let (journal, _) = carry(&with(relay(server.port()), "from_name", ""), &letters);
    assert_eq!(briefs(&journal, 1), "held payload");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_fields_say_the_headers_are_ours(
        to in "\\PC{0,20}@[a-z\\r\\n>]{1,10}",
        subject in "[\\PC\\r\\n:]{0,80}",
        from in "[\\PC\\r\\n]{0,30}",
        stop in "https://[\\PC\\r\\n<>]{0,20}",
        click in "https://[\\PC\\r\\n<>]{0,20}",
        key in "[a-z0-9.\\r\\n/-]{1,20}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut letter = letter(0);
        let draft = Arc::make_mut(&mut letter.draft);
        draft.subject = subject;
        draft.from = from;
        letter.to = Address(to);
        letter.links.stop = stop;
        letter.links.one_click = click;
        letter.key = key;
        let account = account(&[("folder", folder.path().to_str().unwrap())], &[]);
        let mut journal = Recorder::default();

        channel("outbox").unwrap().open(&account, &net()).unwrap().send(&batch(&[letter]), &mut journal).unwrap();

        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        let taken = brief(&journal.outcomes()[&0]) == "accepted";
        prop_assert_eq!(files.len(), usize::from(taken));
        for file in files {
            let message = fs::read_to_string(file.unwrap().path()).unwrap();
            prop_assert!(!message.replace("\r\n", "").contains(['\r', '\n']));
            let head = message.split_once("\r\n\r\n").unwrap().0;
            let names: Vec<_> = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect();
            prop_assert_eq!(names, ["Date", "To", "Message-ID", "From", "Subject", "Content-Language", "Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"]);
        }
    }
}
