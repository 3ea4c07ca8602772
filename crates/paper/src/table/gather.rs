//! Builds a table from the lines of a file, whatever its kind: finds the header, aligns the rows, enforces the limits.

use super::escape::unescape;
use super::{Limits, ReadError, Row, Table};

/// Short rows are filled up to the width of the header, so a small file could ask for gigabytes of empty cells.
/// Enough for [`super::ROWS_MAX`] rows of 26 columns; about 200 MB when empty.
const CELLS_MAX: usize = 8_000_000;

/// A table under construction.
pub(super) struct Gather<'l> {
    limits: &'l Limits,
    table: Option<Table>,
}

impl<'l> Gather<'l> {
    pub(super) fn new(limits: &'l Limits) -> Self {
        Self { limits, table: None }
    }

    /// Takes the cells of one line as they stand in the file.
    pub(super) fn push(&mut self, line: usize, mut cells: Vec<String>) -> Result<(), ReadError> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        for cell in &mut cells {
            if let plain @ 1.. = cell.len() - unescape(cell).len() {
                cell.drain(..plain);
            }
        }
        match &mut self.table {
            None => {
                let header = header(line, &cells)?;
                self.table = Some(Table {
                    header,
                    rows: Vec::new(),
                });
            }
            Some(table) => {
                let columns = table.header.len();
                if let Some(extra) = cells.iter().skip(columns).position(|cell| !cell.trim().is_empty()) {
                    return Err(ReadError::NoHeading {
                        line,
                        column: columns + extra + 1,
                    });
                }
                let max = self.limits.rows_max.min(CELLS_MAX / columns);
                if table.rows.len() >= max {
                    return Err(ReadError::TooManyRows { max });
                }
                cells.resize(columns, String::new());
                table.rows.push(Row { line, cells });
            }
        }
        Ok(())
    }

    /// Refuses a cell that lies outside the limits; columns count from 1.
    pub(super) fn check_cell(&self, line: usize, column: usize, text: &str) -> Result<(), ReadError> {
        let Limits {
            columns_max,
            cell_chars_max,
            ..
        } = *self.limits;
        if column > columns_max {
            return Err(ReadError::TooManyColumns { line, max: columns_max });
        }
        if text.len() > cell_chars_max && text.chars().count() > cell_chars_max {
            return Err(ReadError::CellTooLong {
                line,
                column,
                max: cell_chars_max,
            });
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Table, ReadError> {
        self.table.ok_or(ReadError::NoHeader)
    }
}

/// Excel writes commas for columns that were once used: headings end where the last one has a name.
fn header(line: usize, cells: &[String]) -> Result<Vec<String>, ReadError> {
    let mut header: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
    let named = header.iter().rposition(|h| !h.is_empty()).map_or(0, |last| last + 1);
    header.truncate(named);
    for (at, heading) in header.iter().enumerate() {
        if !heading.is_empty() && header.iter().take(at).any(|earlier| earlier == heading) {
            return Err(ReadError::SameHeading {
                line,
                heading: heading.clone(),
            });
        }
    }
    Ok(header)
}
