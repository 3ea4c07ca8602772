//! `audit`: whether the record of who did what is as it was written, and reading it.

use std::collections::HashMap;

use kizuna_domain::ids::StaffId;
use kizuna_engine::Env;
use kizuna_engine::actions::words;
use kizuna_store::audit::{self, Fault, Verified};
use kizuna_store::{Scope, staff, tenants};
use serde_json::{Value, json};

use super::{Failure, Outcome, Session, find_tenant, print, print_json};
use crate::args::Audit;

/// What the chain of the installation is called.
const INSTALLATION: &str = "installation";

/// Does what was asked about the record.
pub(crate) fn audit(session: &Session, what: &Audit) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    match what {
        Audit::Verify { tenant } => verify(session, &env, tenant.as_deref()),
        Audit::List { tenant, limit } => list(session, &env, tenant.as_deref(), *limit),
    }
}

fn verify(session: &Session, env: &Env, code: Option<&str>) -> Result<Outcome, Failure> {
    let of = |tenant: &tenants::Tenant| (tenant.code.clone(), Some(tenant.scope()));
    let chains: Vec<(String, Option<Scope>)> = if let Some(code) = code {
        vec![of(&find_tenant(env, Some(code))?)]
    } else {
        let all = env.db.read(tenants::all)?;
        let installation = (INSTALLATION.to_owned(), None);
        std::iter::once(installation).chain(all.iter().map(of)).collect()
    };
    let mut found = Vec::new();
    for (name, scope) in chains {
        let verified = env.db.read(|tx| audit::verify(tx, &env.keys, scope))?;
        found.push((name, verified));
    }
    if session.json {
        let lines: Vec<Value> = found.iter().map(|(name, verified)| line(name, verified)).collect();
        print_json(&json!({ "chains": lines }));
    }
    for (name, verified) in &found {
        say_verified(session, name, verified);
    }
    let is_whole = found.iter().all(|(_, verified)| verified.fault.is_none());
    Ok(if is_whole { Outcome::Done } else { Outcome::Trouble })
}

/// The end of a chain as people note it down.
fn short(head: &[u8; 32]) -> String {
    head.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// The code of a fault and the place of the entry.
fn fault_code(fault: Fault) -> (&'static str, Option<i64>) {
    match fault {
        Fault::Before => ("before", None),
        Fault::Changed(seq) => ("changed", Some(seq)),
        Fault::Removed(seq) => ("removed", Some(seq)),
        Fault::Inserted(seq) => ("inserted", Some(seq)),
        Fault::Head => ("head", None),
        Fault::Broken(seq) => ("broken", Some(seq)),
    }
}

fn line(name: &str, verified: &Verified) -> Value {
    let fault = verified.fault.map(fault_code);
    json!({
        "chain": name, "whole": fault.is_none(), "entries": verified.entries, "before": verified.before,
        "head": short(&verified.head), "fault": fault.map(|(code, _)| code), "at": fault.and_then(|(_, seq)| seq),
    })
}

fn say_verified(session: &Session, name: &str, verified: &Verified) {
    let Verified {
        entries,
        before,
        head,
        fault,
    } = verified;
    let Some(fault) = fault else {
        let (ja, en) = match before {
            0 => (String::new(), String::new()),
            _ => (
                format!("、つながる前の {before} 件も、そのままです"),
                format!(", and {before} from before the chain"),
            ),
        };
        return session.say(
            &format!("{name}：そろっています（{entries} 件{ja}）。末尾 {}", short(head)),
            &format!("{name}: whole ({entries} entries{en}). Head {}", short(head)),
        );
    };
    let (ja, en) = match fault {
        Fault::Before => (
            "つながる前の記録が、あとから変えられています".to_owned(),
            "entries from before the chain were changed later".to_owned(),
        ),
        Fault::Changed(seq) => (
            format!("{seq} 番の記録が、書きかえられたか、入れかえられています"),
            format!("entry {seq} was changed, or stood at another place"),
        ),
        Fault::Removed(seq) => (
            format!("{seq} 番からの記録が、消されています"),
            format!("entries are missing from {seq} on"),
        ),
        Fault::Inserted(seq) => (
            format!("{seq} 番に、このプログラムが書いていない記録があります"),
            format!("an entry at {seq} was not written by this program"),
        ),
        Fault::Head => (
            "末尾の封が合いません。新しい記録が消されたか、鍵ファイルがちがいます".to_owned(),
            "the seal on the head does not fit: the newest entries were removed, or this is another key".to_owned(),
        ),
        Fault::Broken(seq) => (
            format!("{seq} 番を書いたとき、末尾の封が合っていませんでした。その前の記録が消された疑いがあります"),
            format!(
                "the seal on the head did not fit when entry {seq} was written; entries before it may have been removed"
            ),
        ),
    };
    session.say(
        &format!("{name}：{ja}（{entries} 件まで確かめました）。"),
        &format!("{name}: {en} ({entries} entries verified before it)."),
    );
}

fn list(session: &Session, env: &Env, code: Option<&str>, limit: i64) -> Result<Outcome, Failure> {
    let tenant = code.map(|code| find_tenant(env, Some(code))).transpose()?;
    let scope = tenant.as_ref().map(tenants::Tenant::scope);
    let (entries, names) = env.db.read(|tx| {
        let entries = audit::latest(tx, scope, None, limit)?;
        let mut names: HashMap<String, String> = HashMap::new();
        for entry in &entries {
            if let Ok(id) = entry.actor.parse::<StaffId>()
                && !names.contains_key(&entry.actor)
                && let Some(person) = staff::by_id(tx, &env.keys, id)?
            {
                names.insert(entry.actor.clone(), person.name);
            }
        }
        Ok((entries, names))
    })?;
    if session.json {
        let lines: Vec<Value> = entries
            .iter()
            .map(|entry| {
                json!({
                    "id": entry.id.to_string(), "seq": entry.seq, "at": entry.at.to_string(), "actor": entry.actor,
                    "name": names.get(&entry.actor), "action": entry.action, "subject": entry.subject, "detail": entry.detail,
                })
            })
            .collect();
        print_json(&json!({ "entries": lines }));
        return Ok(Outcome::Done);
    }
    for entry in &entries {
        let number = match entry.seq {
            Some(seq) => seq.to_string(),
            None => session.tongue.pick("つながる前", "before the chain").to_owned(),
        };
        let actor = names.get(&entry.actor).unwrap_or(&entry.actor);
        let action = match words::ja(&entry.action) {
            Some(words) => session
                .tongue
                .pick(format!("{}（{words}）", entry.action), entry.action.clone()),
            None => entry.action.clone(),
        };
        print(&format!(
            "{number}  {}  {actor}  {action}  {}  {}",
            entry.at, entry.subject, entry.detail
        ));
    }
    Ok(Outcome::Done)
}
