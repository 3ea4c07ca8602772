//! Text that no specialist has approved.

use kizuna_domain::content::Owner;
use kizuna_domain::tenant::TenantKind;

use crate::app::{TODAY, TOWN, TestApp, Town, article_with, day, on_both, only, pack};

fn town(app: &TestApp, kind: TenantKind) -> Town<'_> {
    let mut settings = TestApp::settings();
    settings.kind = kind;
    let town = app.town_with(TOWN, &settings, &[app.outbox(TOWN)]);
    let articles = ["12w3d", "12w4d"].map(|place| {
        article_with(place, |article| {
            if place == "12w3d" {
                article.reviews.clear();
            }
        })
    });
    app.publish(&pack("daily", Owner::Desk, articles.into()));
    town
}

on_both! {
    fn unapproved_text_never_leaves_a_municipality(app) {
        for kind in [TenantKind::Municipality, TenantKind::Company] {
            let town = town(app, kind);
            town.family(if kind == TenantKind::Company { "a" } else { "b" }).add();
            let report = only(app.run());
            assert_eq!(report.sent, 0);
            assert!(report.skipped["unapproved"] > 0);
            assert!(town.letters().is_empty());
        }
    }
}

#[test]
fn unapproved_text_is_marked_where_people_practise() {
    for kind in [TenantKind::Practice, TenantKind::Demo] {
        let app = TestApp::sqlite();
        let town = town(&app, kind);
        town.family("hanako").add();
        let approved = town.family("taro").due("2027-07-04").add();
        assert_eq!(town.preview(day(TODAY)).letters, 2);
        only(app.run());
        let letters = town.letters();
        assert_eq!(letters.len(), 2);
        for letter in letters {
            let is_sample = letter.to != approved.address;
            assert_eq!(letter.sample, is_sample);
            assert_eq!(letter.subject.contains("【見本】"), is_sample, "{}", letter.subject);
            assert_eq!(letter.text.contains("【見本】"), is_sample, "{}", letter.text);
        }
    }
}

#[test]
fn an_approval_that_is_taken_back_stops_the_next_plan() {
    let app = TestApp::sqlite();
    let town = app.town();
    town.family("hanako").add();
    let mut pack = crate::app::daily("daily", crate::app::STAGES);
    for article in &mut pack.articles {
        article.reviews[0].verdict = kizuna_domain::content::Verdict::Rejected;
    }
    app.publish(&pack);
    assert_eq!(only(app.run()).sent, 0);
}
