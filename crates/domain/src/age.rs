//! Age, months, school year and corrected age by Japanese rules.
//!
//! Two clocks exist side by side: the *legal* one (年齢計算ニ関スル法律 and 民法143条: an age is attained at the
//! end of the day before the birthday) and the *celebrated* one (the birthday itself). Messages follow the
//! celebrated clock; legal boundaries are asked for by name and never by comparing ages.

use serde::{Deserialize, Serialize};

use crate::day::Day;

/// Days from the first day of the last period to the due date: 40 weeks.
pub const DUE_AT: i32 = 280;
/// A birth before 37 weeks 0 days is preterm (早産).
pub const PRETERM_BEFORE: i32 = 37 * 7;

/// When a child born on 29 February celebrates in a common year.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeapBirthday {
    /// On 28 February, the default.
    #[default]
    February28,
    /// On 1 March.
    March1,
}

/// The day on which a child completes `months` months as families celebrate it.
///
/// Where the month has no such day its last day counts (31 August + 1 month = 30 September); for
/// 29 February in a common year the tenant chooses. `None` beyond the calendar.
///
/// ```
/// use kizuna_domain::{age::{celebrated, LeapBirthday}, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(celebrated(day("2026-08-31"), 1, LeapBirthday::February28), Some(day("2026-09-30")));
/// assert_eq!(celebrated(day("2024-02-29"), 12, LeapBirthday::March1), Some(day("2025-03-01")));
/// ```
pub fn celebrated(birth: Day, months: u16, leap: LeapBirthday) -> Option<Day> {
    let (target, exists) = same_day_after(birth, months)?;
    let leap_day = birth.month() == 2 && birth.day_of_month() == 29 && months.is_multiple_of(12);
    Some(match leap {
        LeapBirthday::March1 if leap_day && !exists => target + 1,
        LeapBirthday::March1 | LeapBirthday::February28 => target,
    })
}

/// The day at whose end the law counts `months` months as completed (民法143条2項).
///
/// ```
/// use kizuna_domain::{age::attained, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(attained(day("2025-01-10"), 12), Some(day("2026-01-09")));
/// assert_eq!(attained(day("2024-12-31"), 2), Some(day("2025-02-28")));
/// ```
pub fn attained(birth: Day, months: u16) -> Option<Day> {
    let (target, exists) = same_day_after(birth, months)?;
    Some(if exists { target - 1 } else { target })
}

/// The corresponding day `months` later, clamped to the month's end, and whether it exists unclamped.
fn same_day_after(birth: Day, months: u16) -> Option<(Day, bool)> {
    let date = birth.date();
    let month_index = i32::from(date.month()) - 1 + i32::from(months);
    let year = i32::from(date.year()) + month_index / 12;
    let month = (month_index % 12 + 1) as i8;
    let year = i16::try_from(year).ok()?;
    if let Some(day) = Day::new(year, month, date.day()) {
        return Some((day, true));
    }
    let first = Day::new(year, month, 1)?;
    Some((Day::from_date(first.date().last_of_month()), false))
}

/// Completed months on `on` by the celebrated clock; `None` before birth.
///
/// ```
/// use kizuna_domain::{age::{completed_months, LeapBirthday}, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(completed_months(day("2026-08-31"), day("2026-09-29"), LeapBirthday::February28), Some(0));
/// assert_eq!(completed_months(day("2026-08-31"), day("2026-09-30"), LeapBirthday::February28), Some(1));
/// ```
pub fn completed_months(birth: Day, on: Day, leap: LeapBirthday) -> Option<u16> {
    if on < birth {
        return None;
    }
    let (b, o) = (birth.date(), on.date());
    let months = (i32::from(o.year()) - i32::from(b.year())) * 12 + i32::from(o.month()) - i32::from(b.month());
    let months = u16::try_from(months).ok()?;
    // On 1 March a leap-day child of a tenant that celebrates then completes a month that began in February.
    [months, months.saturating_sub(1)]
        .into_iter()
        .find(|m| celebrated(birth, *m, leap).is_some_and(|day| day <= on))
}

/// The births, first and last, that complete `months` months on `on`; `None` where no birthday falls on it.
///
/// The inverse of [`celebrated`]: always one unbroken range of days.
///
/// ```
/// use kizuna_domain::{age::{births_celebrating, LeapBirthday}, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// let births = births_celebrating(1, day("2026-09-30"), LeapBirthday::February28);
/// assert_eq!(births, Some((day("2026-08-30"), day("2026-08-31"))));
/// ```
pub fn births_celebrating(months: u16, on: Day, leap: LeapBirthday) -> Option<(Day, Day)> {
    let date = on.date();
    let month_index = i32::from(date.year()) * 12 + i32::from(date.month()) - 1 - i32::from(months);
    let (year, month) = (
        i16::try_from(month_index.div_euclid(12)).ok()?,
        (month_index.rem_euclid(12) + 1) as i8,
    );
    // Only the last day of a month gathers births of later days, from longer months.
    let last_birth = if date.day() == date.days_in_month() {
        31
    } else {
        date.day()
    };
    let same_month = (date.day()..=last_birth).filter_map(|d| Day::new(year, month, d));
    let leap_day = Day::new(year, 2, 29).filter(|_| date.month() == 3 && months.is_multiple_of(12));
    let mut births = leap_day
        .into_iter()
        .chain(same_month)
        .filter(|birth| celebrated(*birth, months, leap) == Some(on));
    let first = births.next()?;
    Some((first, births.next_back().unwrap_or(first)))
}

/// 1 April of the year in which a child enters primary school (学校教育法17条).
///
/// Children born up to 1 April belong to the older year.
///
/// ```
/// use kizuna_domain::{age::school_entry, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(school_entry(day("2020-04-01")), day("2026-04-01"));
/// assert_eq!(school_entry(day("2020-04-02")), day("2027-04-01"));
/// ```
pub fn school_entry(birth: Day) -> Day {
    let date = birth.date();
    let early = (date.month(), date.day()) <= (4, 1);
    april_first(date.year() + if early { 6 } else { 7 })
}

/// The births, first and last, that enter primary school in April of `year`.
pub fn births_entering_school(year: i16) -> (Day, Day) {
    (april_first(year - 7) + 1, april_first(year - 6))
}

fn april_first(year: i16) -> Day {
    Day::from_date(jiff::civil::Date::constant(
        year.clamp(crate::day::YEAR_MIN, crate::day::YEAR_MAX + 1),
        4,
        1,
    ))
}

/// True where a birth came before 37 weeks 0 days of a pregnancy with this due date.
pub fn is_preterm(birth: Day, due: Day) -> bool {
    DUE_AT - (due - birth) < PRETERM_BEFORE
}

/// Days since the due date for a preterm child from that date on (修正日齢); `None` for others.
///
/// ```
/// use kizuna_domain::{age::corrected_days, day::Day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(corrected_days(day("2026-09-15"), Some(day("2026-12-01")), day("2026-12-01")), Some(0));
/// ```
pub fn corrected_days(birth: Day, due: Option<Day>, on: Day) -> Option<i32> {
    due.filter(|due| is_preterm(birth, *due))
        .map(|due| on - due)
        .filter(|days| *days >= 0)
}
