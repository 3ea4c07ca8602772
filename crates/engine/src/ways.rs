//! How a tenant lets families receive: by LINE, by mail, on a page. What has no account is not offered.

use kizuna_store::line;
use kizuna_store::tenants::{self, Account, Tenant};

use crate::env::Env;
use crate::error::EngineError;
use crate::line::login;
use crate::line::talk::Replies;

/// Channel of a reader's own page.
pub const WEB: &str = "web";
/// Channels that write to e-mail addresses, the real one first; the folder stands in for a relay.
pub const MAIL: [&str; 2] = ["email", "outbox"];

/// The ways of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ways {
    /// LINE.
    pub line: Option<LineWay>,
    /// E-mail, with the address that mails come from; empty where it is not known.
    pub mail: Option<String>,
    /// The page alone.
    pub web: bool,
}

/// How somebody comes to register by LINE from a page outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineWay {
    /// LINE says who they are.
    Login,
    /// They become friends of the account of this id, without its `@`, and write a word.
    Friend(String),
}

/// The ways that a tenant has now.
pub fn of(env: &Env, tenant: &Tenant) -> Result<Ways, EngineError> {
    let accounts = env.db.read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))?;
    let account = |channel: &str| accounts.iter().find(|account| account.channel == channel);
    let line = match account(line::CHANNEL) {
        None => None,
        Some(_) if login::has_door(env, tenant)? => Some(LineWay::Login),
        Some(account) => friend(account).map(LineWay::Friend),
    };
    let mail = MAIL.iter().find_map(|channel| account(channel));
    Ok(Ways {
        line,
        mail: mail.map(|account| account.settings.get("from_address").cloned().unwrap_or_default()),
        web: account(WEB).is_some(),
    })
}

/// The id of an account that answers a newcomer's word itself.
fn friend(account: &Account) -> Option<String> {
    let replies = Replies::of(account.settings.get("replies").map(String::as_str));
    let id = account.settings.get("basic_id").map(|id| id.trim_start_matches('@'));
    // A stand-in for LINE has no friends at LINE itself.
    let is_line = account.settings.get("api_url").is_none_or(String::is_empty);
    id.filter(|id| !id.is_empty() && replies == Replies::Ours && is_line)
        .map(str::to_owned)
}
