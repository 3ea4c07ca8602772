//! A second opinion: what is due, found by walking through the calendar one day at a time.
//!
//! Nothing here computes a date. A walk knows today's year, month and day and what tomorrow is called, and notices
//! when a month is complete, a school year begins or a week of pregnancy is over. It shares no rule with the crate.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use kizuna_domain::age::LeapBirthday;
use kizuna_domain::content::{Item, Owner};
use kizuna_domain::day::Day;
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, AnchorDate, Clock, Customs, DayCount, EndRule, Position};
use kizuna_domain::run::plan::{Programme, Series, judge, lookups};
use kizuna_domain::tenant::{Adoption, JoinPolicy};

use crate::town::{ALL_CUSTOMS, day, item, item_with, numbered_family, programme, series_of};

const FIRST_DAY: &str = "2026-01-15";
const DAYS: i32 = 365;

// ---- The calendar, one day after the other --------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Date {
    year: i32,
    month: u32,
    day: u32,
}

fn days_in(year: i32, month: u32) -> u32 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match (month, leap) {
        (2, true) => 29,
        (2, false) => 28,
        (4 | 6 | 9 | 11, _) => 30,
        _ => 31,
    }
}

impl Date {
    fn read(day: Day) -> Date {
        let date = day.date();
        Date {
            year: date.year().into(),
            month: date.month() as u32,
            day: date.day() as u32,
        }
    }

    fn tomorrow(self) -> Date {
        if self.day < days_in(self.year, self.month) {
            Date {
                day: self.day + 1,
                ..self
            }
        } else if self.month < 12 {
            Date {
                month: self.month + 1,
                day: 1,
                ..self
            }
        } else {
            Date {
                year: self.year + 1,
                month: 1,
                day: 1,
            }
        }
    }

    fn is_last_of_month(self) -> bool {
        self.day == days_in(self.year, self.month)
    }
}

/// When each slot comes for one family, as the walk met it.
type Diary = HashMap<Position, Date>;

/// Years after birth in which nothing more is looked for.
const YEARS: i32 = 9;

/// Walks from the first day of a child and writes down days and months.
fn walk_child(zero: Date, customs: Customs) -> Diary {
    let mut diary = Diary::new();
    let mut today = zero;
    let (mut age, mut months) = (0, 0);
    let mut leap_feast_pending = false;
    while today.year <= zero.year + YEARS {
        let counted = if customs.day_count == DayCount::FromOne {
            age + 1
        } else {
            age
        };
        diary.insert(Position::AgeDay(age), today);
        diary.insert(Position::CountedDay(counted), today);
        if age > 0 {
            let same_day = today.day == zero.day;
            let missing_day = today.is_last_of_month() && zero.day > today.day;
            let born_on_leap_day = (zero.month, zero.day) == (2, 29);
            let birthday = (months + 1) % 12 == 0;
            if missing_day && born_on_leap_day && birthday && customs.leap_birthday == LeapBirthday::March1 {
                leap_feast_pending = true;
            } else if same_day || missing_day || leap_feast_pending {
                leap_feast_pending = false;
                months += 1;
                diary.insert(Position::AgeMonth(months), today);
            }
        }
        age += 1;
        today = today.tomorrow();
    }
    diary
}

/// Walks through the school years and to the end of the series: the school's calendar, the last day included.
fn walk_school(birth: Date, end: EndRule, child: &Diary) -> Diary {
    let mut diary = Diary::new();
    let mut today = birth;
    // Age in years as the law counts it: complete at the end of the day before the birthday.
    let mut legal_years = 0;
    let mut grade: Option<u8> = None;
    while today.year < birth.year + YEARS {
        let tomorrow = today.tomorrow();
        if (today.month, today.day) == (4, 1) {
            grade = match grade {
                Some(grade) => Some(grade + 1),
                None => enters_school_a_year_later(birth, today).then_some(0),
            };
        }
        if let Some(grade) = grade {
            let (month, day) = (today.month as i8, today.day as i8);
            diary.insert(Position::SchoolDate { grade, month, day }, today);
        }
        let tomorrow_is_a_year = tomorrow > birth && (tomorrow.month, tomorrow.day) == (birth.month, birth.day);
        let born_on_leap_day = (birth.month, birth.day) == (2, 29);
        let no_such_day = born_on_leap_day && (today.month, today.day) == (2, 28) && today.is_last_of_month();
        if tomorrow_is_a_year || no_such_day {
            legal_years += 1;
        }
        let birthday = |years: u8| child.get(&Position::AgeMonth(u16::from(years) * 12)).copied();
        let over = match end {
            EndRule::OnBirthday(years) => birthday(years) == Some(today),
            EndRule::DayBeforeBirthday(years) => birthday(years) == Some(tomorrow),
            EndRule::SchoolYearEnd(last) => grade == Some(last) && (today.month, today.day) == (3, 31),
            EndRule::LegalAge(years) => legal_years == years,
        };
        if over {
            diary.entry(Position::LastDay).or_insert(today);
        }
        today = tomorrow;
    }
    diary
}

/// True where a child of this birthday is six, by law, when 1 April comes round again: whose sixth birthday is on it
/// or earlier has attained six on 31 March or earlier.
fn enters_school_a_year_later(birth: Date, april: Date) -> bool {
    let sixth_birthday = Date {
        year: birth.year + 6,
        ..birth
    };
    sixth_birthday
        <= Date {
            year: april.year + 1,
            ..april
        }
}

/// Walks from the first day of the last period to 42 weeks.
fn walk_pregnancy(first: Date) -> Diary {
    let mut diary = Diary::new();
    let mut today = first;
    for gestation in 0..=294 {
        match gestation {
            28..=293 => diary.insert(Position::GestationalDay(gestation), today),
            294 => diary.insert(Position::CheckIn, today),
            _ => None,
        };
        today = today.tomorrow();
    }
    diary
}

/// Everything the oracle knows about one family in one series.
struct Life {
    calendar: Rc<Diary>,
    corrected: Rc<Diary>,
    school: Diary,
    first: Date,
    last: Date,
    /// Articles by the day on which one of their slots comes.
    pages: HashMap<Date, Vec<(usize, Position)>>,
    /// Articles with a date of their own.
    notices: Vec<usize>,
}

/// The lives of one family in every series.
fn lives(anchor: Anchor, programme: &Programme) -> Vec<Life> {
    let customs = programme.settings.customs;
    let (calendar, corrected) = match anchor {
        Anchor::Due(due) => (Rc::new(walk_pregnancy(Date::read(due - 280))), Rc::default()),
        Anchor::Birth { on, due } => {
            let calendar = Rc::new(walk_child(Date::read(on), customs));
            match due {
                // Three weeks and a day before the due date is 36w6d.
                Some(due) if due - on >= 22 => (calendar, Rc::new(walk_child(Date::read(due), customs))),
                Some(_) | None => (calendar.clone(), calendar),
            }
        }
    };
    let in_series = |series: &Series| {
        let (school, first, last) = match anchor {
            Anchor::Due(_) => {
                let (first, last) = (Position::GestationalDay(28), Position::GestationalDay(293));
                (Diary::new(), calendar[&first], calendar[&last])
            }
            Anchor::Birth { on, .. } => {
                let school = walk_school(Date::read(on), series.adoption.end, &calendar);
                let last = school[&Position::LastDay];
                (school, Date::read(on), last)
            }
        };
        let (calendar, corrected) = (calendar.clone(), corrected.clone());
        let mut life = Life {
            calendar,
            corrected,
            school,
            first,
            last,
            pages: HashMap::new(),
            notices: vec![],
        };
        for (index, item) in series.items().iter().enumerate() {
            if !item.placement.on.is_empty() {
                life.notices.push(index);
            }
            for slot in item
                .placement
                .slots
                .iter()
                .filter(|slot| series.adoption.slots.has(**slot))
            {
                if let Some(on) = life.day_of(item.placement.clock, *slot).filter(|on| life.runs(*on)) {
                    life.pages.entry(on).or_default().push((index, *slot));
                }
            }
        }
        life
    };
    programme.series.iter().map(in_series).collect()
}

fn has_two_clocks(slot: Position) -> bool {
    matches!(
        slot,
        Position::AgeDay(_) | Position::AgeMonth(_) | Position::CountedDay(_)
    )
}

impl Life {
    fn runs(&self, on: Date) -> bool {
        self.first <= on && on <= self.last
    }

    fn day_of(&self, clock: Clock, slot: Position) -> Option<Date> {
        let diary = match slot {
            Position::SchoolDate { .. } | Position::LastDay => &self.school,
            _ if has_two_clocks(slot) && clock == Clock::Corrected => &self.corrected,
            _ => &self.calendar,
        };
        diary.get(&slot).copied()
    }

    /// True from the day after a stage: a month is over when the next is complete.
    fn is_over(&self, clock: Clock, slot: Position, on: Date) -> bool {
        match slot {
            Position::AgeMonth(months) => self.day_of(clock, Position::AgeMonth(months + 1)).unwrap() <= on,
            _ => self.day_of(clock, slot).unwrap() < on,
        }
    }
}

// ---- What is due ----------------------------------------------------------------------------------------------------

/// One line for each article that is due: where it stands and which it is.
type Answer = BTreeSet<(String, String)>;

fn oracle(programme: &Programme, lives: &[Life], on: Day, behind: &[Day], follower: &Follower) -> Answer {
    let mut answer = Answer::new();
    let reachable = matches!(follower.reach, Reach::At { .. });
    let fenced = |day: Day| programme.fenced_through.is_some_and(|fence| fence >= day);
    if follower.state != SubscriptionState::Active || !reachable || follower.registered_on > on || fenced(on) {
        return answer;
    }
    let mut days = vec![on];
    days.extend(
        behind
            .iter()
            .copied()
            .filter(|day| !fenced(*day) && *day >= follower.registered_on),
    );
    for (series, life) in programme.series.iter().zip(lives) {
        let track = &series.adoption.track;
        let may_leave = |item: &Item| {
            let p = &item.placement;
            item.approved
                && p.valid_from.is_none_or(|from| from <= on)
                && p.valid_until.is_none_or(|until| until >= on)
                && (p.areas.is_empty() || p.areas.iter().any(|area| Some(area) == follower.area.as_ref()))
        };
        for day in &days {
            let leaves = |item: &Item| may_leave(item) && on - *day <= i32::from(item.placement.useful_days);
            for (index, slot) in life.pages.get(&Date::read(*day)).into_iter().flatten() {
                let item = &series.items()[*index];
                if leaves(item) {
                    let mark = if has_two_clocks(*slot) && item.placement.clock == Clock::Corrected {
                        "~"
                    } else {
                        ""
                    };
                    answer.insert((format!("{track}/{slot}{mark}"), item.article.clone()));
                }
            }
            for item in life.notices.iter().map(|index| &series.items()[*index]) {
                if item.placement.on.contains(day) && leaves(item) && in_band(life, item, *day, follower) {
                    answer.insert((format!("{track}/{day}/{}", item.article), item.article.clone()));
                }
            }
        }
        if series.adoption.join == JoinPolicy::Digest && !fenced(follower.registered_on) {
            let bundle = bundle(series.items(), life, on, follower, &may_leave);
            answer.extend(bundle.into_iter().map(|article| (format!("{track}/digest"), article)));
        }
    }
    let asks_on = lives[0].calendar.get(&Position::CheckIn);
    if days.iter().any(|day| asks_on == Some(&Date::read(*day))) {
        answer.insert(("check-in".into(), String::new()));
    }
    answer
}

fn in_band(life: &Life, item: &Item, on: Day, follower: &Follower) -> bool {
    let date = Date::read(on);
    let born = follower.anchor.birth().is_some();
    let is_pregnancy = |slot: Position| matches!(slot, Position::GestationalDay(_));
    let begun = item
        .placement
        .from_slot
        .is_none_or(|slot| match (is_pregnancy(slot), born) {
            (true, true) => true,
            (false, false) => false,
            _ => life.day_of(Clock::Calendar, slot).unwrap() <= date,
        });
    let over = item
        .placement
        .until_slot
        .is_some_and(|slot| match (is_pregnancy(slot), born) {
            (true, true) => true,
            (false, false) => false,
            _ => life.is_over(Clock::Calendar, slot, date),
        });
    life.runs(date) && begun && !over
}

fn bundle(
    items: &[Item],
    life: &Life,
    on: Day,
    follower: &Follower,
    may_leave: &impl Fn(&Item) -> bool,
) -> Vec<String> {
    let date = Date::read(on);
    let registered = Date::read(follower.registered_on);
    let born = follower.anchor.birth().is_some();
    let is_pregnancy = |slot: Position| matches!(slot, Position::GestationalDay(_));
    let mut known: Vec<(Date, usize)> = Vec::new();
    if on - follower.registered_on > 3 || !life.runs(date) {
        return vec![];
    }
    for (index, item) in items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.placement.must_know && may_leave(item))
    {
        let clock = item.placement.clock;
        let has_come = |slot: &Position| {
            let came = life.day_of(clock, *slot).filter(|day| life.runs(*day));
            (born && is_pregnancy(*slot)) || came.is_some_and(|day| day < registered)
        };
        let until = item.placement.useful_until_slot.unwrap();
        let expires = match (is_pregnancy(until), born) {
            (true, true) => continue,
            (false, false) => life.last,
            _ if life.is_over(clock, until, date) => continue,
            _ => {
                // Walk on while it is not over.
                let mut last = date;
                while !life.is_over(clock, until, last.tomorrow()) {
                    last = last.tomorrow();
                }
                last
            }
        };
        if item.placement.slots.iter().any(has_come) && expires >= date {
            known.push((expires, index));
        }
    }
    known.sort_unstable();
    known
        .into_iter()
        .take(5)
        .map(|(_, index)| items[index].article.clone())
        .collect()
}

fn judged(programme: &Programme, on: Day, behind: &[Day], follower: &Follower) -> Answer {
    let mut answer = Answer::new();
    for due in judge(programme, on, behind, follower).due {
        for index in &due.items {
            let article = programme.series[due.series].items()[*index].article.clone();
            assert!(
                answer.insert((due.slot.to_string(), article)),
                "{} is due twice",
                due.slot
            );
        }
        if due.items.is_empty() {
            answer.insert((due.slot.to_string(), String::new()));
        }
    }
    answer
}

// ---- The invented tenant --------------------------------------------------------------------------------------------

fn desk_items() -> Vec<Item> {
    let mut items: Vec<Item> = (28..=293).map(|g| item(&format!("{}w{}d", g / 7, g % 7))).collect();
    items.extend((0..=100).map(|d| item(&format!("d{d}"))));
    items.extend((103..=364).step_by(3).map(|d| item(&format!("d{d}"))));
    items.extend((1..=72).map(|m| item(&format!("m{m}"))));
    items.extend(["n100", "n1000", "last", "s0-04-01", "s0-10-01", "s1-03-31"].map(item));
    let corrected = |place: String| {
        item_with(&place, |item| {
            item.article = format!("{place}-corrected");
            item.placement.clock = Clock::Corrected;
            item.placement.useful_days = 1;
        })
    };
    items.extend((4..=18).map(|m| corrected(format!("m{m}"))));
    items.extend([30, 60, 90, 400].map(|d| corrected(format!("d{d}"))));
    items.push(corrected("n100 12w0d last".into()));
    for (number, item) in items.iter_mut().enumerate() {
        let pregnant = item.placement.slots.iter().any(|slot| slot.is_pregnancy());
        if number % 13 == 0 {
            item.placement.must_know = true;
            let until = if pregnant {
                ["20w0d", "36w6d", "m3", "d13"]
            } else {
                ["m3", "d104", "m35", "m48"]
            };
            item.placement.useful_until_slot = Some(until[number % 4].parse().unwrap());
        }
        if number % 5 == 0 {
            item.placement.useful_days = 3;
        }
        item.approved = number % 17 != 3;
    }
    items
}

fn tenant_items() -> Vec<Item> {
    let mut items = ["8w0d", "32w0d", "d3", "d27", "m4", "m18", "m36", "last", "d0 m12"]
        .map(item)
        .to_vec();
    let bands = [
        (None, None),
        (Some("m6"), None),
        (Some("m3"), Some("m35")),
        (Some("d0"), Some("m36")),
        (None, Some("36w6d")),
        (Some("20w0d"), Some("d60")),
        (Some("12w0d"), Some("m60")),
        (Some("s0-04-01"), Some("s0-03-31")),
        (Some("d0"), Some("20w0d")),
    ];
    for (number, (from, until)) in bands.into_iter().cycle().take(60).enumerate() {
        let on = (day(FIRST_DAY) + i32::try_from(number).unwrap() * 6).to_string();
        items.push(item_with(&on, |item| {
            item.placement.from_slot = from.map(|slot| slot.parse().unwrap());
            item.placement.until_slot = until.map(|slot| slot.parse().unwrap());
            item.placement.useful_days = u8::try_from(number % 4).unwrap();
            if number % 3 == 0 {
                item.placement.areas = vec!["minami".into(), "kita".into()];
            }
            if number % 4 == 0 {
                item.placement.valid_until = Some(day(&on) + 1);
            }
            if number % 8 == 1 {
                item.placement.valid_from = Some(day(&on) + 2);
            }
        }));
    }
    items
}

fn invented_programme(customs: Customs, desk_end: EndRule, tenant_end: EndRule) -> Programme {
    let adoption = |track: &str, end, join| Adoption {
        track: track.into(),
        edition: None,
        slots: kizuna_domain::cadence::Slots::All,
        end,
        join,
    };
    let desk = series_of(
        adoption("starter", desk_end, JoinPolicy::Digest),
        Owner::Desk,
        0,
        desk_items(),
    );
    let town = series_of(
        adoption("town", tenant_end, JoinPolicy::FromToday),
        Owner::Tenant,
        10_000,
        tenant_items(),
    );
    let mut programme = programme(vec![desk, town]);
    programme.settings.customs = customs;
    programme
}

/// Small numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % u64::from(below.unsigned_abs())).unwrap()
    }
}

/// Families of all stages around the year that is walked through, with the days on which calendars go wrong.
fn families(count: usize) -> Vec<Follower> {
    let mut dice = Dice(42);
    let edges = [
        "2024-02-29",
        "2020-02-29",
        "2024-02-28",
        "2024-03-01",
        "2023-03-31",
        "2023-05-31",
        "2023-08-31",
        "2023-10-31",
        "2023-12-31",
        "2024-01-30",
        "2020-04-01",
        "2020-04-02",
        "2019-04-02",
        "2023-01-15",
        "2024-01-14",
        "2026-01-15",
    ];
    (0..count)
        .map(|number| {
            let start = day(FIRST_DAY);
            let anchor = match number % 6 {
                0 => Anchor::Due(start - 60 + dice.roll(480)),
                1 => Anchor::Birth {
                    on: start + dice.roll(360),
                    due: None,
                },
                2 => Anchor::Birth {
                    on: start - dice.roll(1_500),
                    due: None,
                },
                3 => Anchor::Birth {
                    on: day(edges[number / 6 % edges.len()]),
                    due: None,
                },
                4 => {
                    let on = start + 300 - dice.roll(900);
                    Anchor::Birth {
                        on,
                        due: Some(on - 14 + dice.roll(130)),
                    }
                }
                _ => Anchor::Birth {
                    on: start - dice.roll(3_200),
                    due: None,
                },
            };
            let mut follower = Follower {
                registered_on: if number % 4 == 0 {
                    start + dice.roll(300)
                } else {
                    start - 100
                },
                area: [None, Some("minami"), Some("higashi")][number % 3].map(str::to_owned),
                ..numbered_family(number, anchor)
            };
            match number % 29 {
                27 => follower.state = SubscriptionState::Paused,
                28 => follower.state = SubscriptionState::Ended,
                26 => follower.reach = Reach::Silent(SkipReason::NoAddress),
                _ => {}
            }
            follower
        })
        .collect()
}

/// The days given up before `on`: every ninth day the last three runs were missed.
fn missed(on: Day) -> Vec<Day> {
    if on.epoch_days() % 9 == 0 {
        vec![on - 1, on - 2, on - 3]
    } else {
        vec![]
    }
}

/// Walks a year with some families and compares every day; gives the number of articles that were due.
fn compare(programme: &Programme, families: &[Follower]) -> usize {
    let lives: Vec<Vec<Life>> = families.iter().map(|family| lives(family.anchor, programme)).collect();
    let mut articles = 0;
    for on in (0..DAYS).map(|ahead| day(FIRST_DAY) + ahead) {
        let behind = missed(on);
        let ranges = lookups(programme, on, &behind);
        let selected = |follower: &Follower| {
            let registered_lately = (0..=3).contains(&(on - follower.registered_on));
            let found = ranges.iter().any(|range| {
                let anchor = &follower.anchor;
                let date = match range.by {
                    AnchorDate::Due => anchor.due().filter(|_| anchor.birth().is_none()),
                    AnchorDate::Birth => anchor.birth(),
                    AnchorDate::PretermDue => anchor.due().filter(|_| anchor.is_preterm()),
                };
                date.is_some_and(|date| (range.from..=range.until).contains(&date))
            });
            registered_lately || found
        };
        for (follower, lives) in families.iter().zip(&lives) {
            let expected = oracle(programme, lives, on, &behind, follower);
            let all = judged(programme, on, &behind, follower);
            assert_eq!(
                all, expected,
                "{on} {:?} registered {}",
                follower.anchor, follower.registered_on
            );
            assert!(
                all.is_empty() || selected(follower),
                "{on} {:?} is not looked up",
                follower.anchor
            );
            articles += expected.len();
        }
    }
    articles
}

#[test]
fn a_year_of_three_hundred_families_is_what_a_walk_through_the_calendar_finds() {
    let programme = invented_programme(ALL_CUSTOMS[0], EndRule::OnBirthday(3), EndRule::SchoolYearEnd(0));
    let articles = compare(&programme, &families(300));
    assert!(articles > 20_000, "{articles} articles: too few to prove anything");
}

#[test]
fn the_other_customs_and_end_rules_agree_too() {
    let ends = [
        (EndRule::DayBeforeBirthday(3), EndRule::LegalAge(3)),
        (EndRule::LegalAge(6), EndRule::OnBirthday(1)),
        (EndRule::SchoolYearEnd(1), EndRule::DayBeforeBirthday(6)),
    ];
    for (customs, (desk, tenant)) in ALL_CUSTOMS.into_iter().skip(1).zip(ends) {
        compare(&invented_programme(customs, desk, tenant), &families(48));
    }
}

#[test]
fn after_a_restore_the_days_that_were_given_up_stay_silent() {
    let mut programme = invented_programme(ALL_CUSTOMS[0], EndRule::OnBirthday(3), EndRule::SchoolYearEnd(0));
    // The first run after it finds the given-up days among the missed ones.
    let fence = (90..100)
        .map(|ahead| day(FIRST_DAY) + ahead)
        .find(|day| !missed(*day + 1).is_empty())
        .unwrap();
    programme.fenced_through = Some(fence);
    let mut families = families(60);
    for family in families.iter_mut().step_by(5) {
        family.registered_on = fence;
    }
    compare(&programme, &families);
}

#[test]
fn what_the_oracle_walks_through_is_the_calendar() {
    let mut date = Date {
        year: 1999,
        month: 12,
        day: 31,
    };
    let mut on = day("1999-12-31");
    let mut lengths: BTreeMap<i32, u32> = BTreeMap::new();
    while date.year < 2101 {
        assert_eq!(Date::read(on), date);
        *lengths.entry(date.year).or_default() += 1;
        (date, on) = (date.tomorrow(), on + 1);
    }
    assert_eq!(
        (lengths[&2000], lengths[&2024], lengths[&2026], lengths[&2100]),
        (366, 366, 365, 365)
    );
}
