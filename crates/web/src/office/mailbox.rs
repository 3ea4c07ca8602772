//! デモの郵便受け: the letters that the channel "outbox" put into its folder instead of sending them.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::{roster, text};
use kizuna_engine::EngineError;
use kizuna_store::tenants::{self, Tenant};
use serde::Deserialize;

use super::mail_file::{self, Mail};
use super::{Here, Shell};
use crate::error::{PageError, page};
use crate::form::Problems;
use crate::guard::{Office, Shared, blocking};
use crate::{Demo, Site};

/// Letters on the page: the newest.
const LETTERS_SHOWN: usize = 200;
/// Files looked at; a folder with more shows some of its letters only.
const FILES_MAX: usize = 100_000;
/// A letter is a few kilobytes; nothing longer is one.
const LETTER_BYTES_MAX: u64 = 512 << 10;
/// Longest name that the channel gives a file.
const NAME_MAX: usize = 120;
/// Code of the channel.
const OUTBOX: &str = "outbox";

#[derive(Template)]
#[template(path = "office/mailbox.html")]
struct MailboxPage {
    shell: Shell,
    letters: Vec<LetterRow>,
    more: bool,
    empty_mail: Option<EmptyMail>,
    problems: Problems,
}

/// The form of an empty mail, in the demo.
struct EmptyMail {
    to: String,
    from: String,
    was_sent: bool,
}

/// From whom the form's first mail comes.
const NEWCOMER: &str = "atarashii@reader.example";

struct LetterRow {
    name: String,
    day: String,
    subject: String,
    stage: String,
    title: String,
}

/// The folder of a tenant's outbox, if it has one whose letters are of invented families.
pub(crate) fn folder(site: &Site, tenant: &Tenant) -> Result<Option<PathBuf>, PageError> {
    if !tenant.settings.kind.allows_samples() {
        return Ok(None);
    }
    let accounts = site
        .env
        .db
        .read(|tx| tenants::accounts(tx, &site.env.keys, tenant.scope()))?;
    let outbox = accounts.into_iter().find(|account| account.channel == OUTBOX);
    let folder = outbox.and_then(|account| account.settings.get("folder").map(|folder| folder.trim().to_owned()));
    Ok(folder.filter(|folder| !folder.is_empty()).map(PathBuf::from))
}

/// Where an empty mail goes, in a demo whose town answers it.
fn door<'s>(site: &'s Site, tenant: &Tenant) -> Result<Option<(&'s Demo, String)>, PageError> {
    let Some(demo) = site.demo() else { return Ok(None) };
    let account = site
        .env
        .db
        .read(|tx| tenants::account(tx, &site.env.keys, tenant.scope(), "email"))?;
    let address = account.and_then(|account| account.settings.get("register_address").cloned());
    Ok(address.map(|address| (demo, address)))
}

fn look(
    site: &Site,
    office: &Office,
    from: String,
    was_sent: bool,
    problems: Problems,
) -> Result<MailboxPage, PageError> {
    let folder = folder(site, &office.tenant)?.ok_or(PageError::NotFound)?;
    let zone = office.tenant.settings.zone().map_err(EngineError::from)?;
    let (files, more) = newest(&folder)?;
    let rows = files.into_iter().filter_map(|File { name, written }| {
        let mail = read(&folder, &name)?;
        let named = name.get(..10).and_then(|day| day.parse().ok());
        let day = named.or_else(|| Some(Day::of(Timestamp::try_from(written?).ok()?, &zone)));
        Some(LetterRow {
            title: mail.first_title().to_owned(),
            name,
            day: day.map(Day::japanese).unwrap_or_default(),
            subject: mail.subject,
            stage: mail.stage,
        })
    });
    Ok(MailboxPage {
        letters: rows.collect(),
        more,
        empty_mail: door(site, &office.tenant)?.map(|(_, to)| EmptyMail { to, from, was_sent }),
        shell: Shell::new(office, Here::Mailbox, "郵便受け").with_error(!problems.is_empty()),
        problems,
    })
}

/// What was done before.
#[derive(Deserialize)]
pub(crate) struct Done {
    sent: Option<String>,
}

/// Shows the newest letters.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(done): Query<Done>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let was_sent = done.sent.is_some();
        look(site, &office, NEWCOMER.to_owned(), was_sent, Problems::default())
    })
    .await?;
    page(StatusCode::OK, &shown)
}

/// Who sends an empty mail.
#[derive(Deserialize)]
pub(crate) struct Sender {
    #[serde(default)]
    from: String,
}

/// Puts an empty mail of an invented sender where a mail server would have put it: in the demo only.
pub(crate) async fn post(
    State(site): State<Shared>,
    office: Office,
    Form(sender): Form<Sender>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let (demo, to) = door(site, &office.tenant)?.ok_or(PageError::NotFound)?;
        let from = text::fold(&sender.from);
        if !roster::is_plausible_address("email", &from) {
            let mut problems = Problems::default();
            problems.add("from", format!("メールアドレスの形で入れてください。例：{NEWCOMER}"));
            return page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &look(site, &office, sender.from, false, problems)?,
            );
        }
        let mail = format!("Return-Path: <{from}>\nX-Original-To: {to}\nFrom: {from}\nTo: {to}\nSubject:\n\n");
        let name = format!("{}.{}.demo", site.env.clock.now().as_second(), site.env.ids.next());
        deliver(&demo.maildir, &name, &mail)
            .map_err(|error| EngineError::Rule(format!("the demo's Maildir: {}", error.kind())))?;
        Ok(Redirect::to(&format!("/{}/mailbox?sent=1", office.tenant.code)).into_response())
    })
    .await
}

/// Writes a mail into a Maildir, where nobody sees half of it.
fn deliver(maildir: &Path, name: &str, mail: &str) -> std::io::Result<()> {
    let [draft, done] = ["tmp", "new"].map(|folder| maildir.join(folder));
    fs::create_dir_all(&draft)?;
    fs::create_dir_all(&done)?;
    fs::write(draft.join(name), mail)?;
    fs::rename(draft.join(name), done.join(name))
}

/// A file of the folder and when it was written.
struct File {
    name: String,
    written: Option<SystemTime>,
}

/// The newest letters, and whether there are more.
fn newest(folder: &Path) -> Result<(Vec<File>, bool), PageError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Made with the first letter.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        Err(error) => {
            return Err(PageError::from(EngineError::Rule(format!(
                "the outbox folder: {}",
                error.kind()
            ))));
        }
    };
    let mut letters: Vec<File> = entries
        .flatten()
        .take(FILES_MAX)
        .filter_map(|entry| {
            let name = entry
                .file_name()
                .into_string()
                .ok()
                .filter(|name| is_letter_name(name))?;
            Some(File {
                name,
                written: entry.metadata().ok()?.modified().ok(),
            })
        })
        .collect();
    letters.sort_by(|a, b| (b.written, &b.name).cmp(&(a.written, &a.name)));
    let more = letters.len() > LETTERS_SHOWN;
    letters.truncate(LETTERS_SHOWN);
    Ok((letters, more))
}

/// The own page of a family that got one of the newest letters.
pub(super) fn page_of_a_family(folder: &Path) -> Result<Option<String>, PageError> {
    let (files, _) = newest(folder)?;
    let letters = files.into_iter().filter_map(|file| read(folder, &file.name));
    Ok(letters.map(|letter| letter.own).find(|own| !own.is_empty()))
}

/// True for names such as the channel gives; nothing that could lead out of the folder is among them.
fn is_letter_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.len() <= NAME_MAX
        && name.rsplit_once('.').is_some_and(|(stem, extension)| {
            !stem.is_empty() && stem.bytes().all(plain) && matches!(extension, "json" | "eml")
        })
}

/// Reads one letter; `None` for a wrong name, a link, something too long or something that is no letter.
pub(super) fn read(folder: &Path, name: &str) -> Option<Mail> {
    if !is_letter_name(name) {
        return None;
    }
    let path = folder.join(name);
    let about = fs::symlink_metadata(&path).ok()?;
    if !about.is_file() || about.len() > LETTER_BYTES_MAX {
        return None;
    }
    let mut content = Vec::new();
    fs::File::open(&path)
        .ok()?
        .take(LETTER_BYTES_MAX)
        .read_to_end(&mut content)
        .ok()?;
    mail_file::read(name, &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_channel_gives_are_letters() {
        assert!(is_letter_name("2026-11-22-0a1b2c.json"));
        assert!(is_letter_name("2026-11-22-0a1b2c.eml"));
        for bad in [
            "",
            ".json",
            "..json",
            "../a.json",
            "a/b.json",
            "a\\b.eml",
            "a.json.part",
            "a.txt",
            ".a.json",
            "a b.eml",
        ] {
            assert!(!is_letter_name(bad), "{bad}");
        }
    }
}
