//! Rich menus: making, picture, default, aliases, and which user sees which.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::call::{Call, Object, invalid_property};
use crate::menus::{Batch, Change, Menus, RichMenu};
use crate::messages;
use crate::picture::Picture;
use crate::state::UserId;

/// Menus, and aliases, of a channel (LINE: "Rich menu").
const MENUS_MAX: usize = 1_000;
const ALIASES_MAX: usize = 1_000;

/// Bytes of a picture.
const PICTURE_MAX: usize = 1024 * 1024;

/// Users of one bulk request.
const USERS_MAX: usize = 500;

/// Operations of one batch.
const OPERATIONS_MAX: usize = 1_000;

const PROPERTIES: &[&str] = &["size", "selected", "name", "chatBarText", "areas"];

/// POST /v2/bot/richmenu
pub(crate) fn create(call: &Call<'_>) -> Result<Answer, Answer> {
    let request = read(call)?;
    let mut state = call.state();
    let id = format!("richmenu-{}", state.random.id().replace('-', ""));
    let menus = &mut call.channel(&mut state)?.menus;
    if menus.made.len() >= MENUS_MAX {
        return Err(Answer::refuse(400, "The maximum number of rich menus has been reached"));
    }
    menus.made.insert(id.clone(), RichMenu { request, picture: None });
    Ok(Answer::ok(&json!({ "richMenuId": id })))
}

/// POST /v2/bot/richmenu/validate
pub(crate) fn validate(call: &Call<'_>) -> Result<Answer, Answer> {
    read(call)?;
    Ok(Answer::done())
}

fn read(call: &Call<'_>) -> Result<Map<String, Value>, Answer> {
    let request = call.object(PROPERTIES)?.into_map();
    messages::check_rich_menu(&request, call.app.rules)?;
    Ok(request)
}

/// POST /v2/bot/richmenu/{richMenuId}/content: a picture cannot be replaced.
pub(crate) fn upload(call: &Call<'_>) -> Result<Answer, Answer> {
    let picture = Picture::read(call.body);
    if !matches!(call.content_type, "image/png" | "image/jpeg") {
        return Err(Answer::refuse(415, "Unsupported media type"));
    }
    if call.body.len() > PICTURE_MAX {
        return Err(Answer::refuse(413, "The request entity is too large"));
    }
    let picture = picture
        .filter(|picture| picture.kind == call.content_type)
        .ok_or_else(|| Answer::refuse(400, "The image is not what its content type says"))?;
    let mut state = call.state();
    let menu = made(&mut call.channel(&mut state)?.menus, call.param(0))?;
    let side = |name: &str| menu.request.get("size").and_then(|size| size.get(name)?.as_u64());
    if side("width") != Some(picture.width) || side("height") != Some(picture.height) {
        return Err(Answer::refuse(400, "The image size is not the rich menu's size"));
    }
    if menu.picture.is_some() {
        return Err(Answer::refuse(
            400,
            "An image has already been uploaded to the richmenu",
        ));
    }
    menu.picture = Some((picture.kind, call.body.to_vec()));
    Ok(Answer::done())
}

/// GET /v2/bot/richmenu/{richMenuId}/content
pub(crate) fn download(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let menu = made(&mut call.channel(&mut state)?.menus, call.param(0))?;
    let (kind, bytes) = menu.picture.as_ref().ok_or_else(not_found)?;
    Ok(Answer::bytes(200, kind, bytes.clone()))
}

/// GET /v2/bot/richmenu/{richMenuId}
pub(crate) fn get(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let menu = made(&mut call.channel(&mut state)?.menus, call.param(0))?;
    Ok(Answer::ok(&shown(call.param(0), menu)))
}

/// GET /v2/bot/richmenu/list
pub(crate) fn list(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let menus = &call.channel(&mut state)?.menus;
    let list: Vec<Value> = menus.made.iter().map(|(id, menu)| shown(id, menu)).collect();
    Ok(Answer::ok(&json!({ "richmenus": list })))
}

fn shown(id: &str, menu: &RichMenu) -> Value {
    let mut shown = menu.request.clone();
    shown.insert("richMenuId".to_owned(), Value::from(id));
    Value::Object(shown)
}

/// DELETE /v2/bot/richmenu/{richMenuId}
pub(crate) fn delete(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let was_there = call.channel(&mut state)?.menus.delete(call.param(0));
    if was_there {
        Ok(Answer::done())
    } else {
        Err(not_found())
    }
}

/// POST /v2/bot/user/all/richmenu/{richMenuId}
pub(crate) fn set_default(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    with_picture(menus, call.param(0))?;
    menus.default = Some(call.param(0).to_owned());
    Ok(Answer::done())
}

/// GET /v2/bot/user/all/richmenu
pub(crate) fn get_default(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    match &call.channel(&mut state)?.menus.default {
        Some(id) => Ok(Answer::ok(&json!({ "richMenuId": id }))),
        None => Err(Answer::refuse(404, "no default richmenu")),
    }
}

/// DELETE /v2/bot/user/all/richmenu
pub(crate) fn clear_default(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    call.channel(&mut state)?.menus.default = None;
    Ok(Answer::done())
}

/// POST /v2/bot/richmenu/alias
pub(crate) fn create_alias(call: &Call<'_>) -> Result<Answer, Answer> {
    let body = call.object(&["richMenuAliasId", "richMenuId"])?;
    let alias = body.text("richMenuAliasId")?;
    let right = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if !(1..=32).contains(&alias.len()) || !alias.bytes().all(right) {
        return Err(invalid_property("richMenuAliasId"));
    }
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    let menu = for_alias(menus, &body)?;
    if menus.aliases.contains_key(alias) {
        return Err(Answer::refuse(400, "conflict richmenu alias id"));
    }
    if menus.aliases.len() >= ALIASES_MAX {
        return Err(Answer::refuse(
            400,
            "The maximum number of rich menu aliases has been reached",
        ));
    }
    menus.aliases.insert(alias.to_owned(), menu);
    Ok(Answer::done())
}

/// The menu of an alias: LINE answers 400 to one that is not there or has no picture.
fn for_alias(menus: &mut Menus, body: &Object) -> Result<String, Answer> {
    let menu = body.text("richMenuId")?;
    if !menus.made.contains_key(menu) {
        return Err(Answer::refuse(400, "richmenu not found"));
    }
    with_picture(menus, menu)?;
    Ok(menu.to_owned())
}

/// GET /v2/bot/richmenu/alias/{richMenuAliasId}
pub(crate) fn get_alias(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let menus = &call.channel(&mut state)?.menus;
    let menu = menus.aliases.get(call.param(0)).ok_or_else(no_alias)?;
    Ok(Answer::ok(
        &json!({ "richMenuAliasId": call.param(0), "richMenuId": menu }),
    ))
}

/// POST /v2/bot/richmenu/alias/{richMenuAliasId}
pub(crate) fn update_alias(call: &Call<'_>) -> Result<Answer, Answer> {
    let body = call.object(&["richMenuId"])?;
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    let menu = for_alias(menus, &body)?;
    *menus.aliases.get_mut(call.param(0)).ok_or_else(no_alias)? = menu;
    Ok(Answer::done())
}

/// DELETE /v2/bot/richmenu/alias/{richMenuAliasId}
pub(crate) fn delete_alias(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let removed = call.channel(&mut state)?.menus.aliases.remove(call.param(0));
    removed.map(|_| Answer::done()).ok_or_else(no_alias)
}

/// GET /v2/bot/richmenu/alias/list
pub(crate) fn list_aliases(call: &Call<'_>) -> Result<Answer, Answer> {
    let mut state = call.state();
    let aliases: Vec<Value> = call
        .channel(&mut state)?
        .menus
        .aliases
        .iter()
        .map(|(alias, menu)| json!({ "richMenuAliasId": alias, "richMenuId": menu }))
        .collect();
    Ok(Answer::ok(&json!({ "aliases": aliases })))
}

/// POST /v2/bot/user/{userId}/richmenu/{richMenuId}
pub(crate) fn link(call: &Call<'_>) -> Result<Answer, Answer> {
    let user = known_user(call)?;
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    with_picture(menus, call.param(1))?;
    menus.link(user, Some(call.param(1).to_owned()), call.now);
    Ok(Answer::done())
}

/// DELETE /v2/bot/user/{userId}/richmenu
pub(crate) fn unlink(call: &Call<'_>) -> Result<Answer, Answer> {
    let user = known_user(call)?;
    let mut state = call.state();
    call.channel(&mut state)?.menus.link(user, None, call.now);
    Ok(Answer::done())
}

/// GET /v2/bot/user/{userId}/richmenu: the menu of the user's own, not the default.
pub(crate) fn get_of_user(call: &Call<'_>) -> Result<Answer, Answer> {
    let user = known_user(call)?;
    let mut state = call.state();
    match call.channel(&mut state)?.menus.own(user, call.now) {
        Some(id) => Ok(Answer::ok(&json!({ "richMenuId": id }))),
        None => Err(Answer::refuse(404, "the user has no richmenu")),
    }
}

fn known_user(call: &Call<'_>) -> Result<UserId, Answer> {
    let user = call.user(0)?;
    match call.state().name(&call.channel, user) {
        Some(_) => Ok(user),
        None => Err(Answer::refuse(400, "The user doesn't exist")),
    }
}

/// POST /v2/bot/richmenu/bulk/link: accepted, and carried out some time later; ids of strangers are passed over.
pub(crate) fn bulk_link(call: &Call<'_>) -> Result<Answer, Answer> {
    let body = call.object(&["richMenuId", "userIds"])?;
    let menu = body.text("richMenuId")?;
    let users = body.users("userIds", USERS_MAX)?;
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    with_picture(menus, menu)?;
    menus.accept(Change::Users(users, Some(menu.to_owned())), call.now);
    Ok(accepted())
}

/// POST /v2/bot/richmenu/bulk/unlink
pub(crate) fn bulk_unlink(call: &Call<'_>) -> Result<Answer, Answer> {
    let users = call.object(&["userIds"])?.users("userIds", USERS_MAX)?;
    let mut state = call.state();
    call.channel(&mut state)?
        .menus
        .accept(Change::Users(users, None), call.now);
    Ok(accepted())
}

/// POST /v2/bot/richmenu/batch: a key that resumes may only come with the operations that it first came with.
pub(crate) fn batch(call: &Call<'_>) -> Result<Answer, Answer> {
    let (change, resume_key) = read_batch(call)?;
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    menus.forget_batches(call.now);
    let differs = |earlier: &Batch| earlier.resume_key == resume_key && earlier.change != change;
    if resume_key.is_some() && menus.batches.values().any(differs) {
        return Err(Answer::invalid_at(
            "resumeRequestKey",
            "The key belongs to other operations",
        ));
    }
    let completed_at = menus.accept(change.clone(), call.now);
    let batch = Batch {
        change,
        resume_key,
        accepted_at: call.now,
        completed_at,
    };
    menus.batches.insert(call.request_id.to_owned(), batch);
    Ok(accepted())
}

/// POST /v2/bot/richmenu/validate/batch
pub(crate) fn validate_batch(call: &Call<'_>) -> Result<Answer, Answer> {
    read_batch(call)?;
    Ok(Answer::done())
}

/// GET /v2/bot/richmenu/progress/batch
pub(crate) fn batch_progress(call: &Call<'_>) -> Result<Answer, Answer> {
    let id = call.query.get("requestId").unwrap_or_default();
    let mut state = call.state();
    let batch = call.channel(&mut state)?.menus.batches.get(id).ok_or_else(not_found)?;
    let accepted = batch.accepted_at.to_string();
    Ok(Answer::ok(&if call.now < batch.completed_at {
        json!({ "phase": "ongoing", "acceptedTime": accepted })
    } else {
        let completed = batch.completed_at.to_string();
        json!({ "phase": "succeeded", "acceptedTime": accepted, "completedTime": completed })
    }))
}

fn read_batch(call: &Call<'_>) -> Result<(Change, Option<String>), Answer> {
    let body = call.object(&["operations", "resumeRequestKey"])?;
    let resume_key = match body.get("resumeRequestKey") {
        None => None,
        Some(key) => match key.as_str().filter(|key| is_resume_key(key)) {
            Some(key) => Some(key),
            None => return Err(invalid_property("resumeRequestKey")),
        },
    };
    let operations = body
        .get("operations")
        .and_then(Value::as_array)
        .filter(|operations| (1..=OPERATIONS_MAX).contains(&operations.len()))
        .ok_or_else(|| invalid_property("operations"))?;
    let mut state = call.state();
    let menus = &mut call.channel(&mut state)?.menus;
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for (index, operation) in (0..).zip(operations) {
        let wrong = || invalid_property(&format!("operations[{index}]"));
        let object = operation.as_object().ok_or_else(wrong)?;
        let menu = |name: &str| {
            let id = object.get(name).and_then(Value::as_str).ok_or_else(wrong)?;
            Ok::<_, Answer>(id.to_owned())
        };
        match (object.get("type").and_then(Value::as_str), object.len()) {
            (Some("link"), 3) => pairs.push((menu("from")?, Some(menu("to")?))),
            (Some("unlink"), 2) => pairs.push((menu("from")?, None)),
            (Some("unlinkAll"), 1) if operations.len() == 1 => {
                return Ok((Change::UnlinkAll, resume_key.map(str::to_owned)));
            }
            _ => return Err(wrong()),
        }
        let Some(((from, to), earlier)) = pairs.split_last() else {
            continue;
        };
        made(menus, from)?;
        if let Some(to) = to {
            with_picture(menus, to)?;
        }
        if earlier.iter().any(|(other, _)| other == from) {
            return Err(wrong());
        }
    }
    Ok((Change::Replace(pairs), resume_key.map(str::to_owned)))
}

fn is_resume_key(key: &str) -> bool {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=100).contains(&key.len()) && key.bytes().all(right)
}

fn made<'m>(menus: &'m mut Menus, id: &str) -> Result<&'m mut RichMenu, Answer> {
    menus.made.get_mut(id).ok_or_else(not_found)
}

/// Only a menu with a picture can be shown.
fn with_picture(menus: &mut Menus, id: &str) -> Result<(), Answer> {
    match made(menus, id)?.picture {
        Some(_) => Ok(()),
        None => Err(Answer::refuse(
            400,
            "must upload richmenu image before applying it to user",
        )),
    }
}

fn accepted() -> Answer {
    Answer::json(202, &json!({}))
}

fn not_found() -> Answer {
    Answer::refuse(404, "Not found")
}

fn no_alias() -> Answer {
    Answer::refuse(404, "richmenu alias not found")
}
