//! Encryption at rest: addresses, nicknames and credentials are unreadable without the installation's key.
//!
//! XChaCha20-Poly1305 under a key derived for the purpose. The nonce is a keyed hash of the place and the words
//! (so no randomness is needed and the same words in two places look different), and the place is
//! authenticated, so that a sealed value copied into another row does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::StoreError;
use kizuna_domain::ids::TenantId;

/// First byte of every sealed value: the form, so that a later form can be told apart.
const FORM: u8 = 1;
/// Bytes of a nonce.
const NONCE: usize = 24;

/// The installation's key, and the keys derived from it. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Keyring {
    seal: [u8; 32],
    nonce: [u8; 32],
    index: [u8; 32],
    links: [u8; 32],
    audit: [u8; 32],
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(‹secret›)")
    }
}

/// A text that is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key must be 32 bytes in base64, as `kizuna init` writes it")]
pub struct NotAKey;

impl Keyring {
    /// Derives the keys from the installation's 32 bytes.
    pub fn new(key: &[u8; 32]) -> Keyring {
        Keyring {
            seal: keyed(key, &[b"seal"]),
            nonce: keyed(key, &[b"nonce"]),
            index: keyed(key, &[b"index"]),
            links: keyed(key, &[b"links"]),
            audit: keyed(key, &[b"audit"]),
        }
    }

    /// Reads a key as `kizuna init` writes it: base64, white space around it allowed.
    pub fn parse(text: &str) -> Result<Keyring, NotAKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| NotAKey)?;
        let key: [u8; 32] = bytes.try_into().map_err(|_| NotAKey)?;
        Ok(Keyring::new(&key))
    }

    /// The text form of a key.
    pub fn text(key: &[u8; 32]) -> String {
        STANDARD.encode(key)
    }

    /// Seals words for one place: a column and the identifier of its row.
    pub fn seal(&self, place: &'static str, row: &[u8], words: &str) -> Vec<u8> {
        let nonce = keyed(&self.nonce, &[place.as_bytes(), row, words.as_bytes()]);
        let (nonce, _) = nonce.split_at(NONCE);
        let aad = [place.as_bytes(), row].concat();
        let payload = Payload {
            msg: words.as_bytes(),
            aad: &aad,
        };
        let mut nonce_bytes = [0; NONCE];
        nonce_bytes.copy_from_slice(nonce);
        // Encryption fails only beyond 256 GiB.
        let sealed = XChaCha20Poly1305::new(&self.seal.into())
            .encrypt(&XNonce::from(nonce_bytes), payload)
            .unwrap_or_default();
        [&[FORM], nonce, &sealed].concat()
    }

    /// Opens what [`Keyring::seal`] closed for the same place.
    pub fn open(&self, place: &'static str, row: &[u8], sealed: &[u8]) -> Result<String, StoreError> {
        let wrong = || StoreError::Sealed { what: place };
        let (form, rest) = sealed.split_first().ok_or_else(wrong)?;
        if *form != FORM || rest.len() < NONCE {
            return Err(wrong());
        }
        let (nonce, sealed) = rest.split_at(NONCE);
        let mut nonce_bytes = [0; NONCE];
        nonce_bytes.copy_from_slice(nonce);
        let aad = [place.as_bytes(), row].concat();
        let words = XChaCha20Poly1305::new(&self.seal.into())
            .decrypt(&XNonce::from(nonce_bytes), Payload { msg: sealed, aad: &aad })
            .map_err(|_| wrong())?;
        String::from_utf8(words).map_err(|_| wrong())
    }

    /// The blind index of an address: equal addresses of one tenant and channel have equal indexes, and nothing else shows.
    pub fn index(&self, tenant: TenantId, channel: &str, address: &str) -> [u8; 16] {
        let folded = kizuna_domain::text::fold(address);
        let full = keyed(&self.index, &[tenant.bytes(), channel.as_bytes(), folded.as_bytes()]);
        let mut index = [0; 16];
        index.copy_from_slice(full.split_at(16).0);
        index
    }

    /// The blind index of what belongs to no tenant: equal words of one kind have equal indexes, and nothing else shows.
    pub fn index_of(&self, kind: &str, words: &[u8]) -> [u8; 16] {
        let full = keyed(&self.index, &[kind.as_bytes(), words]);
        let mut index = [0; 16];
        index.copy_from_slice(full.split_at(16).0);
        index
    }

    /// The seal on the head of an audit chain.
    pub fn seal_head(&self, parts: &[&[u8]]) -> [u8; 32] {
        keyed(&self.audit, parts)
    }

    /// A keyed hash for links in messages, bound to one purpose.
    pub fn sign_link(&self, purpose: &str, subject: &[u8]) -> [u8; 32] {
        keyed(&self.links, &[purpose.as_bytes(), subject])
    }
}

/// HMAC-SHA256 over parts with their lengths, so that no two lists of parts read the same.
fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
