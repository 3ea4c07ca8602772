//! The narrow waist: the only file that knows there are two databases.
//!
//! A unit of work is a synchronous closure that runs to commit or rollback on the caller's thread. Never call
//! it from an async task without `spawn_blocking`, and never touch the network inside it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::error::StoreError;

/// Connections to PostgreSQL that one process keeps at most.
pub const CONNECTIONS_MAX: usize = 16;
/// Statements that one SQLite connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// How long SQLite waits for another process's write, in milliseconds.
const BUSY_MS: u64 = 10_000;
/// How often the first process to open a new file may be somebody else.
const SWITCHES_MAX: usize = 100;
/// Pages that the write-ahead log gathers before they go into the file: 32 MiB, measured to save a third of a plan.
const WAL_PAGES: i64 = 8_000;
/// Page cache of one SQLite connection, in KiB (negative by SQLite's convention).
const CACHE_KIB: i64 = -64_000;

/// A value on its way into a statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// A number, an instant in milliseconds, or a truth value.
    Int(i64),
    /// Text, or a civil day.
    Text(&'a str),
    /// Bytes, or an identifier.
    Bytes(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Bytes(value)
    }
}

impl<'a> From<&'a [u8; 32]> for Value<'a> {
    fn from(value: &'a [u8; 32]) -> Self {
        Value::Bytes(value)
    }
}

impl<'a> From<&'a [u8; 16]> for Value<'a> {
    fn from(value: &'a [u8; 16]) -> Self {
        Value::Bytes(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Builds the argument list of a statement.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::db::Value::from($value)),*] };
}

/// One statement, in the words of each database.
#[derive(Debug)]
pub struct Sql {
    /// Name of the constant, for the test that prepares them all.
    pub name: &'static str,
    /// For PostgreSQL.
    pub pg: &'static str,
    /// For SQLite.
    pub lite: &'static str,
}

/// Every statement of the product.
#[linkme::distributed_slice]
pub static STATEMENTS: [&'static Sql];

/// Rewrites `$1` to `?1`, which SQLite binds by number; both marks are one byte.
pub const fn question_marks<const N: usize>(sql: &str) -> [u8; N] {
    let bytes = sql.as_bytes();
    let mut out = [0u8; N];
    let mut i = 0;
    while i < N {
        #[expect(
            clippy::indexing_slicing,
            reason = "evaluated by the compiler, which reports a wrong index"
        )]
        {
            out[i] = if bytes[i] == b'$' { b'?' } else { bytes[i] };
        }
        i += 1;
    }
    out
}

/// Declares a statement: `sql!(NAME, "SELECT …")`, or with `pg:` and `lite:` where the two must differ.
#[macro_export]
macro_rules! sql {
    ($name:ident, pg: $pg:expr, lite: $lite:expr) => {
        #[expect(unsafe_code, reason = "linkme gathers the statements in a link section")]
        #[linkme::distributed_slice($crate::db::STATEMENTS)]
        static $name: &$crate::db::Sql = &$crate::db::Sql {
            name: concat!(module_path!(), "::", stringify!($name)),
            pg: $pg,
            lite: {
                const BYTES: [u8; $lite.len()] = $crate::db::question_marks($lite);
                match std::str::from_utf8(&BYTES) {
                    Ok(text) => text,
                    Err(_) => panic!(),
                }
            },
        };
    };
    ($name:ident, $text:expr) => {
        $crate::sql!($name, pg: $text, lite: $text);
    };
}

/// A row on its way out of a statement.
#[derive(Debug)]
pub struct Row<'a>(RowInner<'a>);

enum RowInner<'a> {
    Lite(&'a rusqlite::Row<'a>),
    Pg(&'a postgres::Row),
}

impl std::fmt::Debug for RowInner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("row")
    }
}

struct PgInt(i64);

impl<'a> FromSql<'a> for PgInt {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(PgInt(match *ty {
            Type::INT4 => i64::from(i32::from_be_bytes(raw.try_into()?)),
            Type::INT2 => i64::from(i16::from_be_bytes(raw.try_into()?)),
            Type::BOOL => i64::from(raw.first().copied().unwrap_or_default()),
            _ => i64::from_be_bytes(raw.try_into()?),
        }))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL)
    }
}

impl<'a> Row<'a> {
    /// The number in a column.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.int_opt(column)?
            .ok_or_else(|| StoreError::corrupt("a number", column))
    }

    /// The number in a column, if any.
    pub fn int_opt(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match &self.0 {
            RowInner::Lite(row) => Ok(row.get_ref(column)?.as_i64_or_null()?),
            RowInner::Pg(row) => Ok(row.try_get::<_, Option<PgInt>>(column)?.map(|int| int.0)),
        }
    }

    /// The text in a column.
    pub fn text(&self, column: usize) -> Result<&'a str, StoreError> {
        self.text_opt(column)?
            .ok_or_else(|| StoreError::corrupt("a text", column))
    }

    /// The text in a column, if any.
    pub fn text_opt(&self, column: usize) -> Result<Option<&'a str>, StoreError> {
        match &self.0 {
            RowInner::Lite(row) => Ok(row.get_ref(column)?.as_str_or_null()?),
            RowInner::Pg(row) => Ok(row.try_get::<_, Option<&str>>(column)?),
        }
    }

    /// The bytes in a column.
    pub fn bytes(&self, column: usize) -> Result<&'a [u8], StoreError> {
        self.bytes_opt(column)?
            .ok_or_else(|| StoreError::corrupt("bytes", column))
    }

    /// The bytes in a column, if any.
    pub fn bytes_opt(&self, column: usize) -> Result<Option<&'a [u8]>, StoreError> {
        match &self.0 {
            RowInner::Lite(row) => Ok(row.get_ref(column)?.as_blob_or_null()?),
            RowInner::Pg(row) => Ok(row.try_get::<_, Option<&[u8]>>(column)?),
        }
    }

    /// The identifier in a column.
    pub fn id<T>(&self, column: usize, make: fn(&[u8]) -> Option<T>) -> Result<T, StoreError> {
        make(self.bytes(column)?).ok_or_else(|| StoreError::corrupt("an identifier", column))
    }

    /// The instant in a column.
    pub fn instant(&self, column: usize) -> Result<jiff::Timestamp, StoreError> {
        jiff::Timestamp::from_millisecond(self.int(column)?).map_err(|_| StoreError::corrupt("an instant", column))
    }

    /// The civil day in a column.
    pub fn day(&self, column: usize) -> Result<kizuna_domain::day::Day, StoreError> {
        self.day_opt(column)?
            .ok_or_else(|| StoreError::corrupt("a day", column))
    }

    /// The civil day in a column, if any.
    pub fn day_opt(&self, column: usize) -> Result<Option<kizuna_domain::day::Day>, StoreError> {
        self.text_opt(column)?
            .map(|text| text.parse().map_err(|_| StoreError::corrupt("a day", column)))
            .transpose()
    }

    /// A coded value in a column.
    pub fn code<T>(&self, column: usize, from_code: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        from_code(self.text(column)?).ok_or_else(|| StoreError::corrupt("a known code", column))
    }

    /// A JSON document in a column.
    pub fn json<T: for<'d> serde::Deserialize<'d>>(&self, column: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.text(column)?).map_err(|_| StoreError::corrupt("a document", column))
    }
}

/// A table and the columns that a bulk insert fills.
#[derive(Debug)]
pub struct Bulk {
    /// Name of the table.
    pub table: &'static str,
    /// Its columns with their PostgreSQL types.
    pub columns: &'static [(&'static str, Type)],
}

/// A value on its way into PostgreSQL, encoded by the column's own type, so that statements need no casts.
#[derive(Debug)]
struct PgValue<'a>(Value<'a>);

impl ToSql for PgValue<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(value) => match *ty {
                Type::INT8 => out.put_i64(value),
                Type::INT4 => out.put_i32(i32::try_from(value)?),
                Type::INT2 => out.put_i16(i16::try_from(value)?),
                _ => return Err(format!("a number cannot become {ty}").into()),
            },
            Value::Text(text) => out.put_slice(text.as_bytes()),
            Value::Bytes(bytes) => out.put_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn lite_value<'a>(value: &Value<'a>) -> ToSqlOutput<'a> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Int(value) => ValueRef::Integer(*value),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

struct PgConnection {
    client: postgres::Client,
    /// Prepared statements by the address of their text.
    statements: HashMap<usize, postgres::Statement>,
}

impl PgConnection {
    fn prepare(&mut self, sql: &Sql) -> Result<postgres::Statement, StoreError> {
        let key = sql.pg.as_ptr() as usize;
        if let Some(statement) = self.statements.get(&key) {
            return Ok(statement.clone());
        }
        let statement = self
            .client
            .prepare(sql.pg)
            .map_err(|error| StoreError::in_statement(sql.name, error))?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }
}

enum Inner<'c> {
    Lite(&'c rusqlite::Connection),
    Pg(&'c mut PgConnection),
}

/// A transaction that can look but not write.
pub struct ReadTx<'c> {
    inner: Inner<'c>,
    /// True after a statement failed: what was written before it must not be committed alone.
    has_failed: bool,
}

impl<'c> ReadTx<'c> {
    fn new(inner: Inner<'c>) -> ReadTx<'c> {
        ReadTx {
            inner,
            has_failed: false,
        }
    }

    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        self.has_failed |= matches!(result, Err(StoreError::Lite { .. } | StoreError::Pg { .. }));
        result
    }
}

/// A transaction that can write; it can do everything a [`ReadTx`] can.
pub struct WriteTx<'c>(ReadTx<'c>);

impl<'c> std::ops::Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;
    fn deref(&self) -> &ReadTx<'c> {
        &self.0
    }
}

impl<'c> std::ops::DerefMut for WriteTx<'c> {
    fn deref_mut(&mut self) -> &mut ReadTx<'c> {
        &mut self.0
    }
}

impl std::fmt::Debug for ReadTx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadTx")
    }
}

impl std::fmt::Debug for WriteTx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WriteTx")
    }
}

impl ReadTx<'_> {
    /// Streams the rows of a statement.
    pub fn each(
        &mut self,
        sql: &Sql,
        args: &[Value<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let result = self.stream(sql, args, row);
        self.noted(result)
    }

    fn stream(
        &mut self,
        sql: &Sql,
        args: &[Value<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match &mut self.inner {
            Inner::Lite(connection) => {
                let at = |error| StoreError::in_statement(sql.name, error);
                let mut statement = connection.prepare_cached(sql.lite).map_err(at)?;
                let mut rows = statement
                    .query(rusqlite::params_from_iter(args.iter().map(lite_value)))
                    .map_err(at)?;
                while let Some(found) = rows.next().map_err(at)? {
                    row(&Row(RowInner::Lite(found)))?;
                }
            }
            Inner::Pg(connection) => {
                let statement = connection.prepare(sql)?;
                let at = |error| StoreError::in_statement(sql.name, error);
                let mut rows = connection
                    .client
                    .query_raw(&statement, args.iter().map(|value| PgValue(*value)))
                    .map_err(at)?;
                while let Some(found) = rows.next().map_err(at)? {
                    row(&Row(RowInner::Pg(&found)))?;
                }
            }
        }
        Ok(())
    }

    /// Every row of a statement that has a limit of its own, made into values.
    pub fn all<T>(
        &mut self,
        sql: &Sql,
        args: &[Value<'_>],
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.each(sql, args, &mut |row| {
            found.push(make(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// The first row of a statement, if any.
    pub fn one<T>(
        &mut self,
        sql: &Sql,
        args: &[Value<'_>],
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, args, make)?.into_iter().next())
    }
}

impl WriteTx<'_> {
    /// Executes a statement and says how many rows it touched.
    pub fn exec(&mut self, sql: &Sql, args: &[Value<'_>]) -> Result<u64, StoreError> {
        let result = self.execute(sql, args);
        self.noted(result)
    }

    fn execute(&mut self, sql: &Sql, args: &[Value<'_>]) -> Result<u64, StoreError> {
        match &mut self.0.inner {
            Inner::Lite(connection) => {
                let at = |error| StoreError::in_statement(sql.name, error);
                let mut statement = connection.prepare_cached(sql.lite).map_err(at)?;
                let rows = statement
                    .execute(rusqlite::params_from_iter(args.iter().map(lite_value)))
                    .map_err(at)?;
                Ok(rows as u64)
            }
            Inner::Pg(connection) => {
                let statement = connection.prepare(sql)?;
                let values: Vec<PgValue<'_>> = args.iter().map(|value| PgValue(*value)).collect();
                let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
                connection
                    .client
                    .execute(&statement, &values)
                    .map_err(|error| StoreError::in_statement(sql.name, error))
            }
        }
    }

    /// Executes a statement that must touch exactly one row; otherwise somebody else changed it first.
    pub fn exec_one(&mut self, sql: &Sql, args: &[Value<'_>]) -> Result<(), StoreError> {
        match self.exec(sql, args)? {
            1 => Ok(()),
            _ => Err(StoreError::Conflict { statement: sql.name }),
        }
    }

    /// Inserts many rows; a row that breaks a unique key fails the whole transaction.
    ///
    /// `width` values make one row. PostgreSQL receives them by COPY.
    pub fn bulk(&mut self, into: &Bulk, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let result = self.insert(into, values);
        self.noted(result)
    }

    fn insert(&mut self, into: &Bulk, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let width = into.columns.len();
        let names: Vec<&str> = into.columns.iter().map(|column| column.0).collect();
        let names = names.join(", ");
        let at_lite = |error| StoreError::in_statement(into.table, error);
        match &mut self.0.inner {
            Inner::Lite(connection) => {
                let marks: Vec<String> = (1..=width).map(|n| format!("?{n}")).collect();
                let text = format!("INSERT INTO {} ({names}) VALUES ({})", into.table, marks.join(", "));
                let mut statement = connection.prepare_cached(&text).map_err(at_lite)?;
                for row in values.chunks_exact(width) {
                    for (index, value) in row.iter().enumerate() {
                        statement
                            .raw_bind_parameter(index + 1, lite_value(value))
                            .map_err(at_lite)?;
                    }
                    statement.raw_execute().map_err(at_lite)?;
                }
            }
            Inner::Pg(connection) => {
                let at = |error| StoreError::in_statement(into.table, error);
                let types: Vec<Type> = into.columns.iter().map(|column| column.1.clone()).collect();
                let text = format!("COPY {} ({names}) FROM STDIN BINARY", into.table);
                let writer = connection.client.copy_in(text.as_str()).map_err(at)?;
                let mut writer = postgres::binary_copy::BinaryCopyInWriter::new(writer, &types);
                for row in values.chunks_exact(width) {
                    let row: Vec<PgValue<'_>> = row.iter().map(|value| PgValue(*value)).collect();
                    writer
                        .write_raw(row.iter().map(|value| value as &(dyn ToSql + Sync)))
                        .map_err(at)?;
                }
                writer.finish().map_err(at)?;
            }
        }
        Ok((values.len() / width.max(1)) as u64)
    }

    /// Executes the text of a migration, which may hold several statements.
    pub(crate) fn script(&mut self, text: &str) -> Result<(), StoreError> {
        match &mut self.0.inner {
            Inner::Lite(connection) => Ok(connection.execute_batch(text)?),
            Inner::Pg(connection) => Ok(connection.client.batch_execute(text)?),
        }
    }

    /// True on SQLite; only migrations may ask.
    pub(crate) fn is_lite(&self) -> bool {
        matches!(self.0.inner, Inner::Lite(_))
    }
}

/// Where the data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL database, as a URL or key=value text.
    Server(String),
}

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub fn parse(text: &str) -> Result<Location, StoreError> {
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Location::File(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Location::Server(text.to_owned()));
        }
        Err(StoreError::Location)
    }
}

enum Pool {
    Lite {
        path: PathBuf,
        writer: Mutex<rusqlite::Connection>,
        readers: Mutex<Vec<rusqlite::Connection>>,
    },
    Pg {
        config: Box<postgres::Config>,
        idle: Mutex<Vec<PgConnection>>,
    },
}

/// The database of one installation.
pub struct Db(Pool);

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &self.0 {
            Pool::Lite { .. } => "Db(sqlite)",
            Pool::Pg { .. } => "Db(postgres)",
        })
    }
}

/// A lock whose holder panicked still guards a usable connection: its transaction was rolled back on the way out.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_lite(path: &Path) -> Result<rusqlite::Connection, StoreError> {
    let connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    write_ahead(&connection)?;
    // FULL, not NORMAL: NORMAL lost acknowledged rows in simulated power cuts.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.execute_batch(PROBE_TABLE)?;
    Ok(connection)
}

/// Switches a new file to a write-ahead log; a file keeps it.
///
/// SQLite refuses at once where another process does the same, instead of waiting as for every other lock.
fn write_ahead(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    for _ in 0..SWITCHES_MAX {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                // This does wait, for whoever was faster.
                connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK")?;
            }
            switched => return Ok(switched?),
        }
    }
    Ok(connection.pragma_update(None, "journal_mode", "WAL")?)
}

/// A place for key lists that a statement is joined with; lives as long as its connection.
///
/// PostgreSQL empties it at every commit, because nothing else ever gives the space of deleted temporary rows back.
const PROBE_TABLE: &str = "CREATE TEMP TABLE IF NOT EXISTS probe (
    number BIGINT NOT NULL, subscription_id BYTEA NOT NULL, slot TEXT NOT NULL)";

impl Db {
    /// Opens the database; SQLite files are created, PostgreSQL databases must exist.
    pub fn open(location: &Location) -> Result<Db, StoreError> {
        match location {
            Location::File(path) => {
                let writer = Mutex::new(open_lite(path)?);
                Ok(Db(Pool::Lite {
                    path: path.clone(),
                    writer,
                    readers: Mutex::default(),
                }))
            }
            Location::Server(url) => {
                let config: postgres::Config = url.parse().map_err(|_| StoreError::Location)?;
                let db = Db(Pool::Pg {
                    config: Box::new(config),
                    idle: Mutex::default(),
                });
                db.read(|_| Ok(()))?;
                Ok(db)
            }
        }
    }

    /// Runs a unit of work that only looks, on one consistent state.
    ///
    /// Who only looks cannot write:
    ///
    /// ```compile_fail,E0308
    /// # fn example(db: &kizuna_store::Db) -> Result<(), kizuna_store::StoreError> {
    /// db.read(|tx| kizuna_store::fence::create(tx, "node"))
    /// # }
    /// ```
    ///
    /// Who writes may look as well:
    ///
    /// ```no_run
    /// # fn example(db: &kizuna_store::Db) -> Result<(), kizuna_store::StoreError> {
    /// let fence = db.write(|tx| {
    ///     kizuna_store::fence::create(tx, "node")?;
    ///     kizuna_store::fence::get(tx)
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read<T>(&self, work: impl FnOnce(&mut ReadTx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &self.0 {
            Pool::Lite { path, readers, .. } => {
                let idle = lock(readers).pop();
                let connection = match idle {
                    Some(connection) => connection,
                    None => open_lite(path)?,
                };
                connection.execute_batch("BEGIN")?;
                let result = work(&mut ReadTx::new(Inner::Lite(&connection)));
                connection.execute_batch("ROLLBACK")?;
                let mut readers = lock(readers);
                if readers.len() < CONNECTIONS_MAX {
                    readers.push(connection);
                }
                result
            }
            Pool::Pg { config, idle } => in_pg(config, idle, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", |pg| {
                work(&mut ReadTx::new(Inner::Pg(pg)))
            }),
        }
    }

    /// Runs a unit of work to commit, or to nothing at all.
    pub fn write<T>(&self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match &self.0 {
            Pool::Lite { writer, .. } => {
                let connection = lock(writer);
                connection.execute_batch("BEGIN IMMEDIATE")?;
                let _unfinished = Unfinished(&connection);
                let value = whole(Inner::Lite(&connection), work)?;
                connection.execute_batch("COMMIT")?;
                Ok(value)
            }
            Pool::Pg { config, idle } => in_pg(config, idle, "BEGIN", |pg| whole(Inner::Pg(pg), work)),
        }
    }

    /// Prepares every statement of the product and names those that this database refuses.
    pub fn prepare_all(&self) -> Result<Vec<String>, StoreError> {
        self.write(|tx| {
            let mut wrong = Vec::new();
            for sql in STATEMENTS {
                let refused = match &mut tx.0.inner {
                    Inner::Lite(connection) => connection.prepare(sql.lite).err().map(|error| error.to_string()),
                    Inner::Pg(connection) => {
                        // Each in a savepoint: PostgreSQL gives up the transaction after an error.
                        connection.client.batch_execute("SAVEPOINT attempt")?;
                        let refused = connection
                            .client
                            .prepare(sql.pg)
                            .err()
                            .map(|error| format!("{error:?}"));
                        connection.client.batch_execute("ROLLBACK TO attempt")?;
                        refused
                    }
                };
                wrong.extend(refused.map(|reason| format!("{}: {reason}", sql.name)));
            }
            Ok(wrong)
        })
    }

    /// Copies a SQLite database, also while it is in use; PostgreSQL has `pg_dump`.
    pub fn backup_to(&self, path: &Path) -> Result<(), StoreError> {
        match &self.0 {
            Pool::Lite { writer, .. } => {
                Ok(lock(writer).backup("main", path, None::<fn(rusqlite::backup::Progress)>)?)
            }
            Pool::Pg { .. } => Err(StoreError::Refused {
                what: "use pg_dump to copy a PostgreSQL database",
            }),
        }
    }
}

/// A transaction of SQLite that is rolled back on the way out, also by a panic, unless it was committed.
struct Unfinished<'c>(&'c rusqlite::Connection);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // Where even this fails the next BEGIN says so.
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// A unit of work that ends well although one of its statements failed has lost something without noticing.
fn whole<T>(inner: Inner<'_>, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut tx = WriteTx(ReadTx::new(inner));
    let value = work(&mut tx)?;
    if tx.0.has_failed {
        return Err(StoreError::Refused {
            what: "a statement failed and its unit of work went on; nothing was written",
        });
    }
    Ok(value)
}

fn in_pg<T>(
    config: &postgres::Config,
    idle: &Mutex<Vec<PgConnection>>,
    begin: &str,
    work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let waiting = lock(idle).pop().filter(|connection| !connection.client.is_closed());
    let mut connection = if let Some(connection) = waiting {
        connection
    } else {
        let mut client = config.connect(postgres::NoTls)?;
        client.batch_execute(&format!("{PROBE_TABLE} ON COMMIT DELETE ROWS"))?;
        PgConnection {
            client,
            statements: HashMap::new(),
        }
    };
    connection.client.batch_execute(begin)?;
    let result = work(&mut connection);
    let ended = connection
        .client
        .batch_execute(if result.is_ok() { "COMMIT" } else { "ROLLBACK" });
    // The cause comes first: where a connection was lost, ending its transaction fails too.
    let value = match (result, ended) {
        (Ok(value), Ok(())) => Ok(value),
        (Err(cause), Ok(())) => Err(cause),
        (Err(cause), Err(_)) => return Err(cause),
        (Ok(_), Err(error)) => return Err(error.into()),
    };
    // A connection whose work panicked or whose end failed is not put back; closing it rolls back.
    let mut idle = lock(idle);
    if idle.len() < CONNECTIONS_MAX {
        idle.push(connection);
    }
    value
}
