//! The one table of LINE's addresses that the double answers.

use crate::answer::Answer;
use crate::api::{liff, login, richmenu, sending, statistics, tokens, users, webhook_admin};
use crate::call::Call;
use crate::limits::Rate;
use crate::model::Delivery;
use crate::webhook::Job;

/// Carries out a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// From what the double knows.
    Now(fn(&Call<'_>) -> Result<Answer, Answer>),
    /// With calls of the channel's webhook, for whose end the answer waits.
    Calling(fn(&Call<'_>) -> Result<Outgoing, Answer>),
}

/// Makes an answer of the ends of calls.
type Ending = Box<dyn FnOnce(&[Delivery]) -> Answer + Send>;

/// Calls of a webhook, and the answer that is made of their ends.
pub(crate) struct Outgoing {
    pub(crate) jobs: Vec<Job>,
    pub(crate) answer: Ending,
}

impl From<Answer> for Outgoing {
    /// An answer for which nobody is called.
    fn from(answer: Answer) -> Outgoing {
        Outgoing {
            jobs: Vec::new(),
            answer: Box::new(|_| answer),
        }
    }
}

/// What a body must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing is read.
    None,
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// An endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path as LINE's description writes it.
    pub(crate) template: &'static str,
    pub(crate) body: Body,
    pub(crate) handler: Handler,
    /// Calls for each channel; none where no channel is known by a token.
    pub(crate) rate: Option<Rate>,
    /// Whether it takes `X-Line-Retry-Key`; others answer 400 to one.
    pub(crate) takes_retry_key: bool,
    /// Whether it sends messages, so that random faults strike it.
    pub(crate) sends: bool,
}

/// LINE's limit for all endpoints that have none of their own.
const COMMON: Rate = Rate::per_second(2_000);

const fn get(template: &'static str, handler: fn(&Call<'_>) -> Result<Answer, Answer>) -> Route {
    Route {
        method: "GET",
        template,
        body: Body::None,
        handler: Handler::Now(handler),
        rate: Some(COMMON),
        takes_retry_key: false,
        sends: false,
    }
}

const fn post(template: &'static str, handler: fn(&Call<'_>) -> Result<Answer, Answer>) -> Route {
    Route {
        method: "POST",
        body: Body::Json,
        ..get(template, handler)
    }
}

const fn delete(template: &'static str, handler: fn(&Call<'_>) -> Result<Answer, Answer>) -> Route {
    Route {
        method: "DELETE",
        ..get(template, handler)
    }
}

const fn form(template: &'static str, handler: fn(&Call<'_>) -> Result<Answer, Answer>) -> Route {
    Route {
        body: Body::Form,
        ..post(template, handler)
    }
    .open()
}

const fn calling(
    method: &'static str,
    template: &'static str,
    handler: fn(&Call<'_>) -> Result<Outgoing, Answer>,
) -> Route {
    Route {
        method,
        template,
        body: Body::None,
        handler: Handler::Calling(handler),
        rate: Some(COMMON),
        takes_retry_key: false,
        sends: false,
    }
}

impl Route {
    const fn put(self) -> Route {
        Route { method: "PUT", ..self }
    }

    const fn rate(self, rate: Rate) -> Route {
        Route {
            rate: Some(rate),
            ..self
        }
    }

    const fn without_body(self) -> Route {
        Route {
            body: Body::None,
            ..self
        }
    }

    /// Needs no token.
    const fn open(self) -> Route {
        Route { rate: None, ..self }
    }

    const fn sends(self, takes_retry_key: bool) -> Route {
        Route {
            takes_retry_key,
            sends: true,
            ..self
        }
    }

    /// Whether a channel access token is needed.
    pub(crate) const fn needs_token(&self) -> bool {
        self.rate.is_some()
    }
}

/// All endpoints. Of two that fit a path the first is meant: words stand before variables.
pub(crate) static ROUTES: &[Route] = &[
    post("/v2/bot/message/push", sending::push).sends(true),
    post("/v2/bot/message/multicast", sending::multicast)
        .rate(Rate::per_second(200))
        .sends(true),
    post("/v2/bot/message/reply", sending::reply).sends(false),
    post("/v2/bot/message/broadcast", sending::broadcast)
        .rate(Rate::per_hour(60))
        .sends(true),
    post("/v2/bot/message/validate/push", sending::validate),
    post("/v2/bot/message/validate/multicast", sending::validate),
    post("/v2/bot/message/validate/reply", sending::validate),
    post("/v2/bot/message/validate/broadcast", sending::validate),
    get("/v2/bot/message/quota", statistics::quota),
    get("/v2/bot/message/quota/consumption", statistics::consumption),
    get("/v2/bot/message/delivery/push", statistics::pushed),
    get("/v2/bot/message/delivery/multicast", statistics::multicasted),
    get("/v2/bot/message/delivery/reply", statistics::replied),
    get("/v2/bot/message/delivery/broadcast", statistics::broadcasted),
    get("/v2/bot/profile/{userId}", users::profile),
    get("/v2/bot/followers/ids", users::followers),
    get("/v2/bot/info", users::info),
    post("/v2/bot/chat/loading/start", users::start_loading).rate(Rate::per_second(100)),
    get("/v2/bot/channel/webhook/endpoint", webhook_admin::endpoint).rate(Rate::per_minute(1_000)),
    post("/v2/bot/channel/webhook/endpoint", webhook_admin::set_endpoint)
        .put()
        .rate(Rate::per_minute(1_000)),
    calling("POST", "/v2/bot/channel/webhook/test", webhook_admin::test).rate(Rate::per_hour(60)),
    post("/v2/bot/user/{userId}/linkToken", webhook_admin::link_token).without_body(),
    calling("GET", "/dialog/bot/accountLink", webhook_admin::account_link).open(),
    post("/v2/bot/richmenu", richmenu::create).rate(Rate::per_hour(100)),
    post("/v2/bot/richmenu/validate", richmenu::validate),
    get("/v2/bot/richmenu/list", richmenu::list).rate(Rate::per_second(10)),
    post("/v2/bot/richmenu/alias", richmenu::create_alias),
    get("/v2/bot/richmenu/alias/list", richmenu::list_aliases),
    get("/v2/bot/richmenu/alias/{richMenuAliasId}", richmenu::get_alias),
    post("/v2/bot/richmenu/alias/{richMenuAliasId}", richmenu::update_alias),
    delete("/v2/bot/richmenu/alias/{richMenuAliasId}", richmenu::delete_alias).rate(Rate::per_hour(100)),
    post("/v2/bot/richmenu/bulk/link", richmenu::bulk_link),
    post("/v2/bot/richmenu/bulk/unlink", richmenu::bulk_unlink),
    post("/v2/bot/richmenu/batch", richmenu::batch).rate(Rate::per_hour(3)),
    post("/v2/bot/richmenu/validate/batch", richmenu::validate_batch),
    get("/v2/bot/richmenu/progress/batch", richmenu::batch_progress).rate(Rate::per_hour(100)),
    post("/v2/bot/richmenu/{richMenuId}/content", richmenu::upload).without_body(),
    get("/v2/bot/richmenu/{richMenuId}/content", richmenu::download),
    get("/v2/bot/richmenu/{richMenuId}", richmenu::get),
    delete("/v2/bot/richmenu/{richMenuId}", richmenu::delete).rate(Rate::per_hour(100)),
    post("/v2/bot/user/all/richmenu/{richMenuId}", richmenu::set_default).without_body(),
    get("/v2/bot/user/all/richmenu", richmenu::get_default),
    delete("/v2/bot/user/all/richmenu", richmenu::clear_default),
    post("/v2/bot/user/{userId}/richmenu/{richMenuId}", richmenu::link).without_body(),
    get("/v2/bot/user/{userId}/richmenu", richmenu::get_of_user),
    delete("/v2/bot/user/{userId}/richmenu", richmenu::unlink),
    form("/oauth2/v3/token", tokens::issue_stateless),
    form("/oauth2/v2.1/token", tokens::issue_by_assertion),
    get("/oauth2/v2.1/tokens/kid", tokens::key_ids).open(),
    get("/oauth2/v2.1/verify", tokens::verify).open(),
    form("/oauth2/v2.1/revoke", tokens::revoke),
    form("/oauth2/v2.1/verify", login::verify),
    calling("GET", "/oauth2/v2.1/authorize", login::authorize).open(),
    get("/liff/edge/2/sdk.js", liff::sdk).open(),
    get("/oauth2/v2.1/certs", login::certs).open(),
    form("/v2/oauth/accessToken", tokens::issue_short_lived),
    form("/v2/oauth/verify", tokens::verify_old),
    form("/v2/oauth/revoke", tokens::revoke_old),
];

/// The route of a call with its number and the values of its variables, or the status that says why there is none.
pub(crate) fn find<'a>(method: &str, path: &'a str) -> Result<(usize, &'static Route, Vec<&'a str>), u16> {
    let mut status = 404;
    for (number, route) in ROUTES.iter().enumerate() {
        if let Some(params) = fit(route.template, path) {
            if route.method == method {
                return Ok((number, route, params));
            }
            status = 405;
        }
    }
    Err(status)
}

/// Whether there is an endpoint of this method and template.
pub(crate) fn exists(method: &str, template: &str) -> bool {
    ROUTES
        .iter()
        .any(|route| route.method == method && route.template == template)
}

/// The values of a template's variables in a path that is exactly like it.
fn fit<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    if !template.contains('{') {
        return (template == path).then(Vec::new);
    }
    let mut params = Vec::new();
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let segment = segments.next()?;
        if wanted.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            params.push(segment);
        } else if wanted != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(params)
}
