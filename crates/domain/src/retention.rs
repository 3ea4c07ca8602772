//! How long a reader's data is kept: when a series is over, and when what is left of a reader is erased.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::position::Anchor;
use crate::tenant::Settings;

/// Days after the due date on which 42 weeks of pregnancy are complete: the question after the due date is asked then.
const QUESTION_DAYS: i32 = 14;
/// Fewest days for which a birth is waited for: somebody with a newborn has other things to do.
const AWAITING_DAYS_MIN: u16 = 30;
/// Most days that any of these may last: twenty years.
const DAYS_MAX: u16 = 7_300;

/// How many days a tenant keeps what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// From a stop until the reader is erased.
    pub after_stop_days: u16,
    /// From the end of the series until the reader is erased; the words can be read until then.
    pub after_end_days: u16,
    /// From 42w0d without news of a birth until the subscription ends.
    pub awaiting_days: u16,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            after_stop_days: 90,
            after_end_days: 1_095,
            awaiting_days: 180,
        }
    }
}

/// How a reader who follows nothing any more went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// They stopped, or their agreement does not stand any more.
    Stopped,
    /// A series reached its last day, and they still agree.
    Completed,
}

impl Retention {
    /// Says whether these numbers can be used.
    pub fn is_usable(&self) -> bool {
        let days = [self.after_stop_days, self.after_end_days, self.awaiting_days];
        days.iter().all(|days| *days <= DAYS_MAX) && self.awaiting_days >= AWAITING_DAYS_MIN
    }

    /// When a reader who parted by `now` is to be erased.
    pub fn erase_at(&self, parting: Parting, now: Timestamp) -> Timestamp {
        let days = match parting {
            Parting::Stopped => self.after_stop_days,
            Parting::Completed => self.after_end_days,
        };
        let kept = SignedDuration::from_hours(24 * i64::from(days));
        now.checked_add(kept).unwrap_or(Timestamp::MAX)
    }

    /// The last due date for which nobody waits any more on a day.
    pub fn awaited_until(&self, today: Day) -> Day {
        today - QUESTION_DAYS - i32::from(self.awaiting_days) - 1
    }
}

/// True where nothing can come to a family any more: every series is over for a child, or a birth was waited for in vain.
///
/// Births are in order: whatever is over for a child is over for every older one. A tenant without series ends nobody.
pub fn is_over(settings: &Settings, anchor: &Anchor, today: Day) -> bool {
    let made_up = i32::from(settings.catch_up_days);
    match *anchor {
        Anchor::Due(due) => due <= settings.retention.awaited_until(today),
        Anchor::Birth { on, .. } => {
            let ends = |end: crate::position::EndRule| end.last_day(on, &settings.customs);
            // A missed last day may still be made up.
            let is_past = |last: Day| last + made_up < today;
            !settings.adopt.is_empty()
                && settings
                    .adopt
                    .iter()
                    .all(|series| ends(series.end).is_some_and(is_past))
        }
    }
}
