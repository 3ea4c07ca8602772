//! The inbox of LINE, friendships, bodies to pass on, and tickets.

use jiff::Timestamp;
use kizuna_domain::people::{PointState, Reach, SkipReason};
use kizuna_store::line::{self, Friendship, NewEvent};
use kizuna_store::{people, tickets};
use uuid::Uuid;

use crate::town::{Fixture, Town, at, day, id};

const USER: &str = "U0123456789abcdef0123456789abcdef";

/// An identifier that sorts by its number.
fn numbered(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn event<'a>(number: u128, event_id: &'a str, message: Option<&'a str>, body: &'a str) -> NewEvent<'a> {
    NewEvent {
        id: numbered(number),
        event_id,
        message,
        arrived_at: at(number as i64),
        body,
    }
}

store_test!(
    fn an_event_is_kept_once_worked_off_in_order_and_then_forgotten_but_for_its_id(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let add = |scope, new: NewEvent<'_>| store.write(|tx| line::add_event(tx, &store.keys, scope, &new));
        assert!(add(town.scope, event(2, "b", None, "second")));
        assert!(add(town.scope, event(1, "a", Some("m1"), "first")));
        assert!(add(other.scope, event(3, "a", None, "another tenant's")));
        assert!(!add(town.scope, event(4, "a", None, "first, once more")));

        let waiting = |after| store.read(|tx| line::waiting_after(tx, &store.keys, numbered(after), 2));
        let words = |page: &[line::Waiting]| page.iter().map(|one| one.body.clone().unwrap()).collect::<Vec<_>>();
        assert_eq!(words(&waiting(0)), ["first", "second"]);
        assert_eq!(words(&waiting(2)), ["another tenant's"]);
        let of_message = |scope| store.read(|tx| line::waiting_of_message(tx, &store.keys, scope, "m1"));
        assert_eq!(words(&of_message(town.scope)), ["first"]);
        assert_eq!(of_message(other.scope), []);

        assert!(store.write(|tx| line::done(tx, numbered(1))));
        assert!(
            !store.write(|tx| line::done(tx, numbered(1))),
            "somebody else was faster"
        );
        store.write(|tx| line::failed(tx, numbered(2)));
        let left = waiting(0);
        assert_eq!((left[0].tries, left.len()), (1, 2));
        assert_eq!(of_message(town.scope), []);
        assert!(!add(town.scope, event(5, "a", None, "still recognised")));

        // What still waits is not swept away, however old it is.
        assert_eq!(store.write(|tx| line::sweep_events(tx, at(1_000))), 1);
        assert!(add(town.scope, event(6, "a", None, "new again")));
        assert_eq!(waiting(0).len(), 2);
    }
);

store_test!(
    fn the_words_of_an_event_are_sealed(store: &Fixture) {
        let town = Town::with(store);
        let secret = event(1, "a", None, "止めてください");
        store.write(|tx| line::add_event(tx, &store.keys, town.scope, &secret));
        let other = kizuna_store::Keyring::new(&[9; 32]);
        let opened = store.read(|tx| line::waiting_after(tx, &other, Uuid::nil(), 9));
        assert_eq!(
            opened[0].body, None,
            "a wrong key opens nothing and keeps nobody waiting"
        );
        assert!(!format!("{secret:?}{opened:?}").contains("止めて"));
    }
);

store_test!(
    fn the_newest_word_about_a_friendship_counts(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let put = |is_friend, minute| {
            let new = Friendship {
                is_friend,
                since_at: at(minute),
            };
            store.write(|tx| line::put_friendship(tx, &store.keys, town.scope, USER, new))
        };
        let known = |scope| store.read(|tx| line::friendship(tx, &store.keys, scope, USER));
        assert_eq!(known(town.scope), None);
        for (is_friend, minute, changes) in [
            (true, 5, true),
            (false, 4, false),
            (true, 5, false),
            (false, 5, true),
            (true, 5, false),
            (true, 6, true),
        ] {
            assert_eq!(put(is_friend, minute), changes, "{is_friend} {minute}");
        }
        assert_eq!(
            known(town.scope),
            Some(Friendship {
                is_friend: true,
                since_at: at(6)
            })
        );
        assert_eq!(known(other.scope), None);
    }
);

store_test!(
    fn a_block_silences_a_reader_and_a_lifted_one_is_found_by_its_day(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let follower = || {
            store
                .read(|tx| people::one(tx, &store.keys, town.scope, hanako.subscription))
                .unwrap()
        };
        let resumed = |from: &str, until: &str| {
            store
                .read(|tx| people::resumed(tx, &store.keys, town.scope, (day(from), day(until)), None, 10))
                .followers
                .len()
        };
        let set = |state| {
            store.write(|tx| {
                people::set_point(tx, town.scope, hanako.point, state)?;
                people::refresh_reach(tx, town.scope, hanako.subscriber)
            });
        };
        set(PointState::Blocked);
        assert_eq!(follower().reach, Reach::Silent(SkipReason::Blocked));
        set(PointState::Verified);
        assert_eq!(
            store.write(|tx| people::resume_after(tx, town.scope, hanako.subscriber, day("2026-12-24"))),
            1
        );
        assert_eq!(follower().resumed_on, Some(day("2026-12-24")));
        assert_eq!(follower().from_on(), day("2026-12-25"));
        assert_eq!(
            (resumed("2026-12-21", "2026-12-24"), resumed("2026-12-25", "2026-12-28")),
            (1, 0)
        );
    }
);

store_test!(
    fn a_stop_means_what_was_asked_for_before_it(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let second = town.family("second").of(&hanako).build();
        store.write(|tx| people::ask(tx, town.scope, second.subscription, at(10)));
        let meant = |minute| {
            store
                .read(|tx| people::asked_before(tx, town.scope, hanako.subscriber, at(minute)))
                .len()
        };
        assert_eq!((meant(9), meant(10)), (1, 2));
        assert_eq!(
            store
                .read(|tx| people::asked_before(tx, town.scope, hanako.subscriber, Timestamp::MAX))
                .len(),
            2
        );
    }
);

store_test!(
    fn a_body_is_passed_on_by_one_process_at_a_time_and_put_off_with_its_account(store: &Fixture) {
        let town = Town::with(store);
        for number in 1..=3 {
            let body = format!("body {number}");
            store.write(|tx| {
                line::add_forward(
                    tx,
                    &store.keys,
                    town.scope,
                    numbered(number),
                    town.account,
                    &body,
                    at(number as i64),
                    at(100),
                )
            });
        }
        let due = |minute| store.read(|tx| line::forwards(tx, &store.keys, town.scope, town.account, at(minute), 10));
        let accounts = |minute| store.read(|tx| line::forwarding(tx, at(minute)));
        assert_eq!((accounts(0).len(), accounts(1)), (0, vec![town.account]));
        let bodies: Vec<String> = due(3).into_iter().map(|one| one.body).collect();
        assert_eq!(bodies, ["body 1", "body 2", "body 3"]);

        let first = due(3).remove(0);
        assert!(store.write(|tx| line::claim_forward(tx, town.scope, &first, at(20))));
        assert!(!store.write(|tx| line::claim_forward(tx, town.scope, &first, at(20))));
        assert_eq!(
            store.write(|tx| line::put_off_forwards(tx, town.scope, town.account, at(3), at(20))),
            2
        );
        assert_eq!(due(19), []);
        assert_eq!(
            due(20).first().map(|one| (one.body.clone(), one.attempt)),
            Some(("body 1".to_owned(), 1))
        );
        store.write(|tx| line::drop_forward(tx, town.scope, first.id));
        assert_eq!(due(20).len(), 2);
    }
);

store_test!(
    fn a_ticket_is_used_once_in_time_and_in_its_tenant(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let ticket = id();
        let new = tickets::New {
            id: ticket,
            purpose: "register",
            subject: USER,
            whose: USER,
            expires_at: at(10),
        };
        store.write(|tx| tickets::add(tx, &store.keys, town.scope, &new));
        let get = |scope, purpose| store.read(|tx| tickets::get(tx, &store.keys, scope, ticket, purpose));
        let use_up = |scope, minute| store.write(|tx| tickets::use_up(tx, scope, ticket, at(minute)));
        assert_eq!(
            get(town.scope, "register").map(|found| (found.subject, found.used_at)),
            Some((USER.to_owned(), None))
        );
        assert!(get(town.scope, "manage").is_none() && get(other.scope, "register").is_none());
        assert!(!use_up(other.scope, 1));
        assert!(!use_up(town.scope, 10), "expired");
        assert!(use_up(town.scope, 9));
        assert!(!use_up(town.scope, 9), "used");
        assert_eq!(get(town.scope, "register").and_then(|found| found.used_at), Some(at(9)));
        assert!(!format!("{:?}", get(town.scope, "register")).contains(USER));
        assert_eq!(store.write(|tx| tickets::sweep(tx, at(10))), 0);
        assert_eq!(store.write(|tx| tickets::sweep(tx, at(11))), 1);
    }
);
