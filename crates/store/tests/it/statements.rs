//! Every SQL statement: understood by both databases, within one tenant, along an index.

use kizuna_store::db::{STATEMENTS, Sql};

use crate::town::Fixture;

store_test!(
    fn every_statement_is_understood(store: &Fixture) {
        assert_eq!(store.db.prepare_all().unwrap(), Vec::<String>::new());
        assert!(
            STATEMENTS.len() > 80,
            "only {} statements are registered",
            STATEMENTS.len()
        );
    }
);

/// Tables whose every row belongs to one tenant and to nobody else.
const OF_TENANTS: [&str; 28] = [
    "subscribers",
    "subscriptions",
    "contact_points",
    "deliveries",
    "runs",
    "desks",
    "support_pages",
    "consents",
    "suppressions",
    "memberships",
    "line_users",
    "line_events",
    "line_forwards",
    "tickets",
    "menus",
    "menu_links",
    "menu_publications",
    "invites",
    "moves",
    "places",
    "transactional_mails",
    "point_troubles",
    "erasures",
    "ledger_remains",
    "former_addresses",
    "named_cohorts",
    "successors",
    "stops",
];

/// Statements that name such a table without naming the tenant, and why they may.
const MAY_OMIT_THE_TENANT: [(&str, &str); 21] = [
    ("invites::SWEEP", "takes away what is too old, whosever it is"),
    ("moves::SWEEP", "takes away what is too old, whosever it is"),
    (
        "mails::TENANTS_DUE",
        "asks for the tenants that have mails to send, as a worker of all tenants",
    ),
    (
        "places::TOWN",
        "asks whose place a printed code is, and answers nothing but the town's own code",
    ),
    ("staff::MEMBERSHIPS", "the places of one person, who sees them all"),
    (
        "menus::DUE",
        "for the worker, which serves all tenants, and answers nothing but whose turn it is",
    ),
    (
        "erase::UNNOTED",
        "random numbers of all tenants, on their way into the file outside the database",
    ),
    (
        "stops::UNNOTED",
        "random numbers of all tenants, on their way into the file outside the database",
    ),
    (
        "runs::days::REOPEN_RUN",
        "by the run's own id, which a batch of it names",
    ),
    (
        "line::DONE",
        "by the id of an event in the hands of a worker, which serves all tenants",
    ),
    (
        "line::FAILED",
        "by the id of an event in the hands of a worker, which serves all tenants",
    ),
    ("line::SWEEP_EVENTS", "takes away what is too old, whosever it is"),
    (
        "line::FORWARDING",
        "asks for the accounts that have something to pass on, as a worker of all tenants",
    ),
    ("tickets::SWEEP", "takes away what is too old, whosever it is"),
    (
        "people::readers::TAKEN",
        "asks for an identifier in whichever tenant, and answers nothing but yes or no",
    ),
    (
        "runs::days::PLANNED",
        "by the run's own id, which comes from runs::open with a scope",
    ),
    (
        "runs::report::TALLY",
        "by the run's own id; also names no column but those of the run's batches",
    ),
    (
        "runs::report::REASONS",
        "by the run's own id, which comes from runs::get or runs::open with a scope",
    ),
    (
        "runs::report::DOUBTS",
        "by the run's own id, which comes from runs::get or runs::open with a scope",
    ),
    (
        "runs::ledger::MARKED",
        "by the id of a batch in the hands of a dispatcher, which serves all tenants",
    ),
    (
        "runs::outbox::PROGRESS",
        "by the id of a batch in the hands of a dispatcher, which serves all tenants",
    ),
];

#[test]
fn every_statement_on_a_tenants_table_names_the_tenant() {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .map(str::to_owned)
            .collect()
    };
    let offending: Vec<&str> = STATEMENTS
        .iter()
        .filter(|sql| words(sql.pg).iter().any(|word| OF_TENANTS.contains(&word.as_str())))
        // A new row names its tenant as one of its columns.
        .filter(|sql| !sql.pg.contains("tenant_id = $") && !sql.pg.contains("tenant_id, "))
        .filter(|sql| !MAY_OMIT_THE_TENANT.iter().any(|(name, _)| sql.name.ends_with(name)))
        .map(|sql| sql.name)
        .collect();

    assert_eq!(
        offending,
        Vec::<&str>::new(),
        "name the tenant, or give a reason in MAY_OMIT_THE_TENANT"
    );
}

fn named(name: &str) -> &'static Sql {
    STATEMENTS
        .iter()
        .find(|sql| sql.name.ends_with(name))
        .unwrap_or_else(|| panic!("no statement {name}"))
}

/// How SQLite finds the rows of a statement, one line for each table.
fn plan(store: &Fixture, name: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(store.file().unwrap()).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TABLE probe (number BIGINT NOT NULL, subscription_id BYTEA NOT NULL, slot TEXT NOT NULL)",
        )
        .unwrap();
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {}", named(name).lite))
        .unwrap();
    // A plan does not depend on the values; unbound ones are NULL.
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>(3).unwrap());
    }
    steps
}

#[test]
fn a_walk_over_dates_is_a_walk_along_its_own_index() {
    let store = Fixture::sqlite();
    for (name, index, date) in [
        ("people::followers::BY_DUE", "subscriptions_by_due", "due_on"),
        ("people::followers::BY_BIRTH", "subscriptions_by_birth", "birth_on"),
        (
            "people::followers::BY_PRETERM_DUE",
            "subscriptions_by_preterm_due",
            "due_on",
        ),
        (
            "people::followers::BY_REGISTRATION",
            "subscriptions_by_registration",
            "registered_on",
        ),
        (
            "people::followers::BY_RESUMPTION",
            "subscriptions_by_resumption",
            "resumed_on",
        ),
    ] {
        let along = format!("SEARCH s USING INDEX {index} (tenant_id=? AND ({date},id)>(?,?) AND {date}<?)");
        assert_eq!(
            plan(&store, name),
            [&along, "SEARCH r USING PRIMARY KEY (id=?)"],
            "{name}"
        );
    }
}

#[test]
fn waiting_batches_are_found_through_their_index() {
    let store = Fixture::sqlite();

    let claim = plan(&store, "runs::outbox::CLAIM");

    assert!(
        claim
            .iter()
            .any(|step| step.contains("SEARCH b USING INDEX batches_waiting (account_id=?)")),
        "{claim:?}"
    );
    assert!(!claim.iter().any(|step| step.starts_with("SCAN")), "{claim:?}");
    for name in [
        "runs::outbox::ACCOUNTS_DUE",
        "runs::outbox::WAITING",
        "runs::outbox::LEASED",
    ] {
        let steps = plan(&store, name);
        assert!(
            steps.iter().any(|step| step.contains("batches_waiting")),
            "{name}: {steps:?}"
        );
    }
    for name in ["runs::outbox::EXPIRE_HELD", "runs::outbox::REOPEN"] {
        let steps = plan(&store, name);
        assert!(
            steps.iter().any(|step| step.contains("batches_held")),
            "{name}: {steps:?}"
        );
    }
}

#[test]
fn events_that_wait_are_found_without_those_that_are_done() {
    let store = Fixture::sqlite();
    for (name, index) in [
        ("line::WAITING", "line_events_waiting"),
        ("line::OF_MESSAGE", "line_events_of_message"),
        ("line::SWEEP_EVENTS", "line_events_by_arrival"),
        ("line::FORWARDS", "line_forwards_due"),
        ("line::PUT_OFF_FORWARDS", "line_forwards_due"),
        ("people::points::POINT_AT", "contact_points_by_address"),
        ("tickets::SWEEP", "tickets_by_end"),
        ("invites::OPEN", "invites_of_subscriber"),
        ("invites::WITHDRAW_ALL", "invites_of_subscriber"),
        ("invites::SWEEP", "invites_by_end"),
        ("moves::BY_CODE", "moves_by_code"),
        ("moves::OF_READER", "moves_of_subscriber"),
        ("moves::SWEEP", "moves_by_end"),
        ("mails::DUE", "transactional_mails_due"),
        ("mails::WITHDRAW_WISHES", "transactional_mails_of_subscriber"),
        ("successors::PREDECESSORS", "successors_to"),
        ("throttles::SWEEP", "throttles_by_end"),
        ("troubles::SWEEP", "point_troubles_by_instant"),
        ("troubles::SUPPRESSED_SINCE", "suppressions_by_instant"),
    ] {
        let steps = plan(&store, name);
        assert!(steps.iter().any(|step| step.contains(index)), "{name}: {steps:?}");
    }
}

#[test]
fn the_ledger_is_asked_by_its_key() {
    let store = Fixture::sqlite();
    let key = "USING PRIMARY KEY (tenant_id=? AND subscription_id=? AND slot=?)";

    assert_eq!(
        plan(&store, "runs::ledger::FOUND"),
        ["SCAN p", &format!("SEARCH d {key}")]
    );
    assert_eq!(
        plan(&store, "runs::ledger::IN_LEDGER"),
        [format!("SEARCH deliveries {key}")]
    );
}

#[test]
fn the_letters_of_a_batch_are_found_through_their_index() {
    let store = Fixture::sqlite();
    let index = "INDEX deliveries_of_batch (tenant_id=? AND batch_id=?";

    for name in [
        "runs::outbox::LETTERS",
        "runs::ledger::MARKED",
        "runs::ledger::MARK",
        "runs::ledger::POINT_OF",
        "runs::ledger::REBATCH",
        "runs::recall::UNRESERVE",
        "runs::recall::UNRESERVE_SIBLINGS",
        "runs::report::REASONS",
        "runs::report::DOUBTS",
    ] {
        let steps = plan(&store, name);
        assert!(steps.iter().any(|step| step.contains(index)), "{name}: {steps:?}");
    }
}

/// Statements that read everything of one tenant in one table, and why they may.
const MAY_READ_A_WHOLE_TENANT: [(&str, &str); 11] = [
    ("staff::OF_TENANT", "a few people"),
    ("staff::LOCK_ADMINISTRATORS", "a few people"),
    ("menus::ALL", "one menu a stage"),
    ("places::OF_TENANT", "a few places"),
    ("tenants::ACCOUNTS", "a few accounts"),
    ("tenants::RESUME", "a few accounts"),
    ("tenants::DESKS", "a few desks"),
    ("audit::BEFORE_THE_CHAIN", "once when a chain begins, and to verify it"),
    ("runs::outbox::REOPEN", "the held batches alone, through their index"),
    ("runs::days::ANY_RUN", "the first row of an index"),
    ("people::followers::LIVING", "counts, and says so"),
];

/// Tables with one row a tenant: all of a tenant is that row.
const ONE_ROW_A_TENANT: [&str; 2] = ["SEARCH menu_publications ", "SEARCH support_pages "];

#[test]
fn no_statement_reads_all_of_a_tenant_unless_it_must() {
    let store = Fixture::sqlite();
    let reads_all = |step: &String| {
        step.ends_with("(tenant_id=?)") && !ONE_ROW_A_TENANT.iter().any(|table| step.starts_with(table))
    };

    let reading: Vec<(&str, Vec<String>)> = STATEMENTS
        .iter()
        .filter(|sql| !MAY_READ_A_WHOLE_TENANT.iter().any(|(name, _)| sql.name.ends_with(name)))
        .map(|sql| (sql.name, plan(&store, sql.name)))
        .filter(|(_, steps)| steps.iter().any(reads_all))
        .collect();

    assert_eq!(reading, [], "use an index, or give a reason in MAY_READ_A_WHOLE_TENANT");
}

/// Statements that read a whole table, and why they may.
const MAY_SCAN: [(&str, &str); 20] = [
    (
        "mails::TENANTS_DUE",
        "what somebody waits for, a day of it at most, through its index",
    ),
    ("staff::ALL", "wants everybody, for the command line"),
    ("menus::DUE", "a row for each tenant that shows menus"),
    ("tenants::CODES", "wants every tenant"),
    (
        "line::FORWARDING",
        "what waits for another tool, a day of it at most, through its index",
    ),
    (
        "erase::UNNOTED",
        "what waits for the file outside the database, empty within the hour",
    ),
    (
        "stops::UNNOTED",
        "what waits for the file outside the database, empty within seconds",
    ),
    ("runs::ledger::FORGET_EXPIRED", "the list of one page"),
    ("migrate::KNOWN", "a row for each migration"),
    ("tenants::ALL", "wants every tenant"),
    ("content::TRACKS", "a few series for each tenant, listed for staff"),
    ("tenants::TOUCH_ALL", "wants every tenant"),
    ("runs::ledger::CLEAR_PROBE", "the list of one page"),
    ("runs::ledger::FOUND", "the list of one page"),
    ("runs::outbox::ABANDON", "once after a backup was restored"),
    (
        "runs::outbox::ACCOUNTS_DUE",
        "the waiting batches alone, through their index",
    ),
    (
        "runs::outbox::WAITING",
        "the waiting batches alone, through their index",
    ),
    (
        "runs::outbox::WAITING_TOO_LONG",
        "the waiting batches alone, through their index",
    ),
    ("runs::outbox::LEASED", "the waiting batches alone, through their index"),
    (
        "runs::outbox::EXPIRE_HELD",
        "the held batches alone, through their index",
    ),
];

#[test]
fn no_statement_reads_a_whole_table_unless_it_must() {
    let store = Fixture::sqlite();

    let scanning: Vec<(&str, Vec<String>)> = STATEMENTS
        .iter()
        .filter(|sql| !MAY_SCAN.iter().any(|(name, _)| sql.name.ends_with(name)))
        .map(|sql| (sql.name, plan(&store, sql.name)))
        // "SCAN s" over a subselect that has a limit of its own is the walk of a page.
        .filter(|(_, steps)| steps.iter().any(|step| step.starts_with("SCAN ") && step != "SCAN s"))
        .collect();

    assert_eq!(scanning, [], "use an index, or give a reason in MAY_SCAN");
}

/// Perhaps a loss: the reason of an end decides how long somebody is kept and what a list may do, and is read by nobody.
#[test]
fn no_statement_answers_why_somebody_went() {
    let mut knowing: Vec<&str> = STATEMENTS
        .iter()
        .filter(|sql| sql.pg.contains("end_reason"))
        .filter_map(|sql| sql.name.strip_prefix("kizuna_store::"))
        .collect();
    knowing.sort_unstable();

    assert_eq!(
        knowing,
        [
            "erase::UNTIMED",
            "people::followers::EVER_OF_SUBSCRIBER",
            "people::subscriptions::COMPLETE",
            "people::subscriptions::MEAN_STOP",
            "people::subscriptions::SET_STATE",
            "people::subscriptions::STOPPED"
        ]
    );
}
