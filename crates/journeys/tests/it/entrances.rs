//! The public ways in: by mail, by an empty mail, and on the page alone.

use crate::paths::{self, FORM};
use crate::walk::{in_every_way, once};

#[test]
fn a_family_registers_by_mail_and_the_next_morning_the_words_come() {
    in_every_way("14-mail", |town, walk, way| {
        let (page, address) = (&walk.page, format!("hana{way}@reader.example"));
        page.open(FORM);
        page.sees("どうやって受け取りますか");
        walk.look("form");
        page.touch("妊娠中");
        walk.date("2027", "3", "15");
        page.touch("メール");
        page.write("メールアドレス", "hana@");
        walk.look("filled");
        page.press("たしかめる");
        assert_eq!(page.status(), 422);
        page.sees("メールアドレスの形がちがうようです");
        walk.look("no-address");
        page.press("メールアドレスの形がちがうようです。xxxx@example.jp のように入れてください。");
        assert_eq!(page.focused(), "メールアドレス", "the summary leads to the field");
        page.write("メールアドレス", &address);
        page.press("たしかめる");
        page.sees("きょうは 妊娠2");
        walk.look("check");
        page.press_twice("確認のメールを受け取る");
        page.sees("メールを送りました");
        walk.look("sent");
        assert_eq!(town.mails(&address), 1, "two presses send one mail");
        assert_eq!(town.reader_at(&address), None, "nobody is registered by a form");

        let link = town.link_in(&town.newest_mail(&address), "confirm");
        page.open(&link);
        page.sees(&address);
        walk.look("confirm");
        assert_eq!(town.reader_at(&address), None, "a look registers nobody");
        page.press_twice("登録する");
        page.sees("登録できました");
        walk.look("done");
        let reader = town.reader_at(&address).unwrap();
        assert_eq!(town.followed(reader).len(), 1);
        page.back();
        page.open(&link);
        page.sees("登録できました");
        assert_eq!(town.followed(reader).len(), 1);

        town.next_morning();
        let mail = town.newest_mail(&address);
        page.open(&town.link_in(&mail, "words"));
        page.sees("ことば");
        walk.look("words");
        page.open(&town.link_in(&mail, paths::OWN));
        page.sees("あなたのページ");
    });
}

#[test]
fn a_family_sends_an_empty_mail_and_registers_behind_the_answer() {
    in_every_way("15-empty-mail", |town, walk, way| {
        let (page, address) = (&walk.page, format!("hana{way}@docomo.example"));
        town.send_empty_mail(&address);
        page.open(&town.link_in(&town.newest_mail(&address), "register"));
        page.does_not_see("どうやって受け取りますか");
        walk.look("form");
        page.touch("子育て中");
        page.press("たしかめる");
        assert_eq!(page.status(), 422);
        page.sees("お子さんの誕生日をえらんでください。");
        walk.look("no-date");
        walk.date("2026", "11", "1");
        page.press("たしかめる");
        walk.look("check");
        page.press_twice("登録する");
        page.sees("登録できました");
        walk.look("done");
        let reader = town.reader_at(&address).unwrap();
        assert_eq!(town.followed(reader).len(), 1);
    });
}

#[test]
fn a_family_registers_to_read_on_the_page_alone() {
    in_every_way("16-web", |town, walk, way| {
        let page = &walk.page;
        page.open(FORM);
        page.touch("妊娠中");
        walk.date("2027", "3", "15");
        page.touch("このページで読む");
        page.press("たしかめる");
        walk.look("check");
        page.press_twice("登録する");
        page.sees("あなただけのリンク");
        walk.look("done");
        assert_eq!(town.everybody().len(), way);
        let done = page.path();
        let words = page.reads("ことばのページ");
        let words = words.replace(&format!("http://{}", town.host), "");
        let reader = town.reader_of(&words);
        assert_eq!(town.followed(reader).len(), 1);
        assert!(
            done.starts_with(&words),
            "what the browser saves is the link that lasts"
        );
        page.press("きょうのことばを読む");
        walk.look("words");

        for _ in 0..8 {
            town.next_morning();
        }
        page.open(&words);
        walk.look("words-later");
        page.press("これまでのことば");
        walk.look("past");
        page.write("ことばをさがす", "ありえないことば");
        page.press("さがす");
        page.sees("見つかりませんでした");
        walk.look("found-none");
        page.press("すべてのことばにもどる");
        page.write("ことばをさがす", "体");
        page.press("さがす");
        page.sees("見つかりました");
        walk.look("found");
        page.press("印刷できるページ");
        page.sees("ことばの記録");
        walk.look("print");
        page.open(&town.own(reader, ""));
        page.sees("あなたのページ");
        walk.look("home");
        page.open(&done);
    });
}

#[test]
fn an_old_phone_that_cannot_press_a_button_by_script_goes_on_at_the_first_press() {
    once("16b-old-phone", |town, walk| {
        let page = &walk.page;
        let forget = "delete HTMLFormElement.prototype.requestSubmit";
        page.open(FORM);
        page.evaluate(forget);
        page.touch("妊娠中");
        walk.date("2027", "3", "15");
        page.touch("このページで読む");
        page.press("たしかめる");
        page.sees("これで登録しますか");
        page.evaluate(forget);
        page.press("登録する");
        page.sees("登録できました");
        assert_eq!(town.everybody().len(), 1);
    });
}

#[test]
fn words_of_a_day_that_came_are_there_for_years() {
    once("17-day", |town, walk| {
        let page = &walk.page;
        let reader = town.expects_by_mail("hana@reader.example", "2027-03-15");
        for _ in 0..4 {
            town.next_morning();
        }
        let words = town.words(reader);
        page.open(&format!("{words}/past"));
        let day = page.evaluate("document.querySelector('ol.rows a').getAttribute('href')");
        page.open(day.as_str().unwrap());
        walk.look("day");
        page.open(&paths::forged(&words));
        assert_eq!(page.status(), 404);
        walk.look("forged");
        page.open(&paths::elsewhere(&words, &town.neighbour()));
        assert_eq!(page.status(), 404);
        walk.look("elsewhere");
        town.advance(jiff::SignedDuration::from_hours(24 * 800));
        page.open(&words);
        walk.look("after-years");
    });
}
