//! Two presses at the same moment, and the same child registered again: what the first did stands, nothing breaks.

use std::sync::Barrier;
use std::thread;

use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::Follower;
use kizuna_domain::position::Anchor;
use kizuna_engine::Env;
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::life::{self, Added, Dated, Dates, NewChild};
use kizuna_engine::actions::people as readers;
use kizuna_engine::actions::registration::{self, Registered, Registration, Waiting};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::links::{self, Holder};
use kizuna_store::{audit, people};

use crate::app::{Family, TODAY, TOWN, TestApp, Town, daily, day, on_both};

/// Pairs of presses in one test: on PostgreSQL not every pair meets.
const PAIRS: i32 = 8;

/// A town with a folder for mails, and readers on the page.
fn town(app: &TestApp) -> Town<'_> {
    let web = NewAccount {
        channel: "web".into(),
        ..NewAccount::default()
    };
    let town = app.town_with(TOWN, &TestApp::settings(), &[app.outbox(TOWN), web]);
    app.publish(&daily("daily", crate::app::STAGES));
    town
}

/// Presses twice at the same moment, in two processes; the two answers.
fn twice<T: Send>(app: &TestApp, press: impl Fn(&Env, usize) -> T + Sync) -> [T; 2] {
    let start = Barrier::new(2);
    thread::scope(|threads| {
        let pressed = [0, 1].map(|finger| {
            let (env, start, press) = (app.another_process(), &start, &press);
            threads.spawn(move || {
                start.wait();
                press(&env, finger)
            })
        });
        pressed.map(|answer| answer.join().unwrap())
    })
}

fn due() -> Anchor {
    Anchor::Due(day(TODAY) + 150)
}

fn pass(town: &Town<'_>, address: &str) -> Pass {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    let token = identity::mail_ticket(env, scope, address).unwrap();
    match identity::show(env, scope, Purpose::MailRegister, &token).unwrap() {
        Shown::Good(pass) => pass,
        other => panic!("{other:?}"),
    }
}

fn following(town: &Town<'_>, address: &str) -> Vec<Follower> {
    let (env, scope) = (&town.app.env, town.tenant().scope());
    env.db
        .read(
            |tx| match people::by_address(tx, &env.keys, scope, "outbox", address)? {
                Some(reader) => people::of_subscriber(tx, &env.keys, scope, reader),
                None => Ok(vec![]),
            },
        )
        .unwrap()
}

fn children(town: &Town<'_>, family: &Family) -> Vec<life::Child> {
    life::children(&town.app.env, &town.tenant(), family.subscriber).unwrap()
}

/// One of two presses did it, the other found it done.
fn once(answers: [Registered; 2]) -> bool {
    answers.contains(&Registered::Now) && answers.contains(&Registered::Before)
}

on_both! {
    fn a_double_tap_makes_links_anew_once_and_both_answers_open(app) {
        let town = town(app);
        for pair in 0..PAIRS {
            let family = town.family(&format!("f{pair}")).add();
            let (tenant, form) = (town.tenant(), app.env.ids.next());
            let token = links::own_token(&app.env.keys, tenant.id, Holder::first(family.subscriber), day(TODAY) + 30);

            let answers = twice(app, |env, _| life::renew_links(env, &tenant, &token, form).unwrap());

            let renewed = Some(Holder { reader: family.subscriber, generation: 1 });
            assert_eq!(answers, [renewed, renewed]);
            let other = app.env.ids.next();
            assert_eq!(life::renew_links(&app.env, &tenant, &token, other).unwrap(), None, "an earlier link alone");
        }
    }
}

on_both! {
    fn a_double_tap_asks_for_one_mail_and_registers_one_reader(app) {
        let town = town(app);
        let tenant = town.tenant();
        let new = Registration::new(due(), "test-1");
        for pair in 0..PAIRS {
            let waiting = Waiting { address: format!("f{pair}@example.jp"), registration: new.clone() };
            let number = app.env.ids.next();
            let asked = twice(app, |env, _| registration::ask_by_mail(env, &tenant, number, &waiting, "ja").unwrap());
            assert!(once(asked), "{asked:?}");

            let number = app.env.ids.next();
            let entered = twice(app, |env, _| registration::register_on_page(env, &tenant, number, &new).unwrap());
            assert!(once(entered), "{entered:?}");
        }
    }
}

on_both! {
    fn two_tickets_of_one_address_used_at_once_make_one_reader(app) {
        let town = town(app);
        let tenant = town.tenant();
        let new = Registration::new(due(), "test-1");
        for pair in 0..PAIRS {
            let address = format!("f{pair}@example.jp");
            let passes = [pass(&town, &address), pass(&town, &address)];
            let done = twice(app, |env, finger| registration::register(env, &tenant, &passes[finger], &new).unwrap());
            assert_eq!(done, [Registered::Now; 2]);
            assert_eq!(following(&town, &address).len(), 1, "one reader, one child");
        }
    }
}

on_both! {
    fn a_second_press_of_stop_changes_nothing_and_writes_nothing(app) {
        let town = town(app);
        let hanako = town.families(1).remove(0);
        let scope = town.tenant().scope();
        let stops = || {
            let entries = app.env.db.read(|tx| audit::latest(tx, Some(scope), None, 100)).unwrap();
            entries.iter().filter(|entry| entry.action == "reader.stop").count()
        };
        for _ in 0..2 {
            readers::stop(&app.env, scope, hanako.subscriber, Actor::Reader).unwrap();
            assert_eq!(stops(), 1);
        }
        assert!(following(&town, &hanako.address).is_empty());
    }
}

on_both! {
    fn a_double_tap_adds_one_child(app) {
        let town = town(app);
        let tenant = town.tenant();
        for hanako in town.families(PAIRS.unsigned_abs() as usize) {
            let new = NewChild {
                key: SubscriptionId::new(app.env.ids.next()),
                anchor: Anchor::Birth { on: day("2024-12-01"), due: None },
                nickname: None,
                twin_of: None,
                wording: "test-1",
            };
            let added = twice(app, |env, _| life::add_child(env, &tenant, hanako.subscriber, &new).unwrap());
            assert_eq!(added, [Added::Done; 2]);
            assert_eq!(children(&town, &hanako).len(), 2);
        }
    }
}

on_both! {
    fn of_two_dates_given_on_one_page_at_once_the_second_is_stale(app) {
        let town = town(app);
        let tenant = town.tenant();
        for hanako in town.families(PAIRS.unsigned_abs() as usize) {
            let shown = children(&town, &hanako).remove(0);
            let wanted = [20, 30].map(|days| Dates {
                subscription: hanako.subscription,
                version: shown.version,
                anchor: Anchor::Due(day(TODAY) + days),
            });
            let answers = twice(app, |env, finger| {
                life::correct_dates(env, &tenant, hanako.subscriber, wanted[finger]).unwrap()
            });
            let now = children(&town, &hanako).remove(0);
            let first = answers.iter().position(|answer| *answer == Dated::Done).unwrap();
            assert_eq!(answers[1 - first], Dated::Stale);
            assert_eq!((now.follower.anchor, now.version), (wanted[first].anchor, shown.version + 1));
        }
    }
}

on_both! {
    fn a_child_who_was_born_stays_born_when_the_due_date_is_registered_again(app) {
        let town = town(app);
        let (tenant, address) = (town.tenant(), "hanako@example.jp");
        let born = Anchor::Birth { on: day(TODAY) - 10, due: Some(day(TODAY) + 5) };
        let register = |anchor| {
            let new = Registration::new(anchor, "test-1");
            registration::register(&app.env, &tenant, &pass(&town, address), &new).unwrap();
            following(&town, address)
        };
        assert_eq!(register(born)[0].anchor, born);

        let again = register(Anchor::Due(day(TODAY) + 6));

        assert_eq!(again.iter().map(|child| child.anchor).collect::<Vec<_>>(), [born]);
        let corrected = register(Anchor::Birth { on: day(TODAY) - 9, due: None });
        assert_eq!(corrected[0].anchor, Anchor::Birth { on: day(TODAY) - 9, due: Some(day(TODAY) + 5) });
    }
}
