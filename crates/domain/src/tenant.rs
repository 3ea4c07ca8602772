//! A tenant and everything about it that is data, not code.

use serde::{Deserialize, Serialize};

use crate::cadence::Slots;
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
    /// Series that are sent.
    #[serde(default)]
    pub adopt: Vec<Adoption>,
    /// How long readers' data is kept.
    #[serde(default)]
    pub retention: Retention,
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
        self.window()?;
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
}
