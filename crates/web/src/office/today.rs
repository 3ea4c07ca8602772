//! きょうの配信: did this morning go out, in one sentence; then every number with its reason.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kizuna_domain::day::Day;
use kizuna_domain::people::SkipReason;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::addresses;
use kizuna_engine::run::{self, Report};
use kizuna_store::runs::{self, Run};
use kizuna_store::tenants;

use super::plan::{self, Message};
use super::{Here, ReasonRow, Shell, failure_words, reason_rows};
use crate::Site;
use crate::day_picker::{DayPicker, DayQuery};
use crate::error::{PageError, page};
use crate::format;
use crate::guard::{Office, Shared, blocking};

/// Letters in doubt that are listed; all of them are counted.
const DOUBTS_SHOWN: usize = 100;
/// Messages of tomorrow that are shown.
const TOMORROW_SHOWN: usize = 3;

#[derive(Template)]
#[template(path = "office/today.html")]
struct TodayPage {
    shell: Shell,
    picker: DayPicker,
    heading: &'static str,
    date: String,
    /// The day's state in one sentence, with the sign beside it.
    sentence: String,
    lead: String,
    tone: Tone,
    /// False before anything was planned.
    begun: bool,
    sent: String,
    segments: Vec<Segment>,
    skipped: Vec<ReasonRow>,
    /// True where the month's messages of an account ran short.
    ran_short: bool,
    failures: Vec<ReasonRow>,
    doubts: Vec<Doubt>,
    doubts_more: usize,
    /// Accounts through which nothing leaves now: channel and the provider's words.
    paused: Vec<(String, String)>,
    held: bool,
    /// How many addresses bounced within an hour, where that is so many that the rest waits.
    storm: Option<i64>,
    /// The day whose plan is worth a look next.
    plan_day: Day,
    plan_words: &'static str,
    /// Some of the words of tomorrow, in demo and practice: a large town's plan takes too long for a first page.
    tomorrow: Vec<Message>,
    tomorrow_messages: usize,
}

/// How a day went, as a sign with a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Waiting,
    Look,
}

/// One part of the bar.
struct Segment {
    class: &'static str,
    words: &'static str,
    number: String,
    /// Where it begins and how long it is, in thousandths of the bar.
    from: u64,
    length: u64,
}

/// A letter of which nobody knows whether it arrived.
struct Doubt {
    reader: String,
    /// Stage and series; empty where families are real.
    slot: String,
    detail: String,
}

/// Shows a day.
pub(crate) async fn get(
    State(site): State<Shared>,
    Query(query): Query<DayQuery>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, &query)).await?;
    page(StatusCode::OK, &shown)
}

fn look(site: &Site, office: &Office, query: &DayQuery) -> Result<TodayPage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let (scope, kind) = (tenant.scope(), tenant.settings.kind);
    let today = run::today(env, tenant)?;
    let chosen = query.choose(today);
    let day = chosen.day;
    let mut report = run::day_report(env, tenant, day)?;
    // A run looks only at families who may have something due, so that this count would not be everybody.
    report.skipped.remove(SkipReason::NothingToday.code());
    let (found, doubts, accounts, storm) = env.db.read(|tx| {
        let found = runs::get(tx, scope, day)?;
        let doubts = match &found {
            Some(run) if report.unknown > 0 => runs::doubts(tx, run.id)?,
            Some(_) | None => Vec::new(),
        };
        let storm = addresses::is_bounce_storm(tx, scope, env.clock.now())?;
        Ok((found, doubts, tenants::accounts(tx, &env.keys, scope)?, storm))
    })?;
    let zone = tenant.settings.zone().map_err(kizuna_engine::EngineError::from)?;
    let window = tenant.settings.window().map_err(kizuna_engine::EngineError::from)?;
    let (now, opens) = (env.clock.now(), window.opens(day, &zone));
    let (from, until) = window.texts();
    let state = Moment {
        day,
        today,
        now,
        opens,
        zone: &zone,
        hours: format!("{}から{}", hour(&from), hour(&until)),
    };
    let Telling { sentence, lead, tone } = tell(found.as_ref(), &report, &state);
    let failures = report.reasons.iter().filter(|(code, _)| code.as_str() != "unknown");
    let failures = failures.map(|(code, number)| ReasonRow {
        words: failure_words(code).to_owned(),
        families: format::families(u64::try_from(*number).unwrap_or_default(), kind),
    });
    // One row is one family: in a real town the command line lists them.
    let doubts = if kind.allows_samples() { doubts } else { Vec::new() };
    let doubts_more = doubts.len().saturating_sub(DOUBTS_SHOWN);
    let heading = if day == today {
        "きょうの配信"
    } else {
        "この日の配信"
    };
    let is_past = day < today;
    let shows_tomorrow = day == today && kind.allows_samples();
    let (tomorrow, tomorrow_messages) = if shows_tomorrow {
        plan::some(site, office, today + 1, TOMORROW_SHOWN)?
    } else {
        (Vec::new(), 0)
    };
    Ok(TodayPage {
        shell: Shell::new(office, Here::Today, heading).with_error(chosen.unreadable),
        picker: DayPicker::new(format!("/{}/today", tenant.code), chosen, today),
        heading,
        date: day.japanese(),
        sentence,
        lead,
        tone,
        begun: found.is_some(),
        sent: count(report.sent, kind),
        segments: segments(&report, kind),
        skipped: reason_rows(&report.skipped, kind),
        ran_short: report.skipped.contains_key(SkipReason::Quota.code()),
        failures: failures.collect(),
        doubts: doubts
            .into_iter()
            .take(DOUBTS_SHOWN)
            .map(|(reader, slot, detail)| Doubt {
                reader: reader.to_string(),
                slot,
                detail,
            })
            .collect(),
        doubts_more,
        paused: accounts
            .into_iter()
            .filter_map(|account| account.paused_reason.map(|reason| (account.channel, reason)))
            .collect(),
        held: report.held > 0,
        storm: storm.then_some(addresses::SUPPRESSIONS_MAX),
        plan_day: if is_past || found.is_some() { today + 1 } else { day },
        tomorrow,
        tomorrow_messages,
        plan_words: if is_past || found.is_some() {
            "あす届くことばを見る"
        } else {
            "この日に届くことばを見る"
        },
    })
}

/// A number of letters; 少数 where it could tell of one family, nothing being told by none.
fn count(number: i64, kind: TenantKind) -> String {
    match u64::try_from(number).unwrap_or_default() {
        0 => "0".to_owned(),
        few if format::is_few(few, kind) => "少数".to_owned(),
        many => format::count(many),
    }
}

/// 08:00 as staff say it: 8時, and 8時30分 where there are minutes.
fn hour(text: &str) -> String {
    let (hour, minute) = text.split_once(':').unwrap_or((text, ""));
    let hour = hour.strip_prefix('0').unwrap_or(hour);
    if minute == "00" {
        format!("{hour}時")
    } else {
        format!("{hour}時{minute}分")
    }
}

/// The moment at which a day is looked at.
struct Moment<'a> {
    day: Day,
    today: Day,
    now: Timestamp,
    opens: Timestamp,
    zone: &'a TimeZone,
    hours: String,
}

/// A day's state in words.
struct Telling {
    sentence: String,
    lead: String,
    tone: Tone,
}

fn tell(found: Option<&Run>, report: &Report, state: &Moment<'_>) -> Telling {
    let telling = |sentence: &str, lead: String, tone| Telling {
        sentence: sentence.to_owned(),
        lead,
        tone,
    };
    let Some(found) = found else {
        return match state.day.cmp(&state.today) {
            std::cmp::Ordering::Less => {
                let lead = "配信のしくみが動いていなかったか、使いはじめる前の日です。";
                telling("この日の配信の記録はありません", lead.to_owned(), Tone::Waiting)
            }
            std::cmp::Ordering::Equal => {
                let lead = format!(
                    "配信は{}までのあいだに出ます。始まると、送った数と、届けなかったわけがここに出ます。",
                    state.hours
                );
                telling("きょうの配信は、まだ始まっていません", lead, Tone::Waiting)
            }
            std::cmp::Ordering::Greater => {
                let lead = format!(
                    "この日の配信は、{}までのあいだに出ます。届くことばは、先に見られます。",
                    state.hours
                );
                telling("この日は、まだ来ていません", lead, Tone::Waiting)
            }
        };
    };
    let began = format::time(found.started_at, state.zone);
    if report.held > 0 {
        let lead = format!("{began}に始まりました。下の「止まっている配信」を確かめてください。");
        return telling("止まっている配信があります", lead, Tone::Look);
    }
    if found.planned_version.is_none() {
        return telling(
            "配信の用意をしています",
            format!("{began}に始まりました"),
            Tone::Waiting,
        );
    }
    if report.waiting > 0 {
        if state.now < state.opens {
            let lead = format!("{}になると、送りはじめます。", format::time(state.opens, state.zone));
            return telling("配信の用意ができました", lead, Tone::Waiting);
        }
        return telling(
            "いま送っています",
            format!("{began}に始まりました。数は、ページを開きなおすと新しくなります。"),
            Tone::Waiting,
        );
    }
    let lead = match found.closed_at {
        Some(closed) => format!("{began}に始まり、{}に終わりました", format::time(closed, state.zone)),
        None => format!("{began}に始まりました"),
    };
    match (report.sent, report.failed + report.unknown) {
        (0, 0) => telling("この日に届けることばは、ありませんでした", lead, Tone::Good),
        (_, 0) => telling("配信は、無事に終わりました", lead, Tone::Good),
        (_, _) => telling("配信は終わりました。確かめてほしいものがあります", lead, Tone::Look),
    }
}

/// How long a part of the bar is drawn whose number is not told.
const FEW_DRAWN: u64 = 5;

fn segments(report: &Report, kind: TenantKind) -> Vec<Segment> {
    let parts = [
        ("sent", "送りました", report.sent),
        ("waiting", "待っている", report.waiting),
        ("held", "止まっている", report.held),
        ("doubt", "送れたかわからない", report.unknown),
        ("failed", "送れなかった", report.failed),
    ];
    let drawn = |number: i64| match u64::try_from(number).unwrap_or_default() {
        0 => 0,
        few if format::is_few(few, kind) => FEW_DRAWN,
        many => many,
    };
    let whole: u64 = parts.iter().map(|(_, _, number)| drawn(*number)).sum();
    let mut from = 0;
    let mut segments = Vec::new();
    for (class, words, number) in parts {
        let drawn = drawn(number);
        if drawn == 0 && class != "sent" {
            continue;
        }
        // At least a line that can be seen.
        let length = if drawn == 0 { 0 } else { (drawn * 1_000 / whole).max(6) };
        segments.push(Segment {
            class,
            words,
            number: count(number, kind),
            from,
            length,
        });
        from += length;
    }
    segments
}
