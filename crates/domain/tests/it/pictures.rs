//! Pictures of articles: what may be one, and what a body says about them.

use kizuna_domain::content::body::{self, BodyError};
use kizuna_domain::content::picture::{NotAPicture, PICTURE_BYTES_MAX, Picture, PictureName, as_files, embed, shown};
use kizuna_domain::message::Block;

fn png(inside: &[u8]) -> Picture {
    Picture::new([b"\x89PNG\r\n\x1a\n", inside].concat()).unwrap()
}

#[test]
fn a_picture_is_known_by_its_header_and_named_by_its_bytes() {
    let jpg = Picture::new(b"\xff\xd8\xff\xe0rest".to_vec()).unwrap();
    assert_eq!(jpg.name().kind().media_type(), "image/jpeg");
    assert_eq!(
        png(b"").name().to_string(),
        "4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6.png"
    );
    assert_ne!(png(b"a").name(), png(b"b").name());
    assert_eq!(Picture::new(b"GIF89a".to_vec()), Err(NotAPicture::OtherKind));
    let mut big = png(b"").bytes().to_vec();
    big.resize(PICTURE_BYTES_MAX + 1, 0);
    assert_eq!(Picture::new(big.clone()), Err(NotAPicture::TooBig));
    big.pop();
    assert!(Picture::new(big).is_ok());
}

#[test]
fn only_a_whole_digest_with_a_known_ending_is_a_name() {
    let name = png(b"").name().to_string();
    assert_eq!(name.parse::<PictureName>().unwrap().to_string(), name);
    for other in [
        String::new(),
        name.to_uppercase(),
        name.replace("png", "svg"),
        name.replace('.', ""),
        format!("../{name}"),
        name.get(1..).unwrap().to_owned(),
    ] {
        assert!(other.parse::<PictureName>().is_err(), "{other}");
    }
}

#[test]
fn a_line_that_is_only_a_picture_becomes_one_and_goes_out_as_it_came_in() {
    let picture = png(b"mark");
    let written = "まえの文。\r\n![母子健康手帳の表紙](mark.png)  \r\n文の中の![しるし](mark.png)は、ことばのまま。";
    let stored = embed(written, |file| {
        assert_eq!(file, "mark.png");
        Ok::<_, ()>(picture.name().clone())
    })
    .unwrap();
    assert_eq!(
        stored.replacen(&format!("media:{}", picture.name()), "mark.png", 1),
        written
    );
    assert_eq!(shown(&stored).collect::<Vec<_>>(), [picture.name().clone()]);
    let files = as_files(&stored);
    assert!(files.contains(&format!("]({})  \r\n", picture.name())), "{files}");
    assert_eq!(embed(&files, str::parse::<PictureName>).unwrap(), stored);

    let plain = "文。\n\n![母子健康手帳の表紙](mark.png)\n";
    let stored = embed(plain, |_| Ok::<_, ()>(picture.name().clone())).unwrap();
    let blocks = body::parse(&stored).unwrap();
    assert_eq!(
        blocks[1],
        Block::Image {
            name: picture.name().clone(),
            alt: "母子健康手帳の表紙".to_owned()
        }
    );
    assert_eq!(body::plain(&blocks), "文。\n母子健康手帳の表紙");
}

#[test]
fn what_is_wrong_with_a_picture_is_said_with_its_line() {
    let name = png(b"").name().to_string();
    let of = |alt: &str| body::parse(&format!("文。\n\n![{alt}](media:{name})"));
    assert!(of(&"あ".repeat(200)).is_ok());
    for alt in ["", "  ", &"あ".repeat(201)] {
        assert_eq!(of(alt), Err(BodyError::Alt { line: 3 }), "{alt}");
    }
    for target in ["mark.png", "https://example.jp/mark.png", "media:mark.png"] {
        let problem = body::parse(&format!("文。\n![しるし]({target})")).unwrap_err();
        assert!(
            matches!(problem, BodyError::Picture { line: 2, .. }),
            "{target}: {problem}"
        );
        assert!(problem.ja().contains("images フォルダー"), "{}", problem.ja());
        assert!(problem.to_string().contains("folder form"), "{problem}");
    }
    let many = |count: usize| body::parse(&format!("文。\n{}", format!("![しるし](media:{name})\n").repeat(count)));
    assert!(many(3).is_ok());
    assert_eq!(many(4), Err(BodyError::TooManyPictures { pictures: 4 }));
    let alone = body::parse(&format!("![しるし](media:{name})"));
    assert_eq!(alone, Err(BodyError::Empty), "those who do not see it need words");
}
