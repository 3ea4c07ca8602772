//! The front door: reads what was typed, wires the outside world, calls the engine, prints what came of it.
//!
//! Holds no rule of its own. Every command is one function; every sentence is written twice, Japanese first.

#![expect(clippy::print_stderr, reason = "a command line talks to the person there")]

mod args;
mod commands;
mod config;
mod demo;
mod files;
mod shell;
mod tongue;

use std::process::ExitCode;

use args::{Check, CheckWhat, Cli, Command};
use clap::Parser;
use commands::{Failure, Outcome, Session};
use tongue::Tongue;

#[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Not clap's own 2, which here means that something needs a person; --help is no failure.
            let code = if error.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
            let _ = error.print();
            return code;
        }
    };
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| environment(name));
    let tongue = Tongue::choose(cli.lang, locale.as_deref());
    let filter = environment("KIZUNA_LOG").unwrap_or_else(|| "warn".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let session = Session {
        config: cli.config,
        json: cli.json,
        tongue,
    };
    let result = match cli.command {
        Command::Demo(args) => demo::demo(&session, &args),
        Command::Init => commands::setup::init(&session),
        Command::Check(Check {
            what: Some(CheckWhat::Content(args)),
            ..
        }) => commands::content::check(&session, &args),
        Command::Check(args) => Ok(commands::check::check(&session, &args)),
        Command::Migrate => commands::setup::migrate(&session),
        Command::Import(args) => commands::transfer::import(&session, &args),
        Command::Export(args) => commands::transfer::export(&session, &args),
        Command::Plan(args) => commands::look::plan(&session, &args),
        Command::Run(args) => commands::send::run(&session, &args),
        Command::Serve(args) => commands::send::serve(&session, &args),
        Command::Why(args) => commands::look::why(&session, &args),
        Command::Position(args) => commands::look::position(&session, &args),
        Command::Timeline(args) => commands::look::timeline(&session, &args),
        Command::Resume(args) => commands::setup::resume(&session, &args),
        Command::Claim(args) => commands::setup::claim(&session, &args),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Unfinished) => ExitCode::from(3),
        Ok(Outcome::Trouble) => ExitCode::from(2),
        Err(failure) => {
            print_failure(&failure, tongue);
            ExitCode::FAILURE
        }
    }
}

/// The sentence for the person, then the chain of causes for whoever helps them.
fn print_failure(failure: &Failure, tongue: Tongue) {
    eprintln!("{}", tongue.pick(&failure.ja, &failure.en));
    for cause in &failure.causes {
        eprintln!("  - {cause}");
    }
}
