//! Pictures in packs: what is taken, what is refused and why, and that they come out as they went in.

use serde_json::json;

use crate::place::Place;

const OUTBOX: &str = "[tenant.outbox]\nfolder = \"outbox\"\n";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nfirst";

/// A pack `folder` of one article with this body and these pictures.
fn pack(place: &Place, folder: &str, body: &str, pictures: &[(&str, &[u8])]) {
    std::fs::create_dir_all(place.path(&format!("{folder}/images"))).unwrap();
    place.write(
        &format!("{folder}/pack.toml"),
        "format = 1\ntrack = \"starter\"\ntitle = \"見本\"\nowner = \"desk\"\nlanguage = \"ja\"\n\
         sender_label = \"きずなだより\"\n",
    );
    let head = "id = \"sleep\"\nslot = \"d7\"\ntitle = \"ねるときは、あおむけに\"\n\
        sources = [{ title = \"安全に眠れるように\", publisher = \"こども家庭庁\", year = 2025 }]";
    place.write(&format!("{folder}/sleep.md"), &format!("+++\n{head}\n+++\n{body}"));
    for (name, bytes) in pictures {
        std::fs::write(place.path(&format!("{folder}/images/{name}")), bytes).unwrap();
    }
}

fn town() -> Place {
    let place = Place::configured(OUTBOX);
    place.kizuna(&["migrate"]).expect(0);
    place
}

#[test]
fn a_picture_comes_in_with_its_article_and_goes_out_with_it() {
    let (place, other) = (town(), town());
    pack(
        &place,
        "with",
        "あおむけで。\n\n![ねている赤ちゃん](nemuri.png)\n",
        &[("nemuri.png", PNG)],
    );
    place.kizuna(&["import", "content", "with"]).expect(0);
    place
        .kizuna(&["export", "content", "out", "--track", "starter"])
        .expect(0);
    let images: Vec<_> = std::fs::read_dir(place.path("out/images")).unwrap().collect();
    assert_eq!(images.len(), 1);
    let image = images[0].as_ref().unwrap();
    assert_eq!(std::fs::read(image.path()).unwrap(), PNG);
    let name = image.file_name().into_string().unwrap();
    assert!(
        place
            .read("out/sleep.md")
            .contains(&format!("![ねている赤ちゃん]({name})"))
    );

    let import = |place: &Place, path: &str| {
        let path = path.to_owned();
        place.kizuna(&["--json", "import", "content", &path]).expect(0).json()
    };
    let again = import(&place, "out");
    assert_eq!(
        (&again["new_revisions"], &again["published"]),
        (&json!(0), &json!(false))
    );
    place
        .kizuna(&["export", "content", "out.csv", "--track", "starter"])
        .expect(0);
    assert_eq!(
        import(&place, "out.csv")["published"],
        json!(false),
        "the digest is known here"
    );

    // Elsewhere the table alone is not enough; the folder is.
    let table = place.path("out.csv");
    let refused = other.kizuna(&["import", "content", table.to_str().unwrap()]).expect(1);
    let said = format!("{}{}", refused.out, refused.err);
    assert!(
        said.contains("sleep：写真") && said.contains("フォルダーの形"),
        "{said}"
    );
    import(&other, place.path("out").to_str().unwrap());
    import(&other, table.to_str().unwrap());
}

#[test]
fn every_fault_of_a_picture_is_said_with_its_file_and_what_to_do() {
    let place = town();
    let big = [PNG, &vec![0; 1_000_000]].concat();
    let pictures: [(&str, &[u8]); 3] = [("ok.png", PNG), ("movie.png", b"GIF89a"), ("big.png", &big)];
    for (line, ja, en) in [
        (
            "![え](nai.png)",
            "images フォルダーにありません",
            "not in the folder images",
        ),
        (
            "![え](../sleep.md)",
            "images フォルダーにありません",
            "not in the folder images",
        ),
        (
            "![え](movie.png)",
            "PNG でも JPEG でもありません",
            "neither PNG nor JPEG",
        ),
        ("![え](big.png)", "1 MB をこえています", "larger than 1 MB"),
        ("![](ok.png)", "何がうつっているか", "what the picture shows"),
        (
            "![え](ok.png)\n![え](ok.png)\n![え](ok.png)\n![え](ok.png)",
            "3 枚まで",
            "at most 3",
        ),
    ] {
        pack(&place, "bad", &format!("あおむけで。\n\n{line}\n"), &pictures);
        for (language, words) in [("ja", ja), ("en", en)] {
            let refused = place.kizuna(&["--lang", language, "import", "content", "bad"]);
            let said = format!("{}{}", refused.out, refused.err);
            assert!(said.contains("sleep.md") && said.contains(words), "{line}: {said}");
        }
    }
    place
        .kizuna(&["export", "content", "out", "--track", "starter"])
        .expect(1);
}
