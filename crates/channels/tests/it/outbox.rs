//! The folder that stands for a provider.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kizuna_channels::{Account, Address, Permit, channel};
use kizuna_testkit::programs::run_python;

use crate::support::{Recorder, account, batch, briefs, ending, letter, letters, net, with};

fn outbox(folder: &Path) -> Account {
    account(&[("folder", folder.to_str().unwrap())], &[])
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_letter_becomes_one_complete_message_in_a_folder_made_for_it() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("deep/er");
    let mut journal = Recorder::default();

    channel("outbox")
        .unwrap()
        .open(&outbox(&folder), &net())
        .unwrap()
        .send(&batch(&letters(2)), &mut journal)
        .unwrap();

    assert_eq!(briefs(&journal, 2), "accepted, accepted");
    assert_eq!(journal.asked(), [0, 1]);
    let files = files(&folder);
    let names: Vec<_> = files.keys().collect();
    assert_eq!(names, ["2024-12-24-k0-2024-12-24.eml", "2024-12-24-k1-2024-12-24.eml"]);
    let read = "import email, email.policy, sys
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
print(m['Subject'], m['To'], '【見本】妊娠12週3日' in m.get_body(('plain',)).get_content().splitlines())";
    assert_eq!(
        run_python(read, &[], &files["2024-12-24-k1-2024-12-24.eml"]),
        "【見本】きずなだより：つわりのころの食事と、からだを休めるくふうについて hanako1@example.jp True\n"
    );
}

#[test]
fn json_has_fields_that_programs_can_rely_on() {
    let folder = tempfile::tempdir().unwrap();
    let account = with(outbox(folder.path()), "format", "json");
    let letter = letter(5);
    let mut journal = Recorder::default();

    channel("outbox")
        .unwrap()
        .open(&account, &net())
        .unwrap()
        .send(&batch(std::slice::from_ref(&letter)), &mut journal)
        .unwrap();

    let files = files(folder.path());
    let page: serde_json::Value = serde_json::from_slice(&files["2024-12-24-k5-2024-12-24.json"]).unwrap();
    let expected = serde_json::json!({
        "key": "k5-2024-12-24",
        "to": "hanako5@example.jp",
        "subject": "【見本】きずなだより：つわりのころの食事と、からだを休めるくふうについて",
        "stage": "妊娠12週3日",
        "text": kizuna_channels::render::text(&letter.draft, &letter.links),
        "links": {
            "stop": "https://kizuna.example.jp/t/stop5", "one_click": "https://kizuna.example.jp/u/click5",
            "words": "https://kizuna.example.jp/t/words5", "own": "https://kizuna.example.jp/t/my5",
        },
        "language": "ja",
        "sample": true,
    });
    assert_eq!(page, expected);
}

#[test]
fn a_letter_that_lies_there_already_is_delivered_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("2024-12-24-k0-2024-12-24.eml");
    fs::write(&place, "as it was").unwrap();
    let mut journal = Recorder::default();

    channel("outbox")
        .unwrap()
        .open(&outbox(folder.path()), &net())
        .unwrap()
        .send(&batch(&letters(1)), &mut journal)
        .unwrap();

    assert_eq!(briefs(&journal, 1), "accepted");
    assert_eq!(fs::read_to_string(place).unwrap(), "as it was");
    assert_eq!(files(folder.path()).len(), 1, "and no half file is left");
    assert!(channel("outbox").unwrap().capability().recognises_repeats_for.is_some());
}

#[test]
fn what_the_journal_stops_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Recorder::answering(&[(0, Permit::Skip), (2, Permit::Stop)]);

    channel("outbox")
        .unwrap()
        .open(&outbox(folder.path()), &net())
        .unwrap()
        .send(&batch(&letters(4)), &mut journal)
        .unwrap();

    assert_eq!(briefs(&journal, 4), "-, accepted, -, -");
    assert_eq!(journal.asked(), [0, 1, 2]);
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn no_key_leads_out_of_the_folder() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("box");
    for (format, key) in [("json", "../../x"), ("eml", "/etc/x"), ("json", "a/b"), ("eml", "..")] {
        let mut letter = letter(0);
        key.clone_into(&mut letter.key);
        let mut journal = Recorder::default();
        let account = with(outbox(&folder), "format", format);

        channel("outbox")
            .unwrap()
            .open(&account, &net())
            .unwrap()
            .send(&batch(&[letter]), &mut journal)
            .unwrap();

        assert_eq!(briefs(&journal, 1), "held payload");
    }
    assert!(files(&folder).is_empty() && fs::read_dir(temp.path()).unwrap().count() == 1);
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_session_and_loses_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("box");
    let mut session = channel("outbox").unwrap().open(&outbox(&folder), &net()).unwrap();
    fs::remove_dir(&folder).unwrap();
    let mut journal = Recorder::default();

    let end = session.send(&batch(&letters(2)), &mut journal);

    assert_eq!(
        (briefs(&journal, 2).as_str(), ending(&end)),
        ("deferred final, -", "unreachable")
    );
    fs::write(&folder, "not a folder").unwrap();
    assert_eq!(
        ending(&channel("outbox").unwrap().probe(&outbox(&folder), &net())),
        "refused"
    );
}

#[test]
fn an_address_without_a_form_is_told_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut letters = letters(2);
    letters[0].to = Address("nobody".to_owned());
    let mut journal = Recorder::default();

    channel("outbox")
        .unwrap()
        .open(&outbox(folder.path()), &net())
        .unwrap()
        .send(&batch(&letters), &mut journal)
        .unwrap();

    assert_eq!(briefs(&journal, 2), "address-gone recipient, accepted");
}
