//! A family's whole talk against the strict stand-in for LINE: signed webhooks in, replies that LINE would take out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::http::StatusCode;
use kizuna_domain::people::{Reach, SkipReason, SubscriptionState};
use kizuna_engine::line::{Replies, say, step};
use kizuna_engine::reception;
use kizuna_line_double::{ChannelKind, ClockKind, Double, Flaw, NewChannel, Options};
use kizuna_store::tenants::Tenant;
use kizuna_store::{line as memory, people};
use serde_json::{Value, json};

use crate::delivery::{own, send};
use crate::line::{SECRET, come_back, go_on, go_out, go_out_to, line_account, on_line, user};
use crate::support::{Answer, Place};

const CHANNEL: &str = "1234567890";
const LOGIN: &str = "2000000001";
const TOKEN: &str = "long-lived-token";
const FORM: &str = "application/x-www-form-urlencoded";

/// A town whose pages are served and whose LINE is the stand-in.
struct Stage {
    place: Place,
    town: Tenant,
    double: Double,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.server.take().unwrap().join().unwrap();
    }
}

fn serve(place: &Place) -> (SocketAddr, tokio::sync::oneshot::Sender<()>, JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let site = Arc::clone(&place.site);
    let server = thread::spawn(move || {
        let stopped = async {
            let _ = stopped.await;
        };
        kizuna_web::serve(site, listener, stopped).unwrap();
    });
    (address, stop, server)
}

impl Stage {
    fn new() -> Stage {
        let (place, town) = on_line(&[], &[]);
        let (address, stop, server) = serve(&place);
        let double = Double::start(Options {
            clock: ClockKind::Set(place.env().clock.now()),
            loopback_urls: true,
            ..Options::default()
        })
        .unwrap();
        double.add_channel(NewChannel {
            id: CHANNEL.to_owned(),
            secret: SECRET.to_owned(),
            provider: "hidamari".to_owned(),
            kind: ChannelKind::Messaging,
            bot_user_id: user(0),
            basic_id: "@hidamari".to_owned(),
            long_lived_token: Some(TOKEN.to_owned()),
            webhook: Some(format!("http://{address}/hidamari/line/webhook")),
            ..NewChannel::default()
        });
        double.add_channel(NewChannel {
            id: LOGIN.to_owned(),
            secret: "login-secret".to_owned(),
            provider: "hidamari".to_owned(),
            kind: ChannelKind::Login,
            ..NewChannel::default()
        });
        double.callbacks(LOGIN, &["http://127.0.0.1:8117/hidamari/line/callback"]);
        double.add_user("hidamari", &user(7), "あおい");
        double.current_user("hidamari", &user(7));
        let settings = [
            ("basic_id", "@hidamari"),
            ("login_channel_id", LOGIN),
            ("liff_id", "2000000001-abc"),
            ("api_url", &double.url()),
            ("login_url", &double.url()),
        ];
        line_account(&place, &town, &settings, &[("login_channel_secret", "login-secret")]);
        Stage {
            place,
            town,
            double,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// Works off what came in and says what is to be said; gives the newest words on the phone.
    fn answer(&self) -> String {
        let before = self.double.receipts_of(&user(7)).len();
        let mut replies = Vec::new();
        step(self.place.env(), &mut |reply| replies.push(reply)).unwrap();
        for reply in &replies {
            say(self.place.env(), self, reply);
        }
        let phone = self.double.receipts_of(&user(7));
        assert_eq!(phone.len(), before + replies.len(), "LINE took every reply");
        phone
            .last()
            .map(|receipt| receipt.messages.to_string())
            .unwrap_or_default()
    }

    fn following(&self) -> Vec<kizuna_domain::people::Follower> {
        let env = self.place.env();
        let scope = self.town.scope();
        env.db
            .read(|tx| match memory::point(tx, &env.keys, scope, &user(7))? {
                Some(point) => people::of_subscriber(tx, &env.keys, scope, point.subscriber),
                None => Ok(Vec::new()),
            })
            .unwrap()
    }
}

impl Replies for Stage {
    fn reply(&self, _: &kizuna_channels::Account, token: &str, messages: &[Value]) -> Result<(), String> {
        let body = json!({ "replyToken": token, "messages": messages }).to_string();
        let mut answer = ureq::post(format!("{}/v2/bot/message/reply", self.double.url()))
            .config()
            .http_status_as_error(false)
            .build()
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .send(&body)
            .unwrap();
        assert_eq!(
            answer.status().as_u16(),
            200,
            "{}\n{body}",
            answer.body_mut().read_to_string().unwrap()
        );
        Ok(())
    }
}

fn linked(words: &str, page: &str) -> String {
    let start = words
        .find(&format!("/hidamari/{page}/"))
        .unwrap_or_else(|| panic!("{words}"));
    words[start..].split('"').next().unwrap().to_owned()
}

#[test]
fn a_familys_whole_talk_keeps_to_lines_rules() {
    let stage = Stage::new();
    let double = &stage.double;
    let arrived = double.befriend(CHANNEL, &user(7));
    assert_eq!(arrived[0].status, Some(200));
    let greeting = stage.answer();
    let path = linked(&greeting, "register/line");
    let form = "kind=pregnant&due_y=2027&due_m=3&due_d=15&step=register";
    assert_eq!(stage.place.post(&path, FORM, form).status, StatusCode::SEE_OTHER);
    stage.place.run();

    for (button, words) in [
        ("today", "妊娠23週6日"),
        ("past", "まだありません"),
        ("desks", "tel:"),
        ("birth", "/birth\""),
        ("settings", "/hidamari/my/"),
        ("invite", "/invite\""),
        ("restart", "お休みをおわりに"),
        ("register", "/register/line/"),
    ] {
        double.tap(CHANNEL, &user(7), &format!("kizuna:{button}"));
        let said = stage.answer();
        assert!(said.contains(words), "{button}: {said}");
    }
    double.say(CHANNEL, &user(7), "きょうは雨ですね");
    assert!(stage.answer().contains("119"));

    double.block(CHANNEL, &user(7));
    stage.answer();
    assert_eq!(stage.following()[0].reach, Reach::Silent(SkipReason::Blocked));
    double.advance(jiff::SignedDuration::from_secs(1));
    double.unblock(CHANNEL, &user(7));
    assert!(stage.answer().contains("つぎの日から"));
    assert!(matches!(stage.following()[0].reach, Reach::At { .. }));

    double.say(CHANNEL, &user(7), "停止");
    let subscription = stage.following()[0].subscription;
    assert!(stage.answer().contains("止めました"));
    assert_eq!(stage.place.state(&stage.town, subscription), SubscriptionState::Ended);
    assert_eq!(double.billed(CHANNEL), 0, "every word was free");
    assert_eq!(double.violations().len(), 0);
}

fn location(url: &str) -> String {
    let answer = ureq::get(url)
        .config()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .call()
        .unwrap();
    let location = answer
        .headers()
        .get("location")
        .unwrap_or_else(|| panic!("{url}: {}", answer.status()));
    location.to_str().unwrap().to_owned()
}

#[test]
fn a_login_at_line_leads_to_the_registration_of_the_same_user() {
    let stage = Stage::new();
    let (door, cookie) = go_out(&stage.place);
    let back = location(&door);
    let path = back.strip_prefix("http://127.0.0.1:8117").unwrap();

    let came = come_back(&stage.place, path, &cookie);

    assert_eq!(came.status, StatusCode::SEE_OTHER, "{}", came.body);
    let form = "kind=pregnant&due_y=2027&due_m=3&due_d=15&step=register";
    stage.place.post(came.header("location"), FORM, form);
    assert_eq!(stage.following().len(), 1, "the login and the talk know one user");
    assert_eq!(
        come_back(&stage.place, path, &cookie).status,
        StatusCode::FORBIDDEN,
        "a code works once"
    );
    // Whoever reads here already comes to their own pages: a guest's menu leads nowhere else.
    for (wish, page) in [("", ""), ("?to=birth", "/birth"), ("?to=today", "")] {
        let (door, cookie) = go_out_to(&stage.place, wish);
        let back = location(&door);
        let path = back.strip_prefix("http://127.0.0.1:8117").unwrap();
        let came = come_back(&stage.place, path, &cookie);
        let own = came.header("location").strip_prefix("/hidamari/my/").unwrap();
        let behind = own.find('/').map_or("", |at| &own[at..]);
        assert_eq!(behind, page, "{wish}");
        assert_eq!(stage.place.get(came.header("location")).status, StatusCode::OK);
    }
}

#[test]
fn a_page_inside_line_proves_its_user_and_no_flawed_proof_does() {
    let stage = Stage::new();
    let shown = |flaw: Option<Flaw>, channel: &str| -> Answer {
        let token = stage.double.id_token(channel, &user(7), None, flaw);
        stage
            .place
            .post("/hidamari/line/liff", FORM, &format!("id_token={token}"))
    };
    let good = shown(None, LOGIN);
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.body);
    assert!(good.header("location").starts_with("/hidamari/register/line/"));
    for flaw in [
        Flaw::Expired,
        Flaw::Audience,
        Flaw::Issuer,
        Flaw::Unsigned,
        Flaw::Hs256,
        Flaw::WrongKey,
        Flaw::UnknownKey,
    ] {
        assert_eq!(shown(Some(flaw), LOGIN).status, StatusCode::FORBIDDEN, "{flaw:?}");
    }
}

#[test]
fn a_login_at_line_brings_a_readers_messages_there_and_nobody_elses() {
    let stage = Stage::new();
    let (place, env) = (&stage.place, stage.place.env());
    let town = place.tenant("hidamari");
    let pressed = |nickname: &str| {
        let page = own(place, &town, place.family(&town, nickname).subscriber, "delivery");
        place.get(&page).says("LINEで受け取る");
        send(place, &page, &[("step", "line")])
    };
    let at_line = |pressed: &Answer| {
        let (door, cookie) = go_on(place, pressed);
        let back = location(&door);
        let path = back.strip_prefix("http://127.0.0.1:8117").unwrap().to_owned();
        come_back(place, &path, &cookie)
    };

    let first = pressed("そら");
    let came = at_line(&first);
    assert_eq!(came.status, StatusCode::SEE_OTHER, "{}", came.body);
    place.get(came.header("location")).says("LINEに届くようにしました");
    let taken = at_line(&pressed("つぶ"));
    assert_eq!(taken.status, StatusCode::CONFLICT);
    taken.says("別の登録で使われています").is_silent_about("/my/");
    let again = at_line(&first);
    assert_eq!(again.status, StatusCode::NOT_FOUND, "a ticket works once");
    again.is_silent_about("/my/");

    let used = |nickname: &str| {
        let ways = reception::of(env, &town, place.family(&town, nickname).subscriber)
            .unwrap()
            .unwrap();
        ways.ways.into_iter().find(|way| way.is_used).unwrap().channel
    };
    assert_eq!((used("そら"), used("つぶ")), ("line".to_owned(), "outbox".to_owned()));
}
