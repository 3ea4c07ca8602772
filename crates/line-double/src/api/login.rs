//! LINE Login: the page where a person agrees, the code, the ID token and its keys.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use ring::error::Unspecified;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::{Call, Pairs};
use crate::html::{escape, put, sheet};
use crate::jwt::{self, Signer, Unverified};
use crate::messages::is_web_address;
use crate::model::ChannelKind;
use crate::state::{State, UserId};

/// Who issues ID tokens.
const ISSUER: &str = "https://access.line.me";

/// Lives of a code and of an ID token (LINE: "LINE Login v2.1 API reference").
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
const ID_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// Life of an access token of a person.
const ACCESS_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// People whom the page offers.
const OFFERED_MAX: usize = 50;

/// A code that a person's agreement gave.
#[derive(Debug)]
pub(crate) struct Code {
    channel: Arc<str>,
    user: UserId,
    redirect_uri: String,
    scope: String,
    nonce: Option<String>,
    challenge: Option<String>,
}

/// What is wrong with an ID token that a test asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It was over an hour ago.
    Expired,
    /// It is for another channel.
    Audience,
    /// Somebody else issued it.
    Issuer,
    /// It says that nobody signed it.
    Unsigned,
    /// It is signed with HS256 and the channel secret instead of ES256.
    Hs256,
    /// It names LINE's key and is signed with another.
    WrongKey,
    /// It names a key that LINE does not publish.
    UnknownKey,
}

/// GET /oauth2/v2.1/authorize: a person agrees at once where the control side named one, or chooses who they are.
pub(crate) fn authorize(call: &Call<'_>) -> Result<Answer, Answer> {
    let query = &call.query;
    let wrong = |what: &str| page(400, &format!("<p>400 Bad Request: {}", escape(what)));
    let ask = |name: &str| query.get(name).filter(|value| !value.is_empty());
    let mut state = call.state();
    let client = ask("client_id").unwrap_or_default();
    let channel = state
        .channels
        .get(client)
        .filter(|channel| channel.settings.kind == ChannelKind::Login)
        .ok_or_else(|| wrong("client_id is not a LINE Login channel"))?;
    let (id, provider) = (Arc::clone(&channel.id), channel.settings.provider.clone());
    let redirect_uri = ask("redirect_uri").ok_or_else(|| wrong("redirect_uri is missing"))?;
    let registered = channel.callbacks.is_empty() && is_web_address(redirect_uri, call.app.rules)
        || channel.callbacks.iter().any(|callback| callback == redirect_uri);
    if !registered {
        return Err(wrong("redirect_uri is not registered"));
    }
    if ask("response_type") != Some("code") {
        return Err(wrong("response_type is not code"));
    }
    let csrf = ask("state").ok_or_else(|| wrong("state is missing"))?;
    let scope = ask("scope").unwrap_or_default();
    let scopes: Vec<&str> = scope.split(' ').collect();
    let known = ["profile", "openid", "email"];
    if !scopes.iter().all(|scope| known.contains(scope)) || !(scopes.contains(&"openid") || scopes.contains(&"profile"))
    {
        return Err(wrong("scope must be made of profile, openid and email"));
    }
    if ask("code_challenge").is_some() && ask("code_challenge_method") != Some("S256") {
        return Err(wrong("code_challenge_method is not S256"));
    }
    let back = |parameters: &[(&str, &str)]| {
        let mut location = redirect_uri.to_owned();
        let mut joint = if redirect_uri.contains('?') { '&' } else { '?' };
        for (name, value) in parameters.iter().chain(&[("state", csrf)]) {
            put!(location, "{joint}{name}={}", percent_encode(value));
            joint = '&';
        }
        Answer::redirect(302, location)
    };
    if ask("double_deny").is_some() {
        let words = "The resource owner denied the request.";
        return Ok(back(&[("error", "access_denied"), ("error_description", words)]));
    }
    let named = ask("double_user").and_then(|user| user.parse().ok());
    let people = state
        .providers
        .get(&provider)
        .map(|provider| (&provider.users, provider.current));
    let Some((users, current)) = people else {
        return Err(wrong("the channel has no provider"));
    };
    let Some(user) = named.or(current).filter(|user| users.contains_key(user)) else {
        let users = users.iter().take(OFFERED_MAX).map(|(user, name)| (user, &**name));
        return Ok(choose(query, users));
    };
    let code = state.random.token(15);
    let granted = Code {
        channel: id,
        user,
        redirect_uri: redirect_uri.to_owned(),
        scope: scope.to_owned(),
        nonce: ask("nonce").map(str::to_owned),
        challenge: ask("code_challenge").map(str::to_owned),
    };
    let end = call.now.saturating_add(CODE_LIFE).unwrap_or(call.now);
    state.codes.issue(code.clone(), granted, end, call.now);
    Ok(back(&[("code", &code), ("friendship_status_changed", "false")]))
}

/// The page on which a person says who they are, or that they do not agree.
fn choose<'a>(query: &Pairs, users: impl Iterator<Item = (&'a UserId, &'a str)>) -> Answer {
    let mut asked = String::new();
    for (name, value) in &query.0 {
        put!(asked, "{}={}&amp;", percent_encode(name), percent_encode(value));
    }
    let mut list = String::new();
    for (user, name) in users {
        put!(list, "<li><a href=\"?{asked}double_user={user}\">{}</a>", escape(name));
    }
    page(
        200,
        &format!(
            "<p>だれとしてログインしますか。</p><ul>{list}</ul>\
             <p><a href=\"?{asked}double_deny=1\">キャンセル</a>"
        ),
    )
}

fn page(status: u16, content: &str) -> Answer {
    Answer::page(status, sheet("LINEログイン（代役）", content))
}

/// POST /oauth2/v2.1/token with `grant_type=authorization_code`.
pub(crate) fn exchange_code(call: &Call<'_>) -> Result<Answer, Answer> {
    let form = &call.form;
    let mut state = call.state();
    let client = form.get("client_id").unwrap_or_default();
    let secret = state
        .channels
        .get(client)
        .filter(|channel| channel.settings.kind == ChannelKind::Login)
        .map(|channel| channel.settings.secret.clone())
        .filter(|secret| form.get("client_secret") == Some(secret))
        .ok_or_else(|| Answer::oauth("invalid_client", "invalid client_id or client_secret"))?;
    // A code works once, whatever else is wrong.
    let code = state
        .codes
        .redeem(form.get("code").unwrap_or_default(), call.now)
        .filter(|code| *code.channel == *client)
        .ok_or_else(|| Answer::oauth("invalid_grant", "invalid authorization code"))?;
    if form.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(Answer::oauth("invalid_grant", "redirect_uri does not match"));
    }
    if let Some(challenge) = &code.challenge {
        let verifier = form.get("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != *challenge {
            return Err(Answer::oauth("invalid_grant", "code_verifier does not match"));
        }
    }
    let mut body = json!({
        "access_token": state.random.token(96),
        "expires_in": ACCESS_TOKEN_LIFE.as_secs(),
        "refresh_token": state.random.token(15),
        "scope": code.scope,
        "token_type": "Bearer",
    });
    if code.scope.split(' ').any(|scope| scope == "openid")
        && let Some(body) = body.as_object_mut()
    {
        let mut claims = claims(&state, client, code.user, code.nonce.as_deref(), call.now);
        if !code.scope.split(' ').any(|scope| scope == "profile") {
            claims.remove("name");
        }
        let token = jwt::sign_with_secret(&Value::Object(claims), &secret);
        body.insert("id_token".to_owned(), Value::from(token));
    }
    Ok(Answer::ok(&body))
}

fn claims(
    state: &State,
    client: &str,
    user: UserId,
    nonce: Option<&str>,
    now: Timestamp,
) -> serde_json::Map<String, Value> {
    let mut claims = serde_json::Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", Value::from(ISSUER));
    set("sub", Value::from(user.to_string()));
    set("aud", Value::from(client));
    set("exp", Value::from(now.as_second() + ID_TOKEN_LIFE.as_secs()));
    set("iat", Value::from(now.as_second()));
    set("amr", json!(["linesso"]));
    if let Some(nonce) = nonce {
        set("nonce", Value::from(nonce));
    }
    if let Some(name) = state.name(client, user) {
        set("name", Value::from(name));
    }
    claims
}

/// An ID token as LIFF gives one, signed with ES256, or a wrong one.
pub(crate) fn liff_id_token(
    state: &mut State,
    client: &str,
    user: UserId,
    nonce: Option<&str>,
    flaw: Option<Flaw>,
) -> Result<String, String> {
    let secret = state.channel(client)?.settings.secret.clone();
    if state.name(client, user).is_none() {
        return Err(format!("the provider of channel {client:?} does not know {user}"));
    }
    let now = state.clock.now();
    let issued = match flaw {
        Some(Flaw::Expired) => now.saturating_sub(ID_TOKEN_LIFE * 2).unwrap_or(now),
        _ => now,
    };
    let mut claims = claims(state, client, user, nonce, issued);
    match flaw {
        Some(Flaw::Audience) => claims.insert("aud".to_owned(), Value::from("1234567890")),
        Some(Flaw::Issuer) => claims.insert("iss".to_owned(), Value::from("https://access.line.example")),
        _ => None,
    };
    let claims = Value::Object(claims);
    let known = state.signers.last().ok_or("there is no key")?;
    let stranger = || Signer::new("unknown".to_owned());
    let token = match flaw {
        Some(Flaw::Unsigned) => Ok(jwt::sign_by_nobody(&claims)),
        Some(Flaw::Hs256) => Ok(jwt::sign_with_secret(&claims, &secret)),
        Some(Flaw::WrongKey) => stranger().and_then(|signer| signer.sign_in_the_name_of(known, &claims)),
        Some(Flaw::UnknownKey) => stranger().and_then(|signer| signer.sign(&claims)),
        _ => known.sign(&claims),
    };
    token.map_err(|Unspecified| "the system gives no random bytes".to_owned())
}

/// POST /oauth2/v2.1/verify: what an ID token says, after all checks.
pub(crate) fn verify(call: &Call<'_>) -> Result<Answer, Answer> {
    let refuse = |description: &str| Answer::oauth("invalid_request", description);
    let state = call.state();
    let client = call.form.get("client_id").unwrap_or_default();
    let token = call
        .form
        .get("id_token")
        .and_then(Unverified::read)
        .ok_or_else(|| refuse("Invalid IdToken."))?;
    let signed = state.signers.iter().any(|signer| token.is_signed_by(signer))
        || token
            .claim("aud")
            .and_then(|audience| state.channels.get(audience))
            .is_some_and(|channel| token.is_signed_by_secret(&channel.settings.secret));
    if !signed || token.claim("iss") != Some(ISSUER) {
        return Err(refuse("Invalid IdToken."));
    }
    if token.number("exp").unwrap_or_default() <= call.now.as_second() {
        return Err(refuse("IdToken expired."));
    }
    if token.claim("aud") != Some(client) {
        return Err(refuse("Invalid IdToken Audience."));
    }
    if call
        .form
        .get("nonce")
        .is_some_and(|nonce| token.claim("nonce") != Some(nonce))
    {
        return Err(refuse("Invalid IdToken Nonce."));
    }
    if call
        .form
        .get("user_id")
        .is_some_and(|user| token.claim("sub") != Some(user))
    {
        return Err(refuse("Invalid IdToken Subject Identifier."));
    }
    Ok(Answer::ok(&token.claims))
}

/// GET /oauth2/v2.1/certs: the keys of ES256.
pub(crate) fn certs(call: &Call<'_>) -> Result<Answer, Answer> {
    let state = call.state();
    let keys: Vec<Value> = state.signers.iter().map(Signer::jwk).collect();
    if keys.is_empty() {
        return Err(Answer::refuse(500, "Internal server error"));
    }
    Ok(Answer::ok(&json!({ "keys": keys })))
}

/// Everything but letters, digits and `-._~` as `%XX` (RFC 3986, 2.1).
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            put!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
