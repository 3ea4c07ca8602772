//! Readers, their addresses, what they follow, and what they agreed to.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{EndReason, Follower, PointState, Reach, Relation, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, AnchorDate, AnchorRange};
use uuid::Uuid;

use crate::db::{ReadTx, Row, Sql, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, erase, sql};

/// Children one reader may follow; also the limit of what is merged into one message.
pub const SUBSCRIPTIONS_MAX: i64 = 20;
/// Subscriptions of one reader in all, ended ones too.
const EVER_MAX: i64 = 200;
/// Addresses one reader may have.
const POINTS_MAX: i64 = 20;
const ADDRESS: &str = "contact_points.address";
const NICKNAME: &str = "subscriptions.nickname";

/// Followers in the order of a walk along one index, with the date that a next page starts after.
#[derive(Debug)]
pub struct Page {
    /// The subscriptions.
    pub followers: Vec<Follower>,
    /// Where the next page begins; `None` at the end.
    pub after: Option<(Day, SubscriptionId)>,
}

fn follower(row: &Row<'_>, keys: &Keyring) -> Result<Follower, StoreError> {
    let subscription = row.id(0, SubscriptionId::from_bytes)?;
    let anchor = Anchor::from_dates(row.day_opt(2)?, row.day_opt(3)?);
    let nickname = row
        .bytes_opt(4)?
        .map(|sealed| keys.open(NICKNAME, subscription.bytes(), sealed))
        .transpose()?;
    let reach = match (row.bytes_opt(8)?, row.bytes_opt(9)?, row.text_opt(10)?) {
        (Some(point), Some(account), None) => Reach::At {
            point: PointId::from_bytes(point).ok_or_else(|| StoreError::corrupt("an identifier", 8))?,
            account: AccountId::from_bytes(account).ok_or_else(|| StoreError::corrupt("an identifier", 9))?,
        },
        (_, _, Some(code)) => Reach::Silent(SkipReason::from_code(code).unwrap_or(SkipReason::NoAddress)),
        _ => Reach::Silent(SkipReason::NoAddress),
    };
    Ok(Follower {
        subscription,
        subscriber: row.id(1, SubscriberId::from_bytes)?,
        anchor: anchor.ok_or_else(|| StoreError::corrupt("a date", 2))?,
        nickname,
        registered_on: row.day(5)?,
        resumed_on: row.day_opt(12)?,
        state: row.code(6, SubscriptionState::from_code)?,
        area: row.text_opt(7)?.map(str::to_owned),
        language: row.text(13)?.to_owned(),
        reach,
        has_siblings: row.int(11)? != 0,
        hour: row.int_opt(14)?.and_then(|hour| u8::try_from(hour).ok()),
    })
}

sql!(
    BY_DUE,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.birth_on IS NULL AND s.state <> 'ended'
                AND s.due_on <= $3 AND (s.due_on, s.id) > ($2, $4)
              ORDER BY s.due_on, s.id LIMIT $5"
);
sql!(
    BY_BIRTH,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.birth_on IS NOT NULL AND s.state <> 'ended'
                AND s.birth_on <= $3 AND (s.birth_on, s.id) > ($2, $4)
              ORDER BY s.birth_on, s.id LIMIT $5"
);
sql!(
    BY_PRETERM_DUE,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.preterm = 1 AND s.state <> 'ended'
                AND s.due_on <= $3 AND (s.due_on, s.id) > ($2, $4)
              ORDER BY s.due_on, s.id LIMIT $5"
);
sql!(
    BY_REGISTRATION,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.state <> 'ended'
                AND s.registered_on <= $3 AND (s.registered_on, s.id) > ($2, $4)
              ORDER BY s.registered_on, s.id LIMIT $5"
);

sql!(
    BY_RESUMPTION,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.resumed_on IS NOT NULL AND s.state <> 'ended'
                AND s.resumed_on <= $3 AND (s.resumed_on, s.id) > ($2, $4)
              ORDER BY s.resumed_on, s.id LIMIT $5"
);

/// Before every identifier.
const FIRST: [u8; 16] = [0; 16];

/// One page of the subscriptions whose anchor lies in a range: a walk along an index, never a scan.
pub fn due(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    range: &AnchorRange,
    after: Option<(Day, SubscriptionId)>,
    limit: usize,
) -> Result<Page, StoreError> {
    let sql = match range.by {
        AnchorDate::Due => BY_DUE,
        AnchorDate::Birth => BY_BIRTH,
        AnchorDate::PretermDue => BY_PRETERM_DUE,
    };
    let date_of = |follower: &Follower| match range.by {
        AnchorDate::Due | AnchorDate::PretermDue => follower.anchor.due(),
        AnchorDate::Birth => follower.anchor.birth(),
    };
    page(tx, keys, scope, sql, (range.from, range.until), after, limit, &date_of)
}

/// One page of the subscriptions that began on the days from `from` to `until`.
pub fn registered(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    days: (Day, Day),
    after: Option<(Day, SubscriptionId)>,
    limit: usize,
) -> Result<Page, StoreError> {
    page(tx, keys, scope, BY_REGISTRATION, days, after, limit, &|follower| {
        Some(follower.registered_on)
    })
}

/// One page of the subscriptions whose reader ended a pause or lifted a block on the days from `from` to `until`.
pub fn resumed(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    days: (Day, Day),
    after: Option<(Day, SubscriptionId)>,
    limit: usize,
) -> Result<Page, StoreError> {
    page(tx, keys, scope, BY_RESUMPTION, days, after, limit, &|follower| {
        follower.resumed_on
    })
}

#[expect(clippy::too_many_arguments, reason = "one walk for five indexes; private")]
fn page(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    sql: &Sql,
    (from, until): (Day, Day),
    after: Option<(Day, SubscriptionId)>,
    limit: usize,
    date_of: &dyn Fn(&Follower) -> Option<Day>,
) -> Result<Page, StoreError> {
    let (from, first) = after.as_ref().map_or((from, &FIRST), |(day, id)| (*day, id.bytes()));
    let (from, until) = (from.to_string(), until.to_string());
    let args = args![scope.bytes(), &from, &until, first, limit as i64];
    let followers = tx.all(sql, args, |row| follower(row, keys))?;
    let after = followers
        .last()
        .filter(|_| followers.len() == limit)
        .and_then(|last| date_of(last).map(|day| (day, last.subscription)));
    Ok(Page { followers, after })
}

sql!(
    OF_SUBSCRIBER,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.subscriber_id = $2 AND s.state <> 'ended' ORDER BY s.id LIMIT $3"
);

/// The living subscriptions of one reader.
pub fn of_subscriber(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<Follower>, StoreError> {
    tx.all(
        OF_SUBSCRIBER,
        args![scope.bytes(), subscriber.bytes(), SUBSCRIPTIONS_MAX],
        |row| follower(row, keys),
    )
}

sql!(
    ADDRESSES,
    "SELECT id, address FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY id LIMIT $3"
);

/// The addresses of a reader on every channel.
pub fn addresses(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<String>, StoreError> {
    tx.all(ADDRESSES, args![scope.bytes(), subscriber.bytes(), POINTS_MAX], |row| {
        let point = row.id(0, PointId::from_bytes)?;
        open_address(keys, &point, row.bytes(1)?)
    })
}

sql!(
    OWN,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour, s.version
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.subscriber_id = $2 AND s.state <> 'ended' ORDER BY s.id LIMIT $3"
);

/// The living subscriptions of one reader, each with the version that grows with every change of it.
pub fn own(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<(Follower, i64)>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), SUBSCRIPTIONS_MAX];
    tx.all(OWN, args, |row| Ok((follower(row, keys)?, row.int(15)?)))
}

sql!(
    EVER_OF_SUBSCRIBER,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour,
                     CASE WHEN s.end_reason = 'completed' THEN 1 ELSE 0 END
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.subscriber_id = $2 ORDER BY s.id LIMIT $3"
);

/// Every subscription that a reader ever had, each with whether its series came to its last day.
pub fn ever_of_subscriber(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<(Follower, bool)>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), EVER_MAX];
    tx.all(EVER_OF_SUBSCRIBER, args, |row| {
        Ok((follower(row, keys)?, row.int(15)? == 1))
    })
}

sql!(
    FOLLOWER,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.id = $2"
);

/// One subscription, living or ended.
pub fn one(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: SubscriptionId,
) -> Result<Option<Follower>, StoreError> {
    tx.one(FOLLOWER, args![scope.bytes(), id.bytes()], |row| follower(row, keys))
}

sql!(
    SAMPLE,
    "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
                     r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour
              FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
              WHERE s.tenant_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3"
);

/// Subscriptions after one in the order of identifiers, living and ended: for exports and lists.
pub fn after(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    after: Option<SubscriptionId>,
    limit: usize,
) -> Result<Vec<Follower>, StoreError> {
    let first = after.as_ref().map_or(&FIRST, SubscriptionId::bytes);
    tx.all(SAMPLE, args![scope.bytes(), first, limit as i64], |row| {
        follower(row, keys)
    })
}

sql!(
    LIVING,
    "SELECT COUNT(*) FROM subscriptions WHERE tenant_id = $1 AND state <> 'ended'"
);

/// How many subscriptions live; for command lines and reports, never for a page that families wait for.
pub fn count_living(tx: &mut ReadTx<'_>, scope: Scope) -> Result<i64, StoreError> {
    Ok(tx
        .one(LIVING, args![scope.bytes()], |row| row.int(0))?
        .unwrap_or_default())
}

/// A reader as an import or a registration brings one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// Identifier.
    pub id: SubscriberId,
    /// The number another system knows the reader by.
    pub reference: Option<String>,
    /// Relation to the child.
    pub relation: Relation,
    /// BCP 47 tag of the wanted words.
    pub language: String,
    /// Area code.
    pub area: Option<String>,
    /// When the registration was made.
    pub registered_at: Timestamp,
}

sql!(
    ADD_SUBSCRIBER,
    "INSERT INTO subscribers (id, tenant_id, reference, relation, language, area, registered_at, several, silent)
                      VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'no-address')"
);

/// Adds a reader; nothing reaches them before [`refresh_reach`]. A conflict where the number or the reference is taken.
pub fn add_subscriber(tx: &mut WriteTx<'_>, scope: Scope, new: &NewSubscriber) -> Result<(), StoreError> {
    let args = args![
        new.id.bytes(),
        scope.bytes(),
        new.reference.as_deref(),
        new.relation.code(),
        &new.language,
        new.area.as_deref(),
        new.registered_at.as_millisecond()
    ];
    tx.exec(ADD_SUBSCRIBER, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("people::add_subscriber"))
}

sql!(
    CHOOSE,
    "UPDATE subscribers SET relation = COALESCE($3, relation), language = COALESCE($4, language),
       area = COALESCE($5, area) WHERE tenant_id = $1 AND id = $2"
);

/// Writes what a reader chose anew; what they left open stays as it was.
pub fn choose(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    relation: Option<Relation>,
    language: Option<&str>,
    area: Option<&str>,
) -> Result<(), StoreError> {
    let relation = relation.map(Relation::code);
    let args = args![scope.bytes(), subscriber.bytes(), relation, language, area];
    tx.exec_one(CHOOSE, args)
}

/// An address as an import or a registration brings one.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPoint {
    /// Identifier.
    pub id: PointId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// The tenant's account that writes to it.
    pub account: AccountId,
    /// Code of the channel.
    pub channel: String,
    /// The address itself.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

impl std::fmt::Debug for NewPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPoint")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

sql!(ADD_POINT, "INSERT INTO contact_points (id, tenant_id, subscriber_id, account_id, channel, address, address_index, state, preference)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)");

/// Adds an address, sealed. Whoever was erased there and comes back begins anew. A conflict where somebody has it.
pub fn add_point(tx: &mut WriteTx<'_>, keys: &Keyring, scope: Scope, new: &NewPoint) -> Result<(), StoreError> {
    let sealed = keys.seal(ADDRESS, new.id.bytes(), &new.address);
    let index = keys.index(scope.tenant(), &new.channel, &new.address);
    let args = args![
        new.id.bytes(),
        scope.bytes(),
        new.subscriber.bytes(),
        new.account.bytes(),
        &new.channel,
        sealed.as_slice(),
        &index,
        new.state.code()
    ];
    tx.exec(ADD_POINT, args)
        .map_err(|error| error.duplicate_is_conflict("people::add_point"))?;
    erase::forget_former(tx, scope, &new.channel, &index)
}

sql!(
    BY_ADDRESS,
    "SELECT subscriber_id FROM contact_points WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// The reader who has this address on this channel.
pub fn by_address(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<SubscriberId>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(BY_ADDRESS, args![scope.bytes(), channel, &index], |row| {
        row.id(0, SubscriberId::from_bytes)
    })
}

sql!(EXISTS, "SELECT 1 FROM subscribers WHERE tenant_id = $1 AND id = $2");

/// True where a tenant has this reader, whatever they follow.
pub fn exists(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<bool, StoreError> {
    Ok(tx
        .one(EXISTS, args![scope.bytes(), subscriber.bytes()], |row| row.int(0))?
        .is_some())
}

sql!(
    BY_REFERENCE,
    "SELECT id FROM subscribers WHERE tenant_id = $1 AND reference = $2"
);

/// The reader whom another system knows by this number.
pub fn by_reference(tx: &mut ReadTx<'_>, scope: Scope, reference: &str) -> Result<Option<SubscriberId>, StoreError> {
    tx.one(BY_REFERENCE, args![scope.bytes(), reference], |row| {
        row.id(0, SubscriberId::from_bytes)
    })
}

sql!(
    FOLLOWED,
    "SELECT 1 FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2
       AND COALESCE(due_on, '') = $3 AND COALESCE(birth_on, '') = $4 LIMIT 1"
);

/// True where this reader follows, or once followed, a child of these dates.
pub fn has_followed(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    anchor: &Anchor,
) -> Result<bool, StoreError> {
    let (due, birth) = dates(anchor);
    let (due, birth) = (due.unwrap_or_default(), birth.unwrap_or_default());
    let args = args![scope.bytes(), subscriber.bytes(), &due, &birth];
    Ok(tx.one(FOLLOWED, args, |row| row.int(0))?.is_some())
}

sql!(
    STOPPED,
    "SELECT 1 FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2 AND state = 'ended'
       AND COALESCE(end_reason, 'stopped') <> 'completed' LIMIT 1"
);

/// True where this reader ended something before its last day: only they themselves may begin again.
pub fn has_stopped(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<bool, StoreError> {
    Ok(tx
        .one(STOPPED, args![scope.bytes(), subscriber.bytes()], |row| row.int(0))?
        .is_some())
}

sql!(
    TAKEN,
    "SELECT 1 FROM subscriptions WHERE id = $1 UNION ALL SELECT 1 FROM subscribers WHERE id = $2"
);

/// True where one of these identifiers stands for somebody already, in whichever tenant: identifiers are never shared.
pub fn is_taken(
    tx: &mut ReadTx<'_>,
    subscription: Option<SubscriptionId>,
    subscriber: Option<SubscriberId>,
) -> Result<bool, StoreError> {
    let subscription = subscription.as_ref().map(SubscriptionId::bytes);
    let subscriber = subscriber.as_ref().map(SubscriberId::bytes);
    Ok(tx
        .one(TAKEN, args![subscription, subscriber], |row| row.int(0))?
        .is_some())
}

/// A subscription as an import or a registration brings one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscription {
    /// Identifier.
    pub id: SubscriptionId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// Its dates.
    pub anchor: Anchor,
    /// Nickname of the child.
    pub nickname: Option<String>,
    /// Day on which it began.
    pub registered_on: Day,
    /// Active, paused or ended.
    pub state: SubscriptionState,
}

sql!(ADD_SUBSCRIPTION, "INSERT INTO subscriptions (id, tenant_id, subscriber_id, due_on, birth_on, preterm, nickname, registered_on, state, version)
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)");

/// Adds a subscription; a conflict where its number is taken.
pub fn add_subscription(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    new: &NewSubscription,
) -> Result<(), StoreError> {
    let (due, birth) = dates(&new.anchor);
    let nickname = new
        .nickname
        .as_ref()
        .map(|words| keys.seal(NICKNAME, new.id.bytes(), words));
    let registered = new.registered_on.to_string();
    let args = args![
        new.id.bytes(),
        scope.bytes(),
        new.subscriber.bytes(),
        due.as_deref(),
        birth.as_deref(),
        new.anchor.is_preterm(),
        nickname.as_deref(),
        &registered,
        new.state.code()
    ];
    tx.exec(ADD_SUBSCRIPTION, args)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("people::add_subscription"))
}

fn dates(anchor: &Anchor) -> (Option<String>, Option<String>) {
    (
        anchor.due().map(|day| day.to_string()),
        anchor.birth().map(|day| day.to_string()),
    )
}

sql!(
    MOVE_ANCHOR,
    "UPDATE subscriptions SET due_on = $3, birth_on = $4, preterm = $5, version = version + 1
                   WHERE tenant_id = $1 AND id = $2 AND state <> 'ended'"
);

/// Writes a corrected due date or a reported birth; everything else follows from the dates.
pub fn move_anchor(tx: &mut WriteTx<'_>, scope: Scope, id: SubscriptionId, anchor: &Anchor) -> Result<(), StoreError> {
    let (due, birth) = dates(anchor);
    let args = args![
        scope.bytes(),
        id.bytes(),
        due.as_deref(),
        birth.as_deref(),
        anchor.is_preterm()
    ];
    tx.exec_one(MOVE_ANCHOR, args)
}

sql!(
    MOVE_SHOWN_ANCHOR,
    "UPDATE subscriptions SET due_on = $3, birth_on = $4, preterm = $5, version = version + 1
                   WHERE tenant_id = $1 AND id = $2 AND state <> 'ended' AND version = $6"
);

/// Writes dates that were given on a page of this version; a conflict where something has changed since.
pub fn move_shown_anchor(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    id: SubscriptionId,
    anchor: &Anchor,
    version: i64,
) -> Result<(), StoreError> {
    let (due, birth) = dates(anchor);
    let args = args![
        scope.bytes(),
        id.bytes(),
        due.as_deref(),
        birth.as_deref(),
        anchor.is_preterm(),
        version
    ];
    tx.exec_one(MOVE_SHOWN_ANCHOR, args)
}

sql!(
    SET_NICKNAME,
    "UPDATE subscriptions SET nickname = $3, version = version + 1 WHERE tenant_id = $1 AND id = $2 AND state <> 'ended'"
);

/// Writes the nickname of a child, sealed.
pub fn set_nickname(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    id: SubscriptionId,
    nickname: &str,
) -> Result<(), StoreError> {
    let sealed = keys.seal(NICKNAME, id.bytes(), nickname);
    tx.exec_one(SET_NICKNAME, args![scope.bytes(), id.bytes(), sealed.as_slice()])
}

sql!(
    SET_STATE,
    "UPDATE subscriptions SET state = $3, end_reason = $4, version = version + 1,
       nickname = CASE WHEN state = 'ended' OR $3 = 'ended' THEN NULL ELSE nickname END
     WHERE tenant_id = $1 AND id = $2"
);

/// Pauses, resumes or ends a subscription; with its end the nickname is gone, so that it appears nowhere again.
pub fn set_state(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    id: SubscriptionId,
    state: SubscriptionState,
    reason: Option<EndReason>,
) -> Result<(), StoreError> {
    tx.exec_one(
        SET_STATE,
        args![scope.bytes(), id.bytes(), state.code(), reason.map(EndReason::code)],
    )
}

sql!(
    COMPLETE,
    "UPDATE subscriptions SET state = 'ended', end_reason = 'completed', version = version + 1
     WHERE tenant_id = $1 AND id = $2 AND state <> 'ended'
       AND COALESCE(due_on, '') = $3 AND COALESCE(birth_on, '') = $4"
);

/// Ends a subscription whose last day is over; false where it ended, or its dates changed, meanwhile.
pub fn complete(tx: &mut WriteTx<'_>, scope: Scope, id: SubscriptionId, anchor: &Anchor) -> Result<bool, StoreError> {
    let (due, birth) = dates(anchor);
    let (due, birth) = (due.unwrap_or_default(), birth.unwrap_or_default());
    Ok(tx.exec(COMPLETE, args![scope.bytes(), id.bytes(), &due, &birth])? == 1)
}

sql!(
    MEAN_STOP,
    "UPDATE subscriptions SET end_reason = 'stopped' WHERE tenant_id = $1 AND subscriber_id = $2
       AND state = 'ended' AND end_reason = 'completed'"
);

/// Takes what came to its last day for stopped too: whoever says a stop afterwards is brought back by no list.
pub fn mean_stop(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<(), StoreError> {
    tx.exec(MEAN_STOP, args![scope.bytes(), subscriber.bytes()]).map(|_| ())
}

sql!(
    TO_STOP,
    "SELECT id FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2 AND state <> 'ended'
       AND COALESCE(asked_at, 0) <= $3 ORDER BY id LIMIT $4"
);

/// The living subscriptions that a stop said at an instant means: not those that the reader asked for afterwards.
pub fn asked_before(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    said_at: Timestamp,
) -> Result<Vec<SubscriptionId>, StoreError> {
    let args = args![
        scope.bytes(),
        subscriber.bytes(),
        said_at.as_millisecond(),
        SUBSCRIPTIONS_MAX
    ];
    tx.all(TO_STOP, args, |row| row.id(0, SubscriptionId::from_bytes))
}

sql!(
    ASK,
    "UPDATE subscriptions SET asked_at = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Notes when the reader asked for a subscription, so that an older stop that arrives late does not end it.
pub fn ask(tx: &mut WriteTx<'_>, scope: Scope, id: SubscriptionId, at: Timestamp) -> Result<(), StoreError> {
    tx.exec_one(ASK, args![scope.bytes(), id.bytes(), at.as_millisecond()])
}

sql!(
    RESUME,
    "UPDATE subscriptions SET resumed_on = $3, version = version + 1
     WHERE tenant_id = $1 AND subscriber_id = $2 AND state <> 'ended'"
);

/// Lets everything that a reader follows begin again after this day; says how many subscriptions there are.
pub fn resume_after(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId, on: Day) -> Result<u64, StoreError> {
    let on = on.to_string();
    tx.exec(RESUME, args![scope.bytes(), subscriber.bytes(), &on])
}

/// An address of a reader, opened. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PointRow {
    /// Identifier.
    pub id: PointId,
    /// The tenant's account that writes to it.
    pub account: AccountId,
    /// Code of the channel.
    pub channel: String,
    /// The address itself.
    pub address: String,
    /// Whether it may be used.
    pub state: PointState,
}

impl std::fmt::Debug for PointRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PointRow")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

sql!(
    POINTS,
    "SELECT id, account_id, channel, address, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
                      AND state <> 'retired' ORDER BY preference, id LIMIT $3"
);

/// The addresses of one reader that they have not taken away, the preferred one first.
pub fn points(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Vec<PointRow>, StoreError> {
    tx.all(POINTS, args![scope.bytes(), subscriber.bytes(), POINTS_MAX], |row| {
        let id = row.id(0, PointId::from_bytes)?;
        Ok(PointRow {
            id,
            account: row.id(1, AccountId::from_bytes)?,
            channel: row.text(2)?.to_owned(),
            address: open_address(keys, &id, row.bytes(3)?)?,
            state: row.code(4, PointState::from_code)?,
        })
    })
}

sql!(
    STEP_BACK,
    "UPDATE contact_points SET preference = preference + 1 WHERE tenant_id = $1 AND subscriber_id = $2"
);
sql!(
    PREFER,
    "UPDATE contact_points SET preference = 0 WHERE tenant_id = $1 AND subscriber_id = $2 AND id = $3"
);

/// Puts one address of a reader before all others; call [`refresh_reach`] afterwards.
pub fn prefer(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId, id: PointId) -> Result<(), StoreError> {
    tx.exec(STEP_BACK, args![scope.bytes(), subscriber.bytes()])?;
    tx.exec_one(PREFER, args![scope.bytes(), subscriber.bytes(), id.bytes()])
}

sql!(
    FORGET_TROUBLES,
    "DELETE FROM point_troubles WHERE tenant_id = $1 AND point_id = $2"
);
sql!(
    REMOVE_POINT,
    "UPDATE contact_points SET state = 'retired' WHERE tenant_id = $1 AND subscriber_id = $2 AND id = $3"
);

/// Takes an address of a reader away, with what kept messages from it; call [`refresh_reach`] afterwards.
///
/// It stays known: whoever says a stop there means it, and no list takes it for somebody new.
pub fn remove_point(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    id: PointId,
) -> Result<(), StoreError> {
    tx.exec(FORGET_TROUBLES, args![scope.bytes(), id.bytes()])?;
    tx.exec_one(REMOVE_POINT, args![scope.bytes(), subscriber.bytes(), id.bytes()])
}

sql!(
    HAND_OVER,
    "UPDATE contact_points SET subscriber_id = $3, state = 'verified' WHERE tenant_id = $1 AND id = $2"
);

/// Gives an address that somebody proved to its new reader; call [`refresh_reach`] afterwards, for both of them.
///
/// The row stays the same, so that what an old letter says about the address is still heard.
pub fn hand_over(tx: &mut WriteTx<'_>, scope: Scope, id: PointId, to: SubscriberId) -> Result<(), StoreError> {
    tx.exec_one(HAND_OVER, args![scope.bytes(), id.bytes(), to.bytes()])
}

sql!(
    PROFILE,
    "SELECT relation, language FROM subscribers WHERE tenant_id = $1 AND id = $2"
);

/// A reader's relation to the child, and the BCP 47 tag of the words they want.
pub fn profile(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Option<(Relation, String)>, StoreError> {
    tx.one(PROFILE, args![scope.bytes(), subscriber.bytes()], |row| {
        Ok((row.code(0, Relation::from_code)?, row.text(1)?.to_owned()))
    })
}

sql!(
    VERSION,
    "SELECT version FROM subscriptions WHERE tenant_id = $1 AND id = $2 AND state <> 'ended'"
);

/// How often a living subscription was changed; `None` where it lives no more.
pub fn version(tx: &mut ReadTx<'_>, scope: Scope, id: SubscriptionId) -> Result<Option<i64>, StoreError> {
    tx.one(VERSION, args![scope.bytes(), id.bytes()], |row| row.int(0))
}

sql!(
    END_PAUSE,
    "UPDATE subscriptions SET state = 'active', resumed_on = $3, version = version + 1
     WHERE tenant_id = $1 AND id = $2 AND state = 'paused'"
);

/// Ends a pause, so that the subscription begins again after this day; false where it was not paused.
pub fn end_pause(tx: &mut WriteTx<'_>, scope: Scope, id: SubscriptionId, on: Day) -> Result<bool, StoreError> {
    let on = on.to_string();
    Ok(tx.exec(END_PAUSE, args![scope.bytes(), id.bytes(), &on])? > 0)
}

sql!(
    SET_POINT,
    "UPDATE contact_points SET state = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Writes whether an address may be used; call [`refresh_reach`] afterwards.
pub fn set_point(tx: &mut WriteTx<'_>, scope: Scope, id: PointId, state: PointState) -> Result<(), StoreError> {
    tx.exec_one(SET_POINT, args![scope.bytes(), id.bytes(), state.code()])
}

sql!(
    SUPPRESS_POINT,
    "UPDATE contact_points SET state = 'suppressed' WHERE tenant_id = $1 AND id = $2"
);
sql!(
    SUPPRESS,
    "INSERT INTO suppressions (tenant_id, channel, address_index, reason, since_at)
                SELECT tenant_id, channel, address_index, $3, $4 FROM contact_points WHERE tenant_id = $1 AND id = $2
                ON CONFLICT (tenant_id, channel, address_index) DO NOTHING"
);
sql!(
    OWNER_OF_POINT,
    "SELECT subscriber_id FROM contact_points WHERE tenant_id = $1 AND id = $2"
);

/// Never writes to an address again, also under a later registration.
pub fn suppress(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    point: PointId,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        SUPPRESS,
        args![scope.bytes(), point.bytes(), reason, now.as_millisecond()],
    )?;
    tx.exec(SUPPRESS_POINT, args![scope.bytes(), point.bytes()])?;
    let owner = tx.one(OWNER_OF_POINT, args![scope.bytes(), point.bytes()], |row| {
        row.id(0, SubscriberId::from_bytes)
    })?;
    match owner {
        Some(subscriber) => refresh_reach(tx, scope, subscriber),
        None => Ok(()),
    }
}

sql!(
    IS_SUPPRESSED,
    "SELECT reason FROM suppressions WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// Why an address must not be written to, if so.
pub fn suppression(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<String>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(IS_SUPPRESSED, args![scope.bytes(), channel, &index], |row| {
        Ok(row.text(0)?.to_owned())
    })
}

sql!(
    UNSUPPRESS,
    "DELETE FROM suppressions WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// Lets an address be written to again after its owner proved that it works.
pub fn lift_suppression(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<(), StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.exec(UNSUPPRESS, args![scope.bytes(), channel, &index]).map(|_| ())
}

/// An address that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The address.
    pub id: PointId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// Whether it may be used.
    pub state: PointState,
}

sql!(
    POINT_AT,
    "SELECT id, subscriber_id, state FROM contact_points WHERE tenant_id = $1 AND channel = $2 AND address_index = $3"
);

/// What is known of an address on a channel.
pub fn point_at(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    channel: &str,
    address: &str,
) -> Result<Option<Point>, StoreError> {
    let index = keys.index(scope.tenant(), channel, address);
    tx.one(POINT_AT, args![scope.bytes(), channel, &index], |row| {
        Ok(Point {
            id: row.id(0, PointId::from_bytes)?,
            subscriber: row.id(1, SubscriberId::from_bytes)?,
            state: row.code(2, PointState::from_code)?,
        })
    })
}

sql!(
    POINT_STATES,
    "SELECT id, account_id, state FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2
                      AND state <> 'retired'
                    ORDER BY preference, id LIMIT $3"
);
sql!(
    COUNT_OF,
    "SELECT COUNT(*) FROM subscriptions WHERE tenant_id = $1 AND subscriber_id = $2 AND state <> 'ended'"
);
sql!(
    SET_REACH,
    // Whoever follows nothing any more is erased some day; the worker works out when.
    "UPDATE subscribers SET point_id = $3, account_id = $4, silent = $5, several = $6,
       erase_after_at = CASE WHEN CAST($7 AS BIGINT) > 0 THEN NULL ELSE COALESCE(erase_after_at, 0) END
     WHERE tenant_id = $1 AND id = $2"
);

sql!(
    VERIFIED_POINT,
    "SELECT id FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 AND account_id = $3 AND state = 'verified'
                    ORDER BY preference, id LIMIT 1"
);

/// The address at which an account may write to a reader.
pub fn verified_point(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    account: AccountId,
) -> Result<Option<PointId>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), account.bytes()];
    tx.one(VERIFIED_POINT, args, |row| row.id(0, PointId::from_bytes))
}

sql!(
    CHANNELS_OF,
    "SELECT channel FROM contact_points WHERE tenant_id = $1 AND subscriber_id = $2 ORDER BY preference, id LIMIT $3"
);

/// The channel of each address of a reader, whatever its state.
pub fn channels_of(tx: &mut ReadTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<Vec<String>, StoreError> {
    let args = args![scope.bytes(), subscriber.bytes(), POINTS_MAX];
    tx.all(CHANNELS_OF, args, |row| Ok(row.text(0)?.to_owned()))
}

sql!(
    MAIL_OF,
    "SELECT id, address FROM contact_points
     WHERE tenant_id = $1 AND subscriber_id = $2 AND channel IN ('email', 'outbox') AND state = 'verified'
     ORDER BY preference, id LIMIT 1"
);

/// The address to which a reader's single mails go; `None` where there is none that works.
pub fn mail_of(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    subscriber: SubscriberId,
) -> Result<Option<String>, StoreError> {
    tx.one(MAIL_OF, args![scope.bytes(), subscriber.bytes()], |row| {
        keys.open(ADDRESS, row.id(0, PointId::from_bytes)?.bytes(), row.bytes(1)?)
    })
}

sql!(
    FRESH,
    "INSERT INTO fresh_links (tenant_id, subscriber_id, asked_at) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, subscriber_id) DO UPDATE SET asked_at = $3 WHERE fresh_links.asked_at <= $4"
);

/// Notes that a reader asked for a fresh link; false where they last did after `since`, and nothing changes.
pub fn ask_fresh(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    now: Timestamp,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let (now, since) = (now.as_millisecond(), since.as_millisecond());
    Ok(tx.exec(FRESH, args![scope.bytes(), subscriber.bytes(), now, since])? == 1)
}

/// Derives where a reader is reached from the addresses, and whether there are siblings: call after changing either.
pub fn refresh_reach(tx: &mut WriteTx<'_>, scope: Scope, subscriber: SubscriberId) -> Result<(), StoreError> {
    let points = tx.all(
        POINT_STATES,
        args![scope.bytes(), subscriber.bytes(), POINTS_MAX],
        |row| {
            Ok((
                row.id(0, PointId::from_bytes)?,
                row.id(1, AccountId::from_bytes)?,
                row.code(2, PointState::from_code)?,
            ))
        },
    )?;
    let usable = points.iter().find(|(_, _, state)| *state == PointState::Verified);
    // Who blocks us anywhere wants nothing from us: no other address is taken instead.
    let blocked = points.iter().any(|(_, _, state)| *state == PointState::Blocked);
    let usable = usable.filter(|_| !blocked);
    let all_refused = !points.is_empty()
        && points
            .iter()
            .all(|(_, _, state)| matches!(state, PointState::Suppressed | PointState::Bouncing));
    let silent = match (usable, all_refused) {
        _ if blocked => Some(SkipReason::Blocked.code()),
        (Some(_), _) => None,
        (None, true) => Some(SkipReason::Suppressed.code()),
        (None, false) => Some(SkipReason::NoAddress.code()),
    };
    let (point, account) = usable
        .map(|(point, account, _)| (point.bytes(), account.bytes()))
        .unzip();
    let count = tx
        .one(COUNT_OF, args![scope.bytes(), subscriber.bytes()], |row| row.int(0))?
        .unwrap_or_default();
    tx.exec_one(
        SET_REACH,
        args![
            scope.bytes(),
            subscriber.bytes(),
            point,
            account,
            silent,
            count > 1,
            count
        ],
    )
}

sql!(
    SET_HOUR,
    "UPDATE subscribers SET hour = $3 WHERE tenant_id = $1 AND id = $2"
);

/// Writes the hour of the day from which a reader wants messages; `None` for the tenant's own.
pub fn set_hour(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    hour: Option<u8>,
) -> Result<(), StoreError> {
    tx.exec_one(SET_HOUR, args![scope.bytes(), subscriber.bytes(), hour.map(i64::from)])
}

sql!(
    ADD_CONSENT,
    "INSERT INTO consents (id, tenant_id, subscriber_id, purpose, wording, method, given_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7)"
);

/// Records that a reader agreed: to what, in which words, how and when.
#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
pub fn add_consent(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    id: Uuid,
    subscriber: SubscriberId,
    purpose: &str,
    wording: &str,
    method: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let args = args![
        id.as_bytes(),
        scope.bytes(),
        subscriber.bytes(),
        purpose,
        wording,
        method,
        at.as_millisecond()
    ];
    tx.exec(ADD_CONSENT, args).map(|_| ())
}

sql!(
    WITHDRAW,
    "UPDATE consents SET withdrawn_at = $3 WHERE tenant_id = $1 AND subscriber_id = $2 AND withdrawn_at IS NULL
       AND given_at <= $4"
);

/// Records that a reader withdrew every agreement given up to `said_at`; says how many stood until now.
pub fn withdraw_consents(
    tx: &mut WriteTx<'_>,
    scope: Scope,
    subscriber: SubscriberId,
    at: Timestamp,
    said_at: Timestamp,
) -> Result<u64, StoreError> {
    let args = args![
        scope.bytes(),
        subscriber.bytes(),
        at.as_millisecond(),
        said_at.as_millisecond()
    ];
    tx.exec(WITHDRAW, args)
}

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

/// Opens a sealed address read by another repository of this crate.
pub(crate) fn open_address(keys: &Keyring, point: &PointId, sealed: &[u8]) -> Result<String, StoreError> {
    keys.open(ADDRESS, point.bytes(), sealed)
}

/// Opens a sealed nickname read by another repository of this crate.
pub(crate) fn open_nickname(keys: &Keyring, id: &SubscriptionId, sealed: &[u8]) -> Result<String, StoreError> {
    keys.open(NICKNAME, id.bytes(), sealed)
}
