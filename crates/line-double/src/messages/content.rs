//! The types of messages but Flex, and the shape of rich menus (LINE: "Message objects", "Rich menu object").

use serde_json::{Map, Value};

use super::action::Place;
use super::flex;
use super::shape::{Field, Kind, Shape, ensure, may, must};
use super::{Check, Rules};

/// Longest alternative text, shown where the message itself cannot be.
pub(crate) const ALT_TEXT: Kind = Kind::Text(1_500);

/// Text of a template with a title or a picture beside it.
const SHORT_TEXT_MAX: usize = 60;

/// Properties of every message.
pub(crate) const COMMON: &[Field] = &[
    may("quickReply", Kind::Object(&QUICK_REPLY)),
    may("sender", Kind::Object(&SENDER)),
];

static QUICK_REPLY: Shape = Shape::new(
    "",
    &[must("items", Kind::List(&Kind::Typed(&[&QUICK_REPLY_ITEM]), 1, 13))],
);

static QUICK_REPLY_ITEM: Shape = Shape::new(
    "action",
    &[
        may("imageUrl", Kind::Url),
        must("action", Kind::Action(Place::QuickReply)),
    ],
);

static SENDER: Shape = Shape::new("", &[may("name", Kind::Text(20)), may("iconUrl", Kind::Url)]);

/// All types of messages that are known.
pub(crate) static MESSAGES: &[&Shape] = &[
    &Shape::new(
        "text",
        &[
            must("text", Kind::Words(5_000)),
            may("emojis", Kind::List(&Kind::Object(&EMOJI), 0, 20)),
            may("quoteToken", ID),
        ],
    )
    .with(COMMON),
    &flex::MESSAGE,
    &Shape::new(
        "textV2",
        &[
            must("text", Kind::Words(5_000)),
            may("substitution", Kind::Names(&Kind::Typed(SUBSTITUTIONS), 100)),
            may("quoteToken", ID),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "sticker",
        &[must("packageId", ID), must("stickerId", ID), may("quoteToken", ID)],
    )
    .with(COMMON),
    &Shape::new(
        "image",
        &[
            must("originalContentUrl", Kind::Url),
            must("previewImageUrl", Kind::Url),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "video",
        &[
            must("originalContentUrl", Kind::Url),
            must("previewImageUrl", Kind::Url),
            may("trackingId", Kind::Text(100)),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "audio",
        &[
            must("originalContentUrl", Kind::Url),
            must("duration", Kind::Whole(1, i64::MAX)),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "location",
        &[
            must("title", Kind::Text(100)),
            must("address", Kind::Text(100)),
            must("latitude", Kind::Number(-90.0, 90.0)),
            must("longitude", Kind::Number(-180.0, 180.0)),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "imagemap",
        &[
            must("baseUrl", Kind::Url),
            must("altText", ALT_TEXT),
            must("baseSize", Kind::Object(&BASE_SIZE)),
            must("actions", Kind::List(&Kind::Typed(IMAGEMAP_ACTIONS), 1, 50)),
        ],
    )
    .with(COMMON),
    &Shape::new(
        "template",
        &[must("altText", ALT_TEXT), must("template", Kind::Typed(TEMPLATES))],
    )
    .with(COMMON),
];

const ID: Kind = Kind::Text(1_000);

static EMOJI: Shape = Shape::new(
    "",
    &[
        must("index", Kind::Whole(0, 5_000)),
        must("productId", ID),
        must("emojiId", ID),
    ],
);

static SUBSTITUTIONS: &[&Shape] = &[
    &Shape::new("emoji", &[must("productId", ID), must("emojiId", ID)]),
    &Shape::new(
        "mention",
        &[must(
            "mentionee",
            Kind::Typed(&[&Shape::new("all", &[]), &Shape::new("user", &[must("userId", ID)])]),
        )],
    ),
];

static BASE_SIZE: Shape = Shape::new(
    "",
    &[
        must("width", Kind::Whole(1_040, 1_040)),
        must("height", Kind::Whole(1, 10_000)),
    ],
);

const IMAGEMAP_LABEL: Field = may("label", Kind::Text(100));

static IMAGEMAP_ACTIONS: &[&Shape] = &[
    &Shape::new(
        "uri",
        &[
            must("linkUri", Kind::Link),
            must("area", Kind::Object(&AREA)),
            IMAGEMAP_LABEL,
        ],
    ),
    &Shape::new(
        "message",
        &[
            must("text", Kind::Text(400)),
            must("area", Kind::Object(&AREA)),
            IMAGEMAP_LABEL,
        ],
    ),
    &Shape::new(
        "clipboard",
        &[
            must("clipboardText", Kind::Text(1_000)),
            must("area", Kind::Object(&AREA)),
            IMAGEMAP_LABEL,
        ],
    ),
];

/// A rectangle in pixels.
static AREA: Shape = Shape::new(
    "",
    &[
        must("x", Kind::Whole(0, 10_000)),
        must("y", Kind::Whole(0, 10_000)),
        must("width", Kind::Whole(1, 10_000)),
        must("height", Kind::Whole(1, 10_000)),
    ],
);

const RATIOS: Kind = Kind::Choice(&["rectangle", "square"]);
const SIZES: Kind = Kind::Choice(&["cover", "contain"]);
const TEMPLATE_ACTION: Kind = Kind::Action(Place::Template);

static TEMPLATES: &[&Shape] = &[
    &Shape::new(
        "buttons",
        &[
            may("thumbnailImageUrl", Kind::Url),
            may("imageAspectRatio", RATIOS),
            may("imageSize", SIZES),
            may("imageBackgroundColor", Kind::Colour),
            may("title", Kind::Text(40)),
            must("text", Kind::Text(160)),
            may("defaultAction", Kind::Action(Place::Flex)),
            must("actions", Kind::List(&TEMPLATE_ACTION, 1, 4)),
        ],
    )
    .also(short_beside_a_picture),
    &Shape::new(
        "confirm",
        &[
            must("text", Kind::Text(240)),
            must("actions", Kind::List(&TEMPLATE_ACTION, 2, 2)),
        ],
    ),
    &Shape::new(
        "carousel",
        &[
            must("columns", Kind::List(&Kind::Object(&COLUMN), 1, 10)),
            may("imageAspectRatio", RATIOS),
            may("imageSize", SIZES),
        ],
    )
    .also(columns_are_alike),
    &Shape::new(
        "image_carousel",
        &[must("columns", Kind::List(&Kind::Object(&IMAGE_COLUMN), 1, 10))],
    ),
];

static COLUMN: Shape = Shape::new(
    "",
    &[
        may("thumbnailImageUrl", Kind::Url),
        may("imageBackgroundColor", Kind::Colour),
        may("title", Kind::Text(40)),
        must("text", Kind::Text(120)),
        may("defaultAction", Kind::Action(Place::Flex)),
        must("actions", Kind::List(&TEMPLATE_ACTION, 1, 3)),
    ],
)
.also(short_beside_a_picture);

static IMAGE_COLUMN: Shape = Shape::new(
    "",
    &[
        must("imageUrl", Kind::Url),
        must("action", Kind::Action(Place::ImageCarousel)),
    ],
);

fn short_beside_a_picture(template: &Map<String, Value>, rules: Rules) -> Check {
    let beside = template.contains_key("title") || template.contains_key("thumbnailImageUrl");
    match template.get("text") {
        Some(text) if beside => Kind::Text(SHORT_TEXT_MAX)
            .check(text, rules)
            .map_err(|problem| problem.under("text")),
        _ => Ok(()),
    }
}

/// All columns have as many actions, and either all or none have a title and a picture.
fn columns_are_alike(template: &Map<String, Value>, _: Rules) -> Check {
    let columns = template.get("columns").and_then(Value::as_array);
    let form = |column: &Value| {
        (
            column.get("actions").and_then(Value::as_array).map_or(0, Vec::len),
            column.get("title").is_some(),
            column.get("thumbnailImageUrl").is_some(),
        )
    };
    let mut forms = columns.into_iter().flatten().map(form);
    let first = forms.next();
    ensure(forms.all(|form| Some(form) == first), "Columns must be alike").map_err(|problem| problem.under("columns"))
}

/// A rich menu as it is created.
pub(crate) static RICH_MENU: Shape = Shape::new(
    "",
    &[
        must("size", Kind::Object(&MENU_SIZE)),
        must("selected", Kind::Flag),
        must("name", Kind::Text(300)),
        must("chatBarText", Kind::Text(14)),
        must("areas", Kind::List(&Kind::Object(&MENU_AREA), 0, 20)),
    ],
)
.also(areas_lie_inside);

/// Width 800 to 2,500, height from 250, and at least 1.45 times as wide as high.
static MENU_SIZE: Shape = Shape::new(
    "",
    &[
        must("width", Kind::Whole(800, 2_500)),
        must("height", Kind::Whole(250, 2_500)),
    ],
)
.also(|size, _| {
    let side = |name| size.get(name).and_then(Value::as_f64).unwrap_or_default();
    ensure(
        side("width") >= 1.45 * side("height"),
        "The aspect ratio must be 1.45 or more",
    )
});

static MENU_AREA: Shape = Shape::new(
    "",
    &[
        must("bounds", Kind::Object(&AREA)),
        must("action", Kind::Action(Place::RichMenu)),
    ],
);

fn areas_lie_inside(menu: &Map<String, Value>, _: Rules) -> Check {
    let pixels = |of: &Value, name: &str| of.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (Some(size), Some(areas)) = (menu.get("size"), menu.get("areas").and_then(Value::as_array)) else {
        return Ok(());
    };
    for (index, area) in (0..).zip(areas) {
        let Some(bounds) = area.get("bounds") else { continue };
        let inside = pixels(bounds, "x") + pixels(bounds, "width") <= pixels(size, "width")
            && pixels(bounds, "y") + pixels(bounds, "height") <= pixels(size, "height");
        ensure(inside, "The area lies outside of the menu")
            .map_err(|problem| problem.under("bounds").at_index(index).under("areas"))?;
    }
    Ok(())
}
