//! Signing in and out, cookies, sessions that end, drafts that do not get lost, forms from other sites.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kizuna_domain::staff::Role;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::{Actor, staff as actions};
use kizuna_store::sessions::{self, Token};
use kizuna_store::staff::{self, Offer};

use crate::support::{Answer, Browser, PASSWORD, Place, form, hidden};

const HANAKO: &str = "hanako@example.jp";

/// A town with an administrator who can sign in.
fn town() -> Place {
    let place = Place::bare();
    let tenant = place.empty_town("hidamari", "ひだまり市", TenantKind::Practice, "json");
    let hanako = place.person(HANAKO, "見本 花子");
    place.place(&tenant, hanako, Role::Administrator);
    place
}

fn cookies(answer: &Answer) -> Vec<&str> {
    let all = answer.headers.get_all(header::SET_COOKIE).iter();
    all.map(|value| value.to_str().unwrap()).collect()
}

fn at(place: &Place, text: &str) {
    place.clock.set(text);
}

#[test]
fn who_is_not_signed_in_is_asked_to_and_comes_back_to_the_page() {
    let place = town();
    let browser = Browser::new(&place);
    let asked = browser.get("/hidamari/plan?day=2026-11-23");
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert_eq!(
        asked.header("location"),
        "/signin?next=/hidamari/plan%3Fday%3D2026-11-23"
    );
    let shown = browser.get(asked.header("location"));
    shown
        .says("autocomplete=\"username\"")
        .says("autocomplete=\"current-password\"")
        .says("autocomplete=\"one-time-code\"");
    let next = hidden(&shown, "next");

    let answer = browser.sign_in(HANAKO, &[("next", &next)]);

    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/hidamari/plan?day=2026-11-23");
    assert_eq!(browser.get(&next).status, StatusCode::OK);
    assert_eq!(browser.get("/").header("location"), "/hidamari/today");
}

#[test]
fn nobody_is_sent_to_another_site_after_signing_in() {
    let place = town();
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        at(&place, "2026-11-21T23:30:00Z");
        let answer = Browser::new(&place).sign_in(HANAKO, &[("next", next)]);
        if answer.status == StatusCode::SEE_OTHER {
            assert_eq!(answer.header("location"), "/", "{next}");
        }
        place
            .env()
            .db
            .write(|tx| {
                let id = staff::by_mail(
                    tx,
                    &place.env().keys,
                    &kizuna_domain::staff::StaffMail::parse(HANAKO).unwrap(),
                )?
                .unwrap()
                .id;
                staff::set_totp(tx, &place.env().keys, id, crate::support::SECRET, 0)
            })
            .unwrap();
    }
}

#[test]
fn on_the_network_cookies_are_bound_to_the_host_and_to_tls() {
    let place = town();
    let code = place.code();
    let fields = form(&[("mail", HANAKO), ("password", PASSWORD), ("code", &code)]);
    let request = Request::post("/signin")
        .header(header::HOST, "kosodate.example.lg.jp")
        .header("x-forwarded-for", "203.0.113.9")
        .header("origin", "https://kosodate.example.lg.jp")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = place.ask(request.body(Body::from(fields)).unwrap());
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let set = cookies(&answer);
    let (session, browser) = (set[0], set[1]);
    let (value, attributes) = session.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(value.strip_prefix("__Host-kizuna=").unwrap().len(), 43, "256 bits");
    assert!(browser.starts_with("__Host-kizuna-browser="));
    assert!(
        browser.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=15552000"),
        "{browser}"
    );

    let with = |name: &str| {
        let cookie = value.replace("__Host-kizuna", name);
        let request = Request::get("/me")
            .header(header::HOST, "kosodate.example.lg.jp")
            .header(header::COOKIE, format!("a=b; {cookie}"));
        place.ask(request.body(Body::empty()).unwrap()).status
    };
    assert_eq!(with("__Host-kizuna"), StatusCode::OK);
    assert_eq!(
        with("kizuna"),
        StatusCode::SEE_OTHER,
        "a name that any neighbour could have set"
    );
}

#[test]
fn on_this_machine_cookies_work_without_tls() {
    let place = town();
    let answer = Browser::new(&place).sign_in(HANAKO, &[]);
    let set = cookies(&answer);
    assert!(
        set[0].starts_with("kizuna=") && set[0].ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{}",
        set[0]
    );
}

#[test]
fn a_wrong_sign_in_keeps_the_address_and_no_secret() {
    let place = town();
    let browser = Browser::new(&place);
    let fields = [
        ("mail", HANAKO),
        ("password", "ちがう ことばを ならべた"),
        ("code", "123123"),
    ];
    let answer = browser.post("/signin", &fields);
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer
        .says("どれかがちがいます")
        .says(&format!("value=\"{HANAKO}\""))
        .says("<title>エラー：サインイン")
        .is_silent_about("ちがう ことば")
        .is_silent_about("123123");
    assert_eq!(cookies(&answer), [""; 0]);
    let same = browser.post("/signin", &[("mail", "nobody@example.jp"), fields[1], fields[2]]);
    assert_eq!(
        same.body.replace("nobody@example.jp", HANAKO),
        answer.body,
        "one answer for all"
    );

    let empty = browser.post("/signin", &[]);
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    empty
        .says("直すところが3つあります")
        .says("aria-describedby=\"mail-err\"")
        .says("href=\"#password\"");
}

#[test]
fn after_five_wrong_ones_everybody_waits_and_is_told_how_long() {
    let place = town();
    let browser = Browser::new(&place);
    for _ in 0..5 {
        browser.post("/signin", &[("mail", HANAKO), ("password", "x"), ("code", "1")]);
    }
    let answer = browser.sign_in(HANAKO, &[]);
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), "30");
    answer.says("約30秒");
    at(&place, "2026-11-21T23:30:30Z");
    assert_eq!(browser.sign_in(HANAKO, &[]).status, StatusCode::SEE_OTHER);
}

#[test]
fn a_recovery_code_signs_in_and_leads_to_the_settings() {
    let place = town();
    let env = place.env();
    let id = env
        .db
        .read(|tx| staff::by_mail(tx, &env.keys, &kizuna_domain::staff::StaffMail::parse(HANAKO).unwrap()))
        .unwrap()
        .unwrap()
        .id;
    env.db
        .write(|tx| staff::put_codes(tx, &env.keys, id, &["k7q2m9xw4t".to_owned()]))
        .unwrap();
    let browser = Browser::new(&place);
    let fields = [
        ("mail", HANAKO),
        ("password", PASSWORD),
        ("code", ""),
        ("recovery", "K7Q2M-9XW4T"),
    ];
    let answer = browser.post("/signin", &fields);
    assert_eq!(answer.header("location"), "/me?recovered=1");
    browser
        .get("/me?recovered=1")
        .says("控えのコードでサインインしました")
        .says("あと0個");
    let again = Browser::new(&place).post("/signin", &fields);
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.says("<details class=\"field\" open>").is_silent_about("K7Q2M");
}

#[test]
fn signing_out_ends_the_session_and_not_only_the_cookie() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let held = browser.jar.borrow()["kizuna"].clone();
    let out = browser.post("/signout", &[]);
    assert_eq!(out.header("location"), "/signin?bye=1");
    assert!(cookies(&out)[0].starts_with("kizuna=; ") && cookies(&out)[0].ends_with("Max-Age=0"));
    browser.jar.borrow_mut().insert("kizuna".to_owned(), held);
    assert_eq!(browser.get("/hidamari/today").status, StatusCode::SEE_OTHER);
}

#[test]
fn a_session_ends_after_half_an_hour_without_use_and_after_ten_hours_of_it() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    at(&place, "2026-11-21T23:59:59Z");
    assert_eq!(browser.get("/hidamari/today").status, StatusCode::OK);
    at(&place, "2026-11-22T00:29:58Z");
    assert_eq!(browser.get("/hidamari/today").status, StatusCode::OK, "use renewed it");
    at(&place, "2026-11-22T00:59:58Z");
    let late = browser.get("/hidamari/today");
    assert_eq!(late.header("location"), "/signin?next=/hidamari/today&late=1");
    browser.get(late.header("location")).says("サインインが終わりました");

    let second = Browser::new(&place);
    second.sign_in(HANAKO, &[]);
    for minutes in (20..600).step_by(20) {
        let now = "2026-11-22T00:59:58Z".parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes);
        at(&place, &now.to_string());
        assert_eq!(second.get("/hidamari/today").status, StatusCode::OK, "{minutes}");
    }
    at(&place, "2026-11-22T10:59:58Z");
    assert_eq!(second.get("/hidamari/today").status, StatusCode::SEE_OTHER);
}

#[test]
fn looking_at_pages_writes_at_most_once_a_minute() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let value = browser.jar.borrow()["kizuna"].clone();
    let bytes = URL_SAFE_NO_PAD.decode(value).unwrap();
    let token = Token(bytes.try_into().unwrap());
    let env = place.env();
    let used = || {
        let (_, stay) = env
            .db
            .read(|tx| sessions::find(tx, &env.keys, &token))
            .unwrap()
            .unwrap();
        stay.used.as_millisecond()
    };
    let begun = used();
    at(&place, "2026-11-21T23:30:59Z");
    browser.get("/hidamari/today");
    assert_eq!(used(), begun);
    at(&place, "2026-11-21T23:31:00Z");
    browser.get("/hidamari/today");
    assert_eq!(used(), begun + 60_000);
}

/// A form that meets an expired session; the sign-in page that answers.
fn interrupted(place: &Place, browser: &Browser<'_>) -> Answer {
    at(place, "2026-11-22T01:30:00Z");
    let answer = browser.post(
        "/hidamari/staff",
        &[("mail", "taro@example.jp"), ("role", "approver"), ("x", "\"<&>\n")],
    );
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    answer
}

#[test]
fn what_was_written_when_a_session_ended_is_sent_on_by_its_writer() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let page = interrupted(&place, &browser);
    page.says("いま送ろうとした内容は、消えていません")
        .is_silent_about("taro@example.jp");
    let draft = hidden(&page, "draft");

    let wrong = browser.post(
        "/signin",
        &[("mail", HANAKO), ("password", "x"), ("code", "1"), ("draft", &draft)],
    );
    assert_eq!(hidden(&wrong, "draft"), draft, "a wrong try loses nothing");
    let resumed = browser.sign_in(HANAKO, &[("draft", &draft)]);

    assert_eq!(resumed.status, StatusCode::OK);
    resumed
        .says("つづきを送る")
        .says("method=\"post\" action=\"/hidamari/staff\"")
        .says("name=\"x\" value=\"&#34;&#60;&#38;&#62;\n\"");
    let fields = [("mail", hidden(&resumed, "mail")), ("role", hidden(&resumed, "role"))];
    browser.get("/hidamari/staff").is_silent_about("taro@example.jp");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(browser.post("/hidamari/staff", &fields).status, StatusCode::SEE_OTHER);
    browser.get("/hidamari/staff").says("taro@example.jp").says("確認者");
}

#[test]
fn a_draft_opens_for_its_writer_only() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let draft = hidden(&interrupted(&place, &browser), "draft");
    let taro = place.person("taro@example.jp", "見本 太郎");
    place.place(&place.tenant("hidamari"), taro, Role::Administrator);

    let other = browser.sign_in("taro@example.jp", &[("draft", &draft)]);
    assert_eq!(other.status, StatusCode::SEE_OTHER, "somebody else goes on without it");
    let changed = format!("{}A", &draft[..draft.len() - 1]);
    let changed = if changed == draft {
        format!("{}B", &draft[..draft.len() - 1])
    } else {
        changed
    };
    let forged = browser.sign_in(HANAKO, &[("draft", &changed)]);
    assert_eq!(forged.status, StatusCode::SEE_OTHER);
}

#[test]
fn no_draft_is_kept_of_what_is_no_form_too_large_or_a_secret() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    at(&place, "2026-11-22T01:30:00Z");
    let secret = browser.post("/me/password", &[("present", PASSWORD)]);
    assert_eq!(secret.status, StatusCode::UNAUTHORIZED);
    secret
        .is_silent_about("name=\"draft\"")
        .says("サインインが終わりました");
    let large = "x".repeat(20_000);
    let large = browser.post("/hidamari/staff", &[("mail", &large)]);
    assert!(matches!(
        large.status,
        StatusCode::UNAUTHORIZED | StatusCode::PAYLOAD_TOO_LARGE
    ));
    large.is_silent_about("name=\"draft\"");
    let unknown = Browser::new(&place).post("/hidamari/staff", &[("mail", "taro@example.jp")]);
    unknown.says("送られていません").is_silent_about("name=\"draft\"");
}

#[test]
fn forms_from_other_sites_are_refused() {
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let session = format!("kizuna={}", browser.jar.borrow()["kizuna"]);
    let send = |path: &str, name: &str, value: &str| {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, &session)
            .header(name, value);
        place.ask(
            request
                .body(Body::from(form(&[("mail", "taro@example.jp"), ("role", "viewer")])))
                .unwrap(),
        )
    };
    for path in ["/hidamari/staff", "/me/codes", "/signin", "/signout"] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = send(path, name, value);
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {name}: {value}");
            answer.says("ほかのサイトからは受け取れません");
        }
    }
    assert_eq!(
        send("/hidamari/staff", "origin", "http://127.0.0.1:8117").status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        browser.get("/hidamari/today").status,
        StatusCode::OK,
        "nobody was signed out"
    );
}

#[test]
fn readers_stop_from_wherever_their_mail_program_asks() {
    let place = Place::bare();
    let tenant = place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    for (nickname, name, value) in [
        ("そら", "x-nothing", ""),
        ("まめ", "origin", "https://mail.example"),
        ("つぶ", "sec-fetch-site", "cross-site"),
        ("ゆき", "origin", "null"),
    ] {
        let path = format!("{}/one-click", place.stop_path(&tenant, nickname));
        let id = place.family(&tenant, nickname).subscription;
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = place.ask(request.body(Body::from("List-Unsubscribe=One-Click")).unwrap());
        assert_eq!(answer.status, StatusCode::OK, "{nickname}");
        let state = place.state(&tenant, id);
        assert_eq!(state, kizuna_domain::people::SubscriptionState::Ended, "{nickname}");
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[test]
fn an_invitation_is_accepted_in_three_steps() {
    let place = town();
    let tenant = place.tenant("hidamari");
    let offer = Offer::Place(tenant.scope(), Role::Editor);
    let invited = actions::invite(place.env(), Actor::CommandLine, offer, "taro@example.jp").unwrap();
    let join = format!("/join/{}", invited.token);
    let browser = Browser::new(&place);
    let first = browser.get(&join);
    first
        .says("「ひだまり市」に、担当者として招かれています")
        .says("autocomplete=\"new-password\"")
        .says("taro@example.jp");
    assert_eq!(
        browser.get(&format!("{join}/code")).header("location"),
        join,
        "one step after the other"
    );

    let short = browser.post(
        &join,
        &[("name", "見本 太郎"), ("password", "みじかい"), ("again", "みじかい")],
    );
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    short
        .says("12文字より短いです")
        .says("value=\"見本 太郎\"")
        .is_silent_about("みじかい\"");
    let differs = browser.post(&join, &[("name", ""), ("password", PASSWORD), ("again", "x")]);
    differs
        .says("2つのパスワードがちがいます")
        .says("名前を入れてください")
        .says("直すところが2つあります");
    let next = browser.post(
        &join,
        &[("name", "見本 太郎"), ("password", PASSWORD), ("again", PASSWORD)],
    );
    assert_eq!(next.header("location"), format!("{join}/code"));

    let second = browser.get(&format!("{join}/code"));
    second.says("<svg class=\"qr\"").says("shape-rendering");
    let shown = second
        .body
        .split("<code>")
        .nth(1)
        .unwrap()
        .split("</code>")
        .next()
        .unwrap()
        .replace(' ', "");
    let wrong = browser.post(&format!("{join}/code"), &[("code", "000000")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong
        .says("コードがちがうか")
        .says(&second.body.split("fill=\"#fff\"/><path d=\"M").nth(1).unwrap()[..200]);
    let code = kizuna_engine::credentials::totp_code(&shown, place.env().clock.now()).unwrap();
    let third = browser.post(&format!("{join}/code"), &[("code", &code)]);
    assert_eq!(third.header("location"), "/me/codes");

    let codes = browser.get("/me/codes");
    assert_eq!(codes.body.matches("<li><code>").count(), 10);
    assert_eq!(browser.get("/me/codes").body, codes.body, "a reload loses nothing");
    assert_eq!(browser.post("/me/codes", &[]).header("location"), "/");
    assert_eq!(browser.get("/me/codes").header("location"), "/", "they are shown once");
    assert_eq!(browser.get("/hidamari/today").status, StatusCode::OK);
    let used = browser.get(&join);
    assert_eq!(used.status, StatusCode::NOT_FOUND);
    used.says("この招待は使えません");
}

#[test]
fn a_forged_old_or_foreign_invitation_says_so_and_nothing_else() {
    let place = town();
    let tenant = place.tenant("hidamari");
    let offer = Offer::Place(tenant.scope(), Role::Editor);
    let invited = actions::invite(place.env(), Actor::CommandLine, offer, "taro@example.jp").unwrap();
    let forged = format!("/join/{}A", &invited.token[..invited.token.len() - 1]);
    let stop = "/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
    at(&place, "2026-11-24T23:30:01Z");
    for path in [forged, stop, format!("/join/{}", invited.token)] {
        for answer in [
            Browser::new(&place).get(&path),
            Browser::new(&place).post(&path, &[("name", "x")]),
        ] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer
                .says("この招待は使えません")
                .is_silent_about("taro")
                .is_silent_about("ひだまり");
        }
    }
}

#[test]
fn who_signs_in_already_accepts_with_one_button() {
    let place = town();
    let other = place.empty_town("komorebi", "こもれび町", TenantKind::Practice, "json");
    let offer = Offer::Place(other.scope(), Role::Viewer);
    let invited = actions::invite(place.env(), Actor::CommandLine, offer, HANAKO).unwrap();
    let join = format!("/join/{}", invited.token);
    let browser = Browser::new(&place);
    browser
        .get(&join)
        .says("サインインして、招待を受ける")
        .is_silent_about("new-password");
    assert_eq!(
        browser
            .post(&join, &[("name", "偽者"), ("password", PASSWORD), ("again", PASSWORD)])
            .header("location"),
        join
    );

    let taro = place.person("taro@example.jp", "見本 太郎");
    let stranger = place.browser(taro);
    stranger.get(&join).says("別のメールアドレスの人へのもの");
    assert_eq!(stranger.post(&format!("{join}/accept"), &[]).header("location"), join);
    assert_eq!(stranger.get("/komorebi/today").status, StatusCode::NOT_FOUND);

    browser.sign_in(HANAKO, &[("next", &join)]);
    browser.get(&join).says("招待を受ける</button>");
    assert_eq!(
        browser.post(&format!("{join}/accept"), &[]).header("location"),
        "/komorebi/today"
    );
    assert_eq!(browser.get("/komorebi/today").status, StatusCode::OK);
    let both = browser.get("/");
    both.says("どの自治体をひらきますか")
        .says("ひだまり市")
        .says("こもれび町");
}

#[test]
fn own_settings_change_the_password_and_the_authenticator() {
    const NEW: &str = "ひかり そよかぜ やまびこ";
    let place = town();
    let browser = Browser::new(&place);
    browser.sign_in(HANAKO, &[]);
    let elsewhere = Browser::new(&place);
    at(&place, "2026-11-21T23:31:00Z");
    elsewhere.sign_in(HANAKO, &[]);
    let change = |present, password, again| {
        browser.post(
            "/me/password",
            &[("present", present), ("password", password), ("again", again)],
        )
    };
    change("x", NEW, NEW)
        .says("いまのパスワードがちがいます")
        .says("<title>エラー：自分の設定");
    change(PASSWORD, "password1234", "password1234").says("あてられやすい");
    change(PASSWORD, NEW, "x").says("2つのパスワードがちがいます");
    let before = browser.jar.borrow()["kizuna"].clone();

    assert_eq!(change(PASSWORD, NEW, NEW).header("location"), "/me?done=password");

    assert_ne!(browser.jar.borrow()["kizuna"], before, "the token changed");
    browser.get("/me?done=password").says("パスワードを変えました");
    assert_eq!(
        elsewhere.get("/me").status,
        StatusCode::SEE_OTHER,
        "other sessions ended"
    );

    assert_eq!(browser.get("/me/totp").header("location"), "/me", "nothing was begun");
    browser
        .post("/me/totp", &[("present", "x")])
        .says("いまのパスワードがちがいます");
    assert_eq!(
        browser.post("/me/totp", &[("present", NEW)]).header("location"),
        "/me/totp"
    );
    let page = browser.get("/me/totp");
    let shown = page
        .body
        .split("<code>")
        .nth(1)
        .unwrap()
        .split("</code>")
        .next()
        .unwrap()
        .replace(' ', "");
    browser
        .post("/me/totp/confirm", &[("code", "000000")])
        .says("コードがちがうか");
    let code = kizuna_engine::credentials::totp_code(&shown, place.env().clock.now()).unwrap();
    assert_eq!(
        browser.post("/me/totp/confirm", &[("code", &code)]).header("location"),
        "/me/codes"
    );
    browser.get("/me/codes").says("控えのコード");
}

#[test]
fn the_demo_needs_no_sign_in_and_says_who_one_is() {
    let place = Place::demo();
    let today = place.get("/hidamari/today");
    today.says("見本 花子").says("管理者").is_silent_about("サインアウト");
    place
        .get("/me")
        .says("デモではサインインしない")
        .is_silent_about("type=\"password\"");
    place.get("/hidamari/staff").says("管理者が1人だけです").says("自分");
}
