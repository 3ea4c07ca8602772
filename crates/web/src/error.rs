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
use kizuna_domain::content::pack::is_code;
use kizuna_engine::EngineError;
use kizuna_store::StoreError;
use kizuna_store::tenants;

use crate::guard::{Shared, blocking};
use crate::language::Language;
use crate::reader::{Desks, Frame};
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

impl PageError {
    /// A page in place of the one that was asked for.
    pub(crate) fn instead(answer: Result<Response, PageError>) -> PageError {
        answer.map_or_else(|error| error, |response| PageError::Answer(Box::new(response)))
    }
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
    frame: Frame,
    title: &'static str,
    text: &'static str,
    number_label: &'static str,
    number: String,
    desks: Desks,
}

/// What an error page says in one language: title and text for each kind of error.
struct Words {
    number: &'static str,
    not_found: [&'static str; 2],
    method: [&'static str; 2],
    too_large: [&'static str; 2],
    foreign: [&'static str; 2],
    too_slow: [&'static str; 2],
    too_often: [&'static str; 2],
    unreadable: [&'static str; 2],
    broken: [&'static str; 2],
}

static JA: Words = Words {
    number: "お問い合わせの番号",
    not_found: [
        "このページは見つかりません",
        "アドレスがちがうか、いまは使えないページです。",
    ],
    method: [
        "この使い方はできません",
        "前のページにもどって、ボタンからもう一度おしてください。",
    ],
    too_large: [
        "送られた内容が大きすぎます",
        "何も変わっていません。ページの入力らんから、もう一度ためしてください。",
    ],
    foreign: [
        "ほかのサイトからは受け取れません",
        "何も変わっていません。このサイトのページをひらいて、ボタンからもう一度おしてください。",
    ],
    too_slow: ["時間がかかりすぎました", "もう一度ためしてください。"],
    too_often: [
        "すこし待ってください",
        "短いあいだに、何度もおされました。何も変わっていません。数分おいて、もう一度ためしてください。",
    ],
    unreadable: [
        "内容を読み取れませんでした",
        "何も変わっていません。前のページから、もう一度ためしてください。",
    ],
    broken: [
        "表示できませんでした",
        "こちらの問題です。時間をおいて、もう一度ためしてください。",
    ],
};

static EASY: Words = Words {
    number: "｜役所《やくしょ》に ｜電話《でんわ》するときの ｜番号《ばんごう》",
    not_found: [
        "このページはありません",
        "アドレスがちがうか、｜今《いま》は ｜使《つか》えないページです。",
    ],
    method: [
        "このページは、｜開《ひら》くことができません",
        "｜前《まえ》のページにもどって、もう ｜一度《いちど》ボタンを おしてください。",
    ],
    too_large: [
        "｜送《おく》ったものが ｜大《おお》きすぎます",
        "｜何《なに》も ｜変《か》わっていません。｜前《まえ》のページから、もう ｜一度《いちど》｜送《おく》ってください。",
    ],
    foreign: [
        "ほかのサイトからは ｜送《おく》ることができません",
        "｜何《なに》も ｜変《か》わっていません。このサイトのページを ｜開《ひら》いて、ボタンを おしてください。",
    ],
    too_slow: [
        "｜時間《じかん》がかかりすぎました",
        "もう ｜一度《いちど》やってください。",
    ],
    too_often: [
        "｜少《すこ》し ｜待《ま》ってください",
        "｜短《みじか》い ｜時間《じかん》に ｜何回《なんかい》もおしました。｜何《なに》も ｜変《か》わっていません。5｜分《ふん》くらい ｜待《ま》って、もう ｜一度《いちど》やってください。",
    ],
    unreadable: [
        "｜書《か》いたことを ｜読《よ》めませんでした",
        "｜何《なに》も ｜変《か》わっていません。｜前《まえ》のページから、もう ｜一度《いちど》やってください。",
    ],
    broken: [
        "ページを ｜見《み》せることができませんでした",
        "｜私《わたし》たちの ｜問題《もんだい》です。｜少《すこ》し ｜待《ま》って、もう ｜一度《いちど》やってください。",
    ],
};

static EN: Words = Words {
    number: "Number to quote",
    not_found: [
        "This page cannot be found",
        "The address may be wrong, or the page is not in use.",
    ],
    method: [
        "This cannot be done here",
        "Please go back and use the button on the page.",
    ],
    too_large: [
        "What was sent is too large",
        "Nothing has changed. Please try again from the page.",
    ],
    foreign: [
        "This came from another site",
        "Nothing has changed. Please open our page and use its button.",
    ],
    too_slow: ["This took too long", "Please try again."],
    too_often: [
        "Please wait a little",
        "The button was pressed many times in a short while. Nothing has changed. Please try again in a few minutes.",
    ],
    unreadable: [
        "This could not be read",
        "Nothing has changed. Please go back to the page before and try again.",
    ],
    broken: [
        "This page could not be shown",
        "The problem is on our side. Please try again a little later.",
    ],
};

impl Words {
    /// Title and text for a status.
    fn of_status(&self, status: StatusCode) -> [&'static str; 2] {
        match status {
            StatusCode::NOT_FOUND => self.not_found,
            StatusCode::METHOD_NOT_ALLOWED => self.method,
            StatusCode::PAYLOAD_TOO_LARGE => self.too_large,
            StatusCode::FORBIDDEN => self.foreign,
            StatusCode::REQUEST_TIMEOUT => self.too_slow,
            StatusCode::TOO_MANY_REQUESTS => self.too_often,
            status if status.is_client_error() => self.unreadable,
            _ => self.broken,
        }
    }
}

/// The town that an address names and its desks, so that a family sees where to call. A failing database names none.
async fn town(site: &Shared, path: &str, language: Language) -> Option<(Frame, Desks)> {
    let code = path.split('/').nth(1).filter(|code| is_code(code))?.to_owned();
    let found = blocking(site, move |site| {
        let tenant = site.env.db.read(|tx| tenants::by_code(tx, &code))?;
        tenant
            .map(|tenant| Ok((Frame::new(&tenant, language), Desks::of(site, &tenant, language)?)))
            .transpose()
    });
    found.await.ok()?
}

/// Gives every answer its headers, and every bare error a page with a number.
pub(crate) async fn dress(State(site): State<Shared>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let (parts, body) = request.into_parts();
    let language = Language::of(&parts);
    let path = parts.uri.path().to_owned();
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let bare = response.extensions().get::<Finished>().is_none();
    if bare && (status.is_client_error() || status.is_server_error()) {
        let allow = response.headers().get(header::ALLOW).cloned();
        let retry = response.headers().get(header::RETRY_AFTER).cloned();
        let cause = response.extensions().get::<Cause>().cloned();
        let number = report(&site, status, &method, cause.as_ref());
        // Whatever took too long may be the database.
        let town = match status {
            StatusCode::REQUEST_TIMEOUT => None,
            _ => town(&site, &path, language).await,
        };
        response = error_page(status, language, number, town);
        let kept = [(header::ALLOW, allow), (header::RETRY_AFTER, retry)];
        for (name, value) in kept {
            response.headers_mut().extend(value.map(|value| (name, value)));
        }
    }
    let policy = response.extensions().get::<Policy>().map(|policy| policy.0);
    guard_headers(response.headers_mut(), policy.unwrap_or(CONTENT_SECURITY_POLICY));
    response
}

/// Logs an error under a new number.
fn report(site: &Site, status: StatusCode, method: &Method, cause: Option<&Cause>) -> String {
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
    number
}

fn error_page(status: StatusCode, language: Language, number: String, town: Option<(Frame, Desks)>) -> Response {
    let words = language.pick(&JA, &EASY, &EN);
    let [title, text] = words.of_status(status);
    let (frame, desks) = town.unwrap_or_else(|| (Frame::of_no_town(language), Desks::default()));
    let shown = ErrorPage {
        frame,
        title,
        text,
        number_label: words.number,
        number,
        desks,
    };
    page(status, &shown).unwrap_or_else(|_| (status, title).into_response())
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
