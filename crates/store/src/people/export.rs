//! What an export carries, a page at a time.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::position::Anchor;

use super::{ADDRESS, FIRST, NICKNAME};
use crate::db::ReadTx;
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Everything about one subscription that an export carries; no reason of an end is among it.
#[derive(Clone, PartialEq, Eq)]
pub struct Exported {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The reader.
    pub subscriber: SubscriberId,
    /// The number another system knows the reader by.
    pub reference: Option<String>,
    /// Relation to the child.
    pub relation: Relation,
    /// BCP 47 tag of the wanted words.
    pub language: String,
    /// Area code.
    pub area: Option<String>,
    /// Code of the channel; empty where the reader has no address.
    pub channel: String,
    /// The address; empty where the reader has none.
    pub address: String,
    /// Whether the address may be used.
    pub point_state: PointState,
    /// The dates.
    pub anchor: Anchor,
    /// Nickname of the child.
    pub nickname: Option<String>,
    /// Day on which the subscription began.
    pub registered_on: Day,
    /// Active, paused or ended.
    pub state: SubscriptionState,
    /// Version of the wording agreed to.
    pub consent_wording: Option<String>,
    /// When it was agreed to.
    pub consent_at: Option<Timestamp>,
}

impl std::fmt::Debug for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exported")
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}

sql!(
    EXPORT,
    "SELECT s.id, s.subscriber_id, r.reference, r.relation, r.language, r.area, p.channel, p.address, p.state,
                     s.due_on, s.birth_on, s.nickname, s.registered_on, s.state, p.id,
                     (SELECT MAX(c.wording) FROM consents c WHERE c.subscriber_id = r.id AND c.withdrawn_at IS NULL),
                     (SELECT MAX(c.given_at) FROM consents c WHERE c.subscriber_id = r.id AND c.withdrawn_at IS NULL)
              FROM (SELECT id, subscriber_id, due_on, birth_on, nickname, registered_on, state FROM subscriptions
                    WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3) s
              JOIN subscribers r ON r.id = s.subscriber_id
              LEFT JOIN contact_points p ON p.subscriber_id = r.id AND p.state <> 'retired'
              ORDER BY s.id, p.preference, p.id"
);

/// A page of what an export carries: `limit` subscriptions in their order, each once for every address of its reader.
pub fn export(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    after: Option<SubscriptionId>,
    limit: usize,
) -> Result<Vec<Exported>, StoreError> {
    let first = after.as_ref().map_or(&FIRST, SubscriptionId::bytes);
    tx.all(EXPORT, args![scope.bytes(), first, limit as i64], |row| {
        let subscription = row.id(0, SubscriptionId::from_bytes)?;
        let anchor = Anchor::from_dates(row.day_opt(9)?, row.day_opt(10)?);
        let nickname = row
            .bytes_opt(11)?
            .map(|sealed| keys.open(NICKNAME, subscription.bytes(), sealed))
            .transpose()?;
        let address = match (row.bytes_opt(14)?, row.bytes_opt(7)?) {
            (Some(point), Some(sealed)) => keys.open(ADDRESS, point, sealed)?,
            (None, _) | (_, None) => String::new(),
        };
        let point_state = row
            .text_opt(8)?
            .map_or(Some(PointState::Pending), PointState::from_code);
        Ok(Exported {
            subscription,
            subscriber: row.id(1, SubscriberId::from_bytes)?,
            reference: row.text_opt(2)?.map(str::to_owned),
            relation: row.code(3, Relation::from_code)?,
            language: row.text(4)?.to_owned(),
            area: row.text_opt(5)?.map(str::to_owned),
            channel: row.text_opt(6)?.unwrap_or_default().to_owned(),
            address,
            point_state: point_state.ok_or_else(|| StoreError::corrupt("a known code", 8))?,
            anchor: anchor.ok_or_else(|| StoreError::corrupt("a date", 9))?,
            nickname,
            registered_on: row.day(12)?,
            state: row.code(13, SubscriptionState::from_code)?,
            consent_wording: row.text_opt(15)?.map(str::to_owned),
            consent_at: row.int_opt(16)?.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        })
    })
}
