//! Articles, their supervision, and the frozen editions that runs read.
//!
//! New words are a new revision; publishing freezes a whole track as an edition; an edition never changes.

pub mod body;
pub mod pack;
pub mod picture;
pub mod rules;
pub mod sheet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::day::Day;
use crate::ids::RevisionId;
use crate::position::{Anchor, Clock, Position};

/// Most items an edition may hold.
pub const ITEMS_MAX: usize = 10_000;

/// Who answers for a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The editorial desk (編集部): shared by all tenants, first in a message.
    Desk,
    /// One tenant: its own news and desks, second in a message.
    Tenant,
}

/// A public source of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title of the page, law or book.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Year of publication.
    pub year: i16,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A specialist's decision on one revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Name of the reviewer.
    pub by: String,
    /// Profession: 産婦人科医, 管理栄養士.
    #[serde(default)]
    pub role: String,
    /// Day of the decision.
    pub on: Day,
    /// The decision.
    #[serde(default)]
    pub verdict: Verdict,
}

/// What a reviewer decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// May leave.
    #[default]
    Approved,
    /// May leave after changes, that is: not this revision.
    Changes,
    /// May not leave.
    Rejected,
}

/// The immutable text of an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// One line that heads the message.
    pub title: String,
    /// The small Markdown of [`body`].
    pub body: String,
    /// Where each fact comes from.
    pub sources: Vec<Source>,
    /// Ids of consultation desks printed below.
    pub desks: Vec<String>,
    /// Owner section as readers see it.
    #[serde(default)]
    pub contact: Option<String>,
    /// Section that keeps the text true.
    #[serde(default)]
    pub owner_section: Option<String>,
}

impl Revision {
    /// A digest of the text; the same words are the same revision.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into()
    }
}

/// True where enough different specialists approved and none objected.
///
/// ```
/// use kizuna_domain::content::{approved, Review, Verdict};
/// let by = |name: &str| Review { by: name.into(), role: String::new(), on: "2026-04-01".parse().unwrap(), verdict: Verdict::Approved };
/// assert!(!approved(&[by("A"), by("A")], 2));
/// assert!(approved(&[by("A"), by("B")], 2));
/// ```
pub fn approved(reviews: &[Review], required: u8) -> bool {
    let mut names: Vec<String> = reviews
        .iter()
        .filter(|r| r.verdict == Verdict::Approved)
        .map(|r| crate::text::fold(&r.by))
        .collect();
    names.sort_unstable();
    names.dedup();
    reviews.iter().all(|r| r.verdict == Verdict::Approved) && names.len() >= usize::from(required)
}

/// Where an article stands in its track, and for whom and how long it is worth sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Positions on the stage axis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Position>,
    /// Calendar days, for dated notices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Day>,
    /// First stage of the families a dated notice is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_slot: Option<Position>,
    /// Last stage of the families a dated notice is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_slot: Option<Position>,
    /// Place among articles of one slot.
    #[serde(default)]
    pub order: i32,
    /// Which clock it follows for a preterm child.
    #[serde(default)]
    pub clock: Clock,
    /// True where it is for children born before 37 weeks only: it fills the day whose article on the corrected
    /// clock they get later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preterm_only: bool,
    /// Days after its slot on which it is still worth sending when a run was missed.
    #[serde(default)]
    pub useful_days: u8,
    /// True where late joiners get it in ここまでのまとめ.
    #[serde(default)]
    pub must_know: bool,
    /// Last stage at which a late joiner still needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub useful_until_slot: Option<Position>,
    /// First calendar day on which the text may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Day>,
    /// Last calendar day on which the text may leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Day>,
    /// Area codes it is for; empty for everyone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<String>,
}

impl Placement {
    /// True where the text may leave on this day.
    pub fn is_valid(&self, on: Day) -> bool {
        self.valid_from.is_none_or(|from| from <= on) && self.valid_until.is_none_or(|until| on <= until)
    }

    /// True where it is meant for the family of this child.
    pub fn is_for(&self, anchor: &Anchor) -> bool {
        !self.preterm_only || anchor.is_preterm()
    }
}

/// One frozen article of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Stable id of the article in its track.
    pub article: String,
    /// The frozen text, as stored.
    #[serde(with = "revision_text")]
    pub revision: RevisionId,
    /// Where and when.
    pub placement: Placement,
    /// True where the required specialists had approved the text when the edition was published.
    pub approved: bool,
}

mod revision_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ids::RevisionId;

    pub(super) fn serialize<S: Serializer>(id: &RevisionId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RevisionId, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A consultation desk of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desk {
    /// Id that articles refer to.
    pub id: String,
    /// Name as readers see it.
    pub name: String,
    /// Telephone number as dialled.
    #[serde(default)]
    pub phone: String,
    /// Opening hours in words.
    #[serde(default)]
    pub hours: String,
    /// Opening hours as [`crate::opening::Hours`] reads them: `月-金 8:30-17:15`. Empty where only the words are known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub open: String,
    /// Days on which it is closed nevertheless: `祝日`, `12-29..01-03`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<String>,
    /// Its page.
    #[serde(default)]
    pub url: String,
    /// One more line.
    #[serde(default)]
    pub note: String,
    /// True where it is printed at the end of every message of this tenant.
    #[serde(default)]
    pub default: bool,
}
