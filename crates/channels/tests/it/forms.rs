//! What a message says as text and as HTML.

use kizuna_channels::render;
use kizuna_domain::message::{Block, Draft, Inline, Links};

use crate::support::{draft, letter, text};

/// The words of an HTML document as a reader without pictures and styles has them.
fn words_of_html(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1.split_once('>').unwrap().1;
    let mut words = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => words.push(c),
            _ => {}
        }
    }
    words
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Words without the marks that stand for headings, without white space and without what nobody sees.
fn bare(words: &str) -> String {
    words
        .chars()
        .filter(|c| !c.is_whitespace() && !"【】〔〕■●・―\u{200c}".contains(*c))
        .collect()
}

#[test]
fn the_text_reads_from_stage_to_way_out() {
    let expected = "\
【見本】ひだまり市　きずなだより：つわりのころの食事と、からだを休めるくふうについてです。
ゆっくりできるときに、ひらいてください。あとから読んでも、だいじょうぶです。ことばは、この下から始まります。

【見本】妊娠12週3日

【きずなだより】
■ 食べられるものを、食べられるときに
母子健康手帳（ぼしけんこうてちょう）を、おもちですか。<くわしくは>市のページ https://example.jp/a?b=1&c=2 へ。

● くふう
・ひとくちずつ
・水分を

【ひだまり市から】
〔さくらさん・1歳2か月〕
■ ひろばのお知らせ
ひろばは10時からです。
どうぞ。

【相談できるところ】
こども家庭センター
電話 000-000-0001（平日 9時〜17時）
迷ったら、ここへ
https://example.jp/center

――――――
ひだまり市
きょうのことば・これまでのことば https://kizuna.example.jp/t/words7
うまれました・日付を直す・お休み・設定 https://kizuna.example.jp/t/my7
いつでも、ここで止められます。理由は聞きません。
止めるページ https://kizuna.example.jp/t/stop7
";

    assert_eq!(render::text(&draft(), &letter(7).links), expected);
}

#[test]
fn text_and_html_say_the_same_words() {
    let mut asking = draft();
    asking.asks = true;
    let mut english = asking.clone();
    english.language = "en-GB".to_owned();
    let mut without = draft();
    without.desks.clear();
    without.stage.clear();
    let links = letter(1).links;
    for draft in [draft(), asking, english, without] {
        // In the text an address stands behind its words, in HTML it is under them.
        let mut text = render::text(&draft, &links);
        for page in [&links.words, &links.own, &links.stop] {
            text = text.replace(page, "");
        }
        text = text.replace(" https://example.jp/a?b=1&c=2 ", "");

        assert_eq!(bare(&text), bare(&words_of_html(&render::html(&draft, &links))));
    }
}

/// A day's draft as the planner writes it, from the sender with the shortest name.
fn daily(language: &str, subject: &str) -> Draft {
    Draft {
        language: language.to_owned(),
        from: "市".to_owned(),
        subject: subject.to_owned(),
        ..draft()
    }
}

#[test]
fn a_locked_screen_shows_the_sender_and_the_day_and_nothing_of_the_family() {
    // Two lines of a mail: fifty full-width characters, a hundred narrow ones.
    for (daily, first, shown) in [
        (daily("ja", "1月1日のことば"), "【見本】市　1月1日のことばです。", 50),
        (
            daily("en", "A word for 2026-01-01"),
            "【見本】市: A word for 2026-01-01.",
            100,
        ),
    ] {
        let html = words_of_html(&render::html(&daily, &letter(1).links));
        let preview = html.trim_start();
        for words in [render::text(&daily, &letter(1).links).as_str(), preview] {
            assert!(words.starts_with(first), "{words}");
            let shown: String = words.chars().take(shown).collect();
            for private in ["妊娠", "週", "さくら", "【きずな", "【ひだまり"] {
                assert!(!shown.contains(private), "{shown}");
            }
        }
        // Longer previews of HTML find blanks that do not fold.
        let (_, behind) = preview.split_once('\u{200c}').unwrap();
        let blanks = behind.chars().take_while(|c| "\u{200c}\u{a0}".contains(*c)).count();
        assert!(blanks > 150, "{blanks}");
    }
}

#[test]
fn a_subject_of_unapproved_text_says_so_first() {
    let mut draft = draft();
    assert!(render::subject(&draft).starts_with("【見本】きずなだより"));
    draft.sample = false;
    assert!(render::subject(&draft).starts_with("きずなだより"));
    assert!(!render::text(&draft, &Links::default()).contains("見本"));
}

#[test]
fn html_has_real_headings_readings_telephone_links_and_a_language() {
    let html = render::html(&draft(), &letter(1).links);
    for part in [
        "<html lang=\"ja\">",
        "<h1 style=\"font-size:1.15em\">【見本】妊娠12週3日</h1>",
        ">きずなだより</h2>",
        ">食べられるものを、食べられるときに</h3>",
        "<h4 style=\"font-size:1em\">くふう</h4>",
        "<ruby>母子健康手帳<rp>（</rp><rt>ぼしけんこうてちょう</rt><rp>）</rp></ruby>",
        "<a href=\"tel:0000000001\">000-000-0001</a>",
        "<a href=\"https://example.jp/a?b=1&amp;c=2\">市のページ</a>",
        "&lt;くわしくは&gt;",
        "ひろばは10時からです。<br>どうぞ。",
        "href=\"https://kizuna.example.jp/t/stop1\"",
        "<title>【見本】きずなだより：",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    for absent in ["<img", "<script", "<link", "url(", "src=", "width=600"] {
        assert!(!html.contains(absent), "{absent} in {html}");
    }
}

#[test]
fn no_word_of_a_draft_becomes_markup_or_a_dangerous_link() {
    let evil = "\"><script>alert(1)</script>";
    let mut draft = draft();
    draft.language = evil.to_owned();
    draft.subject = evil.to_owned();
    draft.stage = evil.to_owned();
    draft.from = evil.to_owned();
    draft.sections[0].sender = evil.to_owned();
    draft.sections[0].about = evil.to_owned();
    draft.sections[0].title = evil.to_owned();
    draft.sections[0].blocks = vec![Block::Paragraph {
        inlines: vec![
            text(evil),
            Inline::Ruby {
                text: evil.to_owned(),
                reading: evil.to_owned(),
            },
            Inline::Link {
                text: "押して".to_owned(),
                url: "javascript:alert(1)".to_owned(),
            },
            Inline::Link {
                text: evil.to_owned(),
                url: format!("https://example.jp/{evil}"),
            },
        ],
    }];
    let desk = &mut draft.desks[0];
    for field in [&mut desk.name, &mut desk.phone, &mut desk.hours, &mut desk.note] {
        evil.clone_into(field);
    }
    desk.url = "javascript:alert(2)".to_owned();

    let html = render::html(
        &draft,
        &Links {
            stop: evil.to_owned(),
            ..Links::default()
        },
    );

    assert!(
        !html.contains("<script") && !html.contains("href=\"javascript"),
        "{html}"
    );
    assert!(
        html.contains("href=\"https://example.jp/&quot;&gt;&lt;script")
            && html.contains("href=\"&quot;&gt;")
            && html.contains("<html lang=\"&quot;&gt;"),
        "no attribute ends early: {html}"
    );
}

#[test]
fn without_a_page_of_the_reader_nothing_leads_nowhere() {
    let mut draft = draft();
    draft.asks = true;
    let links = Links::default();
    assert!(!render::text(&draft, &links).contains("止め"));
    assert!(!render::html(&draft, &links).contains("href=\"\""));
}

#[test]
fn a_number_that_begins_with_a_hash_can_be_dialled() {
    let mut draft: Draft = draft();
    draft.desks[0].phone = "＃8000".to_owned();
    assert!(render::html(&draft, &Links::default()).contains("<a href=\"tel:%238000\">＃8000</a>"));
}

#[test]
fn a_picture_is_its_description_and_an_address_and_nothing_is_fetched() {
    let mut draft = draft();
    let name = format!("{:064x}.png", 7);
    draft.sections[0].blocks.push(Block::Image {
        name: name.parse().unwrap(),
        alt: "手帳の\"表紙\"".to_owned(),
    });
    let links = letter(1).links;
    let address = format!("{}/{name}", links.media);

    let text = render::text(&draft, &links);
    assert!(
        text.contains(&format!("\n\n〔写真：手帳の\"表紙\"〕\n{address}\n")),
        "{text}"
    );
    let html = render::html(&draft, &links);
    let link = format!("<p><a href=\"{address}\">〔写真：手帳の&quot;表紙&quot;〕</a></p>");
    assert!(html.contains(&link) && !html.contains("<img"), "{html}");

    let nowhere = Links::default();
    assert!(render::text(&draft, &nowhere).contains("〔写真：手帳の\"表紙\"〕\n\n"));
    assert!(render::html(&draft, &nowhere).contains("<p>〔写真：手帳の&quot;表紙&quot;〕</p>"));
    draft.language = "en".to_owned();
    assert!(render::text(&draft, &nowhere).contains("[Picture: 手帳の"));
}

#[test]
fn only_pages_that_a_reader_has_are_offered() {
    let links = letter(3).links;
    let none = |change: fn(&mut Links)| {
        let mut links = links.clone();
        change(&mut links);
        render::text(&draft(), &links)
    };
    let without_words = none(|links| links.words.clear());
    assert!(!without_words.contains("きょうのことば") && without_words.contains("/t/my3"));
    let without_own = none(|links| links.own.clear());
    assert!(!without_own.contains("うまれました") && without_own.contains("/t/words3"));
    let without_pages = none(|links| *links = Links::default());
    assert!(without_pages.ends_with("――――――\nひだまり市\n"));
    // The way out is the last line of every message that has one.
    assert!(without_own.ends_with("/t/stop3\n") && without_words.ends_with("/t/stop3\n"));
}
