//! Staff: what each role may do, as one table; how long a sign-in lasts, and how long a wrong one waits.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::people::codes;
use crate::{roster, text};

codes! {
    /// What a person may do for a tenant; an operator has theirs for every tenant.
    Role {
        /// 管理者.
        Administrator = "administrator",
        /// 担当者.
        Editor = "editor",
        /// 確認者.
        Approver = "approver",
        /// 閲覧のみ.
        Viewer = "viewer",
        /// 運用者: of the installation, not of one tenant.
        Operator = "operator",
    }
}

codes! {
    /// One thing that a page lets its visitor do.
    Permission {
        /// Counts, plans and texts of a tenant.
        OfficeView = "office.view",
        /// One family's calendar, and the letters that were written into a folder.
        FamiliesView = "families.view",
        /// The state of the tenant's LINE account.
        LineView = "line.view",
        /// Credentials of the tenant's LINE account.
        LineConnect = "line.connect",
        /// Menus that families see in LINE.
        LineMenus = "line.menus",
        /// The places whose links lead families in.
        PlacesManage = "places.manage",
        /// Inviting people, changing roles, removing people.
        StaffManage = "staff.manage",
        /// The record of who did what.
        AuditView = "audit.view",
    }
}

/// One line of the table.
struct Row {
    ja: &'static str,
    means: &'static str,
    may: &'static [Permission],
}

impl Role {
    /// Roles that a tenant's administrator may give.
    pub const OF_TENANTS: [Role; 4] = [Role::Administrator, Role::Editor, Role::Approver, Role::Viewer];

    /// The table of roles and permissions.
    ///
    /// An operator keeps an installation running and helps with accounts; families and the words they see are the
    /// municipality's own.
    const fn row(self) -> Row {
        use Permission::{
            AuditView, FamiliesView, LineConnect, LineMenus, LineView, OfficeView, PlacesManage, StaffManage,
        };
        match self {
            Role::Administrator => Row {
                ja: "管理者",
                means: "すべてを扱います。人をまねき、役割を変え、記録を見ます。",
                may: &[
                    OfficeView,
                    FamiliesView,
                    LineView,
                    LineConnect,
                    LineMenus,
                    PlacesManage,
                    StaffManage,
                    AuditView,
                ],
            },
            Role::Editor => Row {
                ja: "担当者",
                means: "毎日の仕事をします。人と役割は変えられません。",
                may: &[OfficeView, FamiliesView, LineView, LineMenus, PlacesManage],
            },
            Role::Approver => Row {
                ja: "確認者",
                means: "内容と記録を確かめます。変えることはできません。",
                may: &[OfficeView, FamiliesView, LineView, AuditView],
            },
            Role::Viewer => Row {
                ja: "閲覧のみ",
                means: "人数と予定を見ます。ひとつひとつの家庭は見えません。",
                may: &[OfficeView, LineView],
            },
            Role::Operator => Row {
                ja: "運用者",
                means: "システムを動かす人です。すべての自治体の設定を手伝い、家庭は見えません。",
                may: &[OfficeView, LineView, LineConnect, StaffManage, AuditView],
            },
        }
    }

    /// The name on pages.
    pub const fn ja(self) -> &'static str {
        self.row().ja
    }

    /// What the role is for, in a sentence for whoever gives it.
    pub const fn means(self) -> &'static str {
        self.row().means
    }

    /// True where the role has the permission.
    ///
    /// ```
    /// use kizuna_domain::staff::{Permission, Role};
    /// assert!(Role::Administrator.may(Permission::StaffManage));
    /// assert!(!Role::Operator.may(Permission::FamiliesView));
    /// ```
    pub fn may(self, permission: Permission) -> bool {
        self.row().may.contains(&permission)
    }
}

/// An e-mail address by which somebody signs in, folded so that one address has one form. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffMail(String);

/// A text that is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write an e-mail address like hanako@example.jp")]
pub struct NotAMail;

impl StaffMail {
    /// Reads an address; full-width letters and capitals are folded.
    ///
    /// ```
    /// use kizuna_domain::staff::StaffMail;
    /// assert_eq!(StaffMail::parse(" Ｈanako@Example.JP").unwrap().as_str(), "hanako@example.jp");
    /// assert!(StaffMail::parse("hanako").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<StaffMail, NotAMail> {
        let folded = text::fold(text);
        // A colon would end the name of the account in an authenticator.
        if roster::is_plausible_address("email", &folded) && !folded.contains(':') {
            Ok(StaffMail(folded))
        } else {
            Err(NotAMail)
        }
    }

    /// The folded address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StaffMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffMail(‹hidden›)")
    }
}

/// Longest name of a person, in characters.
pub const NAME_CHARS_MAX: usize = 40;

/// A person's name as it is kept: outer white space removed; `None` where it is empty, too long or holds invisible characters.
///
/// ```
/// assert_eq!(kizuna_domain::staff::read_name("　見本 花子 ").as_deref(), Some("見本 花子"));
/// assert_eq!(kizuna_domain::staff::read_name(" "), None);
/// ```
pub fn read_name(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    let is_one_line = !name.contains(['\n', '\t']) && text::invisible(name).is_none();
    (fits && is_one_line).then(|| name.to_owned())
}

/// How long an invitation is good for.
pub const INVITATION_LIFE: SignedDuration = SignedDuration::from_hours(72);
/// A session that is not used for this long is over: a desk that was left.
pub const SESSION_IDLE: SignedDuration = SignedDuration::from_mins(30);
/// A session is over after this long however much it is used: a day's work.
pub const SESSION_LIFE: SignedDuration = SignedDuration::from_hours(10);
/// Use is written down at most this often, so that looking at pages writes next to nothing.
pub const SESSION_NOTED: SignedDuration = SignedDuration::from_mins(1);
/// How long it stays known whose session is over, so that what was being written can be taken up again.
pub const SESSION_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When a session began and was last known to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// The sign-in.
    pub begun: Timestamp,
    /// The last use that was written down.
    pub used: Timestamp,
}

impl Stay {
    /// True where the person must sign in again.
    pub fn is_over(self, now: Timestamp) -> bool {
        now.duration_since(self.used) >= SESSION_IDLE || now.duration_since(self.begun) >= SESSION_LIFE
    }

    /// True where this use is worth writing down.
    pub fn is_worth_noting(self, now: Timestamp) -> bool {
        now.duration_since(self.used) >= SESSION_NOTED
    }
}

/// How wrong sign-ins of one kind are slowed down: some are free, then each doubles the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    free: u32,
}

impl Backoff {
    /// For one account, from wherever.
    pub const ACCOUNT: Backoff = Backoff { free: 5 };
    /// For one client address, for whichever account: a town hall shares one.
    pub const CLIENT: Backoff = Backoff { free: 20 };
    /// The first wait.
    pub const FIRST: SignedDuration = SignedDuration::from_secs(30);
    /// The longest wait: nobody is locked out for ever.
    pub const LONGEST: SignedDuration = SignedDuration::from_mins(15);
    /// Failures that lie further back are forgotten.
    pub const MEMORY: SignedDuration = SignedDuration::from_hours(24);

    /// The wait after so many failures in a row.
    ///
    /// ```
    /// use kizuna_domain::staff::Backoff;
    /// let waits = [4, 5, 6, 7, 30].map(|failures| Backoff::ACCOUNT.wait(failures).as_secs());
    /// assert_eq!(waits, [0, 30, 60, 120, 900]);
    /// ```
    pub fn wait(self, failures: u32) -> SignedDuration {
        let Some(beyond) = failures.checked_sub(self.free) else {
            return SignedDuration::ZERO;
        };
        let factor = 2_i32.checked_pow(beyond).unwrap_or(i32::MAX);
        Backoff::FIRST
            .checked_mul(factor)
            .map_or(Backoff::LONGEST, |wait| wait.min(Backoff::LONGEST))
    }
}
