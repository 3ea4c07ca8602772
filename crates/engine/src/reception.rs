//! How messages come to a reader now, and how else they could: what the reader's own page shows.

use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::{PointState, Reach};
use kizuna_domain::text::masked;
use kizuna_store::people;
use kizuna_store::tenants::{self, Tenant};

use crate::env::Env;
use crate::error::EngineError;
use crate::line::login;
use crate::ways::{MAIL, WEB};

/// One way on which messages can come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The address.
    pub point: PointId,
    /// Code of its channel.
    pub channel: String,
    /// The address as only its owner knows it again; empty where there is none to show.
    pub shown: String,
    /// Whether it may be used.
    pub state: PointState,
    /// True where messages come here.
    pub is_used: bool,
}

/// Everything about how messages come to one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// The reader's addresses, the preferred one first.
    pub ways: Vec<Way>,
    /// The hour that the reader chose, where the tenant still offers it.
    pub hour: Option<u8>,
    /// True where an e-mail address can be added.
    pub has_mail: bool,
    /// True where a LINE user can be added.
    pub has_line: bool,
    /// True where the reader's own page can be added.
    pub has_web: bool,
}

/// How messages come to a reader; `None` for whoever follows nothing.
pub fn of(env: &Env, tenant: &Tenant, reader: SubscriberId) -> Result<Option<Reception>, EngineError> {
    let scope = tenant.scope();
    let (following, points, accounts) = env.db.read(|tx| {
        Ok((
            people::of_subscriber(tx, &env.keys, scope, reader)?,
            people::points(tx, &env.keys, scope, reader)?,
            tenants::accounts(tx, &env.keys, scope)?,
        ))
    })?;
    let Some(first) = following.first() else {
        return Ok(None);
    };
    let used = match first.reach {
        Reach::At { point, .. } => Some(point),
        Reach::Silent(_) => None,
    };
    let can = |channel: &str| tenant.settings.choices.ways && accounts.iter().any(|account| account.channel == channel);
    let is_on = |channel: &str| points.iter().any(|point| point.channel == channel);
    Ok(Some(Reception {
        hour: first.hour.filter(|hour| tenant.settings.choices.hours.contains(hour)),
        has_mail: MAIL.iter().any(|channel| can(channel)),
        has_line: can(kizuna_store::line::CHANNEL)
            && !is_on(kizuna_store::line::CHANNEL)
            && login::has_door(env, tenant)?,
        has_web: can(WEB) && !is_on(WEB),
        ways: points
            .into_iter()
            .map(|point| Way {
                is_used: used == Some(point.id),
                point: point.id,
                shown: masked(&point.address),
                channel: point.channel,
                state: point.state,
            })
            .collect(),
    }))
}
