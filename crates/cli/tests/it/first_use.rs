//! From nothing to the first morning, in the order of the manual.

use serde_json::{Value, json};

use crate::place::{Place, files, repository, today};

const OUTBOX: &str = "[tenant.outbox]\nfolder = \"outbox\"\n";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_first_morning_from_an_empty_folder() {
    let place = Place::empty();
    assert!(place.kizuna(&["init"]).expect(0).out.contains("kizuna.toml"));
    assert!(
        place.kizuna(&["init"]).expect(1).err.contains("上書きはしません"),
        "init twice"
    );
    let before = place.kizuna(&["plan"]).expect(1);
    assert!(before.err.contains("kizuna migrate"), "{}", before.err);
    // What init writes runs as it is.
    place.kizuna(&["migrate"]).expect(0);
    let missing = place.kizuna(&["check", "--offline"]).expect(2);
    assert!(missing.out.contains("kizuna import content"), "{}", missing.out);
    let starter = repository("content/starter-ja");
    place
        .kizuna(&["import", "content", starter.to_str().unwrap()])
        .expect(0);

    let due = today() + (280 - 87);
    let list = format!(
        "メールアドレス,配信手段,出産予定日,呼び名\nhanako@x.example,outbox,{due},はな\n\
         taro,outbox,{due},たろ\njiro@x.example,outbox,,じろ\nhanako@x.example,outbox,{due},はな\n"
    );
    place.write("list.csv", &list);
    let dry = place
        .kizuna(&["import", "subscribers", "list.csv", "--dry-run"])
        .expect(2);
    for line in ["3行目", "4行目", "5行目"] {
        assert!(dry.out.contains(line), "{line}: {}", dry.out);
    }
    let refused = place
        .kizuna(&["--json", "import", "subscribers", "list.csv"])
        .expect(2)
        .json();
    assert_eq!(
        (&refused["written"], &refused["added"], &refused["new"]),
        (&json!(false), &json!(0), &json!(1))
    );
    let rejected = refused["rejected"].as_array().unwrap();
    assert_eq!(rejected.len(), 3);
    assert_eq!(keys(&rejected[0]), ["column", "fix", "line", "reason"]);
    let taken = place
        .kizuna(&["--json", "import", "subscribers", "list.csv", "--skip-rejected"])
        .expect(2)
        .json();
    assert_eq!(taken["added"], json!(1));
    let again = place
        .kizuna(&["--json", "import", "subscribers", "list.csv", "--skip-rejected"])
        .expect(2)
        .json();
    assert_eq!((&again["added"], &again["known"]), (&json!(0), &json!(1)));

    let plan = place.kizuna(&["plan", "--json"]).expect(0).json();
    assert_eq!(
        (&plan["tenant"], &plan["day"]),
        (&json!("renshu"), &json!(today().to_string()))
    );
    let all = place.kizuna(&[
        "timeline",
        "--json",
        "--due",
        &due.to_string(),
        "--registered",
        &today().to_string(),
    ]);
    let journey = all.expect(0).json();
    let days = journey["days"].as_array().unwrap();
    assert!(
        days.len() > 25
            && ["on", "slot", "article", "text"]
                .iter()
                .all(|key| days[0].get(key).is_some())
    );

    // A day that has an article, whatever today is.
    let next = days.iter().find(|day| day["slot"] != "digest").unwrap()["on"]
        .as_str()
        .unwrap()
        .to_owned();
    let plan = place.kizuna(&["plan", "--json", "--day", &next]).expect(0).json();
    let planned = plan["planned"].as_array().unwrap();
    assert!(!planned.is_empty());
    assert_eq!(planned[0]["channel"], json!("outbox"));
    let subscription = planned[0]["subscription"].as_str().unwrap().to_owned();
    assert!(planned[0]["slot"].is_string() && plan["skipped"].is_object());

    let run = place.kizuna(&["run", "--json", "--day", &next]).expect(0).json();
    assert_eq!(
        (&run["sent"], &run["failed"], &run["unknown"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert!(run["skipped"].is_object());
    assert_eq!(files(&place.path("outbox")).len(), 1);
    let again = place.kizuna(&["run", "--json", "--day", &next]).expect(0).json();
    assert_eq!((&again["sent"], &again["sent_before"]), (&json!(1), &json!(1)));
    assert_eq!(files(&place.path("outbox")).len(), 1);

    let why = place
        .kizuna(&["why", "--json", "--subscription", &subscription, "--day", &next])
        .expect(0)
        .json();
    assert_eq!(why["deliveries"][0]["state"], json!("sent"), "{why}");
    assert_eq!(why["subscription"], json!(subscription));
    let words = place
        .kizuna(&["why", "--subscription", &subscription, "--day", &next])
        .expect(0)
        .out;
    assert!(words.contains("計算") && words.contains("sent"), "{words}");
    let nobody = place.kizuna(&["why", "--subscription", "sub_1"]).expect(1);
    assert!(nobody.err.contains("sub_"), "{}", nobody.err);
}

#[test]
fn a_position_says_what_its_dates_say() {
    let place = Place::empty();
    let due = place
        .kizuna(&["position", "--json", "--due", "2026-12-24", "--on", "2026-10-01"])
        .expect(0)
        .json();
    let expected = json!({
        "on": "2026-10-01", "gestational_week": 28, "gestational_day": 0, "age_days": null, "age_years": null,
        "age_months": null, "corrected_age_days": null, "school_entry_on": null,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&due[key], value, "{key}: {due}");
    }
    let leap = ["position", "--json", "--birth", "2024-02-29", "--on", "2026-02-28"];
    let born = place.kizuna(&leap).expect(0).json();
    assert_eq!(
        (&born["age_years"], &born["age_months"], &born["age_days"]),
        (&json!(2), &json!(24), &json!(730))
    );
    assert_eq!(
        (&born["school_entry_on"], &born["gestational_week"]),
        (&json!("2030-04-01"), &Value::Null)
    );
    let march = place.kizuna(&[&leap[..], &["--leap-march1"]].concat()).expect(0).json();
    assert_eq!((&march["age_years"], &march["age_months"]), (&json!(1), &json!(23)));
    let early = [
        "position",
        "--json",
        "--birth",
        "2026-06-01",
        "--due",
        "2026-08-10",
        "--on",
        "2026-09-01",
    ];
    let early = place.kizuna(&early).expect(0).json();
    assert_eq!(
        (&early["age_days"], &early["corrected_age_days"]),
        (&json!(92), &json!(22))
    );
    place.kizuna(&["position"]).expect(1);
    place.kizuna(&["position", "--due", "2026-02-30"]).expect(1);
}

#[test]
fn everything_in_order_is_said_and_ends_well() {
    let place = Place::installed(OUTBOX);
    let check = place.kizuna(&["check", "--offline"]).expect(0);
    assert!(check.out.contains("ぜんぶ、よしです"), "{}", check.out);
    let document = place.kizuna(&["check", "--offline", "--json"]).expect(0).json();
    assert_eq!(document["problems"], json!(0));
    assert!(
        document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| finding["ok"] == json!(true))
    );
}

#[test]
fn the_tongue_follows_the_option_and_the_locale() {
    let place = Place::installed(OUTBOX);
    let japanese = place
        .kizuna_with(&[("LANG", "ja_JP.UTF-8")], &["check", "--offline"])
        .out;
    for english in [
        place.kizuna(&["--lang", "en", "check", "--offline"]),
        place.kizuna_with(&[("LANG", "en_US.UTF-8")], &["check", "--offline"]),
        place.kizuna_with(
            &[("LC_ALL", "en_GB.UTF-8"), ("LANG", "ja_JP.UTF-8")],
            &["check", "--offline"],
        ),
    ] {
        assert!(english.out.contains("Everything is in order."), "{}", english.out);
    }
    assert!(japanese.contains("ぜんぶ、よしです"));
    assert_eq!(
        place.kizuna(&["check", "--offline"]).out,
        japanese,
        "Japanese where nothing was said"
    );
    let failure = Place::empty().kizuna(&["--lang", "en", "plan"]).expect(1);
    assert!(failure.err.contains("kizuna init"), "{}", failure.err);
}

#[test]
fn an_unknown_setting_is_refused_with_its_line() {
    for (wrong, line, name) in [
        ("[web]\nlisten = \"127.0.0.1:8080\"\nport = 1\n", "port", "port"),
        (
            "[[tenant]]\ncode = \"a\"\nname = \"あ\"\nkind = \"practice\"\nsender_name = \"あ\"\nsned_from = \"08:00\"\n",
            "sned_from",
            "sned_from",
        ),
        (
            "[[tenant]]\ncode = \"a\"\nname = \"あ\"\nkind = \"practice\"\nsender_name = \"あ\"\n[tenant.outbox]\nfolder = \"x\"\nfolda = \"y\"\n",
            "folda",
            "folda",
        ),
        ("[mail]\nmaildir = \"Maildir\"\nfolder = \"x\"\n", "folder", "folder"),
        ("[run]\nlease_secs = 3\n", "lease_secs", "lease_secs"),
    ] {
        let place = Place::configured(OUTBOX);
        let text = place.read("kizuna.toml");
        let (head, tail) = text.split_at(text.find("[run]").unwrap());
        let tail = if wrong.starts_with("[run]") {
            tail.replacen("[run]\nlease_seconds = 1\n", "", 1)
        } else {
            tail.to_owned()
        };
        let text = if wrong.starts_with("[[tenant]]") {
            format!("{head}{tail}{wrong}")
        } else {
            format!("{head}{wrong}{tail}")
        };
        place.write("kizuna.toml", &text);
        let number = text.lines().position(|found| found.starts_with(line)).unwrap() + 1;

        let refused = place.kizuna(&["migrate"]).expect(1);

        assert!(refused.err.contains(name), "{}", refused.err);
        assert!(
            refused.err.contains(&format!("line {number}")),
            "line {number}: {}",
            refused.err
        );
        assert!(!place.path("kizuna.db").exists(), "nothing ran");
    }
}

#[test]
fn a_lease_that_is_no_lease_is_refused() {
    for seconds in ["0", "601", "-1"] {
        let place = Place::configured(OUTBOX);
        place.write(
            "kizuna.toml",
            &place
                .read("kizuna.toml")
                .replace("lease_seconds = 1", &format!("lease_seconds = {seconds}")),
        );
        assert!(place.kizuna(&["migrate"]).expect(1).err.contains("lease_seconds"));
    }
}
