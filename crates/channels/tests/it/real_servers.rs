//! Mail servers that are not ours: Postfix's smtp-sink with its own faults, and aiosmtpd with STARTTLS and sign-in.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kizuna_channels::Secret;
use kizuna_testkit::programs::{Certificate, Server, run_python};

use crate::support::{account, briefs, carry, email, ending, letters, net, relay, with};

#[test]
fn smtp_sink_with_its_faults() {
    for (switches, outcomes, end) in [
        (&[][..], "accepted, accepted", "done"),
        (&["-p"], "accepted, accepted", "done"),
        (&["-e"], "accepted, accepted", "done"),
        (&["-r", "rcpt"], "deferred recipient, deferred recipient", "done"),
        (&["-r", "mail"], "deferred sender, deferred sender", "done"),
        (&["-r", "data"], "deferred data, deferred data", "done"),
        (&["-r", "."], "deferred final, deferred final", "done"),
        (&["-f", "mail"], "-, -", "refused"),
        (&["-f", "."], "policy final, policy final", "done"),
        (
            &["-f", "data", "-B", "554 5.7.1 no"],
            "policy data, policy data",
            "done",
        ),
        (
            &["-f", "rcpt", "-B", "550 5.1.1 no"],
            "address-gone recipient, address-gone recipient",
            "done",
        ),
        (
            &["-f", "rcpt", "-B", "550 5.7.1 no"],
            "policy recipient, policy recipient",
            "done",
        ),
        (&["-Q", "mail"], "deferred sender, -", "unreachable"),
        (&["-Q", "rcpt"], "deferred recipient, -", "unreachable"),
        (&["-Q", "."], "deferred final, -", "unreachable"),
        (&["-q", "rcpt"], "-, -", "unreachable"),
        (&["-q", "data"], "-, -", "unreachable"),
        (&["-q", "."], "unknown, -", "unreachable"),
    ] {
        let sink = Server::smtp_sink(switches);

        let (journal, ended) = carry(&relay(sink.port()), &letters(2));

        assert_eq!(
            (briefs(&journal, 2).as_str(), ending(&ended)),
            (outcomes, end),
            "smtp-sink {switches:?}"
        );
    }
}

#[test]
fn smtp_sink_takes_many_letters_over_one_session() {
    let sink = Server::smtp_sink(&[]);

    let (journal, end) = carry(&relay(sink.port()), &letters(500));

    assert_eq!(end, Ok(()));
    assert!(
        journal
            .outcomes()
            .values()
            .all(|outcome| crate::support::brief(outcome) == "accepted")
    );
    assert_eq!(journal.asked().len(), 500);
}

#[test]
fn aiosmtpd_takes_letters_after_starttls_and_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate::make(folder.path());
    let mails = folder.path().join("mails");
    fs::create_dir(&mails).unwrap();
    fs::set_permissions(&mails, fs::Permissions::from_mode(0o700)).unwrap();
    let server = Server::aiosmtpd(&certificate, "town", "himitsu", &mails);
    let mut good = account(
        &[
            ("host", "localhost"),
            ("from_address", "tayori@city.example.jp"),
            ("username", "town"),
            ("timeout_ms", "20000"),
            ("tls_ca_file", certificate.authority.to_str().unwrap()),
        ],
        &[("password", "himitsu")],
    );
    good.settings.insert("port".to_owned(), server.port().to_string());
    let mut wrong_password = good.clone();
    wrong_password
        .secrets
        .insert("password".to_owned(), Secret("himitsu2".to_owned()));
    let mut nobody = good.clone();
    nobody.settings.remove("username");
    nobody.secrets.clear();

    let (journal, end) = carry(&good, &letters(3));

    assert_eq!(
        (briefs(&journal, 3).as_str(), ending(&end)),
        ("accepted, accepted, accepted", "done")
    );
    let second = fs::read(mails.join("0002.mail")).unwrap();
    assert!(second.starts_with(b"tayori@city.example.jp\nhanako1@example.jp\n"));
    let subject = "import email, email.policy, sys
content = sys.stdin.buffer.read().split(b'\\n', 2)[2]
print(email.message_from_bytes(content, policy=email.policy.default)['Subject'])";
    assert!(run_python(subject, &[], &second).starts_with("【見本】きずなだより"));
    assert_eq!(ending(&email().probe(&wrong_password, &net())), "refused");
    assert_eq!(ending(&carry(&nobody, &letters(1)).1), "refused", "530 at MAIL");
    let untrusting = with(good, "tls_ca_file", "");
    assert_eq!(ending(&email().probe(&untrusting, &net())), "refused");
}
