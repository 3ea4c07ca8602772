//! Rich menus of a channel: what was made, which picture it has, who sees which.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::model::Menu;
use crate::state::UserId;

/// How long the progress of a batch and its key are known (LINE: "Replace or unlink the linked rich menus in batches").
const BATCH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 14);

/// A rich menu.
#[derive(Debug)]
pub(crate) struct RichMenu {
    /// As it was made: size, selected, name, chatBarText, areas.
    pub(crate) request: Map<String, Value>,
    /// The media type and the bytes.
    pub(crate) picture: Option<(&'static str, Vec<u8>)>,
}

/// A change of many users' menus, which LINE carries out some time later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// These users see a menu of their own, or none.
    Users(Vec<UserId>, Option<String>),
    /// Whoever saw the first of a pair as their own sees the second, or none.
    Replace(Vec<(String, Option<String>)>),
    /// Nobody sees a menu of their own.
    UnlinkAll,
}

/// A batch with its progress.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) change: Change,
    pub(crate) resume_key: Option<String>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) completed_at: Timestamp,
}

/// All menus of a channel.
#[derive(Debug, Default)]
pub(crate) struct Menus {
    pub(crate) made: BTreeMap<String, RichMenu>,
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) default: Option<String>,
    links: BTreeMap<UserId, String>,
    /// Changes that were accepted, with the instants at which they show.
    waiting: Vec<(Timestamp, Change)>,
    /// By the id of their request.
    pub(crate) batches: HashMap<String, Batch>,
    /// How long accepted changes of many users take to show.
    pub(crate) delay: SignedDuration,
}

impl Menus {
    /// The menu of a user's own.
    pub(crate) fn own(&mut self, user: UserId, now: Timestamp) -> Option<&str> {
        self.settle(now);
        let menu = self.links.get(&user)?;
        self.made.contains_key(menu).then_some(menu)
    }

    /// The menu that a user sees: their own, or else the channel's.
    pub(crate) fn seen(&mut self, user: UserId, now: Timestamp) -> Option<String> {
        let own = self.own(user, now).map(str::to_owned);
        own.or_else(|| self.default.clone())
    }

    /// Gives users a menu of their own, or none, at once.
    pub(crate) fn link(&mut self, user: UserId, menu: Option<String>, now: Timestamp) {
        self.settle(now);
        self.apply(Change::Users(vec![user], menu));
    }

    /// Gives a user the menu of an alias, as a tap does, and says what became of it in LINE's words.
    pub(crate) fn switch(&mut self, user: UserId, alias: &str, now: Timestamp) -> &'static str {
        let Some(menu) = self.aliases.get(alias).cloned() else {
            return "RICHMENU_ALIAS_ID_NOTFOUND";
        };
        if !self.made.contains_key(&menu) {
            return "RICHMENU_NOTFOUND";
        }
        self.link(user, Some(menu), now);
        "SUCCESS"
    }

    /// Accepts a change of many users; gives when it shows.
    pub(crate) fn accept(&mut self, change: Change, now: Timestamp) -> Timestamp {
        let at = now.saturating_add(self.delay).unwrap_or(now);
        self.waiting.push((at, change));
        self.settle(now);
        at
    }

    /// Takes a menu away from everybody.
    pub(crate) fn delete(&mut self, menu: &str) -> bool {
        if self.default.as_deref() == Some(menu) {
            self.default = None;
        }
        self.links.retain(|_, linked| linked != menu);
        self.made.remove(menu).is_some()
    }

    /// Forgets batches that are too old to ask for.
    pub(crate) fn forget_batches(&mut self, now: Timestamp) {
        self.batches
            .retain(|_, batch| now.duration_since(batch.accepted_at) < BATCH_LIFE);
    }

    /// What there is, in the order of the ids.
    pub(crate) fn list(&mut self, now: Timestamp) -> Vec<Menu> {
        self.settle(now);
        let text = |menu: &RichMenu, name: &str| menu.request.get(name).and_then(Value::as_str).map(str::to_owned);
        let side = |menu: &RichMenu, name: &str| menu.request.get("size")?.get(name)?.as_u64();
        self.made
            .iter()
            .map(|(id, menu)| Menu {
                id: id.clone(),
                name: text(menu, "name").unwrap_or_default(),
                chat_bar_text: text(menu, "chatBarText").unwrap_or_default(),
                width: side(menu, "width").unwrap_or_default(),
                height: side(menu, "height").unwrap_or_default(),
                areas: menu.request.get("areas").cloned().unwrap_or_default(),
                picture: menu.picture.as_ref().map(|(kind, _)| (*kind).to_owned()),
                is_default: self.default.as_deref() == Some(id),
                linked_users: self.links.values().filter(|linked| *linked == id).count() as u64,
            })
            .collect()
    }

    /// Carries out the changes whose time has come, in the order in which they were accepted.
    fn settle(&mut self, now: Timestamp) {
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.waiting = waiting;
        for (_, change) in due {
            self.apply(change);
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Users(users, Some(menu)) => {
                self.links.extend(users.into_iter().map(|user| (user, menu.clone())));
            }
            Change::Users(users, None) => self.links.retain(|user, _| !users.contains(user)),
            Change::Replace(pairs) => {
                let pairs: HashMap<String, Option<String>> = pairs.into_iter().collect();
                self.links.retain(|_, menu| match pairs.get(menu) {
                    None => true,
                    Some(None) => false,
                    Some(Some(to)) => {
                        menu.clone_from(to);
                        true
                    }
                });
            }
            Change::UnlinkAll => self.links.clear(),
        }
    }
}
