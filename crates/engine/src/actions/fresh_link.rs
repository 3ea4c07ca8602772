//! A fresh link to a reader's own pages, asked for with an old one: by mail, to the address that is on record.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::SubscriberId;
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::throttle::{self, FRESH_LINKS_OF_DAY, Limit};
use crate::transactional::{self, New, Occasion};
use crate::{links, run};

/// A reader gets one fresh link in this time, however often somebody asks.
pub const ONE_IN: SignedDuration = SignedDuration::from_hours(1);
/// Days after its end for which an old link still asks for a fresh one: a mail may lie for a year and a little.
pub const ASKS_FOR_DAYS: i32 = 400;

/// Sends a reader a fresh link to their own pages; says whether a mail is on its way.
///
/// None goes to whoever stopped, has no e-mail address that works, or got one within [`ONE_IN`], or as many in a
/// day as [`FRESH_LINKS_OF_DAY`] lets through. The page that asked must answer the same in every case.
pub fn send(env: &Env, tenant: &Tenant, reader: SubscriberId, language: &str) -> Result<bool, EngineError> {
    let settings = &tenant.settings;
    if settings.base_url.is_empty() {
        return Ok(false);
    }
    let (scope, until) = (tenant.scope(), run::today(env, tenant)? + links::OWN_DAYS);
    let token = links::own_token(&env.keys, tenant.id, reader, until);
    let link = format!("{}/{}/my/{token}", settings.base_url, tenant.code);
    let expires = (until + 1).at(jiff::civil::Time::midnight(), &settings.zone()?);
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.fresh-link");
    let since = note.at.checked_sub(ONE_IN).unwrap_or(Timestamp::MIN);
    Ok(env.write(|tx| {
        if people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty() {
            return Ok(false);
        }
        let Some(address) = people::mail_of(tx, &env.keys, scope, reader)? else {
            return Ok(false);
        };
        if !people::ask_fresh(tx, scope, reader, note.at, since)? {
            return Ok(false);
        }
        let asked: [(Limit, &[u8]); 1] = [(FRESH_LINKS_OF_DAY, reader.bytes())];
        if throttle::count(tx, env, scope, &asked)?.is_some() {
            return Ok(false);
        }
        let mail = New {
            occasion: Occasion::FreshLink,
            language,
            address: &address,
            link: &link,
            expires,
        };
        transactional::queue(tx, env, tenant, &mail)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(true)
    })?)
}
