//! Databases and an invented town for the tests, with readable defaults.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, BatchId, CohortId, PointId, RunId, SubscriberId, SubscriptionId, TenantId};
use kizuna_domain::message::Draft;
use kizuna_domain::people::{PointState, Relation, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_domain::tenant::Settings;
use kizuna_store::db::Sql;
use kizuna_store::people::{NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{Claimed, LetterRow, NewBatch, NewDelivery};
use kizuna_store::{Db, Keyring, Location, ReadTx, Scope, StoreError, WriteTx, migrate, people, runs, tenants};
use kizuna_testkit::pg::Postgres;
use uuid::Uuid;

/// The installation's key of every test.
pub(crate) const KEY: [u8; 32] = [7; 32];
/// The day of every test.
pub(crate) const TODAY: &str = "2026-12-24";

/// A day as it is written.
pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// Minutes after eight o'clock in Japan on the day of the tests.
pub(crate) fn at(minutes: i64) -> Timestamp {
    "2026-12-23T23:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

/// A new identifier; later ones do not sort after earlier ones, so that no test leans on the order of making.
pub(crate) fn id() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let number = u128::from(MADE.fetch_add(1, Ordering::Relaxed));
    Uuid::from_u128(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

enum Place {
    Folder(tempfile::TempDir),
    Server(Postgres),
}

/// A database of its own for one test.
pub(crate) struct Fixture {
    pub(crate) db: Db,
    pub(crate) keys: Keyring,
    place: Place,
}

impl Fixture {
    /// A SQLite file with today's tables.
    pub(crate) fn sqlite() -> Fixture {
        Fixture::empty(Place::Folder(tempfile::tempdir().unwrap())).migrated()
    }

    /// A PostgreSQL database with today's tables.
    pub(crate) fn postgres() -> Fixture {
        Fixture::empty(Place::Server(Postgres::schema())).migrated()
    }

    /// Another database of the same kind without any table.
    pub(crate) fn fresh(&self) -> Fixture {
        Fixture::empty(match &self.place {
            Place::Folder(_) => Place::Folder(tempfile::tempdir().unwrap()),
            Place::Server(_) => Place::Server(Postgres::schema()),
        })
    }

    fn empty(place: Place) -> Fixture {
        let db = Db::open(&location(&place)).unwrap();
        Fixture {
            db,
            keys: Keyring::new(&KEY),
            place,
        }
    }

    /// With today's tables.
    pub(crate) fn migrated(self) -> Fixture {
        migrate::migrate(&self.db).unwrap();
        self
    }

    /// The same database opened again, as another process does.
    pub(crate) fn again(&self) -> Db {
        Db::open(&self.location()).unwrap()
    }

    pub(crate) fn location(&self) -> Location {
        location(&self.place)
    }

    /// The SQLite file, if it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self.location() {
            Location::File(path) => Some(path),
            Location::Server(_) => None,
        }
    }

    pub(crate) fn write<T>(&self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, StoreError>) -> T {
        self.db.write(work).unwrap()
    }

    pub(crate) fn read<T>(&self, work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, StoreError>) -> T {
        self.db.read(work).unwrap()
    }

    /// Statements from outside the product, as damage or a database tool would bring them.
    pub(crate) fn meddle(&self, statements: &str) {
        match self.location() {
            Location::File(path) => rusqlite::Connection::open(path)
                .unwrap()
                .execute_batch(statements)
                .unwrap(),
            Location::Server(url) => {
                let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                client.batch_execute(statements).unwrap();
            }
        }
    }

    /// The bytes of an identifier as this database writes them in a statement.
    pub(crate) fn literal(&self, id: &[u8; 16]) -> String {
        let digits = Uuid::from_bytes(*id).simple();
        match &self.place {
            Place::Folder(_) => format!("X'{digits}'"),
            Place::Server(_) => format!("'\\x{digits}'::bytea"),
        }
    }

    /// How many rows have each of these bytes in each of these columns.
    pub(crate) fn rows_with(&self, columns: &[String], bytes: &[Vec<u8>]) -> Vec<(String, i64)> {
        let mut count: Box<Count> = match self.location() {
            Location::File(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                Box::new(move |text, bytes| connection.query_row(text, [bytes], |row| row.get(0)).unwrap())
            }
            Location::Server(url) => {
                let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                Box::new(move |text, bytes| client.query_one(text, &[&bytes]).unwrap().get(0))
            }
        };
        let mut found = Vec::new();
        for column in columns {
            let (table, name) = column.split_once('.').unwrap();
            let text = format!("SELECT COUNT(*) FROM {table} WHERE {name} = $1");
            let rows = bytes.iter().map(|bytes| count(&text, bytes)).sum();
            found.push((column.clone(), rows));
        }
        found
    }

    /// The number that a statement answers.
    pub(crate) fn number(&self, text: &'static str) -> i64 {
        let sql = Sql {
            name: "test",
            pg: text,
            lite: text,
        };
        self.read(|tx| tx.one(&sql, &[], |row| row.int(0))).unwrap()
    }
}

/// Asks a database how many rows have these bytes.
type Count = dyn FnMut(&str, &[u8]) -> i64;

fn location(place: &Place) -> Location {
    match place {
        Place::Folder(folder) => Location::File(folder.path().join("kizuna.db")),
        Place::Server(database) => Location::Server(database.url().to_owned()),
    }
}

/// Settings of a city that sends from eight to eight.
pub(crate) fn settings(name: &str) -> Settings {
    serde_json::from_value(serde_json::json!({ "kind": "municipality", "sender_name": name })).unwrap()
}

/// A message that says little.
pub(crate) fn draft(title: &str) -> Draft {
    Draft {
        v: 1,
        language: "ja".into(),
        from: "ひだまり市".into(),
        subject: title.into(),
        stage: "妊娠12週3日".into(),
        sample: false,
        sections: vec![],
        desks: vec![],
        asks: false,
    }
}

/// A tenant with one account and the run of the day.
pub(crate) struct Town<'s> {
    pub(crate) store: &'s Fixture,
    pub(crate) scope: Scope,
    pub(crate) code: String,
    pub(crate) account: AccountId,
    pub(crate) run: RunId,
    pub(crate) cohort: CohortId,
}

impl<'s> Town<'s> {
    pub(crate) fn with(store: &'s Fixture) -> Town<'s> {
        Town::named(store, "hidamari")
    }

    pub(crate) fn named(store: &'s Fixture, code: &str) -> Town<'s> {
        let (account, run, cohort) = (AccountId::new(id()), RunId::new(id()), CohortId::new(id()));
        let scope = store.write(|tx| {
            let tenant = tenants::put(tx, TenantId::new(id()), code, code, &settings(code))?;
            let scope = tenant.scope();
            tenants::put_account(tx, &store.keys, scope, account, "email", &[].into(), &[].into())?;
            runs::open(tx, scope, run, day(TODAY), at(0))?;
            runs::add_cohort(tx, &store.keys, scope, cohort, &draft("きょうのたより"))?;
            Ok(scope)
        });
        Town {
            store,
            scope,
            code: code.to_owned(),
            account,
            run,
            cohort,
        }
    }

    /// A reader with one child, due tomorrow unless said otherwise.
    pub(crate) fn family(&self, name: &str) -> NewFamily<'_> {
        NewFamily {
            town: self,
            name: name.to_owned(),
            subscriber: None,
            anchor: Anchor::Due(day("2026-12-25")),
            registered_on: day("2026-06-01"),
            state: SubscriptionState::Active,
            address: Some((format!("{name}@{}.example", self.code), PointState::Verified)),
        }
    }

    /// A batch that is due at once.
    pub(crate) fn batch(&self) -> NewMail<'_> {
        let (id, rows) = (BatchId::new(id()), Vec::new());
        NewMail {
            town: self,
            id,
            lane: 1,
            not_before: at(0),
            expires: at(600),
            rows,
            letters: 0,
        }
    }

    /// Takes up to `limit` batches at a minute, for ten minutes.
    pub(crate) fn claim(&self, minute: i64, limit: usize) -> Vec<Claimed> {
        self.store
            .write(|tx| runs::claim(tx, self.account, at(minute), at(minute + 10), limit))
    }

    pub(crate) fn letters(&self, batch: BatchId) -> Vec<LetterRow> {
        self.store
            .read(|tx| runs::letters(tx, &self.store.keys, self.scope, batch, 100))
    }

    pub(crate) fn is_reserved(&self, family: &Family, slot: &str) -> bool {
        self.store
            .read(|tx| runs::is_reserved(tx, self.scope, family.subscription, slot))
    }
}

/// A reader to be.
pub(crate) struct NewFamily<'t> {
    town: &'t Town<'t>,
    name: String,
    subscriber: Option<SubscriberId>,
    anchor: Anchor,
    registered_on: Day,
    state: SubscriptionState,
    address: Option<(String, PointState)>,
}

impl NewFamily<'_> {
    pub(crate) fn due(mut self, due: &str) -> Self {
        self.anchor = Anchor::Due(day(due));
        self
    }

    pub(crate) fn born(mut self, on: &str) -> Self {
        self.anchor = Anchor::Birth { on: day(on), due: None };
        self
    }

    pub(crate) fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(crate) fn registered(mut self, on: Day) -> Self {
        self.registered_on = on;
        self
    }

    pub(crate) fn state(mut self, state: SubscriptionState) -> Self {
        self.state = state;
        self
    }

    pub(crate) fn address(mut self, address: &str, state: PointState) -> Self {
        self.address = Some((address.to_owned(), state));
        self
    }

    pub(crate) fn without_address(mut self) -> Self {
        self.address = None;
        self
    }

    /// Another child of a reader who is there already.
    pub(crate) fn of(mut self, reader: &Family) -> Self {
        self.subscriber = Some(reader.subscriber);
        self.address = None;
        self
    }

    pub(crate) fn build(self) -> Family {
        let (store, scope) = (self.town.store, self.town.scope);
        let subscriber = self.subscriber.unwrap_or(SubscriberId::new(id()));
        let (subscription, point) = (SubscriptionId::new(id()), PointId::new(id()));
        store.write(|tx| {
            if self.subscriber.is_none() {
                people::add_subscriber(tx, scope, &reader(subscriber))?;
            }
            if let Some((address, state)) = &self.address {
                let new = NewPoint {
                    id: point,
                    subscriber,
                    account: self.town.account,
                    channel: "email".into(),
                    address: address.clone(),
                    state: *state,
                };
                people::add_point(tx, &store.keys, scope, &new)?;
            }
            let new = NewSubscription {
                id: subscription,
                subscriber,
                anchor: self.anchor,
                nickname: Some(self.name.clone()),
                registered_on: self.registered_on,
                state: self.state,
            };
            people::add_subscription(tx, &store.keys, scope, &new)?;
            people::refresh_reach(tx, scope, subscriber)
        });
        Family {
            subscriber,
            subscription,
            point,
        }
    }
}

/// A reader as a registration brings one.
pub(crate) fn reader(id: SubscriberId) -> NewSubscriber {
    NewSubscriber {
        id,
        reference: None,
        relation: Relation::Mother,
        language: "ja".into(),
        area: None,
        registered_at: at(0),
    }
}

/// One reader with one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) subscriber: SubscriberId,
    pub(crate) subscription: SubscriptionId,
    pub(crate) point: PointId,
}

/// A batch to be.
pub(crate) struct NewMail<'t> {
    town: &'t Town<'t>,
    pub(crate) id: BatchId,
    lane: i64,
    not_before: Timestamp,
    expires: Timestamp,
    rows: Vec<NewDelivery>,
    letters: i64,
}

impl NewMail<'_> {
    pub(crate) fn lane(mut self, lane: i64) -> Self {
        self.lane = lane;
        self
    }

    pub(crate) fn not_before(mut self, minute: i64) -> Self {
        self.not_before = at(minute);
        self
    }

    pub(crate) fn expires(mut self, minute: i64) -> Self {
        self.expires = at(minute);
        self
    }

    /// The next letter: one reader's slots, also of several children.
    pub(crate) fn letter(mut self, slots: &[(&Family, &str)]) -> Self {
        for (family, slot) in slots {
            let (reader, child) = (slots.first().map_or(*family, |first| first.0), family);
            self.rows.push(NewDelivery {
                subscription: child.subscription,
                slot: (*slot).to_owned(),
                subscriber: reader.subscriber,
                point: reader.point,
                cohort: self.town.cohort,
                batch: self.id,
                number: self.letters,
                day: day(TODAY),
            });
        }
        self.letters += 1;
        self
    }

    pub(crate) fn rows(&self) -> Vec<NewDelivery> {
        self.rows.clone()
    }

    pub(crate) fn new_batch(&self) -> NewBatch {
        NewBatch {
            id: self.id,
            run: self.town.run,
            account: self.town.account,
            lane: self.lane,
            letters: self.letters,
            attempt: 0,
            not_before: self.not_before,
            expires: self.expires,
        }
    }

    pub(crate) fn add(&self, tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
        runs::add_batch(tx, self.town.scope, &self.new_batch())?;
        runs::add_deliveries(tx, self.town.scope, &self.rows()).map(|_| ())
    }

    pub(crate) fn build(self) -> BatchId {
        self.town.store.write(|tx| self.add(tx));
        self.id
    }
}
