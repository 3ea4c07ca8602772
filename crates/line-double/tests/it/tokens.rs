//! Channel access tokens: lives, numbers, revoking, assertions.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{AOI, SECRET, TOWN, double, form, get, push};

fn credentials<'a>() -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", TOWN),
        ("client_secret", SECRET),
    ]
}

fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().unwrap()
}

#[test]
fn a_stateless_token_lives_for_fifteen_minutes() {
    let double = double();
    let issued = form(&double, "/oauth2/v3/token", &credentials()).send();
    assert_eq!((issued.status, &issued.body["expires_in"]), (200, &json!(900)));
    assert_eq!(issued.body["token_type"], "Bearer");
    let send = || push(&double, AOI, "一").token(token(&issued.body)).send().status;

    assert_eq!(send(), 200);
    double.advance(SignedDuration::from_secs(899));
    assert_eq!(send(), 200);
    double.advance(SignedDuration::from_secs(1));
    assert_eq!(send(), 401);
}

#[test]
fn a_stateless_token_cannot_be_revoked() {
    let double = double();
    let issued = form(&double, "/oauth2/v3/token", &credentials()).send().body;
    let fields = [
        ("client_id", TOWN),
        ("client_secret", SECRET),
        ("access_token", token(&issued)),
    ];

    assert_eq!(form(&double, "/oauth2/v2.1/revoke", &fields).send().status, 200);
    assert_eq!(form(&double, "/v2/oauth/revoke", &fields[2..]).send().status, 200);

    assert_eq!(push(&double, AOI, "一").token(token(&issued)).send().status, 200);
}

#[test]
fn wrong_credentials_are_refused_in_the_shape_of_oauth() {
    let double = double();
    let issue = |fields: &[(&str, &str)]| form(&double, "/oauth2/v3/token", fields).send();

    let secret = issue(&[credentials()[0], credentials()[1], ("client_secret", "x")]);
    let grant = issue(&[("grant_type", "password"), credentials()[1], credentials()[2]]);
    let missing = issue(&credentials()[..2]);

    assert_eq!((secret.status, &secret.body["error"]), (400, &json!("invalid_client")));
    assert_eq!(
        (grant.status, &grant.body["error"]),
        (400, &json!("unsupported_grant_type"))
    );
    assert_eq!(
        (missing.status, &missing.body["error"]),
        (400, &json!("invalid_request"))
    );
}

#[test]
fn the_thirty_first_short_lived_token_revokes_the_oldest_without_a_word() {
    let double = double();
    let issue = || form(&double, "/v2/oauth/accessToken", &credentials()).send().body;
    let issued: Vec<Value> = (0..30).map(|_| issue()).collect();
    let works = |issued: &Value| push(&double, AOI, "一").token(token(issued)).send().status == 200;
    assert!(issued.iter().all(works));

    let last = issue();

    assert_eq!(last["expires_in"], 30 * 24 * 3600);
    assert!(!works(&issued[0]));
    assert!(works(&issued[1]) && works(&last));
}

#[test]
fn a_short_lived_token_can_be_looked_at_and_revoked() {
    let double = double();
    let issued = form(&double, "/v2/oauth/accessToken", &credentials()).send().body;
    let field = [("access_token", token(&issued))];
    let verify = || form(&double, "/v2/oauth/verify", &field).send();
    assert_eq!(verify().body["client_id"], TOWN);

    assert_eq!(form(&double, "/v2/oauth/revoke", &field).send().status, 200);

    assert_eq!(verify().status, 400);
    assert_eq!(push(&double, AOI, "一").token(token(&issued)).send().status, 401);
    assert_eq!(get(&double, "/oauth2/v2.1/verify?access_token=x").send().status, 400);
}
