//! Whose file it is, and which schema it has.

use std::path::Path;

use ee_sql::SchemaStatus;
use refinery::{Migration, Runner};
use refinery_core::traits::sync::{Migrate, Query, Transaction};
use rusqlite::{Connection, TransactionBehavior, types::Type};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::OpenError;

mod embedded {
    #![allow(
        unreachable_pub,
        clippy::unwrap_used,
        reason = "generated; a migration file with a wrong name fails every test"
    )]

    refinery::embed_migrations!("migrations");
}

/// `maEE`: marks our files in their header.
const APPLICATION_ID: i32 = 0x6d61_4545;

const HISTORY: &str = "ee_schema_history";

/// One migration of ours.
#[cfg(feature = "remote")]
pub(crate) struct Known {
    pub(crate) checksum: String,
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) version: i32,
}

/// Returns all migrations by version.
#[cfg(feature = "remote")]
pub(crate) fn all() -> Vec<Known> {
    let runner = embedded::migrations::runner();
    let mut all: Vec<Known> = runner
        .get_migrations()
        .iter()
        .map(|it| Known {
            checksum: it.checksum().to_string(),
            name: it.name().to_owned(),
            sql: it.sql().unwrap_or_default().to_owned(),
            version: it.version(),
        })
        .collect();
    all.sort_by_key(|it| it.version);
    all
}

/// Refuses a file that is not ours or too new, then brings the schema up to date.
///
/// All of it is one transaction: of several processes that start on a new file, one creates the
/// schema and the others find it; a migration that fails leaves the file as it was.
pub(crate) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let sqlite = |source| OpenError::Sqlite {
        path: path.into(),
        source,
    };
    let (runner, known) = runner();

    // Without the lock first, so that another program is not disturbed.
    check_owner(conn, path, known)?;
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(sqlite)?;
    let found = check_owner(&transaction, path, known)?;
    run(&runner, &transaction).map_err(|source| OpenError::Migrate {
        path: path.into(),
        source: Box::new(source),
    })?;
    if found != known {
        let mark = |name, value| transaction.pragma_update(None, name, value);
        mark("application_id", APPLICATION_ID).map_err(sqlite)?;
        mark("user_version", known).map_err(sqlite)?;
    }
    transaction.commit().map_err(sqlite)
}

/// Tells which schema the file has, also one that is too new.
pub(crate) fn status(conn: &Connection, path: &Path) -> Result<SchemaStatus, OpenError> {
    let (_, known) = runner();
    match check_owner(conn, path, known) {
        Ok(found) | Err(OpenError::Newer { found, .. }) => Ok(SchemaStatus { found, known }),
        Err(err) => Err(err),
    }
}

/// Tells which schema a file has that is not there.
pub(crate) fn none() -> SchemaStatus {
    let (_, known) = runner();
    SchemaStatus { found: 0, known }
}

/// Returns what migrates, and the newest schema that it knows.
fn runner() -> (Runner, i32) {
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(HISTORY);
    let versions = runner.get_migrations().iter().map(Migration::version);
    let known = versions.max().unwrap_or_default();
    (runner, known)
}

/// Returns the schema of the file, 0 for a new one.
fn check_owner(conn: &Connection, path: &Path, known: i32) -> Result<i32, OpenError> {
    let read = || -> rusqlite::Result<(i32, i32, i64)> {
        let pragma = |name| conn.pragma_query_value(None, name, |row| row.get(0));
        let tables = conn.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((pragma("application_id")?, pragma("user_version")?, tables))
    };
    match read() {
        Ok((APPLICATION_ID, found, _)) if found > known => Err(OpenError::Newer {
            found,
            known,
            path: path.into(),
        }),
        Ok((APPLICATION_ID, found, _)) => Ok(found),
        Ok((0, 0, 0)) => Ok(0),
        Ok(_) => Err(OpenError::Foreign { path: path.into() }),
        Err(err) if err.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            Err(OpenError::NotSqlite { path: path.into() })
        }
        Err(source) => Err(OpenError::Sqlite {
            path: path.into(),
            source,
        }),
    }
}

fn run(runner: &Runner, conn: &Connection) -> Result<(), refinery::Error> {
    runner.run(&mut WithinTransaction(conn)).map(|_| ())
}

/// Lets refinery work inside a transaction that is open already.
struct WithinTransaction<'conn>(&'conn Connection);

impl Transaction for WithinTransaction<'_> {
    type Error = rusqlite::Error;

    fn execute<'a, T: Iterator<Item = &'a str>>(
        &mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let mut count = 0;
        for query in queries {
            self.0.execute_batch(query)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Query<Vec<Migration>> for WithinTransaction<'_> {
    fn query(&mut self, query: &str) -> Result<Vec<Migration>, Self::Error> {
        let mut statement = self.0.prepare(query)?;
        let rows = statement.query_map([], |row| {
            let applied_on: String = row.get(2)?;
            let applied_on = OffsetDateTime::parse(&applied_on, &Rfc3339).map_err(|err| {
                rusqlite::Error::FromSqlConversionFailure(2, Type::Text, err.into())
            })?;
            let checksum: String = row.get(3)?;
            let checksum = checksum.parse().map_err(|_| {
                rusqlite::Error::InvalidColumnType(3, "checksum".into(), Type::Text)
            })?;
            Ok(Migration::applied(
                row.get(0)?,
                row.get(1)?,
                applied_on,
                checksum,
            ))
        })?;
        rows.collect()
    }
}

impl Migrate for WithinTransaction<'_> {}
