//! Tokens that work once and for a while: reply tokens, link tokens, codes of LINE Login.

use std::collections::HashMap;

use jiff::Timestamp;

/// Vouchers that are kept at least before those that are over are looked for.
const SWEEP_FROM: usize = 10_000;

/// Vouchers with what they are good for.
#[derive(Debug)]
pub(crate) struct Vouchers<T> {
    issued: HashMap<String, (T, Timestamp)>,
    /// The number at which old ones are looked for again.
    until_sweep: usize,
}

impl<T> Default for Vouchers<T> {
    fn default() -> Vouchers<T> {
        Vouchers {
            issued: HashMap::new(),
            until_sweep: SWEEP_FROM,
        }
    }
}

impl<T> Vouchers<T> {
    /// Issues one that works before its end.
    pub(crate) fn issue(&mut self, voucher: String, worth: T, end: Timestamp, now: Timestamp) {
        if self.issued.len() >= self.until_sweep {
            self.issued.retain(|_, (_, end)| now < *end);
            self.until_sweep = (2 * self.issued.len()).max(SWEEP_FROM);
        }
        self.issued.insert(voucher, (worth, end));
    }

    /// Takes one in, whether or not it is over; gives its worth where it is not.
    pub(crate) fn redeem(&mut self, voucher: &str, now: Timestamp) -> Option<T> {
        let (worth, end) = self.issued.remove(voucher)?;
        (now < end).then_some(worth)
    }

    /// Gives one that was not taken in yet another end.
    pub(crate) fn prolong(&mut self, voucher: &str, new_end: Timestamp) {
        if let Some((_, end)) = self.issued.get_mut(voucher) {
            *end = new_end;
        }
    }
}
