//! A tenant and everything about it that is data, not code.

use serde::{Deserialize, Serialize};

use crate::cadence::Slots;
use crate::content::picture::PictureName;
use crate::day::{NotAWindow, SendWindow};
use crate::position::{Customs, EndRule};

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
        self.window()?;
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
}
