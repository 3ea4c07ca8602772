//! Single mails on their way, kept until they were taken.

use jiff::Timestamp;
use kizuna_domain::message::Draft;
use kizuna_store::mails::{self, Mail};
use uuid::Uuid;

use crate::town::{Fixture, Town, at};

fn mail(number: u128, asked_at: Timestamp) -> Mail {
    Mail {
        id: Uuid::from_u128(number),
        address: format!("reader{number}@example.jp"),
        draft: Draft {
            v: 1,
            language: "ja".to_owned(),
            from: "ひだまり市".to_owned(),
            subject: "確認".to_owned(),
            stage: String::new(),
            sample: false,
            sections: vec![],
            desks: vec![],
            asks: false,
        },
        asked_at,
        expires_at: at(60),
        attempt: 0,
    }
}

store_test!(
    fn a_mail_is_taken_by_one_worker_at_a_time_and_gone_when_it_is_done(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        for (scope, number, minute) in [(town.scope, 2, 0), (town.scope, 1, 1), (other.scope, 3, 5)] {
            store.write(|tx| mails::add(tx, &store.keys, scope, None, &mail(number, at(minute))));
        }
        let due = |scope, minute| store.read(|tx| mails::due(tx, &store.keys, scope, at(minute), 9));
        let tenants = |minute| store.read(|tx| mails::tenants_due(tx, at(minute)));
        assert_eq!((tenants(-1).len(), tenants(1).len(), tenants(5).len()), (0, 1, 2));
        assert_eq!(
            due(town.scope, 1),
            [mail(2, at(0)), mail(1, at(1))],
            "whoever waits longest comes first"
        );

        let first = due(town.scope, 1).remove(0);
        assert!(store.write(|tx| mails::claim(tx, town.scope, &first, at(10))));
        assert!(
            !store.write(|tx| mails::claim(tx, town.scope, &first, at(10))),
            "somebody else was faster"
        );
        assert!(
            !store.write(|tx| mails::claim(tx, other.scope, &mail(1, at(1)), at(10))),
            "not another town's"
        );
        assert_eq!(due(town.scope, 9), [mail(1, at(1))]);
        assert_eq!(due(town.scope, 10)[1].attempt, 1, "its worker died");

        store.write(|tx| mails::put_off(tx, town.scope, first.id, at(20)));
        assert_eq!(due(town.scope, 19), [mail(1, at(1))]);
        store.write(|tx| mails::drop(tx, other.scope, first.id));
        assert_eq!(due(town.scope, 20).len(), 2, "not another town's");
        store.write(|tx| mails::drop(tx, town.scope, first.id));
        assert_eq!(due(town.scope, 20), [mail(1, at(1))]);
    }
);

store_test!(
    fn whom_a_mail_goes_to_and_what_it_says_is_sealed(store: &Fixture) {
        let town = Town::with(store);
        store.write(|tx| mails::add(tx, &store.keys, town.scope, None, &mail(1, at(0))));
        let stranger = kizuna_store::Keyring::new(&[9; 32]);
        assert!(
            store
                .db
                .read(|tx| mails::due(tx, &stranger, town.scope, at(0), 9))
                .is_err()
        );
        assert!(!format!("{:?}", mail(1, at(0))).contains("example.jp"));
    }
);
