//! Pictures of rich menus: what LINE takes, what a reader can read, and what an author may not do to us.

use kizuna_domain::menu::{
    Button, Colour, Destinations, Icon, Intent, Menu, MenuDocument, MenuStage, PICTURE_BYTES_MAX, Size, Template,
};
use kizuna_paper::menu::{DrawError, Picture, draw, draw_within, svg};
use proptest::prelude::*;
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};
use resvg::usvg::roxmltree;

fn labelled(label: &str) -> Menu {
    let mut document = ready(MenuStage::Child);
    label.clone_into(&mut document.buttons[1].label);
    document.check().unwrap()
}

fn ready(stage: MenuStage) -> MenuDocument {
    Menu::ready(stage).document().clone()
}

/// As many buttons as LINE takes, each with as much ink as fits.
fn fullest() -> Menu {
    let mut document = ready(MenuStage::Child);
    let dense = |(number, icon): (usize, Icon)| Button {
        label: format!("鬱鷹躑躅\n驫鼇{}", ["顰蹙", "魍魎", "齟齬", "髑髏"][number % 4]),
        icon,
        ..[Intent::Desks, Intent::Stop][number % 2].into()
    };
    document.template = Template {
        size: Size::new(2500, 1686),
        rows: vec![5; 4],
    };
    document.buttons = Icon::ALL
        .iter()
        .copied()
        .cycle()
        .take(20)
        .enumerate()
        .map(dense)
        .collect();
    document.check().unwrap()
}

fn pixels(picture: &Picture) -> Pixmap {
    let pixels = Pixmap::decode_png(&picture.png).unwrap();
    assert_eq!(
        (pixels.width(), pixels.height()),
        (picture.size.width, picture.size.height)
    );
    pixels
}

#[test]
fn every_ready_menu_becomes_a_picture_that_line_takes() {
    for stage in MenuStage::ALL {
        let menu = Menu::ready(*stage);
        let picture = draw(&menu).unwrap();

        assert_eq!(picture.size, menu.document().template.size);
        assert!(picture.png.len() <= PICTURE_BYTES_MAX);
        assert!(pixels(&picture).pixels().iter().all(PremultipliedColorU8::is_opaque));
    }
}

#[test]
fn the_fullest_menu_keeps_its_size() {
    let picture = draw(&fullest()).unwrap();
    assert_eq!(picture.size, Size::new(2500, 1686));
}

#[test]
fn a_drawing_too_small_to_be_made_out_is_left_out() {
    let drawings = |menu: &Menu| svg(menu).unwrap().matches("<circle").count();
    assert_eq!(drawings(&Menu::ready(MenuStage::Child)), 6);
    assert_eq!(drawings(&fullest()), 0);
}

#[test]
fn a_picture_with_too_many_bytes_becomes_a_smaller_one() {
    let menu = Menu::ready(MenuStage::Child);
    let whole = draw(&menu).unwrap().png.len();

    let smaller = draw_within(&menu, whole - 1).unwrap();
    assert_eq!(smaller.size, Size::new(1200, 810));
    let smallest = draw_within(&menu, smaller.png.len() - 1).unwrap();
    assert_eq!(smallest.size, Size::new(800, 540));
    let max = smallest.png.len() - 1;
    assert_eq!(draw_within(&menu, max).err(), Some(DrawError::TooLarge { max }));

    let areas = menu
        .line_named(smaller.size, &smaller.png, &Destinations::Webhook)
        .unwrap()
        .areas;
    let last = areas.last().unwrap().bounds;
    assert_eq!((last.x + last.width, last.y + last.height), (1200, 810));
    assert!(pixels(&smallest).pixels().iter().all(PremultipliedColorU8::is_opaque));
}

#[test]
fn a_menu_may_be_small_from_the_start() {
    let mut document = ready(MenuStage::Stopped);
    document.template.size = Size::new(800, 270);
    let picture = draw(&document.check().unwrap()).unwrap();
    assert_eq!(picture.size, Size::new(800, 270));
}

#[test]
fn the_same_menu_gives_the_same_bytes() {
    let menu = Menu::ready(MenuStage::Pregnancy);
    assert!(draw(&menu).unwrap() == draw(&menu).unwrap());
    assert!(svg(&menu) == svg(&menu));
}

#[test]
fn words_drawings_and_colours_are_in_the_picture() {
    let first = draw(&Menu::ready(MenuStage::Child)).unwrap();
    let change = |change: fn(&mut MenuDocument)| {
        let mut document = ready(MenuStage::Child);
        change(&mut document);
        draw(&document.check().unwrap()).unwrap()
    };

    assert!(first != change(|menu| menu.buttons[1].label = "これから".to_owned()));
    assert!(first != change(|menu| menu.buttons[1].icon = Icon::House));
    assert!(first != change(|menu| menu.colour = Colour([0x6f, 0x45, 0x70])));
    // What LINE writes itself is not in the picture.
    assert!(first == change(|menu| menu.bar = "メニュー".to_owned()));
}

#[test]
fn todays_words_stand_on_the_colour_of_the_tenant() {
    let mut document = ready(MenuStage::Child);
    document.colour = Colour([0x6f, 0x45, 0x70]);
    let pixels = pixels(&draw(&document.check().unwrap()).unwrap());

    let [today, past] = [(400, 80), (1250, 80)].map(|(x, y)| pixels.pixel(x, y).unwrap());
    assert_eq!([today.red(), today.green(), today.blue()], [0x6f, 0x45, 0x70]);
    assert_eq!([past.red(), past.green(), past.blue()], [0xff; 3]);
}

#[test]
fn letters_that_the_font_lacks_are_named() {
    let Err(error) = draw(&labelled("👶と😀👶")) else {
        panic!("there are no such letters")
    };
    assert_eq!(error, DrawError::Letters(vec!['👶', '😀']));
    assert!(error.to_string().contains("👶 (U+1F476), 😀 (U+1F600)"), "{error}");
    assert!(error.ja().contains("👶 (U+1F476)"), "{}", error.ja());

    for known in ["髙﨑①㈱", "～〜ー・", "ｶﾞA1%♥", "剝塡頰𠮟驒鷗"] {
        assert!(draw(&labelled(known)).is_ok(), "{known}");
    }
}

#[test]
fn a_label_that_is_counted_short_and_is_wide_is_refused() {
    // One letter by count, because half-width marks belong to the letter before; twelve by width.
    let label = format!("ｶ{}", "ﾞ".repeat(24));
    assert_eq!(svg(&labelled(&label)), Err(DrawError::TooWide { label }));
}

#[test]
fn whatever_an_author_writes_stays_words() {
    let label = "<a>&\"'\n]]>&lt;";
    let svg = svg(&labelled(label)).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();

    let spoken = document.root_element().attribute("aria-label").unwrap();
    assert_eq!(
        spoken,
        "今日のことば、<a>&\"']]>&lt;、相談先、家族をさそう、設定、止める"
    );
    assert!(!document.descendants().any(|node| node.has_tag_name("a")));
}

#[test]
fn the_preview_may_stand_in_a_page_with_a_strict_policy() {
    let svg = svg(&Menu::ready(MenuStage::Pregnancy)).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(["svg", "g", "path", "rect", "circle"].contains(&name), "{name}");
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                !["style", "id", "href", "class"].contains(&name) && !name.starts_with("on"),
                "{name}"
            );
        }
    }
    assert_eq!(document.root_element().attribute("width"), None);
}

#[test]
fn a_long_label_breaks_where_a_reader_pauses() {
    // Words are outlines: two texts that look alike differ only in what is read aloud.
    let drawn = |label: &str| {
        svg(&labelled(label))
            .unwrap()
            .split_once('>')
            .map(|(_, rest)| rest.to_owned())
    };

    for by_hand in [
        "予定日を\nいますぐ直す",
        "子育てひろばの\nご案内",
        "こども\nセンターだより",
        "妊娠8か月\nアンケート",
        "ひだまり市の\nホームページ",
    ] {
        assert!(drawn(&by_hand.replace('\n', "")) == drawn(by_hand), "{by_hand}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_checked_label_is_drawn_or_refused_with_a_reason(label in "[あ-んア-ン亜-熙a-zA-Z0-9<>&\"'ー（）。]{1,14}") {
        let mut document = ready(MenuStage::Child);
        document.buttons[1].label = label;
        match svg(&document.check().unwrap()) {
            Ok(svg) => prop_assert!(roxmltree::Document::parse(&svg).is_ok()),
            Err(DrawError::Letters(_) | DrawError::TooWide { .. }) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
