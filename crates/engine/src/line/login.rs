//! LINE Login for pages that were not opened from the talk: in guest mode the account's webhook is another tool's.
//!
//! What a login needs to remember (state, nonce, verifier) is derived from a number under the installation's key. The
//! number alone travels in a cookie, signed, for ten minutes; nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
pub use kizuna_channels::line::login::AutoLogin;
use kizuna_channels::line::login::{Login, LoginError};
use kizuna_domain::place::PlaceCode;
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{Keyring, line, people};
use uuid::Uuid;

use super::identity;
use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::links::{self, Holder, same};
use crate::run;

/// How long somebody may take at LINE.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// Bytes of signature in the cookie.
const SIGNATURE: usize = 16;

/// The way to LINE.
#[derive(Clone)]
pub struct Door {
    /// Where to send the browser.
    pub url: String,
    /// What the browser brings back as a cookie.
    pub cookie: String,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door(‹secret›)")
    }
}

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// LINE proved who it is, and they follow nobody here: the words of a registration link.
    New(String),
    /// LINE proved who it is, and they read here: the token of their own pages.
    Known(String),
    /// Not proved; begin again.
    Refused,
    /// LINE does not answer now.
    Unreachable,
}

/// The login channel of a tenant and the LIFF app beside it; `None` where the tenant has none.
fn login(env: &Env, tenant: &Tenant) -> Result<Option<(Login, Option<String>)>, EngineError> {
    let account = env
        .db
        .read(|tx| tenants::account(tx, &env.keys, tenant.scope(), line::CHANNEL))?;
    let Some(account) = account else {
        return Ok(None);
    };
    let liff = account.settings.get("liff_id").filter(|id| !id.is_empty()).cloned();
    let login = Login::of(&channel_account(&account)).map_err(|problems| {
        let words: Vec<String> = problems
            .iter()
            .map(|problem| format!("{} {}", problem.setting, problem.en))
            .collect();
        EngineError::Rule(words.join(" "))
    })?;
    Ok(login
        .filter(|_| !tenant.settings.base_url.is_empty())
        .map(|login| (login, liff)))
}

fn back(tenant: &Tenant) -> String {
    format!("{}/{}/line/callback", tenant.settings.base_url, tenant.code)
}

/// A value of one login that nobody can guess without the installation's key.
fn derived(keys: &Keyring, purpose: &str, tenant: &Tenant, number: &[u8]) -> String {
    let subject = [tenant.id.bytes().as_slice(), number].concat();
    URL_SAFE_NO_PAD.encode(keys.sign_link(purpose, &subject))
}

const STATE: &str = "line-login-state";
const NONCE: &str = "line-login-nonce";
const VERIFIER: &str = "line-login-verifier";
const COOKIE: &str = "line-login-cookie";

/// True where a tenant has a login channel, so that [`enter`] opens a way.
pub fn has_door(env: &Env, tenant: &Tenant) -> Result<bool, EngineError> {
    Ok(login(env, tenant)?.is_some())
}

/// Behind the part of the state that proves a return, the place whose link somebody came by.
const BEHIND: char = '.';

/// Opens the way to LINE; `None` where the tenant has no login channel. A place comes back with the state.
pub fn enter(
    env: &Env,
    tenant: &Tenant,
    place: Option<PlaceCode>,
    auto: AutoLogin,
) -> Result<Option<Door>, EngineError> {
    let Some((login, _)) = login(env, tenant)? else {
        return Ok(None);
    };
    let number = number(env.ids.next(), env.clock.now());
    let value = |purpose| derived(&env.keys, purpose, tenant, &number);
    let state = match place {
        Some(place) => format!("{}{BEHIND}{place}", value(STATE)),
        None => value(STATE),
    };
    let url = login.door(&back(tenant), &state, &value(NONCE), &value(VERIFIER), auto);
    let signature: String = value(COOKIE).chars().take(SIGNATURE).collect();
    let cookie = format!("{}.{signature}", URL_SAFE_NO_PAD.encode(number));
    Ok(Some(Door { url, cookie }))
}

/// A number of one login, with its instant inside.
fn number(id: Uuid, now: Timestamp) -> Vec<u8> {
    [id.as_bytes().as_slice(), &now.as_millisecond().to_be_bytes()].concat()
}

/// The number in a cookie that we made for this tenant and that is young enough.
fn opened(env: &Env, tenant: &Tenant, cookie: &str) -> Option<Vec<u8>> {
    let (text, signature) = cookie.split_once('.')?;
    let number = URL_SAFE_NO_PAD.decode(text).ok()?;
    let right = derived(&env.keys, COOKIE, tenant, &number);
    let is_ours = same(right.get(..SIGNATURE)?.as_bytes(), signature.as_bytes());
    let (_, instant) = number.split_at_checked(16)?;
    let made = Timestamp::from_millisecond(i64::from_be_bytes(instant.try_into().ok()?)).ok()?;
    let age = env.clock.now().duration_since(made);
    (is_ours && age >= SignedDuration::ZERO && age <= PATIENCE).then_some(number)
}

/// Who came back from LINE.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// This LINE user.
    User(String),
    /// Not proved; begin again.
    Refused,
    /// LINE does not answer now.
    Unreachable,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Proof::User(_) => "User(‹secret›)",
            Proof::Refused => "Refused",
            Proof::Unreachable => "Unreachable",
        })
    }
}

/// Learns who comes back from LINE with a code.
pub fn prove(env: &Env, tenant: &Tenant, cookie: &str, state: &str, code: &str) -> Result<Proof, EngineError> {
    let Some((login, _)) = login(env, tenant)? else {
        return Ok(Proof::Refused);
    };
    let Some(number) = opened(env, tenant, cookie) else {
        return Ok(Proof::Refused);
    };
    let value = |purpose| derived(&env.keys, purpose, tenant, &number);
    let ours = state.split_once(BEHIND).map_or(state, |(ours, _)| ours);
    if !same(value(STATE).as_bytes(), ours.as_bytes()) {
        return Ok(Proof::Refused);
    }
    let now = env.clock.now();
    let user = login.user_of_code(code, &back(tenant), &value(NONCE), &value(VERIFIER), now);
    Ok(proof(tenant, user))
}

/// Takes in somebody who comes back from LINE with a code.
pub fn come_back(env: &Env, tenant: &Tenant, cookie: &str, state: &str, code: &str) -> Result<Came, EngineError> {
    let proof = prove(env, tenant, cookie, state, code)?;
    take_in(env, tenant, proof)
}

/// The place that a state brings back; it proves nothing and counts one registration at most.
pub fn place_of(state: &str) -> Option<PlaceCode> {
    state.split_once(BEHIND).and_then(|(_, place)| place.parse().ok())
}

/// Takes in somebody whose page inside LINE (LIFF) holds an ID token.
pub fn of_liff(env: &Env, tenant: &Tenant, token: &str) -> Result<Came, EngineError> {
    match login(env, tenant)? {
        Some((login, Some(_))) => {
            let proof = proof(tenant, login.user_of_token(token, env.clock.now()));
            take_in(env, tenant, proof)
        }
        Some((_, None)) | None => Ok(Came::Refused),
    }
}

/// The LIFF app of a tenant, where it has one.
pub fn liff_id(env: &Env, tenant: &Tenant) -> Result<Option<String>, EngineError> {
    Ok(login(env, tenant)?.and_then(|(_, liff)| liff))
}

/// Whoever reads here already comes to their own pages, everybody else to the registration.
fn proved(env: &Env, tenant: &Tenant, user: &str) -> Result<Came, EngineError> {
    let scope = tenant.scope();
    let reader = env.db.read(|tx| {
        let Some(reader) = people::by_address(tx, &env.keys, scope, line::CHANNEL, user)? else {
            return Ok(None);
        };
        let follows = !people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty();
        follows.then(|| Holder::of(tx, scope, reader)).transpose()
    })?;
    Ok(match reader {
        Some(holder) => Came::Known(links::fresh_own_token(
            &env.keys,
            tenant.id,
            holder,
            run::today(env, tenant)?,
        )),
        None => Came::New(identity::registration_ticket(env, scope, user)?),
    })
}

fn proof(tenant: &Tenant, user: Result<String, LoginError>) -> Proof {
    match user {
        Ok(user) => Proof::User(user),
        Err(LoginError::Unreachable) => Proof::Unreachable,
        Err(error @ (LoginError::Code(_) | LoginError::Token(_))) => {
            tracing::info!(%error, tenant = %tenant.id, "a LINE login proved nobody");
            Proof::Refused
        }
    }
}

fn take_in(env: &Env, tenant: &Tenant, proof: Proof) -> Result<Came, EngineError> {
    match proof {
        Proof::User(user) => proved(env, tenant, &user),
        Proof::Refused => Ok(Came::Refused),
        Proof::Unreachable => Ok(Came::Unreachable),
    }
}
