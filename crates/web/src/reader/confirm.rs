//! The link in a mail: shows what was entered, and registers with a press. Programs that follow links register nobody.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::people::Relation;
use kizuna_engine::actions::registration::{self as actions, Registration};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::run;
use kizuna_store::tenants::Tenant;

use super::entry::{Checked, Look};
use super::entry_words::EntryWords;
use super::registered::registered;
use super::{Closed, Desks, Frame, Way};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    words: &'static EntryWords,
    action: String,
    look: Look,
}

#[derive(Template)]
#[template(path = "reader/entry_gone.html")]
struct GonePage {
    frame: Frame,
    words: &'static EntryWords,
    title: &'static str,
    text: &'static str,
    /// Where to begin; none behind a link that was used, perhaps by somebody who has stopped since: they are asked nothing.
    form: Option<String>,
    desks: Desks,
}

/// The page behind a link of a mail that opens nothing: nothing has changed, and where to begin again unless it was used.
pub(super) fn gone(site: &Site, tenant: &Tenant, language: Language, why: Closed) -> Result<Response, PageError> {
    let words = EntryWords::of(language);
    let form = || format!("/{}/register{}", tenant.code, language.query());
    let (status, title, text, form) = match why {
        Closed::Used => (StatusCode::GONE, words.used_title, words.used_text, None),
        Closed::Gone | Closed::Invitation => (StatusCode::NOT_FOUND, words.gone_title, words.gone_text, Some(form())),
    };
    let shown = GonePage {
        frame: Frame::new(tenant, language),
        words,
        title,
        text,
        form,
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}

/// Shows what waits for a press; opening changes nothing.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| match open(site, &tenant, &token)? {
        Shown::Good(pass) => look(site, &tenant, language, &token, &pass),
        Shown::Used(_) => Ok(to_done(&tenant, language, &token)),
        Shown::Nothing => gone(site, &tenant, language, Closed::Gone),
    })
    .await
}

/// Registers; the second of two presses sees what the first one did.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| match open(site, &tenant, &token)? {
        Shown::Good(pass) => {
            let waiting = actions::waiting(&pass)?;
            actions::register(&site.env, &tenant, &pass, &waiting.registration)?;
            Ok(to_done(&tenant, language, &token))
        }
        Shown::Used(_) => Ok(to_done(&tenant, language, &token)),
        Shown::Nothing => gone(site, &tenant, language, Closed::Gone),
    })
    .await
}

/// Says that it is done, where the family stands, and what comes when.
pub(crate) async fn done(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| match open(site, &tenant, &token)? {
        Shown::Used(pass) => match actions::reader_of(&site.env, &tenant, &pass)? {
            Some(reader) => registered(site, &tenant, language, Way::Mail, reader),
            None => gone(site, &tenant, language, Closed::Used),
        },
        Shown::Good(_) => Ok(Redirect::to(&address(&tenant, language, &token)).into_response()),
        Shown::Nothing => gone(site, &tenant, language, Closed::Gone),
    })
    .await
}

fn open(site: &Site, tenant: &Tenant, token: &str) -> Result<Shown, PageError> {
    Ok(identity::show(&site.env, tenant.scope(), Purpose::MailConfirm, token)?)
}

fn address(tenant: &Tenant, language: Language, token: &str) -> String {
    format!("/{}/confirm/{token}{}", tenant.code, language.query())
}

fn to_done(tenant: &Tenant, language: Language, token: &str) -> Response {
    let page = format!("/{}/confirm/{token}/done{}", tenant.code, language.query());
    Redirect::to(&page).into_response()
}

fn look(site: &Site, tenant: &Tenant, language: Language, token: &str, pass: &Pass) -> Result<Response, PageError> {
    let waiting = actions::waiting(pass)?;
    let Some(anchor) = waiting.registration.anchor() else {
        return gone(site, tenant, language, Closed::Gone);
    };
    // A mail may be opened by others: the child's name and what the reader is to it stay out of this page.
    let checked = Checked {
        registration: Registration {
            relation: Relation::Unsaid,
            nickname: None,
            ..waiting.registration
        },
        anchor,
        way: Way::Mail,
        mail: waiting.address,
    };
    let shown = ConfirmPage {
        frame: Frame::new(tenant, language),
        words: EntryWords::of(language),
        action: address(tenant, language, token),
        look: Look::new(tenant, language, run::today(&site.env, tenant)?, &checked),
    };
    page(StatusCode::OK, &shown)
}
