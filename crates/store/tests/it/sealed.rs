//! What is sealed: readable with the key in its own place, and nowhere else.

use kizuna_domain::ids::{CohortId, TenantId};
use kizuna_domain::people::PointState;
use kizuna_store::{Keyring, StoreError, people, tenants};

use crate::town::{Fixture, KEY, Town, id};

fn keys() -> Keyring {
    Keyring::new(&KEY)
}

#[test]
fn what_is_sealed_opens_in_its_place() {
    for words in ["", "hanako@example.jp", "はなちゃん", &"長".repeat(10_000)] {
        let sealed = keys().seal("place", b"row", words);
        assert_eq!(keys().open("place", b"row", &sealed).unwrap(), words);
    }
}

#[test]
fn the_same_words_look_different_in_another_place() {
    let sealed = keys().seal("place", b"row", "hanako@example.jp");

    assert_eq!(sealed, keys().seal("place", b"row", "hanako@example.jp"));
    assert_ne!(sealed, keys().seal("place", b"other row", "hanako@example.jp"));
    assert_ne!(sealed, keys().seal("other place", b"row", "hanako@example.jp"));
}

#[test]
fn what_was_touched_or_moved_does_not_open() {
    let sealed = keys().seal("place", b"row", "hanako@example.jp");
    let fails =
        |place, row: &[u8], sealed: &[u8]| matches!(keys().open(place, row, sealed), Err(StoreError::Sealed { .. }));

    for byte in 0..sealed.len() {
        let mut touched = sealed.clone();
        touched[byte] ^= 1;
        assert!(fails("place", b"row", &touched), "byte {byte}");
        assert!(fails("place", b"row", &sealed[..byte]), "cut after {byte}");
    }
    assert!(fails("place", b"other row", &sealed));
    assert!(fails("other place", b"row", &sealed));
}

#[test]
fn a_wrong_key_is_told_in_words() {
    let sealed = keys().seal("contact_points.address", b"row", "hanako@example.jp");

    let wrong = Keyring::new(&[8; 32])
        .open("contact_points.address", b"row", &sealed)
        .unwrap_err();

    assert_eq!(
        wrong.to_string(),
        "contact_points.address cannot be decrypted; is this the key file that belongs to this database?"
    );
}

#[test]
fn a_key_is_read_as_it_is_written() {
    let text = Keyring::text(&KEY);
    let sealed = keys().seal("place", b"row", "words");

    assert_eq!(
        Keyring::parse(&format!("  {text}\n"))
            .unwrap()
            .open("place", b"row", &sealed)
            .unwrap(),
        "words"
    );
    for wrong in ["", "not base64!", "c2hvcnQ=", &text[1..]] {
        let error = Keyring::parse(wrong).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the key must be 32 bytes in base64, as `kizuna init` writes it"
        );
    }
    assert_eq!(format!("{:?}", keys()), "Keyring(‹secret›)");
}

#[test]
fn the_blind_index_tells_equal_addresses_and_nothing_else() {
    let (tenant, other) = (TenantId::new(id()), TenantId::new(id()));
    let index = keys().index(tenant, "email", "hanako@example.jp");

    assert_eq!(index, keys().index(tenant, "email", " ＨＡＮＡＫＯ@Example.jp"));
    assert_ne!(index, keys().index(tenant, "email", "hanako@example.com"));
    assert_ne!(index, keys().index(tenant, "line", "hanako@example.jp"));
    assert_ne!(index, keys().index(other, "email", "hanako@example.jp"));
    assert_ne!(
        index,
        Keyring::new(&[8; 32]).index(tenant, "email", "hanako@example.jp")
    );
    assert_ne!(keys().index(tenant, "ab", "c"), keys().index(tenant, "a", "bc"));
}

#[test]
fn a_link_is_signed_for_one_purpose() {
    let link = keys().sign_link("stop", b"reader");

    assert_eq!(link, keys().sign_link("stop", b"reader"));
    assert_ne!(link, keys().sign_link("open", b"reader"));
    assert_ne!(link, keys().sign_link("stop", b"other"));
    assert_ne!(link, Keyring::new(&[8; 32]).sign_link("stop", b"reader"));
}

store_test!(
    fn an_address_copied_to_another_row_does_not_open(store: &Fixture) {
        let town = Town::with(store);
        let (hanako, taro) = (town.family("hanako").build(), town.family("taro").build());
        let batch = town.batch().letter(&[(&hanako, "kizuna/d1")]).build();
        let (from, to) = (store.literal(taro.point.bytes()), store.literal(hanako.point.bytes()));
        store.meddle(&format!(
            "UPDATE contact_points SET address = (SELECT q.address FROM contact_points q WHERE q.id = {from}) WHERE id = {to}"
        ));

        let opened = store
            .db
            .read(|tx| kizuna_store::runs::letters(tx, &store.keys, town.scope, batch, 1));

        assert!(
            matches!(
                opened,
                Err(StoreError::Sealed {
                    what: "contact_points.address"
                })
            ),
            "{opened:?}"
        );
    }
);

store_test!(
    fn a_database_does_not_open_with_another_key(store: &Fixture) {
        let town = Town::with(store);
        let hanako = town.family("hanako").build();
        let wrong = Keyring::new(&[8; 32]);

        let follower = store
            .db
            .read(|tx| people::one(tx, &wrong, town.scope, hanako.subscription));
        let account = store.db.read(|tx| tenants::account_by_id(tx, &wrong, town.account));

        assert!(
            matches!(
                follower,
                Err(StoreError::Sealed {
                    what: "subscriptions.nickname"
                })
            ),
            "{follower:?}"
        );
        assert!(
            matches!(
                account,
                Err(StoreError::Sealed {
                    what: "accounts.secrets"
                })
            ),
            "{account:?}"
        );
    }
);

#[test]
fn nothing_of_a_family_is_readable_in_the_file() {
    let store = Fixture::sqlite();
    let town = Town::named(&store, "findable-town");
    let family = town
        .family("はなちゃん")
        .address("hanako.secret@mailbox.invalid", PointState::Verified)
        .build();
    store.write(|tx| {
        let secrets = [("passphrase".to_owned(), "correct-horse".to_owned())].into();
        tenants::put_account(tx, &store.keys, town.scope, town.account, "email", &[].into(), &secrets)?;
        let words = crate::town::draft("おにいちゃんへ");
        kizuna_store::runs::add_cohort(tx, &store.keys, town.scope, CohortId::new(id()), &words)?;
        people::suppress(tx, town.scope, family.point, "address-gone", crate::town::at(0))
    });
    store.meddle("PRAGMA wal_checkpoint(TRUNCATE)");

    let folder = store.file().unwrap().parent().unwrap().to_owned();
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let bytes = files.collect::<Vec<_>>().concat();
    let holds = |words: &str| bytes.windows(words.len()).any(|window| window == words.as_bytes());

    assert!(holds("findable-town"), "the search finds what is there");
    for hidden in [
        "hanako",
        "hanako.secret",
        "mailbox",
        "invalid",
        "はなちゃん",
        "おにいちゃん",
        "correct-horse",
        "passphrase",
    ] {
        assert!(!holds(hidden), "{hidden} is readable");
    }
}
