//! Pages for people: one frame, one style, nothing from elsewhere.

/// Adds formatted text to a string.
macro_rules! put {
    ($text:expr, $($words:tt)*) => {{
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!($text, $($words)*);
    }};
}
pub(crate) use put;

/// The style of all pages.
const STYLE: &str = include_str!("phone/style.css");

/// Says on every page what this is.
pub(crate) const NOTICE: &str =
    "<p class=\"notice\">これは<b>お試し用の代役</b>です。LINEではありません。だれにも送られません。</p>";

/// A page of text with a heading.
pub(crate) fn sheet(title: &str, content: &str) -> String {
    let heading = escape(title);
    page(
        title,
        &format!("<main class=\"front\">{NOTICE}<h1>{heading}</h1>{content}</main>"),
    )
}

/// A page in Japanese.
pub(crate) fn page(title: &str, content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"ja\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>{}</title><style>{STYLE}</style></head><body>{content}</body></html>",
        escape(title)
    )
}

/// Text between tags or in an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
