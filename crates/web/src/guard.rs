//! Guards: a handler reaches a tenant's data only with the value that a guard made.
//!
//! The permission of a staff page stands in the table of routes, and the gate built from it runs before the page. It
//! answers in this order: who are you (else sign in), is the tenant one of yours (else there is no such page), may
//! you (else who may).

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::{StaffId, SubscriberId};
use kizuna_domain::staff::{Permission, Role};
use kizuna_engine::actions::Actor;
use kizuna_engine::links;
use kizuna_store::sessions::{self, Token};
use kizuna_store::staff::{self, Staff};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{ReadTx, StoreError};

use crate::client::Client;
use crate::cookies::Cookies;
use crate::error::PageError;
use crate::format;
use crate::language::Language;
use crate::reader::{Closed, closed, expired, gone};
use crate::staff::{draft, forbidden, sign_in};
use crate::{Entrance, Site};

/// What every handler holds.
pub(crate) type Shared = Arc<Site>;

/// Does blocking work (the database, files) on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    site: &Shared,
    work: impl FnOnce(&Site) -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let site = Arc::clone(site);
    tokio::task::spawn_blocking(move || work(&site)).await?
}

/// Does work that hashes a password, when there is room for it.
pub(crate) async fn hashing<T: Send + 'static>(
    site: &Shared,
    work: impl FnOnce(&Site) -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    // It is never closed.
    let room = Arc::clone(&site.hashing).acquire_owned().await.ok();
    blocking(site, move |site| {
        let result = work(site);
        drop(room);
        result
    })
    .await
}

async fn path_words(parts: &mut Parts) -> Result<HashMap<String, String>, PageError> {
    let words = Path::<HashMap<String, String>>::from_request_parts(parts, &()).await;
    words.map(|Path(words)| words).map_err(|_| PageError::NotFound)
}

fn tenant(site: &Site, code: &str) -> Result<Tenant, PageError> {
    site.env
        .db
        .read(|tx| tenants::by_code(tx, code))?
        .ok_or(PageError::NotFound)
}

/// What a gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// To be somebody.
    Myself,
    /// To have a permission at the tenant of the address.
    Staff(Permission),
}

/// Who asks for a page.
pub(crate) enum Visitor {
    /// Nobody that we know.
    Nobody,
    /// Somebody whose session is over.
    Late(StaffId),
    /// Somebody.
    Myself(Myself),
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Myself {
    pub(crate) staff: Staff,
    /// The session; none in the demo, where nobody signs in.
    pub(crate) token: Option<Token>,
    pub(crate) cookies: Cookies,
}

/// A tenant that somebody may go to: its code and name.
pub(crate) type Place = (String, String);

impl Visitor {
    /// Looks up who asks, and notes now and then that the session is used.
    pub(crate) fn of(site: &Site, client: &Client, cookies: &Cookies) -> Result<Visitor, PageError> {
        let (env, now) = (&site.env, site.env.clock.now());
        let token = match &site.entrance {
            Entrance::Demo(_) if !client.is_local => return Ok(Visitor::Nobody),
            Entrance::Demo(demo) => {
                let staff = env.db.read(|tx| staff::by_id(tx, &env.keys, demo.staff))?;
                return Ok(staff.map_or(Visitor::Nobody, |staff| {
                    Visitor::Myself(Myself {
                        staff,
                        token: None,
                        cookies: cookies.clone(),
                    })
                }));
            }
            Entrance::SignIn => cookies.session,
        };
        let Some(token) = token else {
            return Ok(Visitor::Nobody);
        };
        let Some((staff, stay)) = env.db.read(|tx| sessions::find(tx, &env.keys, &token))? else {
            return Ok(Visitor::Nobody);
        };
        if stay.is_over(now) {
            return Ok(Visitor::Late(staff.id));
        }
        if stay.is_worth_noting(now) {
            env.write(|tx| sessions::note_use(tx, &token, now))?;
        }
        Ok(Visitor::Myself(Myself {
            staff,
            token: Some(token),
            cookies: cookies.clone(),
        }))
    }
}

impl Myself {
    /// Tenants that this person may go to, by code.
    pub(crate) fn places(&self, tx: &mut ReadTx<'_>) -> Result<Vec<Place>, StoreError> {
        if self.staff.is_operator {
            let all = tenants::all(tx)?;
            return Ok(all.into_iter().map(|tenant| (tenant.code, tenant.name)).collect());
        }
        let places = staff::memberships(tx, self.staff.id)?;
        Ok(places.into_iter().map(|place| (place.code, place.name)).collect())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Myself {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Myself, PageError> {
        parts.extensions.get().cloned().ok_or(PageError::NotFound)
    }
}

/// A page for a tenant's staff: who asks, for which tenant, as what.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) tenant: Tenant,
    pub(crate) myself: Myself,
    /// The role at this tenant, and that of an operator.
    pub(crate) roles: Vec<Role>,
    /// Where links to this installation begin.
    pub(crate) base_url: String,
    /// Other tenants that this person may go over to.
    pub(crate) neighbours: Vec<Place>,
    /// True where an account writes letters into a folder.
    pub(crate) has_mailbox: bool,
}

/// Neighbours shown at most; whoever has more knows their addresses.
const NEIGHBOURS_MAX: usize = 12;

impl Office {
    /// True where the person has this permission here.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.may(permission))
    }

    /// The person as the record names them.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Staff(self.myself.staff.id)
    }

    /// The office of a person at a tenant; none where they have no place there.
    fn open(site: &Site, client: &Client, myself: Myself, code: &str) -> Result<Option<Office>, PageError> {
        let found = site.env.db.read(|tx| {
            let Some(tenant) = tenants::by_code(tx, code)? else {
                return Ok(None);
            };
            let own = staff::role(tx, tenant.scope(), myself.staff.id)?;
            let all = myself.staff.is_operator.then_some(Role::Operator);
            let roles: Vec<Role> = own.into_iter().chain(all).collect();
            Ok(Some((tenant, roles, myself.places(tx)?)))
        })?;
        let Some((tenant, roles, places)) = found.filter(|(_, roles, _)| !roles.is_empty()) else {
            return Ok(None);
        };
        let neighbours = places.into_iter().filter(|(code, _)| *code != tenant.code);
        let has_mailbox = crate::office::mailbox::folder(site, &tenant)?.is_some();
        Ok(Some(Office {
            base_url: format::base_url(&tenant.settings.base_url, client),
            neighbours: neighbours.take(NEIGHBOURS_MAX).collect(),
            tenant,
            myself,
            roles,
            has_mailbox,
        }))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Office {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Office, PageError> {
        parts.extensions.get().cloned().ok_or(PageError::NotFound)
    }
}

/// What a gate decided.
enum Decision {
    Enter(Box<(Myself, Option<Office>)>),
    SignIn(Option<StaffId>),
    NoSuchPage,
    Forbidden(Box<Office>, Permission),
}

fn decide(site: &Site, gate: Gate, client: &Client, cookies: &Cookies, code: &str) -> Result<Decision, PageError> {
    let myself = match Visitor::of(site, client, cookies)? {
        Visitor::Myself(myself) => myself,
        // The demo shows its pages on this machine, and nothing elsewhere.
        Visitor::Nobody if site.entrance != Entrance::SignIn => return Ok(Decision::NoSuchPage),
        Visitor::Nobody => return Ok(Decision::SignIn(None)),
        Visitor::Late(staff) => return Ok(Decision::SignIn(Some(staff))),
    };
    let permission = match gate {
        Gate::Myself => return Ok(Decision::Enter(Box::new((myself, None)))),
        Gate::Staff(permission) => permission,
    };
    Ok(match Office::open(site, client, myself.clone(), code)? {
        None => Decision::NoSuchPage,
        Some(office) if !office.may(permission) => Decision::Forbidden(Box::new(office), permission),
        Some(office) => Decision::Enter(Box::new((myself, Some(office)))),
    })
}

/// Lets in whom the gate lets in, and tells everybody else what to do.
pub(crate) async fn pass(State((site, gate)): State<(Shared, Gate)>, request: Request, next: Next) -> Response {
    match gate_keeper(&site, gate, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn gate_keeper(site: &Shared, gate: Gate, request: Request, next: Next) -> Result<Response, PageError> {
    let (mut parts, body) = request.into_parts();
    let mut words = path_words(&mut parts).await?;
    let code = words.remove("tenant").unwrap_or_default();
    let client = Client::of(&parts, &site.proxies);
    let cookies = Cookies::of(&parts, &client);
    let decision = blocking(site, move |site| decide(site, gate, &client, &cookies, &code)).await?;
    match decision {
        Decision::Enter(entered) => {
            let (myself, office) = *entered;
            parts.extensions.insert(myself);
            if let Some(office) = office {
                parts.extensions.insert(office);
            }
            Ok(next.run(Request::from_parts(parts, body)).await)
        }
        Decision::NoSuchPage => Err(PageError::NotFound),
        Decision::Forbidden(office, permission) => {
            blocking(site, move |site| forbidden::answer(site, &office, permission)).await
        }
        Decision::SignIn(late) => {
            let here = parts.uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
            if matches!(parts.method, Method::GET | Method::HEAD) {
                return Ok(Redirect::to(&sign_in::address(&here, late.is_some())).into_response());
            }
            // Own settings hold passwords, which must not travel once more.
            let writer = late.filter(|_| gate != Gate::Myself);
            let kept = match writer {
                Some(staff) => draft::keep(site, staff, &here, Request::from_parts(parts, body)).await,
                None => None,
            };
            sign_in::interrupted(late.is_some(), kept)
        }
    }
}

/// Anybody at the door: who they are is looked up where it matters.
pub(crate) struct Door {
    pub(crate) client: Client,
    pub(crate) cookies: Cookies,
}

impl FromRequestParts<Shared> for Door {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Door, PageError> {
        let client = Client::of(parts, &site.proxies);
        let cookies = Cookies::of(parts, &client);
        Ok(Door { client, cookies })
    }
}

/// A reader who holds a stop link: the token itself is the permission.
pub(crate) struct Reader {
    pub(crate) tenant: Tenant,
    pub(crate) subscriber: SubscriberId,
    pub(crate) token: String,
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Reader, PageError> {
        let asked = Asked::of(parts, site).await?;
        blocking(site, move |site| {
            let found = asked
                .tenant
                .as_ref()
                .and_then(|tenant| links::read_stop_token(&site.env.keys, tenant.id, &asked.token));
            match (asked.tenant, found) {
                (Some(tenant), Some(subscriber)) => Ok(Reader {
                    tenant,
                    subscriber,
                    token: asked.token,
                }),
                (tenant, _) => Err(PageError::instead(gone::answer(site, tenant.as_ref(), asked.language))),
            }
        })
        .await
    }
}

/// What an address with a token asks for, before it is known what the token is worth.
struct Asked {
    tenant: Option<Tenant>,
    token: String,
    language: Language,
}

impl Asked {
    async fn of(parts: &mut Parts, site: &Shared) -> Result<Asked, PageError> {
        let language = Language::of(parts);
        let mut words = path_words(parts).await?;
        let (code, token) = words
            .remove("tenant")
            .zip(words.remove("token"))
            .ok_or(PageError::NotFound)?;
        let tenant = blocking(site, move |site| {
            Ok(site.env.db.read(|tx| tenants::by_code(tx, &code))?)
        })
        .await?;
        Ok(Asked {
            tenant,
            token,
            language,
        })
    }
}

/// Somebody who holds a reading link: sees a reader's words and changes nothing.
pub(crate) struct Words {
    pub(crate) tenant: Tenant,
    pub(crate) reader: SubscriberId,
    pub(crate) token: String,
}

impl FromRequestParts<Shared> for Words {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Words, PageError> {
        let asked = Asked::of(parts, site).await?;
        let tenant = asked.tenant.ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            let (env, scope) = (&site.env, tenant.scope());
            let found = env
                .db
                .read(|tx| links::read_words_token(tx, &env.keys, scope, &asked.token))?;
            match found {
                Some(reader) => Ok(Words {
                    tenant,
                    reader,
                    token: asked.token,
                }),
                None => Err(PageError::instead(closed(site, &tenant, asked.language, Closed::Gone))),
            }
        })
        .await
    }
}

/// A reader on pages of their own: the token, which ends some day, is the permission.
pub(crate) struct Own {
    pub(crate) tenant: Tenant,
    pub(crate) reader: SubscriberId,
    pub(crate) token: String,
}

impl FromRequestParts<Shared> for Own {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Own, PageError> {
        let asked = Asked::of(parts, site).await?;
        let tenant = asked.tenant.ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            let (env, scope) = (&site.env, tenant.scope());
            let today = kizuna_engine::run::today(env, &tenant)?;
            let found = env
                .db
                .read(|tx| links::read_own_token(tx, &env.keys, scope, &asked.token))?;
            match found {
                Some((reader, until)) if today <= until => Ok(Own {
                    tenant,
                    reader,
                    token: asked.token,
                }),
                // Ours, but too old: a fresh one can be sent to the address on record.
                Some(_) => {
                    let old = expired::show(site, &tenant, asked.language, &asked.token);
                    Err(PageError::instead(old))
                }
                None => Err(PageError::instead(closed(site, &tenant, asked.language, Closed::Gone))),
            }
        })
        .await
    }
}

/// The public side of a tenant.
pub(crate) struct Town {
    pub(crate) tenant: Tenant,
}

impl FromRequestParts<Shared> for Town {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Shared) -> Result<Town, PageError> {
        let mut words = path_words(parts).await?;
        let code = words.remove("tenant").ok_or(PageError::NotFound)?;
        blocking(site, move |site| {
            Ok(Town {
                tenant: tenant(site, &code)?,
            })
        })
        .await
    }
}

/// False where a browser says that a page from elsewhere sent this. Our own pages keep their origin to themselves: `null`.
pub(crate) fn is_from_here(headers: &HeaderMap, base_url: &str) -> bool {
    let is = |name: &str, allowed: &[&str]| {
        headers
            .get(name)
            .is_none_or(|value| allowed.iter().any(|one| value == one))
    };
    is("sec-fetch-site", &["same-origin"]) && is(ORIGIN.as_str(), &["null", base_url])
}
