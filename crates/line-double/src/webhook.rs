//! Webhooks: what users do becomes signed events, which are carried to the channel's endpoint.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::call::App;
use crate::model::Delivery;
use crate::random::Random;
use crate::state::{Friendship, State, UserId};

/// How long LINE waits for an answer (LINE: "Receive messages (webhook)").
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes of an endpoint's answer that are read; nothing in it matters.
const ANSWER_MAX: u64 = 64 * 1024;

/// How long a reply token lives after the webhook was answered, and at most after the event where it is redelivered.
const REPLY_TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(1);
const REPLY_TOKEN_LIFE_MAX: SignedDuration = SignedDuration::from_mins(20);

/// Events of a channel that are held until they are released.
const HELD_MAX: usize = 1_000;

/// Events that wait for redelivery, deliveries and words of users that are remembered for all channels.
const FAILED_MAX: usize = 1_000;
const DELIVERIES_MAX: usize = 10_000;
const SAID_MAX: usize = 10_000;

/// What a user does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Adds the account as a friend.
    Befriend,
    /// Blocks the account.
    Block,
    /// Unblocks the account.
    Unblock,
    /// Writes a text.
    Say(String),
    /// Taps something with a postback action; the parameters are those of a date or of a rich menu that was switched.
    Tap {
        /// The action's `data`.
        data: String,
        /// The event's `params`; null for none.
        params: Value,
    },
    /// Taps something that switches to the rich menu of an alias.
    Switch {
        /// The alias.
        alias: String,
        /// The action's `data`.
        data: String,
    },
    /// Takes a message back.
    Unsend(String),
    /// Something else: the properties of the event, which win over those that are filled in.
    Event(Map<String, Value>),
}

/// How an event is carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Manner {
    /// Twice, as LINE may do even without redelivery.
    pub duplicate: bool,
    /// Not now: it waits for `release`.
    pub hold: bool,
    /// With a signature that is not the channel's.
    pub forge: bool,
    /// With the mode `standby`: somebody else is to answer.
    pub standby: bool,
}

/// A text that a user wrote, or an action's text that is shown as if they had.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) channel: Arc<str>,
    pub(crate) user: UserId,
    pub(crate) message: String,
    pub(crate) text: String,
    pub(crate) at: Timestamp,
    /// The number of the last receipt before it.
    pub(crate) after: u64,
}

/// An event, kept until it was answered.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    json: Value,
    forge: bool,
}

/// What a channel's webhook knows beside its URL.
#[derive(Debug)]
pub(crate) struct Webhook {
    /// Whether the owner switched webhooks on.
    pub(crate) active: bool,
    /// Whether the owner switched redelivery on.
    pub(crate) redelivery: bool,
    held: Vec<Event>,
    failed: VecDeque<Event>,
}

impl Default for Webhook {
    fn default() -> Webhook {
        Webhook {
            active: true,
            redelivery: false,
            held: Vec::new(),
            failed: VecDeque::new(),
        }
    }
}

/// What is known of webhooks over all channels.
#[derive(Debug, Default)]
pub(crate) struct Mailbag {
    pub(crate) said: VecDeque<Said>,
    pub(crate) deliveries: VecDeque<Delivery>,
}

/// One call of an endpoint that is to be made.
#[derive(Debug)]
pub(crate) struct Job {
    channel: Arc<str>,
    url: String,
    body: String,
    signature: String,
    events: Vec<Event>,
}

/// Carries out what a user does, and gives the calls that are to be made for it.
pub(crate) fn act(
    state: &mut State,
    channel: &str,
    user: Option<UserId>,
    act: Act,
    manner: Manner,
) -> Result<Vec<Job>, String> {
    let Some(properties) = properties(state, channel, user, act)? else {
        return Ok(Vec::new());
    };
    let now = state.clock.now();
    let mut event = Map::new();
    event.insert("timestamp".to_owned(), Value::from(now.as_millisecond()));
    event.insert(
        "mode".to_owned(),
        Value::from(if manner.standby { "standby" } else { "active" }),
    );
    event.insert("webhookEventId".to_owned(), Value::from(ulid(&mut state.random, now)));
    event.insert("deliveryContext".to_owned(), json!({ "isRedelivery": false }));
    if let Some(user) = user {
        event.insert(
            "source".to_owned(),
            json!({ "type": "user", "userId": user.to_string() }),
        );
        let can_be_answered = !matches!(
            properties.get("type").and_then(Value::as_str),
            Some("unfollow" | "unsend")
        );
        if can_be_answered && !manner.standby {
            let token = state.random.id().replace('-', "");
            event.insert("replyToken".to_owned(), Value::from(token.as_str()));
            let until = now.saturating_add(REPLY_TOKEN_LIFE).unwrap_or(now);
            state.channel(channel)?.reply_tokens.issue(token, user, until, now);
        }
    }
    event.extend(properties);
    let event = Event {
        json: Value::Object(event),
        forge: manner.forge,
    };
    if manner.hold {
        let held = &mut state.channel(channel)?.webhook.held;
        if held.len() >= HELD_MAX {
            return Err(format!("{HELD_MAX} events are held already"));
        }
        held.push(event);
        return Ok(Vec::new());
    }
    let times = if manner.duplicate { 2 } else { 1 };
    (0..times)
        .filter_map(|_| job(state, channel, vec![event.clone()]).transpose())
        .collect()
}

/// What an act changes, and the properties of its event; none where nothing changed.
fn properties(
    state: &mut State,
    channel: &str,
    user: Option<UserId>,
    act: Act,
) -> Result<Option<Map<String, Value>>, String> {
    if let Act::Event(properties) = act {
        state.channel(channel)?;
        return Ok(Some(properties));
    }
    let user = user.ok_or("a user is needed")?;
    let before = state.channel(channel)?.friends.get(&user).copied();
    let is_friend = before == Some(Friendship::Friend);
    let properties = match act {
        Act::Befriend | Act::Unblock => {
            if act == Act::Unblock && before.is_none() {
                return Err(format!(
                    "{user} never added the account, so there is nothing to unblock"
                ));
            }
            state.befriend(channel, user, Friendship::Friend)?;
            let is_unblocked = before == Some(Friendship::Blocked);
            (!is_friend).then(|| json!({ "type": "follow", "follow": { "isUnblocked": is_unblocked } }))
        }
        Act::Block => {
            state.befriend(channel, user, Friendship::Blocked)?;
            is_friend.then(|| json!({ "type": "unfollow" }))
        }
        _ if !is_friend => return Err(format!("{user} is no friend of the account and cannot write to it")),
        Act::Say(text) => {
            let message = state.say(channel, user, &text)?;
            let quote = format!("quote{message}");
            Some(json!({
                "type": "message",
                "message": { "type": "text", "id": message, "text": text, "quoteToken": quote },
            }))
        }
        Act::Tap { data, params } => {
            let mut postback = Map::new();
            postback.insert("data".to_owned(), Value::from(data));
            if !params.is_null() {
                postback.insert("params".to_owned(), params);
            }
            Some(json!({ "type": "postback", "postback": postback }))
        }
        Act::Switch { alias, data } => {
            let now = state.clock.now();
            let status = state.channel(channel)?.menus.switch(user, &alias, now);
            let params = json!({ "newRichMenuAliasId": alias, "status": status });
            Some(json!({ "type": "postback", "postback": { "data": data, "params": params } }))
        }
        Act::Unsend(message) => {
            state.mailbag.said.retain(|said| said.message != message);
            Some(json!({ "type": "unsend", "unsend": { "messageId": message } }))
        }
        Act::Event(_) => None,
    };
    Ok(match properties {
        Some(Value::Object(properties)) => Some(properties),
        _ => None,
    })
}

impl State {
    /// Shows a text of the user in their talk and gives the id of the message.
    pub(crate) fn say(&mut self, channel: &str, user: UserId, text: &str) -> Result<String, String> {
        let message = self.next_message_id();
        let said = Said {
            channel: Arc::clone(&self.channel(channel)?.id),
            user,
            message: message.clone(),
            text: text.to_owned(),
            at: self.clock.now(),
            after: self.receipts.count,
        };
        push_bounded(&mut self.mailbag.said, said, SAID_MAX);
        Ok(message)
    }
}

/// The calls for events that were held: each for itself or all in one, in their order or the reverse.
pub(crate) fn release(state: &mut State, channel: &str, together: bool, reverse: bool) -> Result<Vec<Job>, String> {
    let mut events = std::mem::take(&mut state.channel(channel)?.webhook.held);
    if reverse {
        events.reverse();
    }
    let calls = if together && !events.is_empty() {
        vec![events]
    } else {
        events.into_iter().map(|event| vec![event]).collect()
    };
    calls
        .into_iter()
        .filter_map(|events| job(state, channel, events).transpose())
        .collect()
}

/// The calls for events whose endpoint failed; none where the owner left redelivery off.
pub(crate) fn redeliver(state: &mut State, channel: &str) -> Result<Vec<Job>, String> {
    let now = state.clock.now();
    let known = state.channel(channel)?;
    if !known.webhook.redelivery {
        return Ok(Vec::new());
    }
    let mut failed: Vec<Event> = std::mem::take(&mut known.webhook.failed).into();
    for event in &mut failed {
        if let Some(context) = event.json.pointer_mut("/deliveryContext/isRedelivery") {
            *context = Value::Bool(true);
        }
        known.prolong(event, now);
    }
    failed
        .into_iter()
        .filter_map(|event| job(state, channel, vec![event]).transpose())
        .collect()
}

/// A call with no event, which only tries the connection.
pub(crate) fn trial(state: &mut State, channel: &str, url: Option<&str>) -> Result<Option<Job>, String> {
    let known = state.channel(channel)?;
    let Some(url) = url.or(known.settings.webhook.as_deref()) else {
        return Ok(None);
    };
    let url = url.to_owned();
    Ok(Some(call_for(known, url, Vec::new())))
}

/// The call for events; none where the channel has no webhook or its owner switched it off.
fn job(state: &mut State, channel: &str, events: Vec<Event>) -> Result<Option<Job>, String> {
    let known = state.channel(channel)?;
    let Some(url) = known.settings.webhook.clone().filter(|_| known.webhook.active) else {
        return Ok(None);
    };
    Ok(Some(call_for(known, url, events)))
}

fn call_for(channel: &crate::state::Channel, url: String, events: Vec<Event>) -> Job {
    let list: Vec<&Value> = events.iter().map(|event| &event.json).collect();
    let body = json!({ "destination": channel.settings.bot_user_id, "events": list }).to_string();
    let mut secret = channel.settings.secret.clone();
    if events.iter().any(|event| event.forge) {
        secret.push_str("-forged");
    }
    Job {
        channel: Arc::clone(&channel.id),
        signature: sign(&secret, body.as_bytes()),
        url,
        body,
        events,
    }
}

impl crate::state::Channel {
    /// A reply token lives for a minute from the answer to its webhook, as long as it was not used and the event is young.
    fn prolong(&mut self, event: &Event, now: Timestamp) {
        let token = event.json.get("replyToken").and_then(Value::as_str).unwrap_or_default();
        let at = event.json.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
        let at = Timestamp::from_millisecond(at).unwrap_or(now);
        let end = now.saturating_add(REPLY_TOKEN_LIFE).unwrap_or(now);
        let last = at.saturating_add(REPLY_TOKEN_LIFE_MAX).unwrap_or(now);
        self.reply_tokens.prolong(token, end.min(last));
    }
}

/// The signature of a body: Base64 of HMAC-SHA256 with the channel secret (LINE: "Verify webhook signature").
fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A ULID: 48 bits of milliseconds and 80 of chance in Crockford's base 32.
fn ulid(random: &mut Random, now: Timestamp) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let number = (now.as_millisecond() as u128) << 80 | random.number() >> 48;
    (0..26)
        .rev()
        .filter_map(|place| DIGITS.get((number >> (5 * place)) as usize & 31))
        .map(|digit| char::from(*digit))
        .collect()
}

/// Makes the calls one after the other and remembers what the endpoint answered.
pub(crate) async fn carry(app: &Arc<App>, jobs: Vec<Job>) -> Vec<Delivery> {
    let mut deliveries = Vec::with_capacity(jobs.len());
    for job in jobs {
        let at = app.state().clock.now();
        let (agent, url) = (app.agent.clone(), job.url.clone());
        let (body, signature) = (job.body.clone(), job.signature.clone());
        // The client waits with a thread; the runtime must not.
        let outcome = tokio::task::spawn_blocking(move || call(&agent, &url, &body, &signature)).await;
        let (status, outcome) = outcome.unwrap_or((None, Outcome::Unclassified));
        let delivery = Delivery {
            channel: job.channel.to_string(),
            at,
            url: job.url,
            body: serde_json::from_str(&job.body).unwrap_or_default(),
            status,
            outcome,
        };
        let mut state = app.state();
        let now = state.clock.now();
        if let Ok(channel) = state.channel(&job.channel) {
            for event in job.events {
                channel.prolong(&event, now);
                if outcome != Outcome::Ok && channel.webhook.redelivery {
                    push_bounded(&mut channel.webhook.failed, event, FAILED_MAX);
                }
            }
        }
        push_bounded(&mut state.mailbag.deliveries, delivery.clone(), DELIVERIES_MAX);
        deliveries.push(delivery);
    }
    deliveries
}

/// How a call of an endpoint ended, in the classes that LINE shows to a channel's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered 200 to 299 in time.
    Ok,
    /// Nobody listens.
    CouldNotConnect,
    /// No answer within two seconds.
    RequestTimeout,
    /// Answered another status.
    ErrorStatusCode,
    /// Something else.
    Unclassified,
}

fn call(agent: &ureq::Agent, url: &str, body: &str, signature: &str) -> (Option<u16>, Outcome) {
    if !url.starts_with("http://") {
        return (None, Outcome::CouldNotConnect);
    }
    let answer = agent
        .post(url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "LineBotWebhook/2.0")
        .header("x-line-signature", signature)
        .send(body);
    match answer {
        Ok(mut answer) => {
            let status = answer.status();
            // Read to its end, so that the connection can be used again.
            let _ = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_vec();
            let outcome = if status.is_success() {
                Outcome::Ok
            } else {
                Outcome::ErrorStatusCode
            };
            (Some(status.as_u16()), outcome)
        }
        Err(ureq::Error::Timeout(_)) => (None, Outcome::RequestTimeout),
        Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed | ureq::Error::HostNotFound) => {
            (None, Outcome::CouldNotConnect)
        }
        Err(_) => (None, Outcome::Unclassified),
    }
}

/// The client that calls endpoints.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into()
}

fn push_bounded<T>(list: &mut VecDeque<T>, item: T, max: usize) {
    if list.len() == max {
        list.pop_front();
    }
    list.push_back(item);
}
