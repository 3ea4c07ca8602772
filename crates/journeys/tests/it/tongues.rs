//! A reader's own pages in やさしい日本語 and English.

use crate::paths::{easy, english, stop};
use crate::town::user;
use crate::walk::once;

/// A reader's own pages.
const PAGES: &[&str] = &[
    "",
    "birth",
    "date",
    "child",
    "pause",
    "stop",
    "stop/each",
    "support",
    "delivery",
    "invite",
    "move",
    "data",
    "data/erase",
    "links",
    "address",
];

/// Looks at every page of a reader in another language.
fn in_language(journey: &str, spoken: fn(&str) -> String) {
    once(journey, |town, walk| {
        let page = &walk.page;
        let reader = town.expects_by_mail("hana@reader.example", "2027-03-15");
        town.neighbour();
        town.next_morning();
        for own in PAGES {
            page.open(&spoken(&town.own(reader, own)));
            let step = own.replace('/', "-");
            walk.look(if step.is_empty() { "home" } else { &step });
        }
        let words = town.words(reader);
        for (step, path) in [
            ("words", words.clone()),
            ("past", format!("{words}/past")),
            ("print", format!("{words}/print")),
        ] {
            page.open(&spoken(&path));
            walk.look(step);
        }
        town.bounces("hana@reader.example");
        page.open(&spoken(&town.own(reader, "address")));
        walk.look("address-ill");
        town.expects(&user(1), "2027-03-15");
        page.open(&spoken(&stop(town, &user(1))));
        walk.look("stop-mail");
        page.open(&spoken(&town.befriend(&user(2))));
        walk.look("register-line");
    });
}

#[test]
fn every_page_of_a_reader_speaks_plain_japanese() {
    in_language("25-easy", easy);
}

#[test]
fn every_page_of_a_reader_speaks_english() {
    in_language("26-english", english);
}
