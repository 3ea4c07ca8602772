//! Reads mail that came in: who it was for, whether a person wrote it, what a report tells.
//!
//! Pure: bytes in, facts out; what follows is decided elsewhere. Bytes come from anybody, so that nothing here is
//! believed to be true, and everything is bounded. Words of a body are never kept. An address in a report is never
//! used to find somebody, because servers write it as they like; only signed tokens are.

use kizuna_domain::run::outcome::Step;
use kizuna_domain::trouble::Trouble;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use crate::address;
use crate::email::verdict;

/// Bytes of a mail that are looked at. A report says what happened before it returns what was sent.
pub const BYTES_MAX: usize = 1 << 20;
/// Types of content that a mail may name, and parts of it that are looked at; a report has three.
const PARTS_MAX: usize = 50;
/// Header lines that are looked at in one head.
const HEADERS_MAX: usize = 500;
/// Bytes of a part that are looked at.
const PART_BYTES_MAX: usize = 64 << 10;
/// Recipients of one report that are looked at; our letters have one.
const RECIPIENTS_MAX: usize = 10;
/// Addresses of a complaint that are looked at.
const SIGNS_MAX: usize = 10;

/// Headers in which mail servers write whom the envelope named. The newest stands on top.
const RECIPIENT_HEADERS: [&str; 4] = ["delivered-to", "x-original-to", "envelope-to", "x-rcptto"];

/// A mail that came in. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Whom the envelope named, as the server wrote it down; lower case.
    pub recipient: String,
    /// To whom an answer would go; `None` where there is nobody.
    pub sender: Option<String>,
    /// True where a program wrote it, a list sent it, or it says that it wants no answer.
    pub is_automatic: bool,
    /// What it tells about a letter of ours.
    pub report: Report,
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("is_automatic", &self.is_automatic)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// What a mail tells about a letter of ours.
#[derive(Clone, PartialEq, Eq)]
pub enum Report {
    /// Nothing.
    None,
    /// It did not arrive, and why; `None` where the address is not to blame or it is only late.
    Undelivered(Option<Trouble>),
    /// Its reader told their provider that they do not want it. The return paths and the addresses for stopping of the
    /// letter, of which each is signed.
    Complaint(Vec<String>),
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Report::None => f.write_str("None"),
            Report::Undelivered(trouble) => f.debug_tuple("Undelivered").field(trouble).finish(),
            Report::Complaint(signs) => f.debug_tuple("Complaint").field(&signs.len()).finish(),
        }
    }
}

/// The names, in lower case, and values of a head, unfolded.
type Headers = Vec<(String, String)>;

/// Reads a mail; `None` where the bytes are no mail that a server delivered.
pub fn read(bytes: &[u8]) -> Option<Incoming> {
    let bytes = bytes.get(..BYTES_MAX).unwrap_or(bytes);
    let headers = heads(bytes, 1).into_iter().next()?;
    let recipient = headers
        .iter()
        .find(|(name, _)| RECIPIENT_HEADERS.contains(&name.as_str()))?;
    let recipient = bare(&recipient.1).to_ascii_lowercase();
    let return_path = first(&headers, "return-path").map(bare);
    let from = first(&headers, "from").and_then(author);
    let is_bounce = return_path.is_some_and(str::is_empty);
    let sender = match return_path {
        Some(path) => Some(path),
        None => from,
    };
    let sender = sender
        .and_then(unquoted)
        .filter(|address| address::wire(address).is_some());
    let is_automatic = is_bounce || is_automatic(&headers) || sender.as_deref().is_some_and(is_a_program);
    let message = Some(bytes)
        .filter(|bytes| !is_a_maze(bytes))
        .and_then(|bytes| MessageParser::default().parse(bytes));
    let report = message.map_or(Report::None, |message| report(&message, is_automatic));
    Some(Incoming {
        recipient,
        sender,
        is_automatic,
        report,
    })
}

/// True where a mail names more types of content than any report does: each can be a mail within a mail, and so deep
/// that taking it apart would use up the memory of a thread.
fn is_a_maze(bytes: &[u8]) -> bool {
    let name = b"content-type";
    let named = bytes
        .windows(name.len())
        .filter(|window| window.eq_ignore_ascii_case(name));
    named.take(PARTS_MAX + 1).count() > PARTS_MAX
}

/// True where the mail says itself that a program or a list sent it (RFC 3834, RFC 2919), or asks for no answer.
fn is_automatic(headers: &Headers) -> bool {
    let is = |name: &str, yes: &dyn Fn(&str) -> bool| {
        let value = first(headers, name).map(|value| value.trim().to_ascii_lowercase());
        value.is_some_and(|value| yes(&value))
    };
    let unwanted = |value: &str| ["bulk", "list", "junk", "auto_reply"].contains(&value);
    is("auto-submitted", &|value| !value.starts_with("no"))
        || is("precedence", &unwanted)
        || is("content-type", &|value| value.starts_with("multipart/report"))
        || [
            "list-id",
            "list-unsubscribe",
            "x-autoreply",
            "x-autorespond",
            "x-auto-response-suppress",
            "feedback-id",
        ]
        .iter()
        .any(|name| first(headers, name).is_some())
}

/// True for an address at which no person reads.
fn is_a_program(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let names = [
        "mailer-daemon",
        "postmaster",
        "noreply",
        "no-reply",
        "bounce",
        "listserv",
        "majordomo",
    ];
    names.contains(&local.as_str()) || local.starts_with("owner-") || local.ends_with("-request")
}

fn first<'h>(headers: &'h Headers, name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// An address without its angle brackets.
fn bare(value: &str) -> &str {
    let value = value.trim();
    let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    inner.unwrap_or(value).trim()
}

/// The address in a `From`: behind the name, or alone.
fn author(value: &str) -> Option<&str> {
    match value.rsplit_once('<') {
        Some((_, rest)) => rest.split_once('>').map(|(address, _)| address.trim()),
        None => Some(value.trim()),
    }
}

/// An address as it is kept: a local part that travels quoted only because of its dots, without quotation marks.
fn unquoted(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let inner = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = |local: &&str| local.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b));
    let local = inner.filter(plain).unwrap_or(local);
    Some(format!("{local}@{domain}"))
}

/// What stands in one head after another, divided by empty lines: a mail's own, a report's fields.
fn heads(bytes: &[u8], limit: usize) -> Vec<Headers> {
    let text = String::from_utf8_lossy(bytes);
    let mut all = Vec::new();
    let mut head = Headers::new();
    for line in text.lines().take(HEADERS_MAX * 4) {
        if line.is_empty() {
            if !head.is_empty() {
                all.push(std::mem::take(&mut head));
            }
            if all.len() >= limit {
                return all;
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = head.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':')
            && head.len() < HEADERS_MAX
        {
            head.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    if !head.is_empty() {
        all.push(head);
    }
    all
}

fn report(message: &Message<'_>, is_automatic: bool) -> Report {
    let parts: Vec<&MessagePart<'_>> = message.parts.iter().take(PARTS_MAX).collect();
    let of_type = |kind: &str, subtype: &str| {
        parts.iter().find(|part| {
            part.content_type().is_some_and(|found| {
                found.ctype().eq_ignore_ascii_case(kind)
                    && found.subtype().is_some_and(|found| found.eq_ignore_ascii_case(subtype))
            })
        })
    };
    if let Some(part) = of_type("message", "feedback-report") {
        let returned = of_type("message", "rfc822").or_else(|| of_type("text", "rfc822-headers"));
        return complaint(content(part), returned.map_or(b"", |part| content(part)));
    }
    let words: Vec<&str> = parts.iter().filter_map(|part| words(part)).collect();
    let words = words.join("\n");
    match of_type("message", "delivery-status") {
        Some(part) => Report::Undelivered(undelivered(content(part), &words)),
        None if is_automatic => Report::Undelivered(told_in_words(&words)),
        None => Report::None,
    }
}

/// The bytes of a part, as many as are looked at.
fn content<'p>(part: &'p MessagePart<'_>) -> &'p [u8] {
    let bytes = part.contents();
    bytes.get(..PART_BYTES_MAX).unwrap_or(bytes)
}

/// The words of a part of plain text.
fn words<'p>(part: &'p MessagePart<'_>) -> Option<&'p str> {
    match &part.body {
        PartType::Text(text) => text.get(..text.floor_char_boundary(PART_BYTES_MAX)),
        _ => None,
    }
}

/// A report of the form RFC 5965: only that somebody does not want our mail counts.
fn complaint(fields: &[u8], returned: &[u8]) -> Report {
    let fields = heads(fields, 1).into_iter().next().unwrap_or_default();
    if first(&fields, "feedback-type").is_none_or(|kind| !kind.eq_ignore_ascii_case("abuse")) {
        return Report::None;
    }
    let returned = heads(returned, 1).into_iter().next().unwrap_or_default();
    let signs = [
        (&fields, "original-mail-from"),
        (&returned, "return-path"),
        (&returned, "list-unsubscribe"),
    ];
    let signs = signs.into_iter().filter_map(|(headers, name)| first(headers, name));
    let signs = signs.flat_map(|value| value.split(',').map(|one| bare(one).to_owned()));
    Report::Complaint(signs.take(SIGNS_MAX).collect())
}

/// A report of the form RFC 3464: what it says of the recipient that failed.
fn undelivered(fields: &[u8], words: &str) -> Option<Trouble> {
    // The first head is about the whole mail, the others about one recipient each.
    let recipients = heads(fields, RECIPIENTS_MAX + 1);
    let failed = recipients.iter().find(|fields| {
        let action = first(fields, "action").unwrap_or_default();
        action.trim().to_ascii_lowercase().starts_with("failed")
    })?;
    let status = first(failed, "status").unwrap_or_default();
    let status = status.split_whitespace().next().unwrap_or_default();
    let diagnostic = first(failed, "diagnostic-code").unwrap_or_default();
    let diagnostic = diagnostic.split_once(';').map_or(diagnostic, |(_, said)| said);
    let step = step_in(words);
    let server = first(failed, "remote-mta").unwrap_or_default().to_ascii_lowercase();
    // docomo says the same of an unknown address and of a letter that its reader's filter refused.
    let ambiguous = step.is_none() && server.trim_end_matches('.').ends_with("docomo.ne.jp");
    verdict::reported(if ambiguous { Some(Step::Final) } else { step }, status, diagnostic)
}

/// Where in the conversation a server was refused, as Postfix writes it into its words for people.
fn step_in(words: &str) -> Option<Step> {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.contains("in reply to RCPT TO command") {
        Some(Step::Recipient)
    } else if words.contains("in reply to end of DATA command") || words.contains("in reply to DATA command") {
        Some(Step::Final)
    } else {
        None
    }
}

/// A report without fields, as qmail and old carriers write it: the reply that it quotes.
fn told_in_words(words: &str) -> Option<Trouble> {
    let step = if words.contains("failed after I sent the message") {
        Some(Step::Final)
    } else {
        step_in(words)
    };
    let quoted = ["said: ", "responded: ", ">>> ", "<<< "];
    let mut lines = words.lines().take(HEADERS_MAX);
    lines.find_map(|line| {
        let reply = quoted
            .iter()
            .find_map(|mark| line.split_once(mark))
            .map(|(_, reply)| reply);
        let status = line.split_once("(#").and_then(|(_, rest)| rest.split_once(')'));
        match (reply, status) {
            (Some(reply), _) if reply.trim_start().starts_with(['4', '5']) => verdict::reported(step, "", reply),
            (_, Some((status, _))) => verdict::reported(step, status, ""),
            _ => None,
        }
    })
}
