//! LINE's pages: connecting, menus in the making, what to hand to the owner of another account.

use axum::http::StatusCode;
use kizuna_domain::tenant::TenantKind;
use kizuna_line_double::{Double, NewChannel, Options};
use kizuna_store::audit;

use crate::support::{Answer, Place};

const CHANNEL: &str = "1650000001";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const FORM: &str = "application/x-www-form-urlencoded";

fn double(quota: Option<u64>) -> Double {
    let double = Double::start(Options::default()).unwrap();
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        display_name: "ひだまり市 子育てだより".to_owned(),
        basic_id: "@123abcde".to_owned(),
        bot_user_id: "U00000000000000000000000000000000".to_owned(),
        quota,
        ..NewChannel::default()
    });
    double
}

/// The demo, with LINE's stand-in where a configuration would name it.
fn place_by_line(double: &Double, more: &[(&str, &str)]) -> Place {
    let place = Place::demo();
    place.line_account("hidamari", &double.url(), CHANNEL, SECRET, more);
    place
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let part = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", part(value)))
        .collect();
    pairs.join("&")
}

fn post(place: &Place, path: &str, pairs: &[(&str, &str)]) -> Answer {
    place.post(path, FORM, &encoded(pairs))
}

#[test]
fn before_line_is_connected_the_page_says_where_to_find_what_it_asks_for() {
    let place = Place::demo();
    let page = place.get("/hidamari/line");
    page.says("はじめてつなぐ")
        .says("「設定」→「Messaging API」")
        .says("保存したあとは、この画面にも出しません");
    page.is_silent_about("もう一度確かめる");
    place.get("/hidamari/line/menus").says("いまは、ここからは出せません");
}

#[test]
fn connecting_saves_checks_at_once_and_never_shows_the_secret_again() {
    let double = double(Some(1_000));
    let place = place_by_line(&double, &[]);
    let saved = post(
        &place,
        "/hidamari/line",
        &[
            ("channel_id", CHANNEL),
            ("channel_secret", SECRET),
            ("mode", "own"),
            ("reserve", "50"),
            ("fallback", "outbox"),
            ("format", "flex"),
        ],
    );
    assert_eq!(
        (saved.status, saved.header("location")),
        (StatusCode::SEE_OTHER, "/hidamari/line#check")
    );

    let page = place.get("/hidamari/line");
    page.says("「ひだまり市 子育てだより」（@123abcde）の名前で、家族に届きます")
        .says("緊急のために、50 通をとっておきます")
        .says("保存ずみ")
        .says("に確かめました")
        .says("base_url を https://")
        .is_silent_about(SECRET);
    page.says("11月の通数").says("1か月 1,000通のうち").says("足ります");
    let town = place.tenant("hidamari");
    let entries = place
        .env()
        .db
        .read(|tx| audit::latest(tx, Some(town.scope()), None, 1))
        .unwrap();
    assert_eq!(entries[0].action, "line.connect");
    assert!(!entries[0].detail.contains(SECRET), "{entries:?}");
}

#[test]
fn a_wrong_form_keeps_what_was_typed_and_names_each_field() {
    let place = Place::demo();
    let typed = [
        ("channel_id", "@123abcde"),
        ("channel_secret", ""),
        ("mode", "guest"),
        ("reserve", "たくさん"),
        ("liff_id", "1650000009-abcd"),
    ];
    let page = post(&place, "/hidamari/line", &typed);

    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.says("<title>エラー：")
        .says("まだ何も変わっていません")
        .says("href=\"#channel_id\"");
    page.says("半角の数字だけで書いてください")
        .says("value=\"@123abcde\"")
        .says("value=\"たくさん\"")
        .says("1650000009-abcd");
    place.get("/hidamari/line").says("はじめてつなぐ");
}

#[test]
fn a_wrong_secret_is_told_with_where_to_copy_it_from() {
    let double = double(None);
    let place = place_by_line(&double, &[]);
    post(
        &place,
        "/hidamari/line",
        &[("channel_id", CHANNEL), ("channel_secret", "ffff"), ("mode", "own")],
    );
    place
        .get("/hidamari/line")
        .says("直すところが、1つあります")
        .says("チャネルIDかチャネルシークレットが、ちがいます")
        .says("「Channel secret」");
}

#[test]
fn opening_the_page_again_and_again_asks_line_once_in_five_minutes() {
    let double = double(Some(1_000));
    let place = place_by_line(&double, &[]);
    let asked = || {
        double
            .requests()
            .iter()
            .filter(|request| request.path.ends_with("/quota"))
            .count()
    };
    place.get("/hidamari/line");
    place.get("/hidamari/line");
    assert_eq!(asked(), 1);
    place.clock.set("2026-11-21T23:36:00Z");
    place.get("/hidamari/line");
    assert_eq!(asked(), 2);
}

#[test]
fn a_month_that_does_not_last_is_told_with_the_day_and_what_comes_then() {
    let double = double(Some(12));
    let place = place_by_line(&double, &[("fallback", "outbox")]);
    place.by_line("hidamari");
    let page = place.get("/hidamari/line");
    page.says("このままだと、")
        .says("日に足りなくなります")
        .says("そのあとは、ファイル で送ります");

    let unlimited = self::double(None);
    let place = place_by_line(&unlimited, &[]);
    place.get("/hidamari/line").says("通数に上限はありません");
}

#[test]
fn the_webhook_is_registered_by_a_press_and_then_tested_by_line() {
    let double = double(None);
    let place = place_by_line(&double, &[]);
    place.at_address("hidamari", "https://kosodate.hidamari.example");
    place.post("/hidamari/line/check", FORM, "");
    place
        .get("/hidamari/line")
        .says("［LINEに登録する］")
        .says("action=\"/hidamari/line/register-webhook\"");

    let pressed = place.post("/hidamari/line/register-webhook", FORM, "");
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    place
        .get("/hidamari/line")
        .says("知らせの送り先（Webhook URL）は、https://kosodate.hidamari.example/hidamari/line/webhook です")
        .is_silent_about("register-webhook");
}

#[test]
fn trouble_of_lines_is_told_and_the_page_still_opens() {
    let double = double(None);
    let place = place_by_line(&double, &[]);
    drop(double);
    let pressed = place.post("/hidamari/line/register-webhook", FORM, "");
    assert_eq!(pressed.status, StatusCode::BAD_GATEWAY);
    pressed.says("LINE側の問題");
    place.post("/hidamari/line/check", FORM, "");
    place.get("/hidamari/line").says("LINEにつながりません");
}

#[test]
fn every_stage_shows_its_menu_and_says_whether_line_has_it() {
    let double = double(None);
    let place = place_by_line(&double, &[]);
    let page = place.get("/hidamari/line/menus");
    page.says("登録する前")
        .says("妊娠中")
        .says("子育て中")
        .says("止めたあと");
    page.says("まだLINEに出していません")
        .says("予定日をすぎただけでは、変わりません");
    assert_eq!(page.body.matches("<svg xmlns").count(), 4);

    let asked = place.post("/hidamari/line/menus/publish", FORM, "");
    assert_eq!(
        (asked.status, asked.header("location")),
        (StatusCode::SEE_OTHER, "/hidamari/line/menus")
    );
    place.get("/hidamari/line/menus").says("準備中です");
    kizuna_engine::menus::tick(place.env()).unwrap();
    place
        .get("/hidamari/line/menus")
        .says("に、LINEに出しました")
        .says("LINEに出ています");
    assert_eq!(double.menus(CHANNEL).len(), 4);
}

/// The fields of the ready menu for children, after a change.
fn fields<'a>(change: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let ready = [
        ("bar", "メニュー・相談先"),
        ("template", "0"),
        ("colour", "#0e5e5b"),
        ("label0", "今日のことば"),
        ("icon0", "sprout"),
        ("do0", "today"),
        ("to0", ""),
        ("label1", "これまで"),
        ("icon1", "book"),
        ("do1", "past"),
        ("to1", ""),
        ("label2", "相談先"),
        ("icon2", "talk"),
        ("do2", "desks"),
        ("to2", ""),
        ("label3", "家族をさそう"),
        ("icon3", "people"),
        ("do3", "invite"),
        ("to3", ""),
        ("label4", "設定"),
        ("icon4", "gear"),
        ("do4", "settings"),
        ("to4", ""),
        ("label5", "止める"),
        ("icon5", "rest"),
        ("do5", "stop"),
        ("to5", ""),
        ("press", "look"),
    ];
    let changed = |(name, value): (&'a str, &'a str)| {
        let new = change.iter().find(|(wanted, _)| *wanted == name);
        (name, new.map_or(value, |(_, value)| *value))
    };
    ready.into_iter().map(changed).collect()
}

#[test]
fn a_menu_is_made_in_a_plain_form_and_looked_at_before_anybody_sees_it() {
    let place = Place::demo();
    let path = "/hidamari/line/menus/child";
    place
        .get(path)
        .says("見てみる")
        .says("はじめのメニューにもどす")
        .says("<svg xmlns");

    let kept = post(
        &place,
        path,
        &fields(&[
            ("label1", "子育て\r\nひろば"),
            ("do1", "link"),
            ("to1", "https://hidamari.example/hiroba"),
            ("colour", "#6f4570"),
        ]),
    );
    assert_eq!((kept.status, kept.header("location")), (StatusCode::SEE_OTHER, path));
    place
        .get(path)
        .says("子育て\nひろば</textarea>")
        .says("value=\"https://hidamari.example/hiroba\"")
        .says("value=\"#6f4570\" selected")
        .says("aria-label=\"今日のことば、子育てひろば、");

    post(&place, path, &[("press", "ready")]);
    place.get(path).says(">これまで</textarea>");
}

#[test]
fn what_is_wrong_with_a_menu_stands_beside_its_field_and_the_draft_is_kept() {
    let place = Place::demo();
    let path = "/hidamari/line/menus/child";
    for (change, words, beside) in [
        (("bar", ""), "1〜14 文字", "id=\"bar-err\""),
        (
            ("label0", "とても長いことばなので、わくには入らないはずです"),
            "長すぎます",
            "id=\"b0-err\"",
        ),
        (("label3", "👶"), "絵にできない文字", "id=\"b3-err\""),
        (("do2", "past"), "「相談先」のボタンを入れて", "まだ絵にできません"),
    ] {
        post(&place, path, &fields(&[change]));
        let page = place.get(path);
        page.says(words)
            .says(beside)
            .says("下書きは、ほぞんしました")
            .says("<title>エラー：");
    }
    post(
        &place,
        path,
        &fields(&[("do1", "link"), ("to1", "http://hidamari.example/")]),
    );
    place.get(path).says("https:// で始まる").says("id=\"to1-err\"");
    post(&place, path, &fields(&[("do1", "call"), ("to1", "なし")]));
    place.get(path).says("電話番号に、数字を入れて").says("id=\"to1-err\"");
    post(&place, path, &fields(&[("template", "3")]));
    place.get(path).says("ボタンが 6 こ、置く場所が 3 こです");

    let double = double(None);
    place.line_account("hidamari", &double.url(), CHANNEL, SECRET, &[]);
    let refused = place.post("/hidamari/line/menus/publish", FORM, "");
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("まだ出せません").says("子育て中のメニューを直す");
}

#[test]
fn a_button_that_is_not_used_makes_room_for_the_next() {
    let place = Place::demo();
    let path = "/hidamari/line/menus/child";
    post(&place, path, &fields(&[("template", "2"), ("do1", ""), ("do3", "")]));
    place
        .get(path)
        .says("aria-label=\"今日のことば、相談先、設定、止める\"")
        .says("4つめのボタン")
        .is_silent_about("5つめのボタン");
    // Places that nothing was chosen for are filled with what suits the stage.
    post(&place, path, &fields(&[("do1", "")]));
    place.get(path).says("6つめのボタン").says("<svg xmlns");
}

#[test]
fn what_a_form_says_is_shown_and_never_run() {
    const ATTACK: &str = "\"><script>alert(1)</script>";
    let place = Place::demo();
    let path = "/hidamari/line/menus/child";
    post(
        &place,
        path,
        &fields(&[("bar", ATTACK), ("label0", ATTACK), ("to1", ATTACK), ("do1", "link")]),
    );
    post(&place, "/hidamari/line", &[("channel_id", ATTACK), ("mode", "own")]).is_silent_about("<script");
    place.get(path).is_silent_about("<script");
    place.get("/hidamari/line/menus").is_silent_about("<script");
    place.get("/hidamari/line/guest").is_silent_about("<script");
    // Words that may be drawn are words in the drawing, too.
    post(&place, path, &fields(&[("label0", "<b>&\"'")]));
    place.get(path).says("&lt;b&gt;&amp;&quot;").is_silent_about("<b>&\"");
}

#[test]
fn a_menu_is_a_picture_under_its_own_address() {
    let place = Place::demo();
    let picture = place.get_bytes("/hidamari/line/menus/start.png");
    assert_eq!(picture.1, "image/png");
    assert!(picture.2.starts_with(b"\x89PNG"));
    for path in ["/hidamari/line/menus/nobody.png", "/hidamari/line/menus/nobody"] {
        assert_eq!(place.get(path).status, StatusCode::NOT_FOUND, "{path}");
    }
    post(&place, "/hidamari/line/menus/start", &[("bar", "")]);
    assert_eq!(
        place.get("/hidamari/line/menus/start.png").status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn the_owner_of_a_shared_account_is_handed_addresses_areas_and_pictures() {
    let place = Place::demo();
    place.at_address("hidamari", "https://kosodate.hidamari.example");
    let page = place.get("/hidamari/line/guest");
    page.says("https://kosodate.hidamari.example/hidamari/line/enter?to=register")
        .says("https://kosodate.hidamari.example/hidamari/line/enter?to=birth")
        .says("https://kosodate.hidamari.example/hidamari/line/webhook")
        .says("https://kosodate.hidamari.example/hidamari/line/callback")
        .says("https://kosodate.hidamari.example/hidamari/line/liff")
        .says("件名：ひだまり市公式LINEに")
        .says("2500 × 843")
        .says("1200 × 405")
        .says("800 × 270")
        .says("x 1250　y 0　幅 1250　高さ 843")
        .says("/hidamari/line/menus/child.png");
}

#[test]
fn a_real_towns_pages_about_line_count_and_name_nobody() {
    let place = Place::open();
    place.town("asahi", "あさひ市", TenantKind::Municipality, "json");
    for path in ["/asahi/line", "/asahi/line/menus", "/asahi/line/guest"] {
        place.get(path).is_silent_about("まめ").is_silent_about("@example.jp");
    }
}

#[test]
fn today_says_that_the_month_ran_short_and_where_to_look() {
    let double = double(Some(2));
    let place = place_by_line(&double, &[]);
    place.by_line("hidamari");
    for line in 1..=3 {
        let user = format!("U{line:032x}");
        double.add_user("hidamari", &user, "花子");
        double.befriend_quietly(CHANNEL, &user);
    }
    place.run();
    place
        .get("/hidamari/today")
        .says("今月の通数が足りないため、見合わせました")
        .says("href=\"/hidamari/line\">LINEの通数");
}
