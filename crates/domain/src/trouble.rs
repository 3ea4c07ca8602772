//! What keeps messages from an address, and what follows from it.

use serde::{Deserialize, Serialize};

use crate::people::codes;
use crate::run::outcome::{Outcome, Refusal, Step};

/// Days back for which trouble at an address counts, and is kept.
pub const TROUBLE_DAYS: i32 = 14;

/// Days with a full mailbox or an unreachable server, within [`TROUBLE_DAYS`], after which an address rests.
pub const TROUBLED_DAYS_MAX: usize = 3;

codes! {
    /// What keeps messages from an address.
    Trouble {
        /// アドレスがない: nobody has it.
        Gone = "gone",
        /// 受信設定: the reader's filter refuses us before the text.
        Blocked = "blocked",
        /// 受信設定, perhaps: refused after the text in words that carriers use for a filter and for an unknown address.
        Filtered = "filtered",
        /// いっぱい: no room in the mailbox.
        Full = "full",
        /// つながらない: the reader's server took nothing for days.
        Away = "away",
    }
}

impl Trouble {
    /// What a provider's answer at once tells about the address; `None` where the address is not to blame.
    ///
    /// docomo and au answer a text that the reader's own filter refused with the words for an unknown address.
    pub fn of(outcome: &Outcome) -> Option<Trouble> {
        let Outcome::Refused { refusal, step, reply } = outcome else {
            return None;
        };
        match refusal {
            Refusal::AddressGone => Some(Trouble::Gone),
            Refusal::Blocked => Some(Trouble::Blocked),
            Refusal::Policy => {
                let reply = reply.to_ascii_lowercase();
                let unknown = ["unknown user", "user unknown"]
                    .iter()
                    .any(|words| reply.contains(words));
                (*step == Step::Final && unknown).then_some(Trouble::Filtered)
            }
        }
    }

    /// Why an address is never written to again at once; `None` where it is not.
    pub fn suppression(self) -> Option<Refusal> {
        match self {
            Trouble::Gone => Some(Refusal::AddressGone),
            Trouble::Blocked => Some(Refusal::Blocked),
            Trouble::Filtered | Trouble::Full | Trouble::Away => None,
        }
    }

    /// True where some days of it let the address rest.
    pub fn counts(self) -> bool {
        match self {
            Trouble::Full | Trouble::Away => true,
            Trouble::Gone | Trouble::Blocked | Trouble::Filtered => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_address_is_trouble_of_the_address() {
        let refused = |refusal, step, reply: &str| {
            Trouble::of(&Outcome::Refused {
                refusal,
                step,
                reply: reply.to_owned(),
            })
        };
        for (refusal, step, reply, expected) in [
            (Refusal::AddressGone, Step::Recipient, "550 5.1.1", Some(Trouble::Gone)),
            (
                Refusal::Blocked,
                Step::Recipient,
                "550 : User unknown",
                Some(Trouble::Blocked),
            ),
            (
                Refusal::Policy,
                Step::Final,
                "550 Unknown user",
                Some(Trouble::Filtered),
            ),
            (Refusal::Policy, Step::Final, "554 5.7.1 looks like spam", None),
            (Refusal::Policy, Step::Recipient, "550 Unknown user policy", None),
        ] {
            assert_eq!(refused(refusal, step, reply), expected, "{reply}");
        }
        assert_eq!(Trouble::of(&Outcome::Unknown { reply: String::new() }), None);
    }
}
