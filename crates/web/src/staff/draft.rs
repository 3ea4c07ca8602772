//! What was being written when a session ended: it travels sealed in the sign-in form and is sent on by its writer.
//!
//! Sealed for one person, with the address it was meant for. Nothing is kept here and nothing is sent by itself.

use askama::Template;
use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kizuna_domain::ids::StaffId;
use serde::{Deserialize, Serialize};

use crate::Site;
use crate::error::{PageError, page};
use crate::guard::Shared;

const DRAFT: &str = "draft";

/// A form on its way to an address.
#[derive(Serialize, Deserialize)]
pub(crate) struct Draft {
    path: String,
    fields: Vec<(String, String)>,
}

/// Seals the fields of a form for the person whose session ended; none where there is no readable form.
pub(crate) async fn keep(site: &Shared, staff: StaffId, path: &str, request: Request) -> Option<String> {
    let Form(fields) = Form::from_request(request, site).await.ok()?;
    let draft = Draft {
        path: path.to_owned(),
        fields,
    };
    let words = serde_json::to_string(&draft).ok()?;
    Some(URL_SAFE_NO_PAD.encode(site.env.keys.seal(DRAFT, staff.bytes(), &words)))
}

/// Opens a draft of this person; none where it is somebody else's or was changed.
pub(crate) fn open(site: &Site, staff: StaffId, sealed: &str) -> Option<Draft> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let words = site.env.keys.open(DRAFT, staff.bytes(), &bytes).ok()?;
    serde_json::from_str(&words).ok()
}

#[derive(Template)]
#[template(path = "staff/resume.html")]
struct ResumePage {
    draft: Draft,
}

/// The page with the one button that sends the form on.
pub(crate) fn resume(draft: Draft) -> Result<Response, PageError> {
    page(StatusCode::OK, &ResumePage { draft })
}
