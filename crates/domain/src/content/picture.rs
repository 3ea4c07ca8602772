//! Pictures of articles: what may be one, and the name under which its bytes stay the same for ever.
//!
//! A picture's name is the digest of its bytes, so that another picture can never stand under an old address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Most pictures of one article: LINE carries five objects at once, and the words need their share.
pub const PICTURES_MAX: usize = 3;
/// Largest picture in bytes: what LINE accepts for a preview.
pub const PICTURE_BYTES_MAX: usize = 1_000_000;
/// Longest description of a picture, in characters.
pub const ALT_CHARS_MAX: usize = 200;
/// What stands before a stored picture's name in a body: `![words](media:DIGEST.png)`.
const STORED: &str = "media:";

/// The two forms of pictures that every channel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PictureKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpg,
}

impl PictureKind {
    /// The ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            PictureKind::Png => "png",
            PictureKind::Jpg => "jpg",
        }
    }

    /// The media type of RFC 2045.
    pub fn media_type(self) -> &'static str {
        match self {
            PictureKind::Png => "image/png",
            PictureKind::Jpg => "image/jpeg",
        }
    }

    fn of(bytes: &[u8]) -> Option<PictureKind> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(PictureKind::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(PictureKind::Jpg)
        } else {
            None
        }
    }
}

/// The immutable name of a picture: `DIGEST.png`, with the SHA-256 of its bytes in 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureName {
    digest: String,
    kind: PictureKind,
}

impl PictureName {
    /// The SHA-256 of the bytes in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the bytes are.
    pub fn kind(&self) -> PictureKind {
        self.kind
    }
}

impl fmt::Display for PictureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.digest, self.kind.extension())
    }
}

/// A text that is no [`PictureName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no name of a stored picture")]
pub struct NotAPictureName;

impl FromStr for PictureName {
    type Err = NotAPictureName;

    fn from_str(text: &str) -> Result<PictureName, NotAPictureName> {
        let (digest, extension) = text.split_once('.').ok_or(NotAPictureName)?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let kind = [PictureKind::Png, PictureKind::Jpg]
            .into_iter()
            .find(|kind| kind.extension() == extension)
            .filter(|_| digest.len() == 64 && digest.bytes().all(is_hex))
            .ok_or(NotAPictureName)?;
        Ok(PictureName {
            digest: digest.to_owned(),
            kind,
        })
    }
}

impl TryFrom<String> for PictureName {
    type Error = NotAPictureName;

    fn try_from(text: String) -> Result<PictureName, NotAPictureName> {
        text.parse()
    }
}

impl From<PictureName> for String {
    fn from(name: PictureName) -> String {
        name.to_string()
    }
}

/// A picture with its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    name: PictureName,
    bytes: Vec<u8>,
}

impl Picture {
    /// Takes bytes that are a picture by their header and no larger than [`PICTURE_BYTES_MAX`].
    pub fn new(bytes: Vec<u8>) -> Result<Picture, NotAPicture> {
        if bytes.len() > PICTURE_BYTES_MAX {
            return Err(NotAPicture::TooBig);
        }
        let kind = PictureKind::of(&bytes).ok_or(NotAPicture::OtherKind)?;
        let digest = Sha256::digest(&bytes)
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        Ok(Picture {
            name: PictureName { digest, kind },
            bytes,
        })
    }

    /// Its name for ever.
    pub fn name(&self) -> &PictureName {
        &self.name
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({})", self.name)
    }
}

/// Why a file of a pack is no picture of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPicture {
    /// There is no such file.
    #[error("it is not in the folder images; put it there")]
    Missing,
    /// More than [`PICTURE_BYTES_MAX`].
    #[error("it is larger than 1 MB; make it smaller")]
    TooBig,
    /// Neither PNG nor JPEG by its header.
    #[error("it is neither PNG nor JPEG; save it as one of them")]
    OtherKind,
}

impl NotAPicture {
    /// The same in Japanese.
    pub fn ja(self) -> &'static str {
        match self {
            NotAPicture::Missing => "images フォルダーにありません。入れてください",
            NotAPicture::TooBig => "1 MB をこえています。小さくしてください",
            NotAPicture::OtherKind => "PNG でも JPEG でもありません。どちらかで保存し直してください",
        }
    }
}

/// The description and the target of a line that is only a picture: `![words](name.png)`.
pub(super) fn of_line(line: &str) -> Option<(&str, &str)> {
    let (alt, target) = line
        .trim_end()
        .strip_prefix("![")?
        .strip_suffix(')')?
        .split_once("](")?;
    (!target.contains([')', '('])).then_some((alt, target))
}

/// The name of the stored picture that a target in a body leads to.
pub(super) fn stored(target: &str) -> Option<PictureName> {
    target.strip_prefix(STORED)?.parse().ok()
}

/// The stored pictures that a body shows, in their order.
pub fn shown(body: &str) -> impl Iterator<Item = PictureName> + '_ {
    body.lines()
        .filter_map(of_line)
        .filter_map(|(_, target)| stored(target))
}

/// The body with every name of a file replaced by the stored name that `find` gives; everything else as it was.
///
/// Fails with what `find` fails with, on the first line on which it does.
pub fn embed<E>(body: &str, mut find: impl FnMut(&str) -> Result<PictureName, E>) -> Result<String, E> {
    retarget(body, |target| match stored(target) {
        Some(_) => Ok(None),
        None => find(target).map(|name| Some(format!("{STORED}{name}"))),
    })
}

/// The body with stored pictures as names of files again, the inverse of [`embed`].
pub fn as_files(body: &str) -> String {
    let named = |target: &str| Ok::<_, std::convert::Infallible>(stored(target).map(|name| name.to_string()));
    retarget(body, named).unwrap_or_else(|never| match never {})
}

fn retarget<E>(body: &str, mut change: impl FnMut(&str) -> Result<Option<String>, E>) -> Result<String, E> {
    let mut out = String::with_capacity(body.len());
    for line in body.split_inclusive('\n') {
        match of_line(line) {
            Some((alt, target)) => match change(target)? {
                Some(changed) => {
                    let end = line.get(line.trim_end().len()..).unwrap_or_default();
                    for part in ["![", alt, "](", &changed, ")", end] {
                        out.push_str(part);
                    }
                }
                None => out.push_str(line),
            },
            None => out.push_str(line),
        }
    }
    Ok(out)
}
