//! Single mails that somebody asked for and waits for: a link to confirm, a fresh link.
//!
//! They wait in a table of their own, beside the daily run, and leave within seconds at any hour. A mail of which
//! nobody knows whether it was taken is sent again with the same Message-ID: a second confirmation harms nobody.
//! The page that asked never learns what became of it, because that would tell which addresses exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kizuna_channels::{Address, Batch, Journal, Letter, Permit, SessionError};
use kizuna_domain::content::body;
use kizuna_domain::ids::{BatchId, SubscriberId, TenantId};
use kizuna_domain::message::{Block, Draft, Inline, Links, Section};
use kizuna_domain::run::outcome::{Fault, Outcome};
use kizuna_store::mails::{self, Mail};
use kizuna_store::tenants::{self, Account, Tenant};
use kizuna_store::{Scope, StoreError, WriteTx};

use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::ways::MAIL;
use crate::witness;

/// Mails of one tenant in one pass.
const PASS_MAX: usize = 10;
/// Tenants whose mails leave at the same time.
const TENANTS_AT_ONCE: usize = 16;
/// How long a relay may think about each step. Shorter than for the daily run: others wait for the same thread, and
/// a repetition is harmless here.
const PATIENCE_MS: &str = "20000";
/// After this a mail whose worker died is taken again; a pass over a slow relay takes less.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// Pauses after the first, second, … failure, in seconds; the last one repeats. Somebody is waiting.
const PAUSES: [i64; 7] = [15, 30, 60, 180, 600, 1_200, 1_800];
/// However long its link lasts, nobody waits longer than this for a mail.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Why a mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody typed this address to register: is it theirs?
    Confirm,
    /// Somebody sent an empty mail to the town's address: the way to register.
    EmptyMail,
    /// A reader's old link had expired: a new one.
    FreshLink,
    /// Messages did not arrive: do they now?
    Repair,
}

/// A mail to be written. Its `Debug` shows neither address nor link.
#[derive(Clone, Copy)]
pub struct New<'a> {
    /// Why.
    pub occasion: Occasion,
    /// The reader who asked for it, where that is one: their stop takes it back, wherever it goes.
    pub wish: Option<SubscriberId>,
    /// `ja`, `easy` (やさしい日本語) or `en`; whatever else is taken for Japanese.
    pub language: &'a str,
    /// Where it goes.
    pub address: &'a str,
    /// The full address of the page it leads to.
    pub link: &'a str,
    /// When the link ends. The mail itself is given up then, at the latest after a day.
    pub expires: Timestamp,
}

impl std::fmt::Debug for New<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("New")
            .field("occasion", &self.occasion)
            .finish_non_exhaustive()
    }
}

/// Puts a mail on its way; it leaves after this transaction, or with it never.
pub fn queue(tx: &mut WriteTx<'_>, env: &Env, tenant: &Tenant, mail: &New<'_>) -> Result<(), StoreError> {
    let now = env.clock.now();
    let latest = now.checked_add(GIVE_UP_AFTER).unwrap_or(Timestamp::MAX);
    let wish = mail.wish;
    let mail = Mail {
        id: env.ids.next(),
        address: mail.address.to_owned(),
        draft: draft(tenant, mail),
        asked_at: now,
        expires_at: mail.expires.min(latest),
        attempt: 0,
    };
    mails::add(tx, &env.keys, tenant.scope(), wish, &mail)
}

/// Sends what may leave now, every tenant's beside the others'; says how many mails were taken.
pub fn work(env: &Env) -> Result<usize, EngineError> {
    let now = env.clock.now();
    let due = env.db.read(|tx| mails::tenants_due(tx, now))?;
    if due.is_empty() {
        return Ok(0);
    }
    witness::may_send(env)?;
    let mut sent = 0;
    for tenants in due.chunks(TENANTS_AT_ONCE) {
        sent += std::thread::scope(|scope| {
            let hands: Vec<_> = tenants
                .iter()
                .map(|tenant| scope.spawn(|| serve(env, *tenant)))
                .collect();
            // A hand that panicked has sent nothing that is on record.
            hands.into_iter().filter_map(|hand| hand.join().ok()).sum::<usize>()
        });
    }
    Ok(sent)
}

/// Sends one tenant's mails; its trouble stops nobody else.
fn serve(env: &Env, tenant: TenantId) -> usize {
    carry(env, Scope::of(tenant)).unwrap_or_else(|error| {
        tracing::error!(%error, %tenant, "mails that somebody waits for could not be sent; it is tried again");
        0
    })
}

fn carry(env: &Env, scope: Scope) -> Result<usize, EngineError> {
    let mails = claim(env, scope)?;
    let Some(account) = env.db.read(|tx| way(tx, env, scope))? else {
        return Ok(0);
    };
    if mails.is_empty() {
        return Ok(0);
    }
    let mut slip = Slip {
        env,
        scope,
        mails: &mails,
        outcomes: BTreeMap::new(),
    };
    if let Err(error) = send(env, &account, &mails, &mut slip) {
        tracing::warn!(account.id = %account.id, %error, "mails that somebody waits for leave later");
    }
    let outcomes = slip.outcomes;
    let now = env.clock.now();
    let ends = mails
        .iter()
        .enumerate()
        .map(|(number, mail)| (mail, outcomes.get(&number)));
    env.write(|tx| {
        for (mail, outcome) in ends.clone() {
            if is_over(outcome) {
                mails::drop(tx, scope, mail.id)?;
            } else {
                mails::put_off(tx, scope, mail.id, later(now, mail))?;
            }
        }
        Ok(())
    })?;
    let taken = |outcome: &&Outcome| matches!(outcome, Outcome::Accepted { .. });
    let taken = outcomes.values().filter(taken).count();
    if taken < outcomes.len() {
        tracing::info!(account.id = %account.id, taken, of = outcomes.len(), "not every mail was taken");
    }
    Ok(taken)
}

/// The mails that are now this worker's; what is of no use any more is forgotten.
fn claim(env: &Env, scope: Scope) -> Result<Vec<Mail>, StoreError> {
    let now = env.clock.now();
    let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
    env.write(|tx| {
        let mut claimed = Vec::new();
        for mail in mails::due(tx, &env.keys, scope, now, PASS_MAX)? {
            if mail.expires_at <= now {
                mails::drop(tx, scope, mail.id)?;
            } else if mails::claim(tx, scope, &mail, until)? {
                claimed.push(mail);
            }
        }
        Ok(claimed)
    })
}

/// The account through which a tenant writes mails: its relay, or the folder that stands in for one.
pub(crate) fn way(tx: &mut kizuna_store::ReadTx<'_>, env: &Env, scope: Scope) -> Result<Option<Account>, StoreError> {
    for channel in MAIL {
        if let Some(account) = tenants::account(tx, &env.keys, scope, channel)? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

fn send(env: &Env, account: &Account, mails: &[Mail], slip: &mut Slip<'_>) -> Result<(), EngineError> {
    let no_channel = || EngineError::NoChannel(account.channel.clone());
    let channel = kizuna_channels::channel(&account.channel).ok_or_else(no_channel)?;
    let mut settings = channel_account(account);
    if channel.settings().iter().any(|setting| setting.name == "timeout_ms") {
        settings
            .settings
            .entry("timeout_ms".to_owned())
            .or_insert_with(|| PATIENCE_MS.to_owned());
    }
    let letters: Vec<Letter> = mails
        .iter()
        .enumerate()
        .map(|(number, mail)| letter(number, mail))
        .collect();
    let Some(first) = mails.first() else { return Ok(()) };
    let batch = Batch {
        id: BatchId::new(first.id),
        planned: letters.len(),
        refused: &[],
        letters: &letters,
    };
    let failed = |error: SessionError| EngineError::Rule(error.to_string());
    let mut session = channel.open(&settings, &env.net).map_err(failed)?;
    session.send(&batch, slip).map_err(failed)
}

/// A mail as the channel carries it: no links of its own kind, and a return path that blames no address.
fn letter(number: usize, mail: &Mail) -> Letter {
    Letter {
        number,
        to: Address(mail.address.clone()),
        draft: Arc::new(mail.draft.clone()),
        links: Links::default(),
        key: mail.id.simple().to_string(),
        return_token: String::new(),
        date: mail.asked_at,
    }
}

/// True where a mail has its answer and is not tried again.
fn is_over(outcome: Option<&Outcome>) -> bool {
    match outcome {
        Some(
            Outcome::Accepted { .. }
            | Outcome::Refused { .. }
            | Outcome::Held {
                fault: Fault::Payload, ..
            },
        ) => true,
        Some(
            Outcome::Deferred { .. }
            | Outcome::Unknown { .. }
            | Outcome::Held {
                fault: Fault::Account | Fault::Quota,
                ..
            },
        )
        | None => false,
    }
}

/// When a mail is tried again; never after its end, so that it is found then and forgotten.
fn later(now: Timestamp, mail: &Mail) -> Timestamp {
    let place = usize::try_from(mail.attempt).unwrap_or_default();
    let seconds = PAUSES.get(place).or(PAUSES.last()).copied().unwrap_or_default();
    let next = now.checked_add(SignedDuration::from_secs(seconds));
    next.unwrap_or(Timestamp::MAX).min(mail.expires_at)
}

/// The journal of one pass: attempts are on record before it begins, what became of them is gathered.
struct Slip<'a> {
    env: &'a Env,
    scope: Scope,
    mails: &'a [Mail],
    outcomes: BTreeMap<usize, Outcome>,
}

impl Journal for Slip<'_> {
    /// Whoever stopped since the mail was taken from the table gets it no more.
    fn may_leave(&mut self, number: usize) -> Permit {
        let Some(mail) = self.mails.get(number).filter(|_| !self.env.stop.is_pressed()) else {
            return Permit::Stop;
        };
        match self.env.db.read(|tx| mails::is_waiting(tx, self.scope, mail.id)) {
            Ok(true) => Permit::Go,
            Ok(false) => Permit::Skip,
            Err(error) => {
                tracing::error!(%error, "a mail cannot be looked up; sending stops");
                Permit::Stop
            }
        }
    }

    fn outcome(&mut self, number: usize, outcome: Outcome) {
        self.outcomes.insert(number, outcome);
    }
}

/// What a mail says on one occasion. `{town}` is the tenant's name, `{until}` when the link ends; a blank line ends a
/// paragraph, readings are written as in articles.
struct Words {
    /// Says nothing of a pregnancy or a child: it shows on locked screens.
    subject: &'static str,
    before: &'static str,
    link: &'static str,
    after: &'static str,
}

/// The words of one language.
struct Speech {
    /// BCP 47 tag.
    tag: &'static str,
    /// How an instant is written.
    until: &'static str,
    confirm: Words,
    empty_mail: Words,
    fresh_link: Words,
    repair: Words,
}

impl Speech {
    fn of(language: &str) -> &'static Speech {
        match language {
            "easy" => &EASY,
            other if other.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en")) => &EN,
            _ => &JA,
        }
    }

    fn words(&self, occasion: Occasion) -> &Words {
        match occasion {
            Occasion::Confirm => &self.confirm,
            Occasion::EmptyMail => &self.empty_mail,
            Occasion::FreshLink => &self.fresh_link,
            Occasion::Repair => &self.repair,
        }
    }
}

static JA: Speech = Speech {
    tag: "ja",
    until: "%-m月%-d日 %H:%M",
    confirm: Words {
        subject: "メールアドレスの確認",
        before: "{town}です。このメールアドレスにお届けしてよいかを、確かめます。\n\n下のリンクをひらいて、画面のボタンをおすと、手続きが終わります。",
        link: "確認のページをひらく",
        after: "このリンクは、{until}まで使えます。\n\n心あたりのないときは、何もしないでください。だれかが、アドレスをまちがえて入れたのかもしれません。このあと、何も届きません。",
    },
    empty_mail: Words {
        subject: "手続きのページのご案内",
        before: "{town}です。メールを受けとりました。\n\n下のリンクから、手続きをつづけられます。",
        link: "手続きのページをひらく",
        after: "このリンクは、{until}まで使えます。\n\n心あたりのないときは、何もしないでください。このあと、何も届きません。",
    },
    fresh_link: Words {
        subject: "新しいリンクをお送りします",
        before: "{town}です。あなたのページの、新しいリンクです。",
        link: "あなたのページをひらく",
        after: "このリンクは、{until}まで使えます。ほかの人には見せないでください。\n\n心あたりのないときは、何もしないでください。何も変わりません。",
    },
    repair: Words {
        subject: "メールが届くかどうかの確認",
        before: "{town}です。このメールが届いていれば、だいじょうぶです。\n\n下のリンクをひらいて、画面のボタンをおすと、またメールでお届けします。",
        link: "届いたことを知らせる",
        after: "このリンクは、{until}まで使えます。\n\n心あたりのないときは、何もしないでください。何も変わりません。",
    },
};

static EASY: Speech = Speech {
    tag: "ja",
    until: "%-m/%-d %H:%M",
    confirm: Words {
        subject: "メールアドレスの かくにん",
        before: "{town}です。この メールアドレスが ｜正《ただ》しいか、たしかめます。\n\n｜下《した》の リンクを ひらいてください。｜画面《がめん》の ボタンを おしてください。",
        link: "かくにんの ページを ひらく",
        after: "この リンクは {until} まで ｜使《つか》えます。\n\nあなたが ｜頼《たの》んでいない ときは、｜何《なに》も しないでください。もう ｜何《なに》も ｜届《とど》きません。",
    },
    empty_mail: Words {
        subject: "つぎの ページの おしらせ",
        before: "{town}です。メールを ありがとうございます。\n\n｜下《した》の リンクを ひらいてください。",
        link: "つぎの ページを ひらく",
        after: "この リンクは {until} まで ｜使《つか》えます。\n\nあなたが ｜頼《たの》んでいない ときは、｜何《なに》も しないでください。もう ｜何《なに》も ｜届《とど》きません。",
    },
    fresh_link: Words {
        subject: "あたらしい リンク",
        before: "{town}です。あなたの ページの ｜新《あたら》しい リンクです。",
        link: "あなたの ページを ひらく",
        after: "この リンクは {until} まで ｜使《つか》えます。ほかの ｜人《ひと》に ｜見《み》せないでください。\n\nあなたが ｜頼《たの》んでいない ときは、｜何《なに》も しないでください。",
    },
    repair: Words {
        subject: "メールが とどくか たしかめます",
        before: "{town}です。この メールが ｜届《とど》いたら、だいじょうぶです。\n\n｜下《した》の リンクを ひらいてください。｜画面《がめん》の ボタンを おしてください。また メールが ｜届《とど》きます。",
        link: "とどいたと しらせる",
        after: "この リンクは {until} まで ｜使《つか》えます。\n\nあなたが ｜頼《たの》んでいない ときは、｜何《なに》も しないでください。",
    },
};

static EN: Speech = Speech {
    tag: "en",
    until: "%H:%M on %-d %B",
    confirm: Words {
        subject: "Please confirm your e-mail address",
        before: "This is {town}. We would like to know whether we may write to this address.\n\nOpen the link below and press the button on the page.",
        link: "Open the page",
        after: "The link works until {until} (Japan time).\n\nIf you did not ask for this, do nothing. Somebody may have mistyped an address. Nothing more will come.",
    },
    empty_mail: Words {
        subject: "Your link",
        before: "This is {town}. Thank you for your mail.\n\nGo on with the link below.",
        link: "Open the page",
        after: "The link works until {until} (Japan time).\n\nIf you did not ask for this, do nothing. Nothing more will come.",
    },
    fresh_link: Words {
        subject: "Your new link",
        before: "This is {town}. Here is a new link to your own page.",
        link: "Open your page",
        after: "The link works until {until} (Japan time). Please show it to nobody else.\n\nIf you did not ask for this, do nothing. Nothing changes.",
    },
    repair: Words {
        subject: "Does our mail reach you?",
        before: "This is {town}. If you can read this, our mail reaches you.\n\nOpen the link below and press the button on the page; our messages then come again.",
        link: "Tell us that it arrived",
        after: "The link works until {until} (Japan time).\n\nIf you did not ask for this, do nothing. Nothing changes.",
    },
};

/// A mail in the form that every channel understands.
fn draft(tenant: &Tenant, mail: &New<'_>) -> Draft {
    let speech = Speech::of(mail.language);
    let words = speech.words(mail.occasion);
    let zone = tenant.settings.zone().unwrap_or(TimeZone::UTC);
    let until = mail.expires.to_zoned(zone).strftime(speech.until).to_string();
    let fill = |text: &str| text.replace("{until}", &until).replace("{town}", &tenant.name);
    let mut blocks = paragraphs(words.before, &fill);
    blocks.push(Block::Paragraph {
        inlines: vec![Inline::Link {
            text: words.link.to_owned(),
            url: mail.link.to_owned(),
        }],
    });
    blocks.extend(paragraphs(words.after, &fill));
    Draft {
        v: 1,
        language: speech.tag.to_owned(),
        from: tenant.settings.sender_name.clone(),
        subject: words.subject.to_owned(),
        stage: String::new(),
        sample: false,
        sections: vec![Section {
            sender: String::new(),
            about: String::new(),
            title: String::new(),
            blocks,
        }],
        desks: Vec::new(),
        asks: false,
    }
}

/// The paragraphs of some words; names go in after the reading, so that no name is taken for a mark.
fn paragraphs(words: &str, fill: &dyn Fn(&str) -> String) -> Vec<Block> {
    let mut blocks = body::parse(words).unwrap_or_default();
    for block in &mut blocks {
        if let Block::Paragraph { inlines } = block {
            for inline in inlines {
                if let Inline::Text { text } = inline {
                    *text = fill(text);
                }
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCCASIONS: [Occasion; 4] = [
        Occasion::Confirm,
        Occasion::EmptyMail,
        Occasion::FreshLink,
        Occasion::Repair,
    ];

    fn every(mut look: impl FnMut(&Speech, Occasion, &Words)) {
        for speech in [&JA, &EASY, &EN] {
            for occasion in OCCASIONS {
                look(speech, occasion, speech.words(occasion));
            }
        }
    }

    #[test]
    fn every_mail_names_the_town_and_can_be_read() {
        every(|_, _, words| {
            assert!(words.before.contains("{town}"), "{}", words.before);
            for text in [words.before, words.after] {
                assert!(body::parse(text).is_ok(), "{text}");
            }
        });
    }

    #[test]
    fn a_subject_says_nothing_of_a_pregnancy_or_a_child() {
        every(|_, _, words| {
            for word in [
                "妊娠",
                "出産",
                "子",
                "赤ちゃん",
                "母",
                "baby",
                "child",
                "birth",
                "pregnan",
                "mother",
            ] {
                assert!(!words.subject.to_lowercase().contains(word), "{}", words.subject);
            }
        });
    }

    #[test]
    fn where_somebody_else_may_have_asked_the_mail_says_to_do_nothing() {
        every(|speech, occasion, words| {
            let says = [
                "何もしないでください",
                "しないでください。もう",
                "しないでください。",
                "do nothing",
            ];
            let says = says.iter().any(|words_of| words.after.contains(words_of));
            assert!(says, "{} {occasion:?}", speech.tag);
        });
    }

    #[test]
    fn every_kanji_of_the_easy_words_has_its_reading() {
        let is_kanji = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        for occasion in OCCASIONS {
            let words = EASY.words(occasion);
            for text in [words.subject, words.before, words.link, words.after] {
                let blocks = body::parse(text).unwrap_or_default();
                assert!(!blocks.is_empty(), "{text}");
                for block in &blocks {
                    let Block::Paragraph { inlines } = block else {
                        panic!("{text}")
                    };
                    let bare = inlines
                        .iter()
                        .find(|inline| matches!(inline, Inline::Text { text } if text.contains(is_kanji)));
                    assert_eq!(bare, None);
                }
            }
        }
    }
}
