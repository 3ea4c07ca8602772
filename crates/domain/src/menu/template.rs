//! Size and arrangement of a menu: rows of equal cells that cover the picture without a gap.

use serde::{Deserialize, Serialize};

use super::AREAS_MAX;
use super::problem::MenuProblem;

/// Least and greatest width of a picture in pixels (LINE).
const WIDTHS: std::ops::RangeInclusive<u32> = 800..=2_500;
/// Least height in pixels (LINE).
const HEIGHT_MIN: u32 = 250;
/// Least width for a height of 100 pixels (LINE: width / height ≥ 1.45).
const RATIO_MIN_PERCENT: u64 = 145;

/// The width at which menus are designed; other pictures are the same at another scale.
pub const DESIGN_WIDTH: u32 = 2_500;
/// Least width and height of a cell at the design width: a thumb, a drawing and two lines need them.
const CELL_MIN: u32 = 420;
/// Least height of a letter at the design width: 14 px on a phone that is 390 px wide.
pub const LETTER_MIN: u32 = 92;
/// Both sides of a cell that letters keep free, at the design width.
const CELL_MARGIN: u32 = 120;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Size {
    /// A size.
    pub const fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    /// The same shape at another width, the height rounded up.
    #[must_use]
    pub fn scaled_to(self, width: u32) -> Size {
        let height = u64::from(self.height) * u64::from(width);
        Size::new(width, height.div_ceil(u64::from(self.width.max(1))) as u32)
    }
}

/// A tappable rectangle of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Size and arrangement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Size of the picture.
    pub size: Size,
    /// Buttons in each row, from above.
    pub rows: Vec<u32>,
}

impl Template {
    /// Six buttons, three in each of two rows.
    pub fn six() -> Template {
        Template::tall(vec![3, 3])
    }

    /// Five buttons, the upper two wider.
    pub fn five() -> Template {
        Template::tall(vec![2, 3])
    }

    /// Four buttons, two in each of two rows.
    pub fn four() -> Template {
        Template::tall(vec![2, 2])
    }

    /// Three buttons in a row that is half as high.
    pub fn three() -> Template {
        Template::low(3)
    }

    /// Two buttons in a row that is half as high.
    pub fn two() -> Template {
        Template::low(2)
    }

    /// The ready arrangements with their names.
    pub fn ready() -> [(&'static str, Template); 5] {
        [
            ("6つ（3つを2段）", Template::six()),
            ("5つ（上に2つ、下に3つ）", Template::five()),
            ("4つ（2つを2段）", Template::four()),
            ("3つ（1段）", Template::three()),
            ("2つ（1段）", Template::two()),
        ]
    }

    fn low(buttons: u32) -> Template {
        Template {
            size: Size::new(DESIGN_WIDTH, 843),
            rows: vec![buttons],
        }
    }

    fn tall(rows: Vec<u32>) -> Template {
        Template {
            size: Size::new(DESIGN_WIDTH, 1_686),
            rows,
        }
    }

    /// The areas row by row from the left, on a picture of that size. They cover it, and no two overlap.
    pub(super) fn areas(&self, size: Size) -> Vec<Area> {
        let mut areas = Vec::new();
        for (row, columns) in (0..).zip(&self.rows) {
            let (y, height) = piece(size.height, row, self.rows.len() as u32);
            areas.extend((0..*columns).map(|column| {
                let (x, width) = piece(size.width, column, *columns);
                Area { x, y, width, height }
            }));
        }
        areas
    }

    /// For each button, how many stand in its row.
    pub(super) fn columns(&self) -> Vec<u32> {
        let row = |columns: &u32| std::iter::repeat_n(*columns, *columns as usize);
        self.rows.iter().flat_map(row).collect()
    }

    /// Full-width letters that one line of a label holds where that many buttons stand in the row.
    pub fn letters(columns: u32) -> usize {
        ((DESIGN_WIDTH / columns.max(1)).saturating_sub(CELL_MARGIN) / LETTER_MIN) as usize
    }

    /// What LINE or a reader's eyes and thumbs would refuse.
    pub(super) fn problems(&self) -> Vec<MenuProblem> {
        let Size { width, height } = self.size;
        let mut problems = Vec::new();
        if !WIDTHS.contains(&width) {
            problems.push(MenuProblem::Width { width });
        }
        if height < HEIGHT_MIN {
            problems.push(MenuProblem::Height { height });
        }
        if u64::from(width) * 100 < u64::from(height) * RATIO_MIN_PERCENT {
            problems.push(MenuProblem::Ratio { width, height });
        }
        let count = self
            .rows
            .iter()
            .fold(0_usize, |sum, columns| sum.saturating_add(*columns as usize));
        if count > AREAS_MAX {
            problems.push(MenuProblem::Areas { count });
        }
        if self.rows.is_empty() || self.rows.contains(&0) {
            problems.push(MenuProblem::EmptyRow);
        }
        let design = self.size.scaled_to(DESIGN_WIDTH);
        let low = (self.rows.len() as u32).saturating_mul(CELL_MIN) > design.height;
        let narrow = self
            .rows
            .iter()
            .any(|columns| columns.saturating_mul(CELL_MIN) > design.width);
        if low || narrow {
            problems.push(MenuProblem::SmallCells);
        }
        problems
    }
}

/// Beginning and length of one of the equal pieces into which a length is cut; no pixel is left over.
fn piece(length: u32, number: u32, pieces: u32) -> (u32, u32) {
    let cut = |number: u32| (u64::from(length) * u64::from(number) / u64::from(pieces)) as u32;
    (cut(number), cut(number + 1) - cut(number))
}
