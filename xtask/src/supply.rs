//! `cargo xtask supply`: what is built into the product, held against the lists of `deny.toml`.
//!
//! In plain Rust over `cargo metadata`, so that the check needs no other tool and is never skipped.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::sh::{Fault, cargo, fault, quiet, root};

pub(crate) fn run(_: &[String]) -> Result<(), Fault> {
    let lists = fs::read_to_string(root().join("deny.toml")).map_err(|error| fault(format!("deny.toml: {error}")))?;
    let lists: toml::Table = lists.parse().map_err(|error| fault(format!("deny.toml: {error}")))?;
    let metadata = quiet(&mut cargo(&["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| fault(format!("cargo metadata: {error}")))?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let objections = objections(packages, &lists);
    if !objections.is_empty() {
        return Err(fault(format!("{}\nThe rules are in deny.toml.", objections.join("\n"))));
    }
    println!("{} packages: licences and origins are in order", packages.len());
    Ok(())
}

/// One sentence for every package that breaks a rule.
fn objections(packages: &[Value], lists: &toml::Table) -> Vec<String> {
    let listed = |section: &str, key: &str| {
        lists
            .get(section)
            .and_then(|s| s.get(key))
            .and_then(toml::Value::as_array)
    };
    let allowed: BTreeSet<&str> = listed("licenses", "allow")
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let banned: Vec<(&str, &str)> = listed("bans", "deny")
        .into_iter()
        .flatten()
        .filter_map(|ban| Some((ban.get("crate")?.as_str()?, ban.get("reason")?.as_str()?)))
        .collect();
    let mut found = Vec::new();
    let mut sources = BTreeSet::new();
    for package in packages {
        let field = |key: &str| package.get(key).and_then(Value::as_str);
        let name = field("name").unwrap_or("a package without name");
        match field("license") {
            Some(expression) if is_allowed(expression, &allowed) => {}
            Some(expression) => found.push(format!("{name}: the licence {expression} is not on the list")),
            None => found.push(format!("{name}: names no licence")),
        }
        if let Some((_, reason)) = banned.iter().find(|(banned, _)| *banned == name) {
            found.push(format!("{name}: must not be built in ({reason})"));
        }
        if let Some(source) = field("source") {
            sources.insert(source);
            if !source.starts_with("registry+") {
                found.push(format!("{name}: comes from {source} and not from the registry"));
            }
        }
    }
    if sources.iter().filter(|source| source.starts_with("registry+")).count() > 1 {
        found.push("packages come from more than one registry".to_owned());
    }
    if packages.is_empty() || allowed.is_empty() || banned.is_empty() {
        found.push("nothing was checked: cargo metadata or a list of deny.toml is empty".to_owned());
    }
    found
}

/// Whether we may choose, among the licences an expression offers, ones that are all on the list.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, allowed) == Some(true) && rest.is_empty()
}

/// `A OR B`: every alternative is read, one allowed alternative is enough. `None` where the expression cannot be read.
fn any_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut good = all_of(rest, allowed)?;
    while let [word, tail @ ..] = rest
        && word.eq_ignore_ascii_case("OR")
    {
        *rest = tail;
        good |= all_of(rest, allowed)?;
    }
    Some(good)
}

/// `A AND B`: all must be allowed; binds closer than `OR`.
fn all_of(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> Option<bool> {
    let mut good = one(rest, allowed)?;
    while let [word, tail @ ..] = rest
        && word.eq_ignore_ascii_case("AND")
    {
        *rest = tail;
        good &= one(rest, allowed)?;
    }
    Some(good)
}

/// One licence, with its exception if it has one, or an expression in parentheses.
fn one(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> Option<bool> {
    match **rest {
        ["(", ref tail @ ..] => {
            *rest = tail;
            let good = any_of(rest, allowed)?;
            *rest = rest.strip_prefix(&[")"])?;
            Some(good)
        }
        [licence, "WITH", exception, ref tail @ ..] => {
            *rest = tail;
            Some(allowed.contains(format!("{licence} WITH {exception}").as_str()))
        }
        [licence, ref tail @ ..] => {
            *rest = tail;
            Some(allowed.contains(licence))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LISTS: &str = "licenses.allow = [\"MIT\", \"ISC\", \"Apache-2.0 WITH LLVM-exception\"]\n\
        bans.deny = [{ crate = \"openssl-sys\", reason = \"rustls\" }]";

    fn check(packages: &[Value]) -> Vec<String> {
        objections(packages, &LISTS.parse().unwrap())
    }

    #[test]
    fn expressions_are_read_as_choices_and_duties() {
        let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/GPL-3.0",
            "(GPL-3.0 OR MIT) AND ISC",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0",
            "(MIT",
            "MIT)",
            "",
            "MIT OR",
            "GPL-3.0 OR MIT AND X",
            "MIT MIT",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn every_rule_objects() {
        let fine = json!({ "name": "fine", "license": "MIT", "source": "registry+a" });
        assert!(check(std::slice::from_ref(&fine)).is_empty());
        let said = check(&[
            fine,
            json!({ "name": "copyleft", "license": "GPL-3.0", "source": "registry+a" }),
            json!({ "name": "unsaid", "license": null, "source": "registry+a" }),
            json!({ "name": "openssl-sys", "license": "MIT", "source": "registry+a" }),
            json!({ "name": "forked", "license": "MIT", "source": "git+b" }),
            json!({ "name": "elsewhere", "license": "MIT", "source": "registry+c" }),
        ]);
        assert_eq!(
            said,
            [
                "copyleft: the licence GPL-3.0 is not on the list",
                "unsaid: names no licence",
                "openssl-sys: must not be built in (rustls)",
                "forked: comes from git+b and not from the registry",
                "packages come from more than one registry",
            ]
        );
        assert!(!check(&[]).is_empty());
    }
}
