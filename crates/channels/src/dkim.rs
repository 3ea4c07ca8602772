//! Signs messages with DKIM (RFC 6376, RFC 8463): relaxed/relaxed, RSA-SHA256 and Ed25519-SHA256.
//!
//! Never invents a time: `t=` is the date of the letter, so that a retry carries the same signature.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::digest::{self, SHA256};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// What is signed, where present. RFC 8058 wants the two List-Unsubscribe lines among them.
const SIGNED: [&str; 13] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
];

/// Characters of a signature on one line of its header.
const SIGNATURE_LINE: usize = 70;

/// A key with the name under which its public half stands in the DNS.
pub(crate) struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// Reads an RSA key of 2048 bits or more from PEM, PKCS#8 or PKCS#1.
    pub(crate) fn rsa(domain: &str, selector: &str, pem: &str) -> Result<Signer, String> {
        Ok(Signer {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            key: Key::Rsa(Box::new(rsa_key(pem)?)),
        })
    }

    /// Reads an Ed25519 key from PEM, PKCS#8; also the short form without public key that openssl writes.
    pub(crate) fn ed25519(domain: &str, selector: &str, pem: &str) -> Result<Signer, String> {
        let Ok(PrivateKeyDer::Pkcs8(der)) = PrivateKeyDer::from_pem_slice(pem.as_bytes()) else {
            return Err("not a PEM text with a PKCS#8 private key".to_owned());
        };
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|why| format!("not an Ed25519 key ({why})"))?;
        Ok(Signer {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            key: Key::Ed25519(key),
        })
    }

    fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content, &mut signature)
                    .map_err(|_| "the DKIM key does not sign".to_owned())?;
                Ok(signature)
            }
            // RFC 8463: what Ed25519 signs is the SHA-256 of the content.
            Key::Ed25519(key) => Ok(key.sign(digest::digest(&SHA256, content).as_ref()).as_ref().to_vec()),
        }
    }
}

/// Reads an RSA key of 2048 bits or more from PEM, PKCS#8 or PKCS#1.
pub(crate) fn rsa_key(pem: &str) -> Result<RsaKeyPair, String> {
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("not a PEM text with an RSA private key".to_owned()),
    };
    key.map_err(|why| format!("not an RSA key of 2048 bits or more ({why})"))
}

/// The `DKIM-Signature` headers of a message, one for each key.
pub(crate) fn sign(signers: &[Signer], message: &[u8], date: Timestamp) -> Result<String, String> {
    let end = message
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| "the message has no end of its headers".to_owned())?;
    let (head, body) = message.split_at(end + 2);
    let head = std::str::from_utf8(head).map_err(|_| "the message's headers are not text".to_owned())?;
    let body_hash = STANDARD.encode(relaxed_body(body.get(2..).unwrap_or_default()));

    let fields = fields(head);
    let mut names = String::new();
    let mut content = String::with_capacity(head.len());
    for name in SIGNED {
        if let Some(field) = fields.iter().find(|field| is_named(field, name)) {
            relaxed_field(field, &mut content);
            content.push_str("\r\n");
            names.push_str(if names.is_empty() { "" } else { ":" });
            names.push_str(name);
        }
    }
    // From once more than it occurs: whoever adds a second sender breaks the signature.
    names.push_str(":From");

    let mut headers = String::new();
    for signer in signers {
        let mut field = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={body_hash};\r\n b=",
            signer.algorithm(),
            signer.domain,
            signer.selector,
            date.as_second(),
            names
                .replace(":List-Id", ":\r\n  List-Id")
                .replace(":Content-Language", ":\r\n  Content-Language"),
        );
        let signed = content.len();
        relaxed_field(&field, &mut content);
        let signature = signer.sign(content.as_bytes());
        content.truncate(signed);
        let signature = STANDARD.encode(signature?);
        for (place, c) in signature.chars().enumerate() {
            if place > 0 && place % SIGNATURE_LINE == 0 {
                field.push_str("\r\n ");
            }
            field.push(c);
        }
        let _ = write!(headers, "{field}\r\n");
    }
    Ok(headers)
}

/// The header fields, each with its folded lines and without its last line end.
fn fields(head: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let (mut begin, mut place) = (0, 0);
    for line in head.split_inclusive("\r\n") {
        if place > begin && !line.starts_with([' ', '\t']) {
            fields.extend(head.get(begin..place - 2));
            begin = place;
        }
        place += line.len();
    }
    fields.extend(head.get(begin..place.saturating_sub(2)));
    fields
}

fn is_named(field: &str, name: &str) -> bool {
    field
        .split_once(':')
        .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
}

/// Relaxed header canonicalisation (RFC 6376, 3.4.2), without the line end.
fn relaxed_field(field: &str, out: &mut String) {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    out.extend(name.trim_end().chars().map(|c| c.to_ascii_lowercase()));
    out.push(':');
    let mut words = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    out.push_str(words.next().unwrap_or_default());
    for word in words {
        out.push(' ');
        out.push_str(word);
    }
}

/// The hash of the body in relaxed canonicalisation (RFC 6376, 3.4.4).
fn relaxed_body(body: &[u8]) -> digest::Digest {
    let mut hash = digest::Context::new(&SHA256);
    let mut empty_lines = 0_usize;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = trim_end(line);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut empty_lines) {
            hash.update(b"\r\n");
        }
        if line.iter().any(|byte| is_space(*byte)) {
            let mut relaxed = Vec::with_capacity(line.len());
            for (place, byte) in line.iter().enumerate() {
                if !is_space(*byte) {
                    relaxed.push(*byte);
                } else if place == 0 || !line.get(place - 1).copied().is_some_and(is_space) {
                    relaxed.push(b' ');
                }
            }
            hash.update(&relaxed);
        } else {
            hash.update(line);
        }
        hash.update(b"\r\n");
    }
    hash.finish()
}

fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., last] = line
        && is_space(*last)
    {
        line = rest;
    }
    line
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
