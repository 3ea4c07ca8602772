//! The way in: registering with one date, by LINE, by mail or to read on the page.
//!
//! Whoever asks by mail is not registered before they press the button behind the link in it. What they gave waits
//! sealed in the ticket, so that a mistyped address leaves no row behind.

use kizuna_domain::day::Day;
use kizuna_domain::ids::{AccountId, PointId, SubscriberId, SubscriptionId};
use kizuna_domain::people::{Follower, PointState, Relation, SubscriptionState};
use kizuna_domain::place::PlaceCode;
use kizuna_domain::position::Anchor;
use kizuna_domain::roster;
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Account, Tenant};
use kizuna_store::{StoreError, WriteTx, line, places, tickets, troubles};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Actor, Note, life};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::identity::{self, Pass, Purpose};
use crate::throttle::{self, REGISTRATIONS_BY_FORM};
use crate::transactional::{self, Occasion};
use crate::{run, ways};

/// What a family gave when it registered. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The due date, where that was given.
    pub due: Option<Day>,
    /// The day of birth, where that was given.
    pub birth: Option<Day>,
    /// Relation to the child; [`Relation::Unsaid`] where not chosen.
    pub relation: Relation,
    /// Name for the child, where given.
    pub nickname: Option<String>,
    /// Area code, where chosen.
    pub area: Option<String>,
    /// BCP 47 tag of the series, where chosen.
    pub language: Option<String>,
    /// Version of the wording that was agreed to.
    pub wording: String,
    /// True where a box was ticked and not only a button pressed.
    pub is_ticked: bool,
    /// The place whose link led here; it is counted and then forgotten.
    pub place: Option<PlaceCode>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registration(‹secret›)")
    }
}

impl Registration {
    /// The one date and the wording that was agreed to; everything else is left open.
    pub fn new(anchor: Anchor, wording: &str) -> Registration {
        Registration {
            due: anchor.due(),
            birth: anchor.birth(),
            relation: Relation::Unsaid,
            nickname: None,
            area: None,
            language: None,
            wording: wording.to_owned(),
            is_ticked: false,
            place: None,
        }
    }

    /// The one date; `None` where a stored one holds none.
    pub fn anchor(&self) -> Option<Anchor> {
        Anchor::from_dates(self.due, self.birth)
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// Done now.
    Now,
    /// It was done before, perhaps by the first of two presses; nothing changed.
    Before,
    /// The form was used, and what it registered has been erased since; nothing changed.
    Used,
}

/// What waits in the ticket of a mail that asks for confirmation. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The address that the mail went to.
    pub address: String,
    /// What was given.
    pub registration: Registration,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting(‹secret›)")
    }
}

/// What waits for the holder of a ticket to confirm.
pub fn waiting(pass: &Pass) -> Result<Waiting, EngineError> {
    let wrong = || EngineError::Rule("this ticket confirms no registration".to_owned());
    serde_json::from_str(pass.subject()).map_err(|_| wrong())
}

/// How whoever registers is reached, and how that was proved.
struct Reached<'a> {
    channel: &'a str,
    address: &'a str,
    /// Number of the reader where they are new.
    number: SubscriberId,
}

/// The address behind a ticket, with its channel; `None` where the tenant writes no mails any more.
fn reached<'a>(pass: &Pass, mail: Option<&'a Account>) -> Result<(&'a str, String), EngineError> {
    let mail = || {
        let account = mail.ok_or_else(|| EngineError::NoAccount("email".to_owned()))?;
        Ok::<_, EngineError>(account.channel.as_str())
    };
    match pass.purpose {
        Purpose::Register => Ok((line::CHANNEL, identity::line_user(pass)?.to_owned())),
        Purpose::MailRegister => Ok((mail()?, identity::mail_address(pass).to_owned())),
        Purpose::MailConfirm => Ok((mail()?, waiting(pass)?.address)),
        Purpose::Address | Purpose::Errand | Purpose::Repair => {
            Err(EngineError::Rule("this ticket registers nobody".to_owned()))
        }
    }
}

/// The reader whom a ticket to register stands for; `None` before they are registered.
pub fn reader_of(env: &Env, tenant: &Tenant, pass: &Pass) -> Result<Option<SubscriberId>, EngineError> {
    let mail = env.db.read(|tx| transactional::way(tx, env, tenant.scope()))?;
    let (channel, address) = reached(pass, mail.as_ref())?;
    Ok(env
        .db
        .read(|tx| people::by_address(tx, &env.keys, tenant.scope(), channel, &address))?)
}

/// Registers the holder of a ticket, whose address it proves, and uses the ticket up.
///
/// Whoever is registered already keeps their number. A child that they follow is not added again: its date becomes the
/// one given now, and a pause ends.
pub fn register(env: &Env, tenant: &Tenant, pass: &Pass, new: &Registration) -> Result<Registered, EngineError> {
    let mail = env.db.read(|tx| transactional::way(tx, env, tenant.scope()))?;
    let (channel, address) = reached(pass, mail.as_ref())?;
    let enrolment = Enrolment::new(env, tenant, channel)?;
    let reached = Reached {
        channel,
        address: &address,
        number: SubscriberId::new(env.ids.next()),
    };
    Ok(env.write(|tx| {
        if !tickets::use_up(tx, tenant.scope(), pass.id, enrolment.note.at)? {
            return Ok(Registered::Before);
        }
        enrolment.enrol(tx, &reached, new)?;
        Ok(Registered::Now)
    })?)
}

/// Registers somebody who reads on the page only. `number` is that of the form and becomes the reader's.
pub fn register_on_page(
    env: &Env,
    tenant: &Tenant,
    number: Uuid,
    new: &Registration,
) -> Result<Registered, EngineError> {
    let enrolment = Enrolment::new(env, tenant, ways::WEB)?;
    let reader = SubscriberId::new(number);
    let reached = Reached {
        channel: ways::WEB,
        address: &reader.to_string(),
        number: reader,
    };
    Ok(env.write(|tx| {
        let was_used = throttle::count(tx, env, tenant.scope(), &[(REGISTRATIONS_BY_FORM, number.as_bytes())])?;
        if people::exists(tx, tenant.scope(), reader)? {
            return Ok(Registered::Before);
        }
        if was_used.is_some() {
            return Ok(Registered::Used);
        }
        enrolment.enrol(tx, &reached, new)?;
        Ok(Registered::Now)
    })?)
}

/// Sends a mail whose link confirms a registration; registers nobody yet. `number` is that of the form.
///
/// What is done does not depend on whether anybody has this address. `language` is that of the page: `ja`, `easy`, `en`.
pub fn ask_by_mail(
    env: &Env,
    tenant: &Tenant,
    number: Uuid,
    waiting: &Waiting,
    language: &str,
) -> Result<Registered, EngineError> {
    let scope = tenant.scope();
    let subject = serde_json::to_string(waiting).map_err(|error| EngineError::Rule(error.to_string()))?;
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.ask");
    Ok(env.write(|tx| {
        if tickets::get(tx, &env.keys, scope, number, Purpose::MailConfirm.code())?.is_some() {
            return Ok(Registered::Before);
        }
        let token = identity::issue(tx, &env.keys, scope, number, Purpose::MailConfirm, &subject, note.at)?;
        let page = match language {
            "ja" => String::new(),
            other => format!("?lang={other}"),
        };
        let link = format!("{}/{}/confirm/{token}{page}", tenant.settings.base_url, tenant.code);
        let mail = transactional::New {
            occasion: Occasion::Confirm,
            wish: None,
            language,
            address: &waiting.address,
            link: &link,
            expires: identity::ends(note.at),
        };
        transactional::queue(tx, env, tenant, &mail)?;
        note.write(tx, "", "")?;
        Ok(Registered::Now)
    })?)
}

/// True where the form of this number was registered, or its mail is on the way: the second of two presses.
pub fn was_entered(env: &Env, tenant: &Tenant, number: Uuid) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    Ok(env.db.read(|tx| {
        let asked = tickets::get(tx, &env.keys, scope, number, Purpose::MailConfirm.code())?;
        Ok(asked.is_some() || people::exists(tx, scope, SubscriberId::new(number))?)
    })?)
}

/// Everything that a registration needs besides what the family gave.
struct Enrolment<'a> {
    env: &'a Env,
    tenant: &'a Tenant,
    account: AccountId,
    today: Day,
    ids: [Uuid; 3],
    note: Note<'a>,
}

impl<'a> Enrolment<'a> {
    fn new(env: &'a Env, tenant: &'a Tenant, channel: &str) -> Result<Enrolment<'a>, EngineError> {
        let account = env
            .db
            .read(|tx| tenants::account(tx, &env.keys, tenant.scope(), channel))?
            .ok_or_else(|| EngineError::NoAccount(channel.to_owned()))?
            .id;
        Ok(Enrolment {
            env,
            tenant,
            account,
            today: run::today(env, tenant)?,
            ids: [env.ids.next(), env.ids.next(), env.ids.next()],
            note: Note::new(env, Actor::Reader, Some(tenant.scope()), "reader.register"),
        })
    }

    /// Writes reader, address, subscription and consent.
    fn enrol(&self, tx: &mut WriteTx<'_>, reached: &Reached<'_>, new: &Registration) -> Result<(), StoreError> {
        let Enrolment { env, tenant, note, .. } = self;
        let (scope, keys) = (tenant.scope(), &env.keys);
        let [point, subscription, consent] = self.ids;
        let anchor = new.anchor().ok_or(StoreError::Refused {
            what: "this registration has no date",
        })?;
        let subscriber = self.reader(tx, reached, new, PointId::new(point))?;
        let following = people::of_subscriber(tx, keys, scope, subscriber)?;
        life::begin_anew(tx, scope, subscriber, &following)?;
        let same = following
            .iter()
            .find(|known| roster::same_child(&known.anchor, &anchor));
        let subscription = match same {
            Some(known) => {
                take_up(tx, tenant, known, &anchor, self.today)?;
                if let Some(nickname) = &new.nickname {
                    people::set_nickname(tx, keys, scope, known.subscription, nickname)?;
                }
                known.subscription
            }
            None if following.len() as i64 >= people::SUBSCRIPTIONS_MAX => {
                return Err(StoreError::Refused {
                    what: "this reader follows as many children as one reader can",
                });
            }
            None => {
                let subscription = NewSubscription {
                    id: SubscriptionId::new(subscription),
                    subscriber,
                    anchor,
                    nickname: new.nickname.clone(),
                    registered_on: self.today,
                    state: SubscriptionState::Active,
                };
                people::add_subscription(tx, keys, scope, &subscription)?;
                if let Some(place) = new.place {
                    places::count(tx, scope, place)?;
                }
                subscription.id
            }
        };
        people::ask(tx, scope, subscription, note.at)?;
        let method = if new.is_ticked {
            format!("{}-ticked", reached.channel)
        } else {
            reached.channel.to_owned()
        };
        people::add_consent(
            tx,
            scope,
            consent,
            subscriber,
            "messages",
            &new.wording,
            &method,
            note.at,
        )?;
        people::refresh_reach(tx, scope, subscriber)?;
        tenants::touch(tx, scope)?;
        note.write(tx, &subscriber.to_string(), "")
    }

    /// The reader who has this address now, with what they chose.
    fn reader(
        &self,
        tx: &mut WriteTx<'_>,
        reached: &Reached<'_>,
        new: &Registration,
        point: PointId,
    ) -> Result<SubscriberId, StoreError> {
        let (scope, keys) = (self.tenant.scope(), &self.env.keys);
        // Who blocks us gets nothing until LINE tells of the end of the block; who is unknown may be a friend.
        let is_blocked = reached.channel == line::CHANNEL
            && line::friendship(tx, keys, scope, reached.address)?.is_some_and(|friendship| !friendship.is_friend);
        let state = if is_blocked {
            PointState::Blocked
        } else {
            PointState::Verified
        };
        if let Some(known) = people::point_at(tx, keys, scope, reached.channel, reached.address)? {
            if known.subscriber == reached.number {
                // The first of two presses was a moment faster; begun again, this one finds what it did.
                return Err(StoreError::Conflict {
                    statement: "registration::reader",
                });
            }
            if !is_blocked {
                // Somebody reads here, whatever was refused before.
                troubles::lift_at(tx, keys, scope, known.id)?;
            }
            people::set_point(tx, scope, known.id, state)?;
            // A block says 「nothing more, anywhere」. Who registers anew in another way takes that back for this way.
            for other in people::points(tx, keys, scope, known.subscriber)? {
                if !is_blocked && other.id != known.id && other.state == PointState::Blocked {
                    people::remove_point(tx, scope, known.subscriber, other.id)?;
                }
            }
            let relation = Some(new.relation).filter(|relation| *relation != Relation::Unsaid);
            people::choose(
                tx,
                scope,
                known.subscriber,
                relation,
                new.language.as_deref(),
                new.area.as_deref(),
            )?;
            return Ok(known.subscriber);
        }
        let subscriber = NewSubscriber {
            id: reached.number,
            reference: None,
            relation: new.relation,
            language: new.language.clone().unwrap_or_else(|| "ja".to_owned()),
            area: new.area.clone(),
            registered_at: self.note.at,
        };
        people::add_subscriber(tx, scope, &subscriber)?;
        people::lift_suppression(tx, keys, scope, reached.channel, reached.address)?;
        let point = NewPoint {
            id: point,
            subscriber: subscriber.id,
            account: self.account,
            channel: reached.channel.to_owned(),
            address: reached.address.to_owned(),
            state,
        };
        people::add_point(tx, keys, scope, &point)?;
        Ok(subscriber.id)
    }
}

/// Takes up a subscription that lives: the date given now counts, a due date on record stays beside a birth.
///
/// A birth on record stays where a due date is given: no child who was born becomes a pregnancy again.
fn take_up(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    known: &Follower,
    new: &Anchor,
    today: Day,
) -> Result<(), StoreError> {
    let scope = tenant.scope();
    let anchor = match (*new, known.anchor) {
        (Anchor::Birth { on, .. }, known) => Anchor::Birth { on, due: known.due() },
        (Anchor::Due(_), known @ Anchor::Birth { .. }) => known,
        (Anchor::Due(due), Anchor::Due(_)) => Anchor::Due(due),
    };
    if anchor != known.anchor {
        people::move_anchor(tx, scope, known.subscription, &anchor)?;
        runs::recall(tx, scope, known.subscription, Recall::Replan)?;
    }
    people::end_pause(tx, scope, known.subscription, today)?;
    Ok(())
}
