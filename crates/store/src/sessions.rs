//! Sessions of staff, by the hash of their token; and how often somebody signed in wrongly.

use jiff::Timestamp;
use kizuna_domain::ids::StaffId;
use kizuna_domain::staff::Stay;
use sha2::{Digest, Sha256};

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::seal::Keyring;
use crate::staff::{self, Staff};
use crate::{args, sql};

/// What a browser holds; the database holds its hash only. Its `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token(pub [u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(‹secret›)")
    }
}

impl Token {
    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

sql!(
    ADD,
    "INSERT INTO sessions (token, staff_id, begun_at, used_at) VALUES ($1, $2, $3, $3)"
);

/// Begins a session.
pub fn add(tx: &mut WriteTx<'_>, token: &Token, staff: StaffId, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(ADD, args![&token.hash(), staff.bytes(), now.as_millisecond()])
        .map(|_| ())
}

sql!(
    FIND,
    "SELECT p.id, p.mail, p.name, p.operator, p.password IS NOT NULL, s.begun_at, s.used_at
              FROM sessions s JOIN staff p ON p.id = s.staff_id WHERE s.token = $1"
);

/// Whose session a token is, over or not.
pub fn find(tx: &mut ReadTx<'_>, keys: &Keyring, token: &Token) -> Result<Option<(Staff, Stay)>, StoreError> {
    tx.one(FIND, args![&token.hash()], |row| {
        let stay = Stay {
            begun: row.instant(5)?,
            used: row.instant(6)?,
        };
        Ok((staff::read(row, keys)?, stay))
    })
}

sql!(
    NOTE,
    "UPDATE sessions SET used_at = $2 WHERE token = $1 AND used_at < $2"
);

/// Notes that a session is used now.
pub fn note_use(tx: &mut WriteTx<'_>, token: &Token, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(NOTE, args![&token.hash(), now.as_millisecond()]).map(|_| ())
}

sql!(END, "DELETE FROM sessions WHERE token = $1");

/// Ends one session.
pub fn end(tx: &mut WriteTx<'_>, token: &Token) -> Result<(), StoreError> {
    tx.exec(END, args![&token.hash()]).map(|_| ())
}

sql!(END_ALL, "DELETE FROM sessions WHERE staff_id = $1");

/// Ends every session of a person.
pub fn end_all(tx: &mut WriteTx<'_>, staff: StaffId) -> Result<(), StoreError> {
    tx.exec(END_ALL, args![staff.bytes()]).map(|_| ())
}

sql!(FORGET, "DELETE FROM sessions WHERE begun_at < $1");

/// Forgets sessions that began before an instant.
pub fn forget(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<(), StoreError> {
    tx.exec(FORGET, args![before.as_millisecond()]).map(|_| ())
}

sql!(
    FAILURES,
    "SELECT failures, last_at FROM sign_in_failures WHERE bucket = $1"
);

/// Failures in a row in a bucket, and the instant of the last one.
pub fn failures(tx: &mut ReadTx<'_>, bucket: &[u8; 16]) -> Result<Option<(u32, Timestamp)>, StoreError> {
    tx.one(FAILURES, args![bucket], |row| {
        Ok((u32::try_from(row.int(0)?).unwrap_or(u32::MAX), row.instant(1)?))
    })
}

sql!(
    FIRST_FAILURE,
    "INSERT INTO sign_in_failures (bucket, failures, last_at) VALUES ($1, $2, $3) ON CONFLICT (bucket) DO NOTHING"
);
sql!(
    NEXT_FAILURE,
    "UPDATE sign_in_failures SET failures = $2, last_at = $3 WHERE bucket = $1 AND failures = $4"
);

/// Writes down the failures in a bucket, of which there were `known` before; a conflict where somebody else was faster.
pub fn set_failures(
    tx: &mut WriteTx<'_>,
    bucket: &[u8; 16],
    known: Option<u32>,
    failures: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (failures, now) = (i64::from(failures), now.as_millisecond());
    match known {
        None => tx.exec_one(FIRST_FAILURE, args![bucket, failures, now]),
        Some(known) => tx.exec_one(NEXT_FAILURE, args![bucket, failures, now, i64::from(known)]),
    }
}

sql!(
    TAKE_BACK,
    "UPDATE sign_in_failures SET failures = failures - 1 WHERE bucket = $1 AND failures > 0"
);

/// Takes one failure back: the try went well.
pub fn take_back(tx: &mut WriteTx<'_>, bucket: &[u8; 16]) -> Result<(), StoreError> {
    tx.exec(TAKE_BACK, args![bucket]).map(|_| ())
}

sql!(FORGIVE, "DELETE FROM sign_in_failures WHERE bucket = $1");

/// Forgives every failure in a bucket.
pub fn forgive(tx: &mut WriteTx<'_>, bucket: &[u8; 16]) -> Result<(), StoreError> {
    tx.exec(FORGIVE, args![bucket]).map(|_| ())
}

sql!(FORGET_FAILURES, "DELETE FROM sign_in_failures WHERE last_at < $1");

/// Forgets failures whose last one lies before an instant.
pub fn forget_failures(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<(), StoreError> {
    tx.exec(FORGET_FAILURES, args![before.as_millisecond()]).map(|_| ())
}
