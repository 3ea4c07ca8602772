//! Message objects: what LINE takes and what it refuses, and where it says the fault is.

use serde_json::{Value, json};

use crate::support::{double, double_with, post};

/// The properties that a check of messages complains of; none where all is right.
fn faults(messages: &Value) -> Vec<String> {
    let double = double();
    let answer = post(
        &double,
        "/v2/bot/message/validate/push",
        &json!({ "messages": messages }),
    )
    .send();
    if answer.status == 200 {
        return Vec::new();
    }
    assert_eq!(answer.status, 400);
    let details = answer.body["details"].as_array().unwrap();
    details
        .iter()
        .map(|detail| detail["property"].as_str().unwrap().to_owned())
        .collect()
}

fn fault(message: &Value) -> String {
    faults(&json!([message])).concat()
}

fn with(base: &Value, properties: &Value) -> Value {
    let mut whole = base.clone();
    for (name, value) in properties.as_object().unwrap() {
        whole[name] = value.clone();
    }
    whole
}

fn bubble() -> Value {
    json!({
        "type": "bubble", "size": "mega",
        "header": { "type": "box", "layout": "vertical", "backgroundColor": "#FFF1E6", "contents": [
            { "type": "text", "text": "妊娠12週3日", "weight": "bold", "size": "lg", "wrap": true },
        ]},
        "hero": { "type": "image", "url": "https://city.example.jp/a.png", "size": "full", "aspectRatio": "20:13" },
        "body": { "type": "box", "layout": "vertical", "spacing": "md", "paddingAll": "16px", "contents": [
            { "type": "text", "contents": [{ "type": "span", "text": "きょうの" }, { "type": "span", "text": "おたより" }] },
            { "type": "separator", "margin": "md" },
            { "type": "box", "layout": "baseline", "contents": [{ "type": "text", "text": "・" }, { "type": "filler" }] },
        ]},
        "footer": { "type": "box", "layout": "vertical", "contents": [
            { "type": "button", "style": "primary", "color": "#2B6CB0",
              "action": { "type": "uri", "label": "くわしく読む", "uri": "https://city.example.jp/12w3d" } },
        ]},
    })
}

fn flex(contents: &Value) -> Value {
    json!({ "type": "flex", "altText": "きょうのおたより", "contents": contents })
}

fn quick_reply(actions: &[Value]) -> Value {
    let items: Vec<Value> = actions
        .iter()
        .map(|action| json!({ "type": "action", "action": action }))
        .collect();
    json!({ "type": "text", "text": "えらんでください", "quickReply": { "items": items } })
}

#[test]
fn all_that_line_describes_is_taken() {
    let image = json!({
        "type": "image", "originalContentUrl": "https://city.example.jp/a.png",
        "previewImageUrl": "https://city.example.jp/a.png",
    });
    let confirm = json!({ "type": "template", "altText": "確認", "template": {
    "type": "confirm", "text": "とめますか", "actions": [
        { "type": "postback", "label": "はい", "data": "stop=1", "displayText": "はい" },
        { "type": "message", "label": "いいえ", "text": "いいえ" },
    ]}});
    let buttons = json!({ "type": "template", "altText": "えらぶ", "template": {
    "type": "buttons", "title": "題", "text": "文", "actions": [
        { "type": "datetimepicker", "label": "予定日", "data": "due", "mode": "date",
          "initial": "2027-03-01", "min": "2026-11-20", "max": "2027-09-30" },
    ]}});
    let quick = quick_reply(&[
        json!({ "type": "camera", "label": "写真" }),
        json!({ "type": "location", "label": "場所" }),
        json!({ "type": "clipboard", "label": "写す", "clipboardText": "番号" }),
    ]);
    let carousel = json!({ "type": "carousel", "contents": vec![bubble(); 12] });
    for messages in [
        json!([{ "type": "text", "text": "こんにちは", "sender": { "name": "保健師" } }]),
        json!([image, confirm, buttons, quick, flex(&bubble())]),
        json!([flex(&carousel)]),
        json!([{ "type": "sticker", "packageId": "446", "stickerId": "1988" }]),
        json!([{ "type": "textV2", "text": "{u}", "substitution": {
            "u": { "type": "emoji", "productId": "5ac1", "emojiId": "001" } } }]),
    ] {
        assert_eq!(faults(&messages), [""; 0], "{messages}");
    }
}

#[test]
fn a_text_has_five_thousand_utf_16_units() {
    let text = |text: String| fault(&json!({ "type": "text", "text": text }));

    assert_eq!(text("あ".repeat(5_000)), "");
    assert_eq!(text("あ".repeat(5_001)), "messages[0].text");
    assert_eq!(text("😀".repeat(2_500)), "");
    assert_eq!(text("😀".repeat(2_500) + "a"), "messages[0].text");
    assert_eq!(text(String::new()), "messages[0].text");
}

#[test]
fn labels_are_counted_as_people_count() {
    let family = "👨‍👩‍👧";
    let label = |label: String| {
        fault(&quick_reply(&[
            json!({ "type": "message", "label": label, "text": "はい" }),
        ]))
    };

    assert_eq!(label(family.repeat(20)), "");
    assert_eq!(label(family.repeat(21)), "messages[0].quickReply.items[0].action.label");
    assert_eq!(label(String::new()), "messages[0].quickReply.items[0].action.label");
}

#[test]
fn unknown_types_and_properties_are_refused() {
    assert_eq!(fault(&json!({ "type": "telegram", "text": "あ" })), "messages[0].type");
    assert_eq!(fault(&json!({ "text": "あ" })), "messages[0].type");
    assert_eq!(
        fault(&json!({ "type": "text", "text": "あ", "colour": 1 })),
        "messages[0].colour"
    );
    assert_eq!(fault(&json!({ "type": "text" })), "messages[0].text");
    assert_eq!(fault(&json!({ "type": "text", "text": 5 })), "messages[0].text");
    assert_eq!(
        faults(&json!([{ "type": "text", "text": "あ" }, "あ"])),
        ["messages[1]"]
    );
    let stray = with(&bubble()["body"], &json!({ "radius": "1px" }));
    assert_eq!(
        fault(&flex(&with(&bubble(), &json!({ "body": stray })))),
        "messages[0].contents.body.radius"
    );
}

#[test]
fn quick_replies_are_at_most_thirteen() {
    let action = json!({ "type": "message", "label": "はい", "text": "はい" });

    assert_eq!(fault(&quick_reply(&vec![action.clone(); 13])), "");
    assert_eq!(fault(&quick_reply(&vec![action; 14])), "messages[0].quickReply.items");
}

#[test]
fn alternative_text_has_fifteen_hundred_characters() {
    let alt = |length| fault(&with(&flex(&bubble()), &json!({ "altText": "あ".repeat(length) })));

    assert_eq!((alt(1_500).as_str(), alt(1_501).as_str()), ("", "messages[0].altText"));
}

#[test]
fn a_bubble_has_thirty_and_a_carousel_fifty_kilobytes() {
    let sized = |length: usize| {
        let text = json!({ "type": "text", "text": "a".repeat(length) });
        json!({ "type": "bubble", "body": { "type": "box", "layout": "vertical", "contents": [text] } })
    };
    let carousel = |length| flex(&json!({ "type": "carousel", "contents": [sized(length), sized(length)] }));

    assert_eq!(fault(&flex(&sized(30_500))), "");
    assert_eq!(fault(&flex(&sized(30_720))), "messages[0].contents");
    assert_eq!(fault(&carousel(25_400)), "");
    assert_eq!(fault(&carousel(25_600)), "messages[0].contents");
    let many = json!({ "type": "carousel", "contents": vec![sized(1); 13] });
    assert_eq!(fault(&flex(&many)), "messages[0].contents.contents");
}

#[test]
fn flex_parts_stand_where_they_may() {
    let body = |layout: &str, part: Value| {
        let body = json!({ "type": "box", "layout": layout, "contents": [part] });
        fault(&flex(&json!({ "type": "bubble", "body": body })))
    };
    let first = "messages[0].contents.body.contents[0]";
    let icon = json!({ "type": "icon", "url": "https://city.example.jp/i.png" });
    let text = json!({ "type": "text", "text": "あ" });

    assert_eq!(body("baseline", icon.clone()), "");
    assert_eq!(body("vertical", icon), format!("{first}.type"));
    assert_eq!(
        body("vertical", json!({ "type": "span", "text": "あ" })),
        format!("{first}.type")
    );
    assert_eq!(body("vertical", json!({ "type": "text" })), first);
    assert_eq!(
        body("vertical", with(&text, &json!({ "color": "red" }))),
        format!("{first}.color")
    );
    assert_eq!(
        body("vertical", with(&text, &json!({ "size": "big" }))),
        format!("{first}.size")
    );
    assert_eq!(body("vertical", with(&text, &json!({ "size": "17px" }))), "");
    assert_eq!(body("vertical", json!({ "type": "button" })), format!("{first}.action"));
    assert_eq!(
        body(
            "vertical",
            json!({ "type": "button", "action": { "type": "uri", "uri": "https://a.example/" } })
        ),
        format!("{first}.action.label")
    );
    assert_eq!(body("diagonal", text), "messages[0].contents.body.layout");
    assert_eq!(fault(&flex(&json!({ "type": "bubble" }))), "messages[0].contents");
}

#[test]
fn actions_keep_their_limits() {
    let action = |action: Value| fault(&quick_reply(&[with(&json!({ "label": "はい" }), &action)]));
    let at = |name: &str| format!("messages[0].quickReply.items[0].action.{name}");
    let postback = |length: usize| action(json!({ "type": "postback", "data": "a".repeat(length) }));
    let uri = |uri: &str| action(json!({ "type": "uri", "uri": uri }));

    assert_eq!(
        (postback(300), postback(301), postback(0)),
        (String::new(), at("data"), at("data"))
    );
    for good in [
        "https://a.example/%E3%81%82",
        "http://a.example/",
        "line://nv/chat",
        "tel:0312345678",
    ] {
        assert_eq!(uri(good), "", "{good}");
    }
    for bad in [
        "javascript:alert(1)",
        "https://a.example/あ",
        "a.example",
        "https://a.example/ b",
    ] {
        assert_eq!(uri(bad), at("uri"), "{bad}");
    }
    assert_eq!(uri(&format!("https://a.example/{}", "a".repeat(982))), "");
    assert_eq!(uri(&format!("https://a.example/{}", "a".repeat(983))), at("uri"));
    assert_eq!(
        action(json!({ "type": "richmenuswitch", "richMenuAliasId": "a", "data": "b" })),
        at("type"),
        "only in rich menus"
    );
    assert_eq!(
        action(json!({ "type": "postback", "data": "a", "displayText": "a", "text": "b" })),
        "messages[0].quickReply.items[0].action"
    );
}

#[test]
fn dates_to_choose_from_are_in_order_and_in_the_form_of_their_mode() {
    let picker = |mode: &str, rest: Value| {
        let base = json!({ "type": "datetimepicker", "label": "日", "data": "d", "mode": mode });
        fault(&quick_reply(&[with(&base, &rest)])).replace("messages[0].quickReply.items[0].action", "@")
    };

    assert_eq!(picker("date", json!({ "min": "1900-01-01", "max": "2100-12-31" })), "");
    assert_eq!(picker("time", json!({ "initial": "09:30" })), "");
    assert_eq!(picker("datetime", json!({ "initial": "2026-11-20T09:30" })), "");
    assert_eq!(picker("date", json!({ "min": "1899-12-31" })), "@.min");
    assert_eq!(picker("date", json!({ "initial": "2026-11-31" })), "@.initial");
    assert_eq!(picker("time", json!({ "initial": "2026-11-20" })), "@.initial");
    assert_eq!(picker("date", json!({ "min": "2026-11-20", "max": "2026-11-20" })), "@");
    assert_eq!(
        picker("date", json!({ "min": "2026-11-20", "initial": "2026-11-19" })),
        "@"
    );
    assert_eq!(picker("week", json!({})), "@.mode");
}

#[test]
fn templates_keep_their_limits() {
    let template = |template: Value| fault(&json!({ "type": "template", "altText": "題", "template": template }));
    let yes = json!({ "type": "message", "label": "はい", "text": "はい" });
    let buttons = |changes: Value| {
        template(with(
            &json!({ "type": "buttons", "text": "文", "actions": [yes.clone()] }),
            &changes,
        ))
    };

    assert_eq!(
        template(json!({ "type": "confirm", "text": "文", "actions": [yes.clone()] })),
        "messages[0].template.actions"
    );
    assert_eq!(buttons(json!({ "actions": vec![yes.clone(); 4] })), "");
    assert_eq!(
        buttons(json!({ "actions": vec![yes.clone(); 5] })),
        "messages[0].template.actions"
    );
    assert_eq!(buttons(json!({ "text": "あ".repeat(160) })), "");
    assert_eq!(
        buttons(json!({ "title": "題", "text": "あ".repeat(61) })),
        "messages[0].template.text"
    );
    let column = |actions: usize| json!({ "text": "文", "actions": vec![yes.clone(); actions] });
    assert_eq!(
        template(json!({ "type": "carousel", "columns": [column(1), column(1)] })),
        ""
    );
    assert_eq!(
        template(json!({ "type": "carousel", "columns": [column(1), column(2)] })),
        "messages[0].template.columns"
    );
}

#[test]
fn pictures_are_fetched_over_tls_or_where_allowed_from_this_machine() {
    let image = |url: &str| json!([{ "type": "image", "originalContentUrl": url, "previewImageUrl": url }]);
    for (url, anywhere, strict) in [
        ("https://city.example.jp/a.png", 200, 200),
        ("http://127.0.0.1:8080/a.png", 200, 400),
        ("http://city.example.jp/a.png", 400, 400),
        ("https://city.example.jp/あ.png", 400, 400),
        ("/a.png", 400, 400),
    ] {
        let options = kizuna_line_double::Options {
            loopback_urls: false,
            ..kizuna_line_double::Options::default()
        };
        for (double, status) in [(double(), anywhere), (double_with(options), strict)] {
            let body = json!({ "messages": image(url) });
            let answer = post(&double, "/v2/bot/message/validate/push", &body).send();
            assert_eq!(answer.status, status, "{url}");
        }
    }
}
