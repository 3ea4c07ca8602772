//! A tenant and everything about it that is data, not code.

use serde::{Deserialize, Serialize};

use crate::cadence::Slots;
use crate::content::picture::PictureName;
use crate::day::{NotAWindow, SendWindow};
use crate::position::{Customs, EndRule};
use crate::retention::Retention;

/// What kind of customer a tenant is, and with it how strict sending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenantKind {
    /// A city, ward, town or prefecture: only approved text leaves.
    Municipality,
    /// A company or clinic: only approved text leaves.
    Company,
    /// For learning with invented families: unapproved text leaves, marked 【見本】.
    Practice,
    /// For `kizuna demo`.
    Demo,
}

impl TenantKind {
    /// True where unapproved text may leave, marked as a sample.
    pub fn allows_samples(self) -> bool {
        match self {
            TenantKind::Practice | TenantKind::Demo => true,
            TenantKind::Municipality | TenantKind::Company => false,
        }
    }
}

/// What a family that registers in the middle of a series gets of what came before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinPolicy {
    /// Nothing: the series begins with today's slot.
    FromToday,
    /// The latest earlier slot, if today has none.
    Latest,
    /// One bundle ここまでのまとめ of what is still important.
    #[default]
    Digest,
}

/// Which series a tenant sends, to whom and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Code of the track.
    pub track: String,
    /// Number of the edition; the latest where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<u32>,
    /// Slots that are sent.
    #[serde(default = "all_slots")]
    pub slots: Slots,
    /// Last day of the series for a child.
    #[serde(default = "third_birthday")]
    pub end: EndRule,
    /// What late joiners get.
    #[serde(default)]
    pub join: JoinPolicy,
}

fn all_slots() -> Slots {
    Slots::All
}

fn third_birthday() -> EndRule {
    EndRule::OnBirthday(3)
}

/// Largest logo in bytes: it comes with every page, and a page shall stay under 40 KiB.
pub const LOGO_BYTES_MAX: usize = 20_000;

/// The hue of a tenant's pages for families: one of six whose contrasts are tested. A free colour is not possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// 緑: deep green-teal.
    #[default]
    Midori,
    /// 藍: indigo.
    Ai,
    /// すみれ: violet.
    Sumire,
    /// あかね: madder.
    Akane,
    /// 柿: persimmon brown.
    Kaki,
    /// 松: pine green.
    Matsu,
}

impl Theme {
    /// Every hue.
    pub const ALL: [Theme; 6] = [
        Theme::Midori,
        Theme::Ai,
        Theme::Sumire,
        Theme::Akane,
        Theme::Kaki,
        Theme::Matsu,
    ];

    /// Its word in settings and style sheets.
    pub fn code(self) -> &'static str {
        match self {
            Theme::Midori => "midori",
            Theme::Ai => "ai",
            Theme::Sumire => "sumire",
            Theme::Akane => "akane",
            Theme::Kaki => "kaki",
            Theme::Matsu => "matsu",
        }
    }
}

/// How a tenant's pages for families look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The hue.
    #[serde(default)]
    pub theme: Theme,
    /// A picture in place of the seedling beside the town's name, at most [`LOGO_BYTES_MAX`] large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<PictureName>,
}

impl Look {
    /// True where nothing was chosen.
    fn is_usual(&self) -> bool {
        *self == Look::default()
    }
}

/// What a tenant lets each reader decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// Hours of the day that a reader may choose among, all within the delivery hours; empty where nobody chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<u8>,
    /// Whether a reader may change over to another address or channel.
    #[serde(default = "yes")]
    pub ways: bool,
}

impl Default for Choices {
    fn default() -> Choices {
        Choices {
            hours: Vec::new(),
            ways: yes(),
        }
    }
}

/// A part of the town that a family may say it lives in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Code by which articles name it.
    pub code: String,
    /// Name as families know it.
    pub name: String,
}

/// Words that a family may choose: those of the series in this language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// BCP 47 tag of the series: `ja`, `ja-Hira`, `en`.
    pub language: String,
    /// Name as families read it: 標準, やさしい日本語.
    pub name: String,
}

/// Areas a tenant may let families choose from: more than a list on a phone is good for.
const AREAS_MAX: usize = 100;
/// Languages a tenant may let families choose from.
const WORDINGS_MAX: usize = 10;

/// What a registration asks besides the one date; whatever is asked may be left open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Asks {
    /// あなたは: the relation to the child.
    pub relation: bool,
    /// A name for the child that appears in messages.
    pub nickname: bool,
    /// Parts of the town to choose from; none where it is not asked.
    pub areas: Vec<Area>,
    /// Words to choose from; with fewer than two it is not asked.
    pub wordings: Vec<Wording>,
    /// True where pressing the button is not enough and a box is ticked.
    pub consent: bool,
    /// What the tenant uses the data for, in its own words beside ours; empty where it adds nothing.
    pub purpose: String,
}

impl Default for Asks {
    fn default() -> Asks {
        Asks {
            relation: true,
            nickname: false,
            areas: Vec::new(),
            wordings: Vec::new(),
            consent: false,
            purpose: String::new(),
        }
    }
}

/// Hours that can be offered: more would be a list nobody reads on a phone.
pub const HOURS_MAX: usize = 8;

impl Asks {
    /// The first thing that keeps these questions from being asked.
    fn problem(&self) -> Option<&'static str> {
        let twice = |codes: &[&str]| {
            codes
                .iter()
                .enumerate()
                .any(|(at, code)| code.is_empty() || codes.iter().take(at).any(|other| other == code))
        };
        let areas: Vec<&str> = self.areas.iter().map(|area| area.code.as_str()).collect();
        let wordings: Vec<&str> = self.wordings.iter().map(|one| one.language.as_str()).collect();
        let names = self.areas.iter().map(|area| &area.name);
        let mut names = names.chain(self.wordings.iter().map(|one| &one.name));
        if areas.len() > AREAS_MAX || wordings.len() > WORDINGS_MAX {
            Some("there are too many choices")
        } else if twice(&areas) || twice(&wordings) {
            Some("two choices have one code, or one has none")
        } else if names.any(|name| name.trim().is_empty()) {
            Some("a choice has no name")
        } else {
            None
        }
    }
}

/// Everything about a tenant that its staff decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Kind of customer.
    pub kind: TenantKind,
    /// Name that readers see as the sender.
    pub sender_name: String,
    /// IANA time zone of its civil days.
    #[serde(default = "tokyo")]
    pub time_zone: String,
    /// First time of day at which messages leave, `HH:MM`.
    #[serde(default = "eight")]
    pub send_from: String,
    /// Time of day from which no daily message leaves any more.
    #[serde(default = "twenty")]
    pub send_until: String,
    /// Days since birth counted from 0 or 1; leap-day birthdays.
    #[serde(default)]
    pub customs: Customs,
    /// Days back for which a missed run is made up, item by item as long as each is useful.
    #[serde(default = "three")]
    pub catch_up_days: u8,
    /// Address of the public pages, without a final slash: `https://kosodate.example.lg.jp`.
    #[serde(default)]
    pub base_url: String,
    /// How the pages for families look.
    #[serde(default, skip_serializing_if = "Look::is_usual")]
    pub look: Look,
    /// Series that are sent.
    #[serde(default)]
    pub adopt: Vec<Adoption>,
    /// What readers decide for themselves.
    #[serde(default)]
    pub choices: Choices,
    /// Whether families of other towns of this installation may choose this town when they move.
    #[serde(default)]
    pub listed: bool,
    /// What a registration asks besides the date.
    #[serde(default)]
    pub asks: Asks,
    /// How long readers' data is kept.
    #[serde(default)]
    pub retention: Retention,
}

fn yes() -> bool {
    true
}

fn tokyo() -> String {
    "Asia/Tokyo".to_owned()
}

fn eight() -> String {
    "08:00".to_owned()
}

fn twenty() -> String {
    "20:00".to_owned()
}

fn three() -> u8 {
    3
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Unknown time zone.
    #[error("time_zone '{0}' is not known; use an IANA name like Asia/Tokyo")]
    Zone(String),
    /// Unusable address of the public pages.
    #[error("base_url '{0}' must be empty or like https://kosodate.example.lg.jp, without a slash at the end")]
    BaseUrl(String),
    /// An hour that messages do not leave at.
    #[error("choices.hours: {0} is not an hour between send_from and send_until, or stands there twice")]
    Hour(u8),
    /// Too many hours to choose among.
    #[error("choices.hours: at most {HOURS_MAX} hours can be offered")]
    Hours,
    /// Unusable questions of a registration.
    #[error("asks: {0}")]
    Asks(&'static str),
    /// Unusable times of keeping.
    #[error("retention: days must be at most 7300, and awaiting_days at least 30")]
    Retention,
    /// Unusable delivery window.
    #[error(transparent)]
    Window(#[from] NotAWindow),
}

impl Settings {
    /// The time zone of the tenant's days.
    pub fn zone(&self) -> Result<jiff::tz::TimeZone, SettingsError> {
        jiff::tz::TimeZone::get(&self.time_zone).map_err(|_| SettingsError::Zone(self.time_zone.clone()))
    }

    /// Says what keeps these settings from being used.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.zone()?;
        let window = self.window()?;
        let hours = &self.choices.hours;
        if hours.len() > HOURS_MAX {
            return Err(SettingsError::Hours);
        }
        for (place, hour) in hours.iter().enumerate() {
            let is_repeated = hours.iter().take(place).any(|before| before == hour);
            if is_repeated || window.from_hour(*hour).is_none() {
                return Err(SettingsError::Hour(*hour));
            }
        }
        if let Some(problem) = self.asks.problem() {
            return Err(SettingsError::Asks(problem));
        }
        if !self.retention.is_usable() {
            return Err(SettingsError::Retention);
        }
        let url = &self.base_url;
        let local = ["http://127.0.0.1", "http://localhost"]
            .iter()
            .any(|start| url.starts_with(start));
        let usable =
            (url.starts_with("https://") || local) && !url.ends_with('/') && !url.contains(char::is_whitespace);
        if url.is_empty() || usable {
            Ok(())
        } else {
            Err(SettingsError::BaseUrl(url.clone()))
        }
    }

    /// The hours in which messages leave.
    pub fn window(&self) -> Result<SendWindow, SettingsError> {
        Ok(SendWindow::new(&self.send_from, &self.send_until)?)
    }

    /// The hours in which one reader's messages leave: from the hour of their choice on, while it is offered.
    ///
    /// ```
    /// # use kizuna_domain::tenant::Settings;
    /// let settings: Settings = serde_json::from_str(
    ///     r#"{ "kind": "municipality", "sender_name": "ひだまり市", "choices": { "hours": [12, 18] } }"#,
    /// ).unwrap();
    /// assert_eq!(settings.window_of(Some(18)).unwrap().texts().0, "18:00");
    /// assert_eq!(settings.window_of(Some(19)).unwrap().texts().0, "08:00");
    /// assert_eq!(settings.window_of(None).unwrap().texts().0, "08:00");
    /// ```
    pub fn window_of(&self, hour: Option<u8>) -> Result<SendWindow, SettingsError> {
        let window = self.window()?;
        let offered = hour.filter(|hour| self.choices.hours.contains(hour));
        Ok(offered.and_then(|hour| window.from_hour(hour)).unwrap_or(window))
    }
}
