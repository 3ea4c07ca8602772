//! Content packs between files and domain values: a folder, a workbook, a CSV, or the samples inside the program.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use kizuna_domain::content::pack::{
    self, ArticleDocument, DesksFile, Pack, PackProblem, Reason, SUPPORT_FILE, Support, front_of,
};
use kizuna_domain::content::picture::{self, NotAPicture, PICTURE_BYTES_MAX, Picture, PictureName};
use kizuna_domain::content::sheet;
use kizuna_engine::actions::content::Exported;
use kizuna_paper::folder::{self, FolderError, PackFile, PackLimits};
use kizuna_paper::front_matter;
use kizuna_paper::table::{self, Encoding, Limits, Row, Table};

use crate::commands::Failure;
use crate::shell;

/// Every folder in it with a `pack.toml` is a pack that travels inside the program.
static CONTENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content");

/// The folder of a pack in which its pictures lie.
const IMAGES: &str = "images";
/// All pictures of a pack together: as much as all its words.
const PICTURES_BYTES_MAX: usize = folder::PACK_BYTES_MAX;

/// A pack that could not be read: a file that cannot be used, or problems in it.
#[derive(Debug)]
pub(crate) enum PackFailure {
    /// A file or folder.
    File(Failure),
    /// Every problem found; nothing was taken.
    Problems(Vec<PackProblem>),
}

/// A pack, and the file or row in which each of its articles stands, by the article's id.
#[derive(Debug)]
pub(crate) struct Located {
    /// The pack.
    pub pack: Pack,
    /// Where its articles stand.
    pub files: BTreeMap<String, String>,
}

/// The two sample packs inside the program: the desk's series and the invented town's.
pub(crate) fn samples() -> Result<(Pack, Pack), PackFailure> {
    let read = |name: &str| {
        let mut files = Vec::new();
        CONTENT
            .get_dir(name)
            .into_iter()
            .for_each(|dir| gather(dir, dir, &mut files));
        from_files(files, &mut |path| Ok(built_in_file(name, path))).map(|located| located.pack)
    };
    Ok((read("starter-ja")?, read("sample-town-ja")?))
}

/// Every pack inside the program, with the name of its folder.
pub(crate) fn built_in() -> Vec<(String, Result<Located, PackFailure>)> {
    CONTENT
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join("pack.toml")).is_some())
        .map(|dir| {
            let mut files = Vec::new();
            gather(dir, dir, &mut files);
            let name = dir.path().display().to_string();
            let pack = from_files(files, &mut |path| Ok(built_in_file(&name, path)));
            (name, pack)
        })
        .collect()
}

/// A file of a pack inside the program.
fn built_in_file(pack: &str, path: &str) -> Option<Vec<u8>> {
    Some(CONTENT.get_file(format!("{pack}/{path}"))?.contents().to_vec())
}

/// The files below `dir`, named as they lie below `pack`.
fn gather(pack: &Dir<'_>, dir: &Dir<'_>, files: &mut Vec<PackFile>) {
    files.extend(dir.files().filter_map(|file| {
        Some(PackFile {
            path: file.path().strip_prefix(pack.path()).ok()?.to_str()?.to_owned(),
            text: file.contents_utf8()?.to_owned(),
        })
    }));
    dir.dirs().for_each(|inner| gather(pack, inner, files));
}

/// Reads a pack from a folder or a table.
pub(crate) fn read(path: &Path) -> Result<Pack, PackFailure> {
    locate(path).map(|located| located.pack)
}

/// The same, with the place of each article.
pub(crate) fn locate(path: &Path) -> Result<Located, PackFailure> {
    let failed = |ja: String, en: String| PackFailure::File(Failure::new(ja, en));
    if path.is_dir() {
        let files =
            folder::read_pack(path, &PackLimits::default()).map_err(|error| failed(error.ja(), error.to_string()))?;
        return from_files(files, &mut |name| folder::read_file(path, name, PICTURE_BYTES_MAX));
    }
    let table = table::read(path, &Limits::default()).map_err(|error| failed(error.ja(), error.to_string()))?;
    let rows: Vec<(usize, Vec<String>)> = table.rows.into_iter().map(|row| (row.line, row.cells)).collect();
    let sheet = sheet::read(&table.header, &rows).map_err(PackFailure::Problems)?;
    let desks = (!sheet.desks.is_empty()).then_some(sheet.desks.as_str());
    let files = places(&sheet.articles);
    let pack = pack::read(&sheet.manifest, desks, sheet.articles).map_err(PackFailure::Problems)?;
    Ok(Located { pack, files })
}

fn places(documents: &[ArticleDocument]) -> BTreeMap<String, String> {
    let place =
        |document: &ArticleDocument| Some((document.front.get("id")?.as_str()?.to_owned(), document.file.clone()));
    documents.iter().filter_map(place).collect()
}

/// Gives a file of a pack by its path, none where it is not there.
type Fetch<'f> = dyn FnMut(&str) -> Result<Option<Vec<u8>>, FolderError> + 'f;

/// The pictures of a pack, each read once.
struct Pictures<'f> {
    fetch: &'f mut Fetch<'f>,
    by_file: BTreeMap<String, Result<PictureName, Reason>>,
    found: BTreeMap<PictureName, Picture>,
    bytes: usize,
}

impl Pictures<'_> {
    /// The stored name of a file, or what is wrong with it.
    fn name(&mut self, file: &str) -> Result<PictureName, Reason> {
        if let Some(known) = self.by_file.get(file) {
            return known.clone();
        }
        let read = self.read(file);
        self.by_file.insert(file.to_owned(), read.clone());
        read
    }

    fn read(&mut self, file: &str) -> Result<PictureName, Reason> {
        let unfit = |why: NotAPicture| {
            Reason::new(
                format!("写真「{file}」：{}", why.ja()),
                format!("the picture '{file}': {why}"),
            )
        };
        if file.contains('/') {
            return Err(unfit(NotAPicture::Missing));
        }
        let bytes = match (self.fetch)(&format!("{IMAGES}/{file}")) {
            Ok(bytes) => bytes.ok_or_else(|| unfit(NotAPicture::Missing))?,
            Err(FolderError::FileTooLarge { .. }) => return Err(unfit(NotAPicture::TooBig)),
            Err(error) => return Err(Reason::new(error.ja(), error.to_string())),
        };
        self.bytes += bytes.len();
        if self.bytes > PICTURES_BYTES_MAX {
            let what = format!("{} MB", PICTURES_BYTES_MAX >> 20);
            let error = FolderError::TooLarge { what };
            return Err(Reason::new(error.ja(), error.to_string()));
        }
        let picture = Picture::new(bytes).map_err(unfit)?;
        let name = picture.name().clone();
        self.found.insert(name.clone(), picture);
        Ok(name)
    }
}

fn from_files<'f>(files: Vec<PackFile>, fetch: &'f mut Fetch<'f>) -> Result<Located, PackFailure> {
    let mut pictures = Pictures {
        fetch,
        by_file: BTreeMap::new(),
        found: BTreeMap::new(),
        bytes: 0,
    };
    let mut manifest = String::new();
    let (mut desks, mut support) = (None, None);
    let mut articles = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match file.path.as_str() {
            "pack.toml" => manifest = file.text,
            "desks.toml" => desks = Some(file.text),
            SUPPORT_FILE => match Support::read(&file.text) {
                Ok(words) => support = Some(words),
                Err(reason) => problems.push(PackProblem {
                    file: file.path,
                    reason,
                }),
            },
            path if Path::new(path).extension().is_some_and(|extension| extension == "md") => {
                let document = front_matter::parse(&file.text)
                    .map_err(|error| Reason::new(error.ja(), error.to_string()))
                    .and_then(|document| {
                        let body = picture::embed(&document.body, |name| pictures.name(name))?;
                        Ok((document.front, body))
                    });
                match document {
                    Ok((front, body)) => articles.push(ArticleDocument {
                        file: file.path,
                        front,
                        body,
                    }),
                    Err(reason) => problems.push(PackProblem {
                        file: file.path,
                        reason,
                    }),
                }
            }
            _ => {}
        }
    }
    let files = places(&articles);
    match pack::read(&manifest, desks.as_deref(), articles) {
        Ok(mut pack) if problems.is_empty() => {
            pack.pictures = pictures.found.into_values().collect();
            pack.support = support;
            Ok(Located { pack, files })
        }
        Ok(_) => Err(PackFailure::Problems(problems)),
        Err(more) => Err(PackFailure::Problems([problems, more].concat())),
    }
}

/// Writes a pack as a folder, a workbook or a CSV, by the ending of the path.
pub(crate) fn write(path: &Path, exported: &Exported) -> Result<(), Failure> {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    if matches!(extension, "xlsx" | "csv") {
        let rows = sheet::write(&exported.manifest, &exported.desks, &exported.articles);
        let header = sheet::COLUMNS.iter().map(|&name| name.to_owned()).collect();
        let table = Table {
            header,
            rows: rows.into_iter().map(|cells| Row { line: 0, cells }).collect(),
        };
        return write_table(path, &table, "原稿", Encoding::Utf8);
    }
    let mut files = vec![PackFile {
        path: "pack.toml".to_owned(),
        text: toml_text(&exported.manifest)?,
    }];
    if !exported.desks.is_empty() {
        files.push(PackFile {
            path: "desks.toml".to_owned(),
            text: toml_text(&DesksFile {
                desk: exported.desks.clone(),
            })?,
        });
    }
    files.extend(exported.support.iter().map(|support| PackFile {
        path: SUPPORT_FILE.to_owned(),
        text: support.text().to_owned(),
    }));
    files.extend(exported.articles.iter().map(|article| PackFile {
        path: format!("{}.md", article.id),
        text: front_matter::write(&front_of(article), &picture::as_files(&article.revision.body)),
    }));
    let failed = |error: FolderError| Failure::new(error.ja(), error.to_string());
    folder::write_pack(path, &files).map_err(failed)?;
    for picture in &exported.pictures {
        let file = format!("{IMAGES}/{}", picture.name());
        folder::write_file(path, &file, picture.bytes()).map_err(failed)?;
    }
    Ok(())
}

fn toml_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    toml::to_string(value).map_err(|error| Failure::new("書き出せませんでした。", error.to_string()))
}

/// Writes a table as a workbook or a CSV, by the ending of the path.
pub(crate) fn write_table(path: &Path, table: &Table, sheet: &str, encoding: Encoding) -> Result<(), Failure> {
    let workbook = path.extension().is_some_and(|extension| extension == "xlsx");
    let bytes = if workbook {
        table::write_xlsx(table, sheet)
    } else {
        table::write_csv(table, encoding)
    };
    let bytes = bytes.map_err(|error| Failure::new(error.ja(), error.to_string()))?;
    // Addresses may be in it: whoever else uses this machine need not read them.
    Ok(shell::replace_private(path, &bytes)?)
}
