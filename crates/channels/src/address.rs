//! E-mail addresses as they travel: quoted where carriers issued forbidden ones, masked where people read.
//!
//! Never decides whether an address exists, and never lets a character through that could end a line.

use std::borrow::Cow;

use kizuna_domain::text;

/// Longest local part and address that RFC 5321 lets travel.
const LOCAL_MAX: usize = 64;
const ADDRESS_MAX: usize = 254;

/// Longest reply of a provider that is kept: enough for the reason, too short for a page.
const REPLY_CHARS_MAX: usize = 200;

/// The address as SMTP and message headers want it; `None` where no form of it may travel.
///
/// Japanese carriers issued addresses like `foo.@docomo.ne.jp` until 2009 and they still live; such local parts
/// travel in quotation marks. Addresses outside ASCII are not supported (no SMTPUTF8).
pub(crate) fn wire(address: &str) -> Option<Cow<'_, str>> {
    let (local, domain) = address.rsplit_once('@')?;
    if local.len() > LOCAL_MAX || address.len() > ADDRESS_MAX || !is_domain(domain) {
        return None;
    }
    if is_quoted(local) {
        return Some(Cow::Borrowed(address));
    }
    if local.is_empty() || !local.bytes().all(|b| is_atext(b) || b == b'.') {
        return None;
    }
    if local.split('.').any(str::is_empty) {
        return Some(Cow::Owned(format!("\"{local}\"@{domain}")));
    }
    Some(Cow::Borrowed(address))
}

/// True for a host name in ASCII letters: labels of letters, digits and inner hyphens.
pub(crate) fn is_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// A local part that came quoted: visible ASCII, no quotation mark or backslash inside.
fn is_quoted(local: &str) -> bool {
    local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| {
            !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        })
}

/// A provider's words with every address taken out, on one line and short.
///
/// `own` are texts that must not show either: the reader's address, our user name.
pub(crate) fn mask(reply: &str, own: &[&str]) -> String {
    let mut masked = reply.to_owned();
    for address in own {
        let local = address
            .rsplit_once('@')
            .map_or(*address, |(local, _)| local)
            .trim_matches('"');
        masked = without(&masked, address);
        masked = without(&masked, local);
    }
    let mut out = String::with_capacity(masked.len());
    let mut word = String::new();
    for c in masked.chars().chain([' ']) {
        if c.is_whitespace() || c.is_control() || "<>()[]\"',;:".contains(c) {
            out.push_str(if word.contains('@') { MASK } else { &word });
            word.clear();
            out.push(if c.is_whitespace() || c.is_control() { ' ' } else { c });
        } else {
            word.push(c);
        }
    }
    text::shorten(out.trim(), REPLY_CHARS_MAX)
}

/// What stands where an address stood.
const MASK: &str = "‹address›";

/// Local parts shorter than this are masked as whole words only, so that `a@…` does not erase every a.
const INSIDE_WORDS_MIN: usize = 4;

/// The text without a word, however its ASCII letters are cased.
fn without(text: &str, word: &str) -> String {
    if word.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for (place, found) in text.to_ascii_lowercase().match_indices(&word.to_ascii_lowercase()) {
        // Lowering ASCII letters moves nothing, so that places in one text are places in the other.
        let before = text.get(..place).and_then(|s| s.chars().next_back());
        let after = text.get(place + found.len()..).and_then(|s| s.chars().next());
        let is_word = ![before, after].iter().flatten().any(|c| c.is_alphanumeric());
        if is_word || found.len() >= INSIDE_WORDS_MIN {
            out.push_str(text.get(kept..place).unwrap_or_default());
            out.push_str(MASK);
            kept = place + found.len();
        }
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masking_takes_addresses_and_leaves_the_reason() {
        for (reply, expected) in [
            ("5.1.1 <hanako@example.jp>: unknown", "5.1.1 <‹address›>: unknown"),
            ("user HANAKO unknown", "user ‹address› unknown"),
            ("xhanakox", "x‹address›x"),
            ("forwarded to other@elsewhere.example.", "forwarded to ‹address›"),
            ("key=hanako@example.jp&x", "key=‹address›&x"),
            ("ユーザー hanako さん", "ユーザー ‹address› さん"),
            ("line\r\nbreak\u{7}", "line  break"),
            ("nothing to hide", "nothing to hide"),
        ] {
            assert_eq!(mask(reply, &["hanako@example.jp"]), expected);
        }
    }

    #[test]
    fn a_short_local_part_is_masked_as_a_word_only() {
        assert_eq!(
            mask("a user: a, bad address a@b.jp", &["a@b.jp"]),
            "‹address› user: ‹address›, bad address ‹address›"
        );
        assert_eq!(mask("550 at all", &["al@b.jp"]), "550 at all");
    }

    #[test]
    fn quoted_addresses_are_masked_with_and_without_their_marks() {
        assert_eq!(
            mask("<\"foo.\"@docomo.ne.jp> foo.@docomo.ne.jp", &["foo.@docomo.ne.jp"])
                .matches("foo")
                .count(),
            0
        );
    }

    #[test]
    fn too_long_addresses_do_not_travel() {
        assert!(wire(&format!("{}@b.jp", "a".repeat(64))).is_some());
        assert!(wire(&format!("{}@b.jp", "a".repeat(65))).is_none());
        assert!(wire(&format!("a@{}jp", "b.".repeat(130))).is_none());
        assert!(wire(&format!("a@{}.jp", "b".repeat(64))).is_none());
    }
}
