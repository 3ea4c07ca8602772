//! The send epoch: a database restored from a backup must not send what its original sent already.
//!
//! Every claim of work raises `high_water`. A witness outside the database remembers the highest value seen; a
//! database that knows less than its witness was restored, one whose witness is missing was moved, and both
//! stay silent until a person claims the epoch.

use kizuna_domain::day::Day;

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::{args, sql};

/// The installation's fence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Name given to this database when it was made.
    pub node: String,
    /// Which claim this is, from 1.
    pub epoch: i64,
    /// Claims of work so far.
    pub high_water: i64,
    /// The last day that was given up when the epoch was claimed.
    pub fenced_through: Option<Day>,
}

sql!(
    GET,
    "SELECT node, epoch, high_water, fenced_through_on FROM installation WHERE id = 1"
);

/// The fence; `None` before the first `migrate`.
pub fn get(tx: &mut ReadTx<'_>) -> Result<Option<Fence>, StoreError> {
    tx.one(GET, args![], |row: &Row<'_>| {
        Ok(Fence {
            node: row.text(0)?.to_owned(),
            epoch: row.int(1)?,
            high_water: row.int(2)?,
            fenced_through: row.day_opt(3)?,
        })
    })
}

sql!(
    CREATE,
    "INSERT INTO installation (id, node, epoch, high_water, fenced_through_on) VALUES (1, $1, 1, 0, NULL)
              ON CONFLICT (id) DO NOTHING"
);

/// Names the installation once.
pub fn create(tx: &mut WriteTx<'_>, node: &str) -> Result<(), StoreError> {
    tx.exec(CREATE, args![node]).map(|_| ())
}

sql!(
    RAISE,
    "UPDATE installation SET high_water = high_water + 1 WHERE id = 1 AND epoch = $1"
);

/// Counts one more claim of work; a conflict where another process claimed the epoch in the meantime.
pub fn raise(tx: &mut WriteTx<'_>, epoch: i64) -> Result<(), StoreError> {
    tx.exec_one(RAISE, args![epoch])
}

sql!(
    CLAIM,
    "UPDATE installation SET epoch = epoch + 1, high_water = high_water + 1, fenced_through_on = $1 WHERE id = 1"
);

/// Claims the epoch for this database; days up to `through` are given up.
pub fn claim(tx: &mut WriteTx<'_>, through: Option<Day>) -> Result<(), StoreError> {
    let through = through.map(|day| day.to_string());
    tx.exec_one(CLAIM, args![through.as_deref()])
}
