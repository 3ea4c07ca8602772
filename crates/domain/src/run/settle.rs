//! What an outcome means for a delivery: a table as a function.

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Fault, Outcome, Refusal};

/// Seconds to wait before the second, third … attempt; after the last entry its wait repeats until the item expires.
///
/// RFC 5321 4.5.4.1 asks for pauses of thirty minutes in general; the first tries are nearer together because
/// greylisting usually opens within minutes and a daily message lives for hours only.
pub const RETRY_SECONDS: [i64; 6] = [60, 300, 900, 1800, 3600, 7200];

/// Whether losing or doubling a message is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// A daily message: never twice; what is in doubt is shown to a person.
    Daily,
    /// An emergency: never lost; what is in doubt is sent again.
    Emergency,
}

/// What happens next with one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Sent,
    /// Try again at this instant.
    RetryAt(Timestamp),
    /// Never tried again, and why.
    Failed(Failure),
    /// Sent or not, nobody can know; shown to a person.
    Unknown,
    /// Waits until a person has mended the account or the message.
    Held(Fault),
}

/// Why a delivery failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The provider refused this recipient.
    Refused(Refusal),
    /// Its time to live ended while the provider asked to wait.
    Expired,
}

/// The consequence of one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// For the delivery.
    pub next: Next,
    /// For the address: true where it must never be written to again.
    pub suppress: bool,
}

/// Everything but the outcome that a settlement depends on.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Number of this attempt, from 0.
    pub number: u32,
    /// Whether losing or doubling is worse.
    pub urgency: Urgency,
    /// True where the provider recognises repeats.
    pub retry_is_safe: bool,
    /// The present.
    pub now: Timestamp,
    /// When the message stops being of use.
    pub expires_at: Timestamp,
    /// A number from the message's key that spreads retries, so that thousands do not return at one instant.
    pub spread: u32,
}

/// The instant of the next try, or `None` where the message would be of no use by then.
pub fn retry_at(attempt: &Attempt, after_seconds: Option<u32>) -> Option<Timestamp> {
    let index = usize::try_from(attempt.number)
        .unwrap_or(usize::MAX)
        .min(RETRY_SECONDS.len() - 1);
    let wait = RETRY_SECONDS
        .get(index)
        .copied()
        .unwrap_or(7200)
        .max(after_seconds.map_or(0, i64::from));
    // Up to a tenth longer.
    let jitter = wait * i64::from(attempt.spread % 100) / 1000;
    let at = attempt.now.checked_add(SignedDuration::from_secs(wait + jitter)).ok()?;
    (at < attempt.expires_at).then_some(at)
}

/// Says what an outcome means.
///
/// ```
/// use kizuna_domain::run::{outcome::Outcome, settle::*};
/// let now = jiff::Timestamp::UNIX_EPOCH;
/// let expires_at = now + jiff::SignedDuration::from_hours(12);
/// let attempt = Attempt { number: 0, urgency: Urgency::Daily, retry_is_safe: false, now, expires_at, spread: 0 };
/// let lost = Outcome::Unknown { reply: "connection closed".into() };
/// assert_eq!(settle(&attempt, &lost).next, Next::Unknown);
/// ```
pub fn settle(attempt: &Attempt, outcome: &Outcome) -> Settlement {
    let retry = |after| retry_at(attempt, after).map_or(Next::Failed(Failure::Expired), Next::RetryAt);
    let (next, suppress) = match outcome {
        Outcome::Accepted { .. } => (Next::Sent, false),
        Outcome::Deferred { after_seconds, .. } => (retry(*after_seconds), false),
        Outcome::Refused { refusal, .. } => {
            let suppress = match refusal {
                Refusal::AddressGone | Refusal::Blocked => true,
                Refusal::Policy => false,
            };
            (Next::Failed(Failure::Refused(*refusal)), suppress)
        }
        Outcome::Unknown { .. } => match (attempt.retry_is_safe, attempt.urgency) {
            // Too late for another try: still nobody can know, so it is not called a failure.
            (true, _) | (false, Urgency::Emergency) => {
                (retry_at(attempt, None).map_or(Next::Unknown, Next::RetryAt), false)
            }
            (false, Urgency::Daily) => (Next::Unknown, false),
        },
        Outcome::Held { fault, .. } => (Next::Held(*fault), false),
    };
    Settlement { next, suppress }
}
