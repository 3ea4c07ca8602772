//! Ids that never repeat, tokens that cannot be guessed, and dice that fall the same way for the same seed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

/// A source of ids: a counter, scrambled with a secret of this start of the double.
#[derive(Debug)]
pub(crate) struct Random {
    secret: u64,
    count: u64,
    system: SystemRandom,
}

impl Random {
    /// Asks the operating system for a secret.
    pub(crate) fn from_system() -> Result<Random, ring::error::Unspecified> {
        let system = SystemRandom::new();
        let mut secret = [0; 8];
        system.fill(&mut secret)?;
        Ok(Random {
            secret: u64::from_le_bytes(secret),
            count: 0,
            system,
        })
    }

    /// An id in the form of a UUID.
    pub(crate) fn id(&mut self) -> String {
        Uuid::from_u128(self.number()).to_string()
    }

    /// A number of 128 bits.
    pub(crate) fn number(&mut self) -> u128 {
        self.count += 1;
        let high = scramble(self.secret ^ self.count);
        u128::from(high) << 64 | u128::from(scramble(high ^ self.secret))
    }

    /// A secret of so many random bytes, as text.
    pub(crate) fn token(&self, bytes: usize) -> String {
        let mut token = vec![0; bytes];
        self.system
            .fill(&mut token)
            .expect("the operating system gave random bytes at the start");
        URL_SAFE_NO_PAD.encode(token)
    }
}

/// Spreads the bits of a number (the finalizer of SplitMix64).
pub(crate) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number from 0 up to 1 that hangs on a number alone.
pub(crate) fn share(number: u64) -> f64 {
    (scramble(number) >> 11) as f64 / (1_u64 << 53) as f64
}
