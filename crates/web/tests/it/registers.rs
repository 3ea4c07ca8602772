//! Registering with one date, and changing one's own: what is entered stays, what is wrong is told, one press counts once.

use axum::http::StatusCode;
use kizuna_domain::people::Reach;
use kizuna_domain::position::Anchor;
use kizuna_engine::line::identity;
use kizuna_store::tenants::Tenant;
use kizuna_store::{line as memory, people};

use crate::line::{on_line, user};
use crate::support::{Answer, Place};

const FORM: &str = "application/x-www-form-urlencoded";

fn link(place: &Place, town: &Tenant, number: usize) -> String {
    let token = identity::registration_ticket(place.env(), town.scope(), &user(number)).unwrap();
    format!("/{}/register/line/{token}", town.code)
}

fn following(place: &Place, town: &Tenant, number: usize) -> Vec<kizuna_domain::people::Follower> {
    let env = place.env();
    env.db
        .read(|tx| match memory::point(tx, &env.keys, town.scope(), &user(number))? {
            Some(point) => people::of_subscriber(tx, &env.keys, town.scope(), point.subscriber),
            None => Ok(Vec::new()),
        })
        .unwrap()
}

fn send(place: &Place, path: &str, form: &str) -> Answer {
    place.post(path, FORM, form)
}

const DUE: &str = "kind=pregnant&due_y=2027&due_m=3&due_d=15&birth_y=2026&birth_m=&birth_d=&who=mother";

#[test]
fn one_date_looked_at_once_and_pressed_once_is_a_registration() {
    let (place, town) = on_line(&[], &[]);
    let path = link(&place, &town, 1);
    let form = place.get(&path);
    assert_eq!(form.status, StatusCode::OK);
    form.says("いまは、どちらですか")
        .says("出産予定日")
        .says("<option value=\"2027\" selected>2027</option>")
        .says("いつでも直せます。止められます。")
        .says("000-000-0001");
    for banned in [
        "type=\"password\"",
        "name=\"name\"",
        "name=\"mail\"",
        "住所を",
        "おめでとう",
    ] {
        form.is_silent_about(banned);
    }

    let look = send(&place, &path, &format!("{DUE}&step=look"));
    assert_eq!(look.status, StatusCode::OK);
    look.says("妊娠23週6日")
        .says("2027年3月15日（月）")
        .says("登録する")
        .says("直す")
        .says("同意");
    assert_eq!(following(&place, &town, 1), [], "looking registers nobody");

    let edit = send(&place, &path, &format!("{DUE}&step=edit"));
    edit.says("<option value=\"15\" selected>15</option>")
        .says("value=\"mother\" id=\"who-mother\" checked");

    let done = send(&place, &path, &format!("{DUE}&step=register"));
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(!done.header("location").contains("2027"), "no date in an address");
    let page = place.get(done.header("location"));
    assert_eq!(page.status, StatusCode::OK);
    page.says("登録できました")
        .says("妊娠23週6日")
        .says("停止")
        .says("000-000-0001");
    let living = following(&place, &town, 1);
    assert_eq!(living.len(), 1);
    assert_eq!(living[0].anchor, Anchor::Due("2027-03-15".parse().unwrap()));
    assert!(matches!(living[0].reach, Reach::At { .. }));

    // The second of two presses, and another date behind a ticket that is used up.
    let again = send(&place, &path, &format!("{DUE}&step=register"));
    assert_eq!(again.header("location"), done.header("location"));
    send(
        &place,
        &path,
        &format!("{}&step=register", DUE.replace("due_d=15", "due_d=16")),
    );
    assert_eq!(following(&place, &town, 1), living);
    let used = place.get(&path);
    assert_eq!(used.status, StatusCode::GONE);
    used.says("もう使われています").says("LINEのメニューから");
}

#[test]
fn what_is_wrong_is_said_at_its_place_and_nothing_that_was_chosen_is_lost() {
    let (place, town) = on_line(&[], &[]);
    let path = link(&place, &town, 1);
    for (form, sentence, marked) in [
        (
            "kind=pregnant&due_y=2027&due_m=2&due_d=30",
            "2月は28日までです。日をえらびなおしてください。",
            "due_d",
        ),
        (
            "kind=pregnant&due_y=2027&due_m=&due_d=",
            "出産予定日をえらんでください。",
            "due_m",
        ),
        (
            "kind=pregnant&due_y=2027&due_m=12&due_d=1",
            "予定日が10か月より先です。年を確かめてください。",
            "due_y",
        ),
        (
            "kind=pregnant&due_y=2026&due_m=11&due_d=8",
            "予定日から2週間がすぎています。",
            "due_d",
        ),
        (
            "kind=raising&birth_y=2026&birth_m=11&birth_d=23",
            "誕生日が、きょうより先です。",
            "birth_d",
        ),
        (
            "kind=raising&birth_y=2023&birth_m=11&birth_d=21",
            "このサービスは3歳の誕生日までです。ひだまり市の相談先",
            "birth_y",
        ),
        (
            "kind=raising&birth_y=&birth_m=&birth_d=",
            "お子さんの誕生日をえらんでください。",
            "birth_y",
        ),
        (
            "kind=raising&birth_y=二千&birth_m=1&birth_d=1",
            "お子さんの誕生日をえらんでください。",
            "",
        ),
    ] {
        for step in ["look", "register"] {
            let answer = send(&place, &path, &format!("{form}&who=partner&step={step}"));
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
            answer
                .says(sentence)
                .says("role=\"alert\"")
                .says("value=\"partner\" id=\"who-partner\" checked");
            if !marked.is_empty() {
                let field = answer
                    .body
                    .split(&format!("id=\"{marked}\""))
                    .nth(1)
                    .unwrap()
                    .split('>')
                    .next()
                    .unwrap();
                assert!(field.contains("aria-invalid=\"true\""), "{form}: {field}");
            }
        }
    }
    let lost = send(
        &place,
        &path,
        "kind=pregnant&due_y=2027&due_m=2&due_d=30&who=partner&step=look",
    );
    lost.says("<option value=\"2\" selected>2</option>")
        .says("<option value=\"30\" selected>30</option>");
    send(&place, &path, "due_y=2027&step=look").says("妊娠中か子育て中を、えらんでください。");
    assert_eq!(following(&place, &town, 1), []);
    // The very edges are good: thirteen days past the due date, and the day before ten months, and the third birthday.
    for form in [
        "kind=pregnant&due_y=2026&due_m=11&due_d=9",
        "kind=pregnant&due_y=2027&due_m=8&due_d=29",
        "kind=raising&birth_y=2023&birth_m=11&birth_d=22",
        "kind=raising&birth_y=2026&birth_m=11&birth_d=22",
        "kind=pregnant&due_y=２０２７&due_m=３&due_d=１",
    ] {
        assert_eq!(
            send(&place, &path, &format!("{form}&step=look")).status,
            StatusCode::OK,
            "{form}"
        );
    }
    send(&place, &path, "kind=pregnant&due_y=2026&due_m=11&due_d=20&step=look")
        .says("予定日をすぎています。このまま登録できます。");
}

#[test]
fn the_page_says_truthfully_when_the_first_words_come() {
    let (place, town) = on_line(&[], &[]);
    for (clock, number, sentence) in [
        (
            "2026-11-21T21:00:00Z",
            1,
            "きょう朝8時ごろ、はじめのことばがLINEに届きます。",
        ),
        ("2026-11-21T23:30:00Z", 2, "このあと、きょうのことばがLINEに届きます。"),
        ("2026-11-22T11:30:00Z", 3, "つぎは、あした朝8時ごろに届きます。"),
    ] {
        place.clock.set(clock);
        let path = link(&place, &town, number);
        let done = send(
            &place,
            &path,
            "kind=raising&birth_y=2026&birth_m=11&birth_d=12&step=register",
        );
        place.get(done.header("location")).says(sentence);
    }
}

#[test]
fn a_link_that_is_forged_expired_or_another_towns_says_how_else_and_changes_nothing() {
    let (place, town) = on_line(&[], &[]);
    place.town(
        "asahi",
        "あさひ市",
        kizuna_domain::tenant::TenantKind::Municipality,
        "json",
    );
    let path = link(&place, &town, 1);
    let foreign = path.replace("/hidamari/", "/asahi/");
    let cut = path.strip_suffix(|_| true).unwrap().to_owned();
    for path in [
        foreign,
        cut,
        "/hidamari/register/line/x".to_owned(),
        "/hidamari/my/x/date".to_owned(),
        "/hidamari/my/x/birth".to_owned(),
    ] {
        for answer in [place.get(&path), send(&place, &path, &format!("{DUE}&step=register"))] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer
                .says("このリンクは使えなくなりました")
                .says("新しいメールの下のリンク");
        }
    }
    place.clock.set("2026-11-22T23:30:00Z");
    assert_eq!(
        send(&place, &path, &format!("{DUE}&step=register")).status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(following(&place, &town, 1), []);
}

#[test]
fn these_pages_speak_english_and_run_nothing_but_our_own_few_lines() {
    let (place, town) = on_line(&[], &[]);
    let path = link(&place, &town, 1);
    let form = place.get(&format!("{path}?lang=en"));
    form.says("<html lang=\"en\">")
        .says("Are you pregnant, or raising a child?")
        .says("lang=en\" novalidate");
    let look = send(&place, &format!("{path}?lang=en"), &format!("{DUE}&step=look"));
    look.says("Is this right?")
        .says("23 weeks and 6 days pregnant")
        .says("Monday, 15 March 2027");
    let done = send(&place, &format!("{path}?lang=en"), &format!("{DUE}&step=register"));
    assert!(done.header("location").ends_with("/done?lang=en"));
    for answer in [form, look, place.get(done.header("location"))] {
        assert_eq!(answer.body.matches("<script").count(), 1);
        answer.says("<script src=\"/assets/keep-");
        assert!(answer.header("content-security-policy").contains("script-src 'self';"));
        for banned in ["<script>", " style=", "<style", " onclick", "src=\"http"] {
            assert!(!answer.body.contains(banned), "{banned}");
        }
        assert_eq!(answer.body.matches("<h1").count(), 1);
    }
}
