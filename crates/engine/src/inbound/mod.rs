//! Mail that comes in: empty mails that ask for the way to register, bounces, complaints.
//!
//! The town's own mail server takes mail from the Internet and puts each into a Maildir as a file; a file is taken
//! away when what follows from it is on record, so that nothing is lost when either side is down. Whatever a mail says,
//! only a token that we signed blames an address or stops a reader.

mod maildir;

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::catch_unwind;

use jiff::{SignedDuration, Timestamp};
use kizuna_channels::inbound::{self, Incoming, Report};
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::trouble::Trouble;
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{Keyring, Scope, troubles};

use crate::actions::addresses::{self, Bounced};
use crate::actions::{Actor, Note, people};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::identity::{self, Purpose};
use crate::links;
use crate::transactional::{self, New, Occasion};
pub use maildir::{BROKEN_DAYS_MAX, BROKEN_MAX, Maildir, State, state};

/// How often a mail is tried that cannot be carried out, before it is put aside.
const TRIES_MAX: u32 = 5;
/// How long such a mail waits, longer each time.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// How long a bounce waits when too many came at once.
const STORM_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// How long it takes at most until a changed address of a tenant is known.
const DIRECTORY_KEPT: SignedDuration = SignedDuration::from_mins(1);

/// What one look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Empty mails that were answered.
    pub answered: u64,
    /// Addresses that are never written to again, or rest.
    pub silenced: u64,
    /// Bounces that are on record and have no consequence yet.
    pub noted: u64,
    /// Complaints that stopped a reader.
    pub stopped: u64,
    /// Mails from which nothing follows.
    pub ignored: u64,
    /// Mails that were put aside because they could not be read or carried out.
    pub broken: u64,
    /// Bounces that wait because too many came at once.
    pub waiting: u64,
}

impl Maildir {
    /// Which addresses are whose, as it was known a short time ago.
    fn directory(&mut self, env: &Env, now: Timestamp) -> Result<&Directory, EngineError> {
        let known = self.directory.take();
        let kept = known.filter(|(at, _)| now.duration_since(*at) < DIRECTORY_KEPT);
        let fresh = match kept {
            Some(kept) => kept,
            None => (now, Directory::load(env)?),
        };
        Ok(&self.directory.insert(fresh).1)
    }
}

/// Which addresses are whose. Its `Debug` shows none.
#[derive(Default)]
struct Directory {
    /// Tenants by the domain of their return paths.
    returns: HashMap<String, Vec<Tenant>>,
    /// Tenants by the address to which an empty mail asks for the way to register.
    registers: HashMap<String, Tenant>,
    /// Tenants by their code.
    codes: HashMap<String, Tenant>,
    /// Addresses that are our own: nobody answers himself.
    own: HashSet<String>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    fn load(env: &Env) -> Result<Directory, EngineError> {
        let mut directory = Directory::default();
        env.db.read(|tx| {
            for tenant in tenants::all(tx)? {
                if let Some(account) = tenants::account(tx, &env.keys, tenant.scope(), "email")? {
                    let get = |name: &str| {
                        account
                            .settings
                            .get(name)
                            .map(|value| value.trim().to_ascii_lowercase())
                    };
                    if let Some(domain) = get("envelope_domain") {
                        directory.returns.entry(domain).or_default().push(tenant.clone());
                    }
                    if let Some(address) = get("register_address") {
                        directory.own.insert(address.clone());
                        directory.registers.insert(address, tenant.clone());
                    }
                    directory
                        .own
                        .extend(["from_address", "reply_to"].into_iter().filter_map(get));
                }
                directory.codes.insert(tenant.code.clone(), tenant);
            }
            Ok(())
        })?;
        Ok(directory)
    }

    /// The tenant and point that a return path of ours names.
    fn point(&self, keys: &Keyring, return_path: &str) -> Option<(&Tenant, PointId)> {
        let (local, domain) = return_path.rsplit_once('@')?;
        let (_, token) = local.split_once('+')?;
        let tenants = self.returns.get(&domain.to_ascii_lowercase())?;
        tenants
            .iter()
            .find_map(|tenant| Some((tenant, links::read_return_token(keys, tenant.id, token)?)))
    }

    /// The tenant and reader that an address for stopping names.
    fn reader(&self, keys: &Keyring, page: &str) -> Option<(&Tenant, SubscriberId)> {
        let (before, after) = page.split_once("/stop/")?;
        let tenant = self.codes.get(before.rsplit('/').next()?)?;
        let token = after.split('/').next()?;
        Some((tenant, links::read_stop_token(keys, tenant.id, token)?))
    }
}

/// What follows from a mail.
enum Meaning<'a> {
    /// Somebody wants to register.
    Register(&'a Tenant, &'a str),
    /// A letter did not arrive.
    Bounce(&'a Tenant, PointId, Trouble),
    /// The reader at an address does not want our mail.
    Unwanted(&'a Tenant, PointId),
    /// This reader does not want our mail.
    Stop(&'a Tenant, SubscriberId),
    /// Nothing.
    Nothing,
}

fn meaning<'a>(keys: &Keyring, directory: &'a Directory, mail: &'a Incoming) -> Meaning<'a> {
    match &mail.report {
        Report::Complaint(signs) => {
            let by_page = signs.iter().find_map(|sign| directory.reader(keys, sign));
            let by_path = || signs.iter().find_map(|sign| directory.point(keys, sign));
            match by_page {
                Some((tenant, reader)) => Meaning::Stop(tenant, reader),
                None => by_path().map_or(Meaning::Nothing, |(tenant, point)| Meaning::Unwanted(tenant, point)),
            }
        }
        Report::Undelivered(Some(trouble)) => match directory.point(keys, &mail.recipient) {
            Some((tenant, point)) => Meaning::Bounce(tenant, point, *trouble),
            None => Meaning::Nothing,
        },
        Report::Undelivered(None) | Report::None => {
            let sender = mail.sender.as_deref().filter(|_| !mail.is_automatic);
            let sender = sender.filter(|address| {
                let address = address.to_ascii_lowercase();
                let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                !directory.own.contains(&address) && !directory.returns.contains_key(domain)
            });
            match (directory.registers.get(&mail.recipient), sender) {
                (Some(tenant), Some(address)) => Meaning::Register(tenant, address),
                (Some(_) | None, _) => Meaning::Nothing,
            }
        }
    }
}

/// Looks once at what has come in.
pub fn look(env: &Env, maildir: &mut Maildir) -> Result<Look, EngineError> {
    let now = env.clock.now();
    let unreadable = |error: io::Error| EngineError::Rule(format!("the Maildir cannot be read: {error}"));
    let names = maildir.names(now).map_err(unreadable)?;
    let mut look = Look::default();
    for name in names {
        if env.stop.is_pressed() {
            break;
        }
        let bytes = match maildir.read(&name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            // It is not the mail's fault, and there may be many: they wait until somebody has mended it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                tracing::error!(%error, "this program may not read a mail that came in; `kizuna check` says what to do");
                maildir.hold(&name, now, STORM_PAUSE);
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "a mail that came in cannot be read; it is put aside");
                maildir.put_aside(&name, now);
                look.broken += 1;
                continue;
            }
        };
        // A mail that nobody has thought of must not end the work on all others.
        let Some(mail) = catch_unwind(|| inbound::read(&bytes)).ok().flatten() else {
            tracing::warn!("a mail that came in names no recipient or is no mail; it is put aside");
            maildir.put_aside(&name, now);
            look.broken += 1;
            continue;
        };
        match take(env, maildir.directory(env, now)?, &mail, &mut look) {
            Ok(true) => maildir.remove(&name, now),
            Ok(false) => {
                maildir.hold(&name, now, STORM_PAUSE);
            }
            Err(error) => {
                tracing::error!(%error, "what follows from a mail could not be carried out");
                if maildir.hold(&name, now, AGAIN_AFTER) >= TRIES_MAX {
                    maildir.put_aside(&name, now);
                    look.broken += 1;
                }
            }
        }
    }
    if let Err(error) = maildir.tidy(now, look.broken > 0) {
        tracing::warn!(%error, "mails that were put aside long ago cannot be removed");
    }
    if look.waiting > 0 {
        tracing::error!(
            waiting = look.waiting,
            "very many addresses bounced within an hour; the rest waits. Is it our relay, our DNS or our DKIM key?"
        );
    }
    Ok(look)
}

/// Carries out what follows from a mail; false where it is to be looked at again later.
fn take(env: &Env, directory: &Directory, mail: &Incoming, look: &mut Look) -> Result<bool, EngineError> {
    match meaning(&env.keys, directory, mail) {
        Meaning::Register(tenant, address) => {
            if answer(env, tenant, address)? {
                look.answered += 1;
            } else {
                look.ignored += 1;
            }
        }
        Meaning::Bounce(tenant, point, trouble) => match addresses::bounced(env, tenant, point, trouble)? {
            Bounced::Suppressed | Bounced::Rests => look.silenced += 1,
            Bounced::Noted => look.noted += 1,
            Bounced::Nothing => look.ignored += 1,
            Bounced::TooMany => {
                look.waiting += 1;
                return Ok(false);
            }
        },
        Meaning::Unwanted(tenant, point) => {
            let scope = tenant.scope();
            match env.db.read(|tx| troubles::point(tx, &env.keys, scope, point))? {
                Some(point) => stop(env, scope, point.subscriber, look)?,
                None => look.ignored += 1,
            }
        }
        Meaning::Stop(tenant, reader) => stop(env, tenant.scope(), reader, look)?,
        Meaning::Nothing => look.ignored += 1,
    }
    Ok(true)
}

fn stop(env: &Env, scope: Scope, reader: SubscriberId, look: &mut Look) -> Result<(), EngineError> {
    people::stop(env, scope, reader, Actor::Reader)?;
    look.stopped += 1;
    Ok(())
}

/// Answers somebody who wants to register, unless that was done often enough; whether they are registered already is
/// not asked, so that nobody can learn it.
fn answer(env: &Env, tenant: &Tenant, address: &str) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    if tenant.settings.base_url.is_empty() {
        return Ok(false);
    }
    let note = Note::new(env, Actor::Reader, Some(scope), "mail.answer");
    Ok(env.write(|tx| {
        if !addresses::may_answer(tx, env, scope, address)? {
            return Ok(false);
        }
        let id = env.ids.next();
        let token = identity::issue(tx, &env.keys, scope, id, Purpose::MailRegister, address, note.at)?;
        let link = format!("{}/{}/register/mail/{token}", tenant.settings.base_url, tenant.code);
        let mail = New {
            occasion: Occasion::EmptyMail,
            wish: None,
            language: "ja",
            address,
            link: &link,
            expires: identity::ends(note.at),
        };
        transactional::queue(tx, env, tenant, &mail)?;
        note.write(tx, "", "")?;
        Ok(true)
    })?)
}
