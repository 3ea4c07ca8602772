//! The double's clock: the machine's, or one that stands still until it is told to move.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz};

/// Which clock a double goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    Real,
    /// One that stands at an instant and moves only when it is advanced.
    Set(Timestamp),
}

/// A clock that can be advanced; the machine's then runs ahead by so much.
#[derive(Debug)]
pub(crate) struct Clock {
    kind: ClockKind,
    ahead: SignedDuration,
}

impl Clock {
    pub(crate) fn new(kind: ClockKind) -> Clock {
        Clock {
            kind,
            ahead: SignedDuration::ZERO,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the double is a program of its own with its own clock"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        let base = match self.kind {
            ClockKind::Real => Timestamp::now(),
            ClockKind::Set(at) => at,
        };
        base.saturating_add(self.ahead).unwrap_or(base)
    }

    pub(crate) fn advance(&mut self, by: SignedDuration) {
        self.ahead = self.ahead.saturating_add(by);
    }
}

/// The day in Japan, by which LINE counts days and months.
pub(crate) fn day_in_japan(at: Timestamp) -> Date {
    tz::offset(9).to_datetime(at).date()
}

/// Instants as text in JSON.
pub(crate) mod text {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
