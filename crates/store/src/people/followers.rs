//! Subscriptions with all that planning and pages need of them: walks along one index, and those of one reader.

use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, AnchorDate, AnchorRange};

use super::{FIRST, NICKNAME, SUBSCRIPTIONS_MAX};
use crate::db::{ReadTx, Row, Sql};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// Subscriptions of one reader in all, ended ones too.
const EVER_MAX: i64 = 200;

/// Followers in the order of a walk along one index, with the date that a next page starts after.
#[derive(Debug)]
pub struct Page {
    /// The subscriptions.
    pub followers: Vec<Follower>,
    /// Where the next page begins; `None` at the end.
    pub after: Option<(Day, SubscriptionId)>,
}

/// A statement that reads what [`follower`] takes, and perhaps more columns behind it, from these rows.
macro_rules! followers {
    ($rows:literal) => {
        followers!("", $rows)
    };
    ($more:literal, $rows:literal) => {
        concat!(
            "SELECT s.id, s.subscriber_id, s.due_on, s.birth_on, s.nickname, s.registered_on, s.state,
               r.area, r.point_id, r.account_id, r.silent, r.several, s.resumed_on, r.language, r.hour",
            $more,
            " FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id ",
            $rows
        )
    };
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
    followers!(
        "WHERE s.tenant_id = $1 AND s.birth_on IS NULL AND s.state <> 'ended'
         AND s.due_on <= $3 AND (s.due_on, s.id) > ($2, $4)
         ORDER BY s.due_on, s.id LIMIT $5"
    )
);
sql!(
    BY_BIRTH,
    followers!(
        "WHERE s.tenant_id = $1 AND s.birth_on IS NOT NULL AND s.state <> 'ended'
         AND s.birth_on <= $3 AND (s.birth_on, s.id) > ($2, $4)
         ORDER BY s.birth_on, s.id LIMIT $5"
    )
);
sql!(
    BY_PRETERM_DUE,
    followers!(
        "WHERE s.tenant_id = $1 AND s.preterm = 1 AND s.state <> 'ended'
         AND s.due_on <= $3 AND (s.due_on, s.id) > ($2, $4)
         ORDER BY s.due_on, s.id LIMIT $5"
    )
);
sql!(
    BY_REGISTRATION,
    followers!(
        "WHERE s.tenant_id = $1 AND s.state <> 'ended'
         AND s.registered_on <= $3 AND (s.registered_on, s.id) > ($2, $4)
         ORDER BY s.registered_on, s.id LIMIT $5"
    )
);

sql!(
    BY_RESUMPTION,
    followers!(
        "WHERE s.tenant_id = $1 AND s.resumed_on IS NOT NULL AND s.state <> 'ended'
         AND s.resumed_on <= $3 AND (s.resumed_on, s.id) > ($2, $4)
         ORDER BY s.resumed_on, s.id LIMIT $5"
    )
);

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
    followers!("WHERE s.tenant_id = $1 AND s.subscriber_id = $2 AND s.state <> 'ended' ORDER BY s.id LIMIT $3")
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
    OWN,
    followers!(
        ", s.version",
        "WHERE s.tenant_id = $1 AND s.subscriber_id = $2 AND s.state <> 'ended' ORDER BY s.id LIMIT $3"
    )
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
    followers!(
        ", CASE WHEN s.end_reason = 'completed' THEN 1 ELSE 0 END",
        "WHERE s.tenant_id = $1 AND s.subscriber_id = $2 ORDER BY s.id LIMIT $3"
    )
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

sql!(FOLLOWER, followers!("WHERE s.tenant_id = $1 AND s.id = $2"));

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
    followers!("WHERE s.tenant_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3")
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
