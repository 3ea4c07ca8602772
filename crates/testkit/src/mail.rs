//! A mail server inside the test: strict about SMTP, and as faulty as its script says.
//!
//! It remembers what arrived and what was wrong about it. It never waits on a clock: a fault lasts until the
//! client goes away.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto};

/// Longest line that may travel, without its end (RFC 5322, 2.1.1).
const LINE_MAX: usize = 998;

/// A point of the conversation at which a fault can be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// The client has connected.
    Greeting,
    /// EHLO was said.
    Ehlo,
    /// HELO was said.
    Helo,
    /// STARTTLS was said.
    StartTls,
    /// AUTH was said.
    Auth,
    /// MAIL was said.
    Mail,
    /// RCPT was said.
    Rcpt,
    /// DATA was said.
    Data,
    /// The final dot has come.
    Dot,
    /// RSET was said.
    Rset,
}

/// What the server does instead of its usual answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Says this, a CRLF added.
    Say(String),
    /// Says this in packets of one octet.
    Drip(String),
    /// Says this and hangs up.
    SayAndClose(String),
    /// Says this and then nothing more, until the client has gone.
    SayAndFallSilent(String),
    /// Hangs up.
    Close,
    /// Says nothing more and takes nothing more, until the client has gone.
    Silence,
    /// Answers as usual: to let a fault come later.
    Usual,
}

/// Shorthand for [`Then::Say`].
pub fn say(words: &str) -> Then {
    Then::Say(words.to_owned())
}

/// Shorthand for [`Then::SayAndClose`].
pub fn say_and_close(words: &str) -> Then {
    Then::SayAndClose(words.to_owned())
}

/// How the server behaves.
#[derive(Clone, Debug, Default)]
pub struct Script {
    extensions: Vec<String>,
    faults: HashMap<When, VecDeque<Then>>,
    tls: Option<Tls>,
    implicit: bool,
}

#[derive(Clone)]
struct Tls(Arc<ServerConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Script {
    /// A server without extensions and without faults.
    pub fn plain() -> Script {
        Script::default()
    }

    /// A server that takes several commands in one packet.
    pub fn pipelining() -> Script {
        Script::plain().offering("PIPELINING")
    }

    /// Offers one more extension.
    #[must_use]
    pub fn offering(mut self, extension: &str) -> Script {
        self.extensions.push(extension.to_owned());
        self
    }

    /// Puts one more fault at a point; each is used once, in order, over all connections.
    #[must_use]
    pub fn on(mut self, when: When, then: Then) -> Script {
        self.faults.entry(when).or_default().push_back(then);
        self
    }

    /// Can encrypt, with the certificate and key in these PEM files; offers STARTTLS while it has not.
    #[must_use]
    pub fn tls(mut self, certificate: &Path, key: &Path) -> Script {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .expect("the certificate can be read");
        let key = PrivateKeyDer::from_pem_file(key).expect("the key can be read");
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .expect("the certificate fits the key");
        self.tls = Some(Tls(Arc::new(config)));
        self
    }

    /// Encrypts from the first octet instead of offering STARTTLS.
    #[must_use]
    pub fn implicit_tls(mut self, certificate: &Path, key: &Path) -> Script {
        self.implicit = true;
        self.tls(certificate, key)
    }
}

/// A message that the server took, or saw the end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The return path.
    pub from: String,
    /// The recipients, as they came over the wire.
    pub to: Vec<String>,
    /// The message, its doubled dots single again.
    pub content: Vec<u8>,
    /// True where the server answered 250.
    pub taken: bool,
}

/// All that a server has seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The messages of which the final dot came.
    pub mails: Vec<Mail>,
    /// The commands in order, over all connections.
    pub commands: Vec<String>,
    /// Connections made.
    pub connections: usize,
    /// What broke the rules of SMTP.
    pub violations: Vec<String>,
}

/// A server that listens on a port of its own until it is dropped.
pub struct MailServer {
    port: u16,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    listener: Option<JoinHandle<()>>,
}

impl MailServer {
    /// Begins to listen.
    pub fn start(script: Script) -> MailServer {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = socket.local_addr().expect("the port is known").port();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script = Arc::new(Mutex::new(script));
        let (stopped, shared) = (Arc::clone(&stop), Arc::clone(&seen));
        let listener = thread::spawn(move || {
            let mut conversations = Vec::new();
            for client in socket.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                locked(&shared).connections += 1;
                let conversation = Conversation::new(Arc::clone(&script), Arc::clone(&shared));
                conversations.push(thread::spawn(move || {
                    // A client that goes away is one of the faults, not a failure of the server.
                    let _ = conversation.run(client);
                }));
            }
            for conversation in conversations {
                let _ = conversation.join();
            }
        });
        MailServer {
            port,
            stop,
            seen,
            listener: Some(listener),
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has seen until now.
    pub fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }

    /// How many messages have come to their final dot.
    pub fn arrived(&self) -> usize {
        locked(&self.seen).mails.len()
    }

    /// Waits until every client has gone and gives all it has seen; panics where a client broke the rules.
    pub fn finish(mut self) -> Seen {
        self.close();
        let seen = self.seen();
        assert!(
            seen.violations.is_empty(),
            "the client broke the rules of SMTP: {:?}",
            seen.violations
        );
        seen
    }

    fn close(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // A panicking test may still hold its connections, for which nobody should wait.
        if !thread::panicking() {
            self.close();
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Line {
    Plain(BufReader<TcpStream>),
    Tls(Box<BufReader<StreamOwned<ServerConnection, TcpStream>>>),
}

impl Line {
    fn reader(&mut self) -> &mut dyn BufRead {
        match self {
            Line::Plain(reader) => reader,
            Line::Tls(reader) => reader,
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Line::Plain(reader) => reader.get_mut(),
            Line::Tls(reader) => reader.get_mut(),
        }
    }

    /// Octets that the client sent before it had its answer.
    fn ahead(&self) -> usize {
        match self {
            Line::Plain(reader) => reader.buffer().len(),
            Line::Tls(reader) => reader.buffer().len(),
        }
    }

    fn shut(&mut self) {
        let tcp = match self {
            Line::Plain(reader) => reader.get_ref(),
            Line::Tls(reader) => &reader.get_ref().sock,
        };
        let _ = tcp.shutdown(Shutdown::Both);
    }

    fn encrypt(self, tls: &Tls) -> io::Result<Line> {
        let Line::Plain(reader) = self else {
            return Err(io::Error::other("already encrypted"));
        };
        let connection = ServerConnection::new(Arc::clone(&tls.0)).map_err(io::Error::other)?;
        Ok(Line::Tls(Box::new(BufReader::new(StreamOwned::new(
            connection,
            reader.into_inner(),
        )))))
    }
}

struct Conversation {
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Seen>>,
    extensions: Vec<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    Over,
}

impl Conversation {
    fn new(script: Arc<Mutex<Script>>, seen: Arc<Mutex<Seen>>) -> Conversation {
        let extensions = locked(&script).extensions.clone();
        Conversation {
            script,
            seen,
            extensions,
            from: None,
            to: Vec::new(),
        }
    }

    fn run(mut self, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut line = Line::Plain(BufReader::new(client));
        let (tls, implicit) = {
            let script = locked(&self.script);
            (script.tls.clone(), script.implicit)
        };
        let mut encrypted = false;
        if let (Some(tls), true) = (&tls, implicit) {
            line = line.encrypt(tls)?;
            encrypted = true;
        }
        if self.answer(&mut line, When::Greeting, "220 double.example ESMTP")? == Next::Over {
            return Ok(());
        }
        while let Some(command) = self.command(&mut line)? {
            let (verb, rest) = command.split_once(' ').unwrap_or((command.as_str(), ""));
            let next = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    let mut offers = self.extensions.clone();
                    offers.extend((tls.is_some() && !encrypted).then(|| "STARTTLS".to_owned()));
                    let mut reply = String::from("250-double.example\r\n");
                    for offer in offers {
                        reply.extend(["250-", &offer, "\r\n"]);
                    }
                    reply.push_str("250 HELP");
                    self.answer(&mut line, When::Ehlo, &reply)?
                }
                "HELO" => self.answer(&mut line, When::Helo, "250 double.example")?,
                "STARTTLS" => {
                    let next = self.answer(&mut line, When::StartTls, "220 2.0.0 go ahead")?;
                    if let (Some(tls), Next::On, false) = (&tls, &next, encrypted) {
                        line = line.encrypt(tls)?;
                        encrypted = true;
                    }
                    next
                }
                "AUTH" => self.auth(&mut line, rest)?,
                "MAIL" => self.mail(&mut line, rest)?,
                "RCPT" => self.rcpt(&mut line, rest)?,
                "DATA" => self.data(&mut line)?,
                "RSET" => {
                    self.from = None;
                    self.to.clear();
                    self.answer(&mut line, When::Rset, "250 2.0.0 forgotten")?
                }
                "QUIT" => {
                    let _ = line.writer().write_all(b"221 2.0.0 bye\r\n");
                    Next::Over
                }
                _ => {
                    self.violation(format!("unknown command {verb}"));
                    tell(&mut line, "500 5.5.2 what?")?
                }
            };
            if next == Next::Over {
                line.shut();
                break;
            }
        }
        Ok(())
    }

    fn auth(&mut self, line: &mut Line, rest: &str) -> io::Result<Next> {
        if rest.eq_ignore_ascii_case("LOGIN") {
            for prompt in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                tell(line, prompt)?;
                self.command(line)?;
            }
        }
        self.answer(line, When::Auth, "235 2.7.0 welcome")
    }

    fn mail(&mut self, line: &mut Line, rest: &str) -> io::Result<Next> {
        if self.from.is_some() {
            self.violation("MAIL inside a transaction".to_owned());
        }
        let Some(from) = path(rest, "FROM:") else {
            self.violation(format!("MAIL {rest}"));
            return tell(line, "501 5.5.4 syntax");
        };
        self.decide(line, When::Mail, "250 2.1.0 sender ok", |conversation| {
            conversation.from = Some(from);
        })
    }

    fn rcpt(&mut self, line: &mut Line, rest: &str) -> io::Result<Next> {
        let Some(to) = path(rest, "TO:") else {
            self.violation(format!("RCPT {rest}"));
            return tell(line, "501 5.5.4 syntax");
        };
        let is_scripted = locked(&self.script)
            .faults
            .get(&When::Rcpt)
            .is_some_and(|faults| !faults.is_empty());
        if self.from.is_none() && !is_scripted {
            return tell(line, "503 5.5.1 MAIL first");
        }
        self.decide(line, When::Rcpt, "250 2.1.5 recipient ok", |conversation| {
            conversation.to.push(to);
        })
    }

    fn data(&mut self, line: &mut Line) -> io::Result<Next> {
        let then = self.fault(When::Data);
        if self.to.is_empty() && then == Then::Usual {
            return tell(line, "503 5.5.1 RCPT first");
        }
        let words = match &then {
            Then::Say(words) => words.clone(),
            Then::Usual => "354 go ahead".to_owned(),
            Then::Drip(_) | Then::SayAndClose(_) | Then::SayAndFallSilent(_) | Then::Close | Then::Silence => {
                String::new()
            }
        };
        if !words.starts_with("354") {
            return act(line, then, "354 go ahead");
        }
        if line.ahead() > 0 {
            self.violation("octets after DATA, before 354".to_owned());
        }
        tell(line, &words)?;
        let Some(content) = self.content(line)? else {
            return Ok(Next::Over);
        };
        let mail = Mail {
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            content,
            taken: false,
        };
        let place = {
            let mut seen = locked(&self.seen);
            seen.mails.push(mail);
            seen.mails.len() - 1
        };
        let reply = match locked(&self.seen).mails.get(place) {
            Some(mail) if mail.to.is_empty() => "554 5.5.1 no valid recipients",
            _ => "250 2.0.0 queued as 4F1A2",
        };
        self.decide(line, When::Dot, reply, |conversation| {
            if let Some(mail) = locked(&conversation.seen).mails.get_mut(place) {
                mail.taken = !mail.to.is_empty();
            }
        })
    }

    /// Reads a message up to its final dot; `None` where the client went away before.
    fn content(&mut self, line: &mut Line) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        loop {
            let mut next = Vec::new();
            if line.reader().read_until(b'\n', &mut next)? == 0 || !next.ends_with(b"\n") {
                return Ok(None);
            }
            if !next.ends_with(b"\r\n") || next.split(|byte| *byte == b'\r').count() > 2 {
                self.violation("a bare CR or LF in a message".to_owned());
            }
            if next.len() > LINE_MAX + 2 {
                self.violation(format!("a line of {} octets", next.len()));
            }
            if next == b".\r\n" {
                if line.ahead() > 0 && !self.pipelining() {
                    self.violation("octets after the final dot before its answer".to_owned());
                }
                return Ok(Some(content));
            }
            content.extend_from_slice(next.strip_prefix(b".").unwrap_or(&next));
        }
    }

    fn command(&mut self, line: &mut Line) -> io::Result<Option<String>> {
        let mut command = String::new();
        if line.reader().read_line(&mut command)? == 0 {
            return Ok(None);
        }
        let Some(command) = command.strip_suffix("\r\n") else {
            self.violation(format!("a command without CRLF: {command:?}"));
            return Ok(None);
        };
        locked(&self.seen).commands.push(command.to_owned());
        let is_grouped = ["MAIL", "RCPT", "RSET"].iter().any(|verb| command.starts_with(verb));
        if line.ahead() > 0 && !(is_grouped && self.pipelining()) {
            self.violation(format!("octets after {command:?} before its answer"));
        }
        Ok(Some(command.to_owned()))
    }

    fn pipelining(&self) -> bool {
        self.extensions.iter().any(|offer| offer == "PIPELINING")
    }

    fn violation(&mut self, what: String) {
        locked(&self.seen).violations.push(what);
    }

    fn fault(&mut self, when: When) -> Then {
        locked(&self.script)
            .faults
            .get_mut(&when)
            .and_then(VecDeque::pop_front)
            .unwrap_or(Then::Usual)
    }

    /// Answers, with the fault put there or else as usual.
    fn answer(&mut self, line: &mut Line, when: When, usual: &str) -> io::Result<Next> {
        let then = self.fault(when);
        act(line, then, usual)
    }

    /// Answers and, where the answer is a yes, does what follows from it before the client can know.
    fn decide(
        &mut self,
        line: &mut Line,
        when: When,
        usual: &str,
        yes: impl FnOnce(&mut Conversation),
    ) -> io::Result<Next> {
        let then = self.fault(when);
        let is_yes = match &then {
            Then::Usual => true,
            Then::Say(words) | Then::Drip(words) => words.starts_with('2'),
            Then::SayAndClose(_) | Then::SayAndFallSilent(_) | Then::Close | Then::Silence => false,
        };
        if is_yes {
            yes(self);
        }
        act(line, then, usual)
    }
}

fn act(line: &mut Line, then: Then, usual: &str) -> io::Result<Next> {
    match then {
        Then::Usual => tell(line, usual),
        Then::Say(words) => tell(line, &words),
        Then::Drip(words) => {
            for octet in format!("{words}\r\n").bytes() {
                line.writer().write_all(&[octet])?;
                line.writer().flush()?;
            }
            Ok(Next::On)
        }
        Then::SayAndClose(words) => {
            tell(line, &words)?;
            Ok(Next::Over)
        }
        Then::Close => Ok(Next::Over),
        Then::SayAndFallSilent(words) => {
            tell(line, &words)?;
            act(line, Then::Silence, usual)
        }
        Then::Silence => {
            let mut rest = Vec::new();
            line.reader().read_to_end(&mut rest)?;
            Ok(Next::Over)
        }
    }
}

fn tell(line: &mut Line, words: &str) -> io::Result<Next> {
    line.writer().write_all(format!("{words}\r\n").as_bytes())?;
    line.writer().flush()?;
    Ok(Next::On)
}

/// The address between `FROM:<` and `>`.
fn path(rest: &str, before: &str) -> Option<String> {
    let inside = rest.strip_prefix(before)?.strip_prefix('<')?;
    let (address, parameters) = inside.rsplit_once('>')?;
    (parameters.is_empty() && !address.contains(['<', '>', ' '])).then(|| address.to_owned())
}
