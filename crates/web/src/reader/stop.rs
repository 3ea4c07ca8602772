//! 配信を止める: one button, no question. A `GET` never stops, a `POST` with a reader's own token always does.
//!
//! The token is the permission, so there is no session that somebody else's page could misuse. Mail programs stop by the
//! one-click address of RFC 8058: a `POST` without cookies, redirects or pages.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_engine::actions::{Actor, people};

use super::{Desks, Frame, desks};
use crate::error::{Finished, PageError, page};
use crate::guard::{Reader, Shared, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/stop.html")]
struct StopPage {
    frame: Frame,
    action: String,
    desks: Desks,
}

/// Shows the button.
pub(crate) async fn get(State(site): State<Shared>, language: Language, reader: Reader) -> Result<Response, PageError> {
    let Reader { tenant, token, .. } = reader;
    let shown = blocking(&site, move |site| {
        Ok(StopPage {
            frame: Frame::new(&tenant, language),
            action: format!("/{}/stop/{token}{}", tenant.code, language.query()),
            desks: Desks {
                desks: desks(site, &tenant)?,
            },
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Stops everything for the reader and says so on a page without a token; a second press does the same.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    reader: Reader,
) -> Result<Redirect, PageError> {
    let after = format!("/{}/stopped{}", reader.tenant.code, language.query());
    stop(&site, reader).await?;
    Ok(Redirect::to(&after))
}

/// Stops by the button of a mail program (RFC 8058).
pub(crate) async fn one_click(
    State(site): State<Shared>,
    reader: Reader,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (status, words) = if asks_to_stop(media_type, &body) {
        stop(&site, reader).await?;
        (StatusCode::OK, "止めました。\n")
    } else {
        (
            StatusCode::BAD_REQUEST,
            "List-Unsubscribe=One-Click がありません。何も変わっていません。\n",
        )
    };
    let mut response = (status, words).into_response();
    response.extensions_mut().insert(Finished);
    Ok(response)
}

async fn stop(site: &Shared, reader: Reader) -> Result<(), PageError> {
    blocking(site, move |site| {
        Ok(people::stop(
            &site.env,
            reader.tenant.scope(),
            reader.subscriber,
            Actor::Reader,
        )?)
    })
    .await
}

const KEY: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";

/// True where a form holds `List-Unsubscribe=One-Click`, in either of the two forms that RFC 8058 allows.
fn asks_to_stop(media_type: &str, body: &[u8]) -> bool {
    let Ok(body) = std::str::from_utf8(body) else {
        return false;
    };
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("multipart/form-data") {
        boundary(media_type).is_some_and(|boundary| parts_ask(boundary, body))
    } else {
        body.trim()
            .split('&')
            .any(|pair| pair.split_once('=') == Some((KEY, VALUE)))
    }
}

fn boundary(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
    })
}

fn parts_ask(boundary: &str, body: &str) -> bool {
    body.split(&format!("--{boundary}")).any(|part| {
        let Some((head, value)) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n")) else {
            return false;
        };
        let named = head.lines().any(|line| {
            let (name, rest) = line.split_once(':').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("content-disposition")
                && rest
                    .split(';')
                    .any(|parameter| parameter.trim().replace('"', "") == format!("name={KEY}"))
        });
        named && value.trim() == VALUE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_rfc_8058_are_read() {
        let multipart =
            "--xyz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--xyz--\r\n";
        assert!(asks_to_stop(
            "application/x-www-form-urlencoded",
            b"List-Unsubscribe=One-Click"
        ));
        assert!(asks_to_stop(
            "application/x-www-form-urlencoded; charset=utf-8",
            b"a=b&List-Unsubscribe=One-Click\r\n"
        ));
        assert!(asks_to_stop("multipart/form-data; boundary=xyz", multipart.as_bytes()));
        assert!(asks_to_stop(
            "Multipart/Form-Data; Boundary=\"xyz\"",
            multipart.as_bytes()
        ));
    }

    #[test]
    fn anything_else_does_not_stop() {
        assert!(!asks_to_stop("application/x-www-form-urlencoded", b""));
        assert!(!asks_to_stop(
            "application/x-www-form-urlencoded",
            b"List-Unsubscribe=Later"
        ));
        assert!(!asks_to_stop("multipart/form-data", b"List-Unsubscribe=One-Click"));
        assert!(!asks_to_stop(
            "multipart/form-data; boundary=xyz",
            b"--xyz\r\n\r\nOne-Click\r\n--xyz--"
        ));
        assert!(!asks_to_stop("application/x-www-form-urlencoded", &[0xff, 0xfe]));
    }
}
