//! Whether message objects are what LINE would take.

use axum::http::Uri;
use serde_json::Value;

use crate::answer::{Answer, Problem};

/// Messages of one request (LINE: "Send push message").
const MESSAGES_MAX: usize = 5;

/// What may be chosen about the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether pictures and links may lie on this machine without TLS.
    pub(crate) loopback_urls: bool,
}

/// Whether LINE would open an address: HTTPS, or by the rules plain HTTP on this machine.
pub(crate) fn is_web_address(url: &str, rules: Rules) -> bool {
    let Ok(parsed) = url.parse::<Uri>() else {
        return false;
    };
    match (parsed.scheme_str(), parsed.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some("127.0.0.1" | "localhost" | "[::1]")) => rules.loopback_urls,
        _ => false,
    }
}

/// The problems of a request's `messages`.
pub(crate) fn check(messages: &Value, _rules: Rules) -> Result<(), Answer> {
    let count = messages.as_array().map_or(0, Vec::len);
    if count == 0 || count > MESSAGES_MAX {
        return Err(Answer::invalid(&[Problem {
            property: "messages".to_owned(),
            message: format!("Size must be between 1 and {MESSAGES_MAX}"),
        }]));
    }
    Ok(())
}
