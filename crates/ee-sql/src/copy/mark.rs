//! The mark of a database that is an unfinished copy: a name beside the revisions, which stand in every schema.

use ee_core::Error;

use crate::{Batch, Database, Statement};

/// Is true for everything beside marks.
pub(super) const IS_NONE: &str = "substr(name, 1, 8) <> 'copy of '";

const IS_ONE: &str = "SELECT name FROM ee_revisions WHERE substr(name, 1, 8) = 'copy of '";

const PREFIX: &str = "copy of ";

/// Returns the name of the source when a database is a copy that was not finished: parts of what it should hold are
/// missing, so nobody may use it yet.
pub async fn unfinished(database: &dyn Database) -> Result<Option<String>, Error> {
    let query = Statement::new(IS_ONE);
    let Some(mut row) = database
        .find("look for an unfinished copy", query)
        .await?
        .pop()
    else {
        return Ok(None);
    };
    let name: String = row.take()?;
    Ok(name.strip_prefix(PREFIX).map(str::to_owned))
}

/// Marks a database as an unfinished copy.
pub(super) async fn set(database: &dyn Database, source: &str) -> Result<(), Error> {
    let insert =
        "INSERT INTO ee_revisions (name, value) VALUES (?1, 0) ON CONFLICT (name) DO NOTHING";
    change(database, "mark the copy as unfinished", insert, source).await
}

/// Returns what begins every batch of a copy and undoes it when the mark is gone: somebody may use the database then.
pub(super) fn guard(source: &str) -> Statement {
    let touch = Statement::new("UPDATE ee_revisions SET value = value WHERE name = ?1");
    touch.bind(format!("{PREFIX}{source}")).must_change()
}

/// Takes the mark away.
pub(super) async fn remove(database: &dyn Database, source: &str) -> Result<(), Error> {
    let delete = "DELETE FROM ee_revisions WHERE name = ?1";
    change(database, "mark the copy as finished", delete, source).await
}

async fn change(
    database: &dyn Database,
    operation: &'static str,
    sql: &'static str,
    source: &str,
) -> Result<(), Error> {
    let statement = Statement::new(sql).bind(format!("{PREFIX}{source}"));
    database.execute(operation, Batch::from(statement)).await?;
    Ok(())
}
