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
use crate::api::routes::Outgoing;
use crate::call::{Call, Pairs};
use crate::html::{escape, put, sheet};
use crate::jwt::{self, Signer, Unverified};
use crate::messages::is_web_address;
use crate::model::ChannelKind;
use crate::phone;
use crate::state::{Friendship, State, UserId};
use crate::webhook::{self, Act, Manner};

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

/// A request for agreement in which nothing is wrong.
struct Asked<'a> {
    channel: Arc<str>,
    redirect_uri: &'a str,
    scope: &'a str,
    state: &'a str,
    nonce: Option<&'a str>,
    challenge: Option<&'a str>,
    /// Whether the person is asked to become a friend, and on a page of its own.
    prompt: Option<Prompt>,
}

/// When a person is asked to become a friend of the linked account.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prompt {
    /// With the permissions.
    Normal,
    /// On a page behind the permissions.
    Aggressive,
}

/// What a challenge made with S256 is long (RFC 7636, 4.2).
const CHALLENGE_LENGTH: usize = 43;

impl<'a> Asked<'a> {
    /// Reads the query of an authorization URL; what is wrong is told to the person and never sent back.
    fn read(state: &State, query: &'a Pairs, rules: crate::messages::Rules) -> Result<Asked<'a>, &'static str> {
        let ask = |name: &str| query.get(name).filter(|value| !value.is_empty());
        let channel = state
            .channels
            .get(ask("client_id").unwrap_or_default())
            .filter(|channel| channel.settings.kind == ChannelKind::Login)
            .ok_or("client_id is not a LINE Login channel")?;
        let redirect_uri = ask("redirect_uri").ok_or("redirect_uri is missing")?;
        let registered = channel.callbacks.is_empty() && is_web_address(redirect_uri, rules)
            || channel.callbacks.iter().any(|callback| callback == redirect_uri);
        if !registered {
            return Err("redirect_uri is not registered");
        }
        if ask("response_type") != Some("code") {
            return Err("response_type is not code");
        }
        let scope = ask("scope").unwrap_or_default();
        let scopes: Vec<&str> = scope.split(' ').collect();
        let known = |scope: &&str| PERMISSIONS.iter().any(|(known, _)| known == scope);
        if !scopes.iter().all(known) || !(scopes.contains(&"openid") || scopes.contains(&"profile")) {
            return Err("scope must be made of profile, openid and email");
        }
        let challenge = ask("code_challenge");
        if challenge.is_some() != ask("code_challenge_method").is_some() {
            return Err("code_challenge and code_challenge_method belong together");
        }
        if challenge.is_some() && ask("code_challenge_method") != Some("S256") {
            return Err("code_challenge_method is not S256");
        }
        let is_digest = |challenge: &str| {
            challenge.len() == CHALLENGE_LENGTH
                && challenge
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if challenge.is_some_and(|challenge| !is_digest(challenge)) {
            return Err("code_challenge is no digest");
        }
        let prompt = match ask("bot_prompt") {
            None => None,
            Some("normal") => Some(Prompt::Normal),
            Some("aggressive") => Some(Prompt::Aggressive),
            Some(_) => return Err("bot_prompt is neither normal nor aggressive"),
        };
        if ask("disable_auto_login").is_some_and(|value| !matches!(value, "true" | "false")) {
            return Err("disable_auto_login is neither true nor false");
        }
        Ok(Asked {
            channel: Arc::clone(&channel.id),
            redirect_uri,
            scope,
            state: ask("state").ok_or("state is missing")?,
            nonce: ask("nonce"),
            challenge,
            prompt,
        })
    }

    /// Sends the person back with an answer.
    fn back(&self, parameters: &[(&str, &str)]) -> Answer {
        let mut location = self.redirect_uri.to_owned();
        let mut joint = if location.contains('?') { '&' } else { '?' };
        for (name, value) in parameters.iter().chain(&[("state", self.state)]) {
            put!(location, "{joint}{name}={}", percent_encode(value));
            joint = '&';
        }
        Answer::redirect(302, location)
    }
}

/// What each scope lets a service know, as the person reads it.
const PERMISSIONS: [(&str, &str); 3] = [
    ("openid", "あなたのユーザーID"),
    ("profile", "プロフィール情報（名前、アイコン）"),
    ("email", "メールアドレス"),
];

/// GET /oauth2/v2.1/authorize: whoever the control side named agrees at once; everybody else is asked.
pub(crate) fn authorize(call: &Call<'_>) -> Result<Outgoing, Answer> {
    let query = &call.query;
    let wrong = |what: &str| page(400, &format!("<p>400 Bad Request: {}", escape(what)));
    let mut state = call.state();
    let asked = Asked::read(&state, query, call.app.rules).map_err(wrong)?;
    let channel = state.channel(&asked.channel).map_err(|problem| wrong(&problem))?;
    let (service, provider) = (phone::name_of(channel), channel.settings.provider.clone());
    let linked = channel.settings.linked_bot.clone();
    let people = state
        .providers
        .get(&provider)
        .ok_or_else(|| wrong("the channel has no provider"))?;
    if query.get("double_answer") == Some("deny") {
        let words = "The resource owner denied the request.";
        return Ok(asked
            .back(&[("error", "access_denied"), ("error_description", words)])
            .into());
    }
    let chosen = query.get("double_user").and_then(|user| user.parse().ok());
    // Who would be signed in without being asked is asked where the service wants it.
    let current = people
        .current
        .filter(|_| query.get("disable_auto_login") != Some("true"));
    let Some(user) = chosen.or(current).filter(|user| people.users.contains_key(user)) else {
        let users = people
            .users
            .iter()
            .take(OFFERED_MAX)
            .map(|(user, name)| (user, &**name));
        let offers_bot = linked.is_some() && asked.prompt == Some(Prompt::Normal);
        return Ok(ask_for_consent(&asked, query, &service, users, offers_bot).into());
    };
    let mut jobs = Vec::new();
    let mut is_changed = false;
    if let (Some(bot), Some(prompt), None) = (linked, asked.prompt, current) {
        let friendship = state
            .channel(&bot)
            .map_err(|problem| wrong(&problem))?
            .friends
            .get(&user);
        let act = match friendship {
            Some(Friendship::Friend) => None,
            Some(Friendship::Blocked) => Some(Act::Unblock),
            None => Some(Act::Befriend),
        };
        match (act, query.get("double_friend")) {
            (Some(_), None) if prompt == Prompt::Aggressive => return Ok(ask_for_friendship(query, &service).into()),
            (Some(act), Some("yes")) => {
                is_changed = true;
                jobs = webhook::act(&mut state, &bot, Some(user), act, Manner::default())
                    .map_err(|problem| wrong(&problem))?;
            }
            _ => {}
        }
    }
    let code = state.random.token(15);
    let granted = Code {
        channel: Arc::clone(&asked.channel),
        user,
        redirect_uri: asked.redirect_uri.to_owned(),
        scope: asked.scope.to_owned(),
        nonce: asked.nonce.map(str::to_owned),
        challenge: asked.challenge.map(str::to_owned),
    };
    let end = call.now.saturating_add(CODE_LIFE).unwrap_or(call.now);
    state.codes.issue(code.clone(), granted, end, call.now);
    let mut answer = vec![("code", code.as_str())];
    if asked.prompt.is_some() {
        answer.push(("friendship_status_changed", if is_changed { "true" } else { "false" }));
    }
    let back = asked.back(&answer);
    Ok(Outgoing {
        jobs,
        answer: Box::new(|_| back),
    })
}

/// The page on which a person says who they are, and whether the service may know what it asks for.
fn ask_for_consent<'a>(
    asked: &Asked<'_>,
    query: &Pairs,
    service: &str,
    users: impl Iterator<Item = (&'a UserId, &'a str)>,
    offers_bot: bool,
) -> Answer {
    let mut html = format!("<p>{service}が、つぎのことを知ろうとしています。</p><ul>");
    for (_, permission) in PERMISSIONS
        .iter()
        .filter(|(scope, _)| asked.scope.split(' ').any(|asked| asked == *scope))
    {
        put!(html, "<li>{permission}</li>");
    }
    put!(html, "</ul>{}<fieldset><legend>だれのLINEですか</legend>", form(query));
    for (number, (user, name)) in users.enumerate() {
        let checked = if number == 0 { " checked" } else { "" };
        put!(
            html,
            "<label><input type=\"radio\" name=\"double_user\" value=\"{user}\" required{checked}> {}</label>",
            escape(name)
        );
    }
    html.push_str("</fieldset>");
    if offers_bot {
        html.push_str("<label><input type=\"checkbox\" name=\"double_friend\" value=\"yes\"> 友だち追加</label>");
    }
    html.push_str(
        "<button class=\"primary\" name=\"double_answer\" value=\"allow\">許可する</button>\
         <button class=\"secondary\" name=\"double_answer\" value=\"deny\" formnovalidate>キャンセル</button></form>",
    );
    page(200, &html)
}

/// The page on which a person who agreed becomes a friend of the linked account, or does not.
fn ask_for_friendship(query: &Pairs, service: &str) -> Answer {
    page(
        200,
        &format!(
            "<p>{service}を、友だちに追加しますか。</p>{}\
             <button class=\"primary\" name=\"double_friend\" value=\"yes\">友だちに追加する</button>\
             <button class=\"secondary\" name=\"double_friend\" value=\"no\">追加しないで進む</button></form>",
            form(query)
        ),
    )
}

/// The beginning of a form that asks the same again with one thing more.
fn form(query: &Pairs) -> String {
    let mut form = String::from("<form class=\"consent\">");
    for (name, value) in &query.0 {
        put!(
            form,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    form
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
