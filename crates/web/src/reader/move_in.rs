//! The new town's page for those who move here: a code, a look at what comes along, and how to receive it here.
//!
//! The code travels in forms and never in an address. Wrong, expired, withdrawn and long used codes look alike.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::moving::{self, Arrived, Luggage, Way};
use kizuna_engine::line::errand::Errand;
use kizuna_engine::line::login;
use kizuna_engine::ways::{MAIL, WEB};
use kizuna_engine::{links, run};
use kizuna_store::tenants::{self, Tenant};
use serde::Deserialize;

use super::dates;
use super::entry_words::EntryWords;
use super::{Desks, Frame, own};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Door, Shared, Town, blocking};
use crate::language::Language;
use crate::line::errand;

/// The words of these pages.
struct Words {
    kept: &'static str,
    title: &'static str,
    lead: &'static str,
    code_label: &'static str,
    code_hint: &'static str,
    look_button: &'static str,
    error_label: &'static str,
    wrong: &'static str,
    too_often: &'static str,
    taken: &'static str,
    no_way: &'static str,
    look_title: &'static str,
    today: &'static str,
    takes: &'static str,
    stops: &'static str,
    how_title: &'static str,
    mail_text: &'static str,
    mail_button: &'static str,
    line_text: &'static str,
    line_button: &'static str,
    web_text: &'static str,
    web_button: &'static str,
    no_ways: &'static str,
}

static JA: Words = Words {
    kept: "受け取り方に合わせて、LINEの利用者番号かメールアドレス。",
    title: "引っこしてきた方へ",
    lead: "前の市や町のページで作った番号を入れてください。日付を入れなおさずに、つづけて読めます。",
    code_label: "うつるための番号",
    code_hint: "文字と数字、8つです。大文字でも小文字でもかまいません。",
    look_button: "番号を確かめる",
    error_label: "エラー：",
    wrong: "この番号は使えません。番号と、えらんだ市や町を確かめてください。番号は、7日で使えなくなります。",
    too_often: "ためした回数が多すぎます。1時間ほどおいて、もう一度ためしてください。",
    taken: "その受け取り先は、ここの別の登録で使われています。何も変わっていません。ほかの受け取り方をえらんでください。",
    no_way: "その受け取り方は、いま使えません。何も変わっていません。LINEのときは、友だちになってから、もう一度おしてください。",
    look_title: "これでよいですか",
    today: "きょうは",
    takes: "日付、呼び名、続柄、ことばの種類をうつします。届いたことばや、前の受け取り先の記録は、うつしません。",
    stops: "うつすと、前の市や町からは届かなくなります。",
    how_title: "ここでの受け取り方をえらぶと、うつります",
    mail_text: "確かめてあるアドレスを、ここでも使います。",
    mail_button: "{mail} で受け取る",
    line_text: "LINEの画面で、あなたのLINEを確かめます。",
    line_button: "LINEで受け取る",
    web_text: "何も届きません。自分のページをひらいて読みます。",
    web_button: "自分のページで読む",
    no_ways: "ここには、いま使える受け取り方がありません。下の相談先にお知らせください。",
};

static EASY: Words = Words {
    kept: "LINEの ｜番号《ばんごう》か、メールアドレス。",
    title: "｜引《ひ》っ｜越《こ》して きた ｜人《ひと》へ",
    lead: "｜前《まえ》の ｜町《まち》の ページで ｜作《つく》った ｜番号《ばんごう》を ｜入《い》れてください。つづけて ｜読《よ》めます。",
    code_label: "｜番号《ばんごう》",
    code_hint: "｜文字《もじ》と ｜数字《すうじ》、8つです。",
    look_button: "｜番号《ばんごう》を ｜確《たし》かめる",
    error_label: "まちがい：",
    wrong: "この ｜番号《ばんごう》は ｜使《つか》えません。｜番号《ばんごう》と ｜町《まち》を もう｜一度《いちど》 ｜見《み》てください。｜番号《ばんごう》は 7｜日《にち》で ｜使《つか》えなくなります。",
    too_often: "｜何度《なんど》も ためしました。1｜時間《じかん》 ｜待《ま》ってから、もう｜一度《いちど》 してください。",
    taken: "そこは ｜別《べつ》の ｜登録《とうろく》で ｜使《つか》っています。｜何《なに》も ｜変《か》わっていません。ほかの ｜受《う》け｜取《と》り｜方《かた》を えらんでください。",
    no_way: "その ｜受《う》け｜取《と》り｜方《かた》は いま ｜使《つか》えません。｜何《なに》も ｜変《か》わっていません。LINEなら、｜友《とも》だちに なってから、もう｜一度《いちど》 おしてください。",
    look_title: "これで いいですか",
    today: "きょうは",
    takes: "｜日付《ひづけ》と ｜名前《なまえ》を ｜移《うつ》します。｜届《とど》いた ことばは ｜移《うつ》しません。",
    stops: "｜移《うつ》すと、｜前《まえ》の ｜町《まち》からは ｜届《とど》きません。",
    how_title: "ここでの ｜受《う》け｜取《と》り｜方《かた》を えらんでください",
    mail_text: "いまの アドレスを ここでも ｜使《つか》います。",
    mail_button: "{mail} で ｜受《う》け｜取《と》る",
    line_text: "LINEの ｜画面《がめん》で、あなたの LINEを ｜確《たし》かめます。",
    line_button: "LINEで ｜受《う》け｜取《と》る",
    web_text: "｜何《なに》も ｜届《とど》きません。｜自分《じぶん》の ページを ひらいて ｜読《よ》みます。",
    web_button: "｜自分《じぶん》の ページで ｜読《よ》む",
    no_ways: "いま ｜使《つか》える ｜受《う》け｜取《と》り｜方《かた》が ありません。｜下《した》の ところに ｜聞《き》いてください。",
};

static EN: Words = Words {
    kept: "and, by how you receive, your LINE user ID or e-mail address.",
    title: "If you have moved here",
    lead: "Enter the code from the page of your town before. You go on reading without entering your date again.",
    code_label: "Your code for moving",
    code_hint: "Eight letters and digits, capital or small.",
    look_button: "Check the code",
    error_label: "Error: ",
    wrong: "This code cannot be used. Please check the code and the town that you chose. Codes end after seven days.",
    too_often: "This was tried too often. Please wait about an hour and try again.",
    taken: "Another registration here uses that. Nothing has changed. Please choose another way.",
    no_way: "This way cannot be used now. Nothing has changed. For LINE, add us as a friend and press again.",
    look_title: "Is this right?",
    today: "Today:",
    takes: "Your date, nickname, relation and kind of words come along. Messages that you have read and earlier addresses do not.",
    stops: "Once you move, nothing more comes from the town before.",
    how_title: "Choose how to receive here, and you have moved",
    mail_text: "The address that you have confirmed is used here too.",
    mail_button: "Receive at {mail}",
    line_text: "LINE will ask you who you are.",
    line_button: "Receive by LINE",
    web_text: "Nothing is sent. You open your own page to read.",
    web_button: "Read on my own page",
    no_ways: "There is no way to receive here now. Please tell the desk below.",
};

#[derive(Template)]
#[template(path = "reader/move_in.html")]
struct CodePage {
    frame: Frame,
    words: &'static Words,
    action: String,
    problem: Option<&'static str>,
    typed: String,
    desks: Desks,
}

/// One thing that comes along.
struct Child {
    stage: String,
    nickname: String,
}

#[derive(Template)]
#[template(path = "reader/move_in_look.html")]
struct LookPage {
    frame: Frame,
    words: &'static Words,
    consent: &'static EntryWords,
    action: String,
    problem: Option<&'static str>,
    code: String,
    /// The mark of this form, by which the second of two presses is known.
    mark: String,
    children: Vec<Child>,
    mail_button: Option<String>,
    has_line: bool,
    has_web: bool,
    desks: Desks,
}

/// The form as it comes in; a part that is missing is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    code: String,
    way: String,
    once: String,
}

/// Days for which a form that was looked at can be pressed.
const ENTRY_DAYS: i32 = 1;

/// Asks for the code.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| ask(site, &tenant, language, "", None)).await
}

/// Shows what a code brings, or lets its reader come.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    door: Door,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let env = &site.env;
        let words = language.pick(&JA, &EASY, &EN);
        let again = |problem| ask(site, &tenant, language, &entry.code, Some(problem));
        if !moving::may_try(env, &tenant, door.client.address)? {
            return again((StatusCode::TOO_MANY_REQUESTS, words.too_often));
        }
        let Some(luggage) = moving::look(env, &tenant, &entry.code)? else {
            return again((StatusCode::UNPROCESSABLE_ENTITY, words.wrong));
        };
        // A form that was never looked at, or long ago, is looked at now.
        let today = run::today(env, &tenant)?;
        let mark = links::read_entry_token(&env.keys, tenant.id, &entry.once);
        let number = mark.filter(|(_, until)| today <= *until).map(|(number, _)| number);
        if let Some(reader) = luggage.arrived {
            return match number.map(SubscriberId::new) {
                Some(of_form) if of_form == reader => arrived(site, &tenant, language, reader),
                // Whoever holds nothing but the code is told how it goes on, and gets no link.
                Some(_) | None => Ok(Redirect::to(&own::changed(&tenant, "moved", language)).into_response()),
            };
        }
        let Some(number) = number else {
            return look(site, &tenant, language, &entry.code, &luggage, None);
        };
        let way = match entry.way.as_str() {
            "mail" => Way::Mail,
            WEB => Way::Web,
            kizuna_store::line::CHANNEL => {
                let errand = Errand::Arrive(moving::folded(&entry.code));
                return errand::lead(site, &tenant, language, &headers, &errand);
            }
            _ => return look(site, &tenant, language, &entry.code, &luggage, None),
        };
        match moving::arrive(env, &tenant, &entry.code, &way, number)? {
            Arrived::Now(reader) | Arrived::Before(reader) => arrived(site, &tenant, language, reader),
            Arrived::Taken => look(site, &tenant, language, &entry.code, &luggage, Some(words.taken)),
            Arrived::NoWay => look(site, &tenant, language, &entry.code, &luggage, Some(words.no_way)),
            Arrived::Nothing => again((StatusCode::UNPROCESSABLE_ENTITY, words.wrong)),
        }
    })
    .await
}

/// Back from LINE with what became of it.
pub(crate) fn came_back(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    came: Arrived,
) -> Result<Response, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    let problem = match came {
        Arrived::Now(reader) | Arrived::Before(reader) => return arrived(site, tenant, language, reader),
        Arrived::Taken => words.taken,
        Arrived::NoWay => words.no_way,
        Arrived::Nothing => words.wrong,
    };
    ask(site, tenant, language, "", Some((StatusCode::CONFLICT, problem)))
}

/// On to the page that says it is done; a second press of the same form comes to the same.
fn arrived(site: &Site, tenant: &Tenant, language: Language, reader: SubscriberId) -> Result<Response, PageError> {
    own::show_menu(site, tenant, reader);
    let page = own::address(&own::for_today(site, tenant, reader)?, "moved", language);
    Ok(Redirect::to(&page).into_response())
}

fn action(tenant: &Tenant, language: Language) -> String {
    format!("/{}/move-in{}", tenant.code, language.query())
}

fn ask(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    typed: &str,
    problem: Option<(StatusCode, &'static str)>,
) -> Result<Response, PageError> {
    let shown = CodePage {
        frame: Frame::new(tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        action: action(tenant, language),
        problem: problem.map(|(_, sentence)| sentence),
        typed: typed.chars().take(CODE_SHOWN_MAX).collect(),
        desks: Desks::of(site, tenant, language)?,
    };
    page(problem.map_or(StatusCode::OK, |(status, _)| status), &shown)
}

/// Characters of a mistyped code that are shown again.
const CODE_SHOWN_MAX: usize = 40;

fn look(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    code: &str,
    luggage: &Luggage,
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let env = &site.env;
    let words = language.pick(&JA, &EASY, &EN);
    let today = run::today(env, tenant)?;
    let accounts = env.db.read(|tx| tenants::accounts(tx, &env.keys, tenant.scope()))?;
    let has = |channel: &str| accounts.iter().any(|account| account.channel == channel);
    let children = luggage.children.iter().map(|child| Child {
        stage: dates::stage(&child.anchor, today, tenant.settings.customs, language),
        nickname: child.nickname.clone().unwrap_or_default(),
    });
    let shown = LookPage {
        frame: Frame::new(tenant, language),
        words,
        consent: EntryWords::of(language),
        action: action(tenant, language),
        problem,
        code: moving::folded(code),
        mark: links::entry_token(&env.keys, tenant.id, env.ids.next(), today + ENTRY_DAYS),
        children: children.collect(),
        mail_button: (MAIL.iter().any(|channel| has(channel)) && !luggage.mail.is_empty())
            .then(|| words.mail_button.replace("{mail}", &luggage.mail)),
        has_line: login::has_door(env, tenant)?,
        has_web: has(WEB),
        desks: Desks::of(site, tenant, language)?,
    };
    let status = if problem.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    page(status, &shown)
}
