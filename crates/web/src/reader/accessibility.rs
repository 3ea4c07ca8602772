//! 読みやすさへの取り組み: what the pages aim at, what was checked and what was not, and where to tell of a barrier.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Desks, Frame};
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The words of one language. What is listed as checked must be true of the version that says so.
struct Words {
    title: &'static str,
    aim: &'static str,
    checked_title: &'static str,
    checked_how: &'static str,
    checked: [&'static str; 8],
    open_title: &'static str,
    open: [&'static str; 3],
    tell_title: &'static str,
    tell: &'static str,
    tell_what: [&'static str; 3],
    tell_desk: &'static str,
    tell_town: &'static str,
}

static JA: Words = Words {
    title: "読みやすさへの取り組み",
    aim: "だれでも読めて、使えるページにします。めざすのは、JIS X 8341-3:2016 と WCAG 2.2 の、適合レベルAAです。",
    checked_title: "確かめたこと",
    checked_how: "2026年11月22日に、このしくみを作った人が点検しました（自己点検）。JISの試験ではありません。",
    checked: [
        "文字と背景の明るさの比：本文は7対1より大きく、ほかの文字は4.5対1より大きい。六つの色すべてを、計算で。",
        "はば320pxの画面：横に動かさずに読める。ブラウザーで。",
        "文字を2倍にしたとき：欠けずに読める。ブラウザーで。",
        "文字や行の間を広げたとき：欠けずに読める。ブラウザーで。",
        "色を変えて見る設定（ハイコントラスト）：ボタンや、えらんだものがわかる。ブラウザーで。",
        "指でおすところ：ボタンと入力らんは、高さ44px以上。",
        "JavaScript：なくても使える。LINEが中でひらくページだけは、LINEのものを使い、別の道もある。",
        "やさしい日本語のページ：決まった文の漢字には、ふりがながある。自動の点検で。市区町村が書いた文（相談先の名前や時間、お知らせ）は、そのまま出す。",
    ],
    open_title: "まだ確かめていないこと",
    open: [
        "画面を読み上げるソフトを、ふだん使っている方による点検。",
        "iPhoneとAndroidの、LINEの中のブラウザーでの点検。",
        "リンクの先にある、ほかのサイトのページやPDF。",
    ],
    tell_title: "読みにくいところがあったら",
    tell: "教えてください。わかる範囲でかまいません。",
    tell_what: [
        "どのページで",
        "何をしようとして、どうなったか",
        "使っている機械（スマートフォンなど）",
    ],
    tell_desk: "電話でも、必要なことをお伝えします。",
    tell_town: "市区町村の、子育ての窓口に伝えてください。",
};

static EASY: Words = Words {
    title: "｜読《よ》みやすいページにするために",
    aim: "｜誰《だれ》でも ｜使《つか》えるページを ｜作《つく》ります。JIS X 8341-3:2016 と WCAG 2.2 のAAが ｜目標《もくひょう》です。",
    checked_title: "｜確《たし》かめたこと",
    checked_how: "2026｜年《ねん》11｜月《がつ》22｜日《にち》に、このページを ｜作《つく》った ｜人《ひと》が ｜確《たし》かめました。JISの ｜試験《しけん》ではありません。",
    checked: [
        "｜文字《もじ》の ｜色《いろ》：｜後《うし》ろの ｜色《いろ》と、よくちがいます。｜計算《けいさん》しました。",
        "｜小《ちい》さい ｜画面《がめん》：｜横《よこ》に ｜動《うご》かさないで ｜読《よ》めます。",
        "｜文字《もじ》を2｜倍《ばい》に ｜大《おお》きくしても、｜全部《ぜんぶ》｜読《よ》めます。",
        "｜文字《もじ》の ｜間《あいだ》を ｜広《ひろ》くしても、｜全部《ぜんぶ》｜読《よ》めます。",
        "｜画面《がめん》の ｜色《いろ》を ｜変《か》えても、ボタンがわかります。",
        "ボタンは、｜指《ゆび》でおしやすい ｜大《おお》きさです。",
        "JavaScriptがなくても ｜使《つか》えます。",
        "このページの ｜漢字《かんじ》には、ひらがながあります。｜町《まち》が ｜書《か》いた ｜文《ぶん》には、ないことがあります。",
    ],
    open_title: "まだ ｜確《たし》かめていないこと",
    open: [
        "｜画面《がめん》を ｜声《こえ》で ｜聞《き》く ｜人《ひと》に、｜使《つか》ってもらうこと。",
        "iPhoneとAndroidのLINEで ｜見《み》ること。",
        "ほかのサイトのページや、PDF。",
    ],
    tell_title: "｜読《よ》みにくいとき",
    tell: "｜教《おし》えてください。わかることだけで、いいです。",
    tell_what: [
        "どのページですか",
        "｜何《なに》を しましたか。どうなりましたか",
        "｜何《なに》を ｜使《つか》っていますか（スマートフォンなど）",
    ],
    tell_desk: "｜電話《でんわ》で ｜聞《き》くこともできます。",
    tell_town: "｜住《す》んでいる ｜町《まち》の ｜役所《やくしょ》に ｜電話《でんわ》してください。",
};

static EN: Words = Words {
    title: "Accessibility",
    aim: "Everybody should be able to read and use these pages. We aim at level AA of JIS X 8341-3:2016 and WCAG 2.2.",
    checked_title: "What was checked",
    checked_how: "The makers of this software checked it themselves on 22 November 2026. This is not a formal JIS test.",
    checked: [
        "Contrast: body text is above 7:1 and all other text above 4.5:1, calculated for all six colours.",
        "A screen 320 px wide: everything can be read without scrolling sideways. In a browser.",
        "Text at twice its size: nothing is cut off. In a browser.",
        "Letters and lines set wider: nothing is cut off. In a browser.",
        "Forced colours (high contrast): buttons and choices can be told apart. In a browser.",
        "Touch targets: buttons and fields are at least 44 px high.",
        "JavaScript: not needed. Only the page that LINE opens inside itself uses LINE's, and there is another way.",
        "Pages in plain Japanese: every kanji of our own words has its reading, by an automatic test. What the town wrote (names and hours of desks, notices) is shown as it is.",
    ],
    open_title: "What has not been checked yet",
    open: [
        "Use by people who rely on a screen reader every day.",
        "The browser inside LINE, on iPhones and Android phones.",
        "Pages and PDF files of other sites behind links.",
    ],
    tell_title: "If something is hard to read or use",
    tell: "Please tell us, as far as you can say:",
    tell_what: [
        "on which page",
        "what you wanted to do, and what happened",
        "what you use (a phone, for example)",
    ],
    tell_desk: "You can also get the information by telephone.",
    tell_town: "Please tell the family desk of your city or town.",
};

#[derive(Template)]
#[template(path = "reader/accessibility.html")]
struct AccessibilityPage {
    frame: Frame,
    words: &'static Words,
    desks: Desks,
}

/// Shows the page.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        Ok(AccessibilityPage {
            frame: Frame::new(&tenant, language),
            words: language.pick(&JA, &EASY, &EN),
            desks: Desks::of(site, &tenant, language)?,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
