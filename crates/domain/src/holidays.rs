//! Public holidays of Japan, computed from the rules of the law and not from a list.
//!
//! 国民の祝日に関する法律（昭和23年法律第178号）: articles 2 (the holidays) and 3 (the day after a holiday on a Sunday, the
//! day between two holidays), and the exceptions for the Games of 2020 and 2021. The days of the equinoxes are announced
//! each February for the year after; the formula used here has the days that follow from the earth's motion until 2099.

use jiff::civil::Weekday;

use crate::day::Day;

/// First year whose holidays are known here: before, the law was another.
pub const YEAR_MIN: i16 = 2020;
/// Last year for which the formula of the equinoxes holds.
pub const YEAR_MAX: i16 = 2099;

/// The name of a public holiday; `None` on other days, and in years that are not known here.
///
/// ```
/// use kizuna_domain::{day::Day, holidays};
/// let day = |text: &str| text.parse::<Day>().unwrap();
/// assert_eq!(holidays::name(day("2026-11-23")), Some("勤労感謝の日"));
/// assert_eq!(holidays::name(day("2026-09-22")), Some("休日"));
/// assert_eq!(holidays::name(day("2026-11-24")), None);
/// ```
pub fn name(day: Day) -> Option<&'static str> {
    (YEAR_MIN..=YEAR_MAX).contains(&day.year()).then_some(())?;
    national(day).or_else(|| (is_substitute(day) || is_between(day)).then_some("休日"))
}

/// Article 2, with the exceptions for two years.
fn national(day: Day) -> Option<&'static str> {
    let (year, month, date) = (day.year(), day.month(), day.day_of_month());
    let monday = |nth: i8| day.date().weekday() == Weekday::Monday && (date - 1) / 7 + 1 == nth;
    let moved = |in_2020: i8, in_2021: i8, usually: bool| match year {
        2020 => date == in_2020,
        2021 => date == in_2021,
        _ => usually,
    };
    let is_sport_in_july = month == 7 && moved(24, 23, false);
    let name = match month {
        1 if date == 1 => "元日",
        1 if monday(2) => "成人の日",
        2 if date == 11 => "建国記念の日",
        2 if date == 23 => "天皇誕生日",
        3 if date == equinox(year, 20_843_100) => "春分の日",
        4 if date == 29 => "昭和の日",
        5 if date == 3 => "憲法記念日",
        5 if date == 4 => "みどりの日",
        5 if date == 5 => "こどもの日",
        7 if is_sport_in_july => "スポーツの日",
        7 if moved(23, 22, monday(3)) => "海の日",
        8 if moved(10, 8, date == 11) => "山の日",
        9 if monday(3) => "敬老の日",
        9 if date == equinox(year, 23_248_800) => "秋分の日",
        10 if moved(0, 0, monday(2)) => "スポーツの日",
        11 if date == 3 => "文化の日",
        11 if date == 23 => "勤労感謝の日",
        _ => return None,
    };
    Some(name)
}

/// The day of the month of an equinox from 1980 to 2099; `base` is its instant in 1980 in millionths of a day.
///
/// The year is 365.242194 days long; every leap year takes the day back that it added.
fn equinox(year: i16, base: i64) -> i8 {
    let years = i64::from(year) - 1980;
    let date = (base + 242_194 * years) / 1_000_000 - years / 4;
    i8::try_from(date).unwrap_or_default()
}

/// Article 3 (2): where a holiday is a Sunday, the next day that is none is free.
fn is_substitute(day: Day) -> bool {
    if national(day).is_some() {
        return false;
    }
    // Never more than the three days of May stand between.
    let before = (1..=DAYS_IN_A_ROW_MAX).map(|back| day - back);
    before
        .take_while(|day| national(*day).is_some())
        .any(|day| day.date().weekday() == Weekday::Sunday)
}

/// Holidays in a row at most, and one more.
const DAYS_IN_A_ROW_MAX: i32 = 4;

/// Article 3 (3): a day between two holidays is free.
fn is_between(day: Day) -> bool {
    national(day - 1).is_some() && national(day + 1).is_some()
}
