//! A tenant's LINE account and its menus, as staff set them up.

use std::collections::BTreeMap;

use kizuna_channels::line::KIND;
use kizuna_channels::{Problem, channel};
use kizuna_domain::ids::AccountId;
use kizuna_domain::menu::{MenuDocument, MenuStage};
use kizuna_store::tenants::{Account, Tenant};
use kizuna_store::{menus as rows, tenants};

use super::{Actor, Note};
use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::line_check::webhook_address;
use crate::menus::{self, MenuFault};

/// Settings that the form knows; what else an account has stays as it is.
pub const SETTINGS: &[&str] = &[
    "channel_id",
    "mode",
    "format",
    "reserve",
    "fallback",
    "login_channel_id",
    "liff_id",
    "forward_url",
];
/// Credentials that the form knows; one that is left empty stays as it is.
pub const SECRETS: &[&str] = &["channel_secret", "login_secret", "forward_secret"];

/// What the form says. Its `Debug` shows no credentials.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Settings by name; an empty one is taken away.
    pub settings: BTreeMap<String, String>,
    /// Credentials by name; an empty one is kept as it was.
    pub secrets: BTreeMap<String, String>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Connects the tenant to LINE or changes how; gives what is wrong with the form, and changes nothing then.
pub fn connect(env: &Env, tenant: &Tenant, form: &Connection, actor: Actor) -> Result<Vec<Problem>, EngineError> {
    let line = channel(KIND.0).ok_or_else(|| EngineError::NoChannel(KIND.0.to_owned()))?;
    let scope = tenant.scope();
    let note = Note::new(env, actor, Some(scope), "line.connect");
    let new = AccountId::new(env.ids.next());
    Ok(env.write(|tx| {
        let before = tenants::account(tx, &env.keys, scope, KIND.0)?;
        let (account, changed) = merged(before, new, tenant, form);
        let problems = line.check(&channel_account(&account));
        if !problems.is_empty() {
            return Ok(problems);
        }
        tenants::put_account(tx, &env.keys, scope, new, KIND.0, &account.settings, &account.secrets)?;
        note.write(tx, &account.id.to_string(), &changed.join(" "))?;
        Ok(Vec::new())
    })?)
}

/// The account with what the form says, and the names of what changed.
fn merged(before: Option<Account>, new: AccountId, tenant: &Tenant, form: &Connection) -> (Account, Vec<&'static str>) {
    let mut account = before.unwrap_or(Account {
        id: new,
        tenant: tenant.id,
        channel: KIND.0.to_owned(),
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
        paused_reason: None,
    });
    let mut changed = Vec::new();
    for name in SETTINGS {
        let Some(value) = form.settings.get(*name).map(|value| value.trim()) else {
            continue;
        };
        if account.settings.get(*name).map_or("", String::as_str) != value {
            changed.push(*name);
        }
        if value.is_empty() {
            account.settings.remove(*name);
        } else {
            account.settings.insert((*name).to_owned(), value.to_owned());
        }
    }
    for name in SECRETS {
        let value = form.secrets.get(*name).map_or("", |value| value.trim());
        if !value.is_empty() && account.secrets.get(*name).is_none_or(|known| known != value) {
            changed.push(*name);
            account.secrets.insert((*name).to_owned(), value.to_owned());
        }
    }
    (account, changed)
}

/// Tells LINE to send what comes in to this installation. On record when LINE has taken it.
pub fn register_webhook(env: &Env, tenant: &Tenant, actor: Actor) -> Result<(), EngineError> {
    let client = menus::client(env, tenant)?;
    if client.mode() == kizuna_channels::line::Mode::Guest {
        return Err(EngineError::Rule(
            "the webhook of this account belongs to another vendor".to_owned(),
        ));
    }
    let address = webhook_address(&tenant.settings.base_url, &tenant.code);
    client.hurried().set_webhook(&address)?;
    let note = Note::new(env, actor, Some(tenant.scope()), "line.webhook");
    env.write(|tx| note.write(tx, &tenant.code, &address))?;
    Ok(())
}

/// Keeps what staff are making of a menu, whether or not it may be shown.
pub fn draft_menu(env: &Env, tenant: &Tenant, draft: &MenuDocument, actor: Actor) -> Result<(), EngineError> {
    let scope = tenant.scope();
    let note = Note::new(env, actor, Some(scope), "line.menu.draft");
    env.write(|tx| {
        rows::put_draft(tx, scope, draft)?;
        note.write(tx, draft.stage.code(), "")
    })?;
    Ok(())
}

/// What keeps menus from being shown, stage by stage.
pub type MenuFaults = Vec<(MenuStage, Vec<MenuFault>)>;

/// Asks to show the drafts of all stages to families; gives what is wrong with them, and changes nothing then.
pub fn publish_menus(env: &Env, tenant: &Tenant, actor: Actor) -> Result<MenuFaults, EngineError> {
    let scope = tenant.scope();
    let drafts: Vec<MenuDocument> = env
        .db
        .read(|tx| menus::state(tx, tenant))?
        .menus
        .into_iter()
        .map(|menu| menu.draft)
        .collect();
    let faults: MenuFaults = drafts
        .iter()
        .filter_map(|draft| Some((draft.stage, menus::check(draft).err()?)))
        .collect();
    if !faults.is_empty() {
        return Ok(faults);
    }
    let note = Note::new(env, actor, Some(scope), "line.menu.publish");
    let now = env.clock.now();
    env.write(|tx| {
        rows::ask(tx, scope, &drafts, now)?;
        note.write(tx, &tenant.code, "")
    })?;
    Ok(Vec::new())
}
