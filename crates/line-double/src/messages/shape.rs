//! Shapes of JSON as data, and the one reader of them. Unknown types and properties are wrong.

use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation as _;

use super::action::{self, Place};
use super::{Check, Rules, is_web_address};
use crate::answer::Problem;

/// An object with its properties.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The value of `type`; empty for objects without one.
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    /// Properties that it shares with others.
    pub(crate) common: &'static [Field],
    /// What hangs on several properties at once.
    pub(crate) also: Option<Rule>,
}

/// A rule over several properties of an object.
pub(crate) type Rule = fn(&Map<String, Value>, Rules) -> Check;

/// A property.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    required: bool,
    kind: Kind,
}

pub(crate) const fn must(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: true,
        kind,
    }
}

pub(crate) const fn may(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: false,
        kind,
    }
}

/// A value.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Not empty and at most so many UTF-16 code units, as LINE counts the text of messages.
    Words(usize),
    /// Not empty and at most so many grapheme clusters, as LINE counts everything else.
    Text(usize),
    /// One of these.
    Choice(&'static [&'static str]),
    /// A colour, `#RRGGBB` or `#RRGGBBAA`.
    Colour,
    /// One of these words, or a number of pixels or per cent.
    Measure(&'static [&'static str]),
    /// Two numbers with a colon.
    Ratio,
    Flag,
    /// A whole number in a range.
    Whole(i64, i64),
    /// A number in a range.
    Number(f64, f64),
    /// Where LINE fetches a picture or a film; at most 2,000 characters.
    Url,
    /// What a tap opens; at most 1,000 characters.
    Link,
    Action(Place),
    Object(&'static Shape),
    /// An object of one of these types.
    Typed(&'static [&'static Shape]),
    /// So many at least and at most.
    List(&'static Kind, usize, usize),
    /// An object with any names, at most so many.
    Names(&'static Kind, usize),
    /// Looked at by `also`.
    Elsewhere,
}

/// Characters of an address that LINE fetches, and of one that a tap opens.
const URL_MAX: usize = 2_000;
const LINK_MAX: usize = 1_000;

impl Shape {
    pub(crate) const fn new(name: &'static str, fields: &'static [Field]) -> Shape {
        Shape {
            name,
            fields,
            common: &[],
            also: None,
        }
    }

    pub(crate) const fn with(self, common: &'static [Field]) -> Shape {
        Shape { common, ..self }
    }

    pub(crate) const fn also(self, also: Rule) -> Shape {
        Shape {
            also: Some(also),
            ..self
        }
    }

    fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().chain(self.common)
    }

    pub(crate) fn check(&self, object: &Map<String, Value>, rules: Rules) -> Check {
        for (name, value) in object {
            match self.fields().find(|field| field.name == name) {
                Some(field) => field.kind.check(value, rules).map_err(|problem| problem.under(name))?,
                None if name == "type" && !self.name.is_empty() => {}
                None => return Err(Problem::new(name, "Unknown property")),
            }
        }
        match self
            .fields()
            .find(|field| field.required && !object.contains_key(field.name))
        {
            Some(missing) => Err(Problem::new(missing.name, "May not be empty")),
            None => self.also.map_or(Ok(()), |also| also(object, rules)),
        }
    }
}

impl Kind {
    pub(crate) fn check(&self, value: &Value, rules: Rules) -> Check {
        match self {
            Kind::Words(max) => sized(value, *max, |text| text.encode_utf16().count()),
            Kind::Text(max) => sized(value, *max, |text| text.graphemes(true).count()),
            Kind::Choice(words) => ensure(
                value.as_str().is_some_and(|text| words.contains(&text)),
                "Must be one of the values that are allowed",
            ),
            Kind::Colour => ensure(value.as_str().is_some_and(is_colour), "Invalid color"),
            Kind::Measure(words) => ensure(
                value
                    .as_str()
                    .is_some_and(|text| words.contains(&text) || is_measure(text)),
                "Invalid size",
            ),
            Kind::Ratio => ensure(value.as_str().is_some_and(is_ratio), "Invalid aspect ratio"),
            Kind::Flag => ensure(value.is_boolean(), "Must be true or false"),
            Kind::Whole(least, most) => ensure(
                value.as_i64().is_some_and(|number| (*least..=*most).contains(&number)),
                "Must be a whole number in the range that is allowed",
            ),
            Kind::Number(least, most) => ensure(
                value.as_f64().is_some_and(|number| (*least..=*most).contains(&number)),
                "Must be a number in the range that is allowed",
            ),
            Kind::Url => ensure(
                value
                    .as_str()
                    .is_some_and(|url| url.len() <= URL_MAX && is_web_address(url, rules)),
                "Must be a valid HTTPS URL",
            ),
            Kind::Link => ensure(
                value
                    .as_str()
                    .is_some_and(|link| link.len() <= LINK_MAX && is_link(link)),
                "Invalid URI scheme",
            ),
            Kind::Action(place) => action::check(as_object(value)?, *place, rules),
            Kind::Object(shape) => shape.check(as_object(value)?, rules),
            Kind::Typed(shapes) => {
                let object = as_object(value)?;
                typed(object, shapes)?.check(object, rules)
            }
            Kind::List(kind, least, most) => {
                let items = value.as_array().ok_or_else(|| Problem::new("", "Must be an array"))?;
                if !(*least..=*most).contains(&items.len()) {
                    return Err(Problem::new("", format!("Size must be between {least} and {most}")));
                }
                (0..)
                    .zip(items)
                    .try_for_each(|(index, item)| kind.check(item, rules).map_err(|problem| problem.at_index(index)))
            }
            Kind::Names(kind, most) => {
                let object = as_object(value)?;
                ensure(object.len() <= *most, "Too many")?;
                object
                    .iter()
                    .try_for_each(|(name, value)| kind.check(value, rules).map_err(|problem| problem.under(name)))
            }
            Kind::Elsewhere => Ok(()),
        }
    }
}

/// The shape that the object's `type` names.
pub(crate) fn typed(object: &Map<String, Value>, shapes: &'static [&'static Shape]) -> Result<&'static Shape, Problem> {
    let name = object.get("type").and_then(Value::as_str);
    let name = name.ok_or_else(|| Problem::new("type", "May not be empty"))?;
    shapes
        .iter()
        .find(|shape| shape.name == name)
        .copied()
        .ok_or_else(|| Problem::new("type", "Unknown type, or not allowed here"))
}

fn as_object(value: &Value) -> Result<&Map<String, Value>, Problem> {
    value.as_object().ok_or_else(|| Problem::new("", "Must be an object"))
}

pub(crate) fn ensure(right: bool, otherwise: &str) -> Check {
    if right {
        Ok(())
    } else {
        Err(Problem::new("", otherwise))
    }
}

fn sized(value: &Value, max: usize, count: impl Fn(&str) -> usize) -> Check {
    let text = value.as_str().ok_or_else(|| Problem::new("", "Must be a string"))?;
    // No text has more characters than bytes, by either way of counting.
    let fits = !text.is_empty() && (text.len() <= max || count(text) <= max);
    if fits {
        return Ok(());
    }
    Err(Problem::new("", format!("Length must be between 1 and {max}")))
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| matches!(digits.len(), 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.parse::<f64>().is_ok()
}

fn is_measure(text: &str) -> bool {
    text.strip_suffix("px")
        .or_else(|| text.strip_suffix('%'))
        .is_some_and(is_number)
}

fn is_ratio(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(width, height)| is_number(width) && is_number(height))
}

/// Percent-encoded, with a scheme that LINE opens (LINE: "URI action").
fn is_link(link: &str) -> bool {
    let printable = link.bytes().all(|byte| byte.is_ascii_graphic());
    printable
        && ["https://", "http://", "line://", "tel:"].iter().any(|scheme| {
            link.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
}
