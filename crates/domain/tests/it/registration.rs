//! The one date of a registration: every day that exists is read, every other is told apart, the edges are exact.

use kizuna_domain::day::Day;
use kizuna_domain::position::{Anchor, Customs, EndRule};
use kizuna_domain::registration::{DateProblem, Situation, anchor, born, read_day};

use crate::town::day;

#[test]
fn a_day_is_read_if_and_only_if_the_calendar_has_it() {
    for year in [2023, 2024, 2027, 2028, 2100] {
        for month in 1..=12 {
            for of_month in 0..=32 {
                let read = read_day(&year.to_string(), &format!(" {month}"), &of_month.to_string());
                let expected = Day::new(year, month, of_month).ok_or_else(|| {
                    let mut days = (28..=31).rev();
                    let last = days.find(|last| Day::new(year, month, *last).is_some()).unwrap();
                    DateProblem::NoSuchDay { month, last }
                });
                assert_eq!(read, expected, "{year}-{month}-{of_month}");
            }
        }
    }
    for (year, month, day) in [
        ("", "1", "1"),
        ("2027", "", "1"),
        ("2027", "1", ""),
        ("2027", "13", "1"),
        ("2027", "0", "1"),
        ("99999", "1", "1"),
        ("2027", "1", "x"),
    ] {
        assert_eq!(
            read_day(year, month, day),
            Err(DateProblem::Missing),
            "{year}-{month}-{day}"
        );
    }
}

#[test]
fn a_day_is_read_however_people_write_it() {
    for (year, month, of_month) in [
        ("2027", "3", "15"),
        ("２０２７年", "３月", "１５日"),
        ("令和9", "3", "15"),
        ("令和９年", "3", "15"),
        ("R9", "03", "15"),
        ("r9", "3/15", ""),
        ("2027", "3/15", ""),
        ("2027", "", "３／１５"),
        ("2027", "3月15日", ""),
        ("2027/3/15", "", ""),
        ("令和9年3月15日", "", ""),
        ("2026", "", "2027/3/15"),
        ("2026", "R9.3.15", ""),
    ] {
        assert_eq!(
            read_day(year, month, of_month),
            Ok(day("2027-03-15")),
            "{year}-{month}-{of_month}"
        );
    }
    assert_eq!(
        read_day("令和9", "2/30", ""),
        Err(DateProblem::NoSuchDay { month: 2, last: 28 })
    );
    for (year, month, of_month) in [
        ("9", "3", "15"),
        ("", "3/15", ""),
        ("平成39", "3", "15"),
        ("2027", "3/15", "15"),
    ] {
        assert_eq!(
            read_day(year, month, of_month),
            Err(DateProblem::Missing),
            "{year}-{month}-{of_month}"
        );
    }
}

#[test]
fn a_due_date_is_taken_from_thirteen_days_back_to_ten_months_ahead() {
    let today = day("2026-11-22");
    let taken = |date: Day| anchor(Situation::Pregnant, date, today, [], &Customs::default());
    for (ahead, expected) in [
        (-14, Err(DateProblem::DuePassed)),
        (-13, Ok(Anchor::Due(today - 13))),
        (0, Ok(Anchor::Due(today))),
        (280, Ok(Anchor::Due(today + 280))),
        (281, Err(DateProblem::DueTooFar)),
    ] {
        assert_eq!(taken(today + ahead), expected, "{ahead}");
    }
}

#[test]
fn a_birth_is_taken_up_to_today_while_some_series_runs() {
    let today = day("2026-11-22");
    let ends = [EndRule::OnBirthday(1), EndRule::OnBirthday(3)];
    let taken = |date: &str| anchor(Situation::Raising, day(date), today, ends, &Customs::default()).map(|_| ());
    assert_eq!(taken("2026-11-22"), Ok(()));
    assert_eq!(taken("2026-11-23"), Err(DateProblem::BirthAhead));
    assert_eq!(taken("2023-11-22"), Ok(()), "the last day of the longer series");
    assert_eq!(taken("2023-11-21"), Err(DateProblem::Ended));
    assert_eq!(
        anchor(Situation::Raising, today, today, [], &Customs::default()),
        Err(DateProblem::Ended),
        "nothing is sent to children"
    );
}

#[test]
fn a_birth_keeps_the_due_date_and_stays_near_it() {
    let (due, today) = (day("2026-12-01"), day("2027-03-01"));
    let told = |on: Day| born(&Anchor::Due(due), on, today);
    // 22 weeks of pregnancy lie 126 days before the due date.
    assert_eq!(
        told(due - 126),
        Ok(Anchor::Birth {
            on: due - 126,
            due: Some(due)
        })
    );
    assert_eq!(told(due - 127), Err(DateProblem::FarFromDue));
    assert_eq!(
        told(due + 42),
        Ok(Anchor::Birth {
            on: due + 42,
            due: Some(due)
        })
    );
    assert_eq!(told(due + 43), Err(DateProblem::FarFromDue));
    assert_eq!(born(&Anchor::Due(due), today + 1, today), Err(DateProblem::BirthAhead));
    let without = Anchor::Birth { on: due, due: None };
    assert_eq!(
        born(&without, due - 300, today),
        Ok(Anchor::Birth {
            on: due - 300,
            due: None
        })
    );
}
