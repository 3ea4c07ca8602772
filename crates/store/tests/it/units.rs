//! Units of work: whole or not at all, one after the other, whatever else happens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use kizuna_domain::ids::TenantId;
use kizuna_store::db::Sql;
use kizuna_store::{Db, Location, StoreError, fence, migrate, tenants};

use crate::town::{Fixture, Town, id, settings};

const GIVE_UP: StoreError = StoreError::Refused { what: "given up" };

store_test!(
    fn a_unit_that_fails_leaves_nothing_and_the_next_one_runs(store: &Fixture) {
        let failed = store.db.write(|tx| {
            fence::create(tx, "first")?;
            Err::<(), _>(GIVE_UP)
        });

        assert!(
            matches!(failed, Err(StoreError::Refused { what: "given up" })),
            "{failed:?}"
        );
        assert_eq!(store.read(fence::get), None);
        store.write(|tx| fence::create(tx, "second"));
        assert_eq!(store.read(fence::get).unwrap().node, "second");
    }
);

store_test!(
    fn a_unit_that_panics_leaves_nothing_and_blocks_nobody(store: &Fixture) {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.db.write(|tx| {
                fence::create(tx, "first")?;
                panic!("as expected") as Result<(), StoreError>
            })
        }));

        assert!(panicked.is_err());
        if let Some(file) = store.file() {
            // Another process may write at once, before this one opens its next unit.
            let other = rusqlite::Connection::open(file).unwrap();
            other.busy_timeout(std::time::Duration::ZERO).unwrap();
            other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
        }
        store.again().write(|tx| fence::create(tx, "second")).unwrap();
        store.write(|tx| fence::create(tx, "third"));
        assert_eq!(store.read(fence::get).unwrap().node, "second");
    }
);

store_test!(
    fn a_look_that_panics_or_fails_is_followed_by_another(store: &Fixture) {
        store.write(|tx| fence::create(tx, "node"));

        let panicked = catch_unwind(AssertUnwindSafe(|| {
            store.db.read(|tx| {
                fence::get(tx)?;
                panic!("as expected") as Result<(), StoreError>
            })
        }));
        let failed = store.db.read(|_| Err::<(), _>(GIVE_UP));

        assert!(panicked.is_err() && failed.is_err());
        assert_eq!(store.read(fence::get).unwrap().node, "node");
    }
);

store_test!(
    fn a_failed_statement_cannot_be_overlooked(store: &Fixture) {
        let town = Town::with(store);

        let result = store.db.write(|tx| {
            tenants::touch(tx, town.scope)?;
            let batch = town.batch();
            batch.add(tx)?;
            let repeated = batch.add(tx);
            assert!(matches!(repeated, Err(StoreError::Conflict { .. })), "{repeated:?}");
            Ok(())
        });

        assert!(matches!(result, Err(StoreError::Refused { .. })), "{result:?}");
        assert_eq!(store.read(|tx| tenants::version(tx, town.scope)), 1);
        assert_eq!(store.number("SELECT COUNT(*) FROM batches"), 0);
    }
);

store_test!(
    fn the_writes_of_two_processes_come_one_after_the_other(store: &Fixture) {
        const TIMES: i64 = 50;
        let town = Town::with(store);
        let start = Barrier::new(2);
        let process = || {
            let db = store.again();
            start.wait();
            for _ in 0..TIMES {
                db.write(|tx| tenants::touch(tx, town.scope)).unwrap();
            }
        };

        thread::scope(|scope| [scope.spawn(process), scope.spawn(process)].map(|one| one.join().unwrap()));

        assert_eq!(store.read(|tx| tenants::version(tx, town.scope)), 1 + 2 * TIMES);
    }
);

store_test!(
    fn a_look_sees_one_state_from_beginning_to_end(store: &Fixture) {
        let town = Town::with(store);

        let (before, after) = store.read(|tx| {
            let before = tenants::version(tx, town.scope)?;
            store.write(|tx| tenants::touch(tx, town.scope));
            Ok((before, tenants::version(tx, town.scope)?))
        });

        assert_eq!(before, after);
        assert_eq!(store.read(|tx| tenants::version(tx, town.scope)), before + 1);
    }
);

store_test!(
    fn a_row_that_points_nowhere_is_refused(store: &Fixture) {
        let town = Town::with(store);
        let nobody = crate::town::Family {
            subscriber: kizuna_domain::ids::SubscriberId::new(id()),
            subscription: kizuna_domain::ids::SubscriptionId::new(id()),
            point: kizuna_domain::ids::PointId::new(id()),
        };
        let orphan = kizuna_store::people::NewSubscription {
            id: nobody.subscription,
            subscriber: nobody.subscriber,
            anchor: kizuna_domain::position::Anchor::Due(crate::town::day("2026-12-25")),
            nickname: None,
            registered_on: crate::town::day("2026-06-01"),
            state: kizuna_domain::people::SubscriptionState::Active,
        };

        let refused = store
            .db
            .write(|tx| kizuna_store::people::add_subscription(tx, &store.keys, town.scope, &orphan))
            .unwrap_err();

        assert!(!refused.is_transient() && !refused.is_duplicate(), "{refused:?}");
    }
);

store_test!(
    fn a_damaged_row_is_named_and_the_others_are_not_harmed(store: &Fixture) {
        Town::named(store, "whole");
        Town::named(store, "damaged");
        store.meddle("UPDATE tenants SET settings = '{' WHERE code = 'damaged'");

        let damaged = store.db.read(|tx| tenants::by_code(tx, "damaged")).unwrap_err();

        assert_eq!(
            damaged.to_string(),
            "column 3 does not hold a document; the database may be damaged or newer than this program"
        );
        assert!(store.read(|tx| tenants::by_code(tx, "whole")).is_some());
        assert_eq!(
            store.read(tenants::codes),
            ["damaged", "whole"],
            "its code can still be read"
        );
    }
);

#[test]
fn sqlite_keeps_what_it_acknowledged_through_a_power_cut() {
    let store = Fixture::sqlite();
    let asked = |lite: &'static str| Sql {
        name: "test",
        pg: "",
        lite,
    };

    let mode = store
        .write(|tx| tx.one(&asked("PRAGMA journal_mode"), &[], |row| Ok(row.text(0)?.to_owned())))
        .unwrap();
    let [synchronous, foreign_keys] = ["PRAGMA synchronous", "PRAGMA foreign_keys"]
        .map(|text| store.write(|tx| tx.one(&asked(text), &[], |row| row.int(0))));

    assert_eq!(
        (mode.as_str(), synchronous, foreign_keys),
        ("wal", Some(2), Some(1)),
        "WAL, FULL, ON"
    );
}

#[test]
fn processes_that_open_a_new_file_at_once_do_not_disturb_each_other() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::File(folder.path().join("kizuna.db"));
        let start = Barrier::new(4);
        let process = || {
            start.wait();
            let db = Db::open(&location).unwrap();
            migrate::migrate(&db).unwrap();
            db.read(fence::get).unwrap()
        };

        thread::scope(|scope| [(); 4].map(|()| scope.spawn(process)).map(|one| one.join().unwrap()));
    }
}

#[test]
fn a_sqlite_database_is_copied_while_it_is_in_use() {
    let store = Fixture::sqlite();
    Town::named(&store, "copied");
    let copy = store.file().unwrap().with_file_name("copy.db");

    store.read(|tx| {
        tenants::all(tx)?;
        store.db.backup_to(&copy)
    });

    let copy = Db::open(&Location::File(copy)).unwrap();
    migrate::verify(&copy).unwrap();
    assert!(copy.read(|tx| tenants::by_code(tx, "copied")).unwrap().is_some());
}

#[test]
fn a_postgres_database_is_copied_by_its_own_tool() {
    let store = Fixture::postgres();

    let refused = store.db.backup_to(std::path::Path::new("copy.db")).unwrap_err();

    assert_eq!(refused.to_string(), "use pg_dump to copy a PostgreSQL database");
}

const CUT_THE_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn a_connection_cut_in_the_middle_loses_the_unit_and_nothing_else() {
    let store = Fixture::postgres();

    let cut = store.db.write(|tx| {
        fence::create(tx, "first")?;
        store.meddle(CUT_THE_OTHERS);
        fence::get(tx).map(|_| ())
    });

    assert!(cut.as_ref().is_err_and(StoreError::is_transient), "{cut:?}");
    assert_eq!(
        cut.unwrap_err().to_string(),
        "PostgreSQL (kizuna_store::fence::GET)",
        "the cause, not what followed"
    );
    store.write(|tx| fence::create(tx, "second"));
    assert_eq!(store.read(fence::get).unwrap().node, "second");
}

#[test]
fn a_connection_cut_between_units_is_a_reason_to_repeat() {
    let store = Fixture::postgres();
    store.write(|tx| fence::create(tx, "node"));
    store.meddle(CUT_THE_OTHERS);

    let node = (0..3).find_map(|_| match store.db.read(fence::get) {
        Ok(fence) => fence,
        Err(error) => {
            assert!(error.is_transient(), "{error:?}");
            None
        }
    });

    assert_eq!(node.unwrap().node, "node");
}

#[test]
fn a_server_that_is_away_is_a_reason_to_repeat() {
    // Nobody listens on the port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();

    let away = Db::open(&Location::Server(format!("postgres://kizuna@{gone}/kizuna"))).unwrap_err();

    assert!(away.is_transient(), "{away:?}");
}

#[test]
fn a_location_is_a_file_or_a_server() {
    assert_eq!(
        Location::parse("sqlite:kizuna.db").unwrap(),
        Location::File("kizuna.db".into())
    );
    let server = "postgres://kizuna@127.0.0.1/kizuna";
    assert_eq!(Location::parse(server).unwrap(), Location::Server(server.to_owned()));
    for wrong in ["", "sqlite:", "kizuna.db", "mysql://x"] {
        let error = Location::parse(wrong).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database must be written as sqlite:FILE or postgres://USER@HOST/NAME",
            "{wrong}"
        );
    }
}

store_test!(
    fn a_tenant_twice_is_told_apart_from_other_faults(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();

        let taken = store
            .db
            .write(|tx| kizuna_store::people::add_subscriber(tx, town.scope, &crate::town::reader(hanako.subscriber)));

        assert!(
            taken
                .as_ref()
                .is_err_and(|error| error.is_transient() && !error.is_duplicate()),
            "{taken:?}"
        );
        let changed = store.write(|tx| tenants::put(tx, TenantId::new(id()), &town.code, "新しい名", &settings("x")));
        assert_eq!((changed.scope(), changed.version), (town.scope, 2));
    }
);
