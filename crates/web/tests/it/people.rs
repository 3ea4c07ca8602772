//! 人と役割 and 記録: inviting, changing roles, removing, and what the record says of it.

use axum::http::StatusCode;
use kizuna_domain::staff::Role;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::actions::{Actor, people};

use crate::support::{Browser, Place, Row};

fn town(place: &Place) -> Browser<'_> {
    let tenant = place.empty_town("hidamari", "ひだまり市", TenantKind::Practice, "json");
    let hanako = place.person("hanako@example.jp", "見本 花子");
    place.place(&tenant, hanako, Role::Administrator);
    place.browser(hanako)
}

#[test]
fn an_administrator_invites_passes_the_link_on_and_withdraws_it() {
    let place = Place::bare();
    let browser = town(&place);
    browser
        .get("/hidamari/staff")
        .says("管理者が1人だけです")
        .says("使っている人（1人）");
    let wrong = browser.post("/hidamari/staff", &[("mail", "taro"), ("role", "viewer")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong
        .says("メールアドレスを hanako@example.jp のように")
        .says("value=\"taro\"")
        .says("value=\"viewer\" checked");
    let here = browser.post("/hidamari/staff", &[("mail", "HANAKO@example.jp"), ("role", "viewer")]);
    here.says("もう入っています");
    assert_eq!(
        browser
            .post("/hidamari/staff", &[("mail", "taro@example.jp"), ("role", "operator")])
            .status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a town gives no operators"
    );

    let made = browser.post(
        "/hidamari/staff",
        &[("mail", "taro@example.jp"), ("role", "administrator")],
    );
    let there = made.header("location").to_owned();
    let page = browser.get(&there);
    page.says("taro@example.jp")
        .says("2026年11月25日（水）8:30まで")
        .says("http://127.0.0.1:8117/join/");
    let link = page
        .body
        .split("http://127.0.0.1:8117")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(Browser::new(&place).get(link).status, StatusCode::OK);
    browser
        .get("/hidamari/staff")
        .says("返事を待っている招待")
        .says("管理者が1人だけです");

    assert_eq!(
        browser.post(&format!("{there}/withdraw"), &[]).header("location"),
        "/hidamari/staff?done=withdraw"
    );
    browser
        .get("/hidamari/staff?done=withdraw")
        .says("招待を取り消しました")
        .is_silent_about("taro@example.jp");
    assert_eq!(Browser::new(&place).get(link).status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&there).status, StatusCode::NOT_FOUND);
}

#[test]
fn roles_change_from_the_next_page_on_and_the_last_administrator_stays() {
    let place = Place::bare();
    let browser = town(&place);
    let tenant = place.tenant("hidamari");
    let taro = place.person("taro@example.jp", "見本 太郎");
    place.place(&tenant, taro, Role::Editor);
    let his = place.browser(taro);
    assert_eq!(his.get("/hidamari/staff").status, StatusCode::FORBIDDEN);
    let path = format!("/hidamari/staff/{taro}");
    browser
        .get(&path)
        .says("見本 太郎さん")
        .says("value=\"editor\" checked");

    assert_eq!(
        browser
            .post(&format!("{path}/role"), &[("role", "administrator")])
            .header("location"),
        "/hidamari/staff?done=role"
    );
    let list = his.get("/hidamari/staff");
    list.says("見本 花子").is_silent_about("管理者が1人だけです");
    his.post(&format!("{path}/role"), &[("role", "viewer")]);

    let own = browser
        .get("/hidamari/staff")
        .body
        .split("/hidamari/staff/stf_")
        .nth(1)
        .unwrap()[..32]
        .to_owned();
    for (end, fields) in [("role", vec![("role", "viewer")]), ("remove", vec![])] {
        let answer = browser.post(&format!("/hidamari/staff/stf_{own}/{end}"), &fields);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.says("管理者が1人もいなくなる");
    }
    assert_eq!(
        browser.post(&format!("{path}/remove"), &[]).header("location"),
        "/hidamari/staff?done=remove"
    );
    assert_eq!(his.get("/hidamari/today").status, StatusCode::NOT_FOUND, "at once");
}

#[test]
fn the_record_names_staff_and_tells_nothing_of_readers() {
    let place = Place::bare();
    let tenant = place.town("hidamari", "ひだまり市", TenantKind::Practice, "json");
    let hanako = place.person("hanako@example.jp", "見本 花子");
    place.place(&tenant, hanako, Role::Administrator);
    let browser = place.browser(hanako);
    let taro = place.person("taro@example.jp", "見本 太郎");
    place.place(&tenant, taro, Role::Viewer);
    browser.post(&format!("/hidamari/staff/{taro}/role"), &[("role", "editor")]);
    let reader = place.family(&tenant, "そら").subscriber;
    people::stop(place.env(), tenant.scope(), reader, Actor::Reader).unwrap();

    let record = browser.get("/hidamari/audit");

    record
        .says("役割を変えた")
        .says("担当者、前は閲覧のみ")
        .says("見本 花子")
        .says("見本 太郎")
        .says("2026年11月22日（日）8:30")
        .says("読者がしたことは、ここには出ません");
    let rows = record.body.split_once("<tbody").unwrap().1;
    for private in ["止めた", "読者</td>", "そら", "rdr_", &reader.to_string()] {
        assert!(!rows.contains(private), "{private} in {rows}");
    }
}

#[test]
fn a_long_record_is_read_page_by_page() {
    let place = Place::bare();
    let browser = town(&place);
    let tenant = place.tenant("hidamari");
    place.register(&tenant, &[Row::due("そら", "2026-11-29")]);
    let sora = place.family(&tenant, "そら").subscriber;
    for number in 0..60 {
        kizuna_engine::actions::tenants::resume(place.env(), &tenant).unwrap();
        let change = if number % 2 == 0 { life::pause } else { life::resume };
        change(place.env(), &tenant, sora, Which::All).unwrap();
    }
    let first = browser.get("/hidamari/audit");
    let next = first
        .body
        .split("/hidamari/audit?before=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let second = browser.get(&format!("/hidamari/audit?before={next}"));
    assert_eq!(
        (
            first.body.matches("<tr role=\"row\"><td").count(),
            second.body.matches("<tr role=\"row\"><td").count()
        ),
        (50, 11),
        "sixty times resumed and one list imported; what the reader did fills no page"
    );
    second.says("新しいほうから");
    assert_eq!(browser.get("/hidamari/audit?before=x").status, StatusCode::NOT_FOUND);
}
