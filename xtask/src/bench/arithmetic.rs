//! P1: positions from dates, against an independent implementation and against the clock.

use std::hint::black_box;

use jiff::civil::Date;
use jiff::{Span, Unit};
use kizuna_domain::day::Day;
use kizuna_domain::position::gestational_day;

use super::meter::{REPEATS, rate, ratio, take};
use crate::sh::{Fault, fault};

/// Subscriptions in the arrays; larger than every cache.
const ROWS: usize = 20_000_000;

pub(super) fn run(_: usize) -> Result<(), Fault> {
    let differences = differences()?;
    println!(
        "  {:<44} {differences:>14}   target 0",
        "differences to jiff's calendar, 1990–2060"
    );
    let dates: Vec<Day> = (0..ROWS)
        .map(|n| Day::from_epoch_days(20_000 + (n as i32).wrapping_mul(7_919).rem_euclid(1_400)))
        .collect();
    let today = Day::from_epoch_days(20_700);
    let mut product = Vec::new();
    let mut reference = Vec::new();
    for _ in 0..REPEATS {
        let (_, took) = take(|| {
            black_box(
                dates
                    .iter()
                    .map(|due| gestational_day(*due, today).map_or(0, u64::from))
                    .sum::<u64>(),
            )
        });
        product.push(ROWS as f64 / took.wall);
        let (_, took) = take(|| black_box(dates.iter().map(|due| (due.epoch_days() & 511) as u64).sum::<u64>()));
        reference.push(ROWS as f64 / took.wall);
    }
    let reached = rate("gestational day", "subscriptions/s/core", product);
    rate("reference: adding up the same array", "subscriptions/s/core", reference);
    ratio("in 100 M subscriptions/s/core", reached / 100e6, 1.0);
    Ok(())
}

/// Every day from 1990 to 2060 against every due date around it, by an implementation with years and months.
fn differences() -> Result<u64, Fault> {
    let wrong = |error: jiff::Error| fault(error.to_string());
    let mut differences = 0;
    let mut on = Date::new(1990, 1, 1).map_err(wrong)?;
    let end = Date::new(2060, 12, 31).map_err(wrong)?;
    while on <= end {
        for ahead in [-14, -13, -1, 0, 1, 56, 139, 251, 252, 253] {
            let due = on.checked_add(Span::new().days(ahead)).map_err(wrong)?;
            let first = due.checked_sub(Span::new().weeks(40)).map_err(wrong)?;
            let days = first.until((Unit::Day, on)).map_err(wrong)?.get_days();
            let theirs = (28..=293).contains(&days).then_some(days as u16);
            differences += u64::from(gestational_day(Day::from_date(due), Day::from_date(on)) != theirs);
        }
        on = on.tomorrow().map_err(wrong)?;
    }
    Ok(differences)
}
