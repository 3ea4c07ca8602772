//! Writes a letter as an RFC 5322 message: headers, text and HTML, signatures.
//!
//! The same letter gives the same bytes on every attempt and every machine, because a retry must be recognisable
//! as one. Nothing that a file or a form brought in reaches a header unchecked.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::{Offset, TimeZone};
use kizuna_domain::message::{Draft, Links};
use kizuna_domain::run::outcome::{Fault, Outcome, Refusal, Step};
use sha2::{Digest, Sha256};

use crate::dkim::Signer;
use crate::render::{self, Form, Gap, Pages, escape};
use crate::{Letter, address};

/// Cohorts whose rendered text is kept. A day of one town has about 40; more only costs rendering again.
const COHORTS_MAX: usize = 64;

/// Octets of content in one base64 line of 76 characters.
const LINE_OCTETS: usize = 57;

/// Longest key, so that the Message-ID stays on one line.
const KEY_MAX: usize = 64;

/// Dates are written as readers and staff in Japan count them.
const JAPAN: Offset = Offset::constant(9);

/// The civil date in Japan at an instant.
pub(crate) fn date_in_japan(at: Timestamp) -> jiff::civil::Date {
    JAPAN.to_datetime(at).date()
}

/// The sender's lines in every message of an account.
pub(crate) struct Sender {
    /// Address of the sender, already in the form that travels.
    pub(crate) from_address: String,
    /// Name shown with it; the draft's own where empty.
    pub(crate) from_name: String,
    /// Where answers go; no header where empty.
    pub(crate) reply_to: String,
    /// Right part of the Message-ID.
    pub(crate) message_id_domain: String,
    /// True where a one-click address must be `https:`, as RFC 8058 wants.
    pub(crate) https_only: bool,
    /// Keys that sign, none where the relay does it.
    pub(crate) signers: Vec<Signer>,
}

/// Writes messages, remembering the form of recent cohorts.
pub(crate) struct Composer {
    sender: Sender,
    zone: TimeZone,
    cohorts: VecDeque<Cohort>,
    scratch: Vec<u8>,
    unsigned: Vec<u8>,
}

/// What all readers of a draft have in common.
struct Cohort {
    /// Kept so that its place in memory, by which we recognise it, cannot become another draft's.
    draft: Arc<Draft>,
    pages: Pages,
    /// From, Reply-To, Subject and Content-Language with their line ends.
    headers: String,
    text: Body,
    html: Body,
}

impl Composer {
    pub(crate) fn new(sender: Sender) -> Composer {
        Composer {
            sender,
            zone: TimeZone::fixed(JAPAN),
            cohorts: VecDeque::new(),
            scratch: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    /// Appends the message to `out`, its lines ended by CRLF; `to` is the address in the form that travels.
    pub(crate) fn compose(&mut self, letter: &Letter, to: &str, out: &mut Vec<u8>) -> Result<(), Outcome> {
        check_letter(letter, self.sender.https_only)?;
        let place = self.cohort(letter)?;
        let Some(cohort) = self.cohorts.get(place) else {
            return Err(held("the cohort's text is missing"));
        };
        let mut head = String::with_capacity(1024);
        self.head(&mut head, cohort, letter, to)?;
        let boundary = boundary(&letter.key);
        let _ = write!(
            head,
            "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n"
        );

        self.unsigned.clear();
        let message = if self.sender.signers.is_empty() {
            &mut *out
        } else {
            &mut self.unsigned
        };
        message.extend_from_slice(head.as_bytes());
        for (kind, body) in [("plain", &cohort.text), ("html", &cohort.html)] {
            for line in [
                "--",
                &boundary,
                "\r\nContent-Type: text/",
                kind,
                "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            ] {
                message.extend_from_slice(line.as_bytes());
            }
            let dress = if kind == "html" { escape } else { str::to_owned };
            body.write(&letter.links, dress, &mut self.scratch, message);
        }
        for line in ["--", &boundary, "--\r\n"] {
            message.extend_from_slice(line.as_bytes());
        }
        if !self.sender.signers.is_empty() {
            let signatures =
                crate::dkim::sign(&self.sender.signers, &self.unsigned, letter.date).map_err(|why| held(&why))?;
            out.extend_from_slice(signatures.as_bytes());
            out.extend_from_slice(&self.unsigned);
        }
        Ok(())
    }

    /// The headers that differ from reader to reader, around those that do not.
    fn head(&self, head: &mut String, cohort: &Cohort, letter: &Letter, to: &str) -> Result<(), Outcome> {
        head.push_str("Date: ");
        rfc2822::DateTimePrinter::new()
            .print_zoned(&letter.date.to_zoned(self.zone.clone()), &mut *head)
            .map_err(|_| held("the date cannot be written"))?;
        let domain = &self.sender.message_id_domain;
        for part in ["\r\nTo: ", to, "\r\nMessage-ID: <", &letter.key, "@", domain, ">\r\n"] {
            head.push_str(part);
        }
        head.push_str(&cohort.headers);
        for part in ["Auto-Submitted: auto-generated\r\nList-Id: <kizuna.", domain, ">\r\n"] {
            head.push_str(part);
        }
        if !letter.links.one_click.is_empty() {
            for part in [
                "List-Unsubscribe: <",
                &letter.links.one_click,
                ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            ] {
                head.push_str(part);
            }
        }
        Ok(())
    }

    /// The place of the letter's cohort among those remembered, rendered now if it is new.
    fn cohort(&mut self, letter: &Letter) -> Result<usize, Outcome> {
        let same = |cohort: &Cohort| Arc::ptr_eq(&cohort.draft, &letter.draft) && cohort.pages.fit(&letter.links);
        // The newest is last and nearly always the one.
        if let Some(place) = self.cohorts.iter().rposition(same) {
            return Ok(place);
        }
        if self.cohorts.len() >= COHORTS_MAX {
            self.cohorts.pop_front();
        }
        let (draft, pages) = (&letter.draft, Pages::of(&letter.links));
        self.cohorts.push_back(Cohort {
            draft: Arc::clone(draft),
            headers: cohort_headers(&self.sender, draft)?,
            text: Body::new(&render::text_form(draft, &pages)),
            html: Body::new(&render::html_form(draft, &pages)),
            pages,
        });
        Ok(self.cohorts.len() - 1)
    }
}

fn cohort_headers(sender: &Sender, draft: &Draft) -> Result<String, Outcome> {
    let subject = render::subject(draft);
    let name = if sender.from_name.is_empty() {
        &draft.from
    } else {
        &sender.from_name
    };
    one_line("subject", &subject)?;
    one_line("from", name)?;
    let mut headers = String::from("From:");
    words("From", name, &mut headers);
    if name.is_empty() {
        let _ = write!(headers, " {}\r\n", sender.from_address);
    } else {
        let _ = write!(headers, "\r\n <{}>\r\n", sender.from_address);
    }
    if !sender.reply_to.is_empty() {
        let _ = write!(headers, "Reply-To: {}\r\n", sender.reply_to);
    }
    headers.push_str("Subject:");
    words("Subject", &subject, &mut headers);
    let language = &draft.language;
    if language.is_empty() || !language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(held("the draft's language is not a language tag"));
    }
    let _ = write!(headers, "\r\nContent-Language: {language}\r\n");
    Ok(headers)
}

/// Longest line of a header with encoded words (RFC 2047, 2).
const ENCODED_LINE_MAX: usize = 76;

/// The words of a header behind its name, encoded and folded where they are more than short plain words.
///
/// Own, because lettre 0.11 leaves words alone that look encoded, and lets lines with encoded words grow too long.
fn words(name: &str, text: &str, out: &mut String) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_/".contains(c);
    if text.chars().all(is_plain) && name.len() + text.len() + 2 <= ENCODED_LINE_MAX && text.trim() == text {
        out.push(' ');
        out.push_str(text);
        return;
    }
    let (before, after) = (" =?UTF-8?B?", "?=");
    let mut line = name.len() + 1;
    let mut rest = text;
    while !rest.is_empty() {
        // Every word is decoded alone: it ends between characters, and at the latest where its line does.
        let room = (ENCODED_LINE_MAX - line - before.len() - after.len()) / 4 * 3;
        let end = rest.floor_char_boundary(room);
        let (word, left) = rest.split_at(end);
        for part in [
            before,
            &STANDARD.encode(word),
            after,
            if left.is_empty() { "" } else { "\r\n" },
        ] {
            out.push_str(part);
        }
        (line, rest) = (0, left);
    }
}

/// The boundary between the parts. Base64 has no `_`, so that no content can ever look like it.
fn boundary(key: &str) -> String {
    let digest = Sha256::digest(key);
    let mut boundary = String::from("kizuna_");
    for byte in digest.iter().take(12) {
        let _ = write!(boundary, "{byte:02x}");
    }
    boundary
}

/// Refuses a letter of which any field could end a header line or mean something else in it.
fn check_letter(letter: &Letter, https_only: bool) -> Result<(), Outcome> {
    if !is_key(&letter.key) {
        return Err(held(
            "the letter's key has other characters than letters, digits and hyphens",
        ));
    }
    if !letter.return_token.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(held(
            "the letter's return token has other characters than letters and digits",
        ));
    }
    let links = &letter.links;
    for (name, url) in [
        ("stop", &links.stop),
        ("one-click", &links.one_click),
        ("words", &links.words),
        ("own", &links.own),
    ] {
        if !url.is_empty() && !is_web_address(url) {
            return Err(held(&format!("the {name} link is not a web address")));
        }
    }
    let one_click = &links.one_click;
    if https_only && !(one_click.is_empty() || one_click.starts_with("https://") || is_loopback(one_click)) {
        return Err(held("the one-click link is not https"));
    }
    Ok(())
}

/// True for a name that can be a file name and the left part of a Message-ID.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=KEY_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_web_address(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= 900
        && url
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&b))
}

/// An address on this machine, for trials.
fn is_loopback(url: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"]
        .iter()
        .any(|host| {
            url.strip_prefix(host)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        })
}

fn one_line(name: &str, text: &str) -> Result<(), Outcome> {
    if text.chars().any(char::is_control) {
        return Err(held(&format!(
            "the {name} contains a line break or another control character"
        )));
    }
    Ok(())
}

fn held(reply: &str) -> Outcome {
    Outcome::Held {
        fault: Fault::Payload,
        reply: reply.to_owned(),
    }
}

/// The recipient's address in the form that travels, or what becomes of a letter that has none.
pub(crate) fn recipient(letter: &Letter) -> Result<std::borrow::Cow<'_, str>, Outcome> {
    address::wire(&letter.to.0).ok_or_else(|| Outcome::Refused {
        refusal: Refusal::AddressGone,
        step: Step::Recipient,
        reply: "not an address that can travel by e-mail".to_owned(),
    })
}

/// A base64 body with gaps, of which everything that is the same for all readers is encoded once.
struct Body {
    /// Whole lines before the first gap.
    ready: String,
    /// What is left before each gap, with the gap.
    before: Vec<(Vec<u8>, Gap)>,
    /// What stands behind the last gap.
    last: Vec<u8>,
}

impl Body {
    fn new(form: &Form) -> Body {
        let octets = |text: &str| crlf(text).into_bytes();
        let mut body = Body {
            ready: String::new(),
            before: form.before.iter().map(|(text, gap)| (octets(text), *gap)).collect(),
            last: octets(&form.last),
        };
        let first = body.before.first_mut().map_or(&mut body.last, |(text, _)| text);
        let left = first.split_off(first.len() - first.len() % LINE_OCTETS);
        let mut ready = Vec::new();
        lines(first, &mut ready);
        *first = left;
        body.ready = String::from_utf8(ready).unwrap_or_default();
        body
    }

    fn write(&self, links: &Links, dress: fn(&str) -> String, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        out.extend_from_slice(self.ready.as_bytes());
        scratch.clear();
        for (text, gap) in &self.before {
            scratch.extend_from_slice(text);
            scratch.extend_from_slice(dress(gap.link(links)).as_bytes());
        }
        scratch.extend_from_slice(&self.last);
        lines(scratch, out);
    }
}

/// Encodes in lines of 76 characters.
fn lines(content: &[u8], out: &mut Vec<u8>) {
    let mut line = [0_u8; 76];
    for chunk in content.chunks(LINE_OCTETS) {
        // A line always has room: 57 octets become 76 characters.
        if let Ok(length) = STANDARD.encode_slice(chunk, &mut line) {
            out.extend_from_slice(line.get(..length).unwrap_or_default());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Text with the line ends that mail wants, whatever it had.
fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}
