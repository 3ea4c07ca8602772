//! The page for whoever comes back from LINE unproved: nothing has changed, and every way on is a button.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use kizuna_store::tenants::Tenant;

use super::login::{Aim, Luggage};
use crate::Site;
use crate::error::{PageError, page};
use crate::language::Language;
use crate::reader::{Desks, Frame};

/// Why LINE has proved nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// They said no on LINE's page.
    Denied,
    /// It took too long, went on in another browser, or was forged.
    Unproved,
    /// LINE does not answer.
    LineIsDown,
}

impl Why {
    fn status(self) -> StatusCode {
        match self {
            Why::Denied => StatusCode::OK,
            Why::Unproved => StatusCode::FORBIDDEN,
            Why::LineIsDown => StatusCode::BAD_GATEWAY,
        }
    }

    /// LINE's own word for it, with which the page is opened in another language.
    fn code(self) -> &'static str {
        match self {
            Why::Denied => "access_denied",
            Why::Unproved => "unproved",
            Why::LineIsDown => "server_error",
        }
    }
}

/// The words of this page.
struct Words {
    denied: (&'static str, &'static str),
    unproved: (&'static str, &'static str),
    down: (&'static str, &'static str),
    again: &'static str,
    /// What else to try where the LINE app loses the way, and its button.
    plain: (&'static str, &'static str),
    register: &'static str,
}

static JA: Words = Words {
    denied: (
        "LINEで確かめるのを、やめました",
        "何も変わっていません。つづけるときは、もう一度おしてください。",
    ),
    unproved: (
        "LINEで確かめられませんでした",
        "何も変わっていません。時間がたちすぎたか、とちゅうでほかのブラウザーに変わったようです。",
    ),
    down: (
        "いま、LINEとつながりません",
        "何も変わっていません。LINE側の問題です。時間をおいて、もう一度ためしてください。",
    ),
    again: "もう一度、LINEで確かめる",
    plain: (
        "何度も同じになるときは、LINEに登録したメールアドレスとパスワードで確かめられます。",
        "LINEのアプリを使わずに確かめる",
    ),
    register: "登録のページへ",
};

static EASY: Words = Words {
    denied: (
        "LINEで ｜確《たし》かめませんでした",
        "｜何《なに》も ｜変《か》わっていません。もう｜一度《いちど》するときは、ボタンを おしてください。",
    ),
    unproved: (
        "LINEで ｜確《たし》かめることが できませんでした",
        "｜何《なに》も ｜変《か》わっていません。｜時間《じかん》が すぎたか、ほかの ブラウザーで ひらいたのかもしれません。",
    ),
    down: (
        "｜今《いま》、LINEが ｜使《つか》えません",
        "｜何《なに》も ｜変《か》わっていません。LINEの ｜会社《かいしゃ》の ｜問題《もんだい》です。｜少《すこ》し ｜待《ま》って、もう｜一度《いちど》 してください。",
    ),
    again: "もう｜一度《いちど》 LINEで ｜確《たし》かめる",
    plain: (
        "｜何回《なんかい》しても ｜同《おな》じときは、LINEの メールアドレスと パスワードで ｜確《たし》かめてください。",
        "LINEの アプリを ｜使《つか》わない",
    ),
    register: "｜登録《とうろく》の ページへ",
};

static EN: Words = Words {
    denied: (
        "You did not continue with LINE",
        "Nothing has changed. To go on, press once more.",
    ),
    unproved: (
        "LINE could not confirm who you are",
        "Nothing has changed. It took too long, or went on in another browser.",
    ),
    down: (
        "LINE cannot be reached at the moment",
        "Nothing has changed. The problem is on LINE's side. Please try again a little later.",
    ),
    again: "Try again with LINE",
    plain: (
        "If this keeps happening, use the e-mail address and password of your LINE account.",
        "Continue without the LINE app",
    ),
    register: "To the registration page",
};

#[derive(Template)]
#[template(path = "line/halt.html")]
struct HaltPage {
    frame: Frame,
    words: &'static Words,
    title: &'static str,
    text: &'static str,
    again: String,
    /// The way without LINE's app; none where the app is not to blame.
    plain: Option<String>,
    /// The way without LINE; none for whoever is registered already.
    register: Option<String>,
    desks: Desks,
}

/// What happened to whom.
pub(super) struct Halt<'a> {
    pub(super) site: &'a Site,
    pub(super) tenant: &'a Tenant,
    pub(super) language: Language,
    pub(super) why: Why,
    pub(super) aim: Aim,
    pub(super) luggage: &'a Luggage,
}

/// Says what happened, and how to go on.
pub(super) fn halt(halt: &Halt<'_>) -> Result<Response, PageError> {
    let &Halt {
        site,
        tenant,
        language,
        why,
        aim,
        luggage,
    } = halt;
    let words = language.pick(&JA, &EASY, &EN);
    let (title, text) = match why {
        Why::Denied => words.denied,
        Why::Unproved => words.unproved,
        Why::LineIsDown => words.down,
    };
    let again = luggage.way_out(&tenant.code, language, aim.code());
    let sign = if again.contains('?') { '&' } else { '?' };
    let register = luggage.behind(&format!("/{}/register", tenant.code), language, "");
    let mut frame = Frame::new(tenant, language);
    frame.behind = format!("&error={}", why.code());
    if aim != Aim::Home {
        frame.behind.extend(["&to=", aim.code()]);
    }
    let shown = HaltPage {
        frame,
        words,
        title,
        text,
        plain: (why == Why::Unproved).then(|| format!("{again}{sign}plain=1")),
        again,
        register: (aim == Aim::Home).then_some(register),
        desks: Desks::of(site, tenant, language)?,
    };
    page(why.status(), &shown)
}
