//! 記録: what staff did, when. What readers did is not listed: the hour alone would tell of one family.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use kizuna_domain::ids::StaffId;
use kizuna_domain::staff::Role;
use kizuna_engine::EngineError;
use kizuna_engine::actions::words;
use kizuna_store::audit::{self, Mark, Stored};
use kizuna_store::staff;
use serde::Deserialize;

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::format;
use crate::guard::{Office, Shared, blocking};

/// Entries on one page.
const ENTRIES_PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "office/audit.html")]
struct AuditPage {
    shell: Shell,
    entries: Vec<EntryRow>,
    first_page: bool,
    /// Where the next page begins; empty at the end.
    before: String,
}

struct EntryRow {
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Before {
    before: Option<String>,
}

fn mark(text: &str) -> Option<Mark> {
    let (at, id) = text.split_once('-')?;
    let at = Timestamp::from_millisecond(at.parse().ok()?).ok()?;
    Some((at, id.parse().ok()?))
}

/// Shows a page of the record.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(query): Query<Before>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, query.before.as_deref())).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office, before: Option<&str>) -> Result<AuditPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let from = match before.filter(|text| !text.is_empty()) {
        Some(text) => Some(mark(text).ok_or(PageError::NotFound)?),
        None => None,
    };
    let limit = ENTRIES_PER_PAGE as i64 + 1;
    let (mut found, names) = env.db.read(|tx| {
        let found = audit::latest_of_staff(tx, tenant.scope(), from, limit)?;
        let mut names = HashMap::new();
        let words = found.iter().flat_map(|entry| [&entry.actor, &entry.subject]);
        for id in words.filter_map(|word| word.parse::<StaffId>().ok()) {
            if let Some(person) = staff::by_id(tx, &env.keys, id)? {
                names.insert(id.to_string(), person.name);
            }
        }
        Ok((found, names))
    })?;
    let more = found.len() > ENTRIES_PER_PAGE;
    found.truncate(ENTRIES_PER_PAGE);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| format!("{}-{}", last.at.as_millisecond(), last.id.simple()));
    let row = |entry: &Stored| EntryRow {
        at: format::instant(entry.at, &zone),
        actor: actor(&entry.actor, &names),
        action: words::ja(&entry.action).unwrap_or(&entry.action).to_owned(),
        subject: subject(&entry.subject, &names),
        detail: detail(&entry.detail),
    };
    Ok(AuditPage {
        shell: Shell::new(office, Here::Audit, "記録"),
        entries: found.iter().map(row).collect(),
        first_page: from.is_none(),
        before: next.unwrap_or_default(),
    })
}

fn actor(word: &str, names: &HashMap<String, String>) -> String {
    match word {
        "cli" => "コマンド".to_owned(),
        "system" => "自動".to_owned(),
        other => names.get(other).cloned().unwrap_or_else(|| other.to_owned()),
    }
}

/// Last digits of an identifier: enough to tell apart, too few to look somebody up.
fn number(id: &str) -> &str {
    id.get(id.len().saturating_sub(4)..).unwrap_or_default()
}

fn subject(word: &str, names: &HashMap<String, String>) -> String {
    if let Some(name) = names.get(word) {
        return name.clone();
    }
    match word.split_once('_') {
        // No number: entries about one family could be put together.
        Some(("rdr" | "sub", _)) => "読者".to_owned(),
        Some(("inv", id)) => format!("招待 #{}", number(id)),
        _ => word.to_owned(),
    }
}

fn detail(words: &str) -> String {
    let role = |code: &str| Role::from_code(code).map_or_else(|| code.to_owned(), |role| role.ja().to_owned());
    let parts = words.split_whitespace().filter_map(|word| {
        let (key, value) = word.split_once('=')?;
        Some(match key {
            "role" => role(value),
            "before" => format!("前は{}", role(value)),
            "articles" => format!("原稿{value}本"),
            "edition" => format!("配信版{value}"),
            "added" => format!("{value}件を追加"),
            "accounts" => format!("アカウント{value}件"),
            "batches" => format!("まとまり{value}件"),
            _ => word.to_owned(),
        })
    });
    parts.collect::<Vec<_>>().join("、")
}
