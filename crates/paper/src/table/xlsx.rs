//! Excel workbooks: the first visible sheet in, one plain sheet out.
//!
//! Cells are read one by one and never as the rectangle that the file claims to have: two cells in far corners would claim
//! gigabytes. What the archive unpacks to is checked before anything is unpacked.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx};
use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, Worksheet};
use zip::ZipArchive;

use super::error::XlsxFault;
use super::escape::escape_quoted;
use super::gather::Gather;
use super::{CELL_CHARS_MAX, Limits, ReadError, Table, WriteError, check_shape};

/// A sheet full of text packs to a fifth, and its index of strings is held twice while it is read.
const EXPANSION_MAX: u64 = 8;
/// A small workbook packs far better than a large one: themes and styles repeat themselves.
const EXPANDED_BYTES_FREE: u64 = 16 << 20;

/// Whether the file begins like a workbook, a zip archive or an old Excel file, and not like text.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(OLE)
}

/// Old `.xls` files and workbooks under a password are both kept in this container.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

fn fault(reason: XlsxFault) -> ReadError {
    ReadError::Xlsx { reason }
}

fn damaged(error: impl std::fmt::Display) -> ReadError {
    fault(XlsxFault::Damaged(error.to_string()))
}

/// Reads the first visible sheet of a workbook.
///
/// Dates become `2026-12-24`, times of day `09:30`, both together `2026-12-24 09:30`; whole numbers have no decimals.
pub fn read_xlsx(bytes: &[u8], limits: &Limits) -> Result<Table, ReadError> {
    if bytes.len() > limits.bytes_max {
        return Err(ReadError::TooLarge { max: limits.bytes_max });
    }
    if bytes.starts_with(OLE) {
        return Err(fault(XlsxFault::OldOrProtected));
    }
    check_expansion(bytes, limits)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let shown = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible;
    let Some(name) = book
        .sheets_metadata()
        .iter()
        .find(shown)
        .map(|sheet| sheet.name.clone())
    else {
        return Err(fault(XlsxFault::NoSheet));
    };
    let mut cells = book.worksheet_cells_reader(&name).map_err(damaged)?;
    let mut gather = Gather::new(limits);
    let (mut line, mut row) = (0, Vec::new());
    while let Some(cell) = cells.next_cell().map_err(damaged)? {
        let (at, column) = cell.get_position();
        let (at, column) = (at as usize + 1, column as usize + 1);
        if at != line {
            gather.push(line, std::mem::take(&mut row))?;
            if at < line {
                return Err(damaged("its rows are out of order"));
            }
            line = at;
        }
        let text = text(cell.get_value());
        // Formatted but empty cells may stand as far right as they like.
        if text.is_empty() {
            continue;
        }
        gather.check_cell(line, column, &text)?;
        if row.len() < column {
            row.resize(column, String::new());
        }
        if let Some(place) = row.get_mut(column - 1) {
            *place = text;
        }
    }
    gather.push(line, row)?;
    gather.finish()
}

/// Refuses an archive whose parts together say they unpack to more than a sheet of allowed size would.
///
/// A part that unpacks to more than it says is cut off by the zip reader with an error; a test holds it to that.
fn check_expansion(bytes: &[u8], limits: &Limits) -> Result<(), ReadError> {
    let max = EXPANDED_BYTES_FREE.max(EXPANSION_MAX * limits.bytes_max as u64);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut size = 0_u64;
    for at in 0..archive.len() {
        size = size.saturating_add(archive.by_index(at).map_err(damaged)?.size());
    }
    if size > max {
        Err(fault(XlsxFault::Expands { max }))
    } else {
        Ok(())
    }
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(time) => time_text(time),
        DataRef::DateTimeIso(time) => time.strip_suffix("T00:00:00").unwrap_or(time).replace('T', " "),
        DataRef::DurationIso(duration) => duration.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A number as Excel shows it: fifteen digits, no exponent, no `.0`.
fn number_text(number: f64) -> String {
    let shown: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Minus zero is zero.
    if shown == 0.0 {
        "0".to_owned()
    } else {
        shown.to_string()
    }
}

fn time_text(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let seconds = (time.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let clock = match second {
        0 => format!("{hour:02}:{minute:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}"),
    };
    match time.as_f64() {
        days if days > 0.0 && days < 1.0 => clock,
        days if days.fract() == 0.0 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02} {clock}"),
    }
}

/// The face for universal design that every Windows since 2018 and most town halls have.
const FONT: &str = "BIZ UDPゴシック";
/// Column widths in half-width characters: readable headings, and no column wider than a third of the screen.
const WIDTH_MIN: usize = 8;
const WIDTH_MAX: usize = 60;

/// Writes a workbook with one sheet: headings that stay in place, widths that fit, every cell as text.
///
/// Cells as text keep leading zeros of postal codes and telephone numbers, and nothing is calculated.
pub fn write_xlsx(table: &Table, sheet: &str) -> Result<Vec<u8>, WriteError> {
    check_shape(table)?;
    let mut book = Workbook::new();
    fill(book.add_worksheet(), table, sheet)
        .and_then(|()| book.save_to_buffer())
        .map_err(|error| WriteError::Xlsx {
            reason: error.to_string(),
        })
}

fn fill(page: &mut Worksheet, table: &Table, sheet: &str) -> Result<(), rust_xlsxwriter::XlsxError> {
    let plain = Format::new()
        .set_font_name(FONT)
        .set_font_size(11)
        .set_num_format("@")
        .set_align(FormatAlign::Top);
    let heading = plain.clone().set_bold().set_background_color(Color::RGB(0xE7_EEF5));
    page.set_name(sheet)?;
    page.set_freeze_panes(1, 0)?;
    let mut widths = vec![WIDTH_MIN; table.header.len()];
    let rows = table
        .rows
        .iter()
        .map(|row| &row.cells)
        .filter(|cells| cells.iter().any(|c| !c.trim().is_empty()));
    for (at, cells) in (0..).zip(std::iter::once(&table.header).chain(rows)) {
        let format = if at == 0 { &heading } else { &plain };
        for ((column, cell), width) in (0..).zip(cells).zip(&mut widths) {
            *width = (*width).max(half_widths(cell)).min(WIDTH_MAX);
            write_cell(page, at, column, cell, format)?;
        }
    }
    for (column, width) in (0..).zip(widths) {
        page.set_column_width(column, width as f64 + 2.0)?;
    }
    Ok(())
}

fn write_cell(
    page: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &str,
    format: &Format,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    let cell = printable(cell);
    let text = escape_quoted(&cell);
    if cell.is_empty() {
        return Ok(());
    }
    if text.chars().count() > CELL_CHARS_MAX {
        return Err(rust_xlsxwriter::XlsxError::MaxStringLengthExceeded);
    }
    page.write_string_with_format(row, column, text, format)?;
    Ok(())
}

/// A cell as a workbook can hold it: lines end as spreadsheets end them, and what nobody can print is left out.
///
/// A workbook writes such characters as `_x000D_`, which runs into text like `_x0123` before it and reads as another.
fn printable(cell: &str) -> String {
    let lines = cell.replace("\r\n", "\n").replace('\r', "\n");
    let is_kept = |c: &char| !matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    lines.chars().filter(is_kept).collect()
}

/// How wide the longest line of a cell is, a Japanese character counting twice.
fn half_widths(cell: &str) -> usize {
    let width = |line: &str| {
        line.chars()
            .map(|c| {
                if c.is_ascii() || matches!(c, '｡'..='ﾟ') {
                    1
                } else {
                    2
                }
            })
            .sum()
    };
    cell.lines().map(width).max().unwrap_or(0)
}
