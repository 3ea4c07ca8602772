//! Content packs as folders.

use std::fs;
use std::path::Path;

use kizuna_paper::folder::{FolderError, PackFile, PackLimits, read_file, read_pack, write_file, write_pack};

fn file(path: &str, text: &str) -> PackFile {
    PackFile {
        path: path.into(),
        text: text.into(),
    }
}

fn put(dir: &Path, path: &str, bytes: &[u8]) {
    let at = dir.join(path);
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, bytes).unwrap();
}

#[test]
fn a_pack_written_is_the_pack_read() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        file("child/d030.md", "本文\n"),
        file("desks.toml", ""),
        file("pack.toml", "format = 1\n"),
        file("z.md", ""),
    ];
    write_pack(&dir.path().join("new/pack"), &files).unwrap();
    assert_eq!(
        read_pack(&dir.path().join("new/pack"), &PackLimits::default()).unwrap(),
        files
    );

    let again = [file("pack.toml", "format = 1\ntitle = \"x\"\n")];
    write_pack(&dir.path().join("new/pack"), &again).unwrap();
    let read = read_pack(&dir.path().join("new/pack"), &PackLimits::default()).unwrap();
    assert_eq!((read.len(), &read[2]), (4, &again[0]));
}

#[test]
fn only_files_of_the_pack_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for path in [
        "pack.toml",
        "a.md",
        "b/c.md",
        "b/pack.toml",
        "notes.txt",
        ".git/x.md",
        ".hidden.md",
        "b/picture.png",
    ] {
        put(dir.path(), path, b"\xef\xbb\xbfx");
    }
    let read = read_pack(dir.path(), &PackLimits::default()).unwrap();
    assert_eq!(read, [file("a.md", "x"), file("b/c.md", "x"), file("pack.toml", "x")]);
}

#[test]
fn a_folder_without_a_manifest_is_no_pack() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.md", b"x");
    assert!(matches!(
        read_pack(dir.path(), &PackLimits::default()),
        Err(FolderError::NotAPack { .. })
    ));
    assert!(matches!(
        read_pack(&dir.path().join("none"), &PackLimits::default()),
        Err(FolderError::Io { .. })
    ));
}

#[test]
fn text_that_is_not_utf8_is_named() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "pack.toml", b"");
    put(dir.path(), "child/d1.md", b"a\nb\n\x8e\x81\n");
    let error = read_pack(dir.path(), &PackLimits::default()).unwrap_err();
    assert!(
        matches!(&error, FolderError::NotUtf8 { path, line: 3 } if path == "child/d1.md"),
        "{error:?}"
    );
    assert!(error.ja().contains("child/d1.md"));
}

#[test]
fn limits_hold() {
    let dir = tempfile::tempdir().unwrap();
    for path in ["pack.toml", "a.md", "b/c/d.md"] {
        put(dir.path(), path, b"0123456789");
    }
    let read = |limits: PackLimits| read_pack(dir.path(), &limits);
    let all = PackLimits {
        files_max: 3,
        file_bytes_max: 10,
        bytes_max: 30,
        depth_max: 2,
    };
    assert_eq!(read(all).unwrap().len(), 3);
    assert!(matches!(
        read(PackLimits { files_max: 2, ..all }),
        Err(FolderError::TooLarge { .. })
    ));
    assert!(matches!(
        read(PackLimits {
            file_bytes_max: 9,
            ..all
        }),
        Err(FolderError::FileTooLarge { .. })
    ));
    assert!(matches!(
        read(PackLimits { bytes_max: 29, ..all }),
        Err(FolderError::TooLarge { .. })
    ));
    assert!(matches!(
        read(PackLimits { depth_max: 1, ..all }),
        Err(FolderError::TooLarge { .. })
    ));
}

#[test]
fn nothing_is_written_outside_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().join("pack");
    for path in [
        "../evil.md",
        "/etc/evil.md",
        "a/../../evil.md",
        "",
        "a//b.md",
        ".hidden",
        "a\\b.md",
        "c:evil.md",
        "a/",
        "x\n.md",
    ] {
        let error = write_pack(&pack, &[file("ok.md", ""), file(path, "evil")]).unwrap_err();
        assert!(matches!(error, FolderError::Name { .. }), "{path}: {error:?}");
        assert!(!pack.exists(), "{path}");
    }
    assert!(matches!(
        write_pack(&pack, &[file("a.md", ""), file("A.md", "")]),
        Err(FolderError::Twice { .. })
    ));
}

#[cfg(unix)]
#[test]
fn links_are_neither_followed_nor_written_through() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let (pack, outside) = (dir.path().join("pack"), dir.path().join("outside"));
    put(&outside, "secret.md", b"secret");
    put(&pack, "pack.toml", b"");

    symlink(outside.join("secret.md"), pack.join("a.md")).unwrap();
    assert!(matches!(read_pack(&pack, &PackLimits::default()), Err(FolderError::Link { path }) if path == "a.md"));
    write_pack(&pack, &[file("a.md", "mine")]).unwrap();
    assert_eq!(fs::read_to_string(outside.join("secret.md")).unwrap(), "secret");
    assert_eq!(fs::read_to_string(pack.join("a.md")).unwrap(), "mine");

    symlink(&outside, pack.join("child")).unwrap();
    assert!(matches!(read_pack(&pack, &PackLimits::default()), Err(FolderError::Link { path }) if path == "child"));
    assert!(matches!(
        write_pack(&pack, &[file("child/b.md", "x")]),
        Err(FolderError::Link { .. })
    ));
    assert!(!outside.join("b.md").exists());
}

#[test]
fn the_packs_of_this_repository_are_read() {
    for name in ["starter-ja", "starter-easy-ja", "starter-en", "sample-town-ja"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content").join(name);
        for file in read_pack(&dir, &PackLimits::default())
            .unwrap()
            .iter()
            .filter(|file| !["pack.toml", "desks.toml", "support.md"].contains(&file.path.as_str()))
        {
            kizuna_paper::front_matter::parse(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        }
    }
}

#[test]
fn one_file_is_read_and_written_only_below_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    write_file(dir.path(), "images/a.png", b"\x89PNG").unwrap();
    assert_eq!(
        read_file(dir.path(), "images/a.png", 4).unwrap().as_deref(),
        Some(&b"\x89PNG"[..])
    );
    assert!(matches!(
        read_file(dir.path(), "images/a.png", 3),
        Err(FolderError::FileTooLarge { .. })
    ));
    for nothing in ["images", "images/b.png", "b.png"] {
        assert_eq!(read_file(dir.path(), nothing, 9).unwrap(), None, "{nothing}");
    }
    for outside in ["../a.png", "/a.png", "images/../a.png", ""] {
        assert!(matches!(
            read_file(dir.path(), outside, 9),
            Err(FolderError::Name { .. })
        ));
        assert!(matches!(
            write_file(dir.path(), outside, b""),
            Err(FolderError::Name { .. })
        ));
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("images"), dir.path().join("link")).unwrap();
        assert!(matches!(
            read_file(dir.path(), "link/a.png", 9),
            Err(FolderError::Link { .. })
        ));
    }
}
