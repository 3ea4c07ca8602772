//! The main pages in the reader's own few colours: what can be pressed has an edge, what is chosen a mark, nothing moves.

use crate::paths::FORM;
use crate::town::user;
use crate::walk::once;

#[test]
fn the_main_pages_can_be_used_in_a_readers_own_colours() {
    once("36-colours", |town, walk| {
        let page = &walk.page;
        page.open(FORM);
        walk.look_in_own_colours("form");
        page.press("たしかめる");
        walk.look_in_own_colours("no-date");
        walk.date("2027", "3", "15");
        page.write("メールアドレス", "hana@reader.example");
        page.press("たしかめる");
        walk.look_in_own_colours("check");

        town.expects(&user(1), "2027-03-15");
        let reader = town.following(&user(1))[0].subscriber;
        town.next_morning();
        for (step, path) in [
            ("words", town.words(reader)),
            ("home", town.own(reader, "")),
            ("date", town.own(reader, "date")),
            ("delivery", town.own(reader, "delivery")),
            ("stop", town.own(reader, "stop")),
            ("desks", "/hidamari/desks".to_owned()),
        ] {
            page.open(&path);
            walk.look_in_own_colours(step);
        }
    });
}
