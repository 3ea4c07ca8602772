//! 登録の入口: the places whose short links and QR codes lead families in, and how many registered through each.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::place::NAME_CHARS_MAX;
use kizuna_domain::staff::Permission;
use kizuna_engine::actions::places::{self as actions, Put};
use kizuna_store::places;
use serde::Deserialize;

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::form::{Done, Problems};
use crate::format;
use crate::guard::{Office, Shared, blocking};
use crate::staff::Qr;

#[derive(Template)]
#[template(path = "office/places.html")]
struct PlacesPage {
    shell: Shell,
    problems: Problems,
    note: &'static str,
    /// Where everybody without a place's link comes in.
    front: String,
    places: Vec<Row>,
    may_change: bool,
    typed: String,
    name_chars_max: usize,
}

struct Row {
    code: String,
    name: String,
    registrations: String,
    link: String,
    qr: Option<Qr>,
}

fn look(
    site: &Site,
    office: &Office,
    note: &'static str,
    problems: Problems,
    typed: String,
) -> Result<PlacesPage, PageError> {
    let tenant = &office.tenant;
    let found = site.env.db.read(|tx| places::of_tenant(tx, tenant.scope()))?;
    let base = &office.base_url;
    let rows = found.into_iter().map(|place| {
        let link = format!("{base}/r/{}", place.code);
        Row {
            registrations: match u64::try_from(place.registrations).unwrap_or_default() {
                0 => "まだありません".to_owned(),
                number => format::families(number, tenant.settings.kind),
            },
            qr: Qr::of(&link),
            code: place.code.to_string(),
            name: place.name,
            link,
        }
    });
    Ok(PlacesPage {
        shell: Shell::new(office, Here::Places, "登録の入口").with_error(!problems.is_empty()),
        problems,
        note,
        front: format!("{base}/{}/register", tenant.code),
        places: rows.collect(),
        may_change: office.may(Permission::PlacesManage),
        typed,
        name_chars_max: NAME_CHARS_MAX,
    })
}

/// Shows the places.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(done): Query<Done>,
    office: Office,
) -> Result<Response, PageError> {
    let note = done.said(&[
        ("add", "入口をふやしました。"),
        ("rename", "名前を変えました。リンクとQRコードは、前のままです。"),
    ]);
    let note = note.unwrap_or_default();
    let shown = blocking(&site, move |site| {
        look(site, &office, note, Problems::default(), String::new())
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// A name of a place.
#[derive(Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    name: String,
}

/// Adds a place.
pub(crate) async fn add(
    State(site): State<Shared>,
    office: Office,
    Form(named): Form<Named>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let put = actions::add(&site.env, office.actor(), &office.tenant, &named.name)?;
        answer(site, &office, put, "name", named.name)
    })
    .await
}

/// Gives a place another name.
pub(crate) async fn rename(
    State(site): State<Shared>,
    office: Office,
    Path((_, code)): Path<(String, String)>,
    Form(named): Form<Named>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let code = code.parse().map_err(|_| PageError::NotFound)?;
        let put = actions::rename(&site.env, office.actor(), &office.tenant, code, &named.name)?;
        answer(site, &office, put, "", String::new())
    })
    .await
}

fn answer(site: &Site, office: &Office, put: Put, field: &'static str, typed: String) -> Result<Response, PageError> {
    let mut problems = Problems::default();
    match put {
        Put::Done(_) => {
            let what = if field.is_empty() { "rename" } else { "add" };
            let there = format!("/{}/places?done={what}", office.tenant.code);
            return Ok(Redirect::to(&there).into_response());
        }
        Put::Gone => return Err(PageError::NotFound),
        Put::Name => problems.add(field, format!("名前を、{NAME_CHARS_MAX}文字までで入れてください。")),
        Put::Full => problems.add(
            field,
            "入口が多すぎます。使っていない入口の名前を変えて、お使いください。",
        ),
    }
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &look(site, office, "", problems, typed)?,
    )
}
