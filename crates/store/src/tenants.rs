//! Tenants, their accounts on channels and their consultation desks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kizuna_domain::content::Desk;
use kizuna_domain::content::pack::Support;
use kizuna_domain::ids::{AccountId, TenantId};
use kizuna_domain::tenant::Settings;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Tenants one installation may hold: every municipality of Japan, with its wards and companies.
pub const TENANTS_MAX: i64 = 5_000;
/// Channels a tenant may have.
const ACCOUNTS_MAX: i64 = 50;
/// Desks a tenant may have.
const DESKS_MAX: i64 = 500;

/// A tenant as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Identifier.
    pub id: TenantId,
    /// Code that people use: 全国地方公共団体コード or a word.
    pub code: String,
    /// Name for staff.
    pub name: String,
    /// What its staff decided.
    pub settings: Settings,
    /// Grows with every change that could change a plan.
    pub version: i64,
}

impl Tenant {
    /// The scope of this tenant's data.
    pub const fn scope(&self) -> Scope {
        Scope::of(self.id)
    }
}

fn tenant(row: &Row<'_>) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.id(0, TenantId::from_bytes)?,
        code: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        settings: row.json(3)?,
        version: row.int(4)?,
    })
}

sql!(
    ALL,
    "SELECT id, code, name, settings, version FROM tenants ORDER BY code LIMIT $1"
);

/// Every tenant, by code.
pub fn all(tx: &mut ReadTx<'_>) -> Result<Vec<Tenant>, StoreError> {
    tx.all(ALL, args![TENANTS_MAX], tenant)
}

sql!(CODES, "SELECT code FROM tenants ORDER BY code LIMIT $1");

/// The code of every tenant, whether its settings can be read or not.
pub fn codes(tx: &mut ReadTx<'_>) -> Result<Vec<String>, StoreError> {
    tx.all(CODES, args![TENANTS_MAX], |row| Ok(row.text(0)?.to_owned()))
}

sql!(
    BY_CODE,
    "SELECT id, code, name, settings, version FROM tenants WHERE code = $1"
);

/// The tenant with this code.
pub fn by_code(tx: &mut ReadTx<'_>, code: &str) -> Result<Option<Tenant>, StoreError> {
    tx.one(BY_CODE, args![code], tenant)
}

sql!(
    BY_ID,
    "SELECT id, code, name, settings, version FROM tenants WHERE id = $1"
);

/// The tenant of a scope.
pub fn by_id(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Option<Tenant>, StoreError> {
    tx.one(BY_ID, args![scope.bytes()], tenant)
}

sql!(VERSION, "SELECT version FROM tenants WHERE id = $1");

/// How often something changed that could change this tenant's plan.
pub fn version(tx: &mut ReadTx<'_>, scope: Scope) -> Result<i64, StoreError> {
    Ok(tx
        .one(VERSION, args![scope.bytes()], |row| row.int(0))?
        .unwrap_or_default())
}

sql!(
    PUT,
    "INSERT INTO tenants (id, code, name, settings, version) VALUES ($1, $2, $3, $4, 1)
           ON CONFLICT (code) DO UPDATE SET name = $3, settings = $4, version = tenants.version + 1
           WHERE tenants.name <> $3 OR tenants.settings <> $4"
);

/// Creates or changes the tenant with this code; `new` is its identifier if it is new.
pub fn put(
    tx: &mut WriteTx<'_>,
    new: TenantId,
    code: &str,
    name: &str,
    settings: &Settings,
) -> Result<Tenant, StoreError> {
    let settings = serde_json::to_string(settings).unwrap_or_default();
    tx.exec(PUT, args![new.bytes(), code, name, &settings])?;
    by_code(tx, code)?.ok_or(StoreError::Conflict {
        statement: "tenants::put",
    })
}

sql!(TOUCH, "UPDATE tenants SET version = version + 1 WHERE id = $1");

/// Notes that something changed that could change this tenant's plan.
pub fn touch(tx: &mut WriteTx<'_>, scope: Scope) -> Result<(), StoreError> {
    tx.exec_one(TOUCH, args![scope.bytes()])
}

sql!(TOUCH_ALL, "UPDATE tenants SET version = version + 1");

/// Notes that shared content changed, which could change every tenant's plan.
pub fn touch_all(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    tx.exec(TOUCH_ALL, args![]).map(|_| ())
}

/// A tenant's account on a channel, credentials opened. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Identifier.
    pub id: AccountId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Code of the channel.
    pub channel: String,
    /// Settings by name.
    pub settings: BTreeMap<String, String>,
    /// Credentials by name.
    pub secrets: BTreeMap<String, String>,
    /// Why nothing leaves through it now.
    pub paused_reason: Option<String>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

const SECRETS: &str = "accounts.secrets";

fn read_account(row: &Row<'_>, keys: &Keyring) -> Result<Account, StoreError> {
    let id = row.id(0, AccountId::from_bytes)?;
    let secrets = keys.open(SECRETS, id.bytes(), row.bytes(4)?)?;
    Ok(Account {
        id,
        tenant: row.id(1, TenantId::from_bytes)?,
        channel: row.text(2)?.to_owned(),
        settings: row.json(3)?,
        secrets: serde_json::from_str(&secrets).map_err(|_| StoreError::corrupt("credentials", 4))?,
        paused_reason: row.text_opt(5)?.map(str::to_owned),
    })
}

sql!(
    ACCOUNTS,
    "SELECT id, tenant_id, channel, settings, secrets, paused_reason FROM accounts
                WHERE tenant_id = $1 ORDER BY channel LIMIT $2"
);

/// The tenant's accounts, by channel.
pub fn accounts(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Scope) -> Result<Vec<Account>, StoreError> {
    tx.all(ACCOUNTS, args![scope.bytes(), ACCOUNTS_MAX], |row| {
        read_account(row, keys)
    })
}

sql!(
    ACCOUNT_OF_CHANNEL,
    "SELECT id, tenant_id, channel, settings, secrets, paused_reason FROM accounts WHERE tenant_id = $1 AND channel = $2"
);

/// The tenant's account on a channel.
pub fn account(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
) -> Result<Option<Account>, StoreError> {
    tx.one(ACCOUNT_OF_CHANNEL, args![scope.bytes(), channel], |row| {
        read_account(row, keys)
    })
}

sql!(
    ACCOUNT,
    "SELECT id, tenant_id, channel, settings, secrets, paused_reason FROM accounts WHERE id = $1"
);

/// One account, for the dispatcher, which serves all tenants.
pub fn account_by_id(tx: &mut ReadTx<'_>, keys: &Keyring, id: AccountId) -> Result<Option<Account>, StoreError> {
    tx.one(ACCOUNT, args![id.bytes()], |row| read_account(row, keys))
}

sql!(
    ACCOUNT_ID,
    "SELECT id FROM accounts WHERE tenant_id = $1 AND channel = $2"
);
sql!(
    PUT_ACCOUNT,
    "INSERT INTO accounts (id, tenant_id, channel, settings, secrets) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (tenant_id, channel) DO UPDATE SET settings = $4, secrets = $5"
);

/// Creates or changes the tenant's account on a channel; `new` is its identifier if it is new.
pub fn put_account(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    new: AccountId,
    channel: &str,
    settings: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
) -> Result<AccountId, StoreError> {
    let known = tx.one(ACCOUNT_ID, args![scope.bytes(), channel], |row| {
        row.id(0, AccountId::from_bytes)
    })?;
    let id = known.unwrap_or(new);
    let settings = serde_json::to_string(settings).unwrap_or_default();
    let secrets = keys.seal(SECRETS, id.bytes(), &serde_json::to_string(secrets).unwrap_or_default());
    tx.exec(
        PUT_ACCOUNT,
        args![id.bytes(), scope.bytes(), channel, &settings, secrets.as_slice()],
    )?;
    Ok(id)
}

sql!(
    PAUSE,
    "UPDATE accounts SET paused_reason = $2, paused_at = $3 WHERE id = $1 AND paused_reason IS NULL"
);

/// Pauses an account; false where it was paused already, so that staff are told once.
pub fn pause_account(tx: &mut WriteTx<'_>, id: AccountId, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(PAUSE, args![id.bytes(), reason, now.as_millisecond()])? == 1)
}

sql!(
    RESUME,
    "UPDATE accounts SET paused_reason = NULL, paused_at = NULL WHERE tenant_id = $1 AND paused_reason IS NOT NULL"
);

/// Lets the tenant's paused accounts send again; says how many there were.
pub fn resume_accounts(tx: &mut WriteTx<'_>, scope: Scope) -> Result<u64, StoreError> {
    tx.exec(RESUME, args![scope.bytes()])
}

sql!(
    DESKS,
    "SELECT document FROM desks WHERE tenant_id = $1 ORDER BY code LIMIT $2"
);

/// The tenant's consultation desks, by id.
pub fn desks(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Vec<Desk>, StoreError> {
    tx.all(DESKS, args![scope.bytes(), DESKS_MAX], |row| row.json(0))
}

sql!(
    PUT_DESK,
    "INSERT INTO desks (tenant_id, code, document) VALUES ($1, $2, $3)
                ON CONFLICT (tenant_id, code) DO UPDATE SET document = $3"
);

/// Creates or changes a consultation desk.
pub fn put_desk(tx: &mut WriteTx<'_>, scope: Scope, desk: &Desk) -> Result<(), StoreError> {
    let document = serde_json::to_string(desk).unwrap_or_default();
    tx.exec(PUT_DESK, args![scope.bytes(), &desk.id, &document]).map(|_| ())
}

sql!(SUPPORT, "SELECT body FROM support_pages WHERE tenant_id = $1");

/// What the tenant says on its page of support; `None` where it says nothing of its own.
pub fn support(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Option<Support>, StoreError> {
    tx.one(SUPPORT, args![scope.bytes()], |row| {
        Support::read(row.text(0)?).map_err(|_| StoreError::corrupt("a page of support", 0))
    })
}

sql!(
    PUT_SUPPORT,
    "INSERT INTO support_pages (tenant_id, body) VALUES ($1, $2) ON CONFLICT (tenant_id) DO UPDATE SET body = $2"
);

/// Writes what the tenant says on its page of support.
pub fn put_support(tx: &mut WriteTx<'_>, scope: Scope, support: &Support) -> Result<(), StoreError> {
    tx.exec(PUT_SUPPORT, args![scope.bytes(), support.text()]).map(|_| ())
}
