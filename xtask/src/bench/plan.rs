//! P2 and P8: planning a day durably, and looking again when nothing changed.

use std::collections::BTreeMap;

use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::planner::{self, Hours};
use rusqlite::Connection;

use super::meter::{REPEATS, compare_references, peak_mib, rate, ratio, spread, take};
use super::town::{self, Spread, failed};
use crate::sh::{self, Fault};

/// Rows of one transaction, in the product as in the reference.
const ROWS_PER_WRITE: usize = 2_000;
/// Rows that the reference inserts.
const REFERENCE_ROWS: usize = 400_000;

fn account(folder: &std::path::Path) -> NewAccount {
    NewAccount {
        channel: "outbox".into(),
        settings: BTreeMap::from([("folder".into(), folder.join("outbox").display().to_string())]),
        secrets: BTreeMap::new(),
    }
}

pub(super) fn run(size: usize) -> Result<(), Fault> {
    let folder = sh::temp_folder("bench-plan")?;
    let before = bare_insert(folder.path())?;
    let (env, tenant) = town::build(folder.path(), size, Spread::Real, account(folder.path()))?;
    let (planned, took) = take(|| planner::plan_day(&env, &tenant, town::day(), Hours::Forced));
    let planned = planned.map_err(failed)?;
    let after = bare_insert(folder.path())?;
    compare_references(before, after);
    let reached = rate(
        "slots reserved, durable",
        "rows/s",
        vec![planned.slots as f64 / took.wall],
    );
    let bare = rate("reference: bare insert of the same rows", "rows/s", vec![before, after]);
    println!(
        "  {:<44} {:>14.2} s for {size} subscriptions, {} letters",
        "whole plan", took.wall, planned.letters
    );
    println!(
        "  {:<44} {:>14.2} s, {:.1} µs a letter",
        "CPU",
        took.cpu,
        took.cpu * 1e6 / planned.letters.max(1) as f64
    );
    println!(
        "  {:<44} {:>14.0} MiB   target ≤ 300 at 10 M",
        "peak memory of the process",
        peak_mib()
    );
    ratio("× bare insert", reached / bare, 0.5);
    Ok(())
}

/// Inserts rows of the ledger's shape, with its keys and indexes, and nothing else: rows a second.
fn bare_insert(folder: &std::path::Path) -> Result<f64, Fault> {
    let path = folder.join("bare.db");
    for file in ["bare.db", "bare.db-wal", "bare.db-shm"] {
        // The file of an earlier repeat; on the first there is none.
        let _ = std::fs::remove_file(folder.join(file));
    }
    let connection = Connection::open(path).map_err(failed)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -64000;
             CREATE TABLE deliveries (tenant_id BLOB, subscription_id BLOB, slot TEXT, subscriber_id BLOB, point_id BLOB,
               cohort_id BLOB, batch_id BLOB, number BIGINT, day_on TEXT, outcome TEXT, detail TEXT,
               PRIMARY KEY (tenant_id, subscription_id, slot)) WITHOUT ROWID;
             CREATE INDEX deliveries_of_batch ON deliveries (tenant_id, batch_id, number);",
        )
        .map_err(failed)?;
    let (done, took) = take(|| -> Result<(), rusqlite::Error> {
        let mut insert = connection.prepare(
            "INSERT INTO deliveries (tenant_id, subscription_id, slot, subscriber_id, point_id, cohort_id, batch_id, number, day_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for first in (0..REFERENCE_ROWS).step_by(ROWS_PER_WRITE) {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            for number in first..first + ROWS_PER_WRITE {
                // The same disorder as in the product: identifiers in the order of stages, not of their making.
                let id = ((number as u128).wrapping_mul(7_919 * 131)) % (REFERENCE_ROWS as u128 * 4);
                let (one, two, three) = (
                    id.to_be_bytes(),
                    (id + (1 << 100)).to_be_bytes(),
                    (id + (2 << 100)).to_be_bytes(),
                );
                let batch = ((number / 100) as u128)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834)
                    .to_be_bytes();
                insert.execute((
                    [1u8; 16],
                    one,
                    "bench/12w3d",
                    two,
                    three,
                    [3u8; 16],
                    batch,
                    (number % 100) as i64,
                    town::DAY,
                ))?;
            }
            connection.execute_batch("COMMIT")?;
        }
        Ok(())
    });
    done.map_err(failed)?;
    Ok(REFERENCE_ROWS as f64 / took.wall)
}

/// P8: the planner looks again and nothing has changed.
pub(super) fn idle(size: usize) -> Result<(), Fault> {
    let mut costs = Vec::new();
    for size in [size / 10, size] {
        let folder = sh::temp_folder("bench-idle")?;
        let (env, tenant) = town::build(folder.path(), size, Spread::Real, account(folder.path()))?;
        planner::plan_day(&env, &tenant, town::day(), Hours::Forced).map_err(failed)?;
        // Too short for the operating system's hundredths: many ticks make one figure.
        let ticks = 20_000;
        let mut figures = Vec::new();
        for _ in 0..REPEATS {
            let (result, took) = take(|| {
                (0..ticks).try_for_each(|_| planner::plan_day(&env, &tenant, town::day(), Hours::Respected).map(|_| ()))
            });
            result.map_err(failed)?;
            figures.push(took.cpu * 1e3 / f64::from(ticks));
        }
        let (median, least, most) = spread(figures);
        println!(
            "  {:<44} {median:>14.3} ms CPU   ({least:.3} … {most:.3})",
            format!("tick at {size} subscriptions")
        );
        costs.push(median);
    }
    if let [small, large] = costs.as_slice() {
        ratio("5 ms ÷ tick", 5.0 / large.max(1e-6), 1.0);
        println!(
            "  {:<44} {:>14.2}   target ≤ 2",
            "growth for ten times the subscriptions",
            large / small.max(1e-6)
        );
    }
    Ok(())
}
