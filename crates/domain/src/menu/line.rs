//! What LINE is told about a menu: one form for its API, and a name that says whether it is there already.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Area, Intent, Menu, MenuAction, MenuProblem, NAME_CHARS_MAX, Size, uri_problem};
use crate::text::tel;

/// How the presses that ask something of us reach us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destinations {
    /// The account is ours: LINE posts [`Intent::postback`] to our webhook.
    Webhook,
    /// We are guests in an account and see no webhook: every press opens a page.
    Pages(BTreeMap<Intent, String>),
}

/// A rich menu as LINE's API takes it (`POST /v2/bot/richmenu`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineMenu {
    /// Size of the picture.
    pub size: Size,
    /// True where it is open when a talk is entered.
    pub selected: bool,
    /// Our name for it; readers do not see it.
    pub name: String,
    /// Words of the bar.
    pub chat_bar_text: String,
    /// What can be pressed.
    pub areas: Vec<LineArea>,
}

/// A rectangle of the picture and what a press does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineArea {
    /// Where.
    pub bounds: Area,
    /// What.
    pub action: LineAction,
}

/// What a press does. No words of a reader's own appear in the talk: one slip would leave うまれました there for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum LineAction {
    /// Sends data to our webhook.
    Postback {
        /// Read aloud.
        label: String,
        /// What arrives.
        data: String,
    },
    /// Opens a page or dials.
    Uri {
        /// Read aloud.
        label: String,
        /// Where to.
        uri: String,
    },
}

impl Menu {
    /// What LINE is told, for a picture of that size.
    pub fn line(&self, size: Size, name: &str, to: &Destinations) -> Result<LineMenu, MenuProblem> {
        let length = name.chars().count();
        if length > NAME_CHARS_MAX {
            return Err(MenuProblem::Name { length });
        }
        let document = self.document();
        let areas = self.areas(size).into_iter().zip(&document.buttons);
        let areas = areas.map(|(bounds, button)| {
            let action = action(button.spoken(), &button.action, to)?;
            Ok(LineArea { bounds, action })
        });
        Ok(LineMenu {
            size,
            selected: true,
            name: name.to_owned(),
            chat_bar_text: document.bar.clone(),
            areas: areas.collect::<Result<_, _>>()?,
        })
    }

    /// What LINE is told, under a name that is equal where the picture and everything said about it are equal:
    /// `kizuna-child-` and 16 digits. A menu that LINE has under this name need not be published again.
    pub fn line_named(&self, size: Size, picture: &[u8], to: &Destinations) -> Result<LineMenu, MenuProblem> {
        let unnamed = self.line(size, "", to)?;
        // Field order is fixed by the structs, so the JSON form is canonical.
        let json = serde_json::to_vec(&unnamed).unwrap_or_default();
        let digest = Sha256::new().chain_update(json).chain_update(picture).finalize();
        let digits = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Ok(LineMenu {
            name: format!("kizuna-{}-{digits:016x}", self.document().stage.code()),
            ..unnamed
        })
    }
}

fn action(label: String, action: &MenuAction, to: &Destinations) -> Result<LineAction, MenuProblem> {
    match (action, to) {
        (MenuAction::Ask(intent), Destinations::Webhook) => Ok(LineAction::Postback {
            label,
            data: intent.postback(),
        }),
        (MenuAction::Ask(intent), Destinations::Pages(pages)) => {
            let uri = pages.get(intent).ok_or(MenuProblem::NoPage { intent: *intent })?;
            match uri_problem(uri) {
                Some(problem) => Err(problem),
                None => Ok(LineAction::Uri {
                    label,
                    uri: uri.clone(),
                }),
            }
        }
        (MenuAction::Link(url), _) => Ok(LineAction::Uri {
            label,
            uri: url.clone(),
        }),
        (MenuAction::Call(phone), _) => match tel(phone) {
            Some(uri) => Ok(LineAction::Uri { label, uri }),
            None => Err(MenuProblem::Phone { label }),
        },
    }
}
