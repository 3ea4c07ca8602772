//! Stops and erasures on the pages against mornings that are being carried: what is acknowledged is not broken.
//!
//! A stop is acknowledged when its page answered. Each session of a provider carries one request at a time, so that of
//! the requests that reach the provider after an answer, only as many as there are sessions can have been granted
//! before it. Whoever is in a later request was written to after their stop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::people::{ListRow, check_list, import_list};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::{actions, links};
use kizuna_line_double::{Chances, ClockKind, Double, Fault, FaultKind, NewChannel, Options};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;
use kizuna_testkit::mail::{MailServer, Script, Then, When, say};

use crate::line::user;
use crate::support::{Place, TODAY};

const SESSIONS: usize = 3;
const FORM: &str = "application/x-www-form-urlencoded";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CHANNEL: &str = "1650000001";

/// A message that arrived: which request it came with, counted in the order of arrival, and to whom.
struct Arrival {
    request: usize,
    to: String,
}

/// A provider as this test sees it.
enum Provider {
    Line(Double),
    Mail(MailServer),
}

impl Provider {
    /// Requests that have arrived.
    fn count(&self) -> usize {
        match self {
            Provider::Line(double) => usize::try_from(double.receipts_counted()).unwrap(),
            Provider::Mail(server) => server.arrived(),
        }
    }

    fn arrivals(&self) -> Vec<Arrival> {
        match self {
            Provider::Line(double) => {
                // A request to many is on all its phones at once; it is known by the first of them.
                let mut firsts: BTreeMap<String, u64> = BTreeMap::new();
                let receipts = double.receipts();
                for receipt in &receipts {
                    let first = firsts.entry(receipt.request_id.clone()).or_insert(receipt.number);
                    *first = receipt.number.min(*first);
                }
                let arrival = |receipt: kizuna_line_double::Receipt| Arrival {
                    request: usize::try_from(firsts[&receipt.request_id]).unwrap(),
                    to: receipt.user,
                };
                receipts.into_iter().map(arrival).collect()
            }
            Provider::Mail(server) => (1..)
                .zip(server.seen().mails)
                .flat_map(|(request, mail)| mail.to.into_iter().map(move |to| Arrival { request, to }))
                .collect(),
        }
    }

    fn channel(&self) -> &'static str {
        match self {
            Provider::Line(_) => "line",
            Provider::Mail(_) => "email",
        }
    }

    fn account(&self) -> NewAccount {
        let sessions = SESSIONS.to_string();
        let (settings, secrets) = match self {
            Provider::Line(double) => (
                vec![
                    ("channel_id", CHANNEL.to_owned()),
                    ("api_url", double.url()),
                    ("timeout_ms", "300".to_owned()),
                    ("rates", "none".to_owned()),
                ],
                vec![("channel_secret", SECRET)],
            ),
            Provider::Mail(server) => (
                vec![
                    ("host", "127.0.0.1".to_owned()),
                    ("port", server.port().to_string()),
                    ("security", "none".to_owned()),
                    ("from_address", "kosodate@hidamari.example".to_owned()),
                    ("envelope_domain", "bounce.hidamari.example".to_owned()),
                ],
                vec![],
            ),
        };
        let settings = settings.into_iter().chain([("sessions", sessions)]);
        NewAccount {
            channel: self.channel().to_owned(),
            settings: settings.map(|(name, value)| (name.to_owned(), value)).collect(),
            secrets: secrets
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// Lets something go wrong this morning.
    fn trouble(&self, morning: u64) {
        if let Provider::Line(double) = self {
            double.chances(Chances {
                seed: morning,
                false_500: 0.03,
                reset: 0.02,
                ..Chances::default()
            });
            let push = "/v2/bot/message/push";
            double.script(Fault::nth(5, "POST", push, FaultKind::Slow(20)));
            double.script(Fault::nth(9, "POST", push, FaultKind::Drip(1)));
        }
    }
}

fn line() -> Provider {
    let double = Double::start(Options {
        clock: ClockKind::Set("2026-11-21T23:30:00Z".parse().unwrap()),
        rate_limits: false,
        ..Options::default()
    })
    .unwrap();
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        bot_user_id: format!("U{:032x}", 0xb07),
        basic_id: "@hidamari".to_owned(),
        display_name: "ひだまり市".to_owned(),
        ..NewChannel::default()
    });
    Provider::Line(double)
}

fn mail(letters: usize) -> Provider {
    // Every twentieth recipient is put off, some answers come octet by octet, and some connections break.
    let script = (0..letters / 20).fold(Script::pipelining(), |script, round| {
        let script = (0..19).fold(script, |script, _| script.on(When::Rcpt, Then::Usual));
        let script = (0..30).fold(script, |script, _| script.on(When::Dot, Then::Usual));
        let script = script.on(When::Rcpt, say("450 4.2.0 come back later"));
        match round % 3 {
            0 => script.on(When::Dot, Then::Drip("250 2.0.0 queued".to_owned())),
            1 => script.on(When::Dot, Then::Close),
            _ => script.on(When::Dot, say("451 4.3.0 try again")),
        }
    });
    Provider::Mail(MailServer::start(script))
}

fn address(provider: &Provider, number: usize) -> String {
    match provider {
        Provider::Line(_) => user(number),
        Provider::Mail(_) => format!("family{number}@reader.example"),
    }
}

fn families(place: &Place, town: &Tenant, provider: &Provider, count: usize) -> BTreeMap<String, SubscriberId> {
    let first: Day = TODAY.parse().unwrap();
    let rows: Vec<ListRow> = (1..=count)
        .map(|number| {
            let cells = [
                ("channel", provider.channel().to_owned()),
                ("address", address(provider, number)),
                ("registered_on", "2026-06-01".to_owned()),
                ("consent_wording", "v1".to_owned()),
                ("consent_at", "2026-06-01T09:00:00+09:00".to_owned()),
                (
                    "due_on",
                    (first + 30 + i32::try_from(number % 150).unwrap()).to_string(),
                ),
            ];
            ListRow {
                line: number,
                cells: cells.into(),
            }
        })
        .collect();
    let checked = check_list(place.env(), town, &rows, first).unwrap();
    assert!(checked.rejected.is_empty(), "{:?}", checked.rejected.first());
    import_list(place.env(), town, &checked).unwrap();
    let known = |address: &String| {
        let env = place.env();
        env.db
            .read(|tx| people::by_address(tx, &env.keys, town.scope(), provider.channel(), address))
            .unwrap()
            .unwrap()
    };
    let addresses = (1..=count).map(|number| address(provider, number));
    addresses.map(|address| (address.clone(), known(&address))).collect()
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// What became of stops.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    stops: usize,
    letters: usize,
    /// Whose letter of the morning did not come any more.
    spared: usize,
    /// Granted before the stop was acknowledged and on the wire at that moment.
    in_flight: usize,
    /// Written to after the stop: must be none.
    broken: Vec<String>,
}

/// Mornings of a town, a part of whose readers stop or erase while letters leave.
fn mornings(provider: &Provider, mornings: usize, readers: usize, stops: usize) -> Found {
    let place = Place::bare();
    let town = place.empty_town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    actions::content::import(place.env(), None, &crate::support::starter_pack("starter-ja")).unwrap();
    actions::tenants::put(
        place.env(),
        &town.code,
        &town.name,
        &town.settings,
        &[provider.account()],
    )
    .unwrap();
    let mut living = families(&place, &town, provider, readers);
    if let Provider::Line(double) = provider {
        for address in living.keys() {
            double.add_user("hidamari", address, "花子");
            double.befriend_quietly(CHANNEL, address);
        }
    }
    let mut dice = Dice(11);
    let mut acknowledged: BTreeMap<String, Answered> = BTreeMap::new();
    for morning in 0..mornings {
        let today = TODAY.parse::<Day>().unwrap() + i32::try_from(morning).unwrap();
        place.clock.set(&format!("{}T23:30:00Z", today - 1));
        provider.trouble(morning as u64);
        let before = provider.count();
        let addresses: Vec<String> = living.keys().cloned().collect();
        let mut stopping: Vec<(usize, String)> = Vec::new();
        while stopping.len() < stops {
            let address = addresses[dice.roll(addresses.len())].clone();
            if living.contains_key(&address) && stopping.iter().all(|(_, known)| *known != address) {
                stopping.push((before + dice.roll(living.len()), address));
            }
        }
        stopping.sort();
        let over = AtomicBool::new(false);
        let answered = thread::scope(|scope| {
            let carrying = scope.spawn(|| {
                place.run();
                place.clock.set(&format!("{today}T00:30:00Z"));
                place.run();
                over.store(true, Ordering::SeqCst);
            });
            // Two families at a time press at random moments of the morning.
            let hands: Vec<_> = [0, 1]
                .map(|hand| {
                    let (stopping, place, town, provider, over, living) =
                        (&stopping, &place, &town, provider, &over, &living);
                    scope.spawn(move || {
                        let mut answered = Vec::new();
                        for (number, (when, address)) in stopping.iter().enumerate().filter(|(n, _)| n % 2 == hand) {
                            while provider.count() < *when && !over.load(Ordering::SeqCst) {
                                thread::yield_now();
                            }
                            press(place, town, living[address], number % 3 == 2, today);
                            answered.push((address.clone(), provider.count()));
                        }
                        answered
                    })
                })
                .into();
            let answered: Vec<(String, usize)> = hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect();
            carrying.join().unwrap();
            answered
        });
        for (address, after) in answered {
            living.remove(&address);
            acknowledged.insert(address, Answered { before, after });
        }
    }
    judge(provider, &acknowledged)
}

/// One press on the page of a stop, or on that of erasing.
fn press(place: &Place, town: &Tenant, reader: SubscriberId, erases: bool, today: Day) {
    let keys = &place.env().keys;
    let path = if erases {
        let token = links::own_token(keys, town.id, links::Holder::first(reader), today + 30);
        format!("/{}/my/{token}/data/erase", town.code)
    } else {
        format!("/{}/stop/{}", town.code, links::stop_token(keys, town.id, reader))
    };
    assert_eq!(place.post(&path, FORM, "").status.as_u16(), 303, "{path}");
}

/// What had arrived before the morning of a stop, and what when its page answered.
struct Answered {
    before: usize,
    after: usize,
}

fn judge(provider: &Provider, acknowledged: &BTreeMap<String, Answered>) -> Found {
    let arrivals = provider.arrivals();
    let mut found = Found {
        stops: acknowledged.len(),
        letters: arrivals.len(),
        ..Found::default()
    };
    let requests: BTreeSet<usize> = arrivals.iter().map(|arrival| arrival.request).collect();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for arrival in &arrivals {
        let request = last.entry(&arrival.to).or_default();
        *request = arrival.request.max(*request);
    }
    let is_spared =
        |(to, answered): &(&String, &Answered)| last.get(to.as_str()).is_none_or(|request| *request <= answered.before);
    found.spared = acknowledged.iter().filter(is_spared).count();
    for arrival in &arrivals {
        let Some(count) = acknowledged.get(&arrival.to).map(|answered| answered.after) else {
            continue;
        };
        if arrival.request <= count {
            continue;
        }
        let place = requests.range(count + 1..=arrival.request).count();
        if place <= SESSIONS {
            found.in_flight += 1;
        } else {
            found
                .broken
                .push(format!("{} came in request {place} after the answer", arrival.to));
        }
    }
    found
}

/// Readers, stops a morning and mornings; `KIZUNA_STOPS=1200` asks for that many stops on each channel.
#[expect(
    clippy::disallowed_methods,
    reason = "how many stops is asked for by whoever runs the tests"
)]
fn size() -> (usize, usize, usize) {
    let wanted: Option<usize> = std::env::var("KIZUNA_STOPS").ok().and_then(|text| text.parse().ok());
    let (stops, mornings) = wanted.map_or((8, 8), |wanted| (wanted.div_ceil(20), 20));
    (stops * mornings * 2, stops, mornings)
}

#[test]
fn by_line_nothing_begins_after_a_stop_was_answered() {
    let (readers, stops, count) = size();
    let found = mornings(&line(), count, readers, stops);
    println!("LINE: {found:?}");
    assert_eq!((found.stops, &found.broken), (stops * count, &vec![]));
    // Some came before their letter and some after it: else nothing raced.
    assert!(
        found.letters > readers && (1..found.stops).contains(&found.spared),
        "{found:?}"
    );
}

#[test]
fn by_mail_nothing_begins_after_a_stop_was_answered() {
    let (readers, stops, count) = size();
    let found = mornings(&mail(readers * count), count, readers, stops);
    println!("mail: {found:?}");
    assert_eq!((found.stops, &found.broken), (stops * count, &vec![]));
    // Some came before their letter and some after it: else nothing raced.
    assert!(
        found.letters > readers && (1..found.stops).contains(&found.spared),
        "{found:?}"
    );
}
