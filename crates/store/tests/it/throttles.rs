//! Buckets count the uses of one stretch of time and then begin anew.

use kizuna_store::throttles;

use crate::town::{Fixture, at};

store_test!(
    fn a_stretch_counts_its_uses_ends_when_it_began_to_and_is_then_forgotten(store: &Fixture) {
        let hit = |bucket: u8, now, until| store.write(|tx| throttles::hit(tx, &[bucket; 16], at(now), at(until)));
        let used = |bucket: u8, now| store.read(|tx| throttles::used(tx, &[bucket; 16], at(now)));
        assert_eq!(used(1, 0), None);
        assert_eq!(hit(1, 0, 60), (1, at(60)));
        assert_eq!(hit(1, 59, 119), (2, at(60)), "later uses do not lengthen it");
        assert_eq!(hit(2, 59, 119), (1, at(119)), "somebody else");
        assert_eq!(
            (used(1, 59), used(1, 60)),
            (Some((2, at(60))), None),
            "to look counts nothing"
        );
        assert_eq!(hit(1, 60, 120), (1, at(120)));

        assert_eq!(store.write(|tx| throttles::sweep(tx, at(119))), 0);
        assert_eq!(store.write(|tx| throttles::sweep(tx, at(120))), 1);
        assert_eq!(hit(2, 61, 121), (1, at(121)), "forgotten");
        assert_eq!(hit(1, 61, 121), (2, at(120)), "still known");
    }
);
