//! Rich menus: drafts and requests, whose turn it is, and which reader was given which.

use kizuna_domain::menu::{Menu, MenuDocument, MenuStage};
use kizuna_domain::people::{PointState, SubscriptionState};
use kizuna_store::menus::{self, Ending, Linkable, Publication, Shown};
use kizuna_store::tenants;

use crate::town::{Fixture, Town, at, day};

fn ready(stage: MenuStage) -> MenuDocument {
    Menu::ready(stage).document().clone()
}

fn renamed(stage: MenuStage, bar: &str) -> MenuDocument {
    MenuDocument {
        bar: bar.to_owned(),
        ..ready(stage)
    }
}

fn all_ready() -> Vec<MenuDocument> {
    MenuStage::ALL.iter().map(|stage| ready(*stage)).collect()
}

fn publication(town: &Town<'_>) -> Publication {
    town.store.read(|tx| menus::publication(tx, town.scope)).unwrap()
}

/// Whose turn it is at a minute, where a try lasts five minutes.
fn due(store: &Fixture, minute: i64) -> usize {
    store.read(|tx| menus::due(tx, at(minute), at(minute - 5))).len()
}

fn walk(town: &Town<'_>, limit: usize) -> Vec<Linkable> {
    let (mut all, mut after): (Vec<Linkable>, Option<Linkable>) = (Vec::new(), None);
    loop {
        let page = town
            .store
            .read(|tx| menus::linkable(tx, town.scope, "email", after.as_ref(), limit));
        after = page.last().cloned();
        all.extend(page);
        if after.is_none() {
            return all;
        }
    }
}

store_test!(
    fn a_draft_is_kept_right_or_wrong_and_changes_nothing_that_is_shown(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let shown = Shown {
            id: "richmenu-1".into(),
            digest: "kizuna-child-1".into(),
            at: at(1),
        };
        store.write(|tx| menus::ask(tx, town.scope, &all_ready(), at(0)));
        store.write(|tx| menus::note_shown(tx, town.scope, MenuStage::Child, &shown));
        let wrong = renamed(MenuStage::Child, "");
        store.write(|tx| menus::put_draft(tx, town.scope, &wrong));

        let all = store.read(|tx| menus::all(tx, town.scope));
        let stages: Vec<MenuStage> = all.iter().map(|kept| kept.stage).collect();
        assert_eq!(stages, MenuStage::ALL);
        let child = all.iter().find(|kept| kept.stage == MenuStage::Child).unwrap();
        assert_eq!((&child.draft, &child.wanted), (&wrong, &Some(ready(MenuStage::Child))));
        assert_eq!(child.shown, Some(shown));
        assert_eq!(store.read(|tx| menus::all(tx, other.scope)), []);
        assert_eq!(store.read(|tx| menus::publication(tx, other.scope)), None);
    }
);

store_test!(
    fn one_worker_at_a_time_has_a_tenants_menus_in_its_hands(store: &Fixture) {
        let town = Town::with(store);
        let claim = |minute: i64| store.write(|tx| menus::claim(tx, town.scope, at(minute), at(minute + 5)));
        assert_eq!(claim(0), None, "nobody asked");
        store.write(|tx| menus::ask(tx, town.scope, &all_ready(), at(0)));

        assert_eq!(due(store, 0), 1);
        let first = claim(0).unwrap();
        assert_eq!((claim(4), due(store, 4)), (None, 0));
        let second = claim(5).unwrap();
        assert_ne!(first, second);

        assert!(!store.write(|tx| menus::renew(tx, town.scope, first, at(20))));
        assert!(store.write(|tx| menus::renew(tx, town.scope, second, at(9))));
        let late = Ending::Left { problem: "late" };
        store.write(|tx| menus::settle(tx, town.scope, first, at(0), at(6), late));
        assert_eq!(
            publication(&town).problem,
            None,
            "what a late worker says does not count"
        );
        assert_eq!(claim(8), None);
    }
);

store_test!(
    fn what_failed_is_tried_again_and_what_is_done_waits_for_a_change(store: &Fixture) {
        let town = Town::with(store);
        let end = |asked: i64, now: i64, ending: Ending<'_>| {
            let token = store
                .write(|tx| menus::claim(tx, town.scope, at(now), at(now + 5)))
                .unwrap();
            store.write(|tx| menus::settle(tx, town.scope, token, at(asked), at(now), ending));
        };
        store.write(|tx| menus::ask(tx, town.scope, &all_ready(), at(0)));
        end(
            0,
            1,
            Ending::Left {
                problem: "LINEにつながりません",
            },
        );
        assert_eq!(publication(&town).problem.as_deref(), Some("LINEにつながりません"));
        assert_eq!((due(store, 3), due(store, 6)), (0, 1));

        let version = store.read(|tx| tenants::version(tx, town.scope));
        end(0, 7, Ending::Done { version });
        let done = publication(&town);
        assert_eq!(
            (done.done_at, done.problem, done.linked_version),
            (Some(at(7)), None, Some(version))
        );
        assert_eq!(due(store, 60), 0);

        store.write(|tx| tenants::touch(tx, town.scope));
        assert_eq!(due(store, 60), 1, "somebody registered, gave birth or stopped");

        // Asked again while a worker finishes the request before: it stays open.
        let token = store.write(|tx| menus::claim(tx, town.scope, at(70), at(75))).unwrap();
        store.write(|tx| menus::ask(tx, town.scope, &all_ready(), at(71)));
        store.write(|tx| menus::settle(tx, town.scope, token, at(0), at(72), Ending::Done { version }));
        assert_eq!(publication(&town).done_at, None);
    }
);

store_test!(
    fn every_usable_address_is_walked_once_with_its_children_and_its_menu(store: &Fixture) {
        let (town, other) = (Town::with(store), Town::named(store, "other"));
        let families: Vec<_> = (0..7)
            .map(|n| town.family(&format!("f{n}")).due("2027-01-01").build())
            .collect();
        let first = families.first().unwrap();
        town.family("sibling").born("2024-04-01").of(first).build();
        let stopped = town.family("stopped").state(SubscriptionState::Ended).build();
        town.family("blocked")
            .address("blocked@hidamari.example", PointState::Suppressed)
            .build();
        other.family("stranger").build();
        store.write(|tx| menus::note_given(tx, town.scope, first.point, "richmenu-0"));
        store.write(|tx| menus::note_given(tx, town.scope, first.point, "richmenu-1"));

        for limit in [2, 100] {
            let all = walk(&town, limit);
            assert_eq!(all.len(), 8, "by {limit}");
            let of = |point| all.iter().find(|one| one.point == point).unwrap();
            let given = of(first.point);
            assert_eq!((given.anchors.len(), given.given.as_deref()), (2, Some("richmenu-1")));
            assert_eq!(given.address(&store.keys).unwrap(), "f0@hidamari.example");
            assert!(!format!("{given:?}").contains("hidamari"), "no address is shown");
            assert_eq!((of(stopped.point).anchors.len(), &of(stopped.point).given), (0, &None));
        }
        let one = store
            .read(|tx| menus::linkable_of(tx, town.scope, "email", first.subscriber))
            .unwrap();
        assert_eq!((one.point, one.anchors.len()), (first.point, 2));
        assert!(
            one.anchors
                .iter()
                .any(|anchor| anchor.birth() == Some(day("2024-04-01")))
        );
        assert_eq!(
            store.read(|tx| menus::linkable_of(tx, town.scope, "line", first.subscriber)),
            None
        );
    }
);
