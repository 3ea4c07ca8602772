//! Which bytes stand for which characters: UTF-8, or the Shift_JIS of Windows (CP932), both ways.
//!
//! Never guesses silently: bytes that are neither are refused with their line, and nothing is replaced by `?` or `&#…;`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use encoding_rs::{DecoderResult, EncoderResult, SHIFT_JIS};

use super::ReadError;

/// How a text file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; CSV files begin with a byte order mark, without which Excel shows 文字化け.
    #[default]
    Utf8,
    /// The Shift_JIS of Windows (CP932, with ①, 髙 and 﨑), which older systems of town halls demand.
    ShiftJis,
}

/// A name that stands for no encoding we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no encoding: use utf-8 or shift_jis")]
pub struct UnknownEncoding(pub String);

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(name: &str) -> Result<Self, UnknownEncoding> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "shift_jis" | "shift-jis" | "sjis" | "cp932" => Ok(Self::ShiftJis),
            _ => Err(UnknownEncoding(name.to_owned())),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf-8",
            Self::ShiftJis => "shift_jis",
        })
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text of a file: UTF-8 with or without a mark, else Shift_JIS.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    if let Some(name) = foreign(bytes) {
        return Err(ReadError::OtherEncoding { name });
    }
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(ReadError::Nul {
            line: line_at(bytes, at),
        });
    }
    let (text, marked) = bytes.strip_prefix(BOM).map_or((bytes, false), |rest| (rest, true));
    let invalid_at = match str::from_utf8(text) {
        Ok(text) => return Ok(text.into()),
        Err(error) => error.valid_up_to(),
    };
    if marked || is_mostly_utf8(text) {
        return Err(ReadError::Encoding {
            line: line_at(text, invalid_at),
            encoding: Encoding::Utf8,
        });
    }
    match decode_shift_jis(text) {
        Ok(text) => Ok(text.into()),
        Err(at) => Err(ReadError::Encoding {
            line: line_at(text, at),
            encoding: Encoding::ShiftJis,
        }),
    }
}

/// Shift_JIS to text, or the place of the first bytes that stand for nothing.
fn decode_shift_jis(bytes: &[u8]) -> Result<String, usize> {
    let mut decoder = SHIFT_JIS.new_decoder_without_bom_handling();
    let room = decoder
        .max_utf8_buffer_length_without_replacement(bytes.len())
        .unwrap_or(bytes.len());
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (DecoderResult::InputEmpty, _) => Ok(text),
        (DecoderResult::Malformed(bad, after), read) => Err(read.saturating_sub(usize::from(bad) + usize::from(after))),
        (DecoderResult::OutputFull, read) => Err(read),
    }
}

/// Text to Shift_JIS; each character without a code is handed to `unmappable` and left out.
pub(super) fn encode_shift_jis(text: &str, out: &mut Vec<u8>, mut unmappable: impl FnMut(char)) {
    let text: Cow<'_, str> = if text.contains(TWINS.map(|(jis, _)| jis)) {
        text.chars().map(windows_twin).collect::<String>().into()
    } else {
        text.into()
    };
    let mut encoder = SHIFT_JIS.new_encoder();
    // A buffer of its own: the encoder fills all the room it is given with zeros before it writes.
    let mut cell = Vec::new();
    let mut done = 0;
    while let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
        let room = encoder
            .max_buffer_length_from_utf8_without_replacement(rest.len())
            .unwrap_or(rest.len() * 2);
        cell.reserve(room);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut cell, true);
        done += read;
        match result {
            EncoderResult::Unmappable(c) => unmappable(c),
            EncoderResult::InputEmpty | EncoderResult::OutputFull => {}
        }
    }
    out.append(&mut cell);
}

/// One character of JIS each, for which Unicode has two: left as Macs and JIS tables write it, right as Windows does.
///
/// Without this `10時〜17時` typed on a Mac could not be written, and `¥` would come back as a backslash.
const TWINS: [(char, char); 10] = [
    ('〜', '～'),
    ('−', '－'),
    ('—', '―'),
    ('‖', '∥'),
    ('¢', '￠'),
    ('£', '￡'),
    ('¬', '￢'),
    ('¦', '￤'),
    ('¥', '￥'),
    ('‾', '￣'),
];

fn windows_twin(c: char) -> char {
    TWINS
        .iter()
        .find(|(jis, _)| *jis == c)
        .map_or(c, |(_, windows)| *windows)
}

/// Encodings that we know by sight and do not read.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    /// Enough to see the pattern of NULs; a header line is longer than this.
    const SAMPLE_BYTES: usize = 512;
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("UTF-16");
    }
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    let nuls = |parity| sample.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    // Commas and line ends have a NUL for their other half, always on the same side.
    if even.min(odd) == 0 && even.max(odd) >= 2.max(sample.len() / 32) {
        return Some("UTF-16");
    }
    bytes
        .windows(3)
        .any(|w| matches!(w, b"\x1b$B" | b"\x1b$@" | b"\x1b(J"))
        .then_some("ISO-2022-JP")
}

/// Whether a file that is not UTF-8 throughout is a damaged one: read as Shift_JIS it would import nonsense as names.
fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut japanese, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        japanese += chunk
            .valid()
            .chars()
            .filter(|c| matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
            .count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    japanese > 4 * bad
}

/// The line, from 1, of a place in a file, as an editor counts.
fn line_at(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(..at).unwrap_or(bytes);
    let ends = before.iter().enumerate().filter(|(i, b)| match b {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    });
    1 + ends.count()
}
