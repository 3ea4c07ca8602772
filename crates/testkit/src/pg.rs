//! A PostgreSQL database of its own for one test.
//!
//! The server is started once by `cargo xtask test` and found through `KIZUNA_TEST_PG`: nextest runs every test in a process
//! of its own, so a process cannot own the server. Never skips: without a server the test fails and says what to do.

use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use postgres::{Client, NoTls};

/// The variable with the address of the server, e.g. `postgres://kizuna:…@127.0.0.1:40123/postgres`.
pub const SERVER_VARIABLE: &str = "KIZUNA_TEST_PG";

/// An empty database that lives as long as this value.
///
/// ```no_run
/// let database = kizuna_testkit::pg::Postgres::schema();
/// assert!(database.url().starts_with("postgres://"));
/// ```
#[derive(Debug)]
pub struct Postgres {
    server: String,
    name: String,
    url: String,
}

impl Postgres {
    /// Creates an empty database: no other test sees its tables, its locks or its sequences.
    pub fn schema() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Unique among the processes that run now; what a killed process left under the same number is dropped first.
        let name = format!("kizuna_test_{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let server = server();
        let url = with_database(&server, &name);
        execute(
            &server,
            &[
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                format!("CREATE DATABASE {name}"),
            ],
        )
        .unwrap_or_else(|error| panic!("cannot create a database on {SERVER_VARIABLE}: {error}"));
        Self { server, name, url }
    }

    /// The address of the database.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Connections that the test left open are closed. A failure here must not hide the failure of the test.
        let _ = execute(
            &self.server,
            &[format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)],
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where tests learn of the server")]
fn server() -> String {
    match std::env::var(SERVER_VARIABLE) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!("no PostgreSQL for this test: run cargo xtask test, or export {SERVER_VARIABLE}"),
    }
}

/// The same address with another database.
fn with_database(server: &str, name: &str) -> String {
    let (place, options) = server
        .split_once('?')
        .map_or((server, ""), |(place, options)| (place, options));
    let host_from = place.find("://").map_or(0, |at| at + 3);
    let host_to = place
        .get(host_from..)
        .and_then(|host| host.find('/'))
        .map_or(place.len(), |at| host_from + at);
    let question = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{question}{options}", place.get(..host_to).unwrap_or(place))
}

/// Runs statements one by one on a thread of its own: the client starts a runtime, which panics inside another one.
fn execute(url: &str, statements: &[String]) -> Result<(), postgres::Error> {
    let run = || {
        let mut client = Client::connect(url, NoTls)?;
        statements
            .iter()
            .try_for_each(|statement| client.batch_execute(statement))
    };
    thread::scope(|scope| scope.spawn(run).join().expect("talking to PostgreSQL does not panic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_host_user_and_options() {
        let expected = "postgres://kizuna:pw@127.0.0.1:5432/mine?connect_timeout=5";
        assert_eq!(
            with_database("postgres://kizuna:pw@127.0.0.1:5432/postgres?connect_timeout=5", "mine"),
            expected
        );
        assert_eq!(
            with_database("postgres://kizuna@127.0.0.1", "mine"),
            "postgres://kizuna@127.0.0.1/mine"
        );
    }

    #[test]
    fn a_database_is_empty_separate_and_gone_afterwards() {
        let (first, second) = (Postgres::schema(), Postgres::schema());
        execute(first.url(), &["CREATE TABLE families (id bigint)".to_owned()]).unwrap();

        let seen_elsewhere = execute(second.url(), &["SELECT * FROM families".to_owned()]);

        assert!(seen_elsewhere.is_err());
        let url = first.url().to_owned();
        drop(first);
        assert!(execute(&url, &["SELECT 1".to_owned()]).is_err());
    }
}
