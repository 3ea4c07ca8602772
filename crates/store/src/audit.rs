//! Who did what, when: one entry for every action, each holding the one before it. Never names, addresses or words of messages.
//!
//! There is one chain for each tenant and one for the installation. An entry's hash covers the entry and the hash
//! before it; the head of a chain is sealed with the installation's key, so that whoever can write to the database
//! but has no key cannot cut the newest entries off. What was written before there were chains is covered by the
//! origin from which a chain begins. A damaged chain is written on, marked as broken for good: the audit never keeps
//! a reader from stopping.
//!
//! The head is locked from here to the end of the transaction, so an entry is the last thing that an action writes.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::{ReadTx, Row, Value, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Entries that a walk along a chain holds in memory.
const WALK_PAGE: i64 = 1_000;
/// The chain of the installation.
const INSTALLATION: [u8; 16] = [0; 16];

type Hash = [u8; 32];

/// One entry.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Identifier, which also sorts.
    pub id: Uuid,
    /// Whose data; none for the installation.
    pub scope: Option<Scope>,
    /// When.
    pub at: Timestamp,
    /// Who: `cli`, `reader`, a staff id.
    pub actor: &'a str,
    /// What: `content.import`, `reader.stop`.
    pub action: &'a str,
    /// On what: an identifier or a code.
    pub subject: &'a str,
    /// Numbers and codes worth knowing.
    pub detail: &'a str,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Identifier.
    pub id: Uuid,
    /// Place in its chain, from 1; none where it was written before there were chains.
    pub seq: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Numbers and codes worth knowing.
    pub detail: String,
}

fn chain_of(scope: Option<Scope>) -> [u8; 16] {
    scope.map_or(INSTALLATION, |scope| *scope.bytes())
}

/// Hashes fields with their lengths, so that no two lists of fields read the same.
struct Fields(Sha256);

impl Fields {
    fn of(fields: &[&[u8]]) -> Fields {
        let mut all = Fields(Sha256::new());
        for field in fields {
            all.add(field);
        }
        all
    }

    fn add(&mut self, field: &[u8]) {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn hash(self) -> Hash {
        self.0.finalize().into()
    }
}

/// The canonical form of an entry, in the order of the columns.
fn canonical<'a>(at: &'a [u8; 8], id: &'a Uuid, tenant: &'a [u8], words: [&'a str; 4]) -> [&'a [u8]; 7] {
    let [actor, action, subject, detail] = words.map(str::as_bytes);
    [id.as_bytes(), tenant, at, actor, action, subject, detail]
}

/// The hash of an entry at its place: over the hash before it, the place, and the entry.
fn link(previous: &Hash, chain: &[u8; 16], seq: i64, entry: &[&[u8]]) -> Hash {
    let mut fields = Fields::of(&[previous, chain, &seq.to_be_bytes()]);
    for field in entry {
        fields.add(field);
    }
    fields.hash()
}

/// Where a chain ends.
struct Head {
    seq: i64,
    hash: Hash,
    /// The hash over everything from before the chain, which its first entry continues.
    origin: Hash,
    /// The first entry that was written on a head that was not genuine; 0 for none.
    broken: i64,
    seal: Vec<u8>,
}

impl Head {
    fn seal(&self, keys: &Keyring, chain: &[u8; 16]) -> Hash {
        keys.seal_head(&[
            chain,
            &self.seq.to_be_bytes(),
            &self.hash,
            &self.origin,
            &self.broken.to_be_bytes(),
        ])
    }

    fn is_genuine(&self, keys: &Keyring, chain: &[u8; 16]) -> bool {
        self.seal == self.seal(keys, chain)
    }
}

/// A hash as stored; zeros where the column was damaged, which then fits nothing.
fn hash_in(row: &Row<'_>, column: usize) -> Result<Hash, StoreError> {
    Ok(row
        .bytes_opt(column)?
        .unwrap_or_default()
        .try_into()
        .unwrap_or_default())
}

fn head(row: &Row<'_>) -> Result<Head, StoreError> {
    Ok(Head {
        seq: row.int(0)?,
        hash: hash_in(row, 1)?,
        origin: hash_in(row, 2)?,
        broken: row.int(3)?,
        seal: row.bytes(4)?.to_vec(),
    })
}

sql!(
    LOCK_HEAD,
    pg: "SELECT seq, hash, origin, broken_seq, seal FROM audit_heads WHERE chain = $1 FOR UPDATE",
    lite: "SELECT seq, hash, origin, broken_seq, seal FROM audit_heads WHERE chain = $1"
);
sql!(
    BEGIN_CHAIN,
    "INSERT INTO audit_heads (chain, seq, hash, origin, broken_seq, seal) VALUES ($1, $2, $3, $4, $5, $6)
              ON CONFLICT (chain) DO NOTHING"
);
sql!(
    MOVE_HEAD,
    "UPDATE audit_heads SET seq = $2, hash = $3, broken_seq = $4, seal = $5 WHERE chain = $1"
);
sql!(
    ADD,
    "INSERT INTO audit (id, tenant_id, at, actor, action, subject, detail, chain, seq, hash)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
);

/// Writes an entry at the end of its chain, in the transaction of the action itself.
pub fn write(tx: &mut WriteTx<'_>, keys: &Keyring, entry: &Entry<'_>) -> Result<(), StoreError> {
    let chain = chain_of(entry.scope);
    let before = match tx.one(LOCK_HEAD, args![&chain], head)? {
        Some(before) => before,
        None => begin_chain(tx, keys, entry.scope)?,
    };
    let seq = before.seq + 1;
    let at = entry.at.as_millisecond();
    let tenant = entry.scope.map(|scope| scope.tenant());
    let tenant = tenant.as_ref().map(kizuna_domain::ids::TenantId::bytes);
    let words = [entry.actor, entry.action, entry.subject, entry.detail];
    let tenant_bytes = tenant.map(<[u8; 16]>::as_slice).unwrap_or_default();
    let hash = link(
        &before.hash,
        &chain,
        seq,
        &canonical(&at.to_be_bytes(), &entry.id, tenant_bytes, words),
    );
    let broken = match before.broken {
        0 if !before.is_genuine(keys, &chain) => seq,
        broken => broken,
    };
    let after = Head {
        seq,
        hash,
        broken,
        ..before
    };
    let [actor, action, subject, detail] = words;
    let row = args![
        entry.id.as_bytes(),
        tenant,
        at,
        actor,
        action,
        subject,
        detail,
        &chain,
        seq,
        &hash
    ];
    tx.exec(ADD, row)?;
    let seal = after.seal(keys, &chain);
    tx.exec_one(MOVE_HEAD, args![&chain, seq, &hash, broken, &seal])
}

/// Begins a chain where there is none, and locks its head whoever was first.
fn begin_chain(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Option<Scope>) -> Result<Head, StoreError> {
    let chain = chain_of(scope);
    let (origin, _) = origin(tx, scope)?;
    let first = Head {
        seq: 0,
        hash: origin,
        origin,
        broken: 0,
        seal: Vec::new(),
    };
    let seal = first.seal(keys, &chain);
    let row = args![&chain, first.seq, &first.hash, &first.origin, first.broken, &seal];
    tx.exec(BEGIN_CHAIN, row)?;
    tx.one(LOCK_HEAD, args![&chain], head)?.ok_or(StoreError::Conflict {
        statement: "audit::begin_chain",
    })
}

sql!(
    BEFORE_THE_CHAIN,
    "SELECT id, tenant_id, at, actor, action, subject, detail FROM audit
              WHERE tenant_id IS NOT DISTINCT FROM $1 AND chain IS NULL ORDER BY at, id"
);

/// A hash over everything that was written before there were chains, and how many entries that are.
fn origin(tx: &mut ReadTx<'_>, scope: Option<Scope>) -> Result<(Hash, i64), StoreError> {
    let (mut fields, mut entries) = (Fields::of(&[]), 0);
    let tenant: Value<'_> = scope.as_ref().map(Scope::bytes).into();
    tx.each(BEFORE_THE_CHAIN, &[tenant], &mut |row| {
        let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
        let words = [row.text(3)?, row.text(4)?, row.text(5)?, row.text(6)?];
        let tenant = row.bytes_opt(1)?.unwrap_or_default();
        for field in canonical(&row.int(2)?.to_be_bytes(), &id, tenant, words) {
            fields.add(field);
        }
        entries += 1;
        Ok(())
    })?;
    Ok((fields.hash(), entries))
}

/// What a walk along a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the chain, as far as the walk went.
    pub entries: i64,
    /// Entries from before there were chains.
    pub before: i64,
    /// The end of the chain, to be noted elsewhere and compared later.
    pub head: [u8; 32],
    /// The first fault; none where the chain is whole.
    pub fault: Option<Fault>,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What was written before there were chains was changed, removed or added to since.
    Before,
    /// The entry at this place says something else than when it was written, or stood at another place.
    Changed(i64),
    /// There is no entry at this place.
    Removed(i64),
    /// An entry was added at this place that nobody wrote through this program.
    Inserted(i64),
    /// The end of the chain is not the one that this installation sealed.
    Head,
    /// The end was not genuine when the entry at this place was written; the chain is whole since.
    Broken(i64),
}

sql!(
    LOOK_AT_HEAD,
    "SELECT seq, hash, origin, broken_seq, seal FROM audit_heads WHERE chain = $1"
);
sql!(
    WALK,
    "SELECT id, tenant_id, at, actor, action, subject, detail, seq, hash FROM audit
              WHERE chain = $1 AND (seq, id) > ($2, $3) ORDER BY seq, id LIMIT $4"
);

/// Where a walk stands.
struct Walk {
    seq: i64,
    id: Uuid,
    previous: Hash,
    fault: Option<Fault>,
}

impl Walk {
    /// Takes the next entry, unless something was wrong before.
    fn take(&mut self, row: &Row<'_>, chain: &[u8; 16], end: i64) -> Result<(), StoreError> {
        if self.fault.is_some() {
            return Ok(());
        }
        let seq = row.int(7)?;
        let id = row.id(0, |bytes| Uuid::from_slice(bytes).ok())?;
        let words = [row.text(3)?, row.text(4)?, row.text(5)?, row.text(6)?];
        let tenant = row.bytes_opt(1)?.unwrap_or_default();
        let at = row.int(2)?.to_be_bytes();
        let hash = link(&self.previous, chain, seq, &canonical(&at, &id, tenant, words));
        self.fault = if seq <= self.seq || seq > end {
            Some(Fault::Inserted(seq))
        } else if seq > self.seq + 1 {
            Some(Fault::Removed(self.seq + 1))
        } else if hash != hash_in(row, 8)? {
            Some(Fault::Changed(seq))
        } else {
            None
        };
        if self.fault.is_none() {
            (self.seq, self.id, self.previous) = (seq, id, hash);
        }
        Ok(())
    }
}

/// Walks a whole chain, page by page, and says whether it is as it was written.
pub fn verify(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Option<Scope>) -> Result<Verified, StoreError> {
    let chain = chain_of(scope);
    let (origin, before) = origin(tx, scope)?;
    let found = tx.one(LOOK_AT_HEAD, args![&chain], head)?;
    let is_genuine = found.as_ref().is_none_or(|head| head.is_genuine(keys, &chain));
    let mut walk = Walk {
        seq: 0,
        id: Uuid::nil(),
        previous: found.as_ref().map_or(origin, |head| head.origin),
        fault: None,
    };
    if is_genuine && walk.previous != origin {
        walk.fault = Some(Fault::Before);
    }
    // Without a genuine head nobody knows where the chain ended.
    let end = found.as_ref().filter(|_| is_genuine).map_or(i64::MAX, |head| head.seq);
    loop {
        let (from, mut rows) = (walk.seq, 0);
        let id = walk.id;
        tx.each(WALK, args![&chain, from, id.as_bytes(), WALK_PAGE], &mut |row| {
            rows += 1;
            walk.take(row, &chain, end)
        })?;
        if walk.fault.is_some() || rows < WALK_PAGE {
            break;
        }
    }
    let fault = walk.fault.or(match &found {
        None if walk.seq > 0 => Some(Fault::Head),
        Some(_) if !is_genuine => Some(Fault::Head),
        Some(head) if walk.seq < head.seq => Some(Fault::Removed(walk.seq + 1)),
        Some(head) if walk.previous != head.hash => Some(Fault::Head),
        Some(head) if head.broken > 0 => Some(Fault::Broken(head.broken)),
        None | Some(_) => None,
    });
    Ok(Verified {
        entries: walk.seq,
        before,
        head: walk.previous,
        fault,
    })
}

/// Where a page of entries begins: before this instant and identifier.
pub type Mark = (Timestamp, Uuid);

fn stored(row: &Row<'_>) -> Result<Stored, StoreError> {
    Ok(Stored {
        id: row.id(0, |bytes| Uuid::from_slice(bytes).ok())?,
        seq: row.int_opt(1)?,
        at: row.instant(2)?,
        actor: row.text(3)?.to_owned(),
        action: row.text(4)?.to_owned(),
        subject: row.text(5)?.to_owned(),
        detail: row.text(6)?.to_owned(),
    })
}

sql!(
    LATEST,
    "SELECT id, seq, at, actor, action, subject, detail FROM audit
              WHERE tenant_id = $1 AND (chain = $1 OR chain IS NULL) AND (at, id) < ($2, $3)
              ORDER BY at DESC, id DESC LIMIT $4"
);
sql!(
    LATEST_OF_INSTALLATION,
    "SELECT id, seq, at, actor, action, subject, detail FROM audit
              WHERE tenant_id IS NULL AND (chain = $1 OR chain IS NULL) AND (at, id) < ($2, $3)
              ORDER BY at DESC, id DESC LIMIT $4"
);

sql!(
    LATEST_OF_STAFF,
    "SELECT id, seq, at, actor, action, subject, detail FROM audit
              WHERE tenant_id = $1 AND (chain = $1 OR chain IS NULL) AND (at, id) < ($2, $3) AND actor <> 'reader'
                AND action NOT LIKE 'address.%' AND (action NOT LIKE 'readers.%' OR action = 'readers.import')
              ORDER BY at DESC, id DESC LIMIT $4"
);

/// The latest entries of a tenant, newest first, but for what readers did and what became of them: whoever reads the
/// others cannot tell when somebody stopped.
pub fn latest_of_staff(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    before: Option<Mark>,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let (at, id) = before.unwrap_or((Timestamp::MAX, Uuid::max()));
    let args = args![scope.bytes(), at.as_millisecond(), id.as_bytes(), limit];
    tx.all(LATEST_OF_STAFF, args, stored)
}

/// The latest entries of a tenant or of the installation, newest first, before a mark if one is given.
pub fn latest(
    tx: &mut ReadTx<'_>,
    scope: Option<Scope>,
    before: Option<Mark>,
    limit: i64,
) -> Result<Vec<Stored>, StoreError> {
    let (at, id) = before.unwrap_or((Timestamp::MAX, Uuid::max()));
    let chain = chain_of(scope);
    let statement = if scope.is_some() {
        LATEST
    } else {
        LATEST_OF_INSTALLATION
    };
    tx.all(
        statement,
        args![&chain, at.as_millisecond(), id.as_bytes(), limit],
        stored,
    )
}
