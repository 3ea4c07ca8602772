//! Pages of staff that belong to no tenant: signing in, accepting an invitation, one's own settings.

pub(crate) mod draft;
pub(crate) mod forbidden;
pub(crate) mod join;
pub(crate) mod me;
pub(crate) mod sign_in;

use askama::Template;
use askama::filters::HtmlSafe;
use qrcode::{Color, EcLevel, QrCode};

use crate::form::{Problem, Problems};

/// What is wrong with a form, above it.
#[derive(Template)]
#[template(path = "parts/problems.html")]
pub(crate) struct Summary<'a> {
    problems: &'a [Problem],
    /// The only problem, where it is none of a field.
    alone: Option<&'a str>,
}

impl HtmlSafe for Summary<'_> {}

impl Problems {
    /// What is wrong, as a list whose entries lead to the fields.
    pub(crate) fn summary(&self) -> Summary<'_> {
        let problems = self.all();
        let alone = match problems {
            [only] if only.field.is_empty() => Some(only.words.as_str()),
            _ => None,
        };
        Summary { problems, alone }
    }
}

/// Light modules around a QR code (ISO/IEC 18004, 9.1).
const QUIET: usize = 4;

/// A QR code as a path in a square whose side is `side`.
pub(crate) struct Qr {
    pub(crate) side: usize,
    pub(crate) path: String,
}

impl Qr {
    /// Draws an address; none where it is too long for a code.
    pub(crate) fn of(address: &str) -> Option<Qr> {
        let code = QrCode::with_error_correction_level(address, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, modules) in code.to_colors().chunks(width).enumerate() {
            let dark = modules.iter().enumerate().filter(|(_, module)| **module == Color::Dark);
            for (column, _) in dark {
                path.extend([format!("M{} {}h1v1h-1z", column + QUIET, row + QUIET)]);
            }
        }
        Some(Qr {
            side: width + 2 * QUIET,
            path,
        })
    }
}

/// A long secret in groups of four, for typing.
fn in_fours(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
    groups.join(" ")
}
