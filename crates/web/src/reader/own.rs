//! What a reader's own pages share: their addresses, how a child is called, the ways from one page to the next.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::people::Follower;
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::life::{self, Child};
use kizuna_engine::links::{self, Holder};
use kizuna_engine::{menus, run};
use kizuna_store::people;
use kizuna_store::tenants::Tenant;

use super::{Closed, closed, dates};
use crate::Site;
use crate::error::PageError;
use crate::guard::Own;
use crate::language::Language;

/// The address of one of a reader's own pages.
pub(super) fn address(own: &Own, page: &str, language: Language) -> String {
    let (code, token) = (&own.tenant.code, &own.token);
    format!("/{code}/my/{token}/{page}{}", language.query())
}

/// The own pages of somebody who has just proved who they are: their link ends tomorrow.
pub(super) fn for_today(site: &Site, tenant: &Tenant, reader: SubscriberId) -> Result<Own, PageError> {
    let (env, today) = (&site.env, run::today(&site.env, tenant)?);
    let holder = env.db.read(|tx| Holder::of(tx, tenant.scope(), reader))?;
    Ok(Own {
        token: links::fresh_own_token(&env.keys, tenant.id, holder, today),
        tenant: tenant.clone(),
        reader,
    })
}

/// Back to one of a reader's own pages, which says what was done: the word behind `?done=`.
pub(super) fn done(own: &Own, page: &str, language: Language, what: &str) -> Response {
    let (code, token) = (&own.tenant.code, &own.token);
    let query = language.query_and(&format!("done={what}"));
    Redirect::to(&format!("/{code}/my/{token}/{page}{query}")).into_response()
}

/// The address of the page that says what was just changed, without a token.
pub(super) fn changed(tenant: &Tenant, what: &str, language: Language) -> String {
    format!("/{}/changed/{what}{}", tenant.code, language.query())
}

/// What the reader of these pages follows.
pub(super) fn children(site: &Site, own: &Own) -> Result<Vec<Child>, PageError> {
    Ok(life::children(&site.env, &own.tenant, own.reader)?)
}

/// Whom the reader of these pages follows; where that is nobody, the page behind a link that opens nothing.
pub(super) fn followed(site: &Site, own: &Own, language: Language) -> Result<Vec<Follower>, PageError> {
    let (env, tenant) = (&site.env, &own.tenant);
    let found = env
        .db
        .read(|tx| people::of_subscriber(tx, &env.keys, tenant.scope(), own.reader))?;
    if found.is_empty() {
        return Err(over(site, own, language));
    }
    Ok(found)
}

/// Lets only those go on who follow something or saw it end on its last day: after a stop nothing begins here again.
pub(super) fn must_go_on(site: &Site, own: &Own, language: Language) -> Result<(), PageError> {
    if life::is_over(&site.env, &own.tenant, own.reader)? {
        return Err(over(site, own, language));
    }
    Ok(())
}

/// The page behind a link that opens nothing, for whoever stopped or was erased.
pub(super) fn over(site: &Site, own: &Own, language: Language) -> PageError {
    PageError::instead(closed(site, &own.tenant, language, Closed::Gone))
}

/// A child as its reader calls it: by nickname, else by stage, else by the one date.
pub(super) fn name(child: &Follower, tenant: &Tenant, today: Day, language: Language) -> String {
    let stage = dates::stage(&child.anchor, today, tenant.settings.customs, language);
    match (&child.nickname, stage.is_empty(), child.anchor) {
        (Some(nickname), _, _) => nickname.clone(),
        (None, false, _) => stage,
        (None, true, Anchor::Due(day) | Anchor::Birth { on: day, .. }) => dates::day(day, language),
    }
}

/// Lets LINE show the menu of the reader's new stage at once; where that fails, the worker does it within minutes.
pub(super) fn show_menu(site: &Site, tenant: &Tenant, reader: SubscriberId) {
    if let Err(error) = menus::link_reader(&site.env, tenant, reader) {
        tracing::info!(tenant.id = %tenant.id, %error, "a reader's menu is shown later");
    }
}

/// A page that another one leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Birth,
    Date,
    Child,
    Pause,
    Stop,
}

impl Page {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Page::Birth => "birth",
            Page::Date => "date",
            Page::Child => "child",
            Page::Pause => "pause",
            Page::Stop => "stop",
        }
    }
}

/// One row of the list: where to, what it does, one more line.
struct Way {
    href: String,
    name: &'static str,
    more: &'static str,
}

/// The list at the end of an own page: what else can be done.
#[derive(Template)]
#[template(path = "parts/ways.html")]
pub(super) struct Ways {
    title: &'static str,
    ways: Vec<Way>,
}

impl HtmlSafe for Ways {}

impl Ways {
    pub(super) fn new(own: &Own, language: Language, pages: &[Page]) -> Ways {
        let words = language.pick(&JA, &EASY, &EN);
        let ways = pages.iter().map(|page| {
            let (name, more) = match page {
                Page::Birth => words.birth,
                Page::Date => words.date,
                Page::Child => words.child,
                Page::Pause => words.pause,
                Page::Stop => words.stop,
            };
            Way {
                href: address(own, page.path(), language),
                name,
                more,
            }
        });
        Ways {
            title: words.title,
            ways: ways.collect(),
        }
    }
}

/// The softer door: to the page of support, without saying what happened.
#[derive(Template)]
#[template(path = "parts/door.html")]
pub(super) struct SupportDoor {
    href: String,
    title: &'static str,
    text: &'static str,
    link: &'static str,
}

impl HtmlSafe for SupportDoor {}

impl SupportDoor {
    /// From a page of one's own, where the page of support offers a pause and a stop too.
    pub(super) fn of_own(own: &Own, language: Language) -> SupportDoor {
        SupportDoor::to(address(own, "support", language), language)
    }

    /// From a page that anybody may see.
    pub(super) fn of_town(tenant: &Tenant, language: Language) -> SupportDoor {
        SupportDoor::to(format!("/{}/support{}", tenant.code, language.query()), language)
    }

    fn to(href: String, language: Language) -> SupportDoor {
        let words = language.pick(&JA, &EASY, &EN);
        let (title, text, link) = words.door;
        SupportDoor {
            href,
            title,
            text,
            link,
        }
    }
}

struct Words {
    title: &'static str,
    birth: (&'static str, &'static str),
    date: (&'static str, &'static str),
    child: (&'static str, &'static str),
    pause: (&'static str, &'static str),
    stop: (&'static str, &'static str),
    door: (&'static str, &'static str, &'static str),
}

static JA: Words = Words {
    title: "ほかの方法もあります",
    birth: ("うまれました", "子育てのことばに切りかえます"),
    date: ("予定日や誕生日を直す", "何度でも直せます"),
    child: ("お子さんをふやす", "ふたごのときも、ここから"),
    pause: ("しばらくお休みする", "自分で戻すまで、なにも届きません"),
    stop: ("止める", "理由は聞きません"),
    door: (
        "つらいことがあったとき",
        "話しても、話さなくても、だいじょうぶです。",
        "気持ちのこと・手続きのこと",
    ),
};

static EASY: Words = Words {
    title: "ほかの ことも できます",
    birth: ("うまれました", "｜子育《こそだ》ての ことばに かえます"),
    date: ("｜日《ひ》を なおす", "｜何度《なんど》でも なおせます"),
    child: ("こどもを ふやす", "ふたごの ときも、ここです"),
    pause: ("しばらく ｜休《やす》む", "じぶんで もどすまで、なにも とどきません"),
    stop: ("やめる", "わけは ききません"),
    door: (
        "つらいことが あったとき",
        "｜話《はな》しても、｜話《はな》さなくても、だいじょうぶです。",
        "｜気持《きも》ちのこと、｜手続《てつづ》きのこと",
    ),
};

static EN: Words = Words {
    title: "Other things you can do",
    birth: ("Born", "Change to the words for raising a child"),
    date: ("Correct a date", "As often as you like"),
    child: ("Add a child", "Twins too"),
    pause: ("Pause for a while", "Nothing comes until you end the pause"),
    stop: ("Stop the messages", "We do not ask why"),
    door: (
        "When something painful has happened",
        "You may talk about it or not; both are fine.",
        "Feelings and formalities",
    ),
};
