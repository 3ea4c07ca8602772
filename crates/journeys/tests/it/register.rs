//! 登録 by the link that LINE's greeting brings: one date, looked at once, one press.

use kizuna_domain::position::Anchor;

use crate::paths;
use crate::town::user;
use crate::walk::in_every_way;

#[test]
fn a_family_registers_repairs_a_wrong_date_and_presses_twice() {
    in_every_way("01-register", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let link = town.befriend(&user);
        page.open(&link);
        page.sees("いまは、どちらですか");
        page.does_not_see("お子さんの誕生日");
        walk.look("form");

        page.press("たしかめる");
        assert_eq!(page.status(), 422);
        page.sees("出産予定日をえらんでください。");
        walk.look("no-date");
        walk.date("2027", "2", "30");
        page.press("たしかめる");
        page.sees("2月は28日までです。日をえらびなおしてください。");
        walk.look("no-such-day");
        page.press("2月は28日までです。日をえらびなおしてください。");
        assert_eq!(page.focused(), "日", "the summary leads to the field");

        walk.date("2027", "3", "15");
        page.touch("母親");
        page.press("たしかめる");
        page.sees("きょうは 妊娠23週6日 です");
        walk.look("check");
        assert_eq!(town.following(&user), [], "looking registers nobody");
        page.press("直す");
        page.press("たしかめる");
        page.sees("2027年3月15日");

        page.press_twice("登録する");
        page.sees("登録できました");
        walk.look("done");
        let living = town.following(&user);
        assert_eq!(living.len(), 1, "two presses register once");
        assert_eq!(living[0].anchor, Anchor::Due("2027-03-15".parse().unwrap()));

        page.open(&link);
        assert_eq!(page.status(), 410);
        page.sees("このリンクは、もう使われています");
        walk.look("used");
    });
}

#[test]
fn a_family_that_raises_a_child_registers_in_english() {
    in_every_way("02-register-en", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        page.open(&paths::english(&town.befriend(&user)));
        walk.look("form");
        page.touch("Raising a child");
        for (list, option) in [("Year", "2026"), ("Month", "11"), ("Day", "23")] {
            page.choose(list, option);
        }
        page.press("Check");
        page.sees("The birthday is in the future. Check the date.");
        walk.look("ahead");
        page.choose("Day", "1");
        page.press("Check");
        walk.look("check");
        page.press("Register");
        page.sees("You are registered");
        walk.look("done");
        assert_eq!(
            town.following(&user)[0].anchor.birth(),
            Some("2026-11-01".parse().unwrap())
        );
    });
}

#[test]
fn the_way_back_after_registering_registers_nobody_again() {
    in_every_way("03-register-back", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        page.open(&town.befriend(&user));
        walk.date("2027", "3", "15");
        page.press("たしかめる");
        page.press("登録する");
        page.sees("登録できました");
        let living = town.following(&user);

        page.back();
        walk.look("back");
        assert_eq!(town.following(&user), living);
    });
}

#[test]
fn a_registration_link_that_opens_nothing_says_so_and_where_a_new_one_is() {
    crate::walk::once("04-register-closed", |town, walk| {
        let page = &walk.page;
        let link = town.befriend(&user(1));
        let other = town.neighbour();
        for (step, path) in [
            ("forged", paths::forged(&link)),
            ("elsewhere", paths::elsewhere(&link, &other)),
        ] {
            page.open(&path);
            assert_eq!(page.status(), 404);
            page.sees("このリンクは使えなくなりました");
            walk.look(step);
        }
        town.advance(jiff::SignedDuration::from_hours(25));
        page.open(&link);
        assert_eq!(page.status(), 404);
        page.sees("期限がすぎたか");
        walk.look("expired");
        page.open(&paths::english(&link));
        walk.look("expired-en");
        assert_eq!(town.following(&user(1)), []);
    });
}
