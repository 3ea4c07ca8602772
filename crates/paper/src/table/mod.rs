//! A table as a person made it: one line of headings, then rows of text.
//!
//! Reading is strict about what cannot be understood and tolerant of what Excel does to files; every refusal names a line.
//! A row without any value is no row: it is neither written nor read. Cells are text and are never interpreted here.

mod csv;
mod encoding;
mod error;
mod escape;
mod gather;
mod xlsx;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub use csv::{read_csv, write_csv};
pub use encoding::{Encoding, UnknownEncoding};
pub use error::{CsvFault, ReadError, UNMAPPABLE_MAX, Unmappable, WriteError, XlsxFault};
pub use xlsx::{read_xlsx, write_xlsx};

/// One sheet: headings and the rows below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The headings, without white space around them; otherwise as they stand in the file.
    pub header: Vec<String>,
    /// The rows, each with exactly as many cells as there are headings.
    pub rows: Vec<Row>,
}

/// One row and where a person finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file as an editor (CSV) or Excel (XLSX) numbers it; a header on top is line 1. Ignored when writing.
    pub line: usize,
    /// One text a column, in the order of the headings.
    pub cells: Vec<String>,
}

/// How large a file may be before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file itself.
    pub bytes_max: usize,
    /// Rows below the header.
    pub rows_max: usize,
    /// Cells in one row.
    pub columns_max: usize,
    /// Characters in one cell.
    pub cell_chars_max: usize,
}

/// The register of a city of two million fits several times over, and a server with 1 GB survives it.
pub const BYTES_MAX: usize = 32 << 20;
/// Half of all births of the country in a year; a file with more is not one municipality's.
pub const ROWS_MAX: usize = 300_000;
/// Our own formats have fewer than 30 columns; a register's full export rarely more than 150.
pub const COLUMNS_MAX: usize = 256;
/// What Excel holds in a cell: a longer one could not be handed back as a workbook.
pub const CELL_CHARS_MAX: usize = 32_767;

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: BYTES_MAX,
            rows_max: ROWS_MAX,
            columns_max: COLUMNS_MAX,
            cell_chars_max: CELL_CHARS_MAX,
        }
    }
}

impl Table {
    /// The place of a heading, if the table has it.
    ///
    /// ```
    /// use kizuna_paper::table::{Limits, read_csv};
    /// let table = read_csv("お名前,郵便番号\n花子,123-4567\n".as_bytes(), &Limits::default()).unwrap();
    /// assert_eq!(table.column("郵便番号"), Some(1));
    /// assert_eq!(table.column("電話"), None);
    /// ```
    pub fn column(&self, heading: &str) -> Option<usize> {
        self.header.iter().position(|h| h == heading)
    }
}

/// Reads a file of either kind, told apart by its first bytes and not by its name.
///
/// What a person sends as `.csv` is sometimes a renamed workbook, and the reverse.
pub fn read(path: &Path, limits: &Limits) -> Result<Table, ReadError> {
    let unreadable = |source| ReadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits, whatever its size is said to be.
    file.take(limits.bytes_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if xlsx::is_workbook(&bytes) {
        read_xlsx(&bytes, limits)
    } else {
        read_csv(&bytes, limits)
    }
}

/// Refuses a table that could not be read back: headings empty or repeated, rows of another width.
fn check_shape(table: &Table) -> Result<(), WriteError> {
    let heading_is_bad = |(at, h): (usize, &String)| {
        h.trim().is_empty() || h.trim() != h || table.header.iter().take(at).any(|earlier| earlier == h)
    };
    if let Some(at) = table.header.iter().enumerate().position(heading_is_bad) {
        return Err(WriteError::Heading { column: at + 1 });
    }
    if table.header.is_empty() {
        return Err(WriteError::Heading { column: 1 });
    }
    match table.rows.iter().position(|row| row.cells.len() != table.header.len()) {
        Some(at) => Err(WriteError::Width {
            row: at + 1,
            columns: table.header.len(),
        }),
        None => Ok(()),
    }
}
