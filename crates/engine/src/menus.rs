//! Rich menus at LINE: brings what LINE has to what staff asked for, and every reader to the menu of their stage.
//!
//! A reconciler: it looks at what LINE has, does what is missing, and may be broken off anywhere and begun again. A menu
//! is known by its name, which is equal where the menu is equal; old ones go last, when nobody sees them any more.
//! It waits for LINE's rates (a hundred menus an hour), so that no page calls it: the service and the command line do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use kizuna_channels::line::{self, CallError, Client, Mode, RECIPIENTS_MAX, RichMenu};
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::menu::{Destinations, LineMenu, Menu, MenuDocument, MenuProblem, MenuStage};
use kizuna_paper::menu::{DrawError, Picture, draw, svg};
use kizuna_store::menus::{self, Ending, Linkable, Publication, Shown};
use kizuna_store::tenants::{self, Account, Tenant};
use kizuna_store::{ReadTx, StoreError};

use crate::env::{Env, channel_account};
use crate::error::EngineError;
use crate::run::TenantFailure;
use crate::{line_check, witness};

/// How long one worker holds a tenant's menus without a sign of life: LINE's rate of a hundred menus an hour means waits
/// of 37 seconds, and a call is repeated for up to 75.
const LEASE: SignedDuration = SignedDuration::from_mins(5);
/// A try that failed is repeated after this long, and readers whose stage changed are looked for at most this often.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(5);
/// Addresses read at a time: two bulk links.
const PAGE: usize = 2 * RECIPIENTS_MAX;

/// What keeps a menu from being shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MenuFault {
    /// A rule.
    Rule(MenuProblem),
    /// It cannot be drawn.
    Drawing(DrawError),
}

impl MenuFault {
    /// The fault in plain Japanese, with what to do about it.
    pub fn ja(&self) -> String {
        match self {
            MenuFault::Rule(problem) => problem.ja(),
            MenuFault::Drawing(error) => error.ja(),
        }
    }
}

/// The menu and its preview, or everything that keeps it from being shown.
pub fn check(document: &MenuDocument) -> Result<(Menu, String), Vec<MenuFault>> {
    let menu = document.clone().check();
    let menu = menu.map_err(|problems| problems.into_iter().map(MenuFault::Rule).collect::<Vec<_>>())?;
    match svg(&menu) {
        Ok(svg) => Ok((menu, svg)),
        Err(error) => Err(vec![MenuFault::Drawing(error)]),
    }
}

/// A stage's menu as staff see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// What staff are making: their draft, or the ready menu until there is one.
    pub draft: MenuDocument,
    /// True where LINE shows, or was asked to show, something else than the draft.
    pub changed: bool,
    /// What LINE shows.
    pub shown: Option<Shown>,
}

/// A tenant's menus with how far the last request to show them has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// One menu for each stage, in the order of the stages.
    pub menus: Vec<Desired>,
    /// The last request; `None` before the first.
    pub publication: Option<Publication>,
}

impl State {
    /// The menu of a stage.
    pub fn of(&self, stage: MenuStage) -> Option<&Desired> {
        self.menus.iter().find(|menu| menu.draft.stage == stage)
    }
}

/// The tenant's menus as they are.
pub fn state(tx: &mut ReadTx<'_>, tenant: &Tenant) -> Result<State, StoreError> {
    let kept = menus::all(tx, tenant.scope())?;
    let publication = menus::publication(tx, tenant.scope())?;
    let menus = MenuStage::ALL.iter().map(|stage| {
        let kept = kept.iter().find(|kept| kept.stage == *stage);
        let draft = kept.map_or_else(|| Menu::ready(*stage).document().clone(), |kept| kept.draft.clone());
        let wanted = kept.and_then(|kept| kept.wanted.as_ref());
        Desired {
            changed: wanted != Some(&draft),
            shown: kept.and_then(|kept| kept.shown.clone()),
            draft,
        }
    });
    Ok(State {
        menus: menus.collect(),
        publication,
    })
}

/// The tenant's LINE account.
pub fn account(env: &Env, tenant: &Tenant) -> Result<Option<Account>, EngineError> {
    Ok(env
        .db
        .read(|tx| tenants::account(tx, &env.keys, tenant.scope(), line::KIND.0))?)
}

/// A client of the tenant's account, whoever owns its menus.
pub(crate) fn client(env: &Env, tenant: &Tenant) -> Result<Client, EngineError> {
    let account = account(env, tenant)?.ok_or_else(|| EngineError::NoAccount(line::KIND.0.to_owned()))?;
    Client::new(&channel_account(&account), &env.net).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(|p| format!("{} {}", p.setting, p.en)).collect();
        EngineError::Rule(problems.join(" "))
    })
}

/// One look of the service: the menus of every tenant that has something to do. One tenant's trouble stops nobody else.
pub fn tick(env: &Env) -> Result<Vec<TenantFailure>, EngineError> {
    witness::may_send(env)?;
    let now = env.clock.now();
    let due = env.db.read(|tx| menus::due(tx, now, now - AGAIN_AFTER))?;
    let mut failures = Vec::new();
    for id in due {
        if env.stop.is_pressed() {
            break;
        }
        let Some(tenant) = env.db.read(|tx| tenants::by_id(tx, kizuna_store::Scope::of(id)))? else {
            continue;
        };
        if let Err(error) = publish(env, &tenant) {
            failures.push(TenantFailure {
                tenant: tenant.code,
                error,
            });
        }
    }
    Ok(failures)
}

/// What one call of [`publish`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// All menus are shown, and so many readers were given another one.
    Done {
        /// Readers whose menu changed.
        linked: u64,
    },
    /// Nobody asked to show menus yet.
    NotAsked,
    /// Another worker is at it.
    Busy,
}

/// Does whatever of the tenant's last request is left, and gives readers whose stage changed their menu.
///
/// What went wrong is kept for the page, too.
pub fn publish(env: &Env, tenant: &Tenant) -> Result<Published, EngineError> {
    witness::may_send(env)?;
    let scope = tenant.scope();
    let now = env.clock.now();
    let Some(publication) = env.db.read(|tx| menus::publication(tx, scope))? else {
        return Ok(Published::NotAsked);
    };
    let Some(token) = env.write(|tx| menus::claim(tx, scope, now, now + LEASE))? else {
        return Ok(Published::Busy);
    };
    let hold = Hold { env, tenant, token };
    let result = client(env, tenant).and_then(|client| Work { hold: &hold, client }.all(&publication));
    let asked_at = publication.asked_at;
    let ended = env.clock.now();
    match &result {
        Ok((_, version)) => {
            let ending = Ending::Done { version: *version };
            env.write(|tx| menus::settle(tx, scope, token, asked_at, ended, ending))?;
        }
        Err(error) => {
            let problem = line_check::trouble(error);
            let ending = Ending::Left { problem: &problem };
            env.write(|tx| menus::settle(tx, scope, token, asked_at, ended, ending))?;
        }
    }
    result.map(|(linked, _)| Published::Done { linked })
}

/// Shows one reader the menu of their stage at once: after a registration, a birth or a stop.
///
/// False where there is nothing to show: the reader has no LINE, the menus are not ours or not shown yet.
pub fn link_reader(env: &Env, tenant: &Tenant, subscriber: SubscriberId) -> Result<bool, EngineError> {
    let scope = tenant.scope();
    let (kept, reader) = env.db.read(|tx| {
        let reader = menus::linkable_of(tx, scope, line::KIND.0, subscriber)?;
        Ok((menus::all(tx, scope)?, reader))
    })?;
    let Some(reader) = reader else {
        return Ok(false);
    };
    let stage = MenuStage::of(&reader.anchors);
    let shown = kept
        .into_iter()
        .find(|kept| kept.stage == stage)
        .and_then(|kept| kept.shown);
    let Some(shown) = shown else {
        return Ok(false);
    };
    witness::may_send(env)?;
    let client = client(env, tenant)?;
    if client.mode() == Mode::Guest {
        return Ok(false);
    }
    client.hurried().link_menu(&reader.address(&env.keys)?, &shown.id)?;
    env.write(|tx| menus::note_given(tx, scope, reader.point, &shown.id))?;
    Ok(true)
}

/// One worker's hold on a tenant's menus.
struct Hold<'a> {
    env: &'a Env,
    tenant: &'a Tenant,
    token: i64,
}

impl Hold<'_> {
    /// Holds on, or fails where another worker took over or the program is to end: asked before every call to LINE.
    fn on(&self) -> Result<(), EngineError> {
        let until = self.env.clock.now() + LEASE;
        let scope = self.tenant.scope();
        let holds = self.env.write(|tx| menus::renew(tx, scope, self.token, until))?;
        if holds && !self.env.stop.is_pressed() {
            Ok(())
        } else {
            Err(EngineError::Rule("another worker goes on with the menus".to_owned()))
        }
    }
}

/// What one hold does.
struct Work<'a> {
    hold: &'a Hold<'a>,
    client: Client,
}

/// The alias of a stage's menu, by which buttons of other menus could name it.
fn alias(stage: MenuStage) -> String {
    format!("kizuna-{}", stage.code())
}

/// True for a name that [`Menu::line_named`] gives: `kizuna-child-` and 16 digits. Others' menus are never touched.
fn is_ours(name: &str) -> bool {
    MenuStage::ALL.iter().any(|stage| {
        let digits = name
            .strip_prefix("kizuna-")
            .and_then(|rest| rest.strip_prefix(stage.code()));
        let digits = digits.and_then(|rest| rest.strip_prefix('-'));
        digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

impl Work<'_> {
    /// Everything that is left; gives how many readers changed their menu, and the tenant's version that this holds for.
    fn all(&self, publication: &Publication) -> Result<(u64, i64), EngineError> {
        if self.client.mode() == Mode::Guest {
            return Err(EngineError::Rule(
                "the account's menus belong to another vendor; give them the pictures of the guest page".to_owned(),
            ));
        }
        let (env, scope) = (self.hold.env, self.hold.tenant.scope());
        // Read first: whoever changes from here on is looked at once more.
        let version = env.db.read(|tx| tenants::version(tx, scope))?;
        let kept = env.db.read(|tx| menus::all(tx, scope))?;
        let mut current: BTreeMap<MenuStage, String> = kept
            .iter()
            .filter_map(|kept| Some((kept.stage, kept.shown.as_ref()?.id.clone())))
            .collect();
        if publication.done_at.is_none() {
            let at_line = self.menus()?;
            for kept in &kept {
                let (Some(wanted), before) = (&kept.wanted, &kept.shown) else {
                    continue;
                };
                let id = self.menu(wanted, before.as_ref(), &at_line)?;
                current.insert(kept.stage, id);
            }
            for (stage, id) in &current {
                self.hold.on()?;
                self.client.put_alias(&alias(*stage), id)?;
            }
            // Who has no menu of their own has not registered.
            if let Some(start) = current.get(&MenuStage::Start) {
                self.hold.on()?;
                self.client.default_menu(Some(start))?;
            }
        }
        let linked = self.link(&current)?;
        if publication.done_at.is_none() {
            self.clear(&current)?;
        }
        Ok((linked, version))
    }

    fn menus(&self) -> Result<Vec<RichMenu>, EngineError> {
        self.hold.on()?;
        Ok(self.client.menus()?)
    }

    /// The id of this menu at LINE, made where it is not there, with its picture.
    fn menu(&self, wanted: &MenuDocument, before: Option<&Shown>, at_line: &[RichMenu]) -> Result<String, EngineError> {
        let (line, picture) = form(wanted)?;
        let known = at_line.iter().filter(|menu| menu.name == line.name);
        let ids: Vec<&str> = known.map(|menu| menu.rich_menu_id.as_str()).collect();
        let noted = before.filter(|shown| shown.digest == line.name && ids.contains(&shown.id.as_str()));
        if let Some(shown) = noted {
            return Ok(shown.id.clone());
        }
        // Made by a try that broke off before it was noted: it may lack its picture. LINE refuses a second one, and such
        // a menu is made anew; the one before goes with the old ones.
        let begun = match ids.first() {
            Some(id) => self.gets_picture(id, &picture)?.then(|| (*id).to_owned()),
            None => None,
        };
        let id = match begun {
            Some(id) => id,
            None => self.make(&line, &picture)?,
        };
        let shown = Shown {
            id: id.clone(),
            digest: line.name,
            at: self.hold.env.clock.now(),
        };
        let scope = self.hold.tenant.scope();
        self.hold
            .env
            .write(|tx| menus::note_shown(tx, scope, wanted.stage, &shown))?;
        Ok(id)
    }

    fn make(&self, line: &LineMenu, picture: &Picture) -> Result<String, EngineError> {
        let form = serde_json::to_value(line).map_err(|error| EngineError::Rule(error.to_string()))?;
        self.hold.on()?;
        let id = self.client.create_menu(&form)?;
        self.hold.on()?;
        self.client.menu_image(&id, &picture.png)?;
        Ok(id)
    }

    /// Gives a menu its picture; false where LINE refuses it.
    fn gets_picture(&self, id: &str, picture: &Picture) -> Result<bool, EngineError> {
        self.hold.on()?;
        match self.client.menu_image(id, &picture.png) {
            Ok(()) => Ok(true),
            Err(CallError::Invalid { .. } | CallError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives every reader who has another one the menu of their stage; says how many.
    fn link(&self, current: &BTreeMap<MenuStage, String>) -> Result<u64, EngineError> {
        let (env, scope) = (self.hold.env, self.hold.tenant.scope());
        let (mut linked, mut after): (u64, Option<Linkable>) = (0, None);
        loop {
            let page = env
                .db
                .read(|tx| menus::linkable(tx, scope, line::KIND.0, after.as_ref(), PAGE))?;
            let mut wanted: BTreeMap<&str, Vec<&Linkable>> = BTreeMap::new();
            for reader in &page {
                let menu = current.get(&MenuStage::of(&reader.anchors));
                if let Some(menu) = menu.filter(|menu| reader.given.as_ref() != Some(menu)) {
                    wanted.entry(menu).or_default().push(reader);
                }
            }
            for (menu, readers) in wanted {
                for some in readers.chunks(RECIPIENTS_MAX) {
                    self.give(menu, some)?;
                    linked += some.len() as u64;
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.clone()),
                _ => return Ok(linked),
            }
        }
    }

    /// Gives these readers a menu; whom LINE does not know is left out and not asked about again.
    fn give(&self, menu: &str, readers: &[&Linkable]) -> Result<(), EngineError> {
        let (env, scope) = (self.hold.env, self.hold.tenant.scope());
        let users: Vec<String> = readers
            .iter()
            .map(|reader| reader.address(&env.keys))
            .collect::<Result<_, _>>()?;
        let mut left: Vec<&str> = users.iter().map(String::as_str).collect();
        while !left.is_empty() {
            self.hold.on()?;
            match self.client.link_menus(&left, menu) {
                Err(CallError::Invalid { recipients, .. }) if recipients.iter().any(|place| *place < left.len()) => {
                    let unknown: BTreeSet<usize> = recipients.into_iter().collect();
                    let known = left.iter().enumerate().filter(|(place, _)| !unknown.contains(place));
                    left = known.map(|(_, user)| *user).collect();
                }
                result => {
                    result?;
                    break;
                }
            }
        }
        env.write(|tx| {
            readers
                .iter()
                .try_for_each(|reader| menus::note_given(tx, scope, reader.point, menu))
        })?;
        Ok(())
    }

    /// Takes away our menus that nobody sees any more.
    fn clear(&self, current: &BTreeMap<MenuStage, String>) -> Result<(), EngineError> {
        let kept: BTreeSet<&str> = current.values().map(String::as_str).collect();
        for menu in self.menus()? {
            if is_ours(&menu.name) && !kept.contains(menu.rich_menu_id.as_str()) {
                self.hold.on()?;
                self.client.delete_menu(&menu.rich_menu_id)?;
            }
        }
        Ok(())
    }
}

/// A menu as LINE takes it, with its picture.
fn form(wanted: &MenuDocument) -> Result<(LineMenu, Picture), EngineError> {
    let broken = |words: String| EngineError::Rule(words);
    let menu = wanted.clone().check().map_err(|problems| {
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        broken(words.join("; "))
    })?;
    let picture = draw(&menu).map_err(|error| broken(error.to_string()))?;
    let line = menu
        .line_named(picture.size, &picture.png, &Destinations::Webhook)
        .map_err(|error| broken(error.to_string()))?;
    Ok((line, picture))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_making_are_ours() {
        for name in ["kizuna-start-0123456789abcdef", "kizuna-child-00000000000000ff"] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "kizuna",
            "kizuna-child",
            "kizuna-child-",
            "kizuna-child-0123",
            "kizuna-other-0123456789abcdef",
            "kizuna-child-0123456789abcdeg",
            "市のメニュー",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
