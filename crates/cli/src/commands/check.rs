//! `check`: says in plain words what is wrong and what to do, before anybody waits for a message.

use std::io;
use std::path::Path;

use jiff::SignedDuration;
use kizuna_channels::{SessionError, channel};
use kizuna_engine::env::channel_account;
use kizuna_engine::inbound::{self, BROKEN_DAYS_MAX, BROKEN_MAX, State};
use kizuna_engine::{Env, programme, witness};
use kizuna_store::tenants::Tenant;
use kizuna_store::{migrate, tenants};
use serde_json::json;

use super::{Failure, Outcome, Session, open_any, print_json};
use crate::args::{Check, CheckOne};

/// A mail that waits longer is not looked at, or cannot be carried out; a storm of bounces alone takes so long too.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// One thing that was looked at.
struct Finding {
    good: bool,
    what: &'static str,
    ja: String,
    en: String,
}

struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push(Finding {
            good: true,
            what,
            ja: ja.into(),
            en: en.into(),
        });
    }

    fn bad(&mut self, what: &'static str, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push(Finding {
            good: false,
            what,
            ja: ja.into(),
            en: en.into(),
        });
    }
}

/// Looks at everything, or at one thing closely, and lists what it found.
pub(crate) fn check(session: &Session, args: &Check) -> Result<Outcome, Failure> {
    match &args.what {
        Some(CheckOne::Line(one)) => super::line::check(session, one),
        Some(CheckOne::Content(args)) => super::content::check(session, args),
        None => Ok(everything(session, args)),
    }
}

fn everything(session: &Session, args: &Check) -> Outcome {
    let mut findings = Findings(Vec::new());
    look(session, args, &mut findings);
    let wrong = findings.0.iter().filter(|finding| !finding.good).count();
    if session.json {
        let rows: Vec<_> = findings
            .0
            .iter()
            .map(|f| json!({ "ok": f.good, "what": f.what, "message": session.tongue.pick(&f.ja, &f.en) }))
            .collect();
        print_json(&json!({ "problems": wrong, "findings": rows }));
    }
    for finding in &findings.0 {
        let mark = if finding.good {
            session.tongue.pick("よし", "ok ")
        } else {
            session.tongue.pick("直す", "FIX")
        };
        session.say(&format!("{mark}　{}", finding.ja), &format!("{mark}  {}", finding.en));
    }
    session.say(
        &(if wrong == 0 {
            "ぜんぶ、よしです。".to_owned()
        } else {
            format!("{wrong} 件、直すところがあります。")
        }),
        &(if wrong == 0 {
            "Everything is in order.".to_owned()
        } else {
            format!("{wrong} thing(s) to fix.")
        }),
    );
    if wrong == 0 { Outcome::Done } else { Outcome::Trouble }
}

fn look(session: &Session, args: &Check, findings: &mut Findings) {
    let config = match session.load() {
        Ok(config) => config,
        Err(failure) => return findings.bad("configuration", failure.ja, failure.en),
    };
    findings.good(
        "configuration",
        "設定ファイルを読めました",
        "the configuration can be read",
    );
    let env = match open_any(&config) {
        Ok(env) => env,
        Err(failure) => return findings.bad("database", failure.ja, failure.en),
    };
    if let Err(error) = migrate::verify(&env.db) {
        let failure = Failure::from(error);
        return findings.bad("database", failure.ja, failure.causes.join("; "));
    }
    findings.good(
        "database",
        "データベースにつながり、版も合っています",
        "the database answers and its schema is current",
    );
    match witness::may_send(&env) {
        Ok(_) => findings.good("fence", "このデータベースから送れます", "this database may send"),
        Err(error) => {
            let failure = Failure::from(error);
            findings.bad("fence", failure.ja, failure.en);
        }
    }
    let tenants = match env.db.read(tenants::all) {
        Ok(tenants) => tenants,
        Err(error) => {
            let failure = Failure::from(error);
            return findings.bad("database", failure.ja, failure.en);
        }
    };
    if tenants.is_empty() {
        findings.bad(
            "tenant",
            "自治体がありません。kizuna.toml に [[tenant]] を書いて、kizuna migrate を動かしてください",
            "there is no tenant; write one into kizuna.toml and run `kizuna migrate`",
        );
    }
    for written in &config.tenants {
        let applied = tenants.iter().find(|tenant| tenant.code == written.code);
        if applied.is_none_or(|tenant| tenant.settings != written.settings || tenant.name != written.name) {
            findings.bad(
                "configuration",
                format!(
                    "{}：設定ファイルの変更が、まだ反映されていません。kizuna migrate を動かしてください",
                    written.name
                ),
                format!(
                    "{}: changes of the configuration are not applied yet; run `kizuna migrate`",
                    written.name
                ),
            );
        }
        if let Err(error) = written.settings.check() {
            findings.bad(
                "configuration",
                format!("{}：{error}", written.name),
                format!("{}: {error}", written.name),
            );
        }
    }
    for tenant in &tenants {
        content(&env, tenant, findings);
        accounts(&env, tenant, args, findings);
    }
    what_comes_in(&env, config.maildir.as_deref(), &tenants, findings);
}

/// Looks at what comes in: whether anybody reads it, and what waits there.
fn what_comes_in(env: &Env, maildir: Option<&Path>, tenants: &[Tenant], findings: &mut Findings) {
    let expected = |setting: &str| {
        let tells = |tenant: &&Tenant| match env
            .db
            .read(|tx| tenants::account(tx, &env.keys, tenant.scope(), "email"))
        {
            Ok(account) => account.is_some_and(|account| account.settings.contains_key(setting)),
            // The accounts were read just before; what is wrong with them was said there.
            Err(_) => false,
        };
        tenants.iter().find(tells)
    };
    let Some(path) = maildir else {
        if let Some(tenant) = expected("register_address") {
            let name = &tenant.name;
            findings.bad(
                "inbound",
                format!("{name}：register_address がありますが、届いたメールを読む場所がありません。[mail] maildir を書いてください（docs/mail.md）"),
                format!("{name}: there is a register_address, but nobody reads its mail; write [mail] maildir (docs/mail.md)"),
            );
        }
        return;
    };
    if expected("register_address")
        .or_else(|| expected("envelope_domain"))
        .is_none()
    {
        findings.bad(
            "inbound",
            "[mail] maildir がありますが、register_address も envelope_domain もありません。届いたメールは、何も起こさずに消えます。[tenant.email] に書いてください",
            "there is a [mail] maildir, but neither register_address nor envelope_domain: mail is removed without effect; write them into [tenant.email]",
        );
    }
    let shown = path.display();
    match inbound::state(path, env.clock.now()) {
        Ok(state) => maildir_state(path, state, findings),
        Err(error) if error.kind() == io::ErrorKind::NotFound => findings.bad(
            "inbound",
            format!("Maildir {shown} がありません。kizuna serve を動かす利用者の持ちもので、フォルダーを作ってください（docs/mail.md）"),
            format!("the Maildir {shown} is missing; make the folder, owned by the user who runs `kizuna serve` (docs/mail.md)"),
        ),
        Err(error) => findings.bad(
            "inbound",
            format!("Maildir {shown} を読み書きできません（{error}）。フォルダーと中のメールの持ち主を、kizuna serve を動かす利用者にしてください（docs/mail.md の virtual_uid_maps）"),
            format!("the Maildir {shown} cannot be read and written ({error}); let the user who runs `kizuna serve` own it and the mails in it (virtual_uid_maps in docs/mail.md)"),
        ),
    }
}

fn maildir_state(path: &Path, state: State, findings: &mut Findings) {
    let shown = path.display();
    let before = findings.0.len();
    if let Some(oldest) = state.oldest.filter(|oldest| *oldest >= LATE_AFTER) {
        let (waiting, hours) = (state.waiting, oldest.as_hours());
        findings.bad(
            "inbound",
            format!("届いたメールが {waiting} 通待っています。いちばん古いものは {hours} 時間前です。kizuna serve が動いているか、記録（ログ）に何と出ているかを見てください"),
            format!("{waiting} mail(s) wait, the oldest for {hours} hour(s); see whether `kizuna serve` runs, and what its log says"),
        );
    }
    if state.taken > 0 {
        let taken = state.taken;
        findings.bad(
            "inbound",
            format!("{shown}/cur に {taken} 通あります。ほかのメールソフトがひらいたものは、読みません。new にもどし、そのソフトを外してください"),
            format!("{taken} mail(s) in {shown}/cur were opened by another program and are not read; move them back to new, and keep that program out"),
        );
    }
    if state.broken > 0 {
        let broken = state.broken;
        findings.bad(
            "inbound",
            format!("読めないメールが {broken} 通、{shown}/.Broken/new にあります。宛先の見出し（Delivered-To など）があるかを見て、消してください。{BROKEN_DAYS_MAX} 日か {BROKEN_MAX} 通をこえたものは、自分で消えます"),
            format!("{broken} mail(s) in {shown}/.Broken/new could not be read; see whether they have a Delivered-To header, then delete them. Beyond {BROKEN_DAYS_MAX} days or {BROKEN_MAX} mails they go by themselves"),
        );
    }
    if findings.0.len() == before {
        findings.good(
            "inbound",
            format!("届いたメールを読めます（待っているもの {} 通）", state.waiting),
            format!("mail that comes in can be read ({} waiting)", state.waiting),
        );
    }
}

fn content(env: &Env, tenant: &Tenant, findings: &mut Findings) {
    let name = &tenant.name;
    let loaded = match env.db.read(|tx| programme::load(tx, tenant)) {
        Ok(loaded) => loaded,
        Err(error) => {
            let failure = Failure::from(error);
            return findings.bad("content", failure.ja, failure.en);
        }
    };
    for track in &loaded.missing {
        findings.bad(
            "content",
            format!("{name}：シリーズ「{track}」の原稿がありません。kizuna import content で取りこんでください"),
            format!("{name}: the series '{track}' has no content; run `kizuna import content`"),
        );
    }
    for series in &loaded.programme.series {
        let (all, ready) = (
            series.items().len(),
            series.items().iter().filter(|item| item.approved).count(),
        );
        let track = &series.adoption.track;
        let (ja, en) = (
            format!(
                "{name}：シリーズ「{track}」配信版{}　原稿 {all} 本のうち監修ずみ {ready} 本",
                series.edition
            ),
            format!(
                "{name}: series '{track}' edition {}: {ready} of {all} articles approved",
                series.edition
            ),
        );
        if ready == all || tenant.settings.kind.allows_samples() {
            findings.good("content", ja, en);
        } else {
            findings.bad(
                "content",
                format!("{ja}。監修前の原稿は送られません"),
                format!("{en}; the others will not leave"),
            );
        }
    }
    if tenant.settings.base_url.is_empty() {
        findings.bad(
            "pages",
            format!("{name}：base_url が空です。読む人が止めるためのリンクを、つけられません"),
            format!("{name}: base_url is empty; messages carry no link with which to stop"),
        );
    }
}

fn accounts(env: &Env, tenant: &Tenant, args: &Check, findings: &mut Findings) {
    let name = &tenant.name;
    let accounts = match env.db.read(|tx| tenants::accounts(tx, &env.keys, tenant.scope())) {
        Ok(accounts) => accounts,
        Err(error) => {
            let failure = Failure::from(error);
            return findings.bad("channel", failure.ja, failure.en);
        }
    };
    if accounts.is_empty() {
        findings.bad(
            "channel",
            format!("{name}：配信手段がありません。[tenant.email] などを書いてください"),
            format!("{name}: there is no channel; write [tenant.email] or another"),
        );
    }
    for account in &accounts {
        let Some(channel) = channel(&account.channel) else {
            continue;
        };
        let kind = &account.channel;
        if let Some(reason) = &account.paused_reason {
            findings.bad(
                "channel",
                format!("{name}：{kind} は止まっています（{reason}）。直したら kizuna resume を動かしてください"),
                format!("{name}: {kind} is paused ({reason}); mend it, then run `kizuna resume`"),
            );
        }
        let opened = channel_account(account);
        let problems = channel.check(&opened);
        for problem in &problems {
            findings.bad(
                "channel",
                format!("{name}：{kind} の {}：{}", problem.setting, problem.ja),
                format!("{name}: {kind} {}: {}", problem.setting, problem.en),
            );
        }
        if !problems.is_empty() || args.offline {
            continue;
        }
        match channel.probe(&opened, &env.net) {
            Ok(()) => findings.good(
                "channel",
                format!("{name}：{kind} につながります"),
                format!("{name}: {kind} answers"),
            ),
            Err(SessionError::Unreachable { reply }) => findings.bad(
                "channel",
                format!("{name}：{kind} につながりません（{reply}）。住所と番号、経路を確かめてください"),
                format!("{name}: {kind} cannot be reached ({reply})"),
            ),
            Err(SessionError::Refused { reply, .. }) => findings.bad(
                "channel",
                format!("{name}：{kind} が、こちらを受け入れません（{reply}）。利用者名と暗証を確かめてください"),
                format!("{name}: {kind} refuses us ({reply})"),
            ),
        }
    }
}
