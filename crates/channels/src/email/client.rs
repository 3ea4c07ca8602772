//! Reaches a relay: connection, greeting, encryption, sign-in. After that, letters can go.
//!
//! Never goes on in the clear where encryption is asked for, and never sends a password before it.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kizuna_domain::run::outcome::Fault;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, crypto};
use rustls_platform_verifier::Verifier;

use super::settings::{Login, Relay, Security};
use super::verdict::Reply;
use super::wire::{Lost, Wire};
use crate::address::mask;
use crate::{Problem, SessionError};

/// A relay that is ready for letters.
pub(crate) struct Client {
    pub(crate) wire: Wire,
    /// True where it takes several commands in one packet (RFC 2920).
    pub(crate) pipelining: bool,
}

/// What a relay says it can do; believed only for the encryption state in which it was said.
#[derive(Debug, Default)]
struct Offers {
    starttls: bool,
    pipelining: bool,
    auth: Option<Auth>,
}

/// How a relay lets us sign in; both send the password, the one in fewer steps.
#[derive(Clone, Copy, Debug)]
enum Auth {
    Plain,
    Login,
}

impl Offers {
    fn read(reply: &Reply) -> Offers {
        let mut offers = Offers::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Old relays write `AUTH=LOGIN`.
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("AUTH") => {
                    for mechanism in words {
                        offers.auth = match (mechanism, offers.auth) {
                            ("PLAIN", _) => Some(Auth::Plain),
                            ("LOGIN", None) => Some(Auth::Login),
                            (_, known) => known,
                        };
                    }
                }
                _ => {}
            }
        }
        offers
    }
}

/// What TLS needs, prepared once for all connections of a session.
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// Prepares it; `None` where the account goes without.
    pub(crate) fn new(relay: &Relay) -> Result<Option<Tls>, Problem> {
        if relay.security == Security::None {
            return Ok(None);
        }
        let problem = |setting, why: String| Problem {
            setting,
            ja: format!("暗号化の準備ができません（{why}）。"),
            en: format!("prevents encryption: {why}."),
        };
        let name = ServerName::try_from(relay.host.clone()).map_err(|why| problem("host", why.to_string()))?;
        let mut roots = Vec::new();
        if let Some(pem) = &relay.tls_ca {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.push(certificate.map_err(|why| problem("tls_ca_file", why.to_string()))?);
            }
            if roots.is_empty() {
                return Err(problem("tls_ca_file", "no certificate in it".to_owned()));
            }
        }
        let provider = Arc::new(crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))
            .map_err(|why| problem("tls_ca_file", why.to_string()))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| problem("security", why.to_string()))?
            .dangerous() // The name is rustls's for any verifier given by hand; this one is the system's own.
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Some(Tls {
            config: Arc::new(config),
            name,
        }))
    }
}

/// Connects, encrypts and signs in as the account wants it.
pub(crate) fn connect(relay: &Relay, tls: Option<&Tls>) -> Result<Client, SessionError> {
    let mut wire = Wire::new(dial(relay)?).map_err(|lost| unreachable(&lost))?;
    if let (Security::Tls, Some(tls)) = (relay.security, tls) {
        wire.encrypt(&tls.config, &tls.name, relay.patience.greeting)
            .map_err(|lost| unreachable(&lost))?;
    }
    let greeting = wire.reply(relay.patience.greeting).map_err(|lost| unreachable(&lost))?;
    expect(&greeting, 2, relay)?;

    let mut talk = Talk { wire, relay };
    let mut offers = talk.hello()?;
    if let (Security::StartTls, Some(tls)) = (relay.security, tls) {
        if !offers.starttls {
            return Err(refused(
                "the relay offers no STARTTLS, and nothing is sent in the clear",
            ));
        }
        expect(&talk.say("STARTTLS\r\n")?, 2, relay)?;
        talk.wire
            .encrypt(&tls.config, &tls.name, relay.patience.greeting)
            .map_err(|lost| unreachable(&lost))?;
        // What was offered in the clear may have been anybody's words.
        offers = talk.hello()?;
    }
    if let Some(login) = &relay.login {
        talk.sign_in(login, &offers)?;
    }
    Ok(Client {
        wire: talk.wire,
        pipelining: offers.pipelining,
    })
}

fn dial(relay: &Relay) -> Result<TcpStream, SessionError> {
    let unreachable = |why: std::io::Error| SessionError::Unreachable {
        reply: format!("no connection ({})", why.kind()),
    };
    let addresses = (relay.host.as_str(), relay.port)
        .to_socket_addrs()
        .map_err(unreachable)?;
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, relay.patience.connect) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(unreachable(last))
}

/// The part of the conversation that comes before any letter.
struct Talk<'a> {
    wire: Wire,
    relay: &'a Relay,
}

impl Talk<'_> {
    fn say(&mut self, line: &str) -> Result<Reply, SessionError> {
        let limit = self.relay.patience.command;
        let reply = self
            .wire
            .write(line.as_bytes(), limit)
            .and_then(|()| self.wire.reply(limit));
        reply.map_err(|lost| unreachable(&lost))
    }

    fn hello(&mut self) -> Result<Offers, SessionError> {
        let reply = self.say(&format!("EHLO {}\r\n", self.relay.hello))?;
        if matches!(reply.code, 500 | 502 | 504) {
            // A relay from before 1995; it can do nothing but take letters.
            let reply = self.say(&format!("HELO {}\r\n", self.relay.hello))?;
            expect(&reply, 2, self.relay)?;
            return Ok(Offers::default());
        }
        expect(&reply, 2, self.relay)?;
        Ok(Offers::read(&reply))
    }

    fn sign_in(&mut self, login: &Login, offers: &Offers) -> Result<(), SessionError> {
        let Login { username, password } = login;
        match offers.auth {
            Some(Auth::Plain) => {
                let word = STANDARD.encode(format!("\0{username}\0{}", password.0));
                let reply = self.say(&format!("AUTH PLAIN {word}\r\n"))?;
                expect(&reply, 2, self.relay)
            }
            Some(Auth::Login) => {
                for (line, class) in [
                    ("AUTH LOGIN".to_owned(), 3),
                    (STANDARD.encode(username), 3),
                    (STANDARD.encode(&password.0), 2),
                ] {
                    let reply = self.say(&format!("{line}\r\n"))?;
                    expect(&reply, class, self.relay)?;
                }
                Ok(())
            }
            None => Err(refused("the relay offers neither AUTH PLAIN nor AUTH LOGIN")),
        }
    }
}

/// Goes on with a reply of the wanted class; "later" and "no" end the session in their own ways.
fn expect(reply: &Reply, class: u16, relay: &Relay) -> Result<(), SessionError> {
    let words = session_words(reply, relay);
    match reply.code / 100 {
        found if found == class => Ok(()),
        5 => Err(SessionError::Refused {
            fault: Fault::Account,
            reply: words,
        }),
        _ => Err(SessionError::Unreachable { reply: words }),
    }
}

/// A reply as it may be kept when it is about the account.
pub(crate) fn session_words(reply: &Reply, relay: &Relay) -> String {
    let own = relay.login.as_ref().map_or("", |login| &login.username);
    format!("{} {}", reply.code, mask(&reply.text(), &[own]))
}

/// A lost conversation before any letter is in doubt. A wrong certificate is for staff to look at, not to retry.
pub(crate) fn unreachable(lost: &Lost) -> SessionError {
    match lost {
        Lost::Untrusted(_) => refused(&lost.words()),
        Lost::Closed(_) | Lost::TimedOut | Lost::Garbled(_) => SessionError::Unreachable { reply: lost.words() },
    }
}

fn refused(reply: &str) -> SessionError {
    SessionError::Refused {
        fault: Fault::Account,
        reply: reply.to_owned(),
    }
}
