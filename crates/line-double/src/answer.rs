//! Answers in LINE's shapes: JSON, errors with details, OAuth errors.

use serde_json::{Value, json};

/// What is answered to a call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// For a repeated retry key: the request that was accepted.
    pub(crate) accepted_request: Option<String>,
    /// For a redirect: where to.
    pub(crate) location: Option<String>,
}

impl Answer {
    /// Bytes of a kind.
    pub(crate) fn bytes(status: u16, content_type: &'static str, body: Vec<u8>) -> Answer {
        Answer {
            status,
            content_type,
            body,
            accepted_request: None,
            location: None,
        }
    }

    /// A JSON document.
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer::bytes(status, "application/json", body.to_string().into_bytes())
    }

    /// 200 with a JSON document.
    pub(crate) fn ok(body: &Value) -> Answer {
        Answer::json(200, body)
    }

    /// 200 with an empty object, which says that it was done.
    pub(crate) fn done() -> Answer {
        Answer::bytes(200, "application/json", b"{}".to_vec())
    }

    /// A page for a person.
    pub(crate) fn page(status: u16, html: String) -> Answer {
        Answer::bytes(status, "text/html; charset=utf-8", html.into_bytes())
    }

    /// Sends the browser elsewhere.
    pub(crate) fn redirect(status: u16, location: String) -> Answer {
        Answer {
            location: Some(location),
            ..Answer::bytes(status, "text/plain; charset=utf-8", Vec::new())
        }
    }

    /// An error of the Messaging API without details.
    pub(crate) fn refuse(status: u16, message: &str) -> Answer {
        Answer::json(status, &json!({ "message": message }))
    }

    /// 400 with what is wrong where.
    pub(crate) fn invalid(problems: &[Problem]) -> Answer {
        let message = format!("The request body has {} error(s)", problems.len());
        let details: Vec<Value> = problems
            .iter()
            .map(|problem| json!({ "message": problem.message, "property": problem.property }))
            .collect();
        Answer::json(400, &json!({ "message": message, "details": details }))
    }

    /// 400 with one thing that is wrong.
    pub(crate) fn invalid_at(property: &str, message: impl Into<String>) -> Answer {
        Answer::invalid(&[Problem::new(property, message)])
    }

    /// An error of the OAuth endpoints.
    pub(crate) fn oauth(error: &str, description: &str) -> Answer {
        Answer::json(400, &json!({ "error": error, "error_description": description }))
    }
}

/// One thing that is wrong in a request's body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, such as `messages[0].text`.
    pub(crate) property: String,
    /// What.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(property: &str, message: impl Into<String>) -> Problem {
        Problem {
            property: property.to_owned(),
            message: message.into(),
        }
    }

    /// The same problem, seen from the object that has it in a property.
    #[must_use]
    pub(crate) fn under(self, property: &str) -> Problem {
        let joint = if self.property.is_empty() || self.property.starts_with('[') {
            ""
        } else {
            "."
        };
        Problem {
            property: format!("{property}{joint}{}", self.property),
            ..self
        }
    }

    /// The same problem, seen from the list that has it at a place.
    #[must_use]
    pub(crate) fn at_index(self, index: usize) -> Problem {
        self.under(&format!("[{index}]"))
    }
}
