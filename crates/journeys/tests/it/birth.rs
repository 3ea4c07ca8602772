//! うまれました: the day of birth, told on a page that LINE's menu leads to, and whose day the words go by.

use kizuna_domain::position::Anchor;

use crate::paths::{self, OWN};
use crate::town::user;
use crate::walk::in_every_way;

#[test]
fn a_family_tells_the_birth_and_repairs_a_day_that_lies_ahead() {
    in_every_way("05-birth", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2026-12-10");
        let link = town.tap(&user, "birth", OWN);
        page.open(&link);
        page.sees("うまれました");
        page.does_not_see("おめでとう");
        walk.look("form");

        walk.date("2026", "11", "23");
        page.press("子育てのことばに切りかえる");
        assert_eq!(page.status(), 422);
        page.sees("誕生日が、きょうより先です。");
        walk.look("ahead");
        assert!(town.following(&user)[0].anchor.birth().is_none(), "nothing has changed");

        walk.date("2026", "11", "20");
        page.press_twice("子育てのことばに切りかえる");
        page.sees("おめでとうございます");
        page.does_not_see("修正月齢");
        walk.look("done");
        let anchor = town.following(&user)[0].anchor;
        assert!(matches!(anchor, Anchor::Birth { .. }));
        assert_eq!(anchor.birth(), Some("2026-11-20".parse().unwrap()));

        page.open(&link);
        page.sees("妊娠中の登録は、ありません。");
        walk.look("told-already");
    });
}

#[test]
fn a_family_whose_child_came_early_is_asked_whose_day_the_words_go_by() {
    in_every_way("12-early", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-01-10");
        page.open(&town.tap(&user, "birth", OWN));
        walk.date("2026", "11", "20");
        page.press("子育てのことばに切りかえる");
        page.sees("修正月齢");
        walk.look("offer");
        let born = page.path();
        for (step, path) in [("offer-easy", paths::easy(&born)), ("offer-en", paths::english(&born))] {
            page.open(&path);
            walk.look(step);
        }
        page.open(&born);
        page.press("誕生日にあわせて届ける");
        page.sees("直しました");
        walk.look("by-birth");
        let day = "2026-11-20".parse().unwrap();
        assert_eq!(town.following(&user)[0].anchor, Anchor::Birth { on: day, due: None });
    });
}
