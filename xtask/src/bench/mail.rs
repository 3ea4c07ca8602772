//! P4: e-mail through a loopback `smtp-sink` with durable results, against Postfix's own `smtp-source`.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::dispatch;
use kizuna_engine::planner::{self, Hours};
use kizuna_engine::run::day_report;

use super::meter::{MachineClock, compare_references, rate, ratio, take};
use super::town::{self, Spread, failed};
use crate::sh::{self, Fault, fault};

/// Messages of one measure.
const MESSAGES: usize = 200_000;
/// Messages of one reference run.
const REFERENCE: usize = 100_000;
/// Our sessions; the reference has the ten of the target.
const SESSIONS: usize = 32;

/// A sink that ends with its guard.
struct Sink(Child, u16);

impl Drop for Sink {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sink() -> Result<Sink, Fault> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|l| l.local_addr())
        .map_err(failed)?
        .port();
    let mut command = Command::new("/usr/sbin/smtp-sink");
    command
        .args(["-u", "nobody", &format!("127.0.0.1:{port}"), "512"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command
        .spawn()
        .map_err(|_| fault("smtp-sink is missing; `cargo xtask test` installs it"))?;
    let sink = Sink(child, port);
    for _ in 0..500 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(sink);
        }
        kizuna_engine::Clock::wait(&MachineClock, Duration::from_millis(10));
    }
    Err(fault("smtp-sink does not answer"))
}

/// Messages a second of `smtp-source` with ten sessions and 3 KB.
fn smtp_source(port: u16) -> Result<f64, Fault> {
    let mut command = Command::new("/usr/sbin/smtp-source");
    command.args([
        "-s",
        "10",
        "-m",
        &REFERENCE.to_string(),
        "-d",
        "-l",
        "3072",
        "-f",
        "a@example.jp",
        "-t",
        "b@example.jp",
    ]);
    command.arg(format!("127.0.0.1:{port}"));
    let (done, took) = take(|| sh::run(&mut command));
    done?;
    Ok(REFERENCE as f64 / took.wall)
}

pub(super) fn run(_: usize) -> Result<(), Fault> {
    let sink = sink()?;
    let before = smtp_source(sink.1)?;
    let folder = sh::temp_folder("bench-mail")?;
    let text = |name: &str, value: String| (name.to_owned(), value);
    let account = NewAccount {
        channel: "email".into(),
        settings: BTreeMap::from([
            text("host", "127.0.0.1".into()),
            text("port", sink.1.to_string()),
            text("security", "none".into()),
            text("from_address", "kosodate@example.jp".into()),
            text("envelope_domain", "bounce.example.jp".into()),
            text("sessions", SESSIONS.to_string()),
        ]),
        secrets: BTreeMap::new(),
    };
    let (env, tenant) = town::build(folder.path(), MESSAGES, Spread::AllDue, account)?;
    let planned = planner::plan_day(&env, &tenant, town::day(), Hours::Forced).map_err(failed)?;
    let (sent, took) = take(|| dispatch::drain(&env, &|_| {}));
    sent.map_err(failed)?;
    let report = day_report(&env, &tenant, town::day()).map_err(failed)?;
    let after = smtp_source(sink.1)?;
    compare_references(before, after);
    if report.sent != planned.letters as i64 {
        return Err(fault(format!(
            "{} of {} letters were sent",
            report.sent, planned.letters
        )));
    }
    let reached = rate(
        "product, every result durable",
        "messages/s",
        vec![report.sent as f64 / took.wall],
    );
    let source = rate(
        "reference: smtp-source, 10 sessions, 3 KB",
        "messages/s",
        vec![before, after],
    );
    println!(
        "  {:<44} {:>14.1} µs   target ≤ 60",
        "own CPU a message",
        took.cpu * 1e6 / report.sent.max(1) as f64
    );
    ratio("× smtp-source", reached / source, 0.9);
    Ok(())
}
