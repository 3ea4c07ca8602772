//! A town whose pages are served on loopback and whose families have phones at the stand-in for LINE.
//!
//! It is the product's own parts, put together as `kizuna serve` does, with a clock that stands still until it is moved.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::cadence::Slots;
use kizuna_domain::content::pack::{self, ArticleDocument, Pack};
use kizuna_domain::ids::{Ids, SubscriberId, SubscriptionId};
use kizuna_domain::people::Follower;
use kizuna_domain::position::{Anchor, Customs, EndRule};
use kizuna_domain::retention::Retention;
use kizuna_domain::tenant::{Adoption, Asks, Choices, JoinPolicy, Look, Settings, TenantKind};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::addresses;
use kizuna_engine::actions::life::{Added, NewChild, add_child};
use kizuna_engine::actions::registration::{Registration, register};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::inbound::{self, Maildir};
use kizuna_engine::line::identity::{self, Purpose, Shown};
use kizuna_engine::line::{Inbox, say, step};
use kizuna_engine::{Clock, Env, Net, Pace, Stop, actions, links, run, transactional};
use kizuna_journeys::Page;
use kizuna_line_double::{ChannelKind, ClockKind, Double, Fault, FaultKind, Flaw, NewChannel, Options};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Db, Keyring, Location, fence, line, migrate, people};
use kizuna_testkit::mail::{MailServer, Script};
use kizuna_web::{Entrance, Site};
use mail_parser::MessageParser;
use tempfile::TempDir;
use uuid::Uuid;

use crate::paths::REGISTER;

/// The instant at which every journey begins: half past eight in the morning of 22 November 2026 in Japan.
const BEGIN: &str = "2026-11-21T23:30:00Z";
const CHANNEL: &str = "1234567890";
const SECRET: &str = "channel-secret";
const PROVIDER: &str = "hidamari";
/// The login channel, and the page that LINE opens inside itself.
const LOGIN: &str = "2000000001";
const LOGIN_SECRET: &str = "login-secret";
const LIFF: &str = "2000000001-hidamari";
/// Where pages load LINE's script from.
pub(crate) const SDK: &str = "https://static.line-scdn.net/";
/// Where families send an empty mail to.
const EMPTY_MAIL: &str = "toroku@hidamari.example";

/// A clock that stands still until it is moved or somebody waits on it.
#[derive(Clone)]
struct Still(Arc<Mutex<Timestamp>>);

impl Still {
    fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn wait(&self, duration: Duration) {
        self.advance(SignedDuration::try_from(duration).unwrap());
    }
}

/// Identifiers that count up.
struct Counting(AtomicU64);

impl Ids for Counting {
    fn next(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        Uuid::from_u128((0x0192_f0c8_0000_7000_u128 << 64) | 0x8000_0000_0000_0000 | u128::from(number))
    }
}

/// ひだまり市 with its pages on a port of its own.
pub(crate) struct Town {
    /// Host and port of the pages.
    pub(crate) host: String,
    pub(crate) tenant: Tenant,
    env: Arc<Env>,
    clock: Still,
    phones: Double,
    post: MailServer,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Drop for Town {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        let ended = self.server.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the pages were served to the end");
    }
}

impl Town {
    pub(crate) fn new() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let clock = Still(Arc::new(Mutex::new(BEGIN.parse().unwrap())));
        let env = Arc::new(env(folder.path(), &clock));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let phones = phones(&host, clock.now());
        actions::content::import(&env, None, &sample("starter-ja")).unwrap();
        let post = MailServer::start(Script::plain());
        let accounts = [account(&phones), relay(&post), web()];
        let tenant = put(&env, "hidamari", "ひだまり市", &host, &accounts);
        actions::content::import(&env, Some(&tenant), &sample("sample-town-ja")).unwrap();
        let site = Site::new(
            Arc::clone(&env),
            Entrance::SignIn,
            Vec::new(),
            Inbox::start(&env).unwrap(),
        );
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = thread::spawn(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            kizuna_web::serve(Arc::new(site), listener, stopped).unwrap();
        });
        Town {
            host,
            tenant,
            env,
            clock,
            phones,
            post,
            stop: Some(stop),
            server: Some(server),
            folder,
        }
    }

    /// Lets time pass, for the town and for LINE.
    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.phones.advance(by);
    }

    /// Somebody adds the town as a friend in LINE; gives the path of the link in the greeting.
    pub(crate) fn befriend(&self, user: &str) -> String {
        self.phones.add_user(PROVIDER, user, "あおい");
        self.phones.befriend(CHANNEL, user);
        self.newest_link(user, REGISTER)
    }

    /// Somebody presses a button of the menu in LINE; gives the path of the link to a page that comes.
    pub(crate) fn tap(&self, user: &str, button: &str, page: &str) -> String {
        self.phones.tap(CHANNEL, user, &format!("kizuna:{button}"));
        self.newest_link(user, page)
    }

    /// Opens the town's doors at LINE (LINE Login and LIFF) and lets a page walk through them; gives the name of a user
    /// whom LINE knows.
    pub(crate) fn open_line(&self, page: &Page<'_>, number: usize) -> String {
        let phones = &self.phones;
        phones.add_channel(NewChannel {
            id: LOGIN.to_owned(),
            secret: LOGIN_SECRET.to_owned(),
            provider: PROVIDER.to_owned(),
            kind: ChannelKind::Login,
            display_name: "ひだまり市 子育てだより".to_owned(),
            linked_bot: Some(CHANNEL.to_owned()),
            ..NewChannel::default()
        });
        let base = format!("http://{}/hidamari/line", self.host);
        phones.callbacks(LOGIN, &[&format!("{base}/callback")]);
        phones.add_liff(LOGIN, LIFF, &format!("{base}/liff"));
        let name = format!("あおい{number}");
        phones.add_user(PROVIDER, &user(number), &name);
        let mut line = account(phones);
        for (setting, value) in [
            ("login_channel_id", LOGIN),
            ("liff_id", LIFF),
            ("login_url", &phones.url()),
        ] {
            line.settings.insert(setting.to_owned(), value.to_owned());
        }
        let secret = ("login_channel_secret".to_owned(), LOGIN_SECRET.to_owned());
        line.secrets.extend([secret]);
        let accounts = [line, relay(&self.post), web()];
        put(&self.env, "hidamari", "ひだまり市", &self.host, &accounts);
        page.may_ask(phones.url().trim_start_matches("http://"));
        page.lead(SDK, Some(&format!("{}/", phones.url())));
        name
    }

    /// Where LINE opens the town's page inside itself for a user, with what stands behind the link, and what is wrong
    /// with LINE's proof.
    pub(crate) fn inside_line(&self, user: &str, behind: &str, flaw: Option<Flaw>) -> String {
        let url = self.phones.open_liff(LIFF, user, behind, flaw);
        url.replace(&format!("http://{}", self.host), "")
    }

    /// LINE's page inside itself is set up for another address.
    pub(crate) fn move_liff(&self) {
        self.phones.add_liff(LOGIN, LIFF, "https://elsewhere.example/liff");
    }

    /// LINE fails when it is next asked what a code is worth.
    pub(crate) fn line_falls_over(&self) {
        let fault = Fault::next("POST", "/oauth2/v2.1/token", FaultKind::Status(500));
        self.phones.script(fault);
    }

    /// How many messages have come to somebody's phone.
    pub(crate) fn messages(&self, user: &str) -> usize {
        self.phones.receipts_of(user).len()
    }

    /// Works off what came in from LINE, and answers.
    pub(crate) fn hear(&self) {
        let mut replies = Vec::new();
        step(&self.env, &mut |reply| replies.push(reply)).unwrap();
        for reply in &replies {
            say(&self.env, &self.env.net, reply);
        }
    }

    /// Works off what came in, and finds the link to a page in the newest words on a phone.
    fn newest_link(&self, user: &str, page: &str) -> String {
        self.hear();
        let receipts = self.phones.receipts_of(user);
        let words = receipts.last().map(|receipt| receipt.messages.to_string());
        self.link_in(&words.unwrap_or_default(), page)
    }

    /// The path of the link to a page, `confirm`, that stands in these words.
    #[track_caller]
    pub(crate) fn link_in(&self, words: &str, page: &str) -> String {
        let mark = format!("/{}/{page}/", self.tenant.code);
        let Some(start) = words.find(&mark) else {
            panic!("no link to {page} in {words:?}")
        };
        let is_part = |sign: char| sign.is_ascii_alphanumeric() || "/-_?=&".contains(sign);
        words[start..].chars().take_while(|sign| is_part(*sign)).collect()
    }

    /// The words of the newest mail that has come to an address, after all that wait have left.
    #[track_caller]
    pub(crate) fn newest_mail(&self, address: &str) -> String {
        transactional::work(&self.env).unwrap();
        let seen = self.post.seen();
        let mail = seen.mails.iter().rev().find(|mail| mail.to == [address]);
        let mail = mail.unwrap_or_else(|| panic!("no mail has come to {address}"));
        let message = MessageParser::default().parse(&mail.content).unwrap();
        message.body_text(0).unwrap().into_owned()
    }

    /// How many mails have come to an address.
    pub(crate) fn mails(&self, address: &str) -> usize {
        transactional::work(&self.env).unwrap();
        let seen = self.post.seen();
        seen.mails.iter().filter(|mail| mail.to == [address]).count()
    }

    /// Somebody sends an empty mail, which the town's mail server puts into the folder and the service reads.
    pub(crate) fn send_empty_mail(&self, from: &str) {
        let folder = self.folder.path().join("Maildir");
        fs::create_dir_all(folder.join("new")).unwrap();
        let mail =
            format!("Delivered-To: {EMPTY_MAIL}\r\nReturn-Path: <{from}>\r\nFrom: <{from}>\r\nSubject: \r\n\r\n");
        fs::write(folder.join("new/0001.host"), mail).unwrap();
        let look = inbound::look(&self.env, &mut Maildir::new(&folder)).unwrap();
        assert_eq!(look.answered, 1);
    }

    /// The next morning comes, and with it what is due.
    pub(crate) fn next_morning(&self) {
        self.advance(SignedDuration::from_hours(24));
        self.send();
    }

    /// Sends what is due.
    pub(crate) fn send(&self) {
        assert!(run::tick(&self.env).unwrap().is_empty());
    }

    /// Registers somebody by mail who expects a child on a day; gives the reader.
    pub(crate) fn expects_by_mail(&self, address: &str, due: &str) -> SubscriberId {
        let scope = self.tenant.scope();
        let token = identity::mail_ticket(&self.env, scope, address).unwrap();
        let Shown::Good(pass) = identity::show(&self.env, scope, Purpose::MailRegister, &token).unwrap() else {
            panic!("a new ticket is good");
        };
        let new = Registration::new(Anchor::Due(due.parse().unwrap()), "v1");
        register(&self.env, &self.tenant, &pass, &new).unwrap();
        self.reader_at(address).unwrap()
    }

    /// The reader who is written to at an address, if there is one.
    pub(crate) fn reader_at(&self, address: &str) -> Option<SubscriberId> {
        let (env, scope) = (&self.env, self.tenant.scope());
        let point = env
            .db
            .read(|tx| people::point_at(tx, &env.keys, scope, "email", address));
        point.unwrap().map(|point| point.subscriber)
    }

    /// The reader whose words a path leads to.
    pub(crate) fn reader_of(&self, words: &str) -> SubscriberId {
        let token = words.split('/').nth(3).unwrap();
        let (env, scope) = (&self.env, self.tenant.scope());
        let found = env.db.read(|tx| links::read_words_token(tx, &env.keys, scope, token));
        found.unwrap().unwrap()
    }

    /// What a reader follows.
    pub(crate) fn followed(&self, reader: SubscriberId) -> Vec<Follower> {
        let (env, scope) = (&self.env, self.tenant.scope());
        let found = env.db.read(|tx| people::of_subscriber(tx, &env.keys, scope, reader));
        found.unwrap()
    }

    /// All that families here follow.
    pub(crate) fn everybody(&self) -> Vec<Follower> {
        let (env, scope) = (&self.env, self.tenant.scope());
        env.db
            .read(|tx| people::after(tx, &env.keys, scope, None, 1_000))
            .unwrap()
    }

    /// A reader's own page, `birth`, by a link of today; the home where it has no name.
    pub(crate) fn own(&self, reader: SubscriberId, page: &str) -> String {
        let today = run::today(&self.env, &self.tenant).unwrap();
        let token = links::fresh_own_token(&self.env.keys, self.tenant.id, links::Holder::first(reader), today);
        let path = format!("/{}/my/{token}/{page}", self.tenant.code);
        path.trim_end_matches('/').to_owned()
    }

    /// A reader's words.
    pub(crate) fn words(&self, reader: SubscriberId) -> String {
        let token = links::words_token(&self.env.keys, self.tenant.id, links::Holder::first(reader));
        format!("/{}/words/{token}", self.tenant.code)
    }

    /// The relay hears that there is no such mailbox.
    pub(crate) fn bounces(&self, address: &str) {
        let (env, scope) = (&self.env, self.tenant.scope());
        let point = env
            .db
            .read(|tx| people::point_at(tx, &env.keys, scope, "email", address));
        let point = point.unwrap().unwrap();
        addresses::bounced(env, &self.tenant, point.id, Trouble::Gone).unwrap();
    }

    /// Registers a friend who expects a child on a day.
    pub(crate) fn expects(&self, user: &str, due: &str) {
        self.befriend(user);
        let scope = self.tenant.scope();
        let token = identity::registration_ticket(&self.env, scope, user).unwrap();
        let Shown::Good(pass) = identity::show(&self.env, scope, Purpose::Register, &token).unwrap() else {
            panic!("a new ticket is good");
        };
        let new = Registration::new(Anchor::Due(due.parse().unwrap()), "v1");
        register(&self.env, &self.tenant, &pass, &new).unwrap();
    }

    /// What somebody with LINE follows.
    pub(crate) fn following(&self, user: &str) -> Vec<Follower> {
        let (env, scope) = (&self.env, self.tenant.scope());
        env.db
            .read(|tx| match line::point(tx, &env.keys, scope, user)? {
                Some(point) => people::of_subscriber(tx, &env.keys, scope, point.subscriber),
                None => Ok(Vec::new()),
            })
            .unwrap()
    }

    /// The token with which somebody stops, as every message carries it.
    pub(crate) fn stop_token(&self, user: &str) -> String {
        let reader = self.following(user)[0].subscriber;
        links::stop_token(&self.env.keys, self.tenant.id, reader)
    }

    /// A reader follows one more child, born on a day, by a nickname: a twin of the child of that day, if there is one.
    pub(crate) fn adds(&self, reader: SubscriberId, born: &str, nickname: &str) {
        let anchor = Anchor::Birth {
            on: born.parse().unwrap(),
            due: None,
        };
        let mut known = self.followed(reader).into_iter();
        let new = NewChild {
            key: SubscriptionId::new(self.env.ids.next()),
            anchor,
            nickname: Some(nickname),
            twin_of: known
                .find(|child| child.anchor == anchor)
                .map(|child| child.subscription),
            wording: "v1",
        };
        let added = add_child(&self.env, &self.tenant, reader, &new).unwrap();
        assert_eq!(added, Added::Done);
    }

    /// Adds a town whose every name is as long as names of towns and desks get; gives its code.
    pub(crate) fn with_long_names(&self) -> String {
        let town = put(&self.env, "minami", "南ひだまり台あおぞら野市", &self.host, &[web()]);
        let mut pack = sample("sample-town-ja");
        for desk in &mut pack.desks {
            desk.name = format!("南ひだまり台あおぞら野市役所 第二分庁舎 {}", desk.name);
            desk.hours = format!("{}（8月の第2週と年末年始、施設点検の日は休みです）", desk.hours);
        }
        actions::content::import(&self.env, Some(&town), &pack).unwrap();
        town.code
    }

    /// Adds another town, whose links open nothing here; gives its code.
    pub(crate) fn neighbour(&self) -> String {
        put(&self.env, "asahi", "あさひ市", &self.host, &[web()]).code
    }
}

/// The id of a LINE user.
pub(crate) fn user(number: usize) -> String {
    format!("U{number:032x}")
}

fn env(folder: &Path, clock: &Still) -> Env {
    let db = Db::open(&Location::File(folder.join("kizuna.db"))).unwrap();
    migrate::migrate(&db).unwrap();
    db.write(|tx| fence::create(tx, "test")).unwrap();
    let calls = AtomicU64::new(1);
    let random = move || {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&calls.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Ok(bytes)
    };
    Env {
        db,
        keys: Keyring::new(&[7; 32]),
        net: Net::new(Arc::new(clock.clone())),
        clock: Arc::new(clock.clone()),
        ids: Box::new(Counting(AtomicU64::new(1))),
        random: Box::new(random),
        pace: Pace::default(),
        stop: Stop::default(),
        witness: folder.join("witness.toml"),
        machine: "test".to_owned(),
    }
}

/// Adds a town whose pages are on a host.
fn put(env: &Env, code: &str, name: &str, host: &str, accounts: &[NewAccount]) -> Tenant {
    let adoption = |track: &str| Adoption {
        track: track.to_owned(),
        edition: None,
        slots: Slots::All,
        end: EndRule::OnBirthday(3),
        join: JoinPolicy::Digest,
    };
    let settings = Settings {
        kind: TenantKind::Demo,
        sender_name: format!("{name} 子育てだより"),
        time_zone: "Asia/Tokyo".to_owned(),
        send_from: "08:00".to_owned(),
        send_until: "20:00".to_owned(),
        customs: Customs::default(),
        catch_up_days: 3,
        base_url: format!("http://{host}"),
        adopt: vec![adoption("starter"), adoption("hidamari")],
        look: Look::default(),
        choices: Choices {
            hours: vec![8, 12, 18],
            ..Choices::default()
        },
        listed: true,
        asks: Asks::default(),
        retention: Retention::default(),
    };
    actions::tenants::put(env, code, name, &settings, accounts).unwrap()
}

/// LINE with the town's account.
fn phones(host: &str, now: Timestamp) -> Double {
    let phones = Double::start(Options {
        clock: ClockKind::Set(now),
        loopback_urls: true,
        rate_limits: false,
        ..Options::default()
    })
    .unwrap();
    phones.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: PROVIDER.to_owned(),
        bot_user_id: user(0),
        basic_id: "@hidamari".to_owned(),
        webhook: Some(format!("http://{host}/hidamari/line/webhook")),
        ..NewChannel::default()
    });
    phones
}

/// The town's relay for mails.
fn relay(mails: &MailServer) -> NewAccount {
    let port = mails.port().to_string();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", port.as_str()),
        ("security", "none"),
        ("from_address", "kosodate@hidamari.example"),
        ("envelope_domain", "bounce.hidamari.example"),
        ("register_address", EMPTY_MAIL),
        ("sessions", "1"),
    ];
    let pairs = settings.iter();
    NewAccount {
        channel: "email".to_owned(),
        settings: pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..NewAccount::default()
    }
}

/// Pages to read on, for families who want nothing sent.
fn web() -> NewAccount {
    NewAccount {
        channel: "web".to_owned(),
        ..NewAccount::default()
    }
}

/// The town's account at LINE.
fn account(phones: &Double) -> NewAccount {
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    NewAccount {
        channel: "line".to_owned(),
        settings: map(&[
            ("channel_id", CHANNEL),
            ("basic_id", "@hidamari"),
            ("api_url", &phones.url()),
            ("rates", "none"),
        ]),
        secrets: map(&[("channel_secret", SECRET)]),
    }
}

/// A pack of the repository's sample content.
fn sample(name: &str) -> Pack {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content").join(name);
    let files = kizuna_paper::folder::read_pack(&folder, &kizuna_paper::folder::PackLimits::default()).unwrap();
    let text = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.map(|file| file.text.clone())
    };
    let articles = files
        .iter()
        .filter(|file| file.path != pack::SUPPORT_FILE && !file.path.ends_with("toml"));
    let documents = articles.map(|file| {
        let document = kizuna_paper::front_matter::parse(&file.text).unwrap();
        ArticleDocument {
            file: file.path.clone(),
            front: document.front,
            body: document.body,
        }
    });
    let documents = documents.collect();
    let mut pack = pack::read(&text("pack.toml").unwrap(), text("desks.toml").as_deref(), documents).unwrap();
    pack.support = text(pack::SUPPORT_FILE).map(|text| pack::Support::read(&text).unwrap());
    pack
}
