//! 家族の一覧, only where the families are invented: real ones are never listed.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::{Follower, Reach, SubscriptionState};
use kizuna_domain::position::{Anchor, stage_label};
use kizuna_engine::run;
use kizuna_store::people;
use serde::Deserialize;

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

/// Families on one page.
const FAMILIES_PER_PAGE: usize = 50;

/// Where a page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct AfterQuery {
    after: Option<String>,
}

#[derive(Template)]
#[template(path = "office/families.html")]
struct FamiliesPage {
    shell: Shell,
    families: Vec<FamilyRow>,
    first_page: bool,
    /// Where the next page begins; empty at the end.
    after: String,
}

struct FamilyRow {
    id: String,
    name: String,
    stage: String,
    anchor: String,
    state: StateTag,
}

/// State of a subscription with its sign.
pub(super) struct StateTag {
    pub(super) words: &'static str,
    pub(super) class: &'static str,
}

impl StateTag {
    pub(super) fn of(follower: &Follower) -> StateTag {
        match (follower.state, follower.reach) {
            (SubscriptionState::Ended, _) => StateTag {
                words: "止めた",
                class: "muted",
            },
            (SubscriptionState::Paused, _) => StateTag {
                words: "お休み中",
                class: "warn",
            },
            (SubscriptionState::Active, Reach::Silent(_)) => StateTag {
                words: "配信先がない",
                class: "err",
            },
            (SubscriptionState::Active, Reach::At { .. }) => StateTag {
                words: "受け取り中",
                class: "ok",
            },
        }
    }
}

/// What a family is called on these pages: the child's nickname, else a short number.
pub(super) fn name(follower: &Follower) -> String {
    let id = follower.subscription.to_string();
    let digits = id.get(id.len() - 4..).unwrap_or_default();
    match &follower.nickname {
        Some(nickname) => format!("{nickname}（#{digits}）"),
        None => format!("家族 #{digits}"),
    }
}

/// The date that everything follows from, in words.
pub(super) fn anchor_words(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Due(due) => format!("予定日 {}", due.japanese()),
        Anchor::Birth { on, .. } => format!("うまれた日 {}", on.japanese()),
    }
}

/// Shows a page of families.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(query): Query<AfterQuery>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, &query)).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office, query: &AfterQuery) -> Result<FamiliesPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    if !tenant.settings.kind.allows_samples() {
        return Err(PageError::NotFound);
    }
    let after: Option<SubscriptionId> = match query.after.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => Some(text.parse().map_err(|_| PageError::NotFound)?),
        None => None,
    };
    let today = run::today(env, tenant)?;
    let mut found = env
        .db
        .read(|tx| people::after(tx, &env.keys, tenant.scope(), after, FAMILIES_PER_PAGE + 1))?;
    let more = found.len() > FAMILIES_PER_PAGE;
    found.truncate(FAMILIES_PER_PAGE);
    let next = found.last().filter(|_| more).map(|last| last.subscription.to_string());
    let customs = &tenant.settings.customs;
    let families = found.iter().map(|follower| FamilyRow {
        id: follower.subscription.to_string(),
        name: name(follower),
        stage: stage_label(&follower.anchor, today, customs),
        anchor: anchor_words(&follower.anchor),
        state: StateTag::of(follower),
    });
    Ok(FamiliesPage {
        shell: Shell::new(office, Here::Families, "家族の一覧"),
        families: families.collect(),
        first_page: after.is_none(),
        after: next.unwrap_or_default(),
    })
}
