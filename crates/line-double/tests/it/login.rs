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

use crate::support::{AOI, Answer, NOBODY, STRANGER, TOWN, double, double_with_endpoint, form, get, post};

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
    for more in [
        "&bot_prompt=loud",
        "&code_challenge=x",
        "&code_challenge=x&code_challenge_method=S256",
        "&code_challenge=x&code_challenge_method=plain",
        "&code_challenge_method=S256",
        "&disable_auto_login=1",
    ] {
        assert_eq!(
            authorize(&double, &format!("&scope=openid{more}")).status,
            400,
            "{more}"
        );
    }
    double.callbacks(LOGIN, &["https://city.example.jp/line/callback"]);
    assert_eq!(authorize(&double, "&scope=openid").status, 400);
}

/// LINE with nobody signed in, whose login channel is linked to the town's account.
fn with_nobody_signed_in() -> Double {
    let double = with_login();
    let nobody = json!({ "provider": "hidamari" });
    assert_eq!(post(&double, "/_double/current-user", &nobody).send().status, 200);
    double.add_channel(NewChannel {
        id: LOGIN.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        kind: ChannelKind::Login,
        linked_bot: Some(TOWN.to_owned()),
        ..NewChannel::default()
    });
    double
}

fn words(page: &Answer) -> String {
    assert_eq!(page.status, 200);
    String::from_utf8_lossy(&page.raw).into_owned()
}

#[test]
fn whoever_is_not_signed_in_is_asked_who_they_are_and_whether_they_agree() {
    let double = with_nobody_signed_in();

    let page = words(&authorize(&double, "&scope=openid%20profile"));
    let allowed = authorize(&double, &format!("&scope=openid&double_user={AOI}&double_answer=allow"));
    let denied = authorize(&double, "&scope=openid&double_answer=deny");

    for word in ["あおい", "許可する", "キャンセル", "ユーザーID", "プロフィール情報"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("メールアドレス"), "only what is asked for");
    assert!(
        page.contains("name=\"state\" value=\"s 1\""),
        "the form asks the same again"
    );
    assert_eq!(exchange(&double, &code(&allowed), BACK, &[]).status, 200);
    let back = denied.header("location").unwrap();
    assert!(
        back.starts_with(&format!("{BACK}?error=access_denied&error_description=")),
        "{back}"
    );
    assert!(back.ends_with("&state=s%201"), "{back}");
    let stranger = authorize(
        &double,
        &format!("&scope=openid&double_user={NOBODY}&double_answer=allow"),
    );
    assert_eq!(stranger.status, 200, "nobody of that id is there");
}

#[test]
fn a_service_may_ask_again_whoever_would_be_signed_in_without_being_asked() {
    let double = with_login();
    assert_eq!(authorize(&double, "&scope=openid").status, 302);
    let page = authorize(&double, "&scope=openid&disable_auto_login=true");
    assert!(words(&page).contains("許可する"));
}

#[test]
fn a_service_may_ask_for_a_friend_on_the_page_or_behind_it() {
    let (double, endpoint) = double_with_endpoint();
    double.add_channel(NewChannel {
        id: LOGIN.to_owned(),
        secret: SECRET.to_owned(),
        provider: "hidamari".to_owned(),
        kind: ChannelKind::Login,
        linked_bot: Some(TOWN.to_owned()),
        ..NewChannel::default()
    });
    let allow = |user: &str, more: &str| {
        let more = format!("&scope=openid&double_user={user}&double_answer=allow{more}");
        authorize(&double, &more)
    };
    let is_changed = |answer: &Answer| {
        let location = answer.header("location").unwrap();
        location.contains("&friendship_status_changed=true&")
    };

    let beside = words(&authorize(&double, "&scope=openid&bot_prompt=normal"));
    assert!(beside.contains("type=\"checkbox\" name=\"double_friend\""));
    assert!(!words(&authorize(&double, "&scope=openid&bot_prompt=aggressive")).contains("double_friend"));
    assert!(
        !is_changed(&allow(STRANGER, "&bot_prompt=normal")),
        "the box was not ticked"
    );
    let behind = words(&allow(STRANGER, "&bot_prompt=aggressive"));
    assert!(behind.contains("友だちに追加する") && behind.contains("追加しないで進む"));
    assert!(!is_changed(&allow(STRANGER, "&bot_prompt=aggressive&double_friend=no")));
    assert!(endpoint.calls().is_empty());
    assert!(is_changed(&allow(STRANGER, "&bot_prompt=aggressive&double_friend=yes")));
    assert_eq!(endpoint.calls().len(), 1, "the account hears of its new friend");
    assert!(
        !is_changed(&allow(STRANGER, "&bot_prompt=aggressive")),
        "a friend is not asked"
    );
    double.block_quietly(TOWN, STRANGER);
    assert!(is_changed(&allow(STRANGER, "&bot_prompt=aggressive&double_friend=yes")));
    assert!(!allow(AOI, "").header("location").unwrap().contains("friendship"));
}

#[test]
fn a_page_inside_line_is_opened_with_what_proves_its_user() {
    let double = with_login();
    let (app, endpoint) = (format!("{LOGIN}-abc"), "http://127.0.0.1:8080/line/liff");
    double.add_liff(LOGIN, &app, endpoint);

    let url = double.open_liff(&app, AOI, "?p=abcd", None);

    let (page, handed) = url.split_once('#').unwrap();
    assert_eq!(page, format!("{endpoint}?liff.state=%3Fp%3Dabcd"));
    let handed: Vec<_> = handed.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let names: Vec<_> = handed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["access_token", "context_token", "id_token", "client_id"]);
    assert_eq!(verify(&double, handed[2].1, &[]).body["sub"], AOI);
    let sdk = get(&double, "/liff/edge/2/sdk.js").without_token().send();
    let script = String::from_utf8_lossy(&sdk.raw).into_owned();
    assert!(
        script.contains(&format!("const apps = {{\"{app}\":\"{endpoint}\"}};")),
        "{script}"
    );
    for (path, body) in [
        ("/_double/open-liff", json!({ "id": "nothing", "user": AOI })),
        (
            "/_double/liff",
            json!({ "channel": TOWN, "id": "x", "endpoint": endpoint }),
        ),
        (
            "/_double/liff",
            json!({ "channel": LOGIN, "id": "x", "endpoint": endpoint }),
        ),
    ] {
        assert_eq!(post(&double, path, &body).send().status, 400, "{path} {body}");
    }
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
