//! 登録: one date, looked at once, registered with one press. The ticket in the address is the permission.
//!
//! The date is in the body of a form and never in an address. Looking changes nothing; registering uses the ticket up,
//! so that two presses register once.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::day::Day;
use kizuna_domain::people::{Follower, Reach, Relation, SkipReason, SubscriptionState};
use kizuna_domain::position::{Anchor, stage_label};
use kizuna_domain::registration::{self, DateProblem, Situation};
use kizuna_engine::actions::registration::{Registration, register};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::{explain, run};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{line, people, runs};
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, ends, sentence};
use super::own_words::CONSENT_WORDING;
use super::{Closed, Desks, Frame, OwnWords, closed, day_words, desks, show_menu};
use crate::Site;
use crate::bubble::Bubble;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    step: String,
    kind: String,
    due_y: String,
    due_m: String,
    due_d: String,
    birth_y: String,
    birth_m: String,
    birth_d: String,
    who: String,
}

/// Codes of the relations, in the order of their words.
const WHO: [(&str, Relation); 4] = [
    ("mother", Relation::Mother),
    ("partner", Relation::Partner),
    ("grandparent", Relation::Grandparent),
    ("other", Relation::Other),
];

impl Entry {
    /// The form before anything was chosen: the likely years.
    fn fresh(today: Day) -> Entry {
        let likely = today + kizuna_domain::age::DUE_AT / 2;
        Entry {
            kind: "pregnant".to_owned(),
            due_y: likely.year().to_string(),
            birth_y: today.year().to_string(),
            ..Entry::default()
        }
    }

    fn situation(&self) -> Option<Situation> {
        match self.kind.as_str() {
            "pregnant" => Some(Situation::Pregnant),
            "raising" => Some(Situation::Raising),
            _ => None,
        }
    }

    fn due(&self) -> Parts {
        Parts {
            year: self.due_y.clone(),
            month: self.due_m.clone(),
            day: self.due_d.clone(),
        }
    }

    fn birth(&self) -> Parts {
        Parts {
            year: self.birth_y.clone(),
            month: self.birth_m.clone(),
            day: self.birth_d.clone(),
        }
    }

    fn anchor(&self, situation: Situation, tenant: &Tenant, today: Day) -> Result<Anchor, DateProblem> {
        let parts = match situation {
            Situation::Pregnant => self.due(),
            Situation::Raising => self.birth(),
        };
        registration::anchor(situation, parts.read()?, today, ends(tenant), &tenant.settings.customs)
    }

    fn relation(&self) -> Relation {
        let chosen = WHO.iter().find(|(code, _)| *code == self.who);
        chosen.map_or(Relation::Unsaid, |(_, relation)| *relation)
    }
}

/// One of the answers to あなたは.
struct Who {
    code: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reader/register.html")]
struct RegisterPage {
    frame: Frame,
    words: &'static OwnWords,
    action: String,
    /// What is wrong, with the id of the field to go to.
    problem: Option<(String, &'static str)>,
    is_pregnant: bool,
    is_raising: bool,
    due: DateField,
    birth: DateField,
    who: Vec<Who>,
    desks: Desks,
}

#[derive(Template)]
#[template(path = "reader/register_look.html")]
struct LookPage {
    frame: Frame,
    words: &'static OwnWords,
    action: String,
    entry: Entry,
    stage: String,
    legend: &'static str,
    date: String,
    past_due: bool,
}

#[derive(Template)]
#[template(path = "reader/registered.html")]
struct DonePage {
    frame: Frame,
    words: &'static OwnWords,
    stage: String,
    next: String,
    befriend: Option<String>,
    needs_friend: bool,
    first: Option<Bubble>,
    desks: Desks,
}

/// A ticket in an address, before it is known what it is worth.
type Token = Path<(String, String)>;

/// Shows the form; looking uses nothing up.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| match open(site, &tenant, &token)? {
        Shown::Good(_) => {
            let today = run::today(&site.env, &tenant)?;
            form(site, &tenant, language, &token, today, &Entry::fresh(today), None)
        }
        Shown::Used(_) => closed(site, &tenant, language, Closed::Used),
        Shown::Nothing => closed(site, &tenant, language, Closed::Gone),
    })
    .await
}

/// Shows what was entered and where the family stands today, or registers.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let pass = match open(site, &tenant, &token)? {
            Shown::Good(pass) => pass,
            // The second of two presses sees what the first one did.
            Shown::Used(_) if entry.step == "register" => return Ok(to_done(&tenant, language, &token)),
            Shown::Used(_) => return closed(site, &tenant, language, Closed::Used),
            Shown::Nothing => return closed(site, &tenant, language, Closed::Gone),
        };
        let today = run::today(&site.env, &tenant)?;
        let again = |problem| form(site, &tenant, language, &token, today, &entry, problem);
        let Some(situation) = entry.situation() else {
            return again(Some(Problem::Kind));
        };
        let anchor = match entry.anchor(situation, &tenant, today) {
            Ok(anchor) => anchor,
            Err(problem) => return again(Some(Problem::Date(situation, problem))),
        };
        match entry.step.as_str() {
            "edit" => again(None),
            "register" => {
                let new = Registration {
                    anchor,
                    relation: entry.relation(),
                    language: "ja",
                    wording: CONSENT_WORDING,
                };
                register(&site.env, &tenant, &pass, &new)?;
                show_menu(site, &tenant, &pass);
                Ok(to_done(&tenant, language, &token))
            }
            _ => look(&tenant, language, &token, today, entry, &anchor),
        }
    })
    .await
}

/// Says that it is done, where the family stands, and what comes when.
pub(crate) async fn done(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| match open(site, &tenant, &token)? {
        Shown::Used(pass) => registered(site, &tenant, language, &pass),
        Shown::Good(_) => Ok(Redirect::to(&address(&tenant, language, &token)).into_response()),
        Shown::Nothing => closed(site, &tenant, language, Closed::Gone),
    })
    .await
}

fn open(site: &Site, tenant: &Tenant, token: &str) -> Result<Shown, PageError> {
    Ok(identity::show(&site.env, tenant.scope(), Purpose::Register, token)?)
}

fn address(tenant: &Tenant, language: Language, token: &str) -> String {
    format!("/{}/register/line/{token}{}", tenant.code, language.query())
}

fn to_done(tenant: &Tenant, language: Language, token: &str) -> Response {
    let page = format!("/{}/register/line/{token}/done{}", tenant.code, language.query());
    Redirect::to(&page).into_response()
}

/// What is wrong with a form.
#[derive(Clone, Copy)]
enum Problem {
    Kind,
    Date(Situation, DateProblem),
}

fn form(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    token: &str,
    today: Day,
    entry: &Entry,
    problem: Option<Problem>,
) -> Result<Response, PageError> {
    let words = OwnWords::of(language);
    let of = |situation| match problem {
        Some(Problem::Date(found, problem)) if found == situation => Some(problem),
        Some(Problem::Date(..) | Problem::Kind) | None => None,
    };
    let field = |asked: Asked, parts: &Parts| {
        let problem = of(asked.situation);
        DateField::new(&asked, tenant, language, today, parts, problem)
    };
    let summary = problem.map(|problem| match problem {
        Problem::Kind => (words.no_kind.to_owned(), "pregnant"),
        Problem::Date(situation, problem) => {
            let target = match situation {
                Situation::Pregnant => "due_d",
                Situation::Raising => "birth_d",
            };
            (sentence(problem, situation, tenant, language), target)
        }
    });
    let status = if summary.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let who = WHO.iter().zip(words.who).map(|((code, _), label)| Who {
        code,
        label,
        chosen: entry.who == *code,
    });
    let due = Asked {
        name: "due",
        class: "for-pregnant",
        situation: Situation::Pregnant,
    };
    let birth = Asked {
        name: "birth",
        class: "for-raising",
        situation: Situation::Raising,
    };
    let shown = RegisterPage {
        frame: Frame::new(tenant, language),
        words,
        action: address(tenant, language, token),
        problem: summary,
        is_pregnant: entry.situation() == Some(Situation::Pregnant),
        is_raising: entry.situation() == Some(Situation::Raising),
        due: field(due, &entry.due()),
        birth: field(birth, &entry.birth()),
        who: who.collect(),
        desks: Desks {
            desks: desks(site, tenant)?,
        },
    };
    page(status, &shown)
}

fn look(
    tenant: &Tenant,
    language: Language,
    token: &str,
    today: Day,
    entry: Entry,
    anchor: &Anchor,
) -> Result<Response, PageError> {
    let words = OwnWords::of(language);
    let (legend, date) = match anchor {
        Anchor::Due(due) => (words.due_legend, *due),
        Anchor::Birth { on, .. } => (words.birth_legend, *on),
    };
    let shown = LookPage {
        frame: Frame::new(tenant, language),
        words,
        action: address(tenant, language, token),
        stage: stage_label(anchor, today, &tenant.settings.customs),
        legend,
        date: day_words(date, language),
        past_due: matches!(anchor, Anchor::Due(due) if *due < today),
        entry,
    };
    page(StatusCode::OK, &shown)
}

fn registered(site: &Site, tenant: &Tenant, language: Language, pass: &Pass) -> Result<Response, PageError> {
    let words = OwnWords::of(language);
    let user = identity::line_user(pass)?;
    let scope = tenant.scope();
    let (following, basic_id) = site.env.db.read(|tx| {
        let following = match line::point(tx, &site.env.keys, scope, user)? {
            Some(point) => people::of_subscriber(tx, &site.env.keys, scope, point.subscriber)?,
            None => Vec::new(),
        };
        let account = tenants::account(tx, &site.env.keys, scope, line::CHANNEL)?;
        Ok((
            following,
            account.and_then(|mut account| account.settings.remove("basic_id")),
        ))
    })?;
    // The newest, whose number is the highest.
    let Some(follower) = following.last() else {
        return closed(site, tenant, language, Closed::Used);
    };
    let today = run::today(&site.env, tenant)?;
    let (next, first) = next(site, tenant, language, today, follower)?;
    let needs_friend = follower.reach == Reach::Silent(SkipReason::Blocked);
    let shown = DonePage {
        frame: Frame::new(tenant, language),
        words,
        stage: stage_label(&follower.anchor, today, &tenant.settings.customs),
        next: if needs_friend { String::new() } else { next },
        befriend: basic_id
            .filter(|_| needs_friend)
            .map(|id| format!("https://line.me/R/ti/p/%40{}", id.trim_start_matches('@'))),
        needs_friend,
        first: first.map(Bubble::without_desks),
        desks: Desks {
            desks: desks(site, tenant)?,
        },
    };
    page(StatusCode::OK, &shown)
}

/// When the next message comes, in words, and what it says.
fn next(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    today: Day,
    follower: &Follower,
) -> Result<(String, Option<kizuna_domain::message::Draft>), PageError> {
    let words = OwnWords::of(language);
    if follower.state == SubscriptionState::Paused {
        return Ok((words.paused_now.to_owned(), None));
    }
    let now = site.env.clock.now();
    let zone = tenant.settings.zone().map_err(kizuna_engine::EngineError::from)?;
    let window = tenant
        .settings
        .window_of(follower.hour)
        .map_err(kizuna_engine::EngineError::from)?;
    let had_today = site
        .env
        .db
        .read(|tx| runs::of_subscription(tx, tenant.scope(), follower.subscription, today))?;
    let had_today = had_today
        .iter()
        .any(|delivery| delivery.passed || delivery.outcome.is_some());
    let ended = had_today || now >= window.closes(today, &zone);
    let from = follower.from_on().max(if ended { today + 1 } else { today });
    let Some(ahead) = explain::ahead(&site.env, tenant, follower, from)? else {
        return Ok((words.next_none.to_owned(), None));
    };
    let time = time_words(&window.texts().0, language);
    let sentence = if ahead.on == today && now >= window.opens(today, &zone) {
        words.next_now
    } else if ahead.on == today {
        words.next_today
    } else if ahead.on == today + 1 {
        words.next_tomorrow
    } else {
        words.next_later
    };
    let sentence = sentence
        .replace("{time}", &time)
        .replace("{day}", &day_words(ahead.on, language));
    Ok((sentence, Some(ahead.draft)))
}

/// `08:00` as people say it: 朝8時.
pub(super) fn time_words(time: &str, language: Language) -> String {
    let (hour, minute) = time.split_once(':').unwrap_or((time, "00"));
    let hour: u8 = hour.parse().unwrap_or_default();
    let is_morning = (4..11).contains(&hour);
    match language {
        Language::En => format!("{hour}:{minute}"),
        Language::Ja => {
            let part = if is_morning { "朝" } else { "" };
            let minute = if minute == "00" {
                String::new()
            } else {
                format!("{minute}分")
            };
            format!("{part}{hour}時{minute}")
        }
        Language::Easy => {
            let part = if is_morning { "｜朝《あさ》" } else { "" };
            let minute = match minute {
                "00" => String::new(),
                minute if minute.ends_with(['2', '5', '7', '9']) => format!("{minute}｜分《ふん》"),
                minute => format!("{minute}｜分《ぷん》"),
            };
            format!("{part}{hour}｜時《じ》{minute}")
        }
    }
}
