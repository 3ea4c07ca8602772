//! うまれました: the day of birth, told on a page that LINE's menu leads to.

use kizuna_domain::position::Anchor;

use crate::paths::{self, BIRTH};
use crate::town::user;
use crate::walk::in_every_way;

#[test]
fn a_family_tells_the_birth_and_repairs_a_day_that_lies_ahead() {
    in_every_way("05-birth", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2026-12-10");
        let link = town.tap(&user, "birth", BIRTH);
        page.open(&link);
        page.sees("うまれました");
        walk.look("form");
        page.open(&paths::english(&link));
        walk.look("form-en");
        page.open(&link);

        walk.date("2026", "11", "23");
        page.press("子育てのことばに切りかえる");
        assert_eq!(page.status(), 422);
        page.sees("誕生日が、きょうより先です。");
        walk.look("ahead");
        assert!(town.following(&user)[0].anchor.birth().is_none(), "nothing has changed");
        page.press("誕生日が、きょうより先です。日付を確かめてください。");
        assert_eq!(page.focused(), "日");

        walk.date("2026", "11", "20");
        page.press_twice("子育てのことばに切りかえる");
        page.sees("おめでとうございます");
        walk.look("done");
        let anchor = town.following(&user)[0].anchor;
        assert!(matches!(anchor, Anchor::Birth { .. }));
        assert_eq!(anchor.birth(), Some("2026-11-20".parse().unwrap()));

        page.open(&link);
        assert_eq!(page.status(), 410);
        walk.look("used");
    });
}
