//! あすの配信: what each stage will read, before anything is sent, from the same planner that sends.
//!
//! Of real families a stage is shown where ten readers or more get it. In a small town anything less tells of one
//! family, a loss above all: who looks again the next day sees a stage that is gone.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::position::Standing;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::explain::{self, Reading};
use kizuna_engine::{EngineError, run};

use super::{Here, ReasonRow, Shell, reason_rows};
use crate::Site;
use crate::bubble::Bubble;
use crate::day_picker::{DayPicker, DayQuery};
use crate::error::{PageError, page};
use crate::format;
use crate::guard::{Office, Shared, blocking};

/// Stages on one page: more would be long to load and to scroll.
const STAGES_PER_PAGE: usize = 40;

#[derive(Template)]
#[template(path = "office/plan.html")]
struct PlanPage {
    shell: Shell,
    picker: DayPicker,
    heading: String,
    date: String,
    /// When it leaves, where the day is still to come.
    leaves: String,
    letters: String,
    /// How many messages differ; empty where families are real.
    messages: String,
    finding: Finding,
    groups: Vec<Group>,
    /// Readers of the stages that are not shown; empty where all are.
    others: String,
    skipped: Vec<ReasonRow>,
    missing: Vec<String>,
    pager: Pager,
}

/// What there is to read on the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// Messages.
    Messages,
    /// Nothing, because nothing leaves on this day.
    Nothing,
    /// Nothing, because each stage has few readers, or none.
    Few,
}

/// Messages of pregnancy, or of childhood.
struct Group {
    title: &'static str,
    class: &'static str,
    messages: Vec<Message>,
}

/// A message that several families read in the same words.
pub(super) struct Message {
    pub(super) stage: String,
    pub(super) families: String,
    pub(super) bubble: Bubble,
}

impl Message {
    fn new(reading: Reading, kind: TenantKind) -> Message {
        let stage = if reading.stage.is_empty() {
            "予定日をすぎた方".to_owned()
        } else {
            reading.stage
        };
        Message {
            stage,
            families: format::families(reading.letters, kind),
            bubble: Bubble::new(reading.draft),
        }
    }
}

/// A few of a day's messages, the commonest of early, middle and late stages, and how many there are.
pub(super) fn some(site: &Site, office: &Office, day: Day, few: usize) -> Result<(Vec<Message>, usize), PageError> {
    let kind = office.tenant.settings.kind;
    let readings = ordered(explain::preview(&site.env, &office.tenant, day)?.readings);
    let length = readings.len().div_ceil(few.max(1)).max(1);
    let commonest = readings
        .chunks(length)
        .filter_map(|stretch| stretch.iter().rev().max_by_key(|reading| reading.letters));
    let some = commonest.map(|reading| Message::new(reading.clone(), kind)).collect();
    Ok((some, readings.len()))
}

/// The stages that may be shown, and how many readers the others have together.
///
/// Where those are few, the smallest stage that could be shown joins them: else the total would tell their number.
fn discreet(readings: Vec<Reading>, kind: TenantKind) -> (Vec<Reading>, u64) {
    let (mut shown, hidden): (Vec<Reading>, Vec<Reading>) = readings
        .into_iter()
        .partition(|reading| !format::is_few(reading.letters, kind));
    let mut others = hidden.iter().map(|reading| reading.letters).sum();
    while others > 0 && format::is_few(others, kind) {
        let smallest = shown.iter().enumerate().min_by_key(|(_, reading)| reading.letters);
        let Some((at, _)) = smallest else { break };
        others += shown.remove(at).letters;
    }
    (shown, others)
}

/// Pages of a list.
struct Pager {
    base: String,
    page: usize,
    pages: usize,
}

/// Shows a day's plan.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(query): Query<DayQuery>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, &query)).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office, query: &DayQuery) -> Result<PlanPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let kind = tenant.settings.kind;
    let today = run::today(env, tenant)?;
    let chosen = query.choose(today + 1);
    let day = chosen.day;
    let preview = explain::preview(env, tenant, day)?;
    let (readings, others) = discreet(ordered(preview.readings), kind);
    // In a real town siblings stand apart, and so they are counted: the total must not tell how many are.
    let letters = if kind.allows_samples() {
        preview.letters
    } else {
        others + readings.iter().map(|reading| reading.letters).sum::<u64>()
    };
    let finding = match (readings.is_empty(), kind.allows_samples()) {
        (false, _) => Finding::Messages,
        (true, true) => Finding::Nothing,
        (true, false) => Finding::Few,
    };
    let pages = readings.len().div_ceil(STAGES_PER_PAGE).max(1);
    let number = query.page().min(pages);
    let messages = readings.len();
    let shown: Vec<Reading> = readings
        .into_iter()
        .skip((number - 1) * STAGES_PER_PAGE)
        .take(STAGES_PER_PAGE)
        .collect();
    let (pregnant, born): (Vec<Reading>, Vec<Reading>) = shown
        .into_iter()
        .partition(|reading| reading.standing.age_days.is_none());
    let group = |title, class, readings: Vec<Reading>| Group {
        title,
        class,
        messages: readings
            .into_iter()
            .map(|reading| Message::new(reading, kind))
            .collect(),
    };
    let groups = [group("妊娠中", "plum", pregnant), group("うまれてから", "teal", born)];
    let heading = match day - today {
        0 => "きょう、これから届くことば".to_owned(),
        1 => "あすの配信".to_owned(),
        _ => format!("{}月{}日の配信", day.month(), day.day_of_month()),
    };
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let window = tenant.settings.window().map_err(EngineError::from)?;
    let opens = format::time(window.opens(day, &zone), &zone);
    let sentence = if tenant.settings.choices.hours.is_empty() {
        "から送ります。"
    } else {
        "から送ります。時間をえらんだ人には、その時間に送ります。"
    };
    Ok(PlanPage {
        shell: Shell::new(office, Here::Plan, heading.clone()).with_error(chosen.unreadable),
        picker: DayPicker::new(format!("/{}/plan", tenant.code), chosen, today),
        heading,
        date: day.japanese(),
        leaves: if day >= today {
            format!("{opens}{sentence}")
        } else {
            String::new()
        },
        letters: format::families(letters, kind),
        messages: if kind.allows_samples() {
            format::count(messages as u64)
        } else {
            String::new()
        },
        finding,
        groups: groups.into_iter().filter(|group| !group.messages.is_empty()).collect(),
        others: if others > 0 {
            format::families(others, kind)
        } else {
            String::new()
        },
        skipped: reason_rows(&preview.skipped, kind),
        missing: preview.missing_tracks,
        pager: Pager {
            base: format!("/{}/plan?day={day}", tenant.code),
            page: number,
            pages,
        },
    })
}

/// Pregnancy first, then children by age.
fn ordered(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_by(|a, b| order(a).cmp(&order(b)));
    readings
}

fn order(reading: &Reading) -> (bool, i32, &str) {
    let Standing {
        gestational_week,
        gestational_day,
        age_days,
        ..
    } = reading.standing;
    // Past the due date no stage is named: the quiet question comes last.
    let gestation = gestational_week
        .zip(gestational_day)
        .map_or(i32::MAX, |(week, day)| i32::from(week * 7 + day));
    (age_days.is_some(), age_days.unwrap_or(gestation), &reading.stage)
}

#[cfg(test)]
mod tests {
    use kizuna_domain::message::Draft;
    use kizuna_domain::position::{Anchor, Customs, standing};

    use super::*;

    fn reading(stage: &str, letters: u64) -> Reading {
        let day: Day = "2026-11-22".parse().unwrap();
        let standing = standing(&Anchor::Due(day), day, &Customs::default());
        let draft = Draft {
            v: 1,
            language: "ja".to_owned(),
            from: String::new(),
            subject: String::new(),
            stage: stage.to_owned(),
            sample: false,
            sections: Vec::new(),
            desks: Vec::new(),
            asks: false,
        };
        Reading {
            stage: stage.to_owned(),
            standing,
            letters,
            draft,
        }
    }

    fn shown(stages: &[(&str, u64)], kind: TenantKind) -> (Vec<String>, u64) {
        let readings = stages.iter().map(|(stage, letters)| reading(stage, *letters)).collect();
        let (shown, others) = discreet(readings, kind);
        (shown.into_iter().map(|reading| reading.stage).collect(), others)
    }

    #[test]
    fn small_stages_are_one_sum_that_nobody_can_take_apart() {
        let town = TenantKind::Municipality;
        let is = |given: &[(&str, u64)], kind, names: &[&str], others: u64| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(shown(given, kind), (names, others), "{given:?}");
        };
        is(&[("a", 10), ("b", 40)], town, &["a", "b"], 0);
        is(&[("a", 9), ("b", 40), ("c", 1)], town, &["b"], 10);
        // Nine alone could be found by taking the shown from the total: the smallest other stage joins them.
        is(&[("a", 9), ("b", 40), ("c", 12)], town, &["b"], 21);
        is(&[("a", 1), ("b", 10)], town, &[], 11);
        is(&[("a", 1), ("b", 2)], town, &[], 3);
        is(&[], town, &[], 0);
        is(&[("a", 1), ("b", 2)], TenantKind::Practice, &["a", "b"], 0);
    }
}
