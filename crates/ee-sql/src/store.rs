//! The store over a database.

use std::collections::BTreeSet;

use ee_core::{
    AuditRide, Error, ErrorKind, Visible,
    storage::{ChangeHub, Page, Paged},
};

use crate::{Batch, Database, Done, FromValue, Reach, Row, Statement, leave};

/// Every storage domain over one database.
#[derive(Debug)]
pub struct SqlStore<D>(D);

impl<D: Database> SqlStore<D> {
    /// Takes a database with the schema of the domains.
    pub const fn new(database: D) -> Self {
        Self(database)
    }

    /// Returns the database.
    pub const fn database(&self) -> &D {
        &self.0
    }

    /// Returns where changes are told.
    pub fn hub(&self) -> &ChangeHub {
        self.0.hub()
    }

    /// Finds one row by a key.
    pub(crate) async fn find_by<T>(
        &self,
        operation: &'static str,
        query: Statement,
        read: impl FnOnce(Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let found = self.0.find(operation, query).await?;
        found.into_iter().next().map(read).transpose()
    }

    /// Finds few rows by a key.
    pub(crate) async fn few<T>(
        &self,
        operation: &'static str,
        query: Statement,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let found = self.0.find(operation, query).await?;
        found.into_iter().map(read).collect()
    }

    /// Reads the rows of one query.
    pub(crate) async fn rows<T>(
        &self,
        operation: &'static str,
        query: Statement,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let answers = self.0.query(operation, vec![query]).await?;
        answers.into_iter().flatten().map(read).collect()
    }

    /// Reads rows along an index, for a bounded time.
    pub(crate) async fn along<T>(
        &self,
        operation: &'static str,
        query: Statement,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.first(operation, query, usize::MAX, read).await
    }

    /// The same, but leaves out those behind the first so many.
    pub(crate) async fn first<T>(
        &self,
        operation: &'static str,
        query: Statement,
        most: usize,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.0.search(operation, query, Reach::Page).await?;
        rows.into_iter().take(most).map(read).collect()
    }

    /// Reads how many rows there are, and one page of them.
    pub(crate) async fn paged<T>(
        &self,
        operation: &'static str,
        count: Statement,
        rows: Statement,
        read: impl FnMut(Row) -> Result<T, Error>,
    ) -> Result<Paged<T>, Error> {
        let mut answers = self
            .0
            .query(operation, vec![count, rows])
            .await?
            .into_iter();
        let mut next = || answers.next().unwrap_or_default().into_iter();
        let total = next().next().map_or(Ok(0), column)?;
        let rows = next().map(read).collect::<Result<_, _>>()?;
        Ok(Paged { rows, total })
    }

    /// Does a batch; `None` when it was undone.
    pub(crate) async fn batch(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        self.0.execute(operation, batch).await
    }

    /// Does a batch that cannot be undone by what it finds, and returns how many rows its last statement has changed.
    pub(crate) async fn run(
        &self,
        operation: &'static str,
        batch: impl Into<Batch>,
    ) -> Result<u64, Error> {
        let done = self.0.execute(operation, batch.into()).await?;
        Ok(changed_last(done))
    }

    /// Does a batch that changes who may do what, or with what, together with the event that describes the change, if one
    /// rides along. `None` when it was undone.
    pub(crate) async fn change(
        &self,
        operation: &'static str,
        mut batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        let Some(ride) = AuditRide::current() else {
            return self.batch(operation, batch).await;
        };
        // What changes nothing is no change, and leaves no event.
        let has_rule = batch.statements.iter().any(|it| it.must_change);
        if let Some(first) = batch.statements.first_mut() {
            first.must_change |= !has_rule;
        }
        let record = ride.record(batch.about.as_ref())?;
        let mut done = self.batch(operation, batch.then(leave(&record))).await?;
        if let Some(done) = &mut done {
            // Whoever asked knows nothing of that statement.
            done.pop();
            ride.carried();
        }
        Ok(done)
    }

    /// The same, and returns how many rows the last statement has changed.
    pub(crate) async fn change_rows(
        &self,
        operation: &'static str,
        batch: impl Into<Batch>,
    ) -> Result<u64, Error> {
        let done = self.change(operation, batch.into()).await?;
        Ok(changed_last(done))
    }

    /// Keeps one row; a taken key is told with `taken`. A row that is about a thing is a [`change`](Self::change).
    pub(crate) async fn insert(
        &self,
        operation: &'static str,
        batch: impl Into<Batch>,
        taken: &'static str,
    ) -> Result<(), Error> {
        let batch = batch.into();
        let done = match batch.about {
            Some(_) => self.change_rows(operation, batch).await,
            None => self.run(operation, batch).await,
        };
        match done {
            Err(err) if err.kind() == ErrorKind::Conflict => {
                Err(Error::new(ErrorKind::Conflict, taken).with_source(err))
            }
            result => result.map(drop),
        }
    }
}

fn changed_last(done: Option<Vec<Done>>) -> u64 {
    let last = done.and_then(|mut done| done.pop());
    last.map_or(0, |done| done.changed)
}

/// Reads rows of one column.
pub(crate) fn column<T: FromValue>(mut row: Row) -> Result<T, Error> {
    row.take()
}

/// Leaves the rows that may be shown, of a query with a `WHERE`.
pub(crate) fn shown(query: Statement, visible: &Visible) -> Statement {
    match visible {
        Visible::All { except } if except.is_empty() => query,
        Visible::All { except } => query.and(
            " AND id NOT IN (SELECT value FROM json_each(?))",
            [texts(except)],
        ),
        Visible::Only(ids) => {
            query.and(" AND id IN (SELECT value FROM json_each(?))", [texts(ids)])
        }
    }
}

/// Writes a list of ids as one parameter, so that a statement has one text for lists of every length. Not every database
/// takes a NUL, and no id has one.
fn texts(ids: &BTreeSet<String>) -> String {
    let ids = ids.iter().filter(|id| !id.contains('\0'));
    let list: serde_json::Value = ids.map(String::as_str).collect();
    list.to_string()
}

/// Adds which rows of a page with a number are wanted.
pub(crate) fn paged(query: Statement, page: Page) -> Statement {
    query.and(" LIMIT ? OFFSET ?", [u64::from(page.size), page.offset()])
}

/// Writes a place in a list that is ordered by several columns.
pub(crate) fn place(columns: &[&str]) -> String {
    serde_json::Value::from(columns).to_string()
}

/// Reads what [`place`] writes. Fails with [`ErrorKind::Invalid`].
pub(crate) fn columns<const N: usize>(place: &str) -> Result<[String; N], Error> {
    let columns: Option<Vec<String>> = serde_json::from_str(place).ok();
    columns
        .and_then(|columns| columns.try_into().ok())
        .ok_or_else(|| Error::invalid_field("after", "is not where a part of this list ended"))
}

/// Writes a pattern that finds texts with `part` in them, for `LIKE … ESCAPE '!'` on lower-case text.
pub(crate) fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for char in part.to_ascii_lowercase().chars() {
        if matches!(char, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(char);
    }
    pattern.push('%');
    pattern
}
