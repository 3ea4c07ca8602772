//! What readers follow: begun, corrected, paused, ended.

use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{SubscriberId, SubscriptionId};
use kizuna_domain::people::{EndReason, SubscriptionState};
use kizuna_domain::position::Anchor;

use super::{NICKNAME, SUBSCRIPTIONS_MAX};
use crate::db::{ReadTx, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

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
