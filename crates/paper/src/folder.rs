//! A content pack as a folder: the files that belong to it, in and out.
//!
//! Never reads or writes outside the folder it was given, whatever links or `..` say, and never reads without a limit.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// One file of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFile {
    /// Where it lies below the folder, with `/` between the parts on every system.
    pub path: String,
    /// What it says, without a byte order mark.
    pub text: String,
}

/// How large a pack may be before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackLimits {
    /// Files in the pack.
    pub files_max: usize,
    /// Size of one file.
    pub file_bytes_max: usize,
    /// Size of all files together.
    pub bytes_max: usize,
    /// Folders inside folders.
    pub depth_max: usize,
}

/// A message a day from early pregnancy to the eighteenth birthday would be 6,900 files.
pub const FILES_MAX: usize = 10_000;
/// Two hundred pages of text: an article has one.
pub const FILE_BYTES_MAX: usize = 256 << 10;
/// All of the above at five times the usual length.
pub const PACK_BYTES_MAX: usize = 64 << 20;
/// Packs have one level of folders; deeper nesting than this is a mistake or an attack.
pub const DEPTH_MAX: usize = 8;

impl Default for PackLimits {
    fn default() -> Self {
        Self {
            files_max: FILES_MAX,
            file_bytes_max: FILE_BYTES_MAX,
            bytes_max: PACK_BYTES_MAX,
            depth_max: DEPTH_MAX,
        }
    }
}

/// Why a pack could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The folder has no `pack.toml`.
    #[error("{dir} is no content pack: it has no pack.toml")]
    NotAPack {
        /// The folder.
        dir: PathBuf,
    },
    /// The system refused.
    #[error("cannot read or write {path}")]
    Io {
        /// What it was about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link: what it leads to may lie outside the pack.
    #[error("{path} is a link; put the file itself there")]
    Link {
        /// Where.
        path: String,
    },
    /// A file that is not UTF-8.
    #[error("{path} is not written in UTF-8 (line {line})")]
    NotUtf8 {
        /// Which.
        path: String,
        /// The first line that is not.
        line: usize,
    },
    /// A name that cannot be written down as text, or could not exist on another system.
    #[error("{path} is no name for a file of a pack")]
    Name {
        /// Which, as well as it can be shown.
        path: String,
    },
    /// Two files for one place.
    #[error("{path} is there twice")]
    Twice {
        /// Which.
        path: String,
    },
    /// One file is too large.
    #[error("{path} is larger than {max} bytes")]
    FileTooLarge {
        /// Which.
        path: String,
        /// The limit.
        max: usize,
    },
    /// The pack as a whole is too large, too deep or has too many files.
    #[error("the pack is too large: {what}")]
    TooLarge {
        /// The limit that it exceeds.
        what: String,
    },
}

impl FolderError {
    /// The same in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            Self::NotAPack { dir } => {
                format!(
                    "「{}」に pack.toml がありません。原稿パックのフォルダーを指定してください。",
                    dir.display()
                )
            }
            Self::Io { path, .. } => {
                format!(
                    "「{}」を読み書きできません。場所と権限をご確認ください。",
                    path.display()
                )
            }
            Self::Link { path } => {
                format!("「{path}」はリンクです。リンクではなく、ファイルそのものを置いてください。")
            }
            Self::NotUtf8 { path, line } => {
                format!("「{path}」の{line}行目がUTF-8ではありません。文字コードをUTF-8にして保存し直してください。")
            }
            Self::Name { path } => format!("「{path}」はファイル名として使えません。名前を変えてください。"),
            Self::Twice { path } => format!("「{path}」が2つあります。どちらかを消してください。"),
            Self::FileTooLarge { path, max } => {
                format!("「{path}」が大きすぎます（上限 {} KB）。", max >> 10)
            }
            Self::TooLarge { what } => format!("原稿パックが大きすぎます（上限：{what}）。分けてください。"),
        }
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

/// Reads `pack.toml`, `desks.toml` and every `*.md` below the folder, sorted by path.
///
/// Other files and everything whose name begins with `.` are left alone; a link is refused.
pub fn read_pack(dir: &Path, limits: &PackLimits) -> Result<Vec<PackFile>, FolderError> {
    let mut reader = Reader {
        limits,
        files: Vec::new(),
        bytes: 0,
    };
    reader.folder(dir, "", 0)?;
    let mut files = reader.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.iter().any(|file| file.path == "pack.toml") {
        Ok(files)
    } else {
        Err(FolderError::NotAPack { dir: dir.to_owned() })
    }
}

/// Reads one more file below the folder, where it is; links are refused, and more than `max` bytes.
pub fn read_file(dir: &Path, path: &str, max: usize) -> Result<Option<Vec<u8>>, FolderError> {
    check_path(path)?;
    let mut at = dir.to_owned();
    for part in path.split('/') {
        at.push(part);
        match fs::symlink_metadata(&at) {
            Ok(there) if there.is_symlink() => return Err(FolderError::Link { path: path.to_owned() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&at)(error)),
        }
    }
    if !at.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let file = File::open(&at).map_err(io_error(&at))?;
    file.take(max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(&at))?;
    if bytes.len() > max {
        return Err(FolderError::FileTooLarge {
            path: path.to_owned(),
            max,
        });
    }
    Ok(Some(bytes))
}

struct Reader<'l> {
    limits: &'l PackLimits,
    files: Vec<PackFile>,
    bytes: usize,
}

impl Reader<'_> {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), FolderError> {
        if depth > self.limits.depth_max {
            return Err(FolderError::TooLarge {
                what: format!("{} folders deep", self.limits.depth_max),
            });
        }
        for entry in fs::read_dir(dir).map_err(io_error(dir))? {
            let entry = entry.map_err(io_error(dir))?;
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let hidden = name.to_string_lossy().starts_with('.');
            let kind = entry.file_type().map_err(io_error(&entry.path()))?;
            let wanted = Path::new(&name).extension().is_some_and(|e| e == "md")
                || (depth == 0 && (name == "pack.toml" || name == "desks.toml"));
            if hidden {
                continue;
            }
            if kind.is_symlink() {
                return Err(FolderError::Link { path });
            }
            if !(kind.is_dir() || wanted) {
                continue;
            }
            if name.to_str().is_none() {
                return Err(FolderError::Name { path });
            }
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else if kind.is_file() {
                self.file(&entry.path(), path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, at: &Path, path: String) -> Result<(), FolderError> {
        let PackLimits {
            files_max,
            file_bytes_max,
            bytes_max,
            ..
        } = *self.limits;
        if self.files.len() >= files_max {
            return Err(FolderError::TooLarge {
                what: format!("{files_max} files"),
            });
        }
        let mut bytes = Vec::new();
        let file = File::open(at).map_err(io_error(at))?;
        file.take(file_bytes_max as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(io_error(at))?;
        if bytes.len() > file_bytes_max {
            return Err(FolderError::FileTooLarge {
                path,
                max: file_bytes_max,
            });
        }
        self.bytes += bytes.len();
        if self.bytes > bytes_max {
            return Err(FolderError::TooLarge {
                what: format!("{} MB", bytes_max >> 20),
            });
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error
                    .as_bytes()
                    .get(..error.utf8_error().valid_up_to())
                    .unwrap_or_default();
                let line = valid.split(|b| *b == b'\n').count();
                return Err(FolderError::NotUtf8 { path, line });
            }
        };
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        self.files.push(PackFile { path, text });
        Ok(())
    }
}

/// Writes files below the folder, creating it and the folders between; a file is replaced whole or not at all.
///
/// All paths are checked before the first file is written. Files that are there and not in the list are left alone.
pub fn write_pack(dir: &Path, files: &[PackFile]) -> Result<(), FolderError> {
    let mut seen = BTreeSet::new();
    for file in files {
        check_path(&file.path)?;
        // Windows and macOS hold `A.md` and `a.md` for one file.
        if !seen.insert(file.path.to_lowercase()) {
            return Err(FolderError::Twice {
                path: file.path.clone(),
            });
        }
    }
    fs::create_dir_all(dir).map_err(io_error(dir))?;
    for file in files {
        let folder = make_folders(dir, &file.path)?;
        replace(&folder, &file.path, file.text.as_bytes())?;
    }
    Ok(())
}

/// Writes one more file below the folder, whole or not at all, with the same care as [`write_pack`].
pub fn write_file(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
    check_path(path)?;
    let folder = make_folders(dir, path)?;
    replace(&folder, path, bytes)
}

/// Accepts what is a path below the folder on every system.
fn check_path(path: &str) -> Result<(), FolderError> {
    let part_is_good = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with(['.', ' '])
            && !part.contains(['\\', ':', '*', '?', '"', '<', '>', '|'])
            && !part.contains(char::is_control)
    };
    if path.split('/').all(part_is_good) {
        Ok(())
    } else {
        Err(FolderError::Name { path: path.to_owned() })
    }
}

/// The folder that the file belongs in, with nothing on the way to it being a link.
fn make_folders(dir: &Path, path: &str) -> Result<PathBuf, FolderError> {
    let mut folder = dir.to_owned();
    let (parents, _) = path.rsplit_once('/').unwrap_or_default();
    for part in parents.split('/').filter(|part| !part.is_empty()) {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(there) if there.is_symlink() => return Err(FolderError::Link { path: path.to_owned() }),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&folder).map_err(io_error(&folder))?;
            }
            Err(error) => return Err(io_error(&folder)(error)),
        }
    }
    Ok(folder)
}

/// Writes beside the file and renames over it; renaming replaces a link and does not follow it.
fn replace(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (target, draft) = (
        folder.join(name),
        folder.join(format!(".{name}.{}.tmp", std::process::id())),
    );
    // A draft of a run that was killed is not ours to continue; create_new below never writes through a link.
    let _ = fs::remove_file(&draft);
    let write = || {
        let mut out = File::options().write(true).create_new(true).open(&draft)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&draft, &target)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&draft);
        io_error(&target)(error)
    })
}
