//! 登録できました: where the family stands, what comes when, and for whoever reads on the page only their own link.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriberId;
use kizuna_domain::people::{Follower, Reach, SkipReason, SubscriptionState};
use kizuna_engine::links::{self, Holder};
use kizuna_engine::{explain, run};
use kizuna_store::tenants::{self, Tenant};
use kizuna_store::{line, people, runs};

use super::dates;
use super::entry::scripted;
use super::entry_words::{EntryWords, WayWords};
use super::{Closed, Desks, Frame, Way, confirm};
use crate::Site;
use crate::bubble::Bubble;
use crate::error::{PageError, page};
use crate::language::Language;

/// The links of whoever reads on the page only.
struct OwnLinks {
    /// The whole address of the words, for keeping.
    words: String,
    /// The page on which things are changed.
    own: String,
}

#[derive(Template)]
#[template(path = "reader/registered.html")]
struct DonePage {
    frame: Frame,
    words: &'static EntryWords,
    way: &'static WayWords,
    stage: String,
    next: String,
    befriend: Option<String>,
    /// What a family that LINE may not reach is asked to do.
    friend: Option<&'static str>,
    needs_friend: bool,
    own: Option<OwnLinks>,
    first: Option<Bubble>,
    desks: Desks,
}

/// Says that it is done to a reader who came by one way.
pub(super) fn registered(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    way: Way,
    reader: SubscriberId,
) -> Result<Response, PageError> {
    let (env, scope) = (&site.env, tenant.scope());
    let words = EntryWords::of(language);
    let (following, holder, basic_id, is_friend) = env.db.read(|tx| {
        let following = people::of_subscriber(tx, &env.keys, scope, reader)?;
        let account = tenants::account(tx, &env.keys, scope, line::CHANNEL)?;
        let points = people::points(tx, &env.keys, scope, reader)?;
        let known = match points.iter().find(|point| point.channel == line::CHANNEL) {
            Some(point) => line::friendship(tx, &env.keys, scope, &point.address)?,
            None => None,
        };
        Ok((
            following,
            Holder::of(tx, scope, reader)?,
            account.and_then(|mut account| account.settings.remove("basic_id")),
            known.is_some_and(|known| known.is_friend),
        ))
    })?;
    // The newest, whose number is the highest. Whoever stopped since is asked nothing.
    let Some(follower) = following.last() else {
        return confirm::gone(site, tenant, language, Closed::Used);
    };
    let today = run::today(env, tenant)?;
    let (next, first) = next(site, tenant, language, way, today, follower)?;
    let needs_friend = way == Way::Line && follower.reach == Reach::Silent(SkipReason::Blocked);
    // LINE takes messages for strangers and delivers none, and whoever came by LINE Login may be one.
    let friend = match (way, is_friend) {
        (Way::Line, false) if needs_friend => Some(words.befriend),
        (Way::Line, false) => Some(words.befriend_perhaps),
        (Way::Line, true) | (Way::Mail | Way::Web, _) => None,
    };
    let own = links::links(&env.keys, tenant, holder, today);
    let mut frame = Frame::new(tenant, language);
    if way == Way::Web {
        "&new=1".clone_into(&mut frame.behind);
    }
    let shown = DonePage {
        frame,
        words,
        way: words.way(way),
        stage: dates::stage(&follower.anchor, today, tenant.settings.customs, language),
        next: if needs_friend { String::new() } else { next },
        befriend: basic_id
            .filter(|_| friend.is_some())
            .map(|id| format!("https://line.me/R/ti/p/%40{}", id.trim_start_matches('@'))),
        friend,
        needs_friend,
        own: (way == Way::Web).then_some(OwnLinks {
            words: own.words,
            own: own.own,
        }),
        first: first.map(|mut draft| {
            // The rest is a press away; what can be done here stands below.
            draft.sections.truncate(1);
            Bubble::without_desks(draft)
        }),
        desks: Desks::of(site, tenant, language)?,
    };
    Ok(scripted(page(StatusCode::OK, &shown)?))
}

/// When the next message comes, in words, and what it says.
fn next(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    way: Way,
    today: Day,
    follower: &Follower,
) -> Result<(String, Option<kizuna_domain::message::Draft>), PageError> {
    let words = EntryWords::of(language);
    if follower.state == SubscriptionState::Paused {
        return Ok((words.paused_now.to_owned(), None));
    }
    let now = site.env.clock.now();
    let zone = tenant.settings.zone().map_err(kizuna_engine::EngineError::from)?;
    let window = tenant.settings.window().map_err(kizuna_engine::EngineError::from)?;
    let had_today = site
        .env
        .db
        .read(|tx| runs::of_subscription(tx, tenant.scope(), follower.subscription, today))?;
    let had_today = had_today
        .iter()
        .any(|delivery| delivery.passed || delivery.outcome.is_some());
    let ended = had_today || now >= window.closes(today, &zone);
    let from = follower.from_on().max(if ended { today + 1 } else { today });
    let Some(ahead) = explain::ahead(&site.env, tenant, follower, from)? else {
        return Ok((words.next_none.to_owned(), None));
    };
    let time = dates::time(&tenant.settings.send_from, language);
    let sentence = if ahead.on == today && now >= window.opens(today, &zone) {
        words.next_now
    } else if ahead.on == today {
        words.next_today
    } else if ahead.on == today + 1 {
        words.next_tomorrow
    } else {
        words.next_later
    };
    let sentence = sentence
        .replace("{to}", words.way(way).to)
        .replace("{time}", &time)
        .replace("{day}", &dates::day(ahead.on, language));
    // What comes after today's words is not the first any more.
    Ok((sentence, Some(ahead.draft).filter(|_| !had_today)))
}
