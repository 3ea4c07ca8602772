//! The addresses of families' pages, all in one place.

use crate::town::Town;

/// Part of the link with which a LINE user registers.
pub(crate) const REGISTER: &str = "register/line";
/// Part of every link to a reader's own pages.
pub(crate) const OWN: &str = "my";
/// LINE's own page, at the stand-in.
pub(crate) const LOGIN: &str = "/oauth2/v2.1/authorize";
/// The public page on which anybody registers.
pub(crate) const FORM: &str = "/hidamari/register";

/// Where a reader stops.
pub(crate) fn stop(town: &Town, user: &str) -> String {
    format!("/{}/stop/{}", town.tenant.code, town.stop_token(user))
}

/// A link with one letter of its token changed, as a forger would, or a mail program that broke a line.
pub(crate) fn forged(path: &str) -> String {
    let token = path.split('/').max_by_key(|part| part.len()).unwrap();
    let first = if token.starts_with('A') { 'B' } else { 'A' };
    path.replace(token, &format!("{first}{}", &token[1..]))
}

/// The same link below another town's name.
pub(crate) fn elsewhere(path: &str, town: &str) -> String {
    let (_, rest) = path[1..].split_once('/').unwrap();
    format!("/{town}/{rest}")
}

/// A page in やさしい日本語.
pub(crate) fn easy(path: &str) -> String {
    format!("{path}?lang=easy")
}

/// A page in English.
pub(crate) fn english(path: &str) -> String {
    format!("{path}?lang=en")
}
