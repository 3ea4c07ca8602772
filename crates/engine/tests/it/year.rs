//! A year of an invented town against a second opinion that looks at every family, every article and every day.
//!
//! The second opinion computes forwards, from a family to the dates of its articles, with jiff's calendar and none of
//! the product's own rules: no inverted lookup, no positions of a day, no ledger in a database.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use kizuna_domain::content::Owner;
use kizuna_domain::content::pack::PackArticle;
use kizuna_domain::day::Day;
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_domain::position::{Anchor, Clock};
use kizuna_domain::tenant::{JoinPolicy, Settings};

use crate::app::{Family, TOWN, TestApp, Town, article, article_with, day, jst, only, pack};

const FIRST_DAY: &str = "2027-07-01";
const DAYS: i32 = 365;

/// Small numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % u64::try_from(below).unwrap()).unwrap()
    }
}

// ---- What is sent ----------------------------------------------------------------------------------------------------

fn desk_articles() -> Vec<PackArticle> {
    let mut articles: Vec<PackArticle> = Vec::new();
    articles.extend((28..294).map(|g| article(&format!("{}w{}d", g / 7, g % 7))));
    articles.extend((0..=100).step_by(2).map(|d| article(&format!("d{d}"))));
    articles.extend((1..=36).map(|m| article(&format!("m{m}"))));
    articles.extend(["n100", "n1000", "last", "d5 m13"].map(article));
    for place in ["m4", "m6", "m12", "d30", "d60"] {
        articles.push(article_with(place, |article| {
            article.id = format!("{place}-corrected");
            article.placement.clock = Clock::Corrected;
        }));
    }
    for (number, article) in articles.iter_mut().enumerate() {
        let pregnant = article.id.contains('w');
        if number % 11 == 0 {
            article.placement.must_know = true;
            let until = if pregnant {
                ["20w0d", "36w6d", "m3"]
            } else {
                ["m3", "d104", "m35"]
            };
            article.placement.useful_until_slot = Some(until[number % 3].parse().unwrap());
        }
        article.placement.useful_days = u8::try_from(number % 5).unwrap();
        if number % 23 == 7 {
            article.reviews.clear();
        }
    }
    articles
}

fn town_articles() -> Vec<PackArticle> {
    let mut articles = ["8w0d", "32w0d", "d3", "m4", "m18", "last", "s0-04-01", "s0-10-01"]
        .map(article)
        .to_vec();
    let bands = [
        (None, None),
        (Some("m6"), None),
        (Some("m3"), Some("m35")),
        (None, Some("36w6d")),
        (Some("20w0d"), Some("d60")),
        (Some("s0-04-01"), None),
    ];
    for number in 0..60_u8 {
        let on = day(FIRST_DAY) + i32::from(number) * 6;
        let (from, until) = bands[usize::from(number) % bands.len()];
        articles.push(article_with(&on.to_string(), |article| {
            article.id = format!("notice{number}");
            article.placement.from_slot = from.map(|slot| slot.parse().unwrap());
            article.placement.until_slot = until.map(|slot| slot.parse().unwrap());
            article.placement.useful_days = number % 4;
            if number % 3 == 0 {
                article.placement.areas = vec!["minami".into(), "kita".into()];
            }
            if number % 4 == 0 {
                article.placement.valid_until = Some(on + 1);
            }
            if number % 8 == 1 {
                article.placement.valid_from = Some(on + 2);
            }
        }));
    }
    articles
}

struct Series {
    track: &'static str,
    articles: Vec<PackArticle>,
    digest: bool,
    /// The day after which nothing comes, from the day of birth.
    last: fn(Date) -> Date,
}

fn series() -> Vec<Series> {
    let sorted = |mut articles: Vec<PackArticle>| {
        articles.sort_by(|a, b| a.id.cmp(&b.id));
        articles
    };
    vec![
        Series {
            track: "starter",
            articles: sorted(desk_articles()),
            digest: true,
            last: |birth| birth + 36.months(),
        },
        Series {
            track: "town",
            articles: sorted(town_articles()),
            digest: false,
            last: |birth| Date::new(entry_year(birth), 3, 31).unwrap(),
        },
    ]
}

/// The year in which a child enters school: the April in which it is six, where a birthday on 1 April still counts.
fn entry_year(birth: Date) -> i16 {
    let early = birth.month() < 4 || (birth.month(), birth.day()) == (4, 1);
    birth.year() + if early { 6 } else { 7 }
}

fn settings() -> Settings {
    let mut settings = TestApp::settings();
    settings.adopt = serde_json::from_value(serde_json::json!([
        { "track": "starter", "end": "birthday:3", "join": "digest" },
        { "track": "town", "end": "school:0", "join": "from-today" },
    ]))
    .unwrap();
    assert_eq!(settings.adopt[0].join, JoinPolicy::Digest);
    settings
}

fn town(app: &TestApp) -> Town<'_> {
    let town = app.town_with(TOWN, &settings(), &[app.outbox(TOWN)]);
    app.publish(&pack("starter", Owner::Desk, desk_articles()));
    let notices = pack("town", Owner::Tenant, town_articles());
    kizuna_engine::actions::content::import(&app.env, Some(&town.tenant()), &notices).unwrap();
    town
}

// ---- Who reads -------------------------------------------------------------------------------------------------------

/// A family as the second opinion knows it.
#[derive(Clone, Debug)]
struct Model {
    due: Option<Date>,
    birth: Option<Date>,
    registered: Date,
    /// The day on which the last pause ended.
    resumed: Option<Date>,
    area: Option<&'static str>,
    silent: bool,
    ended: bool,
    /// Families of the same number have one reader.
    reader: usize,
}

fn date(day: Day) -> Date {
    day.to_string().parse().unwrap()
}

fn anchor(model: &Model) -> Anchor {
    let day = |date: Date| day(&date.to_string());
    Anchor::from_dates(model.due.map(day), model.birth.map(day)).unwrap()
}

/// About two hundred families of all stages: preterm, siblings, twins, leap days, month ends, late joiners.
fn models(count: usize) -> Vec<Model> {
    let mut dice = Dice(42);
    let start = date(day(FIRST_DAY));
    let mut ago = |days: i32| start - i64::from(dice.roll(days)).days();
    let edges = [
        "2024-02-29",
        "2024-02-28",
        "2024-03-01",
        "2025-08-31",
        "2026-05-31",
        "2027-01-30",
        "2026-12-31",
        "2022-04-01",
        "2022-04-02",
    ];
    let mut models: Vec<Model> = Vec::new();
    for number in 0..count {
        let birth = match number % 8 {
            0..=2 => None,
            3 => Some(edges[number / 8 % edges.len()].parse().unwrap()),
            4 => Some(ago(60)),
            _ => Some(ago(1_200)),
        };
        let due = match birth {
            None => Some(ago(400) + 280.days()),
            // Every second child with a due date came more than three weeks early.
            Some(birth) if number % 3 == 0 => Some(birth + (10 + i64::from(number as u32 % 2) * 40).days()),
            Some(_) => None,
        };
        let sibling = number % 10 == 9;
        let registered = match number % 4 {
            0 => start + (i64::from(number as u32) * 300 / count as i64).days(),
            _ => birth.or(due.map(|due| due - 200.days())).unwrap_or(start).min(start),
        };
        models.push(Model {
            due,
            birth,
            registered: birth.map_or(registered, |birth| registered.max(birth)),
            resumed: None,
            area: [None, Some("minami"), Some("higashi")][number % 3],
            silent: number % 29 == 26,
            ended: number % 29 == 28,
            reader: if sibling { number - 1 } else { number },
        });
    }
    // A reader has one area and one address, whatever the child.
    for number in 0..count {
        let reader = models[number].reader;
        (models[number].area, models[number].silent) = (models[reader].area, models[reader].silent);
        models[number].ended |= models[reader].ended;
        models[number].registered = models[number].registered.max(models[reader].registered);
    }
    models
}

fn register(town: &Town<'_>, models: &[Model], families: &mut BTreeMap<usize, Family>, number: usize) {
    let model = &models[number];
    let mut new = town
        .family(&format!("f{number}"))
        .anchor(anchor(model))
        .registered(day(&model.registered.to_string()))
        .area(model.area)
        .state(if model.ended {
            SubscriptionState::Ended
        } else {
            SubscriptionState::Active
        })
        .point(if model.silent {
            PointState::Pending
        } else {
            PointState::Verified
        });
    if model.reader != number {
        new = new.of(&families[&model.reader]);
    }
    let family = new.add();
    families.insert(number, family);
}

// ---- The second opinion ----------------------------------------------------------------------------------------------

/// One line for each slot that is due: series, place, articles.
type Line = (String, String, Vec<String>);

fn days(from: Date, to: Date) -> i64 {
    i64::from(from.until(to).unwrap().get_days())
}

fn is_pregnancy(slot: &str) -> bool {
    slot.contains('w')
}

fn number(text: &str) -> i64 {
    text.parse().unwrap()
}

/// The date on which a slot comes for a family, whether the series runs then or not.
fn comes(slot: &str, model: &Model, clock: Clock, series: &Series) -> Option<Date> {
    let Some(birth) = model.birth else {
        let (weeks, days) = slot.strip_suffix('d')?.split_once('w')?;
        return Some(model.due? - 280.days() + (number(weeks) * 7 + number(days)).days());
    };
    let early = model
        .due
        .filter(|due| clock == Clock::Corrected && days(birth, *due) >= 22);
    let zero = early.unwrap_or(birth);
    if is_pregnancy(slot) {
        return None;
    }
    let (axis, rest) = slot.split_at(1);
    Some(match axis {
        _ if slot == "last" => (series.last)(birth),
        "d" | "n" => zero + number(rest).days(),
        "m" => zero + Span::new().months(number(rest)),
        _ => {
            let (grade, place) = rest.split_once('-').unwrap();
            let (month, on) = place.split_once('-').unwrap();
            let year = entry_year(birth) + number(grade) as i16 - 1;
            let month = number(month) as i8;
            Date::new(if month >= 4 { year } else { year + 1 }, month, number(on) as i8).unwrap()
        }
    })
}

/// The last date on which a stage lasts: a month until the day before the next.
fn lasts(slot: &str, model: &Model, clock: Clock, series: &Series) -> Option<Date> {
    match slot.strip_prefix('m') {
        Some(months) => comes(&format!("m{}", number(months) + 1), model, clock, series).map(|next| next - 1.day()),
        None => comes(slot, model, clock, series),
    }
}

fn runs(series: &Series, model: &Model, on: Date) -> bool {
    match (model.birth, model.due) {
        (Some(birth), _) => birth <= on && on <= (series.last)(birth),
        (None, Some(due)) => (28..=293).contains(&(280 - days(on, due))),
        (None, None) => false,
    }
}

fn has_two_clocks(slot: &str) -> bool {
    slot.starts_with(['d', 'm', 'n'])
}

fn clock_of(article: &PackArticle, slot: &str) -> Clock {
    if has_two_clocks(slot) {
        article.placement.clock
    } else {
        Clock::Calendar
    }
}

/// What is due for one family on a day, with what each line fills in the ledger; what it had is asked for a bundle alone.
fn due(
    all: &[Series],
    model: &Model,
    today: Date,
    missed: &[Date],
    had: &dyn Fn(&str) -> bool,
) -> Vec<(Line, Vec<String>)> {
    let from = model.resumed.map_or(model.registered, |on| on + 1.days());
    if model.silent || model.ended || from > today {
        return vec![];
    }
    let days_looked_at: Vec<Date> = std::iter::once(today)
        .chain(missed.iter().copied().filter(|on| *on >= from))
        .collect();
    let mut lines: Vec<(Line, Vec<String>)> = Vec::new();
    for series in all {
        let mut slots: BTreeMap<String, Vec<(i32, String)>> = BTreeMap::new();
        for article in &series.articles {
            if !may_leave(article, model, today) {
                continue;
            }
            let in_time = |on: Date| days(on, today) <= i64::from(article.placement.useful_days);
            for slot in article.placement.slots.iter().map(ToString::to_string) {
                let clock = clock_of(article, &slot);
                let on = comes(&slot, model, clock, series).filter(|on| runs(series, model, *on));
                if on.is_some_and(|on| days_looked_at.contains(&on) && in_time(on)) {
                    let mark = if clock == Clock::Corrected { "~" } else { "" };
                    let place = format!("{slot}{mark}");
                    slots
                        .entry(place)
                        .or_default()
                        .push((article.placement.order, article.id.clone()));
                }
            }
            for on in article.placement.on.iter().map(|on| date(*on)) {
                if days_looked_at.contains(&on) && in_time(on) && in_band(series, article, model, on) {
                    let line = (series.track.to_owned(), on.to_string(), vec![article.id.clone()]);
                    lines.push((line, vec![format!("{}/{on}/{}", series.track, article.id)]));
                }
            }
        }
        for (place, mut articles) in slots {
            articles.sort();
            let key = format!("{}/{place}", series.track);
            let articles = articles.into_iter().map(|(_, id)| id).collect();
            lines.push(((series.track.to_owned(), place, articles), vec![key]));
        }
        lines.extend(bundle(series, model, today, had));
    }
    if model.birth.is_none()
        && days_looked_at
            .iter()
            .any(|on| model.due.is_some_and(|due| days(due, *on) == 14))
    {
        lines.push(((String::new(), "check-in".into(), vec![]), vec!["check-in".into()]));
    }
    lines
}

fn may_leave(article: &PackArticle, model: &Model, today: Date) -> bool {
    let placement = &article.placement;
    !article.reviews.is_empty()
        && placement.valid_from.is_none_or(|from| date(from) <= today)
        && placement.valid_until.is_none_or(|until| today <= date(until))
        && (placement.areas.is_empty() || placement.areas.iter().any(|area| Some(area.as_str()) == model.area))
}

fn in_band(series: &Series, article: &PackArticle, model: &Model, on: Date) -> bool {
    let born = model.birth.is_some();
    let bound = |slot: Option<String>, before: bool| match slot {
        None => true,
        Some(slot) if is_pregnancy(&slot) != born => {
            let edge = if before {
                comes(&slot, model, Clock::Calendar, series)
            } else {
                lasts(&slot, model, Clock::Calendar, series)
            };
            edge.is_some_and(|edge| if before { edge <= on } else { on <= edge })
        }
        // A stage of the other part of life: pregnancy lies before birth.
        Some(_) => born == before,
    };
    let text = |slot: &Option<kizuna_domain::position::Position>| slot.map(|slot| slot.to_string());
    runs(series, model, on)
        && bound(text(&article.placement.from_slot), true)
        && bound(text(&article.placement.until_slot), false)
}

/// ここまでのまとめ for whoever registered, or ended a pause, today or in the three days before.
fn bundle(series: &Series, model: &Model, today: Date, had: &dyn Fn(&str) -> bool) -> Option<(Line, Vec<String>)> {
    let joined = model.resumed.unwrap_or(model.registered);
    let first = model.resumed.map_or(model.registered, |on| on + 1.days());
    if !series.digest || days(joined, today) > 3 || !runs(series, model, today) {
        return None;
    }
    let mut useful: Vec<(Date, &PackArticle)> = Vec::new();
    for article in series
        .articles
        .iter()
        .filter(|article| article.placement.must_know && may_leave(article, model, today))
    {
        let came = article.placement.slots.iter().map(ToString::to_string).any(|slot| {
            let on = comes(&slot, model, clock_of(article, &slot), series).filter(|on| runs(series, model, *on));
            (model.birth.is_some() && is_pregnancy(&slot)) || on.is_some_and(|on| on < first)
        });
        let until = article.placement.useful_until_slot.unwrap().to_string();
        let last = match (model.birth, is_pregnancy(&until)) {
            (None, false) => model.due.map(|due| due + 13.days()),
            (Some(_), true) => None,
            _ => lasts(&until, model, clock_of(article, &until), series),
        };
        useful.extend(last.filter(|last| came && today <= *last).map(|last| (last, article)));
    }
    let stages = |article: &PackArticle| -> Vec<String> {
        let slots = article.placement.slots.iter().map(ToString::to_string);
        let keys = slots.map(|slot| {
            let mark = if clock_of(article, &slot) == Clock::Corrected {
                "~"
            } else {
                ""
            };
            format!("{}/{slot}{mark}", series.track)
        });
        keys.collect()
    };
    if model.resumed.is_some() {
        useful.retain(|(_, article)| !stages(article).iter().any(|key| had(key)));
    }
    useful.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    useful.truncate(5);
    if useful.is_empty() {
        return None;
    }
    let place = model.resumed.map_or("digest".to_owned(), |on| format!("digest/{on}"));
    let mut keys = vec![format!("{}/{place}", series.track)];
    keys.extend(useful.iter().flat_map(|(_, article)| stages(article)));
    let articles = useful.into_iter().map(|(_, article)| article.id.clone()).collect();
    Some(((series.track.to_owned(), place, articles), keys))
}

type Plan = BTreeSet<(usize, Line)>;

/// The preview in the words of the second opinion.
fn previewed(town: &Town<'_>, families: &BTreeMap<usize, Family>, on: Day) -> (Plan, u64) {
    let numbers: BTreeMap<String, usize> = families
        .iter()
        .map(|(number, family)| (family.subscription.to_string(), *number))
        .collect();
    let preview = town.preview(on);
    let count = preview.planned.len();
    let plan: Plan = preview
        .planned
        .into_iter()
        .map(|row| (numbers[&row.subscription], (row.track, row.slot, row.articles)))
        .collect();
    assert_eq!(plan.len(), count, "{on}: a line stands twice");
    (plan, preview.letters)
}

fn first_difference(on: Day, models: &[Model], plan: &Plan, expected: &Plan) {
    let differing = plan.symmetric_difference(expected).next();
    if let Some((number, line)) = differing {
        let which = if plan.contains(&(*number, line.clone())) {
            "the product alone"
        } else {
            "the second opinion alone"
        };
        panic!("{on}: {which} has {line:?} for {:?}", models[*number]);
    }
}

#[test]
fn the_preview_of_every_day_of_a_year_is_what_a_second_opinion_finds() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let (all, models) = (series(), models(200));
    let mut families = BTreeMap::new();
    for number in 0..models.len() {
        register(&town, &models, &mut families, number);
    }
    let mut lines = 0;
    for on in (0..DAYS).map(|ahead| day(FIRST_DAY) + ahead) {
        let expected: Plan = models
            .iter()
            .enumerate()
            .flat_map(|(number, model)| {
                due(&all, model, date(on), &[], &|_| false)
                    .into_iter()
                    .map(move |(line, _)| (number, line))
            })
            .collect();
        let (plan, letters) = previewed(&town, &families, on);
        first_difference(on, &models, &plan, &expected);
        let readers: HashSet<usize> = expected.iter().map(|(number, _)| models[*number].reader).collect();
        assert_eq!(
            usize::try_from(letters).unwrap(),
            readers.len(),
            "{on}: one letter for each reader"
        );
        lines += expected.len();
    }
    assert!(lines > 7_000, "{lines} lines: too few to prove anything");
}

/// A living year: newcomers, births, corrected dates, pauses, stops, and mornings on which nothing ran.
#[test]
fn running_every_day_of_a_year_sends_what_its_preview_said() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let (all, mut models) = (series(), models(160));
    let mut dice = Dice(7);
    let mut families: BTreeMap<usize, Family> = BTreeMap::new();
    let mut ledger: HashSet<(usize, String)> = HashSet::new();
    let (mut missed, mut letters_in_all): (Vec<Date>, usize) = (Vec::new(), 0);
    let mut paused: BTreeSet<usize> = BTreeSet::new();
    for on in (0..DAYS).map(|ahead| day(FIRST_DAY) + ahead) {
        let today = date(on);
        app.clock.set(jst(&format!("{on} 08:00:00")));
        for number in 0..models.len() {
            if models[number].registered <= today && !families.contains_key(&number) && !models[number].ended {
                register(&town, &models, &mut families, number);
            }
        }
        for number in families.keys().copied().collect::<Vec<_>>() {
            let model = &models[number];
            let family = &families[&number];
            let pregnant = model.birth.is_none() && !model.ended;
            match dice.roll(1_000) {
                0..=2 if pregnant => {
                    models[number].due = models[number]
                        .due
                        .map(|due| due + (i64::from(dice.roll(41)) - 20).days());
                    town.move_to(family, anchor(&models[number]));
                }
                // From five weeks before the due date on, children are born.
                3..=40 if pregnant && model.due.is_some_and(|due| days(today, due) < 35) => {
                    models[number].birth = Some(today - i64::from(dice.roll(4)).days());
                    town.move_to(family, anchor(&models[number]));
                }
                41..=42 if !model.ended => {
                    if paused.remove(&number) {
                        town.pause(family, false);
                        models[number].resumed = Some(today);
                    } else {
                        paused.insert(number);
                        town.pause(family, true);
                    }
                }
                43 if model.reader == number && number % 10 != 8 && !model.ended => {
                    town.stop(family);
                    models[number].ended = true;
                    paused.remove(&number);
                }
                _ => {}
            }
        }
        if dice.roll(12) == 0 || (200..205).contains(&(on - day(FIRST_DAY))) {
            missed.push(today);
            continue;
        }
        let behind: Vec<Date> = missed
            .iter()
            .copied()
            .filter(|on| days(*on, today) <= 3 && days(*on, today) > 0)
            .collect();
        let mut expected = Plan::new();
        let mut filled: Vec<(usize, String)> = Vec::new();
        for number in families.keys().copied().filter(|number| !paused.contains(number)) {
            let had = |key: &str| ledger.contains(&(number, key.to_owned()));
            for (line, keys) in due(&all, &models[number], today, &behind, &had) {
                if !ledger.contains(&(number, keys[0].clone())) {
                    expected.insert((number, line));
                    filled.extend(keys.into_iter().map(|key| (number, key)));
                }
            }
        }
        let (plan, letters) = previewed(&town, &families, on);
        first_difference(on, &models, &plan, &expected);
        let readers: HashSet<usize> = expected.iter().map(|(number, _)| models[*number].reader).collect();
        assert_eq!(usize::try_from(letters).unwrap(), readers.len(), "{on}");

        let report = only(app.run());

        assert_eq!(report.sent, i64::try_from(readers.len()).unwrap(), "{on}: {report:?}");
        assert_eq!(
            (report.failed, report.unknown, report.waiting, report.held),
            (0, 0, 0, 0),
            "{on}: {report:?}"
        );
        ledger.extend(filled);
        letters_in_all += readers.len();
        if report.sent % 10 == 0 {
            assert!(previewed(&town, &families, on).0.is_empty(), "{on}: nothing is left");
        }
    }
    // Every letter is one file, and no article came twice to one child.
    assert_eq!(town.letters().len(), letters_in_all);
    assert!(
        letters_in_all > 4_000,
        "{letters_in_all} letters: too few to prove anything"
    );
}
