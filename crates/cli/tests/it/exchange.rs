//! Lists and packs in and out: a round trip loses nothing.

use kizuna_paper::table::{Encoding, Row, Table, write_csv};
use serde_json::json;

use crate::place::{Place, today};

const OUTBOX: &str = "[tenant.outbox]\nfolder = \"outbox\"\n";

/// Families of many kinds: expecting, born, preterm, siblings, paused, ended, unconfirmed, with names and areas.
fn crowd(place: &Place) {
    let today = today();
    let mut list = String::from(
        "reference,channel,address,due_on,birth_on,relation,nickname,area,state,address_state,registered_on,consent_wording,consent_at\n",
    );
    for number in 0..60 {
        let (due, birth) = match number % 4 {
            0 => ((today + number * 4).to_string(), String::new()),
            1 => (String::new(), (today - number * 17).to_string()),
            2 => ((today - number * 3 + 40).to_string(), (today - number * 3).to_string()),
            _ => (String::new(), (today - number % 31).to_string()),
        };
        let state = ["active", "active", "active", "paused", "active", "ended"][usize::try_from(number % 6).unwrap()];
        let point = if number % 13 == 5 { "pending" } else { "verified" };
        let reader = if number % 10 == 9 { number - 1 } else { number };
        let nickname = if number % 3 == 0 { "ひな" } else { "" };
        let area = ["", "minami", "kita"][usize::try_from(number % 3).unwrap()];
        let registered = today - number % 5;
        let row = format!(
            "r{reader},outbox,k{reader}@x.example,{due},{birth},mother,{nickname},{area},{state},{point},{registered},v1,2026-04-01T00:00:00Z\n"
        );
        list.push_str(&row);
    }
    place.write("crowd.csv", &list);
    place.kizuna(&["import", "subscribers", "crowd.csv"]).expect(0);
}

#[test]
fn readers_who_were_exported_and_imported_have_the_same_plan() {
    let place = Place::installed(OUTBOX);
    crowd(&place);
    for (file, encoding) in [("all.csv", "utf-8"), ("sjis.csv", "shift_jis"), ("all.xlsx", "utf-8")] {
        place
            .kizuna(&["export", "subscribers", file, "--encoding", encoding])
            .expect(0);
        let other = Place::installed(OUTBOX);
        std::fs::copy(place.path(file), other.path(file)).unwrap();
        let imported = other
            .kizuna(&["--json", "import", "subscribers", file])
            .expect(0)
            .json();
        assert_eq!(
            (&imported["new"], &imported["added"], &imported["rows"]),
            (&json!(60), &json!(60), &json!(60)),
            "{file}"
        );
        for ahead in [0, 1, 30, 200] {
            let day = (today() + ahead).to_string();
            let plans = [&place, &other].map(|place| place.kizuna(&["plan", "--json", "--day", &day]).expect(0).json());
            assert!(
                plans[0]["planned"]
                    .as_array()
                    .is_some_and(|planned| ahead > 0 || planned.len() > 10)
            );
            assert_eq!(plans[0], plans[1], "{file} {day}");
        }
        // The list of the copy is the list itself, and coming back it changes nothing.
        other.kizuna(&["export", "subscribers", "again.csv"]).expect(0);
        place.kizuna(&["export", "subscribers", "first.csv"]).expect(0);
        assert_eq!(place.read("first.csv"), other.read("again.csv"), "{file}");
        let back = place
            .kizuna(&["--json", "import", "subscribers", file])
            .expect(0)
            .json();
        assert_eq!(
            (&back["new"], &back["known"], &back["added"]),
            (&json!(0), &json!(60), &json!(0)),
            "{file}"
        );
    }
}

#[test]
fn content_that_was_exported_and_imported_makes_the_same_journey() {
    let place = Place::installed(OUTBOX);
    let journey = |place: &Place| {
        let born = [
            "timeline",
            "--json",
            "--due",
            "2026-12-01",
            "--birth",
            "2026-11-20",
            "--registered",
            "2026-05-01",
            "--area",
            "minami",
        ];
        let text = place.kizuna(&born).expect(0);
        assert!(text.json()["days"].as_array().unwrap().len() > 60);
        text.out
    };
    let original = journey(&place);
    for ending in ["", ".xlsx", ".csv"] {
        let other = Place::configured(OUTBOX);
        other.kizuna(&["migrate"]).expect(0);
        for track in ["starter", "hidamari"] {
            let file = format!("{track}-out{ending}");
            place.kizuna(&["export", "content", &file, "--track", track]).expect(0);
            let path = place.path(&file);
            other.kizuna(&["import", "content", path.to_str().unwrap()]).expect(0);
        }
        assert_eq!(journey(&other), original, "{ending}");
        // The same pack again is no new edition.
        let path = place.path(&format!("starter-out{ending}"));
        let again = other
            .kizuna(&["--json", "import", "content", path.to_str().unwrap()])
            .expect(0)
            .json();
        assert_eq!(
            (&again["new_revisions"], &again["published"]),
            (&json!(0), &json!(false)),
            "{ending}"
        );
    }
}

#[test]
fn a_list_in_shift_jis_says_what_the_same_list_in_utf_8_says() {
    let due = (today() + 100).to_string();
    let rows = [
        ["番号", "メールアドレス", "配信手段", "出産予定日", "呼び名", "続柄"],
        ["一", "a@x.example", "outbox", &due, "髙橋", "母"],
        ["二", "b@x.example", "outbox", "令和八年", "①", "父"],
        ["三", "ｂ＠x.example", "outbox", &due, "", "おば"],
    ];
    let cells = |row: &[&str; 6]| row.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let table = Table {
        header: cells(&rows[0]),
        rows: rows[1..]
            .iter()
            .map(|row| Row {
                line: 0,
                cells: cells(row),
            })
            .collect(),
    };
    let place = Place::installed(OUTBOX);
    let answers = [Encoding::Utf8, Encoding::ShiftJis].map(|encoding| {
        std::fs::write(place.path("list.csv"), write_csv(&table, encoding).unwrap()).unwrap();
        place
            .kizuna(&["--json", "import", "subscribers", "list.csv", "--dry-run"])
            .expect(2)
            .json()
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["new"], json!(1));
    let lines: Vec<i64> = answers[0]["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 4]);
}

#[test]
fn a_list_that_cannot_be_read_says_why() {
    let place = Place::installed(OUTBOX);
    place.write("odd.csv", "なまえ,メールアドレス\nはな,a@x.example\n");
    let odd = place.kizuna(&["import", "subscribers", "odd.csv"]).expect(1);
    assert!(
        odd.err.contains("なまえ") && odd.err.contains("出産予定日"),
        "{}",
        odd.err
    );
    place.kizuna(&["import", "subscribers", "none.csv"]).expect(1);
    place.kizuna(&["import", "content", "nowhere"]).expect(1);
    place
        .kizuna(&["export", "content", "x.csv", "--track", "nothing"])
        .expect(1);
}
