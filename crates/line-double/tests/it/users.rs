//! Profiles, followers, the bot itself, the loading animation.

use serde_json::json;

use crate::support::{AOI, BOT, HARU, NOBODY, STRANGER, TOWN, double, get, post};

#[test]
fn only_a_friend_has_a_profile() {
    let double = double();
    let profile = |user: &str| get(&double, &format!("/v2/bot/profile/{user}")).send();

    assert_eq!(
        profile(AOI).body,
        json!({ "userId": AOI, "displayName": "あおい", "language": "ja" })
    );
    double.block_quietly(TOWN, AOI);
    assert_eq!([AOI, STRANGER, NOBODY].map(|user| profile(user).status), [404; 3]);
    double.unblock_quietly(TOWN, AOI);
    assert_eq!(profile(AOI).status, 200);
    assert_eq!(profile("aoi").status, 400);
}

#[test]
fn followers_come_in_pages() {
    let double = double();
    let page = |query: &str| get(&double, &format!("/v2/bot/followers/ids{query}")).send();

    assert_eq!(page("").body, json!({ "userIds": [AOI, HARU] }));
    let first = page("?limit=1").body;
    assert_eq!(first["userIds"], json!([AOI]));
    let next = first["next"].as_str().unwrap();
    assert_eq!(
        page(&format!("?limit=1&start={next}")).body,
        json!({ "userIds": [HARU] })
    );
    assert_eq!(
        ["?limit=0", "?limit=1001", "?start=x"].map(|query| page(query).status),
        [400; 3]
    );
}

#[test]
fn the_bot_tells_who_it_is() {
    let double = double();

    let info = get(&double, "/v2/bot/info").send();

    assert_eq!(info.body["userId"], BOT);
    assert_eq!(info.body["basicId"], "@hidamari");
}

#[test]
fn the_loading_animation_lasts_five_to_sixty_seconds_by_fives() {
    let double = double();
    let start = |body| post(&double, "/v2/bot/chat/loading/start", &body).send().status;

    assert_eq!(start(json!({ "chatId": AOI })), 202);
    assert_eq!(start(json!({ "chatId": AOI, "loadingSeconds": 60 })), 202);
    for seconds in [0, 4, 7, 65] {
        assert_eq!(start(json!({ "chatId": AOI, "loadingSeconds": seconds })), 400);
    }
    assert_eq!(start(json!({ "chatId": "C1" })), 400);
}
