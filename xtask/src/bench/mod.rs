//! `cargo xtask bench [P1 P2 …] [--size N]`: figures as ratios to a reference measured in the same run.
//!
//! Never a test: machines drift, ratios less so. Each measure runs reference, product, reference, and says so where
//! the two references differ by more than a tenth. Nothing leaves the machine: the mail goes to `smtp-sink`.

mod arithmetic;
mod compose;
mod line;
mod mail;
mod meter;
mod plan;
mod town;

use crate::sh::{self, Fault, fault};

/// Subscriptions in the invented town, unless `--size` says otherwise.
const SIZE: usize = 1_000_000;

struct Measure {
    name: &'static str,
    about: &'static str,
    run: fn(usize) -> Result<(), Fault>,
}

const MEASURES: &[Measure] = &[
    Measure {
        name: "P1",
        about: "stage arithmetic",
        run: arithmetic::run,
    },
    Measure {
        name: "P2",
        about: "durable plan",
        run: plan::run,
    },
    Measure {
        name: "P3",
        about: "plan and compose",
        run: compose::run,
    },
    Measure {
        name: "P4",
        about: "e-mail with durable results",
        run: mail::run,
    },
    Measure {
        name: "P5",
        about: "LINE calls with durable results",
        run: line::run,
    },
    Measure {
        name: "P8",
        about: "idle planner tick",
        run: plan::idle,
    },
];

/// Runs the named measures, or all of them, in a release build.
pub(crate) fn run(args: &[String]) -> Result<(), Fault> {
    if cfg!(debug_assertions) {
        let mut again = vec!["run", "--release", "--quiet", "--package", "xtask", "--", "bench"];
        again.extend(args.iter().map(String::as_str));
        return sh::run(&mut sh::cargo(&again));
    }
    let mut size = SIZE;
    let mut wanted: Vec<&str> = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--size" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                size = number.ok_or_else(|| fault("--size needs a number of subscriptions"))?;
            }
            name if MEASURES.iter().any(|measure| measure.name == name) => wanted.push(name),
            other => {
                let names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
                return Err(fault(format!(
                    "'{other}' is not a measure; known are {}",
                    names.join(", ")
                )));
            }
        }
    }
    for measure in MEASURES
        .iter()
        .filter(|m| wanted.is_empty() || wanted.contains(&m.name))
    {
        println!("── {} {}", measure.name, measure.about);
        (measure.run)(size)?;
    }
    Ok(())
}
