//! The page behind a reader's own link that is too old: a fresh one goes to the address on record, and nowhere else.
//!
//! What is said is the same whatever is behind the link, so that nobody learns from it who reads, and how.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use kizuna_domain::ids::SubscriberId;
use kizuna_engine::actions::fresh_link;
use kizuna_engine::{links, run};
use kizuna_store::tenants::Tenant;

use super::{Desks, Frame};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

#[derive(Template)]
#[template(path = "reader/expired.html")]
struct ExpiredPage {
    frame: Frame,
    words: &'static Words,
    /// True on the page behind the button.
    is_asked: bool,
    /// Where the button leads; none for a link that is too old for that too.
    action: Option<String>,
    desks: Desks,
}

/// The reader for whom an old link may ask for a fresh one.
fn asks(site: &Site, tenant: &Tenant, token: &str) -> Result<Option<SubscriberId>, PageError> {
    let (env, today) = (&site.env, run::today(&site.env, tenant)?);
    let found = env
        .db
        .read(|tx| links::read_own_token(tx, &env.keys, tenant.scope(), token))?;
    Ok(found
        .filter(|(_, until)| today - *until <= fresh_link::ASKS_FOR_DAYS)
        .map(|(reader, _)| reader))
}

/// Says that the link is too old, with a button for a fresh one.
pub(crate) fn show(site: &Site, tenant: &Tenant, language: Language, token: &str) -> Result<Response, PageError> {
    let action = asks(site, tenant, token)?.map(|_| format!("/{}/fresh/{token}{}", tenant.code, language.query()));
    answer(site, tenant, language, StatusCode::GONE, action)
}

/// Sends a fresh link to whom an old one belongs, and says the same for every link.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let after = format!("/{}/fresh{}", tenant.code, language.query());
    blocking(&site, move |site| {
        if let Some(reader) = asks(site, &tenant, &token)? {
            fresh_link::send(&site.env, &tenant, reader, language.code())?;
        }
        Ok(())
    })
    .await?;
    Ok(Redirect::to(&after))
}

/// Says where the fresh link is.
pub(crate) async fn asked(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
) -> Result<Response, PageError> {
    blocking(&site, move |site| answer(site, &tenant, language, StatusCode::OK, None)).await
}

fn answer(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    status: StatusCode,
    action: Option<String>,
) -> Result<Response, PageError> {
    let shown = ExpiredPage {
        frame: Frame::new(tenant, language),
        words: language.pick(&JA, &EASY, &EN),
        is_asked: status == StatusCode::OK,
        action,
        desks: Desks::of(site, tenant, language)?,
    };
    page(status, &shown)
}

struct Words {
    title: &'static str,
    lead: &'static str,
    button: &'static str,
    sent_title: &'static str,
    sent: &'static str,
    how_title: &'static str,
    how: [(&'static str, &'static str); 3],
    desks: &'static str,
}

static JA: Words = Words {
    title: "このリンクは、古くなりました",
    lead: "あなたのページを守るため、リンクは30日で使えなくなります。何も変わっていません。",
    button: "新しいリンクを送る",
    sent_title: "受け付けました",
    sent: "メールアドレスの登録があれば、新しいリンクが数分で届きます。届かないときは、迷惑メールの箱も見てください。送るのは、1時間に1回、一日に3回までです。",
    how_title: "ほかのひらき方",
    how: [
        ("メール", "いちばん新しいメールの下のリンクから、ひらけます。"),
        ("LINE", "トークの下のメニューから、ひらけます。"),
        ("ウェブだけ", "登録のときにしまった、ことばのページから、ひらけます。"),
    ],
    desks: "話したいとき、困ったとき",
};

static EASY: Words = Words {
    title: "この リンクは ｜古《ふる》いです",
    lead: "リンクは 30｜日《にち》だけ ｜使《つか》えます。｜何《なに》も ｜変《か》わって いません。",
    button: "｜新《あたら》しい リンクを ｜送《おく》る",
    sent_title: "わかりました",
    sent: "メールアドレスの ｜登録《とうろく》が あれば、｜新《あたら》しい リンクが ｜届《とど》きます。｜届《とど》かない ときは、｜迷惑《めいわく》メールの ｜箱《はこ》を ｜見《み》てください。1｜時間《じかん》に 1｜回《かい》、｜一日《いちにち》に 3｜回《かい》まで ｜送《おく》れます。",
    how_title: "ほかの ひらき｜方《かた》",
    how: [
        (
            "メール",
            "いちばん ｜新《あたら》しい メールの ｜下《した》の リンクを おしてください。",
        ),
        ("LINE", "トークの ｜下《した》の メニューを おしてください。"),
        (
            "ウェブだけ",
            "｜登録《とうろく》した ときの、ことばの ページを ひらいてください。",
        ),
    ],
    desks: "｜話《はな》したい とき、｜困《こま》った とき",
};

static EN: Words = Words {
    title: "This link is too old",
    lead: "To keep your page safe, links end after 30 days. Nothing has changed.",
    button: "Send a fresh link",
    sent_title: "We have your request",
    sent: "If an e-mail address is registered, a fresh link arrives there within minutes. If it does not, please look among your junk mail, too. One can be sent each hour, and three a day.",
    how_title: "Other ways to your page",
    how: [
        ("E-mail", "Use the link at the end of your newest message."),
        ("LINE", "Use the menu below the talk."),
        ("Web only", "Open the page of words that you kept when you registered."),
    ],
    desks: "If you want to talk or need help",
};
