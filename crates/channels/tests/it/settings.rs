//! What is wrong with settings, said before anything is tried.

use kizuna_channels::{Account, CHANNELS, Secret, channel};

use crate::support::{account, email, ending, net, relay, with};

fn wrong(account: &Account) -> Vec<String> {
    email()
        .check(account)
        .into_iter()
        .map(|problem| problem.setting.to_owned())
        .collect()
}

#[test]
fn good_settings_have_no_problems() {
    assert!(wrong(&relay(25)).is_empty());
    assert!(
        wrong(&account(
            &[("host", "smtp.example.jp"), ("from_address", "a@example.jp")],
            &[]
        ))
        .is_empty()
    );
}

#[test]
fn everything_wrong_is_said_at_once_in_two_languages() {
    let account = account(
        &[("port", "99999"), ("security", "ssl"), ("from_address", "nobody")],
        &[("password", "x")],
    );

    let problems = email().check(&account);

    let names: Vec<_> = problems.iter().map(|problem| problem.setting).collect();
    assert_eq!(names, ["host", "security", "port", "from_address", "username"]);
    assert!(
        problems
            .iter()
            .all(|problem| problem.ja.ends_with('。') && problem.en.ends_with('.'))
    );
    assert_eq!(ending(&email().open(&account, &net()).map(drop)), "refused");
}

#[test]
fn each_setting_is_looked_at() {
    for (name, value) in [
        ("host", "smtp example"),
        ("host", "smtp.example.jp\r\nQUIT"),
        ("port", "0"),
        ("port", "smtp"),
        ("security", "STARTTLS "),
        ("from_address", "あ@example.jp"),
        ("from_name", "town\r\nBcc: x@y.jp"),
        ("reply_to", "nobody"),
        ("envelope_domain", "bounce_example"),
        ("message_id_domain", "example.jp>"),
        ("sessions", "0"),
        ("sessions", "1000"),
        ("rate_per_second", "-1"),
        ("rate_per_second", "fast"),
        ("tls_ca_file", "/nowhere/ca.pem"),
        ("dkim_selector", "k1"),
        ("timeout_ms", "0"),
    ] {
        let expected = if name == "dkim_selector" { "dkim_key" } else { name };
        assert_eq!(wrong(&with(relay(25), name, value)), [expected], "{name} = {value:?}");
    }
}

#[test]
fn a_name_mistyped_is_found() {
    let mut account = with(relay(25), "form_name", "x");
    account.secrets.insert("passwort".to_owned(), Secret("x".to_owned()));

    let problems = email().check(&account);

    assert_eq!(problems.len(), 2);
    assert!(problems[0].ja.contains("form_name") && problems[1].ja.contains("passwort"));
}

#[test]
fn a_password_never_travels_in_the_clear_to_another_machine() {
    let mut account = with(with(relay(25), "host", "smtp.example.jp"), "username", "town");
    account
        .secrets
        .insert("password".to_owned(), Secret("himitsu".to_owned()));
    assert_eq!(wrong(&account), ["security"]);
    assert!(wrong(&with(account.clone(), "security", "starttls")).is_empty());
    assert!(wrong(&with(account, "host", "127.0.0.1")).is_empty());
}

#[test]
fn keys_that_cannot_sign_are_found_and_not_shown() {
    let key = "-----BEGIN PRIVATE KEY-----\naGltaXRzdQ==\n-----END PRIVATE KEY-----\n";
    for (name, selector) in [
        ("dkim_key", "dkim_selector"),
        ("dkim_key_ed25519", "dkim_selector_ed25519"),
    ] {
        for key in [key, "himitsu"] {
            let mut account = with(relay(25), selector, "k1");
            account.secrets.insert(name.to_owned(), Secret(key.to_owned()));

            let problems = email().check(&account);

            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].setting, name);
            assert!(!problems[0].en.contains("himitsu") && !problems[0].en.contains("aGltaXRzdQ"));
        }
    }
}

#[test]
fn every_channel_says_what_it_is_and_wants() {
    for channel in CHANNELS {
        assert!(channel.capability().letters_max > 0 && channel.capability().sessions > 0);
        let settings = channel.settings();
        for setting in settings {
            assert!(
                setting.ja.ends_with('。') && setting.en.ends_with('.'),
                "{}",
                setting.name
            );
            assert_eq!(settings.iter().filter(|other| other.name == setting.name).count(), 1);
        }
        // What it says it needs is what it misses.
        let missing: Vec<_> = channel
            .check(&account(&[], &[]))
            .iter()
            .map(|problem| problem.setting)
            .collect();
        let required: Vec<_> = settings
            .iter()
            .filter(|setting| setting.required)
            .map(|setting| setting.name)
            .collect();
        assert_eq!(missing, required);
    }
    assert!(channel("pigeon").is_none());
}
