//! Calls to LINE: one request at a time, within the rates, with the answer as data.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http;
use uuid::Uuid;

use super::endpoints::{self, Bucket, Endpoint, Host};
use super::settings::{Access, Mode};
use super::token::{self, Slot, Tokens};
use super::verdict::{Verdict, judge, message};
use crate::{Account, Net, Problem, Secret};

/// Largest answer that is read: a list of a thousand menus.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Connections kept open to one host.
const IDLE_MAX: usize = 64;
/// An idle connection older than this is not trusted any more.
const IDLE_AGE: Duration = Duration::from_secs(20);
/// Time for a connection; a living server answers in milliseconds.
const CONNECT: Duration = Duration::from_secs(5);
/// Waits before repeating a request that had no clear answer: most of LINE's hiccups are over within a second.
pub(crate) const PAUSES_MS: [u64; 5] = [100, 300, 1_000, 3_000, 8_000];
/// Waits and time for an answer where a person waits: LINE answers in a few dozen milliseconds, or is in trouble.
const HURRIED_PAUSES_MS: [u64; 1] = [200];
const HURRY: Duration = Duration::from_secs(4);
/// How long a bucket stays empty after LINE said that it was too much.
const TOO_FAST_PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// Characters of LINE's sentences that are kept.
const REPLY_MAX: usize = 200;
/// What is known of a month's messages is asked again after this long.
const QUOTA_AGE: SignedDuration = SignedDuration::from_mins(5);

/// What all LINE sessions of a process share.
pub(crate) struct Shared {
    agent: ureq::Agent,
    tokens: Tokens,
    buckets: Mutex<HashMap<(Arc<str>, &'static str), Bucket>>,
    months: Mutex<HashMap<Arc<str>, (Timestamp, Month)>>,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        let agent = super::calls()
            .max_idle_connections(IDLE_MAX * 2)
            .max_idle_connections_per_host(IDLE_MAX)
            .max_idle_age(IDLE_AGE)
            .timeout_connect(Some(CONNECT))
            .build()
            .new_agent();
        Shared {
            agent,
            tokens: Tokens::default(),
            buckets: Mutex::default(),
            months: Mutex::default(),
        }
    }
}

/// A call that did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection: nothing was done.
    #[error("LINE cannot be reached ({0})")]
    Unreachable(String),
    /// Perhaps done, perhaps not.
    #[error("LINE gave no clear answer ({0})")]
    Unclear(String),
    /// The request is wrong.
    #[error("LINE refuses the request: {reply}")]
    Invalid {
        /// Places in the list of recipients that LINE does not know.
        recipients: Vec<usize>,
        /// True where the messages themselves are refused.
        content: bool,
        /// LINE's sentence.
        reply: String,
    },
    /// The credentials are wrong.
    #[error("LINE refuses the channel id, the secret or the token: {0}")]
    Token(String),
    /// The plan or the account does not allow it.
    #[error("LINE does not allow this account to do it: {0}")]
    Forbidden(String),
    /// Not there.
    #[error("LINE does not know it")]
    NotFound,
    /// Too many calls at once, also after waiting.
    #[error("LINE asks to slow down")]
    TooFast,
    /// The month's messages are used up.
    #[error("this month's messages of the LINE account are used up")]
    MonthlyLimit,
    /// A mistake that no repetition mends.
    #[error("LINE answered {status}: {reply}")]
    Mistake {
        /// HTTP status.
        status: u16,
        /// LINE's sentence.
        reply: String,
    },
}

impl CallError {
    /// True where the same call may do better in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            CallError::Unreachable(_) | CallError::Unclear(_) | CallError::TooFast => true,
            CallError::Invalid { .. }
            | CallError::Token(_)
            | CallError::Forbidden(_)
            | CallError::NotFound
            | CallError::MonthlyLimit
            | CallError::Mistake { .. } => false,
        }
    }
}

/// One request and what came of it.
pub(crate) struct Attempt {
    /// HTTP status; 0 where no answer came.
    pub(crate) status: u16,
    /// LINE's id of the request that did the work.
    pub(crate) reference: String,
    pub(crate) result: Result<Value, CallError>,
}

/// What travels.
enum Body<'a> {
    Nothing,
    Json(&'a str),
    Form(String),
    Png(&'a [u8]),
}

/// A month's messages of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// Messages of the plan; `None` where they are not counted (地方公共団体プラン).
    pub limit: Option<u64>,
    /// Messages used so far, as LINE counts them; approximate.
    pub used: u64,
}

/// The account as LINE knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bot {
    /// Id in the `destination` of webhooks.
    pub user_id: String,
    /// `@…`, for links that add the account.
    pub basic_id: String,
    /// Name that families see.
    pub display_name: String,
    /// `chat` or `bot`: in `chat` mode staff answer by hand.
    #[serde(default)]
    pub chat_mode: String,
}

/// Where LINE sends what comes in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Webhook {
    /// The address.
    #[serde(default)]
    pub endpoint: String,
    /// Whether it is switched on.
    #[serde(default)]
    pub active: bool,
}

/// What came of LINE's own test of the webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTest {
    /// True where our address answered rightly.
    pub success: bool,
    /// LINE's code for what went wrong: `COULD_NOT_CONNECT`, `REQUEST_TIMEOUT` …
    #[serde(default)]
    pub reason: String,
    /// LINE's sentence.
    #[serde(default)]
    pub detail: String,
}

/// A rich menu that the account has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RichMenu {
    /// LINE's id.
    pub rich_menu_id: String,
    /// The name that its maker gave it.
    pub name: String,
}

/// A LINE account in use.
#[derive(Clone)]
pub struct Client {
    access: Arc<Access>,
    net: Net,
    /// What buckets and months of this account are kept under.
    name: Arc<str>,
    /// Where its token is kept.
    token: Arc<Slot>,
    /// Waits before repetitions.
    pauses: &'static [u64],
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.access.channel_id)
    }
}

/// Readers that one multicast or one bulk link may name.
pub const RECIPIENTS_MAX: usize = 500;
/// Message objects in one request.
pub const MESSAGES_MAX: usize = 5;

impl Client {
    /// A client for this account; says what is wrong with its settings.
    pub fn new(account: &Account, net: &Net) -> Result<Client, Vec<Problem>> {
        let access = Arc::new(super::settings::read(account)?);
        Ok(Client {
            name: format!("{} {}", access.api, access.channel_id).into(),
            token: net.line.tokens.slot(&access),
            access,
            net: net.clone(),
            pauses: &PAUSES_MS,
        })
    }

    /// The same for somebody who waits in front of a page: short waits, one repetition.
    #[must_use]
    pub fn hurried(self) -> Client {
        let access = Access {
            timeout: self.access.timeout.min(HURRY),
            ..(*self.access).clone()
        };
        Client {
            access: Arc::new(access),
            pauses: &HURRIED_PAUSES_MS,
            ..self
        }
    }

    /// Whether the account's webhook and menus are ours.
    pub fn mode(&self) -> Mode {
        self.access.mode
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    pub(crate) fn pause(&self, milliseconds: u64) {
        self.net.clock.wait(Duration::from_millis(milliseconds));
    }

    /// Sends to one reader.
    pub(crate) fn push(&self, messages: &str, to: &str, key: Uuid) -> Attempt {
        let body = format!("{{\"to\":{},\"messages\":{messages}}}", Value::from(to));
        self.attempt(&endpoints::PUSH, "/v2/bot/message/push", &Body::Json(&body), Some(key))
    }

    /// Sends one text to many; all get it or none.
    pub(crate) fn multicast(&self, messages: &str, to: &[&str], key: Uuid) -> Attempt {
        let body = format!("{{\"to\":{},\"messages\":{messages}}}", Value::from(to));
        let path = "/v2/bot/message/multicast";
        self.attempt(&endpoints::MULTICAST, path, &Body::Json(&body), Some(key))
    }

    /// Sends to everybody who added the account; repeated under the same key until LINE is clear.
    pub fn broadcast(&self, messages: &[Value], key: Uuid) -> Result<(), CallError> {
        let body = json!({ "messages": messages }).to_string();
        let path = "/v2/bot/message/broadcast";
        self.call(&endpoints::BROADCAST, path, &Body::Json(&body), Some(key))
            .map(drop)
    }

    /// Answers an event, free of charge; possible once, within a minute of the event.
    pub fn reply(&self, token: &str, messages: &[Value]) -> Result<(), CallError> {
        let body = json!({ "replyToken": token, "messages": messages }).to_string();
        let path = "/v2/bot/message/reply";
        // Without a key a repetition could answer twice.
        self.attempt(&endpoints::REPLY, path, &Body::Json(&body), None)
            .result
            .map(drop)
    }

    /// The account as LINE knows it.
    pub fn bot(&self) -> Result<Bot, CallError> {
        self.get(&endpoints::BOT_INFO, "/v2/bot/info")
    }

    /// This month's messages.
    pub fn month(&self) -> Result<Month, CallError> {
        #[derive(Deserialize)]
        struct Quota {
            value: Option<u64>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Consumption {
            total_usage: u64,
        }
        let quota: Quota = self.get(&endpoints::QUOTA, "/v2/bot/message/quota")?;
        let used: Consumption = self.get(&endpoints::CONSUMPTION, "/v2/bot/message/quota/consumption")?;
        let month = Month {
            limit: quota.value,
            used: used.total_usage,
        };
        let mut months = self.net.line.months.lock().unwrap_or_else(PoisonError::into_inner);
        months.insert(Arc::clone(&self.name), (self.net.clock.now(), month));
        Ok(month)
    }

    /// Messages left this month without touching the reserve, from what was asked lately; `None` where none are counted.
    pub(crate) fn allowance(&self) -> Result<Option<u64>, CallError> {
        let known = {
            let months = self.net.line.months.lock().unwrap_or_else(PoisonError::into_inner);
            months.get(&self.name).copied()
        };
        let now = self.net.clock.now();
        let month = match known {
            Some((asked, month)) if now.duration_since(asked) < QUOTA_AGE => month,
            _ => self.month()?,
        };
        Ok(month
            .limit
            .map(|limit| limit.saturating_sub(month.used).saturating_sub(self.access.reserve)))
    }

    /// Counts messages that were just accepted, until LINE is asked again.
    pub(crate) fn spend(&self, messages: u64) {
        let mut months = self.net.line.months.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, month)) = months.get_mut(&self.name) {
            month.used = month.used.saturating_add(messages);
        }
    }

    /// Where LINE sends what comes in; `None` where nothing was set.
    pub fn webhook(&self) -> Result<Option<Webhook>, CallError> {
        match self.get(&endpoints::WEBHOOK_GET, "/v2/bot/channel/webhook/endpoint") {
            Err(CallError::NotFound) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Tells LINE where to send what comes in.
    pub fn set_webhook(&self, address: &str) -> Result<(), CallError> {
        let body = json!({ "endpoint": address }).to_string();
        let path = "/v2/bot/channel/webhook/endpoint";
        self.call(&endpoints::WEBHOOK_PUT, path, &Body::Json(&body), None)
            .map(drop)
    }

    /// Lets LINE call our address now.
    pub fn test_webhook(&self) -> Result<WebhookTest, CallError> {
        let path = "/v2/bot/channel/webhook/test";
        let answer = self.call(&endpoints::WEBHOOK_TEST, path, &Body::Json("{}"), None)?;
        read(answer)
    }

    /// The account's rich menus, ours and others'.
    pub fn menus(&self) -> Result<Vec<RichMenu>, CallError> {
        #[derive(Deserialize)]
        struct List {
            richmenus: Vec<RichMenu>,
        }
        let list: List = self.get(&endpoints::MENU_LIST, "/v2/bot/richmenu/list")?;
        Ok(list.richmenus)
    }

    /// Makes a rich menu and gives its id; it shows nowhere before it has a picture.
    pub fn create_menu(&self, menu: &Value) -> Result<String, CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Created {
            rich_menu_id: String,
        }
        let body = menu.to_string();
        let attempt = self.attempt(&endpoints::MENU_CREATE, "/v2/bot/richmenu", &Body::Json(&body), None);
        let created: Created = read(attempt.result?)?;
        Ok(created.rich_menu_id)
    }

    /// Gives a rich menu its picture, once.
    pub fn menu_image(&self, menu: &str, png: &[u8]) -> Result<(), CallError> {
        let path = format!("/v2/bot/richmenu/{}/content", path_part(menu)?);
        self.attempt(&endpoints::MENU_IMAGE, &path, &Body::Png(png), None)
            .result
            .map(drop)
    }

    /// Takes a rich menu away; one that is gone already is no mistake.
    pub fn delete_menu(&self, menu: &str) -> Result<(), CallError> {
        let path = format!("/v2/bot/richmenu/{}", path_part(menu)?);
        gone_is_fine(self.call(&endpoints::MENU_DELETE, &path, &Body::Nothing, None))
    }

    /// Shows a rich menu to everybody who has none of their own; `None` shows none.
    pub fn default_menu(&self, menu: Option<&str>) -> Result<(), CallError> {
        let Some(menu) = menu else {
            let path = "/v2/bot/user/all/richmenu";
            return gone_is_fine(self.call(&endpoints::MENU_DEFAULT_CLEAR, path, &Body::Nothing, None));
        };
        let path = format!("/v2/bot/user/all/richmenu/{}", path_part(menu)?);
        self.call(&endpoints::MENU_DEFAULT, &path, &Body::Nothing, None)
            .map(drop)
    }

    /// Lets an alias name this rich menu, whether it named another before or none.
    pub fn put_alias(&self, alias: &str, menu: &str) -> Result<(), CallError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Alias {
            rich_menu_alias_id: String,
        }
        #[derive(Deserialize)]
        struct List {
            aliases: Vec<Alias>,
        }
        let list: List = self.get(&endpoints::ALIAS_LIST, "/v2/bot/richmenu/alias/list")?;
        if list.aliases.iter().any(|known| known.rich_menu_alias_id == alias) {
            let body = json!({ "richMenuId": menu }).to_string();
            let path = format!("/v2/bot/richmenu/alias/{}", path_part(alias)?);
            return self
                .call(&endpoints::ALIAS_UPDATE, &path, &Body::Json(&body), None)
                .map(drop);
        }
        let body = json!({ "richMenuAliasId": alias, "richMenuId": menu }).to_string();
        let path = "/v2/bot/richmenu/alias";
        self.attempt(&endpoints::ALIAS_CREATE, path, &Body::Json(&body), None)
            .result
            .map(drop)
    }

    /// Shows a rich menu to one reader.
    pub fn link_menu(&self, user: &str, menu: &str) -> Result<(), CallError> {
        let path = format!("/v2/bot/user/{}/richmenu/{}", path_part(user)?, path_part(menu)?);
        self.call(&endpoints::MENU_LINK, &path, &Body::Nothing, None).map(drop)
    }

    /// Shows a rich menu to up to [`RECIPIENTS_MAX`] readers; LINE does it within moments.
    pub fn link_menus(&self, users: &[&str], menu: &str) -> Result<(), CallError> {
        let body = json!({ "richMenuId": menu, "userIds": users }).to_string();
        let path = "/v2/bot/richmenu/bulk/link";
        self.call(&endpoints::MENU_BULK_LINK, path, &Body::Json(&body), None)
            .map(drop)
    }

    fn get<T: for<'de> Deserialize<'de>>(&self, endpoint: &'static Endpoint, path: &str) -> Result<T, CallError> {
        read(self.call(endpoint, path, &Body::Nothing, None)?)
    }

    /// Calls until the answer is clear or patience ends; only for what may be done twice or carries a key.
    fn call(
        &self,
        endpoint: &'static Endpoint,
        path: &str,
        body: &Body<'_>,
        key: Option<Uuid>,
    ) -> Result<Value, CallError> {
        self.patiently(|| self.attempt(endpoint, path, body, key))
    }

    /// Asks until the answer is clear or patience ends.
    fn patiently(&self, once: impl Fn() -> Attempt) -> Result<Value, CallError> {
        for pause in self.pauses {
            match once().result {
                Err(error) if error.is_passing() => self.pause(*pause),
                result => return result,
            }
        }
        once().result
    }

    /// One request, within the rate; a token that ended early is replaced and the request made again.
    fn attempt(&self, endpoint: &'static Endpoint, path: &str, body: &Body<'_>, key: Option<Uuid>) -> Attempt {
        let failed = |error| Attempt {
            status: 0,
            reference: String::new(),
            result: Err(error),
        };
        self.wait_for_turn(endpoint);
        let mut token = match self.token() {
            Ok(token) => token,
            Err(error) => return failed(error),
        };
        let mut attempt = self.request(endpoint, path, body, key, Some(&token));
        if let Err(CallError::Token(_)) = attempt.result {
            self.token.forget(&token);
            self.wait_for_turn(endpoint);
            token = match self.token() {
                Ok(token) => token,
                Err(error) => return failed(error),
            };
            attempt = self.request(endpoint, path, body, key, Some(&token));
        }
        if let Err(CallError::TooFast) = attempt.result {
            self.bucket(endpoint, |bucket, now| bucket.drain(now, TOO_FAST_PAUSE));
        }
        attempt
    }

    fn bucket<T>(&self, endpoint: &'static Endpoint, work: impl FnOnce(&mut Bucket, Timestamp) -> T) -> T {
        let now = self.net.clock.now();
        let mut buckets = self.net.line.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets
            .entry((Arc::clone(&self.name), endpoint.name))
            .or_insert_with(|| Bucket::new(endpoint.calls, endpoint.seconds));
        work(bucket, now)
    }

    fn wait_for_turn(&self, endpoint: &'static Endpoint) {
        if !self.access.paced {
            return;
        }
        let wait = self.bucket(endpoint, Bucket::take);
        if let Ok(wait) = Duration::try_from(wait)
            && !wait.is_zero()
        {
            self.net.clock.wait(wait);
        }
    }

    fn token(&self) -> Result<Secret, CallError> {
        #[derive(Deserialize)]
        struct Issued {
            access_token: String,
            expires_in: i64,
        }
        static TOKEN: Endpoint = Endpoint {
            name: "token",
            method: "POST",
            host: Host::Api,
            calls: 370,
            seconds: 1,
            retry_key: false,
        };
        let now = self.net.clock.now();
        self.token.get(&self.access, now, &|| {
            let (path, form) = token::request(&self.access, now).map_err(CallError::Token)?;
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = Body::Form(super::query(&form));
            let issued: Issued = match self.patiently(|| self.request(&TOKEN, path, &body, None, None)) {
                // Here a 400 is a wrong id, secret or assertion.
                Err(CallError::Invalid { reply, .. }) => return Err(CallError::Token(reply)),
                result => read(result?)?,
            };
            Ok((Secret(issued.access_token), issued.expires_in))
        })
    }

    fn request(
        &self,
        endpoint: &'static Endpoint,
        path: &str,
        body: &Body<'_>,
        key: Option<Uuid>,
        token: Option<&Secret>,
    ) -> Attempt {
        let base = match endpoint.host {
            Host::Api => &self.access.api,
            Host::Data => &self.access.data,
        };
        let mut request = http::Request::builder()
            .method(endpoint.method)
            .uri(format!("{base}{path}"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.0));
        }
        if let Some(key) = key.filter(|_| endpoint.retry_key) {
            request = request.header("x-line-retry-key", key.hyphenated().to_string());
        }
        let sent = match body {
            Body::Nothing if endpoint.method == "POST" => self.run(request.body("")),
            Body::Nothing => self.run(request.body(())),
            Body::Json(json) => self.run(request.header("content-type", "application/json").body(*json)),
            Body::Form(form) => self.run(
                request
                    .header("content-type", "application/x-www-form-urlencoded")
                    .body(form.as_str()),
            ),
            Body::Png(png) => self.run(request.header("content-type", "image/png").body(*png)),
        };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                return Attempt {
                    status: 0,
                    reference: String::new(),
                    result: Err(transport(&error)),
                };
            }
        };
        let status = response.status().as_u16();
        let header = |name| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(clip).unwrap_or_default()
        };
        let accepted_before = header("x-line-accepted-request-id");
        let reference = if accepted_before.is_empty() {
            header("x-line-request-id")
        } else {
            accepted_before
        };
        // The status is what counts; an answer that breaks off after it changes nothing.
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body: Value = body
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let reply = || clip(message(&body));
        let result = match judge(status, &body) {
            Verdict::Done | Verdict::DoneBefore => Ok(body),
            Verdict::Invalid { recipients, content } => Err(CallError::Invalid {
                recipients,
                content,
                reply: if reply().is_empty() {
                    clip(&body.to_string())
                } else {
                    reply()
                },
            }),
            Verdict::Token => Err(CallError::Token(reply())),
            Verdict::Forbidden => Err(CallError::Forbidden(reply())),
            Verdict::NotFound => Err(CallError::NotFound),
            Verdict::TooFast => Err(CallError::TooFast),
            Verdict::MonthlyLimit => Err(CallError::MonthlyLimit),
            Verdict::Unclear => Err(CallError::Unclear(format!("status {status}"))),
            Verdict::Mistake => Err(CallError::Mistake { status, reply: reply() }),
        };
        Attempt {
            status,
            reference,
            result,
        }
    }

    fn run(
        &self,
        request: Result<http::Request<impl ureq::AsSendBody>, http::Error>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let agent = &self.net.line.agent;
        let request = agent
            .configure_request(request.map_err(ureq::Error::Http)?)
            .timeout_global(Some(self.access.timeout))
            .build();
        agent.run(request)
    }
}

/// What a failed request means; where bytes may have left, nobody knows.
fn transport(error: &ureq::Error) -> CallError {
    let words = match error {
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::Timeout(timeout) => format!("timeout, {timeout}"),
        ureq::Error::HostNotFound => "no such host".to_owned(),
        error => clip(&error.to_string()),
    };
    let nothing_left = match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    };
    if nothing_left {
        CallError::Unreachable(words)
    } else {
        CallError::Unclear(words)
    }
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REPLY_MAX).collect()
}

fn read<T: for<'de> Deserialize<'de>>(answer: Value) -> Result<T, CallError> {
    serde_json::from_value(answer).map_err(|error| CallError::Unclear(format!("unreadable answer: {error}")))
}

fn gone_is_fine(result: Result<Value, CallError>) -> Result<(), CallError> {
    match result {
        Ok(_) | Err(CallError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// An id as part of a path; LINE's have letters, digits, `-` and `_` only.
fn path_part(id: &str) -> Result<&str, CallError> {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !id.is_empty() && id.bytes().all(usable) {
        Ok(id)
    } else {
        Err(CallError::Invalid {
            recipients: Vec::new(),
            content: false,
            reply: "not an id of LINE".to_owned(),
        })
    }
}
