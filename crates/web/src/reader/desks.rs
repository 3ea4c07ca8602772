//! 相談先: whom to call, and whether somebody answers now. For anybody, without a link of one's own.

use std::ops::Deref;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::DateTime;
use kizuna_domain::content::Desk;
use kizuna_domain::day::Day;
use kizuna_domain::opening::{Hours, Opening};
use kizuna_store::tenants::{self, Tenant};

use super::Frame;
use crate::Site;
use crate::error::{PageError, page};
use crate::format::weekday_easy;
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// Desks as a list with numbers to dial.
#[derive(Template, Default)]
#[template(path = "parts/desks.html")]
pub(crate) struct Desks {
    pub(crate) desks: Vec<OpenDesk>,
}

impl HtmlSafe for Desks {}

impl Desks {
    /// The desks that every message of a tenant ends with.
    pub(crate) fn of(site: &Site, tenant: &Tenant, language: Language) -> Result<Desks, PageError> {
        let mut desks = site.env.db.read(|tx| tenants::desks(tx, tenant.scope()))?;
        desks.retain(|desk| desk.default);
        Ok(Desks {
            desks: open_now(site, tenant, desks, language)?,
        })
    }
}

/// A desk with what it is at this moment.
pub(crate) struct OpenDesk {
    desk: Desk,
    /// Whether somebody answers now and the sentence that says so; none where its hours are only words.
    now: Option<(bool, String)>,
    /// Code of the language of that sentence.
    tag: &'static str,
}

impl Deref for OpenDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// Desks with whether somebody answers now, said in the language of the page; all else about them is the town's.
pub(crate) fn open_now(
    site: &Site,
    tenant: &Tenant,
    desks: Vec<Desk>,
    language: Language,
) -> Result<Vec<OpenDesk>, PageError> {
    let zone = tenant.settings.zone().map_err(kizuna_engine::EngineError::from)?;
    let now = site.env.clock.now();
    let today = Day::of(now, &zone);
    let told = |desk: Desk| OpenDesk {
        now: Hours::of(&desk).map(|hours| sentence(hours.state(now, &zone), today, language)),
        tag: language.tag(),
        desk,
    };
    Ok(desks.into_iter().map(told).collect())
}

/// What a desk is now, said to people.
fn sentence(state: Opening, today: Day, language: Language) -> (bool, String) {
    let words = language.pick(&JA, &EASY, &EN);
    let at = |moment: DateTime| moment_words(moment, today, language);
    match state {
        Opening::Open { until: Some(until) } => (true, words.open_until.replace("{at}", &at(until))),
        Opening::Open { until: None } => (true, words.open.to_owned()),
        Opening::Closed { next: Some(next) } => (false, words.closed_until.replace("{at}", &at(next))),
        Opening::Closed { next: None } => (false, words.closed.to_owned()),
    }
}

/// A moment as somebody says it today: 17:15, あした 8:30, 11月24日（火）8:30.
fn moment_words(moment: DateTime, today: Day, language: Language) -> String {
    let (day, time) = (Day::from_date(moment.date()), moment.time());
    let clock = format!("{}:{:02}", time.hour(), time.minute());
    let words = language.pick(&JA, &EASY, &EN);
    match day - today {
        0 => clock,
        1 => format!("{} {clock}", words.tomorrow),
        _ => match language {
            Language::Ja => {
                let weekday = day.weekday_ja();
                format!("{}月{}日（{weekday}）{clock}", day.month(), day.day_of_month())
            }
            Language::Easy => {
                let (month, date) = (day.month(), day.day_of_month());
                format!("{month}/{date}（{}）{clock}", weekday_easy(day))
            }
            Language::En => moment.strftime("%a %-d %b, %-H:%M").to_string(),
        },
    }
}

#[derive(Template)]
#[template(path = "reader/desks.html")]
struct DesksPage {
    frame: Frame,
    words: &'static Words,
    desks: Vec<OpenDesk>,
}

/// Shows every desk of the town.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let mut desks = site.env.db.read(|tx| tenants::desks(tx, tenant.scope()))?;
        desks.sort_by_key(|desk| !desk.default);
        Ok(DesksPage {
            words: language.pick(&JA, &EASY, &EN),
            desks: open_now(site, &tenant, desks, language)?,
            frame: Frame::new(&tenant, language),
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}

struct Words {
    title: &'static str,
    lead: &'static str,
    urgent: &'static str,
    none: &'static str,
    web: &'static str,
    open: &'static str,
    open_until: &'static str,
    closed: &'static str,
    closed_until: &'static str,
    tomorrow: &'static str,
}

static JA: Words = Words {
    title: "相談先",
    lead: "名前を言わなくても、だいじょうぶです。迷ったら、いちばん上へどうぞ。",
    urgent: "命にかかわると思ったら 119 へ。",
    none: "お住まいの市区町村の、健康や子育ての窓口に電話してください。",
    web: "くわしいページ",
    open: "いま ひらいています（24時間）",
    open_until: "いま ひらいています（{at}まで）",
    closed: "いまは しまっています。",
    closed_until: "いまは しまっています。\nつぎは {at}から",
    tomorrow: "あした",
};

static EASY: Words = Words {
    title: "｜相談《そうだん》できる ところ",
    lead: "｜名前《なまえ》を ｜言《い》わなくても いいです。わからない ときは、いちばん ｜上《うえ》に ｜電話《でんわ》してください。",
    urgent: "とても あぶない ときは 119 に ｜電話《でんわ》してください。",
    none: "｜住《す》んでいる まちの ｜役所《やくしょ》に ｜電話《でんわ》してください。",
    web: "くわしい ページ",
    open: "いま あいています（24｜時間《じかん》）",
    open_until: "いま あいています（{at}まで）",
    closed: "いまは しまっています。",
    closed_until: "いまは しまっています。\nつぎは {at}から",
    tomorrow: "あした",
};

static EN: Words = Words {
    title: "Where to ask",
    lead: "You need not give your name. If you are not sure, call the first one.",
    urgent: "If a life may be in danger, call 119.",
    none: "Please call the health or family desk of your city or town.",
    web: "More about it",
    open: "Open now, around the clock",
    open_until: "Open now, until {at}",
    closed: "Closed now.",
    closed_until: "Closed now.\nOpens {at}",
    tomorrow: "tomorrow",
};
