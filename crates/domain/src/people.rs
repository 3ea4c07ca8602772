//! Readers, their addresses and what they follow; states that decide whether anything may reach them.

use serde::{Deserialize, Serialize};

use crate::day::Day;
use crate::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use crate::position::Anchor;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The stable code in stored rows, files and `--json`.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),* }
            }

            /// The value of a stored code.
            pub fn from_code(code: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    };
}
pub(crate) use codes;

codes! {
    /// Of a reader to the child; may select wording, never access.
    Relation {
        /// 母.
        Mother = "mother",
        /// パートナー.
        Partner = "partner",
        /// 祖父母.
        Grandparent = "grandparent",
        /// その他・養育者.
        Other = "other",
        /// Not asked or not answered.
        Unsaid = "unsaid",
    }
}

codes! {
    /// Whether an address may be used.
    PointState {
        /// Waiting for the reader to confirm it.
        Pending = "pending",
        /// May be used.
        Verified = "verified",
        /// Never again: gone, blocked or complained.
        Suppressed = "suppressed",
        /// Rests until its reader shows that mail arrives: its mailbox was full, or nobody took mail there, for days.
        Bouncing = "bouncing",
        /// The reader took it away: never written to, and still known, so that a stop said there ends everything.
        Retired = "retired",
        /// The reader blocked us there; silences every other address too, until the reader lifts it.
        Blocked = "blocked",
    }
}

codes! {
    /// Whether a subscription receives.
    SubscriptionState {
        /// 受け取り中.
        Active = "active",
        /// お休み中.
        Paused = "paused",
        /// 止めた or finished; the reason is in [`EndReason`] and shown to nobody.
        Ended = "ended",
    }
}

codes! {
    /// Why a subscription ended; never shown on staff screens and never exported.
    EndReason {
        /// The reader stopped; nobody asks why.
        Stopped = "stopped",
        /// A loss was told; silences everything at once.
        Loss = "loss",
        /// The series reached its last day.
        Completed = "completed",
        /// The family moved.
        Moved = "moved",
        /// No address works.
        Unreachable = "unreachable",
        /// Erased on request.
        Erased = "erased",
    }
}

codes! {
    /// Why somebody gets nothing now. Each is counted per run and shown in plain words.
    SkipReason {
        /// お休み中.
        Paused = "paused",
        /// 止めた.
        Stopped = "stopped",
        /// No address, or none confirmed.
        NoAddress = "no-address",
        /// The address refuses everything.
        Suppressed = "suppressed",
        /// The reader blocks us.
        Blocked = "blocked",
        /// A block or a pause ended on this day; it goes on the day after.
        Resumed = "resumed",
        /// No article stands at today's position.
        NothingToday = "nothing-today",
        /// This slot was reserved or sent before.
        AlreadySent = "already-sent",
        /// The article waits for its specialists.
        Unapproved = "unapproved",
        /// The article's validity does not include today.
        NotValid = "not-valid",
        /// The article is for another area.
        OtherArea = "other-area",
        /// Past 41w6d without a reported birth: quiet.
        AwaitingBirth = "awaiting-birth",
        /// Past the last day of the series.
        Finished = "finished",
        /// Before 4w0d of pregnancy.
        NotYet = "not-yet",
        /// Registered after this day.
        NotRegistered = "not-registered",
        /// This database was restored from a backup and the day was given up.
        Fenced = "fenced",
        /// The account's messages of this month are used up or kept for emergencies.
        Quota = "quota",
    }
}

impl SkipReason {
    /// The reason in plain Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            SkipReason::Paused => "お休み中です",
            SkipReason::Stopped => "配信を止めています",
            SkipReason::NoAddress => "確かめられた配信先がありません",
            SkipReason::Suppressed => "この配信先には届きません",
            SkipReason::Blocked => "LINEで止められています（ブロック）",
            SkipReason::Resumed => "お休みかブロックが終わった日です。つぎの日から届きます",
            SkipReason::NothingToday => "きょうの時期に原稿がありません",
            SkipReason::AlreadySent => "もう送りました",
            SkipReason::Unapproved => "原稿の監修がまだです",
            SkipReason::NotValid => "原稿の有効期間の外です",
            SkipReason::OtherArea => "ほかの地区の記事です",
            SkipReason::AwaitingBirth => "41週6日をすぎ、出生の連絡を待っています",
            SkipReason::Finished => "配信期間が終わりました",
            SkipReason::NotYet => "妊娠4週0日より前です",
            SkipReason::NotRegistered => "この日はまだ登録していません",
            SkipReason::Quota => "今月の通数が足りないため、見合わせました",
            SkipReason::Fenced => "復元したデータベースのため、この日の配信を見合わせました",
        }
    }

    /// The reason in plain English.
    pub fn en(self) -> &'static str {
        match self {
            SkipReason::Paused => "paused",
            SkipReason::Stopped => "stopped",
            SkipReason::NoAddress => "no confirmed address",
            SkipReason::Suppressed => "the address does not take messages",
            SkipReason::Blocked => "blocked on LINE",
            SkipReason::Resumed => "a pause or a block ended on this day; it goes on the day after",
            SkipReason::NothingToday => "no article stands at today's stage",
            SkipReason::AlreadySent => "sent before",
            SkipReason::Unapproved => "the article is not approved yet",
            SkipReason::NotValid => "outside the article's validity",
            SkipReason::OtherArea => "the article is for another area",
            SkipReason::AwaitingBirth => "past 41w6d, waiting for news of the birth",
            SkipReason::Finished => "past the last day of the series",
            SkipReason::NotYet => "before 4w0d of pregnancy",
            SkipReason::NotRegistered => "not registered yet on this day",
            SkipReason::Quota => "the month's messages are used up or kept for emergencies",
            SkipReason::Fenced => "held back because this database was restored from a backup",
        }
    }
}

/// Whether and where a reader can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At this address.
    At {
        /// The address.
        point: PointId,
        /// The tenant's account it belongs to.
        account: AccountId,
    },
    /// Not at all, and why.
    Silent(SkipReason),
}

/// One subscription as the planner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The reader.
    pub subscriber: SubscriberId,
    /// What the reader follows.
    pub subscription: SubscriptionId,
    /// The dates everything is derived from.
    pub anchor: Anchor,
    /// Nickname of the child, where given.
    pub nickname: Option<String>,
    /// Day on which this subscription began.
    pub registered_on: Day,
    /// Day on which the reader last ended a pause or lifted a block; what comes begins the day after.
    pub resumed_on: Option<Day>,
    /// Area code, where given.
    pub area: Option<String>,
    /// BCP 47 tag of the words that the reader chose.
    pub language: String,
    /// Active or paused.
    pub state: SubscriptionState,
    /// Where the reader can be reached.
    pub reach: Reach,
    /// True where the reader follows more than one child.
    pub has_siblings: bool,
    /// The hour of the day from which the reader wants messages, where one was chosen.
    pub hour: Option<u8>,
}

impl Follower {
    /// The first day that may bring anything: the day of registration, or the day after a pause or a block ended.
    pub fn from_on(&self) -> Day {
        let resumed = self.resumed_on.map(|on| on + 1);
        resumed.map_or(self.registered_on, |from| from.max(self.registered_on))
    }
}
