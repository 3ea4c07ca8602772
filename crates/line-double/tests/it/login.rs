//! LINE Login: agreement, code, ID tokens, and all the ways in which they are wrong.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::SignedDuration;
use kizuna_line_double::{ChannelKind, Double, Flaw, NewChannel};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{AOI, Answer, NOBODY, TOWN, double, form, get, post};

const LOGIN: &str = "2000000001";
const SECRET: &str = "login-secret";
const BACK: &str = "http://127.0.0.1:8080/line/callback";

fn with_login() -> Double {
    let double = double();
    double.add_channel(NewChannel {
        id: LOGIN.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        kind: ChannelKind::Login,
        ..NewChannel::default()
    });
    double.current_user("hidamari", AOI);
    double
}

fn authorize(double: &Double, more: &str) -> Answer {
    let path = format!(
        "/oauth2/v2.1/authorize?response_type=code&client_id={LOGIN}&state=s%201&nonce=n1\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fline%2Fcallback{more}"
    );
    get(double, &path).without_token().send()
}

fn code(answer: &Answer) -> String {
    let location = answer.header("location").unwrap();
    let rest = location.strip_prefix(&format!("{BACK}?code=")).unwrap();
    rest.split('&').next().unwrap().to_owned()
}

fn exchange(double: &Double, code: &str, back: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", back),
        ("client_id", LOGIN),
        ("client_secret", SECRET),
    ];
    fields.extend(more);
    form(double, "/oauth2/v2.1/token", &fields).send()
}

fn verify(double: &Double, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("id_token", token), ("client_id", LOGIN)];
    fields.extend(more);
    form(double, "/oauth2/v2.1/verify", &fields).send()
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn an_agreement_gives_a_code_and_the_code_an_id_token() {
    let double = with_login();

    let agreed = authorize(&double, "&scope=openid%20profile");
    assert_eq!(agreed.status, 302);
    assert!(agreed.header("location").unwrap().ends_with("&state=s%201"));
    let tokens = exchange(&double, &code(&agreed), BACK, &[]);

    assert_eq!(tokens.status, 200);
    let token = tokens.body["id_token"].as_str().unwrap();
    assert_eq!(part(token, 0), json!({ "typ": "JWT", "alg": "HS256" }));
    let claims = part(token, 1);
    assert_eq!(claims["iss"], "https://access.line.me");
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(AOI), &json!(LOGIN)));
    assert_eq!((&claims["nonce"], &claims["name"]), (&json!("n1"), &json!("あおい")));
    assert_eq!(
        verify(&double, token, &[("nonce", "n1"), ("user_id", AOI)]).body,
        claims
    );
}

#[test]
fn a_code_works_once_for_ten_minutes_and_for_its_own_address() {
    let double = with_login();
    let new = || code(&authorize(&double, "&scope=openid"));

    let used = new();
    assert_eq!(exchange(&double, &used, BACK, &[]).status, 200);
    assert_eq!(exchange(&double, &used, BACK, &[]).body["error"], "invalid_grant");
    assert_eq!(
        exchange(&double, &new(), "https://elsewhere.example/", &[]).body["error"],
        "invalid_grant"
    );
    let late = new();
    double.advance(SignedDuration::from_mins(10));
    assert_eq!(exchange(&double, &late, BACK, &[]).body["error"], "invalid_grant");
    let wrong_secret = [("client_secret", "x")];
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", LOGIN),
        wrong_secret[0],
    ];
    assert_eq!(
        form(&double, "/oauth2/v2.1/token", &fields).send().body["error"],
        "invalid_client"
    );
}

#[test]
fn a_challenge_asks_for_its_verifier() {
    let double = with_login();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, b"verifier"));
    let more = format!("&scope=openid&code_challenge_method=S256&code_challenge={challenge}");
    let new = || code(&authorize(&double, &more));

    assert_eq!(
        exchange(&double, &new(), BACK, &[("code_verifier", "verifier")]).status,
        200
    );
    assert_eq!(
        exchange(&double, &new(), BACK, &[("code_verifier", "guess")]).status,
        400
    );
    assert_eq!(exchange(&double, &new(), BACK, &[]).status, 400);
}

#[test]
fn a_wrong_request_is_not_sent_back() {
    let double = with_login();
    let status = |query: &str| {
        get(&double, &format!("/oauth2/v2.1/authorize?{query}"))
            .without_token()
            .send()
            .status
    };
    let back = "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2Fline%2Fcallback";

    assert_eq!(
        status(&format!("client_id=0&{back}&response_type=code&state=s&scope=openid")),
        400
    );
    assert_eq!(
        status(&format!(
            "client_id={TOWN}&{back}&response_type=code&state=s&scope=openid"
        )),
        400
    );
    assert_eq!(
        status(&format!("client_id={LOGIN}&response_type=code&state=s&scope=openid")),
        400
    );
    assert_eq!(
        status(&format!("client_id={LOGIN}&{back}&response_type=code&scope=openid")),
        400
    );
    assert_eq!(
        status(&format!(
            "client_id={LOGIN}&{back}&response_type=code&state=s&scope=all"
        )),
        400
    );
    assert_eq!(
        status(&format!(
            "client_id={LOGIN}&{back}&response_type=token&state=s&scope=openid"
        )),
        400
    );
    assert_eq!(authorize(&double, "&scope=openid").status, 302);
    double.callbacks(LOGIN, &["https://city.example.jp/line/callback"]);
    assert_eq!(authorize(&double, "&scope=openid").status, 400);
}

#[test]
fn without_a_named_person_the_page_asks_who_it_is() {
    let double = with_login();
    let nobody = json!({ "provider": "hidamari" });
    assert_eq!(post(&double, "/_double/current-user", &nobody).send().status, 200);

    let page = authorize(&double, "&scope=openid");
    let chosen = authorize(&double, &format!("&scope=openid&double_user={AOI}"));
    let denied = authorize(&double, "&scope=openid&double_deny=1");

    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.raw).contains("あおい"));
    assert_eq!(chosen.status, 302);
    assert!(
        denied
            .header("location")
            .unwrap()
            .starts_with(&format!("{BACK}?error=access_denied&"))
    );
    assert_eq!(
        authorize(&double, &format!("&scope=openid&double_user={NOBODY}")).status,
        200
    );
}

#[test]
fn a_liff_token_is_signed_with_a_published_key() {
    let double = with_login();
    let token = double.id_token(LOGIN, AOI, Some("n2"), None);

    let certs = get(&double, "/oauth2/v2.1/certs").without_token().send().body;

    let header = part(&token, 0);
    assert_eq!(header["alg"], "ES256");
    let key = &certs["keys"][0];
    assert_eq!((&key["kid"], &key["crv"]), (&header["kid"], &json!("P-256")));
    let mut point = vec![4];
    for side in ["x", "y"] {
        point.extend(URL_SAFE_NO_PAD.decode(key[side].as_str().unwrap()).unwrap());
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    assert_eq!(verify(&double, &token, &[("nonce", "n2")]).body["sub"], AOI);
}

#[test]
fn every_wrong_id_token_is_refused() {
    let double = with_login();
    let answer = |flaw| {
        let token = double.id_token(LOGIN, AOI, Some("n"), Some(flaw));
        let answer = verify(&double, &token, &[]);
        (
            answer.status,
            answer.body["error_description"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let refused = |words: &str| (400, words.to_owned());

    assert_eq!(answer(Flaw::Expired), refused("IdToken expired."));
    assert_eq!(answer(Flaw::Audience), refused("Invalid IdToken Audience."));
    for flaw in [Flaw::Issuer, Flaw::Unsigned, Flaw::WrongKey, Flaw::UnknownKey] {
        assert_eq!(answer(flaw), refused("Invalid IdToken."), "{flaw:?}");
    }
    assert_eq!(
        answer(Flaw::Hs256).0,
        200,
        "LINE itself takes both; a client must take the one that it asked for"
    );
    let token = double.id_token(LOGIN, AOI, Some("n"), None);
    assert_eq!(verify(&double, &token, &[("nonce", "m")]).status, 400);
    assert_eq!(verify(&double, &token, &[("user_id", NOBODY)]).status, 400);
    assert_eq!(verify(&double, "x", &[]).status, 400);
    let token = double.id_token(LOGIN, AOI, None, None);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let confused = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    assert_eq!(
        verify(&double, &confused, &[]).status,
        400,
        "it says ES256 and is signed with HS256"
    );
    let over_http = json!({ "channel": LOGIN, "user": AOI, "flaw": "unsigned" });
    let token = post(&double, "/_double/id-token", &over_http).send().body["id_token"].clone();
    assert_eq!(part(token.as_str().unwrap(), 0)["alg"], "none");
}

#[test]
fn keys_are_replaced_and_the_one_before_is_still_good() {
    let double = with_login();
    let old = double.id_token(LOGIN, AOI, None, None);

    double.rotate_keys();
    let new = double.id_token(LOGIN, AOI, None, None);

    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert_eq!(
        (verify(&double, &old, &[]).status, verify(&double, &new, &[]).status),
        (200, 200)
    );
    double.rotate_keys();
    assert_eq!(verify(&double, &old, &[]).status, 400);
}

#[test]
fn a_code_for_the_profile_alone_gives_no_id_token() {
    let double = with_login();

    let tokens = exchange(&double, &code(&authorize(&double, "&scope=profile")), BACK, &[]);

    assert_eq!(tokens.status, 200);
    assert!(tokens.body.get("id_token").is_none());
}
