//! The demo's own mail relay: takes messages over SMTP on this machine and puts each into the mailbox folder.
//!
//! Only as much of RFC 5321 as an honest client needs; it listens on loopback and forwards nothing.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

/// Longest line of a command or a message, in bytes.
const LINE_MAX: u64 = 4_096;
/// Largest message, in bytes.
const MESSAGE_MAX: usize = 1 << 20;

/// A running relay; it ends with the program.
pub(super) struct Relay {
    port: u16,
}

impl Relay {
    /// Listens on a free port and delivers into `folder`.
    pub(super) fn start(folder: PathBuf) -> io::Result<Relay> {
        fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let folder = folder.clone();
                std::thread::spawn(move || {
                    // A client that hangs up in the middle delivered nothing; that is all there is to say.
                    let _ = converse(&stream, &folder);
                });
            }
        });
        Ok(Relay { port })
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

fn converse(stream: &TcpStream, folder: &Path) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream);
    let mut output = stream;
    output.write_all(b"220 hidamari.example the demo's mailbox\r\n")?;
    loop {
        let Some(line) = line(&mut input)? else { return Ok(()) };
        let verb = line
            .split_ascii_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "EHLO" => b"250-hidamari.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            "DATA" => {
                output.write_all(b"354 go on\r\n")?;
                match message(&mut input)? {
                    Some(message) => {
                        deliver(folder, &message)?;
                        b"250 delivered\r\n"
                    }
                    None => b"552 too large\r\n",
                }
            }
            "QUIT" => {
                output.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 ok\r\n",
            _ => b"502 not here\r\n",
        };
        output.write_all(reply)?;
    }
}

fn line(input: &mut BufReader<&TcpStream>) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)?;
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Reads up to the final dot and undoes the dots that were stuffed; `None` where it is too large.
fn message(input: &mut BufReader<&TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    loop {
        let mut bytes = Vec::new();
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if bytes == b".\r\n" {
            return Ok((message.len() <= MESSAGE_MAX).then_some(message));
        }
        if message.len() <= MESSAGE_MAX {
            message.extend_from_slice(bytes.strip_prefix(b".").unwrap_or(&bytes));
        }
    }
}

/// One file a message, named by its date and Message-ID as the outbox channel does.
fn deliver(folder: &Path, message: &[u8]) -> io::Result<()> {
    let text = String::from_utf8_lossy(message);
    let id = text
        .lines()
        .find_map(|line| line.strip_prefix("Message-ID: <")?.split('@').next());
    let name: String = id
        .unwrap_or("message")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    let path = folder.join(format!("mail-{name}.eml"));
    let draft = path.with_extension("new");
    fs::write(&draft, message)?;
    fs::rename(draft, path)
}
