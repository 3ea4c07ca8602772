//! Setting up tenants and their accounts, and claiming a restored database.

use std::collections::BTreeMap;

use kizuna_domain::content::picture::Picture;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, TenantId};
use kizuna_domain::tenant::Settings;
use kizuna_store::tenants::Tenant;
use kizuna_store::{fence, media, runs, tenants};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::witness;

/// A tenant's account as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewAccount {
    /// Code of the channel.
    pub channel: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
    /// Credentials by name; sealed before they are stored.
    pub secrets: BTreeMap<String, String>,
}

/// Creates a tenant or changes its settings and accounts to what the configuration says.
pub fn put(
    env: &Env,
    code: &str,
    name: &str,
    settings: &Settings,
    accounts: &[NewAccount],
) -> Result<Tenant, EngineError> {
    settings.check()?;
    for account in accounts {
        if kizuna_channels::channel(&account.channel).is_none() {
            return Err(EngineError::NoChannel(account.channel.clone()));
        }
    }
    let note = Note::new(env, Actor::CommandLine, None, "tenant.put");
    let ids: Vec<AccountId> = accounts.iter().map(|_| AccountId::new(env.ids.next())).collect();
    let new = TenantId::new(env.ids.next());
    let places = super::places::first(env)?;
    let tenant = env.db.write(|tx| {
        let tenant = tenants::put(tx, new, code, name, settings)?;
        for (account, id) in accounts.iter().zip(&ids) {
            let NewAccount {
                channel,
                settings,
                secrets,
            } = account;
            tenants::put_account(tx, &env.keys, tenant.scope(), *id, channel, settings, secrets)?;
        }
        super::places::begin(tx, tenant.scope(), &places, note.at)?;
        note.write(tx, code, "")?;
        Ok(tenant)
    })?;
    Ok(tenant)
}

/// Keeps the logo of the tenant with this code, so that its settings can name it; the same one again changes nothing.
pub fn keep_logo(env: &Env, code: &str, logo: &Picture) -> Result<(), EngineError> {
    let note = Note::new(env, Actor::CommandLine, None, "tenant.logo");
    env.db.write(|tx| {
        media::put(tx, logo)?;
        note.write(tx, code, "")
    })?;
    Ok(())
}

/// Lets a tenant's paused accounts and held messages go again after their cause was mended.
pub fn resume(env: &Env, tenant: &Tenant) -> Result<(u64, u64), EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, Actor::CommandLine, Some(scope), "accounts.resume");
    let resumed = env.db.write(|tx| {
        let accounts = tenants::resume_accounts(tx, scope)?;
        let batches = runs::reopen_held(tx, scope)?;
        note.write(tx, &tenant.code, &format!("accounts={accounts} batches={batches}"))?;
        Ok((accounts, batches))
    })?;
    Ok(resumed)
}

/// Declares this database the live one after a restore or a move.
///
/// What waited in it is given up, and so is everything up to `through`, because the original may have sent it.
pub fn claim(env: &Env, through: Option<Day>) -> Result<u64, EngineError> {
    let note = Note::new(env, Actor::CommandLine, None, "epoch.claim");
    let (given_up, fence) = env.db.write(|tx| {
        let given_up = runs::abandon_all(tx)?;
        fence::claim(tx, through)?;
        let fence = fence::get(tx)?;
        tenants::touch_all(tx)?;
        note.write(tx, "installation", &format!("batches={given_up}"))?;
        Ok((given_up, fence))
    })?;
    if let Some(fence) = fence {
        witness::note(env, &fence)?;
    }
    Ok(given_up)
}
