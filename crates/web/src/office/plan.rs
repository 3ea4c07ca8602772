//! あすの配信: what each stage will read, before anything is sent, from the same planner that sends.

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
    messages: String,
    empty: bool,
    groups: Vec<Group>,
    skipped: Vec<ReasonRow>,
    missing: Vec<String>,
    pager: Pager,
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
    let readings = ordered(preview.readings);
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
        letters: format::families(preview.letters, kind),
        messages: format::count(messages as u64),
        empty: messages == 0,
        groups: groups.into_iter().filter(|group| !group.messages.is_empty()).collect(),
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
