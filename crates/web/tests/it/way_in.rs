//! The public way in: by mail, on the page, by an empty mail; nobody learns who is known; nothing typed is lost.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use kizuna_domain::day::Day;
use kizuna_domain::people::{Follower, PointState, Reach, Relation, SubscriptionState};
use kizuna_domain::place::PlaceCode;
use kizuna_domain::tenant::{Area, Asks, Settings, TenantKind, Wording};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::actions::{self, Actor, people as readers};
use kizuna_engine::line::identity;
use kizuna_engine::links::{Holder, own_token, stop_token, words_token};
use kizuna_engine::transactional;
use kizuna_store::tenants::Tenant;
use kizuna_store::{people, places};

use crate::support::{Answer, Place, TODAY, form, hidden};

const FORM: &str = "application/x-www-form-urlencoded";
const REGISTER: &str = "/hidamari/register";
/// What most families here give.
const DUE: [(&str, &str); 7] = [
    ("kind", "pregnant"),
    ("due_y", "2027"),
    ("due_m", "3"),
    ("due_d", "15"),
    ("way", "mail"),
    ("mail", "hana@reader.example"),
    ("who", "mother"),
];

/// A town that writes mails and has pages to read on, without families.
fn town(asks: Asks) -> (Place, Tenant) {
    let place = Place::open();
    let tenant = place.empty_town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    for pack in ["starter-ja", "sample-town-ja"] {
        let owner = (pack == "sample-town-ja").then_some(&tenant);
        actions::content::import(place.env(), owner, &crate::support::starter_pack(pack)).unwrap();
    }
    let web = NewAccount {
        channel: "web".to_owned(),
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
    };
    let settings = Settings {
        asks,
        ..tenant.settings.clone()
    };
    let tenant = actions::tenants::put(place.env(), "hidamari", "ひだまり市", &settings, &[web]).unwrap();
    (place, tenant)
}

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = fields
        .iter()
        .filter(|(name, _)| more.iter().all(|(other, _)| name != other));
    kept.chain(more).copied().collect()
}

fn send(place: &Place, path: &str, fields: &[(&str, &str)]) -> Answer {
    place.post(path, FORM, &form(fields))
}

/// Looks at an entry and gives the mark of that form.
fn mark(place: &Place, fields: &[(&str, &str)]) -> String {
    let look = send(place, REGISTER, &with(fields, &[("step", "look")]));
    assert_eq!(look.status, StatusCode::OK, "{}", look.body);
    hidden(&look, "once")
}

/// Looks and presses once.
fn press(place: &Place, fields: &[(&str, &str)]) -> Answer {
    let once = mark(place, fields);
    send(place, REGISTER, &with(fields, &[("step", "register"), ("once", &once)]))
}

/// The links to confirm that lie in the folder of letters after all mails have left.
fn links(place: &Place) -> Vec<String> {
    transactional::work(place.env()).unwrap();
    let Ok(folder) = std::fs::read_dir(place.outbox("hidamari")) else {
        return Vec::new();
    };
    let letters = folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let link = |letter: String| {
        let (_, rest) = letter.split_once("/hidamari/confirm/")?;
        let token: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
            .collect();
        Some(format!("/hidamari/confirm/{token}"))
    };
    letters.filter_map(link).collect()
}

fn followers(place: &Place, tenant: &Tenant) -> Vec<Follower> {
    let mut all = place.followers(tenant);
    all.retain(|follower| follower.reach != Reach::Silent(kizuna_domain::people::SkipReason::NoAddress));
    all
}

#[test]
fn whoever_asks_by_mail_is_nobody_before_they_press_behind_the_link() {
    let (place, town) = town(Asks::default());
    let page = place.get(REGISTER);
    assert_eq!(page.status, StatusCode::OK);
    page.says("どうやって受け取りますか")
        .says("メールアドレス")
        .says("このページで読む");
    assert_eq!(
        page.header("cache-control"),
        "private, no-cache",
        "the browser keeps the form"
    );

    let asked = press(&place, &DUE);
    assert_eq!(
        (asked.status, asked.header("location")),
        (StatusCode::SEE_OTHER, "/hidamari/register/sent")
    );
    place
        .get("/hidamari/register/sent")
        .says("メールを送りました")
        .says("30分以内");
    assert_eq!(followers(&place, &town), []);

    let link = links(&place).pop().unwrap();
    for _ in 0..2 {
        // Programs that look into mails follow links.
        let look = place.get(&link);
        assert_eq!(look.status, StatusCode::OK);
        look.says("妊娠23週6日").says("hana@reader.example").says("登録する");
    }
    assert_eq!(followers(&place, &town), []);

    let done = send(&place, &link, &[]);
    assert_eq!(done.header("location"), format!("{link}/done"));
    place
        .get(done.header("location"))
        .says("登録できました")
        .says("妊娠23週6日")
        .says("メールで届きます");
    let living = followers(&place, &town);
    assert_eq!(living.len(), 1);
    assert!(matches!(living[0].reach, Reach::At { .. }));

    assert_eq!(send(&place, &link, &[]).header("location"), done.header("location"));
    assert_eq!(place.get(&link).header("location"), done.header("location"));
    assert_eq!(followers(&place, &town), living, "a second press registers nobody");
}

#[test]
fn nobody_learns_from_the_page_which_addresses_are_known_stopped_or_refused() {
    let (place, town) = town(Asks::default());
    let (env, scope) = (place.env(), town.scope());
    for name in ["known", "stopped", "refused"] {
        let mail = format!("{name}@reader.example");
        press(&place, &with(&DUE, &[("mail", &mail)]));
        let link = links(&place)
            .into_iter()
            .find(|link| place.get(link).status == StatusCode::OK);
        send(&place, &link.unwrap(), &[]);
    }
    let point = |name: &str| {
        let address = format!("{name}@reader.example");
        env.db
            .read(|tx| people::point_at(tx, &env.keys, scope, "outbox", &address))
            .unwrap()
            .unwrap()
    };
    readers::stop(env, scope, point("stopped").subscriber, Actor::Reader).unwrap();
    let now = env.clock.now();
    env.db
        .write(|tx| people::suppress(tx, scope, point("refused").id, "gone", now))
        .unwrap();

    let answers: Vec<(StatusCode, String, String)> = ["known", "stopped", "refused", "new"]
        .into_iter()
        .map(|name| {
            let answer = press(&place, &with(&DUE, &[("mail", &format!("{name}@reader.example"))]));
            let headers = format!("{:?}", answer.headers);
            (
                answer.status,
                headers,
                answer.body + &place.get("/hidamari/register/sent").body,
            )
        })
        .collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    // Whoever proves that the address works is reached again.
    let fresh: Vec<String> = links(&place);
    for link in fresh.iter().filter(|link| place.get(link).status == StatusCode::OK) {
        send(&place, link, &[]);
    }
    assert_eq!(point("refused").state, PointState::Verified);
    let following = |name: &str| {
        let reader = point(name).subscriber;
        env.db
            .read(|tx| people::of_subscriber(tx, &env.keys, scope, reader))
            .unwrap()
    };
    for name in ["known", "stopped", "refused", "new"] {
        assert_eq!(
            following(name).len(),
            1,
            "{name}: one child, however often it was registered"
        );
    }
}

#[test]
fn two_presses_send_one_mail_and_a_form_of_yesterday_is_looked_at_again() {
    let (place, town) = town(Asks::default());
    let once = mark(&place, &DUE);
    let fields = with(&DUE, &[("step", "register"), ("once", &once)]);
    let [first, second] = [(); 2].map(|()| send(&place, REGISTER, &fields));
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(links(&place).len(), 1);

    for once in ["", "forged", &once[..once.len() - 2]] {
        let look = send(&place, REGISTER, &with(&DUE, &[("step", "register"), ("once", once)]));
        assert_eq!(look.status, StatusCode::OK);
        look.says("これで登録しますか").says("hana@reader.example");
    }
    let late = mark(&place, &DUE);
    place.clock.set("2026-11-23T23:30:00Z");
    send(&place, REGISTER, &with(&DUE, &[("step", "register"), ("once", &late)])).says("これで登録しますか");
    assert_eq!(links(&place).len(), 1);
    assert_eq!(followers(&place, &town), []);
}

#[test]
fn a_link_of_a_mail_that_is_forged_expired_or_another_towns_changes_nothing() {
    let (place, town) = town(Asks::default());
    place.empty_town("asahi", "あさひ市", TenantKind::Municipality, "json");
    press(&place, &DUE);
    let link = links(&place).pop().unwrap();
    let foreign = link.replace("/hidamari/", "/asahi/");
    let cut = link.strip_suffix(|_| true).unwrap().to_owned();
    let other_purpose = link.replace("/confirm/", "/register/mail/");
    for path in [foreign, cut, other_purpose, "/hidamari/confirm/x".to_owned()] {
        for answer in [place.get(&path), send(&place, &path, &DUE)] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.says("このリンクは使えなくなりました").says("/register\"");
        }
    }
    place.clock.set("2026-11-22T23:30:00Z");
    assert_eq!(send(&place, &link, &[]).status, StatusCode::NOT_FOUND);
    assert_eq!(place.get(&format!("{link}/done")).status, StatusCode::NOT_FOUND);
    assert_eq!(followers(&place, &town), []);
}

#[test]
fn whoever_reads_on_the_page_gives_no_address_and_gets_a_link_of_their_own() {
    let (place, town) = town(Asks::default());
    let fields = with(&DUE, &[("way", "web"), ("mail", "")]);
    let once = mark(&place, &fields);
    let fields = with(&fields, &[("step", "register"), ("once", &once)]);
    let [first, second] = [(); 2].map(|()| send(&place, REGISTER, &fields));
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    assert_eq!(first.header("location"), second.header("location"));

    // What the browser saves from this page on is the link that lasts, and it says what that opens.
    let here = first.header("location");
    assert!(
        here.starts_with("/hidamari/words/") && here.ends_with("?new=1"),
        "{here}"
    );
    let page = place.get(here);
    page.says("登録できました")
        .says("http://127.0.0.1:8117/hidamari/words/")
        .says("http://127.0.0.1:8117/hidamari/my/")
        .says("だれでも読めて、日付を変えることも、消すこともできます")
        .says("?lang=en&#38;new=1");
    let words = here.strip_suffix("?new=1").unwrap();
    place
        .get(words)
        .says("きょうのことば")
        .says("読むことも、変えることも、消すこともできます")
        .is_silent_about("登録できました");
    place.clock.set("2027-02-01T23:30:00Z");
    place.get(here).says("きょうのことば").is_silent_about("登録できました");
    let living = followers(&place, &town);
    assert_eq!(living.len(), 1);
    assert!(matches!(living[0].reach, Reach::At { .. }));
    assert_eq!(links(&place), Vec::<String>::new());
}

#[test]
fn a_form_that_registered_somebody_who_was_erased_registers_nobody_again() {
    let (place, town) = town(Asks::default());
    let fields = with(&DUE, &[("way", "web"), ("mail", "")]);
    let once = mark(&place, &fields);
    let fields = with(&fields, &[("step", "register"), ("once", &once)]);
    let done = send(&place, REGISTER, &fields);
    let [reader] = &followers(&place, &town)[..] else {
        panic!("one is registered")
    };
    let token = done.header("location").to_owned();
    actions::data::erase(place.env(), town.scope(), reader.subscriber).unwrap();
    assert_eq!(followers(&place, &town), []);

    let replayed = send(&place, REGISTER, &fields);
    assert_eq!(replayed.status, StatusCode::NOT_FOUND, "{}", replayed.body);
    assert_eq!(followers(&place, &town), []);
    assert_ne!(place.get(&token).status, StatusCode::OK);
}

#[test]
fn whoever_begins_again_after_a_stop_has_links_that_earlier_messages_do_not_hold() {
    let (place, town) = town(Asks::default());
    let env = place.env();
    let register = || {
        let token = identity::mail_ticket(env, town.scope(), "kara@reader.example").unwrap();
        let path = format!("{REGISTER}/mail/{token}");
        let done = send(&place, &path, &with(&DUE, &[("step", "register")]));
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let followers = followers(&place, &town);
        followers.last().unwrap().subscriber
    };
    let reader = register();
    let holder = || env.db.read(|tx| Holder::of(tx, town.scope(), reader)).unwrap();
    let pages = |holder: Holder| {
        let until = TODAY.parse::<Day>().unwrap() + 30;
        [
            format!("/hidamari/words/{}", words_token(&env.keys, town.id, holder)),
            format!("/hidamari/my/{}", own_token(&env.keys, town.id, holder, until)),
        ]
    };
    let before = pages(holder());
    assert!(before.iter().all(|page| place.get(page).status == StatusCode::OK));
    assert_eq!(register(), reader, "registering twice without a stop keeps everything");
    assert_eq!(pages(holder()), before);

    actions::people::stop(env, town.scope(), reader, Actor::Reader).unwrap();
    assert_eq!(register(), reader);
    assert!(
        before
            .iter()
            .all(|page| place.get(page).status == StatusCode::NOT_FOUND)
    );
    assert!(
        pages(holder())
            .iter()
            .all(|page| place.get(page).status == StatusCode::OK)
    );

    let stop = format!("/hidamari/stop/{}", stop_token(&env.keys, town.id, reader));
    place.post(&stop, FORM, "");
    let living = |follower: &Follower| follower.state != SubscriptionState::Ended;
    assert!(
        !followers(&place, &town).iter().any(living),
        "a stop link is good for ever"
    );
}

#[test]
fn an_empty_mail_has_proved_its_address_so_that_one_press_registers() {
    let (place, town) = town(Asks::default());
    let token = identity::mail_ticket(place.env(), town.scope(), "kara@reader.example").unwrap();
    let path = format!("{REGISTER}/mail/{token}");
    place
        .get(&path)
        .says("いまは、どちらですか")
        .is_silent_about("name=\"mail\"")
        .is_silent_about("name=\"way\"");
    let fields = with(&DUE, &[("mail", "other@reader.example"), ("step", "register")]);
    let done = send(&place, &path, &fields);
    assert_eq!(done.header("location"), format!("{path}/done"));
    place.get(done.header("location")).says("登録できました");
    let env = place.env();
    let known = |address: &str| {
        env.db
            .read(|tx| people::by_address(tx, &env.keys, town.scope(), "outbox", address))
            .unwrap()
    };
    assert!(known("kara@reader.example").is_some());
    assert!(
        known("other@reader.example").is_none(),
        "a field that was not asked for says nothing"
    );
    assert_eq!(place.get(&path).status, StatusCode::GONE);
    assert_eq!(place.get("/hidamari/register/fax/x").status, StatusCode::NOT_FOUND);
}

#[test]
fn what_is_wrong_is_said_and_everything_typed_is_still_there() {
    let asks = Asks {
        nickname: true,
        areas: vec![Area {
            code: "kita".to_owned(),
            name: "北地区".to_owned(),
        }],
        ..Asks::default()
    };
    let (place, town) = town(asks);
    let typed = with(&DUE, &[("nick", "はなちゃん"), ("area", "kita"), ("step", "look")]);
    let long = "あ".repeat(21);
    for (wrong, sentence) in [
        (("kind", ""), "妊娠中か子育て中を、えらんでください。"),
        (("due_d", ""), "出産予定日をえらんでください。"),
        (("way", "fax"), "受け取り方を、えらんでください。"),
        (("mail", ""), "メールアドレスの形がちがうようです。"),
        (("mail", "hana@"), "メールアドレスの形がちがうようです。"),
        (("mail", "hana reader.example"), "メールアドレスの形がちがうようです。"),
        (("nick", long.as_str()), "呼び名は20文字までです。"),
        (("nick", "は\u{200b}な"), "目に見えない文字"),
    ] {
        let answer = send(&place, REGISTER, &with(&typed, &[wrong]));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
        answer.says(sentence).says("role=\"alert\"").says("<title>エラー：");
        for (name, kept) in [
            ("due_m", "<option value=\"3\" selected>3</option>"),
            ("mail", "value=\"hana@reader.example\""),
            ("nick", "value=\"はなちゃん\""),
            ("area", "<option value=\"kita\" selected>"),
            ("who", "value=\"mother\" id=\"who-mother\" checked"),
        ] {
            if name != wrong.0 {
                answer.says(kept);
            }
        }
    }
    // Letters of any width are an address too.
    let folded = send(&place, REGISTER, &with(&typed, &[("mail", "Ｈana＠Reader.example")]));
    folded.says("hana@reader.example");
    assert_eq!(followers(&place, &town), []);
}

#[test]
fn what_a_town_asks_for_is_kept_and_what_it_does_not_ask_for_is_not() {
    let asks = Asks {
        nickname: true,
        areas: vec![Area {
            code: "kita".to_owned(),
            name: "北地区".to_owned(),
        }],
        wordings: [("ja", "標準"), ("ja-Hira", "やさしい日本語")]
            .map(|(language, name)| Wording {
                language: language.to_owned(),
                name: name.to_owned(),
            })
            .to_vec(),
        consent: true,
        ..Asks::default()
    };
    let fields = with(
        &DUE,
        &[("way", "web"), ("nick", "はな"), ("area", "kita"), ("words", "ja-Hira")],
    );
    let (place, asking) = town(asks);
    place
        .get(&format!("{REGISTER}?lang=easy"))
        .says("id=\"words-ja-Hira\" checked");
    let once = mark(&place, &fields);
    let pressed = with(&fields, &[("step", "register"), ("once", &once)]);
    let unticked = send(&place, REGISTER, &pressed);
    assert_eq!(unticked.status, StatusCode::UNPROCESSABLE_ENTITY);
    unticked
        .says("同意がいります")
        .says("北地区")
        .says("やさしい日本語")
        .says("はな");
    assert_eq!(followers(&place, &asking), []);
    let once = hidden(&unticked, "once");
    send(&place, REGISTER, &with(&pressed, &[("agree", "yes"), ("once", &once)]));
    let living = followers(&place, &asking);
    assert_eq!(living[0].nickname.as_deref(), Some("はな"));
    assert_eq!(living[0].area.as_deref(), Some("kita"));
    assert_eq!(living[0].language, "ja-Hira");
    let env = place.env();
    let rows = env
        .db
        .read(|tx| people::export(tx, &env.keys, asking.scope(), None, 10))
        .unwrap();
    assert_eq!(rows[0].consent_wording.as_deref(), Some("web-2026-11"));
    assert_eq!(rows[0].relation, Relation::Mother);

    let (place, silent) = town(Asks {
        relation: false,
        ..Asks::default()
    });
    place
        .get(REGISTER)
        .is_silent_about("name=\"who\"")
        .is_silent_about("name=\"nick\"");
    press(&place, &fields);
    let living = followers(&place, &silent);
    assert_eq!((&living[0].nickname, &living[0].area), (&None, &None));
    assert_eq!(living[0].language, "ja");
    let env = place.env();
    let rows = env
        .db
        .read(|tx| people::export(tx, &env.keys, silent.scope(), None, 10))
        .unwrap();
    assert_eq!(rows[0].relation, Relation::Unsaid);
}

#[test]
fn who_asks_too_often_waits_and_loses_nothing() {
    let (place, town) = town(Asks::default());
    let web = with(&DUE, &[("way", "web")]);
    for _ in 0..60 {
        assert_eq!(press(&place, &web).status, StatusCode::SEE_OTHER);
    }
    let refused = press(&place, &DUE);
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    refused
        .says("入れた内容は、このままです")
        .says("value=\"hana@reader.example\"");
    assert_eq!(refused.header("retry-after"), "3600");
    assert_eq!(followers(&place, &town).len(), 60);

    // Whoever has proved an address does not wait for those who have not.
    let ticket = identity::mail_ticket(place.env(), town.scope(), "kara@reader.example").unwrap();
    let path = format!("{REGISTER}/mail/{ticket}");
    let proved = send(&place, &path, &with(&DUE, &[("step", "register")]));
    assert_eq!(proved.header("location"), format!("{path}/done"));
    place.clock.set("2026-11-22T00:30:00Z");
    assert_eq!(press(&place, &DUE).status, StatusCode::SEE_OTHER);
}

#[test]
fn an_address_gets_three_mails_a_day_and_nobody_learns_whether_it_did() {
    let (place, _) = town(Asks::default());
    let answer = |mail: &str| {
        let answer = press(&place, &with(&DUE, &[("mail", mail)]));
        (answer.status, format!("{:?}", answer.headers), answer.body)
    };
    let first = answer("hana@reader.example");
    assert_eq!(first.0, StatusCode::SEE_OTHER);
    for _ in 0..4 {
        assert_eq!(answer("hana@reader.example"), first);
    }
    assert_eq!(links(&place).len(), 3);
    assert_eq!(answer("b@reader.example"), first, "nobody else is kept back");
    let all = links(&place);
    assert_eq!(all.len(), 4);
    for link in all {
        assert_eq!(place.get(&link).status, StatusCode::OK, "the earlier links are good");
    }
    place.get("/hidamari/register/sent").says("一日に3通まで");
    place.clock.set("2026-11-22T23:30:00Z");
    assert_eq!(answer("hana@reader.example"), first);
    assert_eq!(links(&place).len(), 5);
}

#[test]
fn whoever_stopped_is_not_asked_to_register_again_and_of_who_was_erased_no_link_is_known() {
    let (place, town) = town(Asks::default());
    let mut done = Vec::new();
    for name in ["stopped", "erased"] {
        press(&place, &with(&DUE, &[("mail", &format!("{name}@reader.example"))]));
        let link = links(&place)
            .into_iter()
            .find(|link| place.get(link).status == StatusCode::OK);
        done.push(send(&place, &link.unwrap(), &[]).header("location").to_owned());
    }
    let ticket = identity::mail_ticket(place.env(), town.scope(), "kara@reader.example").unwrap();
    let path = format!("{REGISTER}/mail/{ticket}");
    send(&place, &path, &with(&DUE, &[("step", "register")]));
    done.extend([format!("{path}/done"), path]);
    for (reader, is_erased) in followers(&place, &town).into_iter().zip([false, true, false]) {
        if is_erased {
            actions::data::erase(place.env(), town.scope(), reader.subscriber).unwrap();
        } else {
            readers::stop(place.env(), town.scope(), reader.subscriber, Actor::Reader).unwrap();
        }
    }
    let erased = done.remove(1);
    assert_eq!(
        place.get(&erased).status,
        StatusCode::NOT_FOUND,
        "it looks like any that expired"
    );
    for page in done {
        let answer = place.get(&page);
        assert_eq!(answer.status, StatusCode::GONE, "{page}");
        answer
            .says("このリンクは、もう使われています")
            .says("id=\"desks\"")
            .is_silent_about("はじめられます")
            .is_silent_about("/register\"");
    }
}

#[test]
fn a_date_may_be_written_as_people_write_it() {
    let (place, _) = town(Asks::default());
    for (year, month, day) in [("令和9", "３", "15日"), ("R9", "3/15", ""), ("2027", "", "2027/3/15")] {
        let typed = [("due_y", year), ("due_m", month), ("due_d", day)];
        let fields = with(&DUE, &typed);
        let look = send(&place, REGISTER, &with(&fields, &[("step", "look")]));
        look.says("2027年3月15日").says("妊娠23週6日");
        assert_eq!(press(&place, &fields).status, StatusCode::SEE_OTHER);
        send(&place, REGISTER, &with(&fields, &[("step", "edit")]))
            .says("<option value=\"2027\" selected>")
            .says("<option value=\"15\" selected>");
    }
}

#[test]
fn a_place_counts_who_registered_through_it_and_no_row_says_who() {
    let (place, town) = town(Asks::default());
    let other = place.empty_town("asahi", "あさひ市", TenantKind::Demo, "json");
    let env = place.env();
    let of = |tenant: &Tenant| env.db.read(|tx| places::of_tenant(tx, tenant.scope())).unwrap();
    let names: Vec<String> = of(&town).into_iter().map(|place| place.name).collect();
    assert_eq!(names, ["窓口", "産院", "健診", "広報"]);
    let code = of(&town)[1].code;

    let there = place.get(&format!("/r/{code}"));
    assert_eq!(there.header("location"), format!("/hidamari/register?p={code}"));
    assert_eq!(there.header("set-cookie"), "");
    assert_eq!(place.get("/r/zzzzzz").status, StatusCode::NOT_FOUND);
    assert_eq!(place.get("/r/x").status, StatusCode::NOT_FOUND);
    let front = place.get(&format!("/hidamari?p={code}&lang=easy"));
    assert_eq!(
        front.header("location"),
        format!("/hidamari/register?lang=easy&p={code}")
    );

    let page = place.get(there.header("location"));
    assert_eq!(hidden(&page, "p"), code.to_string());
    page.says(&format!("?lang=easy&#38;p={code}"));
    let code = code.to_string();
    let web = with(&DUE, &[("way", "web"), ("p", &code)]);
    press(&place, &web);
    press(&place, &with(&DUE, &[("p", &code)]));
    assert_eq!(
        of(&town)[1].registrations,
        1,
        "a mail that nobody answered is no registration"
    );
    let link = links(&place).pop().unwrap();
    send(&place, &link, &[]);
    send(&place, &link, &[]);
    let foreign = of(&other)[0].code.to_string();
    press(&place, &with(&web, &[("p", &foreign)]));
    press(&place, &with(&web, &[("p", "nonsense")]));
    assert_eq!(of(&town)[1].registrations, 2);
    assert_eq!(of(&other)[0].registrations, 0);

    let page = place.get("/hidamari/places");
    page.says("産院")
        .says("2人")
        .says(&format!("http://127.0.0.1:8117/r/{code}"));
}

#[test]
fn staff_add_places_and_rename_them_and_the_record_says_so() {
    let (place, town) = town(Asks::default());
    let added = send(&place, "/hidamari/places", &[("name", "駅前のクリニック")]);
    assert_eq!(added.header("location"), "/hidamari/places?done=add");
    let env = place.env();
    let all = || env.db.read(|tx| places::of_tenant(tx, town.scope())).unwrap();
    let code: PlaceCode = all()[4].code;
    let path = format!("/hidamari/places/{code}");
    assert_eq!(
        send(&place, &path, &[("name", "駅前の産院")]).header("location"),
        "/hidamari/places?done=rename"
    );
    assert_eq!((all()[4].name.as_str(), all()[4].code), ("駅前の産院", code));
    let long = "あ".repeat(41);
    for name in ["", "  ", long.as_str(), "は\u{200b}な"] {
        for path in ["/hidamari/places", &path] {
            let answer = send(&place, path, &[("name", name)]);
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
            answer.says("名前を、40文字までで入れてください。");
        }
    }
    assert_eq!(
        send(&place, "/hidamari/places/zzzzzz", &[("name", "x")]).status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(all().len(), 5);
    place
        .get("/hidamari/audit")
        .says("登録の入口をふやした")
        .says("登録の入口の名前を変えた");
}

#[test]
fn a_town_offers_only_the_ways_it_has() {
    let (place, _) = town(Asks::default());
    let asahi = place.empty_town("asahi", "あさひ市", TenantKind::Demo, "json");
    let page = place.get("/asahi/register");
    page.says("name=\"mail\"")
        .is_silent_about("name=\"way\"")
        .is_silent_about("line.me");
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let line = NewAccount {
        channel: "line".to_owned(),
        settings: BTreeMap::from([text("channel_id", "1650000001"), text("basic_id", "@asahi")]),
        secrets: BTreeMap::from([text("channel_secret", "0123456789abcdef0123456789abcdef")]),
    };
    actions::tenants::put(place.env(), "asahi", "あさひ市", &asahi.settings, &[line]).unwrap();
    let page = place.get("/asahi/register");
    page.says("https://line.me/R/ti/p/%40asahi").says(">登録</b>");
    let env = place.env();
    let code = env.db.read(|tx| places::of_tenant(tx, asahi.scope())).unwrap()[0].code;
    place.get(&format!("/asahi/register?p={code}")).says(&format!(
        "https://line.me/R/oaMessage/%40asahi/?%E7%99%BB%E9%8C%B2%20{code}"
    ));
}
