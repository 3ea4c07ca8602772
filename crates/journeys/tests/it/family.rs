//! How words come, who else reads them, where they go on, and what is kept.

use crate::paths::{self, FORM};
use crate::town::user;
use crate::walk::{in_every_way, once};

#[test]
fn a_family_chooses_another_hour_and_another_address() {
    in_every_way("20-delivery", |town, walk, way| {
        let (page, user) = (&walk.page, user(way));
        town.expects(&user, "2027-03-15");
        let reader = town.following(&user)[0].subscriber;
        let link = town.own(reader, "delivery");
        page.open(&link);
        walk.look("form");
        page.touch("18時から");
        page.press("この時間にする");
        page.sees("届く時間を変えました。");
        walk.look("hour");

        page.open(&link);
        page.write("新しいメールアドレス", "hana@");
        page.press("確かめるメールを送る");
        assert_eq!(page.status(), 422);
        walk.look("no-address");
        let address = format!("hana{way}@reader.example");
        page.write("新しいメールアドレス", &address);
        page.press("確かめるメールを送る");
        page.sees("メールを送りました。");
        walk.look("sent");
        let confirm = town.link_in(&town.newest_mail(&address), "delivery");
        page.open(&confirm);
        walk.look("confirm");
        assert_eq!(town.reader_at(&address), None, "a look changes nothing");
        page.press_twice("このアドレスで受け取る");
        page.sees("受け取るところを変えました");
        walk.look("confirmed");
        assert_eq!(town.reader_at(&address), Some(reader));
        page.open(&link);
        walk.look("two-ways");
    });
}

#[test]
fn a_family_invites_somebody_who_registers_for_themselves() {
    in_every_way("21-invite", |town, walk, way| {
        let page = &walk.page;
        let reader = town.expects_by_mail(&format!("hana{way}@reader.example"), "2027-03-15");
        page.open(&town.own(reader, "invite"));
        walk.look("form");
        page.press_twice("リンクを作る");
        page.sees("リンクを作りました。");
        walk.look("made");
        page.touch("QRコードを見せる");
        walk.look("qr");
        let link = page.reads("リンク（コピーして送れます）");
        let link = link.replace(&format!("http://{}", town.host), "");
        page.open(&link);
        page.does_not_see("hana");
        walk.look("invited");
        page.press("登録のページへ");
        walk.look("register");
        page.touch("妊娠中");
        walk.date("2027", "3", "15");
        page.touch("このページで読む");
        page.press("たしかめる");
        page.press("登録する");
        page.sees("登録できました");
        assert_eq!(town.everybody().len(), 2 * way);

        page.open(&town.own(reader, "invite"));
        page.press("この招待をやめる");
        page.sees("招待をやめました。");
        walk.look("withdrawn");
        page.open(&link);
        assert_eq!(page.status(), 404);
        walk.look("closed");
    });
}

#[test]
fn a_family_takes_its_records_with_it_and_erases_them() {
    in_every_way("22-data", |town, walk, way| {
        let page = &walk.page;
        let address = format!("hana{way}@reader.example");
        let reader = town.expects_by_mail(&address, "2027-03-15");
        let link = town.own(reader, "data");
        page.open(&link);
        walk.look("kept");
        page.press("けすページへ");
        walk.look("erase");
        page.press("けさないでもどる");
        page.open(&format!("{link}/erase"));
        page.press_twice("けす");
        page.sees("けしました");
        walk.look("erased");
        assert_eq!(town.followed(reader), []);
        assert_eq!(town.reader_at(&address), None);
    });
}

#[test]
fn a_family_moves_to_another_town_with_a_number() {
    in_every_way("23-move", |town, walk, way| {
        let page = &walk.page;
        town.neighbour();
        let reader = town.expects_by_mail(&format!("hana{way}@reader.example"), "2027-03-15");
        let link = town.own(reader, "move");
        page.open(&link);
        walk.look("form");
        page.choose("うつる先", "あさひ市");
        page.press("うつるための番号を作る");
        page.sees("番号を作りました。");
        walk.look("code");
        let code = page.evaluate("document.querySelector('.move-code').textContent");
        let code = code.as_str().unwrap().to_owned();
        page.press("うつる先のページをひらく");
        walk.look("arrive");
        page.write("うつるための番号", "ABCD1234");
        page.press("番号を確かめる");
        assert_eq!(page.status(), 422);
        page.sees("この番号は使えません。");
        walk.look("wrong-code");
        page.write("うつるための番号", &code);
        page.press("番号を確かめる");
        page.sees("妊娠23週6日");
        walk.look("check");
        assert_eq!(town.followed(reader).len(), 1, "looking moves nobody");
        page.press_twice("自分のページで読む");
        page.sees("うつりました");
        walk.look("moved");
        assert_eq!(town.followed(reader), []);
    });
}

/// Pages that anybody opens.
const PUBLIC: [(&str, &str); 8] = [
    ("desks", "/hidamari/desks"),
    ("support", "/hidamari/support"),
    ("accessibility", "/hidamari/accessibility"),
    ("front", "/hidamari"),
    ("form", FORM),
    ("sent", "/hidamari/register/sent"),
    ("stopped", "/hidamari/stopped"),
    ("move-in", "/hidamari/move-in"),
];

#[test]
fn pages_for_everybody_can_be_read() {
    in_every_way("24-public", |_, walk, _| {
        for (step, path) in PUBLIC {
            walk.page.open(path);
            walk.look(step);
        }
    });
}

#[test]
fn pages_for_everybody_speak_plain_japanese_and_english() {
    once("39-public", |_, walk| {
        for (step, path) in PUBLIC {
            walk.page.open(&paths::easy(path));
            walk.look(&format!("{step}-easy"));
            walk.page.open(&paths::english(path));
            walk.look(&format!("{step}-en"));
        }
    });
}
