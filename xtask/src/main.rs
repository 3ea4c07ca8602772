//! Project chores: `cargo xtask VERB`.
//!
//! Each verb does one thing that a developer and the machine that checks commits both do, the same way.
//! A new verb is one line in [`VERBS`].

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the command line talks to the person there"
)]

mod bench;
mod ci;
mod pg;
mod sh;
mod supply;
mod test;

use std::process::ExitCode;

use sh::Fault;

/// What a verb is called, what it is for, and what carries it out with the arguments behind it.
struct Verb {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<(), Fault>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "test",
        about: "install what the tests need, start PostgreSQL, run them [ARGS go to the runner]",
        run: test::run,
    },
    Verb {
        name: "ci",
        about: "fmt, clippy, supply, test, docs: what must pass before a commit",
        run: ci::run,
    },
    Verb {
        name: "supply",
        about: "check licences and origins of everything that is built in (deny.toml)",
        run: supply::run,
    },
    Verb {
        name: "bench",
        about: "measure against references on this machine [P1 P2 P3 P4 P8] [--size N]",
        run: bench::run,
    },
    Verb {
        name: "docs",
        about: "build the documentation, warnings are errors",
        run: ci::docs,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        return usage();
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        return usage();
    };
    match (verb.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask {name}: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("cargo xtask VERB");
    for Verb { name, about, .. } in VERBS {
        eprintln!("  {name:<8} {about}");
    }
    ExitCode::from(2)
}
