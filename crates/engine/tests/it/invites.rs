//! Invitations of families: they reveal nothing, end when they should, and hand over a date only while it still counts.

use jiff::SignedDuration;
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::invites::{Invited, Made, USES_MAX, VALID, accept, look, make, open, withdraw};
use kizuna_store::invites::OPEN_MAX;

use crate::app::{Family, TODAY, TestApp, Town, day, on_both};

/// The words of a new link.
fn invite(town: &Town<'_>, family: &Family, hands_over: bool) -> String {
    let (env, tenant) = (&town.app.env, town.tenant());
    let date_of = hands_over.then_some(family.subscription);
    assert_eq!(
        make(env, &tenant, family.subscriber, env.ids.next(), date_of).unwrap(),
        Made::Now
    );
    open(env, &tenant, family.subscriber).unwrap().pop().unwrap().token
}

/// What a link brings.
fn brings(town: &Town<'_>, token: &str) -> Option<Invited> {
    look(&town.app.env, &town.tenant(), token).unwrap()
}

/// A link without a date.
const PLAIN: Option<Invited> = Some(Invited { anchor: None });

on_both! {
    fn a_link_brings_a_date_only_where_its_maker_chose_that(app) {
        let town = app.town();
        let family = town.family("family").add();
        let (plain, dated) = (invite(&town, &family, false), invite(&town, &family, true));

        assert_eq!(brings(&town, &plain), PLAIN);
        assert_eq!(brings(&town, &dated), Some(Invited { anchor: Some(Anchor::Due(day(TODAY) + 193)) }));
    }
}

#[test]
fn news_of_a_family_is_never_told_by_a_link() {
    let app = TestApp::sqlite();
    let town = app.town();
    let family = town.family("family").add();
    let dated = invite(&town, &family, true);

    town.move_to(
        &family,
        Anchor::Birth {
            on: day("2026-12-20"),
            due: None,
        },
    );

    assert_eq!(brings(&town, &dated), PLAIN, "the link goes on without the date");
}

on_both! {
    fn nothing_opens_the_links_of_a_reader_who_stopped(app) {
        let town = app.town();
        let family = town.family("family").add();
        let sibling = town.family("sibling").of(&family).born("2026-12-20").add();
        let (plain, dated) = (invite(&town, &family, false), invite(&town, &sibling, true));
        let (env, tenant) = (&app.env, town.tenant());

        town.stop(&family);

        assert_eq!((brings(&town, &plain), brings(&town, &dated)), (None, None));
        assert!(accept(env, &tenant, &plain).unwrap().is_none());
        // Also when the reader begins again.
        town.family("again").of(&family).add();
        assert_eq!(brings(&town, &plain), None);
        assert_eq!(open(env, &tenant, family.subscriber).unwrap(), []);
    }
}

on_both! {
    fn a_link_ends_by_its_day_its_uses_and_its_makers_wish(app) {
        let town = app.town();
        let family = town.family("family").add();
        let (env, tenant) = (&app.env, town.tenant());
        let used = invite(&town, &family, false);
        for _ in 0..USES_MAX {
            assert!(accept(env, &tenant, &used).unwrap().is_some());
        }
        assert!(accept(env, &tenant, &used).unwrap().is_none());

        let unwanted = invite(&town, &family, false);
        let id = open(env, &tenant, family.subscriber).unwrap().pop().unwrap().id;
        let stranger = town.family("stranger").add();
        withdraw(env, &tenant, stranger.subscriber, id).unwrap();
        assert_eq!(brings(&town, &unwanted), PLAIN, "nobody else can withdraw it");
        withdraw(env, &tenant, family.subscriber, id).unwrap();
        withdraw(env, &tenant, family.subscriber, id).unwrap();
        assert_eq!(brings(&town, &unwanted), None);

        let late = invite(&town, &family, false);
        app.clock.advance(VALID - SignedDuration::from_secs(1));
        assert_eq!(brings(&town, &late), PLAIN);
        app.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(brings(&town, &late), None);
        assert!(accept(env, &tenant, &late).unwrap().is_none());
    }
}

#[test]
fn two_presses_make_one_link_and_there_is_a_limit() {
    let app = TestApp::sqlite();
    let town = app.town();
    let (family, other) = (town.family("family").add(), town.family("other").add());
    let (env, tenant) = (&app.env, town.tenant());
    let key = env.ids.next();
    let press = |key| make(env, &tenant, family.subscriber, key, None).unwrap();
    assert_eq!((press(key), press(key)), (Made::Now, Made::Before));
    for _ in 1..OPEN_MAX {
        assert_eq!(press(env.ids.next()), Made::Now);
    }
    assert_eq!(press(env.ids.next()), Made::TooMany);
    let others_date = make(
        env,
        &tenant,
        family.subscriber,
        env.ids.next(),
        Some(other.subscription),
    )
    .unwrap();
    assert_eq!(others_date, Made::NotOffered, "nobody hands over somebody else's date");
}

#[test]
fn a_link_opens_nothing_in_another_town_and_forged_ones_nowhere() {
    let app = TestApp::sqlite();
    let town = app.town();
    let neighbour = app.town_with("komorebi", &TestApp::settings(), &[app.outbox("komorebi")]);
    let token = invite(&town, &town.family("family").add(), true);

    assert_eq!(brings(&neighbour, &token), None);
    for forged in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &token[1..]] {
        assert_eq!(brings(&town, forged), None);
    }
}
