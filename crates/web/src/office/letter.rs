//! One letter of the mailbox, word for word as it was written; its address is not shown.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::mail_file::Mail;
use super::{Here, Shell, mailbox};
use crate::error::{PageError, page};
use crate::guard::{Office, Shared, blocking};

#[derive(Template)]
#[template(path = "office/letter.html")]
struct LetterPage {
    shell: Shell,
    name: String,
    mail: Mail,
}

/// Shows a letter.
pub(crate) async fn get(
    State(site): State<Shared>,
    Path((_, name)): Path<(String, String)>,
    office: Office,
) -> Result<Response, PageError> {
    let shown = blocking(&site, move |site| {
        let folder = mailbox::folder(site, &office.tenant)?.ok_or(PageError::NotFound)?;
        let mail = mailbox::read(&folder, &name).ok_or(PageError::NotFound)?;
        Ok(LetterPage {
            shell: Shell::new(&office, Here::Mailbox, mail.subject.clone()),
            name,
            mail,
        })
    })
    .await?;
    page(StatusCode::OK, &shown)
}
