//! What may be wrong with a table, in English for logs and in plain Japanese that says what to do next.
//!
//! Messages carry places, never the contents of cells: they may end in a log, and cells hold names and addresses.

use std::io;
use std::path::PathBuf;

use super::Encoding;

/// Why a file could not be read as a table. Lines and columns count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is larger than allowed.
    #[error("the file is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The file is in an encoding that is known but not read.
    #[error("the file is written in {name}; only UTF-8 and Shift_JIS are read")]
    OtherEncoding {
        /// Which one.
        name: &'static str,
    },
    /// Bytes that stand for no character.
    #[error("line {line}: bytes that are no {encoding} text")]
    Encoding {
        /// Where.
        line: usize,
        /// What the rest of the file looks like.
        encoding: Encoding,
    },
    /// A NUL, which no text contains.
    #[error("line {line}: a NUL byte; this is no text file")]
    Nul {
        /// Where.
        line: usize,
    },
    /// There is no line with headings.
    #[error("the file has no header line")]
    NoHeader,
    /// Two columns have the same heading.
    #[error("line {line}: the heading “{heading}” stands twice")]
    SameHeading {
        /// The line of the headings.
        line: usize,
        /// The heading.
        heading: String,
    },
    /// A value stands right of the last heading.
    #[error("line {line}: column {column} has a value but no heading")]
    NoHeading {
        /// The line of the value.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// Text that is not CSV.
    #[error("line {line}: {reason}")]
    Csv {
        /// Where the trouble begins.
        line: usize,
        /// What it is.
        reason: CsvFault,
    },
    /// The bytes are no workbook that can be read.
    #[error("the workbook cannot be read: {reason}")]
    Xlsx {
        /// What the reader said.
        reason: XlsxFault,
    },
    /// More rows than allowed.
    #[error("more than {max} rows")]
    TooManyRows {
        /// The limit.
        max: usize,
    },
    /// A row has more cells than allowed.
    #[error("line {line}: more than {max} columns")]
    TooManyColumns {
        /// Where.
        line: usize,
        /// The limit.
        max: usize,
    },
    /// A cell is longer than allowed.
    #[error("line {line}, column {column}: more than {max} characters in one cell")]
    CellTooLong {
        /// Where.
        line: usize,
        /// Which cell.
        column: usize,
        /// The limit.
        max: usize,
    },
}

/// What makes a text no CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvFault {
    /// A quotation mark opens a cell and nothing closes it: the rest of the file would vanish into one cell.
    #[error("a quotation mark opens here and is never closed")]
    NeverClosed,
    /// Something stands between a closing quotation mark and the next comma.
    #[error("text after a closing quotation mark")]
    AfterQuote,
}

/// What makes bytes no workbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XlsxFault {
    /// An `.xls` of before 2007, or a workbook behind a password: both begin alike.
    #[error("it is an .xls file or protected by a password")]
    OldOrProtected,
    /// Unpacked it would fill the memory.
    #[error("unpacked it is larger than {max} bytes")]
    Expands {
        /// The limit.
        max: u64,
    },
    /// It has no sheet with cells.
    #[error("it has no visible sheet")]
    NoSheet,
    /// Anything else that the reader refuses.
    #[error("{0}")]
    Damaged(String),
}

impl ReadError {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            Self::Unreadable { path, .. } => {
                format!(
                    "ファイル「{}」を開けません。場所と名前、読み取りの権限をご確認ください。",
                    path.display()
                )
            }
            Self::TooLarge { max } => {
                format!(
                    "ファイルが大きすぎます（上限 {} MB）。行を分けて、いくつかのファイルにしてください。",
                    max >> 20
                )
            }
            Self::OtherEncoding { name } => format!(
                "文字コードが {name} のため読めません。Excelの「名前を付けて保存」で「CSV UTF-8（コンマ区切り）」を選んで保存し直してください。"
            ),
            Self::Encoding { line, .. } => format!(
                "{line}行目に、文字として読めない部分があります。元のファイルをExcelで開き、「CSV UTF-8（コンマ区切り）」で保存し直してください。"
            ),
            Self::Nul { line } => format!(
                "{line}行目に、文字ではないデータがあります。CSVかExcel（.xlsx）のファイルかどうか、ご確認ください。"
            ),
            Self::NoHeader => "見出しの行がありません。1行目に列の名前を入れてください。".to_owned(),
            Self::SameHeading { line, heading } => {
                format!("{line}行目の見出し「{heading}」が2つあります。どちらかの名前を変えるか、列を消してください。")
            }
            Self::NoHeading { line, column } => format!(
                "{line}行目の{}に、見出しのない値があります。見出しを付けるか、値を消してください（CSVでは、コンマを含む値を \" で囲みます）。",
                column_ja(*column)
            ),
            Self::Csv {
                line,
                reason: CsvFault::NeverClosed,
            } => {
                format!("{line}行目で始まる引用符（\"）が閉じていません。閉じる引用符を入れてください。")
            }
            Self::Csv {
                line,
                reason: CsvFault::AfterQuote,
            } => format!(
                "{line}行目で、閉じる引用符（\"）のあとに文字があります。値の中の引用符は \"\" と2つ重ねて書いてください。"
            ),
            Self::Xlsx { reason } => reason.ja(),
            Self::TooManyRows { max } => {
                format!("行が多すぎます（上限 {max} 行）。いくつかのファイルに分けてください。")
            }
            Self::TooManyColumns { line, max } => {
                format!("{line}行目の列が多すぎます（上限 {max} 列）。使わない列を消してください。")
            }
            Self::CellTooLong { line, column, max } => {
                format!(
                    "{line}行目の{}の文字が多すぎます（上限 {max} 文字）。短くしてください。",
                    column_ja(*column)
                )
            }
        }
    }
}

impl XlsxFault {
    fn ja(&self) -> String {
        match self {
            Self::OldOrProtected => {
                "古い形式（.xls）か、パスワード付きのファイルです。Excelで開き、パスワードを外して「Excelブック（.xlsx）」で保存し直してください。"
            }
            Self::Expands { .. } => "ファイルの中身が大きすぎます。必要な列と行だけを新しいブックに写して、保存し直してください。",
            Self::NoSheet => "表示されているシートがありません。表のあるシートを表示して、保存し直してください。",
            Self::Damaged(_) => "Excelのファイルとして読めません。Excelで開いて「Excelブック（.xlsx）」で保存し直すか、CSVで保存してください。",
        }
        .to_owned()
    }
}

/// Why a table could not be written. Rows and columns count from 1, rows without the header.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A heading is empty, stands twice or begins or ends with white space: it could not be read back.
    #[error("column {column}: the heading is empty, repeated or has white space around it")]
    Heading {
        /// Which.
        column: usize,
    },
    /// A row has more or fewer cells than there are headings.
    #[error("row {row} does not have {columns} cells")]
    Width {
        /// Which row.
        row: usize,
        /// How many it should have.
        columns: usize,
    },
    /// Characters that the encoding does not have.
    #[error("{} characters do not exist in {encoding}, the first in line {}, column {}: {}",
        found.len(), first(found).0, first(found).1, first(found).2)]
    Unmappable {
        /// The encoding.
        encoding: Encoding,
        /// Where they stand; at most [`UNMAPPABLE_MAX`].
        found: Vec<Unmappable>,
    },
    /// More than a workbook holds.
    #[error("the workbook cannot be written: {reason}")]
    Xlsx {
        /// What the writer said.
        reason: String,
    },
}

/// A character without a code in the chosen encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmappable {
    /// Line of the table, the header being 1 and every row one line.
    pub line: usize,
    /// The heading of its column.
    pub column: String,
    /// The character itself.
    pub character: char,
}

/// A person mends a handful and then chooses UTF-8; a longer list helps nobody.
pub const UNMAPPABLE_MAX: usize = 50;

fn first(found: &[Unmappable]) -> (usize, &str, char) {
    found
        .first()
        .map_or((0, "", ' '), |u| (u.line, u.column.as_str(), u.character))
}

impl WriteError {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            Self::Heading { column } => format!("{}の見出しが空か、ほかと同じです。", column_ja(*column)),
            Self::Width { row, columns } => format!("{row}件目の値の数が、見出しの数（{columns}）と違います。"),
            Self::Unmappable { found, .. } => {
                let places: Vec<String> = found
                    .iter()
                    .map(|u| format!("{}行目「{}」の「{}」", u.line, u.column, u.character))
                    .collect();
                format!(
                    "Shift_JISで表せない文字があります：{}。文字コードをUTF-8にして書き出すか、文字を置きかえてください。",
                    places.join("、")
                )
            }
            Self::Xlsx { .. } => "Excelのファイルに収まりません。行を分けるか、CSVで書き出してください。".to_owned(),
        }
    }
}

/// A column as Excel names it and as a person counts it: `D列（4列目）`.
fn column_ja(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column;
    while rest > 0 {
        letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    format!("{}列（{column}列目）", letters.into_iter().collect::<String>())
}
