//! LINE: the table of what may go wrong and what must come of it, against a strict double.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use kizuna_channels::{Account, Batch, Clock, Net, Permit, Secret, SessionError, channel, line};
use kizuna_domain::content::picture::PictureName;
use kizuna_domain::ids::BatchId;
use kizuna_domain::message::{Block, Draft, Inline, Section};
use kizuna_line_double::{ClockKind, Double, Fault, FaultKind, NewChannel, Options, description};
use kizuna_testkit::programs::run_openssl;
use serde_json::{Value, json};

use crate::support::{DATE, Recorder, account, briefs, draft, ending, letters, with};

const PUSH: &str = "/v2/bot/message/push";
const MULTICAST: &str = "/v2/bot/message/multicast";
const CHANNEL: &str = "1650000001";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A double, its clock and a channel on it that knows the readers `U…0` to `U…`(count - 1).
struct Line {
    double: Arc<Double>,
    clock: Arc<Shared>,
    net: Net,
    account: Account,
}

/// Whatever a test is about, every request in it was one that LINE describes.
impl Drop for Line {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(description::check(&self.double.requests()), Vec::<String>::new());
        }
    }
}

/// Waiting moves the double's clock, so that no test sleeps.
struct Shared(Arc<Double>, Mutex<Timestamp>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        *self.1.lock().unwrap()
    }

    fn wait(&self, duration: Duration) {
        let by = SignedDuration::try_from(duration).unwrap();
        *self.1.lock().unwrap() += by;
        self.0.advance(by);
    }
}

fn user(number: usize) -> String {
    format!("U{number:032x}")
}

impl Line {
    fn with_quota(readers: usize, quota: Option<u64>) -> Line {
        Line::with(
            readers,
            NewChannel {
                quota,
                ..NewChannel::default()
            },
        )
    }

    fn with(readers: usize, more: NewChannel) -> Line {
        let options = Options {
            clock: ClockKind::Set(DATE.parse().unwrap()),
            ..Options::default()
        };
        let double = Arc::new(Double::start(options).unwrap());
        double.add_channel(NewChannel {
            id: CHANNEL.to_owned(),
            secret: SECRET.to_owned(),
            provider: "hidamari".to_owned(),
            bot_user_id: user(0xb07),
            basic_id: "@hidamari".to_owned(),
            display_name: "ひだまり市".to_owned(),
            ..more
        });
        for number in 0..readers {
            double.add_user("hidamari", &user(number), "花子");
            double.befriend_quietly(CHANNEL, &user(number));
        }
        let url = double.url();
        let settings = [("channel_id", CHANNEL), ("api_url", &url), ("timeout_ms", "400")];
        let account = account(&settings, &[("channel_secret", SECRET)]);
        let clock = Arc::new(Shared(Arc::clone(&double), Mutex::new(DATE.parse().unwrap())));
        Line {
            net: Net::new(Arc::clone(&clock) as Arc<dyn Clock>),
            clock,
            double,
            account,
        }
    }

    fn new(readers: usize) -> Line {
        Line::with_quota(readers, None)
    }

    fn carry(&self, count: usize) -> (Recorder, Result<(), SessionError>) {
        let mut journal = Recorder::default();
        let end = self.carry_with(count, &[], &mut journal);
        (journal, end)
    }

    fn carry_with(&self, count: usize, refused: &[usize], journal: &mut Recorder) -> Result<(), SessionError> {
        let mut letters = letters(count);
        for letter in &mut letters {
            letter.to.0 = user(letter.number);
        }
        let left: Vec<_> = letters
            .into_iter()
            .filter(|letter| !refused.contains(&letter.number))
            .collect();
        let batch = Batch {
            id: BatchId::from_bytes(&[9; 16]).unwrap(),
            planned: count,
            refused,
            letters: &left,
        };
        let mut session = channel("line").unwrap().open(&self.account, &self.net)?;
        session.send(&batch, journal)
    }

    /// How many messages came to each of the first readers.
    fn phones(&self, readers: usize) -> Vec<usize> {
        (0..readers)
            .map(|number| self.double.receipts_of(&user(number)).len())
            .collect()
    }

    fn client(&self) -> line::Client {
        line::Client::new(&self.account, &self.net).unwrap()
    }

    fn requests_for_tokens(&self) -> usize {
        let requests = self.double.requests();
        requests
            .iter()
            .filter(|request| request.path.starts_with("/oauth2/"))
            .count()
    }

    fn calls_to(&self, path: &str) -> usize {
        self.double
            .requests()
            .iter()
            .filter(|request| request.path == path)
            .count()
    }
}

struct Case {
    name: &'static str,
    /// Families of the batch: up to ten are pushed, more are one multicast.
    families: usize,
    faults: fn() -> Vec<Fault>,
    outcomes: &'static str,
    ending: &'static str,
    /// Messages on the phones.
    phones: usize,
}

fn at(path: &str, kind: FaultKind) -> Vec<Fault> {
    vec![Fault::next("POST", path, kind)]
}

const CASES: &[Case] = &[
    Case {
        name: "all is well, by push",
        families: 3,
        faults: Vec::new,
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "all is well, by multicast",
        families: 11,
        faults: Vec::new,
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 11,
    },
    Case {
        name: "a 500 that was none",
        families: 3,
        faults: || at(PUSH, FaultKind::AcceptThenStatus(500)),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "a multicast taken before the 500",
        families: 11,
        faults: || at(MULTICAST, FaultKind::AcceptThenStatus(500)),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 11,
    },
    Case {
        name: "a 500 that was one",
        families: 11,
        faults: || at(MULTICAST, FaultKind::Status(500)),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 11,
    },
    Case {
        name: "silence after it was taken",
        families: 3,
        faults: || at(PUSH, FaultKind::AcceptThenSilence { close_after_ms: None }),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "silence before anything was taken",
        families: 3,
        faults: || at(PUSH, FaultKind::SilenceBefore { close_after_ms: None }),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "a reset before, after and in the middle of the answer",
        families: 3,
        faults: || {
            vec![
                Fault::nth(1, "POST", PUSH, FaultKind::ResetBefore),
                Fault::nth(2, "POST", PUSH, FaultKind::ResetAfterAccept),
                Fault::nth(3, "POST", PUSH, FaultKind::ResetMidBody),
            ]
        },
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "the token ends early",
        families: 3,
        faults: || at(PUSH, FaultKind::Unauthorized),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "the account is not allowed to",
        families: 3,
        faults: || at(PUSH, FaultKind::Status(403)),
        outcomes: "-, -, -",
        ending: "refused",
        phones: 0,
    },
    Case {
        name: "too fast once",
        families: 3,
        faults: || at(PUSH, FaultKind::Status(429)),
        outcomes: "accepted, accepted, accepted",
        ending: "done",
        phones: 3,
    },
    Case {
        name: "a provider that is down keeps the letters for later",
        families: 3,
        faults: || vec![Fault::times(99, "POST", PUSH, FaultKind::Status(503))],
        outcomes: "-, -, -",
        ending: "unreachable",
        phones: 0,
    },
];

#[test]
fn every_fault_of_lines_has_its_outcome() {
    for case in CASES {
        let line = Line::new(case.families);
        for fault in (case.faults)() {
            line.double.script(fault);
        }

        let (journal, end) = line.carry(case.families);

        assert_eq!(briefs(&journal, 3), case.outcomes, "{}", case.name);
        assert_eq!(ending(&end), case.ending, "{}", case.name);
        assert_eq!(line.double.receipts().len(), case.phones, "{}", case.name);
        let twice = line.phones(case.families).into_iter().any(|messages| messages > 1);
        assert!(!twice, "{}: somebody got it twice", case.name);
        assert!(
            line.double.violations().is_empty(),
            "{}: {:?}",
            case.name,
            line.double.violations()
        );
    }
}

#[test]
fn up_to_ten_families_are_pushed_and_more_are_one_multicast() {
    let line = Line::new(11);

    line.carry(10).1.unwrap();
    assert_eq!((line.calls_to(PUSH), line.calls_to(MULTICAST)), (10, 0));
    line.carry(11).1.unwrap();
    assert_eq!((line.calls_to(PUSH), line.calls_to(MULTICAST)), (10, 1));
}

#[test]
fn the_same_batch_carried_again_reaches_nobody_twice() {
    for families in [3, 11] {
        let line = Line::new(families);

        line.carry(families).1.unwrap();
        let (journal, end) = line.carry(families);

        assert_eq!(ending(&end), "done");
        assert_eq!(briefs(&journal, 3), "accepted, accepted, accepted");
        assert_eq!(line.phones(families), vec![1; families]);
    }
}

#[test]
fn a_reader_whom_line_does_not_know_is_taken_out_and_the_rest_leaves_under_a_new_key() {
    for families in [4, 12] {
        let line = Line::new(families - 1);

        let (journal, end) = line.carry(families);

        assert_eq!(ending(&end), "done");
        let last = journal.outcomes()[&(families - 1)].clone();
        assert_eq!(crate::support::brief(&last), "address-gone final");
        assert_eq!(line.phones(families - 1), vec![1; families - 1]);
        assert!(line.double.violations().is_empty());
    }
}

#[test]
fn after_a_crash_the_rest_of_a_multicast_keeps_the_key_it_had() {
    let line = Line::new(11);
    line.double
        .script(Fault::nth(2, "POST", MULTICAST, FaultKind::AcceptThenStatus(500)));
    line.double.script(Fault {
        skip: 2,
        ..Fault::times(5, "POST", MULTICAST, FaultKind::Status(500))
    });

    // The twelfth is unknown; the others are taken under a second key, and no answer ever comes.
    let mut first = Recorder::default();
    let end = line.carry_with(12, &[], &mut first);
    assert_eq!(ending(&end), "unreachable");
    line.carry_with(12, &[11], &mut Recorder::default()).unwrap();

    assert_eq!(line.phones(11), vec![1; 11]);
    let requests = line.double.requests();
    let keys: Vec<_> = requests
        .iter()
        .filter(|r| r.path == MULTICAST)
        .map(|r| &r.retry_key)
        .collect();
    assert_eq!(keys.len(), 8);
    assert_ne!(keys[0], keys[1]);
    assert!(keys[1..].iter().all(|key| *key == keys[1]), "{keys:?}");
}

#[test]
fn whoever_stops_between_two_attempts_is_left_out_and_nobody_else_gets_it_twice() {
    let line = Line::new(11);
    line.double
        .script(Fault::times(6, "POST", MULTICAST, FaultKind::Status(500)));
    let mut journal = Recorder::default();
    assert_eq!(ending(&line.carry_with(11, &[], &mut journal)), "unreachable");

    let mut later = Recorder::answering(&[(5, Permit::Skip)]);
    line.carry_with(11, &[], &mut later).unwrap();

    let mut expected = vec![1; 11];
    expected[5] = 0;
    assert_eq!(line.phones(11), expected);
    assert!(
        line.double.violations().is_empty(),
        "fewer readers under one key harm nobody"
    );
}

#[test]
fn nothing_leaves_after_the_journal_says_stop() {
    for families in [3, 11] {
        let line = Line::new(families);
        let mut journal = Recorder::answering(&[(1, Permit::Stop)]);

        line.carry_with(families, &[], &mut journal).unwrap();

        assert_eq!(line.double.receipts().len(), usize::from(families == 3));
    }
}

#[test]
fn the_end_of_the_months_messages_is_told_from_haste() {
    for (families, quota) in [(3, 2), (11, 5)] {
        let line = Line::with_quota(families, Some(quota));

        let (journal, end) = line.carry(families);

        let Err(SessionError::Refused { fault, .. }) = end else {
            panic!("{end:?}");
        };
        assert_eq!(fault, kizuna_domain::run::outcome::Fault::Quota);
        let left: u64 = line.double.billed(CHANNEL);
        assert_eq!(left, if families == 3 { 2 } else { 0 });
        // What certainly did not leave is not in doubt.
        assert_eq!(journal.stayed.len(), if families == 3 { 1 } else { 11 });
    }
}

#[test]
fn the_month_and_the_reserve_say_how_many_messages_are_left() {
    let mut line = Line::with_quota(3, Some(100));
    line.account = with(line.account.clone(), "reserve", "30");
    line.carry(3).1.unwrap();
    let mut session = channel("line").unwrap().open(&line.account, &line.net).unwrap();

    assert_eq!(session.allowance().unwrap(), Some(67));
    assert_eq!(line.client().month().unwrap().limit, Some(100));
    let unlimited = Line::new(1);
    let mut session = channel("line")
        .unwrap()
        .open(&unlimited.account, &unlimited.net)
        .unwrap();
    assert_eq!(session.allowance().unwrap(), None);
}

#[test]
fn many_unknown_readers_in_a_row_are_the_accounts_fault_and_not_theirs() {
    let line = Line::new(0);

    let (journal, end) = line.carry(9);

    assert_eq!(ending(&end), "refused");
    assert!(journal.outcomes().len() <= 5);
}

#[test]
fn somebody_who_waits_in_front_of_a_page_is_told_after_one_repetition() {
    let line = Line::new(0);
    let path = "/v2/bot/info";
    line.double
        .script(Fault::times(20, "GET", path, FaultKind::Status(500)));

    assert!(line.client().hurried().bot().is_err());
    assert_eq!(line.calls_to(path), 2);
    assert!(line.client().bot().is_err());
    assert_eq!(line.calls_to(path), 2 + 6, "who has time asks for longer");
}

#[test]
fn a_wrong_secret_is_the_accounts_fault() {
    let mut line = Line::new(1);
    line.account
        .secrets
        .insert("channel_secret".to_owned(), Secret("wrong".to_owned()));

    let (_, end) = line.carry(1);

    assert_eq!(ending(&end), "refused");
    assert!(!format!("{end:?}").contains("wrong"));
}

#[test]
fn a_token_is_fetched_once_and_replaced_before_it_ends() {
    let line = Line::new(1);
    for _ in 0..3 {
        line.carry(1).1.unwrap();
    }
    assert_eq!(line.calls_to("/oauth2/v3/token"), 1);

    line.clock.wait(Duration::from_mins(13));
    line.carry(1).1.unwrap();

    assert_eq!(line.calls_to("/oauth2/v3/token"), 2);
    assert!(line.double.requests().iter().all(|request| request.status != 401));
}

#[test]
fn a_channel_may_prove_itself_by_a_signed_assertion_or_a_long_lived_token() {
    let folder = tempfile::tempdir().unwrap();
    let pem = run_openssl(
        folder.path(),
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    );
    std::fs::write(folder.path().join("key.pem"), &pem).unwrap();
    let modulus = run_openssl(folder.path(), &["rsa", "-in", "key.pem", "-noout", "-modulus"]);
    let hex = modulus.trim().trim_start_matches("Modulus=").as_bytes().to_vec();
    let bytes: Vec<u8> = hex
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let jwk = json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "e": "AQAB",
        "n": URL_SAFE_NO_PAD.encode(bytes) });
    let mut signed = Line::with(
        1,
        NewChannel {
            assertion_key: Some(jwk),
            ..NewChannel::default()
        },
    );
    for (name, value) in [("token", "jwt"), ("key_id", "k1")] {
        signed.account.settings.insert(name.to_owned(), value.to_owned());
    }
    signed.account.secrets.insert("assertion_key".to_owned(), Secret(pem));
    let mut lasting = Line::with(
        1,
        NewChannel {
            long_lived_token: Some("a-token-from-the-console".to_owned()),
            ..NewChannel::default()
        },
    );
    lasting
        .account
        .settings
        .insert("token".to_owned(), "long-lived".to_owned());
    let token = Secret("a-token-from-the-console".to_owned());
    lasting.account.secrets.insert("access_token".to_owned(), token);

    for line in [&signed, &lasting] {
        let (journal, end) = line.carry(1);
        assert_eq!(
            (ending(&end), briefs(&journal, 1).as_str()),
            ("done", "accepted"),
            "{end:?}"
        );
    }
    assert_eq!(signed.calls_to("/oauth2/v2.1/token"), 1);
    assert_eq!(lasting.requests_for_tokens(), 0);
}

fn long(characters: usize) -> Draft {
    let paragraph = Block::Paragraph {
        inlines: vec![Inline::Text {
            text: "あ".repeat(characters),
        }],
    };
    let section = Section {
        sender: "きずなだより".to_owned(),
        about: String::new(),
        title: "長い".to_owned(),
        blocks: vec![paragraph],
    };
    Draft {
        sections: vec![section],
        ..draft()
    }
}

#[test]
fn emoji_and_kanji_at_the_limit_are_counted_as_line_counts() {
    let line = Line::new(1);
    for (count, end) in [(4_990, "done"), (5_001, "refused")] {
        let mut letter = letters(1).remove(0);
        letter.to.0 = user(0);
        letter.draft = Arc::new(long(count));
        let mut session = channel("line").unwrap().open(&line.account, &line.net).unwrap();
        let all = [letter];
        let sent = session.send(&crate::support::batch(&all), &mut Recorder::default());

        assert_eq!(ending(&sent), end, "{count}");
    }
}

/// Every word of a message object, in the order in which it is read.
fn words(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.get("type") == Some(&"text".into()) => fields
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        Value::Object(fields) => fields
            .get("contents")
            .or(fields.get("body"))
            .map_or(String::new(), words),
        Value::Array(all) => all.iter().map(words).collect(),
        _ => String::new(),
    }
}

#[test]
fn text_and_flex_say_the_same_words() {
    let mut said = Vec::new();
    for format in ["text", "flex"] {
        let mut line = Line::new(1);
        line.account = with(line.account.clone(), "format", format);
        line.carry(1).1.unwrap();
        let messages = line.double.receipts()[0].messages.clone();
        let contents: Vec<Value> = messages
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                if format == "flex" {
                    message["contents"]["body"].clone()
                } else {
                    message.clone()
                }
            })
            .collect();
        assert!(messages.as_array().unwrap().len() <= 5);
        let all: String = contents.iter().map(words).collect();
        said.push(all.split_whitespace().collect::<String>());
    }
    // Of a Flex message a locked screen shows the altText, so that the words need no lead.
    let (lead, rest) = said[0].split_once("この下から始まります。").unwrap();
    assert_eq!(rest, said[1]);
    assert!(lead.starts_with("【見本】ひだまり市きずなだより："), "{lead}");
    assert!(said[0].contains("母子健康手帳（ぼしけんこうてちょう）"), "{}", said[0]);
    assert!(said[0].contains("停止"), "{}", said[0]);
}

#[test]
fn every_bubble_begins_with_what_a_locked_screen_may_show() {
    let mut short = draft();
    "市".clone_into(&mut short.from);
    "1月1日のことば".clone_into(&mut short.subject);
    // Longer than one text: the second bubble begins in the middle of what is said about a child.
    let mut long = short.clone();
    let section = long.sections[1].clone();
    long.sections.extend(vec![section; 200]);
    for (draft, format, many) in [(&short, "text", false), (&long, "text", true), (&short, "flex", true)] {
        let mut line = Line::new(1);
        line.account = with(line.account.clone(), "format", format);
        let mut letter = letters(1).remove(0);
        letter.to.0 = user(0);
        letter.draft = Arc::new(draft.clone());
        let mut session = channel("line").unwrap().open(&line.account, &line.net).unwrap();
        session
            .send(&crate::support::batch(&[letter]), &mut Recorder::default())
            .unwrap();
        let messages = line.double.receipts()[0].messages.as_array().unwrap().clone();
        assert_eq!(messages.len() > 1, many, "{messages:?}");
        for message in &messages {
            let seen = message.get("altText").unwrap_or(&message["text"]).as_str().unwrap();
            let shown: String = seen.chars().take(40).collect();
            assert!(shown.contains("1月1日のことば"), "{shown}");
            for private in ["妊娠", "さくら", "歳", "■"] {
                assert!(!shown.contains(private), "{shown}");
            }
        }
    }
}

#[test]
fn the_question_after_a_due_date_has_answers_that_cost_nothing() {
    let line = Line::new(1);
    let mut letter = letters(1).remove(0);
    letter.to.0 = user(0);
    letter.draft = Arc::new(Draft { asks: true, ..draft() });
    let mut session = channel("line").unwrap().open(&line.account, &line.net).unwrap();
    session
        .send(&crate::support::batch(&[letter]), &mut Recorder::default())
        .unwrap();

    let messages = line.double.receipts()[0].messages.clone();
    let last = messages.as_array().unwrap().last().unwrap();
    let data: Vec<&str> = last["quickReply"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["action"]["data"].as_str().unwrap())
        .collect();
    assert_eq!(
        data,
        ["kizuna:birth", "kizuna:settings", "kizuna:stop", "kizuna:support"]
    );
}

/// The messages of one letter with so many pictures, where pictures lie below `media`.
fn illustrated(pictures: usize, asks: bool, media: &str) -> Vec<Value> {
    let line = Line::new(1);
    let mut letter = letters(1).remove(0);
    letter.to.0 = user(0);
    media.clone_into(&mut letter.links.media);
    let mut draft = Draft { asks, ..draft() };
    draft
        .sections
        .first_mut()
        .unwrap()
        .blocks
        .extend((0..pictures).map(picture));
    letter.draft = Arc::new(draft);
    let mut session = channel("line").unwrap().open(&line.account, &line.net).unwrap();
    session
        .send(&crate::support::batch(&[letter]), &mut Recorder::default())
        .unwrap();
    line.double.receipts().remove(0).messages.as_array().unwrap().clone()
}

fn picture_name(number: usize) -> PictureName {
    format!("{number:064x}.jpg").parse().unwrap()
}

fn picture(number: usize) -> Block {
    Block::Image {
        name: picture_name(number),
        alt: format!("絵{number}"),
    }
}

#[test]
fn pictures_follow_the_words_while_there_is_room_and_are_described_in_any_case() {
    let media = "https://kizuna.example.jp/media";
    let plain = illustrated(0, false, media).len();
    for pictures in 1..=6 {
        let messages = illustrated(pictures, true, media);
        assert_eq!(messages.len(), (plain + pictures).min(5));
        let (said, images) = messages.split_at(plain);
        for (number, image) in images.iter().enumerate() {
            let url = format!("{media}/{}", picture_name(number));
            assert_eq!(
                (&image["type"], &image["originalContentUrl"], &image["previewImageUrl"]),
                (&"image".into(), &url.clone().into(), &url.into())
            );
        }
        let all: String = said.iter().map(words).collect();
        for number in 0..pictures {
            assert!(all.contains(&format!("〔写真：絵{number}〕")), "{all}");
        }
        let last = messages.last().unwrap();
        assert!(last["quickReply"].is_object(), "the answers stand below everything");
    }
}

#[test]
fn pictures_that_line_could_not_fetch_are_words_only() {
    for media in ["", "http://kizuna.example.jp/media"] {
        let messages = illustrated(2, false, media);
        assert!(messages.iter().all(|message| message["type"] != "image"), "{media}");
        let all: String = messages.iter().map(words).collect();
        assert!(all.contains("〔写真：絵1〕"), "{all}");
    }
}
