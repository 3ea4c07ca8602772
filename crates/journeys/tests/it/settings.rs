//! 設定: a date corrected, a pause begun and ended, on pages that LINE's menu leads to.

use jiff::SignedDuration;
use kizuna_domain::people::SubscriptionState;
use kizuna_domain::position::Anchor;

use crate::paths;
use crate::town::user;
use crate::walk::{in_every_way, once};

#[test]
fn a_family_corrects_its_due_date() {
    in_every_way("06-date", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        let link = town.own(town.following(&user)[0].subscriber, "date");
        page.open(&link);
        page.sees("妊娠23週6日");
        walk.look("form");

        walk.date("2027", "2", "30");
        page.press("変わるところを見る");
        assert_eq!(page.status(), 422);
        page.sees("2月は28日までです。");
        walk.look("no-such-day");

        walk.date("2027", "3", "8");
        page.press("変わるところを見る");
        page.sees("妊娠23週6日");
        page.sees("妊娠24週6日");
        walk.look("before-and-after");
        assert_eq!(
            town.following(&user)[0].anchor,
            Anchor::Due("2027-03-15".parse().unwrap())
        );
        page.press("もどる");
        page.press("変わるところを見る");
        page.press_twice("この日付にする");
        page.sees("直しました");
        walk.look("done");
        assert_eq!(
            town.following(&user)[0].anchor,
            Anchor::Due("2027-03-08".parse().unwrap())
        );
    });
}

#[test]
fn a_family_pauses_and_goes_on() {
    in_every_way("07-pause", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        let link = town.own(town.following(&user)[0].subscriber, "pause");
        page.open(&link);
        walk.look("form");
        page.press("お休みする");
        page.sees("お休みにしました");
        walk.look("paused");
        assert_eq!(town.following(&user)[0].state, SubscriptionState::Paused);

        page.open(&link);
        page.sees("いまは、お休み中です。");
        walk.look("resting");
        page.press("お休みをおわりにする");
        page.sees("お休みをおわりにしました");
        walk.look("resumed");
        assert_eq!(town.following(&user)[0].state, SubscriptionState::Active);
    });
}

#[test]
fn a_family_makes_its_links_anew_and_earlier_ones_open_nothing_but_the_way_out() {
    in_every_way("08b-links", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        let reader = town.following(&user)[0].subscriber;
        let (link, words, stop) = (town.own(reader, "links"), town.words(reader), paths::stop(town, &user));
        page.open(&link);
        walk.look("form");
        page.press_twice("リンクを新しくする");
        page.sees("リンクを新しくしました。");
        walk.look("done");

        for earlier in [&link, &words] {
            page.open(earlier);
            assert_eq!(page.status(), 404);
            page.sees("このリンクは使えなくなりました");
        }
        page.open(&stop);
        page.sees("すぐに止める");
    });
}

#[test]
fn a_link_of_ones_own_that_opens_nothing_says_so_and_a_fresh_one_comes_by_mail() {
    once("08-own-closed", |town, walk| {
        let page = &walk.page;
        let reader = town.expects_by_mail("hana@reader.example", "2027-03-15");
        let (link, before) = (town.own(reader, "pause"), town.followed(reader));
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
        town.advance(SignedDuration::from_hours(49));
        page.press("お休みする");
        page.sees("このリンクは、古くなりました");
        walk.look("expired");
        assert_eq!(town.followed(reader), before, "it expired while it lay open");
        for (step, path) in [
            ("expired-easy", paths::easy(&link)),
            ("expired-en", paths::english(&link)),
        ] {
            page.open(&path);
            walk.look(step);
        }
        page.open(&link);
        page.press("新しいリンクを送る");
        page.sees("受け付けました");
        walk.look("asked");
        let fresh = town.link_in(&town.newest_mail("hana@reader.example"), paths::OWN);
        page.open(&fresh);
        page.sees("あなたのページ");
        walk.look("fresh");
    });
}
