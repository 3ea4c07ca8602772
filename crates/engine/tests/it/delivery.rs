//! How messages come: each at the hour that its reader chose, where the reader wants it, and once.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::delivery::{Chosen, set_hour};
use kizuna_engine::explain;
use proptest::prelude::*;

use crate::app::{Family, STAGES, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, only};

const HOURS: [u8; 3] = [9, 12, 18];

/// A town that lets its readers choose among these hours.
fn settings(hours: &[u8]) -> Settings {
    let mut settings = TestApp::settings();
    settings.choices.hours = hours.to_vec();
    settings
}

fn town(app: &TestApp) -> Town<'_> {
    let town = app.town_with(TOWN, &settings(&HOURS), &[app.outbox(TOWN)]);
    app.publish(&daily("daily", STAGES));
    town
}

fn choose(town: &Town<'_>, family: &Family, hour: Option<u8>) -> Chosen {
    set_hour(&town.app.env, &town.tenant(), family.subscriber, hour).unwrap()
}

on_both! {
    fn a_message_leaves_at_the_hour_of_its_readers_choice(app) {
        let town = town(app);
        let (early, noon, evening) = (town.family("early").add(), town.family("noon").add(), town.family("evening").add());
        assert_eq!(choose(&town, &noon, Some(12)), Chosen::Now);
        assert_eq!(choose(&town, &noon, Some(12)), Chosen::Already);
        assert_eq!(choose(&town, &evening, Some(18)), Chosen::Now);

        let report = only(app.run());
        assert_eq!((report.sent, report.waiting), (1, 2));
        assert_eq!(town.letters_to(&early).len(), 1);
        app.clock.set(jst("2026-12-24 11:58:00"));
        assert_eq!(only(app.run()).sent, 1);
        app.clock.set(jst("2026-12-24 12:00:00"));
        assert_eq!(only(app.run()).sent, 2);
        assert_eq!(town.letters_to(&noon).len(), 1);
        app.clock.set(jst("2026-12-24 18:00:00"));
        assert_eq!(only(app.run()).sent, 3);
        assert_eq!(town.letters_to(&evening).len(), 1);
    }
}

on_both! {
    fn an_hour_changed_during_the_day_counts_for_what_waits_and_repeats_nothing(app) {
        let town = town(app);
        let (sooner, later, had) = (town.family("sooner").add(), town.family("later").add(), town.family("had").add());
        choose(&town, &sooner, Some(18));
        choose(&town, &later, Some(9));
        assert_eq!(only(app.run()).sent, 1);

        choose(&town, &sooner, Some(9));
        choose(&town, &later, Some(18));
        choose(&town, &had, Some(12));
        app.clock.set(jst("2026-12-24 09:00:00"));
        assert_eq!(only(app.run()).sent, 2, "what was sent before does not come again");
        assert_eq!(town.letters_to(&sooner).len(), 1);
        // The tenant's own hours began long ago: at once.
        choose(&town, &later, None);
        assert_eq!(only(app.run()).sent, 3);
        app.clock.set(jst("2026-12-24 19:00:00"));
        assert_eq!(only(app.run()).sent, 3);
        assert_eq!(town.letters_to(&had).len(), 1);
    }
}

#[test]
fn a_letter_that_waits_is_never_lost_at_the_end_of_the_day() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    app.run();

    app.clock.set(jst("2026-12-24 19:59:58"));
    choose(&town, &family, Some(9));
    app.run();

    assert_eq!(town.letters_to(&family).len(), 1);
}

#[test]
fn whoever_registers_after_their_hour_gets_the_days_message_at_once() {
    let app = TestApp::sqlite();
    let town = town(&app);
    app.clock.set(jst("2026-12-24 15:00:00"));
    let family = town.family("family").registered(day(TODAY)).add();
    choose(&town, &family, Some(9));

    assert_eq!(only(app.run()).sent, 1);
}

#[test]
fn an_hour_that_is_no_longer_offered_is_the_towns_own() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    assert_eq!(choose(&town, &family, Some(17)), Chosen::NotOffered);
    app.town_with(TOWN, &settings(&[9]), &[]);

    assert_eq!(only(app.run()).sent, 1);
}

#[test]
fn whoever_stopped_has_nothing_to_choose_for() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    town.stop(&family);

    assert_eq!(choose(&town, &family, Some(9)), Chosen::NotOffered);
}

#[test]
fn plan_and_explanation_tell_the_hour() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));

    let preview = town.preview(day(TODAY));
    assert_eq!(preview.planned[0].leaves, "18:00");
    let why = explain::why(&app.env, &town.tenant(), &family.subscription.to_string(), day(TODAY)).unwrap();
    assert_eq!(why.leaves, "18:00");
}

#[test]
fn an_operator_who_names_the_day_waits_for_no_hour() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let family = town.family("family").add();
    choose(&town, &family, Some(18));
    app.run();
    assert_eq!(town.letters_to(&family).len(), 0);

    app.run_day(TODAY);

    assert_eq!(town.letters_to(&family).len(), 1);
}

/// Something that happens at a minute of the day.
#[derive(Debug, Clone, Copy)]
enum Event {
    Run,
    Choose(usize, Option<u8>),
}

fn events() -> impl Strategy<Value = Vec<(u16, Event)>> {
    let hour = prop_oneof![Just(None), proptest::sample::select(HOURS.to_vec()).prop_map(Some)];
    let event = prop_oneof![
        Just(Event::Run),
        (0..3usize, hour).prop_map(|(who, hour)| Event::Choose(who, hour))
    ];
    proptest::collection::vec((0..24 * 60u16, event), 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whenever hours are changed and the day is run: one message a day for each, never before its reader's hour.
    #[test]
    fn hours_changed_at_any_moment_lose_nothing_and_repeat_nothing(first in events(), second in events()) {
        let app = TestApp::sqlite();
        let town = town(&app);
        let families = [town.family("one").add(), town.family("two").add(), town.family("three").add()];
        town.family("sibling").born("2026-12-20").of(&families[2]).add();
        let mut hours = [None; 3];
        for (midnight, mut events) in [("2026-12-24 00:00:00", first), ("2026-12-25 00:00:00", second)] {
            // The last look at the day; the service looks every few seconds.
            events.push((19 * 60 + 59, Event::Run));
            events.sort_by_key(|(minute, _)| *minute);
            let mut before: BTreeMap<String, usize> = counts(&town, &families);
            for (minute, event) in events {
                app.clock.set(jst(midnight) + SignedDuration::from_mins(i64::from(minute)));
                match event {
                    Event::Choose(who, hour) => {
                        choose(&town, &families[who], hour);
                        hours[who] = hour;
                    }
                    Event::Run => {
                        let known = counts(&town, &families);
                        app.run();
                        for (family, hour) in families.iter().zip(hours) {
                            let came = counts(&town, &families)[&family.address] > known[&family.address];
                            let opens = u16::from(hour.unwrap_or(8)) * 60;
                            prop_assert!(!came || minute >= opens, "{} at minute {minute}, hour {hour:?}", family.address);
                        }
                    }
                }
            }
            for count in before.values_mut() {
                *count += 1;
            }
            prop_assert_eq!(counts(&town, &families), before);
        }
    }
}

/// How many letters each has had.
fn counts(town: &Town<'_>, families: &[Family]) -> BTreeMap<String, usize> {
    let count = |family: &Family| (family.address.clone(), town.letters_to(family).len());
    families.iter().map(count).collect()
}
