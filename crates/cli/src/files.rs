//! Content packs between files and domain values: a folder, a workbook, a CSV, or the samples inside the program.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use kizuna_domain::content::pack::{self, ArticleDocument, DesksFile, Pack, PackProblem, Reason, front_of};
use kizuna_domain::content::sheet;
use kizuna_engine::actions::content::Exported;
use kizuna_paper::folder::{self, PackFile, PackLimits};
use kizuna_paper::front_matter;
use kizuna_paper::table::{self, Encoding, Limits, Row, Table};

use crate::commands::Failure;
use crate::shell;

/// Every folder in it with a `pack.toml` is a pack that travels inside the program.
static CONTENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content");

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
        from_files(files).map(|located| located.pack)
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
            (dir.path().display().to_string(), from_files(files))
        })
        .collect()
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
        return from_files(files);
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

fn from_files(files: Vec<PackFile>) -> Result<Located, PackFailure> {
    let mut manifest = String::new();
    let mut desks = None;
    let mut articles = Vec::new();
    let mut problems = Vec::new();
    for file in files {
        match file.path.as_str() {
            "pack.toml" => manifest = file.text,
            "desks.toml" => desks = Some(file.text),
            path if Path::new(path).extension().is_some_and(|extension| extension == "md") => {
                match front_matter::parse(&file.text) {
                    Ok(document) => articles.push(ArticleDocument {
                        file: file.path,
                        front: document.front,
                        body: document.body,
                    }),
                    Err(error) => problems.push(PackProblem {
                        file: file.path,
                        reason: Reason::new(error.ja(), error.to_string()),
                    }),
                }
            }
            _ => {}
        }
    }
    let files = places(&articles);
    match pack::read(&manifest, desks.as_deref(), articles) {
        Ok(pack) if problems.is_empty() => Ok(Located { pack, files }),
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
    files.extend(exported.articles.iter().map(|article| PackFile {
        path: format!("{}.md", article.id),
        text: front_matter::write(&front_of(article), &article.revision.body),
    }));
    folder::write_pack(path, &files).map_err(|error| Failure::new(error.ja(), error.to_string()))
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
