//! Staff pages in their states: nothing yet, planned, sent, with questions; and what they never show.

use axum::http::StatusCode;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions;
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::actions::people;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::inbound::{self, Maildir};
use kizuna_store::tenants::Tenant;

use crate::support::{Place, Row, starter_pack};

#[test]
fn before_the_run_today_says_what_comes_next() {
    let place = Place::demo();
    let today = place.get("/hidamari/today");
    today
        .says("きょうの配信は、まだ始まっていません")
        .says("8時から20時")
        .says("/hidamari/plan?day=2026-11-22");
    place
        .get("/hidamari/today?day=2026-11-01")
        .says("この日の配信の記録はありません");
    place
        .get("/hidamari/today?day=2026-12-01")
        .says("この日は、まだ来ていません");
}

#[test]
fn after_the_run_today_tells_it_in_one_sentence_with_its_number() {
    let place = Place::demo();
    place.run();
    let today = place.get("/hidamari/today");
    today
        .says("配信は、無事に終わりました")
        .says("8:30に始まり、8:30に終わりました")
        .says("人に送りました");
    today
        .says("あす届くことば")
        .says("bar__sent")
        .is_silent_about("bar__failed");
}

#[test]
fn a_planned_day_waits_for_its_hour() {
    let place = Place::demo();
    place.clock.set("2026-11-21T21:00:00Z");
    place.run();
    place
        .get("/hidamari/today")
        .says("配信の用意ができました")
        .says("8:00になると、送りはじめます")
        .says("待っている");
}

#[test]
fn who_got_nothing_is_told_with_the_reason() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    let sora = place.family(&town, "そら");
    life::pause(place.env(), &town, sora.subscriber, Which::All).unwrap();
    place.run();
    place.get("/hidamari/today").says("お休み中です").says("1人");
    place.get("/hidamari/plan").says("届けない人と、そのわけ");
}

#[test]
fn a_few_families_are_not_counted_in_a_real_town() {
    let place = Place::open();
    let town = place.empty_town("asahi", "あさひ市", TenantKind::Municipality, "eml");
    let mut pack = starter_pack("starter-ja");
    approve(&mut pack);
    actions::content::import(place.env(), None, &pack).unwrap();
    place.register(&town, &[Row::due("そら", "2026-11-29"), Row::due("うみ", "2026-11-29")]);
    let umi = place.family(&town, "うみ");
    life::pause(place.env(), &town, umi.subscriber, Which::All).unwrap();
    let plan = place.get("/asahi/plan?day=2026-11-22");
    plan.says("どの時期も少数か、いません")
        .is_silent_about("妊娠39週")
        .is_silent_about("1人");
    let sora = place.family(&town, "そら").subscriber;
    people::stop(place.env(), town.scope(), sora, Actor::Reader).unwrap();
    let after = place.get("/asahi/plan?day=2026-11-22");
    let card = |page: &str| {
        page.split_once("h-few")
            .unwrap()
            .1
            .split_once("</section>")
            .unwrap()
            .0
            .to_owned()
    };
    assert_eq!(
        card(&after.body),
        card(&plan.body),
        "the last one of a stage who stops changes nothing"
    );
    place.run();
    place.get("/asahi/today").says("お休み中です").says("少数");
    // Real families are never listed, nor what was written to them.
    assert_eq!(place.get("/asahi/mailbox").status, StatusCode::NOT_FOUND);
    assert_eq!(place.get("/asahi/families").status, StatusCode::NOT_FOUND);
    assert_eq!(
        place.get(&format!("/asahi/families/{}", umi.subscription)).status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn a_real_towns_plan_shows_stages_of_many_and_no_family() {
    let place = Place::open();
    let town = place.empty_town("asahi", "あさひ市", TenantKind::Municipality, "eml");
    let mut pack = starter_pack("starter-ja");
    approve(&mut pack);
    actions::content::import(place.env(), None, &pack).unwrap();
    let many = (0..12).map(|_| Row::due("そら", "2026-11-29"));
    let some = (0..10).map(|_| Row::born("はな", "2026-10-23"));
    place.register(&town, &many.chain(some).collect::<Vec<_>>());
    // The first family has another child.
    place.register(&town, &[Row::born("たろう", "2025-11-22")]);

    let plan = place.get("/asahi/plan?day=2026-11-22");

    // As many as the stages below it: who has a sibling cannot be found by subtraction.
    plan.says("23人</b>に届きます")
        .says("<h3>妊娠39週0日</h3><span class=\"num\">12人")
        // Ten at 30 days could be shown, but then one reader would be left.
        .says("そのほかの時期　<span class=\"num\">11人");
    let (_, words) = plan.body.split_once("<main").unwrap();
    for private in ["そら", "はな", "たろう", "生後", "1歳", "〔"] {
        assert!(!words.contains(private), "{private} in {words}");
    }
}

#[test]
fn a_real_towns_morning_tells_no_small_number() {
    let place = Place::open();
    let town = place.empty_town("asahi", "あさひ市", TenantKind::Municipality, "eml");
    let mut pack = starter_pack("starter-ja");
    approve(&mut pack);
    actions::content::import(place.env(), None, &pack).unwrap();
    place.register(&town, &[Row::due("そら", "2026-11-29"), Row::due("うみ", "2026-11-29")]);
    place.run();
    let today = place.get("/asahi/today");
    today
        .says("少数<small>に送りました")
        .says("送りました <b class=\"num\">少数</b>")
        .is_silent_about("2<small>");
}

fn approve(pack: &mut kizuna_domain::content::pack::Pack) {
    for article in &mut pack.articles {
        article.reviews = ["医師", "管理栄養士"]
            .map(|by| kizuna_domain::content::Review {
                by: by.to_owned(),
                role: by.to_owned(),
                on: "2026-04-01".parse().unwrap(),
                verdict: kizuna_domain::content::Verdict::Approved,
            })
            .to_vec();
    }
}

#[test]
fn the_plan_shows_every_stage_with_its_words_pregnancy_first() {
    let place = Place::demo();
    let plan = place.get("/hidamari/plan?day=2026-11-22");
    plan.says("妊娠39週0日")
        .says("生後30日")
        .says("【見本】")
        .says("きずなだより")
        .says("ひだまり市から");
    let place_of = |words: &str| plan.body.find(&format!("<h3>{words}")).unwrap();
    assert!(place_of("妊娠39週0日") < place_of("生後3日"));
    assert!(place_of("生後3日") < place_of("生後30日"));
    assert!(place_of("生後30日") < place_of("1歳"));
    place
        .get("/hidamari/plan")
        .says("あすの配信")
        .says("2026年11月23日（月）")
        .says("?day=2026-11-24");
    place
        .get("/hidamari/plan?day=soon")
        .says("日付を読めませんでした")
        .says("<title>エラー：");
    place.get("/hidamari/plan?day=2026-11-22&page=99").says("妊娠39週0日");
}

#[test]
fn an_empty_town_says_what_will_stand_where() {
    let place = Place::open();
    place.empty_town("komorebi", "こもれび町", TenantKind::Practice, "eml");
    place
        .get("/komorebi/today")
        .says("まだ始まっていません")
        .says("これは練習です");
    place
        .get("/komorebi/plan")
        .says("この日に新しく届くことばは、ありません")
        .says("まだ版のないシリーズ");
    place.get("/komorebi/families").says("まだ家族がいません");
    place.get("/komorebi/mailbox").says("まだ1通もありません");
}

#[test]
fn a_familys_calendar_marks_what_was_sent_and_what_comes() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    place.run();
    let id = place.family(&town, "そら").subscription;
    let page = place.get(&format!("/hidamari/families/{id}"));
    page.says("次に届くことば")
        .says("送りました")
        .says("これから")
        .says("記録なし")
        .says("妊娠39週0日")
        .says("今月");
    page.says("40週（280日） − 7日 ＝ 273日 ＝ 39週0日").says("台帳の記録");
    let chosen = place.get(&format!("/hidamari/families/{id}?day=2026-11-23"));
    chosen.says("予定日 2026年11月29日（日） まで、あと6日。");
    let older = place.family(&town, "あお").subscription;
    place
        .get(&format!("/hidamari/families/{older}?day=2026-11-25"))
        .says("きょうの時期に原稿がありません");
    let born = place.family(&town, "めい").subscription;
    place
        .get(&format!("/hidamari/families/{born}"))
        .says("修正月齢")
        .says("満 0歳3か月");
    for wrong in ["sub_00000000000000000000000000000000", "sub_x", "..", "%00"] {
        assert_eq!(
            place.get(&format!("/hidamari/families/{wrong}")).status,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
}

#[test]
fn the_calendar_of_somebody_who_stopped_promises_nothing() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    let follower = place.family(&town, "そら");
    people::stop(place.env(), town.scope(), follower.subscriber, Actor::Reader).unwrap();
    let page = place.get(&format!("/hidamari/families/{}", follower.subscription));
    page.says("止めているので、もう何も届きません")
        .says("配信を止めています")
        .is_silent_about("これから</span>");
}

#[test]
fn families_are_listed_in_pages() {
    let place = Place::demo();
    place
        .get("/hidamari/families")
        .says("まめ")
        .says("妊娠39週0日")
        .says("受け取り中");
    let town = place.tenant("hidamari");
    let first = place.followers(&town)[0].subscription;
    place
        .get(&format!("/hidamari/families?after={first}"))
        .says("はじめから");
    assert_eq!(place.get("/hidamari/families?after=x").status, StatusCode::NOT_FOUND);
}

#[test]
fn the_mailbox_shows_letters_of_both_forms_without_their_addresses() {
    for format in ["json", "eml"] {
        let place = Place::open();
        let town = place.town("hidamari", "ひだまり市", TenantKind::Demo, format);
        place.run();
        let list = place.get("/hidamari/mailbox");
        list.says("【見本】11月22日のことば")
            .says("生後30日")
            .is_silent_about("family");
        let name = list
            .body
            .split("/hidamari/mailbox/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        assert!(name.ends_with(format), "{name}");
        let letter = place.get(&format!("/hidamari/mailbox/{name}"));
        assert_eq!(letter.status, StatusCode::OK);
        letter
            .says("止めるページ")
            .says("この家族として、止めるページをひらく")
            .says("この家族のページをひらく")
            .says("/hidamari/stop/");
        letter.is_silent_about("family").is_silent_about("@example.jp");
        let _ = town;
    }
}

/// Lets a town answer empty mails.
fn answer_empty_mails(place: &Place, town: &Tenant) {
    let settings = [
        ("host", "127.0.0.1"),
        ("from_address", "kosodate@hidamari.example"),
        ("register_address", "toroku@hidamari.example"),
    ];
    let account = NewAccount {
        channel: "email".to_owned(),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..NewAccount::default()
    };
    actions::tenants::put(place.env(), &town.code, &town.name, &town.settings, &[account]).unwrap();
}

#[test]
fn in_the_demo_an_empty_mail_comes_in_as_from_a_mail_server() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    let form = "application/x-www-form-urlencoded";
    place.get("/hidamari/mailbox").is_silent_about("空メール");
    assert_eq!(
        place.post("/hidamari/mailbox", form, "from=hana%40x.example").status,
        StatusCode::NOT_FOUND
    );

    answer_empty_mails(&place, &town);
    place
        .get("/hidamari/mailbox")
        .says("toroku@hidamari.example に空メール");
    for bad in [
        "",
        "hana",
        "hana%40x.example%0D%0ADelivered-To%3A+x",
        "%3Cb%3E%40x.example",
    ] {
        let answer = place.post("/hidamari/mailbox", form, &format!("from={bad}"));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        answer.says("メールアドレスの形で").is_silent_about("<b>@");
    }
    let maildir = place.env().witness.with_file_name("Maildir");
    assert!(!maildir.exists());

    let sent = place.post("/hidamari/mailbox", form, "from=Hana%40X.example");
    assert_eq!(sent.header("location"), "/hidamari/mailbox?sent=1");
    place.get("/hidamari/mailbox?sent=1").says("空メールを送りました");
    let look = inbound::look(place.env(), &mut Maildir::new(&maildir)).unwrap();
    assert_eq!((look.answered, look.ignored, look.broken), (1, 0, 0));
}

#[test]
fn the_demo_lists_what_can_be_tried() {
    let place = Place::demo();
    place.empty_town("komorebi", "こもれび町", TenantKind::Demo, "json");
    let mut listed = place.tenant("komorebi");
    listed.settings.listed = true;
    actions::tenants::put(place.env(), "komorebi", "こもれび町", &listed.settings, &[]).unwrap();
    place.run();
    let list = place.get("/hidamari/demo");
    assert_eq!(list.status, StatusCode::OK);
    for link in [
        "http://127.0.0.1:8118/_double/",
        "/hidamari/register",
        "/hidamari/mailbox#empty",
        "/r/",
        "/hidamari/my/",
        "/komorebi/move-in",
        "/hidamari/support",
    ] {
        list.says(link);
    }
    let links = list.body.split("href=\"").skip(1);
    let links = links.map(|rest| rest.split(['"', '#']).next().unwrap());
    for path in links.map(|link| link.trim_start_matches("http://127.0.0.1:8117")) {
        if path.starts_with('/') {
            let status = place.get(path).status;
            assert!(status.is_success() || status.is_redirection(), "{path}: {status}");
        }
    }
}

#[test]
fn the_mailbox_opens_nothing_outside_its_folder() {
    let place = Place::demo();
    place.run();
    let folder = place.outbox("hidamari");
    let secret = place.folder.path().join("secret.json");
    std::fs::write(&secret, r#"{"subject":"secret","text":"secret"}"#).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&secret, folder.join("2026-11-22-link.json")).unwrap();
    std::fs::write(folder.join("2026-11-22-huge.json"), vec![b' '; 600 << 10]).unwrap();
    std::fs::write(folder.join("2026-11-22-broken.eml"), "no letter").unwrap();
    for name in [
        "../secret.json",
        "..%2Fsecret.json",
        "..%2F..%2Fetc%2Fpasswd",
        "%2E%2E%2Fsecret.json",
        "..%5Csecret.json",
        "secret.json%00.json",
        "2026-11-22-link.json",
        "2026-11-22-huge.json",
        "2026-11-22-broken.eml",
        "kizuna.db",
        ".json",
    ] {
        let answer = place.get(&format!("/hidamari/mailbox/{name}"));
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        answer.is_silent_about("secret");
    }
    place.get("/hidamari/mailbox").is_silent_about("secret");
}

#[test]
fn words_of_articles_and_families_are_shown_and_never_run() {
    const ATTACK: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let place = Place::open();
    let town = place.empty_town("hidamari", "<i>市</i>", TenantKind::Demo, "json");
    let mut pack = starter_pack("starter-ja");
    for article in &mut pack.articles {
        article.revision.title = ATTACK.to_owned();
        article.revision.body = format!("{ATTACK}\n\n- {ATTACK}");
    }
    actions::content::import(place.env(), None, &pack).unwrap();
    place.register(&town, &[Row::due("<b>そら</b>", "2026-11-29")]);
    let id = place.family(&town, "<b>そら</b>").subscription;
    let family = format!("/hidamari/families/{id}");
    let plan = place.get("/hidamari/plan?day=2026-11-22");
    plan.says("&#60;script&#62;");
    place.run();
    let stop = place.stop_path(&town, "<b>そら</b>");
    for path in [
        "/hidamari/plan?day=2026-11-22",
        "/hidamari/today",
        "/hidamari/families",
        &family,
        "/hidamari/mailbox",
        &stop,
    ] {
        let answer = place.get(path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        for raw in ["<script", "<img", "<b>そら", "<i>市"] {
            assert!(!answer.body.contains(raw), "{path} has {raw}");
        }
    }
    let reflected = place.get("/hidamari/today?day=%3Cscript%3Ealert(1)%3C/script%3E");
    reflected.is_silent_about("<script");
}
