//! What families see. Nothing here names a person, asks why, or changes anything on a `GET`.

pub(crate) mod birth;
pub(crate) mod changed;
mod closed;
pub(crate) mod confirm;
mod date_field;
pub(crate) mod desks;
mod entry;
mod entry_words;
pub(crate) mod expired;
pub(crate) mod gone;
pub(crate) mod my;
mod own_words;
pub(crate) mod past;
pub(crate) mod print;
pub(crate) mod reading;
pub(crate) mod register;
pub(crate) mod registered;
pub(crate) mod sent;
pub(crate) mod settings;
pub(crate) mod stop;
pub(crate) mod stopped;
mod words;

use kizuna_engine::line::identity::{self, Pass};
use kizuna_engine::menus;
use kizuna_store::tenants::Tenant;

use crate::Site;
use crate::language::Language;
pub(crate) use closed::{Closed, closed};
use desks::{Desks, desks};
pub(crate) use own_words::OwnWords;
pub(crate) use register::Way;
use words::Words;

/// Lets LINE show the menu of the reader's new stage at once; where that fails, the worker does it within minutes.
pub(crate) fn show_menu(site: &Site, tenant: &Tenant, pass: &Pass) {
    let shown = identity::holder(&site.env, tenant, pass)
        .and_then(|reader| reader.map_or(Ok(false), |reader| menus::link_reader(&site.env, tenant, reader)));
    if let Err(error) = shown {
        tracing::info!(tenant.id = %tenant.id, %error, "a reader's menu is shown later");
    }
}

/// What all readers' pages of a tenant share.
pub(crate) struct Frame {
    pub(crate) words: &'static Words,
    /// Name of the sender as readers know it.
    pub(crate) sender: String,
    /// Name of the town.
    pub(crate) town: String,
    /// The languages that this page is not in.
    pub(crate) others: Vec<Language>,
    /// What an address carries behind its language; empty for most pages.
    pub(crate) behind: String,
}

impl Frame {
    pub(crate) fn new(tenant: &Tenant, language: Language) -> Frame {
        Frame {
            words: Words::of(language),
            sender: tenant.settings.sender_name.clone(),
            town: tenant.name.clone(),
            others: others(language),
            behind: String::new(),
        }
    }
}

/// The languages that a page in this one can be turned to.
pub(crate) fn others(language: Language) -> Vec<Language> {
    Language::ALL.into_iter().filter(|other| *other != language).collect()
}
