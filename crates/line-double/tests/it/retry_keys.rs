//! The retry key: one request for each key, for a day.

use jiff::SignedDuration;
use kizuna_line_double::{Fault, FaultKind};
use serde_json::json;

use crate::support::{AOI, HARU, OTHER_TOKEN, double, get, key, multicast, post, push, text, texts};

const ACCEPTED: (u16, &str) = (409, "The retry key is already accepted");

#[test]
fn a_key_that_was_accepted_is_answered_with_the_first_requests_id() {
    let double = double();

    let first = push(&double, AOI, "一").key(&key(1)).send();
    let again = push(&double, AOI, "一").key(&key(1)).send();

    assert_eq!(again.brief(), ACCEPTED);
    assert_eq!(
        again.header("x-line-accepted-request-id"),
        first.header("x-line-request-id")
    );
    assert_ne!(again.header("x-line-request-id"), first.header("x-line-request-id"));
    assert_eq!(again.body["sentMessages"], first.body["sentMessages"]);
    assert_eq!(texts(&double, AOI), ["一"]);
    assert_eq!(double.receipts()[0].retry_key, Some(key(1)));
    assert!(double.violations().is_empty());
}

#[test]
fn a_repeated_multicast_has_no_sent_messages() {
    let double = double();

    assert_eq!(multicast(&double, &[AOI, HARU], "一").key(&key(1)).send().status, 200);
    let again = multicast(&double, &[HARU, AOI], "一").key(&key(1)).send();

    assert_eq!(again.body, json!({ "message": ACCEPTED.1 }));
    assert!(double.violations().is_empty());
}

#[test]
fn a_key_of_a_request_that_was_refused_is_free() {
    let double = double();
    double.script(Fault::next("POST", "/v2/bot/message/push", FaultKind::Status(500)));

    assert_eq!(push(&double, AOI, "一").key(&key(1)).send().status, 500);
    assert_eq!(
        push(&double, "Uffffffffffffffffffffffffffffffff", "一")
            .key(&key(1))
            .send()
            .status,
        400
    );
    assert_eq!(push(&double, AOI, "一").key(&key(1)).send().status, 200);
    assert_eq!(texts(&double, AOI), ["一"]);
}

#[test]
fn a_key_lives_for_a_day_from_its_first_request_and_is_new_then() {
    let double = double();
    double.script(Fault::next("POST", "/v2/bot/message/push", FaultKind::Status(500)));
    let send = || push(&double, AOI, "一").key(&key(1)).send().status;

    assert_eq!(send(), 500);
    double.advance(SignedDuration::from_hours(23));
    assert_eq!(send(), 200);
    double.advance(SignedDuration::from_mins(59));
    assert_eq!(send(), 409);
    double.advance(SignedDuration::from_mins(1));
    assert_eq!(send(), 200);
    assert_eq!(texts(&double, AOI).len(), 2);
}

#[test]
fn a_key_is_a_uuid_with_hyphens() {
    let double = double();
    for wrong in [
        "1",
        "00000000000040008000000000000001",
        "{00000000-0000-4000-8000-000000000001}",
        "g0000000-0000-4000-8000-000000000001",
    ] {
        assert_eq!(push(&double, AOI, "一").key(wrong).send().status, 400, "{wrong}");
    }
    assert_eq!(push(&double, AOI, "一").key(&key(1).to_uppercase()).send().status, 200);
}

#[test]
fn endpoints_that_take_no_key_refuse_one() {
    let double = double();
    let check = json!({ "messages": text("一") });
    let reply = json!({ "replyToken": "x", "messages": text("一") });

    assert_eq!(get(&double, "/v2/bot/info").key(&key(1)).send().status, 400);
    assert_eq!(
        post(&double, "/v2/bot/message/validate/push", &check)
            .key(&key(1))
            .send()
            .status,
        400
    );
    assert_ne!(
        post(&double, "/v2/bot/message/reply", &reply)
            .key(&key(1))
            .send()
            .message(),
        "Invalid reply token"
    );
}

#[test]
fn a_key_of_another_channel_is_another_key() {
    let double = double();
    double.add_user("elsewhere", AOI, "べつの人");

    assert_eq!(push(&double, AOI, "一").key(&key(1)).send().status, 200);
    assert_eq!(
        push(&double, AOI, "一").key(&key(1)).token(OTHER_TOKEN).send().status,
        200
    );
}

#[test]
fn a_key_with_other_words_or_other_people_is_answered_409_and_noted_as_a_breach() {
    let double = double();
    assert_eq!(multicast(&double, &[AOI], "一").key(&key(1)).send().status, 200);
    assert_eq!(double.violations().len(), 0);

    assert_eq!(multicast(&double, &[AOI], "二").key(&key(1)).send().brief(), ACCEPTED);
    assert_eq!(
        multicast(&double, &[AOI, HARU], "一").key(&key(1)).send().brief(),
        ACCEPTED
    );
    assert_eq!(push(&double, AOI, "一").key(&key(1)).send().brief(), ACCEPTED);

    let what: Vec<String> = double
        .violations()
        .into_iter()
        .map(|violation| violation.what)
        .collect();
    assert!(what[0].ends_with("other messages"), "{what:?}");
    assert!(what[1].ends_with("other recipients"), "{what:?}");
    assert!(what[2].ends_with("another endpoint"), "{what:?}");
    assert_eq!(double.receipts().len(), 1);
}
