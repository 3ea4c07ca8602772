//! A menu as SVG: rounded cells on warm ground, a drawing above words, today's words on the tenant's colour.
//!
//! Everything is in pixels of a picture that is 2,500 wide. There are no styles, names or references in it, so that
//! several may stand in one page under a strict content policy.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use kizuna_domain::menu::{Button, Colour, DESIGN_WIDTH, Icon, Menu, Size};

use super::DrawError;
use super::font::{ASCENT, Font};
use super::icons::{Drawing, LINE, SIDE, drawing};
use super::lines::{Label, set};

/// Free ground around all cells.
const MARGIN: f64 = 40.0;
/// Free ground between cells.
const GAP: f64 = 36.0;
/// Free sides inside a cell.
const PADDING: f64 = 32.0;
/// Radius of a cell's corners.
const CORNER: f64 = 64.0;
/// How far a cell's shadow reaches below it.
const SHADOW: f64 = 10.0;
/// Distance of lines, in letters.
const LEADING: f64 = 1.25;
/// Largest disc behind a drawing.
const DISC_MAX: f64 = 340.0;
/// Smallest disc whose drawing can be made out on a phone; where there is less room, the words stand alone.
const DISC_MIN: f64 = 110.0;
/// Space between disc and words, in discs.
const DISC_GAP: f64 = 0.16;
/// Side of a drawing, in discs.
const DRAWING: f64 = 0.64;

/// Warm paper between the cells.
pub(super) const GROUND: Colour = Colour([0xf3, 0xed, 0xe2]);
/// Words on white.
const INK: Colour = Colour([0x2a, 0x28, 0x25]);
/// Patches of drawings: sunlight on paper, and on the tenant's colour.
const WARM: Colour = Colour([0xf2, 0xb9, 0x8f]);

/// The colours of one cell.
struct Paint {
    cell: Colour,
    disc: Colour,
    line: Colour,
    words: Colour,
}

impl Paint {
    fn of(menu: &Menu, button: &Button) -> Paint {
        let key = menu.document().colour;
        if menu.leads(button) {
            Paint {
                cell: key,
                disc: key.mixed(Colour::WHITE, 0.12),
                line: Colour::WHITE,
                words: Colour::WHITE,
            }
        } else {
            Paint {
                cell: Colour::WHITE,
                disc: Colour::WHITE.mixed(key, 0.1),
                line: key,
                words: INK,
            }
        }
    }
}

/// A cell as it is drawn: a little smaller than what can be pressed.
struct Cell<'m> {
    button: &'m Button,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

/// The menu as SVG.
pub(super) fn svg(menu: &Menu) -> Result<String, DrawError> {
    let document = menu.document();
    let size = document.template.size.scaled_to(DESIGN_WIDTH);
    let font = Font::open()?;
    let lacking: BTreeSet<char> = document
        .buttons
        .iter()
        .flat_map(|button| font.lacks(&button.label))
        .collect();
    if !lacking.is_empty() {
        return Err(DrawError::Letters(lacking.into_iter().collect()));
    }

    let rows = rows(menu, size);
    let label = |cell: &Cell<'_>| Label {
        text: cell.button.label.clone(),
        room: cell.width - 2.0 * PADDING,
    };
    let labels: Vec<Label> = rows.iter().flatten().map(label).collect();
    let (letter, lines) = set(&labels, &font)?;

    let names: Vec<String> = document.buttons.iter().map(Button::spoken).collect();
    let (names, Size { width, height }) = (escape(&names.join("、")), size);
    let mut sheet = Sheet {
        svg: String::new(),
        font: &font,
        letter,
    };
    sheet.put(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{names}">"#
    ));
    sheet.put(format_args!(r#"<path d="M0 0H{width}V{height}H0Z" fill="{GROUND}"/>"#));
    let mut lines = lines.iter();
    for row in &rows {
        let row_lines: Vec<_> = lines.by_ref().take(row.len()).collect();
        let most = row_lines.iter().map(|lines| lines.len()).max().unwrap_or(1);
        for (cell, lines) in row.iter().zip(row_lines) {
            sheet.cell(cell, &Paint::of(menu, cell.button), lines, most)?;
        }
    }
    sheet.put(format_args!("</svg>"));
    Ok(sheet.svg)
}

/// The cells of every row, equally wide although the margin is wider than half a gap.
fn rows(menu: &Menu, size: Size) -> Vec<Vec<Cell<'_>>> {
    let document = menu.document();
    let share = |length: u32, count: usize| (f64::from(length) - 2.0 * MARGIN + GAP) / count as f64 - GAP;
    let height = share(size.height, document.template.rows.len());
    let mut buttons = document.buttons.iter();
    let mut rows = Vec::new();
    for columns in &document.template.rows {
        let width = share(size.width, *columns as usize);
        let top = MARGIN + rows.len() as f64 * (height + GAP);
        let cell = |(column, button)| Cell {
            button,
            left: MARGIN + f64::from(column) * (width + GAP),
            top,
            width,
            height,
        };
        rows.push((0..*columns).zip(buttons.by_ref()).map(cell).collect());
    }
    rows
}

/// An SVG that is being written, and the letters of its words.
struct Sheet<'f> {
    svg: String,
    font: &'f Font,
    letter: f64,
}

impl Sheet<'_> {
    /// One cell: a drawing in a disc, and its words below, in the middle of as many lines as the row needs at most.
    fn cell(&mut self, cell: &Cell<'_>, paint: &Paint, lines: &[String], most: usize) -> Result<(), DrawError> {
        let height = cell.height - SHADOW;
        let leading = self.letter * LEADING;
        let words = leading * most as f64;
        let room = ((height - 2.0 * PADDING - words) / (1.0 + DISC_GAP)).min(DISC_MAX);
        let disc = if room < DISC_MIN { 0.0 } else { room };
        let middle = cell.left + cell.width / 2.0;
        let top = cell.top + (height - disc * (1.0 + DISC_GAP) - words) / 2.0;

        for (down, colour) in [(SHADOW, GROUND.mixed(INK, 0.08)), (0.0, paint.cell)] {
            self.put(format_args!(
                r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}" rx="{CORNER}" fill="{colour}"/>"#,
                cell.left,
                cell.top + down,
                cell.width,
            ));
        }
        if disc > 0.0 {
            self.icon(cell.button.icon, paint, middle, top + disc / 2.0, disc);
        }
        let spare = leading * (most - lines.len()) as f64;
        let mut baseline = top + disc * (1.0 + DISC_GAP) + (spare + leading - self.letter) / 2.0 + self.letter * ASCENT;
        for line in lines {
            self.line(line, paint.words, middle, baseline)?;
            baseline += leading;
        }
        Ok(())
    }

    /// A drawing in its disc around a middle.
    fn icon(&mut self, icon: Icon, paint: &Paint, x: f64, y: f64, disc: f64) {
        let (radius, side) = (disc / 2.0, disc * DRAWING);
        let Drawing { line, patch } = drawing(icon);
        let Paint { disc, line: colour, .. } = paint;
        self.put(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="{disc}"/>"#
        ));
        let (left, top, scale) = (x - side / 2.0, y - side / 2.0, side / SIDE);
        self.put(format_args!(
            r#"<g transform="translate({left:.1} {top:.1}) scale({scale:.4})">"#
        ));
        self.put(format_args!(r#"<path d="{patch}" fill="{WARM}"/>"#));
        self.put(format_args!(
            r#"<path d="{line}" fill="none" stroke="{colour}" stroke-width="{LINE}" stroke-linecap="round" stroke-linejoin="round"/></g>"#
        ));
    }

    /// A line of words around a middle.
    fn line(&mut self, line: &str, colour: Colour, middle: f64, baseline: f64) -> Result<(), DrawError> {
        let left = middle - self.font.width(line, self.letter) / 2.0;
        let (path, scale) = self.font.outline(line, self.letter)?;
        self.put(format_args!(
            r#"<path transform="translate({left:.1} {baseline:.1}) scale({scale:.5} -{scale:.5})" d="{path}" fill="{colour}"/>"#
        ));
        Ok(())
    }

    fn put(&mut self, piece: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.svg.write_fmt(piece);
    }
}

/// Text made safe inside double quotes of XML. A checked label has no control characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use kizuna_domain::menu::{CONTRAST_MIN, Intent, KEY_COLOURS, MenuStage};

    use super::*;

    /// Least contrast of a drawing and its ground (WCAG 2.2, 1.4.11).
    const DRAWING_CONTRAST_MIN: f64 = 3.0;

    #[test]
    fn words_and_drawings_can_be_seen_in_every_colour_that_a_menu_may_have() {
        let palest = Colour([0x76; 3]);
        for colour in KEY_COLOURS.iter().map(|(_, colour)| *colour).chain([palest]) {
            let mut document = Menu::ready(MenuStage::Child).document().clone();
            document.colour = colour;
            let menu = document.check().unwrap();
            for intent in [Intent::Today, Intent::Past] {
                let paint = Paint::of(&menu, &intent.into());
                assert!(paint.words.contrast(paint.cell) >= CONTRAST_MIN, "{colour} {intent:?}");
                assert!(
                    paint.line.contrast(paint.disc) >= DRAWING_CONTRAST_MIN,
                    "{colour} {intent:?}"
                );
            }
        }
    }

    #[test]
    fn cells_are_drawn_inside_what_can_be_pressed() {
        for stage in MenuStage::ALL {
            let menu = Menu::ready(*stage);
            let size = menu.document().template.size;
            for (cell, area) in rows(&menu, size).iter().flatten().zip(menu.areas(size)) {
                let (x, y) = (f64::from(area.x), f64::from(area.y));
                assert!(cell.left >= x && cell.left + cell.width <= x + f64::from(area.width));
                assert!(cell.top >= y && cell.top + cell.height <= y + f64::from(area.height));
            }
        }
    }
}
