//! Erasing a reader: nothing about them is left, nothing of anybody else is missing, and no table is forgotten.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{AccountId, SubscriberId};
use kizuna_domain::people::{EndReason, PointState, SubscriptionState};
use kizuna_domain::retention::Parting;
use kizuna_store::db::Sql;
use kizuna_store::dossier::{LEFT_OUT, SHOWN};
use kizuna_store::erase::{self, ERASED, KEPT};
use kizuna_store::{line, mails, menus, people, runs, successors, tickets};

use crate::town::{Family, Fixture, Town, at, day, draft, id};

/// What a column must be called to be about a person, unless it stands in [`NOBODY`].
const TELLING: [&str; 12] = [
    "subscriber",
    "subscription",
    "reader",
    "point",
    "address",
    "user",
    "subject",
    "nickname",
    "person",
    "family",
    "mail",
    "name",
];
/// Columns with such a name that are about nobody who reads, and what they are about.
const NOBODY: &[(&str, &str)] = &[
    ("tenants.name", "a town"),
    ("places.name", "a place in a town"),
    ("staff.mail", "staff"),
    ("staff.mail_index", "staff"),
    ("staff.name", "staff"),
    ("invitations.mail", "staff"),
    ("invitations.mail_index", "staff"),
    ("calls.name", "a request"),
    ("migrations.name", "a migration"),
];
/// Columns that go with the row whose owner is erased.
const WITH_ITS_ROW: &[&str] = &["contact_points.address", "subscriptions.nickname"];

/// Every column of every table, those of bytes apart.
fn columns(store: &Fixture) -> (BTreeSet<String>, Vec<String>) {
    let (pg, lite) = (
        "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
         WHERE table_schema = current_schema()",
        "SELECT m.name, c.name, c.type FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    );
    let sql = Sql { name: "test", pg, lite };
    let found = store.read(|tx| {
        tx.all(&sql, &[], |row| {
            let column = format!("{}.{}", row.text(0)?, row.text(1)?);
            Ok((column, row.text(2)?.eq_ignore_ascii_case("bytea")))
        })
    });
    let bytes = found
        .iter()
        .filter(|(_, is_bytes)| *is_bytes)
        .map(|(column, _)| column.clone());
    (
        found.iter().map(|(column, _)| column.clone()).collect(),
        bytes.collect(),
    )
}

store_test!(
    fn every_column_that_tells_of_a_reader_is_known_to_the_eraser(store: &Fixture) {
        let (columns, _) = columns(store);
        let known = |column: &String| {
            ERASED.contains(&column.as_str())
                || KEPT.iter().any(|(kept, _)| kept == column)
                || NOBODY.iter().any(|(nobody, _)| nobody == column)
                || WITH_ITS_ROW.contains(&column.as_str())
        };
        let tells = |column: &String| {
            let name = column.split('.').nth(1).unwrap();
            TELLING.iter().any(|word| name.contains(word))
        };

        let strangers: Vec<&String> = columns
            .iter()
            .filter(|column| tells(column) && !known(column))
            .collect();

        assert_eq!(
            strangers,
            Vec::<&String>::new(),
            "erase them in store/src/erase.rs, or say there why they stay"
        );
        for column in ERASED.iter().chain(WITH_ITS_ROW) {
            assert!(columns.contains(*column), "{column} does not exist any more");
        }
        for (column, _) in KEPT {
            assert!(columns.contains(*column), "{column} does not exist any more");
        }
    }
);

store_test!(
    fn everything_about_a_reader_stands_in_their_file_or_has_a_reason_not_to(store: &Fixture) {
        let (columns, _) = columns(store);
        let table = |column: &str| column.split('.').next().unwrap().to_owned();
        let about_readers: BTreeSet<String> = ERASED.iter().map(|column| table(column)).collect();
        let shown = |column: &String| SHOWN.contains(&column.as_str());
        let left_out = |column: &String| {
            let is_meant = |(left, _): &(&str, &str)| *left == column || *left == table(column);
            LEFT_OUT.iter().any(is_meant)
        };

        let of_readers = columns.iter().filter(|column| about_readers.contains(&table(column)));
        let neither_or_both: Vec<&String> = of_readers.filter(|column| shown(column) == left_out(column)).collect();

        assert_eq!(
            neither_or_both,
            Vec::<&String>::new(),
            "show them in store/src/dossier.rs, or say there why not"
        );
        for column in SHOWN {
            assert!(columns.contains(*column), "{column} does not exist any more");
        }
        for (left, _) in LEFT_OUT {
            let exists = columns.iter().any(|column| column == left || table(column) == *left);
            assert!(exists, "{left} does not exist any more");
        }
    }
);

/// A reader with something in every table.
fn everywhere(town: &Town<'_>, name: &str) -> (Family, AccountId) {
    let store = town.store;
    let user = format!("U{:032x}", name.len());
    let family = town.family(name).build();
    let elder = town
        .family(&format!("{name}-elder"))
        .born("2025-12-24")
        .of(&family)
        .build();
    let scope = town.scope;
    let account = AccountId::new(id());
    let point = people::NewPoint {
        id: kizuna_domain::ids::PointId::new(id()),
        subscriber: family.subscriber,
        account,
        channel: "line".into(),
        address: user.clone(),
        state: PointState::Verified,
    };
    store.write(|tx| {
        let known = kizuna_store::tenants::account(tx, &store.keys, scope, "line")?;
        let account = if let Some(known) = known {
            known.id
        } else {
            kizuna_store::tenants::put_account(tx, &store.keys, scope, account, "line", &[].into(), &[].into())?
        };
        people::add_point(
            tx,
            &store.keys,
            scope,
            &people::NewPoint {
                account,
                ..point.clone()
            },
        )?;
        people::add_consent(tx, scope, id(), family.subscriber, "messages", "v1", "mail", at(0))?;
        line::put_friendship(
            tx,
            &store.keys,
            scope,
            &user,
            line::Friendship {
                is_friend: true,
                since_at: at(0),
            },
        )?;
        menus::note_given(tx, scope, point.id, "richmenu-1")?;
        let reader = family.subscriber.to_string();
        for (purpose, subject, whose) in [
            ("address", format!("{reader} new@hidamari.example"), &reader),
            ("line-register", user.clone(), &user),
        ] {
            let new = tickets::New {
                id: id(),
                purpose,
                subject: &subject,
                whose,
                expires_at: at(600),
            };
            tickets::add(tx, &store.keys, scope, &new)?;
        }
        let mail = mails::Mail {
            id: id(),
            address: format!("new-{name}@hidamari.example"),
            draft: draft(name),
            asked_at: at(0),
            expires_at: at(600),
            attempt: 0,
        };
        mails::add(tx, &store.keys, scope, Some(family.subscriber), &mail)?;
        let before = SubscriberId::new(id());
        successors::add(tx, (scope, before), (scope, family.subscriber))?;
        let own = kizuna_domain::ids::CohortId::new(id());
        runs::add_cohort(tx, &store.keys, scope, own, &draft(name))?;
        runs::note_names(tx, scope, family.subscriber, own)?;
        people::refresh_reach(tx, scope, family.subscriber)
    });
    town.batch()
        .letter(&[(&family, "daily/12w3d"), (&elder, "daily/m12")])
        .build();
    (family, account)
}

fn end(town: &Town<'_>, family: &Family, reason: EndReason) {
    let scope = town.scope;
    town.store.write(|tx| {
        for child in people::of_subscriber(tx, &town.store.keys, scope, family.subscriber)? {
            people::set_state(tx, scope, child.subscription, SubscriptionState::Ended, Some(reason))?;
        }
        people::refresh_reach(tx, scope, family.subscriber)
    });
}

fn erase_now(town: &Town<'_>, reader: SubscriberId, parting: Parting) {
    town.store.write(|tx| {
        erase::hold(tx, town.scope, reader)?.unwrap();
        erase::reader(tx, &town.store.keys, town.scope, reader, parting, at(5))
    });
}

/// Rows about somebody, by column; what erasing leaves on purpose is not among them.
fn rows_about(store: &Fixture, ids: &[Vec<u8>]) -> Vec<(String, i64)> {
    let (_, mut bytes) = columns(store);
    bytes.retain(|column| KEPT.iter().all(|(kept, _)| kept != column));
    let mut found = store.rows_with(&bytes, ids);
    found.retain(|(_, rows)| *rows > 0);
    found
}

/// Every number by which a reader is known.
fn numbers(town: &Town<'_>, family: &Family) -> Vec<Vec<u8>> {
    let (store, scope) = (town.store, town.scope);
    let own = store
        .read(|tx| kizuna_store::dossier::of(tx, &store.keys, scope, family.subscriber))
        .unwrap();
    let mut all = vec![family.subscriber.bytes().to_vec()];
    for address in own.addresses {
        all.push(address.id.bytes().to_vec());
        all.push(
            store
                .keys
                .index(scope.tenant(), &address.channel, &address.address)
                .to_vec(),
        );
    }
    all.extend(own.children.iter().map(|child| child.id.bytes().to_vec()));
    all
}

store_test!(
    fn of_an_erased_reader_nothing_is_left_and_of_others_nothing_is_missing(store: &Fixture) {
        let town = Town::with(store);
        let (gone, _) = everywhere(&town, "hanako");
        let (stays, _) = everywhere(&town, "taro");
        let (theirs, others) = (numbers(&town, &gone), numbers(&town, &stays));
        assert!(
            rows_about(store, &theirs).len() > 9,
            "the test does not fill the tables"
        );
        let before = rows_about(store, &others);
        let cohorts = store.number("SELECT COUNT(*) FROM cohorts");

        store.meddle("UPDATE batches SET state = 'done'");
        erase_now(&town, gone.subscriber, Parting::Stopped);

        assert_eq!(rows_about(store, &theirs), []);
        assert_eq!(rows_about(store, &others), before);
        assert_eq!(
            store.number("SELECT COUNT(*) FROM cohorts"),
            cohorts - 1,
            "the message with their names goes too"
        );
        assert_eq!(store.number("SELECT COUNT(*) FROM tickets"), 2, "those of the other");
        let former = |address: &str| store.read(|tx| erase::is_former(tx, &store.keys, town.scope, "email", address));
        assert!(former("hanako@hidamari.example") && !former("taro@hidamari.example"));
    }
);

store_test!(
    fn rows_that_an_open_batch_holds_go_when_it_is_done(store: &Fixture) {
        let town = Town::with(store);
        let (family, other) = (town.family("hanako").build(), town.family("taro").build());
        let batch = town
            .batch()
            .letter(&[(&family, "daily/12w3d")])
            .letter(&[(&other, "daily/12w3d")])
            .build();
        let sweep = |settled: Timestamp| store.write(|tx| erase::sweep_ledger(tx, town.scope, None, settled, 10));

        erase_now(&town, family.subscriber, Parting::Stopped);

        // A worker that takes it now finds its place, and nobody to write to.
        let letters = town.letters(batch);
        assert_eq!(letters.len(), 2);
        assert_eq!(letters[0].silenced, Some(kizuna_domain::people::SkipReason::Stopped));
        assert_eq!(letters[0].address, "");
        sweep(at(10_000));
        assert!(town.is_reserved(&family, "daily/12w3d"));
        store.meddle("UPDATE batches SET state = 'done'");
        sweep(at(0));
        assert!(!town.is_reserved(&family, "daily/12w3d") && town.is_reserved(&other, "daily/12w3d"));
        // A plan that was being made writes once more.
        town.batch().letter(&[(&family, "daily/12w4d")]).build();
        store.meddle("UPDATE batches SET state = 'done'");
        sweep(at(5) + SignedDuration::from_secs(1));
        assert!(!town.is_reserved(&family, "daily/12w4d"));
        assert_eq!(store.number("SELECT COUNT(*) FROM ledger_remains"), 0);
    }
);

store_test!(
    fn the_timer_begins_when_nothing_is_followed_and_ends_when_something_is(store: &Fixture) {
        let town = Town::with(store);
        let scope = town.scope;
        let family = town.family("hanako").build();
        let untimed = || store.read(|tx| erase::untimed(tx, scope, 10));
        let due = |minute| {
            let due = store.read(|tx| erase::due(tx, scope, at(minute), None, 10));
            due.into_iter().map(|(reader, _)| reader).collect::<Vec<_>>()
        };
        assert_eq!(untimed(), []);

        end(&town, &family, EndReason::Stopped);
        assert_eq!(untimed(), [(family.subscriber, Parting::Stopped)]);
        store.write(|tx| erase::set_timer(tx, scope, family.subscriber, at(60)));
        assert_eq!((untimed(), due(59), due(60)), (vec![], vec![], vec![family.subscriber]));

        // Looked at again, the timer goes on.
        store.write(|tx| people::refresh_reach(tx, scope, family.subscriber));
        assert_eq!(due(60), [family.subscriber]);
        town.family("next").born("2026-12-20").of(&family).build();
        assert_eq!((untimed(), due(10_000)), (vec![], vec![]));
        // A timer that was worked out too late is not written.
        store.write(|tx| erase::set_timer(tx, scope, family.subscriber, at(1)));
        assert_eq!(due(10_000), []);
    }
);

store_test!(
    fn who_came_to_the_last_day_and_still_agrees_is_kept_longer(store: &Fixture) {
        let town = Town::with(store);
        let scope = town.scope;
        let family = town.family("hanako").build();
        let agree = |tx: &mut kizuna_store::WriteTx<'_>| {
            people::add_consent(tx, scope, id(), family.subscriber, "messages", "v1", "mail", at(0))
        };
        store.write(agree);
        end(&town, &family, EndReason::Completed);
        let untimed = || store.read(|tx| erase::untimed(tx, scope, 10));
        assert_eq!(untimed(), [(family.subscriber, Parting::Completed)]);
        store.write(|tx| erase::set_timer(tx, scope, family.subscriber, at(1_000)));

        let withdrawn = store.write(|tx| people::withdraw_consents(tx, scope, family.subscriber, at(1), at(1)));
        assert_eq!(withdrawn, 1);
        store.write(|tx| erase::time_anew(tx, scope, family.subscriber));
        assert_eq!(untimed(), [(family.subscriber, Parting::Stopped)]);
    }
);

store_test!(
    fn whoever_registers_again_is_a_stranger_to_the_list_no_more(store: &Fixture) {
        let town = Town::with(store);
        let former =
            || store.read(|tx| erase::is_former(tx, &store.keys, town.scope, "email", "hanako@hidamari.example"));
        let family = town.family("hanako").build();
        erase_now(&town, family.subscriber, Parting::Completed);
        assert!(!former(), "who came to the last day may come by a list again");
        let family = town.family("hanako").build();
        erase_now(&town, family.subscriber, Parting::Stopped);
        assert!(former());
        town.family("hanako").build();
        assert!(!former());
    }
);

store_test!(
    fn a_subscription_is_completed_only_with_the_dates_that_were_looked_at(store: &Fixture) {
        let town = Town::with(store);
        let family = town.family("hanako").due("2026-01-01").build();
        let complete = |due: &str| {
            let anchor = kizuna_domain::position::Anchor::Due(day(due));
            store.write(|tx| people::complete(tx, town.scope, family.subscription, &anchor))
        };
        assert!(!complete("2026-01-02"));
        assert!(complete("2026-01-01") && !complete("2026-01-01"));
    }
);

store_test!(
    fn an_erasure_waits_until_it_is_on_record_outside(store: &Fixture) {
        let town = Town::with(store);
        let family = town.family("hanako").build();
        erase_now(&town, family.subscriber, Parting::Stopped);
        let unnoted = || store.read(|tx| erase::unnoted(tx, 10));
        let erasures = unnoted();
        assert_eq!(
            (erasures.len(), erasures[0].reader, erasures[0].at),
            (1, family.subscriber, at(5))
        );
        store.write(|tx| erase::noted(tx, &erasures[0]));
        assert_eq!(unnoted(), []);
    }
);
