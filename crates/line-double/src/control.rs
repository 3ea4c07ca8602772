//! The other side of the double, for tests and demonstrations: `/_double/…`, JSON in and out.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::api::{Flaw, liff, liff_id_token};
use crate::call::{App, Pairs};
use crate::model::{Chances, Fault, NewChannel};
use crate::phone;
use crate::state::{Friendship, State, UserId};
use crate::webhook::{self, Act, Job, Manner};

/// A user, or several of one provider, and the channel whose friends they are from the start.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUsers {
    provider: String,
    users: Vec<NewUser>,
    #[serde(default)]
    friends_of: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    id: String,
    name: String,
}

/// Something that a user does. Which of the others are needed depends on the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    channel: String,
    #[serde(default)]
    user: Option<String>,
    /// Changes what is known and sends no webhook.
    #[serde(default)]
    quietly: bool,
    #[serde(default)]
    manner: Manner,
    #[serde(default)]
    text: String,
    #[serde(default)]
    data: String,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    alias: String,
    #[serde(default)]
    message_id: String,
    #[serde(default)]
    event: Map<String, Value>,
}

/// How held events leave.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    channel: String,
    /// All in one call.
    #[serde(default)]
    together: bool,
    /// The last first.
    #[serde(default)]
    reverse: bool,
}

/// The switches of a webhook in the owner's console; what is missing stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    channel: String,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    redelivery: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    channel: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Callbacks {
    channel: String,
    urls: Vec<String>,
}

/// Who signs in at LINE Login without being asked; nobody where the user is missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrentUser {
    provider: String,
    #[serde(default)]
    user: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewIdToken {
    channel: String,
    user: String,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    flaw: Option<Flaw>,
}

/// A page that LINE opens inside itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLiff {
    channel: String,
    id: String,
    endpoint: String,
}

/// A press on the link of such a page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenLiff {
    id: String,
    user: String,
    #[serde(default)]
    behind: String,
    #[serde(default)]
    flaw: Option<Flaw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuDelay {
    channel: String,
    seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    on: bool,
}

/// The monthly quota of a channel; a missing one is unlimited.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    channel: String,
    #[serde(default, rename = "quota")]
    recipients: Option<u64>,
    #[serde(default)]
    reserved: u64,
}

/// A request whose path had `/_double` before it.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Pairs,
    pub(crate) form: Pairs,
    pub(crate) body: &'a [u8],
}

/// Answers a request.
pub(crate) async fn answer(app: &Arc<App>, request: &Request<'_>) -> Answer {
    let answer = if let Some(talk) = request.path.strip_prefix("/talk/") {
        tap(app, request, talk).await
    } else {
        match calls(app, request) {
            Ok(Some(jobs)) => json_answer(&webhook::carry(app, jobs).await),
            Ok(None) => steer(app, request),
            Err(problem) => Err(problem),
        }
    };
    answer.unwrap_or_else(|problem| Answer::refuse(400, &problem))
}

/// A user's talk, and what the user does there.
async fn tap(app: &Arc<App>, request: &Request<'_>, talk: &str) -> Result<Answer, String> {
    let (channel, user) = talk.split_once('/').ok_or("a talk has a channel and a user")?;
    let user = user.parse()?;
    if request.method == "GET" {
        return phone::talk(&mut app.state(), channel, user);
    }
    let jobs = {
        let mut state = app.state();
        let act = phone::act(&request.form)?;
        let jobs = webhook::act(&mut state, channel, Some(user), act, Manner::default())?;
        if let Some(words) = request.form.get("words").filter(|words| !words.is_empty()) {
            state.say(channel, user, words)?;
        }
        jobs
    };
    webhook::carry(app, jobs).await;
    Ok(Answer::redirect(303, format!("/_double/talk/{channel}/{user}#end")))
}

/// What people do, with the calls of webhooks that follow; none for other paths.
fn calls(app: &App, request: &Request<'_>) -> Result<Option<Vec<Job>>, String> {
    let Request { method, path, body, .. } = *request;
    if method != "POST" {
        return Ok(None);
    }
    let mut state = app.state();
    let jobs = match path {
        "/befriend" | "/block" | "/unblock" | "/say" | "/tap" | "/switch" | "/unsend" | "/event" => {
            let deed: Deed = read(body)?;
            let user = deed.user.as_deref().map(str::parse).transpose()?;
            let act = match path {
                "/befriend" => Act::Befriend,
                "/block" => Act::Block,
                "/unblock" => Act::Unblock,
                "/say" => Act::Say(deed.text),
                "/tap" => Act::Tap {
                    data: deed.data,
                    params: deed.params,
                },
                "/switch" => Act::Switch {
                    alias: deed.alias,
                    data: deed.data,
                },
                "/unsend" => Act::Unsend(deed.message_id),
                _ => Act::Event(deed.event),
            };
            let jobs = webhook::act(&mut state, &deed.channel, user, act, deed.manner)?;
            if deed.quietly { Vec::new() } else { jobs }
        }
        "/release" => {
            let release: Release = read(body)?;
            webhook::release(&mut state, &release.channel, release.together, release.reverse)?
        }
        "/redeliver" => webhook::redeliver(&mut state, &read::<Of>(body)?.channel)?,
        _ => return Ok(None),
    };
    Ok(Some(jobs))
}

fn steer(app: &App, request: &Request<'_>) -> Result<Answer, String> {
    let Request { method, path, body, .. } = *request;
    let query = &request.query;
    let mut state = app.state();
    let state = &mut *state;
    if let Some((channel, menu)) = path
        .strip_prefix("/picture/")
        .and_then(|picture| picture.split_once('/'))
    {
        return phone::picture(state, channel, menu);
    }
    match (method, path) {
        ("POST", "/channels") => state.add_channel(read::<NewChannel>(body)?)?,
        ("POST", "/users") => add_users(state, &read(body)?)?,
        ("POST", "/webhook") => switch(state, &read(body)?)?,
        ("POST", "/faults") => state.script(read::<Fault>(body)?)?,
        ("DELETE", "/faults") => state.faults.clear(),
        ("POST", "/chances") => state.chances = Some(read::<Chances>(body)?),
        ("DELETE", "/chances") => state.chances = None,
        ("POST", "/advance") => state
            .clock
            .advance(SignedDuration::from_secs(read::<Advance>(body)?.seconds)),
        ("POST", "/limits") => state.rate_limits = read::<Limits>(body)?.on,
        ("POST", "/quota") => set_quota(state, &read(body)?)?,
        ("GET", "" | "/") => return Ok(phone::front(state)),
        ("GET", "/receipts") => return Ok(receipts(state, query)),
        ("GET", "/requests") => return json_answer(&state.requests.all()),
        ("GET", "/violations") => return json_answer(&state.violations),
        ("POST", "/callbacks") => {
            let Callbacks { channel, urls } = read(body)?;
            state.channel(&channel)?.callbacks = urls;
        }
        ("POST", "/current-user") => {
            let CurrentUser { provider, user } = read(body)?;
            let user = user.as_deref().map(str::parse).transpose()?;
            state.set_current(&provider, user)?;
        }
        ("POST", "/id-token") => {
            let new: NewIdToken = read(body)?;
            let user = new.user.parse()?;
            let token = liff_id_token(state, &new.channel, user, new.nonce.as_deref(), new.flaw)?;
            return Ok(Answer::ok(&json!({ "id_token": token })));
        }
        ("POST", "/liff") => {
            let new: NewLiff = read(body)?;
            liff::add_app(state, &new.channel, &new.id, &new.endpoint)?;
        }
        ("POST", "/open-liff") => {
            let press: OpenLiff = read(body)?;
            let url = liff::open(state, &press.id, press.user.parse()?, &press.behind, press.flaw)?;
            return Ok(Answer::ok(&json!({ "url": url })));
        }
        ("POST", "/rotate-keys") => state.rotate_keys()?,
        ("POST", "/menu-delay") => {
            let MenuDelay { channel, seconds } = read(body)?;
            state.channel(&channel)?.menus.delay = SignedDuration::from_secs(seconds);
        }
        ("GET", "/menus") => {
            let now = state.clock.now();
            let channel = query.get("channel").unwrap_or_default();
            return json_answer(&state.channel(channel)?.menus.list(now));
        }
        ("GET", "/deliveries") => return json_answer(&state.mailbag.deliveries),
        ("GET", "/peaks") => return json_answer(&state.traffic()),
        ("GET", "/state") => return Ok(Answer::ok(&summary(state))),
        _ => {
            return Ok(Answer::refuse(
                404,
                "There is no such part of the double; see its documentation",
            ));
        }
    }
    Ok(Answer::done())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn json_answer<T: Serialize>(value: &T) -> Result<Answer, String> {
    let body = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    Ok(Answer::bytes(200, "application/json", body))
}

fn add_users(state: &mut State, new: &NewUsers) -> Result<(), String> {
    for NewUser { id, name } in &new.users {
        let user = id.parse()?;
        state.add_user(&new.provider, user, name)?;
        if let Some(channel) = &new.friends_of {
            state.befriend(channel, user, Friendship::Friend)?;
        }
    }
    Ok(())
}

fn switch(state: &mut State, switches: &Switches) -> Result<(), String> {
    let webhook = &mut state.channel(&switches.channel)?.webhook;
    webhook.active = switches.active.unwrap_or(webhook.active);
    webhook.redelivery = switches.redelivery.unwrap_or(webhook.redelivery);
    Ok(())
}

fn set_quota(state: &mut State, new: &Quota) -> Result<(), String> {
    let channel = state.channel(&new.channel)?;
    channel.settings.quota = new.recipients;
    channel.reserved = new.reserved;
    Ok(())
}

/// Receipts after a number, of a channel, of a user; all where nothing is asked for.
fn receipts(state: &State, query: &Pairs) -> Answer {
    let after = query.get("after").and_then(|number| number.parse().ok()).unwrap_or(0);
    let user: Option<UserId> = query.get("user").and_then(|user| user.parse().ok());
    let kept = state.receipts.iter().filter(|kept| {
        kept.number > after
            && user.is_none_or(|user| kept.user == user)
            && query.get("channel").is_none_or(|channel| *kept.channel == *channel)
    });
    let receipts: Vec<_> = kept.map(crate::state::Kept::to_receipt).collect();
    json_answer(&receipts).unwrap_or_else(|problem| Answer::refuse(500, &problem))
}

fn summary(state: &State) -> Value {
    let now = state.clock.now();
    let channels: Vec<Value> = state
        .channels
        .values()
        .map(|channel| {
            let count = |wanted| {
                channel
                    .friends
                    .values()
                    .filter(|friendship| **friendship == wanted)
                    .count()
            };
            json!({
                "id": &*channel.id,
                "kind": channel.settings.kind,
                "provider": channel.settings.provider,
                "display_name": channel.settings.display_name,
                "friends": count(Friendship::Friend),
                "blocked": count(Friendship::Blocked),
                "billed": channel.billed(now),
                "retry_keys": channel.keys.len(),
            })
        })
        .collect();
    json!({
        "now": now.to_string(),
        "channels": channels,
        "receipts": state.receipts.count,
        "requests": state.requests.count,
        "violations": state.violations.len(),
        "faults_left": state.faults,
    })
}
