//! Pictures: kept under the digest of their bytes, once and for ever.

use kizuna_domain::content::picture::Picture;
use kizuna_store::media;

use crate::town::Fixture;

fn picture(inside: &[u8]) -> Picture {
    Picture::new([b"\x89PNG\r\n\x1a\n", inside].concat()).unwrap()
}

store_test!(
    fn a_picture_is_read_as_it_was_put_however_often(store: &Fixture) {
        let (first, second) = (picture(&[0, 255, 7]), picture(b"other"));
        for _ in 0..2 {
            store.write(|tx| media::put(tx, &first));
        }
        assert!(!store.read(|tx| media::has(tx, second.name())));
        assert_eq!(store.read(|tx| media::get(tx, second.name())), None);
        store.write(|tx| media::put(tx, &second));

        for picture in [&first, &second] {
            assert!(store.read(|tx| media::has(tx, picture.name())));
            let bytes = store.read(|tx| media::get(tx, picture.name()));
            assert_eq!(bytes.as_deref(), Some(picture.bytes()));
        }
        let renamed = first.name().to_string().replace(".png", ".jpg").parse().unwrap();
        assert!(!store.read(|tx| media::has(tx, &renamed)), "a name says the kind");
    }
);
