//! Staff, their places at tenants, their means of signing in, and invitations. Everything about a person is sealed.

use jiff::Timestamp;
use kizuna_domain::ids::{InvitationId, StaffId, TenantId};
use kizuna_domain::staff::{Role, StaffMail};

use crate::db::{ReadTx, Row, WriteTx};
use crate::error::StoreError;
use crate::scope::Scope;
use crate::seal::Keyring;
use crate::{args, sql};

/// People that one installation may have.
pub const STAFF_MAX: i64 = 20_000;
/// People that one tenant may have.
pub const STAFF_OF_TENANT_MAX: i64 = 500;
/// Invitations that one tenant may have open.
pub const INVITATIONS_MAX: i64 = 100;

const MAIL: &str = "staff.mail";
const NAME: &str = "staff.name";
const PASSWORD: &str = "staff.password";
const TOTP: &str = "staff.totp";
const TOTP_NEW: &str = "staff.totp_new";
const CODES_SHOWN: &str = "staff.codes_shown";
const INVITED: &str = "invitations.mail";
const DRAFT: &str = "invitations.draft";

/// Kind of the blind index by which a person is found.
const MAIL_INDEX: &str = "staff.mail";
/// Kind of the keyed hash of a recovery code.
const CODE_INDEX: &str = "recovery";

/// Somebody who signs in. Its `Debug` shows the identifier only.
#[derive(Clone, PartialEq, Eq)]
pub struct Staff {
    /// Identifier.
    pub id: StaffId,
    /// The address by which they sign in.
    pub mail: String,
    /// Their name.
    pub name: String,
    /// True for operators of the installation, who see every tenant.
    pub is_operator: bool,
    /// True where there is a password; without one nobody signs in.
    pub can_sign_in: bool,
}

impl std::fmt::Debug for Staff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staff").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Reads id, mail, name, operator and whether there is a password from the first five columns.
pub(crate) fn read(row: &Row<'_>, keys: &Keyring) -> Result<Staff, StoreError> {
    let id = row.id(0, StaffId::from_bytes)?;
    Ok(Staff {
        id,
        mail: keys.open(MAIL, id.bytes(), row.bytes(1)?)?,
        name: keys.open(NAME, id.bytes(), row.bytes(2)?)?,
        is_operator: row.int(3)? == 1,
        can_sign_in: row.int(4)? == 1,
    })
}

fn mail_index(keys: &Keyring, mail: &StaffMail) -> [u8; 16] {
    keys.index_of(MAIL_INDEX, mail.as_str().as_bytes())
}

sql!(
    ADD,
    "INSERT INTO staff (id, mail, mail_index, name, operator, totp_step, since_at) VALUES ($1, $2, $3, $4, 0, 0, $5)"
);

/// Adds a person who cannot sign in yet; a conflict where the address was added in the meantime.
pub fn add(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    id: StaffId,
    mail: &StaffMail,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sealed = keys.seal(MAIL, id.bytes(), mail.as_str());
    let name = keys.seal(NAME, id.bytes(), name);
    let index = mail_index(keys, mail);
    let row = args![
        id.bytes(),
        sealed.as_slice(),
        &index,
        name.as_slice(),
        now.as_millisecond()
    ];
    tx.exec(ADD, row)
        .map(|_| ())
        .map_err(|error| error.duplicate_is_conflict("staff::add"))
}

sql!(
    BY_ID,
    "SELECT id, mail, name, operator, password IS NOT NULL FROM staff WHERE id = $1"
);

/// The person with this identifier.
pub fn by_id(tx: &mut ReadTx<'_>, keys: &Keyring, id: StaffId) -> Result<Option<Staff>, StoreError> {
    tx.one(BY_ID, args![id.bytes()], |row| read(row, keys))
}

sql!(
    BY_MAIL,
    "SELECT id, mail, name, operator, password IS NOT NULL FROM staff WHERE mail_index = $1"
);

/// The person with this address.
pub fn by_mail(tx: &mut ReadTx<'_>, keys: &Keyring, mail: &StaffMail) -> Result<Option<Staff>, StoreError> {
    tx.one(BY_MAIL, args![&mail_index(keys, mail)], |row| read(row, keys))
}

sql!(
    ALL,
    "SELECT id, mail, name, operator, password IS NOT NULL FROM staff ORDER BY id LIMIT $1"
);

/// Everybody of the installation, in the order in which they came.
pub fn all(tx: &mut ReadTx<'_>, keys: &Keyring) -> Result<Vec<Staff>, StoreError> {
    tx.all(ALL, args![STAFF_MAX], |row| read(row, keys))
}

sql!(
    OF_TENANT,
    "SELECT p.id, p.mail, p.name, p.operator, p.password IS NOT NULL, m.role
              FROM memberships m JOIN staff p ON p.id = m.staff_id
              WHERE m.tenant_id = $1 ORDER BY m.staff_id LIMIT $2"
);

/// The people of a tenant with their roles, in the order in which they came.
pub fn of_tenant(tx: &mut ReadTx<'_>, keys: &Keyring, scope: Scope) -> Result<Vec<(Staff, Role)>, StoreError> {
    let args = args![scope.bytes(), STAFF_OF_TENANT_MAX];
    tx.all(OF_TENANT, args, |row| {
        Ok((read(row, keys)?, row.code(5, Role::from_code)?))
    })
}

/// A person's place at a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Which tenant.
    pub tenant: TenantId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What the person may do there.
    pub role: Role,
}

sql!(
    MEMBERSHIPS,
    "SELECT t.id, t.code, t.name, m.role FROM memberships m JOIN tenants t ON t.id = m.tenant_id
              WHERE m.staff_id = $1 ORDER BY t.code"
);

/// The places of a person, by the tenants' codes.
pub fn memberships(tx: &mut ReadTx<'_>, id: StaffId) -> Result<Vec<Membership>, StoreError> {
    tx.all(MEMBERSHIPS, args![id.bytes()], |row| {
        Ok(Membership {
            tenant: row.id(0, TenantId::from_bytes)?,
            code: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            role: row.code(3, Role::from_code)?,
        })
    })
}

sql!(
    ROLE,
    "SELECT role FROM memberships WHERE tenant_id = $1 AND staff_id = $2"
);

/// The role of a person at a tenant.
pub fn role(tx: &mut ReadTx<'_>, scope: Scope, id: StaffId) -> Result<Option<Role>, StoreError> {
    tx.one(ROLE, args![scope.bytes(), id.bytes()], |row| {
        row.code(0, Role::from_code)
    })
}

sql!(
    PUT_ROLE,
    "INSERT INTO memberships (tenant_id, staff_id, role, since_at) VALUES ($1, $2, $3, $4)
              ON CONFLICT (tenant_id, staff_id) DO UPDATE SET role = $3"
);

/// Gives a person a place at a tenant, or another role there.
pub fn put_role(tx: &mut WriteTx<'_>, scope: Scope, id: StaffId, role: Role, now: Timestamp) -> Result<(), StoreError> {
    let row = args![scope.bytes(), id.bytes(), role.code(), now.as_millisecond()];
    tx.exec(PUT_ROLE, row).map(|_| ())
}

sql!(REMOVE, "DELETE FROM memberships WHERE tenant_id = $1 AND staff_id = $2");

/// Takes a person's place at a tenant away; false where there was none.
pub fn remove(tx: &mut WriteTx<'_>, scope: Scope, id: StaffId) -> Result<bool, StoreError> {
    Ok(tx.exec(REMOVE, args![scope.bytes(), id.bytes()])? == 1)
}

sql!(
    LOCK_ADMINISTRATORS,
    pg: "SELECT p.id, p.password IS NOT NULL FROM memberships m JOIN staff p ON p.id = m.staff_id
              WHERE m.tenant_id = $1 AND m.role = 'administrator'
              ORDER BY m.staff_id LIMIT $2 FOR UPDATE OF m",
    lite: "SELECT p.id, p.password IS NOT NULL FROM memberships m JOIN staff p ON p.id = m.staff_id
              WHERE m.tenant_id = $1 AND m.role = 'administrator'
              ORDER BY m.staff_id LIMIT $2"
);

/// Administrators of a tenant who can sign in, held until the transaction ends, so that no two remove each other.
pub fn lock_administrators(tx: &mut WriteTx<'_>, scope: Scope) -> Result<Vec<StaffId>, StoreError> {
    let args = args![scope.bytes(), STAFF_OF_TENANT_MAX];
    let found = tx.all(LOCK_ADMINISTRATORS, args, |row| {
        Ok((row.id(0, StaffId::from_bytes)?, row.int(1)? == 1))
    })?;
    Ok(found.into_iter().filter(|(_, able)| *able).map(|(id, _)| id).collect())
}

sql!(SET_OPERATOR, "UPDATE staff SET operator = $2 WHERE id = $1");

/// Makes a person an operator of the installation, or no longer.
pub fn set_operator(tx: &mut WriteTx<'_>, id: StaffId, is_operator: bool) -> Result<(), StoreError> {
    tx.exec_one(SET_OPERATOR, args![id.bytes(), is_operator])
}

/// Means of signing in, opened. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Hash of the password in the PHC form.
    pub password: String,
    /// Secret of the one-time codes, in base 32.
    pub totp: String,
    /// The last step whose code was used.
    pub totp_step: i64,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(‹secret›)")
    }
}

sql!(
    CREDENTIALS,
    "SELECT password, totp, totp_step FROM staff WHERE id = $1 AND password IS NOT NULL AND totp IS NOT NULL"
);

/// A person's means of signing in, if they have any.
pub fn credentials(tx: &mut ReadTx<'_>, keys: &Keyring, id: StaffId) -> Result<Option<Credentials>, StoreError> {
    tx.one(CREDENTIALS, args![id.bytes()], |row| {
        Ok(Credentials {
            password: keys.open(PASSWORD, id.bytes(), row.bytes(0)?)?,
            totp: keys.open(TOTP, id.bytes(), row.bytes(1)?)?,
            totp_step: row.int(2)?,
        })
    })
}

sql!(
    SET_UP,
    "UPDATE staff SET name = $2, password = $3, totp = $4, totp_step = $5, totp_new = NULL WHERE id = $1"
);

/// Writes a person's name and means of signing in.
pub fn set_up(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    id: StaffId,
    name: &str,
    credentials: &Credentials,
) -> Result<(), StoreError> {
    let name = keys.seal(NAME, id.bytes(), name);
    let password = keys.seal(PASSWORD, id.bytes(), &credentials.password);
    let totp = keys.seal(TOTP, id.bytes(), &credentials.totp);
    let row = args![
        id.bytes(),
        name.as_slice(),
        password.as_slice(),
        totp.as_slice(),
        credentials.totp_step
    ];
    tx.exec_one(SET_UP, row)
}

sql!(
    CLEAR,
    "UPDATE staff SET password = NULL, totp = NULL, totp_new = NULL, codes_shown = NULL WHERE id = $1"
);

/// Takes a person's means of signing in away, recovery codes included.
pub fn clear(tx: &mut WriteTx<'_>, id: StaffId) -> Result<(), StoreError> {
    tx.exec_one(CLEAR, args![id.bytes()])?;
    tx.exec(CLEAR_CODES, args![id.bytes()]).map(|_| ())
}

sql!(SET_PASSWORD, "UPDATE staff SET password = $2 WHERE id = $1");

/// Writes a new password.
pub fn set_password(tx: &mut WriteTx<'_>, keys: &Keyring, id: StaffId, phc: &str) -> Result<(), StoreError> {
    let sealed = keys.seal(PASSWORD, id.bytes(), phc);
    tx.exec_one(SET_PASSWORD, args![id.bytes(), sealed.as_slice()])
}

sql!(
    USE_STEP,
    "UPDATE staff SET totp_step = $2 WHERE id = $1 AND totp_step < $2"
);

/// Uses the code of a step up; false where that step or a later one was used before.
pub fn use_step(tx: &mut WriteTx<'_>, id: StaffId, step: i64) -> Result<bool, StoreError> {
    Ok(tx.exec(USE_STEP, args![id.bytes(), step])? == 1)
}

sql!(SET_NEW_TOTP, "UPDATE staff SET totp_new = $2 WHERE id = $1");

/// Keeps a new secret of one-time codes until its first code confirms it.
pub fn begin_totp(tx: &mut WriteTx<'_>, keys: &Keyring, id: StaffId, secret: &str) -> Result<(), StoreError> {
    let sealed = keys.seal(TOTP_NEW, id.bytes(), secret);
    tx.exec_one(SET_NEW_TOTP, args![id.bytes(), sealed.as_slice()])
}

sql!(
    NEW_TOTP,
    "SELECT totp_new FROM staff WHERE id = $1 AND totp_new IS NOT NULL"
);

/// The new secret that waits for its first code.
pub fn new_totp(tx: &mut ReadTx<'_>, keys: &Keyring, id: StaffId) -> Result<Option<String>, StoreError> {
    tx.one(NEW_TOTP, args![id.bytes()], |row| {
        keys.open(TOTP_NEW, id.bytes(), row.bytes(0)?)
    })
}

sql!(
    SET_TOTP,
    "UPDATE staff SET totp = $2, totp_step = $3, totp_new = NULL WHERE id = $1"
);

/// Puts a new secret of one-time codes to use.
pub fn set_totp(tx: &mut WriteTx<'_>, keys: &Keyring, id: StaffId, secret: &str, step: i64) -> Result<(), StoreError> {
    let sealed = keys.seal(TOTP, id.bytes(), secret);
    tx.exec_one(SET_TOTP, args![id.bytes(), sealed.as_slice(), step])
}

fn code_index(keys: &Keyring, id: StaffId, code: &str) -> [u8; 16] {
    keys.index_of(CODE_INDEX, &[id.bytes(), code.as_bytes()].concat())
}

sql!(CLEAR_CODES, "DELETE FROM recovery_codes WHERE staff_id = $1");
sql!(ADD_CODE, "INSERT INTO recovery_codes (staff_id, code) VALUES ($1, $2)");
sql!(SHOW_CODES, "UPDATE staff SET codes_shown = $2 WHERE id = $1");

/// Replaces a person's recovery codes; their words stay readable until [`hide_codes`].
pub fn put_codes(tx: &mut WriteTx<'_>, keys: &Keyring, id: StaffId, codes: &[String]) -> Result<(), StoreError> {
    tx.exec(CLEAR_CODES, args![id.bytes()])?;
    for code in codes {
        tx.exec(ADD_CODE, args![id.bytes(), &code_index(keys, id, code)])?;
    }
    let sealed = keys.seal(CODES_SHOWN, id.bytes(), &codes.join(" "));
    tx.exec_one(SHOW_CODES, args![id.bytes(), sealed.as_slice()])
}

sql!(
    SHOWN_CODES,
    "SELECT codes_shown FROM staff WHERE id = $1 AND codes_shown IS NOT NULL"
);

/// Recovery codes that their owner has not put away yet.
pub fn shown_codes(tx: &mut ReadTx<'_>, keys: &Keyring, id: StaffId) -> Result<Vec<String>, StoreError> {
    let words = tx.one(SHOWN_CODES, args![id.bytes()], |row| {
        keys.open(CODES_SHOWN, id.bytes(), row.bytes(0)?)
    })?;
    Ok(words
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

sql!(HIDE_CODES, "UPDATE staff SET codes_shown = NULL WHERE id = $1");

/// Forgets the words of the recovery codes; their hashes stay.
pub fn hide_codes(tx: &mut WriteTx<'_>, id: StaffId) -> Result<(), StoreError> {
    tx.exec_one(HIDE_CODES, args![id.bytes()])
}

sql!(USE_CODE, "DELETE FROM recovery_codes WHERE staff_id = $1 AND code = $2");

/// Uses a recovery code up; false where there is none like it.
pub fn use_code(tx: &mut WriteTx<'_>, keys: &Keyring, id: StaffId, code: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(USE_CODE, args![id.bytes(), &code_index(keys, id, code)])? == 1)
}

sql!(COUNT_CODES, "SELECT COUNT(*) FROM recovery_codes WHERE staff_id = $1");

/// Recovery codes that are left.
pub fn count_codes(tx: &mut ReadTx<'_>, id: StaffId) -> Result<i64, StoreError> {
    Ok(tx
        .one(COUNT_CODES, args![id.bytes()], |row| row.int(0))?
        .unwrap_or_default())
}

/// What an invitation gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// A place at a tenant.
    Place(Scope, Role),
    /// The installation, as its operator.
    Operator,
    /// New means of signing in for somebody who is known.
    NewCredentials,
}

impl Offer {
    /// Whose data the offer is about; none for the installation.
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Offer::Place(scope, _) => Some(*scope),
            Offer::Operator | Offer::NewCredentials => None,
        }
    }

    const fn role(&self) -> Option<&'static str> {
        match self {
            Offer::Place(_, role) => Some(role.code()),
            Offer::Operator => Some(Role::Operator.code()),
            Offer::NewCredentials => None,
        }
    }

    fn read(tenant: Option<TenantId>, role: Option<&str>) -> Option<Offer> {
        match (tenant, role) {
            (Some(tenant), Some(role)) => Some(Offer::Place(Scope::of(tenant), Role::from_code(role)?)),
            (None, Some(_)) => Some(Offer::Operator),
            (None, None) => Some(Offer::NewCredentials),
            (Some(_), None) => None,
        }
    }
}

/// An invitation as stored. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Identifier.
    pub id: InvitationId,
    /// What it gives.
    pub offer: Offer,
    /// To whom.
    pub mail: String,
    /// Until when.
    pub expires: Timestamp,
    /// What was filled in so far, as its maker wrote it.
    pub draft: Option<String>,
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation")
            .field("id", &self.id)
            .field("offer", &self.offer)
            .finish_non_exhaustive()
    }
}

fn invitation(row: &Row<'_>, keys: &Keyring) -> Result<Invitation, StoreError> {
    let id = row.id(0, InvitationId::from_bytes)?;
    let tenant = row.bytes_opt(1)?.and_then(TenantId::from_bytes);
    let open = |column, place| {
        let sealed = row.bytes_opt(column)?;
        sealed.map(|sealed| keys.open(place, id.bytes(), sealed)).transpose()
    };
    Ok(Invitation {
        id,
        offer: Offer::read(tenant, row.text_opt(2)?).ok_or_else(|| StoreError::corrupt("a known offer", 2))?,
        mail: open(3, INVITED)?.unwrap_or_default(),
        expires: row.instant(4)?,
        draft: open(5, DRAFT)?,
    })
}

sql!(
    INVITE,
    "INSERT INTO invitations (id, tenant_id, role, mail, mail_index, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"
);
sql!(
    SUPERSEDE,
    "DELETE FROM invitations WHERE mail_index = $1 AND tenant_id IS NOT DISTINCT FROM $2"
);
sql!(FORGET, "DELETE FROM invitations WHERE expires_at < $1");

/// Withdraws a person's invitations to a tenant, or those of no tenant.
pub fn withdraw(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    mail: &StaffMail,
    scope: Option<Scope>,
) -> Result<(), StoreError> {
    let tenant = scope.as_ref().map(Scope::bytes);
    tx.exec(SUPERSEDE, args![&mail_index(keys, mail), tenant]).map(|_| ())
}

sql!(WITHDRAW_ALL, "DELETE FROM invitations WHERE mail_index = $1");

/// Withdraws every invitation to a person.
pub fn withdraw_all(tx: &mut WriteTx<'_>, keys: &Keyring, mail: &StaffMail) -> Result<(), StoreError> {
    tx.exec(WITHDRAW_ALL, args![&mail_index(keys, mail)]).map(|_| ())
}

/// Writes an invitation; earlier ones to the same person for the same tenant are withdrawn, old ones are forgotten.
pub fn invite(
    tx: &mut WriteTx<'_>,
    keys: &Keyring,
    id: InvitationId,
    offer: Offer,
    mail: &StaffMail,
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(FORGET, args![now.as_millisecond()])?;
    let index = mail_index(keys, mail);
    let scope = offer.scope();
    withdraw(tx, keys, mail, scope)?;
    let tenant = scope.as_ref().map(Scope::bytes);
    let sealed = keys.seal(INVITED, id.bytes(), mail.as_str());
    let row = args![
        id.bytes(),
        tenant,
        offer.role(),
        sealed.as_slice(),
        &index,
        expires.as_millisecond()
    ];
    tx.exec(INVITE, row).map(|_| ())
}

sql!(
    INVITATION,
    "SELECT id, tenant_id, role, mail, expires_at, draft FROM invitations WHERE id = $1 AND expires_at > $2"
);

/// An invitation that is still good.
pub fn invitation_by_id(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    id: InvitationId,
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    tx.one(INVITATION, args![id.bytes(), now.as_millisecond()], |row| {
        invitation(row, keys)
    })
}

sql!(
    INVITATIONS,
    "SELECT id, tenant_id, role, mail, expires_at, draft FROM invitations
              WHERE tenant_id = $1 AND expires_at > $2 ORDER BY expires_at, id LIMIT $3"
);

/// Invitations of a tenant that are still good, the one that ends first first.
pub fn invitations(
    tx: &mut ReadTx<'_>,
    keys: &Keyring,
    scope: Scope,
    now: Timestamp,
) -> Result<Vec<Invitation>, StoreError> {
    let args = args![scope.bytes(), now.as_millisecond(), INVITATIONS_MAX];
    tx.all(INVITATIONS, args, |row| invitation(row, keys))
}

sql!(SET_DRAFT, "UPDATE invitations SET draft = $2 WHERE id = $1");

/// Keeps what was filled in so far.
pub fn set_draft(tx: &mut WriteTx<'_>, keys: &Keyring, id: InvitationId, words: &str) -> Result<(), StoreError> {
    let sealed = keys.seal(DRAFT, id.bytes(), words);
    tx.exec_one(SET_DRAFT, args![id.bytes(), sealed.as_slice()])
}

sql!(SPEND, "DELETE FROM invitations WHERE id = $1");

/// Uses an invitation up, or withdraws it; false where it was used before.
pub fn spend(tx: &mut WriteTx<'_>, id: InvitationId) -> Result<bool, StoreError> {
    Ok(tx.exec(SPEND, args![id.bytes()])? == 1)
}
