//! LINE's endpoints as data: where, how often, and whether a repetition is recognised.
//!
//! Source: Messaging API reference, "Rate limits" and "Retry API requests"
//! (<https://developers.line.biz/en/reference/messaging-api/#rate-limits>), read 2026-08.

use jiff::{SignedDuration, Timestamp};

/// Whose server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// `api.line.me`.
    Api,
    /// `api-data.line.me`: pictures.
    Data,
}

/// An endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Name for records and buckets.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) host: Host,
    /// Calls allowed in `seconds`, for each channel.
    pub(crate) calls: u32,
    pub(crate) seconds: u32,
    /// True where `X-Line-Retry-Key` is accepted; elsewhere the header is an error.
    pub(crate) retry_key: bool,
}

const SECOND: u32 = 1;
const HOUR: u32 = 3_600;

const fn endpoint(name: &'static str, method: &'static str, calls: u32, seconds: u32) -> Endpoint {
    Endpoint {
        name,
        method,
        host: Host::Api,
        calls,
        seconds,
        retry_key: false,
    }
}

const fn repeatable(name: &'static str, calls: u32, seconds: u32) -> Endpoint {
    Endpoint {
        retry_key: true,
        ..endpoint(name, "POST", calls, seconds)
    }
}

const fn data(name: &'static str, method: &'static str) -> Endpoint {
    Endpoint {
        host: Host::Data,
        ..endpoint(name, method, 2_000, SECOND)
    }
}

pub(crate) static PUSH: Endpoint = repeatable("push", 2_000, SECOND);
pub(crate) static MULTICAST: Endpoint = repeatable("multicast", 200, SECOND);
pub(crate) static BROADCAST: Endpoint = repeatable("broadcast", 60, HOUR);
pub(crate) static REPLY: Endpoint = endpoint("reply", "POST", 2_000, SECOND);
pub(crate) static QUOTA: Endpoint = endpoint("quota", "GET", 2_000, SECOND);
pub(crate) static CONSUMPTION: Endpoint = endpoint("consumption", "GET", 2_000, SECOND);
pub(crate) static BOT_INFO: Endpoint = endpoint("bot-info", "GET", 2_000, SECOND);
pub(crate) static WEBHOOK_GET: Endpoint = endpoint("webhook-get", "GET", 1_000, 60);
pub(crate) static WEBHOOK_PUT: Endpoint = endpoint("webhook-put", "PUT", 1_000, 60);
pub(crate) static WEBHOOK_TEST: Endpoint = endpoint("webhook-test", "POST", 60, HOUR);
pub(crate) static MENU_CREATE: Endpoint = endpoint("menu-create", "POST", 100, HOUR);
pub(crate) static MENU_IMAGE: Endpoint = data("menu-image", "POST");
pub(crate) static MENU_LIST: Endpoint = endpoint("menu-list", "GET", 10, SECOND);
pub(crate) static MENU_DELETE: Endpoint = endpoint("menu-delete", "DELETE", 100, HOUR);
pub(crate) static MENU_DEFAULT: Endpoint = endpoint("menu-default", "POST", 2_000, SECOND);
pub(crate) static MENU_DEFAULT_CLEAR: Endpoint = endpoint("menu-default-clear", "DELETE", 2_000, SECOND);
pub(crate) static ALIAS_CREATE: Endpoint = endpoint("alias-create", "POST", 2_000, SECOND);
pub(crate) static ALIAS_UPDATE: Endpoint = endpoint("alias-update", "POST", 2_000, SECOND);
pub(crate) static ALIAS_LIST: Endpoint = endpoint("alias-list", "GET", 2_000, SECOND);
pub(crate) static MENU_LINK: Endpoint = endpoint("menu-link", "POST", 2_000, SECOND);
pub(crate) static MENU_BULK_LINK: Endpoint = endpoint("menu-bulk-link", "POST", 2_000, SECOND);

/// Part of the allowance that may leave at once, as one in so many: real capacities are not published, so it is small.
const BURST_PART: u32 = 100;
/// Part of the allowance that is never used, as one in so many: what leaves evenly arrives in bunches.
const MARGIN_PART: u32 = 40;

/// A token bucket in the form of GCRA: knows when the next call may leave.
///
/// Refills a little slower than allowed, so that burst and refill together stay within the allowance in every window.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: SignedDuration,
    slack: SignedDuration,
    next: Timestamp,
}

impl Bucket {
    pub(crate) fn new(calls: u32, seconds: u32) -> Bucket {
        let burst = (calls / BURST_PART).max(1);
        let refill = i64::from((calls - burst - calls / MARGIN_PART).max(1));
        let interval = SignedDuration::from_nanos(i64::from(seconds) * 1_000_000_000 / refill);
        Bucket {
            interval,
            slack: interval * (burst as i32 - 1),
            next: Timestamp::MIN,
        }
    }

    /// Takes one call and says how long it must wait.
    pub(crate) fn take(&mut self, now: Timestamp) -> SignedDuration {
        let earliest = self.next.checked_sub(self.slack).unwrap_or(Timestamp::MIN);
        let at = now.max(earliest);
        self.next = self.next.max(at).checked_add(self.interval).unwrap_or(Timestamp::MAX);
        at.duration_since(now)
    }

    /// Empties itself after the provider said that it was too much.
    pub(crate) fn drain(&mut self, now: Timestamp, pause: SignedDuration) {
        let later = now.checked_add(pause).and_then(|at| at.checked_add(self.slack));
        self.next = self.next.max(later.unwrap_or(Timestamp::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_never_lets_more_than_the_allowance_through_in_any_window_and_nearly_all_of_it() {
        for (calls, seconds) in [(2_000, 1), (200, 1), (10, 1), (60, 3_600), (100, 3_600), (1_000, 60)] {
            let mut bucket = Bucket::new(calls, seconds);
            let mut now = Timestamp::UNIX_EPOCH;
            let mut left = Vec::new();
            for _ in 0..calls * 4 {
                now += bucket.take(now);
                left.push(now);
            }
            let window = SignedDuration::from_secs(i64::from(seconds));
            for (place, first) in left.iter().enumerate() {
                let within = left
                    .iter()
                    .skip(place)
                    .take_while(|at| at.duration_since(*first) < window);
                assert!(within.count() <= calls as usize, "{calls} in {seconds} s");
            }
            let took = left.last().unwrap().duration_since(left[0]).as_secs_f64();
            let rate = f64::from(calls * 4) / took;
            assert!(
                rate * f64::from(seconds) >= f64::from(calls) * 0.9,
                "{calls} in {seconds} s: {rate}"
            );
        }
    }

    #[test]
    fn a_drained_bucket_pauses_and_then_goes_on_at_its_pace() {
        let mut bucket = Bucket::new(2_000, 1);
        let now = Timestamp::UNIX_EPOCH;
        bucket.drain(now, SignedDuration::from_secs(1));
        assert_eq!(bucket.take(now), SignedDuration::from_secs(1));
        let next = bucket.take(now) - SignedDuration::from_secs(1);
        assert!(next.is_positive() && next <= SignedDuration::from_millis(1), "{next:?}");
    }
}
