//! LINE: what comes in, who somebody is, and the small HTTP client that both share.

pub mod login;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// An HTTP client that follows nobody elsewhere and waits no longer than this; an error status is an answer.
fn agent(patience: Duration) -> Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(patience))
        .user_agent("kizuna")
        .build();
    config.new_agent()
}

/// True for an address that may be called: encrypted, or on this machine.
pub fn is_callable(url: &str) -> bool {
    let is_local = |start: &str| {
        let rest = url.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    let clean = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    let encrypted = url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    clean
        && (encrypted
            || ["http://127.0.0.1", "http://localhost", "http://[::1]"]
                .into_iter()
                .any(is_local))
}
