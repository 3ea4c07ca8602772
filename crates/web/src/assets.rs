//! The one stylesheet, the icon and the two short scripts, served from the binary under a name that changes with their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::error::PageError;

/// A file that never changes under its name.
struct Asset {
    name: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Asset {
        Asset {
            name: format!("{stem}-{:016x}.{extension}", fnv1a(content.as_bytes())),
            media_type,
            content,
        }
    }
}

/// A year, as long as caches keep anything.
pub(crate) const FOREVER: &str = "public, max-age=31536000, immutable";

static CSS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "kizuna",
        "css",
        "text/css; charset=utf-8",
        include_str!("../assets/kizuna.css"),
    )
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "seedling",
        "svg",
        "image/svg+xml",
        include_str!("../assets/seedling.svg"),
    )
});

static LIFF: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "liff",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/liff.js"),
    )
});

static KEEP: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "keep",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/keep.js"),
    )
});

/// FNV-1a: tells contents apart, and guards nothing.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut rest = bytes;
    while let [first, more @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = more;
    }
    hash
}

/// Address of the stylesheet.
pub(crate) fn css() -> String {
    format!("/assets/{}", CSS.name)
}

/// Address of the icon.
pub(crate) fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// Address of the script of the page inside LINE.
pub(crate) fn liff() -> String {
    format!("/assets/{}", LIFF.name)
}

/// Address of the script that keeps what was typed.
pub(crate) fn keep() -> String {
    format!("/assets/{}", KEEP.name)
}

/// Serves an asset by its full name; an old name is gone.
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, PageError> {
    let asset = [&CSS, &ICON, &LIFF, &KEEP]
        .into_iter()
        .find(|asset| asset.name == name)
        .ok_or(PageError::NotFound)?;
    Ok((
        [(CONTENT_TYPE, asset.media_type), (CACHE_CONTROL, FOREVER)],
        asset.content,
    )
        .into_response())
}
