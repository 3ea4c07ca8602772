//! From what is due to what a message says: Kizuna's part first, then the municipality's, then where to turn.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::plan::{Due, Programme, Slot};
use crate::content::{Desk, Item, Owner, Revision, body};
use crate::day::Day;
use crate::ids::RevisionId;
use crate::message::{Block, DeskCard, Draft, Inline, SECTIONS_MAX, Section};
use crate::people::Follower;
use crate::position::{Anchor, Clock, stage_label};

/// Words that the system itself puts into messages, by language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrases {
    /// Subject of a daily message; `{day}` stands for the date.
    pub subject: &'static str,
    /// Heading of the bundle for late joiners.
    pub digest: &'static str,
    /// Heading of what a preterm child gets by the due date.
    pub corrected: &'static str,
    /// Title of the neutral question.
    pub check_in_title: &'static str,
    /// Text of the neutral question.
    pub check_in_text: &'static str,
}

/// The system's words in one language; Japanese unless the tag begins with `en`.
///
/// The subject names no stage: it shows on locked screens that others see.
pub fn phrases(language: &str) -> &'static Phrases {
    const JA: Phrases = Phrases {
        subject: "{day}のことば",
        digest: "ここまでのまとめ",
        corrected: "予定日から数えて",
        check_in_title: "ごようすは いかがですか",
        check_in_text: "ご登録の出産予定日から、2週間がたちました。\n\
            お知らせは、ここで いったんお休みします。\n\n\
            なにもしなくても、だいじょうぶです。話したいときは、相談先があります。\n\
            これからのお知らせがいらないときは、下のページで止められます。理由は聞きません。",
    };
    const EN: Phrases = Phrases {
        subject: "A word for {day}",
        digest: "What is good to know so far",
        corrected: "Counted from the due date",
        check_in_title: "How are you?",
        check_in_text: "Two weeks have passed since the due date you registered.\n\
            Our messages pause here.\n\n\
            You need not do anything. If you would like to talk, the desks below are there for you.\n\
            If you want no more messages, the page below ends them. We do not ask why.",
    };
    if language.starts_with("en") { &EN } else { &JA }
}

/// Texts and desks that the editions refer to.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Frozen texts with their parsed bodies.
    texts: HashMap<RevisionId, (Revision, Vec<Block>)>,
    /// The tenant's desks by id.
    desks: BTreeMap<String, Desk>,
}

impl Library {
    /// Collects texts and desks; a body that no longer parses stands as one paragraph rather than be lost.
    pub fn new(
        texts: impl IntoIterator<Item = (RevisionId, Revision)>,
        desks: impl IntoIterator<Item = Desk>,
    ) -> Library {
        let texts = texts.into_iter().map(|(id, revision)| {
            let blocks = body::parse(&revision.body).unwrap_or_else(|_| {
                vec![Block::Paragraph {
                    inlines: vec![Inline::Text {
                        text: revision.body.clone(),
                    }],
                }]
            });
            (id, (revision, blocks))
        });
        Library {
            texts: texts.collect(),
            desks: desks.into_iter().map(|desk| (desk.id.clone(), desk)).collect(),
        }
    }

    /// The text of a revision.
    pub fn text(&self, id: RevisionId) -> Option<&Revision> {
        self.texts.get(&id).map(|(revision, _)| revision)
    }
}

/// What one child's slots bring into a message.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The child's subscription.
    pub follower: &'a Follower,
    /// What is due for it and not yet in the ledger.
    pub due: &'a [Due],
}

/// Writes the message of one reader for one day.
///
/// Several children make one message; the same article or question for two of them stands once and names both.
pub fn compose(programme: &Programme, library: &Library, day: Day, parts: &[Part<'_>]) -> Draft {
    let chosen = parts.first().map_or("", |part| part.follower.language.as_str());
    let language = programme.language_for(chosen);
    let words = phrases(language);
    let names: Vec<String> = parts
        .iter()
        .map(|part| name_of(part.follower, day, programme))
        .collect();
    // Twins without nicknames have one name, which the stage above the message says already.
    let several = names.windows(2).any(|pair| matches!(pair, [a, b] if a != b));
    // Each section with the names of the children it is about.
    let mut sections: Vec<(Section, Vec<&str>)> = Vec::new();
    let mut seen: HashMap<RevisionId, usize> = HashMap::new();
    let mut asked: Option<usize> = None;
    let mut desk_ids: Vec<&str> = Vec::new();
    for owner in [Owner::Desk, Owner::Tenant] {
        for (part, name) in parts.iter().zip(&names) {
            for due in part.due {
                let Some(series) = programme.series.get(due.series) else {
                    continue;
                };
                if due.slot == Slot::CheckIn {
                    if owner == Owner::Desk {
                        if let Some((_, about)) = asked.and_then(|at| sections.get_mut(at)) {
                            about.push(name);
                        } else {
                            asked = Some(sections.len());
                            sections.push((check_in_section(words), vec![name]));
                        }
                    }
                    continue;
                }
                if series.owner != owner {
                    continue;
                }
                for item in due.items.iter().filter_map(|index| series.items().get(*index)) {
                    if let Some((_, about)) = seen.get(&item.revision).and_then(|at| sections.get_mut(*at)) {
                        about.push(name);
                    } else if let Some((section, desks)) =
                        section(library, item, &series.sender_label, due, &part.follower.anchor, words)
                    {
                        seen.insert(item.revision, sections.len());
                        sections.push((section, vec![name]));
                        desk_ids.extend(desks);
                    }
                }
            }
        }
    }
    sections.truncate(SECTIONS_MAX);
    let mut sections: Vec<Section> = sections
        .into_iter()
        .map(|(section, about)| Section {
            about: if several { joined(&about) } else { String::new() },
            ..section
        })
        .collect();
    blank_repeated_senders(&mut sections);
    let stages: Vec<String> = parts
        .iter()
        .map(|part| stage_label(&part.follower.anchor, day, &programme.settings.customs))
        .collect();
    Draft {
        v: 1,
        language: language.to_owned(),
        from: programme.settings.sender_name.clone(),
        subject: words.subject.replace("{day}", &day_words(day, language)),
        stage: joined(&stages),
        sample: parts.iter().flat_map(|part| part.due).any(|due| due.sample),
        sections,
        desks: desk_cards(library, &desk_ids),
        asks: parts
            .iter()
            .flat_map(|part| part.due)
            .any(|due| due.slot == Slot::CheckIn),
    }
}

/// Names side by side, none twice: はな・たろう.
fn joined<T: AsRef<str>>(names: &[T]) -> String {
    let mut seen = HashSet::new();
    let said = names.iter().map(AsRef::as_ref).filter(|name| !name.is_empty());
    let once: Vec<&str> = said.filter(|name| seen.insert(*name)).collect();
    once.join("・")
}

fn day_words(day: Day, language: &str) -> String {
    if language.starts_with("en") {
        day.to_string()
    } else {
        format!("{}月{}日", day.month(), day.day_of_month())
    }
}

fn name_of(follower: &Follower, day: Day, programme: &Programme) -> String {
    follower
        .nickname
        .clone()
        .unwrap_or_else(|| stage_label(&follower.anchor, day, &programme.settings.customs))
}

fn check_in_section(words: &Phrases) -> Section {
    Section {
        sender: String::new(),
        about: String::new(),
        title: words.check_in_title.to_owned(),
        blocks: body::parse(words.check_in_text).unwrap_or_default(),
    }
}

fn section<'a>(
    library: &'a Library,
    item: &Item,
    sender: &str,
    due: &Due,
    anchor: &Anchor,
    words: &Phrases,
) -> Option<(Section, impl Iterator<Item = &'a str> + use<'a>)> {
    let (revision, blocks) = library.texts.get(&item.revision)?;
    let heading = match due.slot {
        Slot::Digest { .. } => Some(words.digest),
        // The ages in the text are not those of the stage above the message.
        Slot::Stage {
            clock: Clock::Corrected,
            ..
        } => anchor.is_preterm().then_some(words.corrected),
        Slot::Stage {
            clock: Clock::Calendar, ..
        }
        | Slot::Dated { .. }
        | Slot::CheckIn => None,
    };
    let title = match heading {
        Some(heading) => format!("{heading}：{}", revision.title),
        None => revision.title.clone(),
    };
    let mut blocks = blocks.clone();
    if let Some(contact) = &revision.contact {
        blocks.push(Block::Paragraph {
            inlines: vec![Inline::Text {
                text: format!("（{contact}）"),
            }],
        });
    }
    let section = Section {
        sender: sender.to_owned(),
        about: String::new(),
        title,
        blocks,
    };
    Some((section, revision.desks.iter().map(String::as_str)))
}

/// A heading that says who speaks stands once above what the same sender says.
fn blank_repeated_senders(sections: &mut [Section]) {
    let mut last = String::new();
    for section in sections {
        if section.sender == last {
            section.sender.clear();
        } else {
            last.clone_from(&section.sender);
        }
    }
}

/// Desks that articles name come first, then the tenant's default desks; none twice.
fn desk_cards(library: &Library, ids: &[&str]) -> Vec<DeskCard> {
    let named = ids.iter().filter_map(|id| library.desks.get(*id));
    let default = library.desks.values().filter(|desk| desk.default);
    let mut seen = HashSet::new();
    named
        .chain(default)
        .filter(|desk| seen.insert(desk.id.as_str()))
        .map(|desk| DeskCard {
            name: desk.name.clone(),
            phone: desk.phone.clone(),
            hours: desk.hours.clone(),
            url: desk.url.clone(),
            note: desk.note.clone(),
        })
        .collect()
}
