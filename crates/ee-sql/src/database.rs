//! What a store crate brings.

use std::fmt;

use async_trait::async_trait;
use ee_core::{Error, storage::ChangeHub};

use crate::{Batch, Row, Statement};

/// What one statement of a batch has done.
#[derive(Debug, Default)]
pub struct Done {
    /// How many rows it has changed.
    pub changed: u64,
    /// What it returns.
    pub rows: Vec<Row>,
}

/// Which schema a database has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SchemaStatus {
    /// The schema of the database, 0 for none.
    pub found: i32,
    /// The newest schema that this program knows. One that is newer still is refused when a store is opened.
    pub known: i32,
}

/// A database with our schema. What it promises is in the description of the crate.
///
/// `operation` completes "could not", such as `create a session`. Every method fails with
/// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable) when the database does not answer.
#[async_trait]
pub trait Database: fmt::Debug + Send + Sync + 'static {
    /// Runs queries on one state of the database and returns the rows of each.
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, Error>;

    /// Runs one query that finds few rows by a key, as fast as there is a way.
    async fn find(&self, operation: &'static str, query: Statement) -> Result<Vec<Row>, Error> {
        let answers = self.query(operation, vec![query]).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Does a batch as one transaction. `None` when a statement that must change something did not: then nothing
    /// was done. Fails with [`ErrorKind::Conflict`](ee_core::ErrorKind::Conflict) when a key is taken.
    ///
    /// A caller that stops waiting leaves nothing half done.
    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error>;

    /// Lets the numbers that the database gives out for a column go on behind the largest one that is there, after rows
    /// that have brought their own. Nothing to do for one that looks for the largest one each time.
    async fn go_on_numbering(
        &self,
        _table: &'static str,
        _column: &'static str,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// Returns where changes are told.
    fn hub(&self) -> &ChangeHub;
}
