//! 家族に知らせる: the link, the page behind it, and how little both tell.

use axum::http::StatusCode;
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::people;
use kizuna_store::tenants::Tenant;

use crate::delivery::{own, press, reader, send, town};
use crate::support::{Answer, Place, hidden};

/// Makes a link on the page; the page that shows it.
fn make(place: &Place, town: &Tenant, nickname: &str, date_of: &str) -> Answer {
    let path = own(place, town, reader(place, town, nickname), "invite");
    let key = hidden(&place.get(&path), "key");
    press(place, &path, &[("step", "make"), ("key", &key), ("date_of", date_of)])
}

/// The address of the link on a page.
fn link(page: &Answer) -> String {
    let rest = page.body.split("value=\"http://127.0.0.1:8117").nth(1).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn a_link_can_be_copied_sent_and_shown_and_says_nothing() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let page = make(&place, &town, "そら", "");
    page.says("リンクを作りました")
        .says("日付はわたさない")
        .says("https://line.me/R/share?text=")
        .says("mailto:?subject=")
        .says("<svg")
        .says("2026年12月6日（日）まで");
    let link = link(&page);
    let behind = place.get(&link);
    assert_eq!(behind.status, StatusCode::OK);
    behind
        .says("登録のページへ")
        .says("日付を一つ入れます")
        .says("<title>登録のご案内");
    for secret in ["そら", "妊娠3", "2026-11-29", "11月29日", "家族3", "family3"] {
        behind.is_silent_about(secret);
    }
    assert!(!link.contains("2026"));

    let on = send(&place, &link, &[]);
    assert_eq!(on.status, StatusCode::SEE_OTHER);
    let token = link.rsplit('/').next().unwrap();
    assert!(on.header("location").starts_with("/hidamari/register?with="));
    // The link itself opens no form: every opening of one costs a press.
    let unpressed = place.get(&format!("/hidamari/register?with={token}"));
    assert_eq!(unpressed.status, StatusCode::NOT_FOUND);
    // Who made it sees nothing of that.
    place
        .get(&own(&place, &town, reader(&place, &town, "そら"), "invite"))
        .says(&link);
}

#[test]
fn a_date_goes_with_a_link_only_by_choice_and_the_page_says_so_before() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let sora = place.family(&town, "そら");
    let path = own(&place, &town, sora.subscriber, "invite");
    place.get(&path).says("value=\"\" id=\"date-none\" checked");
    let page = make(&place, &town, "そら", &sora.subscription.to_string());
    page.says("<span class=\"tag\">日付をわたす</span>");
    let behind = place.get(&link(&page));
    behind
        .says("日付をわたすことにしました")
        .is_silent_about("妊娠39週")
        .is_silent_about("そら");
    // Whoever presses finds the date in the form, and nobody's name.
    let on = send(&place, &link(&page), &[]).header("location").to_owned();
    let due = sora.anchor.due().unwrap();
    place
        .get(&on)
        .says(&format!(
            "<option value=\"{}\" selected>{0}</option>",
            due.day_of_month()
        ))
        .says("&#38;with=")
        .is_silent_about("そら");
    let forged = place.get(&format!("{on}x"));
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
    // Somebody else's date cannot be chosen.
    let others = place.family(&town, "つぶ").subscription.to_string();
    make(&place, &town, "そら", &others).says("いまは作れません");
}

#[test]
fn withdrawn_forged_and_stopped_links_show_one_and_the_same_page() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let first = make(&place, &town, "そら", "");
    let withdrawn = link(&first);
    let path = own(&place, &town, reader(&place, &town, "そら"), "invite");
    let id = hidden(&first, "invite");
    for _ in 0..2 {
        press(&place, &path, &[("step", "withdraw"), ("invite", &id)]).says("招待をやめました");
    }
    let stopped = link(&make(&place, &town, "つぶ", ""));
    people::stop(place.env(), town.scope(), reader(&place, &town, "つぶ"), Actor::Reader).unwrap();
    let forged = "/hidamari/with/AAAA".to_owned();
    let pages: Vec<Answer> = [&withdrawn, &stopped, &forged].map(|link| place.get(link)).into();
    for page in &pages {
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert_eq!(page.body, pages[0].body);
    }
    assert_eq!(send(&place, &withdrawn, &[]).body, pages[0].body);
    // Whoever was invited has no mail of ours and no menu.
    pages[0]
        .says("自分ではじめられます")
        .says("href=\"/hidamari/register\"")
        .is_silent_about("いちばん新しいメール");
}

#[test]
fn two_presses_of_one_form_make_one_link() {
    let place = Place::bare();
    let town = town(&place, "hidamari", "ひだまり市");
    let path = own(&place, &town, reader(&place, &town, "そら"), "invite");
    let key = hidden(&place.get(&path), "key");
    let fields = [("step", "make"), ("key", key.as_str())];
    press(&place, &path, &fields);
    let page = press(&place, &path, &fields);
    assert_eq!(page.body.matches("readonly").count(), 1);
    for _ in 0..4 {
        make(&place, &town, "そら", "");
    }
    make(&place, &town, "そら", "").says("リンクは5つまでです");
}
