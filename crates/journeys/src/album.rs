//! Pictures of a journey, in a folder with a page on which a person can look through all of them.

use std::cell::Cell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::page::Page;

/// The pictures of one journey; the folder's page is written anew when the journey ends.
#[derive(Debug)]
pub struct Album {
    folder: PathBuf,
    journey: String,
    next: Cell<usize>,
}

impl Album {
    /// An album for a journey, `01-register`, whose pictures of an earlier run are taken away.
    pub fn new(folder: &Path, journey: &str) -> Album {
        fs::create_dir_all(folder).expect("the folder can be made");
        for old in pictures(folder) {
            if old.starts_with(&format!("{journey}-")) {
                // Two tests that clear at once both find it gone.
                let _ = fs::remove_file(folder.join(old));
            }
        }
        Album {
            folder: folder.to_owned(),
            journey: journey.to_owned(),
            next: Cell::new(1),
        }
    }

    /// The number of the next step, two digits.
    pub fn step(&self) -> String {
        let number = self.next.get();
        self.next.set(number + 1);
        format!("{number:02}")
    }

    /// Takes a picture of a step: `01-register-03-done-390.png`.
    pub fn shoot(&self, page: &Page<'_>, number: &str, step: &str) {
        let name = format!("{}-{number}-{step}-{}.png", self.journey, page.width());
        fs::write(self.folder.join(name), page.picture()).expect("the folder can be written");
    }
}

impl Drop for Album {
    fn drop(&mut self) {
        if let Err(error) = write_index(&self.folder)
            && !std::thread::panicking()
        {
            panic!("the page of the pictures cannot be written: {error}");
        }
    }
}

/// Names of the pictures of a folder, in order.
fn pictures(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let pictures = paths.filter(|path| path.extension().is_some_and(|extension| extension == "png"));
    let names = pictures.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Writes the page; journeys that end at once write one after another, so that the last knows all.
fn write_index(folder: &Path) -> std::io::Result<()> {
    let turn = File::create(folder.join("index.lock"))?;
    turn.lock()?;
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Journeys</title>\
         <style>body{font:14px sans-serif}figure{display:inline-block;vertical-align:top;margin:8px}\
         img{width:260px;border:1px solid #999}</style><h1>Journeys</h1>\n",
    );
    let mut last = String::new();
    for name in pictures(folder) {
        let journey: String = name.split('-').take(2).collect::<Vec<_>>().join("-");
        if journey != last {
            let _ = writeln!(page, "<h2>{journey}</h2>");
            last = journey;
        }
        let _ = writeln!(
            page,
            "<figure><a href=\"{name}\"><img src=\"{name}\" alt=\"\" loading=\"lazy\"></a><figcaption>{name}</figcaption></figure>"
        );
    }
    fs::write(folder.join("index.html"), page)
}
