//! A reader's own data: everything that is kept, to take away, and gone at one press.

use axum::http::StatusCode;
use kizuna_domain::day::Day;
use kizuna_domain::people::{Follower, Reach};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::actions::{addresses, delivery};
use kizuna_engine::links;
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::support::{Place, Row, TODAY};

const FORM: &str = "application/x-www-form-urlencoded";

fn today() -> Day {
    TODAY.parse().unwrap()
}

fn path(place: &Place, town: &Tenant, reader: &Follower) -> String {
    let token = links::own_token(
        &place.env().keys,
        town.id,
        links::Holder::first(reader.subscriber),
        today() + 30,
    );
    format!("/{}/my/{token}/data", town.code)
}

fn is_known(place: &Place, town: &Tenant, reader: &Follower) -> bool {
    let (scope, id) = (town.scope(), reader.subscriber);
    place.env().db.read(|tx| people::exists(tx, scope, id)).unwrap()
}

#[test]
fn a_reader_sees_what_is_kept_and_takes_it_away_to_read() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    place.run();
    let mame = place.family(&town, "まめ");
    let path = path(&place, &town, &mame);

    let page = place.get(&path);
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.header("cache-control"), "no-store");
    page.says("お預かりしている記録")
        .says("記録をけす")
        .says("止めたわけは、どこにもありません");
    place.get(&format!("{path}?lang=easy")).says("<ruby>記録<rp>");
    place.get(&format!("{path}?lang=en")).says("Your records");

    let file = place.get(&format!("{path}/kiroku.html"));
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"kiroku.html\""
    );
    assert_eq!(file.header("cache-control"), "no-store");
    file.says("2027年5月28日")
        .says("まめ")
        .says("family1@example.jp")
        .says("受け取り中")
        .says("送りました")
        .says("v1");
    let english = place.get(&format!("{path}/kiroku.html?lang=en"));
    english.says("Due date").says("receiving").is_silent_about("受け取り中");

    let file = place.get(&format!("{path}/kiroku.json"));
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"kiroku.json\""
    );
    assert!(file.header("content-type").starts_with("application/json"));
    let data: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(data["addresses"][0]["address"], "family1@example.jp");
    assert_eq!(data["children"][0]["due_on"], "2027-05-28");
    assert_eq!(data["consents"][0]["wording"], "v1");
    assert_eq!(data["letters"][0]["state"], "sent");
    file.is_silent_about("つぶ").is_silent_about("family2@example.jp");
}

#[test]
fn a_file_holds_the_hour_a_pause_and_what_did_not_arrive() {
    let place = Place::bare();
    let town = crate::delivery::town(&place, "hidamari", "ひだまり市");
    let mame = place.family(&town, "まめ");
    let (env, reader) = (place.env(), mame.subscriber);
    delivery::set_hour(env, &town, reader, Some(18)).unwrap();
    life::pause(env, &town, reader, Which::All).unwrap();
    life::resume(env, &town, reader, Which::All).unwrap();
    let Reach::At { point, .. } = mame.reach else {
        panic!("nobody reads")
    };
    addresses::bounced(env, &town, point, Trouble::Full).unwrap();
    let path = path(&place, &town, &mame);

    let file = place.get(&format!("{path}/kiroku.json"));
    let data: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(data["hour"], 18);
    assert_eq!(data["children"][0]["resumed_on"], TODAY);
    let trouble = serde_json::json!([{ "day": TODAY, "what": "full" }]);
    assert_eq!(data["addresses"][0]["troubles"], trouble);
    place
        .get(&format!("{path}/kiroku.html"))
        .says("18時")
        .says("受信箱がいっぱい")
        .says("お休みなどが終わった日");
}

#[test]
fn a_file_says_that_something_ended_and_never_why() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    let mame = place.family(&town, "まめ");
    let path = path(&place, &town, &mame);
    place.post(&place.stop_path(&town, "まめ"), FORM, "");
    for file in ["kiroku.html", "kiroku.json"] {
        let file = place.get(&format!("{path}/{file}"));
        file.is_silent_about("stopped")
            .is_silent_about("止めた")
            .is_silent_about("reason");
    }
    place
        .get(&format!("{path}/kiroku.html"))
        .says("終わり")
        .says("取り消した日時");
}

#[test]
fn one_look_and_one_press_erase_a_reader_and_a_second_press_does_the_same() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    place.run();
    let (mame, tsubu) = (place.family(&town, "まめ"), place.family(&town, "つぶ"));
    let data = path(&place, &town, &mame);
    let erase = format!("{data}/erase");

    let look = place.get(&erase);
    look.says("もとにはもどせません")
        .says("けさないでもどる")
        .says("残るもの");
    assert!(is_known(&place, &town, &mame), "looking erases nobody");

    for _ in 0..2 {
        let done = place.post(&erase, FORM, "");
        assert_eq!(
            (done.status, done.header("location")),
            (StatusCode::SEE_OTHER, "/hidamari/changed/erased")
        );
    }
    assert!(!is_known(&place, &town, &mame) && is_known(&place, &town, &tsubu));
    let page = place.get("/hidamari/changed/erased");
    assert_eq!(page.status, StatusCode::OK);
    page.says("けしました")
        .is_silent_about("ありがとう")
        .is_silent_about("残念");
    for gone in [
        data.clone(),
        erase,
        format!("{data}/kiroku.html"),
        format!("{data}/kiroku.json"),
    ] {
        let answer = place.get(&format!("{gone}?lang=easy"));
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/hidamari/stopped?lang=easy")
        );
    }
    // Staff do not see that it happened.
    place.get("/hidamari/audit").is_silent_about("記録をけした");
    // The stop link of an old message still answers kindly, and the address may register again.
    let stop = links::stop_token(&place.env().keys, town.id, mame.subscriber);
    let stopped = place.post(&format!("/hidamari/stop/{stop}"), FORM, "");
    assert_eq!(stopped.status, StatusCode::SEE_OTHER);
}

#[test]
fn a_link_that_is_forged_over_or_another_towns_shows_and_changes_nothing() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    let other = place.empty_town(
        "komorebi",
        "こもれび町",
        kizuna_domain::tenant::TenantKind::Demo,
        "json",
    );
    place.register(&other, &[Row::due("そら", "2027-05-28")]);
    let mame = place.family(&town, "まめ");
    let keys = &place.env().keys;
    let over = links::own_token(keys, town.id, links::Holder::first(mame.subscriber), today() - 1);
    let foreign = links::own_token(keys, other.id, links::Holder::first(mame.subscriber), today() + 1);
    let reading = links::words_token(keys, town.id, links::Holder::first(mame.subscriber));
    for token in [over.as_str(), &foreign, &reading, "xyz"] {
        for page in ["", "/kiroku.html", "/kiroku.json", "/erase"] {
            let answer = place.get(&format!("/hidamari/my/{token}/data{page}"));
            assert!(answer.status.is_client_error(), "{}", answer.status);
            answer.is_silent_about("まめ").is_silent_about("family1");
        }
        let answer = place.post(&format!("/hidamari/my/{token}/data/erase"), FORM, "");
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
    assert!(is_known(&place, &town, &mame));
}
