//! `check content`: the editorial rules from the command line.

use serde_json::{Value, json};

use crate::place::{Answer, Place};

const TODAY: &str = "2026-11-22";

const GOOD: &str = "1歳になるまでは、あおむけに寝かせてください。顔のまわりには、やわらかいものを置きません。\n\n\
    敷くものは、かためのものを選びます。医師に別の姿勢をすすめられた子は、その指示のとおりに。\n\n\
    迷うときは、産院の人や保健師に聞いてください。\n";

/// A series of one article that promises its one slot.
fn write_pack(place: &Place, folder: &str, body: &str) {
    std::fs::create_dir_all(place.path(&format!("{folder}/child"))).unwrap();
    place.write(
        &format!("{folder}/pack.toml"),
        &format!(
            "format = 1\ntrack = \"{folder}\"\ntitle = \"見本\"\nowner = \"desk\"\nlanguage = \"ja\"\n\
             sender_label = \"きずなだより\"\ncovers = \"d7\"\n"
        ),
    );
    let head = "id = \"sleep\"\nslot = \"d7\"\ntitle = \"ねるときは、あおむけに\"\n\
        sources = [{ title = \"安全に眠れるように\", publisher = \"こども家庭庁\", year = 2025 }]";
    place.write(&format!("{folder}/child/d007.md"), &format!("+++\n{head}\n+++\n{body}"));
}

fn check(place: &Place, arguments: &[&str]) -> Answer {
    place.kizuna(&[&["check", "content", "--today", TODAY], arguments].concat())
}

#[test]
fn a_good_pack_has_nothing_to_mend() {
    let place = Place::empty();
    write_pack(&place, "good", GOOD);
    let document = check(&place, &["good", "--json"]).expect(0).json();
    assert_eq!(
        document,
        json!({
            "coverage": { "good": 1.0, "overall": 1.0 }, "errors": [], "warnings": [],
            "articles": { "good": 1, "total": 1 }, "shared_runs": { "good": 0.0 },
        })
    );
    let words = check(&place, &["good"]).expect(0).out;
    assert!(words.contains("原稿 1 本") && words.contains("100.0%"), "{words}");
}

#[test]
fn what_is_to_be_mended_comes_first_with_its_file_and_what_to_do() {
    let place = Place::empty();
    write_pack(&place, "good", GOOD);
    write_pack(
        &place,
        "bad",
        &format!("{GOOD}すばらしい日です。ママも休みましょう。\n"),
    );
    let answer = check(&place, &["good", "bad"]).expect(1);
    let at = |words: &str| {
        answer
            .out
            .find(words)
            .unwrap_or_else(|| panic!("{words}: {}", answer.out))
    };
    assert!(at("直す　child/d007.md　gendered　ママ") < at("見る　child/d007.md　praise"));
    assert!(answer.err.contains("1 件の直すところ"), "{}", answer.err);
    let document = check(&place, &["good", "bad", "--json"]).expect(1).json();
    let error = &document["errors"][0];
    assert_eq!(
        ["pack", "file", "article", "rule", "words"].map(|key| error[key].as_str().unwrap()),
        ["bad", "child/d007.md", "sleep", "gendered", "ママ"]
    );
    assert!(error["ja"].as_str().unwrap().contains("あなた、家族") && error["en"].as_str().unwrap().contains("→"));
    let count = |key: &str| document[key].as_array().map(Vec::len);
    assert_eq!((count("errors"), count("warnings")), (Some(1), Some(1)));
    assert_eq!(document["articles"], json!({ "good": 1, "bad": 1, "total": 2 }));
    let english = place
        .kizuna(&["check", "content", "--today", TODAY, "--lang", "en", "bad"])
        .expect(1);
    assert!(english.out.contains("MEND  child/d007.md  gendered"), "{}", english.out);
}

#[test]
fn the_numbers_of_the_named_town_may_stand_in_the_text() {
    let place = Place::empty();
    write_pack(&place, "town", GOOD);
    place.write(
        "town/desks.toml",
        "[[desk]]\nid = \"center\"\nname = \"センター\"\nphone = \"000-000-0009\"\n",
    );
    write_pack(&place, "series", &format!("{GOOD}電話は 000-000-0009 です。\n"));
    let refused = check(&place, &["series", "--json"]).expect(1).json();
    assert_eq!(refused["errors"][0]["rule"], json!("phone"));
    check(&place, &["series", "--tenant-pack", "town"]).expect(0);
}

#[test]
fn validity_is_judged_on_the_day_that_was_named() {
    let place = Place::empty();
    write_pack(&place, "good", GOOD);
    let article = place
        .read("good/child/d007.md")
        .replace("+++\nid", "+++\nvalid_until = \"2026-11-21\"\nid");
    place.write("good/child/d007.md", &article);
    let late = check(&place, &["good", "--json"]).expect(1).json();
    assert_eq!(late["errors"][0]["rule"], json!("validity"));
    place
        .kizuna(&["check", "content", "--today", "2026-09-01", "good"])
        .expect(0);
}

#[test]
fn a_pack_that_cannot_be_imported_is_reported_beside_the_others() {
    let place = Place::empty();
    write_pack(&place, "good", GOOD);
    write_pack(&place, "broken", GOOD);
    let article = place.read("broken/child/d007.md").replace("\"d7\"", "\"99w9d\"");
    place.write("broken/child/d007.md", &article);
    let document = check(&place, &["broken", "good", "--json"]).expect(1).json();
    let error = &document["errors"][0];
    assert_eq!(
        (&error["pack"], &error["file"], &error["rule"], &error["article"]),
        (&json!("broken"), &json!("child/d007.md"), &json!("pack"), &Value::Null)
    );
    assert_eq!(document["articles"], json!({ "good": 1, "total": 1 }));
    assert!(check(&place, &["nowhere"]).expect(1).err.contains("nowhere"));
    assert!(check(&place, &["good", "good"]).expect(1).err.contains("二つあります"));
}

#[test]
fn a_promise_travels_in_a_table_too() {
    let place = Place::empty();
    place.write(
        "series.csv",
        &format!(
            "kind,id,slot,title,body,sources,track,owner,language,sender_label,format,covers\n\
             pack,,,見本,,,table,desk,ja,きずなだより,1,d7..d8\n\
             article,sleep,d7,ねるときは、あおむけに,\"{GOOD}\",安全に眠れるように｜こども家庭庁｜2025,,,,,,\n"
        ),
    );
    let document = check(&place, &["series.csv", "--json"]).expect(0).json();
    assert_eq!(document["coverage"]["table"], json!(0.5));
    assert_eq!(
        (&document["warnings"][0]["file"], &document["warnings"][0]["words"]),
        (&json!("pack.toml"), &json!("d8"))
    );
}

#[test]
fn the_packs_inside_the_program_keep_the_rules() {
    let document = check(&Place::empty(), &["--json"]).json();
    assert_eq!(document["errors"], json!([]), "{document:#}");
    assert_eq!(
        document["coverage"],
        json!({ "starter": 1.0, "starter-easy": 1.0, "starter-en": 1.0, "overall": 1.0 })
    );
    assert!(document["articles"]["hidamari"].is_number(), "{document:#}");
    // Only an old source, and the end of a year's articles, may wait for somebody to look.
    let open = document["warnings"].as_array().unwrap().iter();
    let open: Vec<_> = open
        .filter(|found| found["rule"] != json!("source") && found["rule"] != json!("validity"))
        .collect();
    assert!(open.is_empty(), "{open:#?}");
}
