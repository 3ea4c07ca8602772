//! A content pack as one table: a row for the pack, one for each desk, one for each article.
//!
//! The columns are the keys of the folder form, so that an editor who knows one knows the other.

use toml::{Table, Value};

use super::Desk;
use super::pack::{ArticleDocument, Manifest, PackArticle, PackProblem, Reason, front_of};

/// The columns in the order in which they are written; reading takes them in any order.
pub const COLUMNS: [&str; 37] = [
    "kind",
    "id",
    "slot",
    "on",
    "title",
    "body",
    "sources",
    "order",
    "clock",
    "preterm_only",
    "useful_days",
    "must_know",
    "useful_until_slot",
    "from_slot",
    "until_slot",
    "valid_from",
    "valid_until",
    "areas",
    "desks",
    "contact",
    "owner_section",
    "reviews",
    "track",
    "owner",
    "language",
    "sender_label",
    "approvals_required",
    "covers",
    "format",
    "name",
    "phone",
    "hours",
    "open",
    "closed",
    "url",
    "note",
    "default",
];

/// Between the parts of a source or review.
const PART: char = '｜';

/// What a table holds, in the form that [`super::pack::read`] takes.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// `pack.toml`.
    pub manifest: String,
    /// `desks.toml`.
    pub desks: String,
    /// The articles.
    pub articles: Vec<ArticleDocument>,
}

/// Reads rows of cells below a header; each row comes with its line for messages.
pub fn read(header: &[String], rows: &[(usize, Vec<String>)]) -> Result<Sheet, Vec<PackProblem>> {
    let mut problems = Vec::new();
    let problem = |line: usize, reason: Reason| PackProblem {
        file: format!("line {line}"),
        reason,
    };
    for name in header.iter().filter(|name| !COLUMNS.contains(&name.as_str())) {
        let reason = Reason::new(
            format!("「{name}」という列は、わかりません"),
            format!("the column '{name}' is not known"),
        );
        problems.push(problem(1, reason));
    }
    let mut sheet = Sheet {
        manifest: String::new(),
        desks: String::new(),
        articles: Vec::new(),
    };
    let mut desks = Vec::new();
    for (line, cells) in rows {
        let mut row: Vec<(&str, &str)> = header
            .iter()
            .map(String::as_str)
            .zip(cells.iter().map(String::as_str))
            .collect();
        row.retain(|(_, cell)| !cell.is_empty());
        let cell = |name: &str| row.iter().find(|(column, _)| *column == name).map(|(_, cell)| *cell);
        let table = |names: &[&str]| -> Result<Table, Reason> {
            let mut table = Table::new();
            for (name, cell) in row.iter().filter(|(name, _)| names.contains(name)) {
                table.insert((*name).to_owned(), value(name, cell)?);
            }
            Ok(table)
        };
        let read = match cell("kind").unwrap_or("article") {
            "pack" => table(&[
                "track",
                "title",
                "owner",
                "language",
                "sender_label",
                "approvals_required",
                "covers",
                "format",
            ])
            .map(|table| sheet.manifest = table.to_string()),
            "desk" => table(&[
                "id", "name", "phone", "hours", "open", "closed", "url", "note", "default",
            ])
            .map(|table| desks.push(Value::Table(table))),
            "article" => {
                let body = cell("body").unwrap_or_default().to_owned();
                table(&ARTICLE).map(|front| {
                    sheet.articles.push(ArticleDocument {
                        file: format!("line {line}"),
                        front,
                        body,
                    });
                })
            }
            other => Err(Reason::new(
                format!("kind「{other}」は、わかりません。pack、desk、article のどれかにしてください"),
                format!("kind '{other}' is not pack, desk or article"),
            )),
        };
        if let Err(reason) = read {
            problems.push(problem(*line, reason));
        }
    }
    if !desks.is_empty() {
        sheet.desks = Table::from_iter([("desk".to_owned(), Value::Array(desks))]).to_string();
    }
    if problems.is_empty() { Ok(sheet) } else { Err(problems) }
}

const ARTICLE: [&str; 20] = [
    "id",
    "slot",
    "on",
    "title",
    "sources",
    "order",
    "clock",
    "preterm_only",
    "useful_days",
    "must_know",
    "useful_until_slot",
    "from_slot",
    "until_slot",
    "valid_from",
    "valid_until",
    "areas",
    "desks",
    "contact",
    "owner_section",
    "reviews",
];

fn value(name: &str, cell: &str) -> Result<Value, Reason> {
    let number = || {
        cell.parse()
            .map(Value::Integer)
            .map_err(|_| not_a(name, cell, "整数", "a whole number"))
    };
    let list = || {
        cell.split_whitespace()
            .map(|word| Value::String(word.to_owned()))
            .collect()
    };
    Ok(match name {
        "order" | "useful_days" | "approvals_required" | "format" => number()?,
        "must_know" | "preterm_only" | "default" => Value::Boolean(match cell.to_lowercase().as_str() {
            "true" | "1" | "○" => true,
            "false" | "0" => false,
            _ => return Err(not_a(name, cell, "true か false", "true or false")),
        }),
        "slot" | "on" | "desks" | "areas" | "closed" => Value::Array(list()),
        "sources" => parts(name, cell, &["title", "publisher", "year", "url"])?,
        "reviews" => parts(name, cell, &["by", "role", "on", "verdict"])?,
        _ => Value::String(cell.to_owned()),
    })
}

fn not_a(name: &str, cell: &str, ja: &str, en: &str) -> Reason {
    Reason::new(
        format!("{name}：「{cell}」は{ja}ではありません"),
        format!("{name}: '{cell}' is not {en}"),
    )
}

/// One entry a line, its parts between ｜.
fn parts(name: &str, cell: &str, keys: &[&str]) -> Result<Value, Reason> {
    let entries = cell.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let mut table = Table::new();
        for (key, part) in keys.iter().zip(line.split(PART)).filter(|(_, part)| !part.is_empty()) {
            let value = match *key {
                "year" => part
                    .parse()
                    .map(Value::Integer)
                    .map_err(|_| not_a(name, part, "西暦の年", "a year"))?,
                _ => Value::String(part.to_owned()),
            };
            table.insert((*key).to_owned(), value);
        }
        Ok(Value::Table(table))
    });
    Ok(Value::Array(entries.collect::<Result<_, Reason>>()?))
}

/// Writes a pack as rows of cells under [`COLUMNS`].
pub fn write(manifest: &Manifest, desks: &[Desk], articles: &[PackArticle]) -> Vec<Vec<String>> {
    let mut rows = vec![row("pack", &Table::try_from(manifest).unwrap_or_default(), "")];
    rows.extend(
        desks
            .iter()
            .map(|desk| row("desk", &Table::try_from(desk).unwrap_or_default(), "")),
    );
    rows.extend(
        articles
            .iter()
            .map(|article| row("article", &front_of(article), &article.revision.body)),
    );
    rows
}

fn row(kind: &str, table: &Table, body: &str) -> Vec<String> {
    COLUMNS
        .iter()
        .map(|column| match *column {
            "kind" => kind.to_owned(),
            "body" => body.to_owned(),
            name => table.get(name).map(|value| cell(name, value)).unwrap_or_default(),
        })
        .collect()
}

fn cell(name: &str, value: &Value) -> String {
    match (name, value) {
        (_, Value::String(text)) => text.clone(),
        ("sources", Value::Array(entries)) => entries_cell(entries, &["title", "publisher", "year", "url"]),
        ("reviews", Value::Array(entries)) => entries_cell(entries, &["by", "role", "on", "verdict"]),
        (_, Value::Array(words)) => words.iter().map(|word| cell("", word)).collect::<Vec<_>>().join(" "),
        (_, Value::Integer(number)) => number.to_string(),
        (_, Value::Boolean(yes)) => yes.to_string(),
        (_, other) => other.to_string(),
    }
}

fn entries_cell(entries: &[Value], keys: &[&str]) -> String {
    let line = |entry: &Value| {
        let parts: Vec<String> = keys
            .iter()
            .map(|key| entry.get(key).map(|value| cell("", value)).unwrap_or_default())
            .collect();
        parts.join(&PART.to_string()).trim_end_matches(PART).to_owned()
    };
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
