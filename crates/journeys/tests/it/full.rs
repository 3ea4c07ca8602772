//! Pages at their fullest: many children with long names, and a town whose every name is long.

use crate::paths::{easy, english};
use crate::walk::once;

/// Names of twenty characters, as many as a nickname has, and days of birth: triplets, and twins twice.
const CHILDREN: [(&str, &str); 7] = [
    ("2026-03-01", "おひさまのようにわらうちいさなはなちゃん"),
    ("2026-03-01", "そら"),
    ("2026-03-01", "Maximiliana-Josefine"),
    ("2025-02-28", "うみ"),
    ("2025-02-28", "りく"),
    ("2024-02-29", "おりひめとひこぼしにちなんだなまえのほし"),
    ("2024-02-29", "はじめ"),
];

#[test]
fn a_family_of_many_finds_its_way() {
    once("37-full", |town, walk| {
        let page = &walk.page;
        let reader = town.expects_by_mail("hana@reader.example", "2027-03-15");
        let early = town.expects_by_mail("haru@reader.example", "2027-08-20");
        page.open(&town.words(early));
        page.sees("はじめてのことばが届きます");
        walk.look("before-the-first");
        page.open(&town.own(early, ""));
        walk.look("home-before-the-first");
        for (born, nickname) in CHILDREN {
            town.adds(reader, born, nickname);
        }
        town.next_morning();
        for own in ["", "birth", "date", "child", "pause", "stop/each", "invite", "data"] {
            page.open(&town.own(reader, own));
            let step = own.replace('/', "-");
            walk.look(if step.is_empty() { "home" } else { &step });
        }
        page.open(&easy(&town.own(reader, "")));
        walk.look("home-easy");
        page.open(&english(&town.own(reader, "")));
        walk.look("home-en");
        page.open(&town.own(reader, "pause"));
        page.press("お休みする");
        page.open(&town.own(reader, ""));
        page.sees("お休み中です");
        walk.look("home-paused");
    });
}

#[test]
fn a_town_of_long_names_is_read_on_every_screen() {
    once("38-long", |town, walk| {
        let (page, code) = (&walk.page, town.with_long_names());
        for (step, path) in [
            ("form", format!("/{code}/register")),
            ("desks", format!("/{code}/desks")),
            ("support", format!("/{code}/support")),
            ("nothing", format!("/{code}/nothing/here")),
        ] {
            page.open(&path);
            walk.look(step);
            page.open(&easy(&path));
            walk.look(&format!("{step}-easy"));
            page.open(&english(&path));
            walk.look(&format!("{step}-en"));
        }
    });
}
