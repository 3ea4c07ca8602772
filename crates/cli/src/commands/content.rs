//! `check content`: holds packs of articles against the editorial rules. Needs no installation and changes nothing.

use std::collections::BTreeMap;

use kizuna_domain::content::Desk;
use kizuna_domain::content::rules::{self, Finding, PackReport, RuleBook, Severity};
use serde_json::{Value, json};

use super::look::today_in_japan;
use super::{Failure, Outcome, Session, print_json};
use crate::args::CheckContent;
use crate::files::{self, Located, PackFailure};

/// Warnings of one pack that people are shown; a machine gets all.
const WARNINGS_SHOWN: usize = 40;
/// Rule of a pack that an import would refuse.
const UNREADABLE: &str = "pack";

/// One pack and what was found in it.
struct Checked {
    /// Code of its series; the place where it cannot be read.
    pack: String,
    title: String,
    /// `None` where it cannot be read.
    report: Option<PackReport>,
    found: Vec<Found>,
}

/// A finding with its file.
struct Found {
    file: String,
    finding: Finding,
}

/// Checks the packs that were named, or those inside the program.
pub(crate) fn check(session: &Session, args: &CheckContent) -> Result<Outcome, Failure> {
    let book = RuleBook::standard()
        .map_err(|error| Failure::new("編集のきまり（rules.toml）を読めません。", error.to_string()))?;
    let today = match args.today {
        Some(today) => today,
        None => today_in_japan()?,
    };
    let desks = town_desks(args)?;
    let packs = if args.paths.is_empty() {
        files::built_in()
    } else {
        let named = args
            .paths
            .iter()
            .map(|path| (path.display().to_string(), files::locate(path)));
        named.collect()
    };
    let mut all = Vec::new();
    for (place, pack) in packs {
        all.push(match pack {
            Ok(located) => looked_at(&located, rules::check(&book, &located.pack, &desks, today)),
            Err(PackFailure::Problems(problems)) => unreadable(place, problems),
            Err(PackFailure::File(failure)) => return Err(failure),
        });
    }
    let mut codes: Vec<&str> = all.iter().map(|checked| checked.pack.as_str()).collect();
    codes.sort_unstable();
    if let Some(twice) = codes
        .windows(2)
        .find(|pair| pair.first() == pair.last())
        .and_then(|pair| pair.first())
    {
        return Err(Failure::new(
            format!("シリーズ「{twice}」のパックが二つあります。一つずつ確かめてください。"),
            format!("there are two packs of the series '{twice}'; check one at a time"),
        ));
    }
    let errors = count(&all, Severity::Error);
    if session.json {
        print_json(&document(&all));
    }
    for checked in &all {
        tell(session, checked);
    }
    let warnings = count(&all, Severity::Warning);
    session.say(
        &format!("ぜんぶで、直すところ {errors}、見てほしいところ {warnings}。"),
        &format!("In all: {errors} to mend, {warnings} to look at."),
    );
    if errors == 0 {
        return Ok(Outcome::Done);
    }
    Err(Failure::new(
        format!("原稿に {errors} 件の直すところがあります。"),
        format!("{errors} thing(s) to mend in the content"),
    ))
}

fn town_desks(args: &CheckContent) -> Result<Vec<Desk>, Failure> {
    let Some(path) = &args.tenant_pack else {
        return Ok(Vec::new());
    };
    match files::read(path) {
        Ok(pack) => Ok(pack.desks),
        Err(PackFailure::File(failure)) => Err(failure),
        Err(PackFailure::Problems(problems)) => {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Err(Failure::new(
                format!("自治体のパックを読めません：{}", list.join("、")),
                format!("the town's pack cannot be read: {}", list.join("; ")),
            ))
        }
    }
}

fn looked_at(located: &Located, report: PackReport) -> Checked {
    let file = |finding: &Finding| {
        let place = finding.article.as_ref().and_then(|id| located.files.get(id));
        place.cloned().unwrap_or_else(|| "pack.toml".to_owned())
    };
    let found = report.findings.iter().map(|finding| Found {
        file: file(finding),
        finding: finding.clone(),
    });
    Checked {
        pack: located.pack.manifest.track.clone(),
        title: located.pack.manifest.title.clone(),
        found: found.collect(),
        report: Some(report),
    }
}

fn unreadable(place: String, problems: Vec<kizuna_domain::content::pack::PackProblem>) -> Checked {
    let found = problems.into_iter().map(|problem| Found {
        file: problem.file,
        finding: Finding {
            severity: Severity::Error,
            rule: UNREADABLE.to_owned(),
            article: None,
            words: String::new(),
            advice: problem.reason,
        },
    });
    Checked {
        title: String::new(),
        found: found.collect(),
        report: None,
        pack: place,
    }
}

fn count(all: &[Checked], severity: Severity) -> usize {
    let found = all.iter().flat_map(|checked| &checked.found);
    found.filter(|found| found.finding.severity == severity).count()
}

/// The document of `--json`; its fields are a promise (`docs/cli.md`).
fn document(all: &[Checked]) -> Value {
    let mut articles = BTreeMap::new();
    let mut coverage = BTreeMap::new();
    let mut shared_runs = BTreeMap::new();
    let (mut promised, mut covered, mut total) = (0, 0, 0);
    for checked in all {
        let Some(report) = &checked.report else { continue };
        let code = checked.pack.as_str();
        articles.insert(code, report.articles);
        shared_runs.insert(code, report.shared_runs);
        if let Some(share) = report.coverage() {
            coverage.insert(code, share);
        }
        promised += report.promised;
        covered += report.covered;
        total += report.articles;
    }
    articles.insert("total", total);
    // Who promises nothing leaves nothing out.
    let overall = if promised == 0 {
        1.0
    } else {
        f64::from(covered as u32) / f64::from(promised as u32)
    };
    coverage.insert("overall", overall);
    let list = |severity: Severity| -> Vec<Value> {
        let rows = all.iter().flat_map(|checked| {
            let of_weight = checked
                .found
                .iter()
                .filter(move |found| found.finding.severity == severity);
            of_weight.map(|found| row(&checked.pack, found))
        });
        rows.collect()
    };
    json!({
        "coverage": coverage, "errors": list(Severity::Error), "warnings": list(Severity::Warning),
        "articles": articles, "shared_runs": shared_runs,
    })
}

fn row(pack: &str, found: &Found) -> Value {
    let Finding {
        rule,
        article,
        words,
        advice,
        ..
    } = &found.finding;
    json!({
        "pack": pack, "file": found.file, "article": article, "rule": rule, "words": words,
        "ja": advice.ja, "en": advice.en,
    })
}

fn tell(session: &Session, checked: &Checked) {
    let pack = &checked.pack;
    match &checked.report {
        None => session.say(
            &format!("「{pack}」は、取りこめません。"),
            &format!("'{pack}' cannot be imported."),
        ),
        Some(report) => {
            let percent = |share: f64| format!("{:.1}%", share * 100.0);
            let coverage = report.coverage().map(percent);
            session.say(
                &format!(
                    "「{}」（{pack}）　原稿 {} 本　約束した枠 {}　同じことば {}",
                    checked.title,
                    report.articles,
                    coverage.as_deref().unwrap_or("なし"),
                    percent(report.shared_runs),
                ),
                &format!(
                    "{pack}: {} articles, promised slots {}, shared words {}",
                    report.articles,
                    coverage.as_deref().unwrap_or("none"),
                    percent(report.shared_runs),
                ),
            );
        }
    }
    let mut shown = 0;
    for found in &checked.found {
        let Finding {
            severity,
            rule,
            words,
            advice,
            ..
        } = &found.finding;
        let file = &found.file;
        let (mark_ja, mark_en) = match severity {
            Severity::Error => ("直す", "MEND"),
            Severity::Warning => ("見る", "look"),
        };
        if *severity == Severity::Warning {
            shown += 1;
            if shown > WARNINGS_SHOWN {
                continue;
            }
        }
        session.say(
            &format!("  {mark_ja}　{file}　{rule}　{words}\n        {}", advice.ja),
            &format!("  {mark_en}  {file}  {rule}  {words}\n        {}", advice.en),
        );
    }
    if let more @ 1.. = shown.saturating_sub(WARNINGS_SHOWN) {
        session.say(
            &format!("  見る　ほかに {more} 件（--json で、ぜんぶ出ます）"),
            &format!("  look  {more} more (--json lists all)"),
        );
    }
}
