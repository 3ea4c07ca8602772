//! Where a request comes from: the client's address behind a proxy, and whether the browser runs on this machine.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header::HOST;
use axum::http::request::Parts;

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Headers by which a proxy says that it stands in between.
const FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-proto", "forwarded"];

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// The client's address, as far as it can be known.
    pub(crate) address: Option<IpAddr>,
    /// True where the browser speaks to this machine by its own name, without a proxy.
    pub(crate) is_local: bool,
    /// The host that the browser asked for.
    pub(crate) host: String,
}

impl Client {
    /// Reads the connection and the headers of a request.
    ///
    /// A proxy appends the address it saw, so the last one is its own word; what stands before anybody may have sent.
    pub(crate) fn of(parts: &Parts, proxies: &[IpAddr]) -> Client {
        let peer = parts
            .extensions
            .get::<ConnectInfo<Peer>>()
            .map(|ConnectInfo(Peer(address))| address.ip().to_canonical());
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let told = forwarded
            .and_then(|value| value.to_str().ok())
            .and_then(|list| list.rsplit(',').next())
            .and_then(|address| address.trim().parse().ok());
        let address = match peer {
            Some(peer) if proxies.contains(&peer) => told.or(Some(peer)),
            peer => peer,
        };
        let host = header(HOST.as_str()).unwrap_or_default().to_owned();
        let is_direct = FORWARDED.iter().all(|name| !parts.headers.contains_key(*name));
        Client {
            address,
            is_local: is_direct && peer.is_some_and(|peer| peer.is_loopback()) && is_loopback_name(&host),
            host,
        }
    }
}

/// True for the names by which a machine calls itself, with any port.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn client(peer: &str, headers: &[(&str, &str)]) -> Client {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
        parts.extensions.insert(ConnectInfo(Peer(peer)));
        Client::of(&parts, &["127.0.0.1".parse().unwrap()])
    }

    #[test]
    fn only_a_known_proxy_tells_of_its_client_and_its_last_word_counts() {
        let told = [("x-forwarded-for", "198.51.100.1, 203.0.113.9")];
        assert_eq!(client("127.0.0.1", &told).address, "203.0.113.9".parse().ok());
        assert_eq!(client("192.0.2.1", &told).address, "192.0.2.1".parse().ok());
        assert_eq!(
            client("127.0.0.1", &[("x-forwarded-for", "nonsense")]).address,
            "127.0.0.1".parse().ok()
        );
    }

    #[test]
    fn only_a_browser_on_this_machine_is_local() {
        let local = |peer, host| client(peer, &[("host", host)]).is_local;
        assert!(local("127.0.0.1", "127.0.0.1:8080") && local("::1", "[::1]:8080") && local("127.0.0.1", "localhost"));
        assert!(
            !local("127.0.0.1", "evil.example:8080"),
            "a name that was bound to this machine"
        );
        assert!(!local("192.0.2.1", "localhost"));
        let behind = [("host", "127.0.0.1:8080"), ("x-forwarded-proto", "https")];
        assert!(!client("127.0.0.1", &behind).is_local, "a proxy that forgot the name");
    }
}
