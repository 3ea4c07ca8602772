//! Every date that domain.md section 7 works out by hand.

use kizuna_domain::age::{
    DUE_AT, LeapBirthday, attained, births_celebrating, births_entering_school, celebrated, completed_months,
    corrected_days, is_preterm, school_entry,
};
use kizuna_domain::day::Day;
use kizuna_domain::position::{
    Anchor, Clock, Customs, DUE_AT_AFTER_LAST, DUE_BEFORE_FIRST, DayCount, EndRule, Position, gestational_day,
    stage_label, standing,
};

use crate::town::{THIRD_BIRTHDAY, born, born_early, day, due};

const FROM_ZERO: Customs = Customs {
    leap_birthday: LeapBirthday::February28,
    day_count: DayCount::FromZero,
};
const FROM_ONE: Customs = Customs {
    leap_birthday: LeapBirthday::February28,
    day_count: DayCount::FromOne,
};
const MARCH_1: Customs = Customs {
    leap_birthday: LeapBirthday::March1,
    day_count: DayCount::FromZero,
};

fn falls(slot: &str, anchor: &Anchor, customs: Customs) -> Option<String> {
    let slot: Position = slot.parse().unwrap();
    slot.falls_on(anchor, Clock::Calendar, EndRule::SchoolYearEnd(12), &customs)
        .map(|day| day.to_string())
}

#[test]
fn the_pregnancy_of_1_december_2026_stands_where_the_calendar_says() {
    let table = [
        ("4w0d", "2026-03-24"),
        ("8w0d", "2026-04-21"),
        ("12w0d", "2026-05-19"),
        ("16w0d", "2026-06-16"),
        ("22w0d", "2026-07-28"),
        ("24w0d", "2026-08-11"),
        ("28w0d", "2026-09-08"),
        ("32w0d", "2026-10-06"),
        ("36w6d", "2026-11-09"),
        ("37w0d", "2026-11-10"),
        ("40w0d", "2026-12-01"),
        ("41w6d", "2026-12-14"),
    ];
    let anchor = due("2026-12-01");
    for (slot, on) in table {
        assert_eq!(falls(slot, &anchor, FROM_ZERO).as_deref(), Some(on), "{slot}");
        let (week, rest) = slot.trim_end_matches('d').split_once('w').unwrap();
        assert_eq!(
            stage_label(&anchor, day(on), &FROM_ZERO),
            format!("妊娠{week}週{rest}日")
        );
    }
}

#[test]
fn a_pregnancy_is_silent_before_4w0d_and_after_41w6d() {
    let due = day("2026-12-01");
    assert_eq!(gestational_day(due, day("2026-03-23")), None);
    assert_eq!(gestational_day(due, day("2026-03-24")), Some(28));
    assert_eq!(gestational_day(due, day("2026-12-14")), Some(293));
    assert_eq!(gestational_day(due, day("2026-12-15")), None);
    assert_eq!(stage_label(&Anchor::Due(due), day("2026-03-23"), &FROM_ZERO), "妊娠中");
    assert_eq!(
        stage_label(&Anchor::Due(due), day("2026-12-15"), &FROM_ZERO),
        "",
        "nothing is assumed"
    );
}

#[test]
fn the_first_day_of_the_last_period_is_0w0d_and_the_due_date_is_day_280() {
    assert_eq!(day("2026-12-01") - DUE_AT, day("2026-02-24"));
}

#[test]
fn thirty_two_weeks_are_eight_weeks_before_the_due_date() {
    assert_eq!(day("2026-12-01") - 56, day("2026-10-06"));
}

#[test]
fn a_due_date_is_accepted_from_13_days_ago_to_252_days_ahead() {
    let today = day("2026-06-01");
    assert_eq!((DUE_AT_AFTER_LAST, DUE_BEFORE_FIRST), (-13, 252));
    assert_eq!(gestational_day(today + DUE_AT_AFTER_LAST, today), Some(293));
    assert_eq!(gestational_day(today + DUE_BEFORE_FIRST, today), Some(28));
}

#[test]
fn birth_is_preterm_until_36w6d_and_at_term_from_37w0d() {
    let due = day("2026-12-01");
    assert!(is_preterm(day("2026-11-09"), due));
    assert!(!is_preterm(day("2026-11-10"), due));
    assert!(!is_preterm(day("2026-12-15"), due));
}

#[test]
fn the_law_counts_an_age_as_attained_at_the_end_of_the_day_before_the_birthday() {
    let table = [
        ("2025-01-10", 12, "2026-01-09"),
        ("2025-01-10", 2, "2025-03-09"),
        ("2025-01-10", 36, "2028-01-09"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 2, "2024-04-28"),
        ("2024-02-29", 36, "2027-02-28"),
        ("2024-02-29", 48, "2028-02-28"),
        ("2024-12-31", 2, "2025-02-28"),
        ("2026-03-01", 12, "2027-02-28"),
        ("2026-03-01", 72, "2032-02-29"),
        ("2020-04-01", 72, "2026-03-31"),
    ];
    for (birth, months, expected) in table {
        assert_eq!(
            attained(day(birth), months),
            Some(day(expected)),
            "{birth} + {months} months"
        );
    }
}

#[test]
fn a_birthday_is_celebrated_on_the_day_itself() {
    let table = [
        ("2025-01-10", 12, "2026-01-10"),
        ("2025-01-10", 36, "2028-01-10"),
        ("2026-03-01", 72, "2032-03-01"),
        ("2020-04-01", 72, "2026-04-01"),
    ];
    for (birth, months, expected) in table {
        for leap in [LeapBirthday::February28, LeapBirthday::March1] {
            assert_eq!(celebrated(day(birth), months, leap), Some(day(expected)));
        }
    }
}

#[test]
fn a_child_of_29_february_celebrates_as_the_tenant_chose() {
    let birth = day("2024-02-29");
    let table = [
        (12, "2025-02-28", "2025-03-01"),
        (24, "2026-02-28", "2026-03-01"),
        (36, "2027-02-28", "2027-03-01"),
        (48, "2028-02-29", "2028-02-29"),
        // Months that are no birthday are the 29th or the month's last day for everyone.
        (1, "2024-03-29", "2024-03-29"),
        (13, "2025-03-29", "2025-03-29"),
    ];
    for (months, february, march) in table {
        assert_eq!(celebrated(birth, months, LeapBirthday::February28), Some(day(february)));
        assert_eq!(celebrated(birth, months, LeapBirthday::March1), Some(day(march)));
    }
}

#[test]
fn a_leap_day_child_is_eleven_months_old_until_its_birthday_comes() {
    let birth = day("2024-02-29");
    let months = |on: &str, leap| completed_months(birth, day(on), leap);
    assert_eq!(months("2025-02-27", LeapBirthday::February28), Some(11));
    assert_eq!(months("2025-02-28", LeapBirthday::February28), Some(12));
    assert_eq!(months("2025-02-28", LeapBirthday::March1), Some(11));
    assert_eq!(months("2025-03-01", LeapBirthday::March1), Some(12));
    assert_eq!(months("2024-02-28", LeapBirthday::March1), None);
}

#[test]
fn a_month_without_the_day_counts_its_last_day() {
    let table = [
        ("2026-08-31", 1, "2026-09-30"),
        ("2026-08-31", 2, "2026-10-31"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2026-10-31", 4, "2027-02-28"),
        ("2027-08-30", 6, "2028-02-29"),
        ("2026-01-30", 1, "2026-02-28"),
        ("2026-12-31", 2, "2027-02-28"),
    ];
    for (birth, months, expected) in table {
        assert_eq!(
            celebrated(day(birth), months, LeapBirthday::February28),
            Some(day(expected)),
            "{birth} + {months}"
        );
        assert_eq!(
            celebrated(day(birth), months, LeapBirthday::March1),
            Some(day(expected)),
            "{birth} + {months}"
        );
    }
}

#[test]
fn several_births_share_the_last_day_of_a_short_month() {
    let births = births_celebrating(1, day("2026-02-28"), LeapBirthday::February28);
    assert_eq!(births, Some((day("2026-01-28"), day("2026-01-31"))));
    assert_eq!(births_celebrating(1, day("2026-05-31"), LeapBirthday::February28), None);
}

#[test]
fn under_three_ends_two_days_before_the_birthday_and_under_one_for_vaccines_the_day_before() {
    // こども誰でも通園「満3歳未満」: the day before the birthday is the day on which three is attained.
    assert_eq!(attained(day("2025-01-10"), 36).unwrap() - 1, day("2028-01-08"));
    // BCG「1歳に至るまで」 includes the day of attainment, on which MR「1歳から」 already begins.
    assert_eq!(attained(day("2025-01-10"), 12), Some(day("2026-01-09")));
}

#[test]
fn the_hundredth_and_thousandth_day_follow_the_tenants_count() {
    let anchor = born("2026-01-01");
    let table = [
        ("n100", FROM_ONE, "2026-04-10"),
        ("n100", FROM_ZERO, "2026-04-11"),
        ("n1000", FROM_ZERO, "2028-09-27"),
        ("n1000", FROM_ONE, "2028-09-26"),
        ("d100", FROM_ONE, "2026-04-11"),
        ("d100", FROM_ZERO, "2026-04-11"),
        ("d0", FROM_ONE, "2026-01-01"),
        ("n1", FROM_ONE, "2026-01-01"),
        ("n1", FROM_ZERO, "2026-01-02"),
    ];
    for (slot, customs, expected) in table {
        assert_eq!(
            falls(slot, &anchor, customs).as_deref(),
            Some(expected),
            "{slot} {customs:?}"
        );
    }
}

#[test]
fn days_in_words_follow_the_same_count() {
    let anchor = born("2026-01-01");
    let label = |on, customs| stage_label(&anchor, day(on), &customs);
    assert_eq!(label("2026-01-01", FROM_ZERO), "生後0日");
    assert_eq!(label("2026-01-01", FROM_ONE), "生後1日目");
    assert_eq!(label("2026-04-11", FROM_ZERO), "生後100日");
    assert_eq!(label("2026-04-12", FROM_ZERO), "生後3か月");
    assert_eq!(label("2026-12-31", FROM_ZERO), "生後11か月");
    assert_eq!(label("2027-01-01", FROM_ZERO), "1歳");
    assert_eq!(label("2027-03-05", FROM_ZERO), "1歳2か月");
    assert_eq!(label("2025-12-31", FROM_ZERO), "妊娠中");
}

#[test]
fn a_standing_says_everything_about_one_day() {
    let pregnant = standing(&due("2026-12-01"), day("2026-11-22"), &FROM_ZERO);
    assert_eq!(
        (pregnant.gestational_week, pregnant.gestational_day),
        (Some(38), Some(5))
    );
    assert_eq!(
        (pregnant.age_days, pregnant.age_months, pregnant.school_entry_on),
        (None, None, None)
    );
    let child = standing(&born_early("2026-09-15", "2026-12-01"), day("2027-12-01"), &FROM_ZERO);
    assert_eq!((child.gestational_week, child.gestational_day), (None, None));
    assert_eq!(
        (child.age_days, child.age_months, child.age_years),
        (Some(442), Some(14), Some(1))
    );
    assert_eq!(
        (child.corrected_age_days, child.school_entry_on),
        (Some(365), Some(day("2033-04-01")))
    );
}

#[test]
fn a_child_of_1_april_enters_school_a_year_before_a_child_of_2_april() {
    assert_eq!(school_entry(day("2020-04-01")), day("2026-04-01"));
    assert_eq!(school_entry(day("2020-04-02")), day("2027-04-01"));
    assert_eq!(school_entry(day("2021-01-01")), day("2027-04-01"));
    assert_eq!(school_entry(day("2021-04-01")), day("2027-04-01"));
    assert_eq!(births_entering_school(2027), (day("2020-04-02"), day("2021-04-01")));
}

#[test]
fn the_second_mr_window_is_the_school_year_before_entry() {
    let anchor = born("2020-04-02");
    assert_eq!(falls("s0-04-01", &anchor, FROM_ZERO).as_deref(), Some("2026-04-01"));
    assert_eq!(falls("s0-03-31", &anchor, FROM_ZERO).as_deref(), Some("2027-03-31"));
    assert_eq!(falls("s0-11-30", &anchor, FROM_ZERO).as_deref(), Some("2026-11-30"));
}

#[test]
fn school_years_end_on_31_march() {
    let anchor = born("2020-04-02");
    assert_eq!(falls("s1-03-31", &anchor, FROM_ZERO).as_deref(), Some("2028-03-31"));
    assert_eq!(falls("s12-03-31", &anchor, FROM_ZERO).as_deref(), Some("2039-03-31"));
}

#[test]
fn a_series_ends_as_the_tenant_chose() {
    let table = [
        ("birthday:3", "2023-05-10", "2026-05-10"),
        ("before-birthday:3", "2023-05-10", "2026-05-09"),
        ("before-birthday:1", "2024-03-01", "2025-02-28"),
        ("birthday:6", "2020-04-02", "2026-04-02"),
        ("school:0", "2020-04-02", "2027-03-31"),
        ("school:0", "2020-04-01", "2026-03-31"),
        ("school:1", "2020-04-02", "2028-03-31"),
        ("school:12", "2020-04-02", "2039-03-31"),
        ("age:18", "2020-04-02", "2038-04-01"),
        ("age:3", "2024-02-29", "2027-02-28"),
        ("age:4", "2024-02-29", "2028-02-28"),
        ("age:6", "2026-03-01", "2032-02-29"),
        ("birthday:3", "2024-02-29", "2027-02-28"),
        ("before-birthday:3", "2024-02-29", "2027-02-27"),
    ];
    for (rule, birth, expected) in table {
        let rule: EndRule = rule.parse().unwrap();
        assert_eq!(
            rule.last_day(day(birth), &FROM_ZERO),
            Some(day(expected)),
            "{rule} {birth}"
        );
        let last = Position::LastDay.falls_on(&born(birth), Clock::Calendar, rule, &FROM_ZERO);
        assert_eq!(last, Some(day(expected)));
    }
    let on_march_1 = EndRule::OnBirthday(3).last_day(day("2024-02-29"), &MARCH_1);
    assert_eq!(on_march_1, Some(day("2027-03-01")));
}

#[test]
fn nothing_falls_after_the_last_day_or_before_birth() {
    let anchor = born("2023-05-10");
    let on = |slot: &str, end| {
        let slot: Position = slot.parse().unwrap();
        slot.falls_on(&anchor, Clock::Calendar, end, &FROM_ZERO)
    };
    assert_eq!(on("m36", THIRD_BIRTHDAY), Some(day("2026-05-10")));
    assert_eq!(on("m36", EndRule::DayBeforeBirthday(3)), None);
    assert_eq!(on("d1096", THIRD_BIRTHDAY), Some(day("2026-05-10")));
    assert_eq!(on("d1097", THIRD_BIRTHDAY), None);
    assert_eq!(on("12w0d", THIRD_BIRTHDAY), None);
}

#[test]
fn a_month_as_a_stage_lasts_until_the_next_is_complete() {
    let until = |slot: &str, birth: &str, customs: Customs| {
        let slot: Position = slot.parse().unwrap();
        slot.lasts_until(&born(birth), Clock::Calendar, THIRD_BIRTHDAY, &customs)
            .unwrap()
            .to_string()
    };
    assert_eq!(until("m11", "2026-05-10", FROM_ZERO), "2027-05-09");
    assert_eq!(until("m11", "2024-02-29", FROM_ZERO), "2025-02-27");
    assert_eq!(until("m11", "2024-02-29", MARCH_1), "2025-02-28");
    assert_eq!(until("d104", "2026-05-10", FROM_ZERO), "2026-08-22");
    // It may end after the series.
    assert_eq!(until("m40", "2026-05-10", FROM_ZERO), "2029-10-09");
}

#[test]
fn the_corrected_clock_counts_from_the_due_date_of_a_preterm_child() {
    let (birth, due) = (day("2026-09-15"), day("2026-12-01"));
    assert_eq!(DUE_AT - (due - birth), 29 * 7);
    assert_eq!(corrected_days(birth, Some(due), day("2026-11-30")), None);
    assert_eq!(corrected_days(birth, Some(due), due), Some(0));
    assert_eq!(corrected_days(birth, Some(due), day("2027-03-11")), Some(100));
    assert_eq!(corrected_days(birth, None, due), None);
    let anchor = born_early("2026-09-15", "2026-12-01");
    let on = |slot: &str, clock| {
        let slot: Position = slot.parse().unwrap();
        slot.falls_on(&anchor, clock, THIRD_BIRTHDAY, &FROM_ZERO)
    };
    assert_eq!(on("d0", Clock::Corrected), Some(due));
    assert_eq!(on("d0", Clock::Calendar), Some(birth));
    assert_eq!(on("m6", Clock::Corrected), Some(day("2027-06-01")));
    assert_eq!(on("m6", Clock::Calendar), Some(day("2027-03-15")));
    assert_eq!(
        on("m35", Clock::Corrected),
        None,
        "the series ends on the third birthday"
    );
}

#[test]
fn a_child_born_at_term_has_one_clock() {
    let anchor = born_early("2026-11-20", "2026-12-01");
    let six: Position = "m6".parse().unwrap();
    for clock in [Clock::Calendar, Clock::Corrected] {
        assert_eq!(
            six.falls_on(&anchor, clock, THIRD_BIRTHDAY, &FROM_ZERO),
            Some(day("2027-05-20"))
        );
    }
}

#[test]
fn the_japanese_day_is_the_civil_day_of_tokyo_whatever_the_host() {
    let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    let table = [
        ("2026-12-23T14:59:59Z", "2026-12-23"),
        ("2026-12-23T15:00:00Z", "2026-12-24"),
        ("2026-12-23T23:59:59Z", "2026-12-24"),
        ("2026-12-24T00:00:00Z", "2026-12-24"),
        ("2028-02-28T15:00:00Z", "2028-02-29"),
        ("1969-12-31T15:00:00Z", "1970-01-01"),
    ];
    for (instant, expected) in table {
        assert_eq!(Day::of(instant.parse().unwrap(), &tokyo), day(expected), "{instant}");
    }
    let nine = jiff::civil::time(9, 0, 0, 0);
    assert_eq!(day("2026-12-24").at(nine, &tokyo).to_string(), "2026-12-24T00:00:00Z");
}

#[test]
fn a_delivery_window_begins_before_it_ends() {
    use kizuna_domain::day::SendWindow;
    let window = SendWindow::new("08:00", "20:00").unwrap();
    let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    assert_eq!(
        window.closes(day("2026-12-24"), &tokyo).to_string(),
        "2026-12-24T11:00:00Z"
    );
    assert_eq!(window.texts(), ("08:00".to_owned(), "20:00".to_owned()));
    for (from, until) in [
        ("20:00", "08:00"),
        ("08:00", "08:00"),
        ("8", "20:00"),
        ("08:00", "24:00"),
        ("a:b", "20:00"),
    ] {
        assert!(SendWindow::new(from, until).is_err(), "{from}–{until}");
    }
}
