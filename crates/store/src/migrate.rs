//! Migrations: numbered files, applied once, in order, with their digests kept so that nobody edits one later.

use sha2::{Digest, Sha256};

use crate::db::{Db, WriteTx};
use crate::error::StoreError;
use crate::{args, sql};

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (2, "staff", include_str!("../migrations/0002_staff.sql")),
    (3, "requests", include_str!("../migrations/0003_requests.sql")),
    (4, "line", include_str!("../migrations/0004_line.sql")),
    (5, "menus", include_str!("../migrations/0005_menus.sql")),
    (6, "media", include_str!("../migrations/0006_media.sql")),
    (7, "mail", include_str!("../migrations/0007_mail.sql")),
    (8, "register", include_str!("../migrations/0008_register.sql")),
    (9, "words", include_str!("../migrations/0009_words.sql")),
    (10, "life", include_str!("../migrations/0010_life.sql")),
    (11, "family", include_str!("../migrations/0011_family.sql")),
    (12, "data", include_str!("../migrations/0012_data.sql")),
    (13, "stops", include_str!("../migrations/0013_stops.sql")),
    (14, "throttles", include_str!("../migrations/0014_throttles.sql")),
    (15, "links", include_str!("../migrations/0015_links.sql")),
];

/// Two processes that start at once migrate one after the other (PostgreSQL; SQLite has one writer anyway).
const LOCK: &str = "SELECT pg_advisory_xact_lock(7305808869230)";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)";

/// What `migrate` did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrated {
    /// Names of the migrations that were applied now.
    pub applied: Vec<String>,
}

/// Brings the schema up to this version of the program.
pub fn migrate(db: &Db) -> Result<Migrated, StoreError> {
    db.write(|tx| {
        if !tx.is_lite() {
            tx.script(LOCK)?;
        }
        tx.script(TABLE)?;
        let known = known(tx)?;
        refuse_strangers(&known)?;
        let mut done = Migrated::default();
        for (number, name, text) in MIGRATIONS.iter().filter(|m| !known.iter().any(|k| k.0 == m.0)) {
            let script = if tx.is_lite() {
                text.replace("/*lite:", "").replace("*/", "")
            } else {
                (*text).to_owned()
            };
            tx.script(&script)?;
            tx.exec(ADD, args![*number, *name, &digest(text)])?;
            done.applied.push(format!("{number:04}_{name}"));
        }
        Ok(done)
    })
}

/// Fails unless the schema is exactly that of this version.
pub fn verify(db: &Db) -> Result<(), StoreError> {
    let wrong = || StoreError::Schema("the database has no tables yet; run `kizuna migrate` first".to_owned());
    let known = db
        .read(|tx| tx.all(KNOWN, &[], |row| Ok((row.int(0)?, row.text(1)?.to_owned()))))
        .map_err(|error| match error {
            StoreError::Lite {
                source: rusqlite::Error::SqliteFailure(_, Some(text)),
                ..
            } if text.contains("no such table") => wrong(),
            StoreError::Pg { source, .. } if source.code() == Some(&postgres::error::SqlState::UNDEFINED_TABLE) => {
                wrong()
            }
            other => other,
        })?;
    refuse_strangers(&known)?;
    if known.len() < MIGRATIONS.len() {
        return Err(StoreError::Schema(
            "the database is older than this program; run `kizuna migrate`".to_owned(),
        ));
    }
    Ok(())
}

sql!(KNOWN, "SELECT number, digest FROM migrations ORDER BY number");
sql!(ADD, "INSERT INTO migrations (number, name, digest) VALUES ($1, $2, $3)");

fn known(tx: &mut WriteTx<'_>) -> Result<Vec<(i64, String)>, StoreError> {
    tx.all(KNOWN, &[], |row| Ok((row.int(0)?, row.text(1)?.to_owned())))
}

fn refuse_strangers(known: &[(i64, String)]) -> Result<(), StoreError> {
    for (number, found) in known {
        match MIGRATIONS.iter().find(|migration| migration.0 == *number) {
            None => {
                let text = format!("migration {number} is not known to this program; install the newer version again");
                return Err(StoreError::Schema(text));
            }
            Some((_, name, text)) if digest(text) != *found => {
                let text = format!(
                    "migration {number} ({name}) differs from the one this database was made with; run the version that made it, or restore a backup"
                );
                return Err(StoreError::Schema(text));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
