//! A call of one of LINE's endpoints, as its handler sees it.

use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::answer::Answer;
use crate::messages::Rules;
use crate::state::{Channel, State, UserId};

/// What all calls share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) state: Mutex<State>,
    pub(crate) rules: Rules,
    /// Whether requests are remembered, or only counted.
    pub(crate) keeps_requests: bool,
    /// The client that calls webhooks.
    pub(crate) agent: ureq::Agent,
}

impl App {
    /// The state; a panic elsewhere leaves it as it was then.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names with values, from a query or a form.
#[derive(Debug, Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Pairs {
    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A call whose path, token, rate and headers were found right.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) app: &'a Arc<App>,
    /// What stands in place of the path's variables, in order.
    pub(crate) params: Vec<&'a str>,
    pub(crate) query: Pairs,
    pub(crate) form: Pairs,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
    /// The channel of the token; empty for endpoints without one.
    pub(crate) channel: Arc<str>,
    pub(crate) now: Timestamp,
    pub(crate) request_id: &'a str,
    pub(crate) retry_key: Option<Uuid>,
}

impl Call<'_> {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.app.state()
    }

    /// The channel of the token.
    pub(crate) fn channel<'s>(&self, state: &'s mut State) -> Result<&'s mut Channel, Answer> {
        state.channels.get_mut(&self.channel).ok_or_else(gone)
    }

    /// The nth variable of the path.
    pub(crate) fn param(&self, number: usize) -> &str {
        self.params.get(number).copied().unwrap_or_default()
    }

    /// The user id at the nth variable of the path.
    pub(crate) fn user(&self, number: usize) -> Result<UserId, Answer> {
        self.param(number)
            .parse()
            .map_err(|_| Answer::refuse(400, "The value for the 'userId' parameter is invalid"))
    }

    /// The body as a JSON object that has no other properties than these.
    pub(crate) fn object(&self, known: &[&str]) -> Result<Object, Answer> {
        let body = serde_json::from_slice(self.body).map_err(|error| {
            Answer::refuse(
                400,
                &format!(
                    "The request body could not be parsed as JSON (line: {}, column: {})",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        let Value::Object(object) = body else {
            return Err(Answer::refuse(400, "The request body is not a JSON object"));
        };
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(stray) => Err(Answer::invalid_at(stray, "Unknown property")),
            None => Ok(Object(object)),
        }
    }
}

/// A JSON object of a request.
#[derive(Debug)]
pub(crate) struct Object(Map<String, Value>);

impl Object {
    /// All of it.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// A value that may be missing.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Takes a value that must be there.
    pub(crate) fn take(&mut self, name: &str) -> Result<Value, Answer> {
        self.0
            .remove(name)
            .ok_or_else(|| Answer::invalid_at(name, "May not be empty"))
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Answer> {
        match self.get(name) {
            None => Err(Answer::invalid_at(name, "May not be empty")),
            Some(value) => value.as_str().ok_or_else(|| invalid_property(name)),
        }
    }

    /// A yes or no that may be missing.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Answer> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| invalid_property(name)),
        }
    }

    /// User ids that must be there, at least one and at most `max`.
    pub(crate) fn users(&self, name: &str, max: usize) -> Result<Vec<UserId>, Answer> {
        let users = match self.get(name) {
            None => return Err(Answer::invalid_at(name, "May not be empty")),
            Some(value) => value.as_array().ok_or_else(|| invalid_property(name))?,
        };
        if users.is_empty() || users.len() > max {
            let message = format!("Size must be between 1 and {max}");
            return Err(Answer::invalid_at(name, message));
        }
        users
            .iter()
            .enumerate()
            .map(|(index, user)| {
                let user = user.as_str().and_then(|text| UserId::from_str(text).ok());
                user.ok_or_else(|| invalid_property(&format!("{name}[{index}]")))
            })
            .collect()
    }
}

/// For a token whose channel is not there any more.
pub(crate) fn gone() -> Answer {
    Answer::refuse(
        401,
        "Authentication failed due to the following reason: the channel is gone",
    )
}

/// LINE's words for a property whose value cannot be taken.
pub(crate) fn invalid_property(property: &str) -> Answer {
    let message = format!("The property, {property}, in the request body is invalid (line: -, column: -)");
    Answer::json(
        400,
        &serde_json::json!({
            "message": message,
            "details": [{ "message": "The value is invalid", "property": property }],
        }),
    )
}
