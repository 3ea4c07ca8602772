//! 日付を直す: a due date or a birthday, looked at before and after, then saved; and which date an early child's words follow.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::age;
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::people::Follower;
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, Situation};
use kizuna_engine::actions::life::{Child, Dated, Dates, correct_dates};
use kizuna_engine::run;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, ends, sentence};
use super::own::{Page, Ways, address, changed, children, show_menu};
use super::{Desks, Frame, dates};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    subscription: String,
    version: i64,
    step: String,
    date_y: String,
    date_m: String,
    date_d: String,
}

impl Entry {
    fn parts(&self) -> Parts {
        Parts {
            year: self.date_y.clone(),
            month: self.date_m.clone(),
            day: self.date_d.clone(),
        }
    }
}

/// What a form is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The one date: a due date, or a birthday.
    Date,
    /// The due date of a child that was born.
    Due,
}

/// One child of a reader.
struct Card {
    subscription: SubscriptionId,
    version: i64,
    nickname: String,
    stage: String,
    date: DateField,
    clock: Clock,
}

/// Which date the words of a child follow, and what can be chosen instead.
enum Clock {
    /// Nothing can be chosen.
    One,
    /// The due date; the birthday can be chosen.
    Due(String),
    /// The birthday; a due date can be given.
    Birth(Box<DateField>),
}

#[derive(Template)]
#[template(path = "reader/date.html")]
struct DatePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    problem: Option<String>,
    /// Where the way to what is wrong leads; empty where no field is.
    target: String,
    cards: Vec<Card>,
    ways: Ways,
    desks: Desks,
}

#[derive(Template)]
#[template(path = "reader/date_look.html")]
struct LookPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    entry: Entry,
    before: (String, String),
    after: (String, String),
    past_due: bool,
}

/// What is wrong with a form.
#[derive(Clone, Copy)]
enum Wrong {
    Date(About, DateProblem),
    NotEarly,
    Stale,
}

/// Shows every child's date.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| show(site, &own, language, None)).await
}

/// Shows what a date would change, or changes it.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let again = |wrong| show(site, &own, language, Some((&entry, wrong)));
        let all = children(site, &own)?;
        let child = all
            .iter()
            .find(|child| child.follower.subscription.to_string() == entry.subscription);
        let Some(child) = child else {
            return again(Some(Wrong::Stale));
        };
        let today = run::today(&site.env, &own.tenant)?;
        let anchor = match wanted(&own.tenant, today, &child.follower, &entry) {
            Ok(Some(anchor)) => anchor,
            Ok(None) => return again(None),
            Err(wrong) => return again(Some(wrong)),
        };
        if entry.step == "look" {
            return look(&own, language, today, child, entry.clone(), &anchor);
        }
        let dates = Dates {
            subscription: child.follower.subscription,
            version: entry.version,
            anchor,
        };
        match correct_dates(&site.env, &own.tenant, own.reader, dates)? {
            Dated::Done => {
                show_menu(site, &own.tenant, own.reader);
                Ok(Redirect::to(&changed(&own.tenant, "date", language)).into_response())
            }
            Dated::Stale => again(Some(Wrong::Stale)),
        }
    })
    .await
}

fn situation(child: &Follower) -> Situation {
    match child.anchor {
        Anchor::Due(_) => Situation::Pregnant,
        Anchor::Birth { .. } => Situation::Raising,
    }
}

/// The dates that a form asks for; none where it only asks to see the form again.
fn wanted(tenant: &Tenant, today: Day, child: &Follower, entry: &Entry) -> Result<Option<Anchor>, Wrong> {
    let date = |about| move |problem| Wrong::Date(about, problem);
    let (customs, read) = (&tenant.settings.customs, || entry.parts().read());
    match (entry.step.as_str(), child.anchor) {
        ("look" | "save", _) => {
            let anchor = read()
                .and_then(|day| registration::anchor(situation(child), day, today, ends(tenant), customs))
                .and_then(|anchor| match anchor {
                    Anchor::Due(_) => Ok(anchor),
                    Anchor::Birth { on, .. } => registration::born(&child.anchor, on, today),
                });
            anchor.map(Some).map_err(date(About::Date))
        }
        // The due date stays on record, and the words follow it, as long as the family wants them to.
        ("by-due", Anchor::Birth { due: Some(_), .. }) => Ok(Some(child.anchor)),
        ("by-due", Anchor::Birth { on, due: None }) => {
            let due = read().map_err(date(About::Due))?;
            let anchor = registration::born(&Anchor::Due(due), on, today).map_err(date(About::Due))?;
            if age::is_preterm(on, due) {
                Ok(Some(anchor))
            } else {
                Err(Wrong::NotEarly)
            }
        }
        ("by-birth", Anchor::Birth { on, .. }) => Ok(Some(Anchor::Birth { on, due: None })),
        _ => Ok(None),
    }
}

/// The date of an anchor, and where the family stands by it today.
fn standing(anchor: &Anchor, tenant: &Tenant, today: Day, language: Language) -> (String, String) {
    let (Anchor::Due(day) | Anchor::Birth { on: day, .. }) = anchor;
    let stage = dates::stage(anchor, today, tenant.settings.customs, language);
    (dates::day(*day, language), stage)
}

fn look(
    own: &Own,
    language: Language,
    today: Day,
    child: &Child,
    entry: Entry,
    anchor: &Anchor,
) -> Result<Response, PageError> {
    let shown = LookPage {
        frame: Frame::new(&own.tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        action: address(own, Page::Date.path(), language),
        entry,
        before: standing(&child.follower.anchor, &own.tenant, today, language),
        after: standing(anchor, &own.tenant, today, language),
        past_due: matches!(anchor, Anchor::Due(due) if *due < today),
    };
    page(StatusCode::OK, &shown)
}

fn show(
    site: &Site,
    own: &Own,
    language: Language,
    typed: Option<(&Entry, Option<Wrong>)>,
) -> Result<Response, PageError> {
    let (tenant, words) = (&own.tenant, language.pick(&JA, &EASY, &EN));
    let today = run::today(&site.env, tenant)?;
    let all = children(site, own)?;
    let mut said = match typed {
        Some((entry, Some(Wrong::Stale))) => {
            // A child that is not followed any more has no field that could hold the date.
            let is_shown = |child: &Child| child.follower.subscription.to_string() == entry.subscription;
            let kept = if all.iter().any(is_shown) { words.stale_kept } else { "" };
            Some(format!("{}{kept}", words.stale))
        }
        Some((_, Some(Wrong::NotEarly))) => Some(words.not_early.to_owned()),
        Some((_, Some(Wrong::Date(..)) | None)) | None => None,
    };
    let cards = all.iter().enumerate().map(|(index, child)| {
        let Child { follower, version } = child;
        let typed = typed.filter(|(entry, _)| entry.subscription == follower.subscription.to_string());
        let problem = typed.and_then(|(_, wrong)| match wrong {
            Some(Wrong::Date(about, problem)) => Some((about, problem)),
            Some(Wrong::NotEarly | Wrong::Stale) | None => None,
        });
        // A form about the due date of a child that was born keeps what was typed in its own field.
        let of_due = typed
            .filter(|(entry, _)| entry.step == "by-due")
            .map(|(entry, _)| entry.parts());
        let of_date = typed
            .filter(|(entry, _)| entry.step != "by-due")
            .map(|(entry, _)| entry.parts());
        let situation = situation(follower);
        if let Some((about, problem)) = problem {
            let situation = match about {
                About::Date => situation,
                About::Due => Situation::Pregnant,
            };
            said = Some(sentence(problem, situation, tenant, language));
        }
        let (Anchor::Due(day) | Anchor::Birth { on: day, .. }) = follower.anchor;
        let asked = Asked {
            name: "date",
            class: "",
            situation,
        };
        let found = problem
            .filter(|(about, _)| *about == About::Date)
            .map(|(_, problem)| problem);
        let parts = of_date.unwrap_or_else(|| Parts::of(day));
        let (legend, hint) = match situation {
            Situation::Pregnant => (words.due_legend, words.due_hint),
            Situation::Raising => (words.birth_legend, words.birth_hint),
        };
        let clock = match follower.anchor {
            Anchor::Birth { due: Some(due), .. } if follower.anchor.is_preterm() => {
                Clock::Due(dates::day(due, language))
            }
            // A due date of a child born at term moves nothing.
            Anchor::Due(_) | Anchor::Birth { due: Some(_), .. } => Clock::One,
            Anchor::Birth { on, due: None } => {
                let asked = Asked {
                    name: "date",
                    class: "",
                    situation: Situation::Pregnant,
                };
                let found = problem
                    .filter(|(about, _)| *about == About::Due)
                    .map(|(_, problem)| problem);
                let parts = of_due.unwrap_or_else(|| Parts {
                    year: on.year().to_string(),
                    ..Parts::default()
                });
                let last = (on + age::DUE_AT).year();
                let field = DateField::new(&asked, tenant, language, today, &parts, found)
                    .named(words.due_legend, words.early_hint)
                    .between(on.year(), last, &parts)
                    .numbered(2 * index + 1);
                Clock::Birth(Box::new(field))
            }
        };
        Card {
            subscription: follower.subscription,
            version: *version,
            nickname: follower.nickname.clone().unwrap_or_default(),
            stage: dates::stage(&follower.anchor, today, tenant.settings.customs, language),
            date: DateField::new(&asked, tenant, language, today, &parts, found)
                .named(legend, hint)
                .numbered(2 * index),
            clock,
        }
    });
    let cards: Vec<Card> = cards.collect();
    let mut targets = cards.iter().filter_map(|card| match &card.clock {
        Clock::Birth(field) if field.is_wrong() => Some(field.target()),
        Clock::Birth(_) | Clock::One | Clock::Due(_) => card.date.is_wrong().then(|| card.date.target()),
    });
    let target = targets.next().unwrap_or_default();
    let status = match typed.and_then(|(_, wrong)| wrong) {
        None => StatusCode::OK,
        Some(Wrong::Stale) => StatusCode::CONFLICT,
        Some(Wrong::Date(..) | Wrong::NotEarly) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let pregnant = all.iter().any(|child| child.follower.anchor.birth().is_none());
    let ways: &[Page] = if pregnant {
        &[Page::Birth, Page::Child, Page::Pause, Page::Stop]
    } else {
        &[Page::Child, Page::Pause, Page::Stop]
    };
    let shown = DatePage {
        frame: Frame::new(tenant, language),
        words,
        action: address(own, Page::Date.path(), language),
        problem: said,
        target,
        cards,
        ways: Ways::new(own, language, ways),
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}

struct Words {
    page: &'static str,
    title: &'static str,
    lead: &'static str,
    nothing: &'static str,
    today_is: &'static str,
    today_is_after: &'static str,
    due_legend: &'static str,
    due_hint: &'static str,
    birth_legend: &'static str,
    birth_hint: &'static str,
    look_button: &'static str,
    look_title: &'static str,
    before: &'static str,
    after: &'static str,
    past_due: &'static str,
    save_button: &'static str,
    back_button: &'static str,
    clock_title: &'static str,
    clock_due: &'static str,
    by_birth: &'static str,
    early: &'static str,
    early_text: &'static str,
    early_hint: &'static str,
    by_due: &'static str,
    not_early: &'static str,
    error: &'static str,
    error_summary: &'static str,
    stale: &'static str,
    stale_kept: &'static str,
}

static JA: Words = Words {
    page: "日付を直す",
    title: "日付を直す",
    lead: "何度でも直せます。つぎのことばから、新しい日付で届きます。",
    nothing: "いまは、なにも届きません。",
    today_is: "きょうは",
    today_is_after: "です",
    due_legend: "出産予定日",
    due_hint: "健診で変わったら、入れなおしてください。",
    birth_legend: "お子さんの誕生日",
    birth_hint: "まちがえて入れたときに、直せます。",
    look_button: "変わるところを見る",
    look_title: "この日付にしますか",
    before: "いま",
    after: "直すと",
    past_due: "予定日をすぎています。このまま直せます。",
    save_button: "この日付にする",
    back_button: "もどる",
    clock_title: "どちらの日にあわせて届けるか",
    clock_due: "いまは、予定日にあわせています（修正月齢）。",
    by_birth: "誕生日にあわせて届ける",
    early: "予定日より早く生まれたとき",
    early_text: "発達や離乳食の話を、予定日から数えて届けられます（修正月齢）。誕生日は、そのままです。",
    early_hint: "母子健康手帳に書いてあります。",
    by_due: "予定日にあわせて届ける",
    not_early: "予定日にあわせて届けるのは、予定日より3週間をこえて早く生まれたお子さんです。ほかのお子さんは、誕生日にあわせて届きます。",
    error: "エラー：",
    error_summary: "もう一度、確かめてください",
    stale: "ほかの画面で、登録が変わっていました。いまの内容を確かめてください。",
    stale_kept: "入れた日付は、残っています。",
};

static EASY: Words = Words {
    page: "｜日《ひ》を なおす",
    title: "｜日《ひ》を なおす",
    lead: "｜何度《なんど》でも なおせます。つぎの ことばから、あたらしい ｜日《ひ》に あわせます。",
    nothing: "いまは、なにも とどきません。",
    today_is: "きょうは",
    today_is_after: "です",
    due_legend: "｜出産予定日《しゅっさんよていび》（うまれる よていの ｜日《ひ》）",
    due_hint: "｜病院《びょういん》で ｜変《か》わったら、｜入《い》れなおしてください。",
    birth_legend: "こどもの ｜誕生日《たんじょうび》",
    birth_hint: "まちがえた ときに、なおせます。",
    look_button: "｜変《か》わる ところを ｜見《み》る",
    look_title: "この ｜日《ひ》に しますか",
    before: "いま",
    after: "なおすと",
    past_due: "｜予定日《よていび》を すぎています。このまま なおせます。",
    save_button: "この ｜日《ひ》に する",
    back_button: "もどる",
    clock_title: "どちらの ｜日《ひ》に あわせるか",
    clock_due: "いまは、｜予定日《よていび》に あわせています。",
    by_birth: "｜誕生日《たんじょうび》に あわせる",
    early: "｜予定日《よていび》より ｜早《はや》く うまれた とき",
    early_text: "そだちや ごはんの ｜話《はなし》を、｜予定日《よていび》から かぞえる ことが できます。｜誕生日《たんじょうび》は、そのままです。",
    early_hint: "｜母子健康手帳《ぼしけんこうてちょう》に ｜書《か》いてあります。",
    by_due: "｜予定日《よていび》に あわせる",
    not_early: "｜予定日《よていび》に あわせるのは、3｜週間《しゅうかん》より もっと ｜早《はや》く うまれた こどもだけです。ほかの こどもは、｜誕生日《たんじょうび》に あわせます。",
    error: "まちがい：",
    error_summary: "もう｜一度《いちど》 ｜見《み》てください",
    stale: "ほかの ｜画面《がめん》で、｜変《か》わりました。いまの ｜内容《ないよう》を ｜見《み》てください。",
    stale_kept: "｜入《い》れた ｜日《ひ》は、のこっています。",
};

static EN: Words = Words {
    page: "Correct a date",
    title: "Correct a date",
    lead: "You can do this as often as you like. The next message follows the new date.",
    nothing: "Nothing comes now.",
    today_is: "Today:",
    today_is_after: "",
    due_legend: "Due date",
    due_hint: "Enter it again whenever your check-up changes it.",
    birth_legend: "Your child's birthday",
    birth_hint: "For when it was entered wrongly.",
    look_button: "See what changes",
    look_title: "Use this date?",
    before: "Now",
    after: "After",
    past_due: "The due date has passed. You can still use it.",
    save_button: "Use this date",
    back_button: "Back",
    clock_title: "Which day the words follow",
    clock_due: "They follow the due date now (corrected age).",
    by_birth: "Follow the birthday",
    early: "If your child was born before the due date",
    early_text: "What we write about growth and weaning can be counted from the due date (corrected age). The birthday stays as it is.",
    early_hint: "It is in your Mother and Child Health Handbook.",
    by_due: "Follow the due date",
    not_early: "Words follow the due date for children born more than three weeks before it. For all others they follow the birthday.",
    error: "Error: ",
    error_summary: "Please check",
    stale: "Something was changed on another page. Please look at what is there now.",
    stale_kept: " The date you entered is kept.",
};
