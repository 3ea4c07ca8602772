//! What relays answer and what becomes of the letters: later, never, nobody knows.

use jiff::SignedDuration;
use kizuna_engine::Clock as _;
use kizuna_engine::actions::tenants as actions;
use kizuna_store::runs::{self, Tally};
use kizuna_testkit::mail::{MailServer, Script, Then, When, say, say_and_close};

use crate::app::{TODAY, TOWN, TestApp, account, daily, day, jst, mail_account, on_both, only};
use crate::crashes::{by_reader, urgent};

on_both! {
    fn a_morning_by_mail_reaches_everybody_once(app) {
        let server = MailServer::start(Script::pipelining());
        let town = app.mail_town(&server);
        town.families(130);
        assert_eq!(only(app.run()).sent, 130);
        assert_eq!(only(app.run()).planned_now, 0);
        let readers = by_reader(&server.finish());
        assert_eq!((readers.len(), readers.values().max()), (130, Some(&1)));
    }
}

on_both! {
    fn later_means_later_for_that_letter_alone(app) {
        let server = MailServer::start(Script::plain().on(When::Rcpt, say("450 4.2.0 greylisted, come back")));
        let town = app.mail_town(&server);
        let families = town.families(4);

        let report = only(app.run());
        assert_eq!((report.sent, report.waiting, report.failed), (3, 1, 0), "{report:?}");
        assert_eq!(town.states(&families[0], TODAY), [("daily/12w3d".into(), "waiting".into())]);
        app.clock.advance(SignedDuration::from_secs(30));
        assert_eq!(only(app.run()).waiting, 1, "not before its time");
        app.clock.advance(SignedDuration::from_secs(37));
        let report = only(app.run());

        assert_eq!((report.sent, report.waiting), (4, 0), "{report:?}");
        let readers = by_reader(&server.finish());
        assert_eq!((readers.len(), readers.values().max()), (4, Some(&1)));
    }
}

#[test]
fn a_letter_that_is_always_later_is_given_up_in_the_evening() {
    let later = (0..100).fold(Script::plain(), |script, _| {
        script.on(When::Rcpt, say("451 4.3.2 not now"))
    });
    let server = MailServer::start(later);
    let app = TestApp::sqlite();
    let town = app.mail_town(&server);
    let hanako = town.family("hanako").add();
    let mut tries = vec![];
    let asked = || {
        server
            .seen()
            .commands
            .iter()
            .filter(|command| command.starts_with("RCPT"))
            .count()
    };
    for _ in 0..(13 * 60) {
        let before = asked();
        let report = only(app.run());
        if asked() > before {
            tries.push(app.clock.now());
        }
        if report.waiting == 0 {
            break;
        }
        app.clock.advance(SignedDuration::from_mins(1));
    }

    let report = town.report(TODAY);
    assert_eq!((report.sent, report.failed, report.waiting), (0, 1, 0), "{report:?}");
    assert_eq!(
        town.states(&hanako, TODAY),
        [("daily/12w3d".into(), "failed:expired".into())]
    );
    assert!((7..=15).contains(&tries.len()), "{tries:?}");
    let pauses: Vec<SignedDuration> = tries.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
    let minutes: Vec<i64> = pauses.iter().map(SignedDuration::as_mins).collect();
    let expected = [1, 5, 15, 30, 60, 120, 120, 120, 120];
    for (pause, expected) in minutes.iter().zip(expected) {
        assert!((expected..=expected + expected / 10 + 1).contains(pause), "{minutes:?}");
    }
    assert!(tries.iter().all(|at| *at < jst("2026-12-24 20:00:00")));
    assert!(by_reader(&server.finish()).is_empty());
}

on_both! {
    fn an_address_that_is_gone_is_never_written_to_again(app) {
        let server = MailServer::start(Script::plain().on(When::Rcpt, say("550 5.1.1 no such user")));
        let town = app.mail_town(&server);
        let families = town.families(2);
        let report = only(app.run());
        assert_eq!((report.sent, report.failed), (1, 1), "{report:?}");
        assert_eq!(report.reasons["failed:address-gone"], 1);

        app.clock.set(jst("2026-12-25 08:00:00"));
        assert_eq!(town.preview(day("2026-12-25")).skipped["suppressed"], 1);
        let report = only(app.run());
        assert_eq!((report.sent, report.skipped["suppressed"]), (1, 1), "{report:?}");
        let seen = server.finish();
        let asked = seen.commands.iter().filter(|command| command.contains(&families[0].address)).count();
        assert_eq!(asked, 1);
    }
}

#[test]
fn a_refusal_by_a_filter_does_not_silence_the_address() {
    let server = MailServer::start(Script::plain().on(When::Dot, say("554 5.7.1 looks like spam")));
    let app = TestApp::sqlite();
    let town = app.mail_town(&server);
    town.families(1);
    let report = only(app.run());
    assert_eq!((report.failed, report.reasons["failed:policy"]), (1, 1));
    app.clock.set(jst("2026-12-25 08:00:00"));
    assert_eq!(only(app.run()).sent, 1);
}

on_both! {
    fn a_letter_whose_answer_was_lost_is_in_doubt_and_not_sent_again(app) {
        let server = MailServer::start(Script::plain().on(When::Dot, Then::Usual).on(When::Dot, Then::Close));
        let town = app.mail_town(&server);
        let families = town.families(5);
        let report = only(app.run());
        // The rest of the batch waits a moment, because the relay hung up.
        assert_eq!((report.sent, report.unknown, report.waiting), (1, 1, 3), "{report:?}");
        assert_eq!(town.states(&families[1], TODAY), [("daily/12w3d".into(), "unknown".into())]);
        app.clock.advance(SignedDuration::from_mins(10));
        let report = only(app.run());
        assert_eq!((report.sent, report.unknown, report.waiting), (4, 1, 0), "{report:?}");
        let run = app.env.db.read(|tx| runs::get(tx, town.tenant().scope(), day(TODAY))).unwrap().unwrap();
        let doubts = app.env.db.read(|tx| runs::doubts(tx, run.id)).unwrap();
        assert_eq!((doubts.len(), doubts[0].0), (1, families[1].subscriber));
        let seen = server.finish();
        let copies = seen.mails.iter().filter(|mail| mail.to == [families[1].address.clone()]).count();
        assert_eq!(copies, 1, "sent once, whatever became of it");
    }
}

#[test]
fn an_emergency_whose_answer_was_lost_is_sent_again() {
    let server = MailServer::start(Script::plain().on(When::Dot, Then::Close));
    let app = TestApp::sqlite();
    let town = app.mail_town(&server);
    let families = town.families(2);
    let urgent = urgent(&town, &families);
    app.run();
    app.clock.advance(SignedDuration::from_mins(10));
    app.run();
    let tally = app.env.db.read(|tx| runs::tally(tx, urgent)).unwrap();
    assert_eq!(
        tally.ended,
        Tally {
            sent: 2,
            ..Tally::default()
        }
    );
    assert_eq!(by_reader(&server.finish()).values().sum::<usize>(), 2);
}

on_both! {
    fn an_account_that_is_refused_is_paused_and_goes_on_after_resume(app) {
        let server = MailServer::start(
            Script::plain().on(When::Mail, Then::Usual).on(When::Mail, say("530 5.7.0 authentication required")),
        );
        let town = app.mail_town(&server);
        town.families(3);
        let report = only(app.run());
        assert_eq!((report.sent, report.failed, report.unknown, report.held), (1, 0, 0, 2), "{report:?}");
        let paused = town.accounts()[0].paused_reason.clone().unwrap();
        assert!(paused.contains("530"), "{paused}");
        let connections = server.seen().connections;
        // Paused once: neither a new connection nor a second word about it.
        app.clock.advance(SignedDuration::from_mins(30));
        only(app.run());
        assert_eq!(server.seen().connections, connections);
        let again = app.env.db.write(|tx| kizuna_store::tenants::pause_account(tx, account(&town), "x", app.clock.now()));
        assert!(!again.unwrap(), "staff would be told twice");

        assert_eq!(actions::resume(&app.env, &town.tenant()).unwrap(), (1, 0));
        let report = only(app.run());
        assert_eq!((report.sent, report.waiting), (3, 0), "{report:?}");
        let readers = by_reader(&server.finish());
        assert_eq!((readers.len(), readers.values().max()), (3, Some(&1)));
    }
}

#[test]
fn wrong_settings_pause_the_account_instead_of_losing_the_morning() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut wrong = mail_account(&server, &[]);
    wrong.settings.insert("security".into(), "starttls".into());
    let town = app.town_with(TOWN, &TestApp::settings(), &[wrong]);
    app.publish(&daily("daily", crate::app::STAGES));
    town.families(2);
    let report = only(app.run());
    assert_eq!((report.sent, report.failed, report.held), (0, 0, 2));
    // Mended in kizuna.toml, migrated, resumed.
    let town = app.town_with(TOWN, &TestApp::settings(), &[mail_account(&server, &[])]);
    actions::resume(&app.env, &town.tenant()).unwrap();
    assert_eq!(only(app.run()).sent, 2);
}

on_both! {
    fn a_relay_that_nobody_reaches_is_tried_again_until_it_is_there(app) {
        let port = kizuna_testkit::programs::free_port();
        let server = MailServer::start(Script::plain());
        let mut away = mail_account(&server, &[]);
        away.settings.insert("port".into(), port.to_string());
        let town = app.town_with(TOWN, &TestApp::settings(), &[away]);
        app.publish(&daily("daily", crate::app::STAGES));
        town.families(3);
        for _ in 0..3 {
            let report = only(app.run());
            assert_eq!((report.sent, report.failed, report.waiting), (0, 0, 3), "{report:?}");
            app.clock.advance(SignedDuration::from_mins(20));
        }
        app.town_with(TOWN, &TestApp::settings(), &[mail_account(&server, &[])]);
        app.clock.advance(SignedDuration::from_mins(60));
        assert_eq!(only(app.run()).sent, 3);
    }
}

#[test]
fn a_relay_that_hangs_up_between_letters_costs_none() {
    let app = TestApp::sqlite();
    let server = MailServer::start(
        Script::plain()
            .on(When::Mail, Then::Usual)
            .on(When::Mail, say_and_close("421 4.3.2 too many letters")),
    );
    let town = app.mail_town(&server);
    town.families(6);
    only(app.run());
    app.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(only(app.run()).sent, 6);
    let readers = by_reader(&server.finish());
    assert_eq!((readers.len(), readers.values().max()), (6, Some(&1)));
}

on_both! {
    fn what_a_person_holds_goes_on_where_it_stopped(app) {
        let server = MailServer::start(Script::plain());
        let town = app.mail_town(&server);
        let families = town.families(4);
        app.clock.set(jst("2026-12-24 07:00:00"));
        only(app.run());
        app.clock.set(jst("2026-12-24 08:00:00"));
        let now = app.clock.now();
        let later = now + SignedDuration::from_secs(10);
        // One letter of the batch left, then the text was found wanting.
        app.env
            .db
            .write(|tx| {
                let batch = runs::claim(tx, account(&town), now, later, 1)?.remove(0);
                runs::advance(tx, batch.id, batch.token, 1, 1, later, later)?;
                let tally = Tally { sent: 1, ..Tally::default() };
                runs::finish(tx, batch.id, batch.token, batch.letters, tally, Some("552 too large"))
            })
            .unwrap();
        let report = only(app.run());
        assert_eq!((report.sent, report.held, report.waiting), (1, 3, 0), "{report:?}");

        assert_eq!(actions::resume(&app.env, &town.tenant()).unwrap(), (0, 1));
        let report = only(app.run());

        assert_eq!((report.sent, report.held), (4, 0), "{report:?}");
        let readers = by_reader(&server.finish());
        assert_eq!(readers.len(), 3, "the first had left before");
        assert!(!readers.contains_key(&families[0].address));
    }
}

#[test]
fn an_account_never_sends_faster_than_its_rate() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::pipelining());
    let town = app.town_with(
        TOWN,
        &TestApp::settings(),
        &[mail_account(&server, &[("rate_per_second", "4")])],
    );
    app.publish(&daily("daily", crate::app::STAGES));
    town.families(130);
    assert_eq!(only(app.run()).sent, 130);
    // Each letter leaves directly after its wait.
    let left = app.clock.shown();
    assert_eq!(left.len(), 130);
    for (place, at) in left.iter().enumerate() {
        let in_one_second = left[place..]
            .iter()
            .take_while(|later| later.duration_since(*at).as_secs() < 1)
            .count();
        assert!(in_one_second <= 4, "{in_one_second} letters in one second from {at}");
    }
    let lasted = left[129].duration_since(left[0]).as_secs();
    assert!(
        (32..=33).contains(&lasted),
        "{lasted} s for 130 letters at four a second"
    );
    server.finish();
}
