//! Ten thousand events of five hundred users over real connections: doubled, out of order, a fifth of them forged.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kizuna_channels::line::webhook::sign;
use kizuna_engine::line::step;
use kizuna_store::line as memory;
use serde_json::{Value, json};

use crate::line::{SECRET, on_line, user};

const EVENTS: usize = 10_000;
const USERS: u64 = 500;
const CONNECTIONS: usize = 16;
/// 2026-11-21 23:00 UTC, half an hour before the clock of the tests.
const BEGIN: i64 = 1_795_302_000_000;

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

/// What a patient listener would know who hears every true event once, in order: of each user the newest word.
#[derive(Default)]
struct Model(BTreeMap<u64, (i64, bool)>);

impl Model {
    fn hear(&mut self, user: u64, at: i64, is_friend: bool) {
        let newest = self.0.entry(user).or_insert((i64::MIN, true));
        // At one instant the block counts.
        if at > newest.0 || (at == newest.0 && !is_friend) {
            *newest = (at, is_friend);
        }
    }
}

struct Request {
    body: String,
    signature: String,
    is_true: bool,
}

fn requests(model: &mut Model) -> Vec<Request> {
    let mut dice = Dice(7);
    let mut requests = Vec::new();
    let mut told: Vec<Value> = Vec::new();
    let mut number = 0;
    while number < EVENTS {
        let is_true = dice.roll(5) != 0;
        let mut events = Vec::new();
        for _ in 0..=dice.roll(6) {
            number += 1;
            // LINE tells something again that it told before.
            if !told.is_empty() && dice.roll(5) == 0 {
                let old = told.get(dice.roll(told.len() as u64) as usize).cloned();
                events.extend(old);
                continue;
            }
            let (who, is_friend, at) = (dice.roll(USERS), dice.roll(2) == 0, BEGIN + dice.roll(100_000) as i64);
            let event = json!({
                "type": if is_friend { "follow" } else { "unfollow" },
                "webhookEventId": format!("01STORM{number:019}"),
                "timestamp": at,
                "mode": if dice.roll(10) == 0 { "standby" } else { "active" },
                "deliveryContext": { "isRedelivery": false },
                "source": { "type": "user", "userId": user(who as usize) },
            });
            if is_true {
                model.hear(who, at, is_friend);
                told.push(event.clone());
            }
            events.push(event);
        }
        let body = json!({ "destination": user(0), "events": events }).to_string();
        let secret = if is_true { SECRET } else { "forged" };
        requests.push(Request {
            signature: sign(secret, body.as_bytes()),
            body,
            is_true,
        });
    }
    // Out of order: each changes places with another.
    for place in 0..requests.len() {
        let other = dice.roll(requests.len() as u64) as usize;
        requests.swap(place, other);
    }
    requests
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long an answer takes is printed and decides nothing"
)]
fn send(address: SocketAddr, requests: &[Request]) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut took = Vec::new();
    for request in requests {
        let begun = std::time::Instant::now();
        let (length, Request { signature, body, .. }) = (request.body.len(), request);
        write!(stream, "POST /hidamari/line/webhook HTTP/1.1\r\nhost: x\r\nX-Line-Signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = Vec::new();
        let mut chunk = [0; 2_048];
        while !answer.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut chunk).unwrap();
            assert!(read > 0, "the server hung up");
            answer.extend(&chunk[..read]);
        }
        took.push(begun.elapsed());
        let status = std::str::from_utf8(&answer[9..12]).unwrap();
        assert_eq!(status, if request.is_true { "200" } else { "401" });
    }
    took
}

#[test]
fn after_a_storm_everybody_stands_where_the_newest_word_put_them() {
    let (place, town) = on_line(&[], &[]);
    let mut model = Model::default();
    let requests = requests(&mut model);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let site = Arc::clone(&place.site);
    let server = thread::spawn(move || {
        kizuna_web::serve(site, listener, async {
            let _ = stopped.await;
        })
    });

    let share = requests.len().div_ceil(CONNECTIONS);
    let mut took: Vec<Duration> = thread::scope(|scope| {
        let senders: Vec<_> = requests
            .chunks(share)
            .map(|part| scope.spawn(|| send(address, part)))
            .collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    stop.send(()).unwrap();
    server.join().unwrap().unwrap();
    let worked = step(place.env(), &mut |_| {}).unwrap();

    let forged = requests.iter().filter(|request| !request.is_true).count();
    assert_eq!(place.site.inbox.refused(), forged as u64);
    let env = place.env();
    for number in 0..USERS {
        let known = env
            .db
            .read(|tx| memory::friendship(tx, &env.keys, town.scope(), &user(number as usize)))
            .unwrap()
            .map(|known| (known.since_at.as_millisecond(), known.is_friend));
        assert_eq!(known, model.0.get(&number).copied(), "user {number}");
    }
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{} requests ({forged} forged), {worked} new events; answers: p50 {:?}, p99 {:?}",
        took.len(),
        at(50),
        at(99)
    );
}
