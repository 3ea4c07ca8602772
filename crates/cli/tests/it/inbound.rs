//! What `check` says about mail that comes in.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::place::Place;

const EMAIL: &str = "[tenant.email]\nhost = \"127.0.0.1\"\nfrom_address = \"kosodate@renshu.example\"\n";

/// A town with these lines in front of its tenants and these in its e-mail account.
fn town(head: &str, email: &str) -> Place {
    let place = Place::configured(&format!("{EMAIL}{email}"));
    let rest = place.read("kizuna.toml");
    place.write("kizuna.toml", &format!("{head}{rest}"));
    place.kizuna(&["migrate"]).expect(0);
    place
}

/// The findings about what comes in: whether each is good, and its words.
fn findings(place: &Place) -> Vec<(bool, String)> {
    let found = place.kizuna(&["check", "--offline", "--json", "--lang", "ja"]).json();
    let about = |finding: &&serde_json::Value| finding["what"] == "inbound";
    let all = found["findings"].as_array().unwrap().iter().filter(about);
    all.map(|finding| {
        let words = finding["message"].as_str().unwrap().to_owned();
        (finding["ok"].as_bool().unwrap(), words)
    })
    .collect()
}

#[track_caller]
fn one(place: &Place, good: bool, words: &str) {
    let found = findings(place);
    assert!(
        matches!(&found[..], [(is_good, said)] if *is_good == good && said.contains(words)),
        "{words}: {found:?}"
    );
}

fn old(path: &Path) {
    fs::write(path, "x").unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the command under test asks the machine's clock"
    )]
    let before = SystemTime::now() - Duration::from_mins(3 * 60 + 1);
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(before)
        .unwrap();
}

#[test]
fn a_check_says_what_to_do_about_mail_that_comes_in() {
    let maildir = "[mail]\nmaildir = \"Maildir\"\n";
    assert_eq!(findings(&town("", "")), []);
    one(
        &town("", "register_address = \"toroku@renshu.example\"\n"),
        false,
        "[mail] maildir を書いて",
    );

    let deaf = town(maildir, "");
    fs::create_dir(deaf.path("Maildir")).unwrap();
    let found = findings(&deaf);
    assert!(
        !found[0].0 && found[0].1.contains("register_address も envelope_domain もありません"),
        "{found:?}"
    );

    let place = town(maildir, "envelope_domain = \"bounce.renshu.example\"\n");
    one(&place, false, "がありません。kizuna serve を動かす利用者の持ちもので");
    place.write("Maildir", "");
    one(&place, false, "を読み書きできません");
    fs::remove_file(place.path("Maildir")).unwrap();
    fs::create_dir(place.path("Maildir")).unwrap();
    one(&place, true, "待っているもの 0 通");

    for inner in ["new", "cur", ".Broken/new"] {
        fs::create_dir_all(place.path("Maildir").join(inner)).unwrap();
    }
    place.write("Maildir/new/2", "x");
    one(&place, true, "待っているもの 1 通");
    old(&place.path("Maildir/new/1"));
    one(&place, false, "2 通待っています。いちばん古いものは 3 時間前です");
    fs::remove_file(place.path("Maildir/new/1")).unwrap();
    place.write("Maildir/cur/1:2,S", "x");
    one(&place, false, "ほかのメールソフト");
    fs::remove_file(place.path("Maildir/cur/1:2,S")).unwrap();
    place.write("Maildir/.Broken/new/1", "x");
    one(&place, false, "読めないメールが 1 通");
}
