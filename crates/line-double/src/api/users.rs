//! Users and the bot itself: profiles, followers, account link tokens, the loading animation.

use serde_json::json;

use crate::answer::Answer;
use crate::call::{Call, invalid_property};
use crate::state::UserId;

/// Followers of one page where nothing was asked for, and at most (LINE: "Get a list of users who added…").
const FOLLOWERS: usize = 300;
const FOLLOWERS_MAX: usize = 1_000;

/// GET /v2/bot/profile/{userId}: whoever is no friend, or blocked the account, is not found.
pub(crate) fn profile(call: &Call<'_>) -> Result<Answer, Answer> {
    let user = call.user(0)?;
    let mut state = call.state();
    let is_friend = call.channel(&mut state)?.reaches(user);
    match state.name(&call.channel, user) {
        Some(name) if is_friend => Ok(Answer::ok(
            &json!({ "userId": user.to_string(), "displayName": name, "language": "ja" }),
        )),
        _ => Err(Answer::refuse(404, "Not found")),
    }
}

/// GET /v2/bot/followers/ids
pub(crate) fn followers(call: &Call<'_>) -> Result<Answer, Answer> {
    let invalid = |name: &str| Answer::refuse(400, &format!("The value for the '{name}' parameter is invalid"));
    let limit = match call.query.get("limit") {
        None => FOLLOWERS,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=FOLLOWERS_MAX).contains(limit))
            .ok_or_else(|| invalid("limit"))?,
    };
    let start: Option<UserId> = match call.query.get("start") {
        None => None,
        Some(token) => Some(token.parse().map_err(|_| invalid("start"))?),
    };
    let mut state = call.state();
    let channel = call.channel(&mut state)?;
    let mut friends = channel
        .friends
        .keys()
        .filter(|user| start.is_none_or(|start| **user >= start) && channel.reaches(**user));
    let page: Vec<String> = friends.by_ref().take(limit).map(ToString::to_string).collect();
    Ok(Answer::ok(&match friends.next() {
        Some(next) => json!({ "userIds": page, "next": next.to_string() }),
        None => json!({ "userIds": page }),
    }))
}

/// GET /v2/bot/info
pub(crate) fn info(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let channel = call.channel(&mut state)?;
    Ok(Answer::ok(&json!({
        "userId": channel.settings.bot_user_id,
        "basicId": channel.settings.basic_id,
        "displayName": channel.settings.display_name,
        "chatMode": "bot",
        "markAsReadMode": "auto",
    })))
}

/// POST /v2/bot/chat/loading/start
pub(crate) fn start_loading(call: &Call<'_>) -> Result<Answer, Answer> {
    let body = call.object(&["chatId", "loadingSeconds"])?;
    let user: UserId = body.text("chatId")?.parse().map_err(|_| invalid_property("chatId"))?;
    if let Some(seconds) = body.get("loadingSeconds") {
        let right = seconds
            .as_u64()
            .is_some_and(|seconds| (5..=60).contains(&seconds) && seconds % 5 == 0);
        if !right {
            return Err(invalid_property("loadingSeconds"));
        }
    }
    match call.state().name(&call.channel, user) {
        Some(_) => Ok(Answer::json(202, &json!({}))),
        None => Err(invalid_property("chatId")),
    }
}
