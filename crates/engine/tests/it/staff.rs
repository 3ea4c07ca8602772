//! Staff: invitations, signing in, waiting after wrong tries, roles that nobody can take over.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Barrier;
use std::thread;

use jiff::SignedDuration;
use kizuna_domain::ids::StaffId;
use kizuna_domain::password::PasswordProblem;
use kizuna_domain::staff::{Role, StaffMail};
use kizuna_engine::actions::Actor;
use kizuna_engine::actions::sign_in::{self, Answer, Attempt, Proof, Way, Welcome};
use kizuna_engine::actions::staff::{self, Invited, StaffProblem};
use kizuna_engine::actions::tenants;
use kizuna_engine::{EngineError, Env, credentials, links};
use kizuna_store::staff::{self as stored, Offer};
use kizuna_store::{Scope, audit, sessions};

use crate::app::TestApp;

const HANAKO: &str = "hanako@example.jp";
const TARO: &str = "taro@example.jp";
const PASSWORD: &str = "わかば みずうみ きつつき";
const NEW: &str = "ひかり そよかぜ やまびこ";

/// An installation with one town.
struct Office {
    app: TestApp,
    scope: Scope,
}

impl Deref for Office {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}

impl Office {
    fn new() -> Office {
        Office::of(TestApp::sqlite())
    }

    fn of(app: TestApp) -> Office {
        let scope = scope_of(&app, "hidamari");
        Office { app, scope }
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn add_town(&self, code: &str) -> Scope {
        scope_of(&self.app, code)
    }
}

fn scope_of(app: &TestApp, code: &str) -> Scope {
    tenants::put(&app.env, code, code, &TestApp::settings(), &[])
        .unwrap()
        .scope()
}

fn problem<T>(result: Result<T, EngineError>) -> StaffProblem {
    match result {
        Err(EngineError::Staff(problem)) => problem,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("nothing was refused"),
    }
}

fn invite(app: &Office, offer: Offer, mail: &str) -> Invited {
    staff::invite(&app.env, Actor::CommandLine, offer, mail).unwrap()
}

fn now_code(app: &Office, secret: &str) -> String {
    credentials::totp_code(secret, app.env.clock.now()).unwrap()
}

/// Accepts an invitation with a new name, password and authenticator; who it is, and the secret.
fn set_up(app: &Office, invited: &Invited, name: &str) -> (Welcome, String) {
    sign_in::prepare(&app.env, &invited.token, name, PASSWORD).unwrap();
    let opened = sign_in::open(&app.env, &invited.token).unwrap();
    let secret = sign_in::prepared(&opened).unwrap().unwrap().secret;
    let code = now_code(app, &secret);
    let welcome = sign_in::confirm(&app.env, &invited.token, &code).unwrap();
    later(app, 60);
    (welcome, secret)
}

fn later(app: &Office, seconds: i64) {
    app.clock.advance(SignedDuration::from_secs(seconds));
}

fn attempt<'a>(mail: &'a str, password: &'a str, code: &'a str) -> Attempt<'a> {
    Attempt {
        mail,
        password,
        proof: Proof::Code(code),
        client: Some("192.0.2.7".parse().unwrap()),
        browser: None,
        earlier: None,
    }
}

fn answer(app: &Office, attempt: &Attempt<'_>) -> &'static str {
    match sign_in::sign_in(&app.env, attempt).unwrap() {
        Answer::Welcome(_) => "in",
        Answer::Wrong => "wrong",
        Answer::Wait(_) => "wait",
    }
}

/// An administrator of the first town, who can sign in.
fn administrator(app: &Office) -> (StaffId, String) {
    let invited = invite(app, Offer::Place(app.scope(), Role::Administrator), HANAKO);
    let (welcome, secret) = set_up(app, &invited, "見本 花子");
    (welcome.staff, secret)
}

fn role(app: &Office, scope: Scope, id: StaffId) -> Option<Role> {
    app.env.db.read(|tx| stored::role(tx, scope, id)).unwrap()
}

#[test]
fn an_invitation_leads_to_a_name_a_password_an_authenticator_and_codes() {
    let app = Office::new();
    let invited = invite(&app, Offer::Place(app.scope(), Role::Editor), HANAKO);
    let opened = sign_in::open(&app.env, &invited.token).unwrap();
    assert!(opened.way == Way::SetUp(String::new()));
    assert!(sign_in::prepared(&opened).unwrap().is_none());

    let (welcome, secret) = set_up(&app, &invited, " 見本 花子 ");

    assert_eq!(role(&app, app.scope(), welcome.staff), Some(Role::Editor));
    let env = &app.env;
    let (person, _) = env
        .db
        .read(|tx| sessions::find(tx, &env.keys, &welcome.token))
        .unwrap()
        .unwrap();
    assert_eq!((person.id, person.name.as_str()), (welcome.staff, "見本 花子"));
    let codes = env
        .db
        .read(|tx| stored::shown_codes(tx, &env.keys, welcome.staff))
        .unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))), "in");
}

#[test]
fn an_authenticator_learns_the_name_of_the_account() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    sign_in::prepare(&app.env, &invited.token, "花子", PASSWORD).unwrap();
    let opened = sign_in::open(&app.env, &invited.token).unwrap();
    let shown = sign_in::prepared(&opened).unwrap().unwrap();
    assert!(
        shown.address.starts_with("otpauth://totp/Kizuna:hanako"),
        "{}",
        shown.address
    );
    assert!(shown.address.contains(&format!("secret={}", shown.secret)));
    assert_eq!(shown.secret.len(), 32);
}

#[test]
fn an_invitation_is_used_once() {
    let app = Office::new();
    let invited = invite(&app, Offer::Place(app.scope(), Role::Editor), HANAKO);
    set_up(&app, &invited, "花子");
    assert_eq!(
        problem(sign_in::open(&app.env, &invited.token).map(|_| ())),
        StaffProblem::Gone
    );
    assert_eq!(
        problem(sign_in::confirm(&app.env, &invited.token, "000000").map(|_| ())),
        StaffProblem::Gone
    );
}

#[test]
fn an_invitation_is_good_for_three_days() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    app.clock
        .advance(SignedDuration::from_hours(72) - SignedDuration::from_secs(1));
    assert!(sign_in::open(&app.env, &invited.token).is_ok());
    later(&app, 1);
    assert_eq!(
        problem(sign_in::open(&app.env, &invited.token).map(|_| ())),
        StaffProblem::Gone
    );
}

#[test]
fn a_forged_or_withdrawn_invitation_opens_nothing() {
    let app = Office::new();
    let invited = invite(&app, Offer::Place(app.scope(), Role::Editor), HANAKO);
    let mut forged = invited.token.clone();
    forged.replace_range(..1, if forged.starts_with('A') { "B" } else { "A" });
    for token in [
        forged.as_str(),
        "",
        "AAAA",
        &links::browser_mark(&app.env.keys, StaffId::new(invited.id.uuid()), &[1; 16]),
    ] {
        assert_eq!(problem(sign_in::open(&app.env, token).map(|_| ())), StaffProblem::Gone);
    }
    let elsewhere = app.add_town("asahi");
    let stranger = staff::withdraw(&app.env, Actor::CommandLine, elsewhere, invited.id);
    assert_eq!(problem(stranger), StaffProblem::Gone, "another town withdraws nothing");
    staff::withdraw(&app.env, Actor::CommandLine, app.scope(), invited.id).unwrap();
    assert_eq!(
        problem(sign_in::open(&app.env, &invited.token).map(|_| ())),
        StaffProblem::Gone
    );
}

#[test]
fn an_easy_password_and_a_wrong_code_are_refused_with_the_reason() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    let easy = sign_in::prepare(&app.env, &invited.token, "花子", "password1234");
    assert_eq!(problem(easy), StaffProblem::Password(PasswordProblem::Common));
    assert_eq!(
        problem(sign_in::prepare(&app.env, &invited.token, "", PASSWORD)),
        StaffProblem::Name
    );
    sign_in::prepare(&app.env, &invited.token, "花子", PASSWORD).unwrap();
    let wrong = sign_in::confirm(&app.env, &invited.token, "000000").map(|_| ());
    assert_eq!(problem(wrong), StaffProblem::WrongCode);
    assert!(
        sign_in::open(&app.env, &invited.token).is_ok(),
        "the invitation is still good"
    );
}

#[test]
fn who_may_invite_for_one_town_cannot_take_over_somebody_of_another() {
    let app = Office::new();
    let (hanako, secret) = administrator(&app);
    let other = app.add_town("asahi");
    let invited = invite(&app, Offer::Place(other, Role::Viewer), HANAKO);

    assert!(sign_in::open(&app.env, &invited.token).unwrap().way == Way::SignIn(hanako));
    let taken = sign_in::prepare(&app.env, &invited.token, "偽者", "とても ながい ことばです");
    assert_eq!(problem(taken), StaffProblem::SignsInAlready);
    assert_eq!(role(&app, other, hanako), None, "an invitation alone gives nothing");
    let taro = invite(&app, Offer::Place(other, Role::Editor), TARO);
    let (taro, _) = set_up(&app, &taro, "太郎");
    let stranger = sign_in::accept(&app.env, &invited.token, taro.staff).map(|_| ());
    assert_eq!(problem(stranger), StaffProblem::SomebodyElse);

    sign_in::accept(&app.env, &invited.token, hanako).unwrap();
    assert_eq!(role(&app, other, hanako), Some(Role::Viewer));
    assert_eq!(role(&app, app.scope(), hanako), Some(Role::Administrator));
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))), "in");
}

#[test]
fn who_lost_the_last_place_and_kept_the_password_still_signs_in_to_accept() {
    let app = Office::new();
    administrator(&app);
    let invited = invite(&app, Offer::Place(app.scope(), Role::Editor), TARO);
    let taro = set_up(&app, &invited, "太郎").0.staff;
    staff::remove(&app.env, Actor::CommandLine, app.scope(), taro).unwrap();
    let again = invite(&app, Offer::Place(app.add_town("asahi"), Role::Editor), TARO);
    assert!(sign_in::open(&app.env, &again.token).unwrap().way == Way::SignIn(taro));
}

#[test]
fn of_two_open_invitations_the_second_asks_to_sign_in() {
    let app = Office::new();
    let other = app.add_town("asahi");
    let (first, second) = (
        invite(&app, Offer::Place(app.scope(), Role::Editor), HANAKO),
        invite(&app, Offer::Place(other, Role::Administrator), HANAKO),
    );
    sign_in::prepare(&app.env, &second.token, "花子", PASSWORD).unwrap();
    let opened = sign_in::open(&app.env, &second.token).unwrap();
    let secret = sign_in::prepared(&opened).unwrap().unwrap().secret;
    let (welcome, _) = set_up(&app, &first, "別の人");

    let code = now_code(&app, &secret);
    assert_eq!(
        problem(sign_in::confirm(&app.env, &second.token, &code).map(|_| ())),
        StaffProblem::SignsInAlready
    );
    assert_eq!(role(&app, other, welcome.staff), None);
}

#[test]
fn a_wrong_address_password_or_code_gets_one_answer() {
    let app = Office::new();
    let (_, secret) = administrator(&app);
    let right = now_code(&app, &secret);
    for (mail, password, code) in [
        ("nobody@example.jp", PASSWORD, right.as_str()),
        ("not an address", PASSWORD, &right),
        (HANAKO, "ちがう ことばを ならべた", &right),
        (HANAKO, PASSWORD, "000000"),
        (HANAKO, PASSWORD, ""),
    ] {
        assert_eq!(answer(&app, &attempt(mail, password, code)), "wrong", "{mail}");
    }
    assert_eq!(
        answer(&app, &attempt(" ＨＡＮＡＫＯ@example.jp ", PASSWORD, &right)),
        "in"
    );
}

#[test]
fn a_code_works_once_and_for_a_step_before_and_after() {
    let app = Office::new();
    let (_, secret) = administrator(&app);
    let code = now_code(&app, &secret);
    later(&app, 30);
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &code)), "in", "one step late");
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &code)), "wrong", "used before");
    let wide: String = now_code(&app, &secret)
        .chars()
        .map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap())
        .collect();
    assert_eq!(
        answer(&app, &attempt(HANAKO, PASSWORD, &wide)),
        "in",
        "full-width digits"
    );
    let late = now_code(&app, &secret);
    later(&app, 90);
    assert_eq!(
        answer(&app, &attempt(HANAKO, PASSWORD, &late)),
        "wrong",
        "three steps late"
    );
}

#[test]
fn a_recovery_code_replaces_the_authenticator_once() {
    let app = Office::new();
    let (hanako, _) = administrator(&app);
    let env = &app.env;
    let codes = env.db.read(|tx| stored::shown_codes(tx, &env.keys, hanako)).unwrap();
    let shown = credentials::show_recovery_code(&codes[3]).to_uppercase();
    let with = |code: &str| {
        let proof = Proof::Recovery(code);
        answer(
            &app,
            &Attempt {
                proof,
                ..attempt(HANAKO, PASSWORD, "")
            },
        )
    };
    assert_eq!(with("00000-00000"), "wrong");
    assert_eq!(with(&shown), "in");
    assert_eq!(with(&shown), "wrong");
    assert_eq!(env.db.read(|tx| stored::count_codes(tx, hanako)).unwrap(), 9);
    sign_in::hide_codes(env, hanako).unwrap();
    assert_eq!(with(&codes[4]), "in");
}

#[test]
fn wrong_tries_wait_longer_and_longer_and_the_owner_gets_in_after_the_wait() {
    let app = Office::new();
    let (_, secret) = administrator(&app);
    for _ in 0..5 {
        assert_eq!(
            answer(&app, &attempt(HANAKO, "ちがう ことばを ならべた", "000000")),
            "wrong"
        );
    }
    let wait = |seconds| {
        let Answer::Wait(wait) = sign_in::sign_in(&app.env, &attempt(HANAKO, PASSWORD, "000000")).unwrap() else {
            panic!("nobody has to wait");
        };
        assert_eq!(wait.as_secs(), seconds);
    };
    wait(30);
    wait(30);
    later(&app, 29);
    wait(1);
    later(&app, 1);
    assert_eq!(
        answer(&app, &attempt(HANAKO, "ちがう ことばを ならべた", "000000")),
        "wrong"
    );
    wait(60);
    later(&app, 60);
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))), "in");
    later(&app, 30);
    assert_eq!(
        answer(&app, &attempt(HANAKO, "ちがう ことばを ならべた", "000000")),
        "wrong",
        "all is forgiven"
    );
}

#[test]
fn an_unknown_address_waits_like_a_known_one() {
    let app = Office::new();
    let from = |place: u8, mail| {
        let client: IpAddr = [192, 0, 2, place].into();
        answer(
            &app,
            &Attempt {
                client: Some(client),
                ..attempt(mail, PASSWORD, "000000")
            },
        )
    };
    administrator(&app);
    for mail in [HANAKO, "nobody@example.jp"] {
        let answers: Vec<&str> = (0..6).map(|place| from(place, mail)).collect();
        assert_eq!(answers, ["wrong", "wrong", "wrong", "wrong", "wrong", "wait"], "{mail}");
    }
}

#[test]
fn one_address_that_tries_many_accounts_waits_too() {
    let app = Office::new();
    let mails: Vec<String> = (0..22).map(|number| format!("staff{number}@example.jp")).collect();
    let answers: Vec<&str> = mails
        .iter()
        .map(|mail| answer(&app, &attempt(mail, PASSWORD, "0")))
        .collect();
    assert_eq!(answers.iter().filter(|answer| **answer == "wrong").count(), 20);
    assert_eq!(answers[20..], ["wait", "wait"]);
    let neighbour = Attempt {
        client: Some("192.0.2.8".parse().unwrap()),
        ..attempt("x@example.jp", PASSWORD, "0")
    };
    assert_eq!(answer(&app, &neighbour), "wrong");
    let six = |text: &str| Attempt {
        client: Some(text.parse().unwrap()),
        ..attempt("y@example.jp", PASSWORD, "0")
    };
    for number in 0..20 {
        let mail = format!("six{number}@example.jp");
        let client = format!("2001:db8:1:2::{number}");
        assert_eq!(
            answer(
                &app,
                &Attempt {
                    mail: &mail,
                    ..six(&client)
                }
            ),
            "wrong"
        );
    }
    assert_eq!(
        answer(&app, &six("2001:db8:1:2:ffff::1")),
        "wait",
        "one network is one client"
    );
    assert_eq!(answer(&app, &six("2001:db8:1:3::1")), "wrong");
}

#[test]
fn who_guesses_elsewhere_does_not_lock_the_owners_browser_out() {
    let app = Office::new();
    let (_, secret) = administrator(&app);
    let Answer::Welcome(welcome) =
        sign_in::sign_in(&app.env, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))).unwrap()
    else {
        panic!("the owner is out");
    };
    later(&app, 30);
    for _ in 0..5 {
        answer(&app, &attempt(HANAKO, "ちがう ことばを ならべた", "000000"));
    }
    let code = now_code(&app, &secret);
    assert_eq!(
        answer(&app, &attempt(HANAKO, PASSWORD, &code)),
        "wait",
        "a strange browser waits"
    );
    let forged = links::browser_mark(&kizuna_store::Keyring::new(&[8; 32]), welcome.staff, &[1; 16]);
    let with = |browser| Attempt {
        browser: Some(browser),
        ..attempt(HANAKO, PASSWORD, &code)
    };
    assert_eq!(answer(&app, &with(&forged)), "wait");

    assert_eq!(answer(&app, &with(&welcome.browser)), "in");

    for _ in 0..5 {
        let wrong = Attempt {
            password: "ちがう ことばを ならべた",
            ..with(&welcome.browser)
        };
        assert_eq!(answer(&app, &wrong), "wrong");
    }
    assert_eq!(
        answer(&app, &with(&welcome.browser)),
        "wait",
        "a known browser has a count of its own"
    );
}

#[test]
fn signing_in_ends_the_session_that_the_browser_held_and_signing_out_ends_its_own() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    let (first, secret) = set_up(&app, &invited, "花子");
    let code = now_code(&app, &secret);
    let again = Attempt {
        earlier: Some(first.token),
        ..attempt(HANAKO, PASSWORD, &code)
    };
    let Answer::Welcome(second) = sign_in::sign_in(&app.env, &again).unwrap() else {
        panic!("the owner is out");
    };
    let env = &app.env;
    let lives = |token| {
        env.db
            .read(|tx| sessions::find(tx, &env.keys, token))
            .unwrap()
            .is_some()
    };
    assert!(first.token != second.token && !lives(&first.token) && lives(&second.token));
    sign_in::sign_out(env, second.staff, &second.token).unwrap();
    assert!(!lives(&second.token));
}

#[test]
fn a_new_password_ends_every_other_session_and_needs_the_present_one() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    let (welcome, secret) = set_up(&app, &invited, "花子");
    let env = &app.env;
    let person = env
        .db
        .read(|tx| stored::by_id(tx, &env.keys, welcome.staff))
        .unwrap()
        .unwrap();
    let change = |present, new| sign_in::change_password(env, &person, present, new);

    assert_eq!(
        problem(change(PASSWORD, "password1234")),
        StaffProblem::Password(PasswordProblem::Common)
    );
    for _ in 0..5 {
        assert_eq!(
            problem(change("ちがう ことばを ならべた", NEW)),
            StaffProblem::WrongPassword
        );
    }
    assert_eq!(
        problem(change(PASSWORD, NEW)),
        StaffProblem::Wait(30),
        "guessing in a session waits too"
    );
    later(&app, 30);
    let token = change(PASSWORD, NEW).unwrap();

    let lives = |token| {
        env.db
            .read(|tx| sessions::find(tx, &env.keys, token))
            .unwrap()
            .is_some()
    };
    assert!(!lives(&welcome.token) && lives(&token));
    let code = now_code(&app, &secret);
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &code)), "wrong");
    assert_eq!(answer(&app, &attempt(HANAKO, NEW, &code)), "in");
}

#[test]
fn another_authenticator_counts_from_its_first_code_on() {
    let app = Office::new();
    let invited = invite(&app, Offer::Operator, HANAKO);
    let (welcome, old) = set_up(&app, &invited, "花子");
    let env = &app.env;
    let person = env
        .db
        .read(|tx| stored::by_id(tx, &env.keys, welcome.staff))
        .unwrap()
        .unwrap();
    let codes = || {
        env.db
            .read(|tx| stored::shown_codes(tx, &env.keys, welcome.staff))
            .unwrap()
    };
    let before = codes();
    assert_eq!(
        problem(sign_in::begin_totp(env, person.id, "ちがう ことばを ならべた")),
        StaffProblem::WrongPassword
    );
    sign_in::begin_totp(env, person.id, PASSWORD).unwrap();
    let new = sign_in::new_totp(env, &person).unwrap().unwrap().secret;
    assert_ne!(new, old);
    assert_eq!(
        answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &old))),
        "in",
        "the old one is good so far"
    );

    assert_eq!(
        problem(sign_in::confirm_totp(env, person.id, "000000")),
        StaffProblem::WrongCode
    );
    sign_in::confirm_totp(env, person.id, &now_code(&app, &new)).unwrap();

    later(&app, 60);
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &old))), "wrong");
    assert_eq!(answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &new))), "in");
    assert_ne!(codes(), before);
}

#[test]
fn the_last_administrator_stays() {
    let app = Office::new();
    let (hanako, _) = administrator(&app);
    let (env, scope, actor) = (&app.env, app.scope(), Actor::Staff(hanako));
    let mail = StaffMail::parse(HANAKO).unwrap();
    assert_eq!(
        problem(staff::remove(env, actor, scope, hanako)),
        StaffProblem::LastAdministrator
    );
    assert_eq!(
        problem(staff::set_role(env, actor, scope, hanako, Role::Viewer)),
        StaffProblem::LastAdministrator
    );
    assert_eq!(
        problem(staff::close(env, actor, &mail)),
        StaffProblem::LastAdministrator
    );

    let waiting = invite(&app, Offer::Place(scope, Role::Administrator), TARO);
    assert_eq!(
        problem(staff::remove(env, actor, scope, hanako)),
        StaffProblem::LastAdministrator,
        "nobody came yet"
    );
    set_up(&app, &waiting, "太郎");

    staff::set_role(env, actor, scope, hanako, Role::Viewer).unwrap();
    staff::remove(env, actor, scope, hanako).unwrap();
    assert_eq!(role(&app, scope, hanako), None);
}

#[test]
fn of_two_administrators_who_remove_each_other_at_once_one_stays() {
    for app in [Office::new(), Office::of(TestApp::postgres())] {
        let (hanako, _) = administrator(&app);
        let invited = invite(&app, Offer::Place(app.scope(), Role::Administrator), TARO);
        let taro = set_up(&app, &invited, "太郎").0.staff;
        let start = Barrier::new(2);
        let remove = |whom, env: &Env| {
            start.wait();
            staff::remove(env, Actor::CommandLine, app.scope(), whom).is_ok()
        };
        let other = app.another_process();
        let removed = thread::scope(|scope| {
            let both = [
                scope.spawn(|| remove(hanako, &app.env)),
                scope.spawn(|| remove(taro, &other)),
            ];
            both.map(|one| one.join().unwrap())
        });
        assert_eq!(removed.iter().filter(|removed| **removed).count(), 1);
        let left = [hanako, taro].map(|id| role(&app, app.scope(), id));
        assert_eq!(left.iter().flatten().count(), 1);
    }
}

#[test]
fn roles_are_given_within_one_town() {
    let app = Office::new();
    let (hanako, _) = administrator(&app);
    let other = app.add_town("asahi");
    let (env, actor) = (&app.env, Actor::Staff(hanako));
    assert_eq!(
        problem(staff::set_role(env, actor, other, hanako, Role::Viewer)),
        StaffProblem::Unknown
    );
    assert_eq!(problem(staff::remove(env, actor, other, hanako)), StaffProblem::Unknown);
    assert_eq!(
        problem(staff::set_role(env, actor, app.scope(), hanako, Role::Operator)),
        StaffProblem::Role
    );
    let operator = Offer::Place(app.scope(), Role::Operator);
    assert_eq!(
        problem(staff::invite(env, actor, operator, TARO).map(|_| ())),
        StaffProblem::Role
    );
    let again = Offer::Place(app.scope(), Role::Viewer);
    assert_eq!(
        problem(staff::invite(env, actor, again, HANAKO).map(|_| ())),
        StaffProblem::Member
    );
}

#[test]
fn a_reset_ends_everything_at_once_and_its_link_begins_anew() {
    let app = Office::new();
    let (hanako, secret) = administrator(&app);
    let Answer::Welcome(before) =
        sign_in::sign_in(&app.env, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))).unwrap()
    else {
        panic!("the owner is out");
    };
    let env = &app.env;
    assert_eq!(
        problem(staff::invite(env, Actor::CommandLine, Offer::NewCredentials, TARO).map(|_| ())),
        StaffProblem::Unknown
    );

    let reset = invite(&app, Offer::NewCredentials, HANAKO);

    later(&app, 30);
    assert!(
        env.db
            .read(|tx| sessions::find(tx, &env.keys, &before.token))
            .unwrap()
            .is_none()
    );
    assert_eq!(
        answer(&app, &attempt(HANAKO, PASSWORD, &now_code(&app, &secret))),
        "wrong"
    );
    let other = app.add_town("asahi");
    let sly = invite(&app, Offer::Place(other, Role::Viewer), HANAKO);
    assert!(
        sign_in::open(env, &sly.token).unwrap().way == Way::SignIn(hanako),
        "only the reset link begins anew"
    );
    assert!(sign_in::open(env, &reset.token).unwrap().way == Way::SetUp("見本 花子".into()));
    let (after, _) = set_up(&app, &reset, "見本 花子");
    assert_eq!(after.staff, hanako);
    assert_eq!(
        role(&app, app.scope(), hanako),
        Some(Role::Administrator),
        "places stay"
    );
}

#[test]
fn who_was_closed_holds_nothing_and_no_old_invitation_brings_them_back() {
    let app = Office::new();
    administrator(&app);
    let invited = invite(&app, Offer::Place(app.scope(), Role::Editor), TARO);
    let (taro, _) = set_up(&app, &invited, "太郎");
    let other = app.add_town("asahi");
    let open = invite(&app, Offer::Place(other, Role::Editor), TARO);

    staff::close(&app.env, Actor::CommandLine, &StaffMail::parse(TARO).unwrap()).unwrap();

    assert_eq!(role(&app, app.scope(), taro.staff), None);
    assert_eq!(
        problem(sign_in::open(&app.env, &open.token).map(|_| ())),
        StaffProblem::Gone
    );
    let env = &app.env;
    assert!(
        env.db
            .read(|tx| sessions::find(tx, &env.keys, &taro.token))
            .unwrap()
            .is_none()
    );
    let back = invite(&app, Offer::Place(app.scope(), Role::Viewer), TARO);
    let (again, _) = set_up(&app, &back, "太郎");
    assert_eq!(again.staff, taro.staff, "the record still knows the same person");
}

#[test]
fn the_record_names_who_did_it_and_holds_no_address() {
    let app = Office::new();
    let (hanako, _) = administrator(&app);
    staff::invite(
        &app.env,
        Actor::Staff(hanako),
        Offer::Place(app.scope(), Role::Editor),
        TARO,
    )
    .unwrap();
    let found = app
        .env
        .db
        .read(|tx| audit::latest(tx, Some(app.scope()), None, 9))
        .unwrap();
    let lines: Vec<(&str, &str)> = found
        .iter()
        .map(|entry| (entry.actor.as_str(), entry.action.as_str()))
        .collect();
    let id = hanako.to_string();
    assert_eq!(
        lines[..3],
        [
            (id.as_str(), "staff.invite"),
            (&id, "staff.join"),
            ("cli", "staff.invite")
        ]
    );
    let written: Vec<&str> = found
        .iter()
        .flat_map(|entry| [entry.subject.as_str(), &entry.detail])
        .collect();
    let written = written.concat();
    assert!(
        !written.contains("example.jp") && !written.contains("花子"),
        "{written}"
    );
    let whole = app
        .env
        .db
        .read(|tx| audit::verify(tx, &app.env.keys, Some(app.scope())))
        .unwrap();
    assert_eq!(whole.fault, None);
}

#[test]
fn a_password_is_kept_as_an_argon2_hash_of_the_current_cost() {
    let real = credentials::hash(PASSWORD, &[3; 32]).unwrap();

    assert!(real.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{real}");
    assert!(credentials::is_right(PASSWORD, Some(&real)));
    assert!(!credentials::is_right("ちがう ことばを ならべた", Some(&real)));
    assert!(!credentials::is_right(PASSWORD, None));
}

#[test]
fn recovery_codes_look_like_no_other_code() {
    let code = credentials::recovery_code(&[0xa7; 32]);
    assert_eq!(code.len(), 10);
    assert_eq!(credentials::show_recovery_code(&code).len(), 11);
    assert_eq!(
        credentials::read_recovery_code(&credentials::show_recovery_code(&code)),
        code
    );
}
