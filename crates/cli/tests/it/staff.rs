//! Adding the first people, and the record of who did what, from the command line.

use serde_json::json;

use crate::place::Place;

const OUTBOX: &str = "[tenant.outbox]\nfolder = \"outbox\"";

fn migrated() -> Place {
    let place = Place::configured(OUTBOX);
    place.kizuna(&["migrate"]).expect(0);
    place
}

#[test]
fn the_first_person_is_added_with_a_link() {
    let place = migrated();
    let added = place
        .kizuna(&["staff", "add", "--role", "administrator", "hanako@example.jp"])
        .expect(0);
    let link = added.out.lines().last().unwrap();
    assert!(link.starts_with("https://kosodate.example/join/"), "{link}");
    assert!(added.out.contains("本人だけに渡してください"), "{}", added.out);

    let other = place
        .kizuna(&[
            "staff",
            "add",
            "--tenant",
            "renshu",
            "--role",
            "viewer",
            "taro@example.jp",
            "--json",
        ])
        .expect(0)
        .json();
    assert!(
        other["link"].as_str().unwrap() != link && other["expires_at"].is_string(),
        "{other}"
    );
    let operator = place
        .kizuna(&["staff", "add", "--operator", "mamoru@example.jp"])
        .expect(0);
    assert!(operator.out.contains("/join/"), "{}", operator.out);
    assert_eq!(
        place.kizuna(&["staff", "list", "--json"]).expect(0).json(),
        json!({ "staff": [] }),
        "nobody accepted yet"
    );
}

#[test]
fn what_cannot_be_done_about_staff_is_said_in_words() {
    let place = migrated();
    for (arguments, words) in [
        (
            vec!["add", "--role", "administrator", "hanako"],
            "hanako@example.jp のように",
        ),
        (
            vec!["add", "--role", "boss", "hanako@example.jp"],
            "administrator, editor, approver, viewer",
        ),
        (
            vec!["add", "--role", "operator", "hanako@example.jp"],
            "administrator, editor, approver, viewer",
        ),
        (vec!["add", "hanako@example.jp"], "--role"),
        (
            vec!["add", "--tenant", "nowhere", "--role", "viewer", "hanako@example.jp"],
            "nowhere",
        ),
        (vec!["disable", "hanako@example.jp"], "見つかりません"),
        (vec!["reset", "hanako@example.jp"], "見つかりません"),
    ] {
        let answer = place.kizuna(&[&["staff"], &arguments[..]].concat()).expect(1);
        assert!(answer.err.contains(words), "{arguments:?}: {}", answer.err);
    }
}

#[test]
fn the_record_is_whole_until_another_key_looks_at_it() {
    let place = migrated();
    place
        .kizuna(&["staff", "add", "--role", "administrator", "hanako@example.jp"])
        .expect(0);

    let whole = place.kizuna(&["audit", "verify", "--json"]).expect(0).json();
    let chains = whole["chains"].as_array().unwrap();
    assert_eq!(chains.len(), 2);
    assert_eq!(
        (&chains[0]["chain"], &chains[0]["entries"]),
        (&json!("installation"), &json!(1))
    );
    assert_eq!(
        (&chains[1]["chain"], &chains[1]["whole"], &chains[1]["fault"]),
        (&json!("renshu"), &json!(true), &json!(null))
    );
    assert!(
        place
            .kizuna(&["audit", "verify"])
            .expect(0)
            .out
            .contains("renshu：そろっています（1 件）")
    );
    let listed = place
        .kizuna(&["audit", "list", "--tenant", "renshu", "--json"])
        .expect(0)
        .json();
    let entry = &listed["entries"][0];
    assert_eq!(
        (&entry["seq"], &entry["actor"], &entry["action"]),
        (&json!(1), &json!("cli"), &json!("staff.invite"))
    );
    assert_eq!(entry["detail"], json!("role=administrator"));
    assert!(!listed.to_string().contains("hanako"), "{listed}");

    std::fs::remove_file(place.path("kizuna.key")).unwrap();
    place.write("kizuna.key", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=\n");
    let broken = place.kizuna(&["audit", "verify"]).expect(2);
    assert!(broken.out.contains("末尾の封が合いません"), "{}", broken.out);
    let one = place
        .kizuna(&["audit", "verify", "--tenant", "renshu", "--json"])
        .expect(2)
        .json();
    assert_eq!(one["chains"][0]["fault"], json!("head"));
}

#[test]
fn a_tenant_may_not_be_called_like_a_page() {
    let place = migrated();
    let text = place
        .read("kizuna.toml")
        .replace("code = \"renshu\"", "code = \"signin\"");
    place.write("kizuna.toml", &text);
    let answer = place.kizuna(&["migrate"]).expect(1);
    assert!(
        answer.err.contains("begins an address of the program itself"),
        "{}",
        answer.err
    );
}

#[test]
fn serve_says_how_to_add_the_first_person() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let place = migrated();
    let mut command = place.command(crate::place::KIZUNA);
    command
        .args(["serve", "--only", "web"])
        .env("KIZUNA_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let out = BufReader::new(server.stdout.take().unwrap());
    let found = out
        .lines()
        .map(Result::unwrap)
        .take(5)
        .find(|line| line.contains("kizuna staff add --tenant renshu --role administrator"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(found.is_some());
}
