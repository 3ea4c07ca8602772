//! Letters, accounts and a journal for the tests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use kizuna_channels::{
    Account, Address, Batch, Call, Channel, Clock, Journal, Letter, Net, Permit, Secret, Session, SessionError, channel,
};
use kizuna_domain::ids::{AccountId, BatchId};
use kizuna_domain::message::{Block, DeskCard, Draft, Inline, Links, Section};
use kizuna_domain::run::outcome::Outcome;

/// Ten o'clock in Japan, in the past: verifiers distrust signatures from the future.
pub(crate) const DATE: &str = "2024-12-24T01:00:00Z";

pub(crate) fn text(text: &str) -> Inline {
    Inline::Text { text: text.to_owned() }
}

/// A message with everything that a message can have.
pub(crate) fn draft() -> Draft {
    let link = Inline::Link {
        text: "市のページ".to_owned(),
        url: "https://example.jp/a?b=1&c=2".to_owned(),
    };
    let ruby = Inline::Ruby {
        text: "母子健康手帳".to_owned(),
        reading: "ぼしけんこうてちょう".to_owned(),
    };
    Draft {
        v: 1,
        language: "ja".to_owned(),
        from: "ひだまり市".to_owned(),
        subject: "きずなだより：つわりのころの食事と、からだを休めるくふうについて".to_owned(),
        stage: "妊娠12週3日".to_owned(),
        sample: true,
        sections: vec![
            Section {
                sender: "きずなだより".to_owned(),
                about: String::new(),
                title: "食べられるものを、食べられるときに".to_owned(),
                blocks: vec![
                    Block::Paragraph {
                        inlines: vec![ruby, text("を、おもちですか。<くわしくは>"), link, text("へ。")],
                    },
                    Block::Heading {
                        inlines: vec![text("くふう")],
                    },
                    Block::List {
                        items: vec![vec![text("ひとくちずつ")], vec![text("水分を")]],
                    },
                ],
            },
            Section {
                sender: "ひだまり市から".to_owned(),
                about: "さくらさん・1歳2か月".to_owned(),
                title: "ひろばのお知らせ".to_owned(),
                blocks: vec![Block::Paragraph {
                    inlines: vec![text("ひろばは10時からです。\nどうぞ。")],
                }],
            },
        ],
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

pub(crate) fn letter(number: usize) -> Letter {
    Letter {
        number,
        to: Address(format!("hanako{number}@example.jp")),
        draft: Arc::new(draft()),
        links: Links {
            stop: format!("https://kizuna.example.jp/t/stop{number}"),
            one_click: format!("https://kizuna.example.jp/u/click{number}"),
            words: format!("https://kizuna.example.jp/t/words{number}"),
            own: format!("https://kizuna.example.jp/t/my{number}"),
            media: "https://kizuna.example.jp/media".to_owned(),
        },
        key: format!("k{number}-2024-12-24"),
        return_token: format!("token{number}"),
        date: DATE.parse::<Timestamp>().unwrap(),
    }
}

/// Letters of one cohort.
pub(crate) fn letters(count: usize) -> Vec<Letter> {
    let draft = Arc::new(draft());
    (0..count)
        .map(|number| Letter {
            draft: Arc::clone(&draft),
            ..letter(number)
        })
        .collect()
}

pub(crate) fn account(settings: &[(&str, &str)], secrets: &[(&str, &str)]) -> Account {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Account {
        id: AccountId::from_bytes(&[7; 16]).unwrap(),
        settings: settings.iter().map(own).collect(),
        secrets: secrets
            .iter()
            .map(own)
            .map(|(name, value)| (name, Secret(value)))
            .collect(),
    }
}

/// An account on a relay of this machine, in the clear.
pub(crate) fn relay(port: u16) -> Account {
    let mut account = account(
        &[
            ("host", "127.0.0.1"),
            ("security", "none"),
            ("from_address", "tayori@city.example.jp"),
            ("from_name", "ひだまり市 きずなだより"),
            ("reply_to", "kosodate@city.example.jp"),
            ("envelope_domain", "bounce.example.jp"),
        ],
        &[],
    );
    account.settings.insert("port".to_owned(), port.to_string());
    account
}

pub(crate) fn with(mut account: Account, name: &str, value: &str) -> Account {
    account.settings.insert(name.to_owned(), value.to_owned());
    account
}

pub(crate) fn email() -> &'static dyn Channel {
    channel("email").unwrap()
}

pub(crate) fn open(account: &Account) -> Box<dyn Session> {
    email().open(account, &net()).unwrap()
}

/// A clock for channels that do not look at it.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        DATE.parse().unwrap()
    }

    fn wait(&self, _: std::time::Duration) {}
}

pub(crate) fn net() -> Net {
    Net::new(Arc::new(Still))
}

/// Letters as a batch of their own.
pub(crate) fn batch(letters: &[Letter]) -> Batch<'_> {
    Batch {
        id: BatchId::from_bytes(&[9; 16]).unwrap(),
        planned: letters.len(),
        refused: &[],
        letters,
    }
}

/// What a journal was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Asked(usize),
    Outcome(usize, Outcome),
}

/// A journal that says go unless told otherwise.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) permits: HashMap<usize, Permit>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) calls: Vec<Call>,
    pub(crate) stayed: Vec<usize>,
}

impl Recorder {
    pub(crate) fn answering(permits: &[(usize, Permit)]) -> Recorder {
        Recorder {
            permits: permits.iter().copied().collect(),
            ..Recorder::default()
        }
    }

    /// The outcome of each letter; panics where a letter has two.
    pub(crate) fn outcomes(&self) -> BTreeMap<usize, Outcome> {
        let mut outcomes = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Outcome(number, outcome) = entry {
                assert!(
                    outcomes.insert(*number, outcome.clone()).is_none(),
                    "letter {number} has two outcomes"
                );
            }
        }
        outcomes
    }

    pub(crate) fn asked(&self) -> Vec<usize> {
        self.entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Asked(number) => Some(*number),
                Entry::Outcome(..) => None,
            })
            .collect()
    }
}

impl Journal for Recorder {
    fn may_leave(&mut self, number: usize) -> Permit {
        self.entries.push(Entry::Asked(number));
        self.permits.get(&number).copied().unwrap_or(Permit::Go)
    }

    fn stayed(&mut self, numbers: &[usize]) {
        self.stayed.extend(numbers);
    }

    fn called(&mut self, call: Call) {
        self.calls.push(call);
    }

    fn outcome(&mut self, number: usize, outcome: Outcome) {
        self.entries.push(Entry::Outcome(number, outcome));
    }
}

/// Carries letters in one session and tells what the journal heard and how the session ended.
pub(crate) fn carry(account: &Account, letters: &[Letter]) -> (Recorder, Result<(), SessionError>) {
    let mut journal = Recorder::default();
    let end = open(account).send(&batch(letters), &mut journal);
    (journal, end)
}

/// An outcome in a few words: `accepted`, `deferred sender`, `address-gone recipient`, `unknown`.
pub(crate) fn brief(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Deferred { step, .. } => format!("deferred {}", step.code()),
        Outcome::Refused { refusal, step, .. } => format!("{} {}", refusal.code(), step.code()),
        Outcome::Unknown { .. } => "unknown".to_owned(),
        Outcome::Held { fault, .. } => format!("held {fault:?}").to_lowercase(),
    }
}

/// The outcomes in order of the letters, in a few words; `-` where a letter has none.
pub(crate) fn briefs(journal: &Recorder, count: usize) -> String {
    let outcomes = journal.outcomes();
    let words: Vec<String> = (0..count)
        .map(|n| outcomes.get(&n).map_or("-".to_owned(), brief))
        .collect();
    words.join(", ")
}

/// How a session ended, in a word.
pub(crate) fn ending(end: &Result<(), SessionError>) -> &'static str {
    match end {
        Ok(()) => "done",
        Err(SessionError::Unreachable { .. }) => "unreachable",
        Err(SessionError::Refused { .. }) => "refused",
    }
}
