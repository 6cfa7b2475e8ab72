//! Reads tables in bounded parts.

use ee_core::Error;

use super::Table;
use crate::{Database, Row, Statement, Value};

/// Most rows of one part.
const ROWS: i64 = 500;

/// Bytes of text at which a part ends, with the row that reaches them.
const BYTES: u64 = 1024 * 1024;

/// One row, in the order of [`Table::columns`].
pub(super) type Values = Vec<Value>;

/// The rows of a table in the order of its key, a part at a time.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    /// The key of the last row that was read.
    after: Option<Values>,
    database: &'a dyn Database,
    table: &'static Table,
}

impl<'a> Pages<'a> {
    /// Begins at the first row.
    pub(super) const fn all(database: &'a dyn Database, table: &'static Table) -> Self {
        Self {
            after: None,
            database,
            table,
        }
    }

    /// Begins behind the last row that another database has.
    pub(super) async fn missing_in(
        other: &dyn Database,
        database: &'a dyn Database,
        table: &'static Table,
    ) -> Result<Self, Error> {
        let mut pages = Self::all(database, table);
        if !table.is_seeded() {
            let key = table.key.join(", ");
            let last = table.key.join(" DESC, ");
            let sql = format!(
                "SELECT {key} FROM {} ORDER BY {last} DESC LIMIT 1",
                table.name
            );
            let mut last = other
                .find("look for the last row", Statement::new(sql))
                .await?;
            pages.after = last.pop().map(Row::into_values);
        }
        Ok(pages)
    }

    /// Reads the next part; it is empty behind the last one.
    pub(super) async fn next(&mut self) -> Result<Vec<Values>, Error> {
        let limit = if self.table.texts.is_empty() {
            ROWS
        } else {
            self.fitting().await?
        };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let columns: Vec<&str> = self.table.columns().collect();
        let rows = self.read(&columns.join(", "), limit).await?;
        let rows: Vec<Values> = rows.into_iter().map(Row::into_values).collect();
        if let Some(last) = rows.last() {
            let key = last.iter().take(self.table.key.len());
            self.after = Some(key.cloned().collect());
        }
        Ok(rows)
    }

    /// Counts how many of the next rows make one part.
    async fn fitting(&self) -> Result<i64, Error> {
        let length = |column: &&str| format!("coalesce(octet_length({column}), 0)");
        let lengths: Vec<String> = self.table.texts.iter().map(length).collect();
        let (mut rows, mut bytes) = (0, 0);
        for mut row in self.read(&lengths.join(" + "), ROWS).await? {
            bytes += row.take::<u64>()?;
            rows += 1;
            if bytes >= BYTES {
                break;
            }
        }
        Ok(rows)
    }

    async fn read(&self, what: &str, limit: i64) -> Result<Vec<Row>, Error> {
        let (name, filter) = (self.table.name, self.table.filter());
        let mut query = Statement::new(format!("SELECT {what} FROM {name} WHERE {filter}"));
        let key = self.table.key.join(", ");
        if let Some(after) = &self.after {
            let after = after.iter().cloned();
            query = query.and(&format!(" AND ({key}) > "), None::<Value>);
            query = query.list(after);
        }
        let query = query.and(&format!(" ORDER BY {key} LIMIT ?"), [limit]);
        let rows = self
            .database
            .query("read rows to copy", vec![query])
            .await?;
        Ok(rows.into_iter().flatten().collect())
    }
}
