//! `kizuna demo`: an invented town with a thousand families, today's delivery, and pages to look at it.
//!
//! Everything is real but the families: the same import, planner, ledger, dispatcher and channels as in earnest.

mod families;
mod phones;
mod relay;

use std::path::Path;
use std::sync::Arc;
use std::thread;

use kizuna_domain::day::Day;
use kizuna_domain::staff::{Role, StaffMail};
use kizuna_domain::tenant::Settings;
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::actions::{Actor, content, line as line_actions, people as readers, staff, tenants as actions};
use kizuna_engine::line::Inbox;
use kizuna_engine::programme::{self, Loaded};
use kizuna_engine::{Env, Pace, run as daily};
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, fence, migrate, people, tenants};
use kizuna_web::{Entrance, Site};

use crate::args::Demo;
use crate::commands::{Failure, Outcome, Session, day_of, read_key, send};
use crate::files::{self, PackFailure};
use crate::shell;
use phones::Phones;

/// Code of the invented town.
const TOWN: &str = "hidamari";

/// Code of the town to which families can move.
const NEIGHBOUR: &str = "komorebi";

const SETTINGS: &str = r#"
kind = "demo"
listed = true
sender_name = "ひだまり市 子育てだより"
# The whole day, so that whoever tries it in the evening sees today's words too.
send_from = "00:00"
send_until = "23:59"
base_url = "http://127.0.0.1:PORT"

[choices]
hours = [8, 12, 19]

[[adopt]]
track = "starter"

[[adopt]]
track = "hidamari"
"#;

const NEIGHBOUR_SETTINGS: &str = r#"
kind = "demo"
listed = true
sender_name = "こもれび町 子育てだより"
send_from = "00:00"
send_until = "23:59"
base_url = "http://127.0.0.1:PORT"

[look]
theme = "ai"

[choices]
hours = [7, 20]

[[adopt]]
track = "starter"
"#;

/// Makes the town, runs its day, shows it.
pub(crate) fn demo(session: &Session, args: &Demo) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&args.dir)?;
    // Before anything is sent: whoever reads the messages will want the pages.
    let listener = if args.once {
        None
    } else {
        Some(send::listen(([127, 0, 0, 1], args.port).into())?)
    };
    let env = open(&args.dir)?;
    let relay = relay::Relay::start(args.dir.join("outbox"))?;
    let pages = format!("http://127.0.0.1:{}", args.port);
    let phones = Phones::start(if args.once { 0 } else { args.port + 1 }, &pages, TOWN)?;
    let tenant = put_town(&env, args, relay.port(), phones.account())?;
    let day = day_of(&env, &tenant, args.day)?;
    let living = env.db.read(|tx| people::count_living(tx, tenant.scope()))?;
    if living == 0 {
        session.say(
            &format!("{} 家庭を作っています…", args.families),
            &format!("Inventing {} families…", args.families),
        );
        let rows = families::invent(args.families, day);
        let checked = readers::check_list(&env, &tenant, &rows, day.max(daily::today(&env, &tenant)?))?;
        readers::import_list(&env, &tenant, &checked)?;
    } else {
        session.say(
            &format!(
                "{} に、前に作った {living} 件の登録があります。これを使います。",
                args.dir.display()
            ),
            &format!(
                "Using the {living} registrations made before in {}.",
                args.dir.display()
            ),
        );
    }
    phones.hand_out(&env, &tenant)?;
    let before = daily::day_report(&env, &tenant, day)?;
    let outcome = send::with_progress(session, &env, Some(&tenant), Some(day))?;
    let ended = send::finish(session, &env, &outcome)?;
    if before.sent > 0 && outcome.reports.iter().all(|report| report.sent == before.sent) {
        session.say(
            "きょうの分は、もう送ってあります。二度は送りませんでした。",
            "Today was sent before. Nothing was sent twice.",
        );
    }
    session.say(
        &format!(
            "メールは {} に、LINEは見本の電話に {} 通届きました。",
            args.dir.join("outbox").display(),
            phones.messages()
        ),
        &format!(
            "E-mail is in {}; {} messages came to the sample phones of LINE.",
            args.dir.join("outbox").display(),
            phones.messages()
        ),
    );
    let Some(listener) = listener else { return Ok(ended) };
    let (town, yours, all) = (format!("{pages}/{TOWN}"), phones.yours(), phones.all());
    session.say(
        &format!(
            "\nためしてみる {pages}/  ← ここに、できることが並んでいます\n\n\
             登録のページ {town}/register\n\
             届いたメール {town}/mailbox （空メールも、ここから送れます）\n\
             あなたの電話 {yours}\n\
             みんなの電話 {all}\n\
             ひっこし先   {pages}/{NEIGHBOUR}/move-in\n\
             職員の画面   {town}/today\n止めるには Ctrl-C。"
        ),
        &format!(
            "\nWhat to try  {pages}/  <- everything is listed here (in Japanese)\n\n\
             Registration {town}/register\n\
             Mailbox      {town}/mailbox (also sends an empty mail)\n\
             Your phone   {yours}\n\
             All phones   {all}\n\
             Moving to    {pages}/{NEIGHBOUR}/move-in\n\
             Staff pages  {town}/today\nStop with Ctrl-C."
        ),
    );
    let mail = StaffMail::parse("hanako@hidamari.example")
        .map_err(|error| Failure::new("見本の職員を作れません。", error.to_string()))?;
    let hanako = staff::add_sample(&env, tenant.scope(), "見本 花子", &mail, Role::Administrator)?;
    // Asked for at every start: the stand-in forgets, and what is shown already is not made again.
    line_actions::publish_menus(&env, &tenant, Actor::System)?;
    // Whoever registers while the demo runs gets today's words, unless another day is being looked at.
    let daily = args.day.is_none().then_some(send::work as fn(&Env));
    let beside: [fn(&Env); 4] = [
        send::work_on_menus,
        send::work_on_retention,
        send::talk,
        send::write_mails,
    ];
    let mut workers: Vec<_> = beside
        .into_iter()
        .chain(daily)
        .map(|work| send::in_background(&env, work))
        .collect();
    let maildir = args.dir.join("Maildir");
    std::fs::create_dir_all(&maildir)?;
    let (reading, folder) = (Arc::clone(&env), maildir.clone());
    workers.push(thread::spawn(move || send::read_mails(&reading, &folder)));
    let inbox = Inbox::start(&env)?;
    // Whoever sits at this machine is the invented administrator, so that a newcomer need not sign in.
    let site = Arc::new(Site::new(
        Arc::clone(&env),
        Entrance::Demo(kizuna_web::Demo {
            staff: hanako.id,
            maildir,
            phone: yours,
        }),
        Vec::new(),
        inbox,
    ));
    send::serve_pages(&env, site, listener)?;
    env.stop.press();
    send::joined(workers)
}

fn open(dir: &Path) -> Result<Arc<Env>, Failure> {
    let key = dir.join("kizuna.key");
    if !key.exists() {
        shell::write_private(&key, &format!("{}\n", Keyring::text(&shell::random_key()?)))?;
    }
    let location = format!("sqlite:{}", dir.join("kizuna.db").display());
    let env = shell::env(&location, read_key(&key)?, &dir.join("kizuna.witness"), Pace::default())?;
    migrate::migrate(&env.db)?;
    let node = env.ids.next().to_string();
    env.db.write(|tx| fence::create(tx, &node))?;
    Ok(env)
}

fn settings(text: &str, port: u16) -> Result<Settings, Failure> {
    toml::from_str(&text.replace("PORT", &port.to_string()))
        .map_err(|error| Failure::new("見本の設定が読めません。", error.to_string()))
}

fn put_town(env: &Env, args: &Demo, relay_port: u16, line: NewAccount) -> Result<Tenant, Failure> {
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let folder = std::path::absolute(args.dir.join("outbox"))?.display().to_string();
    let outbox = NewAccount {
        channel: "outbox".to_owned(),
        settings: [
            text("folder", &folder),
            text("from_address", "kosodate@hidamari.example"),
        ]
        .into(),
        ..NewAccount::default()
    };
    let email = |town: &str| NewAccount {
        channel: "email".to_owned(),
        settings: [
            text("host", "127.0.0.1"),
            text("port", &relay_port.to_string()),
            text("security", "none"),
            text("from_address", &format!("kosodate@{town}.example")),
            text("envelope_domain", &format!("bounce.{town}.example")),
            text("register_address", &format!("toroku@{town}.example")),
        ]
        .into(),
        ..NewAccount::default()
    };
    let web = NewAccount {
        channel: "web".to_owned(),
        ..NewAccount::default()
    };
    let neighbour = settings(NEIGHBOUR_SETTINGS, args.port)?;
    actions::put(
        env,
        NEIGHBOUR,
        "こもれび町",
        &neighbour,
        &[email(NEIGHBOUR), web.clone()],
    )?;
    let accounts = [line, email(TOWN), web, outbox];
    let tenant = actions::put(env, TOWN, "ひだまり市", &settings(SETTINGS, args.port)?, &accounts)?;
    let (starter, town) = packs()?;
    content::import(env, None, &starter)?;
    content::import(env, Some(&tenant), &town)?;
    let changed = env.db.read(|tx| tenants::by_code(tx, TOWN))?;
    Ok(changed.unwrap_or(tenant))
}

fn packs() -> Result<(kizuna_domain::content::pack::Pack, kizuna_domain::content::pack::Pack), Failure> {
    files::samples().map_err(|failure| match failure {
        PackFailure::File(failure) => failure,
        PackFailure::Problems(problems) => {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(
                format!("見本の原稿に問題があります：{}", list.join("、")),
                list.join("; "),
            )
        }
    })
}

/// The sample content as the invented town sends it, for looking without an installation.
pub(crate) fn sample_programme() -> Result<Loaded, Failure> {
    let dir = std::env::temp_dir().join(format!("kizuna-sample-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let loaded = (|| {
        let env = open(&dir)?;
        let args = Demo {
            families: 1,
            day: None,
            port: 8080,
            once: true,
            dir: dir.clone(),
        };
        let phones = Phones::start(0, "http://127.0.0.1:1", TOWN)?;
        let tenant = put_town(&env, &args, 1, phones.account())?;
        Ok(env.db.read(|tx| programme::load(tx, &tenant))?)
    })();
    std::fs::remove_dir_all(&dir)?;
    loaded
}

/// A day and the number that makes one invented family differ from the next.
type Seed = (Day, u64);
