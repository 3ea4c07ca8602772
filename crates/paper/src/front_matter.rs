//! An article as a file: TOML between two lines of `+++`, then the body.
//!
//! Knows nothing of which keys an article has. What is written reads back the same, to the byte.

use std::fmt::Write as _;

use toml::Value;

/// A file taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The keys between the lines of `+++`, in the order of the file.
    pub front: toml::Table,
    /// Everything behind them but one final newline.
    pub body: String,
    /// The line of the file on which the body begins, so that a fault in it can be named.
    pub body_line: usize,
}

/// Why a file is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct FrontMatterError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

impl FrontMatterError {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        let Self { line, reason } = self;
        format!("{line}行目：原稿のはじめの +++ で囲んだ部分を読めません。書き方をご確認ください（{reason}）。")
    }
}

const FENCE: &str = "+++";

/// Takes a file apart; a byte order mark and Windows line ends are accepted.
///
/// ```
/// let text = "+++\nid = \"milk\"\nslot = \"d7\"\n+++\nこんにちは。\n";
/// let document = kizuna_paper::front_matter::parse(text).unwrap();
/// assert_eq!(document.front["slot"].as_str(), Some("d7"));
/// assert_eq!(document.body, "こんにちは。");
/// assert_eq!(document.body_line, 5);
/// assert_eq!(kizuna_paper::front_matter::write(&document.front, &document.body), text);
/// ```
pub fn parse(text: &str) -> Result<Document, FrontMatterError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (first, inside) = cut_line(text);
    if first.trim_end() != FENCE {
        return Err(FrontMatterError {
            line: 1,
            reason: "the file must begin with a line +++".to_owned(),
        });
    }
    let (mut rest, mut front_bytes, mut lines) = (inside, 0, 1);
    loop {
        if rest.is_empty() {
            return Err(FrontMatterError {
                line: 1,
                reason: "the line +++ that ends the keys is missing".to_owned(),
            });
        }
        let (line, next) = cut_line(rest);
        lines += 1;
        if line.trim_end() == FENCE {
            rest = next;
            break;
        }
        front_bytes += rest.len() - next.len();
        rest = next;
    }
    let front = inside.get(..front_bytes).unwrap_or_default();
    let front: toml::Table = front.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .and_then(|span| front.get(..span.start))
            .unwrap_or_default();
        let line = 2 + before.matches('\n').count();
        FrontMatterError {
            line,
            reason: error.message().to_owned(),
        }
    })?;
    // Only a file with Windows line ends ends with one: elsewhere a final carriage return is part of the body.
    let end = if first.ends_with('\r') { "\r\n" } else { "\n" };
    let body = rest
        .strip_suffix(end)
        .or_else(|| rest.strip_suffix('\n'))
        .unwrap_or(rest);
    Ok(Document {
        front,
        body: body.to_owned(),
        body_line: lines + 1,
    })
}

/// The first line without its `\n`, and what follows it.
fn cut_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Puts a file together: one key a line in the order given, then the body and a final newline.
pub fn write(front: &toml::Table, body: &str) -> String {
    let mut text = format!("{FENCE}\n");
    for (key, value) in front {
        let (key, mut rendered) = (key_text(key), value_text(value));
        if let Value::Array(items) = value
            && items.len() > 1
            && items.iter().all(Value::is_table)
        {
            // Several sources on one line would be unreadable.
            let lines: Vec<String> = items.iter().map(|item| format!("  {},\n", value_text(item))).collect();
            rendered = format!("[\n{}]", lines.concat());
        }
        let _ = writeln!(text, "{key} = {rendered}");
    }
    let _ = writeln!(text, "{FENCE}");
    text.push_str(body);
    if !body.is_empty() {
        text.push('\n');
    }
    text
}

fn key_text(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { key.to_owned() } else { string_text(key) }
}

/// A value on one line. Strings never spread over several: a line `+++` inside one would end the keys.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => string_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(value_text).collect::<Vec<_>>().join(", ")),
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let pairs: Vec<String> = table
                .iter()
                .map(|(k, v)| format!("{} = {}", key_text(k), value_text(v)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => value.to_string(),
    }
}

fn string_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
