//! The embedded font: which letters it has, how wide they are, and their outlines.

use std::fmt::Write;

use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlineGlyphCollection, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

use super::DrawError;

/// A part of BIZ UDPGothic Bold; see `fonts/README.md`.
const BYTES: &[u8] = include_bytes!("../../fonts/BIZUDPGothic-Bold-subset.ttf");

/// Share of the em that Japanese letters reach above the baseline.
pub(super) const ASCENT: f64 = 0.88;

/// The font, ready to measure and to draw.
pub(super) struct Font {
    letters: Charmap<'static>,
    widths: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
    em: f64,
}

impl Font {
    /// Opens the embedded font.
    pub(super) fn open() -> Result<Font, DrawError> {
        let broken = |error: skrifa::raw::ReadError| DrawError::Broken(error.to_string());
        let font = FontRef::new(BYTES).map_err(broken)?;
        let at = LocationRef::default();
        Ok(Font {
            letters: font.charmap(),
            widths: font.glyph_metrics(Size::unscaled(), at),
            outlines: font.outline_glyphs(),
            em: f64::from(font.metrics(Size::unscaled(), at).units_per_em),
        })
    }

    /// Characters of a text that the font lacks.
    pub(super) fn lacks<'t>(&self, text: &'t str) -> impl Iterator<Item = char> + use<'t, '_> {
        text.chars().filter(|c| *c != '\n' && self.letters.map(*c).is_none())
    }

    /// Width of a line whose letters are that large.
    pub(super) fn width(&self, line: &str, letter: f64) -> f64 {
        line.chars().map(|c| self.advance(self.glyph(c))).sum::<f64>() * letter / self.em
    }

    /// A line as one path of SVG, in units of the font with y upwards, and the scale that makes its letters that large.
    pub(super) fn outline(&self, line: &str, letter: f64) -> Result<(String, f64), DrawError> {
        let mut pen = Pen::default();
        for c in line.chars() {
            let glyph = self.glyph(c);
            if let Some(outline) = self.outlines.get(glyph) {
                let how = DrawSettings::unhinted(Size::unscaled(), LocationRef::default());
                outline
                    .draw(how, &mut pen)
                    .map_err(|error| DrawError::Broken(error.to_string()))?;
            }
            pen.left += self.advance(glyph);
        }
        Ok((pen.path, letter / self.em))
    }

    fn glyph(&self, c: char) -> GlyphId {
        self.letters.map(c).unwrap_or(GlyphId::NOTDEF)
    }

    fn advance(&self, glyph: GlyphId) -> f64 {
        f64::from(self.widths.advance_width(glyph).unwrap_or_default())
    }
}

/// Writes outlines one behind the other.
#[derive(Default)]
struct Pen {
    path: String,
    left: f64,
}

impl Pen {
    fn add(&mut self, command: char, points: &[(f32, f32)]) {
        self.path.push(command);
        for (number, (x, y)) in points.iter().enumerate() {
            let apart = if number == 0 { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(self.path, "{apart}{} {y}", f64::from(*x) + self.left);
        }
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.add('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.add('L', &[(x, y)]);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.add('Q', &[(cx, cy), (x, y)]);
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        self.add('C', &[(cx0, cy0), (cx1, cy1), (x, y)]);
    }

    fn close(&mut self) {
        self.path.push('Z');
    }
}
