//! How often something was asked for in a stretch of time. A bucket is a keyed hash, so that no address stands here.

use jiff::Timestamp;

use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::{args, sql};

/// Rows that one sweep takes away.
const SWEPT_MAX: i64 = 1_000;

sql!(
    USED,
    "SELECT uses, until_at FROM throttles WHERE bucket = $1 AND until_at > $2"
);

/// How many uses of a bucket there are in its present stretch, and when that ends; `None` where none has begun.
pub fn used(tx: &mut ReadTx<'_>, bucket: &[u8; 16], now: Timestamp) -> Result<Option<(i64, Timestamp)>, StoreError> {
    let args = args![bucket, now.as_millisecond()];
    tx.one(USED, args, |row| Ok((row.int(0)?, row.instant(1)?)))
}

sql!(
    HIT,
    "INSERT INTO throttles (bucket, uses, until_at) VALUES ($1, 1, $3)
     ON CONFLICT (bucket) DO UPDATE
       SET uses = CASE WHEN throttles.until_at <= $2 THEN 1 ELSE throttles.uses + 1 END,
           until_at = CASE WHEN throttles.until_at <= $2 THEN $3 ELSE throttles.until_at END
     RETURNING uses, until_at"
);

/// Counts one more use of a bucket; says how many there are in its present stretch and when that ends.
///
/// A stretch that is over begins anew and lasts until `until`.
pub fn hit(
    tx: &mut WriteTx<'_>,
    bucket: &[u8; 16],
    now: Timestamp,
    until: Timestamp,
) -> Result<(i64, Timestamp), StoreError> {
    let args = args![bucket, now.as_millisecond(), until.as_millisecond()];
    let counted = tx.one(HIT, args, |row| Ok((row.int(0)?, row.instant(1)?)))?;
    counted.ok_or(StoreError::Conflict {
        statement: "throttles::hit",
    })
}

sql!(
    SWEEP,
    "DELETE FROM throttles WHERE bucket IN
       (SELECT bucket FROM throttles WHERE until_at < $1 ORDER BY until_at LIMIT $2)"
);

/// Takes stretches away that ended before an instant; says how many.
pub fn sweep(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(SWEEP, args![before.as_millisecond(), SWEPT_MAX])
}
