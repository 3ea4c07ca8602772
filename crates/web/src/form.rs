//! What is wrong with a form: said once above it and beside each field, with what was typed kept. And what it has done.

use kizuna_engine::EngineError;
use kizuna_engine::actions::staff::StaffProblem;
use serde::Deserialize;

use crate::error::PageError;

/// What is wrong with one field.
pub(crate) struct Problem {
    /// The field's id; empty where the whole form is meant.
    pub(crate) field: &'static str,
    /// What to do.
    pub(crate) words: String,
}

/// Everything that is wrong with a form.
#[derive(Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes a problem with a field, or with the whole form where `field` is empty.
    pub(crate) fn add(&mut self, field: &'static str, words: impl Into<String>) {
        self.0.push(Problem {
            field,
            words: words.into(),
        });
    }

    /// A form with one problem.
    pub(crate) fn one(problem: StaffProblem) -> Problems {
        let mut problems = Problems::default();
        problems.add(field(problem), problem.ja());
        problems
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn all(&self) -> &[Problem] {
        &self.0
    }

    /// What is wrong with a field.
    pub(crate) fn at(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|problem| problem.field == field);
        found.map(|problem| problem.words.as_str())
    }
}

impl FromIterator<StaffProblem> for Problems {
    fn from_iter<I: IntoIterator<Item = StaffProblem>>(problems: I) -> Problems {
        let mut all = Problems::default();
        for problem in problems {
            all.add(field(problem), problem.ja());
        }
        all
    }
}

/// The field that a problem belongs to.
fn field(problem: StaffProblem) -> &'static str {
    match problem {
        StaffProblem::Mail(_) | StaffProblem::Member => "mail",
        StaffProblem::Name => "name",
        StaffProblem::Password(_) => "password",
        StaffProblem::WrongPassword | StaffProblem::Wait(_) => "present",
        StaffProblem::WrongCode => "code",
        StaffProblem::Role | StaffProblem::LastAdministrator => "role",
        StaffProblem::Gone
        | StaffProblem::SignsInAlready
        | StaffProblem::SomebodyElse
        | StaffProblem::Unknown
        | StaffProblem::Full => "",
    }
}

/// Tells what a person can mend from what they cannot.
pub(crate) fn mendable<T>(result: Result<T, EngineError>) -> Result<Result<T, StaffProblem>, PageError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(EngineError::Staff(problem)) => Ok(Err(problem)),
        Err(error) => Err(error.into()),
    }
}

/// What a form has done: the word behind `?done=` of the page that is shown next.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Done {
    done: String,
}

impl Done {
    /// What the page says of it.
    pub(crate) fn said<T: Copy>(&self, said: &[(&str, T)]) -> Option<T> {
        let found = said.iter().find(|(what, _)| *what == self.done);
        found.map(|(_, words)| *words)
    }
}
