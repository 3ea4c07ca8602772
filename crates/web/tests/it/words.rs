//! What a family reads: today's words, all earlier ones, whom to call, and the home of one's own.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use kizuna_domain::day::Day;
use kizuna_domain::people::{EndReason, Follower, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::life::{self, Added, NewChild, Which};
use kizuna_engine::actions::people::{ListRow, check_list, import_list};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::actions::{self, Actor};
use kizuna_engine::{links, transactional};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::support::{Answer, Place, Row, TODAY, form, hidden};

const FORM: &str = "application/x-www-form-urlencoded";

fn town() -> (Place, Tenant) {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    (place, town)
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// The address of a reader's words.
fn words(place: &Place, town: &Tenant, reader: &Follower) -> String {
    let token = links::words_token(&place.env().keys, town.id, links::Holder::first(reader.subscriber));
    format!("/{}/words/{token}", town.code)
}

/// The address of a reader's own home, whose link ends on a day.
fn own(place: &Place, town: &Tenant, reader: &Follower, until: &str) -> String {
    let token = links::own_token(
        &place.env().keys,
        town.id,
        links::Holder::first(reader.subscriber),
        day(until),
    );
    format!("/{}/my/{token}", town.code)
}

/// Runs three mornings from today on; it is the third afterwards.
fn three_mornings(place: &Place) {
    for morning in ["2026-11-21T23:30:00Z", "2026-11-22T23:30:00Z", "2026-11-23T23:30:00Z"] {
        place.clock.set(morning);
        place.run();
    }
}

/// Titles of articles in a page's bubbles.
fn titles(answer: &Answer) -> Vec<String> {
    let parts = answer.body.split("<p class=\"talk__title\">").skip(1);
    parts
        .map(|part| part.split("</p>").next().unwrap().to_owned())
        .collect()
}

#[test]
fn todays_words_are_the_same_before_and_after_they_are_sent() {
    let (place, town) = town();
    let path = words(&place, &town, &place.family(&town, "まめ"));

    let before = place.get(&path);
    place.run();
    let after = place.get(&path);

    assert_eq!((before.status, after.status), (StatusCode::OK, StatusCode::OK));
    assert!(!titles(&before).is_empty());
    assert_eq!(titles(&before), titles(&after));
    before
        .says("<title>きょうのことば｜ひだまり市</title>")
        .says("妊娠13週2日")
        .is_silent_about("次の日")
        .is_silent_about("まめ");
}

#[test]
fn the_days_are_turned_like_pages_and_none_is_to_come() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let path = words(&place, &town, &family);
    three_mornings(&place);

    let first = place.get(&format!("{path}/day/2026-11-22"));
    first
        .says("<h1>11月22日（日）のことば</h1>")
        .says(&format!("href=\"{path}/day/2026-11-23\""))
        .is_silent_about("前の日");
    let last = place.get(&format!("{path}/day/2026-11-24"));
    last.says(&format!("href=\"{path}/day/2026-11-23\""))
        .says("きょうのことば")
        .is_silent_about("次の日");
    assert_ne!(titles(&first), titles(&last));
    for nothing in ["2026-11-21", "2026-11-25", "2026-11-31", "soon"] {
        assert_eq!(
            place.get(&format!("{path}/day/{nothing}")).status,
            StatusCode::NOT_FOUND,
            "{nothing}"
        );
    }

    // A correction of dates changes what comes, never what came.
    let corrected = kizuna_domain::position::Anchor::Due(day("2027-04-01"));
    actions::people::move_anchor(place.env(), town.scope(), family.subscription, corrected, Actor::Reader).unwrap();
    let again = place.get(&format!("{path}/day/2026-11-22"));
    assert_eq!(titles(&again), titles(&first));
    again.says("妊娠13週2日");
}

#[test]
fn the_list_begins_with_the_newest_and_finds_words_however_they_are_written() {
    let (place, town) = town();
    let path = words(&place, &town, &place.family(&town, "りく"));
    place.get(&format!("{path}/past")).says("まだありません");
    three_mornings(&place);

    let list = place.get(&format!("{path}/past"));
    let at = |day: &str| list.body.find(&format!("/day/{day}\""));
    let days = ["2026-11-24", "2026-11-23", "2026-11-22"].map(at);
    let there: Vec<usize> = days.into_iter().flatten().collect();
    assert!(!there.is_empty() && there.is_sorted(), "{days:?}");
    list.says("<title>これまでのことば｜ひだまり市</title>")
        .is_silent_about("りく");

    let title = list
        .body
        .split("<span class=\"rows__title\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let word: String = title.chars().filter(|c| ('ぁ'..='ん').contains(c)).take(2).collect();
    let katakana: String = word
        .chars()
        .map(|c| char::from_u32(u32::from(c) + 0x60).unwrap())
        .collect();
    let asked = |word: &str| {
        let word = word
            .bytes()
            .fold(String::new(), |word, byte| format!("{word}%{byte:02X}"));
        place.get(&format!("{path}/past?q={word}"))
    };
    asked(&word).says("見つかりました").says("/day/");
    assert_eq!(
        asked(&word).body.matches("/day/").count(),
        asked(&katakana).body.matches("/day/").count()
    );
    asked("ぬぬぬ<b>")
        .says("見つかりませんでした")
        .says("ぬぬぬ&#60;b&#62;")
        .is_silent_about("/day/");
    assert_eq!(
        place.get(&format!("{path}/past?p=99999999999999999999")).status,
        StatusCode::OK
    );
}

#[test]
fn everything_stands_on_one_page_for_paper_or_only_some_days() {
    let (place, town) = town();
    let path = words(&place, &town, &place.family(&town, "まめ"));
    three_mornings(&place);

    let all = place.get(&format!("{path}/print"));
    assert_eq!(all.body.matches("<section class=\"leaf\">").count(), 3);
    assert!(all.body.find("2026年11月22日") < all.body.find("2026年11月24日"));
    all.is_silent_about("<script").is_silent_about("window.print");
    let some = place.get(&format!("{path}/print?from=2026-11-23&to=2026-11-23"));
    assert_eq!(some.body.matches("<section class=\"leaf\">").count(), 1);
    some.says("2026年11月23日（月）");
}

#[test]
fn whoever_stopped_sees_no_words_and_a_link_that_others_hold_tells_nothing_of_the_stop() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let path = words(&place, &town, &family);
    let home = own(&place, &town, &family, "2026-12-20");
    three_mornings(&place);
    let forged = place.get(&format!("{}x", &path[..path.len() - 1]));
    actions::people::stop(place.env(), town.scope(), family.subscriber, Actor::Reader).unwrap();

    for page in ["", "/past", "/day/2026-11-22", "/print", "/past?q=%E3%81%AE"] {
        let answer = place.get(&format!("{path}{page}"));
        assert_eq!(answer.status, forged.status);
        assert_eq!(
            answer.body, forged.body,
            "{page} looks like any link that opens nothing"
        );
    }
    for page in ["", "/child", "/links"] {
        let answer = place.get(&format!("{home}{page}"));
        assert_eq!(answer.status, forged.status);
        answer.is_silent_about("止めました").is_silent_about("うまれました");
    }
}

#[test]
fn an_own_link_of_the_time_before_a_stop_adds_no_child() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let home = own(&place, &town, &family, "2026-12-20");
    let before = place.get(&format!("{home}/child"));
    let key = hidden(&before, "key");
    actions::people::stop(place.env(), town.scope(), family.subscriber, Actor::Reader).unwrap();

    let fields = [
        ("kind", "pregnant"),
        ("due_y", "2027"),
        ("due_m", "5"),
        ("due_d", "1"),
        ("key", &key),
        ("step", "add"),
    ];
    let page = format!("{home}/child");
    assert_eq!(place.post(&page, FORM, &form(&fields)).status, StatusCode::NOT_FOUND);
    let env = place.env();
    let added = life::add_child(
        env,
        &town,
        family.subscriber,
        &NewChild {
            key: key.parse().unwrap(),
            anchor: Anchor::Due(day("2027-05-01")),
            nickname: None,
            twin_of: None,
            wording: "v1",
        },
    );
    assert_eq!(added.unwrap(), Added::Over, "nor where the page did not look first");
    let living = env
        .db
        .read(|tx| people::of_subscriber(tx, &env.keys, town.scope(), family.subscriber));
    assert_eq!(living.unwrap(), []);
}

#[test]
fn links_that_a_reader_made_anew_open_everything_and_earlier_ones_only_the_way_out() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let (reading, home) = (words(&place, &town, &family), own(&place, &town, &family, "2026-12-20"));
    let page = place.get(&format!("{home}/links"));
    page.says("止めるリンクだけは").is_silent_about("まめ");
    let key = hidden(&page, "key");
    assert_eq!(place.get(&reading).status, StatusCode::OK, "looking changes nothing");
    let form_of_invite = hidden(&place.get(&format!("{home}/invite")), "key");
    let invite = [("step", "make"), ("key", form_of_invite.as_str())];
    place.post(&format!("{home}/invite"), FORM, &form(&invite));
    let invited = place.get(&format!("{home}/invite"));
    let (_, rest) = invited.body.split_once("/hidamari/with/").unwrap();
    let invited: String = rest.chars().take_while(|c| !"?\"<".contains(*c)).collect();
    let invited = format!("/hidamari/with/{invited}");
    assert_eq!(place.get(&invited).status, StatusCode::OK);

    let press = |key: &str| place.post(&format!("{home}/links"), FORM, &form(&[("key", key)]));
    let [first, second] = [press(&key), press(&key)];
    let after = first.header("location").to_owned();
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(second.header("location"), after, "a double tap keeps its link");
    place.get(&after).says("新しくしました");

    let stranger = press("018f3b3a-0000-7000-8000-00000000abcd");
    assert_eq!(
        stranger.status,
        StatusCode::NOT_FOUND,
        "whoever else holds the link gets no new one"
    );
    for earlier in [&reading, &home, &format!("{home}/stop"), &invited] {
        assert_eq!(place.get(earlier).status, StatusCode::NOT_FOUND);
    }
    let stop = place.get(&place.stop_path(&town, "まめ"));
    stop.says("すぐに止める");
    let fresh = after.split("/links").next().unwrap();
    let now = place.get(fresh);
    let (_, rest) = now.body.split_once("/hidamari/words/").unwrap();
    let token: String = rest.chars().take_while(|c| !"?/\"".contains(*c)).collect();
    assert_eq!(place.get(&format!("/hidamari/words/{token}")).status, StatusCode::OK);

    place.run();
    let letters = std::fs::read_dir(place.outbox("hidamari")).unwrap();
    let letters = letters.map(|letter| std::fs::read_to_string(letter.unwrap().path()).unwrap());
    assert!(
        letters.into_iter().any(|letter| letter.contains(&token)),
        "the next message brings the new link"
    );
}

#[test]
fn words_stay_when_everything_reached_its_last_day() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let path = words(&place, &town, &family);
    place.run();
    let completed = Some(EndReason::Completed);
    let env = place.env();
    env.db
        .write(|tx| {
            people::set_state(
                tx,
                town.scope(),
                family.subscription,
                SubscriptionState::Ended,
                completed,
            )
        })
        .unwrap();
    place.clock.set("2027-11-21T23:30:00Z");

    place
        .get(&path)
        .says("おわりまで届きました")
        .says("11月22日（日）のことば")
        .says("妊娠13週2日");
    place.get(&format!("{path}/past")).says("/day/2026-11-22");
}

#[test]
fn before_the_first_words_the_page_says_when_they_come() {
    let (place, _) = town();
    let town = place.empty_town("komorebi", "こもれび町", TenantKind::Demo, "json");
    place.register(
        &town,
        &[Row {
            registered: TODAY,
            ..Row::due("わかば", "2027-08-10")
        }],
    );
    let path = words(&place, &town, &place.family(&town, "わかば"));

    place
        .get(&path)
        .says("12月1日（火）の朝8時に、はじめてのことばが届きます。");
    place.clock.set("2026-11-30T01:00:00Z");
    place.get(&path).says("あしたの朝8時に、はじめてのことばが届きます。");
    place
        .get(&format!("{path}?lang=en"))
        .says("Your first words come tomorrow at 08:00.");
    place.get(&format!("{path}?lang=easy")).says("<ruby>朝<rp>");
}

#[test]
fn a_paused_reader_is_told_so_and_may_read_on() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    place.run();
    life::pause(place.env(), &town, family.subscriber, Which::All).unwrap();
    place.clock.set("2026-11-22T23:30:00Z");
    place
        .get(&words(&place, &town, &family))
        .says("お休み中です")
        .says("11月22日（日）のことば");
}

#[test]
fn forged_links_and_those_of_another_town_open_nothing() {
    let (place, hidamari) = town();
    let komorebi = place.town("komorebi", "こもれび町", TenantKind::Demo, "json");
    place.run();
    let here = words(&place, &hidamari, &place.family(&hidamari, "まめ"));
    let mine = own(&place, &hidamari, &place.family(&hidamari, "まめ"), "2026-12-22");
    let stop = place.stop_path(&hidamari, "まめ").replace("/stop/", "/words/");
    let elsewhere = here.replace("/hidamari/", &format!("/{}/", komorebi.code));
    for path in [
        &here[..here.len() - 1],
        &elsewhere,
        &stop,
        &mine.replace("/my/", "/words/"),
        &here.replace("/words/", "/my/"),
    ] {
        for page in ["", "/past", "/print"] {
            let answer = place.get(&format!("{path}{page}"));
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}{page}");
            answer.is_silent_about("妊娠13週2日");
        }
    }
}

#[test]
fn desks_say_whether_somebody_answers_now() {
    let (place, _) = town();
    // Sunday, and Monday is 勤労感謝の日.
    place
        .get("/hidamari/desks")
        .says("いまは しまっています。\nつぎは 11月24日（火）8:30から")
        .says("href=\"tel:%238000\"")
        .says("119");
    place.clock.set("2026-11-24T08:00:00Z");
    place.get("/hidamari/desks").says("いま ひらいています（17:15まで）");
    place
        .get("/hidamari/desks?lang=easy")
        .says("いま あいています（17:15まで）");
    place.get("/hidamari/desks?lang=en").says("Open now, until 17:15");
    // One line on every page of a family's.
    place.get("/hidamari/stopped").says("いま ひらいています（17:15まで）");
    place.clock.set("2026-11-24T10:00:00Z");
    place.get("/hidamari/desks").says("つぎは あした 8:30から");
}

#[test]
fn the_own_home_tells_the_stage_and_offers_what_fits() {
    let (place, town) = town();
    place.run();
    let pregnant = own(&place, &town, &place.family(&town, "まめ"), TODAY);
    let home = place.get(&pregnant);
    assert_eq!(home.status, StatusCode::OK);
    home.says("<title>あなたのページ｜ひだまり市</title>")
        .says("妊娠13週2日");
    for page in [
        "birth", "date", "child", "pause", "delivery", "invite", "move", "data", "stop",
    ] {
        home.says(&format!("href=\"{pregnant}/{page}\""));
    }
    home.says(&words(&place, &town, &place.family(&town, "まめ")));

    let raising = place.get(&own(&place, &town, &place.family(&town, "りく"), TODAY));
    raising
        .says("日付を直す")
        .is_silent_about("うまれました")
        .is_silent_about("/birth");
}

#[test]
fn an_old_link_offers_a_fresh_one_that_goes_to_the_address_on_record() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    let old = own(&place, &town, &family, "2026-11-21");
    let page = place.get(&old);
    assert_eq!(page.status, StatusCode::GONE);
    page.says("このリンクは、古くなりました")
        .is_silent_about("妊娠13週")
        .is_silent_about("example.jp\"");
    let action = old.replace("/my/", "/fresh/");
    page.says(&format!("action=\"{action}\""));

    let mails = || {
        let files = std::fs::read_dir(place.outbox("hidamari")).into_iter().flatten();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts
            .filter(|text| text.contains("新しいリンク"))
            .collect::<Vec<String>>()
    };
    let press = |path: &str| {
        let answer = place.post(path, FORM, "");
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/hidamari/fresh")
        );
        transactional::work(place.env()).unwrap();
    };
    press(&action);
    press(&action);
    assert_eq!(mails().len(), 1, "once an hour");
    assert!(mails()[0].contains("family1@example.jp"));
    let link = mails()[0].split("http://127.0.0.1:8117").nth(1).unwrap().to_owned();
    let link = link.split([' ', '\\', '"']).next().unwrap().to_owned();
    place.get(&link).says("あなたのページ");

    place.clock.set("2026-11-22T00:31:00Z");
    press(&action);
    assert_eq!(mails().len(), 2);
    for (hour, sent) in [("02", 3), ("04", 3), ("22", 3)] {
        place.clock.set(&format!("2026-11-22T{hour}:31:00Z"));
        press(&action);
        assert_eq!(mails().len(), sent, "three a day, whoever holds an old mail");
    }
    place.clock.set("2026-11-23T00:31:00Z");
    // Forged: the same answer, and nothing happens. Stopped: nothing ever follows.
    press(&action[..action.len() - 1]);
    actions::people::stop(place.env(), town.scope(), family.subscriber, Actor::Reader).unwrap();
    press(&action);
    assert_eq!(mails().len(), 3);
}

#[test]
fn a_link_of_years_ago_asks_for_nothing() {
    let (place, town) = town();
    let family = place.family(&town, "まめ");
    for (until, asks) in [("2025-10-18", true), ("2025-10-17", false)] {
        let old = own(&place, &town, &family, until);
        let action = old.replace("/my/", "/fresh/");
        let page = place.get(&old);
        assert_eq!(page.status, StatusCode::GONE);
        page.says("このリンクは、古くなりました").says("いちばん新しいメール");
        assert_eq!(page.body.contains(&action), asks, "{until}");
        assert_eq!(place.post(&action, FORM, "").header("location"), "/hidamari/fresh");
        assert_eq!(transactional::work(place.env()).unwrap(), usize::from(asks), "{until}");
        place.clock.set("2026-11-22T02:30:00Z");
    }
}

#[test]
fn a_town_that_sends_from_midnight_says_so() {
    let place = Place::bare();
    let mut settings = place
        .empty_town("hidamari", "ひだまり市", TenantKind::Demo, "json")
        .settings;
    settings.send_from = "00:00".to_owned();
    let town = actions::tenants::put(place.env(), "hidamari", "ひだまり市", &settings, &[]).unwrap();
    actions::content::import(place.env(), None, &crate::support::starter_pack("starter-ja")).unwrap();
    place.register(
        &town,
        &[Row {
            registered: TODAY,
            ..Row::due("わかば", "2027-08-10")
        }],
    );
    place.clock.set("2026-11-30T01:00:00Z");
    let path = words(&place, &town, &place.family(&town, "わかば"));
    place.get(&path).says("あしたの0時に、はじめてのことばが届きます。");
}

#[test]
fn whoever_reads_on_the_web_only_has_everything_behind_the_one_link() {
    let (place, town) = town();
    let web = NewAccount {
        channel: "web".to_owned(),
        ..NewAccount::default()
    };
    let town = actions::tenants::put(place.env(), "hidamari", "ひだまり市", &town.settings, &[web]).unwrap();
    let row = ListRow {
        line: 2,
        cells: BTreeMap::from([
            ("channel", "web".to_owned()),
            ("address", "reader-1".to_owned()),
            ("nickname", "わかば".to_owned()),
            ("due_on", "2027-05-28".to_owned()),
            ("registered_on", "2026-06-01".to_owned()),
        ]),
    };
    let checked = check_list(place.env(), &town, &[row], day(TODAY)).unwrap();
    import_list(place.env(), &town, &checked).unwrap();
    place.run();

    let page = place.get(&words(&place, &town, &place.family(&town, "わかば")));
    let link = page
        .body
        .split("href=\"")
        .find(|part| part.starts_with("/hidamari/my/"))
        .unwrap();
    place.get(link.split('"').next().unwrap()).says("あなたのページ");
    place
        .get(&words(&place, &town, &place.family(&town, "まめ")))
        .is_silent_about("/my/");
}
