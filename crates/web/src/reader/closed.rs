//! The page behind a ticket that opens nothing: nothing has changed, and where a new link is.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame, OwnWords};
use crate::Site;
use crate::error::{PageError, page};
use crate::language::Language;

/// Why a way in is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The link is expired, forged, cut off, or another town's.
    Gone,
    /// An invitation that is over or was withdrawn; whoever was invited has no link of their own yet.
    Invitation,
    /// The link was used: what it was for is done.
    Used,
}

#[derive(Template)]
#[template(path = "reader/closed.html")]
struct ClosedPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    how: &'static str,
    /// The page to register; only where somebody was invited.
    form: Option<String>,
    how_button: &'static str,
    desks: Desks,
}

/// Says why, and how else.
pub(crate) fn closed(site: &Site, tenant: &Tenant, language: Language, why: Closed) -> Result<Response, PageError> {
    let words = OwnWords::of(language);
    let (status, title, text) = match why {
        Closed::Gone | Closed::Invitation => (StatusCode::NOT_FOUND, words.gone_title, words.gone_text),
        Closed::Used => (StatusCode::GONE, words.used_title, words.used_text),
    };
    let is_invited = why == Closed::Invitation;
    let shown = ClosedPage {
        frame: Frame::new(tenant, language),
        title,
        text,
        how: if is_invited { words.on_your_own } else { words.new_link },
        form: is_invited.then(|| format!("/{}/register{}", tenant.code, language.query())),
        how_button: words.on_your_own_button,
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}
