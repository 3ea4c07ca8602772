//! One run: plan every tenant's day, carry what is due, say what became of it.

use std::collections::BTreeMap;

use kizuna_domain::day::Day;
use kizuna_domain::people::SkipReason;
use kizuna_store::runs::{RunTally, Tally};
use kizuna_store::tenants::Tenant;
use kizuna_store::{runs, tenants};
use serde::Serialize;

use crate::dispatch::{self, Watch};
use crate::env::Env;
use crate::error::EngineError;
use crate::planner::{self, Hours, Planned};
use crate::witness;

/// What became of one tenant's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Code of the tenant.
    pub tenant: String,
    /// The day.
    pub day: Day,
    /// Letters taken by providers.
    pub sent: i64,
    /// Who got nothing, by reason.
    pub skipped: BTreeMap<String, i64>,
    /// Letters refused for good or expired.
    pub failed: i64,
    /// Letters in doubt.
    pub unknown: i64,
    /// Letters that wait for their hour or their next attempt.
    pub waiting: i64,
    /// Letters that wait for a person to mend an account or a text.
    pub held: i64,
    /// Letters that were added to the outbox by this call.
    pub planned_now: u64,
    /// Letters that had been sent before this call.
    pub sent_before: i64,
    /// Reasons of failures, by code.
    pub reasons: BTreeMap<String, i64>,
}

/// Which tenant of a run fails alone, and why.
#[derive(Debug)]
pub struct TenantFailure {
    /// Code of the tenant.
    pub tenant: String,
    /// What went wrong.
    pub error: EngineError,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct RunOutcome {
    /// One report for each tenant.
    pub reports: Vec<Report>,
    /// Tenants whose plan or account failed; the others went on.
    pub failures: Vec<TenantFailure>,
}

/// Today in the tenant's time zone.
pub fn today(env: &Env, tenant: &Tenant) -> Result<Day, EngineError> {
    Ok(Day::of(env.clock.now(), &tenant.settings.zone()?))
}

/// Plans and carries one day of every tenant (or of one), until nothing is due.
///
/// Without `day` it is each tenant's own today, in its delivery hours. One tenant's trouble stops nobody else.
pub fn run(
    env: &Env,
    only: Option<&Tenant>,
    day: Option<Day>,
    on_planned: &dyn Fn(&Tenant, &Planned),
    watch: Watch<'_>,
) -> Result<RunOutcome, EngineError> {
    let codes = only.map(|tenant| vec![tenant.code.clone()]);
    let (days, failures) = carry_days(env, codes, watch, |tenant, today| {
        let (day, hours) = day.map_or((today, Hours::Respected), |day| (day, Hours::Forced));
        let before = tally(env, tenant, day)?.ended.sent;
        let plan = planner::plan_day(env, tenant, day, hours)?;
        on_planned(tenant, &plan);
        Ok((day, (before, plan)))
    })?;
    let reports = days
        .iter()
        .map(|(tenant, day, (before, plan))| report(env, tenant, *day, *before, plan))
        .collect::<Result<_, _>>()?;
    Ok(RunOutcome { reports, failures })
}

/// One look of the service: plans what changed and carries what is due, without adding up reports.
pub fn tick(env: &Env) -> Result<Vec<TenantFailure>, EngineError> {
    let (_, failures) = carry_days(env, None, &|_| {}, |tenant, today| {
        planner::plan_day(env, tenant, today, Hours::Respected)?;
        Ok((today, ()))
    })?;
    Ok(failures)
}

/// The days that were planned, each with its tenant and what planning told, and the tenants that failed.
type Days<T> = (Vec<(Tenant, Day, T)>, Vec<TenantFailure>);

/// Plans a day of these tenants (or of all), carries what is due, and closes the days whose batches all ended.
fn carry_days<T>(
    env: &Env,
    codes: Option<Vec<String>>,
    watch: Watch<'_>,
    plan: impl Fn(&Tenant, Day) -> Result<(Day, T), EngineError>,
) -> Result<Days<T>, EngineError> {
    witness::may_send(env)?;
    dispatch::expire(env)?;
    let codes = match codes {
        Some(codes) => codes,
        None => env.db.read(tenants::codes)?,
    };
    let mut failures = Vec::new();
    let mut days = Vec::new();
    for code in codes {
        let planned = (|| {
            let tenant = env.db.read(|tx| tenants::by_code(tx, &code))?;
            let tenant = tenant.ok_or_else(|| EngineError::NoTenant(code.clone()))?;
            let (day, told) = plan(&tenant, today(env, &tenant)?)?;
            Ok((tenant, day, told))
        })();
        match planned {
            Ok(done) => days.push(done),
            Err(error) => failures.push(TenantFailure { tenant: code, error }),
        }
    }
    for failure in dispatch::drain(env, watch)? {
        let tenant = failure.tenant.unwrap_or_else(|| failure.account.to_string());
        failures.push(TenantFailure {
            tenant,
            error: failure.error,
        });
    }
    let now = env.clock.now();
    for (tenant, day, _) in &days {
        let scope = tenant.scope();
        let run = env.db.read(|tx| runs::get(tx, scope, *day))?;
        if run.is_some_and(|run| run.closed_at.is_none()) {
            env.db.write(|tx| runs::close(tx, scope, *day, now))?;
        }
    }
    Ok((days, failures))
}

fn tally(env: &Env, tenant: &Tenant, day: Day) -> Result<RunTally, EngineError> {
    Ok(env.db.read(|tx| {
        let run = runs::get(tx, tenant.scope(), day)?;
        run.map_or(Ok(RunTally::default()), |run| runs::tally(tx, run.id))
    })?)
}

fn report(env: &Env, tenant: &Tenant, day: Day, before: i64, plan: &Planned) -> Result<Report, EngineError> {
    let mut report = day_report(env, tenant, day)?;
    report.planned_now = plan.letters;
    report.sent_before = before;
    Ok(report)
}

/// What has become of a tenant's day so far.
pub fn day_report(env: &Env, tenant: &Tenant, day: Day) -> Result<Report, EngineError> {
    let (tally, mut skipped, reasons) = env.db.read(|tx| {
        let Some(run) = runs::get(tx, tenant.scope(), day)? else {
            return Ok((RunTally::default(), BTreeMap::new(), Vec::new()));
        };
        Ok((runs::tally(tx, run.id)?, run.skipped, runs::reasons(tx, run.id)?))
    })?;
    // Told by what is sent, not by what was not sent again.
    skipped.remove(SkipReason::AlreadySent.code());
    let mut skipped: BTreeMap<String, i64> = skipped
        .into_iter()
        .map(|(reason, n)| (reason, i64::try_from(n).unwrap_or(i64::MAX)))
        .collect();
    let mut failures = BTreeMap::new();
    for (code, count) in reasons {
        match code.strip_prefix("skipped:") {
            Some(reason) => *skipped.entry(reason.to_owned()).or_default() += count,
            None => {
                failures.insert(code, count);
            }
        }
    }
    let Tally {
        sent, failed, in_doubt, ..
    } = tally.ended;
    Ok(Report {
        tenant: tenant.code.clone(),
        day,
        sent,
        skipped,
        failed,
        unknown: in_doubt,
        waiting: tally.waiting,
        held: tally.held,
        planned_now: 0,
        sent_before: 0,
        reasons: failures,
    })
}
