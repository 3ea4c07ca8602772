//! The channel "outbox": puts every letter as a file into a folder, for trying Kizuna out without sending.
//!
//! A file has its final name only when it is complete, and a name is never written twice with other content:
//! what lies in the folder is what a provider would have got. Never connects anywhere.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use kizuna_domain::run::outcome::{Fault, Outcome, Step};
use serde::Serialize;

use crate::mime::{self, Composer, Sender};
use crate::{
    Account, Batch, Capability, Channel, ChannelKind, Journal, Letter, Net, Permit, Problem, Session, SessionError,
    Setting, problems_refuse, render, unknown_settings,
};

/// Letters of one batch.
const LETTERS_MAX: usize = 500;

/// Sender of a trial that names none; the domain is reserved and reaches nobody.
const FROM_ADDRESS: &str = "kizuna@outbox.invalid";

/// Settings of the channel, for `kizuna init` and `kizuna check`.
const SETTINGS: &[Setting] = &[
    Setting::required(
        "folder",
        "お届けをファイルとして置くフォルダー。なければ作ります。",
        "Folder for the files; made if absent.",
    ),
    Setting::optional(
        "format",
        "ファイルの形。eml（書かないとき）か json。",
        "eml (default) or json.",
    ),
    Setting::optional("from_address", "差出人のメールアドレス。", "Address of the sender."),
    Setting::optional("from_name", "差出人の表示名。", "Name of the sender."),
    Setting::optional(
        "sessions",
        "同時に書く数。書かないとき：1。",
        "Writers at the same time; 1 if absent.",
    ),
    Setting::optional(
        "rate_per_second",
        "1秒に書く通数の上限。",
        "Letters per second at most.",
    ),
];

/// A folder instead of a provider.
pub(crate) struct Outbox;

impl Channel for Outbox {
    fn kind(&self) -> ChannelKind {
        ChannelKind("outbox")
    }

    fn capability(&self) -> Capability {
        Capability {
            name: "ファイル",
            recognises_repeats_for: Some(SignedDuration::MAX),
            letters_max: LETTERS_MAX,
            one_text_per_batch: false,
            sessions: 1,
            hand: 1,
        }
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn check(&self, account: &Account) -> Vec<Problem> {
        let mut problems = unknown_settings(account, SETTINGS);
        problems.extend(read(account).err().into_iter().flatten());
        problems
    }

    fn probe(&self, account: &Account, net: &Net) -> Result<(), SessionError> {
        self.open(account, net).map(drop)
    }

    fn open(&self, account: &Account, _: &Net) -> Result<Box<dyn Session>, SessionError> {
        let session = read(account).map_err(|problems| problems_refuse(&problems))?;
        fs::create_dir_all(&session.folder).map_err(|error| SessionError::Refused {
            fault: Fault::Account,
            reply: format!("the folder cannot be made ({})", error.kind()),
        })?;
        Ok(Box::new(session))
    }
}

/// How a letter looks as a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Eml,
    Json,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Format::Eml => "eml",
            Format::Json => "json",
        }
    }
}

struct OutboxSession {
    folder: PathBuf,
    format: Format,
    composer: Composer,
}

fn read(account: &Account) -> Result<OutboxSession, Vec<Problem>> {
    let get = |name: &str| {
        account
            .settings
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    };
    let mut problems = Vec::new();
    let mut problem = |setting, ja: &str, en: &str| {
        problems.push(Problem {
            setting,
            ja: ja.to_owned(),
            en: en.to_owned(),
        });
    };
    if get("folder").is_none() {
        problem("folder", "書いてください。", "is missing.");
    }
    let format = match get("format") {
        None | Some("eml") => Format::Eml,
        Some("json") => Format::Json,
        Some(_) => {
            problem("format", "eml か json を書いてください。", "is neither eml nor json.");
            Format::Eml
        }
    };
    let from_address = get("from_address").unwrap_or(FROM_ADDRESS);
    let wire = crate::address::wire(from_address);
    if wire.is_none() {
        problem(
            "from_address",
            "メールアドレスを半角で書いてください。",
            "is not an e-mail address in ASCII.",
        );
    }
    let from_name = get("from_name").unwrap_or_default().to_owned();
    if from_name.chars().any(char::is_control) {
        problem(
            "from_name",
            "改行などの制御文字は使えません。",
            "must not contain line breaks.",
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let from_address = wire.map(Cow::into_owned).unwrap_or_default();
    let sender = Sender {
        message_id_domain: from_address
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain)
            .to_owned(),
        from_address,
        from_name,
        reply_to: String::new(),
        // The demonstration runs without certificates.
        https_only: false,
        signers: Vec::new(),
    };
    Ok(OutboxSession {
        folder: get("folder").unwrap_or_default().into(),
        format,
        composer: Composer::new(sender),
    })
}

/// A letter as JSON; the names of the fields are a promise to whoever reads the folder.
#[derive(Serialize)]
struct Page<'a> {
    key: &'a str,
    to: &'a str,
    subject: String,
    stage: &'a str,
    text: String,
    links: PageLinks<'a>,
    language: &'a str,
    sample: bool,
}

#[derive(Serialize)]
struct PageLinks<'a> {
    stop: &'a str,
    one_click: &'a str,
    words: &'a str,
    own: &'a str,
}

impl OutboxSession {
    /// The file's content, or what becomes of a letter that has none.
    fn content(&mut self, letter: &Letter) -> Result<Vec<u8>, Outcome> {
        let held = |reply: &str| Outcome::Held {
            fault: Fault::Payload,
            reply: reply.to_owned(),
        };
        if !mime::is_key(&letter.key) {
            return Err(held(
                "the letter's key has other characters than letters, digits and hyphens",
            ));
        }
        match self.format {
            Format::Eml => {
                let to = mime::recipient(letter)?;
                let mut message = Vec::new();
                self.composer.compose(letter, &to, &mut message)?;
                Ok(message)
            }
            Format::Json => serde_json::to_vec_pretty(&Page {
                key: &letter.key,
                to: &letter.to.0,
                subject: render::subject(&letter.draft),
                stage: &letter.draft.stage,
                text: render::text(&letter.draft, &letter.links),
                links: PageLinks {
                    stop: &letter.links.stop,
                    one_click: &letter.links.one_click,
                    words: &letter.links.words,
                    own: &letter.links.own,
                },
                language: &letter.draft.language,
                sample: letter.draft.sample,
            })
            .map_err(|_| held("the letter cannot be written as JSON")),
        }
    }
}

impl Session for OutboxSession {
    fn send(&mut self, batch: &Batch<'_>, journal: &mut dyn Journal) -> Result<(), SessionError> {
        for letter in batch.letters {
            let content = match self.content(letter) {
                Ok(content) => content,
                Err(outcome) => {
                    journal.outcome(letter.number, outcome);
                    continue;
                }
            };
            match journal.may_leave(letter.number) {
                Permit::Go => {}
                Permit::Skip => continue,
                Permit::Stop => return Ok(()),
            }
            let name = format!(
                "{}-{}.{}",
                mime::date_in_japan(letter.date),
                letter.key,
                self.format.extension()
            );
            if let Err(error) = put(&self.folder, &name, &content) {
                let reply = format!("the file cannot be written ({})", error.kind());
                let outcome = Outcome::Deferred {
                    step: Step::Final,
                    reply: reply.clone(),
                    after_seconds: None,
                };
                journal.outcome(letter.number, outcome);
                return Err(SessionError::Unreachable { reply });
            }
            journal.outcome(letter.number, Outcome::Accepted { reference: name });
        }
        Ok(())
    }
}

/// Writes a file under a name of its own and then gives it its place, unless the place is taken: the same letter
/// has the same name and the same content.
fn put(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let place = folder.join(name);
    if place.try_exists()? {
        return Ok(());
    }
    // Not the last dot's extension, so that no mail program takes half a file for a letter.
    let draft = folder.join(format!(".{name}.{}.part", std::process::id()));
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, &place))
        .inspect_err(|_| {
            let _ = fs::remove_file(&draft);
        })
}
