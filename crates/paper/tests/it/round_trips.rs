//! What is written reads back the same.

use kizuna_paper::front_matter;
use kizuna_paper::table::{Encoding, Limits, Row, Table, read_csv, read_xlsx, write_csv, write_xlsx};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// Text that is likely to hurt: triggers, quotation marks, line ends, markup, escapes of Excel, and anything else.
fn cell() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "'", "''", "=", "+", "-", "@", "\t", "\r", "\n", "\r\n", "\"", "\"\"", ",", " ", "　", "＝", "ID", "+++", "<r>", "</r>",
            "&", "<", "]]>", "_x000D_", "_x005F_", "_x", "0123", "花子", "髙﨑①", "がぎ", "ｶﾞ", "〜", "—",
        ])
        .prop_map(str::to_owned),
        1 => any::<char>().prop_filter("no NUL in text", |c| *c != '\0').prop_map(String::from),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// Text of CP932, without the characters that come back as their Windows twin.
fn shift_jis_cell() -> impl Strategy<Value = String> {
    let comes_back = |c: &char| {
        let text = c.to_string();
        let (bytes, _, unmappable) = encoding_rs::SHIFT_JIS.encode(&text);
        !unmappable && encoding_rs::SHIFT_JIS.decode_without_bom_handling(&bytes).0 == text
    };
    cell().prop_map(move |text| text.chars().filter(comes_back).collect())
}

fn table(cell: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Table> {
    btree_set(
        cell.clone()
            .prop_map(|h| h.trim().to_owned())
            .prop_filter("a name", |h| !h.is_empty()),
        1..5,
    )
    .prop_flat_map(move |header| {
        let has_value = |cells: &Vec<String>| cells.iter().any(|c| !c.trim().is_empty());
        let rows = vec(vec(cell.clone(), header.len()).prop_filter("a value", has_value), 0..6);
        (Just(header.into_iter().collect::<Vec<_>>()).prop_shuffle(), rows)
    })
    .prop_map(|(header, rows)| {
        let rows = rows.into_iter().map(|cells| Row { line: 0, cells }).collect();
        Table { header, rows }
    })
}

/// Text that a workbook holds as it is; the other line ends and what nobody can print are tried below.
fn workbook_cell() -> impl Strategy<Value = String> {
    let is_kept = |c: &char| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
    cell().prop_map(move |text| text.chars().filter(is_kept).collect())
}

#[test]
fn lines_of_a_workbook_end_as_spreadsheets_end_them_and_what_nobody_can_print_is_left_out() {
    let table = |cell: &str| Table {
        header: vec!["ことば".to_owned()],
        rows: vec![Row {
            line: 0,
            cells: vec![cell.to_owned()],
        }],
    };
    for (written, read) in [("一\r\n二\r三", "一\n二\n三"), ("_x0123\u{b}四", "_x0123四")] {
        let bytes = write_xlsx(&table(written), "一覧").unwrap();
        assert_eq!(bare(read_xlsx(&bytes, &Limits::default()).unwrap()), table(read));
    }
}

/// The same table without line numbers, which depend on how many lines a cell has.
fn bare(mut table: Table) -> Table {
    table.rows.iter_mut().for_each(|row| row.line = 0);
    table
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn csv_in_utf8(table in table(cell().boxed())) {
        let bytes = write_csv(&table, Encoding::Utf8).unwrap();
        prop_assert_eq!(bare(read_csv(&bytes, &Limits::default()).unwrap()), table);
    }

    #[test]
    fn csv_in_shift_jis(table in table(shift_jis_cell().boxed())) {
        let bytes = write_csv(&table, Encoding::ShiftJis).unwrap();
        prop_assert_eq!(bare(read_csv(&bytes, &Limits::default()).unwrap()), table);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read_csv(&bytes, &Limits::default());
    }

    #[test]
    fn any_text_is_read_or_refused(text in cell()) {
        let _ = read_csv(text.as_bytes(), &Limits::default());
        let _ = front_matter::parse(&format!("+++\n{text}"));
    }

    #[test]
    fn front_matter_and_body(
        front in prop::collection::btree_map(cell(), value(), 0..5),
        body in cell(),
    ) {
        let front: toml::Table = front.into_iter().collect();
        let text = front_matter::write(&front, &body);
        let document = front_matter::parse(&text).unwrap();
        prop_assert_eq!(&document.front, &front);
        prop_assert_eq!(&document.body, &body);
        let before: String = text.split_inclusive('\n').take(document.body_line - 1).collect();
        prop_assert!(before.ends_with("+++\n") && text.starts_with(&before));
    }
}

proptest! {
    // A workbook takes a hundred times as long to write as a CSV file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn xlsx(table in table(workbook_cell().boxed())) {
        let bytes = write_xlsx(&table, "一覧").unwrap();
        prop_assert_eq!(bare(read_xlsx(&bytes, &Limits::default()).unwrap()), table);
    }
}

fn value() -> impl Strategy<Value = toml::Value> {
    let leaf = prop_oneof![
        cell().prop_map(toml::Value::String),
        any::<i64>().prop_map(toml::Value::Integer),
        any::<bool>().prop_map(toml::Value::Boolean),
        (-1e9..1e9).prop_map(toml::Value::Float),
        (2000..2100_i32, 1..13, 1..29)
            .prop_map(|(y, m, d)| toml::Value::Datetime(format!("{y}-{m:02}-{d:02}").parse().unwrap())),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(toml::Value::Array),
            prop::collection::btree_map(cell(), inner, 0..3)
                .prop_map(|table| toml::Value::Table(table.into_iter().collect())),
        ]
    })
}
