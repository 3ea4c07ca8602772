//! One tenant's trouble is nobody else's.

use kizuna_engine::actions::tenants::NewAccount;
use kizuna_store::db::Sql;
use kizuna_store::tenants;
use kizuna_testkit::mail::{MailServer, Script, When, say};

use crate::app::{STAGES, TestApp, Town, daily, day, mail_account, on_both};

/// Three towns with five families each.
fn three<'a>(app: &'a TestApp, accounts: [NewAccount; 3]) -> Vec<Town<'a>> {
    let towns: Vec<Town<'a>> = ["aoba", "midori", "wakaba"]
        .into_iter()
        .zip(accounts)
        .map(|(code, account)| app.town_with(code, &TestApp::settings(), &[account]))
        .collect();
    app.publish(&daily("daily", STAGES));
    for town in &towns {
        town.families(5);
    }
    towns
}

fn outboxes(app: &TestApp) -> [NewAccount; 3] {
    ["aoba", "midori", "wakaba"].map(|code| app.outbox(code))
}

on_both! {
    fn a_town_whose_settings_cannot_be_used_stops_nobody_else(app) {
        let towns = three(app, outboxes(app));
        let mut broken = TestApp::settings();
        broken.time_zone = "Mars/Olympus".into();
        let tenant = towns[1].tenant();
        app.env.db.write(|tx| tenants::put(tx, tenant.id, "midori", "midori", &broken)).unwrap();

        let outcome = app.run();

        assert_eq!(outcome.failures.len(), 1);
        assert_eq!(outcome.failures[0].tenant, "midori");
        assert!(outcome.failures[0].error.to_string().contains("Mars/Olympus"));
        assert_eq!(outcome.reports.iter().map(|report| report.sent).collect::<Vec<_>>(), [5, 5]);
        assert_eq!([0, 1, 2].map(|place| towns[place].letters().len()), [5, 0, 5]);

        app.env.db.write(|tx| tenants::put(tx, tenant.id, "midori", "midori", &TestApp::settings())).unwrap();
        assert!(app.run().failures.is_empty());
        assert_eq!(towns[1].letters().len(), 5);
    }
}

on_both! {
    fn settings_that_break_after_the_plan_stop_nobody_else(app) {
        let towns = three(app, outboxes(app));
        app.clock.set(crate::app::jst("2026-12-24 07:30:00"));
        app.run();
        let mut broken = TestApp::settings();
        broken.send_from = "25:00".into();
        let tenant = towns[0].tenant();
        app.env.db.write(|tx| tenants::put(tx, tenant.id, "aoba", "aoba", &broken)).unwrap();
        app.clock.set(crate::app::jst("2026-12-24 08:00:00"));

        let outcome = app.run();

        let failed: Vec<&str> = outcome.failures.iter().map(|failure| failure.tenant.as_str()).collect();
        assert!(!failed.is_empty() && failed.iter().all(|tenant| *tenant == "aoba"), "{failed:?}");
        assert_eq!([0, 1, 2].map(|place| towns[place].letters().len()), [0, 5, 5]);

        app.env.db.write(|tx| tenants::put(tx, tenant.id, "aoba", "aoba", &TestApp::settings())).unwrap();
        app.clock.advance(jiff::SignedDuration::from_secs(30));
        assert!(app.run().failures.is_empty());
        assert_eq!(towns[0].letters().len(), 5);
    }
}

on_both! {
    fn settings_that_nobody_can_read_stop_nobody_else(app) {
        let towns = three(app, outboxes(app));
        meddle(app, "UPDATE tenants SET settings = '{\"kind\":\"moon\"}' WHERE code = 'midori'");
        let failures = kizuna_engine::run::tick(&app.env).unwrap();
        assert_eq!(failures.len(), 1, "{failures:?}");
        let outcome = app.run();
        assert_eq!(outcome.failures.len(), 1, "{:?}", outcome.failures);
        assert_eq!([0, 2].map(|place: usize| towns[place].letters().len()), [5, 5]);
    }
}

on_both! {
    fn credentials_that_do_not_open_stop_nobody_else(app) {
        let towns = three(app, outboxes(app));
        let tenant = towns[0].tenant();
        app.clock.set(crate::app::jst("2026-12-24 07:30:00"));
        app.run();
        meddle(app, "UPDATE accounts SET channel = 'pigeon' WHERE tenant_id = (SELECT id FROM tenants WHERE code = 'aoba')");
        app.clock.set(crate::app::jst("2026-12-24 08:00:00"));
        let outcome = app.run();
        assert_eq!(outcome.failures.len(), 1, "{:?}", outcome.failures);
        assert_eq!([1, 2].map(|place: usize| towns[place].letters().len()), [5, 5]);
        assert_eq!(tenant.code, "aoba");
    }
}

fn meddle(app: &TestApp, text: &'static str) {
    let sql: &'static Sql = Box::leak(Box::new(Sql {
        name: "meddle",
        pg: text,
        lite: text,
    }));
    app.env.db.write(|tx| tx.exec(sql, &[])).unwrap();
}

on_both! {
    fn a_town_without_content_sends_nothing_and_stops_nobody_else(app) {
        let towns = three(app, outboxes(app));
        let mut other = TestApp::settings();
        other.adopt[0].track = "nowhere".into();
        app.town_with("midori", &other, &[]);
        let outcome = app.run();
        assert!(outcome.failures.is_empty());
        assert_eq!([0, 1, 2].map(|place| towns[place].letters().len()), [5, 0, 5]);
        assert_eq!(towns[1].preview(day(crate::app::TODAY)).missing_tracks, ["nowhere"]);
    }
}

on_both! {
    fn an_account_that_is_refused_stops_nobody_else(app) {
        let refusing = MailServer::start(Script::plain().on(When::Mail, say("530 5.7.0 who are you")));
        let away = NewAccount {
            settings: [("port".to_owned(), kizuna_testkit::programs::free_port().to_string())]
                .into_iter()
                .chain(mail_account(&refusing, &[]).settings.into_iter().filter(|(name, _)| name != "port"))
                .collect(),
            ..mail_account(&refusing, &[])
        };
        let towns = three(app, [mail_account(&refusing, &[]), away, app.outbox("wakaba")]);
        let outcome = app.run();
        let sent: Vec<i64> = outcome.reports.iter().map(|report| report.sent).collect();
        assert_eq!(sent, [0, 0, 5]);
        let left: Vec<(i64, i64)> = outcome.reports.iter().map(|report| (report.waiting, report.held)).collect();
        assert_eq!(left, [(0, 5), (5, 0), (0, 0)]);
        assert!(towns[0].accounts()[0].paused_reason.is_some() && towns[1].accounts()[0].paused_reason.is_none());
    }
}

#[test]
fn more_accounts_than_workers_all_have_their_turn() {
    let app = TestApp::sqlite();
    let towns: Vec<Town<'_>> = (0..9)
        .map(|number| {
            let code = format!("town{number}");
            app.town_with(&code, &TestApp::settings(), &[app.outbox(&code)])
        })
        .collect();
    app.publish(&daily("daily", STAGES));
    for town in &towns {
        town.families(2);
    }
    let mut env = app.another_process();
    std::sync::Arc::get_mut(&mut env).unwrap().pace.workers_max = 2;
    let outcome = crate::app::run_on(&env);
    assert_eq!(outcome.reports.iter().map(|report| report.sent).sum::<i64>(), 18);
    assert!(towns.iter().all(|town| town.letters().len() == 2));
}
