//! `init`, `migrate`, `resume`, `claim`: making an installation and putting it right.

use kizuna_domain::people::SkipReason;
use kizuna_engine::actions::tenants as actions;
use kizuna_engine::outside::{self, Repeated};
use kizuna_engine::run;
use kizuna_store::{Keyring, fence, migrate as schema, tenants};

use super::{Failure, Outcome, Session, find_tenant, open_any, print_json};
use crate::args::{Claim, OneTenant};
use crate::config;
use crate::shell;

/// Writes a commented configuration and a key; touches nothing that exists.
pub(crate) fn init(session: &Session) -> Result<Outcome, Failure> {
    let path = &session.config;
    let key = path.with_file_name("kizuna.key");
    for existing in [path, &key] {
        if existing.exists() {
            let shown = existing.display();
            return Err(Failure::new(
                format!("{shown} は、もうあります。上書きはしません。"),
                format!("{shown} exists already; nothing was overwritten"),
            ));
        }
    }
    shell::write_private(&key, &format!("{}\n", Keyring::text(&shell::random_key()?)))?;
    shell::write_private(path, &config::template())?;
    session.say(
        &format!(
            "{} と {} を作りました。\n鍵ファイルは、データベースとは別の場所にも控えてください。\n\
             つぎは： kizuna migrate → kizuna import content 原稿のフォルダー → kizuna check",
            path.display(),
            key.display()
        ),
        &format!(
            "Wrote {} and {}.\nKeep a copy of the key away from the database.\n\
             Next: kizuna migrate, kizuna import content FOLDER, kizuna check",
            path.display(),
            key.display()
        ),
    );
    Ok(Outcome::Done)
}

/// Brings the schema up to date and the tenants to what the configuration says.
pub(crate) fn migrate(session: &Session) -> Result<Outcome, Failure> {
    let config = session.load()?;
    let env = open_any(&config)?;
    let done = schema::migrate(&env.db)?;
    let node = env.ids.next().to_string();
    env.db.write(|tx| fence::create(tx, &node))?;
    for tenant in &config.tenants {
        if let Some(logo) = &tenant.logo {
            actions::keep_logo(&env, &tenant.code, logo)?;
        }
        actions::put(&env, &tenant.code, &tenant.name, &tenant.settings, &tenant.accounts)?;
    }
    let tenants = env.db.read(tenants::all)?;
    if session.json {
        let codes: Vec<&str> = tenants.iter().map(|tenant| tenant.code.as_str()).collect();
        print_json(&serde_json::json!({ "applied": done.applied, "tenants": codes }));
    }
    let applied = if done.applied.is_empty() {
        "-".to_owned()
    } else {
        done.applied.join(", ")
    };
    session.say(
        &format!(
            "データベースは新しくなりました（いま当てた変更：{applied}）。自治体は {} です。",
            tenants.len()
        ),
        &format!(
            "The database is up to date (applied now: {applied}). Tenants: {}.",
            tenants.len()
        ),
    );
    Ok(Outcome::Done)
}

/// Lets paused accounts and held messages go again.
pub(crate) fn resume(session: &Session, args: &OneTenant) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let (accounts, batches) = actions::resume(&env, &tenant)?;
    if session.json {
        print_json(&serde_json::json!({ "accounts": accounts, "batches": batches }));
    }
    session.say(
        &format!("止まっていたアカウント {accounts} 件と、待たせていたまとまり {batches} 件を、また動かします。"),
        &format!("{accounts} account(s) and {batches} batch(es) may go again."),
    );
    Ok(Outcome::Done)
}

/// Declares this database the live one.
pub(crate) fn claim(session: &Session, args: &Claim) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenants = env.db.read(tenants::all)?;
    let mut through = None;
    for tenant in &tenants {
        through = through.max(Some(run::today(&env, tenant)?));
    }
    // Whatever happens today: the days before it were the original's.
    let through = through.map(|today| if args.send_today { today - 1 } else { today });
    // First, so that nothing is sent to whoever stopped after the backup.
    let repeated = outside::repeat(&env)?;
    let given_up = actions::claim(&env, through)?;
    if session.json {
        print_json(&serde_json::json!({
            "given_up_batches": given_up,
            "fenced_through_on": through,
            "erased_again": repeated.erased,
            "stopped_again": repeated.stopped,
        }));
    }
    let fenced = through.map_or_else(|| "-".to_owned(), |day| day.to_string());
    session.say(
        &format!(
            "このデータベースから送ります。待っていたまとまり {given_up} 件は見合わせました。見合わせる日：{fenced} まで。\n（{}）",
            SkipReason::Fenced.ja()
        ),
        &format!("This database sends from now on. Given up: {given_up} batch(es); days through {fenced}."),
    );
    let Repeated { erased, stopped } = repeated;
    if stopped > 0 {
        session.say(
            &format!("バックアップのあとに止められた登録 {stopped} 件を、もう一度止めました。"),
            &format!("Stopped once more: {stopped} subscription(s) that were stopped after the backup."),
        );
    }
    if erased > 0 {
        session.say(
            &format!("バックアップのあとに記録をけした {erased} 人を、もう一度けしました。"),
            &format!("Erased once more: {erased} reader(s) who were erased after the backup."),
        );
    }
    Ok(Outcome::Done)
}
