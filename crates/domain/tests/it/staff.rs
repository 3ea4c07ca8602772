//! Who may do what, how long a sign-in lasts, how wrong ones wait, and which passwords are refused.

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::password::{PasswordProblem, check, normal};
use kizuna_domain::staff::{Backoff, Permission, Role, SESSION_IDLE, SESSION_LIFE, StaffMail, Stay, read_name};

#[test]
fn the_table_of_roles_is_this_one() {
    let rows: Vec<(&str, Vec<&str>)> = Role::ALL
        .iter()
        .map(|role| {
            let may = Permission::ALL.iter().filter(|permission| role.may(**permission));
            (role.code(), may.map(|permission| permission.code()).collect())
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                "administrator",
                vec![
                    "office.view",
                    "families.view",
                    "line.view",
                    "line.connect",
                    "line.menus",
                    "places.manage",
                    "staff.manage",
                    "audit.view"
                ]
            ),
            (
                "editor",
                vec![
                    "office.view",
                    "families.view",
                    "line.view",
                    "line.menus",
                    "places.manage"
                ]
            ),
            (
                "approver",
                vec!["office.view", "families.view", "line.view", "audit.view"]
            ),
            ("viewer", vec!["office.view", "line.view"]),
            (
                "operator",
                vec!["office.view", "line.view", "line.connect", "staff.manage", "audit.view"]
            ),
        ]
    );
}

#[test]
fn every_role_looks_at_the_office_and_only_those_who_manage_staff_could_give_more() {
    assert!(Role::ALL.iter().all(|role| role.may(Permission::OfficeView)));
    assert!(!Role::OF_TENANTS.contains(&Role::Operator));
}

#[test]
fn a_session_ends_when_it_is_left_and_after_a_days_work() {
    let begun: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let stay = |used: SignedDuration| Stay {
        begun,
        used: begun + used,
    };
    let second = SignedDuration::from_secs(1);
    let fresh = stay(SignedDuration::ZERO);
    assert!(!fresh.is_over(begun + SESSION_IDLE - second));
    assert!(fresh.is_over(begun + SESSION_IDLE));
    let busy = stay(SESSION_LIFE - second);
    assert!(!busy.is_over(begun + SESSION_LIFE - second));
    assert!(busy.is_over(begun + SESSION_LIFE));
    assert!(!fresh.is_worth_noting(begun + SignedDuration::from_secs(59)));
    assert!(fresh.is_worth_noting(begun + SignedDuration::from_secs(60)));
    assert!(
        !fresh.is_over(begun - SESSION_IDLE),
        "a clock that was set back ends nothing"
    );
}

#[test]
fn the_first_tries_are_free_and_no_wait_is_longer_than_a_quarter_of_an_hour() {
    let waits = |backoff: Backoff, failures: std::ops::Range<u32>| -> Vec<i64> {
        failures.map(|failures| backoff.wait(failures).as_secs()).collect()
    };
    assert_eq!(
        waits(Backoff::ACCOUNT, 0..12),
        [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
    );
    assert_eq!(waits(Backoff::CLIENT, 18..22), [0, 0, 30, 60]);
    assert_eq!(Backoff::ACCOUNT.wait(u32::MAX), Backoff::LONGEST);
}

#[test]
fn a_password_is_long_and_not_what_everybody_tries_first() {
    let own = ["見本 花子", "hanako.mihon@example.jp"];
    let refused = |password: &str| check(password, &own).unwrap_err();
    assert_eq!(refused("みじかいことば"), PasswordProblem::Short);
    assert_eq!(refused(&"あいうえおか".repeat(30)), PasswordProblem::Long);
    for common in [
        "password1234",
        "ＰＡＳＳＷＯＲＤ１２３４",
        "123456789012",
        "qwertyuiop12",
        "aaaaaaaaaaaa",
        "abababababab",
        "kizunakizuna1",
        "P@ssw0rd2026",
    ] {
        assert_eq!(refused(common), PasswordProblem::Common, "{common}");
    }
    for own in [
        "hanako.mihon!",
        "hanako-mihon-1",
        "hanako.mihon@example.jp",
        "見本花子見本花子見本花子",
    ] {
        assert_eq!(refused(own), PasswordProblem::Own, "{own}");
    }
    for good in [
        "correct horse battery",
        "わかば みずうみ きつつき",
        "4月のさくらと青い自転車",
        "zutto-mae-no-kasa",
    ] {
        assert_eq!(check(good, &own), Ok(()), "{good}");
    }
}

#[test]
fn a_password_is_the_same_from_every_keyboard() {
    assert_eq!(normal("ｶﾞｸｾｲ ①"), normal("ガクセイ 1"));
}

#[test]
fn an_address_and_a_name_are_read_at_the_edge() {
    assert_eq!(
        StaffMail::parse("HANAKO@example.jp").unwrap().as_str(),
        "hanako@example.jp"
    );
    for wrong in [
        "",
        "hanako",
        "hanako@",
        "@example.jp",
        "a b@example.jp",
        "花子@example.jp",
        "a:b@example.jp",
    ] {
        assert!(StaffMail::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        format!("{:?}", StaffMail::parse("a@example.jp").unwrap()),
        "StaffMail(‹hidden›)"
    );
    assert_eq!(read_name(" 見本　花子\u{3000}").as_deref(), Some("見本　花子"));
    assert_eq!(read_name("花\u{202e}子"), None);
    assert_eq!(read_name("花\n子"), None);
    assert_eq!(read_name(&"長".repeat(41)), None);
}
