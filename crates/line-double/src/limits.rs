//! LINE's published rates as data, token buckets, and the busiest second of each endpoint.

use std::collections::VecDeque;

use jiff::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The share of a second's calls that may come at once. LINE publishes no sizes of its buckets, so a careful client is
/// one that passes with small ones. Limits by the minute and the hour may be used up at once: LINE's own example
/// (developers.line.biz, tips of 2026-09-10) sends 60 of 60 an hour at once.
const BURST_SHARE: f64 = 0.1;

/// Calls that LINE allows in a period, for each channel, method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) calls: u32,
    pub(crate) seconds: u32,
}

impl Rate {
    pub(crate) const fn per_second(calls: u32) -> Rate {
        Rate { calls, seconds: 1 }
    }

    pub(crate) const fn per_minute(calls: u32) -> Rate {
        Rate { calls, seconds: 60 }
    }

    pub(crate) const fn per_hour(calls: u32) -> Rate {
        Rate { calls, seconds: 3600 }
    }

    fn capacity(self) -> f64 {
        let calls = f64::from(self.calls);
        if self.seconds == 1 {
            (calls * BURST_SHARE).max(1.0)
        } else {
            calls
        }
    }

    fn per_micro(self) -> f64 {
        f64::from(self.calls) / (f64::from(self.seconds) * MICROS_PER_SECOND as f64)
    }
}

/// The bucket and the busiest second of one endpoint of one channel.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Tokens that were left at an instant in microseconds; none before the first call.
    level: Option<(f64, i64)>,
    /// Instants of the calls of the last second.
    recent: VecDeque<i64>,
    /// The most calls that were let through within any second.
    pub(crate) peak: u64,
    /// Calls that were let through.
    pub(crate) passed: u64,
    /// Calls that were refused for the rate.
    pub(crate) refused: u64,
}

impl Meter {
    /// Whether a call may pass now; counts it. Without a rate every call passes and is counted.
    pub(crate) fn pass(&mut self, rate: Option<Rate>, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        if let Some(rate) = rate {
            let capacity = rate.capacity();
            let (left, since) = self.level.unwrap_or((capacity, now));
            let left = ((now - since) as f64).mul_add(rate.per_micro(), left).min(capacity);
            if left < 1.0 {
                self.level = Some((left, now));
                self.refused += 1;
                return false;
            }
            self.level = Some((left - 1.0, now));
        }
        while self.recent.front().is_some_and(|at| *at <= now - MICROS_PER_SECOND) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.peak = self.peak.max(self.recent.len() as u64);
        self.passed += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(meter: &mut Meter, rate: Rate, calls: usize, at_ms: i64) -> usize {
        let now = Timestamp::from_millisecond(at_ms).expect("an instant");
        (0..calls).filter(|_| meter.pass(Some(rate), now)).count()
    }

    #[test]
    fn a_rate_by_the_second_lets_a_tenth_pass_at_once_and_then_its_pace() {
        let mut meter = Meter::default();
        let rate = Rate::per_second(200);

        assert_eq!(passes(&mut meter, rate, 100, 0), 20);
        assert_eq!(passes(&mut meter, rate, 100, 50), 10);
        assert_eq!(passes(&mut meter, rate, 100, 60_000), 20);
        assert_eq!((meter.peak, meter.passed, meter.refused), (30, 50, 250));
    }

    #[test]
    fn sixty_an_hour_may_pass_at_once_and_then_one_a_minute() {
        let mut meter = Meter::default();
        let rate = Rate::per_hour(60);

        assert_eq!(passes(&mut meter, rate, 100, 0), 60);
        assert_eq!(passes(&mut meter, rate, 100, 59_000), 0);
        assert_eq!(passes(&mut meter, rate, 100, 60_000), 1);
    }
}
