//! お休み: for one child or for all, until the reader ends it. It ends with one bundle, not with a flood.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::people::SubscriptionState;
use kizuna_engine::actions::life::{self, Which};
use kizuna_engine::run;
use serde::Deserialize;

use super::own::{Page, SupportDoor, Ways, address, changed, children, name};
use super::{Desks, Frame};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

/// The form as it comes in: which children, and whether a pause begins or ends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    step: String,
    which: String,
}

/// A button for one child.
struct One {
    id: String,
    name: String,
    is_paused: bool,
}

#[derive(Template)]
#[template(path = "reader/pause.html")]
struct PausePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    /// Some receive.
    can_pause: bool,
    /// Some are paused.
    can_resume: bool,
    /// Each alone, where there are several.
    each: Vec<One>,
    ways: Ways,
    door: SupportDoor,
    desks: Desks,
}

/// Shows what can be paused and what is.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, language)).await
}

/// Begins or ends a pause; a second press does the same.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let which = match entry.which.as_str() {
            "all" => Some(Which::All),
            one => one.parse().ok().map(Which::One),
        };
        let Some(which) = which else {
            return show(site, &own, language);
        };
        // Where nothing is followed, perhaps since a moment ago, nothing pauses or comes again: the page says so.
        let is_followed = children(site, &own)?.iter().any(|child| match which {
            Which::All => true,
            Which::One(one) => one == child.follower.subscription,
        });
        if !is_followed {
            return Ok(Redirect::to(&address(&own, Page::Pause.path(), language)).into_response());
        }
        match entry.step.as_str() {
            "pause" => life::pause(&site.env, &own.tenant, own.reader, which)?,
            "resume" => life::resume(&site.env, &own.tenant, own.reader, which)?,
            _ => return show(site, &own, language),
        }
        Ok(Redirect::to(&changed(&own.tenant, &entry.step, language)).into_response())
    })
    .await
}

fn show(site: &Site, own: &Own, language: Language) -> Result<Response, PageError> {
    let today = run::today(&site.env, &own.tenant)?;
    let all = children(site, own)?;
    let paused = |state| all.iter().any(|child| child.follower.state == state);
    let each = all.iter().filter(|_| all.len() > 1).map(|child| One {
        id: child.follower.subscription.to_string(),
        name: name(&child.follower, &own.tenant, today, language),
        is_paused: child.follower.state == SubscriptionState::Paused,
    });
    let shown = PausePage {
        frame: Frame::new(&own.tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        action: address(own, Page::Pause.path(), language),
        can_pause: paused(SubscriptionState::Active),
        can_resume: paused(SubscriptionState::Paused),
        each: each.collect(),
        ways: Ways::new(own, language, &[Page::Date, Page::Stop]),
        door: SupportDoor::of_own(own, language),
        desks: Desks::of(site, &own.tenant, language)?,
    };
    page(StatusCode::OK, &shown)
}

struct Words {
    page: &'static str,
    title: &'static str,
    lead: &'static str,
    pause_button: &'static str,
    resting: &'static str,
    some_resting: &'static str,
    resume_text: &'static str,
    resume_button: &'static str,
    each: &'static str,
    pause_one: &'static str,
    resume_one: &'static str,
    nothing: &'static str,
}

static JA: Words = Words {
    page: "受け取り方",
    title: "お休みする",
    lead: "おしたら、すぐにお休みになります。自分で戻すまで、なにも届きません。理由は聞きません。",
    pause_button: "お休みする",
    resting: "いまは、お休み中です。",
    some_resting: "お休み中のことばがあります。",
    resume_text: "戻すと、あしたから届きます。お休みのあいだの大切なことは、まとめて一度だけ届きます。",
    resume_button: "お休みをおわりにする",
    each: "一人ずつえらぶ",
    pause_one: "お休みする",
    resume_one: "戻す",
    nothing: "いまは、なにも届きません。",
};

static EASY: Words = Words {
    page: "うけとりかた",
    title: "しばらく ｜休《やす》む",
    lead: "おすと、すぐ ｜休《やす》みに なります。じぶんで もどすまで、なにも とどきません。わけは ききません。",
    pause_button: "｜休《やす》む",
    resting: "いまは、お｜休《やす》みです。",
    some_resting: "お｜休《やす》みの ことばが あります。",
    resume_text: "もどすと、あしたから とどきます。｜休《やす》みの あいだの たいせつな ことは、まとめて ｜一度《いちど》だけ とどきます。",
    resume_button: "もどす",
    each: "ひとりずつ えらぶ",
    pause_one: "｜休《やす》む",
    resume_one: "もどす",
    nothing: "いまは、なにも とどきません。",
};

static EN: Words = Words {
    page: "How you receive",
    title: "Pause",
    lead: "It pauses the moment you press. Nothing comes until you end the pause yourself. We do not ask why.",
    pause_button: "Pause",
    resting: "The messages are paused now.",
    some_resting: "Some of the messages are paused.",
    resume_text: "They go on tomorrow. What is important from the time of the pause comes once, together.",
    resume_button: "End the pause",
    each: "Choose one by one",
    pause_one: "Pause",
    resume_one: "Go on",
    nothing: "Nothing comes now.",
};
