//! Will this month's messages last? The plan of the days to come, counted, beside what LINE says was used.

use kizuna_channels::line::Month;
use kizuna_domain::day::Day;
use kizuna_domain::ids::AccountId;
use kizuna_domain::people::Reach;
use kizuna_domain::run::plan::judge;
use kizuna_store::runs;
use kizuna_store::tenants::Tenant;

use crate::env::Env;
use crate::error::EngineError;
use crate::{menus, programme, run, walk};

/// Families that are judged for one forecast: a few seconds of work. Days beyond are taken to be like those before.
const FAMILIES_MAX: usize = 200_000;

/// Letters that will leave on the days that are left of the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Each day from today to the last of the month, with its letters.
    pub days: Vec<(Day, u64)>,
    /// False where the last days were not counted but taken to be like those before.
    pub is_counted: bool,
}

impl Forecast {
    /// Letters until the end of the month.
    pub fn letters(&self) -> u64 {
        self.days.iter().map(|(_, letters)| letters).sum()
    }

    /// The first day on which letters leave that neither the plan nor the reserve has messages for.
    ///
    /// ```
    /// # use kizuna_domain::day::Day;
    /// # use kizuna_engine::month::Forecast;
    /// let day = |day| Day::new(2026, 11, day).unwrap();
    /// let forecast = Forecast { days: vec![(day(28), 40), (day(29), 40), (day(30), 40)], is_counted: true };
    /// assert_eq!(forecast.short_on(Some(1_000), 880, 0), None);
    /// assert_eq!(forecast.short_on(Some(1_000), 881, 0), Some(day(30)));
    /// assert_eq!(forecast.short_on(Some(1_000), 800, 100), Some(day(30)));
    /// assert_eq!(forecast.short_on(Some(1_000), 1_200, 0), Some(day(28)));
    /// assert_eq!(forecast.short_on(None, 1_200, 100), None);
    /// ```
    pub fn short_on(&self, limit: Option<u64>, used: u64, reserve: u64) -> Option<Day> {
        let mut left = limit?.saturating_sub(used).saturating_sub(reserve);
        for (day, letters) in &self.days {
            if *letters > left {
                return Some(*day);
            }
            left -= letters;
        }
        None
    }
}

/// Letters that an account is to carry until the end of the month, from the planner's own walk and judgement.
///
/// The ledger is not asked, so that a letter which came early in the month is counted once too often.
pub fn forecast(env: &Env, tenant: &Tenant, account: AccountId) -> Result<Forecast, EngineError> {
    let today = run::today(env, tenant)?;
    let loaded = env.db.read(|tx| programme::load(tx, tenant))?;
    let started = env.db.read(|tx| runs::get(tx, tenant.scope(), today))?;
    let mut days = Vec::new();
    let mut judged = 0;
    if started.is_some_and(|run| run.planned_version.is_some()) {
        // What has left is among LINE's own count.
        let waiting = run::day_report(env, tenant, today)?.waiting;
        days.push((today, u64::try_from(waiting).unwrap_or_default()));
    } else {
        days.push((today, letters(env, tenant, &loaded, account, today, &mut judged)?));
    }
    let mut day = today + 1;
    while day.month() == today.month() && judged < FAMILIES_MAX {
        days.push((day, letters(env, tenant, &loaded, account, day, &mut judged)?));
        day = day + 1;
    }
    let is_counted = day.month() != today.month();
    let counted = days.iter().skip(1).map(|(_, letters)| letters).sum::<u64>();
    let usual = counted.div_ceil((days.len() as u64).saturating_sub(1).max(1));
    while day.month() == today.month() {
        days.push((day, usual));
        day = day + 1;
    }
    Ok(Forecast { days, is_counted })
}

/// Letters of one day: a reader with several children gets one.
fn letters(
    env: &Env,
    tenant: &Tenant,
    loaded: &programme::Loaded,
    account: AccountId,
    day: Day,
    judged: &mut usize,
) -> Result<u64, EngineError> {
    let mut letters = 0;
    walk::readers(env, tenant, &loaded.programme, day, &[], &mut |families| {
        *judged += families.len();
        let due = families.iter().filter(|family| {
            family.iter().any(|follower| {
                matches!(follower.reach, Reach::At { account: by, .. } if by == account)
                    && !judge(&loaded.programme, day, &[], follower).due.is_empty()
            })
        });
        letters += due.count() as u64;
        Ok(())
    })?;
    Ok(letters)
}

/// The month of a LINE account: what LINE says, and what is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Limit and use, as LINE counts them.
    pub month: Month,
    /// Messages kept for emergencies.
    pub reserve: u64,
    /// What is still to come.
    pub forecast: Forecast,
}

impl Outlook {
    /// The first day on which messages run short, if they do.
    pub fn short_on(&self) -> Option<Day> {
        self.forecast.short_on(self.month.limit, self.month.used, self.reserve)
    }
}

/// The month of the tenant's LINE account; `None` where there is no account that LINE could be asked about.
///
/// `known` is what LINE said just now, where it was asked; else LINE is asked once, in a hurry.
pub fn outlook(env: &Env, tenant: &Tenant, known: Option<Month>) -> Result<Option<Outlook>, EngineError> {
    let Some(account) = menus::account(env, tenant)? else {
        return Ok(None);
    };
    let month = match known {
        Some(month) => month,
        None => menus::client(env, tenant)?.hurried().month()?,
    };
    let reserve = account
        .settings
        .get("reserve")
        .and_then(|text| text.trim().parse().ok());
    Ok(Some(Outlook {
        month,
        reserve: reserve.unwrap_or_default(),
        forecast: forecast(env, tenant, account.id)?,
    }))
}
