//! Channel access tokens: lives, numbers, revoking, assertions.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use kizuna_line_double::NewChannel;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::support::{AOI, NINE, SECRET, TOWN, double, form, get, push, town};

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

/// An assertion signing key, made by openssl, and the JWK that its owner registers.
struct AssertionKey {
    pair: RsaKeyPair,
    jwk: Value,
}

impl AssertionKey {
    fn new(kid: &str) -> AssertionKey {
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
        let made = Command::new("openssl").args(arguments).output().unwrap();
        let pem = String::from_utf8(made.stdout).unwrap();
        let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(lines).unwrap()).unwrap();
        let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
        let jwk = json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        });
        AssertionKey { pair, jwk }
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.jwk["kid"] });
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn claims() -> Value {
    let now: jiff::Timestamp = NINE.parse().unwrap();
    json!({
        "iss": TOWN, "sub": TOWN, "aud": "https://api.line.me/", "exp": now.as_second() + 1800, "token_exp": 2_592_000,
    })
}

fn by_assertion(assertion: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "client_credentials"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion),
    ]
}

#[test]
fn an_assertion_gives_tokens_that_can_be_listed_looked_at_and_revoked() {
    let (double, key) = (double(), AssertionKey::new("key-1"));
    double.add_channel(NewChannel {
        assertion_key: Some(key.jwk.clone()),
        ..town()
    });
    let assertion = key.sign(&claims());
    let fields = by_assertion(&assertion);

    let stateless = form(&double, "/oauth2/v3/token", &fields).send();
    let issued = form(&double, "/oauth2/v2.1/token", &fields).send();

    assert_eq!((stateless.status, issued.status), (200, 200));
    assert_eq!(issued.body["expires_in"], 2_592_000);
    let send = || push(&double, AOI, "一").token(token(&issued.body)).send().status;
    assert_eq!(send(), 200);
    let list = format!(
        "/oauth2/v2.1/tokens/kid?client_assertion_type={}&client_assertion={assertion}",
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    assert_eq!(
        get(&double, &list).send().body,
        json!({ "kids": [issued.body["key_id"]] })
    );
    let look = format!("/oauth2/v2.1/verify?access_token={}", token(&issued.body));
    assert_eq!(get(&double, &look).send().body["client_id"], TOWN);
    let revoke = [
        ("client_id", TOWN),
        ("client_secret", SECRET),
        ("access_token", token(&issued.body)),
    ];
    assert_eq!(form(&double, "/oauth2/v2.1/revoke", &revoke).send().status, 200);
    assert_eq!((send(), get(&double, &look).send().status), (401, 400));
}

#[test]
fn the_thirty_first_token_by_assertion_is_refused() {
    let (double, key) = (double(), AssertionKey::new("key-1"));
    double.add_channel(NewChannel {
        assertion_key: Some(key.jwk.clone()),
        ..town()
    });
    let assertion = key.sign(&claims());
    let issue = || {
        form(&double, "/oauth2/v2.1/token", &by_assertion(&assertion))
            .send()
            .status
    };

    assert!((0..30).all(|_| issue() == 200));
    assert_eq!(issue(), 400);
    assert_eq!(
        form(&double, "/oauth2/v3/token", &by_assertion(&assertion))
            .send()
            .status,
        200
    );
}

#[test]
fn a_wrong_assertion_is_refused() {
    let (double, key) = (double(), AssertionKey::new("key-1"));
    double.add_channel(NewChannel {
        assertion_key: Some(key.jwk.clone()),
        ..town()
    });
    let now = NINE.parse::<jiff::Timestamp>().unwrap().as_second();
    let issue = |assertion: &str| {
        form(&double, "/oauth2/v2.1/token", &by_assertion(assertion))
            .send()
            .status
    };
    assert_eq!(issue(&key.sign(&claims())), 200);

    for (name, value) in [
        ("aud", json!("https://api.line.me")),
        ("sub", json!("1")),
        ("exp", json!(now)),
        ("exp", json!(now + 1801)),
        ("token_exp", json!(2_592_001)),
    ] {
        let mut changed = claims();
        changed[name] = value;
        assert_eq!(issue(&key.sign(&changed)), 400, "{changed}");
    }
    assert_eq!(
        issue(&AssertionKey::new("key-1").sign(&claims())),
        400,
        "another key of the same name"
    );
    assert_eq!(
        issue(
            &AssertionKey {
                jwk: json!({ "kid": "key-2" }),
                ..key
            }
            .sign(&claims())
        ),
        400
    );
    assert_eq!(issue("x.y.z"), 400);
}
