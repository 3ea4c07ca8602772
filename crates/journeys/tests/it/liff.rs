//! The page that LINE opens inside itself, with LINE's script and without.

use kizuna_line_double::Flaw;

use crate::paths::{self, FORM, LOGIN};
use crate::town::{SDK, user};
use crate::walk::{in_every_way, once};

/// The page inside LINE.
const PAGE: &str = "/hidamari/line/liff";

#[test]
fn a_family_registers_on_the_page_inside_line() {
    in_every_way("33-liff", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let name = town.open_line(page, way);
        if way == 3 {
            page.open(PAGE);
            page.does_not_see("そのままお待ちください");
            page.sees("自動で進まないときは");
            walk.look("no-script");
            page.press("LINEで確かめて進む");
            page.touch(&name);
            page.press("許可する");
            page.press("追加しないで進む");
        } else {
            let inside = town.inside_line(&user, "", None);
            page.open_until(&inside, |url, _| url.contains(paths::REGISTER));
        }
        page.sees("いまは、どちらですか");
        walk.look("register");
        walk.date("2027", "3", "15");
        page.press("たしかめる");
        page.press_twice("登録する");
        page.sees("登録できました");
        page.sees("まだ友だちでない方は、友だちに追加してください。");
        walk.look("done");
        assert_eq!(town.following(&user).len(), 1);
        if way != 3 {
            let english = town.inside_line(&user, "?lang=en&to=birth", None);
            page.open_until(&english, |url, _| url.contains("/my/"));
            assert!(page.path().ends_with("/birth?lang=en"), "{}", page.path());
            assert_eq!(town.following(&user).len(), 1, "nobody is registered twice");
        }
    });
}

#[test]
fn outside_line_the_page_leads_on_to_line_login_and_is_not_in_the_way_back() {
    once("34-liff-outside", |town, walk| {
        let page = &walk.page;
        town.open_line(page, 1);
        page.open(FORM);
        page.open_until(PAGE, |url, _| url.contains(LOGIN));
        page.sees("許可する");
        page.back();
        assert!(page.path().starts_with(FORM));
    });
}

#[test]
fn whoever_line_fails_inside_itself_finds_another_way() {
    once("35-liff-fails", |town, walk| {
        let page = &walk.page;
        let name = town.open_line(page, 1);
        page.lead(SDK, None);
        for (step, language, words) in [
            ("no-sdk", "", "自動では確かめられませんでした。何も変わっていません。"),
            ("no-sdk-easy", "?lang=easy", "確かめることが できませんでした。"),
            (
                "no-sdk-en",
                "?lang=en",
                "This did not work by itself. Nothing has changed.",
            ),
        ] {
            page.open(&format!("{PAGE}{language}"));
            page.sees(words);
            walk.look(step);
        }
        page.press("To the registration page");
        assert_eq!(page.path(), paths::english(FORM));

        let good = town.inside_line(&user(1), "", None);
        town.open_line(page, 1);
        town.move_liff();
        page.open(&good);
        page.sees("自動では確かめられませんでした");
        walk.look("no-init");

        town.open_line(page, 1);
        for flaw in [Flaw::Expired, Flaw::Audience] {
            // An address that differs behind its # only would not be opened anew.
            page.open(FORM);
            let flawed = town.inside_line(&user(1), "", Some(flaw));
            page.open_until(&flawed, |_, status| status == 403);
            page.sees("LINEで確かめられませんでした");
        }
        walk.look("refused");
        page.press("もう一度、LINEで確かめる");
        page.touch(&name);
        page.press("許可する");
        page.press("追加しないで進む");
        page.sees("いまは、どちらですか");
        assert_eq!(town.everybody(), []);
    });
}
