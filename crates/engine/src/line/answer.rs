//! The words of replies. They cost nothing, so they are said only with a reply token, and only while it lives.

use kizuna_channels::render;
use kizuna_domain::content::Desk;
use kizuna_domain::message::{Draft, Links};
use kizuna_domain::place::PlaceCode;
use kizuna_store::tenants;
use serde_json::{Value, json};

use super::Replies;
use super::inbox::Reply;
use super::talk::Answer;
use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::explain;
use crate::links::{self, Holder};

/// Messages of one reply at most, by LINE.
const MESSAGES_MAX: usize = 5;
/// UTF-16 units of one text, some below LINE's 5,000.
const TEXT_UNITS_MAX: usize = 4_900;
/// Desks in one reply: more than a phone shows at once.
const DESKS_MAX: usize = 8;
/// Days that これまでのことば looks back on.
const PAST_DAYS: usize = 3;
/// Graphemes of a button's label, by LINE.
const LABEL_MAX: usize = 20;
/// UTF-16 units of an alternative text, some below LINE's 1,500.
const ALT_UNITS_MAX: usize = 400;

/// What stands above the way to a reader's words.
const WORDS_PAGE: &str = "これまでのことばをさがす・印刷する・相談先を見るページです。";

/// Says a reply, unless its token has died; where it cannot be said nothing else is done.
pub fn say(env: &Env, replies: &dyn Replies, reply: &Reply) {
    if env.clock.now() >= reply.until {
        return;
    }
    let said = messages(env, reply)
        .map_err(|error| error.to_string())
        .and_then(|messages| {
            let account = channel_account(&reply.account);
            replies.reply(&account, &reply.token, &messages)
        });
    if let Err(reason) = said {
        tracing::info!(account = %reply.account.id, reason, "a reply could not be said");
    }
}

/// The messages of a reply.
fn messages(env: &Env, reply: &Reply) -> Result<Vec<Value>, EngineError> {
    let sender = &reply.tenant.settings.sender_name;
    let desks = || -> Result<Vec<Desk>, EngineError> {
        let mut desks = env.db.read(|tx| tenants::desks(tx, reply.tenant.scope()))?;
        desks.retain(|desk| desk.default);
        desks.truncate(DESKS_MAX);
        Ok(desks)
    };
    let mut messages = match reply.answer {
        Answer::Greeting => vec![button(
            reply,
            &format!(
                "{sender}です。妊娠中から子育て中まで、その日のことばを届けます。\n出産予定日かお子さんの誕生日を一つ入れると、はじまります。"
            ),
            ("登録する", Page::Register(None)),
        )],
        Answer::Register(place) => vec![button(
            reply,
            "登録のページです。日付を一つ入れるだけで、おわります。",
            ("登録する", Page::Register(place)),
        )],
        Answer::WelcomeBack => vec![text("つぎの日から、またお届けします。")],
        Answer::Quiet => vec![text(&format!(
            "{sender}です。いまは、なにも届きません。\n受け取るときは「登録」と送ってください。"
        ))],
        Answer::Resting => vec![button(
            reply,
            "いまは、お休みしています。なにも届きません。\nお休みをおわりにすることも、止めることも、このページでできます。",
            ("ページをひらく", Page::Own("pause")),
        )],
        Answer::Stopped => {
            let more = match base(reply) {
                Some(base) => format!("\n\n話したいとき、困ったとき：\n{base}/stopped"),
                None => desk_lines(&desks()?),
            };
            vec![text(&format!(
                "止めました。\nこれまで読んでくださって、ありがとうございました。{more}"
            ))]
        }
        Answer::Today | Answer::Birth | Answer::Date | Answer::Settings if reply.reader.is_none() => vec![button(
            reply,
            "まだ登録がありません。日付を一つ入れると、はじまります。",
            ("登録する", Page::Register(None)),
        )],
        Answer::Today => {
            let mut said = match todays(env, reply)? {
                Some(draft) => letter(&draft),
                None => vec![text("きょうのことばは、ありません。\nつぎのことばを、お待ちください。")],
            };
            lead_on(env, reply, &mut said)?;
            said
        }
        Answer::Past => {
            let past = match reply.reader {
                Some(reader) => explain::past_of(env, &reply.tenant, reader, PAST_DAYS)?,
                None => Vec::new(),
            };
            if past.is_empty() {
                vec![text("これまでに届いたことばは、まだありません。")]
            } else {
                let mut said = past.iter().flat_map(letter).collect();
                lead_on(env, reply, &mut said)?;
                said
            }
        }
        Answer::Desks => {
            let mut said = vec![desk_cards(&desks()?)];
            lead_on(env, reply, &mut said)?;
            said
        }
        Answer::Support => {
            let mut said: Vec<Value> = base(reply).map(|base| support(&base)).into_iter().collect();
            said.push(desk_cards(&desks()?));
            said
        }
        Answer::Birth => vec![button(
            reply,
            "お子さんの誕生日を入れるページです。",
            ("ページをひらく", Page::Own("birth")),
        )],
        Answer::Date => vec![button(
            reply,
            "出産予定日やお子さんの誕生日を直すページです。",
            ("ページをひらく", Page::Own("date")),
        )],
        Answer::Settings => vec![button(
            reply,
            "日付を直す、お休みする、止めるページです。",
            ("ページをひらく", Page::Own("")),
        )],
        Answer::Invite if reply.reader.is_none() => vec![text(&invitation(reply))],
        Answer::Invite => vec![button(
            reply,
            "ご家族にわたすリンクを作るページです。あなたの日付は、えらんだときだけ伝わります。",
            ("ページをひらく", Page::Own("invite")),
        )],
        Answer::Restarted => vec![text("お休みをおわりにしました。あしたから、またお届けします。")],
        Answer::Listening => vec![text(&format!(
            "このトークでは、お返事を書いていません。\n急ぎのときは 119 へ。{}\n\nお知らせを止めるときは「停止」と送ってください。理由は聞きません。",
            desk_lines(&desks()?)
        ))],
    };
    messages.truncate(MESSAGES_MAX);
    Ok(messages)
}

fn todays(env: &Env, reply: &Reply) -> Result<Option<Draft>, EngineError> {
    match reply.reader {
        Some(reader) => explain::today_of(env, &reply.tenant, reader),
        None => Ok(None),
    }
}

/// The address of a tenant's pages, where it has one.
fn base(reply: &Reply) -> Option<String> {
    let url = &reply.tenant.settings.base_url;
    (!url.is_empty()).then(|| format!("{url}/{}", reply.tenant.code))
}

fn text(words: &str) -> Value {
    json!({ "type": "text", "text": clipped(words, TEXT_UNITS_MAX) })
}

/// The page that a button leads to.
#[derive(Clone, Copy)]
enum Page {
    /// The registration, with the place that is to be counted.
    Register(Option<PlaceCode>),
    /// One of a reader's own pages.
    Own(&'static str),
}

/// A sentence with one button that leads to a page; without pages the sentence alone.
fn button(reply: &Reply, words: &str, (label, page): (&str, Page)) -> Value {
    let Some((base, token)) = base(reply).zip(reply.token_of_page.as_ref()) else {
        return text(words);
    };
    let uri = match page {
        Page::Register(place) => {
            let place = place.map(|place| format!("?p={place}")).unwrap_or_default();
            format!("{base}/register/line/{token}{place}")
        }
        Page::Own("") => format!("{base}/my/{token}"),
        Page::Own(page) => format!("{base}/my/{token}/{page}"),
    };
    bubble(
        words,
        &[
            json!({ "type": "text", "text": words, "wrap": true }),
            uri_button(label, &uri, "primary"),
        ],
    )
}

/// The way to the page of support.
fn support(base: &str) -> Value {
    let words = "話しても、話さなくても、だいじょうぶです。";
    bubble(
        words,
        &[
            json!({ "type": "text", "text": words, "wrap": true }),
            uri_button("ページをひらく", &format!("{base}/support"), "primary"),
        ],
    )
}

/// Puts a button to the reader's page of words below what is said; nothing where there are no pages or no reader.
fn lead_on(env: &Env, reply: &Reply, said: &mut Vec<Value>) -> Result<(), EngineError> {
    let Some((base, reader)) = base(reply).zip(reply.reader) else {
        return Ok(());
    };
    let holder = env.db.read(|tx| Holder::of(tx, reply.tenant.scope(), reader))?;
    let token = links::words_token(&env.keys, reply.tenant.id, holder);
    said.truncate(MESSAGES_MAX - 1);
    said.push(bubble(
        WORDS_PAGE,
        &[
            json!({ "type": "text", "text": WORDS_PAGE, "wrap": true }),
            uri_button("ことばのページ", &format!("{base}/words/{token}"), "primary"),
        ],
    ));
    Ok(())
}

/// A button that leads somewhere, in our own colours: LINE's green does not carry white words well.
fn uri_button(label: &str, uri: &str, style: &str) -> Value {
    json!({
        "type": "button",
        "style": style,
        "color": if style == "primary" { "#0E5E5B" } else { "#F3EDE2" },
        "margin": "md",
        "action": { "type": "uri", "label": kizuna_domain::text::shorten(label, LABEL_MAX), "uri": uri },
    })
}

fn bubble(alt: &str, contents: &[Value]) -> Value {
    json!({
        "type": "flex",
        "altText": clipped(alt, ALT_UNITS_MAX),
        "contents": { "type": "bubble", "body": { "type": "box", "layout": "vertical", "contents": contents } },
    })
}

/// Desks with their hours and a button that dials.
fn desk_cards(desks: &[Desk]) -> Value {
    let mut contents = vec![
        json!({ "type": "text", "text": "話したいとき、困ったとき", "weight": "bold", "wrap": true }),
        json!({ "type": "text", "text": "急ぎのときは 119 へ。", "wrap": true, "margin": "sm" }),
    ];
    for desk in desks {
        contents.push(json!({ "type": "separator", "margin": "lg" }));
        contents.push(json!({ "type": "text", "text": desk.name, "weight": "bold", "wrap": true, "margin": "lg" }));
        for more in [&desk.hours, &desk.note].into_iter().filter(|more| !more.is_empty()) {
            contents.push(json!({ "type": "text", "text": more, "size": "sm", "wrap": true }));
        }
        if let Some(uri) = dialled(&desk.phone) {
            contents.push(uri_button(&desk.phone, &uri, "secondary"));
        }
    }
    bubble(&format!("急ぎのときは 119 へ。{}", desk_lines(desks)), &contents)
}

/// Desks as lines of a text; empty where there are none.
fn desk_lines(desks: &[Desk]) -> String {
    let line = |desk: &Desk| {
        let parts = [&desk.name, &desk.phone, &desk.hours];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        format!("\n・{}", parts.join("　"))
    };
    let lines: String = desks.iter().map(line).collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n\n相談できるところ{lines}")
    }
}

/// The address that dials a number, where there is anything to dial.
fn dialled(phone: &str) -> Option<String> {
    let digit = |c: char| match c {
        '0'..='9' | '+' | '*' => Some(c.to_string()),
        '#' => Some("%23".to_owned()),
        _ => None,
    };
    let digits: String = phone.chars().filter_map(digit).collect();
    (!digits.is_empty()).then(|| format!("tel:{digits}"))
}

fn invitation(reply: &Reply) -> String {
    let id = reply
        .account
        .settings
        .get("basic_id")
        .map(|id| id.trim_start_matches('@'));
    let way = match id.filter(|id| !id.is_empty()) {
        Some(id) => format!("\nhttps://line.me/R/ti/p/%40{id}"),
        None => String::new(),
    };
    format!(
        "ご家族も、それぞれのLINEから登録できます。友だち追加のあと「登録」と送ってください。{way}\n\nあなたの日付や、あなたが登録していることは、伝わりません。"
    )
}

/// A message as texts that LINE takes, cut between lines.
fn letter(draft: &Draft) -> Vec<Value> {
    let whole = render::text(draft, &Links::default());
    let mut parts: Vec<String> = vec![String::new()];
    for line in whole.trim_end().lines() {
        let is_full = |part: &String| units(part) + units(line) + 1 > TEXT_UNITS_MAX;
        if parts.last().is_some_and(is_full) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            if !part.is_empty() {
                part.push('\n');
            }
            part.push_str(line);
        }
    }
    parts.iter().map(|part| text(part)).collect()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most so many UTF-16 units, the last character being … where something was cut.
fn clipped(text: &str, max: usize) -> String {
    if units(text) <= max {
        return text.to_owned();
    }
    let mut left = max.saturating_sub(1);
    let kept = text.chars().take_while(|c| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    });
    kept.chain(['…']).collect()
}
