//! ひっこす: the code in the old town, the page of the new one, and what whoever guesses sees.

use axum::http::StatusCode;
use kizuna_domain::people::SubscriptionState;
use kizuna_engine::links;
use kizuna_store::tenants::Tenant;

use crate::delivery::{own, press, reader, send, town};
use crate::support::{Answer, Place, hidden};

/// The code on a page, without its space.
fn code(page: &Answer) -> String {
    let rest = page
        .body
        .split("class=\"move-code num\" translate=\"no\">")
        .nth(1)
        .unwrap();
    rest.split('<').next().unwrap().replace(' ', "")
}

#[test]
fn a_code_of_the_old_town_opens_the_new_one_once() {
    let place = Place::bare();
    let old = town(&place, "hidamari", "ひだまり市");
    let new = town(&place, "komorebi", "こもれび町");
    let path = own(&place, &old, reader(&place, &old, "そら"), "move");
    let moving = place.family(&old, "そら").subscription;
    place
        .get(&path)
        .says("こもれび町")
        .says("うつる先が、ここにないとき")
        .is_silent_about("<option value=\"hidamari\"");
    press(&place, &path, &[("step", "begin"), ("town", "")]).says("うつる先をえらんでください");
    let page = press(&place, &path, &[("step", "begin"), ("town", "komorebi")]);
    page.says("番号を作りました")
        .says("こもれび町で使えます")
        .says("2026年11月29日（日）まで")
        .says("/komorebi/move-in");
    let code = code(&page);

    let look = send(&place, "/komorebi/move-in", &[("code", &code.to_lowercase())]);
    assert_eq!(look.status, StatusCode::OK);
    look.says("妊娠39週")
        .says("そら")
        .says("自分のページで読む")
        .says("前の市や町からは届かなくなります")
        .says("同意");
    assert_eq!(place.followers(&new).len(), 11, "looking moves nobody");

    let code_alone = [("code", code.as_str()), ("way", "web")];
    send(&place, "/komorebi/move-in", &code_alone).says("これでよいですか");
    assert_eq!(place.followers(&new).len(), 11, "what was not looked at moves nobody");
    let once = hidden(&look, "once");
    let go = [&code_alone[..], &[("once", once.as_str())]].concat();
    let moved = send(&place, "/komorebi/move-in", &go);
    assert_eq!(moved.status, StatusCode::SEE_OTHER);
    assert!(!moved.header("location").contains(&code));
    let done = place.get(moved.header("location"));
    done.says("うつりました")
        .says("こもれび町のことばが届きます")
        .says("妊娠39週")
        .says("/komorebi/words/");
    let again = send(&place, "/komorebi/move-in", &go);
    assert_eq!(
        again.header("location"),
        moved.header("location"),
        "two presses come to the same"
    );
    // Whoever has read the code over a shoulder gets no link, whatever form they look at.
    let other = hidden(
        &send(&place, "/komorebi/move-in", &[("code", &unused(&place, &old))]),
        "once",
    );
    for fields in [
        code_alone.to_vec(),
        vec![("code", code.as_str())],
        [&code_alone[..], &[("once", &other)]].concat(),
    ] {
        let answer = send(&place, "/komorebi/move-in", &fields);
        assert_eq!(answer.header("location"), "/komorebi/changed/moved");
    }
    place
        .get("/komorebi/changed/moved")
        .says("うつりました")
        .is_silent_about("/my/")
        .is_silent_about("/words/");
    assert_eq!(place.followers(&new).len(), 12);
    assert_eq!(place.state(&old, moving), SubscriptionState::Ended);
    assert_eq!(place.get(&path).status, StatusCode::NOT_FOUND);

    place.clock.set("2026-11-22T00:00:00Z");
    let late = send(&place, "/komorebi/move-in", &go);
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// A code of another family that nobody has used.
fn unused(place: &Place, old: &kizuna_store::tenants::Tenant) -> String {
    let path = own(place, old, reader(place, old, "つぶ"), "move");
    code(&press(place, &path, &[("step", "begin"), ("town", "komorebi")]))
}

#[test]
fn nothing_behind_an_old_link_tells_that_somebody_moved_and_its_stop_stops_them_there() {
    let place = Place::bare();
    let old = town(&place, "hidamari", "ひだまり市");
    let new = town(&place, "komorebi", "こもれび町");
    let sora = reader(&place, &old, "そら");
    let keys = &place.env().keys;
    let stop = format!("/hidamari/stop/{}", links::stop_token(keys, old.id, sora));
    let words = format!(
        "/hidamari/words/{}",
        links::words_token(keys, old.id, links::Holder::first(sora))
    );
    let path = own(&place, &old, sora, "move");
    let home = path.trim_end_matches("/move").to_owned();
    let before = place.get(&stop);
    let code = code(&press(&place, &path, &[("step", "begin"), ("town", "komorebi")]));
    let once = hidden(&send(&place, "/komorebi/move-in", &[("code", &code)]), "once");
    send(
        &place,
        "/komorebi/move-in",
        &[("code", &code), ("way", "web"), ("once", &once)],
    );
    let living = |town: &Tenant| {
        let followers = place.followers(town);
        followers
            .iter()
            .filter(|one| one.state != SubscriptionState::Ended)
            .count()
    };
    let there = living(&new);

    assert_eq!(place.get(&stop).body, before.body, "the page is the same as ever");
    for page in [&words, &home] {
        place.get(page).is_silent_about("こもれび").is_silent_about("komorebi");
    }
    let stopped = send(&place, &stop, &[]);

    assert_eq!(
        (stopped.status, stopped.header("location")),
        (StatusCode::SEE_OTHER, "/hidamari/stopped")
    );
    assert_eq!(place.get(&stop).body, before.body);
    assert_eq!(living(&new), there - 1);
}

#[test]
fn wrong_codes_all_look_alike_and_are_counted() {
    let place = Place::bare();
    let old = town(&place, "hidamari", "ひだまり市");
    town(&place, "komorebi", "こもれび町");
    let path = own(&place, &old, reader(&place, &old, "そら"), "move");
    let unused = code(&press(&place, &path, &[("step", "begin"), ("town", "komorebi")]));
    for _ in 0..2 {
        press(&place, &path, &[("step", "withdraw")]).says("番号をやめました");
    }
    let wrong = |code: &str| {
        let answer = send(&place, "/komorebi/move-in", &[("code", code), ("way", "web")]);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.says("この番号は使えません");
        answer.body.replace(code, "")
    };
    assert_eq!(wrong(&unused), wrong("ACDEFGHJ"));
    for _ in 0..28 {
        wrong("ACDEFGHK");
    }
    let answer = send(&place, "/komorebi/move-in", &[("code", "ACDEFGHJ")]);
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    answer.says("1時間ほどおいて").says("value=\"ACDEFGHJ\"");
}
