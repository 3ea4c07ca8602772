//! The editorial rules: each with a text that breaks it and one that does not.

use kizuna_domain::content::pack::{ArticleDocument, Pack, read};
use kizuna_domain::content::rules::{CODES, Finding, PackReport, RuleBook, Severity, check};
use kizuna_domain::content::{Desk, Source};

use crate::town::day;

const TODAY: &str = "2026-11-22";

/// A desk's series that promises one slot, so that a test of one article is about that article.
const DESK: &str = r#"
format = 1
track = "starter"
title = "はじめの原稿"
owner = "desk"
language = "ja"
sender_label = "きずなだより"
covers = "d7"
"#;

const HEAD: &str = r#"
id = "a"
slot = "d7"
title = "ねるときは、あおむけに"
sources = [{ title = "安全に眠れるように", publisher = "こども家庭庁", year = 2025 }]
"#;

/// A text against which no rule has anything to say.
const BODY: &str = "1歳になるまでは、あおむけに寝かせてください。顔のまわりには、やわらかいものを置きません。\n\n\
    敷くものは、かためのものを選びます。医師に別の姿勢をすすめられた子は、その指示のとおりに。\n\n\
    迷うときは、産院の人や保健師に聞いてください。";

fn document(head: &str, body: &str) -> ArticleDocument {
    ArticleDocument {
        file: "a.md".into(),
        front: toml::from_str(head).unwrap(),
        body: body.into(),
    }
}

fn pack(manifest: &str, articles: Vec<ArticleDocument>) -> Pack {
    read(manifest, None, articles).unwrap()
}

fn look(pack: &Pack) -> PackReport {
    check(&RuleBook::standard().unwrap(), pack, &[], day(TODAY))
}

fn findings(manifest: &str, head: &str, body: &str) -> Vec<Finding> {
    look(&pack(manifest, vec![document(head, body)])).findings
}

/// The findings about one article of the desk with this head and body.
fn one(head: &str, body: &str) -> Vec<Finding> {
    findings(DESK, head, body)
}

/// The findings about the usual article with this sentence at its end.
fn saying(sentence: &str) -> Vec<Finding> {
    one(HEAD, &format!("{BODY}{sentence}"))
}

#[track_caller]
fn assert_only(findings: &[Finding], severity: Severity, rule: &str) {
    let found: Vec<(Severity, &str)> = findings.iter().map(|f| (f.severity, f.rule.as_str())).collect();
    assert_eq!(found, [(severity, rule)], "{findings:#?}");
    let advice = &findings[0].advice;
    assert!(advice.ja.chars().any(|c| ('ぁ'..='ん').contains(&c)), "{advice:?}");
    assert!(advice.en.chars().any(|c| c.is_ascii_alphabetic()), "{advice:?}");
}

#[track_caller]
fn assert_clean(findings: &[Finding]) {
    assert!(findings.is_empty(), "{findings:#?}");
}

#[track_caller]
fn assert_error(findings: &[Finding], rule: &str) {
    assert_only(findings, Severity::Error, rule);
}

#[track_caller]
fn assert_warning(findings: &[Finding], rule: &str) {
    assert_only(findings, Severity::Warning, rule);
}

fn long(chars: usize) -> String {
    "あ".repeat(chars) + "。"
}

#[test]
fn a_good_article_has_no_findings() {
    assert_clean(&one(HEAD, BODY));
}

#[test]
fn a_sentence_has_at_most_sixty_characters_and_better_forty() {
    assert_clean(&saying(&long(40)));
    assert_warning(&saying(&long(41)), "sentence-length");
    assert_warning(&saying(&long(60)), "sentence-length");
    let found = saying(&long(61));
    assert_error(&found, "sentence-length");
    assert!(found[0].words.ends_with("（61）"), "{}", found[0].words);
    // Readings, links and white space are not counted.
    let ruby = format!(
        "｜{}《よみ》　[{}](https://example.jp/a)。",
        "あ".repeat(20),
        "い".repeat(20)
    );
    assert_clean(&saying(&ruby));
}

#[test]
fn a_body_has_forty_to_three_hundred_characters_and_better_eighty_to_two_hundred() {
    let of = |chars: usize| "ことばを、ここに。".repeat(chars / 9) + &"あ".repeat(chars % 9);
    for chars in [80, 200] {
        assert_clean(&one(HEAD, &of(chars)));
    }
    for chars in [40, 79, 201, 300] {
        assert_warning(&one(HEAD, &of(chars)), "body-length");
    }
    for chars in [39, 301] {
        assert_error(&one(HEAD, &of(chars)), "body-length");
    }
    let town = DESK.replace("\"desk\"", "\"tenant\"");
    let head = format!("{HEAD}owner_section = \"健康づくり課\"\n");
    assert_warning(&findings(&town, &head, &of(400)), "body-length");
    assert_error(&findings(&town, &head, &of(401)), "body-length");
    assert_warning(&findings(&town, &head, &of(20)), "body-length");
}

#[test]
fn words_that_promise_compare_or_assume_are_named_with_better_ones() {
    for (sentence, rule, word) in [
        ("必ず治ります。", "absolute", "必ず治"),
        ("絶対に安全です。", "absolute", "絶対"),
        ("普通は、もう歩きます。", "comparison", "普通は"),
        ("まだ歩かない子は相談を。", "comparison", "まだ…ない"),
        ("お母さんの休みを大切に。", "gendered", "お母さん"),
        ("ママも休みましょう。", "gendered", "ママ"),
        ("家事を手伝ってもらいます。", "gendered", "手伝"),
        ("ご主人にも話します。", "gendered", "主人"),
        ("元気を出してください。", "grief", "元気を出して"),
    ] {
        let found = saying(sentence);
        assert_error(&found, rule);
        assert_eq!(found[0].words, word);
    }
    let better = &saying("ママも休みましょう。")[0].advice.ja;
    assert!(better.contains("あなた、家族"), "{better}");
    for (sentence, rule) in [
        ("がんばってください。", "pressing"),
        ("すばらしいことです。", "praise"),
        ("ご確認いただけますようお願いします。", "bureaucratic"),
        ("該当する人は電話を。", "bureaucratic"),
    ] {
        assert_warning(&saying(sentence), rule);
    }
}

#[test]
fn a_word_inside_another_word_is_not_meant() {
    for sentence in [
        "パパイヤは食べられます。",
        "絵本の主人公です。",
        "母性健康管理のカードです。",
        "まだ決まっていない日です。",
        "まだ歩きはじめのころです。",
        "まだ歯は小さいころです。あわてなくてよいのではない日も。",
    ] {
        assert_clean(&saying(sentence));
    }
}

#[test]
fn a_word_is_named_once_for_an_article() {
    assert_eq!(saying("ママとママ。ママも。").len(), 1);
}

#[test]
fn english_words_are_whole_words_in_any_case() {
    let english = DESK.replace("\"ja\"", "\"en\"");
    let head = HEAD.replace("ねるときは、あおむけに", "Sleep on the back");
    let body = "Lay your baby down on the back for every sleep. Keep soft things away from the face. \
        A firm mattress is safest. If a doctor told you to use another position, keep to that. \
        Your public health nurse will gladly answer questions.";
    assert_clean(&findings(&english, &head, body));
    for (sentence, rule) in [
        ("Mom can rest.", "gendered"),
        ("It is NORMAL.", "comparison"),
        ("Your child should have teeth.", "comparison"),
        ("Please call 150.", "phone"),
    ] {
        assert_error(&findings(&english, &head, &format!("{body} {sentence}")), rule);
    }
    assert_clean(&findings(
        &english,
        &head,
        &format!("{body} A moment of calm. Or call 119."),
    ));
    let long = format!("{body} {}.", ["word"; 31].join(" "));
    let rules: Vec<String> = findings(&english, &head, &long).into_iter().map(|f| f.rule).collect();
    assert!(rules.contains(&"sentence-length".to_owned()), "{rules:?}");
    // Japanese rules are not held against it.
    assert_clean(&findings(&english, &head, &format!("{body} ママ.")));
}

#[test]
fn after_the_due_date_no_birth_is_assumed() {
    let at = |slot: &str| HEAD.replace("d7", slot);
    for sentence in ["おめでとうございます。", "うまれた日のことを。", "生まれました。"] {
        let text = format!("{BODY}{sentence}");
        assert_error(&one(&at("40w0d"), &text)[..1], "assumes-birth");
        assert_error(&one(&at("41w6d"), &text)[..1], "assumes-birth");
    }
    let birthday = format!("{BODY}おめでとうございます。");
    assert!(one(&at("m12"), &birthday).iter().all(|f| f.rule == "coverage"));
    assert_error(&one(&at("12w0d"), &birthday)[..1], "congratulation");
    let button = format!("{BODY}「うまれました」から知らせられます。");
    assert!(one(&at("41w6d"), &button).iter().all(|f| f.rule == "coverage"));
}

#[test]
fn every_kanji_has_its_reading_where_the_language_promises_it() {
    let easy = DESK.replace("\"ja\"", "\"ja-Hira\"");
    let body = "｜赤《あか》ちゃんは、あおむけで　ねかせます。".repeat(5);
    assert_clean(&findings(&easy, HEAD, &body));
    let found = findings(&easy, HEAD, &format!("{body}医者に　聞きます。"));
    assert_error(&found, "ruby");
    assert_eq!(found[0].words, "医者聞");
    let title = HEAD.replace("ねるときは、あおむけに", "寝るとき");
    assert_error(&findings(&easy, &title, &body), "ruby");
    assert_error(&findings(&easy, HEAD, &format!("{body}｜医者《いし者》に。")), "ruby");
    // Plain Japanese promises none.
    assert_clean(&saying("医者に聞きます。"));
}

#[test]
fn a_number_in_a_text_is_one_of_the_town_or_of_the_country() {
    for sentence in [
        "#8000に電話できます。",
        "＃７１１９もあります。",
        "すぐに119へ電話してください。",
        "よりそいホットライン（0120-279-338）です。",
        "０１２０（２７９）３３８です。",
        "150番目の人です。熱は38.5度、体重は3000グラムです。",
        "2026-04-01から、0〜100点です。",
        "住まいは1-23番です。",
    ] {
        let found: Vec<_> = saying(sentence).into_iter().filter(|f| f.rule == "phone").collect();
        assert_clean(&found);
    }
    for (sentence, number) in [
        ("000-000-0009に電話を。", "0000000009"),
        ("（03）1234-5678です。", "0312345678"),
        ("09012345678です。", "09012345678"),
        ("#8999に電話できます。", "#8999"),
        ("150番に電話を。", "150"),
    ] {
        let found = saying(sentence);
        assert_error(&found, "phone");
        assert_eq!(found[0].words, number);
    }
}

#[test]
fn the_desks_of_the_town_may_be_named() {
    let desk = Desk {
        id: "center".into(),
        name: "センター".into(),
        phone: "000-000-0009".into(),
        hours: String::new(),
        open: String::new(),
        closed: vec![],
        url: String::new(),
        note: "夜は 000-000-0008".into(),
        default: false,
    };
    let body = format!("{BODY}000-000-0009か、000-000-0008へ。");
    let mut pack = pack(DESK, vec![document(HEAD, &body)]);
    assert_eq!(look(&pack).findings.len(), 2);
    let book = RuleBook::standard().unwrap();
    assert_clean(&check(&book, &pack, std::slice::from_ref(&desk), day(TODAY)).findings);
    pack.desks.push(desk);
    assert_clean(&look(&pack).findings);
}

#[test]
fn nothing_invisible_shouting_or_pictured_stands_in_a_text() {
    assert_warning(&saying("うれしい日です！"), "exclamation");
    assert_warning(&saying("うれしい日です☺"), "symbol");
    assert_warning(&saying("①から始めます。"), "symbol");
    assert_warning(&saying("１０分と20分です。"), "digit-width");
    assert_clean(&one(HEAD, &BODY.replace('1', "１")));
    let contact = format!("{HEAD}contact = \"健康\u{200b}課\"\n");
    assert_error(&one(&contact, BODY), "invisible");
    // An import refuses these before; a pack made otherwise is looked at all the same.
    let mut pack = pack(DESK, vec![document(HEAD, BODY)]);
    pack.articles[0].revision.body.push('\u{202e}');
    assert_error(&look(&pack).findings[..1], "invisible");
}

#[test]
fn a_notice_names_the_right_weekday_of_each_date() {
    let head = HEAD.replace("slot = \"d7\"", "on = \"2026-12-05\"");
    let notice = |sentence: &str| {
        let mut found = one(&head, &format!("{BODY}{sentence}"));
        found.retain(|f| f.rule != "coverage");
        found
    };
    for sentence in [
        "12月5日（土）です。",
        "12月29日（火）から1月3日（日）までです。",
        "2027年1月3日(日)です。",
        "令和9年1月3日（日・祝）です。",
        "12月5日（土）です。12月5日は休みです。",
        "3か月と5日です。",
    ] {
        assert_clean(&notice(sentence));
    }
    assert_warning(&notice("12月5日です。"), "weekday");
    for sentence in [
        "12月5日（日）です。",
        "1月3日（土）です。",
        "2026年1月3日（日）です。",
        "令和8年1月3日（日）です。",
    ] {
        assert_error(&notice(sentence), "weekday");
    }
    // What is sent every year has no weekday.
    assert_clean(&saying("4月1日からです。"));
}

#[test]
fn a_source_is_there_and_neither_old_nor_of_the_future() {
    let of = |year: &str, publisher: &str| one(&HEAD.replace("2025", year).replace("こども家庭庁", publisher), BODY);
    assert_clean(&of("2016", "こども家庭庁"));
    assert_clean(&of("2026", "こども家庭庁"));
    assert_clean(&of("1965", "法律（昭和40年法律第141号）"));
    assert_warning(&of("2015", "こども家庭庁"), "source");
    assert_error(&of("2027", "こども家庭庁"), "source");
    let mut pack = pack(DESK, vec![document(HEAD, BODY)]);
    pack.articles[0].revision.sources = Vec::<Source>::new();
    assert_error(&look(&pack).findings, "source");
}

#[test]
fn what_expired_is_taken_out_and_what_expires_soon_is_told() {
    let until = |day: &str| {
        let mut found = one(&format!("{HEAD}valid_until = \"{day}\"\n"), BODY);
        found.retain(|f| f.rule != "coverage");
        found
    };
    assert_clean(&until("2027-01-22"));
    assert_warning(&until("2027-01-21"), "validity");
    assert_warning(&until("2026-11-22"), "validity");
    assert_error(&until("2026-11-21"), "validity");
    let notice = HEAD.replace("slot = \"d7\"", "on = \"2026-12-05\"");
    let notice = |until: &str| {
        let mut found = one(&format!("{notice}valid_until = \"{until}\"\n"), BODY);
        found.retain(|f| f.rule != "coverage");
        found
    };
    assert_clean(&notice("2026-12-05"));
    assert_error(&notice("2026-12-04"), "validity");
}

#[test]
fn what_late_joiners_must_know_is_useful_later_and_by_the_real_birth() {
    let must = |rest: &str| one(&format!("{HEAD}must_know = true\n{rest}"), BODY);
    assert_clean(&must("useful_until_slot = \"m12\"\n"));
    assert_error(&must("useful_until_slot = \"d6\"\n"), "must-know");
    assert_error(&must("useful_until_slot = \"40w0d\"\n"), "must-know");
    assert_error(
        &must("useful_until_slot = \"m12\"\nclock = \"corrected\"\n"),
        "must-know",
    );
    let many = |count: usize, days: usize, until: &str| {
        let article = |number: usize| {
            let head = HEAD
                .replace("\"a\"", &format!("\"a{number}\""))
                .replace("d7", &format!("d{}", days * number));
            document(
                &format!("{head}must_know = true\nuseful_until_slot = \"{until}\"\n"),
                BODY,
            )
        };
        let report = look(&pack(DESK, (0..count).map(article).collect()));
        report
            .findings
            .into_iter()
            .filter(|f| f.rule == "must-know")
            .collect::<Vec<_>>()
    };
    assert_clean(&many(5, 40, "m12"));
    let found = many(6, 40, "m12");
    assert_warning(&found, "must-know");
    assert_eq!(found[0].words, "d200");
    // The second month lasts until the third is complete.
    assert_warning(&many(6, 18, "m2"), "must-know");
}

/// Articles of one opening each, with texts that have nothing else in common.
fn series(articles: &[(&str, &str, &str)]) -> PackReport {
    let article = |(number, (slot, title, opening)): (usize, &(&str, &str, &str))| {
        let head = HEAD
            .replace("\"a\"", &format!("\"a{number}\""))
            .replace("d7", slot)
            .replace("ねるときは、あおむけに", title);
        let own = char::from_u32(0x3042 + u32::try_from(number).unwrap() * 2).unwrap();
        document(&head, &format!("{opening}、{}。", format!("{own}。").repeat(45)))
    };
    look(&pack(DESK, articles.iter().enumerate().map(article).collect()))
}

fn about<'r>(report: &'r PackReport, rule: &str) -> Vec<&'r Finding> {
    report.findings.iter().filter(|f| f.rule == rule).collect()
}

#[test]
fn an_opening_returns_after_a_month_and_no_sooner() {
    let near = series(&[("d10", "題一", "夜のこと"), ("d40", "題二", "夜のこと")]);
    let found = about(&near, "opening");
    assert_eq!((found.len(), found[0].article.as_deref()), (1, Some("a1")));
    assert_eq!(
        (found[0].severity, found[0].words.as_str()),
        (Severity::Error, "夜のこと")
    );
    assert!(found[0].advice.ja.contains("「a0」"));
    for (a, b) in [("d10", "d41"), ("4w0d", "8w3d"), ("36w0d", "d3"), ("41w6d", "d31")] {
        assert!(
            about(&series(&[(a, "題一", "夜のこと"), (b, "題二", "夜のこと")]), "opening").is_empty(),
            "{a} {b}"
        );
    }
    for (a, b) in [
        ("36w0d", "d2"),
        ("m12", "d370"),
        ("last", "m36"),
        ("n100", "d103"),
        ("40w3d", "d5"),
    ] {
        assert_eq!(
            about(&series(&[(a, "題一", "夜のこと"), (b, "題二", "夜のこと")]), "opening").len(),
            1,
            "{a} {b}"
        );
    }
    let title = series(&[("d10", "同じ題", "朝のこと"), ("d12", "同じ題", "夜のこと")]);
    assert_eq!((about(&title, "title").len(), about(&title, "opening").len()), (1, 0));
}

#[test]
fn an_article_at_two_slots_does_not_repeat_itself() {
    let head = HEAD.replace("\"d7\"", "[\"d7\", \"d9\"]");
    assert_clean(&one(&head, BODY));
}

#[test]
fn two_articles_share_few_runs_of_words() {
    let of = |second: &str| {
        let other = HEAD
            .replace("\"a\"", "\"b\"")
            .replace("d7", "d200")
            .replace("ねるとき", "おきるとき");
        look(&pack(DESK, vec![document(HEAD, BODY), document(&other, second)]))
    };
    let same = of(BODY);
    assert!((same.shared_runs - 1.0).abs() < f64::EPSILON);
    let found = about(&same, "shared-runs");
    assert_eq!(
        [found[0].severity, found[1].severity],
        [Severity::Error, Severity::Warning]
    );
    assert_eq!(found[1].article.as_deref(), Some("b"));
    // A set phrase in both is no repetition.
    let own = "きょうは、ゆっくりすごす日にしてみませんか。".repeat(3);
    let apart = of(&format!(
        "{own}\n\n迷うときは、だいじょうぶです。産院に電話してください。"
    ));
    assert_eq!(
        (apart.shared_runs.to_bits(), about(&apart, "shared-runs").len()),
        (0, 0)
    );
    // Nor is a long set phrase that has a short one inside.
    let book = include_str!("../../../../content/rules.toml").replace(
        "set_phrases = [\n",
        "set_phrases = [\n  \"寝かせて\", \"1歳になるまでは、あおむけに寝かせてください。\",\n",
    );
    let book = RuleBook::read(&book).unwrap();
    let other = HEAD
        .replace("\"a\"", "\"b\"")
        .replace("d7", "d200")
        .replace("ねるとき", "おきるとき");
    let second = format!("1歳になるまでは、あおむけに寝かせてください。{own}");
    let both = pack(DESK, vec![document(HEAD, BODY), document(&other, &second)]);
    assert_eq!(check(&book, &both, &[], day(TODAY)).shared_runs.to_bits(), 0);
}

#[test]
fn a_series_that_promises_all_tells_every_safety_subject() {
    let whole = DESK.replace("covers = \"d7\"\n", "");
    let report = look(&pack(&whole, vec![document(HEAD, BODY)]));
    let missing: Vec<&str> = about(&report, "safety").iter().map(|f| f.words.as_str()).collect();
    for subject in [
        "bleeding",
        "alcohol",
        "medicines",
        "reduced-movement",
        "shaking",
        "postpartum-mood",
        "fever-under-three-months",
        "honey",
        "choking",
        "bath",
        "window",
        "button-battery",
    ] {
        assert!(missing.contains(&subject), "{subject}: {missing:?}");
    }
    assert!(!missing.contains(&"sleep-on-the-back"), "told on d7");
    let late = look(&pack(&whole, vec![document(&HEAD.replace("d7", "d40"), BODY)]));
    assert!(
        about(&late, "safety").iter().any(|f| f.words == "sleep-on-the-back"),
        "d40 is too late"
    );
    assert!(about(&late, "safety").iter().all(|f| f.severity == Severity::Error));
    // Who promises one month owes what must be told in it.
    let month = DESK.replace("covers = \"d7\"", "covers = \"d0..d30\"");
    let report = look(&pack(&month, vec![document(HEAD, BODY)]));
    let mut owed: Vec<&str> = about(&report, "safety").iter().map(|f| f.words.as_str()).collect();
    owed.sort_unstable();
    assert_eq!(owed, ["postpartum-mood", "shaking"]);
}

#[test]
fn a_safety_subject_may_be_told_in_the_readings() {
    let easy = DESK.replace("\"ja\"", "\"ja-Hira\"").replace("\"d7\"", "\"d0..d30\"");
    let told = "こころが　｜辛《つら》い　ときは、｜電話《でんわ》を　します。";
    let report = look(&pack(&easy, vec![document(HEAD, told)]));
    assert!(about(&report, "safety").iter().all(|f| f.words != "postpartum-mood"));
}

#[test]
fn coverage_counts_the_promised_slots_and_names_the_gaps() {
    let promised = |covers: &str| DESK.replace("covers = \"d7\"", covers);
    let of = |covers: &str, slots: &str| {
        look(&pack(
            &promised(covers),
            vec![document(&HEAD.replace("\"d7\"", slots), BODY)],
        ))
    };
    let report = of("covers = \"d0..d9 m12 last\"", "[\"d0\", \"d1\", \"d7\", \"m12\"]");
    assert_eq!(
        (report.promised, report.covered, report.coverage()),
        (12, 4, Some(4.0 / 12.0))
    );
    let found = about(&report, "coverage");
    assert_eq!(
        (found[0].severity, found[0].words.as_str()),
        (Severity::Warning, "d2..d6 d8..d9 last")
    );
    let full = of("covers = \"d0..d1\"", "[\"d0\", \"d1\", \"d2\"]");
    assert_eq!((full.coverage(), about(&full, "coverage").len()), (Some(1.0), 0));
    // Without a word the desk promises the base cadence, and a town nothing.
    let base = of("", "\"d7\"");
    assert!(
        base.promised > 500 && about(&base, "coverage")[0].words.contains("d8..d1092"),
        "{base:?}"
    );
    let town = promised("").replace("\"desk\"", "\"tenant\"");
    let head = format!("{HEAD}owner_section = \"健康づくり課\"\n");
    assert_eq!(look(&pack(&town, vec![document(&head, BODY)])).coverage(), None);
    // What is for a few families covers nothing.
    let head = format!("{HEAD}preterm_only = true\n");
    assert_eq!(look(&pack(DESK, vec![document(&head, BODY)])).coverage(), Some(0.0));
    // What may not leave today covers nothing.
    let head = format!("{HEAD}valid_until = \"2026-11-21\"\n");
    assert_eq!(look(&pack(DESK, vec![document(&head, BODY)])).coverage(), Some(0.0));
}

#[test]
fn a_pack_promises_slots_by_name() {
    let problems = read(&DESK.replace("\"d7\"", "\"all\""), None, vec![]).unwrap_err();
    assert!(problems[0].to_string().contains("covers must name"), "{problems:?}");
    assert!(read(&DESK.replace("\"d7\"", "\"d9..d7\""), None, vec![]).is_err());
}

#[test]
fn two_articles_of_the_desk_at_one_slot_are_told() {
    let at = |id: &str, slot: &str, more: &str| {
        let head = HEAD.replace("\"a\"", &format!("\"{id}\"")).replace("\"d7\"", slot);
        document(&format!("{head}{more}"), BODY)
    };
    let told = |articles: Vec<ArticleDocument>| {
        let report = look(&pack(DESK, articles));
        about(&report, "two-articles").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_clean(&told(vec![at("a", "\"d7\"", ""), at("b", "\"d8\"", "")]));
    let found = told(vec![at("a", "[\"d7\", \"d9\"]", ""), at("b", "\"d9\"", "")]);
    assert_warning(&found, "two-articles");
    assert_eq!(
        (found[0].article.as_deref(), found[0].words.as_str()),
        (Some("b"), "d9")
    );
    let (early, corrected) = ("preterm_only = true\n", "clock = \"corrected\"\n");
    assert_clean(&told(vec![at("a", "\"d7\"", early), at("b", "\"d7\"", corrected)]));
    assert_warning(
        &told(vec![at("a", "\"d7\"", early), at("b", "\"d7\"", "")]),
        "two-articles",
    );
    let last_year = at("a", "\"d7\"", "valid_until = \"2027-03-31\"\n");
    assert_clean(&told(vec![
        last_year,
        at("b", "\"d7\"", "valid_from = \"2027-04-01\"\n"),
    ]));
}

#[test]
fn every_rule_is_explained() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/editorial-rules.md")).unwrap();
    let book = RuleBook::standard().unwrap();
    for code in CODES.into_iter().chain(book.codes()) {
        assert!(
            page.contains(&format!("| `{code}` |")),
            "docs/editorial-rules.md does not explain {code}"
        );
    }
}

#[test]
fn a_rule_book_with_an_empty_word_is_refused() {
    let text = include_str!("../../../../content/rules.toml").replace("find = \"ママ\"", "find = \"\"");
    assert!(RuleBook::read(&text).unwrap_err().to_string().contains("gendered"));
}
