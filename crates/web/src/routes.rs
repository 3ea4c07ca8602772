//! Every address, with who it is for. A staff page that is not in this table does not exist.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::guard::Shared;
use crate::office::{families, family, letter, line, line_guest, line_menu, line_menus, mailbox, plan, today};
use crate::reader::{stop, stopped};
use crate::{Site, StaffPages, assets, error, front, health};

/// Who a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Families: always open.
    Reader,
    /// Staff: only where [`StaffPages::Open`].
    Staff,
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
    handler: MethodRouter<Shared>,
}

/// The table.
pub fn table() -> Vec<Route> {
    use Audience::{Reader, Staff};
    let route = |method, path, audience, handler| Route {
        method,
        path,
        audience,
        handler,
    };
    vec![
        route("GET", "/", Reader, get(front::get)),
        route("GET", "/healthz", Reader, get(health::get)),
        route("GET", "/assets/{name}", Reader, get(assets::get)),
        route("GET", "/{tenant}/stop/{token}", Reader, get(stop::get)),
        route("POST", "/{tenant}/stop/{token}", Reader, post(stop::post)),
        route("GET", "/{tenant}/stop/{token}/one-click", Reader, get(stop::get)),
        route(
            "POST",
            "/{tenant}/stop/{token}/one-click",
            Reader,
            post(stop::one_click),
        ),
        route("GET", "/{tenant}/stopped", Reader, get(stopped::get)),
        route("GET", "/{tenant}/today", Staff, get(today::get)),
        route("GET", "/{tenant}/plan", Staff, get(plan::get)),
        route("GET", "/{tenant}/families", Staff, get(families::get)),
        route("GET", "/{tenant}/families/{subscription}", Staff, get(family::get)),
        route("GET", "/{tenant}/line", Staff, get(line::get)),
        route("POST", "/{tenant}/line", Staff, post(line::post)),
        route("POST", "/{tenant}/line/check", Staff, post(line::check)),
        route(
            "POST",
            "/{tenant}/line/register-webhook",
            Staff,
            post(line::register_webhook),
        ),
        route("GET", "/{tenant}/line/menus", Staff, get(line_menus::get)),
        route("POST", "/{tenant}/line/menus/publish", Staff, post(line_menus::publish)),
        route("GET", "/{tenant}/line/menus/{stage}", Staff, get(line_menu::get)),
        route("POST", "/{tenant}/line/menus/{stage}", Staff, post(line_menu::post)),
        route("GET", "/{tenant}/line/guest", Staff, get(line_guest::get)),
        route("GET", "/{tenant}/mailbox", Staff, get(mailbox::get)),
        route("GET", "/{tenant}/mailbox/{name}", Staff, get(letter::get)),
    ]
}

/// Largest body: a form of a few words.
const BODY_BYTES_MAX: usize = 16 << 10;
/// A page that takes longer is given up; the largest town's plan takes a few seconds.
const ANSWER_SECONDS_MAX: u64 = 60;

/// The pages of a site as a service.
pub fn router(site: Arc<Site>) -> Router {
    let open = |route: &Route| match route.audience {
        Audience::Reader => true,
        Audience::Staff => site.staff_pages == StaffPages::Open,
    };
    let mut router = Router::new();
    for Route { path, handler, .. } in table().into_iter().filter(open) {
        router = router.route(path, handler);
    }
    let timeout = Duration::from_secs(ANSWER_SECONDS_MAX);
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), error::dress))
        .with_state(site)
}
