//! Text as people and providers count it, and characters that must not travel.

use unicode_normalization::UnicodeNormalization;

/// Words that one search looks for.
pub const SEARCH_WORDS_MAX: usize = 8;

/// Text folded for comparing and searching: NFKC, lower case, outer white space removed.
///
/// ```
/// assert_eq!(kizuna_domain::text::fold(" Ａbc＠Example.JP "), "abc@example.jp");
/// ```
pub fn fold(text: &str) -> String {
    text.trim().nfkc().flat_map(char::to_lowercase).collect()
}

/// Text as it is searched: [`fold`]ed, with hiragana where katakana stood.
///
/// ```
/// assert_eq!(kizuna_domain::text::search_form("ミルク と ﾎﾆｭｳ"), "みるく と ほにゅう");
/// ```
pub fn search_form(text: &str) -> String {
    let hiragana = |c: char| match c {
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        c => c,
    };
    fold(text).chars().map(hiragana).collect()
}

/// The words somebody looks for, as [`search_form`] writes them; at most [`SEARCH_WORDS_MAX`].
pub fn search_words(text: &str) -> Vec<String> {
    let words = search_form(text);
    let words = words.split_whitespace().take(SEARCH_WORDS_MAX);
    words.map(str::to_owned).collect()
}

/// The first character that no reader can see or that steers a program, with its place counted in characters.
///
/// Line breaks and tabs are allowed; zero-width, bidirectional and other control characters are not.
///
/// ```
/// use kizuna_domain::text::invisible;
/// assert_eq!(invisible("ことば\u{200b}"), Some((3, '\u{200b}')));
/// assert_eq!(invisible("きょう\nあした"), None);
/// ```
pub fn invisible(text: &str) -> Option<(usize, char)> {
    text.chars().enumerate().find(|(_, c)| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    })
}

/// Shortens to at most `max` characters, the last being … where something was cut.
///
/// ```
/// assert_eq!(kizuna_domain::text::shorten("きょうのことば", 4), "きょう…");
/// ```
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// The address that dials a telephone number as people write it; `None` where nothing in it can be dialled.
///
/// ```
/// use kizuna_domain::text::tel;
/// assert_eq!(tel("０００-０００-０００１").as_deref(), Some("tel:0000000001"));
/// // RFC 3966 wants the `#` encoded.
/// assert_eq!(tel("#8000").as_deref(), Some("tel:%238000"));
/// assert_eq!(tel("なし"), None);
/// ```
pub fn tel(phone: &str) -> Option<String> {
    let dialled: String = fold(phone)
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '+' | '#' | '*'))
        .collect();
    (!dialled.is_empty()).then(|| format!("tel:{}", dialled.replace('#', "%23")))
}
