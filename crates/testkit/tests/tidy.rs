//! House rules that no compiler checks: they hold for every source file of the workspace.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file of the workspace with its path below the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 100, "the walk found the workspace");
    found
}

fn offenders(breaks: impl Fn(&str, &str) -> bool) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|(name, text)| breaks(name, text))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_file_begins_by_saying_what_it_owns() {
    assert_eq!(offenders(|_, text| !text.starts_with("//! ")), [""; 0]);
}

#[test]
fn unsafe_code_is_allowed_where_statements_are_gathered_and_nowhere_else() {
    let word = concat!("expect(", "unsafe_code");
    assert_eq!(offenders(|_, text| text.contains(word)), ["crates/store/src/db.rs"]);
}

#[test]
fn nothing_is_left_for_later_without_a_name() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("#[", "ignore"),
    ];
    assert_eq!(
        offenders(|_, text| marks.iter().any(|mark| text.contains(mark))),
        [""; 0]
    );
}

#[test]
fn no_room_imports_what_its_walls_forbid() {
    let forbidden: [(&str, &[&str]); 5] = [
        (
            "crates/domain/src",
            &[
                "tokio",
                "rusqlite",
                "postgres::",
                "axum",
                "askama",
                "std::env",
                "std::fs",
            ],
        ),
        (
            "crates/store/src",
            &["axum", "reqwest", "kizuna_channels", "kizuna_engine", "kizuna_web"],
        ),
        (
            "crates/channels/src",
            &["kizuna_store", "kizuna_engine", "kizuna_web", "rusqlite"],
        ),
        (
            "crates/engine/src",
            &["axum", "askama", "kizuna_web", "rusqlite", "postgres::"],
        ),
        (
            "crates/web/src",
            &["use kizuna_channels", "rusqlite", "postgres::", "reqwest"],
        ),
    ];
    let found = offenders(|name, text| {
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let uses = |word: &str| code.iter().any(|line| line.contains(word));
        forbidden
            .iter()
            .any(|(room, words)| name.starts_with(room) && words.iter().any(|word| uses(word)))
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_wall_between_towns_has_one_door() {
    let gates = [concat!("Scope", "::of("), concat!("by_", "id(tx, Scope")];
    let mut opens = offenders(|name, text| {
        name.starts_with("crates/engine/src/actions/") && gates.iter().any(|gate| text.contains(gate))
    });
    opens.sort_unstable();
    // A person of staff may have places in several towns; a reader moves from one to another.
    assert_eq!(
        opens,
        [
            "crates/engine/src/actions/moving.rs",
            "crates/engine/src/actions/staff.rs"
        ]
    );
    let table = concat!("moves", "::by_code(");
    let asks = offenders(|name, text| !name.contains("/tests/") && text.contains(table));
    assert_eq!(asks, ["crates/engine/src/actions/moving.rs"]);
}

#[test]
fn the_glossary_names_the_file_of_every_public_type_of_the_rules() {
    let glossary = fs::read_to_string(root().join("crates/domain/src/lib.rs")).unwrap();
    let mut missing = Vec::new();
    for (name, text) in sources()
        .into_iter()
        .filter(|(name, _)| name.starts_with("crates/domain/src/"))
    {
        let types = text.lines().filter_map(|line| {
            let rest = line
                .strip_prefix("pub struct ")
                .or_else(|| line.strip_prefix("pub enum "))?;
            rest.split(|c: char| !c.is_alphanumeric()).next()
        });
        let errors = |word: &str| word.starts_with("NotA") || word.starts_with("NotS") || word.ends_with("Error");
        missing.extend(
            types
                .filter(|word| !errors(word) && !glossary.contains(word))
                .map(|word| format!("{name}: {word}")),
        );
    }
    assert_eq!(missing, [""; 0]);
}
