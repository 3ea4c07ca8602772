//! LIFF: a stand-in for the SDK that pages inside LINE load, and how LINE opens such a page.

use std::collections::BTreeMap;

use serde_json::json;

use crate::answer::Answer;
use crate::api::login::{Flaw, liff_id_token, percent_encode};
use crate::call::Call;
use crate::html::put;
use crate::model::ChannelKind;
use crate::state::{State, UserId};

/// The script; the apps that it knows are put into it.
const SDK: &str = include_str!("liff_sdk.js");

/// Where the apps go in the script.
const APPS: &str = "{ /* apps */ }";

/// A page that LINE opens inside itself.
#[derive(Debug)]
pub(crate) struct LiffApp {
    /// The login channel that it belongs to.
    channel: String,
    /// The address of the page.
    endpoint: String,
}

/// GET <https://static.line-scdn.net/liff/edge/2/sdk.js>
#[expect(
    clippy::unnecessary_wraps,
    reason = "the table of routes holds handlers of one shape"
)]
pub(crate) fn sdk(call: &Call<'_>) -> Result<Answer, Answer> {
    let state = call.state();
    let apps: BTreeMap<&str, &str> = state
        .liff_apps
        .iter()
        .map(|(id, app)| (id.as_str(), app.endpoint.as_str()))
        .collect();
    let script = SDK.replace(APPS, &json!(apps).to_string());
    Ok(Answer::bytes(
        200,
        "text/javascript; charset=utf-8",
        script.into_bytes(),
    ))
}

/// Adds an app to a login channel, or moves a known one.
pub(crate) fn add_app(state: &mut State, channel: &str, id: &str, endpoint: &str) -> Result<(), String> {
    if state.channel(channel)?.settings.kind != ChannelKind::Login {
        return Err(format!("channel {channel:?} is no login channel"));
    }
    if !id.starts_with(&format!("{channel}-")) {
        return Err(format!(
            "the id of an app of channel {channel:?} begins with {channel}-"
        ));
    }
    if endpoint.contains('#') {
        return Err("an endpoint has no fragment".to_owned());
    }
    let app = LiffApp {
        channel: channel.to_owned(),
        endpoint: endpoint.to_owned(),
    };
    state.liff_apps.insert(id.to_owned(), app);
    Ok(())
}

/// The address that LINE opens for a user who pressed `https://liff.line.me/{id}{behind}`, with what it hands over.
pub(crate) fn open(
    state: &mut State,
    id: &str,
    user: UserId,
    behind: &str,
    flaw: Option<Flaw>,
) -> Result<String, String> {
    let app = state
        .liff_apps
        .get(id)
        .ok_or_else(|| format!("there is no LIFF app {id:?}"))?;
    let (channel, mut url) = (app.channel.clone(), app.endpoint.clone());
    if !behind.is_empty() {
        let joint = if url.contains('?') { '&' } else { '?' };
        put!(url, "{joint}liff.state={}", percent_encode(behind));
    }
    let token = liff_id_token(state, &channel, user, None, flaw)?;
    let (access, context) = (state.random.token(96), state.random.token(96));
    put!(
        url,
        "#access_token={access}&context_token={context}&id_token={token}&client_id={channel}"
    );
    Ok(url)
}
