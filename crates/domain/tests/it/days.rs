//! Stories of families, day by day, as a content editor reads them: `tests/days/*.txt`.
//!
//! A story says what a town sends, who follows it and what happens; the lines that begin with `→` (and what is
//! indented below them) are the plan that the rules make of it. `UPDATE=1 cargo nextest run -p kizuna-domain days`
//! writes them anew; whoever does so reads the difference before keeping it. The words are in `tests/days/README.md`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kizuna_domain::age::LeapBirthday;
use kizuna_domain::cadence::Slots;
use kizuna_domain::content::{Desk, Item, Owner, Revision};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{RevisionId, SubscriptionId};
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, Clock, DayCount, EndRule};
use kizuna_domain::run::compose::{Library, Part, compose};
use kizuna_domain::run::plan::{Programme, Series, judge};
use kizuna_domain::tenant::{Adoption, JoinPolicy, TenantKind};

use crate::town::{day, item, numbered_family, programme, series_of};

/// What a story says before its days begin, and what has happened so far.
struct Story {
    kind: TenantKind,
    end: EndRule,
    join: JoinPolicy,
    day_count: DayCount,
    leap_birthday: LeapBirthday,
    articles: Vec<(Owner, Item, String, Vec<String>)>,
    desks: Vec<Desk>,
    families: Vec<(String, Follower)>,
    ledger: HashSet<(SubscriptionId, String)>,
    backup: HashSet<(SubscriptionId, String)>,
    missed: Vec<Day>,
    fenced_through: Option<Day>,
}

impl Story {
    fn new() -> Story {
        Story {
            kind: TenantKind::Municipality,
            end: EndRule::OnBirthday(3),
            join: JoinPolicy::FromToday,
            day_count: DayCount::FromZero,
            leap_birthday: LeapBirthday::February28,
            articles: vec![],
            desks: vec![],
            families: vec![],
            ledger: HashSet::new(),
            backup: HashSet::new(),
            missed: vec![],
            fenced_through: None,
        }
    }

    /// One line of the story; what it makes happen is written below it.
    fn tell(&mut self, line: &str) -> String {
        if line.is_empty() || line.starts_with('#') {
            return String::new();
        }
        if line.starts_with("20") {
            return self.day_line(line);
        }
        let (word, rest) = line.split_once('：').unwrap_or_else(|| panic!("no '：' in {line}"));
        match word {
            "まち" => self.kind = chosen(rest, &KINDS),
            "終わり" => self.end = end_rule(rest),
            "途中から" => self.join = chosen(rest, &JOINS),
            "数え方" => self.day_count = chosen(rest, &COUNTS),
            "2月29日生まれ" => self.leap_birthday = chosen(rest, &LEAPS),
            "編集部" => self.add_articles(Owner::Desk, rest),
            "自治体" => self.add_articles(Owner::Tenant, rest),
            "相談先" => self.desks.push(desk(rest)),
            "家族" => self.add_family(rest),
            _ => panic!("unknown word {word}"),
        }
        String::new()
    }

    /// `12w0d｜題名｜条件｜…`; a range of slots gives one article to each.
    fn add_articles(&mut self, owner: Owner, text: &str) {
        let mut parts = text.split('｜').map(str::trim);
        let (places, title) = (parts.next().unwrap(), parts.next().unwrap());
        let conditions: Vec<&str> = parts.collect();
        let each: Vec<String> = match places.parse::<Slots>() {
            Ok(Slots::Only(slots)) => slots.iter().map(ToString::to_string).collect(),
            _ => vec![places.to_owned()],
        };
        for place in &each {
            let mut item = item(place);
            item.article = format!("{title}-{place}");
            let mut desks = vec![];
            for condition in &conditions {
                apply(&mut item, &mut desks, condition);
            }
            let title = if each.len() > 1 {
                format!("{title} {place}")
            } else {
                title.to_owned()
            };
            self.articles.push((owner, item, title, desks));
        }
    }

    /// `花子（はな） 予定日 2026-12-01 登録 2026-06-01 地区 minami`
    fn add_family(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap();
        let (reader, nickname) = match name.split_once('（') {
            Some((reader, child)) => (reader, Some(child.trim_end_matches('）').to_owned())),
            None => (name, None),
        };
        let number = self.families.len() + 1;
        let mut family = Follower {
            nickname,
            ..numbered_family(number, Anchor::Due(day("2000-01-01")))
        };
        if let Some((_, sibling)) = self.families.iter().find(|(known, _)| known == reader) {
            family.subscriber = sibling.subscriber;
            family.reach = sibling.reach;
        }
        let (mut due, mut birth) = (None, None);
        while let (Some(word), Some(value)) = (words.next(), words.next()) {
            match word {
                "予定日" => due = Some(day(value)),
                "誕生日" => birth = Some(day(value)),
                "登録" => family.registered_on = day(value),
                "地区" => family.area = Some(value.to_owned()),
                _ => panic!("unknown word {word}"),
            }
        }
        family.anchor = Anchor::from_dates(due, birth).unwrap();
        self.families.push((reader.to_owned(), family));
    }

    /// A day, some days, or something that happens on a day before its run.
    fn day_line(&mut self, line: &str) -> String {
        let (when, what) = line.split_once(' ').unwrap_or((line, ""));
        let (from, until) = when.split_once('〜').unwrap_or((when, when));
        let days: Vec<Day> = (0..=day(until) - day(from)).map(|ahead| day(from) + ahead).collect();
        match what {
            "" => self.run(&days),
            "止まっていた" => {
                self.missed = days;
                String::new()
            }
            "控えをとる" => {
                self.backup.clone_from(&self.ledger);
                String::new()
            }
            "控えからもどし、この日までを見合わせる" => {
                self.ledger.clone_from(&self.backup);
                self.fenced_through = days.last().copied();
                String::new()
            }
            _ => {
                self.happens(what);
                String::new()
            }
        }
    }

    fn happens(&mut self, what: &str) {
        let (name, event) = what.split_once('：').unwrap_or_else(|| panic!("no '：' in {what}"));
        let family = self.families.iter_mut().find(|(reader, family)| {
            let child = family.nickname.as_deref().map(|child| format!("{reader}（{child}）"));
            reader == name || child.as_deref() == Some(name)
        });
        let (_, family) = family.unwrap_or_else(|| panic!("nobody is called {name}"));
        match event.split_once(' ').unwrap_or((event, "")) {
            ("予定日", date) => family.anchor = Anchor::Due(day(date)),
            ("生まれた", date) => {
                family.anchor = Anchor::Birth {
                    on: day(date),
                    due: family.anchor.due(),
                }
            }
            ("止める", "") => family.state = SubscriptionState::Ended,
            ("お休み", "") => family.state = SubscriptionState::Paused,
            ("再開", "") => family.state = SubscriptionState::Active,
            ("届かない", "") => family.reach = Reach::Silent(SkipReason::Suppressed),
            _ => panic!("nothing is called {event}"),
        }
    }

    fn programme(&self) -> (Programme, Library) {
        let adoption = |track: &str| Adoption {
            track: track.into(),
            edition: None,
            slots: Slots::All,
            end: self.end,
            join: self.join,
        };
        let of = |owner| {
            self.articles
                .iter()
                .filter(move |(by, ..)| *by == owner)
                .map(|(_, item, ..)| item.clone())
        };
        let desk = series_of(adoption("starter"), Owner::Desk, 0, of(Owner::Desk).collect());
        let town = series_of(adoption("town"), Owner::Tenant, 10_000, of(Owner::Tenant).collect());
        let mut programme = programme(vec![desk, town]);
        programme.settings.kind = self.kind;
        programme.settings.customs.day_count = self.day_count;
        programme.settings.customs.leap_birthday = self.leap_birthday;
        programme.fenced_through = self.fenced_through;
        let items = programme.series.iter().flat_map(Series::items);
        let texts: Vec<(RevisionId, Revision)> = items.map(|item| (item.revision, self.text_of(item))).collect();
        (programme, Library::new(texts, self.desks.clone()))
    }

    fn text_of(&self, item: &Item) -> Revision {
        let (.., title, desks) = self
            .articles
            .iter()
            .find(|(_, known, ..)| known.article == item.article)
            .unwrap();
        Revision {
            title: title.clone(),
            body: "本文".into(),
            sources: vec![],
            desks: desks.clone(),
            contact: None,
            owner_section: None,
        }
    }

    /// Runs days one after the other and says what each reader gets; quiet stretches are one line.
    fn run(&mut self, days: &[Day]) -> String {
        let (programme, library) = self.programme();
        let mut said: Vec<(Day, Day, String)> = Vec::new();
        for on in days {
            let behind = std::mem::take(&mut self.missed);
            let catch_up = i32::from(programme.settings.catch_up_days);
            let behind: Vec<Day> = behind.into_iter().rev().filter(|day| *on - *day <= catch_up).collect();
            let plan = self.plan(&programme, &library, *on, &behind);
            match said.last_mut() {
                Some((_, until, last)) if *last == plan => *until = *on,
                _ => said.push((*on, *on, plan)),
            }
        }
        said.into_iter().fold(String::new(), |mut text, (from, until, plan)| {
            let days = if from == until {
                from.to_string()
            } else {
                format!("{from}〜{until}")
            };
            write!(text, "→ {days}\n{plan}").unwrap();
            text
        })
    }

    fn plan(&mut self, programme: &Programme, library: &Library, on: Day, behind: &[Day]) -> String {
        let mut readers: BTreeMap<usize, (&str, Vec<&Follower>)> = BTreeMap::new();
        for (place, (name, family)) in self.families.iter().enumerate() {
            let first = self
                .families
                .iter()
                .position(|(known, _)| known == name)
                .unwrap_or(place);
            readers.entry(first).or_insert((name, vec![])).1.push(family);
        }
        let mut plan = String::new();
        for (name, families) in readers.into_values() {
            let mut parts = Vec::new();
            let mut reasons = Vec::new();
            for family in families {
                let judgement = judge(programme, on, behind, family);
                let is_new = |slot: String| !self.ledger.contains(&(family.subscription, slot));
                let (new, old): (Vec<_>, Vec<_>) =
                    judgement.due.into_iter().partition(|due| is_new(due.slot.to_string()));
                reasons.extend(judgement.skipped);
                if !old.is_empty() {
                    reasons.push(SkipReason::AlreadySent);
                }
                if !new.is_empty() {
                    parts.push((family, new));
                }
            }
            for (family, due) in &parts {
                let filled = due.iter().flat_map(|due| due.fills(programme));
                self.ledger
                    .extend(filled.map(|slot| (family.subscription, slot.to_string())));
            }
            let parts: Vec<Part<'_>> = parts.iter().map(|(follower, due)| Part { follower, due }).collect();
            plan.push_str(&told(name, programme, library, on, &parts, reasons));
        }
        plan
    }
}

/// What one reader gets, or why nothing.
fn told(
    name: &str,
    programme: &Programme,
    library: &Library,
    on: Day,
    parts: &[Part<'_>],
    mut reasons: Vec<SkipReason>,
) -> String {
    reasons.sort_unstable();
    reasons.dedup();
    let why = reasons.iter().map(|reason| reason.ja()).collect::<Vec<_>>().join("、");
    if parts.is_empty() {
        return format!("   {name} なし：{why}\n");
    }
    let draft = compose(programme, library, on, parts);
    let mark = if draft.sample { "【見本】" } else { "" };
    let mut text = format!("   {name} へ {mark}「{}」 {}\n", draft.subject, draft.stage);
    let mut sender = "";
    for section in &draft.sections {
        if !section.sender.is_empty() && section.sender != sender {
            sender = &section.sender;
            writeln!(text, "      {sender}").unwrap();
        }
        let about = if section.about.is_empty() {
            String::new()
        } else {
            format!("（{}）", section.about)
        };
        writeln!(text, "      ・{}{about}", section.title).unwrap();
    }
    for desk in &draft.desks {
        writeln!(text, "      相談先 {}", desk.name).unwrap();
    }
    if draft.asks {
        writeln!(text, "      えらべる返事（出産した・続ける・休む・止める）").unwrap();
    }
    text
}

const KINDS: [(&str, TenantKind); 2] = [("自治体", TenantKind::Municipality), ("練習", TenantKind::Practice)];
const COUNTS: [(&str, DayCount); 2] = [("0から", DayCount::FromZero), ("1から", DayCount::FromOne)];
const JOINS: [(&str, JoinPolicy); 3] = [
    ("きょうから", JoinPolicy::FromToday),
    ("直前の一つ", JoinPolicy::Latest),
    ("まとめ", JoinPolicy::Digest),
];
const LEAPS: [(&str, LeapBirthday); 2] = [
    ("2月28日に祝う", LeapBirthday::February28),
    ("3月1日に祝う", LeapBirthday::March1),
];

fn chosen<T: Copy>(text: &str, choices: &[(&str, T)]) -> T {
    let choice = choices.iter().find(|(word, _)| *word == text.trim());
    choice.unwrap_or_else(|| panic!("'{text}' is none of the choices")).1
}

fn end_rule(text: &str) -> EndRule {
    let text = text.trim();
    let number = |prefix: &str, suffix: &str| text.strip_prefix(prefix)?.strip_suffix(suffix)?.parse::<u8>().ok();
    match text {
        "年長の3月31日" => EndRule::SchoolYearEnd(0),
        _ => number("", "歳の誕生日")
            .map(EndRule::OnBirthday)
            .or(number("", "歳の誕生日の前の日").map(EndRule::DayBeforeBirthday))
            .or(number("小", "の3月31日").map(EndRule::SchoolYearEnd))
            .or(number("満", "歳になる日").map(EndRule::LegalAge))
            .unwrap_or_else(|| panic!("'{text}' ends nothing")),
    }
}

/// One condition of an article: who it is for, how long it is of use, whether it may leave.
fn apply(item: &mut Item, desks: &mut Vec<String>, condition: &str) {
    let placement = &mut item.placement;
    let (word, rest) = condition.split_once(' ').unwrap_or((condition, ""));
    match word {
        "監修前" => item.approved = false,
        "修正月齢" => placement.clock = Clock::Corrected,
        "早産だけ" => placement.preterm_only = true,
        "あとから" => placement.useful_days = rest.trim_end_matches("日まで").parse().unwrap(),
        "必ず" => {
            placement.must_know = true;
            placement.useful_until_slot = Some(rest.trim_end_matches("まで").parse().unwrap());
        }
        "地区" => placement.areas = rest.split('・').map(str::to_owned).collect(),
        "時期" => {
            let (from, until) = rest.split_once('〜').unwrap();
            placement.from_slot = (!from.is_empty()).then(|| from.parse().unwrap());
            placement.until_slot = (!until.is_empty()).then(|| until.parse().unwrap());
        }
        "有効" => placement.valid_until = Some(day(rest.trim_end_matches("まで"))),
        "相談先" => desks.push(rest.to_owned()),
        _ => panic!("unknown condition {condition}"),
    }
}

/// `id 名前` and, for the one below every message, `いつも`.
fn desk(text: &str) -> Desk {
    let words: Vec<&str> = text.split_whitespace().collect();
    Desk {
        id: words[0].into(),
        name: words[1].into(),
        phone: String::new(),
        hours: String::new(),
        open: String::new(),
        closed: vec![],
        url: String::new(),
        note: String::new(),
        default: words.get(2) == Some(&"いつも"),
    }
}

/// The story as it is told now: its own lines kept, what follows from them written anew.
fn retold(text: &str) -> String {
    let mut story = Story::new();
    let is_plan = |line: &&str| line.starts_with('→') || line.starts_with("   ");
    text.lines()
        .filter(|line| !is_plan(line))
        .fold(String::new(), |mut told, line| {
            let plan = story.tell(line.trim());
            write!(told, "{line}\n{plan}").unwrap();
            told
        })
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/days");
    let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut stories: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    stories.sort();
    stories
}

#[test]
fn every_story_goes_as_it_is_written() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in stories() {
        let written = std::fs::read_to_string(&path).unwrap();
        let told = retold(&written);
        if told != written && update {
            std::fs::write(&path, &told).unwrap();
        } else if told != written {
            let line = told.lines().zip(written.lines()).position(|(a, b)| a != b).unwrap_or(0);
            wrong.push(format!(
                "{} differs from line {}; now it goes:\n{told}",
                path.display(),
                line + 1
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_story_ends_with_a_plan() {
    let stories = stories();
    assert!(stories.len() >= 14);
    for path in stories {
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(written.starts_with("# "), "{} begins with its title", path.display());
        assert!(written.contains('→'), "{} plans nothing", path.display());
    }
}
