//! LINE's own OpenAPI description, held against requests that were sent, answers that were given and webhooks.
//!
//! For tests only: the feature `description` brings it. The description itself is not part of this repository; it is
//! looked for in the folder that `LINE_OPENAPI` names, and else in `shared/data/line-openapi` beside any folder above
//! this crate. Where it is not found, tests say so and pass.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::Request;

/// The variable that names the folder with the description.
const FOLDER_VARIABLE: &str = "LINE_OPENAPI";

/// The folder beside the repository.
const FOLDER: &str = "shared/data/line-openapi";

/// The files with endpoints. The strict one has the limits that LINE's documentation names and its own file does not.
const ENDPOINTS: [&str; 2] = ["messaging-api.strict.yml", "channel-access-token.yml"];

/// Endpoints of LINE Login and of account linking, which LINE describes in words only.
const UNDESCRIBED: [&str; 4] = [
    "GET /oauth2/v2.1/authorize",
    "GET /oauth2/v2.1/certs",
    "POST /oauth2/v2.1/verify",
    "GET /dialog/bot/accountLink",
];

/// The file with the events of webhooks.
const WEBHOOK: &str = "webhook.yml";

/// LINE's description, read and ready.
#[derive(Debug)]
pub struct Description {
    endpoints: Vec<Document>,
    webhook: Document,
}

/// One file, with the validators that were made of it so far, by the place of their schema.
#[derive(Debug)]
struct Document {
    root: Value,
    validators: Mutex<HashMap<String, Validator>>,
}

/// What LINE's description has against requests; nothing, and a line that says so, where it is not here.
pub fn check(requests: &[Request]) -> Vec<String> {
    here().map_or_else(Vec::new, |description| description.check(requests))
}

/// What it has against the answers that were given to them.
pub fn check_answers(requests: &[Request]) -> Vec<String> {
    here().map_or_else(Vec::new, |description| description.check_answers(requests))
}

/// What it has against the body of a webhook.
pub fn check_webhook(body: &Value) -> Vec<String> {
    here().map_or_else(Vec::new, |description| description.check_webhook(body))
}

/// The description, where it is here.
pub fn here() -> Option<&'static Description> {
    static HERE: OnceLock<Option<Description>> = OnceLock::new();
    HERE.get_or_init(load).as_ref()
}

#[expect(clippy::print_stdout, reason = "a test that leaves a check out says so")]
fn load() -> Option<Description> {
    let folder = folder();
    if folder.is_none() {
        println!("LINE's API description is not here: this check was left out");
    }
    let folder = folder?;
    Some(Description {
        endpoints: ENDPOINTS
            .iter()
            .map(|name| Document::read(&folder.join(name)))
            .collect(),
        webhook: Document::read(&folder.join(WEBHOOK)),
    })
}

#[expect(clippy::disallowed_methods, reason = "the one place where tests learn of the folder")]
fn folder() -> Option<PathBuf> {
    let named = std::env::var(FOLDER_VARIABLE).ok().map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    named
        .into_iter()
        .chain(above.map(|folder| folder.join(FOLDER)))
        .find(|folder| folder.join(WEBHOOK).is_file())
}

impl Description {
    /// Requests as the description sees them: address, query, kind of body, body.
    pub fn check(&self, requests: &[Request]) -> Vec<String> {
        requests
            .iter()
            .flat_map(|request| self.check_request(request))
            .collect()
    }

    fn check_request(&self, request: &Request) -> Vec<String> {
        let name = format!("{} {}", request.method, request.path);
        let Some((document, place)) = self.operation(request) else {
            if UNDESCRIBED.contains(&name.as_str()) {
                return Vec::new();
            }
            return vec![format!("{name}: LINE describes no such endpoint")];
        };
        let Some(operation) = document.root.pointer(&place) else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        let has_body = operation.get("requestBody").is_some();
        let kinds = operation.pointer("/requestBody/content").and_then(Value::as_object);
        let sent = request.content_type.as_deref().unwrap_or_default();
        let sent = sent.split(';').next().unwrap_or_default().trim();
        match kinds {
            Some(kinds) if !kinds.contains_key(sent) && !kinds.contains_key("*/*") => {
                problems.push(format!(
                    "{name}: the body is {sent:?} and must be one of {:?}",
                    kinds.keys()
                ));
            }
            Some(kinds) if kinds.contains_key("application/json") => {
                let schema = format!("{place}/requestBody/content/application~1json/schema");
                problems.extend(document.check(&schema, &request.body));
            }
            _ => {}
        }
        if !has_body && !request.body.is_null() {
            problems.push("a body where none is described".to_owned());
        }
        for (index, parameter) in (0..).zip(
            operation
                .get("parameters")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        ) {
            let field = |name: &str| parameter.get(name).and_then(Value::as_str).unwrap_or_default();
            let value = match field("in") {
                "query" => query(&request.query, field("name")),
                "header" if field("name").eq_ignore_ascii_case("x-line-retry-key") => request.retry_key.clone(),
                _ => continue,
            };
            match value {
                None if parameter.get("required") == Some(&Value::Bool(true)) => {
                    problems.push(format!("the parameter {} is missing", field("name")));
                }
                None => {}
                Some(text) => {
                    let number = parameter.pointer("/schema/type").and_then(Value::as_str) == Some("integer");
                    let value = text
                        .parse::<i64>()
                        .ok()
                        .filter(|_| number)
                        .map_or(json!(text), |number| json!(number));
                    problems.extend(document.check(&format!("{place}/parameters/{index}/schema"), &value));
                }
            }
        }
        let takes_key = operation
            .get("parameters")
            .and_then(Value::as_array)
            .is_some_and(|parameters| {
                parameters
                    .iter()
                    .any(|parameter| parameter.get("in") == Some(&json!("header")))
            });
        if request.retry_key.is_some() && !takes_key {
            problems.push("a retry key where none is described".to_owned());
        }
        problems
            .into_iter()
            .map(|problem| format!("{name}: {problem}"))
            .collect()
    }

    /// Answers whose status the description knows, against its schema.
    pub fn check_answers(&self, requests: &[Request]) -> Vec<String> {
        let check = |request: &Request| {
            let (document, place) = self.operation(request)?;
            let place = format!("{place}/responses/{}", request.status);
            let schema = format!("{place}/content/application~1json/schema");
            document.root.pointer(&place)?;
            let problems = match document.root.pointer(&schema) {
                Some(_) => document.check(&schema, &request.answer),
                None => Vec::new(),
            };
            let name = format!("{} {} answered {}", request.method, request.path, request.status);
            Some(problems.into_iter().map(move |problem| format!("{name}: {problem}")))
        };
        requests.iter().filter_map(check).flatten().collect()
    }

    /// The body of a webhook, and each of its events by its type.
    pub fn check_webhook(&self, body: &Value) -> Vec<String> {
        let mut problems = self.webhook.check("/components/schemas/CallbackRequest", body);
        for event in body.get("events").and_then(Value::as_array).into_iter().flatten() {
            problems.extend(self.check_typed("Event", event));
            for (base, part) in [
                ("Source", event.get("source")),
                ("MessageContent", event.get("message")),
            ] {
                if let Some(part) = part {
                    problems.extend(self.check_typed(base, part));
                }
            }
        }
        problems
    }

    /// An object against the schema that the base's discriminator names for its type.
    fn check_typed(&self, base: &str, object: &Value) -> Vec<String> {
        let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let mapping = format!("/components/schemas/{base}/discriminator/mapping/{kind}");
        match self.webhook.root.pointer(&mapping).and_then(Value::as_str) {
            Some(schema) => self.webhook.check(schema.trim_start_matches('#'), object),
            None => vec![format!("LINE describes no {base} of the type {kind:?}")],
        }
    }

    /// The operation that a request calls: words before variables.
    fn operation(&self, request: &Request) -> Option<(&Document, String)> {
        let method = request.method.to_ascii_lowercase();
        self.endpoints.iter().find_map(|document| {
            let paths = document.root.get("paths")?.as_object()?;
            let (path, _) = paths
                .iter()
                .filter(|(path, operations)| fits(path, &request.path) && operations.get(&method).is_some())
                .min_by_key(|(path, _)| path.matches('{').count())?;
            Some((
                document,
                format!("/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1")),
            ))
        })
    }
}

impl Document {
    /// Reads a file; a broken one fails the test that needs it.
    fn read(path: &Path) -> Document {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // The old words for true would turn a property named `y` into a boolean.
        let options = serde_saphyr::options! { strict_booleans: true };
        let root = serde_saphyr::from_str_with_options(&text, options);
        Document {
            root: root.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            validators: Mutex::default(),
        }
    }

    /// What the schema at a place of the file has against a value.
    fn check(&self, place: &str, value: &Value) -> Vec<String> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(place.to_owned()).or_insert_with(|| {
            let mut root = self.root.clone();
            if let Some(root) = root.as_object_mut() {
                let place = place.replace('{', "%7B").replace('}', "%7D");
                root.insert("$ref".to_owned(), json!(format!("#{place}")));
            }
            jsonschema::options()
                .with_draft(Draft::Draft4)
                .should_validate_formats(true)
                .build(&root)
                .unwrap_or_else(|error| panic!("{place}: {error}"))
        });
        validator
            .iter_errors(value)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect()
    }
}

/// Whether a path is one of a template's.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given) = (template.split('/'), path.split('/'));
    wanted.clone().count() == given.clone().count()
        && wanted
            .zip(given)
            .all(|(wanted, given)| wanted == given || wanted.starts_with('{') && !given.is_empty())
}

/// A value of a query, as it stands there.
fn query(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}
