//! What keeps a menu from being published, in English for logs and in plain Japanese that says what to do next.

use super::{
    AREAS_MAX, BAR_GRAPHEMES_MAX, Colour, Intent, LABEL_GRAPHEMES_MAX, LABEL_LINES_MAX, MenuStage, NAME_CHARS_MAX,
    URI_CHARS_MAX,
};

/// Something to mend in a menu.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MenuProblem {
    /// Too narrow or too wide for LINE.
    #[error("the picture is {width} px wide; LINE takes 800 to 2500")]
    Width {
        /// In pixels.
        width: u32,
    },
    /// Too low for LINE.
    #[error("the picture is {height} px high; LINE takes 250 or more")]
    Height {
        /// In pixels.
        height: u32,
    },
    /// Too high for its width.
    #[error("a picture of {width} × {height} px is too high; LINE wants a width of at least 1.45 times the height")]
    Ratio {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// More areas than LINE takes.
    #[error("{count} buttons are too many; LINE takes {AREAS_MAX}")]
    Areas {
        /// How many.
        count: usize,
    },
    /// A row without a button, or no row.
    #[error("every row needs a button")]
    EmptyRow,
    /// Too many buttons side by side or below each other to be read and hit.
    #[error("the buttons are too small to read and to hit; take fewer rows or fewer buttons in a row")]
    SmallCells,
    /// The template has more or fewer places than there are buttons.
    #[error("there are {buttons} buttons for {places} places")]
    Buttons {
        /// How many buttons there are.
        buttons: usize,
        /// How many places there are.
        places: usize,
    },
    /// The words of the bar are missing or too long.
    #[error("the bar has {length} letters; it needs 1 to {BAR_GRAPHEMES_MAX}")]
    Bar {
        /// In grapheme clusters.
        length: usize,
    },
    /// White words on the colour cannot be read.
    #[error("words on {colour} cannot be read; {darker} would do")]
    Pale {
        /// The colour.
        colour: Colour,
        /// The nearest darker one that can be used.
        darker: Colour,
    },
    /// A character that nobody can see.
    #[error("“{text}” contains a character that cannot be seen; write it anew")]
    Invisible {
        /// The words around it.
        text: String,
    },
    /// A label or one of its lines is empty.
    #[error("the label “{label}” has an empty line")]
    EmptyLine {
        /// The label.
        label: String,
    },
    /// A label has more lines than are read at a glance.
    #[error("the label “{label}” has more than {LABEL_LINES_MAX} lines")]
    Lines {
        /// The label.
        label: String,
    },
    /// A label does not fit its cell.
    #[error(
        "the label “{label}” is too long; {LABEL_LINES_MAX} lines of {letters} full-width letters fit, {LABEL_GRAPHEMES_MAX} in all"
    )]
    Long {
        /// The label.
        label: String,
        /// What one line holds, in full-width letters.
        letters: usize,
    },
    /// A label congratulates readers of whom no birth is known.
    #[error("the label “{label}” congratulates; no birth is known of the readers of this menu")]
    Congratulates {
        /// The label.
        label: String,
    },
    /// A press that makes no sense for the readers of the menu.
    #[error("the button “{label}” does not belong in the menu for {}", stage.code())]
    OtherStage {
        /// Its label.
        label: String,
        /// For whom the menu is.
        stage: MenuStage,
    },
    /// An address that does not lead to an `https:` page.
    #[error("the address '{uri}' must begin with https:// and have only letters of ASCII")]
    Scheme {
        /// The address.
        uri: String,
    },
    /// An address longer than LINE takes.
    #[error("an address has {length} characters; LINE takes {URI_CHARS_MAX}")]
    UriLong {
        /// In characters.
        length: usize,
    },
    /// A number that cannot be dialled.
    #[error("the number of the button “{label}” cannot be dialled")]
    Phone {
        /// Its label.
        label: String,
    },
    /// No way to get help.
    #[error("the menu needs a button for the desks")]
    NoDesks,
    /// No way to stop.
    #[error("the menu needs a button to stop or for the settings")]
    NoStop,
    /// No way to begin.
    #[error("the menu needs a button to register")]
    NoRegister,
    /// A name longer than LINE takes.
    #[error("the name has {length} characters; LINE takes {NAME_CHARS_MAX}")]
    Name {
        /// In characters.
        length: usize,
    },
    /// As guests of an account we know no page for what a button asks.
    #[error("no page is known for '{}'", intent.code())]
    NoPage {
        /// What the button asks.
        intent: Intent,
    },
}

impl MenuProblem {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            Self::Width { width } => format!("画像の幅が {width} です。800〜2500 にしてください"),
            Self::Height { height } => format!("画像の高さが {height} です。250 以上にしてください"),
            Self::Ratio { width, height } => {
                format!("画像（{width} × {height}）が縦に長すぎます。幅を高さの1.45倍以上にしてください")
            }
            Self::Areas { count } => format!("ボタンが {count} こあります。{AREAS_MAX} こまでにしてください"),
            Self::EmptyRow => "ボタンのない段があります。どの段にも、ボタンを置いてください".to_owned(),
            Self::SmallCells => {
                "ボタンが小さすぎて、読めず、押しにくくなります。段か、横に並べる数をへらしてください".to_owned()
            }
            Self::Buttons { buttons, places } => {
                format!("ボタンが {buttons} こ、置く場所が {places} こです。数を合わせてください")
            }
            Self::Bar { .. } => {
                format!("メニューを開く帯のことばは、1〜{BAR_GRAPHEMES_MAX} 文字で書いてください")
            }
            Self::Pale { colour, darker } => {
                format!("この色（{colour}）では文字が読みにくくなります。{darker} くらいの濃い色にしてください")
            }
            Self::Invisible { text } => {
                format!("「{text}」に、目に見えない文字があります。消して、書き直してください")
            }
            Self::EmptyLine { .. } => "ことばのないボタンか、空の行があります。ことばを書いてください".to_owned(),
            Self::Lines { label } => format!("ボタン「{label}」は、{LABEL_LINES_MAX} 行までにしてください"),
            Self::Long { label, letters } => format!(
                "ボタン「{label}」が長すぎます。1行 {letters} 文字（半角は2つで1文字）で {LABEL_LINES_MAX} 行、あわせて {LABEL_GRAPHEMES_MAX} 文字までにしてください"
            ),
            Self::Congratulates { label } => {
                format!(
                    "ボタン「{label}」：出産をお祝いすることばは、このメニューでは使えません。ほかのことばにしてください"
                )
            }
            Self::OtherStage { label, stage } => format!(
                "ボタン「{label}」は、「{}」のメニューでは使えません。ほかのボタンにしてください",
                stage.ja()
            ),
            Self::Scheme { uri } => {
                format!("リンク「{uri}」は、https:// で始まる半角のアドレスにしてください")
            }
            Self::UriLong { .. } => format!("リンクが長すぎます。{URI_CHARS_MAX} 文字までにしてください"),
            Self::Phone { label } => format!("ボタン「{label}」の電話番号に、数字を入れてください"),
            Self::NoDesks => "「相談先」のボタンを入れてください。どのメニューにも要ります".to_owned(),
            Self::NoStop => "「止める」か「設定」のボタンを入れてください。いつでも止められるようにします".to_owned(),
            Self::NoRegister => "「登録する」のボタンを入れてください。ここから受け取りはじめます".to_owned(),
            Self::Name { .. } => format!("メニューの名前が長すぎます。{NAME_CHARS_MAX} 文字までにしてください"),
            Self::NoPage { intent } => {
                format!(
                    "「{}」で開くページが決まっていません。接続の設定を確かめてください",
                    intent.label()
                )
            }
        }
    }
}
