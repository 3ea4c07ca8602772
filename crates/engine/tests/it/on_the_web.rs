//! Readers who read on the web only: nothing is sent, everything else is as for everybody.

use kizuna_engine::actions::tenants::NewAccount;

use crate::app::{STAGES, TOWN};
use crate::app::{TODAY, TestApp, Town, daily, day, jst, on_both, only};

/// A town whose readers read on the web only.
fn web_town(app: &TestApp) -> Town<'_> {
    let web = NewAccount {
        channel: "web".into(),
        ..NewAccount::default()
    };
    let town = app.town_with(TOWN, &TestApp::settings(), &[web]);
    app.publish(&daily("daily", STAGES));
    town
}

on_both! {
    fn whoever_reads_on_the_web_has_a_place_in_the_plan_and_in_the_ledger(app) {
        let town = web_town(app);
        let reader = town.family("hanako").add();
        let stopped = town.family("taro").add();
        town.stop(&stopped);

        let report = only(app.run());

        assert_eq!((report.sent, report.failed, report.waiting), (1, 0, 0));
        assert_eq!(town.states(&reader, TODAY), [("daily/12w3d".into(), "sent".into())]);
        assert!(town.states(&stopped, TODAY).is_empty());
        assert_eq!(only(app.run()).planned_now, 0);

        app.clock.set(jst("2026-12-25 08:00:00"));
        app.run();
        assert_eq!(town.states(&reader, "2026-12-25"), [("daily/12w4d".into(), "sent".into())]);
        assert!(town.preview(day("2026-12-25")).planned.is_empty());
    }
}
