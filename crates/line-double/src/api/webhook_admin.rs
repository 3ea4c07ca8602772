//! The webhook's URL and its trial, and the dialogue that links accounts.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::api::routes::Outgoing;
use crate::call::Call;
use crate::html::{escape, sheet};
use crate::messages::is_web_address;
use crate::model::Delivery;
use crate::webhook::{self, Act, Manner, Outcome};

/// Characters of a webhook URL (LINE: "Set webhook endpoint URL").
const URL_MAX: usize = 500;

/// Life of a link token.
const LINK_TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Characters of a nonce of account linking (LINE: "Linking user accounts").
const NONCE_MIN: usize = 10;
const NONCE_MAX: usize = 255;

/// GET /v2/bot/channel/webhook/endpoint
pub(crate) fn endpoint(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let channel = call.channel(&mut state)?;
    match &channel.settings.webhook {
        Some(url) => Ok(Answer::ok(
            &json!({ "endpoint": url, "active": channel.webhook.active }),
        )),
        None => Err(Answer::refuse(404, "Not found")),
    }
}

/// PUT /v2/bot/channel/webhook/endpoint
pub(crate) fn set_endpoint(call: &Call<'_>) -> Result<Answer, Answer> {
    let body = call.object(&["endpoint"])?;
    let url = url(call, body.text("endpoint")?)?;
    let mut state = call.state();
    call.channel(&mut state)?.settings.webhook = Some(url);
    Ok(Answer::done())
}

/// POST /v2/bot/channel/webhook/test: really calls the endpoint, with no event.
pub(crate) fn test(call: &Call<'_>) -> Result<Outgoing, Answer> {
    let body = if call.body.is_empty() {
        None
    } else {
        Some(call.object(&["endpoint"])?)
    };
    let wanted = match body.as_ref().filter(|body| body.get("endpoint").is_some()) {
        Some(body) => Some(url(call, body.text("endpoint")?)?),
        None => None,
    };
    let mut state = call.state();
    call.channel(&mut state)?;
    let job = webhook::trial(&mut state, &call.channel, wanted.as_deref())
        .ok()
        .flatten()
        .ok_or_else(|| Answer::refuse(404, "The webhook endpoint is not set"))?;
    Ok(Outgoing {
        jobs: vec![job],
        answer: Box::new(report),
    })
}

fn report(deliveries: &[Delivery]) -> Answer {
    let Some(delivery) = deliveries.first() else {
        return Answer::refuse(500, "Internal server error");
    };
    let status = delivery.status.unwrap_or_default();
    let reason = match delivery.outcome {
        Outcome::Ok => "OK",
        Outcome::CouldNotConnect => "COULD_NOT_CONNECT",
        Outcome::RequestTimeout => "REQUEST_TIMEOUT",
        Outcome::ErrorStatusCode => "ERROR_STATUS_CODE",
        Outcome::Unclassified => "UNCLASSIFIED",
    };
    let detail = match delivery.outcome {
        Outcome::Ok | Outcome::ErrorStatusCode => status.to_string(),
        Outcome::CouldNotConnect => "TLS handshake failure or connection refused".to_owned(),
        Outcome::RequestTimeout => "Request timeout".to_owned(),
        Outcome::Unclassified => "Unclassified".to_owned(),
    };
    Answer::ok(&json!({
        "success": delivery.outcome == Outcome::Ok,
        "timestamp": delivery.at.to_string(),
        "statusCode": status,
        "reason": reason,
        "detail": detail,
    }))
}

fn url(call: &Call<'_>, url: &str) -> Result<String, Answer> {
    if url.chars().count() > URL_MAX || !is_web_address(url, call.app.rules) {
        return Err(Answer::invalid_at("endpoint", "Invalid webhook endpoint URL"));
    }
    Ok(url.to_owned())
}

/// POST /v2/bot/user/{userId}/linkToken
pub(crate) fn link_token(call: &Call<'_>) -> Result<Answer, Answer> {
    let user = call.user(0)?;
    let mut state = call.state();
    let known = state.name(&call.channel, user).is_some();
    let token = state.random.token(24);
    let channel = call.channel(&mut state)?;
    if !known || !channel.reaches(user) {
        return Err(Answer::refuse(404, "Not found"));
    }
    let end = call.now.saturating_add(LINK_TOKEN_LIFE).unwrap_or(call.now);
    channel.link_tokens.issue(token.clone(), user, end, call.now);
    Ok(Answer::ok(&json!({ "linkToken": token })))
}

/// GET /dialog/bot/accountLink: what the user's browser opens at access.line.me; tells the channel by a webhook.
pub(crate) fn account_link(call: &Call<'_>) -> Result<Outgoing, Answer> {
    let refuse = |message: &str| {
        Answer::page(
            400,
            sheet(
                "アカウント連携（代役）",
                &format!("<p>400 Bad Request: {}", escape(message)),
            ),
        )
    };
    let nonce = call.query.get("nonce").unwrap_or_default();
    if !(NONCE_MIN..=NONCE_MAX).contains(&nonce.len()) {
        return Err(refuse("nonce must have 10 to 255 characters"));
    }
    let token = call.query.get("linkToken").unwrap_or_default();
    let mut state = call.state();
    let found = state.channels.values_mut().find_map(|channel| {
        let user = channel.link_tokens.redeem(token, call.now)?;
        Some((channel.id.clone(), user))
    });
    let (channel, user) = found.ok_or_else(|| refuse("linkToken is unknown, was used or is over"))?;
    let mut event = Map::new();
    event.insert("type".to_owned(), Value::from("accountLink"));
    event.insert("link".to_owned(), json!({ "result": "ok", "nonce": nonce }));
    let jobs = webhook::act(&mut state, &channel, Some(user), Act::Event(event), Manner::default())
        .map_err(|problem| refuse(&problem))?;
    Ok(Outgoing {
        jobs,
        answer: Box::new(|_| Answer::page(200, sheet("アカウント連携（代役）", "<p>アカウントを連携しました。"))),
    })
}
