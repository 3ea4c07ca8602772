//! Outages: what is still useful comes, in one letter, and what is not stays away.

use jiff::SignedDuration;
use kizuna_domain::content::Owner;
use kizuna_domain::day::Day;
use kizuna_domain::position::Anchor;

use crate::app::{Family, TOWN, TestApp, Town, article_with, day, jst, on_both, only, pack};

/// The daily series, where a text stays useful for none, one, two or five days after its own.
fn town(app: &TestApp) -> Town<'_> {
    let town = app.town_with(TOWN, &TestApp::settings(), &[app.outbox(TOWN)]);
    let useful = |gestation: i32| [0, 1, 2, 5][usize::try_from(gestation % 4).unwrap()];
    let articles = (70..=190).map(|gestation| {
        article_with(&format!("{}w{}d", gestation / 7, gestation % 7), |a| {
            a.placement.useful_days = useful(gestation);
        })
    });
    app.publish(&pack("daily", Owner::Desk, articles.collect()));
    town
}

/// Which of `missed` still come on `today`, by the rule as staff are told it: within three days, as long as useful.
fn expected(due: Day, today: Day, missed: &[Day], registered: Day) -> Vec<String> {
    let gestation = |on: Day| 280 - (due - on);
    let mut places: Vec<i32> = vec![gestation(today)];
    for on in missed.iter().filter(|on| **on >= registered) {
        let late = today - *on;
        if late <= 3 && late <= [0, 1, 2, 5][usize::try_from(gestation(*on) % 4).unwrap()] {
            places.push(gestation(*on));
        }
    }
    places.sort_unstable();
    places
        .into_iter()
        .map(|g| format!("本文 {}w{}d", g / 7, g % 7))
        .collect()
}

on_both! {
    fn an_outage_of_any_length_ends_with_one_letter_of_what_is_still_useful(app) {
        let town = town(app);
        let start = day("2026-12-01");
        let due = |place: i32| start + 150 + place;
        let families: Vec<Family> =
            (0..12).map(|place| town.family(&format!("f{place}")).anchor(Anchor::Due(due(place))).add()).collect();
        app.clock.set(jst("2026-12-01 08:00:00"));
        assert_eq!(only(app.run()).sent, 12);

        // Half an hour into the morning, six hours, three days, thirty days.
        let mut last = start;
        let outages = [("2026-12-02 08:30:00", 0), ("2026-12-03 14:00:00", 0), ("2026-12-07 08:00:00", 3), ("2027-01-07 09:00:00", 30)];
        for (back, days) in outages {
            let today = day(&back[..10]);
            let missed: Vec<Day> = (1..today - last).map(|ahead| last + ahead).collect();
            assert_eq!(missed.len(), days);
            let late = town.family(&format!("late{days}{today}")).anchor(Anchor::Due(due(3))).registered(today - 1).add();
            app.clock.set(jst(back));
            let before: Vec<usize> = families.iter().map(|family| town.letters_to(family).len()).collect();
            let report = only(app.run());
            assert_eq!(report.waiting, 0);
            for (place, family) in families.iter().enumerate() {
                let letters = town.letters_to(family);
                assert_eq!(letters.len(), before[place] + 1, "{today}: never two letters in one morning");
                check(&town, family, due(i32::try_from(place).unwrap()), today, &missed, day("2026-01-01"));
            }
            check(&town, &late, due(3), today, &missed, today - 1);
            assert_eq!(only(app.run()).planned_now, 0);
            last = today;
        }
    }
}

fn check(town: &Town<'_>, family: &Family, due: Day, today: Day, missed: &[Day], registered: Day) {
    let text = format!("{}月{}日", today.month(), today.day_of_month());
    let letters = town.letters_to(family);
    let letter = letters.iter().find(|letter| letter.subject.contains(&text)).unwrap();
    let mut found: Vec<String> = letter
        .text
        .lines()
        .filter(|line| line.starts_with("本文"))
        .map(|line| line.trim().to_owned())
        .collect();
    let mut expected = expected(due, today, missed, registered);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{today} due {due} missed {missed:?}");
}

#[test]
fn a_morning_that_was_planned_and_not_sent_goes_on_in_its_hours() {
    let app = TestApp::sqlite();
    let town = town(&app);
    town.families(4);
    app.clock.set(jst("2026-12-24 07:30:00"));
    assert_eq!(only(app.run()).waiting, 4);
    // Down from 07:31 to 13:31.
    app.clock.advance(SignedDuration::from_hours(6));
    assert_eq!(only(app.run()).sent, 4);
}

#[test]
fn a_run_that_was_stopped_while_planning_goes_on_with_the_rest() {
    let app = TestApp::sqlite();
    let town = town(&app);
    town.families(60);
    let other = app.another_process();
    other.stop.press();
    let report = only(crate::app::run_on(&other));
    assert_eq!((report.sent, report.planned_now), (0, 0));
    assert_eq!(only(app.run()).sent, 60);
}

/// Planned, and then the machine was away until the next morning: a missed day like any other.
#[test]
fn a_morning_that_was_planned_and_never_sent_is_made_up_where_it_is_still_useful() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let (start, today) = (day("2026-12-24"), day("2026-12-25"));
    let due = |place: i32| start + 180 + place;
    let families: Vec<Family> = (0..8)
        .map(|place| town.family(&format!("f{place}")).anchor(Anchor::Due(due(place))).add())
        .collect();
    app.clock.set(jst("2026-12-24 07:30:00"));
    assert_eq!(only(app.run()).waiting, 8);
    app.clock.set(jst("2026-12-25 08:00:00"));
    let report = only(app.run());
    assert_eq!((report.day, report.sent, report.waiting), (today, 8, 0), "{report:?}");
    for (place, family) in families.iter().enumerate() {
        assert_eq!(town.letters_to(family).len(), 1);
        check(
            &town,
            family,
            due(i32::try_from(place).unwrap()),
            today,
            &[start],
            start - 9,
        );
    }
}
