//! 止める: one button, no question; looking stops nothing, and nothing undoes it.

use kizuna_domain::people::SubscriptionState;

use crate::paths::{self, SETTINGS};
use crate::town::user;
use crate::walk::{in_every_way, once};

#[test]
fn a_family_stops_with_one_button_and_looking_alone_stops_nothing() {
    in_every_way("09-stop", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        page.open(&town.tap(&user, "settings", SETTINGS));
        page.press("配信を止めるページへ");
        page.sees("理由は聞きません。");
        walk.look("button");
        page.press("English");
        walk.look("button-en");
        page.press("日本語");
        let link = paths::stop(town, &user);
        page.open(&format!("{link}/one-click"));
        assert_eq!(
            town.following(&user)[0].state,
            SubscriptionState::Active,
            "a look stops nothing"
        );

        page.open(&link);
        page.press_twice("すぐに止める");
        page.sees("止めました");
        walk.look("stopped");
        assert_eq!(town.following(&user), [], "nothing is followed any more");
        page.press("English");
        walk.look("stopped-en");

        page.back();
        page.back();
        page.press("すぐに止める");
        page.sees("止めました");
        assert_eq!(town.following(&user), [], "nothing is followed any more");
    });
}

#[test]
fn a_stop_link_that_is_broken_says_how_to_stop() {
    once("10-stop-closed", |town, walk| {
        let (page, user) = (&walk.page, user(1));
        town.expects(&user, "2027-03-15");
        let link = paths::stop(town, &user);
        let other = town.neighbour();
        for (step, path) in [
            ("forged", paths::forged(&link)),
            ("forged-en", paths::english(&paths::forged(&link))),
            ("elsewhere", paths::elsewhere(&link, &other)),
        ] {
            page.open(&path);
            assert_eq!(page.status(), 404);
            walk.look(step);
        }
        assert_eq!(town.following(&user)[0].state, SubscriptionState::Active);
        // It works for ever: whoever finds an old message can stop.
        town.advance(jiff::SignedDuration::from_hours(24 * 400));
        page.open(&link);
        page.press("すぐに止める");
        page.sees("止めました");
    });
}
