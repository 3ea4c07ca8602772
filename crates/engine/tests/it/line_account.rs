//! The LINE account: connecting it, what the check says about every state of it, and whether the month lasts.

use kizuna_channels::line::{Bot, CallError, Month, Webhook, WebhookTest};
use kizuna_domain::ids::{AccountId, TenantId};
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::line::{Connection, connect, register_webhook};
use kizuna_engine::actions::tenants::NewAccount;
use kizuna_engine::line_check::{self, Known, Look, Mark, findings};
use kizuna_engine::month;
use kizuna_line_double::{Double, NewChannel, Options};
use kizuna_store::audit;
use kizuna_store::tenants::Account;
use uuid::Uuid;

use crate::app::{STAGES, TOWN, TestApp, Town, daily, day, jst, on_both, only};

/// The channel of the towns of these tests.
pub(crate) const CHANNEL: &str = "1650000001";
/// Its provider.
pub(crate) const PROVIDER: &str = "hidamari";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// LINE, with the town's account.
pub(crate) fn double() -> Double {
    let options = Options {
        rate_limits: false,
        ..Options::default()
    };
    let double = Double::start(options).unwrap();
    double.add_channel(NewChannel {
        id: CHANNEL.to_owned(),
        secret: SECRET.to_owned(),
        provider: PROVIDER.to_owned(),
        display_name: "ひだまり市 子育てだより".to_owned(),
        basic_id: "@123abcde".to_owned(),
        bot_user_id: "U00000000000000000000000000000000".to_owned(),
        quota: Some(1_000),
        ..NewChannel::default()
    });
    double
}

/// A town that sends by LINE.
pub(crate) fn line_town<'a>(app: &'a TestApp, double: &Double, more: &[(&str, &str)]) -> Town<'a> {
    let url = double.url();
    let settings = [("channel_id", CHANNEL), ("api_url", url.as_str())];
    let account = NewAccount {
        channel: "line".into(),
        settings: settings
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        secrets: [("channel_secret".into(), SECRET.into())].into(),
    };
    let mut town = TestApp::settings();
    "https://kosodate.hidamari.example".clone_into(&mut town.base_url);
    let town = app.town_with(TOWN, &town, &[account]);
    app.publish(&daily("daily", STAGES));
    town
}

fn form(settings: &[(&str, &str)], secrets: &[(&str, &str)]) -> Connection {
    let map = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    };
    Connection {
        settings: map(settings),
        secrets: map(secrets),
    }
}

on_both! {
    fn connecting_keeps_what_the_form_does_not_know(app) {
        let double = double();
        let town = line_town(app, &double, &[("timeout_ms", "5000"), ("basic_id", "@old"), ("reserve", "10")]);
        let typed = form(
            &[("channel_id", " 1650000002 "), ("mode", "own"), ("reserve", ""), ("timeout_ms", "1"), ("fallback", "outbox")],
            &[("channel_secret", ""), ("forward_secret", "between-us")],
        );

        assert_eq!(connect(&app.env, &town.tenant(), &typed, Actor::CommandLine).unwrap(), []);

        let [account] = town.accounts().try_into().unwrap();
        let get = |name: &str| account.settings.get(name).map(String::as_str);
        assert_eq!(
            ["channel_id", "timeout_ms", "basic_id", "reserve", "fallback"].map(get),
            [Some("1650000002"), Some("5000"), Some("@old"), None, Some("outbox")]
        );
        assert_eq!(account.secrets.get("channel_secret").map(String::as_str), Some(SECRET), "an empty one is kept");
        assert_eq!(account.secrets.get("forward_secret").map(String::as_str), Some("between-us"));

        let entries = app.env.db.read(|tx| audit::latest(tx, Some(town.tenant().scope()), None, 10)).unwrap();
        let (action, detail) = (&entries[0].action, &entries[0].detail);
        assert_eq!((action.as_str(), detail.as_str()), ("line.connect", "channel_id mode reserve fallback forward_secret"));
        assert!(!format!("{entries:?} {typed:?}").contains("between-us"), "no credential is on record");
    }
}

#[test]
fn a_form_with_mistakes_changes_nothing_and_names_the_fields() {
    let app = TestApp::sqlite();
    let town = app.town();
    let typed = form(
        &[("channel_id", "@123abcde"), ("mode", "own"), ("reserve", "many")],
        &[],
    );

    let problems = connect(&app.env, &town.tenant(), &typed, Actor::CommandLine).unwrap();

    let fields: Vec<&str> = problems.iter().map(|problem| problem.setting).collect();
    assert_eq!(fields, ["channel_id", "channel_secret", "reserve"]);
    assert_eq!(town.accounts().len(), 1, "still the folder alone");
}

/// An account that all is well with.
fn account(settings: &[(&str, &str)]) -> Account {
    let all = [("channel_id", CHANNEL), ("reserve", "100"), ("fallback", "email")];
    Account {
        id: AccountId::new(Uuid::nil()),
        tenant: TenantId::new(Uuid::nil()),
        channel: "line".into(),
        settings: all
            .iter()
            .chain(settings)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        secrets: [("channel_secret".into(), SECRET.into())].into(),
        paused_reason: None,
    }
}

const ADDRESS: &str = "https://kosodate.hidamari.example/hidamari/line/webhook";

/// What LINE says when all is well.
fn well() -> Look {
    let at = jst("2026-12-24 08:00:00");
    let test = WebhookTest {
        success: true,
        reason: "OK".into(),
        detail: "200".into(),
    };
    Look {
        at,
        bot: Some(Ok(Bot {
            user_id: "U0".into(),
            basic_id: "@123abcde".into(),
            display_name: "ひだまり市".into(),
            chat_mode: "bot".into(),
        })),
        webhook: Some(Ok(Some(Webhook {
            endpoint: ADDRESS.into(),
            active: true,
        }))),
        test: Some((at, Ok(test))),
        month: Some(Ok(Month {
            limit: Some(5_000),
            used: 400,
        })),
    }
}

fn known(account: Option<Account>, look: Look) -> Known {
    Known {
        tenant: "hidamari".into(),
        base_url: "https://kosodate.hidamari.example".into(),
        account,
        channels: vec!["email".into(), "line".into()],
        problems: vec![],
        look: Some(look),
    }
}

/// Topics of everything that is not in order, with their marks.
fn not_in_order(known: &Known) -> Vec<(&'static str, Mark)> {
    let all = findings(known);
    for finding in &all {
        assert_eq!(finding.mark == Mark::Good, finding.todo.is_empty(), "{finding:?}");
    }
    let found = all.iter().filter(|finding| finding.mark != Mark::Good);
    found.map(|finding| (finding.topic, finding.mark)).collect()
}

#[test]
fn an_account_in_order_has_nothing_to_mend() {
    let all = findings(&known(Some(account(&[])), well()));
    assert_eq!(not_in_order(&known(Some(account(&[])), well())), []);
    let topics: Vec<&str> = all.iter().map(|finding| finding.topic).collect();
    assert_eq!(
        topics,
        [
            "settings",
            "token",
            "name",
            "webhook",
            "webhook-test",
            "month",
            "reserve"
        ]
    );
    assert!(all[2].ja.contains("「ひだまり市」（@123abcde）"), "{}", all[2].ja);
}

/// One thing that is not as it should be.
type Change = fn(&mut Known);
/// What is then said, and words of what to do about it.
type Said<'a> = (&'a [(&'a str, Mark)], &'a str);

fn look(known: &mut Known) -> &mut Look {
    known.look.as_mut().unwrap()
}

fn set(known: &mut Known, name: &str, value: &str) {
    let account = known.account.as_mut().unwrap();
    account.settings.insert(name.into(), value.into());
}

fn bot_fails(known: &mut Known, error: CallError) {
    look(known).bot = Some(Err(error));
}

fn webhook(known: &mut Known, endpoint: &str, active: bool) {
    let endpoint = endpoint.into();
    look(known).webhook = Some(Ok(Some(Webhook { endpoint, active })));
}

fn test_fails(known: &mut Known, reason: &str) {
    let failed = WebhookTest {
        success: false,
        reason: reason.into(),
        detail: String::new(),
    };
    look(known).test = Some((jst("2026-12-24 08:00:00"), Ok(failed)));
}

fn month_is(known: &mut Known, limit: Option<u64>, used: u64) {
    look(known).month = Some(Ok(Month { limit, used }));
}

fn chat(known: &mut Known) {
    if let Some(Ok(bot)) = &mut look(known).bot {
        bot.chat_mode = "chat".into();
    }
}

fn guest_with_everything(known: &mut Known) {
    set(known, "mode", "guest");
    set(known, "login_channel_id", "1650000009");
    set(known, "liff_id", "1650000009-abcdefgh");
    let account = known.account.as_mut().unwrap();
    account.secrets.insert("forward_secret".into(), "x".into());
}

fn guest_with_nothing(known: &mut Known) {
    set(known, "mode", "guest");
    look(known).webhook = Some(Ok(None));
}

#[test]
fn every_state_of_an_account_is_told_with_what_to_do() {
    use Mark::{Note, Wrong};
    let paused: Change = |k| k.account.as_mut().unwrap().paused_reason = Some("token".into());
    let table: Vec<(Change, Said<'_>)> = vec![
        (|k| k.account = None, (&[("settings", Wrong)], "［つなぐ］")),
        (paused, (&[("paused", Wrong)], "kizuna resume --tenant hidamari")),
        (
            |k| bot_fails(k, CallError::Unreachable("no such host".into())),
            (&[("reach", Wrong)], "api.line.me"),
        ),
        (
            |k| bot_fails(k, CallError::Unclear("500".into())),
            (&[("reach", Wrong)], "もう一度"),
        ),
        (|k| bot_fails(k, CallError::TooFast), (&[("reach", Wrong)], "数分")),
        (
            |k| bot_fails(k, CallError::Token("invalid".into())),
            (&[("token", Wrong)], "「Channel secret」"),
        ),
        (
            |k| bot_fails(k, CallError::Forbidden("plan".into())),
            (&[("reach", Wrong)], "プラン"),
        ),
        (|k| set(k, "basic_id", "@other"), (&[("name", Wrong)], "basic_id")),
        (chat, (&[("chat", Note)], "「応答設定」")),
        (
            |k| look(k).webhook = Some(Ok(None)),
            (&[("webhook", Wrong)], "［LINEに登録する］"),
        ),
        (
            |k| webhook(k, "https://other.example/", true),
            (&[("webhook", Wrong)], "ほかの業者"),
        ),
        (
            |k| look(k).webhook = Some(Err(CallError::TooFast)),
            (&[("webhook", Wrong)], "数分"),
        ),
        (
            |k| webhook(k, ADDRESS, false),
            (&[("webhook-active", Wrong)], "「Webhook」をオン"),
        ),
        (
            |k| test_fails(k, "COULD_NOT_CONNECT"),
            (&[("webhook-test", Wrong)], "TLS"),
        ),
        (
            |k| test_fails(k, "REQUEST_TIMEOUT"),
            (&[("webhook-test", Wrong)], "もう一度"),
        ),
        (
            |k| test_fails(k, "ERROR_STATUS_CODE"),
            (&[("webhook-test", Wrong)], "チャネルシークレット"),
        ),
        (|k| test_fails(k, "UNCLASSIFIED"), (&[("webhook-test", Wrong)], "数分")),
        (
            |k| k.base_url = "http://127.0.0.1:8080".into(),
            (&[("webhook", Wrong), ("webhook", Wrong)], "base_url"),
        ),
        (|k| month_is(k, None, 9_000), (&[("reserve", Note)], "そのまま")),
        (|k| month_is(k, Some(5_000), 4_600), (&[("month", Note)], "月末")),
        (|k| month_is(k, Some(5_000), 5_000), (&[("month", Wrong)], "来月")),
        (
            |k| look(k).month = Some(Err(CallError::NotFound)),
            (&[("month", Wrong)], "消されていないか"),
        ),
        (
            |k| set(k, "reserve", "5000"),
            (&[("month", Note), ("reserve", Wrong)], "へらして"),
        ),
        (|k| set(k, "reserve", "0"), (&[("reserve", Note)], "災害")),
        (|k| set(k, "fallback", ""), (&[("fallback", Note)], "メール")),
        (|k| set(k, "fallback", "fax, email"), (&[("fallback", Wrong)], "メール")),
        (|k| set(k, "fallback", "line"), (&[("fallback", Wrong)], "メール")),
        (
            guest_with_nothing,
            (&[("entry", Wrong), ("fan-in", Note)], "LINE Developers"),
        ),
        (guest_with_everything, (&[("webhook", Wrong)], "持ち主")),
    ];
    for (number, (change, (expected, todo))) in table.into_iter().enumerate() {
        let mut state = known(Some(account(&[])), well());
        change(&mut state);
        assert_eq!(not_in_order(&state), expected, "row {number}");
        let said: Vec<String> = findings(&state).into_iter().map(|finding| finding.todo).collect();
        assert!(said.iter().any(|words| words.contains(todo)), "row {number}: {said:?}");
    }
}

#[test]
fn only_a_missing_address_of_our_own_account_is_mended_by_our_button() {
    let mends = |known: &Known| findings(known).iter().filter(|finding| finding.mends_itself).count();
    let mut look = well();
    look.webhook = Some(Ok(None));
    assert_eq!(mends(&known(Some(account(&[])), look.clone())), 1);
    assert_eq!(mends(&known(Some(account(&[("mode", "guest")])), look)), 0);
    assert_eq!(mends(&known(Some(account(&[])), well())), 0);
}

#[test]
fn the_look_asks_line_and_stops_where_the_credentials_are_wrong() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = line_town(&app, &double, &[]);
    let ask = |before: Option<&Look>| line_check::look(&app.env, &town.tenant(), before).unwrap();
    let marks = |look: Look| {
        let known = Known {
            look: Some(look),
            ..line_check::known(&app.env, &town.tenant()).unwrap()
        };
        not_in_order(&known)
    };

    assert_eq!(
        marks(ask(None)),
        [
            ("webhook", Mark::Wrong),
            ("reserve", Mark::Note),
            ("fallback", Mark::Note)
        ]
    );
    register_webhook(&app.env, &town.tenant(), Actor::CommandLine).unwrap();
    let look = ask(None);
    assert_eq!(
        look.webhook
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .endpoint,
        ADDRESS
    );
    assert!(look.test.is_some(), "LINE tested our address");
    let tests = || {
        double
            .requests()
            .iter()
            .filter(|request| request.path.ends_with("/webhook/test"))
            .count()
    };
    assert_eq!(tests(), 1);
    ask(Some(&look));
    assert_eq!(tests(), 1, "not again within a minute and a half");
    app.clock.set(jst("2026-12-24 08:02:00"));
    ask(Some(&look));
    assert_eq!(tests(), 2);

    let wrong = form(&[], &[("channel_secret", "ffffffffffffffffffffffffffffffff")]);
    connect(&app.env, &town.tenant(), &wrong, Actor::CommandLine).unwrap();
    let before = double.requests().len();
    assert_eq!(marks(ask(None)), [("token", Mark::Wrong)]);
    assert_eq!(
        double.requests().len(),
        before + 1,
        "one request for a token and no other"
    );
}

#[test]
fn a_guest_never_changes_where_line_sends_what_comes_in() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = line_town(&app, &double, &[("mode", "guest")]);
    assert!(register_webhook(&app.env, &town.tenant(), Actor::CommandLine).is_err());
    assert!(double.requests().is_empty());
}

#[test]
fn the_rest_of_the_month_is_counted_from_the_plan() {
    let (app, double) = (TestApp::sqlite(), double());
    let town = line_town(&app, &double, &[("reserve", "3")]);
    // Articles stand at d0 to d14: from 24 to 31 December these get one a day.
    for name in ["a", "b"] {
        town.family(name).born("2026-12-23").add();
    }
    // 12w3d on the 24th: eleven more days have articles.
    town.family("c").add();
    // A reader with two children gets one letter a day; who stopped gets none.
    let twice = town.family("d").born("2026-12-22").add();
    town.family("e").born("2026-12-22").of(&twice).add();
    let stopped = town.family("f").born("2026-12-23").add();
    town.stop(&stopped);

    let account = town.accounts()[0].id;
    let forecast = month::forecast(&app.env, &town.tenant(), account).unwrap();

    assert!(forecast.is_counted);
    assert_eq!(forecast.days.first(), Some(&(day("2026-12-24"), 4)));
    assert_eq!(forecast.days.last(), Some(&(day("2026-12-31"), 4)));
    assert_eq!((forecast.days.len(), forecast.letters()), (8, 32));
    let another = month::forecast(&app.env, &town.tenant(), AccountId::new(Uuid::nil())).unwrap();
    assert_eq!(another.letters(), 0, "another account carries none of them");
    let planned = town.preview(day("2026-12-27"));
    assert_eq!(
        forecast.days[3],
        (day("2026-12-27"), planned.letters),
        "the same as the plan"
    );

    // What has left today is among LINE's own count.
    for name in ["a", "b", "c", "d"] {
        let user = crate::app::line_user(name);
        double.add_user(PROVIDER, &user, name);
        double.befriend_quietly(CHANNEL, &user);
    }
    assert_eq!(only(app.run()).sent, 4);
    let outlook = month::outlook(&app.env, &town.tenant(), None).unwrap().unwrap();
    assert_eq!(outlook.forecast.days.first(), Some(&(day("2026-12-24"), 0)));
    assert_eq!(
        (outlook.month, outlook.reserve),
        (
            Month {
                limit: Some(1_000),
                used: 4
            },
            3
        )
    );
    assert_eq!(outlook.short_on(), None);
    let tight = Month {
        limit: Some(20),
        used: 4,
    };
    let outlook = month::outlook(&app.env, &town.tenant(), Some(tight)).unwrap().unwrap();
    // 13 may still leave: 4 on each of 25, 26 and 27 December.
    assert_eq!(outlook.short_on(), Some(day("2026-12-28")));
}
