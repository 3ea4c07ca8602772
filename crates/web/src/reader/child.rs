//! お子さんをふやす: another pregnancy, a child, or a twin of one that is followed. Looked at first, added with one press.
//!
//! The form carries a number of its own, so that a double tap is no twin; a twin is added only where it is asked for.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::day::Day;
use kizuna_domain::ids::SubscriptionId;
use kizuna_domain::position::Anchor;
use kizuna_domain::registration::{self, DateProblem, NicknameProblem, Situation};
use kizuna_engine::actions::life::{Added, NewChild, add_child};
use kizuna_engine::run;
use kizuna_store::tenants::Tenant;
use serde::Deserialize;

use super::date_field::{Asked, DateField, Parts, ends, sentence};
use super::own::{Page, Ways, address, changed, children, must_go_on, name, over, show_menu};
use super::{Desks, Frame, dates};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Own, Shared, blocking};
use crate::language::Language;

/// Version of the wording that is agreed to by adding a child; a change of `fine` needs another one.
const CONSENT_WORDING: &str = "child-2026-11";

/// The form as it comes in; a part that is missing is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    key: String,
    step: String,
    kind: String,
    due_y: String,
    due_m: String,
    due_d: String,
    birth_y: String,
    birth_m: String,
    birth_d: String,
    nickname: String,
}

impl Entry {
    fn situation(&self) -> Option<Situation> {
        match self.kind.as_str() {
            "pregnant" => Some(Situation::Pregnant),
            "raising" => Some(Situation::Raising),
            _ => None,
        }
    }

    fn parts(&self, situation: Situation) -> Parts {
        let (year, month, day) = match situation {
            Situation::Pregnant => (&self.due_y, &self.due_m, &self.due_d),
            Situation::Raising => (&self.birth_y, &self.birth_m, &self.birth_d),
        };
        Parts {
            year: year.clone(),
            month: month.clone(),
            day: day.clone(),
        }
    }

    fn anchor(&self, tenant: &Tenant, today: Day) -> Result<Anchor, Wrong> {
        let situation = self.situation().ok_or(Wrong::Kind)?;
        let anchor = self
            .parts(situation)
            .read()
            .and_then(|day| registration::anchor(situation, day, today, ends(tenant), &tenant.settings.customs));
        anchor.map_err(|problem| Wrong::Date(situation, problem))
    }
}

/// What is wrong with a form.
#[derive(Clone, Copy)]
enum Wrong {
    Kind,
    Date(Situation, DateProblem),
    Nickname(NicknameProblem),
    Known,
    Full,
}

/// A child that may have a twin.
struct Sibling {
    href: String,
    name: String,
}

#[derive(Template)]
#[template(path = "reader/child.html")]
struct ChildPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    problem: Option<String>,
    /// Where the way to what is wrong leads; empty where no field is.
    target: String,
    key: String,
    is_pregnant: bool,
    is_raising: bool,
    due: DateField,
    birth: DateField,
    nickname: String,
    siblings: Vec<Sibling>,
    ways: Ways,
    desks: Desks,
}

#[derive(Template)]
#[template(path = "reader/child_look.html")]
struct LookPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    entry: Entry,
    stage: String,
    date: String,
}

#[derive(Template)]
#[template(path = "reader/twin.html")]
struct TwinPage {
    frame: Frame,
    words: &'static Words,
    action: String,
    problem: Option<String>,
    /// Where the way to what is wrong leads; empty where no field is.
    target: String,
    key: String,
    name: String,
    date: String,
    nickname: String,
}

/// What the reader calls the child, if anything.
fn nickname(typed: &str) -> Result<Option<String>, Wrong> {
    registration::nickname(typed).map_err(Wrong::Nickname)
}

/// What is wrong with what the reader calls the child.
fn about_nickname(problem: NicknameProblem, words: &Words) -> String {
    let sentence = match problem {
        NicknameProblem::TooLong => words.long_nickname,
        NicknameProblem::Invisible => words.strange_nickname,
    };
    sentence.to_owned()
}

fn new_key(site: &Site) -> SubscriptionId {
    SubscriptionId::new(site.env.ids.next())
}

/// Shows the form.
pub(crate) async fn get(State(site): State<Shared>, language: Language, own: Own) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        must_go_on(site, &own, language)?;
        let today = run::today(&site.env, &own.tenant)?;
        let fresh = Entry {
            key: new_key(site).to_string(),
            kind: "raising".to_owned(),
            due_y: (today + kizuna_domain::age::DUE_AT / 2).year().to_string(),
            birth_y: today.year().to_string(),
            ..Entry::default()
        };
        form(site, &own, language, &fresh, None)
    })
    .await
}

/// Shows where the child stands today, or adds it.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        must_go_on(site, &own, language)?;
        let again = |wrong| form(site, &own, language, &entry, wrong);
        let today = run::today(&site.env, &own.tenant)?;
        let read = entry
            .anchor(&own.tenant, today)
            .and_then(|anchor| Ok((anchor, nickname(&entry.nickname)?)));
        let (anchor, nickname) = match read {
            Ok(read) => read,
            Err(wrong) => return again(Some(wrong)),
        };
        match entry.step.as_str() {
            "edit" => again(None),
            "add" => {
                let Ok(key) = entry.key.parse() else {
                    return again(None);
                };
                let new = NewChild {
                    key,
                    anchor,
                    nickname: nickname.as_deref(),
                    twin_of: None,
                    wording: CONSENT_WORDING,
                };
                match add_child(&site.env, &own.tenant, own.reader, &new)? {
                    Added::Done => Ok(done(site, &own, language)),
                    Added::Known | Added::NoSibling => again(Some(Wrong::Known)),
                    Added::Full => again(Some(Wrong::Full)),
                    Added::Over => Err(over(site, &own, language)),
                }
            }
            _ => look(&own, language, today, entry.clone(), &anchor),
        }
    })
    .await
}

fn done(site: &Site, own: &Own, language: Language) -> Response {
    show_menu(site, &own.tenant, own.reader);
    Redirect::to(&changed(&own.tenant, "child", language)).into_response()
}

fn look(own: &Own, language: Language, today: Day, entry: Entry, anchor: &Anchor) -> Result<Response, PageError> {
    let (Anchor::Due(day) | Anchor::Birth { on: day, .. }) = anchor;
    let shown = LookPage {
        frame: Frame::new(&own.tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        action: address(own, Page::Child.path(), language),
        entry,
        stage: dates::stage(anchor, today, own.tenant.settings.customs, language),
        date: dates::day(*day, language),
    };
    page(StatusCode::OK, &shown)
}

fn form(
    site: &Site,
    own: &Own,
    language: Language,
    entry: &Entry,
    wrong: Option<Wrong>,
) -> Result<Response, PageError> {
    let (tenant, words) = (&own.tenant, language.pick(&JA, &EASY, &EN));
    let today = run::today(&site.env, tenant)?;
    let problem = wrong.map(|wrong| match wrong {
        Wrong::Kind => words.no_kind.to_owned(),
        Wrong::Date(situation, problem) => sentence(problem, situation, tenant, language),
        Wrong::Nickname(problem) => about_nickname(problem, words),
        Wrong::Known => words.known.to_owned(),
        Wrong::Full => words.full.to_owned(),
    });
    let status = match wrong {
        None => StatusCode::OK,
        Some(Wrong::Known | Wrong::Full) => StatusCode::CONFLICT,
        Some(Wrong::Kind | Wrong::Date(..) | Wrong::Nickname(_)) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let field = |name, class, situation, (legend, hint)| {
        let asked = Asked { name, class, situation };
        let problem = match wrong {
            Some(Wrong::Date(found, problem)) if found == situation => Some(problem),
            Some(_) | None => None,
        };
        DateField::new(&asked, tenant, language, today, &entry.parts(situation), problem).named(legend, hint)
    };
    let siblings = children(site, own)?.into_iter().map(|child| Sibling {
        href: address(own, &format!("child/{}", child.follower.subscription), language),
        name: name(&child.follower, tenant, today, language),
    });
    let (due, birth) = (
        field("due", "for-pregnant", Situation::Pregnant, words.due),
        field("birth", "for-raising", Situation::Raising, words.birth),
    );
    let target = match wrong {
        Some(Wrong::Kind) => "pregnant".to_owned(),
        Some(Wrong::Date(Situation::Pregnant, _)) => due.target(),
        Some(Wrong::Date(Situation::Raising, _)) => birth.target(),
        Some(Wrong::Nickname(_)) => "nickname".to_owned(),
        Some(Wrong::Known | Wrong::Full) | None => String::new(),
    };
    let shown = ChildPage {
        frame: Frame::new(tenant, language),
        words,
        action: address(own, Page::Child.path(), language),
        problem,
        target,
        key: entry.key.clone(),
        is_pregnant: entry.situation() == Some(Situation::Pregnant),
        is_raising: entry.situation() == Some(Situation::Raising),
        due,
        birth,
        nickname: entry.nickname.clone(),
        siblings: siblings.collect(),
        ways: Ways::new(own, language, &[Page::Date, Page::Pause, Page::Stop]),
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}

/// The form of a twin as it comes in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TwinEntry {
    key: String,
    nickname: String,
}

/// An address that names the sibling.
type OfSibling = Path<(String, String, String)>;

/// Shows whose twin is added.
pub(crate) async fn get_twin(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Path((_, _, sibling)): OfSibling,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let entry = TwinEntry {
            key: new_key(site).to_string(),
            ..TwinEntry::default()
        };
        twin(site, &own, language, &sibling, &entry, None)
    })
    .await
}

/// Adds a twin.
pub(crate) async fn post_twin(
    State(site): State<Shared>,
    language: Language,
    own: Own,
    Path((_, _, sibling)): OfSibling,
    Form(entry): Form<TwinEntry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let again = |wrong| twin(site, &own, language, &sibling, &entry, wrong);
        let all = children(site, &own)?;
        let found = all
            .iter()
            .find(|child| child.follower.subscription.to_string() == sibling);
        let (Some(found), Ok(key)) = (found, entry.key.parse()) else {
            return again(None);
        };
        let nickname = match nickname(&entry.nickname) {
            Ok(nickname) => nickname,
            Err(wrong) => return again(Some(wrong)),
        };
        let new = NewChild {
            key,
            anchor: found.follower.anchor,
            nickname: nickname.as_deref(),
            twin_of: Some(found.follower.subscription),
            wording: CONSENT_WORDING,
        };
        match add_child(&site.env, &own.tenant, own.reader, &new)? {
            Added::Done => Ok(done(site, &own, language)),
            Added::Known | Added::NoSibling => again(Some(Wrong::Known)),
            Added::Full => again(Some(Wrong::Full)),
            Added::Over => Err(over(site, &own, language)),
        }
    })
    .await
}

fn twin(
    site: &Site,
    own: &Own,
    language: Language,
    sibling: &str,
    entry: &TwinEntry,
    wrong: Option<Wrong>,
) -> Result<Response, PageError> {
    let (tenant, words) = (&own.tenant, language.pick(&JA, &EASY, &EN));
    let today = run::today(&site.env, tenant)?;
    let all = children(site, own)?;
    let found = all
        .iter()
        .find(|child| child.follower.subscription.to_string() == sibling);
    let Some(found) = found else {
        return Ok(Redirect::to(&address(own, Page::Child.path(), language)).into_response());
    };
    let (status, problem) = match wrong {
        None => (StatusCode::OK, None),
        Some(Wrong::Nickname(problem)) => (StatusCode::UNPROCESSABLE_ENTITY, Some(about_nickname(problem, words))),
        Some(Wrong::Full) => (StatusCode::CONFLICT, Some(words.full.to_owned())),
        Some(Wrong::Known | Wrong::Kind | Wrong::Date(..)) => (StatusCode::CONFLICT, Some(words.known.to_owned())),
    };
    let (Anchor::Due(day) | Anchor::Birth { on: day, .. }) = found.follower.anchor;
    let shown = TwinPage {
        frame: Frame::new(tenant, language),
        words,
        action: address(own, &format!("child/{sibling}"), language),
        problem,
        target: match wrong {
            Some(Wrong::Nickname(_)) => "nickname".to_owned(),
            Some(_) | None => String::new(),
        },
        key: entry.key.clone(),
        name: name(&found.follower, tenant, today, language),
        date: dates::day(day, language),
        nickname: entry.nickname.clone(),
    };
    page(status, &shown)
}

struct Words {
    page: &'static str,
    title: &'static str,
    lead: &'static str,
    kind_legend: &'static str,
    pregnant: (&'static str, &'static str),
    raising: (&'static str, &'static str),
    due: (&'static str, &'static str),
    birth: (&'static str, &'static str),
    nickname: &'static str,
    nickname_short: &'static str,
    nickname_hint: &'static str,
    look_button: &'static str,
    look_title: &'static str,
    today_is: &'static str,
    today_is_after: &'static str,
    date: &'static str,
    add_button: &'static str,
    back_button: &'static str,
    fine: &'static str,
    twins: &'static str,
    twins_text: &'static str,
    twin_title: &'static str,
    twin_text: &'static str,
    twin_of: &'static str,
    twin_button: &'static str,
    no_kind: &'static str,
    long_nickname: &'static str,
    strange_nickname: &'static str,
    known: &'static str,
    full: &'static str,
    error: &'static str,
    error_summary: &'static str,
}

static JA: Words = Words {
    page: "日付をふやす",
    title: "お子さんをふやす",
    lead: "日付を一つ入れるだけです。同じ日のことばは、一通にまとめて届きます。",
    kind_legend: "そのお子さんは",
    pregnant: ("妊娠中", "予定日を入れる"),
    raising: ("うまれている", "誕生日を入れる"),
    due: ("出産予定日", "母子健康手帳を見てください。あとから直せます。"),
    birth: ("お子さんの誕生日", "あとから直せます。"),
    nickname: "よび名（なくてもよい）",
    nickname_short: "よび名",
    nickname_hint: "本名でなくてかまいません。ことばの見出しに出ます。",
    look_button: "たしかめる",
    look_title: "これでふやしますか",
    today_is: "きょうは",
    today_is_after: "です",
    date: "日付",
    add_button: "ふやす",
    back_button: "直す",
    fine: "日付とよび名は、その日に合ったことばを届けるためだけに使います。ふやすと、これに同意したことになります。",
    twins: "ふたご・みつごのとき",
    twins_text: "同じ日付で、もう一人ふやせます。同じことばが二通届くことは、ありません。",
    twin_title: "もう一人ふやす",
    twin_text: "つぎのお子さんと、同じ日付でふやします。ことばは、一通にまとめて届きます。",
    twin_of: "ごきょうだい",
    twin_button: "もう一人ふやす",
    no_kind: "妊娠中か、うまれているかを、えらんでください。",
    long_nickname: "よび名は、20文字までにしてください。",
    strange_nickname: "よび名に、目に見えない文字か、改行が入っています。入れなおしてください。",
    known: "近い日付のお子さんが、もう登録されています。ふたご・みつごのときは、下の「ふたご・みつごのとき」からふやしてください。日付を直すときは「予定日や誕生日を直す」へ。",
    full: "一人で受け取れるのは、20人までです。",
    error: "エラー：",
    error_summary: "もう一度、確かめてください",
};

static EASY: Words = Words {
    page: "｜日《ひ》を ふやす",
    title: "こどもを ふやす",
    lead: "｜日《ひ》を ひとつ ｜入《い》れてください。｜同《おな》じ ｜日《ひ》の ことばは、まとめて とどきます。",
    kind_legend: "その こどもは",
    pregnant: ("おなかに いる", "｜予定日《よていび》を ｜入《い》れる"),
    raising: ("うまれている", "｜誕生日《たんじょうび》を ｜入《い》れる"),
    due: (
        "｜出産予定日《しゅっさんよていび》（うまれる よていの ｜日《ひ》）",
        "｜母子健康手帳《ぼしけんこうてちょう》を ｜見《み》てください。あとで なおせます。",
    ),
    birth: ("こどもの ｜誕生日《たんじょうび》", "あとで なおせます。"),
    nickname: "よびかた（なくても いいです）",
    nickname_short: "よびかた",
    nickname_hint: "ほんとうの ｜名前《なまえ》でなくて いいです。",
    look_button: "｜見《み》て たしかめる",
    look_title: "これで ふやしますか",
    today_is: "きょうは",
    today_is_after: "です",
    date: "｜日《ひ》",
    add_button: "ふやす",
    back_button: "なおす",
    fine: "｜日《ひ》と よびかたは、ことばを とどける ためだけに ｜使《つか》います。ふやすと、それで いいと いう ことに なります。",
    twins: "ふたごの とき",
    twins_text: "｜同《おな》じ ｜日《ひ》で、もう ひとり ふやせます。｜同《おな》じ ことばは、ひとつだけ とどきます。",
    twin_title: "もう ひとり ふやす",
    twin_text: "この こどもと ｜同《おな》じ ｜日《ひ》で ふやします。ことばは、まとめて とどきます。",
    twin_of: "ふたごの きょうだい",
    twin_button: "もう ひとり ふやす",
    no_kind: "おなかに いるか、うまれているかを、えらんでください。",
    long_nickname: "よびかたは、20｜文字《もじ》までに してください。",
    strange_nickname: "よびかたに、｜見《み》えない ｜文字《もじ》が あります。もう｜一度《いちど》 ｜入《い》れてください。",
    known: "｜近《ちか》い ｜日《ひ》の こどもが、もう います。ふたごの ときは、｜下《した》の「ふたごの とき」から ふやしてください。｜日《ひ》を なおすときは「｜日《ひ》を なおす」を えらんでください。",
    full: "ふやせるのは、20｜人《にん》までです。",
    error: "まちがい：",
    error_summary: "もう｜一度《いちど》 ｜見《み》てください",
};

static EN: Words = Words {
    page: "Add a date",
    title: "Add a child",
    lead: "One date is enough. Words of the same day come together in one message.",
    kind_legend: "This child is",
    pregnant: ("On the way", "Give the due date"),
    raising: ("Born", "Give the birthday"),
    due: (
        "Due date",
        "See your Mother and Child Health Handbook. You can correct it later.",
    ),
    birth: ("Your child's birthday", "You can correct it later."),
    nickname: "What you call the child (optional)",
    nickname_short: "Called",
    nickname_hint: "It need not be the real name. It stands above the words.",
    look_button: "Check",
    look_title: "Add like this?",
    today_is: "Today:",
    today_is_after: "",
    date: "Date",
    add_button: "Add",
    back_button: "Change",
    fine: "The date and what you call the child are used only to send words for that day. By adding you agree to this.",
    twins: "Twins or more",
    twins_text: "You can add another child with the same date. The same words never come twice.",
    twin_title: "Add another child",
    twin_text: "It is added with the same date as this child. The words come together in one message.",
    twin_of: "Twin",
    twin_button: "Add another child",
    no_kind: "Choose whether the child is on the way or born.",
    long_nickname: "Use at most 20 characters for what you call the child.",
    strange_nickname: "There is a character in what you call the child that nobody can see. Please write it again.",
    known: "A child with nearly the same date is followed already. For twins, use “Twins or more” below. To correct the date, use “Correct a date”.",
    full: "One reader can follow at most 20 children.",
    error: "Error: ",
    error_summary: "Please check",
};
