//! 人と役割: who works here and as what, who was invited, and inviting somebody.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::staff::Role;
use kizuna_engine::EngineError;
use kizuna_engine::actions::staff as actions;
use kizuna_store::staff::{self, Offer};
use serde::Deserialize;

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::{Done, Problems, mendable};
use crate::format;
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/people.html")]
struct PeoplePage {
    shell: Shell,
    problems: Problems,
    note: &'static str,
    people: Vec<PersonRow>,
    invited: Vec<InvitedRow>,
    /// True where the tenant depends on one person.
    is_alone: bool,
    roles: &'static [Role],
    mail: String,
    role: Role,
}

struct PersonRow {
    id: String,
    name: String,
    mail: String,
    role: &'static str,
    is_self: bool,
    /// True where the means of signing in were taken away and not chosen anew yet.
    waits: bool,
}

struct InvitedRow {
    id: String,
    mail: String,
    role: &'static str,
    until: String,
}

fn look(
    site: &Site,
    office: &Office,
    note: &'static str,
    problems: Problems,
    (mail, role): (String, Role),
) -> Result<PeoplePage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let (people, invited) = env.db.read(|tx| {
        Ok((
            staff::of_tenant(tx, &env.keys, tenant.scope())?,
            staff::invitations(tx, &env.keys, tenant.scope(), env.clock.now())?,
        ))
    })?;
    let administrators = people.iter().filter(|(_, role)| *role == Role::Administrator);
    let is_alone = administrators.count() == 1;
    let people = people.into_iter().map(|(person, role)| PersonRow {
        id: person.id.to_string(),
        is_self: person.id == office.myself.staff.id,
        waits: !person.can_sign_in && office.myself.token.is_some(),
        name: person.name,
        mail: person.mail,
        role: role.ja(),
    });
    let invited = invited.into_iter().filter_map(|invitation| match invitation.offer {
        Offer::Place(_, role) => Some(InvitedRow {
            id: invitation.id.to_string(),
            mail: invitation.mail,
            role: role.ja(),
            until: format::instant(invitation.expires, &zone),
        }),
        Offer::Operator | Offer::NewCredentials => None,
    });
    Ok(PeoplePage {
        shell: Shell::new(office, Here::Staff, "人と役割").with_error(!problems.is_empty()),
        note,
        people: people.collect(),
        invited: invited.collect(),
        is_alone,
        roles: &Role::OF_TENANTS,
        mail,
        role,
        problems,
    })
}

/// Shows the people.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(done): Query<Done>,
    office: Office,
) -> Result<Response, PageError> {
    let note = done.said(&[
        ("role", "役割を変えました。次にひらくページから変わります。"),
        ("remove", "外しました。この人は、もうこの自治体の画面をひらけません。"),
        ("withdraw", "招待を取り消しました。リンクは、もう使えません。"),
    ]);
    let note = note.unwrap_or_default();
    let shown = blocking(&site, move |site| {
        look(site, &office, note, Problems::default(), (String::new(), Role::Editor))
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Whom to invite as what.
#[derive(Deserialize)]
pub(crate) struct Invite {
    #[serde(default)]
    mail: String,
    #[serde(default)]
    role: String,
}

/// Invites somebody and shows the link.
pub(crate) async fn invite(
    State(site): State<Shared>,
    office: Office,
    Form(typed): Form<Invite>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Some(role) = Role::from_code(&typed.role) else {
            return Err(PageError::NotFound);
        };
        let offer = Offer::Place(office.tenant.scope(), role);
        match mendable(actions::invite(&site.env, office.actor(), offer, &typed.mail))? {
            Ok(invited) => {
                let there = format!("/{}/invitations/{}", office.tenant.code, invited.id);
                Ok(Redirect::to(&there).into_response())
            }
            Err(problem) => {
                let shown = look(site, &office, "", Problems::one(problem), (typed.mail, role))?;
                page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
            }
        }
    })
    .await
}
