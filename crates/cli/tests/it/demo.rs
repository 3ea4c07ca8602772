//! The demo: one command in an empty folder, as often as somebody likes.

use serde_json::json;

use crate::place::{Place, files};

#[test]
fn the_demo_sends_each_message_once_however_often_it_runs() {
    let place = Place::empty();
    let arguments = ["demo", "--once", "--families", "120", "--dir", "town"];

    let first = place.kizuna(&[&arguments[..], &["--json"]].concat()).expect(0).json();

    let sent = first["sent"].as_u64().unwrap();
    assert!(sent > 40, "{first}");
    assert_eq!((&first["failed"], &first["unknown"]), (&json!(0), &json!(0)));
    let letters = files(&place.path("town/outbox"));
    assert_eq!(letters.len() as u64, sent);

    let again = place.kizuna(&arguments).expect(0);
    assert!(again.out.contains("二度は送りませんでした"), "{}", again.out);
    let english = place.kizuna(&[&["--lang", "en"], &arguments[..]].concat()).expect(0);
    assert!(english.out.contains("Nothing was sent twice."), "{}", english.out);
    assert_eq!(files(&place.path("town/outbox")), letters);
}

#[test]
fn the_demo_reaches_every_kind_of_family_on_any_day() {
    let place = Place::empty();
    for day in ["2028-02-29", "2027-04-01"] {
        let run = [
            "demo",
            "--once",
            "--families",
            "60",
            "--dir",
            day,
            "--day",
            day,
            "--json",
        ];
        let run = place.kizuna(&run).expect(0).json();
        assert_eq!(run["tenants"][0]["day"], json!(day));
        assert_eq!(
            files(&place.path(&format!("{day}/outbox"))).len() as u64,
            run["sent"].as_u64().unwrap()
        );
    }
}
