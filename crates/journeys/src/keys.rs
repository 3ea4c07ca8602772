//! Keys of a keyboard as the browser's protocol wants them.

use serde_json::{Value, json};

/// A key with the name that pages see, its number, and the text it makes.
const KEYS: [(&str, u32, &str); 9] = [
    ("Tab", 9, ""),
    ("Enter", 13, "\r"),
    (" ", 32, " "),
    ("Home", 36, ""),
    ("End", 35, ""),
    ("ArrowLeft", 37, ""),
    ("ArrowUp", 38, ""),
    ("ArrowRight", 39, ""),
    ("ArrowDown", 40, ""),
];

/// The going down and the coming up of a key.
pub(crate) fn strokes(key: &str) -> [Value; 2] {
    let (name, number, text) = KEYS
        .into_iter()
        .find(|(name, ..)| *name == key)
        .unwrap_or_else(|| panic!("no key {key:?}"));
    let code = if name == " " { "Space" } else { name };
    let stroke = |kind: &str, text: &str| {
        let mut stroke = json!({ "type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number });
        if !text.is_empty() {
            stroke["text"] = text.into();
        }
        stroke
    };
    let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
    [stroke(down, text), stroke("keyUp", "")]
}
