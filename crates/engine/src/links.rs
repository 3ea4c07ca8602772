//! Signed tokens: links in messages, bound to one purpose, one tenant and one reader; invitations; known browsers.
//!
//! A stop link never expires: whoever still holds an old message must be able to stop. A reading link does not expire
//! either, and shows nothing but words. A link that changes something says on which day it ends. Readers can make their
//! links anew, and whoever begins again after a stop has new ones: earlier ones then open nothing, except to stop.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kizuna_domain::day::Day;
use kizuna_domain::ids::{InvitationId, PointId, StaffId, SubscriberId, TenantId};
use kizuna_domain::message::Links;
use kizuna_store::tenants::Tenant;
use kizuna_store::{Keyring, ReadTx, Scope, StoreError, people};
use uuid::Uuid;

/// Bytes of signature in a link: 96 bits, not to be guessed over a network.
const SIGNATURE: usize = 12;
const STOP: &str = "stop";
const WORDS: &str = "words";
const OWN: &str = "own";
const INVITED: &str = "family-invited";
const BOUNCE: &str = "bounce";
const INVITATION: &str = "invitation";
const BROWSER: &str = "browser";
const ENTRY: &str = "entry";

/// Days for which the link in a message opens a reader's own pages; older ones lead to a fresh one.
pub const OWN_DAYS: i32 = 30;

/// Days for which the link in an answer opens them: a talk or a login brings a new one at any time.
const FRESH_OWN_DAYS: i32 = 1;

/// A reader as the holder of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The reader.
    pub reader: SubscriberId,
    /// How often their links were made anew.
    pub generation: i64,
}

impl Holder {
    /// A reader whose links were never made anew.
    pub fn first(reader: SubscriberId) -> Holder {
        Holder { reader, generation: 0 }
    }

    /// A reader with the generation of links that opens their pages now.
    pub fn of(tx: &mut ReadTx<'_>, scope: Scope, reader: SubscriberId) -> Result<Holder, StoreError> {
        Ok(Holder {
            reader,
            generation: people::link_generation(tx, scope, reader)?,
        })
    }

    /// What a signature binds besides the number; nothing for the first generation.
    fn mark(self) -> Vec<u8> {
        match self.generation {
            0 => Vec::new(),
            later => later.to_be_bytes().to_vec(),
        }
    }
}

/// An identifier with a signature that is bound to a purpose and a subject.
pub(crate) fn sign(keys: &Keyring, purpose: &str, id: &[u8; 16], subject: &[u8]) -> String {
    let signature = keys.sign_link(purpose, subject);
    let mut bytes = id.to_vec();
    bytes.extend(signature.iter().take(SIGNATURE));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The identifier in a signed token; `None` for a forged one, or one for another subject.
pub(crate) fn read(
    keys: &Keyring,
    purpose: &str,
    token: &str,
    subject: impl FnOnce(&[u8; 16]) -> Vec<u8>,
) -> Option<[u8; 16]> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    let right = keys.sign_link(purpose, &subject(id));
    same(right.get(..SIGNATURE)?, signature).then_some(*id)
}

/// Compares every byte whatever the first difference is.
pub(crate) fn same(right: &[u8], given: &[u8]) -> bool {
    let differences = right.iter().zip(given).fold(0u8, |all, (a, b)| all | (a ^ b));
    right.len() == given.len() && differences == 0
}

/// The token with which a reader stops everything.
pub fn stop_token(keys: &Keyring, tenant: TenantId, subscriber: SubscriberId) -> String {
    let subject = [tenant.bytes().as_slice(), subscriber.bytes()].concat();
    sign(keys, STOP, subscriber.bytes(), &subject)
}

/// The reader that a stop token belongs to; `None` for a forged one or one of another tenant.
pub fn read_stop_token(keys: &Keyring, tenant: TenantId, token: &str) -> Option<SubscriberId> {
    let id = read(keys, STOP, token, |id| [tenant.bytes().as_slice(), id].concat())?;
    SubscriberId::from_bytes(&id)
}

/// The token with which a reader's words can be read, for years, and nothing can be changed.
pub fn words_token(keys: &Keyring, tenant: TenantId, holder: Holder) -> String {
    let id = holder.reader.bytes();
    let subject = [tenant.bytes().as_slice(), id, &holder.mark()].concat();
    sign(keys, WORDS, id, &subject)
}

/// The reader that a reading token belongs to; `None` for a forged one, one of another tenant or of links that were
/// made anew since.
pub fn read_words_token(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    token: &str,
) -> Result<Option<SubscriberId>, StoreError> {
    let Some(holder) = claimed(tx, scope, token)? else {
        return Ok(None);
    };
    let tenant = scope.tenant();
    let subject = |id: &[u8; 16]| [tenant.bytes().as_slice(), id, &holder.mark()].concat();
    Ok(read(keys, WORDS, token, subject).map(|_| holder.reader))
}

/// Whose link a token says that it is, before anybody looked at its signature.
fn claimed(tx: &mut ReadTx<'_>, scope: Scope, token: &str) -> Result<Option<Holder>, StoreError> {
    claimed_reader(token)
        .map(|reader| Holder::of(tx, scope, reader))
        .transpose()
}

/// The number of a reader that stands in a token, whoever wrote it there.
pub(crate) fn claimed_reader(token: &str) -> Option<SubscriberId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    SubscriberId::from_bytes(bytes.first_chunk::<16>()?)
}

/// A number with a last day, signed for one purpose and tenant; the signature binds a mark that is not in the token.
fn dated(keys: &Keyring, purpose: &str, tenant: TenantId, id: &[u8; 16], until: Day, mark: &[u8]) -> String {
    let until = until.epoch_days().to_be_bytes();
    let subject = [tenant.bytes().as_slice(), id, &until, mark].concat();
    let signature = keys.sign_link(purpose, &subject);
    let mut bytes = [id.as_slice(), &until].concat();
    bytes.extend(signature.iter().take(SIGNATURE));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The token that is given to a reader who asked for it on a day, in a talk or by a login.
pub fn fresh_own_token(keys: &Keyring, tenant: TenantId, holder: Holder, today: Day) -> String {
    own_token(keys, tenant, holder, today + FRESH_OWN_DAYS)
}

/// The number in such a token, and its last day; `None` for a forged one or one of another tenant or purpose.
fn read_dated(keys: &Keyring, purpose: &str, tenant: TenantId, token: &str, mark: &[u8]) -> Option<([u8; 16], Day)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let (until, signature) = rest.split_first_chunk::<4>()?;
    let right = keys.sign_link(purpose, &[tenant.bytes().as_slice(), id, until, mark].concat());
    let day = Day::from_epoch_days(i32::from_be_bytes(*until));
    same(right.get(..SIGNATURE)?, signature).then_some((*id, day))
}

/// The token that opens a reader's own pages, on which things are changed, up to and including a day.
pub fn own_token(keys: &Keyring, tenant: TenantId, holder: Holder, until: Day) -> String {
    dated(keys, OWN, tenant, holder.reader.bytes(), until, &holder.mark())
}

/// The reader that such a token belongs to, and its last day; `None` for a forged one, one of another tenant or of links
/// that were made anew since.
pub fn read_own_token(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    token: &str,
) -> Result<Option<(SubscriberId, Day)>, StoreError> {
    let holder = claimed(tx, scope, token)?;
    Ok(holder.and_then(|holder| Some((holder.reader, last_day(keys, scope, token, holder)?))))
}

/// The reader of a token of the links before the present ones, and its last day.
pub(crate) fn read_earlier_own_token(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    token: &str,
) -> Result<Option<(SubscriberId, Day)>, StoreError> {
    let holder = claimed(tx, scope, token)?.filter(|holder| holder.generation > 0);
    Ok(holder.and_then(|Holder { reader, generation }| {
        let generation = generation - 1;
        Some((reader, last_day(keys, scope, token, Holder { reader, generation })?))
    }))
}

/// The last day of the token of this holder; `None` where it is not theirs.
fn last_day(keys: &Keyring, scope: Scope, token: &str, holder: Holder) -> Option<Day> {
    read_dated(keys, OWN, scope.tenant(), token, &holder.mark()).map(|(_, until)| until)
}

/// The mark of one filled-in form, by which the second of two presses is known; good up to and including a day.
pub fn entry_token(keys: &Keyring, tenant: TenantId, number: Uuid, until: Day) -> String {
    dated(keys, ENTRY, tenant, number.as_bytes(), until, &[])
}

/// The number in the mark of a form, and its last day; `None` for a forged one or one of another tenant.
pub fn read_entry_token(keys: &Keyring, tenant: TenantId, token: &str) -> Option<(Uuid, Day)> {
    let (id, until) = read_dated(keys, ENTRY, tenant, token, &[])?;
    Some((Uuid::from_bytes(id), until))
}

/// The token of an invitation that was accepted, good up to and including a day.
pub fn invited_token(keys: &Keyring, tenant: TenantId, number: Uuid, until: Day) -> String {
    dated(keys, INVITED, tenant, number.as_bytes(), until, &[])
}

/// The invitation of such a token, and its last day; `None` for a forged one or one of another tenant.
pub fn read_invited_token(keys: &Keyring, tenant: TenantId, token: &str) -> Option<(Uuid, Day)> {
    let (id, until) = read_dated(keys, INVITED, tenant, token, &[])?;
    Some((Uuid::from_bytes(id), until))
}

/// The token in the link of an invitation.
pub fn invitation_token(keys: &Keyring, invitation: InvitationId) -> String {
    sign(keys, INVITATION, invitation.bytes(), invitation.bytes())
}

/// The invitation that a token belongs to; `None` for a forged one.
pub fn read_invitation_token(keys: &Keyring, token: &str) -> Option<InvitationId> {
    let id = read(keys, INVITATION, token, |id| id.to_vec())?;
    InvitationId::from_bytes(&id)
}

/// The mark of a browser in which a person signed in; `number` tells browsers apart.
pub fn browser_mark(keys: &Keyring, staff: StaffId, number: &[u8; 16]) -> String {
    sign(keys, BROWSER, number, &[staff.bytes().as_slice(), number].concat())
}

/// The number of a browser in which this person signed in before; `None` for a forged mark or somebody else's.
pub fn read_browser_mark(keys: &Keyring, staff: StaffId, mark: &str) -> Option<[u8; 16]> {
    read(keys, BROWSER, mark, |number| {
        [staff.bytes().as_slice(), number].concat()
    })
}

/// The token in a return path by which a bounce is recognised: letters and digits only.
///
/// It names the address and not the reader, so that an old bounce never blames a newer address.
pub fn return_token(keys: &Keyring, tenant: TenantId, point: PointId) -> String {
    format!(
        "{}{}",
        point.uuid().simple(),
        hex(&bounce_signature(keys, tenant, &point))
    )
}

/// The address that a return path belongs to; `None` for a forged one or one of another tenant.
///
/// Servers on the way may have changed the case of its letters.
pub fn read_return_token(keys: &Keyring, tenant: TenantId, token: &str) -> Option<PointId> {
    let token = token.to_ascii_lowercase();
    let (id, signature) = token.split_at_checked(32)?;
    let point = PointId::new(Uuid::try_parse(id).ok()?);
    let right = hex(&bounce_signature(keys, tenant, &point));
    same(right.as_bytes(), signature.as_bytes()).then_some(point)
}

fn bounce_signature(keys: &Keyring, tenant: TenantId, point: &PointId) -> Vec<u8> {
    let signature = keys.sign_link(BOUNCE, &[tenant.bytes().as_slice(), point.bytes()].concat());
    signature.into_iter().take(SIGNATURE).collect()
}

fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .filter_map(|half| char::from_digit(u32::from(half), 16))
        .collect()
}

/// The links of one reader's message of a day.
pub fn links(keys: &Keyring, tenant: &Tenant, holder: Holder, day: Day) -> Links {
    let base_url = &tenant.settings.base_url;
    if base_url.is_empty() {
        return Links::default();
    }
    let pages = format!("{base_url}/{}", tenant.code);
    let stop = stop_token(keys, tenant.id, holder.reader);
    let words = words_token(keys, tenant.id, holder);
    let own = own_token(keys, tenant.id, holder, day + OWN_DAYS);
    Links {
        stop: format!("{pages}/stop/{stop}"),
        one_click: format!("{pages}/stop/{stop}/one-click"),
        words: format!("{pages}/words/{words}"),
        own: format!("{pages}/my/{own}"),
        media: format!("{base_url}/media"),
    }
}
