//! How often somebody may ask for something that costs others: a mail to an address, a row in the register.
//!
//! What is counted stands under a keyed hash. Nobody is told whose use filled a bucket.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use kizuna_store::{Scope, StoreError, WriteTx, throttles};

use crate::env::Env;
use crate::error::EngineError;

/// Uses that are let through in a stretch of time, which begins with the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    kind: &'static str,
    /// How many there may be.
    pub uses_max: i64,
    stretch: SignedDuration,
}

/// The stretch of most limits.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// The stretch of what may come to one person or address.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Registrations from one client: thousands of phones share one address of a mobile network.
pub const REGISTRATIONS_OF_CLIENT: Limit = Limit {
    kind: "register-client",
    uses_max: 60,
    stretch: HOUR,
};
/// Registrations by one e-mail address: as many mails may come to somebody whose address others type.
pub const REGISTRATIONS_BY_ADDRESS: Limit = Limit {
    kind: "register-address",
    uses_max: 3,
    stretch: DAY,
};
/// Registrations at one tenant: more than the busiest morning after a town sent its leaflet to every house.
pub const REGISTRATIONS_AT_TENANT: Limit = Limit {
    kind: "register-tenant",
    uses_max: 2_000,
    stretch: HOUR,
};
/// Uses of one form that registers on the page: it outlasts the form, and what the form registered.
pub const REGISTRATIONS_BY_FORM: Limit = Limit {
    kind: "register-form",
    uses_max: 1,
    stretch: SignedDuration::from_hours(72),
};
/// Mails that one address is sent because somebody asked for them by mail or on a reader's page.
pub const ANSWERS_TO_ADDRESS: Limit = Limit {
    kind: "answer-address",
    uses_max: 3,
    stretch: DAY,
};
/// Mails of that kind that one tenant sends.
pub const ANSWERS_OF_TENANT: Limit = Limit {
    kind: "answer-tenant",
    uses_max: 300,
    stretch: HOUR,
};
/// Fresh links to one reader's own pages, however often somebody asks.
pub const FRESH_LINKS_OF_READER: Limit = Limit {
    kind: "fresh-link",
    uses_max: 1,
    stretch: HOUR,
};
/// Mails to new addresses that one reader may ask for.
pub const NEW_ADDRESSES_OF_READER: Limit = Limit {
    kind: "way-reader",
    uses_max: 5,
    stretch: DAY,
};
/// Mails of that kind that may come to one address, whoever asks for them.
pub const NEW_ADDRESSES_AT_ADDRESS: Limit = Limit {
    kind: "way-address",
    uses_max: 3,
    stretch: DAY,
};
/// Codes of a move that one client may try in a town: households share an address, and nobody has many codes.
pub const MOVES_OF_CLIENT: Limit = Limit {
    kind: "move-in-client",
    uses_max: 30,
    stretch: HOUR,
};
/// Codes that may be tried in a town; with this many nobody guesses one in the week that it lasts.
pub const MOVES_AT_TENANT: Limit = Limit {
    kind: "move-in-town",
    uses_max: 1_000,
    stretch: HOUR,
};

/// Mails that show whether mail arrives, to one address of a reader who asks for them on their own page.
pub const REPAIRS_OF_ADDRESS: Limit = Limit {
    kind: "repair-address",
    uses_max: 3,
    stretch: DAY,
};
/// Mails of that kind that one tenant sends.
pub const REPAIRS_AT_TENANT: Limit = Limit {
    kind: "repair-tenant",
    uses_max: 300,
    stretch: HOUR,
};
/// Fresh links to one reader's own pages: whoever holds an old mail can ask for them.
pub const FRESH_LINKS_OF_DAY: Limit = Limit {
    kind: "fresh-link-day",
    uses_max: 3,
    stretch: DAY,
};

/// Counts one use under each limit, of the words that stand beside it; says until when to wait where one is used up.
///
/// What is refused is not counted, except for whoever loses the last use to somebody who asked at the same moment.
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
    let buckets = uses.iter().map(|(limit, words)| {
        let words = [scope.tenant().bytes().as_slice(), words].concat();
        (*limit, env.keys.index_of(limit.kind, &words))
    });
    let buckets: Vec<(Limit, [u8; 16])> = buckets.collect();
    for (limit, bucket) in &buckets {
        if let Some((_, ends)) = throttles::used(tx, bucket, now)?.filter(|(uses, _)| *uses >= limit.uses_max) {
            return Ok(Some(ends));
        }
    }
    for (limit, bucket) in &buckets {
        let until = now.checked_add(limit.stretch).unwrap_or(Timestamp::MAX);
        let (uses, ends) = throttles::hit(tx, bucket, now, until)?;
        // The last one went to somebody who asked at the same moment.
        if uses > limit.uses_max {
            return Ok(Some(ends));
        }
    }
    Ok(None)
}

/// An e-mail address as it is counted: however it is written.
pub fn address_words(address: &str) -> Vec<u8> {
    kizuna_domain::text::fold(address).into_bytes()
}

/// A client's address as it is counted: of IPv6 the first half, which one household has to itself.
pub fn client_words(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().into_iter().take(8).collect(),
    }
}
