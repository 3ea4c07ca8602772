//! Single mails that somebody asked for: soon, at any hour, and whatever happens to the relay or to us.

use jiff::SignedDuration;
use kizuna_engine::transactional::{self, New, Occasion};
use kizuna_store::mails;
use kizuna_testkit::mail::{Mail, MailServer, Script, Then, When, say};

use crate::app::{TOWN, TestApp, Town, jst, mail_account, on_both};

const HANAKO: &str = "hanako@example.jp";

fn ask(town: &Town<'_>, address: &str) {
    let (env, tenant) = (&town.app.env, town.tenant());
    let new = New {
        occasion: Occasion::Confirm,
        wish: None,
        language: "ja",
        address,
        link: "https://kosodate.example.jp/hidamari/register/mail/abc",
        expires: env.clock.now() + SignedDuration::from_hours(24),
    };
    env.db.write(|tx| transactional::queue(tx, env, &tenant, &new)).unwrap();
}

fn waiting(town: &Town<'_>) -> usize {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    let far = env.clock.now() + SignedDuration::from_hours(1_000);
    env.db
        .read(|tx| mails::due(tx, &env.keys, scope, far, 100))
        .unwrap()
        .len()
}

fn work(town: &Town<'_>) -> usize {
    transactional::work(&town.app.env).unwrap()
}

fn header<'m>(mail: &'m Mail, name: &str) -> Option<&'m str> {
    let text = std::str::from_utf8(&mail.content).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").find_map(|line| line.strip_prefix(name))
}

on_both! {
    fn a_mail_that_somebody_waits_for_leaves_at_once_even_at_night(app) {
        let server = MailServer::start(Script::pipelining());
        let town = app.mail_town(&server);
        app.clock.set(jst("2026-12-25 02:13:00"));
        ask(&town, HANAKO);
        ask(&town, "taro@example.jp");

        assert_eq!((work(&town), waiting(&town), work(&town)), (2, 0, 0));

        let mails = server.finish().mails;
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0].to, [HANAKO]);
        assert_eq!(mails[0].from, "b@bounce.hidamari.example", "its bounce blames nobody");
        assert_eq!(header(&mails[0], "List-Unsubscribe"), None);
        assert_eq!(header(&mails[0], "Auto-Submitted: "), Some("auto-generated"));
        assert!(header(&mails[0], "Date: ").unwrap().contains("25 Dec 2026 02:13:00 +0900"));
    }
}

#[test]
fn a_town_without_a_relay_writes_into_its_folder() {
    let app = TestApp::sqlite();
    let town = app.town();
    ask(&town, HANAKO);
    assert_eq!(work(&town), 1);
    let letters = town.letters();
    assert_eq!((letters.len(), letters[0].to.as_str()), (1, HANAKO));
    for words in [
        "hidamariです。",
        "https://kosodate.example.jp/hidamari/register/mail/abc",
        "12月25日 08:00まで使えます",
        "心あたりのないときは、何もしないでください",
        "ひだまり市 子育てだより",
    ] {
        assert!(letters[0].text.contains(words), "{}", letters[0].text);
    }
}

on_both! {
    fn an_address_that_is_refused_gets_nothing_and_nobody_is_told(app) {
        let server = MailServer::start(Script::plain().on(When::Rcpt, say("550 5.1.1 no such user")));
        let town = app.mail_town(&server);
        ask(&town, HANAKO);
        ask(&town, "taro@example.jp");
        assert_eq!((work(&town), waiting(&town)), (1, 0));
        app.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(work(&town), 0);
        assert_eq!(server.finish().mails.len(), 1);
    }
}

#[test]
fn a_relay_that_is_away_is_asked_again_until_the_link_has_ended() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut away = mail_account(&server, &[]);
    let port = kizuna_testkit::programs::free_port();
    away.settings.insert("port".into(), port.to_string());
    let town = app.town_with(TOWN, &TestApp::settings(), &[away]);
    ask(&town, HANAKO);
    for _ in 0..3 {
        assert_eq!((work(&town), waiting(&town)), (0, 1));
        app.clock.advance(SignedDuration::from_mins(5));
    }
    app.town_with(TOWN, &TestApp::settings(), &[mail_account(&server, &[])]);
    assert_eq!((work(&town), waiting(&town)), (1, 0));

    let mut away = mail_account(&server, &[]);
    away.settings.insert("port".into(), port.to_string());
    app.town_with(TOWN, &TestApp::settings(), &[away]);
    ask(&town, "taro@example.jp");
    for _ in 0..60 {
        work(&town);
        app.clock.advance(SignedDuration::from_mins(30));
    }
    assert_eq!(waiting(&town), 0, "given up");
    assert_eq!(server.finish().mails.len(), 1);
}

#[test]
fn a_mail_whose_answer_was_lost_is_sent_again_under_the_same_name() {
    let server = MailServer::start(Script::plain().on(When::Dot, Then::Close));
    let app = TestApp::sqlite();
    let town = app.mail_town(&server);
    ask(&town, HANAKO);
    assert_eq!((work(&town), waiting(&town)), (0, 1));
    assert_eq!(work(&town), 0, "not at once");
    app.clock.advance(SignedDuration::from_secs(15));
    assert_eq!((work(&town), waiting(&town)), (1, 0));
    let mails = server.finish().mails;
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].content, mails[1].content);
}

on_both! {
    fn a_mail_whose_worker_died_before_it_could_forget_it_is_sent_again(app) {
        let server = MailServer::start(Script::plain());
        let town = app.mail_town(&server);
        ask(&town, HANAKO);
        // Its worker claimed it, sent it and died.
        let (env, scope) = (&app.env, town.tenant().scope());
        let until = env.clock.now() + SignedDuration::from_mins(5);
        let mail = env.db.read(|tx| mails::due(tx, &env.keys, scope, env.clock.now(), 1)).unwrap().remove(0);
        assert!(env.db.write(|tx| mails::claim(tx, scope, &mail, until)).unwrap());
        assert_eq!(work(&town), 0, "another worker leaves it alone");
        app.clock.advance(SignedDuration::from_mins(5));
        assert_eq!((work(&town), waiting(&town)), (1, 0));
        server.finish();
    }
}

#[test]
fn a_town_whose_relay_is_away_keeps_no_other_town_waiting() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut away = mail_account(&server, &[]);
    away.settings
        .insert("port".into(), kizuna_testkit::programs::free_port().to_string());
    let kogare = app.town_with("kogare", &TestApp::settings(), &[away]);
    let town = app.mail_town(&server);
    ask(&kogare, HANAKO);
    ask(&town, HANAKO);
    assert_eq!((work(&town), waiting(&town), waiting(&kogare)), (1, 0, 1));
    server.finish();
}

#[test]
fn a_restored_database_writes_no_mails() {
    let app = TestApp::sqlite();
    let town = app.town();
    ask(&town, HANAKO);
    std::fs::write(
        app.path("kizuna.witness"),
        "node = \"node-1\"\nmachine = \"machine-1\"\nepoch = 9\nhigh_water = 9\n",
    )
    .unwrap();
    assert!(transactional::work(&app.env).is_err());
    assert_eq!((town.letters().len(), waiting(&town)), (0, 1));
}
