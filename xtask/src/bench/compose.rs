//! P3: judging and composing in memory, one core, against a framework's enqueue.

use std::collections::BTreeMap;
use std::hint::black_box;

use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{Follower, Reach, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::run::plan::judge;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::composer::Composer;
use kizuna_engine::programme;
use uuid::Uuid;

use super::meter::{REPEATS, rate, ratio, take};
use super::town::{self, Spread, failed};
use crate::sh::{self, Fault};

/// Followers judged in one repeat.
const FOLLOWERS: usize = 500_000;
/// Messages that the reference enqueues.
const ENQUEUED: usize = 20_000;

pub(super) fn run(_: usize) -> Result<(), Fault> {
    let folder = sh::temp_folder("bench-compose")?;
    let account = NewAccount {
        channel: "outbox".into(),
        settings: BTreeMap::from([("folder".into(), folder.path().display().to_string())]),
        secrets: BTreeMap::new(),
    };
    let (env, tenant) = town::build(folder.path(), 1, Spread::AllDue, account)?;
    let loaded = env.db.read(|tx| programme::load(tx, &tenant)).map_err(failed)?;
    let today = town::day();
    let followers: Vec<Follower> = (0..FOLLOWERS as u128).map(follower).collect();
    let mut rates = Vec::new();
    for _ in 0..REPEATS {
        let ((), took) = take(|| {
            let mut composer = Composer::new(&loaded, today);
            for follower in &followers {
                let due = judge(&loaded.programme, today, &[], follower).due;
                black_box(composer.draft(vec![(follower, due)]));
            }
        });
        rates.push(FOLLOWERS as f64 / took.cpu.max(took.wall));
    }
    let reached = rate("judge and compose", "messages/s/core", rates);
    ratio("in 250 k messages/s/core", reached / 250e3, 1.0);
    match django(folder.path()) {
        Ok(peer) => {
            rate("reference: django-post-office enqueue", "messages/s", vec![peer]);
            ratio("× django-post-office enqueue", reached / peer, 60.0);
        }
        Err(reason) => println!("  reference left out: {reason}"),
    }
    Ok(())
}

fn follower(number: u128) -> Follower {
    let today = town::day();
    let stage = (number.wrapping_mul(7_919) % 367) as i32;
    let anchor = if stage < 266 {
        Anchor::Due(today + (252 - stage))
    } else {
        Anchor::Birth {
            on: today - (stage - 266),
            due: None,
        }
    };
    Follower {
        subscriber: SubscriberId::new(Uuid::from_u128(number)),
        subscription: SubscriptionId::new(Uuid::from_u128(number)),
        anchor,
        nickname: None,
        registered_on: today - 400,
        resumed_on: None,
        area: None,
        state: SubscriptionState::Active,
        reach: Reach::At {
            point: PointId::new(Uuid::from_u128(number)),
            account: AccountId::new(Uuid::nil()),
        },
        has_siblings: false,
        language: "ja".to_owned(),
        hour: None,
    }
}

/// Enqueues through the peer, in an environment of its own below `target`.
fn django(folder: &std::path::Path) -> Result<f64, Fault> {
    let venv = sh::root().join("target/bench-venv");
    let python = venv.join("bin/python");
    if !python.exists() {
        sh::run(std::process::Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        sh::run(std::process::Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "django==5.2.*",
            "django-post-office==3.10.*",
        ]))?;
    }
    let script = sh::root().join("xtask/src/bench/django_post_office.py");
    let mut command = std::process::Command::new(&python);
    command.arg(script).arg(folder).arg(ENQUEUED.to_string());
    let printed = sh::quiet(&mut command)?;
    printed
        .trim()
        .parse()
        .map_err(|_| crate::sh::fault("the peer printed no rate"))
}
