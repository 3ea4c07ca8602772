//! A date as three wheels: year, month, day. What was chosen stays chosen, and only the wrong part is marked.

use askama::Template;
use askama::filters::HtmlSafe;
use kizuna_domain::day::Day;
use kizuna_domain::position::EndRule;
use kizuna_domain::registration::{DateProblem, Situation};
use kizuna_store::tenants::Tenant;

use super::own_words::{OwnWords, end_words};
use crate::language::Language;

/// The three parts of a date as a form brings them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) year: String,
    pub(super) month: String,
    pub(super) day: String,
}

impl Parts {
    /// A date that is filled in beforehand.
    pub(super) fn of(day: Day) -> Parts {
        Parts {
            year: day.year().to_string(),
            month: day.month().to_string(),
            day: day.day_of_month().to_string(),
        }
    }

    /// The same as the wheels write it: 令和9 is 2027 there.
    fn on_wheels(&self) -> Parts {
        self.read().map_or_else(|_| self.clone(), Parts::of)
    }

    /// The date, if it is one.
    pub(super) fn read(&self) -> Result<Day, DateProblem> {
        kizuna_domain::registration::read_day(&self.year, &self.month, &self.day)
    }
}

/// A choice of a wheel.
struct Choice {
    value: String,
    chosen: bool,
}

/// The wheels of one date.
#[derive(Template)]
#[template(path = "parts/date_field.html")]
pub(super) struct DateField {
    /// Start of the names of its three parts.
    name: &'static str,
    /// Tells the ids of several fields of one page apart.
    number: usize,
    /// Additional class of the field.
    class: &'static str,
    legend: &'static str,
    hint: &'static str,
    labels: [&'static str; 3],
    error_label: &'static str,
    problem: Option<String>,
    wrong: [bool; 3],
    years: Vec<Choice>,
    months: Vec<Choice>,
    days: Vec<Choice>,
}

impl HtmlSafe for DateField {}

/// What a date field asks for.
pub(super) struct Asked {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) situation: Situation,
}

impl DateField {
    pub(super) fn new(
        asked: &Asked,
        tenant: &Tenant,
        language: Language,
        today: Day,
        parts: &Parts,
        problem: Option<DateProblem>,
    ) -> DateField {
        let words = OwnWords::of(language);
        let parts = &parts.on_wheels();
        let (legend, hint) = match asked.situation {
            Situation::Pregnant => (words.due_legend, words.due_hint),
            Situation::Raising => (words.birth_legend, words.birth_hint),
        };
        let list = |from: i16, until: i16, chosen: &str| -> Vec<Choice> {
            let blank = Choice {
                value: String::new(),
                chosen: chosen.is_empty(),
            };
            let numbers = (from..=until).map(|number| number.to_string()).map(|value| Choice {
                chosen: value == chosen,
                value,
            });
            std::iter::once(blank).chain(numbers).collect()
        };
        let (from, until) = years(asked.situation, tenant, today);
        let mut years = list(from, until, &parts.year);
        years.retain(|choice| !choice.value.is_empty());
        DateField {
            name: asked.name,
            number: 0,
            class: asked.class,
            legend,
            hint,
            labels: words.date_labels,
            error_label: words.error_label,
            problem: problem.map(|problem| sentence(problem, asked.situation, tenant, language)),
            wrong: problem.map_or([false; 3], |problem| wrong(problem, parts)),
            years,
            months: list(1, 12, &parts.month),
            days: list(1, 31, &parts.day),
        }
    }

    /// The same field under other words.
    pub(super) fn named(mut self, legend: &'static str, hint: &'static str) -> DateField {
        (self.legend, self.hint) = (legend, hint);
        self
    }

    /// The same field with these years, first and last.
    pub(super) fn between(mut self, first: i16, last: i16, parts: &Parts) -> DateField {
        let chosen = parts.on_wheels().year;
        let years = (first..=last).map(|year| year.to_string()).map(|value| Choice {
            chosen: value == chosen,
            value,
        });
        self.years = years.collect();
        self
    }

    /// The same field as one of several of its name on a page: its ids differ, its names do not.
    pub(super) fn numbered(self, number: usize) -> DateField {
        DateField { number, ..self }
    }

    /// True where something is wrong with it.
    pub(super) fn is_wrong(&self) -> bool {
        self.problem.is_some()
    }

    /// Where a link to what is wrong leads: the first wrong part.
    pub(super) fn target(&self) -> String {
        let parts = ["y", "m", "d"].into_iter().zip(self.wrong);
        let first = parts.into_iter().find_map(|(part, wrong)| wrong.then_some(part));
        self.id(first.unwrap_or("d"))
    }

    fn id(&self, part: &str) -> String {
        match self.number {
            0 => self.part(part),
            number => format!("{}_{number}", self.part(part)),
        }
    }

    fn part(&self, part: &str) -> String {
        format!("{}_{part}", self.name)
    }
}

/// The years that can be meant, first and last.
fn years(situation: Situation, tenant: &Tenant, today: Day) -> (i16, i16) {
    match situation {
        Situation::Pregnant => ((today - 14).year(), (today + kizuna_domain::age::DUE_AT).year()),
        Situation::Raising => {
            let lives = |years: &i16| {
                let born = Day::new(today.year() - years, 12, 31);
                let lasts = |end: EndRule, born| end.last_day(born, &tenant.settings.customs);
                born.is_some_and(|born| ends(tenant).any(|end| lasts(end, born).is_some_and(|last| today <= last)))
            };
            let back = (0..YEARS_MAX).take_while(lives).last().unwrap_or_default();
            (today.year() - back, today.year())
        }
    }
}

/// Years back that a list shows at most: the longest series reaches the nineteenth birthday.
const YEARS_MAX: i16 = 20;

/// The last days of the series that a tenant sends.
pub(super) fn ends(tenant: &Tenant) -> impl Iterator<Item = EndRule> + use<'_> {
    tenant.settings.adopt.iter().map(|adoption| adoption.end)
}

/// Which of the three wheels is wrong.
fn wrong(problem: DateProblem, parts: &Parts) -> [bool; 3] {
    match problem {
        DateProblem::Missing => [parts.year.is_empty(), parts.month.is_empty(), parts.day.is_empty()],
        DateProblem::NoSuchDay { .. } => [false, false, true],
        DateProblem::DueTooFar | DateProblem::Ended => [true, false, false],
        DateProblem::DuePassed | DateProblem::BirthAhead | DateProblem::FarFromDue => [true; 3],
    }
}

/// What is wrong and what to do.
pub(super) fn sentence(problem: DateProblem, situation: Situation, tenant: &Tenant, language: Language) -> String {
    let words = OwnWords::of(language);
    match (problem, situation) {
        (DateProblem::Missing, Situation::Pregnant) => words.no_due.to_owned(),
        (DateProblem::Missing, Situation::Raising) => words.no_birth.to_owned(),
        (DateProblem::NoSuchDay { month, last }, _) => words
            .no_such_day
            .replace("{month}", &month.to_string())
            .replace("{last}", &last.to_string()),
        (DateProblem::DueTooFar, _) => words.due_too_far.to_owned(),
        (DateProblem::DuePassed, _) => words.due_passed.to_owned(),
        (DateProblem::BirthAhead, _) => words.birth_ahead.to_owned(),
        (DateProblem::FarFromDue, _) => words.far_from_due.to_owned(),
        (DateProblem::Ended, _) => {
            // Which series runs longest is the same for every child but for some days.
            let born = Day::new(2025, 6, 1);
            let longest =
                ends(tenant).max_by_key(|end| born.and_then(|born| end.last_day(born, &tenant.settings.customs)));
            let until = longest.map(|end| end_words(end, language)).unwrap_or_default();
            words.ended.replace("{until}", &until).replace("{town}", &tenant.name)
        }
    }
}
