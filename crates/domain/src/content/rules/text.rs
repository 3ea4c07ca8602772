//! What one article's text looks like: lengths, ruby, telephone numbers, characters, dates.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::book::{Limits, PhoneRules, RuleBook, Unit};
use super::{Notes, Text, code, inlines};
use crate::content::{Desk, Owner};
use crate::day::Day;
use crate::message::Inline;

/// Digits of a telephone number with its area code, fewest and most.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 9..=11;
/// Digits of a short number behind `#`.
const SHORT_DIGITS: usize = 4;

/// Sentences and bodies that are too long, and bodies that are too short.
pub(super) fn lengths(limits: &Limits, owner: Owner, text: &Text<'_>, notes: &mut Notes) {
    let unit = limits.unit;
    for sentence in sentences(&text.plain, unit) {
        let length = count(sentence, unit);
        let words = format!("{sentence}（{length}）");
        if length > limits.sentence.most {
            notes.error(
                code::SENTENCE,
                words,
                format!("一文が {} をこえています。二つに分けてください", limits.sentence.most),
                format!("the sentence is longer than {}; make two of it", limits.sentence.most),
            );
        } else if length > limits.sentence.good {
            notes.warning(
                code::SENTENCE,
                words,
                format!("一文は {} までが読みやすい長さです", limits.sentence.good),
                format!("sentences up to {} are easy to read", limits.sentence.good),
            );
        }
    }
    let length = count(&text.plain, unit);
    let body = &limits.body;
    let (least, most) = match owner {
        Owner::Desk => (body.least, body.most),
        Owner::Tenant => (0, body.most_of_tenant),
    };
    if !(least..=most).contains(&length) {
        notes.error(
            code::BODY_LENGTH,
            length.to_string(),
            format!("本文が {length} です。{least}〜{most} にしてください"),
            format!("the text has {length}; keep it between {least} and {most}"),
        );
    } else if !(body.good_from..=body.good_until).contains(&length) {
        notes.warning(
            code::BODY_LENGTH,
            length.to_string(),
            format!(
                "本文が {length} です。{}〜{} が、ちょうどよい長さです",
                body.good_from, body.good_until
            ),
            format!(
                "the text has {length}; {} to {} is a good length",
                body.good_from, body.good_until
            ),
        );
    }
}

fn count(text: &str, unit: Unit) -> usize {
    match unit {
        Unit::Characters => text.chars().filter(|c| !c.is_whitespace()).count(),
        Unit::Words => text.split_whitespace().count(),
    }
}

fn sentences(text: &str, unit: Unit) -> Vec<&str> {
    match unit {
        Unit::Characters => text.split(['\n', '。', '！', '？', '!', '?']).map(str::trim).collect(),
        Unit::Words => text
            .lines()
            .flat_map(|line| line.split(". "))
            .flat_map(|part| part.split("? "))
            .flat_map(|part| part.split("! "))
            .collect(),
    }
}

fn is_kanji(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}' | '々')
}

/// Every kanji has its reading where the language promises it; titles, which carry no ruby, have no kanji.
pub(super) fn ruby(text: &Text<'_>, notes: &mut Notes) {
    let mut bare: Vec<char> = text.article.revision.title.chars().filter(|c| is_kanji(*c)).collect();
    for inline in inlines(&text.blocks) {
        let (Inline::Text { text } | Inline::Link { text, .. } | Inline::Ruby { reading: text, .. }) = inline;
        bare.extend(text.chars().filter(|c| is_kanji(*c)));
    }
    let mut seen = BTreeSet::new();
    let bare: String = bare.into_iter().filter(|c| seen.insert(*c)).collect();
    if !bare.is_empty() {
        notes.error(
            code::RUBY,
            bare,
            "ふりがなのない漢字です。｜漢字《かんじ》と書くか、ひらがなにしてください（題は、ひらがなに）",
            "kanji without a reading; write ｜漢字《かんじ》 or kana (in titles: kana)",
        );
    }
}

/// The numbers that may stand in this pack's texts, in the form of [`numbers`].
pub(super) fn known_numbers<'d>(book: &RuleBook, desks: impl Iterator<Item = &'d Desk>) -> BTreeSet<String> {
    let rules = &book.data.phones;
    let mut known: BTreeSet<String> = rules.national.iter().map(|entry| digits(&entry.number)).collect();
    for desk in desks {
        known.insert(digits(&fold(&desk.phone)));
        known.extend(numbers(
            rules,
            &fold(&format!("{} {} {}", desk.name, desk.hours, desk.note)),
        ));
    }
    known
}

/// A family that dials what it reads reaches a desk that the town or the country named.
pub(super) fn phones(rules: &PhoneRules, known: &BTreeSet<String>, text: &Text<'_>, notes: &mut Notes) {
    let unknown: BTreeSet<String> = numbers(rules, &fold(&text.all))
        .filter(|number| !known.contains(number))
        .collect();
    for number in unknown {
        notes.error(
            code::PHONE,
            number,
            "この電話番号は、相談先（desks.toml）にも全国の番号の表にもありません。番号を確かめて、相談先に入れてください",
            "this number is neither a desk of the town nor on the national list; check it and add it to desks.toml",
        );
    }
}

fn fold(text: &str) -> String {
    text.nfkc().collect()
}

fn digits(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || *c == '#').collect()
}

/// Telephone numbers in a folded text, as digits: `#8000`, `0120279338`, `119` where it is dialled.
fn numbers(rules: &PhoneRules, folded: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    let mut rest = folded;
    let mut before = "";
    while let Some(at) = rest.find(|c: char| c == '#' || c.is_ascii_digit()) {
        let (lead, from) = rest.split_at(at);
        before = if at == 0 { before } else { lead };
        let end = from
            .char_indices()
            .find(|(place, c)| !(c.is_ascii_digit() || is_joint(*c) || (*place == 0 && *c == '#')))
            .map_or(from.len(), |(place, _)| place);
        let (written, after) = from.split_at(end);
        let number = digits(written);
        let plain = number.trim_start_matches('#').len();
        let is_number = match number.chars().next() {
            Some('#') => plain == SHORT_DIGITS,
            Some('0') => PHONE_DIGITS.contains(&plain),
            Some('1') => {
                number.len() == 3 && written.trim_end_matches(is_joint).len() == 3 && is_dialled(rules, before, after)
            }
            _ => false,
        };
        if is_number {
            found.push(number);
        }
        before = written;
        rest = after;
    }
    found.into_iter()
}

/// What joins the groups of a telephone number.
fn is_joint(c: char) -> bool {
    matches!(c, '-' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー')
}

fn is_dialled(rules: &PhoneRules, before: &str, after: &str) -> bool {
    let starts = |words: &[String]| words.iter().any(|word| after.starts_with(word));
    let led = rules.led_by.iter().any(|word| before.to_lowercase().ends_with(word));
    (starts(&rules.followed_by) && !starts(&rules.not_followed_by)) || led
}

/// Characters that nobody sees, that shout, that are read aloud as noise, and digits of two widths.
pub(super) fn characters(text: &Text<'_>, notes: &mut Notes) {
    let revision = &text.article.revision;
    let sources = revision
        .sources
        .iter()
        .flat_map(|source| [&source.title, &source.publisher]);
    let lines = [&revision.title]
        .into_iter()
        .chain(&revision.contact)
        .chain(&revision.owner_section);
    for line in lines.chain(sources) {
        if let Some((_, c)) = crate::text::invisible(line) {
            notes.error(
                code::INVISIBLE,
                line,
                format!("見えない文字（U+{:04X}）があります。消してください", u32::from(c)),
                format!("invisible character U+{:04X}; delete it", u32::from(c)),
            );
        }
    }
    if text.all.contains(['!', '！']) {
        notes.warning(
            code::EXCLAMATION,
            "！",
            "感嘆符は使いません。「。」にしてください",
            "no exclamation marks; write a full stop",
        );
    }
    let symbols: String = text.all.chars().filter(|c| is_symbol(*c)).collect();
    if !symbols.is_empty() {
        notes.warning(
            code::SYMBOL,
            symbols,
            "絵文字・記号は、読み上げや古い端末で困ります。ことばで書いてください",
            "pictures and symbols disturb screen readers and old phones; write words",
        );
    }
    let wide = text.all.chars().any(|c| ('０'..='９').contains(&c));
    if wide && text.all.chars().any(|c| c.is_ascii_digit()) {
        let wide: String = text.all.chars().filter(|c| ('０'..='９').contains(c)).collect();
        notes.warning(
            code::DIGIT_WIDTH,
            wide,
            "全角と半角の数字がまじっています。半角にそろえてください",
            "digits of two widths; write them half-width",
        );
    }
}

/// Emoji, dingbats, circled numbers and letters squeezed into one.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2460}'..='\u{24ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{3200}'..='\u{33ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// A date as it stands in a text.
struct Written {
    year: Option<i16>,
    month: i8,
    day: i8,
    weekday: Option<char>,
}

impl Written {
    fn words(&self) -> String {
        let weekday = self.weekday.map(|c| format!("（{c}）")).unwrap_or_default();
        format!("{}月{}日{weekday}", self.month, self.day)
    }

    /// The day meant: in the year that is written, or in the one nearest to `about`.
    fn day(&self, about: Day) -> Option<Day> {
        let years = match self.year {
            Some(year) => year..=year,
            None => about.year() - 1..=about.year() + 1,
        };
        years
            .filter_map(|year| Day::new(year, self.month, self.day))
            .min_by_key(|day| (*day - about).abs())
    }
}

/// A notice names the weekday of each date, and every weekday is that of its date.
pub(super) fn weekdays(text: &Text<'_>, notes: &mut Notes) {
    let placement = &text.article.placement;
    let written = dates(&fold(&text.all));
    for date in &written {
        let about = placement
            .on
            .first()
            .copied()
            .or(placement.valid_until)
            .or(placement.valid_from);
        let day = about.and_then(|about| date.day(about));
        if let (Some(weekday), Some(day)) = (date.weekday, day)
            && !day.weekday_ja().contains(weekday)
        {
            notes.error(
                code::WEEKDAY,
                date.words(),
                format!("{} です。日付か曜日を直してください", day.japanese()),
                format!("{day} is another day of the week; mend the date or the weekday"),
            );
        }
        let named = || {
            written
                .iter()
                .any(|other| other.weekday.is_some() && (other.month, other.day) == (date.month, date.day))
        };
        if !placement.on.is_empty() && date.year.is_none() && !named() {
            notes.warning(
                code::WEEKDAY,
                date.words(),
                "お知らせの日付には、曜日をつけてください：12月5日（土）",
                "write the weekday behind each date of a notice: 12月5日（土）",
            );
        }
    }
}

fn dates(folded: &str) -> Vec<Written> {
    let mut found = Vec::new();
    for (at, mark) in folded.match_indices('月') {
        let (before, after) = folded.split_at(at);
        let (before, month) = trailing_number(before);
        let after = after.trim_start_matches(mark);
        let day: String = after.chars().take_while(char::is_ascii_digit).collect();
        let Some(after) = after.strip_prefix(&day).and_then(|rest| rest.strip_prefix('日')) else {
            continue;
        };
        let (Ok(month), Ok(day)) = (month.parse(), day.parse()) else {
            continue;
        };
        let year = before.strip_suffix('年').and_then(|before| {
            let (before, year) = trailing_number(before);
            let year: i16 = year.parse().ok()?;
            Some(if before.ends_with("令和") {
                year.checked_add(2018)?
            } else {
                year
            })
        });
        let weekday = after
            .trim_start()
            .strip_prefix('(')
            .and_then(|inside| inside.chars().next());
        found.push(Written {
            year,
            month,
            day,
            weekday: weekday.filter(|c| "月火水木金土日".contains(*c)),
        });
    }
    found
}

/// A text taken apart before the digits that it ends with.
fn trailing_number(text: &str) -> (&str, &str) {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    (before, text.strip_prefix(before).unwrap_or_default())
}
