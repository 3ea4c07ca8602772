//! Flex messages: bubbles, boxes and what lies in them (LINE: "Flex Message").

use std::io;

use serde_json::{Map, Value};

use super::action::Place;
use super::content::{ALT_TEXT, COMMON};
use super::shape::{Field, Kind, Shape, ensure, may, must};
use super::{Check, Rules};

/// Bytes of a bubble and of a carousel as JSON.
const BUBBLE_MAX: usize = 30 * 1024;
const CAROUSEL_MAX: usize = 50 * 1024;

/// Parts of one box; LINE names no number, and the size of the bubble ends it long before.
const PARTS_MAX: usize = 1_000;

/// The message.
pub(crate) static MESSAGE: Shape = Shape::new(
    "flex",
    &[
        must("altText", ALT_TEXT),
        must("contents", Kind::Typed(&[&BUBBLE, &CAROUSEL])),
    ],
)
.with(COMMON);

static BUBBLE: Shape = Shape::new(
    "bubble",
    &[
        may(
            "size",
            Kind::Choice(&["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"]),
        ),
        may("direction", Kind::Choice(&["ltr", "rtl"])),
        may("header", Kind::Typed(&[&BOX])),
        may("hero", Kind::Typed(&[&BOX, &IMAGE, &VIDEO])),
        may("body", Kind::Typed(&[&BOX])),
        may("footer", Kind::Typed(&[&BOX])),
        may("styles", Kind::Object(&STYLES)),
        may("action", ACTION),
    ],
)
.also(|bubble, _| {
    let blocks = ["header", "hero", "body", "footer"];
    ensure(
        blocks.iter().any(|block| bubble.contains_key(*block)),
        "At least one block must be specified",
    )?;
    ensure(bytes(bubble) <= BUBBLE_MAX, "The bubble is larger than 30 KB")
});

static CAROUSEL: Shape = Shape::new(
    "carousel",
    &[must("contents", Kind::List(&Kind::Typed(&[&BUBBLE]), 1, 12))],
)
.also(|carousel, _| ensure(bytes(carousel) <= CAROUSEL_MAX, "The carousel is larger than 50 KB"));

static STYLES: Shape = Shape::new(
    "",
    &[
        may("header", Kind::Object(&STYLE)),
        may("hero", Kind::Object(&STYLE)),
        may("body", Kind::Object(&STYLE)),
        may("footer", Kind::Object(&STYLE)),
    ],
);

static STYLE: Shape = Shape::new(
    "",
    &[
        may("backgroundColor", Kind::Colour),
        may("separator", Kind::Flag),
        may("separatorColor", Kind::Colour),
    ],
);

const ACTION: Kind = Kind::Action(Place::Flex);
const SPACES: Kind = Kind::Measure(&["none", "xs", "sm", "md", "lg", "xl", "xxl"]);
const FONT_SIZES: Kind = Kind::Measure(&["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl"]);
const LENGTH: Kind = Kind::Measure(&[]);
const WEIGHTS: Kind = Kind::Choice(&["regular", "bold"]);
const STYLES_OF_TEXT: Kind = Kind::Choice(&["normal", "italic"]);
const DECORATIONS: Kind = Kind::Choice(&["none", "underline", "line-through"]);
const ALIGNS: Kind = Kind::Choice(&["start", "end", "center"]);
const GRAVITIES: Kind = Kind::Choice(&["top", "bottom", "center"]);
const SHRINK: Kind = Kind::Choice(&["shrink-to-fit"]);
const FLEX: Kind = Kind::Whole(0, 1_000);

/// Where a part lies.
const PLACEMENT: &[Field] = &[
    may("margin", SPACES),
    may("position", Kind::Choice(&["relative", "absolute"])),
    may("offsetTop", SPACES),
    may("offsetBottom", SPACES),
    may("offsetStart", SPACES),
    may("offsetEnd", SPACES),
];

static BOX: Shape = Shape::new(
    "box",
    &[
        must("layout", Kind::Choice(&["horizontal", "vertical", "baseline"])),
        must("contents", Kind::Elsewhere),
        may("flex", FLEX),
        may("spacing", SPACES),
        may("backgroundColor", Kind::Colour),
        may("borderColor", Kind::Colour),
        may(
            "borderWidth",
            Kind::Measure(&["none", "light", "normal", "medium", "semi-bold", "bold"]),
        ),
        may("cornerRadius", SPACES),
        may("width", LENGTH),
        may("maxWidth", LENGTH),
        may("height", LENGTH),
        may("maxHeight", LENGTH),
        may("paddingAll", SPACES),
        may("paddingTop", SPACES),
        may("paddingBottom", SPACES),
        may("paddingStart", SPACES),
        may("paddingEnd", SPACES),
        may("action", ACTION),
        may(
            "justifyContent",
            Kind::Choice(&[
                "center",
                "flex-start",
                "flex-end",
                "space-between",
                "space-around",
                "space-evenly",
            ]),
        ),
        may("alignItems", Kind::Choice(&["center", "flex-start", "flex-end"])),
        may("background", Kind::Typed(&[&GRADIENT])),
    ],
)
.with(PLACEMENT)
.also(parts_fit_the_layout);

static GRADIENT: Shape = Shape::new(
    "linearGradient",
    &[
        must("angle", Kind::Text(10)),
        must("startColor", Kind::Colour),
        must("endColor", Kind::Colour),
        may("centerColor", Kind::Colour),
        may("centerPosition", LENGTH),
    ],
);

/// A box along a baseline holds icons and texts, the others everything but icons.
fn parts_fit_the_layout(parent: &Map<String, Value>, rules: Rules) -> Check {
    const ON_A_BASELINE: Kind = Kind::List(&Kind::Typed(&[&ICON, &TEXT, &FILLER]), 0, PARTS_MAX);
    const ELSEWHERE: Kind = Kind::List(
        &Kind::Typed(&[&BOX, &TEXT, &BUTTON, &IMAGE, &SEPARATOR, &FILLER]),
        0,
        PARTS_MAX,
    );
    let allowed = match parent.get("layout").and_then(Value::as_str) {
        Some("baseline") => ON_A_BASELINE,
        _ => ELSEWHERE,
    };
    let contents = parent.get("contents").unwrap_or(&Value::Null);
    allowed
        .check(contents, rules)
        .map_err(|problem| problem.under("contents"))
}

static TEXT: Shape = Shape::new(
    "text",
    &[
        may("text", Kind::Text(BUBBLE_MAX)),
        may("contents", Kind::List(&Kind::Typed(&[&SPAN]), 1, PARTS_MAX)),
        may("flex", FLEX),
        may("size", FONT_SIZES),
        may("align", ALIGNS),
        may("gravity", GRAVITIES),
        may("color", Kind::Colour),
        may("weight", WEIGHTS),
        may("style", STYLES_OF_TEXT),
        may("decoration", DECORATIONS),
        may("wrap", Kind::Flag),
        may("lineSpacing", LENGTH),
        may("maxLines", Kind::Whole(0, 1_000)),
        may("action", ACTION),
        may("adjustMode", SHRINK),
        may("scaling", Kind::Flag),
    ],
)
.with(PLACEMENT)
.also(|text, _| {
    let some = text.contains_key("text") || text.contains_key("contents");
    ensure(some, "Either text or contents must be specified")
});

static SPAN: Shape = Shape::new(
    "span",
    &[
        must("text", Kind::Text(BUBBLE_MAX)),
        may("size", FONT_SIZES),
        may("color", Kind::Colour),
        may("weight", WEIGHTS),
        may("style", STYLES_OF_TEXT),
        may("decoration", DECORATIONS),
    ],
);

static BUTTON: Shape = Shape::new(
    "button",
    &[
        must("action", Kind::Action(Place::FlexButton)),
        may("flex", FLEX),
        may("height", Kind::Choice(&["sm", "md"])),
        may("style", Kind::Choice(&["primary", "secondary", "link"])),
        may("color", Kind::Colour),
        may("gravity", GRAVITIES),
        may("adjustMode", SHRINK),
        may("scaling", Kind::Flag),
    ],
)
.with(PLACEMENT);

static IMAGE: Shape = Shape::new(
    "image",
    &[
        must("url", Kind::Url),
        may("flex", FLEX),
        may("align", ALIGNS),
        may("gravity", GRAVITIES),
        may(
            "size",
            Kind::Measure(&["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl", "full"]),
        ),
        may("aspectRatio", Kind::Ratio),
        may("aspectMode", Kind::Choice(&["cover", "fit"])),
        may("backgroundColor", Kind::Colour),
        may("action", ACTION),
        may("animated", Kind::Flag),
    ],
)
.with(PLACEMENT);

static VIDEO: Shape = Shape::new(
    "video",
    &[
        must("url", Kind::Url),
        must("previewUrl", Kind::Url),
        must("altContent", Kind::Typed(&[&BOX, &IMAGE])),
        may("aspectRatio", Kind::Ratio),
        may("action", ACTION),
    ],
);

static ICON: Shape = Shape::new(
    "icon",
    &[
        must("url", Kind::Url),
        may("size", FONT_SIZES),
        may("aspectRatio", Kind::Ratio),
        may("scaling", Kind::Flag),
    ],
)
.with(PLACEMENT);

static SEPARATOR: Shape = Shape::new("separator", &[may("margin", SPACES), may("color", Kind::Colour)]);

static FILLER: Shape = Shape::new("filler", &[may("flex", FLEX)]);

/// How many bytes an object has as JSON.
fn bytes(object: &Map<String, Value>) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, object).map_or(usize::MAX, |()| count.0)
}
