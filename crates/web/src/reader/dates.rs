//! Days, times and stages as a reader of each language reads them, in やさしい日本語 with the reading that each number asks for.

use kizuna_domain::day::Day;
use kizuna_domain::position::{Anchor, Customs, DayCount, Standing, stage_label, standing};

use crate::language::Language;

/// The stage of a family: 妊娠23週5日, 生後30日, 1歳2か月. Empty where nothing can be said.
pub(crate) fn stage(anchor: &Anchor, on: Day, customs: Customs, language: Language) -> String {
    let label = stage_label(anchor, on, &customs);
    match language {
        Language::Ja => label,
        Language::Easy => easy_stage(&label),
        Language::En if label.is_empty() => label,
        Language::En => english_stage(&standing(anchor, on, &customs), customs.day_count),
    }
}

/// A day with its weekday: 2026年12月5日（土）.
pub(crate) fn day(day: Day, language: Language) -> String {
    match language {
        Language::Ja => day.japanese(),
        Language::Easy => {
            let (year, month, weekday) = (day.year(), day.month(), easy_weekday(day.weekday_ja()));
            let number = day_of_month(day.day_of_month());
            format!("{year}｜年《ねん》{month}｜月《がつ》{number}（{weekday}）")
        }
        Language::En => {
            let (weekday, month) = english_names(day);
            format!("{weekday}, {} {month} {}", day.day_of_month(), day.year())
        }
    }
}

/// A day without its year where that is the year of `today`: 12月5日（土）.
pub(crate) fn near_day(of: Day, today: Day, language: Language) -> String {
    let (said, year) = (day(of, language), of.year());
    if year != today.year() {
        return said;
    }
    match language {
        Language::Ja => said.replacen(&format!("{year}年"), "", 1),
        Language::Easy => said.replacen(&format!("{year}｜年《ねん》"), "", 1),
        Language::En => said.replacen(&format!(" {year}"), "", 1),
    }
}

/// A time of day, given as `08:00`: 朝8時.
pub(crate) fn time(time: &str, language: Language) -> String {
    let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
    let hour: u8 = hour.parse().unwrap_or_default();
    let is_morning = (4..11).contains(&hour);
    match (language, minute) {
        (Language::En, _) => time.to_owned(),
        (Language::Ja, "00") if is_morning => format!("朝{hour}時"),
        (Language::Ja, "00") => format!("{hour}時"),
        (Language::Ja, minute) if is_morning => format!("朝{hour}時{minute}分"),
        (Language::Ja, minute) => format!("{hour}時{minute}分"),
        (Language::Easy, minute) => {
            let part = if is_morning { "｜朝《あさ》" } else { "" };
            // Whether it is ふん or ぷん follows from the last digit, and after a ten from the ten.
            let minutes = match minute {
                "00" => String::new(),
                minute if minute.ends_with(['0', '1', '3', '4', '6', '8']) => format!("{minute}｜分《ぷん》"),
                minute => format!("{minute}｜分《ふん》"),
            };
            format!("{part}{hour}｜時《じ》{minutes}")
        }
    }
}

/// The label of a stage with readings above its fixed words; its numbers stay figures.
fn easy_stage(label: &str) -> String {
    const WORDS: [(&str, &str); 6] = [
        ("妊娠中", "｜妊娠中《にんしんちゅう》"),
        ("妊娠", "｜妊娠《にんしん》"),
        ("生後", "｜生後《せいご》"),
        ("週", "｜週《しゅう》"),
        ("歳", "｜歳《さい》"),
        ("か月", "か｜月《げつ》"),
    ];
    let mut easy = String::new();
    let mut rest = label;
    let mut number = String::new();
    while let Some(sign) = rest.chars().next() {
        if let Some((word, with)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            easy.push_str(&number);
            easy.push_str(with);
            number.clear();
            rest = rest.get(word.len()..).unwrap_or_default();
        } else if sign.is_ascii_digit() {
            number.push(sign);
            rest = rest.get(1..).unwrap_or_default();
        } else if let Some(behind) = rest.strip_prefix("日目") {
            easy.push_str(&days(&number, "日目", "め"));
            number.clear();
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('日') {
            easy.push_str(&days(&number, "日", ""));
            number.clear();
            rest = behind;
        } else {
            easy.push(sign);
            rest = rest.get(sign.len_utf8()..).unwrap_or_default();
        }
    }
    easy.push_str(&number);
    easy
}

/// A count of days, whose reading for small numbers and those that end in 4 swallows the number: 5日 is いつか.
fn days(number: &str, unit: &str, more: &str) -> String {
    const TENS: [&str; 10] = [
        "",
        "じゅう",
        "にじゅう",
        "さんじゅう",
        "よんじゅう",
        "ごじゅう",
        "ろくじゅう",
        "ななじゅう",
        "はちじゅう",
        "きゅうじゅう",
    ];
    let known = match number.parse::<usize>() {
        Ok(2) => Some("ふつか".to_owned()),
        Ok(3) => Some("みっか".to_owned()),
        Ok(5) => Some("いつか".to_owned()),
        Ok(6) => Some("むいか".to_owned()),
        Ok(7) => Some("なのか".to_owned()),
        Ok(8) => Some("ようか".to_owned()),
        Ok(9) => Some("ここのか".to_owned()),
        Ok(10) => Some("とおか".to_owned()),
        Ok(20) => Some("はつか".to_owned()),
        Ok(count) if count % 10 == 4 => TENS.get(count / 10).map(|tens| format!("{tens}よっか")),
        Ok(_) | Err(_) => None,
    };
    match known {
        Some(reading) => format!("｜{number}{unit}《{reading}{more}》"),
        None => format!("{number}｜{unit}《にち{more}》"),
    }
}

/// A day of the month: the first is ついたち, the others are counted.
fn day_of_month(number: i8) -> String {
    match number {
        1 => "｜1日《ついたち》".to_owned(),
        number => days(&number.to_string(), "日", ""),
    }
}

fn easy_weekday(sign: &str) -> &'static str {
    match sign {
        "月" => "｜月曜日《げつようび》",
        "火" => "｜火曜日《かようび》",
        "水" => "｜水曜日《すいようび》",
        "木" => "｜木曜日《もくようび》",
        "金" => "｜金曜日《きんようび》",
        "土" => "｜土曜日《どようび》",
        _ => "｜日曜日《にちようび》",
    }
}

fn english_names(day: Day) -> (&'static str, &'static str) {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let weekday = match day.weekday_ja() {
        "月" => "Monday",
        "火" => "Tuesday",
        "水" => "Wednesday",
        "木" => "Thursday",
        "金" => "Friday",
        "土" => "Saturday",
        _ => "Sunday",
    };
    let month = usize::try_from(day.month() - 1)
        .ok()
        .and_then(|place| MONTHS.get(place));
    (weekday, month.copied().unwrap_or_default())
}

fn english_stage(standing: &Standing, count: DayCount) -> String {
    let many = |number: u16, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    if let (Some(week), Some(day)) = (standing.gestational_week, standing.gestational_day) {
        return match day {
            0 => format!("{} pregnant", many(week, "week")),
            day => format!("{} and {} pregnant", many(week, "week"), many(day, "day")),
        };
    }
    match (standing.age_days, standing.age_months) {
        (Some(days), _) if days <= 100 => match count {
            DayCount::FromZero => format!("{} old", many(u16::try_from(days).unwrap_or_default(), "day")),
            DayCount::FromOne => format!("day {} since birth", days + 1),
        },
        (Some(_), Some(months)) => match (months / 12, months % 12) {
            (0, months) => format!("{} old", many(months, "month")),
            (years, 0) => format!("{} old", many(years, "year")),
            (years, months) => format!("{} and {} old", many(years, "year"), many(months, "month")),
        },
        _ => "pregnant".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> Day {
        text.parse().unwrap_or_else(|_| panic!("{text} is no day"))
    }

    #[test]
    fn a_count_of_days_is_read_as_people_say_it() {
        for (label, easy) in [
            ("妊娠23週5日", "｜妊娠《にんしん》23｜週《しゅう》｜5日《いつか》"),
            ("妊娠23週0日", "｜妊娠《にんしん》23｜週《しゅう》0｜日《にち》"),
            ("妊娠23週1日", "｜妊娠《にんしん》23｜週《しゅう》1｜日《にち》"),
            ("妊娠中", "｜妊娠中《にんしんちゅう》"),
            ("生後4日", "｜生後《せいご》｜4日《よっか》"),
            ("生後20日", "｜生後《せいご》｜20日《はつか》"),
            ("生後34日", "｜生後《せいご》｜34日《さんじゅうよっか》"),
            ("生後100日", "｜生後《せいご》100｜日《にち》"),
            ("生後8日目", "｜生後《せいご》｜8日目《ようかめ》"),
            ("生後11日目", "｜生後《せいご》11｜日目《にちめ》"),
            ("1歳2か月", "1｜歳《さい》2か｜月《げつ》"),
            ("", ""),
        ] {
            assert_eq!(easy_stage(label), easy);
        }
    }

    #[test]
    fn a_day_is_written_as_its_language_writes_it() {
        for (text, language, words) in [
            ("2026-12-05", Language::Ja, "2026年12月5日（土）"),
            (
                "2026-12-05",
                Language::Easy,
                "2026｜年《ねん》12｜月《がつ》｜5日《いつか》（｜土曜日《どようび》）",
            ),
            (
                "2026-11-01",
                Language::Easy,
                "2026｜年《ねん》11｜月《がつ》｜1日《ついたち》（｜日曜日《にちようび》）",
            ),
            ("2026-12-05", Language::En, "Saturday, 5 December 2026"),
        ] {
            assert_eq!(day(on(text), language), words);
        }
        assert_eq!(time("08:00", Language::Ja), "朝8時");
        assert_eq!(time("18:30", Language::Ja), "18時30分");
        assert_eq!(time("08:30", Language::Easy), "｜朝《あさ》8｜時《じ》30｜分《ぷん》");
        assert_eq!(time("12:15", Language::Easy), "12｜時《じ》15｜分《ふん》");
        assert_eq!(time("08:00", Language::En), "08:00");
    }

    #[test]
    fn a_day_of_this_year_needs_no_year() {
        let (of, today) = ("2026-12-05".parse().unwrap(), "2026-12-31".parse().unwrap());
        for (language, words) in [
            (Language::Ja, "12月5日（土）"),
            (Language::Easy, "12｜月《がつ》｜5日《いつか》（｜土曜日《どようび》）"),
            (Language::En, "Saturday, 5 December"),
        ] {
            assert_eq!(super::near_day(of, today, language), words);
            assert_eq!(super::near_day(of, today + 1, language), super::day(of, language));
        }
    }

    #[test]
    fn a_stage_is_said_in_english_too() {
        let customs = Customs::default();
        for (due, today, words) in [
            ("2026-12-01", "2026-11-22", "38 weeks and 5 days pregnant"),
            ("2026-12-01", "2026-11-24", "39 weeks pregnant"),
            ("2026-12-01", "2026-12-20", ""),
        ] {
            assert_eq!(stage(&Anchor::Due(on(due)), on(today), customs, Language::En), words);
        }
        for (born, words) in [
            ("2026-11-21", "1 day old"),
            ("2026-10-23", "30 days old"),
            ("2026-06-22", "5 months old"),
            ("2025-10-22", "1 year and 1 month old"),
            ("2024-11-22", "2 years old"),
        ] {
            let anchor = Anchor::Birth {
                on: on(born),
                due: None,
            };
            assert_eq!(stage(&anchor, on("2026-11-22"), customs, Language::En), words);
        }
    }
}
