//! The language in which the command line speaks: Japanese unless somebody asked for English.

use clap::ValueEnum;

/// A language of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tongue {
    /// 日本語.
    Ja,
    /// English.
    En,
}

impl Tongue {
    /// The language asked for, else that of the locale, else Japanese.
    pub(crate) fn choose(asked: Option<Tongue>, locale: Option<&str>) -> Tongue {
        asked.unwrap_or(match locale {
            Some(locale) if locale.starts_with("en") => Tongue::En,
            _ => Tongue::Ja,
        })
    }

    /// The words in this language.
    pub(crate) fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Tongue::Ja => ja,
            Tongue::En => en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tongue;

    #[test]
    fn japanese_unless_the_option_or_the_locale_says_english() {
        assert_eq!(Tongue::choose(None, None), Tongue::Ja);
        assert_eq!(Tongue::choose(None, Some("C.UTF-8")), Tongue::Ja);
        assert_eq!(Tongue::choose(None, Some("en_US.UTF-8")), Tongue::En);
        assert_eq!(Tongue::choose(Some(Tongue::Ja), Some("en_US.UTF-8")), Tongue::Ja);
    }
}
