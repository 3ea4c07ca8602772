//! Webhooks of LINE against LINE's own library and a tool that is as faulty as its script says.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use kizuna_channels::line::is_callable;
use kizuna_channels::line::webhook::{ForwardError, What, forward, is_signed, open, read, sign};
use kizuna_testkit::programs::run_python;

const SECRET: &str = "8c570fa6dd201bb328f1c1eac23a96d8";
const USER: &str = "U0123456789abcdef0123456789abcdef";

/// A follow, a word with signs of every kind, a button, a block and something that is not known yet, in one body.
fn body() -> String {
    let event = |kind: &str, more: &str| {
        format!(
            r#"{{"type":"{kind}","webhookEventId":"01H{kind}","timestamp":1764000000000,"mode":"active",
               "deliveryContext":{{"isRedelivery":false}},"source":{{"type":"user","userId":"{USER}"}}{more}}}"#
        )
    };
    let events = [
        event("follow", r#","replyToken":"r1","follow":{"isUnblocked":true}"#),
        event(
            "message",
            r#","replyToken":"r2","message":{"type":"text","id":"m1","quoteToken":"q","text":"停止。👨‍👩‍👧 \u0000"}"#,
        ),
        event("postback", r#","replyToken":"r3","postback":{"data":"kizuna:today"}"#),
        event("unfollow", ""),
        event("tomorrow", r#","something":{"new":[1]}"#),
    ];
    format!(
        r#"{{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[{}]}}"#,
        events.join(",")
    )
}

#[test]
fn a_signature_is_right_for_one_body_and_one_secret_alone() {
    let body = body();
    let right = sign(SECRET, body.as_bytes());
    let cut = right.get(..right.len() - 4).unwrap();
    let altered = body.replace("follow", "Follow");
    for (secret, body, signature, expected) in [
        (SECRET, &body, right.as_str(), true),
        (SECRET, &altered, &right, false),
        (SECRET, &body, cut, false),
        (SECRET, &body, "", false),
        (SECRET, &body, "あ", false),
        (SECRET, &body, &sign("another", body.as_bytes()), false),
        ("another", &body, &right, false),
        // Who has no secret accepts nobody, not even somebody who signs with none.
        ("", &body, &sign("", body.as_bytes()), false),
    ] {
        assert_eq!(
            is_signed(secret, body.as_bytes(), signature.as_bytes()),
            expected,
            "{secret} {signature}"
        );
    }
}

#[test]
fn lines_own_library_signs_what_we_accept_and_reads_what_we_sign() {
    let body = body();
    let script = "
import sys, base64, hmac, hashlib
from linebot.v3.webhook import WebhookParser, SignatureValidator
secret, signature = sys.argv[1], sys.argv[2]
body = sys.stdin.buffer.read().decode()
events = WebhookParser(secret).parse(body, signature)
assert not SignatureValidator('another').validate(body, signature)
print(','.join(type(event).__name__ for event in events))
print(base64.b64encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()).decode())
";
    let printed = run_python(script, &[SECRET, &sign(SECRET, body.as_bytes())], body.as_bytes());
    let (events, signature) = printed.trim().split_once('\n').unwrap();
    assert_eq!(
        events,
        "FollowEvent,MessageEvent,PostbackEvent,UnfollowEvent,UnknownEvent"
    );
    assert!(is_signed(SECRET, body.as_bytes(), signature.as_bytes()));
}

#[test]
fn a_body_is_read_event_by_event_and_what_is_unknown_is_told_apart() {
    let envelopes = open(body().as_bytes()).unwrap();
    let ids: Vec<&str> = envelopes.iter().map(|envelope| envelope.id.as_str()).collect();
    assert_eq!(
        ids,
        ["01Hfollow", "01Hmessage", "01Hpostback", "01Hunfollow", "01Htomorrow"]
    );
    assert_eq!(envelopes.get(1).and_then(|one| one.message.as_deref()), Some("m1"));

    let events: Vec<_> = envelopes.iter().map(|one| read(&one.words).unwrap()).collect();
    let whats: Vec<&What> = events.iter().map(|event| &event.what).collect();
    let expected = [
        &What::Follow,
        &What::Text("停止。👨‍👩‍👧 \0".to_owned()),
        &What::Postback("kizuna:today".to_owned()),
        &What::Unfollow,
        &What::Unknown,
    ];
    assert!(whats == expected, "an event was read as another");
    assert!(
        events
            .iter()
            .all(|event| event.user.as_deref() == Some(USER) && event.may_speak)
    );
    assert!(
        !format!("{envelopes:?}{events:?}").contains("停止"),
        "words show in Debug"
    );
}

#[test]
fn groups_standby_and_strange_users_are_told_apart() {
    let with = |from: &str, to: &str| {
        read(
            &open(body().replace(from, to).as_bytes())
                .unwrap()
                .first()
                .unwrap()
                .words,
        )
        .unwrap()
    };
    assert_eq!(with(r#""type":"user""#, r#""type":"group","groupId":"C1""#).user, None);
    assert_eq!(with(USER, "U0123456789ABCDEF0123456789abcdef").user, None);
    assert!(!with(r#""mode":"active""#, r#""mode":"standby""#).may_speak);
    assert_eq!(open(br#"{"events":[]}"#).unwrap(), []);
    for broken in [
        "",
        "[]",
        "{}",
        r#"{"events":{}}"#,
        "{\"events\":[",
        "\u{feff}{\"events\":[]}",
    ] {
        assert!(open(broken.as_bytes()).is_err(), "{broken}");
    }
    // Without an id of its own an event is known by its words.
    let nameless = open(br#"{"events":[{"type":"follow"},{"type":"follow"},{"type":"join"}]}"#).unwrap();
    let ids: Vec<&String> = nameless.iter().map(|one| &one.id).collect();
    assert_eq!(ids.first(), ids.get(1));
    assert_ne!(ids.first(), ids.get(2));
}

/// A tool that answers one request with these words and gives what it was asked.
fn tool(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 4_096];
        while !String::from_utf8_lossy(&request).contains("]}") {
            let read = stream.read(&mut chunk).unwrap();
            request.extend(chunk.get(..read).unwrap_or_default());
        }
        stream.write_all(answer.as_bytes()).unwrap();
        sender.send(String::from_utf8(request).unwrap()).unwrap();
    });
    (url, asked)
}

#[test]
fn a_body_is_passed_on_byte_for_byte_signed_anew_and_marked() {
    let (url, asked) = tool("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let body = body();
    assert_eq!(forward(&url, SECRET, &body), Ok(()));
    let request = asked.recv().unwrap();
    let (head, received) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(received, body);
    let head = head.to_lowercase();
    assert!(head.contains("x-kizuna-hop: 1"), "{head}");
    assert!(
        head.contains(&format!(
            "x-line-signature: {}",
            sign(SECRET, body.as_bytes()).to_lowercase()
        )),
        "{head}"
    );
}

#[test]
fn a_redirect_an_error_and_silence_are_no_success() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(
        forward(&tool(moved).0, SECRET, &body()),
        Err(ForwardError::Refused(302))
    );
    let broken = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    assert_eq!(
        forward(&tool(broken).0, SECRET, &body()),
        Err(ForwardError::Refused(500))
    );
    assert_eq!(forward(&tool("").0, SECRET, &body()), Err(ForwardError::Unreachable));
    assert_eq!(
        forward("http://127.0.0.1:1/", SECRET, &body()),
        Err(ForwardError::Unreachable)
    );
}

#[test]
fn only_encrypted_addresses_and_this_machine_are_called() {
    for good in [
        "https://tool.example/hook",
        "http://127.0.0.1:8080/x",
        "http://localhost/",
        "http://[::1]:80/",
    ] {
        assert!(is_callable(good), "{good}");
    }
    for bad in [
        "http://tool.example/hook",
        "https://",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/",
        "https://a b",
        "file:///etc/passwd",
        "",
    ] {
        assert!(!is_callable(bad), "{bad}");
    }
}
