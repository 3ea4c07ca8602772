//! Articles as files.

use kizuna_paper::front_matter::{parse, write};

#[test]
fn windows_line_ends_and_a_mark_are_accepted() {
    let document = parse("\u{feff}+++\r\nid = \"a\"\r\non = 2026-12-05\r\n+++\r\n一行目\r\n二行目\r\n").unwrap();
    assert_eq!(document.front.keys().collect::<Vec<_>>(), ["id", "on"]);
    assert_eq!(document.body, "一行目\r\n二行目");
    assert_eq!(document.body_line, 5);
}

#[test]
fn the_body_is_kept_to_the_byte() {
    for body in ["", "\n", "\n\n", "a\r", " a ", "a\n+++\nb", "+++"] {
        let text = write(&toml::Table::new(), body);
        assert_eq!(parse(&text).unwrap().body, body, "{text:?}");
    }
    assert_eq!(parse("+++\n+++").unwrap().body, "");
    assert_eq!(parse("+++\n+++\nno newline").unwrap().body, "no newline");
}

#[test]
fn keys_are_written_in_the_order_given_and_sources_one_a_line() {
    let text = "+++\nslot = [\"d1\", \"d2\"]\nid = \"a\"\nvalid_from = 2026-04-01\nsources = [\n  { title = \"一\", publisher = \"こ\", year = 2024 },\n  { title = \"二\", publisher = \"こ\", year = 2025 },\n]\nmust_know = true\n+++\n本文\n";
    let document = parse(text).unwrap();
    assert_eq!(write(&document.front, &document.body), text);
}

#[test]
fn faults_name_their_line() {
    let line = |text| parse(text).unwrap_err().line;
    assert_eq!(line("id = 1\n"), 1);
    assert_eq!(line(""), 1);
    assert_eq!(line("+++\nid = \"a\"\n本文\n"), 1);
    assert_eq!(line("+++\nid = \"a\"\nslot = \n+++\n"), 3);
    assert_eq!(line("+++\nid = \"a\"\nb = 1\nid = \"b\"\n+++\n"), 4);
    assert!(parse("+++\nx\n+++\n").unwrap_err().ja().starts_with("2行目"));
}

#[test]
fn a_text_of_several_lines_cannot_end_the_keys() {
    let mut front = toml::Table::new();
    front.insert("title".into(), "a\n+++\nb".into());
    assert_eq!(parse(&write(&front, "本文")).unwrap().front, front);
}
