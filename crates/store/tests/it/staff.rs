//! Staff, their places, invitations, sessions and wrong sign-ins.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use kizuna_domain::ids::{InvitationId, StaffId};
use kizuna_domain::staff::{Role, StaffMail, Stay};
use kizuna_store::sessions::{self, Token};
use kizuna_store::staff::{self, Credentials, Offer};
use kizuna_store::{Scope, StoreError};

use crate::town::{Fixture, Town, at, id};

fn mail(text: &str) -> StaffMail {
    StaffMail::parse(text).unwrap()
}

fn person(store: &Fixture, address: &str, name: &str) -> StaffId {
    let new = StaffId::new(id());
    store.write(|tx| staff::add(tx, &store.keys, new, &mail(address), name, at(0)));
    new
}

fn means(password: &str) -> Credentials {
    Credentials {
        password: password.to_owned(),
        totp: "KRSXG5CTMVRXEZLU".to_owned(),
        totp_step: 7,
    }
}

fn able(store: &Fixture, address: &str, name: &str) -> StaffId {
    let new = person(store, address, name);
    store.write(|tx| staff::set_up(tx, &store.keys, new, name, &means("phc")));
    new
}

fn place(store: &Fixture, scope: Scope, id: StaffId, role: Role) {
    store.write(|tx| staff::put_role(tx, scope, id, role, at(0)));
}

store_test!(
    fn a_person_is_found_by_their_address_however_it_is_written(store: &Fixture) {
        let hanako = person(store, "hanako@example.jp", "見本 花子");

        let found = store.read(|tx| staff::by_mail(tx, &store.keys, &mail("Ｈanako@EXAMPLE.jp")));

        let found = found.unwrap();
        assert_eq!(
            (found.id, found.name.as_str(), found.can_sign_in),
            (hanako, "見本 花子", false)
        );
        assert_eq!(
            store.read(|tx| staff::by_mail(tx, &store.keys, &mail("taro@example.jp"))),
            None
        );
        let again = StaffId::new(id());
        let twice = store
            .db
            .write(|tx| staff::add(tx, &store.keys, again, &mail("HANAKO@example.jp"), "別人", at(0)));
        assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    }
);

#[test]
fn nothing_about_a_person_lies_open_in_the_database() {
    let store = Fixture::sqlite();
    let hanako = able(&store, "hanako@example.jp", "見本 花子");
    let scope = Town::with(&store).scope;
    let invitation = InvitationId::new(id());
    let offer = Offer::Place(scope, Role::Viewer);
    store.write(|tx| {
        staff::invite(
            tx,
            &store.keys,
            invitation,
            offer,
            &mail("taro@example.jp"),
            at(0),
            at(60),
        )?;
        staff::set_draft(tx, &store.keys, invitation, "見本 太郎")?;
        staff::begin_totp(tx, &store.keys, hanako, "NEWSECRET")?;
        staff::put_codes(tx, &store.keys, hanako, &["k7q2m9xw4t".to_owned()])?;
        sessions::add(tx, &Token([9; 32]), hanako, at(0))
    });
    store
        .db
        .backup_to(&store.file().unwrap().with_extension("copy"))
        .unwrap();

    let bytes = std::fs::read(store.file().unwrap().with_extension("copy")).unwrap();
    let holds = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    for words in ["hanako", "taro", "見本", "KRSXG5CT", "NEWSECRET", "k7q2m9xw4t"] {
        assert!(!holds(words.as_bytes()), "{words} lies open");
    }
    assert!(!holds(&[9; 32]), "the token lies open");
    assert!(
        holds(b"administrator") || holds(b"viewer"),
        "the search would find something"
    );
}

store_test!(
    fn places_belong_to_their_tenant(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let hanako = able(store, "hanako@example.jp", "見本 花子");
        place(store, town.scope, hanako, Role::Administrator);
        place(store, other.scope, hanako, Role::Viewer);
        place(store, other.scope, hanako, Role::Editor);

        let roles: Vec<Role> = store
            .read(|tx| staff::memberships(tx, hanako))
            .iter()
            .map(|m| m.role)
            .collect();
        assert_eq!(roles.len(), 2);
        assert_eq!(
            store.read(|tx| staff::role(tx, town.scope, hanako)),
            Some(Role::Administrator)
        );
        assert_eq!(
            store.read(|tx| staff::role(tx, other.scope, hanako)),
            Some(Role::Editor)
        );

        assert!(store.write(|tx| staff::remove(tx, other.scope, hanako)));
        assert!(!store.write(|tx| staff::remove(tx, other.scope, hanako)));
        assert_eq!(
            store.read(|tx| staff::role(tx, town.scope, hanako)),
            Some(Role::Administrator)
        );
        let people = store.read(|tx| staff::of_tenant(tx, &store.keys, town.scope));
        assert_eq!(people.len(), 1);
        assert_eq!(people[0].1, Role::Administrator);
    }
);

store_test!(
    fn an_administrator_who_cannot_sign_in_does_not_count(store: &Fixture) {
        let town = Town::with(store);
        let (able, unable) = (
            able(store, "a@example.jp", "花子"),
            person(store, "b@example.jp", "太郎"),
        );
        place(store, town.scope, able, Role::Administrator);
        place(store, town.scope, unable, Role::Administrator);
        assert_eq!(store.write(|tx| staff::lock_administrators(tx, town.scope)), [able]);
    }
);

store_test!(
    fn who_counts_administrators_waits_for_whoever_counts_them_now(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (able(store, "a@example.jp", "花子"), able(store, "b@example.jp", "太郎"));
        place(store, town.scope, hanako, Role::Administrator);
        place(store, town.scope, taro, Role::Administrator);
        let (late, (told, heard)) = (store.again(), mpsc::channel());

        thread::scope(|scope| {
            store.write(|tx| {
                staff::lock_administrators(tx, town.scope)?;
                scope.spawn(|| {
                    let counted = late.write(|tx| staff::lock_administrators(tx, town.scope));
                    told.send(counted.unwrap()).unwrap();
                });
                // Nothing can be heard before this transaction ends; a count that did not wait is heard at once.
                assert!(heard.recv_timeout(Duration::from_millis(300)).is_err());
                staff::remove(tx, town.scope, taro)
            });
            assert_eq!(heard.recv().unwrap(), [hanako]);
        });
    }
);

store_test!(
    fn a_code_of_a_step_is_used_once_and_never_an_earlier_one(store: &Fixture) {
        let hanako = able(store, "hanako@example.jp", "見本 花子");
        let used = [7, 9, 9, 8, 10].map(|step| store.write(|tx| staff::use_step(tx, hanako, step)));
        assert_eq!(used, [false, true, false, false, true]);
    }
);

store_test!(
    fn a_recovery_code_is_used_once_and_by_its_owner(store: &Fixture) {
        let (hanako, taro) = (able(store, "a@example.jp", "花子"), able(store, "b@example.jp", "太郎"));
        let codes = ["one".to_owned(), "two".to_owned()];
        store.write(|tx| staff::put_codes(tx, &store.keys, hanako, &codes));
        let use_up = |id, code: &str| store.write(|tx| staff::use_code(tx, &store.keys, id, code));

        assert_eq!(store.read(|tx| staff::shown_codes(tx, &store.keys, hanako)), codes);
        assert!(!use_up(taro, "one"));
        assert!(use_up(hanako, "one"));
        assert!(!use_up(hanako, "one"));
        assert_eq!(store.read(|tx| staff::count_codes(tx, hanako)), 1);

        store.write(|tx| staff::hide_codes(tx, hanako));
        assert_eq!(
            store.read(|tx| staff::shown_codes(tx, &store.keys, hanako)),
            Vec::<String>::new()
        );
        assert!(use_up(hanako, "two"), "hidden codes stay good");
    }
);

store_test!(
    fn means_of_signing_in_are_opened_for_their_owner_and_cleared_together(store: &Fixture) {
        let hanako = able(store, "hanako@example.jp", "見本 花子");
        store.write(|tx| staff::put_codes(tx, &store.keys, hanako, &["one".to_owned()]));
        assert_eq!(
            store.read(|tx| staff::credentials(tx, &store.keys, hanako)),
            Some(means("phc"))
        );

        store.write(|tx| staff::clear(tx, hanako));

        assert_eq!(store.read(|tx| staff::credentials(tx, &store.keys, hanako)), None);
        assert_eq!(store.read(|tx| staff::count_codes(tx, hanako)), 0);
        assert!(
            !store
                .read(|tx| staff::by_id(tx, &store.keys, hanako))
                .unwrap()
                .can_sign_in
        );
    }
);

store_test!(
    fn an_invitation_ends_when_it_is_used_superseded_or_old(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let taro = mail("taro@example.jp");
        let invite = |scope, minute| {
            let new = InvitationId::new(id());
            let offer = Offer::Place(scope, Role::Editor);
            store.write(|tx| staff::invite(tx, &store.keys, new, offer, &taro, at(minute), at(minute + 60)));
            new
        };
        let good = |id, minute| {
            store
                .read(|tx| staff::invitation_by_id(tx, &store.keys, id, at(minute)))
                .is_some()
        };
        let (first, elsewhere) = (invite(town.scope, 0), invite(other.scope, 0));
        assert!(good(first, 59) && !good(first, 60), "an hour");

        let second = invite(town.scope, 1);
        assert!(
            !good(first, 2) && good(second, 2) && good(elsewhere, 2),
            "one for each tenant"
        );
        let found = store.read(|tx| staff::invitations(tx, &store.keys, town.scope, at(2)));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].offer, Offer::Place(town.scope, Role::Editor));
        assert_eq!(found[0].mail, "taro@example.jp");

        assert!(store.write(|tx| staff::spend(tx, second)));
        assert!(!store.write(|tx| staff::spend(tx, second)));
        store.write(|tx| staff::withdraw_all(tx, &store.keys, &taro));
        assert!(!good(elsewhere, 2));
    }
);

store_test!(
    fn a_session_is_found_by_its_token_until_it_ends(store: &Fixture) {
        let hanako = able(store, "hanako@example.jp", "見本 花子");
        let (one, two) = (Token([1; 32]), Token([2; 32]));
        store.write(|tx| {
            sessions::add(tx, &one, hanako, at(0))?;
            sessions::add(tx, &two, hanako, at(0))?;
            sessions::note_use(tx, &one, at(5))
        });
        let found = |token| store.read(|tx| sessions::find(tx, &store.keys, token));
        let stay = Stay {
            begun: at(0),
            used: at(5),
        };
        assert_eq!(
            found(&one).map(|(person, stay)| (person.id, stay)),
            Some((hanako, stay))
        );
        assert_eq!(found(&Token([3; 32])), None);

        store.write(|tx| sessions::note_use(tx, &one, at(3)));
        assert_eq!(found(&one).unwrap().1, stay, "use never goes back");
        store.write(|tx| sessions::end(tx, &one));
        assert!(found(&one).is_none() && found(&two).is_some());
        store.write(|tx| sessions::forget(tx, at(0)));
        assert!(found(&two).is_some());
        store.write(|tx| sessions::forget(tx, at(1)));
        assert!(found(&two).is_none());
    }
);

store_test!(
    fn of_two_that_count_the_same_failure_one_counts_again(store: &Fixture) {
        let bucket = [5; 16];
        store.write(|tx| sessions::set_failures(tx, &bucket, None, 1, at(0)));
        let late = store.db.write(|tx| sessions::set_failures(tx, &bucket, None, 1, at(0)));
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
        store.write(|tx| sessions::set_failures(tx, &bucket, Some(1), 2, at(1)));
        let late = store
            .db
            .write(|tx| sessions::set_failures(tx, &bucket, Some(1), 2, at(1)));
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");

        let count = || store.read(|tx| sessions::failures(tx, &bucket));
        assert_eq!(count(), Some((2, at(1))));
        store.write(|tx| sessions::take_back(tx, &bucket));
        assert_eq!(count(), Some((1, at(1))));
        store.write(|tx| sessions::forget_failures(tx, at(1) + SignedDuration::from_secs(1)));
        assert_eq!(count(), None);
    }
);
