//! Links in messages: signed, bound to one purpose, one tenant and one reader.
//!
//! A stop link never expires: whoever still holds an old message must be able to stop.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kizuna_domain::ids::{SubscriberId, TenantId};
use kizuna_domain::message::Links;
use kizuna_store::Keyring;

/// Bytes of signature in a link: 96 bits, not to be guessed over a network.
const SIGNATURE: usize = 12;
const STOP: &str = "stop";
const BOUNCE: &str = "bounce";

fn subject(tenant: TenantId, subscriber: SubscriberId) -> [u8; 32] {
    let mut subject = [0; 32];
    let (first, second) = subject.split_at_mut(16);
    first.copy_from_slice(tenant.bytes());
    second.copy_from_slice(subscriber.bytes());
    subject
}

/// The token with which a reader stops everything.
pub fn stop_token(keys: &Keyring, tenant: TenantId, subscriber: SubscriberId) -> String {
    let signature = keys.sign_link(STOP, &subject(tenant, subscriber));
    let mut bytes = subscriber.bytes().to_vec();
    bytes.extend(signature.iter().take(SIGNATURE));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The reader that a stop token belongs to; `None` for a forged one or one of another tenant.
pub fn read_stop_token(keys: &Keyring, tenant: TenantId, token: &str) -> Option<SubscriberId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, signature) = bytes.split_at_checked(16)?;
    let subscriber = SubscriberId::from_bytes(id)?;
    let right = keys.sign_link(STOP, &subject(tenant, subscriber));
    // Every byte is compared whatever the first difference is.
    let differences = right
        .iter()
        .take(SIGNATURE)
        .zip(signature)
        .fold(0u8, |all, (a, b)| all | (a ^ b));
    (signature.len() == SIGNATURE && differences == 0).then_some(subscriber)
}

/// The token in a return path by which a bounce is recognised: letters and digits only.
pub fn return_token(keys: &Keyring, tenant: TenantId, subscriber: SubscriberId) -> String {
    let signature = keys.sign_link(BOUNCE, &subject(tenant, subscriber));
    let digit = |half: u8| char::from_digit(u32::from(half), 16);
    let digits: String = signature
        .iter()
        .take(SIGNATURE)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(digit)
        .collect();
    format!("{}{digits}", subscriber.uuid().simple())
}

/// The links of one reader's message.
pub fn links(keys: &Keyring, base_url: &str, tenant_code: &str, tenant: TenantId, subscriber: SubscriberId) -> Links {
    if base_url.is_empty() {
        return Links::default();
    }
    let token = stop_token(keys, tenant, subscriber);
    Links {
        stop: format!("{base_url}/{tenant_code}/stop/{token}"),
        one_click: format!("{base_url}/{tenant_code}/stop/{token}/one-click"),
    }
}
