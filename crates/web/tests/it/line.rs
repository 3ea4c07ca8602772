//! The webhook's address, the way in through LINE Login, and the page inside LINE.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kizuna_channels::line::webhook::sign;
use kizuna_domain::ids::AccountId;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::line::{BODY_BYTES_MAX, Reply, step};
use kizuna_store::line as memory;
use kizuna_store::tenants::{self, Tenant};
use serde_json::{Value, json};

use crate::delivery::{own, reader, send};
use crate::support::{Answer, Place};

pub(crate) const SECRET: &str = "channel-secret";

/// A LINE user's id.
pub(crate) fn user(number: usize) -> String {
    format!("U{number:032x}")
}

/// Gives a town an account on LINE with these settings and secrets.
pub(crate) fn line_account(
    place: &Place,
    town: &Tenant,
    settings: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> AccountId {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let env = place.env();
    let new = AccountId::new(env.ids.next());
    let (settings, mut secrets) = (map(settings), map(secrets));
    secrets
        .entry("channel_secret".to_owned())
        .or_insert_with(|| SECRET.to_owned());
    env.db
        .write(|tx| tenants::put_account(tx, &env.keys, town.scope(), new, "line", &settings, &secrets))
        .unwrap()
}

/// A town on LINE.
pub(crate) fn on_line(settings: &[(&str, &str)], secrets: &[(&str, &str)]) -> (Place, Tenant) {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    line_account(&place, &town, settings, secrets);
    (place, town)
}

fn follow(number: usize) -> Value {
    json!({ "type": "follow", "webhookEventId": format!("e{number}"), "timestamp": 1_763_000_000_000_i64, "mode": "active",
            "replyToken": "r", "deliveryContext": { "isRedelivery": false }, "source": { "type": "user", "userId": user(number) } })
}

fn body(events: &[Value]) -> String {
    json!({ "destination": user(0), "events": events }).to_string()
}

fn post(place: &Place, path: &str, signature: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(signature) = signature {
        request = request.header("x-line-signature", signature);
    }
    place.ask(request.body(body.into()).unwrap())
}

fn replies(place: &Place) -> Vec<Reply> {
    let mut replies = Vec::new();
    step(place.env(), &mut |reply| replies.push(reply)).unwrap();
    replies
}

fn is_friend(place: &Place, town: &Tenant, number: usize) -> Option<bool> {
    let env = place.env();
    let known = env
        .db
        .read(|tx| memory::friendship(tx, &env.keys, town.scope(), &user(number)));
    known.unwrap().map(|known| known.is_friend)
}

#[test]
fn only_what_line_signed_is_taken_in_and_everything_else_changes_nothing() {
    let (place, town) = on_line(&[], &[("forward_secret", "tool-secret")]);
    place.town("asahi", "あさひ市", TenantKind::Municipality, "json");
    let path = "/hidamari/line/webhook";
    let text = body(&[follow(1)]);
    let good = sign(SECRET, text.as_bytes());
    let altered = text.replace(&user(1), &user(2));
    for (name, path, signature, body, expected) in [
        ("no signature", path, None, &text, 401),
        ("an empty one", path, Some(""), &text, 401),
        ("no base64", path, Some("???"), &text, 401),
        ("a cut one", path, good.get(..20), &text, 401),
        (
            "another secret",
            path,
            Some(sign("x", text.as_bytes()).as_str()),
            &text,
            401,
        ),
        ("an altered body", path, Some(&good), &altered, 401),
        ("a town without LINE", "/asahi/line/webhook", Some(&good), &text, 404),
        ("no town", "/nowhere/line/webhook", Some(&good), &text, 404),
    ] {
        let answer = post(&place, path, signature, body.clone());
        assert_eq!(answer.status.as_u16(), expected, "{name}");
        assert_eq!(answer.body, "", "{name} is told nothing");
    }
    assert_eq!(place.site.inbox.refused(), 6);
    assert_eq!(replies(&place).len(), 0);
    assert_eq!(is_friend(&place, &town, 1), None);

    assert_eq!(post(&place, path, Some(&good), text.clone()).status, StatusCode::OK);
    assert_eq!(replies(&place).len(), 1);
    assert_eq!(is_friend(&place, &town, 1), Some(true));
    // In guest mode another vendor's tool passes on to us, signed with the secret that both know.
    let passed = body(&[follow(3)]);
    let by_tool = sign("tool-secret", passed.as_bytes());
    assert_eq!(post(&place, path, Some(&by_tool), passed).status, StatusCode::OK);
    replies(&place);
    assert_eq!(is_friend(&place, &town, 3), Some(true));
}

#[test]
fn what_is_signed_and_strange_is_answered_and_ignored() {
    let (place, town) = on_line(&[], &[]);
    let signed = |text: &str| {
        post(
            &place,
            "/hidamari/line/webhook",
            Some(&sign(SECRET, text.as_bytes())),
            text.to_owned(),
        )
    };
    for (text, expected) in [
        (body(&[]), 200),
        (r#"{"events":[{"type":"tomorrow","new":{}}],"more":1}"#.to_owned(), 200),
        (body(&[json!({}), json!(null), json!(3)]), 200),
        ("not json".to_owned(), 400),
        (r#"{"events":"none"}"#.to_owned(), 400),
        (format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)), 400),
    ] {
        assert_eq!(
            signed(&text).status.as_u16(),
            expected,
            "{}",
            text.get(..60).unwrap_or(&text)
        );
    }
    let mut standby = follow(1);
    standby["mode"] = json!("standby");
    assert_eq!(signed(&body(&[standby])).status, StatusCode::OK);
    assert_eq!(replies(&place).len(), 0);
    assert_eq!(is_friend(&place, &town, 1), Some(true), "in standby the state counts");
}

#[test]
fn a_megabyte_is_taken_and_one_byte_more_is_not() {
    let (place, _) = on_line(&[], &[]);
    let of_size = |size: usize| {
        let start = r#"{"events":[],"pad":""#;
        format!("{start}{}\"}}", "x".repeat(size - start.len() - 2))
    };
    for (size, expected) in [(BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)] {
        let text = of_size(size);
        assert_eq!(text.len(), size);
        let answer = post(
            &place,
            "/hidamari/line/webhook",
            Some(&sign(SECRET, text.as_bytes())),
            text,
        );
        assert_eq!(answer.status.as_u16(), expected);
    }
    assert_eq!(
        place.get("/hidamari/line/webhook").status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

/// LINE's token address: answers each request with an ID token for these claims, or with an error.
fn line_login(tokens: Vec<Option<Value>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for claims in tokens {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut chunk = [0; 4_096];
            let text = loop {
                let read = stream.read(&mut chunk).unwrap();
                request.extend(&chunk[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                if text.contains("code_verifier=") {
                    break text;
                }
            };
            assert!(
                text.starts_with("POST /oauth2/v2.1/token ") && text.contains("client_secret=login-secret"),
                "{text}"
            );
            let (status, answer) = match claims {
                Some(claims) => (200, json!({ "access_token": "a", "id_token": token(&claims) })),
                None => (400, json!({ "error": "invalid_grant" })),
            };
            let answer = answer.to_string();
            let length = answer.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
            )
            .unwrap();
        }
    });
    url
}

fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(claims));
    let signature = STANDARD.decode(sign("login-secret", signed.as_bytes())).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a good token on the day of the tests.
fn claims(nonce: &str) -> Value {
    json!({ "iss": "https://access.line.me", "sub": user(7), "aud": "1657", "exp": 1_795_306_200_i64, "iat": 1_795_303_800_i64, "nonce": nonce })
}

fn parameter(url: &str, name: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    pair.unwrap().to_owned()
}

/// Goes out to LINE: the address, the cookie.
pub(crate) fn go_out(place: &Place) -> (String, String) {
    go_out_to(place, "")
}

/// The same, from a button that wants something.
pub(crate) fn go_out_to(place: &Place, wish: &str) -> (String, String) {
    let answer = place.get(&format!("/hidamari/line/enter{wish}"));
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/hidamari/line;"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap().to_owned();
    (answer.header("location").to_owned(), pair)
}

/// Follows the link of the page that leads on to LINE, with the cookie that came with the page.
pub(crate) fn go_on(place: &Place, page: &Answer) -> (String, String) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let link = page
        .body
        .split("<a class=\"button button--main button--wide\" href=\"")
        .nth(1);
    let link = link
        .and_then(|link| link.split('"').next())
        .unwrap()
        .replace("&#38;", "&");
    assert!(
        link.starts_with("/hidamari/line/enter?") && link.ends_with("to=errand"),
        "{link}"
    );
    let errand = page.header("set-cookie");
    for word in [
        "kizuna_errand=",
        "Path=/hidamari/line;",
        "Max-Age=600;",
        "HttpOnly",
        "SameSite=Lax",
    ] {
        assert!(errand.contains(word), "{word}: {errand}");
    }
    let ticket = errand.split(';').next().unwrap();
    let answer = come_back(place, &link, ticket);
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let login = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    (answer.header("location").to_owned(), login)
}

pub(crate) fn come_back(place: &Place, path: &str, cookie: &str) -> Answer {
    place.ask(
        Request::get(path)
            .header(header::COOKIE, cookie)
            .body(Body::empty())
            .unwrap(),
    )
}

#[test]
fn the_ticket_of_an_errand_is_in_no_address_and_taken_from_none() {
    let (place, town) = on_line(
        &[("login_channel_id", "1657")],
        &[("login_channel_secret", "login-secret")],
    );
    let page = own(&place, &town, reader(&place, &town, "そら"), "delivery");
    let words = [
        ("", "LINEへ進む"),
        (
            "?lang=easy",
            "<ruby>進<rp>（</rp><rt>すす</rt><rp>）</rp></ruby>む</span></a>",
        ),
        ("?lang=en", "Go to LINE"),
    ];
    for (language, button) in words {
        let pressed = send(&place, &format!("{page}{language}"), &[("step", "line")]);
        let ticket = pressed.header("set-cookie").split(';').next().unwrap().to_owned();
        let ticket = ticket.strip_prefix("kizuna_errand=").unwrap();
        assert!(!ticket.is_empty());
        pressed.says(button).is_silent_about(ticket);
        let (door, login) = go_on(&place, &pressed);
        assert!(login.contains(ticket) && !door.contains(ticket));

        // From a link nothing is taken, with the cookie or without.
        let sent = go_out_to(&place, &format!("?errand={ticket}"));
        assert!(!sent.1.contains("errand"), "{}", sent.1);
        let bare = place.get(&format!("/hidamari/line/enter?to=errand&errand={ticket}"));
        assert_eq!(bare.status, StatusCode::NOT_FOUND);
        assert_eq!(bare.header("set-cookie"), "");
        let plain = come_back(&place, "/hidamari/line/enter", &format!("kizuna_errand={ticket}"));
        assert!(
            !plain.header("set-cookie").contains("errand"),
            "another button is another wish"
        );
    }
}

#[test]
fn a_page_from_elsewhere_presses_no_button_that_leads_to_line() {
    let (place, town) = on_line(
        &[("login_channel_id", "1657")],
        &[("login_channel_secret", "login-secret")],
    );
    let page = own(&place, &town, reader(&place, &town, "そら"), "delivery");
    let press = |name: &str, value: &str| {
        let request = Request::post(&page)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        place.ask(request.body(Body::from("step=line")).unwrap())
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://elsewhere.example"),
    ] {
        let answer = press(name, value);
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    for (name, value) in [("sec-fetch-site", "same-origin"), ("origin", "null")] {
        go_on(&place, &press(name, value));
    }
}

#[test]
fn whom_line_proves_comes_to_the_registration() {
    let (place, _) = on_line(
        &[("login_channel_id", "1657")],
        &[("login_channel_secret", "login-secret")],
    );
    let (door, cookie) = go_out(&place);
    assert!(
        door.starts_with("https://access.line.me/oauth2/v2.1/authorize?response_type=code&client_id=1657&"),
        "{door}"
    );
    assert!(door.contains("code_challenge_method=S256"));
    assert_eq!(
        parameter(&door, "redirect_uri"),
        "http%3A%2F%2F127.0.0.1%3A8117%2Fhidamari%2Fline%2Fcallback"
    );
    let other = go_out(&place);
    assert_ne!(parameter(&door, "state"), parameter(&other.0, "state"));

    let (nonce, state) = (parameter(&door, "nonce"), parameter(&door, "state"));
    let town = place.tenant("hidamari");
    let api = line_login(vec![Some(claims(&nonce)), Some(claims("another")), None]);
    line_account(
        &place,
        &town,
        &[("login_channel_id", "1657"), ("api_url", &api)],
        &[("login_channel_secret", "login-secret")],
    );

    let back = format!("/hidamari/line/callback?code=c&state={state}");
    let good = come_back(&place, &back, &cookie);
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.body);
    assert!(good.header("location").starts_with("/hidamari/register/line/"));
    assert!(good.header("set-cookie").contains("Max-Age=0"));
    place.get(good.header("location")).says("出産予定日");
    // A token that answers another question, and a code that LINE does not take.
    for _ in 0..2 {
        assert_eq!(come_back(&place, &back, &cookie).status, StatusCode::FORBIDDEN);
    }
}

#[test]
fn whoever_comes_back_without_what_they_left_with_is_turned_away_before_line_is_asked() {
    let (place, _) = on_line(
        &[("login_channel_id", "1657"), ("api_url", "http://127.0.0.1:9")],
        &[("login_channel_secret", "login-secret")],
    );
    let (door, cookie) = go_out(&place);
    let state = parameter(&door, "state");
    let (_, other) = go_out(&place);
    let forged = cookie.replacen('~', "x~", 1);
    for (path, cookie, expected) in [
        ("?code=c".to_owned(), cookie.as_str(), 403),
        ("?code=c&state=x".to_owned(), &cookie, 403),
        (format!("?code=c&state={state}"), "", 403),
        (format!("?code=c&state={state}"), &other, 403),
        (format!("?code=c&state={state}"), &forged, 403),
        ("?error=invalid_scope&state=x".to_owned(), &cookie, 403),
        ("?error=server_error&state=x".to_owned(), &cookie, 502),
        // All is right, and LINE does not answer.
        (format!("?code=c&state={state}"), &cookie, 502),
    ] {
        let answer = come_back(&place, &format!("/hidamari/line/callback{path}"), cookie);
        assert_eq!(answer.status.as_u16(), expected, "{path} {cookie}");
        answer.says("何も変わっていません");
    }
    place.clock.set("2026-11-21T23:40:01Z");
    let late = come_back(
        &place,
        &format!("/hidamari/line/callback?code=c&state={state}"),
        &cookie,
    );
    assert_eq!(late.status, StatusCode::FORBIDDEN);
}

#[test]
fn a_town_without_a_login_channel_has_no_such_pages() {
    let (place, _) = on_line(&[], &[]);
    for path in ["/hidamari/line/enter", "/hidamari/line/liff", "/nowhere/line/enter"] {
        assert_eq!(place.get(path).status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(
        place.get("/hidamari/line/callback?code=c&state=s").status,
        StatusCode::FORBIDDEN
    );
}

#[test]
fn the_page_inside_line_alone_may_load_lines_script_and_has_a_way_without() {
    let (place, _) = on_line(
        &[
            ("login_channel_id", "1657"),
            ("liff_id", "1657-abc"),
            ("api_url", "http://127.0.0.1:9"),
        ],
        &[("login_channel_secret", "login-secret")],
    );
    let page = place.get("/hidamari/line/liff");
    page.says("data-liff=\"1657-abc\"")
        .says("href=\"/hidamari/line/enter\"");
    let policy = page.header("content-security-policy");
    assert_eq!(
        policy,
        "default-src 'none'; script-src 'self' https://static.line-scdn.net; \
         connect-src https://api.line.me https://liffsdk.line-scdn.net; style-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    for other in ["/hidamari/register", "/hidamari/stopped", "/hidamari/line/callback"] {
        let policy = place.get(other).header("content-security-policy").to_owned();
        assert!(!policy.contains("line"), "{other}: {policy}");
    }
    let script = page
        .body
        .split("src=\"/assets/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert_eq!(
        place.get(&format!("/assets/{script}")).header("content-type"),
        "text/javascript; charset=utf-8"
    );

    let posted = |site: &str, origin: &str, token: &str| {
        let request = Request::post("/hidamari/line/liff")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .header(header::ORIGIN, origin);
        place
            .ask(request.body(Body::from(format!("id_token={token}"))).unwrap())
            .status
            .as_u16()
    };
    let plausible = token(&claims("n"));
    assert_eq!(posted("same-origin", "null", "forged"), 403);
    assert_eq!(
        posted("same-origin", "null", &plausible),
        502,
        "LINE's keys are asked for, and LINE does not answer"
    );
    assert_eq!(posted("same-origin", "http://127.0.0.1:8117", &plausible), 502);
    assert_eq!(posted("cross-site", "null", &plausible), 403);
    assert_eq!(posted("same-origin", "https://evil.example", &plausible), 403);
}

#[test]
fn what_somebody_came_with_is_not_lost_at_line() {
    let (place, town) = on_line(
        &[("login_channel_id", "1657"), ("liff_id", "1657-abc")],
        &[("login_channel_secret", "login-secret")],
    );
    let page = place.get("/hidamari/register?lang=en&p=bcdfgh");
    page.says("href=\"/hidamari/line/enter?lang=en&#38;p=bcdfgh\"");
    let (door, cookie) = go_out_to(&place, "?lang=en&p=bcdfgh");
    let state = parameter(&door, "state");
    let denied = come_back(
        &place,
        &format!("/hidamari/line/callback?error=access_denied&state={state}"),
        &cookie,
    );
    assert_eq!(denied.status, StatusCode::SEE_OTHER);
    assert_eq!(denied.header("location"), "/hidamari/register?lang=en&to=else&p=bcdfgh");
    place.get(denied.header("location")).says("Nothing is registered yet");

    // A reader who wanted to tell of a birth is not led to the form.
    let (_, cookie) = go_out_to(&place, "?lang=easy&to=birth");
    let denied = come_back(&place, "/hidamari/line/callback?error=access_denied", &cookie);
    assert_eq!(denied.status, StatusCode::OK);
    denied
        .says("href=\"/hidamari/line/enter?lang=easy&#38;to=birth\"")
        .is_silent_about("/register");
    // Nor one with an errand, whose ticket can be tried again.
    let pressed = send(
        &place,
        &own(&place, &town, reader(&place, &town, "そら"), "delivery"),
        &[("step", "line")],
    );
    let (_, cookie) = go_on(&place, &pressed);
    let denied = come_back(&place, "/hidamari/line/callback?error=access_denied", &cookie);
    denied
        .says("href=\"/hidamari/line/enter?to=errand\"")
        .is_silent_about("/my/");
    assert!(!denied.header("set-cookie").contains("kizuna_errand"));

    let inside = place.get("/hidamari/line/liff?lang=en&p=bcdfgh&to=birth");
    for link in [
        "action=\"/hidamari/line/liff?lang=en&#38;to=birth&#38;p=bcdfgh\"",
        "href=\"/hidamari/line/enter?lang=en&#38;to=birth&#38;p=bcdfgh\"",
        "href=\"/hidamari/register?lang=en&#38;p=bcdfgh\"",
        "href=\"?lang=easy&#38;to=birth&#38;p=bcdfgh\"",
    ] {
        inside.says(link);
    }
    inside.is_silent_about("href=\"?lang=easy\"");
}

#[test]
fn whoever_is_lost_between_lines_app_and_the_browser_can_go_without_the_app() {
    let (place, _) = on_line(
        &[("login_channel_id", "1657")],
        &[("login_channel_secret", "login-secret")],
    );
    let lost = place.get("/hidamari/line/callback?code=c&state=s");
    assert_eq!(lost.status, StatusCode::FORBIDDEN);
    lost.says("href=\"/hidamari/line/enter?plain=1\"")
        .says("href=\"/hidamari/line/enter\"")
        .says("href=\"/hidamari/register\"");
    assert_eq!(parameter(&go_out(&place).0, "disable_auto_login"), "false");
    assert_eq!(
        parameter(&go_out_to(&place, "?plain=1").0, "disable_auto_login"),
        "true"
    );
}
