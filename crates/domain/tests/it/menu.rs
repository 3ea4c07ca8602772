//! Rich menus: the ready ones, each rule broken once, and what LINE is told.

use std::collections::BTreeMap;

use kizuna_domain::menu::{
    Area, Button, CONTRAST_MIN, Colour, Destinations, Icon, Intent, KEY_COLOURS, Menu, MenuAction, MenuDocument,
    MenuProblem, MenuStage, POSTBACK_CHARS_MAX, Size, Template,
};
use proptest::prelude::*;
use serde_json::json;

fn document(stage: MenuStage) -> MenuDocument {
    Menu::ready(stage).document().clone()
}

/// The problems of the ready menu for children after one change.
fn after(change: impl FnOnce(&mut MenuDocument)) -> Vec<MenuProblem> {
    let mut document = document(MenuStage::Child);
    change(&mut document);
    document.check().expect_err("the change breaks a rule")
}

fn labelled(label: &str) -> Vec<MenuProblem> {
    after(|menu| menu.buttons[1].label = label.to_owned())
}

fn doing(action: MenuAction) -> Vec<MenuProblem> {
    after(|menu| menu.buttons[1].action = action)
}

fn arranged(width: u32, height: u32, rows: &[u32]) -> Vec<MenuProblem> {
    after(|menu| {
        menu.template = Template {
            size: Size::new(width, height),
            rows: rows.to_vec(),
        };
        let count = rows.iter().sum::<u32>().min(30) as usize;
        let filler = Button {
            label: "本".to_owned(),
            ..Intent::Past.into()
        };
        menu.buttons.truncate(count);
        menu.buttons.resize(count, filler);
    })
}

#[test]
fn every_stage_has_a_ready_menu_that_keeps_the_rules() {
    for stage in MenuStage::ALL {
        let menu = Menu::ready(*stage);
        assert_eq!(menu.document().stage, *stage);
        assert_eq!(menu.document().clone().check(), Ok(menu));
    }
}

#[test]
fn ready_arrangements_keep_the_rules() {
    for (name, template) in Template::ready() {
        let mut document = document(MenuStage::Child);
        document.buttons = std::iter::once(Intent::Desks)
            .chain(std::iter::repeat(Intent::Stop))
            .take(template.rows.iter().sum::<u32>() as usize)
            .map(Button::from)
            .collect();
        document.template = template;
        assert!(document.check().is_ok(), "{name}");
    }
}

#[test]
fn a_menu_is_stored_as_json_and_an_unknown_field_is_refused() {
    let mut document = document(MenuStage::Stopped);
    document.buttons[1].action = MenuAction::Link("https://kosodate.example.jp/".to_owned());
    document.buttons[2].action = MenuAction::Call("#8000".to_owned());
    let stored = json!({
        "stage": "stopped",
        "bar": "メニュー・相談先",
        "colour": "#0e5e5b",
        "template": { "size": { "width": 2500, "height": 843 }, "rows": [3] },
        "buttons": [
            { "label": "相談先", "icon": "talk", "action": { "ask": "desks" } },
            { "label": "これまで", "icon": "book", "action": { "link": "https://kosodate.example.jp/" } },
            { "label": "また受け取る", "icon": "letter", "action": { "call": "#8000" } },
        ],
    });

    assert_eq!(serde_json::to_value(&document).unwrap(), stored);
    assert_eq!(
        serde_json::from_value::<MenuDocument>(stored.clone()).unwrap(),
        document
    );

    for place in ["", "/template", "/template/size", "/buttons/0"] {
        let mut unknown = stored.clone();
        unknown.pointer_mut(place).unwrap()["tint"] = json!(1);
        assert!(serde_json::from_value::<MenuDocument>(unknown).is_err(), "{place}");
    }
}

#[test]
fn every_menu_leads_to_the_desks() {
    for stage in MenuStage::ALL {
        let mut document = document(*stage);
        for button in &mut document.buttons {
            if button.action == MenuAction::Ask(Intent::Desks) {
                button.action = MenuAction::Link("https://hidamari.example/".to_owned());
            }
        }
        assert_eq!(document.check(), Err(vec![MenuProblem::NoDesks]));
    }
}

#[test]
fn before_registering_the_menu_says_how_to_begin_and_that_stands_out() {
    let menu = Menu::ready(MenuStage::Start);
    let first = menu.document().buttons.first().unwrap();
    assert_eq!(first, &Button::from(Intent::Register));
    assert!(menu.leads(first));

    let mut document = document(MenuStage::Start);
    document.buttons[0].action = MenuAction::Link("https://hidamari.example/".to_owned());
    assert_eq!(document.check(), Err(vec![MenuProblem::NoRegister]));
}

#[test]
fn who_receives_messages_can_always_stop() {
    for stage in [MenuStage::Pregnancy, MenuStage::Child] {
        let mut document = document(stage);
        for button in &mut document.buttons {
            if [Intent::Stop, Intent::Settings]
                .map(MenuAction::Ask)
                .contains(&button.action)
            {
                button.action = MenuAction::Ask(Intent::Past);
            }
        }
        assert_eq!(document.check(), Err(vec![MenuProblem::NoStop]));
    }
}

#[test]
fn a_pregnancy_menu_assumes_no_birth() {
    let mut pregnancy = document(MenuStage::Pregnancy);
    let birth = pregnancy
        .buttons
        .iter()
        .find(|b| b.action == MenuAction::Ask(Intent::Birth));
    assert!(!Menu::ready(MenuStage::Pregnancy).leads(birth.unwrap()));

    pregnancy.buttons[3].label = "おめでとう".to_owned();
    assert_eq!(
        pregnancy.check(),
        Err(vec![MenuProblem::Congratulates {
            label: "おめでとう".to_owned()
        }])
    );
}

#[test]
fn a_button_stands_only_where_it_makes_sense() {
    for (stage, intent) in [
        (MenuStage::Start, Intent::Today),
        (MenuStage::Start, Intent::Settings),
        (MenuStage::Start, Intent::Birth),
        (MenuStage::Child, Intent::Register),
        (MenuStage::Child, Intent::Birth),
        (MenuStage::Child, Intent::Restart),
        (MenuStage::Pregnancy, Intent::Restart),
        (MenuStage::Stopped, Intent::Today),
        (MenuStage::Stopped, Intent::Stop),
    ] {
        let mut document = document(stage);
        document.buttons[1] = intent.into();
        let label = intent.label().to_owned();
        let problems = document.check().unwrap_err();
        assert!(
            problems.contains(&MenuProblem::OtherStage { label, stage }),
            "{problems:?}"
        );
    }
}

#[test]
fn after_a_stop_the_desks_stand_out_and_nothing_invites_back() {
    let menu = Menu::ready(MenuStage::Stopped);
    let leading: Vec<_> = menu
        .document()
        .buttons
        .iter()
        .filter(|button| menu.leads(button))
        .collect();
    assert_eq!(leading, [&Button::from(Intent::Desks)]);
}

#[test]
fn a_picture_has_the_shape_that_line_takes() {
    assert!(arranged(799, 500, &[3]).contains(&MenuProblem::Width { width: 799 }));
    assert!(arranged(2501, 843, &[3]).contains(&MenuProblem::Width { width: 2501 }));
    assert!(arranged(800, 249, &[3]).contains(&MenuProblem::Height { height: 249 }));
    assert!(arranged(2500, 1725, &[3]).contains(&MenuProblem::Ratio {
        width: 2500,
        height: 1725
    }));
    assert!(!format!("{:?}", arranged(2500, 1724, &[1])).contains("Ratio"));
}

#[test]
fn a_menu_has_at_most_twenty_buttons() {
    assert!(arranged(2500, 1686, &[5, 5, 5, 6]).contains(&MenuProblem::Areas { count: 21 }));
    assert_eq!(
        arranged(2500, 1686, &[u32::MAX - 1_000_000_000, 0])[0],
        MenuProblem::Areas {
            count: (u32::MAX - 1_000_000_000) as usize
        }
    );
}

#[test]
fn buttons_are_large_enough_for_a_thumb() {
    assert_eq!(arranged(2500, 843, &[3, 3, 3])[0], MenuProblem::SmallCells);
    assert_eq!(arranged(2500, 1686, &[6, 3])[0], MenuProblem::SmallCells);
    assert_eq!(arranged(2500, 1686, &[])[0], MenuProblem::EmptyRow);
    assert_eq!(arranged(2500, 1686, &[3, 0])[0], MenuProblem::EmptyRow);
}

#[test]
fn every_place_has_its_button() {
    let problems = after(|menu| {
        menu.buttons.remove(0);
    });
    assert_eq!(problems, [MenuProblem::Buttons { buttons: 5, places: 6 }]);
}

#[test]
fn the_bar_has_at_most_fourteen_letters_as_people_count_them() {
    let bar = |words: &str| after(|menu| menu.bar = words.to_owned());
    let family = "👨‍👩‍👧";
    assert_eq!(bar(&"あ".repeat(15)), [MenuProblem::Bar { length: 15 }]);
    assert_eq!(bar(" "), [MenuProblem::Bar { length: 1 }]);
    assert!(!bar(&family.repeat(14)).contains(&MenuProblem::Bar { length: 14 }));
    assert!(matches!(bar("メニ\nュー")[0], MenuProblem::Invisible { .. }));
}

#[test]
fn words_on_the_colour_can_be_read() {
    let line_green: Colour = "#06c755".parse().unwrap();
    let problems = after(|menu| menu.colour = line_green);

    let [MenuProblem::Pale { colour, darker }] = problems[..] else {
        panic!("{problems:?}")
    };
    assert_eq!(colour, line_green);
    assert!(darker.contrast(Colour::WHITE) >= CONTRAST_MIN);
    assert!(
        after(|menu| menu.bar.clear()).len() == 1,
        "the usual colour can be read"
    );
    for (name, colour) in KEY_COLOURS {
        assert!(colour.contrast(Colour::WHITE) >= CONTRAST_MIN, "{name}");
        assert_eq!(colour.darkened(), *colour);
    }
}

#[test]
fn contrast_is_measured_as_the_web_measures_it() {
    let black = Colour([0; 3]);
    assert!((black.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
    // #767676 is the lightest grey that passes on white, as every table of the web has it.
    assert!(Colour([0x76; 3]).contrast(Colour::WHITE) >= CONTRAST_MIN);
    assert!(Colour([0x77; 3]).contrast(Colour::WHITE) < CONTRAST_MIN);
    for wrong in ["0e5e5b", "#0e5e5", "#0e5e5bb", "#0e5e5g", "#+e5e5b", "#あい"] {
        assert!(wrong.parse::<Colour>().is_err(), "{wrong}");
    }
}

#[test]
fn a_label_fits_its_cell() {
    let long = |label: &str, letters| MenuProblem::Long {
        label: label.replace('\n', ""),
        letters,
    };
    assert_eq!(
        labelled("一二三四五六七八九十一二三四五"),
        [long("一二三四五六七八九十一二三四五", 7)]
    );
    assert_eq!(labelled("一二三四五六七八\n九"), [long("一二三四五六七八\n九", 7)]);
    assert_eq!(
        labelled("一\n二\n三"),
        [MenuProblem::Lines {
            label: "一二三".to_owned()
        }]
    );
    assert_eq!(
        labelled("一\n"),
        [MenuProblem::EmptyLine {
            label: "一".to_owned()
        }]
    );
    assert_eq!(labelled(""), [MenuProblem::EmptyLine { label: String::new() }]);

    let mut fits = document(MenuStage::Child);
    for label in [
        "一二三四五六七\n八九十一二三四",
        "こども医療\nでんわ #8000",
        "一二三四五六七八九十一二三四",
    ] {
        label.clone_into(&mut fits.buttons[1].label);
        assert!(fits.clone().check().is_ok(), "{label}");
    }
}

#[test]
fn a_label_has_nothing_that_cannot_be_seen() {
    for hidden in ["こ\u{200b}れ", "こ\u{7}れ", "こ\tれ", "\u{202e}これ"] {
        assert!(
            matches!(labelled(hidden)[..], [MenuProblem::Invisible { .. }]),
            "{hidden:?}"
        );
    }
}

#[test]
fn a_link_leads_to_a_page_of_the_web() {
    for wrong in [
        "http://kosodate.example.jp/",
        "javascript:alert(1)",
        "https://",
        "https:///page",
        "https://ひだまり.example/",
        "https://kosodate.example.jp/a b",
        "line://nv/location",
    ] {
        let uri = wrong.to_owned();
        assert_eq!(doing(MenuAction::Link(wrong.to_owned())), [MenuProblem::Scheme { uri }]);
    }
    let long = format!("https://kosodate.example.jp/{}", "a".repeat(1_000));
    let length = long.len();
    assert_eq!(doing(MenuAction::Link(long)), [MenuProblem::UriLong { length }]);
}

#[test]
fn a_number_can_be_dialled() {
    let label = "これまで".to_owned();
    assert_eq!(
        doing(MenuAction::Call("なし".to_owned())),
        [MenuProblem::Phone { label }]
    );
}

#[test]
fn a_problem_says_in_japanese_what_to_do() {
    let problems = [
        arranged(799, 249, &[9, 9, 9]),
        arranged(2500, 2500, &[]),
        labelled("一\n\n二三四五六七八\u{7}"),
        doing(MenuAction::Link("ftp://x".to_owned())),
        doing(MenuAction::Ask(Intent::Birth)),
    ];
    for problem in problems.iter().flatten() {
        let ja = problem.ja();
        assert!(ja.ends_with("ください") || ja.contains("ください"), "{ja}");
        assert!(!problem.to_string().is_empty());
    }
}

#[test]
fn in_our_own_account_a_press_reaches_our_webhook() {
    let size = Size::new(1200, 405);
    let line = Menu::ready(MenuStage::Stopped).line(size, "kizuna-stopped-1", &Destinations::Webhook);

    assert_eq!(
        serde_json::to_value(line.unwrap()).unwrap(),
        json!({
            "size": { "width": 1200, "height": 405 },
            "selected": true,
            "name": "kizuna-stopped-1",
            "chatBarText": "メニュー・相談先",
            "areas": [
                {
                    "bounds": { "x": 0, "y": 0, "width": 400, "height": 405 },
                    "action": { "type": "postback", "label": "相談先", "data": "kizuna:desks" },
                },
                {
                    "bounds": { "x": 400, "y": 0, "width": 400, "height": 405 },
                    "action": { "type": "postback", "label": "これまで", "data": "kizuna:past" },
                },
                {
                    "bounds": { "x": 800, "y": 0, "width": 400, "height": 405 },
                    "action": { "type": "postback", "label": "また受け取る", "data": "kizuna:restart" },
                },
            ],
        })
    );
}

#[test]
fn as_guests_every_press_opens_a_page() {
    let page = |intent: &Intent| (*intent, format!("https://liff.line.me/1-a/{}", intent.code()));
    let mut pages: BTreeMap<Intent, String> = Intent::ALL.iter().map(page).collect();
    let menu = Menu::ready(MenuStage::Stopped);
    let size = menu.document().template.size;

    let line = menu.line(size, "", &Destinations::Pages(pages.clone())).unwrap();
    assert_eq!(
        serde_json::to_value(&line.areas[0].action).unwrap(),
        json!({ "type": "uri", "label": "相談先", "uri": "https://liff.line.me/1-a/desks" })
    );

    pages.insert(Intent::Desks, "javascript:alert(1)".to_owned());
    assert!(matches!(
        menu.line(size, "", &Destinations::Pages(pages.clone())),
        Err(MenuProblem::Scheme { .. })
    ));
    pages.remove(&Intent::Desks);
    let intent = Intent::Desks;
    assert_eq!(
        menu.line(size, "", &Destinations::Pages(pages)),
        Err(MenuProblem::NoPage { intent })
    );
}

#[test]
fn links_and_numbers_are_the_same_in_both_accounts() {
    let mut document = document(MenuStage::Child);
    document.buttons[1].action = MenuAction::Link("https://kosodate.example.jp/".to_owned());
    document.buttons[3] = Button {
        label: "こども\n医療でんわ".to_owned(),
        icon: Icon::Phone,
        action: MenuAction::Call("＃８０００".to_owned()),
    };
    let menu = document.check().unwrap();

    let line = menu.line(Size::new(2500, 1686), "", &Destinations::Webhook).unwrap();
    assert_eq!(
        serde_json::to_value(&line.areas[1].action).unwrap(),
        json!({ "type": "uri", "label": "これまで", "uri": "https://kosodate.example.jp/" })
    );
    assert_eq!(
        serde_json::to_value(&line.areas[3].action).unwrap(),
        json!({ "type": "uri", "label": "こども医療でんわ", "uri": "tel:%238000" })
    );
}

#[test]
fn a_name_is_not_longer_than_line_takes() {
    let menu = Menu::ready(MenuStage::Child);
    let size = menu.document().template.size;
    assert!(menu.line(size, &"あ".repeat(300), &Destinations::Webhook).is_ok());
    assert_eq!(
        menu.line(size, &"あ".repeat(301), &Destinations::Webhook),
        Err(MenuProblem::Name { length: 301 })
    );
}

#[test]
fn a_menu_has_a_new_name_exactly_when_something_about_it_is_new() {
    let name = |menu: &Menu, picture: &[u8]| {
        let size = menu.document().template.size;
        menu.line_named(size, picture, &Destinations::Webhook).unwrap().name
    };
    let ready = Menu::ready(MenuStage::Child);
    let mut other = document(MenuStage::Child);
    other.bar = "メニュー".to_owned();
    let other = other.check().unwrap();

    let first = name(&ready, b"picture");
    assert!(
        first.starts_with("kizuna-child-") && first.len() == "kizuna-child-".len() + 16,
        "{first}"
    );
    assert_eq!(first, name(&ready, b"picture"));
    assert_ne!(first, name(&ready, b"pictures"));
    assert_ne!(first, name(&other, b"picture"));
}

#[test]
fn what_a_press_sends_is_short_and_read_back() {
    for intent in Intent::ALL {
        let data = intent.postback();
        assert!(data.len() <= POSTBACK_CHARS_MAX);
        assert_eq!(Intent::of_postback(&data), Some(*intent));
    }
    assert_eq!(Intent::of_postback("today"), None);
    assert_eq!(Intent::of_postback("kizuna:"), None);
}

proptest! {
    #[test]
    fn areas_cover_the_picture_and_never_overlap(
        width in 800_u32..=2500,
        height in 250_u32..=1724,
        rows in prop::collection::vec(1_u32..=5, 1..=4),
    ) {
        let size = Size::new(width, height);
        let mut document = document(MenuStage::Child);
        let buttons = [Intent::Desks, Intent::Stop].map(Button::from);
        document.buttons = buttons.into_iter().cycle().take(rows.iter().sum::<u32>().max(2) as usize).collect();
        document.template = Template { size: Size::new(2500, 1686), rows };
        prop_assume!(document.template.rows != [1]);

        let areas = document.check().unwrap().areas(size);

        let surface = |area: &Area| u64::from(area.width) * u64::from(area.height);
        prop_assert_eq!(areas.iter().map(surface).sum::<u64>(), u64::from(width) * u64::from(height));
        for (number, a) in areas.iter().enumerate() {
            prop_assert!(a.x + a.width <= width && a.y + a.height <= height);
            for b in &areas[number + 1..] {
                let apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
                prop_assert!(apart, "{:?} {:?}", a, b);
            }
        }
    }
}
