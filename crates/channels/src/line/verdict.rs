//! What LINE's answers mean: a table as a function.
//!
//! Source: Messaging API reference, "Status codes" and "Retry API requests"; texts are no contract, so the status
//! decides and the two wordings of 429 only tell the month's end from haste.

use serde_json::Value;

/// What an answer means for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Done now.
    Done,
    /// Done at an earlier attempt with the same retry key.
    DoneBefore,
    /// The request is wrong: these places of `to`, or the content.
    Invalid {
        /// Places in the list of recipients that LINE does not know.
        recipients: Vec<usize>,
        /// True where the messages themselves are refused.
        content: bool,
    },
    /// The token is not valid any more.
    Token,
    /// The plan or the account does not allow it.
    Forbidden,
    /// Not there.
    NotFound,
    /// Too fast; nothing was done.
    TooFast,
    /// The month's messages are used up; nothing was done.
    MonthlyLimit,
    /// Perhaps done, perhaps not.
    Unclear,
    /// A mistake of ours that no repetition mends.
    Mistake,
}

/// Reads an answer.
pub(crate) fn judge(status: u16, body: &Value) -> Verdict {
    match status {
        200..=299 => Verdict::Done,
        409 => Verdict::DoneBefore,
        400 => invalid(body),
        401 => Verdict::Token,
        403 => Verdict::Forbidden,
        404 => Verdict::NotFound,
        429 if message(body).contains("monthly limit") => Verdict::MonthlyLimit,
        429 => Verdict::TooFast,
        500..=599 => Verdict::Unclear,
        _ => Verdict::Mistake,
    }
}

/// LINE's sentence about an error; empty where it says none.
pub(crate) fn message(body: &Value) -> &str {
    body.get("message").and_then(Value::as_str).unwrap_or_default()
}

fn invalid(body: &Value) -> Verdict {
    let details = body
        .get("details")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let properties = details
        .iter()
        .filter_map(|detail| detail.get("property").and_then(Value::as_str));
    let mut recipients: Vec<usize> = properties.clone().filter_map(place_in_to).collect();
    recipients.extend(places_in_sentence(message(body)));
    recipients.sort_unstable();
    recipients.dedup();
    let content = properties.clone().any(|property| property.starts_with("messages"));
    Verdict::Invalid { recipients, content }
}

/// `to[3]` → 3.
fn place_in_to(property: &str) -> Option<usize> {
    property.strip_prefix("to[")?.split_once(']')?.0.parse().ok()
}

/// `The property, to[1], in the request body is invalid (line: -, column: -)` → 1.
fn places_in_sentence(sentence: &str) -> impl Iterator<Item = usize> {
    sentence
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter_map(place_in_to)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_status_of_lines_table_has_its_meaning() {
        let rate = json!({"message": "The API rate limit has been exceeded. Try again later."});
        let month = json!({"message": "You have reached your monthly limit."});
        let unknown = json!({"message": "Failed to send messages"});
        let table = [
            (200, &Value::Null, Verdict::Done),
            (202, &Value::Null, Verdict::Done),
            (
                409,
                &json!({"message": "The retry key is already accepted"}),
                Verdict::DoneBefore,
            ),
            (
                400,
                &unknown,
                Verdict::Invalid {
                    recipients: vec![],
                    content: false,
                },
            ),
            (401, &Value::Null, Verdict::Token),
            (403, &Value::Null, Verdict::Forbidden),
            (404, &Value::Null, Verdict::NotFound),
            (410, &Value::Null, Verdict::Mistake),
            (413, &Value::Null, Verdict::Mistake),
            (415, &Value::Null, Verdict::Mistake),
            (429, &rate, Verdict::TooFast),
            (429, &month, Verdict::MonthlyLimit),
            (500, &Value::Null, Verdict::Unclear),
            (503, &Value::Null, Verdict::Unclear),
        ];
        for (status, body, expected) in table {
            assert_eq!(judge(status, body), expected, "{status}");
        }
    }

    #[test]
    fn recipients_that_line_does_not_know_are_named_by_sentence_or_property() {
        let sentence = json!({"message": "The property, to[1], in the request body is invalid (line: -, column: -)"});
        let property = json!({"message": "The request body has 2 error(s)",
            "details": [{"message": "invalid", "property": "to[7]"}, {"message": "invalid", "property": "to[2]"}]});
        let content = json!({"message": "The request body has 1 error(s)",
            "details": [{"message": "May not be empty", "property": "messages[0].text"}]});
        let known = |body| match judge(400, body) {
            Verdict::Invalid { recipients, content } => (recipients, content),
            other => panic!("{other:?}"),
        };
        assert_eq!(known(&sentence), (vec![1], false));
        assert_eq!(known(&property), (vec![2, 7], false));
        assert_eq!(known(&content), (vec![], true));
    }
}
