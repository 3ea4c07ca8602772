//! The page behind the link of a mail that asks whether messages may come there: one button, and that it is done.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kizuna_engine::actions::delivery::{self, Joined};
use kizuna_engine::line::identity::{self, Purpose, Shown};
use kizuna_store::tenants::Tenant;

use super::{Closed, Frame, closed};
use crate::Site;
use crate::error::{PageError, page};
use crate::guard::{Shared, Town, blocking};
use crate::language::Language;

/// The words of this page.
struct Words {
    title: &'static str,
    text: &'static str,
    button: &'static str,
    stranger: &'static str,
    done_title: &'static str,
    done_text: &'static str,
    taken_title: &'static str,
    taken_text: &'static str,
}

static JA: Words = Words {
    title: "メールアドレスの確認",
    text: "このメールを受け取ったアドレスに、これからお届けします。よければ、ボタンをおしてください。",
    button: "このアドレスで受け取る",
    stranger: "心あたりがないときは、何もしないで、このページをとじてください。何も届きません。",
    done_title: "受け取るところを変えました",
    done_text: "これからは、このメールアドレスに届きます。",
    taken_title: "このアドレスは使われています",
    taken_text: "このメールアドレスは、別の登録で使われています。何も変わっていません。ほかのアドレスをためしてください。",
};

static EASY: Words = Words {
    title: "メールアドレスの ｜確認《かくにん》",
    text: "この メールアドレスに ｜届《とど》けます。よければ、ボタンを おしてください。",
    button: "この アドレスで ｜受《う》け｜取《と》る",
    stranger: "｜知《し》らない メールなら、ページを とじてください。｜何《なに》も ｜届《とど》きません。",
    done_title: "｜受《う》け｜取《と》る ところを ｜変《か》えました",
    done_text: "これから この メールアドレスに ｜届《とど》きます。",
    taken_title: "この アドレスは ｜使《つか》われています",
    taken_text: "この メールアドレスは ｜別《べつ》の ｜登録《とうろく》で ｜使《つか》われています。｜何《なに》も ｜変《か》わっていません。ほかの アドレスを ｜使《つか》ってください。",
};

static EN: Words = Words {
    title: "Confirm your e-mail address",
    text: "From now on messages will come to the address that received this mail. If that is right, press the button.",
    button: "Receive at this address",
    stranger: "If you know nothing of this, just close the page. Nothing will be sent.",
    done_title: "Your messages come here now",
    done_text: "From now on messages come to this e-mail address.",
    taken_title: "This address is in use",
    taken_text: "This e-mail address is used by another registration. Nothing has changed. Please try another address.",
};

#[derive(Template)]
#[template(path = "reader/delivery_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    title: &'static str,
    text: &'static str,
    /// The button and where it leads; none where there is nothing to press.
    button: Option<(&'static str, String)>,
    stranger: &'static str,
}

impl ConfirmPage {
    fn plain(tenant: &Tenant, language: Language, title: &'static str, text: &'static str) -> ConfirmPage {
        ConfirmPage {
            frame: Frame::new(tenant, language),
            title,
            text,
            button: None,
            stranger: "",
        }
    }
}

/// A ticket in an address, before it is known what it is worth.
type Token = Path<(String, String)>;

fn open(site: &Site, tenant: &Tenant, token: &str) -> Result<Shown, PageError> {
    Ok(identity::show(&site.env, tenant.scope(), Purpose::Address, token)?)
}

fn address(tenant: &Tenant, language: Language, token: &str) -> String {
    format!("/{}/delivery/{token}{}", tenant.code, language.query())
}

/// Shows the button, or that it was pressed; programs that follow the links of mails change nothing.
pub(crate) async fn get(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let words = language.pick(&JA, &EASY, &EN);
        match open(site, &tenant, &token)? {
            Shown::Good(_) => page(
                StatusCode::OK,
                &ConfirmPage {
                    button: Some((words.button, address(&tenant, language, &token))),
                    stranger: words.stranger,
                    ..ConfirmPage::plain(&tenant, language, words.title, words.text)
                },
            ),
            Shown::Used(_) => page(
                StatusCode::OK,
                &ConfirmPage::plain(&tenant, language, words.done_title, words.done_text),
            ),
            Shown::Nothing => closed(site, &tenant, language, Closed::Gone),
        }
    })
    .await
}

/// Lets messages come there; the second of two presses sees that it is done.
pub(crate) async fn post(
    State(site): State<Shared>,
    language: Language,
    Town { tenant }: Town,
    Path((_, token)): Token,
) -> Result<Response, PageError> {
    blocking(&site, move |site| {
        let words = language.pick(&JA, &EASY, &EN);
        let back = Redirect::to(&address(&tenant, language, &token)).into_response();
        let pass = match open(site, &tenant, &token)? {
            Shown::Good(pass) => pass,
            Shown::Used(_) => return Ok(back),
            Shown::Nothing => return closed(site, &tenant, language, Closed::Gone),
        };
        match delivery::confirm_mail(&site.env, &tenant, &pass)? {
            Joined::Now | Joined::Before => Ok(back),
            Joined::Taken => page(
                StatusCode::CONFLICT,
                &ConfirmPage::plain(&tenant, language, words.taken_title, words.taken_text),
            ),
            Joined::NotAFriend | Joined::Gone => closed(site, &tenant, language, Closed::Gone),
        }
    })
    .await
}
