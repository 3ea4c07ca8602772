//! 設定: a date corrected, a pause begun and ended, on pages that LINE's menu leads to.

use kizuna_domain::people::SubscriptionState;
use kizuna_domain::position::Anchor;

use crate::paths::{self, SETTINGS};
use crate::town::user;
use crate::walk::{in_every_way, once};

#[test]
fn a_family_corrects_its_due_date() {
    in_every_way("06-date", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        let link = town.tap(&user, "settings", SETTINGS);
        page.open(&link);
        page.sees("妊娠23週6日");
        walk.look("form");
        page.open(&paths::english(&link));
        walk.look("form-en");
        page.open(&link);

        walk.date("2027", "2", "30");
        page.press("この日付に直す");
        assert_eq!(page.status(), 422);
        page.sees("2月は28日までです。");
        walk.look("no-such-day");

        walk.date("2027", "3", "8");
        page.press_twice("この日付に直す");
        let living = town.following(&user);
        assert_eq!(living[0].anchor, Anchor::Due("2027-03-08".parse().unwrap()));
        walk.look("done");
        page.open(&link);
        assert_eq!(page.status(), 410);
        walk.look("used");
    });
}

#[test]
fn a_family_pauses_and_goes_on() {
    in_every_way("07-pause", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        page.open(&town.tap(&user, "settings", SETTINGS));
        page.press("お休みする");
        page.sees("お休みにしました");
        walk.look("paused");
        assert_eq!(town.following(&user)[0].state, SubscriptionState::Paused);

        page.open(&town.tap(&user, "settings", SETTINGS));
        page.sees("いまは、お休み中です。");
        walk.look("resting");
        page.press("お休みをおわりにする");
        page.sees("お休みをおわりにしました");
        walk.look("resumed");
        assert_eq!(town.following(&user)[0].state, SubscriptionState::Active);
    });
}

#[test]
fn a_settings_link_that_opens_nothing_says_so_and_changes_nothing() {
    once("08-settings-closed", |town, walk| {
        let (page, user) = (&walk.page, user(1));
        town.expects(&user, "2027-03-15");
        let link = town.tap(&user, "settings", SETTINGS);
        let before = town.following(&user);
        let other = town.neighbour();
        for (step, path) in [
            ("forged", paths::forged(&link)),
            ("elsewhere", paths::elsewhere(&link, &other)),
        ] {
            page.open(&path);
            assert_eq!(page.status(), 404);
            page.sees("何も変わっていません");
            walk.look(step);
        }
        page.open(&link);
        town.advance(jiff::SignedDuration::from_hours(25));
        page.press("お休みする");
        assert_eq!(page.status(), 404, "it expired while it lay open");
        walk.look("expired");
        assert_eq!(town.following(&user), before);
    });
}
