//! Migrations: once each, by one process at a time, and never on a database that is not what it seems.

use std::sync::Barrier;
use std::thread;

use kizuna_store::{StoreError, migrate};

use crate::town::Fixture;

store_test!(
    fn migrating_twice_is_migrating_once(store: &Fixture) {
        let fresh = store.fresh();

        let first = migrate::migrate(&fresh.db).unwrap().applied;
        assert_eq!(first.first().map(String::as_str), Some("0001_first"));
        assert!(first.is_sorted(), "{first:?}");
        assert_eq!(migrate::migrate(&fresh.db).unwrap().applied, Vec::<String>::new());

        migrate::verify(&fresh.db).unwrap();
    }
);

store_test!(
    fn two_processes_that_start_at_once_migrate_once(store: &Fixture) {
        let fresh = store.fresh();
        let start = Barrier::new(2);
        let process = || {
            start.wait();
            let db = fresh.again();
            migrate::migrate(&db).unwrap().applied.len()
        };

        let mut applied: Vec<usize> = thread::scope(|scope| {
            let both = [scope.spawn(process), scope.spawn(process)];
            both.map(|one| one.join().unwrap()).into()
        });

        applied.sort_unstable();
        let all = store.number("SELECT COUNT(*) FROM migrations");
        assert_eq!(applied, [0, all as usize]);
        migrate::verify(&fresh.db).unwrap();
    }
);

fn words(result: Result<impl std::fmt::Debug, StoreError>) -> String {
    match result {
        Err(StoreError::Schema(words)) => words,
        other => panic!("expected words about the schema, got {other:?}"),
    }
}

store_test!(
    fn an_empty_database_asks_for_migrate(store: &Fixture) {
        assert_eq!(
            words(migrate::verify(&store.fresh().db)),
            "the database has no tables yet; run `kizuna migrate` first"
        );
    }
);

store_test!(
    fn an_older_database_asks_for_migrate(store: &Fixture) {
        store.meddle("DELETE FROM migrations");
        assert_eq!(
            words(migrate::verify(&store.db)),
            "the database is older than this program; run `kizuna migrate`"
        );
    }
);

store_test!(
    fn an_edited_migration_is_refused_with_the_way_out(store: &Fixture) {
        store.meddle("UPDATE migrations SET digest = 'edited'");

        for said in [words(migrate::verify(&store.db)), words(migrate::migrate(&store.db))] {
            assert!(said.contains("migration 1 (first) differs"), "{said}");
            assert!(
                said.contains("run the version that made it, or restore a backup"),
                "{said}"
            );
        }
    }
);

store_test!(
    fn a_newer_database_is_refused_with_the_way_out(store: &Fixture) {
        store.meddle("INSERT INTO migrations (number, name, digest) VALUES (9999, 'later', 'x')");

        for said in [words(migrate::verify(&store.db)), words(migrate::migrate(&store.db))] {
            assert!(said.contains("migration 9999 is not known to this program"), "{said}");
            assert!(said.contains("install the newer version again"), "{said}");
        }
    }
);

store_test!(
    fn a_migration_that_fails_leaves_nothing(store: &Fixture) {
        let fresh = store.fresh();
        fresh.meddle("CREATE TABLE audit (id BIGINT)");

        assert!(migrate::migrate(&fresh.db).is_err());

        assert_eq!(
            words(migrate::verify(&fresh.db)),
            "the database has no tables yet; run `kizuna migrate` first"
        );
    }
);
