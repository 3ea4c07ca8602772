//! The one date that a family gives when it registers: read from a form, and refused with a reason it can act on.

use crate::age::DUE_AT;
use crate::day::Day;
use crate::position::{AGE_DAYS_MAX, Anchor, Customs, DUE_AT_AFTER_LAST, EndRule};
use crate::roster::{figures, is_plausible_address};
use crate::text::{fold, invisible};
use unicode_normalization::UnicodeNormalization as _;

/// いまは、どちらですか: what the date of a registration means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// 妊娠中: the date is a due date.
    Pregnant,
    /// 子育て中: the date is a day of birth.
    Raising,
}

/// Why a date cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateProblem {
    /// Some part is missing or no number.
    Missing,
    /// The month has no such day; its last day.
    NoSuchDay {
        /// The month.
        month: i8,
        /// Its last day in that year.
        last: i8,
    },
    /// A due date more than ten months away.
    DueTooFar,
    /// A due date that passed so long ago that the series of pregnancy has ended.
    DuePassed,
    /// A birth that lies ahead.
    BirthAhead,
    /// A child for whom every series has ended.
    Ended,
    /// A birth that cannot belong to the due date on record.
    FarFromDue,
}

/// Reads year, month and day as a form gives them: in digits of any width, of an era too (令和9, R9), with 3/15 in one
/// part or the whole date in one.
///
/// ```
/// use kizuna_domain::registration::{DateProblem, read_day};
/// assert_eq!(read_day("令和９年", "３", "15日").unwrap().to_string(), "2027-03-15");
/// assert_eq!(read_day("2027", "3/15", "").unwrap().to_string(), "2027-03-15");
/// assert_eq!(read_day("2027", "2", "30"), Err(DateProblem::NoSuchDay { month: 2, last: 28 }));
/// ```
pub fn read_day(year: &str, month: &str, day: &str) -> Result<Day, DateProblem> {
    let parts = [year, month, day].map(fold);
    // A year is often filled in beforehand: a whole date beside it counts.
    let whole = parts.iter().find_map(|part| figures(part));
    let joined = || {
        let parts = parts.iter().map(|part| part.trim_end_matches(['年', '月', '日']));
        let given: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        figures(&given.join("/"))
    };
    let (year, month, day) = whole.or_else(joined).ok_or(DateProblem::Missing)?;
    let first = Day::new(year, month, 1).ok_or(DateProblem::Missing)?;
    Day::new(year, month, day).ok_or_else(|| {
        let days = (28..=30).take_while(|ahead| (first + *ahead).month() == month).count();
        DateProblem::NoSuchDay {
            month,
            last: 28 + days as i8,
        }
    })
}

/// The anchor of a new registration; `ends` are the last days of the series that the tenant sends.
pub fn anchor(
    situation: Situation,
    date: Day,
    today: Day,
    ends: impl IntoIterator<Item = EndRule>,
    customs: &Customs,
) -> Result<Anchor, DateProblem> {
    match situation {
        // Ten months before the due date a pregnancy begins; two weeks after it the series ends.
        Situation::Pregnant if date - today > DUE_AT => Err(DateProblem::DueTooFar),
        Situation::Pregnant if date - today < DUE_AT_AFTER_LAST => Err(DateProblem::DuePassed),
        Situation::Pregnant => Ok(Anchor::Due(date)),
        Situation::Raising if date > today => Err(DateProblem::BirthAhead),
        Situation::Raising => {
            let lasts = |end: EndRule| end.last_day(date, customs).is_some_and(|last| today <= last);
            if today - date <= i32::from(AGE_DAYS_MAX) && ends.into_iter().any(lasts) {
                Ok(Anchor::Birth { on: date, due: None })
            } else {
                Err(DateProblem::Ended)
            }
        }
    }
}

/// Days before the due date from which a birth is possible: 22 weeks, as 母子保健法 counts births.
const BIRTH_BEFORE_DUE_MAX: i32 = DUE_AT - 22 * 7;
/// Days after the due date by which every child is born, with room for a due date that was wrong.
const BIRTH_AFTER_DUE_MAX: i32 = 42;

/// The anchor after うまれました or a corrected date of birth; the due date stays on record.
pub fn born(before: &Anchor, on: Day, today: Day) -> Result<Anchor, DateProblem> {
    if on > today {
        return Err(DateProblem::BirthAhead);
    }
    let due = before.due();
    if due.is_some_and(|due| due - on > BIRTH_BEFORE_DUE_MAX || on - due > BIRTH_AFTER_DUE_MAX) {
        return Err(DateProblem::FarFromDue);
    }
    Ok(Anchor::Birth { on, due })
}

/// Reads an e-mail address as a form gives it, with width and case evened out; `None` where it can be none.
///
/// ```
/// use kizuna_domain::registration::mail_address;
/// assert_eq!(mail_address(" Ｈana＠Reader.example ").as_deref(), Some("hana@reader.example"));
/// assert_eq!(mail_address("hana@"), None);
/// ```
pub fn mail_address(text: &str) -> Option<String> {
    let address = fold(text);
    is_plausible_address("email", &address).then_some(address)
}

/// Characters of a nickname at most: it stands above a message, beside others.
pub const NICKNAME_CHARS_MAX: usize = 20;

/// Why a nickname cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NicknameProblem {
    /// More than [`NICKNAME_CHARS_MAX`] characters.
    TooLong,
    /// It holds a character that nobody can see, or a line break.
    Invisible,
}

/// Reads a nickname as a form gives it, with the width of its letters evened out; `None` where it was left open.
///
/// ```
/// use kizuna_domain::registration::{NicknameProblem, nickname};
/// assert_eq!(nickname(" ﾊﾅちゃん　"), Ok(Some("ハナちゃん".to_owned())));
/// assert_eq!(nickname("  "), Ok(None));
/// assert_eq!(nickname("は\u{202e}な"), Err(NicknameProblem::Invisible));
/// ```
pub fn nickname(text: &str) -> Result<Option<String>, NicknameProblem> {
    let folded: String = text.nfkc().collect();
    let name = folded.trim();
    if invisible(name).is_some() || name.contains(['\n', '\t']) {
        Err(NicknameProblem::Invisible)
    } else if name.chars().count() > NICKNAME_CHARS_MAX {
        Err(NicknameProblem::TooLong)
    } else {
        Ok((!name.is_empty()).then(|| name.to_owned()))
    }
}
