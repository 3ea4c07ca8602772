//! The look of a town's pages in `kizuna.toml`: one of six hues, and a small logo; anything else is refused with its line.

use crate::place::Place;

const OUTBOX: &str = "[tenant.outbox]\nfolder = \"outbox\"\n";

fn with_look(look: &str) -> Place {
    Place::configured(&format!("{OUTBOX}[tenant.look]\n{look}\n"))
}

/// A picture by its header.
fn png(size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(size, 7);
    bytes
}

#[test]
fn a_hue_and_a_logo_are_applied_by_migrate() {
    let place = with_look("theme = \"kaki\"\nlogo = \"mark.png\"");
    std::fs::write(place.path("mark.png"), png(20_000)).unwrap();
    place.kizuna(&["migrate"]).expect(0);
    let check = place.kizuna(&["check", "--offline"]);
    assert!(!check.out.contains("まだ反映されていません"), "{}", check.out);

    // Another picture under the same name is another setting.
    std::fs::write(place.path("mark.png"), png(19_999)).unwrap();
    let check = place.kizuna(&["check", "--offline"]);
    assert!(check.out.contains("まだ反映されていません"), "{}", check.out);
}

#[test]
fn a_colour_of_one_s_own_and_a_logo_that_is_none_are_refused() {
    for (look, bytes, words) in [
        ("theme = \"#00AA99\"", None, "midori"),
        ("color = \"ai\"", None, "color"),
        ("logo = \"mark.png\"", None, "mark.png"),
        ("logo = \"mark.png\"", Some(png(20_001)), "at most 20 KB"),
        ("logo = \"mark.png\"", Some(b"<svg/>".to_vec()), "neither PNG nor JPEG"),
    ] {
        let place = with_look(look);
        if let Some(bytes) = &bytes {
            std::fs::write(place.path("mark.png"), bytes).unwrap();
            let line = place
                .read("kizuna.toml")
                .lines()
                .position(|line| line.starts_with("logo"))
                .unwrap()
                + 1;
            let refused = place.kizuna(&["migrate"]).expect(1);
            assert!(refused.err.contains(&format!("line {line}")), "{}", refused.err);
        }
        let refused = place.kizuna(&["migrate"]).expect(1);
        assert!(refused.err.contains(words), "{look}: {}", refused.err);
        assert!(!place.path("kizuna.db").exists(), "nothing ran");
    }
}
