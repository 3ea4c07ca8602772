//! Typed identifiers: sixteen bytes inside, a prefix and 32 hexadecimal digits for people.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an identifier like {prefix}_0192f0c8…")]
pub struct NotAnId {
    /// What was given.
    pub text: String,
    /// The expected prefix.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix people see before the digits.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID.
            pub const fn new(uuid: Uuid) -> $name {
                $name(uuid)
            }

            /// The sixteen bytes as stored.
            pub const fn bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the stored bytes; `None` unless there are sixteen.
            pub fn from_bytes(bytes: &[u8]) -> Option<$name> {
                Uuid::from_slice(bytes).ok().map($name)
            }

            /// The UUID inside.
            pub const fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<$name, NotAnId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|digits| digits.len() == 32)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map($name)
                    .ok_or_else(|| NotAnId { text: text.chars().take(50).collect(), prefix: $prefix })
            }
        }
    )* };
}

ids! {
    /// A municipality or other customer.
    TenantId, "ten";
    /// A series of articles.
    TrackId, "trk";
    /// An article, without text.
    ArticleId, "art";
    /// One immutable text of an article.
    RevisionId, "rev";
    /// A snapshot of a whole track.
    EditionId, "edi";
    /// A person who receives.
    SubscriberId, "rdr";
    /// A pregnancy, and what follows from it, as one subscriber follows it.
    SubscriptionId, "sub";
    /// One address on one channel.
    PointId, "pnt";
    /// A tenant's credentials on one channel.
    AccountId, "acc";
    /// One identical message, frozen; a hash of what it says.
    CohortId, "coh";
    /// What one sending pass carries; a hash of its recipients and texts.
    BatchId, "bat";
    /// One tenant's work for one day.
    RunId, "run";
    /// Somebody who signs in: of a municipality's staff, or an operator.
    StaffId, "stf";
    /// A one-time offer to sign in.
    InvitationId, "inv";
}

/// Gives out identifiers, so that tests can choose them.
pub trait Ids: Send + Sync {
    /// A new identifier that sorts after earlier ones.
    fn next(&self) -> Uuid;
}

/// The namespace of identifiers that are hashes of what they stand for.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6b69_7a75_6e61_4d8a_9c11_0d5e_5a9b_7e01);
