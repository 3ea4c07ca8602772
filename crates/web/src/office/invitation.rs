//! One open invitation: its link to pass on, and withdrawing it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use kizuna_domain::ids::InvitationId;
use kizuna_engine::actions::staff as actions;
use kizuna_engine::{EngineError, links};
use kizuna_store::staff::{self, Offer};
use serde::Deserialize;

use super::{Here, Shell};
use crate::error::{PageError, page};
use crate::form::mendable;
use crate::format;
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/invitation.html")]
struct InvitationPage {
    shell: Shell,
    id: String,
    mail: String,
    role: &'static str,
    until: String,
    link: String,
}

/// The parts of the address.
#[derive(Deserialize)]
pub(crate) struct Named {
    invitation: String,
}

/// Shows the link.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path(named): Path<Named>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let (env, tenant) = (&site.env, &office.tenant);
        let id: InvitationId = named.invitation.parse().map_err(|_| PageError::NotFound)?;
        let zone = tenant.settings.zone().map_err(EngineError::from)?;
        let found = env
            .db
            .read(|tx| staff::invitation_by_id(tx, &env.keys, id, env.clock.now()))?;
        let invitation = found.ok_or(PageError::NotFound)?;
        let role = match invitation.offer {
            Offer::Place(scope, role) if scope == tenant.scope() => role,
            Offer::Place(..) | Offer::Operator | Offer::NewCredentials => return Err(PageError::NotFound),
        };
        let token = links::invitation_token(&env.keys, id);
        Ok(InvitationPage {
            shell: Shell::new(&office, Here::Staff, "招待のリンク"),
            id: id.to_string(),
            mail: invitation.mail,
            role: role.ja(),
            until: format::instant(invitation.expires, &zone),
            link: format!("{}/join/{token}", office.base_url),
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Withdraws the invitation.
pub(crate) async fn withdraw(
    State(site): State<Shared>,
    Path(named): Path<Named>,
    office: Office,
) -> Result<Redirect, PageError> {
    blocking(&site, move |site| {
        let id: InvitationId = named.invitation.parse().map_err(|_| PageError::NotFound)?;
        let result = actions::withdraw(&site.env, office.actor(), office.tenant.scope(), id);
        match mendable(result)? {
            Ok(()) => Ok(Redirect::to(&format!("/{}/staff?done=withdraw", office.tenant.code))),
            Err(_) => Err(PageError::NotFound),
        }
    })
    .await
}
