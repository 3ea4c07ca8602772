//! One Chromium and the pipe to it: commands go out, answers and events come in, one after another.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::page::Page;

/// Longest silence of the browser while something is expected of it; a busy machine with two cores needs seconds.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// How long a browser may take to end itself before it is ended.
const FAREWELL_MAX: Duration = Duration::from_secs(10);
/// Events that wait for the page they are about; a page of ours makes some dozens.
const EVENTS_MAX: usize = 100_000;
/// Words of the browser that are shown when it does not start, in bytes.
const WORDS_MAX: usize = 4_000;

/// Moves the pipes to the numbers 3 and 4, where Chromium wants them; Chromium then takes the shell's place.
///
/// As root Chromium refuses its sandbox. It asks nobody but this machine, whatever a page names.
const START: &str = r#"
if [ "$(id -u)" = 0 ]; then set -- --no-sandbox "$@"; fi
for program in chromium chromium-browser google-chrome; do
  if command -v "$program" >/dev/null; then exec "$program" "$@" 3<&0 4>&1 </dev/null >/dev/null; fi
done
echo "Chromium is missing: run cargo xtask test, it installs what the tests need" >&2
exit 127
"#;

const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--accept-lang=ja",
    "--lang=ja",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-gpu",
    "--disable-quic",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    "--password-store=basic",
];

/// A running Chromium with a profile of its own; ends with this value.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    wire: RefCell<Wire>,
    profile: TempDir,
}

#[derive(Debug)]
struct Wire {
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    /// Number of the next command.
    next: u64,
    /// Events that no page has taken yet.
    waiting: Vec<Event>,
}

/// Something that happened in a tab.
#[derive(Debug)]
pub(crate) struct Event {
    session: String,
    pub(crate) method: String,
    pub(crate) params: Value,
}

impl Browser {
    /// Starts Chromium; panics with its words where it does not start.
    pub fn start() -> Browser {
        let profile = tempfile::tempdir().expect("a folder can be made");
        let words = File::create(profile.path().join("words.txt")).expect("the folder can be written");
        let mut child = Command::new("sh")
            .args(["-c", START, "sh"])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(words)
            .spawn()
            .expect("a shell can be started");
        let to = child.stdin.take();
        let mut said = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let (sender, from) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while said.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let read = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if sender.send(read).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let wire = Wire {
            to,
            from,
            next: 1,
            waiting: Vec::new(),
        };
        let browser = Browser {
            child,
            wire: RefCell::new(wire),
            profile,
        };
        browser.call("", "Browser.getVersion", &json!({}));
        browser
    }

    /// Opens a tab without cookies, which may ask `host` (`127.0.0.1:8117`) and nobody else.
    pub fn page(&self, host: &str) -> Page<'_> {
        Page::new(self, host)
    }

    /// Sends a command without waiting for its answer, which is passed over when it comes; gives its number.
    pub(crate) fn send(&self, session: &str, method: &str, params: &Value) -> u64 {
        let mut wire = self.wire.borrow_mut();
        let id = wire.next;
        wire.next += 1;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        let sent = wire.to.as_mut().map(|to| to.write_all(&bytes));
        drop(wire);
        if !matches!(sent, Some(Ok(()))) {
            self.is_gone(method);
        }
        id
    }

    /// Sends a command and gives its answer; panics where the browser refuses it.
    pub(crate) fn call(&self, session: &str, method: &str, params: &Value) -> Value {
        let id = self.send(session, method, params);
        loop {
            let mut message = self.hear(method);
            if message["id"].as_u64() == Some(id) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.keep(message);
        }
    }

    /// Waits until the browser says something; `why` is what for.
    pub(crate) fn listen(&self, why: &str) {
        let message = self.hear(why);
        self.keep(message);
    }

    /// Takes the events of a tab, oldest first.
    pub(crate) fn events(&self, session: &str) -> Vec<Event> {
        let mut wire = self.wire.borrow_mut();
        let (mine, others) = wire.waiting.drain(..).partition(|event| event.session == session);
        wire.waiting = others;
        mine
    }

    fn hear(&self, why: &str) -> Value {
        let heard = self.wire.borrow().from.recv_timeout(SILENCE_MAX);
        match heard {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("the browser is silent: {why}"),
            Err(RecvTimeoutError::Disconnected) => self.is_gone(why),
        }
    }

    fn keep(&self, mut message: Value) {
        let Some(method) = message["method"].as_str().map(str::to_owned) else {
            return;
        };
        let event = Event {
            session: message["sessionId"].as_str().unwrap_or_default().to_owned(),
            method,
            params: message["params"].take(),
        };
        let mut wire = self.wire.borrow_mut();
        wire.waiting.push(event);
        assert!(wire.waiting.len() <= EVENTS_MAX, "events pile up");
    }

    fn is_gone(&self, why: &str) -> ! {
        let words = fs::read_to_string(self.profile.path().join("words.txt")).unwrap_or_default();
        let words: String = words.chars().take(WORDS_MAX).collect();
        panic!("the browser is gone: {why}\n{words}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let wire = self.wire.get_mut();
        // Without its pipe Chromium ends itself, and its end of the pipe closes.
        wire.to = None;
        while wire.from.recv_timeout(FAREWELL_MAX).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
