//! How often somebody may ask for something that costs others: a mail to an address, a row in the register.
//!
//! What is counted stands under a keyed hash. Nobody is told whose use filled a bucket.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use kizuna_store::{Scope, StoreError, WriteTx, throttles};

use crate::env::Env;
use crate::error::EngineError;

/// Uses that are let through in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    kind: &'static str,
    uses_max: i64,
    stretch: SignedDuration,
}

/// Registrations from one client: thousands of phones share one address of a mobile network.
pub const REGISTRATIONS_OF_CLIENT: Limit = Limit {
    kind: "register-client",
    uses_max: 60,
    stretch: SignedDuration::from_hours(1),
};
/// Registrations by one e-mail address: as many mails may come to somebody whose address others type.
pub const REGISTRATIONS_BY_ADDRESS: Limit = Limit {
    kind: "register-address",
    uses_max: 3,
    stretch: SignedDuration::from_hours(24),
};
/// Registrations at one tenant: more than the busiest morning after a town sent its leaflet to every house.
pub const REGISTRATIONS_AT_TENANT: Limit = Limit {
    kind: "register-tenant",
    uses_max: 2_000,
    stretch: SignedDuration::from_hours(1),
};

/// Mails that show whether mail arrives, to one address of a reader who asks for them on their own page.
pub const REPAIRS_OF_ADDRESS: Limit = Limit {
    kind: "repair-address",
    uses_max: 3,
    stretch: SignedDuration::from_hours(24),
};
/// Mails of that kind that one tenant sends.
pub const REPAIRS_AT_TENANT: Limit = Limit {
    kind: "repair-tenant",
    uses_max: 300,
    stretch: SignedDuration::from_hours(1),
};
/// Fresh links to one reader's own pages: whoever holds an old mail can ask for them.
pub const FRESH_LINKS_OF_DAY: Limit = Limit {
    kind: "fresh-link-day",
    uses_max: 3,
    stretch: SignedDuration::from_hours(24),
};

/// Counts one use under each limit, of the words that stand beside it; says until when to wait where one is used up.
///
/// What a first limit refuses is not counted under the next.
pub fn admit(env: &Env, scope: Scope, uses: &[(Limit, &[u8])]) -> Result<Option<Timestamp>, EngineError> {
    Ok(env.write(|tx| count(tx, env, scope, uses))?)
}

/// The same in the transaction of what is asked for, so that neither happens without the other.
pub(crate) fn count(
    tx: &mut WriteTx<'_>,
    env: &Env,
    scope: Scope,
    uses: &[(Limit, &[u8])],
) -> Result<Option<Timestamp>, StoreError> {
    let now = env.clock.now();
    let buckets: Vec<(Limit, [u8; 16])> = uses
        .iter()
        .map(|(limit, words)| {
            let words = [scope.tenant().bytes().as_slice(), words].concat();
            (*limit, env.keys.index_of(limit.kind, &words))
        })
        .collect();
    for (limit, bucket) in &buckets {
        let until = now.checked_add(limit.stretch).unwrap_or(Timestamp::MAX);
        let (uses, ends) = throttles::hit(tx, bucket, now, until)?;
        if uses > limit.uses_max {
            return Ok(Some(ends));
        }
    }
    Ok(None)
}

/// A client's address as it is counted: of IPv6 the first half, which one household has to itself.
pub fn client_words(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().into_iter().take(8).collect(),
    }
}
