//! Which slots of a series a tenant sends: always an explicit set, never "every n days".
//!
//! Grids are helpers for writing such a set down once; what is stored and planned are the slots themselves,
//! so that day 100 and day 1000 can stand between them and a later change of the grid moves nobody.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::position::{GESTATION_FIRST, GESTATION_LAST, NotAPosition, Position};

/// One stretch of the base cadence: the first and last age in days and the step between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// First day of age.
    pub from: u16,
    /// Last day of age.
    pub until: u16,
    /// Days from one message to the next.
    pub step: u16,
}

/// The cadence the real service describes: daily to day 100, then about every 3, 7 and 14 days.
pub const BASE_BANDS: [Band; 4] = [
    Band {
        from: 0,
        until: 100,
        step: 1,
    },
    Band {
        from: 103,
        until: 364,
        step: 3,
    },
    Band {
        from: 370,
        until: 727,
        step: 7,
    },
    Band {
        from: 742,
        until: 1092,
        step: 14,
    },
];

/// The slots of a series that a tenant sends.
///
/// ```
/// use kizuna_domain::cadence::Slots;
/// let slots: Slots = "4w0d..4w6d d0 d3 m12 last".parse().unwrap();
/// assert!(slots.has("4w3d".parse().unwrap()));
/// assert!(!slots.has("d1".parse().unwrap()));
/// assert_eq!(slots.to_string(), "m12 4w0d..4w6d d0 d3 last");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Slots {
    /// Every slot that the edition has an article for.
    All,
    /// These and no others.
    Only(BTreeSet<Position>),
}

impl Slots {
    /// The base cadence, written out: every pregnancy day, [`BASE_BANDS`], milestones, birthdays and the last day.
    pub fn base() -> Slots {
        let mut slots: BTreeSet<Position> = (GESTATION_FIRST..=GESTATION_LAST)
            .map(Position::GestationalDay)
            .collect();
        for band in BASE_BANDS {
            slots.extend(
                (band.from..=band.until)
                    .step_by(usize::from(band.step))
                    .map(Position::AgeDay),
            );
        }
        slots.extend([100, 1000].map(Position::CountedDay));
        slots.extend([12, 24, 36].map(Position::AgeMonth));
        slots.insert(Position::LastDay);
        Slots::Only(slots)
    }

    /// True where this position is sent.
    pub fn has(&self, position: Position) -> bool {
        match self {
            Slots::All => true,
            Slots::Only(slots) => slots.contains(&position),
        }
    }
}

impl fmt::Display for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Slots::Only(slots) = self else {
            return f.write_str("all");
        };
        let mut rest = slots.iter().copied().peekable();
        let mut separator = "";
        while let Some(first) = rest.next() {
            let mut last = first;
            while let Some(next) = rest.next_if(|next| follows(last, *next)) {
                last = next;
            }
            write!(f, "{separator}{first}")?;
            if last != first {
                write!(f, "..{last}")?;
            }
            separator = " ";
        }
        Ok(())
    }
}

fn follows(before: Position, next: Position) -> bool {
    match (before, next) {
        (Position::GestationalDay(a), Position::GestationalDay(b))
        | (Position::AgeDay(a), Position::AgeDay(b))
        | (Position::AgeMonth(a), Position::AgeMonth(b)) => a + 1 == b,
        _ => false,
    }
}

/// A text that is not a set of slots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSlots {
    /// One of the entries cannot be read.
    #[error(transparent)]
    Position(#[from] NotAPosition),
    /// A range whose ends are on different axes or in the wrong order.
    #[error("'{0}' is not a range; write the earlier slot first and stay on one axis, as in d0..d100")]
    Range(String),
}

impl FromStr for Slots {
    type Err = NotSlots;

    fn from_str(text: &str) -> Result<Slots, NotSlots> {
        match text.trim() {
            "all" => return Ok(Slots::All),
            "base" => return Ok(Slots::base()),
            _ => {}
        }
        let mut slots = BTreeSet::new();
        for entry in text.split_whitespace() {
            match entry.split_once("..") {
                None => {
                    slots.insert(entry.parse()?);
                }
                Some((from, until)) => {
                    slots
                        .extend(range(from.parse()?, until.parse()?).ok_or_else(|| NotSlots::Range(entry.to_owned()))?);
                }
            }
        }
        Ok(Slots::Only(slots))
    }
}

fn range(from: Position, until: Position) -> Option<Vec<Position>> {
    let span = |a: u16, b: u16, make: fn(u16) -> Position| (a <= b).then(|| (a..=b).map(make).collect());
    match (from, until) {
        (Position::GestationalDay(a), Position::GestationalDay(b)) => span(a, b, Position::GestationalDay),
        (Position::AgeDay(a), Position::AgeDay(b)) => span(a, b, Position::AgeDay),
        (Position::AgeMonth(a), Position::AgeMonth(b)) => span(a, b, Position::AgeMonth),
        _ => None,
    }
}

impl TryFrom<String> for Slots {
    type Error = NotSlots;
    fn try_from(text: String) -> Result<Slots, NotSlots> {
        text.parse()
    }
}

impl From<Slots> for String {
    fn from(slots: Slots) -> String {
        slots.to_string()
    }
}
