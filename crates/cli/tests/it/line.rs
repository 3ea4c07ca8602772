//! LINE from the command line: the check, and menus shown, drawn and listed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::{Account, Clock, Net, Secret, line::Client};
use kizuna_domain::ids::AccountId;
use kizuna_domain::menu::{Destinations, Menu, MenuStage};
use kizuna_line_double::{Double, NewChannel, Options};
use kizuna_paper::menu::draw;

use crate::place::Place;

const CHANNEL: &str = "1650000001";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn double() -> Double {
    let options = Options {
        rate_limits: false,
        ..Options::default()
    };
    let double = Double::start(options).unwrap();
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        display_name: "練習市 子育てだより".to_owned(),
        basic_id: "@123abcde".to_owned(),
        bot_user_id: "U00000000000000000000000000000000".to_owned(),
        quota: Some(1_000),
        ..NewChannel::default()
    });
    double
}

fn place(double: &Double, secret: &str) -> Place {
    Place::installed(&format!(
        "[tenant.line]\nchannel_id = \"{CHANNEL}\"\nchannel_secret = \"{secret}\"\nreserve = \"100\"\n\
         api_url = \"{}\"\n",
        double.url()
    ))
}

#[test]
fn the_check_says_what_to_mend_and_where_to_click() {
    let double = double();
    let place = place(&double, SECRET);

    let said = place.kizuna(&["check", "line", "--tenant", "renshu"]).expect(2).out;
    assert!(
        said.contains("✓　「練習市 子育てだより」（@123abcde）の名前で、家族に届きます。"),
        "{said}"
    );
    assert!(
        said.contains("✗　知らせの送り先（Webhook URL）が、Kizunaのものではありません。"),
        "{said}"
    );
    assert!(said.contains("→ ［LINEに登録する］"), "{said}");
    assert!(said.contains("1 件、直すところがあります。"), "{said}");

    let document = place.kizuna(&["--json", "check", "line"]).expect(2).json();
    assert_eq!(
        (&document["tenant"], &document["problems"]),
        (&"renshu".into(), &1.into())
    );
    let findings = document["findings"].as_array().unwrap();
    let webhook = findings.iter().find(|finding| finding["what"] == "webhook").unwrap();
    assert_eq!((&webhook["ok"], &webhook["mark"]), (&false.into(), &"wrong".into()));
    let english = place.kizuna(&["--lang", "en", "check", "line"]).expect(2).out;
    assert!(english.contains("✗  webhook: the webhook address is not"), "{english}");
}

#[test]
fn the_check_of_wrong_credentials_or_of_no_account_ends_with_what_is_missing() {
    let double = double();
    let wrong = place(&double, "ffffffffffffffffffffffffffffffff");
    let said = wrong.kizuna(&["check", "line"]).expect(2).out;
    assert!(
        said.contains("チャネルIDかチャネルシークレットが、ちがいます"),
        "{said}"
    );
    assert!(!said.contains("ffffffff"), "{said}");

    let none = Place::installed("[tenant.outbox]\nfolder = \"outbox\"\n");
    let said = none.kizuna(&["check", "line"]).expect(2).out;
    assert!(said.contains("まだLINEにつないでいません"), "{said}");
}

/// A clock that jumps where somebody waits.
struct Jumping(Mutex<Timestamp>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn wait(&self, duration: Duration) {
        *self.0.lock().unwrap() += SignedDuration::try_from(duration).unwrap();
    }
}

/// Makes the ready menus at LINE without their pictures, as a process does that is killed on the way.
///
/// LINE lets a hundred menus an hour be made, so that the command itself would wait for minutes.
fn begin(double: &Double) {
    let account = Account {
        id: AccountId::from_bytes(&[1; 16]).unwrap(),
        settings: [
            ("channel_id".to_owned(), CHANNEL.to_owned()),
            ("api_url".to_owned(), double.url()),
        ]
        .into(),
        secrets: [("channel_secret".to_owned(), Secret(SECRET.to_owned()))].into(),
    };
    let net = Net::new(Arc::new(Jumping(Mutex::new(Timestamp::UNIX_EPOCH))));
    let client = Client::new(&account, &net).unwrap();
    for stage in MenuStage::ALL {
        let menu = Menu::ready(*stage);
        let picture = draw(&menu).unwrap();
        let form = menu
            .line_named(picture.size, &picture.png, &Destinations::Webhook)
            .unwrap();
        client.create_menu(&serde_json::to_value(form).unwrap()).unwrap();
    }
}

#[test]
fn menus_are_published_drawn_and_listed() {
    let double = double();
    let place = place(&double, SECRET);
    begin(&double);
    let before = place.kizuna(&["line", "menus", "show"]).expect(0).out;
    assert!(before.contains("登録する前：まだ出していません"), "{before}");

    let said = place
        .kizuna(&["line", "menus", "publish", "--tenant", "renshu"])
        .expect(0)
        .out;
    assert!(said.contains("出しました。0 人のメニューが変わりました。"), "{said}");

    let menus = double.menus(CHANNEL);
    assert_eq!(menus.len(), 4, "what was begun is completed and not made anew");
    assert!(menus.iter().all(|menu| menu.picture.as_deref() == Some("image/png")));
    assert!(
        menus
            .iter()
            .any(|menu| menu.is_default && menu.name.starts_with("kizuna-start-"))
    );
    let shown = place.kizuna(&["--json", "line", "menus", "show"]).expect(0).json();
    let rows = shown["menus"].as_array().unwrap();
    assert!(
        rows.iter()
            .all(|row| row["changed"] == false && row["line_id"].is_string()),
        "{shown}"
    );

    let out = place.path("menu.png");
    place
        .kizuna(&[
            "line",
            "menus",
            "draw",
            "--stage",
            "child",
            "--out",
            out.to_str().unwrap(),
        ])
        .expect(0);
    assert!(std::fs::read(&out).unwrap().starts_with(b"\x89PNG"));
    let wrong = place.kizuna(&["line", "menus", "draw", "--stage", "nobody", "--out", "x.png"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("start・pregnancy・child・stopped"), "{}", wrong.err);
}

#[test]
fn a_town_without_line_is_told_to_connect_first() {
    let place = Place::installed("[tenant.outbox]\nfolder = \"outbox\"\n");
    let failed = place.kizuna(&["line", "menus", "publish"]);
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains("「line」の設定がありません"), "{}", failed.err);
}
