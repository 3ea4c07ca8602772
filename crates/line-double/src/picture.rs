//! Reads the kind and the size of a picture from its first bytes.

/// A PNG or JPEG file's kind and size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// The media type.
    pub(crate) kind: &'static str,
    pub(crate) width: u64,
    pub(crate) height: u64,
}

impl Picture {
    /// Reads it; none where the bytes are neither a PNG nor a JPEG.
    pub(crate) fn read(bytes: &[u8]) -> Option<Picture> {
        png(bytes).or_else(|| jpeg(bytes))
    }
}

/// The signature, then a chunk IHDR that begins with both sides (PNG specification, 5.2 and 11.2.2).
fn png(bytes: &[u8]) -> Option<Picture> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let (width, rest) = header.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some(Picture {
        kind: "image/png",
        width: u64::from(u32::from_be_bytes(*width)),
        height: u64::from(u32::from_be_bytes(*height)),
    })
}

/// Segments of a marker and a length, up to the one that begins the frame (ITU-T T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<Picture> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        let [0xff, marker, high, low] = *head else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // C4, C8 and CC are tables; the other markers from C0 to CF begin a frame.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let ([_precision, high, low, left, right], _) = tail.split_first_chunk::<5>()?;
            return Some(Picture {
                kind: "image/jpeg",
                width: u64::from(u16::from_be_bytes([*left, *right])),
                height: u64::from(u16::from_be_bytes([*high, *low])),
            });
        }
        rest = tail.get(length.checked_sub(2)?..)?;
    }
}
