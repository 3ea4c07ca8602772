//! Passwords: long and not easily guessed; no rule about kinds of characters (NIST SP 800-63B-4, 3.1.1.2).

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;

use crate::text::fold;

/// Fewest characters of a password.
pub const CHARS_MIN: usize = 12;
/// Most characters of a password: whole sentences, not whole files.
pub const CHARS_MAX: usize = 128;
/// Different characters that a password has at least.
const DIFFERENT_MIN: usize = 5;
/// Characters that must remain when everything that is easily guessed is taken away.
const REMAINDER_MIN: usize = 6;
/// Shortest own word that is taken away; shorter ones stand in many other words.
const OWN_CHARS_MIN: usize = 3;

/// What common passwords are made of; longer words first where one holds another.
const COMMON: [&str; 54] = [
    "administrator",
    "1234567890",
    "0123456789",
    "0987654321",
    "qwertyuiop",
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "passwort",
    "pasuwado",
    "asdfghjkl",
    "123456789",
    "987654321",
    "qazwsxedc",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "1qaz2wsx",
    "1q2w3e4r",
    "q1w2e3r4",
    "zxcvbnm",
    "12345678",
    "87654321",
    "abcdefgh",
    "abcd1234",
    "iloveyou",
    "changeme",
    "letmein",
    "welcome",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "doraemon",
    "pokemon",
    "sakura",
    "arigatou",
    "himitsu",
    "kosodate",
    "kizuna",
    "shiyakusho",
    "yakuba",
    "admin",
    "login",
    "master",
    "monkey",
    "dragon",
    "shadow",
    "qwerty",
    "asdfgh",
    "123456",
    "654321",
    "abc123",
];

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too short.
    #[error("use at least {CHARS_MIN} characters")]
    Short,
    /// Too long.
    #[error("use at most {CHARS_MAX} characters")]
    Long,
    /// Made of the name or address of its owner.
    #[error("do not build it from your name or address")]
    Own,
    /// Made of what everybody tries first, or of few characters.
    #[error("this is among the first that anybody tries; put unrelated words together")]
    Common,
}

impl PasswordProblem {
    /// What to do, for whoever chose it.
    pub fn ja(self) -> String {
        match self {
            PasswordProblem::Short => format!("{CHARS_MIN}文字より短いです。{CHARS_MIN}文字以上にしてください。"),
            PasswordProblem::Long => format!("長すぎます。{CHARS_MAX}文字までにしてください。"),
            PasswordProblem::Own => {
                "名前やメールアドレスが入っていて、あてられやすいです。ほかのことばにしてください。".to_owned()
            }
            PasswordProblem::Common => {
                "よく使われる形で、あてられやすいです。関係のないことばを、いくつかつなげてください。".to_owned()
            }
        }
    }
}

/// The form in which a password is hashed, so that every keyboard writes the same.
pub fn normal(password: &str) -> String {
    password.nfkc().collect()
}

/// Says why a password is refused; `own` are the name and the address of its owner.
///
/// ```
/// use kizuna_domain::password::{PasswordProblem, check};
/// assert_eq!(check("わかば みずうみ きつつき", &["見本 花子", "hanako@example.jp"]), Ok(()));
/// assert_eq!(check("Password12345678", &[]), Err(PasswordProblem::Common));
/// assert_eq!(check("hanako@example.jp!", &["hanako@example.jp"]), Err(PasswordProblem::Own));
/// ```
pub fn check(password: &str, own: &[&str]) -> Result<(), PasswordProblem> {
    let chars = normal(password).chars().count();
    if chars < CHARS_MIN {
        return Err(PasswordProblem::Short);
    }
    if chars > CHARS_MAX {
        return Err(PasswordProblem::Long);
    }
    let folded = fold(password);
    let mut rest = folded.clone();
    for word in own {
        let word = fold(word);
        let joined = word.replace(' ', "");
        for part in [word.as_str(), &joined].into_iter().chain(word.split(['@', ' ', '.'])) {
            if part.chars().count() >= OWN_CHARS_MIN {
                rest = rest.replace(part, "");
            }
        }
    }
    if rest.chars().count() < REMAINDER_MIN {
        return Err(PasswordProblem::Own);
    }
    for word in COMMON {
        rest = rest.replace(word, "");
    }
    let different: HashSet<char> = folded.chars().collect();
    if rest.chars().count() < REMAINDER_MIN || different.len() < DIFFERENT_MIN {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}
