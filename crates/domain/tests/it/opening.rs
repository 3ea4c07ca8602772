//! Public holidays as the Cabinet Office lists them, and desks that are open or closed.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kizuna_domain::content::pack;
use kizuna_domain::day::Day;
use kizuna_domain::holidays;
use kizuna_domain::opening::{Hours, Opening};

fn of_year(year: i16) -> Vec<String> {
    let mut day = Day::new(year, 1, 1).unwrap();
    let mut found = Vec::new();
    while day.year() == year {
        if let Some(name) = holidays::name(day) {
            found.push(format!("{}/{} {name}", day.month(), day.day_of_month()));
        }
        day = day + 1;
    }
    found
}

#[test]
fn holidays_are_those_that_the_cabinet_office_announced() {
    assert_eq!(
        of_year(2026).join("、"),
        "1/1 元日、1/12 成人の日、2/11 建国記念の日、2/23 天皇誕生日、3/20 春分の日、4/29 昭和の日、5/3 憲法記念日、5/4 みどりの日、\
         5/5 こどもの日、5/6 休日、7/20 海の日、8/11 山の日、9/21 敬老の日、9/22 休日、9/23 秋分の日、10/12 スポーツの日、11/3 文化の日、\
         11/23 勤労感謝の日"
    );
    // The two years of the Games.
    let dates = |year: i16| {
        let all = of_year(year);
        let dates: Vec<&str> = all.iter().map(|line| line.split(' ').next().unwrap()).collect();
        dates.join(" ")
    };
    assert_eq!(
        dates(2020),
        "1/1 1/13 2/11 2/23 2/24 3/20 4/29 5/3 5/4 5/5 5/6 7/23 7/24 8/10 9/21 9/22 11/3 11/23"
    );
    assert_eq!(
        dates(2021),
        "1/1 1/11 2/11 2/23 3/20 4/29 5/3 5/4 5/5 7/22 7/23 8/8 8/9 9/20 9/23 11/3 11/23"
    );
    assert_eq!(
        dates(2022),
        "1/1 1/10 2/11 2/23 3/21 4/29 5/3 5/4 5/5 7/18 8/11 9/19 9/23 10/10 11/3 11/23"
    );
    assert_eq!(
        dates(2023),
        "1/1 1/2 1/9 2/11 2/23 3/21 4/29 5/3 5/4 5/5 7/17 8/11 9/18 9/23 10/9 11/3 11/23"
    );
    assert_eq!(
        dates(2024),
        "1/1 1/8 2/11 2/12 2/23 3/20 4/29 5/3 5/4 5/5 5/6 7/15 8/11 8/12 9/16 9/22 9/23 10/14 11/3 11/4 11/23"
    );
    assert_eq!(
        dates(2025),
        "1/1 1/13 2/11 2/23 2/24 3/20 4/29 5/3 5/4 5/5 5/6 7/21 8/11 9/15 9/23 10/13 11/3 11/23 11/24"
    );
    assert_eq!(
        dates(2027),
        "1/1 1/11 2/11 2/23 3/21 3/22 4/29 5/3 5/4 5/5 7/19 8/11 9/20 9/23 10/11 11/3 11/23"
    );
}

#[test]
fn years_that_are_not_known_have_no_holidays() {
    assert!(of_year(2019).is_empty() && of_year(2100).is_empty());
    // Sixteen, the day after 5 May because the 3rd is a Sunday, and the one between 敬老の日 and 秋分の日.
    assert_eq!(of_year(2099).len(), 18);
}

/// What a desk is at an instant of Japan, told in one line.
fn told(open: &str, closed: &[&str], at: &str) -> String {
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    let at: DateTime = at.replace(' ', "T").parse().unwrap();
    let now = at.to_zoned(zone.clone()).unwrap().timestamp();
    let time = |at: Option<DateTime>| at.map_or("?".to_owned(), |at| at.strftime("%m-%d %H:%M").to_string());
    match Hours::parse(open, closed).unwrap().state(now, &zone) {
        Opening::Open { until } => format!("open until {}", time(until)),
        Opening::Closed { next } => format!("closed until {}", time(next)),
    }
}

#[test]
fn a_desk_is_open_or_says_when_it_opens_next() {
    let office = ("月-金 8:30-17:15", ["祝日", "12-29..01-03"]);
    for (at, expected) in [
        ("2026-11-20 08:29:59", "closed until 11-20 08:30"),
        ("2026-11-20 08:30:00", "open until 11-20 17:15"),
        ("2026-11-20 17:14:59", "open until 11-20 17:15"),
        // Friday evening before a weekend and 勤労感謝の日 on Monday.
        ("2026-11-20 17:15:00", "closed until 11-24 08:30"),
        ("2026-11-23 10:00:00", "closed until 11-24 08:30"),
        // The last day of work of the year.
        ("2026-12-28 17:15:00", "closed until 01-04 08:30"),
        ("2027-01-03 23:59:59", "closed until 01-04 08:30"),
    ] {
        assert_eq!(told(office.0, &office.1, at), expected, "{at}");
    }
}

#[test]
fn hours_of_all_kinds_are_understood() {
    for (open, at, expected) in [
        // Over night, and a whole day on Sundays and holidays.
        (
            "月-土 19:00-8:00; 日・祝日 8:00-8:00",
            "2026-11-20 18:59:00",
            "closed until 11-20 19:00",
        ),
        (
            "月-土 19:00-8:00; 日・祝日 8:00-8:00",
            "2026-11-20 23:00:00",
            "open until 11-21 08:00",
        ),
        (
            "月-土 19:00-8:00; 日・祝日 8:00-8:00",
            "2026-11-21 03:00:00",
            "open until 11-21 08:00",
        ),
        (
            "月-土 19:00-8:00; 日・祝日 8:00-8:00",
            "2026-11-21 20:00:00",
            "open until 11-24 08:00",
        ),
        ("24時間", "2026-11-21 20:00:00", "open until ?"),
        ("毎日 0:00-24:00", "2026-11-21 20:00:00", "open until ?"),
        // A break at noon.
        (
            "平日 9:00-12:00 13:00-17:00",
            "2026-11-20 12:10:00",
            "closed until 11-20 13:00",
        ),
        (
            "第2土・第4土 9:30-15:30",
            "2026-11-21 10:00:00",
            "closed until 11-28 09:30",
        ),
        (
            "第2土・第4土 9:30-15:30",
            "2026-11-28 10:00:00",
            "open until 11-28 15:30",
        ),
        (
            "月〜金　９：００～１７：００",
            "2026-11-20 10:00:00",
            "open until 11-20 17:00",
        ),
        ("日曜日 9:00-12:00", "2026-11-20 10:00:00", "closed until 11-22 09:00"),
        ("金-月 9:00-12:00", "2026-11-24 10:00:00", "closed until 11-27 09:00"),
        (
            "12-29..01-03 9:00-12:00",
            "2026-12-31 10:00:00",
            "open until 12-31 12:00",
        ),
        // Nothing within weeks.
        ("02-29 9:00-12:00", "2026-11-20 10:00:00", "closed until ?"),
    ] {
        assert_eq!(told(open, &[], at), expected, "{open} at {at}");
    }
}

#[test]
fn bad_hours_name_the_word_and_what_to_do() {
    for (open, closed, word) in [
        ("月-金", "", "月-金"),
        ("月-金 8時30分〜17時", "", "8時30分〜17時"),
        ("月-金 8:30-25:00", "", "8:30-25:00"),
        ("月-金 8:60-17:00", "", "8:60-17:00"),
        ("月-金 24:00-5:00", "", "24:00-5:00"),
        ("9:00-17:00 月", "", "月"),
        ("げつ 9:00-17:00", "", "げつ"),
        ("第6土 9:00-17:00", "", "第6土"),
        ("02-30 9:00-17:00", "", "02-30"),
        ("", "", ""),
        ("毎日 9:00-17:00", "年末", "年末"),
    ] {
        let closed: Vec<&str> = closed.split_whitespace().collect();
        let wrong = Hours::parse(open, &closed).unwrap_err();
        assert_eq!(wrong.word, word, "{open}");
        assert!(wrong.ja.contains("書いてください") && wrong.en.starts_with("write"));
    }
}

#[test]
fn a_pack_with_hours_that_cannot_be_read_is_refused_with_the_desk_named() {
    let manifest =
        "format = 1\ntrack = \"t\"\ntitle = \"t\"\nowner = \"tenant\"\nlanguage = \"ja\"\nsender_label = \"市\"";
    let read = |hours: &str| {
        pack::read(
            manifest,
            Some(&format!("[[desk]]\nid = \"center\"\nname = \"窓\"\n{hours}")),
            vec![],
        )
    };
    let words = |hours: &str| {
        read(hours)
            .unwrap_err()
            .iter()
            .map(|problem| problem.reason.ja.clone())
            .collect::<String>()
    };

    assert!(words("open = \"平日の昼\"").contains("窓口「center」の「平日の昼」"));
    assert!(words("closed = [\"祝日\"]").contains("open も書いてください"));
    let desks = read("open = \"月-金 9:00-17:00\"\nclosed = [\"祝日\"]").unwrap().desks;
    assert!(Hours::of(&desks[0]).is_some());
}
