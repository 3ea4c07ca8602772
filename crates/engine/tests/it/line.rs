//! What people do in LINE, from the signed request to what follows: stop, block, register, and what another tool hears.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::content::pack::Pack;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{PointState, Reach, Relation, SkipReason, SubscriptionState};
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::actions::registration::{Registered, Registration, register};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::line::{self, Inbox, Received, Replies, Reply, Request, forward, step};
use kizuna_engine::{EngineError, Env};
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{line as memory, tickets};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{Letter, TODAY, TOWN, TestApp, Town, daily, day, jst, on_both, only};

const SECRET: &str = "channel-secret";
/// Two stops that are this far apart are not confused with each other.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);

/// A LINE user's id.
fn user(number: u32) -> String {
    format!("U{number:032x}")
}

/// A pack of which every article must be known, and is of use for weeks.
fn must_know(slots: &str) -> Pack {
    let mut pack = daily("daily", slots);
    for article in &mut pack.articles {
        article.placement.must_know = true;
        article.placement.useful_until_slot = Some("30w0d".parse().unwrap());
    }
    pack
}

/// A town on LINE. What leaves goes into a folder, under the LINE users' ids, because nobody carries it to LINE here.
struct Talk<'a> {
    town: Town<'a>,
    carrier: AccountId,
}

impl<'a> Talk<'a> {
    fn new(app: &'a TestApp) -> Talk<'a> {
        Talk::with(app, &[])
    }

    fn with(app: &'a TestApp, settings: &[(&str, &str)]) -> Talk<'a> {
        Talk::named(app, TOWN, settings)
    }

    fn named(app: &'a TestApp, code: &str, settings: &[(&str, &str)]) -> Talk<'a> {
        let mut sends = TestApp::settings();
        sends.adopt[0].join = kizuna_domain::tenant::JoinPolicy::Digest;
        sends.base_url = "https://kosodate.example".into();
        let town = app.town_with(code, &sends, &[app.outbox(code)]);
        let carrier = town.accounts().first().unwrap().id;
        let settings: BTreeMap<String, String> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let secrets = BTreeMap::from([("channel_secret".to_owned(), SECRET.to_owned())]);
        let scope = town.tenant().scope();
        let new = AccountId::new(app.env.ids.next());
        app.env
            .db
            .write(|tx| tenants::put_account(tx, &app.env.keys, scope, new, "line", &settings, &secrets))
            .unwrap();
        Talk { town, carrier }
    }

    fn env(&self) -> &'a Arc<Env> {
        &self.town.app.env
    }

    fn tenant(&self) -> Tenant {
        self.town.tenant()
    }

    /// A reader at 12w3d today, who registered by LINE long ago.
    fn reader(&self, number: u32) -> Reader {
        self.reader_since(number, "2026-06-01")
    }

    fn reader_since(&self, number: u32, registered: &str) -> Reader {
        let (env, scope) = (self.env(), self.tenant().scope());
        let reader = Reader {
            user: user(number),
            subscriber: SubscriberId::new(env.ids.next()),
            subscription: SubscriptionId::new(env.ids.next()),
        };
        let subscriber = NewSubscriber {
            id: reader.subscriber,
            reference: None,
            relation: Relation::Unsaid,
            language: "ja".into(),
            area: None,
            registered_at: env.clock.now(),
        };
        let point = NewPoint {
            id: PointId::new(env.ids.next()),
            subscriber: reader.subscriber,
            account: self.carrier,
            channel: "line".into(),
            address: reader.user.clone(),
            state: PointState::Verified,
        };
        let subscription = NewSubscription {
            id: reader.subscription,
            subscriber: reader.subscriber,
            anchor: Anchor::Due(day(TODAY) + 193),
            nickname: None,
            registered_on: day(registered),
            state: SubscriptionState::Active,
        };
        env.db
            .write(|tx| {
                people::add_subscriber(tx, scope, &subscriber)?;
                people::add_point(tx, &env.keys, scope, &point)?;
                people::add_subscription(tx, &env.keys, scope, &subscription)?;
                people::refresh_reach(tx, scope, reader.subscriber)?;
                tenants::touch(tx, scope)
            })
            .unwrap();
        reader
    }

    /// Another address of a reader, by which they can be reached.
    fn second_address(&self, reader: &Reader) {
        let (env, scope) = (self.env(), self.tenant().scope());
        let point = NewPoint {
            id: PointId::new(env.ids.next()),
            subscriber: reader.subscriber,
            account: self.carrier,
            channel: "outbox".into(),
            address: "other@hidamari.example".into(),
            state: PointState::Verified,
        };
        env.db
            .write(|tx| {
                people::add_point(tx, &env.keys, scope, &point)?;
                people::refresh_reach(tx, scope, reader.subscriber)
            })
            .unwrap();
    }

    /// Hands a request in and waits until it is durable, without working it off.
    fn post(&self, events: &[Value]) -> Received {
        self.request(&Request {
            signature: signed(&bodied(events)).as_bytes(),
            has_hopped: false,
            body: bodied(events).as_bytes(),
        })
    }

    fn request(&self, request: &Request<'_>) -> Received {
        let inbox = Inbox::start(self.env()).unwrap();
        let (told, heard) = mpsc::channel();
        let told = Box::new(move |kept| told.send(kept).unwrap());
        let received = inbox.receive(self.env(), &self.town.code, request, told).unwrap();
        if received == Received::Waits {
            assert!(heard.recv().unwrap(), "it is durable");
        }
        received
    }

    /// Works off what waits and gives what is said, as texts.
    fn said(&self) -> Vec<String> {
        let mut replies = Vec::new();
        step(self.env(), &mut |reply| replies.push(reply)).unwrap();
        self.say(&replies)
    }

    fn say(&self, replies: &[Reply]) -> Vec<String> {
        let ears = Ears::default();
        for reply in replies {
            line::say(self.env(), &ears, reply);
        }
        ears.0.into_inner().unwrap()
    }

    /// Tells of events and gives what is said.
    fn hears(&self, events: &[Value]) -> Vec<String> {
        self.post(events);
        self.said()
    }

    fn now(&self) -> Timestamp {
        self.env().clock.now()
    }

    fn letters_to(&self, reader: &Reader) -> Vec<Letter> {
        let letters = self.town.letters().into_iter();
        letters
            .filter(|letter| letter.to.eq_ignore_ascii_case(&reader.user))
            .collect()
    }

    fn state(&self, reader: &Reader) -> SubscriptionState {
        self.follower(reader.subscription).state
    }

    fn follower(&self, subscription: SubscriptionId) -> kizuna_domain::people::Follower {
        let (env, scope) = (self.env(), self.tenant().scope());
        env.db
            .read(|tx| people::one(tx, &env.keys, scope, subscription))
            .unwrap()
            .unwrap()
    }

    fn following(&self, user: &str) -> Vec<kizuna_domain::people::Follower> {
        let (env, scope) = (self.env(), self.tenant().scope());
        env.db
            .read(|tx| match memory::point(tx, &env.keys, scope, user)? {
                Some(point) => people::of_subscriber(tx, &env.keys, scope, point.subscriber),
                None => Ok(Vec::new()),
            })
            .unwrap()
    }

    /// The pass in a link to register.
    fn pass(&self, user: &str) -> Pass {
        let token = identity::registration_ticket(self.env(), self.tenant().scope(), user).unwrap();
        match identity::show(self.env(), self.tenant().scope(), Purpose::Register, &token).unwrap() {
            Shown::Good(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    fn register(&self, pass: &Pass, anchor: Anchor) -> Result<Registered, EngineError> {
        let new = Registration {
            relation: Relation::Mother,
            ..Registration::new(anchor, "test-1")
        };
        register(self.env(), &self.tenant(), pass, &new)
    }
}

#[derive(Debug, Clone)]
struct Reader {
    user: String,
    subscriber: SubscriberId,
    subscription: SubscriptionId,
}

/// Hears what is said.
#[derive(Default)]
struct Ears(Mutex<Vec<String>>);

impl Replies for Ears {
    fn reply(&self, _: &kizuna_channels::Account, token: &str, messages: &[Value]) -> Result<(), String> {
        assert!(!token.is_empty() && (1..=5).contains(&messages.len()));
        let words: Vec<String> = messages
            .iter()
            .map(|message| match message["type"].as_str().unwrap() {
                "text" => message["text"].as_str().unwrap().to_owned(),
                _ => message.to_string(),
            })
            .collect();
        self.0.lock().unwrap().push(words.join("\n"));
        Ok(())
    }
}

fn signed(body: &str) -> String {
    kizuna_channels::line::webhook::sign(SECRET, body.as_bytes())
}

fn bodied(events: &[Value]) -> String {
    json!({ "destination": user(0), "events": events }).to_string()
}

/// An event of LINE at an instant; its id is made of what it says.
fn event(kind: &str, user: &str, at: Timestamp, more: &Value) -> Value {
    let mut event = json!({
        "type": kind,
        "webhookEventId": format!("{kind}-{}-{}", user.trim_start_matches(['U', '0']), at.as_millisecond()),
        "timestamp": at.as_millisecond(),
        "mode": "active",
        "deliveryContext": { "isRedelivery": false },
        "source": { "type": "user", "userId": user },
    });
    if kind != "unfollow" && kind != "unsend" {
        event["replyToken"] = json!("token");
    }
    let more = more.as_object().cloned().unwrap_or_default();
    event.as_object_mut().unwrap().extend(more);
    event
}

fn follow(user: &str, at: Timestamp) -> Value {
    event("follow", user, at, &json!({}))
}

fn unfollow(user: &str, at: Timestamp) -> Value {
    event("unfollow", user, at, &json!({}))
}

fn words(user: &str, at: Timestamp, text: &str) -> Value {
    let message = format!("m{}", at.as_millisecond());
    event(
        "message",
        user,
        at,
        &json!({ "message": { "type": "text", "id": message, "text": text } }),
    )
}

fn press(user: &str, at: Timestamp, data: &str) -> Value {
    let id = format!(
        "press-{data}-{}-{}",
        user.trim_start_matches('U').trim_start_matches('0'),
        at.as_millisecond()
    );
    event(
        "postback",
        user,
        at,
        &json!({ "webhookEventId": id, "postback": { "data": data } }),
    )
}

on_both! {
    fn a_block_stops_everything_at_once_on_every_address(app) {
        let talk = Talk::new(app);
        app.publish(&daily("daily", crate::app::STAGES));
        let (blocks, stays) = (talk.reader(1), talk.reader(2));
        talk.second_address(&blocks);
        // Planned before the hours, so that both letters wait.
        app.clock.set(jst("2026-12-24 07:00:00"));
        assert_eq!(only(app.run()).waiting, 2);

        talk.hears(&[unfollow(&blocks.user, talk.now())]);

        assert_eq!(talk.follower(blocks.subscription).reach, Reach::Silent(SkipReason::Blocked));
        app.clock.set(jst("2026-12-24 08:00:00"));
        app.run();
        app.clock.set(jst("2026-12-25 08:00:00"));
        app.run();
        assert_eq!(talk.letters_to(&blocks), []);
        assert!(talk.town.letters().iter().all(|letter| letter.to != "other@hidamari.example"));
        assert_eq!(talk.letters_to(&stays).len(), 2);
        assert_eq!(talk.state(&blocks), SubscriptionState::Active, "a block is no stop");
    }
}

on_both! {
    fn a_lifted_block_goes_on_the_next_day_with_one_bundle_of_what_was_missed(app) {
        let talk = Talk::new(app);
        app.publish(&must_know("12w1d..13w6d"));
        let reader = talk.reader_since(1, TODAY);
        app.run();
        let first = talk.letters_to(&reader);
        assert_eq!(first.len(), 1, "12w3d with 12w1d and 12w2d in the bundle");

        talk.hears(&[unfollow(&reader.user, jst("2026-12-24 09:00:00"))]);
        for missed in ["2026-12-25 08:00:00", "2026-12-26 08:00:00"] {
            app.clock.set(jst(missed));
            app.run();
        }
        app.clock.set(jst("2026-12-26 10:00:00"));
        assert_eq!(talk.hears(&[follow(&reader.user, talk.now())]), ["つぎの日から、またお届けします。"]);
        app.run();
        assert_eq!(talk.letters_to(&reader).len(), 1, "nothing on the day itself");

        app.clock.set(jst("2026-12-27 08:00:00"));
        app.run();
        let letters = talk.letters_to(&reader);
        assert_eq!(letters.len(), 2);
        let second = letters.iter().find(|letter| !first.contains(letter)).unwrap();
        for (place, comes) in [("12w3d", false), ("12w2d", false), ("12w4d", true), ("12w5d", true), ("12w6d", true), ("13w0d", false)] {
            assert_eq!(second.text.contains(&format!("本文 {place}\n")), comes, "{place}: {}", second.text);
        }
        assert!(second.text.contains("ここまでのまとめ：題 12w4d"), "{}", second.text);
        app.clock.set(jst("2026-12-28 08:00:00"));
        app.run();
        assert_eq!(talk.letters_to(&reader).len(), 3);
    }
}

#[test]
fn ten_blocks_on_one_day_are_one() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    app.publish(&must_know("12w0d..13w6d"));
    let reader = talk.reader_since(1, TODAY);
    app.clock.set(jst("2026-12-24 07:30:00"));
    for round in 0..10 {
        let at = talk.now() + SignedDuration::from_secs(round * 2);
        talk.hears(&[
            unfollow(&reader.user, at),
            follow(&reader.user, at + SignedDuration::from_secs(1)),
        ]);
        app.run();
    }
    app.clock.set(jst("2026-12-24 08:30:00"));
    app.run();
    assert_eq!(talk.letters_to(&reader), []);
    app.clock.set(jst("2026-12-25 08:30:00"));
    app.run();
    app.run();
    let letters = talk.letters_to(&reader);
    assert_eq!(letters.len(), 1);
    assert_eq!(
        letters[0].text.matches("ここまでのまとめ").count(),
        4,
        "12w0d to 12w3d: {}",
        letters[0].text
    );
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
fn whatever_is_blocked_and_lifted_when_nothing_comes_twice_and_never_more_than_one_letter_a_day() {
    for seed in 1..=4 {
        let app = TestApp::sqlite();
        let talk = Talk::new(&app);
        app.publish(&must_know("11w0d..16w6d"));
        let reader = talk.reader_since(1, TODAY);
        let mut dice = Dice(seed);
        let (mut seen, mut blocked, mut quiet_since) = (0, false, 0);
        let mut read: BTreeMap<String, usize> = BTreeMap::new();
        for ahead in 0..21 {
            let on = day(TODAY) + ahead;
            let mut hour = 7;
            while hour < 22 {
                app.clock.set(jst(&format!("{on} {hour:02}:00:00")));
                for _ in 0..dice.roll(3) {
                    let at = talk.now() + SignedDuration::from_secs(dice.roll(3_000) as i64);
                    let is_block = dice.roll(2) == 0;
                    let known = app
                        .env
                        .db
                        .read(|tx| memory::friendship(tx, &app.env.keys, talk.tenant().scope(), &reader.user));
                    let is_newest = known.unwrap().is_none_or(|known| known.since_at < at);
                    let told = if is_block {
                        unfollow(&reader.user, at)
                    } else {
                        follow(&reader.user, at)
                    };
                    // Now and then LINE tells twice, or of something old.
                    talk.hears(std::slice::from_ref(&told));
                    if dice.roll(3) == 0 {
                        talk.hears(&[told]);
                    }
                    if is_newest {
                        blocked = is_block;
                        quiet_since = ahead;
                    }
                }
                app.run();
                hour += 2 + dice.roll(6);
            }
            let letters = talk.letters_to(&reader);
            assert!(letters.len() <= seen + 1, "seed {seed}: two letters on {on}");
            if !blocked && quiet_since < ahead {
                assert_eq!(letters.len(), seen + 1, "seed {seed}: nothing on {on}");
            }
            seen = letters.len();
            read.clear();
            for line in letters
                .iter()
                .flat_map(|letter| letter.text.lines())
                .filter(|line| line.starts_with("本文 "))
            {
                *read.entry(line.to_owned()).or_default() += 1;
            }
            assert!(read.values().all(|times| *times == 1), "seed {seed} {on}: {read:?}");
        }
    }
}

on_both! {
    fn the_word_stops_everything_and_is_answered_once(app) {
        let talk = Talk::new(app);
        app.publish(&daily("daily", crate::app::STAGES));
        let (stops, stays) = (talk.reader(1), talk.reader(2));
        app.clock.set(jst("2026-12-24 07:00:00"));
        app.run();

        let said = talk.hears(&[words(&stops.user, talk.now(), " 停止。")]);

        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("止めました。\nこれまで読んでくださって、ありがとうございました。"), "{}", said[0]);
        for banned in ["登録", "また", "？", "理由を", "おめでとう"] {
            assert!(!said[0].contains(banned), "{}", said[0]);
        }
        assert_eq!(talk.state(&stops), SubscriptionState::Ended);
        assert_eq!(talk.hears(&[words(&stops.user, talk.now(), " 停止。")]), [""; 0], "a repeat is harmless");
        app.clock.set(jst("2026-12-24 08:00:00"));
        app.run();
        assert_eq!((talk.letters_to(&stops).len(), talk.letters_to(&stays).len()), (0, 1));
    }
}

#[test]
fn whoever_we_do_not_know_may_stop_as_well() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let said = talk.hears(&[words(&user(9), talk.now(), "ＳＴＯＰ！")]);
    assert!(said[0].starts_with("止めました。"), "{said:?}");
}

#[test]
fn a_stop_that_comes_late_does_not_end_what_was_asked_for_afterwards() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let said_at = talk.now();
    app.clock.advance(SignedDuration::from_mins(30));
    // Another child, asked for after the word that has not arrived yet.
    talk.register(
        &talk.pass(&reader.user),
        Anchor::Birth {
            on: day("2024-05-01"),
            due: None,
        },
    )
    .unwrap();
    app.clock.advance(SignedDuration::from_mins(30));

    talk.hears(&[words(&reader.user, said_at, "停止")]);

    assert_eq!(talk.state(&reader), SubscriptionState::Ended);
    let living = talk.following(&reader.user);
    assert_eq!(living.len(), 1, "the new registration lives");
    assert!(living[0].anchor.birth().is_some());
    let asked_at = said_at + SignedDuration::from_mins(30);
    // Said at nearly the same time: in doubt it stops.
    talk.hears(&[words(
        &reader.user,
        asked_at - MARGIN + SignedDuration::from_secs(1),
        "停止",
    )]);
    assert_eq!(talk.following(&reader.user), []);
}

#[test]
fn what_was_told_is_worked_off_after_a_death_and_only_once() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    // The answer of 200 has left, the process dies: its inbox is gone, its worker never came to it.
    assert_eq!(
        talk.post(&[words(&reader.user, talk.now(), "停止"), follow(&user(2), talk.now())]),
        Received::Waits
    );
    assert_eq!(talk.state(&reader), SubscriptionState::Active);

    let other = app.another_process();
    let mut replies = Vec::new();
    assert_eq!(step(&other, &mut |reply| replies.push(reply)).unwrap(), 2);

    assert_eq!(talk.state(&reader), SubscriptionState::Ended);
    assert_eq!(talk.say(&replies).len(), 2);
    assert_eq!(talk.said(), [""; 0], "nothing is left for the first process");
    let left = app
        .env
        .db
        .read(|tx| memory::waiting_after(tx, &app.env.keys, Uuid::nil(), 10))
        .unwrap();
    assert_eq!(left, [], "the words are erased");
}

#[test]
fn order_and_repeats_do_not_matter() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let at = |minute| jst("2026-12-24 07:00:00") + SignedDuration::from_mins(minute);
    let story = [
        follow(&reader.user, at(1)),
        unfollow(&reader.user, at(2)),
        follow(&reader.user, at(3)),
        unfollow(&reader.user, at(4)),
    ];
    for order in [[3, 0, 1, 2], [0, 3, 2, 1], [2, 3, 3, 0]] {
        talk.hears(&order.map(|place: usize| story[place].clone()));
        assert_eq!(
            talk.follower(reader.subscription).reach,
            Reach::Silent(SkipReason::Blocked)
        );
    }
    talk.hears(&[follow(&reader.user, at(5))]);
    assert!(matches!(talk.follower(reader.subscription).reach, Reach::At { .. }));
    // At one instant the block counts, whichever comes first.
    talk.hears(&[unfollow(&reader.user, at(5))]);
    assert_eq!(
        talk.follower(reader.subscription).reach,
        Reach::Silent(SkipReason::Blocked)
    );
}

#[test]
fn a_message_that_was_taken_back_is_erased_and_its_stop_still_counts() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let said_at = talk.now();
    let unsent = event(
        "unsend",
        &reader.user,
        said_at,
        &json!({ "unsend": { "messageId": format!("m{}", said_at.as_millisecond()) } }),
    );
    // The event that takes it back arrives first.
    talk.post(&[unsent, words(&reader.user, said_at, "停止")]);
    assert_eq!(talk.said(), [""; 0], "nobody answers a message that is no longer there");
    assert_eq!(talk.state(&reader), SubscriptionState::Ended);
}

#[test]
fn what_is_worked_off_too_late_is_not_answered() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    talk.post(&[words(&reader.user, talk.now(), "停止")]);
    app.clock.advance(SignedDuration::from_secs(50));
    assert_eq!(
        talk.said(),
        [""; 0],
        "the reply token is dead, and nothing is pushed instead"
    );
    assert_eq!(talk.state(&reader), SubscriptionState::Ended);
}

#[test]
fn in_standby_and_beside_another_tool_we_are_silent_but_for_our_own() {
    let app = TestApp::sqlite();
    let talk = Talk::with(&app, &[("replies", "theirs")]);
    let reader = talk.reader(1);
    let now = talk.now();
    assert_eq!(
        talk.hears(&[follow(&user(2), now), words(&user(2), now, "こんにちは")]),
        [""; 0]
    );
    assert_eq!(talk.hears(&[press(&user(2), now, "kizuna:register")]).len(), 1);
    assert_eq!(talk.hears(&[press(&user(2), now, "other-tool:menu")]), [""; 0]);
    let mut standby = words(&reader.user, now, "停止");
    standby["mode"] = json!("standby");
    assert_eq!(talk.hears(&[standby]), [""; 0]);
    assert_eq!(
        talk.state(&reader),
        SubscriptionState::Ended,
        "the state is applied all the same"
    );
}

#[test]
fn free_words_get_the_same_kind_answer_whatever_they_say() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let mut answers: Vec<String> = Vec::new();
    for (minute, text) in (0..).zip([
        "ありがとう",
        "流産しました",
        "しにたい",
        "停止ボタンはどこですか",
        "登録したい人がいます",
    ]) {
        let at = talk.now() - SignedDuration::from_mins(minute);
        answers.extend(talk.hears(&[words(&reader.user, at, text)]));
    }
    assert_eq!(answers.len(), 5);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(
        answers[0].contains("お返事を書いていません") && answers[0].contains("119") && answers[0].contains("「停止」")
    );
    assert_eq!(talk.state(&reader), SubscriptionState::Active);
}

#[test]
fn buttons_bring_todays_words_the_past_and_ones_own_page() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    app.publish(&daily("daily", crate::app::STAGES));
    let reader = talk.reader(1);
    let presses = |data: &str| talk.hears(&[press(&reader.user, talk.now(), data)]).concat();
    assert!(presses("kizuna:today").contains("本文 12w3d"), "before it is sent");
    app.run();
    app.clock.set(jst("2026-12-25 08:10:00"));
    assert!(presses("kizuna:today").contains("本文 12w4d"));
    assert!(presses("kizuna:past").contains("本文 12w3d"));
    assert!(presses("kizuna:desks").contains("119"));
    assert!(presses("kizuna:support").contains("https://kosodate.example/hidamari/support\""));
    let (env, tenant) = (talk.env(), talk.tenant());
    for (button, page) in [("settings", ""), ("birth", "/birth"), ("invite", "/invite")] {
        let said = presses(&format!("kizuna:{button}"));
        let link = said.split("https://kosodate.example/hidamari/my/").nth(1).unwrap();
        let (link, _) = link.split_once('"').unwrap();
        let token = link.strip_suffix(page).unwrap();
        let opened = env
            .db
            .read(|tx| kizuna_engine::links::read_own_token(tx, &env.keys, tenant.scope(), token))
            .unwrap();
        assert_eq!(
            opened,
            Some((reader.subscriber, day("2026-12-26"))),
            "good until tomorrow"
        );
    }
    // Below the words there is the way to all of them, for this reader alone.
    app.clock.set(jst("2026-12-25 08:20:00"));
    let token = kizuna_engine::links::words_token(
        &env.keys,
        tenant.id,
        kizuna_engine::links::Holder::first(reader.subscriber),
    );
    for data in ["kizuna:today", "kizuna:past", "kizuna:desks"] {
        let page = format!("https://kosodate.example/hidamari/words/{token}");
        assert!(presses(data).contains(&page), "{data}");
    }
    assert!(presses("kizuna:unheard-of").is_empty());
    // Whoever is not registered is led to the registration.
    let stranger = talk.hears(&[press(&user(7), talk.now(), "kizuna:settings")]).concat();
    assert!(stranger.contains("/register/line/"), "{stranger}");
    let nothing = talk.hears(&[press(&user(7), talk.now(), "kizuna:today")]).concat();
    assert!(
        nothing.contains("ありません") && !nothing.contains("/words/"),
        "{nothing}"
    );
}

/// Every button of the menus, and what is done on coming back.
fn everything(talk: &Talk<'_>, user: &str) -> String {
    let mut said = Vec::new();
    for button in ["today", "past", "birth", "settings", "invite", "restart"] {
        said.extend(talk.hears(&[press(user, talk.now(), &format!("kizuna:{button}"))]));
    }
    talk.town.app.clock.advance(SignedDuration::from_secs(1));
    said.extend(talk.hears(&[unfollow(user, talk.now())]));
    talk.town.app.clock.advance(SignedDuration::from_secs(1));
    said.extend(talk.hears(&[follow(user, talk.now())]));
    assert_eq!(said.len(), 7);
    said.concat()
}

on_both! {
    fn nobody_who_stopped_is_asked_to_register_or_told_to_wait(app) {
        let talk = Talk::new(app);
        app.publish(&daily("daily", crate::app::STAGES));
        let reader = talk.reader(1);
        talk.hears(&[words(&reader.user, talk.now(), "停止")]);
        let stopped = everything(&talk, &reader.user);
        app.clock.advance(SignedDuration::from_hours(24));
        let erased = {
            kizuna_engine::actions::data::erase(talk.env(), talk.tenant().scope(), reader.subscriber).unwrap();
            everything(&talk, &reader.user)
        };

        for said in [&stopped, &erased] {
            for banned in ["まだ登録がありません", "はじまります", "お待ちください", "おかえり", "お届けします", "誕生日", "http"] {
                assert!(!said.contains(banned), "{banned}: {said}");
            }
            assert!(said.contains("いまは、なにも届きません。"), "{said}");
        }
        assert_eq!(stopped, erased, "nobody learns from an answer what is still kept");
    }
}

#[test]
fn whoever_paused_is_told_so_and_where_the_pause_ends() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    life::pause(talk.env(), &talk.tenant(), reader.subscriber, Which::All).unwrap();

    let today = talk.hears(&[press(&reader.user, talk.now(), "kizuna:today")]).concat();
    let back = talk.hears(&[follow(&reader.user, talk.now())]).concat();

    for said in [today, back] {
        assert!(
            said.contains("いまは、お休みしています。") && said.contains("/pause"),
            "{said}"
        );
        assert!(!said.contains("お届けします"), "{said}");
    }
}

#[test]
fn a_pause_ends_by_a_button() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    life::pause(talk.env(), &talk.tenant(), reader.subscriber, Which::All).unwrap();
    assert!(talk.hears(&[press(&reader.user, talk.now(), "kizuna:restart")])[0].contains("お休みをおわりにしました"));
    assert_eq!(talk.state(&reader), SubscriptionState::Active);
}

#[test]
fn groups_and_things_nobody_knows_change_nothing() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let mut in_a_group = words(&reader.user, talk.now(), "停止");
    in_a_group["source"] = json!({ "type": "group", "groupId": "C1", "userId": reader.user });
    let unknown = event(
        "tomorrow",
        &reader.user,
        talk.now(),
        &json!({ "new": [1, { "deep": true }] }),
    );
    let linked = event(
        "accountLink",
        &reader.user,
        talk.now(),
        &json!({ "link": { "result": "ok", "nonce": "x" } }),
    );
    assert_eq!(
        talk.hears(&[in_a_group, unknown, linked, json!({}), json!("text")]),
        [""; 0]
    );
    assert_eq!(talk.state(&reader), SubscriptionState::Active);
    assert_eq!(talk.post(&[]), Received::Empty);
}

on_both! {
    fn a_greeting_leads_to_a_registration_that_happens_once(app) {
        let talk = Talk::new(app);
        app.publish(&daily("daily", crate::app::STAGES));
        let said = talk.hears(&[follow(&user(5), talk.now())]).concat();
        let token = said.split("/register/line/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let scope = talk.tenant().scope();
        let Shown::Good(pass) = identity::show(talk.env(), scope, Purpose::Register, &token).unwrap() else {
            panic!("the link opens")
        };

        let due = Anchor::Due(day(TODAY) + 193);
        assert_eq!(talk.register(&pass, due).unwrap(), Registered::Now);
        assert_eq!(talk.register(&pass, Anchor::Due(day(TODAY) + 100)).unwrap(), Registered::Before);

        let living = talk.following(&user(5));
        assert_eq!(living.len(), 1);
        assert_eq!((living[0].anchor, living[0].registered_on), (due, day(TODAY)));
        assert!(matches!(living[0].reach, Reach::At { .. }));
        assert!(matches!(identity::show(talk.env(), scope, Purpose::Register, &token).unwrap(), Shown::Used(_)));
        let exported = app.env.db.read(|tx| people::export(tx, &app.env.keys, scope, None, 10)).unwrap();
        assert_eq!((exported[0].consent_wording.as_deref(), exported[0].relation), (Some("test-1"), Relation::Mother));
    }
}

#[test]
fn a_ticket_is_good_for_its_town_its_purpose_and_its_day() {
    let app = TestApp::sqlite();
    let (talk, other) = (Talk::new(&app), Talk::named(&app, "asahi", &[]));
    let scope = talk.tenant().scope();
    let token = identity::registration_ticket(talk.env(), scope, &user(5)).unwrap();
    let shown = |scope, purpose, token: &str| identity::show(talk.env(), scope, purpose, token).unwrap();
    assert!(matches!(shown(scope, Purpose::Register, &token), Shown::Good(_)));
    assert_eq!(shown(other.tenant().scope(), Purpose::Register, &token), Shown::Nothing);
    for place in 0..token.len() {
        let mut forged = token.clone();
        let other = if forged.get(place..=place) == Some("A") {
            "B"
        } else {
            "A"
        };
        forged.replace_range(place..=place, other);
        assert_eq!(shown(scope, Purpose::Register, &forged), Shown::Nothing, "{forged}");
    }
    let pass = talk.pass(&user(5));
    app.clock.advance(identity::VALID);
    assert_eq!(shown(scope, Purpose::Register, &token), Shown::Nothing);
    // Opened in time and pressed too late.
    assert_eq!(
        talk.register(&pass, Anchor::Due(day(TODAY) + 100)).unwrap(),
        Registered::Before
    );
    assert_eq!(talk.following(&user(5)), []);
    app.clock.advance(SignedDuration::from_hours(25));
    line::sweep(&app.env).unwrap();
    assert_eq!(
        app.env
            .db
            .read(|tx| tickets::get(tx, &app.env.keys, scope, pass.id, "line-register"))
            .unwrap(),
        None
    );
}

#[test]
fn whoever_registers_again_keeps_one_registration_for_one_child() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let reader = talk.reader(1);
    let again = |anchor| talk.register(&talk.pass(&reader.user), anchor).unwrap();

    again(Anchor::Due(day(TODAY) + 193));
    assert_eq!(talk.following(&reader.user).len(), 1, "the same date");
    again(Anchor::Due(day(TODAY) + 200));
    let corrected = talk.following(&reader.user);
    assert_eq!(
        (corrected.len(), corrected[0].anchor),
        (1, Anchor::Due(day(TODAY) + 200)),
        "the date given last"
    );
    talk.town.app.clock.advance(SignedDuration::from_mins(5));
    talk.hears(&[words(&reader.user, talk.now(), "停止")]);
    assert_eq!(talk.following(&reader.user), []);

    talk.town.app.clock.advance(SignedDuration::from_mins(5));
    again(Anchor::Due(day(TODAY) + 200));
    let fresh = talk.following(&reader.user);
    assert_eq!(fresh.len(), 1);
    assert_ne!(
        fresh[0].subscription, reader.subscription,
        "after a stop it begins anew"
    );
    assert_eq!(fresh[0].subscriber, reader.subscriber);
}

#[test]
fn whoever_registers_while_blocking_us_is_silent_until_they_are_friends() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    talk.hears(&[unfollow(&user(5), talk.now())]);
    talk.register(&talk.pass(&user(5)), Anchor::Due(day(TODAY) + 193))
        .unwrap();
    assert_eq!(talk.following(&user(5))[0].reach, Reach::Silent(SkipReason::Blocked));
    talk.hears(&[follow(&user(5), talk.now() + SignedDuration::from_secs(1))]);
    assert!(matches!(talk.following(&user(5))[0].reach, Reach::At { .. }));
}

/// Another tool on the same account: answers with these statuses, one after the other, and keeps what it heard.
struct Tool {
    url: String,
    heard: mpsc::Receiver<(String, String)>,
}

impl Tool {
    fn answering(statuses: &'static [u16]) -> Tool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            for status in statuses {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut chunk = [0; 4_096];
                while !request.ends_with(b"]}") && !request.ends_with(b"}") {
                    let read = stream.read(&mut chunk).unwrap();
                    request.extend(&chunk[..read]);
                }
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
                .unwrap();
                let request = String::from_utf8(request).unwrap();
                let (lines, words) = request.split_once("\r\n\r\n").unwrap();
                sender.send((lines.to_lowercase(), words.to_owned())).unwrap();
            }
        });
        Tool { url, heard }
    }
}

#[test]
fn another_tool_hears_what_line_said_byte_for_byte_and_in_order() {
    let app = TestApp::sqlite();
    let tool = Tool::answering(&[500, 200, 200]);
    let talk = Talk::with(&app, &[("forward_url", &tool.url)]);
    let (first, second) = (
        follow(&user(5), talk.now()),
        words(&user(5), talk.now(), "こんにちは　😀"),
    );
    talk.post(std::slice::from_ref(&first));
    talk.post(std::slice::from_ref(&second));
    // LINE says the first once more: the other tool has it already.
    talk.post(std::slice::from_ref(&first));

    let passed = forward::pass(&app.env).unwrap();
    assert_eq!((passed.taken, passed.put_off, passed.dropped), (0, 1, 0));
    assert_eq!(tool.heard.recv().unwrap().1, bodied(std::slice::from_ref(&first)));
    assert_eq!(
        forward::pass(&app.env).unwrap(),
        forward::Passed::default(),
        "it is not asked again at once"
    );

    app.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(forward::pass(&app.env).unwrap().taken, 2);
    for expected in [bodied(&[first]), bodied(&[second])] {
        let (head, body) = tool.heard.recv().unwrap();
        assert_eq!(body, expected);
        assert!(
            head.contains(&format!("x-line-signature: {}", signed(&body).to_lowercase())),
            "{head}"
        );
        assert!(head.contains("x-kizuna-hop: 1"), "{head}");
    }
    app.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(
        forward::pass(&app.env).unwrap(),
        forward::Passed::default(),
        "nothing is left"
    );
}

#[test]
fn what_was_passed_on_to_us_is_not_passed_on_again() {
    let app = TestApp::sqlite();
    let talk = Talk::with(&app, &[("forward_url", "http://127.0.0.1:9/")]);
    let body = bodied(&[follow(&user(5), talk.now())]);
    let signature = signed(&body);
    let request = Request {
        signature: signature.as_bytes(),
        has_hopped: true,
        body: body.as_bytes(),
    };
    assert_eq!(talk.request(&request), Received::Waits);
    assert_eq!(forward::pass(&app.env).unwrap(), forward::Passed::default());
    assert_eq!(talk.said().len(), 1, "we hear it all the same");
}

#[test]
fn what_a_tool_does_not_take_for_a_day_is_dropped_and_counted() {
    let app = TestApp::sqlite();
    let talk = Talk::with(&app, &[("forward_url", "http://127.0.0.1:9/")]);
    talk.post(&[follow(&user(5), talk.now())]);
    let mut attempts = 0;
    for _ in 0..24 * 12 {
        attempts += forward::pass(&app.env).unwrap().put_off;
        app.clock.advance(SignedDuration::from_mins(5));
    }
    assert!((20..=40).contains(&attempts), "{attempts} attempts in a day");
    app.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(forward::pass(&app.env).unwrap().dropped, 1);
    assert_eq!(forward::pass(&app.env).unwrap(), forward::Passed::default());
}

#[test]
fn ids_of_events_are_forgotten_after_forty_days() {
    let app = TestApp::sqlite();
    let talk = Talk::new(&app);
    let told = words(&user(5), talk.now(), "停止");
    talk.hears(std::slice::from_ref(&told));
    app.clock.advance(SignedDuration::from_hours(40 * 24 - 1));
    line::sweep(&app.env).unwrap();
    talk.post(std::slice::from_ref(&told));
    assert_eq!(step(&app.env, &mut |_| {}).unwrap(), 0, "still recognised");
    app.clock.advance(SignedDuration::from_hours(2));
    line::sweep(&app.env).unwrap();
    talk.post(std::slice::from_ref(&told));
    assert_eq!(step(&app.env, &mut |_| {}).unwrap(), 1);
}
