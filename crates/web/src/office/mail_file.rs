//! Reads a letter that the channel "outbox" wrote, as JSON or as a message with a plain text part.
//!
//! Reads what that channel writes and no more: this is not a mail program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kizuna_domain::message::SAMPLE_MARK;
use serde::Deserialize;

use crate::format;

/// A letter as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) subject: String,
    pub(super) stage: String,
    pub(super) text: String,
    /// The reader's page for stopping; empty where the letter has none.
    pub(super) stop: String,
    /// The reader's own page; empty where the letter has none.
    pub(super) own: String,
}

#[derive(Deserialize)]
struct JsonLetter {
    subject: String,
    #[serde(default)]
    stage: String,
    text: String,
    #[serde(default)]
    links: JsonLinks,
}

#[derive(Default, Deserialize)]
struct JsonLinks {
    #[serde(default)]
    stop: String,
    #[serde(default)]
    own: String,
}

impl Mail {
    /// Where a mail without a link to stop leads: to confirm, to a fresh page.
    pub(super) fn leads_to(&self) -> Option<&str> {
        let link = self.text.split_whitespace().find(|word| word.starts_with("http"));
        link.filter(|_| self.stop.is_empty()).and_then(format::web)
    }

    /// Title of the first article, as the channel writes titles.
    pub(super) fn first_title(&self) -> &str {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix("■ "))
            .unwrap_or_default()
    }
}

/// Reads a letter by the ending of its name.
pub(super) fn read(name: &str, content: &[u8]) -> Option<Mail> {
    if name.rsplit_once('.').is_some_and(|(_, extension)| extension == "json") {
        let letter: JsonLetter = serde_json::from_slice(content).ok()?;
        return Some(Mail {
            subject: letter.subject,
            stage: letter.stage,
            text: letter.text.trim().to_owned(),
            stop: format::web(&letter.links.stop).unwrap_or_default().to_owned(),
            own: format::web(&letter.links.own).unwrap_or_default().to_owned(),
        });
    }
    message(std::str::from_utf8(content).ok()?)
}

fn message(content: &str) -> Option<Mail> {
    let content = content.replace("\r\n", "\n");
    let (head, body) = content.split_once("\n\n")?;
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let (_, boundary) = header(&head, "Content-Type")?.split_once("boundary=\"")?;
    let (boundary, _) = boundary.split_once('"')?;
    let part = body
        .split(&format!("--{boundary}"))
        .find(|part| part.contains("text/plain"))?;
    let (_, encoded) = part.trim_start().split_once("\n\n")?;
    let bytes = STANDARD.decode(encoded.split_whitespace().collect::<String>()).ok()?;
    let text = String::from_utf8(bytes).ok()?.replace("\r\n", "\n").trim().to_owned();
    let link = |mark: &str| {
        let last = text.split_whitespace().rev().find(|word| word.contains(mark));
        last.and_then(format::web).unwrap_or_default().to_owned()
    };
    Some(Mail {
        subject: header(&head, "Subject").map(decoded).unwrap_or_default(),
        // Behind the lines that a locked screen may show.
        stage: text
            .split("\n\n")
            .nth(1)
            .and_then(|part| part.lines().next())
            .unwrap_or_default()
            .trim_start_matches(SAMPLE_MARK)
            .to_owned(),
        stop: link("/stop/"),
        own: link("/my/"),
        text,
    })
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Words of a header, with those that travelled in base64 (RFC 2047) read.
fn decoded(value: &str) -> String {
    let mut words = String::new();
    let mut after_encoded = true;
    for word in value.split_whitespace() {
        let plain = word
            .strip_prefix("=?")
            .and_then(|word| word.strip_suffix("?="))
            .and_then(|word| word.rsplit_once('?'))
            .filter(|(how, _)| how.eq_ignore_ascii_case("utf-8?b"))
            .and_then(|(_, text)| STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if !after_encoded || (plain.is_none() && !words.is_empty()) {
            words.push(' ');
        }
        after_encoded = plain.is_some();
        words.push_str(plain.as_deref().unwrap_or(word));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_subject_is_read_across_its_words() {
        assert_eq!(decoded("=?utf-8?B?MTLmnIg=?= =?UTF-8?b?NeaXpQ==?="), "12月5日");
        assert_eq!(decoded("A word for 2026"), "A word for 2026");
    }

    #[test]
    fn what_is_no_letter_is_not_read() {
        assert_eq!(read("a.json", b"[]"), None);
        assert_eq!(read("a.eml", b"Subject: x\n\nno parts"), None);
        assert_eq!(read("a.eml", &[0xff]), None);
    }

    #[test]
    fn a_link_that_is_not_of_the_web_is_dropped() {
        let mail = read(
            "a.json",
            br#"{"subject":"s","text":"t","links":{"stop":"javascript:alert(1)"}}"#,
        );
        assert_eq!(mail.map(|mail| mail.stop), Some(String::new()));
    }
}
