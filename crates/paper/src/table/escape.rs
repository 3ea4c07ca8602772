//! The leading `'` that keeps a spreadsheet program from running a cell.
//!
//! Lossless: a text of apostrophes followed by a trigger gains one apostrophe when written and loses one when read,
//! so `=1` travels as `'=1`, a genuine `'=1` as `''=1`, and `'tis` as itself.

use std::borrow::Cow;

/// What makes Excel, LibreOffice or Google Sheets calculate; full-width forms count where the program runs in Japanese.
const TRIGGERS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

fn is_triggered(text: &str) -> bool {
    let bare = text.trim_start_matches('\'');
    bare.starts_with(TRIGGERS) || is_markup(bare)
}

/// What our writer of workbooks would take for markup of its own and copy into the file unescaped.
fn is_markup(text: &str) -> bool {
    text.starts_with("<r>") && text.ends_with("</r>")
}

/// The text as it may stand in a CSV file that a person opens with Excel.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if is_triggered(text) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// The text as it may stand in a text cell of a workbook, where nothing is calculated, so that [`unescape`] gives it back.
pub(super) fn escape_quoted(text: &str) -> Cow<'_, str> {
    if text.starts_with('\'') || is_markup(text) {
        escape(text)
    } else {
        text.into()
    }
}

/// Takes back what either function did. Workbooks need it too: staff open our CSV and save it as a workbook.
pub(super) fn unescape(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if is_triggered(rest) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{escape_quoted, unescape};

    #[test]
    fn what_a_writer_takes_for_markup_travels_as_text() {
        for text in ["<r>\r</r>", "'<r></r>", "<r>", "''<r>a</r>"] {
            assert_eq!(unescape(&escape_quoted(text)), text);
        }
        assert!(!escape_quoted("<r>a</r>").starts_with("<r>"));
    }
}
