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
use crate::line::{liff, login, webhook};
use crate::office::{families, family, letter, mailbox, plan, today};
use crate::reader::{birth, changed, register, settings, stop, stopped};
use crate::{Site, StaffPages, assets, error, front, health};

/// Who a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Families, and LINE in their name: always open.
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
    /// Largest body in bytes.
    body_max: usize,
    handler: MethodRouter<Shared>,
}

/// The table.
pub fn table() -> Vec<Route> {
    use Audience::{Reader, Staff};
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
        Route {
            body_max: kizuna_engine::line::BODY_BYTES_MAX,
            ..route("POST", "/{tenant}/line/webhook", Reader, post(webhook::post))
        },
        route("GET", "/{tenant}/line/enter", Reader, get(login::enter)),
        route("GET", "/{tenant}/line/callback", Reader, get(login::callback)),
        route("GET", "/{tenant}/line/liff", Reader, get(liff::get)),
        route("POST", "/{tenant}/line/liff", Reader, post(liff::post)),
        route("GET", "/{tenant}/register/line/{token}", Reader, get(register::get)),
        route("POST", "/{tenant}/register/line/{token}", Reader, post(register::post)),
        route(
            "GET",
            "/{tenant}/register/line/{token}/done",
            Reader,
            get(register::done),
        ),
        route("GET", "/{tenant}/settings/{token}", Reader, get(settings::get)),
        route("POST", "/{tenant}/settings/{token}", Reader, post(settings::post)),
        route("GET", "/{tenant}/birth/{token}", Reader, get(birth::get)),
        route("POST", "/{tenant}/birth/{token}", Reader, post(birth::post)),
        route("GET", "/{tenant}/changed/{what}", Reader, get(changed::get)),
        route("GET", "/{tenant}/today", Staff, get(today::get)),
        route("GET", "/{tenant}/plan", Staff, get(plan::get)),
        route("GET", "/{tenant}/families", Staff, get(families::get)),
        route("GET", "/{tenant}/families/{subscription}", Staff, get(family::get)),
        route("GET", "/{tenant}/mailbox", Staff, get(mailbox::get)),
        route("GET", "/{tenant}/mailbox/{name}", Staff, get(letter::get)),
    ]
}

/// Largest body unless a line says otherwise: a form of a few words.
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
    for route in table().into_iter().filter(open) {
        let limited = route.handler.layer(RequestBodyLimitLayer::new(route.body_max));
        router = router.route(route.path, limited);
    }
    let timeout = Duration::from_secs(ANSWER_SECONDS_MAX);
    router
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), error::dress))
        .with_state(site)
}
