//! お子さんをふやす: twins, and a child of another age.

use crate::walk::in_every_way;

#[test]
fn a_family_adds_a_twin_and_an_older_child() {
    in_every_way("18-child", |town, walk, way| {
        let page = &walk.page;
        let reader = town.expects_by_mail(&format!("hana{way}@reader.example"), "2027-03-15");
        let link = town.own(reader, "child");
        page.open(&link);
        walk.look("form");
        page.press("たしかめる");
        assert_eq!(page.status(), 422);
        page.sees("お子さんの誕生日をえらんでください。");
        walk.look("no-date");
        walk.date("2024", "4", "10");
        page.write("よび名（なくてもよい）", "そら");
        page.press("たしかめる");
        page.sees("2歳7か月");
        walk.look("check");
        page.press("直す");
        page.press("たしかめる");
        page.press_twice("ふやす");
        page.sees("ふやしました");
        walk.look("added");
        assert_eq!(town.followed(reader).len(), 2, "two presses add one child");

        page.open(&link);
        page.touch("ふたご・みつごのとき");
        walk.look("twins");
        page.press("妊娠23週6日");
        walk.look("twin");
        page.write("よび名（なくてもよい）", "うみ");
        page.press_twice("もう一人ふやす");
        page.sees("ふやしました");
        let all = town.followed(reader);
        assert_eq!(all.len(), 3);
        assert_eq!(all.iter().filter(|child| child.anchor.birth().is_none()).count(), 2);

        page.open(&town.own(reader, ""));
        walk.look("home");
        page.open(&town.own(reader, "pause"));
        page.touch("一人ずつえらぶ");
        walk.look("pause-each");
        page.open(&town.own(reader, "birth"));
        walk.look("birth-of-twins");
        page.open(&town.own(reader, "date"));
        walk.look("dates");
    });
}
