//! What a message says, before any channel gives it a form.
//!
//! A [`Draft`] is the same for everyone in a cohort; what differs per reader (links that stop or open) is
//! in [`Links`] and joins it only when the message leaves.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::content::picture::PictureName;

/// Most sections a message may have: one reader's children and notices of one day.
pub const SECTIONS_MAX: usize = 40;

/// The mark in front of text that no specialist has approved, in demo and practice tenants.
pub const SAMPLE_MARK: &str = "【見本】";

/// A piece of running text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Inline {
    /// Words as written.
    Text {
        /// The words.
        text: String,
    },
    /// Words that lead somewhere.
    Link {
        /// The words.
        text: String,
        /// An `https:` address.
        url: String,
    },
    /// Words with their reading above: 母子健康手帳《ぼしけんこうてちょう》.
    Ruby {
        /// The words.
        text: String,
        /// The reading.
        reading: String,
    },
}

/// A block of a message, in the few forms that every channel can show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "b", rename_all = "snake_case")]
pub enum Block {
    /// A heading inside an article.
    Heading {
        /// Its words.
        inlines: Vec<Inline>,
    },
    /// A paragraph.
    Paragraph {
        /// Its words; line breaks inside are `\n` in a text.
        inlines: Vec<Inline>,
    },
    /// An unordered list.
    List {
        /// Its items.
        items: Vec<Vec<Inline>>,
    },
    /// A picture.
    Image {
        /// Its name for ever.
        name: PictureName,
        /// What it shows, for those who do not see it.
        alt: String,
    },
}

/// One article inside a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Who speaks, as a heading: きずなだより, ひだまり市から. Empty where the section before has the same.
    pub sender: String,
    /// Which child it is about, where a message has several: a nickname or a stage.
    pub about: String,
    /// Title of the article.
    pub title: String,
    /// Its text.
    pub blocks: Vec<Block>,
}

/// A consultation desk printed below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskCard {
    /// Name of the desk.
    pub name: String,
    /// Telephone number as dialled.
    pub phone: String,
    /// Opening hours in words.
    pub hours: String,
    /// Page of the desk.
    pub url: String,
    /// One more line.
    pub note: String,
}

/// A channel-neutral message, the same for everyone in a cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Version of this document's form.
    pub v: u8,
    /// BCP 47 language of the words.
    pub language: String,
    /// Name of the sender as readers know it.
    pub from: String,
    /// One line for channels that have a subject.
    pub subject: String,
    /// The stage above the text: 妊娠12週3日.
    pub stage: String,
    /// True where the text is unapproved and the mark 【見本】 must show.
    pub sample: bool,
    /// The articles, Kizuna's part first, then the municipality's.
    pub sections: Vec<Section>,
    /// Desks to turn to.
    pub desks: Vec<DeskCard>,
    /// True where the message is the neutral question after a due date that passed.
    pub asks: bool,
}

impl Draft {
    /// A digest of everything the message says; equal drafts have equal digests on every machine.
    pub fn digest(&self) -> [u8; 32] {
        // Field order is fixed by the struct, so the JSON form is canonical.
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(json).into()
    }
}

/// What is different for every reader of one cohort.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Links {
    /// Page on which one press stops everything.
    pub stop: String,
    /// RFC 8058 address: a POST stops, a GET never does. Empty where the channel has no use for it.
    pub one_click: String,
    /// Page with this reader's words, today's and earlier ones. Empty where there are no pages.
    pub words: String,
    /// The reader's own page, on which dates are changed. Empty where there are no pages.
    pub own: String,
    /// Address below which pictures lie under their names. Empty where there are no pages.
    pub media: String,
}
