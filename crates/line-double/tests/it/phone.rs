//! The phone: what a user would see, and what their taps send.

use kizuna_line_double::Double;
use serde_json::{Value, json};

use crate::support::{
    AOI, Answer, Call, STRANGER, TOWN, ask, double, double_with_endpoint, form, get, post, push, text,
};

fn page(double: &Double, user: &str) -> String {
    let answer = get(double, &format!("/_double/talk/{TOWN}/{user}")).send();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    String::from_utf8(answer.raw).unwrap()
}

fn tap(double: &Double, user: &str, fields: &[(&str, &str)]) -> Answer {
    form(double, &format!("/_double/talk/{TOWN}/{user}"), fields).send()
}

fn send(double: &Double, message: &Value) {
    let body = json!({ "to": AOI, "messages": [message] });
    let answer = post(double, "/v2/bot/message/push", &body).send();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Whether all words stand in a text in this order.
fn in_order(text: &str, words: &[&str]) -> bool {
    let mut rest = text;
    words.iter().all(|word| match rest.split_once(word) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn it_says_on_every_page_that_it_is_not_line() {
    let double = double();
    for path in ["/_double/".to_owned(), format!("/_double/talk/{TOWN}/{AOI}")] {
        let page = get(&double, &path).send();
        assert!(
            String::from_utf8(page.raw).unwrap().contains("LINEではありません"),
            "{path}"
        );
    }
}

#[test]
fn the_first_page_leads_to_everybody() {
    let double = double();
    double.block_quietly(TOWN, AOI);

    let page = String::from_utf8(get(&double, "/_double/").send().raw).unwrap();

    assert!(in_order(
        &page,
        &[
            "ひだまり市 こそだて便り",
            AOI,
            "あおい",
            "ブロック中",
            "はる",
            "友だち",
            "しらない人",
            "友だちではない"
        ]
    ));
}

#[test]
fn a_talk_shows_both_sides_in_order_and_nothing_as_markup() {
    let double = double();
    assert_eq!(push(&double, AOI, "一<b>つめ</b>").send().status, 200);
    double.say(TOWN, AOI, "二つめ & \"引用\"");
    assert_eq!(push(&double, AOI, "三つめ").send().status, 200);

    let page = page(&double, AOI);

    let words = [
        "2026年11月20日",
        "一&lt;b&gt;つめ",
        "09:00",
        "二つめ &amp; &quot;引用&quot;",
        "三つめ",
    ];
    assert!(in_order(&page, &words), "{page}");
    assert!(!page.contains("<b>つめ") && !page.contains("<script"));
}

#[test]
fn flex_and_templates_are_shown_with_their_texts_and_buttons() {
    let double = double();
    let button =
        json!({ "type": "button", "action": { "type": "uri", "label": "読む", "uri": "https://a.example/1" } });
    send(
        &double,
        &json!({ "type": "flex", "altText": "題", "contents": { "type": "bubble",
            "header": { "type": "box", "layout": "vertical", "contents": [{ "type": "text", "text": "妊娠12週" }] },
            "body": { "type": "box", "layout": "horizontal", "contents": [
                { "type": "text", "contents": [{ "type": "span", "text": "きょうの話", "color": "#112233" }] },
            ]},
            "footer": { "type": "box", "layout": "vertical", "contents": [button] },
        }}),
    );
    send(
        &double,
        &json!({ "type": "template", "altText": "題", "template": { "type": "confirm", "text": "生まれましたか",
        "actions": [
            { "type": "postback", "label": "はい", "data": "born=1" },
            { "type": "message", "label": "まだ", "text": "まだです" },
        ]}}),
    );

    let page = page(&double, AOI);

    let words = [
        "妊娠12週",
        "color:#112233",
        "きょうの話",
        "href=\"https://a.example/1\"",
        "読む",
    ];
    assert!(in_order(&page, &words), "{page}");
    assert!(
        in_order(
            &page,
            &[
                "生まれましたか",
                "value=\"born=1\"",
                "はい",
                "value=\"まだです\"",
                "まだ"
            ]
        ),
        "{page}"
    );
}

#[test]
fn quick_replies_go_when_something_newer_stands_below() {
    let double = double();
    let action = json!({ "type": "message", "label": "東地区", "text": "東" });
    let quick = json!({ "items": [{ "type": "action", "action": action }] });
    send(
        &double,
        &json!({ "type": "text", "text": "どこですか", "quickReply": quick }),
    );
    assert!(page(&double, AOI).contains("東地区"));

    tap(&double, AOI, &[("act", "say"), ("text", "東")]);

    assert!(!page(&double, AOI).contains("東地区"));
}

#[test]
fn taps_send_webhooks_and_come_back_to_the_talk() {
    let (double, endpoint) = double_with_endpoint();

    let answer = tap(&double, AOI, &[("act", "say"), ("text", "こんにちは")]);
    tap(
        &double,
        AOI,
        &[("act", "tap"), ("data", "stop=1"), ("words", "とめたい")],
    );
    tap(&double, AOI, &[("act", "tap"), ("data", "due"), ("date", "2027-03-01")]);
    tap(&double, AOI, &[("act", "block")]);

    let back = format!("/_double/talk/{TOWN}/{AOI}#end");
    assert_eq!((answer.status, answer.header("location")), (303, Some(back.as_str())));
    let events: Vec<Value> = endpoint.calls().iter().map(Call::event).collect();
    assert_eq!(events[0]["message"]["text"], "こんにちは");
    assert_eq!(events[1]["postback"], json!({ "data": "stop=1" }));
    assert_eq!(
        events[2]["postback"],
        json!({ "data": "due", "params": { "date": "2027-03-01" } })
    );
    assert_eq!(events[3]["type"], "unfollow");
    assert!(in_order(
        &page(&double, AOI),
        &["こんにちは", "とめたい", "ブロック解除"]
    ));
    assert_eq!(tap(&double, AOI, &[("act", "say"), ("text", "まだ")]).status, 400);
    assert_eq!(tap(&double, AOI, &[("act", "dance")]).status, 400);
}

#[test]
fn a_stranger_may_become_a_friend() {
    let double = double();
    assert!(page(&double, STRANGER).contains("友だち追加"));

    assert_eq!(tap(&double, STRANGER, &[("act", "befriend")]).status, 303);

    assert!(page(&double, STRANGER).contains("ブロックする"));
}

#[test]
fn the_rich_menu_has_its_areas_on_its_picture_and_switches() {
    let (double, endpoint) = double_with_endpoint();
    let make = |alias: &str, action: Value| {
        let bounds = json!({ "x": 0, "y": 0, "width": 600, "height": 405 });
        let menu = json!({
            "size": { "width": 1200, "height": 810 }, "selected": true, "name": alias, "chatBarText": "メニュー",
            "areas": [{ "bounds": bounds, "action": action }],
        });
        let id = post(&double, "/v2/bot/richmenu", &menu).send().body["richMenuId"]
            .as_str()
            .unwrap()
            .to_owned();
        let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        picture.extend([1200_u32.to_be_bytes(), 810_u32.to_be_bytes()].concat());
        let content = format!("/v2/bot/richmenu/{id}/content");
        assert_eq!(
            ask(&double, "POST", &content).body("image/png", picture).send().status,
            200
        );
        let body = json!({ "richMenuAliasId": alias, "richMenuId": id });
        assert_eq!(post(&double, "/v2/bot/richmenu/alias", &body).send().status, 200);
        id
    };
    let switch = json!({ "type": "richmenuswitch", "richMenuAliasId": "child", "data": "to=child" });
    let first = make("first", switch);
    let child = make(
        "child",
        json!({ "type": "uri", "label": "相談", "uri": "tel:0312345678" }),
    );
    assert_eq!(
        ask(&double, "POST", &format!("/v2/bot/user/all/richmenu/{first}"))
            .send()
            .status,
        200
    );
    let picture = format!("/_double/picture/{TOWN}/{first}");

    let words = [
        "メニュー",
        picture.as_str(),
        "value=\"child\"",
        "width:50.000%;height:50.000%",
    ];
    assert!(in_order(&page(&double, AOI), &words), "{}", page(&double, AOI));
    assert_eq!(get(&double, &picture).send().header("content-type"), Some("image/png"));
    tap(
        &double,
        AOI,
        &[("act", "switch"), ("alias", "child"), ("data", "to=child")],
    );
    tap(&double, AOI, &[("act", "switch"), ("alias", "nowhere"), ("data", "x")]);

    assert_eq!(double.menu_of(TOWN, AOI), Some(child));
    assert!(page(&double, AOI).contains("tel:0312345678"));
    let params: Vec<Value> = endpoint
        .calls()
        .iter()
        .map(|call| call.event()["postback"]["params"].clone())
        .collect();
    assert_eq!(params[0], json!({ "newRichMenuAliasId": "child", "status": "SUCCESS" }));
    assert_eq!(
        params[1],
        json!({ "newRichMenuAliasId": "nowhere", "status": "RICHMENU_ALIAS_ID_NOTFOUND" })
    );
}

#[test]
fn what_another_account_sent_is_not_in_this_talk() {
    let double = double();
    double.add_user("elsewhere", AOI, "べつの人");
    double.befriend_quietly(crate::support::OTHER, AOI);
    let body = json!({ "to": AOI, "messages": text("よその話") });
    let answer = post(&double, "/v2/bot/message/push", &body)
        .token(crate::support::OTHER_TOKEN)
        .send();
    assert_eq!(answer.status, 200);

    assert!(!page(&double, AOI).contains("よその話"));
}
