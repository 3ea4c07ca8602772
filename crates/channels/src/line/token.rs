//! Channel access tokens: stateless by default, refreshed before they end, without a gap.
//!
//! Source: "Channel access token" in the Messaging API reference: a stateless token lives fifteen minutes, there is
//! no limit to how many are alive, and none displaces another system's on the same channel.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::client::CallError;
use super::settings::{Access, Proof};
use crate::{Secret, dkim};

/// A token is replaced when this part of its life is left, in hundredths.
const FRESH_PERCENT: i32 = 20;
/// Life of a JWT assertion, which LINE allows thirty minutes at most.
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Life asked for a v2.1 token: a day, so that of the thirty that may be alive few ever are.
const JWT_TOKEN_SECONDS: i64 = 86_400;

#[derive(Clone)]
struct Token {
    word: Secret,
    fresh_until: Timestamp,
    valid_until: Timestamp,
}

/// One account's token; whoever holds the inner lock fetches the next.
#[derive(Default)]
pub(crate) struct Slot {
    token: Mutex<Option<Token>>,
    fetching: Mutex<()>,
}

/// Tokens of every account in this process.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Arc<Slot>>>);

impl Tokens {
    /// Where an account's token is kept; another secret is another slot, so that a mended one counts at once.
    pub(crate) fn slot(&self, access: &Access) -> Arc<Slot> {
        let name = format!("{} {} {}", access.api, access.channel_id, digest(access));
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(name).or_default())
    }
}

impl Slot {
    /// The token to use now; `fetch` asks LINE for a new one and its life in seconds.
    ///
    /// While an old one is still valid, one caller fetches and the others go on with the old one.
    pub(crate) fn get(
        &self,
        access: &Access,
        now: Timestamp,
        fetch: &dyn Fn() -> Result<(Secret, i64), CallError>,
    ) -> Result<Secret, CallError> {
        if let Proof::LongLived(token) = &access.proof {
            return Ok(token.clone());
        }
        let known = || self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = known().filter(|token| now < token.fresh_until) {
            return Ok(token.word);
        }
        let old = known().filter(|token| now < token.valid_until);
        let _turn = match (self.fetching.try_lock(), old) {
            (Ok(turn), _) => turn,
            (Err(_), Some(token)) => return Ok(token.word),
            (Err(_), None) => self.fetching.lock().unwrap_or_else(PoisonError::into_inner),
        };
        // Somebody may have fetched it while this caller waited.
        if let Some(token) = known().filter(|token| now < token.fresh_until) {
            return Ok(token.word);
        }
        let (word, seconds) = match fetch() {
            Ok(fetched) => fetched,
            // The old one is as good as before.
            Err(error) => {
                return known()
                    .filter(|token| now < token.valid_until)
                    .map(|token| token.word)
                    .ok_or(error);
            }
        };
        let life = SignedDuration::from_secs(seconds);
        let after = |life| now.checked_add(life).unwrap_or(now);
        let token = Token {
            word: word.clone(),
            fresh_until: after(life - life * FRESH_PERCENT / 100),
            valid_until: after(life),
        };
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(word)
    }

    /// Forgets a token that LINE refused.
    pub(crate) fn forget(&self, refused: &Secret) {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.as_ref().is_some_and(|token| token.word == *refused) {
            *token = None;
        }
    }
}

/// A name for the credentials that does not show them.
fn digest(access: &Access) -> String {
    let words = match &access.proof {
        Proof::Stateless => &access.secret.0,
        Proof::Jwt { key, .. } => &key.0,
        Proof::LongLived(token) => &token.0,
    };
    let digest = ring::digest::digest(&ring::digest::SHA256, words.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref())
}

/// A form to post, field by field.
pub(crate) type Form = Vec<(&'static str, String)>;

/// Where to ask for a token, and the form to post; the words for an unusable key otherwise.
pub(crate) fn request(access: &Access, now: Timestamp) -> Result<(&'static str, Form), String> {
    let grant = ("grant_type", "client_credentials".to_owned());
    match &access.proof {
        Proof::Stateless | Proof::LongLived(_) => Ok((
            "/oauth2/v3/token",
            vec![
                grant,
                ("client_id", access.channel_id.clone()),
                ("client_secret", access.secret.0.clone()),
            ],
        )),
        Proof::Jwt { key_id, key } => {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned();
            let assertion = assertion(&access.channel_id, key_id, &key.0, now)?;
            Ok((
                "/oauth2/v2.1/token",
                vec![grant, ("client_assertion_type", kind), ("client_assertion", assertion)],
            ))
        }
    }
}

/// Reads the key that signs assertions: RSA of 2048 bits or more in PEM.
pub(crate) fn signer(pem: &str) -> Result<RsaKeyPair, String> {
    dkim::rsa_key(pem).map_err(|why| format!("is {why}."))
}

/// A JWT by which a channel asks for a v2.1 token ("Issue channel access token v2.1").
fn assertion(channel_id: &str, key_id: &str, pem: &str, now: Timestamp) -> Result<String, String> {
    let key = signer(pem)?;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "RS256", "typ": "JWT", "kid": key_id }));
    let claims = part(json!({
        "iss": channel_id,
        "sub": channel_id,
        "aud": "https://api.line.me/",
        "exp": (now + ASSERTION_LIFE).as_second(),
        "token_exp": JWT_TOKEN_SECONDS,
    }));
    let content = format!("{header}.{claims}");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        content.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "does not sign.".to_owned())?;
    Ok(format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
