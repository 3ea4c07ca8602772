//! A page under strain: letters and lines set wider, and no word lost.

use serde_json::Value;

use crate::page::Page;

/// The spacing that a reader may set without losing anything (WCAG 2.2, 1.4.12).
const SPACING: &str =
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
  p { margin-block-end: 2em !important }";

/// Parts out of which words stick, or that hide a part of their words. A field to write into scrolls and is left out, and
/// what is only for listeners.
const CUT_OFF: &str = "[...document.querySelectorAll('main *, header *, footer *')].filter(one => {
  if (!one.checkVisibility() || one.closest('.unseen, .skip, svg, input, textarea, select, rt, rp')) return false;
  const style = getComputedStyle(one);
  const hides = style.overflowX !== 'visible' || style.overflowY !== 'visible';
  const holds = one.matches('.button, button, .tag, .chips label, .pick label, .result, .card, .note');
  const sticks = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
  return style.display !== 'inline' && (hides || holds) && sticks;
}).map(one => `${one.localName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`)";

/// Sets the page wider, or as it was. A policy that lets no style in does not see a sheet that is adopted.
pub(crate) fn space(page: &Page<'_>, wider: bool) {
    let sheet = if wider { SPACING } else { "" };
    page.evaluate(&format!(
        "(() => {{
           const sheet = new CSSStyleSheet();
           sheet.replaceSync({});
           document.adoptedStyleSheets = [sheet];
         }})()",
        Value::from(sheet)
    ));
}

/// What is cut off.
pub(crate) fn cut_off(page: &Page<'_>) -> Vec<String> {
    let found = page.evaluate(CUT_OFF);
    let found = found.as_array().into_iter().flatten();
    found.filter_map(Value::as_str).map(str::to_owned).collect()
}
