//! Content packs: reading the documents of `docs/content-pack.md` into articles, with every problem listed.

use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::{Desk, Owner, Placement, Review, Revision, Source, body};
use crate::cadence::Slots;
use crate::day::{Day, NotADay};
use crate::opening::Hours;
use crate::position::{Clock, NotAPosition, Position};

/// The only format of packs so far.
pub const FORMAT: u8 = 1;
/// Longest title in characters.
pub const TITLE_CHARS_MAX: usize = 40;
/// Longest useful life of an item after its day; a missed run further back is never made up.
pub const USEFUL_DAYS_MAX: u8 = 31;

/// `pack.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: u8,
    /// Code of the track.
    pub track: String,
    /// Name of the track for staff.
    pub title: String,
    /// Who answers for it.
    pub owner: Owner,
    /// BCP 47 tag.
    pub language: String,
    /// Heading above this part of a message.
    pub sender_label: String,
    /// Approving specialists a revision needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals_required: Option<u8>,
    /// Slots for which it promises an article, `"d0..d30"`; only the editorial rules ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<Slots>,
}

impl Manifest {
    /// Approving specialists a revision needs: two for the desk, one for a tenant, unless the pack says otherwise.
    pub fn approvals(&self) -> u8 {
        self.approvals_required.unwrap_or(match self.owner {
            Owner::Desk => 2,
            Owner::Tenant => 1,
        })
    }
}

/// `desks.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesksFile {
    /// The desks.
    #[serde(default)]
    pub desk: Vec<Desk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> From<OneOrMany<T>> for Vec<T> {
    fn from(value: OneOrMany<T>) -> Vec<T> {
        match value {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// The TOML head of an article file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<OneOrMany<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<OneOrMany<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_slot: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until_slot: Option<Position>,
    title: String,
    #[serde(default, skip_serializing_if = "is_zero")]
    order: i32,
    #[serde(default, skip_serializing_if = "is_default")]
    clock: Clock,
    #[serde(default, skip_serializing_if = "is_default")]
    preterm_only: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    useful_days: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    must_know: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    useful_until_slot: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Day>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    desks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner_section: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    areas: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<Source>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reviews: Vec<Review>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(n: &i32) -> bool {
    *n == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// One article as a pack brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackArticle {
    /// Stable id in its track.
    pub id: String,
    /// Its text.
    pub revision: Revision,
    /// Its place.
    pub placement: Placement,
    /// Decisions on this text.
    pub reviews: Vec<Review>,
}

/// A whole pack, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// What it is.
    pub manifest: Manifest,
    /// Consultation desks that come with it.
    pub desks: Vec<Desk>,
    /// The articles, in the order of their ids.
    pub articles: Vec<PackArticle>,
    /// The pictures that came with it, each once.
    pub pictures: Vec<Picture>,
}

/// A problem in one file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct PackProblem {
    /// Path within the pack, or the row of a table.
    pub file: String,
    /// What is wrong and what to do.
    pub reason: Reason,
}

/// What is wrong and what to do, in both languages of the people who mend packs; shown in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In Japanese.
    pub ja: String,
    /// In English.
    pub en: String,
}

impl Reason {
    /// A reason in both languages.
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Reason {
        Reason {
            ja: ja.into(),
            en: en.into(),
        }
    }

    /// A parser's own words, which exist in English only.
    fn unreadable(error: &dyn std::fmt::Display) -> Reason {
        let en = error.to_string().trim().replace('\n', " ");
        Reason {
            ja: format!("書き方がちがい、読めません（{en}）"),
            en,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.en)
    }
}

/// An article document before it is understood: where it stands, its head and its words.
#[derive(Clone, Debug)]
pub struct ArticleDocument {
    /// Path within the pack, or the row of a table.
    pub file: String,
    /// The TOML head.
    pub front: toml::Table,
    /// The words below it.
    pub body: String,
}

/// Reads a pack; on any problem nothing is taken and all problems are listed.
pub fn read(manifest: &str, desks: Option<&str>, documents: Vec<ArticleDocument>) -> Result<Pack, Vec<PackProblem>> {
    let mut problems = Vec::new();
    let manifest = toml::from_str::<Manifest>(manifest)
        .map_err(|error| problem(&mut problems, "pack.toml", Reason::unreadable(&error)))
        .ok()
        .filter(|manifest| check_manifest(manifest, &mut problems));
    let desks = match desks.map(toml::from_str::<DesksFile>) {
        None => Vec::new(),
        Some(Ok(file)) => {
            file.desk.iter().for_each(|desk| check_hours(desk, &mut problems));
            file.desk
        }
        Some(Err(error)) => {
            problem(&mut problems, "desks.toml", Reason::unreadable(&error));
            Vec::new()
        }
    };
    let mut articles: Vec<(String, PackArticle)> = Vec::new();
    for document in documents {
        let file = document.file.clone();
        match article(document) {
            Ok(article) => articles.push((file, article)),
            Err(reason) => problems.push(PackProblem { file, reason }),
        }
    }
    articles.sort_by(|a, b| a.1.id.cmp(&b.1.id).then_with(|| a.0.cmp(&b.0)));
    for pair in articles.windows(2) {
        if let [(first, a), (second, b)] = pair
            && a.id == b.id
        {
            let reason = Reason::new(
                format!(
                    "id「{}」は、{first} でもう使っています。どちらかを、別の id にしてください",
                    a.id
                ),
                format!(
                    "the id '{}' is already used by {first}; give one of them another id",
                    a.id
                ),
            );
            problems.push(PackProblem {
                file: second.clone(),
                reason,
            });
        }
    }
    if let Some(manifest) = &manifest {
        for (file, article) in &articles {
            check_ownership(manifest, file, article, &mut problems);
        }
    }
    let articles = articles.into_iter().map(|(_, article)| article).collect();
    match manifest {
        Some(manifest) if problems.is_empty() => Ok(Pack {
            manifest,
            desks,
            articles,
            pictures: Vec::new(),
        }),
        _ => Err(problems),
    }
}

fn problem(problems: &mut Vec<PackProblem>, file: &str, reason: Reason) {
    problems.push(PackProblem {
        file: file.to_owned(),
        reason,
    });
}

/// Hours that a program cannot read would let a desk look open or closed when it is not.
fn check_hours(desk: &Desk, problems: &mut Vec<PackProblem>) {
    let wrong = match (desk.open.is_empty(), desk.closed.is_empty()) {
        (true, true) => return,
        (true, false) => Reason::new(
            format!("窓口「{}」に closed だけがあります。open も書いてください", desk.id),
            format!("the desk '{}' has closed but not open; write open, too", desk.id),
        ),
        (false, _) => match Hours::parse(&desk.open, &desk.closed) {
            Ok(_) => return,
            Err(wrong) => Reason::new(
                format!("窓口「{}」の「{}」：{}", desk.id, wrong.word, wrong.ja),
                format!("the desk '{}', {wrong}", desk.id),
            ),
        },
    };
    problem(problems, "desks.toml", wrong);
}

fn check_manifest(manifest: &Manifest, problems: &mut Vec<PackProblem>) -> bool {
    let before = problems.len();
    if manifest.format != FORMAT {
        problem(
            problems,
            "pack.toml",
            Reason::new(
                format!(
                    "format {} は、この版では読めません。{FORMAT} にしてください",
                    manifest.format
                ),
                format!("format {} is not known; this version reads {FORMAT}", manifest.format),
            ),
        );
    }
    if manifest.approvals_required == Some(0) {
        let reason = Reason::new(
            "approvals_required は1以上にしてください。監修のない文は、だれにも送りません",
            "approvals_required must be 1 or more: no text reaches anyone unreviewed",
        );
        problem(problems, "pack.toml", reason);
    }
    if manifest.covers == Some(Slots::All) {
        let reason = Reason::new(
            "covers は、約束する枠を \"d0..d30\" か \"base\" のように書いてください",
            "covers must name the promised slots, as in \"d0..d30\" or \"base\"",
        );
        problem(problems, "pack.toml", reason);
    }
    if !is_code(&manifest.track) {
        problem(
            problems,
            "pack.toml",
            Reason::new(
                "track は、英小文字・数字・「-」だけで書いてください",
                "track must be lower-case letters, digits and '-'",
            ),
        );
    }
    problems.len() == before
}

fn check_ownership(manifest: &Manifest, file: &str, article: &PackArticle, problems: &mut Vec<PackProblem>) {
    match manifest.owner {
        Owner::Desk if article.revision.sources.is_empty() => {
            problem(
                problems,
                file,
                Reason::new(
                    "sources がありません。事実の出典（title・publisher・year）を書いてください",
                    "sources is missing; name where each fact comes from (title, publisher, year)",
                ),
            );
        }
        Owner::Tenant if article.revision.owner_section.is_none() => {
            problem(
                problems,
                file,
                Reason::new(
                    "owner_section がありません。この文を正しく保つ課の名を書いてください",
                    "owner_section is missing; name the section that keeps this text true",
                ),
            );
        }
        Owner::Desk | Owner::Tenant => {}
    }
}

/// True for lower-case letters, digits and `-`, at most 64.
pub fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn article(document: ArticleDocument) -> Result<PackArticle, Reason> {
    let front: Front = document
        .front
        .try_into()
        .map_err(|error: toml::de::Error| Reason::unreadable(&error.message()))?;
    if !is_code(&front.id) {
        return Err(Reason::new(
            format!("id「{}」は、英小文字・数字・「-」だけで書いてください", front.id),
            format!("id '{}' must be lower-case letters, digits and '-'", front.id),
        ));
    }
    let title_chars = front.title.chars().count();
    if !(1..=TITLE_CHARS_MAX).contains(&title_chars) || front.title.contains(['\n', '\r']) {
        return Err(Reason::new(
            format!("title が {title_chars} 文字です。1行で、{TITLE_CHARS_MAX} 文字までにしてください"),
            format!("the title has {title_chars} characters; write one line of 1 to {TITLE_CHARS_MAX}"),
        ));
    }
    if let Some((place, c)) = crate::text::invisible(&front.title) {
        return Err(Reason::new(
            format!(
                "title の {} 文字目に、見えない文字（U+{:04X}）があります。消してください",
                place + 1,
                u32::from(c)
            ),
            format!(
                "title, character {}: invisible U+{:04X}; delete it",
                place + 1,
                u32::from(c)
            ),
        ));
    }
    let slots = front.slot.map(Vec::from).unwrap_or_default();
    let slots = slots
        .iter()
        .map(|s| s.parse())
        .collect::<Result<Vec<Position>, NotAPosition>>()
        .map_err(|error| {
            Reason::new(
                format!(
                    "slot「{}」は読めません。4w0d〜41w6d、d0、m1、n100、s0-03-31、last のように書いてください",
                    error.0
                ),
                error.to_string(),
            )
        })?;
    let on = front.on.map(Vec::from).unwrap_or_default();
    let on = on
        .iter()
        .map(|s| s.parse())
        .collect::<Result<Vec<Day>, NotADay>>()
        .map_err(|error| {
            Reason::new(
                format!(
                    "on「{}」は日付ではありません。\"2026-12-01\" のように書いてください",
                    error.0
                ),
                error.to_string(),
            )
        })?;
    if slots.is_empty() == on.is_empty() {
        return Err(Reason::new(
            "slot（時期）か on（日付）の、どちらか一つを書いてください",
            "give either slot (a stage) or on (a date), not both and not none",
        ));
    }
    if on.is_empty() && (front.from_slot.is_some() || front.until_slot.is_some()) {
        return Err(Reason::new(
            "from_slot と until_slot は、日付のお知らせ（on）のためのものです。on を書くか、消してください",
            "from_slot and until_slot belong to a dated notice; write on, or delete them",
        ));
    }
    if front.must_know != front.useful_until_slot.is_some() || (front.must_know && slots.is_empty()) {
        return Err(Reason::new(
            "must_know と useful_until_slot は、slot といっしょに両方書くか、両方とも消してください",
            "must_know, useful_until_slot and slot go together; write all of them or only slot",
        ));
    }
    if front.preterm_only && (slots.is_empty() || slots.iter().any(|slot| slot.is_pregnancy())) {
        return Err(Reason::new(
            "preterm_only は、生まれたあとの slot の原稿だけに書けます。消すか、slot を変えてください",
            "preterm_only belongs to a slot after birth; delete it, or change slot",
        ));
    }
    if slots.contains(&Position::CheckIn) {
        return Err(Reason::new(
            "check-in は、しくみが使う枠です。ほかの slot にしてください",
            "check-in is the system's own question; choose another slot",
        ));
    }
    if front.useful_days > USEFUL_DAYS_MAX {
        return Err(Reason::new(
            format!(
                "useful_days が {} です。{USEFUL_DAYS_MAX} までにしてください",
                front.useful_days
            ),
            format!("useful_days is {}; at most {USEFUL_DAYS_MAX}", front.useful_days),
        ));
    }
    if let (Some(from), Some(until)) = (front.valid_from, front.valid_until)
        && until < from
    {
        return Err(Reason::new(
            format!("valid_until {until} が、valid_from {from} より前です"),
            format!("valid_until {until} lies before valid_from {from}"),
        ));
    }
    body::parse(&document.body).map_err(|error| Reason::new(error.ja(), error.to_string()))?;
    Ok(PackArticle {
        id: front.id,
        revision: Revision {
            title: front.title,
            body: document.body,
            sources: front.sources,
            desks: front.desks,
            contact: front.contact,
            owner_section: front.owner_section,
        },
        placement: Placement {
            slots,
            on,
            from_slot: front.from_slot,
            until_slot: front.until_slot,
            order: front.order,
            clock: front.clock,
            preterm_only: front.preterm_only,
            useful_days: front.useful_days,
            must_know: front.must_know,
            useful_until_slot: front.useful_until_slot,
            valid_from: front.valid_from,
            valid_until: front.valid_until,
            areas: front.areas,
        },
        reviews: front.reviews,
    })
}

/// The TOML head of an article, the inverse of reading it.
pub fn front_of(article: &PackArticle) -> toml::Table {
    fn many<T: ToString>(values: &[T]) -> Option<OneOrMany<String>> {
        match values {
            [] => None,
            [one] => Some(OneOrMany::One(one.to_string())),
            many => Some(OneOrMany::Many(many.iter().map(ToString::to_string).collect())),
        }
    }
    let PackArticle {
        id,
        revision,
        placement,
        reviews,
    } = article.clone();
    let front = Front {
        id,
        slot: many(&placement.slots),
        on: many(&placement.on),
        from_slot: placement.from_slot,
        until_slot: placement.until_slot,
        title: revision.title,
        order: placement.order,
        clock: placement.clock,
        preterm_only: placement.preterm_only,
        useful_days: placement.useful_days,
        must_know: placement.must_know,
        useful_until_slot: placement.useful_until_slot,
        valid_from: placement.valid_from,
        valid_until: placement.valid_until,
        desks: revision.desks,
        contact: revision.contact,
        owner_section: revision.owner_section,
        areas: placement.areas,
        sources: revision.sources,
        reviews,
    };
    toml::Table::try_from(front).unwrap_or_default()
}
