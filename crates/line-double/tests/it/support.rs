//! A double with a town's account on it, and a client that speaks plain HTTP.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use kizuna_line_double::{ClockKind, Double, NewChannel, Options};
use serde_json::{Value, json};

/// The account of the town ひだまり市.
pub(crate) const TOWN: &str = "1650000001";
/// An account of another provider.
pub(crate) const OTHER: &str = "1650000002";
/// The long-lived tokens of both.
pub(crate) const TOKEN: &str = "token-of-the-town";
pub(crate) const OTHER_TOKEN: &str = "token-of-the-other";
pub(crate) const SECRET: &str = "8c570fa6dd201bb328f1c1eac23a96d8";
pub(crate) const BOT: &str = "Ub0000000000000000000000000000001";

/// Friends of the town, in order.
pub(crate) const AOI: &str = "U00000000000000000000000000000001";
pub(crate) const HARU: &str = "U00000000000000000000000000000002";
/// Known to the provider, friend of nobody.
pub(crate) const STRANGER: &str = "U00000000000000000000000000000009";
/// Known to nobody.
pub(crate) const NOBODY: &str = "Uffffffffffffffffffffffffffffffff";

/// The instant at which the clock stands: nine in the morning in Japan.
pub(crate) const NINE: &str = "2026-11-20T00:00:00Z";

/// A double whose clock stands still, with the town, its two friends and a stranger.
pub(crate) fn double() -> Double {
    double_with(Options::default())
}

pub(crate) fn double_with(options: Options) -> Double {
    let at: Timestamp = NINE.parse().unwrap();
    let double = Double::start(Options {
        clock: ClockKind::Set(at),
        ..options
    })
    .unwrap();
    double.add_channel(town());
    double.add_channel(NewChannel {
        id: OTHER.to_owned(),
        secret: "0123456789abcdef0123456789abcdef".to_owned(),
        provider: "elsewhere".to_owned(),
        bot_user_id: "Ub0000000000000000000000000000002".to_owned(),
        long_lived_token: Some(OTHER_TOKEN.to_owned()),
        ..NewChannel::default()
    });
    for (user, name) in [(AOI, "あおい"), (HARU, "はる"), (STRANGER, "しらない人")] {
        double.add_user("hidamari", user, name);
    }
    double.befriend_quietly(TOWN, AOI);
    double.befriend_quietly(TOWN, HARU);
    double
}

pub(crate) fn town() -> NewChannel {
    NewChannel {
        id: TOWN.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        bot_user_id: BOT.to_owned(),
        basic_id: "@hidamari".to_owned(),
        display_name: "ひだまり市 こそだて便り".to_owned(),
        long_lived_token: Some(TOKEN.to_owned()),
        ..NewChannel::default()
    }
}

/// The retry key with a number.
pub(crate) fn key(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(crate) fn text(words: &str) -> Value {
    json!([{ "type": "text", "text": words }])
}

/// An answer, all read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) raw: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn brief(&self) -> (u16, &str) {
        (self.status, self.message())
    }
}

/// A request that is being put together.
pub(crate) struct Ask<'a> {
    double: &'a Double,
    method: &'a str,
    path: &'a str,
    token: Option<&'a str>,
    retry_key: Option<&'a str>,
    content_type: Option<&'a str>,
    body: Vec<u8>,
    patience: Duration,
}

pub(crate) fn get<'a>(double: &'a Double, path: &'a str) -> Ask<'a> {
    ask(double, "GET", path)
}

pub(crate) fn post<'a>(double: &'a Double, path: &'a str, body: &Value) -> Ask<'a> {
    ask(double, "POST", path).body("application/json", body.to_string().into_bytes())
}

pub(crate) fn ask<'a>(double: &'a Double, method: &'a str, path: &'a str) -> Ask<'a> {
    Ask {
        double,
        method,
        path,
        token: Some(TOKEN),
        retry_key: None,
        content_type: None,
        body: Vec::new(),
        patience: Duration::from_secs(10),
    }
}

impl<'a> Ask<'a> {
    pub(crate) fn token(self, token: &'a str) -> Ask<'a> {
        Ask {
            token: Some(token),
            ..self
        }
    }

    pub(crate) fn without_token(self) -> Ask<'a> {
        Ask { token: None, ..self }
    }

    pub(crate) fn key(self, retry_key: &'a str) -> Ask<'a> {
        Ask {
            retry_key: Some(retry_key),
            ..self
        }
    }

    pub(crate) fn body(self, content_type: &'a str, body: Vec<u8>) -> Ask<'a> {
        Ask {
            content_type: Some(content_type),
            body,
            ..self
        }
    }

    pub(crate) fn patience_ms(self, ms: u64) -> Ask<'a> {
        Ask {
            patience: Duration::from_millis(ms),
            ..self
        }
    }

    /// Sends it; an error where no whole answer comes.
    pub(crate) fn attempt(self) -> Result<Answer, ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(self.patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let mut request =
            ureq::http::Request::builder()
                .method(self.method)
                .uri(format!("{}{}", self.double.url(), self.path));
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = self.retry_key {
            request = request.header("x-line-retry-key", key);
        }
        if let Some(kind) = self.content_type {
            request = request.header("content-type", kind);
        }
        let response = agent.run(request.body(self.body).unwrap())?;
        let (parts, mut body) = response.into_parts();
        let raw = body.read_to_vec()?;
        Ok(Answer {
            status: parts.status.as_u16(),
            body: serde_json::from_slice(&raw).unwrap_or(Value::Null),
            raw,
            headers: parts.headers,
        })
    }

    pub(crate) fn send(self) -> Answer {
        self.attempt().unwrap()
    }
}

pub(crate) fn form<'a>(double: &'a Double, path: &'a str, fields: &[(&str, &str)]) -> Ask<'a> {
    let escape = |text: &str| -> String {
        let bytes = text.bytes();
        bytes
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    ask(double, "POST", path)
        .without_token()
        .body("application/x-www-form-urlencoded", body.join("&").into_bytes())
}

pub(crate) fn push<'a>(double: &'a Double, to: &str, words: &str) -> Ask<'a> {
    post(
        double,
        "/v2/bot/message/push",
        &json!({ "to": to, "messages": text(words) }),
    )
}

pub(crate) fn multicast<'a>(double: &'a Double, to: &[&str], words: &str) -> Ask<'a> {
    post(
        double,
        "/v2/bot/message/multicast",
        &json!({ "to": to, "messages": text(words) }),
    )
}

/// What came to a user's phone, as texts.
pub(crate) fn texts(double: &Double, user: &str) -> Vec<String> {
    let texts = |messages: &Value| -> Vec<String> {
        let messages = messages.as_array().unwrap().iter();
        messages
            .map(|message| message["text"].as_str().unwrap_or("?").to_owned())
            .collect()
    };
    double
        .receipts_of(user)
        .iter()
        .flat_map(|receipt| texts(&receipt.messages))
        .collect()
}

/// How an endpoint answers a webhook.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manners {
    Status(u16),
    Silence,
}

/// A webhook call as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn event(&self) -> Value {
        self.json()["events"][0].clone()
    }
}

/// A channel's endpoint: keeps what comes and answers as told; what is not told is answered 200.
pub(crate) struct Endpoint {
    port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
    manners: Arc<Mutex<VecDeque<Manners>>>,
}

impl Endpoint {
    pub(crate) fn start() -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint {
            port: listener.local_addr().unwrap().port(),
            calls: Arc::default(),
            manners: Arc::default(),
        };
        let (calls, manners) = (Arc::clone(&endpoint.calls), Arc::clone(&endpoint.manners));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                calls.lock().unwrap().push(read_call(&mut reader));
                match manners.lock().unwrap().pop_front() {
                    Some(Manners::Silence) => silent.push(reader),
                    manner => {
                        let status = if let Some(Manners::Status(status)) = manner {
                            status
                        } else {
                            200
                        };
                        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                        reader.get_mut().write_all(answer.as_bytes()).unwrap();
                    }
                }
            }
        });
        endpoint
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/line/hidamari", self.port)
    }

    pub(crate) fn answers(&self, manner: Manners) {
        self.manners.lock().unwrap().push_back(manner);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

fn read_call(reader: &mut BufReader<TcpStream>) -> Call {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let (mut signature, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-line-signature" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Call { path, signature, body }
}

/// The double whose town has an endpoint.
pub(crate) fn double_with_endpoint() -> (Double, Endpoint) {
    let (double, endpoint) = (double(), Endpoint::start());
    double.add_channel(NewChannel {
        webhook: Some(endpoint.url()),
        ..town()
    });
    (double, endpoint)
}
