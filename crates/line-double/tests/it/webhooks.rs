//! Webhooks: what users do arrives signed, in LINE's shape, and is answered by replies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use kizuna_line_double::{Act, Double, Manner, NewChannel, Outcome};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{
    AOI, BOT, Call, Endpoint, HARU, Manners, NINE, SECRET, STRANGER, TOWN, ask, double, double_with_endpoint, get,
    post, text, texts, town,
};

fn is_signed(call: &Call) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&call.body);
    mac.verify_slice(&STANDARD.decode(&call.signature).unwrap()).is_ok()
}

fn reply(double: &Double, token: &Value, words: &str) -> (u16, String) {
    let body = json!({ "replyToken": token, "messages": text(words) });
    let answer = post(double, "/v2/bot/message/reply", &body).send();
    (answer.status, answer.message().to_owned())
}

#[test]
fn lines_own_example_of_a_signature() {
    let (double, endpoint) = double_with_endpoint();
    double.add_channel(NewChannel {
        bot_user_id: "U8e742f61d673b39c7fff3cecb7536ef0".to_owned(),
        webhook: Some(endpoint.url()),
        ..town()
    });

    assert_eq!(
        post(&double, "/v2/bot/channel/webhook/test", &json!({})).send().status,
        200
    );

    let calls = endpoint.calls();
    assert_eq!(
        String::from_utf8_lossy(&calls[0].body),
        r#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#
    );
    assert_eq!(calls[0].signature, "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=");
}

#[test]
fn what_a_user_writes_arrives_signed_and_in_lines_shape() {
    let (double, endpoint) = double_with_endpoint();

    let deliveries = double.say(TOWN, AOI, "おしえて");

    assert_eq!((deliveries[0].status, deliveries[0].outcome), (Some(200), Outcome::Ok));
    let call = &endpoint.calls()[0];
    assert!(is_signed(call));
    assert_eq!(call.path, "/line/hidamari");
    assert_eq!(call.json()["destination"], BOT);
    let event = call.event();
    let nine: jiff::Timestamp = NINE.parse().unwrap();
    assert_eq!(event["type"], "message");
    assert_eq!(event["message"]["type"], "text");
    assert_eq!(event["message"]["text"], "おしえて");
    assert_eq!(event["source"], json!({ "type": "user", "userId": AOI }));
    assert_eq!(event["timestamp"], nine.as_millisecond());
    assert_eq!(event["mode"], "active");
    assert_eq!(event["deliveryContext"], json!({ "isRedelivery": false }));
    let id = event["webhookEventId"].as_str().unwrap();
    assert_eq!(id.len(), 26);
    assert!(id.starts_with("01M7V41F00"), "the instant in base 32: {id}");
}

#[test]
fn adding_blocking_and_unblocking_are_told_once_each() {
    let (double, endpoint) = double_with_endpoint();

    double.befriend(TOWN, STRANGER);
    double.befriend(TOWN, STRANGER);
    double.block(TOWN, STRANGER);
    double.block(TOWN, STRANGER);
    double.unblock(TOWN, STRANGER);

    let events: Vec<Value> = endpoint.calls().iter().map(Call::event).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["follow", "unfollow", "follow"]);
    assert_eq!(events[0]["follow"], json!({ "isUnblocked": false }));
    assert_eq!(events[2]["follow"], json!({ "isUnblocked": true }));
    assert!(events[0]["replyToken"].is_string() && events[1].get("replyToken").is_none());
}

#[test]
fn who_is_no_friend_cannot_write() {
    let (double, endpoint) = double_with_endpoint();
    let say = json!({ "channel": TOWN, "user": STRANGER, "text": "もしもし" });

    assert_eq!(post(&double, "/_double/say", &say).send().status, 400);
    assert!(endpoint.calls().is_empty());
}

#[test]
fn a_reply_is_free_and_its_token_works_once() {
    let (double, endpoint) = double_with_endpoint();
    double.say(TOWN, AOI, "おしえて");
    let token = endpoint.calls()[0].event()["replyToken"].clone();

    assert_eq!(reply(&double, &token, "どうぞ").0, 200);

    assert_eq!(
        reply(&double, &token, "もう一度"),
        (400, "Invalid reply token".to_owned())
    );
    assert_eq!(
        reply(&double, &json!("x"), "だれ"),
        (400, "Invalid reply token".to_owned())
    );
    assert_eq!(texts(&double, AOI), ["どうぞ"]);
    assert_eq!(double.billed(TOWN), 0);
}

#[test]
fn a_reply_token_lives_for_a_minute() {
    let (double, endpoint) = double_with_endpoint();
    double.say(TOWN, AOI, "おしえて");
    double.say(TOWN, HARU, "おしえて");
    let tokens: Vec<Value> = endpoint
        .calls()
        .iter()
        .map(|call| call.event()["replyToken"].clone())
        .collect();

    double.advance(SignedDuration::from_secs(59));
    assert_eq!(reply(&double, &tokens[0], "まにあった").0, 200);
    double.advance(SignedDuration::from_secs(1));
    assert_eq!(reply(&double, &tokens[1], "おそい").0, 400);
}

#[test]
fn a_tap_is_a_postback_with_the_actions_data() {
    let (double, endpoint) = double_with_endpoint();

    double.tap(TOWN, AOI, "stop=1");
    let params = json!({ "date": "2027-03-01" });
    let date = Act::Tap {
        data: "due".to_owned(),
        params: params.clone(),
    };
    double.act(TOWN, AOI, date, Manner::default());

    let events: Vec<Value> = endpoint.calls().iter().map(Call::event).collect();
    assert_eq!(events[0]["postback"], json!({ "data": "stop=1" }));
    assert_eq!(events[1]["postback"], json!({ "data": "due", "params": params }));
}

#[test]
fn a_message_can_be_unsent() {
    let (double, endpoint) = double_with_endpoint();
    double.say(TOWN, AOI, "まちがい");
    let id = endpoint.calls()[0].event()["message"]["id"].clone();

    let unsend = json!({ "channel": TOWN, "user": AOI, "message_id": id });
    assert_eq!(post(&double, "/_double/unsend", &unsend).send().status, 200);

    let event = endpoint.calls()[1].event();
    assert_eq!(
        (event["type"].as_str(), &event["unsend"]["messageId"]),
        (Some("unsend"), &id)
    );
    assert!(event.get("replyToken").is_none());
}

#[test]
fn any_event_can_be_sent_and_wins_over_what_is_filled_in() {
    let (double, endpoint) = double_with_endpoint();
    let event = json!({ "type": "membership", "timestamp": 5, "novelty": [1] });
    let body = json!({ "channel": TOWN, "user": AOI, "event": event });

    assert_eq!(post(&double, "/_double/event", &body).send().status, 200);

    let arrived = endpoint.calls()[0].event();
    assert_eq!(
        (&arrived["type"], &arrived["timestamp"], &arrived["novelty"]),
        (&json!("membership"), &json!(5), &json!([1]))
    );
    assert_eq!(arrived["source"]["userId"], AOI);
}

#[test]
fn an_event_may_come_twice_late_forged_or_for_somebody_else() {
    let (double, endpoint) = double_with_endpoint();
    let say = |words: &str, manner| double.act(TOWN, AOI, Act::Say(words.to_owned()), manner);
    let base = Manner::default();

    say("一", Manner { hold: true, ..base });
    say("二", Manner { hold: true, ..base });
    say(
        "三",
        Manner {
            duplicate: true,
            ..base
        },
    );
    say("四", Manner { forge: true, ..base });
    say("五", Manner { standby: true, ..base });
    assert_eq!(double.release(TOWN, false, true).len(), 2);

    let calls = endpoint.calls();
    let words: Vec<String> = calls
        .iter()
        .map(|call| call.event()["message"]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words, ["三", "三", "四", "五", "二", "一"]);
    assert_eq!(calls[0].event()["webhookEventId"], calls[1].event()["webhookEventId"]);
    let signed: Vec<bool> = calls.iter().map(is_signed).collect();
    assert_eq!(signed, [true, true, false, true, true, true]);
    assert_eq!(calls[3].event()["mode"], "standby");
    assert!(calls[3].event().get("replyToken").is_none());
}

#[test]
fn events_of_several_users_may_come_in_one_call() {
    let (double, endpoint) = double_with_endpoint();
    let hold = Manner {
        hold: true,
        ..Manner::default()
    };
    double.act(TOWN, AOI, Act::Say("一".to_owned()), hold);
    double.act(TOWN, HARU, Act::Say("二".to_owned()), hold);

    double.release(TOWN, true, false);

    let calls = endpoint.calls();
    assert_eq!(
        (calls.len(), calls[0].json()["events"].as_array().unwrap().len()),
        (1, 2)
    );
}

#[test]
fn what_the_endpoint_failed_to_take_comes_again_where_redelivery_is_on() {
    let (double, endpoint) = double_with_endpoint();
    endpoint.answers(Manners::Status(500));
    double.say(TOWN, AOI, "一");
    assert_eq!(double.redeliver(TOWN), [], "redelivery is off at first");
    double.redelivery(TOWN, true);
    endpoint.answers(Manners::Status(500));
    let failed = double.say(TOWN, AOI, "二");
    assert_eq!(
        (failed[0].status, failed[0].outcome),
        (Some(500), Outcome::ErrorStatusCode)
    );
    double.advance(SignedDuration::from_mins(10));

    double.redelivery(TOWN, false);
    assert_eq!(double.redeliver(TOWN).len(), 0, "switched off again");
    double.redelivery(TOWN, true);
    assert_eq!(double.redeliver(TOWN).len(), 1);
    assert_eq!(double.redeliver(TOWN).len(), 0, "it was taken");

    let calls = endpoint.calls();
    let (first, again) = (calls[1].event(), calls[2].event());
    assert_eq!(first["webhookEventId"], again["webhookEventId"]);
    assert_eq!(first["timestamp"], again["timestamp"]);
    assert_eq!(again["deliveryContext"], json!({ "isRedelivery": true }));
    assert_eq!(reply(&double, &again["replyToken"], "遅くなりました").0, 200);
}

#[test]
fn an_endpoint_that_is_silent_for_two_seconds_has_failed() {
    let (double, endpoint) = double_with_endpoint();
    endpoint.answers(Manners::Silence);

    let deliveries = double.say(TOWN, AOI, "一");

    assert_eq!(
        (deliveries[0].status, deliveries[0].outcome),
        (None, Outcome::RequestTimeout)
    );
    assert_eq!(double.deliveries().len(), 1);
}

#[test]
fn a_channel_without_a_webhook_or_with_it_switched_off_is_told_nothing() {
    let (double, endpoint) = double_with_endpoint();
    let off = json!({ "channel": TOWN, "active": false });
    assert_eq!(post(&double, "/_double/webhook", &off).send().status, 200);

    assert_eq!(double.say(TOWN, AOI, "一"), []);
    double.add_channel(town());
    assert_eq!(double.say(TOWN, AOI, "二"), []);

    assert!(endpoint.calls().is_empty());
    assert_eq!(get(&double, "/_double/deliveries").send().body, json!([]));
}

#[test]
fn the_webhook_url_can_be_set_read_and_tried() {
    let (double, endpoint) = (double(), Endpoint::start());
    let path = "/v2/bot/channel/webhook/endpoint";
    let set = |url: &str| {
        let body = json!({ "endpoint": url }).to_string().into_bytes();
        ask(&double, "PUT", path).body("application/json", body).send().status
    };
    let trial = |body| post(&double, "/v2/bot/channel/webhook/test", &body).send().body;
    assert_eq!(get(&double, path).send().status, 404);
    assert_eq!(
        ["http://example.jp/", "ftp://x", "https://", &"x".repeat(501)].map(set),
        [400; 4]
    );

    assert_eq!(set(&endpoint.url()), 200);

    assert_eq!(
        get(&double, path).send().body,
        json!({ "endpoint": endpoint.url(), "active": true })
    );
    let good = trial(json!({}));
    assert_eq!(
        (&good["success"], &good["statusCode"], &good["reason"]),
        (&json!(true), &json!(200), &json!("OK"))
    );
    endpoint.answers(Manners::Status(404));
    let refused = trial(json!({}));
    assert_eq!(
        (&refused["success"], &refused["reason"]),
        (&json!(false), &json!("ERROR_STATUS_CODE"))
    );
    let nobody = trial(json!({ "endpoint": "http://127.0.0.1:9/" }));
    assert_eq!(nobody["reason"], "COULD_NOT_CONNECT");
    assert_eq!(endpoint.calls()[0].json(), json!({ "destination": BOT, "events": [] }));
}

#[test]
fn linking_an_account_is_told_with_the_nonce_and_the_token_works_once() {
    let (double, endpoint) = double_with_endpoint();
    let issue = |user: &str| ask(&double, "POST", &format!("/v2/bot/user/{user}/linkToken")).send();
    assert_eq!(issue(STRANGER).status, 404);
    let token = issue(AOI).body["linkToken"].as_str().unwrap().to_owned();
    let link = |nonce: &str| {
        let path = format!("/dialog/bot/accountLink?linkToken={token}&nonce={nonce}");
        get(&double, &path).without_token().send().status
    };

    assert_eq!(link("short"), 400);
    assert_eq!(link("0123456789"), 200);
    assert_eq!(link("0123456789"), 400);

    let event = endpoint.calls()[0].event();
    assert_eq!(event["link"], json!({ "result": "ok", "nonce": "0123456789" }));
    assert_eq!(event["source"]["userId"], AOI);
}
