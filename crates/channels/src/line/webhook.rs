//! Webhooks of LINE: proving who sent them, reading what they say, passing them on.
//!
//! Nothing is parsed before its signature is proved. Unknown events and properties are ignored, because LINE adds them
//! without notice.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::agent;

/// Largest body; LINE's own are some kilobytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The header with the signature over the raw body.
pub const SIGNATURE_HEADER: &str = "x-line-signature";
/// The header that says a body was passed on by a tool and not by LINE: it is never passed on again.
pub const HOP_HEADER: &str = "x-kizuna-hop";
/// Longest id of an event or message that is taken as it is; LINE's have 26 and some 20 characters.
const ID_BYTES_MAX: usize = 64;
/// How long another tool may take to accept a body.
const PATIENCE: Duration = Duration::from_secs(5);

/// The signature of a body: base64 of its HMAC-SHA256.
///
/// ```
/// use kizuna_channels::line::webhook::sign;
/// let body = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
/// let signature = sign("8c570fa6dd201bb328f1c1eac23a96d8", body);
/// assert_eq!(signature, "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=");
/// ```
pub fn sign(secret: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(secret, body).finalize().into_bytes())
}

/// True where a body was signed with this secret; takes as long for a nearly right signature as for a wrong one.
pub fn is_signed(secret: &str, body: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    !secret.is_empty() && mac(secret, body).verify_slice(&signature).is_ok()
}

fn mac(secret: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(body);
    mac
}

/// A body that is signed and yet no webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a webhook of LINE")]
pub struct NotAWebhook;

/// One event as it is kept until it is worked off. Its `Debug` shows no words.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// LINE's id of the event, or a hash of its words where it has none.
    pub id: String,
    /// The message it is about.
    pub message: Option<String>,
    /// The event itself, as JSON.
    pub words: String,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Body {
    events: Vec<Value>,
}

/// Takes a body apart into its events, in their order.
pub fn open(body: &[u8]) -> Result<Vec<Envelope>, NotAWebhook> {
    let body: Body = serde_json::from_slice(body).map_err(|_| NotAWebhook)?;
    Ok(body.events.iter().map(envelope).collect())
}

/// The text at a place in an event, where there is one.
fn text<'a>(event: &'a Value, place: &str) -> Option<&'a str> {
    event.pointer(place)?.as_str()
}

fn envelope(event: &Value) -> Envelope {
    let words = event.to_string();
    let id = |place| {
        let id = text(event, place)?;
        let is_plain = !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| id.to_owned())
    };
    Envelope {
        // An event without a usable id is still worked off: it may be a stop.
        id: id("/webhookEventId").unwrap_or_else(|| STANDARD.encode(Sha256::digest(words.as_bytes()))),
        message: id("/message/id"),
        words,
    }
}

/// What happened.
#[derive(Clone, PartialEq, Eq)]
pub enum What {
    /// Somebody added the account as a friend, or lifted a block.
    Follow,
    /// Somebody blocked the account.
    Unfollow,
    /// Somebody wrote words.
    Text(String),
    /// Somebody sent something else: a sticker, a picture, a place.
    Other,
    /// Somebody pressed a button that says this.
    Postback(String),
    /// Somebody took a message back.
    Unsend {
        /// Which one.
        message: String,
    },
    /// Accounts were linked, or not; this product never asks for it, so nothing follows.
    AccountLink,
    /// Something that this product does not know.
    Unknown,
}

/// An event in the product's own words. Its `Debug` shows nothing that somebody wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub what: What,
    /// When, in milliseconds since 1970, by LINE's clock.
    pub at: i64,
    /// Who, where it was somebody in a talk with the account alone; nobody for groups and rooms.
    pub user: Option<String>,
    /// With what to reply, once and within a minute.
    pub reply_token: Option<String>,
    /// False in standby mode, in which another tool speaks.
    pub may_speak: bool,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("at", &self.at).finish_non_exhaustive()
    }
}

/// Reads the words of an [`Envelope`]; `None` where they are no event.
pub fn read(words: &str) -> Option<Event> {
    let event: Value = serde_json::from_str(words).ok()?;
    let text = |place| text(&event, place);
    let what = match text("/type")? {
        "follow" => What::Follow,
        "unfollow" => What::Unfollow,
        "message" => match (text("/message/type"), text("/message/text")) {
            (Some("text"), Some(words)) => What::Text(words.to_owned()),
            _ => What::Other,
        },
        "postback" => What::Postback(text("/postback/data")?.to_owned()),
        "unsend" => What::Unsend {
            message: text("/unsend/messageId")?.to_owned(),
        },
        "accountLink" => What::AccountLink,
        _ => What::Unknown,
    };
    let is_alone = text("/source/type") == Some("user");
    let user = text("/source/userId").filter(|user| is_alone && is_user(user));
    let reply_token = text("/replyToken").filter(|token| !token.is_empty());
    Some(Event {
        what,
        at: event.get("timestamp")?.as_i64()?,
        user: user.map(str::to_owned),
        reply_token: reply_token.map(str::to_owned),
        may_speak: text("/mode") != Some("standby"),
    })
}

/// True for a user id of LINE: `U` and 32 hexadecimal digits.
pub fn is_user(text: &str) -> bool {
    let digits = text.strip_prefix('U').unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Why a body could not be passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// Nobody answered in time.
    #[error("the other tool cannot be reached")]
    Unreachable,
    /// An answer that is not a success; a redirect is none.
    #[error("the other tool answered {0}")]
    Refused(u16),
}

/// Passes a body on as it came, signed anew, to the tool at `url`.
pub fn forward(url: &str, secret: &str, body: &str) -> Result<(), ForwardError> {
    let answer = agent(PATIENCE)
        .post(url)
        .header("content-type", "application/json; charset=utf-8")
        .header(SIGNATURE_HEADER, sign(secret, body.as_bytes()))
        .header(HOP_HEADER, "1")
        .send(body);
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(ForwardError::Refused(status)),
        Err(_) => Err(ForwardError::Unreachable),
    }
}
