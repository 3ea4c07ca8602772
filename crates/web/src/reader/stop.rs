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
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::{Actor, life, people};
use kizuna_store::tenants::Tenant;

use super::own::{Page, SupportDoor, Ways, address, children, show_menu};
use super::{Desks, Frame};
use crate::Site;
use crate::error::{Finished, PageError, page};
use crate::guard::{Own, Reader, Shared, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/stop.html")]
struct StopPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    /// The page that stops for one child alone, where there are several.
    each: Option<String>,
    /// Other things to do, where the link allows them.
    ways: Option<Ways>,
    door: SupportDoor,
    desks: Desks,
}

/// Shows the button, in the same words to whoever receives something and to whoever stopped or moved away: the link may
/// be in somebody else's hands.
pub(crate) async fn get(State(site): State<Shared>, language: Language, reader: Reader) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let Reader {
            tenant,
            subscriber,
            token,
        } = reader;
        let several = life::children(&site.env, &tenant, subscriber)?.len() > 1;
        let path = format!("/{}/stop/{token}", tenant.code);
        let query = language.query();
        let door = SupportDoor::of_town(&tenant, language);
        let each = several.then(|| format!("{path}/each{query}"));
        let action = format!("{path}{query}");
        show(site, &tenant, language, (action, each), None, door)
    })
    .await
}

/// Shows the button among a reader's own pages.
pub(crate) async fn get_own(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let several = children(site, &own)?.len() > 1;
        let action = address(&own, Page::Stop.path(), language);
        let each = several.then(|| address(&own, "stop/each", language));
        let ways = Ways::new(&own, language, &[Page::Pause, Page::Date]);
        let door = SupportDoor::of_own(&own, language);
        show(site, &own.tenant, language, (action, each), Some(ways), door)
    })
    .await
}

fn show(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    (action, each): (String, Option<String>),
    ways: Option<Ways>,
    door: SupportDoor,
) -> Result<Response, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    let shown = StopPage {
        frame: Frame::new(tenant, language),
        words,
        action,
        each,
        ways,
        door,
        desks: Desks::of(site, tenant, language)?,
    };
    page(StatusCode::OK, &shown)
}

/// Stops everything for the reader and says so on a page without a token; a second press does the same.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    reader: Reader,
) -> Result<Redirect, PageError> {
    let after = stopped(&reader.tenant, language);
    stop(&site, reader.tenant, reader.subscriber).await?;
    Ok(Redirect::to(&after))
}

/// The same by the button among a reader's own pages.
pub(crate) async fn post_own(State(site): State<Shared>, language: Language, own: Own) -> Result<Redirect, PageError> {
    let after = stopped(&own.tenant, language);
    stop(&site, own.tenant, own.reader).await?;
    Ok(Redirect::to(&after))
}

/// The address of the page that says that everything is stopped.
pub(super) fn stopped(tenant: &Tenant, language: Language) -> String {
    format!("/{}/stopped{}", tenant.code, language.query())
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
        stop(&site, reader.tenant, reader.subscriber).await?;
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

async fn stop(site: &Shared, tenant: Tenant, reader: SubscriberId) -> Result<(), PageError> {
    blocking(site, move |site| {
        people::stop(&site.env, tenant.scope(), reader, Actor::Reader)?;
        show_menu(site, &tenant, reader);
        Ok(())
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

struct Words {
    title: &'static str,
    lead: &'static str,
    more: &'static str,
    button: &'static str,
    family: &'static str,
    each: &'static str,
}

static JA: Words = Words {
    title: "配信を止めます",
    lead: "理由は聞きません。おしたら、すぐに止まります。",
    more: "お祝いのことばやアンケートも、もう届きません。",
    button: "すぐに止める",
    family: "ご家族の登録は、それぞれの方のものです。あなたが止めたことは、だれにも伝わりません。",
    each: "一部だけ止める",
};

static EASY: Words = Words {
    title: "ことばを とめます",
    lead: "わけは ききません。おすと、すぐに とまります。",
    more: "お｜祝《いわ》いの ことばや アンケートも、もう とどきません。",
    button: "すぐに とめる",
    family: "｜家族《かぞく》の ｜登録《とうろく》は、それぞれの ｜人《ひと》の ものです。あなたが とめた ことは、だれにも わかりません。",
    each: "｜一部《いちぶ》だけ とめる",
};

static EN: Words = Words {
    title: "Stop the messages",
    lead: "We do not ask why. They stop the moment you press the button.",
    more: "No congratulations and no surveys will follow.",
    button: "Stop them now",
    family: "Others of your family have registrations of their own. Nobody is told that you stopped yours.",
    each: "Stop only some of them",
};

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
