//! Stop really stops: whatever the family, the channel and the moment, also after a move to another town, nothing follows
//! for four hundred days.

use jiff::SignedDuration;
use kizuna_domain::content::Owner;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{PointId, SubscriberId};
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::moving::{self, Arrived, Begun, Way};
use kizuna_engine::actions::people::{self as readers, ListRow};
use kizuna_engine::actions::tenants::{self as installation, NewAccount};
use kizuna_engine::actions::{Actor, data};
use kizuna_engine::planner::{self, Hours};
use kizuna_engine::{Env, dispatch, retention};
use kizuna_line_double::{Double, Fault, FaultKind};
use kizuna_store::{Scope, people, tenants};
use kizuna_testkit::mail::{MailServer, Script, Then, When, say};

use crate::app::{Family, TODAY, TOWN, TestApp, Town, article, daily, day, jst, mail_account, pack};
use crate::line_sending::{CHANNEL, PUSH, SECRET, double};

/// Days in which everybody stops.
const STOPPING_DAYS: i32 = 30;
/// Days after which nothing must have followed.
const QUIET_DAYS: i32 = 400;
const CHANNELS: [&str; 3] = ["outbox", "email", "line"];

/// Small numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((self.0 >> 33) % u64::try_from(below).unwrap()).unwrap()
    }
}

/// When on their day a reader stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforePlanning,
    Planned,
    BetweenLetters,
    PutOff,
    InDoubt,
    AccountHeld,
    Paused,
    Blocked,
    InAnOutage,
}

const MOMENTS: [Moment; 9] = [
    Moment::BeforePlanning,
    Moment::Planned,
    Moment::BetweenLetters,
    Moment::PutOff,
    Moment::InDoubt,
    Moment::AccountHeld,
    Moment::Paused,
    Moment::Blocked,
    Moment::InAnOutage,
];

/// Those that do not need anything of the town that was left.
const AFTER_A_MOVE: [Moment; 4] = [
    Moment::BeforePlanning,
    Moment::Planned,
    Moment::BetweenLetters,
    Moment::InAnOutage,
];
/// Code of the town that some move to.
const OTHER: &str = "komorebi";

struct Case {
    family: Family,
    channel: &'static str,
    moment: Moment,
    /// The day of the stop, counted from the first; none for those who go on.
    on: Option<i32>,
    erases: bool,
    /// The day on which they move to the other town, counted from the first; they stop by an old message all the same.
    moves: Option<i32>,
    /// Messages when the stop was acknowledged.
    then: Option<usize>,
}

struct World<'a> {
    app: &'a TestApp,
    town: Town<'a>,
    /// Where some of them move to.
    other: Town<'a>,
    line: &'a Double,
    mail: &'a MailServer,
}

fn stop(env: &Env, scope: Scope, reader: SubscriberId, erases: bool) {
    if erases {
        data::erase(env, scope, reader).unwrap();
    } else {
        readers::stop(env, scope, reader, Actor::Reader).unwrap();
    }
}

impl World<'_> {
    /// Messages from both towns.
    fn messages(&self, case: &Case) -> usize {
        let there = self.other.letters_to(&case.family).len();
        let here = match case.channel {
            "outbox" => self.town.letters_to(&case.family).len(),
            "email" => {
                let to = case.family.address.clone();
                self.mail
                    .seen()
                    .mails
                    .iter()
                    .filter(|mail| mail.to.contains(&to))
                    .count()
            }
            _ => self.line.receipts_of(&case.family.address).len(),
        };
        here + there
    }

    /// Lets a family go over to the other town, with the address that they have.
    fn moves(&self, case: &Case) {
        let (env, reader) = (&self.app.env, case.family.subscriber);
        assert_eq!(
            moving::begin(env, &self.town.tenant(), reader, &self.other.tenant()).unwrap(),
            Begun::Now
        );
        let ticket = moving::open(env, &self.town.tenant(), reader).unwrap().unwrap();
        let arrived = moving::arrive(env, &self.other.tenant(), &ticket.code, &Way::Mail, env.ids.next()).unwrap();
        assert!(matches!(arrived, Arrived::Now(_)), "{arrived:?}");
    }

    fn scope(&self) -> Scope {
        self.town.tenant().scope()
    }

    fn stop(&self, case: &mut Case) {
        stop(&self.app.env, self.scope(), case.family.subscriber, case.erases);
        case.then = Some(self.messages(case));
    }

    fn set_point(&self, case: &Case, state: PointState, on: Day) {
        let (scope, point): (Scope, PointId) = (self.scope(), case.family.point);
        self.app
            .env
            .db
            .write(|tx| {
                people::set_point(tx, scope, point, state)?;
                people::resume_after(tx, scope, case.family.subscriber, on)?;
                people::refresh_reach(tx, scope, case.family.subscriber)?;
                tenants::touch(tx, scope)
            })
            .unwrap();
    }

    fn run(&self) {
        self.app.run();
    }

    /// Lives one day with those who stop on it.
    fn day(&self, on: Day, mut stopping: Vec<&mut Case>, dice: &mut Dice) {
        let (env, scope) = (&self.app.env, self.scope());
        self.app.clock.set(jst(&format!("{on} 08:00:00")));
        let mut outage = false;
        for case in &mut stopping {
            let reader = case.family.clone();
            match case.moment {
                Moment::BeforePlanning => self.stop(case),
                Moment::Planned => {
                    for town in [&self.town, &self.other] {
                        planner::plan_day(env, &town.tenant(), on, Hours::Respected).unwrap();
                    }
                    self.stop(case);
                }
                Moment::BetweenLetters => {
                    let (other, reader, erases) = (self.app.another_process(), reader.subscriber, case.erases);
                    let nth = usize::try_from(dice.roll(8)).unwrap() + 1;
                    self.app.clock.on_wait(nth, move || stop(&other, scope, reader, erases));
                }
                Moment::PutOff => self.line.script(Fault::times(3, "POST", PUSH, FaultKind::Status(503))),
                Moment::InDoubt => self
                    .line
                    .script(Fault::next("POST", PUSH, FaultKind::AcceptThenStatus(500))),
                Moment::AccountHeld => {
                    for account in self.town.accounts() {
                        env.db
                            .write(|tx| tenants::pause_account(tx, account.id, "refused", env.clock.now()))
                            .unwrap();
                    }
                    self.run();
                    self.stop(case);
                    installation::resume(env, &self.town.tenant()).unwrap();
                }
                Moment::Paused => {
                    self.town.pause(&reader, true);
                    self.stop(case);
                    // A press on a page that was open before.
                    self.town.pause(&reader, false);
                }
                Moment::Blocked => {
                    self.set_point(case, PointState::Blocked, on);
                    self.stop(case);
                    if !case.erases {
                        self.set_point(case, PointState::Verified, on);
                    }
                }
                Moment::InAnOutage => outage = true,
            }
        }
        if outage {
            // Nothing runs today, and whoever meant to stop in the middle of it stops all the same.
            for case in stopping.into_iter().filter(|case| case.then.is_none()) {
                self.stop(case);
            }
            return;
        }
        self.run();
        for case in stopping {
            match case.moment {
                Moment::BetweenLetters => {
                    // The hook may not have been reached on a quiet day.
                    stop(env, scope, case.family.subscriber, case.erases);
                    case.then = Some(self.messages(case));
                }
                Moment::PutOff | Moment::InDoubt => self.stop(case),
                _ => {}
            }
        }
        for minutes in [2, 40, 300] {
            self.app.clock.advance(SignedDuration::from_mins(minutes));
            self.run();
        }
    }

    /// What town and staff do meanwhile, meaning well.
    fn meddle(&self, ahead: i32, cases: &[Case]) {
        let (env, tenant) = (&self.app.env, self.town.tenant());
        if ahead % 60 == 45 {
            self.app.publish(&notices(&format!("{ahead}日目に直した文")));
        }
        if ahead % 90 == 70 {
            let catch_up_days = tenant.settings.catch_up_days ^ 4;
            let settings = Settings {
                catch_up_days,
                ..tenant.settings.clone()
            };
            installation::put(env, TOWN, TOWN, &settings, &[]).unwrap();
        }
        if ahead % 50 == 49 {
            for case in cases.iter().filter(|case| case.then.is_some()) {
                let moved = Anchor::Due(day(TODAY) + ahead + 100);
                let moved =
                    readers::move_anchor(env, tenant.scope(), case.family.subscription, moved, Actor::CommandLine);
                assert!(moved.is_err(), "a date brought somebody back");
                let cells = [
                    ("channel", case.channel.to_owned()),
                    ("address", case.family.address.clone()),
                    ("birth_on", (day(TODAY) + ahead - 3).to_string()),
                    ("registered_on", (day(TODAY) + ahead).to_string()),
                ];
                let rows = [ListRow {
                    line: 2,
                    cells: cells.into(),
                }];
                let other = case.moves.map(|_| self.other.tenant());
                for tenant in [Some(&tenant), other.as_ref()].into_iter().flatten() {
                    // The other town writes to every address in its folder.
                    let mut rows = rows.clone();
                    if tenant.code == OTHER {
                        rows[0].cells.insert("channel", "outbox".to_owned());
                    }
                    let checked = readers::check_list(env, tenant, &rows, day(TODAY) + ahead).unwrap();
                    assert_eq!(
                        readers::import_list(env, tenant, &checked).unwrap(),
                        0,
                        "a list brought somebody back"
                    );
                }
            }
        }
    }
}

/// One notice for every day, so that everybody has something due every day.
fn notices(words: &str) -> kizuna_domain::content::pack::Pack {
    let days: Vec<String> = (0..STOPPING_DAYS + QUIET_DAYS)
        .map(|ahead| (day(TODAY) + ahead).to_string())
        .collect();
    let mut notice = article(&days.join(" "));
    notice.id = "notice".into();
    notice.revision.title = "毎日のお知らせ".into();
    notice.revision.body = words.into();
    pack("notices", Owner::Desk, vec![notice])
}

fn families(town: &Town<'_>, line: &Double, dice: &mut Dice, count: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    for number in 0..count {
        let channel = CHANNELS[number % 3];
        let name = format!("family{number:03}");
        let new = town.family(&name).by(channel);
        let stays = number % 7 == 3;
        // Those who go on have a child, so that something is due to them to the end.
        let kind = if stays { 4 } else { number % 5 };
        let family = match kind {
            // Due in the time in which people stop, and long before.
            0 => new.anchor(Anchor::Due(day(TODAY) + dice.roll(30))),
            1 => new.anchor(Anchor::Due(day(TODAY) + 100 + dice.roll(100))),
            2 => new.born(&(day(TODAY) - dice.roll(600)).to_string()),
            // A late joiner, who is due ここまでのまとめ.
            3 => new.born(&(day(TODAY) - 40).to_string()).registered(day(TODAY)),
            _ => new.born(&(day(TODAY) - 90).to_string()),
        };
        let paused = number % 11 == 7 && !stays;
        let family = family
            .state(if paused {
                SubscriptionState::Paused
            } else {
                SubscriptionState::Active
            })
            .add();
        if kind == 4 {
            // Siblings; and twins whose days are told one by one.
            town.family(&format!("{name}-b"))
                .born(&(day(TODAY) - 800).to_string())
                .of(&family)
                .by(channel)
                .add();
            town.family(&format!("{name}-c"))
                .born(&(day(TODAY) - 90).to_string())
                .of(&family)
                .by(channel)
                .add();
        }
        if channel == "line" {
            line.add_user("hidamari", &family.address, "花子");
            line.befriend_quietly(CHANNEL, &family.address);
        }
        let on = (!stays).then(|| dice.roll(STOPPING_DAYS));
        let moves = on.filter(|_| channel != "line" && number % 4 == 1);
        let moments: &[Moment] = if moves.is_some() { &AFTER_A_MOVE } else { &MOMENTS };
        cases.push(Case {
            family,
            channel,
            moment: moments[usize::try_from(dice.roll(9)).unwrap() % moments.len()],
            on,
            erases: dice.roll(4) == 0,
            moves: moves.map(|on| dice.roll(on + 1)),
            then: None,
        });
    }
    cases
}

fn live(seed: u64, count: usize) {
    let mut dice = Dice(seed);
    // Every seventh recipient is put off once.
    let script = (0..60).fold(Script::pipelining(), |script, _| {
        let script = (0..6).fold(script, |script, _| script.on(When::Rcpt, Then::Usual));
        script.on(When::Rcpt, say("450 4.2.0 come back later"))
    });
    let (line, mail, app) = (double(None), MailServer::start(script), TestApp::sqlite());
    let mut settings = TestApp::settings();
    settings.adopt = serde_json::from_value(serde_json::json!([
        { "track": "daily", "join": "digest" }, { "track": "notices", "join": "from-today", "end": "birthday:6" },
    ]))
    .unwrap();
    let mut outbox = app.outbox(TOWN);
    outbox.settings.insert("rate_per_second".into(), "50".into());
    let url = line.url();
    let own = [
        ("channel_id", CHANNEL),
        ("api_url", url.as_str()),
        ("timeout_ms", "300"),
        ("sessions", "1"),
        ("rates", "none"),
    ];
    let by_line = NewAccount {
        channel: "line".into(),
        settings: own
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        secrets: [("channel_secret".to_owned(), SECRET.to_owned())].into(),
    };
    let town = app.town_with(TOWN, &settings, &[outbox, mail_account(&mail, &[]), by_line]);
    settings.listed = true;
    let mut outbox = app.outbox(OTHER);
    outbox.settings.insert("rate_per_second".into(), "50".into());
    let other = app.town_with(OTHER, &settings, &[outbox]);
    app.publish(&daily("daily", "4w0d..41w6d d0..d100 m1..m36"));
    app.publish(&notices("お知らせ"));
    let mut cases = families(&town, &line, &mut dice, count);
    let world = World {
        app: &app,
        town,
        other,
        line: &line,
        mail: &mail,
    };
    let mut ran = 0;
    for ahead in 0..STOPPING_DAYS + QUIET_DAYS {
        let on = day(TODAY) + ahead;
        app.clock.set(jst(&format!("{on} 06:00:00")));
        for case in cases.iter().filter(|case| case.moves == Some(ahead)) {
            world.moves(case);
        }
        let stopping: Vec<&mut Case> = cases.iter_mut().filter(|case| case.on == Some(ahead)).collect();
        if ahead < STOPPING_DAYS && !stopping.is_empty() {
            let outage = stopping.iter().any(|case| case.moment == Moment::InAnOutage);
            world.day(on, stopping, &mut dice);
            ran += usize::from(!outage);
        } else if dice.roll(15) > 0 {
            app.clock.set(jst(&format!("{on} 08:00:00")));
            world.run();
            ran += 1;
        }
        world.meddle(ahead, &cases);
        dispatch::expire(&app.env).unwrap();
        assert!(retention::tick(&app.env).unwrap().is_empty());
    }
    let moved = cases.iter().filter(|case| case.moves.is_some()).count();
    assert!(moved > 2 && !world.other.letters().is_empty(), "{moved} moved");
    let mut stopped = 0;
    for case in &cases {
        let now = world.messages(case);
        if let Some(then) = case.then {
            stopped += 1;
            assert_eq!(
                now, then,
                "seed {seed}: {:?} on day {:?} by {}",
                case.moment, case.on, case.channel
            );
        } else if case.channel == "outbox" {
            assert_eq!(now, ran, "seed {seed}: somebody else got less");
        } else {
            assert!(
                now > ran - 40,
                "seed {seed}: somebody else got {now} of {ran} by {}",
                case.channel
            );
        }
    }
    assert_eq!(stopped, cases.iter().filter(|case| case.on.is_some()).count());
}

/// More towns with `KIZUNA_TOWNS=20`.
#[expect(
    clippy::disallowed_methods,
    reason = "how many towns is asked for by whoever runs the tests"
)]
#[test]
fn after_a_stop_at_any_moment_nothing_comes_for_four_hundred_days() {
    let towns = std::env::var("KIZUNA_TOWNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    for seed in 1..=towns {
        live(seed, 35);
    }
}
