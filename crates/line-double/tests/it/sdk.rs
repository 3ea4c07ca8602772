//! LINE's own SDK for Python takes the double for LINE.

use kizuna_line_double::description::{check, check_answers};
use kizuna_testkit::programs::run_python;
use serde_json::{Value, json};

use crate::support::{AOI, HARU, SECRET, TOWN, double_with_endpoint, key, texts};

#[test]
fn lines_own_sdk_is_served_and_understands_the_webhooks() {
    let (double, endpoint) = double_with_endpoint();
    double.say(TOWN, AOI, "おしえて");
    let call = &endpoint.calls()[0];
    let webhook = json!({ "body": String::from_utf8_lossy(&call.body), "signature": call.signature });

    let printed = run_python(
        include_str!("sdk.py"),
        &[&double.url(), TOWN, SECRET, AOI, HARU, &key(1)],
        webhook.to_string().as_bytes(),
    );

    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        seen,
        json!({
            "events": [["message", AOI, call.event()["webhookEventId"]]],
            "text": "おしえて",
            "forged": "refused",
            "token": ["Bearer", 900],
            "profile": [AOI, "あおい"],
            "bot": "@hidamari",
            "push": 1,
            "again": [409, "The retry key is already accepted"],
            "nobody": 400,
            "reply": 1,
            "quota": "none",
            "followers": [AOI, HARU],
            "menus": true,
        })
    );
    assert_eq!(texts(&double, AOI), ["SDKから", "?", "SDKから"]);
    assert_eq!(texts(&double, HARU), ["?"]);
    assert_eq!(check(&double.requests()), [""; 0]);
    assert_eq!(check_answers(&double.requests()), [""; 0]);
    assert!(double.violations().is_empty());
}
