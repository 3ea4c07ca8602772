//! The record of who did what, and the chain that shows whether it was tampered with.

use kizuna_store::audit::{self, Entry, Fault, Verified};
use kizuna_store::{Keyring, Scope, StoreError};
use uuid::Uuid;

use crate::town::{Fixture, Town, at, id};

fn entry(scope: Option<Scope>, minute: i64, action: &'static str) -> Entry<'static> {
    Entry {
        id: id(),
        scope,
        at: at(minute),
        actor: "cli",
        action,
        subject: "kizuna",
        detail: "articles=3",
    }
}

fn add(store: &Fixture, scope: Option<Scope>, minute: i64, action: &'static str) -> Uuid {
    let entry = entry(scope, minute, action);
    store.write(|tx| audit::write(tx, &store.keys, &entry));
    entry.id
}

fn verified(store: &Fixture, scope: Option<Scope>) -> Verified {
    store.read(|tx| audit::verify(tx, &store.keys, scope))
}

fn fault(store: &Fixture, scope: Option<Scope>) -> Option<Fault> {
    verified(store, scope).fault
}

/// A town with five entries; their identifiers.
fn five(store: &Fixture) -> (Scope, Vec<Uuid>) {
    let town = Town::with(store);
    let ids = (0..5).map(|minute| add(store, Some(town.scope), minute, "content.import"));
    (town.scope, ids.collect())
}

store_test!(
    fn an_action_is_recorded_with_itself_or_not_at_all(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        add(store, Some(town.scope), 0, "content.import");
        add(store, Some(town.scope), 1, "content.publish");
        add(store, None, 2, "store.migrate");
        let undone = store.db.write(|tx| {
            audit::write(tx, &store.keys, &entry(Some(town.scope), 3, "reader.stop"))?;
            Err::<(), _>(StoreError::Refused { what: "given up" })
        });

        let latest = |scope, limit| -> Vec<(Option<i64>, String)> {
            let found = store.read(|tx| audit::latest(tx, scope, None, limit));
            found.into_iter().map(|entry| (entry.seq, entry.action)).collect()
        };
        assert!(undone.is_err());
        assert_eq!(
            latest(Some(town.scope), 9),
            [(Some(2), "content.publish".into()), (Some(1), "content.import".into())],
            "newest first"
        );
        assert_eq!(latest(Some(town.scope), 1), [(Some(2), "content.publish".into())]);
        assert_eq!(latest(Some(other.scope), 9), []);
        assert_eq!(latest(None, 9), [(Some(1), "store.migrate".into())]);
        assert_eq!(store.number("SELECT COUNT(*) FROM audit"), 3);
    }
);

store_test!(
    fn the_record_is_read_page_by_page(store: &Fixture) {
        let (scope, ids) = five(store);
        let page = |before| store.read(|tx| audit::latest(tx, Some(scope), before, 2));

        let first = page(None);
        let last = first.last().unwrap();
        let second = page(Some((last.at, last.id)));

        let seqs = |page: &[audit::Stored]| page.iter().filter_map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!((seqs(&first), seqs(&second)), (vec![5, 4], vec![3, 2]));
        assert_eq!(second[1].id, ids[1]);
    }
);

store_test!(
    fn what_readers_did_is_on_no_page_for_staff_and_every_page_is_full(store: &Fixture) {
        let scope = Town::with(store).scope;
        for minute in 0..4 {
            add(store, Some(scope), minute * 10, "content.import");
            for (later, actor, action) in [
                (1, "reader", "reader.stop"),
                (2, "system", "readers.purge"),
                (3, "system", "address.bounced"),
            ] {
                let entry = entry(Some(scope), minute * 10 + later, action);
                store.write(|tx| audit::write(tx, &store.keys, &Entry { actor, ..entry }));
            }
        }

        let page = |before| store.read(|tx| audit::latest_of_staff(tx, scope, before, 3));
        let first = page(None);
        let last = first.last().unwrap();
        let second = page(Some((last.at, last.id)));

        let seqs = |page: &[audit::Stored]| page.iter().filter_map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!((seqs(&first), seqs(&second)), (vec![13, 9, 5], vec![1]));
        let found = verified(store, Some(scope));
        assert_eq!((found.entries, found.fault), (16, None), "the chain holds all of them");
    }
);

store_test!(
    fn a_chain_that_nobody_touched_is_whole(store: &Fixture) {
        let (scope, _) = five(store);
        add(store, None, 9, "tenant.put");

        let found = verified(store, Some(scope));

        assert_eq!((found.entries, found.before, found.fault), (5, 0, None));
        assert_eq!(fault(store, None), None);
        assert_eq!(fault(store, Some(Town::named(store, "empty").scope)), None);
    }
);

store_test!(
    fn a_chain_longer_than_a_page_is_whole_too(store: &Fixture) {
        let town = Town::with(store);
        store.write(|tx| {
            (0..2_001)
                .try_for_each(|minute| audit::write(tx, &store.keys, &entry(Some(town.scope), minute, "reader.stop")))
        });
        let found = verified(store, Some(town.scope));
        assert_eq!((found.entries, found.fault), (2_001, None));

        store.meddle("UPDATE audit SET detail = 'x' WHERE seq = 1500");
        assert_eq!(fault(store, Some(town.scope)), Some(Fault::Changed(1_500)));
    }
);

store_test!(
    fn every_change_of_an_entry_is_found(store: &Fixture) {
        for column in ["actor", "action", "subject", "detail"] {
            let fresh = store.fresh().migrated();
            let (scope, _) = five(&fresh);
            fresh.meddle(&format!("UPDATE audit SET {column} = 'x' WHERE seq = 3"));
            assert_eq!(fault(&fresh, Some(scope)), Some(Fault::Changed(3)), "{column}");
        }
        let (scope, ids) = five(store);
        store.meddle("UPDATE audit SET at = at + 1 WHERE seq = 4");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Changed(4)));
        let id = store.literal(ids[1].as_bytes());
        store.meddle(&format!("UPDATE audit SET tenant_id = NULL WHERE id = {id}"));
        assert_eq!(
            fault(store, Some(scope)),
            Some(Fault::Changed(2)),
            "it left the list of its town"
        );
    }
);

store_test!(
    fn a_removed_entry_is_found(store: &Fixture) {
        let (scope, _) = five(store);
        store.meddle("DELETE FROM audit WHERE seq = 2");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Removed(2)));
    }
);

store_test!(
    fn entries_that_changed_places_are_found(store: &Fixture) {
        let (scope, _) = five(store);
        store.meddle("UPDATE audit SET seq = 100 WHERE seq = 2");
        store.meddle("UPDATE audit SET seq = 2 WHERE seq = 3");
        store.meddle("UPDATE audit SET seq = 3 WHERE seq = 100");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Changed(2)));
    }
);

store_test!(
    fn an_inserted_entry_is_found_in_the_middle_and_at_the_end(store: &Fixture) {
        let copy = |seq: i64| {
            format!(
                "INSERT INTO audit (id, tenant_id, at, actor, action, subject, detail, chain, seq, hash)
                 SELECT {}, tenant_id, at, actor, 'forged', subject, detail, chain, {seq}, hash FROM audit WHERE seq = 5",
                store.literal(&[0xff; 16])
            )
        };
        let (scope, _) = five(store);
        store.meddle(&copy(3));
        assert_eq!(fault(store, Some(scope)), Some(Fault::Inserted(3)));

        store.meddle("UPDATE audit SET seq = 6 WHERE action = 'forged'");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Inserted(6)));
    }
);

store_test!(
    fn an_entry_in_nobodys_chain_is_not_listed(store: &Fixture) {
        let (scope, _) = five(store);
        let stray = store.literal(&[0xee; 16]);
        store.meddle(&format!("UPDATE audit SET chain = {stray} WHERE seq = 5"));

        let listed = store.read(|tx| audit::latest(tx, Some(scope), None, 9));

        assert_eq!(listed.len(), 4);
        assert_eq!(fault(store, Some(scope)), Some(Fault::Removed(5)));
    }
);

store_test!(
    fn cutting_the_newest_entries_off_is_found(store: &Fixture) {
        let (scope, _) = five(store);
        store.meddle("DELETE FROM audit WHERE seq > 3");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Removed(4)));

        // Whoever also moves the head back has no key to seal it with.
        store.meddle("UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Head));

        store.meddle("DELETE FROM audit_heads");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Head));
    }
);

store_test!(
    fn a_head_that_was_moved_back_does_not_heal_when_the_chain_goes_on(store: &Fixture) {
        let (scope, _) = five(store);
        store.meddle("DELETE FROM audit WHERE seq > 3");
        store.meddle("UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)");

        add(store, Some(scope), 10, "reader.stop");
        add(store, Some(scope), 11, "reader.stop");

        assert_eq!(fault(store, Some(scope)), Some(Fault::Broken(4)));
        store.meddle("UPDATE audit_heads SET broken_seq = 0");
        assert_eq!(fault(store, Some(scope)), Some(Fault::Head));
    }
);

store_test!(
    fn a_damaged_chain_never_keeps_an_action_from_happening(store: &Fixture) {
        let (scope, _) = five(store);
        store.meddle("UPDATE audit_heads SET seq = 1, hash = seal");
        add(store, Some(scope), 10, "reader.stop");
        store.meddle("DELETE FROM audit_heads");
        add(store, Some(scope), 11, "reader.stop");
        assert_eq!(store.number("SELECT COUNT(*) FROM audit"), 7);
        assert!(fault(store, Some(scope)).is_some());
    }
);

store_test!(
    fn another_key_does_not_know_the_head(store: &Fixture) {
        let (scope, _) = five(store);
        let stranger = Keyring::new(&[8; 32]);
        let found = store.read(|tx| audit::verify(tx, &stranger, Some(scope)));
        assert_eq!(found.fault, Some(Fault::Head));
    }
);

store_test!(
    fn entries_from_before_the_chain_stay_readable_and_are_covered_from_then_on(store: &Fixture) {
        let town = Town::with(store);
        for minute in [0, 1] {
            store.meddle(&format!(
                "INSERT INTO audit (id, tenant_id, at, actor, action, subject, detail)
                 VALUES ({}, {}, {}, 'cli', 'old', 'kizuna', '')",
                store.literal(id().as_bytes()),
                store.literal(town.scope.tenant().bytes()),
                at(minute).as_millisecond(),
            ));
        }
        add(store, Some(town.scope), 5, "reader.stop");

        let listed = store.read(|tx| audit::latest(tx, Some(town.scope), None, 9));
        let places: Vec<(Option<i64>, &str)> = listed.iter().map(|entry| (entry.seq, entry.action.as_str())).collect();
        assert_eq!(places, [(Some(1), "reader.stop"), (None, "old"), (None, "old")]);
        let found = verified(store, Some(town.scope));
        assert_eq!((found.entries, found.before, found.fault), (1, 2, None));

        store.meddle("UPDATE audit SET detail = 'x' WHERE seq IS NULL");
        assert_eq!(fault(store, Some(town.scope)), Some(Fault::Before));
    }
);

store_test!(
    fn two_writers_at_once_make_one_chain(store: &Fixture) {
        let town = Town::with(store);
        let writer = |number: i64| {
            let db = store.again();
            for minute in 0..20 {
                let entry = entry(Some(town.scope), number * 100 + minute, "reader.stop");
                db.write(|tx| audit::write(tx, &store.keys, &entry)).unwrap();
            }
        };
        std::thread::scope(|scope| {
            let both = [0, 1].map(|number| scope.spawn(move || writer(number)));
            for one in both {
                one.join().unwrap();
            }
        });

        let found = verified(store, Some(town.scope));
        assert_eq!((found.entries, found.fault), (40, None));
    }
);
