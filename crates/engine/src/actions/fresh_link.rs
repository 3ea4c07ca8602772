//! A fresh link to a reader's own pages, asked for with an old one: by mail, to the address that is on record.

use kizuna_domain::ids::SubscriberId;
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::links::{self, Holder};
use crate::run;
use crate::throttle::{self, FRESH_LINKS_OF_DAY, FRESH_LINKS_OF_READER, Limit};
use crate::transactional::{self, New, Occasion};

/// Days after its end for which an old link still asks for a fresh one: a mail may lie for a year and a little.
pub const ASKS_FOR_DAYS: i32 = 400;

/// Sends a reader a fresh link to their own pages; says whether a mail is on its way.
///
/// None goes to whoever stopped, has no e-mail address that works, or got as many in an hour or a day as
/// [`FRESH_LINKS_OF_READER`] and [`FRESH_LINKS_OF_DAY`] let through. The page that asked must answer the same in every
/// case.
pub fn send(env: &Env, tenant: &Tenant, reader: SubscriberId, language: &str) -> Result<bool, EngineError> {
    let settings = &tenant.settings;
    if settings.base_url.is_empty() {
        return Ok(false);
    }
    let (scope, until) = (tenant.scope(), run::today(env, tenant)? + links::OWN_DAYS);
    let expires = (until + 1).at(jiff::civil::Time::midnight(), &settings.zone()?);
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.fresh-link");
    Ok(env.write(|tx| {
        if people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty() {
            return Ok(false);
        }
        let Some(address) = people::mail_of(tx, &env.keys, scope, reader)? else {
            return Ok(false);
        };
        let asked: [(Limit, &[u8]); 2] = [
            (FRESH_LINKS_OF_READER, reader.bytes()),
            (FRESH_LINKS_OF_DAY, reader.bytes()),
        ];
        if throttle::count(tx, env, scope, &asked)?.is_some() {
            return Ok(false);
        }
        let token = links::own_token(&env.keys, tenant.id, Holder::of(tx, scope, reader)?, until);
        let link = format!("{}/{}/my/{token}", settings.base_url, tenant.code);
        let mail = New {
            occasion: Occasion::FreshLink,
            wish: Some(reader),
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
