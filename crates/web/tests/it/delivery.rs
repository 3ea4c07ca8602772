//! 受け取り方と時間: what the page shows, what a press changes, and what it keeps to itself.

use axum::http::StatusCode;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::people;
use kizuna_engine::actions::tenants::{self, NewAccount};
use kizuna_engine::{links, reception, run};
use kizuna_store::mails;
use kizuna_store::tenants::Tenant;

use crate::support::{Answer, Place, form};

const FORM: &str = "application/x-www-form-urlencoded";

/// A town with more than one way to read, and hours to choose from.
pub(crate) fn town(place: &Place, code: &str, name: &str) -> Tenant {
    let town = place.town(code, name, TenantKind::Demo, "json");
    let mut settings = town.settings;
    settings.choices.hours = vec![9, 12, 18];
    settings.listed = true;
    let plain = |channel: &str, settings: &[(&str, &str)]| NewAccount {
        channel: channel.to_owned(),
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..NewAccount::default()
    };
    let mail = [
        ("host", "127.0.0.1"),
        ("port", "9"),
        ("security", "none"),
        ("from_address", "kosodate@hidamari.example"),
        ("envelope_domain", "bounce.hidamari.example"),
    ];
    let accounts = [plain("web", &[]), plain("email", &mail)];
    tenants::put(place.env(), code, name, &settings, &accounts).unwrap()
}

pub(crate) fn reader(place: &Place, town: &Tenant, nickname: &str) -> SubscriberId {
    place.family(town, nickname).subscriber
}

/// The address of one of a reader's own pages.
pub(crate) fn own(place: &Place, town: &Tenant, reader: SubscriberId, page: &str) -> String {
    let until = run::today(place.env(), town).unwrap() + 1;
    let token = links::own_token(&place.env().keys, town.id, links::Holder::first(reader), until);
    format!("/{}/my/{token}/{page}", town.code)
}

pub(crate) fn send(place: &Place, path: &str, fields: &[(&str, &str)]) -> Answer {
    place.post(path, FORM, &form(fields))
}

/// Sends a form and follows to the page that says what was done.
pub(crate) fn press(place: &Place, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = send(place, path, fields);
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    place.get(answer.header("location"))
}

#[test]
fn the_page_shows_how_messages_come_and_hides_the_address() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let page = place.get(&own(&place, &town, reader(&place, &town, "そら"), "delivery"));
    assert_eq!(page.status, StatusCode::OK);
    page.says("f…@example.jp")
        .says("ここに届きます")
        .says("新しいメールアドレス")
        .says("自分のページで読む")
        .says("おまかせ（朝8時から）")
        .says("18時から")
        .is_silent_about("family3@")
        .is_silent_about("そら")
        .is_silent_about("LINEで受け取る")
        .is_silent_about("<script");
}

#[test]
fn an_hour_is_chosen_with_one_press_and_a_second_one_changes_nothing() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let path = own(&place, &town, reader(&place, &town, "そら"), "delivery");
    for _ in 0..2 {
        press(&place, &path, &[("step", "hour"), ("hour", "18")])
            .says("届く時間を変えました")
            .says("value=\"18\" id=\"hour-18\" checked");
    }
    assert_eq!(place.family(&town, "そら").hour, Some(18));
    for hour in ["17", "x", "-1"] {
        press(&place, &path, &[("step", "hour"), ("hour", hour)]).says("いまは変えられません");
    }
    press(&place, &path, &[("step", "hour"), ("hour", "")]).says("id=\"hour-\" checked");
    assert_eq!(place.family(&town, "そら").hour, None);
}

#[test]
fn whoever_reads_on_the_web_can_go_back_or_take_the_old_address_away() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let sora = reader(&place, &town, "そら");
    let path = own(&place, &town, sora, "delivery");
    let old = reception::of(place.env(), &town, sora).unwrap().unwrap().ways[0]
        .point
        .to_string();
    press(&place, &path, &[("step", "web")])
        .says("自分のページで読むようにしました")
        .says("ひかえ");
    press(&place, &path, &[("step", "use"), ("point", &old)]).says("受け取るところを変えました");
    press(&place, &path, &[("step", "web")]);
    press(&place, &path, &[("step", "remove"), ("point", &old)])
        .says("はずしました")
        .is_silent_about("f…@example.jp");
    let left = reception::of(place.env(), &town, sora).unwrap().unwrap().ways;
    assert_eq!(left.len(), 1);
    press(
        &place,
        &path,
        &[("step", "remove"), ("point", &left[0].point.to_string())],
    )
    .says("いまは変えられません");
    // Somebody else's address is not theirs to use.
    let other = reader(&place, &town, "つぶ");
    let others = reception::of(place.env(), &town, other).unwrap().unwrap().ways[0]
        .point
        .to_string();
    press(&place, &path, &[("step", "use"), ("point", &others)]).says("いまは変えられません");
}

#[test]
fn a_mail_address_is_confirmed_by_its_own_mail() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let sora = reader(&place, &town, "そら");
    let path = own(&place, &town, sora, "delivery");
    let wrong = send(&place, &path, &[("step", "mail"), ("mail", "hanako＠example")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong
        .says("メールアドレスの形がちがうようです")
        .says("value=\"hanako＠example\"");

    // Letters of any width are an address, as they are at the registration.
    press(&place, &path, &[("step", "mail"), ("mail", "Ｈanako＠example.jp")]).says("メールを送りました");
    let env = place.env();
    let mail = env
        .db
        .read(|tx| mails::due(tx, &env.keys, town.scope(), env.clock.now(), 10))
        .unwrap()
        .remove(0);
    assert_eq!(mail.address, "hanako@example.jp");
    let words = serde_json::to_string(&mail.draft).unwrap();
    let link = words
        .split("http://127.0.0.1:8117")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();

    place.get(link).says("このアドレスで受け取る");
    assert_eq!(
        reception::of(env, &town, sora).unwrap().unwrap().ways.len(),
        1,
        "following a link changes nothing"
    );
    for _ in 0..2 {
        press(&place, link, &[]).says("受け取るところを変えました");
    }
    place.get(&path).says("h…@example.jp").says("ひかえ");
    let gone = place.get(&format!("/hidamari/delivery/{}", "A".repeat(38)));
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[test]
fn whoever_stopped_sees_what_everybody_sees_behind_an_old_link() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let neighbour = self::town(&place, "komorebi", "こもれび町");
    let sora = reader(&place, &town, "そら");
    let pages = ["delivery", "invite", "move", "moved"].map(|page| own(&place, &town, sora, page));
    for page in &pages {
        assert_eq!(place.get(page).status, StatusCode::OK);
        let elsewhere = page.replace("/hidamari/", "/komorebi/");
        assert_eq!(place.get(&elsewhere).status, StatusCode::NOT_FOUND);
        let forged = page.replace("/my/", "/my/A");
        assert_eq!(place.get(&forged).status, StatusCode::NOT_FOUND);
    }
    people::stop(place.env(), town.scope(), sora, Actor::Reader).unwrap();
    let expired = place.get("/hidamari/my/AAAA/delivery");
    for page in &pages {
        let answer = place.get(page);
        assert_eq!((answer.status, &answer.body), (expired.status, &expired.body));
    }
    assert_eq!(place.followers(&neighbour).len(), place.followers(&town).len());
}

#[test]
fn the_pages_speak_three_languages_and_easy_words_have_readings() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let sora = reader(&place, &town, "そら");
    let key = place.env().ids.next().to_string();
    send(
        &place,
        &own(&place, &town, sora, "invite"),
        &[("step", "make"), ("key", &key)],
    );
    let mut pages = ["delivery", "invite", "move", "moved"]
        .map(|page| own(&place, &town, sora, page))
        .to_vec();
    pages.push("/hidamari/move-in".to_owned());
    for page in pages {
        for (query, lang) in [("", "ja"), ("?lang=easy", "ja"), ("?lang=en", "en")] {
            let answer = place.get(&format!("{page}{query}"));
            assert_eq!(answer.status, StatusCode::OK);
            answer.says(&format!("<html lang=\"{lang}\">"));
            if query == "?lang=easy" {
                assert_eq!(bare_kanji(&answer.body), [""; 0], "{page}");
            }
        }
    }
}

/// Words with kanji that a reader of やさしい日本語 meets without a reading, in what the page itself says.
pub(crate) fn bare_kanji(body: &str) -> Vec<String> {
    let main = body.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    // The desks below are shared by all pages.
    let main = main.split("aria-labelledby=\"desks\"").next().unwrap();
    let mut left = String::new();
    let mut rest = main;
    while let Some(at) = rest.find('<') {
        left.push_str(&rest[..at]);
        let tag = &rest[at..];
        // Names of the town, its desks and stages are as they are; attributes are not read.
        let end = if tag.starts_with("<ruby>") {
            tag.find("</ruby>")
        } else if tag.starts_with("<b lang=\"ja\"") {
            tag.find("</b>")
        } else if tag.starts_with("<option") {
            tag.find("</option>")
        } else {
            tag.find('>')
        };
        left.push(' ');
        rest = &tag[end.unwrap_or(tag.len() - 1) + 1..];
    }
    let names = ["こもれび町", "ひだまり市", "妊娠39週0日"];
    let is_kanji = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    left.split_whitespace()
        .filter(|word| word.contains(is_kanji) && names.iter().all(|name| !word.contains(name)))
        .map(str::to_owned)
        .collect()
}
