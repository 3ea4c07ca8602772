//! JSON Web Tokens: reading the assertions of clients, writing the ID tokens of LINE Login.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::Sha256;

/// A token whose signature was not looked at yet.
#[derive(Debug)]
pub(crate) struct Unverified<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart; none where it is no token.
    pub(crate) fn read(token: &'a str) -> Option<Unverified<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Unverified {
            header: json(header)?,
            claims: json(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// A text among the claims.
    pub(crate) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// The algorithm that the token says it was signed with.
    pub(crate) fn algorithm(&self) -> &str {
        self.header.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// A number among the claims.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.claims.get(name)?.as_i64()
    }

    /// Whether the RSA key of a JWK signed it with RS256.
    pub(crate) fn is_signed_by_rsa(&self, key: &Value) -> bool {
        let component = |name: &str| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
        let (Some(n), Some(e)) = (component("n"), component("e")) else {
            return false;
        };
        let key = RsaPublicKeyComponents { n, e };
        self.algorithm() == "RS256"
            && key
                .verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature)
                .is_ok()
    }

    /// Whether a secret signed it with HS256.
    pub(crate) fn is_signed_by_secret(&self, secret: &str) -> bool {
        self.algorithm() == "HS256" && mac(secret, self.signed).verify_slice(&self.signature).is_ok()
    }

    /// Whether a key signed it with ES256.
    pub(crate) fn is_signed_by(&self, signer: &Signer) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, signer.pair.public_key());
        self.algorithm() == "ES256" && key.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}

fn mac(secret: &str, signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

/// A token signed with a secret and HS256.
pub(crate) fn sign_with_secret(claims: &Value, secret: &str) -> String {
    let signed = unsigned(&json!({ "typ": "JWT", "alg": "HS256" }), claims);
    let signature = mac(secret, &signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A token that says that nobody signed it.
pub(crate) fn sign_by_nobody(claims: &Value) -> String {
    format!("{}.", unsigned(&json!({ "typ": "JWT", "alg": "none" }), claims))
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A key for ES256 with its name.
#[derive(Debug)]
pub(crate) struct Signer {
    kid: String,
    pair: EcdsaKeyPair,
    system: SystemRandom,
}

impl Signer {
    /// Makes a new key.
    pub(crate) fn new(kid: String) -> Result<Signer, Unspecified> {
        let system = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &system)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &system)
            .map_err(|_| Unspecified)?;
        Ok(Signer { kid, pair, system })
    }

    /// A token signed with ES256, which names this key.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        self.sign_in_the_name_of(self, claims)
    }

    /// A token that names another key than the one that signed it.
    pub(crate) fn sign_in_the_name_of(&self, named: &Signer, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": named.kid });
        let signed = unsigned(&header, claims);
        let signature = self.pair.sign(&self.system, signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as a JWK.
    pub(crate) fn jwk(&self) -> Value {
        // An uncompressed point: a byte 4, then both coordinates of 32 bytes.
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.split_at_checked(33).unwrap_or_default();
        json!({
            "kty": "EC",
            "alg": "ES256",
            "use": "sig",
            "kid": self.kid,
            "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode(x.get(1..).unwrap_or_default()),
            "y": URL_SAFE_NO_PAD.encode(y),
        })
    }
}
