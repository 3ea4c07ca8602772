//! CSV as Excel, older systems and attackers write it.

use kizuna_paper::table::{CsvFault, Encoding, Limits, ReadError, Row, Table, WriteError, read, read_csv, write_csv};

fn parse(text: &str) -> Result<Table, ReadError> {
    read_csv(text.as_bytes(), &Limits::default())
}

fn cells(table: &Table) -> Vec<Vec<&str>> {
    table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(String::as_str).collect())
        .collect()
}

fn table(header: &[&str], rows: &[&[&str]]) -> Table {
    let own = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
    let rows = (2..)
        .zip(rows)
        .map(|(line, cells)| Row {
            line,
            cells: own(cells),
        })
        .collect();
    Table {
        header: own(header),
        rows,
    }
}

#[test]
fn line_ends_of_every_system_are_read_alike() {
    for text in [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4",
        "a,b\r1,2\r3,4\r",
        "\u{feff}a,b\r\n1,2\r\n3,4\r\n\r\n\r\n,\r\n",
    ] {
        let table = parse(text).unwrap();
        assert_eq!(table.header, ["a", "b"], "{text:?}");
        assert_eq!(cells(&table), [["1", "2"], ["3", "4"]], "{text:?}");
        assert_eq!(
            table.rows.iter().map(|row| row.line).collect::<Vec<_>>(),
            [2, 3],
            "{text:?}"
        );
    }
}

#[test]
fn lines_are_numbered_as_an_editor_numbers_them() {
    let table = parse("a,b\r\n\"one\r\ntwo\nthree\",x\r\n\r\nlast,y\r\n").unwrap();
    assert_eq!(cells(&table), [["one\r\ntwo\nthree", "x"], ["last", "y"]]);
    assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6]);
}

#[test]
fn headings_are_trimmed_and_end_where_the_last_has_a_name() {
    let table = parse("\n 氏名 ,　電話　,,\n花子,090,,\n太郎\n").unwrap();
    assert_eq!(table.header, ["氏名", "電話"]);
    assert_eq!(cells(&table), [["花子", "090"], ["太郎", ""]]);
    assert_eq!(table.rows[0].line, 3);
}

#[test]
fn a_value_without_heading_is_refused_rather_than_dropped() {
    let error = parse("住所,区分\n東京都, 千代田区,a\n").unwrap_err();
    assert!(
        matches!(error, ReadError::NoHeading { line: 2, column: 3 }),
        "{error:?}"
    );
    assert!(error.ja().contains("2行目のC列（3列目）"), "{}", error.ja());
}

#[test]
fn a_heading_that_stands_twice_is_refused() {
    let error = parse("メール,氏名,メール\na,b,c\n").unwrap_err();
    assert!(
        matches!(&error, ReadError::SameHeading { line: 1, heading } if heading == "メール"),
        "{error:?}"
    );
}

#[test]
fn quotation_marks_inside_a_bare_cell_are_text_as_in_excel() {
    assert_eq!(cells(&parse("a\n5\"10\n").unwrap()), [["5\"10"]]);
    assert_eq!(cells(&parse("a\n\"say \"\"hi\"\"\"\n").unwrap()), [["say \"hi\""]]);
}

#[test]
fn an_unclosed_quotation_mark_is_found_where_it_opens() {
    let error = parse("a,b\n1,2\n\"3,4\n5,6\n7,8\n").unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Csv {
                line: 3,
                reason: CsvFault::NeverClosed
            }
        ),
        "{error:?}"
    );
    let error = parse("a,b\n\"x\"y,2\n").unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Csv {
                line: 2,
                reason: CsvFault::AfterQuote
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_file_without_any_value_has_no_header() {
    for text in ["", "\u{feff}", "\n\n", " , \n,,,\n"] {
        assert!(matches!(parse(text), Err(ReadError::NoHeader)), "{text:?}");
    }
}

#[test]
fn shift_jis_of_windows_is_recognised() {
    // 氏名,住所 / 髙﨑①,～－ as the encoding of Windows has them.
    let bytes = b"\x8e\x81\x96\xbc,\x8f\x5a\x8f\x8a\r\n\xfb\xfc\xfa\xb1\x87\x40,\x81\x60\x81\x7c\r\n";
    let table = read_csv(bytes, &Limits::default()).unwrap();
    assert_eq!(table.header, ["氏名", "住所"]);
    assert_eq!(cells(&table), [["髙﨑①", "～－"]]);
}

#[test]
fn bytes_of_no_encoding_are_refused_with_their_line() {
    let error = read_csv(b"a,b\n\x8e\x81,\xff\xfe\xff\n", &Limits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Encoding {
                line: 2,
                encoding: Encoding::ShiftJis
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_damaged_utf8_file_is_not_taken_for_shift_jis() {
    let mut bytes = "氏名,住所\n花子,東京都千代田区\n太郎,大阪府大阪市北区\n"
        .as_bytes()
        .to_vec();
    let last = bytes.len() - 2;
    bytes.remove(last);
    let error = read_csv(&bytes, &Limits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Encoding {
                line: 3,
                encoding: Encoding::Utf8
            }
        ),
        "{error:?}"
    );
    let error = read_csv(b"\xef\xbb\xbfa,b\n1,\x8e\x81\n", &Limits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Encoding {
                line: 2,
                encoding: Encoding::Utf8
            }
        ),
        "{error:?}"
    );
}

#[test]
fn utf16_and_jis_are_named() {
    let utf16 = |bom: &[u8], le: bool| {
        let units = "a,b\r\n花子,2\r\n"
            .encode_utf16()
            .flat_map(|u| if le { u.to_le_bytes() } else { u.to_be_bytes() });
        bom.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    for bytes in [
        utf16(b"\xff\xfe", true),
        utf16(b"\xfe\xff", false),
        utf16(b"", true),
        utf16(b"", false),
    ] {
        let error = read_csv(&bytes, &Limits::default()).unwrap_err();
        assert!(
            matches!(error, ReadError::OtherEncoding { name: "UTF-16" }),
            "{error:?}"
        );
        assert!(error.ja().contains("CSV UTF-8"));
    }
    let error = read_csv(b"a\n\x1b$B;aL>\x1b(B\n", &Limits::default()).unwrap_err();
    assert!(
        matches!(error, ReadError::OtherEncoding { name: "ISO-2022-JP" }),
        "{error:?}"
    );
}

#[test]
fn a_nul_is_refused() {
    let error = parse("a,b\n1,2\n3,\0\n").unwrap_err();
    assert!(matches!(error, ReadError::Nul { line: 3 }), "{error:?}");
}

#[test]
fn every_limit_is_enforced() {
    let limits = Limits {
        bytes_max: 4_000_000,
        rows_max: 2,
        columns_max: 3,
        cell_chars_max: 5,
    };
    let read = |text: &str| read_csv(text.as_bytes(), &limits);
    assert!(matches!(read("a\n1\n2\n3\n"), Err(ReadError::TooManyRows { max: 2 })));
    assert!(matches!(
        read("a\nあいうえおか\n"),
        Err(ReadError::CellTooLong {
            line: 2,
            column: 1,
            max: 5
        })
    ));
    assert!(read("a\nあいうえお\n").is_ok());
    assert!(matches!(
        read(&",".repeat(1_000_000)),
        Err(ReadError::TooManyColumns { line: 1, max: 3 })
    ));
    assert!(matches!(
        read(&"x".repeat(3_000_000)),
        Err(ReadError::CellTooLong { .. })
    ));
    assert!(matches!(
        read(&"x".repeat(5_000_000)),
        Err(ReadError::TooLarge { max: 4_000_000 })
    ));
}

#[test]
fn short_rows_below_a_wide_header_do_not_fill_the_memory() {
    let header: Vec<String> = (0..250).map(|n| format!("c{n}")).collect();
    let text = format!("{}\n{}", header.join(","), "x\n".repeat(32_001));
    assert!(matches!(parse(&text), Err(ReadError::TooManyRows { max: 32_000 })));
}

#[test]
fn nothing_that_is_written_is_calculated_by_a_spreadsheet() {
    let written = table(
        &["a"],
        &[
            &["=1+1"],
            &["+81"],
            &["-5"],
            &["@x"],
            &["\t=1"],
            &["＝1"],
            &["'=1"],
            &["'tis"],
        ],
    );
    let bytes = write_csv(&written, Encoding::Utf8).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(
        text,
        "\u{feff}a\r\n'=1+1\r\n'+81\r\n'-5\r\n'@x\r\n'\t=1\r\n'＝1\r\n''=1\r\n'tis\r\n"
    );
    assert_eq!(read_csv(&bytes, &Limits::default()).unwrap(), written);
}

#[test]
fn a_file_never_begins_like_the_format_that_alarms_excel() {
    let bytes = write_csv(&table(&["ID", "氏名"], &[&["1", "花子"]]), Encoding::ShiftJis).unwrap();
    assert!(bytes.starts_with(b"\"ID\","));
}

#[test]
fn characters_without_a_code_are_listed_with_their_places() {
    let written = table(&["氏名", "メモ"], &[&["花子", "ok"], &["𠮷田", "🎂と한"]]);
    let Err(error @ WriteError::Unmappable { .. }) = write_csv(&written, Encoding::ShiftJis) else {
        panic!()
    };
    assert!(
        error
            .ja()
            .contains("3行目「氏名」の「𠮷」、3行目「メモ」の「🎂」、3行目「メモ」の「한」"),
        "{}",
        error.ja()
    );
    assert_eq!(
        error.to_string(),
        "3 characters do not exist in shift_jis, the first in line 3, column 氏名: 𠮷"
    );
}

#[test]
fn characters_that_windows_maps_elsewhere_are_written_as_windows_has_them() {
    let bytes = write_csv(&table(&["a"], &[&["10時〜17時 − — ‖ ¢£¬¦ ¥ ‾"]]), Encoding::ShiftJis).unwrap();
    assert_eq!(
        cells(&read_csv(&bytes, &Limits::default()).unwrap()),
        [["10時～17時 － ― ∥ ￠￡￢￤ ￥ ￣"]]
    );
}

#[test]
fn a_table_that_could_not_be_read_back_is_not_written() {
    for header in [&["a", ""][..], &["a", "a"], &[" a", "b"]] {
        assert!(
            matches!(
                write_csv(&table(header, &[]), Encoding::Utf8),
                Err(WriteError::Heading { .. })
            ),
            "{header:?}"
        );
    }
    let error = write_csv(&table(&["a", "b"], &[&["1"]]), Encoding::Utf8).unwrap_err();
    assert!(matches!(error, WriteError::Width { row: 1, columns: 2 }), "{error:?}");
}

#[test]
fn names_of_encodings_are_parsed_and_shown() {
    assert_eq!("Shift_JIS".parse(), Ok(Encoding::ShiftJis));
    assert_eq!("utf-8".parse(), Ok(Encoding::Utf8));
    assert_eq!(Encoding::ShiftJis.to_string(), "shift_jis");
    assert!("euc-jp".parse::<Encoding>().is_err());
}

#[test]
fn a_file_is_told_by_its_content_and_not_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let written = table(&["a"], &[&["1"]]);
    let (csv, xlsx) = (dir.path().join("list.xlsx"), dir.path().join("list.csv"));
    std::fs::write(&csv, write_csv(&written, Encoding::Utf8).unwrap()).unwrap();
    std::fs::write(&xlsx, kizuna_paper::table::write_xlsx(&written, "一覧").unwrap()).unwrap();
    assert_eq!(read(&csv, &Limits::default()).unwrap(), written);
    assert_eq!(read(&xlsx, &Limits::default()).unwrap(), written);
    let limits = Limits {
        bytes_max: 4,
        ..Limits::default()
    };
    assert!(matches!(read(&csv, &limits), Err(ReadError::TooLarge { max: 4 })));
    assert!(matches!(
        read(&dir.path().join("none.csv"), &limits),
        Err(ReadError::Unreadable { .. })
    ));
}
