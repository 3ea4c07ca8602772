//! The address that LINE calls: proved, made durable, answered. Whatever follows is done afterwards.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kizuna_engine::line::{HOP_HEADER, Received, Request, SIGNATURE_HEADER};

use crate::error::{Finished, PageError};
use crate::guard::{Shared, blocking};

/// Takes what LINE tells; an answer of 200 means that it will not be lost.
pub(crate) async fn post(
    State(site): State<Shared>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let (told, heard) = tokio::sync::oneshot::channel();
    let received = blocking(&site, move |site| {
        let request = Request {
            signature: headers.get(SIGNATURE_HEADER).map_or(&[], |value| value.as_bytes()),
            has_hopped: headers.contains_key(HOP_HEADER),
            body: &body,
        };
        let told = move |kept| {
            // A caller that hung up comes again and is recognised.
            let _ = told.send(kept);
        };
        Ok(site.inbox.receive(&site.env, &tenant, &request, Box::new(told))?)
    })
    .await?;
    let status = match received {
        Received::Unknown => StatusCode::NOT_FOUND,
        Received::Forged => StatusCode::UNAUTHORIZED,
        Received::Unreadable => StatusCode::BAD_REQUEST,
        Received::Empty => StatusCode::OK,
        Received::Waits if heard.await == Ok(true) => StatusCode::OK,
        Received::Waits | Received::Full => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = status.into_response();
    response.extensions_mut().insert(Finished);
    Ok(response)
}
