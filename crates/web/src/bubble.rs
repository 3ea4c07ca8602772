//! A message as its readers see it: one bubble for each sender, the same words as every channel writes.

use askama::Template;
use askama::filters::HtmlSafe;
pub(crate) use kizuna_domain::message::{Block, Inline};
use kizuna_domain::message::{DeskCard, Draft, SAMPLE_MARK, Section};

/// A message.
#[derive(Template)]
#[template(path = "parts/bubble.html")]
pub(crate) struct Bubble {
    language: String,
    stage: String,
    from: String,
    speeches: Vec<Speech>,
    desks: Vec<DeskCard>,
    asks: bool,
}

impl HtmlSafe for Bubble {}

/// What one sender says.
struct Speech {
    sender: String,
    sections: Vec<Section>,
}

impl Bubble {
    /// The whole message with its desks.
    pub(crate) fn new(draft: Draft) -> Bubble {
        let mut speeches: Vec<Speech> = Vec::new();
        for section in draft.sections {
            match speeches.last_mut().filter(|_| section.sender.is_empty()) {
                Some(speech) => speech.sections.push(section),
                None => speeches.push(Speech {
                    sender: section.sender.clone(),
                    sections: vec![section],
                }),
            }
        }
        let mark = if draft.sample { SAMPLE_MARK } else { "" };
        let top = if draft.stage.is_empty() {
            draft.subject
        } else {
            draft.stage
        };
        Bubble {
            language: draft.language,
            stage: format!("{mark}{top}"),
            from: draft.from,
            speeches,
            desks: draft.desks,
            asks: draft.asks,
        }
    }

    /// The message without the desks, where they would stand below each other many times.
    pub(crate) fn without_desks(draft: Draft) -> Bubble {
        Bubble::new(Draft {
            desks: Vec::new(),
            ..draft
        })
    }
}
