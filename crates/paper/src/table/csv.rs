//! Comma-separated text.
//!
//! Read by hand rather than by the `csv` crate, which accepts an unclosed quotation mark by taking the rest of the file
//! as one cell: a hundred families would vanish without a word.

use super::encoding::{Encoding, decode, encode_shift_jis};
use super::error::{CsvFault, UNMAPPABLE_MAX};
use super::escape::escape;
use super::gather::Gather;
use super::{Limits, ReadError, Table, Unmappable, WriteError, check_shape};

/// Reads a CSV file in UTF-8 (with or without a mark) or Shift_JIS.
///
/// ```
/// use kizuna_paper::table::{Limits, read_csv};
/// let table = read_csv(b"name,due_on\r\n\"Sato, Hanako\",2026-12-24\r\n\r\n", &Limits::default()).unwrap();
/// assert_eq!(table.header, ["name", "due_on"]);
/// assert_eq!(table.rows[0].line, 2);
/// assert_eq!(table.rows[0].cells, ["Sato, Hanako", "2026-12-24"]);
/// ```
pub fn read_csv(bytes: &[u8], limits: &Limits) -> Result<Table, ReadError> {
    if bytes.len() > limits.bytes_max {
        return Err(ReadError::TooLarge { max: limits.bytes_max });
    }
    let text = decode(bytes)?;
    let mut gather = Gather::new(limits);
    let mut scan = Scan { rest: &text, line: 1 };
    while !scan.rest.is_empty() {
        let line = scan.line;
        let cells = scan.record(&gather)?;
        gather.push(line, cells)?;
    }
    gather.finish()
}

/// The unread part of the text and the line on which it begins.
struct Scan<'t> {
    rest: &'t str,
    line: usize,
}

/// What stands behind a cell.
#[derive(PartialEq, Eq)]
enum Follows {
    Cell,
    Record,
}

impl<'t> Scan<'t> {
    fn record(&mut self, gather: &Gather<'_>) -> Result<Vec<String>, ReadError> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let (cell, follows) = self.cell()?;
            gather.check_cell(line, cells.len() + 1, &cell)?;
            cells.push(cell);
            if follows == Follows::Record {
                return Ok(cells);
            }
        }
    }

    fn cell(&mut self) -> Result<(String, Follows), ReadError> {
        let text = match self.rest.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted)?,
            None => self
                .take(self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len()))
                .to_owned(),
        };
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok((text, Follows::Cell));
        }
        if let Some(rest) = self
            .rest
            .strip_prefix("\r\n")
            .or_else(|| self.rest.strip_prefix(['\r', '\n']))
        {
            self.rest = rest;
            self.line += 1;
        } else if !self.rest.is_empty() {
            return Err(ReadError::Csv {
                line: self.line,
                reason: CsvFault::AfterQuote,
            });
        }
        Ok((text, Follows::Record))
    }

    /// A cell in quotation marks, the first of which is already taken off; two of them stand for one.
    fn quoted(&mut self, inside: &'t str) -> Result<String, ReadError> {
        let opened = self.line;
        self.rest = inside;
        let mut text = String::new();
        loop {
            let Some(close) = self.rest.find('"') else {
                return Err(ReadError::Csv {
                    line: opened,
                    reason: CsvFault::NeverClosed,
                });
            };
            let piece = self.take(close);
            self.line += line_ends(piece);
            text.push_str(piece);
            self.take(1);
            match self.rest.strip_prefix('"') {
                Some(rest) => self.rest = rest,
                None => return Ok(text),
            }
            text.push('"');
        }
    }

    /// Cuts off and returns the first `bytes`, which always end at an ASCII character.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }
}

fn line_ends(text: &str) -> usize {
    text.matches('\n').count() + text.matches('\r').count() - text.matches("\r\n").count()
}

/// Writes a CSV file that Excel opens with a double click: CRLF, a mark before UTF-8, no cell that is calculated.
///
/// Characters without a code in Shift_JIS are refused with their places. The ten that Windows and JIS map to different
/// code points (`〜` and `～` among them) are the same character there and come back as Windows has them.
///
/// ```
/// use kizuna_paper::table::{Encoding, Limits, Row, Table, read_csv, write_csv};
/// let table = Table { header: vec!["氏名".into()], rows: vec![Row { line: 2, cells: vec!["髙﨑 =花子".into()] }] };
/// let bytes = write_csv(&table, Encoding::ShiftJis).unwrap();
/// assert_eq!(read_csv(&bytes, &Limits::default()).unwrap(), table);
/// ```
pub fn write_csv(table: &Table, encoding: Encoding) -> Result<Vec<u8>, WriteError> {
    check_shape(table)?;
    let mut out = Vec::new();
    let mut found = Vec::new();
    if encoding == Encoding::Utf8 {
        out.extend_from_slice("\u{feff}".as_bytes());
    }
    let rows = table
        .rows
        .iter()
        .map(|row| &row.cells)
        .filter(|cells| cells.iter().any(|c| !c.trim().is_empty()));
    for (at, cells) in std::iter::once(&table.header).chain(rows).enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            if column > 0 {
                out.push(b',');
            }
            let text = quote(cell);
            match encoding {
                Encoding::Utf8 => out.extend_from_slice(text.as_bytes()),
                Encoding::ShiftJis => encode_shift_jis(&text, &mut out, |character| {
                    if found.len() < UNMAPPABLE_MAX {
                        let column = table.header.get(column).cloned().unwrap_or_default();
                        found.push(Unmappable {
                            line: at + 1,
                            column,
                            character,
                        });
                    }
                }),
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    if found.is_empty() {
        Ok(out)
    } else {
        Err(WriteError::Unmappable { encoding, found })
    }
}

/// A cell as it stands in the file, in quotation marks where a reader could otherwise take it for something else.
///
/// A file whose first two letters are `ID` Excel takes for a format of the 1980s and shows an alarming warning.
fn quote(cell: &str) -> String {
    let text = escape(cell);
    if text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ') || text.starts_with("ID") {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}
