//! Signing in and out, accepting invitations, and a person's own means of signing in.
//!
//! A wrong address, password or code gets the same answer after the same work. A try is counted before it is looked
//! at, so that many at once are not free. A browser in which a person signed in before has a count of its own: who
//! guesses from elsewhere slows only themselves down, not the owner.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{InvitationId, StaffId};
use kizuna_domain::staff::{Backoff, Role, SESSION_KEPT, StaffMail, read_name};
use kizuna_domain::{password, text};
use kizuna_store::sessions::Token;
use kizuna_store::staff::{self, Credentials, Invitation, Offer, Staff};
use kizuna_store::{ReadTx, StoreError, WriteTx, sessions, tenants};
use serde::{Deserialize, Serialize};

use super::staff::StaffProblem;
use super::{Actor, Note};
use crate::credentials::{self, RECOVERY_CODES};
use crate::env::Env;
use crate::error::EngineError;
use crate::links;

/// Name of the product in people's authenticators.
const ISSUER: &str = "Kizuna";

/// The second proof of a sign-in.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// The code that the authenticator shows.
    Code(&'a str),
    /// A recovery code.
    Recovery(&'a str),
}

/// What somebody typed, and from where.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The address.
    pub mail: &'a str,
    /// The password.
    pub password: &'a str,
    /// The second proof.
    pub proof: Proof<'a>,
    /// The client, where it is known.
    pub client: Option<IpAddr>,
    /// The mark of a browser in which somebody signed in before.
    pub browser: Option<&'a str>,
    /// A session that the browser still holds; it ends.
    pub earlier: Option<Token>,
}

/// What a browser gets to hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Who signed in.
    pub staff: StaffId,
    /// The session.
    pub token: Token,
    /// The mark of this browser.
    pub browser: String,
}

/// What became of an attempt.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Signed in.
    Welcome(Welcome),
    /// Something was wrong; nobody learns what.
    Wrong,
    /// Too many were wrong; nothing was looked at.
    Wait(SignedDuration),
}

/// Where wrong tries are counted.
struct Bucket {
    key: [u8; 16],
    backoff: Backoff,
}

/// The bucket of a client address; neighbours in one IPv6 network count as one.
fn client_bucket(env: &Env, client: IpAddr) -> Bucket {
    let key = match client.to_canonical() {
        IpAddr::V4(address) => env.keys.index_of("sign-in.client", &address.octets()),
        IpAddr::V6(address) => env.keys.index_of("sign-in.client", address.octets().split_at(8).0),
    };
    Bucket {
        key,
        backoff: Backoff::CLIENT,
    }
}

fn account_bucket(env: &Env, kind: &str, words: &[u8]) -> Bucket {
    Bucket {
        key: env.keys.index_of(kind, words),
        backoff: Backoff::ACCOUNT,
    }
}

/// Counts a try in every bucket, or says how long to wait and counts nothing.
fn reserve(env: &Env, buckets: &[Bucket]) -> Result<Option<SignedDuration>, EngineError> {
    let now = env.clock.now();
    let wait = env.write(|tx| {
        let mut counts = Vec::with_capacity(buckets.len());
        let mut wait = SignedDuration::ZERO;
        for bucket in buckets {
            let known = sessions::failures(tx, &bucket.key)?;
            let counted = match known {
                Some((failures, last)) if now.duration_since(last) < Backoff::MEMORY => {
                    wait = wait.max(bucket.backoff.wait(failures) - now.duration_since(last));
                    failures
                }
                Some(_) | None => 0,
            };
            counts.push((known.map(|(failures, _)| failures), counted));
        }
        if wait.is_positive() {
            return Ok(Some(wait));
        }
        for (bucket, (known, counted)) in buckets.iter().zip(&counts) {
            sessions::set_failures(tx, &bucket.key, *known, counted.saturating_add(1), now)?;
        }
        sessions::forget_failures(tx, now - Backoff::MEMORY)?;
        Ok(None)
    })?;
    Ok(wait)
}

/// Signs somebody in.
pub fn sign_in(env: &Env, attempt: &Attempt<'_>) -> Result<Answer, EngineError> {
    let found = match StaffMail::parse(attempt.mail) {
        Ok(mail) => env.db.read(|tx| match staff::by_mail(tx, &env.keys, &mail)? {
            Some(person) => Ok(Some((staff::credentials(tx, &env.keys, person.id)?, person))),
            None => Ok(None),
        })?,
        Err(_) => None,
    };
    let (known, person) = found.map_or((None, None), |(known, person)| (known, Some(person)));
    let browser = person.as_ref().zip(attempt.browser).and_then(|(person, mark)| {
        let number = links::read_browser_mark(&env.keys, person.id, mark)?;
        Some([person.id.bytes().as_slice(), &number].concat())
    });
    let own = match &browser {
        Some(browser) => account_bucket(env, "sign-in.browser", browser),
        None => account_bucket(env, "sign-in.account", text::fold(attempt.mail).as_bytes()),
    };
    let client = attempt
        .client
        .filter(|_| browser.is_none())
        .map(|client| client_bucket(env, client));
    let buckets: Vec<Bucket> = std::iter::once(own).chain(client).collect();
    if let Some(wait) = reserve(env, &buckets)? {
        tracing::warn!(seconds = wait.as_secs(), "a sign-in has to wait after wrong ones");
        return Ok(Answer::Wait(wait));
    }

    let is_right = credentials::is_right(attempt.password, known.as_ref().map(|known| known.password.as_str()));
    let step = known.as_ref().and_then(|known| match attempt.proof {
        Proof::Code(code) => credentials::totp_step(&known.totp, code, env.clock.now()),
        Proof::Recovery(_) => None,
    });
    let may_be = match attempt.proof {
        Proof::Code(_) => is_right && step.is_some(),
        Proof::Recovery(_) => is_right,
    };
    let Some(person) = person.filter(|_| may_be) else {
        return Ok(Answer::Wrong);
    };

    let welcome = Welcome {
        staff: person.id,
        token: Token(env.secret()?),
        browser: mark_browser(env, person.id)?,
    };
    let action = match attempt.proof {
        Proof::Code(_) => "staff.sign-in",
        Proof::Recovery(_) => "staff.sign-in-recovery",
    };
    let note = Note::new(env, Actor::Staff(person.id), None, action);
    let is_in = env.write(|tx| {
        let is_proven = match (attempt.proof, step) {
            (Proof::Code(_), Some(step)) => staff::use_step(tx, person.id, step)?,
            (Proof::Code(_), None) => false,
            (Proof::Recovery(typed), _) => {
                staff::use_code(tx, &env.keys, person.id, &credentials::read_recovery_code(typed))?
            }
        };
        if !is_proven {
            return Ok(false);
        }
        for (place, bucket) in buckets.iter().enumerate() {
            if place == 0 {
                sessions::forgive(tx, &bucket.key)?;
            } else {
                sessions::take_back(tx, &bucket.key)?;
            }
        }
        if let Some(earlier) = &attempt.earlier {
            sessions::end(tx, earlier)?;
        }
        begin_session(tx, &welcome, note.at)?;
        note.write(tx, &person.id.to_string(), "")?;
        Ok(true)
    })?;
    Ok(if is_in { Answer::Welcome(welcome) } else { Answer::Wrong })
}

fn mark_browser(env: &Env, id: StaffId) -> Result<String, EngineError> {
    let mut number = [0; 16];
    number.copy_from_slice(env.secret()?.split_at(16).0);
    Ok(links::browser_mark(&env.keys, id, &number))
}

fn begin_session(tx: &mut WriteTx<'_>, welcome: &Welcome, now: Timestamp) -> Result<(), StoreError> {
    sessions::forget(tx, now - SESSION_KEPT)?;
    sessions::add(tx, &welcome.token, welcome.staff, now)
}

/// Ends a session.
pub fn sign_out(env: &Env, id: StaffId, token: &Token) -> Result<(), EngineError> {
    let note = Note::new(env, Actor::Staff(id), None, "staff.sign-out");
    env.write(|tx| {
        sessions::end(tx, token)?;
        note.write(tx, &id.to_string(), "")
    })?;
    Ok(())
}

/// What was filled in for an invitation before its first code confirms it.
#[derive(Serialize, Deserialize)]
struct Draft {
    name: String,
    password: String,
    totp: String,
}

/// An invitation that somebody opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The invitation.
    pub invitation: Invitation,
    /// Name of the tenant; empty where the invitation is to none.
    pub tenant: String,
    /// Code of the tenant; empty where the invitation is to none.
    pub code: String,
    /// How it is accepted.
    pub way: Way,
}

/// How an invitation is accepted.
#[derive(Clone, PartialEq, Eq)]
pub enum Way {
    /// By choosing a name, a password and an authenticator; holds the name that is known so far.
    SetUp(String),
    /// By signing in as before.
    SignIn(StaffId),
}

/// How somebody with this address accepts an offer.
///
/// Only who holds nothing at all is set up anew by an invitation: otherwise whoever may invite for one tenant could
/// take over a person's places at others.
fn way(tx: &mut ReadTx<'_>, offer: Offer, known: Option<&Staff>) -> Result<Way, StoreError> {
    let Some(known) = known else {
        return Ok(Way::SetUp(String::new()));
    };
    let holds_something = known.can_sign_in || known.is_operator || !staff::memberships(tx, known.id)?.is_empty();
    let is_new_start = offer == Offer::NewCredentials && !known.can_sign_in;
    Ok(if is_new_start || !holds_something {
        Way::SetUp(known.name.clone())
    } else {
        Way::SignIn(known.id)
    })
}

/// The invitation of a token that is still good, and how it is accepted.
pub fn open(env: &Env, token: &str) -> Result<Opened, EngineError> {
    let id = links::read_invitation_token(&env.keys, token).ok_or(StaffProblem::Gone)?;
    let now = env.clock.now();
    let opened = env.db.read(|tx| {
        let Some(invitation) = staff::invitation_by_id(tx, &env.keys, id, now)? else {
            return Ok(None);
        };
        let tenant = match invitation.offer.scope() {
            Some(scope) => tenants::by_id(tx, scope)?,
            None => None,
        };
        let known = match StaffMail::parse(&invitation.mail) {
            Ok(mail) => staff::by_mail(tx, &env.keys, &mail)?,
            Err(_) => None,
        };
        let way = way(tx, invitation.offer, known.as_ref())?;
        let (tenant, code) = tenant.map(|tenant| (tenant.name, tenant.code)).unwrap_or_default();
        Ok(Some(Opened {
            invitation,
            tenant,
            code,
            way,
        }))
    })?;
    Ok(opened.ok_or(StaffProblem::Gone)?)
}

/// What is wrong with a name and a password; nothing where both can be used.
pub fn check_new(name: &str, new: &str, mail: &str) -> Vec<StaffProblem> {
    let mut problems = Vec::new();
    if read_name(name).is_none() {
        problems.push(StaffProblem::Name);
    }
    problems.extend(password::check(new, &[name, mail]).err().map(StaffProblem::Password));
    problems
}

/// Keeps a name and a password for an invitation, and prepares the authenticator. Nobody can sign in with them yet.
pub fn prepare(env: &Env, token: &str, name: &str, new: &str) -> Result<(), EngineError> {
    let Opened { invitation, way, .. } = open(env, token)?;
    if let Way::SignIn(_) = way {
        return Err(StaffProblem::SignsInAlready.into());
    }
    if let Some(problem) = check_new(name, new, &invitation.mail).into_iter().next() {
        return Err(problem.into());
    }
    let draft = Draft {
        name: read_name(name).unwrap_or_default(),
        password: credentials::hash(new, &env.secret()?)?,
        totp: credentials::totp_secret(&env.secret()?),
    };
    let words = serde_json::to_string(&draft).map_err(|error| EngineError::Credentials(error.to_string()))?;
    env.write(|tx| staff::set_draft(tx, &env.keys, invitation.id, &words))?;
    Ok(())
}

fn draft(invitation: &Invitation) -> Option<Draft> {
    serde_json::from_str(invitation.draft.as_deref()?).ok()
}

/// What an authenticator needs to know: its address for a QR code, and the secret for typing.
#[derive(Clone, PartialEq, Eq)]
pub struct Authenticator {
    /// The `otpauth:` address.
    pub address: String,
    /// The secret in base 32.
    pub secret: String,
}

fn authenticator(secret: &str, mail: &str) -> Result<Authenticator, EngineError> {
    Ok(Authenticator {
        address: credentials::totp_address(secret, mail, ISSUER)?,
        secret: secret.to_owned(),
    })
}

/// The authenticator of an invitation whose name and password were chosen; none before that.
pub fn prepared(opened: &Opened) -> Result<Option<Authenticator>, EngineError> {
    match draft(&opened.invitation) {
        Some(draft) => authenticator(&draft.totp, &opened.invitation.mail).map(Some),
        None => Ok(None),
    }
}

fn recovery_codes(env: &Env) -> Result<Vec<String>, EngineError> {
    (0..RECOVERY_CODES)
        .map(|_| Ok(credentials::recovery_code(&env.secret()?)))
        .collect()
}

/// Accepts an invitation with the first code of the new authenticator, and signs in.
pub fn confirm(env: &Env, token: &str, code: &str) -> Result<Welcome, EngineError> {
    let opened = open(env, token)?;
    let draft = draft(&opened.invitation).ok_or(StaffProblem::Gone)?;
    let step = credentials::totp_step(&draft.totp, code, env.clock.now()).ok_or(StaffProblem::WrongCode)?;
    let mail = StaffMail::parse(&opened.invitation.mail).map_err(StaffProblem::Mail)?;
    let Invitation {
        id: invitation, offer, ..
    } = opened.invitation;
    let new = StaffId::new(env.ids.next());
    let (session, number) = (Token(env.secret()?), env.secret()?);
    let codes = recovery_codes(env)?;
    let means = Credentials {
        password: draft.password,
        totp: draft.totp,
        totp_step: step,
    };
    let welcome = env.write(|tx| {
        let now = env.clock.now();
        let known = staff::by_mail(tx, &env.keys, &mail)?;
        if let Way::SignIn(_) = way(tx, offer, known.as_ref())? {
            return Ok(Err(StaffProblem::SignsInAlready));
        }
        if !staff::spend(tx, invitation)? {
            return Ok(Err(StaffProblem::Gone));
        }
        let id = known.as_ref().map_or(new, |known| known.id);
        if known.is_none() {
            staff::add(tx, &env.keys, id, &mail, &draft.name, now)?;
        }
        staff::set_up(tx, &env.keys, id, &draft.name, &means)?;
        staff::put_codes(tx, &env.keys, id, &codes)?;
        sessions::end_all(tx, id)?;
        let mut mark = [0; 16];
        mark.copy_from_slice(number.split_at(16).0);
        let welcome = Welcome {
            staff: id,
            token: session,
            browser: links::browser_mark(&env.keys, id, &mark),
        };
        begin_session(tx, &welcome, now)?;
        give(env, tx, id, invitation, offer, now)?;
        Ok(Ok(welcome))
    })??;
    Ok(welcome)
}

/// Writes what an invitation gives, and that it was accepted.
fn give(
    env: &Env,
    tx: &mut WriteTx<'_>,
    id: StaffId,
    invitation: InvitationId,
    offer: Offer,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (action, detail) = match offer {
        Offer::Place(scope, role) => {
            staff::put_role(tx, scope, id, role, now)?;
            ("staff.join", format!("role={} {invitation}", role.code()))
        }
        Offer::Operator => {
            staff::set_operator(tx, id, true)?;
            ("staff.join", format!("role={} {invitation}", Role::Operator.code()))
        }
        Offer::NewCredentials => ("staff.new-credentials", invitation.to_string()),
    };
    let note = Note::new(env, Actor::Staff(id), offer.scope(), action);
    note.write(tx, &id.to_string(), &detail)
}

/// Accepts an invitation as somebody who is signed in.
pub fn accept(env: &Env, token: &str, id: StaffId) -> Result<Opened, EngineError> {
    let opened = open(env, token)?;
    if opened.way != Way::SignIn(id) {
        return Err(StaffProblem::SomebodyElse.into());
    }
    let Invitation {
        id: invitation, offer, ..
    } = opened.invitation;
    env.write(|tx| {
        if !staff::spend(tx, invitation)? {
            return Ok(Err(StaffProblem::Gone));
        }
        give(env, tx, id, invitation, offer, env.clock.now())?;
        Ok(Ok(()))
    })??;
    Ok(opened)
}

/// Fails unless this is the person's present password; wrong ones are slowed down.
fn demand_password(env: &Env, id: StaffId, present: &str) -> Result<(), EngineError> {
    let bucket = [account_bucket(env, "sign-in.own", id.bytes())];
    if let Some(wait) = reserve(env, &bucket)? {
        return Err(StaffProblem::Wait(wait.as_secs()).into());
    }
    let known = env.db.read(|tx| staff::credentials(tx, &env.keys, id))?;
    if !credentials::is_right(present, known.as_ref().map(|known| known.password.as_str())) {
        return Err(StaffProblem::WrongPassword.into());
    }
    env.write(|tx| bucket.iter().try_for_each(|bucket| sessions::forgive(tx, &bucket.key)))?;
    Ok(())
}

/// Changes a person's password. Every session ends; this one goes on under the new token.
pub fn change_password(env: &Env, person: &Staff, present: &str, new: &str) -> Result<Token, EngineError> {
    if let Some(problem) = check_new(&person.name, new, &person.mail).into_iter().next() {
        return Err(problem.into());
    }
    demand_password(env, person.id, present)?;
    let hash = credentials::hash(new, &env.secret()?)?;
    let token = Token(env.secret()?);
    let note = Note::new(env, Actor::Staff(person.id), None, "staff.password");
    env.write(|tx| {
        staff::set_password(tx, &env.keys, person.id, &hash)?;
        sessions::end_all(tx, person.id)?;
        sessions::add(tx, &token, person.id, note.at)?;
        note.write(tx, &person.id.to_string(), "")
    })?;
    Ok(token)
}

/// Prepares another authenticator; the present one stays good until the new one shows its first code.
pub fn begin_totp(env: &Env, id: StaffId, present: &str) -> Result<(), EngineError> {
    demand_password(env, id, present)?;
    let secret = credentials::totp_secret(&env.secret()?);
    env.write(|tx| staff::begin_totp(tx, &env.keys, id, &secret))?;
    Ok(())
}

/// The authenticator that waits for its first code.
pub fn new_totp(env: &Env, person: &Staff) -> Result<Option<Authenticator>, EngineError> {
    let secret = env.db.read(|tx| staff::new_totp(tx, &env.keys, person.id))?;
    secret.map(|secret| authenticator(&secret, &person.mail)).transpose()
}

/// Puts the other authenticator to use with its first code; there are new recovery codes too.
pub fn confirm_totp(env: &Env, id: StaffId, code: &str) -> Result<(), EngineError> {
    let waiting = env.db.read(|tx| staff::new_totp(tx, &env.keys, id))?;
    let secret = waiting.ok_or(StaffProblem::Gone)?;
    let step = credentials::totp_step(&secret, code, env.clock.now()).ok_or(StaffProblem::WrongCode)?;
    let codes = recovery_codes(env)?;
    let note = Note::new(env, Actor::Staff(id), None, "staff.authenticator");
    env.write(|tx| {
        staff::set_totp(tx, &env.keys, id, &secret, step)?;
        staff::put_codes(tx, &env.keys, id, &codes)?;
        note.write(tx, &id.to_string(), "")
    })?;
    Ok(())
}

/// Forgets the words of the recovery codes, which their owner has put away.
pub fn hide_codes(env: &Env, id: StaffId) -> Result<(), EngineError> {
    env.write(|tx| staff::hide_codes(tx, id))?;
    Ok(())
}
