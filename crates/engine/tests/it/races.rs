//! Stops, pauses and corrected dates against letters that are planned, queued or on their way.

use kizuna_domain::position::Anchor;
use kizuna_engine::actions::people as readers;
use kizuna_engine::actions::{Actor, life};
use kizuna_engine::planner::{self, Hours};

use crate::app::{Family, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, only};

fn plan(town: &Town<'_>) {
    planner::plan_day(&town.app.env, &town.tenant(), day(TODAY), Hours::Respected).unwrap();
}

/// A town whose letters leave one by one, so that a test gets between them.
fn paced(app: &TestApp) -> Town<'_> {
    let mut outbox = app.outbox(TOWN);
    outbox.settings.insert("rate_per_second".into(), "10".into());
    let town = app.town_with(TOWN, &TestApp::settings(), &[outbox]);
    app.publish(&daily("daily", crate::app::STAGES));
    town
}

on_both! {
    fn after_a_stop_between_plan_and_send_nothing_arrives(app) {
        let town = app.town();
        let (hanako, taro) = (town.family("hanako").add(), town.family("taro").add());
        plan(&town);
        town.stop(&hanako);
        // A second press changes nothing and succeeds.
        town.stop(&hanako);

        let report = only(app.run());

        assert_eq!((report.sent, report.skipped["stopped"]), (1, 1));
        assert!(town.letters_to(&hanako).is_empty());
        assert_eq!(town.letters_to(&taro).len(), 1);
        assert_eq!(town.states(&hanako, TODAY), [("daily/12w3d".into(), "skipped:stopped".into())]);
        app.clock.set(jst("2026-12-25 08:00:00"));
        app.run();
        assert!(town.letters_to(&hanako).is_empty());
    }
}

on_both! {
    fn a_stop_in_the_middle_of_a_batch_reaches_every_letter_that_has_not_left(app) {
        let town = paced(app);
        let families = town.families(12);
        // Before the fourth letter leaves, the sixth and the last reader stop; before the eighth, the ninth.
        for (wait, stopping) in [(4, vec![5, 11]), (8, vec![8])] {
            let (env, scope) = (app.another_process(), town.tenant().scope());
            let stopping: Vec<Family> = stopping.into_iter().map(|place: usize| families[place].clone()).collect();
            app.clock.on_wait(wait, move || {
                for family in stopping {
                    readers::stop(&env, scope, family.subscriber, Actor::Reader).unwrap();
                }
            });
        }

        let report = only(app.run());

        assert_eq!((report.sent, report.skipped["stopped"]), (9, 3), "{report:?}");
        for (place, family) in families.iter().enumerate() {
            let expected = usize::from(![5, 8, 11].contains(&place));
            assert_eq!(town.letters_to(family).len(), expected, "{}", family.address);
        }
        assert_eq!(only(app.run()).sent, 9);
    }
}

/// P24: whatever the moment of the stop, what is not in the folder when it is acknowledged never comes.
#[test]
fn after_a_stop_was_acknowledged_no_letter_leaves() {
    let app = TestApp::sqlite();
    let town = app.town();
    let families = town.families(150);
    let other = app.another_process();
    let scope = town.tenant().scope();
    let folder = app.path("outbox").join(TOWN);
    let count = |family: &Family| town.letters_to(family).len();

    let at_ack: Vec<(usize, usize)> = std::thread::scope(|scope_of_threads| {
        let running = scope_of_threads.spawn(|| app.run());
        let mut at_ack = Vec::new();
        for (place, family) in families.iter().enumerate().rev().step_by(7) {
            readers::stop(&other, scope, family.subscriber, Actor::Reader).unwrap();
            if folder.exists() {
                at_ack.push((place, count(family)));
            }
        }
        running.join().unwrap();
        at_ack
    });
    app.run();

    for (place, then) in at_ack {
        let now = count(&families[place]);
        // The one letter that had its permit when the stop came may be on its way; nobody can call it back.
        let in_flight = town
            .states(&families[place], TODAY)
            .iter()
            .all(|(_, state)| state == "sent");
        assert!(
            now == then || in_flight,
            "reader {place}: {then} at the stop, {now} at the end"
        );
    }
}

on_both! {
    fn a_corrected_due_date_recalls_the_old_letter_and_sends_the_new_stage_once(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        plan(&town);
        town.move_to(&hanako, Anchor::Due(day(TODAY) + 200));

        only(app.run());
        only(app.run());

        let letters = town.letters_to(&hanako);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 11w3d") && letters[0].stage.contains("11週3日"), "{letters:?}");
        assert_eq!(town.states(&hanako, TODAY), [("daily/11w3d".into(), "sent".into())]);
        // A week later she is at 12w3d at last.
        app.clock.set(jst("2026-12-31 08:00:00"));
        app.run();
        assert_eq!(town.letters_to(&hanako).iter().filter(|l| l.text.contains("本文 12w3d")).count(), 1);
    }
}

#[test]
fn a_due_date_corrected_every_day_repeats_no_article() {
    let app = TestApp::sqlite();
    let town = app.town_with(TOWN, &TestApp::settings(), &[app.outbox(TOWN)]);
    app.publish(&daily("daily", "4w0d..41w6d"));
    let hanako = town.family("hanako").add();
    let mut state: u64 = 7;
    let mut roll = |below: i32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((state >> 33) % u64::try_from(below).unwrap()).unwrap()
    };
    for ahead in 0..40 {
        app.clock.set(jst(&format!("{} 08:00:00", day(TODAY) + ahead)));
        if roll(2) == 0 {
            plan_today(&town, day(TODAY) + ahead);
        }
        town.move_to(&hanako, Anchor::Due(day(TODAY) + 193 + roll(81) - 40));
        app.run();
    }
    let texts: Vec<String> = town.letters_to(&hanako).into_iter().map(|letter| letter.text).collect();
    let mut articles: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|l| l.starts_with("本文"))
        .collect();
    let all = articles.len();
    articles.sort_unstable();
    articles.dedup();
    assert!(all > 20, "{all}");
    assert_eq!(all, articles.len(), "an article came twice");
}

fn plan_today(town: &Town<'_>, on: kizuna_domain::day::Day) {
    planner::plan_day(&town.app.env, &town.tenant(), on, Hours::Respected).unwrap();
}

on_both! {
    fn a_birth_reported_between_plan_and_send_brings_no_text_of_pregnancy(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        plan(&town);
        town.move_to(&hanako, Anchor::Birth { on: day("2026-12-23"), due: Some(day(TODAY) + 193) });

        let report = only(app.run());

        assert_eq!((report.sent, report.waiting), (1, 0));
        let letters = town.letters_to(&hanako);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 d1\n") && !letters[0].text.contains("12w3d"), "{letters:?}");
    }
}

on_both! {
    fn a_date_corrected_in_the_middle_of_a_batch_takes_effect_there(app) {
        let town = paced(app);
        let families = town.families(6);
        let (env, scope, last) = (app.another_process(), town.tenant().scope(), families[5].clone());
        app.clock.on_wait(2, move || {
            let anchor = Anchor::Due(day(TODAY) + 200);
            readers::move_anchor(&env, scope, last.subscription, anchor, Actor::CommandLine).unwrap();
        });
        app.run();
        assert!(town.letters_to(&families[5]).is_empty(), "the old letter did not leave");
        app.run();
        let letters = town.letters_to(&families[5]);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 11w3d"));
        assert_eq!((town.letters().len(), town.report(TODAY).sent), (6, 6));
    }
}

on_both! {
    fn what_a_sibling_reads_is_planned_again_without_the_child_that_stopped(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        let elder = town.family("elder").born("2026-12-20").of(&hanako).add();
        plan(&town);
        assert_eq!(town.report(TODAY).waiting, 1, "two children, one letter");
        life::stop_one(&app.env, &town.tenant(), hanako.subscriber, hanako.subscription).unwrap();

        only(app.run());

        let letters = town.letters_to(&hanako);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 d4\n") && !letters[0].text.contains("12w3d"), "{letters:?}");
        assert_eq!(town.states(&hanako, TODAY), [("daily/12w3d".into(), "skipped:stopped".into())]);
        assert_eq!(town.states(&elder, TODAY), [("daily/d4".into(), "sent".into())]);
    }
}

#[test]
fn two_children_of_one_reader_are_one_letter() {
    let app = TestApp::sqlite();
    let town = app.town();
    let hanako = town.family("hanako").add();
    town.family("elder").born("2026-12-20").of(&hanako).add();
    town.family("eldest").born("2026-09-24").of(&hanako).add();
    assert_eq!(only(app.run()).sent, 1);
    let letters = town.letters_to(&hanako);
    for place in ["12w3d", "d4", "m3"] {
        assert!(letters[0].text.contains(&format!("本文 {place}\n")), "{place}");
    }
}

on_both! {
    fn a_pause_silences_today_and_is_over_tomorrow(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        plan(&town);
        town.pause(&hanako, true);
        let report = only(app.run());
        assert_eq!((report.sent, report.skipped["paused"]), (0, 1), "{report:?}");
        town.pause(&hanako, false);
        assert_eq!(only(app.run()).sent, 0, "today was silenced");
        app.clock.set(jst("2026-12-25 08:00:00"));
        app.run();
        let letters = town.letters_to(&hanako);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 12w4d"));
    }
}

#[test]
fn nobody_but_the_reader_ends_a_stop() {
    let app = TestApp::sqlite();
    let town = app.town();
    let hanako = town.family("hanako").add();
    town.stop(&hanako);
    let scope = town.tenant().scope();
    // Presses on pages that were open before the stop.
    town.pause(&hanako, true);
    town.pause(&hanako, false);
    let moved = readers::move_anchor(
        &app.env,
        scope,
        hanako.subscription,
        Anchor::Due(day(TODAY)),
        Actor::CommandLine,
    );
    assert!(moved.is_err());
    app.run();
    assert!(town.letters().is_empty());
}
