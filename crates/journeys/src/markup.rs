//! What is written in a page, held against what a browser makes of it.
//!
//! A browser repairs silently: it closes what was left open, moves what may not stand where it stands, drops what is said
//! twice. Where the tags that it reads are not the tags that were written, the page is not what its author thinks. The
//! judge is Chromium's own parser, so that no second one is needed.

use serde_json::Value;

use crate::page::Page;

/// Compares the tags and the names of their attributes, in order; then what no parser minds and still is wrong: the same
/// id twice, a name that leads to no id, a block inside words.
const JUDGE: &str = r##"((source) => {
  const read = new DOMParser().parseFromString(source, 'text/html');
  const empty = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
  const tag = /<(\/?)([a-z][^\s\/>]*)((?:\s+[^\s=\/>]+(?:=(?:"[^"]*"|'[^']*'|[^\s>]+))?)*)\s*(\/?)>/gi;
  const tags = html => [...html.replace(/<!--.*?-->/gs, '').matchAll(tag)].flatMap(([, end, name, attributes, closed]) => {
    name = name.toLowerCase();
    if (end) return [`/${name}`];
    const names = [...attributes.matchAll(/([^\s=]+)(?:=(?:"[^"]*"|'[^']*'|\S+))?/g)].map(one => one[1].toLowerCase());
    const open = [name, ...names].join(' ');
    return closed && !empty.has(name) ? [open, `/${name}`] : [open];
  });
  const found = [];
  const [written, made] = [tags(source), tags(read.documentElement.outerHTML)];
  const at = made.findIndex((one, index) => one !== written[index]);
  if (at >= 0) found.push(`<${written[at]}> after <${written[at - 1]}> is read as <${made[at]}>`);
  if (read.compatMode !== 'CSS1Compat') found.push('no doctype');
  const ids = [...read.querySelectorAll('[id]')].map(one => one.id);
  ids.filter((id, index) => ids.indexOf(id) !== index).forEach(id => found.push(`the id ${id} twice`));
  for (const name of ['for', 'aria-labelledby', 'aria-describedby', 'aria-controls'])
    for (const one of read.querySelectorAll(`[${name}]`))
      for (const id of one.getAttribute(name).split(/\s+/))
        if (!ids.includes(id)) found.push(`${name}=${id} leads nowhere`);
  for (const one of read.querySelectorAll('a[href^="#"]'))
    if (!ids.includes(one.hash.slice(1))) found.push(`a link to ${one.hash} leads nowhere`);
  const words = ':is(p, span, b, small, label, button, dt, h1, h2, h3, ruby, summary)';
  const blocks = ':is(div, p, ul, ol, dl, section, form, fieldset, table, nav, details, header, footer)';
  for (const one of read.querySelectorAll(`${words} ${blocks}`)) found.push(`a block <${one.localName}> inside words`);
  for (const one of read.querySelectorAll(':is(ul, ol) > :not(li), dl > :not(div, dt, dd)'))
    found.push(`<${one.localName}> is no part of a list`);
  return found;
})"##;

/// What is wrong with what the server wrote.
pub(crate) fn problems(page: &Page<'_>, source: &str) -> Vec<String> {
    let found = page.evaluate(&format!("{JUDGE}({})", Value::from(source)));
    let found = found.as_array().into_iter().flatten();
    found.filter_map(Value::as_str).map(str::to_owned).collect()
}
