//! What a municipality's staff see. Counts and stages; lists of families only where the families are invented.

pub(crate) mod audit;
pub(crate) mod demo;
pub(crate) mod families;
pub(crate) mod family;
pub(crate) mod invitation;
pub(crate) mod letter;
pub(crate) mod line;
pub(crate) mod line_guest;
pub(crate) mod line_menu;
pub(crate) mod line_menus;
pub(crate) mod mail_file;
pub(crate) mod mailbox;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod today;

use std::collections::BTreeMap;

use kizuna_domain::people::SkipReason;
use kizuna_domain::staff::{Permission, Role};
use kizuna_domain::tenant::TenantKind;

use crate::format;
use crate::guard::Office;

/// Which entry of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Demo,
    Today,
    Plan,
    Families,
    Line,
    Mailbox,
    Places,
    Staff,
    Audit,
}

/// What all staff pages share.
pub(crate) struct Shell {
    title: String,
    code: String,
    name: String,
    sender: String,
    here: Here,
    /// Why nothing here is in earnest; empty where it is.
    ribbon: &'static str,
    /// True where families are invented, so that they may be listed.
    lists_families: bool,
    has_mailbox: bool,
    roles: Vec<Role>,
    /// Who is signed in.
    person: String,
    /// False in the demo, where nobody signs in.
    signs_out: bool,
    neighbours: Vec<(String, String)>,
}

impl Shell {
    /// The same with a title that says that something could not be read.
    fn with_error(mut self, is_error: bool) -> Shell {
        if is_error {
            self.title = format!("エラー：{}", self.title);
        }
        self
    }

    /// True where an entry of the menu leads somewhere for this person.
    fn shows(&self, entry: Here) -> bool {
        let (permission, exists) = match entry {
            Here::Demo => (Permission::FamiliesView, !self.signs_out),
            Here::Today | Here::Plan | Here::Places => (Permission::OfficeView, true),
            Here::Families => (Permission::FamiliesView, self.lists_families),
            Here::Line => (Permission::LineView, true),
            Here::Mailbox => (Permission::FamiliesView, self.has_mailbox),
            Here::Staff => (Permission::StaffManage, true),
            Here::Audit => (Permission::AuditView, true),
        };
        exists && self.roles.iter().any(|role| role.may(permission))
    }

    /// What the person is here.
    fn role(&self) -> &'static str {
        self.roles.first().map_or("", |role| role.ja())
    }

    fn new(office: &Office, here: Here, title: impl Into<String>) -> Shell {
        let tenant = &office.tenant;
        Shell {
            title: title.into(),
            code: tenant.code.clone(),
            name: tenant.name.clone(),
            sender: tenant.settings.sender_name.clone(),
            here,
            ribbon: match tenant.settings.kind {
                TenantKind::Demo => "これはデモです。家族はつくりもので、だれにも届きません。",
                TenantKind::Practice => "これは練習です。本物の家族は登録しないでください。",
                TenantKind::Municipality | TenantKind::Company => "",
            },
            lists_families: tenant.settings.kind.allows_samples(),
            has_mailbox: office.has_mailbox,
            roles: office.roles.clone(),
            person: office.myself.staff.name.clone(),
            signs_out: office.myself.token.is_some(),
            neighbours: office.neighbours.clone(),
        }
    }
}

/// A reason with the number of families it holds for.
struct ReasonRow {
    words: String,
    families: String,
}

/// Reasons why families get nothing, the commonest first.
fn reason_rows<N: Copy + Into<i128>>(reasons: &BTreeMap<String, N>, kind: TenantKind) -> Vec<ReasonRow> {
    let mut rows: Vec<(&str, i128)> = reasons
        .iter()
        .map(|(code, number)| (code.as_str(), (*number).into()))
        .collect();
    rows.sort_by_key(|(code, number)| (std::cmp::Reverse(*number), *code));
    let rows = rows.into_iter().filter(|(_, number)| *number > 0);
    rows.map(|(code, number)| {
        let number = u64::try_from(number).unwrap_or_default();
        let reason = SkipReason::from_code(code);
        ReasonRow {
            words: reason.map_or_else(|| code.to_owned(), |reason| reason.ja().to_owned()),
            families: format::families(number, kind),
        }
    })
    .collect()
}

/// What became of a failed letter, in plain words.
fn failure_words(code: &str) -> &'static str {
    match code.strip_prefix("failed:").unwrap_or(code) {
        "address-gone" => "アドレスがありません",
        "blocked" => "受け取りを断られています（ブロック）",
        "policy" => "相手の迷惑メール対策などで断られました",
        "expired" => "時間内に送れませんでした",
        "payload" => "原稿の形に問題があり、送れませんでした",
        "unknown" => "送れたかどうか、わかりません",
        _ => "送れませんでした",
    }
}
