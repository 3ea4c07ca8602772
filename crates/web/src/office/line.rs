//! LINEをつなぐ: the account, what is right and wrong with it and where to click, and whether the month's messages last.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::TenantId;
use kizuna_engine::EngineError;
use kizuna_engine::actions::line::{self, Connection, SECRETS, SETTINGS};
use kizuna_engine::line_check::{self, Finding, Known, Look, Mark, channel_name, setting_name};
use kizuna_engine::month::{self, Outlook};

use super::{Here, Shell};
use crate::Site;
use crate::error::{PageError, page};
use crate::format;
use crate::guard::{Office, Shared, blocking};

/// A month's outlook is shown this long before LINE is asked again.
const OUTLOOK_AGE: SignedDuration = SignedDuration::from_mins(5);

/// What the pages remember of LINE until the process ends: one look and one outlook for each tenant.
#[derive(Debug, Default)]
pub(crate) struct LineMemory {
    looks: Mutex<HashMap<TenantId, Look>>,
    outlooks: Mutex<HashMap<TenantId, (Timestamp, Option<Outlook>)>>,
}

impl LineMemory {
    fn look(&self, tenant: TenantId) -> Option<Look> {
        let looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&tenant).cloned()
    }

    fn keep(&self, tenant: TenantId, look: Look) {
        self.forget(tenant);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        looks.insert(tenant, look);
    }

    fn forget(&self, tenant: TenantId) {
        let mut outlooks = self.outlooks.lock().unwrap_or_else(PoisonError::into_inner);
        outlooks.remove(&tenant);
    }

    /// The outlook of lately, or a new one. Where LINE cannot be asked there is none.
    fn outlook(&self, site: &Site, office: &Office, look: Option<&Look>) -> Result<Option<Outlook>, PageError> {
        let (env, tenant) = (&site.env, &office.tenant);
        let now = env.clock.now();
        let lately = {
            let outlooks = self.outlooks.lock().unwrap_or_else(PoisonError::into_inner);
            outlooks.get(&tenant.id).cloned()
        };
        if let Some((at, outlook)) = lately
            && now.duration_since(at) < OUTLOOK_AGE
        {
            return Ok(outlook);
        }
        let known = look
            .filter(|look| now.duration_since(look.at) < OUTLOOK_AGE)
            .and_then(|look| look.month.as_ref()?.as_ref().ok().copied());
        let outlook = match month::outlook(env, tenant, known) {
            Ok(outlook) => outlook,
            Err(EngineError::Line(_) | EngineError::Rule(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let mut outlooks = self.outlooks.lock().unwrap_or_else(PoisonError::into_inner);
        outlooks.insert(tenant.id, (now, outlook.clone()));
        Ok(outlook)
    }
}

#[derive(Template)]
#[template(path = "office/line.html")]
struct LinePage {
    shell: Shell,
    tab: Tab,
    /// What could not be done just now.
    trouble: String,
    is_connected: bool,
    is_guest: bool,
    checked: String,
    wrong: usize,
    findings: Vec<Row>,
    month: Option<MonthCard>,
    form: Fields,
}

/// The pages about LINE.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Account,
    Menus,
    Guest,
}

/// A finding as a line.
struct Row {
    mark: Mark,
    found: String,
    todo: String,
    mends_itself: bool,
}

impl From<Finding> for Row {
    fn from(finding: Finding) -> Row {
        Row {
            mark: finding.mark,
            found: finding.ja,
            todo: finding.todo,
            mends_itself: finding.mends_itself,
        }
    }
}

/// The month in numbers.
struct MonthCard {
    name: String,
    sentence: String,
    is_short: bool,
    used: String,
    limit: Option<String>,
    reserve: String,
    expected: String,
    is_counted: bool,
    /// Begin and length of the parts of the bar, in thousandths.
    parts: Vec<(&'static str, u64, u64)>,
}

/// The form's fields: what was typed or is stored, and what is wrong with it.
struct Fields {
    values: BTreeMap<String, String>,
    saved: Vec<&'static str>,
    wrong: Vec<(String, String)>,
    /// Other channels of the tenant, as an order to fall back to: words and name.
    fallbacks: Vec<(String, String)>,
}

impl Fields {
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn error(&self, name: &str) -> Option<&str> {
        let found = self.wrong.iter().find(|(field, _)| field == name);
        found.map(|(_, words)| words.as_str())
    }

    fn is_saved(&self, name: &str) -> bool {
        self.saved.contains(&name)
    }

    /// True where the fields for shared accounts are of use or wrong.
    fn shares(&self) -> bool {
        let rare = [
            "login_channel_id",
            "login_secret",
            "liff_id",
            "forward_url",
            "forward_secret",
        ];
        self.value("mode") == "guest"
            || rare
                .iter()
                .any(|name| self.error(name).is_some() || !self.value(name).is_empty())
    }
}

/// Shows the page.
pub(crate) async fn get(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| look(site, &office, None, String::new())).await?;
    page(StatusCode::OK, &shown)
}

/// Connects, and looks at once whether it works.
pub(crate) async fn post(
    State(site): State<Shared>,
    office: Office,
    Form(typed): Form<BTreeMap<String, String>>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let (env, tenant) = (&site.env, &office.tenant);
        let pick = |names: &[&str]| {
            let pairs = names.iter().filter_map(|name| typed.get_key_value(*name));
            pairs.map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let form = Connection {
            settings: pick(SETTINGS),
            secrets: pick(SECRETS),
        };
        let problems = line::connect(env, tenant, &form, office.actor())?;
        if problems.is_empty() {
            return ask(site, &office);
        }
        let wrong = problems.into_iter().map(|problem| {
            (
                problem.setting.to_owned(),
                format!("{}：{}", setting_name(problem.setting), problem.ja),
            )
        });
        let shown = look(site, &office, Some((form, wrong.collect())), String::new())?;
        page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
    })
    .await
}

/// Looks at LINE anew.
pub(crate) async fn check(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    blocking(&site, move |site| ask(site, &office)).await
}

/// Registers our address at LINE, then looks whether it works.
pub(crate) async fn register_webhook(State(site): State<Shared>, office: Office) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        match line::register_webhook(&site.env, &office.tenant, office.actor()) {
            Ok(()) => ask(site, &office),
            Err(error @ (EngineError::Line(_) | EngineError::NoAccount(_) | EngineError::Rule(_))) => {
                let shown = look(site, &office, None, line_check::trouble(&error))?;
                page(StatusCode::BAD_GATEWAY, &shown)
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}

fn ask(site: &Site, office: &Office) -> Result<Response, PageError> {
    let tenant = &office.tenant;
    let before = site.line.look(tenant.id);
    match line_check::look(&site.env, tenant, before.as_ref()) {
        Ok(look) => site.line.keep(tenant.id, look),
        // The page says what is missing.
        Err(EngineError::NoAccount(_) | EngineError::Rule(_)) => site.line.forget(tenant.id),
        Err(error) => return Err(error.into()),
    }
    Ok(Redirect::to(&format!("/{}/line#check", tenant.code)).into_response())
}

/// What was typed, with what is wrong with it.
type Typed = (Connection, Vec<(String, String)>);

fn look(site: &Site, office: &Office, typed: Option<Typed>, trouble: String) -> Result<LinePage, PageError> {
    let (env, tenant) = (&site.env, &office.tenant);
    let known = Known {
        look: site.line.look(tenant.id),
        ..line_check::known(env, tenant)?
    };
    let zone = tenant.settings.zone().map_err(EngineError::from)?;
    let checked = known.look.as_ref().map_or(String::new(), |look| {
        let day = kizuna_domain::day::Day::of(look.at, &zone);
        format!("{} {}", day.japanese(), format::time(look.at, &zone))
    });
    let findings: Vec<Row> = line_check::findings(&known).into_iter().map(Row::from).collect();
    let usable = known.account.is_some() && known.problems.is_empty();
    let outlook = if usable {
        site.line.outlook(site, office, known.look.as_ref())?
    } else {
        None
    };
    let form = fields(&known, typed);
    let is_wrong = !form.wrong.is_empty() || !trouble.is_empty();
    Ok(LinePage {
        shell: Shell::new(office, Here::Line, "LINEをつなぐ").with_error(is_wrong),
        tab: Tab::Account,
        trouble,
        is_connected: known.account.is_some(),
        is_guest: form.value("mode") == "guest",
        checked,
        wrong: findings.iter().filter(|row| row.mark == Mark::Wrong).count(),
        findings,
        month: outlook.map(|outlook| month_card(&outlook, form.value("fallback"))),
        form,
    })
}

fn fields(known: &Known, typed: Option<Typed>) -> Fields {
    let account = known.account.as_ref();
    let saved = SECRETS
        .iter()
        .copied()
        .filter(|name| account.is_some_and(|account| account.secrets.contains_key(*name)));
    let saved = saved.collect();
    let stored = account.map(|account| account.settings.clone()).unwrap_or_default();
    let (values, wrong) = match typed {
        // Credentials are never shown again, not even those that were just typed.
        Some((form, wrong)) => (form.settings, wrong),
        None => (stored, Vec::new()),
    };
    let others = known.channels.iter().filter(|channel| *channel != "line");
    let mut fallbacks: Vec<(String, String)> = others
        .map(|channel| (channel.clone(), channel_name(channel).to_owned()))
        .collect();
    let chosen = values.get("fallback").cloned().unwrap_or_default();
    if !chosen.is_empty() && !fallbacks.iter().any(|(words, _)| *words == chosen) {
        let names = order(&chosen);
        fallbacks.push((chosen, names));
    }
    Fields {
        values,
        saved,
        wrong,
        fallbacks,
    }
}

/// An order of channels in words: メール → 別の手段.
fn order(fallback: &str) -> String {
    let words = fallback.split(|c: char| c.is_whitespace() || c == ',');
    let names: Vec<&str> = words.filter(|word| !word.is_empty()).map(channel_name).collect();
    names.join(" → ")
}

fn month_card(outlook: &Outlook, fallback: &str) -> MonthCard {
    let Outlook {
        month,
        reserve,
        forecast,
    } = outlook;
    let expected = forecast.letters();
    let about = if forecast.is_counted { "" } else { "およそ" };
    let rest = format::count(expected);
    let short = outlook.short_on();
    let sentence = match (month.limit, short) {
        (None, _) => format!("月末までに、{about}あと{rest}通送ります。通数に上限はありません。"),
        (Some(limit), None) => {
            let left = limit.saturating_sub(month.used).saturating_sub(*reserve);
            format!(
                "月末までに、{about}あと{rest}通送ります。使える残りは{}通なので、足ります。",
                format::count(left)
            )
        }
        (Some(_), Some(day)) => {
            let then = match order(fallback) {
                names if names.is_empty() => "そのあとは送らずに、見合わせた数を記録します。".to_owned(),
                names => format!("そのあとは、{names} で送ります（下で決めた順）。"),
            };
            format!("このままだと、{}日に足りなくなります。{then}", day.day_of_month())
        }
    };
    let whole = month
        .limit
        .unwrap_or_default()
        .max(month.used + expected + reserve)
        .max(1);
    let mut from = 0;
    let mut parts = Vec::new();
    for (class, number) in [("sent", month.used), ("waiting", expected), ("held", *reserve)] {
        let length = number.saturating_mul(1_000) / whole;
        parts.push((class, from, length));
        from += length;
    }
    let first = forecast.days.first().map_or(0, |(day, _)| day.month());
    MonthCard {
        name: format!("{first}月の通数"),
        sentence,
        is_short: short.is_some(),
        used: format::count(month.used),
        limit: month.limit.map(format::count),
        reserve: format::count(*reserve),
        expected: rest,
        is_counted: forecast.is_counted,
        parts,
    }
}
