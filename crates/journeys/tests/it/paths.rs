//! The addresses of families' pages, all in one place.

use crate::town::Town;

/// Part of the link with which a LINE user registers.
pub(crate) const REGISTER: &str = "register/line";
/// Part of the link to a reader's own dates and pauses.
pub(crate) const SETTINGS: &str = "settings";
/// Part of the link on which a birth is told.
pub(crate) const BIRTH: &str = "birth";

/// Where a reader stops.
pub(crate) fn stop(town: &Town, user: &str) -> String {
    format!("/{}/stop/{}", town.tenant.code, town.stop_token(user))
}

/// A link with one letter of its token changed, as a forger would, or a mail program that broke a line.
pub(crate) fn forged(path: &str) -> String {
    let (start, token) = path.rsplit_once('/').unwrap();
    let first = if token.starts_with('A') { 'B' } else { 'A' };
    format!("{start}/{first}{}", &token[1..])
}

/// The same link below another town's name.
pub(crate) fn elsewhere(path: &str, town: &str) -> String {
    let (_, rest) = path[1..].split_once('/').unwrap();
    format!("/{town}/{rest}")
}

/// A page in English.
pub(crate) fn english(path: &str) -> String {
    format!("{path}?lang=en")
}
