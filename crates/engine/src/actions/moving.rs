//! ひっこす: from one town of this installation to another, by a one-time code.
//!
//! The only door between two tenants. The old town never sees what becomes of the reader, the new town sees what
//! the reader brings: stage, nickname, relation, language. Nothing moves until the code is used. Who went on as whom is
//! kept, for one purpose: a stop that is said in the old town is heard in the new one.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use kizuna_domain::ids::{PointId, SubscriberId, SubscriptionId, TrackId};
use kizuna_domain::people::{EndReason, Follower, PointState, Relation, SkipReason, SubscriptionState};
use kizuna_store::moves::{self, Move};
use kizuna_store::people::{self, NewPoint, NewSubscriber, NewSubscription};
use kizuna_store::runs::{self, Recall};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{ReadTx, Scope, StoreError, WriteTx, content, erase, line, successors, troubles};
use uuid::Uuid;

use super::{Actor, Deed, Note, delivery, life, people as readers, record};
use crate::env::Env;
use crate::error::EngineError;
use crate::line::errand::Proved;
use crate::throttle::{self, Limit, MOVES_AT_TENANT, MOVES_OF_CLIENT};
use crate::ways::{MAIL, WEB};
use crate::{run, transactional};

/// How long a code can be used.
pub const VALID: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long after its use a code still shows what it did, for a second press.
pub const SHOWN_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// Letters of a code.
pub const CODE_LETTERS: usize = 8;
/// Letters and digits that are told apart in every hand and font.
const ALPHABET: &[u8; 25] = b"ACDEFGHJKMNPQRTUVWXY34679";
/// Towns in the list of a page.
pub const TOWNS_MAX: usize = 2_000;

/// What became of asking for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// There is a code; one for another town is of no use any more.
    Now,
    /// There was one for this town already.
    Already,
    /// The town takes nobody in this way, or the reader follows nothing.
    NotOffered,
}

/// A code as its reader sees it.
#[derive(Clone, PartialEq)]
pub struct Ticket {
    /// The code, in the form in which it is read out.
    pub code: String,
    /// The town that it leads to.
    pub to: Tenant,
    /// Of no use from this instant on.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("to", &self.to.code)
            .finish_non_exhaustive()
    }
}

/// What a reader brings to a new town.
#[derive(Clone, PartialEq, Eq)]
pub struct Luggage {
    /// What the reader follows.
    pub children: Vec<Follower>,
    /// Their e-mail address, as only its owner knows it again; empty where there is none.
    pub mail: String,
    /// Who they are here, once they came.
    pub arrived: Option<SubscriberId>,
}

impl std::fmt::Debug for Luggage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Luggage").finish_non_exhaustive()
    }
}

/// How somebody who moves wants to read in the new town.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way<'a> {
    /// By e-mail at the address they confirmed in the old town.
    Mail,
    /// On their own page.
    Web,
    /// By LINE, as a user whom LINE has proved to the new town; their ticket is used up.
    Line(Proved<'a>),
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// The reader is here, as this number.
    Now(SubscriberId),
    /// They came just now by the first of two presses; by LINE, as the same user.
    Before(SubscriberId),
    /// Somebody else reads at this address here; nothing changed.
    Taken,
    /// The way cannot be used here; nothing changed.
    NoWay,
    /// The code opens nothing.
    Nothing,
}

/// A code as people write it, in the form in which it is looked up.
///
/// ```
/// use kizuna_engine::actions::moving::folded;
/// assert_eq!(folded(" acde-ｆｇｈj "), "ACDEFGHJ");
/// ```
pub fn folded(code: &str) -> String {
    let letters = kizuna_domain::text::fold(code);
    let letters = letters.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// A code that nobody can guess.
fn new_code(env: &Env) -> Result<String, EngineError> {
    let mut code = String::with_capacity(CODE_LETTERS);
    while code.len() < CODE_LETTERS {
        // Bytes past the last whole round of the alphabet would make some letters more likely.
        let fair = env.secret()?.into_iter().filter(|byte| usize::from(*byte) < 250);
        let letters = fair.filter_map(|byte| ALPHABET.get(usize::from(byte) % ALPHABET.len()));
        let missing = CODE_LETTERS - code.len();
        code.extend(letters.take(missing).map(|letter| char::from(*letter)));
    }
    Ok(code)
}

/// Towns that a reader of this one can move to, by code.
pub fn towns(env: &Env, from: &Tenant) -> Result<Vec<Tenant>, EngineError> {
    let mut towns = env.db.read(tenants::all)?;
    towns.retain(|town| town.settings.listed && town.id != from.id);
    towns.truncate(TOWNS_MAX);
    Ok(towns)
}

/// Makes a code with which a reader can go over to another town.
pub fn begin(env: &Env, from: &Tenant, reader: SubscriberId, to: &Tenant) -> Result<Begun, EngineError> {
    let scope = from.scope();
    if !to.settings.listed || to.id == from.id {
        return Ok(Begun::NotOffered);
    }
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.move-asked");
    let new = Move {
        id: env.ids.next(),
        from: from.id,
        reader,
        to: to.id,
        code: new_code(env)?,
        expires_at: note.at.checked_add(VALID).unwrap_or(Timestamp::MAX),
        arrived: None,
    };
    Ok(env.write(|tx| {
        if people::of_subscriber(tx, &env.keys, scope, reader)?.is_empty() {
            return Ok(Begun::NotOffered);
        }
        let known = moves::of_reader(tx, &env.keys, scope, reader)?;
        if known.is_some_and(|known| known.to == to.id && known.arrived.is_none() && note.at < known.expires_at) {
            return Ok(Begun::Already);
        }
        moves::add(tx, &env.keys, &new)?;
        note.write(tx, &reader.to_string(), "")?;
        Ok(Begun::Now)
    })?)
}

/// The code that a reader has, where it can still be used.
pub fn open(env: &Env, from: &Tenant, reader: SubscriberId) -> Result<Option<Ticket>, EngineError> {
    let (scope, now) = (from.scope(), env.clock.now());
    Ok(env.db.read(|tx| {
        let known = moves::of_reader(tx, &env.keys, scope, reader)?;
        let Some(known) = known.filter(|known| now < known.expires_at && known.arrived.is_none()) else {
            return Ok(None);
        };
        let to = tenants::by_id(tx, Scope::of(known.to))?;
        Ok(to.map(|to| Ticket {
            code: known.code,
            to,
            expires_at: known.expires_at,
        }))
    })?)
}

/// Takes a reader's code back; a second press changes nothing.
pub fn withdraw(env: &Env, from: &Tenant, reader: SubscriberId) -> Result<(), EngineError> {
    let scope = from.scope();
    let note = Note::new(env, Actor::Reader, Some(scope), "reader.move-withdrawn");
    Ok(env.write(|tx| {
        if moves::withdraw(tx, scope, reader)? {
            note.write(tx, &reader.to_string(), "")?;
        }
        Ok(())
    })?)
}

/// Counts one more code that somebody tries in this town; false where it is one too many.
pub fn may_try(env: &Env, to: &Tenant, client: Option<IpAddr>) -> Result<bool, EngineError> {
    let client = client.map(throttle::client_words);
    let mut tries: Vec<(Limit, &[u8])> = vec![(MOVES_AT_TENANT, b"")];
    tries.extend(client.as_deref().map(|client| (MOVES_OF_CLIENT, client)));
    Ok(throttle::admit(env, to.scope(), &tries)?.is_none())
}

/// The move with a code, while anything of it can be seen.
fn find(tx: &mut ReadTx<'_>, env: &Env, to: &Tenant, code: &str, now: Timestamp) -> Result<Option<Move>, StoreError> {
    let found = moves::by_code(tx, &env.keys, to.scope(), &folded(code))?;
    Ok(found.filter(|found| now < found.expires_at))
}

/// What whoever holds a code brings to this town; `None` for a wrong, expired, withdrawn or long used one, which all
/// look alike.
pub fn look(env: &Env, to: &Tenant, code: &str) -> Result<Option<Luggage>, EngineError> {
    let now = env.clock.now();
    Ok(env.db.read(|tx| {
        let Some(found) = find(tx, env, to, code, now)? else {
            return Ok(None);
        };
        let from = Scope::of(found.from);
        let children = people::of_subscriber(tx, &env.keys, from, found.reader)?;
        if children.is_empty() && found.arrived.is_none() {
            return Ok(None);
        }
        let mail = confirmed_mail(tx, env, from, found.reader)?;
        Ok(Some(Luggage {
            children,
            mail: mail
                .map(|address| kizuna_domain::text::masked(&address))
                .unwrap_or_default(),
            arrived: found.arrived,
        }))
    })?)
}

/// The e-mail address that a reader has confirmed, the preferred one of several.
fn confirmed_mail(
    tx: &mut ReadTx<'_>,
    env: &Env,
    scope: Scope,
    reader: SubscriberId,
) -> Result<Option<String>, StoreError> {
    let points = people::points(tx, &env.keys, scope, reader)?;
    let mut usable = points
        .into_iter()
        .filter(|point| MAIL.contains(&point.channel.as_str()) && point.state == PointState::Verified);
    Ok(usable.next().map(|point| point.address))
}

/// Version of the wording of the page in the new town that is agreed to.
pub const CONSENT_WORDING: &str = "move-2026-11";

/// Numbers for what comes to be in the new town.
struct Numbers {
    reader: SubscriberId,
    point: PointId,
    consent: Uuid,
    children: Vec<SubscriptionId>,
}

/// Lets the reader of a code go over to this town, and ends what they followed in the old one, at the same moment.
///
/// Letters of today that wait in the old town never leave it; the new town sends what stands there today instead. What
/// the reader has had of series that both towns share does not come again. `number` is that of the form and becomes the
/// reader's where they have none here yet.
pub fn arrive(env: &Env, to: &Tenant, code: &str, way: &Way<'_>, number: Uuid) -> Result<Arrived, EngineError> {
    let now = env.clock.now();
    let found = env.db.read(|tx| find(tx, env, to, code, now))?;
    let Some(found) = found else {
        return Ok(Arrived::Nothing);
    };
    let from = env.db.read(|tx| tenants::by_id(tx, Scope::of(found.from)))?;
    let Some(from) = from else {
        return Ok(Arrived::Nothing);
    };
    let today = run::today(env, to)?;
    let leaving = Note::new(env, Actor::Reader, Some(from.scope()), "reader.moved-out");
    let coming = Note::new(env, Actor::Reader, Some(to.scope()), "reader.moved-in");
    let numbers = Numbers {
        reader: SubscriberId::new(number),
        point: PointId::new(env.ids.next()),
        consent: env.ids.next(),
        children: (0..people::SUBSCRIPTIONS_MAX)
            .map(|_| SubscriptionId::new(env.ids.next()))
            .collect(),
    };
    let shown_until = now.checked_add(SHOWN_AFTER).unwrap_or(Timestamp::MAX);
    Ok(env.write(|tx| {
        if let Way::Line(proved) = way
            && !proved.use_up(tx, env, to.scope())?
        {
            return Ok(Arrived::Nothing);
        }
        // Once more, because the first of two presses may have been quicker.
        match find(tx, env, to, code, now)?.map(|found| found.arrived) {
            Some(None) => {}
            Some(Some(reader)) if is_theirs(tx, env, to, reader, way, numbers.reader)? => {
                return Ok(Arrived::Before(reader));
            }
            Some(Some(_)) | None => return Ok(Arrived::Nothing),
        }
        // What is being stopped or added there at the same moment is seen.
        erase::hold(tx, from.scope(), found.reader)?;
        let children = people::of_subscriber(tx, &env.keys, from.scope(), found.reader)?;
        let Some((relation, language)) = people::profile(tx, from.scope(), found.reader)? else {
            return Ok(Arrived::Nothing);
        };
        if children.is_empty() {
            return Ok(Arrived::Nothing);
        }
        let address = match new_address(tx, env, &from, to, found.reader, way, &numbers)? {
            Ok(address) => address,
            Err(refused) => return Ok(refused),
        };
        let reader = address.reader();
        if !moves::arrive(tx, to.scope(), found.id, reader, shown_until, now)? {
            return Ok(Arrived::Nothing);
        }
        settle_in(tx, env, to, (relation, language), &address, numbers.consent, now)?;
        let shared = shared_tracks(tx, &from, to)?;
        for (child, id) in children.iter().zip(&numbers.children) {
            let (state, reason) = (SubscriptionState::Ended, Some(EndReason::Moved));
            people::set_state(tx, from.scope(), child.subscription, state, reason)?;
            // First, so that what waits is no longer among what the reader has had.
            let silence = Recall::Silence(SkipReason::Stopped);
            runs::recall(tx, from.scope(), child.subscription, silence)?;
            let new = NewSubscription {
                id: *id,
                subscriber: reader,
                anchor: child.anchor,
                nickname: child.nickname.clone(),
                registered_on: today,
                state: child.state,
            };
            people::add_subscription(tx, &env.keys, to.scope(), &new)?;
            people::ask(tx, to.scope(), *id, now)?;
            let is_same = |slot: &str| stands_in(slot, &shared);
            let here = (to.scope(), *id, reader);
            runs::carry(tx, (from.scope(), child.subscription), here, &is_same)?;
        }
        successors::add(tx, (from.scope(), found.reader), (to.scope(), reader))?;
        readers::after_an_end(tx, &env.keys, (from.scope(), found.reader), Timestamp::MAX, now)?;
        people::refresh_reach(tx, to.scope(), reader)?;
        let deed = |note, reader: SubscriberId| Deed {
            note,
            subject: reader.to_string(),
            touches: true,
        };
        record(tx, vec![deed(leaving, found.reader), deed(coming, reader)])?;
        Ok(Arrived::Now(reader))
    })?)
}

/// True where whoever shows a used code is the one whom it brought here: by LINE the same user, elsewhere the same form.
///
/// The code alone proves nobody any more; others may have read it over a shoulder.
fn is_theirs(
    tx: &mut ReadTx<'_>,
    env: &Env,
    to: &Tenant,
    reader: SubscriberId,
    way: &Way<'_>,
    of_form: SubscriberId,
) -> Result<bool, StoreError> {
    match way {
        Way::Mail | Way::Web => Ok(reader == of_form),
        Way::Line(proved) => {
            let known = people::by_address(tx, &env.keys, to.scope(), line::CHANNEL, proved.user)?;
            Ok(known == Some(reader))
        }
    }
}

/// Where somebody reads in the new town.
enum Address {
    /// At an address that nobody has there.
    New(NewPoint),
    /// At one that they had there before they moved away or stopped; they keep their number.
    Known(people::Point),
}

impl Address {
    fn reader(&self) -> SubscriberId {
        match self {
            Address::New(point) => point.subscriber,
            Address::Known(point) => point.subscriber,
        }
    }
}

/// The address in the new town, or why there is none.
fn new_address(
    tx: &mut WriteTx<'_>,
    env: &Env,
    from: &Tenant,
    to: &Tenant,
    reader: SubscriberId,
    way: &Way<'_>,
    numbers: &Numbers,
) -> Result<Result<Address, Arrived>, StoreError> {
    let scope = to.scope();
    let (account, address) = match way {
        Way::Mail => (
            transactional::way(tx, env, to.scope())?,
            confirmed_mail(tx, env, from.scope(), reader)?,
        ),
        Way::Web => (
            tenants::account(tx, &env.keys, scope, WEB)?,
            Some(numbers.reader.to_string()),
        ),
        Way::Line(Proved { user, .. }) => {
            let friendship = line::friendship(tx, &env.keys, scope, user)?;
            let is_friend = friendship.is_none_or(|friendship| friendship.is_friend);
            let account = tenants::account(tx, &env.keys, scope, line::CHANNEL)?;
            (account, is_friend.then(|| (*user).to_owned()))
        }
    };
    let (Some(address), Some(account)) = (address, account) else {
        return Ok(Err(Arrived::NoWay));
    };
    if people::suppression(tx, &env.keys, scope, &account.channel, &address)?.is_some() {
        return Ok(Err(Arrived::NoWay));
    }
    if let Some(known) = people::point_at(tx, &env.keys, scope, &account.channel, &address)? {
        let follows = !people::of_subscriber(tx, &env.keys, scope, known.subscriber)?.is_empty();
        return Ok(if follows {
            Err(Arrived::Taken)
        } else {
            Ok(Address::Known(known))
        });
    }
    Ok(Ok(Address::New(NewPoint {
        id: numbers.point,
        subscriber: numbers.reader,
        account: account.id,
        channel: account.channel,
        address,
        state: PointState::Verified,
    })))
}

/// Registers the reader in the new town, with what they agreed to there.
fn settle_in(
    tx: &mut WriteTx<'_>,
    env: &Env,
    to: &Tenant,
    (relation, language): (Relation, String),
    address: &Address,
    consent: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scope = to.scope();
    let reader = address.reader();
    match address {
        Address::New(point) => {
            let new = NewSubscriber {
                id: reader,
                reference: None,
                relation,
                language,
                area: None,
                registered_at: now,
            };
            people::add_subscriber(tx, scope, &new)?;
            people::add_point(tx, &env.keys, scope, point)?;
        }
        Address::Known(point) => {
            let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
            life::begin_anew(tx, scope, reader, &following)?;
            people::choose(tx, scope, reader, Some(relation), Some(&language), None)?;
            // Somebody reads here, whatever was put off before.
            troubles::lift_at(tx, &env.keys, scope, point.id)?;
            people::set_point(tx, scope, point.id, PointState::Verified)?;
            delivery::choose(tx, env, scope, reader, point.id)?;
        }
    }
    let (purpose, wording) = ("messages", CONSENT_WORDING);
    people::add_consent(tx, scope, consent, reader, purpose, wording, "move", now)
}

/// The tracks of the desk that both towns send, by code: their slots stand for the same words.
fn shared_tracks(tx: &mut ReadTx<'_>, from: &Tenant, to: &Tenant) -> Result<Vec<String>, StoreError> {
    let mut shared = Vec::new();
    for adoption in &to.settings.adopt {
        let is_adopted = from.settings.adopt.iter().any(|other| other.track == adoption.track);
        let id = |track: Option<content::Track>| -> Option<TrackId> { track.map(|track| track.id) };
        let here = id(content::track_for(tx, to.scope(), &adoption.track)?);
        let there = id(content::track_for(tx, from.scope(), &adoption.track)?);
        if is_adopted && here.is_some() && here == there {
            shared.push(adoption.track.clone());
        }
    }
    Ok(shared)
}

/// True for a slot of these tracks in stored form, and for the system's own question.
fn stands_in(slot: &str, tracks: &[String]) -> bool {
    match slot.split_once('/') {
        Some((track, _)) => tracks.iter().any(|shared| shared == track),
        None => true,
    }
}

/// As whom a reader went on, in whatever town.
pub(super) fn successors(
    tx: &mut ReadTx<'_>,
    scope: Scope,
    reader: SubscriberId,
) -> Result<Vec<(Scope, SubscriberId)>, StoreError> {
    Ok(in_towns(successors::successors(tx, scope, reader)?))
}

/// A reader with everybody whom they went on as and everybody who went on as one of these: one family's registrations.
pub(super) fn all_of(
    tx: &mut ReadTx<'_>,
    reader: (Scope, SubscriberId),
    later: &[(Scope, SubscriberId)],
) -> Result<Vec<(Scope, SubscriberId)>, StoreError> {
    let mut all = vec![reader];
    all.extend_from_slice(later);
    for (scope, reader) in all.clone() {
        for person in in_towns(successors::predecessors(tx, scope, reader)?) {
            if !all.contains(&person) {
                all.push(person);
            }
        }
    }
    Ok(all)
}

fn in_towns(people: Vec<successors::Person>) -> Vec<(Scope, SubscriberId)> {
    let with_scope = people.into_iter().map(|(tenant, reader)| (Scope::of(tenant), reader));
    with_scope.collect()
}
