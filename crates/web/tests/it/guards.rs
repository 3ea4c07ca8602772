//! What holds for every page: the table of routes, who may see what, headers, error pages.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::support::Place;

#[test]
fn every_kind_of_answer_carries_the_guarding_headers() {
    let place = Place::demo();
    for path in [
        "/",
        "/hidamari/today",
        "/hidamari/stopped",
        "/nope",
        "/hidamari/stop/forged",
        "/healthz",
    ] {
        let answer = place.get(path);
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let referrer = if path == "/hidamari/today" {
            "same-origin"
        } else {
            "no-referrer"
        };
        assert_eq!(answer.header("referrer-policy"), referrer, "{path}");
        assert_eq!(answer.header("x-robots-tag"), "noindex", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
}

#[test]
fn pages_hold_no_script_no_style_and_nothing_from_elsewhere() {
    let place = Place::demo();
    place.run();
    for path in [
        "/hidamari/demo",
        "/hidamari/today",
        "/hidamari/plan",
        "/hidamari/families",
        "/hidamari/line",
        "/hidamari/line/menus",
        "/hidamari/line/menus/start",
        "/hidamari/line/guest",
        "/hidamari/mailbox",
        "/hidamari/staff",
        "/hidamari/audit",
        "/me",
        "/signin",
        "/hidamari/stopped",
    ] {
        let answer = place.get(path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for banned in ["<script", " style=", "<style", " onclick", "src=\"http", "@import"] {
            assert!(!answer.body.contains(banned), "{path} has {banned}");
        }
        answer
            .says("<html lang=\"ja\">")
            .says("href=\"#main\"")
            .says("<main")
            .says("id=\"main\"");
        assert_eq!(answer.body.matches("<h1").count(), 1, "{path}");
    }
}

#[test]
fn the_stylesheet_is_kept_for_ever_under_the_name_of_its_content() {
    let place = Place::bare();
    let front = place.get("/");
    let (_, rest) = front.body.split_once("href=\"/assets/kizuna-").unwrap();
    let (hash, _) = rest.split_once(".css").unwrap();
    let css = place.get(&format!("/assets/kizuna-{hash}.css"));
    assert_eq!(css.status, StatusCode::OK);
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(css.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        place.get("/assets/kizuna-0000000000000000.css").status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn an_error_page_says_what_to_do_and_gives_a_number() {
    let place = Place::demo();
    let missing = place.get("/nope/nope/nope");
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    missing.says("このページは見つかりません").says("お問い合わせの番号");

    let wrong_method = place.post("/hidamari/today", "text/plain", "");
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    wrong_method.says("この使い方はできません");
    assert_eq!(wrong_method.header("allow"), "GET,HEAD");

    let path = format!("{}/one-click", place.stop_path(&place.tenant("hidamari"), "そら"));
    let huge = place.post(&path, "text/plain", &"a".repeat(20_000));
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    huge.says("送られた内容が大きすぎます");

    let english = Request::get("/nope")
        .header("accept-language", "en-GB,en;q=0.9")
        .body(Body::empty())
        .unwrap();
    place
        .ask(english)
        .says("This page cannot be found")
        .says("<html lang=\"en\">");
}

#[test]
fn a_fault_of_ours_is_a_page_with_a_number_and_no_inner_words() {
    let place = Place::demo();
    std::fs::write(place.outbox("hidamari"), "a file where a folder should be").unwrap();
    let answer = place.get("/hidamari/mailbox");
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .says("表示できませんでした")
        .says("お問い合わせの番号")
        .is_silent_about("folder")
        .is_silent_about("outbox");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[test]
fn the_front_leads_to_the_first_town_or_says_that_there_is_none() {
    let place = Place::demo();
    let front = place.get("/");
    assert_eq!(front.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(front.header("location"), "/hidamari/demo");

    let empty = Place::open();
    empty.get("/").says("まだ自治体の設定がありません");
    assert_eq!(empty.get("/nowhere/today").status, StatusCode::NOT_FOUND);
    assert_eq!(empty.get("/healthz").body, "ok\n");
}

#[test]
fn a_served_site_answers_on_its_socket_and_ends_when_it_is_told_to() {
    use std::io::{Read as _, Write as _};
    let place = Place::demo();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let site = std::sync::Arc::clone(&place.site);
    let server = std::thread::spawn(move || {
        kizuna_web::serve(site, listener, async {
            let _ = stopped.await;
        })
    });
    let mut client = std::net::TcpStream::connect(address).unwrap();
    client
        .write_all(b"GET /hidamari/today HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("きょうの配信"));
    stop.send(()).unwrap();
    server.join().unwrap().unwrap();
}
