//! Numbers, times and telephone numbers as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::Day;
use kizuna_domain::tenant::TenantKind;

use crate::client::Client;

/// Numbers below this say too much about one family in a small town.
const FEW: u64 = 10;

/// A number with its thousands apart: 1,271.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// True where real families could be recognised by a number of them.
pub(crate) fn is_few(number: u64, kind: TenantKind) -> bool {
    number < FEW && !kind.allows_samples()
}

/// A number of families with its unit; 少数 where real families could be recognised by it.
pub(crate) fn families(number: u64, kind: TenantKind) -> String {
    if is_few(number, kind) {
        "少数".to_owned()
    } else {
        format!("{}人", count(number))
    }
}

/// A time of day on a tenant's clock: 8:02.
pub(crate) fn time(at: Timestamp, zone: &TimeZone) -> String {
    let local = zone.to_datetime(at);
    format!("{}:{:02}", local.hour(), local.minute())
}

/// A day and a time of day on a tenant's clock: 2026年11月22日（日）8:02.
pub(crate) fn instant(at: Timestamp, zone: &TimeZone) -> String {
    format!("{}{}", Day::of(at, zone).japanese(), time(at, zone))
}

/// The day of the week in やさしい日本語, with its reading.
pub(crate) fn weekday_easy(day: Day) -> &'static str {
    match day.weekday_ja() {
        "日" => "｜日曜日《にちようび》",
        "月" => "｜月曜日《げつようび》",
        "火" => "｜火曜日《かようび》",
        "水" => "｜水曜日《すいようび》",
        "木" => "｜木曜日《もくようび》",
        "金" => "｜金曜日《きんようび》",
        _ => "｜土曜日《どようび》",
    }
}

/// A text as it stands in the query of an address.
pub(crate) fn query_word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => word.push(char::from(byte)),
            _ => word.extend(["%", &format!("{byte:02X}")]),
        }
    }
    word
}

/// Where links to this installation begin: as the tenant says, else as the browser asked.
pub(crate) fn base_url(configured: &str, client: &Client) -> String {
    match (configured, client.is_local) {
        ("", true) => format!("http://{}", client.host),
        ("", false) => format!("https://{}", client.host),
        (url, _) => url.to_owned(),
    }
}

/// An address of the web as a link may carry it; `None` for anything else, `javascript:` above all.
pub(crate) fn web(url: &str) -> Option<&str> {
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1_000, 12_345, 1_234_567].map(count),
            ["0", "999", "1,000", "12,345", "1,234,567"]
        );
    }

    #[test]
    fn few_families_are_not_counted_outside_practice() {
        assert_eq!(families(9, TenantKind::Municipality), "少数");
        assert_eq!(families(10, TenantKind::Municipality), "10人");
        assert_eq!(families(1, TenantKind::Demo), "1人");
    }

    #[test]
    fn an_address_with_a_query_fits_into_a_query() {
        assert_eq!(query_word("/a/plan?day=1&b=あ"), "/a/plan%3Fday%3D1%26b%3D%E3%81%82");
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        assert_eq!(web("https://example.jp/"), Some("https://example.jp/"));
        assert_eq!(web("javascript:alert(1)"), None);
    }
}
