//! Push, multicast, broadcast, their errors, the quota and the counts.

use jiff::SignedDuration;
use kizuna_line_double::{NewChannel, Via};
use serde_json::{Value, json};

use crate::support::{
    AOI, HARU, NOBODY, OTHER_TOKEN, STRANGER, TOKEN, TOWN, ask, double, get, multicast, post, push, text, texts, town,
};

#[test]
fn a_push_comes_to_the_phone_of_a_friend() {
    let double = double();

    let answer = push(&double, AOI, "おはようございます").send();

    assert_eq!(answer.status, 200);
    let sent = &answer.body["sentMessages"][0];
    assert!(sent["id"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    assert!(sent["quoteToken"].is_string());
    let receipts = double.receipts();
    assert_eq!(receipts.len(), 1);
    assert_eq!(
        (receipts[0].channel.as_str(), receipts[0].user.as_str(), receipts[0].via),
        (TOWN, AOI, Via::Push)
    );
    assert_eq!(
        Some(receipts[0].request_id.as_str()),
        answer.header("x-line-request-id")
    );
    assert_eq!(texts(&double, AOI), ["おはようございます"]);
    assert_eq!(double.billed(TOWN), 1);
}

#[test]
fn whoever_blocked_the_account_or_never_added_it_gets_nothing_and_costs_nothing() {
    let double = double();
    double.block_quietly(TOWN, HARU);

    let statuses = [HARU, STRANGER].map(|user| push(&double, user, "こんにちは").send().status);
    let both = multicast(&double, &[AOI, HARU, STRANGER], "みなさま").send();

    assert_eq!((statuses, both.status, both.body), ([200, 200], 200, json!({})));
    assert_eq!(double.receipts().len(), 1);
    assert_eq!(double.billed(TOWN), 1);
}

#[test]
fn a_user_whom_the_provider_does_not_know_is_an_error_and_nobody_gets_anything() {
    let double = double();

    let single = push(&double, NOBODY, "だれ").send();
    let several = multicast(&double, &[AOI, NOBODY, HARU], "だれ").send();
    let foreign = push(&double, AOI, "よその町").token(OTHER_TOKEN).send();

    assert_eq!(single.brief(), (400, "Failed to send messages"));
    assert_eq!(
        several.brief(),
        (
            400,
            "The property, to[1], in the request body is invalid (line: -, column: -)"
        )
    );
    assert_eq!(several.body["details"][0]["property"], "to[1]");
    assert_eq!(foreign.brief(), (400, "Failed to send messages"));
    assert_eq!(double.receipts().len(), 0);
}

#[test]
fn a_multicast_has_one_to_five_hundred_recipients() {
    let double = double();
    let many: Vec<String> = (0..501).map(|number| format!("U{number:032x}")).collect();
    for user in &many {
        double.add_user("hidamari", user, "だれか");
        double.befriend_quietly(TOWN, user);
    }
    let send = |count: usize| {
        let body = json!({ "to": many[..count], "messages": text("全員へ") });
        post(&double, "/v2/bot/message/multicast", &body).send()
    };

    assert_eq!(send(0).status, 400);
    assert_eq!(send(501).status, 400);
    assert_eq!(double.receipts().len(), 0);
    assert_eq!(send(500).status, 200);
    assert_eq!(double.receipts().len(), 500);
    assert_eq!(double.billed(TOWN), 500);
}

#[test]
fn a_request_has_one_to_five_messages_and_counts_once() {
    let double = double();
    let send = |count: usize| {
        let messages: Vec<Value> = vec![json!({ "type": "text", "text": "ひとつ" }); count];
        post(
            &double,
            "/v2/bot/message/push",
            &json!({ "to": AOI, "messages": messages }),
        )
        .send()
    };

    assert_eq!(send(0).status, 400);
    assert_eq!(send(6).status, 400);
    assert_eq!(send(5).body["sentMessages"].as_array().unwrap().len(), 5);
    assert_eq!(double.billed(TOWN), 1);
}

#[test]
fn the_same_user_twice_in_one_multicast_gets_it_once_and_is_noted() {
    let double = double();

    assert_eq!(multicast(&double, &[AOI, AOI], "二回").send().status, 200);

    assert_eq!(texts(&double, AOI), ["二回"]);
    assert_eq!(double.billed(TOWN), 1);
    assert_eq!(double.violations().len(), 1);
}

#[test]
fn a_broadcast_comes_to_all_friends() {
    let double = double();
    double.block_quietly(TOWN, HARU);

    let answer = post(
        &double,
        "/v2/bot/message/broadcast",
        &json!({ "messages": text("全員へ") }),
    )
    .send();

    assert_eq!((answer.status, answer.body), (200, json!({})));
    assert_eq!((texts(&double, AOI).len(), texts(&double, HARU).len()), (1, 0));
}

#[test]
fn the_monthly_limit_stops_a_send_that_would_exceed_it_until_the_month_turns_in_japan() {
    let double = double();
    double.add_channel(NewChannel {
        quota: Some(3),
        ..town()
    });
    let limit = (429, "You have reached your monthly limit.");

    assert_eq!(multicast(&double, &[AOI, HARU], "一").send().status, 200);
    assert_eq!(multicast(&double, &[AOI, HARU], "二").send().brief(), limit);
    assert_eq!(push(&double, AOI, "三").send().status, 200);
    assert_eq!(push(&double, AOI, "四").send().brief(), limit);
    assert_eq!(push(&double, STRANGER, "五").send().status, 200);

    // 2026-11-30 23:59 and 2026-12-01 00:00 in Japan.
    double.advance(SignedDuration::from_hours(24 * 10 + 14) + SignedDuration::from_mins(59));
    assert_eq!(push(&double, AOI, "六").send().brief(), limit);
    double.advance(SignedDuration::from_mins(1));
    assert_eq!(push(&double, AOI, "七").send().status, 200);
    assert_eq!(double.billed(TOWN), 1);
}

#[test]
fn what_the_owner_reserved_makes_the_limit_come_with_quota_left() {
    let double = double();
    double.add_channel(NewChannel {
        quota: Some(10),
        ..town()
    });
    double.reserve(TOWN, 10);

    assert_eq!(push(&double, AOI, "一").send().status, 429);
    let left = get(&double, "/v2/bot/message/quota/consumption").send();

    assert_eq!(left.body, json!({ "totalUsage": 0 }));
}

#[test]
fn quota_and_consumption_are_told() {
    let double = double();
    let quota = || get(&double, "/v2/bot/message/quota").send().body;
    assert_eq!(quota(), json!({ "type": "none" }));
    double.add_channel(NewChannel {
        quota: Some(200),
        ..town()
    });
    assert_eq!(push(&double, AOI, "一").send().status, 200);

    assert_eq!(quota(), json!({ "type": "limited", "value": 200 }));
    let consumption = get(&double, "/v2/bot/message/quota/consumption").send();
    assert_eq!(consumption.body, json!({ "totalUsage": 1 }));
}

#[test]
fn the_count_of_a_day_is_ready_when_the_day_is_over_in_japan() {
    let double = double();
    assert_eq!(multicast(&double, &[AOI, HARU], "一").send().status, 200);
    let count = |date: &str| {
        get(&double, &format!("/v2/bot/message/delivery/multicast?date={date}"))
            .send()
            .body
    };

    assert_eq!(count("20261120"), json!({ "status": "unready" }));
    assert_eq!(count("20261119"), json!({ "status": "ready", "success": 0 }));
    assert_eq!(count("20180330"), json!({ "status": "out_of_service" }));
    double.advance(SignedDuration::from_hours(15));
    assert_eq!(count("20261120"), json!({ "status": "ready", "success": 2 }));
    for date in ["", "2026-11-20", "20261131"] {
        assert_eq!(
            get(&double, &format!("/v2/bot/message/delivery/push?date={date}"))
                .send()
                .status,
            400
        );
    }
}

#[test]
fn a_check_of_messages_sends_nothing() {
    let double = double();
    for kind in ["push", "multicast", "reply", "broadcast"] {
        let path = format!("/v2/bot/message/validate/{kind}");
        assert_eq!(
            post(&double, &path, &json!({ "messages": text("みほん") }))
                .send()
                .status,
            200
        );
        assert_eq!(post(&double, &path, &json!({ "messages": [] })).send().status, 400);
    }
    assert_eq!(double.receipts().len(), 0);
}

#[test]
fn a_body_must_be_json_of_at_most_two_megabytes_with_known_properties() {
    let double = double();
    let body = json!({ "to": AOI, "messages": text("一") });
    let with = |kind, bytes: Vec<u8>| {
        ask(&double, "POST", "/v2/bot/message/push")
            .body(kind, bytes)
            .send()
            .status
    };

    assert_eq!(
        with("application/json; charset=UTF-8", body.to_string().into_bytes()),
        200
    );
    assert_eq!(with("text/plain", body.to_string().into_bytes()), 415);
    assert_eq!(with("application/json", b"{".to_vec()), 400);
    assert_eq!(with("application/json", b"[]".to_vec()), 400);
    assert_eq!(with("application/json", vec![b' '; 2 * 1024 * 1024 + 1]), 413);
    let stray = json!({ "to": AOI, "messages": text("一"), "colour": "red" });
    assert_eq!(with("application/json", stray.to_string().into_bytes()), 400);
}

#[test]
fn paths_must_be_exact_and_methods_right() {
    let double = double();
    let body = json!({ "to": AOI, "messages": text("一") });
    for path in [
        "/v2/bot/message/push/",
        "//v2/bot/message/push",
        "/v2/bot//message/push",
        "/v2/bot/message/narrowcast",
        "/v2/bot/profile/",
        &format!("/v2/bot/user/{AOI}/linkToken/"),
        &format!("/v2/bot/user/{AOI}/linkToken/x"),
    ] {
        assert_eq!(post(&double, path, &body).send().status, 404, "{path}");
    }
    assert_eq!(get(&double, "/v2/bot/message/push").send().status, 405);
    assert_eq!(double.receipts().len(), 0);
}

#[test]
fn every_answer_has_its_own_request_id() {
    let double = double();
    let ids: Vec<String> = ["/v2/bot/info", "/v2/bot/info", "/nowhere"]
        .map(|path| {
            get(&double, path)
                .send()
                .header("x-line-request-id")
                .unwrap()
                .to_owned()
        })
        .into();

    assert_eq!(ids[0].len(), 36);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[test]
fn a_message_needs_a_valid_token_of_the_channel() {
    let double = double();

    assert_eq!(push(&double, AOI, "一").without_token().send().status, 401);
    assert_eq!(push(&double, AOI, "一").token("wrong").send().status, 401);
    assert_eq!(push(&double, AOI, "一").token(TOKEN).send().status, 200);
}
