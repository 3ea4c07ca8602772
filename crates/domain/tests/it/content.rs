//! Content packs: every problem with a text that has it, and that what is written can be read again.

use kizuna_domain::content::pack::{
    ArticleDocument, Pack, PackArticle, PackProblem, Support, USEFUL_DAYS_MAX, front_of, read,
};
use kizuna_domain::content::{ForWhom, Owner, Placement, Review, Revision, Source, Verdict, body};
use kizuna_domain::message::{Block, Inline};
use kizuna_domain::position::Clock;
use kizuna_domain::tenant::Settings;

use crate::town::{day, placement};

const DESK_PACK: &str = r#"
format = 1
track = "starter"
title = "はじめの原稿"
owner = "desk"
language = "ja"
sender_label = "きずなだより"
"#;

const GOOD: &str = r#"
id = "sleep-on-the-back"
slot = "d7"
title = "ねるときは、あおむけに"
sources = [{ title = "SIDSについて", publisher = "こども家庭庁", year = 2024 }]
"#;

fn document(file: &str, front: &str, body: &str) -> ArticleDocument {
    ArticleDocument {
        file: file.into(),
        front: toml::from_str(front).unwrap(),
        body: body.into(),
    }
}

fn read_one(front: &str, body: &str) -> Result<Pack, Vec<PackProblem>> {
    read(DESK_PACK, None, vec![document("a.md", front, body)])
}

/// The only problem of a pack with this one article.
fn problem(front: &str) -> String {
    problem_of(read_one(front, "本文です。"))
}

fn problem_of(pack: Result<Pack, Vec<PackProblem>>) -> String {
    let problems = pack.expect_err("the pack has a problem");
    assert_eq!(problems.len(), 1, "{problems:?}");
    let in_japanese = problems[0].reason.ja.chars().any(|c| ('ぁ'..='ん').contains(&c));
    assert!(in_japanese, "editors read Japanese: {problems:?}");
    problems[0].to_string()
}

#[track_caller]
fn assert_says(problem: &str, words: &str) {
    assert!(problem.contains(words), "'{problem}' does not say '{words}'");
}

#[test]
fn a_good_pack_is_taken_as_it_is() {
    let pack = read_one(GOOD, "赤ちゃんは、あおむけで ねかせます。").unwrap();
    assert_eq!(pack.manifest.approvals(), 2);
    let article = &pack.articles[0];
    assert_eq!(
        (article.id.as_str(), article.revision.title.as_str()),
        ("sleep-on-the-back", "ねるときは、あおむけに")
    );
    assert_eq!(article.placement.slots, ["d7".parse().unwrap()]);
    assert_eq!(article.revision.body, "赤ちゃんは、あおむけで ねかせます。");
}

#[test]
fn an_article_without_an_id_is_refused() {
    assert_says(
        &problem(&GOOD.replace("id = \"sleep-on-the-back\"", "")),
        "missing field `id`",
    );
}

#[test]
fn an_id_is_lower_case_letters_digits_and_hyphens() {
    for id in ["Sleep", "ねる", "a b", "", &"a".repeat(65)] {
        assert_says(
            &problem(&GOOD.replace("sleep-on-the-back", id)),
            "must be lower-case letters",
        );
    }
}

#[test]
fn an_id_is_used_once() {
    let both = vec![document("b.md", GOOD, "本文"), document("a.md", GOOD, "本文")];
    let problem = problem_of(read(DESK_PACK, None, both));
    assert_says(&problem, "b.md: the id 'sleep-on-the-back' is already used by a.md");
}

#[test]
fn an_article_stands_at_a_stage_or_on_a_date_and_never_both() {
    assert_says(&problem(&format!("{GOOD}on = \"2026-12-05\"\n")), "give either slot");
    assert_says(&problem(&GOOD.replace("slot = \"d7\"", "")), "give either slot");
    assert_says(
        &problem(&GOOD.replace("slot = \"d7\"", "slot = []")),
        "give either slot",
    );
}

#[test]
fn a_slot_that_does_not_exist_is_refused_with_its_text() {
    for slot in [
        "3w6d",
        "42w0d",
        "12w7d",
        "d6941",
        "m0",
        "n0",
        "s13-04-01",
        "s0-02-30",
        "d+1",
        "d-1",
        "x1",
        "4w0",
        "",
    ] {
        assert_says(&problem(&GOOD.replace("d7", slot)), &format!("'{slot}' is not a slot"));
    }
    assert_says(&problem(&GOOD.replace("d7", "check-in")), "the system's own question");
    let date = GOOD.replace("slot = \"d7\"", "on = \"2026-02-29\"");
    assert_says(&problem(&date), "'2026-02-29' is not a date");
}

#[test]
fn a_title_is_one_line_of_at_most_forty_characters() {
    let with = |title: &str| GOOD.replace("ねるときは、あおむけに", title);
    assert!(read_one(&with(&"あ".repeat(40)), "本文").is_ok());
    assert_says(&problem(&with(&"あ".repeat(41))), "the title has 41 characters");
    assert_says(&problem(&with("")), "the title has 0 characters");
    assert_says(&problem(&with("二\\n行")), "write one line");
}

#[test]
fn characters_that_nobody_sees_are_refused_where_they_stand() {
    assert_says(
        &problem(&GOOD.replace("ねるときは", "ね\u{200b}る")),
        "title, character 2: invisible U+200B",
    );
    let body = read_one(GOOD, "一行目\n二行\u{202e}目");
    assert_says(&problem_of(body), "line 2: invisible character U+202E");
}

#[test]
fn links_lead_to_https_pages_only() {
    assert_says(
        &problem_of(read_one(GOOD, "一\n\n[ここ](http://example.jp)")),
        "line 3: the link 'http://example.jp'",
    );
    assert_says(
        &problem_of(read_one(GOOD, "- [ここ](javascript:alert)")),
        "must begin with https://",
    );
    assert!(read_one(GOOD, "[ここ](https://example.jp)").is_ok());
}

#[test]
fn a_text_has_words_and_no_more_than_four_thousand_characters() {
    assert_says(&problem_of(read_one(GOOD, " \n\n")), "the text is empty");
    assert_says(&problem_of(read_one(GOOD, &"あ".repeat(4001))), "4001 characters");
}

#[test]
fn an_unknown_key_is_refused_rather_than_ignored() {
    assert_says(&problem(&format!("{GOOD}tilte = \"a\"\n")), "unknown field `tilte`");
}

#[test]
fn the_desk_names_its_sources_and_a_municipality_the_section_that_keeps_the_text_true() {
    assert_says(
        &problem("id = \"a\"\nslot = \"d7\"\ntitle = \"題\"\n"),
        "sources is missing",
    );
    let tenant = DESK_PACK.replace("\"desk\"", "\"tenant\"");
    let without = read(&tenant, None, vec![document("a.md", GOOD, "本文")]);
    assert_says(&problem_of(without), "owner_section is missing");
    let front = "id = \"a\"\nslot = \"d7\"\ntitle = \"題\"\nowner_section = \"健康づくり課\"\n";
    let pack = read(&tenant, None, vec![document("a.md", front, "本文")]).unwrap();
    assert_eq!(pack.manifest.approvals(), 1);
}

#[test]
fn what_belongs_together_is_written_together() {
    assert_says(&problem(&format!("{GOOD}must_know = true\n")), "go together");
    let pregnant = GOOD.replace("\"d7\"", "\"12w0d\"");
    assert_says(
        &problem(&format!("{pregnant}preterm_only = true\n")),
        "slot after birth",
    );
    assert_says(&problem(&format!("{GOOD}useful_until_slot = \"m3\"\n")), "go together");
    assert_says(
        &problem(&format!("{GOOD}from_slot = \"m3\"\n")),
        "belong to a dated notice",
    );
    assert_says(
        &problem(&format!("{GOOD}until_slot = \"m3\"\n")),
        "belong to a dated notice",
    );
    let dated = GOOD.replace("slot = \"d7\"", "on = \"2026-12-05\"");
    assert!(read_one(&format!("{dated}from_slot = \"m3\"\nuntil_slot = \"m6\"\n"), "本文").is_ok());
    let must_know = format!("{dated}must_know = true\nuseful_until_slot = \"m3\"\n");
    assert_says(&problem(&must_know), "go together");
}

#[test]
fn days_of_use_and_of_validity_make_sense() {
    let useful = |days: u8| format!("{GOOD}useful_days = {days}\n");
    assert!(read_one(&useful(USEFUL_DAYS_MAX), "本文").is_ok());
    let words = format!("at most {USEFUL_DAYS_MAX}");
    assert_says(&problem(&useful(USEFUL_DAYS_MAX + 1)), &words);
    let valid = format!("{GOOD}valid_from = \"2026-04-02\"\nvalid_until = \"2026-04-01\"\n");
    assert_says(
        &problem(&valid),
        "valid_until 2026-04-01 lies before valid_from 2026-04-02",
    );
}

#[test]
fn a_pack_of_another_format_is_refused() {
    let problem = problem_of(read(&DESK_PACK.replace("format = 1", "format = 2"), None, vec![]));
    assert_says(&problem, "pack.toml: format 2 is not known");
}

#[test]
fn a_manifest_is_complete_and_has_no_other_keys() {
    assert_says(&problem_of(read("", None, vec![])), "pack.toml:");
    assert_says(
        &problem_of(read(&format!("{DESK_PACK}colour = 1\n"), None, vec![])),
        "colour",
    );
    assert_says(
        &problem_of(read(&DESK_PACK.replace("\"starter\"", "\"Starter\""), None, vec![])),
        "track must be",
    );
}

#[test]
fn a_page_of_support_is_kept_as_it_was_written_and_an_empty_one_is_refused() {
    let words = "だいじょうぶです。\n\n## 手続きのこと\n- 窓口で聞けます";
    let support = Support::read(&format!("\u{feff}{}", words.replace('\n', "\r\n"))).unwrap();
    assert_eq!(support.text(), words);
    assert_eq!(support.blocks().len(), 3);
    assert!(Support::read("").unwrap_err().en.contains("empty"));
}

#[test]
fn desks_come_with_a_pack_and_their_keys_are_checked() {
    let desks = "[[desk]]\nid = \"kodomo\"\nname = \"こども家庭センター\"\ndefault = true\n";
    let pack = read(DESK_PACK, Some(desks), vec![]).unwrap();
    assert!(pack.desks[0].default && pack.desks[0].for_whom.is_none());
    let for_loss = format!("{desks}for = \"loss\"\n");
    let pack = read(DESK_PACK, Some(&for_loss), vec![]).unwrap();
    assert_eq!(pack.desks[0].for_whom, Some(ForWhom::Loss));
    let wrong = read(DESK_PACK, Some("[[desk]]\nid = \"kodomo\"\n"), vec![]);
    assert_says(&problem_of(wrong), "desks.toml:");
}

#[test]
fn all_problems_are_listed_at_once() {
    let documents = vec![
        document("a.md", "id = \"a\"", "本文"),
        document("b.md", "id = \"b\"\nslot = \"d7\"\ntitle = \"題\"", ""),
        document("c.md", "id = \"c\"\nslot = \"d7\"\ntitle = \"題\"", "本文"),
    ];
    let problems = read(DESK_PACK, None, documents).unwrap_err();
    let files: Vec<_> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["a.md", "b.md", "c.md"]);
}

fn full_article() -> PackArticle {
    PackArticle {
        id: "full".into(),
        revision: Revision {
            title: "題".into(),
            body: "本文".into(),
            sources: vec![Source {
                title: "出典".into(),
                publisher: "こども家庭庁".into(),
                year: 2024,
                url: Some("https://example.jp/".into()),
            }],
            desks: vec!["kodomo".into()],
            contact: Some("健康づくり課".into()),
            owner_section: Some("健康づくり課".into()),
        },
        placement: Placement {
            slots: ["12w0d", "d30", "m4", "n100", "s0-03-31", "last"]
                .map(|slot| slot.parse().unwrap())
                .to_vec(),
            order: -3,
            clock: Clock::Corrected,
            useful_days: USEFUL_DAYS_MAX,
            must_know: true,
            useful_until_slot: Some("m11".parse().unwrap()),
            valid_from: Some(day("2026-04-01")),
            valid_until: Some(day("2027-03-31")),
            areas: vec!["minami".into(), "kita".into()],
            ..placement()
        },
        reviews: vec![Review {
            by: "山田".into(),
            role: "助産師".into(),
            on: day("2026-04-01"),
            verdict: Verdict::Changes,
        }],
    }
}

#[test]
fn an_article_that_is_written_is_read_as_it_was() {
    let dated = Placement {
        slots: vec![],
        on: vec![day("2026-12-05"), day("2027-12-05")],
        from_slot: Some("m3".parse().unwrap()),
        until_slot: Some("m35".parse().unwrap()),
        must_know: false,
        useful_until_slot: None,
        ..full_article().placement
    };
    let plain = Placement {
        slots: vec!["d7".parse().unwrap()],
        preterm_only: true,
        ..placement()
    };
    for placement in [full_article().placement, dated, plain] {
        let article = PackArticle {
            placement,
            ..full_article()
        };
        let text = toml::to_string(&front_of(&article)).unwrap();
        let pack = read_one(&text, &article.revision.body).unwrap();
        assert_eq!(pack.articles, [article]);
    }
}

#[test]
fn the_words_of_an_article_are_kept_to_the_byte() {
    let body = "一行目  \r\n\r\n\r\n- 　項目\n## 見出し\n最後";
    let pack = read_one(GOOD, body).unwrap();
    assert_eq!(pack.articles[0].revision.body, body);
}

#[test]
fn a_body_becomes_paragraphs_lists_headings_links_and_ruby() {
    let text = |text: &str| Inline::Text { text: text.into() };
    let blocks = body::parse(
        "## 持ちもの\n｜母子健康手帳《ぼしけんこうてちょう》と\n[地図](https://example.jp/)を。\n- ひとつ\n- ふたつ\nおわり",
    );
    let expected = vec![
        Block::Heading {
            inlines: vec![text("持ちもの")],
        },
        Block::Paragraph {
            inlines: vec![
                Inline::Ruby {
                    text: "母子健康手帳".into(),
                    reading: "ぼしけんこうてちょう".into(),
                },
                text("と"),
                text("\n"),
                Inline::Link {
                    text: "地図".into(),
                    url: "https://example.jp/".into(),
                },
                text("を。"),
            ],
        },
        Block::List {
            items: vec![vec![text("ひとつ")], vec![text("ふたつ")]],
        },
        Block::Paragraph {
            inlines: vec![text("おわり")],
        },
    ];
    assert_eq!(blocks.unwrap(), expected);
}

#[test]
fn text_that_only_resembles_a_mark_stays_text() {
    for words in [
        "[かっこ]だけ",
        "｜縦棒だけ",
        "《書名》",
        "-ハイフン",
        "#8000へ",
        "a](https://example.jp)",
        "##見出し",
    ] {
        let blocks = body::parse(words).unwrap();
        assert_eq!(body::plain(&blocks), words);
        assert!(matches!(&blocks[..], [Block::Paragraph { .. }]), "{words}");
    }
}

#[test]
fn a_revision_is_approved_by_enough_different_specialists_and_no_objection() {
    use kizuna_domain::content::approved;
    let review = |by: &str, verdict| Review {
        by: by.into(),
        role: String::new(),
        on: day("2026-04-01"),
        verdict,
    };
    let yes = |by| review(by, Verdict::Approved);
    assert!(approved(&[yes("A"), yes("B")], 2));
    assert!(
        !approved(&[yes("A"), yes("Ａ ")], 2),
        "the same person by another spelling"
    );
    assert!(!approved(&[yes("A"), yes("B"), review("C", Verdict::Rejected)], 2));
    assert!(!approved(&[yes("A"), yes("B"), review("C", Verdict::Changes)], 2));
    assert!(!approved(&[], 1));
}

#[test]
fn an_owner_is_the_desk_or_the_tenant() {
    assert!(Owner::Desk < Owner::Tenant, "the desk speaks first");
}

const SETTINGS: &str = r#"
kind = "municipality"
sender_name = "ひだまり市"
customs = { leap_birthday = "march1", day_count = "from-one" }
[[adopt]]
track = "starter"
slots = "base"
end = "school:0"
join = "latest"
"#;

#[test]
fn a_tenants_settings_are_read_with_defaults_and_written_back() {
    let settings: Settings = toml::from_str(SETTINGS).unwrap();
    assert_eq!(
        (
            settings.send_from.as_str(),
            settings.send_until.as_str(),
            settings.catch_up_days
        ),
        ("08:00", "20:00", 3)
    );
    assert_eq!(settings.customs, crate::town::ALL_CUSTOMS[3]);
    assert!(settings.zone().is_ok() && settings.window().is_ok());
    let again: Settings = toml::from_str(&toml::to_string(&settings).unwrap()).unwrap();
    assert_eq!(again, settings);
    let json: Settings = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
    assert_eq!(json, settings);
}

#[test]
fn an_unknown_setting_is_refused_rather_than_ignored() {
    let error = toml::from_str::<Settings>(&format!("day_count = \"from-one\"\n{SETTINGS}")).unwrap_err();
    assert_says(error.message(), "day_count");
    let error = toml::from_str::<Settings>(&format!("{SETTINGS}jion = \"latest\"\n")).unwrap_err();
    assert_says(error.message(), "jion");
}
