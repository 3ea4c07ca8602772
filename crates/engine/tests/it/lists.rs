//! Lists of readers from other systems: every row becomes a registration or a reason.

use std::collections::BTreeMap;

use kizuna_domain::people::PointState;
use kizuna_engine::actions::people::{self as readers, Checked, ListRow};
use kizuna_store::people;

use crate::app::{TODAY, TestApp, Town, day, on_both, only};

/// Rows from lines of `column=value` pairs.
fn rows(lines: &[&str]) -> Vec<ListRow> {
    let cells = |line: &str| -> BTreeMap<&'static str, String> {
        line.split_whitespace()
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                (kizuna_domain::roster::column(name).unwrap(), value.to_owned())
            })
            .chain([("channel", "outbox".to_owned())])
            .collect()
    };
    lines
        .iter()
        .enumerate()
        .map(|(place, line)| ListRow {
            line: place + 2,
            cells: cells(line),
        })
        .collect()
}

fn check(town: &Town<'_>, lines: &[&str]) -> Checked {
    readers::check_list(&town.app.env, &town.tenant(), &rows(lines), day(TODAY)).unwrap()
}

fn reasons(checked: &Checked) -> Vec<(usize, &'static str)> {
    checked
        .rejected
        .iter()
        .map(|row| (row.line, row.problem.column))
        .collect()
}

fn import(town: &Town<'_>, lines: &[&str]) -> usize {
    let checked = check(town, lines);
    assert_eq!(reasons(&checked), [], "{:?}", checked.rejected);
    readers::import_list(&town.app.env, &town.tenant(), &checked).unwrap()
}

on_both! {
    fn every_row_that_is_not_taken_has_its_reason(app) {
        let town = app.town();
        let lines = [
            "address=a@x.example due_on=2027-07-05",
            "address=b@x.example",
            "address=c due_on=2027-07-05",
            "address=d@x.example due_on=2027-13-05",
            "address=e@x.example birth_on=2027-01-01",
            "address=a@x.example due_on=2027-07-05",
            "address=f@x.example due_on=2027-07-05 state=asleep",
            "address=g@x.example birth_on=2026-12-20 relation=母",
            "address=ｈ@x.example due_on=2027-07-05",
            "address=A@X.example birth_on=2024-02-29",
            "address=i@x.example due_on=2026-01-01",
            "address=j@x.example due_on=2027-07-05 registered_on=2026-12-25",
        ];
        let checked = check(&town, &lines);
        let expected = [
            (3, "due_on"), (4, "address"), (5, "due_on"), (6, "birth_on"), (7, "address"), (8, "state"), (10, "address"),
            (12, "due_on"), (13, "registered_on"),
        ];
        assert_eq!(reasons(&checked), expected);
        assert!(checked.rejected.iter().all(|row| !row.problem.reason.is_empty() && !row.problem.fix.is_empty()));
        assert_eq!((checked.new, checked.known), (3, 0));
        let added = readers::import_list(&app.env, &town.tenant(), &checked).unwrap();
        assert_eq!(added, 3);
        // The same address in other letters is the same reader with two children: one letter.
        let report = only(app.run());
        assert_eq!((report.sent, town.letters().len()), (2, 2));
        let again = check(&town, &[lines[0], lines[7], lines[9]]);
        assert_eq!((again.new, again.known, again.rejected.len()), (0, 3, 0));
    }
}

on_both! {
    fn a_list_never_brings_back_a_reader_who_stopped(app) {
        let town = app.town();
        let line = "address=hanako@x.example due_on=2027-07-05 reference=7";
        assert_eq!(import(&town, &[line]), 1);
        let scope = town.tenant().scope();
        let reader = app.env.db.read(|tx| people::by_reference(tx, scope, "7")).unwrap().unwrap();
        readers::stop(&app.env, scope, reader, kizuna_engine::actions::Actor::Reader).unwrap();

        let again = check(&town, &[line]);

        assert_eq!((again.new, again.known), (0, 1));
        assert_eq!(readers::import_list(&app.env, &town.tenant(), &again).unwrap(), 0);
        only(app.run());
        assert!(town.letters().is_empty());
    }
}

on_both! {
    fn one_number_for_two_readers_is_a_reason_and_not_a_failure(app) {
        let town = app.town();
        let lines = [
            "address=mother@x.example due_on=2027-07-05 reference=7",
            "address=father@x.example due_on=2027-07-05 reference=7",
            "address=mother@x.example birth_on=2024-02-29 reference=7",
        ];
        let checked = check(&town, &lines);
        assert_eq!(reasons(&checked), [(3, "reference")]);
        assert_eq!(readers::import_list(&app.env, &town.tenant(), &checked).unwrap(), 2);
        let later = check(&town, &["address=new@x.example due_on=2027-07-05 reference=7"]);
        assert_eq!(reasons(&later), [(2, "reference")]);
    }
}

on_both! {
    fn identifiers_that_are_in_use_are_a_reason_and_not_a_failure(app) {
        let town = app.town();
        let subscription = format!("sub_{:032x}", 77);
        let reader = format!("rdr_{:032x}", 78);
        let line = |address: &str, due: &str| {
            format!("address={address}@x.example due_on={due} subscription={subscription} subscriber={reader}")
        };
        assert_eq!(import(&town, &[&line("a", "2027-07-05")]), 1);
        // The dates were corrected by hand in an exported list; another reader took the number; another town's list.
        assert_eq!(reasons(&check(&town, &[&line("a", "2027-07-09")])).len(), 1);
        assert_eq!(reasons(&check(&town, &[&line("b", "2027-07-05")])), [(2, "subscription")]);
        let other = app.town_with("aoba", &TestApp::settings(), &[app.outbox("aoba")]);
        assert_eq!(reasons(&check(&other, &[&line("a", "2027-07-05")])), [(2, "subscription")]);
        let twice = [line("c", "2027-07-05").replace("77", "79"), line("d", "2027-07-05")];
        let twice = check(&other, &[&twice[0], &twice[1]]);
        assert!(!twice.rejected.is_empty());
    }
}

on_both! {
    fn an_address_that_refused_once_is_not_taken_again(app) {
        let town = app.town();
        let hanako = town.family("hanako").add();
        let scope = town.tenant().scope();
        let now = kizuna_engine::Clock::now(&app.clock);
        app.env.db.write(|tx| people::suppress(tx, scope, hanako.point, "address-gone", now)).unwrap();
        let checked = check(&town, &["address=HANAKO@hidamari.example due_on=2027-01-05"]);
        assert_eq!(reasons(&checked), [(2, "address")]);
    }
}

on_both! {
    fn twins_are_one_registration_and_siblings_are_two(app) {
        let town = app.town();
        let lines = [
            "address=hanako@x.example birth_on=2026-12-20 nickname=ひな",
            "address=hanako@x.example birth_on=2026-12-20 nickname=もも",
            "address=hanako@x.example birth_on=2024-12-20",
        ];
        let checked = check(&town, &lines);
        assert_eq!(reasons(&checked), [(3, "address")]);
        assert_eq!(checked.new, 2);
    }
}

#[test]
fn whatever_came_out_of_an_export_says_whether_an_address_may_be_used() {
    let app = TestApp::sqlite();
    let town = app.town();
    let line = "address=a@x.example due_on=2027-07-05 address_state=suppressed";
    assert_eq!(import(&town, &[line]), 1);
    let report = only(app.run());
    assert_eq!((report.sent, report.skipped["suppressed"]), (0, 1));
    assert_eq!(PointState::from_code("suppressed"), Some(PointState::Suppressed));
}
