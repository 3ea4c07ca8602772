//! Out to LINE for one thing: the page with the link there, and the page that says why nothing came of it.
//!
//! The ticket of the errand is set as a cookie in the answer to the reader's own press, so that no link can carry it to
//! somebody else. The way on is a link: a form that ended at LINE would be stopped by our own policy for forms.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kizuna_engine::actions::delivery::Joined;
use kizuna_engine::line::errand::{self, Errand};
use kizuna_engine::line::login::PATIENCE;
use kizuna_store::tenants::Tenant;

use super::halt::Why;
use super::login::{Aim, ERRAND_COOKIE, Luggage, TO_ERRAND, Visit, set_cookie};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::is_from_here;
use crate::language::Language;
use crate::reader::{Desks, Frame};

/// The words of these pages.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
    stranger: &'static str,
    refused_title: &'static str,
    taken: &'static str,
    friend: &'static str,
    no: &'static str,
}

static JA: Words = Words {
    title: "LINEへ進みます",
    text: "LINEの画面で、あなたのLINEを確かめます。これからは、そのLINEに届きます。",
    button: "LINEへ進む",
    stranger: "自分でえらんだのでなければ、進まずに、このページをとじてください。何も変わりません。10分たったら、前のページからやりなおしてください。",
    refused_title: "LINEでは受け取れません",
    taken: "そのLINEは、別の登録で使われています。何も変わっていません。前のページにもどると、ほかの受け取り方をえらべます。",
    friend: "そのLINEは、まだ友だちになっていません。友だちになってから、前のページでもう一度おしてください。何も変わっていません。",
    no: "いまは変えられません。何も変わっていません。",
};

static EASY: Words = Words {
    title: "LINEへ ｜進《すす》みます",
    text: "LINEの ｜画面《がめん》で、あなたの LINEを ｜確《たし》かめます。これから その LINEに ｜届《とど》きます。",
    button: "LINEへ ｜進《すす》む",
    stranger: "｜自分《じぶん》で えらんで いないときは、ページを とじてください。｜何《なに》も ｜変《か》わりません。10｜分《ぷん》が すぎたら、｜前《まえ》の ページで もう｜一度《いちど》 おしてください。",
    refused_title: "LINEでは ｜受《う》け｜取《と》れません",
    taken: "その LINEは ｜別《べつ》の ｜登録《とうろく》で ｜使《つか》っています。｜何《なに》も ｜変《か》わっていません。｜前《まえ》の ページで ほかの ｜受《う》け｜取《と》り｜方《かた》を ｜選《えら》んでください。",
    friend: "その LINEは まだ ｜友《とも》だちでは ありません。｜友《とも》だちに なってから、｜前《まえ》の ページで もう｜一度《いちど》 おしてください。｜何《なに》も ｜変《か》わっていません。",
    no: "いまは ｜変《か》えられません。｜何《なに》も ｜変《か》わっていません。",
};

static EN: Words = Words {
    title: "On to LINE",
    text: "LINE will ask you who you are. From then on messages come to that LINE account.",
    button: "Go to LINE",
    stranger: "If you did not choose this yourself, do not go on; just close the page. Nothing will change. After ten minutes, begin again on the page before.",
    refused_title: "Not by this LINE account",
    taken: "This LINE account is used by another registration. Nothing has changed. On the page before you can choose another way.",
    friend: "This LINE account is not our friend yet. Add us as a friend, then press again on the page before. Nothing has changed.",
    no: "This cannot be changed now. Nothing has changed.",
};

#[derive(Template)]
#[template(path = "line/errand.html")]
struct ErrandPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    words: &'static Words,
    /// The way to LINE; none where nothing came of it.
    link: Option<String>,
    /// For whoever cannot go on alone.
    desks: Desks,
}

/// Gives whoever pressed a button on a page of ours the ticket of an errand, and the link to LINE.
pub(crate) fn lead(
    site: &Site,
    tenant: &Tenant,
    language: Language,
    headers: &HeaderMap,
    errand: &Errand,
) -> Result<Response, PageError> {
    // A page from elsewhere could press the button of its own reader in somebody else's browser.
    if !is_from_here(headers, &tenant.settings.base_url) {
        let visit = Visit {
            site,
            tenant,
            language,
            aim: Aim::Home,
            luggage: Luggage::default(),
        };
        return visit.halt(Why::Unproved);
    }
    let ticket = errand::ticket(&site.env, tenant.scope(), errand)?;
    let words = language.pick(&JA, &EASY, &EN);
    let shown = ErrandPage {
        frame: Frame::new(tenant, language),
        title: words.title,
        text: words.text,
        words,
        link: Some(Luggage::default().way_out(&tenant.code, language, TO_ERRAND)),
        desks: Desks { desks: Vec::new() },
    };
    let mut response = page(StatusCode::OK, &shown)?;
    set_cookie(&mut response, tenant, ERRAND_COOKIE, &ticket, PATIENCE.as_secs())?;
    Ok(response)
}

/// Says to whoever came back from LINE why messages do not come there; opens no page of the reader.
pub(crate) fn refused(site: &Site, tenant: &Tenant, language: Language, why: Joined) -> Result<Response, PageError> {
    let words = language.pick(&JA, &EASY, &EN);
    let shown = ErrandPage {
        frame: Frame::new(tenant, language),
        title: words.refused_title,
        text: match why {
            Joined::Taken => words.taken,
            Joined::NotAFriend => words.friend,
            Joined::Gone | Joined::Now | Joined::Before => words.no,
        },
        words,
        link: None,
        desks: Desks::of(site, tenant, language)?,
    };
    page(StatusCode::CONFLICT, &shown)
}
