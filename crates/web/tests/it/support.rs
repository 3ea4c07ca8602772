//! A town in a database file of its own, a clock that stands still, and requests without a socket.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use base64::Engine as _;
use jiff::Timestamp;
use kizuna_domain::content::pack::{self, ArticleDocument, Pack};
use kizuna_domain::day::Day;
use kizuna_domain::ids::{Ids, StaffId, SubscriptionId};
use kizuna_domain::people::SubscriptionState;
use kizuna_domain::staff::{Role, StaffMail};
use kizuna_domain::tenant::{Adoption, JoinPolicy, Look, Settings, TenantKind};
use kizuna_engine::actions::people::{ListRow, check_list, import_list};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::line::Inbox;
use kizuna_engine::{Clock, Env, Net, Pace, Stop, actions, credentials, links, run};
use kizuna_store::sessions::{self, Token};
use kizuna_store::staff::{self, Credentials};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Db, Keyring, Location, fence, migrate, people, tenants};
use kizuna_web::{Demo, Entrance, Peer, Site, router};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

/// The day on which every test begins.
pub(crate) const TODAY: &str = "2026-11-22";

/// A clock that stands still until it is set or somebody waits on it.
#[derive(Clone)]
pub(crate) struct Frozen(Arc<Mutex<Timestamp>>);

impl Frozen {
    pub(crate) fn at(text: &str) -> Frozen {
        Frozen(Arc::new(Mutex::new(text.parse().unwrap())))
    }

    pub(crate) fn set(&self, text: &str) {
        *self.0.lock().unwrap() = text.parse().unwrap();
    }
}

impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn wait(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += jiff::SignedDuration::try_from(duration).unwrap();
    }
}

/// What everybody signs in with.
pub(crate) const PASSWORD: &str = "わかば みずうみ きつつき";
/// Secret of everybody's authenticator.
pub(crate) const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Bytes that differ at each call.
#[expect(clippy::unnecessary_wraps, reason = "the machine's source may fail")]
fn random() -> std::io::Result<[u8; 32]> {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    let call = CALLS
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = (call.rotate_left(u32::try_from(place).unwrap() * 7) & 0xff) as u8;
    }
    Ok(bytes)
}

/// A browser: it keeps cookies and says where its forms come from.
pub(crate) struct Browser<'a> {
    pub(crate) place: &'a Place,
    pub(crate) jar: RefCell<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(place: &'a Place) -> Browser<'a> {
        Browser {
            place,
            jar: RefCell::default(),
        }
    }

    fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        let jar = self.jar.borrow();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        drop(jar);
        let request = request.header(header::COOKIE, cookies.join("; "));
        let answer = self.place.ask(request.body(Body::from(body)).unwrap());
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            self.jar.borrow_mut().insert(name.to_owned(), value);
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new())
    }

    /// Sends a form of our own pages.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request, form(fields))
    }

    /// Signs in as somebody with the usual password and code.
    pub(crate) fn sign_in(&self, mail: &str, more: &[(&str, &str)]) -> Answer {
        let code = self.place.code();
        let usual = [("mail", mail), ("password", PASSWORD), ("code", code.as_str())];
        self.post("/signin", &[&usual, more].concat())
    }
}

/// Fields as a browser encodes them.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The value of a hidden field of a page.
pub(crate) fn hidden(answer: &Answer, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let (_, rest) = answer
        .body
        .split_once(&mark)
        .unwrap_or_else(|| panic!("no {name} in {}", answer.body));
    rest.split('"').next().unwrap().to_owned()
}

/// Identifiers that count up.
struct Counting(AtomicU64);

impl Ids for Counting {
    fn next(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        Uuid::from_u128((0x0192_f0c8_0000_7000_u128 << 64) | 0x8000_0000_0000_0000 | u128::from(number))
    }
}

/// An installation with its pages.
pub(crate) struct Place {
    pub(crate) site: Arc<Site>,
    pub(crate) clock: Frozen,
    pub(crate) folder: TempDir,
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header as text; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Answer {
        assert!(
            self.body.contains(words),
            "{} has no {words:?}:\n{}",
            self.status,
            self.body
        );
        self
    }

    #[track_caller]
    pub(crate) fn is_silent_about(&self, words: &str) -> &Answer {
        assert!(!self.body.contains(words), "the page says {words:?}:\n{}", self.body);
        self
    }
}

fn content(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content").join(name)
}

/// Reads a pack of the repository.
pub(crate) fn starter_pack(name: &str) -> Pack {
    let files = kizuna_paper::folder::read_pack(&content(name), &kizuna_paper::folder::PackLimits::default()).unwrap();
    let text = |path: &str| {
        files
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.text.clone())
    };
    let is_article =
        |file: &&kizuna_paper::folder::PackFile| file.path != pack::SUPPORT_FILE && !file.path.ends_with("toml");
    let documents = files.iter().filter(is_article).map(|file| {
        let document = kizuna_paper::front_matter::parse(&file.text).unwrap();
        ArticleDocument {
            file: file.path.clone(),
            front: document.front,
            body: document.body,
        }
    });
    let mut pack = pack::read(
        &text("pack.toml").unwrap(),
        text("desks.toml").as_deref(),
        documents.collect(),
    )
    .unwrap();
    pack.support = text(pack::SUPPORT_FILE).map(|text| pack::Support::read(&text).unwrap());
    pack
}

/// A family of a list: a name, one date, and the day of registration.
pub(crate) struct Row {
    pub(crate) nickname: &'static str,
    pub(crate) due: Option<&'static str>,
    pub(crate) birth: Option<&'static str>,
    pub(crate) registered: &'static str,
}

impl Row {
    pub(crate) fn due(nickname: &'static str, due: &'static str) -> Row {
        Row {
            nickname,
            due: Some(due),
            birth: None,
            registered: "2026-06-01",
        }
    }

    pub(crate) fn born(nickname: &'static str, birth: &'static str) -> Row {
        Row {
            nickname,
            due: None,
            birth: Some(birth),
            registered: "2026-06-01",
        }
    }
}

/// Families of every kind.
pub(crate) fn families() -> Vec<Row> {
    vec![
        Row::due("まめ", "2027-05-28"),
        Row::due("つぶ", "2027-03-15"),
        Row::due("そら", "2026-11-29"),
        Row::due("ゆき", "2026-11-09"),
        Row {
            registered: TODAY,
            ..Row::born("はな", "2026-11-19")
        },
        Row::born("たろう", "2026-10-23"),
        Row {
            due: Some("2026-09-20"),
            ..Row::born("めい", "2026-08-10")
        },
        Row::born("りく", "2026-03-22"),
        Row::born("あお", "2025-11-22"),
        Row::born("けん", "2024-11-10"),
        Row::born("<b>みい</b>", "2023-11-22"),
    ]
}

impl Place {
    /// An installation without tenants, on the morning of [`TODAY`], where staff sign in.
    pub(crate) fn bare() -> Place {
        Place::with(|_| Entrance::SignIn)
    }

    /// The same, where whoever comes is 見本 花子, administrator of every town that is added.
    pub(crate) fn open() -> Place {
        Place::with(|env| {
            let (id, mail) = (
                StaffId::new(env.ids.next()),
                StaffMail::parse("hanako@example.jp").unwrap(),
            );
            env.db
                .write(|tx| staff::add(tx, &env.keys, id, &mail, "見本 花子", env.clock.now()))
                .unwrap();
            Entrance::Demo(Demo {
                staff: id,
                maildir: env.witness.with_file_name("Maildir"),
                phone: "http://127.0.0.1:8118/_double/".to_owned(),
            })
        })
    }

    fn with(entrance: impl FnOnce(&Env) -> Entrance) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::File(folder.path().join("kizuna.db"));
        let db = Db::open(&location).unwrap();
        migrate::migrate(&db).unwrap();
        db.write(|tx| fence::create(tx, "test")).unwrap();
        let clock = Frozen::at("2026-11-21T23:30:00Z");
        let env = Env {
            db,
            keys: Keyring::new(&[7; 32]),
            net: Net::new(Arc::new(clock.clone())),
            clock: Arc::new(clock.clone()),
            ids: Box::new(Counting(AtomicU64::new(1))),
            random: Box::new(random),
            pace: Pace::default(),
            stop: Stop::default(),
            witness: folder.path().join("witness.toml"),
            machine: "test".to_owned(),
        };
        let entrance = entrance(&env);
        let proxies = vec!["127.0.0.1".parse().unwrap()];
        let env = Arc::new(env);
        let inbox = Inbox::start(&env).unwrap();
        let site = Arc::new(Site::new(env, entrance, proxies, inbox));
        Place { site, clock, folder }
    }

    /// An installation with ひだまり市, its content and families, as the demo has.
    pub(crate) fn demo() -> Place {
        let place = Place::open();
        place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
        place
    }

    pub(crate) fn env(&self) -> &Env {
        &self.site.env
    }

    /// Adds a town with the starter pack, its own pack and families.
    pub(crate) fn town(&self, code: &str, name: &str, kind: TenantKind, format: &str) -> Tenant {
        let tenant = self.empty_town(code, name, kind, format);
        actions::content::import(self.env(), None, &starter_pack("starter-ja")).unwrap();
        actions::content::import(self.env(), Some(&tenant), &starter_pack("sample-town-ja")).unwrap();
        self.register(&tenant, &families());
        tenant
    }

    /// Adds a town that has nothing yet.
    pub(crate) fn empty_town(&self, code: &str, name: &str, kind: TenantKind, format: &str) -> Tenant {
        let adoption = |track: &str| Adoption {
            track: track.to_owned(),
            edition: None,
            slots: kizuna_domain::cadence::Slots::All,
            end: kizuna_domain::position::EndRule::OnBirthday(3),
            join: JoinPolicy::Digest,
        };
        let settings = Settings {
            kind,
            sender_name: format!("{name} 子育てだより"),
            time_zone: "Asia/Tokyo".to_owned(),
            send_from: "08:00".to_owned(),
            send_until: "20:00".to_owned(),
            customs: kizuna_domain::position::Customs::default(),
            catch_up_days: 3,
            base_url: "http://127.0.0.1:8117".to_owned(),
            look: Look::default(),
            adopt: vec![adoption("starter"), adoption("hidamari")],
            choices: kizuna_domain::tenant::Choices::default(),
            listed: false,
            asks: kizuna_domain::tenant::Asks::default(),
            retention: kizuna_domain::retention::Retention::default(),
        };
        let outbox = BTreeMap::from([
            ("folder".to_owned(), self.outbox(code).display().to_string()),
            ("format".to_owned(), format.to_owned()),
        ]);
        let account = NewAccount {
            channel: "outbox".to_owned(),
            settings: outbox,
            secrets: BTreeMap::new(),
        };
        let tenant = actions::tenants::put(self.env(), code, name, &settings, &[account]).unwrap();
        if let Entrance::Demo(demo) = &self.site.entrance {
            self.place(&tenant, demo.staff, Role::Administrator);
        }
        tenant
    }

    /// Gives somebody a place at a town.
    pub(crate) fn place(&self, tenant: &Tenant, id: StaffId, role: Role) {
        let env = self.env();
        env.db
            .write(|tx| staff::put_role(tx, tenant.scope(), id, role, env.clock.now()))
            .unwrap();
    }

    /// Adds somebody who can sign in with [`PASSWORD`] and the codes of [`SECRET`].
    pub(crate) fn person(&self, mail: &str, name: &str) -> StaffId {
        let env = self.env();
        let (id, mail) = (StaffId::new(env.ids.next()), StaffMail::parse(mail).unwrap());
        let means = Credentials {
            password: credentials::hash(PASSWORD, &[3; 32]).unwrap(),
            totp: SECRET.to_owned(),
            totp_step: 0,
        };
        env.db
            .write(|tx| {
                staff::add(tx, &env.keys, id, &mail, name, env.clock.now())?;
                staff::set_up(tx, &env.keys, id, name, &means)
            })
            .unwrap();
        id
    }

    /// A browser in which this person is signed in now.
    pub(crate) fn browser(&self, id: StaffId) -> Browser<'_> {
        let token = Token(random().unwrap());
        let env = self.env();
        env.db
            .write(|tx| sessions::add(tx, &token, id, env.clock.now()))
            .unwrap();
        let browser = Browser::new(self);
        let value = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(token.0);
        browser.jar.borrow_mut().insert("kizuna".to_owned(), value);
        browser
    }

    /// The code that the authenticator of [`SECRET`] shows now.
    pub(crate) fn code(&self) -> String {
        credentials::totp_code(SECRET, self.env().clock.now()).unwrap()
    }

    /// Connects a town to a stand-in for LINE, as a configuration does.
    pub(crate) fn line_account(&self, code: &str, url: &str, channel: &str, secret: &str, more: &[(&str, &str)]) {
        let tenant = self.tenant(code);
        let settings = [("channel_id", channel), ("api_url", url)];
        let account = NewAccount {
            channel: "line".to_owned(),
            settings: settings
                .iter()
                .chain(more)
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            secrets: BTreeMap::from([("channel_secret".to_owned(), secret.to_owned())]),
        };
        actions::tenants::put(self.env(), code, &tenant.name, &tenant.settings, &[account]).unwrap();
    }

    /// Gives a town's pages another public address.
    pub(crate) fn at_address(&self, code: &str, base_url: &str) {
        let tenant = self.tenant(code);
        let settings = Settings {
            base_url: base_url.to_owned(),
            ..tenant.settings
        };
        actions::tenants::put(self.env(), code, &tenant.name, &settings, &[]).unwrap();
    }

    /// Registers families who read by LINE.
    pub(crate) fn by_line(&self, code: &str) {
        let cells = |line: usize| {
            BTreeMap::from([
                ("channel", "line".to_owned()),
                ("address", format!("U{line:032x}")),
                ("registered_on", "2026-06-01".to_owned()),
                ("consent_wording", "v1".to_owned()),
                ("consent_at", "2026-06-01T09:00:00+09:00".to_owned()),
                ("birth_on", "2026-11-10".to_owned()),
            ])
        };
        let rows: Vec<ListRow> = (1..=3)
            .map(|line| ListRow {
                line,
                cells: cells(line),
            })
            .collect();
        let tenant = self.tenant(code);
        let checked = check_list(self.env(), &tenant, &rows, TODAY.parse().unwrap()).unwrap();
        assert!(checked.rejected.is_empty(), "{:?}", checked.rejected);
        import_list(self.env(), &tenant, &checked).unwrap();
    }

    /// The folder that a town's letters are written to.
    pub(crate) fn outbox(&self, code: &str) -> PathBuf {
        self.folder.path().join(format!("outbox-{code}"))
    }

    pub(crate) fn register(&self, tenant: &Tenant, rows: &[Row]) {
        let today: Day = TODAY.parse().unwrap();
        let rows: Vec<ListRow> = (1..)
            .zip(rows)
            .map(|(line, row)| {
                let mut cells = BTreeMap::from([
                    ("channel", "outbox".to_owned()),
                    ("address", format!("family{line}@example.jp")),
                    ("nickname", row.nickname.to_owned()),
                    ("registered_on", row.registered.to_owned()),
                    ("consent_wording", "v1".to_owned()),
                    ("consent_at", "2026-06-01T09:00:00+09:00".to_owned()),
                ]);
                cells.extend(row.due.map(|due| ("due_on", due.to_owned())));
                cells.extend(row.birth.map(|birth| ("birth_on", birth.to_owned())));
                ListRow { line, cells }
            })
            .collect();
        let checked = check_list(self.env(), tenant, &rows, today).unwrap();
        assert!(checked.rejected.is_empty(), "{:?}", checked.rejected);
        import_list(self.env(), tenant, &checked).unwrap();
    }

    /// Runs the whole of today.
    pub(crate) fn run(&self) {
        run::run(self.env(), None, None, &|_, _| {}, &|_| {}).unwrap();
    }

    /// The town with a code.
    pub(crate) fn tenant(&self, code: &str) -> Tenant {
        self.env().db.read(|tx| tenants::by_code(tx, code)).unwrap().unwrap()
    }

    /// The subscriptions of a town with their nicknames and readers.
    pub(crate) fn followers(&self, tenant: &Tenant) -> Vec<kizuna_domain::people::Follower> {
        let env = self.env();
        env.db
            .read(|tx| people::after(tx, &env.keys, tenant.scope(), None, 100))
            .unwrap()
    }

    pub(crate) fn family(&self, tenant: &Tenant, nickname: &str) -> kizuna_domain::people::Follower {
        let mut all = self.followers(tenant).into_iter();
        all.find(|follower| follower.nickname.as_deref() == Some(nickname))
            .unwrap()
    }

    pub(crate) fn state(&self, tenant: &Tenant, id: SubscriptionId) -> SubscriptionState {
        let env = self.env();
        env.db
            .read(|tx| people::one(tx, &env.keys, tenant.scope(), id))
            .unwrap()
            .unwrap()
            .state
    }

    pub(crate) fn stop_path(&self, tenant: &Tenant, nickname: &str) -> String {
        let reader = self.family(tenant, nickname).subscriber;
        format!(
            "/{}/stop/{}",
            tenant.code,
            links::stop_token(&self.env().keys, tenant.id, reader)
        )
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
    }

    pub(crate) fn post(&self, path: &str, media_type: &str, body: &str) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, media_type);
        self.ask(request.body(Body::from(body.to_owned())).unwrap())
    }

    /// Status, media type and bytes of what is no page.
    pub(crate) fn get_bytes(&self, path: &str) -> (StatusCode, String, Vec<u8>) {
        let (status, headers, bytes) = self.fetch(Request::get(path).body(Body::empty()).unwrap());
        let kind = headers
            .get(header::CONTENT_TYPE)
            .map_or("", |value| value.to_str().unwrap());
        (status, kind.to_owned(), bytes)
    }

    pub(crate) fn ask(&self, request: Request<Body>) -> Answer {
        let (status, headers, bytes) = self.fetch(request);
        Answer {
            status,
            headers,
            body: String::from_utf8(bytes).unwrap(),
        }
    }

    fn fetch(&self, mut request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let headers = request.headers_mut();
        headers
            .entry(header::HOST)
            .or_insert(HeaderValue::from_static("127.0.0.1:8117"));
        let peer = ConnectInfo(Peer("127.0.0.1:40000".parse().unwrap()));
        request.extensions_mut().insert(peer);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let response = router(Arc::clone(&self.site)).oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, 8 << 20).await.unwrap();
            (parts.status, parts.headers, bytes.to_vec())
        })
    }
}
