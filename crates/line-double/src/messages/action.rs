//! Actions: what a tap does, and where which action may stand.

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Map, Value};

use super::shape::{Field, Kind, Shape, ensure, may, must, typed};
use super::{Check, Rules};
use crate::answer::Problem;

/// Where an action stands, which decides its label and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    QuickReply,
    Template,
    ImageCarousel,
    FlexButton,
    /// A part of a Flex message that is no button.
    Flex,
    RichMenu,
}

impl Place {
    /// The label: how long at most, and whether it must be there (LINE: "Action objects").
    fn label(self) -> (usize, bool) {
        match self {
            Place::QuickReply | Place::Template => (20, true),
            Place::ImageCarousel => (12, true),
            Place::FlexButton => (40, true),
            Place::Flex => (40, false),
            Place::RichMenu => (20, false),
        }
    }

    fn allows(self, action: &str) -> bool {
        match action {
            "camera" | "cameraRoll" | "location" => self == Place::QuickReply,
            "richmenuswitch" => self == Place::RichMenu,
            _ => true,
        }
    }
}

const DATA: Kind = Kind::Text(300);
const LABEL: &[Field] = &[may("label", Kind::Elsewhere)];

static ACTIONS: &[&Shape] = &[
    &Shape::new(
        "postback",
        &[
            must("data", DATA),
            may("displayText", Kind::Text(300)),
            may("text", Kind::Text(300)),
            may(
                "inputOption",
                Kind::Choice(&["closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"]),
            ),
            may("fillInText", Kind::Text(300)),
        ],
    )
    .with(LABEL)
    .also(postback),
    &Shape::new("message", &[must("text", Kind::Text(300))]).with(LABEL),
    &Shape::new("uri", &[must("uri", Kind::Link), may("altUri", Kind::Object(&ALT_URI))]).with(LABEL),
    &Shape::new(
        "datetimepicker",
        &[
            must("data", DATA),
            must("mode", Kind::Choice(&["date", "time", "datetime"])),
            may("initial", Kind::Elsewhere),
            may("min", Kind::Elsewhere),
            may("max", Kind::Elsewhere),
        ],
    )
    .with(LABEL)
    .also(date),
    &Shape::new("clipboard", &[must("clipboardText", Kind::Text(1_000))]).with(LABEL),
    &Shape::new("camera", LABEL),
    &Shape::new("cameraRoll", LABEL),
    &Shape::new("location", LABEL),
    &Shape::new(
        "richmenuswitch",
        &[must("richMenuAliasId", Kind::Text(32)), must("data", DATA)],
    )
    .with(LABEL),
];

static ALT_URI: Shape = Shape::new("", &[may("desktop", Kind::Link)]);

/// Whether an object is an action that may stand at a place.
pub(crate) fn check(action: &Map<String, Value>, place: Place, rules: Rules) -> Check {
    let shape = typed(action, ACTIONS)?;
    if !place.allows(shape.name) {
        return Err(Problem::new("type", "Not allowed here"));
    }
    let (longest, needed) = place.label();
    match action.get("label") {
        Some(label) => Kind::Text(longest)
            .check(label, rules)
            .map_err(|problem| problem.under("label"))?,
        None if needed => return Err(Problem::new("label", "May not be empty")),
        None => {}
    }
    shape.check(action, rules)
}

fn postback(action: &Map<String, Value>, _: Rules) -> Check {
    ensure(
        !(action.contains_key("displayText") && action.contains_key("text")),
        "displayText and text cannot be used together",
    )?;
    ensure(
        !action.contains_key("fillInText") || action.get("inputOption").and_then(Value::as_str) == Some("openKeyboard"),
        "fillInText needs the inputOption openKeyboard",
    )
}

/// Dates lie from 1900 to 2100, the first before the last (LINE: "Datetime picker action").
fn date(action: &Map<String, Value>, _: Rules) -> Check {
    let mode = action.get("mode").and_then(Value::as_str).unwrap_or_default();
    let read = |name: &str| match action.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(|text| moment(mode, text))
            .map(Some)
            .ok_or_else(|| Problem::new(name, "Invalid date for the mode")),
    };
    let (initial, min, max) = (read("initial")?, read("min")?, read("max")?);
    let ordered = |before: Option<DateTime>, after: Option<DateTime>| match (before, after) {
        (Some(before), Some(after)) => before <= after,
        _ => true,
    };
    let apart = min.is_none() || max.is_none() || min < max;
    ensure(
        apart && ordered(min, initial) && ordered(initial, max),
        "min, initial and max are not in order",
    )
}

fn moment(mode: &str, text: &str) -> Option<DateTime> {
    let day = |text: &str| {
        let day = (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten()?;
        (1900..=2100).contains(&day.year()).then_some(day)
    };
    let time = |text: &str| (text.len() == 5).then(|| text.parse::<Time>().ok()).flatten();
    match mode {
        "date" => Some(day(text)?.to_datetime(Time::midnight())),
        "time" => Some(Date::constant(2000, 1, 1).to_datetime(time(text)?)),
        _ => {
            let (date, clock) = text.split_once(['t', 'T'])?;
            Some(day(date)?.to_datetime(time(clock)?))
        }
    }
}
