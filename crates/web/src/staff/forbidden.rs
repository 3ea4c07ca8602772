//! The answer to somebody whose role does not reach: which role does, and whom to ask.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::staff::{Permission, Role};
use kizuna_store::staff;

use crate::Site;
use crate::error::{PageError, page};
use crate::guard::Office;

/// People who are named at most.
const NAMED_MAX: usize = 5;

#[derive(Template)]
#[template(path = "staff/forbidden.html")]
struct ForbiddenPage {
    code: String,
    roles: String,
    people: String,
}

/// Says who may.
pub(crate) fn answer(site: &Site, office: &Office, permission: Permission) -> Result<Response, PageError> {
    let env = &site.env;
    let people = env
        .db
        .read(|tx| staff::of_tenant(tx, &env.keys, office.tenant.scope()))?;
    let able = people.iter().filter(|(_, role)| role.may(permission));
    let names: Vec<String> = able
        .take(NAMED_MAX)
        .map(|(person, _)| format!("{}さん", person.name))
        .collect();
    let roles = Role::OF_TENANTS.iter().filter(|role| role.may(permission));
    let roles: Vec<String> = roles.map(|role| format!("「{}」", role.ja())).collect();
    let shown = ForbiddenPage {
        code: office.tenant.code.clone(),
        roles: roles.join("か"),
        people: names.join("・"),
    };
    page(StatusCode::FORBIDDEN, &shown)
}
