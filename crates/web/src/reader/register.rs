//! 登録: one date, looked at once, registered with one press. Four ways in lead through the same pages.
//!
//! Whoever comes by a ticket (from LINE, or from a mail that they sent) has proved an address, and registers at once.
//! Whoever comes from a QR code gives an e-mail address, which a link in a mail proves, or reads on the page only. The
//! date is in the body of a form and never in an address. Looking changes nothing; a second press registers nobody
//! twice.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::invites;
use kizuna_engine::actions::registration::{self as actions, Registered, Waiting};
use kizuna_engine::line::identity::{self, Pass, Purpose, Shown};
use kizuna_engine::links::{self, Holder};
use kizuna_engine::run;
use kizuna_engine::throttle::{
    self, Limit, REGISTRATIONS_AT_TENANT, REGISTRATIONS_BY_ADDRESS, REGISTRATIONS_OF_CLIENT,
};
use kizuna_engine::ways::{self, Ways};
use kizuna_store::places;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::entry::{Checked, Entry, Ground, Notice};
use super::registered::registered;
use super::{Closed, Desks, closed, confirm, show_menu};
use crate::Site;
use crate::client::Client;
use crate::error::PageError;
use crate::guard::{Door, Shared, Town, blocking};
use crate::language::Language;

/// How somebody receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Line,
    Mail,
    Web,
}

/// Days for which a form that was looked at can be registered.
const ENTRY_DAYS: i32 = 1;

/// What an address says of where somebody comes from.
#[derive(Deserialize)]
pub(crate) struct Came {
    /// Code of a place.
    #[serde(default)]
    p: String,
    /// An invitation that was accepted.
    #[serde(default)]
    with: String,
    /// [`LEFT_LINE`] for whoever did not go on at LINE.
    #[serde(default)]
    to: String,
}

/// What the form's address says of somebody who comes back from LINE without having gone on there.
pub(crate) const LEFT_LINE: &str = "else";

impl Came {
    /// The code alone, whatever else stands there.
    fn place(&self) -> String {
        let code = self.p.parse::<kizuna_domain::place::PlaceCode>();
        code.map_or_else(|_| String::new(), |code| code.to_string())
    }
}

/// The door of a town is its registration.
pub(crate) async fn front(language: Language, Query(came): Query<Came>, Town { tenant }: Town) -> Redirect {
    Redirect::to(&to_form(&tenant.code, language, &came.place()))
}

/// The short link of a place; nothing is counted before somebody registers.
pub(crate) async fn by_place(
    State(site): State<Shared>,
    language: Language,
    Path(code): Path<String>,
) -> Result<Redirect, PageError> {
    let code = code.parse().map_err(|_| PageError::NotFound)?;
    let town = blocking(&site, move |site| Ok(site.env.db.read(|tx| places::town(tx, code))?)).await?;
    let town = town.ok_or(PageError::NotFound)?;
    Ok(Redirect::to(&to_form(&town, language, &code.to_string())))
}

/// The query under which the page of words welcomes whoever has just registered to read there.
fn welcome(language: Language) -> String {
    match language.query() {
        "" => "?new=1".to_owned(),
        query => format!("{query}&new=1"),
    }
}

fn to_form(town: &str, language: Language, place: &str) -> String {
    let query = language.query();
    let place = match (place, query) {
        ("", _) => String::new(),
        (place, "") => format!("?p={place}"),
        (place, _) => format!("&p={place}"),
    };
    format!("/{town}/register{query}{place}")
}

/// The form for whoever comes from outside.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Query(came): Query<Came>,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| Flow::open(site, &tenant, language)?.fresh(&came)).await
}

/// Looks at what was entered, sends a mail to confirm it, or registers a reader of the page.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Door { client, .. }: Door,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        Flow::open(site, &tenant, language)?.answer(&entry, &client)
    })
    .await
}

/// A ticket in an address, before it is known what it is worth: the town, the way, the ticket.
type Ticket = Path<(String, String, String)>;

/// The way of a ticket's address, and what the ticket must be for.
fn purpose(way: &str) -> Result<(Way, Purpose), PageError> {
    match way {
        "line" => Ok((Way::Line, Purpose::Register)),
        "mail" => Ok((Way::Mail, Purpose::MailRegister)),
        _ => Err(PageError::NotFound),
    }
}

/// The page behind a ticket that opens nothing.
fn shut(site: &Site, tenant: &Tenant, language: Language, way: Way, why: Closed) -> Result<Response, PageError> {
    match way {
        Way::Line => closed(site, tenant, language, why),
        Way::Mail | Way::Web => confirm::gone(site, tenant, language, why),
    }
}

/// The form for the holder of a ticket; looking uses nothing up.
pub(crate) async fn get_ticket(
    State(site): State<Shared>,
    language: Language,
    Query(came): Query<Came>,
    Town { tenant }: Town,
    Path((_, way, token)): Ticket,
) -> Result<Response, PageError> {
    let (way, purpose) = purpose(&way)?;
    blocking(&site, move |site| {
        match identity::show(&site.env, tenant.scope(), purpose, &token)? {
            Shown::Good(pass) => Flow::ticket(site, &tenant, language, way, pass, &token)?.fresh(&came),
            Shown::Used(_) => shut(site, &tenant, language, way, Closed::Used),
            Shown::Nothing => shut(site, &tenant, language, way, Closed::Gone),
        }
    })
    .await
}

/// Looks at what was entered, or registers the holder of a ticket.
pub(crate) async fn post_ticket(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Door { client, .. }: Door,
    Path((_, way, token)): Ticket,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    let (way, purpose) = purpose(&way)?;
    blocking(&site, move |site| {
        match identity::show(&site.env, tenant.scope(), purpose, &token)? {
            Shown::Good(pass) => Flow::ticket(site, &tenant, language, way, pass, &token)?.answer(&entry, &client),
            // The second of two presses sees what the first one did.
            Shown::Used(_) if entry.step == "register" => Ok(to_done(&tenant, language, way, &token)),
            Shown::Used(_) => shut(site, &tenant, language, way, Closed::Used),
            Shown::Nothing => shut(site, &tenant, language, way, Closed::Gone),
        }
    })
    .await
}

/// Says that it is done, where the family stands, and what comes when.
pub(crate) async fn done(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, way, token)): Ticket,
) -> Result<Response, PageError> {
    let (way, purpose) = purpose(&way)?;
    blocking(&site, move |site| {
        match identity::show(&site.env, tenant.scope(), purpose, &token)? {
            Shown::Used(pass) => match actions::reader_of(&site.env, &tenant, &pass)? {
                Some(reader) => registered(site, &tenant, language, way, reader),
                None => shut(site, &tenant, language, way, Closed::Used),
            },
            Shown::Good(_) => Ok(Redirect::to(&ticket_address(&tenant, language, way, &token)).into_response()),
            Shown::Nothing => shut(site, &tenant, language, way, Closed::Gone),
        }
    })
    .await
}

fn ticket_path(tenant: &Tenant, way: Way, token: &str) -> String {
    let way = match way {
        Way::Line => "line",
        Way::Mail | Way::Web => "mail",
    };
    format!("/{}/register/{way}/{token}", tenant.code)
}

fn ticket_address(tenant: &Tenant, language: Language, way: Way, token: &str) -> String {
    format!("{}{}", ticket_path(tenant, way, token), language.query())
}

fn to_done(tenant: &Tenant, language: Language, way: Way, token: &str) -> Response {
    let page = format!("{}/done{}", ticket_path(tenant, way, token), language.query());
    Redirect::to(&page).into_response()
}

/// Who registers.
enum Entrance {
    /// Anybody, from a QR code or the town's own pages.
    Open,
    /// Whoever holds a ticket.
    Ticket { way: Way, pass: Pass, token: String },
}

/// One visit on the way in.
struct Flow<'a> {
    site: &'a Site,
    tenant: &'a Tenant,
    language: Language,
    today: Day,
    ways: Ways,
    entrance: Entrance,
    action: String,
}

impl<'a> Flow<'a> {
    fn open(site: &'a Site, tenant: &'a Tenant, language: Language) -> Result<Flow<'a>, PageError> {
        Ok(Flow {
            site,
            tenant,
            language,
            today: run::today(&site.env, tenant)?,
            ways: ways::of(&site.env, tenant)?,
            entrance: Entrance::Open,
            action: format!("/{}/register{}", tenant.code, language.query()),
        })
    }

    fn ticket(
        site: &'a Site,
        tenant: &'a Tenant,
        language: Language,
        way: Way,
        pass: Pass,
        token: &str,
    ) -> Result<Flow<'a>, PageError> {
        Ok(Flow {
            site,
            tenant,
            language,
            today: run::today(&site.env, tenant)?,
            ways: Ways::default(),
            action: ticket_address(tenant, language, way, token),
            entrance: Entrance::Ticket {
                way,
                pass,
                token: token.to_owned(),
            },
        })
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            tenant: self.tenant,
            language: self.language,
            today: self.today,
            ways: &self.ways,
            fixed: match &self.entrance {
                Entrance::Open => None,
                Entrance::Ticket { way, .. } => Some(*way),
            },
            action: &self.action,
            has_left_line: false,
        }
    }

    fn desks(&self) -> Result<Desks, PageError> {
        Desks::of(self.site, self.tenant, self.language)
    }

    /// The form before anything was chosen.
    fn fresh(&self, came: &Came) -> Result<Response, PageError> {
        let mut entry = Entry::fresh(self.today, &self.tenant.settings.asks, self.language, &came.place());
        if !came.with.is_empty() {
            let Some(invited) = invites::accepted(&self.site.env, self.tenant, &came.with)? else {
                return closed(self.site, self.tenant, self.language, Closed::Invitation);
            };
            entry.invite(&came.with, invited.anchor);
        }
        let ground = Ground {
            has_left_line: came.to == LEFT_LINE,
            ..self.ground()
        };
        ground.form(&entry, None, self.desks()?)
    }

    /// What follows from a form that was sent.
    fn answer(&self, entry: &Entry, client: &Client) -> Result<Response, PageError> {
        let ground = self.ground();
        let checked = match entry.check(self.tenant, self.today, ground.fixed, &self.ways) {
            Ok(checked) => checked,
            Err(problem) => return ground.form(entry, Some(problem), self.desks()?),
        };
        match entry.step.as_str() {
            "edit" => ground.form(entry, None, self.desks()?),
            "register" if self.tenant.settings.asks.consent && !entry.has_agreed() => {
                self.look(entry, &checked, Some(Notice::Agree))
            }
            "register" => self.register(entry, &checked, client),
            _ => self.look(entry, &checked, None),
        }
    }

    fn look(&self, entry: &Entry, checked: &Checked, notice: Option<Notice>) -> Result<Response, PageError> {
        let env = &self.site.env;
        let mark = links::entry_token(&env.keys, self.tenant.id, env.ids.next(), self.today + ENTRY_DAYS);
        self.ground().look(entry, checked, &mark, notice)
    }

    fn register(&self, entry: &Entry, checked: &Checked, client: &Client) -> Result<Response, PageError> {
        let (env, tenant) = (&self.site.env, self.tenant);
        if let Entrance::Ticket { way, pass, token } = &self.entrance {
            // A proved address waits for nobody: strangers cannot fill the room of those who come this way.
            actions::register(env, tenant, pass, &checked.registration)?;
            if *way == Way::Line {
                show_menu(self.site, tenant, pass)?;
            }
            return Ok(to_done(tenant, self.language, *way, token));
        }
        // A form that was never looked at, or long ago, is looked at now.
        let mark = links::read_entry_token(&env.keys, tenant.id, &entry.once);
        let Some((number, _)) = mark.filter(|(_, until)| self.today <= *until) else {
            return self.look(entry, checked, None);
        };
        let is_new = !actions::was_entered(env, tenant, number)?;
        if is_new && let Some(until) = self.crowded(client)? {
            return self.wait(entry, checked, until);
        }
        let next = if checked.way == Way::Mail {
            // An address that was asked for too often gets no more mails, and nobody is told: the links of the earlier
            // ones work, and who asked for those is not for everybody to know.
            if !is_new || self.may_write(&checked.mail)? {
                let waiting = Waiting {
                    address: checked.mail.clone(),
                    registration: checked.registration.clone(),
                };
                actions::ask_by_mail(env, tenant, number, &waiting, self.language.code())?;
            }
            format!("/{}/register/sent{}", tenant.code, self.language.query())
        } else {
            if actions::register_on_page(env, tenant, number, &checked.registration)? == Registered::Used {
                return closed(self.site, tenant, self.language, Closed::Gone);
            }
            // What the browser saves from here on is the link that lasts.
            let words = links::words_token(&env.keys, tenant.id, Holder::first(SubscriberId::new(number)));
            format!("/{}/words/{words}{}", tenant.code, welcome(self.language))
        };
        Ok(Redirect::to(&next).into_response())
    }

    /// Until when to wait where too much was asked for.
    fn crowded(&self, client: &Client) -> Result<Option<Timestamp>, PageError> {
        let client = client.address.map(throttle::client_words);
        let mut uses: Vec<(Limit, &[u8])> = Vec::new();
        uses.extend(client.as_deref().map(|client| (REGISTRATIONS_OF_CLIENT, client)));
        uses.push((REGISTRATIONS_AT_TENANT, b""));
        Ok(throttle::admit(&self.site.env, self.tenant.scope(), &uses)?)
    }

    /// True where one more mail may go to an address.
    fn may_write(&self, mail: &str) -> Result<bool, PageError> {
        let uses: [(Limit, &[u8]); 1] = [(REGISTRATIONS_BY_ADDRESS, mail.as_bytes())];
        Ok(throttle::admit(&self.site.env, self.tenant.scope(), &uses)?.is_none())
    }

    /// The same page with everything that was entered, and when to try again.
    fn wait(&self, entry: &Entry, checked: &Checked, until: Timestamp) -> Result<Response, PageError> {
        let mut response = self.look(entry, checked, Some(Notice::Crowded))?;
        let seconds = until.duration_since(self.site.env.clock.now()).as_secs().max(1);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds.unsigned_abs()));
        Ok(response)
    }
}
