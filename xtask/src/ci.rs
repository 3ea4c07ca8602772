//! `cargo xtask ci`: everything that must hold before a commit, the cheapest check first.

use crate::sh::{Fault, cargo, fault, run as execute};
use crate::{supply, test};

/// What a step is called, and what carries it out.
type Step = (&'static str, fn() -> Result<(), Fault>);

const STEPS: &[Step] = &[
    ("fmt", fmt),
    ("clippy", clippy),
    ("supply", || supply::run(&[])),
    ("test", || test::run(&[])),
    ("docs", || docs(&[])),
];

pub(crate) fn run(args: &[String]) -> Result<(), Fault> {
    if !args.is_empty() {
        return Err(fault("ci takes no arguments"));
    }
    for (name, step) in STEPS {
        println!("── {name}");
        step()?;
    }
    Ok(())
}

fn fmt() -> Result<(), Fault> {
    execute(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), Fault> {
    execute(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// The documentation of our own crates; a link that leads nowhere is an error.
pub(crate) fn docs(_: &[String]) -> Result<(), Fault> {
    execute(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}
