//! Means of signing in: passwords (Argon2id), one-time codes (RFC 6238), recovery codes.
//!
//! Hashing takes a good part of a second of a processor on purpose; whoever serves pages calls it where waiting is allowed.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use jiff::Timestamp;
use kizuna_domain::{password, text};
use totp_rs::{Builder, Secret, Totp};

use crate::error::EngineError;

/// Recovery codes that a person gets at a time.
pub const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code: 50 bits, hashed under the installation's key and slowed down like a password.
const RECOVERY_CHARS: usize = 10;
/// Crockford's base 32: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Seconds that a one-time code is shown for.
const STEP_SECONDS: u64 = 30;
/// Steps before and after the present whose codes are taken: clocks differ and people type slowly.
const STEPS_AROUND: u16 = 1;
/// Bytes of a secret of one-time codes (RFC 4226, 4).
const SECRET_BYTES: usize = 20;
/// Bytes of a salt (RFC 9106, 3.1).
const SALT_BYTES: usize = 16;

/// A hash of nobody's password, so that an unknown address takes as long as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$a2l6dW5hLW5vYm9keS0wMQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn wrong(error: &impl ToString) -> EngineError {
    EngineError::Credentials(error.to_string())
}

/// The hash of a password in the PHC form, with a salt of random bytes.
pub fn hash(password: &str, random: &[u8; 32]) -> Result<String, EngineError> {
    let salt = random.split_at(SALT_BYTES).0;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password::normal(password).as_bytes(), salt)
        .map_err(|error| wrong(&error))?;
    Ok(hash.to_string())
}

/// True where this is the password; takes as long where there is none.
pub fn is_right(password: &str, hash: Option<&str>) -> bool {
    let known = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let Some(compared) = known.clone().or_else(|| PasswordHash::new(NOBODY).ok()) else {
        return false;
    };
    let password = password::normal(password);
    let fits = Argon2::default()
        .verify_password(password.as_bytes(), &compared)
        .is_ok();
    fits && known.is_some()
}

/// A new secret of one-time codes, in base 32.
pub fn totp_secret(random: &[u8; 32]) -> String {
    Secret::from(random.split_at(SECRET_BYTES).0).to_base32()
}

fn totp(secret: &str, mail: &str, issuer: Option<&str>) -> Result<Totp, EngineError> {
    Builder::new()
        .with_secret(Secret::try_from_base32(secret).map_err(|error| wrong(&error))?)
        .with_skew(STEPS_AROUND)
        .with_step_duration(STEP_SECONDS)
        .with_account_name(mail)
        .with_issuer(issuer)
        .build()
        .map_err(|error| wrong(&error))
}

/// The address that an authenticator reads from a QR code.
pub fn totp_address(secret: &str, mail: &str, issuer: &str) -> Result<String, EngineError> {
    totp(secret, mail, Some(issuer))?
        .to_url()
        .map_err(|error| wrong(&error))
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or_default()
}

/// The step that a one-time code belongs to, if it is right now; full-width digits and spaces are welcome.
pub fn totp_step(secret: &str, code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = text::fold(code).chars().filter(char::is_ascii_digit).collect();
    let step = totp(secret, "-", None).ok()?.check(&digits, seconds(now))?;
    i64::try_from(step).ok()
}

/// The code that an authenticator shows now.
pub fn totp_code(secret: &str, now: Timestamp) -> Result<String, EngineError> {
    Ok(totp(secret, "-", None)?.generate(seconds(now)).to_string())
}

/// A new recovery code in the form in which it is kept.
pub fn recovery_code(random: &[u8; 32]) -> String {
    let digits = random.iter().take(RECOVERY_CHARS);
    digits
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|digit| char::from(*digit))
        .collect()
}

/// A recovery code as people read it: `k7q2m-9xw4t`.
pub fn show_recovery_code(code: &str) -> String {
    let (first, second) = code.split_at_checked(RECOVERY_CHARS / 2).unwrap_or((code, ""));
    format!("{first}-{second}")
}

/// What was typed as a recovery code, in the form in which codes are kept.
///
/// ```
/// assert_eq!(kizuna_engine::credentials::read_recovery_code(" K7Q2M - 9XW4T"), "k7q2m9xw4t");
/// assert_eq!(kizuna_engine::credentials::read_recovery_code("lO"), "10");
/// ```
pub fn read_recovery_code(typed: &str) -> String {
    let folded = text::fold(typed);
    let looks = folded.chars().map(|character| match character {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    });
    looks.filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_unknown_costs_as_much_to_refuse_as_who_is_known() {
        let real = hash("ながい ことばを ならべる", &[3; 32]).unwrap_or_default();
        let cost =
            |hash: &str| PasswordHash::new(hash).map(|hash| (hash.algorithm.to_string(), hash.params.to_string()));

        assert_eq!(cost(&real), cost(NOBODY));
    }
}
