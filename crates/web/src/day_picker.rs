//! Choosing a day: a plain form and the days beside it.

use askama::Template;
use askama::filters::HtmlSafe;
use kizuna_domain::day::{Day, YEAR_MAX, YEAR_MIN};
use kizuna_domain::roster::read_date;
use serde::Deserialize;

/// The day in an address, as it was typed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct DayQuery {
    day: Option<String>,
    page: Option<String>,
}

/// The chosen day, and whether what was typed could be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen {
    pub(crate) day: Day,
    pub(crate) unreadable: bool,
}

impl DayQuery {
    /// The day that was asked for, else `usual`.
    pub(crate) fn choose(&self, usual: Day) -> Chosen {
        match self.day.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => Chosen {
                day: usual,
                unreadable: false,
            },
            Some(text) => match read_date(text) {
                Some(day) => Chosen { day, unreadable: false },
                None => Chosen {
                    day: usual,
                    unreadable: true,
                },
            },
        }
    }

    /// True where a day was asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.day.as_deref().is_some_and(|text| !text.trim().is_empty())
    }

    /// The page that was asked for, from 1.
    pub(crate) fn page(&self) -> usize {
        self.page
            .as_deref()
            .and_then(|text| text.parse().ok())
            .filter(|page| *page >= 1)
            .unwrap_or(1)
    }
}

/// The form.
#[derive(Template)]
#[template(path = "parts/day_picker.html")]
pub(crate) struct DayPicker {
    path: String,
    day: Day,
    earliest: String,
    latest: String,
    unreadable: bool,
    today: Day,
}

impl HtmlSafe for DayPicker {}

impl DayPicker {
    /// A form on `path` that shows `chosen`.
    pub(crate) fn new(path: String, chosen: Chosen, today: Day) -> DayPicker {
        DayPicker {
            path,
            day: chosen.day,
            earliest: format!("{YEAR_MIN}-01-01"),
            latest: format!("{YEAR_MAX}-12-31"),
            unreadable: chosen.unreadable,
            today,
        }
    }

    fn before(&self) -> String {
        (self.day - 1).to_string()
    }

    fn after(&self) -> String {
        (self.day + 1).to_string()
    }
}
