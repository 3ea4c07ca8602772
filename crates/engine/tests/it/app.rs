//! An installation for a test: a clock that stands still, identifiers in order, a town, its families and their letters.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::cadence::Slots;
use kizuna_domain::content::pack::{Manifest, Pack, PackArticle};
use kizuna_domain::content::{Owner, Placement, Review, Revision, Source, Verdict};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, Ids, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::position::{Anchor, Position};
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::actions::{Actor, content as packs, people as readers, tenants as actions};
use kizuna_engine::explain::{self, Preview};
use kizuna_engine::run::{self, Report, RunOutcome};
use kizuna_engine::{Clock, Env, Net, Pace, Stop};
use kizuna_store::people::{NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::tenants::{Account, Tenant};
use kizuna_store::{Db, Keyring, Location, fence, migrate, people, tenants};
use kizuna_testkit::mail::MailServer;
use kizuna_testkit::pg::Postgres;
use serde::Deserialize;
use uuid::Uuid;

/// The day of most tests.
pub(crate) const TODAY: &str = "2026-12-24";
/// Code of the town of most tests.
pub(crate) const TOWN: &str = "hidamari";
/// Stages that the daily series of most tests has articles for.
pub(crate) const STAGES: &str = "11w0d..13w6d d0..d14 m1 m2 m3";

/// A day as it is written.
pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// An instant as the clocks in Japan show it: `2026-12-24 08:00:00`.
pub(crate) fn jst(text: &str) -> Timestamp {
    format!("{}+09:00", text.replace(' ', "T")).parse().unwrap()
}

type Hook = Box<dyn FnOnce() + Send>;

struct Hands {
    now: Timestamp,
    hooks: VecDeque<(usize, Hook)>,
    waits: usize,
    shown: Vec<Timestamp>,
}

/// A clock that moves only when somebody waits for it.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<Hands>>);

impl TestClock {
    fn at(now: Timestamp) -> TestClock {
        TestClock(Arc::new(Mutex::new(Hands {
            now,
            hooks: VecDeque::new(),
            waits: 0,
            shown: Vec::new(),
        })))
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.hands().now = now;
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        let mut hands = self.hands();
        hands.now = hands.now.checked_add(by).unwrap();
    }

    /// Does something the moment somebody waits for the nth time from now, counted from 1.
    ///
    /// A paced account waits before every letter: this is how a test gets between two letters of a batch.
    pub(crate) fn on_wait(&self, nth: usize, hook: impl FnOnce() + Send + 'static) {
        let mut hands = self.hands();
        let at = hands.waits + nth;
        hands.hooks.push_back((at, Box::new(hook)));
    }

    /// The instants after each wait.
    pub(crate) fn shown(&self) -> Vec<Timestamp> {
        self.hands().shown.clone()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn wait(&self, duration: Duration) {
        let mut due = Vec::new();
        {
            let mut hands = self.hands();
            hands.now = hands
                .now
                .checked_add(SignedDuration::try_from(duration).unwrap())
                .unwrap();
            hands.waits += 1;
            let (now, waits) = (hands.now, hands.waits);
            hands.shown.push(now);
            while let Some(place) = hands.hooks.iter().position(|(at, _)| *at == waits) {
                due.extend(hands.hooks.remove(place));
            }
        }
        for (_, hook) in due {
            hook();
        }
    }
}

/// Identifiers in the order of their making.
struct InOrder(AtomicU64);

impl Ids for InOrder {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

enum Place {
    Folder,
    Server(Postgres),
}

/// One installation: a database, its witness file, its outbox folders.
pub(crate) struct TestApp {
    pub(crate) env: Arc<Env>,
    pub(crate) clock: TestClock,
    place: Place,
    folder: tempfile::TempDir,
    made: AtomicU64,
}

impl TestApp {
    /// On SQLite, at eight o'clock in Japan on the day of the tests.
    pub(crate) fn sqlite() -> TestApp {
        TestApp::on(Place::Folder)
    }

    /// On PostgreSQL.
    pub(crate) fn postgres() -> TestApp {
        TestApp::on(Place::Server(Postgres::schema()))
    }

    fn on(place: Place) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::at(jst("2026-12-24 08:00:00"));
        let location = match &place {
            Place::Folder => Location::File(folder.path().join("kizuna.db")),
            Place::Server(database) => Location::Server(database.url().to_owned()),
        };
        let witness = folder.path().join("kizuna.witness");
        let env = env(&location, &clock, &witness, "machine-1", 1);
        migrate::migrate(&env.db).unwrap();
        env.db.write(|tx| fence::create(tx, "node-1")).unwrap();
        TestApp {
            env,
            clock,
            place,
            folder,
            made: AtomicU64::new(1),
        }
    }

    /// The outside world of another process on this machine with the same database.
    pub(crate) fn another_process(&self) -> Arc<Env> {
        let (location, witness) = (self.location(), self.env.witness.clone());
        env(&location, &self.clock, &witness, "machine-1", self.next() << 32)
    }

    /// The outside world of a process on a SQLite file, with this witness, on a machine of this name.
    pub(crate) fn process_on(&self, file: &Path, witness: &Path, machine: &str) -> Arc<Env> {
        env(
            &Location::File(file.to_owned()),
            &self.clock,
            witness,
            machine,
            self.next() << 32,
        )
    }

    fn location(&self) -> Location {
        match &self.place {
            Place::Folder => Location::File(self.path("kizuna.db")),
            Place::Server(database) => Location::Server(database.url().to_owned()),
        }
    }

    /// A path in the folder of this test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn next(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// Settings of a city that sends the daily series.
    pub(crate) fn settings() -> Settings {
        serde_json::from_value(serde_json::json!({
            "kind": "municipality", "sender_name": "ひだまり市 子育てだより", "adopt": [{ "track": "daily", "join": "from-today" }],
        }))
        .unwrap()
    }

    /// Where a town of this code puts its letters.
    pub(crate) fn outbox(&self, code: &str) -> NewAccount {
        let folder = self.path("outbox").join(code).display().to_string();
        let settings = [("folder".to_owned(), folder), ("format".to_owned(), "json".to_owned())];
        NewAccount {
            channel: "outbox".into(),
            settings: settings.into(),
            ..NewAccount::default()
        }
    }

    /// The town of most tests: the daily series over [`STAGES`], letters into a folder.
    pub(crate) fn town(&self) -> Town<'_> {
        let town = self.town_with(TOWN, &TestApp::settings(), &[self.outbox(TOWN)]);
        self.publish(&daily("daily", STAGES));
        town
    }

    /// The same, by e-mail to a server of the test, over one session.
    pub(crate) fn mail_town(&self, server: &MailServer) -> Town<'_> {
        let town = self.town_with(TOWN, &TestApp::settings(), &[mail_account(server, &[])]);
        self.publish(&daily("daily", STAGES));
        town
    }

    pub(crate) fn town_with(&self, code: &str, settings: &Settings, accounts: &[NewAccount]) -> Town<'_> {
        actions::put(&self.env, code, code, settings, accounts).unwrap();
        Town {
            app: self,
            code: code.to_owned(),
        }
    }

    /// Imports and publishes a pack of the desk.
    pub(crate) fn publish(&self, pack: &Pack) {
        packs::import(&self.env, None, pack).unwrap();
    }

    /// Everything that is due, as the command line does it.
    pub(crate) fn run(&self) -> RunOutcome {
        run_on(&self.env)
    }

    /// A day that an operator names.
    pub(crate) fn run_day(&self, on: &str) -> RunOutcome {
        run::run(&self.env, None, Some(day(on)), &|_, _| {}, &|_| {}).unwrap()
    }
}

/// Everything that is due, by a process of its own.
pub(crate) fn run_on(env: &Env) -> RunOutcome {
    run::run(env, None, None, &|_, _| {}, &|_| {}).unwrap()
}

/// The report of the only tenant.
pub(crate) fn only(outcome: RunOutcome) -> Report {
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert_eq!(outcome.reports.len(), 1);
    outcome.reports.into_iter().next().unwrap()
}

/// Bytes that differ at each call.
#[expect(clippy::unnecessary_wraps, reason = "the machine's source may fail")]
fn random() -> std::io::Result<[u8; 32]> {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    let call = CALLS
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = (call.rotate_left(u32::try_from(place).unwrap() * 7) & 0xff) as u8;
    }
    Ok(bytes)
}

fn env(location: &Location, clock: &TestClock, witness: &Path, machine: &str, first_id: u64) -> Arc<Env> {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Arc::new(Env {
        db: Db::open(location).unwrap(),
        keys: Keyring::new(&[7; 32]),
        net: Net::new(Arc::clone(&clock)),
        clock,
        random: Box::new(random),
        ids: Box::new(InOrder(AtomicU64::new(first_id))),
        pace: Pace {
            page: 50,
            ..Pace::default()
        },
        stop: Stop::default(),
        witness: witness.to_owned(),
        machine: machine.to_owned(),
    })
}

/// An e-mail account at a server of the test, over one session unless the settings say otherwise.
pub(crate) fn mail_account(server: &MailServer, more: &[(&str, &str)]) -> NewAccount {
    let port = server.port().to_string();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", port.as_str()),
        ("security", "none"),
        ("from_address", "kosodate@hidamari.example"),
        ("envelope_domain", "bounce.hidamari.example"),
        ("sessions", "1"),
    ];
    let settings: BTreeMap<_, _> = settings
        .iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    NewAccount {
        channel: "email".into(),
        settings,
        ..NewAccount::default()
    }
}

/// One article for each of these slots, approved; titles name their place.
pub(crate) fn daily(track: &str, slots: &str) -> Pack {
    let Slots::Only(slots) = slots.parse().unwrap() else {
        panic!("every slot is too many")
    };
    pack(
        track,
        Owner::Desk,
        slots.into_iter().map(|slot| article(&slot.to_string())).collect(),
    )
}

pub(crate) fn pack(track: &str, owner: Owner, articles: Vec<PackArticle>) -> Pack {
    Pack {
        manifest: Manifest {
            format: 1,
            track: track.into(),
            title: track.into(),
            owner,
            language: "ja".into(),
            sender_label: "きずなだより".into(),
            approvals_required: Some(1),
            covers: None,
        },
        desks: vec![],
        articles,
        pictures: vec![],
        support: None,
    }
}

/// An approved article at some slots, `"12w0d d30"`, and on some days, `"2026-12-05"`.
pub(crate) fn article(places: &str) -> PackArticle {
    let mut placement = Placement {
        slots: vec![],
        on: vec![],
        from_slot: None,
        until_slot: None,
        order: 0,
        clock: kizuna_domain::position::Clock::Calendar,
        preterm_only: false,
        useful_days: 0,
        must_know: false,
        useful_until_slot: None,
        valid_from: None,
        valid_until: None,
        areas: vec![],
    };
    for place in places.split_whitespace() {
        match place.parse::<Position>() {
            Ok(slot) => placement.slots.push(slot),
            Err(_) => placement.on.push(day(place)),
        }
    }
    let source = Source {
        title: "本".into(),
        publisher: "省".into(),
        year: 2024,
        url: None,
    };
    let review = Review {
        by: "医師".into(),
        role: "産婦人科医".into(),
        on: day("2026-04-01"),
        verdict: Verdict::Approved,
    };
    PackArticle {
        id: places.replace(' ', "-"),
        revision: Revision {
            title: format!("題 {places}"),
            body: format!("本文 {places}"),
            sources: vec![source],
            desks: vec![],
            contact: None,
            owner_section: Some("こども課".into()),
        },
        placement,
        reviews: vec![review],
    }
}

/// The same with something changed.
pub(crate) fn article_with(places: &str, change: impl FnOnce(&mut PackArticle)) -> PackArticle {
    let mut article = article(places);
    change(&mut article);
    article
}

/// A tenant of an installation.
pub(crate) struct Town<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) code: String,
}

impl Town<'_> {
    pub(crate) fn tenant(&self) -> Tenant {
        self.app
            .env
            .db
            .read(|tx| tenants::by_code(tx, &self.code))
            .unwrap()
            .unwrap()
    }

    pub(crate) fn accounts(&self) -> Vec<Account> {
        let env = &self.app.env;
        env.db
            .read(|tx| tenants::accounts(tx, &env.keys, self.tenant().scope()))
            .unwrap()
    }

    /// A reader with one child, at 12w3d today, who registered long ago.
    pub(crate) fn family(&self, name: &str) -> NewFamily<'_> {
        NewFamily {
            town: self,
            name: name.to_owned(),
            anchor: Anchor::Due(day(TODAY) + 193),
            registered_on: day("2026-01-01"),
            area: None,
            state: SubscriptionState::Active,
            point: PointState::Verified,
            of: None,
            by: None,
        }
    }

    /// Several readers like that.
    pub(crate) fn families(&self, count: usize) -> Vec<Family> {
        (0..count)
            .map(|number| self.family(&format!("family{number:03}")).add())
            .collect()
    }

    pub(crate) fn stop(&self, family: &Family) {
        readers::stop(&self.app.env, self.tenant().scope(), family.subscriber, Actor::Reader).unwrap();
    }

    pub(crate) fn pause(&self, family: &Family, paused: bool) {
        let change = if paused { life::pause } else { life::resume };
        let which = Which::One(family.subscription);
        change(&self.app.env, &self.tenant(), family.subscriber, which).unwrap();
    }

    pub(crate) fn move_to(&self, family: &Family, anchor: Anchor) {
        let scope = self.tenant().scope();
        readers::move_anchor(&self.app.env, scope, family.subscription, anchor, Actor::CommandLine).unwrap();
    }

    pub(crate) fn preview(&self, on: Day) -> Preview {
        explain::preview(&self.app.env, &self.tenant(), on).unwrap()
    }

    /// What the ledger holds for a family on a day: slot and state.
    pub(crate) fn states(&self, family: &Family, on: &str) -> Vec<(String, String)> {
        let why = explain::why(&self.app.env, &self.tenant(), &family.subscription.to_string(), day(on)).unwrap();
        why.deliveries
            .into_iter()
            .map(|delivery| (delivery.slot, delivery.state))
            .collect()
    }

    pub(crate) fn report(&self, on: &str) -> Report {
        run::day_report(&self.app.env, &self.tenant(), day(on)).unwrap()
    }

    /// The letters in this town's folder, by reader.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        let folder = self.app.path("outbox").join(&self.code);
        let Ok(files) = std::fs::read_dir(&folder) else {
            return vec![];
        };
        let mut letters: Vec<Letter> = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
            .collect();
        letters.sort_by(|a, b| (&a.to, &a.key).cmp(&(&b.to, &b.key)));
        letters
    }

    /// The letters to one reader.
    pub(crate) fn letters_to(&self, family: &Family) -> Vec<Letter> {
        self.letters()
            .into_iter()
            .filter(|letter| letter.to == family.address)
            .collect()
    }
}

/// A letter as the outbox channel writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Letter {
    pub(crate) key: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) stage: String,
    pub(crate) text: String,
    pub(crate) sample: bool,
}

/// A reader to be.
pub(crate) struct NewFamily<'t> {
    town: &'t Town<'t>,
    name: String,
    anchor: Anchor,
    registered_on: Day,
    area: Option<String>,
    state: SubscriptionState,
    point: PointState,
    of: Option<Family>,
    by: Option<&'static str>,
}

impl NewFamily<'_> {
    pub(crate) fn due(self, due: &str) -> Self {
        self.anchor(Anchor::Due(day(due)))
    }

    pub(crate) fn born(self, on: &str) -> Self {
        self.anchor(Anchor::Birth { on: day(on), due: None })
    }

    pub(crate) fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(crate) fn registered(mut self, on: Day) -> Self {
        self.registered_on = on;
        self
    }

    pub(crate) fn area(mut self, area: Option<&str>) -> Self {
        self.area = area.map(str::to_owned);
        self
    }

    pub(crate) fn state(mut self, state: SubscriptionState) -> Self {
        self.state = state;
        self
    }

    pub(crate) fn point(mut self, state: PointState) -> Self {
        self.point = state;
        self
    }

    /// Read on this channel instead of the town's first.
    pub(crate) fn by(mut self, channel: &'static str) -> Self {
        self.by = Some(channel);
        self
    }

    /// Another child of a reader who is there already.
    pub(crate) fn of(mut self, reader: &Family) -> Self {
        self.of = Some(reader.clone());
        self
    }

    /// Registers, as a form or a list does.
    pub(crate) fn add(self) -> Family {
        let (app, tenant) = (self.town.app, self.town.tenant());
        let (env, scope) = (&app.env, tenant.scope());
        let accounts = self.town.accounts();
        let wanted = self.by.unwrap_or("line");
        let wanted = accounts.iter().find(|account| account.channel == wanted);
        let account = wanted.or(accounts.first()).unwrap().clone();
        let subscription = SubscriptionId::new(env.ids.next());
        let known = self.of.is_some();
        let family = match self.of {
            Some(reader) => Family { subscription, ..reader },
            None => Family {
                subscription,
                subscriber: SubscriberId::new(env.ids.next()),
                point: PointId::new(env.ids.next()),
                address: match account.channel.as_str() {
                    "line" => line_user(&self.name),
                    _ => format!("{}@{}.example", self.name, tenant.code),
                },
            },
        };
        let point = NewPoint {
            id: family.point,
            subscriber: family.subscriber,
            account: account.id,
            channel: account.channel,
            address: family.address.clone(),
            state: self.point,
        };
        let reader = NewSubscriber {
            id: family.subscriber,
            reference: None,
            relation: Relation::Mother,
            language: "ja".into(),
            area: self.area,
            registered_at: env.clock.now(),
        };
        let child = NewSubscription {
            id: subscription,
            subscriber: family.subscriber,
            anchor: self.anchor,
            nickname: Some(self.name).filter(|name| name.len() <= 20),
            registered_on: self.registered_on,
            state: self.state,
        };
        env.db
            .write(|tx| {
                if !known {
                    people::add_subscriber(tx, scope, &reader)?;
                    people::add_point(tx, &env.keys, scope, &point)?;
                }
                people::add_subscription(tx, &env.keys, scope, &child)?;
                people::refresh_reach(tx, scope, family.subscriber)?;
                tenants::touch(tx, scope)
            })
            .unwrap();
        family
    }
}

/// One reader with one child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) subscriber: SubscriberId,
    pub(crate) subscription: SubscriptionId,
    pub(crate) point: PointId,
    pub(crate) address: String,
}

/// The id of a LINE user of this name.
pub(crate) fn line_user(name: &str) -> String {
    format!("U{}", Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()).simple())
}

/// The account of a town, by channel.
pub(crate) fn account(town: &Town<'_>) -> AccountId {
    town.accounts().first().unwrap().id
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($(#[$meta:meta])* fn $name:ident($app:ident) $body:block) => {
        mod $name {
            use super::*;

            fn story($app: &TestApp) $body

            $(#[$meta])*
            #[test]
            fn sqlite() {
                story(&TestApp::sqlite());
            }

            $(#[$meta])*
            #[test]
            fn postgres() {
                story(&TestApp::postgres());
            }
        }
    };
}
pub(crate) use on_both;
