//! Words that are not used, each with a better one.

use super::book::{RuleBook, Word};
use super::{Notes, Text};
use crate::content::pack::Reason;

/// Stands in a word for anything within one sentence.
const GAP: char = '…';
/// Farthest that the two sides of a gap lie apart and still belong together.
const GAP_CHARS_MAX: usize = 20;
/// What a sentence ends with.
const ENDS: [char; 6] = ['。', '！', '？', '!', '?', '\n'];

/// Names every word of the rules that stands in the text, once.
pub(super) fn check(book: &RuleBook, language: &str, text: &Text<'_>, notes: &mut Notes) {
    let all = if language == "ja" {
        text.all.clone()
    } else {
        text.all.to_lowercase()
    };
    let mut found = Vec::new();
    for (at, first) in all.char_indices() {
        for place in book.by_first.get(&first).into_iter().flatten() {
            let Some(rule) = book.data.words.get(place.0) else {
                continue;
            };
            let Some(word) = rule.list.get(place.1) else { continue };
            if rule.language == language
                && !found.contains(place)
                && stands_at(word, &all, at)
                && rule.is_about(&text.stages)
            {
                found.push(*place);
                let Word { find, better, .. } = word;
                let advice = Reason::new(
                    format!("「{find}」→「{better}」。{}", rule.ja),
                    format!("'{find}' → '{better}': {}", rule.en),
                );
                notes.add(rule.severity, &rule.rule, find, advice);
            }
        }
    }
}

/// True where the word stands at this byte of the text, and not as part of a word that is fine.
fn stands_at(word: &Word, text: &str, at: usize) -> bool {
    let (Some(before), Some(from)) = (text.get(..at), text.get(at..)) else {
        return false;
    };
    let (head, tail) = word.find.split_once(GAP).unwrap_or((&word.find, ""));
    let Some(after) = from.strip_prefix(head) else {
        return false;
    };
    let is_part = |next: Option<char>| next.is_some_and(|c| c.is_ascii_alphanumeric());
    let latin = head.starts_with(|c: char| c.is_ascii_alphabetic());
    if latin && (is_part(before.chars().next_back()) || is_part(after.chars().next())) {
        return false;
    }
    let fine = word.unless.iter().any(|fine| {
        let lead = fine.find(head).and_then(|lead| at.checked_sub(lead));
        lead.and_then(|start| text.get(start..))
            .is_some_and(|rest| rest.starts_with(fine))
    });
    let rest_of_sentence = after.split(ENDS).next().unwrap_or_default();
    let reaches = || {
        let near: String = rest_of_sentence.chars().take(GAP_CHARS_MAX).collect();
        near.contains(tail)
    };
    let begun = before.rsplit(ENDS).next().unwrap_or_default();
    let has_near = || {
        let says = |near: &String| begun.contains(near) || rest_of_sentence.contains(near);
        word.near.is_empty() || word.near.iter().any(says)
    };
    !fine && reaches() && has_near()
}
