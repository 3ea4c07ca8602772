//! Places where families meet the way in: a counter, a clinic, a poster. Each has a short code for its own link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::fold;

/// Letters of a code: none that is taken for another, and no vowels, so that no word comes of it by chance.
const LETTERS: &[u8; 20] = b"bcdfghjkmnpqrstvwxyz";
/// Letters in a code: sixty-four million codes.
const LENGTH: usize = 6;
/// Characters of a place's name at most.
pub const NAME_CHARS_MAX: usize = 40;
/// Places that every tenant begins with.
pub const FIRST_PLACES: [&str; 4] = ["窓口", "産院", "健診", "広報"];

/// The short code of one place, as its link and its QR code carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlaceCode([u8; LENGTH]);

/// A text that is no code of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code of a place has six letters like bcdfgh")]
pub struct NotAPlaceCode;

impl PlaceCode {
    /// A code from bytes that nobody can guess.
    ///
    /// ```
    /// assert_eq!(kizuna_domain::place::PlaceCode::from_random(&[0; 32]).to_string(), "bbbbbb");
    /// ```
    pub fn from_random(bytes: &[u8; 32]) -> PlaceCode {
        let mut code = [b'b'; LENGTH];
        for (letter, byte) in code.iter_mut().zip(bytes) {
            *letter = LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'b');
        }
        PlaceCode(code)
    }
}

impl From<PlaceCode> for String {
    fn from(code: PlaceCode) -> String {
        code.to_string()
    }
}

impl TryFrom<String> for PlaceCode {
    type Error = NotAPlaceCode;

    fn try_from(text: String) -> Result<PlaceCode, NotAPlaceCode> {
        text.parse()
    }
}

impl fmt::Display for PlaceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

/// Reads a code as people type it: of any width, in capitals or not.
///
/// ```
/// use kizuna_domain::place::PlaceCode;
/// assert_eq!("ＢＣＤＦＧＨ".parse::<PlaceCode>().unwrap().to_string(), "bcdfgh");
/// assert!("bcdfga".parse::<PlaceCode>().is_err());
/// ```
impl FromStr for PlaceCode {
    type Err = NotAPlaceCode;

    fn from_str(text: &str) -> Result<PlaceCode, NotAPlaceCode> {
        let folded = fold(text);
        let code: [u8; LENGTH] = folded.as_bytes().try_into().map_err(|_| NotAPlaceCode)?;
        if code.iter().all(|letter| LETTERS.contains(letter)) {
            Ok(PlaceCode(code))
        } else {
            Err(NotAPlaceCode)
        }
    }
}

/// The name of a place as staff type it; `None` where it is empty, too long or holds what nobody can see.
pub fn name(text: &str) -> Option<String> {
    let name = text.trim();
    let is_good = !name.is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && crate::text::invisible(name).is_none()
        && !name.contains(['\n', '\t']);
    is_good.then(|| name.to_owned())
}
