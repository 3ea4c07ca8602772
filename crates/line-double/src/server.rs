//! The way of a request: token, rate, headers, faults, the endpoint itself, and what the connection does with the answer.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Body, Bytes};
use axum::extract::{ConnectInfo, Form, FromRequest as _, Query, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use jiff::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use crate::answer::Answer;
use crate::api::routes::{self, Body as Wanted, Handler, Route};
use crate::call::{App, Call, Pairs};
use crate::control;
use crate::model::{Chances, FaultKind};
use crate::random::{scramble, share};
use crate::state::{Logged, State};
use crate::webhook;
use crate::wire::Wire;

/// The largest body that LINE takes (LINE: "Status codes").
const BODY_MAX: usize = 2 * 1024 * 1024;

/// The largest body that is read to its end, so that the client hears 413 and not a broken connection.
const READ_MAX: usize = 16 * 1024 * 1024;

/// Bytes of a body or an answer that are remembered; pictures are not.
const LOGGED_MAX: usize = 256 * 1024;

/// The path below which the double is steered.
const CONTROL: &str = "/_double";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-line-request-id");
const ACCEPTED_REQUEST_ID: HeaderName = HeaderName::from_static("x-line-accepted-request-id");
const RETRY_KEY: &str = "x-line-retry-key";

/// Answers a request of either kind.
pub(crate) async fn serve(
    Shared(app): Shared<Arc<App>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response<Body> {
    wire.leave_alone();
    let (request_id, now) = {
        let mut state = app.state();
        (state.random.id(), state.clock.now())
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = body::to_bytes(body, READ_MAX).await else {
        return respond(Answer::refuse(413, "The request entity is too large"), &request_id);
    };
    let (query, form) = (pairs(&parts), form(&parts, &body).await);
    if let Some(path) = parts.uri.path().strip_prefix(CONTROL) {
        let request = control::Request {
            method: parts.method.as_str(),
            path,
            query,
            form,
            body: &body,
        };
        return respond(control::answer(&app, &request).await, &request_id);
    }
    let incoming = Incoming {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query,
        form,
        content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()),
        token: text(&parts.headers, header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer ")),
        retry_key: text(&parts.headers, RETRY_KEY),
        body: &body,
    };
    let mut verdict = judge(&app, incoming, &request_id, now).await;
    if let Some(FaultKind::AcceptThenStatus(status)) = verdict.fault {
        verdict.answer = failure(status);
    }
    log(&app, &parts, &body, &verdict, &request_id, now);
    play(&wire, verdict, &request_id).await
}

/// Does to the connection what the fault says, and gives the answer.
async fn play(wire: &Wire, verdict: Verdict, request_id: &str) -> Response<Body> {
    match verdict.fault {
        Some(FaultKind::ResetBefore | FaultKind::ResetAfterAccept) => wire.reset(),
        Some(FaultKind::ResetMidBody) => wire.reset_mid_body(),
        Some(FaultKind::Slow(ms)) => sleep(Duration::from_millis(ms)).await,
        Some(FaultKind::Drip(ms)) => wire.drip(ms),
        Some(FaultKind::SilenceBefore { close_after_ms } | FaultKind::AcceptThenSilence { close_after_ms }) => {
            match close_after_ms {
                // Ends when the client closes the connection: the server then drops this future.
                None => pending().await,
                Some(ms) => sleep(Duration::from_millis(ms)).await,
            }
            wire.close();
        }
        Some(FaultKind::Status(_) | FaultKind::AcceptThenStatus(_) | FaultKind::Unauthorized) | None => {}
    }
    respond(verdict.answer, request_id)
}

/// A request before anything is known of it.
struct Incoming<'a> {
    method: &'a str,
    path: &'a str,
    query: Pairs,
    form: Pairs,
    content_type: Option<&'a str>,
    token: Option<&'a str>,
    retry_key: Option<&'a str>,
    body: &'a [u8],
}

/// What is answered and what becomes of the answer on its way.
struct Verdict {
    answer: Answer,
    fault: Option<FaultKind>,
    channel: Option<Arc<str>>,
}

async fn judge(app: &Arc<App>, incoming: Incoming<'_>, request_id: &str, now: Timestamp) -> Verdict {
    let (number, route, params) = match routes::find(incoming.method, incoming.path) {
        Ok(found) => found,
        Err(status) => {
            let words = if status == 405 {
                "Method Not Allowed"
            } else {
                "Not found"
            };
            return Verdict {
                answer: Answer::refuse(status, words),
                fault: None,
                channel: None,
            };
        }
    };
    let mut verdict = Verdict {
        answer: Answer::done(),
        fault: None,
        channel: None,
    };
    let admitted = admit(&mut app.state(), &incoming, number, route, now, &mut verdict);
    let retry_key = match admitted {
        Ok(retry_key) => retry_key,
        Err(refusal) => {
            verdict.answer = refusal;
            return verdict;
        }
    };
    let call = Call {
        app,
        params,
        query: incoming.query,
        form: incoming.form,
        content_type: incoming.content_type.unwrap_or_default(),
        body: incoming.body,
        channel: verdict.channel.clone().unwrap_or_default(),
        now,
        request_id,
        retry_key,
    };
    let carried_out = match check_body(&call, route.body) {
        Ok(()) => carry_out(&call, route.handler).await,
        Err(refusal) => Err(refusal),
    };
    verdict.answer = carried_out.unwrap_or_else(|refusal| refusal);
    verdict
}

async fn carry_out(call: &Call<'_>, handler: Handler) -> Result<Answer, Answer> {
    match handler {
        Handler::Now(handler) => handler(call),
        Handler::Calling(handler) => {
            let outgoing = handler(call)?;
            let deliveries = webhook::carry(call.app, outgoing.jobs).await;
            Ok((outgoing.answer)(&deliveries))
        }
    }
}

/// Token, rate, retry key and faults, in this order; notes the channel and the fault.
fn admit(
    state: &mut State,
    incoming: &Incoming<'_>,
    number: usize,
    route: &Route,
    now: Timestamp,
    verdict: &mut Verdict,
) -> Result<Option<Uuid>, Answer> {
    if route.needs_token() {
        let channel = incoming
            .token
            .and_then(|token| state.channel_of_token(token, now))
            .ok_or_else(unauthorized)?;
        verdict.channel = Some(Arc::clone(&channel));
        let rate = route.rate.filter(|_| state.rate_limits);
        let passes = state
            .channel(&channel)
            .is_ok_and(|channel| channel.meters.entry(number).or_default().pass(rate, now));
        if !passes {
            return Err(Answer::refuse(
                429,
                "The API rate limit has been exceeded. Try again later.",
            ));
        }
    }
    let retry_key = match incoming.retry_key {
        None => None,
        Some(_) if !route.takes_retry_key => {
            return Err(Answer::refuse(400, "The retry key is not supported by this endpoint"));
        }
        Some(text) => Some(read_retry_key(text)?),
    };
    let channel = verdict.channel.as_deref();
    let attempt = match (retry_key, channel) {
        (Some(key), Some(id)) => state.channel(id).map_or(0, |channel| channel.attempt(key, now)),
        _ => 0,
    };
    let chances = state.chances.filter(|_| route.sends);
    verdict.fault = state
        .strike(route.method, route.template, channel)
        .or_else(|| chances.and_then(|chances| chance(chances, retry_key, attempt, state.requests.count)));
    match verdict.fault {
        Some(FaultKind::Status(status)) => Err(failure(status)),
        Some(FaultKind::Unauthorized) => Err(unauthorized()),
        Some(FaultKind::SilenceBefore { .. } | FaultKind::ResetBefore) => Err(failure(500)),
        _ => Ok(retry_key),
    }
}

/// LINE asks for the form with hyphens.
fn read_retry_key(text: &str) -> Result<Uuid, Answer> {
    Some(text)
        .filter(|text| text.len() == uuid::fmt::Hyphenated::LENGTH)
        .and_then(|text| Uuid::try_parse(text).ok())
        .ok_or_else(|| Answer::refuse(400, "The retry key is invalid"))
}

/// The random fate of a call: that of its retry key and attempt, or else of its place in the order of calls.
fn chance(chances: Chances, key: Option<Uuid>, attempt: u64, place: u64) -> Option<FaultKind> {
    let (high, low) = key.map_or((0, place), |key| key.as_u64_pair());
    let fate = scramble(scramble(scramble(chances.seed ^ high) ^ low) ^ attempt);
    let accepted = share(fate ^ 1) < 0.5;
    let which = share(fate);
    let close_after_ms = None;
    let pair = if which < chances.false_500 {
        [FaultKind::Status(500), FaultKind::AcceptThenStatus(500)]
    } else if which < chances.false_500 + chances.timeout {
        [
            FaultKind::SilenceBefore { close_after_ms },
            FaultKind::AcceptThenSilence { close_after_ms },
        ]
    } else if which < chances.false_500 + chances.timeout + chances.reset {
        [FaultKind::ResetBefore, FaultKind::ResetAfterAccept]
    } else {
        return None;
    };
    pair.get(usize::from(accepted)).copied()
}

fn check_body(call: &Call<'_>, wanted: Wanted) -> Result<(), Answer> {
    let kind = call.content_type.split(';').next().unwrap_or_default().trim();
    let right = match wanted {
        Wanted::None => true,
        Wanted::Json => kind.eq_ignore_ascii_case("application/json"),
        Wanted::Form => kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"),
    };
    if call.body.len() > BODY_MAX {
        Err(Answer::refuse(413, "The request entity is too large"))
    } else if !right {
        Err(Answer::refuse(415, "Unsupported media type"))
    } else {
        Ok(())
    }
}

fn unauthorized() -> Answer {
    Answer::refuse(
        401,
        "Authentication failed due to the following reason: invalid token. \
         Confirm that the access token in the authorization header is valid.",
    )
}

fn failure(status: u16) -> Answer {
    let words = match status {
        403 => "Not available because of the account's plan",
        429 => "The API rate limit has been exceeded. Try again later.",
        500.. => "Internal server error",
        _ => "Failed",
    };
    Answer::refuse(status, words)
}

fn log(app: &App, parts: &Parts, body: &Bytes, verdict: &Verdict, request_id: &str, now: Timestamp) {
    if !app.keeps_requests {
        app.state().requests.count += 1;
        return;
    }
    let answered = !matches!(
        verdict.fault,
        Some(
            FaultKind::ResetBefore
                | FaultKind::ResetAfterAccept
                | FaultKind::SilenceBefore { .. }
                | FaultKind::AcceptThenSilence { .. }
        )
    );
    let kept = |bytes: &[u8]| -> Box<[u8]> {
        let short = bytes.len() <= LOGGED_MAX;
        bytes
            .get(..if short { bytes.len() } else { 0 })
            .unwrap_or_default()
            .into()
    };
    let owned = |name: &str| text(&parts.headers, name).map(str::to_owned);
    let request = Logged {
        at: now,
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        channel: verdict.channel.clone(),
        content_type: owned(header::CONTENT_TYPE.as_str()),
        retry_key: owned(RETRY_KEY),
        body: kept(body),
        status: if answered { verdict.answer.status } else { 0 },
        request_id: request_id.to_owned(),
        answer: kept(if answered { &verdict.answer.body } else { &[] }),
    };
    app.state().requests.add(request);
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn pairs(parts: &Parts) -> Pairs {
    Query::try_from_uri(&parts.uri).map_or_else(|_| Pairs::default(), |Query(pairs)| Pairs(pairs))
}

/// The body as a form, where it says that it is one.
async fn form(parts: &Parts, body: &Bytes) -> Pairs {
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let Some(kind) = kind.filter(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded")) else {
        return Pairs::default();
    };
    let mut request = Request::new(Body::from(body.clone()));
    request.method_mut().clone_from(&parts.method);
    request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    Form::from_request(request, &())
        .await
        .map_or_else(|_| Pairs::default(), |Form(pairs)| Pairs(pairs))
}

fn respond(answer: Answer, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    for (name, value) in [
        (REQUEST_ID, Some(request_id)),
        (ACCEPTED_REQUEST_ID, answer.accepted_request.as_deref()),
        (header::LOCATION, answer.location.as_deref()),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
