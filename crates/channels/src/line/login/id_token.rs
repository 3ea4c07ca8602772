//! ID tokens of LINE: proved with the key and the method that the caller chose, never with what the token names.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::{hmac, signature};
use serde::Deserialize;

use crate::line::webhook::is_user;

/// Who signs.
const ISSUER: &str = "https://access.line.me";
/// Longest token; LINE's have some 700 bytes.
const TOKEN_BYTES_MAX: usize = 4 << 10;
/// How far LINE's clock may be ahead of ours, in seconds.
const SKEW_SECONDS: i64 = 300;

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("this is not an ID token")]
    Form,
    /// It names another method than the one that is in use here.
    #[error("the ID token names another signature method")]
    Method,
    /// The signature is not LINE's.
    #[error("the ID token is not signed by LINE")]
    Signature,
    /// Somebody else issued it.
    #[error("the ID token has another issuer")]
    Issuer,
    /// It is for another channel.
    #[error("the ID token is for another channel")]
    Audience,
    /// Its time is over, or not yet come.
    #[error("the ID token has expired or is not valid yet")]
    Time,
    /// It answers another question than ours.
    #[error("the ID token has another nonce")]
    Nonce,
}

/// The key, and with it the only method that is accepted.
pub(super) enum Key<'a> {
    /// HS256 with the secret of the login channel: tokens of the web login.
    Shared(&'a str),
    /// ES256 with LINE's published keys: tokens of LIFF.
    Published(&'a Jwks),
}

/// LINE's published keys.
#[derive(Deserialize)]
pub(super) struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) audience: &'a str,
    pub(super) nonce: Option<&'a str>,
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
}

struct Parts<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

fn parts(token: &str) -> Result<Parts<'_>, Refused> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Refused::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Form)?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Form);
    Ok(Parts {
        header: serde_json::from_slice(&bytes(header)?).map_err(|_| Refused::Form)?,
        claims: serde_json::from_slice(&bytes(claims)?).map_err(|_| Refused::Form)?,
        signed,
        signature: bytes(signature)?,
    })
}

fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refused> {
    let now = expected.now.as_second();
    if claims.iss != ISSUER {
        return Err(Refused::Issuer);
    }
    if claims.aud != expected.audience {
        return Err(Refused::Audience);
    }
    if now >= claims.exp || claims.iat > now + SKEW_SECONDS {
        return Err(Refused::Time);
    }
    if expected.nonce.is_some() && claims.nonce.as_deref() != expected.nonce {
        return Err(Refused::Nonce);
    }
    if is_user(&claims.sub) {
        Ok(())
    } else {
        Err(Refused::Form)
    }
}

/// Says early what is wrong with a token that nobody needs to prove.
pub(super) fn is_plausible(token: &str, expected: &Expected<'_>) -> Result<(), Refused> {
    check(&parts(token)?.claims, expected)
}

/// The user id in a token that proves it.
pub(super) fn user(token: &str, key: &Key<'_>, expected: &Expected<'_>) -> Result<String, Refused> {
    let parts = parts(token)?;
    let signed = parts.signed.as_bytes();
    match key {
        Key::Shared(secret) => {
            if parts.header.alg != "HS256" {
                return Err(Refused::Method);
            }
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            hmac::verify(&key, signed, &parts.signature).map_err(|_| Refused::Signature)?;
        }
        Key::Published(keys) => {
            if parts.header.alg != "ES256" {
                return Err(Refused::Method);
            }
            let key = keys
                .keys
                .iter()
                .find(|key| key.kid == parts.header.kid && key.kty == "EC" && key.crv == "P-256")
                .and_then(point)
                .ok_or(Refused::Signature)?;
            signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key)
                .verify(signed, &parts.signature)
                .map_err(|_| Refused::Signature)?;
        }
    }
    check(&parts.claims, expected)?;
    Ok(parts.claims.sub)
}

/// A point of the curve as ring reads it: 4, x, y.
fn point(key: &Jwk) -> Option<Vec<u8>> {
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32);
    Some([vec![4], coordinate(&key.x)?, coordinate(&key.y)?].concat())
}
