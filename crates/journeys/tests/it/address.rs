//! An address that mails come back from is repaired on the web.

use kizuna_domain::people::Reach;

use crate::walk::in_every_way;

#[test]
fn a_family_learns_that_mails_came_back_and_repairs_it() {
    in_every_way("19-address", |town, walk, way| {
        let (page, address) = (&walk.page, format!("hana{way}@reader.example"));
        let reader = town.expects_by_mail(&address, "2027-03-15");
        let link = town.own(reader, "address");
        page.open(&link);
        page.sees("メールは届いています");
        walk.look("well");
        town.bounces(&address);
        page.open(&link);
        page.sees("メールが届いていません");
        walk.look("ill");
        assert!(!matches!(town.followed(reader)[0].reach, Reach::At { .. }));
        page.press("確かめるメールを送る");
        page.sees("確かめるメールを送りました。");
        walk.look("sent");
        page.open(&town.link_in(&town.newest_mail(&address), "repair"));
        walk.look("repair");
        page.press_twice("また届くようにする");
        page.sees("これで、また届きます");
        walk.look("repaired");
        assert!(matches!(town.followed(reader)[0].reach, Reach::At { .. }));
    });
}
