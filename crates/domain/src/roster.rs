//! Lists of readers from another system: each row becomes a registration, or a reason and what to do about it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::day::Day;
use crate::people::{PointState, Relation, SubscriptionState};
use crate::position::{Anchor, GESTATION_FIRST, GESTATION_LAST};
use crate::text::fold;

/// Rows one list may have.
pub const ROWS_MAX: usize = 500_000;
/// Longest nickname in characters.
pub const NICKNAME_CHARS_MAX: usize = 20;
/// Longest address in bytes (RFC 5321 4.5.3.1.3).
pub const ADDRESS_BYTES_MAX: usize = 254;

/// Columns, each with the names a list may call it; the first is the one that exports write.
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("subscription", &["subscription"]),
    ("subscriber", &["subscriber"]),
    ("reference", &["reference", "番号", "管理番号"]),
    ("channel", &["channel", "配信手段"]),
    ("address", &["address", "宛先", "メールアドレス", "email"]),
    ("address_state", &["address_state", "宛先の状態"]),
    ("due_on", &["due_on", "出産予定日", "予定日"]),
    ("birth_on", &["birth_on", "生年月日", "誕生日"]),
    ("relation", &["relation", "続柄"]),
    ("nickname", &["nickname", "ニックネーム", "呼び名"]),
    ("area", &["area", "地区"]),
    ("language", &["language", "言語"]),
    ("registered_on", &["registered_on", "登録日"]),
    ("state", &["state", "状態"]),
    ("consent_wording", &["consent_wording", "同意文の版"]),
    ("consent_at", &["consent_at", "同意日時"]),
];

/// The column that a heading names, whatever its width or case.
pub fn column(heading: &str) -> Option<&'static str> {
    let heading = fold(heading);
    COLUMNS
        .iter()
        .find(|(_, names)| names.iter().any(|name| fold(name) == heading))
        .map(|(column, _)| *column)
}

/// One reader with one subscription, as a list brings them.
#[derive(Clone, PartialEq, Eq)]
pub struct RosterRow {
    /// Identifier of the subscription in an earlier export.
    pub subscription: Option<crate::ids::SubscriptionId>,
    /// Identifier of the reader in an earlier export.
    pub subscriber: Option<crate::ids::SubscriberId>,
    /// The number another system knows the reader by.
    pub reference: Option<String>,
    /// Code of the channel.
    pub channel: String,
    /// The address.
    pub address: String,
    /// Whether the address may be used.
    pub address_state: PointState,
    /// The dates.
    pub anchor: Anchor,
    /// Relation to the child.
    pub relation: Relation,
    /// Nickname of the child.
    pub nickname: Option<String>,
    /// Area code.
    pub area: Option<String>,
    /// BCP 47 tag of the wanted words.
    pub language: String,
    /// Day on which the subscription began.
    pub registered_on: Day,
    /// Active, paused or ended.
    pub state: SubscriptionState,
    /// Version of the wording agreed to.
    pub consent_wording: Option<String>,
    /// When it was agreed to.
    pub consent_at: Option<Timestamp>,
}

impl std::fmt::Debug for RosterRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RosterRow")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Why a row cannot be taken, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// The column it is about.
    pub column: &'static str,
    /// What is wrong, in Japanese.
    pub reason: &'static str,
    /// What to do, in Japanese.
    pub fix: &'static str,
    /// What is wrong, in English.
    pub reason_en: &'static str,
    /// What to do, in English.
    pub fix_en: &'static str,
}

const fn wrong(column: &'static str, ja: [&'static str; 2], en: [&'static str; 2]) -> RowProblem {
    let ([reason, fix], [reason_en, fix_en]) = (ja, en);
    RowProblem {
        column,
        reason,
        fix,
        reason_en,
        fix_en,
    }
}

/// Reads one row; `today` is the tenant's civil day and stands in where no registration day is given.
pub fn read(cells: &BTreeMap<&'static str, String>, today: Day) -> Result<RosterRow, Vec<RowProblem>> {
    let mut problems = Vec::new();
    let cell = |column: &str| {
        cells
            .get(column)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    let channel = cell("channel").map_or_else(|| "email".to_owned(), fold);
    let address = cell("address").unwrap_or_default().to_owned();
    if address.is_empty() {
        problems.push(wrong(
            "address",
            ["宛先がありません", "メールアドレスなどの宛先を入れてください"],
            ["there is no address", "fill in the e-mail or other address"],
        ));
    } else if !is_plausible_address(&channel, &address) {
        let (fix, fix_en) = match channel.as_str() {
            "line" => (
                "LINEのユーザーIDは、U のあとに 0〜9 と a〜f が32文字です",
                "a LINE user ID is U and 32 digits of 0-9 and a-f",
            ),
            _ => (
                "全角文字や空白がないか確かめてください",
                "look for full-width letters and spaces",
            ),
        };
        problems.push(wrong(
            "address",
            ["宛先の形が正しくありません", fix],
            ["the address is malformed", fix_en],
        ));
    }
    let date = |column: &'static str, problems: &mut Vec<RowProblem>| match cell(column).map(read_date) {
        None => None,
        Some(Some(day)) => Some(day),
        Some(None) => {
            problems.push(wrong(
                column,
                [
                    "日付として読めません",
                    "2026-12-01、2026/12/1、令和8年12月1日 のように書いてください",
                ],
                ["this is not a date", "write 2026-12-01"],
            ));
            None
        }
    };
    let due = date("due_on", &mut problems);
    let birth = date("birth_on", &mut problems);
    let registered_on = date("registered_on", &mut problems).unwrap_or(today);
    let anchor = Anchor::from_dates(due, birth);
    if anchor.is_none()
        && problems
            .iter()
            .all(|problem| !matches!(problem.column, "due_on" | "birth_on"))
    {
        problems.push(wrong(
            "due_on",
            ["出産予定日も生年月日もありません", "どちらか一つを入れてください"],
            ["there is neither a due date nor a birth date", "fill in one of them"],
        ));
    }
    let state = coded(cell("state"), SubscriptionState::from_code, SubscriptionState::Active);
    if state.is_none() {
        problems.push(wrong(
            "state",
            ["状態の値がちがいます", "active、paused、ended のどれかにしてください"],
            ["unknown state", "use active, paused or ended"],
        ));
    }
    if state != Some(SubscriptionState::Ended) {
        problems.extend(anchor.and_then(|anchor| implausible_date(&anchor, today)));
    }
    if registered_on > today {
        problems.push(wrong(
            "registered_on",
            ["登録日が先の日付です", "きょうまでの日付にしてください"],
            ["the registration day is in the future", "use a day up to today"],
        ));
    }
    let relation = coded(cell("relation"), relation_from, Relation::Unsaid);
    if relation.is_none() {
        problems.push(wrong(
            "relation",
            [
                "続柄の値がちがいます",
                "母、パートナー、祖父母、その他 のどれかにするか、空けてください",
            ],
            [
                "unknown relation",
                "use mother, partner, grandparent, other or leave it empty",
            ],
        ));
    }
    let address_state = coded(cell("address_state"), PointState::from_code, PointState::Verified);
    if address_state.is_none() {
        problems.push(wrong(
            "address_state",
            [
                "宛先の状態の値がちがいます",
                "verified、pending、suppressed、blocked のどれかにしてください",
            ],
            ["unknown address state", "use verified, pending, suppressed or blocked"],
        ));
    }
    let nickname = cell("nickname").map(str::to_owned);
    if nickname
        .as_ref()
        .is_some_and(|name| name.chars().count() > NICKNAME_CHARS_MAX || crate::text::invisible(name).is_some())
    {
        problems.push(wrong(
            "nickname",
            ["呼び名が長すぎるか、見えない文字があります", "20文字までにしてください"],
            [
                "the nickname is too long or has invisible characters",
                "use at most 20 characters",
            ],
        ));
    }
    let id = |column: &'static str| cell(column);
    let subscription = id("subscription").map(str::parse).transpose();
    let subscriber = id("subscriber").map(str::parse).transpose();
    if subscription.is_err() {
        problems.push(wrong(
            "subscription",
            ["登録の番号が読めません", "書き出したままの値にするか、空けてください"],
            ["the subscription id cannot be read", "leave it as exported, or empty"],
        ));
    }
    if subscriber.is_err() {
        problems.push(wrong(
            "subscriber",
            ["読者の番号が読めません", "書き出したままの値にするか、空けてください"],
            ["the subscriber id cannot be read", "leave it as exported, or empty"],
        ));
    }
    let consent_at = cell("consent_at").map(str::parse::<Timestamp>).transpose();
    if consent_at.is_err() {
        problems.push(wrong(
            "consent_at",
            ["同意日時が読めません", "2026-04-01T09:00:00Z のように書いてください"],
            ["the time of consent cannot be read", "write 2026-04-01T09:00:00Z"],
        ));
    }
    match (
        anchor,
        state,
        relation,
        address_state,
        subscription,
        subscriber,
        consent_at,
    ) {
        (
            Some(anchor),
            Some(state),
            Some(relation),
            Some(address_state),
            Ok(subscription),
            Ok(subscriber),
            Ok(consent_at),
        ) if problems.is_empty() => Ok(RosterRow {
            subscription,
            subscriber,
            reference: cell("reference").map(str::to_owned),
            channel,
            address,
            address_state,
            anchor,
            relation,
            nickname,
            area: cell("area").map(str::to_owned),
            language: cell("language").unwrap_or("ja").to_owned(),
            registered_on,
            state,
            consent_wording: cell("consent_wording").map(str::to_owned),
            consent_at,
        }),
        _ => Err(problems),
    }
}

fn coded<T>(cell: Option<&str>, from: fn(&str) -> Option<T>, absent: T) -> Option<T> {
    match cell {
        None => Some(absent),
        Some(text) => from(&fold(text)),
    }
}

fn relation_from(text: &str) -> Option<Relation> {
    match text {
        "母" | "ママ" => Some(Relation::Mother),
        "父" | "パパ" | "パートナー" | "father" => Some(Relation::Partner),
        "祖父母" | "祖父" | "祖母" => Some(Relation::Grandparent),
        "その他" | "養育者" => Some(Relation::Other),
        code => Relation::from_code(code),
    }
}

/// A date that no living registration can have.
fn implausible_date(anchor: &Anchor, today: Day) -> Option<RowProblem> {
    match anchor {
        Anchor::Due(due) => {
            let gestation = crate::age::DUE_AT - (*due - today);
            if gestation > i32::from(GESTATION_LAST) {
                Some(wrong(
                    "due_on",
                    [
                        "予定日から2週間以上すぎています",
                        "生まれていたら、生年月日を入れてください",
                    ],
                    [
                        "the due date passed more than two weeks ago",
                        "if the child is born, give the birth date",
                    ],
                ))
            } else if gestation < i32::from(GESTATION_FIRST) - 28 {
                Some(wrong(
                    "due_on",
                    ["予定日が10か月より先です", "年を確かめてください"],
                    ["the due date is more than ten months away", "check the year"],
                ))
            } else {
                None
            }
        }
        Anchor::Birth { on, .. } if *on > today => Some(wrong(
            "birth_on",
            ["生年月日が先の日付です", "妊娠中なら、出産予定日の列に入れてください"],
            [
                "the birth date is in the future",
                "during pregnancy, use the due date column",
            ],
        )),
        Anchor::Birth { on, .. } if today - *on > i32::from(crate::position::AGE_DAYS_MAX) => Some(wrong(
            "birth_on",
            ["19歳をこえています", "年を確かめてください"],
            ["older than 19 years", "check the year"],
        )),
        Anchor::Birth { .. } => None,
    }
}

/// True where an address could be one; carriers' old addresses with odd dots are welcome.
///
/// ```
/// use kizuna_domain::roster::is_plausible_address;
/// assert!(is_plausible_address("line", "U0123456789abcdef0123456789abcdef"));
/// assert!(!is_plausible_address("line", "hanako-1234")); // a LINE ID that people search by
/// assert!(!is_plausible_address("line", "hanako@example.jp"));
/// assert!(is_plausible_address("email", "hanako..1@docomo.ne.jp"));
/// ```
pub fn is_plausible_address(channel: &str, address: &str) -> bool {
    let clean = !address.is_empty()
        && address.len() <= ADDRESS_BYTES_MAX
        && address
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | ';' | '\\' | '"' | '(' | ')'));
    if channel == "line" {
        // "User IDs": `U` and 32 hexadecimal digits.
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = address.strip_prefix('U').unwrap_or_default();
        return digits.len() == 32 && digits.bytes().all(is_digit);
    }
    if channel != "email" && channel != "outbox" {
        return clean;
    }
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let labels = || domain.split('.');
    clean
        && !local.is_empty()
        && !local.contains('@')
        && labels().count() >= 2
        && labels().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// Reads a date as people write it: 2026-12-01, 2026/12/1, 2026年12月1日, 令和8年12月1日, R8.12.1, any width.
///
/// ```
/// use kizuna_domain::roster::read_date;
/// assert_eq!(read_date("令和８年４月１日").unwrap().to_string(), "2026-04-01");
/// assert_eq!(read_date("平成31年5月1日"), None); // 令和 had begun
/// assert_eq!(read_date("8.4.1"), None); // no era, no guess
/// ```
pub fn read_date(text: &str) -> Option<Day> {
    let (year, month, day) = figures(text)?;
    Day::new(year, month, day)
}

/// Year, month and day of a date as people write it, whether or not the month has such a day.
pub(crate) fn figures(text: &str) -> Option<(i16, i8, i8)> {
    let text = fold(text);
    let eras: [(&[&str], i16, _, _); 2] = [
        (&["令和", "r"], 2018, (2019, 5, 1), (2199, 12, 31)),
        (&["平成", "h"], 1988, (1989, 1, 8), (2019, 4, 30)),
    ];
    for (names, before_first, first, last) in eras {
        if let Some(rest) = names.iter().find_map(|name| text.strip_prefix(name)) {
            let (year, month, day) = three(rest)?;
            let year = if year == "元" {
                1
            } else {
                year.parse::<i16>().ok().filter(|y| *y > 0)?
            };
            let written = (before_first.checked_add(year)?, month, day);
            return (first <= written && written <= last).then_some(written);
        }
    }
    let (year, month, day) = three(&text)?;
    // Two digits could be an era year: no guess.
    let year = year.parse::<i16>().ok().filter(|_| year.len() == 4)?;
    Some((year, month, day))
}

fn three(text: &str) -> Option<(&str, i8, i8)> {
    let text = text.strip_suffix('日').unwrap_or(text);
    let mut parts = text.split(['-', '/', '.', '年', '月']).map(str::trim);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    // Excel's timestamps end in midnight.
    let day = day.split([' ', 't']).next()?;
    let digits = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (parts.next().is_none() && digits(month) && digits(day))
        .then(|| Some((year, month.parse().ok()?, day.parse().ok()?)))
        .flatten()
}

/// Days between two pregnancies' dates below which they must be one: nobody has two children five months apart.
const SAME_CHILD_DAYS: i32 = 150;

/// True where two registrations of one reader can only be about the same child, or about twins.
///
/// ```
/// use kizuna_domain::{position::Anchor, roster::same_child};
/// let due = |text: &str| Anchor::Due(text.parse().unwrap());
/// assert!(same_child(&due("2026-12-01"), &due("2026-12-11")));
/// assert!(!same_child(&due("2026-12-01"), &due("2028-02-01")));
/// ```
pub fn same_child(a: &Anchor, b: &Anchor) -> bool {
    let day = |anchor: &Anchor| anchor.birth().or(anchor.due());
    matches!((day(a), day(b)), (Some(a), Some(b)) if (a - b).abs() < SAME_CHILD_DAYS)
}
