//! 一部だけ止める: the end for one child, while the others go on. It stands behind a quiet link, so that nobody who stops
//! everything has to look at a list. A stop link lives for ever and stands in every mail's head: behind it a child is told
//! by year of age, never by nickname or day.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::age::{LeapBirthday, completed_months};
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::position::Anchor;
use kizuna_engine::actions::{Actor, life, people};
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

/// Where the buttons of a page lead, and how it calls the children.
struct Paths {
    each: String,
    all: String,
    names: Naming,
}

/// How the page calls a child.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// As its reader does.
    ByName,
    /// By year of age.
    ByYear,
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
            names: Naming::ByYear,
        }
    }

    fn of_own(own: &Own, language: Language) -> Paths {
        Paths {
            each: address(own, "stop/each", language),
            all: address(own, Page::Stop.path(), language),
            names: Naming::ByName,
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
    let words: &Words = language.pick(&JA, &EASY, &EN);
    let children = life::children(&site.env, tenant, reader)?;
    // Nothing would go on beside the one: that is the page that ends everything.
    if children.len() < 2 {
        return Ok(Redirect::to(&paths.all).into_response());
    }
    let names: Vec<String> = match paths.names {
        Naming::ByName => children
            .iter()
            .map(|child| name(&child.follower, tenant, today, language))
            .collect(),
        Naming::ByYear => {
            let leap = tenant.settings.customs.leap_birthday;
            let years = children.iter().map(|child| years(&child.follower.anchor, today, leap));
            by_year(&years.collect::<Vec<_>>(), words)
        }
    };
    let each = children.iter().zip(names).map(|(child, name)| One {
        id: child.follower.subscription.to_string(),
        name,
    });
    let shown = EachPage {
        frame: Frame::new(tenant, language),
        words,
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
    if life::children(&site.env, tenant, reader)?.is_empty() {
        // Perhaps they went on in another town, where this child has another number: in doubt everything stops.
        people::stop(&site.env, tenant.scope(), reader, Actor::Reader)?;
        return Ok(Redirect::to(&stopped(tenant, language)).into_response());
    }
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

/// Years of age; none before a birth was told.
fn years(anchor: &Anchor, today: Day, leap: LeapBirthday) -> Option<u16> {
    let birth = anchor.birth()?;
    Some(completed_months(birth, today, leap).map_or(0, |months| months / 12))
}

/// Children by their years, counted where several are of one year, the oldest registration first.
fn by_year(children: &[Option<u16>], words: &Words) -> Vec<String> {
    let name = |(at, years): (usize, &Option<u16>)| {
        let name = match years {
            None => words.unborn.to_owned(),
            Some(years) => words.aged.replace("{}", &years.to_string()),
        };
        let alike = |children: &[Option<u16>]| children.iter().filter(|other| *other == years).count();
        match (alike(children), alike(children.get(..at).unwrap_or_default())) {
            (1, _) => name,
            (_, 0) => format!("{name}{}", words.first),
            (_, 1) => format!("{name}{}", words.second),
            (_, before) => format!("{name}{}", words.later.replace("{}", &(before + 1).to_string())),
        }
    };
    children.iter().enumerate().map(name).collect()
}

struct Words {
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    all: &'static str,
    /// A child before its birth was told.
    unborn: &'static str,
    /// A child of so many years.
    aged: &'static str,
    /// Which of several that are called the same.
    first: &'static str,
    second: &'static str,
    later: &'static str,
}

static JA: Words = Words {
    title: "一部だけ止めます",
    lead: "理由は聞きません。おしたら、すぐに止まります。ほかのことばは、そのまま届きます。",
    button: "止める",
    all: "ぜんぶ止めるページへ",
    unborn: "おなかの子",
    aged: "{}歳の子",
    first: "（先に登録した一人目）",
    second: "（二人目）",
    later: "（{}人目）",
};

static EASY: Words = Words {
    title: "｜一部《いちぶ》だけ とめます",
    lead: "わけは ききません。おすと、すぐに とまります。ほかの ことばは、そのまま とどきます。",
    button: "とめる",
    all: "ぜんぶ とめる ページへ",
    unborn: "おなかの ｜子《こ》",
    aged: "{}｜歳《さい》の ｜子《こ》",
    first: "（｜先《さき》に ｜登録《とうろく》した ｜一人目《ひとりめ》）",
    second: "（｜二人目《ふたりめ》）",
    later: "（{}｜人目《にんめ》）",
};

static EN: Words = Words {
    title: "Stop only some of them",
    lead: "We do not ask why. They stop the moment you press. All other words go on.",
    button: "Stop",
    all: "To the page that ends everything",
    unborn: "A baby on the way",
    aged: "A child of age {}",
    first: " (the first, registered earliest)",
    second: " (the second)",
    later: " (number {})",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_of_one_year_are_counted_and_others_are_not() {
        assert_eq!(
            by_year(&[None, Some(0), Some(2)], &JA),
            ["おなかの子", "0歳の子", "2歳の子"]
        );
        assert_eq!(
            by_year(&[Some(0), None, Some(0), Some(0)], &JA),
            [
                "0歳の子（先に登録した一人目）",
                "おなかの子",
                "0歳の子（二人目）",
                "0歳の子（3人目）"
            ]
        );
    }

    #[test]
    fn a_child_is_told_by_whole_years_and_an_unborn_one_without() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let born = |on| Anchor::Birth { on: day(on), due: None };
        let leap = LeapBirthday::February28;
        assert_eq!(years(&born("2024-11-23"), day("2026-11-22"), leap), Some(1));
        assert_eq!(years(&born("2024-11-22"), day("2026-11-22"), leap), Some(2));
        assert_eq!(years(&Anchor::Due(day("2026-11-29")), day("2026-11-22"), leap), None);
    }
}
