//! Places whose links lead families in: the first four of every tenant, another one, another name.

use jiff::Timestamp;
use kizuna_domain::place::{FIRST_PLACES, PlaceCode, name};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Scope, StoreError, WriteTx, places};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;

/// How often a new code is drawn where the one before was taken.
const DRAWS: usize = 8;

/// What became of a place that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there.
    Done(PlaceCode),
    /// The name is empty, too long, or holds what nobody can see.
    Name,
    /// The tenant has as many places as it can have.
    Full,
    /// The tenant has no such place.
    Gone,
}

/// Codes for the places that every tenant begins with.
pub(super) fn first(env: &Env) -> Result<Vec<(PlaceCode, &'static str)>, EngineError> {
    let code = |name| Ok((PlaceCode::from_random(&env.secret()?), name));
    FIRST_PLACES.into_iter().map(code).collect()
}

/// Gives a tenant that has no place its first ones.
pub(super) fn begin(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    first: &[(PlaceCode, &'static str)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if !places::of_tenant(tx, scope)?.is_empty() {
        return Ok(());
    }
    for (number, (code, name)) in (0..).zip(first) {
        // In this order on the page. A code that is taken, once in millions, leaves one place out.
        let at = now
            .checked_add(jiff::SignedDuration::from_millis(number))
            .unwrap_or(now);
        places::add(tx, scope, *code, name, at)?;
    }
    Ok(())
}

/// Adds a place of a tenant.
pub fn add(env: &Env, actor: Actor, tenant: &Tenant, typed: &str) -> Result<Put, EngineError> {
    let Some(name) = name(typed) else {
        return Ok(Put::Name);
    };
    let codes: Result<Vec<PlaceCode>, EngineError> =
        (0..DRAWS).map(|_| Ok(PlaceCode::from_random(&env.secret()?))).collect();
    let codes = codes?;
    let scope = tenant.scope();
    let note = Note::new(env, actor, Some(scope), "place.add");
    Ok(env.write(|tx| {
        if places::of_tenant(tx, scope)?.len() as i64 >= places::PLACES_MAX {
            return Ok(Put::Full);
        }
        for code in &codes {
            if places::add(tx, scope, *code, &name, note.at)? {
                note.write(tx, &code.to_string(), "")?;
                return Ok(Put::Done(*code));
            }
        }
        Err(StoreError::Conflict {
            statement: "places::add",
        })
    })?)
}

/// Gives a place of a tenant another name; its link stays as it is on every poster.
pub fn rename(env: &Env, actor: Actor, tenant: &Tenant, code: PlaceCode, typed: &str) -> Result<Put, EngineError> {
    let scope = tenant.scope();
    let known = env.db.read(|tx| places::of_tenant(tx, scope))?;
    if known.iter().all(|place| place.code != code) {
        return Ok(Put::Gone);
    }
    let Some(name) = name(typed) else {
        return Ok(Put::Name);
    };
    let note = Note::new(env, actor, Some(scope), "place.rename");
    Ok(env.write(|tx| {
        if !places::rename(tx, scope, code, &name)? {
            return Ok(Put::Gone);
        }
        note.write(tx, &code.to_string(), "")?;
        Ok(Put::Done(code))
    })?)
}
