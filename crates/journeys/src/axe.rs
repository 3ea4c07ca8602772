//! axe-core, put into a page from outside: the page's own policy lets nothing in.

use serde_json::{Value, json};

use crate::page::Page;

/// The judge; where it comes from is in `assets/VENDOR.md`.
pub const AXE: &str = include_str!("../assets/axe.min.js");

/// WCAG 2.2 AA with what came before it, and the judge's own advice.
///
/// `preload` is off because the one stylesheet is of the page's own origin; `target-size` is asked for by name because
/// axe leaves it out unless somebody does.
const RUN: &str = "axe.run(document, {
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
  rules: { 'target-size': { enabled: true } },
  resultTypes: ['violations'],
  preload: false
}).then(found => ({
  passes: found.passes.length,
  violations: found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id} at ${node.target}: ${node.failureSummary}`))
}))";

/// Rules that hold for any page at all: fewer mean that the judge did not look.
const PASSES_MIN: u64 = 10;

/// What the judge says against a page; empty where it is content.
pub(crate) fn violations(page: &Page<'_>) -> Vec<String> {
    // A world of its own beside the page's: neither sees what the other defines.
    let world = page.world("axe");
    page.evaluate_in(&world, &format!("{AXE}\ntrue"));
    let found = page.evaluate_in(&world, RUN);
    let passes = found["passes"].as_u64().unwrap_or_default();
    assert!(passes >= PASSES_MIN, "axe-core looked at {passes} rules only");
    words(&found["violations"])
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Parameters with which a script runs in a world and its promise is waited for.
pub(crate) fn in_world(world: &Value, script: &str) -> Value {
    json!({ "expression": script, "contextId": world, "returnByValue": true, "awaitPromise": true })
}
