//! Brings the schema of the server up to date.

use ee_sql::{Row, SchemaStatus, Value};

use crate::{
    migrations,
    remote::{
        RemoteError, RemoteOpenError,
        client::{Remote, Stream},
        feed,
        wire::Steps,
    },
};

const CREATE_HISTORY: &str = "CREATE TABLE IF NOT EXISTS ee_schema_history (\
    version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
const HISTORY: &str = "SELECT version, checksum FROM ee_schema_history ORDER BY version";
const RECORD: &str = "INSERT INTO ee_schema_history (version, name, checksum) VALUES (?1, ?2, ?3)";

/// Runs what is missing in one transaction: of several processes that start at once, one does it and the others find
/// it; what is interrupted leaves the old schema.
pub(crate) async fn migrate(remote: &Remote) -> Result<(), RemoteOpenError> {
    let mut steps = Steps::default();
    steps.then("BEGIN IMMEDIATE", &[]);
    steps.then(CREATE_HISTORY, &[]);
    let history = steps.then(HISTORY, &[]);
    let begun = remote.begin(steps).await;
    let (mut answer, stream) = begun.map_err(RemoteOpenError::Server)?;
    let found = answer
        .steps()
        .and_then(|mut done| done.take(history))
        .map_err(RemoteOpenError::Server)?;
    let missing = missing(found.rows);
    match missing {
        Ok(missing) => finish(remote, stream, &missing)
            .await
            .map_err(RemoteOpenError::Server),
        Err(err) => {
            let mut undo = Steps::default();
            undo.then("ROLLBACK", &[]);
            // The server undoes it by itself otherwise.
            let _ = remote.end(stream, undo).await;
            Err(err)
        }
    }
}

/// Tells which schema the database has, and changes nothing.
pub(crate) async fn status(remote: &Remote) -> Result<SchemaStatus, RemoteOpenError> {
    let known = migrations::all().iter().map(|it| it.version).max();
    let mut steps = Steps::default();
    let tables = steps.then(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'ee_schema_history'",
        &[],
    );
    let last = steps.then("SELECT max(version) FROM ee_schema_history", &[]);
    let looked = async {
        let mut done = remote.run(steps).await?.steps()?;
        if feed::value(done.take(tables)?.rows)? == Some(0) {
            return Ok(None);
        }
        feed::value(done.take(last)?.rows)
    };
    let found = looked.await.map_err(RemoteOpenError::Server)?;
    Ok(SchemaStatus {
        found: found.map_or(0, |found| i32::try_from(found).unwrap_or(i32::MAX)),
        known: known.unwrap_or_default(),
    })
}

struct Missing {
    name: String,
    params: [Value; 3],
    statements: Vec<String>,
}

fn missing(rows: Vec<Row>) -> Result<Vec<Missing>, RemoteOpenError> {
    let malformed = |_| RemoteOpenError::Server(RemoteError::Malformed);
    let ours = migrations::all();
    let known = ours.iter().map(|it| it.version).max().unwrap_or_default();
    let mut done = 0;
    for mut row in rows {
        let version: i64 = row.take().map_err(malformed)?;
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let checksum: String = row.take().map_err(malformed)?;
        if version > known {
            return Err(RemoteOpenError::Newer {
                found: version,
                known,
            });
        }
        match ours.iter().find(|it| it.version == version) {
            Some(own) if own.checksum == checksum => done = version,
            _ => return Err(RemoteOpenError::Foreign { version }),
        }
    }
    let missing = ours.into_iter().filter(|it| it.version > done);
    Ok(missing
        .map(|it| Missing {
            params: [
                Value::Integer(it.version.into()),
                Value::Text(it.name.clone()),
                Value::Text(it.checksum),
            ],
            name: it.name,
            statements: statements(&it.sql),
        })
        .collect())
}

async fn finish(remote: &Remote, stream: Stream, missing: &[Missing]) -> Result<(), RemoteError> {
    let mut steps = Steps::default();
    // A step of its own first, on whose success the others hang.
    steps.then("SELECT 1", &[]);
    for migration in missing {
        tracing::info!(schema = migration.name, "the schema is brought up to date");
        for statement in &migration.statements {
            steps.then(statement, &[]);
        }
        steps.then(RECORD, &migration.params);
    }
    let commit = steps.then("COMMIT", &[]);
    steps.unless(commit, "ROLLBACK");
    let mut done = remote.end(stream, steps).await?.steps()?;
    done.take(commit).map(drop)
}

/// Splits the text of a migration at its semicolons, but for those within a trigger. Our migrations hold none in texts.
fn statements(sql: &str) -> Vec<String> {
    let code = |line: &str| !line.trim_start().starts_with("--");
    let text: Vec<&str> = sql.lines().filter(|line| code(line)).collect();
    let mut statements = Vec::new();
    let mut trigger = String::new();
    for part in text.join("\n").split(';').map(str::trim) {
        if part.starts_with("CREATE TRIGGER") || !trigger.is_empty() {
            trigger.push_str(part);
            if part.ends_with("END") {
                statements.push(std::mem::take(&mut trigger));
            } else {
                trigger.push_str(";\n");
            }
        } else if !part.is_empty() {
            statements.push(part.to_owned());
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_splits_into_statements_that_sqlite_takes() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        for migration in migrations::all() {
            for statement in statements(&migration.sql) {
                conn.execute_batch(&statement).unwrap();
            }
        }
    }
}
