//! What the double knows: channels, people, tokens, phones, and what was asked of it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ring::error::Unspecified;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::api::Code;
use crate::api::liff::LiffApp;
use crate::api::routes::{self, ROUTES};
use crate::clock::{Clock, day_in_japan};
use crate::jwt::Signer;
use crate::limits::Meter;
use crate::menus::Menus;
use crate::model::{Chances, ChannelKind, Fault, FaultKind, NewChannel, Options, Receipt, Request, Traffic, Via};
use crate::random::Random;
use crate::voucher::Vouchers;
use crate::webhook::{Mailbag, Webhook};

/// How long a retry key is known, from the first request that carried it (LINE: "Retrying an API request").
const RETRY_KEY_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Retry keys of a channel that are kept at least before those that lived too long are looked for.
const KEYS_BEFORE_SWEEP: usize = 100_000;

/// Ids of messages begin here; LINE's are decimal numbers of eighteen digits.
const FIRST_MESSAGE: u64 = 461_230_000_000_000_000;

/// Faults that wait for their calls.
const FAULTS_MAX: usize = 10_000;

/// Keys of ID tokens that are published at once.
const SIGNERS_MAX: usize = 2;

/// Breaches of the rules that are remembered; a test looks whether there is any.
const VIOLATIONS_MAX: usize = 1_000;

/// A user id: `U` and 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UserId(u128);

impl FromStr for UserId {
    type Err = String;

    fn from_str(text: &str) -> Result<UserId, String> {
        text.strip_prefix('U')
            .filter(|digits| digits.len() == 32)
            .filter(|digits| digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
            .and_then(|digits| u128::from_str_radix(digits, 16).ok())
            .map(UserId)
            .ok_or_else(|| format!("{text:?} is no user id: U and 32 lower-case hexadecimal digits"))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U{:032x}", self.0)
    }
}

/// What a user and an official account are to each other; without an entry, strangers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Friendship {
    /// The user added the account and gets its messages.
    Friend,
    /// The user blocked the account.
    Blocked,
}

/// People within a provider.
#[derive(Debug, Default)]
pub(crate) struct Provider {
    /// Names by user id.
    pub(crate) users: BTreeMap<UserId, Box<str>>,
    /// Who signs in at LINE Login without being asked.
    pub(crate) current: Option<UserId>,
}

/// A channel with all that happened to it.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: Arc<str>,
    pub(crate) settings: NewChannel,
    pub(crate) friends: BTreeMap<UserId, Friendship>,
    pub(crate) keys: HashMap<Uuid, Key>,
    /// The number of keys at which old ones are looked for again.
    keys_until_sweep: usize,
    /// Recipients counted in a month, which is named by its first day.
    billed: (Date, u64),
    /// Recipients that sends of the account's owner hold back from the quota.
    pub(crate) reserved: u64,
    /// Recipients by endpoint and day.
    pub(crate) sent: HashMap<(Via, Date), u64>,
    /// Buckets and peaks by the number of the route.
    pub(crate) meters: BTreeMap<usize, Meter>,
    /// Reply tokens with the user whom they answer.
    pub(crate) reply_tokens: Vouchers<UserId>,
    /// Tokens of account linking with their user.
    pub(crate) link_tokens: Vouchers<UserId>,
    pub(crate) webhook: Webhook,
    pub(crate) menus: Menus,
    /// Callback URLs of LINE Login; while there is none, all are taken.
    pub(crate) callbacks: Vec<String>,
}

impl Channel {
    fn new(settings: NewChannel) -> Channel {
        Channel {
            id: Arc::from(settings.id.as_str()),
            settings,
            friends: BTreeMap::new(),
            keys: HashMap::new(),
            keys_until_sweep: KEYS_BEFORE_SWEEP,
            billed: (Date::MIN, 0),
            reserved: 0,
            sent: HashMap::new(),
            meters: BTreeMap::new(),
            reply_tokens: Vouchers::default(),
            link_tokens: Vouchers::default(),
            webhook: Webhook::default(),
            menus: Menus::default(),
            callbacks: Vec::new(),
        }
    }

    /// Whether messages reach the user.
    pub(crate) fn reaches(&self, user: UserId) -> bool {
        self.friends.get(&user) == Some(&Friendship::Friend)
    }

    /// Counted recipients of this month in Japan.
    pub(crate) fn billed(&self, now: Timestamp) -> u64 {
        let (month, count) = self.billed;
        if month == day_in_japan(now).first_of_month() {
            count
        } else {
            0
        }
    }

    pub(crate) fn bill(&mut self, recipients: u64, now: Timestamp) {
        self.billed = (day_in_japan(now).first_of_month(), self.billed(now) + recipients);
    }

    /// Notes a request with a retry key and gives the number of its attempt.
    pub(crate) fn attempt(&mut self, key: Uuid, now: Timestamp) -> u64 {
        if self.keys.len() >= self.keys_until_sweep {
            self.keys.retain(|_, known| known.is_alive(now));
            self.keys_until_sweep = (2 * self.keys.len()).max(KEYS_BEFORE_SWEEP);
        }
        let known = self.keys.entry(key).or_insert_with(|| Key::new(now));
        if !known.is_alive(now) {
            *known = Key::new(now);
        }
        known.attempts += 1;
        known.attempts
    }
}

/// What is known of a retry key.
#[derive(Debug)]
pub(crate) struct Key {
    first_at: Timestamp,
    attempts: u64,
    /// The request that was carried out under it.
    pub(crate) accepted: Option<Accepted>,
}

impl Key {
    fn new(first_at: Timestamp) -> Key {
        Key {
            first_at,
            attempts: 0,
            accepted: None,
        }
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        now.duration_since(self.first_at) < RETRY_KEY_LIFE
    }
}

/// The request that was carried out under a retry key.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) via: Via,
    pub(crate) request_id: String,
    /// Recipients in order; empty for a broadcast.
    pub(crate) to: Box<[UserId]>,
    /// A digest of the messages.
    pub(crate) messages: u64,
    /// What a push had answered.
    pub(crate) sent_messages: Value,
}

/// A channel access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) channel: Arc<str>,
    pub(crate) kind: TokenKind,
    pub(crate) issued: u64,
    /// None for a long-lived token.
    pub(crate) expires_at: Option<Timestamp>,
}

/// The kinds of channel access tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Stateless,
    /// With its key id.
    Assertion(String),
    ShortLived,
    LongLived,
}

/// Messages on phones, the newest last.
#[derive(Debug)]
pub(crate) struct Receipts {
    kept: VecDeque<Kept>,
    max: usize,
    /// All that ever came.
    pub(crate) count: u64,
}

/// A receipt as it is kept: what many recipients have in common is there once.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) channel: Arc<str>,
    pub(crate) user: UserId,
    pub(crate) at: Timestamp,
    pub(crate) request: Arc<Origin>,
}

/// What the receipts of one request have in common.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) request_id: String,
    pub(crate) retry_key: Option<Uuid>,
    pub(crate) via: Via,
    pub(crate) messages: Value,
}

impl Receipts {
    fn new(max: usize) -> Receipts {
        Receipts {
            kept: VecDeque::new(),
            max,
            count: 0,
        }
    }

    pub(crate) fn add(&mut self, channel: &Arc<str>, user: UserId, at: Timestamp, request: &Arc<Origin>) {
        self.count += 1;
        if self.max == 0 {
            return;
        }
        if self.kept.len() == self.max {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept {
            number: self.count,
            channel: Arc::clone(channel),
            user,
            at,
            request: Arc::clone(request),
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }
}

impl Kept {
    pub(crate) fn to_receipt(&self) -> Receipt {
        Receipt {
            number: self.number,
            channel: self.channel.to_string(),
            user: self.user.to_string(),
            at: self.at,
            request_id: self.request.request_id.clone(),
            retry_key: self.request.retry_key.map(|key| key.to_string()),
            via: self.request.via,
            messages: self.request.messages.clone(),
        }
    }
}

/// A request as it is kept: bodies are parsed when somebody looks.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) channel: Option<Arc<str>>,
    pub(crate) content_type: Option<String>,
    pub(crate) retry_key: Option<String>,
    pub(crate) body: Box<[u8]>,
    pub(crate) status: u16,
    pub(crate) request_id: String,
    pub(crate) answer: Box<[u8]>,
}

impl Logged {
    fn to_request(&self, number: u64) -> Request {
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        Request {
            number,
            at: self.at,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            channel: self.channel.as_deref().map(str::to_owned),
            content_type: self.content_type.clone(),
            retry_key: self.retry_key.clone(),
            body: json(&self.body),
            status: self.status,
            request_id: self.request_id.clone(),
            answer: json(&self.answer),
        }
    }
}

/// Requests to LINE's own paths, the newest last.
#[derive(Debug)]
pub(crate) struct Requests {
    kept: VecDeque<Logged>,
    max: usize,
    /// All that ever came.
    pub(crate) count: u64,
}

impl Requests {
    pub(crate) fn add(&mut self, request: Logged) {
        self.count += 1;
        if self.kept.len() >= self.max {
            self.kept.pop_front();
        }
        self.kept.push_back(request);
    }

    pub(crate) fn all(&self) -> Vec<Request> {
        let first = self.count - self.kept.len() as u64 + 1;
        (first..)
            .zip(&self.kept)
            .map(|(number, kept)| kept.to_request(number))
            .collect()
    }
}

/// A client's breach of a rule that LINE would not report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// The channel.
    pub channel: String,
    /// The `x-line-request-id` of the request.
    pub request_id: String,
    /// What was wrong, in words.
    pub what: String,
}

/// All that the double knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) rate_limits: bool,
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) channels: BTreeMap<Arc<str>, Channel>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) tokens_issued: u64,
    messages_numbered: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) chances: Option<Chances>,
    pub(crate) receipts: Receipts,
    pub(crate) requests: Requests,
    pub(crate) violations: VecDeque<Violation>,
    pub(crate) mailbag: Mailbag,
    /// Codes that LINE Login gave.
    pub(crate) codes: Vouchers<Code>,
    /// Pages that LINE opens inside itself, by id.
    pub(crate) liff_apps: BTreeMap<String, LiffApp>,
    /// Keys of ID tokens, the newest last.
    pub(crate) signers: Vec<Signer>,
}

impl State {
    /// Fails where the operating system gives no random bytes.
    pub(crate) fn new(options: &Options) -> Result<State, Unspecified> {
        let mut random = Random::from_system()?;
        let signer = Signer::new(random.id())?;
        Ok(State {
            clock: Clock::new(options.clock),
            random,
            rate_limits: options.rate_limits,
            providers: BTreeMap::new(),
            channels: BTreeMap::new(),
            tokens: HashMap::new(),
            tokens_issued: 0,
            messages_numbered: 0,
            faults: Vec::new(),
            chances: None,
            receipts: Receipts::new(options.receipts_max),
            requests: Requests {
                kept: VecDeque::new(),
                max: options.requests_max,
                count: 0,
            },
            violations: VecDeque::new(),
            mailbag: Mailbag::default(),
            codes: Vouchers::default(),
            liff_apps: BTreeMap::new(),
            signers: vec![signer],
        })
    }

    /// Adds a channel, or gives a known one new settings; what happened to it stays.
    pub(crate) fn add_channel(&mut self, settings: NewChannel) -> Result<(), String> {
        if settings.id.is_empty() || settings.secret.is_empty() || settings.provider.is_empty() {
            return Err("a channel needs an id, a secret and a provider".to_owned());
        }
        let id: Arc<str> = Arc::from(settings.id.as_str());
        if settings.kind == ChannelKind::Login && settings.long_lived_token.is_some() {
            return Err("a login channel has no channel access token".to_owned());
        }
        if settings.kind == ChannelKind::Messaging {
            settings
                .bot_user_id
                .parse::<UserId>()
                .map_err(|error| format!("bot_user_id: {error}"))?;
        }
        if let Some(bot) = &settings.linked_bot {
            let is_ours = |bot: &Channel| bot.settings.provider == settings.provider;
            if settings.kind != ChannelKind::Login || !self.channels.get(bot.as_str()).is_some_and(is_ours) {
                return Err(
                    "linked_bot is for login channels: a Messaging API channel of the same provider".to_owned(),
                );
            }
        }
        self.providers.entry(settings.provider.clone()).or_default();
        self.tokens
            .retain(|_, token| token.channel != id || token.kind != TokenKind::LongLived);
        if let Some(token) = &settings.long_lived_token {
            self.tokens_issued += 1;
            let token_of_channel = Token {
                channel: Arc::clone(&id),
                kind: TokenKind::LongLived,
                issued: self.tokens_issued,
                expires_at: None,
            };
            self.tokens.insert(token.clone(), token_of_channel);
        }
        match self.channels.get_mut(&id) {
            Some(known) => known.settings = settings,
            None => {
                self.channels.insert(id, Channel::new(settings));
            }
        }
        Ok(())
    }

    pub(crate) fn add_user(&mut self, provider: &str, user: UserId, name: &str) -> Result<(), String> {
        let provider = self
            .providers
            .get_mut(provider)
            .ok_or_else(|| format!("no channel has the provider {provider:?}"))?;
        provider.users.insert(user, Box::from(name));
        Ok(())
    }

    /// Who signs in at LINE Login without being asked; none lets the page ask.
    pub(crate) fn set_current(&mut self, provider: &str, user: Option<UserId>) -> Result<(), String> {
        let known = self
            .providers
            .get_mut(provider)
            .ok_or_else(|| format!("no channel has the provider {provider:?}"))?;
        known.current = user;
        Ok(())
    }

    /// Replaces the key of ID tokens, as LINE does from time to time; tokens of the one before are still good.
    pub(crate) fn rotate_keys(&mut self) -> Result<(), String> {
        let signer = Signer::new(self.random.id()).map_err(|Unspecified| "the system gives no random bytes")?;
        self.signers.push(signer);
        while self.signers.len() > SIGNERS_MAX {
            self.signers.remove(0);
        }
        Ok(())
    }

    pub(crate) fn channel(&mut self, id: &str) -> Result<&mut Channel, String> {
        self.channels
            .get_mut(id)
            .ok_or_else(|| format!("there is no channel {id:?}"))
    }

    /// The names of all whom the channel's provider knows.
    pub(crate) fn people(&self, channel: &str) -> Option<&BTreeMap<UserId, Box<str>>> {
        let provider = &self.channels.get(channel)?.settings.provider;
        self.providers.get(provider).map(|provider| &provider.users)
    }

    /// The name of a user whom the channel's provider knows.
    pub(crate) fn name(&self, channel: &str, user: UserId) -> Option<&str> {
        self.people(channel)?.get(&user).map(|name| &**name)
    }

    /// Makes a known user a friend, a blocker or a stranger again, and gives what they were before.
    pub(crate) fn befriend(
        &mut self,
        channel: &str,
        user: UserId,
        friendship: Friendship,
    ) -> Result<Option<Friendship>, String> {
        self.channel(channel)?;
        if self.name(channel, user).is_none() {
            return Err(format!("the provider of channel {channel:?} does not know {user}"));
        }
        Ok(self.channel(channel)?.friends.insert(user, friendship))
    }

    /// The channel of a token that is valid now.
    pub(crate) fn channel_of_token(&self, token: &str, now: Timestamp) -> Option<Arc<str>> {
        let token = self.tokens.get(token)?;
        let valid = token.expires_at.is_none_or(|end| now < end);
        valid.then(|| Arc::clone(&token.channel))
    }

    /// Lets a fault strike calls to come.
    pub(crate) fn script(&mut self, fault: Fault) -> Result<(), String> {
        if !routes::exists(&fault.method, &fault.path) {
            return Err(format!("there is no endpoint {} {}", fault.method, fault.path));
        }
        if self.faults.len() >= FAULTS_MAX {
            return Err(format!("{FAULTS_MAX} faults wait already"));
        }
        self.faults.push(fault);
        Ok(())
    }

    /// The fault that strikes this call, which is then used up.
    pub(crate) fn strike(&mut self, method: &str, template: &str, channel: Option<&str>) -> Option<FaultKind> {
        let mut struck = None;
        for fault in &mut self.faults {
            let meant = fault.times > 0
                && fault.method == method
                && fault.path == template
                && fault.channel.as_deref().is_none_or(|id| Some(id) == channel);
            if !meant {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if struck.is_none() {
                fault.times -= 1;
                struck = Some(fault.kind);
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        struck
    }

    /// The id of the next message, of the bot or of a user.
    pub(crate) fn next_message_id(&mut self) -> String {
        self.messages_numbered += 1;
        (FIRST_MESSAGE + self.messages_numbered).to_string()
    }

    /// The traffic of every endpoint that was called.
    pub(crate) fn traffic(&self) -> Vec<Traffic> {
        let of_channel = |channel: &Channel| -> Vec<Traffic> {
            let meters = channel.meters.iter();
            meters
                .filter_map(|(number, meter)| {
                    let route = ROUTES.get(*number)?;
                    Some(Traffic {
                        channel: channel.id.to_string(),
                        method: route.method.to_owned(),
                        path: route.template.to_owned(),
                        peak: meter.peak,
                        passed: meter.passed,
                        refused: meter.refused,
                    })
                })
                .collect()
        };
        self.channels.values().flat_map(of_channel).collect()
    }

    pub(crate) fn violation(&mut self, channel: &str, request_id: &str, what: String) {
        if self.violations.len() == VIOLATIONS_MAX {
            self.violations.pop_front();
        }
        self.violations.push_back(Violation {
            channel: channel.to_owned(),
            request_id: request_id.to_owned(),
            what,
        });
    }
}
