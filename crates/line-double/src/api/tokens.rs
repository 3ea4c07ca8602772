//! Channel access tokens: stateless, by assertion (v2.1), short-lived; issuing, looking at and revoking them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::api::login;
use crate::call::{Call, Pairs};
use crate::jwt::Unverified;
use crate::limits::Rate;
use crate::model::ChannelKind;
use crate::state::{State, Token, TokenKind};

/// Life of a stateless token; LINE answers 899 or 900 seconds.
const STATELESS_LIFE: SignedDuration = SignedDuration::from_mins(15);

/// Life of a short-lived token, and the longest of one by assertion.
const LIFE_MAX: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How far ahead an assertion may expire.
const ASSERTION_LIFE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// Short-lived tokens, and tokens by assertion, that are alive at once.
const ALIVE_MAX: usize = 30;

/// The audience of an assertion.
const AUDIENCE: &str = "https://api.line.me/";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Random bytes of a token: as long as LINE's, so that a field that is too short shows.
const TOKEN_BYTES: usize = 129;

/// The number under which the rate of short-lived tokens is counted, beside those of the routes.
const SHORT_LIVED_METER: usize = usize::MAX;
const SHORT_LIVED_RATE: Rate = Rate::per_second(370);

/// POST /oauth2/v3/token
pub(crate) fn issue_stateless(call: &Call<'_>) -> Result<Answer, Answer> {
    grant_type(&call.form)?;
    let mut state = call.state();
    let channel = if call.form.get("client_assertion").is_some() {
        assertion(&state, &call.form, call.now)?.0
    } else {
        by_secret(&state, &call.form)?
    };
    let token = issue(&mut state, channel, TokenKind::Stateless, STATELESS_LIFE, call.now);
    Ok(token_answer(&token, STATELESS_LIFE, None))
}

/// POST /oauth2/v2.1/token: for channels by assertion, and for people with a code of LINE Login.
pub(crate) fn issue_by_assertion(call: &Call<'_>) -> Result<Answer, Answer> {
    if call.form.get("grant_type") == Some("authorization_code") {
        return login::exchange_code(call);
    }
    grant_type(&call.form)?;
    let mut state = call.state();
    let (channel, life) = assertion(&state, &call.form, call.now)?;
    let life = life.ok_or_else(|| Answer::oauth("invalid_request", "token_exp is missing or over 30 days"))?;
    let alive = alive(&state, &channel, call.now, |kind| {
        matches!(kind, TokenKind::Assertion(_))
    });
    if alive.len() >= ALIVE_MAX {
        return Err(Answer::oauth("invalid_request", "the channel has 30 valid tokens"));
    }
    let key_id = state.random.token(16);
    let token = issue(
        &mut state,
        channel,
        TokenKind::Assertion(key_id.clone()),
        life,
        call.now,
    );
    Ok(token_answer(&token, life, Some(&key_id)))
}

/// POST /v2/oauth/accessToken: the 31st token revokes the oldest without a word.
pub(crate) fn issue_short_lived(call: &Call<'_>) -> Result<Answer, Answer> {
    grant_type(&call.form)?;
    let mut state = call.state();
    let channel = by_secret(&state, &call.form)?;
    let rate = state.rate_limits.then_some(SHORT_LIVED_RATE);
    if let Ok(known) = state.channel(&channel)
        && !known.meters.entry(SHORT_LIVED_METER).or_default().pass(rate, call.now)
    {
        return Err(Answer::refuse(
            429,
            "The API rate limit has been exceeded. Try again later.",
        ));
    }
    let mut alive = alive(&state, &channel, call.now, |kind| *kind == TokenKind::ShortLived);
    if alive.len() >= ALIVE_MAX {
        alive.sort_unstable();
        for (_, oldest) in alive.iter().take(alive.len() + 1 - ALIVE_MAX) {
            state.tokens.remove(oldest);
        }
    }
    let token = issue(&mut state, channel, TokenKind::ShortLived, LIFE_MAX, call.now);
    Ok(token_answer(&token, LIFE_MAX, None))
}

/// GET /oauth2/v2.1/tokens/kid
pub(crate) fn key_ids(call: &Call<'_>) -> Result<Answer, Answer> {
    let state = call.state();
    let (channel, _) = assertion(&state, &call.query, call.now)?;
    let kids: Vec<&str> = state
        .tokens
        .values()
        .filter(|token| token.channel == channel && is_alive(token, call.now))
        .filter_map(|token| match &token.kind {
            TokenKind::Assertion(key_id) => Some(key_id.as_str()),
            _ => None,
        })
        .collect();
    Ok(Answer::ok(&json!({ "kids": kids })))
}

/// GET /oauth2/v2.1/verify: for tokens by assertion and stateless ones.
pub(crate) fn verify(call: &Call<'_>) -> Result<Answer, Answer> {
    let token = call.query.get("access_token").unwrap_or_default();
    verified(call, token, |kind| {
        matches!(kind, TokenKind::Assertion(_) | TokenKind::Stateless)
    })
}

/// POST /v2/oauth/verify: for short-lived and long-lived tokens.
pub(crate) fn verify_old(call: &Call<'_>) -> Result<Answer, Answer> {
    let token = call.form.get("access_token").unwrap_or_default();
    verified(call, token, |kind| {
        matches!(kind, TokenKind::ShortLived | TokenKind::LongLived)
    })
}

fn verified(call: &Call<'_>, token: &str, right_kind: impl Fn(&TokenKind) -> bool) -> Result<Answer, Answer> {
    let state = call.state();
    let token = state
        .tokens
        .get(token)
        .filter(|token| right_kind(&token.kind) && is_alive(token, call.now))
        .ok_or_else(|| Answer::oauth("invalid_request", "access token expired"))?;
    let end = token.expires_at.unwrap_or(call.now + LIFE_MAX);
    Ok(Answer::ok(&json!({
        "client_id": &*token.channel,
        "expires_in": end.duration_since(call.now).as_secs(),
        "scope": "profile chat_message.write",
    })))
}

/// POST /oauth2/v2.1/revoke: an unknown token is no error; a stateless one cannot be revoked.
pub(crate) fn revoke(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let channel = by_secret(&state, &call.form)?;
    let token = call.form.get("access_token").unwrap_or_default();
    let known = state
        .tokens
        .get(token)
        .is_some_and(|token| token.channel == channel && matches!(token.kind, TokenKind::Assertion(_)));
    if known {
        state.tokens.remove(token);
    }
    Ok(Answer::bytes(200, "application/json", Vec::new()))
}

/// POST /v2/oauth/revoke: for short-lived and long-lived tokens.
pub(crate) fn revoke_old(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let token = call
        .form
        .get("access_token")
        .ok_or_else(|| Answer::oauth("invalid_request", "access_token is missing"))?;
    let known = state
        .tokens
        .get(token)
        .is_some_and(|token| matches!(token.kind, TokenKind::ShortLived | TokenKind::LongLived));
    if known {
        state.tokens.remove(token);
    }
    Ok(Answer::bytes(200, "application/json", Vec::new()))
}

fn grant_type(form: &Pairs) -> Result<(), Answer> {
    match form.get("grant_type") {
        Some("client_credentials") => Ok(()),
        Some(_) => Err(Answer::oauth("unsupported_grant_type", "grant_type is not supported")),
        None => Err(Answer::oauth("invalid_request", "grant_type is missing")),
    }
}

/// The messaging channel of a client id and its secret.
fn by_secret(state: &State, form: &Pairs) -> Result<Arc<str>, Answer> {
    let (Some(id), Some(secret)) = (form.get("client_id"), form.get("client_secret")) else {
        return Err(Answer::oauth(
            "invalid_request",
            "client_id or client_secret is missing",
        ));
    };
    state
        .channels
        .get(id)
        .filter(|channel| channel.settings.kind == ChannelKind::Messaging && channel.settings.secret == secret)
        .map(|channel| Arc::clone(&channel.id))
        .ok_or_else(|| Answer::oauth("invalid_client", "invalid client_id or client_secret"))
}

/// The channel that signed an assertion, and the life that it asks for its token.
fn assertion(state: &State, pairs: &Pairs, now: Timestamp) -> Result<(Arc<str>, Option<SignedDuration>), Answer> {
    let invalid = |description: &str| Answer::oauth("invalid_client", description);
    if pairs.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(Answer::oauth(
            "invalid_request",
            "client_assertion_type is missing or unknown",
        ));
    }
    let assertion = pairs
        .get("client_assertion")
        .and_then(Unverified::read)
        .ok_or_else(|| invalid("client_assertion is no JSON Web Token"))?;
    let channel = assertion
        .claim("iss")
        .filter(|issuer| assertion.claim("sub") == Some(*issuer))
        .and_then(|issuer| state.channels.get(issuer))
        .filter(|channel| channel.settings.kind == ChannelKind::Messaging)
        .ok_or_else(|| invalid("iss and sub are not the channel's id"))?;
    if assertion.claim("aud") != Some(AUDIENCE) {
        return Err(invalid("aud is wrong"));
    }
    let expires = assertion.number("exp").unwrap_or_default() - now.as_second();
    if expires <= 0 || expires > ASSERTION_LIFE_MAX.as_secs() {
        return Err(invalid("exp is over, missing or more than 30 minutes ahead"));
    }
    let signed = channel.settings.assertion_key.as_ref().is_some_and(|key| {
        let kid = assertion.header.get("kid").and_then(Value::as_str);
        kid.is_some() && key.get("kid").and_then(Value::as_str) == kid && assertion.is_signed_by_rsa(key)
    });
    if !signed {
        return Err(invalid("the signature is not the registered key's"));
    }
    let life = assertion
        .number("token_exp")
        .filter(|seconds| (1..=LIFE_MAX.as_secs()).contains(seconds))
        .map(SignedDuration::from_secs);
    Ok((Arc::clone(&channel.id), life))
}

fn is_alive(token: &Token, now: Timestamp) -> bool {
    token.expires_at.is_none_or(|end| now < end)
}

/// The channel's living tokens of a kind, with the order in which they were issued.
fn alive(state: &State, channel: &str, now: Timestamp, kind: impl Fn(&TokenKind) -> bool) -> Vec<(u64, String)> {
    let tokens = state.tokens.iter();
    tokens
        .filter(|(_, token)| &*token.channel == channel && kind(&token.kind) && is_alive(token, now))
        .map(|(text, token)| (token.issued, text.clone()))
        .collect()
}

fn issue(state: &mut State, channel: Arc<str>, kind: TokenKind, life: SignedDuration, now: Timestamp) -> String {
    state.tokens.retain(|_, token| is_alive(token, now));
    let text = state.random.token(TOKEN_BYTES);
    state.tokens_issued += 1;
    let token = Token {
        channel,
        kind,
        issued: state.tokens_issued,
        expires_at: now.checked_add(life).ok(),
    };
    state.tokens.insert(text.clone(), token);
    text
}

fn token_answer(token: &str, life: SignedDuration, key_id: Option<&str>) -> Answer {
    let life = life.as_secs();
    Answer::ok(&match key_id {
        None => json!({ "token_type": "Bearer", "access_token": token, "expires_in": life }),
        Some(key_id) => {
            json!({ "token_type": "Bearer", "access_token": token, "expires_in": life, "key_id": key_id })
        }
    })
}
