//! Articles: the same words are one revision, and what was published never changes.

use kizuna_domain::content::pack::PackArticle;
use kizuna_domain::content::{Item, Owner, Placement, Review, Revision, Source, Verdict};
use kizuna_domain::ids::{ArticleId, EditionId, RevisionId, TrackId};
use kizuna_store::content::{self, Edition, PutArticle, Track};

use crate::town::{Fixture, Town, at, day, id};

fn track(store: &Fixture, code: &str, town: Option<&Town<'_>>) -> Track {
    let track = Track {
        id: TrackId::new(id()),
        tenant: town.map(|town| town.scope.tenant()),
        code: code.to_owned(),
        title: "きずなだより".into(),
        language: "ja".into(),
        sender_label: "きずなだより".into(),
        approvals_required: 2,
    };
    store.write(|tx| content::add_track(tx, &track));
    track
}

fn article(code: &str, title: &str) -> PackArticle {
    PackArticle {
        id: code.to_owned(),
        revision: Revision {
            title: title.to_owned(),
            body: "食べられるものを、食べられるときに。".into(),
            sources: vec![Source {
                title: "手引き".into(),
                publisher: "国".into(),
                year: 2026,
                url: None,
            }],
            desks: vec!["center".into()],
            contact: Some("健康課".into()),
            owner_section: None,
        },
        placement: Placement {
            slots: vec!["12w3d".parse().unwrap()],
            order: 2,
            ..nowhere()
        },
        reviews: vec![review("佐藤"), review("鈴木")],
    }
}

fn nowhere() -> Placement {
    serde_json::from_str("{}").unwrap()
}

fn review(by: &str) -> Review {
    Review {
        by: by.to_owned(),
        role: "産婦人科医".into(),
        on: day("2026-04-01"),
        verdict: Verdict::Approved,
    }
}

fn put(store: &Fixture, track: &Track, article: &PackArticle) -> PutArticle {
    let (new_article, new_revision) = (ArticleId::new(id()), RevisionId::new(id()));
    store.write(|tx| content::put_article(tx, track.id, new_article, new_revision, article))
}

store_test!(
    fn the_same_words_stay_one_revision_and_new_words_are_a_new_one(store: &Fixture) {
        let track = track(store, "kizuna", None);
        let first = put(store, &track, &article("nausea", "つわり"));
        assert!(first.is_new);

        let mut moved = article("nausea", "つわり");
        moved.placement.slots = vec!["12w4d".parse().unwrap()];
        moved.reviews.clear();
        let same = put(store, &track, &moved);
        assert_eq!(
            same,
            PutArticle {
                revision: first.revision,
                is_new: false
            },
            "a place is not words"
        );
        assert_eq!(
            store.read(|tx| content::articles(tx, track.id)),
            [(first.revision, moved)]
        );

        let second = put(store, &track, &article("nausea", "つわりのころ"));
        assert!(second.is_new && second.revision != first.revision);
        let back = put(store, &track, &article("nausea", "つわり"));
        assert_eq!(
            back,
            PutArticle {
                revision: first.revision,
                is_new: false
            },
            "old words are the old revision again"
        );
        assert_eq!(store.number("SELECT COUNT(*) FROM revisions"), 2);
        assert_eq!(store.number("SELECT COUNT(*) FROM articles"), 1);
        assert_eq!(store.number("SELECT MAX(number) FROM revisions"), 2);
    }
);

store_test!(
    fn articles_come_back_as_they_were_put(store: &Fixture) {
        let (track, other) = (track(store, "kizuna", None), track(store, "other", None));
        let (b, a) = (article("b", "二"), article("a", "一"));
        let (rb, ra) = (put(store, &track, &b).revision, put(store, &track, &a).revision);
        put(store, &other, &article("a", "別"));

        assert_eq!(
            store.read(|tx| content::articles(tx, track.id)),
            [(ra, a.clone()), (rb, b.clone())],
            "by id"
        );

        let texts = store.read(|tx| content::texts(tx, track.id, &|revision| revision == rb));
        assert_eq!(texts, [(rb, b.revision)]);
        assert_eq!(
            store.read(|tx| content::texts(tx, other.id, &|revision| revision == rb)),
            []
        );
    }
);

store_test!(
    fn a_withdrawn_article_is_gone_from_the_next_edition_and_its_words_stay(store: &Fixture) {
        let track = track(store, "kizuna", None);
        let put_first = put(store, &track, &article("nausea", "つわり"));

        store.write(|tx| content::withdraw_article(tx, track.id, "nausea"));

        assert_eq!(store.read(|tx| content::articles(tx, track.id)), []);
        assert_eq!(store.read(|tx| content::texts(tx, track.id, &|_| true)).len(), 1);
        assert!(
            store
                .db
                .write(|tx| content::withdraw_article(tx, track.id, "unknown"))
                .is_err()
        );
        assert_eq!(
            put(store, &track, &article("nausea", "つわり")),
            PutArticle {
                is_new: false,
                ..put_first
            }
        );
        assert_eq!(
            store.read(|tx| content::articles(tx, track.id)).len(),
            1,
            "put again, placed again"
        );
    }
);

store_test!(
    fn an_edition_never_changes(store: &Fixture) {
        let track = track(store, "kizuna", None);
        let revision = put(store, &track, &article("nausea", "つわり")).revision;
        let placement = article("nausea", "つわり").placement;
        let items = vec![Item {
            article: "nausea".into(),
            revision,
            placement,
            approved: true,
        }];
        let first = Edition { number: 1, items };
        let get = |number| store.read(|tx| content::edition(tx, track.id, number));
        assert_eq!(get(None), None);
        store.write(|tx| content::add_edition(tx, EditionId::new(id()), track.id, &first, at(0)));

        put(store, &track, &article("nausea", "新しいことば"));
        store.write(|tx| content::withdraw_article(tx, track.id, "nausea"));

        assert_eq!(get(None), Some(first.clone()));
        let texts = store.read(|tx| content::texts(tx, track.id, &|wanted| wanted == revision));
        assert_eq!(texts[0].1.title, "つわり");
        let second = Edition {
            number: 2,
            items: vec![],
        };
        store.write(|tx| content::add_edition(tx, EditionId::new(id()), track.id, &second, at(1)));
        assert_eq!(
            (get(None), get(Some(1)), get(Some(3))),
            (Some(second.clone()), Some(first), None)
        );
        let again = store
            .db
            .write(|tx| content::add_edition(tx, EditionId::new(id()), track.id, &second, at(2)));
        assert!(again.is_err_and(|error| error.is_duplicate()));
    }
);

store_test!(
    fn a_tenants_own_track_comes_before_the_desks(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let desk = track(store, "kizuna", None);
        let own = track(store, "kizuna", Some(&town));
        let city = track(store, "city", Some(&town));

        let found = |scope| store.read(|tx| content::track_for(tx, scope, "kizuna"));
        assert_eq!(
            (found(town.scope), found(other.scope)),
            (Some(own.clone()), Some(desk.clone()))
        );
        assert_eq!(
            store.read(|tx| content::track_of_desk(tx, "kizuna")),
            Some(desk.clone())
        );
        assert_eq!(store.read(|tx| content::track_for(tx, other.scope, "city")), None);
        assert_eq!(
            store.read(|tx| content::tracks(tx, town.scope)),
            [city.clone(), desk.clone(), own.clone()]
        );
        assert_eq!(
            store.read(|tx| content::tracks(tx, other.scope)),
            std::slice::from_ref(&desk)
        );
        assert_eq!((desk.owner(), own.owner()), (Owner::Desk, Owner::Tenant));
    }
);

store_test!(
    fn a_track_is_renamed_and_its_code_is_taken_once(store: &Fixture) {
        let desk = track(store, "kizuna", None);
        let renamed = Track {
            title: "新しい名".into(),
            language: "en".into(),
            approvals_required: 1,
            ..desk.clone()
        };

        store.write(|tx| content::change_track(tx, &renamed));

        assert_eq!(store.read(|tx| content::track_of_desk(tx, "kizuna")), Some(renamed));
        let twice = Track {
            id: TrackId::new(id()),
            ..desk.clone()
        };
        assert!(
            store
                .db
                .write(|tx| content::add_track(tx, &twice))
                .is_err_and(|error| error.is_duplicate())
        );
        let unknown = Track {
            id: TrackId::new(id()),
            ..desk
        };
        assert!(store.db.write(|tx| content::change_track(tx, &unknown)).is_err());
    }
);
