//! Readers, their addresses, what they follow, and what they agreed to.

mod export;
mod followers;
mod points;
mod readers;
mod subscriptions;

use kizuna_domain::ids::SubscriptionId;

use crate::error::StoreError;
use crate::seal::Keyring;
pub use export::{Exported, export};
pub use followers::{Page, after, count_living, due, ever_of_subscriber, of_subscriber, one, own, registered, resumed};
pub(crate) use points::open_address;
pub use points::{
    NewPoint, Point, PointRow, add_point, addresses, by_address, channels_of, hand_over, lift_suppression, mail_of,
    point_at, points, prefer, refresh_reach, remove_point, set_point, suppress, suppression, verified_point,
};
pub use readers::{
    NewSubscriber, add_consent, add_subscriber, by_reference, choose, exists, is_taken, link_generation, profile,
    renew_links, set_hour, were_links_renewed_by, withdraw_consents,
};
pub use subscriptions::{
    NewSubscription, add_subscription, ask, asked_before, complete, end_pause, has_followed, has_stopped, mean_stop,
    move_anchor, move_shown_anchor, resume_after, set_nickname, set_state, version,
};

/// Children one reader may follow; also the limit of what is merged into one message.
pub const SUBSCRIPTIONS_MAX: i64 = 20;
const ADDRESS: &str = "contact_points.address";
const NICKNAME: &str = "subscriptions.nickname";

/// Before every identifier.
const FIRST: [u8; 16] = [0; 16];

/// Opens a sealed nickname read by another repository of this crate.
pub(crate) fn open_nickname(keys: &Keyring, id: &SubscriptionId, sealed: &[u8]) -> Result<String, StoreError> {
    keys.open(NICKNAME, id.bytes(), sealed)
}
