//! Where a label is broken into lines, and how large its letters may be.

use kizuna_domain::menu::LETTER_MIN;

use super::DrawError;
use super::font::Font;

/// Height of letters in a menu whose labels are all short, at the design width.
const LETTER_MAX: u32 = 108;
/// Steps by which letters are made smaller until all labels fit.
const LETTER_STEP: usize = 4;

/// Letters that may not begin a line.
const NEVER_FIRST: &str = "、。，．・：；！？!?)）］｝」』】〕〉》ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ々〜～…％%ﾞﾟ";
/// Letters that may not end a line.
const NEVER_LAST: &str = "（(［｛「『【〔〈《";
/// Letters after which a reader expects a pause.
const PAUSES: &str = "をにへとがはのでも・、。 　";

/// A label and the width that its cell has for it, at the design width.
pub(super) struct Label {
    pub(super) text: String,
    pub(super) room: f64,
}

/// One size of letters for the whole menu, and every label in lines.
///
/// Smaller letters in one line go before larger ones in two, and these before a break in the middle of a word.
pub(super) fn set(labels: &[Label], font: &Font) -> Result<(f64, Vec<Vec<String>>), DrawError> {
    for may_break in [nowhere, where_readers_pause, anywhere] {
        for letter in (LETTER_MIN..=LETTER_MAX).rev().step_by(LETTER_STEP).map(f64::from) {
            let lines = |label| lines(label, letter, font, may_break);
            if let Some(all) = labels.iter().map(lines).collect() {
                return Ok((letter, all));
            }
        }
    }
    let wide = |label: &&Label| lines(label, f64::from(LETTER_MIN), font, anywhere).is_none();
    Err(DrawError::TooWide {
        label: labels
            .iter()
            .find(wide)
            .map(|label| label.text.clone())
            .unwrap_or_default(),
    })
}

/// The lines that its author wrote, or else two of the most equal length; nothing where they do not fit.
fn lines(label: &Label, letter: f64, font: &Font, may_break: fn(char, char) -> bool) -> Option<Vec<String>> {
    let written: Vec<&str> = label.text.split('\n').map(str::trim).collect();
    let longest = |lines: &[&str]| lines.iter().map(|line| font.width(line, letter)).fold(0.0, f64::max);
    let lines = if longest(&written) <= label.room {
        Some(written)
    } else if let [line] = written[..] {
        let next = |at: &usize| line[*at..].chars().next();
        let last = |at: &usize| line[..*at].chars().next_back();
        line.char_indices()
            .map(|(at, _)| at)
            .filter(|at| matches!((last(at), next(at)), (Some(last), Some(next)) if may_break(last, next)))
            .map(|at| vec![line[..at].trim(), line[at..].trim()])
            .min_by(|a, b| longest(a).total_cmp(&longest(b)))
            .filter(|lines| longest(lines) <= label.room)
    } else {
        None
    };
    lines.map(|lines| lines.into_iter().map(str::to_owned).collect())
}

fn nowhere(_: char, _: char) -> bool {
    false
}

/// After a particle, and where kana or Latin go over into another script; 直す and お知らせ stay whole.
fn where_readers_pause(last: char, next: char) -> bool {
    let other_script = match (Script::of(last), Script::of(next)) {
        (Script::Hiragana, next) => next != Script::Hiragana,
        (Script::Katakana | Script::Latin, next) => next == Script::Hiragana || next == Script::Kanji,
        (Script::Kanji, next) => next == Script::Katakana,
    };
    anywhere(last, next) && (PAUSES.contains(last) || other_script)
}

/// Not before 、 or っ, not after （, not inside a word of Latin letters.
fn anywhere(last: char, next: char) -> bool {
    let inside_a_word = Script::of(last) == Script::Latin && Script::of(next) == Script::Latin;
    !NEVER_LAST.contains(last) && !NEVER_FIRST.contains(next) && !inside_a_word
}

/// What a letter is written in; everything else counts as kanji.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Hiragana,
    Katakana,
    Latin,
    Kanji,
}

impl Script {
    fn of(letter: char) -> Script {
        match letter {
            'ぁ'..='ゖ' => Script::Hiragana,
            'ァ'..='ヺ' | 'ー' | 'ｦ'..='ﾟ' => Script::Katakana,
            _ if letter.is_ascii_alphanumeric() => Script::Latin,
            _ => Script::Kanji,
        }
    }
}
