//! Workbooks as staff make them, and workbooks made to hurt.

use std::io::{Cursor, Write as _};

use kizuna_paper::table::{Limits, ReadError, Table, XlsxFault, read_xlsx, write_xlsx};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn read(bytes: &[u8]) -> Result<Table, ReadError> {
    read_xlsx(bytes, &Limits::default())
}

/// A workbook from the XML of its sheet, as no program would write it.
fn raw(sheet: &str) -> Vec<u8> {
    let parts = [
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "_rels/.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn sheet(rows: &str) -> String {
    format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    )
}

#[test]
fn dates_and_numbers_become_the_text_a_person_sees() {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    let day = Format::new().set_num_format("yyyy/mm/dd");
    let era = Format::new().set_num_format("[$-411]ggge\"年\"m\"月\"d\"日\"");
    let minute = Format::new().set_num_format("yyyy/m/d h:mm");
    let time = Format::new().set_num_format("h:mm");
    let spent = Format::new().set_num_format("[h]:mm");
    for (column, name) in (0..).zip([
        "day", "era", "at", "time", "spent", "n", "x", "big", "yes", "blank", "sum",
    ]) {
        page.write_string(0, column, name).unwrap();
    }
    page.write_datetime_with_format(1, 0, ExcelDateTime::from_ymd(2026, 12, 24).unwrap(), &day)
        .unwrap();
    page.write_datetime_with_format(1, 1, ExcelDateTime::from_ymd(2024, 2, 29).unwrap(), &era)
        .unwrap();
    let at = ExcelDateTime::from_ymd(2026, 12, 24)
        .unwrap()
        .and_hms(9, 30, 0)
        .unwrap();
    page.write_datetime_with_format(1, 2, at, &minute).unwrap();
    page.write_datetime_with_format(1, 3, ExcelDateTime::from_hms(9, 5, 0).unwrap(), &time)
        .unwrap();
    page.write_number_with_format(1, 4, 1.25, &spent).unwrap();
    page.write_number(1, 5, 42.0).unwrap();
    page.write_number(1, 6, 0.1 + 0.2).unwrap();
    page.write_number(1, 7, 9_012_345_678.0).unwrap();
    page.write_boolean(1, 8, true).unwrap();
    page.write_blank(1, 9, &day).unwrap();
    page.write_formula(1, 10, rust_xlsxwriter::Formula::new("=1+1").set_result("2"))
        .unwrap();

    let table = read(&book.save_to_buffer().unwrap()).unwrap();

    let expected = [
        "2026-12-24",
        "2024-02-29",
        "2026-12-24 09:30",
        "09:05",
        "30:00:00",
        "42",
        "0.3",
        "9012345678",
        "TRUE",
        "",
        "2",
    ];
    assert_eq!(table.rows[0].cells, expected);
}

#[test]
fn dates_kept_as_text_are_read() {
    let bytes = raw(&sheet(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>d</t></is></c></row><row r="2"><c r="A2" t="d"><v>2026-12-24T00:00:00</v></c></row>"#,
    ));
    assert_eq!(read(&bytes).unwrap().rows[0].cells, ["2026-12-24"]);
}

#[test]
fn dates_of_an_old_mac_workbook_are_counted_from_1904() {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.write_string(0, 0, "d").unwrap();
    // 44,919 days after 1 January 1904.
    page.write_number_with_format(1, 0, 44_919.0, &Format::new().set_num_format("yyyy/mm/dd"))
        .unwrap();
    let bytes = book.save_to_buffer().unwrap();

    let mut old = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut new = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..old.len() {
        let part = old.by_index(at).unwrap();
        new.start_file(part.name().unwrap().into_owned(), SimpleFileOptions::default())
            .unwrap();
        let text = std::io::read_to_string(part).unwrap();
        new.write_all(text.replace("<workbookPr ", "<workbookPr date1904=\"1\" ").as_bytes())
            .unwrap();
    }

    let table = read(&new.finish().unwrap().into_inner()).unwrap();
    assert_eq!(table.rows[0].cells, ["2026-12-25"]);
}

#[test]
fn the_first_visible_sheet_is_read_and_lines_are_those_of_excel() {
    let mut book = Workbook::new();
    book.add_worksheet()
        .set_hidden(true)
        .write_string(0, 0, "hidden")
        .unwrap();
    let page = book.add_worksheet();
    page.set_active(true);
    page.write_string(2, 1, "　氏名 ").unwrap();
    page.write_string(5, 1, "花子").unwrap();
    book.add_worksheet().write_string(0, 0, "third").unwrap();

    let table = read(&book.save_to_buffer().unwrap()).unwrap();

    assert_eq!(table.header, ["", "氏名"]);
    assert_eq!(
        (table.rows[0].line, table.rows[0].cells.as_slice()),
        (6, &[String::new(), "花子".to_owned()][..])
    );
}

#[test]
fn readings_above_the_characters_are_left_out() {
    let bytes = raw(&sheet(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>氏名</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><r><t>佐藤</t></r><rPh sb="0" eb="2"><t>サトウ</t></rPh></is></c></row>"#,
    ));
    assert_eq!(read(&bytes).unwrap().rows[0].cells, ["佐藤"]);
}

#[test]
fn cells_in_far_corners_do_not_claim_the_memory_between_them() {
    let bytes = raw(&sheet(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#,
    ));
    assert!(matches!(
        read(&bytes),
        Err(ReadError::TooManyColumns { line: 1_048_576, .. })
    ));
    let bytes = raw(&sheet(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>"#,
    ));
    assert_eq!(read(&bytes).unwrap().rows[0].line, 1_048_576);
}

#[test]
fn a_bomb_is_counted_out_before_it_is_read() {
    let limits = Limits {
        bytes_max: 4 << 20,
        ..Limits::default()
    };
    let bomb = raw(&sheet(&" ".repeat(64 << 20)));
    assert!(bomb.len() < 1 << 20);
    let expands = |bytes: &[u8]| matches!(read_xlsx(bytes, &limits), Err(ReadError::Xlsx { reason: XlsxFault::Expands { max } }) if max == 32 << 20);
    assert!(expands(&bomb));

    // The same archive claiming to unpack to next to nothing: sizes are in the central directory at the end.
    let mut liar = bomb;
    let size = u32::try_from(sheet(&" ".repeat(64 << 20)).len()).unwrap().to_le_bytes();
    let places: Vec<usize> = liar
        .windows(4)
        .enumerate()
        .filter(|(_, w)| *w == size)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        liar[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
    }
    let Err(ReadError::Xlsx {
        reason: XlsxFault::Damaged(reason),
    }) = read_xlsx(&liar, &limits)
    else {
        panic!()
    };
    assert!(
        reason.contains("larger than its declared uncompressed size"),
        "{reason}"
    );
}

#[test]
fn old_protected_and_damaged_files_are_told_apart() {
    let old = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 600]].concat();
    assert!(matches!(
        read(&old),
        Err(ReadError::Xlsx {
            reason: XlsxFault::OldOrProtected
        })
    ));
    let good = write_xlsx(
        &Table {
            header: vec!["a".into()],
            rows: Vec::new(),
        },
        "一覧",
    )
    .unwrap();
    assert!(matches!(
        read(&good[..good.len() / 2]),
        Err(ReadError::Xlsx {
            reason: XlsxFault::Damaged(_)
        })
    ));
    assert!(matches!(
        read(b"PK\x03\x04"),
        Err(ReadError::Xlsx {
            reason: XlsxFault::Damaged(_)
        })
    ));
    assert!(matches!(
        read(&raw("<worksheet><sheetData><row>")),
        Err(ReadError::Xlsx { .. })
    ));
    assert!(matches!(read(&raw(&sheet(""))), Err(ReadError::NoHeader)));
}

#[test]
fn entities_of_the_document_are_not_expanded() {
    let bytes = raw(&format!(
        "<!DOCTYPE x [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>{}",
        "x".repeat(1000),
        sheet(r#"<row r="1"><c r="A1" t="inlineStr"><is><t>&b;</t></is></c></row>"#)
    ));
    assert!(matches!(
        read(&bytes),
        Err(ReadError::Xlsx {
            reason: XlsxFault::Damaged(_)
        })
    ));
}

#[test]
fn flipped_bytes_are_refused_or_read_and_never_panic() {
    let rows = (2..12)
        .map(|line| kizuna_paper::table::Row {
            line,
            cells: vec!["花子".into(), line.to_string()],
        })
        .collect();
    let good = write_xlsx(
        &Table {
            header: vec!["氏名".into(), "番号".into()],
            rows,
        },
        "一覧",
    )
    .unwrap();
    let mut state = 7_u32;
    for _ in 0..300 {
        let mut bad = good.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % bad.len();
            bad[at] ^= (state >> 24) as u8 | 1;
        }
        let _ = read(&bad);
    }
}

#[test]
fn broken_sheets_are_refused_or_read_and_never_panic() {
    let good = sheet(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="s"><v>0</v></c></row><row r="2" spans="1:2"><c r="A2" s="1"><v>46015.5</v></c><c r="B2" t="b"><v>1</v></c><c r="C2" t="e"><v>#N/A</v></c><c r="D2" t="str"><f>A1</f><v>x</v></c></row>"#,
    );
    let mut state = 11_u32;
    for _ in 0..400 {
        let mut bad: Vec<char> = good.chars().collect();
        for _ in 0..2 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 8) as usize % bad.len();
            match state >> 30 {
                0 => drop(bad.remove(at)),
                1 => bad[at] = '9',
                2 => bad[at] = '<',
                _ => bad.insert(at, 'Z'),
            }
        }
        let _ = read(&raw(&bad.into_iter().collect::<String>()));
    }
}

#[test]
fn our_workbook_has_a_frozen_header_a_face_for_all_and_text_cells() {
    let table = Table {
        header: vec!["郵便番号".into(), "氏名".into()],
        rows: vec![kizuna_paper::table::Row {
            line: 2,
            cells: vec!["0600001".into(), "=花子".into()],
        }],
    };
    let bytes = write_xlsx(&table, "登録者").unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut part = |name: &str| std::io::read_to_string(zip.by_name(name).unwrap()).unwrap();
    let page = part("xl/worksheets/sheet1.xml");
    assert!(
        page.contains(r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#),
        "{page}"
    );
    assert!(!page.contains("<f>") && !page.contains("<v>0600001</v>"), "{page}");
    assert!(part("xl/styles.xml").contains(r#"<name val="BIZ UDPゴシック"/>"#));
    assert_eq!(read(&bytes).unwrap(), table);
}

#[test]
fn what_does_not_fit_a_workbook_is_refused() {
    let long = Table {
        header: vec!["a".into()],
        rows: vec![kizuna_paper::table::Row {
            line: 2,
            cells: vec!["x".repeat(32_768)],
        }],
    };
    assert!(write_xlsx(&long, "一覧").is_err());
    assert!(
        write_xlsx(
            &Table {
                header: vec!["a".into()],
                rows: Vec::new()
            },
            "a/b"
        )
        .is_err()
    );
}
