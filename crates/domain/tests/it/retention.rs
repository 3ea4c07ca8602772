//! How long a reader's data is kept, by the calendar.

use kizuna_domain::position::{Anchor, EndRule};
use kizuna_domain::retention::{Parting, Retention, is_over};
use kizuna_domain::tenant::{Adoption, JoinPolicy, Settings, SettingsError};

use crate::town::{day, settings};

fn sending(ends: &[EndRule]) -> Settings {
    let adoption = |end: &EndRule| Adoption {
        track: "daily".into(),
        edition: None,
        slots: kizuna_domain::cadence::Slots::All,
        end: *end,
        join: JoinPolicy::Digest,
    };
    Settings {
        adopt: ends.iter().map(adoption).collect(),
        ..settings()
    }
}

fn born(on: &str) -> Anchor {
    Anchor::Birth { on: day(on), due: None }
}

#[test]
fn a_series_is_over_when_its_last_day_can_no_longer_be_made_up() {
    // The third birthday, and three days in which a missed run is made up.
    let settings = sending(&[EndRule::OnBirthday(3)]);
    let child = born("2023-11-22");
    assert!(!is_over(&settings, &child, day("2026-11-22")));
    assert!(!is_over(&settings, &child, day("2026-11-25")));
    assert!(is_over(&settings, &child, day("2026-11-26")));
}

#[test]
fn nobody_ends_while_one_series_goes_on() {
    let settings = sending(&[EndRule::OnBirthday(1), EndRule::SchoolYearEnd(0)]);
    let child = born("2020-05-01");
    assert!(!is_over(&settings, &child, day("2027-03-31")));
    assert!(is_over(&settings, &child, day("2027-04-04")));
}

#[test]
fn a_town_without_series_ends_nobody() {
    assert!(!is_over(&sending(&[]), &born("1990-01-01"), day("2026-11-22")));
}

#[test]
fn a_birth_is_awaited_for_the_towns_days_after_42_weeks() {
    let settings = sending(&[EndRule::OnBirthday(3)]);
    let child = Anchor::Due(day("2026-01-01"));
    // 42w0d is 2026-01-15; 180 days later it is 2026-07-14.
    assert!(!is_over(&settings, &child, day("2026-07-14")));
    assert!(is_over(&settings, &child, day("2026-07-15")));
}

/// The worker walks from the oldest on and ends its walk at the first that goes on.
#[test]
fn whatever_is_over_for_a_child_is_over_for_every_older_one() {
    let rules = [
        EndRule::OnBirthday(3),
        EndRule::DayBeforeBirthday(6),
        EndRule::SchoolYearEnd(0),
        EndRule::SchoolYearEnd(12),
        EndRule::LegalAge(18),
    ];
    for rule in rules {
        let settings = sending(&[rule]);
        let mut was_over = true;
        for ahead in 0..7_000 {
            let child = Anchor::Birth {
                on: day("2007-01-01") + ahead,
                due: None,
            };
            let over = is_over(&settings, &child, day("2026-03-01"));
            assert!(was_over || !over, "{rule}: {child:?}");
            was_over = over;
        }
    }
}

#[test]
fn a_stop_is_kept_for_months_and_a_last_day_for_years() {
    let now: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let kept = |parting| Retention::default().erase_at(parting, now).to_string();
    assert_eq!(kept(Parting::Stopped), "2027-02-20T00:00:00Z");
    assert_eq!(kept(Parting::Completed), "2029-11-21T00:00:00Z");
}

#[test]
fn times_that_nobody_can_mean_are_refused() {
    let with = |change: fn(&mut Retention)| {
        let mut settings = settings();
        change(&mut settings.retention);
        settings.check()
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|keep| keep.after_stop_days = 0), Ok(()));
    assert_eq!(with(|keep| keep.awaiting_days = 29), Err(SettingsError::Retention));
    assert_eq!(with(|keep| keep.after_end_days = 7_301), Err(SettingsError::Retention));
}
