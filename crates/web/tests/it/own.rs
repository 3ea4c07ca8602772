//! A reader's own pages: a birth, dates, children, a pause, the end; every press may come twice, and a stale page changes nothing.

use axum::http::StatusCode;
use kizuna_domain::day::Day;
use kizuna_domain::people::{EndReason, Follower, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::{explain, links};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::support::{Answer, Place, TODAY, form, hidden};

const FORM: &str = "application/x-www-form-urlencoded";

/// One family of a town with its own link.
struct Home {
    place: Place,
    town: Tenant,
    follower: Follower,
}

impl Home {
    fn of(nickname: &str) -> Home {
        let place = Place::bare();
        let town = place.town("hidamari", "ひだまり市", TenantKind::Municipality, "json");
        let follower = place.family(&town, nickname);
        Home { place, town, follower }
    }

    fn path(&self, page: &str) -> String {
        let until = TODAY.parse::<Day>().unwrap() + 1;
        let token = links::own_token(
            &self.place.env().keys,
            self.town.id,
            links::Holder::first(self.follower.subscriber),
            until,
        );
        format!("/{}/my/{token}/{page}", self.town.code)
    }

    fn get(&self, page: &str) -> Answer {
        self.place.get(&self.path(page))
    }

    fn post(&self, page: &str, fields: &[(&str, &str)]) -> Answer {
        self.place.post(&self.path(page), FORM, &form(fields))
    }

    fn living(&self) -> Vec<Follower> {
        let env = self.place.env();
        let reader = self.follower.subscriber;
        env.db
            .read(|tx| people::of_subscriber(tx, &env.keys, self.town.scope(), reader))
            .unwrap()
    }

    fn twin(&self, nickname: &str) {
        let page = format!("child/{}", self.follower.subscription);
        let key = hidden(&self.get(&page), "key");
        let done = self.post(&page, &[("key", &key), ("nickname", nickname)]);
        assert_eq!(done.header("location"), "/hidamari/changed/child");
    }
}

fn birthday(text: &str) -> [(&'static str, String); 3] {
    let mut parts = text.split('-').map(str::to_owned);
    ["birth_y", "birth_m", "birth_d"].map(|name| (name, parts.next().unwrap()))
}

/// What a page's title says.
fn title(answer: &Answer) -> &str {
    let (_, rest) = answer.body.split_once("<title>").unwrap();
    rest.split("</title>").next().unwrap()
}

#[test]
fn a_birth_is_asked_for_without_a_congratulation_and_congratulated_once_it_was_told() {
    let home = Home::of("そら");
    let page = home.get("birth");
    assert_eq!(page.status, StatusCode::OK);
    page.says("うまれました")
        .says("<option value=\"22\" selected>22</option>")
        .says("つらいことがあったとき")
        .says("/support\"")
        .is_silent_about("おめでとう");
    assert_eq!(title(&page), "日付を入れる｜ひだまり市 子育てだより");
    let guess = home.get(&format!("birth/{}", home.follower.subscription));
    assert_eq!(
        guess.status,
        StatusCode::SEE_OTHER,
        "nobody is congratulated who told of nothing"
    );

    let child = hidden(&page, "child");
    let tell = |on: &str| {
        let date = birthday(on);
        let fields: Vec<(&str, &str)> = std::iter::once(("child", child.as_str()))
            .chain(date.iter().map(|(name, value)| (*name, value.as_str())))
            .collect();
        home.post("birth", &fields)
    };
    for (on, sentence) in [
        ("2026-11-23", "きょうより先"),
        ("2026-06-08", "大きくはなれています"),
        ("2026-2-31", "2月は28日まで"),
        ("2026--1", "誕生日をえらんでください"),
    ] {
        let wrong = tell(on);
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        wrong.says(sentence).is_silent_about("おめでとう");
    }
    for _ in 0..2 {
        let done = tell("2026-11-20");
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let page = home.place.get(done.header("location"));
        page.says("おめでとうございます")
            .says("生後2日")
            .is_silent_about("修正月齢");
        assert_eq!(title(&page), "日付が入りました｜ひだまり市 子育てだより");
    }
    let (on, due) = ("2026-11-20".parse().unwrap(), Some("2026-11-29".parse().unwrap()));
    assert_eq!(home.living()[0].anchor, Anchor::Birth { on, due });
    let stale = tell("2026-11-21");
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.says("ほかの画面で");
    home.get("birth").says("妊娠中の登録は、ありません。");
}

#[test]
fn whoever_was_born_early_follows_the_date_that_the_family_chooses() {
    let home = Home::of("つぶ");
    let child = hidden(&home.get("birth"), "child");
    let fields = [
        ("child", child.as_str()),
        ("birth_y", "2026"),
        ("birth_m", "11"),
        ("birth_d", "20"),
    ];
    let done = home.post("birth", &fields);
    let page = home.place.get(done.header("location"));
    page.says("予定日にあわせて届ける")
        .says("誕生日にあわせて届ける")
        .says("2027年3月15日");
    let (on, due) = ("2026-11-20".parse().unwrap(), "2027-03-15".parse().unwrap());
    assert_eq!(home.living()[0].anchor, Anchor::Birth { on, due: Some(due) });

    let subscription = home.follower.subscription.to_string();
    let version = hidden(&page, "version");
    let fields = [
        ("subscription", subscription.as_str()),
        ("version", &version),
        ("step", "by-birth"),
    ];
    let done = home.post("date", &fields);
    assert_eq!(done.header("location"), "/hidamari/changed/date");
    assert_eq!(
        home.living()[0].anchor,
        Anchor::Birth { on, due: None },
        "the birthday stays"
    );

    // And back again under 日付を直す, with the due date given once more.
    let page = home.get("date");
    page.says("予定日より早く生まれたとき");
    let version = hidden(&page, "version");
    let by_due = |year: &str, month: &str, day: &str| {
        let date = [("date_y", year), ("date_m", month), ("date_d", day)];
        let fields = [
            ("subscription", subscription.as_str()),
            ("version", &version),
            ("step", "by-due"),
        ];
        home.post("date", &[&fields[..], &date].concat())
    };
    by_due("2026", "12", "1").says("3週間をこえて早く");
    by_due("2026", "2", "30")
        .says("2月は28日まで")
        .says("<option value=\"30\" selected>30</option>");
    assert_eq!(by_due("2027", "3", "15").header("location"), "/hidamari/changed/date");
    assert_eq!(home.living()[0].anchor, Anchor::Birth { on, due: Some(due) });
    home.get("date").says("修正月齢");
}

#[test]
fn a_date_is_looked_at_before_it_is_saved_and_may_change_for_ever() {
    let home = Home::of("つぶ");
    let subscription = home.follower.subscription.to_string();
    for (month, day, stage) in [
        ("3", "20", "妊娠23週1日"),
        ("4", "1", "妊娠21週3日"),
        ("3", "15", "妊娠23週6日"),
    ] {
        let version = hidden(&home.get("date"), "version");
        let send = |step: &str| {
            let date = [("date_y", "2027"), ("date_m", month), ("date_d", day)];
            let fields = [
                ("subscription", subscription.as_str()),
                ("version", &version),
                ("step", step),
            ];
            home.post("date", &[&fields[..], &date].concat())
        };
        let before = home.living()[0].anchor;
        send("look").says(stage).says("この日付にする");
        assert_eq!(home.living()[0].anchor, before, "looking changes nothing");
        send("edit").says(&format!("<option value=\"{day}\" selected>"));
        for _ in 0..2 {
            assert_eq!(send("save").header("location"), "/hidamari/changed/date");
        }
        let due = format!("2027-{month:0>2}-{day:0>2}").parse().unwrap();
        assert_eq!(home.living()[0].anchor, Anchor::Due(due));
    }
    let wrong = home.post(
        "date",
        &[
            ("subscription", &subscription),
            ("version", "1"),
            ("step", "look"),
            ("date_y", "2028"),
            ("date_m", "1"),
            ("date_d", "5"),
        ],
    );
    wrong.says("10か月より先").says("role=\"alert\"");
    // Typed on a page that somebody else's press made stale: kept, and not written.
    let stale = home.post(
        "date",
        &[
            ("subscription", &subscription),
            ("version", "1"),
            ("step", "save"),
            ("date_y", "2027"),
            ("date_m", "3"),
            ("date_d", "25"),
        ],
    );
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale
        .says("<option value=\"25\" selected>25</option>")
        .says("妊娠23週6日");
}

#[test]
fn another_child_is_added_once_and_a_twin_only_where_it_is_asked_for() {
    let home = Home::of("はな");
    let page = home.get("child");
    let key = hidden(&page, "key");
    page.says("ふたご・みつごのとき");
    let send = |step: &str, key: &str, month: &str, name: &str| {
        let fields = [
            ("kind", "pregnant"),
            ("due_y", "2027"),
            ("due_m", month),
            ("due_d", "20"),
            ("nickname", name),
        ];
        home.post("child", &[&fields[..], &[("step", step), ("key", key)]].concat())
    };
    send("look", &key, "7", "ひかり")
        .says("妊娠5週5日")
        .says("ひかり")
        .says("ふやす");
    assert_eq!(home.living().len(), 1);
    for _ in 0..2 {
        assert_eq!(
            send("add", &key, "7", "ひかり").header("location"),
            "/hidamari/changed/child"
        );
    }
    assert_eq!(home.living().len(), 2, "two presses of one form add one child");
    let other = hidden(&home.get("child"), "key");
    let known = send("add", &other, "7", "");
    assert_eq!(known.status, StatusCode::CONFLICT);
    known
        .says("もう登録されています")
        .says("<details class=\"card gap fold\" open>");
    send("look", &other, "7", "とてもとてもとてもとてもながいよびかたです").says("20文字まで");
    home.twin("かおり");
    let names: Vec<Option<String>> = home.living().into_iter().map(|child| child.nickname).collect();
    assert_eq!(names.len(), 3);
    assert!(names.contains(&Some("かおり".to_owned())));
    let twins = home
        .living()
        .iter()
        .filter(|child| child.anchor == home.follower.anchor)
        .count();
    assert_eq!(twins, 2);
}

#[test]
fn twins_are_told_of_at_once() {
    let home = Home::of("そら");
    home.twin("うみ");
    let page = home.get("birth");
    assert_eq!(page.body.matches("type=\"checkbox\"").count(), 2);
    assert_eq!(
        page.body.matches(" checked").count(),
        0,
        "perhaps not all of them were born"
    );
    let children: Vec<&str> = page
        .body
        .split("name=\"child\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let fields = [("birth_y", "2026"), ("birth_m", "11"), ("birth_d", "21")];
    let nobody = home.post("birth", &fields);
    nobody.says("どのお子さんかを、えらんでください。");
    let both = [("child", children[0]), ("child", children[1])];
    assert_eq!(
        home.post("birth", &[&both[..], &fields].concat()).status,
        StatusCode::SEE_OTHER
    );
    assert!(home.living().iter().all(|child| child.anchor.birth().is_some()));
}

#[test]
fn a_pause_is_one_press_for_all_or_for_one_and_ends_by_another() {
    let home = Home::of("そら");
    home.twin("うみ");
    let page = home.get("pause");
    page.says("理由は聞きません").says("一人ずつえらぶ").says("うみ");
    let states = || -> Vec<SubscriptionState> { home.living().iter().map(|child| child.state).collect() };
    let (active, paused) = (SubscriptionState::Active, SubscriptionState::Paused);
    let one = home.follower.subscription.to_string();
    for (which, step, expected) in [
        (one.as_str(), "pause", [paused, active]),
        ("all", "pause", [paused, paused]),
        (one.as_str(), "resume", [active, paused]),
        ("all", "resume", [active, active]),
    ] {
        for _ in 0..2 {
            let done = home.post("pause", &[("which", which), ("step", step)]);
            assert_eq!(done.header("location"), format!("/hidamari/changed/{step}"));
            assert_eq!(states(), expected, "{which} {step}");
        }
    }
    home.place.get("/hidamari/changed/resume").says("あしたから");
    for fields in [[("which", "x"), ("step", "pause")], [("which", "all"), ("step", "x")]] {
        assert_eq!(home.post("pause", &fields).status, StatusCode::OK);
    }
    assert_eq!(states(), [active, active]);
}

#[test]
fn everything_stops_by_the_first_button_and_one_child_behind_a_quiet_link() {
    let home = Home::of("そら");
    home.get("stop").is_silent_about("一部だけ");
    home.twin("うみ");
    let stop_link = home.place.stop_path(&home.town, "そら");
    for (path, each) in [
        (home.path("stop"), home.path("stop/each")),
        (stop_link.clone(), format!("{stop_link}/each")),
    ] {
        let page = home.place.get(&path);
        assert_eq!(page.body.matches("<button").count(), 1);
        for child in ["そら", "うみ", "妊娠39週"] {
            page.is_silent_about(child);
        }
        page.says(&format!("href=\"{each}\"")).says("だれにも伝わりません");
        home.place.get(&each).says("理由は聞きません");
    }
    home.get("stop/each").says("そら").says("うみ");
    // A stop link lives for ever and is passed on with every mail.
    let each = home.place.get(&format!("{stop_link}/each"));
    each.says("おなかの子（先に登録した一人目）")
        .says("おなかの子（二人目）");
    for private in ["そら", "うみ", "妊娠", "週", "2026年"] {
        each.is_silent_about(private);
    }
    let of = |name: &str| home.place.family(&home.town, name).subscription.to_string();
    let (sora, umi, stranger) = (of("そら"), of("うみ"), of("まめ"));
    home.post("stop/each", &[("child", &stranger)]);
    assert_eq!(
        home.place.family(&home.town, "まめ").state,
        SubscriptionState::Active,
        "nobody stops for another"
    );
    for _ in 0..2 {
        let done = home
            .place
            .post(&format!("{stop_link}/each"), FORM, &form(&[("child", &umi)]));
        assert_eq!(done.header("location"), "/hidamari/changed/one");
    }
    let left = home.place.get("/hidamari/changed/one");
    left.says("止めました。")
        .is_silent_about("お子さん")
        .is_silent_about("おめでとう");
    assert_eq!(home.living().len(), 1);
    for page in ["date", "pause", "child", "stop", "stop/each", "birth"] {
        home.get(page).is_silent_about("うみ");
    }
    // The last one is everything.
    assert_eq!(
        home.post("stop/each", &[("child", &sora)]).header("location"),
        "/hidamari/stopped"
    );
    assert_eq!(home.post("stop", &[]).header("location"), "/hidamari/stopped");
    assert!(home.living().is_empty());
}

#[test]
fn what_a_page_says_after_a_stop_is_true() {
    let home = Home::of("そら");
    home.twin("うみ");
    let (birth, date) = (home.get("birth"), home.get("date"));
    let (child, version) = (hidden(&birth, "child"), hidden(&date, "version"));
    let sora = home.follower.subscription.to_string();
    home.post("stop/each", &[("child", &sora)]);
    // One is left: nothing would go on beside it.
    assert_eq!(home.get("stop/each").header("location"), home.path("stop"));
    let stale = home.post("pause", &[("which", &sora), ("step", "resume")]);
    assert_eq!(stale.header("location"), home.path("pause"));

    home.post("stop", &[]);
    let stop_link = home.place.stop_path(&home.town, "まめ");
    assert_eq!(home.get("stop/each").header("location"), home.path("stop"));
    assert_eq!(
        home.place.get(&format!("{stop_link}/each")).header("location"),
        stop_link
    );
    for step in ["pause", "resume"] {
        let answer = home.post("pause", &[("which", "all"), ("step", step)]);
        assert_eq!(answer.header("location"), home.path("pause"));
    }
    home.get("pause").says("いまは、なにも届きません。");
    let date = [("birth_y", "2026"), ("birth_m", "11"), ("birth_d", "20")];
    let stale = home.post("birth", &[&[("child", child.as_str())][..], &date].concat());
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.says("変わっていました").is_silent_about("残っています");
    let date = [("date_y", "2026"), ("date_m", "11"), ("date_d", "20")];
    let about = [("subscription", sora.as_str()), ("version", &version), ("step", "save")];
    let stale = home.post("date", &[&about[..], &date].concat());
    assert_eq!(stale.status, StatusCode::CONFLICT);
    stale.says("変わっていました").is_silent_about("残っています");
}

#[test]
fn a_nickname_is_read_as_it_is_at_the_registration() {
    let home = Home::of("そら");
    let page = format!("child/{}", home.follower.subscription);
    let key = hidden(&home.get(&page), "key");
    let long = "あ".repeat(21);
    for (name, sentence) in [
        ("う\u{200b}み", "目に見えない文字"),
        ("う\nみ", "目に見えない文字"),
        ("う\tみ", "目に見えない文字"),
        (long.as_str(), "20文字まで"),
    ] {
        let wrong = home.post(&page, &[("key", &key), ("nickname", name)]);
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
        wrong.says(sentence);
    }
    home.post(&page, &[("key", &key), ("nickname", " ｳﾐちゃん　")]);
    let names: Vec<Option<String>> = home.living().into_iter().map(|child| child.nickname).collect();
    assert!(names.contains(&Some("ウミちゃん".to_owned())), "{names:?}");
}

#[test]
fn the_page_of_support_asks_nothing_and_says_what_the_town_wrote() {
    let home = Home::of("そら");
    let page = home.place.get("/hidamari/support");
    assert_eq!(title(&page), "相談先｜ひだまり市 子育てだより");
    page.says("何があったかは、聞きません")
        .says("<ruby>母子健康手帳<rp>")
        .says("流産・死産を経験された方の相談")
        .says("「停止」")
        .is_silent_about("図書館")
        .is_silent_about("<form")
        .is_silent_about("つづかなかったとき");
    let first = page.body.find("グリーフの相談").unwrap();
    assert!(
        first < page.body.find("こども家庭センター").unwrap(),
        "whom it is for comes first"
    );
    let own = home.get("support");
    own.says("/pause\"").says("/stop\"");
    for banned in ["おめでとう", "元気を出して", "次が", "<svg class=\"hero\"", "/birth\""] {
        page.is_silent_about(banned);
        own.is_silent_about(banned);
    }
    // A town that wrote nothing says whom to ask, and promises nothing.
    let place = Place::bare();
    place.empty_town("asahi", "あさひ市", TenantKind::Municipality, "json");
    place
        .get("/asahi/support")
        .says("使えることがあります")
        .says("窓口に電話してください");
    for lang in ["easy", "en"] {
        assert_eq!(place.get(&format!("/asahi/support?lang={lang}")).status, StatusCode::OK);
    }
}

#[test]
fn a_link_that_ended_or_is_forged_or_another_towns_changes_nothing() {
    let home = Home::of("そら");
    home.place.town("asahi", "あさひ市", TenantKind::Municipality, "json");
    let good = home.path("pause");
    let fields = form(&[("which", "all"), ("step", "pause")]);
    let cut = good.replace("/pause", "").chars().rev().skip(1).collect::<Vec<_>>();
    let cut: String = cut.into_iter().rev().collect::<String>() + "/pause";
    let refused = |path: &str| {
        for answer in [home.place.get(path), home.place.post(path, FORM, &fields)] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.says("このリンクは使えなくなりました").is_silent_about("そら");
        }
    };
    refused(&good.replace("/hidamari/", "/asahi/"));
    refused(&cut);
    refused("/hidamari/my/x/pause");
    home.place.clock.set("2026-11-23T14:59:00Z");
    assert_eq!(
        home.place.get(&good).status,
        StatusCode::OK,
        "the last day is a whole day"
    );
    home.place.clock.set("2026-11-23T15:01:00Z");
    for answer in [home.place.get(&good), home.place.post(&good, FORM, &fields)] {
        assert_eq!(answer.status, StatusCode::GONE);
        answer.says("新しいリンク").is_silent_about("そら");
    }
    assert_eq!(home.living()[0].state, SubscriptionState::Active);
}

#[test]
fn nothing_that_anybody_sees_tells_one_end_from_another() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    place.run();
    let follower = place.family(&town, "そら");
    let (id, reader) = (follower.subscription, follower.subscriber);
    let env = place.env();
    let own = links::own_token(
        &env.keys,
        town.id,
        links::Holder::first(reader),
        TODAY.parse::<Day>().unwrap() + 1,
    );
    let stop = links::stop_token(&env.keys, town.id, reader);
    let pages = [
        "/hidamari/families".to_owned(),
        format!("/hidamari/families/{id}"),
        "/hidamari/today".to_owned(),
        "/hidamari/plan".to_owned(),
        "/hidamari/audit".to_owned(),
        format!("/hidamari/my/{own}/date"),
        format!("/hidamari/my/{own}/pause"),
        format!("/hidamari/my/{own}/stop"),
        format!("/hidamari/stop/{stop}"),
        format!("/hidamari/stop/{stop}/each"),
        "/hidamari/stopped".to_owned(),
    ];
    let seen = |reason: EndReason| {
        env.db
            .write(|tx| {
                people::set_state(tx, town.scope(), id, SubscriptionState::Ended, Some(reason))?;
                people::refresh_reach(tx, town.scope(), reader)
            })
            .unwrap();
        let mut seen: Vec<String> = pages.iter().map(|path| place.get(path).body).collect();
        let why = explain::why(env, &town, &id.to_string(), TODAY.parse().unwrap()).unwrap();
        seen.push(serde_json::to_string(&why).unwrap());
        let rows = env
            .db
            .read(|tx| people::export(tx, &env.keys, town.scope(), None, 100))
            .unwrap();
        let row = rows.iter().find(|row| row.subscription == id).unwrap();
        seen.push(format!(
            "{:?} {:?} {:?} {:?}",
            row.state, row.nickname, row.consent_wording, row.point_state
        ));
        seen
    };
    let usual = seen(EndReason::Stopped);
    assert!(
        usual
            .iter()
            .all(|page| !page.contains("loss") && !page.contains("そら"))
    );
    for reason in EndReason::ALL {
        assert_eq!(seen(*reason), usual, "{reason:?}");
    }
}

#[test]
fn these_pages_speak_three_languages_and_hold_no_script() {
    let home = Home::of("つぶ");
    home.twin("まる");
    let twin = format!("child/{}", home.follower.subscription);
    for page in ["birth", "date", "child", &twin, "pause", "stop", "stop/each", "support"] {
        for (lang, tag) in [("", "ja"), ("?lang=easy", "ja"), ("?lang=en", "en")] {
            let answer = home.get(&format!("{page}{lang}"));
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            answer.says(&format!("<html lang=\"{tag}\">"));
            assert_eq!(answer.body.matches("<h1").count(), 1, "{page}");
            for banned in ["<script", " style=", "<style", " onclick", "src=\"http", "｜母", "《"] {
                answer.is_silent_about(banned);
            }
            for name in ["つぶ", "まる", "妊娠23", "2027"] {
                assert!(!title(&answer).contains(name), "{page}: {}", title(&answer));
            }
            if lang == "?lang=easy" {
                answer.says("<ruby>");
            }
            let action = answer
                .body
                .split("action=\"")
                .nth(1)
                .map(|rest| rest.split('"').next().unwrap());
            assert!(
                action.is_none_or(|action| action.ends_with(lang)),
                "{page}: the answer speaks the same"
            );
        }
    }
}
