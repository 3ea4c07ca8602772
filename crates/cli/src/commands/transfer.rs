//! `import` and `export`: content and readers, as files.

use std::collections::BTreeMap;
use std::path::Path;

use kizuna_domain::content::pack::PackProblem;
use kizuna_domain::roster::{self, COLUMNS};
use kizuna_engine::actions::people::{Checked, ListRow};
use kizuna_engine::actions::{content, people as readers};
use kizuna_engine::{EngineError, Env};
use kizuna_paper::table::{self, Encoding, Limits, Row, Table};
use kizuna_store::people::{self, Exported};
use kizuna_store::tenants::Tenant;
use serde_json::json;

use super::{Failure, Outcome, Session, day_of, find_tenant, print_json};
use crate::args::{Export, Import};
use crate::files::{self, PackFailure};

/// Rows that an export reads at a time.
const PAGE: usize = 2_000;

/// Imports content or readers.
pub(crate) fn import(session: &Session, args: &Import) -> Result<Outcome, Failure> {
    match args {
        Import::Content { path, tenant } => import_content(session, path, tenant.as_deref()),
        Import::Subscribers {
            file,
            tenant,
            dry_run,
            skip_rejected,
        } => {
            let (_, env) = session.open()?;
            let tenant = find_tenant(&env, tenant.as_deref())?;
            import_subscribers(session, &env, &tenant, file, *dry_run, *skip_rejected)
        }
    }
}

fn import_content(session: &Session, path: &Path, tenant: Option<&str>) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    let pack = match files::read(path) {
        Ok(pack) => pack,
        Err(PackFailure::File(failure)) => return Err(failure),
        Err(PackFailure::Problems(problems)) => return Err(unfit(session, problems)),
    };
    let needs_tenant = pack.manifest.owner == kizuna_domain::content::Owner::Tenant;
    let tenant = match tenant {
        None if !needs_tenant => None,
        code => Some(find_tenant(&env, code)?),
    };
    let done = match content::import(&env, tenant.as_ref(), &pack) {
        Err(EngineError::Pack(problems)) => return Err(unfit(session, problems)),
        done => done?,
    };
    if session.json {
        print_json(&json!({
            "imported": true, "track": done.track, "articles": done.articles, "new_revisions": done.new_revisions,
            "withdrawn": done.withdrawn, "approved": done.approved, "desks": done.desks, "edition": done.edition,
            "published": done.published,
        }));
    }
    let waiting = done.articles - done.approved;
    session.say(
        &format!(
            "シリーズ「{}」：原稿 {} 本（ことばが新しいもの {}、外したもの {}）、配信版 {}{}。監修ずみ {} 本、まだ {waiting} 本。",
            done.track, done.articles, done.new_revisions, done.withdrawn, done.edition,
            if done.published { "を出しました" } else { "のままです" }, done.approved
        ),
        &format!(
            "Series '{}': {} articles ({} with new words, {} withdrawn), edition {} {}; {} approved, {waiting} not yet.",
            done.track, done.articles, done.new_revisions, done.withdrawn, done.edition,
            if done.published { "published" } else { "unchanged" }, done.approved
        ),
    );
    Ok(Outcome::Done)
}

/// Lists what is to be mended in a pack of which nothing was taken.
fn unfit(session: &Session, problems: Vec<PackProblem>) -> Failure {
    if session.json {
        let rows: Vec<_> = problems
            .iter()
            .map(|p| json!({ "file": p.file, "reason": session.tongue.pick(&p.reason.ja, &p.reason.en) }))
            .collect();
        print_json(&json!({ "imported": false, "problems": rows }));
    }
    for problem in &problems {
        session.say(
            &format!("  {}：{}", problem.file, problem.reason.ja),
            &format!("  {problem}"),
        );
    }
    EngineError::Pack(problems).into()
}

/// Turns a table into rows by known columns; unknown headings are refused with the known ones.
fn list_rows(table: Table) -> Result<Vec<ListRow>, Failure> {
    let columns: Vec<Option<&'static str>> = table.header.iter().map(|heading| roster::column(heading)).collect();
    let unknown: Vec<&str> = table
        .header
        .iter()
        .zip(&columns)
        .filter(|(_, column)| column.is_none())
        .map(|(h, _)| h.as_str())
        .collect();
    if !unknown.is_empty() {
        let known: Vec<String> = COLUMNS.iter().map(|(_, names)| names.join("/")).collect();
        return Err(Failure::new(
            format!(
                "わからない列があります：{}\n使える列：{}",
                unknown.join("、"),
                known.join("、")
            ),
            format!(
                "unknown columns: {}\nknown columns: {}",
                unknown.join(", "),
                known.join(", ")
            ),
        ));
    }
    let rows = table.rows.into_iter().map(|row| ListRow {
        line: row.line,
        cells: columns
            .iter()
            .flatten()
            .copied()
            .zip(row.cells)
            .collect::<BTreeMap<_, _>>(),
    });
    Ok(rows.collect())
}

fn import_subscribers(
    session: &Session,
    env: &Env,
    tenant: &Tenant,
    file: &Path,
    dry_run: bool,
    skip_rejected: bool,
) -> Result<Outcome, Failure> {
    let limits = Limits {
        rows_max: roster::ROWS_MAX,
        ..Limits::default()
    };
    let table = table::read(file, &limits).map_err(|error| Failure::new(error.ja(), error.to_string()))?;
    let rows = list_rows(table)?;
    let today = day_of(env, tenant, None)?;
    let checked = readers::check_list(env, tenant, &rows, today)?;
    let write = !dry_run && (checked.rejected.is_empty() || skip_rejected);
    let added = if write {
        readers::import_list(env, tenant, &checked)?
    } else {
        0
    };
    report_import(session, &rows, &checked, write, added);
    Ok(if checked.rejected.is_empty() {
        Outcome::Done
    } else {
        Outcome::Trouble
    })
}

fn report_import(session: &Session, rows: &[ListRow], checked: &Checked, written: bool, added: usize) {
    let mut lines: Vec<usize> = checked.rejected.iter().map(|row| row.line).collect();
    lines.dedup();
    let rejected_rows = lines.len();
    if session.json {
        let rejected: Vec<_> = checked
            .rejected
            .iter()
            .map(|row| {
                json!({ "line": row.line, "column": row.problem.column,
                "reason": session.tongue.pick(row.problem.reason, row.problem.reason_en),
                "fix": session.tongue.pick(row.problem.fix, row.problem.fix_en) })
            })
            .collect();
        print_json(&json!({
            "rows": rows.len(), "new": checked.new, "known": checked.known, "rejected": rejected,
            "written": written, "added": added,
        }));
        return;
    }
    for row in &checked.rejected {
        let p = &row.problem;
        session.say(
            &format!("  {}行目（{}）：{}。{}。", row.line, p.column, p.reason, p.fix),
            &format!("  line {} ({}): {}; {}", row.line, p.column, p.reason_en, p.fix_en),
        );
    }
    session.say(
        &format!(
            "{} 行：新しい {}、登録ずみ {}、取りこめない {}。",
            rows.len(),
            checked.new,
            checked.known,
            rejected_rows
        ),
        &format!(
            "{} row(s): {} new, {} known, {} rejected.",
            rows.len(),
            checked.new,
            checked.known,
            rejected_rows
        ),
    );
    if written {
        session.say(&format!("{added} 件を取りこみました。"), &format!("{added} added."));
    } else if checked.rejected.is_empty() {
        session.say(
            "確かめただけで、何も取りこんでいません。このまま取りこめます。",
            "Checked only, nothing was imported. The list is ready to be imported.",
        );
    } else {
        session.say(
            "何も取りこんでいません。直してからもう一度か、--skip-rejected でほかの行だけ取りこめます。",
            "Nothing was imported. Mend the rows, or import the others with --skip-rejected.",
        );
    }
}

/// Exports content or readers.
pub(crate) fn export(session: &Session, args: &Export) -> Result<Outcome, Failure> {
    let (_, env) = session.open()?;
    match args {
        Export::Content { path, track, tenant } => {
            let tenant = find_tenant(&env, tenant.as_deref())?;
            let exported = env.db.read(|tx| content::export(tx, &tenant, track))?;
            let exported = exported.ok_or_else(|| Failure::from(EngineError::NoTrack(track.clone())))?;
            files::write(path, &exported)?;
            session.say(
                &format!(
                    "{} に、原稿 {} 本を書き出しました。",
                    path.display(),
                    exported.articles.len()
                ),
                &format!("Wrote {} articles to {}.", exported.articles.len(), path.display()),
            );
        }
        Export::Subscribers { file, tenant, encoding } => {
            let tenant = find_tenant(&env, tenant.as_deref())?;
            let count = export_subscribers(&env, &tenant, file, *encoding)?;
            session.say(
                &format!(
                    "{} に、{count} 件を書き出しました。宛先が入っています。取りあつかいに気をつけてください。",
                    file.display()
                ),
                &format!(
                    "Wrote {count} rows to {}. It holds addresses; handle it with care.",
                    file.display()
                ),
            );
        }
    }
    if session.json {
        print_json(&json!({ "exported": true }));
    }
    Ok(Outcome::Done)
}

fn export_subscribers(env: &Env, tenant: &Tenant, file: &Path, encoding: Encoding) -> Result<usize, Failure> {
    let header = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut table = Table {
        header,
        rows: Vec::new(),
    };
    let mut after = None;
    loop {
        let page = env
            .db
            .read(|tx| people::export(tx, &env.keys, tenant.scope(), after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = Some(last.subscription);
        table.rows.extend(page.iter().map(|row| Row {
            line: 0,
            cells: cells(row),
        }));
    }
    files::write_table(file, &table, "読者", encoding)?;
    Ok(table.rows.len())
}

fn cells(row: &Exported) -> Vec<String> {
    let date = |day: Option<kizuna_domain::day::Day>| day.map(|day| day.to_string()).unwrap_or_default();
    COLUMNS
        .iter()
        .map(|(name, _)| match *name {
            "subscription" => row.subscription.to_string(),
            "subscriber" => row.subscriber.to_string(),
            "reference" => row.reference.clone().unwrap_or_default(),
            "channel" => row.channel.clone(),
            "address" => row.address.clone(),
            "address_state" => row.point_state.code().to_owned(),
            "due_on" => date(row.anchor.due()),
            "birth_on" => date(row.anchor.birth()),
            "relation" => row.relation.code().to_owned(),
            "nickname" => row.nickname.clone().unwrap_or_default(),
            "area" => row.area.clone().unwrap_or_default(),
            "language" => row.language.clone(),
            "registered_on" => row.registered_on.to_string(),
            "state" => row.state.code().to_owned(),
            "consent_wording" => row.consent_wording.clone().unwrap_or_default(),
            "consent_at" => row.consent_at.map(|at| at.to_string()).unwrap_or_default(),
            _ => String::new(),
        })
        .collect()
}
