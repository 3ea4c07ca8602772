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

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::{Value, json};

    use super::*;

    const USER: &str = "U0123456789abcdef0123456789abcdef";
    const SECRET: &str = "login-channel-secret";

    fn now() -> Timestamp {
        "2026-11-22T00:00:00Z".parse().unwrap()
    }

    fn claims() -> Value {
        let now = now().as_second();
        json!({ "iss": ISSUER, "sub": USER, "aud": "1657", "exp": now + 3_600, "iat": now, "nonce": "n-1", "amr": ["linesso"], "name": "だれか" })
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().insert(name.to_owned(), value.into());
        claims
    }

    fn joined(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn shared(header: &Value, claims: &Value, secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        joined(header, claims, |bytes| hmac::sign(&key, bytes).as_ref().to_vec())
    }

    fn expected(nonce: Option<&'static str>) -> Expected<'static> {
        Expected {
            audience: "1657",
            nonce,
            now: now(),
        }
    }

    fn web(token: &str) -> Result<String, Refused> {
        user(token, &Key::Shared(SECRET), &expected(Some("n-1")))
    }

    #[test]
    fn a_token_of_the_web_login_proves_its_user() {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        assert_eq!(web(&shared(&header, &claims(), SECRET)), Ok(USER.to_owned()));
    }

    #[test]
    fn every_other_token_of_the_web_login_is_refused_with_its_reason() {
        let header = json!({ "alg": "HS256" });
        let (now, good) = (now().as_second(), shared(&header, &claims(), SECRET));
        let signed = |claims: Value| shared(&header, &claims, SECRET);
        let altered = {
            let (head, signature) = good.rsplit_once('.').unwrap();
            let body = URL_SAFE_NO_PAD.encode(with("sub", USER.replace('0', "f")).to_string());
            format!("{}.{body}.{signature}", head.split_once('.').unwrap().0)
        };
        for (token, reason) in [
            (shared(&header, &claims(), "another secret"), Refused::Signature),
            (altered, Refused::Signature),
            (shared(&json!({ "alg": "none" }), &claims(), SECRET), Refused::Method),
            (
                shared(&json!({ "alg": "ES256", "kid": "k" }), &claims(), SECRET),
                Refused::Method,
            ),
            (shared(&json!({ "alg": "hs256" }), &claims(), SECRET), Refused::Method),
            (signed(with("iss", "https://access.line.me.example")), Refused::Issuer),
            (signed(with("aud", "1658")), Refused::Audience),
            (signed(with("exp", now)), Refused::Time),
            (signed(with("iat", now + 301)), Refused::Time),
            (signed(with("nonce", "n-2")), Refused::Nonce),
            (signed(with("nonce", Value::Null)), Refused::Nonce),
            (signed(with("sub", "Uxyz")), Refused::Form),
            (signed(with("aud", json!(["1657"]))), Refused::Form),
            (good.rsplit_once('.').unwrap().0.to_owned(), Refused::Form),
            (format!("{good}="), Refused::Form),
            (format!("{good}.x"), Refused::Form),
            (String::new(), Refused::Form),
            ("a".repeat(TOKEN_BYTES_MAX + 1), Refused::Form),
        ] {
            assert_eq!(web(&token), Err(reason), "{token}");
        }
        assert!(
            web(&signed(with("iat", now + 300))).is_ok(),
            "a clock may be five minutes ahead"
        );
    }

    struct Published {
        pair: EcdsaKeyPair,
        keys: Jwks,
        random: SystemRandom,
    }

    fn published() -> Published {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref().get(1..).unwrap().split_at(32);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({ "keys": [
            { "kid": "old", "kty": "EC", "crv": "P-256", "x": text(y), "y": text(x) },
            { "kid": "odd", "kty": "oct", "k": "AAAA" },
            { "kid": "new", "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y), "use": "sig" },
        ] });
        Published {
            pair,
            keys: serde_json::from_value(keys).unwrap(),
            random,
        }
    }

    #[test]
    fn a_token_of_liff_is_proved_by_the_key_that_it_names_and_by_no_other_method() {
        let published = published();
        let token = |header: Value| {
            joined(&header, &claims(), |bytes| {
                published.pair.sign(&published.random, bytes).unwrap().as_ref().to_vec()
            })
        };
        let prove = |token: &str| user(token, &Key::Published(&published.keys), &expected(None));
        let good = token(json!({ "alg": "ES256", "kid": "new" }));
        assert_eq!(prove(&good), Ok(USER.to_owned()));
        for (header, reason) in [
            (json!({ "alg": "ES256", "kid": "old" }), Refused::Signature),
            (json!({ "alg": "ES256", "kid": "odd" }), Refused::Signature),
            (json!({ "alg": "ES256", "kid": "unknown" }), Refused::Signature),
            (json!({ "alg": "ES256" }), Refused::Signature),
            (json!({ "alg": "HS256", "kid": "new" }), Refused::Method),
            (json!({ "alg": "none", "kid": "new" }), Refused::Method),
        ] {
            assert_eq!(prove(&token(header.clone())), Err(reason), "{header}");
        }
        // The published key is no secret: a token signed with it as one must prove nothing.
        let public = shared(&json!({ "alg": "HS256", "kid": "new" }), &claims(), "x");
        assert_eq!(prove(&public), Err(Refused::Method));
        assert_eq!(web(&good), Err(Refused::Method));
    }
}
