//! What can go wrong with the database; *not found* is an `Option`, not an error.

use std::error::Error as _;

use rusqlite::ffi;

/// A surprise in the memory.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process changed the row first; reading again and repeating is safe.
    #[error("{statement}: somebody else changed this first; try again")]
    Conflict {
        /// Name of the statement.
        statement: &'static str,
    },
    /// The database location cannot be read.
    #[error("the database must be written as sqlite:FILE or postgres://USER@HOST/NAME")]
    Location,
    /// SQLite refused.
    #[error("SQLite{}", at(.statement))]
    Lite {
        /// Name of the statement, or empty.
        statement: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
    },
    /// PostgreSQL refused or cannot be reached.
    #[error("PostgreSQL{}", at(.statement))]
    Pg {
        /// Name of the statement, or empty.
        statement: &'static str,
        /// PostgreSQL's words.
        source: postgres::Error,
    },
    /// A stored value is not what this version writes.
    #[error("column {column} does not hold {expected}; the database may be damaged or newer than this program")]
    Corrupt {
        /// What was expected.
        expected: &'static str,
        /// Which column of the statement.
        column: usize,
    },
    /// A sealed value cannot be opened with this key.
    #[error("{what} cannot be decrypted; is this the key file that belongs to this database?")]
    Sealed {
        /// What was to be opened.
        what: &'static str,
    },
    /// The schema is missing, older or newer.
    #[error("{0}")]
    Schema(String),
    /// The operation is not for this database or state.
    #[error("{what}")]
    Refused {
        /// What to do instead.
        what: &'static str,
    },
}

fn at(statement: &str) -> String {
    if statement.is_empty() {
        String::new()
    } else {
        format!(" ({statement})")
    }
}

impl StoreError {
    pub(crate) fn corrupt(expected: &'static str, column: usize) -> StoreError {
        StoreError::Corrupt { expected, column }
    }

    pub(crate) fn in_statement(statement: &'static str, error: impl Into<StoreError>) -> StoreError {
        match error.into() {
            StoreError::Lite { source, .. } => StoreError::Lite { statement, source },
            StoreError::Pg { source, .. } => StoreError::Pg { statement, source },
            other => other,
        }
    }

    /// Turns a row that exists already into a lost race, where the key can only have been taken in the meantime.
    pub(crate) fn duplicate_is_conflict(self, statement: &'static str) -> StoreError {
        if self.is_duplicate() {
            StoreError::Conflict { statement }
        } else {
            self
        }
    }

    /// True where a row with this key exists already.
    pub fn is_duplicate(&self) -> bool {
        match self {
            StoreError::Lite { source, .. } => source.sqlite_error().is_some_and(|error| {
                matches!(
                    error.extended_code,
                    ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE
                )
            }),
            StoreError::Pg { source, .. } => source.code() == Some(&postgres::error::SqlState::UNIQUE_VIOLATION),
            StoreError::Conflict { .. }
            | StoreError::Location
            | StoreError::Corrupt { .. }
            | StoreError::Sealed { .. }
            | StoreError::Schema(_)
            | StoreError::Refused { .. } => false,
        }
    }

    /// True where the same work may succeed when it is simply repeated: a lost race or a lost connection.
    pub fn is_transient(&self) -> bool {
        match self {
            StoreError::Conflict { .. } => true,
            StoreError::Lite { source, .. } => {
                matches!(
                    source.sqlite_error_code(),
                    Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
                )
            }
            StoreError::Pg { source, .. } => {
                let code = source.code().map(postgres::error::SqlState::code);
                // Cut, refused or not answered: an error of the network, not an answer of the database.
                let cut = source
                    .source()
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
                source.is_closed() || cut || matches!(code, Some("40001" | "40P01" | "57P01" | "57P02" | "57P03"))
            }
            StoreError::Location
            | StoreError::Corrupt { .. }
            | StoreError::Sealed { .. }
            | StoreError::Schema(_)
            | StoreError::Refused { .. } => false,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> StoreError {
        StoreError::Lite { statement: "", source }
    }
}

impl From<rusqlite::types::FromSqlError> for StoreError {
    fn from(source: rusqlite::types::FromSqlError) -> StoreError {
        rusqlite::Error::from(source).into()
    }
}

impl From<postgres::Error> for StoreError {
    fn from(source: postgres::Error) -> StoreError {
        StoreError::Pg { statement: "", source }
    }
}
