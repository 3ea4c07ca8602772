//! `kill -9` at random moments of a run, and runs again until it ends: the receiver's count against the plan.
//!
//! `KIZUNA_CRASH_TRIALS` sets how many runs are killed at least; a third of them each sends by
//! e-mail, into a folder and by LINE.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_line_double::{Chances, ClockKind, Double, NewChannel, Options};
use kizuna_store::{Db, Keyring, Location, people, runs, tenants};
use kizuna_testkit::mail::{Mail, MailServer, Script};
use serde_json::Value;

use crate::place::{KIZUNA, Place, files, today};

const TRIALS: usize = 40;
const FAMILIES: usize = 90;
const SESSIONS: usize = 2;
/// About how long an undisturbed run takes, in milliseconds; a few kills come too late on purpose.
const RUN_MS: u64 = 260;
/// Runs after the last kill: the first waits for the leases of the dead.
const RUNS_MAX: usize = 5;

#[expect(
    clippy::disallowed_methods,
    reason = "how long to test is decided where the tests are started"
)]
fn trials() -> usize {
    let asked = std::env::var("KIZUNA_CRASH_TRIALS")
        .ok()
        .and_then(|text| text.parse().ok());
    asked.unwrap_or(TRIALS).div_ceil(3)
}

/// Small numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// About how long a run by LINE takes with its faults, in milliseconds.
const LINE_RUN_MS: u64 = 900;

/// Starts a run and kills it after some milliseconds, as `kill -9` does; true where it had not ended by itself.
fn killed(place: &Place, day: Day, after_ms: u64) -> bool {
    let after = format!("{}.{:03}", after_ms / 1000, after_ms % 1000);
    let day = day.to_string();
    let mut command = place.command("timeout");
    command.args(["--signal=KILL", &after, KIZUNA, "run", "--json", "--day", &day]);
    let ended = command.output().unwrap().status;
    ended.code().is_none_or(|code| code == 137)
}

/// Kills one, two or three runs in a row; how many were really killed.
fn kill_some(place: &Place, day: Day, dice: &mut Dice, run_ms: u64) -> usize {
    let kills = 1 + dice.roll(3);
    (0..kills).filter(|_| killed(place, day, 3 + dice.roll(run_ms))).count()
}

/// Runs until nothing waits.
fn finish(place: &Place, day: Day) -> Value {
    for _ in 0..RUNS_MAX {
        let run = place.kizuna(&["run", "--json", "--day", &day.to_string()]);
        assert!([0, 2, 3].contains(&run.code), "{} {}", run.out, run.err);
        let report = run.json();
        if report["waiting"] == 0 {
            return report;
        }
    }
    panic!("letters wait for ever");
}

/// The addresses whose letters are on record as in doubt.
fn doubted(place: &Place, day: Day) -> BTreeSet<String> {
    let db = Db::open(&Location::File(place.path("kizuna.db"))).unwrap();
    let keys = Keyring::parse(&place.read("kizuna.key")).unwrap();
    db.read(|tx| {
        let tenant = tenants::by_code(tx, "renshu")?.unwrap();
        let run = runs::get(tx, tenant.scope(), day)?.unwrap();
        let readers: BTreeSet<SubscriberId> = runs::doubts(tx, run.id)?.into_iter().map(|doubt| doubt.0).collect();
        let rows = people::export(tx, &keys, tenant.scope(), None, 10_000)?;
        Ok(rows
            .into_iter()
            .filter(|row| readers.contains(&row.subscriber))
            .map(|row| row.address)
            .collect())
    })
    .unwrap()
}

fn message_id(mail: &Mail) -> String {
    let text = String::from_utf8_lossy(&mail.content).into_owned();
    text.lines()
        .find(|line| line.to_ascii_lowercase().starts_with("message-id:"))
        .unwrap()
        .to_owned()
}

#[test]
fn by_mail_nothing_is_lost_or_doubled_but_what_is_listed_as_unknown() {
    let server = MailServer::start(Script::pipelining());
    let port = server.port();
    let master = Place::installed(&format!(
        "[tenant.email]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nsessions = {SESSIONS}\n\
         from_address = \"kosodate@x.example\"\nenvelope_domain = \"bounce.x.example\"\n"
    ));
    let addresses: BTreeSet<String> = master.import_families(FAMILIES, "email").into_iter().collect();
    let day = today();
    let mut dice = Dice(20_261_224);
    let (mut begun, mut all_killed, mut all_doubted) = (0, 0, 0);
    let mut trial = 0;
    while all_killed < trials() {
        trial += 1;
        let place = master.copy();
        let kills = kill_some(&place, day, &mut dice, RUN_MS);
        let report = finish(&place, day);
        let in_doubt = doubted(&place, day);

        let mails = server.seen().mails.split_off(begun);
        begun += mails.len();
        let mut copies: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for mail in &mails {
            *copies.entry(mail.to[0].clone()).or_default() += 1;
            ids.entry(mail.to[0].clone()).or_default().insert(message_id(mail));
        }
        let twice: Vec<_> = copies.iter().filter(|(_, count)| **count > 1).collect();
        let lost: BTreeSet<&String> = addresses
            .iter()
            .filter(|address| !copies.contains_key(*address))
            .collect();
        assert!(twice.is_empty(), "trial {trial}: doubled {twice:?}");
        assert!(
            lost.iter().all(|address| in_doubt.contains(*address)),
            "trial {trial}: lost {lost:?}, in doubt {in_doubt:?}"
        );
        assert!(
            in_doubt.len() <= SESSIONS * kills,
            "trial {trial}: {kills} kills and {} in doubt",
            in_doubt.len()
        );
        let number = |key: &str| usize::try_from(report[key].as_i64().unwrap()).unwrap();
        assert_eq!(
            (number("sent") + number("unknown"), number("failed")),
            (FAMILIES, 0),
            "trial {trial}: {report}"
        );
        assert_eq!(number("unknown"), in_doubt.len(), "trial {trial}");
        assert!(ids.values().all(|ids| ids.len() == 1));
        (all_killed, all_doubted) = (all_killed + kills, all_doubted + in_doubt.len());
    }
    println!("{all_killed} runs killed in {trial} mornings, {all_doubted} letters in doubt");
    server.finish();
}

#[test]
fn into_a_folder_nothing_is_lost_doubled_or_unknown() {
    let master = Place::installed("[tenant.outbox]\nfolder = \"outbox\"\n");
    master.import_families(FAMILIES, "outbox");
    let day = today();
    let mut dice = Dice(7);
    let (mut all_killed, mut trial) = (0, 0);
    while all_killed < trials() {
        trial += 1;
        let place = master.copy();
        // The folder's place is on record in the database.
        place.kizuna(&["migrate"]).expect(0);
        let kills = kill_some(&place, day, &mut dice, RUN_MS);
        let half = files(&place.path("outbox"));
        let report = finish(&place, day);
        let letters = files(&place.path("outbox"));
        assert!(
            half.iter().all(|name| letters.contains(name)),
            "trial {trial}: a letter is gone"
        );
        assert_eq!(letters.len(), FAMILIES, "trial {trial} after {kills} kills: {report}");
        assert_eq!(
            (&report["sent"], &report["unknown"], &report["failed"]),
            (&FAMILIES.into(), &0.into(), &0.into())
        );
        all_killed += kills;
    }
    println!("{all_killed} runs killed in {trial} mornings");
}

#[test]
fn by_line_nothing_is_lost_doubled_or_unknown_though_a_tenth_of_the_answers_is_false() {
    let options = Options {
        // Moved by a day between mornings, so that keys of the last one are forgotten.
        clock: ClockKind::Set(jiff::Timestamp::UNIX_EPOCH),
        rate_limits: false,
        receipts_max: 10_000_000,
        ..Options::default()
    };
    let double = Double::start(options).unwrap();
    let channel = "1650000001";
    double.add_channel(NewChannel {
        id: channel.to_owned(),
        secret: "0123456789abcdef0123456789abcdef".to_owned(),
        provider: "hidamari".to_owned(),
        bot_user_id: format!("U{:032x}", 0xb07),
        basic_id: "@hidamari".to_owned(),
        display_name: "練習市".to_owned(),
        ..NewChannel::default()
    });
    let master = Place::installed(&format!(
        "[tenant.line]\nchannel_id = \"{channel}\"\nchannel_secret = \"0123456789abcdef0123456789abcdef\"\n\
         api_url = \"{}\"\ntimeout_ms = 150\n",
        double.url()
    ));
    let users = master.import_families(FAMILIES, "line");
    for user in &users {
        double.add_user("hidamari", user, "花子");
        double.befriend_quietly(channel, user);
    }
    let day = today();
    let mut dice = Dice(20_261_122);
    let (mut begun, mut all_killed, mut trial) = (0, 0, 0);
    while all_killed < trials() {
        trial += 1;
        double.chances(Chances {
            seed: trial,
            false_500: 0.10,
            timeout: 0.05,
            reset: 0.0,
        });
        let place = master.copy();
        let kills = kill_some(&place, day, &mut dice, LINE_RUN_MS);
        let report = finish(&place, day);

        let receipts = double.receipts().split_off(begun);
        begun += receipts.len();
        let mut copies: BTreeMap<&str, usize> = users.iter().map(|user| (user.as_str(), 0)).collect();
        for receipt in &receipts {
            *copies.entry(&receipt.user).or_default() += 1;
        }
        let wrong: Vec<_> = copies.iter().filter(|(_, copies)| **copies != 1).collect();
        assert!(
            wrong.is_empty(),
            "trial {trial} after {kills} kills: {wrong:?} {report}"
        );
        assert_eq!(
            (&report["sent"], &report["unknown"], &report["failed"]),
            (&FAMILIES.into(), &0.into(), &0.into()),
            "trial {trial}: {report}"
        );
        assert!(double.violations().is_empty(), "trial {trial}");
        double.advance(SignedDuration::from_hours(25));
        all_killed += kills;
    }
    println!("{all_killed} runs killed in {trial} mornings by LINE");
}
