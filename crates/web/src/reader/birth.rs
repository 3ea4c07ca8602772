//! うまれました: the day of birth, and from then on the words for raising a child. A birth is never assumed.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, Situation};
use kizuna_engine::actions::life::{Child, Dated, Dates, tell_birth};
use kizuna_engine::run;

use super::date_field::{Asked, DateField, Parts, sentence};
use super::own::{Page, SupportDoor, Ways, address, children, name, show_menu};
use super::{Desks, Frame, dates};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

/// The fields as they come in: a `child` for each one that was born, and the parts of the date.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    born: Vec<(SubscriptionId, i64)>,
    parts: Parts,
}

impl Entry {
    fn of(fields: Vec<(String, String)>) -> Entry {
        let mut entry = Entry::default();
        for (field, value) in fields {
            match field.as_str() {
                "child" => {
                    let read = value.split_once(':');
                    let read = read.and_then(|(id, version)| Some((id.parse().ok()?, version.parse().ok()?)));
                    entry.born.extend(read);
                }
                "birth_y" => entry.parts.year = value,
                "birth_m" => entry.parts.month = value,
                "birth_d" => entry.parts.day = value,
                _ => {}
            }
        }
        entry
    }
}

/// One pregnancy of a reader.
struct Expected {
    value: String,
    id: SubscriptionId,
    name: String,
    due: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reader/birth.html")]
struct BirthPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    problem: Option<String>,
    /// Where the way to what is wrong leads; empty where no field is.
    target: String,
    expected: Vec<Expected>,
    date: DateField,
    ways: Ways,
    door: SupportDoor,
    desks: Desks,
}

/// What is wrong with a form.
#[derive(Clone, Copy)]
enum Wrong {
    Date(DateProblem),
    Nobody,
    Stale,
}

/// Shows the form with today's date.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, language, None)).await
}

/// Writes the birth down; twins may be told of at once.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let entry = Entry::of(fields);
        let done = |first: SubscriptionId| {
            let page = address(&own, &format!("birth/{first}"), language);
            Ok(Redirect::to(&page).into_response())
        };
        let today = run::today(&site.env, &own.tenant)?;
        let all = children(site, &own)?;
        let mut born = Vec::new();
        for (id, version) in &entry.born {
            let Some(child) = all.iter().find(|child| child.follower.subscription == *id) else {
                return show(site, &own, language, Some((&entry, Wrong::Stale)));
            };
            let before = child.follower.anchor;
            match entry.parts.read().and_then(|on| registration::born(&before, on, today)) {
                // Pressed twice, or told on another page: the birthday is corrected under 日付を直す.
                Ok(anchor) if before.birth().is_some() && before != anchor => {
                    return show(site, &own, language, Some((&entry, Wrong::Stale)));
                }
                Ok(anchor) => born.push(Dates {
                    subscription: *id,
                    version: *version,
                    anchor,
                }),
                Err(problem) => return show(site, &own, language, Some((&entry, Wrong::Date(problem)))),
            }
        }
        let Some(first) = born.first() else {
            return show(site, &own, language, Some((&entry, Wrong::Nobody)));
        };
        match tell_birth(&site.env, &own.tenant, own.reader, &born)? {
            Dated::Done => {
                show_menu(site, &own.tenant, own.reader);
                done(first.subscription)
            }
            Dated::Stale => show(site, &own, language, Some((&entry, Wrong::Stale))),
        }
    })
    .await
}

fn show(site: &Site, own: &Own, language: Language, wrong: Option<(&Entry, Wrong)>) -> Result<Response, PageError> {
    let (tenant, words) = (&own.tenant, language.pick(&JA, &EASY, &EN));
    let today = run::today(&site.env, tenant)?;
    let mut all = children(site, own)?;
    all.retain(|child| child.follower.anchor.birth().is_none());
    let is_chosen = |child: &Child| match wrong {
        Some((entry, _)) => entry.born.iter().any(|(id, _)| *id == child.follower.subscription),
        // Of several none is taken for granted: perhaps not all of them were born.
        None => all.len() == 1,
    };
    let expected = all.iter().map(|child| Expected {
        value: format!("{}:{}", child.follower.subscription, child.version),
        id: child.follower.subscription,
        name: name(&child.follower, tenant, today, language),
        due: match child.follower.anchor {
            Anchor::Due(due) | Anchor::Birth { on: due, .. } => dates::day(due, language),
        },
        chosen: is_chosen(child),
    });
    let expected = expected.collect();
    let (status, problem, date_problem) = match wrong.map(|(_, wrong)| wrong) {
        None => (StatusCode::OK, None, None),
        Some(Wrong::Date(problem)) => {
            let said = sentence(problem, Situation::Raising, tenant, language);
            (StatusCode::UNPROCESSABLE_ENTITY, Some(said), Some(problem))
        }
        Some(Wrong::Nobody) => (StatusCode::UNPROCESSABLE_ENTITY, Some(words.nobody.to_owned()), None),
        Some(Wrong::Stale) => {
            // Where nobody is expected any more, there is no field that could hold the date.
            let kept = if all.is_empty() { "" } else { words.stale_kept };
            (StatusCode::CONFLICT, Some(format!("{}{kept}", words.stale)), None)
        }
    };
    let asked = Asked {
        name: "birth",
        class: "",
        situation: Situation::Raising,
    };
    let parts = wrong.map_or_else(|| Parts::of(today), |(entry, _)| entry.parts.clone());
    let field = DateField::new(&asked, tenant, language, today, &parts, date_problem);
    let target = match (wrong.map(|(_, wrong)| wrong), all.first()) {
        (Some(Wrong::Date(_)), _) => field.target(),
        (Some(Wrong::Nobody), Some(child)) if all.len() > 1 => child.follower.subscription.to_string(),
        _ => String::new(),
    };
    let shown = BirthPage {
        frame: Frame::new(tenant, language),
        words,
        action: address(own, "birth", language),
        problem,
        target,
        expected,
        date: field.named(words.date_legend, words.date_hint),
        ways: Ways::new(own, language, &[Page::Date, Page::Child, Page::Pause, Page::Stop]),
        door: SupportDoor::of_own(own, language),
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}

struct Words {
    page: &'static str,
    title: &'static str,
    lead: &'static str,
    which: &'static str,
    which_hint: &'static str,
    date_legend: &'static str,
    date_hint: &'static str,
    button: &'static str,
    none: &'static str,
    error: &'static str,
    error_summary: &'static str,
    nobody: &'static str,
    stale: &'static str,
    stale_kept: &'static str,
}

static JA: Words = Words {
    page: "日付を入れる",
    title: "うまれました",
    lead: "お子さんの誕生日を入れると、つぎから子育てのことばに切りかわります。",
    which: "どのお子さんですか",
    which_hint: "ふたごのときは、一度にえらべます。",
    date_legend: "お子さんの誕生日",
    date_hint: "あとから直せます。",
    button: "子育てのことばに切りかえる",
    none: "妊娠中の登録は、ありません。",
    error: "エラー：",
    error_summary: "もう一度、確かめてください",
    nobody: "どのお子さんかを、えらんでください。",
    stale: "ほかの画面で、登録が変わっていました。いまの内容を確かめてください。",
    stale_kept: "入れた日付は、残っています。",
};

static EASY: Words = Words {
    page: "｜日《ひ》を ｜入《い》れる",
    title: "うまれました",
    lead: "こどもの ｜誕生日《たんじょうび》を ｜入《い》れてください。つぎから、｜子育《こそだ》ての ことばに かわります。",
    which: "どの こどもですか",
    which_hint: "ふたごの ときは、ふたりとも えらべます。",
    date_legend: "こどもの ｜誕生日《たんじょうび》",
    date_hint: "あとで なおせます。",
    button: "｜子育《こそだ》ての ことばに する",
    none: "おなかに いる こどもの ｜登録《とうろく》は、ありません。",
    error: "まちがい：",
    error_summary: "もう｜一度《いちど》 ｜見《み》てください",
    nobody: "どの こどもか、えらんでください。",
    stale: "ほかの ｜画面《がめん》で、｜変《か》わりました。いまの ｜内容《ないよう》を ｜見《み》てください。",
    stale_kept: "｜入《い》れた ｜日《ひ》は、のこっています。",
};

static EN: Words = Words {
    page: "Give a date",
    title: "Born",
    lead: "Give your child's birthday, and from the next message on the words are about raising a child.",
    which: "Which child?",
    which_hint: "Twins can be chosen together.",
    date_legend: "Your child's birthday",
    date_hint: "You can correct it later.",
    button: "Change to words for raising a child",
    none: "There is no registration of a pregnancy.",
    error: "Error: ",
    error_summary: "Please check",
    nobody: "Choose which child.",
    stale: "Something was changed on another page. Please look at what is there now.",
    stale_kept: " The date you entered is kept.",
};
