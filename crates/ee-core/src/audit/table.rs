//! Tables of events in formats that are not text.

use std::{borrow::Cow, fmt};

use crate::Error;

/// What the texts of a column say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AuditCellKind {
    /// A list or a map, as JSON.
    Json,
    /// A whole number.
    Number,
    /// Words, ids and addresses.
    Text,
    /// A moment (RFC 3339).
    Time,
}

/// A column of a table of events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuditColumn {
    /// What its texts say.
    pub kind: AuditCellKind,
    /// What it is called, such as `actor.id`.
    pub name: &'static str,
}

impl AuditColumn {
    /// Describes a column.
    pub const fn new(name: &'static str, kind: AuditCellKind) -> Self {
        Self { kind, name }
    }
}

/// A format of files with tables.
pub trait AuditTableFormat: fmt::Debug + Send + Sync + 'static {
    /// Begins a table. Fails when its format has no such columns.
    fn begin(&self, columns: &[AuditColumn]) -> Result<Box<dyn AuditTable>, Error>;
}

/// A table on its way into a file. What it keeps does not grow with the number of rows.
pub trait AuditTable: Send + Sync {
    /// Adds a row, with a text for each column: an empty one where there is nothing. What there is of the file is added
    /// to `out`.
    ///
    /// Fails for a text that is not what its column says. The table is not whole then.
    fn push(&mut self, cells: &[Cow<'_, str>], out: &mut Vec<u8>) -> Result<(), Error>;

    /// Ends the file. Fails when rows cannot be written.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error>;
}
