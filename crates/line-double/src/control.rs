//! The other side of the double, for tests and demonstrations: `/_double/…`, JSON in and out.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::api::routes::ROUTES;
use crate::call::{App, Pairs};
use crate::model::{Chances, Fault, NewChannel};
use crate::state::{Channel, Friendship, State, UserId};

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

/// A user and a channel between whom something happens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    channel: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
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
    #[serde(default)]
    quota: Option<u64>,
    #[serde(default)]
    reserved: u64,
}

/// The most calls of an endpoint within one second.
#[derive(Debug, Serialize)]
pub(crate) struct Peak {
    channel: String,
    method: &'static str,
    path: &'static str,
    peak: usize,
    passed: u64,
    refused: u64,
}

/// Answers a request whose path had `/_double` before it.
pub(crate) async fn answer(app: &App, method: &str, path: &str, query: &Pairs, body: &[u8]) -> Answer {
    steer(app, method, path, query, body).unwrap_or_else(|problem| Answer::refuse(400, &problem))
}

fn steer(app: &App, method: &str, path: &str, query: &Pairs, body: &[u8]) -> Result<Answer, String> {
    let mut state = app.state();
    let state = &mut *state;
    match (method, path) {
        ("POST", "/channels") => state.add_channel(read::<NewChannel>(body)?)?,
        ("POST", "/users") => add_users(state, &read(body)?)?,
        ("POST", "/befriend" | "/unblock") => set_friendship(state, body, Friendship::Friend)?,
        ("POST", "/block") => set_friendship(state, body, Friendship::Blocked)?,
        ("POST", "/faults") => state.faults.push(read::<Fault>(body)?),
        ("DELETE", "/faults") => state.faults.clear(),
        ("POST", "/chances") => state.chances = Some(read::<Chances>(body)?),
        ("DELETE", "/chances") => state.chances = None,
        ("POST", "/advance") => state
            .clock
            .advance(SignedDuration::from_secs(read::<Advance>(body)?.seconds)),
        ("POST", "/limits") => state.rate_limits = read::<Limits>(body)?.on,
        ("POST", "/quota") => set_quota(state, &read(body)?)?,
        ("GET", "/receipts") => return Ok(receipts(state, query)),
        ("GET", "/requests") => return json_answer(&state.requests.all()),
        ("GET", "/violations") => return json_answer(&state.violations),
        ("GET", "/peaks") => return json_answer(&peaks(state)),
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

fn set_friendship(state: &mut State, body: &[u8], friendship: Friendship) -> Result<(), String> {
    let Pair { channel, user } = read(body)?;
    state.befriend(&channel, user.parse()?, friendship)?;
    Ok(())
}

fn set_quota(state: &mut State, new: &Quota) -> Result<(), String> {
    let channel = state.channel(&new.channel)?;
    channel.settings.quota = new.quota;
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

/// The busiest second of each endpoint that was called.
pub(crate) fn peaks(state: &State) -> Vec<Peak> {
    let of_channel = |channel: &Channel| -> Vec<Peak> {
        channel
            .meters
            .iter()
            .filter_map(|(number, meter)| {
                let route = ROUTES.get(*number)?;
                Some(Peak {
                    channel: channel.id.to_string(),
                    method: route.method,
                    path: route.template,
                    peak: meter.peak,
                    passed: meter.passed,
                    refused: meter.refused,
                })
            })
            .collect()
    };
    state.channels.values().flat_map(of_channel).collect()
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
