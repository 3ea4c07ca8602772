//! What a user's LINE would show: the talk with an account, its rich menu, and buttons that send webhooks.
//!
//! Pages without script and without anything from elsewhere but the pictures of messages.

mod flex;

use jiff::{Timestamp, tz};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::call::Pairs;
use crate::html::{NOTICE, escape, page, put, sheet};
use crate::model::ChannelKind;
use crate::state::{Channel, Friendship, State, UserId};
use crate::webhook::{Act, Said};

/// Messages of a talk that are shown, the newest.
const SHOWN_MAX: usize = 200;

/// Users of a channel that the first page lists.
const LISTED_MAX: usize = 200;

/// The page with all channels and their people.
pub(crate) fn front(state: &State) -> Answer {
    let mut html = String::new();
    let messaging = |channel: &&Channel| channel.settings.kind == ChannelKind::Messaging;
    for channel in state.channels.values().filter(messaging) {
        let id = escape(&channel.id);
        put!(html, "<h2>{}</h2><p>チャネル {id}</p><ul>", name_of(channel));
        let provider = state.providers.get(&channel.settings.provider);
        let users = provider.into_iter().flat_map(|provider| &provider.users);
        for (user, name) in users.take(LISTED_MAX) {
            let what = match channel.friends.get(user) {
                Some(Friendship::Friend) => "友だち",
                Some(Friendship::Blocked) => "ブロック中",
                None => "友だちではない",
            };
            let name = escape(name);
            put!(
                html,
                "<li><a href=\"/_double/talk/{id}/{user}#end\">{name}</a> {what}</li>"
            );
        }
        html.push_str("</ul>");
    }
    if state.channels.is_empty() {
        html.push_str("<p>まだチャネルがありません。</p>");
    }
    Answer::page(200, sheet("LINEの代役", &html))
}

/// The talk of a user with an account.
pub(crate) fn talk(state: &mut State, channel: &str, user: UserId) -> Result<Answer, String> {
    let now = state.clock.now();
    let menu = state.channel(channel)?.menus.seen(user, now);
    let user_name = state
        .name(channel, user)
        .ok_or_else(|| format!("the provider of channel {channel:?} does not know {user}"))?;
    let known = state.channels.get(channel).ok_or("there is no such channel")?;
    let bot = name_of(known);
    let friendship = known.friends.get(&user).copied();
    let mut html = format!(
        "<header><a href=\"/_double/\" aria-label=\"一覧へもどる\">‹</a><h1>{bot}</h1><small>{}さんの画面</small>",
        escape(user_name)
    );
    if friendship == Some(Friendship::Friend) {
        html.push_str(&deed("block", "ブロックする"));
    }
    put!(
        html,
        "</header>{NOTICE}<main class=\"talk\" tabindex=\"0\" aria-label=\"トーク\">"
    );
    let entries = entries(state, channel, user);
    let mut day = None;
    for entry in &entries {
        let at = tz::offset(9).to_datetime(entry.at());
        if day.replace(at.date()) != Some(at.date()) {
            put!(html, "<p class=\"day\">{}", at.strftime("%Y年%-m月%-d日"));
        }
        let clock = at.strftime("%H:%M").to_string();
        match entry {
            Entry::Said(said) => put!(
                html,
                "<div class=\"said\"><time>{clock}</time><p>{}</p></div>",
                escape(&said.text)
            ),
            Entry::Got(_, messages) => {
                for message in messages.as_array().into_iter().flatten() {
                    let sender = message.pointer("/sender/name").and_then(Value::as_str);
                    let sender = sender.map_or_else(|| bot.clone(), escape);
                    put!(html, "<div class=\"got\"><b>{sender}</b>");
                    show(&mut html, message);
                    put!(html, "<time>{clock}</time></div>");
                }
            }
        }
    }
    if entries.is_empty() {
        html.push_str("<p class=\"day\">まだメッセージはありません。");
    }
    html.push_str("<p id=\"end\"></p></main><footer>");
    if friendship == Some(Friendship::Friend) {
        if let Some(Entry::Got(_, messages)) = entries.last() {
            quick_replies(&mut html, messages);
        }
        html.push_str(
            "<form method=\"post\" class=\"say\"><input type=\"hidden\" name=\"act\" value=\"say\">\
             <input name=\"text\" aria-label=\"メッセージ\" placeholder=\"メッセージを入力\" maxlength=\"5000\" required>\
             <button>送る</button></form>",
        );
        if let Some(menu) = menu {
            rich_menu(&mut html, known, &menu);
        }
    } else if friendship == Some(Friendship::Blocked) {
        html.push_str("<p>このアカウントをブロックしています。");
        html.push_str(&deed("unblock", "ブロック解除"));
    } else {
        html.push_str("<p>まだ友だちではありません。");
        html.push_str(&deed("befriend", "友だち追加"));
    }
    html.push_str("</footer>");
    Ok(Answer::page(200, page(&format!("{bot}（代役）"), &html)))
}

/// What a form of the talk asks for.
pub(crate) fn act(form: &Pairs) -> Result<Act, String> {
    let field = |name: &str| form.get(name).unwrap_or_default().to_owned();
    Ok(match field("act").as_str() {
        "befriend" => Act::Befriend,
        "block" => Act::Block,
        "unblock" => Act::Unblock,
        "say" => Act::Say(field("text")),
        "switch" => Act::Switch {
            alias: field("alias"),
            data: field("data"),
        },
        "tap" => {
            let mut params = Map::new();
            for mode in ["date", "time", "datetime"] {
                if let Some(chosen) = form.get(mode) {
                    params.insert(mode.to_owned(), Value::from(chosen));
                }
            }
            Act::Tap {
                data: field("data"),
                params: if params.is_empty() {
                    Value::Null
                } else {
                    Value::Object(params)
                },
            }
        }
        other => return Err(format!("nobody can do {other:?}")),
    })
}

/// The picture of a rich menu.
pub(crate) fn picture(state: &mut State, channel: &str, menu: &str) -> Result<Answer, String> {
    let menus = &state.channel(channel)?.menus;
    let picture = menus.made.get(menu).and_then(|menu| menu.picture.as_ref());
    Ok(match picture {
        Some((kind, bytes)) => Answer::bytes(200, kind, bytes.clone()),
        None => Answer::refuse(404, "there is no such picture"),
    })
}

/// Something in a talk.
enum Entry<'a> {
    Said(&'a Said),
    Got(Timestamp, &'a Value),
}

impl Entry<'_> {
    fn at(&self) -> Timestamp {
        match self {
            Entry::Said(said) => said.at,
            Entry::Got(at, _) => *at,
        }
    }
}

/// The newest of a talk, the newest last: words of the user stand after the receipts that they had then.
fn entries<'a>(state: &'a State, channel: &str, user: UserId) -> Vec<Entry<'a>> {
    let got = state
        .receipts
        .iter()
        .filter(|kept| *kept.channel == *channel && kept.user == user);
    let said = state.mailbag.said.iter();
    let said = said.filter(|said| *said.channel == *channel && said.user == user);
    let mut all: Vec<(u64, Entry<'_>)> = got
        .map(|kept| (2 * kept.number, Entry::Got(kept.at, &kept.request.messages)))
        .chain(said.map(|said| (2 * said.after + 1, Entry::Said(said))))
        .collect();
    all.sort_by_key(|(place, _)| *place);
    let first = all.len().saturating_sub(SHOWN_MAX);
    all.into_iter().skip(first).map(|(_, entry)| entry).collect()
}

/// The name that people see, escaped; the id where it has none.
pub(crate) fn name_of(channel: &Channel) -> String {
    match channel.settings.display_name.as_str() {
        "" => escape(&channel.id),
        name => escape(name),
    }
}

/// A message as plainly as it can be shown.
fn show(html: &mut String, message: &Value) {
    let text = |path: &str| message.pointer(path).and_then(Value::as_str).map(escape);
    match message.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" | "textV2" => put!(html, "<p>{}</p>", text("/text").unwrap_or_default()),
        "image" => {
            let url = text("/previewImageUrl").unwrap_or_default();
            let original = text("/originalContentUrl").unwrap_or_default();
            put!(
                html,
                "<a href=\"{original}\"><img class=\"photo\" src=\"{url}\" alt=\"画像\"></a>"
            );
        }
        "flex" => flex::show(html, message),
        "template" => template(html, message.get("template").unwrap_or(&Value::Null)),
        kind => put!(
            html,
            "<p>［{}］{}</p>",
            escape(kind),
            text("/altText").unwrap_or_default()
        ),
    }
}

fn template(html: &mut String, template: &Value) {
    let columns = template.get("columns").and_then(Value::as_array);
    html.push_str("<div class=\"row\">");
    for part in columns.map_or_else(|| vec![template], |columns| columns.iter().collect()) {
        let text = |name: &str| part.get(name).and_then(Value::as_str).map(escape);
        html.push_str("<div class=\"bubble kilo\">");
        if let Some(url) = text("thumbnailImageUrl").or_else(|| text("imageUrl")) {
            put!(html, "<img class=\"photo\" src=\"{url}\" alt=\"\">");
        }
        html.push_str("<div class=\"template\">");
        if let Some(title) = text("title") {
            put!(html, "<b>{title}</b>");
        }
        put!(html, "<p>{}</p>", text("text").unwrap_or_default());
        let actions = part.get("actions").and_then(Value::as_array);
        for action in actions.into_iter().flatten().chain(part.get("action")) {
            control(html, action, "link", "");
        }
        html.push_str("</div></div>");
    }
    html.push_str("</div>");
}

fn quick_replies(html: &mut String, messages: &Value) {
    let last = messages.as_array().and_then(|messages| messages.last());
    let items = last.and_then(|message| message.pointer("/quickReply/items")?.as_array());
    let Some(items) = items else { return };
    html.push_str("<div class=\"quick\">");
    for action in items.iter().filter_map(|item| item.get("action")) {
        control(html, action, "chip", "");
    }
    html.push_str("</div>");
}

/// The menu's picture with its areas on top of it.
fn rich_menu(html: &mut String, channel: &Channel, id: &str) {
    let Some(menu) = channel.menus.made.get(id) else { return };
    let number = |of: &Value, path: &str| of.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    let request = Value::Object(menu.request.clone());
    let bar = request.get("chatBarText").and_then(Value::as_str).unwrap_or_default();
    let (width, height) = (number(&request, "/size/width"), number(&request, "/size/height"));
    let open = if request.get("selected") == Some(&Value::Bool(true)) {
        " open"
    } else {
        ""
    };
    put!(
        html,
        "<details{open} class=\"panel\"><summary>{}</summary><div class=\"menu\" style=\"aspect-ratio:{width}/{height}\">\
             <img src=\"/_double/picture/{}/{id}\" alt=\"\">",
        escape(bar),
        escape(&channel.id)
    );
    for area in request.get("areas").and_then(Value::as_array).into_iter().flatten() {
        let share = |path: &str, whole: f64| 100.0 * number(area, path) / whole.max(1.0);
        let place = format!(
            "left:{:.3}%;top:{:.3}%;width:{:.3}%;height:{:.3}%",
            share("/bounds/x", width),
            share("/bounds/y", height),
            share("/bounds/width", width),
            share("/bounds/height", height)
        );
        control(html, area.get("action").unwrap_or(&Value::Null), "area", &place);
    }
    html.push_str("</div></details>");
}

/// What a tap on an action does: a link, or a form that comes back to the talk.
fn control(html: &mut String, action: &Value, class: &str, style: &str) {
    let field = |name: &str| action.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = field("type");
    let label = match field("label") {
        "" if class == "area" || class == "cover" => field("data"),
        "" => field("text"),
        label => label,
    };
    let label = escape(label);
    let style = escape(style);
    let shown = if matches!(class, "area" | "cover") {
        String::new()
    } else {
        label.clone()
    };
    let attributes = format!("class=\"{class}\" style=\"{style}\" aria-label=\"{label}\"");
    let hidden =
        |name: &str, value: &str| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
    let form = |inputs: String| format!("<form method=\"post\">{inputs}<button {attributes}>{shown}</button></form>");
    let built = match kind {
        "uri" => format!("<a {attributes} href=\"{}\">{shown}</a>", escape(field("uri"))),
        "message" => form(hidden("act", "say") + &hidden("text", field("text"))),
        "postback" => {
            let words = if field("displayText").is_empty() {
                field("text")
            } else {
                field("displayText")
            };
            form(hidden("act", "tap") + &hidden("data", field("data")) + &hidden("words", words))
        }
        "richmenuswitch" => {
            let alias = hidden("alias", field("richMenuAliasId"));
            form(hidden("act", "switch") + &hidden("data", field("data")) + &alias)
        }
        "datetimepicker" => {
            let (mode, input) = match field("mode") {
                "datetime" => ("datetime", "datetime-local"),
                "time" => ("time", "time"),
                _ => ("date", "date"),
            };
            let mut range = String::new();
            for (attribute, name) in [("value", "initial"), ("min", "min"), ("max", "max")] {
                if !field(name).is_empty() {
                    put!(range, " {attribute}=\"{}\"", escape(field(name)));
                }
            }
            let asked = format!("<input type=\"{input}\" name=\"{mode}\" aria-label=\"{label}\" required{range}>");
            let inputs = hidden("act", "tap") + &hidden("data", field("data")) + &asked;
            format!(
                "<details class=\"{class} pick\" style=\"{style}\"><summary aria-label=\"{label}\">{shown}</summary>\
                 <form method=\"post\">{inputs}<button class=\"primary\">決定</button></form></details>"
            )
        }
        _ => format!("<span {attributes}>{shown}</span>"),
    };
    html.push_str(&built);
}

/// A button for what people do with an account.
fn deed(act: &str, label: &str) -> String {
    format!(
        "<form method=\"post\" class=\"deed\"><input type=\"hidden\" name=\"act\" value=\"{act}\">\
         <button>{label}</button></form>"
    )
}
