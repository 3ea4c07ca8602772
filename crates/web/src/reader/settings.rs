//! 設定: correct a date, pause or go on, and the way to stop. One press changes one thing and uses the ticket up.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::{Follower, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, Situation};
use kizuna_engine::actions::registration::{Change, Registered, change};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::{links, run};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, ends, sentence};
use super::{Closed, Desks, Frame, OwnWords, closed, dates, desks, show_menu};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    subscription: String,
    step: String,
    date_y: String,
    date_m: String,
    date_d: String,
}

impl Entry {
    fn parts(&self) -> Parts {
        Parts {
            year: self.date_y.clone(),
            month: self.date_m.clone(),
            day: self.date_d.clone(),
        }
    }
}

/// One child of a reader.
struct Child {
    subscription: SubscriptionId,
    stage: String,
    is_paused: bool,
    date: DateField,
}

#[derive(Template)]
#[template(path = "reader/settings.html")]
struct SettingsPage {
    frame: Frame,
    words: &'static OwnWords,
    action: String,
    stop: String,
    /// What is wrong, with the id of the field to go to.
    problem: Option<(String, String)>,
    children: Vec<Child>,
    desks: Desks,
}

/// Shows what can be changed; looking uses nothing up.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let pass = match holder(site, &tenant, language, &token)? {
            Ok(pass) => pass,
            Err(answer) => return Ok(answer),
        };
        show(site, &tenant, language, &token, &pass, None)
    })
    .await
}

/// Changes one thing of one child.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let pass = match holder(site, &tenant, language, &token)? {
            Ok(pass) => pass,
            Err(answer) => return Ok(answer),
        };
        let children = children(site, &tenant, &pass)?;
        let child = children
            .iter()
            .find(|child| child.subscription.to_string() == entry.subscription);
        let Some(child) = child else {
            return show(site, &tenant, language, &token, &pass, None);
        };
        let (what, wanted) = match entry.step.as_str() {
            "pause" => ("pause", Change::Pause),
            "resume" => ("resume", Change::Resume),
            "date" => match corrected(&tenant, run::today(&site.env, &tenant)?, child, &entry.parts()) {
                Ok(anchor) => ("date", Change::Date(anchor)),
                Err(problem) => {
                    let wrong = (child.subscription, entry.parts(), problem);
                    return show(site, &tenant, language, &token, &pass, Some(&wrong));
                }
            },
            _ => return show(site, &tenant, language, &token, &pass, None),
        };
        let done = change(&site.env, &tenant, &pass, child.subscription, wanted)?;
        show_menu(site, &tenant, &pass);
        finish(site, &tenant, language, done, what)
    })
    .await
}

/// On to a page without a ticket, or a word that the ticket was used.
pub(super) fn finish(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    done: Registered,
    what: &str,
) -> Result<Response, PageError> {
    match done {
        Registered::Now => {
            let page = format!("/{}/changed/{what}{}", tenant.code, language.query());
            Ok(Redirect::to(&page).into_response())
        }
        Registered::Before => closed(site, tenant, language, Closed::Used),
    }
}

/// The holder of a ticket to their own page, or the page that says why there is none.
pub(super) fn holder(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    token: &str,
) -> Result<Result<Pass, Response>, PageError> {
    Ok(
        match identity::show(&site.env, tenant.scope(), Purpose::Manage, token)? {
            Shown::Good(pass) => Ok(pass),
            Shown::Used(_) => Err(closed(site, tenant, language, Closed::Used)?),
            Shown::Nothing => Err(closed(site, tenant, language, Closed::Gone)?),
        },
    )
}

/// What the holder of a ticket follows.
pub(super) fn children(site: &Site, tenant: &Tenant, pass: &Pass) -> Result<Vec<Follower>, PageError> {
    let reader = identity::reader(pass)?;
    let env = &site.env;
    Ok(env
        .db
        .read(|tx| people::of_subscriber(tx, &env.keys, tenant.scope(), reader))?)
}

fn situation(child: &Follower) -> Situation {
    match child.anchor {
        Anchor::Due(_) => Situation::Pregnant,
        Anchor::Birth { .. } => Situation::Raising,
    }
}

fn corrected(tenant: &Tenant, today: Day, child: &Follower, parts: &Parts) -> Result<Anchor, DateProblem> {
    let date = parts.read()?;
    let anchor = registration::anchor(situation(child), date, today, ends(tenant), &tenant.settings.customs)?;
    match anchor {
        Anchor::Due(_) => Ok(anchor),
        Anchor::Birth { on, .. } => registration::born(&child.anchor, on, today),
    }
}

/// A date that cannot be taken, with the child it was for.
type Wrong = (SubscriptionId, Parts, DateProblem);

fn show(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    token: &str,
    pass: &Pass,
    wrong: Option<&Wrong>,
) -> Result<Response, PageError> {
    let today = run::today(&site.env, tenant)?;
    let reader = identity::reader(pass)?;
    let mut problem = None;
    let children = children(site, tenant, pass)?
        .into_iter()
        .zip(0..)
        .map(|(child, number)| {
            let asked = Asked {
                name: "date",
                class: "",
                situation: situation(&child),
            };
            let date = child.anchor.birth().or(child.anchor.due()).unwrap_or(today);
            let (parts, found) = match wrong {
                Some((id, parts, found)) if *id == child.subscription => (parts.clone(), Some(*found)),
                Some(_) | None => (Parts::of(date), None),
            };
            let date = DateField::new(&asked, tenant, language, today, &parts, found).numbered(number);
            if let Some(found) = found {
                problem = Some((sentence(found, asked.situation, tenant, language), date.target()));
            }
            Child {
                subscription: child.subscription,
                stage: dates::stage(&child.anchor, today, tenant.settings.customs, language),
                is_paused: child.state == SubscriptionState::Paused,
                date,
            }
        });
    let children = children.collect();
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let stop = links::stop_token(&site.env.keys, tenant.id, reader);
    let shown = SettingsPage {
        frame: Frame::new(tenant, language),
        words: OwnWords::of(language),
        action: format!("/{}/settings/{token}{}", tenant.code, language.query()),
        stop: format!("/{}/stop/{stop}{}", tenant.code, language.query()),
        problem,
        children,
        desks: Desks {
            desks: desks(site, tenant)?,
        },
    };
    page(status, &shown)
}
