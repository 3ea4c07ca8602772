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
    assert!(
        letters.len() as u64 * 5 > sent && letters.len() as u64 * 2 < sent,
        "most families read by LINE"
    );

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
        let said = place.kizuna(&[
            "demo",
            "--once",
            "--families",
            "60",
            "--dir",
            &format!("{day}-2"),
            "--day",
            day,
        ]);
        let words = said.expect(0).out;
        let by_line = words
            .split("見本の電話に ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let by_line: u64 = by_line.unwrap().parse().unwrap();
        let by_mail = files(&place.path(&format!("{day}-2/outbox"))).len() as u64;
        assert_eq!(by_line + by_mail, run["sent"].as_u64().unwrap());
    }
}
