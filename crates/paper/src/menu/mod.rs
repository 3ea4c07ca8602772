//! A rich menu as a picture: one SVG, shown in the editor as it is and drawn to PNG for LINE.
//!
//! Drawing depends on the menu alone: no font of the machine, no clock. The same menu gives the same bytes.

mod font;
mod icons;
mod lines;
mod scene;

use kizuna_domain::menu::{Menu, PICTURE_BYTES_MAX, Size};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Widths to fall back to where a picture has too many bytes: those of LINE's own smaller examples.
const SMALLER_WIDTHS: [u32; 2] = [1_200, 800];

/// A picture for LINE.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// A PNG.
    pub png: Vec<u8>,
    /// Its size; the menu's own, or a smaller one of the same shape.
    pub size: Size,
}

/// Why a menu cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// Characters that the font lacks.
    #[error("the font lacks {}", named(.0))]
    Letters(Vec<char>),
    /// Two lines of the smallest letters do not hold a label.
    #[error("the label “{label}” is too wide")]
    TooWide {
        /// The label.
        label: String,
    },
    /// Even the smallest picture has too many bytes.
    #[error("the picture has more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The font or the drawing cannot be read: a defect of this program.
    #[error("the menu cannot be drawn: {0}")]
    Broken(String),
}

impl DrawError {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            Self::Letters(letters) => format!(
                "絵にできない文字があります：{}。絵文字などは、ほかの文字にしてください",
                named(letters)
            ),
            Self::TooWide { label } => format!("ボタン「{label}」が、わくに入りません。短くしてください"),
            Self::TooLarge { .. } => "画像が大きすぎて、LINEに送れません。ボタンやことばをへらしてください".to_owned(),
            Self::Broken(_) => {
                "メニューを絵にできませんでした。Kizunaの不具合です。開発者に知らせてください".to_owned()
            }
        }
    }
}

/// Characters so that they can be found even where a screen shows nothing: 😀 (U+1F600).
fn named(letters: &[char]) -> String {
    let named: Vec<String> = letters
        .iter()
        .map(|c| format!("{c} (U+{:04X})", u32::from(*c)))
        .collect();
    named.join(", ")
}

/// The menu as SVG without a size of its own: it fills the width that its page gives it.
pub fn svg(menu: &Menu) -> Result<String, DrawError> {
    scene::svg(menu)
}

/// The menu as a picture that LINE takes.
pub fn draw(menu: &Menu) -> Result<Picture, DrawError> {
    draw_within(menu, PICTURE_BYTES_MAX)
}

/// The menu as the largest picture of at most so many bytes.
pub fn draw_within(menu: &Menu, max: usize) -> Result<Picture, DrawError> {
    let broken = |error: resvg::usvg::Error| DrawError::Broken(error.to_string());
    let tree = Tree::from_str(&svg(menu)?, &Options::default()).map_err(broken)?;
    let own = menu.document().template.size;
    let smaller = SMALLER_WIDTHS.into_iter().filter(|width| *width < own.width);
    for size in [own].into_iter().chain(smaller.map(|width| own.scaled_to(width))) {
        let png = png(&tree, size)?;
        if png.len() <= max {
            return Ok(Picture { png, size });
        }
    }
    Err(DrawError::TooLarge { max })
}

fn png(tree: &Tree, size: Size) -> Result<Vec<u8>, DrawError> {
    let broken = || DrawError::Broken(format!("{} × {}", size.width, size.height));
    let mut pixels = Pixmap::new(size.width, size.height).ok_or_else(broken)?;
    // A height that was rounded up leaves a part of a pixel: nothing there may be transparent.
    let [red, green, blue] = scene::GROUND.0;
    pixels.fill(Color::from_rgba8(red, green, blue, u8::MAX));
    let scale = size.width as f32 / tree.size().width();
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels
        .encode_png()
        .map_err(|error| DrawError::Broken(error.to_string()))
}
