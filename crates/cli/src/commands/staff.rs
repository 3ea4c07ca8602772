//! `staff`: the first people of a tenant, and the way back in for who lost theirs.

use kizuna_domain::staff::{Role, StaffMail};
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::staff::{self as actions, Invited, StaffProblem};
use kizuna_engine::{EngineError, Env};
use kizuna_store::staff::{self, Offer, Staff as Person};
use kizuna_store::tenants;
use serde_json::{Value, json};

use super::{Failure, Outcome, Session, find_tenant, print, print_json};
use crate::args::Staff;
use crate::config::Config;

/// Does what was asked about staff.
pub(crate) fn staff(session: &Session, what: &Staff) -> Result<Outcome, Failure> {
    let (config, env) = session.open()?;
    match what {
        Staff::Add {
            email, tenant, role, ..
        } => {
            let (offer, base_url) = if let Some(role) = role {
                let tenant = find_tenant(&env, tenant.as_deref())?;
                (Offer::Place(tenant.scope(), *role), tenant.settings.base_url)
            } else {
                (Offer::Operator, String::new())
            };
            let invited = actions::invite(&env, Actor::CommandLine, offer, email)?;
            show_link(session, &env, &config, &base_url, &invited)
        }
        Staff::List { tenant } => list(session, &env, tenant.as_deref()),
        Staff::Disable { email, tenant } => {
            disable(&env, email, tenant.as_deref())?;
            if session.json {
                print_json(&json!({ "disabled": true }));
            }
            session.say(
                "外しました。次にひらくページから、使えません。",
                "Removed; no further page opens.",
            );
            Ok(Outcome::Done)
        }
        Staff::Reset { email } => {
            let invited = actions::invite(&env, Actor::CommandLine, Offer::NewCredentials, email)?;
            session.say(
                "いまのパスワードと認証アプリは使えなくなり、サインインも終わりました。",
                "The present password and authenticator are void, and every session has ended.",
            );
            show_link(session, &env, &config, "", &invited)
        }
    }
}

/// Where this installation is reached: the tenant's public address, else any tenant's, else where it listens.
fn base_url(env: &Env, config: &Config, of_tenant: &str) -> Result<String, Failure> {
    if !of_tenant.is_empty() {
        return Ok(of_tenant.to_owned());
    }
    let all = env.db.read(tenants::all)?;
    let known = all.into_iter().map(|tenant| tenant.settings.base_url);
    let known = known.into_iter().find(|url| !url.is_empty());
    Ok(known.unwrap_or_else(|| format!("http://{}", config.listen)))
}

fn show_link(
    session: &Session,
    env: &Env,
    config: &Config,
    of_tenant: &str,
    invited: &Invited,
) -> Result<Outcome, Failure> {
    let link = format!("{}/join/{}", base_url(env, config, of_tenant)?, invited.token);
    if session.json {
        print_json(&json!({ "link": link, "expires_at": invited.expires.to_string() }));
        return Ok(Outcome::Done);
    }
    session.say(
        "本人だけに渡してください。3日間、1回だけ使えます（kizuna serve が動いているあいだに、ひらきます）。",
        "Pass it on to this person only. It works once, for three days, while `kizuna serve` runs.",
    );
    print(&link);
    Ok(Outcome::Done)
}

/// A person with their places as (tenant's code, role).
fn line(person: &Person, places: &[(String, Role)]) -> Value {
    let places: Vec<Value> = places
        .iter()
        .map(|(code, role)| json!({ "tenant": code, "role": role.code() }))
        .collect();
    json!({
        "id": person.id.to_string(), "name": person.name, "email": person.mail,
        "operator": person.is_operator, "can_sign_in": person.can_sign_in, "places": places,
    })
}

fn list(session: &Session, env: &Env, code: Option<&str>) -> Result<Outcome, Failure> {
    let only = code.map(|code| find_tenant(env, Some(code))).transpose()?;
    let people = env.db.read(|tx| {
        let mut people = Vec::new();
        for person in staff::all(tx, &env.keys)? {
            let places = staff::memberships(tx, person.id)?;
            let is_there = only
                .as_ref()
                .is_none_or(|only| places.iter().any(|place| place.tenant == only.id));
            let places: Vec<(String, Role)> = places.into_iter().map(|place| (place.code, place.role)).collect();
            if is_there {
                people.push((person, places));
            }
        }
        Ok(people)
    })?;
    if session.json {
        let lines: Vec<Value> = people.iter().map(|(person, places)| line(person, places)).collect();
        print_json(&json!({ "staff": lines }));
        return Ok(Outcome::Done);
    }
    if people.is_empty() {
        session.say("まだだれもいません。", "Nobody yet.");
    }
    for (person, places) in &people {
        let mut words: Vec<String> = places
            .iter()
            .map(|(code, role)| format!("{code}:{}", session.tongue.pick(role.ja(), role.code())))
            .collect();
        if person.is_operator {
            words.push(
                session
                    .tongue
                    .pick(Role::Operator.ja(), Role::Operator.code())
                    .to_owned(),
            );
        }
        if !person.can_sign_in {
            words.push(
                session
                    .tongue
                    .pick("（サインインの準備がまだです）", "(cannot sign in yet)")
                    .to_owned(),
            );
        }
        print(&format!("{}  {}  {}", person.mail, person.name, words.join(" ")));
    }
    Ok(Outcome::Done)
}

fn disable(env: &Env, email: &str, code: Option<&str>) -> Result<(), Failure> {
    let mail = StaffMail::parse(email).map_err(|error| EngineError::from(StaffProblem::Mail(error)))?;
    let Some(code) = code else {
        return Ok(actions::close(env, Actor::CommandLine, &mail)?);
    };
    let tenant = find_tenant(env, Some(code))?;
    let person = env.db.read(|tx| staff::by_mail(tx, &env.keys, &mail))?;
    let person = person.ok_or_else(|| EngineError::from(StaffProblem::Unknown))?;
    Ok(actions::remove(env, Actor::CommandLine, tenant.scope(), person.id)?)
}

/// Says how to add the first member of staff to a tenant that has none.
pub(crate) fn say_who_is_missing(session: &Session, env: &Env) -> Result<(), Failure> {
    for tenant in env.db.read(tenants::all)? {
        let people = env.db.read(|tx| staff::of_tenant(tx, &env.keys, tenant.scope()))?;
        if people.is_empty() {
            let (name, code) = (&tenant.name, &tenant.code);
            session.say(
                &format!(
                    "「{name}」には、まだ職員がいません。はじめの人は：\n  kizuna staff add --tenant {code} --role administrator メールアドレス"
                ),
                &format!(
                    "'{code}' has no staff yet. Add the first:\n  kizuna staff add --tenant {code} --role administrator EMAIL"
                ),
            );
        }
    }
    Ok(())
}
