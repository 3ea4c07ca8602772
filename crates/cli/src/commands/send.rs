//! `run` and `serve`: sending, once or day by day.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use kizuna_domain::people::SkipReason;
use kizuna_engine::actions::addresses;
use kizuna_engine::inbound::{self, Look, Maildir};
use kizuna_engine::line::{self, Inbox};
use kizuna_engine::run::{Report, RunOutcome};
use kizuna_engine::{Env, menus, outside, retention, run as daily, transactional};
use kizuna_store::runs;
use kizuna_store::tenants::Tenant;
use kizuna_web::{Entrance, Site};
use serde_json::json;

use super::{Failure, Outcome, Session, find_tenant, print, print_json};
use crate::args::{Half, Run, Serve};

/// Pause between two looks at what is due.
const TICK: Duration = Duration::from_secs(5);
/// Pause between two looks at mails that somebody waits for with a phone in the hand.
const MAIL_TICK: Duration = Duration::from_secs(1);
/// Pause between two looks at what is kept too long: days are counted, so an hour is early enough.
const RETENTION_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// Pause after a look at a Maildir that is not there.
const MAILDIR_PAUSE: Duration = Duration::from_secs(30);
/// How often trouble and answers that no rule asks of any more are forgotten, in looks at mails: an hour.
const LOOKS_PER_SWEEP: u64 = 3_600;
/// Doubtful letters that are listed on the screen; all of them are in the database.
const DOUBTS_SHOWN: usize = 50;

/// Plans and sends until nothing is due.
pub(crate) fn run(session: &Session, args: &Run) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = args
        .tenant
        .as_deref()
        .map(|code| find_tenant(&env, Some(code)))
        .transpose()?;
    let stopping = env.stop.clone();
    let listening = std::thread::Builder::new().name("ctrl-c".into());
    listening.spawn(move || press_on_interrupt(&stopping))?;
    let outcome = with_progress(session, &env, tenant.as_ref(), args.day)?;
    end_what_is_over(&env);
    finish(session, &env, &outcome)
}

/// Waits for Ctrl-C or SIGTERM and presses stop; a second one ends the program at once, which is safe too.
fn press_on_interrupt(stop: &kizuna_engine::Stop) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(interrupted());
    stop.press();
    std::thread::spawn(move || {
        runtime.block_on(interrupted());
        std::process::exit(130);
    });
}

/// Returns when somebody or the service manager asks the program to end.
pub(super) async fn interrupted() {
    let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        // Without a handler the signal ends the program by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// Runs with a progress bar where somebody watches.
pub(crate) fn with_progress(
    session: &Session,
    env: &Env,
    tenant: Option<&Tenant>,
    day: Option<kizuna_domain::day::Day>,
) -> Result<RunOutcome, Failure> {
    let bar = if session.json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(0)
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len}  {elapsed}") {
        bar.set_style(style);
    }
    let total = AtomicU64::new(0);
    let outcome = daily::run(
        env,
        tenant,
        day,
        &|_, planned| {
            let all = total.fetch_add(planned.letters, Ordering::Relaxed) + planned.letters;
            bar.set_length(all);
        },
        &|letters| bar.inc(letters),
    )?;
    bar.finish_and_clear();
    Ok(outcome)
}

/// Prints what became of a run and says how it ended.
pub(crate) fn finish(session: &Session, env: &Env, outcome: &RunOutcome) -> Result<Outcome, Failure> {
    let sum = |pick: fn(&Report) -> i64| outcome.reports.iter().map(pick).sum::<i64>();
    if session.json {
        let mut skipped = std::collections::BTreeMap::new();
        for (reason, count) in outcome.reports.iter().flat_map(|report| &report.skipped) {
            *skipped.entry(reason).or_insert(0) += count;
        }
        let failures: Vec<_> = outcome
            .failures
            .iter()
            .map(|failure| json!({ "tenant": failure.tenant, "error": failure.error.to_string() }))
            .collect();
        print_json(&json!({
            "sent": sum(|r| r.sent),
            "skipped": skipped,
            "failed": sum(|r| r.failed),
            "unknown": sum(|r| r.unknown),
            "waiting": sum(|r| r.waiting),
            "held": sum(|r| r.held),
            "sent_before": sum(|r| r.sent_before),
            "tenants": outcome.reports,
            "errors": failures,
        }));
    } else {
        for report in &outcome.reports {
            print_report(session, env, report)?;
        }
        for failure in &outcome.failures {
            session.say(
                &format!("自治体 {}：計画できませんでした。{}", failure.tenant, failure.error),
                &format!("tenant {}: could not be planned: {}", failure.tenant, failure.error),
            );
        }
    }
    let trouble = sum(|r| r.failed) + sum(|r| r.unknown) + sum(|r| r.held) > 0 || !outcome.failures.is_empty();
    Ok(if trouble {
        Outcome::Trouble
    } else if sum(|r| r.waiting) > 0 {
        Outcome::Unfinished
    } else {
        Outcome::Done
    })
}

fn print_report(session: &Session, env: &Env, report: &Report) -> Result<(), Failure> {
    let (day, code) = (report.day, &report.tenant);
    session.say(&format!("── {code}  {}", day.japanese()), &format!("── {code}  {day}"));
    let now = report.sent - report.sent_before;
    session.say(
        &format!("  送りました　　　　{now:>7} 通"),
        &format!("  sent              {now:>7}"),
    );
    if report.sent_before > 0 {
        session.say(
            &format!(
                "  　前にもう送った　{:>7} 通（同じ日の分は、二度送りません）",
                report.sent_before
            ),
            &format!(
                "  sent before       {:>7} (nothing of one day is sent twice)",
                report.sent_before
            ),
        );
    }
    let rows: [(i64, &str, &str); 4] = [
        (report.failed, "送れませんでした　", "failed            "),
        (report.unknown, "届いたか不明　　　", "in doubt          "),
        (report.waiting, "あとで送ります　　", "waiting           "),
        (report.held, "直すのを待つ　　　", "held              "),
    ];
    for (count, ja, en) in rows.into_iter().filter(|row| row.0 > 0) {
        session.say(&format!("  {ja}{count:>7} 通"), &format!("  {en}{count:>7}"));
    }
    for (code, count) in &report.skipped {
        let reason = SkipReason::from_code(code);
        let (ja, en) = (
            reason.map_or("その他", SkipReason::ja),
            reason.map_or("other", SkipReason::en),
        );
        session.say(
            &format!("  送らない　　　　　{count:>7} 件：{ja}"),
            &format!("  skipped           {count:>7}: {en}"),
        );
    }
    for (code, count) in &report.reasons {
        session.say(
            &format!("  　　わけ　　　　　{count:>7} 件：{code}"),
            &format!("    because         {count:>7}: {code}"),
        );
    }
    if report.unknown > 0 {
        print_doubts(session, env, report)?;
    }
    Ok(())
}

fn print_doubts(session: &Session, env: &Env, report: &Report) -> Result<(), Failure> {
    let tenant = find_tenant(env, Some(&report.tenant))?;
    let doubts = env.db.read(|tx| match runs::get(tx, tenant.scope(), report.day)? {
        Some(run) => runs::doubts(tx, run.id),
        None => Ok(Vec::new()),
    })?;
    session.say(
        "  届いたかどうか、だれにもわからない通です。もう一度は送りません：",
        "  Nobody can know whether these arrived; they are not sent again:",
    );
    for (reader, slot, detail) in doubts.iter().take(DOUBTS_SHOWN) {
        print(&format!("    {reader} {slot} {detail}"));
    }
    Ok(())
}

/// Serves pages and runs every day.
pub(crate) fn serve(session: &Session, args: &Serve) -> Result<Outcome, Failure> {
    let (config, env) = session.open()?;
    let workers = if args.only == Some(Half::Web) {
        Vec::new()
    } else {
        let mut workers = Vec::from(
            [work, work_on_menus, work_on_retention, talk, write_mails].map(|work| in_background(&env, work)),
        );
        workers.extend(config.maildir.map(|path| {
            let env = Arc::clone(&env);
            std::thread::spawn(move || read_mails(&env, &path))
        }));
        workers
    };
    if args.only == Some(Half::Worker) {
        press_on_interrupt(&env.stop);
    } else {
        let listener = listen(config.listen)?;
        session.say(
            &format!("http://{}/ をひらいています。止めるには Ctrl-C。", config.listen),
            &format!("Serving http://{}/ . Stop with Ctrl-C.", config.listen),
        );
        super::staff::say_who_is_missing(session, &env)?;
        let inbox = Inbox::start(&env)?;
        let site = Arc::new(Site::new(Arc::clone(&env), Entrance::SignIn, config.proxies, inbox));
        serve_pages(&env, site, listener)?;
    }
    env.stop.press();
    joined(workers)
}

/// Waits for every worker, whatever became of the others.
pub(crate) fn joined(workers: Vec<JoinHandle<()>>) -> Result<Outcome, Failure> {
    let ended: Vec<bool> = workers.into_iter().map(|worker| worker.join().is_ok()).collect();
    if ended.contains(&false) {
        return Err(Failure::new(
            "配信の作業が、途中で止まりました。",
            "a worker of the service ended with a failure",
        ));
    }
    Ok(Outcome::Done)
}

/// Works off what comes in from LINE until the stop button is pressed.
pub(crate) fn talk(env: &Env) {
    line::work(env, &env.net);
}

/// Reads what the mail server puts into a Maildir until the stop button is pressed.
pub(crate) fn read_mails(env: &Env, path: &Path) {
    let mut maildir = Maildir::new(path);
    while !env.stop.is_pressed() {
        match inbound::look(env, &mut maildir) {
            Ok(look) if look == Look::default() => env.clock.wait(MAIL_TICK),
            Ok(look) => tracing::info!(
                answered = look.answered,
                silenced = look.silenced,
                noted = look.noted,
                stopped = look.stopped,
                ignored = look.ignored,
                broken = look.broken,
                waiting = look.waiting,
                "mail came in"
            ),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "mail that came in could not be read; it is tried again");
                env.clock.wait(MAILDIR_PAUSE);
            }
        }
    }
}

/// Sends the single mails that somebody waits for until the stop button is pressed.
pub(crate) fn write_mails(env: &Env) {
    for look in 0_u64.. {
        if env.stop.is_pressed() {
            break;
        }
        if look % LOOKS_PER_SWEEP == 0
            && let Err(error) = addresses::sweep(env)
        {
            tracing::warn!(%error, "old trouble of addresses could not be forgotten");
        }
        if let Err(error) = transactional::work(env) {
            tracing::error!(%error, "mails that somebody waits for could not be sent; it is tried again");
        }
        env.clock.wait(MAIL_TICK);
    }
}

pub(crate) fn in_background(env: &Arc<Env>, work: fn(&Env)) -> JoinHandle<()> {
    let env = Arc::clone(env);
    std::thread::spawn(move || work(&env))
}

/// Listens, or says what to do where the port is taken.
pub(crate) fn listen(address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        Failure::new(
            format!("{address} をひらけません（{error}）。ほかの番号を --port か設定の listen でえらんでください。"),
            format!("cannot listen on {address} ({error}); choose another port with --port or listen"),
        )
    })
}

/// Serves pages until Ctrl-C.
pub(crate) fn serve_pages(env: &Env, site: Arc<Site>, listener: TcpListener) -> Result<(), Failure> {
    let stop = env.stop.clone();
    kizuna_web::serve(site, listener, async move {
        interrupted().await;
        stop.press();
    })?;
    Ok(())
}

/// Runs whatever is due, again and again, until the stop button is pressed.
pub(crate) fn work(env: &Env) {
    while !env.stop.is_pressed() {
        match daily::tick(env) {
            Ok(failures) => {
                for failure in failures {
                    tracing::error!(tenant = failure.tenant, error = %failure.error, "a tenant could not be planned");
                }
            }
            Err(error) => tracing::error!(%error, "the daily run could not go on; it tries again"),
        }
        env.clock.wait(TICK);
    }
}

/// Brings LINE's menus to what staff asked for, beside the daily run: LINE's rates make it wait for minutes.
pub(crate) fn work_on_menus(env: &Env) {
    while !env.stop.is_pressed() {
        match menus::tick(env) {
            Ok(failures) => {
                for failure in failures {
                    tracing::warn!(tenant = failure.tenant, error = %failure.error, "menus are not shown yet");
                }
            }
            Err(error) => tracing::error!(%error, "the work on menus could not go on; it tries again"),
        }
        env.clock.wait(TICK);
    }
}

/// Ends, now and then, what is over and erases whose time has come; names stops outside the database soon after they
/// were pressed.
pub(crate) fn work_on_retention(env: &Env) {
    let mut next = env.clock.now();
    while !env.stop.is_pressed() {
        if let Err(error) = outside::note(env) {
            tracing::error!(%error, "stops are not on record outside the database yet; it is tried again");
        }
        if env.clock.now() >= next {
            end_what_is_over(env);
            next = env.clock.now() + RETENTION_PAUSE;
        }
        env.clock.wait(TICK);
    }
}

fn end_what_is_over(env: &Env) {
    match retention::tick(env) {
        Ok(failures) => {
            for failure in failures {
                tracing::error!(tenant = failure.tenant, error = %failure.error, "what is over could not be erased");
            }
        }
        Err(error) => tracing::error!(%error, "what is over could not be erased; it is tried again"),
    }
}
