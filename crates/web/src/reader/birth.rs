//! うまれました: the day of birth, and from then on the words for raising a child. A birth is never assumed.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::Follower;
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, Situation};
use kizuna_engine::actions::registration::{Change, change};
use kizuna_engine::line::identity::Pass;
use kizuna_engine::run;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, sentence};
use super::settings::{children, finish, holder};
use super::{Desks, Frame, OwnWords, dates, desks, show_menu};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    subscription: String,
    birth_y: String,
    birth_m: String,
    birth_d: String,
}

impl Entry {
    fn parts(&self) -> Parts {
        Parts {
            year: self.birth_y.clone(),
            month: self.birth_m.clone(),
            day: self.birth_d.clone(),
        }
    }
}

/// One pregnancy of a reader.
struct Expected {
    subscription: SubscriptionId,
    stage: String,
    due: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reader/birth.html")]
struct BirthPage {
    frame: Frame,
    words: &'static OwnWords,
    action: String,
    /// What is wrong, with the id of the field to go to.
    problem: Option<(String, String)>,
    expected: Vec<Expected>,
    date: DateField,
    desks: Desks,
}

/// Shows the form with today's date; looking uses nothing up.
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

/// Writes the birth down.
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
        let today = run::today(&site.env, &tenant)?;
        let all = pregnancies(site, &tenant, &pass)?;
        let chosen = all
            .iter()
            .find(|one| one.subscription.to_string() == entry.subscription);
        let Some(child) = chosen else {
            return show(site, &tenant, language, &token, &pass, None);
        };
        let read = entry.parts().read();
        match read.and_then(|on| registration::born(&child.anchor, on, today)) {
            Ok(anchor) => {
                let done = change(&site.env, &tenant, &pass, child.subscription, Change::Date(anchor))?;
                show_menu(site, &tenant, &pass);
                finish(site, &tenant, language, done, "birth")
            }
            Err(problem) => {
                let wrong = Some((child.subscription, entry.parts(), problem));
                show(site, &tenant, language, &token, &pass, wrong)
            }
        }
    })
    .await
}

fn pregnancies(site: &Site, tenant: &Tenant, pass: &Pass) -> Result<Vec<Follower>, PageError> {
    let mut all = children(site, tenant, pass)?;
    all.retain(|child| child.anchor.birth().is_none());
    Ok(all)
}

fn show(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    token: &str,
    pass: &Pass,
    wrong: Option<(SubscriptionId, Parts, DateProblem)>,
) -> Result<Response, PageError> {
    let today = run::today(&site.env, tenant)?;
    let all = pregnancies(site, tenant, pass)?;
    let chosen = wrong
        .as_ref()
        .map(|(id, ..)| *id)
        .or(all.first().map(|one| one.subscription));
    let expected = all.iter().map(|one| Expected {
        subscription: one.subscription,
        stage: dates::stage(&one.anchor, today, tenant.settings.customs, language),
        due: match one.anchor {
            Anchor::Due(due) => dates::day(due, language),
            Anchor::Birth { .. } => String::new(),
        },
        chosen: Some(one.subscription) == chosen,
    });
    let asked = Asked {
        name: "birth",
        class: "",
        situation: Situation::Raising,
    };
    let (parts, problem) = match wrong {
        Some((_, parts, problem)) => (parts, Some(problem)),
        None => (Parts::of(today), None),
    };
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let date = DateField::new(&asked, tenant, language, today, &parts, problem);
    let shown = BirthPage {
        frame: Frame::new(tenant, language),
        words: OwnWords::of(language),
        action: format!("/{}/birth/{token}{}", tenant.code, language.query()),
        problem: problem.map(|problem| (sentence(problem, Situation::Raising, tenant, language), date.target())),
        expected: expected.collect(),
        date,
        desks: Desks {
            desks: desks(site, tenant)?,
        },
    };
    page(status, &shown)
}
