//! Runs, the ledger and the batches: what is due once is written once, and a crash loses nothing.

mod calls;
mod cohorts;
mod days;
mod ledger;
mod outbox;
mod recall;
mod report;

use jiff::Timestamp;

pub use calls::{CallRow, add_call, calls_of};
pub use cohorts::{add_cohort, cohort, note_names};
pub use days::{Run, close, get, missed, open, planned, reopen};
pub use ledger::{
    Delivery, EXPIRED, NewDelivery, UNKNOWN, add_deliveries, all_of_subscription, carry, forget_expired, given_up,
    is_reserved, mark, marked, of_slot, of_subscription, point_of, rebatch, reroute, reserved, share_ledger,
};
pub use outbox::{
    Claimed, LetterRow, NewBatch, Tally, abandon_all, accounts_due, add_batch, advance, claim, expire_held,
    expire_waiting, finish, hasten, letters, next_due, progress, put_off, release, renew, reopen_held, so_far,
    standing,
};
pub use recall::{Recall, WaitingLetter, recall, take_waiting};
pub use report::{RunTally, doubts, reasons, tally};

/// Slots of one letter at most: one reader's children with all their articles of a day.
const ROWS_PER_LETTER_MAX: i64 = 200;

fn instant(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
