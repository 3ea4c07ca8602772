//! Flex messages as boxes of HTML: not pixel for pixel, but with the same parts, order, colours and sizes.

use serde_json::Value;

use super::control;
use crate::html::{escape, put};

/// Shows the bubble or the bubbles of a message.
pub(super) fn show(html: &mut String, message: &Value) {
    let contents = message.get("contents").unwrap_or(&Value::Null);
    let bubbles = match contents.get("contents").and_then(Value::as_array) {
        Some(bubbles) => bubbles.iter().collect(),
        None => vec![contents],
    };
    html.push_str("<div class=\"row\">");
    for bubble in bubbles {
        let size = word(bubble, "size").unwrap_or("mega");
        put!(html, "<div class=\"bubble {}\">", escape(size));
        for block in ["header", "hero", "body", "footer"] {
            if let Some(part) = bubble.get(block) {
                let style = bubble.get("styles").and_then(|styles| styles.get(block));
                let colour = style.and_then(|style| word(style, "backgroundColor"));
                let colour = colour.map_or(String::new(), |colour| format!("background:{}", escape(colour)));
                put!(html, "<div class=\"{block}\" style=\"{colour}\">");
                component(html, part, "vertical");
                html.push_str("</div>");
            }
        }
        cover(html, bubble);
        html.push_str("</div>");
    }
    html.push_str("</div>");
}

fn word<'a>(part: &'a Value, name: &str) -> Option<&'a str> {
    part.get(name).and_then(Value::as_str)
}

/// An action of a whole part lies over it.
fn cover(html: &mut String, part: &Value) {
    if let Some(action) = part.get("action") {
        control(html, action, "cover", "");
    }
}

fn component(html: &mut String, part: &Value, layout: &str) {
    let style = escape(&style(part, layout));
    match word(part, "type").unwrap_or_default() {
        "box" => {
            let layout = word(part, "layout").unwrap_or("vertical");
            put!(html, "<div class=\"box {}\" style=\"{style}\">", escape(layout));
            for child in part.get("contents").and_then(Value::as_array).into_iter().flatten() {
                component(html, child, layout);
            }
            cover(html, part);
            html.push_str("</div>");
        }
        "text" => {
            let wrap = if part.get("wrap") == Some(&Value::Bool(true)) {
                "wrap"
            } else {
                "line"
            };
            put!(html, "<div class=\"words {wrap}\" style=\"{style}\">");
            match part.get("contents").and_then(Value::as_array) {
                Some(spans) => {
                    for span in spans {
                        let text = escape(word(span, "text").unwrap_or_default());
                        let style = escape(&letters(span));
                        put!(html, "<span style=\"{style}\">{text}</span>");
                    }
                }
                None => html.push_str(&escape(word(part, "text").unwrap_or_default())),
            }
            cover(html, part);
            html.push_str("</div>");
        }
        "button" => {
            let kind = word(part, "style").unwrap_or("link");
            let colour = match (kind, word(part, "color")) {
                (_, None) => String::new(),
                ("link", Some(colour)) => format!("color:{colour}"),
                (_, Some(colour)) => format!("background:{colour}"),
            };
            put!(html, "<div style=\"{style}\">");
            control(html, part.get("action").unwrap_or(&Value::Null), kind, &colour);
            html.push_str("</div>");
        }
        "image" | "icon" => {
            let url = escape(word(part, "url").unwrap_or_default());
            let kind = word(part, "type").unwrap_or_default();
            put!(
                html,
                "<div class=\"{kind}\" style=\"{style}\"><img src=\"{url}\" alt=\"\">"
            );
            cover(html, part);
            html.push_str("</div>");
        }
        "separator" => put!(html, "<hr style=\"{style}\">"),
        "filler" => html.push_str("<div class=\"filler\"></div>"),
        other => put!(html, "<div>［{}］</div>", escape(other)),
    }
}

/// What stands in the part about its place and its look, as CSS. Values were checked when the message was accepted.
fn style(part: &Value, layout: &str) -> String {
    let mut css = letters(part);
    let is_box = word(part, "type") == Some("box");
    let mut set = |property: &str, value: String| put!(css, "{property}:{value};");
    for (name, property) in [
        ("paddingAll", "padding"),
        ("paddingTop", "padding-top"),
        ("paddingBottom", "padding-bottom"),
        ("paddingStart", "padding-left"),
        ("paddingEnd", "padding-right"),
        ("spacing", "gap"),
        ("cornerRadius", "border-radius"),
        ("width", "width"),
        ("height", "height"),
        ("maxWidth", "max-width"),
        ("maxHeight", "max-height"),
    ] {
        if let Some(size) = word(part, name).filter(|_| is_box) {
            set(property, space(size));
        }
    }
    if let Some(size) = word(part, "margin") {
        let side = if layout == "vertical" {
            "margin-top"
        } else {
            "margin-left"
        };
        set(side, space(size));
    }
    for (name, property) in [
        ("backgroundColor", "background"),
        ("justifyContent", "justify-content"),
        ("alignItems", "align-items"),
    ] {
        if let Some(value) = word(part, name) {
            set(property, value.to_owned());
        }
    }
    if let Some(colour) = word(part, "borderColor") {
        set("border", format!("1px solid {colour}"));
    }
    let own = part.get("flex").and_then(Value::as_i64);
    match (own, layout) {
        (Some(0), _) => set("flex", "none".to_owned()),
        (Some(share), _) => set("flex", format!("{share} 1 0")),
        (None, "vertical") => {}
        (None, _) => set("flex", "1 1 0".to_owned()),
    }
    if matches!(word(part, "type"), Some("image")) {
        if let Some(ratio) = word(part, "aspectRatio") {
            set("aspect-ratio", ratio.replace(':', "/"));
        }
        set("width", picture_width(word(part, "size").unwrap_or("md")));
    }
    css
}

/// How letters look.
fn letters(part: &Value) -> String {
    let mut css = String::new();
    let is_text = matches!(word(part, "type"), Some("text" | "span"));
    for (name, property) in [
        ("color", "color"),
        ("weight", "font-weight"),
        ("style", "font-style"),
        ("decoration", "text-decoration"),
        ("align", "text-align"),
    ] {
        if let Some(value) = word(part, name).filter(|_| is_text) {
            let value = if value == "regular" { "normal" } else { value };
            put!(css, "{property}:{value};");
        }
    }
    if let Some(size) = word(part, "size").filter(|_| is_text) {
        put!(css, "font-size:{};", font(size));
    }
    css
}

/// The pixels of a word for a space; LINE shows no table, these are near.
fn space(size: &str) -> String {
    let pixels = match size {
        "none" => 0,
        "xs" => 2,
        "sm" => 4,
        "md" => 8,
        "lg" => 12,
        "xl" => 16,
        "xxl" => 20,
        other => return other.to_owned(),
    };
    format!("{pixels}px")
}

fn font(size: &str) -> String {
    let pixels = match size {
        "xxs" => 11,
        "xs" => 13,
        "sm" => 14,
        "lg" => 19,
        "xl" => 22,
        "xxl" => 29,
        "3xl" => 35,
        "4xl" => 48,
        "5xl" => 74,
        "md" => 16,
        other => return other.to_owned(),
    };
    format!("{pixels}px")
}

fn picture_width(size: &str) -> String {
    let pixels = match size {
        "full" => return "100%".to_owned(),
        "xxs" => 40,
        "xs" => 60,
        "sm" => 80,
        "lg" => 120,
        "xl" => 140,
        "xxl" => 160,
        "3xl" => 180,
        "4xl" => 200,
        "5xl" => 220,
        "md" => 100,
        other => return other.to_owned(),
    };
    format!("{pixels}px")
}
