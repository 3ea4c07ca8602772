//! Readings above words: `｜母子健康手帳《ぼしけんこうてちょう》` in the words of a page becomes ruby, in one place for all pages.
//!
//! `｜設定《》`, without a reading, is a Japanese word among others: it is marked as Japanese for those who listen.

/// Elements whose content is text only, where a reading cannot stand above a word.
const TEXT_ONLY: [&str; 4] = ["title", "option", "textarea", "script"];

const WORD: char = '｜';
const OPEN: char = '《';
const CLOSE: char = '》';

/// Turns every marked reading of a page into ruby; in attributes, titles and options only the word stays.
///
/// What is marked is `｜word《reading》`; a lone sign stays as it is.
pub(crate) fn dress(html: String) -> String {
    if !html.contains(WORD) {
        return html;
    }
    dressed(&html, Place::Text)
}

/// The words of a text alone, for what leaves the page: a share, a mail.
pub(crate) fn bare(text: &str) -> String {
    dressed(text, Place::Plain)
}

fn dressed(html: &str, mut place: Place) -> String {
    let mut dressed = String::with_capacity(html.len() * 2);
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>', WORD]) {
        let (before, from) = rest.split_at(at);
        dressed.push_str(before);
        let mut signs = from.chars();
        match signs.next() {
            Some('<') => {
                place = Place::tag(from);
                dressed.push('<');
                rest = signs.as_str();
            }
            Some('>') => {
                place = place.end();
                dressed.push('>');
                rest = signs.as_str();
            }
            _ => rest = reading(from, place, &mut dressed),
        }
    }
    dressed.push_str(rest);
    dressed
}

/// Where in a page a reading stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between tags.
    Text,
    /// Inside a tag; behind it comes text, or only text.
    Tag { then_plain: bool },
    /// Where no element can stand.
    Plain,
}

impl Place {
    fn tag(from: &str) -> Place {
        let name = from.trim_start_matches('<');
        let begins = |element: &str| {
            name.strip_prefix(element)
                .is_some_and(|behind| behind.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()))
        };
        Place::Tag {
            then_plain: TEXT_ONLY.iter().any(|element| begins(element)),
        }
    }

    fn end(self) -> Place {
        match self {
            Place::Tag { then_plain: true } => Place::Plain,
            Place::Tag { then_plain: false } => Place::Text,
            other => other,
        }
    }
}

/// Writes what begins with [`WORD`] and gives what is left.
fn reading<'a>(from: &'a str, place: Place, dressed: &mut String) -> &'a str {
    let inside = from.trim_start_matches(WORD);
    let parts = inside.split_once(OPEN).and_then(|(word, behind)| {
        let (reading, rest) = behind.split_once(CLOSE)?;
        let is_one = !word.is_empty() && !word.contains(['<', '>', WORD]) && !reading.contains(['<', '>', OPEN]);
        is_one.then_some((word, reading, rest))
    });
    let Some((word, reading, rest)) = parts else {
        dressed.push(WORD);
        return inside;
    };
    if place == Place::Text && reading.is_empty() {
        for part in ["<span lang=\"ja\">", word, "</span>"] {
            dressed.push_str(part);
        }
    } else if place == Place::Text {
        for part in ["<ruby>", word, "<rp>（</rp><rt>", reading, "</rt><rp>）</rp></ruby>"] {
            dressed.push_str(part);
        }
    } else {
        dressed.push_str(word);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::dress;

    #[test]
    fn a_reading_stands_above_its_word_and_never_inside_a_tag() {
        let page = "<title>｜登録《とうろく》</title><p title=\"｜日《ひ》\">｜日《ひ》を</p><option value=1>｜月《つき》</option>";
        assert_eq!(
            dress(page.to_owned()),
            "<title>登録</title><p title=\"日\"><ruby>日<rp>（</rp><rt>ひ</rt><rp>）</rp></ruby>を</p><option value=1>月</option>"
        );
    }

    #[test]
    fn a_word_without_a_reading_is_marked_as_japanese() {
        assert_eq!(
            dress("<title>｜設定《》</title><p>Open ｜設定《》 now</p>".to_owned()),
            "<title>設定</title><p>Open <span lang=\"ja\">設定</span> now</p>"
        );
    }

    #[test]
    fn a_text_that_leaves_the_page_has_no_readings() {
        assert_eq!(super::bare("お ｜知《し》らせ"), "お 知らせ");
    }

    #[test]
    fn what_is_no_reading_stays_as_it_is() {
        for page in [
            "<p>ひだまり市｜子育て</p>",
            "<p>｜日《ひ</p><b>》</b>",
            "《》",
            "<p>｜《ひ》</p>",
        ] {
            assert_eq!(dress(page.to_owned()), page);
        }
    }
}
