//! Sources, validity and what late joiners must know.

use super::book::FactRules;
use super::series::Stage;
use super::{Notes, Text, code};
use crate::content::Owner;
use crate::day::Day;
use crate::position::Clock;
use crate::run::plan::DIGEST_ITEMS_MAX;

/// A desk article names its sources; a source is neither of the future nor old.
pub(super) fn sources(rules: &FactRules, owner: Owner, text: &Text<'_>, today: Day, notes: &mut Notes) {
    let sources = &text.article.revision.sources;
    if owner == Owner::Desk && sources.is_empty() {
        notes.error(
            code::SOURCE,
            &text.article.revision.title,
            "出典がありません。sources に title・publisher・year を書いてください",
            "there is no source; write title, publisher and year into sources",
        );
    }
    for source in sources {
        let words = format!("{}（{}、{}）", source.title, source.publisher, source.year);
        let lasting = |mark: &String| source.title.contains(mark) || source.publisher.contains(mark);
        if source.year > today.year() {
            notes.error(
                code::SOURCE,
                words,
                "出典の年が、先の年です。年を確かめてください",
                "the source is of a year to come; check its year",
            );
        } else if source.year < today.year() - rules.source_years && !rules.lasting.iter().any(lasting) {
            notes.warning(
                code::SOURCE,
                words,
                format!(
                    "出典が {} 年より前です。新しい版があるか、確かめてください",
                    rules.source_years
                ),
                format!(
                    "the source is older than {} years; look for a newer edition",
                    rules.source_years
                ),
            );
        }
    }
}

/// What has expired does not stay in a pack, and what expires soon is told early.
pub(super) fn validity(rules: &FactRules, text: &Text<'_>, today: Day, notes: &mut Notes) {
    let placement = &text.article.placement;
    if !placement.on.is_empty() && !placement.on.iter().any(|on| placement.is_valid(*on)) {
        notes.error(
            code::VALIDITY,
            list(&placement.on),
            "届ける日が、使える期間（valid_from〜valid_until）の外です。どちらかを直してください",
            "none of its dates lies between valid_from and valid_until; change one of them",
        );
    }
    let Some(until) = placement.valid_until else { return };
    if until < today {
        notes.error(
            code::VALIDITY,
            until.to_string(),
            "期限が切れています。中身を確かめて valid_until を直すか、原稿を外してください",
            "it has expired; check the text and change valid_until, or take the article out",
        );
    } else if until - today <= rules.valid_days && placement.on.is_empty() {
        notes.warning(
            code::VALIDITY,
            until.to_string(),
            format!(
                "期限まで {} 日です。続けるなら、中身を確かめて valid_until を直してください",
                until - today
            ),
            format!(
                "it expires in {} days; to keep it, check the text and change valid_until",
                until - today
            ),
        );
    }
}

fn list(days: &[Day]) -> String {
    days.iter().map(Day::to_string).collect::<Vec<_>>().join(" ")
}

/// What every late joiner must know counts from the real birth, and is of use after the day on which it stands.
pub(super) fn must_know(text: &Text<'_>, notes: &mut Notes) {
    let placement = &text.article.placement;
    if !placement.must_know {
        return;
    }
    if placement.clock == Clock::Corrected {
        notes.error(
            code::MUST_KNOW,
            "clock = \"corrected\"",
            "must_know の原稿は、修正月齢で数えません。早く生まれた子の家庭に、届くのが遅れます。clock を消してください",
            "a must_know article never follows the corrected clock: it would reach preterm families late; delete clock",
        );
    }
    let Some(until) = placement.useful_until_slot.and_then(Stage::end_of) else {
        return;
    };
    if text.stages.iter().min().is_some_and(|first| until < *first) {
        let until = placement.useful_until_slot.map(|slot| slot.to_string());
        notes.error(
            code::MUST_KNOW,
            until.unwrap_or_default(),
            "useful_until_slot が、slot より前です。slot より後の時期にしてください",
            "useful_until_slot lies before the slot; choose a later stage",
        );
    }
}

/// A late joiner gets all that is still of use at once; what is too much is left out.
pub(super) fn digest(texts: &[Text<'_>], notes: &mut Notes) {
    let spans: Vec<(Stage, Stage)> = texts
        .iter()
        .filter(|text| text.article.placement.must_know)
        .filter_map(|text| {
            let until = text.article.placement.useful_until_slot.and_then(Stage::end_of)?;
            Some((*text.stages.iter().min()?, until))
        })
        .collect();
    let together = |at: Stage| spans.iter().filter(|(from, until)| *from <= at && at <= *until).count();
    let worst = spans.iter().map(|(from, _)| (together(*from), *from)).max();
    if let Some((count, at)) = worst.filter(|(count, _)| *count > DIGEST_ITEMS_MAX) {
        notes.warning(
            code::MUST_KNOW,
            at.to_string(),
            format!(
                "この時期に登録した人には、must_know の原稿が {count} 本あります。まとめに入るのは {DIGEST_ITEMS_MAX} 本です。\
                 useful_until_slot を短くするか、しぼってください"
            ),
            format!(
                "for who joins at this stage {count} articles are must_know, and a digest holds {DIGEST_ITEMS_MAX}; \
                 shorten useful_until_slot or choose fewer"
            ),
        );
    }
}
