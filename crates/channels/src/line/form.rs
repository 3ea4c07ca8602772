//! Turns a [`Draft`] into LINE's message objects: plain text or Flex, with the same words in both.
//!
//! Sources: Messaging API reference, "Message objects", and "Character counting in a text": five objects a request, five
//! thousand UTF-16 code units a text, thirty kilobytes a Flex bubble.

use kizuna_domain::message::{Block, Draft, Inline};
use kizuna_domain::text::tel;
use serde_json::{Value, json};

use super::client::MESSAGES_MAX;
use super::settings::Format;
use crate::render::{Pages, Piece, TextWriter, Words, address, pieces, subject};

/// UTF-16 code units of one text object.
pub(crate) const TEXT_UNITS_MAX: usize = 5_000;
/// Bytes of a Flex bubble as JSON.
const BUBBLE_BYTES_MAX: usize = 30_000;
/// Characters of the line that a locked screen shows for a Flex message.
const ALT_MAX: usize = 400;

/// A message that does not fit into one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is longer than five texts of 5,000 units, which is all that LINE carries at once")]
pub(crate) struct TooBig;

/// Length of a text as LINE counts it.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The message objects of a cohort, as JSON: the same for each of its readers; `media` as in `Links`.
///
/// Pictures follow the words while there is room for them. Their descriptions stand in the words in any case: LINE has
/// no place for them beside a picture, and whoever does not see it would miss them.
pub(crate) fn messages(draft: &Draft, media: &str, format: Format) -> Result<Vec<Value>, TooBig> {
    let words = Words::of(&draft.language);
    let mut pieces = pieces(draft, &Pages::default(), words);
    pieces.push(Piece::Note(words.line_stop));
    let bubbles = bubbles(&pieces, words, format)?;
    let mut objects: Vec<Value> = match format {
        Format::Text => bubbles.iter().map(|bubble| text_object(&bubble.text)).collect(),
        Format::Flex => {
            let alt: String = subject(draft).chars().take(ALT_MAX).collect();
            let flex: Vec<Value> = bubbles.iter().map(|bubble| flex_object(&alt, bubble, words)).collect();
            let fits = |object: &Value| {
                object
                    .get("contents")
                    .is_some_and(|c| c.to_string().len() <= BUBBLE_BYTES_MAX)
            };
            bubbles
                .iter()
                .zip(flex)
                // The words matter more than their dress.
                .map(|(bubble, flex)| if fits(&flex) { flex } else { text_object(&bubble.text) })
                .collect()
        }
    };
    let room = MESSAGES_MAX.saturating_sub(objects.len());
    objects.extend(images(draft, media).take(room));
    if draft.asks
        && let Some(last) = objects.last_mut().and_then(Value::as_object_mut)
    {
        last.insert("quickReply".to_owned(), answers(words));
    }
    Ok(objects)
}

/// The pictures as message objects; none where LINE could not fetch them, because it would refuse the whole message.
fn images(draft: &Draft, media: &str) -> impl Iterator<Item = Value> {
    let blocks = draft.sections.iter().flat_map(|section| &section.blocks);
    let names = blocks.filter_map(|block| match block {
        Block::Image { name, .. } => Some(name),
        Block::Heading { .. } | Block::Paragraph { .. } | Block::List { .. } => None,
    });
    names
        .map(move |name| address(media, name))
        .filter(|url| url.starts_with("https://"))
        .map(|url| json!({ "type": "image", "originalContentUrl": url, "previewImageUrl": url }))
}

/// The answers to the one question after a due date that passed; each is a postback that costs nothing.
fn answers(words: &Words) -> Value {
    let item = |(label, data): (&str, &str)| {
        json!({
            "type": "action",
            "action": { "type": "postback", "label": label, "displayText": label, "data": data },
        })
    };
    let choices = [
        (words.line_born, "kizuna:birth"),
        (words.line_dates, "kizuna:settings"),
        (words.line_end, "kizuna:stop"),
        (words.line_support, "kizuna:support"),
    ];
    json!({ "items": choices.map(item) })
}

/// What stands in one speech bubble.
struct Bubble<'p, 'd> {
    text: String,
    pieces: Vec<&'p Piece<'d>>,
}

impl<'p, 'd> Bubble<'p, 'd> {
    /// A bubble of these pieces; `None` where LINE takes no text of that length.
    fn of(pieces: Vec<&'p Piece<'d>>, words: &'static Words) -> Option<Bubble<'p, 'd>> {
        let text = text_of(&pieces, words);
        (units(&text) <= TEXT_UNITS_MAX).then_some(Bubble { text, pieces })
    }
}

/// In Flex a bubble for each sender while five are enough; else, and as text, as few as the words need.
///
/// Each text begins with the lead: a locked screen shows the beginning of every bubble, but of Flex only the altText.
fn bubbles<'p, 'd>(
    pieces: &'p [Piece<'d>],
    words: &'static Words,
    format: Format,
) -> Result<Vec<Bubble<'p, 'd>>, TooBig> {
    let Some((lead, pieces)) = pieces.split_first() else {
        return Ok(Vec::new());
    };
    let by_sender: &[bool] = match format {
        Format::Text => &[false],
        Format::Flex => &[true, false],
    };
    for by_sender in by_sender {
        let mut bubbles: Vec<Bubble<'p, 'd>> = Vec::new();
        let mut has_sender = false;
        for piece in pieces {
            let is_sender = matches!(piece, Piece::Sender(_));
            let new_voice = *by_sender && is_sender && has_sender;
            has_sender |= is_sender;
            if let (Some(last), false) = (bubbles.last_mut(), new_voice) {
                let mut longer = last.pieces.clone();
                longer.push(piece);
                if let Some(longer) = Bubble::of(longer, words) {
                    *last = longer;
                    continue;
                }
            }
            // A paragraph that fills a text by itself names no child and no stage.
            let begun = Bubble::of(vec![lead, piece], words).or_else(|| Bubble::of(vec![piece], words));
            bubbles.push(begun.ok_or(TooBig)?);
        }
        if bubbles.len() <= MESSAGES_MAX {
            return Ok(bubbles);
        }
    }
    Err(TooBig)
}

fn text_of(pieces: &[&Piece<'_>], words: &'static Words) -> String {
    let mut text = TextWriter::new(words);
    for piece in pieces {
        text.piece(piece);
    }
    text.finish().trim_start().to_owned()
}

fn text_object(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn flex_object(alt: &str, bubble: &Bubble<'_, '_>, words: &'static Words) -> Value {
    let mut contents = Vec::new();
    for piece in &bubble.pieces {
        components(piece, words, &mut contents);
    }
    json!({
        "type": "flex",
        "altText": alt,
        "contents": {
            "type": "bubble",
            "size": "giga",
            "body": { "type": "box", "layout": "vertical", "spacing": "md", "contents": contents },
        },
    })
}

/// Dark enough on white for WCAG AA in every size.
const SOFT: &str = "#595959";
const LINK: &str = "#1A5FB4";

fn components(piece: &Piece<'_>, words: &'static Words, into: &mut Vec<Value>) {
    let text = |words: &str| json!({ "type": "text", "text": words, "wrap": true });
    let styled = |words: &str, style: Value| {
        let mut component = text(words);
        merge(&mut component, style);
        component
    };
    match piece {
        Piece::Top(top) => into.push(styled(top, json!({ "size": "sm", "color": SOFT }))),
        Piece::Sender(sender) => {
            let head = text_of(&[&Piece::Sender(sender)], words);
            into.push(styled(&head, json!({ "weight": "bold", "size": "sm", "margin": "lg" })));
        }
        Piece::About(about) => {
            let head = text_of(&[&Piece::About(about)], words);
            into.push(styled(&head, json!({ "size": "sm", "color": SOFT })));
        }
        Piece::Title(title) => {
            let head = text_of(&[&Piece::Title(title)], words);
            into.push(styled(&head, json!({ "weight": "bold", "size": "lg" })));
        }
        Piece::Heading(inlines) => {
            let head = text_of(&[&Piece::Heading(inlines)], words);
            into.push(styled(&head, json!({ "weight": "bold" })));
        }
        Piece::Paragraph(inlines) => {
            into.push(text(&text_of(&[piece], words)));
            links(inlines, into);
        }
        Piece::List(items) => {
            into.push(text(&text_of(&[piece], words)));
            items.iter().for_each(|item| links(item, into));
        }
        Piece::Picture(..) => into.push(text(&text_of(&[piece], words))),
        Piece::Desk(desk) => {
            let mut card = text(&text_of(&[piece], words));
            if let Some(dial) = tel(&desk.phone) {
                // The card itself dials, so that no word is added.
                merge(
                    &mut card,
                    json!({ "color": LINK, "action": { "type": "uri", "label": words.line_call, "uri": dial } }),
                );
            }
            into.push(card);
        }
        Piece::From(_) | Piece::Note(_) => {
            let note = text_of(&[piece], words);
            into.push(styled(&note, json!({ "size": "xs", "color": SOFT, "margin": "lg" })));
        }
        // The altText says who sends and which day it is.
        Piece::Lead(_) | Piece::Page(_) | Piece::Stop => {}
    }
}

/// The paragraph says where a link leads; below it the address can be pressed.
fn links(inlines: &[Inline], into: &mut [Value]) {
    let first = inlines.iter().find_map(|inline| match inline {
        Inline::Link { url, .. } if url.starts_with("https://") && url.len() <= 1_000 => Some(url),
        Inline::Link { .. } | Inline::Text { .. } | Inline::Ruby { .. } => None,
    });
    if let (Some(url), Some(paragraph)) = (first, into.last_mut())
        && paragraph.get("action").is_none()
    {
        merge(
            paragraph,
            json!({ "color": LINK, "action": { "type": "uri", "uri": url } }),
        );
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}
