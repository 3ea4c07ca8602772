//! The small Markdown of articles: paragraphs, `- ` lists, `## ` headings, pictures, links and ruby. Nothing else has a meaning.
//!
//! Words are kept exactly as written: what was approved is what leaves.

use super::picture::{self, ALT_CHARS_MAX, PICTURES_MAX};
use crate::message::{Block, Inline};

/// Longest body that is accepted, in characters: far above one phone screen, far below a provider's limit.
pub const BODY_CHARS_MAX: usize = 4_000;

/// What is wrong with a body and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No words at all.
    #[error("the text is empty; write at least one sentence")]
    Empty,
    /// Longer than [`BODY_CHARS_MAX`].
    #[error("the text has {chars} characters; shorten it to {BODY_CHARS_MAX}")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// A link that does not lead to an `https:` page.
    #[error("line {line}: the link '{url}' must begin with https://")]
    Link {
        /// Line within the body, from 1.
        line: usize,
        /// The address as written.
        url: String,
    },
    /// A character that no reader sees.
    #[error("line {line}: invisible character U+{code:04X}; delete it")]
    Invisible {
        /// Line within the body, from 1.
        line: usize,
        /// Unicode scalar value.
        code: u32,
    },
    /// A picture that is not stored under its digest.
    #[error(
        "line {line}: the picture '{target}' is not known here; pictures come with a pack in the folder form, in its folder images"
    )]
    Picture {
        /// Line within the body, from 1.
        line: usize,
        /// Where it should be, as written.
        target: String,
    },
    /// A picture without a description, or with one that is too long.
    #[error("line {line}: say in 1 to {ALT_CHARS_MAX} characters what the picture shows: ![words](name.png)")]
    Alt {
        /// Line within the body, from 1.
        line: usize,
    },
    /// More than [`PICTURES_MAX`].
    #[error("the text has {pictures} pictures; leave at most {PICTURES_MAX}")]
    TooManyPictures {
        /// How many.
        pictures: usize,
    },
}

impl BodyError {
    /// The same in Japanese.
    pub fn ja(&self) -> String {
        match self {
            BodyError::Empty => "本文がありません。一文でも書いてください".to_owned(),
            BodyError::TooLong { chars } => format!("本文が {chars} 文字です。{BODY_CHARS_MAX} 文字までにしてください"),
            BodyError::Link { line, url } => {
                format!("本文の {line} 行目：リンク「{url}」は、https:// で始めてください")
            }
            BodyError::Invisible { line, code } => {
                format!("本文の {line} 行目：見えない文字（U+{code:04X}）があります。消してください")
            }
            BodyError::Picture { line, target } => format!(
                "本文の {line} 行目：写真「{target}」がわかりません。写真は、フォルダーの形の原稿パックで、images フォルダーに入れて取りこんでください"
            ),
            BodyError::Alt { line } => format!(
                "本文の {line} 行目：写真に何がうつっているかを、1〜{ALT_CHARS_MAX} 文字で書いてください：![ことば](なまえ.png)"
            ),
            BodyError::TooManyPictures { pictures } => {
                format!("写真が {pictures} 枚あります。{PICTURES_MAX} 枚までにしてください")
            }
        }
    }
}

/// Reads a body into blocks.
///
/// ```
/// use kizuna_domain::content::body::parse;
/// assert_eq!(parse("きょうは、ここまで。\n\n- ひとつ\n- ふたつ").unwrap().len(), 2);
/// assert!(parse("[ここ](http://example.jp)").is_err());
/// ```
pub fn parse(body: &str) -> Result<Vec<Block>, BodyError> {
    let chars = body.chars().count();
    if chars > BODY_CHARS_MAX {
        return Err(BodyError::TooLong { chars });
    }
    let mut blocks = Vec::new();
    let mut paragraph: Vec<Inline> = Vec::new();
    let mut items: Vec<Vec<Inline>> = Vec::new();
    for (number, line) in body.lines().enumerate() {
        let number = number + 1;
        if let Some((_, c)) = crate::text::invisible(line) {
            return Err(BodyError::Invisible {
                line: number,
                code: u32::from(c),
            });
        }
        let line = line.trim_end();
        if let Some(item) = line.strip_prefix("- ") {
            close_paragraph(&mut blocks, &mut paragraph);
            items.push(inlines(item, number)?);
            continue;
        }
        close_list(&mut blocks, &mut items);
        if let Some((alt, target)) = picture::of_line(line) {
            close_paragraph(&mut blocks, &mut paragraph);
            blocks.push(image(alt, target, number)?);
        } else if let Some(heading) = line.strip_prefix("## ") {
            close_paragraph(&mut blocks, &mut paragraph);
            blocks.push(Block::Heading {
                inlines: inlines(heading, number)?,
            });
        } else if line.trim().is_empty() {
            close_paragraph(&mut blocks, &mut paragraph);
        } else {
            if !paragraph.is_empty() {
                paragraph.push(Inline::Text { text: "\n".to_owned() });
            }
            paragraph.extend(inlines(line, number)?);
        }
    }
    close_paragraph(&mut blocks, &mut paragraph);
    close_list(&mut blocks, &mut items);
    let pictures = blocks
        .iter()
        .filter(|block| matches!(block, Block::Image { .. }))
        .count();
    if pictures > PICTURES_MAX {
        Err(BodyError::TooManyPictures { pictures })
    } else if blocks.len() == pictures {
        // A picture alone says nothing to those who do not see it.
        Err(BodyError::Empty)
    } else {
        Ok(blocks)
    }
}

fn image(alt: &str, target: &str, line: usize) -> Result<Block, BodyError> {
    let alt = alt.trim();
    if !(1..=ALT_CHARS_MAX).contains(&alt.chars().count()) {
        return Err(BodyError::Alt { line });
    }
    let name = picture::stored(target).ok_or_else(|| BodyError::Picture {
        line,
        target: target.to_owned(),
    })?;
    Ok(Block::Image {
        name,
        alt: alt.to_owned(),
    })
}

fn close_paragraph(blocks: &mut Vec<Block>, paragraph: &mut Vec<Inline>) {
    if !paragraph.is_empty() {
        blocks.push(Block::Paragraph {
            inlines: std::mem::take(paragraph),
        });
    }
}

fn close_list(blocks: &mut Vec<Block>, items: &mut Vec<Vec<Inline>>) {
    if !items.is_empty() {
        blocks.push(Block::List {
            items: std::mem::take(items),
        });
    }
}

fn inlines(line: &str, number: usize) -> Result<Vec<Inline>, BodyError> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((before, inline, after)) = next_marked(rest) {
        push_text(&mut found, before);
        if let Inline::Link { url, .. } = &inline
            && !url.starts_with("https://")
        {
            return Err(BodyError::Link {
                line: number,
                url: url.clone(),
            });
        }
        found.push(inline);
        rest = after;
    }
    push_text(&mut found, rest);
    Ok(found)
}

fn push_text(found: &mut Vec<Inline>, text: &str) {
    if !text.is_empty() {
        found.push(Inline::Text { text: text.to_owned() });
    }
}

/// The first link or ruby of a line, with the words before and after it.
fn next_marked(text: &str) -> Option<(&str, Inline, &str)> {
    let link = text.find('[').and_then(|at| {
        let (words, rest) = text.get(at + 1..)?.split_once("](")?;
        let (url, after) = rest.split_once(')')?;
        Some((
            at,
            Inline::Link {
                text: words.to_owned(),
                url: url.to_owned(),
            },
            after,
        ))
    });
    let ruby = text.find('｜').and_then(|at| {
        let (words, rest) = text.get(at + '｜'.len_utf8()..)?.split_once('《')?;
        let (reading, after) = rest.split_once('》')?;
        Some((
            at,
            Inline::Ruby {
                text: words.to_owned(),
                reading: reading.to_owned(),
            },
            after,
        ))
    });
    let first = match (link, ruby) {
        (Some(link), Some(ruby)) => Some(if link.0 < ruby.0 { link } else { ruby }),
        (link, ruby) => link.or(ruby),
    };
    first.and_then(|(at, inline, after)| Some((text.get(..at)?, inline, after)))
}

/// The words alone, without links and readings, for counting and previews.
pub fn plain(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if let Block::Image { alt, .. } = block {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(alt);
        }
        let lines: Vec<&[Inline]> = match block {
            Block::Image { .. } => Vec::new(),
            Block::Heading { inlines } | Block::Paragraph { inlines } => vec![inlines],
            Block::List { items } => items.iter().map(Vec::as_slice).collect(),
        };
        for line in lines {
            if !out.is_empty() {
                out.push('\n');
            }
            for inline in line {
                let (Inline::Text { text } | Inline::Link { text, .. } | Inline::Ruby { text, .. }) = inline;
                out.push_str(text);
            }
        }
    }
    out
}
