//! A morning from the plan to the letters, whatever the host's clock and zone.

use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_engine::planner::{self, Hours};
use kizuna_engine::run;

use crate::app::{Family, TODAY, TestApp, Town, day, jst, on_both, only};

on_both! {
    fn a_morning_reaches_every_family_once_however_often_it_runs(app) {
        let town = app.town();
        let pregnant = town.family("hanako").add();
        let born = town.family("taro").born("2026-12-20").add();
        let quiet = town.family("jiro").born("2020-05-05").add();
        town.family("saburo").state(SubscriptionState::Paused).add();
        town.family("shiro").point(PointState::Pending).add();

        let first = only(app.run());

        assert_eq!((first.sent, first.planned_now, first.sent_before), (2, 2, 0));
        assert_eq!((first.failed, first.unknown, first.waiting, first.held), (0, 0, 0, 0));
        assert_eq!((first.skipped["paused"], first.skipped["no-address"]), (1, 1));
        let letters = town.letters();
        assert_eq!(letters.len(), 2);
        assert!(letters[0].stage.contains("12週3日") && letters[0].text.contains("本文 12w3d"), "{letters:?}");
        assert!(letters[1].text.contains("本文 d4"), "{letters:?}");
        assert_eq!((letters[0].to.as_str(), letters[1].to.as_str()), (pregnant.address.as_str(), born.address.as_str()));
        assert!(town.letters_to(&quiet).is_empty());
        assert_eq!(town.states(&pregnant, TODAY), [("daily/12w3d".into(), "sent".into())]);

        for _ in 0..3 {
            let again = only(app.run());
            assert_eq!((again.sent, again.planned_now, again.sent_before), (2, 0, 2));
        }
        let elsewhere = crate::app::run_on(&app.another_process());
        assert_eq!(only(elsewhere).planned_now, 0);
        assert_eq!(town.letters(), letters);
    }
}

on_both! {
    fn two_planners_and_dispatchers_at_once_send_each_letter_once(app) {
        let town = app.town();
        let families = town.families(120);
        let others: Vec<_> = (0..3).map(|_| app.another_process()).collect();

        std::thread::scope(|scope| {
            for env in &others {
                scope.spawn(|| crate::app::run_on(env));
            }
        });
        // Whoever lost every race leaves the rest to the next run.
        app.run();

        let letters = town.letters();
        let readers: std::collections::BTreeSet<&String> = letters.iter().map(|letter| &letter.to).collect();
        assert_eq!((letters.len(), readers.len()), (families.len(), families.len()));
        assert_eq!(town.report(TODAY).sent, 120);
    }
}

#[test]
fn the_day_changes_at_midnight_in_japan() {
    let app = TestApp::sqlite();
    let town = app.town();
    app.clock.set(jst("2026-12-23 23:59:59"));
    assert_eq!(run::today(&app.env, &town.tenant()).unwrap(), day("2026-12-23"));
    app.clock.set(jst("2026-12-24 00:00:01"));
    assert_eq!(run::today(&app.env, &town.tenant()).unwrap(), day("2026-12-24"));
    // Neither is a day change in UTC or in New York.
    app.clock.set("2026-12-24T00:00:01Z".parse().unwrap());
    assert_eq!(run::today(&app.env, &town.tenant()).unwrap(), day("2026-12-24"));
}

#[test]
fn just_before_and_just_after_midnight_each_day_gets_its_own_text() {
    let app = TestApp::sqlite();
    let mut settings = TestApp::settings();
    (settings.send_from, settings.send_until) = ("00:00".into(), "23:59".into());
    let town = app.town_with(crate::app::TOWN, &settings, &[app.outbox(crate::app::TOWN)]);
    app.publish(&crate::app::daily("daily", crate::app::STAGES));
    let hanako = town.family("hanako").add();
    app.clock.set(jst("2026-12-23 23:58:59"));
    app.run();
    app.clock.set(jst("2026-12-24 00:00:01"));
    app.run();
    let texts: Vec<String> = town.letters_to(&hanako).into_iter().map(|letter| letter.text).collect();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts.iter().filter(|text| text.contains("本文 12w2d")).count(), 1);
    assert_eq!(texts.iter().filter(|text| text.contains("本文 12w3d")).count(), 1);
}

on_both! {
    fn nothing_leaves_before_eight_or_from_eight_in_the_evening(app) {
        let town = app.town();
        let early = town.family("early").add();
        app.clock.set(jst("2026-12-24 07:59:00"));
        let report = only(app.run());
        assert_eq!((report.sent, report.waiting), (0, 1));
        assert!(town.letters().is_empty());

        app.clock.set(jst("2026-12-24 08:00:00"));
        assert_eq!(only(app.run()).sent, 1);
        assert_eq!(town.letters_to(&early).len(), 1);

        let late = town.family("late").add();
        app.clock.set(jst("2026-12-24 19:59:59"));
        assert_eq!(only(app.run()).sent, 2);
        assert_eq!(town.letters_to(&late).len(), 1);

        let too_late = town.family("toolate").add();
        app.clock.set(jst("2026-12-24 20:00:00"));
        assert_eq!(only(app.run()).sent, 2);
        assert!(town.letters_to(&too_late).is_empty());
        assert_eq!(only(app.run()).waiting, 0, "nothing of this day waits for another");
    }
}

#[test]
fn a_slow_batch_ends_with_the_delivery_hours() {
    let app = TestApp::sqlite();
    let mut outbox = app.outbox(crate::app::TOWN);
    outbox.settings.insert("rate_per_second".into(), "1".into());
    let town = app.town_with(crate::app::TOWN, &TestApp::settings(), &[outbox]);
    app.publish(&crate::app::daily("daily", crate::app::STAGES));
    let families = town.families(30);
    app.clock.set(jst("2026-12-24 19:59:50"));

    let report = only(app.run());

    assert_eq!((report.sent, report.failed), (10, 20), "{report:?}");
    assert_eq!(report.reasons["failed:expired"], 20);
    assert_eq!(town.letters().len(), 10);
    assert_eq!(
        families
            .iter()
            .filter(|family| town.letters_to(family).len() == 1)
            .count(),
        10
    );
}

#[test]
fn an_operator_who_names_the_day_does_not_wait_for_the_hour() {
    let app = TestApp::sqlite();
    let town = app.town();
    town.family("hanako").add();
    app.clock.set(jst("2026-12-24 05:00:00"));
    assert_eq!(only(app.run_day(TODAY)).sent, 1);
    app.clock.set(jst("2026-12-24 08:00:00"));
    assert_eq!(only(app.run()).planned_now, 0);
    assert_eq!(town.letters().len(), 1);
}

#[test]
fn an_operator_who_names_the_day_also_sends_what_was_planned_for_later() {
    let app = TestApp::sqlite();
    let town = app.town();
    town.family("hanako").add();
    app.clock.set(jst("2026-12-24 05:00:00"));
    assert_eq!(only(app.run()).waiting, 1);
    assert_eq!(only(app.run_day(TODAY)).sent, 1);
    assert_eq!(town.letters().len(), 1);
}

/// Every minute of registration around the morning's run: today's text once.
#[test]
fn whoever_registers_on_the_day_gets_todays_text_once() {
    let app = TestApp::sqlite();
    let town = app.town();
    let newcomer = |name: &str| -> Family { town.family(name).registered(day(TODAY)).add() };
    app.clock.set(jst("2026-12-24 07:59:00"));
    let before = newcomer("before");
    app.run();
    app.clock.set(jst("2026-12-24 08:00:00"));
    let sharp = newcomer("sharp");
    app.run();
    app.clock.set(jst("2026-12-24 08:01:00"));
    let after = newcomer("after");
    app.run();
    app.run();
    for family in [&before, &sharp, &after] {
        assert_eq!(town.letters_to(family).len(), 1, "{}", family.address);
    }
    assert_eq!(town.report(TODAY).sent, 3);
}

/// P1: whatever the stage on which somebody registers, the first morning is one letter, and it has today's text.
#[test]
fn whoever_registers_at_any_stage_gets_one_letter_and_todays_text() {
    let app = TestApp::sqlite();
    let mut settings = TestApp::settings();
    settings.adopt[0].join = kizuna_domain::tenant::JoinPolicy::Digest;
    let town = app.town_with(crate::app::TOWN, &settings, &[app.outbox(crate::app::TOWN)]);
    let mut pack = crate::app::daily("daily", "4w0d..41w6d");
    for (number, article) in pack.articles.iter_mut().enumerate() {
        article.placement.must_know = number % 5 == 0;
        article.placement.useful_until_slot = article.placement.must_know.then(|| "36w6d".parse().unwrap());
    }
    app.publish(&pack);
    let stages: Vec<(i32, Family)> = (28..=293)
        .map(|gestation| {
            let due = day(TODAY) + 280 - gestation;
            let family = town.family(&format!("g{gestation}")).registered(day(TODAY));
            (gestation, family.anchor(Anchor::Due(due)).add())
        })
        .collect();
    app.run();
    app.run();
    let letters = town.letters();
    assert_eq!(letters.len(), stages.len());
    for (gestation, family) in stages {
        let letter = letters.iter().find(|letter| letter.to == family.address).unwrap();
        let today = format!("本文 {}w{}d\n", gestation / 7, gestation % 7);
        assert!(letter.text.contains(&today), "{gestation}: {}", letter.text);
        let articles = letter.text.lines().filter(|line| line.starts_with("本文")).count();
        let bundle = articles - 1;
        assert!(bundle <= 5, "{gestation}: {bundle} articles in the bundle");
        // The first must-know article stands at 4w0d; after 36w6d none of them is of use any more.
        assert_eq!(bundle > 0, (29..=258).contains(&gestation), "{gestation}");
    }
}

#[test]
fn whoever_registers_late_gets_one_letter_with_todays_text_and_the_bundle() {
    let app = TestApp::sqlite();
    let mut settings = TestApp::settings();
    settings.adopt[0].join = kizuna_domain::tenant::JoinPolicy::Digest;
    let town = app.town_with(crate::app::TOWN, &settings, &[app.outbox(crate::app::TOWN)]);
    let mut pack = crate::app::daily("daily", crate::app::STAGES);
    for article in pack
        .articles
        .iter_mut()
        .filter(|article| ["11w0d", "11w3d", "12w1d"].contains(&article.id.as_str()))
    {
        article.placement.must_know = true;
        article.placement.useful_until_slot = Some("20w0d".parse().unwrap());
    }
    app.publish(&pack);
    let newcomer = town.family("newcomer").registered(day(TODAY)).add();

    app.run();
    let letters = town.letters_to(&newcomer);
    assert_eq!(letters.len(), 1);
    for place in ["12w3d", "11w0d", "11w3d", "12w1d"] {
        assert!(
            letters[0].text.contains(&format!("本文 {place}\n")),
            "{place}: {}",
            letters[0].text
        );
    }

    // On the next day the bundle does not come again, also where the date is corrected to before its articles.
    app.clock.set(jst("2026-12-25 08:00:00"));
    town.move_to(&newcomer, Anchor::Due(day("2026-12-25") + 280 - 85));
    app.run();
    assert_eq!(town.letters_to(&newcomer).len(), 1, "12w1d was in the bundle");
    app.clock.set(jst("2026-12-26 08:00:00"));
    app.run();
    let letters = town.letters_to(&newcomer);
    assert_eq!(letters.len(), 2);
    assert!(
        letters
            .iter()
            .any(|letter| letter.text.contains("本文 12w2d\n") && !letter.text.contains("まとめ"))
    );
}

#[test]
fn planning_alone_changes_nothing_for_the_next_planner() {
    let app = TestApp::sqlite();
    let town: Town<'_> = app.town();
    town.families(5);
    let tenant = town.tenant();
    let first = planner::plan_day(&app.env, &tenant, day(TODAY), Hours::Respected).unwrap();
    assert_eq!((first.letters, first.slots, first.unchanged), (5, 5, false));
    let second = planner::plan_day(&app.env, &town.tenant(), day(TODAY), Hours::Respected).unwrap();
    assert_eq!((second.letters, second.unchanged), (0, true));
    assert_eq!(town.preview(day(TODAY)).letters, 0);
    assert_eq!(town.preview(day(TODAY)).skipped["already-sent"], 5);
}

on_both! {
    fn the_service_looks_every_few_seconds_and_sends_what_a_run_sends(app) {
        let town = app.town();
        town.families(3);
        app.clock.set(jst("2026-12-24 07:00:00"));
        for _ in 0..3 {
            assert!(run::tick(&app.env).unwrap().is_empty());
        }
        assert!(town.letters().is_empty());
        app.clock.set(jst("2026-12-24 08:00:00"));
        for _ in 0..3 {
            assert!(run::tick(&app.env).unwrap().is_empty());
        }
        assert_eq!((town.letters().len(), town.report(TODAY).sent), (3, 3));
        let late = town.family("late").add();
        assert!(run::tick(&app.env).unwrap().is_empty());
        assert_eq!((town.letters_to(&late).len(), town.letters().len()), (1, 4));
    }
}
