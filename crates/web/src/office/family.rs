//! 一家族のカレンダー: the whole journey of one invented family, what was sent of it, and why a day is as it is.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::age::{self, DUE_AT};
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::{SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, Customs, stage_label};
use kizuna_engine::explain::{self, Journey, JourneyLetter, Why};
use kizuna_engine::run;

use super::families::{StateTag, anchor_words, name};
use super::{Here, Shell, failure_words};
use crate::Site;
use crate::bubble::Bubble;
use crate::day_picker::{DayPicker, DayQuery};
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/family.html")]
struct FamilyPage {
    shell: Shell,
    picker: DayPicker,
    name: String,
    id: String,
    state: StateTag,
    anchor: String,
    registered: String,
    stage: String,
    today: String,
    reason: Reason,
    next: Option<Next>,
    /// Why nothing follows, where nothing does.
    no_next: &'static str,
    months: Vec<Month>,
    strays: Vec<Stray>,
}

/// A chosen day, explained.
struct Reason {
    date: String,
    stage: String,
    arithmetic: Vec<String>,
    titles: Vec<String>,
    skipped: Vec<&'static str>,
    ledger: Vec<String>,
    next_on: String,
}

/// The next message.
struct Next {
    date: String,
    bubble: Bubble,
}

/// A calendar month of the journey.
struct Month {
    title: String,
    stages: String,
    open: bool,
    is_now: bool,
    letters: usize,
    lines: Vec<Line>,
}

/// A line of a month.
enum Line {
    Letter(Box<Entry>),
    /// Today, where it brings nothing.
    Today(String),
}

/// A day with a message.
struct Entry {
    day: Day,
    date: String,
    stage: String,
    title: String,
    mark: Mark,
    is_today: bool,
    chosen: bool,
    bubble: Bubble,
}

/// What became of a message, as a word with a colour.
struct Mark {
    words: String,
    class: &'static str,
}

/// A slot of the ledger that today's dates do not bring.
struct Stray {
    date: String,
    slot: String,
    mark: Mark,
}

/// Shows a family.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path((_, subscription)): Path<(String, String)>,
    Query(query): Query<DayQuery>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, &subscription, &query)).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office, subscription: &str, query: &DayQuery) -> Result<FamilyPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    if !tenant.settings.kind.allows_samples() {
        return Err(PageError::NotFound);
    }
    let id: SubscriptionId = subscription.parse().map_err(|_| PageError::NotFound)?;
    let journey = explain::journey(env, tenant, id)?.ok_or(PageError::NotFound)?;
    let today = run::today(env, tenant)?;
    let chosen = query.choose(today);
    let why = explain::why(env, tenant, subscription, chosen.day)?;
    let customs = tenant.settings.customs;
    let follower = journey.follower.clone();
    let reason = reason(&why, &journey, customs);
    let next = next(&journey, today);
    let no_next = match follower.state {
        SubscriptionState::Ended => "止めているので、もう何も届きません。",
        SubscriptionState::Paused => "お休み中なので、何も届きません。",
        SubscriptionState::Active => "この先に届くことばは、ありません。",
    };
    let strays = strays(&journey);
    let open_day = query.is_given().then_some(chosen.day);
    Ok(FamilyPage {
        shell: Shell::new(office, Here::Families, format!("{}のカレンダー", name(&follower)))
            .with_error(chosen.unreadable),
        picker: DayPicker::new(format!("/{}/families/{subscription}", tenant.code), chosen, today),
        name: name(&follower),
        id: subscription.to_owned(),
        state: StateTag::of(&follower),
        anchor: anchor_words(&follower.anchor),
        registered: follower.registered_on.japanese(),
        stage: stage_label(&follower.anchor, today, &customs),
        today: today.japanese(),
        reason,
        next,
        no_next,
        months: months(journey, today, open_day),
        strays,
    })
}

fn reason(why: &Why, journey: &Journey, customs: Customs) -> Reason {
    let titles = journey.letters.iter().filter(|letter| letter.on == why.day);
    let titles = if why.due.is_empty() {
        Vec::new()
    } else {
        titles.flat_map(titles_of).collect()
    };
    let sent_on = why
        .sent_on
        .iter()
        .map(|(slot, day)| format!("{slot} は、{}に送る記録があります", day.japanese()));
    let ledger = why
        .deliveries
        .iter()
        .map(|row| format!("{}：{}", row.slot, mark_of(&row.state).words));
    Reason {
        date: why.day.japanese(),
        stage: why.stage.clone(),
        arithmetic: arithmetic(&journey.follower.anchor, why.day, customs),
        titles,
        skipped: why
            .skipped
            .iter()
            .filter_map(|code| SkipReason::from_code(code))
            .map(SkipReason::ja)
            .collect(),
        ledger: ledger.chain(sent_on).collect(),
        next_on: match why
            .next_on
            .filter(|_| journey.follower.state == SubscriptionState::Active)
        {
            Some(day) => day.japanese(),
            None => String::new(),
        },
    }
}

/// How the stage follows from the dates, for checking with a calendar.
fn arithmetic(anchor: &Anchor, day: Day, customs: Customs) -> Vec<String> {
    match anchor {
        Anchor::Due(due) => {
            let left = *due - day;
            let gestation = DUE_AT - left;
            let (weeks, days) = (gestation.div_euclid(7), gestation.rem_euclid(7));
            let distance = match left {
                0 => "この日が予定日です。".to_owned(),
                1.. => format!("予定日 {} まで、あと{left}日。", due.japanese()),
                _ => format!("予定日 {} から、{}日すぎました。", due.japanese(), -left),
            };
            let sign = if left < 0 {
                format!("＋ {}日", -left)
            } else {
                format!("− {left}日")
            };
            vec![
                distance,
                format!("40週（280日） {sign} ＝ {gestation}日 ＝ {weeks}週{days}日"),
            ]
        }
        Anchor::Birth { on, due } => {
            let days = day - *on;
            if days < 0 {
                return vec![format!("うまれた日 {} より前の日です。", on.japanese())];
            }
            let mut lines = vec![format!("うまれた日 {} から、{days}日たちました。", on.japanese())];
            if let Some(months) = age::completed_months(*on, day, customs.leap_birthday) {
                let (years, rest) = (months / 12, months % 12);
                lines.push(format!("満 {years}歳{rest}か月（{months}か月）です。"));
            }
            if let Some(corrected) = age::corrected_days(*on, *due, day) {
                lines.push(format!("予定日から数える修正月齢では、{corrected}日です。"));
            }
            lines
        }
    }
}

fn titles_of(letter: &JourneyLetter) -> Vec<String> {
    letter
        .draft
        .sections
        .iter()
        .map(|section| section.title.clone())
        .collect()
}

/// The first message from today on that is not in the ledger.
fn next(journey: &Journey, today: Day) -> Option<Next> {
    if journey.follower.state != SubscriptionState::Active {
        return None;
    }
    let is_new = |letter: &&JourneyLetter| !letter.slots.iter().any(|slot| journey.ledger.contains_key(slot));
    let letter = journey
        .letters
        .iter()
        .filter(|letter| letter.on >= today)
        .find(is_new)?;
    Some(Next {
        date: letter.on.japanese(),
        bubble: Bubble::new(letter.draft.clone()),
    })
}

fn strays(journey: &Journey) -> Vec<Stray> {
    let planned = |slot: &str| {
        journey
            .letters
            .iter()
            .any(|letter| letter.slots.iter().any(|known| known == slot))
    };
    let rows = journey.ledger.iter().filter(|(slot, _)| !planned(slot));
    rows.map(|(slot, (day, row))| Stray {
        date: day.japanese(),
        slot: slot.clone(),
        mark: mark_of(&row.state),
    })
    .collect()
}

fn months(journey: Journey, today: Day, chosen: Option<Day>) -> Vec<Month> {
    let Journey {
        follower,
        letters,
        ledger,
    } = journey;
    let mut calendar = Calendar {
        months: Vec::new(),
        today,
        chosen,
    };
    let mut today_told = false;
    for letter in letters {
        let found = letter.slots.iter().find_map(|slot| ledger.get(slot));
        // Of what never came, nothing is shown to somebody who stopped.
        if found.is_none() && follower.state == SubscriptionState::Ended {
            continue;
        }
        if !today_told && letter.on >= today {
            today_told = true;
            if letter.on > today {
                calendar.month(today).lines.push(Line::Today(month_and_day(today)));
            }
        }
        let mark = match found {
            Some((_, row)) => mark_of(&row.state),
            None if letter.on < today => Mark {
                words: "記録なし".to_owned(),
                class: "muted",
            },
            None if follower.state == SubscriptionState::Paused => Mark {
                words: "お休み中".to_owned(),
                class: "warn",
            },
            None => Mark {
                words: "これから".to_owned(),
                class: "plan",
            },
        };
        calendar.add(entry(letter, mark, today, chosen));
    }
    calendar.months
}

/// Months in the making.
struct Calendar {
    months: Vec<Month>,
    today: Day,
    chosen: Option<Day>,
}

impl Calendar {
    /// The month of a day that is not before any day so far.
    fn month(&mut self, day: Day) -> &mut Month {
        let title = |day: Day| format!("{}年{}月", day.year(), day.month());
        let wanted = title(day);
        if self.months.last().is_none_or(|month| month.title != wanted) {
            let is_now = wanted == title(self.today);
            let open = is_now || self.chosen.is_some_and(|day| wanted == title(day));
            let lines = Vec::new();
            self.months.push(Month {
                title: wanted,
                stages: String::new(),
                open,
                is_now,
                letters: 0,
                lines,
            });
        }
        self.months.last_mut().expect("a month was added just above")
    }

    fn add(&mut self, entry: Entry) {
        let month = self.month(entry.day);
        month.letters += 1;
        month.stages = match month
            .stages
            .split_once('〜')
            .map_or(month.stages.as_str(), |(first, _)| first)
        {
            "" => entry.stage.clone(),
            first if first == entry.stage => entry.stage.clone(),
            first => format!("{first}〜{}", entry.stage),
        };
        month.lines.push(Line::Letter(Box::new(entry)));
    }
}

/// 11月22日（日）.
fn month_and_day(day: Day) -> String {
    let date = day.japanese();
    date.split_once('年').map_or(date.as_str(), |(_, rest)| rest).to_owned()
}

fn entry(letter: JourneyLetter, mark: Mark, today: Day, chosen: Option<Day>) -> Entry {
    Entry {
        day: letter.on,
        date: month_and_day(letter.on),
        stage: letter.draft.stage.clone(),
        title: titles_of(&letter).join("／"),
        mark,
        is_today: letter.on == today,
        chosen: chosen == Some(letter.on),
        bubble: Bubble::without_desks(letter.draft),
    }
}

/// A state of the ledger in plain words.
fn mark_of(state: &str) -> Mark {
    let mark = |words: &str, class| Mark {
        words: words.to_owned(),
        class,
    };
    match state {
        "sent" => mark("送りました", "ok"),
        "waiting" => mark("待っている", "plan"),
        "in-flight" => mark("いま送っています", "plan"),
        "held" => mark("止まっている", "warn"),
        "unknown" => mark("送れたかわからない", "warn"),
        other => match other.strip_prefix("skipped:") {
            Some(code) => {
                let why = SkipReason::from_code(code).map_or("", SkipReason::ja);
                Mark {
                    words: format!("届けませんでした（{why}）"),
                    class: "muted",
                }
            }
            None => Mark {
                words: format!("送れなかった（{}）", failure_words(other)),
                class: "err",
            },
        },
    }
}
