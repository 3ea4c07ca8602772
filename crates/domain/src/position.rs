//! Where a subscription stands: the anchor date, the positions derived from it, and the way back.
//!
//! A position is never stored for a person. `falls_on` answers "when does this position come for this
//! family", `due_anchors` the inverse "whose anchor stands there today", and both are tested against
//! each other, because the daily run selects by the inverse and decides by the first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::age::{self, DUE_AT, LeapBirthday};
use crate::day::Day;

/// First gestational day with a message: 4 weeks 0 days.
pub const GESTATION_FIRST: u16 = 28;
/// Last gestational day with a message: 41 weeks 6 days.
pub const GESTATION_LAST: u16 = 293;
/// Day of the one neutral question after a due date that passed without a report: 42 weeks 0 days.
pub const CHECK_IN_AT: i32 = 294;
/// From a day to the due date of a pregnancy that stands at its last slot on it (41w6d).
pub const DUE_AT_AFTER_LAST: i32 = DUE_AT - GESTATION_LAST as i32;
/// From a day to the due date of a pregnancy that stands at its first slot on it (4w0d).
pub const DUE_BEFORE_FIRST: i32 = DUE_AT - GESTATION_FIRST as i32;
/// Highest age in days a slot can name: the 19th birthday.
pub const AGE_DAYS_MAX: u16 = 6940;
/// Highest age in months a slot can name.
pub const AGE_MONTHS_MAX: u16 = 228;
/// Highest age in years that ends a series.
pub const YEARS_MAX: u8 = 18;
/// Highest school grade: 12 is 高校3年.
pub const GRADE_MAX: u8 = 12;

/// The only dates that positions are derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// Expected date of delivery (出産予定日); no birth was reported.
    Due(Day),
    /// A birth that a person reported, with the due date where it is known.
    Birth {
        /// Day of birth.
        on: Day,
        /// Due date of the pregnancy, for the corrected clock.
        due: Option<Day>,
    },
}

impl Anchor {
    /// An anchor from what a register holds; `None` where both dates are missing.
    ///
    /// ```
    /// use kizuna_domain::position::Anchor;
    /// let (due, birth) = ("2026-12-01".parse().unwrap(), "2026-09-15".parse().unwrap());
    /// assert!(Anchor::from_dates(Some(due), Some(birth)).unwrap().is_preterm());
    /// assert_eq!(Anchor::from_dates(Some(due), None), Some(Anchor::Due(due)));
    /// ```
    pub fn from_dates(due: Option<Day>, birth: Option<Day>) -> Option<Anchor> {
        match (due, birth) {
            (due, Some(on)) => Some(Anchor::Birth { on, due }),
            (Some(due), None) => Some(Anchor::Due(due)),
            (None, None) => None,
        }
    }

    /// The reported day of birth.
    pub fn birth(&self) -> Option<Day> {
        match self {
            Anchor::Due(_) => None,
            Anchor::Birth { on, .. } => Some(*on),
        }
    }

    /// The due date, where known.
    pub fn due(&self) -> Option<Day> {
        match self {
            Anchor::Due(due) => Some(*due),
            Anchor::Birth { due, .. } => *due,
        }
    }

    /// True where the child was born before 37 weeks by the due date on record.
    pub fn is_preterm(&self) -> bool {
        matches!(self, Anchor::Birth { on, due: Some(due) } if age::is_preterm(*on, *due))
    }

    /// Day 0 of one of the two clocks of a child; `None` during pregnancy.
    fn day_zero(&self, clock: Clock) -> Option<Day> {
        match (self, clock) {
            (Anchor::Due(_), _) => None,
            (Anchor::Birth { due: Some(due), .. }, Clock::Corrected) if self.is_preterm() => Some(*due),
            (Anchor::Birth { on, .. }, _) => Some(*on),
        }
    }
}

/// Which clock an article follows for a child born preterm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// From the day of birth: vaccines, law, celebrations.
    #[default]
    Calendar,
    /// From the due date for preterm children: development, weaning.
    Corrected,
}

/// Whether the day of birth is counted as day 0 or as day 1 (百日 counts it as day 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayCount {
    /// 生後0日 is the day of birth.
    #[default]
    FromZero,
    /// 生後1日目 is the day of birth.
    FromOne,
}

/// The tenant's choices that move a position on the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customs {
    /// When a child of 29 February celebrates.
    #[serde(default)]
    pub leap_birthday: LeapBirthday,
    /// How days since birth are counted in words and for the 100th and 1000th day.
    #[serde(default)]
    pub day_count: DayCount,
}

/// The last day of a series for one child.
///
/// ```
/// use kizuna_domain::{day::Day, position::{Customs, EndRule}};
/// let birth: Day = "2020-04-02".parse().unwrap();
/// let end: EndRule = "school:1".parse().unwrap();
/// assert_eq!(end.last_day(birth, &Customs::default()).unwrap().to_string(), "2028-03-31");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EndRule {
    /// The n-th birthday itself: `birthday:3`.
    OnBirthday(u8),
    /// The day before the n-th birthday: `before-birthday:3`.
    DayBeforeBirthday(u8),
    /// 31 March of a school grade, 0 being 年長: `school:0`.
    SchoolYearEnd(u8),
    /// The day on which the law counts the age as attained: `age:18`.
    LegalAge(u8),
}

impl EndRule {
    /// The last day on which the series may reach a child born on `birth`.
    pub fn last_day(self, birth: Day, customs: &Customs) -> Option<Day> {
        match self {
            EndRule::OnBirthday(years) => age::celebrated(birth, u16::from(years) * 12, customs.leap_birthday),
            EndRule::DayBeforeBirthday(years) => {
                age::celebrated(birth, u16::from(years) * 12, customs.leap_birthday).map(|day| day - 1)
            }
            EndRule::SchoolYearEnd(grade) => Day::new(age::school_entry(birth).year() + i16::from(grade), 3, 31),
            EndRule::LegalAge(years) => age::attained(birth, u16::from(years) * 12),
        }
    }

    /// The births, first and last, whose series ends on `on`.
    fn births_ending(self, on: Day, customs: Customs) -> Option<(Day, Day)> {
        match self {
            EndRule::OnBirthday(years) => age::births_celebrating(u16::from(years) * 12, on, customs.leap_birthday),
            EndRule::DayBeforeBirthday(years) => {
                age::births_celebrating(u16::from(years) * 12, on + 1, customs.leap_birthday)
            }
            EndRule::SchoolYearEnd(grade) => ((on.month(), on.day_of_month()) == (3, 31))
                .then(|| age::births_entering_school(on.year() - i16::from(grade))),
            EndRule::LegalAge(years) => {
                let months = u16::from(years) * 12;
                let births = age::births_celebrating(months, on + 1, LeapBirthday::March1);
                births.filter(|(first, _)| age::attained(*first, months) == Some(on))
            }
        }
    }
}

/// A text that is not an end rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an end rule; use birthday:3, before-birthday:3, school:0 or age:18")]
pub struct NotAnEndRule(pub String);

impl FromStr for EndRule {
    type Err = NotAnEndRule;
    fn from_str(text: &str) -> Result<EndRule, NotAnEndRule> {
        let wrong = || NotAnEndRule(text.to_owned());
        let (kind, number) = text.split_once(':').ok_or_else(wrong)?;
        let years = || {
            self::number(number, YEARS_MAX)
                .filter(|years| *years > 0)
                .ok_or_else(wrong)
        };
        match kind {
            "birthday" => Ok(EndRule::OnBirthday(years()?)),
            "before-birthday" => Ok(EndRule::DayBeforeBirthday(years()?)),
            "school" => self::number(number, GRADE_MAX)
                .map(EndRule::SchoolYearEnd)
                .ok_or_else(wrong),
            "age" => Ok(EndRule::LegalAge(years()?)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for EndRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndRule::OnBirthday(n) => write!(f, "birthday:{n}"),
            EndRule::DayBeforeBirthday(n) => write!(f, "before-birthday:{n}"),
            EndRule::SchoolYearEnd(n) => write!(f, "school:{n}"),
            EndRule::LegalAge(n) => write!(f, "age:{n}"),
        }
    }
}

impl TryFrom<String> for EndRule {
    type Error = NotAnEndRule;
    fn try_from(text: String) -> Result<EndRule, NotAnEndRule> {
        text.parse()
    }
}

impl From<EndRule> for String {
    fn from(end: EndRule) -> String {
        end.to_string()
    }
}

/// A place on the stage axis, written as editors write it: `12w3d`, `d30`, `m4`, `n100`, `s0-03-31`, `last`.
///
/// The order is that of a message: what is celebrated comes before what is everyday, and the farewell last.
///
/// ```
/// use kizuna_domain::position::Position;
/// let position: Position = "12w3d".parse().unwrap();
/// assert_eq!(position, Position::GestationalDay(87));
/// assert_eq!(position.to_string(), "12w3d");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Position {
    /// The n-th day as the tenant counts days (100th, 1000th).
    CountedDay(u16),
    /// Completed months as celebrated; birthdays are multiples of twelve.
    AgeMonth(u16),
    /// A date within a school year: grade 0 is 年長, 1 is 小1.
    SchoolDate {
        /// School grade, 0 to 12.
        grade: u8,
        /// Month, 1 to 12.
        month: i8,
        /// Day of the month.
        day: i8,
    },
    /// Days of gestation, 28 (4w0d) to 293 (41w6d).
    GestationalDay(u16),
    /// Days since birth, the day of birth being 0.
    AgeDay(u16),
    /// The last day of the series by the tenant's end rule.
    LastDay,
    /// The one neutral question at 42w0d where no birth was reported.
    CheckIn,
}

/// The anchors that stand at one position on one day: an index lookup, not a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnchorRange {
    /// Which date is compared.
    pub by: AnchorDate,
    /// First date, inclusive.
    pub from: Day,
    /// Last date, inclusive.
    pub until: Day,
}

/// The date an [`AnchorRange`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AnchorDate {
    /// Due date of a pregnancy without a reported birth.
    Due,
    /// Day of birth.
    Birth,
    /// Due date of a child born preterm.
    PretermDue,
}

impl Position {
    /// The day on which this position comes for one anchor; `None` where it never comes.
    ///
    /// A day outside the series (before birth, after the last day) counts as never.
    ///
    /// ```
    /// use kizuna_domain::position::{Anchor, Clock, Customs, EndRule, Position};
    /// let anchor = Anchor::Birth { on: "2026-08-31".parse().unwrap(), due: None };
    /// let month: Position = "m1".parse().unwrap();
    /// let day = month.falls_on(&anchor, Clock::Calendar, EndRule::OnBirthday(3), &Customs::default());
    /// assert_eq!(day.unwrap().to_string(), "2026-09-30");
    /// ```
    pub fn falls_on(self, anchor: &Anchor, clock: Clock, end: EndRule, customs: &Customs) -> Option<Day> {
        let day = self.comes_on(anchor, clock, end, *customs)?;
        let Some(birth) = anchor.birth() else { return Some(day) };
        (birth <= day && day <= end.last_day(birth, customs)?).then_some(day)
    }

    /// The last day of the stage that this position names: a month lasts until the next one is complete, any other
    /// position for its one day. `None` where it never comes, or comes after a birth that nobody has reported.
    ///
    /// Unlike [`Position::falls_on`] it may lie outside the series: it says how long something is true.
    ///
    /// ```
    /// use kizuna_domain::position::{Anchor, Clock, Customs, EndRule, Position};
    /// let anchor = Anchor::Birth { on: "2026-08-31".parse().unwrap(), due: None };
    /// let month: Position = "m11".parse().unwrap();
    /// let day = month.lasts_until(&anchor, Clock::Calendar, EndRule::OnBirthday(3), &Customs::default());
    /// assert_eq!(day.unwrap().to_string(), "2027-08-30");
    /// ```
    pub fn lasts_until(self, anchor: &Anchor, clock: Clock, end: EndRule, customs: &Customs) -> Option<Day> {
        match self {
            Position::AgeMonth(months) => Position::AgeMonth(months + 1)
                .comes_on(anchor, clock, end, *customs)
                .map(|next| next - 1),
            Position::GestationalDay(_)
            | Position::AgeDay(_)
            | Position::CountedDay(_)
            | Position::SchoolDate { .. }
            | Position::LastDay
            | Position::CheckIn => self.comes_on(anchor, clock, end, *customs),
        }
    }

    /// The day of this position by the dates alone, whether or not the series runs on it.
    pub(crate) fn comes_on(self, anchor: &Anchor, clock: Clock, end: EndRule, customs: Customs) -> Option<Day> {
        if let Anchor::Due(due) = anchor {
            return match self {
                Position::GestationalDay(day) => Some(*due - DUE_AT + i32::from(day)),
                Position::CheckIn => Some(*due - DUE_AT + CHECK_IN_AT),
                Position::LastDay
                | Position::CountedDay(_)
                | Position::AgeMonth(_)
                | Position::SchoolDate { .. }
                | Position::AgeDay(_) => None,
            };
        }
        let birth = anchor.birth()?;
        let zero = anchor.day_zero(clock)?;
        match self {
            Position::GestationalDay(_) | Position::CheckIn => None,
            Position::AgeDay(days) => Some(zero + i32::from(days)),
            Position::CountedDay(days) => Some(zero + counted_offset(days, customs)),
            Position::AgeMonth(months) => age::celebrated(zero, months, customs.leap_birthday),
            Position::SchoolDate { grade, month, day } => {
                let year = age::school_entry(birth).year() + i16::from(grade) - 1;
                Day::new(if month >= 4 { year } else { year + 1 }, month, day)
            }
            Position::LastDay => end.last_day(birth, &customs),
        }
    }

    /// The anchors for which this position comes on `on`.
    ///
    /// A superset: whoever is found is then judged by [`Position::falls_on`].
    pub fn due_anchors(self, on: Day, clock: Clock, end: EndRule, customs: &Customs) -> Vec<AnchorRange> {
        let one = |by, day| AnchorRange {
            by,
            from: day,
            until: day,
        };
        let by_zero = |(from, until): (Day, Day)| {
            let births = AnchorRange {
                by: AnchorDate::Birth,
                from,
                until,
            };
            match clock {
                Clock::Calendar => vec![births],
                Clock::Corrected => vec![
                    births,
                    AnchorRange {
                        by: AnchorDate::PretermDue,
                        from,
                        until,
                    },
                ],
            }
        };
        match self {
            Position::GestationalDay(day) => vec![one(AnchorDate::Due, on + DUE_AT - i32::from(day))],
            Position::CheckIn => vec![one(AnchorDate::Due, on + DUE_AT - CHECK_IN_AT)],
            Position::AgeDay(days) => by_zero((on - i32::from(days), on - i32::from(days))),
            Position::CountedDay(days) => {
                let zero = on - counted_offset(days, *customs);
                by_zero((zero, zero))
            }
            Position::AgeMonth(months) => age::births_celebrating(months, on, customs.leap_birthday)
                .map(by_zero)
                .unwrap_or_default(),
            Position::SchoolDate { grade, month, day } if (on.month(), on.day_of_month()) == (month, day) => {
                let (from, until) = age::births_entering_school(on.fiscal_year() - i16::from(grade) + 1);
                vec![AnchorRange {
                    by: AnchorDate::Birth,
                    from,
                    until,
                }]
            }
            Position::SchoolDate { .. } => vec![],
            Position::LastDay => end
                .births_ending(on, *customs)
                .map(|(from, until)| {
                    vec![AnchorRange {
                        by: AnchorDate::Birth,
                        from,
                        until,
                    }]
                })
                .unwrap_or_default(),
        }
    }

    /// True for positions on the pregnancy axis.
    pub fn is_pregnancy(self) -> bool {
        matches!(self, Position::GestationalDay(_) | Position::CheckIn)
    }
}

fn counted_offset(days: u16, customs: Customs) -> i32 {
    match customs.day_count {
        DayCount::FromZero => i32::from(days),
        DayCount::FromOne => i32::from(days) - 1,
    }
}

/// Every position that one anchor stands at on one day, in the order of a message.
///
/// At most one of them is gestational; both clocks are asked, and the caller keeps those it has an article for.
pub fn positions_on(anchor: &Anchor, on: Day, clock: Clock, end: EndRule, customs: &Customs) -> Vec<Position> {
    let mut found = Vec::with_capacity(6);
    if let Anchor::Due(due) = anchor {
        match gestational_day(*due, on) {
            Some(day) => found.push(Position::GestationalDay(day)),
            None if on - *due == CHECK_IN_AT - DUE_AT => found.push(Position::CheckIn),
            None => {}
        }
        return found;
    }
    let (Some(birth), Some(zero)) = (anchor.birth(), anchor.day_zero(clock)) else {
        return found;
    };
    let Some(last) = end.last_day(birth, customs) else {
        return found;
    };
    if on < birth || on > last {
        return found;
    }
    if clock == Clock::Calendar && on == last {
        found.push(Position::LastDay);
    }
    let days = on - zero;
    if let Ok(days) = u16::try_from(days) {
        let counted = days + u16::from(customs.day_count == DayCount::FromOne);
        found.push(Position::CountedDay(counted));
        let months = age::completed_months(zero, on, customs.leap_birthday);
        if let Some(months) = months.filter(|m| age::celebrated(zero, *m, customs.leap_birthday) == Some(on)) {
            found.push(Position::AgeMonth(months));
        }
        found.push(Position::AgeDay(days));
    }
    if clock == Clock::Calendar {
        let grade = on.fiscal_year() - age::school_entry(birth).year() + 1;
        if let Ok(grade) = u8::try_from(grade) {
            found.push(Position::SchoolDate {
                grade,
                month: on.month(),
                day: on.day_of_month(),
            });
        }
    }
    found.sort_unstable();
    found
}

/// Days of gestation on `on`, where a message belongs to that day: 28 (4w0d) to 293 (41w6d).
///
/// ```
/// use kizuna_domain::{day::Day, position::gestational_day};
/// let day = |s: &str| s.parse::<Day>().unwrap();
/// assert_eq!(gestational_day(day("2026-12-01"), day("2026-12-14")), Some(293));
/// assert_eq!(gestational_day(day("2026-12-01"), day("2026-12-15")), None);
/// ```
#[inline]
pub fn gestational_day(due: Day, on: Day) -> Option<u16> {
    let day = DUE_AT - (due - on);
    (i32::from(GESTATION_FIRST)..=i32::from(GESTATION_LAST))
        .contains(&day)
        .then_some(day as u16)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::GestationalDay(day) => write!(f, "{}w{}d", day / 7, day % 7),
            Position::AgeDay(days) => write!(f, "d{days}"),
            Position::CountedDay(days) => write!(f, "n{days}"),
            Position::AgeMonth(months) => write!(f, "m{months}"),
            Position::SchoolDate { grade, month, day } => write!(f, "s{grade}-{month:02}-{day:02}"),
            Position::LastDay => f.write_str("last"),
            Position::CheckIn => f.write_str("check-in"),
        }
    }
}

/// A text that is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a slot; use 4w0d…41w6d, d0…, m1…, n100, s0-03-31 or last")]
pub struct NotAPosition(pub String);

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Position, NotAPosition> {
        parse(text).ok_or_else(|| NotAPosition(text.chars().take(20).collect()))
    }
}

fn parse(text: &str) -> Option<Position> {
    match text {
        "last" => return Some(Position::LastDay),
        "check-in" => return Some(Position::CheckIn),
        _ => {}
    }
    if let Some((weeks, days)) = text.strip_suffix('d').and_then(|rest| rest.split_once('w')) {
        let (weeks, days) = (number::<u16>(weeks, 41)?, number::<u16>(days, 6)?);
        let day = weeks * 7 + days;
        return (GESTATION_FIRST..=GESTATION_LAST)
            .contains(&day)
            .then_some(Position::GestationalDay(day));
    }
    let (axis, rest) = text.split_at_checked(1)?;
    match axis {
        "d" => number(rest, AGE_DAYS_MAX).map(Position::AgeDay),
        "n" => number(rest, AGE_DAYS_MAX).filter(|n| *n > 0).map(Position::CountedDay),
        "m" => number(rest, AGE_MONTHS_MAX).filter(|n| *n > 0).map(Position::AgeMonth),
        "s" => {
            let mut parts = rest.split('-');
            let (grade, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let (grade, month, day) = (
                number(grade, GRADE_MAX)?,
                number::<i8>(month, 12)?,
                number::<i8>(day, 31)?,
            );
            // A leap year, so that 29 February can be written.
            (parts.next().is_none() && Day::new(2024, month, day).is_some()).then_some(Position::SchoolDate {
                grade,
                month,
                day,
            })
        }
        _ => None,
    }
}

fn number<T: FromStr + PartialOrd + Copy>(text: &str, max: T) -> Option<T> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| plain && *n <= max)
}

impl TryFrom<String> for Position {
    type Error = NotAPosition;
    fn try_from(text: String) -> Result<Position, NotAPosition> {
        text.parse()
    }
}

impl From<Position> for String {
    fn from(position: Position) -> String {
        position.to_string()
    }
}

/// What `position` tells of one family on one day; a field is `None` where nothing of that kind holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The day asked for.
    pub on: Day,
    /// Completed weeks of pregnancy, 4 to 41.
    pub gestational_week: Option<u16>,
    /// Days beyond the completed week, 0 to 6.
    pub gestational_day: Option<u16>,
    /// Days since birth; the day of birth is 0.
    pub age_days: Option<i32>,
    /// Completed years by the celebrated clock.
    pub age_years: Option<u16>,
    /// Completed months by the celebrated clock.
    pub age_months: Option<u16>,
    /// Days since the due date for a child born before 37 weeks.
    pub corrected_age_days: Option<i32>,
    /// 1 April of the first school year.
    pub school_entry_on: Option<Day>,
}

/// Where a family stands on one day.
pub fn standing(anchor: &Anchor, on: Day, customs: &Customs) -> Standing {
    let born = anchor.birth().filter(|birth| *birth <= on);
    let gestation = match (born, anchor.due()) {
        (None, Some(due)) => gestational_day(due, on),
        (None, None) | (Some(_), _) => None,
    };
    let months = born.and_then(|birth| age::completed_months(birth, on, customs.leap_birthday));
    Standing {
        on,
        gestational_week: gestation.map(|day| day / 7),
        gestational_day: gestation.map(|day| day % 7),
        age_days: born.map(|birth| on - birth),
        age_years: months.map(|months| months / 12),
        age_months: months,
        corrected_age_days: born.and_then(|birth| age::corrected_days(birth, anchor.due(), on)),
        school_entry_on: anchor.birth().map(age::school_entry),
    }
}

/// The stage as the reader sees it above a message: 妊娠12週3日, 生後30日, 1歳2か月.
///
/// Empty after 41w6d without a reported birth: nothing is assumed.
///
/// ```
/// use kizuna_domain::{day::Day, position::{stage_label, Anchor, Customs}};
/// let due: Day = "2026-12-01".parse().unwrap();
/// let on: Day = "2026-11-22".parse().unwrap();
/// assert_eq!(stage_label(&Anchor::Due(due), on, &Customs::default()), "妊娠38週5日");
/// ```
pub fn stage_label(anchor: &Anchor, on: Day, customs: &Customs) -> String {
    let standing = standing(anchor, on, customs);
    if let (Some(week), Some(day)) = (standing.gestational_week, standing.gestational_day) {
        return format!("妊娠{week}週{day}日");
    }
    match (standing.age_days, standing.age_months) {
        (Some(days), _) if days <= 100 => match customs.day_count {
            DayCount::FromZero => format!("生後{days}日"),
            DayCount::FromOne => format!("生後{}日目", days + 1),
        },
        (Some(_), Some(months)) => match (months / 12, months % 12) {
            (0, months) => format!("生後{months}か月"),
            (years, 0) => format!("{years}歳"),
            (years, months) => format!("{years}歳{months}か月"),
        },
        // Past 41w6d nobody but the family knows: no stage is named.
        _ if anchor.due().is_some_and(|due| on - due >= CHECK_IN_AT - DUE_AT) => String::new(),
        _ => "妊娠中".to_owned(),
    }
}
