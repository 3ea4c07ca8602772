//! 一部だけ止める: the end for one child, while the others go on. It stands behind a quiet link, so that nobody who stops
//! everything has to look at a list.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::life;
use kizuna_engine::run;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::Frame;
use super::own::{Page, address, changed, name, show_menu};
use super::stop::stopped;
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Reader, Shared, blocking};
use crate::language::Language;

/// Which child's button was pressed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    child: String,
}

/// A button for one child.
struct One {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "reader/stop_each.html")]
struct EachPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    all: String,
    each: Vec<One>,
}

/// Where the buttons of a page lead.
struct Paths {
    each: String,
    all: String,
}

impl Paths {
    fn of_stop_link(reader: &Reader, language: Language) -> Paths {
        let (path, query) = (
            format!("/{}/stop/{}", reader.tenant.code, reader.token),
            language.query(),
        );
        Paths {
            each: format!("{path}/each{query}"),
            all: format!("{path}{query}"),
        }
    }

    fn of_own(own: &Own, language: Language) -> Paths {
        Paths {
            each: address(own, "stop/each", language),
            all: address(own, Page::Stop.path(), language),
        }
    }
}

/// Shows a button for each child, behind a stop link.
pub(crate) async fn get(State(site): State<Shared>, language: Language, reader: Reader) -> Result<Response, PageError> {
    let paths = Paths::of_stop_link(&reader, language);
    blocking(&site, move |site| {
        show(site, &reader.tenant, reader.subscriber, language, paths)
    })
    .await
}

/// Stops for one child, behind a stop link.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    reader: Reader,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    let paths = Paths::of_stop_link(&reader, language);
    blocking(&site, move |site| {
        stop(site, &reader.tenant, reader.subscriber, language, paths, &entry)
    })
    .await
}

/// Shows a button for each child, among a reader's own pages.
pub(crate) async fn get_own(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    let paths = Paths::of_own(&own, language);
    blocking(&site, move |site| show(site, &own.tenant, own.reader, language, paths)).await
}

/// Stops for one child, among a reader's own pages.
pub(crate) async fn post_own(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    let paths = Paths::of_own(&own, language);
    blocking(&site, move |site| {
        stop(site, &own.tenant, own.reader, language, paths, &entry)
    })
    .await
}

fn show(
    site: &Site,
    tenant: &Tenant,
    reader: SubscriberId,
    language: Language,
    paths: Paths,
) -> Result<Response, PageError> {
    let today = run::today(&site.env, tenant)?;
    let following = life::children(&site.env, tenant, reader)?;
    // Nothing would go on beside the one: that is the page that ends everything.
    if following.len() < 2 {
        return Ok(Redirect::to(&paths.all).into_response());
    }
    let each = following.into_iter().map(|child| One {
        id: child.follower.subscription.to_string(),
        name: name(&child.follower, tenant, today, language),
    });
    let shown = EachPage {
        frame: Frame::new(tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        action: paths.each,
        all: paths.all,
        each: each.collect(),
    };
    page(StatusCode::OK, &shown)
}

fn stop(
    site: &Site,
    tenant: &Tenant,
    reader: SubscriberId,
    language: Language,
    paths: Paths,
    entry: &Entry,
) -> Result<Response, PageError> {
    let Ok(child) = entry.child.parse() else {
        return show(site, tenant, reader, language, paths);
    };
    life::stop_one(&site.env, tenant, reader, child)?;
    show_menu(site, tenant, reader);
    let goes_on = !life::children(&site.env, tenant, reader)?.is_empty();
    let after = if goes_on {
        changed(tenant, "one", language)
    } else {
        stopped(tenant, language)
    };
    Ok(Redirect::to(&after).into_response())
}

struct Words {
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    all: &'static str,
}

static JA: Words = Words {
    title: "一部だけ止めます",
    lead: "理由は聞きません。おしたら、すぐに止まります。ほかのことばは、そのまま届きます。",
    button: "止める",
    all: "ぜんぶ止めるページへ",
};

static EASY: Words = Words {
    title: "｜一部《いちぶ》だけ とめます",
    lead: "わけは ききません。おすと、すぐに とまります。ほかの ことばは、そのまま とどきます。",
    button: "とめる",
    all: "ぜんぶ とめる ページへ",
};

static EN: Words = Words {
    title: "Stop only some of them",
    lead: "We do not ask why. They stop the moment you press. All other words go on.",
    button: "Stop",
    all: "To the page that ends everything",
};
