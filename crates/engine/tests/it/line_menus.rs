//! Rich menus at LINE: what staff asked for is what LINE has, whoever breaks off in between.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kizuna_channels::line::Client;
use kizuna_domain::menu::{Menu, MenuDocument, MenuStage, Size};
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::{self, Actor, people as readers};
use kizuna_engine::env::channel_account;
use kizuna_engine::menus::{self, Published};
use kizuna_line_double::{Double, Fault, FaultKind};
use kizuna_store::menus as rows;
use serde_json::json;

use crate::app::{Family, TestApp, Town, day, jst, on_both};
use crate::line_account::{CHANNEL, PROVIDER, double, line_town};

/// The ready menu, small so that it is drawn at once.
fn small(stage: MenuStage) -> MenuDocument {
    let mut document = Menu::ready(stage).document().clone();
    document.template.size = Size::new(800, 250.max(document.template.rows.len() as u32 * 270));
    document
}

/// A town whose small menus somebody asked to show.
fn asked<'a>(app: &'a TestApp, double: &Double) -> Town<'a> {
    let town = line_town(app, double, &[]);
    for stage in MenuStage::ALL {
        actions::line::draft_menu(&app.env, &town.tenant(), &small(*stage), Actor::CommandLine).unwrap();
    }
    ask(&town);
    town
}

fn ask(town: &Town<'_>) {
    let faults = actions::line::publish_menus(&town.app.env, &town.tenant(), Actor::CommandLine).unwrap();
    assert_eq!(faults, []);
}

fn publish(town: &Town<'_>) -> Published {
    menus::publish(&town.app.env, &town.tenant()).unwrap()
}

/// A reader who is the account's friend.
fn friend(double: &Double, family: Family) -> Family {
    double.add_user(PROVIDER, &family.address, "花子");
    double.befriend_quietly(CHANNEL, &family.address);
    family
}

/// A reader of each kind.
fn readers_of_each_kind(town: &Town<'_>, double: &Double) -> Vec<(&'static str, Family)> {
    let waiting = friend(double, town.family("waiting").add());
    let raising = friend(double, town.family("raising").born("2026-04-01").add());
    let both = friend(double, town.family("both").born("2024-04-01").add());
    town.family("second").due("2027-03-01").of(&both).add();
    let stopped = friend(double, town.family("stopped").state(SubscriptionState::Ended).add());
    vec![
        ("pregnancy", waiting),
        ("child", raising),
        ("pregnancy", both),
        ("stopped", stopped),
    ]
}

/// The stage whose menu a user sees, by its name at LINE.
fn seen(double: &Double, user: &str) -> String {
    let names: BTreeMap<String, String> = double
        .menus(CHANNEL)
        .into_iter()
        .map(|menu| (menu.id, menu.name))
        .collect();
    let id = double.menu_of(CHANNEL, user).unwrap_or_default();
    let name = names.get(&id).cloned().unwrap_or_default();
    name.split('-').nth(1).unwrap_or_default().to_owned()
}

/// Everything that LINE has, but for its ids.
fn at_line(double: &Double, users: &[&str]) -> Vec<String> {
    let menus = double.menus(CHANNEL);
    let line = |menu: &kizuna_line_double::Menu| {
        format!(
            "{} {} {}",
            menu.name,
            menu.picture.as_deref().unwrap_or("no picture"),
            if menu.is_default { "default" } else { "" }
        )
    };
    let mut all: Vec<String> = menus.iter().map(line).collect();
    all.extend(users.iter().map(|user| format!("{user} sees {}", seen(double, user))));
    all.sort();
    all
}

fn calls(double: &Double, method: &str, path: &str) -> usize {
    let requests = double.requests();
    requests.iter().filter(|r| r.method == method && r.path == path).count()
}

on_both! {
    fn everybody_sees_the_menu_of_their_stage(app) {
        let double = double();
        let town = asked(app, &double);
        let readers = readers_of_each_kind(&town, &double);
        double.add_user(PROVIDER, "U00000000000000000000000000000001", "まだの人");
        double.befriend_quietly(CHANNEL, "U00000000000000000000000000000001");

        assert_eq!(publish(&town), Published::Done { linked: 4 });

        for (stage, family) in &readers {
            assert_eq!(seen(&double, &family.address), *stage);
        }
        assert_eq!(seen(&double, "U00000000000000000000000000000001"), "start");
        assert_eq!(double.menus(CHANNEL).len(), 4);
        assert!(double.violations().is_empty(), "{:?}", double.violations());
        let state = app.env.db.read(|tx| menus::state(tx, &town.tenant())).unwrap();
        assert!(state.publication.unwrap().done_at.is_some());
        assert!(state.menus.iter().all(|menu| !menu.changed && menu.shown.is_some()));
    }
}

#[test]
fn showing_the_same_again_makes_nothing_and_links_nobody() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    readers_of_each_kind(&town, &double);
    publish(&town);
    let before = double.menus(CHANNEL);

    ask(&town);
    assert_eq!(publish(&town), Published::Done { linked: 0 });

    assert_eq!(double.menus(CHANNEL), before);
    assert_eq!(calls(&double, "POST", "/v2/bot/richmenu"), 4);
    assert_eq!(calls(&double, "POST", "/v2/bot/richmenu/bulk/link"), 3);
}

#[test]
fn a_changed_menu_replaces_the_one_before_and_no_other() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let readers = readers_of_each_kind(&town, &double);
    publish(&town);
    let before: Vec<String> = double.menus(CHANNEL).into_iter().map(|menu| menu.id).collect();

    let mut draft = small(MenuStage::Child);
    draft.buttons[1].label = "これまでのことば".to_owned();
    actions::line::draft_menu(&app.env, &town.tenant(), &draft, Actor::CommandLine).unwrap();
    ask(&town);
    assert_eq!(publish(&town), Published::Done { linked: 1 });

    let after: Vec<String> = double.menus(CHANNEL).into_iter().map(|menu| menu.id).collect();
    assert_eq!(after.len(), 4);
    assert_eq!(after.iter().filter(|id| !before.contains(id)).count(), 1);
    for (stage, family) in &readers {
        assert_eq!(seen(&double, &family.address), *stage);
    }
}

#[test]
fn menus_of_others_are_left_alone() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let account = channel_account(&town.accounts()[0]);
    let client = Client::new(&account, &app.env.net).unwrap();
    let bounds = json!({ "x": 0, "y": 0, "width": 800, "height": 540 });
    let action = json!({ "type": "uri", "label": "市", "uri": "https://hidamari.example/" });
    let theirs = json!({
        "size": { "width": 800, "height": 540 }, "selected": false, "name": "市のメニュー", "chatBarText": "市",
        "areas": [{ "bounds": bounds, "action": action }],
    });
    let id = client.create_menu(&theirs).unwrap();

    publish(&town);

    assert_eq!(double.menus(CHANNEL).len(), 5);
    assert!(double.menus(CHANNEL).iter().any(|menu| menu.id == id));
}

/// Every request that showing menus for the first time, and replacing them, makes of LINE.
const REQUESTS: [(&str, &str, u64); 8] = [
    ("GET", "/v2/bot/richmenu/list", 2),
    ("POST", "/v2/bot/richmenu", 4),
    ("POST", "/v2/bot/richmenu/{richMenuId}/content", 4),
    ("GET", "/v2/bot/richmenu/alias/list", 4),
    ("POST", "/v2/bot/richmenu/alias", 4),
    ("POST", "/v2/bot/user/all/richmenu/{richMenuId}", 1),
    ("POST", "/v2/bot/richmenu/bulk/link", 3),
    ("DELETE", "/v2/bot/richmenu/{richMenuId}", 1),
];

#[test]
fn whoever_breaks_off_anywhere_and_begins_again_comes_to_the_same_end() {
    let reference = {
        let (app, double) = (TestApp::sqlite(), double());
        let town = asked(&app, &double);
        let readers = readers_of_each_kind(&town, &double);
        publish(&town);
        let users: Vec<&str> = readers.iter().map(|(_, family)| family.address.as_str()).collect();
        at_line(&double, &users)
    };
    for (method, path, count) in REQUESTS {
        for nth in [1, count] {
            for kind in [FaultKind::Status(500), FaultKind::AcceptThenStatus(500)] {
                let (app, double) = (TestApp::sqlite(), double());
                let town = asked(&app, &double);
                let readers = readers_of_each_kind(&town, &double);
                let users: Vec<&str> = readers.iter().map(|(_, family)| family.address.as_str()).collect();
                if method == "DELETE" {
                    // There is something to take away only where another menu was shown before.
                    let mut old = small(MenuStage::Child);
                    old.buttons[1].label = "前のメニュー".to_owned();
                    actions::line::draft_menu(&app.env, &town.tenant(), &old, Actor::CommandLine).unwrap();
                    ask(&town);
                    publish(&town);
                    actions::line::draft_menu(&app.env, &town.tenant(), &small(MenuStage::Child), Actor::CommandLine)
                        .unwrap();
                    ask(&town);
                }
                // As many as one call is repeated, so that the try ends there as a dead process would.
                let mut fault = Fault::nth(nth, method, path, kind);
                fault.times = 6;
                double.script(fault);

                assert!(
                    menus::publish(&app.env, &town.tenant()).is_err(),
                    "{method} {path} {nth} {kind:?}"
                );
                let state = app.env.db.read(|tx| menus::state(tx, &town.tenant())).unwrap();
                let publication = state.publication.unwrap();
                assert!(publication.done_at.is_none() || method == "DELETE");
                assert!(publication.problem.unwrap().contains("5分後"), "staff are told");
                let mut tries = 1;
                while menus::publish(&app.env, &town.tenant()).is_err() {
                    tries += 1;
                    assert!(tries < 8, "{method} {path} {nth} {kind:?}");
                }

                assert_eq!(at_line(&double, &users), reference, "{method} {path} {nth} {kind:?}");
            }
        }
    }
}

#[test]
fn a_worker_that_died_loses_its_hold_after_five_minutes() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let (scope, now) = (town.tenant().scope(), jst("2026-12-24 08:00:00"));
    let dead = app
        .env
        .db
        .write(|tx| rows::claim(tx, scope, now, now + SignedDuration::from_mins(5)));
    assert!(dead.unwrap().is_some());

    assert_eq!(publish(&town), Published::Busy);
    app.clock.set(jst("2026-12-24 08:05:00"));
    assert_eq!(publish(&town), Published::Done { linked: 0 });
}

on_both! {
    fn readers_whose_stage_changed_are_found_by_the_next_look_and_nobody_else_is_asked_about(app) {
        let double = double();
        let town = asked(app, &double);
        let readers = readers_of_each_kind(&town, &double);
        publish(&town);
        let links = || calls(&double, "POST", "/v2/bot/richmenu/bulk/link");
        let before = links();

        let later = |minutes| app.clock.advance(SignedDuration::from_mins(minutes));
        later(6);
        assert!(menus::tick(&app.env).unwrap().is_empty());
        assert_eq!(links(), before, "nobody changed");

        let (waiting, raising) = (&readers[0].1, &readers[1].1);
        town.move_to(waiting, Anchor::Birth { on: day("2026-12-24"), due: Some(day("2027-01-01")) });
        town.stop(raising);
        menus::tick(&app.env).unwrap();
        assert_eq!(seen(&double, &waiting.address), "child");
        assert_eq!(seen(&double, &raising.address), "stopped");
        assert_eq!(links(), before + 2, "one request a menu");

        let late = friend(&double, town.family("late").add());
        menus::tick(&app.env).unwrap();
        assert_eq!(seen(&double, &late.address), "start", "not twice in five minutes");
        later(5);
        menus::tick(&app.env).unwrap();
        assert_eq!(seen(&double, &late.address), "pregnancy");
    }
}

#[test]
fn one_reader_is_given_their_menu_at_once() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let early = friend(&double, town.family("early").add());
    let link = |family: &Family| menus::link_reader(&app.env, &town.tenant(), family.subscriber).unwrap();
    assert!(!link(&early), "nothing is shown yet");
    publish(&town);

    let family = friend(&double, town.family("new").add());
    assert!(link(&family));
    assert_eq!(seen(&double, &family.address), "pregnancy");
    readers::stop(&app.env, town.tenant().scope(), family.subscriber, Actor::Reader).unwrap();
    assert!(link(&family));
    assert_eq!(seen(&double, &family.address), "stopped");

    let blocked = town.family("blocked").point(PointState::Suppressed).add();
    assert!(!link(&blocked));
    // The next look has nothing left to do for them.
    let links = calls(&double, "POST", "/v2/bot/richmenu/bulk/link");
    app.clock.advance(SignedDuration::from_mins(6));
    menus::tick(&app.env).unwrap();
    assert_eq!(calls(&double, "POST", "/v2/bot/richmenu/bulk/link"), links);
}

#[test]
fn a_guest_touches_no_menu() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = line_town(&app, &double, &[("mode", "guest")]);
    let family = friend(&double, town.family("guest").add());
    ask(&town);

    let refused = menus::publish(&app.env, &town.tenant()).unwrap_err();

    assert!(refused.to_string().contains("another vendor"), "{refused}");
    assert!(!menus::link_reader(&app.env, &town.tenant(), family.subscriber).unwrap());
    assert!(
        double
            .requests()
            .iter()
            .all(|request| !request.path.contains("richmenu"))
    );
}

#[test]
fn a_draft_with_faults_is_not_asked_to_be_shown() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let mut draft = small(MenuStage::Child);
    draft.buttons[1].label = "👶".to_owned();
    actions::line::draft_menu(&app.env, &town.tenant(), &draft, Actor::CommandLine).unwrap();
    let before = app.env.db.read(|tx| menus::state(tx, &town.tenant())).unwrap();

    let faults = actions::line::publish_menus(&app.env, &town.tenant(), Actor::CommandLine).unwrap();

    let [(stage, faults)] = faults.as_slice() else {
        panic!("{faults:?}")
    };
    assert_eq!(*stage, MenuStage::Child);
    assert!(faults[0].ja().contains("絵にできない文字"), "{}", faults[0].ja());
    assert_eq!(app.env.db.read(|tx| menus::state(tx, &town.tenant())).unwrap(), before);
}

#[test]
fn readers_beyond_one_bulk_link_are_all_given_theirs() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = asked(&app, &double);
    let families = town.families(1_201);
    for family in &families {
        friend(&double, family.clone());
    }

    assert_eq!(publish(&town), Published::Done { linked: 1_201 });

    assert!(
        families
            .iter()
            .all(|family| seen(&double, &family.address) == "pregnancy")
    );
}
