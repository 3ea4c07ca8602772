//! Starts other people's programs as doubles and judges: mail servers, Python's libraries, openssl.
//!
//! A missing program fails the test and says how to get it; nothing is skipped. Every program is stopped with
//! the value that stands for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Tries at starting a program: the port that was free may be taken a moment later.
const STARTS_MAX: usize = 5;

/// Looks at a port before giving a program up, and the pause between two looks: ten seconds.
const LOOKS_MAX: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// The variable with the path of the Python that the tests use.
pub const PYTHON_VARIABLE: &str = "KIZUNA_TEST_PYTHON";

/// A running program that answers on a port.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Postfix's `smtp-sink`, which takes every message and forgets it, with these switches for faults.
    pub fn smtp_sink(switches: &[&str]) -> Server {
        let program = ["/usr/sbin/smtp-sink", "/usr/libexec/postfix/smtp-sink"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .unwrap_or_else(|| missing("smtp-sink (package postfix)"));
        Server::start(|port| {
            let mut command = Command::new(program);
            command
                .args(["-u", "nobody"])
                .args(switches)
                .arg(format!("127.0.0.1:{port}"))
                .arg("512");
            command
        })
    }

    /// aiosmtpd with STARTTLS and sign-in required; every message becomes a file in `folder`.
    pub fn aiosmtpd(certificate: &Certificate, username: &str, password: &str, folder: &Path) -> Server {
        Server::start(|port| {
            let mut command = Command::new(python());
            command.args(["-c", include_str!("aiosmtpd_server.py"), &port.to_string()]);
            command
                .arg(&certificate.certificate)
                .arg(&certificate.key)
                .args([username, password])
                .arg(folder);
            command
        })
    }

    /// aiosmtpd without sign-in, which puts every message into the Maildir `folder`.
    pub fn into_maildir(folder: &Path) -> Server {
        Server::start(|port| {
            let mut command = Command::new(python());
            command.args(["-c", include_str!("maildir_server.py"), &port.to_string()]);
            command.arg(folder);
            command
        })
    }

    /// Starts a program on a free port and waits until the port answers.
    fn start(command: impl Fn(u16) -> Command) -> Server {
        let mut words = String::new();
        for _ in 0..STARTS_MAX {
            let port = free_port();
            let mut command = command(port);
            let mut child = command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
            if answers(&mut child, port) {
                return Server { child, port };
            }
            let _ = child.kill();
            let _ = child.wait();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut words);
            }
        }
        panic!("the program does not answer on its port: {words}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process tells of nothing when its port is open"
)]
fn answers(child: &mut Child, port: u16) -> bool {
    for _ in 0..LOOKS_MAX {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        thread::sleep(PAUSE);
    }
    false
}

/// A port on which nobody listens now.
pub fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    socket.local_addr().expect("the port is known").port()
}

fn missing(program: &str) -> ! {
    panic!("{program} is missing: run cargo xtask test, it installs what the tests need");
}

/// The Python that has aiosmtpd, dkimpy, pynacl and LINE's SDK: the one that `cargo xtask test` names, or the one it made.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests learn of the interpreter"
)]
fn python() -> PathBuf {
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/py-venv/bin/python");
    let path = std::env::var(PYTHON_VARIABLE).map_or_else(|_| made(), PathBuf::from);
    if !path.exists() {
        missing("Python with aiosmtpd, dkimpy and line-bot-sdk (target/py-venv)");
    }
    path
}

/// Runs a Python script on some input and gives what it prints; panics with its words where it fails.
pub fn run_python(script: &str, arguments: &[&str], input: &[u8]) -> String {
    run(Command::new(python()).args(["-c", script]).args(arguments), input)
}

/// Runs openssl in a folder and gives what it prints.
pub fn run_openssl(folder: &Path, arguments: &[&str]) -> String {
    run(Command::new("openssl").current_dir(folder).args(arguments), b"")
}

fn run(command: &mut Command, input: &[u8]) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| missing(&format!("{} ({error})", command.get_program().display())));
    let mut stdin = child.stdin.take().expect("the input is a pipe");
    thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read its input has said why in its words.
            let _ = stdin.write_all(input);
        });
        let output = child.wait_with_output().expect("the program can be waited for");
        assert!(
            output.status.success(),
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("the program prints UTF-8")
    })
}

/// A certificate for `localhost` and 127.0.0.1, and the authority that signed it.
#[derive(Debug)]
pub struct Certificate {
    /// The authority, to be trusted by the client.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes both in a folder.
    pub fn make(folder: &Path) -> Certificate {
        Certificate::named(folder, "DNS:localhost,IP:127.0.0.1")
    }

    /// Makes both in a folder, for other names than this machine's.
    pub fn named(folder: &Path, names: &str) -> Certificate {
        let new = [
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ];
        run_openssl(
            folder,
            &[
                &new[..],
                &["-x509", "-subj", "/CN=Test", "-keyout", "ca.key", "-out", "ca.pem"],
            ]
            .concat(),
        );
        run_openssl(
            folder,
            &[
                &new[..],
                &["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"],
            ]
            .concat(),
        );
        let names = format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\n");
        std::fs::write(folder.join("names.txt"), names).expect("the folder can be written");
        let sign = [
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
        ];
        run_openssl(
            folder,
            &[
                &sign[..],
                &["-days", "2", "-extfile", "names.txt", "-out", "server.pem"],
            ]
            .concat(),
        );
        Certificate {
            authority: folder.join("ca.pem"),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
        }
    }
}
