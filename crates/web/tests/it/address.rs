//! Mail that does not arrive, on the family's own page: what happened, what to do, and a button that repairs.

use axum::http::StatusCode;
use kizuna_domain::people::{Follower, PointState, Reach};
use kizuna_domain::tenant::TenantKind;
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::addresses::{self, Bounced};
use kizuna_engine::actions::tenants::{self, NewAccount};
use kizuna_engine::actions::{Actor, data, people};
use kizuna_engine::{links, transactional};
use kizuna_store::tenants::Tenant;
use kizuna_store::troubles;

use crate::support::{Answer, Place, TODAY};

const FORM: &str = "application/x-www-form-urlencoded";

struct Story {
    place: Place,
    town: Tenant,
    sora: Follower,
}

fn sora() -> Story {
    let place = Place::bare();
    let town = place.town("hidamari", "ひだまり市", TenantKind::Demo, "json");
    let sora = place.family(&town, "そら");
    Story { place, town, sora }
}

impl Story {
    fn point(&self) -> kizuna_domain::ids::PointId {
        match self.sora.reach {
            Reach::At { point, .. } => point,
            Reach::Silent(why) => panic!("{why:?}"),
        }
    }

    fn own(&self) -> String {
        let until = TODAY.parse::<kizuna_domain::day::Day>().unwrap() + 30;
        let token = links::own_token(
            &self.place.env().keys,
            self.town.id,
            links::Holder::first(self.sora.subscriber),
            until,
        );
        format!("/hidamari/my/{token}/address")
    }

    fn page(&self, query: &str) -> Answer {
        self.place.get(&format!("{}{query}", self.own()))
    }

    fn bounce(&self, trouble: Trouble) -> Bounced {
        addresses::bounced(self.place.env(), &self.town, self.point(), trouble).unwrap()
    }

    fn state(&self) -> PointState {
        let env = self.place.env();
        let point = env
            .db
            .read(|tx| troubles::point(tx, &env.keys, self.town.scope(), self.point()));
        point.unwrap().unwrap().state
    }

    /// The path in the only mail that left.
    fn link(&self) -> String {
        assert_eq!(transactional::work(self.place.env()).unwrap(), 1);
        let files = std::fs::read_dir(self.place.outbox("hidamari")).unwrap();
        let texts: Vec<String> = files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let found: Vec<String> = texts
            .iter()
            .filter_map(|text| text.split_once("/hidamari/repair/"))
            .map(|(_, rest)| {
                rest.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                    .collect()
            })
            .collect();
        assert_eq!(found.len(), 1);
        format!("/hidamari/repair/{}", found[0])
    }
}

#[test]
fn the_page_says_what_happened_and_never_which_address() {
    for (trouble, words) in [
        (Trouble::Gone, "そのメールアドレスはありません"),
        (Trouble::Blocked, "受信設定（迷惑メールの設定）で、止められたようです"),
        (Trouble::Filtered, "受信設定（迷惑メールの設定）で、止められたようです"),
    ] {
        let sora = sora();
        sora.page("")
            .says("メールは届いています")
            .is_silent_about("確かめるメールを送る");
        sora.bounce(trouble);
        let page = sora.page("");
        assert_eq!(page.status, StatusCode::OK);
        page.says(words).says("確かめるメールを送る").says("届けかたを変える");
        page.is_silent_about("@").is_silent_about("そら");
        assert_eq!(
            page.body.contains("いまは、このアドレスにはお送りしていません"),
            trouble != Trouble::Filtered
        );
        sora.page("?lang=en").says("Send me a mail");
        sora.page("?lang=easy")
            .says("<ruby>")
            .says("メールを")
            .is_silent_about("《");
    }
}

#[test]
fn the_page_names_the_domain_to_let_through() {
    let sora = sora();
    let settings = [
        ("host", "smtp.example.jp"),
        ("from_address", "kosodate@hidamari.example"),
    ];
    let account = NewAccount {
        channel: "email".to_owned(),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..NewAccount::default()
    };
    let (env, town) = (sora.place.env(), &sora.town);
    tenants::put(env, &town.code, &town.name, &town.settings, &[account]).unwrap();
    sora.bounce(Trouble::Filtered);
    let page = sora.page("?done=sent");
    page.says("<b lang=\"en\">hidamari.example</b>");
    page.says("5分たっても届かないとき").is_silent_about("kosodate@");
}

#[test]
fn the_button_sends_a_mail_whose_own_button_repairs() {
    let sora = sora();
    assert_eq!(sora.bounce(Trouble::Gone), Bounced::Suppressed);
    let asked = sora.place.post(&sora.own(), FORM, "");
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let back = asked.header("location").to_owned();
    sora.place.get(&back).says("確かめるメールを送りました。");
    let link = sora.link();

    let page = sora.place.get(&link);
    page.says("また届くようにする").says(&format!("action=\"{link}\""));
    assert_eq!(sora.state(), PointState::Suppressed, "looking repairs nothing");
    for _ in 0..2 {
        let done = sora.place.post(&link, FORM, "");
        assert_eq!(
            (done.status, done.header("location")),
            (StatusCode::SEE_OTHER, link.as_str())
        );
        assert_eq!(sora.state(), PointState::Verified);
    }
    sora.place
        .get(&link)
        .says("これで、また届きます")
        .is_silent_about("<form");
    sora.page("").says("メールは届いています");
    // The back button leads to the form; nothing is left to repair.
    assert_eq!(sora.place.post(&sora.own(), FORM, "").header("location"), sora.own());
}

#[test]
fn nobody_who_stopped_or_was_erased_is_told_that_mail_arrives() {
    for is_erased in [false, true] {
        let sora = sora();
        let (env, scope, reader) = (sora.place.env(), sora.town.scope(), sora.sora.subscriber);
        if is_erased {
            data::erase(env, scope, reader).unwrap();
        } else {
            people::stop(env, scope, reader, Actor::Reader).unwrap();
        }
        sora.page("").is_silent_about("届いています");
    }
}

#[test]
fn a_day_has_only_so_many_of_these_mails() {
    let sora = sora();
    sora.bounce(Trouble::Gone);
    for _ in 0..3 {
        sora.place.post(&sora.own(), FORM, "");
    }
    let asked = sora.place.post(&sora.own(), FORM, "");
    sora.place
        .get(asked.header("location"))
        .says("きょうは、これ以上お送りできません。");
}

#[test]
fn a_link_that_is_forged_expired_or_another_towns_repairs_nothing() {
    let sora = sora();
    sora.place.town("komorebi", "こもれび市", TenantKind::Demo, "json");
    sora.bounce(Trouble::Gone);
    sora.place.post(&sora.own(), FORM, "");
    let link = sora.link();
    for path in [
        format!("{link}x"),
        link.replace("hidamari", "komorebi"),
        "/hidamari/repair/forged".to_owned(),
        sora.own().replace("hidamari", "komorebi"),
    ] {
        for answer in [sora.place.get(&path), sora.place.post(&path, FORM, "")] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    sora.place.clock.set("2026-11-24T23:30:00Z");
    assert_eq!(sora.place.post(&link, FORM, "").status, StatusCode::NOT_FOUND);
    assert_eq!(sora.state(), PointState::Suppressed);
}
