//! Sending: push, multicast, broadcast, reply, and their checks without sending.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::{Call, Object, gone, invalid_property};
use crate::clock::day_in_japan;
use crate::messages;
use crate::model::Via;
use crate::state::{Accepted, Origin, State, UserId};

/// Recipients of one multicast (LINE: "Send multicast message").
const MULTICAST_MAX: usize = 500;

/// A request to send whose body was found right.
struct Sending {
    via: Via,
    to: Vec<UserId>,
    messages: Value,
}

/// POST /v2/bot/message/push
pub(crate) fn push(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut body = call.object(&["to", "messages", "notificationDisabled", "customAggregationUnits"])?;
    let to = body.text("to")?.parse().map_err(|_| invalid_property("to"))?;
    let messages = take_messages(call, &mut body)?;
    let sending = Sending {
        via: Via::Push,
        to: vec![to],
        messages,
    };
    send(call, sending, |_| Answer::refuse(400, "Failed to send messages"))
}

/// POST /v2/bot/message/multicast
pub(crate) fn multicast(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut body = call.object(&["to", "messages", "notificationDisabled", "customAggregationUnits"])?;
    let to = body.users("to", MULTICAST_MAX)?;
    let messages = take_messages(call, &mut body)?;
    let sending = Sending {
        via: Via::Multicast,
        to,
        messages,
    };
    send(call, sending, |index| invalid_property(&format!("to[{index}]")))
}

/// POST /v2/bot/message/broadcast
pub(crate) fn broadcast(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut body = call.object(&["messages", "notificationDisabled"])?;
    let messages = take_messages(call, &mut body)?;
    let to = {
        let mut state = call.state();
        let channel = call.channel(&mut state)?;
        let known = channel.friends.keys().copied();
        known.filter(|user| channel.reaches(*user)).collect()
    };
    let sending = Sending {
        via: Via::Broadcast,
        to,
        messages,
    };
    send(call, sending, |_| Answer::refuse(400, "Failed to send messages"))
}

/// POST /v2/bot/message/reply: free, and once for each reply token.
pub(crate) fn reply(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut body = call.object(&["replyToken", "messages", "notificationDisabled"])?;
    let token = body.text("replyToken")?.to_owned();
    let messages = take_messages(call, &mut body)?;
    let mut state = call.state();
    let State { channels, receipts, .. } = &mut *state;
    let (channel, user) = channels
        .get_mut(&call.channel)
        .and_then(|channel| {
            let user = channel.reply_tokens.redeem(&token, call.now)?;
            Some((channel, user))
        })
        .ok_or_else(|| Answer::refuse(400, "Invalid reply token"))?;
    let count = messages.as_array().map_or(0, Vec::len);
    if channel.reaches(user) {
        let origin = Arc::new(Origin {
            request_id: call.request_id.to_owned(),
            retry_key: None,
            via: Via::Reply,
            messages,
        });
        receipts.add(&channel.id, user, call.now, &origin);
        *channel.sent.entry((Via::Reply, day_in_japan(call.now))).or_default() += 1;
    }
    let sent_messages = number_messages(&mut state, count);
    Ok(Answer::ok(&json!({ "sentMessages": sent_messages })))
}

/// POST /v2/bot/message/validate/{reply,push,multicast,broadcast}
pub(crate) fn validate(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut body = call.object(&["messages"])?;
    take_messages(call, &mut body)?;
    Ok(Answer::done())
}

/// The messages of a body, after looking at everything that the sending endpoints have in common.
fn take_messages(call: &Call<'_>, body: &mut Object) -> Result<Value, Answer> {
    body.flag("notificationDisabled")?;
    if let Some(units) = body.get("customAggregationUnits") {
        let right = units.as_array().is_some_and(|units| {
            units.len() <= 1 && units.iter().all(|unit| unit.as_str().is_some_and(is_aggregation_unit))
        });
        if !right {
            return Err(invalid_property("customAggregationUnits"));
        }
    }
    let messages = body.take("messages")?;
    messages::check(&messages, call.app.rules)?;
    Ok(messages)
}

fn is_aggregation_unit(name: &str) -> bool {
    (1..=30).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Sends to whom it may, once for each retry key.
fn send(call: &Call<'_>, sending: Sending, unknown: impl Fn(usize) -> Answer) -> Result<Answer, Answer> {
    let Sending { via, mut to, messages } = sending;
    let digest = digest(&messages);
    let count = messages.as_array().map_or(0, Vec::len);
    // Made before the state is locked, and so freed after that where nobody keeps it.
    let origin = Arc::new(Origin {
        request_id: call.request_id.to_owned(),
        retry_key: call.retry_key,
        via,
        messages,
    });
    let mut state = call.state();
    if let Some(answer) = already_accepted(&mut state, call, via, &to, digest) {
        return Err(answer);
    }
    let people = state.people(&call.channel).ok_or_else(gone)?;
    if let Some(index) = to.iter().position(|user| !people.contains_key(user)) {
        return Err(unknown(index));
    }
    let asked = to.len();
    to.sort_unstable();
    to.dedup();
    if to.len() < asked {
        let what = "the same user stands in `to` more than once".to_owned();
        state.violation(&call.channel, call.request_id, what);
    }
    let sent_messages = number_messages(&mut state, count);
    let State { channels, receipts, .. } = &mut *state;
    let channel = channels.get_mut(&call.channel).ok_or_else(gone)?;
    let reached = to.iter().filter(|user| channel.reaches(**user)).count() as u64;
    if let Some(quota) = channel.settings.quota
        && channel.billed(call.now) + channel.reserved + reached > quota
    {
        return Err(Answer::refuse(429, "You have reached your monthly limit."));
    }
    for user in to.iter().filter(|user| channel.reaches(**user)) {
        receipts.add(&channel.id, *user, call.now, &origin);
    }
    channel.bill(reached, call.now);
    *channel.sent.entry((via, day_in_japan(call.now))).or_default() += reached;
    if let Some(known) = call.retry_key.and_then(|key| channel.keys.get_mut(&key)) {
        known.accepted = Some(Accepted {
            via,
            request_id: call.request_id.to_owned(),
            to: to.into_boxed_slice(),
            messages: digest,
            sent_messages: sent_messages.clone(),
        });
    }
    Ok(match via {
        Via::Push => Answer::ok(&json!({ "sentMessages": sent_messages })),
        _ => Answer::done(),
    })
}

/// The answer to a retry key that was carried out before. Other recipients or words under the same key are a breach
/// that LINE does not report: the second message simply never arrives.
fn already_accepted(state: &mut State, call: &Call<'_>, via: Via, to: &[UserId], digest: u64) -> Option<Answer> {
    let key = call.retry_key?;
    let channel = state.channels.get(&call.channel)?;
    let earlier = channel.keys.get(&key)?.accepted.as_ref()?;
    let what = if earlier.via != via {
        Some("another endpoint")
    } else if earlier.messages != digest {
        Some("other messages")
    } else if via != Via::Broadcast && !to.iter().all(|user| earlier.to.binary_search(user).is_ok()) {
        Some("other recipients")
    } else {
        None
    };
    let message = "The retry key is already accepted";
    let body = if via == Via::Push && earlier.via == Via::Push {
        json!({ "message": message, "sentMessages": earlier.sent_messages })
    } else {
        json!({ "message": message })
    };
    let answer = Answer {
        accepted_request: Some(earlier.request_id.clone()),
        ..Answer::json(409, &body)
    };
    if let Some(what) = what {
        let what = format!("retry key {key} was used again with {what}");
        state.violation(&call.channel, call.request_id, what);
    }
    Some(answer)
}

fn digest(messages: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    messages.hash(&mut hasher);
    hasher.finish()
}

fn number_messages(state: &mut State, count: usize) -> Value {
    (0..count)
        .map(|_| {
            let id = state.next_message_id();
            let quote = format!("quote{id}");
            json!({ "id": id, "quoteToken": quote })
        })
        .collect()
}
