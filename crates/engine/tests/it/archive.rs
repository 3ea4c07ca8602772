//! What is left to read: what was sent, never a day to come, nothing of a child that was stopped.

use kizuna_domain::people::{EndReason, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_engine::archive::{self, Archive, Letter};
use kizuna_store::people;

use crate::app::{Family, TODAY, TestApp, Town, day, jst, on_both};

fn open(town: &Town<'_>, family: &Family) -> Option<Archive> {
    archive::open(&town.app.env, &town.tenant(), family.subscriber).unwrap()
}

/// Every letter of a reader, the newest first, as its day and titles.
fn told(town: &Town<'_>, family: &Family) -> Vec<String> {
    let archive = open(town, family).unwrap();
    let days: Vec<_> = archive.days().collect();
    let letters = archive.letters(&town.app.env, &town.tenant(), days).unwrap();
    letters.iter().map(line).collect()
}

fn line(letter: &Letter) -> String {
    let titles: Vec<&str> = letter
        .draft
        .sections
        .iter()
        .map(|section| section.title.as_str())
        .collect();
    format!("{} {}", letter.on, titles.join("・"))
}

fn end(town: &Town<'_>, family: &Family, reason: EndReason) {
    let (scope, env) = (town.tenant().scope(), &town.app.env);
    env.db
        .write(|tx| people::set_state(tx, scope, family.subscription, SubscriptionState::Ended, Some(reason)))
        .unwrap();
}

on_both! {
    fn what_was_sent_is_read_as_it_was_sent(app) {
        let town = app.town();
        let family = town.family("hanako").add();
        let todays = |day: &str| {
            app.clock.set(jst(&format!("{day} 09:00:00")));
            let archive = open(&town, &family).unwrap();
            let letters = archive.todays(&app.env, &town.tenant()).unwrap();
            letters.iter().map(line).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(todays(TODAY), "2026-12-24 題 12w3d", "as a preview");
        assert!(told(&town, &family).is_empty(), "which is nowhere on record");
        app.run();
        assert_eq!(todays(TODAY), "2026-12-24 題 12w3d");
        assert_eq!(todays("2026-12-25"), "2026-12-25 題 12w4d");
        app.run();
        assert_eq!(told(&town, &family), ["2026-12-25 題 12w4d", "2026-12-24 題 12w3d"]);

        // Corrected dates change nothing that was read, and bring nothing twice.
        town.move_to(&family, Anchor::Due(day(TODAY) + 194));
        assert_eq!(told(&town, &family), ["2026-12-25 題 12w4d", "2026-12-24 題 12w3d"]);
        // What was planned for tomorrow is not shown today.
        app.run_day("2026-12-26");
        assert_eq!(told(&town, &family).len(), 2);
    }
}

#[test]
fn nothing_is_shown_of_a_child_that_was_stopped_not_even_beside_a_sibling() {
    let app = TestApp::sqlite();
    let town = app.town();
    let first = town.family("hanako").add();
    app.run();
    app.clock.set(jst("2026-12-25 09:00:00"));
    let second = town.family("taro").born("2026-12-20").of(&first).add();
    app.run();
    assert_eq!(told(&town, &first).len(), 2);

    end(&town, &first, EndReason::Loss);
    app.clock.set(jst("2026-12-26 09:00:00"));
    app.run();

    // Yesterday's letter told of both, the one before of the first child alone.
    let left = told(&town, &second);
    assert_eq!(left, ["2026-12-26 題 d6"]);
    end(&town, &second, EndReason::Stopped);
    assert!(open(&town, &first).is_none());
}

#[test]
fn words_stay_when_a_series_reached_its_last_day() {
    let app = TestApp::sqlite();
    let town = app.town();
    let family = town.family("hanako").add();
    app.run();
    end(&town, &family, EndReason::Completed);
    let archive = open(&town, &family).unwrap();
    assert!(archive.children.is_empty());
    assert_eq!(archive.next_on(&app.env, &town.tenant()).unwrap(), None);
    assert_eq!(told(&town, &family), ["2026-12-24 題 12w3d"]);
}

#[test]
fn a_search_wants_every_word_and_does_not_mind_how_it_is_written() {
    let app = TestApp::sqlite();
    let town = app.town();
    let family = town.family("hanako").add();
    app.run();
    app.clock.set(jst("2026-12-25 09:00:00"));
    app.run();
    let archive = open(&town, &family).unwrap();
    let found = |words: &str| archive.search(&app.env, &town.tenant(), words).unwrap();
    for (words, count) in [
        ("12w3d", 1),
        ("１２Ｗ３Ｄ", 1),
        ("本文", 2),
        ("本文 12w4d", 1),
        ("本文 m1", 0),
    ] {
        let found = found(words);
        assert_eq!((found.letters.len(), found.is_all), (count, true), "{words}");
    }
    assert_eq!(
        archive.next_on(&app.env, &town.tenant()).unwrap(),
        Some(day("2026-12-26"))
    );
}
