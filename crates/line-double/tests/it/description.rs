//! The double against LINE's own description: what one takes and answers, the other describes.

use kizuna_line_double::description::{check, check_answers, check_webhook, here};
use kizuna_line_double::{Double, Request};
use serde_json::{Value, json};

use crate::support::{
    AOI, Answer, HARU, SECRET, TOWN, ask, double_with_endpoint, form, get, key, multicast, post, push, text,
};

fn request(method: &str, path: &str, body: Value) -> Request {
    Request {
        number: 1,
        at: crate::support::NINE.parse().unwrap(),
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        channel: None,
        content_type: (!body.is_null()).then(|| "application/json".to_owned()),
        retry_key: None,
        body,
        status: 200,
        request_id: String::new(),
        answer: json!({}),
    }
}

fn ok(answer: &Answer) {
    assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.body);
}

/// Calls every endpoint of the Messaging API once with what it takes.
fn call_everything(double: &Double) {
    let menu = json!({
        "size": { "width": 800, "height": 540 }, "selected": false, "name": "a", "chatBarText": "b",
        "areas": [{ "bounds": { "x": 0, "y": 0, "width": 800, "height": 540 },
                    "action": { "type": "uri", "uri": "https://city.example.jp/" } }],
    });
    let mut picture = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    picture.extend([800_u32.to_be_bytes(), 540_u32.to_be_bytes()].concat());

    ok(&push(double, AOI, "一").key(&key(1)).send());
    assert_eq!(push(double, AOI, "一").key(&key(1)).send().status, 409);
    ok(&multicast(double, &[AOI, HARU], "二").key(&key(2)).send());
    ok(
        &post(double, "/v2/bot/message/broadcast", &json!({ "messages": text("三") }))
            .key(&key(3))
            .send(),
    );
    let token = double.say(TOWN, AOI, "おしえて")[0].body["events"][0]["replyToken"].clone();
    ok(&post(
        double,
        "/v2/bot/message/reply",
        &json!({ "replyToken": token, "messages": text("四") }),
    )
    .send());
    for kind in ["push", "multicast", "reply", "broadcast"] {
        ok(&post(
            double,
            &format!("/v2/bot/message/validate/{kind}"),
            &json!({ "messages": text("五") }),
        )
        .send());
        ok(&get(double, &format!("/v2/bot/message/delivery/{kind}?date=20261101")).send());
    }
    ok(&post(
        double,
        "/v2/bot/chat/loading/start",
        &json!({ "chatId": AOI, "loadingSeconds": 5 }),
    )
    .send());
    for path in [
        "message/quota",
        "message/quota/consumption",
        "info",
        "followers/ids?limit=1",
        "richmenu/list",
    ] {
        ok(&get(double, &format!("/v2/bot/{path}")).send());
    }
    ok(&get(double, &format!("/v2/bot/profile/{AOI}")).send());
    ok(&ask(double, "POST", &format!("/v2/bot/user/{AOI}/linkToken")).send());

    ok(&post(double, "/v2/bot/richmenu/validate", &menu).send());
    let made = post(double, "/v2/bot/richmenu", &menu).send();
    let id = made.body["richMenuId"].as_str().unwrap();
    let content = format!("/v2/bot/richmenu/{id}/content");
    ok(&ask(double, "POST", &content).body("image/png", picture).send());
    ok(&get(double, &content).send());
    ok(&get(double, &format!("/v2/bot/richmenu/{id}")).send());
    ok(&ask(double, "POST", &format!("/v2/bot/user/all/richmenu/{id}")).send());
    ok(&get(double, "/v2/bot/user/all/richmenu").send());
    ok(&post(
        double,
        "/v2/bot/richmenu/alias",
        &json!({ "richMenuAliasId": "a", "richMenuId": id }),
    )
    .send());
    ok(&post(double, "/v2/bot/richmenu/alias/a", &json!({ "richMenuId": id })).send());
    ok(&get(double, "/v2/bot/richmenu/alias/a").send());
    ok(&get(double, "/v2/bot/richmenu/alias/list").send());
    ok(&ask(double, "DELETE", "/v2/bot/richmenu/alias/a").send());
    ok(&ask(double, "POST", &format!("/v2/bot/user/{AOI}/richmenu/{id}")).send());
    ok(&get(double, &format!("/v2/bot/user/{AOI}/richmenu")).send());
    ok(&ask(double, "DELETE", &format!("/v2/bot/user/{AOI}/richmenu")).send());
    ok(&post(
        double,
        "/v2/bot/richmenu/bulk/link",
        &json!({ "richMenuId": id, "userIds": [AOI] }),
    )
    .send());
    ok(&post(double, "/v2/bot/richmenu/bulk/unlink", &json!({ "userIds": [AOI] })).send());
    let batch = json!({ "operations": [{ "type": "unlink", "from": id }], "resumeRequestKey": "k" });
    ok(&post(double, "/v2/bot/richmenu/validate/batch", &batch).send());
    let accepted = post(double, "/v2/bot/richmenu/batch", &batch).send();
    ok(&accepted);
    let progress = accepted.header("x-line-request-id").unwrap();
    ok(&get(double, &format!("/v2/bot/richmenu/progress/batch?requestId={progress}")).send());
    ok(&ask(double, "DELETE", "/v2/bot/user/all/richmenu").send());
    ok(&ask(double, "DELETE", &format!("/v2/bot/richmenu/{id}")).send());

    ok(&get(double, "/v2/bot/channel/webhook/endpoint").send());
    let endpoint = json!({ "endpoint": "https://city.example.jp/line" })
        .to_string()
        .into_bytes();
    ok(&post(double, "/v2/bot/channel/webhook/test", &json!({})).send());
    ok(&ask(double, "PUT", "/v2/bot/channel/webhook/endpoint")
        .body("application/json", endpoint)
        .send());
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", TOWN),
        ("client_secret", SECRET),
    ];
    ok(&form(double, "/oauth2/v3/token", &credentials).send());
    ok(&form(double, "/v2/oauth/accessToken", &credentials).send());
    ok(&form(double, "/v2/oauth/verify", &[("access_token", crate::support::TOKEN)]).send());
}

#[test]
fn what_the_double_takes_and_answers_is_what_line_describes() {
    let (double, _endpoint) = double_with_endpoint();

    call_everything(&double);

    assert_eq!(check(&double.requests()), [""; 0]);
    assert_eq!(check_answers(&double.requests()), [""; 0]);
}

#[test]
fn the_doubles_webhooks_are_what_line_describes() {
    let (double, _endpoint) = double_with_endpoint();
    double.say(TOWN, AOI, "おしえて");
    double.tap(TOWN, AOI, "stop=1");
    double.block(TOWN, AOI);
    double.unblock(TOWN, AOI);
    let unsend = json!({ "channel": TOWN, "user": AOI, "message_id": "1" });
    ok(&post(&double, "/_double/unsend", &unsend).send());

    let deliveries = double.deliveries();

    assert_eq!(deliveries.len(), 5);
    for delivery in deliveries {
        assert_eq!(check_webhook(&delivery.body), [""; 0], "{}", delivery.body);
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    if here().is_none() {
        return;
    }
    let sent = |to: Value, messages: Value| {
        check(&[request(
            "POST",
            "/v2/bot/message/push",
            json!({ "to": to, "messages": messages }),
        )])
        .len()
    };
    let mut keyed = request("GET", "/v2/bot/info", Value::Null);
    keyed.retry_key = Some(key(1));
    let mut as_text = request(
        "POST",
        "/v2/bot/message/push",
        json!({ "to": AOI, "messages": text("一") }),
    );
    as_text.content_type = Some("text/plain".to_owned());

    assert_eq!(sent(json!(AOI), text("一")), 0);
    assert_eq!(sent(json!(AOI), text(&"あ".repeat(5_001))), 1);
    assert_eq!(sent(json!(5), text("一")), 1);
    assert_eq!(sent(json!(AOI), json!([])), 1);
    assert_eq!(
        sent(json!(AOI), json!([{ "type": "text", "text": "一", "colour": 1 }])),
        1
    );
    assert_eq!(check(&[request("POST", "/v2/bot/nowhere", Value::Null)]).len(), 1);
    assert_eq!(
        check(&[request("GET", "/v2/bot/message/delivery/push", Value::Null)]).len(),
        1,
        "the date is missing"
    );
    assert_eq!(check(&[keyed]).len(), 1);
    assert_eq!(check(&[as_text]).len(), 1);
    assert_eq!(
        check_answers(&[request("GET", "/v2/bot/info", Value::Null)]).len(),
        5,
        "five properties are missing"
    );
    assert!(!check_webhook(&json!({ "destination": "x", "events": [{ "type": "message" }] })).is_empty());
    assert!(!check_webhook(&json!({ "destination": "x", "events": [{ "type": "dance" }] })).is_empty());
}
