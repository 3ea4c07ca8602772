//! The journeys of three invented families through the sample content, as `kizuna timeline` prints them.

use std::collections::{BTreeMap, BTreeSet};

use kizuna_domain::day::Day;
use serde_json::Value;

use crate::place::Place;

/// All texts that hold from this day on are in force, and no family here begins before it.
const START: &str = "2026-10-02";

/// The articles of the desk by day: what comes on its slot, and not with ここまでのまとめ.
type Days = BTreeMap<Day, Vec<Row>>;

struct Row {
    slot: String,
    article: String,
}

fn rows(arguments: &str) -> Vec<Value> {
    let arguments: Vec<&str> = ["timeline", "--json"]
        .into_iter()
        .chain(arguments.split_whitespace())
        .collect();
    let document = Place::empty().kizuna(&arguments).expect(0).json();
    document["days"].as_array().unwrap().clone()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

fn desk_days(rows: &[Value]) -> Days {
    let mut days = Days::new();
    for row in rows.iter().filter(|row| text(row, "track") == "starter") {
        let (slot, article) = (text(row, "slot").to_owned(), text(row, "article").to_owned());
        if slot != "digest" {
            let on = text(row, "on").parse().unwrap();
            days.entry(on).or_default().push(Row { slot, article });
        }
    }
    days
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Days with two articles of the desk that nobody has named: a milestone and the day it falls on, the birthday and the
/// farewell, and what a preterm child gets by the due date.
fn unnamed_pairs(days: &Days) -> Vec<String> {
    let named = |rows: &[Row]| {
        let slots: Vec<&str> = rows.iter().map(|row| row.slot.as_str()).collect();
        let own: Vec<&str> = slots.iter().filter(|slot| !slot.ends_with('~')).copied().collect();
        matches!(own[..], [] | [_] | ["n100", "d100"] | ["m36", "last"]) && slots.len() - own.len() <= 1
    };
    days.iter()
        .filter(|(_, rows)| !named(rows))
        .map(|(on, rows)| {
            let articles: Vec<&str> = rows.iter().map(|row| row.article.as_str()).collect();
            format!("{on}: {}", articles.join(" "))
        })
        .collect()
}

/// Days from one to the other, both included, on which the desk says nothing.
fn empty_days(days: &Days, from: Day, until: Day) -> Vec<Day> {
    (0..=until - from)
        .map(|step| from + step)
        .filter(|on| !days.contains_key(on))
        .collect()
}

fn days_of(days: &Days, wanted: &str) -> Vec<Day> {
    let has = |rows: &[Row]| rows.iter().any(|row| row.article.starts_with(wanted));
    days.iter().filter(|(_, rows)| has(rows)).map(|(on, _)| *on).collect()
}

#[test]
fn a_family_whose_child_comes_at_32_weeks_hears_something_every_day_and_of_growth_by_the_due_date() {
    let (due, birth) = (day("2026-12-20"), day("2026-10-25"));
    let rows = rows(&format!("--due {due} --birth {birth} --registered {START}"));
    let days = desk_days(&rows);

    assert_eq!(unnamed_pairs(&days), Vec::<String>::new());
    assert_eq!(empty_days(&days, day(START), birth + 100), []);
    let calendar_growth = days.values().flatten().filter(|row| row.slot == "d57").count();
    assert_eq!(calendar_growth, 1, "the article for the families of preterm children");
    assert_eq!(days_of(&days, "c-d057-preterm"), [birth + 57]);
    assert_eq!(days_of(&days, "c-d057-social-smile"), [due + 57]);
    // Weaning follows the due date from its first spoon to its third meal, vaccines the birthday.
    let weaning = [
        "c-m05-weaning-start",
        "c-d157-new-food",
        "c-d202-two-meals",
        "c-d223-first-food",
    ];
    assert_eq!(
        weaning.map(|article| days_of(&days, article)),
        [151, 157, 202, 223].map(|age| vec![due + age])
    );
    assert_eq!(days_of(&days, "c-m02-first-vaccines"), [birth + 61]);
}

#[test]
fn twins_get_one_article_a_day_from_the_last_trimester_to_the_third_birthday() {
    let birth = day("2026-12-20");
    let one = format!("--due 2027-01-10 --birth {birth} --registered {START}");
    let rows = rows(&format!("{one} --birth {birth}"));
    let days = desk_days(&rows);

    assert_eq!(rows, self::rows(&one), "what both get stands once");
    assert_eq!(unnamed_pairs(&days), Vec::<String>::new());
    assert_eq!(empty_days(&days, day(START), birth + 100), []);
    assert_eq!(
        days_of(&days, "c-d057"),
        [birth + 57],
        "born at 37 weeks: no clock but the birthday"
    );
    assert_eq!(text(rows.last().unwrap(), "article"), "c-last-farewell");
}

#[test]
fn twins_born_on_two_days_each_have_their_own_days() {
    let rows = rows("--birth 2026-12-20 --birth 2026-12-21 --registered 2026-12-21");
    let on = |date: &str| -> Vec<String> {
        let of_day = rows
            .iter()
            .filter(|row| text(row, "on") == date && text(row, "track") == "starter");
        of_day.map(|row| text(row, "slot").to_owned()).collect()
    };
    assert_eq!(on("2026-12-25"), ["d5", "d4"]);
    let order: Vec<&str> = rows.iter().map(|row| text(row, "on")).collect();
    assert!(order.is_sorted());
}

#[test]
fn a_family_that_joins_at_five_months_first_hears_what_protects_life() {
    let (birth, joined) = (day("2026-06-20"), day("2026-11-22"));
    let rows = rows(&format!("--birth {birth} --registered {joined}"));
    let bundle: Vec<&str> = rows
        .iter()
        .filter(|row| text(row, "slot") == "digest" && text(row, "track") == "starter")
        .map(|row| text(row, "article"))
        .collect();

    assert_eq!(
        bundle,
        [
            "c-m02-first-vaccines",
            "c-d145-small-things",
            "c-d004-sleep-on-back",
            "c-d112-later-low",
            "c-m03-no-honey"
        ]
    );
    let days = desk_days(&rows);
    assert_eq!(unnamed_pairs(&days), Vec::<String>::new());
    let waits: Vec<i32> = days.keys().zip(days.keys().skip(1)).map(|(a, b)| *b - *a).collect();
    assert!(waits.iter().all(|wait| (1..=15).contains(wait)), "{waits:?}");
    // Nothing comes a second time, whatever the bundle brought.
    let articles: Vec<&str> = rows.iter().map(|row| text(row, "article")).collect();
    let once: BTreeSet<&&str> = articles.iter().collect();
    assert_eq!(once.len(), articles.len());
}
