//! What a provider answered, as data: a refusal is an outcome, never an error.

use serde::{Deserialize, Serialize};

/// The step of a conversation at which an answer came; the same code means different things at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Reaching the provider, greeting, encryption, sign-in.
    Connect,
    /// The sender was named (SMTP MAIL).
    Sender,
    /// The recipient was named (SMTP RCPT).
    Recipient,
    /// The text was announced (SMTP DATA).
    Data,
    /// The text was sent and its end not answered or refused (after the final dot; an HTTP response).
    Final,
}

impl Step {
    /// The stable code in stored rows and `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Step::Connect => "connect",
            Step::Sender => "sender",
            Step::Recipient => "recipient",
            Step::Data => "data",
            Step::Final => "final",
        }
    }
}

/// Why a provider will not take a message for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The address does not exist (SMTP 5xx at RCPT): never tried again.
    AddressGone,
    /// The recipient blocked the sender.
    Blocked,
    /// Refused after the recipient was accepted: a filter, a policy, a size. Not the address's fault.
    Policy,
}

impl Refusal {
    /// The stable code in stored rows and `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::AddressGone => "address-gone",
            Refusal::Blocked => "blocked",
            Refusal::Policy => "policy",
        }
    }
}

/// What went wrong with us or our account, so that nobody's message can leave this way now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Sign-in refused, token revoked, relaying denied: the account is paused and staff are told once.
    Account,
    /// Our message is malformed or too large: this batch is held.
    Payload,
    /// The account's messages of this month are used up: another channel carries, or nobody.
    Quota,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted {
        /// The provider's words or id for it, for looking it up there.
        reference: String,
    },
    /// The provider will take it later (4xx, 429).
    Deferred {
        /// Where in the conversation.
        step: Step,
        /// The provider's words, without addresses.
        reply: String,
        /// Seconds the provider asked us to wait.
        after_seconds: Option<u32>,
    },
    /// The provider will not take it for this recipient.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Where in the conversation.
        step: Step,
        /// The provider's words, without addresses.
        reply: String,
    },
    /// The whole text left and no answer came: it may have been taken or not.
    Unknown {
        /// What happened instead of an answer.
        reply: String,
    },
    /// It did not leave because of us.
    Held {
        /// Whose fault.
        fault: Fault,
        /// The provider's words, without addresses.
        reply: String,
    },
}
