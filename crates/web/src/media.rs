//! Pictures of articles, under names that never mean another picture.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use kizuna_domain::content::picture::PictureName;
use kizuna_store::media;

use crate::assets::FOREVER;
use crate::error::PageError;
use crate::guard::{Shared, blocking};

/// Serves a picture by its digest; open to everyone, because whoever got a message may pass it on.
pub(crate) async fn get(State(site): State<Shared>, Path(name): Path<String>) -> Result<Response, PageError> {
    let name: PictureName = name.parse().map_err(|_| PageError::NotFound)?;
    let media_type = name.kind().media_type();
    let bytes = blocking(&site, move |site| Ok(site.env.db.read(|tx| media::get(tx, &name))?)).await?;
    let bytes = bytes.ok_or(PageError::NotFound)?;
    Ok(([(CONTENT_TYPE, media_type), (CACHE_CONTROL, FOREVER)], bytes).into_response())
}
