//! Mail that comes in: who is answered, which address is blamed, and what nobody can make us do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::day::Day;
use kizuna_domain::people::{PointState, Reach, SkipReason};
use kizuna_domain::trouble::Trouble;
use kizuna_engine::actions::addresses::{self, Ailing, Asked};
use kizuna_engine::inbound::{self, BROKEN_DAYS_MAX, BROKEN_MAX, Look, Maildir, State};
use kizuna_engine::line::identity::{self, Purpose, Shown};
use kizuna_engine::throttle::ANSWERS_OF_TENANT;
use kizuna_engine::{links, transactional};
use kizuna_store::{mails, people, troubles};
use kizuna_testkit::mail::{MailServer, Script, When, say};
use kizuna_testkit::programs::{Server, run_python};

use crate::app::{Family, TODAY, TOWN, TestApp, Town, day, jst, mail_account, on_both, only};

const REGISTER: &str = "toroku@hidamari.example";

/// A town with an address for empty mails, and the folder into which its mail server puts mail.
struct Post<'a> {
    town: Town<'a>,
    maildir: Maildir,
    folder: PathBuf,
    put: usize,
}

fn post<'a>(app: &'a TestApp, server: &MailServer) -> Post<'a> {
    let mut settings = TestApp::settings();
    settings.base_url.push_str("https://kosodate.example.jp");
    let account = mail_account(server, &[("register_address", REGISTER)]);
    let town = app.town_with(TOWN, &settings, &[account]);
    app.publish(&crate::app::daily("daily", crate::app::STAGES));
    let folder = app.path("Maildir");
    fs::create_dir_all(folder.join("new")).unwrap();
    Post {
        town,
        maildir: Maildir::new(&folder),
        folder,
        put: 0,
    }
}

impl Post<'_> {
    fn put(&mut self, text: &str) {
        self.put += 1;
        fs::write(self.folder.join("new").join(format!("{:04}.host", self.put)), text).unwrap();
    }

    fn look(&mut self) -> Look {
        inbound::look(&self.town.app.env, &mut self.maildir).unwrap()
    }

    /// Puts one mail and says what became of it.
    fn take(&mut self, text: &str) -> Look {
        self.put(text);
        let look = self.look();
        assert_eq!(self.left(), 0, "{text}");
        look
    }

    fn left(&self) -> usize {
        fs::read_dir(self.folder.join("new")).unwrap().count()
    }

    fn put_aside(&self) -> usize {
        fs::read_dir(self.folder.join(".Broken/new")).map_or(0, Iterator::count)
    }

    fn return_path(&self, family: &Family) -> String {
        let keys = &self.town.app.env.keys;
        let token = links::return_token(keys, self.town.tenant().id, family.point);
        format!("b+{token}@bounce.hidamari.example")
    }

    fn state(&self, family: &Family) -> PointState {
        let env = &self.town.app.env;
        let scope = self.town.tenant().scope();
        env.db
            .read(|tx| troubles::point(tx, &env.keys, scope, family.point))
            .unwrap()
            .unwrap()
            .state
    }

    fn reach(&self, family: &Family) -> Reach {
        let env = &self.town.app.env;
        let scope = self.town.tenant().scope();
        env.db
            .read(|tx| people::one(tx, &env.keys, scope, family.subscription))
            .unwrap()
            .unwrap()
            .reach
    }

    fn ailing(&self, family: &Family) -> Option<Ailing> {
        addresses::trouble(&self.town.app.env, &self.town.tenant(), family.subscriber).unwrap()
    }

    /// The mails that wait to leave: address and link.
    fn waiting(&self) -> Vec<(String, String)> {
        let env = &self.town.app.env;
        let scope = self.town.tenant().scope();
        let mails = env
            .db
            .read(|tx| mails::due(tx, &env.keys, scope, env.clock.now(), 1_000))
            .unwrap();
        let link = |draft: &kizuna_domain::message::Draft| {
            let text = serde_json::to_string(draft).unwrap();
            let (_, rest) = text.split_once("\"url\":\"").unwrap();
            rest.split('"').next().unwrap().to_owned()
        };
        mails
            .into_iter()
            .map(|mail| (mail.address.clone(), link(&mail.draft)))
            .collect()
    }
}

fn empty(from: &str, more: &str) -> String {
    format!("Delivered-To: {REGISTER}\r\nReturn-Path: <{from}>\r\nFrom: <{from}>\r\n{more}Subject: \r\n\r\n")
}

fn bounce(to: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Delivered-To: {to}\r\nReturn-Path: <>\r\nFrom: MAILER-DAEMON@relay.example\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"xx\"\r\n\r\n\
         --xx\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n\
         Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {diagnostic}\r\n\r\n--xx--\r\n"
    )
}

fn gone(to: &str) -> String {
    bounce(to, "5.1.1", "550 5.1.1 unknown")
}

fn full(to: &str) -> String {
    bounce(to, "5.2.2", "552 5.2.2 mailbox full")
}

fn complaint(mail_from: &str, page: &str) -> String {
    format!(
        "Delivered-To: fbl@hidamari.example\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=\"xx\"\r\n\r\n\
         --xx\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\
         Original-Mail-From: <{mail_from}>\r\nOriginal-Rcpt-To: family001@hidamari.example\r\n\r\n\
         --xx\r\nContent-Type: message/rfc822\r\n\r\nList-Unsubscribe: <{page}>\r\nSubject: x\r\n\r\nx\r\n--xx--\r\n"
    )
}

const ANSWERED: Look = Look {
    answered: 1,
    silenced: 0,
    noted: 0,
    stopped: 0,
    ignored: 0,
    broken: 0,
    waiting: 0,
};
const IGNORED: Look = Look {
    ignored: 1,
    answered: 0,
    ..ANSWERED
};
const SILENCED: Look = Look {
    silenced: 1,
    answered: 0,
    ..ANSWERED
};
const NOTED: Look = Look {
    noted: 1,
    answered: 0,
    ..ANSWERED
};
const STOPPED: Look = Look {
    stopped: 1,
    answered: 0,
    ..ANSWERED
};

on_both! {
    fn an_empty_mail_is_answered_with_a_link_for_its_address(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        assert_eq!(post.take(&empty("hanako@docomo.example", "")), ANSWERED);
        let waiting = post.waiting();
        assert_eq!((waiting.len(), waiting[0].0.as_str()), (1, "hanako@docomo.example"));
        let token = waiting[0].1.strip_prefix("https://kosodate.example.jp/hidamari/register/mail/").unwrap();
        let scope = post.town.tenant().scope();
        let Shown::Good(pass) = identity::show(&app.env, scope, Purpose::MailRegister, token).unwrap() else {
            panic!("the link opens nothing")
        };
        assert_eq!(identity::mail_address(&pass), "hanako@docomo.example");
        assert_eq!(identity::show(&app.env, scope, Purpose::Repair, token).unwrap(), Shown::Nothing);
        assert_eq!(transactional::work(&app.env).unwrap(), 1);
        assert_eq!(server.finish().mails[0].to, ["hanako@docomo.example"]);
    }
}

on_both! {
    fn nobody_makes_us_write_to_an_address_again_and_again(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        for _ in 0..3 {
            assert_eq!(post.take(&empty("hanako@docomo.example", "")), ANSWERED);
        }
        assert_eq!(post.take(&empty("Hanako@Docomo.example", "")), IGNORED);
        assert_eq!(post.take(&empty("taro@docomo.example", "")), ANSWERED);
        app.clock.advance(SignedDuration::from_hours(25));
        addresses::sweep(&app.env).unwrap();
        assert_eq!(post.take(&empty("hanako@docomo.example", "")), ANSWERED);
    }
}

#[test]
fn mails_in_somebodys_name_take_nothing_from_what_they_ask_for_themselves() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let hanako = post.town.family("hanako").add();
    let return_path = post.return_path(&hanako);
    assert_eq!(post.take(&gone(&return_path)), SILENCED);
    for number in 0..ANSWERS_OF_TENANT.uses_max {
        let name = if number < 3 {
            "hanako@example.jp".to_owned()
        } else {
            format!("reader{number}@x.example")
        };
        post.put(&empty(&name, ""));
    }
    while post.left() > 0 {
        post.look();
    }

    let tenant = post.town.tenant();
    let ask = || addresses::ask_repair(&app.env, &tenant, hanako.subscriber, "ja").unwrap();
    assert_eq!(
        [ask(), ask(), ask(), ask()],
        [Asked::OnItsWay, Asked::OnItsWay, Asked::OnItsWay, Asked::Enough]
    );
    app.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(ask(), Asked::OnItsWay);
}

/// Says one mail to a server as other servers do.
fn deliver(port: u16, from: &str, to: &str, text: &str) {
    let script = "import smtplib, sys\nsmtplib.SMTP('127.0.0.1', int(sys.argv[1])).sendmail(sys.argv[2], [sys.argv[3]], sys.stdin.buffer.read())";
    run_python(script, &[&port.to_string(), from, to], text.as_bytes());
}

#[test]
fn a_mail_server_hands_over_what_it_took_from_others() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let hanako = post.town.family("hanako").add();
    let return_path = post.return_path(&hanako);
    fs::remove_dir_all(&post.folder).unwrap();
    let door = Server::into_maildir(&post.folder);
    deliver(
        door.port(),
        "sora@x.example",
        REGISTER,
        "From: sora@x.example\r\nTo: somebody@x.example\r\n\r\n",
    );
    let text = gone(&return_path)
        .replace("Delivered-To", "X-Delivered-To")
        .replace("Return-Path: <>\r\n", "");
    deliver(door.port(), "", &return_path, &text);
    let look = post.look();
    assert_eq!((look.answered, look.silenced, post.left()), (1, 1, 0), "{look:?}");
    assert_eq!(post.waiting()[0].0, "sora@x.example");
    assert_eq!(post.state(&hanako), PointState::Suppressed);
}

#[test]
fn one_town_answers_so_many_in_an_hour_and_no_more() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    for number in 0..ANSWERS_OF_TENANT.uses_max + 5 {
        post.put(&empty(&format!("reader{number}@x.example"), ""));
    }
    let mut answered = 0;
    while post.left() > 0 {
        answered += post.look().answered;
    }
    assert_eq!(answered, ANSWERS_OF_TENANT.uses_max as u64);
}

#[test]
fn programs_lists_and_we_ourselves_are_never_answered() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    for mail in [
        empty("", ""),
        empty("a@x.example", "Auto-Submitted: auto-replied\r\n"),
        empty("a@x.example", "Precedence: list\r\n"),
        empty("a@x.example", "List-Id: <x>\r\n"),
        empty("mailer-daemon@x.example", ""),
        empty("kosodate@hidamari.example", ""),
        empty(REGISTER, ""),
        empty("b@bounce.hidamari.example", ""),
        empty("a@x.example", "").replace(REGISTER, "other@hidamari.example"),
    ] {
        assert_eq!(post.take(&mail), IGNORED, "{mail}");
    }
    assert_eq!(post.waiting(), []);
}

on_both! {
    fn an_address_that_does_not_exist_is_never_written_to_again(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        let families = post.town.families(2);
        let to = post.return_path(&families[0]);
        assert_eq!(post.take(&gone(&to)), SILENCED);
        assert_eq!(post.state(&families[0]), PointState::Suppressed);
        assert_eq!(post.reach(&families[0]), Reach::Silent(SkipReason::Suppressed));
        assert_eq!(post.ailing(&families[0]).unwrap().trouble, Trouble::Gone);
        assert_eq!(post.take(&gone(&to)), IGNORED, "told twice");
        assert_eq!((post.state(&families[1]), post.ailing(&families[1])), (PointState::Verified, None));
        assert_eq!(only(app.run()).sent, 1);
    }
}

#[test]
fn nobody_silences_a_family_with_a_forged_or_foreign_token() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let hanako = post.town.family("hanako").add();
    let right = post.return_path(&hanako);
    let (id, _) = right.split_at(34);
    let other = links::return_token(
        &app.env.keys,
        kizuna_domain::ids::TenantId::new(uuid::Uuid::nil()),
        hanako.point,
    );
    let by_reader = right.replace(
        &hanako.point.uuid().simple().to_string(),
        &hanako.subscriber.uuid().simple().to_string(),
    );
    for to in [
        format!("{id}000000000000000000000000@bounce.hidamari.example"),
        format!("b+{other}@bounce.hidamari.example"),
        by_reader,
        right.replace("bounce.hidamari", "bounce.elsewhere"),
        right.replace('+', "-"),
        "b@bounce.hidamari.example".to_owned(),
        hanako.address.clone(),
    ] {
        assert_eq!(post.take(&gone(&to)), IGNORED, "{to}");
        assert_eq!(
            post.take(&complaint(&to, "https://x.example/hidamari/stop/forged/one-click")),
            IGNORED,
            "{to}"
        );
    }
    assert_eq!(
        (post.state(&hanako), post.ailing(&hanako)),
        (PointState::Verified, None)
    );
    assert_eq!(
        post.take(&gone(&right.to_uppercase())),
        SILENCED,
        "servers may change the case"
    );
}

on_both! {
    fn a_full_mailbox_rests_on_the_third_day_and_not_before(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        let hanako = post.town.family("hanako").add();
        let to = post.return_path(&hanako);
        for on in ["2026-12-24", "2026-12-24", "2026-12-27"] {
            app.clock.set(jst(&format!("{on} 09:00:00")));
            assert_eq!(post.take(&full(&to)), NOTED);
        }
        assert_eq!((post.state(&hanako), post.ailing(&hanako)), (PointState::Verified, None));
        app.clock.set(jst("2027-01-06 09:00:00"));
        assert_eq!(post.take(&full(&to)), SILENCED);
        assert_eq!(post.state(&hanako), PointState::Bouncing);
        assert_eq!(post.reach(&hanako), Reach::Silent(SkipReason::Suppressed));
        let ailing = post.ailing(&hanako).unwrap();
        assert_eq!((ailing.trouble, ailing.is_silent), (Trouble::Full, true));
    }
}

#[test]
fn full_days_that_lie_too_far_apart_do_not_add_up() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let hanako = post.town.family("hanako").add();
    let to = post.return_path(&hanako);
    let mut on: Day = day(TODAY);
    for _ in 0..6 {
        app.clock.set(jst(&format!("{on} 09:00:00")));
        assert_eq!(post.take(&full(&to)), NOTED, "{on}");
        on = on + 7;
    }
    assert_eq!(post.state(&hanako), PointState::Verified);
}

#[test]
fn a_filter_or_a_policy_never_silences_an_address() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain().on(When::Dot, say("550 Unknown user")));
    let mut post = post(&app, &server);
    let hanako = post.town.family("hanako").add();
    let to = post.return_path(&hanako);
    assert_eq!(post.take(&bounce(&to, "5.7.1", "554 5.7.1 spam")), IGNORED);
    assert_eq!(post.ailing(&hanako), None);
    // The same that docomo says by a report is heard at once where we speak to it ourselves.
    assert_eq!(only(app.run()).failed, 1);
    let ailing = post.ailing(&hanako).unwrap();
    assert_eq!((ailing.trouble, ailing.is_silent), (Trouble::Filtered, false));
    assert_eq!(post.state(&hanako), PointState::Verified);
    server.finish();
}

on_both! {
    fn a_storm_of_bounces_stops_at_a_limit_and_the_rest_waits(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        let families = post.town.families(addresses::SUPPRESSIONS_MAX as usize + 3);
        for family in &families {
            post.put(&gone(&post.return_path(family)));
        }
        let mut all = Look::default();
        for _ in 0..5 {
            let look = post.look();
            all.silenced += look.silenced;
            all.waiting += look.waiting;
        }
        assert_eq!((all.silenced, all.waiting, post.left()), (100, 3, 3), "looked at once, then left alone");
        let scope = post.town.tenant().scope();
        assert!(app.env.db.read(|tx| addresses::is_bounce_storm(tx, scope, app.env.clock.now())).unwrap());
        // Another mail does not wait behind them.
        post.put(&empty("hanako@x.example", ""));
        assert_eq!(post.look(), ANSWERED);
        app.clock.advance(SignedDuration::from_mins(61));
        assert_eq!((post.look().silenced, post.left()), (3, 0));
    }
}

on_both! {
    fn a_complaint_is_a_stop(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        let families = post.town.families(3);
        let tenant = post.town.tenant();
        let stop = links::stop_token(&app.env.keys, tenant.id, families[0].subscriber);
        let page = format!("https://kosodate.example.jp/hidamari/stop/{stop}/one-click");
        assert_eq!(post.take(&complaint("unknown@x.example", &page)), STOPPED);
        let to = post.return_path(&families[1]);
        assert_eq!(post.take(&complaint(&to, "")), STOPPED);
        assert_eq!(post.take(&complaint(&to, "")), STOPPED, "a second one changes nothing");
        let report = only(app.run());
        assert_eq!(report.sent, 1, "the address that it names is not asked: {report:?}");
        assert_eq!(server.finish().mails[0].to, [families[2].address.clone()]);
    }
}

#[test]
fn what_cannot_be_read_is_put_aside_and_never_looped_on() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let secret = app.path("secret");
    fs::write(&secret, empty("hanako@x.example", "")).unwrap();
    std::os::unix::fs::symlink(&secret, post.folder.join("new/0000.link")).unwrap();
    post.put("no mail at all");
    post.put("");
    post.put(&empty("hanako@x.example", ""));
    let look = post.look();
    assert_eq!(
        (look.broken, look.answered, post.left(), post.put_aside()),
        (3, 1, 0, 3)
    );
    assert_eq!(post.look(), Look::default());
}

/// Writes a mail that arrived so long before an instant.
fn arrived(path: &Path, now: Timestamp, ago: SignedDuration) {
    fs::write(path, "x").unwrap();
    let at = SystemTime::from(now.checked_sub(ago).unwrap());
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(at)
        .unwrap();
}

#[test]
fn what_was_put_aside_is_kept_for_a_time_and_up_to_a_number() {
    let app = TestApp::sqlite();
    let server = MailServer::start(Script::plain());
    let mut post = post(&app, &server);
    let aside = post.folder.join(".Broken/new");
    fs::create_dir_all(&aside).unwrap();
    let now = app.env.clock.now();
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    arrived(&aside.join("old"), now, days(BROKEN_DAYS_MAX));
    arrived(&aside.join("young"), now, days(BROKEN_DAYS_MAX - 1));
    post.look();
    assert!(!aside.join("old").exists() && aside.join("young").exists());

    // What is too old is asked hourly; what is too many at once, when one more is put aside.
    app.clock.advance(SignedDuration::from_hours(24));
    post.look();
    assert_eq!(post.put_aside(), 0);
    for number in 0..BROKEN_MAX {
        let ago = SignedDuration::from_secs(i64::try_from(BROKEN_MAX - number).unwrap());
        arrived(&aside.join(format!("{number:04}")), app.env.clock.now(), ago);
    }
    post.look();
    assert_eq!(post.put_aside(), BROKEN_MAX);
    let name = "9999.broken";
    arrived(
        &post.folder.join("new").join(name),
        app.env.clock.now(),
        SignedDuration::ZERO,
    );
    assert_eq!(post.look().broken, 1);
    assert_eq!(post.put_aside(), BROKEN_MAX);
    assert!(aside.join(name).exists() && !aside.join("0000").exists() && aside.join("0001").exists());
}

#[test]
fn a_maildir_tells_what_waits_in_it() {
    let app = TestApp::sqlite();
    let folder = app.path("Maildir");
    let now = app.env.clock.now();
    let state = || inbound::state(&folder, now);
    assert_eq!(state().unwrap_err().kind(), std::io::ErrorKind::NotFound);
    assert!(inbound::look(&app.env, &mut Maildir::new(&folder)).is_err());

    // The mail server makes what is inside with the first mail.
    fs::create_dir(&folder).unwrap();
    assert_eq!(state().unwrap(), State::default());
    assert_eq!(
        inbound::look(&app.env, &mut Maildir::new(&folder)).unwrap(),
        Look::default()
    );

    for inner in ["new", "cur", ".Broken/new"] {
        fs::create_dir_all(folder.join(inner)).unwrap();
    }
    let hour = SignedDuration::from_hours(1);
    arrived(&folder.join("new/1"), now, hour * 3);
    arrived(&folder.join("new/0"), now, hour);
    arrived(&folder.join("cur/1:2,S"), now, hour);
    arrived(&folder.join(".Broken/new/1"), now, hour);
    let expected = State {
        waiting: 2,
        oldest: Some(hour * 3),
        taken: 1,
        broken: 1,
    };
    assert_eq!(state().unwrap(), expected);
    assert_eq!(
        fs::read_dir(folder.join("new")).unwrap().count(),
        2,
        "nothing is left behind"
    );
}

on_both! {
    fn a_family_lifts_exactly_the_address_at_which_its_mail_arrived(app) {
        let server = MailServer::start(Script::plain());
        let mut post = post(app, &server);
        let families = post.town.families(2);
        for family in &families {
            let to = post.return_path(family);
            assert_eq!(post.take(&gone(&to)), SILENCED);
        }
        let (tenant, hanako) = (post.town.tenant(), &families[0]);
        let ask = || addresses::ask_repair(&app.env, &tenant, hanako.subscriber, "ja").unwrap();
        assert_eq!(ask(), Asked::OnItsWay);
        let (to, link) = post.waiting().remove(0);
        assert_eq!(to, hanako.address);
        let token = link.strip_prefix("https://kosodate.example.jp/hidamari/repair/").unwrap();
        assert_eq!(post.state(hanako), PointState::Suppressed, "asking lifts nothing");

        let Shown::Good(pass) = identity::show(&app.env, tenant.scope(), Purpose::Repair, token).unwrap() else {
            panic!("the link opens nothing")
        };
        assert!(addresses::repair(&app.env, &tenant, &pass).unwrap());
        assert!(addresses::repair(&app.env, &tenant, &pass).unwrap(), "a second press");
        assert_eq!((post.state(hanako), post.ailing(hanako)), (PointState::Verified, None));
        assert_eq!(post.state(&families[1]), PointState::Suppressed);
        assert_eq!(only(app.run()).sent, 1);
        assert_eq!(ask(), Asked::NothingIll);

        // An old ticket lifts nothing that broke after it was used.
        let to = post.return_path(hanako);
        assert_eq!(post.take(&gone(&to)), SILENCED);
        assert!(!addresses::repair(&app.env, &tenant, &pass).unwrap());
        assert_eq!(post.state(hanako), PointState::Suppressed);
        assert_eq!([ask(), ask(), ask()], [Asked::OnItsWay, Asked::OnItsWay, Asked::Enough]);
    }
}
