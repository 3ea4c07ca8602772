//! Colours and whether words on them can be read (WCAG 2.2, 1.4.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Least contrast of words and their ground (WCAG 2.2 AA).
pub const CONTRAST_MIN: f64 = 4.5;

/// Colours that a tenant picks from, each with its name; white words on any of them can be read.
pub const KEY_COLOURS: &[(&str, Colour)] = &[
    ("ひだまりの緑", Colour([0x0e, 0x5e, 0x5b])),
    ("若葉", Colour([0x35, 0x69, 0x2f])),
    ("あい", Colour([0x2a, 0x4f, 0x80])),
    ("ふじ", Colour([0x6f, 0x45, 0x70])),
    ("れんが", Colour([0xa8, 0x4b, 0x22])),
    ("すみ", Colour([0x4a, 0x45, 0x3d])),
];

/// A colour of the screen, written `#0e5e5b`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub [u8; 3]);

/// A text that is no colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a colour like #0e5e5b")]
pub struct NotAColour(pub String);

impl NotAColour {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        format!(
            "「{}」は色として読めません。#0e5e5b のように、# と6けたで書いてください",
            self.0
        )
    }
}

impl Default for Colour {
    /// The deep green of Kizuna.
    fn default() -> Colour {
        Colour([0x0e, 0x5e, 0x5b])
    }
}

impl Colour {
    /// White.
    pub const WHITE: Colour = Colour([255; 3]);

    /// How far two colours stand apart, from 1 to 21 (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Colour) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with a share of another in it: 0 is this one, 1 the other.
    #[must_use]
    pub fn mixed(self, other: Colour, share: f64) -> Colour {
        let mut mixed = self.0;
        for (channel, wanted) in mixed.iter_mut().zip(other.0) {
            let from = f64::from(*channel);
            *channel = (from + (f64::from(wanted) - from) * share).round() as u8;
        }
        Colour(mixed)
    }

    /// The first darker shade on which white words can be read; the colour itself where they can.
    #[must_use]
    pub fn darkened(self) -> Colour {
        let black = Colour([0; 3]);
        (0..=100)
            .map(|percent| self.mixed(black, f64::from(percent) / 100.0))
            .find(|shade| shade.contrast(Colour::WHITE) >= CONTRAST_MIN)
            .unwrap_or(black)
    }

    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Debug for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Colour, NotAColour> {
        let wrong = || NotAColour(text.to_owned());
        let digits = text.strip_prefix('#').ok_or_else(wrong)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Colour([red, green, blue]))
    }
}

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Colour, NotAColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> String {
        colour.to_string()
    }
}
