//! What holds for every date, text and family, tried on many.

use std::collections::{BTreeSet, HashSet};

use kizuna_domain::age::{LeapBirthday, attained, births_celebrating, celebrated};
use kizuna_domain::cadence::Slots;
use kizuna_domain::content::{Item, Owner, body};
use kizuna_domain::day::{Day, YEAR_MAX, YEAR_MIN};
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::message::{Block, Inline};
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_domain::position::{
    Anchor, AnchorDate, AnchorRange, Clock, Customs, EndRule, GESTATION_FIRST, GESTATION_LAST, GRADE_MAX, Position,
    positions_on,
};
use kizuna_domain::run::plan::{DIGEST_ITEMS_MAX, Programme, Slot, judge, next_due};
use kizuna_domain::tenant::{Adoption, JoinPolicy};
use proptest::prelude::*;
use proptest::sample::select;

use crate::town::{ALL_CUSTOMS, daily_items, day, due, family, item_with, programme, series, series_of};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

// ---- Values --------------------------------------------------------------------------------------------------------

fn any_day() -> impl Strategy<Value = Day> {
    (day("2000-01-01").epoch_days()..day("2049-12-31").epoch_days()).prop_map(Day::from_epoch_days)
}

/// Births of all days, with many of the days on which calendars go wrong.
fn any_birth() -> impl Strategy<Value = Day> {
    let edges = [
        "2024-02-29",
        "2024-02-28",
        "2024-03-01",
        "2023-12-31",
        "2024-03-31",
        "2024-04-01",
        "2024-04-02",
    ];
    prop_oneof![any_day(), select(edges.map(day).to_vec())]
}

fn any_anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![
        any_day().prop_map(Anchor::Due),
        any_birth().prop_map(|on| Anchor::Birth { on, due: None }),
        (any_birth(), -20..130).prop_map(|(on, early)| Anchor::Birth {
            on,
            due: Some(on + early)
        }),
    ]
}

fn any_end() -> impl Strategy<Value = EndRule> {
    prop_oneof![
        (1..=18_u8).prop_map(EndRule::OnBirthday),
        (1..=18_u8).prop_map(EndRule::DayBeforeBirthday),
        (0..=GRADE_MAX).prop_map(EndRule::SchoolYearEnd),
        (1..=18_u8).prop_map(EndRule::LegalAge),
    ]
}

fn any_customs() -> impl Strategy<Value = Customs> {
    select(ALL_CUSTOMS.to_vec())
}

fn any_clock() -> impl Strategy<Value = Clock> {
    select(vec![Clock::Calendar, Clock::Corrected])
}

/// Every position that can be written, and the system's own question.
fn any_position() -> impl Strategy<Value = Position> {
    prop_oneof![
        (GESTATION_FIRST..=GESTATION_LAST).prop_map(Position::GestationalDay),
        (0..=6940_u16).prop_map(Position::AgeDay),
        (1..=6940_u16).prop_map(Position::CountedDay),
        (1..=228_u16).prop_map(Position::AgeMonth),
        (0..=GRADE_MAX, 0..366).prop_map(|(grade, days)| {
            let date = day("2024-01-01") + days;
            Position::SchoolDate {
                grade,
                month: date.month(),
                day: date.day_of_month(),
            }
        }),
        Just(Position::LastDay),
        Just(Position::CheckIn),
    ]
}

fn is_found(ranges: &[AnchorRange], anchor: &Anchor) -> bool {
    ranges.iter().any(|range| {
        let date = match range.by {
            AnchorDate::Due => anchor.due().filter(|_| anchor.birth().is_none()),
            AnchorDate::Birth => anchor.birth(),
            AnchorDate::PretermDue => anchor.due().filter(|_| anchor.is_preterm()),
        };
        date.is_some_and(|date| range.from <= date && date <= range.until)
    })
}

// ---- Dates and positions -------------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn a_day_has_at_most_one_gestational_position_and_never_after_a_birth(
        anchor in any_anchor(), offset in -400..400, end in any_end(), customs in any_customs(), clock in any_clock(),
    ) {
        let on = anchor.birth().or(anchor.due()).unwrap() + offset;
        let found = positions_on(&anchor, on, clock, end, &customs);
        let gestational = found.iter().filter(|position| position.is_pregnancy()).count();
        prop_assert!(gestational <= usize::from(anchor.birth().is_none()));
    }

    #[test]
    fn where_a_family_stands_on_a_day_is_a_position_that_falls_on_it(
        anchor in any_anchor(), offset in -400..7000, end in any_end(), customs in any_customs(), clock in any_clock(),
    ) {
        let on = anchor.birth().or(anchor.due()).unwrap() + offset;
        for position in positions_on(&anchor, on, clock, end, &customs) {
            prop_assert_eq!(position.falls_on(&anchor, clock, end, &customs), Some(on), "{}", position);
        }
    }

    #[test]
    fn a_position_that_falls_on_a_day_is_where_the_family_stands_then(
        anchor in any_anchor(), position in any_position(), end in any_end(), customs in any_customs(), clock in any_clock(),
    ) {
        // School dates and the last day have one clock only.
        let one_clock = matches!(position, Position::SchoolDate { .. } | Position::LastDay);
        let clock = if one_clock { Clock::Calendar } else { clock };
        if let Some(on) = position.falls_on(&anchor, clock, end, &customs) {
            prop_assert!(positions_on(&anchor, on, clock, end, &customs).contains(&position), "{}", position);
        }
    }

    #[test]
    fn whoever_stands_at_a_position_is_found_by_its_lookup(
        anchor in any_anchor(), position in any_position(), end in any_end(), customs in any_customs(), clock in any_clock(),
    ) {
        if let Some(on) = position.falls_on(&anchor, clock, end, &customs) {
            let ranges = position.due_anchors(on, clock, end, &customs);
            prop_assert!(is_found(&ranges, &anchor), "{} on {}: {:?}", position, on, ranges);
        }
    }

    #[test]
    fn a_lookup_finds_only_who_stands_there_or_is_past_the_end(
        position in any_position(), on in any_day(), pick in 0..400, end in any_end(), customs in any_customs(),
        clock in any_clock(),
    ) {
        for range in position.due_anchors(on, clock, end, &customs) {
            let date = range.from + pick % (range.until - range.from + 1);
            let anchor = match range.by {
                AnchorDate::Due => Anchor::Due(date),
                AnchorDate::Birth => Anchor::Birth { on: date, due: None },
                AnchorDate::PretermDue => Anchor::Birth { on: date - 60, due: Some(date) },
            };
            let falls_on = position.falls_on(&anchor, clock, end, &customs);
            let after_the_end = anchor.birth().is_some_and(|birth| end.last_day(birth, &customs).unwrap() < on);
            prop_assert!(falls_on == Some(on) || (falls_on.is_none() && after_the_end), "{} {:?}", position, anchor);
        }
    }

    #[test]
    fn a_stage_lasts_at_least_to_the_day_it_comes(
        anchor in any_anchor(), position in any_position(), end in any_end(), customs in any_customs(), clock in any_clock(),
    ) {
        if let Some(on) = position.falls_on(&anchor, clock, end, &customs) {
            let until = position.lasts_until(&anchor, clock, end, &customs).unwrap();
            prop_assert!(on <= until && until <= on + 31);
        }
    }

    #[test]
    fn the_law_completes_a_month_on_the_day_before_it_is_celebrated_or_on_the_last_of_a_short_month(
        birth in any_birth(), months in 1..228_u16,
    ) {
        let (law, feast) = (attained(birth, months).unwrap(), celebrated(birth, months, LeapBirthday::February28).unwrap());
        let short_month = feast.day_of_month() != birth.day_of_month();
        prop_assert_eq!(law, if short_month { feast } else { feast - 1 });
    }
}

#[test]
fn births_celebrating_a_day_are_exactly_those_that_celebrate_on_it() {
    for months in [0, 1, 2, 6, 11, 13, 12, 36, 72, 216] {
        // The tenant's choice is about birthdays only.
        let leaps = [LeapBirthday::February28, LeapBirthday::March1].into_iter();
        for leap in leaps.take(if months % 12 == 0 { 2 } else { 1 }) {
            // Forth: every birth once, grouped by the day it celebrates.
            let mut birth = day("1990-01-01") - 31 * i32::from(months) - 40;
            let mut on = day("1990-01-01");
            while on <= day("2060-12-31") {
                let mut first_and_last = None;
                while celebrated(birth, months, leap).unwrap() <= on {
                    if celebrated(birth, months, leap) == Some(on) {
                        first_and_last = Some((first_and_last.map_or(birth, |(first, _)| first), birth));
                    }
                    birth = birth + 1;
                }
                // Back: the same.
                assert_eq!(
                    births_celebrating(months, on, leap),
                    first_and_last,
                    "{months} months on {on}, {leap:?}"
                );
                on = on + 1;
            }
        }
    }
}

#[test]
fn birthdays_come_in_the_order_of_births() {
    // Otherwise the births that celebrate on one day would not be one range, and an index could not find them.
    for months in 0..=228 {
        for leap in [LeapBirthday::February28, LeapBirthday::March1] {
            let days = (day("2023-12-01").epoch_days()..day("2028-04-01").epoch_days()).map(Day::from_epoch_days);
            let feasts: Vec<_> = days.map(|birth| celebrated(birth, months, leap)).collect();
            assert!(feasts.is_sorted(), "{months} {leap:?}");
        }
    }
}

// ---- Texts ---------------------------------------------------------------------------------------------------------

fn any_slots() -> impl Strategy<Value = Slots> {
    let written = any_position().prop_filter("written by editors", |position| *position != Position::CheckIn);
    proptest::collection::btree_set(written, 0..40).prop_map(Slots::Only)
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_day_is_read_as_it_was_written(days in -25_567..84_006_i32) {
        let day = Day::from_epoch_days(days);
        prop_assert_eq!(day.to_string().parse::<Day>(), Ok(day));
        prop_assert_eq!(Day::new(day.year(), day.month(), day.day_of_month()), Some(day));
        prop_assert_eq!(Day::from_date(day.date()), day);
    }

    #[test]
    fn a_text_that_is_no_day_is_refused(text in "[0-9 +-]{8,12}|\\PC{0,12}") {
        if let Ok(day) = text.parse::<Day>() {
            prop_assert_eq!(day.to_string(), text);
        }
    }

    #[test]
    fn a_position_is_read_as_it_was_written(position in any_position()) {
        prop_assert_eq!(position.to_string().parse::<Position>(), Ok(position));
        let json = serde_json::to_string(&position).unwrap();
        prop_assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
    }

    #[test]
    fn what_is_read_as_a_position_is_written_so_that_it_means_the_same(text in "[0-9wdmns+-]{1,9}") {
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string().parse::<Position>(), Ok(position));
        }
    }

    #[test]
    fn an_end_rule_is_read_as_it_was_written(end in any_end()) {
        prop_assert_eq!(end.to_string().parse::<EndRule>(), Ok(end));
    }

    #[test]
    fn slots_are_read_as_they_were_written(slots in any_slots()) {
        prop_assert_eq!(slots.to_string().parse::<Slots>(), Ok(slots));
    }

    #[test]
    fn a_body_loses_no_words(text in "([ぁ-ん]{1,3}|\\[|\\]|\\(|\\)|https://|｜|《|》|- |## |#|  |\n|\n\n){0,30}") {
        if let Ok(blocks) = body::parse(&text) {
            prop_assert_eq!(written(&blocks), without_spacing(&text));
        }
    }
}

/// The blocks written back as Markdown, without any spacing.
fn written(blocks: &[Block]) -> String {
    let inline = |inline: &Inline| match inline {
        Inline::Text { text } => text.clone(),
        Inline::Link { text, url } => format!("[{text}]({url})"),
        Inline::Ruby { text, reading } => format!("｜{text}《{reading}》"),
    };
    let line = |inlines: &[Inline]| inlines.iter().map(inline).collect::<String>();
    let blocks = blocks.iter().map(|block| match block {
        Block::Heading { inlines } => format!("## {}", line(inlines)),
        Block::Paragraph { inlines } => line(inlines),
        Block::Image { name, alt } => format!("![{alt}](media:{name})"),
        Block::List { items } => items.iter().flat_map(|item| ["- ".to_owned(), line(item)]).collect(),
    });
    without_spacing(&blocks.collect::<String>())
}

fn without_spacing(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn texts_that_are_no_days_are_refused() {
    let wrong = [
        "",
        "2026-2-29",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-04-31",
        "26-04-30",
        "2026/04/30",
        "+026-04-30",
        "2026-04-30 ",
        " 2026-04-30",
        "２０２６-04-30",
        "1899-12-31",
        "2200-01-01",
        "2026-04-30T00:00:00",
    ];
    for text in wrong {
        assert!(text.parse::<Day>().is_err(), "{text}");
    }
    assert!(Day::new(YEAR_MIN, 1, 1).is_some() && Day::new(YEAR_MAX, 12, 31).is_some());
}

#[test]
fn texts_that_are_no_end_rules_are_refused() {
    for text in [
        "",
        "birthday",
        "birthday:0",
        "birthday:19",
        "birthday:+3",
        "school:13",
        "school:-1",
        "age:",
        "year:3",
    ] {
        assert!(text.parse::<EndRule>().is_err(), "{text}");
    }
}

#[test]
fn texts_that_are_no_slots_are_refused() {
    for text in [
        "d5..d3",
        "d3..m4",
        "last..last",
        "n1..n3",
        "d0...d3",
        "d0..",
        "every 3 days",
    ] {
        assert!(text.parse::<Slots>().is_err(), "{text}");
    }
    assert_eq!(
        "".parse(),
        Ok(Slots::Only(BTreeSet::new())),
        "nothing at all is a choice"
    );
}

#[test]
fn the_base_cadence_counts_what_the_real_service_sends() {
    let Slots::Only(base) = Slots::base() else {
        panic!("base is written out")
    };
    let days = |from: u16, until: u16| {
        base.iter()
            .filter(|slot| matches!(slot, Position::AgeDay(day) if (from..=until).contains(day)))
            .count()
    };
    assert_eq!(base.iter().filter(|slot| slot.is_pregnancy()).count(), 266);
    assert_eq!(days(0, 100), 101);
    assert_eq!(days(101, 364), 88);
    assert_eq!(days(365, 729), 52);
    assert_eq!(days(730, 1095), 26);
    for milestone in ["n100", "n1000", "m12", "m24", "m36", "last"] {
        assert!(base.contains(&milestone.parse().unwrap()), "{milestone}");
    }
    assert_eq!(Slots::base().to_string().parse(), Ok(Slots::base()));
}

// ---- Planning ------------------------------------------------------------------------------------------------------

/// What was sent, as the database keeps it.
#[derive(Default)]
struct Ledger(HashSet<(SubscriptionId, String)>);

impl Ledger {
    /// Sends what is due and not yet sent.
    fn run(&mut self, programme: &Programme, on: Day, behind: &[Day], follower: &Follower) -> Vec<Slot> {
        let mut due = judge(programme, on, behind, follower).due;
        due.retain(|due| !self.0.contains(&(follower.subscription, due.slot.to_string())));
        let filled = due.iter().flat_map(|due| due.fills(programme));
        self.0
            .extend(filled.map(|slot| (follower.subscription, slot.to_string())));
        due.into_iter().map(|due| due.slot).collect()
    }
}

/// Both series, with what joiners must know, notices on many days, and months on the corrected clock.
fn full_programme(join: JoinPolicy) -> Programme {
    let adoption = Adoption {
        join,
        ..series(Owner::Desk, vec![]).adoption
    };
    let mut desk = daily_items();
    for (number, item) in desk.iter_mut().enumerate().filter(|(number, _)| number % 9 == 0) {
        let pregnant = item.placement.slots.iter().any(|slot| slot.is_pregnancy());
        item.placement.must_know = true;
        item.placement.useful_until_slot = Some(if pregnant { "41w6d" } else { "m35" }.parse().unwrap());
        item.placement.useful_days = u8::try_from(number % 4).unwrap();
    }
    let corrected = |month| {
        item_with(&format!("m{month}"), |item| {
            item.article.push_str("-corrected");
            item.placement.clock = Clock::Corrected;
        })
    };
    desk.extend((4..=18).map(corrected));
    let notice = |(number, on): (usize, Day)| {
        item_with(&on.to_string(), |item: &mut Item| {
            item.placement.useful_days = 5;
            if number % 2 == 0 {
                item.placement.from_slot = Some("m3".parse().unwrap());
            }
        })
    };
    let days = (0..300).map(|step| day("2026-01-01") + step * 7);
    let notices = days.enumerate().map(notice).collect();
    programme(vec![
        series_of(adoption, Owner::Desk, 0, desk),
        series(Owner::Tenant, notices),
    ])
}

fn any_join() -> impl Strategy<Value = JoinPolicy> {
    select(vec![JoinPolicy::FromToday, JoinPolicy::Latest, JoinPolicy::Digest])
}

fn near_day() -> impl Strategy<Value = Day> {
    (day("2025-06-01").epoch_days()..day("2028-12-31").epoch_days()).prop_map(Day::from_epoch_days)
}

fn near_anchor() -> impl Strategy<Value = Anchor> {
    prop_oneof![
        near_day().prop_map(Anchor::Due),
        near_day().prop_map(|on| Anchor::Birth { on, due: None }),
        (near_day(), -14..100).prop_map(|(on, early)| Anchor::Birth {
            on,
            due: Some(on + early)
        }),
    ]
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn planning_twice_plans_nothing(
        anchor in near_anchor(), join in any_join(), offset in -50..1200, registered_before in 0..5, behind in 0..4,
    ) {
        let programme = full_programme(join);
        let on = anchor.birth().or(anchor.due()).unwrap() + offset;
        let follower = Follower { registered_on: on - registered_before, ..family(anchor) };
        let behind: Vec<Day> = (1..=behind).map(|back| on - back).collect();
        let mut ledger = Ledger::default();
        let first = ledger.run(&programme, on, &behind, &follower);
        prop_assert_eq!(first.iter().collect::<HashSet<_>>().len(), first.len(), "no slot twice in one message");
        prop_assert_eq!(ledger.run(&programme, on, &behind, &follower), vec![]);
        prop_assert_eq!(ledger.run(&programme, on, &[], &follower), vec![]);
    }

    #[test]
    fn moving_a_due_date_at_random_moments_never_repeats_an_article(
        start in near_day(), moves in proptest::collection::vec((0..300_i32, -40..=40_i32), 1..6), join in any_join(),
    ) {
        let programme = full_programme(join);
        let mut ledger = Ledger::default();
        let mut seen = HashSet::new();
        let mut follower = Follower { registered_on: start - 200, ..family(Anchor::Due(start)) };
        for step in 0..300 {
            let on = start - 200 + step;
            for (_, by) in moves.iter().filter(|(at, _)| *at == step) {
                follower.anchor = Anchor::Due(start + *by);
            }
            let planned: Vec<_> = judge(&programme, on, &[], &follower).due;
            let new = ledger.run(&programme, on, &[], &follower);
            for due in planned.iter().filter(|due| new.contains(&due.slot)) {
                for index in &due.items {
                    let article = &programme.series[due.series].items()[*index].article;
                    let again = !seen.insert(article.clone());
                    // ここまでのまとめ may repeat nothing either.
                    prop_assert!(!again, "{} again on {}", article, on);
                }
            }
        }
    }

    #[test]
    fn after_a_stop_or_during_a_pause_nothing_is_due(
        anchor in near_anchor(), join in any_join(), offset in -50..1200, behind in 0..4,
    ) {
        let programme = full_programme(join);
        let on = anchor.birth().or(anchor.due()).unwrap() + offset;
        let behind: Vec<Day> = (1..=behind).map(|back| on - back).collect();
        let follower = Follower { registered_on: on, ..family(anchor) };
        let silent = [
            (Follower { state: SubscriptionState::Ended, ..follower.clone() }, SkipReason::Stopped),
            (Follower { state: SubscriptionState::Paused, ..follower.clone() }, SkipReason::Paused),
            (Follower { reach: Reach::Silent(SkipReason::Suppressed), ..follower.clone() }, SkipReason::Suppressed),
            (Follower { registered_on: on + 1, ..follower }, SkipReason::NotRegistered),
        ];
        for (follower, reason) in silent {
            let judgement = judge(&programme, on, &behind, &follower);
            prop_assert!(judgement.due.is_empty());
            prop_assert_eq!(judgement.skipped, vec![reason]);
        }
    }

    #[test]
    fn no_birth_is_ever_assumed(due in near_day(), join in any_join(), registered_before in 0..300) {
        let programme = full_programme(join);
        let follower = Follower { registered_on: due - registered_before, ..family(Anchor::Due(due)) };
        for offset in -300..1200 {
            let behind = [due + offset - 1, due + offset - 2];
            for due in judge(&programme, due + offset, &behind, &follower).due {
                let slots = due.items.iter().flat_map(|i| &programme.series[due.series].items()[*i].placement.slots);
                prop_assert!(slots.copied().all(Position::is_pregnancy), "{}", due.slot);
                let from = due.items.iter().filter_map(|i| programme.series[due.series].items()[*i].placement.from_slot);
                prop_assert!(from.into_iter().all(Position::is_pregnancy), "{}", due.slot);
            }
        }
    }

    #[test]
    fn a_made_up_day_brings_only_what_is_still_useful(
        anchor in near_anchor(), offset in 0..1000, missed in 1..=3_i32,
    ) {
        let programme = full_programme(JoinPolicy::FromToday);
        let on = anchor.birth().or(anchor.due()).unwrap() + offset - 150;
        let behind: Vec<Day> = (1..=missed).map(|back| on - back).collect();
        for due in judge(&programme, on, &behind, &family(anchor)).due {
            for index in &due.items {
                let item = &programme.series[due.series].items()[*index];
                prop_assert!(on - due.falls_on <= i32::from(item.placement.useful_days));
            }
        }
    }

    #[test]
    fn the_next_day_with_something_due_is_the_first_one(anchor in near_anchor(), offset in -300..1200) {
        let programme = full_programme(JoinPolicy::FromToday);
        let from = anchor.birth().or(anchor.due()).unwrap() + offset;
        let is_due = |on: Day| !judge(&programme, on, &[], &family(anchor)).due.is_empty();
        let expected = (0..40).map(|ahead| from + ahead).find(|on| is_due(*on));
        prop_assert_eq!(next_due(&programme, from, 40, &family(anchor)), expected);
    }
}

#[test]
fn whoever_registers_on_any_day_of_a_pregnancy_gets_todays_text_and_at_most_one_bundle() {
    for join in [JoinPolicy::FromToday, JoinPolicy::Latest, JoinPolicy::Digest] {
        let programme = full_programme(join);
        for gestation in 28..=293 {
            let on = day("2026-12-01") - 280 + gestation;
            let follower = Follower {
                registered_on: on,
                ..family(due("2026-12-01"))
            };
            let mut ledger = Ledger::default();
            let first = ledger.run(&programme, on, &[on - 1, on - 2], &follower);
            let today = Position::GestationalDay(u16::try_from(gestation).unwrap());
            let stages = first.iter().filter(|slot| matches!(slot, Slot::Stage { .. }));
            assert_eq!(
                stages.filter(|slot| slot.place() == today.to_string()).count(),
                1,
                "{today}"
            );
            let mut sent = first;
            for later in 1..10 {
                sent.extend(ledger.run(&programme, on + later, &[], &follower));
            }
            let bundles = sent.iter().filter(|slot| matches!(slot, Slot::Digest { .. })).count();
            let expected = usize::from(join == JoinPolicy::Digest && gestation > 28);
            assert_eq!(bundles, expected, "{today} {join:?}");
            let daily = sent.iter().filter(|slot| matches!(slot, Slot::Stage { .. })).count();
            assert!(daily <= 10, "never two daily texts on one day");
        }
    }
}

#[test]
fn a_bundle_is_short_and_begins_with_what_expires_first() {
    let until = |(slot, until): (&str, &str)| {
        item_with(slot, |item| {
            item.placement.must_know = true;
            item.placement.useful_until_slot = Some(until.parse().unwrap());
        })
    };
    let items = [
        ("5w0d", "41w6d"),
        ("6w0d", "m11"),
        ("7w0d", "19w6d"),
        ("8w0d", "36w0d"),
        ("9w0d", "20w0d"),
        ("10w0d", "30w0d"),
        ("11w0d", "28w0d"),
        ("21w0d", "30w0d"),
        ("d3", "d14"),
    ];
    let adoption = Adoption {
        join: JoinPolicy::Digest,
        ..series(Owner::Desk, vec![]).adoption
    };
    let programme = programme(vec![series_of(adoption, Owner::Desk, 0, items.map(until).to_vec())]);
    let on = day("2026-12-01") - 280 + 20 * 7;
    let follower = Follower {
        registered_on: on,
        ..family(due("2026-12-01"))
    };
    let judgement = judge(&programme, on, &[], &follower);
    let article = |index: &usize| programme.series[0].items()[*index].article.as_str();
    let bundle: Vec<_> = judgement.due[0].items.iter().map(article).collect();
    // 7w0d is over, 21w0d and d3 are still to come; of the six that are left the last to be useful can wait.
    assert_eq!(bundle, ["9w0d", "11w0d", "10w0d", "8w0d", "5w0d"]);
    assert_eq!(bundle.len(), DIGEST_ITEMS_MAX);
}

#[test]
fn after_41w6d_there_is_one_question_and_then_silence() {
    for join in [JoinPolicy::FromToday, JoinPolicy::Latest, JoinPolicy::Digest] {
        let programme = full_programme(join);
        let anchor = due("2026-12-01");
        for registered_on in ["2026-06-01", "2026-12-10", "2026-12-13", "2026-12-14"] {
            let follower = Follower {
                registered_on: day(registered_on),
                ..family(anchor)
            };
            let mut ledger = Ledger::default();
            ledger.run(&programme, day("2026-12-14"), &[], &follower);
            let mut sent = Vec::new();
            for after in 1..=400 {
                let on = day("2026-12-14") + after;
                sent.extend(ledger.run(&programme, on, &[on - 1, on - 2, on - 3], &follower));
                if after > 1 {
                    let skipped = judge(&programme, on, &[], &follower).skipped;
                    assert_eq!(skipped, [SkipReason::AwaitingBirth], "{on}");
                }
            }
            sent.retain(|slot| !matches!(slot, Slot::Stage { .. } | Slot::Dated { .. }));
            assert_eq!(sent, [Slot::CheckIn], "{registered_on} {join:?}");
        }
    }
}

#[test]
fn the_stored_form_of_a_slot_is_unlike_any_other() {
    let programme = full_programme(JoinPolicy::Digest);
    let mut texts = HashSet::new();
    let mut slots = HashSet::new();
    for anchor in [
        due("2026-12-01"),
        Anchor::Birth {
            on: day("2026-09-15"),
            due: Some(day("2026-12-01")),
        },
    ] {
        for offset in -300..1200 {
            let on = day("2026-12-01") + offset;
            let follower = Follower {
                registered_on: on,
                ..family(anchor)
            };
            for due in judge(&programme, on, &[], &follower).due {
                texts.insert(due.slot.to_string());
                slots.insert(due.slot);
            }
        }
    }
    assert!(slots.len() > 400);
    assert_eq!(texts.len(), slots.len());
}
