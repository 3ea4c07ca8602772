//! What a message says: order, names, desks, marks, and that equal messages are recognised as equal.

use kizuna_domain::content::{Desk, Item, Owner, Revision};
use kizuna_domain::day::Day;
use kizuna_domain::ids::RevisionId;
use kizuna_domain::message::{Block, DeskCard, Draft, Inline, Section};
use kizuna_domain::people::Follower;
use kizuna_domain::position::Anchor;
use kizuna_domain::run::compose::{Library, Part, compose, phrases};
use kizuna_domain::run::plan::{Programme, Series, judge};
use kizuna_domain::tenant::{JoinPolicy, TenantKind};

use crate::town::{
    born, daily_items, day, due, family, item, item_with, numbered_family, programme, series, series_of,
};

fn revision(title: &str, desks: &[&str]) -> Revision {
    Revision {
        title: title.into(),
        body: "きょうの話です。".into(),
        sources: vec![],
        desks: desks.iter().map(|desk| (*desk).to_owned()).collect(),
        contact: None,
        owner_section: None,
    }
}

fn desk(id: &str, default: bool) -> Desk {
    Desk {
        id: id.into(),
        name: format!("窓口{id}"),
        phone: "000-000-0000".into(),
        hours: "平日".into(),
        open: String::new(),
        closed: vec![],
        url: "https://example.jp/".into(),
        note: String::new(),
        default,
    }
}

/// Every article under its own id as title.
fn library(programme: &Programme) -> Library {
    let texts = programme.series.iter().flat_map(Series::items).map(titled);
    Library::new(texts, [desk("b", false), desk("c", true), desk("a", false)])
}

fn titled(item: &Item) -> (RevisionId, Revision) {
    (item.revision, revision(&item.article, &[]))
}

fn draft(programme: &Programme, library: &Library, on: Day, followers: &[Follower]) -> Draft {
    let due: Vec<_> = followers
        .iter()
        .map(|follower| judge(programme, on, &[], follower).due)
        .collect();
    let parts: Vec<_> = followers
        .iter()
        .zip(&due)
        .map(|(follower, due)| Part { follower, due })
        .collect();
    compose(programme, library, on, &parts)
}

fn titles(draft: &Draft) -> Vec<&str> {
    draft.sections.iter().map(|section| section.title.as_str()).collect()
}

fn senders(draft: &Draft) -> Vec<&str> {
    draft.sections.iter().map(|section| section.sender.as_str()).collect()
}

#[test]
fn kizunas_part_comes_first_and_then_the_municipalitys() {
    let programme = programme(vec![
        series(Owner::Tenant, vec![item("m1"), item("d30")]),
        series(Owner::Desk, vec![item("d30"), item("n30")]),
    ]);
    let on = day("2026-10-01");
    let draft = draft(&programme, &library(&programme), on, &[family(born("2026-09-01"))]);
    assert_eq!(titles(&draft), ["n30", "d30", "m1", "d30"]);
    assert_eq!(
        senders(&draft),
        ["きずなだより", "", "ひだまり市から", ""],
        "a sender speaks once above its part"
    );
    assert_eq!(draft.stage, "生後30日");
    assert_eq!(draft.from, "ひだまり市");
}

#[test]
fn what_is_celebrated_comes_before_what_is_everyday_and_the_farewell_last() {
    let programme = programme(vec![series(
        Owner::Desk,
        vec![item("last"), item("d1096"), item("m36")],
    )]);
    let draft = draft(
        &programme,
        &library(&programme),
        day("2026-05-10"),
        &[family(born("2023-05-10"))],
    );
    assert_eq!(titles(&draft), ["m36", "d1096", "last"]);
}

#[test]
fn several_articles_of_one_slot_stand_in_their_order() {
    let second = item_with("d3", |item| (item.article, item.placement.order) = ("second".into(), 2));
    let first = item_with("d3", |item| (item.article, item.placement.order) = ("first".into(), 1));
    let programme = programme(vec![series(Owner::Desk, vec![second, first])]);
    let draft = draft(
        &programme,
        &library(&programme),
        day("2026-05-04"),
        &[family(born("2026-05-01"))],
    );
    assert_eq!(titles(&draft), ["first", "second"]);
}

fn siblings() -> [Follower; 2] {
    let child = |number, name: &str, on| Follower {
        nickname: Some(name.into()),
        has_siblings: true,
        ..numbered_family(number, born(on))
    };
    [child(1, "はな", "2026-05-01"), child(2, "たろう", "2024-05-01")]
}

#[test]
fn siblings_share_one_message_that_says_which_child_each_article_is_about() {
    let programme = programme(vec![
        series(Owner::Desk, vec![item("d30"), item("m24"), item("d760")]),
        series(Owner::Tenant, vec![item("d30")]),
    ]);
    let draft = draft(&programme, &library(&programme), day("2026-05-31"), &siblings());
    let about: Vec<_> = draft
        .sections
        .iter()
        .map(|s| (s.title.as_str(), s.about.as_str()))
        .collect();
    assert_eq!(about, [("d30", "はな"), ("d760", "たろう"), ("d30", "はな")]);
    assert_eq!(draft.stage, "生後30日・2歳");
}

#[test]
fn the_same_article_for_two_children_stands_once_and_names_both() {
    let notice = item("2026-05-31");
    let programme = programme(vec![series(Owner::Tenant, vec![notice, item("d30")])]);
    let draft = draft(&programme, &library(&programme), day("2026-05-31"), &siblings());
    let about: Vec<_> = draft
        .sections
        .iter()
        .map(|s| (s.title.as_str(), s.about.as_str()))
        .collect();
    assert_eq!(about, [("d30", "はな"), ("2026-05-31", "はな・たろう")]);
}

#[test]
fn twins_registered_twice_get_one_message_with_one_stage() {
    let programme = programme(vec![series(Owner::Desk, vec![item("d30")])]);
    let twins = siblings().map(|child| Follower {
        anchor: born("2026-05-01"),
        ..child
    });
    let draft = draft(&programme, &library(&programme), day("2026-05-31"), &twins);
    assert_eq!(draft.stage, "生後30日");
    assert_eq!(draft.sections.len(), 1);
    assert_eq!(draft.sections[0].about, "はな・たろう");
}

#[test]
fn an_only_child_needs_no_name_above_the_article() {
    let programme = programme(vec![series(Owner::Desk, vec![item("d30")])]);
    let only = Follower {
        nickname: Some("はな".into()),
        ..family(born("2026-05-01"))
    };
    let draft = draft(&programme, &library(&programme), day("2026-05-31"), &[only]);
    assert_eq!(draft.sections[0].about, "");
}

#[test]
fn one_article_at_two_slots_of_the_same_day_stands_once() {
    let programme = programme(vec![series(Owner::Desk, vec![item("d100 n100")])]);
    let draft = draft(
        &programme,
        &library(&programme),
        day("2026-04-11"),
        &[family(born("2026-01-01"))],
    );
    assert_eq!(draft.sections.len(), 1);
}

#[test]
fn desks_that_articles_name_come_first_then_the_default_and_none_twice() {
    let programme = programme(vec![
        series(Owner::Desk, vec![item("d3")]),
        series(Owner::Tenant, vec![item("d3")]),
    ]);
    let items: Vec<_> = programme.series.iter().flat_map(Series::items).collect();
    let texts = [
        (items[0].revision, revision("一", &["b", "unknown"])),
        (items[1].revision, revision("二", &["a", "b", "c"])),
    ];
    let library = Library::new(
        texts,
        [desk("a", false), desk("b", false), desk("c", true), desk("d", true)],
    );
    let draft = draft(&programme, &library, day("2026-05-04"), &[family(born("2026-05-01"))]);
    let names: Vec<_> = draft.desks.iter().map(|desk| desk.name.as_str()).collect();
    assert_eq!(names, ["窓口b", "窓口a", "窓口c", "窓口d"]);
}

#[test]
fn the_owner_section_signs_below_its_text() {
    let programme = programme(vec![series(Owner::Tenant, vec![item("d3")])]);
    let signed = Revision {
        contact: Some("健康づくり課".into()),
        ..revision("題", &[])
    };
    let library = Library::new([(programme.series[0].items()[0].revision, signed)], []);
    let draft = draft(&programme, &library, day("2026-05-04"), &[family(born("2026-05-01"))]);
    let last = draft.sections[0].blocks.last().unwrap();
    assert_eq!(
        *last,
        Block::Paragraph {
            inlines: vec![Inline::Text {
                text: "（健康づくり課）".into()
            }]
        }
    );
}

#[test]
fn the_subject_names_the_day_and_never_the_stage() {
    let mut programme = programme(vec![series(Owner::Desk, daily_items())]);
    let library = library(&programme);
    let anchors: Vec<Anchor> = ["2027-01-01", "2026-12-01", "2026-07-07"]
        .map(due)
        .into_iter()
        .chain([born("2026-06-01")])
        .collect();
    for anchor in anchors {
        let draft = draft(&programme, &library, day("2026-06-30"), &[family(anchor)]);
        assert_eq!(draft.subject, "6月30日のことば");
    }
    programme.series[0].language = "en".into();
    let english = draft(&programme, &library, day("2026-06-30"), &[family(due("2026-12-01"))]);
    assert_eq!(english.subject, "A word for 2026-06-30");
}

#[test]
fn unapproved_text_in_a_practice_tenant_is_marked_as_a_sample() {
    let unapproved = item_with("d3", |item| item.approved = false);
    let mut programme = programme(vec![series(Owner::Desk, vec![unapproved, item("d4")])]);
    programme.settings.kind = TenantKind::Practice;
    let library = library(&programme);
    let family = [family(born("2026-05-01"))];
    assert!(draft(&programme, &library, day("2026-05-04"), &family).sample);
    assert!(!draft(&programme, &library, day("2026-05-05"), &family).sample);
}

#[test]
fn late_joiners_see_that_an_article_belongs_to_the_summary() {
    let must_know = item_with("12w0d", |item| {
        item.placement.must_know = true;
        item.placement.useful_until_slot = Some("20w0d".parse().unwrap());
    });
    let daily = series(Owner::Desk, vec![must_know, item("14w0d")]);
    let adoption = kizuna_domain::tenant::Adoption {
        join: JoinPolicy::Digest,
        ..daily.adoption.clone()
    };
    let programme = programme(vec![series_of(adoption, Owner::Desk, 0, daily.items().to_vec())]);
    let on = day("2026-12-01") - 280 + 14 * 7;
    let late = Follower {
        registered_on: on,
        ..family(due("2026-12-01"))
    };
    let draft = draft(&programme, &library(&programme), on, &[late]);
    assert_eq!(titles(&draft), ["14w0d", "ここまでのまとめ：12w0d"]);
}

#[test]
fn the_question_after_the_due_date_congratulates_nobody() {
    let programme = programme(vec![series(Owner::Desk, daily_items())]);
    let on = day("2026-12-15");
    let draft = draft(&programme, &library(&programme), on, &[family(due("2026-12-01"))]);
    assert!(draft.asks);
    assert_eq!(draft.sections.len(), 1);
    assert_eq!(draft.stage, "", "whether it is a pregnancy still is not for us to say");
    let said = serde_json::to_string(&draft).unwrap();
    for word in [
        "おめで",
        "誕生",
        "出産おめ",
        "生まれ",
        "赤ちゃん",
        "お祝",
        "うれし",
        "残念",
        "ママ",
        "パパ",
    ] {
        assert!(!said.contains(word), "{word} in {said}");
    }
    let english = phrases("en-GB");
    for word in ["ongrat", "birth", "baby", "born", "happy", "sorry"] {
        assert!(
            !english.check_in_text.contains(word) && !english.check_in_title.contains(word),
            "{word}"
        );
    }
}

#[test]
fn equal_messages_have_equal_digests_whoever_reads_them() {
    let programme = programme(vec![series(Owner::Desk, daily_items())]);
    let library = library(&programme);
    let on = day("2026-06-30");
    let one = draft(&programme, &library, on, &[numbered_family(1, due("2026-12-01"))]);
    let other = draft(&programme, &library, on, &[numbered_family(2, due("2026-12-01"))]);
    assert_eq!(one.digest(), other.digest());
    assert_ne!(
        one.digest(),
        draft(&programme, &library, on, &[numbered_family(1, due("2026-12-02"))]).digest()
    );
}

#[test]
fn any_change_gives_another_digest() {
    fn words(text: &str) -> Vec<Inline> {
        vec![Inline::Text { text: text.into() }]
    }
    let section = Section {
        sender: "s".into(),
        about: "a".into(),
        title: "t".into(),
        blocks: vec![Block::Paragraph {
            inlines: vec![Inline::Text { text: "x".into() }],
        }],
    };
    let card = DeskCard {
        name: "n".into(),
        phone: "p".into(),
        hours: "h".into(),
        url: "u".into(),
        note: "o".into(),
    };
    let base = Draft {
        v: 1,
        language: "ja".into(),
        from: "f".into(),
        subject: "s".into(),
        stage: "g".into(),
        sample: false,
        sections: vec![section],
        desks: vec![card],
        asks: false,
    };
    let changes: [fn(&mut Draft); 20] = [
        |d| d.v = 2,
        |d| d.language.push('x'),
        |d| d.from.push('x'),
        |d| d.subject.push('x'),
        |d| d.stage.push('x'),
        |d| d.sample = true,
        |d| d.asks = true,
        |d| d.sections[0].sender.push('x'),
        |d| d.sections[0].about.push('x'),
        |d| d.sections[0].title.push('x'),
        |d| d.sections[0].blocks = vec![Block::Heading { inlines: words("x") }],
        |d| d.sections[0].blocks = vec![Block::Paragraph { inlines: words("y") }],
        |d| d.sections[0].blocks.clear(),
        |d| d.sections.clear(),
        |d| d.desks[0].name.push('x'),
        |d| d.desks[0].phone.push('x'),
        |d| d.desks[0].hours.push('x'),
        |d| d.desks[0].url.push('x'),
        |d| d.desks[0].note.push('x'),
        |d| d.desks.clear(),
    ];
    let mut digests = vec![base.digest()];
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        digests.push(other.digest());
    }
    assert_eq!(base.clone().digest(), base.digest());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_draft_survives_being_stored() {
    let programme = programme(vec![series(Owner::Desk, daily_items())]);
    let draft = draft(
        &programme,
        &library(&programme),
        day("2026-06-30"),
        &[family(due("2026-12-01"))],
    );
    let stored = serde_json::to_vec(&draft).unwrap();
    let read: Draft = serde_json::from_slice(&stored).unwrap();
    assert_eq!(read, draft);
    assert_eq!(read.digest(), draft.digest());
}

#[test]
fn a_reader_gets_the_series_in_the_language_they_chose_and_the_towns_own_where_it_has_none_in_it() {
    let in_language = |language: &str, code: &str, owner, first| {
        let item = item_with("20w0d", |item| item.article = code.to_owned());
        let adoption = kizuna_domain::tenant::Adoption {
            track: code.to_owned(),
            ..series(owner, vec![]).adoption
        };
        let mut series = series_of(adoption, owner, first, vec![item]);
        language.clone_into(&mut series.language);
        series
    };
    let programme = programme(vec![
        in_language("ja", "desk-ja", Owner::Desk, 1_000),
        in_language("ja-Hira", "desk-easy", Owner::Desk, 2_000),
        in_language("en", "desk-en", Owner::Desk, 3_000),
        in_language("ja", "town-ja", Owner::Tenant, 4_000),
    ]);
    let reader = |language: &str| Follower {
        language: language.to_owned(),
        ..family(due("2026-12-01"))
    };
    let on = day("2026-12-01") - 140;
    for (language, titles, subject) in [
        ("ja", ["desk-ja", "town-ja"], "7月14日のことば"),
        ("ja-Hira", ["desk-easy", "town-ja"], "7月14日のことば"),
        ("EN", ["desk-en", "town-ja"], "A word for 2026-07-14"),
        // Nobody writes it: the first language stands in.
        ("vi", ["desk-ja", "town-ja"], "7月14日のことば"),
    ] {
        let draft = draft(&programme, &library(&programme), on, &[reader(language)]);
        let said: Vec<&str> = draft.sections.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(said, titles, "{language}");
        assert_eq!(draft.subject, subject, "{language}");
    }
}
