//! Every address, with who may open it. A page that is not in this table does not exist.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, REFERRER_POLICY};
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use kizuna_domain::staff::Permission;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::guard::{self, Gate, Shared};
use crate::line::{liff, login, webhook};
use crate::office::{
    audit, demo, families, family, invitation, letter, line as office_line, line_guest, line_menu, line_menus, mailbox,
    people, person, places, plan, today,
};
use crate::reader::{
    accessibility, address, birth, born, changed, child, confirm, data, data_file, date, delivery, delivery_confirm,
    desks, erase, expired, invite, move_in, moving, my, past, pause, print, reading, register, renew, sent, stop,
    stop_each, stopped, support, with,
};
use crate::staff::{join, me, sign_in};
use crate::{Site, assets, error, front, health, media};

/// Who a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Families, and LINE in their name: always open, also to mail programs, which send no origin.
    Reader,
    /// Anybody on the way in, by forms of our own pages.
    Anyone,
    /// Whoever is signed in.
    Myself,
    /// Staff of the tenant in the address whose role has the permission.
    Staff(Permission),
}

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Route {
    /// Method of the request; a `GET` also answers `HEAD`.
    pub method: &'static str,
    /// Address, with its parts in braces.
    pub path: &'static str,
    /// Who it is for.
    pub audience: Audience,
    /// Largest body in bytes.
    body_max: usize,
    handler: MethodRouter<Shared>,
}

/// The table.
pub fn table() -> Vec<Route> {
    use Audience::{Anyone, Myself, Reader, Staff};
    use Permission::{
        AuditView, FamiliesView, LineConnect, LineMenus, LineView, OfficeView, PlacesManage, StaffManage,
    };
    let route = |method, path, audience, handler| Route {
        method,
        path,
        audience,
        body_max: BODY_BYTES_MAX,
        handler,
    };
    vec![
        route("GET", "/", Reader, get(front::get)),
        route("GET", "/healthz", Reader, get(health::get)),
        route("GET", "/assets/{name}", Reader, get(assets::get)),
        route("GET", "/media/{name}", Reader, get(media::get)),
        route("GET", "/{tenant}/stop/{token}", Reader, get(stop::get)),
        route("POST", "/{tenant}/stop/{token}", Reader, post(stop::post)),
        route("GET", "/{tenant}/stop/{token}/one-click", Reader, get(stop::get)),
        route(
            "POST",
            "/{tenant}/stop/{token}/one-click",
            Reader,
            post(stop::one_click),
        ),
        route("GET", "/{tenant}/stop/{token}/each", Reader, get(stop_each::get)),
        route("POST", "/{tenant}/stop/{token}/each", Reader, post(stop_each::post)),
        route("GET", "/{tenant}/stopped", Reader, get(stopped::get)),
        route("GET", "/{tenant}/accessibility", Reader, get(accessibility::get)),
        Route {
            body_max: kizuna_engine::line::BODY_BYTES_MAX,
            ..route("POST", "/{tenant}/line/webhook", Reader, post(webhook::post))
        },
        route("GET", "/{tenant}/line/enter", Reader, get(login::enter)),
        route("GET", "/{tenant}/line/callback", Reader, get(login::callback)),
        route("GET", "/{tenant}/line/liff", Reader, get(liff::get)),
        route("POST", "/{tenant}/line/liff", Reader, post(liff::post)),
        route("GET", "/r/{code}", Reader, get(register::by_place)),
        route("GET", "/{tenant}", Reader, get(register::front)),
        route("GET", "/{tenant}/register", Reader, get(register::get)),
        route("POST", "/{tenant}/register", Reader, post(register::post)),
        route("GET", "/{tenant}/register/sent", Reader, get(sent::get)),
        route(
            "GET",
            "/{tenant}/register/{way}/{token}",
            Reader,
            get(register::get_ticket),
        ),
        route(
            "POST",
            "/{tenant}/register/{way}/{token}",
            Reader,
            post(register::post_ticket),
        ),
        route(
            "GET",
            "/{tenant}/register/{way}/{token}/done",
            Reader,
            get(register::done),
        ),
        route("GET", "/{tenant}/confirm/{token}", Reader, get(confirm::get)),
        route("POST", "/{tenant}/confirm/{token}", Reader, post(confirm::post)),
        route("GET", "/{tenant}/confirm/{token}/done", Reader, get(confirm::done)),
        route("GET", "/{tenant}/my/{token}/birth", Reader, get(birth::get)),
        route("POST", "/{tenant}/my/{token}/birth", Reader, post(birth::post)),
        route(
            "GET",
            "/{tenant}/my/{token}/birth/{subscription}",
            Reader,
            get(born::get),
        ),
        route("GET", "/{tenant}/my/{token}/date", Reader, get(date::get)),
        route("POST", "/{tenant}/my/{token}/date", Reader, post(date::post)),
        route("GET", "/{tenant}/my/{token}/child", Reader, get(child::get)),
        route("POST", "/{tenant}/my/{token}/child", Reader, post(child::post)),
        route(
            "GET",
            "/{tenant}/my/{token}/child/{subscription}",
            Reader,
            get(child::get_twin),
        ),
        route(
            "POST",
            "/{tenant}/my/{token}/child/{subscription}",
            Reader,
            post(child::post_twin),
        ),
        route("GET", "/{tenant}/my/{token}/pause", Reader, get(pause::get)),
        route("POST", "/{tenant}/my/{token}/pause", Reader, post(pause::post)),
        route("GET", "/{tenant}/my/{token}/stop", Reader, get(stop::get_own)),
        route("POST", "/{tenant}/my/{token}/stop", Reader, post(stop::post_own)),
        route("GET", "/{tenant}/my/{token}/stop/each", Reader, get(stop_each::get_own)),
        route(
            "POST",
            "/{tenant}/my/{token}/stop/each",
            Reader,
            post(stop_each::post_own),
        ),
        route("GET", "/{tenant}/my/{token}/support", Reader, get(support::get_own)),
        route("GET", "/{tenant}/support", Reader, get(support::get)),
        route("GET", "/{tenant}/changed/{what}", Reader, get(changed::get)),
        route("GET", "/{tenant}/my/{token}/delivery", Reader, get(delivery::get)),
        route("POST", "/{tenant}/my/{token}/delivery", Reader, post(delivery::post)),
        route("GET", "/{tenant}/delivery/{token}", Reader, get(delivery_confirm::get)),
        route(
            "POST",
            "/{tenant}/delivery/{token}",
            Reader,
            post(delivery_confirm::post),
        ),
        route("GET", "/{tenant}/my/{token}/invite", Reader, get(invite::get)),
        route("POST", "/{tenant}/my/{token}/invite", Reader, post(invite::post)),
        route("GET", "/{tenant}/with/{token}", Reader, get(with::get)),
        route("POST", "/{tenant}/with/{token}", Reader, post(with::post)),
        route("GET", "/{tenant}/my/{token}/move", Reader, get(moving::get)),
        route("POST", "/{tenant}/my/{token}/move", Reader, post(moving::post)),
        route("GET", "/{tenant}/my/{token}/moved", Reader, get(moving::moved)),
        route("GET", "/{tenant}/move-in", Reader, get(move_in::get)),
        route("POST", "/{tenant}/move-in", Reader, post(move_in::post)),
        route("GET", "/{tenant}/desks", Reader, get(desks::get)),
        route("GET", "/{tenant}/words/{token}", Reader, get(reading::today)),
        route("GET", "/{tenant}/words/{token}/past", Reader, get(past::get)),
        route("GET", "/{tenant}/words/{token}/day/{day}", Reader, get(reading::day)),
        route("GET", "/{tenant}/words/{token}/print", Reader, get(print::get)),
        route("GET", "/{tenant}/my/{token}", Reader, get(my::get)),
        route("POST", "/{tenant}/fresh/{token}", Reader, post(expired::post)),
        route("GET", "/{tenant}/fresh", Reader, get(expired::asked)),
        route("GET", "/{tenant}/my/{token}/data", Reader, get(data::get)),
        route(
            "GET",
            "/{tenant}/my/{token}/data/kiroku.html",
            Reader,
            get(data_file::html),
        ),
        route(
            "GET",
            "/{tenant}/my/{token}/data/kiroku.json",
            Reader,
            get(data_file::json),
        ),
        route("GET", "/{tenant}/my/{token}/data/erase", Reader, get(erase::get)),
        route("POST", "/{tenant}/my/{token}/data/erase", Reader, post(erase::post)),
        route("GET", "/{tenant}/my/{token}/links", Reader, get(renew::get)),
        route("POST", "/{tenant}/my/{token}/links", Reader, post(renew::post)),
        route("GET", "/{tenant}/my/{token}/address", Reader, get(address::get)),
        route("POST", "/{tenant}/my/{token}/address", Reader, post(address::post)),
        route("GET", "/{tenant}/repair/{token}", Reader, get(address::repair)),
        route("POST", "/{tenant}/repair/{token}", Reader, post(address::verify)),
        route("GET", "/signin", Anyone, get(sign_in::get)),
        Route {
            body_max: SIGN_IN_BYTES_MAX,
            ..route("POST", "/signin", Anyone, post(sign_in::post))
        },
        route("POST", "/signout", Myself, post(sign_in::sign_out)),
        route("GET", "/join/{token}", Anyone, get(join::get)),
        route("POST", "/join/{token}", Anyone, post(join::post)),
        route("GET", "/join/{token}/code", Anyone, get(join::code)),
        route("POST", "/join/{token}/code", Anyone, post(join::confirm)),
        route("POST", "/join/{token}/accept", Myself, post(join::accept)),
        route("GET", "/me", Myself, get(me::get)),
        route("POST", "/me/password", Myself, post(me::password)),
        route("GET", "/me/totp", Myself, get(me::totp)),
        route("POST", "/me/totp", Myself, post(me::begin_totp)),
        route("POST", "/me/totp/confirm", Myself, post(me::confirm_totp)),
        route("GET", "/me/codes", Myself, get(me::codes)),
        route("POST", "/me/codes", Myself, post(me::hide_codes)),
        route("GET", "/{tenant}/demo", Staff(FamiliesView), get(demo::get)),
        route("GET", "/{tenant}/today", Staff(OfficeView), get(today::get)),
        route("GET", "/{tenant}/plan", Staff(OfficeView), get(plan::get)),
        route("GET", "/{tenant}/families", Staff(FamiliesView), get(families::get)),
        route(
            "GET",
            "/{tenant}/families/{subscription}",
            Staff(FamiliesView),
            get(family::get),
        ),
        route("GET", "/{tenant}/line", Staff(LineView), get(office_line::get)),
        route("POST", "/{tenant}/line", Staff(LineConnect), post(office_line::post)),
        route(
            "POST",
            "/{tenant}/line/check",
            Staff(LineConnect),
            post(office_line::check),
        ),
        route(
            "POST",
            "/{tenant}/line/register-webhook",
            Staff(LineConnect),
            post(office_line::register_webhook),
        ),
        route("GET", "/{tenant}/line/menus", Staff(LineView), get(line_menus::get)),
        route(
            "POST",
            "/{tenant}/line/menus/publish",
            Staff(LineMenus),
            post(line_menus::publish),
        ),
        route(
            "GET",
            "/{tenant}/line/menus/{stage}",
            Staff(LineView),
            get(line_menu::get),
        ),
        route(
            "POST",
            "/{tenant}/line/menus/{stage}",
            Staff(LineMenus),
            post(line_menu::post),
        ),
        route("GET", "/{tenant}/line/guest", Staff(LineView), get(line_guest::get)),
        route("GET", "/{tenant}/mailbox", Staff(FamiliesView), get(mailbox::get)),
        route("POST", "/{tenant}/mailbox", Staff(FamiliesView), post(mailbox::post)),
        route("GET", "/{tenant}/mailbox/{name}", Staff(FamiliesView), get(letter::get)),
        route("GET", "/{tenant}/places", Staff(OfficeView), get(places::get)),
        route("POST", "/{tenant}/places", Staff(PlacesManage), post(places::add)),
        route(
            "POST",
            "/{tenant}/places/{code}",
            Staff(PlacesManage),
            post(places::rename),
        ),
        route("GET", "/{tenant}/staff", Staff(StaffManage), get(people::get)),
        route("POST", "/{tenant}/staff", Staff(StaffManage), post(people::invite)),
        route("GET", "/{tenant}/staff/{staff}", Staff(StaffManage), get(person::get)),
        route(
            "POST",
            "/{tenant}/staff/{staff}/role",
            Staff(StaffManage),
            post(person::set_role),
        ),
        route(
            "POST",
            "/{tenant}/staff/{staff}/remove",
            Staff(StaffManage),
            post(person::remove),
        ),
        route(
            "GET",
            "/{tenant}/invitations/{invitation}",
            Staff(StaffManage),
            get(invitation::get),
        ),
        route(
            "POST",
            "/{tenant}/invitations/{invitation}/withdraw",
            Staff(StaffManage),
            post(invitation::withdraw),
        ),
        route("GET", "/{tenant}/audit", Staff(AuditView), get(audit::get)),
    ]
}

/// Words that begin an address of ours, so that no tenant may have them for its code.
pub fn first_words() -> Vec<&'static str> {
    let paths = table().into_iter().map(|route| route.path);
    let words = paths.filter_map(|path| path.split('/').nth(1));
    words
        .filter(|word| !word.is_empty() && !word.starts_with('{'))
        .collect()
}

/// Largest body unless a line says otherwise: a form of a few words.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 10;
/// Largest body of a sign-in: it may carry such a form on, sealed and in base 64, percent signs and all.
const SIGN_IN_BYTES_MAX: usize = 80 << 10;
/// A page that takes longer is given up; the largest town's plan takes a few seconds.
const ANSWER_SECONDS_MAX: u64 = 60;

/// A handler behind what its audience asks for.
fn guarded(site: &Arc<Site>, route: Route) -> MethodRouter<Shared> {
    let Route {
        audience,
        body_max,
        handler,
        ..
    } = route;
    let gate = match audience {
        Audience::Reader | Audience::Anyone => None,
        Audience::Myself => Some(Gate::Myself),
        Audience::Staff(permission) => Some(Gate::Staff(permission)),
    };
    let handler = match gate {
        Some(gate) => handler.route_layer(middleware::from_fn_with_state((Arc::clone(site), gate), guard::pass)),
        None => handler,
    };
    let handler = match audience {
        // Families read on phones with little volume left. Sizes tell nothing here that a stranger could ask for
        // (BREACH): without the token there is no page, and what a form brings comes from whoever has it. Pages behind
        // a cookie show what others typed beside data of families, so they leave as they are.
        Audience::Reader => handler.route_layer(CompressionLayer::new()),
        // Without a referrer of our own, browsers send `Origin: null`, which old ones cannot be told from strangers by.
        Audience::Anyone | Audience::Myself | Audience::Staff(_) => {
            let same_origin = HeaderValue::from_static("same-origin");
            handler
                .route_layer(CsrfLayer::new())
                .route_layer(SetResponseHeaderLayer::if_not_present(REFERRER_POLICY, same_origin))
        }
    };
    handler.route_layer(RequestBodyLimitLayer::new(body_max))
}

/// The pages of a site as a service.
pub fn router(site: Arc<Site>) -> Router {
    let mut router = Router::new();
    for route in table() {
        router = router.route(route.path, guarded(&site, route));
    }
    let timeout = Duration::from_secs(ANSWER_SECONDS_MAX);
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), error::dress))
        .with_state(site)
}
