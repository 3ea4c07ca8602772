//! Stopping: never by a `GET`, always by a `POST` with one's own token, at once, without a question.

use axum::http::StatusCode;
use kizuna_domain::people::SubscriptionState;
use kizuna_domain::tenant::TenantKind;
use kizuna_store::tenants::Tenant;

use crate::support::Place;

const FORM: &str = "application/x-www-form-urlencoded";

fn closed() -> (Place, Tenant) {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Municipality, "eml");
    (place, town)
}

#[test]
fn the_stop_page_has_one_button_and_asks_nothing() {
    let (place, town) = closed();
    let path = place.stop_path(&town, "そら");
    let answer = place.get(&path);
    assert_eq!(answer.status, StatusCode::OK);
    answer
        .says("すぐに止める")
        .says("理由は聞きません")
        .says("000-000-0001")
        .says("href=\"tel:0000000001\"");
    assert_eq!(answer.body.matches("<button").count(), 1);
    assert_eq!(answer.body.matches("<form").count(), 1);
    answer.says(&format!("action=\"{path}\""));
    for word in [
        "<input",
        "<select",
        "<textarea",
        "そら",
        "example.jp\"",
        "？",
        "本当に",
        "おめでとう",
    ] {
        answer.is_silent_about(word);
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    answer.says("noindex");
}

#[test]
fn looking_never_stops() {
    let (place, town) = closed();
    let path = place.stop_path(&town, "そら");
    let id = place.family(&town, "そら").subscription;
    for path in [
        path.clone(),
        format!("{path}/one-click"),
        format!("{path}?List-Unsubscribe=One-Click"),
    ] {
        assert_eq!(place.get(&path).status, StatusCode::OK);
        place.get(&path).says("すぐに止める");
    }
    assert_eq!(place.state(&town, id), SubscriptionState::Active);
}

#[test]
fn the_button_stops_says_thanks_and_may_be_pressed_twice() {
    let (place, town) = closed();
    let path = place.stop_path(&town, "そら");
    let id = place.family(&town, "そら").subscription;
    for _ in 0..2 {
        let answer = place.post(&path, FORM, "");
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/hidamari/stopped");
        assert_eq!(place.state(&town, id), SubscriptionState::Ended);
    }
    let thanks = place.get("/hidamari/stopped");
    thanks
        .says("止めました。")
        .says("これまで読んでくださって、ありがとうございました。")
        .says("000-000-0001");
    for word in ["登録", "アンケート", "おめでとう", "<form", "また"] {
        thanks.is_silent_about(word);
    }
    let others = place
        .followers(&town)
        .into_iter()
        .filter(|other| other.subscription != id);
    assert!(others.into_iter().all(|other| other.state == SubscriptionState::Active));
}

#[test]
fn a_letter_that_waits_is_recalled_by_the_button() {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    // Planned before the delivery hours, so that every letter waits.
    place.clock.set("2026-11-21T21:00:00Z");
    place.run();
    assert!(!place.outbox("hidamari").exists());
    let path = place.stop_path(&town, "そら");
    place.post(&path, FORM, "");
    place.clock.set("2026-11-21T23:30:00Z");
    place.run();
    let token = path.rsplit_once('/').unwrap().1.to_owned();
    let letters: Vec<String> = std::fs::read_dir(place.outbox("hidamari"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!letters.is_empty());
    assert!(
        letters.iter().all(|letter| !letter.contains(&token)),
        "the letter left after the stop"
    );
}

#[test]
fn a_mail_program_stops_with_one_click() {
    let multipart = "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b1--\r\n";
    for (media_type, body) in [
        (FORM, "List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b1", multipart),
    ] {
        let (place, town) = closed();
        let path = format!("{}/one-click", place.stop_path(&town, "そら"));
        let id = place.family(&town, "そら").subscription;
        for _ in 0..2 {
            let answer = place.post(&path, media_type, body);
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("location"), "");
            assert_eq!(answer.header("set-cookie"), "");
            assert_eq!(place.state(&town, id), SubscriptionState::Ended);
        }
    }
}

#[test]
fn one_click_without_its_words_changes_nothing() {
    let (place, town) = closed();
    let path = format!("{}/one-click", place.stop_path(&town, "そら"));
    let id = place.family(&town, "そら").subscription;
    for (media_type, body) in [
        (FORM, ""),
        (FORM, "List-Unsubscribe=No"),
        ("multipart/form-data; boundary=x", "--x--"),
    ] {
        assert_eq!(place.post(&path, media_type, body).status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(place.state(&town, id), SubscriptionState::Active);
}

#[test]
fn a_forged_or_foreign_token_stops_nobody_and_says_how_else() {
    let (place, town) = closed();
    let other = place.town("asahi", "あさひ市", TenantKind::Municipality, "eml");
    let path = place.stop_path(&town, "そら");
    let token = path.rsplit_once('/').unwrap().1;
    let mut forged = token.to_owned();
    forged.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
    for path in [
        "/hidamari/stop/forged".to_owned(),
        format!("/hidamari/stop/{forged}"),
        format!("/hidamari/stop/{}", &token[..token.len() - 2]),
        format!("/asahi/stop/{token}"),
        format!("/nowhere/stop/{token}"),
        "/hidamari/stop/%E3%81%82%00%FF".to_owned(),
    ] {
        for answer in [
            place.get(&path),
            place.post(&path, FORM, ""),
            place.post(&format!("{path}/one-click"), FORM, "List-Unsubscribe=One-Click"),
        ] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
    place
        .get("/hidamari/stop/forged")
        .says("何も変わっていません")
        .says("000-000-0001")
        .says("電話でも止められます");
    place
        .get(&format!("/nowhere/stop/{token}"))
        .says("市区町村の子育ての窓口");
    for town in [&town, &other] {
        assert!(
            place
                .followers(town)
                .iter()
                .all(|follower| follower.state == SubscriptionState::Active)
        );
    }
}

#[test]
fn readers_pages_speak_english_where_it_is_asked_for() {
    let (place, town) = closed();
    let path = place.stop_path(&town, "そら");
    place
        .get(&format!("{path}?lang=en"))
        .says("<html lang=\"en\">")
        .says("Stop them now")
        .says("?lang=en\"");
    let answer = place.post(&format!("{path}?lang=en"), FORM, "");
    assert_eq!(answer.header("location"), "/hidamari/stopped?lang=en");
    place
        .get("/hidamari/stopped?lang=en")
        .says("Thank you for having read them.");
}
