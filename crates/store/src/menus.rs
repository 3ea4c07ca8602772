//! Rich menus of LINE: drafts, what was asked to be shown, what LINE has, and which reader was given which.

use jiff::Timestamp;
use kizuna_domain::ids::{PointId, SubscriberId, TenantId};
use kizuna_domain::menu::{MenuDocument, MenuStage};
use kizuna_domain::position::Anchor;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::people::{SUBSCRIPTIONS_MAX, open_address};
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::tenants::TENANTS_MAX;
use crate::{args, sql};

/// Menus a tenant has: one for each stage.
const MENUS_MAX: i64 = 10;

fn instant(ms: Option<i64>) -> Option<Timestamp> {
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

fn json(document: &MenuDocument) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

/// One stage's menu of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// For whom it is.
    pub stage: MenuStage,
    /// What staff are making of it.
    pub draft: MenuDocument,
    /// What they last asked to show, if they did.
    pub wanted: Option<MenuDocument>,
    /// What LINE shows, if it shows one.
    pub shown: Option<Shown>,
}

/// A menu that LINE has, with its picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// LINE's id.
    pub id: String,
    /// Its name at LINE, which is equal where the menu is equal.
    pub digest: String,
    /// Since when.
    pub at: Timestamp,
}

sql!(
    ALL,
    "SELECT stage, draft, wanted, menu_id, digest, published_at FROM menus WHERE tenant_id = $1 LIMIT $2"
);

/// The tenant's menus, in the order of their stages; those that nobody has touched are not among them.
pub fn all(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Vec<Kept>, StoreError> {
    let mut all = tx.all(ALL, args![scope.bytes(), MENUS_MAX], |row| {
        let wanted = row.text_opt(2)?.map(|_| row.json(2)).transpose()?;
        let shown = match (row.text_opt(3)?, row.text_opt(4)?, instant(row.int_opt(5)?)) {
            (Some(id), Some(digest), Some(at)) => Some(Shown {
                id: id.to_owned(),
                digest: digest.to_owned(),
                at,
            }),
            _ => None,
        };
        Ok(Kept {
            stage: row.code(0, MenuStage::from_code)?,
            draft: row.json(1)?,
            wanted,
            shown,
        })
    })?;
    all.sort_by_key(|kept| kept.stage);
    Ok(all)
}

sql!(
    PUT_DRAFT,
    "INSERT INTO menus (tenant_id, stage, draft) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, stage) DO UPDATE SET draft = $3"
);

/// Keeps what staff are making of a menu, right or wrong.
pub fn put_draft(tx: &mut WriteTx<'_>, scope: Scope, draft: &MenuDocument) -> Result<(), StoreError> {
    let document = json(draft);
    let args = args![scope.bytes(), draft.stage.code(), &document];
    tx.exec(PUT_DRAFT, args).map(|_| ())
}

sql!(
    WANT,
    "INSERT INTO menus (tenant_id, stage, draft, wanted) VALUES ($1, $2, $3, $3)
     ON CONFLICT (tenant_id, stage) DO UPDATE SET draft = $3, wanted = $3"
);
sql!(
    ASK,
    "INSERT INTO menu_publications (tenant_id, asked_at, lease_token, lease_until_at) VALUES ($1, $2, 0, 0)
     ON CONFLICT (tenant_id) DO UPDATE SET asked_at = $2, tried_at = NULL, done_at = NULL, problem = NULL"
);

/// Asks to show these menus instead of the ones that are shown.
pub fn ask(tx: &mut WriteTx<'_>, scope: Scope, menus: &[MenuDocument], now: Timestamp) -> Result<(), StoreError> {
    for menu in menus {
        let document = json(menu);
        tx.exec(WANT, args![scope.bytes(), menu.stage.code(), &document])?;
    }
    tx.exec(ASK, args![scope.bytes(), now.as_millisecond()]).map(|_| ())
}

/// How far the last request to show menus has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// When somebody asked.
    pub asked_at: Timestamp,
    /// When it was tried last.
    pub tried_at: Option<Timestamp>,
    /// When all of it was done.
    pub done_at: Option<Timestamp>,
    /// Why the last try did not come to its end, in plain Japanese.
    pub problem: Option<String>,
    /// The tenant's version when every reader had their menu.
    pub linked_version: Option<i64>,
}

sql!(
    PUBLICATION,
    "SELECT asked_at, tried_at, done_at, problem, linked_version FROM menu_publications WHERE tenant_id = $1"
);

/// How far the tenant's last request has come; `None` where nobody ever asked.
pub fn publication(tx: &mut ReadTx<'_>, scope: Scope) -> Result<Option<Publication>, StoreError> {
    tx.one(PUBLICATION, args![scope.bytes()], |row| {
        Ok(Publication {
            asked_at: instant(Some(row.int(0)?)).ok_or_else(|| StoreError::corrupt("an instant", 0))?,
            tried_at: instant(row.int_opt(1)?),
            done_at: instant(row.int_opt(2)?),
            problem: row.text_opt(3)?.map(str::to_owned),
            linked_version: row.int_opt(4)?,
        })
    })
}

sql!(
    DUE,
    "SELECT p.tenant_id FROM menu_publications p JOIN tenants t ON t.id = p.tenant_id
     WHERE p.lease_until_at <= $1 AND COALESCE(p.tried_at, 0) <= $2
       AND (p.done_at IS NULL OR p.linked_version IS NULL OR p.linked_version <> t.version)
     ORDER BY p.tenant_id LIMIT $3"
);

/// Tenants whose menus or readers' menus may have to change, in nobody's hands now and not tried since `tried_before`.
pub fn due(tx: &mut ReadTx<'_>, now: Timestamp, tried_before: Timestamp) -> Result<Vec<TenantId>, StoreError> {
    let args = args![now.as_millisecond(), tried_before.as_millisecond(), TENANTS_MAX];
    tx.all(DUE, args, |row| row.id(0, TenantId::from_bytes))
}

sql!(
    CLAIM,
    "UPDATE menu_publications SET lease_token = lease_token + 1, lease_until_at = $3
     WHERE tenant_id = $1 AND lease_until_at <= $2"
);
sql!(TOKEN, "SELECT lease_token FROM menu_publications WHERE tenant_id = $1");

/// Takes a tenant's menus into the hands of one worker until `until`; gives the token, `None` where another has them.
pub fn claim(tx: &mut WriteTx<'_>, scope: Scope, now: Timestamp, until: Timestamp) -> Result<Option<i64>, StoreError> {
    let args = args![scope.bytes(), now.as_millisecond(), until.as_millisecond()];
    if tx.exec(CLAIM, args)? == 0 {
        return Ok(None);
    }
    tx.one(TOKEN, args![scope.bytes()], |row| row.int(0))
}

sql!(
    RENEW,
    "UPDATE menu_publications SET lease_until_at = $3 WHERE tenant_id = $1 AND lease_token = $2"
);

/// Holds on for longer; false where another worker took over.
pub fn renew(tx: &mut WriteTx<'_>, scope: Scope, token: i64, until: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(RENEW, args![scope.bytes(), token, until.as_millisecond()])? == 1)
}

sql!(
    SHOWN,
    "UPDATE menus SET menu_id = $3, digest = $4, published_at = $5 WHERE tenant_id = $1 AND stage = $2"
);

/// Notes that LINE has this menu with its picture.
pub fn note_shown(tx: &mut WriteTx<'_>, scope: Scope, stage: MenuStage, shown: &Shown) -> Result<(), StoreError> {
    let args = args![
        scope.bytes(),
        stage.code(),
        &shown.id,
        &shown.digest,
        shown.at.as_millisecond()
    ];
    tx.exec_one(SHOWN, args)
}

/// How a try to show menus ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// All menus are shown, and every reader of this version of the tenant has their own.
    Done {
        /// The tenant's version before the readers were read.
        version: i64,
    },
    /// Something is left to do.
    Left {
        /// Why, in plain Japanese.
        problem: &'a str,
    },
}

sql!(
    FINISH,
    "UPDATE menu_publications SET tried_at = $3, done_at = CASE WHEN asked_at = $4 THEN $3 ELSE done_at END,
       problem = NULL, linked_version = $5, lease_until_at = 0 WHERE tenant_id = $1 AND lease_token = $2"
);
sql!(
    LEAVE,
    "UPDATE menu_publications SET tried_at = $3, problem = $4, lease_until_at = 0
     WHERE tenant_id = $1 AND lease_token = $2"
);

/// Gives a tenant's menus out of the hands of a worker; a request that came meanwhile stays open.
pub fn settle(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    token: i64,
    asked_at: Timestamp,
    now: Timestamp,
    ending: Ending<'_>,
) -> Result<(), StoreError> {
    let now = now.as_millisecond();
    // Changes no row where another worker took over: what became of it is theirs to say.
    match ending {
        Ending::Done { version } => {
            let asked_at = asked_at.as_millisecond();
            tx.exec(FINISH, args![scope.bytes(), token, now, asked_at, version])?;
        }
        Ending::Left { problem } => {
            tx.exec(LEAVE, args![scope.bytes(), token, now, problem])?;
        }
    }
    Ok(())
}

/// A LINE address with what decides which menu it is given. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Linkable {
    /// The address.
    pub point: PointId,
    /// Dates of the children that its reader receives for.
    pub anchors: Vec<Anchor>,
    /// The menu it was given last.
    pub given: Option<String>,
    sealed: Vec<u8>,
    index: Vec<u8>,
}

impl std::fmt::Debug for Linkable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linkable")
            .field("point", &self.point)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

impl Linkable {
    /// The address itself.
    pub fn address(&self, keys: &Keyring) -> Result<String, StoreError> {
        open_address(keys, &self.point, &self.sealed)
    }
}

sql!(
    LINKABLE,
    "SELECT s.id, s.address, s.address_index, l.menu_id, c.due_on, c.birth_on
     FROM (SELECT id, address, address_index, subscriber_id FROM contact_points
           WHERE tenant_id = $1 AND channel = $2 AND address_index > $3 AND state = 'verified'
           ORDER BY address_index LIMIT $4) s
     LEFT JOIN menu_links l ON l.tenant_id = $1 AND l.point_id = s.id
     LEFT JOIN subscriptions c ON c.tenant_id = $1 AND c.subscriber_id = s.subscriber_id AND c.state <> 'ended'
     ORDER BY s.address_index"
);

/// A page of the addresses on a channel that may be used, after one of them, in the order of their index.
pub fn linkable(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    channel: &str,
    after: Option<&Linkable>,
    limit: usize,
) -> Result<Vec<Linkable>, StoreError> {
    let after = after.map_or(&[][..], |last| last.index.as_slice());
    let mut page = Vec::new();
    tx.each(
        LINKABLE,
        args![scope.bytes(), channel, after, limit as i64],
        &mut |row| gather(row, &mut page),
    )?;
    Ok(page)
}

sql!(
    OF_READER,
    "SELECT s.id, s.address, s.address_index, l.menu_id, c.due_on, c.birth_on
     FROM (SELECT id, address, address_index, subscriber_id FROM contact_points
           WHERE tenant_id = $1 AND subscriber_id = $2 AND channel = $3 AND state = 'verified'
           ORDER BY preference, id LIMIT 1) s
     LEFT JOIN menu_links l ON l.tenant_id = $1 AND l.point_id = s.id
     LEFT JOIN subscriptions c ON c.tenant_id = $1 AND c.subscriber_id = s.subscriber_id AND c.state <> 'ended'
     LIMIT $4"
);

/// A reader's first address on a channel that may be used.
pub fn linkable_of(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    channel: &str,
    subscriber: SubscriberId,
) -> Result<Option<Linkable>, StoreError> {
    let mut page = Vec::new();
    let args = args![scope.bytes(), subscriber.bytes(), channel, SUBSCRIPTIONS_MAX];
    tx.each(OF_READER, args, &mut |row| gather(row, &mut page))?;
    Ok(page.pop())
}

/// Adds a row: another child of the reader before, or the next reader.
fn gather(row: &Row<'_>, page: &mut Vec<Linkable>) -> Result<(), StoreError> {
    let point = row.id(0, PointId::from_bytes)?;
    if page.last().is_none_or(|last| last.point != point) {
        page.push(Linkable {
            point,
            anchors: Vec::new(),
            given: row.text_opt(3)?.map(str::to_owned),
            sealed: row.bytes(1)?.to_vec(),
            index: row.bytes(2)?.to_vec(),
        });
    }
    if let Some(last) = page.last_mut() {
        last.anchors
            .extend(Anchor::from_dates(row.day_opt(4)?, row.day_opt(5)?));
    }
    Ok(())
}

sql!(
    GIVE,
    "INSERT INTO menu_links (tenant_id, point_id, menu_id) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, point_id) DO UPDATE SET menu_id = $3"
);

/// Notes which menu an address was given.
pub fn note_given(tx: &mut WriteTx<'_>, scope: Scope, point: PointId, menu: &str) -> Result<(), StoreError> {
    tx.exec(GIVE, args![scope.bytes(), point.bytes(), menu]).map(|_| ())
}
