//! What can keep a page from being shown, and the page that says so with a number to quote.
//!
//! The reader sees what to do; the log has the number and the chain of causes. Addresses of pages are never logged,
//! because the address of a stop page is a key.

use std::error::Error;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use kizuna_engine::EngineError;
use kizuna_store::StoreError;

use crate::language::Language;
use crate::{Site, ruby};

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum PageError {
    /// No such page, tenant or family.
    NotFound,
    /// A finished answer that only looks like an error.
    Answer(Box<Response>),
    /// Our fault.
    Broken(Arc<dyn Error + Send + Sync>),
}

impl From<EngineError> for PageError {
    fn from(error: EngineError) -> PageError {
        PageError::Broken(Arc::new(error))
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> PageError {
        PageError::Broken(Arc::new(error))
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> PageError {
        PageError::Broken(Arc::new(error))
    }
}

impl From<tokio::task::JoinError> for PageError {
    fn from(error: tokio::task::JoinError) -> PageError {
        PageError::Broken(Arc::new(error))
    }
}

/// The cause of a 500, on its way to the log.
#[derive(Clone)]
struct Cause(Arc<dyn Error + Send + Sync>);

/// The mark of an answer that already says everything.
#[derive(Clone, Copy)]
pub(crate) struct Finished;

/// A content security policy of its own, for the one page that needs LINE's script.
#[derive(Clone, Copy)]
pub(crate) struct Policy(pub(crate) &'static str);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            PageError::NotFound => StatusCode::NOT_FOUND.into_response(),
            PageError::Answer(response) => *response,
            PageError::Broken(error) => {
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(Cause(error));
                response
            }
        }
    }
}

/// Answers with a rendered page; an error status keeps its words.
pub(crate) fn page(status: StatusCode, page: &impl Template) -> Result<Response, PageError> {
    let mut response = (status, Html(ruby::dress(page.render()?))).into_response();
    response.extensions_mut().insert(Finished);
    Ok(response)
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    lang: &'static str,
    title: &'static str,
    text: &'static str,
    skip: &'static str,
    number_label: &'static str,
    number: String,
}

/// Title and text of an error page.
fn words(status: StatusCode, language: Language) -> (&'static str, &'static str) {
    match (status, language) {
        (StatusCode::NOT_FOUND, Language::Ja | Language::Easy) => (
            "このページは見つかりません",
            "アドレスがちがうか、いまは使えないページです。",
        ),
        (StatusCode::NOT_FOUND, Language::En) => (
            "This page cannot be found",
            "The address may be wrong, or the page is not in use.",
        ),
        (StatusCode::METHOD_NOT_ALLOWED, Language::Ja | Language::Easy) => (
            "この使い方はできません",
            "前のページにもどって、ボタンからもう一度おしてください。",
        ),
        (StatusCode::METHOD_NOT_ALLOWED, Language::En) => (
            "This cannot be done here",
            "Please go back and use the button on the page.",
        ),
        (StatusCode::PAYLOAD_TOO_LARGE, Language::Ja | Language::Easy) => (
            "送られた内容が大きすぎます",
            "何も変わっていません。ページの入力らんから、もう一度ためしてください。",
        ),
        (StatusCode::PAYLOAD_TOO_LARGE, Language::En) => (
            "What was sent is too large",
            "Nothing has changed. Please try again from the page.",
        ),
        (StatusCode::FORBIDDEN, Language::Ja | Language::Easy) => (
            "ほかのサイトからは受け取れません",
            "何も変わっていません。このサイトのページをひらいて、ボタンからもう一度おしてください。",
        ),
        (StatusCode::FORBIDDEN, Language::En) => (
            "This came from another site",
            "Nothing has changed. Please open our page and use its button.",
        ),
        (StatusCode::REQUEST_TIMEOUT, Language::Ja | Language::Easy) => {
            ("時間がかかりすぎました", "もう一度ためしてください。")
        }
        (StatusCode::REQUEST_TIMEOUT, Language::En) => ("This took too long", "Please try again."),
        (status, Language::Ja | Language::Easy) if status.is_client_error() => (
            "内容を読み取れませんでした",
            "何も変わっていません。前のページから、もう一度ためしてください。",
        ),
        (status, Language::En) if status.is_client_error() => (
            "This could not be read",
            "Nothing has changed. Please try again from the page before.",
        ),
        (_, Language::Ja | Language::Easy) => (
            "表示できませんでした",
            "こちらの問題です。時間をおいて、もう一度ためしてください。",
        ),
        (_, Language::En) => (
            "This could not be shown",
            "The problem is ours. Please try again a little later.",
        ),
    }
}

/// Gives every answer its headers, and every bare error a page with a number.
pub(crate) async fn dress(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let language = Language::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let bare = response.extensions().get::<Finished>().is_none();
    if bare && (status.is_client_error() || status.is_server_error()) {
        let allow = response.headers().get(header::ALLOW).cloned();
        let cause = response.extensions().get::<Cause>().cloned();
        response = error_page(&site, status, language, &method, cause.as_ref());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let policy = response.extensions().get::<Policy>().map(|policy| policy.0);
    guard_headers(response.headers_mut(), policy.unwrap_or(CONTENT_SECURITY_POLICY));
    response
}

fn error_page(site: &Site, status: StatusCode, language: Language, method: &Method, cause: Option<&Cause>) -> Response {
    let digits = site.env.ids.next().simple().to_string().to_uppercase();
    let number = digits.get(digits.len() - 6..).unwrap_or_default().to_owned();
    match cause {
        Some(Cause(error)) => {
            tracing::error!(number, %method, status = status.as_u16(), cause = chain(error.as_ref()), "a page failed");
        }
        None if status.is_server_error() => {
            tracing::error!(number, %method, status = status.as_u16(), "a page failed");
        }
        None => tracing::info!(number, %method, status = status.as_u16(), "a request was refused"),
    }
    let (title, text) = words(status, language);
    let (skip, number_label) = match language {
        Language::Ja | Language::Easy => ("本文へ進む", "お問い合わせの番号"),
        Language::En => ("Skip to content", "Number to quote"),
    };
    let page = ErrorPage {
        lang: language.tag(),
        title,
        text,
        skip,
        number_label,
        number,
    };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, title).into_response(),
    }
}

/// An error with everything that caused it.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

/// Nothing from elsewhere, nothing that runs, in nobody's frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn guard_headers(headers: &mut HeaderMap, policy: &'static str) {
    let always = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let usually = [(CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
    for (name, value) in usually {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
