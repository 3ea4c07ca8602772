//! `double`: stand-ins for other people's servers, for trying and testing.

use kizuna_line_double::{ClockKind, Double, Options};
use serde_json::json;

use super::send::interrupted;
use super::{Failure, Outcome, Session, print_json};
use crate::args::DoubleLine;

/// Stands in for LINE until somebody stops it.
pub(crate) fn line(session: &Session, args: &DoubleLine) -> Result<Outcome, Failure> {
    let defaults = Options::default();
    let kept = |usual| if args.count_only { 0 } else { usual };
    let double = Double::start(Options {
        port: args.port,
        clock: args.at.map_or(ClockKind::Real, ClockKind::Set),
        rate_limits: !args.without_rate_limits,
        receipts_max: kept(defaults.receipts_max),
        requests_max: kept(defaults.requests_max),
        ..defaults
    })
    .map_err(|error| {
        Failure::new(
            format!(
                "ポート {} を使えません（{error}）。--port でほかの番号をえらんでください。",
                args.port
            ),
            format!(
                "port {} cannot be used ({error}); choose another one with --port",
                args.port
            ),
        )
    })?;
    let url = double.url();
    if session.json {
        print_json(&json!({ "url": url }));
    }
    session.say(
        &format!(
            "LINEの代役を動かしています：{url}\n画面：{url}/_double/\nだれにも送られません。Ctrl-C で止まります。"
        ),
        &format!("Standing in for LINE: {url}\nPages: {url}/_double/\nNobody gets anything. Ctrl-C stops."),
    );
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(interrupted());
    Ok(Outcome::Done)
}
