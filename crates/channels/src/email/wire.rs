//! The line to a relay: octets out, complete replies in, encrypted or not.
//!
//! Everything that comes in is bounded in size and in time; a relay cannot make us wait or remember without end.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::verdict::Reply;

/// Longest line of a reply. RFC 5321 lets 512 octets travel; some relays put whole pages of help into one.
const REPLY_LINE_MAX: usize = 4096;

/// Most lines of a reply; the longest list of extensions seen has about 30.
const REPLY_LINES_MAX: usize = 100;

/// Octets asked of the system at once.
const READ_AT_ONCE: usize = 4096;

/// Why no reply came.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The other side hung up or the network did.
    Closed(String),
    /// Too slow.
    TimedOut,
    /// What came was not a reply, or too much of it.
    Garbled(&'static str),
    /// Encryption could not be agreed on: a wrong certificate, no common version.
    Untrusted(String),
}

impl Lost {
    /// What happened, in a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Lost::Closed(why) => format!("the connection was lost ({why})"),
            Lost::TimedOut => "no answer in time".to_owned(),
            Lost::Garbled(why) => format!("the answer was not SMTP ({why})"),
            Lost::Untrusted(why) => format!("the encryption failed ({why})"),
        }
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Lost {
        match error.kind() {
            // A socket's timeout is reported as the one or the other, by system.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Lost::TimedOut,
            kind => Lost::Closed(kind.to_string()),
        }
    }
}

/// A write that did not get through.
pub(crate) struct Cut {
    /// True where octets at or after the mark may have left this machine.
    pub(crate) past_mark: bool,
    pub(crate) lost: Lost,
}

/// A moment until which to wait.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a relay has been silent is measured, never decided by"
    )]
    fn after(limit: Duration) -> Deadline {
        Deadline(Instant::now() + limit)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a relay has been silent is measured, never decided by"
    )]
    fn left(self) -> Result<Duration, Lost> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(Lost::TimedOut) } else { Ok(left) }
    }
}

/// One connection.
pub(crate) struct Wire {
    tcp: TcpStream,
    tls: Option<Box<ClientConnection>>,
    inbox: Vec<u8>,
    /// Octets of the inbox already used.
    used: usize,
    /// Timeout that the socket has now, so that most reads need no second system call.
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
    sealed: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(tcp: TcpStream) -> Result<Wire, Lost> {
        // Without it a message waits 40 ms for an acknowledgement that the other side delays.
        tcp.set_nodelay(true)?;
        Ok(Wire {
            tcp,
            tls: None,
            inbox: Vec::new(),
            used: 0,
            read_limit: None,
            write_limit: None,
            sealed: Vec::new(),
        })
    }

    /// Goes on encrypted. Whatever came in the clear and was not read yet is thrown away: it may be anybody's.
    pub(crate) fn encrypt(
        &mut self,
        config: &Arc<ClientConfig>,
        name: &ServerName<'static>,
        limit: Duration,
    ) -> Result<(), Lost> {
        self.inbox.clear();
        self.used = 0;
        let untrusted = |why: rustls::Error| Lost::Untrusted(why.to_string());
        let mut tls = ClientConnection::new(Arc::clone(config), name.clone()).map_err(untrusted)?;
        // A message is written as a whole; its size is bounded where it is made.
        tls.set_buffer_limit(None);
        let deadline = Deadline::after(limit);
        self.tcp.set_write_timeout(Some(limit))?;
        self.write_limit = Some(limit);
        loop {
            while tls.wants_write() {
                tls.write_tls(&mut self.tcp)?;
            }
            if !tls.is_handshaking() {
                break;
            }
            self.read_limit = None;
            self.tcp.set_read_timeout(Some(deadline.left()?))?;
            if tls.read_tls(&mut self.tcp)? == 0 {
                return Err(Lost::Closed("during the handshake".to_owned()));
            }
            if let Err(why) = tls.process_new_packets() {
                // The other side is told why, as far as it still listens.
                let _ = tls.write_tls(&mut self.tcp);
                return Err(untrusted(why));
            }
        }
        self.tls = Some(Box::new(tls));
        Ok(())
    }

    /// Reads one complete reply.
    pub(crate) fn reply(&mut self, limit: Duration) -> Result<Reply, Lost> {
        let mut lines = Vec::new();
        let mut deadline = None;
        loop {
            let line = self.line(limit, &mut deadline)?;
            let code = line
                .get(..3)
                .and_then(|code| code.parse::<u16>().ok())
                .filter(|code| (200..600).contains(code));
            let Some(code) = code else {
                return Err(Lost::Garbled("no code"));
            };
            let last = match line.as_bytes().get(3) {
                None | Some(b' ') => true,
                Some(b'-') => false,
                Some(_) => return Err(Lost::Garbled("no code")),
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if last {
                return Ok(Reply { code, lines });
            }
            if lines.len() >= REPLY_LINES_MAX {
                return Err(Lost::Garbled("too many lines"));
            }
        }
    }

    fn line(&mut self, limit: Duration, deadline: &mut Option<Deadline>) -> Result<String, Lost> {
        let mut searched = self.used;
        loop {
            let fresh = self.inbox.get(searched..).unwrap_or_default();
            if let Some(place) = fresh.iter().position(|byte| *byte == b'\n') {
                let end = searched + place;
                let line = String::from_utf8_lossy(self.inbox.get(self.used..end).unwrap_or_default());
                let line = line.trim_end_matches('\r').to_owned();
                self.used = end + 1;
                if self.used == self.inbox.len() {
                    self.inbox.clear();
                    self.used = 0;
                }
                return Ok(line);
            }
            if self.inbox.len() - self.used > REPLY_LINE_MAX {
                return Err(Lost::Garbled("a line without end"));
            }
            self.inbox.drain(..self.used);
            self.used = 0;
            searched = self.inbox.len();
            self.fill(limit, deadline)?;
        }
    }

    /// Reads what there is, waiting for the first of it.
    fn fill(&mut self, limit: Duration, deadline: &mut Option<Deadline>) -> Result<(), Lost> {
        // The first wait is the whole limit; only who answers in pieces is measured.
        let wait = match deadline {
            None => {
                *deadline = Some(Deadline::after(limit));
                limit
            }
            Some(deadline) => deadline.left()?,
        };
        if self.read_limit != Some(wait) {
            self.tcp.set_read_timeout(Some(wait))?;
            self.read_limit = Some(wait);
        }
        let mut piece = [0_u8; READ_AT_ONCE];
        let read = loop {
            let read = match &mut self.tls {
                None => self.tcp.read(&mut piece),
                Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.tcp).read(&mut piece),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 {
            return Err(Lost::Closed("by the other side".to_owned()));
        }
        self.inbox.extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(())
    }

    /// Writes everything, in as few packets as there can be.
    pub(crate) fn write(&mut self, octets: &[u8], limit: Duration) -> Result<(), Lost> {
        self.write_marked(octets, octets.len(), limit).map_err(|cut| cut.lost)
    }

    /// Writes everything and, where that fails, tells whether anything from `mark` on may have left.
    pub(crate) fn write_marked(&mut self, octets: &[u8], mark: usize, limit: Duration) -> Result<(), Cut> {
        let Some(tls) = &mut self.tls else {
            return push(&mut self.tcp, octets, mark, limit, &mut self.write_limit);
        };
        // What comes before the mark and what comes after it are sealed in records of their own: the other side
        // cannot read a record of which the end is missing.
        let (before, after) = octets.split_at(mark.min(octets.len()));
        self.sealed.clear();
        let mut sealed_mark = 0;
        for part in [before, after] {
            sealed_mark = self.sealed.len();
            let sealed = tls.writer().write_all(part).and_then(|()| {
                while tls.wants_write() {
                    tls.write_tls(&mut self.sealed)?;
                }
                Ok(())
            });
            sealed.map_err(|error| Cut {
                past_mark: false,
                lost: error.into(),
            })?;
        }
        push(&mut self.tcp, &self.sealed, sealed_mark, limit, &mut self.write_limit)
    }

    /// Says goodbye without waiting for an answer.
    pub(crate) fn quit(&mut self) {
        let _ = self.write(b"QUIT\r\n", Duration::from_millis(100));
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.tcp);
        }
    }
}

fn push(
    tcp: &mut TcpStream,
    octets: &[u8],
    mark: usize,
    limit: Duration,
    set: &mut Option<Duration>,
) -> Result<(), Cut> {
    let deadline = Deadline::after(limit);
    let mut left = octets;
    let mut wait = Ok(limit);
    while !left.is_empty() {
        let written = wait.and_then(|wait| {
            if *set != Some(wait) {
                tcp.set_write_timeout(Some(wait))?;
                *set = Some(wait);
            }
            match tcp.write(left) {
                Ok(0) => Err(Lost::Closed("nothing more is taken".to_owned())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
                written => Ok(written?),
            }
        });
        match written {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(lost) => {
                return Err(Cut {
                    past_mark: octets.len() - left.len() > mark,
                    lost,
                });
            }
        }
        if left.is_empty() {
            break;
        }
        wait = deadline.left();
    }
    Ok(())
}
