//! The host's time zone decides nothing.

use std::path::Path;

use crate::place::{Place, repository, today};

const ZONES: [&str; 4] = ["Asia/Tokyo", "UTC", "America/New_York", "Pacific/Kiritimati"];

#[test]
fn every_host_makes_the_same_plans() {
    let place = Place::installed("[tenant.outbox]\nfolder = \"outbox\"\n");
    place.import_families(40, "outbox");
    // Around the changes of summer time in New York, the ends of months and years, a leap day.
    let days = ["2026-11-01", "2026-12-31", "2027-01-01", "2027-03-14", "2028-02-29"];
    for day in days.into_iter().map(str::to_owned).chain([today().to_string()]) {
        let plans: Vec<String> = ZONES
            .iter()
            .map(|zone| {
                place
                    .kizuna_with(&[("TZ", zone)], &["plan", "--json", "--day", &day])
                    .expect(0)
                    .out
            })
            .collect();
        assert!(plans.windows(2).all(|pair| pair[0] == pair[1]), "{day}");
    }
    let journey = [
        "timeline",
        "--json",
        "--due",
        "2027-02-28",
        "--registered",
        "2026-08-01",
    ];
    let journeys: Vec<String> = ZONES
        .iter()
        .map(|zone| place.kizuna_with(&[("TZ", zone)], &journey).expect(0).out)
        .collect();
    assert!(journeys.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn todays_run_is_japans_today_on_every_host() {
    let before = today();
    for zone in ZONES {
        let place = Place::installed("[tenant.outbox]\nfolder = \"outbox\"\n");
        let run = place.kizuna_with(&[("TZ", zone)], &["run", "--json"]).json();
        let day = run["tenants"][0]["day"].as_str().unwrap().to_owned();
        // Midnight in Japan may have passed meanwhile.
        assert!(
            [before, today()].map(|day| day.to_string()).contains(&day),
            "{zone}: {day}"
        );
    }
}

#[test]
fn the_zone_of_the_host_is_never_asked_for() {
    let forbidden = ["TimeZone::system", "TimeZone::try_system", "Zoned::now", "\"TZ\""];
    let mut files = Vec::new();
    for entry in std::fs::read_dir(repository("crates")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    assert!(files.len() > 50);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in forbidden {
            assert!(!text.contains(word), "{}: {word}", file.display());
        }
    }
}

fn sources(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
