//! Whether message objects, and the actions of rich menus, are what LINE takes.
//!
//! The rules are tables ([`shape::Shape`]); what a table cannot say is a function beside it.

mod action;
mod content;
mod flex;
mod shape;

use axum::http::Uri;
use serde_json::{Map, Value};

use self::shape::Kind;
use crate::answer::{Answer, Problem};

/// Messages of one request (LINE: "Send push message").
const MESSAGES_MAX: usize = 5;

/// What may be chosen about the checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether pictures and links may lie on this machine without TLS.
    pub(crate) loopback_urls: bool,
}

/// Nothing, or the first thing that is wrong.
pub(crate) type Check = Result<(), Problem>;

/// Whether a request's `messages` are all right.
pub(crate) fn check(messages: &Value, rules: Rules) -> Result<(), Answer> {
    static LIST: Kind = Kind::List(&Kind::Typed(content::MESSAGES), 1, MESSAGES_MAX);
    LIST.check(messages, rules)
        .map_err(|problem| Answer::invalid(&[problem.under("messages")]))
}

/// Whether an object is a rich menu: its size, texts and areas.
pub(crate) fn check_rich_menu(menu: &Map<String, Value>, rules: Rules) -> Result<(), Answer> {
    content::RICH_MENU
        .check(menu, rules)
        .map_err(|problem| Answer::invalid(&[problem]))
}

/// Whether LINE would open an address: HTTPS, or by the rules plain HTTP on this machine.
pub(crate) fn is_web_address(url: &str, rules: Rules) -> bool {
    let Some(parsed) = url.is_ascii().then(|| url.parse::<Uri>().ok()).flatten() else {
        return false;
    };
    match (parsed.scheme_str(), parsed.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some("127.0.0.1" | "localhost" | "[::1]")) => rules.loopback_urls,
        _ => false,
    }
}
