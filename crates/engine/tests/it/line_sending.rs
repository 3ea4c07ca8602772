//! A morning by LINE, against a strict double: who gets what when LINE, the month or a reader gets in between.

use jiff::SignedDuration;
use kizuna_engine::actions::delivery::set_hour;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::run::Report;
use kizuna_engine::{dispatch, explain};
use kizuna_line_double::{ClockKind, Double, Fault, FaultKind, NewChannel, Options, description};
use kizuna_store::people::{self, NewPoint};
use kizuna_store::runs;

use crate::app::{Family, STAGES, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, only};

pub(crate) const CHANNEL: &str = "1650000001";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const PUSH: &str = "/v2/bot/message/push";
const MULTICAST: &str = "/v2/bot/message/multicast";

/// A double whose every request is held against LINE's own description in the end.
pub(crate) struct Watched(Double);

impl std::ops::Deref for Watched {
    type Target = Double;

    fn deref(&self) -> &Double {
        &self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(description::check(&self.0.requests()), Vec::<String>::new());
        }
    }
}

pub(crate) fn double(quota: Option<u64>) -> Watched {
    let options = Options {
        clock: ClockKind::Set(jst("2026-12-24 08:00:00")),
        rate_limits: false,
        ..Options::default()
    };
    let double = Double::start(options).unwrap();
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        bot_user_id: format!("U{:032x}", 0xb07),
        basic_id: "@hidamari".to_owned(),
        display_name: "ひだまり市".to_owned(),
        quota,
        ..NewChannel::default()
    });
    Watched(double)
}

/// A town that writes by LINE, and into a folder where LINE cannot.
fn town<'a>(app: &'a TestApp, double: &Double, more: &[(&str, &str)]) -> Town<'a> {
    let url = double.url();
    let settings = [
        ("channel_id", CHANNEL),
        ("api_url", &url),
        ("timeout_ms", "300"),
        ("sessions", "1"),
        ("rates", "none"),
    ];
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let line = NewAccount {
        channel: "line".into(),
        settings: settings.iter().chain(more).map(own).collect(),
        secrets: [("channel_secret".to_owned(), SECRET.to_owned())].into(),
    };
    let town = app.town_with(TOWN, &TestApp::settings(), &[line, app.outbox(TOWN)]);
    app.publish(&daily("daily", STAGES));
    town
}

/// Readers on LINE, known to the double.
fn families(town: &Town<'_>, double: &Double, count: usize) -> Vec<Family> {
    (0..count)
        .map(|number| {
            let family = town.family(&format!("family{number:03}")).add();
            let user = user(&family);
            double.add_user("hidamari", &user, "花子");
            double.befriend_quietly(CHANNEL, &user);
            family
        })
        .collect()
}

fn user(family: &Family) -> String {
    family.address.clone()
}

/// Messages on each reader's phone.
fn phones(double: &Double, families: &[Family]) -> Vec<usize> {
    families
        .iter()
        .map(|family| double.receipts_of(&user(family)).len())
        .collect()
}

fn everybody_once(report: &Report, double: &Double, families: &[Family]) {
    assert_eq!(
        (report.sent, report.failed, report.unknown),
        (families.len() as i64, 0, 0),
        "{report:?}"
    );
    assert_eq!(phones(double, families), vec![1; families.len()]);
    assert!(double.violations().is_empty(), "{:?}", double.violations());
}

on_both! {
    fn a_morning_by_line_reaches_everybody_once_however_often_it_runs(app) {
        for count in [7, 30] {
            let double = double(None);
            let app = if count == 7 { app } else { &TestApp::sqlite() };
            let town = town(app, &double, &[]);
            let families = families(&town, &double, count);

            app.run();
            let report = only(app.run());

            everybody_once(&report, &double, &families);
        }
    }
}

#[test]
fn one_text_to_many_leaves_at_each_hour_for_those_who_chose_it() {
    let (app, double) = (TestApp::sqlite(), double(None));
    let app = &app;
    let mut settings = TestApp::settings();
    settings.choices.hours = vec![12];
    let town = town(app, &double, &[]);
    app.town_with(TOWN, &settings, &[]);
    let families = families(&town, &double, 30);
    for family in families.iter().take(12) {
        set_hour(&app.env, &town.tenant(), family.subscriber, Some(12)).unwrap();
    }

    assert_eq!(only(app.run()).sent, 18);
    assert_eq!(phones(&double, &families), [vec![0; 12], vec![1; 18]].concat());
    app.clock.set(jst("2026-12-24 12:00:00"));
    everybody_once(&only(app.run()), &double, &families);
}

on_both! {
    fn false_errors_of_lines_double_nothing(app) {
        let double = double(None);
        let town = town(app, &double, &[]);
        let families = families(&town, &double, 8);
        for (nth, kind) in [
            (1, FaultKind::AcceptThenStatus(500)),
            (3, FaultKind::ResetAfterAccept),
            (5, FaultKind::AcceptThenSilence { close_after_ms: None }),
            (7, FaultKind::Status(503)),
        ] {
            double.script(Fault::nth(nth, "POST", PUSH, kind));
        }

        everybody_once(&only(app.run()), &double, &families);
    }
}

on_both! {
    fn an_outage_is_waited_for_and_ends_with_everybody_served_once(app) {
        let double = double(None);
        let town = town(app, &double, &[]);
        let families = families(&town, &double, 30);
        // The whole batch is taken, and nobody is told for as long as the first run lasts.
        double.script(Fault::next("POST", MULTICAST, FaultKind::AcceptThenStatus(500)));
        double.script(Fault { skip: 1, ..Fault::times(5, "POST", MULTICAST, FaultKind::Status(503)) });

        let report = only(app.run());
        assert_eq!((report.sent, report.waiting), (0, 30), "{report:?}");
        app.clock.advance(SignedDuration::from_mins(5));
        let report = only(app.run());

        everybody_once(&report, &double, &families);
        assert_eq!(double.requests().iter().filter(|request| request.status == 409).count(), 1);
    }
}

#[test]
fn what_was_unclear_for_longer_than_line_remembers_is_never_sent_again_but_shown() {
    let app = TestApp::sqlite();
    let double = double(None);
    let town = town(&app, &double, &[]);
    let families = families(&town, &double, 12);
    double.script(Fault::times(6, "POST", MULTICAST, FaultKind::AcceptThenStatus(500)));
    app.run();

    // An operator gives the day more time than LINE's memory has.
    let run = app
        .env
        .db
        .read(|tx| runs::get(tx, town.tenant().scope(), day(TODAY)))
        .unwrap()
        .unwrap();
    app.clock.advance(SignedDuration::from_hours(24));
    let later = app.env.clock.now() + SignedDuration::from_hours(5);
    app.env
        .db
        .write(|tx| runs::hasten(tx, run.id, app.env.clock.now(), later))
        .unwrap();
    dispatch::expire(&app.env).unwrap();
    dispatch::drain(&app.env, &|_| {}).unwrap();

    let report = town.report(TODAY);
    assert_eq!((report.sent, report.unknown), (0, 12), "{report:?}");
    assert_eq!(phones(&double, &families), vec![1; 12]);
}

#[test]
fn whoever_stops_between_two_pushes_gets_none() {
    let app = TestApp::sqlite();
    let double = double(None);
    let town = town(&app, &double, &[]);
    let families = families(&town, &double, 9);
    // The third push is answered late; while it waits to be repeated, the fifth and the last reader stop.
    double.script(Fault::nth(3, "POST", PUSH, FaultKind::Status(500)));
    let stopping = [families[4].clone(), families[8].clone()];
    let (other, scope) = (app.another_process(), town.tenant().scope());
    app.clock.on_wait(1, move || {
        for family in stopping {
            kizuna_engine::actions::people::stop(
                &other,
                scope,
                family.subscriber,
                kizuna_engine::actions::Actor::Reader,
            )
            .unwrap();
        }
    });

    let report = only(app.run());

    let sent = phones(&double, &families);
    assert_eq!(sent.iter().sum::<usize>(), 7, "{sent:?}");
    assert_eq!((report.sent, report.skipped["stopped"]), (7, 2), "{report:?}");
    let stopped: Vec<usize> = [4, 8].iter().map(|place| sent[*place]).collect();
    assert_eq!(stopped, [0, 0]);
}

#[test]
fn whoever_stops_while_a_multicast_is_unclear_is_in_doubt_and_not_asked_for_again() {
    let app = TestApp::sqlite();
    let double = double(None);
    let town = town(&app, &double, &[]);
    let families = families(&town, &double, 12);
    double.script(Fault::next("POST", MULTICAST, FaultKind::Status(500)));
    let (other, scope, stopping) = (app.another_process(), town.tenant().scope(), families[4].clone());
    app.clock.on_wait(1, move || {
        kizuna_engine::actions::people::stop(
            &other,
            scope,
            stopping.subscriber,
            kizuna_engine::actions::Actor::Reader,
        )
        .unwrap();
    });

    let report = only(app.run());

    let mut expected = vec![1; 12];
    expected[4] = 0;
    assert_eq!(phones(&double, &families), expected);
    assert_eq!((report.sent, report.unknown), (11, 1), "{report:?}");
}

on_both! {
    fn when_the_month_runs_short_other_channels_carry_in_the_towns_order_and_it_is_said(app) {
        let double = double(Some(10));
        let town = town(app, &double, &[("reserve", "5"), ("fallback", "email outbox")]);
        let families = families(&town, &double, 9);
        // Two of them may also be written to elsewhere.
        let outbox = town.accounts().into_iter().find(|account| account.channel == "outbox").unwrap();
        for family in &families[..2] {
            let point = NewPoint {
                id: kizuna_domain::ids::PointId::new(app.env.ids.next()),
                subscriber: family.subscriber,
                account: outbox.id,
                channel: "outbox".into(),
                address: format!("{}@x.example", &family.address[25..]),
                state: kizuna_domain::people::PointState::Verified,
            };
            app.env.db.write(|tx| people::add_point(tx, &app.env.keys, town.tenant().scope(), &point)).unwrap();
        }

        let report = only(app.run());

        assert_eq!(double.receipts().len(), 0, "five are left without the reserve, and nine are due");
        assert_eq!(town.letters().len(), 2);
        assert_eq!((report.sent, report.skipped["quota"]), (2, 7), "{report:?}");
        assert_eq!(only(app.run()).sent, 2);
    }
}

#[test]
fn a_month_that_ends_in_the_middle_of_a_batch_doubts_nobody() {
    let app = TestApp::sqlite();
    let double = double(Some(100));
    let town = town(&app, &double, &[]);
    let families = families(&town, &double, 6);
    // LINE counts what staff sent by hand only later: the month ends at the fourth.
    double.reserve(CHANNEL, 97);

    let report = only(app.run());

    assert_eq!(phones(&double, &families).iter().sum::<usize>(), 3);
    assert_eq!(
        (report.sent, report.skipped["quota"], report.unknown),
        (3, 3, 0),
        "{report:?}"
    );
}

#[test]
fn the_requests_that_carried_a_letter_are_on_record_with_lines_ids() {
    let app = TestApp::sqlite();
    let double = double(None);
    let town = town(&app, &double, &[]);
    let families = families(&town, &double, 3);
    double.script(Fault::next("POST", PUSH, FaultKind::AcceptThenStatus(500)));

    app.run();

    let tenant = town.tenant();
    let calls: Vec<Vec<i64>> = families
        .iter()
        .map(|family| {
            let id = family.subscription.to_string();
            let calls = explain::why(&app.env, &tenant, &id, day(TODAY)).unwrap().requests;
            assert!(
                calls
                    .iter()
                    .all(|call| call.status == 500 || !call.reference.is_empty())
            );
            calls.iter().map(|call| call.status).collect()
        })
        .collect();
    let mut sorted = calls.clone();
    sorted.sort();
    assert_eq!(sorted, [vec![200], vec![200], vec![500, 409]]);
}
