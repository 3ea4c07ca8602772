//! How families' pages look and speak: contrasts of every hue, readings above every kanji, help on every error.

use std::collections::BTreeMap;
use std::path::Path;

use axum::http::StatusCode;
use kizuna_domain::content::picture::Picture;
use kizuna_domain::day::Day;
use kizuna_domain::tenant::{Look, Settings, TenantKind, Theme};
use kizuna_engine::actions::tenants as actions;
use kizuna_engine::links;
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use crate::line::on_line;
use crate::support::{Place, TODAY};

/// The address of a page of the first LINE user's own, whose link ends in a month.
fn own_page(place: &Place, town: &Tenant, page: &str) -> String {
    let env = place.env();
    let user = crate::line::user(1);
    let reader = env
        .db
        .read(|tx| people::by_address(tx, &env.keys, town.scope(), "line", &user))
        .unwrap();
    let token = links::own_token(
        &env.keys,
        town.id,
        links::Holder::first(reader.unwrap()),
        TODAY.parse::<Day>().unwrap() + 30,
    );
    format!("/{}/my/{token}{page}", town.code)
}

// ---- Colours ---------------------------------------------------------------------------------------------------------

fn source(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The rules of the style sheet: selector and declarations, those inside conditions too.
fn rules() -> Vec<(String, BTreeMap<String, String>)> {
    let text = source("assets/kizuna.css");
    let text: String = text
        .split("/*")
        .map(|part| part.split_once("*/").map_or(part, |(_, behind)| behind))
        .collect();
    let mut rules = Vec::new();
    let mut head = String::new();
    for piece in text.split_inclusive(['{', '}']) {
        if let Some(selector) = piece.strip_suffix('{') {
            selector.trim().clone_into(&mut head);
        } else if let Some(body) = piece.strip_suffix('}') {
            let pairs = body.split(';').filter_map(|line| line.split_once(':'));
            let declared = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
            rules.push((std::mem::take(&mut head), declared.collect()));
        }
    }
    rules
}

/// The colours by name on families' pages of one hue.
fn colours(theme: Theme) -> BTreeMap<String, String> {
    let mut colours = BTreeMap::new();
    let class = format!(".theme-{}", theme.code());
    let sheets = [":root", ".reader", class.as_str()];
    let rules = rules();
    for sheet in sheets {
        let found = rules.iter().filter(|(selector, _)| selector == sheet);
        let found: Vec<_> = found.flat_map(|(_, declared)| declared.clone()).collect();
        assert!(
            !found.is_empty() || theme == Theme::default(),
            "{sheet} is not in the style sheet"
        );
        colours.extend(found.into_iter().filter(|(name, _)| name.starts_with("--")));
    }
    colours
}

/// Red, green and blue of a colour as a declaration names it; none for what is no colour.
fn rgb(value: &str, colours: &BTreeMap<String, String>) -> Option<[f64; 3]> {
    let word = value.split_whitespace().next()?;
    if let Some(name) = word.strip_prefix("var(") {
        return rgb(colours.get(name.strip_suffix(')')?)?, colours);
    }
    let hex = word.strip_prefix('#')?;
    let whole: String = match hex.len() {
        3 => hex.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => hex.to_owned(),
    };
    let number = u32::from_str_radix(&whole, 16).ok()?;
    Some([16, 8, 0].map(|shift| f64::from((number >> shift) & 0xff)))
}

/// The contrast of two colours as WCAG 2.2 defines it.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] = colour.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_text_of_every_hue_can_be_read() {
    for theme in Theme::ALL {
        let colours = colours(theme);
        let of = |value: &str| rgb(value, &colours).unwrap_or_else(|| panic!("{value} is no colour"));
        for (selector, declared) in rules() {
            let Some(text) = declared.get("color").and_then(|value| rgb(value, &colours)) else {
                continue;
            };
            let own = ["background", "background-color"]
                .iter()
                .find_map(|name| declared.get(*name))
                .and_then(|value| rgb(value, &colours));
            let grounds = own.map_or_else(
                || ["var(--paper)", "var(--surface)", "var(--sand)"].map(of).to_vec(),
                |own| vec![own],
            );
            for ground in grounds {
                let found = contrast(text, ground);
                assert!(found >= 4.5, "{selector} in {}: {found:.2}", theme.code());
            }
        }
        let grounds = ["var(--paper)", "var(--surface)", "var(--sand)"];
        let body = ["var(--text)", "var(--sub)", "var(--link)"];
        let pairs = body.iter().flat_map(|text| grounds.map(|ground| (*text, ground, 7.0)));
        let more = [
            ("var(--text)", "var(--primary-t)", 7.0),
            ("var(--sub)", "var(--primary-t)", 7.0),
            ("var(--primary)", "var(--surface)", 7.0),
            ("var(--primary)", "var(--paper)", 7.0),
            ("var(--primary)", "var(--sand)", 4.5),
            ("var(--primary-d)", "var(--primary-t)", 7.0),
            ("#fff", "var(--primary)", 7.0),
            ("#fff", "var(--primary-d)", 7.0),
            // Borders of fields and of what is chosen or wrong.
            ("var(--border)", "var(--surface)", 3.0),
            ("var(--border)", "var(--paper)", 3.0),
            ("var(--primary)", "var(--primary-t)", 3.0),
            ("var(--err)", "var(--surface)", 3.0),
            ("var(--err)", "var(--paper)", 3.0),
        ];
        for (one, other, least) in pairs.chain(more) {
            let found = contrast(of(one), of(other));
            assert!(found >= least, "{one} on {other} in {}: {found:.2}", theme.code());
        }
        for ground in ["var(--paper)", "var(--surface)", "var(--primary)"] {
            let found = contrast(of("#000"), of(ground)).max(contrast(of("var(--focus)"), of(ground)));
            assert!(found >= 3.0, "the focus on {ground} in {}: {found:.2}", theme.code());
        }
    }
}

#[test]
fn a_town_s_hue_and_logo_are_on_families_pages_and_not_on_those_of_its_staff() {
    let place = Place::demo();
    let town = place.tenant("hidamari");
    place
        .get("/hidamari/stopped")
        .says("class=\"reader theme-midori\"")
        .says("<svg class=\"logo\"");
    let logo = Picture::new(b"\x89PNG\r\n\x1a\nmark".to_vec()).unwrap();
    actions::keep_logo(place.env(), "hidamari", &logo).unwrap();
    let settings = Settings {
        look: Look {
            theme: Theme::Ai,
            logo: Some(logo.name().clone()),
        },
        ..town.settings.clone()
    };
    actions::put(place.env(), "hidamari", &town.name, &settings, &[]).unwrap();
    let address = format!("/media/{}", logo.name());
    for path in ["/hidamari/stopped", "/hidamari/stop/x", "/hidamari/nothing"] {
        place
            .get(path)
            .says("class=\"reader theme-ai\"")
            .says(&format!("src=\"{address}\" alt=\"ひだまり市\""));
    }
    assert_eq!(place.get_bytes(&address).2, logo.bytes());
    place
        .get("/hidamari/today")
        .is_silent_about("theme-")
        .is_silent_about(&address);
}

// ---- Words -----------------------------------------------------------------------------------------------------------

/// Every file of a folder of the sources.
fn sources(folder: &str) -> Vec<(String, String)> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(home).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(sources(&name));
        } else {
            found.push((name.clone(), source(&name)));
        }
    }
    found
}

/// The texts of every `static EASY`, with the file they stand in.
fn easy_texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for (name, source) in sources("src") {
        for block in source.split("static EASY").skip(1) {
            let block = block.split("\n};").next().unwrap();
            // A quotation mark inside a text would need an escape, which these words do without.
            let inside = block.split('"').skip(1).step_by(2);
            texts.extend(inside.map(|text| (name.clone(), text.to_owned())));
        }
    }
    texts
}

/// A text without its readings, and what of it stands without one.
fn undress(text: &str) -> (String, String) {
    let (mut whole, mut bare) = (String::new(), String::new());
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once('｜') {
        let (word, behind) = marked.split_once('《').unwrap();
        whole.extend([before, word]);
        bare.push_str(before);
        rest = behind.split_once('》').unwrap().1;
    }
    whole.push_str(rest);
    bare.push_str(rest);
    (whole, bare)
}

fn is_kanji(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '々')
}

#[test]
fn every_kanji_of_easy_japanese_has_its_reading() {
    let texts = easy_texts();
    assert!(texts.len() > 100, "the words were found");
    for (file, text) in texts {
        let bare = undress(&text).1;
        assert!(!bare.contains(is_kanji), "{file}: {text}");
        for reading in text.split('《').skip(1).map(|part| part.split('》').next().unwrap()) {
            let is_kana = |sign| matches!(sign, '\u{3041}'..='\u{3096}' | 'ー');
            assert!(!reading.is_empty() && reading.chars().all(is_kana), "{file}: {reading}");
        }
    }
}

#[test]
fn easy_japanese_is_short_and_plain() {
    const SENTENCE_MAX: usize = 40;
    // ux: no keigo, no double negation, nothing that blames or compares.
    let mut banned: Vec<String> = [
        "いただ",
        "かねます",
        "くださいませ",
        "ございます。",
        "本当に",
        "旦那",
        "お母さんは",
        "お父さんは",
        "ないわけ",
    ]
    .map(str::to_owned)
    .to_vec();
    let rules = source("../../content/rules.toml");
    for rule in rules.split("\n[[words]]\n").skip(1) {
        // Pages that ask for a birthday, or who somebody is to the child, need words that articles do without.
        let is_for_articles = ["assumes-birth", "congratulation", "gendered"]
            .iter()
            .any(|name| rule.contains(name));
        if rule.contains("language = \"ja\"") && !is_for_articles {
            let found = rule
                .lines()
                .filter_map(|line| line.split_once("{ find = \"")?.1.split('"').next());
            banned.extend(found.map(str::to_owned));
        }
    }
    assert!(banned.len() > 50, "the rules were read");
    for (file, text) in easy_texts() {
        let whole = undress(&text).0;
        for sentence in whole.split(['。', '？', '！']) {
            let long = sentence.chars().filter(|sign| !sign.is_whitespace()).count();
            assert!(long <= SENTENCE_MAX, "{file}, {long} characters: {sentence}");
        }
        for word in &banned {
            assert!(!whole.contains(word.as_str()), "{file} says {word}: {whole}");
        }
    }
}

/// What stands on a page outside of readings and of what is marked with a language of its own.
fn own_words(html: &str) -> String {
    let (_, body) = html.split_once("<body").unwrap();
    let mut words = String::new();
    let mut skipped: Option<(String, usize)> = None;
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = tag
            .trim_start_matches('/')
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned();
        match &mut skipped {
            Some((open, depth)) if *open == name => {
                *depth = if tag.starts_with('/') { *depth - 1 } else { *depth + 1 };
                if *depth == 0 {
                    skipped = None;
                }
            }
            None if name == "ruby" || tag.contains("lang=\"ja\"") => skipped = Some((name, 1)),
            Some(_) | None => {}
        }
        if skipped.is_none() {
            words.push_str(text);
        }
    }
    words
}

#[test]
fn a_page_in_easy_japanese_or_english_has_no_kanji_of_its_own_left() {
    let (place, town) = on_line(&[], &[]);
    let due = "kind=pregnant&due_y=2027&due_m=3&due_d=15&step=register";
    let link = |number| {
        let user = crate::line::user(number);
        let token = kizuna_engine::line::identity::registration_ticket(place.env(), town.scope(), &user).unwrap();
        format!("/hidamari/register/line/{token}")
    };
    let (first, second) = (link(1), link(2));
    let form = "application/x-www-form-urlencoded";
    let done = place.post(&first, form, due).header("location").to_owned();
    let pages = [
        second.clone(),
        done,
        place.stop_path(&town, "そら"),
        "/hidamari/stopped".to_owned(),
        "/hidamari/stop/x".to_owned(),
        "/hidamari/my/x".to_owned(),
        "/hidamari/words/x".to_owned(),
        "/hidamari/support".to_owned(),
        "/hidamari/move-in".to_owned(),
        "/hidamari/changed/erased".to_owned(),
        "/hidamari/accessibility".to_owned(),
        "/hidamari/nothing".to_owned(),
        "/nowhere/nothing".to_owned(),
    ];
    let own = [
        "birth",
        "date",
        "child",
        "pause",
        "stop",
        "delivery",
        "invite",
        "move",
        "data",
        "data/erase",
    ];
    let own = own.map(|page| own_page(&place, &town, &format!("/{page}")));
    let pages: Vec<String> = pages
        .into_iter()
        .chain(own)
        .chain([own_page(&place, &town, "")])
        .collect();
    let changes = ["date", "pause", "resume", "birth"].map(|what| format!("/hidamari/changed/{what}"));
    for lang in ["easy", "en"] {
        for path in pages.iter().chain(&changes) {
            let page = place.get(&format!("{path}?lang={lang}"));
            let words = own_words(&page.body);
            assert!(!words.contains(is_kanji), "{path} in {lang}: {words}");
        }
        for (step, wrong) in [("look", "due_d=15"), ("look", "due_d=45"), ("edit", "due_d=15")] {
            let entry = format!("kind=pregnant&due_y=2027&due_m=3&{wrong}&step={step}");
            let page = place.post(&format!("{second}?lang={lang}"), form, &entry);
            let words = own_words(&page.body);
            assert!(!words.contains(is_kanji), "{entry} in {lang}: {words}");
        }
    }
    place
        .post(&format!("{second}?lang=easy"), form, &due.replace("register", "look"))
        .says("<ruby>妊娠<rp>（</rp><rt>にんしん</rt><rp>）</rp></ruby>23<ruby>週")
        .says("<ruby>6日<rp>（</rp><rt>むいか</rt>")
        .says("<ruby>月曜日<rp>（</rp><rt>げつようび</rt>");
}

#[test]
fn each_page_leads_to_its_other_languages() {
    let place = Place::demo();
    for (path, others) in [
        ("/hidamari/stopped", ["easy", "en"]),
        ("/hidamari/stopped?lang=easy", ["ja", "en"]),
        ("/hidamari/stopped?lang=en", ["ja", "easy"]),
    ] {
        let page = place.get(path);
        for other in others {
            page.says(&format!("class=\"toggle\" href=\"?lang={other}\""));
        }
    }
    place
        .get("/hidamari/stopped")
        .says("やさしい<ruby>日本語<rp>（</rp><rt>にほんご</rt><rp>）</rp></ruby></a>");
}

// ---- What is wrong ---------------------------------------------------------------------------------------------------

#[test]
fn an_error_of_a_town_s_address_says_where_to_call() {
    let place = Place::bare();
    place.town("hidamari", "ひだまり市", TenantKind::Municipality, "eml");
    let lost = place.get("/hidamari/nothing?lang=easy");
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
    lost.says("ひだまり市 子育てだより")
        .says("href=\"tel:0000000001\"")
        .says("?lang=en\"")
        .says("<title>このページはありません</title>");
    let refused = place.get("/hidamari/line/webhook");
    assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.header("allow"), "POST");
    refused.says("href=\"tel:0000000001\"");
    for path in ["/nowhere/nothing", "/assets/nothing", "/%E3%81%82/nothing"] {
        place
            .get(path)
            .says("お問い合わせの番号")
            .is_silent_about("tel:")
            .is_silent_about("accessibility");
    }
}

#[test]
fn what_is_wrong_leads_to_its_place() {
    let (place, town) = on_line(&[], &[]);
    let form = "application/x-www-form-urlencoded";
    let user = crate::line::user(1);
    let token = kizuna_engine::line::identity::registration_ticket(place.env(), town.scope(), &user).unwrap();
    let path = format!("/hidamari/register/line/{token}");
    for (entry, target) in [
        ("kind=pregnant&due_y=2027&due_m=2&due_d=30", "due_d"),
        ("kind=pregnant&due_y=2027&due_m=&due_d=1", "due_m"),
        ("kind=raising&birth_y=2023&birth_m=11&birth_d=21", "birth_y"),
        ("kind=&due_y=2027", "pregnant"),
    ] {
        let page = place.post(&path, form, &format!("{entry}&step=look"));
        page.says("<title>エラー：")
            .says("role=\"alert\" tabindex=\"-1\" autofocus")
            .says(&format!("<a href=\"#{target}\">"))
            .says(&format!("id=\"{target}\""));
    }
}

#[test]
fn no_two_parts_of_a_page_have_the_same_id() {
    let (place, town) = on_line(&[], &[]);
    let form = "application/x-www-form-urlencoded";
    for due in [
        "kind=pregnant&due_y=2027&due_m=3&due_d=15",
        "kind=raising&birth_y=2025&birth_m=3&birth_d=15",
    ] {
        let user = crate::line::user(1);
        let token = kizuna_engine::line::identity::registration_ticket(place.env(), town.scope(), &user).unwrap();
        place.post(
            &format!("/hidamari/register/line/{token}"),
            form,
            &format!("{due}&step=register"),
        );
    }
    let page = place.get(&own_page(&place, &town, "/pause"));
    let mut ids: Vec<&str> = page
        .body
        .split(" id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn what_was_checked_for_accessibility_is_public_in_three_languages() {
    let place = Place::bare();
    place.town("hidamari", "ひだまり市", TenantKind::Municipality, "eml");
    for (lang, words) in [("ja", "自己点検"), ("easy", "目標"), ("en", "has not been checked yet")] {
        let page = place.get(&format!("/hidamari/accessibility?lang={lang}"));
        assert_eq!(page.status, StatusCode::OK);
        page.says(words)
            .says("JIS X 8341-3:2016")
            .says("href=\"tel:0000000001\"");
    }
    assert_eq!(place.get("/nowhere/accessibility").status, StatusCode::NOT_FOUND);
    place
        .get("/hidamari/stopped?lang=en")
        .says("href=\"/hidamari/accessibility?lang=en\"")
        .says("href=\"/hidamari/desks?lang=en\"");
}
