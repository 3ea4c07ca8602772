//! The double steered by another process, over HTTP.

use serde_json::json;

use crate::support::{AOI, HARU, TOWN, ask, double, get, post, push, texts};

#[test]
fn everything_can_be_set_up_and_looked_at_over_http() {
    let double = double();
    let set = |path: &str, body| {
        let answer = post(&double, path, &body).send();
        assert_eq!(answer.status, 200, "{path}: {}", answer.message());
    };
    let mio = "U000000000000000000000000000000aa";

    set(
        "/_double/channels",
        json!({ "id": "77", "secret": "s", "provider": "p", "bot_user_id": HARU, "long_lived_token": "t77" }),
    );
    set(
        "/_double/users",
        json!({ "provider": "p", "friends_of": "77", "users": [{ "id": mio, "name": "みお" }] }),
    );
    assert_eq!(push(&double, mio, "一").token("t77").send().status, 200);
    set("/_double/block", json!({ "channel": "77", "user": mio }));
    assert_eq!(push(&double, mio, "二").token("t77").send().status, 200);
    set("/_double/unblock", json!({ "channel": "77", "user": mio }));
    set(
        "/_double/faults",
        json!({ "method": "POST", "path": "/v2/bot/message/push", "kind": { "status": 503 } }),
    );
    assert_eq!(push(&double, mio, "三").token("t77").send().status, 503);
    set(
        "/_double/faults",
        json!({ "method": "POST", "path": "/v2/bot/message/push", "kind": "unauthorized", "times": 2 }),
    );
    assert_eq!(ask(&double, "DELETE", "/_double/faults").send().status, 200);
    set("/_double/chances", json!({ "seed": 1, "false_500": 1.0 }));
    assert_eq!(push(&double, mio, "四").token("t77").send().status, 500);
    set("/_double/chances", json!({}));
    set("/_double/quota", json!({ "channel": "77", "quota": 1 }));
    assert_eq!(push(&double, mio, "五").token("t77").send().status, 429);
    set("/_double/advance", json!({ "seconds": 60 }));
    set("/_double/limits", json!({ "on": false }));

    let receipts = get(&double, &format!("/_double/receipts?user={mio}")).send().body;
    assert_eq!(receipts[0]["messages"][0]["text"], "一");
    assert_eq!(receipts[0]["channel"], "77");
    assert_eq!(get(&double, "/_double/receipts?after=100").send().body, json!([]));
    let requests = get(&double, "/_double/requests").send().body;
    assert_eq!(requests[0]["body"]["to"], mio);
    assert_eq!(get(&double, "/_double/violations").send().body, json!([]));
    let state = get(&double, "/_double/state").send().body;
    assert_eq!(state["now"], "2026-11-20T00:01:00Z");
    assert_eq!(state["channels"][2]["friends"], 1);
}

#[test]
fn a_wrong_request_is_told_what_is_wrong() {
    let double = double();

    let unknown = post(&double, "/_double/block", &json!({ "channel": "0", "user": AOI })).send();
    let stray = post(
        &double,
        "/_double/block",
        &json!({ "channel": TOWN, "user": AOI, "x": 1 }),
    )
    .send();
    let typo = json!({ "method": "POST", "path": "/v2/bot/message/psuh", "kind": "reset_before" });
    let typo = post(&double, "/_double/faults", &typo).send();
    let no_user = post(&double, "/_double/block", &json!({ "channel": TOWN, "user": "aoi" })).send();

    assert_eq!(unknown.brief(), (400, "there is no channel \"0\""));
    assert_eq!((stray.status, no_user.status), (400, 400));
    assert_eq!(typo.brief(), (400, "there is no endpoint POST /v2/bot/message/psuh"));
    assert_eq!(get(&double, "/_double/nowhere").send().status, 404);
}

#[test]
fn requests_are_logged_with_their_answers() {
    let double = double();
    let answer = push(&double, AOI, "一").key(&crate::support::key(1)).send();

    let requests = double.requests();

    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v2/bot/message/push")
    );
    assert_eq!((request.status, request.channel.as_deref()), (200, Some(TOWN)));
    assert_eq!(request.retry_key, Some(crate::support::key(1)));
    assert_eq!(request.body["messages"][0]["text"], "一");
    assert_eq!(request.answer, answer.body);
    assert_eq!(texts(&double, AOI), ["一"]);
}
