//! What families see. Nothing here names a person, asks why, or changes anything on a `GET`.

pub(crate) mod accessibility;
pub(crate) mod address;
pub(crate) mod birth;
pub(crate) mod born;
pub(crate) mod changed;
pub(crate) mod child;
mod closed;
pub(crate) mod confirm;
pub(crate) mod data;
pub(crate) mod data_file;
pub(crate) mod date;
mod date_field;
pub(crate) mod dates;
pub(crate) mod delivery;
pub(crate) mod delivery_confirm;
pub(crate) mod desks;
mod entry;
mod entry_words;
pub(crate) mod erase;
pub(crate) mod expired;
pub(crate) mod gone;
pub(crate) mod invite;
pub(crate) mod move_in;
pub(crate) mod moving;
pub(crate) mod my;
mod own;
mod own_words;
pub(crate) mod past;
pub(crate) mod pause;
pub(crate) mod print;
pub(crate) mod reading;
pub(crate) mod register;
pub(crate) mod registered;
pub(crate) mod renew;
pub(crate) mod sent;
pub(crate) mod stop;
pub(crate) mod stop_each;
pub(crate) mod stopped;
pub(crate) mod support;
pub(crate) mod with;
mod words;

use kizuna_domain::tenant::Theme;
use kizuna_engine::line::identity::{self, Pass};
use kizuna_store::tenants::Tenant;

use crate::Site;
use crate::error::PageError;
use crate::language::Language;
pub(crate) use closed::{Closed, closed};
pub(crate) use desks::Desks;
use own_words::OwnWords;
pub(crate) use register::{LEFT_LINE, Way};
use words::Words;

/// Lets LINE show the menu of the new stage of whoever holds a ticket.
pub(crate) fn show_menu(site: &Site, tenant: &Tenant, pass: &Pass) -> Result<(), PageError> {
    if let Some(reader) = identity::holder(&site.env, tenant, pass)? {
        own::show_menu(site, tenant, reader);
    }
    Ok(())
}

/// What all readers' pages share.
pub(crate) struct Frame {
    pub(crate) words: &'static Words,
    /// Name of the sender as readers know it.
    pub(crate) sender: String,
    /// Name of the town; empty where the address names none.
    pub(crate) town: String,
    /// Code of the town.
    pub(crate) code: String,
    /// Hue of the town's pages.
    pub(crate) theme: &'static str,
    /// The town's own picture in place of the seedling.
    pub(crate) logo: Option<String>,
    /// The language of the page.
    pub(crate) language: Language,
    /// The languages that this page is not in.
    pub(crate) others: Vec<Language>,
    /// What an address carries behind its language; empty for most pages.
    pub(crate) behind: String,
}

impl Frame {
    pub(crate) fn new(tenant: &Tenant, language: Language) -> Frame {
        let look = &tenant.settings.look;
        Frame {
            sender: tenant.settings.sender_name.clone(),
            town: tenant.name.clone(),
            code: tenant.code.clone(),
            theme: look.theme.code(),
            logo: look.logo.as_ref().map(ToString::to_string),
            ..Frame::of_no_town(language)
        }
    }

    /// The frame of a page whose address names no town.
    pub(crate) fn of_no_town(language: Language) -> Frame {
        Frame {
            words: Words::of(language),
            sender: "Kizuna".to_owned(),
            town: String::new(),
            code: String::new(),
            theme: Theme::default().code(),
            logo: None,
            language,
            others: Language::ALL.into_iter().filter(|other| *other != language).collect(),
            behind: String::new(),
        }
    }

    /// True where the page speaks やさしい日本語.
    pub(crate) fn is_easy(&self) -> bool {
        self.language == Language::Easy
    }

    /// The town, and below it the sender's name without it: ひだまり市, 子育てだより. No town where the name says it inside.
    pub(crate) fn brand(&self) -> (&str, &str) {
        let rest = self.sender.strip_prefix(&self.town).map(str::trim_start);
        match rest {
            Some(rest) if !rest.is_empty() => (&self.town, rest),
            None if !self.sender.contains(&self.town) => (&self.town, &self.sender),
            Some(_) | None => ("", &self.sender),
        }
    }

    /// The language that the sender's name is in.
    pub(crate) fn sender_lang(&self) -> &'static str {
        if self.town.is_empty() { "en" } else { "ja" }
    }
}
