//! `check line` and `line menus`: what staff do with LINE, from the command line.

use kizuna_domain::menu::MenuStage;
use kizuna_engine::EngineError;
use kizuna_engine::actions::{self, Actor};
use kizuna_engine::line_check::{self, Finding, Known, Mark};
use kizuna_engine::menus::{self, Published};
use kizuna_paper::menu::draw;
use kizuna_store::tenants::Tenant;
use serde_json::{Value, json};

use super::{Failure, Outcome, Session, find_tenant, print_json};
use crate::args::{DrawMenu, Menus, OneTenant};

/// Asks LINE about the tenant's account and says what to mend where.
pub(crate) fn check(session: &Session, args: &OneTenant) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let look = match line_check::look(&env, &tenant, None) {
        Ok(look) => Some(look),
        // The findings say what is missing.
        Err(EngineError::NoAccount(_) | EngineError::Rule(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let known = Known {
        look,
        ..line_check::known(&env, &tenant)?
    };
    let findings = line_check::findings(&known);
    let wrong = findings.iter().filter(|finding| finding.mark == Mark::Wrong).count();
    if session.json {
        let rows: Vec<Value> = findings.iter().map(|finding| row(session, finding)).collect();
        print_json(&json!({ "tenant": tenant.code, "problems": wrong, "findings": rows }));
    }
    for finding in &findings {
        let mark = match finding.mark {
            Mark::Good => "✓",
            Mark::Note => "!",
            Mark::Wrong => "✗",
        };
        session.say(
            &format!("{mark}　{}", finding.ja),
            &format!("{mark}  {}: {}", finding.topic, finding.en),
        );
        if !finding.todo.is_empty() {
            session.say(&format!("　　→ {}", finding.todo), &format!("    → {}", finding.todo));
        }
    }
    session.say(
        &match wrong {
            0 => "LINEは、使えます。".to_owned(),
            wrong => format!("{wrong} 件、直すところがあります。"),
        },
        &match wrong {
            0 => "LINE is ready.".to_owned(),
            wrong => format!("{wrong} thing(s) to fix."),
        },
    );
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::Trouble })
}

fn row(session: &Session, finding: &Finding) -> Value {
    let mark = match finding.mark {
        Mark::Good => "good",
        Mark::Note => "note",
        Mark::Wrong => "wrong",
    };
    json!({
        "ok": finding.mark != Mark::Wrong,
        "mark": mark,
        "what": finding.topic,
        "message": session.tongue.pick(&finding.ja, &finding.en),
        "todo": finding.todo,
    })
}

/// Shows, publishes or draws the tenant's menus.
pub(crate) fn menus(session: &Session, args: &Menus) -> Result<Outcome, Failure> {
    match args {
        Menus::Show(one) => show(session, one),
        Menus::Publish(one) => publish(session, one),
        Menus::Draw(args) => draw_one(session, args),
    }
}

fn show(session: &Session, args: &OneTenant) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let all = env.db.read(|tx| menus::state(tx, &tenant))?;
    let publication = all.publication.as_ref();
    if session.json {
        let rows: Vec<Value> = all
            .menus
            .iter()
            .map(|menu| {
                json!({
                    "stage": menu.draft.stage.code(),
                    "draft": menu.draft,
                    "changed": menu.changed,
                    "line_id": menu.shown.as_ref().map(|shown| &shown.id),
                    "line_name": menu.shown.as_ref().map(|shown| &shown.digest),
                })
            })
            .collect();
        print_json(&json!({
            "tenant": tenant.code,
            "asked": publication.map(|publication| publication.asked_at.to_string()),
            "done": publication.and_then(|publication| publication.done_at).map(|at| at.to_string()),
            "problem": publication.and_then(|publication| publication.problem.clone()),
            "menus": rows,
        }));
        return Ok(Outcome::Done);
    }
    for menu in &all.menus {
        let stage = menu.draft.stage;
        let faults = menus::check(&menu.draft).err().unwrap_or_default();
        let (ja, en) = match (faults.is_empty(), menu.changed, &menu.shown) {
            (false, _, _) => ("直すところがあります", "something to mend"),
            (true, true, Some(_)) => ("まだ出していない変更があります", "changed, not shown yet"),
            (true, true, None) => ("まだ出していません", "not shown yet"),
            (true, false, Some(_)) => ("LINEに出ています", "shown"),
            (true, false, None) => ("準備中", "on its way"),
        };
        session.say(&format!("{}：{ja}", stage.ja()), &format!("{}: {en}", stage.code()));
        for button in &menu.draft.buttons {
            session.say(&format!("　　{}", button.spoken()), &format!("    {}", button.spoken()));
        }
        for fault in faults {
            session.say(
                &format!("　　直す：{}", fault.ja()),
                &format!("    to mend: {}", fault.ja()),
            );
        }
    }
    if let Some(problem) = publication.and_then(|publication| publication.problem.as_ref()) {
        session.say(problem, problem);
    }
    Ok(Outcome::Done)
}

fn publish(session: &Session, args: &OneTenant) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let faults = actions::line::publish_menus(&env, &tenant, Actor::CommandLine)?;
    for (stage, faults) in &faults {
        for fault in faults {
            let words = format!("{}：{}", stage.ja(), fault.ja());
            session.say(&words, &words);
        }
    }
    if !faults.is_empty() {
        return Ok(Outcome::Trouble);
    }
    session.say(
        "LINEに出しています。はじめてのときは、LINEの決まりで2分ほどかかります。",
        "Showing the menus; the first time takes about two minutes because of LINE's rates.",
    );
    match menus::publish(&env, &tenant)? {
        Published::Done { linked } => {
            if session.json {
                print_json(&json!({ "tenant": tenant.code, "linked": linked }));
            }
            session.say(
                &format!("出しました。{linked} 人のメニューが変わりました。"),
                &format!("Done. The menu of {linked} reader(s) changed."),
            );
            Ok(Outcome::Done)
        }
        Published::Busy => {
            session.say(
                "ほかで動いている Kizuna が、いま出しています。",
                "Another process of Kizuna is showing them now.",
            );
            Ok(Outcome::Unfinished)
        }
        Published::NotAsked => Ok(Outcome::Done),
    }
}

fn draw_one(session: &Session, args: &DrawMenu) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let tenant = find_tenant(&env, args.tenant.as_deref())?;
    let picture = picture(&env, &tenant, args.stage)?;
    std::fs::write(&args.out, &picture.png)?;
    let (file, size) = (args.out.display(), picture.size);
    session.say(
        &format!("{file} に書きました（{} × {}）。", size.width, size.height),
        &format!("Wrote {file} ({} × {}).", size.width, size.height),
    );
    Ok(Outcome::Done)
}

fn picture(
    env: &kizuna_engine::Env,
    tenant: &Tenant,
    stage: MenuStage,
) -> Result<kizuna_paper::menu::Picture, Failure> {
    let all = env.db.read(|tx| menus::state(tx, tenant))?;
    let draft = all.of(stage).map(|menu| menu.draft.clone());
    let checked = draft.as_ref().map(menus::check);
    match checked {
        Some(Ok((menu, _))) => draw(&menu).map_err(|error| Failure::new(error.ja(), error.to_string())),
        Some(Err(faults)) => {
            let words: Vec<String> = faults.iter().map(menus::MenuFault::ja).collect();
            Err(Failure::new(words.join("\n"), words.join("\n")))
        }
        None => Err(Failure::new("そのメニューはありません。", "there is no such menu")),
    }
}
