//! Civil days, counted from 1 January 1970, and the instants at which a tenant's day begins and ends.
//!
//! Everything the product promises hangs on civil days in the tenant's time zone. A `Day` is a plain
//! number so that positions cost one subtraction; jiff is asked only when a year or month matters.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The first year that is accepted anywhere: nobody born earlier registers.
pub const YEAR_MIN: i16 = 1900;
/// The last year that is accepted anywhere.
pub const YEAR_MAX: i16 = 2199;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// One civil day, without a time zone.
///
/// ```
/// use kizuna_domain::day::Day;
/// let due: Day = "2026-12-01".parse().unwrap();
/// assert_eq!((due - 280).to_string(), "2026-02-24");
/// assert_eq!(due - Day::new(2026, 11, 22).unwrap(), 9);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(i32);

/// A text that is not a civil day between [`YEAR_MIN`] and [`YEAR_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a date like 2026-12-01")]
pub struct NotADay(pub String);

impl Day {
    /// The day of a year, month and day of month; `None` where the calendar has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Day> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return None;
        }
        Date::new(year, month, day).ok().map(Day::from_date)
    }

    /// The day that lies `days` after 1 January 1970.
    pub const fn from_epoch_days(days: i32) -> Day {
        Day(days)
    }

    /// Days since 1 January 1970.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// The same day as a jiff date.
    pub fn date(self) -> Date {
        EPOCH.saturating_add(SignedDuration::from_hours(i64::from(self.0) * 24))
    }

    /// The same day from a jiff date.
    pub fn from_date(date: Date) -> Day {
        Day((date.duration_since(EPOCH).as_hours() / 24) as i32)
    }

    /// Calendar year.
    pub fn year(self) -> i16 {
        self.date().year()
    }

    /// Month, 1 to 12.
    pub fn month(self) -> i8 {
        self.date().month()
    }

    /// Day of the month, 1 to 31.
    pub fn day_of_month(self) -> i8 {
        self.date().day()
    }

    /// Japanese fiscal and school year (年度): April to March.
    ///
    /// ```
    /// use kizuna_domain::day::Day;
    /// assert_eq!(Day::new(2027, 3, 31).unwrap().fiscal_year(), 2026);
    /// assert_eq!(Day::new(2027, 4, 1).unwrap().fiscal_year(), 2027);
    /// ```
    pub fn fiscal_year(self) -> i16 {
        let date = self.date();
        if date.month() >= 4 {
            date.year()
        } else {
            date.year() - 1
        }
    }

    /// The day as a Japanese resident reads it: 2026年11月22日（日）.
    ///
    /// ```
    /// use kizuna_domain::day::Day;
    /// assert_eq!(Day::new(2026, 11, 22).unwrap().japanese(), "2026年11月22日（日）");
    /// ```
    pub fn japanese(self) -> String {
        let date = self.date();
        let (year, month, day, weekday) = (date.year(), date.month(), date.day(), self.weekday_ja());
        format!("{year}年{month}月{day}日（{weekday}）")
    }

    /// The day of the week in one character: 日, 月, 火.
    ///
    /// ```
    /// use kizuna_domain::day::Day;
    /// assert_eq!(Day::new(2026, 11, 22).unwrap().weekday_ja(), "日");
    /// ```
    pub fn weekday_ja(self) -> &'static str {
        match self.date().weekday() {
            Weekday::Monday => "月",
            Weekday::Tuesday => "火",
            Weekday::Wednesday => "水",
            Weekday::Thursday => "木",
            Weekday::Friday => "金",
            Weekday::Saturday => "土",
            Weekday::Sunday => "日",
        }
    }

    /// The civil day that `now` falls on in a time zone, whatever the zone of the host.
    ///
    /// ```
    /// use kizuna_domain::day::Day;
    /// let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    /// let instant = "2026-12-23T15:00:01Z".parse().unwrap();
    /// assert_eq!(Day::of(instant, &tokyo).to_string(), "2026-12-24");
    /// ```
    pub fn of(now: Timestamp, zone: &TimeZone) -> Day {
        Day::from_date(zone.to_datetime(now).date())
    }

    /// The instant at which this day shows `time` on the clocks of `zone`.
    ///
    /// Where a clock change skips or repeats that time, the earlier possible instant is taken.
    pub fn at(self, time: Time, zone: &TimeZone) -> Timestamp {
        zone.to_ambiguous_timestamp(self.date().to_datetime(time))
            .earlier()
            .unwrap_or(Timestamp::MAX)
    }
}

impl std::ops::Add<i32> for Day {
    type Output = Day;
    fn add(self, days: i32) -> Day {
        Day(self.0 + days)
    }
}

impl std::ops::Sub<i32> for Day {
    type Output = Day;
    fn sub(self, days: i32) -> Day {
        Day(self.0 - days)
    }
}

/// Whole days from `other` to `self`.
impl std::ops::Sub<Day> for Day {
    type Output = i32;
    fn sub(self, other: Day) -> i32 {
        self.0 - other.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Day, NotADay> {
        let wrong = || NotADay(text.chars().take(20).collect());
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| match i {
                4 | 7 => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shaped {
            return Err(wrong());
        }
        let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<i16>().ok());
        let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
            return Err(wrong());
        };
        Day::new(year, month as i8, day as i8).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Day {
    type Error = NotADay;
    fn try_from(text: String) -> Result<Day, NotADay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

/// The hours of a day in which a tenant's messages may leave, in the tenant's time zone.
///
/// ```
/// use kizuna_domain::day::{Day, SendWindow};
/// let window = SendWindow::new("08:00", "20:00").unwrap();
/// let tokyo = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
/// let day = Day::new(2026, 12, 24).unwrap();
/// assert_eq!(window.opens(day, &tokyo).to_string(), "2026-12-23T23:00:00Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendWindow {
    from: Time,
    until: Time,
}

/// A send window whose end does not lie after its beginning, or whose times cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{from}'–'{until}' is not a delivery window like 08:00–20:00 that begins before it ends")]
pub struct NotAWindow {
    /// The given beginning.
    pub from: String,
    /// The given end.
    pub until: String,
}

impl SendWindow {
    /// Reads two times of day written `HH:MM`.
    pub fn new(from: &str, until: &str) -> Result<SendWindow, NotAWindow> {
        let wrong = || NotAWindow {
            from: from.into(),
            until: until.into(),
        };
        let parse = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        let (Some(from_time), Some(until_time)) = (parse(from), parse(until)) else {
            return Err(wrong());
        };
        if from_time >= until_time {
            return Err(wrong());
        }
        Ok(SendWindow {
            from: from_time,
            until: until_time,
        })
    }

    /// The first instant of `day` at which a message may leave.
    pub fn opens(&self, day: Day, zone: &TimeZone) -> Timestamp {
        day.at(self.from, zone)
    }

    /// The instant of `day` from which no daily message leaves any more.
    pub fn closes(&self, day: Day, zone: &TimeZone) -> Timestamp {
        day.at(self.until, zone)
    }

    /// The part of this window from an hour on; `None` where no part of it begins at that hour.
    ///
    /// ```
    /// use kizuna_domain::day::SendWindow;
    /// let window = SendWindow::new("07:30", "20:00").unwrap();
    /// assert_eq!(window.from_hour(18).unwrap().texts().0, "18:00");
    /// assert_eq!(window.from_hour(7), None);
    /// assert_eq!(window.from_hour(20), None);
    /// ```
    pub fn from_hour(&self, hour: u8) -> Option<SendWindow> {
        let from = Time::new(i8::try_from(hour).ok()?, 0, 0, 0).ok()?;
        (self.from <= from && from < self.until).then_some(SendWindow { from, ..*self })
    }

    /// Both ends as `HH:MM`.
    pub fn texts(&self) -> (String, String) {
        let text = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        (text(self.from), text(self.until))
    }
}
