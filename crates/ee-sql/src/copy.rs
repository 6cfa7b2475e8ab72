//! Moves everything from one database to another, of another kind or not.
//!
//! Rows go in the order of their keys, so many at a time that memory stays bounded, and one such part is one
//! transaction of the target. A mark in the target tells what it is going to be a copy of, so a copy that was
//! interrupted goes on behind the last row that arrived. In the end both databases are read whole: only when they
//! hold the same is the mark taken away.
//!
//! Nothing in the target is changed or deleted: one with rows is refused, unless it has the mark of this source.
//!
//! ```
//! use ee_sql::{Database, copy::{Copier, CopyError}};
//!
//! async fn moved(from: &dyn Database, to: &dyn Database) -> Result<bool, CopyError> {
//!     let copied = Copier::new(from, to, "the old store").run(&mut |_| {}).await?;
//!     Ok(copied.is_equal())
//! }
//! ```

mod contents;
mod error;
mod insert;
mod mark;
mod pages;
mod tables;

use ee_core::{Error, ErrorKind};

pub use contents::Contents;
pub use error::CopyError;
pub use mark::unfinished;
pub use tables::{DERIVED, TABLES, Table};

use crate::{Batch, Database, Statement};

use contents::Tally;
use insert::{TOGETHER, insert, with_nul};
use pages::Pages;

/// How far a copy is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// How many rows are done.
    pub done: u64,
    /// How many there are to do in this phase.
    pub total: u64,
    /// What is done with them.
    pub phase: Phase,
    /// In which table.
    pub table: &'static str,
}

/// What is done with rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Phase {
    /// They are read again, in both databases, and compared.
    Compare,
    /// They are brought to the target.
    Copy,
}

/// What came of a copy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied {
    /// Whether it went on where another one was interrupted.
    pub is_resumed: bool,
    /// Every table, in the order of [`TABLES`].
    pub tables: Vec<CopiedTable>,
}

impl Copied {
    /// Tells whether both databases hold the same.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(CopiedTable::is_equal)
    }
}

/// One table of both databases.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CopiedTable {
    /// Its name.
    pub name: &'static str,
    /// What it holds in the source.
    pub source: Contents,
    /// What it holds in the target.
    pub target: Contents,
}

impl CopiedTable {
    /// Tells whether both databases hold the same of it.
    pub fn is_equal(&self) -> bool {
        self.source == self.target
    }
}

/// Copies one database to another. Both have the newest schema, and nobody else uses them.
#[derive(Clone, Copy, Debug)]
pub struct Copier<'a> {
    name: &'a str,
    source: &'a dyn Database,
    target: &'a dyn Database,
}

impl<'a> Copier<'a> {
    /// Takes both, and a name for the source by which a copy that was interrupted finds its target again. The name
    /// stands in the target meanwhile: it holds no secret.
    pub const fn new(source: &'a dyn Database, target: &'a dyn Database, name: &'a str) -> Self {
        Self {
            name,
            source,
            target,
        }
    }

    /// Copies what is not there yet, then compares everything. While the two differ the target keeps its mark.
    pub async fn run(&self, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<Copied, CopyError> {
        let is_resumed = self.begin().await?;
        let total = count(self.source).await?.into_iter().sum();
        let there = count(self.target).await?;
        let mut meter = Meter {
            done: 0,
            phase: Phase::Copy,
            tell,
            total,
        };
        for (table, there) in TABLES.iter().zip(there) {
            self.copy(table, there, &mut meter).await?;
        }
        meter.phase = Phase::Compare;
        (meter.done, meter.total) = (0, total * 2);
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            tables.push(CopiedTable {
                name: table.name,
                source: contents(self.source, table, &mut meter).await?,
                target: contents(self.target, table, &mut meter).await?,
            });
        }
        let copied = Copied { is_resumed, tables };
        if copied.is_equal() {
            mark::remove(self.target, self.name).await?;
        }
        Ok(copied)
    }

    /// Refuses what must not be copied or written to, and marks the target. Returns whether it was marked before.
    async fn begin(&self) -> Result<bool, CopyError> {
        if let Some(of) = unfinished(self.source).await? {
            return Err(CopyError::UnfinishedSource { of });
        }
        match unfinished(self.target).await? {
            Some(of) if of == self.name => return Ok(true),
            Some(of) => return Err(CopyError::AnotherCopy { of }),
            None => {}
        }
        for (table, rows) in TABLES.iter().zip(first_rows(self.target).await?) {
            if rows > 0 && !table.is_seeded() {
                return Err(CopyError::NotEmpty { table: table.name });
            }
        }
        mark::set(self.target, self.name).await?;
        if unfinished(self.source).await?.is_some() {
            mark::remove(self.target, self.name).await?;
            return Err(CopyError::Same);
        }
        Ok(false)
    }

    /// Copies the rows of a table that are missing in the target, which has so many of them.
    async fn copy(
        &self,
        table: &'static Table,
        mut there: u64,
        meter: &mut Meter<'_>,
    ) -> Result<(), CopyError> {
        let name = table.name;
        let failed = |source| CopyError::Database {
            source,
            table: name,
        };
        if table.is_seeded() {
            there = 0;
        }
        meter.add(name, there);
        let pages = Pages::missing_in(self.target, self.source, table).await;
        let mut pages = pages.map_err(failed)?;
        loop {
            let rows = pages.next().await.map_err(failed)?;
            let count = rows.len() as u64;
            if count == 0 {
                break;
            }
            let unkept = with_nul(table, &rows, there);
            let mut batch = Batch::from(mark::guard(self.name));
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                batch = batch.then(insert(table, rows.by_ref().take(TOGETHER)));
            }
            let done = self.target.execute("copy rows", batch).await;
            let done = done.map_err(|err| match unkept {
                Some(unkept) if err.kind() == ErrorKind::Invalid => unkept,
                _ => failed(err),
            })?;
            done.ok_or(CopyError::Finished)?;
            there += count;
            meter.add(name, count);
        }
        if let Some(column) = table.numbered {
            let done = self.target.go_on_numbering(name, column).await;
            done.map_err(failed)?;
        }
        Ok(())
    }
}

/// Counts the rows of each table.
async fn count(database: &dyn Database) -> Result<Vec<u64>, Error> {
    let sql = |table: &Table| {
        format!(
            "SELECT count(*) FROM {} WHERE {}",
            table.name,
            table.filter()
        )
    };
    ask_each(database, "count rows", sql).await
}

/// Tells of each table whether it has rows: 0 for none.
async fn first_rows(database: &dyn Database) -> Result<Vec<u64>, Error> {
    let sql = |table: &Table| {
        let name = table.name;
        format!("SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1) AS first")
    };
    ask_each(database, "look for rows", sql).await
}

/// Asks for a number of each table.
async fn ask_each(
    database: &dyn Database,
    operation: &'static str,
    sql: impl Fn(&Table) -> String,
) -> Result<Vec<u64>, Error> {
    let queries = TABLES.iter().map(|table| Statement::new(sql(table)));
    let answers = database.query(operation, queries.collect()).await?;
    let rows = answers.into_iter().flatten();
    rows.map(|mut row| row.take()).collect()
}

async fn contents(
    database: &dyn Database,
    table: &'static Table,
    meter: &mut Meter<'_>,
) -> Result<Contents, CopyError> {
    let mut pages = Pages::all(database, table);
    let mut tally = Tally::of(table);
    loop {
        let rows = pages.next().await;
        let rows = rows.map_err(|source| CopyError::Database {
            source,
            table: table.name,
        })?;
        if rows.is_empty() {
            return Ok(tally.finish());
        }
        for row in &rows {
            tally.add(row);
        }
        meter.add(table.name, rows.len() as u64);
    }
}

/// Counts what is done.
struct Meter<'a> {
    done: u64,
    phase: Phase,
    tell: &'a mut (dyn FnMut(Progress) + Send),
    total: u64,
}

impl Meter<'_> {
    fn add(&mut self, table: &'static str, rows: u64) {
        self.done += rows;
        (self.tell)(Progress {
            done: self.done,
            total: self.total,
            phase: self.phase,
            table,
        });
    }
}
