//! Which language a reader's page speaks: Japanese, and where it is asked for やさしい日本語 with readings, or English.

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Ja,
    /// やさしい日本語: short plain sentences, every kanji with its reading.
    Easy,
    En,
}

impl Language {
    /// Every language, in the order in which pages offer them.
    pub(crate) const ALL: [Language; 3] = [Language::Ja, Language::Easy, Language::En];

    /// The words of this language among those of all.
    pub(crate) const fn pick<T: ?Sized>(self, ja: &'static T, easy: &'static T, en: &'static T) -> &'static T {
        match self {
            Language::Ja => ja,
            Language::Easy => easy,
            Language::En => en,
        }
    }

    /// Its name in itself, with readings for those who look for them.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Language::Ja => "｜日本語《にほんご》",
            Language::Easy => "やさしい｜日本語《にほんご》",
            Language::En => "English",
        }
    }

    /// The word behind `?lang=`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Language::Ja => "ja",
            Language::Easy => "easy",
            Language::En => "en",
        }
    }

    /// The BCP 47 tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Language::Ja | Language::Easy => "ja",
            Language::En => "en",
        }
    }

    /// What an address carries so that the next page speaks the same; nothing where it need not.
    pub(crate) const fn query(self) -> &'static str {
        match self {
            Language::Ja => "",
            Language::Easy => "?lang=easy",
            Language::En => "?lang=en",
        }
    }

    /// The same with more behind it: `?done=hour`, `?lang=en&done=hour`.
    pub(crate) fn query_and(self, more: &str) -> String {
        match self.query() {
            "" => format!("?{more}"),
            query => format!("{query}&{more}"),
        }
    }

    /// What the request asks for: `?lang=` first, then the browser's languages; Japanese wherever it is among them.
    pub(crate) fn of(parts: &Parts) -> Language {
        let mut asked = parts.uri.query().into_iter().flat_map(|query| query.split('&'));
        if let Some(code) = asked.find_map(|pair| pair.strip_prefix("lang=")) {
            let known = Language::ALL.into_iter().find(|language| language.code() == code);
            return known.unwrap_or(Language::Ja);
        }
        let accepted = parts
            .headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut tags = accepted.split(',').map(str::trim);
        let begins = |tag: &str, with: &str| tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(with));
        if tags.clone().any(|tag| begins(tag, "ja")) || !tags.any(|tag| begins(tag, "en")) {
            Language::Ja
        } else {
            Language::En
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Language, Self::Rejection> {
        Ok(Language::of(parts))
    }
}
