//! 止める: one button, no question; looking stops nothing, and nothing undoes it.

use kizuna_domain::people::SubscriptionState;

use crate::paths::{self, OWN};
use crate::town::user;
use crate::walk::{in_every_way, once};

#[test]
fn a_family_stops_with_one_button_and_looking_alone_stops_nothing() {
    in_every_way("09-stop", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        page.open(&town.tap(&user, "settings", OWN));
        page.press("止める");
        page.sees("理由は聞きません。");
        walk.look("button");
        let link = paths::stop(town, &user);
        page.open(&paths::english(&link));
        walk.look("button-en");
        page.open(&format!("{link}/one-click"));
        assert_eq!(
            town.following(&user)[0].state,
            SubscriptionState::Active,
            "a look stops nothing"
        );

        page.open(&link);
        page.press("気持ちのこと・手続きのこと");
        page.sees("話しても、話さなくても");
        walk.look("support");
        page.open(&link);
        page.press_twice("すぐに止める");
        page.sees("止めました");
        walk.look("stopped");
        assert_eq!(town.following(&user), [], "nothing is followed any more");

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

#[test]
fn a_family_stops_one_child_and_then_all_from_a_mail() {
    in_every_way("13-stop-mail", |town, walk, way| {
        let (page, address) = (&walk.page, format!("hana{way}@reader.example"));
        let reader = town.expects_by_mail(&address, "2027-03-15");
        page.open(&town.own(reader, "child"));
        page.touch("うまれている");
        walk.date("2024", "4", "10");
        page.write("よび名（なくてもよい）", "そら");
        page.press("たしかめる");
        page.press("ふやす");
        assert_eq!(town.followed(reader).len(), 2);
        town.next_morning();
        let mail = town.newest_mail(&address);
        let stop = town.link_in(&mail, "stop");

        page.open(&stop);
        walk.look("button");
        page.press("一部だけ止める");
        walk.look("each");
        page.press("2歳の子 止める");
        page.sees("ほかのことばは、そのまま届きます");
        walk.look("one");
        assert_eq!(town.followed(reader).len(), 1);

        page.open(&stop);
        page.press_twice("すぐに止める");
        page.sees("止めました");
        assert_eq!(town.followed(reader), []);
        let before = town.mails(&address);
        town.next_morning();
        assert_eq!(town.mails(&address), before, "nothing ever follows");
    });
}
