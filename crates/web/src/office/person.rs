//! One person at a tenant: another role, or no place any more.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::StaffId;
use kizuna_domain::staff::Role;
use kizuna_engine::actions::staff::{self as actions, StaffProblem};
use kizuna_store::staff;
use serde::Deserialize;

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::{Problems, mendable};
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/person.html")]
struct PersonPage {
    shell: Shell,
    problems: Problems,
    id: String,
    name: String,
    mail: String,
    role: Role,
    roles: &'static [Role],
    is_self: bool,
}

/// The person of an address; a page that does not exist for anybody who has no place here.
fn show(site: &Site, office: &Office, id: &str, problems: Problems) -> Result<Response, PageError> {
    let env = &site.env;
    let id: StaffId = id.parse().map_err(|_| PageError::NotFound)?;
    let found = env.db.read(|tx| {
        let role = staff::role(tx, office.tenant.scope(), id)?;
        Ok(role.zip(staff::by_id(tx, &env.keys, id)?))
    })?;
    let (role, person) = found.ok_or(PageError::NotFound)?;
    let status = if problems.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shown = PersonPage {
        shell: Shell::new(office, Here::Staff, format!("{}さん", person.name)).with_error(!problems.is_empty()),
        problems,
        id: id.to_string(),
        name: person.name,
        mail: person.mail,
        role,
        roles: &Role::OF_TENANTS,
        is_self: id == office.myself.staff.id,
    };
    page(status, &shown)
}

/// The parts of the address.
#[derive(Deserialize)]
pub(crate) struct Named {
    staff: String,
}

/// Shows the person.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path(named): Path<Named>,
    office: Office,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        show(site, &office, &named.staff, Problems::default())
    })
    .await
}

fn done(
    site: &Site,
    office: &Office,
    id: &str,
    what: &str,
    result: Result<(), StaffProblem>,
) -> Result<Response, PageError> {
    match result {
        Ok(()) => {
            let there = format!("/{}/staff?done={what}", office.tenant.code);
            Ok(Redirect::to(&there).into_response())
        }
        Err(StaffProblem::Unknown) => Err(PageError::NotFound),
        Err(problem) => show(site, office, id, Problems::one(problem)),
    }
}

/// Another role.
#[derive(Deserialize)]
pub(crate) struct NewRole {
    #[serde(default)]
    role: String,
}

/// Gives another role.
pub(crate) async fn set_role(
    State(site): State<Shared>,
    Path(named): Path<Named>,
    office: Office,
    Form(typed): Form<NewRole>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let id: StaffId = named.staff.parse().map_err(|_| PageError::NotFound)?;
        let role = Role::from_code(&typed.role).ok_or(PageError::NotFound)?;
        let result = actions::set_role(&site.env, office.actor(), office.tenant.scope(), id, role);
        done(site, &office, &named.staff, "role", mendable(result)?)
    })
    .await
}

/// Takes the place away.
pub(crate) async fn remove(
    State(site): State<Shared>,
    Path(named): Path<Named>,
    office: Office,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let id: StaffId = named.staff.parse().map_err(|_| PageError::NotFound)?;
        let result = actions::remove(&site.env, office.actor(), office.tenant.scope(), id);
        done(site, &office, &named.staff, "remove", mendable(result)?)
    })
    .await
}
