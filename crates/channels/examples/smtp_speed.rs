//! Measures how many letters a second go to a relay, and what each costs us.
//!
//! `cargo run --release -p kizuna-channels --example smtp_speed -- PORT LETTERS SESSIONS [RSA_KEY.pem|-] [ED25519_KEY.pem]`
//! against `smtp-sink -u nobody 127.0.0.1:PORT 512`.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measuring tool"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use kizuna_channels::{Account, Address, Batch, Clock, Journal, Letter, Net, Permit, Secret, channel};
use kizuna_domain::ids::{AccountId, BatchId};
use kizuna_domain::message::{Block, DeskCard, Draft, Inline, Links, Section};
use kizuna_domain::run::outcome::Outcome;

/// Counts and lets everything go.
#[derive(Default)]
struct Count(usize);

impl Journal for Count {
    fn may_leave(&mut self, _: usize) -> Permit {
        Permit::Go
    }

    fn outcome(&mut self, _: usize, outcome: Outcome) {
        self.0 += usize::from(matches!(outcome, Outcome::Accepted { .. }));
    }
}

/// A clock for a channel that does not look at it.
struct Still;

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn wait(&self, _: std::time::Duration) {}
}

/// Nanoseconds that this thread has been on a processor, with and without those in the system's part.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

fn draft() -> Draft {
    let paragraph =
        "おなかの赤ちゃんは、みかんほどの大きさになりました。つわりが続く日は、食べられるものを、食べられるときに。";
    let text = |text: &str| vec![Inline::Text { text: text.to_owned() }];
    let section = |sender: &str| Section {
        sender: sender.to_owned(),
        about: String::new(),
        title: "食べられるものを、食べられるときに".to_owned(),
        blocks: (0..4)
            .map(|_| Block::Paragraph {
                inlines: text(paragraph),
            })
            .collect(),
    };
    Draft {
        v: 1,
        language: "ja".to_owned(),
        from: "ひだまり市".to_owned(),
        subject: "きずなだより：つわりのころの食事".to_owned(),
        stage: "妊娠12週3日".to_owned(),
        sample: false,
        sections: vec![section("きずなだより"), section("ひだまり市から")],
        desks: vec![DeskCard {
            name: "こども家庭センター".to_owned(),
            phone: "000-000-0001".to_owned(),
            hours: "平日 9時〜17時".to_owned(),
            url: "https://example.jp/center".to_owned(),
            note: "迷ったら、ここへ".to_owned(),
        }],
        asks: false,
    }
}

fn account(port: &str, rsa: Option<&String>, ed25519: Option<&String>) -> Account {
    let mut settings: BTreeMap<String, String> = [
        ("host", "127.0.0.1"),
        ("port", port),
        ("security", "none"),
        ("from_address", "tayori@city.example.jp"),
        ("from_name", "ひだまり市 きずなだより"),
        ("envelope_domain", "bounce.example.jp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut secrets = BTreeMap::new();
    for (path, key, selector) in [
        (rsa, "dkim_key", "dkim_selector"),
        (ed25519, "dkim_key_ed25519", "dkim_selector_ed25519"),
    ] {
        if let Some(path) = path.filter(|path| *path != "-") {
            settings.insert(selector.to_owned(), "k1".to_owned());
            secrets.insert(key.to_owned(), Secret(std::fs::read_to_string(path).unwrap()));
        }
    }
    Account {
        id: AccountId::from_bytes(&[7; 16]).unwrap(),
        settings,
        secrets,
    }
}

/// One session's part: letters accepted and processor time of the conversation, without making the letters.
fn session(account: &Account, number: usize, letters: usize, draft: &Arc<Draft>) -> (usize, u64) {
    let batches: Vec<Vec<Letter>> = (0..letters)
        .map(|letter| Letter {
            number: letter,
            to: Address(format!("hanako{letter}@example.jp")),
            draft: Arc::clone(draft),
            links: Links {
                stop: format!("https://kizuna.example.jp/t/0123456789abcdef{letter:08}"),
                one_click: format!("https://kizuna.example.jp/u/0123456789abcdef{letter:08}"),
                words: format!("https://kizuna.example.jp/w/0123456789abcdef{letter:08}"),
                own: format!("https://kizuna.example.jp/m/0123456789abcdef{letter:08}"),
                media: String::new(),
            },
            key: format!("0192f0c8-{number}-{letter}"),
            return_token: format!("t{number}x{letter}"),
            date: "2024-12-24T01:00:00Z".parse().unwrap(),
        })
        .collect::<Vec<_>>()
        .chunks(100)
        .map(<[Letter]>::to_vec)
        .collect();
    let mut count = Count::default();
    let mut session = channel("email")
        .unwrap()
        .open(account, &Net::new(Arc::new(Still)))
        .unwrap();
    let begin = cpu();
    for batch in &batches {
        let batch = Batch {
            id: BatchId::from_bytes(&[9; 16]).unwrap(),
            planned: batch.len(),
            refused: &[],
            letters: batch,
        };
        session.send(&batch, &mut count).unwrap();
    }
    (count.0, cpu() - begin)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, port, letters, sessions, keys @ ..] = arguments.as_slice() else {
        println!("smtp_speed PORT LETTERS SESSIONS [RSA_KEY.pem|-] [ED25519_KEY.pem]");
        return;
    };
    let (letters, sessions): (usize, usize) = (letters.parse().unwrap(), sessions.parse().unwrap());
    let account = account(port, keys.first(), keys.get(1));
    let draft = Arc::new(draft());
    let begin = Instant::now();
    let results: Vec<(usize, u64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..sessions)
            .map(|number| {
                let (account, draft) = (&account, &draft);
                scope.spawn(move || session(account, number, letters / sessions, draft))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = begin.elapsed().as_secs_f64();
    let accepted: usize = results.iter().map(|result| result.0).sum();
    let nanoseconds: u64 = results.iter().map(|result| result.1).sum();
    println!(
        "{accepted} letters in {seconds:.2} s over {sessions} sessions: {:.0} a second, {:.1} µs of processor each",
        accepted as f64 / seconds,
        nanoseconds as f64 / 1000.0 / accepted as f64
    );
}
