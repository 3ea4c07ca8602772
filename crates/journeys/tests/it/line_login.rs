//! LINE Login, walked through LINE's own page: registering, saying no, coming again, getting lost, and errands.

use jiff::SignedDuration;
use kizuna_domain::position::Anchor;
use kizuna_journeys::Page;

use crate::paths::{self, FORM, LOGIN};
use crate::town::{Town, user};
use crate::walk::{Walk, in_every_way, once};

/// Says yes at LINE as somebody, and becomes a friend of the town where they are none.
fn agree(town: &Town, page: &Page<'_>, name: &str) {
    page.touch(name);
    page.press("許可する");
    if page.path().starts_with(LOGIN) {
        page.press("友だちに追加する");
        town.hear();
    }
}

/// The date that is typed before LINE is chosen is there afterwards, where the page may run its script.
fn goes_on_with_the_date(walk: &Walk<'_>, way: usize) {
    let page = &walk.page;
    if way == 3 {
        walk.date("2027", "3", "15");
    }
    page.press("たしかめる");
    page.sees("2027年3月15日");
}

#[test]
fn a_family_registers_by_line_login_and_comes_again() {
    in_every_way("27-line-login", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let name = town.open_line(page, way);
        page.open("/hidamari");
        page.sees("LINEで受け取る");
        walk.look("form");
        if way != 3 {
            walk.date("2027", "3", "15");
        }
        page.press("LINEではじめる");
        page.sees("ひだまり市 子育てだより");
        page.does_not_see("メールアドレス");
        walk.look("at-line");
        page.touch(&name);
        page.press("許可する");
        walk.look("friend");
        page.press("友だちに追加する");
        town.hear();
        page.sees("いまは、どちらですか");
        assert!(page.path().contains(paths::REGISTER));
        walk.look("register");
        assert_eq!(town.following(&user), [], "LINE's proof registers nobody");
        goes_on_with_the_date(walk, way);
        walk.look("check");
        page.press_twice("登録する");
        page.sees("登録できました");
        page.does_not_see("友だちに追加してください");
        walk.look("done");
        let living = town.following(&user);
        assert_eq!(living.len(), 1, "two presses register once");
        assert_eq!(living[0].anchor, Anchor::Due("2027-03-15".parse().unwrap()));
        let before = town.messages(&user);
        town.next_morning();
        assert!(town.messages(&user) > before, "the next morning's words come to LINE");

        page.open(FORM);
        page.press("LINEではじめる");
        agree(town, page, &name);
        page.sees("あなたのページ");
        assert!(page.path().starts_with("/hidamari/my/"));
        walk.look("again");
        assert_eq!(town.following(&user), living, "nobody is registered twice");
    });
}

#[test]
fn whoever_says_no_at_line_is_back_at_the_form_with_what_they_typed() {
    in_every_way("28-line-no", |town, walk, way| {
        let page = &walk.page;
        town.open_line(page, way);
        page.open(FORM);
        walk.date("2027", "3", "15");
        page.write("メールアドレス", "hana@reader.example");
        page.press("LINEではじめる");
        page.press("キャンセル");
        page.sees("LINEでの登録を、やめました。");
        assert!(page.path().starts_with(FORM));
        walk.look("back");
        if way == 3 {
            // Without a script the browser's own way back has it.
            page.back();
            page.back();
        }
        assert_eq!(page.reads("メールアドレス"), "hana@reader.example");
        page.press("たしかめる");
        page.sees("2027年3月15日");

        page.open(&paths::english(FORM));
        page.press("Begin on LINE");
        page.press("キャンセル");
        page.sees("You did not continue with LINE.");
        walk.look("back-en");
        page.open(&paths::easy(FORM));
        page.press("LINEで はじめる");
        page.press("キャンセル");
        page.sees("LINEの 登録を やめました。");
        walk.look("back-easy");
        assert_eq!(town.everybody(), []);
    });
}

#[test]
fn whoever_gets_lost_on_the_way_to_line_finds_every_way_on() {
    once("29-line-lost", |town, walk| {
        let page = &walk.page;
        let name = town.open_line(page, 1);
        let forged = "/hidamari/line/callback?code=x&state=y";
        for (step, path) in [
            ("forged", forged.to_owned()),
            ("forged-easy", format!("{forged}&lang=easy")),
            ("forged-en", format!("{forged}&lang=en")),
        ] {
            page.open(&path);
            assert_eq!(page.status(), 403);
            walk.look(step);
        }
        page.open(FORM);
        page.press("LINEではじめる");
        town.advance(SignedDuration::from_mins(11));
        agree(town, page, &name);
        assert_eq!(page.status(), 403);
        page.sees("LINEで確かめられませんでした");
        walk.look("late");
        page.open("/hidamari/line/callback?lang=en&error=unproved");
        page.sees("Nothing has changed.");
        page.press("Try again with LINE");
        page.forget_cookies();
        agree(town, page, &name);
        assert_eq!(page.status(), 403, "another browser");
        page.sees("LINEで確かめられませんでした");
        page.press("LINEのアプリを使わずに確かめる");
        assert!(page.path().contains("disable_auto_login=true"));
        town.line_falls_over();
        agree(town, page, &name);
        assert_eq!(page.status(), 502);
        page.sees("いま、LINEとつながりません");
        walk.look("down");
        page.open("/hidamari/line/callback?lang=easy&error=server_error");
        page.sees("LINEが 使えません");
        walk.look("down-easy");
        page.open(FORM);
        page.press("LINEではじめる");
        agree(town, page, &name);
        page.sees("いまは、どちらですか");
        assert_eq!(town.everybody(), []);
    });
}

#[test]
fn a_family_that_reads_mails_goes_over_to_line() {
    in_every_way("30-line-join", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let name = town.open_line(page, way);
        let reader = town.expects_by_mail(&format!("hana{way}@reader.example"), "2027-03-15");
        page.open(&town.own(reader, "delivery"));
        page.press_twice("LINEで受け取る");
        page.sees("LINEへ進みます");
        walk.look("on-to-line");
        page.press("LINEへ進む");
        page.press("キャンセル");
        page.sees("LINEで確かめるのを、やめました");
        walk.look("no");
        page.press("もう一度、LINEで確かめる");
        assert_eq!(town.following(&user), []);
        agree(town, page, &name);
        page.sees("LINEに届くようにしました。");
        walk.look("joined");
        assert_eq!(town.following(&user)[0].subscriber, reader);

        let other = town.expects_by_mail(&format!("sora{way}@reader.example"), "2027-03-15");
        page.open(&town.own(other, "delivery"));
        page.press("LINEで受け取る");
        page.press("LINEへ進む");
        agree(town, page, &name);
        assert_eq!(page.status(), 409);
        page.sees("別の登録で使われています");
        walk.look("taken");
        assert_eq!(town.following(&user)[0].subscriber, reader);
    });
}

#[test]
fn a_family_moves_here_and_reads_by_line() {
    in_every_way("31-line-move", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let name = town.open_line(page, way);
        let asahi = town.neighbour();
        page.open(&format!("/{asahi}/register"));
        walk.date("2027", "3", "15");
        page.press("たしかめる");
        page.press("登録する");
        page.press("日付を直す・お休みする・止める");
        page.press("ひっこす");
        page.choose("うつる先", "ひだまり市");
        page.press("うつるための番号を作る");
        let code = page.evaluate("document.querySelector('.move-code').textContent");
        page.press("うつる先のページをひらく");
        page.write("うつるための番号", code.as_str().unwrap());
        page.press("番号を確かめる");
        walk.look("check");
        page.press("LINEで受け取る");
        page.press("LINEへ進む");
        agree(town, page, &name);
        page.sees("うつりました");
        walk.look("moved");
        assert_eq!(town.following(&user).len(), 1);
    });
}

#[test]
fn whoever_was_invited_with_a_date_keeps_it_at_line() {
    in_every_way("32-line-invited", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        let name = town.open_line(page, way);
        let reader = town.expects_by_mail(&format!("hana{way}@reader.example"), "2027-03-15");
        page.open(&town.own(reader, "invite"));
        page.touch("の日付をわたす（相手は日付を入れずに登録できます）");
        page.press("リンクを作る");
        let link = page.reads("リンク（コピーして送れます）");
        page.open(&link.replace(&format!("http://{}", town.host), ""));
        page.press("登録のページへ");
        page.press("LINEではじめる");
        agree(town, page, &name);
        assert!(page.path().contains(paths::REGISTER));
        page.press("たしかめる");
        page.sees("2027年3月15日");
        walk.look("check");
        page.press("登録する");
        page.sees("登録できました");
        assert_eq!(town.following(&user).len(), 1);
        assert_ne!(town.following(&user)[0].subscriber, reader);
    });
}
