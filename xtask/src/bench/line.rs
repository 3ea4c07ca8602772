//! P5: calls to LINE with durable results, against wrk on the same nginx and LINE's own SDK for Node.js; and how
//! near to the allowed rate, and never above it, the calls stay against a stand-in that counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::dispatch;
use kizuna_engine::planner::{self, Hours};
use kizuna_line_double::{Double, NewChannel, Options};
use rusqlite::Connection;

use super::meter::{MachineClock, compare_references, rate, ratio, take};
use super::town::{self, Spread, failed};
use crate::sh::{self, Fault, fault};

/// Families of the measure without limits; a stage-day has about five.
const FAMILIES: usize = 60_000;
/// Families of one batch: the limit up to which pushes are faster.
const FAMILIES_A_BATCH: usize = 10;
/// Families of the measure within LINE's rates: some seconds of pushes.
const LIMITED: usize = 12_000;
/// Calls of the SDK.
const SDK_CALLS: usize = 20_000;
/// Our sessions, and the connections of wrk.
const SESSIONS: usize = 16;
/// Seconds of one run of wrk.
const WRK_SECONDS: usize = 6;
const CHANNEL: &str = "1650000001";
/// Pushes a second that LINE allows.
const ALLOWED: f64 = 2_000.0;

/// A program that ends with its guard.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx that says yes to everything, as fast as it can.
fn nginx(folder: &Path, port: u16) -> Result<Running, Fault> {
    let json = |path: &str, body: &str| format!("location = {path} {{ return 200 '{body}'; }}\n");
    let conf = format!(
        "daemon off; worker_processes 2; pid {0}/nginx.pid; error_log /dev/null;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_requests 100000000; default_type application/json;\n\
         client_body_buffer_size 64k; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};\n\
         uwsgi_temp_path {0}; scgi_temp_path {0};\n\
         server {{ listen 127.0.0.1:{port}; client_max_body_size 2m;\n{1}{2}location / {{ return 200 '{{}}'; }} }} }}\n",
        folder.display(),
        json("/oauth2/v3/token", r#"{"access_token":"token","expires_in":900}"#),
        json("/v2/bot/message/quota", r#"{"type":"none"}"#) + &json("/v2/bot/message/quota/consumption", r#"{"totalUsage":0}"#),
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, conf).map_err(failed)?;
    let mut command = Command::new("/usr/sbin/nginx");
    command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command
        .spawn()
        .map_err(|_| fault("nginx is missing: apt-get install nginx-light wrk"))?;
    let running = Running(child);
    for _ in 0..500 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(running);
        }
        kizuna_engine::Clock::wait(&MachineClock, Duration::from_millis(10));
    }
    Err(fault("nginx does not answer"))
}

/// Requests a second of wrk with a body of 4 KB.
fn wrk(folder: &Path, port: u16) -> Result<f64, Fault> {
    let script = folder.join("push.lua");
    let lua = "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = string.rep('x', 4096)\n";
    std::fs::write(&script, lua).map_err(failed)?;
    let mut command = Command::new("wrk");
    command
        .args(["-t2", &format!("-c{SESSIONS}"), &format!("-d{WRK_SECONDS}s"), "-s"])
        .arg(&script)
        .arg(format!("http://127.0.0.1:{port}/v2/bot/message/push"));
    let said = sh::quiet(&mut command)?;
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok())
        .ok_or_else(|| fault("wrk said no rate"))
}

/// Calls a second of LINE's own SDK for Node.js, fifty at a time.
fn sdk(folder: &Path, port: u16) -> Result<f64, Fault> {
    std::fs::write(folder.join("push.mjs"), include_str!("line_sdk.mjs")).map_err(failed)?;
    let mut install = Command::new("npm");
    install
        .current_dir(folder)
        .args(["install", "--silent", "--no-audit", "--no-fund", "@line/bot-sdk@11"]);
    sh::quiet(&mut install)?;
    let mut command = Command::new("node");
    command
        .current_dir(folder)
        .args(["push.mjs", &format!("http://127.0.0.1:{port}"), &SDK_CALLS.to_string(), "50"]);
    sh::quiet(&mut command)?
        .trim()
        .parse()
        .map_err(|_| fault("the SDK said no rate"))
}

fn account(url: &str, sessions: usize) -> NewAccount {
    let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    NewAccount {
        channel: "line".into(),
        settings: BTreeMap::from(
            [
                ("channel_id", CHANNEL),
                ("api_url", url),
                ("sessions", &sessions.to_string()),
            ]
            .map(text),
        ),
        secrets: BTreeMap::from([text(("channel_secret", "0123456789abcdef0123456789abcdef"))]),
    }
}

/// Sends a town's morning; calls, letters, seconds and CPU seconds.
fn morning(folder: &Path, families: usize, account: NewAccount) -> Result<(f64, f64, f64, f64), Fault> {
    let (mut env, tenant) = town::build(folder, families, Spread::AllDue, account)?;
    // As few families a batch as in a real town, so that calls are the load and not readers.
    env.pace.page = FAMILIES_A_BATCH;
    let planned = planner::plan_day(&env, &tenant, town::day(), Hours::Forced).map_err(failed)?;
    let (sent, took) = take(|| dispatch::drain(&env, &|_| {}));
    sent.map_err(failed)?;
    let count = |sql: &str| -> Result<f64, Fault> {
        let connection = Connection::open(folder.join("town.db")).map_err(failed)?;
        connection.query_row(sql, [], |row| row.get(0)).map_err(failed)
    };
    let sent = count("SELECT CAST(SUM(sent) AS REAL) FROM batches")?;
    if sent as u64 != planned.letters {
        return Err(fault(format!("{sent} of {} letters were sent", planned.letters)));
    }
    let calls = count("SELECT CAST(COUNT(*) AS REAL) FROM calls")?;
    Ok((calls, sent, took.wall, took.cpu))
}

pub(super) fn run(_: usize) -> Result<(), Fault> {
    let folder = sh::temp_folder("bench-line")?;
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_err(failed)?
        .port();
    let server = nginx(folder.path(), port)?;
    let before = wrk(folder.path(), port)?;
    let town = sh::temp_folder("bench-line-town")?;
    let url = format!("http://127.0.0.1:{port}");
    let (calls, letters, wall, cpu) = morning(town.path(), FAMILIES, account(&url, SESSIONS))?;
    let node = sdk(folder.path(), port)?;
    let after = wrk(folder.path(), port)?;
    drop(server);
    compare_references(before, after);
    let ours = rate("product, every result durable", "calls/s", vec![calls / wall]);
    println!("  {:<44} {:>14.1}", "letters a call", letters / calls.max(1.0));
    println!("  {:<44} {:>14.1} µs", "own CPU a call", cpu * 1e6 / calls.max(1.0));
    let wrk = rate("reference: wrk, 4 KB", "calls/s", vec![before, after]);
    let node = rate("peer: LINE's SDK for Node.js, nothing durable", "calls/s", vec![node]);
    ratio("× wrk", ours / wrk, 0.35);
    ratio("× SDK for Node.js", ours / node, 15.0);
    limited()
}

/// The same within LINE's rates, against a stand-in that counts every second.
fn limited() -> Result<(), Fault> {
    let double = Double::start(Options::default()).map_err(failed)?;
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: "0123456789abcdef0123456789abcdef".to_owned(),
        provider: "bench".to_owned(),
        bot_user_id: format!("U{:032x}", 0xb07),
        basic_id: "@bench".to_owned(),
        display_name: "見本市".to_owned(),
        ..NewChannel::default()
    });
    for number in 0..LIMITED {
        let user = town::line_user(number);
        double.add_user("bench", &user, "見本");
        double.befriend_quietly(CHANNEL, &user);
    }
    let town = sh::temp_folder("bench-line-limited")?;
    let (calls, _, wall, _) = morning(town.path(), LIMITED, account(&double.url(), SESSIONS))?;
    let peak = double.peak(CHANNEL, "POST", "/v2/bot/message/push");
    rate("within LINE's rates", "calls/s", vec![calls / wall]);
    ratio("× the allowed rate", calls / wall / ALLOWED, 0.95);
    println!("  {:<44} {peak:>14}   target ≤ {ALLOWED}", "most calls in any sliding second");
    Ok(())
}
