//! Rich menus: making, pictures, defaults, aliases, and who sees which.

use jiff::SignedDuration;
use kizuna_line_double::Double;
use serde_json::{Value, json};

use crate::support::{AOI, Answer, HARU, NOBODY, TOWN, ask, double, get, post};

fn menu() -> Value {
    json!({
        "size": { "width": 1200, "height": 810 }, "selected": true, "name": "妊娠中", "chatBarText": "メニュー",
        "areas": [{
            "bounds": { "x": 0, "y": 0, "width": 600, "height": 810 },
            "action": { "type": "postback", "data": "today", "label": "きょうのおたより" },
        }, {
            "bounds": { "x": 600, "y": 0, "width": 600, "height": 810 },
            "action": { "type": "richmenuswitch", "richMenuAliasId": "child", "data": "to=child" },
        }],
    })
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x06JFIF\xff\xc2\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes
}

fn upload(double: &Double, id: &str, kind: &str, bytes: Vec<u8>) -> Answer {
    ask(double, "POST", &format!("/v2/bot/richmenu/{id}/content"))
        .body(kind, bytes)
        .send()
}

/// Makes a menu, with or without a picture.
fn make(double: &Double, with_picture: bool) -> String {
    let answer = post(double, "/v2/bot/richmenu", &menu()).send();
    let id = answer.body["richMenuId"].as_str().unwrap().to_owned();
    if with_picture {
        assert_eq!(upload(double, &id, "image/png", png(1200, 810)).status, 200);
    }
    id
}

fn status(double: &Double, method: &str, path: &str) -> u16 {
    ask(double, method, path).send().status
}

#[test]
fn a_menu_is_made_shown_and_deleted() {
    let double = double();
    let id = make(&double, true);
    let mut shown = menu();
    shown["richMenuId"] = json!(id);

    assert!(id.starts_with("richmenu-") && id.len() == 41, "{id}");
    assert_eq!(get(&double, &format!("/v2/bot/richmenu/{id}")).send().body, shown);
    assert_eq!(
        get(&double, "/v2/bot/richmenu/list").send().body,
        json!({ "richmenus": [shown] })
    );
    assert_eq!(double.menus(TOWN)[0].name, "妊娠中");
    assert_eq!(status(&double, "DELETE", &format!("/v2/bot/richmenu/{id}")), 200);
    assert_eq!(status(&double, "DELETE", &format!("/v2/bot/richmenu/{id}")), 404);
    assert_eq!(double.menus(TOWN), []);
}

#[test]
fn a_menu_keeps_lines_limits() {
    let double = double();
    let check = |path: &str, value: Value| {
        let mut changed = menu();
        *changed.pointer_mut(path).unwrap() = value;
        let answer = post(&double, "/v2/bot/richmenu/validate", &changed).send();
        let property = answer.body["details"][0]["property"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, property)
    };
    let wrong = |property: &str| (400, property.to_owned());

    assert_eq!(check("/name", json!("あ")), (200, String::new()));
    assert_eq!(check("/name", json!("あ".repeat(301))), wrong("name"));
    assert_eq!(check("/chatBarText", json!("あ".repeat(15))), wrong("chatBarText"));
    assert_eq!(check("/size/width", json!(799)), wrong("size.width"));
    assert_eq!(check("/size/height", json!(249)), wrong("size.height"));
    assert_eq!(check("/size/height", json!(828)), wrong("size"));
    assert_eq!(check("/areas/0/bounds/width", json!(1201)), wrong("areas[0].bounds"));
    assert_eq!(
        check("/areas/0/action", json!({ "type": "camera", "label": "写" })),
        wrong("areas[0].action.type")
    );
    assert_eq!(
        check("/areas", json!(vec![menu()["areas"][0].clone(); 21])),
        wrong("areas")
    );
    assert_eq!(check("/selected", json!("yes")), wrong("selected"));
}

#[test]
fn the_picture_is_a_real_one_of_the_menus_size_and_at_most_a_megabyte() {
    let double = double();
    let id = make(&double, false);
    let refused = |kind: &str, bytes: Vec<u8>| upload(&double, &id, kind, bytes).status;
    let mut large = png(1200, 810);
    large.resize(1024 * 1024 + 1, 0);

    assert_eq!(refused("image/png", b"picture".to_vec()), 400);
    assert_eq!(refused("image/png", png(1200, 811)), 400);
    assert_eq!(refused("image/png", png(1201, 810)), 400);
    assert_eq!(refused("image/png", jpeg(1200, 810)), 400);
    assert_eq!(refused("image/gif", png(1200, 810)), 415);
    assert_eq!(refused("image/png", large), 413);
    assert_eq!(status(&double, "GET", &format!("/v2/bot/richmenu/{id}/content")), 404);

    assert_eq!(refused("image/jpeg", jpeg(1200, 810)), 200);
    assert_eq!(refused("image/png", png(1200, 810)), 400, "it cannot be replaced");
    let picture = get(&double, &format!("/v2/bot/richmenu/{id}/content")).send();
    assert_eq!(
        (picture.header("content-type"), &picture.raw),
        (Some("image/jpeg"), &jpeg(1200, 810))
    );
    assert_eq!(upload(&double, "richmenu-0", "image/png", png(1200, 810)).status, 404);
}

#[test]
fn a_user_sees_their_own_menu_before_the_default() {
    let double = double();
    let (all, own) = (make(&double, true), make(&double, true));
    let path = format!("/v2/bot/user/{AOI}/richmenu");
    assert_eq!(status(&double, "GET", "/v2/bot/user/all/richmenu"), 404);
    assert_eq!(double.menu_of(TOWN, AOI), None);

    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/all/richmenu/{all}")),
        200
    );
    assert_eq!(double.menu_of(TOWN, AOI), Some(all.clone()));
    assert_eq!(status(&double, "GET", &path), 404, "the default is not the user's own");
    assert_eq!(status(&double, "POST", &format!("{path}/{own}")), 200);

    assert_eq!(get(&double, &path).send().body, json!({ "richMenuId": own }));
    assert_eq!(
        get(&double, "/v2/bot/user/all/richmenu").send().body,
        json!({ "richMenuId": all })
    );
    assert_eq!(
        (double.menu_of(TOWN, AOI), double.menu_of(TOWN, HARU)),
        (Some(own.clone()), Some(all.clone()))
    );
    assert_eq!(status(&double, "DELETE", &path), 200);
    assert_eq!(double.menu_of(TOWN, AOI), Some(all.clone()));
    assert_eq!(status(&double, "DELETE", "/v2/bot/user/all/richmenu"), 200);
    assert_eq!(double.menu_of(TOWN, AOI), None);
}

#[test]
fn a_menu_without_a_picture_cannot_be_shown_to_anybody() {
    let double = double();
    let bare = make(&double, false);

    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/all/richmenu/{bare}")),
        400
    );
    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/{AOI}/richmenu/{bare}")),
        400
    );
    let bulk = json!({ "richMenuId": bare, "userIds": [AOI] });
    assert_eq!(post(&double, "/v2/bot/richmenu/bulk/link", &bulk).send().status, 400);
    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/{AOI}/richmenu/richmenu-0")),
        404
    );
    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/{NOBODY}/richmenu/{bare}")),
        400
    );
}

#[test]
fn aliases_name_menus() {
    let double = double();
    let (first, second) = (make(&double, true), make(&double, true));
    let create = |alias: &str, id: &str| {
        let body = json!({ "richMenuAliasId": alias, "richMenuId": id });
        let answer = post(&double, "/v2/bot/richmenu/alias", &body).send();
        (answer.status, answer.message().to_owned())
    };

    assert_eq!(create("child", &first).0, 200);
    assert_eq!(create("child", &first), (400, "conflict richmenu alias id".to_owned()));
    assert_eq!(create("other", "richmenu-0"), (400, "richmenu not found".to_owned()));
    assert_eq!(create("Child", &first).0, 400);
    let path = "/v2/bot/richmenu/alias/child";
    assert_eq!(post(&double, path, &json!({ "richMenuId": second })).send().status, 200);
    let alias = json!({ "richMenuAliasId": "child", "richMenuId": second });
    assert_eq!(get(&double, path).send().body, alias);
    assert_eq!(
        get(&double, "/v2/bot/richmenu/alias/list").send().body,
        json!({ "aliases": [alias] })
    );
    assert_eq!(
        (status(&double, "DELETE", path), status(&double, "DELETE", path)),
        (200, 404)
    );
    assert_eq!(status(&double, "GET", path), 404);
}

#[test]
fn bulk_changes_are_accepted_and_show_after_their_delay() {
    let double = double();
    let id = make(&double, true);
    double.menu_delay(TOWN, SignedDuration::from_secs(30));
    let link = json!({ "richMenuId": id, "userIds": [AOI, HARU, NOBODY] });

    assert_eq!(post(&double, "/v2/bot/richmenu/bulk/link", &link).send().status, 202);

    assert_eq!(double.menu_of(TOWN, AOI), None);
    double.advance(SignedDuration::from_secs(30));
    assert_eq!(double.menu_of(TOWN, AOI), Some(id));
    let unlink = json!({ "userIds": [AOI] });
    assert_eq!(
        post(&double, "/v2/bot/richmenu/bulk/unlink", &unlink).send().status,
        202
    );
    double.advance(SignedDuration::from_secs(30));
    assert_eq!(double.menu_of(TOWN, AOI), None);
    assert!(double.menu_of(TOWN, HARU).is_some());
    let none = json!({ "userIds": [] });
    assert_eq!(post(&double, "/v2/bot/richmenu/bulk/unlink", &none).send().status, 400);
}

#[test]
fn a_batch_replaces_menus_and_tells_its_progress() {
    let double = double();
    let (first, second) = (make(&double, true), make(&double, true));
    assert_eq!(
        status(&double, "POST", &format!("/v2/bot/user/{AOI}/richmenu/{first}")),
        200
    );
    double.menu_delay(TOWN, SignedDuration::from_secs(60));
    let body = json!({
        "operations": [{ "type": "link", "from": first, "to": second }], "resumeRequestKey": "move-1",
    });

    assert_eq!(
        post(&double, "/v2/bot/richmenu/validate/batch", &body).send().status,
        200
    );
    let accepted = post(&double, "/v2/bot/richmenu/batch", &body).send();

    assert_eq!(accepted.status, 202);
    let id = accepted.header("x-line-request-id").unwrap();
    let progress = || {
        get(&double, &format!("/v2/bot/richmenu/progress/batch?requestId={id}"))
            .send()
            .body
    };
    assert_eq!(
        progress(),
        json!({ "phase": "ongoing", "acceptedTime": "2026-11-20T00:00:00Z" })
    );
    double.advance(SignedDuration::from_secs(60));
    assert_eq!(progress()["phase"], "succeeded");
    assert_eq!(progress()["completedTime"], "2026-11-20T00:01:00Z");
    assert_eq!(double.menu_of(TOWN, AOI), Some(second.clone()));
    assert_eq!(
        post(&double, "/v2/bot/richmenu/batch", &body).send().status,
        202,
        "the same once more"
    );
    let other = json!({ "operations": [{ "type": "unlinkAll" }], "resumeRequestKey": "move-1" });
    assert_eq!(post(&double, "/v2/bot/richmenu/batch", &other).send().status, 400);
    assert_eq!(
        post(&double, "/v2/bot/richmenu/batch", &body).send().status,
        429,
        "three an hour"
    );
    assert_eq!(
        status(&double, "GET", "/v2/bot/richmenu/progress/batch?requestId=x"),
        404
    );
}

#[test]
fn a_batch_of_wrong_operations_changes_nothing() {
    let double = double();
    let (first, bare) = (make(&double, true), make(&double, false));
    let check = |operations: Value| {
        post(
            &double,
            "/v2/bot/richmenu/validate/batch",
            &json!({ "operations": operations }),
        )
        .send()
        .status
    };
    let unlink = json!({ "type": "unlink", "from": first });

    assert_eq!(check(json!([unlink])), 200);
    assert_eq!(check(json!([{ "type": "unlinkAll" }])), 200);
    assert_eq!(check(json!([])), 400);
    assert_eq!(check(json!([unlink, unlink])), 400);
    assert_eq!(check(json!([unlink, { "type": "unlinkAll" }])), 400);
    assert_eq!(check(json!([{ "type": "link", "from": first, "to": bare }])), 400);
    assert_eq!(check(json!([{ "type": "unlink", "from": "richmenu-0" }])), 404);
}

#[test]
fn a_hundred_menus_an_hour() {
    let double = double();
    for _ in 0..100 {
        make(&double, false);
    }

    assert_eq!(post(&double, "/v2/bot/richmenu", &menu()).send().status, 429);
    double.advance(SignedDuration::from_secs(36));
    assert_eq!(post(&double, "/v2/bot/richmenu", &menu()).send().status, 200);
}
