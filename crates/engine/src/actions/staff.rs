//! Who works for a tenant and as what: invitations, roles, removal. A tenant always keeps an administrator.

use jiff::Timestamp;
use kizuna_domain::ids::{InvitationId, StaffId};
use kizuna_domain::password::PasswordProblem;
use kizuna_domain::staff::{INVITATION_LIFE, NAME_CHARS_MAX, NotAMail, Role, StaffMail};
use kizuna_store::staff::{self, INVITATIONS_MAX, Offer, Staff};
use kizuna_store::{Scope, StoreError, WriteTx, sessions};

use super::{Actor, Note};
use crate::env::Env;
use crate::error::EngineError;
use crate::links;

/// Why something about staff cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StaffProblem {
    /// Not an e-mail address.
    #[error(transparent)]
    Mail(#[from] NotAMail),
    /// No name, or too long a one.
    #[error("write a name of at most {NAME_CHARS_MAX} characters")]
    Name,
    /// A password that is easily guessed.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// The present password is another one.
    #[error("this is not the present password")]
    WrongPassword,
    /// The one-time code is wrong, late or was used.
    #[error("the code is wrong, late, or was used before")]
    WrongCode,
    /// Too many wrong tries.
    #[error("too many wrong tries; wait {0} seconds")]
    Wait(i64),
    /// The invitation was used, withdrawn or is too old.
    #[error("this invitation was used, withdrawn, or is older than three days")]
    Gone,
    /// The invitation is for somebody who signs in already.
    #[error("somebody with this address signs in already; sign in to accept the invitation")]
    SignsInAlready,
    /// The invitation is for somebody else.
    #[error("this invitation is for somebody else")]
    SomebodyElse,
    /// The person works here already.
    #[error("this person works here already")]
    Member,
    /// Nobody has this address, or works here.
    #[error("nobody with this address is known here")]
    Unknown,
    /// A tenant keeps at least one administrator.
    #[error("the last administrator stays; make somebody else administrator first")]
    LastAdministrator,
    /// This role is not a tenant's to give.
    #[error("a tenant cannot give this role")]
    Role,
    /// Too many invitations are open.
    #[error("{INVITATIONS_MAX} invitations are open; withdraw some")]
    Full,
}

impl StaffProblem {
    /// What happened and what to do.
    pub fn ja(self) -> String {
        match self {
            StaffProblem::Mail(_) => "メールアドレスを hanako@example.jp のように入れてください。".to_owned(),
            StaffProblem::Name => format!("名前を入れてください（{NAME_CHARS_MAX}文字まで）。"),
            StaffProblem::Password(problem) => problem.ja(),
            StaffProblem::WrongPassword => "いまのパスワードがちがいます。もう一度入れてください。".to_owned(),
            StaffProblem::WrongCode => {
                "コードがちがうか、もう使ったコードです。アプリにいま出ている6けたを入れてください。".to_owned()
            }
            StaffProblem::Wait(seconds) => wait_words(seconds),
            StaffProblem::Gone => "この招待は、使いずみか、期限（3日）を過ぎています。".to_owned(),
            StaffProblem::SignsInAlready => {
                "このメールアドレスは、もう登録があります。サインインしてから、招待を受けてください。".to_owned()
            }
            StaffProblem::SomebodyElse => {
                "この招待は、別のメールアドレスの人へのものです。いちどサインアウトして、ひらき直してください。"
                    .to_owned()
            }
            StaffProblem::Member => "この人は、もう入っています。役割は、その人のページで変えられます。".to_owned(),
            StaffProblem::Unknown => "この人は見つかりません。".to_owned(),
            StaffProblem::LastAdministrator => {
                "管理者が1人もいなくなるので、できません。先に、ほかの人を管理者にしてください。".to_owned()
            }
            StaffProblem::Role => "この役割は、ここではえらべません。".to_owned(),
            StaffProblem::Full => {
                format!("返事を待っている招待が{INVITATIONS_MAX}件あります。使わないものを取り消してください。")
            }
        }
    }
}

/// How long to wait, in words.
pub fn wait_words(seconds: i64) -> String {
    let wait = if seconds > 90 {
        format!("約{}分", (seconds + 59) / 60)
    } else {
        format!("約{}秒", seconds.max(1))
    };
    format!("まちがいが続いたので、少し待ってもらっています。{wait}たってから、もう一度ためしてください。")
}

/// An invitation that was written: the token of its link.
#[derive(Clone, PartialEq, Eq)]
pub struct Invited {
    /// Identifier.
    pub id: InvitationId,
    /// The token that opens it.
    pub token: String,
    /// Until when it is good.
    pub expires: Timestamp,
}

/// Invites somebody; an earlier invitation to the same for the same person is withdrawn.
///
/// Where new credentials are offered the present ones end at once, and with them every session.
pub fn invite(env: &Env, actor: Actor, offer: Offer, mail: &str) -> Result<Invited, EngineError> {
    let mail = StaffMail::parse(mail).map_err(StaffProblem::Mail)?;
    if let Offer::Place(_, Role::Operator) = offer {
        return Err(StaffProblem::Role.into());
    }
    let id = InvitationId::new(env.ids.next());
    let (action, detail) = match offer {
        Offer::Place(_, role) => ("staff.invite", format!("role={}", role.code())),
        Offer::Operator => ("staff.invite", format!("role={}", Role::Operator.code())),
        Offer::NewCredentials => ("staff.reset", String::new()),
    };
    let note = Note::new(env, actor, offer.scope(), action);
    let expires = note.at + INVITATION_LIFE;
    env.write(|tx| {
        let known = staff::by_mail(tx, &env.keys, &mail)?;
        match (offer, &known) {
            (Offer::Place(scope, _), known) => {
                if staff::invitations(tx, &env.keys, scope, note.at)?.len() as i64 >= INVITATIONS_MAX {
                    return Ok(Err(StaffProblem::Full));
                }
                if let Some(known) = known
                    && staff::role(tx, scope, known.id)?.is_some()
                {
                    return Ok(Err(StaffProblem::Member));
                }
            }
            (Offer::Operator, Some(known)) if known.is_operator => return Ok(Err(StaffProblem::Member)),
            (Offer::Operator, _) => {}
            (Offer::NewCredentials, None) => return Ok(Err(StaffProblem::Unknown)),
            (Offer::NewCredentials, Some(known)) => {
                staff::clear(tx, known.id)?;
                sessions::end_all(tx, known.id)?;
            }
        }
        staff::invite(tx, &env.keys, id, offer, &mail, note.at, expires)?;
        let subject = match (offer, known) {
            (Offer::NewCredentials, Some(known)) => known.id.to_string(),
            _ => id.to_string(),
        };
        note.write(tx, &subject, &detail)?;
        Ok(Ok(()))
    })??;
    let token = links::invitation_token(&env.keys, id);
    Ok(Invited { id, token, expires })
}

/// Withdraws an invitation of a tenant; one that was used in the meantime stays used.
pub fn withdraw(env: &Env, actor: Actor, scope: Scope, id: InvitationId) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), "staff.withdraw");
    env.write(|tx| {
        let found = staff::invitation_by_id(tx, &env.keys, id, note.at)?;
        if found.is_none_or(|found| found.offer.scope() != Some(scope)) {
            return Ok(Err(StaffProblem::Gone));
        }
        staff::spend(tx, id)?;
        note.write(tx, &id.to_string(), "")?;
        Ok(Ok(()))
    })??;
    Ok(())
}

/// True where a tenant would have no administrator without this person.
fn is_last_administrator(tx: &mut WriteTx<'_>, scope: Scope, id: StaffId) -> Result<bool, StoreError> {
    let administrators = staff::lock_administrators(tx, scope)?;
    let is_one = staff::role(tx, scope, id)? == Some(Role::Administrator);
    Ok(is_one && !administrators.iter().any(|other| *other != id))
}

/// Gives somebody of a tenant another role.
pub fn set_role(env: &Env, actor: Actor, scope: Scope, id: StaffId, role: Role) -> Result<(), EngineError> {
    if role == Role::Operator {
        return Err(StaffProblem::Role.into());
    }
    let note = Note::new(env, actor, Some(scope), "staff.role");
    env.write(|tx| {
        let Some(before) = staff::role(tx, scope, id)? else {
            return Ok(Err(StaffProblem::Unknown));
        };
        if role != Role::Administrator && is_last_administrator(tx, scope, id)? {
            return Ok(Err(StaffProblem::LastAdministrator));
        }
        staff::put_role(tx, scope, id, role, note.at)?;
        let detail = format!("role={} before={}", role.code(), before.code());
        note.write(tx, &id.to_string(), &detail)?;
        Ok(Ok(()))
    })??;
    Ok(())
}

/// Takes somebody's place at a tenant away, from the next page on; open invitations to them end too.
pub fn remove(env: &Env, actor: Actor, scope: Scope, id: StaffId) -> Result<(), EngineError> {
    let note = Note::new(env, actor, Some(scope), "staff.remove");
    env.write(|tx| {
        if is_last_administrator(tx, scope, id)? {
            return Ok(Err(StaffProblem::LastAdministrator));
        }
        let Some(person) = staff::by_id(tx, &env.keys, id)? else {
            return Ok(Err(StaffProblem::Unknown));
        };
        if !staff::remove(tx, scope, id)? {
            return Ok(Err(StaffProblem::Unknown));
        }
        if let Ok(mail) = StaffMail::parse(&person.mail) {
            staff::withdraw(tx, &env.keys, &mail, Some(scope))?;
        }
        note.write(tx, &id.to_string(), "")?;
        Ok(Ok(()))
    })??;
    Ok(())
}

/// Takes everything away from somebody: places, the installation, means of signing in, sessions, invitations.
pub fn close(env: &Env, actor: Actor, mail: &StaffMail) -> Result<(), EngineError> {
    let note = Note::new(env, actor, None, "staff.close");
    env.write(|tx| {
        let Some(person) = staff::by_mail(tx, &env.keys, mail)? else {
            return Ok(Err(StaffProblem::Unknown));
        };
        let places = staff::memberships(tx, person.id)?;
        for place in &places {
            if is_last_administrator(tx, Scope::of(place.tenant), person.id)? {
                return Ok(Err(StaffProblem::LastAdministrator));
            }
        }
        for place in &places {
            staff::remove(tx, Scope::of(place.tenant), person.id)?;
        }
        staff::set_operator(tx, person.id, false)?;
        staff::clear(tx, person.id)?;
        sessions::end_all(tx, person.id)?;
        staff::withdraw_all(tx, &env.keys, mail)?;
        note.write(tx, &person.id.to_string(), "")?;
        Ok(Ok(()))
    })??;
    Ok(())
}

/// An invented member of staff without means of signing in, for the demo; the same one every time.
pub fn add_sample(env: &Env, scope: Scope, name: &str, mail: &StaffMail, role: Role) -> Result<Staff, EngineError> {
    let new = StaffId::new(env.ids.next());
    let note = Note::new(env, Actor::System, Some(scope), "staff.sample");
    let sample = env.write(|tx| {
        if let Some(known) = staff::by_mail(tx, &env.keys, mail)? {
            return Ok(known);
        }
        staff::add(tx, &env.keys, new, mail, name, note.at)?;
        staff::put_role(tx, scope, new, role, note.at)?;
        note.write(tx, &new.to_string(), &format!("role={}", role.code()))?;
        Ok(Staff {
            id: new,
            mail: mail.as_str().to_owned(),
            name: name.to_owned(),
            is_operator: false,
            can_sign_in: false,
        })
    })?;
    Ok(sample)
}
