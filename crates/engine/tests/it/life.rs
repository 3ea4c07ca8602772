//! What readers change on their own pages: births, dates, children, pauses, the end for one child or for all.

use std::collections::{BTreeMap, BTreeSet};

use kizuna_domain::content::pack::Pack;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::SubscriptionState;
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::life::{self, Added, Child, Dated, Dates, NewChild, Which};
use kizuna_store::people;

use crate::app::{Family, STAGES, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, only};

/// A town that bundles for late joiners.
fn town(app: &TestApp) -> Town<'_> {
    let mut settings = TestApp::settings();
    settings.adopt[0].join = kizuna_domain::tenant::JoinPolicy::Digest;
    app.town_with(TOWN, &settings, &[app.outbox(TOWN)])
}

/// A pack of which every article must be known, and is of use for weeks.
fn must_know(slots: &str) -> Pack {
    let mut pack = daily("daily", slots);
    for article in &mut pack.articles {
        article.placement.must_know = true;
        article.placement.useful_until_slot = Some("30w0d".parse().unwrap());
    }
    pack
}

fn children(town: &Town<'_>, family: &Family) -> Vec<Child> {
    life::children(&town.app.env, &town.tenant(), family.subscriber).unwrap()
}

fn dates(child: &Child, anchor: Anchor) -> Dates {
    Dates {
        subscription: child.follower.subscription,
        version: child.version,
        anchor,
    }
}

fn birth(on: &str, child: &Child) -> Anchor {
    Anchor::Birth {
        on: day(on),
        due: child.follower.anchor.due(),
    }
}

fn twin<'a>(town: &Town<'_>, of: &Child, nickname: &'a str) -> NewChild<'a> {
    NewChild {
        key: SubscriptionId::new(town.app.env.ids.next()),
        anchor: of.follower.anchor,
        nickname: Some(nickname),
        twin_of: Some(of.follower.subscription),
        wording: "test-1",
    }
}

fn add(town: &Town<'_>, family: &Family, new: &NewChild<'_>) -> Added {
    life::add_child(&town.app.env, &town.tenant(), family.subscriber, new).unwrap()
}

/// Lets the mornings of some days come, from one day on.
fn mornings(app: &TestApp, from: i32, days: i32) {
    for ahead in from..from + days {
        app.clock.set(jst(&format!("{} 08:00:00", day(TODAY) + ahead)));
        app.run();
    }
}

on_both! {
    fn a_birth_is_told_as_often_as_one_likes_and_from_a_stale_page_never(app) {
        let town = town(app);
        app.publish(&daily("daily", STAGES));
        let (hanako, other) = (town.family("hanako").add(), town.family("other").add());
        let (env, tenant) = (&app.env, town.tenant());
        let shown = children(&town, &hanako).remove(0);
        let born = [dates(&shown, birth(TODAY, &shown))];
        assert_eq!(life::tell_birth(env, &tenant, other.subscriber, &born).unwrap(), Dated::Stale, "another's child");
        for _ in 0..2 {
            assert_eq!(life::tell_birth(env, &tenant, hanako.subscriber, &born).unwrap(), Dated::Done);
        }
        assert_eq!(children(&town, &hanako)[0].version, shown.version + 1, "the second press wrote nothing");

        let late = dates(&shown, Anchor::Due(day("2027-01-01")));
        assert_eq!(life::correct_dates(env, &tenant, hanako.subscriber, late).unwrap(), Dated::Stale);
        only(app.run());
        assert!(town.letters_to(&hanako)[0].text.contains("本文 d0"), "the words change on the same day");
        assert!(town.letters_to(&other)[0].text.contains("本文 12w3d"));
    }
}

#[test]
fn twins_are_one_registration_until_another_child_is_asked_for_and_never_read_a_text_twice() {
    let app = TestApp::sqlite();
    let town = town(&app);
    app.publish(&must_know(STAGES));
    // Registered two days ago, so that a bundle is due to whoever is new.
    let hanako = town.family("hana").registered(day(TODAY) - 2).add();
    only(app.run());
    assert_eq!(town.letters_to(&hanako).len(), 1);

    let first = children(&town, &hanako).remove(0);
    let double_tap = NewChild {
        twin_of: None,
        ..twin(&town, &first, "sora")
    };
    assert_eq!(
        add(&town, &hanako, &double_tap),
        Added::Known,
        "a near date is the same child"
    );
    let sora = twin(&town, &first, "sora");
    for _ in 0..2 {
        assert_eq!(add(&town, &hanako, &sora), Added::Done);
    }
    assert_eq!(children(&town, &hanako).len(), 2, "one form, one child");
    only(app.run());
    assert_eq!(town.letters_to(&hanako).len(), 1, "nothing of today comes once more");

    mornings(&app, 1, 3);
    let letters = town.letters_to(&hanako);
    assert_eq!(letters.len(), 4, "one message a day for both");
    let mut texts = BTreeSet::new();
    for letter in &letters {
        for line in letter.text.lines().filter(|line| line.starts_with("本文 ")) {
            assert!(texts.insert(line.to_owned()), "{line} came twice");
        }
    }
    assert_eq!(
        letters
            .iter()
            .filter(|letter| letter.text.contains("hana・sora"))
            .count(),
        3
    );

    // Both are born, told of at once; then one of them is stopped, and only the other is named.
    let both = children(&town, &hanako);
    let born: Vec<Dates> = both
        .iter()
        .map(|child| dates(child, birth("2026-12-27", child)))
        .collect();
    let (env, tenant) = (&app.env, town.tenant());
    assert_eq!(
        life::tell_birth(env, &tenant, hanako.subscriber, &born).unwrap(),
        Dated::Done
    );
    life::stop_one(env, &tenant, hanako.subscriber, sora.key).unwrap();
    mornings(&app, 4, 10);
    let after: Vec<_> = town
        .letters_to(&hanako)
        .into_iter()
        .filter(|letter| !letters.contains(letter))
        .collect();
    assert!(after.len() >= 10);
    assert!(after.iter().all(|letter| !letter.text.contains("sora")));
    let exported = env
        .db
        .read(|tx| people::export(tx, &env.keys, tenant.scope(), None, 10))
        .unwrap();
    assert!(exported.iter().all(|row| row.nickname.as_deref() != Some("sora")));
    assert!(exported[0].consent_at.is_some(), "the other child goes on");
}

#[test]
fn a_child_is_added_to_ones_own_and_to_nobody_elses() {
    let app = TestApp::sqlite();
    let town = town(&app);
    let (hanako, other) = (town.family("hana").add(), town.family("other").add());
    let theirs = children(&town, &other).remove(0);
    assert_eq!(add(&town, &hanako, &twin(&town, &theirs, "x")), Added::NoSibling);
    let taken = NewChild {
        key: theirs.follower.subscription,
        anchor: Anchor::Due(day("2028-01-01")),
        nickname: None,
        twin_of: None,
        wording: "test-1",
    };
    assert_eq!(add(&town, &hanako, &taken), Added::Known, "another's number");
    let first = children(&town, &hanako).remove(0);
    for _ in 1..people::SUBSCRIPTIONS_MAX {
        assert_eq!(add(&town, &hanako, &twin(&town, &first, "x")), Added::Done);
    }
    assert_eq!(add(&town, &hanako, &twin(&town, &first, "x")), Added::Full);
    assert_eq!(children(&town, &other).len(), 1);
}

#[test]
fn a_pause_brings_nothing_and_its_end_one_bundle_on_the_day_after() {
    let app = TestApp::sqlite();
    let town = town(&app);
    app.publish(&must_know("12w3d..16w6d"));
    let hanako = town.family("hana").add();
    let (env, tenant) = (&app.env, town.tenant());
    // Today's letter waits when the pause is pressed.
    app.clock.set(jst(&format!("{TODAY} 06:00:00")));
    app.run();
    for _ in 0..2 {
        life::pause(env, &tenant, hanako.subscriber, Which::All).unwrap();
    }
    mornings(&app, 0, 4);
    assert!(town.letters().is_empty());
    for _ in 0..2 {
        life::resume(env, &tenant, hanako.subscriber, Which::One(hanako.subscription)).unwrap();
    }
    app.run();
    assert!(town.letters().is_empty(), "not on the day of the press");
    mornings(&app, 4, 1);
    let letters = town.letters_to(&hanako);
    assert_eq!(letters.len(), 1);
    for text in ["ここまでのまとめ", "本文 12w3d", "本文 13w0d"] {
        assert!(letters[0].text.contains(text), "{text}: {}", letters[0].text);
    }
}

#[test]
fn whatever_is_paused_and_ended_when_nothing_comes_twice_and_never_more_than_one_letter_a_day() {
    for seed in 1..=4_u64 {
        let app = TestApp::sqlite();
        let town = town(&app);
        app.publish(&must_know("11w0d..16w6d"));
        let hanako = town.family("hana").registered(day(TODAY)).add();
        let (env, tenant) = (&app.env, town.tenant());
        let mut dice = seed;
        let mut roll = |sides: u64| {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        let (mut seen, mut paused, mut changed_on) = (0, false, -1);
        for ahead in 0..21 {
            for hour in [7, 9, 13, 18] {
                app.clock.set(jst(&format!("{} {hour:02}:00:00", day(TODAY) + ahead)));
                for _ in 0..roll(3) {
                    paused = roll(2) == 0;
                    let which = [Which::All, Which::One(hanako.subscription)][roll(2) as usize];
                    let press = if paused { life::pause } else { life::resume };
                    press(env, &tenant, hanako.subscriber, which).unwrap();
                    changed_on = ahead;
                }
                app.run();
            }
            let letters = town.letters_to(&hanako);
            assert!(letters.len() <= seen + 1, "seed {seed}: two letters on day {ahead}");
            if !paused && changed_on < ahead {
                assert_eq!(letters.len(), seen + 1, "seed {seed}: nothing on day {ahead}");
            }
            seen = letters.len();
            let mut read: BTreeMap<&str, usize> = BTreeMap::new();
            let lines = letters.iter().flat_map(|letter| letter.text.lines());
            for line in lines.filter(|line| line.starts_with("本文 ")) {
                *read.entry(line).or_default() += 1;
            }
            assert!(read.values().all(|times| *times == 1), "seed {seed}: {read:?}");
        }
    }
}

on_both! {
    fn the_end_for_one_child_recalls_its_letter_and_leaves_the_others(app) {
        let town = town(app);
        app.publish(&daily("daily", STAGES));
        let hana = town.family("hana").add();
        let elder = town.family("elder").born("2026-12-14").of(&hana).add();
        let stranger = town.family("stranger").add();
        let (env, tenant) = (&app.env, town.tenant());
        app.clock.set(jst(&format!("{TODAY} 06:00:00")));
        app.run();
        life::stop_one(env, &tenant, stranger.subscriber, hana.subscription).unwrap();
        assert_eq!(children(&town, &hana).len(), 2, "nobody stops for another");
        for _ in 0..2 {
            life::stop_one(env, &tenant, hana.subscriber, hana.subscription).unwrap();
        }
        app.clock.set(jst(&format!("{TODAY} 08:00:00")));
        app.run();
        let letters = town.letters_to(&hana);
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("本文 d10") && !letters[0].text.contains("12w3d"));
        assert!(!letters[0].text.contains("hana"), "{}", letters[0].text);

        life::stop_one(env, &tenant, hana.subscriber, elder.subscription).unwrap();
        let exported = env.db.read(|tx| people::export(tx, &env.keys, tenant.scope(), None, 10)).unwrap();
        let own: Vec<_> = exported.iter().filter(|row| row.subscriber == hana.subscriber).collect();
        assert!(own.iter().all(|row| row.state == SubscriptionState::Ended && row.nickname.is_none()));
        assert!(own.iter().all(|row| row.consent_at.is_none()), "with the last child the agreement ends");
    }
}

#[test]
fn without_a_birth_told_no_day_brings_a_word_about_a_child_or_a_congratulation() {
    for ahead in [0, 3, 40] {
        let app = TestApp::sqlite();
        let town = town(&app);
        app.publish(&daily("daily", "38w0d..41w6d d0..d400 m1..m24 n100 last"));
        let hanako = town.family("hana").anchor(Anchor::Due(day(TODAY) + ahead)).add();
        mornings(&app, 0, 430);
        let letters = town.letters_to(&hanako);
        assert!(letters.len() > 10);
        for letter in letters {
            let words = format!("{} {} {}", letter.subject, letter.stage, letter.text);
            let child = letter
                .text
                .lines()
                .any(|line| line.strip_prefix("本文 ").is_some_and(|place| !place.contains('w')));
            assert!(!child, "{words}");
            assert!(
                ["おめでとう", "生後", "歳", "誕生"]
                    .iter()
                    .all(|word| !words.contains(word)),
                "{words}"
            );
        }
    }
}

#[test]
fn after_a_stop_at_any_moment_nothing_follows_for_four_hundred_days() {
    for (hour, of_one) in [(6, false), (8, true), (21, false)] {
        let app = TestApp::sqlite();
        let town = town(&app);
        app.publish(&must_know("11w0d..41w6d d0..d400 m1..m24 n100 last"));
        let hana = town.family("hana").add();
        let (env, tenant) = (&app.env, town.tenant());
        app.clock.set(jst(&format!("{TODAY} {hour:02}:00:00")));
        app.run();
        let before = town.letters().len();
        if of_one {
            life::stop_one(env, &tenant, hana.subscriber, hana.subscription).unwrap();
        } else {
            town.stop(&hana);
        }
        // What a page or a talk left open asks for afterwards brings nobody back.
        life::resume(env, &tenant, hana.subscriber, Which::All).unwrap();
        mornings(&app, 0, 401);
        assert_eq!(town.letters().len(), before);
    }
}
