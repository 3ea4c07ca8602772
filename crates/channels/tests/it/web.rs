//! The page that stands for a provider.

use kizuna_channels::{Channel, Permit, channel};

use crate::support::{Recorder, account, batch, briefs, letters, net, with};

fn web() -> &'static dyn Channel {
    channel("web").unwrap()
}

/// What became of three letters for these answers of the journal.
fn carried(permits: &[(usize, Permit)]) -> String {
    let mut journal = Recorder::answering(permits);
    web()
        .open(&account(&[], &[]), &net())
        .unwrap()
        .send(&batch(&letters(3)), &mut journal)
        .unwrap();
    briefs(&journal, 3)
}

#[test]
fn whatever_the_journal_lets_go_lies_on_the_page() {
    for (permits, outcomes) in [
        (vec![], "accepted, accepted, accepted"),
        (vec![(1, Permit::Skip)], "accepted, -, accepted"),
        (vec![(0, Permit::Skip), (1, Permit::Skip), (2, Permit::Skip)], "-, -, -"),
        (vec![(1, Permit::Stop)], "-, -, -"),
    ] {
        assert_eq!(carried(&permits), outcomes, "{permits:?}");
    }
}

#[test]
fn a_page_needs_no_settings_and_knows_repeats_for_ever() {
    assert!(web().settings().is_empty() && web().check(&account(&[], &[])).is_empty());
    assert!(web().probe(&account(&[], &[]), &net()).is_ok());
    assert!(web().capability().recognises_repeats_for.is_some());

    let mistyped = with(account(&[], &[]), "folder", "pages");
    assert_eq!(web().check(&mistyped).len(), 1);
}
