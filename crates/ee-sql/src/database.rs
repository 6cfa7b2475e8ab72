//! What a store crate brings.

use std::fmt;

use async_trait::async_trait;
use ee_core::{Error, storage::ChangeHub};
use jiff::Timestamp;

use crate::{Batch, Row, Statement, Value, ValueRef};

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

/// Which words of its own a database has for a search of words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// `TSVECTOR` and `TSQUERY`.
    Postgres,
    /// FTS5.
    Sqlite,
}

/// How much a search looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// It goes along an index until it has enough.
    Page,
    /// Everything that fits.
    Whole,
}

/// Makes of what was found in a transaction what the transaction goes on with. An error undoes it.
pub type Then = Box<dyn FnOnce(Vec<Vec<Row>>) -> Result<Batch, Error> + Send>;

/// Makes something of a row where it lies.
pub type Look<T> = fn(&[ValueRef<'_>]) -> Result<T, Error>;

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

    /// Runs statements, and then what follows from the rows that they return, as one transaction. What a statement has
    /// changed or locked stays so until the end. Answers as [`execute`](Self::execute) does for what followed.
    ///
    /// A caller that stops waiting leaves nothing half done.
    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, Error>;

    /// Runs one query that may have much to look at, for five seconds at most: beyond, it fails with
    /// [`ErrorKind::Unavailable`](ee_core::ErrorKind::Unavailable).
    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        _reach: Reach,
    ) -> Result<Vec<Row>, Error> {
        let answers = self.query(operation, vec![query]).await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Runs one query that goes along an index, as [`search`](Self::search) does, and looks at each row: a database may
    /// show what it has without a copy.
    async fn look<T: Send + 'static>(
        &self,
        operation: &'static str,
        query: Statement,
        look: Look<T>,
    ) -> Result<Vec<T>, Error>
    where
        Self: Sized,
    {
        let rows = self.search(operation, query, Reach::Page).await?;
        let values = rows.into_iter().map(Row::into_values);
        let look = |row: Vec<Value>| {
            let row: Vec<ValueRef<'_>> = row.iter().map(ValueRef::from).collect();
            look(&row)
        };
        values.map(look).collect()
    }

    /// Makes room for events of the record that happen from a moment on. Nothing to do for one that keeps them in one
    /// piece. What cannot be made now is tried again another time.
    async fn make_room(&self, _now: Timestamp) {}

    /// Returns which words of its own it has.
    fn dialect(&self) -> Dialect;

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
