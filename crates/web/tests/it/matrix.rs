//! Who may open what: every route with every role, at their own town and at another, and for nobody.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use kizuna_domain::ids::InvitationId;
use kizuna_domain::staff::Role;
use kizuna_domain::tenant::TenantKind;
use kizuna_engine::actions::{Actor, staff as actions};
use kizuna_store::places;
use kizuna_store::staff::{self, Offer};
use kizuna_store::tenants::Tenant;
use kizuna_web::routes::{Audience, Route, first_words, table};

use crate::support::{Browser, Place};

fn audience(route: &Route) -> String {
    match route.audience {
        Audience::Reader => "reader".to_owned(),
        Audience::Anyone => "anyone".to_owned(),
        Audience::Myself => "myself".to_owned(),
        Audience::Staff(permission) => permission.code().to_owned(),
    }
}

#[test]
fn no_route_vanishes_or_changes_its_audience_unnoticed() {
    let lines: Vec<String> = table()
        .iter()
        .map(|route| format!("{} {} {}", route.method, route.path, audience(route)))
        .collect();
    assert_eq!(
        lines,
        [
            "GET / reader",
            "GET /healthz reader",
            "GET /assets/{name} reader",
            "GET /media/{name} reader",
            "GET /{tenant}/stop/{token} reader",
            "POST /{tenant}/stop/{token} reader",
            "GET /{tenant}/stop/{token}/one-click reader",
            "POST /{tenant}/stop/{token}/one-click reader",
            "GET /{tenant}/stop/{token}/each reader",
            "POST /{tenant}/stop/{token}/each reader",
            "GET /{tenant}/stopped reader",
            "GET /{tenant}/accessibility reader",
            "POST /{tenant}/line/webhook reader",
            "GET /{tenant}/line/enter reader",
            "GET /{tenant}/line/callback reader",
            "GET /{tenant}/line/liff reader",
            "POST /{tenant}/line/liff reader",
            "GET /r/{code} reader",
            "GET /{tenant} reader",
            "GET /{tenant}/register reader",
            "POST /{tenant}/register reader",
            "GET /{tenant}/register/sent reader",
            "GET /{tenant}/register/{way}/{token} reader",
            "POST /{tenant}/register/{way}/{token} reader",
            "GET /{tenant}/register/{way}/{token}/done reader",
            "GET /{tenant}/confirm/{token} reader",
            "POST /{tenant}/confirm/{token} reader",
            "GET /{tenant}/confirm/{token}/done reader",
            "GET /{tenant}/my/{token}/birth reader",
            "POST /{tenant}/my/{token}/birth reader",
            "GET /{tenant}/my/{token}/birth/{subscription} reader",
            "GET /{tenant}/my/{token}/date reader",
            "POST /{tenant}/my/{token}/date reader",
            "GET /{tenant}/my/{token}/child reader",
            "POST /{tenant}/my/{token}/child reader",
            "GET /{tenant}/my/{token}/child/{subscription} reader",
            "POST /{tenant}/my/{token}/child/{subscription} reader",
            "GET /{tenant}/my/{token}/pause reader",
            "POST /{tenant}/my/{token}/pause reader",
            "GET /{tenant}/my/{token}/stop reader",
            "POST /{tenant}/my/{token}/stop reader",
            "GET /{tenant}/my/{token}/stop/each reader",
            "POST /{tenant}/my/{token}/stop/each reader",
            "GET /{tenant}/my/{token}/support reader",
            "GET /{tenant}/support reader",
            "GET /{tenant}/changed/{what} reader",
            "GET /{tenant}/my/{token}/delivery reader",
            "POST /{tenant}/my/{token}/delivery reader",
            "GET /{tenant}/delivery/{token} reader",
            "POST /{tenant}/delivery/{token} reader",
            "GET /{tenant}/my/{token}/invite reader",
            "POST /{tenant}/my/{token}/invite reader",
            "GET /{tenant}/with/{token} reader",
            "POST /{tenant}/with/{token} reader",
            "GET /{tenant}/my/{token}/move reader",
            "POST /{tenant}/my/{token}/move reader",
            "GET /{tenant}/my/{token}/moved reader",
            "GET /{tenant}/move-in reader",
            "POST /{tenant}/move-in reader",
            "GET /{tenant}/desks reader",
            "GET /{tenant}/words/{token} reader",
            "GET /{tenant}/words/{token}/past reader",
            "GET /{tenant}/words/{token}/day/{day} reader",
            "GET /{tenant}/words/{token}/print reader",
            "GET /{tenant}/my/{token} reader",
            "POST /{tenant}/fresh/{token} reader",
            "GET /{tenant}/fresh reader",
            "GET /{tenant}/my/{token}/data reader",
            "GET /{tenant}/my/{token}/data/kiroku.html reader",
            "GET /{tenant}/my/{token}/data/kiroku.json reader",
            "GET /{tenant}/my/{token}/data/erase reader",
            "POST /{tenant}/my/{token}/data/erase reader",
            "GET /{tenant}/my/{token}/links reader",
            "POST /{tenant}/my/{token}/links reader",
            "GET /{tenant}/my/{token}/address reader",
            "POST /{tenant}/my/{token}/address reader",
            "GET /{tenant}/repair/{token} reader",
            "POST /{tenant}/repair/{token} reader",
            "GET /signin anyone",
            "POST /signin anyone",
            "POST /signout myself",
            "GET /join/{token} anyone",
            "POST /join/{token} anyone",
            "GET /join/{token}/code anyone",
            "POST /join/{token}/code anyone",
            "POST /join/{token}/accept myself",
            "GET /me myself",
            "POST /me/password myself",
            "GET /me/totp myself",
            "POST /me/totp myself",
            "POST /me/totp/confirm myself",
            "GET /me/codes myself",
            "POST /me/codes myself",
            "GET /{tenant}/demo families.view",
            "GET /{tenant}/today office.view",
            "GET /{tenant}/plan office.view",
            "GET /{tenant}/families families.view",
            "GET /{tenant}/families/{subscription} families.view",
            "GET /{tenant}/line line.view",
            "POST /{tenant}/line line.connect",
            "POST /{tenant}/line/check line.connect",
            "POST /{tenant}/line/register-webhook line.connect",
            "GET /{tenant}/line/menus line.view",
            "POST /{tenant}/line/menus/publish line.menus",
            "GET /{tenant}/line/menus/{stage} line.view",
            "POST /{tenant}/line/menus/{stage} line.menus",
            "GET /{tenant}/line/guest line.view",
            "GET /{tenant}/mailbox families.view",
            "POST /{tenant}/mailbox families.view",
            "GET /{tenant}/mailbox/{name} families.view",
            "GET /{tenant}/places office.view",
            "POST /{tenant}/places places.manage",
            "POST /{tenant}/places/{code} places.manage",
            "GET /{tenant}/staff staff.manage",
            "POST /{tenant}/staff staff.manage",
            "GET /{tenant}/staff/{staff} staff.manage",
            "POST /{tenant}/staff/{staff}/role staff.manage",
            "POST /{tenant}/staff/{staff}/remove staff.manage",
            "GET /{tenant}/invitations/{invitation} staff.manage",
            "POST /{tenant}/invitations/{invitation}/withdraw staff.manage",
            "GET /{tenant}/audit audit.view",
        ]
    );
}

#[test]
fn no_tenant_may_have_the_first_word_of_an_address_of_ours_for_its_code() {
    let mut words = first_words();
    words.sort_unstable();
    words.dedup();
    assert_eq!(
        words,
        ["assets", "healthz", "join", "me", "media", "r", "signin", "signout"]
    );
}

/// The code of a town's first place.
fn place_code(place: &Place, tenant: &Tenant) -> String {
    let found = place.env().db.read(|tx| places::of_tenant(tx, tenant.scope()));
    found.unwrap()[0].code.to_string()
}

/// Two towns alike, with families, letters and people.
struct World {
    place: Place,
    /// What stands for the parts of an address, by town.
    parts: BTreeMap<&'static str, Vec<(&'static str, String)>>,
}

impl World {
    fn new() -> World {
        let place = Place::bare();
        for (code, name) in [("hidamari", "ひだまり市"), ("komorebi", "こもれび町")] {
            place.town(code, name, TenantKind::Demo, "json");
        }
        place.run();
        let mut parts = BTreeMap::new();
        for code in ["hidamari", "komorebi"] {
            let tenant = place.tenant(code);
            let resident = place.person(&format!("resident@{code}.example"), "見本 太郎");
            place.place(&tenant, resident, Role::Viewer);
            let offer = Offer::Place(tenant.scope(), Role::Viewer);
            let guest = format!("guest@{code}.example");
            let invited = actions::invite(place.env(), Actor::CommandLine, offer, &guest).unwrap();
            let letter = std::fs::read_dir(place.outbox(code)).unwrap().next().unwrap().unwrap();
            parts.insert(
                code,
                vec![
                    ("{tenant}", code.to_owned()),
                    ("{subscription}", place.family(&tenant, "そら").subscription.to_string()),
                    ("{name}", letter.file_name().into_string().unwrap()),
                    ("{staff}", resident.to_string()),
                    ("{invitation}", invited.id.to_string()),
                    ("{stage}", "child".to_owned()),
                    ("{code}", place_code(&place, &tenant)),
                ],
            );
        }
        World { place, parts }
    }

    fn path(&self, route: &Route, town: &str) -> String {
        self.parts[town]
            .iter()
            .fold(route.path.to_owned(), |path, (part, value)| path.replace(part, value))
    }

    /// What somebody gets; a form is sent without fields, which no page accepts.
    fn status(&self, browser: &Browser<'_>, route: &Route, town: &str) -> u16 {
        let path = self.path(route, town);
        let answer = match route.method {
            "GET" => browser.get(&path),
            _ => browser.post(&path, &[]),
        };
        assert_ne!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}: {}",
            answer.body
        );
        answer.status.as_u16()
    }
}

#[test]
fn the_matrix_of_permissions_is_this_one() {
    let world = World::new();
    let place = &world.place;
    let roles = [Role::Administrator, Role::Editor, Role::Approver, Role::Viewer];
    let own = place.tenant("hidamari");
    // Somebody else, so that nobody here is the last administrator.
    let other = place.person("other@example.jp", "見本 二郎");
    place.place(&own, other, Role::Administrator);
    let mut people: Vec<(&str, Browser<'_>)> = Vec::new();
    for role in roles {
        let id = place.person(&format!("{}@example.jp", role.code()), "見本 花子");
        place.place(&own, id, role);
        people.push((role.code(), place.browser(id)));
    }
    let operator = place.person("operator@example.jp", "見本 守");
    place
        .env()
        .db
        .write(|tx| staff::set_operator(tx, operator, true))
        .unwrap();
    people.push(("operator", place.browser(operator)));
    people.push(("nobody", Browser::new(place)));

    let mut matrix = String::new();
    for route in table()
        .iter()
        .filter(|route| matches!(route.audience, Audience::Staff(_)))
    {
        let changes_something = route.path.ends_with("/remove") || route.path.ends_with("/withdraw");
        let statuses = people.iter().map(|(who, browser)| {
            let at_own = if changes_something {
                "-".to_owned()
            } else {
                world.status(browser, route, "hidamari").to_string()
            };
            let elsewhere = if changes_something && *who == "operator" {
                "-".to_owned()
            } else {
                world.status(browser, route, "komorebi").to_string()
            };
            format!("{who} {at_own}/{elsewhere}")
        });
        let line: Vec<String> = statuses.collect();
        writeln!(matrix, "{} {}: {}", route.method, route.path, line.join(" ")).unwrap();
    }
    println!("{matrix}");
    let expected = "\
GET /{tenant}/demo: administrator 404/404 editor 404/404 approver 404/404 viewer 403/404 operator 403/403 nobody 303/303
GET /{tenant}/today: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
GET /{tenant}/plan: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
GET /{tenant}/families: administrator 200/404 editor 200/404 approver 200/404 viewer 403/404 operator 403/403 nobody 303/303
GET /{tenant}/families/{subscription}: administrator 200/404 editor 200/404 approver 200/404 viewer 403/404 operator 403/403 nobody 303/303
GET /{tenant}/line: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
POST /{tenant}/line: administrator 422/404 editor 403/404 approver 403/404 viewer 403/404 operator 422/422 nobody 401/401
POST /{tenant}/line/check: administrator 303/404 editor 403/404 approver 403/404 viewer 403/404 operator 303/303 nobody 401/401
POST /{tenant}/line/register-webhook: administrator 502/404 editor 403/404 approver 403/404 viewer 403/404 operator 502/502 nobody 401/401
GET /{tenant}/line/menus: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
POST /{tenant}/line/menus/publish: administrator 303/404 editor 303/404 approver 403/404 viewer 403/404 operator 403/403 nobody 401/401
GET /{tenant}/line/menus/{stage}: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
POST /{tenant}/line/menus/{stage}: administrator 303/404 editor 303/404 approver 403/404 viewer 403/404 operator 403/403 nobody 401/401
GET /{tenant}/line/guest: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
GET /{tenant}/mailbox: administrator 200/404 editor 200/404 approver 200/404 viewer 403/404 operator 403/403 nobody 303/303
POST /{tenant}/mailbox: administrator 404/404 editor 404/404 approver 404/404 viewer 403/404 operator 403/403 nobody 401/401
GET /{tenant}/mailbox/{name}: administrator 200/404 editor 200/404 approver 200/404 viewer 403/404 operator 403/403 nobody 303/303
GET /{tenant}/places: administrator 200/404 editor 200/404 approver 200/404 viewer 200/404 operator 200/200 nobody 303/303
POST /{tenant}/places: administrator 422/404 editor 422/404 approver 403/404 viewer 403/404 operator 403/403 nobody 401/401
POST /{tenant}/places/{code}: administrator 422/404 editor 422/404 approver 403/404 viewer 403/404 operator 403/403 nobody 401/401
GET /{tenant}/staff: administrator 200/404 editor 403/404 approver 403/404 viewer 403/404 operator 200/200 nobody 303/303
POST /{tenant}/staff: administrator 404/404 editor 403/404 approver 403/404 viewer 403/404 operator 404/404 nobody 401/401
GET /{tenant}/staff/{staff}: administrator 200/404 editor 403/404 approver 403/404 viewer 403/404 operator 200/200 nobody 303/303
POST /{tenant}/staff/{staff}/role: administrator 404/404 editor 403/404 approver 403/404 viewer 403/404 operator 404/404 nobody 401/401
POST /{tenant}/staff/{staff}/remove: administrator -/404 editor -/404 approver -/404 viewer -/404 operator -/- nobody -/401
GET /{tenant}/invitations/{invitation}: administrator 200/404 editor 403/404 approver 403/404 viewer 403/404 operator 200/200 nobody 303/303
POST /{tenant}/invitations/{invitation}/withdraw: administrator -/404 editor -/404 approver -/404 viewer -/404 operator -/- nobody -/401
GET /{tenant}/audit: administrator 200/404 editor 403/404 approver 200/404 viewer 403/404 operator 200/200 nobody 303/303
";
    assert_eq!(matrix, expected);

    let ends = table();
    for end in ["/remove", "/withdraw"] {
        let route = ends.iter().find(|route| route.path.ends_with(end)).unwrap();
        for (who, browser) in people.iter().rev() {
            let expected = match *who {
                "nobody" => 401,
                "editor" | "approver" | "viewer" => 403,
                "operator" => 303,
                // The operator was faster.
                _ => 404,
            };
            assert_eq!(world.status(browser, route, "hidamari"), expected, "{who} {end}");
        }
    }
}

#[test]
fn pages_of_ones_own_need_a_session_and_nothing_else() {
    let place = Place::bare();
    let lonely = place.person("lonely@example.jp", "見本 花子");
    let browser = place.browser(lonely);
    assert_eq!(browser.get("/me").status, StatusCode::OK);
    for route in table().iter().filter(|route| route.audience == Audience::Myself) {
        let stranger = Browser::new(&place);
        let path = route.path.replace("{token}", "x");
        let (status, expected) = match route.method {
            "GET" => (stranger.get(&path).status, StatusCode::SEE_OTHER),
            _ => (stranger.post(&path, &[]).status, StatusCode::UNAUTHORIZED),
        };
        assert_eq!(status, expected, "{path}");
    }
}

#[test]
fn the_parts_of_another_town_do_not_exist_in_ones_own() {
    let world = World::new();
    let place = &world.place;
    let id = place.person("hanako@example.jp", "見本 花子");
    place.place(&place.tenant("hidamari"), id, Role::Administrator);
    let browser = place.browser(id);
    for (part, value) in &world.parts["komorebi"] {
        let mixed = |path: &str| path.replace("{tenant}", "hidamari").replace(part, value);
        for route in table() {
            // Both towns wrote the same letters under the same names, and have menus for the same stages.
            if ["{tenant}", "{name}", "{stage}"].contains(part) || !route.path.contains(part)
                // A printed link names its place alone.
                || !route.path.contains("{tenant}")
            {
                continue;
            }
            let answer = match route.method {
                "GET" => browser.get(&mixed(route.path)),
                _ => browser.post(&mixed(route.path), &[("role", "viewer")]),
            };
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{} {}",
                route.method,
                mixed(route.path)
            );
        }
    }
    let resident = &world.parts["komorebi"][3].1;
    let role = place
        .env()
        .db
        .read(|tx| staff::role(tx, place.tenant("komorebi").scope(), resident.parse().unwrap()))
        .unwrap();
    assert_eq!(role, Some(Role::Viewer), "nothing was changed");
    let invited: InvitationId = world.parts["komorebi"][4].1.parse().unwrap();
    let env = place.env();
    let found = env
        .db
        .read(|tx| staff::invitation_by_id(tx, &env.keys, invited, env.clock.now()))
        .unwrap();
    assert!(found.is_some(), "nothing was withdrawn");
}

#[test]
fn a_role_that_does_not_reach_reads_who_can_help() {
    let world = World::new();
    let place = &world.place;
    let town = place.tenant("hidamari");
    let (able, viewer) = (
        place.person("a@example.jp", "見本 幸"),
        place.person("b@example.jp", "見本 実"),
    );
    place.place(&town, able, Role::Administrator);
    place.place(&town, viewer, Role::Viewer);
    let browser = place.browser(viewer);
    let answer = browser.get("/hidamari/staff");
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    answer.says("「管理者」の役割の人ができます").says("見本 幸さん");
    let today = browser.get("/hidamari/today");
    today.says("見本 実").says("閲覧のみ").says("サインアウト");
    today
        .is_silent_about("/hidamari/staff")
        .is_silent_about("/hidamari/families")
        .is_silent_about("/hidamari/audit");
}

#[test]
fn the_demo_opens_for_browsers_of_this_machine_only() {
    let place = Place::demo();
    assert_eq!(place.get("/hidamari/today").status, StatusCode::OK);
    let ask = |name: &str, value: &str| {
        let request = Request::get("/hidamari/today").header(name, value);
        place.ask(request.body(Body::empty()).unwrap()).status
    };
    assert_eq!(
        ask(header::HOST.as_str(), "rebound.example:8117"),
        StatusCode::NOT_FOUND
    );
    assert_eq!(ask("x-forwarded-for", "203.0.113.9"), StatusCode::NOT_FOUND);
}
