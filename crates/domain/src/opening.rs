//! Opening hours that a program understands: whether a desk is open now, and when it opens next.
//!
//! Hours are written in words that people write on doors: `月-金 8:30-17:15; 水 8:30-20:00`, with the days on which a desk
//! is closed nevertheless beside them: `祝日`, `12-29..01-03`. Times are those of the tenant's clocks.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

use crate::content::Desk;
use crate::day::Day;
use crate::holidays;

/// Rules that a desk's hours may have: more than a week's days, each with a special one.
const RULES_MAX: usize = 20;
/// Days ahead in which the next opening is looked for: a desk that opens once a month is found.
const LOOK_DAYS_MAX: i32 = 40;
/// Minutes of a day.
const DAY_MINUTES: i32 = 24 * 60;

/// When a desk is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    open: Vec<Rule>,
    closed: Vec<Days>,
}

/// What a desk is at an instant; times are those of the tenant's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Somebody answers now.
    Open {
        /// When they stop; `None` where they do not within weeks.
        until: Option<DateTime>,
    },
    /// Nobody answers now.
    Closed {
        /// When somebody will; `None` where nobody does within weeks.
        next: Option<DateTime>,
    },
}

/// Hours that cannot be read, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}': {en}")]
pub struct NotHours {
    /// The word that is not understood.
    pub word: String,
    /// What to do, in Japanese.
    pub ja: &'static str,
    /// What to do, in English.
    pub en: &'static str,
}

/// Some days with the hours on them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    days: Vec<Days>,
    spans: Vec<Span>,
}

/// Days that one word names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Every,
    /// From one day of the week to another, both counted from Monday.
    Week(i8, i8),
    /// The nth such day of a month.
    Nth(i8, i8),
    Holidays,
    /// From one month and day to another, perhaps over the end of the year.
    Dates((i8, i8), (i8, i8)),
}

/// Minutes after midnight; the end may lie on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: i32,
    until: i32,
}

impl Hours {
    /// Reads hours, and the days without them.
    ///
    /// ```
    /// use kizuna_domain::opening::Hours;
    /// let every_week: [&str; 0] = [];
    /// assert!(Hours::parse("月-金 8:30-17:15", &["祝日", "12-29..01-03"]).is_ok());
    /// assert!(Hours::parse("第2土・第4土 9:30-12:00 13:00-15:30", &every_week).is_ok());
    /// assert!(Hours::parse("24時間", &every_week).is_ok());
    /// assert!(Hours::parse("月-金 17:15", &every_week).is_err());
    /// ```
    pub fn parse<T: AsRef<str>>(open: &str, closed: &[T]) -> Result<Hours, NotHours> {
        let open: String = open.nfkc().collect();
        let rules = open.split(';').map(str::trim).filter(|rule| !rule.is_empty());
        let rules: Vec<Rule> = rules.map(rule).collect::<Result<_, _>>()?;
        if rules.is_empty() || rules.len() > RULES_MAX || closed.len() > RULES_MAX {
            return Err(NotHours {
                word: open,
                ja: "「月-金 8:30-17:15」のように、1つから20までを「;」で区切って書いてください",
                en: "write 1 to 20 rules like '月-金 8:30-17:15', separated by ';'",
            });
        }
        let closed = closed.iter().map(|word| {
            let word: String = word.as_ref().nfkc().collect();
            days(word.trim()).ok_or_else(|| not_days(&word))
        });
        Ok(Hours {
            open: rules,
            closed: closed.collect::<Result<_, _>>()?,
        })
    }

    /// The hours of a desk; `None` where it says none, or none that can be read.
    pub fn of(desk: &Desk) -> Option<Hours> {
        (!desk.open.is_empty()).then_some(())?;
        Hours::parse(&desk.open, &desk.closed).ok()
    }

    /// Whether somebody answers at an instant, by the clocks of `zone`.
    pub fn state(&self, now: Timestamp, zone: &TimeZone) -> Opening {
        let today = Day::of(now, zone);
        let clock = zone.to_datetime(now).time();
        let now = i32::from(clock.hour()) * 60 + i32::from(clock.minute());
        // Minutes from today's midnight; yesterday's last hours may reach into today.
        let mut stretches: Vec<Span> = (-1..=LOOK_DAYS_MAX)
            .flat_map(|ahead| {
                let midnight = ahead * DAY_MINUTES;
                self.spans(today + ahead).map(move |span| Span {
                    from: midnight + span.from,
                    until: midnight + span.until,
                })
            })
            .collect();
        stretches.sort_by_key(|stretch| stretch.from);
        let mut until = now;
        for stretch in &stretches {
            if stretch.from <= until && stretch.until > until {
                until = stretch.until;
            }
        }
        if until > now {
            let seen_to_the_end = until > LOOK_DAYS_MAX * DAY_MINUTES;
            return Opening::Open {
                until: (!seen_to_the_end).then(|| moment(today, until)).flatten(),
            };
        }
        let next = stretches.iter().find(|stretch| stretch.from > now);
        Opening::Closed {
            next: next.and_then(|stretch| moment(today, stretch.from)),
        }
    }

    /// The hours that begin on a day.
    fn spans(&self, day: Day) -> impl Iterator<Item = Span> {
        let names = move |all: &[Days]| all.iter().any(|days| days.name(day));
        let open = !names(&self.closed);
        let rules = self.open.iter().filter(move |rule| open && names(&rule.days));
        rules.flat_map(|rule| rule.spans.iter().copied())
    }
}

/// So many minutes after a day's midnight.
fn moment(day: Day, minutes: i32) -> Option<DateTime> {
    let clock = minutes.rem_euclid(DAY_MINUTES);
    let time = Time::new((clock / 60) as i8, (clock % 60) as i8, 0, 0).ok()?;
    Some((day + minutes.div_euclid(DAY_MINUTES)).date().to_datetime(time))
}

impl Days {
    fn name(&self, day: Day) -> bool {
        let weekday = day.date().weekday().to_monday_zero_offset();
        match *self {
            Days::Every => true,
            Days::Week(from, to) if from <= to => (from..=to).contains(&weekday),
            Days::Week(from, to) => weekday >= from || weekday <= to,
            Days::Nth(nth, of) => weekday == of && (day.day_of_month() - 1) / 7 + 1 == nth,
            Days::Holidays => holidays::name(day).is_some(),
            Days::Dates(from, to) => {
                let date = (day.month(), day.day_of_month());
                if from <= to {
                    from <= date && date <= to
                } else {
                    date >= from || date <= to
                }
            }
        }
    }
}

/// One rule: words for days, then hours.
fn rule(text: &str) -> Result<Rule, NotHours> {
    let mut rule = Rule {
        days: Vec::new(),
        spans: Vec::new(),
    };
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '・' | ',' | '、'));
    for word in words.filter(|word| !word.is_empty()) {
        if let Some(span) = span(word) {
            rule.spans.push(span);
        } else if word.contains(':') {
            return Err(NotHours {
                word: word.to_owned(),
                ja: "時間は「8:30-17:15」のように書いてください。おわりは24:00まで、夜をこえるときは「19:00-8:00」です",
                en: "write hours like '8:30-17:15', at the latest 24:00, and '19:00-8:00' over night",
            });
        } else if rule.spans.is_empty()
            && let Some(days) = days(word)
        {
            rule.days.push(days);
        } else {
            return Err(not_days(word));
        }
    }
    if rule.spans.is_empty() {
        return Err(NotHours {
            word: text.to_owned(),
            ja: "曜日のあとに、時間を「8:30-17:15」のように書いてください",
            en: "write hours like '8:30-17:15' behind the days",
        });
    }
    if rule.days.is_empty() {
        rule.days.push(Days::Every);
    }
    Ok(rule)
}

fn not_days(word: &str) -> NotHours {
    NotHours {
        word: word.to_owned(),
        ja: "日は「月-金」「土」「第2土」「平日」「祝日」「毎日」「12-29..01-03」のように、時間より前に書いてください",
        en: "write days like '月-金', '土', '第2土', '平日', '祝日', '毎日' or '12-29..01-03', before the hours",
    }
}

/// The two sides of a range, whatever stroke stands between them.
fn sides(word: &str) -> Option<(&str, &str)> {
    word.split_once(['-', '~', '〜', '–'])
}

fn span(word: &str) -> Option<Span> {
    if word == "24時間" {
        return Some(Span {
            from: 0,
            until: DAY_MINUTES,
        });
    }
    let (from, until) = sides(word)?;
    let minutes = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
        let minutes = hour * 60 + minute;
        ((0..60).contains(&minute) && (0..=DAY_MINUTES).contains(&minutes)).then_some(minutes)
    };
    let (from, until) = (minutes(from)?, minutes(until)?);
    // Hours that end before they begin end on the next day.
    let until = if until <= from { until + DAY_MINUTES } else { until };
    (from < DAY_MINUTES).then_some(Span { from, until })
}

fn days(word: &str) -> Option<Days> {
    match word {
        "毎日" => return Some(Days::Every),
        "平日" => return Some(Days::Week(0, 4)),
        "祝日" | "祝" => return Some(Days::Holidays),
        _ => {}
    }
    if let Some(rest) = word.strip_prefix('第') {
        let nth = rest.chars().next()?.to_digit(10).filter(|nth| (1..=5).contains(nth))?;
        return Some(Days::Nth(nth as i8, weekday(rest.get(1..)?)?));
    }
    if let Some(day) = weekday(word) {
        return Some(Days::Week(day, day));
    }
    if let Some((from, to)) = word.split_once("..") {
        return Some(Days::Dates(month_day(from)?, month_day(to)?));
    }
    if let Some(date) = month_day(word) {
        return Some(Days::Dates(date, date));
    }
    let (from, to) = sides(word)?;
    Some(Days::Week(weekday(from)?, weekday(to)?))
}

/// 月, 月曜 or 月曜日, counted from Monday.
fn weekday(word: &str) -> Option<i8> {
    let day = match word.strip_suffix("曜日").or(word.strip_suffix('曜')).unwrap_or(word) {
        "月" => Weekday::Monday,
        "火" => Weekday::Tuesday,
        "水" => Weekday::Wednesday,
        "木" => Weekday::Thursday,
        "金" => Weekday::Friday,
        "土" => Weekday::Saturday,
        "日" => Weekday::Sunday,
        _ => return None,
    };
    Some(day.to_monday_zero_offset())
}

/// `12-29`, a day that there is in a leap year.
fn month_day(word: &str) -> Option<(i8, i8)> {
    let (month, day) = word.split_once('-')?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    Date::new(2024, month, day).ok().map(|_| (month, day))
}
