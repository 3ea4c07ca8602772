//! Clocks and the operating system's own accounting.

use std::fs;
use std::time::{Duration, Instant};

/// How often each measure is repeated.
pub(super) const REPEATS: usize = 5;

/// Wall and CPU time of some work, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) wall: f64,
    pub(super) cpu: f64,
}

/// Runs work and says what it took; CPU time is that of this process with all its threads.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
pub(super) fn take<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let value = work();
    (
        value,
        Took {
            wall: start.elapsed().as_secs_f64(),
            cpu: cpu_seconds() - cpu,
        },
    )
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || {
        fields
            .next()
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or_default()
    };
    // Linux counts in hundredths of a second on every machine this runs on.
    (ticks() + ticks()) / 100.0
}

/// Most memory this process ever held, in MiB.
pub(super) fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or_default()
        / 1024.0
}

/// Median, least and most of some figures.
pub(super) fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |place: usize| figures.get(place).copied().unwrap_or_default();
    (at(figures.len() / 2), at(0), at(figures.len().saturating_sub(1)))
}

/// Prints a rate with its spread.
pub(super) fn rate(what: &str, unit: &str, figures: Vec<f64>) -> f64 {
    let (median, least, most) = spread(figures);
    println!(
        "  {what:<44} {:>14} {unit}   ({} … {})",
        round(median),
        round(least),
        round(most)
    );
    median
}

/// Prints a ratio with its target.
pub(super) fn ratio(what: &str, value: f64, target: f64) {
    let verdict = if value >= target { "met" } else { "MISSED" };
    println!("  {what:<44} {value:>14.2}   target ≥ {target}: {verdict}");
}

/// Says where two references around a measure differ so much that its ratio means little.
pub(super) fn compare_references(before: f64, after: f64) {
    let apart = (before / after - 1.0).abs();
    if apart > 0.1 {
        println!(
            "  the two references differ by {:.0} %: the machine was busy, repeat this measure",
            apart * 100.0
        );
    }
}

/// Three leading digits are all that a figure of this kind is good for.
fn round(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.2} M", value / 1e6)
    } else if value >= 1e3 {
        format!("{:.1} k", value / 1e3)
    } else {
        format!("{value:.2}")
    }
}

/// A clock for the engine that is the machine's.
pub(super) struct MachineClock;

impl kizuna_engine::Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the machine's clock")]
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the engine asks to wait")]
    fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
